//! What the documents of an OCI layout name, found by following descriptors from index.json.
//!
//! Each descriptor is judged by itself and against the blob that it names, also where another descriptor named that blob
//! before. A document is followed only where its digest is the one by which it is named, so a cycle cannot exist: whatever
//! pretends to be one ends at a digest that is wrong.

use super::layout::Layout;
use super::model::{DatabaseType, OciAbsent, OciImage};
use crate::format::digest::Digest;
use crate::format::inventory::{EntryIndex, EntryKind, Inventory, Location};
use crate::format::oci::{self, Descriptor, Fault, MAX_DESCRIPTORS, MAX_JSON, MAX_NESTING, Shape};
use crate::trust::check::{self, Check};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

/// What one document states of blobs.
#[derive(Debug)]
pub struct Statements {
    /// The entry that the document is.
    pub entry: EntryIndex,
    /// Whether it could not be read, or contradicts what it is named as.
    pub rejected: bool,
    /// Path in the container, digest and size of each blob that is there.
    pub blobs: Vec<(Vec<u8>, Digest, u64)>,
}

/// All that is named.
#[derive(Debug, Default)]
pub struct Graph {
    /// index.json first, then each document that was read.
    pub documents: Vec<Statements>,
    /// What is wrong.
    pub checks: Vec<Check>,
    /// Documents that were not kept and have to be read before it is known what they name.
    pub unread: Vec<EntryIndex>,
    /// Some document could not be followed: nothing may be concluded from what is not named.
    pub broken: bool,
    /// What indexes list.
    pub images: Vec<OciImage>,
    /// By path in the container: what is named and not there.
    pub absent: BTreeMap<Vec<u8>, OciAbsent>,
    /// Paths of the container that are named.
    pub named: HashSet<Vec<u8>>,
    /// How many descriptors were read.
    pub descriptors: usize,
    /// How many of them name places to fetch from, and the first of those.
    pub elsewhere: Option<(usize, String)>,
    /// How many entries of indexes are neither index nor manifest, and the first type of those.
    pub opaque: Option<(usize, String)>,
    /// The layers of Trivy's media types: the type of database that each holds, its path below the root of the layout, and
    /// the entry where it is there.
    pub databases: BTreeSet<(DatabaseType, String, Option<EntryIndex>)>,
    /// The first media type that is nearly one of those.
    pub misnamed: Option<String>,
    /// A manifest with a layer of those types and other layers: Trivy takes one with a single layer only.
    pub crowded: Option<EntryIndex>,
    /// Configuration and layers of each manifest, in order, as paths below the root of the layout.
    pub contents: Vec<Vec<String>>,
}

/// Follows the descriptors from index.json; nothing where that is not among the documents of `inventory`.
pub fn follow(inventory: &Inventory, layout: &Layout) -> Graph {
    let mut walk = Walk {
        inventory,
        layout,
        texts: HashMap::new(),
        visited: HashMap::new(),
        places: HashMap::new(),
        summaries: HashMap::new(),
        listed: Vec::new(),
        open: VecDeque::new(),
        graph: Graph::default(),
    };
    for document in &inventory.documents {
        if let Location::Entry(entry) = document.location {
            walk.texts.entry(entry).or_insert(&document.bytes);
        }
    }
    if let Some(entry) = inventory.find(&layout.path("index.json")).filter(|entry| walk.texts.contains_key(entry)) {
        let root = Open { entry, shape: Shape::Index, media_type: None, depth: 1, name: None, index: None };
        walk.open.push_back(root);
    }
    while let Some(next) = walk.open.pop_front() {
        walk.document(&next);
        if walk.graph.descriptors > MAX_DESCRIPTORS {
            break;
        }
    }
    walk.finish()
}

/// A document that is to be read.
struct Open {
    entry: EntryIndex,
    shape: Shape,
    media_type: Option<String>,
    depth: usize,
    /// The name of the index, for what it lists.
    name: Option<String>,
    /// Its digest, where it is nested.
    index: Option<String>,
}

/// What a manifest says, for the images that are it.
struct Summary {
    size: u64,
    artifact_type: Option<String>,
    subject: Option<String>,
}

struct Walk<'a> {
    inventory: &'a Inventory,
    layout: &'a Layout,
    texts: HashMap<EntryIndex, &'a [u8]>,
    /// The media types under which a document was opened.
    visited: HashMap<EntryIndex, Vec<String>>,
    /// Where each document stands among those of the graph.
    places: HashMap<EntryIndex, usize>,
    summaries: HashMap<EntryIndex, Summary>,
    /// The entry behind each image.
    listed: Vec<Option<EntryIndex>>,
    open: VecDeque<Open>,
    graph: Graph,
}

