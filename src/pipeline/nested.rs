//! Archives among the entries: read a second time, as archives.

use super::error::EnvironmentError;
use super::progress::Progress;
use super::record::Recorder;
use super::reread::{reread, settle};
use super::scan::{ScanError, ScanOptions};
use super::source::Source;
use super::stream;
use crate::bundle::{links, nested};
use crate::format::anomaly::Anomaly;
use crate::format::inventory::{EntryIndex, Inventory};

/// Reads the archives at `wanted` into `inventory.nested`; their defects become those of the input. From a pipe nothing can
/// be read again: then there is no inventory of them.
pub(super) fn read(
    source: &Source,
    inventory: &mut Inventory,
    wanted: &[EntryIndex],
    options: &ScanOptions,
) -> Result<(), EnvironmentError> {
    if wanted.is_empty() || !source.rereadable() {
        return Ok(());
    }
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
    let mut found = Vec::new();
    let outcome = reread(source, inventory, wanted, &options, &mut |index, reader| {
        let name = inventory.entry(index).normal_path().to_vec();
        let mut recorder = Recorder::new(options.limits, false);
        match stream::scan(reader, &name, &options, &Progress::default(), &mut recorder) {
            Ok(()) => {}
            Err(ScanError::Bad(anomaly)) => recorder.stop(anomaly),
            Err(error) => return Err(error),
        }
        found.push((index, recorder.finish()));
        Ok(())
    });
    settle(source, outcome)?;
    for (index, mut inner) in found {
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
    }
    Ok(())
}
