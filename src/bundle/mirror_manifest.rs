//! `manifest.yaml` of a mirror: a summary whose field names no document fixes, so it is read leniently and compared with
//! export.json, which is exact.

use super::export_manifest::ExportManifest;
use super::model::Facts;
use crate::format::digest::{self, Sha256Bytes};
use crate::format::inventory::Document;
use crate::format::{path, yaml};
use crate::trust::check::{self, Check};
use serde_json::{Map, Value};

/// Names under which the list of files is known.
const LISTS: [&str; 4] = ["files", "contents", "entries", "digests"];

/// What the summary says, as far as it is understood.
pub(super) struct MirrorManifest {
    value: Map<String, Value>,
    pub(super) files: Vec<Listed>,
}

/// One file that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: String,
    pub(super) sha256: Sha256Bytes,
    pub(super) size: Option<u64>,
}

impl MirrorManifest {
    /// Reads the document. The error is the failed check.
    pub(super) fn read(document: &Document) -> Result<Self, Box<Check>> {
        let value = yaml::parse(&document.bytes).map_err(|error| {
            let detail = format!("expected YAML of plain scalars, lists and maps, found: {error}");
            Box::new(Check::fail(check::DOCUMENT_YAML, &document.name, detail))
        })?;
        let wrong = |why: String| Box::new(Check::fail(check::DOCUMENT_SCHEMA, &document.name, why));
        let Value::Object(value) = value else {
            return Err(wrong("expected a map at the top, found something else".into()));
        };
        let files = files(&value).map_err(wrong)?;
        Ok(MirrorManifest { value, files })
    }

    /// Paths that are safe and unique.
    pub(super) fn paths(&self, name: &[u8]) -> Check {
        let mut seen: Vec<&str> = Vec::with_capacity(self.files.len());
        for file in &self.files {
            if let Some(why) = path::danger(file.path.as_bytes()) {
                return Check::fail(check::MANIFEST_PATHS, name, format!("the path {:?} is refused: {why}", file.path));
            }
            seen.push(&file.path);
        }
        seen.sort_unstable();
        match seen.windows(2).find(|pair| path::normal(pair[0].as_bytes()) == path::normal(pair[1].as_bytes())) {
            Some(pair) => Check::fail(check::MANIFEST_PATHS, name, format!("{} is stated twice", pair[0])),
            None => {
                Check::pass(check::MANIFEST_PATHS, name, format!("{} files, all paths safe and unique", seen.len()))
            }
        }
    }

    /// What both documents state must be the same.
    pub(super) fn agrees(&self, name: &[u8], export: &ExportManifest<'_>) -> Check {
        let profile = self.value.get("profile").and_then(Value::as_object);
        let top = |keys: &[&str]| keys.iter().find_map(|key| self.value.get(*key));
        let inner = |key: &str| profile.and_then(|profile| profile.get(key));
        let rows = [
            ("exportId", top(&["exportId", "export_id", "exportID"]), Some(export.export_id.as_ref())),
            ("tenant", top(&["tenant"]), Some(export.tenant.as_ref())),
            ("generatedAt", top(&["generatedAt", "generated_at"]), Some(export.generated_at.as_ref())),
            ("profile.kind", inner("kind"), Some(export.profile.kind.as_str())),
            ("profile.variant", inner("variant"), Some(export.profile.variant.as_str())),
            ("profile.name", inner("name"), Some(export.profile.name.as_str())),
            ("profile.revision", inner("revision"), export.profile.revision.as_deref()),
        ];
        let mut compared = 0;
        for (field, found, expected) in rows {
            let Some(found) = found else { continue };
            compared += 1;
            if found.as_str() != expected {
                let expected = expected.unwrap_or("nothing");
                let detail = format!("{field} is {found} here, and {expected} in export.json");
                return Check::fail(check::DOCUMENTS_AGREE, name, detail);
            }
        }
        Check::pass(check::DOCUMENTS_AGREE, name, format!("{compared} fields agree with export.json"))
    }

    /// A count of records that it states for a domain (`advisories`, `vex` …).
    pub(super) fn count(&self, domain: &str) -> Option<u64> {
        self.value.get("counts")?.get(domain)?.as_u64()
    }

    pub(super) fn facts(&self, document: &Document) -> Facts {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
        let scalars = self.value.iter().filter(|(key, _)| !LISTS.contains(&key.as_str()));
        let mut items: Vec<_> = scalars.map(|(key, value)| ("states", format!("{key} = {}", text(value)))).collect();
        items.push(("files", self.files.len().to_string()));
        Facts { document: document.name.clone(), items }
    }
}

/// The list of files under one of its names: a list of maps, or a map from path to digest. None is no error: export.json has
/// one of its own.
fn files(value: &Map<String, Value>) -> Result<Vec<Listed>, String> {
    let mut found = Vec::new();
    for name in LISTS {
        match value.get(name) {
            None => {}
            Some(Value::Array(list)) => {
                for (number, item) in list.iter().enumerate() {
                    found.push(listed(item).map_err(|why| format!("{name}[{number}]: {why}"))?);
                }
            }
            Some(Value::Object(map)) => {
                for (path, item) in map {
                    found.push(mapped(path, item).map_err(|why| format!("{name}, {path}: {why}"))?);
                }
            }
            Some(other) => return Err(format!("expected {name} as a list or a map, found {other}")),
        }
    }
    Ok(found)
}

fn listed(item: &Value) -> Result<Listed, String> {
    let path = item.get("path").and_then(Value::as_str).ok_or_else(|| format!("expected a path, found {item}"))?;
    mapped(path, item)
}

fn mapped(path: &str, item: &Value) -> Result<Listed, String> {
    let stated = item.as_str().or_else(|| ["digest", "sha256"].iter().find_map(|key| item.get(*key)?.as_str()));
    let stated = stated.ok_or_else(|| format!("expected a SHA-256 digest, found {item}"))?;
    let sha256 = digest::parse_sha256(stated)?;
    let size = ["bytes", "size", "sizeBytes"].iter().find_map(|key| item.get(*key));
    let size =
        size.map(|size| size.as_u64().ok_or_else(|| format!("expected a size in bytes, found {size}"))).transpose()?;
    Ok(Listed { path: path.into(), sha256, size })
}
