//! Files around the attacks, looked at again after each: whatever an attack leads to must be as it was.

use crate::format::digest::{Sha256Bytes, sha256};
use crate::pipeline::error::EnvironmentError;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The tree, and what it held in the beginning.
pub(super) struct Sentinel {
    folder: PathBuf,
    state: Vec<State>,
}

/// One file, folder or link: its path, mode, owner, time of change, and the digest of a file or of a link's target.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    path: PathBuf,
    mode: u32,
    owner: (u32, u32),
    changed: (i64, i64),
    content: Option<Sha256Bytes>,
}

impl Sentinel {
    /// Lays the tree below `folder`.
    pub(super) fn lay(folder: &Path) -> Result<Self, EnvironmentError> {
        let own = folder.join("sentinel");
        let write = || -> io::Result<Vec<State>> {
            std::fs::create_dir_all(own.join("folder"))?;
            std::fs::write(own.join("file"), "as it was\n")?;
            std::os::unix::fs::symlink("file", own.join("link"))?;
            states(&own)
        };
        let state = write().map_err(|error| EnvironmentError::write(&own, error))?;
        Ok(Sentinel { folder: own, state })
    }

    /// Fails, in words, where something is not as it was.
    pub(super) fn check(&self) -> Result<(), String> {
        match states(&self.folder) {
            Ok(now) if now == self.state => Ok(()),
            Ok(_) => Err("files around the input were changed".into()),
            Err(error) => Err(format!("files around the input cannot be read any more: {error}")),
        }
    }
}

fn states(folder: &Path) -> io::Result<Vec<State>> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(io::Error::from)?;
        let (path, meta) = (entry.path(), entry.metadata().map_err(io::Error::from)?);
        let content = if meta.is_symlink() {
            Some(sha256(std::fs::read_link(path)?.as_os_str().as_encoded_bytes()))
        } else if meta.is_file() {
            Some(sha256(&std::fs::read(path)?))
        } else {
            None
        };
        found.push(State {
            path: path.into(),
            mode: meta.mode(),
            owner: (meta.uid(), meta.gid()),
            changed: (meta.ctime(), meta.ctime_nsec()),
            content,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_found() {
        let changes: [fn(&Path); 5] = [
            |folder| std::fs::write(folder.join("file"), "other").unwrap(),
            |folder| std::fs::write(folder.join("evil"), "").unwrap(),
            |folder| std::fs::remove_file(folder.join("link")).unwrap(),
            |folder| std::fs::remove_dir(folder.join("folder")).unwrap(),
            |folder| {
                use std::os::unix::fs::PermissionsExt as _;
                std::fs::set_permissions(folder.join("file"), std::fs::Permissions::from_mode(0o600)).unwrap();
            },
        ];
        for change in changes {
            let folder = tempfile::tempdir().unwrap();
            let sentinel = Sentinel::lay(folder.path()).unwrap();
            assert_eq!(sentinel.check(), Ok(()));
            change(&folder.path().join("sentinel"));
            assert!(sentinel.check().is_err());
        }
    }
}
