//! What the entries of a bundle show: content against documents, documents against one another, what is missing, and what
//! nobody vouches for.

use super::inspect::Reading;
use crate::format::digest::hex;
use crate::format::inventory::{EntryIndex, Inventory};
use crate::format::path::lossless;
use crate::trust::authority::{Authority, Standing};
use crate::trust::check::{self, Check, CheckKind, MAX_LISTED, push_failures};
use crate::trust::claims::{self, Claims, Dispute, DocumentIndex, Outcome, Role};
use crate::trust::policy::Policy;
use std::collections::{BTreeSet, HashSet};

/// Most documents that one row names.
const MAX_NAMES: usize = 8;
/// Most different statements about one entry that are shown.
const MAX_STATEMENTS: usize = 16;

/// Adds the checks `entry-digest`, `entry-size`, `documents-agree`, `entry-missing` and `entry-unlisted`.
pub(super) fn check(
    reading: &Reading,
    authority: &Authority,
    policy: &Policy,
    checks: &mut Vec<Check>,
    waivers: &mut Vec<String>,
) {
    check_digests(reading, authority, checks);
    check_missing(reading, checks);
    check_unlisted(reading, authority, policy, checks, waivers);
    tell_set_aside(reading, authority, checks);
}

/// Set-aside files are always named, in text and JSON, in these words.
fn tell_set_aside(reading: &Reading, authority: &Authority, checks: &mut Vec<Check>) {
    let entries = reading.inventory.entries.iter().zip(&authority.standings);
    let set_aside = entries.filter(|(_, standing)| **standing == Standing::SetAside);
    let names: Vec<_> = set_aside.map(|(entry, _)| lossless(entry.normal_path())).collect();
    if !names.is_empty() {
        checks.push(Check::skip(check::SET_ASIDE, "", format!("nobody vouches for these: {}", names.join(", "))));
    }
}

/// Disputes: content against documents, and documents against one another. One row an entry and stated digest; rows beyond
/// [`MAX_LISTED`] are counted, not built.
fn check_digests(reading: &Reading, authority: &Authority, checks: &mut Vec<Check>) {
    let all = &reading.bundle.claims;
    let (mut digests, mut sizes, mut disagreements) = (Rows::default(), Rows::default(), Rows::default());
    for disputes in all.disputes().chunk_by(|a, b| a.entry == b.entry) {
        let supporters = names(
            all,
            all.about(disputes[0].entry).iter().filter(|c| c.outcome == Outcome::Agrees).map(|c| c.document),
        );
        for (dispute, by) in merged(all, disputes) {
            let trusted = authority.trusted.get(dispute.document as usize).copied().unwrap_or(false);
            if !supporters.is_empty() && !trusted {
                disagreements.add(|| disagreement(reading, dispute, &supporters, &by));
            } else if dispute.outcome == Outcome::SizeDiffers {
                sizes.add(|| size_row(reading, dispute, &by));
            } else {
                digests.add(|| digest_row(&reading.inventory, dispute, &by));
            }
        }
    }
    let agrees = |claims: &&[claims::Claim]| {
        let file = claims.first().is_some_and(|c| reading.inventory.entry(c.entry).hashed);
        file && claims.iter().any(|c| c.outcome == Outcome::Agrees)
    };
    let agreeing = all.claims().chunk_by(|a, b| a.entry == b.entry).filter(agrees).count();
    let otherwise = if agreeing > 0 && covered(reading, authority) {
        let detail =
            format!("{agreeing} entries are what is signed with the input as a whole, and what documents state");
        Check::pass(check::ENTRY_DIGEST, "", detail)
    } else if agreeing > 0 {
        Check::pass(check::ENTRY_DIGEST, "", format!("{agreeing} entries have the digest that documents state"))
    } else {
        Check::skip(check::ENTRY_DIGEST, "", "no document states the digest of an entry")
    };
    digests.push(checks, check::ENTRY_DIGEST, Some(otherwise));
    sizes.push(checks, check::ENTRY_SIZE, None);
    disagreements.push(checks, check::DOCUMENTS_AGREE, None);
    let uncomputed = all.disputes().iter().filter(|d| d.outcome == Outcome::NotComputed).count();
    if uncomputed > 0 {
        let detail = format!(
            "{uncomputed} entries have a SHA-512 that cannot be computed from a pipe; give the input as a file"
        );
        checks.push(Check::skip(check::ENTRY_DIGEST, "", detail));
    }
}

/// Failed rows, built only as far as they are listed.
#[derive(Default)]
struct Rows {
    listed: Vec<Check>,
    count: usize,
}

