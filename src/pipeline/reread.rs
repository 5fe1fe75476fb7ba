//! Reading some entries a second time: what a first pass has found, but cannot have read, because documents that come later
//! say how. The bytes must be those of the first pass.

use super::error::EnvironmentError;
use super::progress::Progress;
use super::random::Window;
use super::record::Recorder;
use super::scan::{ScanError, ScanOptions, is_plain_tar};
use super::source::Source;
use super::stream::{self, StreamInput};
use super::tree::open_beneath;
use crate::format::digest::Hasher;
use crate::format::inventory::{EntryIndex, Inventory};
use crate::format::path;
use crate::format::tar::{TarInput, TarReader};
use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// What is done with the bytes of one entry.
pub(super) type Each<'a> = dyn FnMut(EntryIndex, &mut EntryReader<'_>) -> Result<(), ScanError> + 'a;

/// Reads `wanted` again, in the order of the container, and hands each to `each`, which may leave bytes unread.
///
/// # Errors
/// Those of the medium and of `each`, and that an entry no longer is what the first pass has found. A pipe cannot be read
/// again; the caller asks [`Source::rereadable`] first.
pub(super) fn reread(
    source: &Source,
    inventory: &Inventory,
    wanted: &[EntryIndex],
    options: &ScanOptions,
    each: &mut Each<'_>,
) -> Result<(), ScanError> {
    match source {
        Source::Directory { root, path: base } => {
            for index in wanted {
                let name = &inventory.entry(*index).path;
                let at = || base.join(path::lossless(name));
                let mut file = open_beneath(root, name).map_err(|error| EnvironmentError::read(at(), error))?;
                let mut read = |buffer: &mut [u8]| file.read(buffer).map_err(ScanError::Io);
                one(inventory, *index, source, &mut read, each)?;
            }
            Ok(())
        }
        Source::File(file) if is_plain_tar(file)? => {
            // What is not wanted is jumped over.
            let window = Window::new(file, options.limits.max_bytes);
            from_archive(TarReader::new(window), source, inventory, wanted, each)
        }
        Source::File(file) => {
            let quiet = Progress::default();
            let mut scratch = Recorder::new(options.limits, false);
            let consumed = Arc::new(AtomicU64::new(0));
            let counted = stream::Counted::new(file.reader(), Arc::clone(&consumed), &quiet);
            let (decoded, _) = stream::peel(counted, consumed, options, &mut scratch, &mut Vec::new())?;
            from_archive(TarReader::new(StreamInput(decoded)), source, inventory, wanted, each)
        }
        Source::Stream { path, .. } => Err(EnvironmentError::NotReadable { path: path.clone() }.into()),
    }
}

/// The outcome of a second reading, for the caller.
pub(super) fn settle(source: &Source, outcome: Result<(), ScanError>) -> Result<(), EnvironmentError> {
    match outcome {
        Ok(()) => Ok(()),
        Err(ScanError::Medium(error)) => Err(error),
        Err(ScanError::Io(error)) => Err(EnvironmentError::read(source.path(), error)),
        // The first pass read the same bytes to their end, so they are no longer the same.
        Err(ScanError::Bad(_)) => Err(EnvironmentError::Changed { path: source.path().into() }),
    }
}

fn from_archive<R: TarInput + Send>(
    mut reader: TarReader<R>,
    source: &Source,
    inventory: &Inventory,
    wanted: &[EntryIndex],
    each: &mut Each<'_>,
) -> Result<(), ScanError> {
    let mut open: HashMap<&[u8], EntryIndex> =
        wanted.iter().map(|index| (inventory.entry(*index).normal_path(), *index)).collect();
    while !open.is_empty() {
        let member = reader.next_member();
        reader.take_anomalies();
        let Some(member) = member? else { return Err(changed(source)) };
        if let Some(index) = open.remove(path::normal(&member.path)) {
            let mut read = |buffer: &mut [u8]| reader.read_data(buffer).map_err(ScanError::from);
            one(inventory, index, source, &mut read, each)?;
        }
    }
    Ok(())
}

fn one(
    inventory: &Inventory,
    index: EntryIndex,
    source: &Source,
    read: &mut (dyn FnMut(&mut [u8]) -> Result<usize, ScanError> + Send),
    each: &mut Each<'_>,
) -> Result<(), ScanError> {
    let mut reader = EntryReader { read, hasher: Hasher::new(false), size: 0, error: None };
    let outcome = each(index, &mut reader);
    if let Some(error) = reader.error.take() {
        return Err(error);
    }
    outcome?;
    io::copy(&mut reader, &mut io::sink()).map_err(|error| reader.error.take().unwrap_or(ScanError::Io(error)))?;
    let (entry, size, digests) = (inventory.entry(index), reader.size, reader.hasher.finish());
    let same = match entry.digest() {
        Some(digest) => *digest == digests.sha256,
        // The first pass has listed it and nothing more.
        None => inventory.unread && entry.size == size,
    };
    if same { Ok(()) } else { Err(changed(source)) }
}

fn changed(source: &Source) -> ScanError {
    EnvironmentError::Changed { path: source.path().to_path_buf() }.into()
}

/// The bytes of one entry, hashed as they pass.
pub(super) struct EntryReader<'a> {
    read: &'a mut (dyn FnMut(&mut [u8]) -> Result<usize, ScanError> + Send),
    hasher: Hasher,
    size: u64,
    error: Option<ScanError>,
}

impl Read for EntryReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match (self.read)(buffer) {
            Ok(count) => {
                self.hasher.update(&buffer[..count]);
                self.size += count as u64;
                Ok(count)
            }
            Err(error) => {
                self.error = Some(error);
                Err(io::Error::other("the entry could not be read again"))
            }
        }
    }
}
