//! Identities of the operator and the data keys that are wrapped for them: age v1 (C2SP `age`), X25519 recipients only.
//!
//! Every other kind is refused by name. In particular nothing is ever tried with a pass phrase: the work that scrypt
//! costs is stated by the wrapped file, which is hostile.

use std::fmt;
use std::io::Read as _;

use age::x25519::Identity;
use age::{DecryptError, Decryptor};
use zeroize::Zeroizing;

use super::key_error::quote;
use super::sealed::{DataKey, KEY_BYTES};

/// Largest identity file, in bytes. One identity takes 75.
pub const MAX_IDENTITY_FILE: usize = 64 << 10;
/// Most identities in one file. Each is tried on each recipient of each wrapped key.
pub const MAX_IDENTITIES: usize = 16;
/// Largest wrapped key, in bytes, armor included. One for a single recipient takes 232.
pub const MAX_WRAPPED: usize = 16 << 10;
/// Most recipients in the header of one wrapped key: an identity computes twice on a curve for each.
pub const MAX_STANZAS: usize = 32;
/// Most lines in the header of one wrapped key. The `age` crate parses the header anew for each line that it reads.
const MAX_HEADER_LINES: usize = 256;

const SECRET: &str = "AGE-SECRET-KEY-1";
const VERSION: &[u8] = b"age-encryption.org/v1";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// Why an identity file was refused. No message repeats anything from the file, which holds secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant documents it and its fields")]
pub enum IdentityError {
    #[error("expected at most {MAX_IDENTITY_FILE} bytes, found {found}; this is not an identity file")]
    TooLarge { found: usize },
    #[error("expected a line {SECRET}..., found only comments or nothing; give the file that age-keygen wrote")]
    Empty,
    #[error("expected at most {MAX_IDENTITIES} identities, found more; give a file with those that the bundle is for")]
    TooMany,
    #[error(
        "expected an identity in the clear, found an age file with one inside; \
         write the identity into a file first: age --decrypt --output IDENTITY FILE"
    )]
    Encrypted,
    #[error(
        "line {line}: expected {SECRET}..., a comment (#) or a blank line, found {found}; \
         only X25519 identities, which age-keygen writes, are supported"
    )]
    Kind { line: usize, found: &'static str },
    #[error(
        "line {line}: expected an identity, found a recipient, its public half; give the file that age-keygen wrote"
    )]
    Recipient { line: usize },
    #[error(
        "line {line}: expected {SECRET} and 58 more characters, found an identity that is cut, mistyped or in lower \
         case; copy the file again"
    )]
    Malformed { line: usize },
}

/// Why a wrapped data key was not unwrapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant documents it and its fields")]
pub enum UnwrapError {
    #[error("expected a wrapped key of at most {MAX_WRAPPED} bytes, found {found}")]
    TooLarge { found: usize },
    #[error("expected an age v1 file, found {found}; have the bundle exported anew")]
    Malformed { found: String },
    /// Its recipients were read, but something after them is not what its author wrote.
    #[error("the wrapped key was altered: {found}; fetch the bundle again")]
    Altered { found: &'static str },
    /// age does not write down whom a stanza is for, so that these two cannot be told apart.
    #[error(
        "none of the {identities} given identities opens the wrapped key: it is for somebody else, or it was altered; \
         give the identity of one of its recipients"
    )]
    NoMatch { identities: usize },
    #[error(
        "expected an X25519 recipient, found a pass phrase (scrypt), which is never tried: the file states how much \
         work it costs; have the key wrapped for a recipient age1..."
    )]
    PassPhrase,
    #[error("expected an X25519 recipient, found only {found}; have the key wrapped for a recipient age1...")]
    OtherRecipients { found: String },
    #[error("expected {KEY_BYTES} bytes of key in the wrapped key, found {found}; have the bundle exported anew")]
    Length { found: usize },
}

/// The X25519 identities of one file. The secrets are wiped when they are dropped and shown by nothing.
pub struct Identities(Vec<Identity>);

impl Identities {
    /// Reads an identity file as `age-keygen` writes it: one identity a line, comments (`#`) and blank lines.
    ///
    /// Wiping the bytes of the file is the caller's business.
    ///
    /// # Errors
    /// [`IdentityError`] where the file has any other line, none at all, or too many. A file with a line that is not
    /// understood is refused as a whole: the identity that is needed may be just that one.
    pub fn parse(untrusted: &[u8]) -> Result<Self, IdentityError> {
        if untrusted.len() > MAX_IDENTITY_FILE {
            return Err(IdentityError::TooLarge { found: untrusted.len() });
        }
        if untrusted.starts_with(b"age-encryption.org/") || untrusted.trim_ascii_start().starts_with(ARMOR) {
            return Err(IdentityError::Encrypted);
        }
        let mut identities = Vec::new();
        for (index, raw) in untrusted.split(|byte| *byte == b'\n').enumerate() {
            let line = raw.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let identity = identity(line, index + 1)?;
            if identities.len() == MAX_IDENTITIES {
                return Err(IdentityError::TooMany);
            }
            identities.push(identity);
        }
        if identities.is_empty() { Err(IdentityError::Empty) } else { Ok(Self(identities)) }
    }

    /// The public halves (`age1...`), in the order of the file. These may be shown.
    pub fn recipients(&self) -> Vec<String> {
        self.0.iter().map(|identity| identity.to_public().to_string()).collect()
    }

