//! Runs of the Export Center: `mirror:full`, `mirror:delta`, `json:raw` and `json:policy`. One manifest, export.json, names
//! everything; a mirror has a summary beside it, manifest.yaml (formats.md sections 4 and 8).

use super::encryption::EncryptionMetadata;
use super::export_manifest::{ExportManifest, SCHEMA, SCHEMA_FAMILY};
use super::kind::{Further, Kind, Likelihood};
use super::layout::{self, Layout};
use super::mirror_manifest::MirrorManifest;
use super::model::Bundle;
use super::provenance::Provenance;
use super::{delta, detached, determinism, index, records, sealed_plan};
use crate::format::digest::{self, Digest};
use crate::format::inventory::{Document, EntryIndex, Inventory, Location};
use crate::format::{json, path, time};
use crate::trust::check::{self, Check};
use crate::trust::claims::{DocumentIndex, Role};
use serde::Deserialize;

/// One kind of run.
pub struct ExportRun {
    id: &'static str,
    variant: &'static str,
    mirror: bool,
}

/// Everything that a mirror holds.
pub static MIRROR_FULL: ExportRun = ExportRun { id: "mirror:full", variant: "full", mirror: true };
/// What changed since an earlier export.
pub static MIRROR_DELTA: ExportRun = ExportRun { id: "mirror:delta", variant: "delta", mirror: true };
/// Raw facts.
pub static JSON_RAW: ExportRun = ExportRun { id: "json:raw", variant: "raw", mirror: false };
/// Raw facts with a policy snapshot and evaluated findings.
pub static JSON_POLICY: ExportRun = ExportRun { id: "json:policy", variant: "policy", mirror: false };

/// Where the documents of a run lie.
pub(super) struct Place {
    /// What the paths of contents are relative to.
    pub(super) layout: Layout,
    /// Name of the manifest below it.
    pub(super) export: &'static str,
    /// Name of the provenance below it.
    provenance: &'static str,
}

impl Place {
    /// A mirror's tree, or the `manifests/` folder of a run.
    pub(super) fn find(inventory: &Inventory) -> Option<Place> {
        let mirror = |layout| Place { layout, export: "export.json", provenance: "provenance.json" };
        let run = |layout| Place { layout, export: "manifests/export.json", provenance: "manifests/provenance.json" };
        let below = |marker| Layout::find(inventory, &format!("mirror/{marker}")).map(|layout| layout.below("mirror"));
        let at = |marker| Layout::find(inventory, marker);
        (below("export.json").or_else(|| below("manifest.yaml")).map(mirror))
            .or_else(|| at("manifests/export.json").map(run))
            .or_else(|| at("export.json").or_else(|| at("manifest.yaml")).map(mirror))
    }

    pub(super) fn document<'a>(&self, inventory: &'a Inventory, name: &str) -> Option<&'a Document> {
        self.layout.document(inventory, name)
    }

    /// The entry that a signature of this name is of.
    fn signed_by(&self, inventory: &Inventory, name: &[u8], location: Location) -> Option<EntryIndex> {
        let targets = [(self.export, "export"), (self.provenance, "provenance"), ("manifest.yaml", "manifest")];
        let names = |target: &str, short: &str| {
            let folder = target.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            [format!("{target}.sig"), format!("{folder}{short}.sig"), format!("signatures/{short}.sig")]
        };
        let base = |name: &str| name.rsplit_once('/').map_or(name.to_string(), |(_, base)| base.to_string());
        let is = |known: &String| match location {
            Location::Entry(_) => self.layout.path(known) == name,
            Location::Sidecar => base(known).as_bytes() == name,
        };
        let target = targets.iter().find(|(target, short)| names(target, short).iter().any(is))?;
        inventory.find(&self.layout.path(target.0))
    }
}

/// As much of export.json as tells the kind.
#[derive(Deserialize)]
struct Probe {
    schema: String,
    profile: ProbedProfile,
}

#[derive(Deserialize)]
struct ProbedProfile {
    kind: String,
    variant: String,
}

