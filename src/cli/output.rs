//! Where reports go: standard output, or a file that appears only when it is whole.

use super::exit::Failure;
use crate::pipeline::endpoint::{self, Descriptor};
use crate::pipeline::error::EnvironmentError;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

/// A closed standard output is no failure: whoever reads has read enough.
pub(super) fn tolerate_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a line to standard error. One that is closed or full is no reason to fail, let alone to panic.
pub(super) fn complain(line: &str) {
    let _ = crate::report::text::wrap(&mut io::stderr().lock(), "", line);
}

/// Writes to standard output, or to `file` beside its final name and then renamed.
pub(super) fn write(
    file: Option<&Path>,
    force: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    match file {
        None => {
            let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
            let result = write(&mut out).and_then(|()| out.flush());
            tolerate_closed(result).map_err(Failure::stdout)
        }
        Some(path) => write_file(path, force, write).map_err(Failure::from),
    }
}

/// Writes a whole file or none. Without `force` an existing file is kept.
pub(super) fn write_file(
    path: &Path,
    force: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), EnvironmentError> {
    let fail = |error| EnvironmentError::write(path, error);
    if path.is_dir() {
        return Err(fail(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    if is_special(path) {
        // What is there is written to; renaming a file over it would destroy it.
        let mut out = BufWriter::new(open_special(path).map_err(fail)?);
        return tolerate_closed(write(&mut out).and_then(|()| out.flush())).map_err(fail);
    }
    check_free(path, force)?;
    let (beside, file) = create_beside(path).map_err(fail)?;
    let mut out = BufWriter::new(file);
    let outcome = write(&mut out)
        .and_then(|()| out.flush())
        .and_then(|()| out.get_ref().sync_all())
        .and_then(|()| publish(&beside, path, force));
    if let Err(error) = outcome {
        let _ = std::fs::remove_file(&beside);
        return match error.kind() {
            io::ErrorKind::AlreadyExists => Err(EnvironmentError::Exists { path: path.into() }),
            _ => Err(fail(error)),
        };
    }
    Ok(())
}

/// Fails where `path` exists and may not be overwritten: asked before the work, not after it.
pub(super) fn check_free(path: &Path, force: bool) -> Result<(), EnvironmentError> {
    if is_special(path) {
        return Ok(());
    }
    if endpoint::in_system_folder(path) {
        let why = "no files are made or replaced below /dev and /proc; give a name elsewhere";
        return Err(EnvironmentError::write(path, io::Error::other(why)));
    }
    if !force && path.symlink_metadata().is_ok() {
        return Err(EnvironmentError::Exists { path: path.into() });
    }
    Ok(())
}

/// A pipe, socket or device, or a file that is open under a number, whatever it is.
fn is_special(path: &Path) -> bool {
    endpoint::descriptor(path).is_some() || is_device(path)
}

fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// Opens what is special for writing. Our own standard output is used as it is, at the place to which it was written so far;
/// opened anew by its name, a file would be written from its beginning.
fn open_special(path: &Path) -> io::Result<File> {
    match endpoint::descriptor(path) {
        Some(Descriptor::Stdout) => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        Some(Descriptor::Stderr) => io::stderr().as_fd().try_clone_to_owned().map(File::from),
        Some(Descriptor::Other) => OpenOptions::new().append(true).open(path),
        None => OpenOptions::new().write(true).open(path),
    }
}

/// Whether both names lead to one file, or would.
fn same_place(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b && !is_device(&a),
        (Err(_), Err(_)) => a == b || resolved(a).is_some_and(|a| resolved(b) == Some(a)),
        _ => false,
    }
}

/// Fails where `output`, which `option` names, is one of `inputs`, or lies in a folder among them: what is read is evidence,
/// for this run or the next one, and is never written over or added to.
pub(super) fn check_apart(option: &str, output: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let fail = |what: String| Err(Failure::usage(format!("{option} {} {what}; give another name", output.display())));
    if let Some(input) = inputs.iter().find(|input| same_place(input, output)) {
        return fail(match *input == output {
            true => "is a name under which evidence is read".into(),
            false => format!("is also {}", input.display()),
        });
    }
    if let Some(folder) = inputs.iter().find(|input| is_within(input, output)) {
        return fail(format!("lies in {}, which is read", folder.display()));
    }
    Ok(())
}

/// Whether `folder` is one, and the name or the file it leads to lies below it.
fn is_within(folder: &Path, output: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    if !folder.is_dir() || is_device(output) {
        return false;
    }
    // Open files have a name below /proc, which says nothing of where they lie.
    let named = endpoint::descriptor(output).is_none().then(|| resolved(output)).flatten();
    output.canonicalize().ok().into_iter().chain(named).any(|place| place.starts_with(&folder))
}

/// The place of a file that may not exist: the nearest folder above it that does, without links, and the rest of the name. The
/// last component is no link that is followed, since it would be replaced.
fn resolved(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().skip(1).find_map(|above| {
        let rest = path.strip_prefix(above).ok()?;
        above.canonicalize().ok().map(|above| above.join(rest))
    })
}

/// The name that the file has until it is whole.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or(io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(beside);
    OpenOptions::new().write(true).create_new(true).open(&beside).map(|file| (beside, file))
}

/// Gives the file its name; without `force` in one step that fails where the name exists (link, then unlink).
fn publish(beside: &Path, path: &Path, force: bool) -> io::Result<()> {
    if force {
        return std::fs::rename(beside, path);
    }
    match std::fs::hard_link(beside, path) {
        Ok(()) => std::fs::remove_file(beside),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // File systems without hard links (FAT, exFAT): the check before is all that there is.
        Err(_) => std::fs::rename(beside, path),
    }
}

/// Whether to colour: by choice, else on a terminal where `NO_COLOR` is not set.
pub(super) fn colour(choice: super::common::ColorChoice, to_file: bool) -> bool {
    use super::common::ColorChoice;
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let unset = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            !to_file && unset && io::stdout().is_terminal()
        }
    }
}
