//! The `delta/` tree of a mirror: what it says of its base, and whether its lists, its tombstones and its files agree.

use super::export_manifest::{DeltaBlock, ExportManifest};
use super::export_run::Place;
use super::layout::{self, Layout};
use super::mirror_manifest::MirrorManifest;
use super::model::{Base, Bundle, Delta};
use super::rows::Changes;
use crate::format::digest::{self, Digest, hex, sha256};
use crate::format::inventory::{Document, EntryKind, Inventory, Location};
use crate::format::{json, path};
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;
use crate::trust::policy::Property;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The document that lists the changes, below the root of the mirror.
pub(super) const DIFF: &str = "delta/manifest.diff.json";
/// The log in which an importer records what it applied, one export id a line, oldest first.
const APPLIED_LOG: &[u8] = b"appliedExportIds.log";

/// Whether a document beside the input is that log: by its name, or any log that the operator named.
pub fn is_applied_log(document: &Document) -> bool {
    let beside = document.location == Location::Sidecar;
    beside && (document.name == APPLIED_LOG || (document.named && document.name.ends_with(b".log")))
}

/// manifest.diff.json. Rows are objects with a path, or plain paths.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Diff<'a> {
    base_export_id: String,
    #[serde(alias = "baseManifestHash")]
    base_manifest_digest: String,
    #[serde(default)]
    reset_baseline: bool,
    counts: Counts,
    #[serde(borrow, default)]
    added: Changes<'a>,
    #[serde(borrow, default)]
    updated: Changes<'a>,
    #[serde(borrow, default)]
    removed: Changes<'a>,
    #[serde(borrow, default)]
    tombstones: Changes<'a>,
}

#[derive(Deserialize)]
struct Counts {
    added: Option<u64>,
    updated: Option<u64>,
    removed: Option<u64>,
}

/// Reads the diff, states its claims and leaves what has to be compared with the base in `bundle.delta`.
pub(super) fn read(inventory: &Inventory, bundle: &mut Bundle, place: &Place, export: &ExportManifest<'_>) {
    let Some(document) = place.document(inventory, DIFF) else {
        let detail = format!("a delta has a {DIFF}, and the bundle has none");
        bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, place.layout.path(DIFF), detail));
        return;
    };
    let index = bundle.claims.document(&document.name, document.location, Role::Manifest);
    let diff: Diff<'_> = match layout::read_within(document, json::ROWS) {
        Ok(diff) => diff,
        Err(failed) => {
            bundle.checks.push(*failed);
            bundle.claims.reject(index);
            return;
        }
    };
    for (folder, rows) in [("added", &diff.added), ("updated", &diff.updated)] {
        for row in &rows.0 {
            let Some(name) = row.path.as_deref().filter(|name| path::danger(name.as_bytes()).is_none()) else {
                continue;
            };
            let target = place.layout.path(format!("delta/{folder}/{name}"));
            bundle.claims.state(inventory, index, &target, row.sha256.map(Digest::Sha256), row.bytes);
        }
    }
    bundle.checks.extend(export.delta.as_ref().map(|block| agrees(document, &diff, block)));
    let changes = changes(inventory, &place.layout, &diff, export.delta.as_ref());
    bundle.checks.push(Check::of(check::DELTA_CHANGES, &document.name, changes));
    let mut all = [&diff.added, &diff.updated, &diff.removed, &diff.tombstones].into_iter().flat_map(Changes::paths);
    if let Some((path, why)) = all.find_map(|path| Some((path, path::danger(path.as_bytes())?))) {
        let detail = format!("the path {path:?} is refused: {why}");
        bundle.checks.push(Check::fail(check::MANIFEST_PATHS, &document.name, detail));
    }
    let safe = |path: &&str| path::danger(path.as_bytes()).is_none();
    let paths = |rows: &Changes<'_>| rows.paths().filter(safe).map(String::from).collect();
    bundle.promised.push(Property::Sequence);
    bundle.delta = Some(Delta {
        document: document.name.clone(),
        own_id: export.export_id.to_string(),
        base_id: diff.base_export_id.clone(),
        base_digest: diff.base_manifest_digest.clone(),
        reset: diff.reset_baseline,
        added: paths(&diff.added),
        updated: paths(&diff.updated),
        removed: paths(&diff.removed),
    });
}

/// The diff and the delta block of export.json name one base.
fn agrees(document: &Document, diff: &Diff<'_>, block: &DeltaBlock<'_>) -> Check {
    let same_digest =
        digest::parse_sha256(&diff.base_manifest_digest).ok() == digest::parse_sha256(&block.base_manifest_digest).ok();
    let rows = [
        ("baseExportId", diff.base_export_id == block.base_export_id),
        ("baseManifestDigest", same_digest),
        ("resetBaseline", diff.reset_baseline == block.reset_baseline),
    ];
    match rows.iter().find(|(_, same)| !same) {
        Some((field, _)) => {
            let detail = format!("{field} is another one here than in the delta block of export.json");
            Check::fail(check::DOCUMENTS_AGREE, &document.name, detail)
        }
        None => Check::pass(check::DOCUMENTS_AGREE, &document.name, "it names the base that export.json names"),
    }
}

