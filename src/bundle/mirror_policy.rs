//! `mirror:policy`: a policy mirror, `policy-mirror-v1`, with a MANIFEST.json that says until when it may be used
//! (formats.md 6.5).

use super::determinism;
use super::kind::{Kind, Likelihood};
use super::layout::{self, Layout, Read, read_document};
use super::listing::{self, Listed};
use super::mirror_airgap::PAYLOAD_TYPES;
use super::model::{Bundle, Facts};
use super::signed;
use super::told::Told;
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::{digest, json, time};
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;
use serde::Deserialize;

const MANIFEST: &str = "MANIFEST.json";
const ENVELOPES: [&str; 2] = ["MANIFEST.dsse.json", "MANIFEST.json.dsse.json"];
const MARKER: &str = "policy-mirror-v1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    bundle_id: String,
    schema_version: Told,
    created_at: String,
    publisher: Told,
    signature: Option<Told>,
    transparency_log: Option<Told>,
    contents: Vec<Listed>,
    manifest_sha256: Option<String>,
    valid_until: String,
    time_anchor: Option<Told>,
}

/// Members in which the marker may stand: the papers do not say in which.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    schema_version: Option<Told>,
    schema: Option<Told>,
    #[serde(rename = "type")]
    type_: Option<Told>,
    kind: Option<Told>,
    profile: Option<Told>,
}

impl Probe {
    /// The value that begins like the marker.
    fn marker(self) -> Option<String> {
        let members = [self.schema_version, self.schema, self.type_, self.kind, self.profile];
        members.into_iter().flatten().map(|Told(text)| text).find(|text| text.starts_with("policy-mirror-"))
    }
}

/// The kind.
pub struct MirrorPolicy;

impl Kind for MirrorPolicy {
    fn id(&self) -> &'static str {
        "mirror:policy"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        let layout = Layout::find(inventory, MANIFEST);
        let Some(document) = layout.and_then(|layout| layout.document(inventory, MANIFEST)) else {
            return Likelihood::No;
        };
        match marker(document) {
            Some(version) if version == MARKER => {
                Likelihood::Yes { because: format!("MANIFEST.json says {MARKER}"), version: Some(version) }
            }
            Some(other) => Likelihood::Near(format!("MANIFEST.json says {other}, this tool reads {MARKER}")),
            None => {
                let names = layout::markers(document, &[]);
                let near = names.contains("contents") && names.contains("validUntil");
                let lack = format!("MANIFEST.json has contents and validUntil but says nowhere {MARKER}");
                if near { Likelihood::Near(lack) } else { Likelihood::No }
            }
        }
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let layout = Layout::find(inventory, MANIFEST).unwrap_or_default();
        let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
        let (inside, target) = (ENVELOPES.map(|name| layout.path(name)), inventory.find(&layout.path(MANIFEST)));
        bundle.checks.extend(signed::pass_over_foreign(inventory, PAYLOAD_TYPES));
        let wanted = |d: &Document| match d.location {
            Location::Entry(_) => inside.contains(&d.name),
            Location::Sidecar => d.envelope,
        };
        let positions = signed::positions(inventory, wanted);
        signed::read_all(inventory, &mut bundle, positions, PAYLOAD_TYPES, target);
        let manifest = read_document::<Manifest>(inventory, &mut bundle, &layout, MANIFEST, Role::Manifest);
        bundle.unreadable = manifest.is_none();
        if let Some(manifest) = &manifest {
            judge(inventory, &mut bundle, &layout, manifest);
        }
        bundle.claims.sort();
        bundle.checks.push(determinism::judge(inventory, &determinism::DEVPORTAL));
        bundle
    }
}

fn marker(document: &Document) -> Option<String> {
    serde_json::from_slice::<Probe>(&document.bytes).ok().and_then(Probe::marker).or_else(|| {
        // What is no strict JSON and has the word must fail as what it pretends to be.
        let text = String::from_utf8_lossy(&document.bytes[..document.bytes.len().min(4096)]);
        let pretends = text.contains(MARKER) && json::check(&document.bytes).is_err();
        pretends.then(|| MARKER.to_string())
    })
}

fn judge(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout, manifest: &Read<Manifest>) {
    let Read { name, value: manifest, index } = manifest;
    bundle.checks.push(Check::of(check::DOCUMENT_SCHEMA, name, manifest.schema()));
    bundle.checks.push(listing::paths(name, &manifest.contents));
    bundle.checks.extend(manifest.not_checked(name));
    bundle.facts.push(manifest.facts(name));
    let at = |text: &str| time::parse_rfc3339(text).ok().map(|at| (at, name.clone()));
    bundle.created = at(&manifest.created_at);
    bundle.expires = at(&manifest.valid_until);
    listing::state(inventory, &mut bundle.claims, *index, layout, &manifest.contents);
}

impl Manifest {
    fn schema(&self) -> Result<String, String> {
        if self.bundle_id.is_empty() {
            return Err("bundleId is empty".into());
        }
        let created = time::parse_rfc3339(&self.created_at)
            .map_err(|why| format!("createdAt: {why}, found {}", self.created_at))?;
        let expires = time::parse_rfc3339(&self.valid_until)
            .map_err(|why| format!("validUntil: {why}, found {}", self.valid_until))?;
        if expires < created {
            return Err(format!("validUntil is {}, before createdAt, {}", self.valid_until, self.created_at));
        }
        if let Some(text) = &self.manifest_sha256 {
            digest::parse_sha256(text).map_err(|why| format!("manifestSha256: {why}"))?;
        }
        if self.contents.is_empty() {
            return Err("contents is empty".into());
        }
        if let Some(file) = self.contents.iter().find(|file| file.path == MANIFEST || ENVELOPES.contains(&&*file.path))
        {
            return Err(format!("contents names {}, whose digest cannot stand in the manifest", file.path));
        }
        Ok(format!("{MARKER}, {} files", self.contents.len()))
    }

    /// What the manifest says and nothing here can compare.
    fn not_checked(&self, name: &[u8]) -> Vec<Check> {
        let mut checks = Vec::new();
        if let Some(stated) = &self.manifest_sha256 {
            let detail = format!("manifestSha256 is {stated}; a document cannot contain its own digest (circular)");
            checks.push(Check::skip(check::MANIFEST_HASHES, name, detail));
        }
        if let Some(Told(what)) = &self.signature {
            let detail = format!(
                "the manifest has a member signature ({what}); what it is over is not documented, and nothing depends on it"
            );
            checks.push(Check::skip(check::SIGNATURE_UNREAD, name, detail));
        }
        if let Some(Told(what)) = &self.transparency_log {
            let detail = format!("the manifest has a member transparencyLog ({what}), which was not checked");
            checks.push(Check::skip(check::TRANSPARENCY, name, detail));
        }
        checks
    }

    fn facts(&self, name: &[u8]) -> Facts {
        let mut items = vec![
            ("bundle id", self.bundle_id.clone()),
            ("schema version", self.schema_version.0.clone()),
            ("created at", self.created_at.clone()),
            ("valid until", self.valid_until.clone()),
            ("publisher", self.publisher.0.clone()),
            ("files", self.contents.len().to_string()),
        ];
        let optional = [
            ("signature of its own (not checked)", &self.signature),
            ("transparency log (not checked)", &self.transparency_log),
            ("time anchor (not checked)", &self.time_anchor),
        ];
        items.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?.0.clone()))));
        Facts { document: name.to_vec(), items }
    }
}
