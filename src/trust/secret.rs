//! Shared secrets for HMAC.
//!
//! The danger is not the arithmetic but the confusion of keys: where a public key is used as the secret,
//! everybody can make the tags, because everybody has the public key. A secret is therefore a type of its
//! own, never comes out of [`super::key::parse`], and bytes that look like any kind of key are refused.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{key, pem, spki};

/// Smallest secret, in bytes: 128 bits, the least that NIST SP 800-107 rev. 1 section 5.3.4 lets a key offer.
pub const MIN_SECRET_BYTES: usize = 16;

/// Largest secret, in bytes. HMAC hashes longer keys down to 32 bytes; more is a file named by mistake.
pub const MAX_SECRET_BYTES: usize = 4096;

/// Why bytes are not taken as a shared secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant documents it and its fields")]
pub enum SecretError {
    #[error(
        "expected a shared secret of {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes, found {found}; \
         give the file with the raw bytes of the secret"
    )]
    Length { found: usize },
    #[error(
        "expected the raw bytes of a shared secret, found {found}; \
         a public key as a secret would let everybody sign: give it with --key instead"
    )]
    LooksLikeKey { found: &'static str },
}

/// A shared secret. Its bytes are wiped when it is dropped and shown by nothing.
pub struct SecretKey {
    bytes: Zeroizing<Vec<u8>>,
    fingerprint: String,
}

impl SecretKey {
    /// Takes the raw bytes of a secret as they lie in its file; nothing is decoded, nothing trimmed (a
    /// newline at the end belongs to the secret).
    ///
    /// The bytes are copied: wiping the original is the caller's business.
    ///
    /// # Errors
    /// [`SecretError::Length`] outside of 16 to 4096 bytes, [`SecretError::LooksLikeKey`] for bytes that are
    /// a key or a certificate in PEM, DER, JWK, OpenSSH or bare base64 form, or an uncompressed point of
    /// P-256 or P-384. A bare Ed25519 public key cannot be told from a secret of 32 bytes.
    pub fn from_bytes(untrusted: &[u8]) -> Result<Self, SecretError> {
        if !(MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&untrusted.len()) {
            return Err(SecretError::Length { found: untrusted.len() });
        }
        match key_form(untrusted) {
            Some(found) => Err(SecretError::LooksLikeKey { found }),
            None => Ok(Self { bytes: Zeroizing::new(untrusted.to_vec()), fingerprint: key::fingerprint(untrusted) }),
        }
    }

    /// `sha256:` and 64 lower-case hex digits: the SHA-256 of the raw bytes.
    ///
    /// Names the secret in reports. For a secret that can be guessed, such as a pass phrase, it confirms the
    /// guess.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether the tag is the HMAC-SHA256 of the message (RFC 2104), compared in constant time.
    pub(crate) fn authenticates(&self, message: &[u8], untrusted_tag: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.bytes);
        hmac::verify(&key, message, untrusted_tag).is_ok()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").finish_non_exhaustive()
    }
}

/// The form of key that the bytes have, supported and well-formed or not.
fn key_form(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.trim_ascii();
    if pem::is_pem(bytes) {
        return Some("a PEM block");
    }
    if key::is_openssh(text) {
        return Some("an OpenSSH public key");
    }
    if is_json_key(text) {
        return Some("a JSON key");
    }
    if spki::shape(bytes).is_some() || spki::shape(text).is_some() {
        return Some("a DER key or certificate");
    }
    if is_curve_point(bytes) {
        return Some("a bare public key");
    }
    let unwrapped: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let decoded = Zeroizing::new(STANDARD.decode(Zeroizing::new(unwrapped).as_slice()).ok()?);
    spki::shape(&decoded).map(|_| "a DER key in base64")
}

/// Any JSON object that names a key type: JWK, JWK set, and the keys of TUF metadata.
fn is_json_key(text: &[u8]) -> bool {
    match serde_json::from_slice(text) {
        Ok(serde_json::Value::Object(members)) => {
            ["kty", "keys", "keytype", "keyval"].iter().any(|name| members.contains_key(*name))
        }
        _ => false,
    }
}

/// An uncompressed point on one of the curves (SEC 1 section 2.3.3), as TUF and JWK tooling prints them.
fn is_curve_point(bytes: &[u8]) -> bool {
    match (bytes.first(), bytes.len()) {
        (Some(4), 65) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, bytes).is_ok(),
        (Some(4), 97) => ParsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, bytes).is_ok(),
        _ => false,
    }
}
