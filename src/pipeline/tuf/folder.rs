//! Folders of the operator, opened once: files are read below the handle without following links, and written beside
//! their name, then renamed.

use crate::pipeline::error::EnvironmentError;
use crate::pipeline::tree::open_beneath;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// An opened folder.
#[derive(Debug)]
pub(super) struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

/// A folder that is made when the first file is written into it.
#[derive(Debug)]
pub(super) struct Destination {
    path: PathBuf,
    folder: Option<Folder>,
}

impl Destination {
    /// Opens `path` where it is there already.
    pub(super) fn open(path: &Path) -> Result<Self, EnvironmentError> {
        let there = path.symlink_metadata().is_ok();
        Ok(Destination { path: path.into(), folder: there.then(|| Folder::open(path)).transpose()? })
    }

    /// The folder, where it is there.
    pub(super) fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref()
    }

    /// The folder, made where it is not there.
    pub(super) fn made(&mut self) -> Result<&Folder, EnvironmentError> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => {
                std::fs::create_dir_all(&self.path).map_err(|error| EnvironmentError::write(&self.path, error))?;
                Folder::open(&self.path)?
            }
        };
        Ok(self.folder.insert(folder))
    }
}

/// What was found under a name.
#[derive(Debug)]
pub(super) enum Found<T> {
    /// A regular file.
    File(T),
    /// Nothing.
    Absent,
    /// Something that is not read: a link, a directory, a device, a file that is too large.
    Unusable(String),
}

impl Folder {
    /// Opens an existing folder.
    pub(super) fn open(path: &Path) -> Result<Self, EnvironmentError> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let handle =
            rustix::fs::open(path, flags, Mode::empty()).map_err(|e| EnvironmentError::read(path, e.into()))?;
        Ok(Folder { handle, path: path.into() })
    }

    /// Opens the regular file `name` (components separated by `/`; never through a link), and returns its size.
    pub(super) fn open_file(&self, name: &str) -> Result<Found<(File, u64)>, EnvironmentError> {
        let fail = |error| EnvironmentError::read(self.path.join(name), error);
        let file = match open_beneath(&self.handle, name.as_bytes()) {
            Ok(file) => file,
            Err(error) => {
                return match Errno::from_io_error(&error) {
                    Some(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => Ok(Found::Absent),
                    Some(Errno::LOOP | Errno::XDEV) => Ok(Found::Unusable("a link, which is not followed".into())),
                    Some(Errno::NXIO) => Ok(Found::Unusable("a socket or device".into())),
                    _ => Err(fail(error)),
                };
            }
        };
        let meta = file.metadata().map_err(fail)?;
        if !meta.is_file() {
            return Ok(Found::Unusable("no regular file".into()));
        }
        Ok(Found::File((file, meta.len())))
    }

    /// Reads the whole regular file `name` of at most `limit` bytes.
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Found<Vec<u8>>, EnvironmentError> {
        let file = match self.open_file(name)? {
            Found::File((file, _)) => file,
            Found::Absent => return Ok(Found::Absent),
            Found::Unusable(why) => return Ok(Found::Unusable(why)),
        };
        let mut bytes = Vec::new();
        let read = file.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| EnvironmentError::read(self.path.join(name), error))?;
        if bytes.len() as u64 > limit {
            return Ok(Found::Unusable(format!("expected at most {limit} bytes, found more")));
        }
        Ok(Found::File(bytes))
    }

    /// Begins the file `name` (one component) under a name of its own.
    pub(super) fn begin(&self, name: &str) -> Result<Beside<'_>, EnvironmentError> {
        let beside = format!(".{name}.{}.part", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
        let open = || rustix::fs::openat(&self.handle, beside.as_str(), flags, mode);
        let opened = match open() {
            // Left over by a process of the same number that was killed.
            Err(Errno::EXIST) => {
                self.remove(&beside)?;
                open()
            }
            other => other,
        };
        let file = opened.map_err(|errno| EnvironmentError::write(self.path.join(name), errno.into()))?;
        Ok(Beside { folder: self, name: name.into(), beside, file: Some(file.into()) })
    }

    /// Gives `name` (one component) this content, whole or not at all. The same content is left alone.
    pub(super) fn store(&self, name: &str, bytes: &[u8]) -> Result<(), EnvironmentError> {
        if let Ok(Found::File(stored)) = self.read(name, bytes.len() as u64)
            && stored == bytes
        {
            return Ok(());
        }
        let mut beside = self.begin(name)?;
        beside.write(bytes)?;
        beside.publish()
    }

    /// Removes `name`, where it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), EnvironmentError> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(EnvironmentError::write(self.path.join(name), errno.into())),
        }
    }

    /// The names in the folder.
    pub(super) fn names(&self) -> Result<Vec<OsString>, EnvironmentError> {
        let fail = |error: io::Error| EnvironmentError::read(&self.path, error);
        let entries = std::fs::read_dir(&self.path).map_err(fail)?;
        entries.map(|entry| entry.map(|entry| entry.file_name()).map_err(fail)).collect()
    }
}

/// A file that does not have its name yet. Dropped without [`Beside::publish`], it is removed.
#[derive(Debug)]
pub(super) struct Beside<'a> {
    folder: &'a Folder,
    name: String,
    beside: String,
    file: Option<File>,
}

impl Beside<'_> {
    /// Appends.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), EnvironmentError> {
        let outcome = self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes));
        outcome.map_err(|error| EnvironmentError::write(self.folder.path.join(&self.name), error))
    }

    /// Gives it its name, in the place of whatever had it: a link there is replaced, not followed.
    pub(super) fn publish(mut self) -> Result<(), EnvironmentError> {
        let folder = self.folder;
        let fail = |error: io::Error| EnvironmentError::write(folder.path.join(&self.name), error);
        if let Some(file) = &self.file {
            file.sync_all().map_err(fail)?;
        }
        let handle = &folder.handle;
        rustix::fs::renameat(handle, self.beside.as_str(), handle, self.name.as_str()).map_err(|e| fail(e.into()))?;
        self.file = None;
        Ok(())
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = rustix::fs::unlinkat(&self.folder.handle, self.beside.as_str(), AtFlags::empty());
        }
    }
}
