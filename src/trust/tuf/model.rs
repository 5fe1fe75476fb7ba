//! What TUF metadata says, in types that cannot hold nonsense (specification 1.0, section 4).

use super::engine::Patterns;
use super::keys::RoleKey;
use crate::format::digest::{Digest, Digests, sha256, sha512, unhex};
use crate::format::time::Time;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// Highest version that is believed: 2^53 - 1, the largest integer that every JSON reader agrees about (RFC 7493
/// section 2.2). Date-like versions (20261120235959) fit. Without a bound, one stolen timestamp key and version 2^63 - 1
/// would keep a store from ever accepting an honest successor.
pub const MAX_VERSION: u64 = (1 << 53) - 1;

/// A document with what its signatures cover.
#[derive(Debug, Clone)]
pub(super) struct Signed<T> {
    pub(super) value: T,
    /// The canonical form of `signed`, as the engine kept it while reading.
    pub(super) canonical: Vec<u8>,
    /// Key id and hex digits.
    pub(super) signatures: Vec<(String, String)>,
}

/// Who may sign a role.
#[derive(Debug, Clone)]
pub(super) struct RoleKeys {
    /// By declared key id; ids are opaque and compared as they are.
    pub(super) keys: BTreeMap<String, RoleKey>,
    pub(super) threshold: NonZeroUsize,
}

/// Version and expiry, which every role has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) version: u64,
    pub(super) expires: Time,
}

#[derive(Debug, Clone)]
pub(super) struct Root {
    pub(super) term: Term,
    pub(super) consistent_snapshot: bool,
    pub(super) root: RoleKeys,
    pub(super) timestamp: RoleKeys,
    pub(super) snapshot: RoleKeys,
    pub(super) targets: RoleKeys,
}

#[derive(Debug, Clone)]
pub(super) struct Timestamp {
    pub(super) term: Term,
    pub(super) snapshot: Pin,
}

#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) term: Term,
    /// By file name: `targets.json`, `role.json`.
    pub(super) meta: BTreeMap<String, Pin>,
}

/// Top-level or delegated targets metadata.
#[derive(Debug, Clone)]
pub(super) struct Targets {
    pub(super) term: Term,
    /// A target whose digests cannot be read is refused when it is asked for.
    pub(super) targets: BTreeMap<String, Result<TargetFile, String>>,
    /// In the order of the document, which is the order of priority.
    pub(super) delegations: Vec<Delegation>,
    /// Hash-bin delegations in the short form (TAP 15).
    pub(super) succinct: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Delegation {
    pub(super) role: String,
    pub(super) keys: RoleKeys,
    pub(super) terminating: bool,
    pub(super) patterns: Patterns,
}

/// What a parent states about a metadata file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Its version.
    pub version: u64,
    /// Its exact length in bytes, where stated.
    pub length: Option<u64>,
    /// Its digests, where stated.
    pub hashes: Option<Hashes>,
}

impl Pin {
    /// How many bytes of the file may be read: the stated length or `otherwise`.
    pub fn limit(&self, otherwise: u64) -> u64 {
        self.length.unwrap_or(otherwise).min(super::MAX_STATED)
    }

    /// Length and digests, where stated.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), String> {
        if let Some(expected) = self.length.filter(|length| *length != bytes.len() as u64) {
            return Err(format!("expected {expected} bytes, found {}", bytes.len()));
        }
        self.hashes.as_ref().map_or(Ok(()), |hashes| hashes.check_bytes(bytes))
    }
}

/// Digests that a document states of one file; at least one is of an algorithm that we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    known: Vec<Digest>,
}

impl Hashes {
    /// From algorithm and hex digits. Unknown algorithms are passed over, malformed digests of known ones are not.
    pub(super) fn new(untrusted: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut known = Vec::new();
        for (algorithm, digits) in untrusted {
            let bytes = || unhex(digits).ok_or_else(|| format!("the {algorithm} digest {digits:?} is not hex"));
            let length = |_| format!("the {algorithm} digest has {} hex digits", digits.len());
            match algorithm.as_str() {
                "sha256" => known.push(Digest::Sha256(bytes()?.try_into().map_err(length)?)),
                "sha512" => known.push(Digest::Sha512(bytes()?.try_into().map_err(|b: Vec<u8>| length(b))?)),
                _ => {}
            }
        }
        if known.is_empty() {
            let names: Vec<&str> = untrusted.keys().map(String::as_str).collect();
            return Err(format!("expected a sha256 or sha512 digest, found {}", names.join(", ")));
        }
        Ok(Hashes { known })
    }

    /// The digests; SHA-256 before SHA-512.
    pub fn known(&self) -> &[Digest] {
        &self.known
    }

    /// Whether SHA-512 has to be computed.
    pub fn needs_sha512(&self) -> bool {
        self.known.iter().any(|digest| matches!(digest, Digest::Sha512(_)))
    }

    /// Compares all of them with digests that were computed.
    pub fn check(&self, found: &Digests) -> Result<(), String> {
        for expected in &self.known {
            let found = match expected {
                Digest::Sha256(_) => Some(Digest::Sha256(found.sha256)),
                Digest::Sha512(_) => found.sha512.as_deref().map(|bytes| Digest::Sha512(*bytes)),
            };
            match found {
                Some(found) if found == *expected => {}
                Some(found) => return Err(format!("expected {}, found {}", expected.prefixed(), found.prefixed())),
                None => return Err(format!("expected {}, and it was not computed", expected.prefixed())),
            }
        }
        Ok(())
    }

    fn check_bytes(&self, bytes: &[u8]) -> Result<(), String> {
        let sha512 = self.needs_sha512().then(|| Box::new(sha512(bytes)));
        self.check(&Digests { sha256: sha256(bytes), sha512 })
    }
}

/// What a trusted role states about a target file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFile {
    /// Its exact length in bytes.
    pub length: u64,
    /// Its digests.
    pub hashes: Hashes,
}

/// What verified top-level targets metadata lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopLevel {
    /// Its version.
    pub version: u64,
    /// When it expires.
    pub expires: Time,
    /// Length and digests by name; names are text that the repository chose, never paths.
    pub files: BTreeMap<String, TargetFile>,
    /// Targets without a digest that can be compared, by name, with the reason.
    pub unreadable: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::digest::hex;

    fn map(rows: &[(&str, String)]) -> BTreeMap<String, String> {
        rows.iter().map(|(name, digits)| (name.to_string(), digits.clone())).collect()
    }

    #[test]
    fn every_known_digest_counts_and_one_is_needed() {
        let (short, long) = (hex(&sha256(b"x")), hex(&sha512(b"x")));
        let both = Hashes::new(&map(&[("sha512", long.clone()), ("sha256", short.clone())])).unwrap();
        assert!(both.needs_sha512() && both.check_bytes(b"x").is_ok() && both.check_bytes(b"y").is_err());
        let wrong = Hashes::new(&map(&[("sha256", short.clone()), ("sha512", hex(&sha512(b"y")))])).unwrap();
        assert!(wrong.check_bytes(b"x").unwrap_err().contains("sha512"));
        assert!(Hashes::new(&map(&[])).is_err());
        assert!(Hashes::new(&map(&[("md5", "00".into())])).is_err());
        assert!(Hashes::new(&map(&[("sha256", "../x".into())])).is_err());
        assert!(Hashes::new(&map(&[("sha256", short.to_uppercase()), ("crc", "1".into())])).is_ok());
    }
}
