//! `mirror:contract`: the MirrorBundle of contract 003, a document that names exports by digest (formats.md 6.2). It states no
//! paths: artefacts are found by their digest, or by their key where the digest is wrong, or they lie elsewhere.

use super::kind::{Kind, Likelihood};
use super::layout::{self, Layout, Read, read_document};
use super::mirror_airgap::PAYLOAD_TYPES;
use super::model::{Bundle, External, Facts};
use super::signed;
use crate::format::digest::{self, Digest, Sha256Bytes, hex};
use crate::format::inventory::{Document, EntryIndex, Inventory, Location};
use crate::format::{json, time};
use crate::trust::check::{self, Check};
use crate::trust::claims::{ClaimingDocument, Role};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Names under which the document is looked for; its content decides.
const NAMES: [&str; 3] = ["mirror-bundle.json", "bundle.json", "manifest.json"];
const MARKERS: [&str; 3] = ["schemaVersion", "domainId", "exports"];
const FORMATS: [&str; 6] = ["openvex", "csaf", "cyclonedx", "spdx", "ndjson", "json"];
const DOMAINS: [&str; 3] = ["vex-advisories", "vulnerability-feeds", "policy-packs"];
/// Most exports that are shown one by one.
const SHOWN: usize = 32;
/// Most directories, and most suffixes, of a path that are looked at for a key.
const PARTS: usize = 8;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contract {
    schema_version: u64,
    generated_at: String,
    domain_id: String,
    target_repository: Option<String>,
    display_name: Option<String>,
    exports: Vec<Export>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    key: String,
    format: String,
    export_id: String,
    created_at: String,
    artifact_digest: String,
    artifact_size_bytes: Option<u64>,
    attestation: Option<IgnoredAny>,
    signature: Option<IgnoredAny>,
}

/// What the document is recognised by.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    schema_version: i128,
    #[serde(rename = "domainId")]
    _domain_id: String,
    #[serde(rename = "exports")]
    _exports: Vec<IgnoredAny>,
}

/// The kind.
pub struct MirrorContract;

impl Kind for MirrorContract {
    fn id(&self) -> &'static str {
        "mirror:contract"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        if let Some((_, name, version)) = find(inventory) {
            let because = format!("{name} has an integer schemaVersion, domainId and exports");
            return Likelihood::Yes { version, because };
        }
        for name in NAMES {
            let layout = Layout::find(inventory, name);
            let Some(document) = layout.and_then(|layout| layout.document(inventory, name)) else { continue };
            let names = layout::markers(document, &MARKERS);
            if names.contains("domainId") && names.contains("exports") {
                let lack = if names.contains("schemaVersion") {
                    "schemaVersion, domainId and exports are not an integer, a text and a list"
                } else {
                    "there is no schemaVersion"
                };
                return Likelihood::Near(format!("{name} has domainId and exports, but {lack}"));
            }
        }
        Likelihood::No
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let (layout, name, _) = find(inventory).unwrap_or((Layout::default(), NAMES[0], None));
        let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
        let target = inventory.find(&layout.path(name));
        let inside = [format!("{name}.dsse.json"), name.replace(".json", ".dsse.json")].map(|name| layout.path(name));
        bundle.checks.extend(signed::pass_over_foreign(inventory, PAYLOAD_TYPES));
        let wanted = |d: &Document| match d.location {
            Location::Entry(_) => inside.contains(&d.name),
            Location::Sidecar => d.envelope,
        };
        let positions = signed::positions(inventory, wanted);
        signed::read_all(inventory, &mut bundle, positions, PAYLOAD_TYPES, target);
        let contract = read_document::<Contract>(inventory, &mut bundle, &layout, name, Role::Manifest);
        bundle.unreadable = contract.is_none();
        if let Some(contract) = &contract {
            judge(inventory, &mut bundle, &layout, contract);
        }
        bundle.claims.sort();
        bundle
    }
}