/// Counts, paths, tombstones and files.
fn changes(
    inventory: &Inventory,
    layout: &Layout,
    diff: &Diff<'_>,
    block: Option<&DeltaBlock<'_>>,
) -> Result<String, String> {
    let lists = [("added", &diff.added), ("updated", &diff.updated), ("removed", &diff.removed)];
    let mut all = BTreeSet::new();
    for (name, rows) in lists {
        for (number, row) in (1..).zip(&rows.0) {
            let path = row.path.as_deref();
            let path =
                path.ok_or_else(|| format!("expected rows of {name} to name a path, row {number} names none"))?;
            if !all.insert(path) {
                return Err(format!("{path} is named twice: a change has one row"));
            }
        }
    }
    let stated = [diff.counts.added, diff.counts.updated, diff.counts.removed];
    for ((name, rows), stated) in lists.iter().zip(stated) {
        if let Some(stated) = stated.filter(|stated| *stated != rows.0.len() as u64) {
            return Err(format!("counts.{name} is {stated}, the list has {} rows", rows.0.len()));
        }
    }
    tombstones(diff, block)?;
    for (folder, rows) in [("added", &diff.added), ("updated", &diff.updated)] {
        let named: BTreeSet<&[u8]> = rows.paths().map(str::as_bytes).collect();
        let tree = layout.path(format!("delta/{folder}/"));
        let tree = [tree.strip_suffix(b"/").unwrap_or(&tree), b"/"].concat();
        let files = inventory.entries.iter().filter(|entry| entry.kind == EntryKind::File);
        let stray = files.filter_map(|entry| entry.normal_path().strip_prefix(&tree[..])).find(|p| !named.contains(p));
        if let Some(stray) = stray {
            let stray = path::lossless(stray);
            return Err(format!("delta/{folder}/{stray} is there, and the diff does not say that it was {folder}"));
        }
    }
    let [added, updated, removed] = lists.map(|(_, rows)| rows.0.len());
    Ok(format!("{added} added, {updated} updated, {removed} removed, each with its file or its tombstone"))
}

/// Every removal has a tombstone, and every tombstone a removal.
fn tombstones(diff: &Diff<'_>, block: Option<&DeltaBlock<'_>>) -> Result<(), String> {
    let of_block = block.map(|block| &block.tombstones);
    let tombstones: BTreeSet<&str> =
        std::iter::once(&diff.tombstones).chain(of_block).flat_map(Changes::paths).collect();
    let removed: BTreeSet<&str> = diff.removed.paths().collect();
    if let Some(path) = removed.difference(&tombstones).next() {
        return Err(format!("{path} is removed without a tombstone"));
    }
    match tombstones.difference(&removed).next() {
        Some(path) => Err(format!("{path} has a tombstone, and no row of removed")),
        None => Ok(()),
    }
}

/// Whether this file of a mirror is about the export as a whole, so that export.json does not list it.
pub(super) fn is_own_document(path: &[u8]) -> bool {
    let names: [&[u8]; 7] = [
        b"manifest.yaml",
        b"export.json",
        b"provenance.json",
        b"README.md",
        b"signatures/export.sig",
        b"signatures/manifest.sig",
        b"signatures/provenance.sig",
    ];
    names.contains(&path)
}

/// What the operator gave as `--base`, as far as a delta is compared with it.
///
/// # Errors
/// A sentence that says why it can be the base of nothing.
pub fn base_of(inventory: &Inventory) -> Result<Base, String> {
    let place = Place::find(inventory).ok_or("it holds no export.json")?;
    let document = place.document(inventory, place.export).ok_or("it holds no export.json")?;
    let export = ExportManifest::read(document).map_err(|failed| failed.detail)?;
    let digest_of = |name: &str| {
        let entry = inventory.find(&place.layout.path(name))?;
        inventory.entry(entry).digest().map(|digest| (name.to_string(), *digest))
    };
    // manifest.yaml is a manifest of the base only where it vouches for the export.json that is read here: else that could
    // be anybody's.
    let own = sha256(&document.bytes);
    let summary = place.document(inventory, "manifest.yaml").and_then(|document| MirrorManifest::read(document).ok());
    let binds =
        summary.is_some_and(|summary| summary.files.iter().any(|file| file.path == place.export && file.sha256 == own));
    let names = [Some(place.export), binds.then_some("manifest.yaml")];
    let complete = export.profile.variant == "full";
    // A delta may bring the documents of the new export, which export.json does not list.
    let own = inventory.entries.iter().filter(|entry| entry.kind == EntryKind::File);
    let own = own.filter_map(|entry| std::str::from_utf8(place.layout.inside(entry.normal_path())?).ok());
    let own = own.filter(|path| is_own_document(path.as_bytes())).map(str::to_string);
    let files = export.contents.iter().map(|content| content.path.to_string()).chain(own).collect();
    Ok(Base {
        export_id: export.export_id.to_string(),
        manifests: names.into_iter().flatten().filter_map(digest_of).collect(),
        files: complete.then_some(files),
    })
}