impl Kind for ExportRun {
    fn id(&self) -> &'static str {
        self.id
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        let Some(place) = Place::find(inventory) else { return Likelihood::No };
        let is_mirror = place.document(inventory, "manifest.yaml").is_some();
        let has_diff = place.document(inventory, delta::DIFF).is_some();
        let Some(document) = place.document(inventory, place.export) else {
            let lacks = is_mirror && self.mirror && has_diff == (self.variant == "delta");
            return if lacks {
                Likelihood::Near("manifest.yaml is there, export.json, which names the contents, is not".into())
            } else {
                Likelihood::No
            };
        };
        match serde_json::from_slice::<Probe>(&document.bytes) {
            Ok(probe) => self.judge(place.export, &probe),
            // A manifest that is not strict JSON is still of its kind: it must fail as one, not pass for a plain archive.
            Err(_) if String::from_utf8_lossy(&document.bytes).contains(SCHEMA_FAMILY) || is_mirror => {
                let variant = match (self.mirror, has_diff) {
                    (true, true) => "delta",
                    (true, false) => "full",
                    (false, _) => "raw",
                };
                if self.variant != variant || self.mirror != (place.export == "export.json") {
                    return Likelihood::No;
                }
                let because = format!("{} lies where that of a run does, though it cannot be read", place.export);
                Likelihood::Yes { version: None, because }
            }
            Err(_) => Likelihood::No,
        }
    }

    fn further(&self, inventory: &Inventory) -> Further {
        let sealed = Place::find(inventory).and_then(|place| {
            let export = ExportManifest::read(place.document(inventory, place.export)?).ok()?;
            let provenance = place.document(inventory, place.provenance)?;
            let provenance: serde_json::Value = layout::read_within(provenance, json::SMALL).ok()?;
            let metadata = EncryptionMetadata::find(&provenance).transpose()?;
            let plan = |metadata| sealed_plan::plan(inventory, &place.layout, export.run(), &export.contents, metadata);
            Some(metadata.and_then(plan))
        });
        Further { sealed, ..Further::default() }
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
        let Some(place) = Place::find(inventory) else {
            bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, "export.json", "the bundle has no export.json"));
            return bundle;
        };
        if self.mirror {
            bundle.set_aside = vec![place.layout.path("README.md")];
        }
        self.read_documents(inventory, &mut bundle, &place);
        detached::read(inventory, &mut bundle, |inventory, name, location| place.signed_by(inventory, name, location));
        bundle.claims.sort();
        bundle.checks.push(determinism::judge(inventory, &determinism::EPOCH));
        bundle
    }
}

impl ExportRun {
    fn judge(&self, name: &str, probe: &Probe) -> Likelihood {
        let kind = if self.mirror { "mirror" } else { "json" };
        let Probe { schema, profile } = probe;
        if profile.kind != kind || profile.variant != self.variant {
            return Likelihood::No;
        }
        if !schema.starts_with(SCHEMA_FAMILY) {
            return Likelihood::Near(format!("{name} has the profile of one, but the schema {schema}"));
        }
        let because = format!("{name} has schema {schema} and profile {}:{}", profile.kind, profile.variant);
        let version = schema.strip_prefix(SCHEMA_FAMILY).map(String::from);
        // Another version of the schema is read as this one and fails in document-schema: a bundle must not pass for a plain
        // archive because its manifest is newer.
        let because = if schema == SCHEMA { because } else { format!("{because}; this tool reads {SCHEMA}") };
        Likelihood::Yes { version, because }
    }

    fn read_documents(&self, inventory: &Inventory, bundle: &mut Bundle, place: &Place) {
        let Some(document) = place.document(inventory, place.export) else {
            let detail = format!("the bundle has no {}, which names the contents", place.export);
            bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, place.export, detail));
            bundle.unreadable = true;
            return;
        };
        let index = bundle.claims.document(&document.name, document.location, Role::Manifest);
        let export = match ExportManifest::read(document) {
            Ok(export) => export,
            Err(failed) => {
                bundle.checks.push(*failed);
                bundle.claims.reject(index);
                bundle.unreadable = true;
                return;
            }
        };
        bundle.checks.push(layout::read_well(&document.name));
        bundle.checks.extend(export.check(document));
        bundle.facts.push(export.facts(document));
        bundle.created = time::parse_rfc3339(&export.generated_at).ok().map(|at| (at, document.name.clone()));
        state_contents(inventory, bundle, place, index, &export);
        let summary = if self.mirror { read_summary(inventory, bundle, place, &export) } else { None };
        read_provenance(inventory, bundle, place);
        read_indexes(inventory, bundle, place, summary.as_ref());
        let stated = export.contents.iter().map(|content| (content.path.as_ref(), content.records));
        bundle.checks.extend(records::check(inventory, &place.layout, &document.name, stated));
        bundle.checks.extend(sealed_plan::readings(inventory, &place.layout, &document.name, &export.contents));
        claim_nonces(inventory, bundle);
        if self.variant == "delta" {
            delta::read(inventory, bundle, place, &export);
        }
    }
}

fn state_contents(
    inventory: &Inventory,
    bundle: &mut Bundle,
    place: &Place,
    index: DocumentIndex,
    export: &ExportManifest<'_>,
) {
    for content in &export.contents {
        if let Ok(sha256) = digest::parse_sha256(&content.digest)
            && path::danger(content.path.as_bytes()).is_none()
        {
            let target = place.layout.path(content.path.as_bytes());
            bundle.claims.state(inventory, index, &target, Some(Digest::Sha256(sha256)), Some(content.bytes));
        }
    }
}

