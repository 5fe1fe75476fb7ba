//! What the manifests of two bundles state: rows in the place of those of entries, and what the comparison does not cover.

use super::{Each, Ordered, name};
use crate::bundle::changes::stated::{Ledger, Names, Record, Stated, StatedChange};
use crate::format::digest::hex;
use crate::format::path::lossless;
use crate::trust::claims::Claims;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

/// One path that is not the same on both sides; `old` and `new` are the claims that the records are of.
pub(super) struct ChangeView<'a> {
    pub(super) stated: &'a Stated,
    pub(super) change: &'a StatedChange,
    pub(super) old: &'a Claims,
    pub(super) new: &'a Claims,
}

impl Serialize for ChangeView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ChangeView { stated, change, old, new } = self;
        let mut map = serializer.serialize_map(None)?;
        name(&mut map, "path", "path_bytes", stated.path(change))?;
        map.serialize_entry("change", change.change.name())?;
        let record = |record, claims| RecordView { record, claims };
        map.serialize_entry("old", &stated.before(change).map(|found| record(found, *old)))?;
        map.serialize_entry("new", &stated.after(change).map(|found| record(found, *new)))?;
        map.end()
    }
}

/// What one side knows of a path.
struct RecordView<'a> {
    record: &'a Record,
    claims: &'a Claims,
}

impl Serialize for RecordView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.record;
        let documents = record.by.iter().flatten().map(|document| lossless(self.claims.name(*document)));
        let mut map = serializer.serialize_map(None)?;
        name(&mut map, "path", "path_bytes", &record.path)?;
        map.serialize_entry("stated_by", &Each(documents))?;
        map.serialize_entry("sha256", &record.sha256.map(|digest| hex(&digest)))?;
        map.serialize_entry("sha512", &record.sha512.as_ref().map(|digest| hex(&digest[..])))?;
        map.serialize_entry("size", &record.size)?;
        map.serialize_entry("lies_there", &record.lies.is_some())?;
        map.serialize_entry("type", &record.lies.as_ref().map(|lies| lies.kind.name()))?;
        map.serialize_entry("size_there", &record.lies.as_ref().map(|lies| lies.size))?;
        map.serialize_entry("read", &record.read)?;
        map.serialize_entry("contradictory", &record.contradictory)?;
        map.end()
    }
}

/// What the comparison does not cover.
pub(super) struct View<'a>(pub(super) &'a Stated);

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stated = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("not_compared", &Ordered(names(&stated.not_compared)))?;
        map.serialize_entry("old", &LedgerView(&stated.old))?;
        map.serialize_entry("new", &LedgerView(&stated.new))?;
        map.end()
    }
}

struct LedgerView<'a>(&'a Ledger);

impl Serialize for LedgerView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ledger = self.0;
        let documents: Vec<String> = ledger.documents.iter().map(|document| lossless(document)).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("documents", &documents)?;
        map.serialize_entry("contradictory", &Ordered(names(&ledger.contradictory)))?;
        map.serialize_entry("not_there", &Ordered(names(&ledger.missing)))?;
        map.serialize_entry("other_size", &Ordered(names(&ledger.other_size)))?;
        map.serialize_entry("without_digest", &Ordered(names(&ledger.unnamed)))?;
        map.serialize_entry("unreadable", &ledger.unreadable)?;
        map.end()
    }
}

fn names(names: &Names) -> [(&'static str, Value); 2] {
    let first: Vec<String> = names.first.iter().map(|name| lossless(name)).collect();
    [("count", json!(names.count)), ("first", json!(first))]
}
