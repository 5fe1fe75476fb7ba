//! Files that are sealed with AES-256-GCM (NIST SP 800-38D): data key, nonce and additional data in, plain bytes out.
//!
//! Whoever seals a mirror gives each file a nonce of its own and binds it to its place: the additional data is
//! `{runId}:{relativePath}`. A file that was altered, cut, moved, or given the nonce of another one does not open.
//! Where it does not, [`diagnose`] says which of these it was, as far as that can be told.
//!
//! No plain byte leaves this module before the tag, which comes last, was found right.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce as GcmNonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize as _, Zeroizing};

use super::key_error::quote;
use crate::format::digest::unhex;

/// Bytes of a data key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 12;
/// Bytes of the tag that ends a sealed file.
pub const TAG_BYTES: usize = 16;

/// Largest sealed file, in bytes (256 MiB). The tag lies at the end and nothing may be used before it was checked, so
/// that the whole file must be held in memory; other files are read as a stream and need no such limit.
pub const MAX_SEALED: usize = 256 << 20;
/// Largest file that [`diagnose`] tries out, in bytes (16 MiB): each try computes over the whole file.
pub const MAX_DIAGNOSED: usize = 16 << 20;
/// How many combinations [`diagnose`] tries for one file.
pub const MAX_TRIES: usize = 16;

/// The nonce of one file.
pub type Nonce = [u8; NONCE_BYTES];

/// Why a file is not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant documents it and its fields")]
pub enum OpenError {
    #[error("expected a sealed file of at least {least} bytes ({}), found {found}: it was cut, or it is not sealed", parts(*.least))]
    TooShort { least: usize, found: usize },
    #[error(
        "expected a sealed file of at most {MAX_SEALED} bytes, found {found}; have large files split before sealing"
    )]
    TooLarge { found: usize },
    /// What AES-GCM can say by itself; [`diagnose`] may say more.
    #[error("the tag is wrong: the file was altered, cut, moved, or sealed with another key")]
    Tag,
}

fn parts(least: usize) -> &'static str {
    if least == TAG_BYTES { "a tag of 16" } else { "a nonce of 12 and a tag of 16" }
}

/// Why a document that should hold a nonce does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a nonce as 12 raw bytes, 24 hex digits or 16 characters of base64, found {found}; \
     fetch the file again or have the bundle exported anew"
)]
pub struct NonceError {
    /// What the document holds instead, without its bytes.
    pub found: String,
}

/// The nonce of a document that lies beside a sealed file: 12 raw bytes, or as text 24 hex digits or 16 characters of
/// base64 (RFC 4648 section 4), where a line end may follow. The lengths tell the forms apart.
///
/// # Errors
/// [`NonceError`] for everything else.
pub fn nonce_of_document(untrusted: &[u8]) -> Result<Nonce, NonceError> {
    if let Ok(raw) = untrusted.try_into() {
        return Ok(raw);
    }
    let text = untrusted.strip_suffix(b"\n").unwrap_or(untrusted);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let (decoded, form) = match text.len() {
        16 => (STANDARD.decode(text).ok(), "16 characters that are not base64"),
        24 => (std::str::from_utf8(text).ok().and_then(unhex), "24 characters that are not hex digits"),
        _ => return Err(NonceError { found: format!("{} bytes", untrusted.len()) }),
    };
    decoded.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| NonceError { found: form.to_owned() })
}

/// The key that seals the files of one run. Its bytes are wiped when it is dropped and shown by nothing.
pub struct DataKey(LessSafeKey);

impl DataKey {
    /// Takes the raw bytes of a key; `None` unless there are 32. Wiping the original is the caller's business.
    pub fn from_bytes(untrusted: &[u8]) -> Option<Self> {
        (untrusted.len() == KEY_BYTES)
            .then(|| UnboundKey::new(&AES_256_GCM, untrusted).ok())
            .flatten()
            .map(|key| Self(LessSafeKey::new(key)))
    }

