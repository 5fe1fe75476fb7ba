//! How bad vulnerabilities are, looked up for the advisories that are about them.

use super::compare::{MAX_LOOKED_UP, MAX_NAMED, MAX_REMEMBERED};
use super::{Severity, VULNERABILITIES, object};
use crate::format::bbolt::{BoltError, Database, Event, PageSource};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

#[derive(Deserialize)]
struct Rating<'a> {
    #[serde(rename = "Severity", borrow, default)]
    severity: Option<Cow<'a, str>>,
}

/// The severity in the record of a vulnerability.
pub(super) fn rating(untrusted: &[u8]) -> Result<Severity, String> {
    object::<Rating<'_>>(untrusted).map(|rated| Severity::of(rated.severity.as_deref()))
}

/// An erratum, as far as it names vulnerabilities.
#[derive(Deserialize)]
struct Erratum<'a> {
    #[serde(rename = "Entries", borrow, default)]
    entries: Option<Vec<Statement<'a>>>,
}

#[derive(Deserialize)]
struct Statement<'a> {
    #[serde(rename = "Cves", borrow, default)]
    cves: Option<Vec<Cve<'a>>>,
}

#[derive(Deserialize)]
struct Cve<'a> {
    #[serde(rename = "ID", borrow, default)]
    id: Option<Cow<'a, str>>,
}

/// Severities of the vulnerabilities of one database, looked up as they are needed; all at once where many are.
pub(super) struct Ratings<'a, S> {
    database: &'a Database<S>,
    state: RandomState,
    known: HashMap<u64, Option<Severity>>,
    looked_up: u32,
    /// Every vulnerability is among the known ones.
    complete: bool,
}

impl<'a, S: PageSource> Ratings<'a, S> {
    pub(super) fn new(database: &'a Database<S>) -> Self {
        Ratings { database, state: RandomState::new(), known: HashMap::new(), looked_up: 0, complete: false }
    }

    /// How bad the vulnerability is that an untrusted advisory is about; of an erratum the worst of those that it fixes.
    pub(super) fn of_advisory(&mut self, key: &[u8], value: &[u8]) -> Result<Severity, BoltError> {
        if let Some(severity) = self.of(key)? {
            return Ok(severity);
        }
        // Errata have a record of their own only by the vulnerabilities that they fix.
        let Ok(erratum) = object::<Erratum<'_>>(value) else { return Ok(Severity::Unknown) };
        let cves = erratum.entries.iter().flatten().flat_map(|entry| entry.cves.iter().flatten());
        let mut worst = Severity::Unknown;
        for id in cves.filter_map(|cve| cve.id.as_deref()).take(MAX_NAMED) {
            worst = worst.min(self.of(id.as_bytes())?.unwrap_or(Severity::Unknown));
        }
        Ok(worst)
    }

    /// How bad the vulnerability with this id is; `None` where there is no record of it.
    fn of(&mut self, id: &[u8]) -> Result<Option<Severity>, BoltError> {
        // A keyed hash of 64 bits stands for the id: that two of a million are the same does not happen by chance, and
        // cannot be brought about without the key.
        let hash = self.state.hash_one(id);
        if let Some(known) = self.known.get(&hash) {
            return Ok(*known);
        }
        if self.complete {
            return Ok(None);
        }
        self.looked_up = self.looked_up.saturating_add(1);
        if self.looked_up == MAX_LOOKED_UP {
            self.read_all()?;
            return self.of(id);
        }
        let record = self.database.get(&[VULNERABILITIES], id)?;
        let severity = record.map(|record| rating(&record).unwrap_or(Severity::Unknown));
        if self.known.len() < MAX_REMEMBERED {
            self.known.insert(hash, severity);
        }
        Ok(severity)
    }

    /// Goes through all vulnerabilities once: from some thousands on that costs less than to look for each.
    fn read_all(&mut self) -> Result<(), BoltError> {
        let Some(mut cursor) = self.database.cursor_in(VULNERABILITIES)? else { return Ok(()) };
        while let Some(event) = cursor.advance()? {
            let Event::Value(id, record) = event else { continue };
            if self.known.len() >= MAX_REMEMBERED {
                return Ok(());
            }
            let severity = rating(record).unwrap_or(Severity::Unknown);
            self.known.insert(self.state.hash_one(id), Some(severity));
        }
        self.complete = true;
        Ok(())
    }
}
