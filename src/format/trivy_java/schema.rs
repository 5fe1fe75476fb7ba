//! The schema of a Java index: two tables and indexes on them, and nothing that runs.
//!
//! A database can define much more: views, triggers, virtual tables, generated columns, checks, collations, indexes on
//! expressions. All of these are code that the reader of the file would run, so a definition is compared word for word.

use super::{JavaError, quoted};
use std::collections::{BTreeMap, BTreeSet};

/// A table that Trivy writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in order.
    pub columns: &'static [&'static str],
}

/// Group and artifact of Maven, each pair once.
pub const ARTIFACTS: Table = Table { name: "artifacts", columns: &["id", "group_id", "artifact_id"] };
/// The files that were published for an artifact.
pub const INDICES: Table = Table { name: "indices", columns: &["artifact_id", "version", "sha1", "archive_type"] };

/// Tables with their definitions, word for word. What SQLite itself may have added only counts and estimates.
const DEFINITIONS: [(&str, &[&str]); 5] = [
    ("artifacts", &["create table artifacts ( id integer primary key , group_id text , artifact_id text )"]),
    (
        "indices",
        &[
            "create table indices ( artifact_id integer , version text , sha1 blob , archive_type text , \
             foreign key ( artifact_id ) references artifacts ( id ) )",
            "create table indices ( artifact_id integer , version text , sha1 blob , archive_type text )",
        ],
    ),
    ("sqlite_sequence", &["create table sqlite_sequence ( name , seq )"]),
    ("sqlite_stat1", &["create table sqlite_stat1 ( tbl , idx , stat )"]),
    ("sqlite_stat4", &["create table sqlite_stat4 ( tbl , idx , neq , nlt , ndlt , sample )"]),
];

/// Words in the definitions that are no names.
const KEYWORDS: [&str; 14] = [
    "create",
    "table",
    "virtual",
    "unique",
    "index",
    "on",
    "integer",
    "text",
    "blob",
    "primary",
    "key",
    "foreign",
    "references",
    "using",
];

/// Bytes of the name of an index.
const MAX_NAME: usize = 64;

/// A row of `sqlite_schema`, as it lies in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    /// `table`, `index`, `view` or `trigger`.
    pub kind: String,
    /// Its own name.
    pub name: String,
    /// The table that it belongs to.
    pub table: String,
    /// Its first page; 0 where it has none.
    pub root: i64,
    /// The statement that defines it; empty where there is none.
    pub sql: String,
}

/// An index on columns of one of Trivy's tables, in ascending order and by bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// What it is on.
    pub table: Table,
    /// The columns, in order.
    pub columns: Vec<&'static str>,
    /// Whether no two rows may agree in all columns.
    pub unique: bool,
}

/// The schema of a Java index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The names of the tables; each is one of five that are known.
    pub tables: Vec<&'static str>,
    /// The indexes by name, which has letters, digits and underscores only.
    pub indexes: BTreeMap<String, Index>,
}

impl Schema {
    /// Judges all rows of `sqlite_schema`.
    ///
    /// # Errors
    /// [`JavaError::Schema`], with its name, for the first thing that a Java index does not have, and where one of the two
    /// tables is missing.
    pub fn judge(untrusted: &[Object]) -> Result<Self, JavaError> {
        let mut schema = Schema { tables: Vec::new(), indexes: BTreeMap::new() };
        let mut roots = BTreeSet::new();
        // What runs is named first: it is what an operator has to hear of.
        let runs = |object: &&Object| !["table", "index"].contains(&object.kind.as_str());
        if let Some(object) = untrusted.iter().find(runs) {
            let kind = match object.kind.as_str() {
                "view" => "view",
                "trigger" => "trigger",
                _ => "thing of unknown kind",
            };
            return Err(refused(kind, object, "a Java index has tables and indexes only"));
        }
        for object in untrusted {
            if object.kind == "table" {
                schema.tables.push(table(object)?);
            } else if schema.indexes.insert(object.name.clone(), index(object)?).is_some() {
                return Err(refused("index", object, "there is another one of this name"));
            }
            if object.root < 2 || !roots.insert(object.root) {
                return Err(refused(&object.kind, object, "it has no page of its own"));
            }
        }
        for needed in [ARTIFACTS, INDICES] {
            match schema.tables.iter().filter(|name| **name == needed.name).count() {
                1 => {}
                0 => {
                    let why = format!("the database has no table {:?}; Trivy's Java index has one", needed.name);
                    return Err(JavaError::Schema(why));
                }
                _ => return Err(JavaError::Schema(format!("the database defines {:?} twice", needed.name))),
            }
        }
        Ok(schema)
    }
}