impl Rows {
    fn add(&mut self, row: impl FnOnce() -> Check) {
        self.count += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(row());
        }
    }

    fn push(mut self, checks: &mut Vec<Check>, kind: CheckKind, otherwise: Option<Check>) {
        let more = self.count - self.listed.len();
        if more > 0 {
            self.listed.push(Check::fail(kind, "", format!("and {more} more; the entries show each")));
        }
        push_failures(checks, self.listed, otherwise);
    }
}

/// The disputes about one entry, those with the same statement as one, each with the names of its documents.
///
/// That a payload is not the file that it stands for is the subject of dsse-payload and left out here.
fn merged<'a>(all: &Claims, disputes: &'a [Dispute]) -> Vec<(&'a Dispute, String)> {
    let mut groups: Vec<(&Dispute, Vec<DocumentIndex>)> = Vec::new();
    for dispute in disputes {
        let of_envelope = all.documents()[dispute.document as usize].role == Role::Envelope;
        if dispute.outcome == Outcome::NotComputed || of_envelope {
            continue;
        }
        let same = |d: &Dispute| (d.outcome, d.digest) == (dispute.outcome, dispute.digest);
        if let Some((first, by)) = groups.iter_mut().find(|(first, _)| same(first)) {
            // The statement that also has a size says more.
            *first = if first.size.is_none() { dispute } else { first };
            by.push(dispute.document);
        } else if groups.len() < MAX_STATEMENTS {
            groups.push((dispute, vec![dispute.document]));
        }
    }
    groups.into_iter().map(|(dispute, by)| (dispute, names(all, by))).collect()
}

/// Names of documents, each once, at most [`MAX_NAMES`].
fn names(all: &Claims, documents: impl IntoIterator<Item = DocumentIndex>) -> String {
    let distinct: BTreeSet<DocumentIndex> = documents.into_iter().collect();
    let mut shown: Vec<String> = distinct.iter().take(MAX_NAMES).map(|d| lossless(all.name(*d))).collect();
    if distinct.len() > MAX_NAMES {
        shown.push(format!("{} more", distinct.len() - MAX_NAMES));
    }
    shown.join(", ")
}

fn digest_row(inventory: &Inventory, dispute: &Dispute, document: &str) -> Check {
    let entry = inventory.entry(dispute.entry);
    if dispute.outcome == Outcome::NotAFile {
        let detail = format!("{document} names it as a file, found a {}", entry.kind.name());
        return Check::fail(check::ENTRY_DIGEST, &entry.path, detail).with("stated_by", document);
    }
    let expected = dispute.digest.map_or("none".into(), |d| d.prefixed());
    let found = dispute.digest.map_or("none".into(), |d| claims::found_digest(inventory, dispute.entry, &d));
    let mut detail = format!("expected {expected}, found {found}");
    if let Some(size) = dispute.size.filter(|size| *size != entry.size) {
        detail.push_str(&format!("; expected {size} bytes, found {}", entry.size));
    }
    Check::fail(check::ENTRY_DIGEST, &entry.path, detail)
        .with("expected", expected)
        .with("found", found)
        .with("stated_by", document)
}

fn size_row(reading: &Reading, dispute: &Dispute, document: &str) -> Check {
    let entry = reading.inventory.entry(dispute.entry);
    let expected = dispute.size.unwrap_or_default();
    let detail = format!("expected {expected} bytes ({document}), found {}; the digest is right", entry.size);
    Check::fail(check::ENTRY_SIZE, &entry.path, detail)
        .with("expected", expected.to_string())
        .with("found", entry.size.to_string())
        .with("stated_by", document)
}

fn disagreement(reading: &Reading, dispute: &Dispute, right: &str, wrong: &str) -> Check {
    let entry = reading.inventory.entry(dispute.entry);
    let expected = dispute.digest.map_or("another size".into(), |d| d.prefixed());
    let detail = format!("{wrong} says {expected}; {right} and the content say sha256:{}", hex(&entry.sha256));
    Check::fail(check::DOCUMENTS_AGREE, &entry.path, detail).with("stated_by", wrong)
}

fn check_missing(reading: &Reading, checks: &mut Vec<Check>) {
    let all = &reading.bundle.claims;
    let rows = all.missing().iter().map(|(path, by)| {
        Check::fail(
            check::ENTRY_MISSING,
            path,
            format!("named by {}, not in the bundle", names(all, by.iter().copied())),
        )
    });
    let absent = all.absent().len();
    let pass = match (reading.bundle.has_lists, all.claims().is_empty()) {
        _ if absent > 0 => {
            let detail =
                format!("{absent} entries that documents name are not carried, which this form of bundle allows");
            Check::skip(check::ENTRY_MISSING, "", detail)
        }
        (false, true) => Check::skip(check::ENTRY_MISSING, "", "no document names entries"),
        _ => Check::pass(check::ENTRY_MISSING, "", "everything that documents name is there"),
    };
    push_failures(checks, rows.collect(), Some(pass));
}

