//! In-toto statements beside the input and among its entries: which documents those are, and what is read of them before
//! anybody is asked whom he trusts.

use super::scan::SubjectDigest;
use super::sidecar::Unread;
use crate::bundle::model::Bundle;
use crate::bundle::statement::facts;
use crate::format::dsse::{self, Envelope};
use crate::format::intoto::{self, Statement};
use crate::format::inventory::{Document, Inventory, Location};
use crate::trust::check::{self, Check};
use crate::trust::statement;

/// Statements of one input: each costs public-key operations. A release has one for each of its platforms and reports.
pub const MAX_STATEMENTS: usize = 64;

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
    let read = |(line, text)| read(document, line, text).statement;
    let stated = lines(document).into_iter().take(MAX_STATEMENTS).filter_map(read);
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
    documents: Vec<Document>,
    bundle: &mut Bundle,
    unread: &mut Vec<Unread>,
    checks: &mut Vec<Check>,
) -> Vec<SignedStatement> {
    let mut found = Vec::new();
    let mut more = 0usize;
    for document in &documents {
        unread.retain(|file| file.too_large || file.name != document.name);
        for (line, text) in lines(document) {
            if found.len() >= MAX_STATEMENTS {
                more += 1;
                continue;
            }
            let read = read(document, line, text);
            if let Some(statement) = &read.statement {
                bundle.facts.push(facts(&read.name, statement));
            }
            found.push(read);
        }
    }
    if more > 0 {
        let detail =
            format!("the input has {more} statements more than the limit of {MAX_STATEMENTS}; they were not read");
        checks.push(Check::skip(check::INTOTO_STATEMENT, "", detail));
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
    SignedStatement { name, location, line, named, envelope, statement, row }
}
