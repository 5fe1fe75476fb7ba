//! TUF metadata in or beside a bundle: verified from the operator's root, and compared with the files that it names.

use super::inspect::{Reading, Request};
use super::signatures::Proven;
use super::tuf::Documents;
use super::tuf::TufError;
use super::tuf::in_bundle::{self, Trusted};
use crate::bundle::model::{TufPart, TufTarget};
use crate::format::digest::{Digest, hex};
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::time::Time;
use crate::trust::check::{self, Check};
use crate::trust::claims::{DocumentIndex, Role};
use crate::trust::envelope::Authentication;
use crate::trust::tuf::TargetFile;

/// Verifies the metadata and adds what it proves to `proven`. Returns whether all of it held.
pub(super) fn check(
    reading: &mut Reading,
    request: &Request,
    at: Time,
    proven: &mut Proven,
    checks: &mut Vec<Check>,
) -> Result<bool, TufError> {
    let Some(part) = reading.bundle.tuf.clone() else {
        if request.tuf_root.is_some() || request.datastore.is_some() {
            let detail =
                "you named a trusted root or a datastore, and no TUF metadata was found in or beside the input";
            checks.push(Check::skip(check::TUF, "", detail).with("named", "true"));
        }
        return Ok(false);
    };
    let documents = documents(&reading.inventory, &part);
    let names: Vec<String> = part.targets.iter().map(|target| target.name.clone()).collect();
    let outcome = in_bundle::verify(&in_bundle::Request {
        documents: &documents,
        root: request.tuf_root.as_ref().map(|(name, bytes)| (name.as_slice(), bytes.as_slice())),
        datastore: request.datastore.as_deref(),
        as_is: request.datastore_as_is,
        targets: &names,
        at,
    })?;
    checks.extend(outcome.checks);
    let Some(trusted) = outcome.trusted else { return Ok(false) };
    let before = if proven.documents.is_empty() { Authentication::PublicKey } else { proven.by };
    for role in &outcome.roles {
        accept(reading, role.path.as_bytes(), part.beside);
    }
    // The root of the operator is accepted under its own name; a copy of it travels along.
    if request.tuf_root.as_ref().is_some_and(|(_, bytes)| carries(&reading.inventory, &part, bytes)) {
        accept(reading, format!("{}/root.json", part.folder).as_bytes(), part.beside);
    }
    let held = compare(reading, &part, &trusted, proven, checks);
    if held {
        proven.signers.extend(outcome.signers);
        proven.by = before.min(Authentication::PublicKey).max(Authentication::SharedSecret);
    }
    Ok(held)
}

/// Metadata as entries, or beside the input.
fn documents<'a>(inventory: &'a Inventory, part: &TufPart) -> Documents<'a> {
    if !part.beside {
        return Documents::of(inventory, &part.folder);
    }
    // What lies in the archive under such names is content: it is never metadata about the archive.
    let below = format!("{}/", part.folder);
    let mut found = Documents::new(&part.folder);
    for document in inventory.documents.iter().filter(|document| document.location == Location::Sidecar) {
        let name = document.name.strip_prefix(below.as_bytes()).and_then(|name| std::str::from_utf8(name).ok());
        if let Some(name) = name.filter(|name| !name.contains('/')) {
            found.insert(name, &document.bytes);
        }
    }
    found
}

/// Whether `root.json` of the bundle is the root of the operator, byte for byte.
fn carries(inventory: &Inventory, part: &TufPart, root: &[u8]) -> bool {
    let name = format!("{}/root.json", part.folder);
    let ours = |d: &&Document| (d.location == Location::Sidecar) == part.beside && d.name == name.as_bytes();
    inventory.documents.iter().find(ours).is_some_and(|document| document.bytes == root)
}

/// Metadata that the workflow accepted is evidence; all other files of such names are what their kind says.
fn accept(reading: &mut Reading, name: &[u8], beside: bool) {
    let ours = |document: &&Document| (document.location == Location::Sidecar) == beside && document.name == name;
    let found = reading.inventory.documents.iter().find(ours).map(|document| document.location);
    if let Some(location) = found.filter(|_| registered(reading, name).is_none()) {
        reading.bundle.claims.document(name, location, Role::Metadata);
    }
}

/// Compares what trusted roles state with what was found; a file that is as stated is proven by the document that says so.
fn compare(
    reading: &mut Reading,
    part: &TufPart,
    trusted: &Trusted,
    proven: &mut Proven,
    checks: &mut Vec<Check>,
) -> bool {
    let mut rows = Vec::new();
    for target in &part.targets {
        let Some(stated) = trusted.asked.iter().find(|stated| stated.name == target.name) else { continue };
        let row = row(target, stated.file.get(), &stated.document);
        let held = row.status == check::Status::Pass;
        rows.push(row);
        let document = held.then(|| registered(reading, stated.document.as_bytes())).flatten();
        let Some(document) = document else { continue };
        if let (Some(entry), Some(sha256)) = (target.entry, target.sha256) {
            let path = reading.inventory.entry(entry).normal_path().to_vec();
            let digest = Some(Digest::Sha256(sha256));
            reading.bundle.claims.state(&reading.inventory, document, &path, digest, target.size);
        } else {
            proven.documents.extend(target.document);
        }
        proven.documents.push(document);
    }
    // A target that could not be compared proves nothing, and neither does metadata that names something else.
    let held = !rows.is_empty() && rows.iter().all(|row| row.status == check::Status::Pass);
    checks.extend(rows);
    reading.bundle.claims.sort();
    held
}

fn row(target: &TufTarget, stated: &TargetFile, document: &str) -> Check {
    let Some(found) = target.sha256 else {
        let detail = format!("{document} states its digest, and the input is no single file that could have one");
        return Check::skip(check::TUF_TARGET, &target.name, detail);
    };
    let size = target.size.unwrap_or_default();
    let sha256 = stated.hashes.known().iter().find_map(|digest| match digest {
        Digest::Sha256(sha256) => Some(*sha256),
        Digest::Sha512(_) => None,
    });
    let outcome = match sha256 {
        _ if size != stated.length => Err(format!("{document} states {} bytes, found {size}", stated.length)),
        Some(sha256) if sha256 == found => Ok(format!("length and SHA-256 are as {document} states")),
        Some(sha256) => Err(format!("{document} states sha256:{}, found sha256:{}", hex(&sha256), hex(&found))),
        None => {
            let detail = format!("{document} states no SHA-256 of it, and no other digest was computed");
            return Check::skip(check::TUF_TARGET, &target.name, detail);
        }
    };
    Check::of(check::TUF_TARGET, &target.name, outcome)
}

/// The document of that name in the claims.
fn registered(reading: &Reading, name: &[u8]) -> Option<DocumentIndex> {
    let documents = reading.bundle.claims.documents();
    documents.iter().position(|document| document.name == name).map(|index| index as DocumentIndex)
}
