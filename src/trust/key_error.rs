//! Why a key file was refused, in words for the person who named it.
//!
//! Every message states what was expected and what was found and, where there is one, the command that helps.
//! Text that comes from the file is quoted: escaped and cut, so that a key file cannot write to a terminal.

use super::der::DerError;
use super::key::{MAX_FILE_BYTES, MAX_KEYS, MAX_RSA_BITS, MIN_RSA_BITS};

/// A key file, or one key in it, was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant documents it and its fields")]
pub enum KeyError {
    #[error("expected a public key, found an empty file or only comments; give the file that holds the key")]
    Empty,
    #[error("expected at most {MAX_FILE_BYTES} bytes, found {found}; this is not a key file")]
    TooLarge { found: usize },
    #[error("expected at most {MAX_KEYS} keys in a file, found {found}; split the file")]
    TooManyKeys { found: usize },
    #[error("expected a JWK set with at least one key, found none")]
    EmptyKeySet,
    #[error(
        "expected a public key as PEM (BEGIN PUBLIC KEY), DER, JWK or JWK set, found {found}; \
         convert the key: openssl pkey -pubin -in KEY -pubout"
    )]
    Unrecognised { found: String },
    #[error(
        "expected a public key as PEM, DER, JWK or JWK set, found an OpenSSH public key; \
         convert it: ssh-keygen -e -m PKCS8 -f KEY"
    )]
    OpenSsh,
    /// Private and secret halves are never used, and must not lie where public keys are expected.
    #[error("this is a private key ({found}); give the public half: openssl pkey -in KEY -pubout -out KEY.pub")]
    PrivateKey { found: String },
    #[error(
        "expected a public key, found a certificate ({found}), whose issuer and validity \
         nothing would check; if its key itself is what you trust: openssl x509 -in CERT -noout -pubkey"
    )]
    Certificate { found: String },
    #[error(
        "expected a SubjectPublicKeyInfo (BEGIN PUBLIC KEY), found a bare PKCS#1 RSA key ({found}); \
         convert it: openssl rsa -RSAPublicKey_in -in KEY -pubout"
    )]
    Pkcs1 { found: String },
    #[error(
        "expected a PEM block `PUBLIC KEY`, found {found}; \
         convert the key: openssl pkey -pubin -in KEY -pubout"
    )]
    PemLabel { found: String },
    #[error(
        "line {line}: expected {expected}, found {found}; \
         write the file anew: openssl pkey -pubin -in KEY -pubout"
    )]
    Pem { line: usize, expected: &'static str, found: String },
    #[error("malformed DER: {0}; write the key anew: openssl pkey -pubin -in KEY -pubout")]
    Der(DerError),
    #[error(
        "expected an Ed25519, ECDSA P-256, ECDSA P-384 or RSA key, found algorithm {found}; \
         have the bundle signed with a supported key"
    )]
    Algorithm { found: String },
    #[error("expected curve P-256 or P-384, found {found}; have the bundle signed with a supported key")]
    Curve { found: String },
    #[error(
        "expected algorithm parameters {expected}, found others; \
         write the key anew: openssl pkey -pubin -in KEY -pubout"
    )]
    Parameters { expected: &'static str },
    #[error(
        "expected an RSA modulus of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, found {found} bits; \
         use another key"
    )]
    RsaSize { found: usize },
    #[error("expected an odd RSA exponent from 3 to 2^32, found {found}; use another key")]
    RsaExponent { found: String },
    #[error("expected a valid RSA public key, found an even or otherwise impossible modulus; use another key")]
    RsaModulus,
    #[error(
        "expected an uncompressed curve point, found a compressed one; \
         convert the key: openssl ec -pubin -in KEY -pubout -conv_form uncompressed"
    )]
    CompressedPoint,
    #[error("expected an uncompressed point of {expected} bytes, found {found}; use another key")]
    PointForm { expected: usize, found: String },
    #[error("expected a point on curve {curve}, found coordinates that are not on it; use another key")]
    PointNotOnCurve { curve: &'static str },
    #[error("expected an Ed25519 key of 32 bytes, found {found}")]
    Ed25519Length { found: usize },
    /// A key that would accept signatures its holder never made, or that has a second encoding (RFC 8032
    /// section 5.1.3).
    #[error("expected an Ed25519 point of prime order in its canonical encoding, found {found}; use another key")]
    Ed25519Point { found: &'static str },
    #[error("malformed JSON key: {found}; expected a JWK (RFC 7517) or a set of them")]
    Json { found: String },
    #[error("JWK member `{member}`: expected {expected}, found {found}")]
    Jwk { member: &'static str, expected: &'static str, found: String },
    /// One of several keys was refused, and with it the file: a key that is silently missing could change a
    /// threshold.
    #[error("{place}: {error}")]
    At { place: String, error: Box<KeyError> },
}

impl KeyError {
    /// Names the key of a file that the error is about.
    pub(crate) fn at(self, place: String) -> Self {
        Self::At { place, error: Box::new(self) }
    }

    /// The error itself, without the place of the key in the file.
    pub fn root(&self) -> &KeyError {
        match self {
            Self::At { error, .. } => error.root(),
            other => other,
        }
    }
}

impl From<DerError> for KeyError {
    fn from(error: DerError) -> Self {
        Self::Der(error)
    }
}

/// Untrusted text for a message: quoted, escaped (control and format characters included), at most 80
/// characters.
pub(crate) fn quote(untrusted: &str) -> String {
    const LIMIT: usize = 80;
    let cut: String = untrusted.chars().take(LIMIT).collect();
    let ellipsis = if cut.len() < untrusted.len() { "..." } else { "" };
    format!("{cut:?}{ellipsis}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_is_escaped_and_cut() {
        assert_eq!(quote("a\u{1b}[2K\r\u{202e}b"), "\"a\\u{1b}[2K\\r\\u{202e}b\"");
        assert_eq!(quote(&"x".repeat(81)), format!("\"{}\"...", "x".repeat(80)));
    }

    #[test]
    fn the_root_is_found_below_the_place() {
        let error = KeyError::Empty.at("key 1".into());
        assert_eq!(error.root(), &KeyError::Empty);
        assert!(error.to_string().starts_with("key 1: expected a public key"));
    }
}
