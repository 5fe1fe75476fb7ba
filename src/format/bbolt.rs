//! bbolt databases (the file format of Trivy's `trivy.db`), read page by page from an untrusted file.
//!
//! The format: pages of one size; pages 0 and 1 describe the database, and the valid one with the higher transaction id
//! counts; everything else is a B+ tree of pages for each bucket, where the value of a key may be another bucket. Small
//! buckets lie inside the value itself. Integers are little-endian, as the writer's machine had them.
//!
//! | attack | answer |
//! | --- | --- |
//! | two descriptions that are both valid but speak of different page sizes, or lie in a page that is no meta page | refused: readers would choose differently |
//! | offsets and lengths that point outside a page, or let elements share bytes | refused: each element has bytes of its own, in order |
//! | page numbers beyond the database, cycles, a page in two trees, a page that is also free | refused: each page is read once |
//! | keys out of order, so that a search finds other values than a walk | refused |
//! | pages that claim gigabytes of overflow, buckets in buckets without end | limits on pages, depth, and on what is held at once |
//! | a file that was cut | refused when it is opened |
//!
//! Nothing is mapped into memory. A walk holds the pages between the root and the place where it is, and two bits for each
//! page.

#[cfg(test)]
pub(crate) mod build;
mod error;
mod meta;
mod page;
mod walk;

pub use error::BoltError;
pub use meta::{Freelist, Meta, MetaState};
pub use walk::{Cursor, Event, Walked};

use page::{Kind, Page, View};
use std::io;

/// Pages of a database. 67,108,864 pages of 4 KiB are 256 GiB; the two bits that a walk keeps for each are 16 MiB.
pub const MAX_PAGES: u64 = 1 << 26;
/// Bytes of a page and its overflow, and so of one value. bbolt splits an overfull page where it holds more than four keys,
/// so one page may hold four large values: 32 MiB are four advisories of 8 MiB, each of a thousand times the usual size.
pub const MAX_RUN: u64 = 32 << 20;
/// Bytes of all pages that are held at once, from the root to where a walk stands: two of the largest.
pub const MAX_HELD: u64 = 2 * MAX_RUN;
/// Buckets inside one another. Trivy uses two, platform and package; nobody has a reason for more than a few.
pub const MAX_BUCKET_DEPTH: usize = 16;
/// Pages from the root of one bucket to a leaf. A branch has two children at least, so 2^26 pages make 26 levels.
pub const MAX_TREE_DEPTH: usize = 26;
/// Bytes of a key or of the name of a bucket: what bbolt itself accepts.
pub const MAX_KEY: usize = 32_768;
/// Smallest and largest size of a page in bytes. bbolt takes the page size of the machine: 4, 16 or 64 KiB.
pub const PAGE_SIZES: (u32, u32) = (512, 64 << 10);

/// A file, or a part of one, that can be read at any place.
pub trait PageSource {
    /// Bytes in all.
    fn len(&self) -> u64;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// Those of the medium, and [`io::ErrorKind::UnexpectedEof`] where fewer bytes are there.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl PageSource for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let bytes = self.get(start..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl<S: PageSource + ?Sized> PageSource for &S {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, buffer)
    }
}

/// Where the first page of a bucket lies.
#[derive(Debug, Clone, Copy)]
enum Root<'a> {
    /// On a page of its own.
    Page(u64),
    /// In these bytes, a page within a value of the page with this number.
    Inline(u64, &'a [u8]),
}

/// An open database. Everything that is read from it is untrusted.
pub struct Database<S> {
    source: S,
    meta: Meta,
    freed: page::Bits,
}

impl<S: PageSource> Database<S> {
    /// Reads what describes the database, and its list of free pages.
    ///
    /// # Errors
    /// [`BoltError`] where neither description is valid, where two readers could choose differently between them, where
    /// the file is shorter than the database, and where the list of free pages is malformed.
    pub fn open(source: S) -> Result<Self, BoltError> {
        let mut meta = meta::read(&source)?;
        let mut database = Database { freed: page::Bits::new(meta.pages), source, meta: meta.clone() };
        if meta.freelist_page != meta::NO_FREELIST {
            let (list, freed) = database.read_freelist(meta.freelist_page)?;
            meta.freelist = Some(list);
            database.freed = freed;
        }
        database.meta = meta;
        Ok(database)
    }

