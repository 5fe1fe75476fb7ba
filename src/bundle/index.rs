//! Indexes of a mirror (`indexes/*.index.json`): which records lie in which file, compared with what was counted.

use super::layout::{self, Layout};
use super::records;
use crate::format::inventory::{Document, Inventory};
use crate::trust::check::{self, Check};
use serde_json::Value;
use std::collections::BTreeMap;

/// Names under which the list of an index is known.
const LISTS: [&str; 5] = ["files", "entries", "items", "records", "index"];

/// Compares the index in `document` with the data below `layout`. Returns the check and the count that it states.
pub(super) fn check(inventory: &Inventory, layout: &Layout, document: &Document) -> (Check, Option<u64>) {
    let value: Value = match layout::read(document) {
        Ok(value) => value,
        Err(failed) => return (*failed, None),
    };
    let stated = ["count", "total", "totalRecords"].iter().find_map(|key| value.get(*key)?.as_u64());
    let list = LISTS.iter().find_map(|key| value.get(*key)?.as_array());
    let Some(list) = list else {
        let detail = "an index without a list of files or entries; its count cannot be compared with the data";
        return (Check::skip(check::INDEX_COUNTS, &document.name, detail), stated);
    };
    (Check::of(check::INDEX_COUNTS, &document.name, compare(inventory, layout, list, stated)), stated)
}

/// What the list says of one file.
#[derive(Default)]
struct Claimed {
    rows: u64,
    records: Option<u64>,
}

fn compare(inventory: &Inventory, layout: &Layout, list: &[Value], stated: Option<u64>) -> Result<String, String> {
    let mut files: BTreeMap<&str, Claimed> = BTreeMap::new();
    for row in list {
        let Some(path) = row.get("path").and_then(Value::as_str) else {
            return Err(format!("expected rows that name the file of a record (path), found {row}"));
        };
        let claimed = files.entry(path).or_default();
        claimed.rows += 1;
        claimed.records =
            claimed.records.or_else(|| ["records", "count"].iter().find_map(|key| row.get(*key)?.as_u64()));
    }
    let mut total = 0;
    for (path, claimed) in &files {
        let entry = inventory.find(&layout.path(path));
        let entry = entry.ok_or_else(|| format!("it names {path}, which is not in the bundle"))?;
        let expected = claimed.records.unwrap_or(claimed.rows);
        total += expected;
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
        _ => Ok(format!("{total} records in {} files, as counted", files.len())),
    }
}
