//! `devportal:offline` v1: manifest.json, checksums.txt and a DSSE envelope that must agree three ways (formats.md 2.1, 2.2).

use super::determinism::{self, DEVPORTAL_MTIME};
use super::kind::{Kind, Likelihood};
use super::layout::{self, Layout};
use super::lists;
use super::model::{Bundle, Facts};
use super::signed;
use crate::format::digest::{self, Digest, hex};
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::{path, time};
use crate::trust::check::{self, Check};
use crate::trust::claims::{DocumentIndex, Role};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Payload type of the signed manifest.
pub const PAYLOAD_TYPES: &[&str] = &["application/vnd.stella.devportal.manifest+json"];
const VERSION: &str = "devportal-offline/v1";
/// Files of the layout that the manifest does not list.
const TOP_FILES: [&str; 4] = ["manifest.json", "checksums.txt", "instructions-portable.txt", "verify-offline.sh"];
/// Files that nothing signed can vouch for.
const SET_ASIDE: [&str; 2] = ["instructions-portable.txt", "verify-offline.sh"];
/// Categories and the trees where their entries lie.
const TREES: [(&[&str], &str); 4] = [
    (&["portal"], "portal/"),
    (&["spec", "specs"], "specs/"),
    (&["sdk", "sdks"], "sdks/"),
    (&["changelog"], "changelog/"),
];

/// The manifest, borrowed from its text: there may be tens of thousands of entries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    bundle_id: Cow<'a, str>,
    #[serde(borrow)]
    generated_at: Cow<'a, str>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    sources: Sources,
    totals: Totals,
    #[serde(borrow)]
    entries: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sources {
    portal_included: bool,
    specs_included: bool,
    sdk_names: Vec<String>,
    changelog_included: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    entry_count: u64,
    total_size_bytes: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow)]
    category: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow)]
    sha256: Cow<'a, str>,
    size_bytes: u64,
    #[serde(borrow)]
    content_type: Cow<'a, str>,
}

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
            same_entries(inventory, &mut bundle, &layout, manifest, list);
        }
        bundle.checks.push(determinism::judge(inventory, DEVPORTAL_MTIME));
        bundle
    }
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
        match signed::read(inventory, &mut bundle.claims, position, PAYLOAD_TYPES, manifest, false) {
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

impl Manifest<'_> {
    fn check(&self, document: &Document) -> Vec<Check> {
        let name = &document.name;
        vec![
            Check::of(check::DOCUMENT_SCHEMA, name, self.schema()),
            Check::of(check::MANIFEST_TOTALS, name, self.totals()),
            Check::of(check::MANIFEST_PATHS, name, self.paths()),
            Check::of(check::MANIFEST_SOURCES, name, self.sources()),
            self.content_types(name),
        ]
    }

    fn schema(&self) -> Result<String, String> {
        if self.version != VERSION {
            return Err(format!("expected version {VERSION}, found {}", self.version));
        }
        if !is_uuid(&self.bundle_id) {
            return Err(format!("expected bundleId as a dashed UUID, found {}", self.bundle_id));
        }
        time::parse_rfc3339(&self.generated_at)
            .map_err(|why| format!("generatedAt: {why}, found {}", self.generated_at))?;
        for (number, entry) in self.entries.iter().enumerate() {
            digest::parse_sha256(&entry.sha256).map_err(|why| format!("entries[{number}] {}: {why}", entry.path))?;
        }
        Ok(format!("version {VERSION}, {} entries", self.entries.len()))
    }

    fn totals(&self) -> Result<String, String> {
        let (count, size) =
            (self.entries.len() as u64, self.entries.iter().map(|e| u128::from(e.size_bytes)).sum::<u128>());
        if self.totals.entry_count != count {
            return Err(format!("totals.entryCount is {}, entries has {count}", self.totals.entry_count));
        }
        if u128::from(self.totals.total_size_bytes) != size {
            return Err(format!(
                "totals.totalSizeBytes is {}, the sizes add up to {size}",
                self.totals.total_size_bytes
            ));
        }
        Ok(format!("{count} entries, {size} bytes"))
    }

    fn paths(&self) -> Result<String, String> {
        let mut seen: Vec<&str> = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let name = entry.path.as_ref();
            if let Some(why) = path::danger(name.as_bytes()) {
                return Err(format!("the path {name:?} is refused: {why}"));
            }
            if path::normal(name.as_bytes()) != name.as_bytes() {
                return Err(format!("the path {name:?} is not in normal form"));
            }
            if TOP_FILES.contains(&name) {
                return Err(format!("{name} is part of the layout and cannot be an entry"));
            }
            check_tree(&entry.category, name)?;
            seen.push(name);
        }
        seen.sort_unstable();
        if let Some(pair) = seen.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("{} is stated twice", pair[0]));
        }
        Ok("all paths are safe, unique and in the tree of their category".into())
    }

    fn sources(&self) -> Result<String, String> {
        let has = |tree: &str| self.entries.iter().any(|e| e.path.starts_with(tree));
        let flags = [
            ("portalIncluded", self.sources.portal_included, "portal/"),
            ("specsIncluded", self.sources.specs_included, "specs/"),
            ("changelogIncluded", self.sources.changelog_included, "changelog/"),
        ];
        for (flag, stated, tree) in flags {
            if stated != has(tree) {
                let found = if has(tree) { "there are" } else { "there are no" };
                return Err(format!("sources.{flag} is {stated}, but {found} entries under {tree}"));
            }
        }
        let stated: BTreeSet<&str> = self.sources.sdk_names.iter().map(String::as_str).collect();
        let found: BTreeSet<&str> =
            self.entries.iter().filter_map(|e| e.path.strip_prefix("sdks/")?.split('/').next()).collect();
        if stated != found {
            return Err(format!("sources.sdkNames is {stated:?}, the folders under sdks/ are {found:?}"));
        }
        Ok("sources says what the entries show".into())
    }

    fn content_types(&self, name: &[u8]) -> Check {
        let malformed = self.entries.iter().find(|e| !is_media_type(&e.content_type));
        if let Some(entry) = malformed {
            let detail =
                format!("{}: expected a media type such as text/html, found {:?}", entry.path, entry.content_type);
            return Check::fail(check::MANIFEST_CONTENT_TYPES, name, detail);
        }
        let unusual = self.entries.iter().filter(|e| !fits_extension(&e.path, &e.content_type));
        let (count, first) = (unusual.clone().count(), unusual.clone().next());
        match first {
            Some(entry) => {
                let detail = format!(
                    "hint, not a failure: {count} content types do not fit the file name, first {} as {}",
                    entry.path, entry.content_type
                );
                Check::skip(check::MANIFEST_CONTENT_TYPES, name, detail)
            }
            None => Check::pass(check::MANIFEST_CONTENT_TYPES, name, "content types fit the file names"),
        }
    }

    fn facts(&self, document: &Document) -> Facts {
        let mut items = vec![
            ("version", self.version.to_string()),
            ("bundle id", self.bundle_id.to_string()),
            ("generated at", self.generated_at.to_string()),
            ("entries", self.entries.len().to_string()),
            ("bytes", self.totals.total_size_bytes.to_string()),
            ("SDKs", self.sources.sdk_names.join(", ")),
        ];
        items.extend(self.metadata.iter().map(|(key, value)| ("metadata", format!("{key} = {value}"))));
        Facts { document: document.name.clone(), items }
    }
}

