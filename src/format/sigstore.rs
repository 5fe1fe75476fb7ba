//! Sigstore bundles (`application/vnd.dev.sigstore.bundle`, versions 0.1 to 0.3) as strict JSON: what such a file says of
//! itself. Nothing here is verified; the members that a report shows come from this reading.
//!
//! The reading is a second one beside that of the engine that verifies (`trust::sigstore`): a text that two readers could
//! take differently (a key twice, keys that differ by case) is refused before the engine sees it.

use super::digest::{Sha256Bytes, sha256};
use super::dsse::{decode_base64, pae};
use super::intoto;
use super::json;
use serde_json::Value;

/// Largest bundle, in bytes: an attestation that carries an SBOM of a few megabytes, in base64.
pub const MAX_BUNDLE: usize = 8 << 20;

/// Most log entries, timestamps and certificates of one bundle, each: the limit of other clients for the first two.
pub const MAX_ITEMS: usize = 32;

/// Most subjects of a statement.
pub const MAX_SUBJECTS: usize = 1 << 16;

/// What a bundle says who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    /// By a certificate: the DER of the leaf, and how many certificates there are.
    Certificate {
        /// The leaf, DER.
        leaf: Vec<u8>,
        /// Certificates in all.
        count: usize,
    },
    /// By a key that is not in the bundle, only a hint at it.
    PublicKey {
        /// The hint, authenticated by nobody.
        hint: String,
    },
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The artifact itself.
    Message,
    /// A DSSE envelope whose payload names the artifact.
    Envelope(Statement),
}

/// What the payload of an envelope says. Of a payload that is no in-toto statement only the type is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statement {
    /// `payloadType`.
    pub payload_type: String,
    /// `predicateType`.
    pub predicate_type: Option<String>,
    /// How many subjects there are.
    pub subjects: usize,
    /// How many of them state no SHA-256.
    pub without_sha256: usize,
    /// How many of them state no SHA-512.
    pub without_sha512: usize,
    /// The statement; the error says why it is none. None: the payload type is that of something else.
    pub strict: Option<Result<intoto::Statement, String>>,
}

/// The type of payload that names artifacts by digest (in-toto attestation framework, envelope layer).
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// One entry of a transparency log, as the bundle tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogEntry {
    /// `logIndex`, decimal.
    pub index: Option<String>,
    /// `logId.keyId`, lower-case hex.
    pub log_id: Option<String>,
    /// `kindVersion`, as `kind/version`.
    pub kind: String,
    /// `integratedTime`, seconds since 1970.
    pub integrated_time: Option<i64>,
    /// Whether there is a signed entry timestamp.
    pub promise: bool,
    /// The inclusion proof.
    pub proof: Option<Proof>,
}

/// An inclusion proof, as the bundle tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// `treeSize`, decimal.
    pub tree_size: Option<String>,
    /// The first line of the checkpoint: which log it is of.
    pub origin: Option<String>,
}

/// A bundle, read and not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigstoreBundle {
    /// `mediaType`: the version of the format. Nobody signs it.
    pub media_type: String,
    /// Who signed, by its own account.
    pub material: Material,
    /// What is signed.
    pub content: Content,
    /// The first signature, empty where it cannot be read.
    pub signature: Vec<u8>,
    /// SHA-256 of the PAE of an envelope: what is signed. None: the artifact.
    pub pae: Option<Sha256Bytes>,
    /// Log entries.
    pub entries: Vec<LogEntry>,
    /// How many RFC 3161 timestamps there are.
    pub timestamps: usize,
}

/// How many of each part a bundle holds: two readings of the same bytes have to agree on them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// Log entries.
    pub entries: usize,
    /// Log entries with an inclusion proof.
    pub proofs: usize,
    /// Log entries with a signed entry timestamp.
    pub promises: usize,
    /// RFC 3161 timestamps.
    pub timestamps: usize,
    /// Certificates.
    pub certificates: usize,
}

impl SigstoreBundle {
    /// How many of each part there are.
    pub fn shape(&self) -> Shape {
        Shape {
            entries: self.entries.len(),
            proofs: self.entries.iter().filter(|entry| entry.proof.is_some()).count(),
            promises: self.entries.iter().filter(|entry| entry.promise).count(),
            timestamps: self.timestamps,
            certificates: match self.material {
                Material::Certificate { count, .. } => count,
                Material::PublicKey { .. } => 0,
            },
        }
    }
}

