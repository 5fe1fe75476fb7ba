//! The private folder in which a tree grows until it is whole, beside the place where it is to lie; and what dead runs have
//! left there.
//!
//! A staging folder holds a lock file and the tree. Whoever works in it holds a lock on that file, which ends with the
//! process however it ends; so a staging folder whose lock is free belongs to nobody, and the next run removes it.

use super::beneath::{self, Tree};
use crate::pipeline::error::EnvironmentError;
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// With what the names of staging folders begin.
pub const PREFIX: &str = ".portcullis-staging-";
const LOCK: &str = "lock";
const TREE: &[u8] = b"tree";
/// What was at the target, where two names cannot be exchanged in one step.
const OLD: &[u8] = b"old";
/// Random characters of a name.
const RANDOM: usize = 16;
/// Another run may take a new folder for an abandoned one; then another is made.
const TRIES: usize = 16;

/// Whether a path (untrusted) has a component that could be taken for a staging folder: a later run would remove what lies there.
pub(super) fn is_reserved(path: &[u8]) -> bool {
    path.split(|c| *c == b'/').any(|part| part.starts_with(PREFIX.as_bytes()))
}

/// Where a tree is to lie: a name in a folder that is held open.
#[derive(Debug)]
pub(super) struct Target {
    parent: OwnedFd,
    name: Vec<u8>,
    path: PathBuf,
    /// Whether there is something that `--force` replaces.
    occupied: bool,
    /// The mode of an empty folder that lies there.
    empty: Option<u32>,
}

impl Target {
    /// Looks at `path` and holds its parent folder open.
    ///
    /// # Errors
    /// The parent cannot be opened, or there is something that may not be replaced.
    pub(super) fn open(path: &Path, force: bool) -> Result<Target, EnvironmentError> {
        let fail = |error: io::Error| EnvironmentError::write(path, error);
        let invalid = || fail(io::Error::new(io::ErrorKind::InvalidInput, "the path does not end with a name"));
        let name = path.file_name().ok_or_else(invalid)?.as_bytes().to_vec();
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = rustix::fs::open(parent, flags, Mode::empty())
            .map_err(|errno| EnvironmentError::write(parent, errno.into()))?;
        let (occupied, empty) = match beneath::open_folder(parent.as_fd(), &name) {
            Ok(folder) => {
                let occupied = !beneath::list(folder.as_fd()).map_err(fail)?.is_empty();
                let mode = rustix::fs::fstat(&folder).map_err(|errno| fail(errno.into()))?.st_mode & 0o7777;
                (occupied, Some(mode).filter(|_| !occupied))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (false, None),
            // A file, or a link: neither is replaced by a folder, whatever was said.
            Err(error) if matches!(error.raw_os_error(), Some(code) if code == Errno::NOTDIR.raw_os_error() || code == Errno::LOOP.raw_os_error()) =>
            {
                return Err(fail(io::Error::new(
                    io::ErrorKind::NotADirectory,
                    "there is something that is no directory",
                )));
            }
            Err(error) => return Err(fail(error)),
        };
        if occupied && !force {
            return Err(EnvironmentError::Exists { path: path.into() });
        }
        Ok(Target { parent, name, path: path.into(), occupied, empty })
    }

    /// The path as given.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder in which the target lies.
    pub(super) fn parent(&self) -> BorrowedFd<'_> {
        self.parent.as_fd()
    }

    /// Bytes that are free there.
    pub(super) fn free(&self) -> Result<u64, EnvironmentError> {
        let stat = rustix::fs::fstatvfs(&self.parent).map_err(|errno| self.failed(errno.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn failed(&self, error: io::Error) -> EnvironmentError {
        EnvironmentError::write(&self.path, error)
    }
}

/// A staging folder of this run. It is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Staging {
    target: Target,
    name: String,
    folder: OwnedFd,
    tree: Tree,
    lock: File,
    /// How the tree got its name, once it has: then what lay there is of no use any more.
    published: Option<Moved>,
}

impl Staging {
    /// Removes what dead runs have left beside `target`, and makes a staging folder there.
    pub(super) fn make(target: Target) -> Result<Staging, EnvironmentError> {
        for _ in 0..TRIES {
            match Self::try_make(&target.parent) {
                Ok(Some((name, folder, lock))) => {
                    let tree = Tree::make(folder.as_fd(), TREE).map_err(|error| target.failed(error));
                    let staging = Staging { tree: tree?, target, name, folder, lock, published: None };
                    staging.remove_abandoned();
                    return Ok(staging);
                }
                Ok(None) => {}
                Err(error) => return Err(target.failed(error)),
            }
        }
        Err(target
            .failed(io::Error::other("no staging folder could be made beside it: others remove it again and again")))
    }

    /// `None` where another run took the new folder for an abandoned one before it was locked.
    fn try_make(parent: &OwnedFd) -> io::Result<Option<(String, OwnedFd, File)>> {
        let mut name = String::new();
        // The path is of no use, since everything is made below handles; the names are.
        let made = tempfile::Builder::new().prefix(PREFIX).rand_bytes(RANDOM).make_in("", |path| {
            name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Ok(rustix::fs::mkdirat(parent, name.as_str(), Mode::from(0o700))?)
        })?;
        // Nothing at this path relative to the working directory is ours.
        let _ = made.into_temp_path().keep();
        let folder = match beneath::open_folder(parent.as_fd(), name.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            folder => folder?,
        };
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let lock: File = match rustix::fs::openat(&folder, LOCK, flags, Mode::from(0o600)) {
            Err(Errno::NOENT | Errno::EXIST) => return Ok(None),
            lock => lock?.into(),
        };
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(None),
            // A file system without locks: nobody can tell that the folder is in use, and nobody removes it.
            Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOLCK) => {}
            outcome => outcome?,
        }
        Ok((rustix::fs::fstat(&lock)?.st_nlink > 0).then_some((name, folder, lock)))
    }