fn check_tree(category: &str, name: &str) -> Result<(), String> {
    match TREES.iter().find(|(categories, _)| categories.contains(&category)) {
        Some((_, tree)) if name.starts_with(tree) => Ok(()),
        Some((_, tree)) => Err(format!("{name} has category {category} and should lie under {tree}")),
        None if TREES.iter().any(|(_, tree)| name.starts_with(tree)) => Ok(()),
        None => Err(format!("{name} lies outside the trees portal/, specs/, sdks/ and changelog/")),
    }
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

/// Manifest and list name the same entries; the list may add the files of the layout. One row a path that only one names.
fn same_entries(
    inventory: &Inventory,
    bundle: &mut Bundle,
    layout: &Layout,
    manifest: DocumentIndex,
    list: DocumentIndex,
) {
    let claims = &bundle.claims;
    let of_layout = |name: &[u8]| {
        let inside = layout.inside(name).unwrap_or(b"");
        TOP_FILES.iter().any(|file| file.as_bytes() == inside) || inside == b"manifest.dsse.json"
    };
    let row = |name: &[u8], by_manifest: bool| {
        let (by, not) =
            if by_manifest { ("manifest.json", "checksums.txt") } else { ("checksums.txt", "manifest.json") };
        Check::fail(check::DOCUMENTS_AGREE, name, format!("{by} names it, {not} does not"))
    };
    let mut rows = Vec::new();
    for claim in claims.claims() {
        let name = inventory.entry(claim.entry).normal_path();
        if claim.document == manifest && !claims.covers(list, claim.entry) {
            rows.push(row(name, true));
        } else if claim.document == list && !claims.covers(manifest, claim.entry) && !of_layout(name) {
            rows.push(row(name, false));
        }
    }
    for (name, by) in claims.missing() {
        let (by_manifest, by_list) = (by.contains(&manifest), by.contains(&list));
        if by_manifest != by_list && !(by_list && of_layout(name)) {
            rows.push(row(name, by_manifest));
        }
    }
    let detail = "manifest.json and checksums.txt name the same entries";
    let pass = Check::pass(check::DOCUMENTS_AGREE, claims.name(list), detail);
    check::push_failures(&mut bundle.checks, rows, Some(pass));
}

/// 8-4-4-4-12 hex digits.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|g| g.bytes().all(|c| c.is_ascii_hexdigit()))
}

/// `type/subtype`, with parameters or without (RFC 6838 4.2).
fn is_media_type(text: &str) -> bool {
    let token =
        |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&c));
    let essence = text.split(';').next().unwrap_or("").trim();
    essence.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

fn fits_extension(name: &str, content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or("").trim();
    let expected: &[&str] = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html" | "htm") => &["text/html"],
        Some("css") => &["text/css"],
        Some("js" | "mjs") => &["text/javascript", "application/javascript"],
        Some("json") => &["application/json"],
        Some("png") => &["image/png"],
        Some("svg") => &["image/svg+xml"],
        _ => return true,
    };
    expected.contains(&essence) || essence.ends_with("+json") || essence == "application/octet-stream"
}
