//! How far a run has come: counters that workers add to and a display reads.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters shared by the threads of one run. All are bytes or entries of the input as it lies there.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
    entries: AtomicU64,
}

impl Progress {
    /// Announces how many bytes there will be (0: not known, as with a pipe).
    pub fn expect(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// More input bytes were read.
    pub fn add_bytes(&self, count: u64) {
        self.done.fetch_add(count, Ordering::Relaxed);
    }

    /// More entries were finished.
    pub fn add_entries(&self, count: u64) {
        self.entries.fetch_add(count, Ordering::Relaxed);
    }

    /// Bytes done, bytes in all (0: not known), entries done.
    pub fn snapshot(&self) -> (u64, u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed), self.entries.load(Ordering::Relaxed))
    }
}
