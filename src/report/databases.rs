//! What reports say of Trivy's databases, before it is written in one form or the other.

use super::model::Report;
use crate::bundle::model::{DatabaseType, Trivy, TrivyDatabase};
use crate::format::database::Contents;
use crate::format::trivy_db::{Affected, Finding, Vulnerability};

/// The bucket without which a database of bbolt is not one of vulnerabilities.
const MARKER: &str = "vulnerability";

/// What the databases of an input say of the vulnerability that was asked for. All of it is untrusted.
pub struct Advisory<'a> {
    /// The id as the operator gave it.
    pub id: &'a str,
    /// Paths of the databases of vulnerabilities that were searched.
    pub searched: Vec<&'a [u8]>,
    /// Paths of those that could not be, or that hold no vulnerabilities.
    pub unread: Vec<&'a [u8]>,
    /// The first record of it, a sound one where there is one.
    pub record: Option<&'a Vulnerability>,
    /// Packages that have it, each with the path of its database.
    pub affected: Vec<(&'a [u8], &'a Affected)>,
    /// Packages that are not listed because there are too many.
    pub more: u64,
    /// Records and advisories under this id, or naming it, that cannot be read.
    pub malformed: u64,
}

impl<'a> Advisory<'a> {
    /// What is said of the id that was asked for; `None` where none was.
    pub fn of(report: &Report<'a>) -> Option<Advisory<'a>> {
        let id = report.reading().advisory.as_deref()?;
        let databases = report.reading().bundle.trivy.as_ref().map_or(&[][..], |trivy| &trivy.databases);
        let (mut searched, mut unread, mut findings) = (Vec::new(), Vec::new(), Vec::new());
        for database in databases.iter().filter(|database| type_of(database) != Type::JavaIndex) {
            let path = database.path.as_slice();
            match finding(database) {
                // What holds no vulnerabilities at all says nothing by not having one.
                Some(finding) if type_of(database) == Type::Vulnerabilities => {
                    searched.push(path);
                    findings.push((path, finding));
                }
                _ => unread.push(path),
            }
        }
        let records: Vec<&Vulnerability> =
            findings.iter().filter_map(|(_, found)| found.vulnerability.as_ref()).collect();
        let malformed = records.iter().filter(|record| record.malformed.is_some()).count() as u64;
        let affected =
            findings.iter().flat_map(|(path, found)| found.affected.iter().map(|affected| (*path, affected)));
        Some(Advisory {
            id,
            searched,
            unread,
            record: records.iter().find(|record| record.malformed.is_none()).or(records.first()).copied(),
            affected: affected.collect(),
            more: findings.iter().map(|(_, found)| found.more).sum(),
            malformed: malformed + findings.iter().map(|(_, found)| found.malformed).sum::<u64>(),
        })
    }

    /// Whether any database has or names it, be it in a record that cannot be read.
    pub fn is_found(&self) -> bool {
        self.record.is_some() || !self.affected.is_empty() || self.malformed > 0
    }
}

fn finding(database: &TrivyDatabase) -> Option<&Finding> {
    database.examined.as_ref()?.finding.as_ref()
}

/// What a database turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Vulnerabilities and advisories.
    Vulnerabilities,
    /// Digests of Java archives.
    JavaIndex,
    /// A sound database of another use.
    Other,
}

impl Type {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Type::Vulnerabilities => DatabaseType::Vulnerabilities.name(),
            Type::JavaIndex => DatabaseType::JavaIndex.name(),
            Type::Other => "other",
        }
    }
}

/// What was found; for a database that could not be read, what it should be.
pub fn type_of(database: &TrivyDatabase) -> Type {
    match (database.examined.as_ref().map(|examined| &examined.contents), database.expected) {
        (Some(Ok(Contents::Java(_))), _) => Type::JavaIndex,
        (Some(Ok(Contents::Bbolt { summary, .. })), _) if !summary.buckets.iter().any(|name| name == MARKER) => {
            Type::Other
        }
        (Some(Ok(Contents::Bbolt { .. })), _) | (_, DatabaseType::Vulnerabilities) => Type::Vulnerabilities,
        (_, DatabaseType::JavaIndex) => Type::JavaIndex,
    }
}

/// Whether the report tells of `document` together with a database or an export.
pub fn tells(trivy: &Trivy, document: &[u8]) -> bool {
    let mut metadata = trivy.databases.iter().filter_map(|database| database.metadata.as_ref());
    metadata.any(|(path, _)| path == document)
        || trivy.export.as_ref().is_some_and(|export| export.document == document)
}
