//! Why metadata is not believed.

use crate::format::time::{Time, format_rfc3339};

/// Why a document, or a step, was refused. Role names and quoted pieces are untrusted text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant documents it and its fields")]
pub enum Refusal {
    /// Not TUF metadata of this role.
    #[error("expected {role} metadata, found something else: {why}")]
    Malformed { role: String, why: String },
    /// Too few distinct keys (steps 5.3.4, 5.4.2, 5.5.3, 5.6.3).
    #[error("{role} is signed by {found} of {threshold} required keys{}", in_brackets(.notes))]
    Threshold { role: String, found: usize, threshold: usize, notes: Vec<String> },
    /// The same key id signed twice.
    #[error("{role} carries two signatures by the key id {keyid:?}; one key signs once")]
    SignedTwice { role: String, keyid: String },
    /// Step 5.3.5.
    #[error("expected root version {expected}, found {found}: root versions follow one another without a gap")]
    RootVersion { expected: u64, found: u64 },
    /// Steps 5.4.3, 5.5.5.
    #[error("rollback: {what} has version {found}, and version {trusted} was trusted before")]
    Rollback { what: String, trusted: u64, found: u64 },
    /// Step 5.5.5.
    #[error(
        "the trusted snapshot names {name}, and this one does not: a role must not vanish without new snapshot keys"
    )]
    Vanished { name: String },
    /// Steps 5.5.4, 5.6.4.
    #[error("expected {what} version {expected} as {by} states, found {found}")]
    Version { what: String, by: &'static str, expected: u64, found: u64 },
    /// Steps 5.5.2, 5.6.2.
    #[error("{what} is not the file that {by} states: {why}")]
    Pin { what: String, by: &'static str, why: String },
    /// Steps 5.3.10, 5.4.4, 5.5.6, 5.6.5.
    #[error("{role} expired {}, and the clock of this run says {}", format_rfc3339(*.expires), format_rfc3339(*.at))]
    Expired { role: String, expires: Time, at: Time },
    /// The parent does not know the role.
    #[error("the snapshot does not name {0}.json")]
    NotPinned(String),
    /// Step 5.6.7.
    #[error("no trusted role lists the target")]
    TargetUnknown,
    /// The search through delegations has bounds.
    #[error("gave up the search for the target: {0}")]
    SearchLimit(String),
    /// A name that must not become a file name.
    #[error("unusable name {name:?}: {why}")]
    Name { name: String, why: &'static str },
    /// A form of delegation that this version does not read.
    #[error("{role} delegates by {form}, which this version does not read")]
    Unsupported { role: String, form: &'static str },
    /// Steps were taken out of order: nothing can be said.
    #[error("{0} is needed first")]
    Order(&'static str),
    /// Our own rules hold and those of the engine do not.
    #[error("the second judge (sigstore-tuf) refuses {role}: {why}")]
    Engine { role: String, why: String },
}

impl Refusal {
    /// The facts of the message, for machines.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Refusal::Threshold { found, threshold, .. } => {
                vec![("signed", found.to_string()), ("threshold", threshold.to_string())]
            }
            Refusal::RootVersion { expected, found } | Refusal::Version { expected, found, .. } => {
                vec![("expected", expected.to_string()), ("found", found.to_string())]
            }
            Refusal::Rollback { trusted, found, .. } => {
                vec![("trusted", trusted.to_string()), ("found", found.to_string())]
            }
            Refusal::Expired { expires, .. } => vec![("expires", format_rfc3339(*expires))],
            _ => Vec::new(),
        }
    }
}

fn in_brackets(notes: &[String]) -> String {
    if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) }
}
