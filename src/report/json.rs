//! The JSON report (`docs/report.schema.json`), written entry by entry so that a million entries need no second copy.

pub mod diff;
mod escaping;
mod meaning;
mod oci;
mod stated;
pub mod step;
mod trivy;
mod unpack;

use super::model::{Outcome, Report};
use crate::format::digest::hex;
use crate::format::inventory::{EntryIndex, Observed};
use crate::format::path::lossless;
use crate::format::time::{Time, format_rfc3339};
use crate::trust::authority::Standing;
use crate::trust::check::Check;
use crate::trust::claims::DocumentIndex;
use crate::trust::envelope::Signer;
use crate::trust::rules::PolicyRecord;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use escaping::Escaping;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::ser::PrettyFormatter;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Version of the report's form.
pub const SCHEMA: &str = "portcullis.report/v1";

/// Writes `report` as one JSON object and a line feed.
pub fn write(report: &Report<'_>, out: impl Write) -> io::Result<()> {
    write_value(report, out)
}

/// Writes the report of a run that could form no answer.
pub fn write_error(
    command: &str,
    at: Time,
    subject: &[u8],
    exit_code: u8,
    message: &str,
    out: impl Write,
) -> io::Result<()> {
    write_value(&ErrorView { command, at, subject, exit_code, message }, out)
}

struct ErrorView<'a> {
    command: &'a str,
    at: Time,
    subject: &'a [u8],
    exit_code: u8,
    message: &'a str,
}

impl Serialize for ErrorView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        head(&mut map, self.command, self.at)?;
        map.serialize_entry("subject", &UnreadSubject(self.subject))?;
        map.serialize_entry("verdict", "error")?;
        map.serialize_entry("exit_code", &self.exit_code)?;
        map.serialize_entry("error", self.message)?;
        map.end()
    }
}

struct UnreadSubject<'a>(&'a [u8]);

impl Serialize for UnreadSubject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        name(&mut map, "name", "name_bytes", self.0)?;
        map.serialize_entry("size", &None::<u64>)?;
        map.serialize_entry("sha256", &None::<String>)?;
        map.serialize_entry("container", &[(); 0])?;
        map.end()
    }
}

/// The members with which every report begins.
fn head<M: SerializeMap>(map: &mut M, command: &str, at: Time) -> Result<(), M::Error> {
    map.serialize_entry("schema", SCHEMA)?;
    map.serialize_entry(
        "tool",
        &Ordered([("name", json!("portcullis")), ("version", json!(env!("CARGO_PKG_VERSION")))]),
    )?;
    map.serialize_entry("command", command)?;
    map.serialize_entry("at", &format_rfc3339(at))
}

/// Writes any value in the form of our reports: two spaces, hostile characters escaped, a final line feed.
pub fn write_value(value: &impl Serialize, mut out: impl Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Escaping(PrettyFormatter::new()));
    value.serialize(&mut serializer).map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    out.flush()
}

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (inventory, recognition) = (self.inventory(), &self.reading().recognition);
        let mut map = serializer.serialize_map(None)?;
        head(&mut map, self.command, self.at)?;
        map.serialize_entry("subject", &SubjectView(self))?;
        map.serialize_entry("content_digest", &format!("sha256:{}", hex(&inventory.content_digest())))?;
        map.serialize_entry(
            "kind",
            &Ordered([
                ("id", json!(recognition.kind.id())),
                ("version", json!(recognition.version)),
                ("because", json!(recognition.because)),
                ("near_misses", json!(recognition.near_misses)),
            ]),
        )?;
        map.serialize_entry("verdict", self.verdict().name())?;
        map.serialize_entry("exit_code", &self.exit_code)?;
        map.serialize_entry("required", &self.required())?;
        map.serialize_entry("authentication", &Authenticated(self))?;
        if let Some(policy) = self.policy() {
            map.serialize_entry("policy", &PolicyView(policy))?;
        }
        map.serialize_entry("checks", &Each(self.checks().iter().map(CheckView)))?;
        map.serialize_entry("summary", &Ordered(summary(self)))?;
        map.serialize_entry("entries", &Entries(self))?;
        map.serialize_entry("waivers", &self.waivers())?;
        map.serialize_entry("limits", &Ordered(limits(self)))?;
        map.serialize_entry("cage", &Ordered(cage(self)))?;
        if self.command == "unpack" {
            map.serialize_entry("unpacked", &self.unpacked.map(|unpacked| Ordered(unpack::members(unpacked))))?;
        }
        self.serialize_extras(&mut map)?;
        map.end()
    }
}

