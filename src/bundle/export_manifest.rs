//! `export.json`, the run manifest of the Export Center (schema v1alpha2): its fields and what they must say of one another.

use super::layout;
use super::model::Facts;
use super::rows::Changes;
use crate::format::inventory::Document;
use crate::format::{digest, path, time};
use crate::trust::check::{self, Check};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The schema that this tool reads.
pub(super) const SCHEMA: &str = "https://stellaops.io/export-center/manifest/v1alpha2";
/// What all versions of the schema begin with.
pub(super) const SCHEMA_FAMILY: &str = "https://stellaops.io/export-center/manifest/";

/// The manifest, borrowed from its text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExportManifest<'a> {
    #[serde(borrow)]
    schema: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) export_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) run_id: Option<Cow<'a, str>>,
    pub(super) profile: Profile,
    #[serde(borrow)]
    pub(super) tenant: Cow<'a, str>,
    /// What the operator of the producer chose, as it was written. Values of any form, so [`Self::read`] limits its size.
    #[serde(borrow)]
    selectors: &'a RawValue,
    /// The selectors, read.
    #[serde(skip)]
    chosen: BTreeMap<String, serde_json::Value>,
    #[serde(borrow)]
    pub(super) generated_at: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) contents: Vec<Content<'a>>,
    #[serde(borrow)]
    rerun_hash: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) delta: Option<DeltaBlock<'a>>,
}

/// Most bytes of `selectors`: names of tenants, products and times, which become a tree of values. A thousand products take
/// 50,000.
pub const MAX_SELECTORS: usize = 256 << 10;

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    pub(super) kind: String,
    pub(super) variant: String,
    pub(super) name: String,
    pub(super) revision: Option<String>,
}

/// One file of the export.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Content<'a> {
    #[serde(borrow)]
    pub(super) path: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) digest: Cow<'a, str>,
    pub(super) bytes: u64,
    pub(super) records: Option<u64>,
    #[serde(borrow, rename = "contentType")]
    _content_type: Option<Cow<'a, str>>,
}

/// What a delta says of its base.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeltaBlock<'a> {
    pub(super) base_export_id: String,
    #[serde(alias = "baseManifestHash")]
    pub(super) base_manifest_digest: String,
    #[serde(default)]
    pub(super) reset_baseline: bool,
    /// In any order, each of a path that is gone.
    #[serde(borrow)]
    pub(super) tombstones: Changes<'a>,
}

impl<'a> ExportManifest<'a> {
    /// Reads the document. The error is the failed check.
    pub(super) fn read(document: &'a Document) -> Result<Self, Box<Check>> {
        let mut export: Self = layout::read(document)?;
        let text = export.selectors.get();
        if text.len() > MAX_SELECTORS {
            let detail = format!(
                "the document is larger than one of its kind may be (docs/limits.md): expected at most {MAX_SELECTORS} bytes of                  selectors, found {}",
                text.len()
            );
            return Err(Box::new(Check::fail(check::DOCUMENT_JSON, &document.name, detail)));
        }
        export.chosen = layout::read_bytes(&document.name, text.as_bytes())?;
        Ok(export)
    }

    /// The checks that need nothing but the manifest.
    pub(super) fn check(&self, document: &Document) -> Vec<Check> {
        let name = &document.name;
        let mut checks = vec![
            Check::of(check::DOCUMENT_SCHEMA, name, self.schema()),
            Check::of(check::MANIFEST_PATHS, name, self.paths()),
            self.selectors(name),
            self.rerun_hash(name),
        ];
        checks.extend(self.order(name));
        checks
    }

    fn schema(&self) -> Result<String, String> {
        if self.schema != SCHEMA {
            return Err(format!("expected schema {SCHEMA}, found {}", self.schema));
        }
        let patch = self.version.strip_prefix("1.1.").filter(|patch| is_number(patch));
        patch.ok_or_else(|| format!("expected version 1.1.N, found {}", self.version))?;
        for id in std::iter::once(&self.export_id).chain(&self.run_id) {
            let fits = (6..=64).contains(&id.len()) && id.bytes().all(|c| is_lower(c) || c == b'-');
            fits.then_some(()).ok_or_else(|| {
                format!("expected ids of 6 to 64 lower-case letters, digits and hyphens, found {id:?}")
            })?;
        }
        self.profile.check()?;
        time::parse_rfc3339(&self.generated_at)
            .map_err(|why| format!("generatedAt: {why}, found {}", self.generated_at))?;
        for content in &self.contents {
            digest::parse_sha256(&content.digest).map_err(|why| format!("contents, {}: {why}", content.path))?;
        }
        if self.profile.variant == "delta" && self.delta.is_none() {
            return Err("the profile says that it is a delta, and there is no delta block that names the base".into());
        }
        Ok(format!("schema v1alpha2, version {}, {} contents", self.version, self.contents.len()))
    }

