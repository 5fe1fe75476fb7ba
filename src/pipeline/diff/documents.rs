//! Documents of records among the entries that are different: read a second time, the old side first, then the new side,
//! and compared one by one as they come.

use crate::bundle::changes::Documents;
use crate::bundle::changes::documents::{DocumentChange, Form, MAX_DOCUMENTS, MAX_LINES, MAX_LISTED, MAX_ROWS, Table};
use crate::bundle::changes::entries::{Change, Entries};
use crate::format::compress::{StreamFacts, ZstdReader};
use crate::format::inventory::{EntryIndex, EntryKind, Inventory};
use crate::format::records::MAX_RECORD_WINDOW;
use crate::pipeline::error::EnvironmentError;
use crate::pipeline::inspect::{Reading, Request};
use crate::pipeline::reread::{reread, settle};
use crate::pipeline::scan::ScanError;
use crate::pipeline::source::Source;
use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::sync::Arc;

/// What is different in the documents of records of both sides. From a pipe nothing can be read again: what it holds is
/// compared by its bytes alone, and said to be.
///
/// # Errors
/// One of the inputs cannot be read again, or is no longer what it was.
pub(super) fn compare(
    old: (&Reading, &Request),
    new: (&Reading, &Request),
    entries: &Entries,
) -> Result<Documents, EnvironmentError> {
    let mut found = Documents::default();
    let mut pairs: Vec<(Option<EntryIndex>, Option<EntryIndex>)> = Vec::new();
    for change in
        entries.changes.iter().filter(|c| matches!(c.change, Change::Added | Change::Removed | Change::Changed))
    {
        let of =
            |inventory: &Inventory, index: Option<EntryIndex>| index.filter(|index| form(inventory, *index).is_some());
        let pair = (of(&old.0.inventory, change.old), of(&new.0.inventory, change.new));
        match pair {
            (None, None) => {}
            _ if pairs.len() >= MAX_DOCUMENTS => found.not_compared += 1,
            _ => pairs.push(pair),
        }
    }
    if !(is_orderly(&old.0.inventory) && is_orderly(&new.0.inventory)) {
        found.not_compared += pairs.len() as u64;
        return Ok(found);
    }
    let (mut first, mut second): (Vec<EntryIndex>, Vec<EntryIndex>) =
        (pairs.iter().filter_map(|pair| pair.0).collect(), pairs.iter().filter_map(|pair| pair.1).collect());
    first.sort_unstable();
    second.sort_unstable();
    let (before, lost_before) = tables(old, &first)?;
    let (after, lost_after) = tables(new, &second)?;
    found.not_compared += lost_before + lost_after;
    let mut room = MAX_LISTED;
    for (a, b) in pairs {
        let (a, b) = (a.map(|index| (index, before.get(&index))), b.map(|index| (index, after.get(&index))));
        // What one side has and could not be read there says nothing of what the other has.
        if a.is_some_and(|(_, table)| table.is_none()) || b.is_some_and(|(_, table)| table.is_none()) {
            continue;
        }
        let (table_a, table_b) = (a.and_then(|(_, table)| table), b.and_then(|(_, table)| table));
        if table_a.zip(table_b).is_some_and(|(a, b)| a.sort != b.sort) {
            found.not_compared += 1;
            continue;
        }
        let path = match (b, a) {
            (Some((index, _)), _) => new.0.inventory.entry(index).normal_path(),
            (None, Some((index, _))) => old.0.inventory.entry(index).normal_path(),
            (None, None) => continue,
        };
        if let Some(change) = DocumentChange::compare(path, table_a, table_b, room) {
            room -= change.listed.items.len().min(room);
            found.changes.push(change);
        }
    }
    Ok(found)
}

/// Whether entries can be found again by their names: in an archive or a directory, and in one without defects, since of two
/// entries of one name the wrong one could be read.
fn is_orderly(inventory: &Inventory) -> bool {
    matches!(inventory.container.last(), Some(&("tar" | "directory"))) && inventory.anomalies.is_empty()
}

/// The form in which an entry is read; `None` for what is not, as encrypted files.
fn form(inventory: &Inventory, index: EntryIndex) -> Option<Form> {
    let entry = inventory.entry(index);
    let plain = entry.kind == EntryKind::File && entry.hashed && !inventory.sealed.contains_key(&index);
    Form::of(entry.normal_path(), entry.size).filter(|_| plain)
}

/// The tables of the `wanted` entries that hold records, and how many files of JSON lines could not be read as such.
fn tables(
    (reading, request): (&Reading, &Request),
    wanted: &[EntryIndex],
) -> Result<(BTreeMap<EntryIndex, Table>, u64), EnvironmentError> {
    let (mut tables, mut lost, mut room) = (BTreeMap::new(), 0, MAX_ROWS);
    if wanted.is_empty() {
        return Ok((tables, lost));
    }
    let source = Source::open(&request.input)?;
    if !source.rereadable() {
        return Ok((tables, wanted.len() as u64));
    }
    let inventory = &reading.inventory;
    let outcome = reread(&source, inventory, wanted, &request.scan, &mut |index, reader| {
        let Some(form) = form(inventory, index) else { return Ok(()) };
        let bytes = contents(form, reader);
        let path = inventory.entry(index).normal_path();
        match bytes.and_then(|bytes| Table::read(path, form, &bytes, room)) {
            Some(table) => {
                room -= table.len().min(room);
                tables.insert(index, table);
            }
            // Most JSON documents are of other sorts, and nothing is lost with them.
            None => lost += u64::from(matches!(form, Form::Lines(_))),
        }
        Ok(())
    });
    settle(&source, outcome)?;
    Ok((tables, lost))
}

/// The text of the entry at `path` on one side; `None` where there is none, it is no file, or it is larger than `most` bytes.
///
/// # Errors
/// The input cannot be read again, or is no longer what it was.
pub(super) fn whole(
    (reading, request): (&Reading, &Request),
    path: &[u8],
    most: u64,
) -> Result<Option<Vec<u8>>, EnvironmentError> {
    let inventory = &reading.inventory;
    let index = inventory.find(path).filter(|index| {
        let entry = inventory.entry(*index);
        entry.kind == EntryKind::File && entry.hashed && entry.size <= most && is_orderly(inventory)
    });
    let Some(index) = index else { return Ok(None) };
    let source = Source::open(&request.input)?;
    let mut bytes = Vec::new();
    let outcome = reread(&source, inventory, &[index], &request.scan, &mut |_, reader| {
        reader.take(most).read_to_end(&mut bytes).map(|_| ()).map_err(ScanError::Io)
    });
    settle(&source, outcome)?;
    Ok(Some(bytes))
}

/// The whole text; `None` where it is too large, or cannot be decoded. Errors of the medium are kept by the reader.
fn contents(form: Form, reader: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if form == Form::Lines(true) {
        let facts = Arc::new(StreamFacts::default());
        let decoder = ZstdReader::new(BufReader::new(reader), MAX_RECORD_WINDOW, facts).ok()?;
        decoder.take(MAX_LINES + 1).read_to_end(&mut bytes)
    } else {
        reader.take(MAX_LINES + 1).read_to_end(&mut bytes)
    };
    (read.is_ok() && bytes.len() as u64 <= MAX_LINES).then_some(bytes)
}
