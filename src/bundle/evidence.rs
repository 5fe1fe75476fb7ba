//! Evidence Locker bundles, sealed and portable: the archive that `stella devportal verify` takes (formats.md 2.3, 3.1, 3.3).
//!
//! They carry five metadata files; the artefacts that they name lie elsewhere and are listed as external.

use super::determinism::{self, DEVPORTAL};
use super::evidence_root;
use super::kind::{Kind, Likelihood};
use super::layout::{self, Layout, Read, read_document};
use super::lists;
use super::model::{Bundle, External, Facts};
use super::signed::{self, Target};
use crate::format::digest::{self, Digest, hex};
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::time;
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

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
    pub(super) kind: Option<Box<RawValue>>,
    created_at: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    pub(super) entries: Vec<Entry>,
    pub(super) hash_summary: Option<HashSummary>,
}

/// All properties of schema A; it allows no other.
const SCHEMA_A: [&str; 8] =
    ["bundleId", "tenantId", "kind", "createdAt", "metadata", "entries", "hashSummary", "replayProvenance"];

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
    pub(super) kind: Option<Box<RawValue>>,
    pub(super) root_hash: Option<String>,
    status: Option<Box<RawValue>>,
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
                "manifest.json, signature.json, bundle.json and checksums.txt with portable instructions".into()
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
    let manifest = read_document::<Manifest>(inventory, &mut bundle, &layout, "manifest.json", Role::Manifest);
    bundle.unreadable = manifest.is_none();
    let info = read_document::<BundleInfo>(inventory, &mut bundle, &layout, "bundle.json", Role::Metadata);
    if let Some(Read { name, value: info, .. }) = &info {
        bundle.facts.push(info.facts(name));
        if portable {
            bundle.checks.push(redacted(info, name));
        }
    }
    if let Some(manifest) = &manifest {
        judge_manifest(inventory, &mut bundle, &layout, manifest);
    }
    let list = read_list(inventory, &mut bundle, &layout, manifest.as_ref().map(|read| &read.value));
    evidence_root::judge(&mut bundle, manifest.as_ref(), info.as_ref(), list.as_ref());
    bundle.claims.sort();
    bundle.checks.push(determinism::judge(inventory, &DEVPORTAL));
    bundle
}

fn read_signature(inventory: &mut Inventory, bundle: &mut Bundle, layout: &Layout) {
    bundle.checks.extend(signed::pass_over_foreign(inventory, PAYLOAD_TYPES));
    let (inside, manifest) = (layout.path("signature.json"), inventory.find(&layout.path("manifest.json")));
    let wanted = |document: &Document| match document.location {
        Location::Entry(_) => document.name == inside,
        Location::Sidecar => document.envelope,
    };
    for position in signed::positions(inventory, wanted) {
        match signed::read(inventory, &mut bundle.claims, position, PAYLOAD_TYPES, manifest.map(Target::Entry), true) {
            Ok(document) => {
                bundle.checks.extend(document.checks(inventory));
                bundle.facts.push(document.facts());
                bundle.signed.push(document);
            }
            Err(check) => bundle.checks.push(*check),
        }
    }
}

fn judge_manifest(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout, read: &Read<Manifest>) {
    let Read { name, value: manifest, index } = read;
    let text = layout.document(inventory, "manifest.json").map_or(&b""[..], |document| &document.bytes);
    let names = layout::member_names(text).map_err(|error| error.to_string());
    bundle.checks.push(Check::of(check::DOCUMENT_SCHEMA, name, names.and_then(|names| manifest.schema(&names))));
    bundle.facts.push(manifest.facts(name));
    bundle.created =
        manifest.created_at.as_deref().and_then(|at| time::parse_rfc3339(at).ok()).map(|at| (at, name.clone()));
    for entry in &manifest.entries {
        let target = layout.path(&entry.canonical_path);
        match (inventory.find(&target), digest::parse_sha256(&entry.sha256)) {
            (Some(_), Ok(sha256)) => {
                bundle.claims.state(inventory, *index, &target, Some(Digest::Sha256(sha256)), Some(entry.size_bytes));
            }
            (None, Ok(_)) => bundle.external.push(External {
                path: entry.canonical_path.clone(),
                sha256: entry.sha256.clone(),
                size: Some(entry.size_bytes),
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
        bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, "checksums.txt", "the bundle has no checksums.txt"));
        return None;
    };
    // Its lines name artefacts that lie elsewhere; they are compared with the manifest below, line by line.
    let index = bundle.claims.document(&document.name, document.location, Role::Metadata);
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
        let rows = same_lines(manifest, &list, layout, inventory);
        let detail = "manifest.json and checksums.txt name the same artefacts with the same digests";
        let pass = Check::pass(check::DOCUMENTS_AGREE, &document.name, detail);
        check::push_failures(&mut bundle.checks, rows, Some(pass));
    }
    Some((document.name.clone(), list))
}

fn lines_without_root(document: &Document) -> Vec<u8> {
    let text = &document.bytes;
    let end = text.iter().position(|c| *c == b'\n').map_or(text.len(), |at| at + 1);
    if text.starts_with(b"root ") { text[end..].to_vec() } else { text.clone() }
}

