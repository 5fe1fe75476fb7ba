//! The two questions that every document answers: did enough keys sign it, and is it still in force.

use super::model::{RoleKeys, Signed, Term};
use super::refusal::Refusal;
use crate::format::digest::unhex;
use crate::format::time::Time;
use crate::trust::{signature, threshold};
use std::collections::BTreeSet;

/// A document that was accepted, for the report and for whoever stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The role.
    pub role: String,
    /// Its version.
    pub version: u64,
    /// When it expires.
    pub expires: Time,
    /// How many distinct keys had to sign.
    pub threshold: usize,
    /// The distinct keys that did.
    pub signers: Vec<RoleSigner>,
}

/// A key that signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSigner {
    /// `sha256:<hex>` of the key.
    pub fingerprint: String,
    /// The id that the metadata gives it: opaque, untrusted text.
    pub keyid: String,
    /// The scheme.
    pub scheme: &'static str,
}

impl Accepted {
    pub(super) fn new(role: &str, term: Term, authority: &RoleKeys, signers: Vec<RoleSigner>) -> Self {
        let (version, expires) = (term.version, term.expires);
        Accepted { role: role.into(), version, expires, threshold: authority.threshold.get(), signers }
    }
}

/// Whether a threshold of distinct keys of `authority` signed `document` (steps 5.3.4, 5.4.2, 5.5.3, 5.6.3).
///
/// Counts key material, whatever the ids. A signature by a key that the role does not name is nobody's business; one that
/// does not verify counts for nothing; an empty one is a place kept free (tuf-on-ci). One key id that signs twice is
/// refused.
pub(super) fn signers<T>(role: &str, document: &Signed<T>, authority: &RoleKeys) -> Result<Vec<RoleSigner>, Refusal> {
    let (mut seen, mut found, mut notes) = (BTreeSet::new(), Vec::<RoleSigner>::new(), Vec::new());
    for (keyid, digits) in &document.signatures {
        let Some(key) = authority.keys.get(keyid) else { continue };
        if digits.is_empty() {
            continue;
        }
        if !seen.insert(keyid) {
            return Err(Refusal::SignedTwice { role: role.into(), keyid: keyid.clone() });
        }
        let verified = key.as_ref().map_err(Clone::clone).and_then(|key| {
            let bytes = unhex(digits).ok_or("the signature is not hex")?;
            let outcome = signature::verify(&key.key, key.scheme, &document.canonical, &bytes);
            outcome.map(|()| key).map_err(|error| error.to_string())
        });
        match verified {
            Ok(key) if found.iter().any(|known| known.fingerprint == key.key.fingerprint()) => {
                notes.push(format!("{keyid}: a key that has signed under another id"));
            }
            Ok(key) => found.push(RoleSigner {
                fingerprint: key.key.fingerprint().into(),
                keyid: keyid.clone(),
                scheme: key.scheme.name(),
            }),
            Err(why) => notes.push(format!("{keyid}: {why}")),
        }
    }
    if threshold::reached(found.iter().map(|signer| signer.fingerprint.as_str()), authority.threshold) {
        return Ok(found);
    }
    notes.truncate(5);
    Err(Refusal::Threshold { role: role.into(), found: found.len(), threshold: authority.threshold.get(), notes })
}

/// Whether `term` is in force at `at`: its end must lie after that (steps 5.3.10, 5.4.4, 5.5.6, 5.6.5).
pub(super) fn in_force(role: &str, term: Term, at: Time) -> Result<(), Refusal> {
    if term.expires > at {
        return Ok(());
    }
    Err(Refusal::Expired { role: role.into(), expires: term.expires, at })
}