fn refused(kind: &str, object: &Object, why: &str) -> JavaError {
    JavaError::Schema(format!("the database has the {kind} {}: {why}", quoted(&object.name)))
}

/// The name of a table that is defined as it should be.
fn table(object: &Object) -> Result<&'static str, JavaError> {
    let words = words(&object.sql).unwrap_or_default();
    if words.get(1).is_some_and(|word| word == "virtual") || object.root == 0 {
        return Err(refused("virtual table", object, "a Java index has none"));
    }
    let Some((name, definitions)) = DEFINITIONS.iter().find(|(name, _)| *name == object.name) else {
        return Err(refused("table", object, "it is none of Trivy's"));
    };
    if object.table != object.name || !definitions.contains(&words.join(" ").as_str()) {
        let why = format!("it is defined in another way than Trivy does, by {}", quoted(&object.sql));
        return Err(refused("table", object, &why));
    }
    Ok(name)
}

/// An index on columns, without condition, expression, collation or direction.
fn index(object: &Object) -> Result<Index, JavaError> {
    let other = || {
        let why = format!("it is not a plain index on columns of Trivy's tables, but {}", quoted(&object.sql));
        refused("index", object, &why)
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let reserved = object.name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
    if object.name.is_empty() || object.name.len() > MAX_NAME || !object.name.chars().all(plain) || reserved {
        return Err(other());
    }
    let words = words(&object.sql).ok_or_else(other)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (unique, rest) = match words.as_slice() {
        ["create", "unique", "index", rest @ ..] => (true, rest),
        ["create", "index", rest @ ..] => (false, rest),
        _ => return Err(other()),
    };
    let [name, "on", on, "(", columns @ .., ")"] = rest else { return Err(other()) };
    let table = [ARTIFACTS, INDICES].into_iter().find(|table| table.name == *on && table.name == object.table);
    let table = table.filter(|_| *name == object.name.to_ascii_lowercase()).ok_or_else(other)?;
    let mut found = Vec::new();
    for (place, word) in columns.iter().enumerate() {
        if place % 2 == 0 {
            let column = table.columns.iter().find(|column| *column == word).ok_or_else(other)?;
            found.push(*column);
        } else if *word != "," {
            return Err(other());
        }
    }
    let distinct: BTreeSet<&str> = found.iter().copied().collect();
    if columns.len() % 2 == 0 || distinct.len() != found.len() {
        return Err(other());
    }
    Ok(Index { table, columns: found, unique })
}

/// The words, parentheses and commas of a statement, names without their quotes and all in lower case, because SQLite
/// does not tell cases apart. `None` where there is anything else: numbers, strings, operators, comments.
fn words(sql: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            ' ' | '\t' | '\n' | '\r' | '\x0c' => {
                rest = &rest[1..];
                continue;
            }
            '(' | ')' | ',' => 1,
            '"' | '`' | '[' => {
                let close = if first == '[' { ']' } else { first };
                let inner = &rest[1..1 + rest[1..].find(close)?];
                let name = inner.to_ascii_lowercase();
                let plain = inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                // In quotes a keyword is a name: `id integer "primary" key` is no primary key.
                if inner.is_empty() || !plain || KEYWORDS.contains(&name.as_str()) {
                    return None;
                }
                words.push(name);
                rest = &rest[inner.len() + 2..];
                continue;
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len())
            }
            _ => return None,
        };
        words.push(rest[..end].to_ascii_lowercase());
        rest = &rest[end..];
    }
    Some(words)
}
