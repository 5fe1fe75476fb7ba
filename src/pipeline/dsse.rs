//! `dsse verify`: one envelope from a file, its signatures, and its payload for whoever may have it.

use super::error::EnvironmentError;
use super::inspect::Reading;
use super::source::read_small;
use super::verify::Verification;
use crate::bundle::dsse_envelope::DsseEnvelope;
use crate::bundle::kind::Kind as _;
use crate::format::digest::{Digests, hex, sha256};
use crate::format::dsse::Envelope;
use crate::format::intoto;
use crate::format::inventory::{Document, EntryKind, Inventory, Location, Observed};
use crate::format::limits::Limits;
use crate::trust::authority::{Authority, Standing};
use crate::trust::check::{self, Check};
use crate::trust::envelope::{self, Authentication};
use crate::trust::policy::{Policy, Property};
use crate::trust::statement;
use crate::trust::verdict::{Verdict, judge};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

/// Verifies the envelope in the file `input` (`-`: standard input).
///
/// Returns the verification and, only where it succeeded, the authenticated payload.
pub fn verify(input: &Path, policy: &Policy) -> Result<(Verification, Option<Vec<u8>>), EnvironmentError> {
    let bytes = if input.as_os_str() == "-" { read_stdin()? } else { read_small(input, Limits::MAX_DOCUMENT)? };
    let name = input.file_name().map_or(b"envelope".to_vec(), |name| name.as_encoded_bytes().to_vec());
    let policy = &policy.for_kind(DsseEnvelope.id());
    let mut inventory = inventory_of(name, bytes);
    let mut bundle = DsseEnvelope.interpret(&mut inventory);
    let mut checks = std::mem::take(&mut bundle.checks);
    let (mut signers, mut by, mut payload) = (Vec::new(), Authentication::None, None);
    let mut established = BTreeSet::new();
    for document in &bundle.signed {
        let outcome = envelope::verify(&document.parsed.envelope, &document.name, document.payload_types, policy);
        checks.extend(outcome.checks);
        checks.extend(statement_rows(&document.parsed.envelope, &document.name, policy));
        let digest = sha256(document.parsed.envelope.payload());
        if let Some(why) = policy.keys.revocations().find_map(|list| list.content(&digest)) {
            let detail = format!("the payload, sha256:{}: {why}", hex(&digest));
            checks.push(Check::fail(check::CONTENT_REVOKED, &document.name, detail));
        }
        if let Some(proof) = outcome.proof {
            by = proof.get().by;
            signers = outcome.signers;
            payload = Some(document.parsed.envelope.payload().to_vec());
            // The payload lies inside the envelope: its integrity is the signature's, and there is nothing else to miss.
            established.extend([Property::Integrity, Property::Complete, Property::Signature]);
            established.extend((by == Authentication::PublicKey).then_some(Property::PublicKey));
        }
    }
    let mut required = policy.demanded();
    required.push(Property::Signature);
    required.extend(policy.max_age.map(|_| Property::Fresh));
    required.sort();
    required.dedup();
    if required.contains(&Property::Fresh) {
        checks.push(Check::skip(
            check::AGE,
            "",
            "freshness is required, and an envelope by itself does not say its age",
        ));
    }
    let verdict = judge(&required, &established, &checks);
    let reading = Reading::of_document(&DsseEnvelope, None, "the verb takes one DSSE envelope", inventory, bundle);
    let authority = Authority { standings: vec![Standing::Evidence], trusted: Vec::new(), pinned_by: Vec::new() };
    let waivers = policy.waivers.clone();
    let verification = Verification {
        reading,
        authority,
        checks,
        signers,
        authenticated_by: by,
        required,
        established,
        verdict,
        waivers,
        policy: policy.record().cloned(),
    };
    Ok((verification, payload.filter(|_| verdict == Verdict::Verified)))
}

/// Rows about the statement that an envelope of that payload type has to hold, and about what is demanded of it.
fn statement_rows(untrusted: &Envelope, name: &[u8], policy: &Policy) -> Vec<Check> {
    if untrusted.payload_type() != intoto::PAYLOAD_TYPE {
        let found = format!("a payload of the type {}", untrusted.payload_type());
        return policy.statement.no_statement(name, &found).into_iter().collect();
    }
    if let Some(kind) = intoto::older_metadata(untrusted.payload()) {
        let found = format!("in-toto metadata of the type {kind}, as it was before there were statements");
        let demanded = policy.statement.no_statement(name, &found);
        return vec![
            demanded.unwrap_or_else(|| Check::skip(check::INTOTO_STATEMENT, name, format!("{found}: not read"))),
        ];
    }
    let (found, row) = statement::read(untrusted, name);
    let demanded = found.map_or(Vec::new(), |found| {
        let mut rows = policy.statement.rows(name, &found);
        if let Some(wanted) = policy.statement.subject.as_ref().filter(|_| !rows.iter().any(Check::failed)) {
            rows.push(Check::pass(check::INTOTO_SUBJECT, name, format!("{} is a subject", wanted.words())));
        }
        rows
    });
    [row].into_iter().chain(demanded).collect()
}

/// Standard input as one document.
pub(super) fn read_stdin() -> Result<Vec<u8>, EnvironmentError> {
    let mut bytes = Vec::new();
    let limit = Limits::MAX_DOCUMENT;
    std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes).map_err(|e| EnvironmentError::read("-", e))?;
    if bytes.len() as u64 > limit {
        return Err(EnvironmentError::read(
            "-",
            std::io::Error::other(format!("larger than the limit of {limit} bytes")),
        ));
    }
    Ok(bytes)
}

/// The inventory of an input that is one file, which is kept as a document.
pub(super) fn inventory_of(name: Vec<u8>, bytes: Vec<u8>) -> Inventory {
    let digest = sha256(&bytes);
    let entry = Observed {
        path: name.clone().into(),
        size: bytes.len() as u64,
        mtime: 0,
        sha256: digest,
        mode: 0o644,
        kind: EntryKind::File,
        hashed: true,
        owned: false,
    };
    Inventory {
        name: name.clone(),
        outer_size: Some(entry.size),
        outer: Some(Digests { sha256: digest, sha512: None }),
        container: vec!["file"],
        entries: vec![entry],
        documents: vec![Document::new(name, Location::Entry(0), bytes)],
        ..Inventory::default()
    }
}
