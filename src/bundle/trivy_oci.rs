//! `trivy:oci`: an OCI layout with a database of Trivy in a layer, as Trivy publishes it or as StellaOps exports it
//! (formats.md 7.1, 7.2).

use super::detached;
use super::kind::{Further, Kind, Likelihood};
use super::layout::{self, Layout};
use super::model::{Bundle, DatabaseType, Trivy, TrivyDatabase};
use super::nested::inside;
use super::oci_graph::{self, Graph};
use super::oci_layout::OciLayout;
use super::trivy::{self, METADATA};
use super::trivy_export;
use crate::format::inventory::{EntryIndex, EntryKind, Inventory, Location};
use crate::trust::check::{self, Check};

const LAYOUT: &str = "oci-layout";
/// A blob signature over the metadata that StellaOps adds: no descriptor names them.
const SIGNATURE: &str = "metadata.json.sig";
/// Most databases of one layout. Each is decompressed and copied.
pub const MAX_DATABASES: usize = 4;

/// The kind.
pub struct TrivyOci;

impl Kind for TrivyOci {
    fn id(&self) -> &'static str {
        "trivy:oci"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        let Likelihood::Yes { version, .. } = OciLayout.detect(inventory) else { return Likelihood::No };
        let layout = Layout::find(inventory, LAYOUT).unwrap_or_default();
        let exported = layout.document(inventory, METADATA);
        if exported.is_some_and(|document| layout::markers(document, &["mode"]).contains("mode")) {
            let because =
                format!("{LAYOUT} has an imageLayoutVersion, and {METADATA} beside it has the mode of an export");
            return Likelihood::Yes { version, because };
        }
        let graph = oci_graph::follow(inventory, &layout);
        if let Some(media_type) = &graph.misnamed {
            let because =
                format!("{LAYOUT} has an imageLayoutVersion, and a manifest has a layer of the type {media_type:?}");
            return Likelihood::Yes { version, because };
        }
        match graph.databases.first() {
            Some((database, ..)) => {
                let file = database.file();
                let because =
                    format!("{LAYOUT} has an imageLayoutVersion, and a manifest has a layer of the type of {file}");
                Likelihood::Yes { version, because }
            }
            None => Likelihood::No,
        }
    }

    fn further(&self, inventory: &Inventory) -> Further {
        let layout = Layout::find(inventory, LAYOUT).unwrap_or_default();
        let graph = oci_graph::follow(inventory, &layout);
        let layers = layers(inventory, &graph).map(|(_, layer)| layer).collect();
        Further { documents: graph.unread, nested: layers, databases: true, ..Further::default() }
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let layout = Layout::find(inventory, LAYOUT).unwrap_or_default();
        let graph = oci_graph::follow(inventory, &layout);
        let mut bundle = OciLayout.interpret(inventory);
        detached::read(inventory, &mut bundle, |inventory, name, location| {
            let own = match location {
                Location::Entry(_) => layout.inside(name),
                Location::Sidecar => Some(name),
            };
            inventory.find(&layout.path(METADATA)).filter(|_| own == Some(SIGNATURE.as_bytes()))
        });
        let taken: Vec<(DatabaseType, EntryIndex)> = layers(inventory, &graph).collect();
        for (expected, layer) in &taken {
            read_layer(inventory, &mut bundle, *expected, *layer);
        }
        tell_others(inventory, &mut bundle, &layout, &graph, taken.len());
        if let Some(manifest) = graph.crowded {
            let detail = "expected a manifest with a single layer, which is all that Trivy takes; found more";
            bundle.checks.push(Check::fail(check::TRIVY_DATABASE, inventory.entry(manifest).normal_path(), detail));
        }
        trivy_export::read(inventory, &mut bundle, &layout);
        bundle.claims.sort();
        bundle
    }
}

/// The layers with databases that are there.
fn layers<'a>(inventory: &'a Inventory, graph: &'a Graph) -> impl Iterator<Item = (DatabaseType, EntryIndex)> + 'a {
    let carried = graph.databases.iter().filter_map(|(database, _, layer)| Some((*database, (*layer)?)));
    let files = carried.filter(|(_, layer)| inventory.entry(*layer).kind == EntryKind::File);
    files.take(MAX_DATABASES)
}

