//! The repository as it lies on disk, and the record of every file that was looked for.

use super::folder::{Folder, Found};
use crate::pipeline::error::EnvironmentError;
use crate::trust::tuf::names::TargetPath;
use std::fs::File;
use std::path::Path;

/// One file that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// `md` for metadata, `tg` for a target.
    pub kind: &'static str,
    /// Its name below the folder, quoted.
    pub name: String,
    /// Whether something was there, readable or not.
    pub present: bool,
}

/// The two folders of a repository.
#[derive(Debug)]
pub(super) struct Repository {
    metadata: Folder,
    targets: Option<Folder>,
    pub(super) probes: Vec<Probe>,
}

/// A target file, opened.
pub(super) struct OpenTarget {
    pub(super) file: File,
    pub(super) size: u64,
    /// The name under which it lies.
    pub(super) name: String,
}

impl Repository {
    pub(super) fn open(metadata: &Path, targets: Option<&Path>) -> Result<Self, EnvironmentError> {
        let targets = targets.map(Folder::open).transpose()?;
        Ok(Repository { metadata: Folder::open(metadata)?, targets, probes: Vec::new() })
    }

    /// Reads the metadata file `name` of at most `limit` bytes.
    pub(super) fn metadata(&mut self, name: &str, limit: u64) -> Result<Found<Vec<u8>>, EnvironmentError> {
        let found = self.metadata.read(name, limit);
        self.note("md", name, &found);
        found
    }

    /// Opens the target at `path`.
    pub(super) fn target(&mut self, path: &TargetPath) -> Result<Found<OpenTarget>, EnvironmentError> {
        let Some(folder) = &self.targets else {
            return Ok(Found::Unusable("no folder of targets was given (--targets-dir)".into()));
        };
        let opened = |name: &str| {
            folder.open_file(name).map(|found| match found {
                Found::File((file, size)) => Found::File(OpenTarget { file, size, name: name.into() }),
                Found::Absent => Found::Absent,
                Found::Unusable(why) => Found::Unusable(why),
            })
        };
        let mut found = opened(&path.quoted);
        if let (Ok(Found::Absent), Some(plain)) = (&found, &path.plain) {
            found = opened(plain);
        }
        self.note("tg", &path.quoted, &found);
        found
    }

    fn note<T>(&mut self, kind: &'static str, name: &str, found: &Result<Found<T>, EnvironmentError>) {
        let present = !matches!(found, Ok(Found::Absent));
        self.probes.push(Probe { kind, name: name.into(), present });
    }

    /// The lowest version of the root beyond `version` that lies there although its predecessor does not.
    pub(super) fn root_beyond(&self, version: u64) -> Result<Option<u64>, EnvironmentError> {
        let number = |name: std::ffi::OsString| {
            let name = name.into_string().ok()?;
            let digits = name.strip_suffix(".root.json")?;
            // As it would be written: no sign, no leading zero.
            digits.parse::<u64>().ok().filter(|number| number.to_string() == digits)
        };
        let names = self.metadata.names()?;
        Ok(names.into_iter().filter_map(number).filter(|found| *found > version).min())
    }
}
