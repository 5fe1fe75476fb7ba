//! Roots and identity of Evidence Locker bundles: three documents state them, and they must agree; how the root is computed
//! is not documented, so known recipes are tried and the one that fits is named (formats.md 18.2).

use super::evidence::{BundleInfo, Manifest, kind_number};
use super::layout::Read;
use super::model::Bundle;
use super::roots;
use crate::format::digest::{self, hex, sha256};
use crate::trust::check::{self, Check};

/// What checksums.txt states.
pub(super) struct List {
    /// The `root` line, lower-case hex.
    pub(super) root: Option<String>,
    /// Path and digest of each line.
    pub(super) lines: Vec<(String, String)>,
    /// The text after the root line.
    pub(super) text: Vec<u8>,
}

/// Adds the checks `evidence-identity` and `evidence-root`.
pub(super) fn judge(
    bundle: &mut Bundle,
    manifest: Option<&Read<Manifest>>,
    info: Option<&Read<BundleInfo>>,
    list: Option<&(Vec<u8>, List)>,
) {
    let (Some(manifest), Some(info)) = (manifest, info) else { return };
    bundle.checks.push(Check::of(check::EVIDENCE_IDENTITY, &info.name, identity(&manifest.value, &info.value)));
    bundle.checks.push(root(&manifest.name, &manifest.value, &info.value, list.map(|(_, list)| list)));
}

fn identity(manifest: &Manifest, info: &BundleInfo) -> Result<String, String> {
    let bare = |id: &str| id.replace('-', "").to_ascii_lowercase();
    if let (Some(a), Some(b)) = (&info.kind, &manifest.kind)
        && kind_number(a) != kind_number(b)
    {
        return Err(format!("bundle.json has kind {a}, manifest.json has {b}"));
    }
    match &info.bundle_id {
        Some(id) if bare(id) != bare(&manifest.bundle_id) => {
            Err(format!("bundle.json has bundleId {id}, manifest.json has {}", manifest.bundle_id))
        }
        Some(_) => Ok("bundle.json and manifest.json speak of one bundle".into()),
        None => Err("bundle.json has no bundleId".into()),
    }
}

fn root(name: &[u8], manifest: &Manifest, info: &BundleInfo, list: Option<&List>) -> Check {
    let stated = [
        ("checksums.txt root", list.and_then(|l| l.root.clone())),
        ("manifest.json hashSummary.merkleRoot", manifest.hash_summary.as_ref().and_then(|h| h.merkle_root.clone())),
        ("bundle.json rootHash", info.root_hash.clone()),
    ];
    let mut roots: Vec<(&str, String)> = Vec::new();
    for (place, text) in stated.into_iter().filter_map(|(place, text)| Some((place, text?))) {
        match digest::parse_sha256(&text) {
            Ok(bytes) => roots.push((place, hex(&bytes))),
            Err(why) => return Check::fail(check::EVIDENCE_ROOT, name, format!("{place}: {why}")),
        }
    }
    let Some((place, first)) = roots.first() else {
        return Check::fail(check::EVIDENCE_ROOT, name, "no document states a root");
    };
    if let Some((other, value)) = roots.iter().find(|(_, value)| value != first) {
        return Check::fail(check::EVIDENCE_ROOT, name, format!("{place} is {first}, {other} is {value}"));
    }
    match recipes(manifest, list).into_iter().find(|(_, value)| value == first) {
        Some((recipe, _)) => {
            let detail = format!("{} documents state one root; it is {recipe}", roots.len());
            Check::pass(check::EVIDENCE_ROOT, name, detail).with("root", first.clone()).with("recipe", recipe)
        }
        None => {
            let detail = format!(
                "{} documents state one root, and none of the known recipes gives it; what it covers is not known",
                roots.len()
            );
            Check::skip(check::EVIDENCE_ROOT, name, detail).with("root", first.clone())
        }
    }
}

/// Known recipes with what they give here.
fn recipes(manifest: &Manifest, list: Option<&List>) -> Vec<(&'static str, String)> {
    let digest = |entry: &'_ super::evidence::Entry| digest::parse_sha256(&entry.sha256).ok();
    let entries = manifest.entries.iter().filter_map(|e| Some((e.canonical_path.as_str(), digest(e)?))).collect();
    let mut found: Vec<_> = roots::recipes(entries).into_iter().map(|(name, root)| (name, hex(&root))).collect();
    if let Some(list) = list {
        found.push(("SHA-256 over the checksum lines", hex(&sha256(&list.text))));
    }
    found
}
