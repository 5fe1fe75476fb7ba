//! Where the bytes of the entries go while a container is read. There is one reader of each container, whatever is done with
//! what it reads: the first pass measures, the pass of `unpack` writes and measures.

use super::meter::{Form, Measured, Meter, Meters};
use super::scan::{Content, ScanError};
use crate::bundle;
use crate::format::inventory::{EntryIndex, Observed};

/// Takes the entries of one pass, from several threads at once.
pub(super) trait Sink: Sync {
    /// One entry that is being read.
    type Open<'s>: Intake
    where
        Self: 's;

    /// Whether the bytes of this entry are wanted. Called once an entry with content, before [`Sink::start`], with the
    /// index that it has in this pass: in the order of the container, which is not that of a sealed inventory.
    ///
    /// # Errors
    /// The pass is to end.
    fn admit(&self, index: EntryIndex, entry: &Observed) -> Result<bool, ScanError>;

    /// Asked again and again while a large entry is read.
    ///
    /// # Errors
    /// The pass is to end.
    fn pulse(&self) -> Result<(), ScanError> {
        Ok(())
    }

    /// Begins an entry that was admitted.
    fn start(&self, index: EntryIndex, form: Form) -> Self::Open<'_>;
}

/// Takes the bytes of one entry, in order.
pub(super) trait Intake {
    /// The next bytes.
    fn update(&mut self, bytes: &[u8]);
    /// What was found once all bytes were there.
    fn finish(self) -> Measured;
}

/// The sink of the first pass: measures what is to be read of an input.
pub(super) struct Measuring {
    meters: Meters,
    content: Content,
}

impl Measuring {
    pub(super) fn new(meters: Meters, content: Content) -> Self {
        Measuring { meters, content }
    }
}

impl Sink for Measuring {
    type Open<'s> = Meter;

    fn admit(&self, _index: EntryIndex, entry: &Observed) -> Result<bool, ScanError> {
        Ok(self.content == Content::All || bundle::wants_document(entry.normal_path(), entry.size))
    }

    fn start(&self, _index: EntryIndex, form: Form) -> Meter {
        self.meters.start(form)
    }
}

impl<S: Sink> Sink for &S {
    type Open<'s>
        = S::Open<'s>
    where
        Self: 's;

    fn admit(&self, index: EntryIndex, entry: &Observed) -> Result<bool, ScanError> {
        (*self).admit(index, entry)
    }

    fn pulse(&self) -> Result<(), ScanError> {
        (*self).pulse()
    }

    fn start(&self, index: EntryIndex, form: Form) -> S::Open<'_> {
        (*self).start(index, form)
    }
}

impl Intake for Meter {
    fn update(&mut self, bytes: &[u8]) {
        Meter::update(self, bytes);
    }

    fn finish(self) -> Measured {
        Meter::finish(self)
    }
}
