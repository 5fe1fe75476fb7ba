//! Finding a bundle's documents, at the root or one directory down, and reading them.

use crate::format::inventory::{Document, EntryIndex, Inventory, Location};
use crate::format::json;
use crate::format::path;
use crate::trust::check::{self, Check};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, BTreeSet};

/// Where the root of the bundle lies inside the container: empty, or one directory with a final `/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    prefix: Vec<u8>,
}

impl Layout {
    /// The layout whose root holds `marker`; the container's own root before one directory down.
    pub fn find(inventory: &Inventory, marker: &str) -> Option<Layout> {
        let candidates = [Layout::default()].into_iter().chain(single_top(inventory));
        candidates.into_iter().find(|layout| inventory.find(&layout.path(marker)).is_some())
    }

    /// The container's path of a path inside the bundle.
    pub fn path(&self, name: impl AsRef<[u8]>) -> Vec<u8> {
        [&self.prefix[..], path::normal(name.as_ref())].concat()
    }

    /// The bundle's path of a path inside the container, or `None` where it lies outside the bundle.
    pub fn inside<'a>(&self, normal_path: &'a [u8]) -> Option<&'a [u8]> {
        normal_path.strip_prefix(&self.prefix[..])
    }

    /// The document at `name` inside the bundle.
    pub fn document<'a>(&self, inventory: &'a Inventory, name: &str) -> Option<&'a Document> {
        inventory.document(&self.path(name))
    }

    /// The prefix, for messages.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }
}

/// The directory that holds everything, if there is exactly one.
fn single_top(inventory: &Inventory) -> Option<Layout> {
    let mut names = inventory.entries.iter().map(|e| e.normal_path()).filter(|name| !name.is_empty());
    let first = names.next()?;
    let top = first.split(|c| *c == b'/').next()?;
    let prefix = [top, b"/"].concat();
    let all = inventory
        .entries
        .iter()
        .all(|e| e.normal_path().is_empty() || e.normal_path() == top || e.normal_path().starts_with(&prefix));
    all.then_some(Layout { prefix })
}

/// The entry of a document inside the bundle.
pub fn entry_of(document: &Document) -> Option<EntryIndex> {
    match document.location {
        Location::Entry(index) => Some(index),
        Location::Sidecar => None,
    }
}

/// Reads a strict JSON document of type `T`. The error is the failed check: not strict JSON, or not of the schema.
pub fn read<'a, T: Deserialize<'a>>(document: &'a Document) -> Result<T, Box<Check>> {
    read_bytes(&document.name, &document.bytes)
}

/// As [`read`], for bytes that came from elsewhere.
pub fn read_bytes<'a, T: Deserialize<'a>>(name: &[u8], untrusted: &'a [u8]) -> Result<T, Box<Check>> {
    if let Err(error) = json::check(untrusted) {
        let detail = format!("expected strict JSON (RFC 8259, no duplicate keys), found: {error}");
        return Err(Box::new(Check::fail(check::DOCUMENT_JSON, name, detail)));
    }
    serde_json::from_slice(untrusted).map_err(|error| {
        let detail = format!("the document does not have the fields of its kind: {error}");
        Box::new(Check::fail(check::DOCUMENT_SCHEMA, name, detail))
    })
}

/// Names of the members of a JSON object; the values are passed over, not built.
pub fn member_names(untrusted: &[u8]) -> Result<BTreeSet<String>, serde_json::Error> {
    serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(untrusted).map(|members| members.into_keys().collect())
}

/// A check that a document was read well.
pub fn read_well(name: &[u8]) -> Check {
    Check::pass(check::DOCUMENT_JSON, name, "strict JSON")
}
