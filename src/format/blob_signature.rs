//! Detached signatures of whole files, as `cosign sign-blob` writes them: base64 text of one signature over the raw bytes, or
//! the signature itself (`--b64=false`, `openssl dgst -sign`).
//!
//! A signature in the form of another tool is no broken one: it is told apart, because it proves nothing in either direction.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest file that is read as a signature, in bytes: one of RSA-8192 has 1,368 characters, and nothing may hide behind it.
pub const MAX_BYTES: usize = 4096;

/// What is there instead of a signature that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// A signature in the form of another tool, which is named.
    Foreign(&'static str),
    /// No signature: a sentence that says what was found.
    Broken(String),
}

/// How texts of other tools begin.
const FOREIGN_TEXTS: [(&str, &str); 8] = [
    ("-----BEGIN PGP ", "an OpenPGP signature in ASCII armour (gpg --verify)"),
    ("-----BEGIN SSH SIGNATURE-----", "an SSH signature (ssh-keygen -Y verify)"),
    ("-----BEGIN PKCS7-----", "a CMS signature in PEM (openssl cms -verify)"),
    ("-----BEGIN CMS-----", "a CMS signature in PEM (openssl cms -verify)"),
    ("-----BEGIN ", "a PEM file"),
    ("untrusted comment:", "a signature of minisign or signify"),
    ("eyJ", "a JWS"),
    ("{", "a JSON document"),
];

/// Reads `untrusted` as one signature: standard base64 with its padding (RFC 4648 section 4), white space around it only; or
/// binary of a form that a raw signature has. Returns the signature's bytes.
///
/// # Errors
/// What was found instead.
pub fn parse(untrusted: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let broken = |why: String| Err(Unreadable::Broken(why));
    let text = untrusted.trim_ascii();
    if text.is_empty() {
        return broken("an empty file".into());
    }
    if let Ok(bytes) = STANDARD.decode(text)
        && untrusted.len() <= MAX_BYTES
    {
        return Ok(bytes);
    }
    if let Some((_, what)) = FOREIGN_TEXTS.iter().find(|(begin, _)| text.starts_with(begin.as_bytes())) {
        return Err(Unreadable::Foreign(what));
    }
    if untrusted.iter().any(|byte| !byte.is_ascii_graphic() && !byte.is_ascii_whitespace()) {
        return raw(untrusted).map_err(Unreadable::Foreign);
    }
    if untrusted.len() > MAX_BYTES {
        return broken(format!("a text of {} bytes; a signature has at most {MAX_BYTES}", untrusted.len()));
    }
    let why = STANDARD.decode(text).err().map_or_else(String::new, |error| format!(" ({error})"));
    broken(format!("no standard base64{why}"))
}

/// Binary: a signature by its length and first bytes, else what it may be.
fn raw(untrusted: &[u8]) -> Result<Vec<u8>, &'static str> {
    match untrusted {
        _ if is_openpgp(untrusted) => Err("an OpenPGP signature in binary (gpg --verify)"),
        // Ecdsa-Sig-Value, well-formed or not: that is judged where it is verified. P-521 has 139 bytes at most.
        [0x30, ..] if (8..=140).contains(&untrusted.len()) => Ok(untrusted.to_vec()),
        [0x30, ..] => Err("binary DER, such as a CMS signature (openssl cms -verify)"),
        // Ed25519, and RSA from 2048 to 8192 bits.
        _ if untrusted.len() == 64 || (256..=1024).contains(&untrusted.len()) && untrusted.len().is_multiple_of(8) => {
            Ok(untrusted.to_vec())
        }
        _ => Err("binary data of a length that no known signature has"),
    }
}

/// One signature packet (RFC 9580 section 4.2) that is the whole file, or the first of several.
fn is_openpgp(untrusted: &[u8]) -> bool {
    let (length, rest) = match untrusted {
        [0x88, length, rest @ ..] => (usize::from(*length), rest),
        [0x89, a, b, rest @ ..] => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        [0xc2, length, rest @ ..] if *length < 192 => (usize::from(*length), rest),
        [0xc2, a, b, rest @ ..] => (((usize::from(*a).saturating_sub(192)) << 8) + usize::from(*b) + 192, rest),
        _ => return false,
    };
    // Version of the packet: 3 to 6.
    length <= rest.len() && rest.first().is_some_and(|version| (3..=6).contains(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_signature_and_nothing_else() {
        assert_eq!(parse(b"AAEC\n"), Ok(vec![0, 1, 2]));
        assert_eq!(parse(b" AAECAw== \r\n"), Ok(vec![0, 1, 2, 3]));
        for bad in [&b""[..], b"\n", b"AAEC\nAAEC\n", b"AAECAw", b"AAE=C", b"AA_-", b"signature", &[b'A'; 4100]] {
            assert!(matches!(parse(bad), Err(Unreadable::Broken(_))), "{bad:?}");
        }
    }

    #[test]
    fn binary_is_a_signature_by_its_length() {
        let der = [&[0x30, 0x44][..], &[0x80; 68]].concat();
        for raw in [der, vec![0x80; 64], vec![0xff; 256], vec![0xff; 512]] {
            assert_eq!(parse(&raw), Ok(raw));
        }
        for other in [&[0x80; 63][..], &[0xff; 255], &[0xff; 257], &[0xff; 2000], &[0; 5000]] {
            assert!(matches!(parse(other), Err(Unreadable::Foreign(_))), "{}", other.len());
        }
    }

    #[test]
    fn forms_of_other_tools_are_named() {
        let says = |untrusted: &[u8], words: &str| match parse(untrusted) {
            Err(Unreadable::Foreign(what)) => assert!(what.contains(words), "{what}"),
            other => panic!("{other:?}"),
        };
        says(
            b"-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n",
            "OpenPGP signature in ASCII armour",
        );
        says(b"-----BEGIN SSH SIGNATURE-----\n", "SSH");
        says(b"-----BEGIN PKCS7-----\n", "CMS");
        says(b"-----BEGIN CERTIFICATE-----\n", "PEM");
        says(b"untrusted comment: signature from minisign\nRW\n", "minisign");
        says(b"eyJhbGciOiJFUzI1NiJ9..AA", "JWS");
        says(b"{\"signatures\": []}", "JSON");
        says(&[&[0x88, 70, 4][..], &[0; 69]].concat(), "OpenPGP signature in binary");
        says(&[&[0x89, 1, 51, 4][..], &[0; 306]].concat(), "OpenPGP signature in binary");
        says(&[&[0xc2, 70, 6][..], &[0; 69]].concat(), "OpenPGP signature in binary");
        says(&[&[0x30, 0x82][..], &[0x80; 600]].concat(), "CMS");
        // A signature by RSA may begin like a packet; then its length field does not fit.
        assert!(parse(&[&[0x89, 0xff, 0xff][..], &[4; 253]].concat()).is_ok());
    }
}
