//! Signatures beside the input that are about the input file itself: which files those are, and the second reading that
//! some of them need.

use super::error::EnvironmentError;
use super::inspect::Reading;
use super::progress::Progress;
use super::sidecar::Unread;
use super::source::{OpenFile, Source};
use crate::format::blob_signature::{self, Unreadable};
use crate::format::cosign;
use crate::format::inventory::{Document, Inventory, Location};
use crate::trust::check::{self, Check};
use crate::trust::policy::Policy;
use crate::trust::second_opinion::MAX_MESSAGE;
use crate::trust::whole::{Message, Streamed, WholeSignature};
use std::io::Read as _;

/// Where a run keeps the signatures of its vulnerability databases, in a folder beside them, and the file that each is of.
pub(super) const IN_FOLDER: [(&str, &str, &str); 2] = [
    ("signatures/trivy-db.sig", "db.bundle", "trivy:db"),
    ("signatures/trivy-java-db.sig", "java-db.bundle", "trivy:java-db"),
];

/// Signatures over the input as a whole.
#[derive(Debug, Default)]
pub struct Whole {
    /// The signatures, in the order of the files beside the input.
    pub signatures: Vec<WholeSignature>,
    /// Sigstore bundles about the input.
    pub bundles: Vec<BundleFile>,
    /// Certificates and public keys beside the input, which nobody trusts for that.
    pub companions: Vec<BundleFile>,
    /// The input, kept open where there are signatures: what is read again is what was parsed.
    pub(super) source: Option<Source>,
}

/// A file beside the input that is about its signature. Untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFile {
    /// Its file name.
    pub name: Vec<u8>,
    /// Whether the operator named it.
    pub named: bool,
    /// Its text.
    pub bytes: Vec<u8>,
}

/// How the names of Sigstore bundles end, whatever they hold.
pub(super) const BUNDLE_END: &[u8] = b".sigstore.json";

/// Whether a file beside the input is taken for a Sigstore bundle or a file of cosign's older format: by its name, which then
/// binds, or by what it holds. Names alone do not do: `NAME.bundle` may be anything.
pub(super) fn is_bundle(document: &Document) -> bool {
    let part = [&b".manifest.json"[..], b".bundle.json"].iter().any(|end| document.name.ends_with(end));
    document.name.ends_with(BUNDLE_END)
        || cosign::is_older(&document.bytes)
        || !part && cosign::may_be_bundle(&document.bytes)
}

/// Whether `document` may turn out to be a signature over the input.
pub(super) fn is_candidate(document: &Document) -> bool {
    let signature = document.name.ends_with(b".sig") && !document.envelope;
    document.location == Location::Sidecar && (signature || document.sigstore)
}

/// Takes from `unread` the Sigstore bundles: all of those beside the input are about it.
pub(super) fn collect_bundles(inventory: &Inventory, unread: &mut Vec<Unread>) -> Vec<BundleFile> {
    let beside = |document: &&Document| document.location == Location::Sidecar && document.sigstore;
    let found: Vec<BundleFile> = inventory
        .documents
        .iter()
        .filter(beside)
        .map(|d| BundleFile { name: d.name.clone(), named: d.named, bytes: d.bytes.clone() })
        .collect();
    unread.retain(|file| file.too_large || !found.iter().any(|bundle| bundle.name == file.name));
    found
}

