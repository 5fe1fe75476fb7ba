//! The report of `diff`: `old` and `new` in place of `subject`, and `changes`.

use super::step::ProofView;
use super::{Authenticated, CheckView, Each, Ordered, head, name, write_value};
use super::{meaning, stated};
use crate::bundle::changes::entries::EntryChange;
use crate::bundle::changes::identity::{Field, SignedBy};
use crate::bundle::changes::stated::Stated;
use crate::bundle::changes::{Changes, Signers};
use crate::format::digest::hex;
use crate::format::inventory::{EntryIndex, Inventory};
use crate::format::path::lossless;
use crate::format::time::{age_seconds, format_rfc3339};
use crate::report::diff::DiffReport;
use crate::report::model::Report;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;
use std::io::{self, Write};

/// Writes `report` as one JSON object and a line feed.
pub fn write(report: &DiffReport<'_>, out: impl Write) -> io::Result<()> {
    write_value(report, out)
}

impl Serialize for DiffReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        head(&mut map, "diff", self.at)?;
        map.serialize_entry("old", &SideView(&self.old))?;
        map.serialize_entry("new", &SideView(&self.new))?;
        if let (Some(proof), Some(delta)) = (&self.comparison.proof, &self.delta) {
            map.serialize_entry("delta", &ProofView(proof, delta))?;
        }
        map.serialize_entry("verdict", self.comparison.verdict().name())?;
        map.serialize_entry("exit_code", &self.exit_code)?;
        let conditions = self.conditions.iter().map(|(name, met)| Ordered([("on", json!(name)), ("met", json!(met))]));
        map.serialize_entry("fail_on", &Each(conditions))?;
        map.serialize_entry("changes", &self.changes().map(|changes| ChangesView { report: self, changes }))?;
        map.serialize_entry("limits", &Ordered(super::limits(&self.new)))?;
        map.serialize_entry("cage", &Ordered(super::cage(&self.new)))?;
        map.end()
    }
}

/// One side: what it is and how it was judged.
pub(super) struct SideView<'a>(pub(super) &'a Report<'a>);

impl Serialize for SideView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (report, inventory) = (self.0, self.0.inventory());
        let recognition = &report.reading().recognition;
        let mut map = serializer.serialize_map(None)?;
        name(&mut map, "name", "name_bytes", &report.subject.name)?;
        map.serialize_entry("size", &inventory.outer_size)?;
        map.serialize_entry("sha256", &inventory.outer.as_ref().map(|digests| hex(&digests.sha256)))?;
        map.serialize_entry("container", &inventory.container)?;
        // Over the few entries that were read it would be the identity of nothing.
        let content = (!inventory.unread).then(|| format!("sha256:{}", hex(&inventory.content_digest())));
        map.serialize_entry("content_digest", &content)?;
        map.serialize_entry(
            "kind",
            &Ordered([
                ("id", json!(recognition.kind.id())),
                ("version", json!(recognition.version)),
                ("because", json!(recognition.because)),
                ("near_misses", json!(recognition.near_misses)),
            ]),
        )?;
        let created = report.reading().bundle.created.as_ref().map(|(time, _)| *time);
        let expires = report.reading().bundle.expires.as_ref().map(|(time, _)| format_rfc3339(*time));
        map.serialize_entry("created", &created.map(format_rfc3339))?;
        map.serialize_entry("age_seconds", &created.map(|created| age_seconds(created, report.at)))?;
        map.serialize_entry("expires", &expires)?;
        map.serialize_entry("entries", &inventory.entries.len())?;
        map.serialize_entry("bytes", &inventory.total_bytes())?;
        map.serialize_entry("verdict", report.verdict().name())?;
        map.serialize_entry("required", &report.required())?;
        map.serialize_entry("authentication", &Authenticated(report))?;
        map.serialize_entry("checks", &Each(report.checks().iter().map(CheckView)))?;
        map.serialize_entry("waivers", &report.waivers())?;
        map.end()
    }
}

struct ChangesView<'a> {
    report: &'a DiffReport<'a>,
    changes: &'a Changes,
}

