//! Finding a bundle's documents, at the root or one directory down, and reading them.

use super::model::Bundle;
use crate::format::inventory::{Document, EntryIndex, Inventory, Location};
use crate::format::json::{self, JsonError, Problem, Size};
use crate::format::path;
use crate::trust::check::{self, Check};
use crate::trust::claims::{DocumentIndex, Role};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// Where the root of the bundle lies inside the container: empty, or directories with a final `/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    prefix: Vec<u8>,
}

impl Layout {
    /// The layout whose root holds `marker`; the container's own root before one directory down.
    pub fn find(inventory: &Inventory, marker: &str) -> Option<Layout> {
        let candidates = [Layout::default()].into_iter().chain(Layout::single_top(inventory));
        candidates.into_iter().find(|layout| inventory.find(&layout.path(marker)).is_some())
    }

    /// The directory that holds everything, if there is exactly one. Every kind asks, so it is found without looking at all
    /// entries: they are sorted by name, and what lies below one directory stands together.
    pub fn single_top(inventory: &Inventory) -> Option<Layout> {
        let entries = &inventory.entries;
        let first = entries.iter().map(|e| e.normal_path()).find(|name| !name.is_empty())?;
        let top = first.split(|c| *c == b'/').next()?;
        let (prefix, beyond) = ([top, b"/"].concat(), [top, b"0"].concat());
        let start = entries.partition_point(|e| e.normal_path() < prefix.as_slice());
        let end = entries.partition_point(|e| e.normal_path() < beyond.as_slice());
        let alone = end == entries.len()
            && entries.iter().take(start).all(|e| e.normal_path().is_empty() || e.normal_path() == top);
        alone.then_some(Layout { prefix })
    }

    /// The layout whose root is at `prefix`: empty, or directories with a final `/`.
    pub fn at(prefix: &[u8]) -> Layout {
        Layout { prefix: prefix.to_vec() }
    }

    /// The layout whose root is the folder `name` below this one.
    pub fn below(&self, name: &str) -> Layout {
        Layout { prefix: [&self.prefix[..], name.as_bytes(), b"/"].concat() }
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

/// As [`read`], for a document that must not be larger than `size`: one whose `T` takes far more memory than its text.
pub fn read_within<'a, T: Deserialize<'a>>(document: &'a Document, size: Size) -> Result<T, Box<Check>> {
    read_checked(&document.name, &document.bytes, json::check_within(&document.bytes, size))
}

/// As [`read`], for bytes that came from elsewhere.
pub fn read_bytes<'a, T: Deserialize<'a>>(name: &[u8], untrusted: &'a [u8]) -> Result<T, Box<Check>> {
    read_checked(name, untrusted, json::check(untrusted))
}

/// The failed check for a text that [`json`] refuses.
pub fn refusal(name: &[u8], error: &JsonError) -> Check {
    let detail = match error.problem {
        Problem::TooMany(_) | Problem::TooLong { .. } | Problem::TooWide => {
            format!("the document is larger than one of its kind may be (docs/limits.md): {error}")
        }
        _ => format!("expected strict JSON (RFC 8259, no duplicate keys), found: {error}"),
    };
    Check::fail(check::DOCUMENT_JSON, name, detail)
}

fn read_checked<'a, T: Deserialize<'a>>(
    name: &[u8],
    untrusted: &'a [u8],
    strict: Result<(), JsonError>,
) -> Result<T, Box<Check>> {
    strict.map_err(|error| Box::new(refusal(name, &error)))?;
    serde_json::from_slice(untrusted).map_err(|error| {
        let detail = format!("the document does not have the fields of its kind: {error}");
        Box::new(Check::fail(check::DOCUMENT_SCHEMA, name, detail))
    })
}

/// A document of the layout that was read.
pub struct Read<T> {
    /// Its name.
    pub name: Vec<u8>,
    /// What it says, untrusted.
    pub value: T,
    /// Its place in the claims.
    pub index: DocumentIndex,
}

/// Reads the document that the layout has at `name`; that it is absent or cannot be read becomes a failed check of `bundle`.
pub fn read_document<T: for<'a> Deserialize<'a>>(
    inventory: &Inventory,
    bundle: &mut Bundle,
    layout: &Layout,
    name: &str,
    role: Role,
) -> Option<Read<T>> {
    let Some(document) = layout.document(inventory, name) else {
        bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, name, format!("the bundle has no {name}")));
        return None;
    };
    let index = bundle.claims.document(&document.name, document.location, role);
    match read(document) {
        Ok(value) => {
            bundle.checks.push(read_well(&document.name));
            Some(Read { name: document.name.clone(), index, value })
        }
        Err(failed) => {
            bundle.checks.push(*failed);
            bundle.claims.reject(index);
            None
        }
    }
}

