//! The logs that the operator trusts: their keys, and the checkpoint that is pinned.

use crate::format::digest::sha256;
use crate::format::note::{self, Checkpoint, Note, NoteSignature};
use crate::trust::key::{self, KeyKind, PublicKey};
use crate::trust::policy::Policy;
use crate::trust::scheme::{Scheme, SchemeSet};
use crate::trust::signature;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Most log keys of one run: each signature of a checkpoint is tried with those whose hash it states.
pub const MAX_LOG_KEYS: usize = 64;

/// The SubjectPublicKeyInfo of Ed25519 up to the key itself (RFC 8410).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key of a log. It signs checkpoints and nothing else: it never counts as a signature of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    /// The key.
    pub key: PublicKey,
    /// The operator's name for the log.
    pub name: Option<String>,
    /// The origin that its checkpoints must have, where the operator says so.
    pub origin: Option<String>,
}

impl LogKey {
    /// Reads a file of keys: as [`key::parse`], or one line `NAME+HASH+KEY` (C2SP `signed-note`, verifier keys), whose name is
    /// the origin.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn parse(untrusted: &[u8]) -> Result<Vec<LogKey>, String> {
        let text = std::str::from_utf8(untrusted).unwrap_or_default().trim();
        if let Some((name, rest)) = text.split_once('+').filter(|_| is_line(text)) {
            return verifier_key(name, rest).map(|key| vec![key]);
        }
        let keys = key::parse(untrusted).map_err(|error| error.to_string())?;
        keys.into_iter().map(|key| LogKey { key, name: None, origin: None }.usable()).collect()
    }

    fn usable(self) -> Result<LogKey, String> {
        match self.key.kind() {
            KeyKind::Ed25519 | KeyKind::EcdsaP256 | KeyKind::EcdsaP384 => Ok(self),
            other => Err(format!("expected a key of a log, which is Ed25519 or ECDSA, found {other}")),
        }
    }

    /// Whether a signature line states the hash of this key: of the name with the key (C2SP `signed-note`), or of its
    /// SubjectPublicKeyInfo, as Rekor version 1 has it for every type of key.
    fn is_meant(&self, line: &NoteSignature) -> bool {
        let of_spki = sha256(self.key.spki_der());
        let of_name = self.key.spki_der().strip_prefix(&ED25519_SPKI).map(|raw| named_hash(&line.name, raw));
        of_spki.starts_with(&line.key_hash) || of_name.is_some_and(|hash| hash.starts_with(&line.key_hash))
    }
}

/// A verifier key is one line of three parts; PEM and JSON are not.
fn is_line(text: &str) -> bool {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(_)) = (parts.next(), parts.next(), parts.next()) else { return false };
    !text.contains('\n') && note::is_key_name(name) && hash.len() == 8 && hash.bytes().all(|c| c.is_ascii_hexdigit())
}

fn verifier_key(name: &str, rest: &str) -> Result<LogKey, String> {
    const EXPECTED: &str = "expected NAME+HASH+KEY, a key name, eight hex digits and base64, found another line";
    let (hash, encoded) = rest.split_once('+').filter(|_| note::is_key_name(name)).ok_or(EXPECTED)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| EXPECTED)?;
    let (spki, computed) = match bytes.split_first() {
        Some((1, raw)) if raw.len() == 32 => ([&ED25519_SPKI[..], raw].concat(), named_hash(name, raw)),
        Some((2, spki)) => (spki.to_vec(), sha256(spki)),
        _ => return Err("expected a key of type 1 (Ed25519) or 2 (ECDSA), found another".into()),
    };
    if computed.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>() != hash {
        return Err("the hash in the line is not that of its name and key: it was changed, or mistyped".into());
    }
    let key = PublicKey::from_spki(&spki, None).map_err(|error| error.to_string())?;
    LogKey { key, name: Some(name.into()), origin: Some(name.into()) }.usable()
}

fn named_hash(name: &str, raw: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(name).chain_update([b'\n', 1]).chain_update(raw).finalize().into()
}

/// A checkpoint that the operator gave: the state of the log that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The note.
    pub note: Note,
    /// What it says.
    pub checkpoint: Checkpoint,
}

impl Pinned {
    /// Reads the file of a pinned checkpoint.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn parse(untrusted: &[u8]) -> Result<Pinned, String> {
        note::parse(untrusted).map(|(note, checkpoint)| Pinned { note, checkpoint })
    }
}

/// What is trusted in receipts.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    /// Keys of logs.
    pub keys: Vec<LogKey>,
    /// The pinned checkpoint.
    pub pinned: Option<Arc<Pinned>>,
}

impl Logs {
    /// Whether the operator gave nothing.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.pinned.is_none()
    }
}

