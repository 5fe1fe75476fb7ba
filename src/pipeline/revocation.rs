//! `revocation verify`: one list from a file, the digest and the signature beside it, and what was accepted before.

use super::dsse::{inventory_of, read_stdin};
use super::error::EnvironmentError;
use super::inspect::Reading;
use super::sidecar;
use super::source::read_small;
use super::verify::Verification;
use crate::bundle::lists;
use crate::bundle::model::{Bundle, DetachedForm, DetachedSignature};
use crate::bundle::revocation::{self as kind, RevocationBundle};
use crate::format::digest::{Digest, Hasher, sha256};
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::jws::{self, Jws, JwsError};
use crate::format::limits::Limits;
use crate::format::revocation::{RevocationList, State};
use crate::trust::authority;
use crate::trust::check::{self, Check, Status};
use crate::trust::claims::Role;
use crate::trust::envelope::{Authentication, EnvelopeOutcome};
use crate::trust::jws as signature;
use crate::trust::policy::{Policy, Property};
use crate::trust::revocation::{self, Previous};
use crate::trust::verdict::{Verdict, judge};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What to read.
#[derive(Debug, Clone)]
pub struct Request {
    /// The list: a file or `-`.
    pub input: PathBuf,
    /// The signature that the operator named.
    pub signature: Option<PathBuf>,
    /// Whether to look for `NAME.jws` and `NAME.sha256` beside the list.
    pub discover: bool,
    /// What was accepted before.
    pub previous: Previous,
    /// Whether it has to be in force at the clock of the run.
    pub in_force: bool,
}

/// The list and what lies beside it, as bytes.
struct Loaded {
    name: Vec<u8>,
    bytes: Vec<u8>,
    jws: Option<Document>,
    digests: Option<Document>,
}

/// Verifies one list.
///
/// Returns the verification and, only where it succeeded, what to remember of the list.
///
/// # Errors
/// The list, a named signature, or a file beside the list that cannot be read. One beside the list that is not there is none.
pub fn verify(request: &Request, policy: &Policy) -> Result<(Verification, Option<State>), EnvironmentError> {
    let Loaded { name, bytes, jws, digests } = load(request)?;
    Ok(assess(name, bytes, jws, digests, request, policy))
}

/// Reads one list, and verifies nothing: only whether it is one is said.
///
/// # Errors
/// As those of [`verify`].
pub fn read(request: &Request) -> Result<Reading, EnvironmentError> {
    let Loaded { name, bytes, jws, .. } = load(request)?;
    let (list, mut checks) = kind::read(&name, &bytes);
    let unchecked = "nobody said whom to trust (--key); neither signature nor digest was checked";
    checks.push(Check::skip(check::JWS_SIGNATURE, &name, unchecked));
    let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
    let inventory = inventory_of(name.clone(), bytes);
    if let Some(document) = jws {
        let index = bundle.claims.document(&document.name, Location::Sidecar, Role::Envelope);
        let form = jws::parse(&document.bytes).ok().map(DetachedForm::Jws);
        let signed = form.map(|form| DetachedSignature { document: index, name: document.name, signs: 0, form });
        bundle.detached.extend(signed);
    }
    bundle.facts.extend(list.as_ref().map(|list| kind::facts(&name, list, Vec::new())));
    let mut reading = reading(inventory, bundle, list.as_ref());
    reading.checks = checks;
    Ok(reading)
}

fn load(request: &Request) -> Result<Loaded, EnvironmentError> {
    let piped = request.input.as_os_str() == "-";
    let bytes = if piped { read_stdin()? } else { read_small(&request.input, Limits::MAX_DOCUMENT)? };
    let name = request.input.file_name().map_or(b"revocation-bundle.json".to_vec(), |n| n.as_encoded_bytes().to_vec());
    let beside = |end: &str| with_end(&request.input, end).filter(|_| request.discover && !piped);
    let jws = match (&request.signature, beside(".jws")) {
        (Some(path), _) => Some(Document { named: true, ..document(path, read_small(path, Limits::MAX_DOCUMENT)?) }),
        (None, Some(path)) => read_beside(&path)?,
        (None, None) => None,
    };
    let digests = beside(".sha256").map(|path| read_beside(&path)).transpose()?.flatten();
    Ok(Loaded { name, bytes, jws, digests })
}

/// The files that are looked for beside the list.
#[must_use]
pub fn beside(input: &Path) -> Vec<PathBuf> {
    [".jws", ".sha256"].iter().filter_map(|end| with_end(input, end)).collect()
}

