//! What a Trivy database (schema 2) means: the buckets of `trivy.db`, and the `metadata.json` beside it.
//!
//! In the root of the database lie
//! - `vulnerability`: for each id (`CVE-…`, `GHSA-…`) a JSON object with title, severity and more;
//! - `data-source`: for each platform a JSON object with id, name and URL of where its advisories come from;
//! - `Red Hat CPE`: tables that Trivy needs for Red Hat's advisories;
//! - for each platform (`debian 12`, `npm::GitHub Security Advisory npm`) a bucket with a bucket for each package, which
//!   has for each vulnerability a JSON object with the versions that have it or fix it.
//!
//! Schema: `github.com/aquasecurity/trivy-db`, `pkg/db` and `pkg/types`. All of it is untrusted. A record that is not
//! what it should be is counted and does not hide the others; text from the database keeps whatever characters it has.

pub mod compare;
mod lookup;
mod metadata;
mod ratings;
mod scanner;
mod summary;

pub use lookup::{Affected, Finding, Vulnerability, advisory};
pub use metadata::{Implausible, Metadata};
pub use scanner::Scanner;
pub use summary::{DataSource, Fault, Platform, Summary};

use super::json;
use serde::Deserialize;

/// Schema of the databases that are understood, and the `Version` of their metadata.
pub const SCHEMA: u64 = 2;
/// `Version` of the metadata of a Java index (`trivy-java.db`).
pub const JAVA_SCHEMA: u64 = 1;
/// Platforms that are counted one by one, and data sources that are listed; the others are added up. Trivy knows some
/// hundreds: each release of each distribution is one.
pub const MAX_PLATFORMS: usize = 4096;
/// Bytes of the name of a platform or package, and of a text that is kept. Longer names of platforms are added up with
/// those over [`MAX_PLATFORMS`], longer texts are cut.
pub const MAX_TEXT: usize = 1024;
/// Packages that are listed for one vulnerability; the rest is counted. One of the kernel has some thousands.
pub const MAX_AFFECTED: usize = 10_000;
/// Bytes of text that are kept of one vulnerability's packages; 10,000 of the usual size have three million.
pub const MAX_FINDING: usize = 16 << 20;
/// Versions that are listed for one package, and other items of lists; the rest is dropped and the list marked.
pub const MAX_VERSIONS: usize = 64;
/// Malformed records that are told one by one; the rest is counted.
pub const MAX_FAULTS: usize = 20;

/// Bucket of vulnerabilities.
const VULNERABILITIES: &[u8] = b"vulnerability";
/// Bucket of data sources.
const DATA_SOURCES: &[u8] = b"data-source";
/// Bucket of tables that are no advisories.
const TABLES: &[u8] = b"Red Hat CPE";

/// How bad, in the words of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// `CRITICAL`.
    Critical,
    /// `HIGH`.
    High,
    /// `MEDIUM`.
    Medium,
    /// `LOW`.
    Low,
    /// `UNKNOWN`, no word, or a word that is not one of these.
    Unknown,
}

impl Severity {
    /// All, worst first.
    pub const ALL: [Severity; 5] =
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Unknown];

    /// The word in the database.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Critical => "CRITICAL",
            Severity::High => "HIGH",
            Severity::Medium => "MEDIUM",
            Severity::Low => "LOW",
            Severity::Unknown => "UNKNOWN",
        }
    }

    /// From an untrusted word.
    fn of(word: Option<&str>) -> Self {
        Severity::ALL.into_iter().find(|severity| Some(severity.name()) == word).unwrap_or(Severity::Unknown)
    }
}

/// The strict JSON object that a record has to be. An array is refused here, because `serde` would take its items for the
/// fields in their order.
fn object<'a, T: Deserialize<'a>>(untrusted: &'a [u8]) -> Result<T, String> {
    let value = json::parse(untrusted).map_err(|why| why.to_string())?;
    let first = untrusted.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'{') { Ok(value) } else { Err("it is no object".into()) }
}

/// At most [`MAX_TEXT`] bytes of `text`, cut between characters.
pub(crate) fn kept(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT)].to_owned()
}

/// The same for a name, whose bytes need not be UTF-8.
fn kept_name(name: &[u8]) -> String {
    kept(&String::from_utf8_lossy(&name[..name.len().min(MAX_TEXT)]))
}

#[cfg(test)]
#[path = "trivy_db_tests.rs"]
mod tests;
