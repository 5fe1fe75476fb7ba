//! The member `semantic` of `changes`: what is different in the terms of those who use the bundles.

use super::{Each, Ordered};
use crate::bundle::changes::Meaning;
use crate::bundle::changes::databases::{Content, DatabaseChange};
use crate::bundle::changes::documents::{DocumentChange, RowChange};
use crate::bundle::changes::images::Images;
use crate::format::path::lossless;
use crate::format::trivy_db::compare::{Advised, Compared, Group, Rated, Tally};
use crate::format::trivy_db::{DataSource, Severity};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A member for each domain that either side has.
pub(super) struct View<'a>(pub(super) &'a Meaning);

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(images) = &self.0.images {
            map.serialize_entry("oci", &Ordered(oci(images)))?;
        }
        if !self.0.databases.is_empty() {
            map.serialize_entry("trivy", &Each(self.0.databases.iter().map(DatabaseView)))?;
        }
        let documents = &self.0.documents;
        if !documents.changes.is_empty() || documents.not_compared > 0 {
            map.serialize_entry("documents", &Each(documents.changes.iter().map(|change| Ordered(document(change)))))?;
            map.serialize_entry("documents_not_compared", &documents.not_compared)?;
        }
        map.end()
    }
}

fn document(change: &DocumentChange) -> Vec<(&'static str, Value)> {
    let steps = |steps: &BTreeMap<(String, String), u64>| -> Value {
        steps.iter().map(|((old, new), count)| json!({"old": old, "new": new, "count": count})).collect()
    };
    let row = |row: &RowChange| json!({"id": row.id, "change": row.fate.name(), "old": row.old, "new": row.new});
    vec![
        ("path", json!(lossless(&change.path))),
        ("holds", json!(change.sort.name())),
        ("added", json!(change.added)),
        ("removed", json!(change.removed)),
        ("changed", json!(change.changed)),
        ("unchanged", json!(change.unchanged)),
        ("status_changes", steps(&change.statuses)),
        ("severity_changes", steps(&change.severities)),
        ("rows", change.listed.items.iter().map(row).collect()),
        ("rows_more", json!(change.listed.more)),
        ("malformed", json!(change.malformed)),
    ]
}

fn oci(images: &Images) -> Vec<(&'static str, Value)> {
    let rows = images.changes.items.iter().map(|change| {
        json!({
            "name": change.name, "platform": change.platform, "change": change.fate.name(),
            "old": change.old, "new": change.new,
        })
    });
    let layers = |(count, bytes): (u64, u64)| json!({"count": count, "bytes": bytes});
    vec![
        ("added", json!(images.added)),
        ("removed", json!(images.removed)),
        ("changed", json!(images.changed)),
        ("unchanged", json!(images.unchanged)),
        ("images", rows.collect()),
        ("images_more", json!(images.changes.more)),
        ("layers_shared", layers(images.layers_shared)),
        ("layers_added", layers(images.layers_added)),
        ("layers_removed", layers(images.layers_removed)),
        ("manifests_unread", json!(images.unread)),
    ]
}

struct DatabaseView<'a>(&'a DatabaseChange);

impl Serialize for DatabaseView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let change = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", change.expected.name())?;
        map.serialize_entry("old", &change.old.as_deref().map(lossless))?;
        map.serialize_entry("new", &change.new.as_deref().map(lossless))?;
        let schema = [("old", json!(change.schema.0)), ("new", json!(change.schema.1))];
        map.serialize_entry("schema", &Ordered(schema))?;
        match &change.content {
            Content::Records(compared) => records(compared, &mut map)?,
            Content::Rows(old, new) => {
                let rows = |(artifacts, indices): &(u64, u64)| json!({"artifacts": artifacts, "indices": indices});
                map.serialize_entry("rows", &Ordered([("old", rows(old)), ("new", rows(new))]))?;
            }
            Content::NotCompared(why) => map.serialize_entry("not_compared", why)?,
        }
        map.end()
    }
}