    /// Opens `untrusted`, which is cipher text and tag, in place and returns the plain bytes within it. Where it does not
    /// open, the buffer is filled with zeros: there is nothing in it that could be taken for plain bytes.
    ///
    /// # Errors
    /// [`OpenError::TooShort`], [`OpenError::TooLarge`], and [`OpenError::Tag`] where the tag is wrong for this key, nonce,
    /// additional data and cipher text.
    pub fn open<'a>(&self, nonce: Nonce, aad: &[u8], untrusted: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
        check_length(untrusted.len(), TAG_BYTES)?;
        let plain = untrusted.len() - TAG_BYTES;
        let nonce = GcmNonce::assume_unique_for_key(nonce);
        if self.0.open_in_place(nonce, Aad::from(aad), untrusted).is_err() {
            untrusted.zeroize();
            return Err(OpenError::Tag);
        }
        untrusted.get(..plain).ok_or(OpenError::Tag)
    }

    /// Whether cipher text and tag open. The plain bytes go into `scratch`, which is wiped by its type and never read.
    fn opens(&self, nonce: Nonce, aad: &[u8], untrusted: &[u8], scratch: &mut Zeroizing<Vec<u8>>) -> bool {
        let Some((cipher, tag)) = untrusted.split_last_chunk::<TAG_BYTES>() else { return false };
        scratch.resize(cipher.len(), 0);
        let nonce = GcmNonce::assume_unique_for_key(nonce);
        self.0.open_separate_gather(nonce, Aad::from(aad), cipher, tag, scratch).is_ok()
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").finish_non_exhaustive()
    }
}

fn check_length(found: usize, least: usize) -> Result<(), OpenError> {
    if found < least {
        return Err(OpenError::TooShort { least, found });
    }
    if found > MAX_SEALED {
        return Err(OpenError::TooLarge { found });
    }
    Ok(())
}

/// A sealed file and its nonce.
pub struct SealedFile {
    bytes: Vec<u8>,
    nonce: Nonce,
    /// Where the cipher text begins: behind the nonce, or at once.
    start: usize,
}

impl SealedFile {
    /// A file that is `nonce || cipher text || tag`.
    ///
    /// # Errors
    /// [`OpenError::TooShort`] below 28 bytes, [`OpenError::TooLarge`] beyond [`MAX_SEALED`].
    pub fn with_prefix(untrusted: Vec<u8>) -> Result<Self, OpenError> {
        let least = NONCE_BYTES + TAG_BYTES;
        check_length(untrusted.len(), least)?;
        let nonce = *untrusted.first_chunk().ok_or(OpenError::TooShort { least, found: untrusted.len() })?;
        Ok(Self { bytes: untrusted, nonce, start: NONCE_BYTES })
    }

    /// A file that is `cipher text || tag`, with its nonce from elsewhere ([`nonce_of_document`]).
    ///
    /// # Errors
    /// [`OpenError::TooShort`] below 16 bytes, [`OpenError::TooLarge`] beyond [`MAX_SEALED`].
    pub fn with_nonce(untrusted: Vec<u8>, nonce: Nonce) -> Result<Self, OpenError> {
        check_length(untrusted.len(), TAG_BYTES)?;
        Ok(Self { bytes: untrusted, nonce, start: 0 })
    }

    /// The nonce, which comes from the bundle and is no secret.
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// Opens the file. `aad` is the additional data that the reader expects, never one that the file brings along.
    ///
    /// # Errors
    /// [`NotOpened`], with the sealed file for [`diagnose`] where it is small enough for that.
    pub fn open(mut self, key: &DataKey, aad: &[u8]) -> Result<Opened, NotOpened> {
        // Opening in place destroys a file that does not open, so that a small one is kept beside.
        let kept = (self.bytes.len() <= MAX_DIAGNOSED).then(|| self.bytes.clone());
        let sealed = self.bytes.get_mut(self.start..).unwrap_or_default();
        match key.open(self.nonce, aad, sealed).map(<[u8]>::len) {
            Ok(length) => Ok(Opened { end: self.start + length, start: self.start, bytes: self.bytes }),
            Err(error) => {
                Err(NotOpened { error, sealed: kept.map(|bytes| Self { bytes, nonce: self.nonce, start: self.start }) })
            }
        }
    }