    /// What describes the database.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Goes through all buckets, depth first and in the order of their keys, and calls `visit` for each bucket and each
    /// key. What was visited before an error was read soundly, but belongs to a bad database.
    ///
    /// # Errors
    /// [`BoltError`] at the first page that is malformed, reached twice or over a limit, and where the medium fails.
    pub fn walk(&self, mut visit: impl FnMut(Event<'_>) -> std::ops::ControlFlow<()>) -> Result<Walked, BoltError> {
        walk::walk(self, &mut visit)
    }

    /// The same walk, one item at a time.
    ///
    /// # Errors
    /// As [`Database::walk`], for the first page.
    pub fn cursor(&self) -> Result<Cursor<'_, S>, BoltError> {
        Cursor::start(self, self.meta.root_page)
    }

    /// The same walk through one bucket of the root; `None` where there is none of this name, or it is so small that it lies
    /// within its parent.
    ///
    /// # Errors
    /// As [`Database::walk`], for the pages on the way and the first page.
    pub fn cursor_in(&self, bucket: &[u8]) -> Result<Option<Cursor<'_, S>>, BoltError> {
        match self.search(&Place::Page(self.meta.root_page), bucket)? {
            Found::Bucket(Place::Page(page)) => Cursor::start(self, page).map(Some),
            Found::Bucket(Place::Inline(..)) | Found::Value(_) | Found::Nothing => Ok(None),
        }
    }

    /// Goes through everything, which proves that all pages are sound, and counts.
    ///
    /// # Errors
    /// As [`Database::walk`].
    pub fn counts(&self) -> Result<Walked, BoltError> {
        self.walk(|_| std::ops::ControlFlow::Continue(()))
    }

    /// The value of `key` in the bucket that is reached by these names, or `None` where one of them is not there or is
    /// of the other sort. Reads only the pages on the way: that the rest of the database is sound is shown by
    /// [`Database::counts`] alone.
    ///
    /// # Errors
    /// [`BoltError`] where a page on the way is malformed or over a limit, and where the medium fails.
    pub fn get(&self, buckets: &[&[u8]], key: &[u8]) -> Result<Option<Vec<u8>>, BoltError> {
        if buckets.len() > MAX_BUCKET_DEPTH {
            return Ok(None);
        }
        let mut bucket = Place::Page(self.meta.root_page);
        for name in buckets {
            let Found::Bucket(next) = self.search(&bucket, name)? else { return Ok(None) };
            bucket = next;
        }
        match self.search(&bucket, key)? {
            Found::Value(value) => Ok(Some(value)),
            Found::Bucket(_) | Found::Nothing => Ok(None),
        }
    }

    /// Looks for `key` in one bucket.
    fn search(&self, bucket: &Place, key: &[u8]) -> Result<Found, BoltError> {
        let mut next = match bucket {
            Place::Inline(page, value) => return found(&View::inline(*page, value)?, key),
            Place::Page(page) => *page,
        };
        for _ in 0..MAX_TREE_DEPTH {
            let page = self.load(next, 0)?;
            let view = page.view();
            if view.kind() == Kind::Leaf {
                return found(&view, key);
            }
            let after = view.partition_point(|at| at <= key);
            next = view.child(after.saturating_sub(1));
        }
        Err(page::too_deep(next))
    }

    /// Reads a branch or leaf page with its overflow; `held` bytes are held already.
    fn load(&self, id: u64, held: u64) -> Result<Page, BoltError> {
        let run = self.read_run(id, held)?;
        for one in run.pages() {
            if self.freed.has(one) {
                return Err(BoltError::page(
                    one,
                    "is in use and on the list of free pages; it can be only one of them",
                ));
            }
        }
        run.into_page()
    }
}

/// What a search for a key comes to.
enum Found {
    Nothing,
    Value(Vec<u8>),
    Bucket(Place),
}

/// As [`Root`], to keep.
enum Place {
    Page(u64),
    Inline(u64, Vec<u8>),
}

fn found(view: &View<'_>, key: &[u8]) -> Result<Found, BoltError> {
    let index = view.partition_point(|at| at < key);
    if index >= view.count() || view.key(index) != key {
        return Ok(Found::Nothing);
    }
    if !view.is_bucket(index) {
        return Ok(Found::Value(view.value(index).to_vec()));
    }
    Ok(match view.bucket(index)? {
        Root::Page(id) => Found::Bucket(Place::Page(id)),
        Root::Inline(page, bytes) => Found::Bucket(Place::Inline(page, bytes.to_vec())),
    })
}

#[cfg(test)]
#[path = "bbolt_tests.rs"]
mod tests;
