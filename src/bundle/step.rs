//! The step that a delta is: which paths hold which content once it is applied to the bundle that it builds on, and from which
//! of the two each file comes. On values: nothing is read, and nothing is trusted.
//!
//! Two forms have deltas. A mirror's delta brings files below `delta/added/` and `delta/updated/` and names those that go
//! (formats.md 4.3); that of a Trivy export brings a layout and leaves out blobs that lie in its base (formats.md 7.1).

use super::delta;
use super::export_run::Place;
use super::layout::Layout;
use super::model::{Bundle, Delta};
use crate::format::digest::{Sha256Bytes, hex};
use crate::format::inventory::{EntryIndex, EntryKind, Inventory, Observed};
use crate::format::{oci, path};
use crate::trust::check::{self, Check};
use std::collections::{BTreeMap, BTreeSet};

/// From which of the two bundles a file comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The bundle that is there.
    Old,
    /// The delta.
    Delta,
}

/// What a file holds: of an encrypted one its plain text, since each export encrypts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// SHA-256.
    pub sha256: Sha256Bytes,
    /// Size in bytes.
    pub size: u64,
}

impl Content {
    /// `None` where the entry is no file, or encrypted and was not opened.
    fn of(inventory: &Inventory, entry: EntryIndex) -> Option<Content> {
        let found = inventory.entry(entry);
        match inventory.sealed.get(&entry) {
            Some(sealed) => sealed.plain.as_ref().map(|plain| Content { sha256: plain.sha256, size: plain.size }),
            None => found.digest().map(|sha256| Content { sha256: *sha256, size: found.size }),
        }
    }
}

/// One file of the bundle that comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Where it comes from.
    pub origin: Origin,
    /// Which entry it is there.
    pub entry: EntryIndex,
    /// What it holds; `None` where that is not known.
    pub content: Option<Content>,
}

/// How many files come out, and where they come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files of the delta at paths that the old bundle does not have.
    pub added: u64,
    /// Files of the delta in the place of those of the old bundle.
    pub updated: u64,
    /// Files of the old bundle that go.
    pub removed: u64,
    /// Files of the old bundle that stay.
    pub kept: u64,
}

/// What a delta makes of a bundle. Paths are below the root of the bundle; all of it is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The document of the delta that says what changes.
    pub document: Vec<u8>,
    /// Where the root of the old bundle lies.
    pub root: Layout,
    /// The files that come out.
    pub pieces: BTreeMap<Vec<u8>, Piece>,
    /// How many.
    pub counts: Counts,
    /// Files that the delta names and neither brings nor leaves to the old bundle.
    pub lacking: Vec<Vec<u8>>,
    /// The files of the old bundle that go.
    removed: BTreeSet<Vec<u8>>,
    form: Form,
    /// Whether it brings only what is another in the old bundle.
    is_exact: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Mirror,
    OciLayout,
}

impl Form {
    /// Where the root of a whole bundle of this form lies.
    ///
    /// # Errors
    /// A fragment that says what it is instead.
    fn root(self, inventory: &Inventory, bundle: &Bundle) -> Result<Layout, String> {
        if bundle.is_delta() {
            return Err("is a delta itself".into());
        }
        match self {
            Form::Mirror => {
                let base = delta::base_of(inventory).map_err(|why| format!("is no full mirror: {why}"))?;
                let place = Place::find(inventory).filter(|_| base.files.is_some()).ok_or("is no full mirror")?;
                Ok(place.layout)
            }
            Form::OciLayout => Layout::find(inventory, "oci-layout").ok_or_else(|| "is no OCI layout".into()),
        }
    }

    /// Whether each export makes this file for itself: documents about the export, and signatures. A delta may bring them, and
    /// then they count like any other file.
    fn is_own_document(self, path: &[u8]) -> bool {
        match self {
            Form::Mirror => delta::is_own_document(path),
            Form::OciLayout => path != b"oci-layout" && path != b"index.json" && !path.starts_with(b"blobs/"),
        }
    }

    /// The files of `inventory` by path below `root`, without those that each export makes for itself.
    fn payload(self, inventory: &Inventory, root: &Layout) -> BTreeMap<Vec<u8>, EntryIndex> {
        let files = (0..).zip(&inventory.entries).filter(|(_, entry)| entry.kind == EntryKind::File);
        let inside = files.filter_map(|(index, entry)| Some((root.inside(entry.normal_path())?.to_vec(), index)));
        inside.filter(|(path, _)| !self.is_own_document(path)).collect()
    }
}

