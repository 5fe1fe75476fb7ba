//! The kinds and how one of them is recognised.

use super::devportal::DevportalOffline;
use super::devportal_draft::DevportalDraft;
use super::evidence::{EvidencePortable, EvidenceSealed};
use super::export_run::{JSON_POLICY, JSON_RAW, MIRROR_DELTA, MIRROR_FULL};
use super::jws_manifest;
use super::lists;
use super::mirror_airgap::MirrorAirgap;
use super::mirror_concelier;
use super::mirror_concelier::MirrorConcelier;
use super::mirror_contract::MirrorContract;
use super::mirror_dsse::MirrorDsse;
use super::mirror_policy::MirrorPolicy;
use super::model::Bundle;
use super::oci_layout::{self, OciLayout};
use super::plain::Plain;
use super::receipts;
use super::sealed_plan::SealedPlan;
use super::thin::MirrorThin;
use super::trivy_flat::{TRIVY_DB, TRIVY_JAVA_DB};
use super::trivy_oci::TrivyOci;
use crate::format::inventory::{EntryIndex, Inventory};

/// How well an inventory fits a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Likelihood {
    /// It is one.
    Yes {
        /// The version that the markers state.
        version: Option<String>,
        /// The markers that decided, in one sentence.
        because: String,
    },
    /// It looks like one, but something is lacking: said in one sentence.
    Near(String),
    /// It is none.
    No,
}

/// What a second reading of the input has to bring.
#[derive(Debug, Default)]
pub struct Further {
    /// Documents that only other documents lead to. Asked for again once they are there, since they may lead to more.
    pub documents: Vec<EntryIndex>,
    /// Entries that are archives whose entries matter.
    pub nested: Vec<EntryIndex>,
    /// Encrypted entries.
    pub sealed: Option<Result<SealedPlan, String>>,
    /// Whether databases, among the entries or in those archives, are to be read.
    pub databases: bool,
}

/// One kind of bundle.
pub trait Kind: Sync {
    /// Stable id, as `--kind` takes it.
    fn id(&self) -> &'static str;
    /// Judges by layout and schema marker, never by file names alone.
    fn detect(&self, inventory: &Inventory) -> Likelihood;
    /// What has to be read a second time before the documents can be interpreted: nothing, unless the kind says so. Asked
    /// anew after each reading of documents, until it names none that was not tried yet.
    fn further(&self, _inventory: &Inventory) -> Further {
        Further::default()
    }
    /// Reads the documents. Takes the text of signature documents out of the inventory: they can be as large as the rest.
    fn interpret(&self, inventory: &mut Inventory) -> Bundle;
}

/// All kinds, most specific first; `plain` takes what is left.
pub static KINDS: &[&dyn Kind] = &[
    &DevportalOffline,
    &DevportalDraft,
    &EvidencePortable,
    &EvidenceSealed,
    &MIRROR_FULL,
    &MIRROR_DELTA,
    &JSON_RAW,
    &JSON_POLICY,
    &MirrorThin,
    &MirrorAirgap,
    &MirrorContract,
    &MirrorDsse,
    &MirrorPolicy,
    &MirrorConcelier,
    &TrivyOci,
    &OciLayout,
    &TRIVY_DB,
    &TRIVY_JAVA_DB,
    &Plain,
];

/// The kind with this id.
pub fn find_kind(id: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.id() == id)
}

/// What an input was recognised as.
#[derive(Clone)]
pub struct Recognition {
    /// The kind.
    pub kind: &'static dyn Kind,
    /// Version stated by its markers.
    pub version: Option<String>,
    /// Why this kind.
    pub because: String,
    /// Kinds that it nearly is, with what they lack.
    pub near_misses: Vec<String>,
}

/// Recognises the kind. One that is `forced` is taken whatever the markers say, and what they say is told.
pub fn recognise(inventory: &Inventory, forced: Option<&'static dyn Kind>) -> Recognition {
    let mut near_misses = Vec::new();
    for kind in KINDS.iter().copied() {
        match kind.detect(inventory) {
            Likelihood::Yes { version, because } => {
                let found = Recognition { kind, version, because, near_misses };
                return forced.map_or(found.clone(), |forced| found.in_place(inventory, forced));
            }
            Likelihood::Near(lack) => near_misses.push(format!("{}: {lack}", kind.id())),
            Likelihood::No => {}
        }
    }
    // Not reached: the last kind takes everything.
    Recognition { kind: &Plain, version: None, because: "no other kind fits".into(), near_misses }
}