    /// The tree.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Where the tree lies now, for a reader of files.
    pub(super) fn place(&self) -> PathBuf {
        self.target.path.with_file_name(&self.name).join("tree")
    }

    /// Where it is to lie.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Its name beside the target.
    #[cfg(test)]
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Removes what was written so far.
    pub(super) fn clear(&self) -> io::Result<()> {
        beneath::clear(self.tree.root())
    }

    /// Removes staging folders of this user whose lock is free. One that cannot be removed stays.
    fn remove_abandoned(&self) {
        let Ok(own) = rustix::fs::fstat(&self.folder) else { return };
        for (name, is_folder) in beneath::list(self.target.parent()).unwrap_or_default() {
            if is_folder && name.starts_with(PREFIX.as_bytes()) && name != self.name.as_bytes() {
                let _ = remove_if_abandoned(self.target.parent(), &name, &own);
            }
        }
    }

    /// Writes everything to the medium and gives the tree its name, in one step. What lay there before is kept in the staging
    /// folder until [`Staging::finish`], and comes back with [`Staging::take_back`].
    ///
    /// # Errors
    /// The medium failed, or there is something now that may not be replaced. Then nothing lies under the name, or what lay
    /// there before.
    pub(super) fn publish(&mut self, force: bool) -> Result<(), EnvironmentError> {
        let target = &self.target;
        rustix::fs::syncfs(self.tree.root()).map_err(|errno| target.failed(errno.into()))?;
        let moved = self.rename(force).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => {
                EnvironmentError::Exists { path: target.path.clone() }
            }
            _ => target.failed(error),
        })?;
        self.published = Some(moved);
        // The name that was renamed must have been that of the tree: who may write to the parent folder could exchange it. Then
        // nothing is moved back over what is there now, and what lay there before is kept under a name that no run removes.
        if self.check_own(self.target.parent(), &self.target.name).is_err() {
            if moved == Moved::Exchanged {
                let _ = rustix::fs::renameat(&self.folder, TREE, &self.folder, OLD);
            }
            self.published = None;
            return Err(EnvironmentError::Changed { path: self.target.path.clone() });
        }
        if let Err(errno) = rustix::fs::fsync(&self.target.parent) {
            let error = self.target.failed(errno.into());
            // What cannot be moved back stays: a whole tree under its name.
            let _ = self.give_back();
            return Err(error);
        }
        Ok(())
    }

    /// Takes the tree's name away again and gives it back to what lay there before, because another target could not get its.
    ///
    /// # Errors
    /// The tree stays where it is, whole.
    pub(super) fn take_back(mut self) -> io::Result<()> {
        self.give_back()
    }

    fn give_back(&mut self) -> io::Result<()> {
        let (from, to, name) = (&self.folder, &self.target.parent, self.target.name.as_slice());
        let Some(moved) = self.published else { return Ok(()) };
        // What lies under the name may be another's by now, which is not ours to move, let alone to remove.
        if let Err(error) = self.check_own(to.as_fd(), name) {
            // What lay there before is kept under a name that no run removes.
            if moved == Moved::Exchanged {
                let _ = rustix::fs::renameat(from, TREE, from, OLD);
            }
            self.published = None;
            return Err(error);
        }
        let undo = || match moved {
            Moved::Exchanged => rustix::fs::renameat_with(from, TREE, to, name, RenameFlags::EXCHANGE),
            Moved::Alone | Moved::Aside => rustix::fs::renameat(to, name, from, TREE),
        };
        undo()?;
        if let Err(error) = self.check_own(from.as_fd(), TREE) {
            // It was exchanged between the look and the move: back with it.
            match moved {
                Moved::Exchanged => undo()?,
                Moved::Alone | Moved::Aside => rustix::fs::renameat(from, TREE, to, name)?,
            }
            return Err(error);
        }
        if moved == Moved::Aside {
            rustix::fs::renameat(from, OLD, to, name)?;
        }
        if let Some(mode) = self.target.empty.filter(|_| moved == Moved::Alone) {
            rustix::fs::mkdirat(to, name, Mode::from(mode))?;
        }
        self.published = None;
        Ok(())
    }

    /// Fails where the folder `name` is not the tree of this run.
    fn check_own(&self, parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
        let there = beneath::open_folder(parent, name).and_then(|folder| identity(&folder));
        match (there, identity(self.tree.root())) {
            (Ok(there), Ok(own)) if there == own => Ok(()),
            _ => Err(io::Error::other("something else lies there now")),
        }
    }

    /// Removes what lay there before. Returns the staging folder where that could not be removed whole.
    pub(super) fn finish(self) -> Option<PathBuf> {
        let left = remove(self.target.parent(), self.name.as_bytes(), self.folder.as_fd(), Old::Superseded).is_err();
        left.then(|| self.target.path.with_file_name(&self.name))
    }

    fn rename(&self, force: bool) -> io::Result<Moved> {
        let (from, to, name) = (&self.folder, &self.target.parent, self.target.name.as_slice());
        if !force || !self.target.occupied {
            // An empty folder is replaced by renaming over it; one that is no longer empty is not.
            rustix::fs::renameat(from, TREE, to, name)?;
            return Ok(Moved::Alone);
        }
        match rustix::fs::renameat_with(from, TREE, to, name, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            // What was there is gone in the meantime.
            Err(Errno::NOENT) => {
                rustix::fs::renameat(from, TREE, to, name)?;
                return Ok(Moved::Alone);
            }
            outcome => {
                outcome?;
                // What came back may have appeared there since the target was looked at: a file is never replaced.
                return check_folder(from, TREE).map(|()| Moved::Exchanged).or_else(|error| {
                    rustix::fs::renameat_with(from, TREE, to, name, RenameFlags::EXCHANGE)?;
                    Err(error)
                });
            }
        }
        // Two steps, where the file system cannot exchange names: between them nothing lies under the name.
        rustix::fs::renameat(to, name, from, OLD)?;
        let moved = check_folder(from, OLD).and_then(|()| Ok(rustix::fs::renameat(from, TREE, to, name)?));
        moved.map(|()| Moved::Aside).or_else(|error| {
            rustix::fs::renameat(from, OLD, to, name).map_err(|errno| {
                let own = self.name.as_str();
                io::Error::other(format!("{error}; what lay there could not be moved back ({errno}) and is {own}/old"))
            })?;
            Err(error)
        })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed is left for the next run: its lock ends with this one.
        let old = if self.published.is_some() { Old::Superseded } else { Old::Only };
        let _ = remove(self.target.parent(), self.name.as_bytes(), self.folder.as_fd(), old);
        let _ = rustix::fs::flock(&self.lock, FlockOperation::Unlock);
    }
}

