//! Scanning a directory: walked without following links, every file opened below the directory's handle, hashed by all
//! threads.

use super::error::EnvironmentError;
use super::meter::{Form, Measured};
use super::progress::Progress;
use super::random::run_tasks;
use super::record::Recorder;
use super::scan::{ScanError, ScanOptions};
use super::sink::{Intake, Sink};
use super::source::times;
use crate::format::anomaly::{Anomaly, Defect};
use crate::format::inventory::{EntryIndex, EntryKind};
use crate::format::tar::Member;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::Mutex;

/// Entries over this size are hashed first, longest first.
const LARGE: u64 = 8 << 20;
/// Small files of one task, together at most 1 MiB: fewer trips to the counter and the lock.
const BATCH_FILES: usize = 16;
const BATCH_BYTES: u64 = 1 << 20;
/// setuid and setgid; on directories setgid is how shared folders are kept, so only files are judged.
const SET_ID: u32 = 0o6000;

pub(super) fn scan(
    root: &OwnedFd,
    base: &Path,
    options: &ScanOptions,
    progress: &Progress,
    recorder: &mut Recorder,
    sink: &impl Sink,
) -> Result<(), ScanError> {
    recorder.inventory().container.push("directory");
    let mut files = Vec::new();
    for (index, size) in walk(base, options, recorder)? {
        if sink.admit(index, recorder.inventory().entry(index))? {
            files.push((index, size));
        }
    }
    progress.expect(files.iter().map(|(_, size)| size).sum());
    // In the order of the walk: which document is one too many must not depend on threads.
    let mut documents = HashSet::new();
    for (index, _) in &files {
        if recorder.wants(*index)? {
            documents.insert(*index);
        }
    }
    // And which databases are copied.
    let forms = files.iter().map(|(index, _)| (*index, recorder.form(*index)));
    let forms: HashMap<EntryIndex, Form> = forms.filter(|(_, form)| *form != Form::Opaque).collect();
    let tasks = plan(files);
    let recorder = Mutex::new(recorder);
    run_tasks(options.jobs, tasks.len(), |buffer, number| {
        for index in &tasks[number] {
            let (name, size, mtime) = match recorder.lock() {
                Ok(mut recorder) => {
                    let entry = recorder.inventory().entry(*index);
                    (entry.path.clone(), entry.size, entry.mtime)
                }
                Err(_) => return Ok(()),
            };
            let mut document = documents.contains(index).then(Vec::new);
            let of = (*index, forms.get(index).copied().unwrap_or(Form::Opaque));
            let measured =
                read_file(root, base, &name, (size, mtime), buffer, (sink, of), document.as_mut(), progress)?;
            if let Ok(mut recorder) = recorder.lock() {
                recorder.measured(*index, measured);
                if let Some(document) = document {
                    recorder.document(*index, document);
                }
            }
            progress.add_entries(1);
        }
        Ok(())
    })
}

/// Lists everything below `path`; returns the regular files with their sizes.
fn walk(path: &Path, options: &ScanOptions, recorder: &mut Recorder) -> Result<Vec<(EntryIndex, u64)>, ScanError> {
    let mut files = Vec::new();
    let (mut total, mut device, mut mounts) = (0u64, None, 0u64);
    for found in walkdir::WalkDir::new(path).follow_links(false).sort_by_file_name() {
        let found = found.map_err(|error| walk_error(path, error))?;
        let meta = found.metadata().map_err(|error| walk_error(path, error))?;
        mounts += u64::from(meta.dev() != *device.get_or_insert(meta.dev()));
        let name = found.path().strip_prefix(path).unwrap_or(found.path()).as_os_str().as_bytes();
        if name.is_empty() {
            continue;
        }
        let kind = kind_of(meta.file_type());
        let link = match kind {
            EntryKind::Symlink => {
                let target = std::fs::read_link(found.path()).map_err(|e| EnvironmentError::read(found.path(), e))?;
                Some(target.as_os_str().as_bytes().to_vec())
            }
            _ => None,
        };
        let size = if kind == EntryKind::File { meta.len() } else { 0 };
        let mode = meta.mode() & if kind == EntryKind::File { 0o777 | SET_ID } else { 0o777 };
        let member = Member {
            path: name.to_vec(),
            kind,
            size,
            stored: size,
            offset: 0,
            mode,
            mtime: meta.mtime(),
            link,
            sparse: false,
            owned: false,
        };
        let index = recorder.add(member)?;
        if kind == EntryKind::File {
            total = total.saturating_add(size);
            files.push((index, size));
        }
        if total > options.limits.max_bytes {
            let detail = format!("more than {} bytes; raise --max-bytes to read on", options.limits.max_bytes);
            return Err(Anomaly::container(Defect::LimitBytes, detail).into());
        }
    }
    if mounts > 0 {
        recorder
            .inventory()
            .remarks
            .push(format!("{mounts} entries lie on other file systems mounted below the directory"));
    }
    Ok(files)
}

