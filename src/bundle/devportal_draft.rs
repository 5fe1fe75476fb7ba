//! The competing devportal manifest, draft 0.1 (formats.md 2.4).
//!
//! The papers do not say how a folder gets one digest. The recipe tried here is the content digest: SHA-256 over the lines
//! `<sha256>  <path relative to the folder>\n` in path order; where it does not fit, that is said and nothing is pinned.

use super::devportal;
use super::kind::{Kind, Likelihood};
use super::layout::{self, Layout};
use super::lists;
use super::model::{Bundle, Facts};
use crate::format::checksums::write_gnu;
use crate::format::digest::{self, Digest, hex};
use crate::format::inventory::{EntryKind, Inventory, Observed};
use crate::format::{path, time};
use crate::trust::check::{self, Check, Status};
use crate::trust::claims::{DocumentIndex, Role};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    version: String,
    generated_at: String,
    site: Item,
    specs: Vec<Item>,
    sdks: Vec<Item>,
    checks: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    name: Option<String>,
    path: String,
    sha256: String,
    bytes: u64,
}

/// The kind.
pub struct DevportalDraft;

impl Kind for DevportalDraft {
    fn id(&self) -> &'static str {
        "devportal:draft"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        let Some(version) = devportal::manifest_version(inventory).filter(|version| version == "0.1") else {
            return Likelihood::No;
        };
        let members = ["site", "specs", "sdks", "checks"];
        let layout = Layout::find(inventory, "manifest.json").unwrap_or_default();
        let Some(document) = layout.document(inventory, "manifest.json") else { return Likelihood::No };
        let Ok(names) = layout::member_names(&document.bytes) else { return Likelihood::No };
        match members.iter().find(|member| !names.contains(**member)) {
            Some(lacking) => Likelihood::Near(format!("manifest.json has version 0.1 but no {lacking}")),
            None => Likelihood::Yes {
                version: Some(version),
                because: "manifest.json has version 0.1 with site, specs, sdks and checks".into(),
            },
        }
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let layout = Layout::find(inventory, "manifest.json").unwrap_or_default();
        let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
        devportal::read_envelopes(inventory, &mut bundle, &layout);
        read_manifest(inventory, &mut bundle, &layout);
        if let Some(list) = layout.document(inventory, "checksums.txt") {
            let (_, summary) = lists::claim(inventory, &mut bundle.claims, list);
            bundle.checks.push(summary.check(&list.name));
        }
        bundle.claims.sort();
        bundle
    }
}

fn read_manifest(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout) {
    let Some(document) = layout.document(inventory, "manifest.json") else {
        bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, "manifest.json", "the bundle has no manifest.json"));
        return;
    };
    let index = bundle.claims.document(&document.name, document.location, Role::Manifest);
    let manifest: Manifest = match layout::read(document) {
        Ok(manifest) => manifest,
        Err(failed) => {
            bundle.checks.push(*failed);
            bundle.claims.reject(index);
            bundle.unreadable = true;
            return;
        }
    };
    bundle.checks.push(layout::read_well(&document.name));
    bundle.checks.push(Check::of(check::DOCUMENT_SCHEMA, &document.name, manifest.schema()));
    bundle.checks.push(policy(&manifest, &document.name));
    bundle.facts.push(manifest.facts(document.name.clone()));
    bundle.created = time::parse_rfc3339(&manifest.generated_at).ok().map(|at| (at, document.name.clone()));
    for item in manifest.specs.iter().chain(&manifest.sdks) {
        state(inventory, bundle, layout, index, item);
    }
    let target = layout.path(&manifest.site.path);
    if inventory.find(&target).is_some_and(|entry| inventory.entry(entry).kind == EntryKind::File) {
        state(inventory, bundle, layout, index, &manifest.site);
    } else {
        site(inventory, bundle, &target, index, &manifest.site);
    }
}

fn state(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout, index: DocumentIndex, item: &Item) {
    if let (Ok(sha256), None) = (digest::parse_sha256(&item.sha256), path::danger(item.path.as_bytes())) {
        bundle.claims.state(inventory, index, &layout.path(&item.path), Some(Digest::Sha256(sha256)), Some(item.bytes));
    }
}