/// Reads an untrusted bundle.
///
/// # Errors
/// A sentence: larger than [`MAX_BUNDLE`], not strict JSON, without the members that every version has, or with more items
/// than the limits allow. A payload that calls itself an in-toto statement has to be strict JSON too.
pub fn read(untrusted: &[u8]) -> Result<SigstoreBundle, String> {
    if untrusted.len() > MAX_BUNDLE {
        return Err(format!("it has more than the limit of {MAX_BUNDLE} bytes"));
    }
    let value: Value = json::parse(untrusted).map_err(|error| error.to_string())?;
    let media_type = value.get("mediaType").and_then(Value::as_str).ok_or("the member mediaType is missing")?;
    let material = value.get("verificationMaterial").ok_or("the member verificationMaterial is missing")?;
    let timestamps = material.pointer("/timestampVerificationData/rfc3161Timestamps");
    Ok(SigstoreBundle {
        media_type: media_type.into(),
        material: read_material(material)?,
        content: read_content(&value)?,
        signature: read_signature(&value).unwrap_or_default(),
        pae: value.get("dsseEnvelope").and_then(read_pae),
        entries: list(material.get("tlogEntries"), "tlogEntries")?.iter().map(read_entry).collect(),
        timestamps: list(timestamps, "rfc3161Timestamps")?.len(),
    })
}

/// The items of an optional list.
fn list<'a>(value: Option<&'a Value>, member: &str) -> Result<&'a [Value], String> {
    let items = match value {
        None | Some(Value::Null) => return Ok(&[]),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(format!("the member {member} is no list")),
    };
    if items.len() > MAX_ITEMS {
        return Err(format!("{member} has {} items, more than the limit of {MAX_ITEMS}", items.len()));
    }
    Ok(items)
}

fn read_material(material: &Value) -> Result<Material, String> {
    let der = |certificate: &Value| {
        let text = certificate.get("rawBytes").and_then(Value::as_str).ok_or("a certificate without rawBytes")?;
        decode_base64(text).map_err(|error| format!("rawBytes of a certificate: {error}"))
    };
    let [single, chain, key] = ["certificate", "x509CertificateChain", "publicKey"].map(|name| material.get(name));
    match (single, chain, key) {
        (Some(certificate), None, None) => Ok(Material::Certificate { leaf: der(certificate)?, count: 1 }),
        (None, Some(chain), None) => {
            let certificates = list(chain.get("certificates"), "certificates")?;
            let leaf = certificates.first().ok_or("the certificate chain is empty")?;
            Ok(Material::Certificate { leaf: der(leaf)?, count: certificates.len() })
        }
        (None, None, Some(key)) => {
            Ok(Material::PublicKey { hint: key.get("hint").and_then(Value::as_str).unwrap_or_default().into() })
        }
        _ => Err("expected exactly one of certificate, x509CertificateChain and publicKey".into()),
    }
}

fn read_content(bundle: &Value) -> Result<Content, String> {
    match (bundle.get("messageSignature"), bundle.get("dsseEnvelope")) {
        (Some(_), None) => Ok(Content::Message),
        (None, Some(envelope)) => read_statement(envelope).map(Content::Envelope),
        _ => Err("expected exactly one of messageSignature and dsseEnvelope".into()),
    }
}

fn read_signature(bundle: &Value) -> Option<Vec<u8>> {
    let found = bundle.pointer("/messageSignature/signature").or(bundle.pointer("/dsseEnvelope/signatures/0/sig"))?;
    decode_base64(found.as_str()?).ok()
}

fn read_pae(envelope: &Value) -> Option<Sha256Bytes> {
    let text = |member: &str| envelope.get(member).and_then(Value::as_str);
    Some(sha256(&pae(text("payloadType")?, &decode_base64(text("payload")?).ok()?)))
}

fn read_statement(envelope: &Value) -> Result<Statement, String> {
    let text = |member: &str| {
        envelope.get(member).and_then(Value::as_str).ok_or_else(|| format!("the envelope has no {member}"))
    };
    let payload_type = text("payloadType")?.to_string();
    if payload_type != IN_TOTO {
        return Ok(Statement { payload_type, ..Statement::default() });
    }
    let payload = decode_base64(text("payload")?).map_err(|error| format!("the payload of the envelope: {error}"))?;
    // Predicates hold names of variables and files: keys may differ by case only.
    json::check_exact(&payload).map_err(|error| format!("the in-toto statement of the envelope: {error}"))?;
    let statement: Value =
        serde_json::from_slice(&payload).map_err(|error| format!("the in-toto statement of the envelope: {error}"))?;
    let subjects = statement.get("subject").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if subjects.len() > MAX_SUBJECTS {
        return Err(format!("the statement has {} subjects, more than the limit of {MAX_SUBJECTS}", subjects.len()));
    }
    Ok(Statement {
        payload_type,
        predicate_type: statement.get("predicateType").and_then(Value::as_str).map(str::to_string),
        subjects: subjects.len(),
        without_sha256: subjects.iter().filter(|subject| subject.pointer("/digest/sha256").is_none()).count(),
        without_sha512: subjects.iter().filter(|subject| subject.pointer("/digest/sha512").is_none()).count(),
        strict: Some(intoto::parse(&payload).map_err(|error| error.to_string())),
    })
}

