//! `devportal:offline` v1: manifest.json, checksums.txt and a DSSE envelope that must agree three ways (formats.md 2.1, 2.2).

use super::determinism::{self, DEVPORTAL};
use super::devportal_manifest::{Manifest, TOP_FILES, VERSION};
use super::kind::{Kind, Likelihood};
use super::layout::{self, Layout};
use super::listing;
use super::lists;
use super::model::Bundle;
use super::signed::{self, Target};
use crate::format::digest::{self, Digest, hex};
use crate::format::inventory::{Inventory, Location};
use crate::format::{path, time};
use crate::trust::check::{self, Check};
use crate::trust::claims::{DocumentIndex, Role};
use serde::Deserialize;

/// Payload type of the signed manifest.
pub const PAYLOAD_TYPES: &[&str] = &["application/vnd.stella.devportal.manifest+json"];
/// Files that nothing signed can vouch for.
const SET_ASIDE: [&str; 2] = ["instructions-portable.txt", "verify-offline.sh"];
/// The kind.
pub struct DevportalOffline;

impl Kind for DevportalOffline {
    fn id(&self) -> &'static str {
        "devportal:offline"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        let Some(version) = manifest_version(inventory) else { return Likelihood::No };
        if version == VERSION {
            return Likelihood::Yes { because: format!("manifest.json has version {VERSION}"), version: Some(version) };
        }
        if version.starts_with("devportal-offline/") {
            return Likelihood::Near(format!("manifest.json has version {version}, this tool reads {VERSION}"));
        }
        Likelihood::No
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let layout = Layout::find(inventory, "manifest.json").unwrap_or_default();
        let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
        bundle.set_aside = SET_ASIDE.iter().map(|name| layout.path(name)).collect();
        read_envelopes(inventory, &mut bundle, &layout);
        let manifest = read_manifest(inventory, &mut bundle, &layout);
        let list = read_checksums(inventory, &mut bundle, &layout);
        bundle.claims.sort();
        if let (Some(manifest), Some(list)) = (manifest, list) {
            // The list may add the files of the layout.
            listing::agree(inventory, &mut bundle, manifest, list, &|name, by| by == list && of_layout(&layout, name));
        }
        bundle.checks.push(determinism::judge(inventory, &DEVPORTAL));
        bundle
    }
}

fn of_layout(layout: &Layout, name: &[u8]) -> bool {
    let inside = layout.inside(name).unwrap_or(b"");
    TOP_FILES.iter().any(|file| file.as_bytes() == inside) || inside == b"manifest.dsse.json"
}

/// The `version` member of manifest.json, as far as it can be read at all.
pub(super) fn manifest_version(inventory: &Inventory) -> Option<String> {
    #[derive(Deserialize)]
    struct Probe {
        version: String,
    }
    let layout = Layout::find(inventory, "manifest.json")?;
    let document = layout.document(inventory, "manifest.json")?;
    serde_json::from_slice::<Probe>(&document.bytes).ok().map(|probe| probe.version).or_else(|| {
        // A manifest that is not strict JSON is still of this kind: it must fail as one, not pass for a plain archive.
        let text = String::from_utf8_lossy(&document.bytes[..document.bytes.len().min(4096)]);
        text.contains(VERSION).then(|| VERSION.to_string())
    })
}

/// Reads `manifest.dsse.json` inside and beside the archive.
pub(super) fn read_envelopes(inventory: &mut Inventory, bundle: &mut Bundle, layout: &Layout) {
    let inside = layout.path("manifest.dsse.json");
    let manifest = inventory.find(&layout.path("manifest.json"));
    for position in
        signed::positions(inventory, |d| d.name == inside || (d.location == Location::Sidecar && d.envelope))
    {
        match signed::read(inventory, &mut bundle.claims, position, PAYLOAD_TYPES, manifest.map(Target::Entry), false) {
            Ok(document) => {
                bundle.checks.extend(document.checks(inventory));
                bundle.checks.extend(compare_outer(inventory, &document, layout));
                bundle.facts.push(document.facts());
                bundle.signed.push(document);
            }
            Err(check) => bundle.checks.push(*check),
        }
    }
}