/// How a tree got its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    /// Nothing lay there, or an empty folder.
    Alone,
    /// What lay there has the name that the tree had.
    Exchanged,
    /// What lay there was moved away first.
    Aside,
}

fn identity(folder: impl AsFd) -> io::Result<(u64, u64)> {
    let stat = rustix::fs::fstat(folder)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// Fails where `name` is no folder.
fn check_folder(parent: &OwnedFd, name: &[u8]) -> io::Result<()> {
    let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Ok(());
    }
    let why = "there is something now that is no directory";
    Err(io::Error::new(io::ErrorKind::NotADirectory, why))
}

/// What a tree is that was moved away from the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Old {
    /// The new tree lies in its place.
    Superseded,
    /// Perhaps the only one: whoever moved it may have ended before the new tree got its name.
    Only,
}

/// Empties the staging folder, the lock last, and removes it. One that holds what may be the only copy of a tree is left.
fn remove(parent: BorrowedFd<'_>, name: &[u8], folder: BorrowedFd<'_>, old: Old) -> io::Result<()> {
    let old_there = !matches!(rustix::fs::statat(folder, OLD, AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT));
    if old == Old::Only && old_there {
        return Err(io::Error::other("it holds what lay at the target"));
    }
    for inner in [TREE, OLD] {
        match beneath::open_folder(folder, inner) {
            Ok(tree) => {
                beneath::clear(tree.as_fd())?;
                rustix::fs::unlinkat(folder, inner, AtFlags::REMOVEDIR)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    match rustix::fs::unlinkat(folder, LOCK, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno.into()),
    }
    Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}

fn remove_if_abandoned(parent: BorrowedFd<'_>, name: &[u8], own: &Stat) -> io::Result<()> {
    let folder = beneath::open_folder(parent, name)?;
    if rustix::fs::fstat(&folder)?.st_uid != own.st_uid {
        return Ok(());
    }
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let lock = match rustix::fs::openat(&folder, LOCK, flags, Mode::empty()) {
        // Ended before there was a lock: then there is nothing else either, and only an empty folder is removed.
        Err(Errno::NOENT) => return Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?),
        lock => lock?,
    };
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    remove(parent, name, folder.as_fd(), Old::Only)
}

#[cfg(test)]
#[path = "staging_tests.rs"]
mod tests;
