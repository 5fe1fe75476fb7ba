//! Public keys that the operator trusts: what a key file may hold, what a key is, and which keys are equal.
//!
//! A key file comes from the operator, but its bytes are parsed as hostile ones: keys travel in the same
//! boxes as bundles. The form is recognised by content, never by name: PEM (`BEGIN PUBLIC KEY`, one or
//! several; a cosign `.pub` is just that), DER SubjectPublicKeyInfo, JWK, JWK set. All forms end in the
//! canonical SubjectPublicKeyInfo, and keys are the same key when those bytes are the same, whatever the
//! file's form or the key's name: thresholds count material.
//!
//! A file is taken whole or not at all. One bad key refuses it, because a key that is left out in silence
//! changes what "two of three" means.
//!
//! Known attacks and where they end:
//! - private keys handed around as trust anchors, certificates taken for keys: refused by label and by shape;
//! - weak keys (RSA below 2048 bits, tiny or even exponents, Ed25519 points of small order, points off the
//!   curve): refused when parsed, in `spki`;
//! - one key counted twice under two encodings: only the canonical encoding parses;
//! - a public key used as an HMAC secret: refused by [`super::signature::SecretKey`];
//! - text that writes to terminals: messages quote, and [`PublicKey::name`] is marked untrusted.
//!
//! Not here: which keys count, how often, and under which schemes.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use super::spki::{Curve, Material};
use super::{jwk, pem, spki};

pub use super::der::DerError;
pub use super::key_error::KeyError;

/// Largest key file, in bytes: 64 RSA-4096 keys as PEM take 51 KiB.
pub const MAX_FILE_BYTES: usize = 64 * 1024;

/// Most keys in one file. Every signature may be tried with every key, so this bounds work.
pub const MAX_KEYS: usize = 64;

/// Smallest RSA modulus, in bits (NIST SP 800-131A rev. 2, section 3).
pub const MIN_RSA_BITS: u32 = 2048;

/// Largest RSA modulus, in bits: the limit of aws-lc, and a bound on the time of one verification.
pub const MAX_RSA_BITS: u32 = 8192;

/// The type of a public key, which decides the schemes that it can check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RFC 8032.
    Ed25519,
    /// FIPS 186-5 on curve P-256.
    EcdsaP256,
    /// FIPS 186-5 on curve P-384.
    EcdsaP384,
    /// RFC 8017.
    Rsa {
        /// Size of the modulus.
        bits: u32,
    },
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::EcdsaP256 => f.write_str("ECDSA P-256"),
            Self::EcdsaP384 => f.write_str("ECDSA P-384"),
            Self::Rsa { bits } => write!(f, "RSA {bits} bits"),
        }
    }
}

/// A valid public key of a supported type.
///
/// Equality and hash are those of the key material; the name does not take part.
#[derive(Debug, Clone)]
pub struct PublicKey {
    material: Material,
    spki: Vec<u8>,
    fingerprint: String,
    name: Option<String>,
}

impl PublicKey {
    /// The key in one untrusted SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7): the only door to this type.
    pub(crate) fn from_spki(untrusted_der: &[u8], name: Option<String>) -> Result<Self, KeyError> {
        let material = spki::decode(untrusted_der)?;
        Ok(Self { material, spki: untrusted_der.to_vec(), fingerprint: fingerprint(untrusted_der), name })
    }

    /// The type of the key, and its size where sizes differ.
    pub fn kind(&self) -> KeyKind {
        match self.material {
            Material::Ed25519(_) => KeyKind::Ed25519,
            Material::Ecdsa(Curve::P256) => KeyKind::EcdsaP256,
            Material::Ecdsa(Curve::P384) => KeyKind::EcdsaP384,
            Material::Rsa { bits } => KeyKind::Rsa { bits },
        }
    }

    /// `sha256:` and 64 lower-case hex digits: the SHA-256 of [`Self::spki_der`]. Equal exactly for equal
    /// keys.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The canonical SubjectPublicKeyInfo in DER (RFC 5280 section 4.1.2.7).
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The `kid` of a JWK (RFC 7517 section 4.5). Untrusted text: clean it before showing it, never compare
    /// by it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The type for people: `Ed25519`, `ECDSA P-256`, `RSA 3072 bits`.
    pub fn describe(&self) -> String {
        self.kind().to_string()
    }

