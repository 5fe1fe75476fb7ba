//! Verifying a DSSE envelope against the policy (DSSE v1 protocol, section "Verification").

use super::check::{self, Check};
use super::policy::{LegacySigning, Policy};
use super::signature::{self, Scheme};
use super::tally::{Found, Place, Tally};
use super::threshold;
use super::verified::Verified;
use crate::format::dsse::Envelope;

/// Bytes that may be hashed for the signatures of one envelope: 32 GiB is half a minute, and 128 signatures of a
/// 100 MiB payload against two keys. Bounds what an attacker can make a verifier do (GHSA-cq38-jh5f-37mq).
const MAX_WORK: u64 = 32 << 30;

/// How whoever signed is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Authentication {
    /// Nobody is known to vouch.
    None,
    /// A shared secret: whoever can check can also forge.
    SharedSecret,
    /// A certificate by an authority that the operator trusts, of the name that the operator gave.
    Certificate,
    /// A public key of the operator.
    PublicKey,
}

impl Authentication {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Authentication::None => "none",
            Authentication::SharedSecret => "shared-secret",
            Authentication::Certificate => "certificate",
            Authentication::PublicKey => "public-key",
        }
    }

    /// Whether nobody who can only check could have signed.
    pub fn is_asymmetric(self) -> bool {
        self >= Authentication::Certificate
    }
}

/// A key of the operator that signed a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The operator's name for the key, from the policy file.
    pub name: Option<String>,
    /// `sha256:<hex>` of the key.
    pub fingerprint: String,
    /// The key id that the signature states: a hint, authenticated by nobody.
    pub keyid: Option<String>,
    /// The scheme that verified.
    pub scheme: &'static str,
    /// The signing input: `pae`, the legacy one that the operator allowed, `raw-bytes` (a file as it lies there),
    /// `canonical-json` (TUF), or `jws`.
    pub input: &'static str,
    /// Public key or shared secret.
    pub by: Authentication,
    /// The document that carries the signature.
    pub document: Vec<u8>,
    /// For a certificate: whose it is.
    pub certificate: Option<CertificateName>,
}

/// The name in a certificate, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateName {
    /// Subject alternative name.
    pub identity: String,
    /// Issuer of the identity.
    pub issuer: String,
}

/// What came out for one envelope.
#[derive(Debug)]
pub struct EnvelopeOutcome {
    /// The checks that were made.
    pub checks: Vec<Check>,
    /// Keys of the operator that signed, in the order of the signatures.
    pub signers: Vec<Signer>,
    /// Proof that enough of them did, over exactly this payload and type.
    pub proof: Option<Verified<EnvelopeProof>>,
}

/// What a verified envelope establishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeProof {
    /// The weakest kind of key that was needed to reach the threshold.
    pub by: Authentication,
    /// SHA-256 of the authenticated payload.
    pub payload_sha256: crate::format::digest::Sha256Bytes,
}

/// Verifies `untrusted` (from the document `name`) against the keys, threshold and payload types of the policy.
///
/// `payload_types` are those of the kind; the policy's own takes their place. Empty and none in the policy: any type.
/// Without any key nothing is verified and the check is skipped.
pub fn verify(untrusted: &Envelope, name: &[u8], payload_types: &[&str], policy: &Policy) -> EnvelopeOutcome {
    let mut checks = vec![payload_type(untrusted, name, payload_types, policy)];
    if policy.keys.is_empty() {
        let detail = "no trusted key was given (--key, --hmac-key); the signatures were not checked";
        checks.push(Check::skip(check::DSSE_SIGNATURE, name, detail));
        return EnvelopeOutcome { checks, signers: Vec::new(), proof: None };
    }
    let (tally, exhausted) = find_signers(untrusted, name, policy);
    checks.push(signature_check(untrusted, name, policy, &tally, exhausted));
    let bound = tally.reaches(policy) && !checks.iter().any(Check::failed);
    let signers = tally.signers;
    let proof = bound.then(|| {
        Verified::established(EnvelopeProof {
            by: weakest_needed(&signers, policy),
            payload_sha256: crate::format::digest::sha256(untrusted.payload()),
        })
    });
    EnvelopeOutcome { checks, signers, proof }
}

/// Whether every single signature of `untrusted` (from the document `name`) is good, by a key of the policy that counts. Where
/// one is not, the envelope holds bytes that nobody trusted vouches for.
#[must_use]
pub fn every_signature_counts(untrusted: &Envelope, name: &[u8], policy: &Policy) -> bool {
    let (inputs, mut work) = (signing_inputs(untrusted, policy), 0u64);
    untrusted.signatures().iter().all(|signature| {
        let Ok(bytes) = &signature.bytes else { return false };
        let mut tally = Tally::default();
        for (input, message) in &inputs {
            work = work.saturating_add(cost(message, policy));
            if work > MAX_WORK {
                return false;
            }
            let place = Place { document: name, keyid: signature.keyid.as_deref(), input };
            keys_behind(message, bytes, policy).iter().for_each(|found| tally.note(found, &place, policy));
        }
        tally.count() > 0
    })
}

/// Bytes that are hashed to try all keys of the policy on one signature.
fn cost(message: &[u8], policy: &Policy) -> u64 {
    (message.len() as u64 + 64) * (2 * policy.keys.public().len() + policy.keys.secret().len()) as u64
}

