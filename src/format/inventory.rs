//! What was there: every entry with its digests, the few small documents in full, and what was odd.

use super::anomaly::{Anomaly, Defect};
use super::database::{Engine, Examined};
use super::digest::{Digests, Sha256Bytes, Sha512Bytes, hex};
use super::path;
use super::records::Contents;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};

/// The type of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// Regular file.
    File,
    /// Directory.
    Dir,
    /// Symbolic link.
    Symlink,
    /// Hard link.
    Hardlink,
    /// Character device.
    CharDevice,
    /// Block device.
    BlockDevice,
    /// Named pipe.
    Fifo,
    /// Socket (directories only).
    Socket,
    /// Sparse file in the old GNU form.
    GnuSparse,
    /// Any other tar type, by its type flag.
    Other(u8),
}

impl EntryKind {
    /// The name in reports.
    pub fn name(self) -> String {
        match self {
            EntryKind::File => "file".into(),
            EntryKind::Dir => "dir".into(),
            EntryKind::Symlink => "symlink".into(),
            EntryKind::Hardlink => "hardlink".into(),
            EntryKind::CharDevice => "char-device".into(),
            EntryKind::BlockDevice => "block-device".into(),
            EntryKind::Fifo => "fifo".into(),
            EntryKind::Socket => "socket".into(),
            EntryKind::GnuSparse => "gnu-sparse".into(),
            EntryKind::Other(flag) => format!("type-{}", (flag as char).escape_default()),
        }
    }

    /// Symbolic or hard link.
    pub fn is_link(self) -> bool {
        matches!(self, EntryKind::Symlink | EntryKind::Hardlink)
    }

    /// Whether data follows the header in a tar.
    pub fn carries_data(self) -> bool {
        matches!(self, EntryKind::File | EntryKind::GnuSparse | EntryKind::Other(_))
    }

    /// Whether an entry of this type may be in a bundle at all (links are judged apart).
    pub fn is_ordinary(self) -> bool {
        matches!(self, EntryKind::File | EntryKind::Dir | EntryKind::Symlink | EntryKind::Hardlink)
    }
}

/// Most anomalies of one kind that are kept; more are counted. Bounds the memory that a hostile archive can claim.
pub const MAX_ANOMALIES: usize = 1000;

/// Index of an entry in [`Inventory::entries`].
pub type EntryIndex = u32;

/// One entry as it was found. About 72 bytes and its name: a bundle may have millions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The name as the container has it, without trailing `/` (untrusted bytes).
    pub path: Box<[u8]>,
    /// Size in bytes.
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: i64,
    /// SHA-256 of the content; meaningful where `hashed`.
    pub sha256: Sha256Bytes,
    /// Permission bits (tar: the whole mode field).
    pub mode: u32,
    /// The type.
    pub kind: EntryKind,
    /// Whether `sha256` was computed (regular files that were read to their end).
    pub hashed: bool,
    /// Whether an archive gives it to another user or group than 0.
    pub owned: bool,
}

impl Observed {
    /// The name in the form in which documents claim it.
    pub fn normal_path(&self) -> &[u8] {
        path::normal(&self.path)
    }

    /// The digest, where there is one.
    pub fn digest(&self) -> Option<&Sha256Bytes> {
        self.hashed.then_some(&self.sha256)
    }
}

/// An encrypted entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Whether its nonce was taken from a document beside it.
    pub nonce_beside: bool,
    /// The plain text, where it could be opened.
    pub plain: Option<Plain>,
}

/// The plain text of an encrypted entry, measured after its tag had verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// SHA-256.
    pub sha256: Sha256Bytes,
    /// Size in bytes.
    pub size: u64,
    /// Its records, where its name says that it holds some.
    pub contents: Option<Contents>,
}

/// Where a document lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// An entry of the bundle.
    Entry(EntryIndex),
    /// A file beside the input.
    Sidecar,
}

/// A small file that was kept in full.
#[derive(Debug, Clone)]
pub struct Document {
    /// Normal path inside the bundle, or the file name of a sidecar.
    pub name: Vec<u8>,
    /// Where it lies.
    pub location: Location,
    /// The content (untrusted).
    pub bytes: Vec<u8>,
    /// Whether it is read as a signature document.
    pub envelope: bool,
    /// Whether it is taken for a Sigstore bundle, or for a file of cosign's older format.
    pub sigstore: bool,
    /// Whether the operator named it, in contrast to what was found beside the input.
    pub named: bool,
}

