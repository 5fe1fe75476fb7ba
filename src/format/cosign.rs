//! Files that cosign's `sign-blob --bundle` wrote before it took to Sigstore bundles: one JSON object with a signature, who
//! made it, and the word of a transparency log (cosign `LocalSignedPayload`; Rekor types hashedrekord 0.0.1, rekord 0.0.1).
//!
//! Nothing is verified here. Signature, certificate and log entry are three parts that anybody can put together
//! (CVE-2022-36056, CVE-2026-22703); `trust::sigstore` compares what the entry records with the other two and with the artifact.

use super::blob_signature;
use super::digest::unhex;
use super::json;
use super::sigstore::MAX_BUNDLE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// The media type that reports show: these files have none of their own.
pub const MEDIA_TYPE: &str = "none (cosign --bundle, older format)";

/// A file of the older format, read and not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignFile {
    /// What is signed, and the signature.
    pub content: Content,
    /// `cert`: a certificate or a public key in PEM, where the file names one.
    pub verifier: Option<Vec<u8>>,
    /// `rekorBundle`: the entry in a transparency log.
    pub entry: Option<Entry>,
}

/// What `base64Signature` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A signature over the artifact (`sign-blob`).
    Signature(Vec<u8>),
    /// A DSSE envelope (`attest-blob`): strict JSON, not looked into here.
    Envelope(Value),
}

/// An entry in a transparency log, and the log's promise to have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The body as the log keeps it: JSON.
    pub body: Vec<u8>,
    /// Seconds since 1970.
    pub integrated_time: i64,
    /// Its place in the log.
    pub log_index: i64,
    /// SHA-256 of the log's key.
    pub log_id: Vec<u8>,
    /// The signed entry timestamp.
    pub promise: Vec<u8>,
    /// `kind` of the body.
    pub kind: String,
    /// `apiVersion` of the body.
    pub version: String,
    /// What the body records, for the kinds hashedrekord and rekord in version 0.0.1.
    pub record: Option<Record>,
}

/// What an entry of the kind hashedrekord or rekord is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Name of the hash algorithm.
    pub algorithm: String,
    /// Digest of the artifact, as it stands there (hex).
    pub digest: String,
    /// The signature.
    pub signature: Vec<u8>,
    /// Certificate or public key in PEM.
    pub verifier: Vec<u8>,
}

#[derive(Deserialize)]
struct RawFile {
    #[serde(rename = "base64Signature")]
    signature: String,
    cert: Option<String>,
    #[serde(rename = "rekorBundle")]
    receipt: Option<RawReceipt>,
}

#[derive(Deserialize)]
struct RawReceipt {
    #[serde(rename = "SignedEntryTimestamp")]
    promise: String,
    #[serde(rename = "Payload")]
    payload: RawPayload,
}

#[derive(Deserialize)]
struct RawPayload {
    body: String,
    #[serde(rename = "integratedTime")]
    integrated_time: i64,
    #[serde(rename = "logIndex")]
    log_index: i64,
    #[serde(rename = "logID")]
    log_id: String,
}

/// Whether `untrusted` is an object with a member that only this format has.
pub fn is_older(untrusted: &[u8]) -> bool {
    if untrusted.len() > MAX_BUNDLE || !speaks_of(untrusted, "base64Signature") && !speaks_of(untrusted, "rekorBundle")
    {
        return false;
    }
    let value: Result<Value, _> = serde_json::from_slice(untrusted);
    value.is_ok_and(|value| ["base64Signature", "rekorBundle"].iter().any(|member| value.get(member).is_some()))
}

/// Whether `untrusted` is text about a signature in this format or in that of Sigstore bundles, well-formed or not: a file
/// whose name does not say what it is.
pub fn may_be_bundle(untrusted: &[u8]) -> bool {
    let object = untrusted.trim_ascii_start().starts_with(b"{");
    object
        && ["\"base64Signature\"", "\"rekorBundle\"", "vnd.dev.sigstore.bundle"].iter().any(|t| speaks_of(untrusted, t))
}

fn speaks_of(untrusted: &[u8], text: &str) -> bool {
    memchr::memmem::find(untrusted, text.as_bytes()).is_some()
}

/// Reads an untrusted file of the older format.
///
/// # Errors
/// A sentence: too large, not strict JSON, a member that is missing or of another type, or base64 in another form than the
/// one in which the log signed it.
pub fn read(untrusted: &[u8]) -> Result<CosignFile, String> {
    if untrusted.len() > MAX_BUNDLE {
        return Err(format!("it has more than the limit of {MAX_BUNDLE} bytes"));
    }
    let raw: RawFile = json::parse(untrusted).map_err(|error| error.to_string())?;
    Ok(CosignFile {
        content: content(&raw.signature)?,
        verifier: raw.cert.as_deref().filter(|text| !text.trim().is_empty()).map(pem_text).transpose()?,
        entry: raw.receipt.map(entry).transpose()?,
    })
}

fn content(text: &str) -> Result<Content, String> {
    let bytes = decode("base64Signature", text)?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        let envelope = json::parse(&bytes).map_err(|error| format!("the envelope in base64Signature: {error}"))?;
        return Ok(Content::Envelope(envelope));
    }
    if bytes.is_empty() || bytes.len() > blob_signature::MAX_BYTES {
        return Err(format!("base64Signature holds {} bytes, which no signature has", bytes.len()));
    }
    Ok(Content::Signature(bytes))
}

/// `cert`: PEM, mostly in base64 once more.
fn pem_text(text: &str) -> Result<Vec<u8>, String> {
    if text.trim_start().starts_with("-----BEGIN ") {
        Ok(text.as_bytes().to_vec())
    } else {
        decode("cert", text.trim())
    }
}