/// The first document that has the markers: where it lies, its name, its version.
fn find(inventory: &Inventory) -> Option<(Layout, &'static str, Option<String>)> {
    NAMES.iter().find_map(|name| {
        let layout = Layout::find(inventory, name)?;
        let document = layout.document(inventory, name)?;
        match serde_json::from_slice::<Probe>(&document.bytes) {
            Ok(probe) => Some((layout, *name, Some(probe.schema_version.to_string()))),
            // No strict JSON, and it has all the words: it must fail as what it pretends to be.
            Err(_) if json::check(&document.bytes).is_err() => {
                let words = layout::markers(document, &MARKERS);
                MARKERS.iter().all(|word| words.contains(*word)).then_some((layout, *name, None))
            }
            Err(_) => None,
        }
    })
}

fn judge(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout, contract: &Read<Contract>) {
    let Read { name, value: contract, index } = contract;
    bundle.checks.push(Check::of(check::DOCUMENT_SCHEMA, name, contract.schema()));
    bundle.facts.push(contract.facts(name));
    bundle.created = time::parse_rfc3339(&contract.generated_at).ok().map(|at| (at, name.clone()));
    let documents = bundle.claims.documents().iter().filter_map(ClaimingDocument::entry).collect();
    let carried = Carried::find(inventory, layout, &contract.exports, &documents);
    let bearers = carried.bearers();
    let found = carried.assign(inventory, &contract.exports);
    for (export, entry) in contract.exports.iter().zip(&found) {
        let Ok(sha256) = digest::parse_sha256(&export.artifact_digest) else { continue };
        if let Some(entry) = entry {
            let path = inventory.entry(*entry).normal_path();
            let digest = Some(Digest::Sha256(sha256));
            bundle.claims.state(inventory, *index, path, digest, export.artifact_size_bytes);
        } else {
            let (path, size) = (export.key.clone(), export.artifact_size_bytes);
            bundle.external.push(External { path, sha256: hex(&sha256), size });
            // Whether it was left out by the sender or on the way, nobody can tell: such a bundle is not complete.
            bundle.claims.leave_out(export.key.as_bytes().to_vec());
        }
    }
    // A file under the name of one export with the content of another: whoever opens it by its name gets something else.
    let by_key: HashMap<&[u8], &Export> =
        contract.exports.iter().map(|export| (export.key.as_bytes(), export)).collect();
    let taken: HashSet<EntryIndex> = found.iter().flatten().copied().collect();
    for (entry, key) in bearers.into_iter().filter(|(entry, _)| taken.contains(entry)) {
        let file = inventory.entry(entry);
        let other = by_key.get(key).filter(|export| export.sha256().as_ref() != file.digest());
        if let Some(export) = other {
            let digest = export.sha256().map(Digest::Sha256);
            bundle.claims.state(inventory, *index, file.normal_path(), digest, export.artifact_size_bytes);
        }
    }
    if !bundle.external.is_empty() {
        let detail = format!(
            "{} of {} exports are named and not carried: their digests are authenticated with the document, their bytes are not \
             here",
            bundle.external.len(),
            contract.exports.len()
        );
        bundle.checks.push(Check::skip(check::EVIDENCE_EXTERNAL, name, detail));
    }
}

/// Files that may be artefacts: by their digest, and by the key of an export that they bear.
#[derive(Default)]
struct Carried<'a> {
    by_digest: HashMap<Sha256Bytes, VecDeque<EntryIndex>>,
    by_key: HashMap<&'a [u8], Vec<EntryIndex>>,
}

