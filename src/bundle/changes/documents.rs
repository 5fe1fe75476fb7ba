//! Documents of records: advisories, VEX statements and findings in JSON lines, components of SBOMs, operations of an
//! OpenAPI document, revocations. Each becomes a table of rows by id, and two tables are compared.

use crate::format::digest::{Sha256Bytes, sha256};
use crate::format::path::lossless;
use crate::format::revocation::RevocationList;
use crate::format::time::format_rfc3339;
use crate::format::trivy_db::compare::{Capped, Fate};
use crate::format::{json, records, revocation, yaml};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Largest file of JSON lines that is compared record by record, in decoded bytes: it is held while it is read.
pub const MAX_LINES: u64 = 64 << 20;
/// Largest JSON or YAML document that is compared by its parts, in bytes: as values it takes ten times as much.
pub const MAX_VALUE: u64 = 8 << 20;
/// Rows of all tables of one side together: a table is held until its partner was read, at some 200 bytes a row.
pub const MAX_ROWS: usize = 1 << 18;
/// Documents that are compared by their records; the others are compared by their bytes alone.
pub const MAX_DOCUMENTS: usize = 256;
/// Rows that are listed over all documents; the rest is counted.
pub const MAX_LISTED: usize = 5000;
/// Bytes of an id, status or version that are kept.
pub const MAX_TEXT: usize = 256;
/// Pairs of old and new status, and of severity, that are counted one by one for each document.
pub const MAX_STEPS: usize = 64;

/// What the rows of a document are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// Advisories in JSON lines.
    Advisories,
    /// VEX statements in JSON lines.
    Vex,
    /// Findings in JSON lines.
    Findings,
    /// Other records in JSON lines.
    Records,
    /// Components of an SBOM, by name, with their versions.
    Components,
    /// Operations and components of an OpenAPI document.
    Operations,
    /// Entries of a revocation list.
    Revocations,
}

impl Sort {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Advisories => "advisories",
            Sort::Vex => "vex",
            Sort::Findings => "findings",
            Sort::Records => "records",
            Sort::Components => "components",
            Sort::Operations => "operations",
            Sort::Revocations => "revocations",
        }
    }

    /// Of a file of JSON lines, by its untrusted path.
    fn of_lines(path: &[u8]) -> Sort {
        let path = lossless(path).to_ascii_lowercase();
        match () {
            () if path.contains("vex") => Sort::Vex,
            () if path.contains("advisor") => Sort::Advisories,
            () if path.contains("finding") || path.contains("evaluation") => Sort::Findings,
            () => Sort::Records,
        }
    }
}

/// How a file that may hold records is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON lines; compressed with zstd where `true`.
    Lines(bool),
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
}

impl Form {
    /// The form of the file at `path`, of `size` bytes, by its name; `None` where it is not one that is compared.
    pub fn of(path: &[u8], size: u64) -> Option<Form> {
        let ends =
            |end: &[u8]| path.len().checked_sub(end.len()).is_some_and(|start| path[start..].eq_ignore_ascii_case(end));
        if records::is_record_file(path) {
            return (size <= MAX_LINES).then_some(Form::Lines(ends(b".zst")));
        }
        match () {
            () if size > MAX_VALUE => None,
            () if ends(b".json") => Some(Form::Json),
            () if ends(b".yaml") || ends(b".yml") => Some(Form::Yaml),
            () => None,
        }
    }
}

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Row {
    /// Status, version or date: what is shown of a change.
    text: BTreeSet<String>,
    /// How bad, where the record says so.
    severity: Option<String>,
    /// SHA-256 of what it says, keys in byte order.
    digest: Sha256Bytes,
}

/// A document as rows by id. Untrusted, all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What the rows are.
    pub sort: Sort,
    rows: BTreeMap<String, Row>,
    /// Lines or parts that could not be read.
    malformed: u64,
}

