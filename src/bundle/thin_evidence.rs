//! What lies around a thin mirror and is evidence: checksum lists, TUF metadata, and the public keys beside it.

use super::lists;
use super::model::Bundle;
use super::thin_parts::Parts;
use crate::format::digest::hex;
use crate::format::inventory::{Document, Inventory, Location};
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;
use crate::trust::key;

/// Registers the evidence among the documents.
pub(super) fn read(inventory: &Inventory, bundle: &mut Bundle, parts: &Parts) {
    let metadata = [parts.path("tuf"), b"/".to_vec()].concat();
    let root = parts.document(inventory, "tuf/root.json");
    let beside = parts.archive().is_none();
    let ours = |document: &&Document| (document.location == Location::Sidecar) == beside;
    for document in inventory.documents.iter().filter(ours) {
        if let Some(name) = document.name.strip_prefix(&metadata[..]) {
            if name.starts_with(b"keys/") {
                read_key(bundle, document, root);
            } else if name.ends_with(b".json") {
                bundle.claims.document(&document.name, document.location, Role::Metadata);
            }
        } else if !beside && lists::is_list_name(&document.name) {
            let (_, summary) = lists::claim(inventory, &mut bundle.claims, document);
            bundle.checks.push(summary.check(&document.name));
        }
    }
}

/// A public key beside the metadata: never trusted, evidence where it is one of those that the root names.
fn read_key(bundle: &mut Bundle, document: &Document, root: Option<&Document>) {
    let index = bundle.claims.document(&document.name, document.location, Role::Metadata);
    let named = key::parse(&document.bytes).is_ok_and(|keys| {
        let in_root = |text: &str| root.is_some_and(|root| String::from_utf8_lossy(&root.bytes).contains(text));
        let pem = String::from_utf8_lossy(&document.bytes);
        let body = pem.lines().find(|line| !line.starts_with("-----")).unwrap_or("").trim().to_string();
        // TUF writes Ed25519 keys as 64 hex digits, others as PEM.
        keys.iter().all(|key| {
            let der = key.spki_der();
            let raw = der.len().checked_sub(32).map(|start| hex(&der[start..]));
            raw.is_some_and(|raw| in_root(&raw)) || (!body.is_empty() && in_root(&body))
        })
    });
    if !named {
        bundle.claims.reject(index);
        let detail = "expected one of the keys that tuf/root.json names, found another or none";
        bundle.checks.push(Check::fail(check::DOCUMENTS_AGREE, &document.name, detail));
    }
}
