//! Signatures over the input file as a whole (`cosign sign-blob` of an archive): over its raw bytes, however large it is.
//!
//! The digests that were computed while the file was parsed serve where a scheme signs one of them; for the others the file
//! is read a second time ([`Streamed`]). Several signatures of one file are counted together: they are about the same bytes.

use super::check::{self, Check};
use super::envelope::{Authentication, EnvelopeOutcome, EnvelopeProof, Signer, weakest_needed};
use super::key::{KeyKind, PublicKey};
use super::policy::Policy;
use super::second_opinion::{self, Opinion};
use super::signature::{self, MessageDigests, Scheme, SignatureError, StreamedEd25519};
use super::tally::{Found, Place, Tally};
use super::threshold;
use super::verified::Verified;
use crate::format::digest::Sha256Bytes;
use sha2::{Digest as _, Sha256, Sha384};
use std::collections::HashSet;

/// A signature over the input, and the document that carries it. Untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeSignature {
    /// The name of the document beside the input.
    pub name: Vec<u8>,
    /// Whether the operator named it.
    pub named: bool,
    /// The bytes of the signature.
    pub bytes: Vec<u8>,
}

/// What is known of the input as a message: made here only, from bytes that passed by or from a digest of the scan.
#[derive(Debug)]
pub struct Message {
    digests: MessageDigests,
    /// Pairs of signature and Ed25519 key that fit; `None` where the bytes did not pass by.
    streamed: Option<HashSet<(usize, String)>>,
    /// All bytes, where there are few.
    held: Option<Vec<u8>>,
}

impl Message {
    /// An input that is known by the SHA-256 of the very bytes that were parsed.
    pub fn of_digest(sha256: Sha256Bytes) -> Message {
        Message { digests: MessageDigests { sha256, sha384: None }, streamed: None, held: None }
    }

    /// Whether some of the untrusted `signatures` may be good, and can be judged only when all bytes pass by once more.
    pub fn is_lacking(&self, signatures: &[WholeSignature], policy: &Policy) -> bool {
        let tried = |(at, signature): (usize, &WholeSignature)| self.try_keys(at, &signature.bytes, policy);
        signatures.iter().enumerate().map(tried).any(|tried| tried.good.is_empty() && tried.undecided.is_some())
    }

    /// The same with all bytes at hand for the second judge. `false`, and nothing kept, for bytes of another digest.
    pub fn hold(&mut self, bytes: Vec<u8>) -> bool {
        let same = crate::format::digest::sha256(&bytes) == self.digests.sha256;
        self.held = same.then_some(bytes);
        same
    }

    /// What the second judge says of the signature, by each key that made it.
    fn opinions(&self, untrusted: &[u8], tried: &Tried, policy: &Policy) -> Option<Vec<(String, Opinion)>> {
        let message = self.held.as_deref()?;
        let opinion = |(fingerprint, scheme): &(String, Scheme)| {
            let key = policy.keys.public().iter().find(|key| key.fingerprint() == fingerprint)?;
            Some((fingerprint.clone(), second_opinion::ask(key, *scheme, message, untrusted)))
        };
        Some(tried.good.iter().filter_map(opinion).collect())
    }

    /// SHA-256 of the message.
    pub fn sha256(&self) -> Sha256Bytes {
        self.digests.sha256
    }

    /// Tries every trusted public key with every scheme that the policy allows, on the signature at `position`.
    fn try_keys(&self, position: usize, untrusted: &[u8], policy: &Policy) -> Tried {
        let mut tried = Tried::default();
        for key in policy.keys.public() {
            let schemes = policy.keys.schemes(key.fingerprint(), policy.schemes);
            for scheme in schemes.iter().filter(|scheme| scheme.fits(key.kind())) {
                match (self.try_key(position, untrusted, key, scheme), &tried.undecided) {
                    (Ok(()), _) => {
                        tried.good.push((key.fingerprint().to_string(), scheme));
                        break;
                    }
                    (Err(SignatureError::MessageNeeded { scheme }), None) => tried.undecided = Some(scheme),
                    (Err(_), _) => {}
                }
            }
        }
        tried
    }

