//! Places that must not lie in one another: what is replaced, what is read, what is kept.

use super::UnpackError;
use super::staging::is_reserved;
use crate::pipeline::sidecar;
use crate::pipeline::source::Source;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The path without links and `..` in it, as far as it is there; what is not there yet is added as it stands.
fn resolved(path: &Path) -> PathBuf {
    let mut rest = PathBuf::new();
    for folder in path.ancestors() {
        let at = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if let Ok(found) = at.canonicalize() {
            // Joining nothing would add a slash, which a file must not have.
            return if rest.as_os_str().is_empty() { found } else { found.join(rest) };
        }
        let Some(name) = folder.file_name() else { break };
        rest = if rest.as_os_str().is_empty() { name.into() } else { Path::new(name).join(rest) };
    }
    path.into()
}

/// The name itself, where it may be a link: its folder resolved, and the name as it stands.
fn name_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    path.file_name().map_or_else(|| resolved(path), |name| resolved(folder).join(name))
}

/// Whether one of two places that are written is the other, or lies in it.
pub fn overlap(one: &Path, other: &Path) -> bool {
    let (one, other) = (name_of(one), name_of(other));
    one.starts_with(&other) || other.starts_with(&one)
}

/// A target ends with a name that can be given to a folder.
///
/// # Errors
/// `.`, `..` and `/` do not.
pub(super) fn check_name(to: &Path) -> Result<(), UnpackError> {
    let why = || {
        let shown = to.display();
        UnpackError::Usage(format!("{shown} does not end with a name; name the folder that is to be made or replaced"))
    };
    // `file_name` passes over a `.` at the end.
    let text = to.as_os_str().as_encoded_bytes();
    let dot = text == b"." || text.ends_with(b"/.");
    if to.file_name().is_some_and(|name| is_reserved(name.as_encoded_bytes())) {
        let shown = to.display();
        return Err(UnpackError::Usage(format!(
            "{shown} has a name that unpack gives to folders of its own; give another"
        )));
    }
    to.file_name().filter(|_| !dot).map(|_| ()).ok_or_else(why)
}

/// Nothing may be mounted below what is replaced: it would be removed with it, wherever else it lies.
///
/// # Errors
/// Something is. Where the system does not say what is mounted, removing stops at a mount all the same.
pub(super) fn check_mounts(to: &Path) -> Result<(), UnpackError> {
    let place = name_of(to);
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    // The fifth field is the place, with white space and backslashes in octal (proc_pid_mountinfo(5)).
    let mounted = table.lines().filter_map(|line| line.split(' ').nth(4)).map(unescaped);
    match mounted.into_iter().find(|at| at.starts_with(&place)) {
        Some(at) => {
            let (at, to) = (at.display(), to.display());
            Err(UnpackError::Usage(format!("{at} is mounted below {to}, which would be replaced; unmount it first")))
        }
        None => Ok(()),
    }
}

fn unescaped(field: &str) -> PathBuf {
    let (mut bytes, mut rest) = (Vec::new(), field.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// Whether `place`, which need not be there, lies in the folder `other` by what the system knows folders by: a name that a mount
/// gives it leads there too.
fn lies_in(place: &Path, other: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    let Some(own) = identity(other) else { return false };
    place.ancestors().any(|folder| identity(folder) == Some(own))
}

/// The input must not lie in what is replaced, nor the target in what is read.
pub(super) fn check_input(input: &Path, source: &Source, to: &Path) -> Result<(), UnpackError> {
    let Ok(input_at) = input.canonicalize() else { return Ok(()) };
    let place = name_of(to);
    let (input, to) = (input.display(), to.display());
    if matches!(source, Source::Directory { .. }) && (place.starts_with(&input_at) || lies_in(&place, &input_at)) {
        return Err(UnpackError::Usage(format!("{to} lies in the input {input}; give a place outside of it")));
    }
    if matches!(source, Source::Directory { .. } | Source::File(_))
        && (input_at.starts_with(&place) || lies_in(&input_at, &place))
    {
        return Err(UnpackError::Usage(format!("the input {input} lies in {to}, which would be replaced")));
    }
    Ok(())
}

/// What the run reads besides the input, and what it keeps, must not lie in what is replaced: it would be removed with it.
///
/// `named` are files and folders of the operator; where `beside`, also what is found beside the input.
pub(super) fn check_kept(named: &[PathBuf], input: &Path, beside: bool, to: &Path) -> Result<(), UnpackError> {
    let place = name_of(to);
    let found = if beside { sidecar::places(input) } else { Vec::new() };
    for file in named.iter().chain(&found).filter(|file| file.as_os_str() != "-") {
        if name_of(file).starts_with(&place) || resolved(file).starts_with(&place) {
            let (file, to) = (file.display(), to.display());
            return Err(UnpackError::Usage(format!(
                "{file}, which this run reads or keeps, lies in {to}, which would be replaced; give another place"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::unpack::PREFIX;

    #[test]
    fn places_are_compared_without_links_whether_they_are_there_or_not() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        std::fs::create_dir_all(at("real/inner")).unwrap();
        std::os::unix::fs::symlink(at("real"), at("link")).unwrap();
        for (one, other, expected) in [
            ("real/inner", "link/inner", true),
            ("real/out", "link/out/below", true),
            ("link/inner/x/y", "real/inner", true),
            ("real/out", "real/outer", false),
            ("real/inner/../out", "real/out", true),
        ] {
            assert_eq!(overlap(&at(one), &at(other)), expected, "{one} {other}");
            assert_eq!(overlap(&at(other), &at(one)), expected, "{other} {one}");
        }
        assert_eq!(unescaped("/a\\040b\\134c"), Path::new("/a b\\c"));
        for bad in [".", "..", "/", "a/..", "a/."] {
            assert!(check_name(Path::new(bad)).is_err(), "{bad}");
        }
        assert!(check_name(&Path::new("d").join(format!("{PREFIX}a"))).is_err());
        assert!(check_name(Path::new("a")).is_ok() && check_name(Path::new("a/")).is_ok());
    }
}
