//! Evidence Locker bundles, sealed and portable: the archive that `stella devportal verify` takes (formats.md 2.3, 3.1, 3.3).
//!
//! They carry five metadata files; the artefacts that they name lie elsewhere and are listed as external.

use super::determinism::{self, DEVPORTAL_MTIME};
use super::evidence_root;
use super::kind::{Kind, Likelihood};
use super::layout::{self, Layout};
use super::lists;
use super::model::{Bundle, External, Facts};
use super::signed;
use crate::format::digest::{self, Digest, hex};
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::time;
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const PAYLOAD_TYPES: &[&str] = &["application/vnd.stella.evidence.manifest+json"];
/// Instructions and scripts: nothing signed can vouch for them.
const SET_ASIDE: [&str; 3] = ["instructions.txt", "instructions-portable.txt", "verify-offline.sh"];
/// What a sealed bundle holds.
const MARKERS: [&str; 4] = ["manifest.json", "signature.json", "bundle.json", "checksums.txt"];

/// Both manifest schemas: A ("EB1", no dashes in ids) and B ("bundle-packaging.v1").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) bundle_id: String,
    tenant_id: Option<String>,
    kind: Option<Value>,
    created_at: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    pub(super) entries: Vec<Entry>,
    pub(super) hash_summary: Option<HashSummary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    section: String,
    pub(super) canonical_path: String,
    pub(super) sha256: String,
    pub(super) size_bytes: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HashSummary {
    pub(super) merkle_root: Option<String>,
}

/// bundle.json; the portable form is redacted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BundleInfo {
    pub(super) bundle_id: Option<String>,
    kind: Option<Value>,
    pub(super) root_hash: Option<String>,
    status: Option<Value>,
    created_at: Option<String>,
    tenant_id: Option<String>,
    storage_key: Option<String>,
}

/// The sealed form.
pub struct EvidenceSealed;
/// The portable form.
pub struct EvidencePortable;

impl Kind for EvidenceSealed {
    fn id(&self) -> &'static str {
        "evidence:sealed"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        detect(inventory, false)
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        interpret(inventory, false)
    }
}

impl Kind for EvidencePortable {
    fn id(&self) -> &'static str {
        "evidence:portable"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        detect(inventory, true)
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        interpret(inventory, true)
    }
}

fn detect(inventory: &Inventory, portable: bool) -> Likelihood {
    let Some(layout) = Layout::find(inventory, "signature.json") else { return Likelihood::No };
    let has = |name: &str| inventory.find(&layout.path(name)).is_some();
    let is_portable = has("instructions-portable.txt") || has("verify-offline.sh");
    if portable != is_portable {
        return Likelihood::No;
    }
    match MARKERS.iter().find(|marker| !has(marker)) {
        None => Likelihood::Yes {
            version: None,
            because: if portable {
                "manifest.json, signature.json, bundle.json and checksums.txt with portable instructions"
                    .into()
            } else {
                "manifest.json, signature.json, bundle.json and checksums.txt".into()
            },
        },
        Some(_) if !has("manifest.json") => Likelihood::No,
        Some(lacking) => Likelihood::Near(format!("there is a signature.json but no {lacking}")),
    }
}

fn interpret(inventory: &mut Inventory, portable: bool) -> Bundle {
    let layout = Layout::find(inventory, "manifest.json").unwrap_or_default();
    let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
    bundle.set_aside = SET_ASIDE.iter().map(|name| layout.path(name)).collect();
    read_signature(inventory, &mut bundle, &layout);
    let manifest = read_document::<Manifest>(inventory, &mut bundle, &layout, "manifest.json");
    let info = read_document::<BundleInfo>(inventory, &mut bundle, &layout, "bundle.json");
    if let Some((name, info)) = &info {
        let location = layout.document(inventory, "bundle.json").map_or(Location::Sidecar, |d| d.location);
        bundle.claims.document(name, location, Role::Metadata);
        bundle.facts.push(info.facts(name));
        if portable {
            bundle.checks.push(redacted(info, name));
        }
    }
    if let Some((name, manifest)) = &manifest {
        judge_manifest(inventory, &mut bundle, &layout, name, manifest);
    }
    let list = read_list(inventory, &mut bundle, &layout, manifest.as_ref().map(|(_, manifest)| manifest));
    evidence_root::judge(&mut bundle, manifest.as_ref(), info.as_ref(), list.as_ref());
    bundle.claims.sort();
    bundle.checks.push(determinism::judge(inventory, DEVPORTAL_MTIME));
    bundle
}

