//! One pass over an input: every entry listed and hashed, documents kept, oddities noted. Nothing is judged here but the
//! container itself.

use super::error::EnvironmentError;
use super::meter::Meters;
use super::progress::Progress;
use super::random;
use super::record::{Copies, Recorder};
use super::sink::{Copyist, Measuring, Sink};
use super::source::{MediumReader, OpenFile, Source};
use super::stream;
use super::tree;
use crate::format::anomaly::{Anomaly, Defect, ReadError};
use crate::format::compress::{self, Codec};
use crate::format::digest::{Digests, Hasher};
use crate::format::inventory::Inventory;
use crate::format::limits::Limits;
use crate::format::tar;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// How to scan.
#[derive(Debug, Clone, Copy)]
pub struct ScanOptions {
    /// Limits on hostile input.
    pub limits: Limits,
    /// Threads in all, at least 1.
    pub jobs: usize,
    /// Also hash the input file itself.
    pub subject: SubjectDigest,
    /// Also compute SHA-512 of every entry.
    pub sha512: bool,
}

/// Which digests of the input file itself are wanted: each costs another hash of every byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubjectDigest {
    /// None.
    None,
    /// SHA-256.
    Sha256,
    /// SHA-256 and SHA-512.
    Sha512Too,
}

/// Which entries of an input are read.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    /// All of them.
    All,
    /// All of them, and a copyist is given each while it is measured.
    Copied(&'a dyn Copyist),
    /// Those that are documents by their names; the others are listed.
    Documents,
}

impl SubjectDigest {
    fn hasher(self) -> Option<Hasher> {
        (self != SubjectDigest::None).then(|| Hasher::new(self == SubjectDigest::Sha512Too))
    }
}

/// Scans `source`.
///
/// # Errors
/// [`EnvironmentError`] where the medium failed. A malformed container is no error: it is in the anomalies.
pub fn scan(source: &mut Source, options: &ScanOptions, progress: &Progress) -> Result<Inventory, EnvironmentError> {
    scan_and_copy(source, options, Content::All, progress).map(|(inventory, _)| inventory)
}

/// The same of the entries that `content` says, with copies of the databases that were met.
pub(super) fn scan_and_copy(
    source: &mut Source,
    options: &ScanOptions,
    content: Content<'_>,
    progress: &Progress,
) -> Result<(Inventory, Copies), EnvironmentError> {
    let mut recorder = Recorder::new(options.limits, options.sha512);
    recorder.inventory().unread = matches!(content, Content::Documents);
    let path = source.path().to_path_buf();
    let outcome = match source {
        Source::Directory { root, path } => {
            let sink = Measuring::new(Meters::new(options.sha512, &options.limits), content);
            tree::scan(root, path, options, progress, &mut recorder, &sink)
        }
        Source::File(file) => scan_file(file, options, content, progress, &mut recorder),
        Source::Stream { reader, path } => match reader.take() {
            Some(reader) => scan_pipe(reader, path, options, content, progress, &mut recorder),
            None => Err(ScanError::Medium(EnvironmentError::NotReadable { path: path.clone() })),
        },
    };
    match outcome {
        Ok(()) => {}
        Err(ScanError::Bad(anomaly)) => recorder.stop(anomaly),
        Err(ScanError::Medium(error)) => return Err(error),
        Err(ScanError::Io(error)) => return Err(EnvironmentError::read(path, error)),
    }
    let copies = recorder.take_copies();
    Ok((recorder.finish(), copies))
}

/// Reads `source` once more, from its first byte to its last, into `sink`. Nothing is kept of it but what `sink` keeps. A pipe
/// cannot be read again; the caller asks [`Source::rereadable`] first.
///
/// # Errors
/// Those of the medium and of `sink`, and defects of the container, which the first pass would have found.
pub(super) fn pass_into(
    source: &Source,
    options: &ScanOptions,
    progress: &Progress,
    sink: &impl Sink,
) -> Result<(), ScanError> {
    let mut recorder = Recorder::without_content(options.limits);
    match source {
        Source::Directory { root, path } => tree::scan(root, path, options, progress, &mut recorder, sink),
        Source::File(file) => {
            progress.expect(progress.snapshot().1 + file.size());
            if is_plain_tar(file)? {
                random::scan(file, options, progress, &mut recorder, sink)?;
            } else {
                let name = entry_name(file.path());
                stream::scan_into(file.reader(), &name, options, progress, &mut recorder, |_| sink)?;
            }
            Ok(file.check_unchanged()?)
        }
        Source::Stream { path, .. } => Err(EnvironmentError::NotReadable { path: path.clone() }.into()),
    }
}

