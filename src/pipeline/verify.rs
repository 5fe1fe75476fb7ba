//! `verify`: everything that was read, judged by the policy. The judging works on values; nothing is opened here.

use super::base;
use super::bundle_tuf;
use super::companion;
use super::entries;
use super::inspect::{self, Reading, Request};
use super::progress::Progress;
use super::scan::SubjectDigest;
use super::signatures::{self, Proven};
use super::sigstore::{self, Beside};
use super::sink::Copyist;
use super::source::Source;
use super::tuf::TufError;
use super::whole;
use crate::format::digest::{Sha256Bytes, hex};
use crate::format::inventory::{EntryIndex, EntryKind};
use crate::format::time::{self, Time};
use crate::trust::authority::{self, Authority, Standing};
use crate::trust::check::{self, Check};
use crate::trust::claims::{ClaimingDocument, Outcome};
use crate::trust::envelope::{Authentication, Signer};
use crate::trust::policy::{Policy, Property};
use crate::trust::revoked::Revoked;
use crate::trust::rules::PolicyRecord;
use crate::trust::verdict::{Verdict, judge};
use crate::trust::whole::Message;
use std::collections::{BTreeSet, HashSet};

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
    /// The policy file, where one was given.
    pub policy: Option<PolicyRecord>,
}

/// Reads and judges; for a delta also the bundle that it builds on.
pub fn verify(request: &Request, policy: &Policy, progress: &Progress) -> Result<Verification, TufError> {
    verify_opened(Source::open(&request.input)?, request, policy, None, progress)
}

/// The same of an input that is open; `request.input` only names it. Where there is a `copyist`, it is given every entry of the
/// first pass.
pub(super) fn verify_opened(
    source: Source,
    request: &Request,
    policy: &Policy,
    copyist: Option<&dyn Copyist>,
    progress: &Progress,
) -> Result<Verification, TufError> {
    let mut request = request.clone();
    if policy.keys.revocations().any(Revoked::has_content) {
        // A list may name the digest of the input file.
        request.scan.subject = request.scan.subject.max(SubjectDigest::Sha256);
    }
    let request = &request;
    let mut reading = inspect::read_opened(source, request, copyist, progress)?;
    base::compare(&mut reading, request, progress)?;
    let policy = &policy.for_kind(reading.recognition.kind.id());
    let message =
        if reading.whole.signatures.is_empty() { None } else { Some(whole::message(&reading, policy, progress)?) };
    let mut bundles = sigstore::beside(&reading, policy)?;
    bundles.extend(companion::beside(&reading, policy));
    assess(reading, message, bundles, request, policy)
}

/// Judges what was read. `message`: what signatures over the input as a whole are over; `bundles`: what came out for
/// Sigstore bundles over it.
fn assess(
    mut reading: Reading,
    message: Option<Result<Message, &'static str>>,
    bundles: Vec<Beside>,
    request: &Request,
    policy: &Policy,
) -> Result<Verification, TufError> {
    let mut checks = std::mem::take(&mut reading.checks);
    let mut waivers = policy.waivers.clone();
    if !policy.logs.is_empty() && !reading.receipts.is_empty() {
        // Whoever gives the key of a log, or pins its state, asks whether the receipt holds.
        reading.bundle.promised.push(Property::Transparency);
    }
    let required = policy.required(&reading.bundle.promised);
    if reading.inventory.container.last() == Some(&"file") {
        return Ok(stopped(reading, checks, required, waivers, policy));
    }
    if reading.inventory.incomplete || reading.inventory.unread {
        return Ok(stopped(reading, checks, required, waivers, policy));
    }
    let mut proven = signatures::check(&mut reading, message, bundles, policy, &mut checks);
    let tuf_held = bundle_tuf::check(&mut reading, request, policy.at, &mut proven, &mut checks)?;
    let Proven { documents: proven, signers, by: authenticated_by, whole, logged } = proven;
    let set_aside = std::mem::take(&mut reading.bundle.set_aside);
    let is_set_aside = |name: &[u8]| set_aside.iter().any(|path| path == name);
    let authority = authority::spread(&reading.inventory, &reading.bundle.claims, &proven, &is_set_aside);
    reading.bundle.set_aside = set_aside;
    entries::check(&reading, &authority, policy, &mut checks, &mut waivers);
    check_revoked(&reading, policy, &mut checks);
    check_names(&reading, &required, &mut checks);
    checks.extend(reading.bundle.trivy.as_ref().into_iter().flat_map(|trivy| super::trivy::judge(trivy, policy)));
    check_age(&reading, policy, &required, &mut checks);
    not_applicable(&reading, &required, &mut checks);
    let mut established = established(&reading, &authority, authenticated_by, whole, policy, &checks);
    if tuf_held && !checks.iter().any(|c| c.failed() && c.kind.class == check::Class::Tuf) {
        established.insert(Property::Tuf);
    }
    if logged && !checks.iter().any(|c| c.failed() && c.kind.class == check::Class::Transparency) {
        established.insert(Property::Transparency);
    }
    // A file that the operator named and that was not used: what it would have said is not known.
    if checks.iter().any(|c| c.status == check::Status::Skip && c.evidence.get("named").is_some_and(|n| n == "true")) {
        established.remove(&Property::Integrity);
    }
    let verdict = judge(&required, &established, &checks);
    Ok(Verification {
        reading,
        authority,
        checks,
        signers,
        authenticated_by,
        required,
        established,
        verdict,
        waivers,
        policy: policy.record().cloned(),
    })
}

