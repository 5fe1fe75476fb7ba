//! Receipts of a transparency log inside a bundle, whatever its kind (formats.md 1.3): found by their names, with the
//! checkpoint and the entry packs that lie where documents put them.

use super::model::{Bundle, Facts};
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::note;
use crate::format::rekor::{self, CheckpointPlace, Receipt, Wanted, is_receipt_name};
use crate::trust::check::{self, Check};
use crate::trust::rekor::{PackFile, ReceiptFile};

/// Most receipts of one bundle: each costs a signature check and, for each signature of the bundle, a few hashes.
pub const MAX_RECEIPTS: usize = 16;

/// Most entry packs that are read among the entries of a bundle.
pub const MAX_PACKS: usize = 16;

/// Most bytes of those packs together: each line is parsed.
pub const MAX_PACK_BYTES: u64 = 64 << 20;

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

/// The receipts among the entries, in the order of their names, then those `beside` the input. All are told among the facts;
/// whether one of them, or a file that belongs to it, is evidence is known when it is proven.
pub fn collect(inventory: &Inventory, bundle: &mut Bundle, beside: Vec<ReceiptFile>) -> Vec<ReceiptFile> {
    let base = |document: &Document| document.name.rsplit(|c| *c == b'/').next().unwrap_or_default().to_vec();
    let inside = inventory.documents.iter().filter(|d| d.location != Location::Sidecar && is_receipt_name(&base(d)));
    let inside: Vec<&Document> = inside.collect();
    let mut read: Vec<Inside> = inside.iter().take(MAX_RECEIPTS).map(|document| of(inventory, document)).collect();
    if let Some(next) = inside.get(MAX_RECEIPTS) {
        let detail = format!("{} receipts, of which the first {MAX_RECEIPTS} are checked", inside.len());
        bundle.checks.push(Check::skip(check::REKOR_RECEIPT, &next.name, detail));
    }
    read_packs(inventory, bundle, &mut read);
    let mut found: Vec<ReceiptFile> = read.into_iter().map(|read| read.file).collect();
    found.extend(beside);
    bundle.facts.extend(found.iter().filter_map(facts));
    found
}

/// A receipt among the entries.
struct Inside {
    file: ReceiptFile,
    /// Id and index of its entry, where it can be read.
    wanted: Option<(Option<String>, u64)>,
    /// Folders in which its packs lie.
    folders: Vec<Vec<u8>>,
}

impl Inside {
    fn has_pack(&self, document: &Document) -> bool {
        let within =
            |folder: &Vec<u8>| document.name.strip_prefix(folder.as_slice()).is_some_and(|r| !r.contains(&b'/'));
        self.wanted.is_some() && self.folders.iter().any(within)
    }
}

fn of(inventory: &Inventory, document: &Document) -> Inside {
    let file = ReceiptFile {
        name: document.name.clone(),
        inside: true,
        bytes: document.bytes.clone(),
        ..ReceiptFile::default()
    };
    let mut read = Inside { file, wanted: None, folders: Vec::new() };
    // One that cannot be read fails a check of its own.
    let Ok(receipt) = rekor::parse_receipt(&document.bytes) else { return read };
    let at = document.name.iter().rposition(|c| *c == b'/').map_or(0, |slash| slash + 1);
    let folder = document.name.get(..at).unwrap_or_default();
    let (path, packs) = places(&receipt);
    let at = |path: &str| inventory.document(&[folder, path.as_bytes()].concat());
    let checkpoint = path.and_then(at).filter(|found| found.bytes.len() <= note::MAX_NOTE);
    read.file.checkpoint = checkpoint.map(|found| (found.name.clone(), found.bytes.clone()));
    read.folders = packs.iter().map(|pack| [folder, pack.as_bytes()].concat()).collect();
    read.wanted = Some((receipt.uuid, receipt.index));
    read
}

/// Each pack is read once, for all receipts that it may be about.
fn read_packs(inventory: &Inventory, bundle: &mut Bundle, receipts: &mut [Inside]) {
    let is_pack = |d: &&Document| d.location != Location::Sidecar && d.name.ends_with(b".jsonl");
    let (mut count, mut bytes) = (0, 0_u64);
    for pack in inventory.documents.iter().filter(is_pack) {
        let mut about: Vec<&mut Inside> = receipts.iter_mut().filter(|receipt| receipt.has_pack(pack)).collect();
        if about.is_empty() {
            continue;
        }
        count += 1;
        bytes = bytes.saturating_add(pack.bytes.len() as u64);
        if count > MAX_PACKS || bytes > MAX_PACK_BYTES {
            let detail = format!(
                "of entry packs in a bundle the first {MAX_PACKS} are read, and {MAX_PACK_BYTES} bytes; this one and those \
                 after it are not"
            );
            bundle.checks.push(Check::skip(check::REKOR_LEAF, &pack.name, detail));
            return;
        }
        let wanted: Vec<Wanted<'_>> = about
            .iter()
            .filter_map(|receipt| receipt.wanted.as_ref())
            .map(|(uuid, index)| Wanted { uuid: uuid.as_deref(), index: *index })
            .collect();
        let found = rekor::find_all_in_pack(&pack.bytes, &wanted);
        for (receipt, found) in about.iter_mut().zip(found) {
            // A pack that cannot be read is told with the receipt; one without its entry is a file like any other.
            let entry = found.transpose();
            receipt.file.packs.extend(entry.map(|entry| PackFile { name: pack.name.clone(), entry }));
        }
    }
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
