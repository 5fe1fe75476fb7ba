//! What StellaOps says of its export of a database: `metadata.json` in the root of the layout (formats.md 7.1).

use super::layout::{self, Layout};
use super::model::{Bundle, Facts, Trivy, TrivyExport};
use super::trivy::METADATA;
use crate::format::database::Contents;
use crate::format::digest;
use crate::format::inventory::Inventory;
use crate::format::json;
use crate::format::path;
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;
use crate::trust::policy::Property;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Export<'a> {
    mode: String,
    base_export_id: Option<String>,
    base_manifest_digest: Option<String>,
    #[serde(default)]
    reset_baseline: bool,
    tree_digest: Option<String>,
    tree_bytes: Option<u64>,
    advisory_count: Option<u64>,
    exporter_version: Option<String>,
    #[serde(rename = "builder")]
    _builder: Option<IgnoredAny>,
    #[serde(borrow)]
    delta: Option<Changes<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changes<'a> {
    #[serde(borrow, default)]
    changed_files: Vec<Changed<'a>>,
    #[serde(borrow, default)]
    removed_paths: Vec<Cow<'a, str>>,
}

impl Changes<'_> {
    fn len(&self) -> usize {
        self.changed_files.len() + self.removed_paths.len()
    }
}

#[derive(Deserialize)]
struct Changed<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    length: u64,
    #[serde(borrow)]
    digest: Cow<'a, str>,
}

/// Reads the document, where there is one, after the databases were read.
pub(super) fn read(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout) {
    let Some(document) = layout.document(inventory, METADATA) else { return };
    // No descriptor names it: whoever signs index.json does not vouch for it.
    let index = bundle.claims.document(&document.name, document.location, Role::Manifest);
    let export: Export<'_> = match layout::read_within(document, json::ROWS) {
        Ok(export) => export,
        Err(failed) => {
            bundle.claims.reject(index);
            bundle.checks.push(*failed);
            return;
        }
    };
    let outcome = consistent(&export).and_then(|words| {
        let counted = agrees_with_databases(&export, bundle.trivy.as_ref())?;
        Ok(format!("{words}; {counted}"))
    });
    let consistent = outcome.is_ok();
    bundle.checks.push(Check::of(check::TRIVY_EXPORT, &document.name, outcome));
    let no_changes = Changes { changed_files: Vec::new(), removed_paths: Vec::new() };
    let changes = export.delta.as_ref().unwrap_or(&no_changes);
    let sum =
        |changes: &Changes<'_>| changes.changed_files.iter().fold(0u64, |sum, file| sum.saturating_add(file.length));
    let export = TrivyExport {
        document: document.name.clone(),
        consistent,
        changed_files: changes.changed_files.len() as u64,
        changed_bytes: sum(changes),
        removed_paths: changes.removed_paths.len() as u64,
        mode: word(&export.mode),
        base_export_id: export.base_export_id.as_deref().map(word),
        base_manifest_digest: export.base_manifest_digest.as_deref().map(word),
        reset_baseline: export.reset_baseline,
        tree_digest: export.tree_digest.as_deref().map(word),
        tree_bytes: export.tree_bytes,
        advisory_count: export.advisory_count,
        exporter_version: export.exporter_version.as_deref().map(word),
    };
    if export.mode == "delta" {
        bundle.promised.push(Property::Sequence);
    }
    bundle.facts.push(facts(&export));
    bundle.trivy.get_or_insert_with(Trivy::default).export = Some(export);
}

/// Longest text that is taken and told, in bytes: ids and digests have less than a hundred.
const MAX_WORD: usize = 256;

/// The text, cut after [`MAX_WORD`] bytes.
fn word(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_WORD)].to_owned()
}

