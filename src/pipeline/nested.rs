//! Archives among the entries: read a second time, as archives.

use super::error::EnvironmentError;
use super::progress::Progress;
use super::record::{Copies, Recorder};
use super::reread::{reread, settle};
use super::scan::{Content, ScanError, ScanOptions};
use super::source::Source;
use super::spool::{MAX_LAYER_DOCUMENTS, MAX_LAYER_ENTRIES};
use super::stream;
use crate::bundle::{links, nested};
use crate::format::anomaly::Anomaly;
use crate::format::inventory::{EntryIndex, Inventory};

/// Reads the archives at `wanted` into `inventory.nested`; their defects become those of the input. Returns the databases
/// that were met in each, where `databases` are wanted. From a pipe nothing can be read again: then there is no inventory of them.
pub(super) fn read(
    source: &Source,
    inventory: &mut Inventory,
    wanted: &[EntryIndex],
    databases: bool,
    options: &ScanOptions,
) -> Result<Vec<(EntryIndex, Copies)>, EnvironmentError> {
    if wanted.is_empty() || !source.rereadable() {
        return Ok(Vec::new());
    }
    // The outer container is read again under its own limits: those of what is nested would stop it where it was read before.
    let outer = options;
    let mut options = *options;
    // What a nested archive may decode to counts against the bytes of the input, not against its own: two ratios would
    // multiply. Entries and documents have what the outer ones left.
    let medium = inventory.outer_size.unwrap_or_else(|| inventory.total_bytes());
    let fair = medium.saturating_mul(options.limits.max_ratio).max(options.limits.ratio_grace);
    options.limits.max_bytes = options.limits.max_bytes.min(fair);
    options.limits.max_entries = options.limits.max_entries.saturating_sub(inventory.entries.len() as u64);
    let kept = inventory.documents.iter().fold(0, |sum, document| sum + document.bytes.len() as u64);
    options.limits.max_documents = options.limits.max_documents.saturating_sub(kept);
    options.limits.max_depth = options.limits.max_depth.saturating_sub(inventory.container.len() as u32);
    if databases {
        options.limits.max_entries = options.limits.max_entries.min(MAX_LAYER_ENTRIES);
        options.limits.max_documents = options.limits.max_documents.min(MAX_LAYER_DOCUMENTS);
    }
    let (mut found, mut left) = (Vec::new(), options.limits);
    let outcome = reread(source, inventory, wanted, outer, &mut |index, reader| {
        let name = inventory.entry(index).normal_path().to_vec();
        let options = ScanOptions { limits: left, ..options };
        let mut recorder = Recorder::new(left, false);
        match stream::scan(reader, &name, &options, Content::All, &Progress::default(), &mut recorder) {
            Ok(()) => {}
            Err(ScanError::Bad(anomaly)) => recorder.stop(anomaly),
            Err(error) => return Err(error),
        }
        let copies = recorder.take_copies();
        let inner = recorder.finish();
        // The archives share what the outer one has left.
        let kept = inner.documents.iter().fold(0, |sum, document| sum + document.bytes.len() as u64);
        left.max_entries = left.max_entries.saturating_sub(inner.entries.len() as u64);
        left.max_documents = left.max_documents.saturating_sub(kept);
        left.max_bytes = left.max_bytes.saturating_sub(inner.total_bytes());
        found.push((index, inner, copies));
        Ok(())
    });
    settle(source, outcome)?;
    let mut all = Vec::new();
    for (index, mut inner, copies) in found {
        let defects = links::judge(&inner, inner.incomplete);
        inner.anomalies.extend(defects);
        let archive = inventory.entry(index).normal_path().to_vec();
        let told = inner.anomalies.iter().map(|anomaly| Anomaly {
            path: Some(nested::inside(&archive, anomaly.path.as_deref().unwrap_or(b""))),
            ..anomaly.clone()
        });
        inventory.anomalies.extend(told);
        let name = crate::format::path::lossless(&archive);
        inventory.remarks.extend(inner.remarks.iter().map(|remark| format!("in {name}: {remark}")));
        inventory.nested.insert(index, inner);
        all.push((index, copies));
    }
    Ok(all)
}