fn read_entry(entry: &Value) -> LogEntry {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
    let proof = entry.get("inclusionProof").filter(|proof| !proof.is_null()).map(|proof| Proof {
        tree_size: number(proof.get("treeSize")),
        origin: proof.pointer("/checkpoint/envelope").and_then(Value::as_str).and_then(first_line),
    });
    LogEntry {
        index: number(entry.get("logIndex")),
        log_id: text("/logId/keyId").and_then(|id| decode_base64(id).ok()).map(|id| super::digest::hex(&id)),
        kind: format!("{}/{}", text("/kindVersion/kind").unwrap_or("?"), text("/kindVersion/version").unwrap_or("?")),
        // Zero is how protocol buffers write "not there".
        integrated_time: number(entry.get("integratedTime"))
            .and_then(|text| text.parse().ok())
            .filter(|time| *time != 0),
        promise: entry.get("inclusionPromise").is_some_and(|promise| !promise.is_null()),
        proof,
    }
}

/// Protocol buffers write 64-bit numbers as strings; plain numbers are read too.
fn number(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn first_line(text: &str) -> Option<String> {
    text.lines().next().map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keyed() -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "publicKey": {"hint": "h"},
                "tlogEntries": [{
                    "logIndex": "7", "logId": {"keyId": "q80="}, "integratedTime": "1700000000",
                    "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
                    "inclusionPromise": {"signedEntryTimestamp": "AA=="},
                    "inclusionProof": {"treeSize": "9", "checkpoint": {"envelope": "log.example\n9\nAA==\n"}},
                }],
            },
            "messageSignature": {"signature": "AA=="},
        })
    }

    fn read_value(value: &Value) -> Result<SigstoreBundle, String> {
        read(value.to_string().as_bytes())
    }

    #[test]
    fn members_are_told_as_they_stand() {
        let bundle = read_value(&keyed()).unwrap();
        assert_eq!(bundle.material, Material::PublicKey { hint: "h".into() });
        let expected = Shape { entries: 1, proofs: 1, promises: 1, timestamps: 0, certificates: 0 };
        assert_eq!((bundle.content.clone(), bundle.shape()), (Content::Message, expected));
        let entry = &bundle.entries[0];
        assert_eq!((entry.index.as_deref(), entry.log_id.as_deref()), (Some("7"), Some("abcd")));
        assert_eq!((entry.kind.as_str(), entry.integrated_time), ("hashedrekord/0.0.1", Some(1_700_000_000)));
        let proof = entry.proof.clone().unwrap();
        assert_eq!((proof.tree_size.as_deref(), proof.origin.as_deref()), (Some("9"), Some("log.example")));
    }

    #[test]
    fn ambiguous_and_oversized_bundles_are_refused() {
        let refused = |text: &str, words: &str| {
            let why = read(text.as_bytes()).unwrap_err();
            assert!(why.contains(words), "{why}");
        };
        let good = keyed().to_string();
        refused(&good.replacen('{', "{\"mediaType\":\"x\",", 1), "mediaType");
        refused(&good[..good.len() - 1], "");
        refused(&" ".repeat(MAX_BUNDLE + 1), "more than the limit of 8388608 bytes");
        let mut both = keyed();
        both["dsseEnvelope"] = json!({});
        refused(&both.to_string(), "exactly one of messageSignature");
        let mut two = keyed();
        two["verificationMaterial"]["certificate"] = json!({"rawBytes": "AA=="});
        refused(&two.to_string(), "exactly one of certificate");
        let mut many = keyed();
        many["verificationMaterial"]["tlogEntries"] = json!(vec![json!({}); MAX_ITEMS + 1]);
        refused(&many.to_string(), "more than the limit of 32");
    }

    #[test]
    fn statements_tell_their_subjects() {
        let envelope = |payload: &str| {
            use base64::Engine as _;
            let payload = base64::engine::general_purpose::STANDARD.encode(payload);
            let mut bundle = keyed();
            bundle.as_object_mut().unwrap().remove("messageSignature");
            bundle["dsseEnvelope"] = json!({"payloadType": IN_TOTO, "payload": payload, "signatures": []});
            read_value(&bundle)
        };
        let statement = r#"{"predicateType":"p","subject":[{"digest":{"sha256":"00"}},{"digest":{"sha512":"00"}}]}"#;
        let Content::Envelope(found) = envelope(statement).unwrap().content else { panic!("an envelope") };
        assert_eq!((found.subjects, found.without_sha256, found.predicate_type.as_deref()), (2, 1, Some("p")));
        let twice = r#"{"subject":[],"subject":[]}"#;
        assert!(envelope(twice).unwrap_err().contains("in-toto statement"));
    }
}