/// Every manifest entry has its line with the same digest; other lines name files of the bundle itself. One row a path.
fn same_lines(manifest: &Manifest, list: &evidence_root::List, layout: &Layout, inventory: &Inventory) -> Vec<Check> {
    let mut rows = Vec::new();
    let mut fail = |path: &str, detail: String| rows.push(Check::fail(check::DOCUMENTS_AGREE, path, detail));
    let mut lines: BTreeMap<&str, &str> = BTreeMap::new();
    for (path, digest) in &list.lines {
        if lines.insert(path, digest).is_some() {
            fail(path, "checksums.txt names it twice".into());
        }
    }
    let mut named = BTreeSet::new();
    for entry in &manifest.entries {
        let path = entry.canonical_path.as_str();
        if !named.insert(path) {
            fail(path, "manifest.json names it twice".into());
            continue;
        }
        match lines.get(path) {
            None => fail(path, "manifest.json names it, checksums.txt does not".into()),
            Some(digest) if *digest != entry.sha256.trim_start_matches("sha256:") => {
                fail(path, format!("manifest.json says {}, checksums.txt {digest}", entry.sha256));
            }
            Some(_) => {}
        }
    }
    for path in lines.keys().filter(|path| !named.contains(**path) && inventory.find(&layout.path(path)).is_none()) {
        fail(path, "checksums.txt names it, manifest.json does not".into());
    }
    rows
}

/// The portable form must not tell tenants or storage coordinates.
fn redacted(info: &BundleInfo, name: &[u8]) -> Check {
    let told: Vec<&str> = [("tenantId", info.tenant_id.is_some()), ("storageKey", info.storage_key.is_some())]
        .into_iter()
        .filter_map(|(field, present)| present.then_some(field))
        .collect();
    if told.is_empty() {
        return Check::pass(check::DOCUMENT_SCHEMA, name, "redacted: no tenant, no storage coordinates");
    }
    let detail = format!("hint, not a failure: the portable form should be redacted and tells {}", told.join(" and "));
    Check::skip(check::DOCUMENT_SCHEMA, name, detail)
}

impl Manifest {
    fn schema(&self, names: &BTreeSet<String>) -> Result<String, String> {
        let bare = is_bare_id(&self.bundle_id);
        if !is_id(&self.bundle_id) {
            return Err(format!("expected bundleId as a UUID with or without dashes, found {}", self.bundle_id));
        }
        if self.entries.is_empty() {
            return Err("entries is empty".into());
        }
        if let Some(id) = self.tenant_id.as_deref().filter(|id| !is_id(id)) {
            return Err(format!("expected tenantId as a UUID with or without dashes, found {id}"));
        }
        if let Some(kind) = self.kind.as_ref().filter(|kind| kind_number(kind).is_none()) {
            return Err(format!("expected kind as evaluation, job or export (1, 2, 3), found {kind}"));
        }
        if let Some(name) = names.iter().find(|name| bare && !SCHEMA_A.contains(&name.as_str())) {
            return Err(format!("schema A (EB1) has no property {name}"));
        }
        if let Some(at) = &self.created_at {
            time::parse_rfc3339(at).map_err(|why| format!("createdAt: {why}, found {at}"))?;
        }
        for (number, entry) in self.entries.iter().enumerate() {
            digest::parse_sha256(&entry.sha256).map_err(|why| format!("entries[{number}]: {why}"))?;
            if let Some(why) = crate::format::path::danger(entry.canonical_path.as_bytes()) {
                return Err(format!("entries[{number}]: the path {:?} is refused: {why}", entry.canonical_path));
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
            ("kind", self.kind.as_ref().map(ToString::to_string)),
            ("created at", self.created_at.clone()),
            ("merkle root", self.hash_summary.as_ref().and_then(|h| h.merkle_root.clone())),
        ];
        items.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let mut sections: BTreeMap<&str, usize> = BTreeMap::new();
        self.entries.iter().for_each(|e| *sections.entry(&e.section).or_default() += 1);
        items.extend(sections.iter().map(|(section, count)| ("section", format!("{section}: {count} artefacts"))));
        items.extend(self.metadata.iter().map(|(key, value)| ("metadata", format!("{key} = {value}"))));
        Facts { document: name.to_vec(), items }
    }
}

fn is_bare_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|c| c.is_ascii_hexdigit())
}

fn is_id(id: &str) -> bool {
    is_bare_id(id) || super::devportal_manifest::is_uuid(id)
}

/// The kind of a bundle by its number, whichever way it is written. Untrusted: what is longer than any kind is not even read.
pub(super) fn kind_number(kind: &RawValue) -> Option<u64> {
    let names = ["evaluation", "job", "export"];
    let text = Some(kind.get()).filter(|text| text.len() <= 64)?;
    match serde_json::from_str(text).ok()? {
        Value::Number(number) => number.as_u64().filter(|n| (1..=3).contains(n)),
        Value::String(name) => names.iter().position(|known| known.eq_ignore_ascii_case(&name)).map(|at| at as u64 + 1),
        _ => None,
    }
}

impl BundleInfo {
    fn facts(&self, name: &[u8]) -> Facts {
        let items = [
            ("bundle id", self.bundle_id.clone()),
            ("kind", self.kind.as_ref().map(ToString::to_string)),
            ("status", self.status.as_ref().map(ToString::to_string)),
            ("root hash", self.root_hash.clone()),
            ("created at", self.created_at.clone()),
        ];
        Facts {
            document: name.to_vec(),
            items: items.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        }
    }
}
