//! Counts of records: what manifests state of files of JSON lines, compared with what the scan counted.

use super::layout::Layout;
use crate::format::inventory::{EntryIndex, Inventory};
use crate::trust::check::{self, Check};

/// What is known of the records of one entry.
pub(super) enum Counted {
    /// So many, counted to the end of the file.
    Records(u64),
    /// Counting stopped, and why.
    Fault(String),
    /// The entry is encrypted and was not opened.
    Sealed,
    /// The entry is no file of records.
    NoRecordFile,
}

/// What the scan counted in `entry`; of an encrypted entry that was opened, in its plain text.
pub(super) fn counted(inventory: &Inventory, entry: EntryIndex) -> Counted {
    if let Some(sealed) = inventory.sealed.get(&entry) {
        return match &sealed.plain {
            Some(plain) => of(plain.contents.as_ref()),
            None => Counted::Sealed,
        };
    }
    of(inventory.contents.get(&entry))
}

fn of(contents: Option<&crate::format::records::Contents>) -> Counted {
    match contents {
        None => Counted::NoRecordFile,
        Some(contents) => match &contents.fault {
            Some(fault) => Counted::Fault(fault.clone()),
            None => Counted::Records(contents.records),
        },
    }
}

/// Compares the counts that the document `name` states with those of the scan; one row a file that differs.
pub(super) fn check<'a>(
    inventory: &Inventory,
    layout: &Layout,
    name: &[u8],
    stated: impl Iterator<Item = (&'a str, Option<u64>)>,
) -> Vec<Check> {
    let (mut failures, mut files, mut records, mut sealed) = (Vec::new(), 0u64, 0u64, 0u64);
    for (path, stated) in stated {
        let Some(entry) = inventory.find(&layout.path(path)) else { continue };
        let subject = &inventory.entry(entry).path;
        let fail = |detail: String| Check::fail(check::RECORD_COUNT, subject, detail);
        match (counted(inventory, entry), stated) {
            (Counted::Fault(why), _) => failures.push(fail(format!("its records cannot be counted: {why}"))),
            (Counted::Records(found), Some(expected)) if found != expected => {
                let row = fail(format!("expected {expected} records, found {found}"));
                failures.push(row.with("expected", expected.to_string()).with("found", found.to_string()));
            }
            (Counted::Records(found), Some(_)) => {
                files += 1;
                records += found;
            }
            (Counted::Sealed, Some(_)) => sealed += 1,
            (Counted::NoRecordFile, Some(expected)) if expected != 1 => {
                failures.push(fail(format!("expected {expected} records, found a file that is not JSON lines")));
            }
            _ => {}
        }
    }
    let otherwise = if files == 0 {
        Check::skip(check::RECORD_COUNT, name, "no count of records could be compared")
    } else {
        let tail = if sealed > 0 { format!("; {sealed} encrypted files were not counted") } else { String::new() };
        Check::pass(check::RECORD_COUNT, name, format!("{records} records in {files} files, as stated{tail}"))
    };
    let mut checks = Vec::new();
    check::push_failures(&mut checks, failures, Some(otherwise));
    checks
}