impl<'a> Carried<'a> {
    fn find(inventory: &'a Inventory, layout: &Layout, exports: &[Export], documents: &HashSet<EntryIndex>) -> Self {
        let wanted: HashSet<Sha256Bytes> = exports.iter().filter_map(Export::sha256).collect();
        let keys: HashSet<&[u8]> = exports.iter().map(|export| export.key.as_bytes()).collect();
        let last_parts: HashSet<&[u8]> = keys.iter().map(|key| last_part(key)).collect();
        let mut carried = Carried::default();
        for (index, entry) in inventory.entries.iter().enumerate() {
            let index = index as EntryIndex;
            let Some(sha256) = entry.digest().filter(|_| !documents.contains(&index)) else { continue };
            if wanted.contains(sha256) {
                carried.by_digest.entry(*sha256).or_default().push_back(index);
            }
            let inside = layout.inside(entry.normal_path()).unwrap_or(b"");
            for key in keys_in(inside, &last_parts).filter(|key| keys.contains(key)) {
                carried.by_key.entry(key).or_default().push(index);
            }
        }
        carried
    }

    /// The longest key that each file bears: that of `feed.v2.json` is `feed.v2`, though there be a `feed` too.
    fn bearers(&self) -> BTreeMap<EntryIndex, &'a [u8]> {
        let mut longest: BTreeMap<EntryIndex, &'a [u8]> = BTreeMap::new();
        for (key, entries) in &self.by_key {
            for entry in entries {
                let known = longest.entry(*entry).or_insert(key);
                *known = if key.len() > known.len() { key } else { known };
            }
        }
        longest
    }

    /// The entry that each export is: one with its digest and its key, else one with its digest, else one that bears its key
    /// and has another digest, which is then said. Each file is one artefact, unless more exports than files have one digest.
    fn assign(mut self, inventory: &Inventory, exports: &[Export]) -> Vec<Option<EntryIndex>> {
        let mut taken = HashSet::new();
        let mut found: Vec<Option<EntryIndex>> = vec![None; exports.len()];
        let bearing = |export: &Export| self.by_key.get(export.key.as_bytes()).map_or(&[][..], |entries| entries);
        for (export, found) in exports.iter().zip(&mut found) {
            let sha256 = export.sha256();
            let right = |entry: &&EntryIndex| inventory.entry(**entry).digest() == sha256.as_ref();
            *found = bearing(export).iter().find(|entry| right(entry) && !taken.contains(*entry)).copied();
            taken.extend(*found);
        }
        for (export, found) in exports.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            let Some(right) = export.sha256().and_then(|sha256| self.by_digest.get_mut(&sha256)) else { continue };
            // The last one stays, for all further exports of this digest.
            while right.len() > 1 && right.front().is_some_and(|entry| taken.contains(entry)) {
                right.pop_front();
            }
            *found = right.front().copied();
            taken.extend(*found);
        }
        for (export, found) in exports.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            *found = bearing(export).iter().find(|entry| !taken.contains(*entry)).copied();
            taken.extend(*found);
        }
        found
    }
}

fn last_part(path: &[u8]) -> &[u8] {
    path.rsplit(|c| *c == b'/').next().unwrap_or(path)
}

/// The keys that a path can bear: its ends at directory borders, as they are and without each of their suffixes. Only those
/// whose last part is one of `last_parts`, at most [`PARTS`] directories up, so that long paths cost little.
fn keys_in<'a>(path: &'a [u8], last_parts: &HashSet<&[u8]>) -> impl Iterator<Item = &'a [u8]> {
    let base = path.len() - last_part(path).len();
    let dots = (base + 1..path.len()).filter(|at| path.get(*at) == Some(&b'.'));
    let stems = dots.chain([path.len()]).filter(|end| last_parts.contains(path.get(base..*end).unwrap_or_default()));
    let ends: Vec<usize> = stems.take(PARTS).collect();
    let borders = (0..=base).rev().filter(|at| *at == 0 || path.get(at - 1) == Some(&b'/')).take(PARTS);
    borders.flat_map(move |start| ends.clone().into_iter().filter_map(move |end| path.get(start..end)))
}