fn entry(raw: RawReceipt) -> Result<Entry, String> {
    let RawPayload { body, integrated_time, log_index, log_id } = raw.payload;
    let body = decode("body", &body)?;
    let lower = !log_id.bytes().any(|byte| byte.is_ascii_uppercase());
    let log_id = unhex(&log_id).filter(|id| id.len() == 32 && lower);
    if integrated_time <= 0 || log_index < 0 {
        return Err(format!("integratedTime is {integrated_time} and logIndex {log_index}, which no log gives"));
    }
    let value: Value = json::parse(&body).map_err(|error| format!("the body of the log entry: {error}"))?;
    let text = |member: &str| {
        let found = value.get(member).and_then(Value::as_str);
        found.map(str::to_string).ok_or_else(|| format!("the body of the log entry has no {member}"))
    };
    let (kind, version) = (text("kind")?, text("apiVersion")?);
    let known = ["hashedrekord", "rekord"].contains(&kind.as_str()) && version == "0.0.1";
    Ok(Entry {
        record: known.then(|| record(&value)).transpose()?,
        promise: decode("SignedEntryTimestamp", &raw.promise)?,
        log_id: log_id.ok_or("logID is not the 64 lower-case hex digits of a SHA-256")?,
        body,
        integrated_time,
        log_index,
        kind,
        version,
    })
}

fn record(body: &Value) -> Result<Record, String> {
    let text = |pointer: &str| {
        let found = body.pointer(pointer).and_then(Value::as_str);
        found.ok_or_else(|| format!("the body of the log entry has no {}", pointer[1..].replace('/', ".")))
    };
    Ok(Record {
        algorithm: text("/spec/data/hash/algorithm")?.into(),
        digest: text("/spec/data/hash/value")?.into(),
        signature: decode("spec.signature.content", text("/spec/signature/content")?)?,
        verifier: decode("spec.signature.publicKey.content", text("/spec/signature/publicKey/content")?)?,
    })
}

/// Standard base64 with its padding and nothing around it: what a log signs is this very text.
fn decode(member: &str, text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| format!("{member} is no standard base64 ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        let b64 = |bytes: &[u8]| STANDARD.encode(bytes);
        let body = json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": "00"}},
            "signature": {"content": b64(b"sig"), "publicKey": {"content": b64(b"pem")}}}});
        json!({"base64Signature": b64(b"sig"), "cert": b64(b"-----BEGIN X-----"), "rekorBundle": {
            "SignedEntryTimestamp": b64(b"set"),
            "Payload": {"body": b64(body.to_string().as_bytes()), "integratedTime": 5, "logIndex": 7, "logID": "ab".repeat(32)}}})
    }

    fn refused(change: impl Fn(&mut Value), words: &str) {
        let mut value = good();
        change(&mut value);
        let why = read(value.to_string().as_bytes()).unwrap_err();
        assert!(why.contains(words), "{why}");
    }

    #[test]
    fn members_are_told_as_they_stand() {
        let file = read(good().to_string().as_bytes()).unwrap();
        assert_eq!(
            (file.content, file.verifier),
            (Content::Signature(b"sig".into()), Some(b"-----BEGIN X-----".into()))
        );
        let entry = file.entry.unwrap();
        assert_eq!((entry.integrated_time, entry.log_index, entry.log_id), (5, 7, vec![0xab; 32]));
        let record = entry.record.unwrap();
        assert_eq!((record.algorithm.as_str(), record.digest.as_str()), ("sha256", "00"));
        assert_eq!((record.signature, record.verifier), (b"sig".to_vec(), b"pem".to_vec()));
        let bare = read(br#"{"base64Signature": "c2ln", "cert": ""}"#).unwrap();
        assert_eq!((bare.verifier, bare.entry), (None, None));
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        refused(|value| value["base64Signature"] = json!("c2ln\n"), "base64Signature is no standard base64");
        refused(|value| value["base64Signature"] = json!("_-8="), "base64Signature is no standard base64");
        refused(|value| value["base64Signature"] = json!(""), "holds 0 bytes");
        refused(|value| value["rekorBundle"]["Payload"]["logID"] = json!("AB".repeat(32)), "lower-case");
        refused(|value| value["rekorBundle"]["Payload"]["logID"] = json!("ab"), "64");
        refused(|value| value["rekorBundle"]["Payload"]["logIndex"] = json!(-1), "logIndex -1");
        refused(|value| value["rekorBundle"]["Payload"]["integratedTime"] = json!(0), "integratedTime is 0");
        refused(|value| value["rekorBundle"]["Payload"]["integratedTime"] = json!("5"), "");
        refused(|value| value["rekorBundle"]["Payload"]["body"] = json!("e30="), "has no kind");
        refused(|value| value["rekorBundle"]["SignedEntryTimestamp"] = json!("c2V0Cg"), "SignedEntryTimestamp");
        let twice = good().to_string().replacen('{', "{\"cert\":\"\",", 1);
        assert!(read(twice.as_bytes()).is_err());
    }

    #[test]
    fn files_are_told_apart_by_what_they_hold() {
        assert!(is_older(good().to_string().as_bytes()) && may_be_bundle(good().to_string().as_bytes()));
        assert!(!is_older(br#"{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}"#));
        assert!(may_be_bundle(br#" {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}"#));
        assert!(!may_be_bundle(b"{}") && !may_be_bundle(b"base64Signature") && !is_older(b"\"base64Signature\""));
        assert!(!is_older(br#"{"x": {"base64Signature": ""}}"#));
    }
}
