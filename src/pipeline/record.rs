//! Writes down entries as the scan meets them, and judges what each one shows by itself.

use crate::bundle;
use crate::format::anomaly::{Anomaly, Defect};
use crate::format::digest::Digests;
use crate::format::inventory::{Document, EntryIndex, EntryKind, Inventory, Location, Observed};
use crate::format::limits::Limits;
use crate::format::path;
use crate::format::tar::Member;

/// Most anomalies of one kind that are kept; more are counted. Bounds the memory that a hostile archive can claim.
const MAX_ANOMALIES: usize = 1000;
/// setuid, setgid, sticky.
const SPECIAL_BITS: u32 = 0o7000;

/// Collects the inventory of one scan.
pub(super) struct Recorder {
    inventory: Inventory,
    limits: Limits,
    also_sha512: bool,
    document_bytes: u64,
    counts: [usize; Defect::ALL.len()],
}

impl Recorder {
    pub(super) fn new(limits: Limits, also_sha512: bool) -> Self {
        Recorder {
            inventory: Inventory::default(),
            limits,
            also_sha512,
            document_bytes: 0,
            counts: [0; Defect::ALL.len()],
        }
    }

    /// Adds an entry; the digest comes later. The error is the limit on entries.
    pub(super) fn add(&mut self, member: Member) -> Result<EntryIndex, Anomaly> {
        if self.inventory.entries.len() as u64 >= self.limits.max_entries.min(u64::from(EntryIndex::MAX)) {
            let detail = format!("more than {} entries; raise --max-entries to read on", self.limits.max_entries);
            return Err(Anomaly::container(Defect::LimitEntries, detail));
        }
        self.judge(&member);
        let index = self.inventory.entries.len() as EntryIndex;
        if let Some(target) = member.link {
            self.inventory.links.insert(index, target.into());
        }
        self.inventory.entries.push(Observed {
            path: member.path.into(),
            size: member.size,
            mtime: member.mtime,
            sha256: [0; 32],
            mode: member.mode,
            kind: member.kind,
            hashed: false,
        });
        if self.also_sha512 {
            self.inventory.sha512.push([0; 64]);
        }
        Ok(index)
    }

    fn judge(&mut self, member: &Member) {
        if let Some(why) = path::danger(&member.path) {
            self.note(Anomaly::entry(Defect::EntryPath, &member.path, why));
        }
        if !member.kind.is_ordinary() || member.sparse {
            let what = if member.sparse { "gnu-sparse".into() } else { member.kind.name() };
            let why = format!("expected a file, directory or link, found {what}");
            self.note(Anomaly::entry(Defect::EntryType, &member.path, why));
        }
        if member.mode & SPECIAL_BITS != 0 {
            let why = format!("mode {:04o} has a setuid, setgid or sticky bit", member.mode & 0o7777);
            self.note(Anomaly::entry(Defect::EntryMode, &member.path, why));
        }
    }

    /// Whether the entry is a document to keep. The error is the limit on documents: a document that cannot be read could
    /// say anything.
    pub(super) fn wants(&mut self, index: EntryIndex) -> Result<bool, Anomaly> {
        let entry = self.inventory.entry(index);
        if entry.kind != EntryKind::File || !bundle::wants_document(entry.normal_path()) {
            return Ok(false);
        }
        let size = entry.size;
        if size > self.limits.max_document || self.document_bytes.saturating_add(size) > self.limits.max_documents {
            let why = format!(
                "a document of {size} bytes; the limits are {} for one and {} for all",
                self.limits.max_document, self.limits.max_documents
            );
            return Err(Anomaly::entry(Defect::LimitDocument, &entry.path, why));
        }
        self.document_bytes += size;
        Ok(true)
    }

    pub(super) fn document(&mut self, index: EntryIndex, bytes: Vec<u8>) {
        let name = self.inventory.entry(index).normal_path().to_vec();
        self.inventory.documents.push(Document::new(name, Location::Entry(index), bytes));
    }

    pub(super) fn digest(&mut self, index: EntryIndex, digests: Digests) {
        let entry = &mut self.inventory.entries[index as usize];
        entry.sha256 = digests.sha256;
        entry.hashed = true;
        if let (Some(sha512), Some(slot)) = (digests.sha512, self.inventory.sha512.get_mut(index as usize)) {
            *slot = *sha512;
        }
    }

    pub(super) fn note(&mut self, anomaly: Anomaly) {
        let count = &mut self.counts[anomaly.defect as usize];
        *count += 1;
        if *count <= MAX_ANOMALIES {
            self.inventory.anomalies.push(anomaly);
        }
    }

    /// Reading stopped here: what is not in the inventory may still be in the input.
    pub(super) fn stop(&mut self, anomaly: Anomaly) {
        self.inventory.incomplete = true;
        self.note(anomaly);
    }

    pub(super) fn inventory(&mut self) -> &mut Inventory {
        &mut self.inventory
    }

    /// Sorts, and judges what only the whole shows.
    pub(super) fn finish(mut self) -> Inventory {
        self.inventory.seal();
        for (defect, count) in Defect::ALL.iter().zip(self.counts) {
            if count > MAX_ANOMALIES {
                let more = count - MAX_ANOMALIES;
                self.inventory.anomalies.push(Anomaly::container(*defect, format!("and {more} more of this kind")));
            }
        }
        self.inventory
    }
}
