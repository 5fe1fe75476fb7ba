//! Which entries of a mirror are encrypted, and as what each was sealed (formats.md 4.6).

use super::encryption::{EncryptionMetadata, NoncePlace};
use super::export_manifest::Content;
use super::layout::Layout;
use crate::format::digest::parse_sha256;
use crate::format::inventory::{Document, EntryIndex, EntryKind, Inventory};
use crate::trust::check::{self, Check};
use crate::trust::sealed::{Nonce, nonce_of_document};

/// End of the name of a document that holds the nonce of the file beside it.
pub(super) const NONCE: &str = ".nonce";

/// What has to be opened, and with what.
#[derive(Debug)]
pub struct SealedPlan {
    /// Who can unwrap the data key, as the provenance says.
    pub metadata: EncryptionMetadata,
    /// The encrypted entries, in path order.
    pub files: Vec<SealedEntry>,
}

/// One encrypted entry.
#[derive(Debug)]
pub struct SealedEntry {
    /// The entry.
    pub entry: EntryIndex,
    /// Its path as the manifest names it, which is part of what it was sealed as.
    pub path: String,
    /// The additional data of its place: `{runId}:{relativePath}`.
    pub aad: Vec<u8>,
    /// The nonce from a document beside it; `None`: the file begins with its nonce.
    pub nonce: Option<Result<Nonce, String>>,
}

/// The plan for the contents below `layout`.
///
/// # Errors
/// A sentence where the metadata wants something that is not known.
pub(super) fn plan(
    inventory: &Inventory,
    layout: &Layout,
    run: &str,
    contents: &[Content<'_>],
    metadata: EncryptionMetadata,
) -> Result<SealedPlan, String> {
    let place = metadata.nonce_place()?;
    let mut files: Vec<SealedEntry> = Vec::new();
    for content in contents.iter().filter(|content| is_sealed(&content.path)) {
        let Some(entry) = inventory.find(&layout.path(content.path.as_bytes())) else { continue };
        if inventory.entry(entry).kind != EntryKind::File {
            continue;
        }
        let beside = inventory.document(&layout.path(format!("{}{NONCE}", content.path)));
        let read = |document: &Document| nonce_of_document(&document.bytes).map_err(|error| error.to_string());
        let nonce = match (place, beside) {
            (NoncePlace::Prefix, _) | (NoncePlace::Unstated, None) => None,
            (_, Some(document)) => Some(read(document)),
            (NoncePlace::Sidecar, None) => Some(Err("there is none".into())),
        };
        let aad = metadata.aad(run, &content.path)?;
        files.push(SealedEntry { entry, path: content.path.to_string(), aad, nonce });
    }
    files.sort_by_key(|file| file.entry);
    Ok(SealedPlan { metadata, files })
}

/// Files under `data/` are encrypted, also those of a delta; manifests, indexes and signatures stay clear.
fn is_sealed(path: &str) -> bool {
    let trees = ["data/", "delta/added/data/", "delta/updated/data/"];
    trees.iter().any(|tree| path.starts_with(tree)) && !path.ends_with(NONCE)
}

/// Which of the two texts the manifest means by its digests, over the entries that were opened.
pub(super) fn readings(inventory: &Inventory, layout: &Layout, name: &[u8], contents: &[Content<'_>]) -> Option<Check> {
    let (mut plain, mut cipher) = (0u64, 0u64);
    for content in contents {
        let Some(entry) = inventory.find(&layout.path(content.path.as_bytes())) else { continue };
        let Some(opened) = inventory.sealed.get(&entry).and_then(|sealed| sealed.plain.as_ref()) else { continue };
        let stated = parse_sha256(&content.digest).ok();
        plain += u64::from(stated == Some(opened.sha256));
        cipher += u64::from(stated.as_ref() == inventory.entry(entry).digest());
    }
    let opened = inventory.sealed.values().filter(|sealed| sealed.plain.is_some()).count();
    if opened == 0 {
        return None;
    }
    let detail = format!(
        "{opened} encrypted files opened at their places; the manifest states the digest of the plain text for {plain}, \
         of the cipher text for {cipher}"
    );
    let row = Check::pass(check::ENCRYPTION_OPEN, name, detail);
    Some(row.with("plain_text", plain.to_string()).with("cipher_text", cipher.to_string()))
}
