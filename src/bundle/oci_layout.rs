//! `oci:layout`: an image layout of the OCI image specification 1.1, whose index.json names everything (formats.md 7.1).

use super::detached;
use super::kind::{Further, Kind, Likelihood};
use super::layout::{self, Layout};
use super::model::{Bundle, Facts, Oci};
use super::oci_docker;
use super::oci_graph::{self, Graph};
use super::signed;
use crate::format::inventory::{Document, EntryIndex, EntryKind, Inventory, Location};
use crate::format::oci::{self, LAYOUT_VERSION, MAX_JSON};
use crate::trust::check::{self, Check, MAX_LISTED};
use crate::trust::claims::Role;
use serde::Deserialize;
use std::collections::BTreeSet;

const LAYOUT: &str = "oci-layout";
const INDEX: &str = "index.json";
const PAYLOAD_TYPES: &[&str] = &["application/vnd.oci.image.index.v1+json"];
const ENVELOPES: [&str; 2] = ["index.dsse.json", "index.json.dsse.json"];
const SIGNATURE: &str = "index.json.sig";
/// What `docker save` writes beside a layout.
const DOCKER: &str = "manifest.json";
const DOCKER_NAMES: &str = "repositories";
/// Largest blob that the scan keeps in case it is a document, in bytes: manifests have a few KiB.
const MAX_KEPT: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayoutFile {
    image_layout_version: String,
}

/// The kind.
pub struct OciLayout;

/// Whether a file of this base name, at the root or one folder down, is a document of a layout.
pub fn wants(base: &[u8], size: u64) -> bool {
    [LAYOUT, INDEX].iter().any(|name| name.as_bytes() == base) && size <= MAX_JSON
}

/// Whether the file is a blob that may be a document.
pub fn may_want(normal_path: &[u8], size: u64) -> bool {
    let below_top = normal_path.iter().position(|c| *c == b'/').map(|slash| &normal_path[slash + 1..]);
    size <= MAX_KEPT && (oci::is_blob_path(normal_path) || below_top.is_some_and(oci::is_blob_path))
}

impl Kind for OciLayout {
    fn id(&self) -> &'static str {
        "oci:layout"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        let Some(layout) = Layout::find(inventory, LAYOUT) else { return without_marker(inventory) };
        if inventory.find(&layout.path(INDEX)).is_none() {
            return Likelihood::Near("there is a file oci-layout but no index.json beside it".into());
        }
        let document = layout.document(inventory, LAYOUT);
        let says = document
            .is_some_and(|document| layout::markers(document, &["imageLayoutVersion"]).contains("imageLayoutVersion"));
        if !says {
            return Likelihood::Near(
                "oci-layout and index.json are there, but oci-layout has no imageLayoutVersion".into(),
            );
        }
        let version = document.and_then(|document| serde_json::from_slice::<LayoutFile>(&document.bytes).ok());
        let because = "oci-layout has an imageLayoutVersion, and index.json lies beside it".to_string();
        Likelihood::Yes { version: version.map(|file| file.image_layout_version), because }
    }

    fn further(&self, inventory: &Inventory) -> Further {
        let layout = Layout::find(inventory, LAYOUT).unwrap_or_default();
        Further { documents: oci_graph::follow(inventory, &layout).unread, ..Further::default() }
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let layout = Layout::find(inventory, LAYOUT).unwrap_or_default();
        let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
        read_layout_file(inventory, &mut bundle, &layout);
        let graph = oci_graph::follow(inventory, &layout);
        read_signatures(inventory, &mut bundle, &layout);
        require_index(inventory, &mut bundle, &layout);
        judge(inventory, &mut bundle, &layout, graph);
        bundle.claims.sort();
        bundle
    }
}

/// Why a container without oci-layout is nearly one.
fn without_marker(inventory: &Inventory) -> Likelihood {
    if oci_docker::is_archive(inventory) {
        let lack = "it is an archive of docker save (manifest.json names Config and Layers); there is no oci-layout";
        return Likelihood::Near(lack.into());
    }
    let Some(layout) = Layout::find(inventory, INDEX) else { return Likelihood::No };
    let Some(document) = layout.document(inventory, INDEX) else { return Likelihood::No };
    let names = layout::markers(document, &[]);
    let lack = "index.json has schemaVersion and manifests, but there is no file oci-layout beside it";
    let near = names.contains("schemaVersion") && names.contains("manifests");
    if near { Likelihood::Near(lack.into()) } else { Likelihood::No }
}

