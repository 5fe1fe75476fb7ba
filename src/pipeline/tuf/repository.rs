//! The repository as it lies in folders or in a bundle, and the record of every file that was looked for.

use super::documents::Documents;
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

/// Where metadata comes from.
#[derive(Debug)]
enum Metadata<'a> {
    /// A folder on disk, under published names.
    Folder(Folder),
    /// Documents of a bundle.
    Documents(&'a Documents<'a>),
}

/// A repository: its metadata, and the folder of targets where targets are read.
#[derive(Debug)]
pub(super) struct Repository<'a> {
    metadata: Metadata<'a>,
    targets: Option<Folder>,
    pub(super) probes: Vec<Probe>,
}

/// A metadata file that was looked for.
pub(super) struct MetadataFile {
    /// Where it lies or should lie, for the report.
    pub(super) path: String,
    pub(super) content: Found<Vec<u8>>,
}

/// A target file, opened.
pub(super) struct OpenTarget {
    pub(super) file: File,
    pub(super) size: u64,
    /// The name under which it lies.
    pub(super) name: String,
}

impl<'a> Repository<'a> {
    pub(super) fn open(metadata: &Path, targets: Option<&Path>) -> Result<Self, EnvironmentError> {
        let targets = targets.map(Folder::open).transpose()?;
        Ok(Repository { metadata: Metadata::Folder(Folder::open(metadata)?), targets, probes: Vec::new() })
    }

    pub(super) fn in_bundle(documents: &'a Documents<'a>) -> Self {
        Repository { metadata: Metadata::Documents(documents), targets: None, probes: Vec::new() }
    }

    /// The documents, where the repository lies in a bundle.
    pub(super) fn documents(&self) -> Option<&'a Documents<'a>> {
        match self.metadata {
            Metadata::Documents(documents) => Some(documents),
            Metadata::Folder(_) => None,
        }
    }

    /// Reads the metadata file `name` of at most `limit` bytes; `plain` is its name without a version, under which a bundle
    /// may carry it.
    pub(super) fn metadata(&mut self, name: &str, plain: &str, limit: u64) -> Result<MetadataFile, EnvironmentError> {
        match &self.metadata {
            Metadata::Folder(folder) => {
                let found = folder.read(name, limit);
                self.note("md", name, &found);
                Ok(MetadataFile { path: format!("metadata/{name}"), content: found? })
            }
            Metadata::Documents(documents) => {
                let name = documents.lies_as(name, plain);
                Ok(MetadataFile { path: documents.path(name), content: documents.read(name, limit) })
            }
        }
    }

    /// Where a metadata file of this name lies, for the report.
    pub(super) fn path(&self, name: &str) -> String {
        match &self.metadata {
            Metadata::Folder(_) => format!("metadata/{name}"),
            Metadata::Documents(documents) => documents.path(name),
        }
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
        let names = match &self.metadata {
            Metadata::Folder(folder) => folder.names()?,
            Metadata::Documents(documents) => documents.names(),
        };
        Ok(names.into_iter().filter_map(number).filter(|found| *found > version).min())
    }
}
