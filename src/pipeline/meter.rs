//! What is measured of each file while its bytes pass by: digests always, records where its name says that it holds some.

use crate::format::digest::{Digests, Hasher};
use crate::format::limits::Limits;
use crate::format::records::{Contents, RecordCounter, RecordLimits, is_record_file};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// What one file gave.
pub(super) struct Measured {
    pub(super) digests: Digests,
    pub(super) contents: Option<Contents>,
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
}

impl Form {
    pub(super) fn of(normal_path: &[u8]) -> Form {
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
            Form::Opaque => None,
            Form::Lines => counter(b".jsonl"),
            Form::CompressedLines => counter(b".jsonl.zst"),
        };
        Meter { hasher: Hasher::new(self.also_sha512), records }
    }
}

/// Measures one file.
pub(super) struct Meter {
    hasher: Hasher,
    records: Option<Box<RecordCounter>>,
}

impl Meter {
    /// The next bytes of the file.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        if let Some(records) = &mut self.records {
            records.update(bytes);
        }
    }

    /// The measures of all bytes so far.
    pub(super) fn finish(self) -> Measured {
        Measured { digests: self.hasher.finish(), contents: self.records.map(|records| records.finish()) }
    }
}
