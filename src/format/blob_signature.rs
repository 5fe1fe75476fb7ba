//! Detached signatures of whole files, as `cosign sign-blob` writes them: base64 text of one signature over the raw bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest file that is read as a signature, in bytes: one of RSA-8192 has 1,368 characters, and nothing may hide behind it.
pub const MAX_BYTES: usize = 4096;

/// Reads `untrusted` as the text of one signature: standard base64 with its padding (RFC 4648 section 4), white space
/// around it only. Returns the signature's bytes.
///
/// # Errors
/// A sentence that says what was found instead.
pub fn parse(untrusted: &[u8]) -> Result<Vec<u8>, String> {
    if untrusted.len() > MAX_BYTES {
        return Err(format!("a file of {} bytes; a signature has at most {MAX_BYTES}", untrusted.len()));
    }
    let text = untrusted.trim_ascii();
    if text.is_empty() {
        return Err("an empty file".into());
    }
    let bytes = STANDARD.decode(text).map_err(|error| format!("no standard base64 ({error})"))?;
    if bytes.is_empty() { Err("base64 of no bytes".into()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_signature_and_nothing_else() {
        assert_eq!(parse(b"AAEC\n"), Ok(vec![0, 1, 2]));
        assert_eq!(parse(b" AAECAw== \r\n"), Ok(vec![0, 1, 2, 3]));
        for bad in [&b""[..], b"\n", b"AAEC\nAAEC\n", b"AAECAw", b"AAE=C", b"AA_-", b"\x30\x44\x02", &[b'A'; 4100]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
