//! Verifying a JWS against the policy (RFC 7515 section 5.2, RFC 7797, RFC 8725).
//!
//! The algorithm comes from the trusted key and the policy. `alg` of the header can only agree: it has to name a scheme
//! that a trusted key can check and the policy allows, and it is tried with such keys only. So `none` verifies nothing,
//! a public key is never taken for the secret of HS256, and RS256 is no way around a policy that wants PS256. `kid` is
//! repeated as a hint and decides nothing; keys and certificates in the header are not even read.

use super::check::{self, Check};
use super::envelope::{Authentication, EnvelopeOutcome, EnvelopeProof, weakest_needed};
use super::key::PublicKey;
use super::policy::Policy;
use super::signature::{self, Scheme, SchemeSet, SignatureError};
use super::tally::{Found, Place, Tally};
use super::verified::Verified;
use crate::format::digest::{hex, sha256};
use crate::format::jws::Jws;

/// What came out for one JWS: checks, signers and the proof, as for an envelope.
pub type JwsOutcome = EnvelopeOutcome;

/// The signing input in reports, encoded or not.
const INPUT: &str = "jws";

/// Verifies `untrusted` (from the document `name`) over `payload`, the untrusted bytes of the file that it stands for.
///
/// A payload that is attached has to be those bytes. Without any key nothing is verified and the check is skipped,
/// unless the JWS is wrong whatever the key. The outcome has one check, [`check::JWS_SIGNATURE`]. The policy's payload
/// type and legacy signing input are of DSSE and do not matter here.
pub fn verify(untrusted: &Jws, name: &[u8], payload: &[u8], policy: &Policy) -> JwsOutcome {
    let tally = match examine(untrusted, name, payload, policy) {
        Ok(tally) => tally,
        Err(check) => return EnvelopeOutcome { checks: vec![check], signers: Vec::new(), proof: None },
    };
    let (count, wanted, reached) = (tally.count(), policy.threshold.get(), tally.reaches(policy));
    let (refusals, signers) = (tally.besides(), tally.signers);
    let check = if reached {
        let detail = format!("{count} of {wanted} required keys ({}){refusals}", untrusted.alg());
        Check::pass(check::JWS_SIGNATURE, name, detail)
    } else {
        let detail = format!(
            "expected good signatures by {wanted} distinct trusted keys, found {count}: a JWS in compact form carries \
             one signature; ask the sender for a form with more, or require one key{refusals}"
        );
        Check::fail(check::JWS_SIGNATURE, name, detail)
    };
    let check = check.with("alg", untrusted.alg()).with("good_keys", count.to_string());
    let checks = vec![check.with("threshold", wanted.to_string())];
    let proof = reached.then(|| {
        Verified::established(EnvelopeProof { by: weakest_needed(&signers, policy), payload_sha256: sha256(payload) })
    });
    EnvelopeOutcome { checks, signers, proof }
}

/// The keys that signed, at least one; or the check that says why there is none.
fn examine(untrusted: &Jws, name: &[u8], payload: &[u8], policy: &Policy) -> Result<Tally, Check> {
    let fail = |detail: String| Check::fail(check::JWS_SIGNATURE, name, detail).with("alg", untrusted.alg());
    if let Some(attached) = untrusted.payload().filter(|attached| *attached != payload) {
        let detail = format!(
            "expected the signed payload to be the file of {} bytes, found another one of {} bytes: the file was \
             changed after signing, or the signature belongs to another file",
            payload.len(),
            attached.len()
        );
        return Err(fail(detail).with("expected", prefixed(payload)).with("found", prefixed(attached)));
    }
    if untrusted.alg().eq_ignore_ascii_case("none") {
        let detail = "the header says alg none: nobody signed this; ask the sender for a signed document";
        return Err(fail(detail.to_owned()));
    }
    if policy.keys.is_empty() {
        let detail = "no trusted key was given (--key, --hmac-key); the signature was not checked";
        return Err(Check::skip(check::JWS_SIGNATURE, name, detail).with("alg", untrusted.alg()));
    }
    let scheme = scheme(untrusted.alg()).ok_or_else(|| {
        fail(format!("expected alg ES256, ES384, EdDSA, PS256, RS256 or HS256, found {}", untrusted.alg()))
    })?;
    find_signers(untrusted, name, payload, scheme, policy).map_err(fail)
}

/// The scheme that an `alg` names (RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864 section 2.2).
fn scheme(alg: &str) -> Option<Scheme> {
    match alg {
        "ES256" => Some(Scheme::EcdsaP256Sha256Fixed),
        "ES384" => Some(Scheme::EcdsaP384Sha384Fixed),
        "EdDSA" | "Ed25519" => Some(Scheme::Ed25519),
        "PS256" => Some(Scheme::RsaPssSha256),
        "RS256" => Some(Scheme::RsaPkcs1v15Sha256),
        "HS256" => Some(Scheme::HmacSha256),
        _ => None,
    }
}

