//! Databases of Trivy: which of the one bundle goes with which of the other. What is in them is compared by
//! [`crate::format::trivy_db::compare`], where the files can be read.

use crate::bundle::model::{DatabaseType, Trivy, TrivyDatabase};
use crate::format::database::Contents;
use crate::format::trivy_db::compare::Compared;

/// A database of either side, or of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseChange {
    /// What it has to be.
    pub expected: DatabaseType,
    /// Its path in the old bundle.
    pub old: Option<Vec<u8>>,
    /// Its path in the new bundle.
    pub new: Option<Vec<u8>>,
    /// Its schema, as the metadata beside it state: in the old bundle, and in the new.
    pub schema: (Option<u64>, Option<u64>),
    /// What is in it.
    pub content: Content,
}

/// How the contents of two databases compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Vulnerabilities and advisories, record by record.
    Records(Box<Compared>),
    /// Rows of an index of Java archives: (artifacts, indices of files), old and new.
    Rows((u64, u64), (u64, u64)),
    /// One of them is not there, or could not be read: in one sentence.
    NotCompared(String),
}

impl DatabaseChange {
    /// The databases of both sides in pairs, by what they have to be and in the order of their paths.
    pub fn pairs<'a>(
        old: Option<&'a Trivy>,
        new: Option<&'a Trivy>,
    ) -> Vec<(Option<&'a TrivyDatabase>, Option<&'a TrivyDatabase>)> {
        let mut pairs = Vec::new();
        for wanted in [DatabaseType::Vulnerabilities, DatabaseType::JavaIndex] {
            let of = |trivy: Option<&'a Trivy>| {
                let all = trivy.map_or(&[][..], |trivy| &trivy.databases);
                all.iter().filter(move |database| database.expected == wanted)
            };
            let (mut old, mut new) = (of(old), of(new));
            loop {
                match (old.next(), new.next()) {
                    (None, None) => break,
                    pair => pairs.push(pair),
                }
            }
        }
        pairs
    }

    /// What can be said of a pair without reading the files; `records` compares those that hold records.
    ///
    /// # Errors
    /// Those of `records`.
    pub fn of<E>(
        (old, new): (Option<&TrivyDatabase>, Option<&TrivyDatabase>),
        records: impl FnOnce(&TrivyDatabase, &TrivyDatabase) -> Result<Option<Compared>, E>,
    ) -> Result<Self, E> {
        let schema = |database: Option<&TrivyDatabase>| match &database?.metadata {
            Some((_, Ok(metadata))) => Some(metadata.version),
            _ => None,
        };
        let content = match (old, new) {
            (Some(a), Some(b)) => match (contents(a), contents(b)) {
                (Some(Contents::Bbolt { .. }), Some(Contents::Bbolt { .. })) => match records(a, b)? {
                    Some(compared) => Content::Records(Box::new(compared)),
                    None => Content::NotCompared("one of them was too large to be read again".into()),
                },
                (Some(Contents::Java(a)), Some(Contents::Java(b))) => {
                    Content::Rows((a.artifacts(), a.indices()), (b.artifacts(), b.indices()))
                }
                (Some(_), Some(_)) => Content::NotCompared("they have two formats".into()),
                (None, _) => Content::NotCompared("the old one could not be read".into()),
                (_, None) => Content::NotCompared("the new one could not be read".into()),
            },
            (Some(_), None) => Content::NotCompared("it is gone".into()),
            _ => Content::NotCompared("it is new".into()),
        };
        Ok(DatabaseChange {
            expected: old.or(new).map_or(DatabaseType::Vulnerabilities, |database| database.expected),
            old: old.map(|database| database.path.clone()),
            new: new.map(|database| database.path.clone()),
            schema: (schema(old), schema(new)),
            content,
        })
    }
}

/// What was found in a database that could be read to its last page.
fn contents(database: &TrivyDatabase) -> Option<&Contents> {
    database.examined.as_ref()?.contents.as_ref().ok()
}
