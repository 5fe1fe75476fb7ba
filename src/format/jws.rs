//! JSON Web Signatures in compact form (RFC 7515 section 7.1), attached or detached (appendix F), also over a payload
//! that is not encoded (RFC 7797).
//!
//! | attack | answer |
//! | --- | --- |
//! | header members given twice, in one spelling or in two | strict JSON, see [`super::json`] |
//! | an extension that changes what is signed, which this reader does not know | `crit` with anything but `b64` is refused |
//! | `b64: false` that a reader without RFC 7797 would pass over | refused without `crit: ["b64"]`, as section 6 says |
//! | another text for the same bytes | base64url without padding and without stray bits, nothing else |
//! | a second signature, or a header beside the protected one | the JSON serialisations are refused |
//! | a header of megabytes | caps, tested before anything is decoded |
//!
//! Nothing is verified here. `alg`, `kid` and the rest of the header are protected by the signature, but until that is
//! checked with a trusted key they are hints; members without a meaning here are ignored, as section 4 demands, and so
//! are keys and certificates in the header (`jwk`, `jku`, `x5c`): no key is ever taken from what it shall verify.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};

use super::json::{self, JsonError};

/// Characters of the encoded header. Documented ones have less than 300; a chain of certificates takes some thousands.
pub const MAX_HEADER: usize = 64 << 10;

/// Characters of the encoded signature: RSA with 8192 bits takes 1366.
pub const MAX_SIGNATURE: usize = 4096;

/// Bytes of `alg`; registered names have at most 18.
pub const MAX_ALG: usize = 64;

/// Bytes of `kid`: as for DSSE.
pub const MAX_KID: usize = super::dsse::MAX_KEYID;

/// Why a text is not a JWS that is read here.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
pub enum JwsError {
    /// Not three parts with dots between them, the first of them base64url: some other text, such as the literal
    /// `unsigned-dev-bundle`. Whoever asked for a signature has found none, rather than a bad one.
    #[error("not a JWS: expected three parts of base64url with dots between them; this is unsigned text")]
    NotJws,
    /// RFC 7515 section 7.2: other readers may look at another of several signatures.
    #[error("a JWS in JSON form; expected the compact form (RFC 7515 section 7.1)")]
    JsonForm,
    /// See [`MAX_HEADER`], [`MAX_SIGNATURE`], [`MAX_ALG`], [`MAX_KID`].
    #[error("JWS {part}: expected at most {limit} bytes, found {found}")]
    TooLong {
        /// Which part or member.
        part: &'static str,
        /// How much it may have.
        limit: usize,
        /// How much it has.
        found: usize,
    },
    /// RFC 7515 section 2: without padding, line breaks, white space or stray bits.
    #[error("JWS {0}: not base64url without padding")]
    Base64(&'static str),
    /// The header is not a strict JSON object, or a member has the wrong type.
    #[error("JWS header: {0}")]
    Header(#[from] JsonError),
    /// RFC 7515 section 4.1.11: a reader that does not understand one of them must refuse.
    #[error("JWS header: crit names {0:?}, which is not understood here")]
    Critical(String),
    /// RFC 7515 section 4.1.11.
    #[error("JWS header: crit is empty, names a member twice or one that is not there")]
    CriticalForm,
    /// RFC 7797 section 6.
    #[error("JWS header: b64 is false, but crit does not name b64")]
    NotCritical,
    /// RFC 7797 section 5.2: an attached payload that is not encoded has no dots and no control characters.
    #[error("JWS payload: not printable ASCII")]
    Payload,
}

/// A JWS with one signature, unverified: all of it is untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jws {
    encoded_header: String,
    header: Vec<u8>,
    alg: String,
    kid: Option<String>,
    b64: bool,
    payload: Option<Vec<u8>>,
    signature: Vec<u8>,
}

impl Jws {
    /// The protected header, JSON as it was written.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// `alg`: what the header says that it was signed with. Never a reason to accept it.
    #[must_use]
    pub fn alg(&self) -> &str {
        &self.alg
    }

    /// `kid`: a hint at the key.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether the payload is encoded before it is signed; false only with RFC 7797.
    #[must_use]
    pub fn b64(&self) -> bool {
        self.b64
    }

