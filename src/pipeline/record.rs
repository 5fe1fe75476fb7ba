//! Writes down entries as the scan meets them, and judges what each one shows by itself.

use super::error::EnvironmentError;
use super::meter::{Form, Measured};
use super::spool::{MAX_SPOOLS, Spooled};
use crate::bundle;
use crate::format::anomaly::{Anomaly, Defect};
use crate::format::inventory::{Document, EntryIndex, EntryKind, Inventory, Location, MAX_ANOMALIES, Observed};
use crate::format::limits::Limits;
use crate::format::path;
use crate::format::tar::Member;
use std::collections::HashMap;

/// The same for anomalies of entries with names over [`path::MAX_PATH`].
const MAX_LONG: usize = 8;
/// setuid, setgid, sticky.
const SPECIAL_BITS: u32 = 0o7000;

/// Most bytes of files that are kept only as long as there is room.
const MAX_SPARE: u64 = 64 << 20;
/// Most such files: each has a name and a place in lists.
const MAX_SPARE_FILES: u64 = 1 << 14;

/// Collects the inventory of one scan.
pub(super) struct Recorder {
    inventory: Inventory,
    limits: Limits,
    also_sha512: bool,
    document_bytes: u64,
    spare_bytes: u64,
    spare_files: u64,
    name_bytes: u64,
    counts: [usize; Defect::ALL.len()],
    left_out: [usize; Defect::ALL.len()],
    /// In the root, and one folder down.
    copies_begun: [usize; 2],
    copies: Copies,
    /// Whether documents and databases are kept.
    keeps: bool,
}

/// Copies of databases.
#[derive(Default)]
pub(super) struct Copies {
    /// Each of a whole entry, by its normal path.
    pub(super) whole: Vec<(Vec<u8>, Spooled)>,
    /// Why one could not be written. It matters only where databases are read.
    pub(super) failed: Option<EnvironmentError>,
}

impl Recorder {
    pub(super) fn new(limits: Limits, also_sha512: bool) -> Self {
        Recorder {
            inventory: Inventory::default(),
            limits,
            also_sha512,
            document_bytes: 0,
            spare_bytes: 0,
            spare_files: 0,
            name_bytes: 0,
            counts: [0; Defect::ALL.len()],
            left_out: [0; Defect::ALL.len()],
            copies_begun: [0; 2],
            copies: Copies::default(),
            keeps: true,
        }
    }

    /// One that keeps neither documents nor copies of databases: for a pass over what is known already.
    pub(super) fn without_content(limits: Limits) -> Self {
        Recorder { keeps: false, ..Recorder::new(limits, false) }
    }

