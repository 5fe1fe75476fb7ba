//! Targets for what says who signed what and where it was logged: notes, receipts, statements, cosign's older files.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portcullis::format::rekor::{self, CheckpointPlace};
use portcullis::format::{cosign, intoto, json, merkle, note};

/// A note that is read is the one text that says so; a checkpoint has the three lines of its note.
pub(crate) fn note(data: &[u8]) {
    let Ok(found) = note::parse_note(data) else {
        assert!(note::parse(data).is_err());
        return;
    };
    let mut written = found.text.clone();
    if !found.signatures.is_empty() {
        written.push('\n');
    }
    for signature in &found.signatures {
        assert!(note::is_key_name(&signature.name) && !signature.bytes.is_empty());
        let bytes = [&signature.key_hash[..], &signature.bytes].concat();
        written.push_str(&format!("\u{2014} {} {}\n", signature.name, BASE64_STANDARD.encode(bytes)));
    }
    assert_eq!(written.as_bytes(), data);
    if let Ok((again, checkpoint)) = note::parse(data) {
        assert_eq!(again, found);
        let root = BASE64_STANDARD.encode(checkpoint.root);
        let head = format!("{}\n{}\n{root}\n", checkpoint.origin, checkpoint.size);
        assert!(found.text.starts_with(&head), "{head:?}");
    }
}

/// A receipt that is taken is strict JSON, its checkpoint a place below it; of two roots its proof leads to one at most.
pub(crate) fn receipt(data: &[u8]) {
    let Ok(found) = rekor::parse_receipt(data) else { return };
    assert!(json::check(data).is_ok() && found.hashes.len() <= merkle::MAX_HASHES);
    if let CheckpointPlace::File(path) = &found.checkpoint {
        assert!(!path.starts_with('/') && path.split('/').all(|part| part != ".."));
    }
    let leaf = found.body.as_deref().map(merkle::leaf_hash).or_else(|| found.leaf()).unwrap_or_default();
    let size = found.size.unwrap_or(found.index.saturating_add(1));
    let leads = |root| merkle::check_inclusion(&leaf, found.index, size, &found.hashes, root).is_ok();
    let mut other = found.root;
    other[0] ^= 1;
    assert!(!(leads(&found.root) && leads(&other)));
}

/// A statement that is taken is JSON of which another reader finds the same type and as many subjects, each with a digest.
pub(crate) fn statement(data: &[u8]) {
    let Ok(found) = intoto::parse(data) else { return };
    let value: serde_json::Value = serde_json::from_slice(data).expect("strict JSON is JSON");
    assert_eq!(value["predicateType"].as_str(), Some(found.predicate_type.as_str()));
    let count = if found.single { 1 } else { value["subject"].as_array().map_or(0, Vec::len) };
    assert_eq!(found.subjects.len(), count);
    assert!(!found.subjects.is_empty() && found.subjects.len() <= intoto::MAX_SUBJECTS);
}

/// What is read as an older file says so of itself, and its signature is in the one base64 that stands there.
pub(crate) fn cosign(data: &[u8]) {
    let Ok(found) = cosign::read(data) else { return };
    assert!(cosign::is_older(data) && cosign::may_be_bundle(data));
    if let cosign::Content::Signature(bytes) = found.content {
        let value: serde_json::Value = serde_json::from_slice(data).expect("strict JSON is JSON");
        assert_eq!(value["base64Signature"].as_str().map(str::trim), Some(BASE64_STANDARD.encode(bytes).as_str()));
    }
}