fn check_unlisted(
    reading: &Reading,
    authority: &Authority,
    policy: &Policy,
    checks: &mut Vec<Check>,
    waivers: &mut Vec<String>,
) {
    if reading.bundle.unreadable {
        checks.push(Check::skip(check::ENTRY_UNLISTED, "", "the document that names the entries could not be read"));
        return;
    }
    if !reading.bundle.has_lists && reading.bundle.claims.claims().is_empty() {
        checks.push(Check::skip(
            check::ENTRY_UNLISTED,
            "",
            "no document names entries, so nothing vouches for any of them",
        ));
        return;
    }
    let documents = reading.bundle.claims.documents().iter().filter_map(claims::ClaimingDocument::entry).collect();
    let (mut rows, mut waived) = (Vec::new(), BTreeSet::new());
    tell_unsigned_documents(reading, authority, checks);
    for index in 0..reading.inventory.entries.len() as EntryIndex {
        let Some(why) = unvouched(reading, authority, index, &documents) else { continue };
        let entry = reading.inventory.entry(index);
        match policy.waives_extra(entry.normal_path()) {
            Some(waiver) => {
                waived.insert(waiver);
            }
            None => rows.push(Check::fail(check::ENTRY_UNLISTED, &entry.path, why)),
        }
    }
    let detail = if covered(reading, authority) {
        "every entry is signed with the input as a whole"
    } else if waived.is_empty() {
        "every entry is named by a document"
    } else {
        "every other entry is named by a document"
    };
    push_failures(checks, rows, Some(Check::pass(check::ENTRY_UNLISTED, "", detail)));
    waivers.extend(waived);
}

/// Whether a good signature over the input as a whole stands behind the entries.
fn covered(reading: &Reading, authority: &Authority) -> bool {
    let documents = reading.bundle.claims.documents().iter().zip(&authority.trusted);
    let mut beside = documents.filter(|(document, trusted)| **trusted && document.entry().is_none());
    beside.any(|(document, _)| reading.whole.signatures.iter().any(|signature| signature.name == document.name))
}

/// Documents of the layout that no signature covers while others are covered: nothing is wrong with them, and nobody is
/// known to have written them.
fn tell_unsigned_documents(reading: &Reading, authority: &Authority, checks: &mut Vec<Check>) {
    if !authority.exists() {
        return;
    }
    let documents = reading.bundle.claims.documents().iter().filter_map(claims::ClaimingDocument::entry);
    let unsigned = documents.filter(|entry| authority.standings[*entry as usize] == Standing::Listed);
    let names: BTreeSet<String> =
        unsigned.map(|entry| lossless(reading.inventory.entry(entry).normal_path())).collect();
    if !names.is_empty() {
        let shown: Vec<&str> = names.iter().map(String::as_str).take(MAX_NAMES).collect();
        let detail =
            format!("no signature by a trusted key covers {} of the documents: {}", names.len(), shown.join(", "));
        checks.push(Check::skip(check::ENTRY_UNLISTED, "", detail));
    }
}

/// Why nobody who counts vouches for an entry, or `None` where somebody does or another check speaks of it.
fn unvouched(
    reading: &Reading,
    authority: &Authority,
    index: EntryIndex,
    documents: &HashSet<EntryIndex>,
) -> Option<String> {
    let entry = reading.inventory.entry(index);
    match authority.standings[index as usize] {
        Standing::Unlisted if entry.normal_path().is_empty() && entry.path.as_ref() != b"" => None,
        Standing::Unlisted => {
            Some(format!("a {} that no document names; remove it, or waive it with --allow-extra", entry.kind.name()))
        }
        Standing::Listed if authority.exists() => {
            let claims = &reading.bundle.claims;
            if documents.contains(&index) {
                return None;
            }
            // A signature that proves nothing has a row of its own.
            let is_signature = |c: &&claims::Claim| claims.documents()[c.document as usize].role == Role::Envelope;
            let about: Vec<_> = claims.about(index).iter().filter(|c| !is_signature(c)).collect();
            if about.iter().all(|c| matches!(c.outcome, Outcome::Named | Outcome::Sealed)) {
                return None;
            }
            let by = names(claims, about.iter().map(|c| c.document));
            Some(format!("only {by} names it, and nothing signed vouches for that"))
        }
        _ => None,
    }
}
