//! `provenance.json` of an export: an in-toto statement (or the older record) whose subjects include the manifest.

use super::layout;
use super::model::Facts;
use crate::format::digest::{self, Sha256Bytes, hex};
use crate::format::inventory::Document;
use crate::format::json;
use crate::trust::check::{self, Check};
use serde::Deserialize;
use serde_json::Value;

/// Most subjects that a fact names.
const SHOWN: usize = 8;

/// What the record says, as far as it is used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Provenance {
    #[serde(rename = "_type")]
    statement_type: Option<String>,
    predicate_type: Option<String>,
    /// One object or a list of them: both spellings of the field occur.
    #[serde(alias = "subjects")]
    subject: Option<Value>,
    #[serde(default)]
    predicate: Value,
}

struct Subject<'a> {
    name: &'a str,
    sha256: Option<Sha256Bytes>,
}

impl Provenance {
    /// Reads the document, which becomes a tree of values. The error is the failed check.
    pub(super) fn read(document: &Document) -> Result<Self, Box<Check>> {
        layout::read_within(document, json::SMALL)
    }

    /// One subject has the digest of the manifest; another subject by that name has no other one.
    pub(super) fn check(&self, name: &[u8], manifest: &str, sha256: &Sha256Bytes) -> Check {
        let subjects = self.subjects();
        let base = manifest.rsplit('/').next().unwrap_or(manifest);
        let is_manifest = |subject: &&Subject<'_>| subject.name.rsplit('/').next() == Some(base);
        let contradicts = subjects.iter().filter(is_manifest).find(|subject| subject.sha256.as_ref() != Some(sha256));
        if let Some(subject) = contradicts {
            let stated = subject.sha256.map_or("no SHA-256".into(), |found| format!("sha256:{}", hex(&found)));
            let detail = format!(
                "the subject {} has {stated}, {manifest} has sha256:{}: the record is that of another export",
                subject.name,
                hex(sha256)
            );
            return Check::fail(check::PROVENANCE_SUBJECT, name, detail);
        }
        match subjects.iter().find(|subject| subject.sha256.as_ref() == Some(sha256)) {
            Some(subject) => {
                let detail = format!("its subject {} is {manifest}, by digest", subject.name);
                Check::pass(check::PROVENANCE_SUBJECT, name, detail)
            }
            None => {
                let detail = format!(
                    "expected a subject with the digest of {manifest} (sha256:{}), found {} subjects without it",
                    hex(sha256),
                    subjects.len()
                );
                Check::fail(check::PROVENANCE_SUBJECT, name, detail)
            }
        }
    }

    fn subjects(&self) -> Vec<Subject<'_>> {
        let list = match &self.subject {
            Some(Value::Array(list)) => list.as_slice(),
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            _ => &[],
        };
        list.iter().map(Subject::of).collect()
    }

    pub(super) fn facts(&self, document: &Document) -> Facts {
        let subjects: Vec<&str> = self.subjects().iter().take(SHOWN).map(|subject| subject.name).collect();
        let mut items = vec![("subjects", subjects.join(", "))];
        items.extend(self.statement_type.iter().map(|text| ("statement type", text.clone())));
        items.extend(self.predicate_type.iter().map(|text| ("predicate type", text.clone())));
        let builder = self.predicate.pointer("/runDetails/builder/id").and_then(Value::as_str);
        items.extend(builder.map(|id| ("builder", id.to_string())));
        Facts { document: document.name.clone(), items }
    }
}

impl<'a> Subject<'a> {
    fn of(value: &'a Value) -> Self {
        let name = value.get("name").or_else(|| value.get("path")).and_then(Value::as_str);
        let digest = value.get("digest");
        let stated = digest.and_then(|digest| digest.as_str().or_else(|| digest.get("sha256")?.as_str()));
        Subject { name: name.unwrap_or("(unnamed)"), sha256: stated.and_then(|text| digest::parse_sha256(text).ok()) }
    }
}
