//! `verify`: everything that was read, judged by the policy. The judging works on values; nothing is opened here.

use super::error::EnvironmentError;
use super::inspect::{self, Reading, Request};
use super::progress::Progress;
use crate::bundle::lists;
use crate::bundle::model::Binding;
use crate::format::anomaly::Defect;
use crate::format::digest::{Digest, hex, sha256};
use crate::format::inventory::{EntryIndex, Inventory};
use crate::format::time;
use crate::trust::authority::{self, Authority, Standing};
use crate::trust::check::{self, Check, push_failures};
use crate::trust::claims::{self, Dispute, DocumentIndex, Outcome, Role};
use crate::trust::envelope::{self, Authentication, Signer};
use crate::trust::policy::{Policy, Property};
use crate::trust::verdict::{Verdict, judge};
use std::collections::{BTreeMap, BTreeSet};

/// The whole answer about one input.
pub struct Verification {
    /// What was read.
    pub reading: Reading,
    /// Standing of each entry.
    pub authority: Authority,
    /// Every check, in stage order of its making.
    pub checks: Vec<Check>,
    /// Keys of the operator that signed.
    pub signers: Vec<Signer>,
    /// The kind of authentication that was established.
    pub authenticated_by: Authentication,
    /// What was required.
    pub required: Vec<Property>,
    /// What was established.
    pub established: BTreeSet<Property>,
    /// The verdict.
    pub verdict: Verdict,
    /// Waivers that were used.
    pub waivers: Vec<String>,
}

/// Reads and judges.
pub fn verify(request: &Request, policy: &Policy, progress: &Progress) -> Result<Verification, EnvironmentError> {
    Ok(assess(inspect::read(request, progress)?, policy))
}

/// Judges what was read.
pub fn assess(mut reading: Reading, policy: &Policy) -> Verification {
    let mut checks = std::mem::take(&mut reading.checks);
    let mut waivers = policy.waivers.clone();
    let required = policy.required(&reading.bundle.promised);
    if reading.inventory.container.last() == Some(&"file") {
        let detail = "the compressed stream holds no archive; a bundle is a directory or a tar";
        checks.insert(0, Check::fail(check::of_defect(Defect::ContainerFormat), "", detail));
        return stopped(reading, checks, required, waivers);
    }
    if reading.inventory.incomplete {
        return stopped(reading, checks, required, waivers);
    }
    let (proven, signers, authenticated_by) = check_signatures(&mut reading, policy, &mut checks);
    let set_aside = std::mem::take(&mut reading.bundle.set_aside);
    let is_set_aside = |name: &[u8]| set_aside.iter().any(|path| path == name);
    let authority = authority::spread(&reading.inventory, &reading.bundle.claims, &proven, &is_set_aside);
    reading.bundle.set_aside = set_aside;
    check_entries(&reading, &authority, policy, &mut checks, &mut waivers);
    check_names(&reading, &required, &mut checks);
    check_age(&reading, policy, &required, &mut checks);
    not_applicable(&required, &mut checks);
    let established = established(&reading, &authority, authenticated_by, policy, &checks);
    let verdict = judge(&required, &established, &checks);
    Verification { reading, authority, checks, signers, authenticated_by, required, established, verdict, waivers }
}

/// Reading stopped at a container defect: nothing more is concluded.
fn stopped(reading: Reading, mut checks: Vec<Check>, required: Vec<Property>, waivers: Vec<String>) -> Verification {
    let detail = "not checked: the container could not be read to its end";
    for kind in [check::DSSE_SIGNATURE, check::ENTRY_DIGEST, check::ENTRY_MISSING, check::ENTRY_UNLISTED] {
        checks.push(Check::skip(kind, "", detail));
    }
    let standings = vec![Standing::Unlisted; reading.inventory.entries.len()];
    let verdict = judge(&required, &BTreeSet::new(), &checks);
    Verification {
        reading,
        authority: Authority { standings, trusted: Vec::new(), pinned_by: Vec::new() },
        checks,
        signers: Vec::new(),
        authenticated_by: Authentication::None,
        required,
        established: BTreeSet::new(),
        verdict,
        waivers,
    }
}

