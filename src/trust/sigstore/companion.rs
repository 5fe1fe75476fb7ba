//! What lies beside a detached signature and says who made it: a certificate or a public key in PEM. Neither is trusted for
//! lying there; of both the report says what they are.

use super::engine;
use crate::format::digest::Sha256Bytes;
use crate::format::time::format_rfc3339;
use crate::trust::check::{self, Check};
use crate::trust::key::{PublicKey, fingerprint};
use crate::trust::pem;
use crate::trust::policy::Policy;
use crate::trust::signature::{self, MessageDigests, SignatureError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Largest such file, in bytes: a certificate of Sigstore's authority has a thousand.
pub const MAX_COMPANION: usize = 64 << 10;

/// A detached signature over the artifact, and the artifact's digest.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The signature document.
    pub name: &'a [u8],
    /// The signature. Untrusted.
    pub signature: &'a [u8],
    /// SHA-256 of the artifact.
    pub sha256: Sha256Bytes,
}

/// The rows about the untrusted file `name`; none where it holds neither a certificate nor a public key.
pub fn rows(untrusted: &[u8], name: &[u8], signed: Option<Signed<'_>>, policy: &Policy) -> Vec<Check> {
    match block(untrusted) {
        Some(block) if block.label == "PUBLIC KEY" => vec![key(&block.der, name, policy)],
        Some(block) if block.label == "CERTIFICATE" => certificate(&block.der, name, signed, policy),
        _ => Vec::new(),
    }
}

/// One block of PEM, in base64 once more where cosign wrote it (`--output-certificate`).
fn block(untrusted: &[u8]) -> Option<pem::Block> {
    if untrusted.len() > MAX_COMPANION {
        return None;
    }
    let decoded = if pem::is_pem(untrusted) { None } else { STANDARD.decode(untrusted.trim_ascii()).ok() };
    pem::blocks(decoded.as_deref().unwrap_or(untrusted)).ok()?.into_iter().next()
}

fn key(spki: &[u8], name: &[u8], policy: &Policy) -> Check {
    let fingerprint = fingerprint(spki);
    let trusted = policy.keys.public().iter().any(|key| key.fingerprint() == fingerprint);
    let detail = if trusted {
        format!("it holds the key {fingerprint}, which you trust by another way; that it lies here adds nothing")
    } else {
        format!("it holds the key {fingerprint}: bundled, not trusted; --key names the keys that you trust")
    };
    Check::skip(check::SIGNATURE_UNREAD, name, detail).with("claimed_fingerprint", fingerprint)
}

fn certificate(der: &[u8], name: &[u8], signed: Option<Signed<'_>>, policy: &Policy) -> Vec<Check> {
    let claims = match engine::claims(der) {
        Ok(claims) => claims,
        Err(why) => {
            let detail = format!("it holds a certificate that cannot be read: {why}; it was not used");
            return vec![Check::skip(check::SIGSTORE_CERTIFICATE, name, detail)];
        }
    };
    let expected = policy.sigstore.as_ref().is_some_and(|trust| trust.name.is_some());
    let fits = signed.and_then(|signed| fits(&claims.spki, &signed));
    let made = match (fits, signed) {
        (Some(true), Some(signed)) => format!("{} fits its key; ", String::from_utf8_lossy(signed.name)),
        _ => String::new(),
    };
    let detail = format!(
        "{made}the time of signing is not proven: the certificate is valid from {} to {}, and neither a log entry nor a timestamp says \
         that it was used then; a Sigstore bundle (cosign sign-blob --bundle) has them",
        format_rfc3339(claims.not_before),
        format_rfc3339(claims.not_after)
    );
    let facts = [
        ("claimed_identity", claims.identity),
        ("claimed_issuer", claims.issuer),
        ("claimed_fingerprint", Some(claims.fingerprint)),
        ("claimed_not_before", Some(format_rfc3339(claims.not_before))),
        ("claimed_not_after", Some(format_rfc3339(claims.not_after))),
    ];
    let row = Check::skip(check::SIGSTORE_CERTIFICATE, name, detail);
    let row =
        facts.into_iter().fold(row, |row, (key, value)| value.into_iter().fold(row, |row, value| row.with(key, value)));
    let foreign = signed.filter(|_| expected && fits == Some(false)).map(|signed| {
        let name = String::from_utf8_lossy(name);
        let detail = format!("it is no signature by the key of the certificate {name} over the input as a whole");
        Check::fail(check::SIGSTORE_SIGNATURE, signed.name, detail)
    });
    [row].into_iter().chain(foreign).collect()
}

/// Whether the signature is by the key; `None` where the digest alone cannot say.
fn fits(spki: &[u8], signed: &Signed<'_>) -> Option<bool> {
    let key = PublicKey::from_spki(spki, None).ok()?;
    let digests = MessageDigests { sha256: signed.sha256, sha384: None };
    let schemes = signature::SchemeSet::default_for_dsse();
    let mut open = false;
    for scheme in schemes.iter().filter(|scheme| scheme.fits(key.kind())) {
        match signature::verify_digest(&key, scheme, &digests, signed.signature) {
            Ok(()) => return Some(true),
            Err(SignatureError::MessageNeeded { .. }) => open = true,
            Err(_) => {}
        }
    }
    (!open).then_some(false)
}
