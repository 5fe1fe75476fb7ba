//! Receipts of a transparency log beside the input, with the checkpoint and the entry packs that lie around them.

use super::error::EnvironmentError;
use super::source::read_small;
use crate::bundle::receipts::{MAX_CHECKPOINT, places};
use crate::format::inventory::Document;
use crate::format::limits::Limits;
use crate::format::rekor::{MAX_PACK, find_in_pack, is_receipt_name, parse_receipt};
use crate::trust::rekor::{PackFile, ReceiptFile};
use std::path::{Path, PathBuf};

/// Most entry packs of one folder.
const MAX_PACKS: usize = 16;

/// Reads a file of at most so many bytes; `None`: it is larger.
pub(super) type Take<'a> = dyn FnMut(&Path, u64) -> Result<Option<Vec<u8>>, EnvironmentError> + 'a;

/// Whether a document beside the input is a receipt: by its name, or by its content where the operator named it.
pub(super) fn is_one(document: &Document) -> bool {
    is_receipt_name(&document.name) || document.named && !document.envelope && parse_receipt(&document.bytes).is_ok()
}

/// Where the files lie that are read along with `path`, where that is a receipt: its checkpoint, and folders of entry packs.
pub(super) fn around(path: &Path) -> Vec<PathBuf> {
    let named = path.file_name().is_some_and(|name| is_receipt_name(name.as_encoded_bytes()));
    let Some(bytes) = named.then(|| read_small(path, Limits::MAX_DOCUMENT).ok()).flatten() else { return Vec::new() };
    let Ok(receipt) = parse_receipt(&bytes) else { return Vec::new() };
    let (checkpoint, packs) = places(&receipt);
    let folder = path.parent().unwrap_or(Path::new(""));
    checkpoint.into_iter().map(|name| folder.join(name)).chain(packs.iter().map(|pack| folder.join(pack))).collect()
}

/// The receipt in the file `path`, with what belongs to it.
pub(super) fn read(document: Document, path: &Path, take: &mut Take<'_>) -> Result<ReceiptFile, EnvironmentError> {
    let Document { name, bytes, named, .. } = document;
    let mut file = ReceiptFile { name, named, bytes, ..ReceiptFile::default() };
    let Ok(receipt) = parse_receipt(&file.bytes) else { return Ok(file) };
    let folder = path.parent().unwrap_or(Path::new(""));
    let (checkpoint, packs) = places(&receipt);
    if let Some(name) = checkpoint.filter(|name| folder.join(name).is_file()) {
        let bytes = take(&folder.join(name), MAX_CHECKPOINT)?;
        file.checkpoint = bytes.map(|bytes| (name.as_bytes().to_vec(), bytes));
    }
    for pack in packs {
        let Ok(entries) = std::fs::read_dir(folder.join(&pack)) else { continue };
        let mut names: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        names.retain(|path| path.is_file() && path.extension().is_some_and(|end| end == "jsonl"));
        names.sort();
        for path in names.into_iter().take(MAX_PACKS) {
            let base = path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
            if let Some(bytes) = take(&path, MAX_PACK)? {
                let entry = find_in_pack(&bytes, receipt.uuid.as_deref(), receipt.index).transpose();
                let name = [pack.as_bytes(), &base].concat();
                file.packs.extend(entry.map(|entry| PackFile { name, entry }));
            }
        }
    }
    Ok(file)
}