/// manifest.yaml: pins export.json and whatever else it names.
fn read_summary(
    inventory: &Inventory,
    bundle: &mut Bundle,
    place: &Place,
    export: &ExportManifest<'_>,
) -> Option<MirrorManifest> {
    let Some(document) = place.document(inventory, "manifest.yaml") else {
        let detail = "the layout has a manifest.yaml and the bundle has none";
        bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, place.layout.path("manifest.yaml"), detail));
        return None;
    };
    let index = bundle.claims.document(&document.name, document.location, Role::Manifest);
    let summary = match MirrorManifest::read(document) {
        Ok(summary) => summary,
        Err(failed) => {
            bundle.checks.push(*failed);
            bundle.claims.reject(index);
            return None;
        }
    };
    bundle.checks.push(Check::pass(check::DOCUMENT_YAML, &document.name, "YAML of the plain subset"));
    bundle.checks.push(summary.paths(&document.name));
    bundle.checks.push(summary.agrees(&document.name, export));
    bundle.facts.push(summary.facts(document));
    for file in summary.files.iter().filter(|file| path::danger(file.path.as_bytes()).is_none()) {
        let target = place.layout.path(file.path.as_bytes());
        bundle.claims.state(inventory, index, &target, Some(Digest::Sha256(file.sha256)), file.size);
    }
    Some(summary)
}

/// Documents from which the nonce of an encrypted file was taken: the file opens with them or not at all, so one that opened
/// vouches for its nonce. Any other document of such a name is a file like any other.
fn claim_nonces(inventory: &Inventory, bundle: &mut Bundle) {
    for (entry, sealed) in inventory.sealed.iter().filter(|(_, sealed)| sealed.nonce_beside) {
        let name = [inventory.entry(*entry).normal_path(), sealed_plan::NONCE.as_bytes()].concat();
        let role = if sealed.plain.is_some() { Role::Metadata } else { Role::Manifest };
        if let Some(document) = inventory.document(&name) {
            bundle.claims.document(&document.name, document.location, role);
        }
    }
}

fn read_provenance(inventory: &Inventory, bundle: &mut Bundle, place: &Place) {
    let Some(document) = place.document(inventory, place.provenance) else {
        let detail = format!("the layout has a {} and the bundle has none", place.provenance);
        bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, place.layout.path(place.provenance), detail));
        return;
    };
    // Not evidence by itself: most of what it says is compared with nothing.
    let index = bundle.claims.document(&document.name, document.location, Role::Manifest);
    let provenance = match Provenance::read(document) {
        Ok(provenance) => provenance,
        Err(failed) => {
            bundle.checks.push(*failed);
            bundle.claims.reject(index);
            return;
        }
    };
    let manifest = inventory.find(&place.layout.path(place.export));
    if let Some(sha256) = manifest.and_then(|entry| inventory.entry(entry).digest()) {
        let row = provenance.check(&document.name, place.export, sha256);
        if row.failed() {
            bundle.claims.reject(index);
        }
        bundle.checks.push(row);
    }
    bundle.facts.push(provenance.facts(document));
}

/// Indexes that are larger than documents may be: nothing is known of their counts.
fn tell_unread_indexes(inventory: &Inventory, bundle: &mut Bundle, place: &Place) {
    let is_index = |name: &[u8]| {
        place.layout.inside(name).is_some_and(|name| name.starts_with(b"indexes/") && name.ends_with(b".index.json"))
    };
    for entry in inventory.entries.iter().filter(|entry| is_index(entry.normal_path())) {
        if inventory.document(entry.normal_path()).is_none() {
            let detail =
                format!("{} bytes are more than an index may have here: its counts were not compared", entry.size);
            bundle.checks.push(Check::skip(check::INDEX_COUNTS, &entry.path, detail));
        }
    }
}

fn read_indexes(inventory: &Inventory, bundle: &mut Bundle, place: &Place, summary: Option<&MirrorManifest>) {
    tell_unread_indexes(inventory, bundle, place);
    for document in &inventory.documents {
        let Some(name) = place.layout.inside(&document.name).and_then(|name| name.strip_prefix(b"indexes/")) else {
            continue;
        };
        let Some(domain) = name.strip_suffix(b".index.json") else { continue };
        let (row, count) = index::check(inventory, &place.layout, document);
        let count = count.filter(|_| !row.failed());
        bundle.checks.push(row);
        let domain = String::from_utf8_lossy(domain);
        if let (Some(count), Some(stated)) = (count, summary.and_then(|summary| summary.count(&domain)))
            && count != stated
        {
            let name = place.layout.path("manifest.yaml");
            let detail = format!("it counts {stated} {domain}, indexes/{domain}.index.json has {count}");
            bundle.checks.push(Check::fail(check::MANIFEST_TOTALS, name, detail));
        }
    }
}