fn walk_error(path: &Path, error: walkdir::Error) -> ScanError {
    let at = error.path().unwrap_or(path).to_path_buf();
    EnvironmentError::read(at, error.into_io_error().unwrap_or_else(|| io::Error::other("a loop of links"))).into()
}

fn kind_of(kind: std::fs::FileType) -> EntryKind {
    match kind {
        k if k.is_file() => EntryKind::File,
        k if k.is_dir() => EntryKind::Dir,
        k if k.is_symlink() => EntryKind::Symlink,
        k if k.is_fifo() => EntryKind::Fifo,
        k if k.is_char_device() => EntryKind::CharDevice,
        k if k.is_block_device() => EntryKind::BlockDevice,
        _ => EntryKind::Socket,
    }
}

/// Each large file alone and first; the small ones in name order, several to a task.
fn plan(files: Vec<(EntryIndex, u64)>) -> Vec<Vec<EntryIndex>> {
    let (mut large, small): (Vec<_>, Vec<_>) = files.into_iter().partition(|(_, size)| *size > LARGE);
    large.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let mut tasks: Vec<Vec<EntryIndex>> = large.into_iter().map(|(index, _)| vec![index]).collect();
    let mut room = 0;
    for (index, size) in small {
        match tasks.last_mut() {
            Some(batch) if room >= size && batch.len() < BATCH_FILES => batch.push(index),
            _ => {
                tasks.push(vec![index]);
                room = BATCH_BYTES;
            }
        }
        room = room.saturating_sub(size);
    }
    tasks
}

#[allow(clippy::too_many_arguments)]
fn read_file(
    root: &OwnedFd,
    base: &Path,
    name: &[u8],
    expected: (u64, i64),
    buffer: &mut [u8],
    (sink, of): (&impl Sink, (EntryIndex, Form)),
    mut document: Option<&mut Vec<u8>>,
    progress: &Progress,
) -> Result<Measured, ScanError> {
    let at = || base.join(std::ffi::OsStr::from_bytes(name));
    let fail = |error: io::Error| EnvironmentError::read(at(), error);
    let mut file = open_beneath(root, name).map_err(fail)?;
    // The listing has whole seconds; what is written while it is read may leave size and second as they were.
    let opened = times(&file.metadata().map_err(fail)?);
    let (mut meter, mut total) = (sink.start(of.0, of.1), 0);
    loop {
        let count = match file.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(fail(error).into()),
        };
        sink.pulse()?;
        meter.update(&buffer[..count]);
        if let Some(document) = document.as_deref_mut() {
            document.extend_from_slice(&buffer[..count]);
        }
        total += count as u64;
        progress.add_bytes(count as u64);
        // One short read at the expected size is the end; asking again would cost a system call a file.
        if count == 0 || (total == expected.0 && count < buffer.len()) || total > expected.0 {
            break;
        }
    }
    let meta = file.metadata().map_err(fail)?;
    let unchanged = (meta.len(), meta.mtime()) == expected && times(&meta) == opened;
    if !meta.is_file() || !unchanged || total != expected.0 {
        return Err(EnvironmentError::Changed { path: at() }.into());
    }
    Ok(meter.finish())
}

/// Opens `name` below `root` without following any link, in any component.
pub(super) fn open_beneath(root: &OwnedFd, name: &[u8]) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(root, name, flags, Mode::empty(), resolve) {
        Ok(file) => Ok(file.into()),
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => open_step_by_step(root, name, flags),
        Err(errno) => Err(errno.into()),
    }
}

/// The same where the kernel is older than 5.6 or a sandbox forbids `openat2`: component by component.
fn open_step_by_step(root: &OwnedFd, name: &[u8], flags: OFlags) -> io::Result<File> {
    let mut parts: Vec<&[u8]> = name.split(|c| *c == b'/').collect();
    let last = parts.pop().unwrap_or(name);
    let mut at = root.try_clone()?;
    for part in parts {
        let step = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::PATH;
        at = rustix::fs::openat(&at, part, step, Mode::empty())?;
    }
    Ok(rustix::fs::openat(&at, last, flags, Mode::empty())?.into())
}