/// The site as a folder: sizes always, digest where the recipe fits; only then are its files stated.
fn site(inventory: &Inventory, bundle: &mut Bundle, folder: &[u8], index: DocumentIndex, item: &Item) {
    let below = [folder, b"/"].concat();
    let files: Vec<_> = inventory.entries.iter().filter(|e| e.hashed && e.normal_path().starts_with(&below)).collect();
    if files.is_empty() {
        bundle.checks.push(Check::fail(
            check::ENTRY_MISSING,
            folder,
            "the manifest names this folder, and no file lies in it",
        ));
        return;
    }
    let recipe = site_recipe(&files, below.len(), folder, item);
    let fits = recipe.status == Status::Pass;
    bundle.checks.push(recipe);
    for file in files {
        let digest = fits.then_some(Digest::Sha256(file.sha256));
        bundle.claims.state(inventory, index, file.normal_path(), digest, None);
    }
}

/// Compares size and digest of the folder with what the manifest states. Unknown recipes are a skip, a wrong size is not.
fn site_recipe(files: &[&Observed], prefix: usize, folder: &[u8], item: &Item) -> Check {
    let bytes: u64 = files.iter().map(|e| e.size).sum();
    if bytes != item.bytes {
        let detail = format!("site.bytes is {}, its {} files have {bytes} bytes", item.bytes, files.len());
        return Check::fail(check::SITE_DIGEST, folder, detail);
    }
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update(write_gnu(&file.normal_path()[prefix..], &hex(&file.sha256)));
    }
    let computed = hex(&<[u8; 32]>::from(hasher.finalize()));
    if digest::parse_sha256(&item.sha256).map(|stated| hex(&stated)).as_deref() != Ok(&computed) {
        let detail = format!(
            "site.sha256 is {}; the papers name no recipe for a folder, and SHA-256 over its sorted checksum lines is {computed}; \
             its files are pinned by nothing",
            item.sha256
        );
        return Check::skip(check::SITE_DIGEST, folder, detail);
    }
    let detail = format!("SHA-256 over the sorted checksum lines of its {} files", files.len());
    Check::pass(check::SITE_DIGEST, folder, detail)
}

fn policy(manifest: &Manifest, name: &[u8]) -> Check {
    let stated = manifest.checks.get("policy").map_or("none", String::as_str);
    Check::skip(check::SITE_POLICY, name, format!("policy {stated}: pages are not searched for external references"))
}

impl Manifest {
    fn schema(&self) -> Result<String, String> {
        if self.version != "0.1" {
            return Err(format!("expected version 0.1, found {}", self.version));
        }
        time::parse_rfc3339(&self.generated_at)
            .map_err(|why| format!("generatedAt: {why}, found {}", self.generated_at))?;
        match self.checks.get("integrity").map(String::as_str) {
            Some("sha256") | None => {}
            Some(other) => return Err(format!("checks.integrity: expected sha256, found {other}")),
        }
        let mut seen = std::collections::BTreeSet::new();
        for item in self.specs.iter().chain(&self.sdks).chain([&self.site]) {
            let name = item.name.as_deref().unwrap_or(&item.path);
            digest::parse_sha256(&item.sha256).map_err(|why| format!("{name}: {why}"))?;
            if let Some(why) = path::danger(item.path.as_bytes()) {
                return Err(format!("the path {:?} is refused: {why}", item.path));
            }
            if !seen.insert(&item.path) {
                return Err(format!("{} is stated twice", item.path));
            }
        }
        Ok(format!("version 0.1, {} specs, {} SDKs", self.specs.len(), self.sdks.len()))
    }

    fn facts(&self, document: Vec<u8>) -> Facts {
        let items = vec![
            ("version", self.version.clone()),
            ("generated at", self.generated_at.clone()),
            ("site", self.site.path.clone()),
            ("specs", self.specs.len().to_string()),
            ("SDKs", self.sdks.len().to_string()),
        ];
        Facts { document, items }
    }
}
