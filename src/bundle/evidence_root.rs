//! Roots and identity of Evidence Locker bundles: three documents state them, and they must agree; how the root is computed
//! is not documented, so known recipes are tried and the one that fits is named (formats.md 18.2).

use super::evidence::{BundleInfo, Manifest, Read, kind_number};
use super::model::Bundle;
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
    let mut entries: Vec<(&str, &str)> =
        manifest.entries.iter().map(|e| (e.canonical_path.as_str(), e.sha256.trim_start_matches("sha256:"))).collect();
    entries.sort_unstable();
    let digests: Vec<&str> = entries.iter().map(|(_, digest)| *digest).collect();
    let leaves: Vec<[u8; 32]> = digests.iter().filter_map(|d| digest::parse_sha256(d).ok()).collect();
    let mut found = vec![
        ("SHA-256 over the digests in path order joined by line feeds", hex(&sha256(digests.join("\n").as_bytes()))),
        ("an RFC 6962 tree over the digests in path order", hex(&merkle(&leaves))),
    ];
    if let Some(list) = list {
        found.push(("SHA-256 over the checksum lines", hex(&sha256(&list.text))));
    }
    found
}

/// RFC 6962 2.1 tree hash; leaves are the digests' bytes.
fn merkle(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256(b""),
        [leaf] => sha256(&[&[0][..], leaf].concat()),
        _ => {
            let split = (leaves.len().next_power_of_two() / 2).max(1);
            let (left, right) = leaves.split_at(split);
            sha256(&[&[1][..], &merkle(left), &merkle(right)].concat())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_of_rfc_6962() {
        assert_eq!(hex(&merkle(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let leaf = |n: u8| sha256(&[&[0][..], &[n; 32]].concat());
        let node = |l: [u8; 32], r: [u8; 32]| sha256(&[&[1][..], &l, &r].concat());
        assert_eq!(merkle(&[[1; 32], [2; 32], [3; 32]]), node(node(leaf(1), leaf(2)), leaf(3)));
        assert_eq!(merkle(&[[1; 32], [2; 32], [3; 32], [4; 32]]), node(node(leaf(1), leaf(2)), node(leaf(3), leaf(4))));
    }
}