impl Table {
    /// Reads an untrusted document at `path`; `None` where it is none whose parts are known, or has more than `room` rows.
    pub fn read(path: &[u8], form: Form, untrusted: &[u8], room: usize) -> Option<Table> {
        let table = match form {
            Form::Lines(_) => Table::of_lines(path, untrusted, room)?,
            Form::Json => Table::of_value(&json::parse(untrusted).ok()?, untrusted)?,
            Form::Yaml => Table::of_value(&yaml::parse(untrusted).ok()?, untrusted)?,
        };
        (table.len() <= room).then_some(table)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn new(sort: Sort) -> Table {
        Table { sort, rows: BTreeMap::new(), malformed: 0 }
    }

    /// Adds a row; what has the same id is one row, which says all of it.
    fn add(&mut self, id: &str, text: Option<&str>, severity: Option<&str>, says: &Value) {
        let row = self.rows.entry(kept(id)).or_default();
        row.text.extend(text.map(kept));
        row.severity = severity.map(kept).or(row.severity.take());
        let said = serde_json::to_vec(says).unwrap_or_default();
        row.digest = sha256(&[&row.digest[..], &sha256(&said)].concat());
    }

    fn of_lines(path: &[u8], untrusted: &[u8], room: usize) -> Option<Table> {
        let mut table = Table::new(Sort::of_lines(path));
        for line in untrusted.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            match json::parse::<Value>(line) {
                Ok(record @ Value::Object(_)) => {
                    let digest;
                    let id = match id_of(&record) {
                        Some(id) => id,
                        None => {
                            digest = sha256(&serde_json::to_vec(&record).unwrap_or_default());
                            format!("sha256:{}", crate::format::digest::hex(&digest))
                        }
                    };
                    let status = record.get("status").and_then(Value::as_str);
                    table.add(&id, status, severity_of(&record), &record);
                }
                _ => table.malformed += 1,
            }
            if table.len() > room {
                return None;
            }
        }
        Some(table)
    }

    fn of_value(value: &Value, untrusted: &[u8]) -> Option<Table> {
        let members = value.as_object()?;
        if members.contains_key("bomFormat") {
            let mut table = Table::new(Sort::Components);
            table.components(value);
            return Some(table);
        }
        if members.contains_key("spdxVersion") {
            let mut table = Table::new(Sort::Components);
            for package in items(value, "packages") {
                match text(package, "name") {
                    Some(name) => table.add(name, text(package, "versionInfo"), None, package),
                    None => table.malformed += 1,
                }
            }
            return Some(table);
        }
        if members.contains_key("openapi") || members.contains_key("swagger") {
            return Some(Table::of_operations(value));
        }
        if members.contains_key("revocations") && members.contains_key("issuer") {
            return revocation::parse(untrusted).ok().map(|list| Table::of_revocations(&list));
        }
        None
    }

    /// The revocations of an untrusted list, by what is revoked.
    pub fn of_revocations(untrusted: &RevocationList) -> Table {
        let mut table = Table::new(Sort::Revocations);
        for revoked in &untrusted.revocations {
            let id = format!("{} {}", revoked.category.name(), revoked.id);
            table.add(&id, Some(&format_rfc3339(revoked.revoked_at)), None, &Value::String(format!("{revoked:?}")));
        }
        table.malformed = untrusted.faults.count as u64;
        table
    }

    /// Components of CycloneDX, those inside others too: JSON has a limited depth.
    fn components(&mut self, holder: &Value) {
        for component in items(holder, "components") {
            let name = text(component, "name");
            let group = text(component, "group").filter(|group| !group.is_empty());
            // A package URL names the same component in any tool's words; its version comes after the last @.
            let purl = text(component, "purl").map(|purl| purl.split(['?', '#']).next().unwrap_or(purl));
            let id = match (purl, name) {
                (Some(purl), _) => Some(purl.rsplit_once('@').map_or(purl, |(name, _)| name).to_string()),
                (None, Some(name)) => Some(group.map_or(name.to_string(), |group| format!("{group}/{name}"))),
                (None, None) => None,
            };
            match id {
                Some(id) => self.add(&id, text(component, "version"), None, component),
                None => self.malformed += 1,
            }
            self.components(component);
        }
    }

    fn of_operations(value: &Value) -> Table {
        const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
        let mut table = Table::new(Sort::Operations);
        for (path, item) in value.get("paths").and_then(Value::as_object).into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if METHODS.contains(&method.as_str()) {
                    table.add(&format!("{} {path}", method.to_ascii_uppercase()), None, None, operation);
                } else {
                    table.add(&format!("{path} {method}"), None, None, operation);
                }
            }
        }
        // What operations refer to, so that a change there is seen.
        for (sort, named) in value.get("components").and_then(Value::as_object).into_iter().flatten() {
            for (name, component) in named.as_object().into_iter().flatten() {
                table.add(&format!("components/{sort}/{name}"), None, None, component);
            }
        }
        table
    }
}

