//! What the documents of two bundles state of paths, side by side, where contents were not read. Nothing here is found: that
//! two sides state the same does not show that the same lies there. What the listing alone shows, as that a file is gone or
//! has another size, counts as well, since it can only make more things different.

use super::entries::{Change, Counts};
use crate::bundle::model::Bundle;
use crate::format::digest::{Digest, Sha256Bytes, Sha512Bytes, unhex};
use crate::format::inventory::{EntryIndex, EntryKind, Inventory};
use crate::format::path;
use crate::trust::claims::DocumentIndex;
use std::cmp::Ordering;
use std::collections::HashMap;

/// Most names of one list that are told; the rest is counted.
pub const MAX_NAMED: usize = 10;

/// The comparison of all that is stated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// What is not the same, by path.
    pub changes: Vec<StatedChange>,
    /// Counts over all paths that are stated or lie there, but for [`Stated::not_compared`].
    pub counts: Counts,
    /// Entries of one name, type and size on both sides of which neither side states a digest.
    pub not_compared: Names,
    /// The old side.
    pub old: Ledger,
    /// The new side.
    pub new: Ledger,
}

/// One path that is not the same on both sides, by its places in the two ledgers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedChange {
    /// What happened.
    pub change: Change,
    /// Its place among the paths of the old side.
    pub old: Option<usize>,
    /// Its place among the paths of the new side.
    pub new: Option<usize>,
}

/// The beginning of a list of names, and how many it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// All of them.
    pub count: u64,
    /// The first [`MAX_NAMED`], in the order of their bytes.
    pub first: Vec<Vec<u8>>,
}

impl Names {
    fn add(&mut self, name: &[u8]) {
        self.count += 1;
        if self.first.len() < MAX_NAMED {
            self.first.push(name.to_vec());
        }
    }
}

/// Everything that is known of one side without its contents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Each path that is stated or lies there, sorted; folders that nobody names are left out.
    pub paths: Vec<Record>,
    /// Documents that state digests, in the order of their names.
    pub documents: Vec<Vec<u8>>,
    /// Entries of which no document states a digest.
    pub unnamed: Names,
    /// Paths that a document names and that do not lie there.
    pub missing: Names,
    /// Paths of which documents say two things, or that lie there twice.
    pub contradictory: Names,
    /// Entries of another size than stated.
    pub other_size: Names,
    /// The document that names the entries could not be read whole: what it would state is not known.
    pub unreadable: bool,
}

/// What is known of one path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The path (untrusted).
    pub path: Box<[u8]>,
    /// Its SHA-256 as stated; of a document that was read, as found.
    pub sha256: Option<Sha256Bytes>,
    /// Its SHA-512 as stated.
    pub sha512: Option<Box<Sha512Bytes>>,
    /// Its size as stated.
    pub size: Option<u64>,
    /// The first two documents that name it.
    pub by: [Option<DocumentIndex>; 2],
    /// What lies there.
    pub lies: Option<Lies>,
    /// It is a document that was read in full.
    pub read: bool,
    /// A document says that it lies elsewhere by design.
    pub elsewhere: bool,
    /// More than one thing is stated of it, or lies there: it is compared with nothing.
    pub contradictory: bool,
}

/// What the listing says of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lies {
    /// Its type.
    pub kind: EntryKind,
    /// Its size in bytes; 0 of what is no file.
    pub size: u64,
    /// The target of a link.
    pub target: Option<Box<[u8]>>,
}

impl Record {
    /// Whether anything is known of its content.
    fn has_digest(&self) -> bool {
        self.sha256.is_some() || self.sha512.is_some()
    }

    /// Its size in bytes: as stated, else that of the entry.
    pub fn bytes(&self) -> u64 {
        self.size.or(self.lies.as_ref().map(|lies| lies.size)).unwrap_or(0)
    }

