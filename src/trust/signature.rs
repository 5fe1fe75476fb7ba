//! The one place where signatures are checked.
//!
//! The caller gives the key and the scheme, or the schemes that its policy allows; nothing in a signature,
//! envelope or header can choose (`alg`, `algorithm` and `keyid` are not even arguments). Three layers of
//! checks: the scheme fits the key, the signature has the one encoding that the scheme knows, the
//! cryptography agrees.
//!
//! Known attacks and where they end:
//! - algorithm chosen by the attacker, a public key as an HMAC secret: schemes fit one type of key, HMAC fits
//!   none, and [`SecretKey`] refuses what looks like a key;
//! - Ed25519 with points of small order, S beyond the group order, non-canonical R: refused
//!   (`verify_strict`);
//! - ECDSA with r or s zero, negative, padded, too long, or bytes after them: [`Malformed`], before the
//!   cryptography;
//! - RSA-PSS with another salt length or MGF1 hash, PKCS#1 v1.5 with lax padding: refused by aws-lc;
//! - timing of HMAC tags: compared in constant time.
//!
//! ECDSA signatures are malleable by design: with (r, s) also (r, n - s) verifies ("high S"), and both are
//! accepted, as FIPS 186-5 says and general signers produce. No decision may therefore rest on the bytes of a
//! signature being unique; signers are counted by key.
//!
//! Files that are too large to be held are known by their digests ([`verify_digest`]) or pass by in pieces
//! ([`StreamedEd25519`]); what is refused is the same.
//!
//! P-384 with SHA-256 in fixed-length form is no scheme: aws-lc-rs has no such algorithm. P-521 is not
//! supported.

use aws_lc_rs::digest::{self as aws_digest, Digest as AwsDigest};
use aws_lc_rs::signature::{self as aws, UnparsedPublicKey, VerificationAlgorithm};
use ed25519_dalek::{StreamVerifier, VerifyingKey};

use super::der::{DerError, Reader};
use super::key::{KeyKind, PublicKey};
use super::spki::Curve;
use crate::format::digest::Sha256Bytes;

pub use super::scheme::{Scheme, SchemeSet};
pub use super::secret::{MAX_SECRET_BYTES, MIN_SECRET_BYTES, SecretError, SecretKey};

/// Bytes of an HMAC-SHA256 tag; truncated tags are refused.
const TAG_BYTES: usize = 32;

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant documents it and its fields")]
pub enum SignatureError {
    /// Nothing was checked: the key cannot check any of the schemes.
    #[error("expected a scheme for keys of type {key}, found {schemes}")]
    SchemeDoesNotFit { key: KeyKind, schemes: SchemeSet },
    /// The bytes cannot be a signature of the scheme by the key, whatever the message.
    #[error("malformed {scheme} signature: {reason}")]
    Malformed { scheme: Scheme, reason: Malformed },
    /// A well-formed signature, but of another message, by another key, or in another scheme.
    #[error("the signature is not one by this key over these bytes")]
    Mismatch,
    /// Nothing was checked: only digests of the message are known, and the scheme needs another one or all of it.
    #[error("{scheme} cannot be checked with what is known of the message")]
    MessageNeeded { scheme: Scheme },
}

/// What is wrong with the encoding of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant documents it and its fields")]
pub enum Malformed {
    #[error("expected {expected} bytes, found {found}")]
    Length { expected: usize, found: usize },
    #[error("not the DER of two integers: {0}")]
    Der(DerError),
    #[error("expected r and s from 1 to {limit} bytes, found one of {found}")]
    Range { limit: usize, found: usize },
}

