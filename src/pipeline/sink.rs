//! Where the bytes of the entries go while a container is read. There is one reader of each container, whatever is done with
//! what it reads: the first pass measures, and hands the bytes to a copyist where `unpack` wants them; a second pass of `unpack`
//! writes and measures.

use super::meter::{Form, Measured, Meter, Meters};
use super::scan::{Content, ScanError};
use crate::bundle;
use crate::format::digest::Sha256Bytes;
use crate::format::inventory::{EntryIndex, Observed};
use std::collections::HashMap;
use std::sync::Mutex;

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

/// Takes copies of entries while they are measured. What goes wrong with a copy is the matter of the copyist, and never changes
/// what is measured.
pub(super) trait Copyist: Sync {
    /// Asked again and again while the container is read.
    ///
    /// # Errors
    /// The pass is to end.
    fn pulse(&self) -> Result<(), ScanError>;

    /// Begins a copy of an entry; `None` where it wants none.
    fn open<'s>(&'s self, entry: &Observed) -> Option<Box<dyn Copying + 's>>;
}

/// A copy of one entry.
pub(super) trait Copying {
    /// The next bytes.
    fn update(&mut self, bytes: &[u8]);
    /// All bytes were there, and this is their SHA-256. A copy that is dropped before is not whole.
    fn finish(self: Box<Self>, sha256: Sha256Bytes);
}

/// Most entries that wait to be begun with what a copyist has to know of them, at about 200 bytes each: 50 MiB. A directory or a
/// plain tar lists all of them first. What is beyond that is left to a second pass.
const MAX_WAITING: usize = 1 << 18;

/// The sink of the first pass: measures what is to be read of an input, and copies it where there is a copyist.
pub(super) struct Measuring<'a> {
    meters: Meters,
    content: Content<'a>,
    /// Entries that were admitted and not begun yet: what a copyist has to know of them.
    admitted: Mutex<HashMap<EntryIndex, Observed>>,
}

impl<'a> Measuring<'a> {
    pub(super) fn new(meters: Meters, content: Content<'a>) -> Self {
        Measuring { meters, content, admitted: Mutex::default() }
    }

    fn copyist(&self) -> Option<&'a dyn Copyist> {
        match self.content {
            Content::Copied(copyist) => Some(copyist),
            Content::All | Content::Documents => None,
        }
    }
}

impl Sink for Measuring<'_> {
    type Open<'s>
        = MeasuredCopy<'s>
    where
        Self: 's;

    fn admit(&self, index: EntryIndex, entry: &Observed) -> Result<bool, ScanError> {
        self.pulse()?;
        if let (Some(_), Ok(mut admitted)) = (self.copyist(), self.admitted.lock())
            && admitted.len() < MAX_WAITING
        {
            admitted.insert(index, entry.clone());
        }
        let documents_alone = matches!(self.content, Content::Documents);
        Ok(!documents_alone || bundle::wants_document(entry.normal_path(), entry.size))
    }

    fn pulse(&self) -> Result<(), ScanError> {
        self.copyist().map_or(Ok(()), Copyist::pulse)
    }

    fn start(&self, index: EntryIndex, form: Form) -> MeasuredCopy<'_> {
        let copy = self.copyist().and_then(|copyist| {
            let entry = self.admitted.lock().ok()?.remove(&index)?;
            copyist.open(&entry)
        });
        MeasuredCopy { meter: self.meters.start(form), copy }
    }
}

/// One entry that is measured, and perhaps copied.
pub(super) struct MeasuredCopy<'s> {
    meter: Meter,
    copy: Option<Box<dyn Copying + 's>>,
}

impl Intake for MeasuredCopy<'_> {
    fn update(&mut self, bytes: &[u8]) {
        self.meter.update(bytes);
        if let Some(copy) = &mut self.copy {
            copy.update(bytes);
        }
    }

    fn finish(self) -> Measured {
        let measured = self.meter.finish();
        if let Some(copy) = self.copy {
            copy.finish(measured.digests.sha256);
        }
        measured
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
