//! `inspect`: what an input is and what it holds. Verifies nothing.

use super::companion;
use super::databases;
use super::documents;
use super::error::EnvironmentError;
use super::nested;
use super::progress::Progress;
use super::record::Copies;
use super::scan::{Content, ScanOptions, scan_and_copy};
use super::sealed;
use super::sidecar::Sidecars;
use super::sink::Copyist;
use super::source::Source;
use super::spool::Spooled;
use super::statements::{self, SignedStatement};
use super::whole::{self, Whole};
use crate::bundle::kind::{Kind, Recognition};
use crate::bundle::model::Bundle;
use crate::bundle::portable::Unportable;
use crate::bundle::sealed_plan::SealedPlan;
use crate::bundle::{jws_manifest, links, portable, receipts, recognise};
use crate::format::anomaly::{Anomaly, Defect};
use crate::format::inventory::Inventory;
use crate::trust::check::{self, Check, CheckKind, Class};
use crate::trust::identity::Identities;
use crate::trust::rekor::ReceiptFile;
use crate::trust::statement;
use std::path::PathBuf;
use std::sync::Arc;

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
    /// Identities of the operator, for encrypted entries.
    pub identities: Option<Arc<Identities>>,
    /// Id of a vulnerability that is looked up in the databases.
    pub advisory: Option<String>,
    /// The bundle that a delta builds on.
    pub base: Option<PathBuf>,
    /// The TUF root that the operator trusts: its name, for the report, and its bytes.
    pub tuf_root: Option<(Vec<u8>, Vec<u8>)>,
    /// TUF state of earlier runs.
    pub datastore: Option<PathBuf>,
    /// Whether that state is read and left as it is.
    pub datastore_as_is: bool,
    /// Whether the input stays open in the reading, for a pass that writes.
    pub keep_open: bool,
    /// Whether the copies of databases are kept after they were read, for another reading.
    pub keep_databases: bool,
    /// Whether documents alone are read and everything else is listed. Nothing can be verified then, and every check but
    /// those of the container and of the form of documents is a skip.
    pub documents_only: bool,
}

impl Request {
    /// A request for `input` alone, without anything beside it.
    pub fn new(input: impl Into<PathBuf>, scan: ScanOptions) -> Self {
        Request {
            input: input.into(),
            scan,
            sidecars: Vec::new(),
            discover_sidecars: false,
            kind: None,
            identities: None,
            advisory: None,
            base: None,
            tuf_root: None,
            datastore: None,
            datastore_as_is: false,
            keep_open: false,
            keep_databases: false,
            documents_only: false,
        }
    }
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
    /// Signatures over the input as a whole.
    pub whole: Whole,
    /// Receipts of transparency logs, inside and beside.
    pub receipts: Vec<ReceiptFile>,
    /// In-toto statements beside the input and among its entries.
    pub statements: Vec<SignedStatement>,
    /// How the names would fare on other systems.
    pub portability: Unportable,
    /// Id of the vulnerability that was looked up in the databases, where one was asked for.
    pub advisory: Option<String>,
    /// How the encrypted entries open, where there are some.
    pub(super) sealed: Option<SealedPlan>,
    /// Copies of its databases, where they were to be kept: path in the report, and copy.
    pub(super) kept: Vec<(Vec<u8>, Spooled)>,
}

impl Reading {
    /// What a verb for a single document has read: its kind is named by the verb, and there is no container to judge.
    pub(super) fn of_document(
        kind: &'static dyn Kind,
        version: Option<String>,
        because: &str,
        inventory: Inventory,
        bundle: Bundle,
    ) -> Reading {
        Reading {
            inventory,
            recognition: Recognition { kind, version, because: because.into(), near_misses: Vec::new() },
            bundle,
            checks: Vec::new(),
            whole: Whole::default(),
            receipts: Vec::new(),
            statements: Vec::new(),
            portability: Unportable::default(),
            advisory: None,
            sealed: None,
            kept: Vec::new(),
        }
    }
}

/// Reads `request.input`: scan, recognise, interpret. The same first half for every verb.
pub fn read(request: &Request, progress: &Progress) -> Result<Reading, EnvironmentError> {
    read_opened(Source::open(&request.input)?, request, None, progress)
}