    /// Adds an entry; the digest comes later. The error is the limit on entries or on their names.
    pub(super) fn add(&mut self, member: Member) -> Result<EntryIndex, Anomaly> {
        if self.inventory.entries.len() as u64 >= self.limits.max_entries.min(u64::from(EntryIndex::MAX)) {
            let detail = format!("more than {} entries; raise --max-entries to read on", self.limits.max_entries);
            return Err(Anomaly::container(Defect::LimitEntries, detail));
        }
        self.name_bytes += (member.path.len() + member.link.as_ref().map_or(0, Vec::len)) as u64;
        let names = Limits::MAX_NAMES + Limits::NAME_BYTES * self.inventory.entries.len() as u64;
        if self.name_bytes > names {
            let detail = format!("the names of all entries so far have more than {names} bytes");
            return Err(Anomaly::container(Defect::LimitEntries, detail));
        }
        self.judge(&member);
        self.compare_order(&member.path);
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
            owned: member.owned,
        });
        if self.also_sha512 {
            self.inventory.sha512.push([0; 64]);
        }
        Ok(index)
    }

    /// Notes the first entry that does not come after the one before it, name by name.
    fn compare_order(&mut self, untrusted_path: &[u8]) {
        let Some(last) = self.inventory.entries.last() else { return };
        let parts = |name| path::normal(name).split(|c: &u8| *c == b'/');
        if self.inventory.unsorted.is_none() && parts(&last.path).gt(parts(untrusted_path)) {
            self.inventory.unsorted = Some(untrusted_path.into());
        }
    }

    fn judge(&mut self, member: &Member) {
        if let Some(why) = path::danger(&member.path) {
            self.note(Anomaly::entry(Defect::EntryPath, &member.path, why));
        }
        if path::normal(&member.path).is_empty() && !member.path.is_empty() && member.kind != EntryKind::Dir {
            let why = format!("the root of the bundle is a {}, not a directory", member.kind.name());
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
    /// say anything. Of documents that may be of no use, as many as there is room for.
    pub(super) fn wants(&mut self, index: EntryIndex) -> Result<bool, Anomaly> {
        let entry = self.inventory.entry(index);
        if entry.kind != EntryKind::File || !self.keeps {
            return Ok(false);
        }
        if !bundle::wants_document(entry.normal_path(), entry.size) {
            let fits = self.spare_bytes.saturating_add(entry.size) <= MAX_SPARE && self.spare_files < MAX_SPARE_FILES;
            let keep = fits && bundle::wants_if_room(entry.normal_path(), entry.size);
            if keep {
                self.spare_bytes += entry.size;
                self.spare_files += 1;
            }
            return Ok(keep);
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

    /// What the name of the entry says of its content.
    pub(super) fn form(&mut self, index: EntryIndex) -> Form {
        if !self.keeps {
            return Form::Opaque;
        }
        let form = match self.inventory.container.last() {
            Some(&"bbolt") => Form::Pages,
            Some(&"sqlite") => Form::Tables,
            _ => Form::of(self.inventory.entry(index).normal_path()),
        };
        if !matches!(form, Form::Pages | Form::Tables) {
            return form;
        }
        let name = self.inventory.entry(index).normal_path();
        let depth = name.iter().filter(|c| **c == b'/').count();
        match self.copies_begun.get_mut(depth) {
            Some(begun) if *begun < MAX_SPOOLS => {
                *begun += 1;
                form
            }
            _ => Form::Opaque,
        }
    }

    pub(super) fn document(&mut self, index: EntryIndex, bytes: Vec<u8>) {
        let name = self.inventory.entry(index).normal_path().to_vec();
        self.inventory.documents.push(Document::new(name, Location::Entry(index), bytes));
    }

    pub(super) fn measured(&mut self, index: EntryIndex, measured: Measured) {
        let Measured { digests, contents, copy } = measured;
        match copy {
            Some(Ok(copy)) => {
                let name = self.inventory.entry(index).normal_path().to_vec();
                if let Some(engine) = copy.engine() {
                    self.inventory.engines.insert(name.clone(), engine);
                }
                self.copies.whole.push((name, copy));
            }
            Some(Err(error)) => drop(self.copies.failed.get_or_insert(error)),
            None => {}
        }
        if let Some(contents) = contents {
            self.inventory.contents.insert(index, contents);
        }
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
        // Names over the limit of any system are up to 1 MiB long, and each anomaly has a copy.
        let long = anomaly.path.as_ref().is_some_and(|name| name.len() > path::MAX_PATH);
        if *count <= if long { MAX_LONG } else { MAX_ANOMALIES } {
            self.inventory.anomalies.push(anomaly);
        } else {
            self.left_out[anomaly.defect as usize] += 1;
        }
    }

    /// Tells of bytes that fill up blocks of a tar and are not zero: they could say anything, and nothing covers them.
    pub(super) fn residue(&mut self, bytes: u64) {
        if bytes > 0 {
            self.inventory.remarks.push(format!(
                "{bytes} bytes between the entries are not zero; no entry contains them and no digest of an entry covers them"
            ));
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

    /// The copies of databases.
    pub(super) fn take_copies(&mut self) -> Copies {
        std::mem::take(&mut self.copies)
    }

    /// Hard links that come before the file that they name: whoever extracts in order finds nothing there, or what lay on the
    /// disk before. Asked while the entries are in the order of the container.
    fn early_links(&mut self) {
        let hard = |index: &EntryIndex| self.inventory.entry(*index).kind == EntryKind::Hardlink;
        let mut links: Vec<EntryIndex> = self.inventory.links.keys().copied().filter(hard).collect();
        if links.is_empty() {
            return;
        }
        links.sort_unstable();
        let destination = |index: &EntryIndex| {
            let target = self.inventory.links.get(index)?;
            Some((path::link_destination(b"", target, false, |_| false).ok()?, *index))
        };
        let mut first: HashMap<Vec<u8>, Option<EntryIndex>> =
            links.iter().filter_map(destination).map(|(name, _)| (name, None)).collect();
        for (index, entry) in (0..).zip(&self.inventory.entries) {
            if entry.kind == EntryKind::File
                && let Some(place) = first.get_mut(entry.normal_path())
            {
                place.get_or_insert(index);
            }
        }
        let early =
            links.iter().filter_map(destination).filter(|(name, link)| first[name].is_some_and(|file| file > *link));
        let early: Vec<EntryIndex> = early.map(|(_, link)| link).collect();
        for link in early {
            let why = "a hard link to a file that comes later in the archive; expected the file first";
            let anomaly = Anomaly::entry(Defect::EntryLink, &self.inventory.entry(link).path, why);
            self.note(anomaly);
        }
    }

    /// Sorts, and judges what only the whole shows.
    pub(super) fn finish(mut self) -> Inventory {
        self.early_links();
        self.inventory.seal();
        for (defect, more) in Defect::ALL.iter().zip(self.left_out).filter(|(_, more)| *more > 0) {
            self.inventory.anomalies.push(Anomaly::container(*defect, format!("and {more} more of this kind")));
        }
        self.inventory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(path: &[u8], kind: EntryKind) -> Member {
        Member {
            path: path.to_vec(),
            kind,
            size: 0,
            stored: 0,
            offset: 0,
            mode: 0o644,
            mtime: 0,
            link: None,
            sparse: false,
            owned: false,
        }
    }

    fn recorder() -> Recorder {
        Recorder::new(Limits::default(), false)
    }

    /// Every document speaks of files below the root, so content under the name of the root would belong to nobody.
    #[test]
    fn the_root_is_a_directory() {
        for name in [&b"."[..], b"./", b"./.", b"./././"] {
            let mut recorder = recorder();
            recorder.add(member(name, EntryKind::Dir)).unwrap();
            assert!(recorder.inventory().anomalies.is_empty());
            for kind in [EntryKind::File, EntryKind::Symlink, EntryKind::Hardlink] {
                recorder.add(member(name, kind)).unwrap();
            }
            assert_eq!(recorder.finish().anomalies.iter().filter(|a| a.defect == Defect::EntryPath).count(), 3);
        }
    }

    #[test]
    fn names_have_a_limit_together() {
        let mut recorder = recorder();
        let name = vec![b'n'; 1 << 20];
        let error = (0..1000).find_map(|_| recorder.add(member(&name, EntryKind::File)).err()).unwrap();
        assert_eq!((error.defect, recorder.inventory().entries.len()), (Defect::LimitEntries, 8));
        let mut recorder = self::recorder();
        assert!((0..100_000).all(|_| recorder.add(member(&[b'n'; 250], EntryKind::File)).is_ok()));
    }

    #[test]
    fn anomalies_beyond_the_most_are_counted() {
        let mut recorder = recorder();
        for _ in 0..MAX_ANOMALIES + 5 {
            recorder.note(Anomaly::entry(Defect::EntryType, b"a", "x"));
        }
        let long = vec![b'n'; path::MAX_PATH + 1];
        for _ in 0..MAX_LONG + 3 {
            recorder.note(Anomaly::entry(Defect::EntryPath, &long, "x"));
        }
        let inventory = recorder.finish();
        assert_eq!(inventory.anomalies.len(), MAX_ANOMALIES + MAX_LONG + 2);
        let details: Vec<&str> = inventory.anomalies.iter().rev().take(2).map(|a| a.detail.as_str()).collect();
        assert_eq!(details, ["and 5 more of this kind", "and 3 more of this kind"]);
    }
}
