//! DSSE v1 envelopes (secure-systems-lab/dsse, `envelope.md` and `protocol.md`) and the dialects that `StellaOps` writes.
//!
//! Three shapes are read, and [`Shape`] says which one was met: a bare envelope, a document with the envelope inside
//! it (devportal `manifest.dsse.json`), and a flat document with one signature (Evidence Locker `signature.json`).
//! What differs from the DSSE specification is read, and told in [`SignatureDocument::deviations`].
//!
//! | attack | answer |
//! | --- | --- |
//! | members given twice, in one spelling or in two; an envelope both inside and around | refused: no reader may choose |
//! | 100,000 signatures, a payload type or key id without end | caps, tested before any base64 is decoded |
//! | base64 with line breaks, mixed alphabets or stray bits | refused: one text, one meaning |
//! | a good signature behind a spoilt one | a signature that does not decode is one bad signature, not a bad envelope |
//! | lengths counted in characters, a payload that is encoded again to be verified | [`pae`] counts bytes; what was decoded is kept |
//!
//! Nothing is verified here. Key ids, algorithms and everything else around the payload are hints that nobody signed;
//! which inputs and keys count is decided by the floor above. The size of the document is limited by whoever reads it.

mod wire;

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use self::wire::{Document, Signature, Text};
use super::json::{self, JsonError};

/// Signatures of one envelope. Each costs a public-key operation for every trusted key; documented bundles carry one.
pub const MAX_SIGNATURES: usize = 128;

/// Bytes of a payload type. The longest documented one has 47.
pub const MAX_PAYLOAD_TYPE: usize = 256;

/// Bytes of a key id: room for a certificate's subject or a cloud key's resource name.
pub const MAX_KEYID: usize = 1024;

/// Why a document is not a DSSE envelope, nor one of its dialects.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
pub enum DsseError {
    /// Not strict JSON; or a member is of the wrong type, and is named.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The member that there is no envelope without.
    #[error("member {0} is missing")]
    Missing(&'static str),
    /// The signature at this index, from 0, has no bytes.
    #[error("signature {0} has no sig")]
    NoSig(usize),
    /// Two readers could find two envelopes.
    #[error("members that exclude each other: {0}")]
    Ambiguous(&'static str),
    /// An empty list: nobody vouches for the payload.
    #[error("no signatures")]
    NoSignatures,
    /// See [`MAX_SIGNATURES`].
    #[error("too many signatures: expected at most {MAX_SIGNATURES}, found {0}")]
    TooManySignatures(usize),
    /// See [`MAX_PAYLOAD_TYPE`].
    #[error("payloadType: expected 1 to {MAX_PAYLOAD_TYPE} bytes, found {0}")]
    PayloadType(usize),
    /// See [`MAX_KEYID`].
    #[error("keyid of signature {index}: expected at most {MAX_KEYID} bytes, found {found}")]
    Keyid {
        /// Which signature, from 0.
        index: usize,
        /// Bytes.
        found: usize,
    },
    /// Not base64.
    #[error("payload: {0}")]
    Payload(Base64Error),
}

/// Why a text is not base64 (RFC 4648) in the one form that is accepted. Offsets count bytes from 0.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
pub enum Base64Error {
    /// Also line breaks.
    #[error("white space in base64 at offset {0}")]
    WhiteSpace(usize),
    /// `+` or `/` in a text with `-` or `_`.
    #[error("standard and URL-safe base64 mixed, at offset {0}")]
    MixedAlphabets(usize),
    /// A character of neither alphabet.
    #[error("not a base64 character at offset {offset}: byte 0x{byte:02x}")]
    Character {
        /// Where.
        offset: usize,
        /// The first byte of the character.
        byte: u8,
    },
    /// Padding that does not fill the last group, or stands before the end.
    #[error("base64 padding that is neither complete nor absent")]
    Padding,
    /// No sequence of bytes has an encoding of this length.
    #[error("base64 cut short: {0} characters")]
    Length(usize),
    /// RFC 4648 section 3.5: another text would stand for the same bytes.
    #[error("base64 with bits left over in its last character")]
    TrailingBits,
}

/// Which alphabet a base64 text uses (RFC 4648 sections 4 and 5). A text without the characters in which the two
/// differ counts as standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// With `+` and `/`, or with none of the four.
    Standard,
    /// With `-` and `_`.
    UrlSafe,
}

/// How the envelope was laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The members of the DSSE specification at the top level.
    Standard,
    /// A document whose member `envelope` is the envelope.
    Nested,
    /// `payloadType`, `payload`, `signature` and `keyId` at the top level, without a list of signatures.
    Flat,
}