/// What the trusted keys say of a note.
pub(super) enum Judged<'a> {
    /// No key was given.
    NoKey,
    /// The note has no signature.
    Unsigned,
    /// A trusted key signed it.
    Good { log: &'a LogKey, scheme: Scheme, line: &'a NoteSignature },
    /// One sentence.
    Bad(String),
}

/// Judges the signatures of an untrusted note. A line that states the hash of a trusted key has to be good; lines of other
/// keys are nobody's business.
pub(super) fn judge<'a>(untrusted: &'a Note, policy: &'a Policy) -> Judged<'a> {
    let logs = &policy.logs;
    if logs.keys.is_empty() {
        return Judged::NoKey;
    }
    if untrusted.signatures.is_empty() {
        return Judged::Unsigned;
    }
    let (mut good, mut revoked) = (None, None);
    for line in &untrusted.signatures {
        for log in meant(line, logs) {
            if let Some(why) = revocation(log, line, policy) {
                revoked.get_or_insert_with(|| {
                    format!(
                        "expected a signature by a trusted log, found that of {} with the log key {}: {why}",
                        line.name,
                        log.key.fingerprint()
                    )
                });
                continue;
            }
            match verify_line(log, line, untrusted) {
                Ok(scheme) if good.is_none() => good = Some(Judged::Good { log, scheme, line }),
                Ok(_) => {}
                Err(error) => {
                    return Judged::Bad(format!(
                        "the signature of {} does not verify with the log key {}: {error}; the checkpoint was changed, or is \
                         not by this log",
                        line.name,
                        log.key.fingerprint()
                    ));
                }
            }
        }
    }
    good.or_else(|| revoked.map(Judged::Bad)).unwrap_or_else(|| {
        let names: Vec<&str> = untrusted.signatures.iter().map(|line| line.name.as_str()).take(4).collect();
        Judged::Bad(format!(
            "expected a signature by a trusted log, found those of {}, whose key hashes are of no key that was given",
            names.join(", ")
        ))
    })
}

/// The keys whose hash a line states. Of one key that was given twice, the one with an origin counts.
fn meant<'a>(line: &'a NoteSignature, logs: &'a Logs) -> impl Iterator<Item = &'a LogKey> {
    let bound = |log: &LogKey| logs.keys.iter().any(|other| other.origin.is_some() && same_key(other, log));
    logs.keys.iter().filter(move |log| log.is_meant(line) && (log.origin.is_some() || !bound(log)))
}

fn same_key(a: &LogKey, b: &LogKey) -> bool {
    a.key.fingerprint() == b.key.fingerprint()
}

/// Why the key of a log is revoked: by the policy file or by a list, under its fingerprint or a name that it goes by.
fn revocation(log: &LogKey, line: &NoteSignature, policy: &Policy) -> Option<String> {
    let fingerprint = log.key.fingerprint();
    let by_file = policy.keys.terms(fingerprint).and_then(|terms| terms.revoked.as_ref());
    by_file.map(|reason| format!("it is revoked: {reason}")).or_else(|| {
        let names = [log.name.as_deref(), log.key.name(), Some(line.name.as_str())];
        names.into_iter().find_map(|name| policy.keys.revoked_key(fingerprint, name))
    })
}

fn verify_line(log: &LogKey, line: &NoteSignature, untrusted: &Note) -> Result<Scheme, signature::SignatureError> {
    let schemes: SchemeSet =
        [Scheme::Ed25519, Scheme::EcdsaP256Sha256, Scheme::EcdsaP384Sha384, Scheme::EcdsaP384Sha256]
            .into_iter()
            .collect();
    signature::verify_any(&log.key, &schemes, untrusted.text.as_bytes(), &line.bytes)
}

/// Whether one line of an untrusted note is a good signature by a trusted log of this origin.
pub(super) fn vouched(untrusted: &Note, line: &NoteSignature, checkpoint: &Checkpoint, policy: &Policy) -> bool {
    let of_origin = |log: &LogKey| {
        fits_origin(&line.name, &checkpoint.origin)
            && fits_origin(log.origin.as_deref().unwrap_or(&line.name), &checkpoint.origin)
    };
    meant(line, &policy.logs).any(|log| {
        of_origin(log) && revocation(log, line, policy).is_none() && verify_line(log, line, untrusted).is_ok()
    })
}

/// Whether two checkpoints say the same of one log.
pub(super) fn same_state(a: &Checkpoint, b: &Checkpoint) -> bool {
    a.origin == b.origin && a.size == b.size && a.root == b.root
}

/// Whether a checkpoint of `origin` may be by the log or key called `name`: it is the name, or, as Rekor version 1 has it, the
/// name, ` - ` and the decimal id of a tree.
pub(super) fn fits_origin(name: &str, origin: &str) -> bool {
    let tree = origin.strip_prefix(name).and_then(|rest| rest.strip_prefix(" - "));
    name == origin || tree.is_some_and(|id| !id.is_empty() && id.bytes().all(|c| c.is_ascii_digit()))
}
