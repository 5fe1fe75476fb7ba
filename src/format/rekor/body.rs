//! What an entry of the log is about: the kinds `dsse`, `intoto` and `hashedrekord` of Rekor, versions 1 and 2.

use super::{base64, hex32};
use crate::format::digest::Sha256Bytes;
use crate::format::json::{self, Size};
use serde_json::{Value, json};

/// Entries carry signatures and certificates, and no payloads.
const SIZE: Size = Size { bytes: 1 << 20, nodes: 4096 };

/// Most signatures of one entry.
const MAX_PAIRS: usize = 128;

/// A signature of an entry, and the key or certificate that it is said to be by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The bytes of the signature.
    pub signature: Vec<u8>,
    /// PEM text, or the DER of a public key.
    pub verifier: Vec<u8>,
}

/// What was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashed {
    /// The payload of a DSSE envelope.
    Payload,
    /// A file as it lies there.
    File,
}

/// An entry, as far as it is compared. Untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// `kind/version`.
    pub kind: String,
    /// What `sha256` is of.
    pub hashed: Hashed,
    /// The digest of what was signed.
    pub sha256: Sha256Bytes,
    /// The digest of the envelope's text, where the entry has it.
    pub envelope: Option<Sha256Bytes>,
    /// Signatures and keys.
    pub pairs: Vec<Pair>,
}

/// Reads an untrusted entry. `Ok(None)`: strict JSON of another kind.
///
/// # Errors
/// What was expected and what was found.
pub fn parse(untrusted: &[u8]) -> Result<Option<Body>, String> {
    json::check_within(untrusted, SIZE).map_err(|error| error.to_string())?;
    let value: Value = json::parse(untrusted).map_err(|error| error.to_string())?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = format!("{}/{}", text("kind"), text("apiVersion"));
    let spec = value.get("spec").unwrap_or(&Value::Null);
    let (hashed, sha256, envelope, pairs) = match kind.as_str() {
        "dsse/0.0.1" => {
            let pairs = list(&spec["signatures"], |item| pair(&item["signature"], &item["verifier"]))?;
            (Hashed::Payload, stated(&spec["payloadHash"])?, Some(stated(&spec["envelopeHash"])?), pairs)
        }
        "dsse/0.0.2" => {
            let spec = &spec["dsseV002"];
            let pairs = list(&spec["signatures"], |item| pair_v2(&item["content"], &item["verifier"]))?;
            (Hashed::Payload, stated_v2(&spec["payloadHash"])?, None, pairs)
        }
        "intoto/0.0.2" => {
            let content = &spec["content"];
            // The signature is the base64 text of the envelope, in base64 once more.
            let twice = |item: &Value| {
                let Pair { signature, verifier } = pair(&item["sig"], &item["publicKey"])?;
                let text = String::from_utf8(signature).ok()?;
                Some(Pair { signature: base64(&text)?, verifier })
            };
            let pairs = list(&content["envelope"]["signatures"], twice)?;
            (Hashed::Payload, stated(&content["payloadHash"])?, None, pairs)
        }
        "hashedrekord/0.0.1" => {
            let signature = &spec["signature"];
            let one = pair(&signature["content"], &signature["publicKey"]["content"]);
            (Hashed::File, stated(&spec["data"]["hash"])?, None, vec![one.ok_or(NO_PAIR)?])
        }
        "hashedrekord/0.0.2" => {
            let spec = &spec["hashedRekordV002"];
            let one = pair_v2(&spec["signature"]["content"], &spec["signature"]["verifier"]);
            (Hashed::File, stated_v2(&spec["data"])?, None, vec![one.ok_or(NO_PAIR)?])
        }
        _ => return Ok(None),
    };
    Ok(Some(Body { kind, hashed, sha256, envelope, pairs }))
}

const NO_PAIR: &str = "expected each signature with its key, in base64";

fn list(value: &Value, read: impl Fn(&Value) -> Option<Pair>) -> Result<Vec<Pair>, String> {
    let items = value.as_array().filter(|items| (1..=MAX_PAIRS).contains(&items.len()));
    let items = items.ok_or_else(|| format!("expected a list of 1 to {MAX_PAIRS} signatures"))?;
    items.iter().map(read).collect::<Option<Vec<_>>>().ok_or_else(|| NO_PAIR.into())
}

fn pair(signature: &Value, verifier: &Value) -> Option<Pair> {
    Some(Pair { signature: base64(signature.as_str()?)?, verifier: base64(verifier.as_str()?)? })
}

