//! A delta of StellaOps' export of a database, compared with the export that it builds on (formats.md 7.1): the blobs that it
//! leaves out are those of its base.

use super::layout::Layout;
use super::model::{Bundle, OciAbsent, TrivyDatabase, TrivyExport};
use super::trivy;
use crate::format::digest::{self, Digest, Sha256Bytes, hex};
use crate::format::inventory::{Inventory, Location};
use crate::format::oci;
use crate::trust::check::{self, Check};
use crate::trust::claims::Claims;
use std::collections::BTreeMap;

/// Most blobs that a failed row names.
const MAX_NAMED: usize = 3;

/// The layout that a delta builds on, as far as the two are compared.
#[derive(Debug)]
pub struct OciBase {
    /// Digests of what may be called its manifest, by name: its index, and the manifests in that.
    manifests: Vec<(String, Sha256Bytes)>,
    /// Digest of each blob that was found, by path below the root of the layout.
    blobs: BTreeMap<String, Sha256Bytes>,
    /// Its databases, by the path of the layer below the root of the layout.
    databases: Vec<(String, TrivyDatabase)>,
    /// What StellaOps says of it.
    export: Option<TrivyExport>,
}

/// What the operator gave as `--base`: a sound layout, whoever made it.
///
/// # Errors
/// A sentence that says why it can be the base of nothing.
pub fn base_of(inventory: &Inventory, bundle: &mut Bundle) -> Result<OciBase, String> {
    let layout = Layout::find(inventory, "oci-layout").ok_or("it is no OCI layout")?;
    if let Some(wrong) = bundle.checks.iter().find(|check| check.failed()) {
        return Err(format!("it is not sound itself: {}: {}", wrong.kind.id, wrong.detail));
    }
    let oci = bundle.oci.as_ref().ok_or("it is no OCI layout that can be read")?;
    let trivy = bundle.trivy.take().unwrap_or_default();
    if let Some(blob) = oci.absent.first() {
        return Err(format!("it leaves out {} blobs itself, the first {}", oci.absent.len(), blob.digest));
    }
    let found = |path: &str| inventory.find(&layout.path(path)).and_then(|entry| inventory.entry(entry).digest());
    let mut manifests: Vec<(String, Sha256Bytes)> =
        found("index.json").map(|digest| ("index.json".to_string(), *digest)).into_iter().collect();
    for image in &oci.images {
        // What is there under the name of a digest need not have it.
        if let Ok(Digest::Sha256(named)) = oci::parse_digest(&image.digest)
            && found(&oci::blob_path(&Digest::Sha256(named))) == Some(&named)
        {
            manifests.push((image.name.clone().unwrap_or_else(|| "a manifest".into()), named));
        }
    }
    let inside = |path: &[u8]| String::from_utf8(layout.inside(path)?.to_vec()).ok();
    let hashed = inventory.entries.iter().filter_map(|entry| Some((inside(entry.normal_path())?, *entry.digest()?)));
    let blobs = hashed.filter(|(path, _)| oci::is_blob_path(path.as_bytes())).collect();
    let layer = |path: &[u8]| inside(path.split(|c| *c == b'!').next().unwrap_or(path));
    let databases = trivy.databases.into_iter().filter_map(|database| Some((layer(&database.path)?, database)));
    Ok(OciBase { manifests, blobs, databases: databases.collect(), export: trivy.export })
}

/// Compares a delta with its base and with each log of what was applied. What the base carries is no longer absent.
pub fn judge(
    inventory: &Inventory,
    bundle: &mut Bundle,
    export: &TrivyExport,
    base: Option<&Result<OciBase, String>>,
) -> Vec<Check> {
    let subject = &export.document;
    let mut checks = Vec::new();
    match base {
        None if export.reset_baseline => {
            let detail = "resetBaseline is true: it stands for a full refresh and builds on nothing";
            checks.push(Check::pass(check::DELTA_BASE, subject, detail));
        }
        None => {
            let id = export.base_export_id.as_deref().unwrap_or("the export that it builds on");
            let detail = format!(
                "a delta needs the layout that it builds on: give {id} with --base, or take the last full export"
            );
            checks.push(Check::fail(check::DELTA_BASE, subject, detail));
        }
        Some(Err(why)) => {
            checks.push(Check::fail(check::DELTA_BASE, subject, format!("the bundle given as --base is none: {why}")));
        }
        Some(Ok(_)) if export.reset_baseline => {
            let detail = "resetBaseline is true: it stands for a full refresh, and --base was not compared";
            checks.push(Check::pass(check::DELTA_BASE, subject, detail));
        }
        Some(Ok(_)) if !export.consistent => {
            let detail = "it contradicts itself, so it was not compared with --base";
            checks.push(Check::skip(check::DELTA_BASE, subject, detail));
        }
        Some(Ok(base)) => {
            let absent = bundle.oci.as_ref().map_or(&[][..], |oci| &oci.absent);
            let outcome = same_base(export, base, inventory).and_then(|words| {
                let more = completed(absent, &mut bundle.claims, inventory, base)?;
                Ok(format!("{words}; {more}"))
            });
            let is_base = outcome.is_ok();
            if is_base {
                take_databases(bundle, base);
                checks.append(&mut bundle.checks);
            }
            checks.push(Check::of(check::DELTA_BASE, subject, outcome));
            if is_base {
                checks.push(Check::of(check::DELTA_CHANGES, subject, plausible(export, base.export.as_ref())));
            }
        }
    }
    let beside = inventory.documents.iter().filter(|document| document.location == Location::Sidecar);
    let logs = beside.filter(|document| super::delta::is_applied_log(document));
    checks.extend(logs.map(|log| Check::of(check::DELTA_ORDER, &log.name, order(export, &log.bytes))));
    checks
}

