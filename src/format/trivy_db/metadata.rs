//! `metadata.json` beside a database: its schema, and how old it may become.

use super::{SCHEMA, kept};
use crate::format::json;
use crate::format::time::{Time, format_rfc3339, parse_rfc3339};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// What Go writes for a date that was never set.
const NEVER: &str = "0001-01-01T00:00:00Z";
/// Unknown fields that are named; Trivy writes four fields in all.
const MAX_UNKNOWN: usize = 16;

/// What is said about a database, by whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Schema of the database: [`SCHEMA`], or [`super::JAVA_SCHEMA`] for a Java index.
    pub version: u64,
    /// When it was built; `None` where the date was never set.
    pub updated_at: Option<Time>,
    /// When a newer one is expected; `None` where the date was never set.
    pub next_update: Option<Time>,
    /// When Trivy downloaded it; `None` where that did not happen, as in a published database.
    pub downloaded_at: Option<Time>,
    /// The first names of fields that Trivy does not write, in byte order.
    pub unknown: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    version: u64,
    next_update: String,
    updated_at: String,
    #[serde(default)]
    downloaded_at: Option<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, serde::de::IgnoredAny>,
}

/// Why metadata cannot be true, or does not fit the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Implausible {
    /// Another schema than that of the database.
    Version {
        /// What the metadata state.
        stated: u64,
        /// What the database is.
        expected: u64,
    },
    /// Built in the future.
    UpdatedInFuture(Time),
    /// Downloaded in the future.
    DownloadedInFuture(Time),
    /// The next update does not come after this one.
    NextBeforeUpdate {
        /// When a newer one is expected.
        next: Time,
        /// When this one was built.
        updated: Time,
    },
    /// Downloaded before it was built.
    DownloadedBeforeUpdate {
        /// When it was downloaded.
        downloaded: Time,
        /// When it was built.
        updated: Time,
    },
    /// The date of this field was never set, so the age cannot be told. Java indexes have none.
    NotDated(&'static str),
}

impl fmt::Display for Implausible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = |time: &Time| format_rfc3339(*time);
        match self {
            Implausible::Version { stated, expected } => {
                write!(f, "Version is {stated}, expected {expected} for this database")
            }
            Implausible::UpdatedInFuture(time) => write!(f, "UpdatedAt {} lies in the future", date(time)),
            Implausible::DownloadedInFuture(time) => write!(f, "DownloadedAt {} lies in the future", date(time)),
            Implausible::NextBeforeUpdate { next, updated } => {
                write!(f, "NextUpdate {} does not come after UpdatedAt {}", date(next), date(updated))
            }
            Implausible::DownloadedBeforeUpdate { downloaded, updated } => {
                write!(f, "DownloadedAt {} comes before UpdatedAt {}", date(downloaded), date(updated))
            }
            Implausible::NotDated(field) => write!(f, "{field} is not set; expected a date"),
        }
    }
}

impl Metadata {
    /// Reads untrusted metadata: strict JSON with `Version`, `UpdatedAt` and `NextUpdate`, the dates in RFC 3339.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(untrusted: &[u8]) -> Result<Self, String> {
        let raw: Raw = json::parse(untrusted).map_err(|why| format!("the metadata are not as expected: {why}"))?;
        let date = |field: &str, text: &str| {
            if text == NEVER {
                Ok(None)
            } else {
                parse_rfc3339(text).map(Some).map_err(|why| format!("{field}: {why}"))
            }
        };
        Ok(Metadata {
            version: raw.version,
            updated_at: date("UpdatedAt", &raw.updated_at)?,
            next_update: date("NextUpdate", &raw.next_update)?,
            downloaded_at: date("DownloadedAt", raw.downloaded_at.as_deref().unwrap_or(NEVER))?,
            unknown: raw.unknown.keys().take(MAX_UNKNOWN).map(|name| kept(name)).collect(),
        })
    }

    /// What of it cannot be true at the time `at`, for a database of schema `expected`. Age is another matter: see
    /// [`Metadata::overdue_seconds`].
    pub fn implausible(&self, expected: u64, at: Time) -> Vec<Implausible> {
        let mut found = Vec::new();
        if self.version != expected {
            found.push(Implausible::Version { stated: self.version, expected });
        }
        // The index of Java archives is published without dates.
        if expected == SCHEMA {
            let dates = [("UpdatedAt", self.updated_at), ("NextUpdate", self.next_update)];
            found
                .extend(dates.iter().filter(|(_, date)| date.is_none()).map(|(field, _)| Implausible::NotDated(field)));
        }
        found.extend(self.updated_at.filter(|time| *time > at).map(Implausible::UpdatedInFuture));
        found.extend(self.downloaded_at.filter(|time| *time > at).map(Implausible::DownloadedInFuture));
        if let Some(updated) = self.updated_at {
            let next = self.next_update.filter(|next| *next <= updated);
            found.extend(next.map(|next| Implausible::NextBeforeUpdate { next, updated }));
            let downloaded = self.downloaded_at.filter(|downloaded| *downloaded < updated);
            found.extend(downloaded.map(|downloaded| Implausible::DownloadedBeforeUpdate { downloaded, updated }));
        }
        found
    }

    /// Seconds from `NextUpdate` to `at`; negative before it, `None` where it is not set.
    pub fn overdue_seconds(&self, at: Time) -> Option<i64> {
        self.next_update.map(|next| crate::format::time::age_seconds(next, at))
    }
}