    /// The schema's pattern permits `..`, so paths are judged by our own rules as well.
    fn paths(&self) -> Result<String, String> {
        let mut seen: Vec<&str> = Vec::with_capacity(self.contents.len());
        for content in &self.contents {
            let name: &str = &content.path;
            if let Some(why) = path::danger(name.as_bytes()) {
                return Err(format!("the path {name:?} is refused: {why}"));
            }
            if path::normal(name.as_bytes()) != name.as_bytes() {
                return Err(format!("the path {name:?} is not in normal form"));
            }
            if !name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._/-".contains(&c)) {
                return Err(format!("the path {name:?} has characters outside A-Z a-z 0-9 . _ / -"));
            }
            seen.push(name);
        }
        seen.sort_unstable();
        match seen.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("{} is stated twice", pair[0])),
            None => Ok("all paths are safe and unique".into()),
        }
    }

    /// The tenant must be among those that the selectors chose from: cross-tenant exports need an approval of their own.
    fn selectors(&self, name: &[u8]) -> Check {
        let stated = self.chosen.get("tenants").or_else(|| self.chosen.get("tenant"));
        let tenants: Vec<&str> = match stated {
            Some(serde_json::Value::Array(list)) => list.iter().filter_map(serde_json::Value::as_str).collect(),
            Some(serde_json::Value::String(one)) => vec![one],
            Some(other) => {
                let detail = format!("expected selectors.tenants as a list of names, found {other}");
                return Check::fail(check::SELECTORS_TENANT, name, detail);
            }
            None => {
                let detail = format!("the selectors name no tenants; the manifest is that of {}", self.tenant);
                return Check::skip(check::SELECTORS_TENANT, name, detail);
            }
        };
        let outcome = if tenants.contains(&self.tenant.as_ref()) {
            Ok(format!("the selectors name the tenant {}", self.tenant))
        } else {
            Err(format!("expected the tenant {} among the selectors, found {tenants:?}", self.tenant))
        };
        Check::of(check::SELECTORS_TENANT, name, outcome)
    }

    fn rerun_hash(&self, name: &[u8]) -> Check {
        let Some(stated) = &self.rerun_hash else {
            return Check::skip(check::RERUN_HASH, name, "the manifest states no rerunHash");
        };
        let outcome = digest::parse_sha256(stated).and_then(|expected| {
            let digests: Vec<&str> = self.contents.iter().map(|content| content.digest.as_ref()).collect();
            super::rerun_hash::recognise(&digests, &expected)
        });
        Check::of(check::RERUN_HASH, name, outcome)
    }

    /// A hint: other tools sort contents by path.
    fn order(&self, name: &[u8]) -> Option<Check> {
        let pair = self.contents.windows(2).find(|pair| pair[0].path > pair[1].path)?;
        let detail = format!(
            "hint, not a failure: contents are not sorted by path, first {} before {}",
            pair[0].path, pair[1].path
        );
        Some(Check::skip(check::DETERMINISM, name, detail))
    }

    /// Whose data keys belong to: the run, or the export where no run is named.
    pub(super) fn run(&self) -> &str {
        self.run_id.as_deref().unwrap_or(&self.export_id)
    }

    pub(super) fn facts(&self, document: &Document) -> Facts {
        let bytes: u128 = self.contents.iter().map(|content| u128::from(content.bytes)).sum();
        let records: u128 = self.contents.iter().filter_map(|content| content.records).map(u128::from).sum();
        let selectors: Vec<String> = self.chosen.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut items = vec![
            ("version", self.version.to_string()),
            ("export id", self.export_id.to_string()),
            ("profile", self.profile.words()),
            ("tenant", self.tenant.to_string()),
            ("selectors", selectors.join(" ")),
            ("generated at", self.generated_at.to_string()),
            ("entries", self.contents.len().to_string()),
            ("bytes", bytes.to_string()),
            ("records", records.to_string()),
        ];
        items.extend(self.run_id.iter().map(|id| ("run id", id.to_string())));
        items.extend(self.delta.iter().map(|delta| ("base export id", delta.base_export_id.clone())));
        Facts { document: document.name.clone(), items }
    }
}

impl Profile {
    fn check(&self) -> Result<(), String> {
        const KINDS: [&str; 5] = ["json", "trivy", "mirror", "devportal", "attestation"];
        const VARIANTS: [&str; 8] = ["raw", "policy", "db", "java-db", "full", "delta", "offline", "bundle"];
        if !KINDS.contains(&self.kind.as_str()) || !VARIANTS.contains(&self.variant.as_str()) {
            return Err(format!(
                "expected a profile of a known kind and variant, found {}:{}",
                self.kind, self.variant
            ));
        }
        let edges = [self.name.bytes().next(), self.name.bytes().last()];
        let fits = edges.iter().all(|c| c.is_some_and(is_lower)) && self.name.bytes().all(|c| is_lower(c) || c == b'-');
        if !fits {
            return Err(format!(
                "expected a profile name of lower-case letters, digits and hyphens, found {:?}",
                self.name
            ));
        }
        match self.revision.as_deref() {
            Some(revision) if !revision.strip_prefix('r').is_some_and(is_number) => {
                Err(format!("expected a profile revision such as r1, found {revision:?}"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn words(&self) -> String {
        let revision = self.revision.as_ref().map_or(String::new(), |revision| format!(" {revision}"));
        format!("{}:{} {}{revision}", self.kind, self.variant, self.name)
    }
}

fn is_lower(c: u8) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}
