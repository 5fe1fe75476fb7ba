//! In-toto statements beside the input and among its entries: which documents those are, and what is read of them before
//! anybody is asked whom he trusts.

use super::scan::SubjectDigest;
use super::sidecar::Unread;
use crate::bundle::model::Bundle;
use crate::bundle::statement::facts;
use crate::format::digest::hex;
use crate::format::dsse::{self, Envelope};
use crate::format::intoto::{self, Statement, Subject};
use crate::format::inventory::{Document, Inventory, Location};
use crate::trust::check::{self, Check};
use crate::trust::statement::{self, About};
use serde::de::IgnoredAny;

/// Statements of one input: each costs public-key operations. A release has one for each of its platforms and reports.
pub const MAX_STATEMENTS: usize = 64;

/// Lines of statement files that are no envelopes, and are told one by one. They take no statement's place.
pub const MAX_STRAY_LINES: usize = 64;

/// Bytes of a key id in a statement file that is evidence: digests and the names of keys are shorter.
const MAX_BARE_KEYID: usize = 128;

/// How the names of statements end.
const ENDS: [&[u8]; 2] = [b".intoto.jsonl", b".intoto.json"];

/// Names under which kinds read envelopes of their own.
const OF_KINDS: [&[u8]; 5] =
    [b"manifest.dsse.json", b".manifest.dsse.json", b"bundle.dsse.json", b"mirror.dsse.json", b"signature.json"];

/// A statement in its envelope. Untrusted.
#[derive(Debug)]
pub struct SignedStatement {
    /// The document that holds it, which may hold others.
    pub name: Vec<u8>,
    /// Where that lies.
    pub location: Location,
    /// Its place in the document, from 1; 0 where it is the only one.
    pub line: usize,
    /// Whether the operator named the document.
    pub named: bool,
    /// The envelope, or why there is none.
    pub envelope: Result<Envelope, String>,
    /// The statement; none where it is none.
    pub statement: Option<Statement>,
    /// The row that says what it is.
    pub row: Check,
    /// Whether the document was read whole, and has nothing here besides the members that an envelope needs.
    pub pure: bool,
}

impl SignedStatement {
    /// Adds to a row where the statement stands; a file that the operator named has to be of use.
    pub(super) fn place(&self, row: Check, proven: bool) -> Check {
        let row = if self.line > 0 { row.with("line", self.line.to_string()) } else { row };
        let open = self.named && !proven && row.status == check::Status::Skip;
        if open { row.with("named", "true") } else { row }
    }
}

/// Whether the document is read as statements, and not by a kind.
pub(super) fn is_statement(document: &Document) -> bool {
    if ENDS.iter().any(|end| document.name.ends_with(end)) {
        return true;
    }
    let may_be = document.envelope && !OF_KINDS.iter().any(|name| document.name.ends_with(name));
    may_be && payload_type(&document.bytes).is_some_and(|found| found == intoto::PAYLOAD_TYPE)
}

/// The payload type of an untrusted envelope, without a look at the rest of it.
fn payload_type(untrusted: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Probe {
        #[serde(rename = "payloadType")]
        payload_type: Option<String>,
    }
    serde_json::from_slice::<Probe>(untrusted).ok()?.payload_type
}

/// Which digests of the input the statements in a document may be about.
pub(super) fn subject_digest(document: &Document) -> SubjectDigest {
    let read = |(line, text)| read(document, line, text);
    let envelopes = lines(document).into_iter().map(read).filter(|found| found.envelope.is_ok());
    let stated = envelopes.take(MAX_STATEMENTS).filter_map(|found| found.statement);
    let sha512 = stated.flat_map(|found| found.subjects).any(|subject| subject.sha512.is_some());
    if sha512 { SubjectDigest::Sha512Too } else { SubjectDigest::Sha256 }
}

/// Takes the documents that are statements out of those that kinds read.
pub(super) fn set_apart(inventory: &mut Inventory) -> Vec<Document> {
    let (apart, rest) = std::mem::take(&mut inventory.documents).into_iter().partition(is_statement);
    inventory.documents = rest;
    apart
}

/// Reads the statements in `documents`, and tells in `bundle` what they say. Takes them from `unread`.
pub(super) fn collect(
    mut documents: Vec<Document>,
    bundle: &mut Bundle,
    unread: &mut Vec<Unread>,
    checks: &mut Vec<Check>,
) -> Vec<SignedStatement> {
    // The input must not be able to use up the limit before what the operator gave is read.
    documents.sort_by_key(|document| (document.location != Location::Sidecar, !document.named));
    let mut found = Vec::new();
    let (mut envelopes, mut strays, mut more, mut outside) = (0usize, 0usize, 0usize, false);
    for document in &documents {
        let (start, left_out) = (found.len(), more);
        let beside = document.location == Location::Sidecar;
        unread.retain(|file| file.too_large || !beside || file.name != document.name);
        for (line, text) in lines(document) {
            let read = read(document, line, text);
            let (count, limit) =
                if read.envelope.is_ok() { (&mut envelopes, MAX_STATEMENTS) } else { (&mut strays, MAX_STRAY_LINES) };
            if *count >= limit {
                more += 1;
                continue;
            }
            *count += 1;
            if let Some(statement) = &read.statement {
                bundle.facts.push(facts(&read.name, statement));
            }
            found.push(read);
        }
        if more > left_out {
            outside |= beside || document.named;
            found.iter_mut().skip(start).for_each(|statement: &mut SignedStatement| statement.pure = false);
        }
    }
    if more > 0 {
        let detail = format!(
            "the input has {more} lines of statements more than the limit of {MAX_STATEMENTS} envelopes and \
             {MAX_STRAY_LINES} other lines; they were not read"
        );
        let row = Check::skip(check::INTOTO_STATEMENT, "", detail);
        checks.push(if outside { row.with("named", "true") } else { row });
    }
    found
}

