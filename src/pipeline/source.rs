//! Inputs, opened once: the handle that was opened serves every later read, so nothing can be swapped in between.

use super::error::EnvironmentError;
use crate::format::anomaly::MediumError;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// An opened input.
#[derive(Debug)]
pub enum Source {
    /// A directory, by its handle.
    Directory {
        /// The handle below which everything is opened.
        root: OwnedFd,
        /// The path as given, for walking and messages.
        path: PathBuf,
    },
    /// A regular file that can be read at any position.
    File(OpenFile),
    /// Standard input, a pipe or a device: read once, in order.
    Stream {
        /// The reader.
        reader: Option<File>,
        /// `-` or the path as given.
        path: PathBuf,
    },
}

impl Source {
    /// Opens `input`; `-` is standard input.
    pub fn open(input: &Path) -> Result<Source, EnvironmentError> {
        let fail = |error| EnvironmentError::read(input, error);
        if input.as_os_str() == "-" {
            let stdin = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3).map_err(|e| fail(e.into()))?;
            return Ok(Source::Stream { reader: Some(File::from(stdin)), path: input.into() });
        }
        let file = File::open(input).map_err(fail)?;
        let meta = file.metadata().map_err(fail)?;
        if meta.is_dir() {
            return Ok(Source::Directory { root: file.into(), path: input.into() });
        }
        if meta.is_file() {
            return OpenFile::new(file, input.into()).map(Source::File);
        }
        if meta.file_type().is_fifo() || meta.file_type().is_char_device() || meta.file_type().is_block_device() {
            return Ok(Source::Stream { reader: Some(file), path: input.into() });
        }
        Err(EnvironmentError::NotReadable { path: input.into() })
    }

    /// The path as given.
    pub fn path(&self) -> &Path {
        match self {
            Source::Directory { path, .. } | Source::Stream { path, .. } => path,
            Source::File(file) => file.path(),
        }
    }

    /// Whether the input can be read a second time.
    pub fn rereadable(&self) -> bool {
        !matches!(self, Source::Stream { .. })
    }
}

/// Whether what lies at `path` is neither file nor directory: it can be read once, if at all, and whoever opens it may wait for
/// ever.
pub fn is_read_once(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// A regular file with what its metadata said when it was opened.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    path: PathBuf,
    size: u64,
    times: [(i64, i64); 2],
}

impl OpenFile {
    /// Takes over `file`.
    pub fn new(file: File, path: PathBuf) -> Result<Self, EnvironmentError> {
        let meta = file.metadata().map_err(|e| EnvironmentError::read(&path, e))?;
        Ok(OpenFile { size: meta.len(), times: times(&meta), file, path })
    }

    /// Size in bytes when it was opened.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The path as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Positioned read.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io::Error::other(MediumError(error))),
                Ok(count) => return Ok(count),
            }
        }
    }

    /// Fails where size or times differ from what they were at the beginning. Whoever can write to a file can set back the
    /// time of its modification, not that of the change to it.
    pub fn check_unchanged(&self) -> Result<(), EnvironmentError> {
        let meta = self.file.metadata().map_err(|e| EnvironmentError::read(&self.path, e))?;
        if (meta.len(), times(&meta)) != (self.size, self.times) {
            return Err(EnvironmentError::Changed { path: self.path.clone() });
        }
        Ok(())
    }

    /// A reader from the beginning that has a position of its own.
    pub fn reader(&self) -> FileReader<'_> {
        FileReader { file: self, offset: 0 }
    }
}

/// When the content and when anything of the file was changed last, each in seconds and nanoseconds.
pub(super) fn times(meta: &Metadata) -> [(i64, i64); 2] {
    [(meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec())]
}

/// Reads an [`OpenFile`] in order without touching the file's own position.
#[derive(Debug, Clone)]
pub struct FileReader<'a> {
    file: &'a OpenFile,
    offset: u64,
}

impl Read for FileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// Marks read errors of a stream as errors of the medium, so that decoders above cannot turn them into a verdict.
pub struct MediumReader<R>(pub R);

impl<R: Read> Read for MediumReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io::Error::other(MediumError(error))),
                Ok(count) => return Ok(count),
            }
        }
    }
}

/// Reads a whole small file (keys, sidecars) of at most `limit` bytes.
pub fn read_small(path: &Path, limit: u64) -> Result<Vec<u8>, EnvironmentError> {
    let fail = |error| EnvironmentError::read(path, error);
    let file = File::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.is_dir() {
        return Err(fail(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > limit {
        return Err(fail(io::Error::other(format!("larger than the limit of {limit} bytes"))));
    }
    Ok(bytes)
}