    /// The payload, decoded, or none where it is detached. A payload of no bytes looks detached.
    #[must_use]
    pub fn payload(&self) -> Option<&[u8]> {
        self.payload.as_deref()
    }

    /// The signature. May be empty.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What a signature of `payload` with this header is over (RFC 7515 section 5.1, RFC 7797 section 3): the encoded
    /// header, a dot, and the payload, encoded unless `b64` is false.
    #[must_use]
    pub fn signing_input(&self, payload: &[u8]) -> Vec<u8> {
        if !self.b64 {
            return [self.encoded_header.as_bytes(), b".", payload].concat();
        }
        // Straight into its place: the payload may have a hundred megabytes, and a second copy of them is not needed.
        let mut input = String::with_capacity(self.encoded_header.len() + 1 + payload.len().div_ceil(3) * 4);
        input.push_str(&self.encoded_header);
        input.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut input);
        input.into_bytes()
    }
}

/// The members of the header that have a meaning here.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default, deserialize_with = "not_null")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    b64: Option<bool>,
    #[serde(default, deserialize_with = "not_null")]
    crit: Option<Vec<String>>,
    #[serde(flatten)]
    _others: Others,
}

/// Members without a meaning here. Flattened into a struct, it also makes serde take objects alone: an array whose
/// elements stand for the fields in order would pass otherwise.
#[derive(Deserialize)]
struct Others {}

/// A member that is there has a value: null is not the same as absent to every reader.
fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The JWS in `untrusted`, which may end with one line break. The size of the payload is limited by whoever reads it.
///
/// # Errors
/// [`JwsError::NotJws`] for text that does not look like one; the others for a JWS that is broken or not understood.
pub fn parse(untrusted: &[u8]) -> Result<Jws, JwsError> {
    let text = untrusted.strip_suffix(b"\n").unwrap_or(untrusted);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.trim_ascii_start().starts_with(b"{") {
        return Err(JwsError::JsonForm);
    }
    let mut parts = text.split(|byte| *byte == b'.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(JwsError::NotJws);
    };
    if header.is_empty() || !header.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(JwsError::NotJws);
    }
    at_most("header", MAX_HEADER, header.len())?;
    at_most("signature", MAX_SIGNATURE, signature.len())?;
    let header_json = decode("header", header)?;
    let Header { alg, kid, b64, crit, .. } = json::parse(&header_json)?;
    at_most("alg", MAX_ALG, alg.len())?;
    at_most("kid", MAX_KID, kid.as_deref().map_or(0, str::len))?;
    check_critical(crit.as_deref(), b64)?;
    let b64 = b64.unwrap_or(true);
    Ok(Jws {
        encoded_header: String::from_utf8_lossy(header).into_owned(),
        header: header_json,
        alg,
        kid,
        b64,
        payload: attached(payload, b64)?,
        signature: decode("signature", signature)?,
    })
}

fn attached(part: &[u8], b64: bool) -> Result<Option<Vec<u8>>, JwsError> {
    match part {
        [] => Ok(None),
        _ if b64 => decode("payload", part).map(Some),
        _ if part.iter().all(|byte| matches!(byte, b' '..=b'~')) => Ok(Some(part.to_vec())),
        _ => Err(JwsError::Payload),
    }
}

fn check_critical(crit: Option<&[String]>, b64: Option<bool>) -> Result<(), JwsError> {
    if let Some(unknown) = crit.unwrap_or_default().iter().find(|name| *name != "b64") {
        return Err(JwsError::Critical(json::quoted(unknown)));
    }
    match (crit.map(<[String]>::len), b64) {
        (None, None | Some(true)) | (Some(1), Some(_)) => Ok(()),
        (None, Some(false)) => Err(JwsError::NotCritical),
        (Some(_), _) => Err(JwsError::CriticalForm),
    }
}

fn at_most(part: &'static str, limit: usize, found: usize) -> Result<(), JwsError> {
    if found > limit { Err(JwsError::TooLong { part, limit, found }) } else { Ok(()) }
}

fn decode(part: &'static str, encoded: &[u8]) -> Result<Vec<u8>, JwsError> {
    BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| JwsError::Base64(part))
}

#[cfg(test)]
#[path = "jws_tests.rs"]
mod tests;