/// The file that marks a layout. Where it says nothing but the version, there is nothing in it that anybody could vouch for.
fn read_layout_file(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout) {
    let Some(document) = layout.document(inventory, LAYOUT) else {
        bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, LAYOUT, "the layout has no file oci-layout"));
        return;
    };
    let read = layout::read::<LayoutFile>(document);
    let plain =
        layout::member_names(&document.bytes).is_ok_and(|names| names.len() == 1) && document.bytes.len() <= 256;
    let role = if plain && read.is_ok() { Role::Metadata } else { Role::Manifest };
    let index = bundle.claims.document(&document.name, document.location, role);
    let check = match read {
        Ok(LayoutFile { image_layout_version }) if image_layout_version == LAYOUT_VERSION => {
            Check::pass(check::DOCUMENT_SCHEMA, &document.name, format!("imageLayoutVersion {LAYOUT_VERSION}"))
        }
        Ok(LayoutFile { image_layout_version: found }) => {
            let detail = format!("expected imageLayoutVersion {LAYOUT_VERSION}, found {found:?}");
            Check::fail(check::DOCUMENT_SCHEMA, &document.name, detail)
        }
        Err(failed) => *failed,
    };
    if check.failed() {
        bundle.claims.reject(index);
    }
    bundle.checks.push(check);
}

/// Whoever signs index.json vouches for all that it leads to.
fn read_signatures(inventory: &mut Inventory, bundle: &mut Bundle, layout: &Layout) {
    bundle.checks.extend(signed::pass_over_foreign(inventory, PAYLOAD_TYPES));
    let inside = ENVELOPES.map(|name| layout.path(name));
    let wanted = |d: &Document| match d.location {
        Location::Entry(_) => inside.contains(&d.name),
        Location::Sidecar => d.envelope,
    };
    let (positions, index) = (signed::positions(inventory, wanted), inventory.find(&layout.path(INDEX)));
    signed::read_all(inventory, bundle, positions, PAYLOAD_TYPES, index);
    detached::read(inventory, bundle, |inventory, name, location| {
        let own = match location {
            Location::Entry(_) => layout.inside(name),
            Location::Sidecar => Some(name),
        };
        inventory.find(&layout.path(INDEX)).filter(|_| own == Some(SIGNATURE.as_bytes()))
    });
}

/// index.json must be a file that was kept.
fn require_index(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout) {
    if layout.document(inventory, INDEX).is_some() {
        return;
    }
    bundle.unreadable = true;
    let name = layout.path(INDEX);
    let found = inventory.find(&name).map(|index| inventory.entry(index));
    let detail = match found {
        Some(entry) if entry.kind == EntryKind::File => {
            format!("a file of {} bytes; index.json has at most {MAX_JSON}", entry.size)
        }
        Some(entry) => format!("expected a file, found a {}", entry.kind.name()),
        None => "the layout has no index.json".into(),
    };
    bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, name, detail));
}

/// Reads a layout that lies inside another kind of bundle: nobody signs its index, so others have to vouch for its blobs.
pub(super) fn read_inside(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout) {
    read_layout_file(inventory, bundle, layout);
    require_index(inventory, bundle, layout);
    judge(inventory, bundle, layout, oci_graph::follow(inventory, layout));
}

fn judge(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout, graph: Graph) {
    let name = layout.path(INDEX);
    for statements in &graph.documents {
        let own = inventory.entry(statements.entry).normal_path();
        let index = bundle.claims.document(own, Location::Entry(statements.entry), Role::Manifest);
        if statements.rejected {
            bundle.claims.reject(index);
        }
        for (path, digest, size) in &statements.blobs {
            bundle.claims.state(inventory, index, path, Some(*digest), Some(*size));
        }
    }
    bundle.unreadable |= graph.broken || !graph.unread.is_empty();
    bundle.unfinished = !graph.unread.is_empty();
    bundle.checks.extend(summary(&graph, &name));
    tell_unread(inventory, bundle, &graph.unread, &name);
    tell_absent(bundle, &graph);
    read_docker(inventory, bundle, layout, &graph);
    let unreferenced = unreferenced(inventory, layout, &graph);
    if !graph.documents.is_empty() {
        bundle.facts.push(facts(&graph, name, unreferenced.len()));
    }
    graph.absent.keys().for_each(|path| bundle.claims.leave_out(path.clone()));
    bundle.oci = Some(Oci { images: graph.images, absent: graph.absent.into_values().collect(), unreferenced });
}

