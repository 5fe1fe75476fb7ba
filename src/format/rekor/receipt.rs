//! The receipt itself, in each of its forms.

use super::{base64, hex32, leaf_of_uuid};
use crate::format::digest::Sha256Bytes;
use crate::format::json::{self, Size};
use crate::format::merkle::MAX_HASHES;
use serde::Deserialize;
use serde_json::Value;

/// Largest receipt, in bytes: an entry may carry an attestation's signatures and certificates, a proof has at most 8 KiB.
pub const MAX_RECEIPT: usize = 1 << 20;

const SIZE: Size = Size { bytes: MAX_RECEIPT, nodes: 4096 };

/// The forms of receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `uuid`, `logIndex`, `rootHash`, `hashes`, `checkpoint`, and nothing else.
    OfflineKit,
    /// What Rekor's interface answers: one member, named by the UUID of the entry.
    RekorV1,
    /// An entry as Sigstore bundles have it.
    Sigstore,
}

impl Form {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Form::OfflineKit => "offline-kit-receipt",
            Form::RekorV1 => "rekor-v1-entry",
            Form::Sigstore => "sigstore-log-entry",
        }
    }
}

/// Where the checkpoint of a receipt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckpointPlace {
    /// In the receipt.
    Inline(String),
    /// In a file: a path relative to the receipt, checked by [`place`] before it is used.
    File(String),
    /// Nowhere.
    Missing,
}

/// A receipt. All of it is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which form it has.
    pub form: Form,
    /// The id of the entry.
    pub uuid: Option<String>,
    /// Index of the leaf in the tree of the proof.
    pub index: u64,
    /// The root that the proof is said to lead to.
    pub root: Sha256Bytes,
    /// The proof, from the leaf up.
    pub hashes: Vec<Sha256Bytes>,
    /// The size of the tree, where the form states it. The one that counts is that of the checkpoint.
    pub size: Option<u64>,
    /// The checkpoint.
    pub checkpoint: CheckpointPlace,
    /// The entry itself, where the form has it.
    pub body: Option<Vec<u8>>,
    /// When the log says that it took the entry in, in seconds since 1970. Not authenticated by the proof.
    pub integrated: Option<i64>,
    /// Whether every member is one whose value a proof settles, or a number or a hash: no room for anything else.
    pub closed: bool,
}

impl Receipt {
    /// The leaf hash that the id states.
    pub fn leaf(&self) -> Option<Sha256Bytes> {
        self.uuid.as_deref().and_then(leaf_of_uuid)
    }
}

/// Whether a file of this base name is a receipt.
pub fn is_receipt_name(base: &[u8]) -> bool {
    base == b"rekor-receipt.json" || base.ends_with(b".rekor.json") || base.ends_with(b".rekor-receipt.json")
}

/// The path of a file that the untrusted text of a receipt names, from the folder of the receipt: plain names joined by
/// slashes, nothing that leads elsewhere.
///
/// # Errors
/// What a path must be.
pub fn place(untrusted: &str) -> Result<&str, String> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', ':']);
    let path = untrusted.strip_prefix("./").unwrap_or(untrusted);
    if path.len() <= 255 && !path.chars().any(char::is_control) && path.split('/').all(plain) {
        return Ok(path);
    }
    Err("the checkpoint is either the text of a note, with newlines, or a relative path of plain names below the folder of \
         the receipt"
        .into())
}