    fn sealed(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

impl fmt::Debug for SealedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedFile").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// The plain bytes of a file whose tag was right.
pub struct Opened {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Opened {
    /// The plain bytes.
    pub fn plain(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("bytes", &(self.end - self.start)).finish_non_exhaustive()
    }
}

/// A file that did not open.
#[derive(Debug)]
pub struct NotOpened {
    /// Why.
    pub error: OpenError,
    /// The file as it was, for [`diagnose`]; `None` beyond [`MAX_DIAGNOSED`].
    pub sealed: Option<SealedFile>,
}

/// Another sealed file of the same bundle: what a file may have been sealed as.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its path, for the message; untrusted.
    pub path: &'a str,
    /// The additional data of its place.
    pub aad: &'a [u8],
    /// Its nonce, where it has one that could be read.
    pub nonce: Option<Nonce>,
}

/// Why a file did not open, as far as trying others tells. `Display` is a sentence for the report, with paths escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis {
    /// It opens at another place: a file was moved there from here, with its nonce.
    Moved {
        /// The path that it was sealed as.
        from: String,
    },
    /// It opens with the nonce of another file: nonces were exchanged.
    NonceOf {
        /// The file that has its nonce.
        path: String,
    },
    /// It opens at another place with the nonce of that place: cipher texts were exchanged and nonces left.
    MovedWithoutNonce {
        /// The path that it was sealed as.
        from: String,
    },
    /// Nothing that was tried opens it.
    Unknown {
        /// How many other files were tried.
        tried: usize,
        /// How many there are.
        of: usize,
    },
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved { from } => write!(f, "it opens as {}: the file was moved", quote(from)),
            Self::NonceOf { path } => write!(f, "it opens with the nonce of {}: nonces were exchanged", quote(path)),
            Self::MovedWithoutNonce { from } => {
                write!(
                    f,
                    "it opens as {} with the nonce of that file: the file was moved without its nonce",
                    quote(from)
                )
            }
            Self::Unknown { tried, of } if tried == of => {
                f.write_str("it was altered, cut, or sealed with another key")
            }
            Self::Unknown { tried, of } => write!(
                f,
                "it was altered, cut, moved, or sealed with another key ({tried} of {of} other files were tried as its place)"
            ),
        }
    }
}

/// What can be told about a file that did not open as `aad` with its own nonce: which of the `others` it was sealed as, or
/// whose nonce it needs. At most [`MAX_TRIES`] combinations are tried, in the order of `others`: put those first that did
/// not open either.
///
/// The answer is for the message only. The file does not count as opened.
pub fn diagnose(key: &DataKey, file: &SealedFile, aad: &[u8], others: &[Candidate<'_>]) -> Diagnosis {
    let mut scratch = Zeroizing::new(Vec::new());
    let (mut tries, mut tried) = (0, 0);
    for other in others {
        for (diagnosis, nonce, aad) in combinations(file, aad, other) {
            if tries == MAX_TRIES || file.bytes.len() > MAX_DIAGNOSED {
                return Diagnosis::Unknown { tried, of: others.len() };
            }
            tries += 1;
            if key.opens(nonce, aad, file.sealed(), &mut scratch) {
                return diagnosis(other.path.to_owned());
            }
        }
        tried += 1;
    }
    Diagnosis::Unknown { tried, of: others.len() }
}

type Combination<'a> = (fn(String) -> Diagnosis, Nonce, &'a [u8]);

/// The ways in which a file may belong to another place, without the one that has failed already.
fn combinations<'a>(file: &SealedFile, aad: &'a [u8], other: &Candidate<'a>) -> impl Iterator<Item = Combination<'a>> {
    let elsewhere = other.aad != aad;
    let nonce = other.nonce.filter(|nonce| *nonce != file.nonce);
    let moved: Option<Combination<'a>> = elsewhere.then_some((|from| Diagnosis::Moved { from }, file.nonce, other.aad));
    let swapped = nonce.map(|nonce| -> Combination<'a> { (|path| Diagnosis::NonceOf { path }, nonce, aad) });
    let both = nonce
        .filter(|_| elsewhere)
        .map(|nonce| -> Combination<'a> { (|from| Diagnosis::MovedWithoutNonce { from }, nonce, other.aad) });
    [moved, swapped, both].into_iter().flatten()
}

#[cfg(test)]
#[path = "sealed_tests.rs"]
mod tests;