impl Document {
    /// A document; names that end in `.dsse.json` are signature documents.
    pub fn new(name: Vec<u8>, location: Location, bytes: Vec<u8>) -> Self {
        let envelope = name.ends_with(b".dsse.json");
        Document { name, location, bytes, envelope, sigstore: false, named: false }
    }
}

/// Everything that one pass over the input saw.
#[derive(Debug, Default)]
pub struct Inventory {
    /// File name of the input, under which lists beside it speak of it; empty for a pipe.
    pub name: Vec<u8>,
    /// All entries, sorted by their normal path, then in the order of the container.
    pub entries: Vec<Observed>,
    /// Targets of links.
    pub links: HashMap<EntryIndex, Box<[u8]>>,
    /// What files of records hold.
    pub contents: BTreeMap<EntryIndex, Contents>,
    /// Encrypted entries.
    pub sealed: BTreeMap<EntryIndex, Sealed>,
    /// Archives among the entries that were read for their own entries.
    pub nested: BTreeMap<EntryIndex, Inventory>,
    /// Files with the name of a database whose first bytes are those of one, by their normal path.
    pub engines: BTreeMap<Vec<u8>, Engine>,
    /// Databases among the entries that were read, by their normal path.
    pub databases: BTreeMap<Vec<u8>, Examined>,
    /// The first entry that does not come after the one before it, name by name, in the order of the container.
    pub unsorted: Option<Box<[u8]>>,
    /// Documents inside the bundle, sorted by name, then sidecars in the order given.
    pub documents: Vec<Document>,
    /// SHA-512 digests of the entries, in their order; empty unless a claim needs them.
    pub sha512: Vec<Sha512Bytes>,
    /// What was odd.
    pub anomalies: Vec<Anomaly>,
    /// Reading stopped early: entries are missing from this list, and nothing may be concluded from absence.
    pub incomplete: bool,
    /// Only documents were read: of all other entries nothing is known but name, type and size, and nothing of them can be
    /// found right or wrong.
    pub unread: bool,
    /// Layers from the outside: `gzip`, `tar`, `directory`, `file` …
    pub container: Vec<&'static str>,
    /// Facts about the container worth telling: members, frames, skippable frames.
    pub remarks: Vec<String>,
    /// Digests of the input file itself, where they were asked for.
    pub outer: Option<Digests>,
    /// Size of the input file itself.
    pub outer_size: Option<u64>,
}

impl Inventory {
    /// The entry with this normal path. With duplicates (an anomaly of its own) the first in container order.
    pub fn find(&self, normal_path: &[u8]) -> Option<EntryIndex> {
        let index = self.entries.partition_point(|e| e.normal_path() < normal_path);
        self.entries.get(index).filter(|e| e.normal_path() == normal_path).map(|_| index as EntryIndex)
    }

    /// All entries with this normal path: one, unless the container has duplicates.
    pub fn find_all(&self, normal_path: &[u8]) -> std::ops::Range<EntryIndex> {
        let start = self.entries.partition_point(|e| e.normal_path() < normal_path);
        let same = self.entries[start..].iter().take_while(|e| e.normal_path() == normal_path).count();
        start as EntryIndex..(start + same) as EntryIndex
    }

    /// The entry at `index`.
    pub fn entry(&self, index: EntryIndex) -> &Observed {
        &self.entries[index as usize]
    }

    /// The document with this normal path inside the bundle.
    pub fn document(&self, normal_path: &[u8]) -> Option<&Document> {
        // Sorted by name, then come those beside the input.
        let inside = self.documents.partition_point(|d| matches!(d.location, Location::Entry(_)));
        let documents = &self.documents[..inside];
        let at = documents.partition_point(|d| d.name.as_slice() < normal_path);
        documents.get(at).filter(|d| d.name == normal_path)
    }

    /// Bytes of all regular files.
    pub fn total_bytes(&self) -> u64 {
        self.entries.iter().filter(|e| e.kind == EntryKind::File).fold(0, |sum, e| sum.saturating_add(e.size))
    }

    /// Indices of the entries in byte order of their reported paths.
    pub fn by_path(&self) -> Vec<EntryIndex> {
        let mut order: Vec<EntryIndex> = (0..self.entries.len() as EntryIndex).collect();
        if !self.entries.is_sorted_by(|a, b| a.path <= b.path) {
            order.sort_by(|a, b| self.entry(*a).path.cmp(&self.entry(*b).path));
        }
        order
    }

    /// SHA-256 over the lines `<sha256>  <path>\n` of all regular files in path order, names in their normal form and
    /// escaped as GNU sha256sum does: the identity of what is inside, whatever the container.
    pub fn content_digest(&self) -> Sha256Bytes {
        let mut hasher = Sha256::new();
        for entry in self.entries.iter().filter(|e| e.hashed) {
            hasher.update(super::checksums::write_gnu(entry.normal_path(), &hex(&entry.sha256)));
        }
        hasher.finalize().into()
    }