impl Contract {
    fn schema(&self) -> Result<String, String> {
        if self.schema_version < 1 {
            return Err("schemaVersion is 0, it begins with 1".into());
        }
        if self.domain_id.is_empty() {
            return Err("domainId is empty".into());
        }
        time::parse_rfc3339(&self.generated_at)
            .map_err(|why| format!("generatedAt: {why}, found {}", self.generated_at))?;
        if self.exports.is_empty() {
            return Err("exports is empty".into());
        }
        let (mut keys, mut ids) = (HashSet::new(), HashSet::new());
        for (number, export) in self.exports.iter().enumerate() {
            export.schema().map_err(|why| format!("exports[{number}]: {why}"))?;
            if !keys.insert(&export.key) {
                return Err(format!("exports[{number}]: the key {} is stated twice", export.key));
            }
            if !ids.insert(&export.export_id) {
                return Err(format!("exports[{number}]: the exportId {} is stated twice", export.export_id));
            }
        }
        let known = if DOMAINS.contains(&self.domain_id.as_str()) { "" } else { " (none of the documented ones)" };
        Ok(format!(
            "schemaVersion {}, domain {}{known}, {} exports",
            self.schema_version,
            self.domain_id,
            self.exports.len()
        ))
    }

    fn facts(&self, name: &[u8]) -> Facts {
        let mut items = vec![
            ("schema version", self.schema_version.to_string()),
            ("domain", self.domain_id.clone()),
            ("generated at", self.generated_at.clone()),
            ("exports", self.exports.len().to_string()),
        ];
        let optional = [("name", &self.display_name), ("target repository", &self.target_repository)];
        items.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        items.extend(self.exports.iter().take(SHOWN).map(|export| ("export", export.describe())));
        if self.exports.len() > SHOWN {
            items.push(("export", format!("and {} more", self.exports.len() - SHOWN)));
        }
        Facts { document: name.to_vec(), items }
    }
}

impl Export {
    fn schema(&self) -> Result<(), String> {
        if self.key.is_empty() {
            return Err("key is empty".into());
        }
        if !FORMATS.contains(&self.format.as_str()) {
            return Err(format!("expected format as one of {}, found {}", FORMATS.join(", "), self.format));
        }
        if !super::devportal_manifest::is_uuid(&self.export_id) {
            return Err(format!("expected exportId as a dashed UUID, found {}", self.export_id));
        }
        time::parse_rfc3339(&self.created_at).map_err(|why| format!("createdAt: {why}, found {}", self.created_at))?;
        if !self.artifact_digest.starts_with("sha256:") {
            return Err(format!(
                "expected artifactDigest as sha256: and 64 hex digits, found {}",
                self.artifact_digest
            ));
        }
        digest::parse_sha256(&self.artifact_digest).map(|_| ()).map_err(|why| format!("artifactDigest: {why}"))
    }

    fn sha256(&self) -> Option<Sha256Bytes> {
        digest::parse_sha256(&self.artifact_digest).ok()
    }

    /// One line for people. What an export says of its own attestation or signature is not checked, and said to be so.
    fn describe(&self) -> String {
        let claims = [("an attestation", &self.attestation), ("a signature", &self.signature)];
        let claims: Vec<&str> = claims.into_iter().filter(|(_, value)| value.is_some()).map(|(what, _)| what).collect();
        let claims = if claims.is_empty() {
            String::new()
        } else {
            format!("; it claims {} of its own, which was not checked", claims.join(" and "))
        };
        format!("{} ({}), {}, created {}{claims}", self.key, self.format, self.export_id, self.created_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_bears_the_keys_that_it_ends_with() {
        let parts: HashSet<&[u8]> = [&b"feed"[..], b"feed.v2", b"feed.v2.json", b"csaf"].into();
        let keys: Vec<String> = keys_in(b"exports/csaf/feed.v2.json", &parts)
            .map(|key| String::from_utf8_lossy(key).into_owned())
            .collect();
        for key in ["exports/csaf/feed.v2.json", "csaf/feed.v2", "feed.v2.json", "feed.v2", "feed"] {
            assert!(keys.iter().any(|found| found == key), "{key}");
        }
        assert_eq!(keys.len(), 9);
        assert_eq!(keys_in(b"exports/csaf/other.json", &parts).count(), 0);
    }
}
