//! Indexes of a mirror (`indexes/*.index.json`): which records lie in which file, compared with what was counted.

use super::layout::{self, Layout};
use super::records;
use super::rows::{Row, Scalar};
use crate::format::inventory::{Document, Inventory};
use crate::format::json;
use crate::trust::check::{self, Check};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// An index: its count under one of three names, its list under one of five. The first that is one counts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    #[serde(borrow)]
    count: Option<Scalar<'a>>,
    #[serde(borrow)]
    total: Option<Scalar<'a>>,
    #[serde(borrow)]
    total_records: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    files: List<'a>,
    #[serde(borrow, default)]
    entries: List<'a>,
    #[serde(borrow, default)]
    items: List<'a>,
    #[serde(borrow, default)]
    records: List<'a>,
    #[serde(borrow, default)]
    index: List<'a>,
}

/// Rows of a list by the file that they name, or `None` for what is no list.
#[derive(Default)]
struct List<'a>(Option<Rows<'a>>);

/// What the rows of a list say; rows are added up as they are read, none is kept.
#[derive(Default)]
struct Rows<'a> {
    files: BTreeMap<Cow<'a, str>, Claimed>,
    /// Number of the first row that names no file, from 1.
    pathless: Option<u64>,
}

/// What the list says of one file.
#[derive(Default)]
struct Claimed {
    rows: u64,
    records: Option<u64>,
}

/// Compares the index in `document` with the data below `layout`. Returns the check and the count that it states.
pub(super) fn check(inventory: &Inventory, layout: &Layout, document: &Document) -> (Check, Option<u64>) {
    let index: Index<'_> = match layout::read_within(document, json::ROWS) {
        Ok(index) => index,
        Err(failed) => return (*failed, None),
    };
    let counts = [index.count, index.total, index.total_records];
    let stated = counts.iter().flatten().find_map(Scalar::number);
    let lists = [index.files, index.entries, index.items, index.records, index.index];
    let Some(rows) = lists.into_iter().find_map(|List(rows)| rows) else {
        let detail = "an index without a list of files or entries; its count cannot be compared with the data";
        return (Check::skip(check::INDEX_COUNTS, &document.name, detail), stated);
    };
    (Check::of(check::INDEX_COUNTS, &document.name, compare(inventory, layout, &rows, stated)), stated)
}

fn compare(inventory: &Inventory, layout: &Layout, rows: &Rows<'_>, stated: Option<u64>) -> Result<String, String> {
    if let Some(number) = rows.pathless {
        return Err(format!("expected rows that name the file of a record (path), row {number} names none"));
    }
    let mut total = 0_u64;
    for (path, claimed) in &rows.files {
        let entry = inventory.find(&layout.path(path.as_bytes()));
        let entry = entry.ok_or_else(|| format!("it names {path}, which is not in the bundle"))?;
        let expected = claimed.records.unwrap_or(claimed.rows);
        total = total.checked_add(expected).ok_or_else(|| {
            format!("the records that it states add up to more than {}: with {path} nothing can have so many", u64::MAX)
        })?;
        match records::counted(inventory, entry) {
            records::Counted::Records(found) if found != expected => {
                return Err(format!("it states {expected} records of {path}, found {found}"));
            }
            records::Counted::NoRecordFile if claimed.records.is_none() && claimed.rows != 1 => {
                return Err(format!("it has {} rows for {path}, which is one record", claimed.rows));
            }
            _ => {}
        }
    }
    match stated {
        Some(count) if count != total => Err(format!("its count is {count}, its rows add up to {total}")),
        _ => Ok(format!("{total} records in {} files, as counted", rows.files.len())),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for List<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = List<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List<'de>, A::Error> {
        let mut rows = Rows::default();
        let mut number = 0;
        while let Some(row) = items.next_element::<Row<'de>>()? {
            number += 1;
            let Some(path) = row.path else {
                rows.pathless = rows.pathless.or(Some(number));
                continue;
            };
            let claimed = rows.files.entry(path).or_default();
            claimed.rows += 1;
            claimed.records = claimed.records.or(row.records);
        }
        Ok(List(Some(rows)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<List<'de>, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(List(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<List<'de>, E> {
        Ok(List(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<List<'de>, E> {
        Ok(List(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<List<'de>, E> {
        Ok(List(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<List<'de>, E> {
        Ok(List(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<List<'de>, E> {
        Ok(List(None))
    }

    fn visit_unit<E>(self) -> Result<List<'de>, E> {
        Ok(List(None))
    }
}