/// Verifies every signature document. A document whose payload is its file, and whose signatures verify, is proven.
fn check_signatures(
    reading: &mut Reading,
    policy: &Policy,
    checks: &mut Vec<Check>,
) -> (Vec<DocumentIndex>, Vec<Signer>, Authentication) {
    let (mut proven, mut signers, mut by_target) = (Vec::new(), Vec::new(), BTreeMap::new());
    let signed = std::mem::take(&mut reading.bundle.signed);
    for document in &signed {
        let outcome = envelope::verify(&document.parsed.envelope, &document.name, document.payload_types, policy);
        checks.extend(outcome.checks);
        let Some(entry) = document.stands_for else { continue };
        let bound = document.binding != Binding::Broken;
        let file = reading.inventory.entry(entry);
        let stated = if bound { file.sha256 } else { sha256(document.parsed.envelope.payload()) };
        let name = file.normal_path().to_vec();
        reading.bundle.claims.state(&reading.inventory, document.document, &name, Some(Digest::Sha256(stated)), None);
        if let Some(proof) = outcome.proof.filter(|_| bound) {
            let known = by_target.entry(entry).or_insert(Authentication::None);
            *known = proof.get().by.max(*known);
            proven.push(document.document);
            signers.extend(outcome.signers);
        }
    }
    if signed.is_empty() && !checks.iter().any(|c| c.failed() && c.kind == check::DSSE_ENVELOPE) {
        let detail = "no signature document was found inside or beside the input";
        checks.push(Check::skip(check::DSSE_SIGNATURE, "", detail));
    }
    reading.bundle.signed = signed;
    reading.bundle.claims.sort();
    // Several signatures of one document: the best of them counts. Several signed documents: the weakest of them does,
    // since each vouches for entries that the others may not name.
    let by = by_target.into_values().min().unwrap_or(Authentication::None);
    (proven, signers, by)
}

fn check_entries(
    reading: &Reading,
    authority: &Authority,
    policy: &Policy,
    checks: &mut Vec<Check>,
    waivers: &mut Vec<String>,
) {
    check_digests(reading, authority, checks);
    check_missing(reading, checks);
    check_unlisted(reading, authority, policy, checks, waivers);
}