impl Step {
    /// The step from `old` by `delta`, both untrusted and read to their end.
    ///
    /// # Errors
    /// A sentence: the delta is none, or the old bundle is none that a delta of its form can build on.
    pub fn of(
        (old, old_bundle): (&Inventory, &Bundle),
        (inventory, bundle): (&Inventory, &Bundle),
    ) -> Result<Step, String> {
        let Some(document) = bundle.delta_document() else {
            return Err("the bundle given as the delta is none: deltas are mirror:delta, and exports of Trivy whose metadata.json has the mode delta".into());
        };
        let form = if bundle.delta.is_some() { Form::Mirror } else { Form::OciLayout };
        let root =
            form.root(old, old_bundle).map_err(|why| format!("the old bundle {why}; a delta builds on a whole one"))?;
        let payload = form.payload(old, &root);
        let mut step = Step {
            document: document.to_vec(),
            root,
            pieces: BTreeMap::new(),
            counts: Counts::default(),
            lacking: Vec::new(),
            removed: BTreeSet::new(),
            form,
            is_exact: bundle.delta.as_ref().is_some_and(|delta| !delta.reset),
        };
        match &bundle.delta {
            Some(delta) => step.change(old, &payload, inventory, delta)?,
            None => step.complete(old, &payload, inventory, bundle)?,
        }
        step.removed = payload.into_keys().filter(|path| !step.pieces.contains_key(path)).collect();
        step.counts.removed = step.removed.len() as u64;
        Ok(step)
    }

    /// A mirror: what is added and updated is brought, what is removed is named, all else stays.
    fn change(
        &mut self,
        old: &Inventory,
        payload: &BTreeMap<Vec<u8>, EntryIndex>,
        inventory: &Inventory,
        delta: &Delta,
    ) -> Result<(), String> {
        let place = Place::find(inventory).ok_or("the delta has no export.json")?;
        if !delta.reset {
            let gone: BTreeSet<&[u8]> = delta.removed.iter().map(String::as_bytes).collect();
            for (path, entry) in payload.iter().filter(|(path, _)| !gone.contains(path.as_slice())) {
                self.put(path.clone(), Origin::Old, old, *entry);
            }
        }
        for (folder, paths) in [("added", &delta.added), ("updated", &delta.updated)] {
            for name in paths {
                match inventory.find(&place.layout.path(format!("delta/{folder}/{name}"))) {
                    Some(entry) => self.put(path::normal(name.as_bytes()).to_vec(), Origin::Delta, inventory, entry),
                    None => self.lacking.push(name.clone().into_bytes()),
                }
            }
        }
        self.count(old, payload);
        Ok(())
    }

    /// A layout: what it carries is brought, and blobs that it names and leaves out stay.
    fn complete(
        &mut self,
        old: &Inventory,
        payload: &BTreeMap<Vec<u8>, EntryIndex>,
        inventory: &Inventory,
        bundle: &Bundle,
    ) -> Result<(), String> {
        let root = Layout::find(inventory, "oci-layout").ok_or("the delta is no OCI layout")?;
        for (path, entry) in self.form.payload(inventory, &root) {
            self.put(path, Origin::Delta, inventory, entry);
        }
        let reset = bundle.trivy.as_ref().and_then(|trivy| trivy.export.as_ref()).is_some_and(|e| e.reset_baseline);
        for blob in bundle.oci.iter().flat_map(|oci| &oci.absent) {
            let path = oci::blob_path(&oci::parse_digest(&blob.digest)?).into_bytes();
            match payload.get(&path).filter(|_| !reset) {
                Some(entry) => self.put(path, Origin::Old, old, *entry),
                None => self.lacking.push(path),
            }
        }
        self.count(old, payload);
        Ok(())
    }

    fn put(&mut self, path: Vec<u8>, origin: Origin, inventory: &Inventory, entry: EntryIndex) {
        let content = Content::of(inventory, entry);
        self.pieces.insert(path, Piece { origin, entry, content });
    }

    fn count(&mut self, old: &Inventory, payload: &BTreeMap<Vec<u8>, EntryIndex>) {
        for (path, piece) in &self.pieces {
            // A delta that brings documents of the export replaces those of the old one.
            let before = payload.get(path).copied().or_else(|| old.find(&self.root.path(path)));
            match (piece.origin, before) {
                (Origin::Delta, None) => self.counts.added += 1,
                (Origin::Delta, Some(entry)) if Content::of(old, entry) != piece.content => self.counts.updated += 1,
                (Origin::Delta, Some(_)) | (Origin::Old, _) => self.counts.kept += 1,
            }
        }
    }

    /// Whether the bundle that comes out has documents of its own, so that it can be judged by itself.
    pub fn has_documents(&self) -> bool {
        match self.form {
            Form::Mirror => self.pieces.contains_key(&b"export.json"[..]),
            Form::OciLayout => true,
        }
    }

