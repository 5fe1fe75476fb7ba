//! Documents that only other documents lead to: read a second time, round after round, until nothing new is asked for.

use super::error::EnvironmentError;
use super::reread::{reread, settle};
use super::scan::{ScanError, ScanOptions};
use super::source::Source;
use crate::bundle::Kind;
use crate::bundle::kind::Further;
use crate::format::digest::sha256;
use crate::format::inventory::{Document, EntryIndex, EntryKind, Inventory, Location};
use std::collections::HashSet;
use std::io::Read as _;

/// Most rounds: each may decode the whole input again. Documents that lead to others do so a few times over.
const MAX_ROUNDS: usize = 8;

/// Adds to `inventory` the documents that `kind` asks for; returns what else it asks for. From a pipe nothing can be read
/// again, and documents beyond the limits are left out: the kind finds them lacking and says so.
pub(super) fn read(
    source: &Source,
    inventory: &mut Inventory,
    kind: &dyn Kind,
    options: &ScanOptions,
) -> Result<Further, EnvironmentError> {
    let (mut tried, mut room) = (HashSet::new(), options.limits.max_documents);
    for _ in 0..MAX_ROUNDS {
        let further = kind.further(inventory);
        let mut wanted: Vec<EntryIndex> =
            further.documents.iter().copied().filter(|index| tried.insert(*index)).collect();
        wanted.retain(|index| fits(inventory, *index, options.limits.max_document, &mut room));
        if wanted.is_empty() || !source.rereadable() {
            return Ok(further);
        }
        read_round(source, inventory, &wanted, options)?;
    }
    Ok(kind.further(inventory))
}

/// Whether the entry is a file for which there is room, which it then takes.
fn fits(inventory: &Inventory, index: EntryIndex, most: u64, room: &mut u64) -> bool {
    let entry = inventory.entry(index);
    let readable = entry.kind == EntryKind::File && (entry.hashed || inventory.unread);
    let left = room.checked_sub(entry.size).filter(|_| readable && entry.size <= most);
    *room = left.unwrap_or(*room);
    left.is_some()
}

/// Where the first pass has left contents unread, what is known of a document is known from here on.
fn note_digest(inventory: &mut Inventory, document: &Document) {
    if let Location::Entry(index) = document.location
        && let Some(entry) = inventory.entries.get_mut(index as usize).filter(|entry| !entry.hashed)
    {
        entry.sha256 = sha256(&document.bytes);
        entry.hashed = true;
    }
}

fn read_round(
    source: &Source,
    inventory: &mut Inventory,
    wanted: &[EntryIndex],
    options: &ScanOptions,
) -> Result<(), EnvironmentError> {
    let mut found = Vec::new();
    let outcome = reread(source, inventory, wanted, options, &mut |index, reader| {
        let size = inventory.entry(index).size;
        let mut bytes = Vec::new();
        // More than was measured is not taken: the digest then tells that the input has changed.
        reader.take(size).read_to_end(&mut bytes).map_err(ScanError::Io)?;
        found.push(Document::new(inventory.entry(index).normal_path().to_vec(), Location::Entry(index), bytes));
        Ok(())
    });
    settle(source, outcome)?;
    for document in &found {
        note_digest(inventory, document);
    }
    let sidecars = inventory.documents.iter().position(|document| document.location == Location::Sidecar);
    let sidecars = inventory.documents.split_off(sidecars.unwrap_or(inventory.documents.len()));
    inventory.documents.extend(found);
    inventory.documents.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.documents.extend(sidecars);
    Ok(())
}