    fn digest(&mut self, digest: Digest) {
        match digest {
            Digest::Sha256(found) => self.contradictory |= *self.sha256.get_or_insert(found) != found,
            Digest::Sha512(found) => {
                self.contradictory |= **self.sha512.get_or_insert_with(|| Box::new(found)) != found;
            }
        }
    }

    fn add(&mut self, item: &Item<'_>, inventory: &Inventory) {
        match item.source {
            Source::Document(document) => match &mut self.by {
                [first @ None, _] => *first = Some(document),
                [first, second @ None] if *first != Some(document) => *second = Some(document),
                _ => {}
            },
            Source::Elsewhere => self.elsewhere = true,
            Source::Entry(index) => self.lie(index, inventory),
        }
        if let Some(size) = item.size {
            self.contradictory |= *self.size.get_or_insert(size) != size;
        }
        if let Some(digest) = item.digest.and_then(Sum::value) {
            self.digest(digest);
        }
    }

    fn lie(&mut self, index: EntryIndex, inventory: &Inventory) {
        let entry = inventory.entry(index);
        let size = if entry.kind == EntryKind::File { entry.size } else { 0 };
        let found = Lies { kind: entry.kind, size, target: inventory.links.get(&index).cloned() };
        // Two entries of one path are a defect of the container; which of them counts is up to the reader.
        self.contradictory |= self.lies.is_some();
        self.lies.get_or_insert(found);
        self.read |= entry.hashed;
        if let Some(sha256) = entry.digest() {
            self.digest(Digest::Sha256(*sha256));
        }
    }
}

/// Who speaks of a path.
#[derive(Clone, Copy)]
enum Source {
    Document(DocumentIndex),
    Elsewhere,
    Entry(EntryIndex),
}

struct Item<'a> {
    path: &'a [u8],
    source: Source,
    digest: Option<Sum<'a>>,
    size: Option<u64>,
}

/// A digest where it lies: a list can have two million of them.
#[derive(Clone, Copy)]
enum Sum<'a> {
    Stated(&'a Digest),
    Hex(&'a str),
}

impl Sum<'_> {
    fn value(self) -> Option<Digest> {
        match self {
            Sum::Stated(digest) => Some(*digest),
            Sum::Hex(text) => unhex(text).and_then(|bytes| bytes.try_into().ok()).map(Digest::Sha256),
        }
    }
}

impl Ledger {
    /// Everything that the untrusted documents of a bundle state, with what lies there.
    pub fn of(inventory: &Inventory, bundle: &Bundle) -> Ledger {
        let items = items(inventory, bundle);
        let mut ledger = Ledger { unreadable: bundle.unreadable, ..Ledger::default() };
        for same in items.chunk_by(|a, b| a.path == b.path) {
            let mut record = Record { path: same[0].path.into(), ..Record::default() };
            same.iter().for_each(|item| record.add(item, inventory));
            let folder = record.lies.as_ref().is_some_and(|lies| lies.kind == EntryKind::Dir);
            let named = record.by[0].is_some() || record.elsewhere;
            if named || !folder {
                ledger.note(&record);
                ledger.paths.push(record);
            }
        }
        let stating = bundle.claims.stated().iter().filter(|stated| stated.digest.is_some());
        let mut stating: Vec<DocumentIndex> = stating.map(|stated| stated.document).collect();
        stating.sort_unstable();
        stating.dedup();
        ledger.documents = stating.into_iter().map(|document| bundle.claims.name(document).to_vec()).collect();
        ledger.documents.sort();
        ledger
    }

    fn note(&mut self, record: &Record) {
        let path = &record.path;
        if record.contradictory {
            self.contradictory.add(path);
        }
        match &record.lies {
            Some(_) if !record.has_digest() => self.unnamed.add(path),
            None if !record.elsewhere => self.missing.add(path),
            _ => {}
        }
        if record.lies.as_ref().zip(record.size).is_some_and(|(lies, size)| lies.size != size) {
            self.other_size.add(path);
        }
    }

