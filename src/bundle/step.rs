//! The step that a delta is: which paths hold which content once it is applied to the bundle that it builds on, and from which
//! of the two each file comes. On values: nothing is read, and nothing is trusted.
//!
//! Two forms have deltas. A mirror's delta brings files below `delta/added/` and `delta/updated/` and names those that go
//! (formats.md 4.3); that of a Trivy export brings a layout and leaves out blobs that lie in its base (formats.md 7.1).
//! Whether it leads to a given bundle is judged in `bundle::step_proof`.

use super::delta;
use super::export_run::Place;
use super::layout::Layout;
use super::model::{Bundle, Delta};
use super::sealed_plan::NONCE;
use crate::format::digest::Sha256Bytes;
use crate::format::inventory::{EntryIndex, EntryKind, Inventory};
use crate::format::{oci, path};
use crate::trust::claims::Role;
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
    pub(super) fn of(inventory: &Inventory, entry: EntryIndex) -> Option<Content> {
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
    /// Files of the delta in the place of other ones of the old bundle.
    pub updated: u64,
    /// Files of the old bundle that go.
    pub removed: u64,
    /// Files that are as they were.
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
    /// Documents of the delta about what comes out, as the signature of an index: they lie beside it and are not compared, since
    /// no two exports have the same.
    pub companions: BTreeMap<Vec<u8>, EntryIndex>,
    /// How many.
    pub counts: Counts,
    /// Files that the delta names and neither brings nor leaves to the old bundle.
    pub lacking: BTreeSet<Vec<u8>>,
    /// What speaks against the delta or the old bundle, whatever the new one is: path and reason.
    pub strays: Vec<(Vec<u8>, String)>,
    /// What the delta says that it removes.
    pub(super) named_gone: BTreeSet<Vec<u8>>,
    pub(super) form: Form,
    /// Whether it brings only what is another in the old bundle.
    pub(super) is_exact: bool,
    /// Whether a mirror's delta brings a document of the new export: then all of them are part of the step.
    pub(super) brings_documents: bool,
}

/// The forms of bundles that have deltas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Mirror,
    OciLayout,
}

/// The files of one bundle, by what they are to a step.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// What a step is about, by path below the root.
    pub(super) payload: BTreeMap<Vec<u8>, EntryIndex>,
    /// Documents that each export makes for itself.
    pub(super) own: BTreeMap<Vec<u8>, EntryIndex>,
    /// What no step can be about: links, and files outside of the root. By path in the container, with what it is.
    pub(super) odd: Vec<(Vec<u8>, String)>,
}

impl Form {
    /// Where the root of a whole bundle of this form lies.
    ///
    /// # Errors
    /// A fragment that says what it is instead.
    pub(super) fn root(self, inventory: &Inventory, bundle: &Bundle) -> Result<Layout, String> {
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

    /// Whether each export makes this file for itself: documents of closed names about the export, and signatures that were read
    /// as such. A delta may bring them, and then they count like any other file.
    fn is_own_document(self, path: &[u8], is_signature: bool) -> bool {
        is_signature
            || match self {
                Form::Mirror => delta::is_own_document(path),
                Form::OciLayout => path == b"metadata.json",
            }
    }

    pub(super) fn files(self, inventory: &Inventory, bundle: &Bundle, root: &Layout) -> Files {
        let claims = &bundle.claims;
        let documents = (0..).zip(claims.documents()).filter(|(_, document)| document.role == Role::Envelope);
        let read =
            documents.filter(|(index, _)| !claims.is_rejected(*index)).filter_map(|(_, document)| document.entry());
        // What a list names as a file of the bundle is one, whatever its name says.
        let signatures: BTreeSet<EntryIndex> = read.filter(|entry| claims.about(*entry).is_empty()).collect();
        let mut files = Files::default();
        for (index, entry) in (0..).zip(&inventory.entries) {
            let name = entry.normal_path();
            let odd = |what: String| (name.to_vec(), what);
            match (entry.kind, root.inside(name)) {
                (EntryKind::Dir, _) => {}
                (EntryKind::File, Some(path)) if is_nonce(inventory, name) => {
                    // It says nothing by itself: what it opens is compared.
                    files.own.insert(path.to_vec(), index);
                }
                (EntryKind::File, Some(path)) if self.is_own_document(path, signatures.contains(&index)) => {
                    files.own.insert(path.to_vec(), index);
                }
                (EntryKind::File, Some(path)) => {
                    files.payload.insert(path.to_vec(), index);
                }
                (EntryKind::File, None) => files.odd.push(odd("it lies outside of the root of the bundle".into())),
                (kind, _) => files.odd.push(odd(format!("it is a {}, and deltas are about files", kind.name()))),
            }
        }
        files
    }
}

/// Whether an encrypted file took its nonce from this one.
fn is_nonce(inventory: &Inventory, name: &[u8]) -> bool {
    let of = name.strip_suffix(NONCE.as_bytes()).and_then(|of| inventory.find(of));
    of.and_then(|of| inventory.sealed.get(&of)).is_some_and(|sealed| sealed.nonce_beside)
}

impl Step {
    /// The step from `old` by `delta`, both untrusted and read to their end.
    ///
    /// # Errors
    /// A sentence: the delta is none, or the old bundle is none that a delta of its form can build on.
    pub fn of(old: (&Inventory, &Bundle), delta: (&Inventory, &Bundle)) -> Result<Step, String> {
        let Some(document) = delta.1.delta_document() else {
            return Err("the bundle given as the delta is none: deltas are mirror:delta, and exports of Trivy whose metadata.json has the mode delta".into());
        };
        let form = if delta.1.delta.is_some() { Form::Mirror } else { Form::OciLayout };
        let root =
            form.root(old.0, old.1).map_err(|why| format!("the old bundle {why}; a delta builds on a whole one"))?;
        let files = form.files(old.0, old.1, &root);
        let odd = |(path, what): &(Vec<u8>, String)| (path.clone(), format!("{what}, in the old bundle"));
        let mut step = Step {
            document: document.to_vec(),
            root,
            pieces: BTreeMap::new(),
            companions: BTreeMap::new(),
            counts: Counts::default(),
            lacking: BTreeSet::new(),
            strays: files.odd.iter().map(odd).collect(),
            named_gone: BTreeSet::new(),
            form,
            is_exact: delta.1.delta.as_ref().is_some_and(|delta| !delta.reset),
            brings_documents: false,
        };
        match &delta.1.delta {
            Some(changes) => step.change(old.0, &files, delta, changes)?,
            None => step.complete(old.0, &files, delta)?,
        }
        step.count(old.0, &files);
        Ok(step)
    }

