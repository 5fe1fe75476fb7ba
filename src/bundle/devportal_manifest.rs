//! The manifest of `devportal:offline` v1: its fields and what they must say of one another.

use super::model::Facts;
use crate::format::inventory::Document;
use crate::format::{digest, path, time};
use crate::trust::check::{self, Check};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The version that this tool reads.
pub(super) const VERSION: &str = "devportal-offline/v1";
/// Files of the layout that the manifest does not list.
pub(super) const TOP_FILES: [&str; 4] =
    ["manifest.json", "checksums.txt", "instructions-portable.txt", "verify-offline.sh"];
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
pub(super) struct Manifest<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) bundle_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) generated_at: Cow<'a, str>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    sources: Sources,
    totals: Totals,
    #[serde(borrow)]
    pub(super) entries: Vec<Entry<'a>>,
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
pub(super) struct Entry<'a> {
    #[serde(borrow)]
    category: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) path: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) sha256: Cow<'a, str>,
    pub(super) size_bytes: u64,
    #[serde(borrow)]
    content_type: Cow<'a, str>,
}

impl Manifest<'_> {
    pub(super) fn check(&self, document: &Document) -> Vec<Check> {
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
            let name: &str = entry.path.as_ref();
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

    pub(super) fn facts(&self, document: &Document) -> Facts {
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

/// 8-4-4-4-12 hex digits.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|g| g.bytes().all(|c| c.is_ascii_hexdigit()))
}
