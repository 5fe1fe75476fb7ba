//! Receipts of a transparency log inside a bundle, whatever its kind (formats.md 1.3): found by their names, with the
//! checkpoint and the entry packs that lie where documents put them.

use super::model::{Bundle, Facts};
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::note;
use crate::format::rekor::{self, CheckpointPlace, Form, Receipt, is_receipt_name};
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;
use crate::trust::rekor::ReceiptFile;

/// Most receipts of one bundle: each costs a signature check and, for each signature of the bundle, a few hashes.
pub const MAX_RECEIPTS: usize = 16;

/// Largest file that may be a checkpoint, in bytes.
pub const MAX_CHECKPOINT: u64 = note::MAX_NOTE as u64;

/// Whether the scan keeps the file called `base` in `folder`, as long as there is room for it.
pub(super) fn wants(base: &[u8], folder: &[u8], depth: usize, size: u64) -> bool {
    let receipt = is_receipt_name(base) && size <= rekor::MAX_RECEIPT as u64;
    let checkpoint = base.starts_with(b"checkpoint") && size <= MAX_CHECKPOINT;
    let pack = folder == b"entries" && base.ends_with(b".jsonl") && size <= rekor::MAX_PACK;
    depth <= 5 && (receipt || checkpoint || pack)
}

/// Where the checkpoint of a receipt lies, from the folder of the receipt; and the folders in which entry packs are looked for.
pub fn places(receipt: &Receipt) -> (Option<&str>, Vec<String>) {
    let path = match &receipt.checkpoint {
        CheckpointPlace::File(path) => rekor::place(path).ok(),
        CheckpointPlace::Inline(_) | CheckpointPlace::Missing => None,
    };
    let beside = path.and_then(|path| path.rsplit_once('/')).map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut folders = vec![format!("{beside}entries/"), "entries/".into(), "tlog/entries/".into()];
    folders.sort();
    folders.dedup();
    (path, folders)
}

/// The receipts among the entries, in the order of their names, then those `beside` the input. Receipts of the one closed form,
/// and checkpoints, are evidence where they can be read; all receipts are told among the facts.
pub fn collect(inventory: &Inventory, bundle: &mut Bundle, beside: Vec<ReceiptFile>) -> Vec<ReceiptFile> {
    let base = |document: &Document| document.name.rsplit(|c| *c == b'/').next().unwrap_or_default().to_vec();
    let inside = inventory.documents.iter().filter(|d| d.location != Location::Sidecar && is_receipt_name(&base(d)));
    let inside: Vec<&Document> = inside.collect();
    let mut found: Vec<ReceiptFile> = Vec::new();
    for document in inside.iter().take(MAX_RECEIPTS) {
        found.push(read(inventory, bundle, document));
    }
    if let Some(next) = inside.get(MAX_RECEIPTS) {
        let detail = format!("{} receipts, of which the first {MAX_RECEIPTS} are checked", inside.len());
        bundle.checks.push(Check::skip(check::REKOR_RECEIPT, &next.name, detail));
    }
    found.extend(beside);
    bundle.facts.extend(found.iter().filter_map(facts));
    found
}

fn read(inventory: &Inventory, bundle: &mut Bundle, document: &Document) -> ReceiptFile {
    let mut file = ReceiptFile {
        name: document.name.clone(),
        inside: true,
        bytes: document.bytes.clone(),
        ..ReceiptFile::default()
    };
    // One that cannot be read fails a check of its own, and is no evidence.
    let Ok(receipt) = rekor::parse_receipt(&document.bytes) else { return file };
    let mut evidence = |document: &Document| {
        if !bundle.claims.documents().iter().any(|known| known.location == document.location) {
            bundle.claims.document(&document.name, document.location, Role::Envelope);
        }
    };
    // The other forms have room for anything, and so have packs: they are evidence where the receipt holds.
    if receipt.form == Form::OfflineKit {
        evidence(document);
    }
    let at = document.name.iter().rposition(|c| *c == b'/').map_or(0, |slash| slash + 1);
    let folder = document.name.get(..at).unwrap_or_default();
    let (path, packs) = places(&receipt);
    let at = |path: &str| inventory.document(&[folder, path.as_bytes()].concat());
    if let Some(checkpoint) = path.and_then(at).filter(|found| found.bytes.len() <= note::MAX_NOTE) {
        if note::parse(&checkpoint.bytes).is_ok() {
            evidence(checkpoint);
        }
        file.checkpoint = Some((checkpoint.name.clone(), checkpoint.bytes.clone()));
    }
    for folder in packs.iter().map(|pack| [folder, pack.as_bytes()].concat()) {
        let in_folder = |d: &&Document| {
            let rest = d.name.strip_prefix(folder.as_slice());
            d.location != Location::Sidecar
                && rest.is_some_and(|rest| !rest.contains(&b'/') && rest.ends_with(b".jsonl"))
        };
        for pack in inventory.documents.iter().filter(in_folder) {
            // A pack that cannot be read is told with the receipt; one without its entry is a file like any other.
            if rekor::find_in_pack(&pack.bytes, receipt.uuid.as_deref(), receipt.index) == Ok(None) {
                continue;
            }
            file.packs.push((pack.name.clone(), pack.bytes.clone()));
        }
    }
    file
}

/// What a receipt says of itself: claimed, authenticated by nobody.
fn facts(file: &ReceiptFile) -> Option<Facts> {
    let receipt = rekor::parse_receipt(&file.bytes).ok()?;
    let mut items = vec![("receipt", receipt.form.name().to_string()), ("log index", receipt.index.to_string())];
    items.extend(receipt.uuid.as_ref().map(|uuid| ("log entry", uuid.clone())));
    items.extend(receipt.integrated.map(|time| ("integrated at (seconds since 1970)", time.to_string())));
    let text = match (&receipt.checkpoint, &file.checkpoint) {
        (CheckpointPlace::Inline(text), _) => Some(text.as_bytes()),
        (_, Some((_, bytes))) => Some(bytes.as_slice()),
        _ => None,
    };
    if let Some((note, checkpoint)) = text.and_then(|text| note::parse(text).ok()) {
        items.push(("log", checkpoint.origin));
        items.push(("log size", checkpoint.size.to_string()));
        let names: Vec<&str> = note.signatures.iter().map(|line| line.name.as_str()).take(8).collect();
        items.push(("checkpoint signed by", if names.is_empty() { "nobody".into() } else { names.join(", ") }));
    }
    Some(Facts { document: file.name.clone(), items })
}