    /// A mirror: what is added and updated is brought, what is removed is named, all else stays.
    fn change(
        &mut self,
        old: &Inventory,
        files: &Files,
        (inventory, bundle): (&Inventory, &Bundle),
        delta: &Delta,
    ) -> Result<(), String> {
        let place = Place::find(inventory).ok_or("the delta has no export.json")?;
        self.named_gone = delta.removed.iter().map(|path| path::normal(path.as_bytes()).to_vec()).collect();
        let named = delta.added.iter().chain(&delta.updated);
        let mut named = named.map(|path| path::normal(path.as_bytes()));
        // A delta that brings a document of the new export answers for all of them: what it does not name stays as it was.
        self.brings_documents = named.any(|path| self.form.is_own_document(path, false));
        let own = files.own.iter().filter(|_| self.brings_documents);
        let kept: Vec<(Vec<u8>, EntryIndex)> =
            files.payload.iter().chain(own).map(|(path, entry)| (path.clone(), *entry)).collect();
        for (path, entry) in kept.into_iter().filter(|_| !delta.reset) {
            if !self.named_gone.contains(&path) {
                self.put(path, Origin::Old, old, entry);
            }
        }
        self.against_old(files, delta);
        let mut brought: BTreeSet<Vec<u8>> = BTreeSet::from([delta::DIFF.as_bytes().to_vec()]);
        for (folder, paths) in [("added", &delta.added), ("updated", &delta.updated)] {
            for name in paths {
                let at = format!("delta/{folder}/{name}").into_bytes();
                let path = path::normal(name.as_bytes()).to_vec();
                match inventory.find(&place.layout.path(&at)).filter(|at| inventory.entry(*at).kind == EntryKind::File)
                {
                    Some(entry) => self.put(path, Origin::Delta, inventory, entry),
                    None => drop(self.lacking.insert(path)),
                }
                brought.insert(path::normal(&at).to_vec());
            }
        }
        let own = self.form.files(inventory, bundle, &place.layout);
        self.strays.extend(own.odd.into_iter().map(|(path, what)| (path, format!("{what}, in the delta"))));
        let idle = own.payload.into_keys().filter(|path| !brought.contains(path));
        self.strays.extend(idle.map(|path| {
            (path, "too much: the delta holds it, and does not say that it adds or updates anything by it".to_string())
        }));
        Ok(())
    }