/// One signature of an envelope, unverified. All of it is untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// An unauthenticated hint, as the specification says. May be empty.
    pub keyid: Option<String>,
    /// The algorithm that the document names. Never a reason to use it: the algorithm comes from the trusted key.
    pub algorithm_hint: Option<String>,
    /// The signature; or, if its base64 is no good, why.
    pub bytes: Result<Vec<u8>, String>,
}

/// An envelope, unverified. The payload is decoded once, behind the header that is signed with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    pae: Vec<u8>,
    payload_start: usize,
    payload_alphabet: Alphabet,
    signatures: Vec<EnvelopeSignature>,
}

impl Envelope {
    /// The payload type; signed, like the payload.
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// What a DSSE signature is over: see [`pae`].
    #[must_use]
    pub fn pae(&self) -> &[u8] {
        &self.pae
    }

    /// The payload. Also what signatures of the non-standard mode `raw-payload` are over.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.pae.get(self.payload_start..).unwrap_or_default()
    }

    /// What signatures of the non-standard mode `base64url-payload` are over: the payload in URL-safe base64 without
    /// padding, as ASCII, however the document wrote it.
    #[must_use]
    pub fn base64url_payload(&self) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.encode(self.payload()).into_bytes()
    }

    /// How the document wrote the payload. The specification allows both alphabets.
    #[must_use]
    pub fn payload_alphabet(&self) -> Alphabet {
        self.payload_alphabet
    }

    /// From one to [`MAX_SIGNATURES`], in the order of the document.
    #[must_use]
    pub fn signatures(&self) -> &[EnvelopeSignature] {
        &self.signatures
    }
}

/// An envelope and what its document says beside it. Nothing here is verified, and what is beside the envelope is not
/// even signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureDocument {
    /// The envelope.
    pub envelope: Envelope,
    /// How it was laid out.
    pub shape: Shape,
    /// `bundleId`.
    pub bundle_id: Option<String>,
    /// `rootHash`, as written.
    pub root_hash: Option<String>,
    /// `signedAtUtc` or `signedAt`, as written.
    pub signed_at: Option<String>,
    /// The top-level `algorithm`.
    pub algorithm_hint: Option<String>,
    /// `provider`: what signed, as the Evidence Locker names it.
    pub provider: Option<String>,
    /// A sentence for each way in which the document differs from the DSSE specification.
    pub deviations: Vec<String>,
}

/// The envelope in `untrusted`, with what is around it. Unknown members are ignored, but have to be strict JSON. The
/// payload may be empty.
///
/// # Errors
/// [`DsseError`] if the document is not strict JSON, lacks a member, has one that is ill-typed, over its cap or
/// in contradiction to another, or if the payload is not base64.
pub fn parse(untrusted: &[u8]) -> Result<SignatureDocument, DsseError> {
    let mut document: Document<'_> = json::parse(untrusted)?;
    let shape = document.shape()?;
    let deviations = document.deviations(shape);
    // A flat document gives this one up to its signature.
    let algorithm_hint = document.single.algorithm.as_ref().map(|Text(name)| name.to_string());
    let mut body = document.envelope.take();
    let members = body.as_deref_mut().unwrap_or(&mut document);
    let envelope = Envelope::new(members, shape)?;
    Ok(SignatureDocument {
        envelope,
        shape,
        bundle_id: owned(document.bundle_id),
        root_hash: owned(document.root_hash),
        signed_at: owned(document.signed_at),
        algorithm_hint,
        provider: owned(document.provider),
        deviations,
    })
}

/// The pre-authentication encoding, DSSE `protocol.md`: `DSSEv1 <length> <type> <length> <payload>`, lengths in bytes.
/// Injective, so that no two pairs of type and payload are signed alike. Both arguments may be untrusted.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut pae = pae_header(payload_type, payload.len());
    pae.extend_from_slice(payload);
    pae
}

fn pae_header(payload_type: &str, payload_length: usize) -> Vec<u8> {
    let header = format!("DSSEv1 {} {payload_type} {payload_length} ", payload_type.len());
    // The decoder works in groups of three bytes.
    let mut buffer = Vec::with_capacity(header.len() + payload_length.next_multiple_of(3));
    buffer.extend_from_slice(header.as_bytes());
    buffer
}