/// Disputes: content against documents, and documents against one another.
fn check_digests(reading: &Reading, authority: &Authority, checks: &mut Vec<Check>) {
    let (inventory, all) = (&reading.inventory, &reading.bundle.claims);
    let (mut digests, mut sizes, mut disagreements) = (Vec::new(), Vec::new(), Vec::new());
    // That a payload is not the file that it stands for is the subject of dsse-payload.
    let of_envelope = |d: &Dispute| all.documents()[usize::from(d.document)].role == Role::Envelope;
    for dispute in all.disputes().iter().filter(|d| d.outcome != Outcome::NotComputed && !of_envelope(d)) {
        let supported = all.about(dispute.entry).iter().any(|c| c.outcome == Outcome::Agrees);
        let trusted = authority.trusted.get(usize::from(dispute.document)).copied().unwrap_or(false);
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

fn check_names(reading: &Reading, required: &[Property], checks: &mut Vec<Check>) {
    let found = &reading.portability;
    if found.count == 0 {
        checks.push(Check::pass(check::PORTABLE_NAMES, "", "no two names collide elsewhere and none is reserved"));
        return;
    }
    let detail =
        format!("{} names collide or are reserved on other systems: {}", found.count, found.examples.join("; "));
    checks.push(if required.contains(&Property::PortableNames) {
        Check::fail(check::PORTABLE_NAMES, "", detail)
    } else {
        Check::skip(check::PORTABLE_NAMES, "", format!("warning, not required: {detail}"))
    });
}

fn check_age(reading: &Reading, policy: &Policy, required: &[Property], checks: &mut Vec<Check>) {
    /// Clocks of producer and verifier may differ by this much (formats.md 1.4).
    const TOLERANCE: i64 = 5;
    let Some((created, document)) = &reading.bundle.created else {
        if required.contains(&Property::Fresh) {
            checks.push(Check::skip(check::AGE, "", "no document says when the bundle was made"));
        }
        return;
    };
    let age = time::age_seconds(*created, policy.at);
    let words = format!(
        "made {} by its own account, {} before {}",
        time::format_rfc3339(*created),
        time::describe_seconds(age),
        time::format_rfc3339(policy.at)
    );
    let check = match policy.max_age {
        Some(_) if age < -TOLERANCE => Check::fail(check::AGE, document, format!("{words}: it lies in the future")),
        Some(limit) if age > limit => {
            Check::fail(check::AGE, document, format!("{words}; --max-age allows {}", time::describe_seconds(limit)))
        }
        Some(limit) => {
            Check::pass(check::AGE, document, format!("{words}; --max-age allows {}", time::describe_seconds(limit)))
        }
        None => Check::skip(
            check::AGE,
            document,
            format!("{words}; no --max-age was given, and this kind states no time of expiry"),
        ),
    };
    checks.push(check.with("age_seconds", age.to_string()));
}

/// Required properties for which this kind has no evidence at all.
fn not_applicable(required: &[Property], checks: &mut Vec<Check>) {
    let rows = [
        (Property::Tuf, check::TUF),
        (Property::Transparency, check::TRANSPARENCY),
        (Property::Sequence, check::SEQUENCE),
    ];
    for (property, kind) in rows.into_iter().filter(|(property, _)| required.contains(property)) {
        checks.push(Check::skip(
            kind,
            "",
            format!("{} is required, and a bundle of this kind carries none", property.name()),
        ));
    }
}

/// What holds, from standings and checks; nothing is established by absence alone.
fn established(
    reading: &Reading,
    authority: &Authority,
    by: Authentication,
    policy: &Policy,
    checks: &[Check],
) -> BTreeSet<Property> {
    let mut held = BTreeSet::new();
    let failed = |class| checks.iter().any(|c| c.failed() && c.kind.class == class);
    let uncomputed = reading.bundle.claims.disputes().iter().any(|d| d.outcome == Outcome::NotComputed);
    let entries = reading.inventory.entries.iter().zip(&authority.standings);
    let counted = |standing: Standing| matches!(standing, Standing::Pinned | Standing::Listed);
    let accounted = entries.clone().all(|(entry, standing)| {
        *standing >= Standing::Listed
            || policy.waives_extra(entry.normal_path()).is_some()
            || entry.normal_path().is_empty()
    });
    let compared = entries.clone().any(|(entry, standing)| entry.hashed && counted(*standing));
    if compared && accounted && !uncomputed && !failed(check::Class::Integrity) {
        held.extend([Property::Integrity, Property::Complete]);
    }
    let vouched = entries.clone().all(|(entry, standing)| {
        *standing >= Standing::SetAside
            || policy.waives_extra(entry.normal_path()).is_some()
            || entry.normal_path().is_empty()
    });
    if authority.exists() && vouched && compared && !failed(check::Class::Signature) {
        held.insert(Property::Signature);
        if by == Authentication::PublicKey {
            held.insert(Property::PublicKey);
        }
    }
    if checks.iter().any(|c| c.kind == check::AGE && c.status == check::Status::Pass) {
        held.insert(Property::Fresh);
    }
    if reading.portability.count == 0 {
        held.insert(Property::PortableNames);
    }
    held
}

/// What lists beside the input say about the input file, and signature files that are not read.
///
/// `lists_name_entries`: the kind also reads lists beside the input as lists of entries.
pub(super) fn sidecar_checks(inventory: &Inventory, unread: &[Vec<u8>], lists_name_entries: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    for sidecar in inventory.documents.iter().filter(|d| lists::is_sidecar_list(d)) {
        let statements = lists::outer_statements(sidecar, &inventory.name);
        if statements.is_empty() && !lists_name_entries {
            let detail = "it says nothing about the input file, and this kind reads no list of entries beside it";
            checks.push(Check::skip(check::SIDECAR_DIGEST, &sidecar.name, detail));
        }
        checks.extend(statements.into_iter().map(|statement| outer_check(inventory, &sidecar.name, statement)));
    }
    for unread in unread {
        let detail = "it is there and was not checked: this version reads no signature of that form";
        checks.push(Check::skip(check::SIGNATURE_UNREAD, unread, detail));
    }
    checks
}

fn outer_check(inventory: &Inventory, name: &[u8], statement: Result<Digest, String>) -> Check {
    let stated = match statement {
        Ok(stated) => stated,
        Err(why) => return Check::fail(check::CHECKSUM_LIST, name, why),
    };
    let outer = inventory.outer.as_ref();
    let found = match stated {
        Digest::Sha256(_) => outer.map(|outer| Digest::Sha256(outer.sha256)),
        Digest::Sha512(_) => outer.and_then(|outer| outer.sha512.as_deref().copied()).map(Digest::Sha512),
    };
    match found {
        Some(found) if found == stated => {
            Check::pass(check::SIDECAR_DIGEST, name, "the input file has the digest that is stated beside it")
        }
        Some(found) => {
            let (expected, found) = (stated.prefixed(), found.prefixed());
            Check::fail(check::SIDECAR_DIGEST, name, format!("expected {expected}, found {found}"))
                .with("expected", expected)
                .with("found", found)
        }
        None => Check::skip(check::SIDECAR_DIGEST, name, "the input is no single file, so it has no digest to compare"),
    }
}
