//! `inspect`: what an input is and what it holds. Verifies nothing.

use super::error::EnvironmentError;
use super::progress::Progress;
use super::scan::{ScanOptions, scan};
use super::sidecar::Sidecars;
use super::source::Source;
use crate::bundle::kind::{Kind, Recognition};
use crate::bundle::model::Bundle;
use crate::bundle::{links, portable, recognise};
use crate::format::anomaly::Anomaly;
use crate::format::inventory::Inventory;
use crate::trust::check::{self, Check};
use std::path::{Path, PathBuf};

/// What to read and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The input: file, directory or `-`.
    pub input: PathBuf,
    /// Limits, threads, digests.
    pub scan: ScanOptions,
    /// Files beside the input that the operator named.
    pub sidecars: Vec<PathBuf>,
    /// Whether to look for well-known files beside the input.
    pub discover_sidecars: bool,
    /// Id of the kind that `--kind` named.
    pub kind: Option<&'static str>,
}

/// An input, read and interpreted.
pub struct Reading {
    /// What was there.
    pub inventory: Inventory,
    /// What it was recognised as.
    pub recognition: Recognition,
    /// What its documents say.
    pub bundle: Bundle,
    /// Checks of container, names and sidecars; then those of the bundle.
    pub checks: Vec<Check>,
    /// How the names would fare on other systems.
    pub portability: portable::Unportable,
}

/// Reads `request.input`: scan, recognise, interpret. The same first half for every verb.
pub fn read(request: &Request, progress: &Progress) -> Result<Reading, EnvironmentError> {
    let mut source = Source::open(&request.input)?;
    let sidecars = Sidecars::collect(&request.input, &request.sidecars, request.discover_sidecars)?;
    let mut options = request.scan;
    options.subject = options.subject.max(sidecars.needed_subject_digest(&request.input));
    let forced = request.kind.and_then(crate::bundle::find_kind);
    let mut reading = pass(&mut source, sidecars, &options, &request.input, forced, progress)?;
    if reading.bundle.claims.needs_sha512() && !options.sha512 && source.rereadable() {
        options.sha512 = true;
        drop(reading);
        let sidecars = Sidecars::collect(&request.input, &request.sidecars, request.discover_sidecars)?;
        reading = pass(&mut source, sidecars, &options, &request.input, forced, progress)?;
    }
    Ok(reading)
}

fn pass(
    source: &mut Source,
    sidecars: Sidecars,
    options: &ScanOptions,
    input: &Path,
    forced: Option<&'static dyn Kind>,
    progress: &Progress,
) -> Result<Reading, EnvironmentError> {
    let mut inventory = scan(source, options, progress)?;
    inventory.name = super::sidecar::input_name(input);
    inventory.documents.extend(sidecars.documents);
    let recognition = recognise(&inventory, forced);
    let is_archive = inventory.container.last() != Some(&"file");
    let mut bundle = if inventory.incomplete || !is_archive {
        Bundle::default()
    } else {
        recognition.kind.interpret(&mut inventory)
    };
    let anomalies = links::judge(&inventory, bundle.links_allowed || inventory.incomplete);
    inventory.anomalies.extend(anomalies);
    let mut checks = container_checks(&inventory);
    let portability = portable::judge(&inventory);
    checks.extend(super::sidecar::checks(&inventory, &sidecars.unread, recognition.kind.id() == "plain"));
    checks.append(&mut bundle.checks);
    Ok(Reading { inventory, recognition, bundle, checks, portability })
}

/// One row a defect, or one that says that there is none.
fn container_checks(inventory: &Inventory) -> Vec<Check> {
    let row = |anomaly: &Anomaly| {
        let subject = anomaly.path.as_deref().unwrap_or(b"");
        Check::fail(check::of_defect(anomaly.defect), subject, &anomaly.detail)
    };
    let mut anomalies: Vec<&Anomaly> = inventory.anomalies.iter().collect();
    anomalies.sort_by(|a, b| (a.defect, &a.path, &a.detail).cmp(&(b.defect, &b.path, &b.detail)));
    if anomalies.is_empty() {
        let layers = inventory.container.join(" > ");
        let mut detail = format!("{layers}, read to its last byte without a defect");
        for remark in &inventory.remarks {
            detail.push_str("; ");
            detail.push_str(remark);
        }
        return vec![Check::pass(check::CONTAINER, "", detail)];
    }
    anomalies.into_iter().map(row).collect()
}
