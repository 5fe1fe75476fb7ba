//! Metadata that a bundle carries: documents held in memory, by their names below one folder of the bundle.

use super::folder::Found;
use crate::format::inventory::{EntryKind, Inventory};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// The metadata documents of a bundle (untrusted), by file name below their folder.
#[derive(Debug, Clone, Default)]
pub struct Documents<'a> {
    folder: String,
    /// The content, or why it cannot be read.
    files: BTreeMap<String, Result<&'a [u8], &'static str>>,
}

impl<'a> Documents<'a> {
    /// No document yet; `folder` is their folder inside the bundle (`tuf`), for the report.
    pub fn new(folder: &str) -> Self {
        let folder = folder.trim_end_matches('/');
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        Documents { folder, files: BTreeMap::new() }
    }

    /// The entries of `inventory` that lie directly in `folder`. One that was not kept in full is there and cannot be used:
    /// it is never taken for absent.
    pub fn of(inventory: &'a Inventory, folder: &str) -> Self {
        let mut documents = Documents::new(folder);
        for entry in &inventory.entries {
            let Ok(path) = std::str::from_utf8(entry.normal_path()) else { continue };
            let Some(name) = path.strip_prefix(&documents.folder) else { continue };
            if name.is_empty() || name.contains('/') || entry.kind == EntryKind::Dir {
                continue;
            }
            let kept = inventory.document(path.as_bytes()).map(|document| document.bytes.as_slice());
            let content = kept.filter(|_| entry.kind == EntryKind::File);
            let why = "it is no regular file, or larger than documents may be";
            documents.files.insert(name.into(), content.ok_or(why));
        }
        documents
    }

    /// Adds a document by its name below the folder (`2.root.json`).
    pub fn insert(&mut self, name: impl Into<String>, bytes: &'a [u8]) {
        self.files.insert(name.into(), Ok(bytes));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The path of a document inside the bundle.
    pub fn path(&self, name: &str) -> String {
        format!("{}{name}", self.folder)
    }

    /// The document of at most `limit` bytes.
    pub(super) fn read(&self, name: &str, limit: u64) -> Found<Vec<u8>> {
        match self.files.get(name) {
            None => Found::Absent,
            Some(Err(why)) => Found::Unusable((*why).into()),
            Some(Ok(bytes)) if bytes.len() as u64 > limit => {
                Found::Unusable(format!("expected at most {limit} bytes, found {}", bytes.len()))
            }
            Some(Ok(bytes)) => Found::File(bytes.to_vec()),
        }
    }

    /// The name under which `name` is there: bundles carry `snapshot.json` (`plain`) where a repository publishes
    /// `2.snapshot.json`. Which version it is, and whether it is the one that is wanted, is judged by what it says.
    pub(super) fn lies_as<'n>(&self, name: &'n str, plain: &'n str) -> &'n str {
        if self.files.contains_key(name) || !self.files.contains_key(plain) { name } else { plain }
    }

    /// All names.
    pub(super) fn names(&self) -> Vec<OsString> {
        self.files.keys().map(OsString::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::inventory::{Document, Location, Observed};

    #[test]
    fn what_was_not_kept_is_there_and_cannot_be_used() {
        let mut inventory = Inventory::default();
        let rows = [
            ("tuf", EntryKind::Dir),
            ("tuf/root.json", EntryKind::File),
            ("tuf/snapshot.json", EntryKind::Symlink),
            ("tuf/targets.json", EntryKind::File),
            ("tuf/keys/a.pub", EntryKind::File),
            ("other/timestamp.json", EntryKind::File),
        ];
        for (path, kind) in rows {
            let (path, sha256) = (path.as_bytes().into(), [0; 32]);
            inventory.entries.push(Observed {
                path,
                size: 2,
                mtime: 0,
                sha256,
                mode: 0o644,
                kind,
                hashed: true,
                owned: false,
            });
        }
        inventory.seal();
        for name in ["tuf/root.json", "tuf/snapshot.json", "other/timestamp.json"] {
            let at = inventory.find(name.as_bytes()).unwrap();
            inventory.documents.push(Document::new(name.into(), Location::Entry(at), b"{}".to_vec()));
        }
        let documents = Documents::of(&inventory, "tuf/");
        assert_eq!(documents.names(), ["root.json", "snapshot.json", "targets.json"]);
        assert!(matches!(documents.read("root.json", 2), Found::File(bytes) if bytes == b"{}"));
        assert!(matches!(documents.read("root.json", 1), Found::Unusable(_)));
        assert!(matches!(documents.read("snapshot.json", 9), Found::Unusable(_)), "a link");
        assert!(matches!(documents.read("targets.json", 9), Found::Unusable(_)), "too large to be kept");
        assert!(matches!(documents.read("timestamp.json", 9), Found::Absent));
        assert_eq!(documents.path("root.json"), "tuf/root.json");
    }
}
