//! The answer about one bundle, as one row a part. A row that is set stays: what is known first counts.

use super::engine::{Claims, Established, Part, Reason, Refusal};
use super::{Job, Outcome, Signed};
use crate::format::sigstore::{LogEntry, Material, SigstoreBundle};
use crate::format::time::{Time, format_rfc3339};
use crate::trust::check::{self, Check, CheckKind, Status};
use std::collections::BTreeMap;

/// Parts that only a certificate has.
const OF_CERTIFICATES: [Part; 3] = [Part::Certificate, Part::Identity, Part::Sct];

/// All parts, in the order of the report.
const PARTS: [Part; 8] = [
    Part::Bundle,
    Part::Certificate,
    Part::Identity,
    Part::Signature,
    Part::Sct,
    Part::Inclusion,
    Part::Promise,
    Part::Timestamp,
];

/// Rows as they become known.
pub(super) struct Rows {
    name: Vec<u8>,
    rows: BTreeMap<Part, Check>,
    by_certificate: bool,
    lacking: bool,
    included: bool,
    /// Proven times of signing, once everything holds.
    times: Vec<Time>,
}

impl Rows {
    pub(super) fn new(name: &[u8]) -> Rows {
        let (rows, times) = (BTreeMap::new(), Vec::new());
        Rows { name: name.to_vec(), rows, by_certificate: true, lacking: false, included: false, times }
    }

    /// The document.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// There is no certificate, so there are no rows about one.
    pub(super) fn without_certificate(&mut self) {
        self.by_certificate = false;
    }

    pub(super) fn has(&self, part: Part) -> bool {
        self.rows.contains_key(&part)
    }

    pub(super) fn failed(&self, part: Part) -> bool {
        self.rows.get(&part).is_some_and(Check::failed)
    }

    /// Sets a row that does not hold.
    pub(super) fn set(&mut self, part: Part, reason: Reason, detail: String) {
        let row = match reason {
            Reason::Wrong => Check::fail(kind(part), &self.name, detail),
            Reason::Open | Reason::Artifact => Check::skip(kind(part), &self.name, detail),
        };
        self.rows.entry(part).or_insert(row);
    }

    /// What the engine stumbled over.
    pub(super) fn refused(&mut self, refusal: Refusal) {
        let Refusal { part, reason, mut why, .. } = refusal;
        if reason == Reason::Artifact {
            let limit = super::MAX_HELD >> 20;
            why.push_str(&format!("; give the artifact as a file (of at most {limit} MiB where Ed25519 signed it)"));
        }
        self.lacking |= reason == Reason::Artifact;
        // The reader of the bundle said yes: what the engine says of it as a whole takes the place of that row.
        if part == Part::Bundle && !self.failed(Part::Bundle) {
            self.rows.remove(&Part::Bundle);
        }
        self.set(part, reason, why);
    }