fn payload_type(envelope: &Envelope, name: &[u8], expected: &[&str], policy: &Policy) -> Check {
    let found = envelope.payload_type();
    let expected: Vec<&str> = policy.payload_type.as_deref().map_or(expected.to_vec(), |named| vec![named]);
    if expected.is_empty() || expected.contains(&found) {
        let detail =
            if expected.is_empty() { format!("{found} (any type is accepted here)") } else { found.to_string() };
        return Check::pass(check::DSSE_PAYLOAD_TYPE, name, detail).with("payload_type", found);
    }
    let detail = format!(
        "expected payloadType {}, found {found}: the signature was made for another kind of document; --payload-type names another type",
        expected.join(" or ")
    );
    Check::fail(check::DSSE_PAYLOAD_TYPE, name, detail).with("payload_type", found)
}

fn signature_check(envelope: &Envelope, name: &[u8], policy: &Policy, tally: &Tally, exhausted: bool) -> Check {
    let (threshold, all, count) = (policy.threshold.get(), envelope.signatures().len(), tally.count());
    let refusals = tally.besides();
    let check = if tally.reaches(policy) {
        let legacy = tally.signers.iter().find(|s| s.input != "pae");
        let how = legacy.map_or(String::new(), |s| {
            format!(", over the non-standard signing input {}, which leaves the payload type unsigned", s.input)
        });
        Check::pass(check::DSSE_SIGNATURE, name, format!("{count} of {threshold} required keys{how}{refusals}"))
    } else if exhausted {
        let detail = "too many signatures for a payload of this size; the work was stopped";
        Check::fail(check::DSSE_SIGNATURE, name, detail)
    } else if tally.only_refused() {
        let detail = format!(
            "expected good signatures by {threshold} trusted keys that may sign this, found none{}",
            tally.only_by()
        );
        Check::fail(check::DSSE_SIGNATURE, name, detail)
    } else {
        let ids: Vec<String> = envelope.signatures().iter().filter_map(|s| s.keyid.clone()).take(4).collect();
        let hint =
            if ids.is_empty() { String::new() } else { format!("; the envelope names key ids {}", ids.join(", ")) };
        let detail = format!(
            "expected good signatures by {threshold} distinct trusted keys, found {count} among {all} signatures{hint}; \
             the content was changed after signing, or other keys signed it{refusals}"
        );
        Check::fail(check::DSSE_SIGNATURE, name, detail)
    };
    check
        .with("signatures", all.to_string())
        .with("good_keys", count.to_string())
        .with("threshold", threshold.to_string())
}

/// Every pair of signature and trusted key that verifies. Hints in the envelope decide nothing.
fn find_signers(envelope: &Envelope, name: &[u8], policy: &Policy) -> (Tally, bool) {
    let inputs = signing_inputs(envelope, policy);
    let (mut tally, mut work) = (Tally::default(), 0u64);
    for untrusted in envelope.signatures() {
        let Ok(bytes) = &untrusted.bytes else { continue };
        for (input, message) in &inputs {
            work = work.saturating_add(cost(message, policy));
            if work > MAX_WORK {
                return (tally, true);
            }
            let place = Place { document: name, keyid: untrusted.keyid.as_deref(), input };
            keys_behind(message, bytes, policy).iter().for_each(|found| tally.note(found, &place, policy));
        }
    }
    (tally, false)
}

/// Every key of the policy that made this signature, whether it counts or not: [`Tally::note`] decides that.
pub(super) fn keys_behind<'a>(message: &[u8], untrusted_signature: &[u8], policy: &'a Policy) -> Vec<Found<'a>> {
    let found = |fingerprint, scheme, by| Found { fingerprint, scheme, alias: None, by };
    let public = policy.keys.public().iter().filter_map(|key| {
        let schemes = policy.keys.schemes(key.fingerprint(), policy.schemes);
        let scheme = signature::verify_any(key, &schemes, message, untrusted_signature).ok()?;
        Some(found(key.fingerprint(), scheme, Authentication::PublicKey))
    });
    let secret = policy.keys.secret().iter().filter_map(|key| {
        signature::verify_hmac(key, message, untrusted_signature).ok()?;
        Some(found(key.fingerprint(), Scheme::HmacSha256, Authentication::SharedSecret))
    });
    public.chain(secret).collect()
}

/// What the signatures of an envelope may be over: the PAE, and what the policy accepts besides.
pub(super) fn signing_inputs<'a>(
    envelope: &'a Envelope,
    policy: &Policy,
) -> Vec<(&'static str, std::borrow::Cow<'a, [u8]>)> {
    let mut inputs = vec![("pae", envelope.pae().into())];
    match policy.legacy_signing {
        Some(mode @ LegacySigning::RawPayload) => inputs.push((mode.name(), envelope.payload().into())),
        Some(mode @ LegacySigning::Base64urlPayload) => inputs.push((mode.name(), envelope.base64url_payload().into())),
        None => {}
    }
    inputs
}

/// Public keys alone reach the threshold, or shared secrets were needed.
pub(super) fn weakest_needed(signers: &[Signer], policy: &Policy) -> Authentication {
    let public = signers.iter().filter(|s| s.by == Authentication::PublicKey).map(|s| s.fingerprint.as_str());
    if threshold::reached(public, policy.threshold) { Authentication::PublicKey } else { Authentication::SharedSecret }
}
