//! Predicate types by name, and what the known ones say: told as claims, never used.

use super::super::revocation::fields::members;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Materials and other lists: as many items are shown; the rest is counted.
const SHOWN: usize = 8;

/// Longest text of a predicate that is shown, in characters.
const MAX_SHOWN: usize = 200;

/// How the text of a predicate is read.
#[derive(Clone, Copy)]
enum Form {
    SlsaV02,
    SlsaV1,
    Summary,
    Spdx,
    CycloneDx,
    OfflineUpdate,
    Other,
}

/// Predicate types: how they begin (a version may follow, after `/`), their name, and their form.
const KNOWN: &[(&str, &str, Form)] = &[
    ("https://slsa.dev/provenance/v0.2", "SLSA provenance v0.2", Form::SlsaV02),
    ("https://slsa.dev/provenance/v0.1", "SLSA provenance v0.1", Form::Other),
    ("https://slsa.dev/provenance/v1", "SLSA provenance v1", Form::SlsaV1),
    ("https://slsa.dev/verification_summary/v0.1", "SLSA verification summary (VSA) v0.1", Form::Summary),
    ("https://slsa.dev/verification_summary/v0.2", "SLSA verification summary (VSA) v0.2", Form::Summary),
    ("https://slsa.dev/verification_summary/v1", "SLSA verification summary (VSA) v1", Form::Summary),
    ("https://spdx.dev/Document", "SPDX document", Form::Spdx),
    ("https://cyclonedx.org/bom", "CycloneDX BOM", Form::CycloneDx),
    ("https://cyclonedx.org/schema", "CycloneDX BOM", Form::CycloneDx),
    ("https://openvex.dev/ns", "OpenVEX document", Form::Other),
    ("https://in-toto.io/Link/v1", "in-toto link", Form::Other),
    ("https://in-toto.io/attestation/link", "in-toto link", Form::Other),
    ("https://in-toto.io/attestation/vulns", "vulnerability scan", Form::Other),
    ("https://in-toto.io/attestation/test-result", "test result", Form::Other),
    ("https://in-toto.io/attestation/release", "release", Form::Other),
    ("https://in-toto.io/attestation/scai", "supply chain attributes (SCAI)", Form::Other),
    ("https://cosign.sigstore.dev/attestation/v1", "cosign custom attestation", Form::Other),
    ("https://cosign.sigstore.dev/attestation/vuln/v1", "cosign vulnerability scan", Form::Other),
    ("https://sigstore.dev/cosign/sign/v1", "cosign signature", Form::Other),
    ("https://stella-ops.org/attestations/offline-update/1", "StellaOps offline update", Form::OfflineUpdate),
    ("https://stella.ops/attestation/vex-export/v1", "StellaOps VEX export", Form::Other),
    ("stellaops.evidence.bundle.v1", "StellaOps evidence bundle", Form::Other),
    ("stellaops.evidence.transparency.v1", "StellaOps evidence transparency", Form::Other),
    ("stellaops.evidence.integrity.v1", "StellaOps evidence integrity", Form::Other),
    ("stella.ops/vexObservation@v1", "StellaOps VEX observation", Form::Other),
    ("StellaOps.BuildProvenance@1", "StellaOps build provenance", Form::SlsaV1),
    ("StellaOps.SBOMAttestation@1", "StellaOps SBOM attestation", Form::Other),
    ("StellaOps.ScanResults@1", "StellaOps scan results", Form::Other),
    ("StellaOps.PolicyEvaluation@1", "StellaOps policy evaluation", Form::Other),
    ("StellaOps.VEXAttestation@1", "StellaOps VEX attestation", Form::Other),
    ("StellaOps.RiskProfileEvidence@1", "StellaOps risk profile evidence", Form::Other),
    ("StellaOps.PromotionAttestation@1", "StellaOps promotion", Form::Other),
];