/// The id of a record in JSON lines: its own, or that of what it is about, with the product where it names one.
fn id_of(record: &Value) -> Option<String> {
    const OWN: [&str; 10] = [
        "id",
        "@id",
        "advisoryKey",
        "advisory_key",
        "statementId",
        "statement_id",
        "findingId",
        "finding_id",
        "finding",
        "key",
    ];
    const ABOUT: [&str; 5] = ["vulnerabilityId", "vulnerability_id", "vulnerability", "vuln", "cve"];
    const PRODUCT: [&str; 6] = ["productKey", "product_key", "product", "purl", "component", "subject"];
    let named = |names: &[&str]| names.iter().find_map(|name| word(record.get(*name)?));
    if let Some(own) = named(&OWN) {
        return Some(own);
    }
    let about = named(&ABOUT)?;
    Some(named(&PRODUCT).map_or(about.clone(), |product| format!("{about} {product}")))
}

/// A name: text, a number, or an object that has one.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(_) => ["name", "id", "@id"].iter().find_map(|name| text(value, name)).map(String::from),
        _ => None,
    }
}

fn severity_of(record: &Value) -> Option<&str> {
    match record.get("severity")? {
        Value::String(text) => Some(text),
        nested => ["level", "label", "name", "normalized"].iter().find_map(|name| text(nested, name)),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn kept(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    // What is cut still has to differ where the whole differs.
    let digest = crate::format::digest::hex(&sha256(text.as_bytes()));
    format!("{}… (sha256:{digest})", &text[..text.floor_char_boundary(MAX_TEXT)])
}

/// A row that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// What happened.
    pub fate: Fate,
    /// Its id.
    pub id: String,
    /// Status, version or date before.
    pub old: Option<String>,
    /// Status, version or date now.
    pub new: Option<String>,
}

/// What is different in one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentChange {
    /// Its path.
    pub path: Vec<u8>,
    /// What its rows are.
    pub sort: Sort,
    /// Rows that are new.
    pub added: u64,
    /// Rows that are gone.
    pub removed: u64,
    /// Rows that say something else.
    pub changed: u64,
    /// Rows that say the same.
    pub unchanged: u64,
    /// From which status to which, and how many.
    pub statuses: BTreeMap<(String, String), u64>,
    /// From which severity to which, and how many.
    pub severities: BTreeMap<(String, String), u64>,
    /// Rows that are different: those with another status or version first.
    pub listed: Capped<RowChange>,
    /// Lines or parts that could not be read, on both sides.
    pub malformed: u64,
}

impl DocumentChange {
    /// Compares two tables; one of them may be lacking. `room` is for how many rows the list has place.
    pub fn compare(path: &[u8], old: Option<&Table>, new: Option<&Table>, room: usize) -> Option<DocumentChange> {
        let sort = new.or(old)?.sort;
        let empty = BTreeMap::new();
        let (before, after) = (old.map_or(&empty, |t| &t.rows), new.map_or(&empty, |t| &t.rows));
        let malformed = [old, new].into_iter().flatten().map(|table| table.malformed).sum();
        let mut change = DocumentChange {
            path: path.to_vec(),
            sort,
            added: 0,
            removed: 0,
            changed: 0,
            unchanged: 0,
            statuses: BTreeMap::new(),
            severities: BTreeMap::new(),
            listed: Capped::default(),
            malformed,
        };
        let mut found = Vec::new();
        for (id, row) in before {
            match after.get(id) {
                None => found.push((true, change.row(id, Some(row), None))),
                Some(other) if other == row => change.unchanged += 1,
                Some(other) => found.push((row.text != other.text, change.row(id, Some(row), Some(other)))),
            }
        }
        for (id, row) in after.iter().filter(|(id, _)| !before.contains_key(*id)) {
            found.push((true, change.row(id, None, Some(row))));
        }
        found.sort_by(|(a_tells, a), (b_tells, b)| (!a_tells, &a.id).cmp(&(!b_tells, &b.id)));
        for (_, row) in found {
            change.listed.push(row, room);
        }
        Some(change)
    }

    fn row(&mut self, id: &str, old: Option<&Row>, new: Option<&Row>) -> RowChange {
        let shown = |row: Option<&Row>| {
            let words: Vec<&str> = row?.text.iter().map(String::as_str).collect();
            (!words.is_empty()).then(|| kept(&words.join(", ")))
        };
        let (before, after) = (shown(old), shown(new));
        let fate = match (old, new) {
            (None, _) => Fate::Added,
            (_, None) => Fate::Removed,
            _ => Fate::Changed,
        };
        *match fate {
            Fate::Added => &mut self.added,
            Fate::Removed => &mut self.removed,
            Fate::Changed => &mut self.changed,
        } += 1;
        if let (Fate::Changed, Some(old), Some(new)) = (fate, old, new) {
            let none = || "none".to_string();
            if matches!(self.sort, Sort::Advisories | Sort::Vex | Sort::Findings | Sort::Records) && before != after {
                let step = (before.clone().unwrap_or_else(none), after.clone().unwrap_or_else(none));
                count(&mut self.statuses, step);
            }
            if old.severity != new.severity {
                let step = (old.severity.clone().unwrap_or_else(none), new.severity.clone().unwrap_or_else(none));
                count(&mut self.severities, step);
            }
        }
        RowChange { fate, id: id.to_string(), old: before, new: after }
    }
}