fn read_signature(inventory: &mut Inventory, bundle: &mut Bundle, layout: &Layout) {
    let (inside, manifest) = (layout.path("signature.json"), inventory.find(&layout.path("manifest.json")));
    let wanted = |document: &Document| match document.location {
        Location::Entry(_) => document.name == inside,
        Location::Sidecar => document.envelope,
    };
    for position in signed::positions(inventory, wanted) {
        match signed::read(inventory, &mut bundle.claims, position, PAYLOAD_TYPES, manifest, true) {
            Ok(document) => {
                bundle.checks.extend(document.checks(inventory));
                bundle.facts.push(document.facts());
                bundle.signed.push(document);
            }
            Err(check) => bundle.checks.push(*check),
        }
    }
}

fn read_document<T: for<'a> Deserialize<'a>>(
    inventory: &Inventory,
    bundle: &mut Bundle,
    layout: &Layout,
    name: &'static str,
) -> Option<(Vec<u8>, T)> {
    let Some(document) = layout.document(inventory, name) else {
        bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, name, format!("the bundle has no {name}")));
        return None;
    };
    match layout::read(document) {
        Ok(value) => {
            bundle.checks.push(layout::read_well(&document.name));
            Some((document.name.clone(), value))
        }
        Err(failed) => {
            bundle.checks.push(*failed);
            None
        }
    }
}

fn judge_manifest(
    inventory: &Inventory,
    bundle: &mut Bundle,
    layout: &Layout,
    name: &[u8],
    manifest: &Manifest,
) {
    bundle.checks.push(Check::of(check::DOCUMENT_SCHEMA, name, manifest.schema()));
    bundle.facts.push(manifest.facts(name));
    bundle.created = manifest
        .created_at
        .as_deref()
        .and_then(|at| time::parse_rfc3339(at).ok())
        .map(|at| (at, name.to_vec()));
    let location = layout.document(inventory, "manifest.json").map_or(Location::Sidecar, |d| d.location);
    let index = bundle.claims.document(name, location, Role::Manifest);
    for entry in &manifest.entries {
        let target = layout.path(&entry.canonical_path);
        match (inventory.find(&target), digest::parse_sha256(&entry.sha256)) {
            (Some(_), Ok(sha256)) => {
                bundle.claims.state(
                    inventory,
                    index,
                    &target,
                    Some(Digest::Sha256(sha256)),
                    Some(entry.size_bytes),
                );
            }
            (None, Ok(_)) => bundle.external.push(External {
                path: entry.canonical_path.clone(),
                sha256: entry.sha256.clone(),
                size: entry.size_bytes,
            }),
            (_, Err(_)) => {}
        }
    }
    if !bundle.external.is_empty() {
        let detail = format!(
            "{} artefacts are named and not carried by this form of bundle: their digests are authenticated with the manifest, \
             their bytes are not here",
            bundle.external.len()
        );
        bundle.checks.push(Check::skip(check::EVIDENCE_EXTERNAL, name, detail));
    }
}

/// checksums.txt: its lines must be those of the manifest.
fn read_list(
    inventory: &Inventory,
    bundle: &mut Bundle,
    layout: &Layout,
    manifest: Option<&Manifest>,
) -> Option<(Vec<u8>, evidence_root::List)> {
    let Some(document) = layout.document(inventory, "checksums.txt") else {
        bundle.checks.push(Check::fail(
            check::DOCUMENT_PRESENT,
            "checksums.txt",
            "the bundle has no checksums.txt",
        ));
        return None;
    };
    let index = bundle.claims.document(&document.name, document.location, Role::List);
    let mut list = evidence_root::List { root: None, lines: Vec::new(), text: lines_without_root(document) };
    let claims = &mut bundle.claims;
    let summary = lists::read(&document.bytes, |name, digest| {
        let target = layout.path(name);
        if inventory.find(&target).is_some() {
            claims.state(inventory, index, &target, Some(digest), None);
        }
        let Digest::Sha256(sha256) = digest else { return Err("expected a SHA-256 digest".into()) };
        list.lines.push((String::from_utf8_lossy(name).into_owned(), hex(&sha256)));
        Ok(())
    });
    list.root = summary.root.map(|root| hex(&root));
    bundle.checks.push(summary.check(&document.name));
    if let Some(manifest) = manifest {
        bundle.checks.push(Check::of(
            check::DOCUMENTS_AGREE,
            &document.name,
            same_lines(manifest, &list, layout, inventory),
        ));
    }
    Some((document.name.clone(), list))
}

fn lines_without_root(document: &Document) -> Vec<u8> {
    let text = &document.bytes;
    let end = text.iter().position(|c| *c == b'\n').map_or(text.len(), |at| at + 1);
    if text.starts_with(b"root ") { text[end..].to_vec() } else { text.clone() }
}

