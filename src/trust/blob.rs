//! Verifying a detached signature over the raw bytes of a file (`cosign sign-blob --key`) against the policy.

use super::check::{self, Check};
use super::envelope::{Authentication, EnvelopeOutcome, EnvelopeProof, keys_behind, weakest_needed};
use super::policy::Policy;
use super::second_opinion;
use super::tally::{Place, Tally};
use super::verified::Verified;
use crate::format::digest::sha256;

/// Verifies the untrusted signature of the document `name` over `message`, the exact bytes of the file that it is about.
///
/// A shared secret is no key of such a signature. Without any public key nothing is verified and the check is skipped.
pub fn verify(untrusted_signature: &[u8], name: &[u8], message: &[u8], policy: &Policy) -> EnvelopeOutcome {
    if policy.keys.public().is_empty() {
        let detail = "no trusted public key was given (--key); the signature was not checked";
        let checks = vec![Check::skip(check::BLOB_SIGNATURE, name, detail)];
        return EnvelopeOutcome { checks, signers: Vec::new(), proof: None };
    }
    let (mut tally, place) = (Tally::default(), Place { document: name, keyid: None, input: "raw-bytes" });
    let found = keys_behind(message, untrusted_signature, policy);
    let public = || found.iter().filter(|found| found.by == Authentication::PublicKey);
    public().for_each(|found| tally.note(found, &place, policy));
    let opinions: Vec<_> = public()
        .filter_map(|found| {
            let key = policy.keys.public().iter().find(|key| key.fingerprint() == found.fingerprint)?;
            Some((found.fingerprint.to_string(), second_opinion::ask(key, found.scheme, message, untrusted_signature)))
        })
        .collect();
    let second = second_opinion::row(name, Ok(&opinions));
    let (count, threshold) = (tally.count(), policy.threshold.get());
    let reached = tally.reaches(policy);
    let refusals = tally.besides();
    let outcome = if reached {
        Ok(format!("{count} of {threshold} required keys, over the raw bytes of the file{refusals}"))
    } else if count > 0 {
        Err(format!("expected {threshold} distinct trusted keys; a file of this form holds one signature{refusals}"))
    } else if tally.only_refused() {
        Err(format!("expected a signature by a trusted key that may sign this, found none{}", tally.only_by()))
    } else {
        Err("it is no signature by a trusted key over these bytes; the file was changed after signing, or another key signed it"
            .into())
    };
    let signers = tally.signers;
    let row = Check::of(check::BLOB_SIGNATURE, name, outcome)
        .with("good_keys", count.to_string())
        .with("threshold", threshold.to_string());
    let proof = (reached && !second.failed()).then(|| {
        let by = weakest_needed(&signers, policy);
        Verified::established(EnvelopeProof { by, payload_sha256: sha256(message) })
    });
    let checks = if opinions.is_empty() { vec![row] } else { vec![row, second] };
    EnvelopeOutcome { checks, signers, proof }
}
