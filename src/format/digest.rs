//! SHA-256 and SHA-512 values (FIPS 180-4) and their lower-case hex form.

use sha2::{Digest as _, Sha256, Sha512};
use std::fmt::Write as _;

/// 32 bytes of SHA-256.
pub type Sha256Bytes = [u8; 32];
/// 64 bytes of SHA-512.
pub type Sha512Bytes = [u8; 64];

/// A digest as a document states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digest {
    /// SHA-256.
    Sha256(Sha256Bytes),
    /// SHA-512.
    Sha512(Sha512Bytes),
}

impl Digest {
    /// `sha256:<hex>` or `sha512:<hex>`.
    pub fn prefixed(&self) -> String {
        match self {
            Digest::Sha256(bytes) => format!("sha256:{}", hex(bytes)),
            Digest::Sha512(bytes) => format!("sha512:{}", hex(bytes)),
        }
    }
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Sha256Bytes {
    Sha256::digest(bytes).into()
}

/// SHA-512 of `bytes`.
pub fn sha512(bytes: &[u8]) -> Sha512Bytes {
    Sha512::digest(bytes).into()
}

/// What hashing one file gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256, always.
    pub sha256: Sha256Bytes,
    /// SHA-512, where it was asked for.
    pub sha512: Option<Box<Sha512Bytes>>,
}

/// Feeds one file to the digests that are wanted.
#[derive(Clone, Default)]
pub struct Hasher {
    sha256: Sha256,
    sha512: Option<Sha512>,
}

impl Hasher {
    /// SHA-256, and SHA-512 too where `also_sha512`.
    pub fn new(also_sha512: bool) -> Self {
        Hasher { sha256: Sha256::new(), sha512: also_sha512.then(Sha512::new) }
    }

    /// The next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
    }

    /// The digests of all bytes so far.
    pub fn finish(self) -> Digests {
        Digests { sha256: self.sha256.finalize().into(), sha512: self.sha512.map(|h| Box::new(h.finalize().into())) }
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Bytes of an even number of hex digits of either case; `None` for anything else.
pub fn unhex(untrusted: &str) -> Option<Vec<u8>> {
    if !untrusted.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |c: u8| (c as char).to_digit(16).map(|v| v as u8);
    untrusted.as_bytes().chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

/// A SHA-256 value as manifests write it: 64 lower-case hex digits, with or without the prefix `sha256:`.
///
/// Errors say what was found; upper case is refused because formats.md fixes lower case and two spellings of one
/// digest would compare unequal elsewhere.
pub fn parse_sha256(untrusted: &str) -> Result<Sha256Bytes, String> {
    let digits = untrusted.strip_prefix("sha256:").unwrap_or(untrusted);
    if digits.len() != 64 {
        return Err(format!("a SHA-256 digest has 64 hex digits, found {} characters", digits.chars().count()));
    }
    if digits.bytes().any(|c| !matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("a SHA-256 digest is written in lower-case hex digits only".into());
    }
    unhex(digits).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| "not hex".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_input_has_the_published_digest() {
        assert_eq!(hex(&sha256(b"")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn manifests_write_lower_case_only() {
        let hex64 = hex(&sha256(b"x"));
        assert_eq!(parse_sha256(&hex64), Ok(sha256(b"x")));
        assert_eq!(parse_sha256(&format!("sha256:{hex64}")), Ok(sha256(b"x")));
        assert!(parse_sha256(&hex64.to_uppercase()).is_err());
        assert!(parse_sha256(&hex64[1..]).is_err());
        assert!(parse_sha256("sha256:../../etc/passwd").is_err());
        assert_eq!(unhex("0g"), None);
        assert_eq!(unhex("é0"), None);
    }
}
