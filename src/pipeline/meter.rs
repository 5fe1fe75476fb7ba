//! What is measured of each file while its bytes pass by: digests always, records where its name says that it holds some.
//! Of a database a copy is made.

use super::error::EnvironmentError;
use super::spool::{Spool, Spooled};
use crate::format::digest::{Digests, Hasher};
use crate::format::limits::Limits;
use crate::format::records::{Contents, RecordCounter, RecordLimits, is_record_file};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// What one file gave.
pub(super) struct Measured {
    pub(super) digests: Digests,
    pub(super) contents: Option<Contents>,
    pub(super) copy: Option<Result<Spooled, EnvironmentError>>,
}

/// What the name of a file says of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing that is counted.
    Opaque,
    /// JSON lines as text.
    Lines,
    /// JSON lines in zstd frames.
    CompressedLines,
    /// A database that is read page by page.
    Pages,
    /// A database that is read by a library that wants a file.
    Tables,
}

impl Form {
    pub(super) fn of(normal_path: &[u8]) -> Form {
        match normal_path.rsplit(|c| *c == b'/').next() {
            Some(b"trivy.db") => return Form::Pages,
            Some(b"trivy-java.db") => return Form::Tables,
            _ => {}
        }
        match is_record_file(normal_path) {
            false => Form::Opaque,
            true if normal_path.to_ascii_lowercase().ends_with(b".zst") => Form::CompressedLines,
            true => Form::Lines,
        }
    }
}

/// Makes the meters of one scan; all of them count toward the same limits.
#[derive(Clone)]
pub(super) struct Meters {
    also_sha512: bool,
    limits: RecordLimits,
}

impl Meters {
    pub(super) fn new(also_sha512: bool, limits: &Limits) -> Self {
        Meters { also_sha512, limits: RecordLimits::new(limits) }
    }

    /// The same for a compressed stream, of which `medium` counts the bytes that were read.
    pub(super) fn of_stream(also_sha512: bool, limits: &Limits, medium: Arc<AtomicU64>) -> Self {
        Meters { also_sha512, limits: RecordLimits::of_stream(limits, medium) }
    }

    pub(super) fn start(&self, form: Form) -> Meter {
        let counter = |name: &[u8]| Some(Box::new(RecordCounter::for_file(name, self.limits.clone())));
        let records = match form {
            Form::Opaque | Form::Pages | Form::Tables => None,
            Form::Lines => counter(b".jsonl"),
            Form::CompressedLines => counter(b".jsonl.zst"),
        };
        let copy = matches!(form, Form::Pages | Form::Tables).then(|| Spool::start(form == Form::Tables));
        Meter { hasher: Hasher::new(self.also_sha512), records, copy }
    }
}

/// Measures one file.
pub(super) struct Meter {
    hasher: Hasher,
    records: Option<Box<RecordCounter>>,
    copy: Option<Spool>,
}

impl Meter {
    /// The next bytes of the file.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        if let Some(records) = &mut self.records {
            records.update(bytes);
        }
        if let Some(copy) = &mut self.copy {
            copy.update(bytes);
        }
    }

    /// The measures of all bytes so far.
    pub(super) fn finish(self) -> Measured {
        Measured {
            digests: self.hasher.finish(),
            contents: self.records.map(|records| records.finish()),
            copy: self.copy.map(Spool::finish),
        }
    }
}
