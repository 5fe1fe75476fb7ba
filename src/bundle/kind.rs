//! The kinds and how one of them is recognised.

use super::devportal::DevportalOffline;
use super::devportal_draft::DevportalDraft;
use super::evidence::{EvidencePortable, EvidenceSealed};
use super::lists;
use super::model::Bundle;
use super::plain::Plain;
use crate::format::inventory::Inventory;

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

/// One kind of bundle.
pub trait Kind: Sync {
    /// Stable id, as `--kind` takes it.
    fn id(&self) -> &'static str;
    /// Judges by layout and schema marker, never by file names alone.
    fn detect(&self, inventory: &Inventory) -> Likelihood;
    /// Reads the documents. Takes the text of signature documents out of the inventory: they can be as large as the rest.
    fn interpret(&self, inventory: &mut Inventory) -> Bundle;
}

/// All kinds, most specific first; `plain` takes what is left.
pub static KINDS: &[&dyn Kind] = &[&DevportalOffline, &DevportalDraft, &EvidencePortable, &EvidenceSealed, &Plain];

/// The kind with this id.
pub fn find_kind(id: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.id() == id)
}

/// What an input was recognised as.
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

/// Recognises the kind; `forced` skips the decision but keeps the version and reason where they fit.
pub fn recognise(inventory: &Inventory, forced: Option<&'static dyn Kind>) -> Recognition {
    let mut near_misses = Vec::new();
    for kind in KINDS.iter().copied().filter(|kind| forced.is_none_or(|f| f.id() == kind.id())) {
        match kind.detect(inventory) {
            Likelihood::Yes { version, because } => {
                return Recognition { kind, version, because, near_misses };
            }
            Likelihood::Near(lack) => near_misses.push(format!("{}: {lack}", kind.id())),
            Likelihood::No => {}
        }
    }
    let kind = forced.unwrap_or(&Plain);
    Recognition { kind, version: None, because: "--kind names it; its markers were not found".into(), near_misses }
}

/// Documents that some kind reads, by name and depth.
const DOCUMENTS: &[&[u8]] =
    &[b"manifest.json", b"checksums.txt", b"signature.json", b"bundle.json", b"manifest.dsse.json"];

/// Whether the scan keeps the file at `normal_path` in full.
pub fn wants_document(normal_path: &[u8]) -> bool {
    let depth = normal_path.iter().filter(|c| **c == b'/').count();
    let base = normal_path.rsplit(|c| *c == b'/').next().unwrap_or(normal_path);
    (depth <= 1 && DOCUMENTS.contains(&base)) || lists::is_list_name(base) || base.ends_with(b".dsse.json")
}