/// Databases that are not there, and that there is none.
fn tell_others(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout, graph: &Graph, read: usize) {
    let index = layout.path("index.json");
    for (database, path, _) in graph.databases.iter().filter(|(.., layer)| layer.is_none()) {
        if bundle.claims.absent().contains(&layout.path(path)) {
            let detail = format!("the layer with {} is named and not carried: {path}", database.file());
            bundle.checks.push(Check::skip(check::TRIVY_DATABASE, &index, detail));
            bundle.trivy.get_or_insert_with(Trivy::default).elsewhere.push((*database, path.clone()));
        } else {
            let detail =
                format!("the layer with {} lies inside its descriptor, where Trivy does not look", database.file());
            bundle.checks.push(Check::fail(check::TRIVY_DATABASE, &index, detail));
        }
    }
    if let Some(found) = &graph.misnamed {
        let detail = format!("a layer has the type {found:?}, which is none that Trivy takes");
        bundle.checks.push(Check::fail(check::TRIVY_DATABASE, &index, detail));
    }
    let more = graph.databases.iter().filter(|(.., layer)| layer.is_some()).count().saturating_sub(read);
    if more > 0 {
        let detail = format!("{more} more layers with databases; {MAX_DATABASES} files of one layout are read");
        bundle.checks.push(Check::fail(check::TRIVY_DATABASE, &index, detail));
    }
    if graph.databases.is_empty() && graph.misnamed.is_none() && !graph.broken && graph.unread.is_empty() {
        let detail = "no manifest has a layer of one of Trivy's media types, so there is no database";
        bundle.checks.push(Check::fail(check::TRIVY_DATABASE, &index, detail));
    }
    bundle.checks.extend(trivy::others(inventory, b""));
}

/// A layer holds the database and its metadata, and nothing else.
fn read_layer(inventory: &mut Inventory, bundle: &mut Bundle, expected: DatabaseType, layer: EntryIndex) {
    let outer = inventory.entry(layer).normal_path().to_vec();
    let path = inside(&outer, expected.file().as_bytes());
    let Some(nested) = inventory.nested.get_mut(&layer) else {
        return trivy::add(bundle, TrivyDatabase { path, expected, examined: None, metadata: None, alone: false });
    };
    let known = [expected.file().as_bytes(), METADATA.as_bytes(), b""];
    // The media type says tar+gzip; another form would be refused where it is imported, or read as something else.
    let is_archive = nested.container == ["gzip", "tar"];
    let others = nested.entries.iter().filter(|entry| is_archive && !known.contains(&entry.normal_path()));
    let rows = others.map(|entry| {
        let detail = format!("a {}; a layer holds {} and {METADATA} only", entry.kind.name(), expected.file());
        Check::fail(check::ENTRY_UNLISTED, inside(&outer, &entry.path), detail)
    });
    check::push_failures(&mut bundle.checks, rows.collect(), None);
    if nested.incomplete || !nested.anomalies.is_empty() {
        let detail = "the layer has defects, so nothing is concluded from what was read of it";
        bundle.checks.push(Check::skip(check::TRIVY_DATABASE, &path, detail));
        return;
    }
    if !is_archive {
        let found = nested.container.join(" > ");
        let detail =
            format!("expected {} in a gzip tar, as the media type of the layer says, found {found}", expected.file());
        bundle.checks.push(Check::fail(check::TRIVY_DATABASE, &path, detail));
        return;
    }
    let is_file = |index: EntryIndex| nested.entry(index).kind == EntryKind::File;
    let found = nested.find(expected.file().as_bytes()).is_some_and(is_file);
    if !found {
        bundle.checks.push(trivy::lacking(&path, expected));
        return;
    }
    let document = nested.document(METADATA.as_bytes());
    let metadata = trivy::metadata(inside(&outer, METADATA.as_bytes()), document);
    let examined = nested.databases.remove(expected.file().as_bytes());
    trivy::add(bundle, TrivyDatabase { path, expected, examined, metadata, alone: false });
}