fn count(steps: &mut BTreeMap<(String, String), u64>, step: (String, String)) {
    let known = steps.len() < MAX_STEPS || steps.contains_key(&step);
    let step = if known { step } else { ("other".into(), "other".into()) };
    *steps.entry(step).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(path: &str, text: &str) -> Table {
        Table::read(path.as_bytes(), Form::of(path.as_bytes(), 1).unwrap(), text.as_bytes(), 100).unwrap()
    }

    fn compare(path: &str, old: &str, new: &str) -> DocumentChange {
        DocumentChange::compare(path.as_bytes(), Some(&table(path, old)), Some(&table(path, new)), 100).unwrap()
    }

    fn rows(change: &DocumentChange) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        change
            .listed
            .items
            .iter()
            .map(|r| format!("{} {} {}>{}", r.fate.name(), r.id, text(&r.old), text(&r.new)))
            .collect()
    }

    #[test]
    fn statements_are_compared_by_id_and_steps_of_status_are_counted() {
        let old = "{\"id\":\"1\",\"status\":\"affected\"}\n{\"vuln\":\"C\",\"product\":\"p\",\"x\":1}\n{\"id\":2,\"a\":1,\"b\":2}\n";
        let new = "\n{\"b\":2,\"a\":1,\"id\":2}\n{\"id\":\"1\",\"status\":\"fixed\"}\n{\"id\":\"3\"}\nnonsense\n";
        let change = compare("data/vex.jsonl", old, new);
        assert_eq!(rows(&change), ["changed 1 affected>fixed", "added 3 >", "removed C p >"]);
        assert_eq!(change.statuses, BTreeMap::from([(("affected".into(), "fixed".into()), 1)]));
        assert_eq!((change.unchanged, change.malformed, change.sort), (1, 1, Sort::Vex));
    }

    #[test]
    fn severities_are_counted_whatever_their_form() {
        let change = compare(
            "advisories.ndjson",
            r#"{"advisoryKey":"a","severity":"low"}"#,
            r#"{"advisoryKey":"a","severity":{"level":"high"}}"#,
        );
        assert_eq!(change.severities, BTreeMap::from([(("low".into(), "high".into()), 1)]));
    }

    #[test]
    fn components_are_compared_by_name_and_version() {
        let old = r#"{"bomFormat":"CycloneDX","components":[{"name":"a","version":"1","purl":"pkg:npm/a@1"},
            {"name":"b","version":"1","components":[{"name":"c","group":"g","version":"9"}]}]}"#;
        let new = r#"{"bomFormat":"CycloneDX","components":[{"name":"a","version":"2","purl":"pkg:npm/a@2"}]}"#;
        let change = compare("x.cdx.json", old, new);
        assert_eq!(rows(&change), ["removed b 1>", "removed g/c 9>", "changed pkg:npm/a 1>2"]);
        let old =
            r#"{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","versionInfo":"1"},{"name":"a","versionInfo":"2"}]}"#;
        let new = r#"{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","versionInfo":"2"}]}"#;
        assert_eq!(rows(&compare("x.spdx.json", old, new)), ["changed a 1, 2>2"]);
    }

    #[test]
    fn operations_are_compared_by_method_and_path() {
        let old = "openapi: 3.1.0\npaths:\n  /a:\n    get: {summary: x}\n    post: {}\n";
        let new = "openapi: 3.1.0\npaths:\n  /a:\n    get: {summary: y}\n  /b:\n    delete: {}\n";
        let change = compare("specs/gateway.yaml", old, new);
        assert_eq!(rows(&change), ["added DELETE /b >", "removed POST /a >", "changed GET /a >"]);
    }

    #[test]
    fn what_is_no_document_of_records_is_left_alone() {
        assert_eq!(Table::read(b"a.json", Form::Json, b"{\"x\":1}", 9), None);
        assert_eq!(Table::read(b"a.jsonl", Form::Lines(false), b"{\"id\":1}\n{\"id\":2}", 1), None);
        assert_eq!((Form::of(b"a.txt", 1), Form::of(b"a.json", MAX_VALUE + 1)), (None, None));
    }
}