    fn try_key(&self, at: usize, untrusted: &[u8], key: &PublicKey, scheme: Scheme) -> Result<(), SignatureError> {
        match signature::verify_digest(key, scheme, &self.digests, untrusted) {
            Err(SignatureError::MessageNeeded { scheme: Scheme::Ed25519 }) if self.streamed.is_some() => {
                let fits = |found: &HashSet<_>| found.contains(&(at, key.fingerprint().to_string()));
                if self.streamed.as_ref().is_some_and(fits) { Ok(()) } else { Err(SignatureError::Mismatch) }
            }
            outcome => outcome,
        }
    }
}

/// What the trusted keys say of one signature.
#[derive(Default)]
struct Tried {
    /// Keys that made it, whether they count or not.
    good: Vec<(String, Scheme)>,
    /// A scheme that could not be checked, and in which the bytes may be a signature.
    undecided: Option<Scheme>,
}

/// The input, passing by once more for the schemes for which its SHA-256 is not enough.
pub struct Streamed {
    sha256: Sha256,
    /// Where a key is trusted that may have signed one.
    sha384: Option<Sha384>,
    ed25519: Vec<(usize, String, StreamedEd25519)>,
}

impl Streamed {
    /// Begins, for untrusted `signatures` and the keys of the policy.
    pub fn new(signatures: &[WholeSignature], policy: &Policy) -> Streamed {
        let mut ed25519 = Vec::new();
        for (at, signature) in signatures.iter().enumerate() {
            let tried =
                |key: &&PublicKey| policy.keys.schemes(key.fingerprint(), policy.schemes).contains(Scheme::Ed25519);
            for key in policy.keys.public().iter().filter(tried) {
                if let Ok(begun) = StreamedEd25519::new(key, &signature.bytes) {
                    ed25519.push((at, key.fingerprint().to_string(), begun));
                }
            }
        }
        let p384 = policy.keys.public().iter().any(|key| key.kind() == KeyKind::EcdsaP384);
        Streamed { sha256: Sha256::new(), sha384: p384.then(Sha384::new), ed25519 }
    }

    /// The next bytes of the input.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(sha384) = &mut self.sha384 {
            sha384.update(bytes);
        }
        self.ed25519.iter_mut().for_each(|(_, _, begun)| begun.update(bytes));
    }

    /// What is known of the input now.
    pub fn finish(self) -> Message {
        let digests = MessageDigests {
            sha256: self.sha256.finalize().into(),
            sha384: self.sha384.map(|hasher| hasher.finalize().into()),
        };
        let good = self.ed25519.into_iter().filter_map(|(at, key, begun)| begun.finish().is_ok().then_some((at, key)));
        Message { digests, streamed: Some(good.collect()), held: None }
    }
}