/// Reads an untrusted receipt.
///
/// # Errors
/// What was expected and what was found.
pub fn parse(untrusted: &[u8]) -> Result<Receipt, String> {
    json::check_within(untrusted, SIZE).map_err(|error| error.to_string())?;
    let value: Value = json::parse(untrusted).map_err(|error| error.to_string())?;
    let Value::Object(members) = &value else { return Err("expected an object".into()) };
    if members.contains_key("uuid") || members.contains_key("hashes") {
        return offline_kit(value);
    }
    if members.contains_key("inclusionProof") || members.contains_key("canonicalizedBody") {
        return sigstore(value);
    }
    match members.iter().next() {
        Some((uuid, entry)) if members.len() == 1 && leaf_of_uuid(uuid).is_some() => rekor_v1(uuid, entry),
        _ => {
            Err("expected the members uuid, logIndex, rootHash, hashes and checkpoint, or an entry of a log with its \
                  inclusion proof; found neither"
                .into())
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OfflineKit {
    uuid: String,
    log_index: u64,
    root_hash: String,
    hashes: Vec<String>,
    checkpoint: String,
}

fn offline_kit(value: Value) -> Result<Receipt, String> {
    let read: OfflineKit = serde_json::from_value(value).map_err(|error| error.to_string())?;
    if read.uuid.is_empty() || read.uuid.len() > 256 {
        return Err("uuid has 1 to 256 characters".into());
    }
    let checkpoint = if read.checkpoint.contains('\n') {
        CheckpointPlace::Inline(read.checkpoint)
    } else {
        place(&read.checkpoint)?;
        CheckpointPlace::File(read.checkpoint)
    };
    Ok(Receipt {
        form: Form::OfflineKit,
        // An id that states no leaf is free text.
        closed: leaf_of_uuid(&read.uuid).is_some(),
        uuid: Some(read.uuid),
        index: read.log_index,
        root: hex32(&read.root_hash).ok_or("rootHash has 64 lower-case hex digits")?,
        hashes: all(&read.hashes, hex32, "64 lower-case hex digits")?,
        size: None,
        checkpoint,
        body: None,
        integrated: None,
    })
}

/// As Rekor's OpenAPI document has it; members that are about other things are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1Entry {
    body: String,
    integrated_time: Option<i64>,
    verification: V1Verification,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1Verification {
    inclusion_proof: V1Proof,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1Proof {
    checkpoint: Option<String>,
    hashes: Vec<String>,
    log_index: u64,
    root_hash: String,
    tree_size: u64,
}

fn rekor_v1(uuid: &str, entry: &Value) -> Result<Receipt, String> {
    let read = V1Entry::deserialize(entry).map_err(|error| error.to_string())?;
    let proof = read.verification.inclusion_proof;
    Ok(Receipt {
        form: Form::RekorV1,
        closed: closed_v1(entry),
        uuid: Some(uuid.into()),
        index: proof.log_index,
        root: hex32(&proof.root_hash).ok_or("rootHash has 64 lower-case hex digits")?,
        hashes: all(&proof.hashes, hex32, "64 lower-case hex digits")?,
        size: Some(proof.tree_size),
        checkpoint: proof.checkpoint.map_or(CheckpointPlace::Missing, CheckpointPlace::Inline),
        body: Some(base64(&read.body).ok_or("body is padded standard base64")?),
        integrated: read.integrated_time,
    })
}

/// As `sigstore_rekor.proto` is written in JSON: 64-bit numbers as text, bytes in base64.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogEntry {
    canonicalized_body: Option<String>,
    integrated_time: Option<Number>,
    inclusion_proof: ProtoProof,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProtoProof {
    /// Left out where it is zero.
    log_index: Option<Number>,
    root_hash: String,
    tree_size: Number,
    /// Left out where there are none.
    #[serde(default)]
    hashes: Vec<String>,
    checkpoint: Option<ProtoCheckpoint>,
}

#[derive(Deserialize)]
struct ProtoCheckpoint {
    envelope: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Plain(u64),
}

impl Number {
    fn get(&self) -> Option<u64> {
        match self {
            Number::Plain(number) => Some(*number),
            Number::Text(text) if text.bytes().all(|c| c.is_ascii_digit()) => text.parse().ok(),
            Number::Text(_) => None,
        }
    }
}

fn sigstore(value: Value) -> Result<Receipt, String> {
    let closed = closed_sigstore(&value);
    let read: LogEntry = serde_json::from_value(value).map_err(|error| error.to_string())?;
    let number = |number: &Number, name: &str| number.get().ok_or_else(|| format!("{name} is a decimal number"));
    let bytes32 = |text: &str| base64(text).and_then(|bytes| Sha256Bytes::try_from(bytes).ok());
    let proof = read.inclusion_proof;
    let body = read.canonicalized_body.map(|body| base64(&body).ok_or("canonicalizedBody is padded standard base64"));
    let integrated = read.integrated_time.map(|time| number(&time, "integratedTime")).transpose()?;
    Ok(Receipt {
        form: Form::Sigstore,
        closed,
        uuid: None,
        index: proof.log_index.map_or(Ok(0), |index| number(&index, "logIndex"))?,
        root: bytes32(&proof.root_hash).ok_or("rootHash is 32 bytes in base64")?,
        hashes: all(&proof.hashes, bytes32, "32 bytes in base64")?,
        size: Some(number(&proof.tree_size, "treeSize")?),
        checkpoint: proof.checkpoint.map_or(CheckpointPlace::Missing, |c| CheckpointPlace::Inline(c.envelope)),
        body: body.transpose()?,
        integrated: integrated.and_then(|time| i64::try_from(time).ok()),
    })
}

/// Whether an object has members of these names only.
fn only(value: Option<&Value>, names: &[&str]) -> bool {
    let members = value.and_then(Value::as_object);
    members.is_some_and(|members| members.keys().all(|name| names.contains(&name.as_str())))
}

/// `logID` is a hash; the log's promise and attestations are settled by nothing that is verified here.
fn closed_v1(entry: &Value) -> bool {
    let id = entry.get("logID");
    only(Some(entry), &["body", "integratedTime", "logID", "logIndex", "verification"])
        && entry.get("logIndex").is_none_or(Value::is_u64)
        && id.is_none_or(|id| id.as_str().is_some_and(|id| hex32(id).is_some()))
        && only(entry.get("verification"), &["inclusionProof"])
        && only(
            entry.pointer("/verification/inclusionProof"),
            &["checkpoint", "hashes", "logIndex", "rootHash", "treeSize"],
        )
}

/// The same for the form of Sigstore; the kind of the entry stands in the entry too.
fn closed_sigstore(entry: &Value) -> bool {
    let index = entry.get("logIndex");
    let number = |value: &Value| Number::deserialize(value).is_ok_and(|number| number.get().is_some());
    only(Some(entry), &["canonicalizedBody", "inclusionProof", "integratedTime", "logIndex"])
        && index.is_none_or(number)
        && only(entry.get("inclusionProof"), &["checkpoint", "hashes", "logIndex", "rootHash", "treeSize"])
        && entry.pointer("/inclusionProof/checkpoint").is_none_or(|found| only(Some(found), &["envelope"]))
}

fn all(texts: &[String], read: impl Fn(&str) -> Option<Sha256Bytes>, what: &str) -> Result<Vec<Sha256Bytes>, String> {
    if texts.len() > MAX_HASHES {
        return Err(format!("a proof has at most {MAX_HASHES} hashes, found {}", texts.len()));
    }
    let read = texts.iter().map(|text| read(text)).collect::<Option<Vec<_>>>();
    read.ok_or_else(|| format!("each of the hashes is {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hash(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    fn kit() -> Value {
        json!({"uuid": "x", "logIndex": 4, "rootHash": hash('a'), "hashes": [hash('b')], "checkpoint": "tlog/checkpoint.sig"})
    }

    fn read(value: &Value) -> Result<Receipt, String> {
        parse(value.to_string().as_bytes())
    }

    #[test]
    fn three_forms_are_told_apart() {
        let receipt = read(&kit()).unwrap();
        assert_eq!((receipt.form, receipt.index, receipt.leaf()), (Form::OfflineKit, 4, None));
        assert_eq!(receipt.checkpoint, CheckpointPlace::File("tlog/checkpoint.sig".into()));
        let proof =
            json!({"logIndex": 1, "treeSize": 2, "rootHash": hash('a'), "hashes": [hash('b')], "checkpoint": "a\n"});
        let entry = json!({"body": "e30=", "logIndex": 9, "verification": {"inclusionProof": proof}});
        let receipt = read(&json!({ (hash('c')): entry })).unwrap();
        assert_eq!((receipt.form, receipt.index, receipt.size), (Form::RekorV1, 1, Some(2)));
        assert_eq!((receipt.leaf(), receipt.body), (hex32(&hash('c')), Some(b"{}".to_vec())));
        let root = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=";
        let entry = json!({"canonicalizedBody": "e30=", "inclusionProof": {"rootHash": root, "treeSize": "1"}});
        let receipt = read(&entry).unwrap();
        assert_eq!((receipt.form, receipt.index, receipt.size, receipt.hashes.len()), (Form::Sigstore, 0, Some(1), 0));
        assert_eq!(receipt.checkpoint, CheckpointPlace::Missing);
    }

    #[test]
    fn the_form_of_the_offline_kit_has_these_members_and_no_others() {
        for name in ["uuid", "logIndex", "rootHash", "hashes", "checkpoint"] {
            let mut without = kit();
            without.as_object_mut().unwrap().remove(name);
            assert!(read(&without).is_err(), "{name}");
        }
        for (name, value) in [
            ("extra", json!(1)),
            ("uuid", json!("")),
            ("logIndex", json!(-1)),
            ("logIndex", json!("4")),
            ("logIndex", json!(1.5)),
            ("rootHash", json!(hash('A'))),
            ("rootHash", json!("aa")),
            ("hashes", json!([hash('g')])),
            ("hashes", json!(hash('b'))),
            ("hashes", json!(vec![hash('b'); MAX_HASHES + 1])),
            ("checkpoint", json!("")),
            ("checkpoint", json!("../checkpoint.sig")),
            ("checkpoint", json!("/etc/passwd")),
            ("checkpoint", json!("a//b")),
            ("checkpoint", json!("a\\b")),
        ] {
            let mut other = kit();
            other[name] = value;
            assert!(read(&other).is_err(), "{name}: {other}");
        }
    }

    #[test]
    fn a_receipt_with_room_for_anything_else_is_not_closed() {
        let mut named = kit();
        assert!(!read(&named).unwrap().closed, "its id is free text");
        named["uuid"] = json!(hash('c'));
        assert!(read(&named).unwrap().closed);
        let proof = json!({"logIndex": 1, "treeSize": 2, "rootHash": hash('a'), "hashes": [], "checkpoint": "a\n"});
        let entry =
            json!({"body": "e30=", "logID": hash('d'), "logIndex": 9, "verification": {"inclusionProof": proof}});
        let closed = |entry: &Value| read(&json!({ (hash('c')): entry })).unwrap().closed;
        assert!(closed(&entry));
        for (place, value) in [
            ("/attestation", json!({"data": "anything"})),
            ("/logID", json!("anything")),
            ("/logIndex", json!("anything")),
            ("/verification/signedEntryTimestamp", json!("YW55dGhpbmc=")),
            ("/verification/inclusionProof/note", json!("anything")),
        ] {
            let (mut other, (parent, name)) = (entry.clone(), place.rsplit_once('/').unwrap());
            other.pointer_mut(parent).unwrap()[name] = value;
            assert!(!closed(&other), "{place}");
        }
        let root = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=";
        let entry = json!({"canonicalizedBody": "e30=", "inclusionProof": {"rootHash": root, "treeSize": "1"}});
        assert!(read(&entry).unwrap().closed);
        for (name, value) in [("logIndex", json!("anything")), ("kindVersion", json!({"kind": "anything"}))] {
            let mut other = entry.clone();
            other[name] = value;
            assert!(!read(&other).unwrap().closed, "{name}");
        }
    }

    #[test]
    fn ids_of_the_log_state_the_leaf_hash() {
        assert_eq!(leaf_of_uuid(&hash('a')), hex32(&hash('a')));
        assert_eq!(leaf_of_uuid(&format!("24296fb24b8ad77a{}", hash('a'))), hex32(&hash('a')));
        for other in ["", "x", &hash('A'), &format!("zz296fb24b8ad77a{}", hash('a'))] {
            assert_eq!(leaf_of_uuid(other), None, "{other}");
        }
    }
}