/// JOSE has ECDSA in the form of fixed length only, so a policy that allows the curve and hash in DER allows it here.
fn alias(scheme: Scheme) -> Option<Scheme> {
    match scheme {
        Scheme::EcdsaP256Sha256Fixed => Some(Scheme::EcdsaP256Sha256),
        Scheme::EcdsaP384Sha384Fixed => Some(Scheme::EcdsaP384Sha384),
        _ => None,
    }
}

/// Whether the set allows the scheme; HMAC is allowed by whoever gives a secret.
fn is_allowed(scheme: Scheme, set: SchemeSet) -> bool {
    scheme == Scheme::HmacSha256 || set.contains(scheme) || alias(scheme).is_some_and(|alias| set.contains(alias))
}

fn find_signers(
    untrusted: &Jws,
    name: &[u8],
    payload: &[u8],
    scheme: Scheme,
    policy: &Policy,
) -> Result<Tally, String> {
    let alg = untrusted.alg();
    let general = std::iter::once(policy.schemes);
    let own = policy.keys.public().iter().map(|key| policy.keys.schemes(key.fingerprint(), policy.schemes));
    if !general.chain(own).any(|set| is_allowed(scheme, set)) {
        return Err(format!("alg {alg} is {scheme}, expected one that the policy allows: {}", policy.schemes));
    }
    let tried = try_keys(untrusted, &untrusted.signing_input(payload), scheme, policy);
    if tried.is_empty() {
        return Err(no_fitting_key(alg, scheme, policy));
    }
    let (mut tally, place) = (Tally::default(), Place { document: name, keyid: untrusted.kid(), input: INPUT });
    let mut refusal = None;
    let count = tried.len();
    for (fingerprint, by, outcome) in tried {
        match outcome {
            Ok(()) => tally.note(&Found { fingerprint, scheme, alias: alias(scheme), by }, &place, policy),
            Err(error) => refusal = Some(error),
        }
    }
    match refusal {
        _ if tally.only_refused() => Err(format!(
            "expected an {alg} signature by a trusted key that may sign this, found none{}",
            tally.only_by()
        )),
        Some(SignatureError::Malformed { .. }) if tally.signers.is_empty() => {
            Err(format!("alg {alg}: {}", refusal.map(|error| error.to_string()).unwrap_or_default()))
        }
        _ if tally.signers.is_empty() => {
            let hint = untrusted.kid().map_or(String::new(), |kid| format!("; the header names key id {kid}"));
            Err(format!(
                "expected a good {alg} signature by a trusted key, found none by the {count} that can check it{hint}; \
                 the content was changed after signing, or another key signed it"
            ))
        }
        _ => Ok(tally),
    }
}

/// Every trusted key that can check the scheme, with what came of it.
fn try_keys<'a>(
    untrusted: &Jws,
    input: &[u8],
    scheme: Scheme,
    policy: &'a Policy,
) -> Vec<(&'a str, Authentication, Result<(), SignatureError>)> {
    let signature = untrusted.signature();
    if scheme == Scheme::HmacSha256 {
        let secrets = policy.keys.secret().iter();
        return secrets
            .map(|key| (key.fingerprint(), Authentication::SharedSecret, signature::verify_hmac(key, input, signature)))
            .collect();
    }
    let fits = |key: &&PublicKey| {
        scheme.fits(key.kind()) && is_allowed(scheme, policy.keys.schemes(key.fingerprint(), policy.schemes))
    };
    let fitting = policy.keys.public().iter().filter(fits);
    fitting
        .map(|key| (key.fingerprint(), Authentication::PublicKey, signature::verify(key, scheme, input, signature)))
        .collect()
}

fn no_fitting_key(alg: &str, scheme: Scheme, policy: &Policy) -> String {
    if scheme == Scheme::HmacSha256 {
        return format!(
            "alg {alg} needs a shared secret (--hmac-key), found public keys only; a public key is never taken for one"
        );
    }
    let mut kinds: Vec<String> = policy.keys.public().iter().map(|key| key.kind().to_string()).collect();
    if !policy.keys.secret().is_empty() {
        kinds.push("shared secret".to_owned());
    }
    kinds.sort();
    kinds.dedup();
    format!("alg {alg} is {scheme}, which no trusted key can check; the keys are of type {}", kinds.join(", "))
}

fn prefixed(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&sha256(bytes)))
}

#[cfg(test)]
mod tests;