/// The bytes that the untrusted `text` stands for: RFC 4648 base64 in either alphabet, padded or not.
///
/// # Errors
/// [`Base64Error`] for everything else: mixed alphabets, white space, incomplete padding, bits left over.
pub fn decode_base64(text: &str) -> Result<Vec<u8>, Base64Error> {
    let encoded = Encoded::new(text)?;
    let mut bytes = Vec::new();
    encoded.append_to(&mut bytes)?;
    Ok(bytes)
}

impl Envelope {
    /// Caps first, then the work that they bound.
    fn new(members: &mut Document<'_>, shape: Shape) -> Result<Self, DsseError> {
        let payload_type = owned(members.payload_type.take()).ok_or(DsseError::Missing("payloadType"))?;
        if !(1..=MAX_PAYLOAD_TYPE).contains(&payload_type.len()) {
            return Err(DsseError::PayloadType(payload_type.len()));
        }
        let Text(payload) = members.payload.take().ok_or(DsseError::Missing("payload"))?;
        let signatures = members.take_signatures(shape)?;
        let encoded = Encoded::new(&payload).map_err(DsseError::Payload)?;
        let mut pae = pae_header(&payload_type, encoded.decoded_length());
        let payload_start = pae.len();
        encoded.append_to(&mut pae).map_err(DsseError::Payload)?;
        Ok(Self {
            payload_type,
            pae,
            payload_start,
            payload_alphabet: encoded.alphabet,
            signatures: signatures.into_iter().map(EnvelopeSignature::from).collect(),
        })
    }
}

impl From<Signature<'_>> for EnvelopeSignature {
    fn from(signature: Signature<'_>) -> Self {
        let sig = signature.sig.map(|Text(sig)| sig).unwrap_or_default();
        Self {
            keyid: owned(signature.keyid),
            algorithm_hint: owned(signature.algorithm),
            bytes: decode_base64(&sig).map_err(|error| error.to_string()),
        }
    }
}

fn owned(text: Option<Text<'_>>) -> Option<String> {
    text.map(|Text(text)| Cow::into_owned(text))
}

/// Base64 with its padding taken off and its alphabet known.
struct Encoded<'a> {
    characters: &'a str,
    alphabet: Alphabet,
}

impl<'a> Encoded<'a> {
    fn new(text: &'a str) -> Result<Self, Base64Error> {
        let characters = text.trim_end_matches('=');
        let padding = text.len() - characters.len();
        if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
            return Err(white_space(text).unwrap_or(Base64Error::Padding));
        }
        if characters.len() % 4 == 1 {
            return Err(white_space(text).unwrap_or(Base64Error::Length(characters.len())));
        }
        let url_safe = characters.bytes().any(|byte| matches!(byte, b'-' | b'_'));
        Ok(Self { characters, alphabet: if url_safe { Alphabet::UrlSafe } else { Alphabet::Standard } })
    }

    fn decoded_length(&self) -> usize {
        self.characters.len() / 4 * 3 + (self.characters.len() % 4).saturating_sub(1)
    }

    fn append_to(&self, buffer: &mut Vec<u8>) -> Result<(), Base64Error> {
        const EXACT: GeneralPurposeConfig =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireNone);
        let alphabet = match self.alphabet {
            Alphabet::Standard => &alphabet::STANDARD,
            Alphabet::UrlSafe => &alphabet::URL_SAFE,
        };
        let engine = GeneralPurpose::new(alphabet, EXACT);
        engine.decode_vec(self.characters, buffer).map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &base64::DecodeError) -> Base64Error {
        use base64::DecodeError::{InvalidByte, InvalidLastSymbol, InvalidLength, InvalidPadding};
        if let Some(error) = white_space(self.characters) {
            return error;
        }
        match *error {
            InvalidByte(offset, b'+' | b'/') => Base64Error::MixedAlphabets(offset),
            InvalidByte(_, b'=') | InvalidPadding => Base64Error::Padding,
            InvalidByte(offset, byte) => Base64Error::Character { offset, byte },
            InvalidLength(length) => Base64Error::Length(length),
            InvalidLastSymbol(..) => Base64Error::TrailingBits,
        }
    }
}

fn white_space(text: &str) -> Option<Base64Error> {
    text.bytes().position(|byte| byte.is_ascii_whitespace()).map(Base64Error::WhiteSpace)
}

#[cfg(test)]
#[path = "dsse_tests.rs"]
mod tests;