fn records<M: SerializeMap>(compared: &Compared, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("vulnerabilities", &Ordered(group(&compared.vulnerabilities)))?;
    let anew = compared.rated_anew.iter().map(|((old, new), count)| {
        Ordered([("old", json!(old.name())), ("new", json!(new.name())), ("count", json!(count))])
    });
    map.serialize_entry("rated_anew", &Each(anew))?;
    map.serialize_entry("advisories", &Ordered(group(&compared.advisories)))?;
    let ecosystems = compared.ecosystems.iter().filter(|(_, found)| !found.all.is_empty());
    let ecosystems = ecosystems.map(|(name, found)| {
        let mut members = vec![("name", json!(name))];
        members.extend(group(found));
        Ordered(members)
    });
    map.serialize_entry("ecosystems", &Each(ecosystems))?;
    map.serialize_entry("other_ecosystems", &Ordered(group(&compared.other_ecosystems)))?;
    map.serialize_entry(
        "critical_and_high",
        &Each(compared.rated.items.iter().map(|rated| Ordered(rated_row(rated)))),
    )?;
    map.serialize_entry("critical_and_high_more", &compared.rated.more)?;
    map.serialize_entry("affected", &Each(compared.advised.items.iter().map(|advised| Ordered(advised_row(advised)))))?;
    map.serialize_entry("affected_more", &compared.advised.more)?;
    map.serialize_entry("platforms_added", &compared.platforms_added.items)?;
    map.serialize_entry("platforms_added_more", &compared.platforms_added.more)?;
    map.serialize_entry("platforms_removed", &compared.platforms_removed.items)?;
    map.serialize_entry("platforms_removed_more", &compared.platforms_removed.more)?;
    map.serialize_entry("data_sources", &Ordered(tally(&compared.sources)))?;
    let sources = compared.source_changes.items.iter().map(|change| {
        let source = |source: &Option<DataSource>| {
            source.as_ref().map(|found| json!({"id": found.id, "name": found.name, "url": found.url}))
        };
        Ordered([
            ("platform", json!(change.platform)),
            ("old", json!(source(&change.old))),
            ("new", json!(source(&change.new))),
        ])
    });
    map.serialize_entry("data_source_changes", &Each(sources))?;
    map.serialize_entry("data_source_changes_more", &compared.source_changes.more)?;
    map.serialize_entry("red_hat_tables", &Ordered(tally(&compared.tables)))?;
    map.serialize_entry("misplaced", &Ordered(tally(&compared.misplaced)))?;
    map.serialize_entry("malformed", &compared.malformed)
}

fn rated_row(rated: &Rated) -> [(&'static str, Value); 4] {
    [
        ("id", json!(rated.id)),
        ("change", json!(rated.fate.name())),
        ("old", json!(rated.old.map(Severity::name))),
        ("new", json!(rated.new.map(Severity::name))),
    ]
}

fn advised_row(advised: &Advised) -> [(&'static str, Value); 7] {
    [
        ("id", json!(advised.id)),
        ("change", json!(advised.fate.name())),
        ("severity", json!(advised.severity.name())),
        ("platform", json!(advised.platform)),
        ("package", json!(advised.package)),
        ("fixed_old", json!(advised.fixed_old)),
        ("fixed_new", json!(advised.fixed_new)),
    ]
}

fn tally(tally: &Tally) -> Vec<(&'static str, Value)> {
    vec![
        ("added", json!(tally.added)),
        ("removed", json!(tally.removed)),
        ("changed", json!(tally.changed)),
        ("unchanged", json!(tally.unchanged)),
    ]
}

fn group(found: &Group) -> Vec<(&'static str, Value)> {
    let mut members = tally(&found.all);
    let severities: BTreeMap<&str, Value> = found
        .severities
        .iter()
        .map(|(severity, t)| (severity.name(), json!({"added": t.added, "removed": t.removed, "changed": t.changed})))
        .collect();
    members.push(("severities", json!(severities)));
    members
}