    /// One row for each path where the step does not lead to `new`: something is missing, something is too much, or something is
    /// another. Where it leads there exactly, one row that says so. `new` is untrusted and was read to its end.
    pub fn compare(&self, old: &Inventory, (new, bundle): (&Inventory, &Bundle)) -> Vec<Check> {
        let fail = |subject: &[u8], detail: String| Check::fail(check::DELTA_STEP, subject, detail);
        let root = match self.form.root(new, bundle) {
            Ok(root) => root,
            Err(why) => return vec![fail(b"", format!("the new bundle {why}; a delta leads to a whole one"))],
        };
        let payload = self.form.payload(new, &root);
        let mut rows: Vec<Check> = Vec::new();
        for (words, inventory, root) in [("old", old, &self.root), ("new", new, &root)] {
            let odd = |entry: &&Observed| !matches!(entry.kind, EntryKind::File | EntryKind::Dir);
            for entry in inventory.entries.iter().filter(odd) {
                let path = root.inside(entry.normal_path()).unwrap_or(entry.normal_path());
                rows.push(fail(
                    path,
                    format!("a {} in the {words} bundle, and deltas are about files", entry.kind.name()),
                ));
            }
        }
        let mut unknown = None;
        for path in self.lacking.iter().filter(|path| !payload.contains_key(*path)) {
            rows.push(fail(
                path,
                "the delta names it and does not bring it, and the new bundle does not have it".into(),
            ));
        }
        for (path, piece) in &self.pieces {
            let found = payload.get(path).copied().or_else(|| new.find(&root.path(path)));
            match self.differs(path, piece, found.map(|entry| Content::of(new, entry)), old) {
                Some(Ok(why)) => rows.push(fail(path, why)),
                Some(Err(Unknown)) => unknown = unknown.or(Some(path)),
                None => {}
            }
        }
        for path in payload.keys().filter(|path| !self.pieces.contains_key(*path)) {
            rows.push(fail(path, self.unaccounted(path).into()));
        }
        rows.sort_by(|a, b| a.subject.cmp(&b.subject));
        let mut checks = Vec::new();
        let pass = match unknown {
            Some(path) => {
                let detail = format!(
                    "{} is encrypted and was not opened, so what it holds is not known; give --identity",
                    path::lossless(path)
                );
                Check::skip(check::DELTA_STEP, &self.document, detail)
            }
            None => Check::pass(check::DELTA_STEP, &self.document, self.words(new, &root)),
        };
        check::push_failures(&mut checks, rows, Some(pass));
        checks
    }

    /// What is wrong with one file that comes out, where `found` is in its place in the new bundle.
    fn differs(
        &self,
        path: &[u8],
        piece: &Piece,
        found: Option<Option<Content>>,
        old: &Inventory,
    ) -> Option<Result<String, Unknown>> {
        let Some(found) = found else {
            return Some(Ok(match piece.origin {
                Origin::Delta => "too much: the delta brings it, and the new bundle does not have it".into(),
                Origin::Old => "missing: it is gone in the new bundle, and the delta does not remove it".into(),
            }));
        };
        let (Some(expected), Some(found)) = (piece.content, found) else { return Some(Err(Unknown)) };
        let text = |content: &Content| format!("sha256:{} of {} bytes", hex(&content.sha256), content.size);
        if expected != found {
            let (expected, found) = (text(&expected), text(&found));
            return Some(Ok(match piece.origin {
                Origin::Delta => format!("another: the delta brings {expected}, the new bundle has {found}"),
                Origin::Old => format!(
                    "missing: the old bundle has {expected}, the new one {found}, and the delta does not change it"
                ),
            }));
        }
        // A layout may carry blobs that the base has already, and a full refresh brings everything; else a mirror names what it
        // changes.
        let before = old.find(&self.root.path(path)).and_then(|entry| Content::of(old, entry));
        let idle = self.is_exact && piece.origin == Origin::Delta && before == Some(expected);
        idle.then(|| Ok("too much: the delta brings what the old bundle has already".into()))
    }

    /// What is wrong with a file of the new bundle that does not come out.
    fn unaccounted(&self, path: &[u8]) -> &'static str {
        if self.removed.contains(path) {
            return "too much: the delta removes it, and the new bundle has it";
        }
        if self.lacking.iter().any(|lacking| lacking == path) {
            return "missing: the new bundle has it, and the delta names it and does not bring it";
        }
        "missing: the new bundle has it, and neither does the delta bring it nor did the old one have it"
    }

    fn words(&self, new: &Inventory, root: &Layout) -> String {
        let Counts { added, updated, removed, kept } = self.counts;
        let own = new.entries.iter().filter(|entry| entry.kind == EntryKind::File);
        let own = own.filter_map(|entry| root.inside(entry.normal_path()));
        let apart = own.filter(|path| self.form.is_own_document(path) && !self.pieces.contains_key(*path)).count();
        let apart = match apart {
            0 => String::new(),
            count => format!(
                "; {count} documents that each export makes for itself, such as {}, are not in the delta and were not compared",
                if self.form == Form::Mirror { "export.json" } else { "metadata.json" }
            ),
        };
        format!(
            "exactly the step: {added} added, {updated} updated, {removed} removed, {kept} as they were; nothing is missing and \
             nothing too much{apart}"
        )
    }
}

/// The content of an encrypted file is not known.
struct Unknown;