    /// Whether any document states a digest, so that there is something to compare.
    pub fn states_digests(&self) -> bool {
        !self.documents.is_empty() || self.paths.iter().any(|record| record.elsewhere && record.has_digest())
    }
}

/// All that is said of paths, by path; of one path what documents say first, in their order.
fn items<'a>(inventory: &'a Inventory, bundle: &'a Bundle) -> Vec<Item<'a>> {
    let stated = bundle.claims.stated().iter().map(|stated| Item {
        path: &stated.path,
        source: Source::Document(stated.document),
        digest: stated.digest.as_ref().map(Sum::Stated),
        size: stated.size,
    });
    let elsewhere = bundle.external.iter().map(|external| Item {
        path: path::normal(external.path.as_bytes()),
        source: Source::Elsewhere,
        digest: Some(Sum::Hex(&external.sha256)),
        size: external.size,
    });
    let entries = inventory.entries.iter().enumerate().map(|(index, entry)| Item {
        path: entry.normal_path(),
        source: Source::Entry(index as EntryIndex),
        digest: None,
        size: None,
    });
    // The folder that holds everything has no name.
    let mut items: Vec<Item<'a>> =
        stated.chain(elsewhere).chain(entries).filter(|item| !item.path.is_empty()).collect();
    items.sort_by(|a, b| a.path.cmp(b.path));
    items
}

/// How two records of one path compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alike {
    /// Something that both sides say or show differs.
    Differs,
    /// A digest that both state is the same, and nothing that both state or show differs.
    Same,
    /// One states what the other does not, or one contradicts itself.
    NotComparable,
    /// Neither states a digest, and what the listings show is the same.
    Unknown,
}

fn alike(a: &Record, b: &Record) -> Alike {
    if a.contradictory || b.contradictory {
        return Alike::NotComparable;
    }
    let digests = [same(&a.sha256, &b.sha256), same(&a.sha512, &b.sha512)];
    let sizes = same(&a.size, &b.size);
    if a.lies != b.lies || sizes == Some(false) || digests.contains(&Some(false)) {
        return Alike::Differs;
    }
    match digests.contains(&Some(true)) {
        true => Alike::Same,
        false if a.has_digest() || b.has_digest() => Alike::NotComparable,
        false => Alike::Unknown,
    }
}

/// Whether two values are the same; `None` where only one side has it.
fn same<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> Option<bool> {
    a.as_ref().zip(b.as_ref()).map(|(a, b)| a == b)
}

impl Stated {
    /// Compares two sides, both untrusted and listed to their end.
    pub fn compare(old: Ledger, new: Ledger) -> Stated {
        let mut stated = Stated { old, new, ..Stated::default() };
        stated.walk();
        stated.join_moved(|record| record.sha256);
        stated.join_moved(|record| record.sha512.clone());
        stated.count();
        let mut changes = std::mem::take(&mut stated.changes);
        changes.sort_by(|a, b| (stated.path(a), a.change, a.old, a.new).cmp(&(stated.path(b), b.change, b.old, b.new)));
        stated.changes = changes;
        stated
    }