    fn pass(&mut self, part: Part, detail: String, facts: &[(&'static str, String)]) {
        let row = Check::pass(kind(part), &self.name, detail);
        let row = facts.iter().fold(row, |row, (key, value)| row.with(key, value.clone()));
        self.rows.entry(part).or_insert(row);
    }

    /// The bundle could be read; what it says of itself is told as claims.
    pub(super) fn bundle(&mut self, facts: &SigstoreBundle) {
        let material = match &facts.material {
            Material::Certificate { count, .. } => counted(*count, "certificate", "certificates"),
            Material::PublicKey { .. } => "the hint at a key".into(),
        };
        let content = match &facts.content {
            Signed::Message => "a signature over the artifact",
            Signed::Envelope(_) => "a DSSE envelope",
        };
        let (entries, timestamps) = (facts.entries.len(), facts.timestamps);
        let detail = format!(
            "{content} with {material}, {} and {}; {}",
            counted(entries, "log entry", "log entries"),
            counted(timestamps, "timestamp", "timestamps"),
            facts.media_type
        );
        let mut row = vec![
            ("media_type", facts.media_type.clone()),
            ("log_entries", entries.to_string()),
            ("timestamps", timestamps.to_string()),
            ("claimed_log_kind", joined(facts, |entry| Some(entry.kind.clone()))),
            ("claimed_log_index", joined(facts, |entry| entry.index.clone())),
            ("claimed_log_id", joined(facts, |entry| entry.log_id.clone())),
            ("claimed_integrated_time", joined(facts, integrated)),
        ];
        if let Material::PublicKey { hint } = &facts.material {
            row.push(("claimed_key_hint", hint.clone()));
        }
        row.retain(|(_, value)| !value.is_empty());
        self.pass(Part::Bundle, detail, &row);
    }

    /// Every part holds, as far as the bundle has it. `found` is what a run with the full demand established.
    pub(super) fn holds(&mut self, found: &Established, job: &Job<'_, '_>) {
        self.not_in_future(&found.times, job);
        self.log(found, job);
        self.timestamps(job);
        self.signature(job);
        if found.sct {
            self.sct();
        }
        self.times = found.times.clone();
    }

    /// A signing time after the clock of the run: one of the two is wrong. The engine compares with the machine's only.
    fn not_in_future(&mut self, times: &[Time], job: &Job<'_, '_>) {
        let promised = |time: &Time| {
            job.facts.entries.iter().any(|entry| entry.promise && entry.integrated_time == Some(time.as_second()))
        };
        for time in times.iter().filter(|time| **time > job.expected.policy.at) {
            let part = if promised(time) { Part::Promise } else { Part::Timestamp };
            let (proven, at) = (format_rfc3339(*time), format_rfc3339(job.expected.policy.at));
            self.set(
                part,
                Reason::Wrong,
                format!("the proven time of signing {proven} lies after {at}, the time of this run"),
            );
        }
    }

    /// The rows about the certificate, after [`Rows::holds`].
    pub(super) fn named(&mut self, claims: &Claims, name: (&str, &str)) {
        let times = std::mem::take(&mut self.times);
        self.certificate(claims, &times);
        self.identity(name);
    }

    pub(super) fn certificate(&mut self, claims: &Claims, times: &[Time]) {
        let proven = words(times);
        let detail = format!("it chains to the trusted root at every proven time of signing: {proven}");
        let facts = [
            ("not_before", format_rfc3339(claims.not_before)),
            ("not_after", format_rfc3339(claims.not_after)),
            ("proven_times", proven),
            ("fingerprint", claims.fingerprint.clone()),
        ];
        self.pass(Part::Certificate, detail, &facts);
    }

    /// The certificate states the name that was demanded.
    pub(super) fn identity(&mut self, (identity, issuer): (&str, &str)) {
        let detail = format!("{identity}, as {issuer} says");
        let facts = [("identity", identity.to_string()), ("issuer", issuer.to_string())];
        self.pass(Part::Identity, detail, &facts);
    }

    /// Adds what the certificate says to rows that do not hold: nobody authenticated it for this purpose.
    pub(super) fn claimed(&mut self, claims: &Claims) {
        let facts = [
            ("claimed_identity", claims.identity.clone()),
            ("claimed_issuer", claims.issuer.clone()),
            ("claimed_not_before", Some(format_rfc3339(claims.not_before))),
            ("claimed_not_after", Some(format_rfc3339(claims.not_after))),
        ];
        let not_held = |part: &Part, row: &Check| OF_CERTIFICATES[..2].contains(part) && row.status != Status::Pass;
        for (_, row) in self.rows.iter_mut().filter(|(part, row)| not_held(part, row)) {
            row.evidence.extend(facts.iter().filter_map(|(key, value)| Some((*key, value.clone()?))));
        }
    }

    pub(super) fn signature(&mut self, job: &Job<'_, '_>) {
        let mut facts = vec![("artifact", job.artifact.digest.prefixed())];
        let detail = match &job.facts.content {
            Signed::Message => "over the artifact itself".to_string(),
            Signed::Envelope(statement) => {
                facts.push(("payload_type", statement.payload_type.clone()));
                facts.extend(statement.predicate_type.clone().map(|kind| ("predicate_type", kind)));
                facts.push(("subjects", statement.subjects.to_string()));
                let kind = statement.predicate_type.as_deref().unwrap_or("no predicate type");
                let subjects = counted(statement.subjects, "subject", "subjects");
                format!("over an in-toto statement ({kind}); the artifact is among its {subjects}")
            }
        };
        self.pass(Part::Signature, detail, &facts);
    }

    pub(super) fn sct(&mut self) {
        self.pass(Part::Sct, "a trusted log of certificates has it".into(), &[]);
    }

    /// What the log says. A run that checked the log says so also of entries that have no proof.
    pub(super) fn log(&mut self, found: &Established, job: &Job<'_, '_>) {
        let shape = job.facts.shape();
        if found.log && shape.proofs > 0 {
            self.included = true;
            let proofs = || job.facts.entries.iter().filter_map(|entry| entry.proof.as_ref());
            let origin = proofs().filter_map(|proof| proof.origin.clone()).collect::<Vec<_>>().join(", ");
            let sizes = proofs().filter_map(|proof| proof.tree_size.clone()).collect::<Vec<_>>().join(", ");
            let detail = format!("the entry is about this signature, and is in the signed tree of {origin}");
            let facts = [("log_origin", origin), ("claimed_tree_size", sizes), ("proofs", shape.proofs.to_string())];
            self.pass(Part::Inclusion, detail, &facts);
        }
        if found.log && shape.promises > 0 {
            let promised = |what: fn(&LogEntry) -> Option<String>| {
                let entries = job.facts.entries.iter().filter(|entry| entry.promise);
                entries.filter_map(what).collect::<Vec<_>>().join(", ")
            };
            let (index, time) = (promised(|entry| entry.index.clone()), promised(integrated));
            let detail = format!("signed by the log: entry {index}, taken in {time}");
            let id = promised(|entry| entry.log_id.clone());
            self.pass(Part::Promise, detail, &[("log_index", index), ("log_id", id), ("integrated_time", time)]);
        }
    }

    /// Every timestamp of the bundle was verified.
    pub(super) fn timestamps(&mut self, job: &Job<'_, '_>) {
        if job.facts.timestamps > 0 {
            let detail = format!(
                "{}, by a trusted authority, over the signature",
                counted(job.facts.timestamps, "timestamp", "timestamps")
            );
            self.pass(Part::Timestamp, detail, &[]);
        }
    }

    /// Whether a run verified an inclusion proof.
    pub(super) fn included(&self) -> bool {
        self.included
    }

    /// Whether each part holds, or the bundle does not have it and need not have it.
    pub(super) fn all_held(&self) -> bool {
        let needed = |part: &Part| *part == Part::Bundle || *part == Part::Signature || self.of_certificate(*part);
        PARTS.iter().filter(|part| needed(part)).all(|part| self.passed(*part))
            && self.rows.values().all(|row| row.status == Status::Pass)
            && (self.passed(Part::Inclusion) || self.passed(Part::Promise) || self.passed(Part::Timestamp))
    }

    fn of_certificate(&self, part: Part) -> bool {
        self.by_certificate && OF_CERTIFICATES.contains(&part)
    }

    fn passed(&self, part: Part) -> bool {
        self.rows.get(&part).is_some_and(|row| row.status == Status::Pass)
    }

    /// The bundle cannot be read: that row, and the others as not reached.
    pub(super) fn unreadable(mut self, detail: &str) -> Outcome {
        self.set(Part::Bundle, Reason::Wrong, detail.into());
        self.finish_with(|_| "not reached: the bundle cannot be read".into())
    }

    /// The bundle is of a form that is not read: nothing is proven; what was found wrong all the same stays.
    pub(super) fn unread(mut self, detail: String) -> Outcome {
        self.set(Part::Bundle, Reason::Open, detail);
        self.finish_with(|_| "not reached: the bundle is of a form that is not read".into())
    }

    /// All rows; parts without one say why.
    pub(super) fn finish(self, facts: &SigstoreBundle) -> Outcome {
        let shape = facts.shape();
        self.finish_with(|part| match part {
            Part::Inclusion if shape.entries == 0 => "the bundle has no log entry".into(),
            Part::Inclusion if shape.proofs == 0 => {
                "the log entry has no inclusion proof, only the promise of the log".into()
            }
            Part::Promise if shape.promises == 0 => "no log entry has a signed entry timestamp".into(),
            Part::Timestamp if shape.timestamps == 0 => "the bundle has no RFC 3161 timestamp".into(),
            _ => "not reached: another part does not hold, and this one cannot be judged without it".into(),
        })
    }

    fn finish_with(mut self, why: impl Fn(Part) -> String) -> Outcome {
        for part in PARTS {
            if self.by_certificate || !OF_CERTIFICATES.contains(&part) {
                self.set(part, Reason::Open, why(part));
            }
        }
        let Rows { rows, lacking, .. } = self;
        Outcome { checks: rows.into_values().collect(), signer: None, proof: None, included: false, lacking }
    }
}

fn kind(part: Part) -> CheckKind {
    match part {
        Part::Bundle => check::SIGSTORE_BUNDLE,
        Part::Certificate => check::SIGSTORE_CERTIFICATE,
        Part::Identity => check::SIGSTORE_IDENTITY,
        Part::Signature => check::SIGSTORE_SIGNATURE,
        Part::Sct => check::SIGSTORE_SCT,
        Part::Inclusion => check::SIGSTORE_INCLUSION,
        Part::Promise => check::SIGSTORE_SET,
        Part::Timestamp => check::SIGSTORE_TIMESTAMP,
    }
}

/// A number with its noun.
fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn joined(facts: &SigstoreBundle, what: impl Fn(&LogEntry) -> Option<String>) -> String {
    facts.entries.iter().filter_map(what).collect::<Vec<_>>().join(", ")
}

fn integrated(entry: &LogEntry) -> Option<String> {
    entry.integrated_time.and_then(|seconds| Time::from_second(seconds).ok()).map(format_rfc3339)
}

fn words(times: &[Time]) -> String {
    times.iter().map(|time| format_rfc3339(*time)).collect::<Vec<_>>().join(", ")
}