    /// What the delta says of the old bundle, compared with what lies there: the lists of that one may say something else.
    fn against_old(&mut self, files: &Files, delta: &Delta) {
        let lies = |path: &String| {
            let path = path::normal(path.as_bytes());
            files.payload.contains_key(path) || files.own.contains_key(path)
        };
        let stray = |path: &String, why: &str| (path.clone().into_bytes(), why.to_string());
        let gone = delta.removed.iter().filter(|path| !lies(path));
        let gone = gone.map(|path| stray(path, "the delta removes it, and the old bundle does not have it"));
        // A full refresh may call everything either.
        let exact = |_: &&String| !delta.reset;
        let new = delta.added.iter().filter(exact).filter(|path| lies(path));
        let new = new.map(|path| stray(path, "the delta adds it, and the old bundle has it already"));
        let changed = delta.updated.iter().filter(exact).filter(|path| !lies(path));
        let changed = changed.map(|path| stray(path, "the delta updates it, and the old bundle does not have it"));
        self.strays.extend(gone.chain(new).chain(changed));
    }

    /// A layout: what it carries is brought, and blobs that it names and leaves out stay.
    fn complete(
        &mut self,
        old: &Inventory,
        files: &Files,
        (inventory, bundle): (&Inventory, &Bundle),
    ) -> Result<(), String> {
        let root = Layout::find(inventory, "oci-layout").ok_or("the delta is no OCI layout")?;
        let own = self.form.files(inventory, bundle, &root);
        self.strays.extend(own.odd.into_iter().map(|(path, what)| (path, format!("{what}, in the delta"))));
        for (path, entry) in own.payload {
            self.put(path, Origin::Delta, inventory, entry);
        }
        let index = inventory.find(&root.path("index.json"));
        let signed = bundle.signed.iter().filter(|signed| signed.stands_for == index).map(|signed| &signed.name);
        let detached =
            bundle.detached.iter().filter(|detached| Some(detached.signs) == index).map(|detached| &detached.name);
        for name in signed.chain(detached).filter(|_| index.is_some()) {
            if let (Some(entry), Some(path)) = (inventory.find(name), root.inside(name)) {
                self.companions.insert(path.to_vec(), entry);
            }
        }
        let reset = bundle.trivy.as_ref().and_then(|trivy| trivy.export.as_ref()).is_some_and(|e| e.reset_baseline);
        for blob in bundle.oci.iter().flat_map(|oci| &oci.absent) {
            let path = oci::blob_path(&oci::parse_digest(&blob.digest)?).into_bytes();
            match files.payload.get(&path).filter(|_| !reset) {
                Some(entry) => self.put(path, Origin::Old, old, *entry),
                None => drop(self.lacking.insert(path)),
            }
        }
        Ok(())
    }

    fn put(&mut self, path: Vec<u8>, origin: Origin, inventory: &Inventory, entry: EntryIndex) {
        let content = Content::of(inventory, entry);
        self.pieces.insert(path, Piece { origin, entry, content });
    }

    fn count(&mut self, old: &Inventory, files: &Files) {
        for (path, piece) in &self.pieces {
            // A delta that brings documents of the export replaces those of the old one.
            let before = files.payload.get(path).or_else(|| files.own.get(path));
            match (piece.origin, before) {
                (Origin::Delta, None) => self.counts.added += 1,
                (Origin::Delta, Some(entry)) if Content::of(old, *entry) != piece.content => self.counts.updated += 1,
                (Origin::Delta, Some(_)) | (Origin::Old, _) => self.counts.kept += 1,
            }
        }
        let gone = |path: &&Vec<u8>| !self.pieces.contains_key(*path);
        let own = files.own.keys().filter(|path| self.named_gone.contains(*path));
        self.counts.removed = files.payload.keys().chain(own).filter(gone).count() as u64;
    }

    /// Whether the bundle that comes out has documents of its own, so that it can be judged by itself.
    pub fn has_documents(&self) -> bool {
        match self.form {
            Form::Mirror => self.brings_documents,
            Form::OciLayout => true,
        }
    }

    /// The first path that lies below another one, which is a file: no tree can hold both.
    pub fn below_a_file(&self) -> Option<&[u8]> {
        let lies_below = |path: &&Vec<u8>| {
            let mut ends = path.iter().enumerate().filter(|(_, c)| **c == b'/').map(|(at, _)| at);
            ends.any(|end| self.pieces.contains_key(&path[..end]))
        };
        self.pieces.keys().find(lies_below).map(Vec::as_slice)
    }

    /// Documents of the delta that are about the delta itself, and so are not part of what comes out.
    pub fn left_behind(&self) -> &'static str {
        match self.form {
            Form::Mirror if self.has_documents() => "",
            Form::Mirror => {
                "; the delta does not bring the documents of the new export, so what came out has no manifest and no \
                 signature of its own"
            }
            Form::OciLayout => "; metadata.json and its signature are about the delta and were left out",
        }
    }
}