    /// Whether nothing is different, nothing that is stated could not be compared, and all that is stated is known.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && !self.is_unreadable()
    }

    /// Whether a side may state more than could be read.
    pub fn is_unreadable(&self) -> bool {
        self.old.unreadable || self.new.unreadable
    }

    /// The path of a change: that of the new side; of what is gone, that of the old.
    pub fn path(&self, change: &StatedChange) -> &[u8] {
        let record = self.after(change).or_else(|| self.before(change));
        record.map_or(b"", |record| &record.path)
    }

    /// What the old side has.
    pub fn before(&self, change: &StatedChange) -> Option<&Record> {
        change.old.and_then(|at| self.old.paths.get(at))
    }

    /// What the new side has.
    pub fn after(&self, change: &StatedChange) -> Option<&Record> {
        change.new.and_then(|at| self.new.paths.get(at))
    }

    /// Whether a file that lay on the old side does not lie on the new one, though it is named there as well.
    pub fn has_vanished(&self) -> bool {
        let lies = |record: Option<&Record>| record.is_some_and(|record| record.lies.is_some());
        self.changes.iter().any(|change| change.new.is_some() && lies(self.before(change)) && !lies(self.after(change)))
    }

    /// Whether a file lies on the new side that did not lie on the old one, though it was named there as well.
    pub fn has_appeared(&self) -> bool {
        let lies = |record: Option<&Record>| record.is_some_and(|record| record.lies.is_some());
        self.changes.iter().any(|change| change.old.is_some() && !lies(self.before(change)) && lies(self.after(change)))
    }

    fn walk(&mut self) {
        let (mut a, mut b) = (0, 0);
        loop {
            let order = match (self.old.paths.get(a), self.new.paths.get(b)) {
                (None, None) => return,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.path.cmp(&new.path),
            };
            match order {
                Ordering::Less => self.note(Change::Removed, Some(a), None),
                Ordering::Greater => self.note(Change::Added, None, Some(b)),
                Ordering::Equal => self.both(a, b),
            }
            a += usize::from(order != Ordering::Greater);
            b += usize::from(order != Ordering::Less);
        }
    }

    fn both(&mut self, a: usize, b: usize) {
        let (Some(old), Some(new)) = (self.old.paths.get(a), self.new.paths.get(b)) else { return };
        match alike(old, new) {
            Alike::Same => self.counts.unchanged += 1,
            Alike::Unknown => {
                let path = old.path.clone();
                self.not_compared.add(&path);
            }
            Alike::Differs => self.note(Change::Changed, Some(a), Some(b)),
            Alike::NotComparable => self.note(Change::NotComparable, Some(a), Some(b)),
        }
    }

    fn note(&mut self, change: Change, old: Option<usize>, new: Option<usize>) {
        self.changes.push(StatedChange { change, old, new });
    }

    /// Joins what was removed here and added there with the same digest. Of several with one digest the first goes with the
    /// first; one algorithm after the other, so that the other direction gives the same pairs.
    fn join_moved<D: std::hash::Hash + Eq>(&mut self, digest: impl Fn(&Record) -> Option<D>) {
        let mut places: HashMap<D, (Vec<usize>, Vec<usize>)> = HashMap::new();
        for (at, change) in self.changes.iter().enumerate() {
            let record = match change.change {
                Change::Removed => self.before(change),
                Change::Added => self.after(change),
                _ => None,
            };
            let Some(digest) = record.filter(|record| !record.contradictory).and_then(&digest) else { continue };
            let (gone, come) = places.entry(digest).or_default();
            if change.change == Change::Removed { gone.push(at) } else { come.push(at) }
        }
        let mut joined = vec![false; self.changes.len()];
        for (from, to) in places.into_values().flat_map(|(gone, come)| gone.into_iter().zip(come)) {
            let (old, new) = (self.changes[from].old, self.changes[to].new);
            let moved = StatedChange { change: Change::Moved, old, new };
            let pair = self.before(&moved).zip(self.after(&moved));
            if pair.is_some_and(|(old, new)| alike(old, new) == Alike::Same) {
                self.changes[to] = moved;
                joined[from] = true;
            }
        }
        let mut joined = joined.into_iter();
        self.changes.retain(|_| !joined.next().unwrap_or(false));
    }

    fn count(&mut self) {
        let mut counts = self.counts;
        for change in &self.changes {
            *counts.of(change.change) += 1;
            if matches!(change.change, Change::Added | Change::Removed | Change::Changed) {
                let bytes = |record: Option<&Record>| record.map_or(0, Record::bytes);
                counts.bytes_added = counts.bytes_added.saturating_add(bytes(self.after(change)));
                counts.bytes_removed = counts.bytes_removed.saturating_add(bytes(self.before(change)));
            }
        }
        self.counts = counts;
    }
}

#[cfg(test)]
#[path = "stated_tests.rs"]
mod tests;