/// Compares a delta with its base and with each log of what was applied.
pub fn judge(inventory: &Inventory, delta: &Delta, base: Option<&Result<Base, String>>) -> Vec<Check> {
    let mut checks = Vec::new();
    let subject = &delta.document;
    match base {
        _ if delta.reset && base.is_none() => {
            let detail = "resetBaseline is true: it stands for a full refresh and builds on nothing";
            checks.push(Check::pass(check::DELTA_BASE, subject, detail));
        }
        None => {
            let detail = format!(
                "a delta needs the bundle that it builds on: give {} with --base, or take the last full mirror",
                delta.base_id
            );
            checks.push(Check::fail(check::DELTA_BASE, subject, detail));
        }
        Some(Err(why)) => {
            checks.push(Check::fail(check::DELTA_BASE, subject, format!("the bundle given as --base is none: {why}")));
        }
        Some(Ok(_)) if delta.reset => {
            let detail = "resetBaseline is true: it stands for a full refresh, and --base was not compared";
            checks.push(Check::pass(check::DELTA_BASE, subject, detail));
        }
        Some(Ok(base)) => {
            checks.push(Check::of(check::DELTA_BASE, subject, same_base(delta, base)));
            checks.extend(
                base.files.as_ref().map(|files| Check::of(check::DELTA_CHANGES, subject, against_files(delta, files))),
            );
        }
    }
    // Every one is judged: a log that was forgotten beside the input must not speak for one that says otherwise.
    let logs = inventory.documents.iter().filter(|document| is_applied_log(document));
    checks.extend(logs.map(|log| Check::of(check::DELTA_ORDER, &log.name, order(delta, &log.bytes))));
    checks
}

fn same_base(delta: &Delta, base: &Base) -> Result<String, String> {
    if delta.base_id != base.export_id {
        return Err(format!("it builds on export {}, --base is {}", delta.base_id, base.export_id));
    }
    let expected = digest::parse_sha256(&delta.base_digest)
        .map_err(|why| format!("baseManifestDigest: {why}, found {}", delta.base_digest))?;
    match base.manifests.iter().find(|(_, found)| *found == expected) {
        Some((name, _)) => Ok(format!("it builds on export {}, by id and by the digest of its {name}", base.export_id)),
        None => {
            let found: Vec<String> =
                base.manifests.iter().map(|(name, digest)| format!("{name} sha256:{}", hex(digest))).collect();
            Err(format!(
                "--base has the id {} that it builds on, but not the manifest: expected sha256:{}, found {}",
                base.export_id,
                hex(&expected),
                found.join(" and ")
            ))
        }
    }
}

fn against_files(delta: &Delta, files: &BTreeSet<String>) -> Result<String, String> {
    if let Some(path) = delta.added.iter().find(|path| files.contains(*path)) {
        return Err(format!("{path} is said to be added, and the base has it already"));
    }
    for (word, paths) in [("updated", &delta.updated), ("removed", &delta.removed)] {
        if let Some(path) = paths.iter().find(|path| !files.contains(*path)) {
            return Err(format!("{path} is said to be {word}, and the base does not have it"));
        }
    }
    Ok("what it adds is new to the base, what it updates and removes is there".into())
}

/// The log names what was applied, oldest first: the delta builds on the last one, and is not among them.
fn order(delta: &Delta, untrusted: &[u8]) -> Result<String, String> {
    let text =
        std::str::from_utf8(untrusted).map_err(|_| "expected one export id a line, found bytes that are no text")?;
    let applied: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if applied.contains(&delta.own_id.as_str()) {
        return Err(format!("{} was applied already", delta.own_id));
    }
    match applied.last() {
        _ if delta.reset => Ok(format!("{} is a full refresh, whatever was applied before", delta.own_id)),
        Some(last) if *last == delta.base_id => Ok(format!("the last export applied is its base, {last}")),
        Some(last) => Err(format!(
            "it builds on {}, the last export applied is {last}: apply what lies between, or the last full mirror",
            delta.base_id
        )),
        None => {
            Err(format!("it builds on {}, and nothing was applied yet: apply the full mirror first", delta.base_id))
        }
    }
}