impl Serialize for ChangesView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ChangesView { report, changes } = self;
        if let Some(stated) = &changes.stated {
            return self.stated(stated, serializer);
        }
        let counts = &changes.entries.counts;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("identical", &changes.is_empty())?;
        map.serialize_entry("compared", changes.entries.scope.name())?;
        map.serialize_entry("regressions", &changes.identity.regressions)?;
        map.serialize_entry(
            "summary",
            &Ordered([
                ("added", json!(counts.added)),
                ("removed", json!(counts.removed)),
                ("changed", json!(counts.changed)),
                ("moved", json!(counts.moved)),
                ("re_moded", json!(counts.remoded)),
                ("unchanged", json!(counts.unchanged)),
                ("bytes_added", json!(counts.bytes_added)),
                ("bytes_removed", json!(counts.bytes_removed)),
            ]),
        )?;
        let entries = changes.entries.changes.iter().map(|change| EntryView { report, change });
        map.serialize_entry("entries", &Each(entries))?;
        map.serialize_entry("identity", &Each(changes.identity.fields.iter().map(FieldView)))?;
        map.serialize_entry("identity_more", &changes.identity.more)?;
        map.serialize_entry("signers", &SignersView(&changes.signers))?;
        map.serialize_entry("semantic", &meaning::View(&changes.meaning))?;
        map.end()
    }
}

impl ChangesView<'_> {
    /// What manifests state, in place of entries and of what they mean.
    fn stated<S: Serializer>(&self, stated: &Stated, serializer: S) -> Result<S::Ok, S::Error> {
        let ChangesView { report, changes } = self;
        let (old, new) = (&report.old.reading().bundle.claims, &report.new.reading().bundle.claims);
        let counts = &stated.counts;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("identical", &changes.is_empty())?;
        map.serialize_entry("compared", "manifests")?;
        map.serialize_entry("regressions", &changes.identity.regressions)?;
        map.serialize_entry(
            "summary",
            &Ordered([
                ("added", json!(counts.added)),
                ("removed", json!(counts.removed)),
                ("changed", json!(counts.changed)),
                ("moved", json!(counts.moved)),
                ("unchanged", json!(counts.unchanged)),
                ("not_comparable", json!(counts.not_comparable)),
                ("not_compared", json!(stated.not_compared.count)),
                ("bytes_added", json!(counts.bytes_added)),
                ("bytes_removed", json!(counts.bytes_removed)),
            ]),
        )?;
        let entries = stated.changes.iter().map(|change| stated::ChangeView { stated, change, old, new });
        map.serialize_entry("entries", &Each(entries))?;
        map.serialize_entry("stated", &stated::View(stated))?;
        map.serialize_entry("identity", &Each(changes.identity.fields.iter().map(FieldView)))?;
        map.serialize_entry("identity_more", &changes.identity.more)?;
        map.serialize_entry("signers", &SignersView(&changes.signers))?;
        map.serialize_entry("semantic", &None::<()>)?;
        map.end()
    }
}

struct EntryView<'a> {
    report: &'a DiffReport<'a>,
    change: &'a EntryChange,
}

impl Serialize for EntryView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let EntryView { report, change } = self;
        let mut map = serializer.serialize_map(None)?;
        name(&mut map, "path", "path_bytes", report.path(change))?;
        map.serialize_entry("change", change.change.name())?;
        let (old, new) = (report.old.inventory(), report.new.inventory());
        map.serialize_entry("old", &change.old.map(|index| StateView { inventory: old, index }))?;
        map.serialize_entry("new", &change.new.map(|index| StateView { inventory: new, index }))?;
        map.end()
    }
}

/// An entry on one side.
struct StateView<'a> {
    inventory: &'a Inventory,
    index: EntryIndex,
}

impl Serialize for StateView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = self.inventory.entry(self.index);
        let mut map = serializer.serialize_map(None)?;
        name(&mut map, "path", "path_bytes", entry.normal_path())?;
        map.serialize_entry("type", &entry.kind.name())?;
        map.serialize_entry("size", &entry.size)?;
        map.serialize_entry("mode", &format!("{:04o}", entry.mode))?;
        map.serialize_entry("sha256", &entry.digest().map(|digest| hex(digest)))?;
        if let Some(target) = self.inventory.links.get(&self.index) {
            name(&mut map, "target", "target_bytes", target)?;
        }
        map.end()
    }
}

struct FieldView<'a>(&'a Field);

impl Serialize for FieldView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let field = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("field", &field.name)?;
        map.serialize_entry("document", &lossless(&field.document))?;
        map.serialize_entry("old", &field.old)?;
        map.serialize_entry("new", &field.new)?;
        map.serialize_entry("regression", &field.regression)?;
        map.end()
    }
}

struct SignersView<'a>(&'a Signers);

impl Serialize for SignersView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = |signer: &SignedBy| {
            Ordered([
                ("name", json!(signer.name)),
                ("scheme", json!(signer.scheme)),
                ("document", json!(lossless(&signer.document))),
                ("payload_type", json!(signer.payload_type)),
            ])
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("added", &Each(self.0.added.iter().map(row)))?;
        map.serialize_entry("removed", &Each(self.0.removed.iter().map(row)))?;
        map.serialize_entry("kept", &Each(self.0.kept.iter().map(row)))?;
        map.end()
    }
}