impl Report<'_> {
    fn serialize_extras<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let text = lossless;
        let documents = self.facts().iter().map(|facts| {
            let items = facts.items.iter().map(|(name, value)| json!({"name": name, "value": value}));
            Ordered([("document", json!(text(&facts.document))), ("claims", items.collect())])
        });
        map.serialize_entry("documents", &Each(documents))?;
        if let Outcome::Inspected(_) = self.outcome {
            let signers = self.claimed_signers().into_iter().map(|s| {
                Ordered([
                    ("document", json!(text(s.document))),
                    ("keyid", json!(s.keyid)),
                    ("algorithm", json!(s.algorithm)),
                    ("payload_type", json!(s.payload_type)),
                ])
            });
            map.serialize_entry("claimed_signers", &signers.collect::<Vec<_>>())?;
        }
        let external = &self.reading().bundle.external;
        if !external.is_empty() {
            let external = external
                .iter()
                .map(|e| Ordered([("path", json!(e.path)), ("sha256", json!(e.sha256)), ("size", json!(e.size))]));
            map.serialize_entry("external", &Each(external))?;
        }
        if let Some(oci) = &self.reading().bundle.oci {
            map.serialize_entry("oci", &oci::View(oci))?;
        }
        trivy::View::of(self).map_or(Ok(()), |trivy| map.serialize_entry("trivy", &trivy))
    }
}

/// Members in the order given (`serde_json::Value` sorts its own).
struct Ordered<T>(T);

impl<T: AsRef<[(&'static str, Value)]>> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.as_ref().iter().map(|(key, value)| (key, value)))
    }
}

/// A sequence from an iterator that can be cloned.
struct Each<I>(I);

impl<I> Serialize for Each<I>
where
    I: Iterator + Clone,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

struct SubjectView<'a>(&'a Report<'a>);

impl Serialize for SubjectView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inventory = self.0.inventory();
        let mut map = serializer.serialize_map(None)?;
        name(&mut map, "name", "name_bytes", &self.0.subject.name)?;
        map.serialize_entry("size", &inventory.outer_size)?;
        map.serialize_entry("sha256", &inventory.outer.as_ref().map(|digests| hex(&digests.sha256)))?;
        map.serialize_entry("container", &inventory.container)?;
        map.end()
    }
}

/// The policy file, and the revocation lists that it honours.
struct PolicyView<'a>(&'a PolicyRecord);

impl Serialize for PolicyView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let policy = self.0;
        let lists = policy.revocations.iter().map(|list| {
            Ordered([
                ("name", json!(list.name)),
                ("sha256", json!(hex(&list.sha256))),
                ("issuer", json!(list.issuer)),
                ("sequence", json!(list.sequence)),
                ("revocations", json!(list.count)),
            ])
        });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &lossless(&policy.name))?;
        map.serialize_entry("sha256", &hex(&policy.sha256))?;
        map.serialize_entry("overridden", &policy.overridden)?;
        map.serialize_entry("revocations", &Each(lists))?;
        map.end()
    }
}

struct Authenticated<'a>(&'a Report<'a>);

impl Serialize for Authenticated<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("by", self.0.authenticated_by())?;
        map.serialize_entry("signers", &Each(self.0.signers().iter().map(SignerView)))?;
        map.end()
    }
}

struct SignerView<'a>(&'a Signer);

impl Serialize for SignerView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let signer = self.0;
        let mut map = serializer.serialize_map(None)?;
        if let Some(name) = &signer.name {
            map.serialize_entry("name", name)?;
        }
        map.serialize_entry("fingerprint", &signer.fingerprint)?;
        map.serialize_entry("keyid", &signer.keyid)?;
        map.serialize_entry("scheme", signer.scheme)?;
        map.serialize_entry("document", &lossless(&signer.document))?;
        map.serialize_entry("input", signer.input)?;
        if let Some(certificate) = &signer.certificate {
            map.serialize_entry("identity", &certificate.identity)?;
            map.serialize_entry("issuer", &certificate.issuer)?;
        }
        map.end()
    }
}

struct CheckView<'a>(&'a Check);

impl Serialize for CheckView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let check = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", check.kind.id)?;
        map.serialize_entry("class", check.kind.class.name())?;
        map.serialize_entry("status", check.status.name())?;
        name(&mut map, "subject", "subject_bytes", &check.subject)?;
        map.serialize_entry("detail", &check.detail)?;
        map.serialize_entry("evidence", &check.evidence)?;
        map.end()
    }
}