impl Recognition {
    /// The kind that was named in place of this one.
    fn in_place(self, inventory: &Inventory, forced: &'static dyn Kind) -> Recognition {
        if forced.id() == self.kind.id() {
            let because = format!("--kind names it, and so do its markers: {}", self.because);
            return Recognition { because, ..self };
        }
        let version = match forced.detect(inventory) {
            Likelihood::Yes { version, .. } => version,
            Likelihood::Near(_) | Likelihood::No => None,
        };
        let because = format!("--kind names it; by its markers it would be {}: {}", self.kind.id(), self.because);
        Recognition { kind: forced, version, because, near_misses: self.near_misses }
    }
}

/// Documents that some kind reads: the base name, the folder that it must lie in (empty: any), and how deep at most.
const DOCUMENTS: &[(&[u8], &[u8], usize)] = &[
    (b"manifest.json", b"", 1),
    (b"checksums.txt", b"", 1),
    (b"signature.json", b"", 1),
    (b"bundle.json", b"", 1),
    (b"manifest.dsse.json", b"", 1),
    (b"manifest.yaml", b"", 2),
    (b"export.json", b"", 2),
    (b"provenance.json", b"", 2),
    (b"manifest.diff.json", b"delta", 3),
    (b"timestamp.json", b"", 1),
    (b"snapshot.json", b"", 1),
    (b"mirror-bundle.json", b"", 1),
    (b"mirror.json", b"", 1),
    (b"SHA256SUMS.dsse", b"", 1),
    (b"MANIFEST.json", b"", 1),
    (b"offline-manifest.json", b"", 1),
];

/// Kinds of small documents by the end of the name: the folder that they must lie in (empty: any), how deep at most, and
/// how large at most, in bytes: a file of that name that is larger is something else.
const SMALL: &[(&[u8], &[u8], usize, u64)] = &[
    (b".sig", b"", 3, 16 << 10),
    (jws_manifest::END, b"", 3, 16 << 20),
    (b".nonce", b"", 64, 64),
    (b".index.json", b"indexes", 3, 64 << 20),
    (b".manifest.json", b"", 1, 64 << 20),
    (b".bundle.json", b"", 1, 64 << 20),
    (b".json", b"tuf", 2, 64 << 20),
    (b".pub", b"keys", 3, 64 << 10),
    (b"metadata.json", b"", 1, 64 << 20),
];

/// Whether the scan keeps the file at `normal_path`, of `size` bytes, in full.
pub fn wants_document(normal_path: &[u8], size: u64) -> bool {
    let depth = normal_path.iter().filter(|c| **c == b'/').count();
    let mut parts = normal_path.rsplit(|c| *c == b'/');
    let (base, folder) = (parts.next().unwrap_or(normal_path), parts.next().unwrap_or(b""));
    let lies_in = |wanted: &[u8]| wanted.is_empty() || wanted == folder;
    let named = |(name, wanted, deepest): &(&[u8], &[u8], usize)| base == *name && lies_in(wanted) && depth <= *deepest;
    let small = |(end, wanted, deepest, most): &(&[u8], &[u8], usize, u64)| {
        base.ends_with(end) && lies_in(wanted) && depth <= *deepest && size <= *most
    };
    DOCUMENTS.iter().any(named)
        || SMALL.iter().any(small)
        || lists::is_list_name(base)
        || base.ends_with(b".dsse.json")
        || ((base.ends_with(b".intoto.jsonl") || base.ends_with(b".intoto.json")) && size <= 16 << 20)
        || (depth <= 3 && mirror_concelier::wants(normal_path))
        || (depth <= 1 && oci_layout::wants(base, size))
}

/// Whether the scan keeps the file at `normal_path`, of `size` bytes, as long as there is room: it may be a document to which
/// others lead. What is not kept is read a second time, where that is possible.
pub fn wants_if_room(normal_path: &[u8], size: u64) -> bool {
    let depth = normal_path.iter().filter(|c| **c == b'/').count();
    let mut parts = normal_path.rsplit(|c| *c == b'/');
    let (base, folder) = (parts.next().unwrap_or(normal_path), parts.next().unwrap_or(b""));
    oci_layout::may_want(normal_path, size) || receipts::wants(base, folder, depth, size)
}
