//! What the entries of a bundle show: content against documents, documents against one another, what is missing, and what
//! nobody vouches for.

use super::inspect::Reading;
use crate::format::digest::hex;
use crate::format::inventory::{EntryIndex, Inventory};
use crate::trust::authority::{Authority, Standing};
use crate::trust::check::{self, Check, push_failures};
use crate::trust::claims::{self, Dispute, Outcome, Role};
use crate::trust::policy::Policy;
use std::collections::BTreeSet;

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
    let names: Vec<_> = set_aside.map(|(entry, _)| String::from_utf8_lossy(entry.normal_path())).collect();
    if !names.is_empty() {
        checks.push(Check::skip(check::SET_ASIDE, "", format!("nobody vouches for these: {}", names.join(", "))));
    }
}

/// Disputes: content against documents, and documents against one another.
fn check_digests(reading: &Reading, authority: &Authority, checks: &mut Vec<Check>) {
    let (inventory, all) = (&reading.inventory, &reading.bundle.claims);
    let (mut digests, mut sizes, mut disagreements) = (Vec::new(), Vec::new(), Vec::new());
    // That a payload is not the file that it stands for is the subject of dsse-payload.
    let of_envelope = |d: &Dispute| all.documents()[d.document as usize].role == Role::Envelope;
    for dispute in all.disputes().iter().filter(|d| d.outcome != Outcome::NotComputed && !of_envelope(d)) {
        let supported = all.about(dispute.entry).iter().any(|c| c.outcome == Outcome::Agrees);
        let trusted = authority.trusted.get(dispute.document as usize).copied().unwrap_or(false);
        if supported && !trusted {
            disagreements.push(disagreement(reading, dispute));
        } else if dispute.outcome == Outcome::SizeDiffers {
            sizes.push(size_row(reading, dispute));
        } else {
            digests.push(digest_row(inventory, all.name(dispute.document), dispute));
        }
    }
    let digests = one_a_subject(digests);
    let agreeing = all
        .claims()
        .chunk_by(|a, b| a.entry == b.entry)
        .filter(|c| c.iter().any(|c| c.outcome == Outcome::Agrees))
        .count();
    let pass = if agreeing > 0 {
        Check::pass(check::ENTRY_DIGEST, "", format!("{agreeing} entries have the digest that documents state"))
    } else {
        Check::skip(check::ENTRY_DIGEST, "", "no document states the digest of an entry")
    };
    push_failures(checks, digests, Some(pass));
    push_failures(checks, sizes, None);
    push_failures(checks, disagreements, None);
    let uncomputed = all.disputes().iter().filter(|d| d.outcome == Outcome::NotComputed).count();
    if uncomputed > 0 {
        let detail = format!(
            "{uncomputed} entries have a SHA-512 that cannot be computed from a pipe; give the input as a file"
        );
        checks.push(Check::skip(check::ENTRY_DIGEST, "", detail));
    }
}

/// Several documents may state the same wrong digest: one row an entry names them all.
fn one_a_subject(rows: Vec<Check>) -> Vec<Check> {
    let mut merged: Vec<Check> = Vec::new();
    for row in rows {
        match merged.last_mut() {
            Some(last)
                if last.subject == row.subject && last.evidence.get("expected") == row.evidence.get("expected") =>
            {
                let by = row.evidence.get("stated_by").cloned().unwrap_or_default();
                last.evidence.entry("stated_by").and_modify(|known| *known = format!("{known}, {by}"));
            }
            _ => merged.push(row),
        }
    }
    merged
}

fn digest_row(inventory: &Inventory, document: &[u8], dispute: &Dispute) -> Check {
    let entry = inventory.entry(dispute.entry);
    let document = String::from_utf8_lossy(document).into_owned();
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

fn size_row(reading: &Reading, dispute: &Dispute) -> Check {
    let entry = reading.inventory.entry(dispute.entry);
    let document = String::from_utf8_lossy(reading.bundle.claims.name(dispute.document)).into_owned();
    let expected = dispute.size.unwrap_or_default();
    let detail = format!("expected {expected} bytes ({document}), found {}; the digest is right", entry.size);
    Check::fail(check::ENTRY_SIZE, &entry.path, detail)
        .with("expected", expected.to_string())
        .with("found", entry.size.to_string())
        .with("stated_by", document)
}

fn disagreement(reading: &Reading, dispute: &Dispute) -> Check {
    let (inventory, all) = (&reading.inventory, &reading.bundle.claims);
    let entry = inventory.entry(dispute.entry);
    let agreeing = all.about(dispute.entry).iter().filter(|c| c.outcome == Outcome::Agrees);
    let right: Vec<String> = agreeing.map(|c| String::from_utf8_lossy(all.name(c.document)).into_owned()).collect();
    let wrong = String::from_utf8_lossy(all.name(dispute.document)).into_owned();
    let expected = dispute.digest.map_or("another size".into(), |d| d.prefixed());
    let detail =
        format!("{wrong} says {expected}; {} and the content say sha256:{}", right.join(", "), hex(&entry.sha256));
    Check::fail(check::DOCUMENTS_AGREE, &entry.path, detail).with("stated_by", wrong)
}

fn check_missing(reading: &Reading, checks: &mut Vec<Check>) {
    let all = &reading.bundle.claims;
    let rows = all.missing().iter().map(|(path, by)| {
        let names: Vec<String> = by.iter().map(|d| String::from_utf8_lossy(all.name(*d)).into_owned()).collect();
        Check::fail(check::ENTRY_MISSING, path, format!("named by {}, not in the bundle", names.join(", ")))
    });
    let pass = match (reading.bundle.has_lists, all.claims().is_empty()) {
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
    let signed = authority.exists();
    let (mut rows, mut waived) = (Vec::new(), BTreeSet::new());
    for index in 0..reading.inventory.entries.len() as EntryIndex {
        let Some(why) = unvouched(reading, authority, index, signed) else { continue };
        let entry = reading.inventory.entry(index);
        match policy.waives_extra(entry.normal_path()) {
            Some(glob) => {
                waived.insert(format!("--allow-extra {glob}"));
            }
            None => rows.push(Check::fail(check::ENTRY_UNLISTED, &entry.path, why)),
        }
    }
    let detail = if waived.is_empty() {
        "every entry is named by a document"
    } else {
        "every other entry is named by a document"
    };
    push_failures(checks, rows, Some(Check::pass(check::ENTRY_UNLISTED, "", detail)));
    waivers.extend(waived);
}

/// Why nobody who counts vouches for an entry, or `None` where somebody does or another check speaks of it.
fn unvouched(reading: &Reading, authority: &Authority, index: EntryIndex, signed: bool) -> Option<String> {
    let entry = reading.inventory.entry(index);
    match authority.standings[index as usize] {
        Standing::Unlisted if entry.normal_path().is_empty() && entry.path.as_ref() != b"" => None,
        Standing::Unlisted => {
            Some(format!("a {} that no document names; remove it, or waive it with --allow-extra", entry.kind.name()))
        }
        Standing::Listed if signed => {
            let about = reading.bundle.claims.about(index);
            if about.iter().all(|c| c.outcome == Outcome::Named) {
                return None;
            }
            let by = about.iter().map(|c| c.document).collect::<BTreeSet<_>>();
            let names: Vec<String> =
                by.iter().map(|d| String::from_utf8_lossy(reading.bundle.claims.name(*d)).into_owned()).collect();
            Some(format!("only {} names it, and nothing signed vouches for that", names.join(", ")))
        }
        _ => None,
    }
}
