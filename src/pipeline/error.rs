//! Why no answer could be formed. A bad bundle is an answer and never one of these.

use std::io;
use std::path::PathBuf;

/// The environment failed: exit code 4.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// A file or directory could not be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A file has another size or time after reading than before.
    #[error("{} changed while it was read; nothing can be said about it", path.display())]
    Changed {
        /// What changed.
        path: PathBuf,
    },
    /// The input is neither a file, nor a directory, nor a pipe.
    #[error("{} is no file, directory or pipe", path.display())]
    NotReadable {
        /// The input.
        path: PathBuf,
    },
    /// An output file exists and `--force` was not given.
    #[error("{} exists; give another name or add --force", path.display())]
    Exists {
        /// The output file.
        path: PathBuf,
    },
    /// There is no room for what is to be written.
    #[error("{} bytes are needed below {} and {free} are free; make room, or where the verb has --only, choose a part with it", needed, path.display())]
    NoSpace {
        /// Where it was to be written.
        path: PathBuf,
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The first of two targets was written, and the second was not.
    #[error("{source}; the tree at {} is whole and stays", path.display())]
    Partly {
        /// The first.
        path: PathBuf,
        /// Why the second was not.
        source: Box<EnvironmentError>,
    },
    /// A signal ended the run.
    #[error("ended by signal {signal}: nothing was written to {}", path.display())]
    Interrupted {
        /// The number of the signal.
        signal: u8,
        /// What was to be written.
        path: PathBuf,
    },
    /// Threads could not be started.
    #[error("cannot start {jobs} threads: {reason}")]
    Threads {
        /// How many were asked for.
        jobs: usize,
        /// The operating system's answer.
        reason: String,
    },
}

impl EnvironmentError {
    /// The operating system gave no more threads.
    pub fn threads(jobs: usize, source: &io::Error) -> Self {
        EnvironmentError::Threads { jobs, reason: source.to_string() }
    }

    /// A read error at `path`.
    pub fn read(path: impl Into<PathBuf>, source: io::Error) -> Self {
        EnvironmentError::Read { path: path.into(), source }
    }

    /// A write error at `path`.
    pub fn write(path: impl Into<PathBuf>, source: io::Error) -> Self {
        EnvironmentError::Write { path: path.into(), source }
    }
}