/// Whether the document agrees with itself.
fn consistent(export: &Export<'_>) -> Result<String, String> {
    let texts = [&export.base_export_id, &export.base_manifest_digest, &export.tree_digest, &export.exporter_version];
    if texts.into_iter().flatten().any(|text| text.len() > MAX_WORD) {
        return Err(format!("an id, digest or version is longer than {MAX_WORD} bytes"));
    }
    let delta = match export.mode.as_str() {
        "full" => false,
        "delta" => true,
        other => return Err(format!("expected the mode full or delta, found {:?}", word(other))),
    };
    let base = [("baseExportId", &export.base_export_id), ("baseManifestDigest", &export.base_manifest_digest)];
    for (name, value) in base {
        match value {
            Some(value) if !delta => {
                return Err(format!("the mode is full, and {name} is {value:?}: a full export builds on nothing"));
            }
            None if delta && !export.reset_baseline => {
                return Err(format!("the mode is delta, and there is no {name}"));
            }
            _ => {}
        }
    }
    if export.reset_baseline && !delta {
        return Err("the mode is full, and resetBaseline is true, which a delta says of itself".into());
    }
    let digests = [("treeDigest", &export.tree_digest), ("baseManifestDigest", &export.base_manifest_digest)];
    for (name, value) in digests {
        if let Some(why) = value.as_deref().and_then(|value| digest::parse_sha256(value).err()) {
            return Err(format!("{name}: {why}"));
        }
    }
    match &export.delta {
        Some(changes) if !delta && changes.len() > 0 => Err("the mode is full, and delta lists changes".into()),
        Some(changes) => consistent_changes(changes, export.tree_bytes),
        None if delta && !export.reset_baseline => Err("the mode is delta, and there is no member delta".into()),
        None => Ok(format!("an export of the mode {}", export.mode)),
    }
}

fn consistent_changes(changes: &Changes<'_>, tree_bytes: Option<u64>) -> Result<String, String> {
    let (mut named, mut bytes) = (BTreeSet::<&str>::new(), 0u64);
    let refused =
        |path: &str| path::danger(path.as_bytes()).map(|why| format!("the path {:?} is refused: {why}", word(path)));
    for file in &changes.changed_files {
        if let Some(why) = refused(&file.path) {
            return Err(why);
        }
        digest::parse_sha256(&file.digest).map_err(|why| format!("digest of {}: {why}", word(&file.path)))?;
        if !named.insert(&file.path) {
            return Err(format!("changedFiles names {} twice", word(&file.path)));
        }
        bytes = bytes.saturating_add(file.length);
    }
    for path in &changes.removed_paths {
        if let Some(why) = refused(path) {
            return Err(why);
        }
        if !named.insert(path) {
            return Err(format!("{} is removed twice, or changed and removed", word(path)));
        }
    }
    match tree_bytes {
        Some(all) if bytes > all => {
            Err(format!("the changed files have {bytes} bytes together, the whole tree (treeBytes) has {all}"))
        }
        _ => {
            let (changed, removed) = (changes.changed_files.len(), changes.removed_paths.len());
            Ok(format!("{changed} files of the tree changed, {removed} removed"))
        }
    }
}

/// Documents do not say whether the count is of vulnerabilities or of what is said of packages; either is taken, and told.
fn agrees_with_databases(export: &Export<'_>, trivy: Option<&Trivy>) -> Result<String, String> {
    let Some(stated) = export.advisory_count else { return Ok("it states no advisoryCount".into()) };
    let databases = trivy.into_iter().flat_map(|trivy| &trivy.databases);
    let contents = databases.filter_map(|database| database.examined.as_ref()?.contents.as_ref().ok());
    let counts = contents.filter_map(|contents| match contents {
        Contents::Bbolt { summary, .. } => Some((summary.vulnerability_count(), summary.advisory_count())),
        Contents::Java(_) => None,
    });
    let all = counts.reduce(|(a, b), (c, d)| (a + c, b + d));
    match all {
        None => Ok(format!("its advisoryCount {stated} was compared with no database")),
        Some((vulnerabilities, _)) if vulnerabilities == stated => {
            Ok(format!("advisoryCount {stated} is the number of vulnerabilities in the database"))
        }
        Some((_, advisories)) if advisories == stated => {
            Ok(format!("advisoryCount {stated} is the number of advisories for packages in the database"))
        }
        Some((vulnerabilities, advisories)) => Err(format!(
            "advisoryCount is {stated}, the database has {vulnerabilities} vulnerabilities and {advisories} advisories for packages"
        )),
    }
}

fn facts(export: &TrivyExport) -> Facts {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "not stated".into());
    let number = |value: Option<u64>| value.map_or("not stated".into(), |value| value.to_string());
    let mut items = vec![
        ("mode", export.mode.clone()),
        ("advisories", number(export.advisory_count)),
        ("tree", text(&export.tree_digest)),
        ("tree bytes", number(export.tree_bytes)),
        ("exporter", text(&export.exporter_version)),
    ];
    if export.mode == "delta" {
        items.extend([
            ("base export", text(&export.base_export_id)),
            ("base manifest", text(&export.base_manifest_digest)),
            ("full refresh", if export.reset_baseline { "yes".into() } else { "no".to_string() }),
            ("changed files", export.changed_files.to_string()),
            ("removed files", export.removed_paths.to_string()),
        ]);
    }
    Facts { document: export.document.clone(), items }
}