    /// Unwraps a data key: an age v1 file, binary or in ASCII armor, over exactly 32 bytes, with one of its X25519
    /// recipients among these identities.
    ///
    /// # Errors
    /// [`UnwrapError`]: where it is no such file, where no identity fits, and where it does not hold 32 bytes.
    pub fn unwrap_key(&self, untrusted: &[u8]) -> Result<DataKey, UnwrapError> {
        if untrusted.len() > MAX_WRAPPED {
            return Err(UnwrapError::TooLarge { found: untrusted.len() });
        }
        let armored = untrusted.trim_ascii_start();
        let decoded = if armored.starts_with(ARMOR) { Some(unarmored(armored)?) } else { None };
        let file = decoded.as_deref().unwrap_or(untrusted);
        check_recipients(file)?;
        let decryptor = Decryptor::new_buffered(file).map_err(|error| self.explain(&error))?;
        let identities = self.0.iter().map(|identity| identity as &dyn age::Identity);
        let reader = decryptor.decrypt(identities).map_err(|error| self.explain(&error))?;
        // With room for all, so that no copy is left behind by growing; the file is longer than what it holds.
        let mut plain = Zeroizing::new(Vec::with_capacity(file.len()));
        let room = u64::try_from(file.len()).unwrap_or(u64::MAX);
        reader
            .take(room)
            .read_to_end(&mut plain)
            .map_err(|_| UnwrapError::Altered { found: "the key in it does not decrypt, or it was cut" })?;
        DataKey::from_bytes(&plain).ok_or(UnwrapError::Length { found: plain.len() })
    }

    /// The texts of the crate are translations from tables; none is used.
    fn explain(&self, error: &DecryptError) -> UnwrapError {
        match error {
            DecryptError::NoMatchingKeys => UnwrapError::NoMatch { identities: self.0.len() },
            DecryptError::InvalidMac => UnwrapError::Altered { found: "the seal (MAC) of its header is wrong" },
            DecryptError::Io(_) => malformed("a file that ends in or behind its header"),
            _ => malformed("a header that breaks the format"),
        }
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identities").field(&self.recipients()).finish()
    }
}

/// The identity in a line, which is neither blank nor a comment.
fn identity(line: &[u8], number: usize) -> Result<Identity, IdentityError> {
    let kind = |found| IdentityError::Kind { line: number, found };
    let starts = |prefix: &[u8]| line.len() >= prefix.len() && line[..prefix.len()].eq_ignore_ascii_case(prefix);
    if starts(SECRET.as_bytes()) {
        let text = std::str::from_utf8(line).map_err(|_| IdentityError::Malformed { line: number })?;
        return match text.parse() {
            Ok(identity) if text.starts_with(SECRET) => Ok(identity),
            _ => Err(IdentityError::Malformed { line: number }),
        };
    }
    Err(match () {
        () if starts(b"AGE-PLUGIN-") => kind("the identity of a plugin, which is another program"),
        () if starts(b"AGE-SECRET-KEY-PQ-1") => kind("a post-quantum identity"),
        () if starts(b"age1") => IdentityError::Recipient { line: number },
        () if starts(b"ssh-") => kind("an SSH key"),
        () if starts(b"-----BEGIN ") => kind("a PEM block, such as an SSH key"),
        () => kind("other text"),
    })
}

/// Takes off the armor. Empty lines before it were taken off already.
fn unarmored(untrusted: &[u8]) -> Result<Vec<u8>, UnwrapError> {
    let mut binary = Vec::new();
    match age::armor::ArmoredReader::new(untrusted).read_to_end(&mut binary) {
        Ok(_) => Ok(binary),
        Err(_) => Err(malformed("ASCII armor that breaks the format")),
    }
}

/// Looks at the header before the `age` crate does: the version, how long it is, and that there is a recipient that an
/// identity can try. Lines that begin with `->` open a stanza, one that begins with `---` ends the header.
fn check_recipients(file: &[u8]) -> Result<(), UnwrapError> {
    let mut lines = file.split(|byte| *byte == b'\n');
    match lines.next() {
        Some(VERSION) => {}
        Some(other) if other.starts_with(b"age-encryption.org/") => {
            return Err(malformed(&format!("version {}", quote(&String::from_utf8_lossy(other)))));
        }
        _ => return Err(malformed("other bytes")),
    }
    let mut kinds: Vec<&[u8]> = Vec::new();
    let mut ended = false;
    for (index, line) in lines.enumerate() {
        if index > MAX_HEADER_LINES {
            return Err(malformed(&format!("a header of more than {MAX_HEADER_LINES} lines")));
        }
        if line.starts_with(b"---") {
            ended = true;
            break;
        }
        if let Some(stanza) = line.strip_prefix(b"-> ") {
            if kinds.len() == MAX_STANZAS {
                return Err(malformed(&format!("more than {MAX_STANZAS} recipients in one file")));
            }
            kinds.extend(stanza.split(|byte| *byte == b' ').next());
        }
    }
    if !ended {
        return Err(malformed("a header without an end"));
    }
    if kinds.contains(&b"scrypt".as_slice()) {
        return Err(UnwrapError::PassPhrase);
    }
    if kinds.is_empty() || kinds.contains(&b"X25519".as_slice()) {
        return Ok(()); // without recipients it is malformed, which is for the crate to say
    }
    let names: Vec<String> = kinds.iter().take(3).map(|kind| quote(&String::from_utf8_lossy(kind))).collect();
    Err(UnwrapError::OtherRecipients { found: names.join(", ") })
}

fn malformed(found: &str) -> UnwrapError {
    UnwrapError::Malformed { found: found.to_owned() }
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
