//! Places that must not lie in one another: what is replaced, what is read, what is kept.

use super::UnpackError;
use crate::pipeline::sidecar;
use crate::pipeline::source::Source;
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
    to.file_name().filter(|_| !dot).map(|_| ()).ok_or_else(why)
}

/// The input must not lie in what is replaced, nor the target in what is read.
pub(super) fn check_input(input: &Path, source: &Source, to: &Path) -> Result<(), UnpackError> {
    let Ok(input_at) = input.canonicalize() else { return Ok(()) };
    let place = name_of(to);
    let (input, to) = (input.display(), to.display());
    if matches!(source, Source::Directory { .. }) && place.starts_with(&input_at) {
        return Err(UnpackError::Usage(format!("{to} lies in the input {input}; give a place outside of it")));
    }
    if matches!(source, Source::Directory { .. } | Source::File(_)) && input_at.starts_with(&place) {
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
        for bad in [".", "..", "/", "a/..", "a/."] {
            assert!(check_name(Path::new(bad)).is_err(), "{bad}");
        }
        assert!(check_name(Path::new("a")).is_ok() && check_name(Path::new("a/")).is_ok());
    }
}
