//! Making files and folders below a directory handle: no component of a name is ever followed through a link, and nothing
//! that exists is opened.

use crate::format::time::Time;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, ResolveFlags, StatxFlags, Timespec, Timestamps};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Mode of folders.
const FOLDER: u32 = 0o755;

/// A folder that this run has made, and everything below it.
#[derive(Debug)]
pub(super) struct Tree {
    root: OwnedFd,
    /// The mask of the process or the folder's rules change modes, so each is set by itself.
    masked: bool,
}

impl Tree {
    /// Makes the folder `name` in `parent`.
    pub(super) fn make(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<Tree> {
        rustix::fs::mkdirat(parent, name, Mode::from(FOLDER))?;
        let root = open_folder(parent, name)?;
        let masked = rustix::fs::fstat(&root)?.st_mode & 0o7777 != FOLDER;
        if masked {
            rustix::fs::fchmod(&root, Mode::from(FOLDER))?;
        }
        Ok(Tree { root, masked })
    }

    /// The folder itself.
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Creates the file `name`, which must not exist, with exactly this mode.
    pub(super) fn create(&self, name: &[u8], mode: u32) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file: File = open_beneath(self.root(), name, flags, Mode::from(mode))?.into();
        if self.masked {
            rustix::fs::fchmod(&file, Mode::from(mode))?;
        }
        Ok(file)
    }

    /// Opens the file `name` to be read.
    pub(super) fn open(&self, name: &[u8]) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(open_beneath(self.root(), name, flags, Mode::empty())?.into())
    }

    /// Makes `folders`, each after the one that it lies in.
    pub(super) fn make_folders<'a>(&self, folders: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
        let mut held: (&[u8], Option<OwnedFd>) = (b"", None);
        for name in folders {
            let (parent, own) = split(name);
            if held.1.is_none() || held.0 != parent {
                held = (parent, Some(self.folder(parent)?));
            }
            let Some(at) = &held.1 else { continue };
            rustix::fs::mkdirat(at, own, Mode::from(FOLDER))?;
            if self.masked {
                rustix::fs::fchmod(open_folder(at.as_fd(), own)?, Mode::from(FOLDER))?;
            }
        }
        Ok(())
    }

    /// Removes the file `name`, or the folder, which must be empty.
    pub(super) fn remove(&self, name: &[u8], is_folder: bool) -> io::Result<()> {
        let (parent, own) = split(name);
        let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        Ok(rustix::fs::unlinkat(self.folder(parent)?, own, flags)?)
    }

    /// Makes the symbolic link `name`, which must not exist.
    pub(super) fn link(&self, target: &[u8], name: &[u8]) -> io::Result<()> {
        let (parent, own) = split(name);
        Ok(rustix::fs::symlinkat(target, self.folder(parent)?, own)?)
    }

    /// Sets the time of modification of a folder.
    pub(super) fn set_time(&self, name: &[u8], mtime: i64) -> io::Result<()> {
        Ok(rustix::fs::futimens(self.folder(name)?, &times(mtime))?)
    }

    /// The folder `name`; the root where it is empty.
    fn folder(&self, name: &[u8]) -> io::Result<OwnedFd> {
        if name.is_empty() {
            return self.root.try_clone();
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        open_beneath(self.root(), name, flags, Mode::empty())
    }
}

/// Access and modification at one time, in seconds since 1970.
pub(super) fn times(mtime: i64) -> Timestamps {
    // What no clock can show is not handed to a file system.
    let second = if Time::from_second(mtime).is_ok() { mtime } else { 0 };
    let at = Timespec { tv_sec: second, tv_nsec: 0 };
    Timestamps { last_access: at, last_modification: at }
}

fn split(name: &[u8]) -> (&[u8], &[u8]) {
    name.iter().rposition(|c| *c == b'/').map_or((&b""[..], name), |slash| (&name[..slash], &name[slash + 1..]))
}

/// The folder `name` in `parent`, itself and no link to it.
pub(super) fn open_folder(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?)
}

fn open_beneath(root: BorrowedFd<'_>, name: &[u8], flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(root, name, flags, mode, resolve) {
        Ok(file) => Ok(file),
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => step_by_step(root, name, flags, mode),
        Err(errno) => Err(errno.into()),
    }
}

/// The same where the kernel is older than 5.6 or a sandbox forbids `openat2`. Names have neither `..` nor empty components.
fn step_by_step(root: BorrowedFd<'_>, name: &[u8], flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    let (parent, own) = split(name);
    let mut at = root.try_clone_to_owned()?;
    for part in parent.split(|c| *c == b'/').filter(|part| !part.is_empty()) {
        if part == b".." {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let step = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::PATH;
        at = rustix::fs::openat(&at, part, step, Mode::empty())?;
    }
    Ok(rustix::fs::openat(&at, own, flags, mode)?)
}

/// Removes everything below `root`. Folders inside folders are first moved up to `root`, so neither the stack nor the number
/// of open files depends on how deep they lie.
///
/// # Errors
/// Also where another file system, or another part of this one, is mounted below it: what lies there is not ours to remove.
pub(super) fn clear(root: BorrowedFd<'_>) -> io::Result<()> {
    let mut number = 0u64;
    let own = mount_of(root)?;
    loop {
        let found = list(root)?;
        if found.is_empty() {
            return Ok(());
        }
        for (name, is_folder) in found {
            if !is_folder {
                rustix::fs::unlinkat(root, name.as_slice(), AtFlags::empty())?;
                continue;
            }
            let folder = open_folder(root, &name)?;
            if mount_of(folder.as_fd())? != own {
                return Err(io::Error::other("something is mounted below it"));
            }
            for (inner, is_folder) in list(folder.as_fd())? {
                if !is_folder {
                    rustix::fs::unlinkat(&folder, inner.as_slice(), AtFlags::empty())?;
                    continue;
                }
                loop {
                    number += 1;
                    let moved = format!(".{number}");
                    let flags = RenameFlags::NOREPLACE;
                    match rustix::fs::renameat_with(&folder, inner.as_slice(), root, moved.as_str(), flags) {
                        Err(rustix::io::Errno::EXIST) => {}
                        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                            rustix::fs::renameat(&folder, inner.as_slice(), root, moved.as_str())?;
                            break;
                        }
                        outcome => {
                            outcome?;
                            break;
                        }
                    }
                }
            }
            rustix::fs::unlinkat(root, name.as_slice(), AtFlags::REMOVEDIR)?;
        }
    }
}

/// Which mount a folder lies in, and which file system: one of the two tells every mount, on kernels that do not say the first.
fn mount_of(folder: BorrowedFd<'_>) -> io::Result<(u64, u32, u32)> {
    let found = rustix::fs::statx(folder, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?;
    Ok((found.stx_mnt_id, found.stx_dev_major, found.stx_dev_minor))
}

/// Names in a folder, each with whether it is a folder itself.
pub(super) fn list(folder: BorrowedFd<'_>) -> io::Result<Vec<(Vec<u8>, bool)>> {
    let mut found = Vec::new();
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let is_folder = match entry.file_type() {
            FileType::Unknown => {
                let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(stat.st_mode) == FileType::Directory
            }
            kind => kind == FileType::Directory,
        };
        found.push((name.to_vec(), is_folder));
    }
    Ok(found)
}