/// The envelopes in a document: one, or one a line.
fn lines(document: &Document) -> Vec<(usize, &[u8])> {
    if !document.name.ends_with(b".jsonl") {
        return vec![(0, &document.bytes)];
    }
    let lines = document.bytes.split(|byte| *byte == b'\n').enumerate();
    let filled: Vec<(usize, &[u8])> =
        lines.filter(|(_, text)| !text.trim_ascii().is_empty()).map(|(at, text)| (at + 1, text)).collect();
    match filled[..] {
        // A document without any line is one that says nothing.
        [] => vec![(0, &document.bytes)],
        [(_, only)] => vec![(0, only)],
        _ => filled,
    }
}

/// What the subjects of a statement are, among what is here.
pub(super) fn subject_row(
    found: &SignedStatement,
    statement: &Statement,
    about: &About,
    inventory: &Inventory,
) -> Option<Check> {
    let kind = check::INTOTO_SUBJECT;
    let count = statement.subjects.len();
    Some(match about {
        About::Input(index) => {
            let subject = statement.subjects.get(*index).map(Subject::describe).unwrap_or_default();
            Check::pass(kind, &found.name, format!("its subject {subject} is the input file, by digest"))
        }
        About::Entries(pairs) => {
            let detail = format!("{} of {count} subjects are entries, by path and digest together", pairs.len());
            Check::pass(kind, &found.name, detail)
        }
        About::Contradiction(why) => {
            let detail = format!(
                "{why}: it was signed for another input, or the content was changed after signing; nothing of it is used"
            );
            Check::fail(kind, &found.name, detail)
        }
        About::Nothing if found.location != Location::Sidecar => {
            let detail = format!("none of its {count} subjects is here: {}", statement::named(&statement.subjects));
            Check::skip(kind, &found.name, detail)
        }
        About::Nothing => {
            let expected = match &inventory.outer {
                Some(outer) if !inventory.container.contains(&"directory") => {
                    format!("a subject with the digest of the input, sha256:{}, or subjects", hex(&outer.sha256))
                }
                _ => "subjects".to_string(),
            };
            let detail = format!(
                "expected {expected} that name entries by path and digest, found {}: it is about something else",
                statement::named(&statement.subjects)
            );
            Check::fail(kind, &found.name, detail).with("subjects", count.to_string())
        }
    })
}

/// Whether the text of an untrusted envelope is nothing but one: every further member, and words for a key id, would be
/// bytes that nobody signed.
fn is_bare(untrusted: &[u8], envelope: &Envelope) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "the names are what is compared")]
    struct Bare {
        #[serde(rename = "payloadType")]
        payload_type: IgnoredAny,
        payload: IgnoredAny,
        signatures: Vec<BareSignature>,
    }
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "the names are what is compared")]
    struct BareSignature {
        #[serde(default)]
        keyid: IgnoredAny,
        sig: IgnoredAny,
    }
    let is_id = |id: &String| {
        id.len() <= MAX_BARE_KEYID && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-./:=@_".contains(&byte))
    };
    let ids = envelope.signatures().iter().all(|signature| signature.keyid.as_ref().is_none_or(is_id));
    ids && serde_json::from_slice::<Bare>(untrusted).is_ok()
}

fn read(document: &Document, line: usize, untrusted: &[u8]) -> SignedStatement {
    let name = document.name.clone();
    let (envelope, statement, row) = match dsse::parse(untrusted) {
        Ok(parsed) => {
            let (statement, row) = statement::read(&parsed.envelope, &name);
            (Ok(parsed.envelope), statement, row)
        }
        Err(error) => {
            let detail = format!("expected a DSSE envelope around an in-toto statement, found: {error}");
            (Err(error.to_string()), None, Check::fail(check::INTOTO_STATEMENT, &name, detail))
        }
    };
    let row = if line > 0 { row.with("line", line.to_string()) } else { row };
    let (location, named) = (document.location, document.named);
    let pure = envelope.as_ref().is_ok_and(|envelope| is_bare(untrusted, envelope));
    SignedStatement { name, location, line, named, envelope, statement, row, pure }
}