/// Every manifest entry has its line with the same digest; other lines name files of the bundle itself.
fn same_lines(
    manifest: &Manifest,
    list: &evidence_root::List,
    layout: &Layout,
    inventory: &Inventory,
) -> Result<String, String> {
    let stated: BTreeMap<&str, &str> =
        list.lines.iter().map(|(path, digest)| (path.as_str(), digest.as_str())).collect();
    if stated.len() != list.lines.len() {
        return Err("checksums.txt names a path twice".into());
    }
    let mut named = std::collections::BTreeSet::new();
    for entry in &manifest.entries {
        let path = entry.canonical_path.as_str();
        if !named.insert(path) {
            return Err(format!("manifest.json names {path} twice"));
        }
        match stated.get(path) {
            None => return Err(format!("manifest.json names {path}, checksums.txt does not")),
            Some(digest) if *digest != entry.sha256.trim_start_matches("sha256:") => {
                return Err(format!("{path}: manifest.json says {}, checksums.txt {digest}", entry.sha256));
            }
            Some(_) => {}
        }
    }
    match stated.keys().find(|path| !named.contains(**path) && inventory.find(&layout.path(path)).is_none()) {
        Some(path) => Err(format!("checksums.txt names {path}, manifest.json does not")),
        None => Ok("manifest.json and checksums.txt name the same artefacts with the same digests".into()),
    }
}

/// The portable form must not tell tenants or storage coordinates.
fn redacted(info: &BundleInfo, name: &[u8]) -> Check {
    let told: Vec<&str> =
        [("tenantId", info.tenant_id.is_some()), ("storageKey", info.storage_key.is_some())]
            .into_iter()
            .filter_map(|(field, present)| present.then_some(field))
            .collect();
    if told.is_empty() {
        return Check::pass(check::DOCUMENT_SCHEMA, name, "redacted: no tenant, no storage coordinates");
    }
    let detail =
        format!("hint, not a failure: the portable form should be redacted and tells {}", told.join(" and "));
    Check::skip(check::DOCUMENT_SCHEMA, name, detail)
}

impl Manifest {
    fn schema(&self) -> Result<String, String> {
        let dashed = super::devportal::is_uuid(&self.bundle_id);
        let bare = self.bundle_id.len() == 32 && self.bundle_id.bytes().all(|c| c.is_ascii_hexdigit());
        if !dashed && !bare {
            return Err(format!(
                "expected bundleId as a UUID with or without dashes, found {}",
                self.bundle_id
            ));
        }
        if self.entries.is_empty() {
            return Err("entries is empty".into());
        }
        if let Some(at) = &self.created_at {
            time::parse_rfc3339(at).map_err(|why| format!("createdAt: {why}, found {at}"))?;
        }
        for (number, entry) in self.entries.iter().enumerate() {
            digest::parse_sha256(&entry.sha256).map_err(|why| format!("entries[{number}]: {why}"))?;
            if let Some(why) = crate::format::path::danger(entry.canonical_path.as_bytes()) {
                return Err(format!(
                    "entries[{number}]: the path {:?} is refused: {why}",
                    entry.canonical_path
                ));
            }
        }
        Ok(format!(
            "schema {}, {} entries",
            if bare { "A (EB1)" } else { "B (bundle-packaging.v1)" },
            self.entries.len()
        ))
    }

    fn facts(&self, name: &[u8]) -> Facts {
        let mut items = vec![("bundle id", self.bundle_id.clone())];
        let optional = [
            ("tenant id", self.tenant_id.clone()),
            ("kind", self.kind.as_ref().map(Value::to_string)),
            ("created at", self.created_at.clone()),
            ("merkle root", self.hash_summary.as_ref().and_then(|h| h.merkle_root.clone())),
        ];
        items.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let mut sections: BTreeMap<&str, usize> = BTreeMap::new();
        self.entries.iter().for_each(|e| *sections.entry(&e.section).or_default() += 1);
        items.extend(
            sections.iter().map(|(section, count)| ("section", format!("{section}: {count} artefacts"))),
        );
        items.extend(self.metadata.iter().map(|(key, value)| ("metadata", format!("{key} = {value}"))));
        Facts { document: name.to_vec(), items }
    }
}

impl BundleInfo {
    fn facts(&self, name: &[u8]) -> Facts {
        let items = [
            ("bundle id", self.bundle_id.clone()),
            ("kind", self.kind.as_ref().map(Value::to_string)),
            ("status", self.status.as_ref().map(Value::to_string)),
            ("root hash", self.root_hash.clone()),
            ("created at", self.created_at.clone()),
        ];
        Facts {
            document: name.to_vec(),
            items: items.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        }
    }
}
