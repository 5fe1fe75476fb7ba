//! What a database holds, in numbers.

use super::{
    DATA_SOURCES, MAX_FAULTS, MAX_PLATFORMS, MAX_TEXT, Severity, TABLES, VULNERABILITIES, kept, kept_name, object,
};
use crate::format::bbolt::{BoltError, Database, Event, PageSource, Walked};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What a database holds. Names are those of the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Names of the buckets in the root, in their order; at most [`MAX_PLATFORMS`], `walked.top_buckets` counts them.
    pub buckets: Vec<String>,
    /// Vulnerabilities, by severity.
    pub vulnerabilities: BTreeMap<Severity, u64>,
    /// What there is for each platform, by its name.
    pub platforms: BTreeMap<String, Platform>,
    /// Platforms over [`MAX_PLATFORMS`] or with a name over [`MAX_TEXT`] bytes: how many.
    pub more_platforms: u64,
    /// What there is for those together.
    pub others: Platform,
    /// Where the advisories of a platform come from, by the name of the platform.
    pub data_sources: BTreeMap<String, DataSource>,
    /// Data sources over the same limits: how many.
    pub more_data_sources: u64,
    /// Entries of the tables for Red Hat's advisories.
    pub table_entries: u64,
    /// Values that lie where this schema has none: in the root, or in a platform outside of any package, or deeper.
    pub misplaced: u64,
    /// Records that are not what they should be: how many.
    pub malformed: u64,
    /// The first [`MAX_FAULTS`] of both, in the order of the database.
    pub faults: Vec<Fault>,
    /// Everything that the walk counted; the whole database was read.
    pub walked: Walked,
}

/// What there is for one platform or ecosystem.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Platform {
    /// Packages.
    pub packages: u64,
    /// Advisories: one for each package and vulnerability.
    pub advisories: u64,
}

/// Where advisories come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataSource {
    /// A short name such as `debian`; empty in some older databases.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// Where it is published. Nothing is fetched from there.
    pub url: String,
}

impl DataSource {
    /// An untrusted record of the bucket `data-source`.
    pub(super) fn read(untrusted: &[u8]) -> Result<Self, String> {
        let found: Source<'_> = object(untrusted)?;
        Ok(DataSource { id: kept(&found.id), name: kept(&found.name), url: kept(&found.url) })
    }
}

/// One record that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The buckets in which it lies, outermost first.
    pub buckets: Vec<String>,
    /// Its key.
    pub key: String,
    /// What was expected and found.
    pub detail: String,
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(rename = "ID", borrow, default)]
    id: Cow<'a, str>,
    #[serde(rename = "Name", borrow, default)]
    name: Cow<'a, str>,
    #[serde(rename = "URL", borrow, default)]
    url: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Rated<'a> {
    #[serde(rename = "Severity", borrow, default)]
    severity: Option<Cow<'a, str>>,
}

/// An object of any content.
#[derive(Deserialize)]
struct Object {}

impl Summary {
    /// Reads the whole database, which also proves that each of its pages is sound.
    ///
    /// # Errors
    /// As [`Database::walk`]. A record that is malformed is no error, it is counted.
    pub fn of<S: PageSource>(database: &Database<S>) -> Result<Self, BoltError> {
        let mut summary = Summary::default();
        let mut path: Vec<String> = Vec::new();
        // The whole name decides which bucket it is, not what of it is kept.
        let mut top = Top::Platform;
        summary.walked = database.walk(|event| {
            match event {
                Event::Enter(name) => {
                    path.push(kept_name(name));
                    if path.len() == 1 {
                        if summary.buckets.len() < MAX_PLATFORMS {
                            summary.buckets.push(kept_name(name));
                        }
                        top = summary.top(name);
                    } else if path.len() == 2 && top == Top::Platform {
                        summary.platform(&path[0]).packages += 1;
                    } else if path.len() == 2 && top == Top::Other {
                        summary.others.packages += 1;
                    }
                }
                Event::Value(key, value) => summary.value(top, &path, key, value),
                Event::Leave => {
                    path.pop();
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(summary)
    }

    /// Vulnerabilities of any severity.
    pub fn vulnerability_count(&self) -> u64 {
        self.vulnerabilities.values().sum()
    }

    /// Advisories of all platforms.
    pub fn advisory_count(&self) -> u64 {
        self.platforms.values().map(|platform| platform.advisories).sum::<u64>() + self.others.advisories
    }

    fn top(&mut self, name: &[u8]) -> Top {
        match name {
            VULNERABILITIES => Top::Vulnerabilities,
            DATA_SOURCES => Top::DataSources,
            TABLES => Top::Tables,
            _ if self.platforms.len() >= MAX_PLATFORMS
                || name.len() > MAX_TEXT
                || std::str::from_utf8(name).is_err() =>
            {
                self.more_platforms += 1;
                Top::Other
            }
            _ => {
                self.platform(&kept_name(name));
                Top::Platform
            }
        }
    }

    fn platform(&mut self, name: &str) -> &mut Platform {
        self.platforms.entry(name.to_owned()).or_default()
    }

    fn value(&mut self, top: Top, path: &[String], key: &[u8], value: &[u8]) {
        match (top, path) {
            (Top::Vulnerabilities, [_]) => self.vulnerability(path, key, value),
            (Top::DataSources, [_]) => self.data_source(path, key, value),
            (Top::Tables, [_, ..]) => self.table_entries += 1,
            (Top::Platform, [platform, _]) => {
                self.platform(platform).advisories += 1;
                self.advisory(path, key, value);
            }
            (Top::Other, [_, _]) => {
                self.others.advisories += 1;
                self.advisory(path, key, value);
            }
            _ => {
                self.misplaced += 1;
                self.tell(path, key, "has no place in a database of schema 2: values lie in packages of platforms");
            }
        }
    }

    fn vulnerability(&mut self, path: &[String], key: &[u8], value: &[u8]) {
        let severity = match object::<Rated<'_>>(value) {
            Ok(rated) => Severity::of(rated.severity.as_deref()),
            Err(why) => {
                self.bad(path, key, &format!("expected a vulnerability as a JSON object: {why}"));
                Severity::Unknown
            }
        };
        *self.vulnerabilities.entry(severity).or_default() += 1;
    }

    fn data_source(&mut self, path: &[String], key: &[u8], value: &[u8]) {
        let source = match DataSource::read(value) {
            Ok(found) => found,
            Err(why) => {
                self.bad(path, key, &format!("expected a data source with ID, Name and URL: {why}"));
                return;
            }
        };
        if self.data_sources.len() >= MAX_PLATFORMS || key.len() > MAX_TEXT {
            self.more_data_sources += 1;
        } else {
            self.data_sources.insert(kept_name(key), source);
        }
    }

    fn advisory(&mut self, path: &[String], key: &[u8], value: &[u8]) {
        if let Err(why) = object::<Object>(value) {
            self.bad(path, key, &format!("expected an advisory as a JSON object: {why}"));
        }
    }

    fn bad(&mut self, path: &[String], key: &[u8], detail: &str) {
        self.malformed += 1;
        self.tell(path, key, detail);
    }

    fn tell(&mut self, path: &[String], key: &[u8], detail: &str) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault { buckets: path.to_vec(), key: kept_name(key), detail: detail.to_owned() });
        }
    }
}

/// What a bucket in the root is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    Vulnerabilities,
    DataSources,
    Tables,
    Platform,
    /// A platform that is counted with others.
    Other,
}
