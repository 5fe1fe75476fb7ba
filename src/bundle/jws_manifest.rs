//! Detached JWS over manifests (RFC 7515 appendix F, RFC 7797), for every kind alike: `MANIFEST.jws` inside the bundle beside
//! the manifest that it signs, or beside the input. Only what the kind itself has read as a manifest is one.

use super::layout::Layout;
use super::model::{Bundle, DetachedForm, DetachedSignature, Facts};
use crate::format::inventory::{Document, EntryIndex, Inventory, Location};
use crate::format::jws::{self, JwsError};
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;

/// How the name of a detached JWS ends.
pub const END: &[u8] = b".jws";

/// Manifests that a JWS may be about. What else is signed so is the matter of its kind.
const MANIFESTS: [&[u8]; 7] = [
    b"manifest.json",
    b"offline-manifest.json",
    b"manifest.yaml",
    b"export.json",
    b"mirror-bundle.json",
    b"mirror.json",
    b"MANIFEST.json",
];

/// Names under which such a signature is looked for beside an input.
pub const BESIDE: [&str; 2] = ["manifest.json.jws", "offline-manifest.json.jws"];

/// Reads the signatures that no kind has read yet.
pub fn read(inventory: &Inventory, bundle: &mut Bundle) {
    let read_already = |document: &Document| {
        let known = bundle.claims.documents().iter();
        known.into_iter().any(|known| known.name == document.name && known.location == document.location)
    };
    let is_manifest = |entry: EntryIndex| {
        let mut known = bundle.claims.documents().iter();
        known.any(|known| known.role == Role::Manifest && known.location == Location::Entry(entry))
    };
    let found: Vec<(&Document, EntryIndex)> = inventory
        .documents
        .iter()
        .filter(|document| document.name.ends_with(END) && !read_already(document))
        .filter_map(|document| Some((document, target(inventory, document)?)))
        // A file that only has the name of a manifest is content: what a key signed elsewhere must not pin it here.
        .filter(|(_, entry)| is_manifest(*entry))
        .collect();
    for (document, entry) in found {
        read_one(document, entry, inventory, bundle);
    }
}

fn read_one(document: &Document, entry: EntryIndex, inventory: &Inventory, bundle: &mut Bundle) {
    let name = &document.name;
    let manifest = String::from_utf8_lossy(inventory.entry(entry).normal_path()).into_owned();
    match jws::parse(&document.bytes) {
        Ok(jws) => {
            let index = bundle.claims.document(name, document.location, Role::Envelope);
            let items = vec![
                ("signs", manifest),
                ("algorithm (hint)", jws.alg().to_string()),
                ("key id (hint)", jws.kid().unwrap_or("none").to_string()),
            ];
            bundle.facts.push(Facts { document: name.clone(), items });
            let form = DetachedForm::Jws(jws);
            bundle.detached.push(DetachedSignature { document: index, name: name.clone(), signs: entry, form });
        }
        Err(error @ JwsError::NotJws) => {
            let row = Check::skip(check::JWS_SIGNATURE, name, format!("{manifest} is unsigned: {error}"));
            bundle.checks.push(row.with("named", document.named.to_string()));
        }
        Err(error) => {
            let index = bundle.claims.document(name, document.location, Role::Envelope);
            bundle.claims.reject(index);
            let detail = format!("expected a detached JWS over {manifest}, found: {error}");
            bundle.checks.push(Check::fail(check::JWS_SIGNATURE, name, detail));
        }
    }
}

/// The manifest that a signature is about: in the same folder, or, for one beside the input, at the top of the bundle.
fn target(inventory: &Inventory, signature: &Document) -> Option<EntryIndex> {
    let signed = signature.name.strip_suffix(END)?;
    let base = signed.rsplit(|byte| *byte == b'/').next().unwrap_or(signed);
    if !MANIFESTS.contains(&base) {
        return None;
    }
    let kept =
        |path: &[u8]| inventory.document(path).filter(|document| !document.envelope).and_then(super::layout::entry_of);
    match signature.location {
        Location::Entry(_) => kept(signed),
        Location::Sidecar => {
            let below = || kept(&Layout::single_top(inventory)?.path(base));
            kept(base).or_else(below)
        }
    }
}
