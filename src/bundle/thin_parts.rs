//! Where the parts of a thin mirror lie: the archive as input with its siblings beside it, or all of them together in a
//! directory or an archive.

use super::layout::Layout;
use crate::format::inventory::{Document, EntryIndex, EntryKind, Inventory, Location};

/// Ends of the name of the archive.
const ARCHIVES: [&str; 4] = [".tar.gz", ".tgz", ".tar.zst", ".tar"];

/// The parts of one thin mirror.
pub(super) struct Parts {
    /// What all names begin with (`mirror-thin-v1`).
    stem: String,
    /// The archive among the entries; `None`: the archive is the input.
    archive: Option<(EntryIndex, Layout)>,
}

impl Parts {
    /// The archive among the entries, with its manifest beside it; else the input as the archive.
    pub(super) fn find(inventory: &Inventory) -> Option<Parts> {
        let layouts = [Some(Layout::default()), Layout::single_top(inventory)];
        let among = layouts.into_iter().flatten().find_map(|layout| {
            let names = inventory.documents.iter().filter(|document| document.location != Location::Sidecar);
            let mut stems = names.filter_map(|document| {
                let inside = std::str::from_utf8(layout.inside(&document.name)?).ok()?;
                inside.strip_suffix(".manifest.json").filter(|stem| !stem.contains('/')).map(String::from)
            });
            stems.find_map(|stem| {
                let archive = ARCHIVES.iter().find_map(|end| inventory.find(&layout.path(format!("{stem}{end}"))))?;
                let is_file = inventory.entry(archive).kind == EntryKind::File;
                is_file.then(|| Parts { stem, archive: Some((archive, layout.clone())) })
            })
        });
        among.or_else(|| {
            inventory.document(b"manifest.json")?;
            Some(Parts { stem: stem_of(&inventory.name), archive: None })
        })
    }

    /// The archive among the entries.
    pub(super) fn archive(&self) -> Option<EntryIndex> {
        self.archive.as_ref().map(|(entry, _)| *entry)
    }

    /// The name under which documents speak of the archive.
    pub(super) fn archive_name(&self, inventory: &Inventory) -> String {
        let name = match &self.archive {
            Some((entry, _)) => inventory.entry(*entry).normal_path(),
            None => &inventory.name,
        };
        String::from_utf8_lossy(name.rsplit(|c| *c == b'/').next().unwrap_or(name)).into_owned()
    }

    /// The name of a part (`.manifest.json`).
    pub(super) fn name(&self, end: &str) -> String {
        format!("{}{end}", self.stem)
    }

    /// The normal path, among the entries or beside the input, of a name.
    pub(super) fn path(&self, name: &str) -> Vec<u8> {
        match &self.archive {
            Some((_, layout)) => layout.path(name),
            None => name.as_bytes().to_vec(),
        }
    }

    /// The position of the document of that name.
    pub(super) fn position(&self, inventory: &Inventory, name: &str) -> Option<usize> {
        let (path, beside) = (self.path(name), self.archive.is_none());
        let is = |document: &Document| document.name == path && (document.location == Location::Sidecar) == beside;
        inventory.documents.iter().position(is)
    }

    pub(super) fn document<'a>(&self, inventory: &'a Inventory, name: &str) -> Option<&'a Document> {
        self.position(inventory, name).map(|position| &inventory.documents[position])
    }

    /// The entries that the manifest speaks of: those of the input, or of the archive among the entries where it was read.
    pub(super) fn inner<'a>(&self, inventory: &'a Inventory) -> Option<&'a Inventory> {
        match self.archive() {
            Some(entry) => inventory.nested.get(&entry),
            None => Some(inventory),
        }
    }

    /// The layout of the OCI form among the entries, where there is one.
    pub(super) fn oci(&self, inventory: &Inventory) -> Option<Layout> {
        let (_, layout) = self.archive.as_ref()?;
        let oci = layout.below("oci");
        inventory.find(&oci.path("index.json")).map(|_| oci)
    }

    /// The folder of TUF metadata, as its documents are named.
    pub(super) fn tuf_folder(&self) -> String {
        String::from_utf8_lossy(&self.path("tuf")).into_owned()
    }
}

/// The name of an archive without the end that says so.
pub fn stem_of(archive: &[u8]) -> String {
    let name = String::from_utf8_lossy(archive);
    let stem = ARCHIVES.iter().find_map(|end| name.strip_suffix(end)).filter(|stem| !stem.is_empty());
    stem.unwrap_or(&name).to_string()
}