/// Why a scan stopped.
pub(super) enum ScanError {
    /// The bundle is bad.
    Bad(Anomaly),
    /// The environment failed, and it is known where.
    Medium(EnvironmentError),
    /// The input itself could not be read.
    Io(io::Error),
}

impl From<ReadError> for ScanError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Bad(anomaly) => ScanError::Bad(anomaly),
            ReadError::Medium(error) => ScanError::Io(error),
        }
    }
}

impl From<Anomaly> for ScanError {
    fn from(anomaly: Anomaly) -> Self {
        ScanError::Bad(anomaly)
    }
}

impl From<EnvironmentError> for ScanError {
    fn from(error: EnvironmentError) -> Self {
        ScanError::Medium(error)
    }
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        ReadError::from(error).into()
    }
}

/// A file: an uncompressed tar is read at random, everything else in order; its own digest on a thread beside.
fn scan_file(
    file: &OpenFile,
    options: &ScanOptions,
    content: Content<'_>,
    progress: &Progress,
    recorder: &mut Recorder,
) -> Result<(), ScanError> {
    let plain = is_plain_tar(file)?;
    progress.expect(file.size());
    recorder.inventory().outer_size = Some(file.size());
    let outer = std::thread::scope(|scope| {
        let spawn = |hasher| std::thread::Builder::new().spawn_scoped(scope, move || digest_of(file, hasher));
        let digest = options.subject.hasher().map(spawn).transpose();
        let digest = digest.map_err(|error| EnvironmentError::threads(options.jobs, &error))?;
        let outcome = if plain {
            let sink = Measuring::new(Meters::new(options.sha512, &options.limits), content);
            random::scan(file, options, progress, recorder, &sink)
        } else {
            stream::scan(file.reader(), &entry_name(file.path()), options, content, progress, recorder)
        };
        let digest =
            digest.map(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("the digest thread failed"))));
        outcome.map(|()| digest)
    });
    file.check_unchanged()?;
    recorder.inventory().outer = outer?.transpose()?;
    Ok(())
}

/// Whether the file is a tar that can be read at any position: one that is not compressed.
pub(super) fn is_plain_tar(file: &OpenFile) -> Result<bool, ScanError> {
    let mut head = [0; tar::BLOCK];
    let got = compress::read_full(&mut file.reader(), &mut head)?;
    let head = &head[..got];
    Ok(Codec::detect(head).is_none() && tar::looks_like_tar(head))
}

fn scan_pipe(
    reader: impl Read + Send,
    path: &Path,
    options: &ScanOptions,
    content: Content<'_>,
    progress: &Progress,
    recorder: &mut Recorder,
) -> Result<(), ScanError> {
    let seen = options.subject.hasher();
    let seen = seen.map(|hasher| Arc::new(Mutex::new(Seen { hasher, size: 0, ended: false })));
    let input = Tee { inner: MediumReader(reader), seen: seen.clone() };
    stream::scan(input, &entry_name(path), options, content, progress, recorder)?;
    // Reading stops at bytes after the end of the archive: a digest of what came before them is not that of the input.
    if let Some(seen) = seen
        && let Ok(seen) = seen.lock()
        && seen.ended
    {
        recorder.inventory().outer = Some(seen.hasher.clone().finish());
        recorder.inventory().outer_size = Some(seen.size);
    }
    Ok(())
}

/// Hashes what passes through: a pipe can be read only once.
struct Tee<R> {
    inner: R,
    seen: Option<Arc<Mutex<Seen>>>,
}

/// What passed through so far.
struct Seen {
    hasher: Hasher,
    size: u64,
    ended: bool,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(seen) = &self.seen
            && let Ok(mut seen) = seen.lock()
        {
            seen.hasher.update(&buffer[..count]);
            seen.size += count as u64;
            seen.ended |= count == 0 && !buffer.is_empty();
        }
        Ok(count)
    }
}

fn digest_of(file: &OpenFile, mut hasher: Hasher) -> io::Result<Digests> {
    let mut reader = file.reader();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// The name of the one entry of a compressed file that holds no archive.
fn entry_name(path: &Path) -> Vec<u8> {
    let name = path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
    for suffix in [&b".gz"[..], b".zst", b".zstd"] {
        if let Some(stem) = name.strip_suffix(suffix).filter(|stem| !stem.is_empty()) {
            return stem.to_vec();
        }
    }
    if name.is_empty() || name == b"-" { b"data".to_vec() } else { name }
}

/// The defect of an input that is no container.
pub(super) fn unknown(head: &[u8]) -> Anomaly {
    let detail = format!(
        "expected a directory or a tar, plain or compressed with gzip or zstd; {}",
        compress::describe_unknown(head)
    );
    Anomaly::container(Defect::ContainerFormat, detail)
}