/// The same of an input that is open; `request.input` only names it. Where there is a `copyist`, it is given every entry of the
/// first pass; a second one, for SHA-512, hashes everything anew and copies nothing.
pub(super) fn read_opened(
    mut source: Source,
    request: &Request,
    copyist: Option<&dyn Copyist>,
    progress: &Progress,
) -> Result<Reading, EnvironmentError> {
    let sidecars = Sidecars::collect(&request.input, &request.sidecars, request.discover_sidecars)?;
    let mut options = request.scan;
    if !request.documents_only {
        options.subject = options.subject.max(sidecars.needed_subject_digest(&request.input));
    }
    let mut reading = pass(&mut source, sidecars, &options, request, copyist, progress)?;
    let stated = |found: &SignedStatement| {
        found.statement.as_ref().is_some_and(|found| statement::needs_sha512(found, &reading.inventory))
    };
    let needed = reading.bundle.claims.needs_sha512() || reading.statements.iter().any(stated);
    if needed && !options.sha512 && source.rereadable() && !request.documents_only {
        options.sha512 = true;
        drop(reading);
        let sidecars = Sidecars::collect(&request.input, &request.sidecars, request.discover_sidecars)?;
        reading = pass(&mut source, sidecars, &options, request, None, progress)?;
    }
    if request.keep_open || !reading.whole.signatures.is_empty() || !reading.whole.bundles.is_empty() {
        reading.whole.source = Some(source);
    }
    Ok(reading)
}

fn pass(
    source: &mut Source,
    sidecars: Sidecars,
    options: &ScanOptions,
    request: &Request,
    copyist: Option<&dyn Copyist>,
    progress: &Progress,
) -> Result<Reading, EnvironmentError> {
    let content = match copyist {
        _ if request.documents_only => Content::Documents,
        Some(copyist) => Content::Copied(copyist),
        None => Content::All,
    };
    let (mut inventory, copies) = scan_and_copy(source, options, content, progress)?;
    inventory.name = super::sidecar::input_name(&request.input);
    let forced = request.kind.and_then(crate::bundle::find_kind);
    inventory.documents.extend(sidecars.documents);
    let apart = statements::set_apart(&mut inventory);
    let recognition = recognise(&inventory, forced);
    let readable = !inventory.incomplete && inventory.container.last() != Some(&"file");
    let Deeper { kept, opening, sealed } = if readable {
        deepen(source, &mut inventory, &recognition, copies, options, request)?
    } else {
        Deeper::default()
    };
    let mut bundle = if readable { recognition.kind.interpret(&mut inventory) } else { Bundle::default() };
    let receipts = if readable { receipts::collect(&inventory, &mut bundle, sidecars.receipts) } else { Vec::new() };
    jws_manifest::read(&inventory, &mut bundle);
    let anomalies = links::judge(&inventory, bundle.links_allowed || inventory.incomplete);
    inventory.anomalies.extend(anomalies);
    let mut checks = container_checks(&inventory);
    let mut portability = if inventory.unread { Unportable::default() } else { portable::judge(&inventory) };
    for (archive, inner) in &inventory.nested {
        portability.add_nested(inventory.entry(*archive).normal_path(), portable::judge(inner));
    }
    let mut unread = Sidecars::unused(sidecars.unread, &inventory, &bundle);
    let statements = statements::collect(apart, &mut bundle, &mut unread, &mut checks);
    let signatures = whole::collect(&inventory, recognition.kind.id(), &mut unread, &mut checks);
    let bundles = whole::collect_bundles(&inventory, &mut unread);
    let companions = companion::collect(&inventory, &mut unread);
    checks.extend(super::sidecar::checks(&inventory, &unread, recognition.kind.id() == "plain"));
    checks.extend(opening);
    checks.append(&mut bundle.checks);
    if inventory.unread {
        checks = without_content(checks);
    }
    let whole = Whole { signatures, bundles, companions, ..Whole::default() };
    let advisory = request.advisory.clone();
    Ok(Reading {
        inventory,
        recognition,
        bundle,
        checks,
        whole,
        receipts,
        statements,
        portability,
        advisory,
        sealed,
        kept,
    })
}