/// What failed; a row for each kind of check of which nothing did.
fn summary(graph: &Graph, name: &[u8]) -> Vec<Check> {
    let mut checks = Vec::new();
    let of = |kind| graph.checks.iter().filter(move |c| c.failed() && c.kind == kind).cloned().collect::<Vec<_>>();
    for kind in [check::DOCUMENT_JSON, check::DOCUMENT_SCHEMA] {
        check::push_failures(&mut checks, of(kind), None);
    }
    let descriptors = format!("{} descriptors have a digest that can be compared", graph.descriptors);
    let said = (graph.descriptors > 0).then(|| Check::pass(check::OCI_DESCRIPTOR, name, descriptors));
    check::push_failures(&mut checks, of(check::OCI_DESCRIPTOR), said);
    let followed = graph.documents.iter().filter(|document| !document.rejected).count();
    let said = match (followed, graph.descriptors) {
        (0, _) => None,
        (_, 0) => Some(Check::skip(check::OCI_GRAPH, name, "index.json lists nothing")),
        _ => {
            let detail = format!("{followed} indexes and manifests are what they are named as");
            Some(Check::pass(check::OCI_GRAPH, name, detail))
        }
    };
    check::push_failures(&mut checks, of(check::OCI_GRAPH), said);
    checks.extend(graph.checks.iter().filter(|check| !check.failed()).take(MAX_LISTED).cloned());
    if let Some((count, first)) = &graph.opaque {
        let detail = format!(
            "{count} entries of indexes are neither index nor manifest, the first {first}: compared, and not looked into"
        );
        checks.push(Check::skip(check::OCI_GRAPH, name, detail));
    }
    if let Some((count, first)) = &graph.elsewhere {
        let detail = format!(
            "{count} descriptors say where content could be fetched (urls), the first {first}; nothing is fetched"
        );
        checks.push(Check::skip(check::OCI_DESCRIPTOR, name, detail));
    }
    checks
}

fn tell_unread(inventory: &Inventory, bundle: &mut Bundle, unread: &[EntryIndex], name: &[u8]) {
    let Some(first) = unread.first() else { return };
    let detail = format!(
        "{} indexes and manifests were not read, the first {}: the input can be read only once, or they are too large \
         together; give it as a file",
        unread.len(),
        String::from_utf8_lossy(inventory.entry(*first).normal_path())
    );
    bundle.checks.push(Check::skip(check::OCI_GRAPH, name, detail));
}

fn tell_absent(bundle: &mut Bundle, graph: &Graph) {
    for (path, absent) in graph.absent.iter().take(MAX_LISTED) {
        let by = String::from_utf8_lossy(&absent.named_by);
        let elsewhere = if absent.elsewhere { "; it says where to fetch it, which nothing here does" } else { "" };
        let detail =
            format!("{by} names it ({}, {} bytes), and it is not carried{elsewhere}", absent.media_type, absent.size);
        bundle.checks.push(Check::skip(check::OCI_ABSENT, path, detail));
    }
    if let Some(more) = graph.absent.len().checked_sub(MAX_LISTED).filter(|more| *more > 0) {
        bundle.checks.push(Check::skip(
            check::OCI_ABSENT,
            "",
            format!("and {more} more; the member oci of the report lists them"),
        ));
    }
}

/// What `docker save` writes beside a layout: it names images too, and nothing that is signed vouches for that.
fn read_docker(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout, graph: &Graph) {
    let Some(document) = layout.document(inventory, DOCKER).filter(|document| oci_docker::is_list(document)) else {
        return;
    };
    bundle.claims.document(&document.name, document.location, Role::Manifest);
    if graph.broken || !graph.unread.is_empty() {
        let detail = "it could not be compared with the manifests of the layout, of which some were not read";
        bundle.checks.push(Check::skip(check::DOCUMENTS_AGREE, &document.name, detail));
    } else {
        bundle.checks.push(Check::of(
            check::DOCUMENTS_AGREE,
            &document.name,
            oci_docker::agree(document, &graph.contents),
        ));
    }
    let names = layout.path(DOCKER_NAMES);
    if let Some(entry) = inventory.find(&names).filter(|entry| inventory.entry(*entry).kind == EntryKind::File) {
        bundle.claims.document(&names, Location::Entry(entry), Role::Manifest);
    }
}

/// Blobs, or what lies where blobs lie, that no document names.
fn unreferenced(inventory: &Inventory, layout: &Layout, graph: &Graph) -> Vec<Vec<u8>> {
    // What could not be read may name them.
    if graph.broken || !graph.unread.is_empty() || graph.documents.is_empty() {
        return Vec::new();
    }
    let below = layout.path("blobs/");
    let below = [&below[..], if below.ends_with(b"/") { b"" } else { b"/" }].concat();
    let start = inventory.entries.partition_point(|entry| entry.normal_path() < below.as_slice());
    let blobs = inventory.entries[start..].iter().take_while(|entry| entry.normal_path().starts_with(&below));
    let unnamed = blobs.filter(|entry| entry.kind != EntryKind::Dir && !graph.named.contains(entry.normal_path()));
    unnamed.map(|entry| entry.normal_path().to_vec()).collect()
}

fn facts(graph: &Graph, document: Vec<u8>, unreferenced: usize) -> Facts {
    let platforms: BTreeSet<&str> = graph.images.iter().filter_map(|image| image.platform.as_deref()).collect();
    let mut items = vec![
        ("images", graph.images.len().to_string()),
        ("indexes and manifests", graph.documents.len().to_string()),
        ("blobs named", graph.named.len().to_string()),
        ("blobs not carried", graph.absent.len().to_string()),
        ("blobs that nothing names", unreferenced.to_string()),
    ];
    if !platforms.is_empty() {
        items.push(("platforms", platforms.into_iter().collect::<Vec<_>>().join(", ")));
    }
    Facts { document, items }
}
