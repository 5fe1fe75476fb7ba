//! Encrypted entries, written as what they hold.

use super::Request;
use super::plan::Item;
use super::write::Writer;
use crate::format::inventory::EntryIndex;
use crate::pipeline::scan::ScanError;
use crate::pipeline::sealed;
use crate::pipeline::sink::Intake as _;
use crate::pipeline::sink::Sink as _;
use crate::pipeline::source::Source;
use crate::pipeline::verify::Verification;
use std::collections::HashMap;

/// Opens the encrypted entries among `files` once more and writes them. What is written is hashed as any other file is, and must
/// be the plain text that the verification has seen.
pub(super) fn write<'a>(
    source: &Source,
    verification: &Verification,
    request: &Request,
    files: &'a [Item],
    writer: &Writer<'a>,
) -> Result<(), ScanError> {
    let reading = &verification.reading;
    let Some(how) = &reading.sealed else { return Ok(()) };
    let items: HashMap<EntryIndex, &'a Item> =
        files.iter().filter(|item| item.sealed).map(|item| (item.entry, item)).collect();
    let mut wanted: Vec<EntryIndex> = items.keys().copied().collect();
    wanted.sort_unstable();
    let identities = request.read.identities.as_deref();
    sealed::reopen(source, &reading.inventory, how, identities, &request.read.scan, &wanted, &mut |entry, plain| {
        writer.pulse()?;
        if let Some(item) = items.get(&entry) {
            let mut file = writer.begin(item);
            file.update(plain);
            file.finish();
        }
        Ok(())
    })
}
