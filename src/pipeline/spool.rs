//! Databases are read at random, and most of them come out of compressed streams: their bytes are copied to a temporary file
//! while they are hashed, so that what is read later is what was hashed, wherever it came from.
//!
//! The file has no name, so nothing is left of it however the run ends.

use super::error::EnvironmentError;
use crate::format::bbolt::PageSource;
use crate::format::database::{self, Engine};
use rustix::fs::{AtFlags, CWD};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Largest database that is copied, in bytes: ten times the largest that Trivy has published.
pub const MAX_SPOOL: u64 = 16 << 30;
/// Most databases of one container that are copied, in its root, and as many one folder down: a bundle has one.
pub const MAX_SPOOLS: usize = 4;
/// Entries of a layer with a database, which has two.
pub const MAX_LAYER_ENTRIES: u64 = 1024;
/// Bytes of documents that are kept of such a layer, which has one of 150 bytes.
pub const MAX_LAYER_DOCUMENTS: u64 = 4 << 20;
/// Bytes from the beginning that tell the engine.
const HEAD: usize = 64;

/// A database that is being copied.
pub(super) struct Spool {
    /// The file; `None` once it would be too large.
    file: io::Result<Option<File>>,
    tables: bool,
    head: Vec<u8>,
    size: u64,
}

impl Spool {
    /// Begins a copy of a database that is read by pages, or by `tables`. An error shows when the copy is finished.
    pub(super) fn start(tables: bool) -> Spool {
        Spool { file: tempfile::tempfile().map(Some), tables, head: Vec::new(), size: 0 }
    }

    /// The next bytes of the database.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if self.size > MAX_SPOOL && self.file.is_ok() {
            self.file = Ok(None);
        }
        if let Ok(Some(file)) = &mut self.file
            && let Err(error) = file.write_all(bytes)
        {
            self.file = Err(error);
        }
    }

    /// The copy.
    ///
    /// # Errors
    /// It could not be written.
    pub(super) fn finish(self) -> Result<Spooled, EnvironmentError> {
        let file = self.file.map_err(|error| EnvironmentError::write(std::env::temp_dir(), error))?;
        Ok(Spooled { file, engine: database::recognise(&self.head), tables: self.tables, size: self.size })
    }
}

/// The whole copy, gone when it is dropped. Its content is as untrusted as the input.
pub(super) struct Spooled {
    /// `None` where it would have been larger than [`MAX_SPOOL`].
    file: Option<File>,
    tables: bool,
    engine: Option<Engine>,
    size: u64,
}

impl Spooled {
    /// What its first bytes say that it is.
    pub(super) fn engine(&self) -> Option<Engine> {
        self.engine
    }

    /// Whether it is read by tables, else by pages.
    pub(super) fn has_tables(&self) -> bool {
        self.tables
    }

    /// The copy as pages; `None` where there is none.
    pub(super) fn pages(&self) -> Option<Pages<'_>> {
        self.file.as_ref().map(|file| Pages { file, size: self.size })
    }

    /// Size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Gives the copy a name, for a library that wants one, while `read` runs or until it calls the function that it is
    /// given: from there on the name is not needed.
    ///
    /// # Errors
    /// The file could not be given a name.
    pub(super) fn named<T>(&self, read: impl FnOnce(&Path, &dyn Fn()) -> T) -> io::Result<Option<T>> {
        let Some(file) = &self.file else { return Ok(None) };
        let own = format!("/proc/self/fd/{}", file.as_raw_fd());
        let link =
            |path: &Path| rustix::fs::linkat(CWD, &own, CWD, path, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from);
        let builder = || {
            let mut builder = tempfile::Builder::new();
            builder.prefix(".portcullis-");
            builder
        };
        // A file system that knows no nameless files gave one whose name was removed, which cannot be had back.
        let path = match builder().make(link) {
            Ok(named) => named.into_temp_path(),
            Err(_) => {
                let mut copy = builder().tempfile()?;
                io::copy(&mut io::BufReader::with_capacity(1 << 20, Sequential { file, offset: 0 }), &mut copy)?;
                copy.into_temp_path()
            }
        };
        let remove = || drop(std::fs::remove_file(&path));
        Ok(Some(read(&path, &remove)))
    }
}

/// A file from its beginning, whatever its position.
struct Sequential<'a> {
    file: &'a File,
    offset: u64,
}

impl io::Read for Sequential<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// A copy that is read at any place.
pub(super) struct Pages<'a> {
    file: &'a File,
    size: u64,
}

impl PageSource for Pages<'_> {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}