    /// The decoded point of an Ed25519 key.
    pub(crate) fn ed25519(&self) -> Option<&VerifyingKey> {
        match &self.material {
            Material::Ed25519(key) => Some(key),
            _ => None,
        }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl std::hash::Hash for PublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.spki.hash(state);
    }
}

/// Reads all public keys of an untrusted key file.
///
/// Returns one or more valid keys in the order of the file. A key that stands in the file twice is returned
/// twice: whoever counts keys compares them.
///
/// # Errors
/// [`KeyError`] for a file that holds no key, holds anything besides public keys, is too large, or whose keys
/// are malformed, unsupported or weak. A key among several is named by [`KeyError::At`].
pub fn parse(untrusted_file: &[u8]) -> Result<Vec<PublicKey>, KeyError> {
    if untrusted_file.len() > MAX_FILE_BYTES {
        return Err(KeyError::TooLarge { found: untrusted_file.len() });
    }
    if is_binary(untrusted_file) {
        return der_file(untrusted_file);
    }
    // Some editors put a byte order mark before text.
    let text = untrusted_file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(untrusted_file);
    match text.trim_ascii().first() {
        Some(b'{' | b'[') => jwk::parse(text),
        _ if pem::is_pem(text) => pem_file(text),
        _ if is_comment(text) => Err(KeyError::Empty),
        _ if is_openssh(text) => Err(KeyError::OpenSsh),
        _ => Err(KeyError::Unrecognised { found: "other text".into() }),
    }
}

/// "sha256:" and the hex digits of the SHA-256 of the bytes.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Control characters that no text form of a key holds; every DER key holds some.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n'))
}

fn is_comment(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).all(|line| line.is_empty() || line.starts_with(b"#"))
}

/// The one-line form of RFC 4253 keys that OpenSSH writes.
pub(crate) fn is_openssh(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    [&b"ssh-"[..], b"sk-ssh-", b"ecdsa-sha2-", b"sk-ecdsa-sha2-"].iter().any(|prefix| text.starts_with(prefix))
}

fn der_file(untrusted_der: &[u8]) -> Result<Vec<PublicKey>, KeyError> {
    if untrusted_der.first() != Some(&super::der::SEQUENCE) {
        return Err(KeyError::Unrecognised { found: format!("{} bytes of binary data", untrusted_der.len()) });
    }
    PublicKey::from_spki(untrusted_der, None).map(|key| vec![key])
}

fn pem_file(untrusted_text: &[u8]) -> Result<Vec<PublicKey>, KeyError> {
    let labels: Vec<String> = pem::labels(untrusted_text).collect();
    // A private key is the worst of what may be wrong, so it is reported wherever in the file it stands.
    let (private, others): (Vec<_>, Vec<_>) = labels.iter().partition(|label| label.ends_with("PRIVATE KEY"));
    private.into_iter().chain(others).try_for_each(|label| check_label(label))?;
    let blocks = pem::blocks(untrusted_text)?;
    let total = blocks.len();
    match total {
        0 => return Err(KeyError::Empty),
        found if found > MAX_KEYS => return Err(KeyError::TooManyKeys { found }),
        _ => {}
    }
    let key = |(index, block): (usize, &pem::Block)| {
        PublicKey::from_spki(&block.der, None).map_err(|error| place(error, index, total))
    };
    blocks.iter().enumerate().map(key).collect()
}

/// RFC 7468 sections 5 and 10 to 13, and the labels of older tools.
fn check_label(label: &str) -> Result<(), KeyError> {
    let found = || format!("PEM block {}", super::key_error::quote(label));
    match label {
        "PUBLIC KEY" => Ok(()),
        "RSA PUBLIC KEY" => Err(KeyError::Pkcs1 { found: found() }),
        _ if label.ends_with("PRIVATE KEY") => Err(KeyError::PrivateKey { found: found() }),
        _ if label.ends_with("CERTIFICATE") => Err(KeyError::Certificate { found: found() }),
        _ => Err(KeyError::PemLabel { found: found() }),
    }
}

fn place(error: KeyError, index: usize, total: usize) -> KeyError {
    if total == 1 { error } else { error.at(format!("key {} of {total}", index + 1)) }
}

#[cfg(test)]
pub(crate) mod vectors;

#[cfg(test)]
mod tests;