/// Checks one untrusted signature over a message with a key and a scheme, both chosen by the caller.
///
/// `message` is the exact byte string that was signed (for DSSE the PAE); it may be hostile. Specifications:
/// see [`Scheme`].
///
/// # Errors
/// [`SignatureError::SchemeDoesNotFit`] when the scheme is not one for this type of key,
/// [`SignatureError::Malformed`] when the signature's encoding is not exactly the scheme's,
/// [`SignatureError::Mismatch`] when it does not verify.
pub fn verify(
    key: &PublicKey,
    scheme: Scheme,
    message: &[u8],
    untrusted_signature: &[u8],
) -> Result<(), SignatureError> {
    if !scheme.fits(key.kind()) {
        return Err(SignatureError::SchemeDoesNotFit { key: key.kind(), schemes: scheme.into() });
    }
    check_encoding(key.kind(), scheme, untrusted_signature)
        .map_err(|reason| SignatureError::Malformed { scheme, reason })?;
    let genuine = match aws_algorithm(scheme) {
        Some(algorithm) => {
            UnparsedPublicKey::new(algorithm, key.spki_der()).verify(message, untrusted_signature).is_ok()
        }
        None => verify_ed25519(key, message, untrusted_signature),
    };
    if genuine { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// What is known of a message that is too large to be held. Whoever makes one has computed the digests over the message
/// itself: with digests that somebody states, a signature would prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageDigests {
    /// Its SHA-256.
    pub sha256: Sha256Bytes,
    /// Its SHA-384, where it was computed.
    pub sha384: Option<Sha384Bytes>,
}

/// 48 bytes of SHA-384.
pub type Sha384Bytes = [u8; 48];

/// Checks one untrusted signature like [`verify`], over a message that is known by its digests.
///
/// # Errors
/// Those of [`verify`], and [`SignatureError::MessageNeeded`] for Ed25519, and for SHA-384 where it was not computed.
pub fn verify_digest(
    key: &PublicKey,
    scheme: Scheme,
    message: &MessageDigests,
    untrusted_signature: &[u8],
) -> Result<(), SignatureError> {
    if !scheme.fits(key.kind()) {
        return Err(SignatureError::SchemeDoesNotFit { key: key.kind(), schemes: scheme.into() });
    }
    check_encoding(key.kind(), scheme, untrusted_signature)
        .map_err(|reason| SignatureError::Malformed { scheme, reason })?;
    let (Some(algorithm), Some(digest)) = (aws_algorithm(scheme), aws_digest_of(scheme, message)) else {
        return Err(SignatureError::MessageNeeded { scheme });
    };
    let genuine = UnparsedPublicKey::new(algorithm, key.spki_der()).verify_digest(&digest, untrusted_signature);
    genuine.map_err(|_| SignatureError::Mismatch)
}

/// The digest that the scheme signs; aws-lc compares its algorithm with that of the scheme once more.
fn aws_digest_of(scheme: Scheme, message: &MessageDigests) -> Option<AwsDigest> {
    match scheme {
        Scheme::EcdsaP384Sha384 | Scheme::EcdsaP384Sha384Fixed => {
            AwsDigest::import_less_safe(message.sha384.as_ref()?, &aws_digest::SHA384).ok()
        }
        Scheme::EcdsaP256Sha256
        | Scheme::EcdsaP256Sha256Fixed
        | Scheme::EcdsaP384Sha256
        | Scheme::RsaPssSha256
        | Scheme::RsaPkcs1v15Sha256 => AwsDigest::import_less_safe(&message.sha256, &aws_digest::SHA256).ok(),
        Scheme::Ed25519 | Scheme::HmacSha256 => None,
    }
}

/// An Ed25519 signature whose message passes by in pieces (RFC 8032 section 5.1.7).
///
/// Pure Ed25519 signs the message, not a digest of it, so a digest does not help; and holding the message would bound the
/// size of files by memory. The streaming verifier of ed25519-dalek takes any size. It makes the last comparison of
/// `verify_strict` (R as recomputed against R as sent, so no second encoding of R passes) and refuses S beyond the group
/// order; what it leaves out of the strict form is checked here before the first byte: the key and R are points, and not
/// of small order.
pub struct StreamedEd25519(StreamVerifier);

impl StreamedEd25519 {
    /// Begins to check an untrusted signature by `key`.
    ///
    /// # Errors
    /// Those of [`verify`]; [`SignatureError::Mismatch`] where no message can have this signature.
    pub fn new(key: &PublicKey, untrusted_signature: &[u8]) -> Result<Self, SignatureError> {
        let scheme = Scheme::Ed25519;
        let Some(point) = key.ed25519() else {
            return Err(SignatureError::SchemeDoesNotFit { key: key.kind(), schemes: scheme.into() });
        };
        exactly(64, untrusted_signature).map_err(|reason| SignatureError::Malformed { scheme, reason })?;
        let mismatch = |_| SignatureError::Mismatch;
        let signature = ed25519_dalek::Signature::from_slice(untrusted_signature).map_err(mismatch)?;
        // A point read as if it were a key: the one door to its decoding and its order.
        let r = VerifyingKey::from_bytes(signature.r_bytes()).map_err(mismatch)?;
        if point.is_weak() || r.is_weak() {
            return Err(SignatureError::Mismatch);
        }
        point.verify_stream(&signature).map(Self).map_err(mismatch)
    }

    /// The next bytes of the message.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The answer for all bytes so far.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] when the signature is not one by the key over them.
    pub fn finish(self) -> Result<(), SignatureError> {
        self.0.finalize_and_verify().map_err(|_| SignatureError::Mismatch)
    }
}

/// Checks one untrusted signature with each allowed scheme that fits the key, in the order of
/// [`Scheme::ALL`].
///
/// Returns the scheme that verified. Which schemes are tried depends on the policy and the key alone; a
/// scheme with a fixed length is passed over where the signature has another length.
///
/// # Errors
/// [`SignatureError::SchemeDoesNotFit`] when no allowed scheme fits the key. Else
/// [`SignatureError::Mismatch`] when the signature was well-formed for at least one scheme, or the first
/// scheme's [`SignatureError::Malformed`].
pub fn verify_any(
    key: &PublicKey,
    allowed: &SchemeSet,
    message: &[u8],
    untrusted_signature: &[u8],
) -> Result<Scheme, SignatureError> {
    let mut refusal = SignatureError::SchemeDoesNotFit { key: key.kind(), schemes: *allowed };
    for scheme in allowed.iter().filter(|scheme| scheme.fits(key.kind())) {
        match verify(key, scheme, message, untrusted_signature) {
            Ok(()) => return Ok(scheme),
            Err(SignatureError::Mismatch) => refusal = SignatureError::Mismatch,
            Err(error) if matches!(refusal, SignatureError::SchemeDoesNotFit { .. }) => refusal = error,
            Err(_) => {}
        }
    }
    Err(refusal)
}

/// Checks one untrusted HMAC-SHA256 tag over a message (RFC 2104), in time that does not depend on the tag's
/// bytes.
///
/// # Errors
/// [`SignatureError::Malformed`] for a tag that is not 32 bytes long, [`SignatureError::Mismatch`] for a
/// wrong one.
pub fn verify_hmac(secret: &SecretKey, message: &[u8], untrusted_tag: &[u8]) -> Result<(), SignatureError> {
    exactly(TAG_BYTES, untrusted_tag)
        .map_err(|reason| SignatureError::Malformed { scheme: Scheme::HmacSha256, reason })?;
    if secret.authenticates(message, untrusted_tag) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// RFC 8032 section 5.1.7, in the strict form that refuses R and keys of small order.
fn verify_ed25519(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    match (key.ed25519(), ed25519_dalek::Signature::from_slice(signature)) {
        (Some(key), Ok(signature)) => key.verify_strict(message, &signature).is_ok(),
        _ => false,
    }
}

/// The algorithm of aws-lc-rs for a scheme; `None` where it is not used.
fn aws_algorithm(scheme: Scheme) -> Option<&'static dyn VerificationAlgorithm> {
    match scheme {
        Scheme::EcdsaP256Sha256 => Some(&aws::ECDSA_P256_SHA256_ASN1),
        Scheme::EcdsaP384Sha384 => Some(&aws::ECDSA_P384_SHA384_ASN1),
        Scheme::EcdsaP384Sha256 => Some(&aws::ECDSA_P384_SHA256_ASN1),
        Scheme::EcdsaP256Sha256Fixed => Some(&aws::ECDSA_P256_SHA256_FIXED),
        Scheme::EcdsaP384Sha384Fixed => Some(&aws::ECDSA_P384_SHA384_FIXED),
        // Its salt length is that of the digest and its MGF1 hash is the digest's.
        Scheme::RsaPssSha256 => Some(&aws::RSA_PSS_2048_8192_SHA256),
        Scheme::RsaPkcs1v15Sha256 => Some(&aws::RSA_PKCS1_2048_8192_SHA256),
        Scheme::Ed25519 | Scheme::HmacSha256 => None,
    }
}

/// Whether the signature has the scheme's encoding for a key of this type.
fn check_encoding(kind: KeyKind, scheme: Scheme, signature: &[u8]) -> Result<(), Malformed> {
    match scheme {
        Scheme::Ed25519 => exactly(64, signature),
        Scheme::EcdsaP256Sha256 => ecdsa_der(Curve::P256, signature),
        Scheme::EcdsaP384Sha384 | Scheme::EcdsaP384Sha256 => ecdsa_der(Curve::P384, signature),
        Scheme::EcdsaP256Sha256Fixed => ecdsa_fixed(Curve::P256, signature),
        Scheme::EcdsaP384Sha384Fixed => ecdsa_fixed(Curve::P384, signature),
        Scheme::RsaPssSha256 | Scheme::RsaPkcs1v15Sha256 => match kind {
            KeyKind::Rsa { bits } => exactly(bits.div_ceil(8) as usize, signature),
            _ => Ok(()),
        },
        Scheme::HmacSha256 => exactly(TAG_BYTES, signature),
    }
}

fn exactly(expected: usize, signature: &[u8]) -> Result<(), Malformed> {
    match signature.len() {
        found if found == expected => Ok(()),
        found => Err(Malformed::Length { expected, found }),
    }
}

/// `Ecdsa-Sig-Value` (RFC 3279 section 2.2.3) in strict DER. aws-lc is strict here too; this keeps it so and
/// says why.
fn ecdsa_der(curve: Curve, signature: &[u8]) -> Result<(), Malformed> {
    let read = || {
        let mut outer = Reader::new(signature);
        let mut numbers = outer.sequence()?;
        outer.finish()?;
        let both = [numbers.unsigned_integer()?, numbers.unsigned_integer()?];
        numbers.finish().map(|()| both)
    };
    let both = read().map_err(Malformed::Der)?;
    in_range(curve, both.map(<[u8]>::len))
}

/// r and s side by side, each as long as the group order (IEEE P1363).
fn ecdsa_fixed(curve: Curve, signature: &[u8]) -> Result<(), Malformed> {
    exactly(2 * curve.field_bytes(), signature)?;
    let (r, s) = signature.split_at(curve.field_bytes());
    let significant = |number: &[u8]| number.iter().skip_while(|octet| **octet == 0).count();
    in_range(curve, [significant(r), significant(s)])
}

/// Neither number is zero or longer than the group order; that they are below it is for the cryptography to
/// see.
fn in_range(curve: Curve, lengths: [usize; 2]) -> Result<(), Malformed> {
    let limit = curve.field_bytes();
    match lengths.into_iter().find(|length| !(1..=limit).contains(length)) {
        Some(found) => Err(Malformed::Range { limit, found }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
