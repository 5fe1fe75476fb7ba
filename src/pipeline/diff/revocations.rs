//! Two revocation lists, each alone in a file: no bundles, so they are read as `revocation verify` reads them.

use super::{Comparison, Side, party, signers};
use crate::bundle::changes::documents::{DocumentChange, MAX_LISTED, Table};
use crate::bundle::changes::entries::Entries;
use crate::bundle::changes::identity::{Identity, Party};
use crate::bundle::changes::revocations::steps_back;
use crate::bundle::changes::{Changes, Documents, Meaning, Signers};
use crate::bundle::layout::markers_in;
use crate::bundle::model::Bundle;
use crate::bundle::revocation::{REVOKES, WARNING};
use crate::format::digest::{Sha256Bytes, sha256};
use crate::format::limits::Limits;
use crate::format::revocation::{self, RevocationList};
use crate::pipeline::error::EnvironmentError;
use crate::pipeline::inspect::{Reading, Request};
use crate::pipeline::revocation::{self as lists, Request as ListRequest};
use crate::pipeline::source::read_small;
use crate::trust::policy::Policy;
use crate::trust::revocation::Previous;
use std::io::Read as _;
use std::path::Path;

/// Why two inputs, one of which is a revocation list, were not compared.
#[derive(Debug, thiserror::Error)]
pub enum ListsError {
    /// The environment failed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// One is a list, the other is something else.
    #[error("the {0} side is a revocation list and the other one is none; compare a list with a list")]
    Mixed(&'static str),
}

/// Whether the two inputs are revocation lists, by what they hold. Standard input is not looked at: beside a list it is taken
/// for one.
///
/// # Errors
/// One of them is a list and the other is none, or one cannot be read.
pub fn are_lists(old: &Request, new: &Request) -> Result<bool, ListsError> {
    let is_one = |request: &Request| match request.input.as_os_str() == "-" {
        true => Ok(None),
        false => is_list_file(&request.input).map(Some),
    };
    match (is_one(old)?, is_one(new)?) {
        (Some(true), Some(false)) => Err(ListsError::Mixed("old")),
        (Some(false), Some(true)) => Err(ListsError::Mixed("new")),
        (a, b) => Ok(a == Some(true) || b == Some(true)),
    }
}

/// Reads both lists, and compares them. With policies, one for each side, both are verified with the signatures beside them.
///
/// # Errors
/// One of them cannot be read, or what comes from standard input is none.
pub fn diff_lists(
    old: &Request,
    new: &Request,
    policies: Option<(&Policy, &Policy)>,
) -> Result<Comparison, ListsError> {
    // That the old list has expired is why there is a new one.
    let old_side = read(old, policies.map(|(policy, _)| policy), false)?;
    let new_side = read(new, policies.map(|(_, policy)| policy), true)?;
    for (side, other) in [(&old_side, "new"), (&new_side, "old")] {
        if !side.reading().inventory.documents.first().is_some_and(|document| is_list(&document.bytes)) {
            return Err(ListsError::Mixed(other));
        }
    }
    let changes = compare(&old_side, &new_side);
    Ok(Comparison { old: old_side, new: new_side, changes, proof: None })
}

fn read(request: &Request, policy: Option<&Policy>, in_force: bool) -> Result<Side, EnvironmentError> {
    let request = ListRequest {
        input: request.input.clone(),
        signature: None,
        discover: request.discover_sidecars,
        previous: Previous::Unasked,
        in_force,
    };
    Ok(match policy {
        None => Side::Read(Box::new(lists::read(&request)?)),
        Some(policy) => Side::Verified(Box::new(lists::verify(&request, policy)?.0)),
    })
}

/// `None` where one of them could not be read as JSON: what it revokes is not known.
fn compare(old: &Side, new: &Side) -> Option<Changes> {
    let (before, after) = (list_of(old.reading())?, list_of(new.reading())?);
    let name = &after.name;
    let tables = (Table::of_revocations(&before.list), Table::of_revocations(&after.list));
    let rows = DocumentChange::compare(name, Some(&tables.0), Some(&tables.1), MAX_LISTED);
    let rows = rows.filter(|rows| rows.added + rows.removed + rows.changed + rows.malformed > 0);
    let meaning =
        Meaning { documents: Documents { changes: rows.into_iter().collect(), not_compared: 0 }, ..Meaning::default() };
    let signers = (signers(old), signers(new));
    let told = (told(old.reading()), told(new.reading()));
    let side = |side, bundle, signers| Party { bundle, ..party(side, signers) };
    let (a, b) = (side(old, &told.0, &signers.0), side(new, &told.1, &signers.1));
    let mut identity = Identity::compare(&a, &b);
    identity.lead_with(steps_back(name, (&before.list, &before.sha256), (&after.list, &after.sha256)));
    let entries = Entries::of_one(&old.reading().inventory, &new.reading().inventory);
    Some(Changes { entries, stated: None, identity, signers: Signers::compare(&signers.0, &signers.1), meaning })
}

struct Listed {
    name: Vec<u8>,
    list: RevocationList,
    sha256: Sha256Bytes,
}

fn list_of(reading: &Reading) -> Option<Listed> {
    let document = reading.inventory.documents.first()?;
    let list = revocation::parse(&document.bytes).ok()?;
    Some(Listed { name: document.name.clone(), list, sha256: sha256(&document.bytes) })
}

/// What the list says of itself, without those whom it revokes, who are compared one by one.
fn told(reading: &Reading) -> Bundle {
    let mut facts = reading.bundle.facts.clone();
    for facts in &mut facts {
        // Two lists have two names as a rule, and are compared all the same.
        facts.document = b"revocation list".to_vec();
        facts.items.retain(|(name, _)| ![REVOKES, WARNING].contains(name));
    }
    Bundle { facts, ..Bundle::default() }
}

/// Whether the file holds a revocation list. What is no file is left to those who read it.
fn is_list_file(path: &Path) -> Result<bool, EnvironmentError> {
    let fail = |error| EnvironmentError::read(path, error);
    let meta = std::fs::metadata(path).map_err(fail)?;
    if !meta.is_file() || meta.len() > Limits::MAX_DOCUMENT {
        return Ok(false);
    }
    // Archives are not read whole for this.
    let mut head = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(1024).read_to_end(&mut head)).map_err(fail)?;
    if !begins_as_object(&head) {
        return Ok(false);
    }
    Ok(is_list(&read_small(path, Limits::MAX_DOCUMENT)?))
}

fn begins_as_object(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.trim_ascii_start().first() == Some(&b'{')
}

/// By its members. A text with these words that is no JSON is one that is broken, and fails as one.
fn is_list(untrusted: &[u8]) -> bool {
    const MARKERS: [&str; 4] = ["revocations", "issuer", "schemaVersion", "sequence"];
    if !begins_as_object(untrusted) {
        return false;
    }
    let found = markers_in(untrusted, &MARKERS);
    found.contains("revocations") && MARKERS[1..].iter().any(|name| found.contains(*name))
}
