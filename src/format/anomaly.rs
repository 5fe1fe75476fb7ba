//! What is wrong with a container, as values: found while reading, judged later.

use std::fmt;
use std::io;

/// The kind of a container defect. Each has a check of the same name (`docs/checks.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    /// Not an archive, or the compressed data is corrupt.
    ContainerFormat,
    /// The data ends too early.
    ContainerTruncated,
    /// Bytes after the end of the stream or of the archive.
    ContainerTrailing,
    /// A tar header that cannot be read in one way only.
    TarHeader,
    /// A PAX or GNU extension header that is malformed, stacked or orphaned.
    TarExtension,
    /// Two sizes are stated for one entry.
    TarSize,
    /// The two zero blocks at the end are missing.
    TarEnd,
    /// A name that must never become a path.
    EntryPath,
    /// A type of entry that has no place in a bundle.
    EntryType,
    /// A setuid, setgid or sticky bit.
    EntryMode,
    /// Two entries under one path.
    EntryDuplicate,
    /// A link that leaves the tree, or through which another entry would be written.
    EntryLink,
    /// More decoded bytes than allowed.
    LimitBytes,
    /// More entries than allowed.
    LimitEntries,
    /// More decoded bytes for each compressed byte than allowed.
    LimitRatio,
    /// Containers nested deeper than allowed.
    LimitDepth,
    /// A document larger than allowed.
    LimitDocument,
    /// A zstd window larger than allowed.
    LimitWindow,
}

impl Defect {
    /// All defects, in the order of the report.
    pub const ALL: [Defect; 18] = [
        Defect::ContainerFormat,
        Defect::ContainerTruncated,
        Defect::ContainerTrailing,
        Defect::TarHeader,
        Defect::TarExtension,
        Defect::TarSize,
        Defect::TarEnd,
        Defect::EntryPath,
        Defect::EntryType,
        Defect::EntryMode,
        Defect::EntryDuplicate,
        Defect::EntryLink,
        Defect::LimitBytes,
        Defect::LimitEntries,
        Defect::LimitRatio,
        Defect::LimitDepth,
        Defect::LimitDocument,
        Defect::LimitWindow,
    ];

    /// The stable kebab-case id, which is also the id of the check.
    pub fn id(self) -> &'static str {
        match self {
            Defect::ContainerFormat => "container-format",
            Defect::ContainerTruncated => "container-truncated",
            Defect::ContainerTrailing => "container-trailing",
            Defect::TarHeader => "tar-header",
            Defect::TarExtension => "tar-extension",
            Defect::TarSize => "tar-size",
            Defect::TarEnd => "tar-end",
            Defect::EntryPath => "entry-path",
            Defect::EntryType => "entry-type",
            Defect::EntryMode => "entry-mode",
            Defect::EntryDuplicate => "entry-duplicate",
            Defect::EntryLink => "entry-link",
            Defect::LimitBytes => "limit-bytes",
            Defect::LimitEntries => "limit-entries",
            Defect::LimitRatio => "limit-ratio",
            Defect::LimitDepth => "limit-depth",
            Defect::LimitDocument => "limit-document",
            Defect::LimitWindow => "limit-window",
        }
    }
}

/// One defect at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// What kind of defect.
    pub defect: Defect,
    /// The entry that it concerns (untrusted bytes), or none for the container as a whole.
    pub path: Option<Vec<u8>>,
    /// What was expected, what was found, where. Built from numbers and our own words only.
    pub detail: String,
}

impl Anomaly {
    /// A defect of the container as a whole.
    pub fn container(defect: Defect, detail: impl Into<String>) -> Self {
        Anomaly { defect, path: None, detail: detail.into() }
    }

    /// A defect of one entry.
    pub fn entry(defect: Defect, path: &[u8], detail: impl Into<String>) -> Self {
        Anomaly { defect, path: Some(path.to_vec()), detail: detail.into() }
    }

    /// The same as an [`io::Error`], so that it can travel through [`io::Read`]; [`ReadError::from`] takes it out again.
    pub fn into_io(self) -> io::Error {
        io::Error::other(self)
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.defect.id(), self.detail)
    }
}

impl std::error::Error for Anomaly {}

/// The medium failed: no answer about the bundle can be formed. Wraps the operating system's error on its way through [`io::Read`].
#[derive(Debug)]
pub struct MediumError(pub io::Error);

impl fmt::Display for MediumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for MediumError {}

/// Why reading stopped: the bundle is bad (an answer), or the medium is (an error).
#[derive(Debug)]
pub enum ReadError {
    /// The container is malformed, unsafe or over a limit.
    Bad(Anomaly),
    /// The medium could not be read.
    Medium(io::Error),
}

impl From<Anomaly> for ReadError {
    fn from(anomaly: Anomaly) -> Self {
        ReadError::Bad(anomaly)
    }
}

impl From<io::Error> for ReadError {
    /// Takes apart what decoders pass through: our own anomalies, the medium's errors, else corrupt or truncated data.
    fn from(error: io::Error) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<Anomaly>()) {
            return match error.into_inner().map(|inner| inner.downcast::<Anomaly>()) {
                Some(Ok(anomaly)) => ReadError::Bad(*anomaly),
                _ => ReadError::Bad(Anomaly::container(Defect::ContainerFormat, "corrupt data")),
            };
        }
        if error.get_ref().is_some_and(|inner| inner.is::<MediumError>()) {
            return match error.into_inner().map(|inner| inner.downcast::<MediumError>()) {
                Some(Ok(medium)) => ReadError::Medium(medium.0),
                _ => ReadError::Medium(io::Error::other("read error")),
            };
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return ReadError::Bad(Anomaly::container(
                Defect::ContainerTruncated,
                "the compressed stream ends before its end marker",
            ));
        }
        ReadError::Bad(Anomaly::container(
            Defect::ContainerFormat,
            format!("the compressed stream is corrupt: {error}"),
        ))
    }
}
