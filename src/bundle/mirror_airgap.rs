//! `mirror:airgap`: OCI artefacts, their SBOMs and a manifest.json with a mirror generation (formats.md 6.1).

use super::kind::{Kind, Likelihood};
use super::layout::{self, Layout, Read, read_document};
use super::listing::{self, Listed};
use super::model::{Bundle, Facts};
use super::told::Told;
use super::{mirror_sbom, roots, signed};
use crate::format::digest::{self, Digest, Sha256Bytes, hex};
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::{path, time};
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};

/// Payload types of mirror manifests; the papers name two and do not say which is meant here.
pub(super) const PAYLOAD_TYPES: &[&str] =
    &["application/vnd.stellaops.mirror.bundle+json", "application/vnd.stellaops.mirror.manifest+json"];
const MANIFEST: &str = "manifest.json";
const ENVELOPE: &str = "manifest.dsse.json";
/// TUF metadata that may lie at the root.
const METADATA: [&str; 2] = ["timestamp.json", "snapshot.json"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    bundle_id: String,
    mirror_generation: u64,
    created_at: String,
    producer: Option<Told>,
    manifest_version: Option<Told>,
    hashes: Option<Vec<Hash>>,
    dsse_envelope_hash: Option<String>,
    files: Vec<Listed>,
}

/// A digest as text, or an object with one.
#[derive(Deserialize)]
#[serde(try_from = "WrittenHash")]
struct Hash(Sha256Bytes);

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenHash {
    Text(String),
    Object {
        #[serde(alias = "digest", alias = "value")]
        sha256: String,
    },
}

impl TryFrom<WrittenHash> for Hash {
    type Error = String;

    fn try_from(written: WrittenHash) -> Result<Self, String> {
        let (WrittenHash::Text(text) | WrittenHash::Object { sha256: text }) = written;
        digest::parse_sha256(&text).map(Hash).map_err(|why| format!("hashes: {why}"))
    }
}

/// TUF metadata, as far as it names files and their digests.
#[derive(Deserialize)]
struct Metadata {
    signed: SignedPart,
}

#[derive(Deserialize)]
struct SignedPart {
    #[serde(default)]
    meta: BTreeMap<String, MetaFile>,
}

#[derive(Deserialize)]
struct MetaFile {
    length: Option<u64>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

/// The kind.
pub struct MirrorAirgap;

impl Kind for MirrorAirgap {
    fn id(&self) -> &'static str {
        "mirror:airgap"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        let Some(document) = Layout::find(inventory, MANIFEST).and_then(|layout| layout.document(inventory, MANIFEST))
        else {
            return Likelihood::No;
        };
        let names = layout::markers(document, &["mirrorGeneration", "files"]);
        match (names.contains("mirrorGeneration"), names.contains("files")) {
            (true, true) => Likelihood::Yes {
                version: None,
                because: "manifest.json has mirrorGeneration and a list of files".into(),
            },
            (true, false) => Likelihood::Near("manifest.json has mirrorGeneration but no files".into()),
            (false, _) => Likelihood::No,
        }
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let layout = Layout::find(inventory, MANIFEST).unwrap_or_default();
        let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
        let (inside, target) = (layout.path(ENVELOPE), inventory.find(&layout.path(MANIFEST)));
        let wanted = |d: &Document| d.name == inside || (d.location == Location::Sidecar && d.envelope);
        let positions = signed::positions(inventory, wanted);
        signed::read_all(inventory, &mut bundle, positions, PAYLOAD_TYPES, target);
        let manifest = read_document::<Manifest>(inventory, &mut bundle, &layout, MANIFEST, Role::Manifest);
        bundle.unreadable = manifest.is_none();
        if let Some(manifest) = &manifest {
            judge(inventory, &mut bundle, &layout, manifest);
        }
        bundle.claims.sort();
        bundle
    }
}

fn judge(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout, manifest: &Read<Manifest>) {
    let Read { name, value: manifest, index } = manifest;
    bundle.checks.push(Check::of(check::DOCUMENT_SCHEMA, name, manifest.schema()));
    bundle.checks.push(listing::paths(name, &manifest.files));
    bundle.checks.push(listing::order(name, "files", &manifest.files));
    bundle.checks.extend(manifest.hashes(name));
    bundle.checks.extend(manifest.envelope_hash(name));
    mirror_sbom::judge(name, &manifest.files, &mut bundle.checks);
    bundle.facts.push(manifest.facts(name));
    bundle.created = time::parse_rfc3339(&manifest.created_at).ok().map(|at| (at, name.clone()));
    listing::state(inventory, &mut bundle.claims, *index, layout, &manifest.files);
    for metadata in METADATA.iter().filter(|metadata| !manifest.files.iter().any(|file| file.path == **metadata)) {
        read_metadata(inventory, bundle, layout, metadata);
    }
}

