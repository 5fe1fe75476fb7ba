//! What lies around a thin mirror: checksum lists, TUF metadata, and the public keys beside it.

use super::lists;
use super::model::Bundle;
use super::thin_parts::Parts;
use crate::format::digest::{hex, sha256};
use crate::format::inventory::{Document, Inventory, Location};
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;
use crate::trust::key;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most key files that are looked at: a root names a handful of keys.
const MAX_KEY_FILES: usize = 64;

/// Reads the lists, and says what metadata and keys are: metadata is set aside until the TUF workflow has accepted it, a key
/// is evidence where the root names it. Files of other names are files like any other.
pub(super) fn read(inventory: &Inventory, bundle: &mut Bundle, parts: &Parts) {
    let metadata = [parts.path("tuf"), b"/".to_vec()].concat();
    let beside = parts.archive().is_none();
    let mut keys = Vec::new();
    for document in inventory.documents.iter().filter(|d| (d.location == Location::Sidecar) == beside) {
        match document.name.strip_prefix(&metadata[..]) {
            Some(name) if name.starts_with(b"keys/") => keys.push(document),
            Some(name) if is_role(name) => bundle.set_aside.push(document.name.clone()),
            None if !beside && lists::is_list_name(&document.name) => {
                let (_, summary) = lists::claim(inventory, &mut bundle.claims, document);
                bundle.checks.push(summary.check(&document.name));
            }
            _ => {}
        }
    }
    read_keys(bundle, &keys, parts.document(inventory, "tuf/root.json"));
}

/// Whether a file below the folder of metadata has the name of a top-level role: `root.json`, `2.snapshot.json`.
fn is_role(name: &[u8]) -> bool {
    let digits = name.iter().take_while(|c| c.is_ascii_digit()).count();
    let plain = if digits > 0 { name[digits..].strip_prefix(b".") } else { Some(name) };
    let roles: [&[u8]; 4] = [b"root.json", b"timestamp.json", b"snapshot.json", b"targets.json"];
    plain.is_some_and(|plain| roles.contains(&plain))
}

/// Public keys beside the metadata: never trusted, evidence where they are those that the root names.
fn read_keys(bundle: &mut Bundle, documents: &[&Document], root: Option<&Document>) {
    let named = root.map(|root| keys_of(&root.bytes)).unwrap_or_default();
    for document in documents.iter().take(MAX_KEY_FILES) {
        let index = bundle.claims.document(&document.name, document.location, Role::Metadata);
        let known = key::parse(&document.bytes).is_ok_and(|keys| {
            matches!(keys.as_slice(), [key] if named.contains(key.fingerprint()) || named.contains(&raw_of(key.spki_der())))
        });
        if !known {
            bundle.claims.reject(index);
            let detail = "expected one of the keys that tuf/root.json names, found another, several, or none";
            bundle.checks.push(Check::fail(check::DOCUMENTS_AGREE, &document.name, detail));
        }
    }
}

/// The last 32 bytes of a key, as TUF writes those of Ed25519.
fn raw_of(spki_der: &[u8]) -> String {
    hex(&spki_der[spki_der.len().saturating_sub(32)..])
}

/// The public keys of a root: fingerprints of those in PEM, hex digits as they stand of those that are written so.
fn keys_of(untrusted_root: &[u8]) -> BTreeSet<String> {
    #[derive(serde::Deserialize)]
    struct Root {
        signed: Signed,
    }
    #[derive(serde::Deserialize)]
    struct Signed {
        keys: serde_json::Map<String, Value>,
    }
    // A root of this size has thousands of keys; none is known to have more than a few dozen.
    const MAX_ROOT: usize = 1 << 20;
    let parsed =
        (untrusted_root.len() <= MAX_ROOT).then(|| serde_json::from_slice::<Root>(untrusted_root).ok()).flatten();
    let keys = parsed.map(|root| root.signed.keys).unwrap_or_default();
    let public = keys.values().filter_map(|key| key.pointer("/keyval/public")?.as_str());
    public
        .map(|text| match key::parse(text.as_bytes()) {
            Ok(keys) => keys.first().map_or(String::new(), |key| key.fingerprint().to_string()),
            Err(_) if text.len() == 64 => text.to_ascii_lowercase(),
            Err(_) => hex(&sha256(text.as_bytes())),
        })
        .collect()
}
