//! Verifying a detached signature over the raw bytes of a file (`cosign sign-blob --key`) against the policy.

use super::check::{self, Check};
use super::envelope::{EnvelopeOutcome, EnvelopeProof, Signer, keys_behind, weakest_needed};
use super::policy::Policy;
use super::signature::Scheme;
use super::threshold;
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
    let found = keys_behind(message, untrusted_signature, policy).into_iter();
    let public = found.filter(|(_, scheme, _)| *scheme != Scheme::HmacSha256);
    let signers: Vec<Signer> = public
        .map(|(fingerprint, scheme, by)| Signer {
            fingerprint,
            keyid: None,
            scheme: scheme.name(),
            input: "raw-bytes",
            by,
            document: name.to_vec(),
        })
        .collect();
    let (count, threshold) =
        (threshold::distinct(signers.iter().map(|s| s.fingerprint.as_str())), policy.threshold.get());
    let reached = count >= threshold;
    let outcome = if reached {
        Ok(format!("{count} of {threshold} required keys, over the raw bytes of the file"))
    } else if count > 0 {
        Err(format!("expected {threshold} distinct trusted keys; a file of this form holds one signature"))
    } else {
        Err("it is no signature by a trusted key over these bytes; the file was changed after signing, or another key signed it"
            .into())
    };
    let row = Check::of(check::BLOB_SIGNATURE, name, outcome)
        .with("good_keys", count.to_string())
        .with("threshold", threshold.to_string());
    let proof = reached.then(|| {
        let by = weakest_needed(&signers, policy);
        Verified::established(EnvelopeProof { by, payload_sha256: sha256(message) })
    });
    EnvelopeOutcome { checks: vec![row], signers, proof }
}