    /// Sorts entries and documents and finds duplicates: the last step of reading.
    ///
    /// `documents` refer to entries by index, so they are moved along.
    pub fn seal(&mut self) {
        let mut order: Vec<EntryIndex> = (0..self.entries.len() as EntryIndex).collect();
        if !self.entries.is_sorted_by(|a, b| a.normal_path() <= b.normal_path()) {
            order.sort_by(|a, b| self.entry(*a).normal_path().cmp(self.entry(*b).normal_path()));
            self.reorder(&order);
        }
        self.documents.sort_by(|a, b| a.name.cmp(&b.name));
        self.find_duplicates();
    }

    /// Puts the entries into `order` (a permutation) in place: cycle by cycle, so that a million entries are not copied.
    fn reorder(&mut self, order: &[EntryIndex]) {
        let mut rank = vec![0 as EntryIndex; order.len()];
        for (new, old) in order.iter().enumerate() {
            rank[*old as usize] = new as EntryIndex;
        }
        let moved = |index: EntryIndex| rank[index as usize];
        self.links = std::mem::take(&mut self.links).into_iter().map(|(i, target)| (moved(i), target)).collect();
        self.contents = std::mem::take(&mut self.contents).into_iter().map(|(i, found)| (moved(i), found)).collect();
        for document in &mut self.documents {
            if let Location::Entry(index) = &mut document.location {
                *index = moved(*index);
            }
        }
        for start in 0..rank.len() {
            while rank[start] as usize != start {
                let target = rank[start] as usize;
                self.entries.swap(start, target);
                if !self.sha512.is_empty() {
                    self.sha512.swap(start, target);
                }
                rank.swap(start, target);
            }
        }
    }

    fn find_duplicates(&mut self) {
        let twice = |pair: &&[Observed]| pair[0].normal_path() == pair[1].normal_path();
        for pair in self.entries.windows(2).filter(twice).take(MAX_ANOMALIES) {
            let detail = format!("two entries with one path: a {} and a {}", pair[0].kind.name(), pair[1].kind.name());
            self.anomalies.push(Anomaly::entry(Defect::EntryDuplicate, pair[1].normal_path(), detail));
        }
        let more = self.entries.windows(2).filter(twice).skip(MAX_ANOMALIES).count();
        if more > 0 {
            self.anomalies.push(Anomaly::container(Defect::EntryDuplicate, format!("and {more} more of this kind")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> Observed {
        let bytes = name.as_bytes();
        Observed {
            path: bytes.into(),
            size: 1,
            mtime: 0,
            sha256: crate::format::digest::sha256(bytes),
            mode: 0o644,
            kind: EntryKind::File,
            hashed: true,
            owned: false,
        }
    }

    #[test]
    fn sealing_keeps_documents_and_links_with_their_entries() {
        let mut inventory = Inventory { entries: ["c", "./a", "b", "d"].map(file).into(), ..Inventory::default() };
        inventory.documents.push(Document::new(b"c".to_vec(), Location::Entry(0), vec![]));
        inventory.links.insert(3, b"x"[..].into());
        inventory.seal();
        let names: Vec<_> = inventory.entries.iter().map(|e| String::from_utf8_lossy(&e.path).into_owned()).collect();
        assert_eq!(names, ["./a", "b", "c", "d"]);
        assert_eq!(inventory.documents[0].location, Location::Entry(2));
        assert!(inventory.links.contains_key(&3));
        assert_eq!((inventory.find(b"a"), inventory.find(b"d"), inventory.find(b"e")), (Some(0), Some(3), None));
    }

    #[test]
    fn duplicates_beyond_a_thousand_are_counted() {
        let mut inventory = Inventory { entries: vec![file("a"); MAX_ANOMALIES + 3], ..Inventory::default() };
        inventory.seal();
        assert_eq!(inventory.anomalies.len(), MAX_ANOMALIES + 1);
        assert!(inventory.anomalies[MAX_ANOMALIES].detail.contains("and 2 more"));
    }

    #[test]
    fn duplicates_are_named_whatever_their_spelling() {
        let mut inventory = Inventory { entries: ["a", "b", "./a"].map(file).into(), ..Inventory::default() };
        inventory.seal();
        assert_eq!(inventory.anomalies.len(), 1);
        assert_eq!(inventory.anomalies[0].defect, Defect::EntryDuplicate);
    }
}