/// The databases that the delta leaves out are those of its base, and are judged like its own.
fn take_databases(bundle: &mut Bundle, base: &OciBase) {
    let elsewhere = bundle.trivy.as_mut().map(|trivy| std::mem::take(&mut trivy.elsewhere)).unwrap_or_default();
    for (expected, layer) in elsewhere {
        let known = base.databases.iter().find(|(path, database)| *path == layer && database.expected == expected);
        let mut database = known.map_or_else(
            || TrivyDatabase {
                path: layer.clone().into_bytes(),
                expected,
                examined: None,
                metadata: None,
                alone: false,
            },
            |(_, database)| database.clone(),
        );
        database.path = [b"--base: ", database.path.as_slice()].concat();
        trivy::add(bundle, database);
    }
}

fn same_base(export: &TrivyExport, base: &OciBase, delta: &Inventory) -> Result<String, String> {
    let stated = export.base_manifest_digest.as_deref().unwrap_or_default();
    let expected =
        digest::parse_sha256(stated).map_err(|why| format!("baseManifestDigest: {why}, found {stated:?}"))?;
    let own = Layout::find(delta, "oci-layout").and_then(|layout| delta.find(&layout.path("index.json")));
    if own.is_some_and(|index| delta.entry(index).digest() == Some(&expected)) {
        return Err("baseManifestDigest is the digest of the delta's own index.json: it would build on itself".into());
    }
    match base.manifests.iter().find(|(_, found)| *found == expected) {
        Some((name, _)) => Ok(format!("--base has the manifest that it builds on: {name}, sha256:{}", hex(&expected))),
        None => {
            let found: Vec<String> = base
                .manifests
                .iter()
                .take(MAX_NAMED)
                .map(|(name, digest)| format!("{name} sha256:{}", hex(digest)))
                .collect();
            let found = if found.is_empty() { "none".into() } else { found.join(" and ") };
            Err(format!("expected a manifest sha256:{} in --base, found {found}", hex(&expected)))
        }
    }
}

/// The blobs that are not carried lie in the base, with the digest by which they are named.
fn completed(absent: &[OciAbsent], claims: &mut Claims, delta: &Inventory, base: &OciBase) -> Result<String, String> {
    let layout = Layout::find(delta, "oci-layout").unwrap_or_default();
    let mut lacking = Vec::new();
    for blob in absent {
        let digest = oci::parse_digest(&blob.digest)?;
        let path = oci::blob_path(&digest);
        match (digest, base.blobs.get(&path)) {
            (Digest::Sha256(expected), Some(found)) if expected == *found => claims.found_in_base(&layout.path(&path)),
            _ => lacking.push(blob.digest.as_str()),
        }
    }
    if lacking.is_empty() {
        return Ok(format!("{} blobs that it leaves out lie in the base, as they are named", absent.len()));
    }
    let more = if lacking.len() > MAX_NAMED { ", and others" } else { "" };
    let shown = lacking[..lacking.len().min(MAX_NAMED)].join(", ");
    Err(format!("{} blobs lie neither in it nor, with the right content, in the base: {shown}{more}", lacking.len()))
}

/// What the two exports say of their trees can be true together.
fn plausible(export: &TrivyExport, base: Option<&TrivyExport>) -> Result<String, String> {
    let Some(base) = base else { return Ok("the base says nothing of its tree".into()) };
    let nothing = export.changed_files == 0 && export.removed_paths == 0;
    if let (Some(new), Some(old)) = (&export.tree_digest, &base.tree_digest)
        && (new == old) != nothing
    {
        let (word, other) = if nothing { ("no", "another") } else { ("some", "the same") };
        return Err(format!("{word} files changed by its account, and it has {other} treeDigest as the base"));
    }
    if let (Some(new), Some(old)) = (export.advisory_count, base.advisory_count) {
        let (least, most) = (old.saturating_sub(export.removed_paths), old.saturating_add(export.changed_files));
        if new < least || new > most {
            return Err(format!(
                "advisoryCount is {new}; the base has {old}, of which {} were removed, and {} files changed or are new",
                export.removed_paths, export.changed_files
            ));
        }
    }
    if let (Some(new), Some(old)) = (export.tree_bytes, base.tree_bytes)
        && new > old.saturating_add(export.changed_bytes)
    {
        return Err(format!(
            "treeBytes is {new}; the tree of the base has {old}, and the changed files have {}",
            export.changed_bytes
        ));
    }
    Ok("its tree can have come from that of the base by these changes".into())
}

/// The log names what was applied, oldest first: a delta builds on the last one.
fn order(export: &TrivyExport, untrusted: &[u8]) -> Result<String, String> {
    let text =
        std::str::from_utf8(untrusted).map_err(|_| "expected one export id a line, found bytes that are no text")?;
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    match (last, export.base_export_id.as_deref()) {
        _ if export.reset_baseline => Ok("a full refresh, whatever was applied before".into()),
        (Some(last), Some(base)) if last == base => Ok(format!("the last export applied is its base, {last}")),
        (Some(last), base) => {
            Err(format!("it builds on {}, the last export applied is {last}", base.unwrap_or("none")))
        }
        (None, _) => Err("it builds on an export, and nothing was applied yet".into()),
    }
}
