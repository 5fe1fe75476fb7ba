//! `verify`: everything that was read, judged by the policy. The judging works on values; nothing is opened here.

use super::entries;
use super::error::EnvironmentError;
use super::inspect::{self, Reading, Request};
use super::progress::Progress;
use crate::bundle::model::Binding;
use crate::format::anomaly::Defect;
use crate::format::digest::{Digest, sha256};
use crate::format::inventory::{EntryIndex, EntryKind};
use crate::format::time;
use crate::trust::authority::{self, Authority, Standing};
use crate::trust::check::{self, Check};
use crate::trust::claims::{ClaimingDocument, DocumentIndex, Outcome};
use crate::trust::envelope::{self, Authentication, Signer};
use crate::trust::policy::{Policy, Property};
use crate::trust::verdict::{Verdict, judge};
use std::collections::{BTreeMap, BTreeSet, HashSet};

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
    entries::check(&reading, &authority, policy, &mut checks, &mut waivers);
    check_names(&reading, &required, &mut checks);
    check_age(&reading, policy, &required, &mut checks);
    not_applicable(&required, &mut checks);
    let mut established = established(&reading, &authority, authenticated_by, policy, &checks);
    // A file that the operator named and that was not used: what it would have said is not known.
    if checks.iter().any(|c| c.status == check::Status::Skip && c.evidence.get("named").is_some_and(|n| n == "true")) {
        established.remove(&Property::Integrity);
    }
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

fn check_names(reading: &Reading, required: &[Property], checks: &mut Vec<Check>) {
    let found = &reading.portability;
    if found.count == 0 {
        checks.push(Check::pass(check::PORTABLE_NAMES, "", "no two names collide elsewhere and none is reserved"));
        return;
    }
    let names = if found.count == 1 {
        "1 name collides or is".to_string()
    } else {
        format!("{} names collide or are", found.count)
    };
    let detail = format!("{names} reserved on other systems: {}", found.examples.join("; "));
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

/// What holds, from standings and checks; nothing is established by absence alone, and nothing by a document that only
/// speaks of itself.
fn established(
    reading: &Reading,
    authority: &Authority,
    by: Authentication,
    policy: &Policy,
    checks: &[Check],
) -> BTreeSet<Property> {
    let mut held = BTreeSet::new();
    let failed = |class| checks.iter().any(|c| c.failed() && c.kind.class == class);
    let ground = Ground::of(reading, authority, policy);
    if ground.compared && ground.accounted && !failed(check::Class::Integrity) {
        held.extend([Property::Integrity, Property::Complete]);
    }
    if authority.exists() && ground.vouched && ground.compared && !failed(check::Class::Signature) {
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

/// What the entries show together.
struct Ground {
    /// The digest of some content was compared: of a file that is no document of the layout, or of an artefact that a
    /// signed manifest names and the form of bundle does not carry.
    compared: bool,
    /// Every entry is named by a document with its digest, is a document of the layout, or is waived.
    accounted: bool,
    /// Every entry is pinned, evidence, set aside, or waived.
    vouched: bool,
}

impl Ground {
    fn of(reading: &Reading, authority: &Authority, policy: &Policy) -> Ground {
        let claims = &reading.bundle.claims;
        let documents: HashSet<EntryIndex> = claims.documents().iter().filter_map(ClaimingDocument::entry).collect();
        let carried_elsewhere = !reading.bundle.external.is_empty() && authority.exists();
        let mut ground = Ground { compared: carried_elsewhere, accounted: true, vouched: true };
        for (index, entry) in reading.inventory.entries.iter().enumerate() {
            let (index, standing) = (index as EntryIndex, authority.standings[index]);
            let agrees = || claims.about(index).iter().any(|c| c.outcome == Outcome::Agrees);
            let is_document = documents.contains(&index);
            let counts = matches!(standing, Standing::Pinned | Standing::Listed) && !is_document;
            ground.compared |= entry.hashed && counts && agrees();
            let root = entry.normal_path().is_empty() && entry.kind == EntryKind::Dir;
            let waived = || policy.waives_extra(entry.normal_path()).is_some();
            ground.vouched &= standing >= Standing::SetAside || root || waived();
            let named = match standing {
                Standing::Unlisted => false,
                Standing::Listed => is_document || entry.kind == EntryKind::Dir || agrees(),
                _ => true,
            };
            ground.accounted &= named || root || waived();
        }
        ground.accounted &= !claims.disputes().iter().any(|d| d.outcome == Outcome::NotComputed);
        ground
    }
}