/// Members around the envelope: unsigned, so they can only contradict.
fn compare_outer(inventory: &Inventory, document: &super::model::SignedDocument, layout: &Layout) -> Option<Check> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Identity {
        bundle_id: Option<String>,
    }
    let (root_hash, bundle_id) = (document.parsed.root_hash.as_deref(), document.parsed.bundle_id.as_deref());
    if root_hash.is_none() && bundle_id.is_none() {
        return None;
    }
    let manifest = layout.document(inventory, "manifest.json")?;
    let computed = hex(&digest::sha256(&manifest.bytes));
    let fail = |detail: String| Some(Check::fail(check::SIGNATURE_DOCUMENT, &document.name, detail));
    if let Some(stated) = root_hash
        && digest::parse_sha256(stated).map(|bytes| hex(&bytes)).as_deref() != Ok(&computed)
    {
        return fail(format!("rootHash is {stated}, the SHA-256 of manifest.json is {computed}"));
    }
    let identity = serde_json::from_slice::<Identity>(&manifest.bytes).ok().and_then(|identity| identity.bundle_id);
    if let (Some(stated), Some(found)) = (bundle_id, identity)
        && stated != found
    {
        return fail(format!("bundleId is {stated}, manifest.json has {found}"));
    }
    Some(Check::pass(check::SIGNATURE_DOCUMENT, &document.name, "its bundleId and rootHash are those of manifest.json"))
}

fn read_manifest(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout) -> Option<DocumentIndex> {
    let Some(document) = layout.document(inventory, "manifest.json") else {
        bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, "manifest.json", "the bundle has no manifest.json"));
        return None;
    };
    let index = bundle.claims.document(&document.name, document.location, Role::Manifest);
    let manifest: Manifest = match layout::read(document) {
        Ok(manifest) => manifest,
        Err(failed) => {
            bundle.checks.push(*failed);
            bundle.claims.reject(index);
            bundle.unreadable = true;
            return None;
        }
    };
    bundle.checks.push(layout::read_well(&document.name));
    bundle.checks.extend(manifest.check(document));
    bundle.facts.push(manifest.facts(document));
    bundle.created = time::parse_rfc3339(&manifest.generated_at).ok().map(|at| (at, document.name.clone()));
    for entry in &manifest.entries {
        if let Ok(sha256) = digest::parse_sha256(&entry.sha256)
            && path::danger(entry.path.as_bytes()).is_none()
        {
            let target = layout.path(entry.path.as_bytes());
            bundle.claims.state(inventory, index, &target, Some(Digest::Sha256(sha256)), Some(entry.size_bytes));
        }
    }
    Some(index)
}

fn read_checksums(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout) -> Option<DocumentIndex> {
    let Some(list) = layout.document(inventory, "checksums.txt") else {
        let detail = "the layout has a checksums.txt and the bundle has none; manifest and list cannot be compared";
        bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, "checksums.txt", detail));
        return None;
    };
    let (index, summary) = lists::claim(inventory, &mut bundle.claims, list);
    bundle.checks.push(summary.check(&list.name));
    let manifest = inventory.find(&layout.path("manifest.json"));
    let computed = manifest.and_then(|entry| inventory.entry(entry).digest().copied());
    bundle.checks.push(match (summary.root, computed) {
        (Some(stated), Some(computed)) if stated == computed => {
            let name = layout.path("manifest.json");
            bundle.claims.state(inventory, index, &name, Some(Digest::Sha256(stated)), None);
            Check::pass(check::MANIFEST_ROOT, &list.name, "the root line is the SHA-256 of manifest.json")
        }
        (Some(stated), Some(computed)) => {
            let detail =
                format!("the root line says {}, the SHA-256 of manifest.json is {}", hex(&stated), hex(&computed));
            Check::fail(check::MANIFEST_ROOT, layout.path("manifest.json"), detail)
        }
        (None, _) => Check::fail(
            check::MANIFEST_ROOT,
            &list.name,
            "expected a first line `root <sha256 of manifest.json>`, found none",
        ),
        (_, None) => {
            Check::fail(check::MANIFEST_ROOT, &list.name, "there is no manifest.json to compare the root line with")
        }
    });
    Some(index)
}
