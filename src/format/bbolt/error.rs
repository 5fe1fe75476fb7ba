//! Why a database is not read.

use std::io;

/// Why reading a database stopped, in sentences of our own words and numbers.
#[derive(thiserror::Error, Debug)]
pub enum BoltError {
    /// The medium failed, or the file became shorter while it was read: no answer about the database.
    #[error("the database cannot be read at byte {offset}: {error}")]
    Medium {
        /// In bytes from the start of the database.
        offset: u64,
        /// What the operating system said.
        error: io::Error,
    },
    /// The file as a whole is not a database, or not one that all readers would read alike.
    #[error("{0}")]
    Database(String),
    /// A page is malformed.
    #[error("page {page} {detail}")]
    Page {
        /// Its number, counted from 0.
        page: u64,
        /// What was expected and what was found; the page is the subject of the sentence.
        detail: String,
    },
    /// The database is larger or deeper than what is read.
    #[error("page {page} {detail}")]
    Limit {
        /// Number of the page where the limit was reached.
        page: u64,
        /// The limit and what was found.
        detail: String,
    },
}

impl BoltError {
    /// A defect of one page.
    pub(super) fn page(page: u64, detail: impl Into<String>) -> Self {
        BoltError::Page { page, detail: detail.into() }
    }

    /// A limit that was reached at one page.
    pub(super) fn limit(page: u64, detail: impl Into<String>) -> Self {
        BoltError::Limit { page, detail: detail.into() }
    }

    /// Whether the medium failed, so that nothing can be said about the database.
    pub fn is_medium(&self) -> bool {
        matches!(self, BoltError::Medium { .. })
    }
}
