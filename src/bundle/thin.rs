//! `mirror:thin`: an archive of layers and indexes, a manifest and a statement about the whole beside it, each with a DSSE
//! envelope, and TUF metadata that names all three (formats.md section 5).

use super::determinism;
use super::kind::{Further, Kind, Likelihood};
use super::layout;
use super::lists;
use super::model::{Beside, Bundle, TufPart, TufTarget};
use super::signed::{self, Target};
use super::thin_manifest::{BundleMeta, ThinManifest, VERSION};
use super::thin_parts::Parts;
use super::{nested, oci_graph, thin_evidence, thin_oci};
use crate::format::digest::{Digest, Sha256Bytes, hex, sha256};
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::time;
use crate::trust::check::{self, Check};
use crate::trust::claims::{DocumentIndex, Role};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Payload type of the signed manifest.
const MANIFEST_TYPES: &[&str] = &["application/vnd.stellaops.mirror.manifest+json"];
/// Payload type of the signed statement about the whole.
const BUNDLE_TYPES: &[&str] = &["application/vnd.stellaops.mirror.bundle+json"];

/// The kind.
pub struct MirrorThin;

/// As much of a manifest as tells the kind.
#[derive(Deserialize)]
struct Probe {
    version: Option<String>,
    schema_version: Option<String>,
    layers: Option<Vec<IgnoredAny>>,
    indexes: Option<Vec<IgnoredAny>>,
}

impl Kind for MirrorThin {
    fn id(&self) -> &'static str {
        "mirror:thin"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        let Some(parts) = Parts::find(inventory) else { return Likelihood::No };
        let outer = parts.document(inventory, &parts.name(".manifest.json"));
        let inner = || inventory.document(b"manifest.json").filter(|_| parts.archive().is_none());
        let Some(document) = outer.or_else(inner) else { return Likelihood::No };
        let siblings = outer.is_some();
        let Ok(probe) = serde_json::from_slice::<Probe>(&document.bytes) else {
            // Siblings by these names have no other meaning: a manifest that cannot be read must fail as one.
            let because = format!("{} lies beside its archive", parts.name(".manifest.json"));
            return if siblings { Likelihood::Yes { version: None, because } } else { Likelihood::No };
        };
        if probe.schema_version.as_deref().is_some_and(|version| version.starts_with("mirror.thin.")) {
            let lack = "the manifest is of the draft form mirror.thin.v1, which names no paths; this tool reads 1.0.0";
            return Likelihood::Near(lack.into());
        }
        if !siblings && (probe.layers.is_none() || probe.indexes.is_none()) {
            return Likelihood::No;
        }
        let because = match (siblings, parts.archive()) {
            (true, Some(_)) => format!("{} lies among the entries, with its archive", parts.name(".manifest.json")),
            (true, None) => format!("{} lies beside the input", parts.name(".manifest.json")),
            (false, _) => format!("manifest.json has layers and indexes, as version {VERSION} of a thin mirror"),
        };
        Likelihood::Yes { version: probe.version, because }
    }

    fn further(&self, inventory: &Inventory) -> Further {
        let Some(parts) = Parts::find(inventory) else { return Further::default() };
        let unread = parts.oci(inventory).map(|layout| oci_graph::follow(inventory, &layout).unread);
        Further {
            nested: parts.archive().into_iter().collect(),
            documents: unread.unwrap_or_default(),
            ..Further::default()
        }
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
        let Some(parts) = Parts::find(inventory) else {
            bundle.checks.push(Check::fail(
                check::DOCUMENT_PRESENT,
                "manifest.json",
                "the bundle has no manifest.json",
            ));
            return bundle;
        };
        let reader = Reader { parts };
        let manifest = reader.manifest(inventory, &mut bundle);
        let meta = reader.meta(inventory, &mut bundle);
        reader.envelopes(inventory, &mut bundle, manifest.as_ref(), meta.as_ref());
        if let Some(manifest) = &manifest {
            reader.hashes(inventory, &mut bundle, manifest, meta.as_ref());
        }
        thin_evidence::read(inventory, &mut bundle, &reader.parts);
        if let Some(layout) = reader.parts.oci(inventory) {
            let manifest = manifest.as_ref().filter(|read| read.value.is_some());
            // The manifest vouches for the archive where it has a claim of its own about it: then all in it was compared.
            let archive = reader.parts.archive().filter(|entry| {
                manifest.is_some_and(|read| {
                    bundle.claims.claims().iter().any(|c| c.entry == *entry && c.document == read.index)
                })
            });
            let archive = archive.and_then(|entry| Some((manifest?.index, *inventory.entry(entry).digest()?)));
            let meta = meta.as_ref().filter(|read| read.value.is_some()).map(|read| (read.index, read.sha256));
            let twins: Vec<_> =
                manifest.map(|read| (read.index, read.sha256)).into_iter().chain(archive).chain(meta).collect();
            thin_oci::read(inventory, &mut bundle, &layout, &twins);
        }
        bundle.tuf = reader.tuf(inventory, manifest.as_ref(), meta.as_ref());
        bundle.claims.sort();
        if let Some(inner) = reader.parts.inner(inventory) {
            bundle.checks.push(determinism::judge(inner, &determinism::EPOCH));
        }
        bundle
    }
}