impl Walk<'_> {
    fn name(&self, entry: EntryIndex) -> Vec<u8> {
        self.inventory.entry(entry).normal_path().to_vec()
    }

    fn document(&mut self, open: &Open) {
        let text = self.texts.get(&open.entry).copied().unwrap_or_default();
        let read = oci::Document::read(text, open.shape, open.media_type.as_deref());
        // A second descriptor with another media type: whether it fits is judged, what it names is known.
        let again = self.places.get(&open.entry).copied();
        let document = match read {
            Ok(document) => document,
            Err(fault) => {
                let (kind, detail) = match fault {
                    Fault::Json(detail) => (check::DOCUMENT_JSON, detail),
                    Fault::Schema(detail) => (check::DOCUMENT_SCHEMA, detail),
                    Fault::Ambiguous(detail) => (check::OCI_GRAPH, detail),
                };
                self.graph.checks.push(Check::fail(kind, self.name(open.entry), detail));
                self.graph.broken = true;
                let known = again.unwrap_or_else(|| self.add(open.entry));
                self.graph.documents[known].rejected = true;
                return;
            }
        };
        if let (Some(own), Some(named)) = (&document.media_type, &open.media_type)
            && own != named
        {
            let detail = format!("its mediaType is {own}, and it is named as {named}: both have the same members");
            self.graph.checks.push(Check::skip(check::OCI_GRAPH, self.name(open.entry), detail));
        }
        if again.is_none() {
            self.members(open, &document);
        }
    }

    fn add(&mut self, entry: EntryIndex) -> usize {
        let place = self.graph.documents.len();
        self.graph.documents.push(Statements { entry, rejected: false, blobs: Vec::new() });
        self.places.insert(entry, place);
        place
    }

    /// Everything that a document names, each thing once for each descriptor.
    fn members(&mut self, open: &Open, document: &oci::Document) {
        let own = self.add(open.entry);
        let (list, mut size, mut contents) =
            if document.shape == Shape::Index { ("manifests", 0, None) } else { ("layers", 0u64, Some(Vec::new())) };
        let items = document.items.iter().enumerate().map(|(at, item)| (format!("{list}[{at}]"), item));
        let config = document.config.iter().map(|item| ("config".to_string(), item));
        let subject = document.subject.iter().map(|item| ("subject".to_string(), item));
        for (place, descriptor) in config.chain(items).chain(subject) {
            self.graph.descriptors += 1;
            if self.graph.descriptors > MAX_DESCRIPTORS {
                let detail = format!("more than {MAX_DESCRIPTORS} descriptors in all; what follows was not read");
                self.fail(check::OCI_GRAPH, open.entry, detail);
                return;
            }
            let found = self.descriptor(open, own, &place, descriptor);
            if let Some((path, blob)) = found.as_ref().filter(|_| place.starts_with("layers")) {
                self.database(open, document, descriptor, (path, *blob));
            }
            if let Some((contents, (path, _))) = contents.as_mut().filter(|_| place != "subject").zip(found.as_ref()) {
                size = size.saturating_add(descriptor.size);
                contents.push(path.clone());
            }
            if list == "manifests" || place == "subject" {
                self.below(open, &place, descriptor, found.and_then(|(_, entry)| entry));
            }
        }
        if let Some(contents) = contents {
            let subject = document.subject.as_ref().map(|subject| subject.digest.clone());
            let summary = Summary { size, artifact_type: document.artifact_type.clone(), subject };
            self.summaries.insert(open.entry, summary);
            self.graph.contents.push(contents);
        }
    }

    /// Notes a layer that is meant for Trivy.
    fn database(
        &mut self,
        open: &Open,
        manifest: &oci::Document,
        layer: &Descriptor,
        (path, blob): (&str, Option<EntryIndex>),
    ) {
        match DatabaseType::of_layer(&layer.media_type) {
            Some(database) => {
                self.graph.databases.insert((database, path.to_string(), blob));
                let alone = manifest.items.len() == 1;
                self.graph.crowded = self.graph.crowded.or((!alone).then_some(open.entry));
            }
            None if DatabaseType::is_meant_for_trivy(&layer.media_type) => {
                self.graph.misnamed.get_or_insert_with(|| layer.media_type.clone());
            }
            None => {}
        }
    }

    fn fail(&mut self, kind: check::CheckKind, entry: EntryIndex, detail: String) {
        self.graph.checks.push(Check::fail(kind, self.name(entry), detail));
        self.graph.broken = true;
    }

    /// Judges one descriptor and notes what it states. Returns the path of the blob and, where it is there, its entry.
    fn descriptor(
        &mut self,
        open: &Open,
        own: usize,
        place: &str,
        descriptor: &Descriptor,
    ) -> Option<(String, Option<EntryIndex>)> {
        let digest = match descriptor.check() {
            Ok(digest) => digest,
            Err(why) => {
                self.fail(check::OCI_DESCRIPTOR, open.entry, format!("{place}: {why}"));
                return None;
            }
        };
        let inside = oci::blob_path(&digest);
        let path = self.layout.path(&inside);
        let entry = self.inventory.find(&path);
        self.graph.named.insert(path.clone());
        if let Some(first) = descriptor.urls.as_ref().and_then(|urls| urls.first()) {
            self.graph.elsewhere.get_or_insert_with(|| (0, first.clone())).0 += 1;
        }
        if entry.is_some() {
            self.graph.documents[own].blobs.push((path, digest, descriptor.size));
        } else if descriptor.data.is_none() || Shape::of(&descriptor.media_type).is_some() {
            let absent = OciAbsent {
                digest: digest.prefixed(),
                media_type: descriptor.media_type.clone(),
                size: descriptor.size,
                named_by: self.name(open.entry),
                elsewhere: descriptor.urls.as_ref().is_some_and(|urls| !urls.is_empty()),
            };
            self.graph.absent.entry(path).or_insert(absent);
        }
        Some((inside, entry))
    }

    /// Notes an image, and opens the document behind the descriptor, where it is one.
    fn below(&mut self, open: &Open, place: &str, descriptor: &Descriptor, entry: Option<EntryIndex>) {
        let shape = Shape::of(&descriptor.media_type);
        let name = descriptor.name().map(str::to_string).or_else(|| open.name.clone());
        if place != "subject" && shape != Some(Shape::Index) && descriptor.digest().is_ok() {
            self.graph.images.push(OciImage {
                name: name.clone(),
                index: open.index.clone(),
                digest: descriptor.digest.clone(),
                media_type: descriptor.media_type.clone(),
                artifact_type: descriptor.artifact_type.clone(),
                platform: descriptor.platform.as_ref().map(oci::Platform::text),
                subject: None,
                size: None,
                carried: entry.is_some(),
            });
            self.listed.push(entry);
        }
        if shape.is_none() {
            self.graph.opaque.get_or_insert_with(|| (0, descriptor.media_type.clone())).0 += 1;
        }
        let (Some(shape), Some(entry)) = (shape, entry) else { return };
        let opened = self.visited.entry(entry).or_default();
        if opened.contains(&descriptor.media_type) {
            return;
        }
        opened.push(descriptor.media_type.clone());
        if open.depth >= MAX_NESTING {
            let detail = format!("{place}: more than {MAX_NESTING} documents one below the other");
            return self.fail(check::OCI_GRAPH, open.entry, detail);
        }
        if !self.is_named_rightly(entry, descriptor) {
            return;
        }
        self.open.push_back(Open {
            entry,
            shape,
            media_type: Some(descriptor.media_type.clone()),
            depth: open.depth + 1,
            name,
            index: Some(descriptor.digest.clone()),
        });
    }

    /// Whether the blob is a document that was kept and has the digest by which it is named. Where it has not, the digest of
    /// the entry is told elsewhere.
    fn is_named_rightly(&mut self, entry: EntryIndex, descriptor: &Descriptor) -> bool {
        let found = self.inventory.entry(entry);
        if found.kind != EntryKind::File || !(found.hashed || self.inventory.unread) {
            self.graph.broken = true;
            return false;
        }
        if found.size > MAX_JSON {
            let detail = format!("an index or manifest of {} bytes; the limit is {MAX_JSON}", found.size);
            self.fail(check::OCI_GRAPH, entry, detail);
            return false;
        }
        let Some(text) = self.texts.get(&entry) else {
            self.graph.unread.push(entry);
            return false;
        };
        let right = descriptor.digest().is_ok_and(|digest| oci::has_digest(text, &digest));
        self.graph.broken |= !right;
        right
    }

    fn finish(mut self) -> Graph {
        for (image, entry) in self.graph.images.iter_mut().zip(self.listed) {
            let Some(summary) = entry.and_then(|entry| self.summaries.get(&entry)) else { continue };
            image.size = Some(summary.size);
            image.subject.clone_from(&summary.subject);
            image.artifact_type = image.artifact_type.take().or_else(|| summary.artifact_type.clone());
        }
        self.graph
    }
}