struct Entries<'a>(&'a Report<'a>);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (report, inventory) = (self.0, self.0.inventory());
        let order = inventory.by_path();
        let missing = matches!(report.outcome, Outcome::Verified(_)).then(|| report.claims().missing());
        let mut missing = missing.into_iter().flatten().peekable();
        let mut seq = serializer.serialize_seq(None)?;
        for index in order {
            let entry = inventory.entry(index);
            while let Some((path, by)) = missing.next_if(|(path, _)| path.as_slice() < entry.path.as_ref()) {
                seq.serialize_element(&MissingView { report, path, by })?;
            }
            seq.serialize_element(&EntryView { report, index, entry })?;
        }
        for (path, by) in missing {
            seq.serialize_element(&MissingView { report, path, by })?;
        }
        seq.end()
    }
}

struct EntryView<'a> {
    report: &'a Report<'a>,
    index: EntryIndex,
    entry: &'a Observed,
}

impl Serialize for EntryView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let EntryView { report, index, entry } = self;
        let mut map = serializer.serialize_map(None)?;
        name(&mut map, "path", "path_bytes", &entry.path)?;
        map.serialize_entry("type", &entry.kind.name())?;
        map.serialize_entry("size", &entry.size)?;
        map.serialize_entry("mode", &format!("{:04o}", entry.mode))?;
        map.serialize_entry("sha256", &entry.digest().map(|digest| hex(digest)))?;
        if let Some(target) = report.inventory().links.get(index) {
            name(&mut map, "target", "target_bytes", target)?;
        }
        if let Some(standing) = report.standing(*index) {
            map.serialize_entry("standing", standing.name())?;
        }
        let vouched: Vec<_> = report.vouched_by(*index).into_iter().map(lossless).collect();
        map.serialize_entry("vouched_by", &vouched)?;
        map.end()
    }
}

struct MissingView<'a> {
    report: &'a Report<'a>,
    path: &'a [u8],
    by: &'a [DocumentIndex],
}

impl Serialize for MissingView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        name(&mut map, "path", "path_bytes", self.path)?;
        map.serialize_entry("type", "file")?;
        map.serialize_entry("size", &None::<u64>)?;
        map.serialize_entry("mode", &None::<String>)?;
        map.serialize_entry("sha256", &None::<String>)?;
        map.serialize_entry("standing", "missing")?;
        let claims = self.report.claims();
        let vouched: Vec<_> = self.by.iter().map(|d| lossless(claims.name(*d))).collect();
        map.serialize_entry("vouched_by", &vouched)?;
        map.end()
    }
}

/// A name as text, and as base64 of its bytes where it is not UTF-8: nothing is lost.
fn name<M: SerializeMap>(map: &mut M, key: &str, bytes_key: &str, bytes: &[u8]) -> Result<(), M::Error> {
    map.serialize_entry(key, &String::from_utf8_lossy(bytes))?;
    if std::str::from_utf8(bytes).is_err() {
        map.serialize_entry(bytes_key, &BASE64_STANDARD.encode(bytes))?;
    }
    Ok(())
}

fn summary(report: &Report<'_>) -> Vec<(&'static str, Value)> {
    let inventory = report.inventory();
    let mut rows = vec![("entries", json!(inventory.entries.len())), ("bytes", json!(inventory.total_bytes()))];
    let standings = [
        ("pinned", Standing::Pinned),
        ("evidence", Standing::Evidence),
        ("set_aside", Standing::SetAside),
        ("contradicted", Standing::Contradicted),
        ("listed", Standing::Listed),
        ("unlisted", Standing::Unlisted),
    ];
    rows.extend(standings.map(|(name, standing)| (name, json!(report.count(standing)))));
    rows.push(("missing", json!(report.claims().missing().len())));
    rows
}

fn limits(report: &Report<'_>) -> Vec<(&'static str, Value)> {
    let limits = &report.limits;
    vec![
        ("max_bytes", json!(limits.max_bytes)),
        ("max_entries", json!(limits.max_entries)),
        ("max_ratio", json!(limits.max_ratio)),
        ("max_depth", json!(limits.max_depth)),
        ("max_window", json!(limits.max_window)),
        ("max_document", json!(limits.max_document)),
    ]
}

fn cage(report: &Report<'_>) -> [(&'static str, Value); 3] {
    let cage = &report.cage;
    [("landlock", json!(cage.landlock)), ("seccomp", json!(cage.seccomp)), ("notes", json!(cage.notes))]
}