fn pair_v2(signature: &Value, verifier: &Value) -> Option<Pair> {
    let raw = verifier.get("publicKey").or_else(|| verifier.get("x509Certificate"));
    pair(signature, raw?.get("rawBytes")?)
}

fn stated(hash: &Value) -> Result<Sha256Bytes, String> {
    let algorithm = hash.get("algorithm").and_then(Value::as_str);
    let digest = hash.get("value").and_then(Value::as_str).and_then(hex32).filter(|_| algorithm == Some("sha256"));
    digest.ok_or_else(|| "expected a SHA-256 digest of 64 lower-case hex digits".into())
}

fn stated_v2(hash: &Value) -> Result<Sha256Bytes, String> {
    let algorithm = hash.get("algorithm").and_then(Value::as_str);
    let digest = hash.get("digest").and_then(Value::as_str).and_then(base64).filter(|_| algorithm == Some("SHA2_256"));
    digest.and_then(|digest| digest.try_into().ok()).ok_or_else(|| "expected a SHA-256 digest in base64".into())
}

impl Body {
    /// The entry as Rekor version 1 writes it (RFC 8785): `dsse/0.0.1` for an envelope whose text has the digest `envelope`,
    /// `hashedrekord/0.0.1` for a file. Verifiers are PEM texts.
    pub fn canonical(hashed: Hashed, sha256: &Sha256Bytes, envelope: &Sha256Bytes, pairs: &[Pair]) -> Option<Vec<u8>> {
        use super::STANDARD;
        use base64::Engine as _;
        let hash = |digest: &Sha256Bytes| json!({"algorithm": "sha256", "value": crate::format::digest::hex(digest)});
        let mut texts: Vec<(String, String)> =
            pairs.iter().map(|pair| (STANDARD.encode(&pair.signature), STANDARD.encode(&pair.verifier))).collect();
        texts.sort();
        let (kind, spec) = match hashed {
            Hashed::Payload => {
                let signatures = texts.iter().map(|(signature, key)| json!({"signature": signature, "verifier": key}));
                let signatures: Vec<Value> = signatures.collect();
                let hashes =
                    json!({"envelopeHash": hash(envelope), "payloadHash": hash(sha256), "signatures": signatures});
                ("dsse", hashes)
            }
            Hashed::File => {
                let (signature, key) = texts.first().filter(|_| texts.len() == 1)?;
                let signature = json!({"content": signature, "publicKey": {"content": key}});
                ("hashedrekord", json!({"data": {"hash": hash(sha256)}, "signature": signature}))
            }
        };
        // Objects are kept in the order of their keys, all of which are plain ASCII: that is the canonical form.
        Some(json!({"apiVersion": "0.0.1", "kind": kind, "spec": spec}).to_string().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let pairs = [
            Pair { signature: vec![9], verifier: b"key".to_vec() },
            Pair { signature: vec![1], verifier: b"other".to_vec() },
        ];
        let text = Body::canonical(Hashed::Payload, &[7; 32], &[8; 32], &pairs).unwrap();
        assert!(
            text.starts_with(br#"{"apiVersion":"0.0.1","kind":"dsse","spec":{"envelopeHash":{"algorithm":"sha256","#)
        );
        let body = parse(&text).unwrap().unwrap();
        assert_eq!((body.hashed, body.sha256, body.envelope), (Hashed::Payload, [7; 32], Some([8; 32])));
        assert_eq!(body.pairs, [pairs[1].clone(), pairs[0].clone()], "in the order of their base64");
        let text = Body::canonical(Hashed::File, &[7; 32], &[0; 32], &pairs[..1]).unwrap();
        let body = parse(&text).unwrap().unwrap();
        assert_eq!((body.kind.as_str(), body.hashed, body.pairs.len()), ("hashedrekord/0.0.1", Hashed::File, 1));
        assert_eq!(Body::canonical(Hashed::File, &[7; 32], &[0; 32], &pairs), None);
    }

    #[test]
    fn other_kinds_are_told_and_bad_ones_refused() {
        assert_eq!(parse(br#"{"kind":"rpm","apiVersion":"0.0.1","spec":{}}"#), Ok(None));
        assert_eq!(parse(b"{}"), Ok(None));
        assert!(parse(b"no").is_err());
        for spec in ["{}", r#"{"payloadHash":{"algorithm":"sha1","value":"00"}}"#] {
            let text = format!(r#"{{"kind":"dsse","apiVersion":"0.0.1","spec":{spec}}}"#);
            assert!(parse(text.as_bytes()).is_err(), "{spec}");
        }
    }
}