/// TUF metadata that the manifest does not name: read as a list, so that it is evidence only in a mirror that nobody signed,
/// where it states the digest of something that is there and contradicts nothing.
fn read_metadata(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout, name: &str) {
    if layout.document(inventory, name).is_none() {
        return;
    }
    let Some(metadata) = read_document::<Metadata>(inventory, bundle, layout, name, Role::List) else { return };
    // What else it says is compared with nothing, so that it could carry anything.
    bundle.claims.loosen(metadata.index);
    for (target, file) in &metadata.value.signed.meta {
        let there = path::danger(target.as_bytes()).is_none() && inventory.find(&layout.path(target)).is_some();
        if let (true, Some(Ok(sha256))) = (there, file.hashes.get("sha256").map(|text| digest::parse_sha256(text))) {
            let digest = Some(Digest::Sha256(sha256));
            bundle.claims.state(inventory, metadata.index, &layout.path(target), digest, file.length);
        }
    }
    let detail =
        "TUF metadata: its digests are compared with what is here, its signatures are not checked for this kind";
    bundle.checks.push(Check::skip(check::TUF, &metadata.name, detail));
}

impl Manifest {
    fn schema(&self) -> Result<String, String> {
        if self.bundle_id.is_empty() {
            return Err("bundleId is empty".into());
        }
        time::parse_rfc3339(&self.created_at).map_err(|why| format!("createdAt: {why}, found {}", self.created_at))?;
        if let Some(text) = &self.dsse_envelope_hash {
            digest::parse_sha256(text).map_err(|why| format!("dsseEnvelopeHash: {why}"))?;
        }
        if self.files.is_empty() {
            return Err("files is empty".into());
        }
        if let Some(file) = self.files.iter().find(|file| [MANIFEST, ENVELOPE].contains(&file.path.as_str())) {
            return Err(format!("files names {}, whose digest cannot stand in the manifest", file.path));
        }
        Ok(format!("generation {}, {} files", self.mirror_generation, self.files.len()))
    }

    /// What `hashes` are digests of: files, or all files together.
    fn hashes(&self, name: &[u8]) -> Option<Check> {
        let stated: Vec<Sha256Bytes> = self.hashes.iter().flatten().map(|Hash(sha256)| *sha256).collect();
        if stated.is_empty() {
            return None;
        }
        let files: HashSet<Sha256Bytes> = self.files.iter().map(|file| file.sha256).collect();
        let recipes = roots::recipes(self.files.iter().map(|file| (file.path.as_str(), file.sha256)).collect());
        let (mut of_files, mut of_all, mut unknown) = (0, Vec::new(), Vec::new());
        for digest in stated {
            match recipes.iter().find(|(_, root)| *root == digest) {
                _ if files.contains(&digest) => of_files += 1,
                Some((recipe, _)) => of_all.push(*recipe),
                None => unknown.push(hex(&digest)),
            }
        }
        if let Some(first) = unknown.first() {
            let detail = format!(
                "{} of the digests under hashes are of no file that the manifest names, and no known recipe over all files gives \
                 them, first {first}; what they are of is not known",
                unknown.len()
            );
            return Some(Check::skip(check::MANIFEST_HASHES, name, detail));
        }
        let all = of_all.first().map_or(String::new(), |recipe| format!("; one is {recipe}"));
        Some(Check::pass(check::MANIFEST_HASHES, name, format!("hashes has the digests of {of_files} files{all}")))
    }

    /// The envelope contains the manifest, so that no manifest can contain the digest of its envelope.
    fn envelope_hash(&self, name: &[u8]) -> Option<Check> {
        let stated = self.dsse_envelope_hash.as_ref()?;
        let detail = format!(
            "dsseEnvelopeHash is {stated}; an envelope over this manifest contains the manifest, so its digest cannot stand in \
             it (circular), and it is compared with nothing"
        );
        Some(Check::skip(check::MANIFEST_HASHES, name, detail))
    }

    fn facts(&self, name: &[u8]) -> Facts {
        let mut items = vec![
            ("bundle id", self.bundle_id.clone()),
            ("mirror generation", self.mirror_generation.to_string()),
            ("created at", self.created_at.clone()),
            ("files", self.files.len().to_string()),
        ];
        let optional = [("manifest version", &self.manifest_version), ("producer", &self.producer)];
        items.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?.0.clone()))));
        Facts { document: name.to_vec(), items }
    }
}
