//! Names of outputs that stand for something that is there already: open files by their number, devices, pipes. They are written
//! to; a file that is renamed over such a name would take its place, for everybody on the machine.

use std::path::{Path, PathBuf};

/// Most links that a name may lead through, as in the kernel.
const MAX_LINKS: usize = 40;

/// An open file of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descriptor {
    /// Standard output of this process.
    Stdout,
    /// Standard error of this process.
    Stderr,
    /// Any other.
    Other,
}

/// The open file that `path` leads to through any links: `/dev/stdout`, `/dev/fd/3`, `/proc/self/fd/3`. `path` comes from the
/// command line.
pub fn descriptor(path: &Path) -> Option<Descriptor> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let folder = folder_of(&path)?;
        let name = path.file_name()?;
        if let Some(process) = process_of(&folder) {
            let own = process == std::process::id().to_string();
            return Some(match name.to_str() {
                Some("1") if own => Descriptor::Stdout,
                Some("2") if own => Descriptor::Stderr,
                _ => Descriptor::Other,
            });
        }
        path = folder.join(std::fs::read_link(folder.join(name)).ok()?);
    }
    None
}

/// Whether `path` lies below `/dev` or `/proc`, where nothing is made or replaced. `/dev/shm` holds files like other folders.
pub fn in_system_folder(path: &Path) -> bool {
    let Some(folder) = folder_of(path) else { return false };
    (folder.starts_with("/dev") && !folder.starts_with("/dev/shm")) || folder.starts_with("/proc")
}

/// The folder of `path` with all links resolved.
fn folder_of(path: &Path) -> Option<PathBuf> {
    let parent = path.parent()?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    parent.canonicalize().ok()
}

/// The process whose open files the folder lists: `/proc/N/fd` or `/proc/N/task/M/fd`.
fn process_of(folder: &Path) -> Option<String> {
    let parts: Vec<&str> = folder.strip_prefix("/proc").ok()?.to_str()?.split('/').collect();
    match parts.as_slice() {
        [process, "fd"] | [process, "task", _, "fd"] => Some((*process).to_string()),
        _ => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn open_files_are_known_by_all_their_names() {
        let temp = tempfile::tempdir().unwrap();
        let link = |name: &str, target: &Path| {
            let link = temp.path().join(name);
            std::os::unix::fs::symlink(target, &link).unwrap();
            link
        };
        let first = link("first", Path::new("/proc/self/fd/1"));
        let second = link("second", &first);
        let folder = link("folder", Path::new("/proc/self/fd"));
        let endless = link("endless", &temp.path().join("endless"));
        for path in ["/proc/self/fd/1", "/proc/thread-self/fd/1", "/dev/../proc/self/fd/1"] {
            assert_eq!(descriptor(Path::new(path)), Some(Descriptor::Stdout), "{path}");
        }
        assert_eq!(descriptor(&first), Some(Descriptor::Stdout));
        assert_eq!(descriptor(&second), Some(Descriptor::Stdout));
        assert_eq!(descriptor(&folder.join("2")), Some(Descriptor::Stderr));
        assert_eq!(descriptor(&folder.join("77")), Some(Descriptor::Other));
        assert_eq!(descriptor(Path::new("/proc/1/fd/1")), Some(Descriptor::Other));
        for path in [endless.as_path(), &temp.path().join("absent"), temp.path(), Path::new("/"), Path::new("")] {
            assert_eq!(descriptor(path), None, "{path:?}");
        }
    }

    #[test]
    fn nothing_is_made_among_devices() {
        for (path, system) in
            [("/dev/new", true), ("/proc/self/comm", true), ("/dev/shm/report.json", false), ("report.json", false)]
        {
            assert_eq!(in_system_folder(Path::new(path)), system, "{path}");
        }
    }
}
