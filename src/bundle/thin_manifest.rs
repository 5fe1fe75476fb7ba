//! The documents of a thin mirror: its manifest, and the statement about the whole (formats.md 5.2).

use super::model::Facts;
use super::told::Told;
use crate::format::digest::{self, Sha256Bytes};
use crate::format::inventory::Document;
use crate::format::{path, time};
use crate::trust::check::{self, Check};
use serde::Deserialize;

/// The version of the manifest that this tool reads.
pub(super) const VERSION: &str = "1.0.0";

/// `manifest.json` of a thin mirror.
#[derive(Debug, Deserialize)]
pub(super) struct ThinManifest {
    version: String,
    pub(super) created: String,
    layers: Vec<Layer>,
    indexes: Vec<Index>,
    pub(super) hashes: Option<Hashes>,
}

#[derive(Debug, Deserialize)]
struct Layer {
    digest: String,
    size: u64,
    path: String,
}

#[derive(Debug, Deserialize)]
struct Index {
    name: String,
    digest: String,
}

/// Digests inside the manifest of the manifest itself and of the archive that holds it.
#[derive(Debug, Deserialize)]
pub(super) struct Hashes {
    pub(super) tarball_sha256: Option<String>,
    pub(super) manifest_sha256: Option<String>,
}

/// One file that the manifest names.
pub(super) struct Named {
    pub(super) path: String,
    pub(super) sha256: Sha256Bytes,
    pub(super) size: Option<u64>,
}

impl ThinManifest {
    pub(super) fn check(&self, document: &Document) -> Vec<Check> {
        let name = &document.name;
        vec![
            Check::of(check::DOCUMENT_SCHEMA, name, self.schema()),
            Check::of(check::MANIFEST_PATHS, name, self.paths()),
        ]
    }

    fn schema(&self) -> Result<String, String> {
        if self.version != VERSION {
            return Err(format!("expected version {VERSION}, found {}", self.version));
        }
        time::parse_rfc3339(&self.created).map_err(|why| format!("created: {why}, found {}", self.created))?;
        let digests = self.layers.iter().map(|layer| (&layer.path, &layer.digest));
        for (name, digest) in digests.chain(self.indexes.iter().map(|index| (&index.name, &index.digest))) {
            digest::parse_sha256(digest).map_err(|why| format!("{name}: {why}"))?;
        }
        Ok(format!("version {VERSION}, {} layers, {} indexes", self.layers.len(), self.indexes.len()))
    }

    fn paths(&self) -> Result<String, String> {
        let mut seen = self.all_paths();
        for name in &seen {
            if let Some(why) = path::danger(name.as_bytes()) {
                return Err(format!("the path {name:?} is refused: {why}"));
            }
            if path::normal(name.as_bytes()) != name.as_bytes() {
                return Err(format!("the path {name:?} is not in normal form"));
            }
        }
        seen.sort_unstable();
        match seen.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("{} is stated twice", pair[0])),
            None => Ok("all paths are safe and unique".into()),
        }
    }

    fn all_paths(&self) -> Vec<String> {
        let layers = self.layers.iter().map(|layer| layer.path.clone());
        layers.chain(self.indexes.iter().map(|index| format!("indexes/{}", index.name))).collect()
    }

    /// The files with a digest that can be compared, below paths that are safe.
    pub(super) fn files(&self) -> Vec<Named> {
        let layers = self.layers.iter().map(|layer| (layer.path.clone(), &layer.digest, Some(layer.size)));
        let indexes = self.indexes.iter().map(|index| (format!("indexes/{}", index.name), &index.digest, None));
        layers
            .chain(indexes)
            .filter(|(path, ..)| path::danger(path.as_bytes()).is_none())
            .filter_map(|(path, digest, size)| Some(Named { path, sha256: digest::parse_sha256(digest).ok()?, size }))
            .collect()
    }

    pub(super) fn facts(&self, document: &Document) -> Facts {
        let bytes: u128 = self.layers.iter().map(|layer| u128::from(layer.size)).sum();
        let items = vec![
            ("version", self.version.clone()),
            ("created", self.created.clone()),
            ("layers", self.layers.len().to_string()),
            ("indexes", self.indexes.len().to_string()),
            ("bytes", bytes.to_string()),
        ];
        Facts { document: document.name.clone(), items }
    }
}

/// `*.bundle.json`: what the whole consists of and whom it is for. No document gives its fields; those that are used are
/// kept, none of them as more than a short text.
#[derive(Debug, Deserialize)]
pub(super) struct BundleMeta {
    tenant: Option<Told>,
    environment: Option<Told>,
    version: Option<Told>,
    created: Option<Told>,
    tarball_sha256: Option<Told>,
    manifest_sha256: Option<Told>,
}

impl BundleMeta {
    /// The SHA-256 that it states under `field`.
    pub(super) fn digest(&self, field: &str) -> Option<Result<Sha256Bytes, String>> {
        let stated = if field == "tarball_sha256" { &self.tarball_sha256 } else { &self.manifest_sha256 };
        let Told(text) = stated.as_ref()?;
        Some(digest::parse_sha256(text).map_err(|why| format!("expected {field} as a digest: {why}")))
    }

    pub(super) fn facts(&self, document: &Document) -> Facts {
        let named = [
            ("tenant", &self.tenant),
            ("environment", &self.environment),
            ("version", &self.version),
            ("created", &self.created),
        ];
        let items = named.iter().filter_map(|(label, told)| Some((*label, told.as_ref()?.0.clone()))).collect();
        Facts { document: document.name.clone(), items }
    }
}
