//! Vulnerability databases of Trivy as they were read, whatever the container: `trivy.db` in bbolt, `trivy-java.db` in SQLite.

use super::bbolt::Meta;
use super::trivy_db::{Finding, Summary};
use super::trivy_java::JavaIndex;

/// The program whose file format a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// bbolt, of Go.
    Bbolt,
    /// SQLite 3.
    Sqlite,
}

impl Engine {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Bbolt => "bbolt",
            Engine::Sqlite => "sqlite",
        }
    }
}

/// The engine whose database an untrusted file is, by its first bytes: SQLite's begin with a text (its file format 1.3.1);
/// those of bbolt with a page of the type meta, whose content begins with a magic number.
pub fn recognise(head: &[u8]) -> Option<Engine> {
    const META: [u8; 2] = [0x04, 0x00];
    const MAGIC: [u8; 4] = [0xED, 0xDA, 0x0C, 0xED];
    if head.starts_with(b"SQLite format 3\0") {
        return Some(Engine::Sqlite);
    }
    (head.get(8..10) == Some(&META[..]) && head.get(16..20) == Some(&MAGIC[..])).then_some(Engine::Bbolt)
}

/// A database that was read, or why it cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Size in bytes.
    pub size: u64,
    /// What it holds, from its first page to its last.
    ///
    /// The error says what is wrong with it.
    pub contents: Result<Contents, String>,
    /// What it says of the vulnerability that was asked for.
    pub finding: Option<Finding>,
}

/// What a database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// A database of bbolt.
    Bbolt {
        /// What describes it.
        meta: Meta,
        /// What is in it, by the schema of Trivy.
        summary: Box<Summary>,
    },
    /// A database of SQLite: an index of Java archives.
    Java(Box<JavaIndex>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_recognised_by_their_first_bytes() {
        let mut page = vec![0; 64];
        page[8] = 4;
        page[16..20].copy_from_slice(&0xED0C_DAED_u32.to_le_bytes());
        assert_eq!(recognise(&page), Some(Engine::Bbolt));
        page[8] = 2;
        assert_eq!(recognise(&page), None);
        assert_eq!(recognise(b"SQLite format 3\0 and more"), Some(Engine::Sqlite));
        for other in [&b""[..], b"SQLite format 3", b"SQLite format 2\0", &[0; 19]] {
            assert_eq!(recognise(other), None);
        }
    }
}