/// What a second reading brought besides what it noted in the inventory.
#[derive(Default)]
struct Deeper {
    kept: Vec<(Vec<u8>, Spooled)>,
    opening: Vec<Check>,
    sealed: Option<SealedPlan>,
}

/// Reads a second time what the kind asks for: documents, archives among the entries, databases, encrypted entries.
fn deepen(
    source: &mut Source,
    inventory: &mut Inventory,
    recognition: &Recognition,
    copies: Copies,
    options: &ScanOptions,
    request: &Request,
) -> Result<Deeper, EnvironmentError> {
    let further = documents::read(source, inventory, recognition.kind, options)?;
    let mut deeper = Deeper::default();
    // Archives and databases are content; of encrypted entries only which they are is known without it.
    if !inventory.unread {
        let inner = nested::read(source, inventory, &further.nested, further.databases, options)?;
        if further.databases {
            deeper.kept = databases::read(inventory, copies, inner, request)?;
        }
    }
    let identities = request.identities.as_deref().filter(|_| !inventory.unread);
    match further.sealed {
        Some(Ok(plan)) => {
            deeper.opening = sealed::open(source, inventory, &plan, identities, options)?;
            deeper.sealed = Some(plan);
        }
        Some(Err(why)) => deeper.opening.push(Check::fail(check::ENCRYPTION_KEY, "", why)),
        None => {}
    }
    Ok(deeper)
}

/// What is left of `checks` where contents were not read: what is wrong with the container, and with documents by
/// themselves. Everything else compares with content, so whether it holds is not known, and one row of each kind says so.
fn without_content(checks: Vec<Check>) -> Vec<Check> {
    const OF_DOCUMENTS: [CheckKind; 7] = [
        check::DOCUMENT_JSON,
        check::DOCUMENT_YAML,
        check::DOCUMENT_SCHEMA,
        check::DOCUMENT_PRESENT,
        check::CHECKSUM_LIST,
        check::DSSE_ENVELOPE,
        // What is stated of a path that is refused is compared with nothing.
        check::MANIFEST_PATHS,
    ];
    let mut told: Vec<&'static str> = Vec::new();
    let mut left = |check: Check| {
        let stays = check.kind.class == Class::Container || OF_DOCUMENTS.contains(&check.kind);
        if check.failed() && stays {
            return Some(check);
        }
        if told.contains(&check.kind.id) {
            return None;
        }
        told.push(check.kind.id);
        let detail = match check.kind {
            check::CONTAINER => "its entries were listed without a defect; what they hold was not read".to_string(),
            _ => "not checked: only documents were read, and nothing was compared with content".to_string(),
        };
        Some(Check::skip(check.kind, "", detail))
    };
    checks.into_iter().filter_map(&mut left).collect()
}

/// One row a defect, or one that says that there is none.
fn container_checks(inventory: &Inventory) -> Vec<Check> {
    let row = |anomaly: &Anomaly| {
        let subject = anomaly.path.as_deref().unwrap_or(b"");
        Check::fail(check::of_defect(anomaly.defect), subject, &anomaly.detail)
    };
    let mut anomalies: Vec<&Anomaly> = inventory.anomalies.iter().collect();
    anomalies.sort_by(|a, b| (a.defect, &a.path, &a.detail).cmp(&(b.defect, &b.path, &b.detail)));
    let no_archive = inventory.container.last() == Some(&"file");
    if anomalies.is_empty() && !no_archive {
        let layers = inventory.container.join(" > ");
        let mut detail = format!("{layers}, read to its last byte without a defect");
        for remark in &inventory.remarks {
            detail.push_str("; ");
            detail.push_str(remark);
        }
        return vec![Check::pass(check::CONTAINER, "", detail)];
    }
    let detail = "the compressed stream holds no archive; a bundle is a directory or a tar";
    let no_archive = no_archive.then(|| Check::fail(check::of_defect(Defect::ContainerFormat), "", detail));
    no_archive.into_iter().chain(anomalies.into_iter().map(row)).collect()
}