fn known(predicate_type: &str) -> Option<&'static (&'static str, &'static str, Form)> {
    KNOWN.iter().find(|(start, ..)| {
        predicate_type.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The name of a predicate type that is known.
#[must_use]
pub fn name(predicate_type: &str) -> Option<&'static str> {
    known(predicate_type).map(|(_, name, _)| *name)
}

/// What the untrusted predicate says, by its type: name and value of each, in the order to show them. A member of another
/// form than its type has is left out.
#[must_use]
pub fn facts(predicate_type: &str, untrusted: &RawValue) -> Vec<(&'static str, String)> {
    let form = known(predicate_type).map_or(Form::Other, |(_, _, form)| *form);
    let mut found = Found { root: untrusted, items: Vec::new() };
    match form {
        Form::SlsaV02 => found.slsa_v02(),
        Form::SlsaV1 => found.slsa_v1(),
        Form::Summary => found.summary(),
        Form::Spdx => {
            found.text("SBOM name", &["name"]);
            found.text("SPDX version", &["spdxVersion"]);
            found.text("created", &["creationInfo", "created"]);
            found.count("packages", &["packages"]);
        }
        Form::CycloneDx => {
            found.text("SBOM name", &["metadata", "component", "name"]);
            found.text("CycloneDX version", &["specVersion"]);
            found.text("created", &["metadata", "timestamp"]);
            found.count("components", &["components"]);
        }
        Form::OfflineUpdate => {
            found.text("builder", &["builder"]);
            found.text("builder", &["builder", "id"]);
            found.text("created", &["created_at"]);
            found.text("channel", &["oukit_channel"]);
            found.text("offline manifest SHA-256", &["offline_manifest_sha256"]);
            found.count("feeds", &["feeds"]);
        }
        Form::Other => {}
    }
    found.items
}

struct Found<'a> {
    root: &'a RawValue,
    items: Vec<(&'static str, String)>,
}

impl<'a> Found<'a> {
    fn slsa_v02(&mut self) {
        self.text("builder", &["builder", "id"]);
        self.text("build type", &["buildType"]);
        self.text("source", &["invocation", "configSource", "uri"]);
        self.text("started", &["metadata", "buildStartedOn"]);
        self.text("finished", &["metadata", "buildFinishedOn"]);
        self.list("material", &["materials"], resource);
    }

    fn slsa_v1(&mut self) {
        self.text("builder", &["runDetails", "builder", "id"]);
        self.text("build type", &["buildDefinition", "buildType"]);
        self.text("invocation", &["runDetails", "metadata", "invocationId"]);
        self.text("started", &["runDetails", "metadata", "startedOn"]);
        self.text("finished", &["runDetails", "metadata", "finishedOn"]);
        self.list("material", &["buildDefinition", "resolvedDependencies"], resource);
    }

    fn summary(&mut self) {
        self.text("verifier", &["verifier", "id"]);
        self.text("verified at", &["timeVerified"]);
        self.text("resource", &["resourceUri"]);
        self.text("policy", &["policy", "uri"]);
        self.text("verification result", &["verificationResult"]);
        self.list("verified level", &["verifiedLevels"], |raw| Some(plain(raw)?.into_owned()));
        self.list("input attestation", &["inputAttestations"], resource);
    }

    fn text(&mut self, name: &'static str, path: &[&str]) {
        if let Some(text) = at(self.root, path).and_then(plain) {
            self.items.push((name, short(&text)));
        }
    }

    fn count(&mut self, name: &'static str, path: &[&str]) {
        if let Some(items) = at(self.root, path).and_then(list) {
            self.items.push((name, items.len().to_string()));
        }
    }

    fn list(&mut self, name: &'static str, path: &[&str], show: impl Fn(&'a RawValue) -> Option<String>) {
        let items = at(self.root, path).and_then(list).unwrap_or_default();
        let shown = items.iter().take(SHOWN).filter_map(|raw| show(raw)).map(|text| (name, short(&text)));
        self.items.extend(shown);
        if items.len() > SHOWN {
            self.items.push((name, format!("and {} more", items.len() - SHOWN)));
        }
    }
}

/// URI or name of a resource descriptor, with its SHA-256 where it has one.
fn resource(raw: &RawValue) -> Option<String> {
    let named = ["uri", "name"].into_iter().find_map(|member| plain(at(raw, &[member])?));
    let digest = ["sha256", "gitCommit", "sha1"].into_iter().find_map(|algorithm| {
        let value = plain(at(raw, &["digest", algorithm])?)?;
        Some(format!("{algorithm}:{value}"))
    });
    match (named, digest) {
        (Some(name), Some(digest)) => Some(format!("{name} ({digest})")),
        (name, digest) => name.map(Cow::into_owned).or(digest),
    }
}

/// The value at the end of a path of members.
fn at<'a>(raw: &'a RawValue, path: &[&str]) -> Option<&'a RawValue> {
    path.iter().try_fold(raw, |raw, name| {
        let found = members(raw.get())?;
        found.into_iter().find(|(known, _)| known == name).map(|(_, raw)| raw)
    })
}

fn list(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

fn plain(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|Text(text)| text)
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