/// Takes from `unread` the signatures that are about the input called `inventory.name`, of the kind `kind`; what cannot be
/// read as a signature becomes a row.
pub(super) fn collect(
    inventory: &Inventory,
    kind: &str,
    unread: &mut Vec<Unread>,
    checks: &mut Vec<Check>,
) -> Vec<WholeSignature> {
    let (mut found, mut taken) = (Vec::new(), Vec::new());
    let candidate = |document: &&Document| is_candidate(document) && !document.sigstore;
    for document in inventory.documents.iter().filter(candidate) {
        if !unread.iter().any(|file| file.name == document.name && !file.too_large) {
            continue;
        }
        taken.push(document.name.as_slice());
        let of = IN_FOLDER.iter().find(|(name, ..)| name.as_bytes() == document.name);
        let other = |kind_of: &str| if kind.starts_with("trivy:") { kind != kind_of } else { true };
        if of.is_some_and(|(_, file, of_kind)| {
            other(of_kind) && (kind.starts_with("trivy:") || inventory.name != file.as_bytes())
        }) {
            // The signature of a neighbour.
            continue;
        }
        match blob_signature::parse(&document.bytes) {
            Ok(bytes) => {
                found.push(WholeSignature { name: document.name.clone(), named: document.named, bytes });
            }
            Err(Unreadable::Foreign(what)) => {
                let detail = format!("it is {what}, which this version does not read: it was not checked");
                let row = Check::skip(check::SIGNATURE_UNREAD, &document.name, detail);
                checks.push(row.with("named", document.named.to_string()));
            }
            Err(Unreadable::Broken(why)) => {
                let detail = format!("expected one signature over the input file as a whole, in base64, found: {why}");
                checks.push(Check::fail(check::BLOB_SIGNATURE, &document.name, detail));
            }
        }
    }
    unread.retain(|file| file.too_large || !taken.contains(&file.name.as_slice()));
    found
}

/// What the signatures are over, or why there is nothing of that kind. Reads the input again only where the digest that is
/// known cannot decide.
pub(super) fn message(
    reading: &Reading,
    policy: &Policy,
    progress: &Progress,
) -> Result<Result<Message, &'static str>, EnvironmentError> {
    let file = match &reading.whole.source {
        Some(Source::Directory { .. }) => {
            return Ok(Err(
                "it was not checked: the input is a directory, which has no bytes that could be signed as a \
                           whole; give the archive that was signed",
            ));
        }
        Some(Source::File(file)) => Some(file),
        Some(Source::Stream { .. }) | None => None,
    };
    let Some(outer) = &reading.inventory.outer else {
        return Ok(Err("it was not checked: the input was not read to its end"));
    };
    let known = Message::of_digest(outer.sha256);
    let mut message = match file.filter(|_| known.is_lacking(&reading.whole.signatures, policy)) {
        Some(file) => again(file, &known, &reading.whole.signatures, policy, progress)?,
        None => known,
    };
    if let Some(file) = file.filter(|file| file.size() <= MAX_MESSAGE && !policy.keys.public().is_empty()) {
        hold(file, &mut message)?;
    }
    Ok(Ok(message))
}

/// The bytes of a small file for the second judge: those that were parsed.
fn hold(file: &OpenFile, message: &mut Message) -> Result<(), EnvironmentError> {
    let mut bytes = Vec::new();
    let read = file.reader().take(MAX_MESSAGE).read_to_end(&mut bytes);
    read.map_err(|error| EnvironmentError::read(file.path(), error))?;
    if message.hold(bytes) { Ok(()) } else { Err(EnvironmentError::Changed { path: file.path().into() }) }
}

/// The second reading. Its SHA-256 must be that of the bytes that were parsed.
fn again(
    file: &OpenFile,
    known: &Message,
    signatures: &[WholeSignature],
    policy: &Policy,
    progress: &Progress,
) -> Result<Message, EnvironmentError> {
    let (mut reader, mut streamed, mut buffer) = (file.reader(), Streamed::new(signatures, policy), vec![0; 256 << 10]);
    let (_, total, _) = progress.snapshot();
    progress.expect(total + file.size());
    loop {
        match reader.read(&mut buffer).map_err(|error| EnvironmentError::read(file.path(), error))? {
            0 => break,
            count => {
                streamed.update(&buffer[..count]);
                progress.add_bytes(count as u64);
            }
        }
    }
    let message = streamed.finish();
    if message.sha256() != known.sha256() {
        return Err(EnvironmentError::Changed { path: file.path().into() });
    }
    Ok(message)
}
