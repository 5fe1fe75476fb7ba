//! What a Trivy Java index (`trivy-java.db`, schema 1) is: an SQLite 3 database with two tables, `artifacts` (group and
//! artifact of Maven) and `indices` (version, SHA-1 and archive type of each file that was published for one).
//!
//! Here are the parts that are values only: the header of the file ([`Header`]), the schema ([`Schema`]), and what is told
//! of an index ([`JavaIndex`]). The file is opened on another floor.
//!
//! Schema: `github.com/aquasecurity/trivy-java-db`, `pkg/db`. File: `sqlite.org/fileformat2.html`. All of it is untrusted.

mod header;
mod schema;

pub use header::{HEADER_BYTES, Header};
pub use schema::{ARTIFACTS, INDICES, Index, Object, Schema, Table};

use super::trivy_db::MAX_TEXT;
use std::collections::BTreeMap;
use std::io;

/// Pages of a database. The published index has about 300,000 of 4 KiB; a check holds a bit for each, 8 MiB in all.
pub const MAX_PAGES: u64 = 1 << 26;
/// Tables, indexes and whatever else a schema may define; Trivy's has five.
pub const MAX_OBJECTS: u64 = 64;
/// Bytes of one row, and of one value in it. Coordinates of Maven have some dozens.
pub const MAX_ROW: u64 = 1 << 20;
/// Bytes of pages that SQLite keeps while it reads.
pub const CACHE: u64 = 8 << 20;
/// Bytes of all memory that SQLite may have, over all databases that are read at once.
pub const MAX_HEAP: u64 = 64 << 20;
/// Steps of SQLite's virtual machine for each byte of the file. The whole reading of an honest index takes a third of one.
pub const STEPS_PER_BYTE: u64 = 4;
/// Steps that are free, for small files.
pub const FREE_STEPS: u64 = 4_000_000;
/// Archive types that are counted one by one; the others are added up. Trivy knows jar, war, ear, par, aar and a few more.
pub const MAX_ARCHIVE_TYPES: usize = 32;
/// Bytes of an archive type that is counted by its name.
pub const MAX_ARCHIVE_TYPE: usize = 64;

/// A Java index that was read from its first page to its last and found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JavaIndex {
    /// What the header of the file says.
    pub header: Header,
    /// Rows of each table: `artifacts`, `indices`, and what SQLite itself added (`sqlite_stat1` and the like).
    pub tables: BTreeMap<String, u64>,
    /// The indexes by name. Every one has been compared with its table.
    pub indexes: BTreeMap<String, Index>,
    /// Rows of `indices` by archive type, untrusted words of at most [`MAX_ARCHIVE_TYPE`] bytes.
    pub archive_types: BTreeMap<String, u64>,
    /// Rows of `indices` of other types, where there are more than [`MAX_ARCHIVE_TYPES`] or their names are longer.
    pub other_archive_types: u64,
    /// Rows of `indices` that name an artifact which is not there: Trivy never finds them.
    pub dangling: u64,
    /// Rows with a value that is not what Trivy writes: no text where text belongs, or a SHA-1 that has not 20 bytes.
    pub malformed: u64,
}

impl JavaIndex {
    /// Rows of the table `artifacts`.
    pub fn artifacts(&self) -> u64 {
        self.tables.get(ARTIFACTS.name).copied().unwrap_or(0)
    }

    /// Rows of the table `indices`.
    pub fn indices(&self) -> u64 {
        self.tables.get(INDICES.name).copied().unwrap_or(0)
    }

    /// Whether Trivy finds a file by its SHA-1 without reading the whole table.
    pub fn is_searchable(&self) -> bool {
        self.indexes.values().any(|index| index.table == INDICES && index.columns == ["sha1"])
    }
}

/// Why a Java index is not read, in sentences.
#[derive(thiserror::Error, Debug)]
pub enum JavaError {
    /// The medium failed: no answer about the database.
    #[error("the database cannot be read: {0}")]
    Medium(io::Error),
    /// The file as a whole is no SQLite database, or not one that all readers would read alike.
    #[error("{0}")]
    Header(String),
    /// A sound database of another use, or one that defines more than an index needs.
    #[error("{0}")]
    Schema(String),
    /// Pages or rows contradict one another.
    #[error("{0}")]
    Damaged(String),
    /// The database is larger, or takes longer to read, than what is read.
    #[error("{0}")]
    Limit(String),
}

impl JavaError {
    /// Whether the medium failed, so that nothing can be said about the database.
    pub fn is_medium(&self) -> bool {
        matches!(self, JavaError::Medium(_))
    }
}

/// Untrusted text as it is put into a message: in quotes, escaped, and no longer than a name has reason to be.
pub fn quoted(untrusted: &str) -> String {
    let end = untrusted.floor_char_boundary(MAX_TEXT / 4);
    let dots = if end < untrusted.len() { "…" } else { "" };
    format!("\"{}{dots}\"", untrusted[..end].escape_debug())
}

#[cfg(test)]
#[path = "trivy_java_tests.rs"]
mod tests;