/// The path with `end` added to its name.
fn with_end(path: &Path, end: &str) -> Option<PathBuf> {
    let mut name: OsString = path.file_name()?.to_owned();
    name.push(end);
    Some(path.with_file_name(name))
}

fn document(path: &Path, bytes: Vec<u8>) -> Document {
    Document::new(sidecar::input_name(path), Location::Sidecar, bytes)
}

/// A file that may be absent. A folder or anything else that cannot be read is an error: it must not pass for absence.
fn read_beside(path: &Path) -> Result<Option<Document>, EnvironmentError> {
    match read_small(path, Limits::MAX_DOCUMENT) {
        Ok(bytes) => Ok(Some(document(path, bytes))),
        Err(EnvironmentError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Judges what was read.
fn assess(
    name: Vec<u8>,
    bytes: Vec<u8>,
    jws: Option<Document>,
    digests: Option<Document>,
    request: &Request,
    policy: &Policy,
) -> (Verification, Option<State>) {
    let sha256 = sha256(&bytes);
    let (list, mut checks) = kind::read(&name, &bytes);
    let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
    let signed = check_signature(jws.as_ref(), &name, &bytes, policy);
    let mut inventory = inventory_of(name.clone(), bytes);
    compare_digests(&mut inventory, &mut bundle, digests, &mut checks);
    let (read, outcome) = signed;
    checks.extend(outcome.checks);
    let mut proven = Vec::new();
    let mut by = Authentication::None;
    if let Some(document) = &jws {
        let index = bundle.claims.document(&document.name, Location::Sidecar, Role::Envelope);
        if let Some(proof) = &outcome.proof {
            by = proof.get().by;
            bundle.claims.state(&inventory, index, &name, Some(Digest::Sha256(proof.get().payload_sha256)), None);
            proven.push(index);
        }
    }
    bundle.claims.sort();
    let kid = read.as_ref().and_then(Jws::kid);
    if let Some(list) = &list {
        let signature_name = jws.as_ref().map_or(&b""[..], |document| &document.name);
        checks.extend(read.as_ref().and_then(|jws| revocation::key_ids(list, signature_name, jws.kid())));
        checks.push(window(list, &name, request, policy));
        checks.push(revocation::age(list, &name, policy));
        checks.push(revocation::sequence(list, &name, &sha256, &request.previous));
        let own = revocation::of_own_key(list, kid, &outcome.signers, policy);
        let warnings: Vec<String> = own.map(|own| own_key_warning(&own.id)).into_iter().collect();
        for warning in &warnings {
            checks.push(Check::skip(check::SIGNATURE_PURPOSE, signature_name, format!("warning: {warning}")));
        }
        let mut facts = kind::facts(&name, list, warnings);
        facts.items.extend(read.as_ref().map(|jws| ("signature form", form(jws))));
        bundle.facts.push(facts);
    }
    let required = required(policy, &request.previous);
    let established = established(outcome.proof.is_some(), policy, &request.previous, &checks);
    let verdict = judge(&required, &established, &checks);
    let authority = authority::spread(&inventory, &bundle.claims, &proven, &|_| false);
    let state = list.as_ref().filter(|_| verdict == Verdict::Verified).and_then(|list| State::of(list, sha256));
    let verification = Verification {
        reading: reading(inventory, bundle, list.as_ref()),
        authority,
        checks,
        signers: outcome.signers,
        authenticated_by: by,
        required,
        established,
        verdict,
        policy: None,
        waivers: policy.waivers.clone(),
    };
    (verification, state)
}

/// Whether the list is in force; where it need not be, only what its dates are.
fn window(list: &RevocationList, name: &[u8], request: &Request, policy: &Policy) -> Check {
    let row = revocation::window(list, name, policy.at);
    if request.in_force || !row.failed() {
        return row;
    }
    Check::skip(check::REVOCATION_WINDOW, name, format!("not required of a list that is replaced: {}", row.detail))
}

fn own_key_warning(id: &str) -> String {
    format!(
        "this list revokes the very key that signed it ({id}). Whoever stole that key could have made it. Ask the issuer, by \
         another way, which key signs from now on, and trust that one"
    )
}

/// The signature as it was read, and what came of it.
fn check_signature(
    document: Option<&Document>,
    list: &[u8],
    bytes: &[u8],
    policy: &Policy,
) -> (Option<Jws>, EnvelopeOutcome) {
    let alone = |check| (None, EnvelopeOutcome { checks: vec![check], signers: Vec::new(), proof: None });
    let Some(document) = document else {
        let expected = format!("{}.jws", String::from_utf8_lossy(list));
        let detail = format!("no signature was found: {expected} is not there; name another with --signature");
        return alone(Check::skip(check::JWS_SIGNATURE, list, detail));
    };
    match jws::parse(&document.bytes) {
        Ok(jws) => {
            let outcome = judge_signature(&jws, &document.name, bytes, policy);
            (Some(jws), outcome)
        }
        Err(error @ JwsError::NotJws) => alone(Check::skip(check::JWS_SIGNATURE, &document.name, error.to_string())),
        Err(error) => alone(Check::fail(check::JWS_SIGNATURE, &document.name, error.to_string())),
    }
}

fn judge_signature(jws: &Jws, name: &[u8], bytes: &[u8], policy: &Policy) -> EnvelopeOutcome {
    let only =
        |check: Check| EnvelopeOutcome { checks: vec![check.with("alg", jws.alg())], signers: Vec::new(), proof: None };
    // Whatever the keys: whoever can check a shared secret could forge the list.
    if jws.alg().to_ascii_uppercase().starts_with("HS") {
        let detail = format!(
            "expected a signature by a public key, found alg {}: a revocation list is never authenticated by a shared secret",
            jws.alg()
        );
        return only(Check::fail(check::JWS_SIGNATURE, name, detail));
    }
    let outcome = signature::verify(jws, name, bytes, policy);
    let is_unchecked = outcome.checks.iter().all(|check| check.status == Status::Skip);
    if is_unchecked && policy.keys.is_empty() {
        let detail = "no trusted key was given (--key); the signature was not checked";
        return only(Check::skip(check::JWS_SIGNATURE, name, detail));
    }
    outcome
}

/// How the signature is written. The documents know one way: detached, the payload not encoded.
fn form(jws: &Jws) -> String {
    let place = if jws.payload().is_some() { "attached payload" } else { "detached" };
    let encoding = if jws.b64() { "payload encoded (RFC 7515)" } else { "payload not encoded (RFC 7797)" };
    format!("{}, {place}, {encoding}", jws.alg())
}

/// What `NAME.sha256` says of the list.
fn compare_digests(inventory: &mut Inventory, bundle: &mut Bundle, digests: Option<Document>, checks: &mut Vec<Check>) {
    let Some(document) = digests else { return };
    let mut hasher = Hasher::new(true);
    inventory.documents.first().into_iter().for_each(|list| hasher.update(&list.bytes));
    inventory.outer = Some(hasher.finish());
    let name = inventory.name.clone();
    let index = bundle.claims.document(&document.name, Location::Sidecar, Role::List);
    for digest in lists::outer_statements(&document, &name).into_iter().flatten() {
        // SHA-512 of entries is not computed here; the check below compares it with the digest of the input.
        if let Digest::Sha256(_) = digest {
            bundle.claims.state(inventory, index, &name, Some(digest), None);
        }
    }
    inventory.documents.push(document);
    checks.extend(sidecar::checks(inventory, &[], false));
}

fn required(policy: &Policy, previous: &Previous) -> Vec<Property> {
    let mut required = vec![Property::Integrity, Property::Complete, Property::Signature];
    required.extend(policy.max_age.is_some().then_some(Property::Fresh));
    required.extend(previous.is_known().then_some(Property::Sequence));
    required
}

/// What holds. Without a good signature nothing does: a list that nobody signed establishes nothing about itself.
fn established(signed: bool, policy: &Policy, previous: &Previous, checks: &[Check]) -> BTreeSet<Property> {
    let mut established = BTreeSet::new();
    let passed = |kind| checks.iter().any(|check| check.kind == kind && check.status == Status::Pass);
    if !signed || checks.iter().any(Check::failed) {
        return established;
    }
    let ground = [check::DOCUMENT_JSON, check::REVOCATION_SCHEMA, check::REVOCATION_ORDER];
    if ground.into_iter().all(passed) {
        established.extend([Property::Integrity, Property::Complete, Property::Signature, Property::PublicKey]);
    }
    let fresh = policy.max_age.is_some() && passed(check::AGE) && passed(check::REVOCATION_WINDOW);
    established.extend(fresh.then_some(Property::Fresh));
    let follows = previous.is_known() && passed(check::REVOCATION_SEQUENCE);
    established.extend(follows.then_some(Property::Sequence));
    established
}

fn reading(inventory: Inventory, bundle: Bundle, list: Option<&RevocationList>) -> Reading {
    Reading::of_document(
        &RevocationBundle,
        list.and_then(|list| list.schema_version.clone()),
        "the verb takes one revocation list",
        inventory,
        bundle,
    )
}