/// A document of the mirror that was read.
struct Read<T> {
    index: DocumentIndex,
    name: Vec<u8>,
    location: Location,
    sha256: Sha256Bytes,
    size: u64,
    value: Option<T>,
}

impl<T> Read<T> {
    fn target(&self) -> Target {
        match self.location {
            Location::Entry(entry) => Target::Entry(entry),
            Location::Sidecar => {
                Target::Beside(Beside { document: self.index, name: self.name.clone(), sha256: self.sha256 })
            }
        }
    }
}

struct Reader {
    parts: Parts,
}

impl Reader {
    /// The manifest: the copy beside the archive, or the one in it where there is no copy. States what is in the archive.
    fn manifest(&self, inventory: &Inventory, bundle: &mut Bundle) -> Option<Read<ThinManifest>> {
        let copy = self.parts.document(inventory, &self.parts.name(".manifest.json"));
        let inner = self.parts.inner(inventory).and_then(|inner| inner.document(b"manifest.json"));
        let Some(document) = copy.or_else(|| inner.filter(|_| self.parts.archive().is_none())) else {
            bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, "manifest.json", "the mirror has no manifest"));
            return None;
        };
        // Of two copies that are the same, the one in the archive speaks: it is an entry, so that others can vouch for it.
        let same = inner.filter(|inner| self.parts.archive().is_none() && inner.bytes == document.bytes);
        let read = register::<ThinManifest>(bundle, same.unwrap_or(document));
        if let Some(copy) = copy.filter(|_| same.is_some()) {
            bundle.claims.document(&copy.name, copy.location, Role::Metadata);
        }
        if let Some(manifest) = &read.value {
            bundle.checks.extend(manifest.check(document));
            bundle.facts.push(manifest.facts(document));
            bundle.created = time::parse_rfc3339(&manifest.created).ok().map(|at| (at, document.name.clone()));
        }
        bundle.unreadable = read.value.is_none();
        if copy.is_some() {
            self.compare_copies(bundle, &read, inner, self.parts.inner(inventory).is_some());
        }
        match self.parts.archive() {
            None => state_files(inventory, bundle, &read),
            Some(archive) => {
                let rows = read.value.as_ref().map_or_else(Vec::new, |manifest| {
                    let files = manifest.files();
                    let files = files.iter().map(|file| (file.path.as_bytes(), file.sha256, file.size));
                    nested::judge(inventory, archive, files, &[b"manifest.json"])
                });
                let sound = read.value.is_some()
                    && !rows.iter().any(Check::failed)
                    && inner.is_some_and(|d| d.bytes == document.bytes);
                bundle.checks.extend(rows);
                // What the manifest states of every file in the archive was found there, and nothing else: so it vouches
                // for the archive as well, though it cannot state the digest of what it is part of.
                if let Some(digest) = inventory.entry(archive).digest().filter(|_| sound) {
                    let path = inventory.entry(archive).normal_path().to_vec();
                    bundle.claims.state(inventory, read.index, &path, Some(Digest::Sha256(*digest)), None);
                }
            }
        }
        Some(read)
    }

    /// The manifest beside the archive is the one in it.
    fn compare_copies(&self, bundle: &mut Bundle, copy: &Read<ThinManifest>, inner: Option<&Document>, read: bool) {
        let same = inner.is_some_and(|inner| sha256(&inner.bytes) == copy.sha256);
        let name = self.parts.path(&self.parts.name(".manifest.json"));
        if !read {
            let detail = "not compared with the manifest in the archive, which was not read";
            bundle.checks.push(Check::skip(check::DOCUMENTS_AGREE, name, detail));
            return;
        }
        let outcome = match inner {
            None => Err("there is no manifest.json in the archive that could be compared with it".to_string()),
            Some(_) if same => Ok("manifest.json in the archive is the same, byte for byte".to_string()),
            Some(inner) => Err(format!(
                "it has sha256:{}, manifest.json in the archive sha256:{}: they must be the same",
                hex(&copy.sha256),
                hex(&sha256(&inner.bytes))
            )),
        };
        bundle.checks.push(Check::of(check::DOCUMENTS_AGREE, name, outcome));
        if let Some(inner) = inner.filter(|_| self.parts.archive().is_none() && !same) {
            let index = bundle.claims.document(&inner.name, inner.location, Role::Metadata);
            bundle.claims.reject(index);
        }
    }

    /// The statement about the whole: the digests of archive and manifest, where it states them.
    fn meta(&self, inventory: &Inventory, bundle: &mut Bundle) -> Option<Read<BundleMeta>> {
        let document = self.parts.document(inventory, &self.parts.name(".bundle.json"))?;
        let read = register::<BundleMeta>(bundle, document);
        let Some(meta) = &read.value else { return Some(read) };
        bundle.facts.push(meta.facts(document));
        // Where contents were not read there is no digest to agree with, and what is stated is all there is.
        if let (true, Some(archive), Some(Ok(stated))) =
            (inventory.unread, self.parts.archive(), meta.digest("tarball_sha256"))
        {
            let path = inventory.entry(archive).normal_path();
            bundle.claims.state(inventory, read.index, path, Some(Digest::Sha256(stated)), None);
        }
        let manifest =
            self.parts.document(inventory, &self.parts.name(".manifest.json")).map(|document| sha256(&document.bytes));
        let rows = [("tarball_sha256", self.archive_digest(inventory)), ("manifest_sha256", manifest)];
        let mut agreed = Vec::new();
        for (field, found) in rows {
            let (Some(stated), Some(found)) = (meta.digest(field), found) else { continue };
            match stated {
                Ok(stated) if stated == found => agreed.push(field),
                Ok(stated) => {
                    let detail = format!("{field} is {}, found {}", hex(&stated), hex(&found));
                    bundle.checks.push(Check::fail(check::DOCUMENTS_AGREE, &read.name, detail));
                }
                Err(why) => bundle.checks.push(Check::fail(check::DOCUMENT_SCHEMA, &read.name, why)),
            }
        }
        if !agreed.is_empty() {
            let detail = format!("{} as found", agreed.join(" and "));
            bundle.checks.push(Check::pass(check::DOCUMENTS_AGREE, &read.name, detail));
        }
        for (field, found) in rows.iter().filter(|(field, _)| agreed.contains(field)) {
            let path = match (*field, self.parts.archive()) {
                ("tarball_sha256", Some(entry)) => inventory.entry(entry).normal_path().to_vec(),
                ("tarball_sha256", None) => continue,
                (_, Some(_)) => self.parts.path(&self.parts.name(".manifest.json")),
                // Where the copies differ, that is said already.
                (_, None)
                    if inventory
                        .document(b"manifest.json")
                        .is_some_and(|inner| Some(sha256(&inner.bytes)) == *found) =>
                {
                    b"manifest.json".to_vec()
                }
                (_, None) => continue,
            };
            bundle.claims.state(inventory, read.index, &path, found.map(Digest::Sha256), None);
        }
        Some(read)
    }

    fn archive_digest(&self, inventory: &Inventory) -> Option<Sha256Bytes> {
        match self.parts.archive() {
            Some(entry) => inventory.entry(entry).digest().copied(),
            None => inventory.outer.as_ref().map(|outer| outer.sha256),
        }
    }

    fn envelopes(
        &self,
        inventory: &mut Inventory,
        bundle: &mut Bundle,
        manifest: Option<&Read<ThinManifest>>,
        meta: Option<&Read<BundleMeta>>,
    ) {
        let rows = [
            (".manifest.dsse.json", MANIFEST_TYPES, manifest.map(Read::target)),
            (".bundle.dsse.json", BUNDLE_TYPES, meta.map(Read::target)),
        ];
        for (end, types, target) in rows {
            let Some(position) = self.parts.position(inventory, &self.parts.name(end)) else { continue };
            match signed::read(inventory, &mut bundle.claims, position, types, target, false) {
                Ok(document) => {
                    bundle.checks.extend(document.checks(inventory));
                    bundle.facts.push(document.facts());
                    bundle.signed.push(document);
                }
                Err(failed) => bundle.checks.push(*failed),
            }
        }
    }

    /// `hashes` in the manifest: of the manifest itself, and of the archive that holds it. Both are circular, so they are
    /// compared only where something outside states the value too.
    fn hashes(
        &self,
        inventory: &Inventory,
        bundle: &mut Bundle,
        manifest: &Read<ThinManifest>,
        meta: Option<&Read<BundleMeta>>,
    ) {
        let Some(hashes) = manifest.value.as_ref().and_then(|manifest| manifest.hashes.as_ref()) else { return };
        let stated_outside = |field: &str, name: &str| {
            let by_meta = meta.and_then(|meta| meta.value.as_ref()?.digest(field)).is_some();
            let list = format!("{name}.sha256");
            by_meta
                || inventory.documents.iter().any(|d| lists::is_list_name(&d.name) && d.name.ends_with(list.as_bytes()))
        };
        let manifest_name = self.parts.name(".manifest.json");
        let rows = [
            (
                "tarball_sha256",
                &hashes.tarball_sha256,
                self.parts.archive_name(inventory),
                self.archive_digest(inventory),
            ),
            ("manifest_sha256", &hashes.manifest_sha256, manifest_name, Some(manifest.sha256)),
        ];
        for (field, stated, name, found) in rows {
            let Some(stated) = stated else { continue };
            let found = found.filter(|_| stated_outside(field, &name)).map(|found| hex(&found));
            bundle.checks.push(match found {
                None => {
                    let detail =
                        format!("hashes.{field} is circular, and nothing outside states the value: not compared");
                    Check::skip(check::MANIFEST_HASHES, &manifest.name, detail)
                }
                Some(found) if stated.trim_start_matches("sha256:").eq_ignore_ascii_case(&found) => {
                    Check::pass(check::MANIFEST_HASHES, &manifest.name, format!("hashes.{field} is that of {name}"))
                }
                Some(found) => {
                    let detail = format!("hashes.{field} is {stated}, that of {name} is {found}");
                    Check::fail(check::MANIFEST_HASHES, &manifest.name, detail)
                }
            });
        }
    }

    /// What TUF metadata has to name: archive, manifest and statement, as far as they are there.
    fn tuf(
        &self,
        inventory: &Inventory,
        manifest: Option<&Read<ThinManifest>>,
        meta: Option<&Read<BundleMeta>>,
    ) -> Option<TufPart> {
        let folder = self.parts.tuf_folder();
        let below = format!("{folder}/").into_bytes();
        let beside = self.parts.archive().is_none();
        let ours = |d: &Document| (d.location == Location::Sidecar) == beside && d.name.starts_with(&below);
        if !inventory.documents.iter().any(ours) {
            return None;
        }
        let archive = TufTarget {
            name: self.parts.archive_name(inventory),
            sha256: self.archive_digest(inventory),
            size: self.parts.archive().map_or(inventory.outer_size, |entry| Some(inventory.entry(entry).size)),
            document: None,
            entry: self.parts.archive(),
        };
        let of = |end: &str, index, sha256, size, location| TufTarget {
            name: self.parts.name(end),
            sha256: Some(sha256),
            size: Some(size),
            document: Some(index),
            entry: if let Location::Entry(entry) = location { Some(entry) } else { None },
        };
        // Where the manifest was found in the archive only, nothing by the name that metadata lists is there.
        let copied = manifest.filter(|_| self.parts.document(inventory, &self.parts.name(".manifest.json")).is_some());
        let targets = [archive]
            .into_iter()
            .chain(copied.map(|read| of(".manifest.json", read.index, read.sha256, read.size, read.location)))
            .chain(meta.map(|read| of(".bundle.json", read.index, read.sha256, read.size, read.location)));
        Some(TufPart { folder, beside, targets: targets.collect() })
    }
}

/// Registers a document that states things, and reads it.
fn register<T: DeserializeOwned>(bundle: &mut Bundle, document: &Document) -> Read<T> {
    let index = bundle.claims.document(&document.name, document.location, Role::Manifest);
    let value = layout::read::<T>(document);
    bundle.checks.push(match &value {
        Ok(_) => layout::read_well(&document.name),
        Err(failed) => {
            bundle.claims.reject(index);
            (**failed).clone()
        }
    });
    let (sha256, size) = (sha256(&document.bytes), document.bytes.len() as u64);
    Read { index, name: document.name.clone(), location: document.location, sha256, size, value: value.ok() }
}

fn state_files(inventory: &Inventory, bundle: &mut Bundle, read: &Read<ThinManifest>) {
    for file in read.value.iter().flat_map(ThinManifest::files) {
        let digest = Some(Digest::Sha256(file.sha256));
        bundle.claims.state(inventory, read.index, file.path.as_bytes(), digest, file.size);
    }
}