/// Names of the top members of the document at `name`, for recognising a kind. Of a text that is no JSON object, those
/// of `markers` that it has as quoted words in its first 4096 bytes: it must fail as what it pretends to be, not pass for a
/// plain archive.
pub fn markers(document: &Document, markers: &[&str]) -> BTreeSet<String> {
    markers_in(&document.bytes, markers)
}

/// As [`markers`], of a text that is no document of a bundle.
pub fn markers_in(untrusted: &[u8], markers: &[&str]) -> BTreeSet<String> {
    member_names(untrusted).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(&untrusted[..untrusted.len().min(4096)]);
        markers.iter().filter(|word| text.contains(&format!("\"{word}\""))).map(|word| (*word).to_string()).collect()
    })
}

/// Names of the members of a JSON object; the values are passed over, not built. An object with more than
/// 4,096 is none whose kind can be told.
pub fn member_names(untrusted: &[u8]) -> Result<BTreeSet<String>, serde_json::Error> {
    serde_json::from_slice(untrusted).map(|Members(names)| names)
}

/// Most members of a document that tells its kind; documented ones have less than twenty. Any file of the right name is
/// asked, before it is known to be strict JSON.
const MAX_MEMBERS: usize = 4096;

struct Members(BTreeSet<String>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Members, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, IgnoredAny)) = members.next_entry()? {
            names.insert(name);
            if names.len() > MAX_MEMBERS {
                return Err(serde::de::Error::custom(format!("more than {MAX_MEMBERS} members")));
            }
        }
        Ok(Members(names))
    }
}

/// A check that a document was read well.
pub fn read_well(name: &[u8]) -> Check {
    Check::pass(check::DOCUMENT_JSON, name, "strict JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::inventory::{EntryKind, Observed};

    #[test]
    fn names_of_members_are_bounded() {
        let object = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!("\"{n}\":{{\"x\":[]}}")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert_eq!(member_names(br#"{"b":{"c":1},"a":[{"d":2}]}"#).unwrap(), ["a", "b"].map(String::from).into());
        assert_eq!(member_names(object(MAX_MEMBERS).as_bytes()).unwrap().len(), MAX_MEMBERS);
        assert!(member_names(object(MAX_MEMBERS + 1).as_bytes()).unwrap_err().to_string().contains("4096 members"));
        assert!(member_names(b"[]").is_err());
    }

    #[test]
    fn one_directory_holds_everything_or_none_does() {
        let top = |names: &[&str]| {
            let entry = |name: &&str| Observed {
                path: name.as_bytes().into(),
                size: 0,
                mtime: 0,
                sha256: [0; 32],
                mode: 0o644,
                kind: EntryKind::File,
                owned: false,
                hashed: true,
            };
            let mut inventory = Inventory { entries: names.iter().map(entry).collect(), ..Inventory::default() };
            inventory.seal();
            Layout::single_top(&inventory).map(|layout| String::from_utf8_lossy(layout.prefix()).into_owned())
        };
        for names in [&["a/b", "a/c/d"][..], &["./", "a", "a/b"], &["./a/b"], &["a/b", "a/-"]] {
            assert_eq!(top(names).as_deref(), Some("a/"), "{names:?}");
        }
        for names in [&["a/b", "b"][..], &["a", "a-b", "a/c"], &["a/b", "a0"], &["a/b", "A"], &[]] {
            assert_eq!(top(names), None, "{names:?}");
        }
    }
}