/// Verifies the untrusted `signatures` over `message`; where there is none, the sentence says why.
///
/// A shared secret is no key of such a signature. All of them have to be good, and together they have to reach the
/// threshold; else nothing is proven. What cannot be decided is skipped.
pub fn verify(signatures: &[WholeSignature], message: Result<&Message, &str>, policy: &Policy) -> EnvelopeOutcome {
    let message = match message {
        _ if policy.keys.public().is_empty() => {
            Err("no trusted public key was given (--key); the signature was not checked")
        }
        message => message,
    };
    let message = match message {
        Ok(message) => message,
        Err(why) => {
            let skip =
                |signature: &WholeSignature| named(Check::skip(check::BLOB_SIGNATURE, &signature.name, why), signature);
            return EnvelopeOutcome { checks: signatures.iter().map(skip).collect(), signers: Vec::new(), proof: None };
        }
    };
    let tried: Vec<Tried> =
        signatures.iter().enumerate().map(|(at, s)| message.try_keys(at, &s.bytes, policy)).collect();
    let tallies: Vec<Tally> =
        signatures.iter().zip(&tried).map(|(signature, tried)| tally(signature, tried, policy)).collect();
    let signers = || tallies.iter().flat_map(|tally| &tally.signers);
    let count = threshold::distinct(signers().map(|s| s.fingerprint.as_str()));
    let undecided = tried.iter().any(|tried| tried.good.is_empty() && tried.undecided.is_some());
    let judged = Judged { count, threshold: policy.threshold.get(), undecided };
    let rows = signatures.iter().zip(tried.iter().zip(&tallies));
    let mut checks: Vec<Check> = rows.map(|(signature, (tried, tally))| judged.row(signature, tried, tally)).collect();
    let signers: Vec<Signer> = signers().cloned().collect();
    let second: Vec<Check> = signatures
        .iter()
        .zip(&tried)
        .filter(|(_, tried)| !tried.good.is_empty())
        .map(|(signature, tried)| {
            let opinions = message.opinions(&signature.bytes, tried, policy);
            let limit = second_opinion::MAX_MESSAGE >> 20;
            let why = format!("it needs the whole input in memory, which is done for a file of at most {limit} MiB");
            second_opinion::row(&signature.name, opinions.as_deref().ok_or(&why))
        })
        .collect();
    let all_good = checks.iter().all(|check| check.status == check::Status::Pass) && !second.iter().any(Check::failed);
    checks.extend(second);
    let proof = (all_good && count >= judged.threshold).then(|| {
        let by = weakest_needed(&signers, policy);
        Verified::established(EnvelopeProof { by, payload_sha256: message.sha256() })
    });
    EnvelopeOutcome { checks, signers, proof }
}

/// Which of the keys that made a signature count.
fn tally(signature: &WholeSignature, tried: &Tried, policy: &Policy) -> Tally {
    let (mut tally, place) = (Tally::default(), Place { document: &signature.name, keyid: None, input: "raw-bytes" });
    for (fingerprint, scheme) in &tried.good {
        let found = Found { fingerprint, scheme: *scheme, alias: None, by: Authentication::PublicKey };
        tally.note(&found, &place, policy);
    }
    tally
}

/// A skipped row of a file that the operator named keeps the run from ending well.
fn named(check: Check, signature: &WholeSignature) -> Check {
    check.with("named", signature.named.to_string())
}

/// How all signatures of the input came out together.
struct Judged {
    count: usize,
    threshold: usize,
    undecided: bool,
}

impl Judged {
    fn row(&self, signature: &WholeSignature, tried: &Tried, tally: &Tally) -> Check {
        let Judged { count, threshold, undecided } = *self;
        let (kind, name) = (check::BLOB_SIGNATURE, &signature.name);
        let row = match tried.undecided.filter(|_| tried.good.is_empty()) {
            Some(scheme) => {
                let detail = format!(
                    "it may be a signature in the scheme {scheme}, which needs the input to be read a second time; give \
                     the input as a file"
                );
                named(Check::skip(kind, name, detail), signature)
            }
            None if tried.good.is_empty() => Check::fail(
                kind,
                name,
                "it is no signature by a trusted key over the input file as a whole; the file was changed after \
                 signing, another key signed it, or the signature is that of another file",
            ),
            None if tally.only_refused() => {
                let detail =
                    format!("expected a signature by a trusted key that may sign this, found none{}", tally.only_by());
                Check::fail(kind, name, detail)
            }
            None if count >= threshold => {
                let besides = tally.besides();
                let detail = format!("{count} of {threshold} required keys, over the input file as a whole{besides}");
                Check::pass(kind, name, detail)
            }
            None if undecided => {
                let detail = format!("{count} of {threshold} required keys; other signatures could not be checked");
                named(Check::skip(kind, name, detail), signature)
            }
            None => {
                let detail = format!(
                    "expected {threshold} distinct trusted keys, found {count} with all signatures of the input; \
                     --sidecar names further ones"
                );
                Check::fail(kind, name, detail)
            }
        };
        row.with("good_keys", count.to_string()).with("threshold", threshold.to_string())
    }
}