/// Reading stopped at a container defect: nothing more is concluded.
fn stopped(
    reading: Reading,
    mut checks: Vec<Check>,
    required: Vec<Property>,
    waivers: Vec<String>,
    policy: &Policy,
) -> Verification {
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
        policy: policy.record().cloned(),
    }
}

/// Whether a revocation list of the policy names the input, its content, an entry, the plain text of one, or an entry inside.
fn check_revoked(reading: &Reading, policy: &Policy, checks: &mut Vec<Check>) {
    if !policy.keys.revocations().any(Revoked::has_content) {
        return;
    }
    let inventory = &reading.inventory;
    let whole = inventory.outer.iter().map(|outer| outer.sha256).chain([inventory.content_digest()]);
    let entries = inventory.entries.iter().filter_map(|entry| Some((entry.normal_path(), *entry.digest()?)));
    let opened = inventory.sealed.iter().filter_map(|(entry, sealed)| {
        let plain = sealed.plain.as_ref()?;
        Some((inventory.entry(*entry).normal_path(), plain.sha256))
    });
    let inside = inventory.nested.values().flat_map(|nested| &nested.entries);
    let inside = inside.filter_map(|entry| Some((entry.normal_path(), *entry.digest()?)));
    let all = whole.map(|digest| (&b""[..], digest)).chain(entries).chain(opened).chain(inside);
    let why =
        |digest: &Sha256Bytes| policy.keys.revocations().find_map(|list| list.content(digest)).map(str::to_string);
    let failures = all.filter_map(|(name, digest)| {
        let detail = format!("sha256:{}: {}", hex(&digest), why(&digest)?);
        Some(Check::fail(check::CONTENT_REVOKED, name, detail))
    });
    let otherwise = Check::pass(check::CONTENT_REVOKED, "", "no digest here is one that the policy's lists revoke");
    check::push_failures(checks, failures.collect(), Some(otherwise));
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

/// Age and time of expiry, in one row: what a bundle says of both is judged where freshness is required, and told where not.
fn check_age(reading: &Reading, policy: &Policy, required: &[Property], checks: &mut Vec<Check>) {
    let judged = required.contains(&Property::Fresh);
    let (created, expires) = (&reading.bundle.created, &reading.bundle.expires);
    let Some((_, document)) = created.as_ref().or(expires.as_ref()) else {
        if judged {
            checks.push(Check::skip(check::AGE, "", "no document says when the bundle was made"));
        }
        return;
    };
    let (created, expires) = (created.as_ref().map(|(at, _)| *at), expires.as_ref().map(|(at, _)| *at));
    let mut check = match (age_fault(created, expires, policy), age_words(created, expires, policy.at)) {
        (Some(fault), words) if judged => Check::fail(check::AGE, document, format!("{words}; {fault}")),
        (None, words) if policy.max_age.is_some() && created.is_none() => {
            Check::skip(check::AGE, document, format!("{words}; no document says when the bundle was made"))
        }
        (None, words) if judged && (policy.max_age.is_some() || expires.is_some()) => {
            let allowed = policy.max_age.map_or("no --max-age was given".into(), allows);
            Check::pass(check::AGE, document, format!("{words}; {allowed}"))
        }
        (Some(fault), words) => Check::skip(check::AGE, document, format!("{words}; not required, but: {fault}")),
        (None, words) if expires.is_some() => {
            Check::skip(check::AGE, document, format!("{words}; neither --max-age nor --require fresh was given"))
        }
        (None, words) => {
            let why = "no --max-age was given, and this kind states no time of expiry";
            Check::skip(check::AGE, document, format!("{words}; {why}"))
        }
    };
    if let Some(undated) = reading.bundle.undated.first().filter(|_| judged && check.status == check::Status::Pass) {
        let name = String::from_utf8_lossy(undated);
        check = Check::skip(check::AGE, document, format!("{}; {name} does not say when it was made", check.detail));
    }
    if let Some(created) = created {
        check = check.with("age_seconds", time::age_seconds(created, policy.at).to_string());
    }
    if let Some(expires) = expires {
        check = check.with("expires", time::format_rfc3339(expires));
    }
    checks.push(check);
}

/// What is wrong with a time of making or of expiry, whether anybody asked or not.
fn age_fault(created: Option<Time>, expires: Option<Time>, policy: &Policy) -> Option<String> {
    /// Clocks of producer and verifier may differ by this much; by more where the bundle states an expiry (formats.md 1.4).
    const TOLERANCE: i64 = 5;
    const DRIFT: i64 = 300;
    let tolerance = if expires.is_some() { DRIFT } else { TOLERANCE };
    let age = created.map(|created| time::age_seconds(created, policy.at));
    if age.is_some_and(|age| age < -tolerance) && (policy.max_age.is_some() || expires.is_some()) {
        return Some("it lies in the future".into());
    }
    if expires.is_some_and(|expires| policy.at > expires) {
        return Some("it has expired".into());
    }
    policy.max_age.filter(|limit| age.is_some_and(|age| age > *limit)).map(allows)
}

fn allows(limit: i64) -> String {
    format!("--max-age allows {}", time::describe_seconds(limit))
}

fn age_words(created: Option<Time>, expires: Option<Time>, at: Time) -> String {
    let made = created.map(|created| {
        let (made, age) = (time::format_rfc3339(created), time::age_seconds(created, at));
        let (distance, side) = (time::describe_seconds(age.saturating_abs()), if age < 0 { "after" } else { "before" });
        format!("made {made} by its own account, {distance} {side} {}", time::format_rfc3339(at))
    });
    let valid = expires.map(|expires| {
        let clock = if made.is_none() { format!(", now is {}", time::format_rfc3339(at)) } else { String::new() };
        format!("valid until {}{clock}", time::format_rfc3339(expires))
    });
    [made, valid].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Required properties for which this kind has no evidence at all.
fn not_applicable(reading: &Reading, required: &[Property], checks: &mut Vec<Check>) {
    let rows = [
        (Property::Tuf, check::TUF, reading.bundle.tuf.is_some()),
        (
            Property::Transparency,
            check::TRANSPARENCY,
            !reading.whole.bundles.is_empty() || !reading.receipts.is_empty(),
        ),
        (Property::Sequence, check::SEQUENCE, reading.bundle.is_delta()),
    ];
    for (property, kind, _) in rows.into_iter().filter(|(property, _, has)| required.contains(property) && !has) {
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
    whole: bool,
    policy: &Policy,
    checks: &[Check],
) -> BTreeSet<Property> {
    let mut held = BTreeSet::new();
    let failed = |class| checks.iter().any(|c| c.failed() && c.kind.class == class);
    let ground = Ground::of(reading, authority, whole, policy);
    if ground.compared && ground.accounted && !failed(check::Class::Integrity) {
        held.extend([Property::Integrity, Property::Complete]);
    }
    if reading.bundle.unfinished {
        held.clear();
    }
    if !reading.bundle.claims.absent().is_empty() {
        held.remove(&Property::Complete);
    }
    if authority.exists() && ground.vouched && ground.compared && !failed(check::Class::Signature) {
        held.insert(Property::Signature);
        if by.is_asymmetric() {
            held.insert(Property::PublicKey);
        }
    }
    let sequenced = checks.iter().any(|c| c.kind.class == check::Class::Sequence && c.status == check::Status::Pass);
    // What a delta says of its base is worth as much as whoever vouches for the document that says so.
    let stated_by = reading.bundle.delta_document().and_then(|name| reading.inventory.find(name));
    let stated = stated_by
        .is_some_and(|entry| matches!(authority.standings[entry as usize], Standing::Pinned | Standing::Evidence));
    if sequenced && stated && !failed(check::Class::Sequence) {
        held.insert(Property::Sequence);
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
    /// The digest of some content was compared: of a file that is no document of the layout, of what a delta says that it
    /// changes, or of an artefact that a signed manifest names and the form of bundle does not carry. With a good signature
    /// over the input as a whole, of any file.
    compared: bool,
    /// Every entry is named by a document with its digest, is a document of the layout, or is waived.
    accounted: bool,
    /// Every entry is pinned, evidence, set aside, or waived.
    vouched: bool,
}

impl Ground {
    fn of(reading: &Reading, authority: &Authority, whole: bool, policy: &Policy) -> Ground {
        let claims = &reading.bundle.claims;
        let documents: HashSet<EntryIndex> = claims.documents().iter().filter_map(ClaimingDocument::entry).collect();
        // What a delta says that it changes is its content: one that only removes has no other.
        let changes = reading.bundle.delta.as_ref().and_then(|delta| reading.inventory.find(&delta.document));
        let carried_elsewhere = !reading.bundle.external.is_empty() && authority.exists();
        let mut ground = Ground { compared: carried_elsewhere, accounted: true, vouched: true };
        for (index, entry) in reading.inventory.entries.iter().enumerate() {
            let (index, standing) = (index as EntryIndex, authority.standings[index]);
            let agrees = || claims.about(index).iter().any(|c| c.outcome == Outcome::Agrees);
            let is_document = documents.contains(&index);
            // Who signs the file signs its documents as content like any other.
            let is_content = !is_document || whole || changes == Some(index);
            let counts = matches!(standing, Standing::Pinned | Standing::Listed) && is_content;
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
