//! One page with its overflow: the header, and elements that each have bytes of their own.

use super::{BoltError, Database, MAX_HELD, MAX_KEY, MAX_RUN, MAX_TREE_DEPTH, PageSource, Root};
use std::ops::Range;

/// Bytes of the header of a page, and of one element.
const HEADER: usize = 16;
const ELEMENT: usize = 16;
/// Flags of pages.
const BRANCH_FLAG: u16 = 0x01;
const LEAF_FLAG: u16 = 0x02;
/// Flag of an element of a leaf whose value is a bucket.
const BUCKET_FLAG: u32 = 0x01;

/// What a page of a tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Keys and numbers of pages.
    Branch,
    /// Keys and values.
    Leaf,
}

/// A little-endian integer; 0 where the bytes end, which callers rule out beforehand.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |raw| u16::from_le_bytes(*raw))
}

/// As [`u16_at`].
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |raw| u32::from_le_bytes(*raw))
}

/// As [`u16_at`].
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |raw| u64::from_le_bytes(*raw))
}

/// One bit for each page.
#[derive(Clone)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// For `pages` pages, at most [`super::MAX_PAGES`].
    pub(super) fn new(pages: u64) -> Self {
        Bits(vec![0; pages.div_ceil(64) as usize])
    }

    pub(super) fn has(&self, page: u64) -> bool {
        self.0.get((page / 64) as usize).is_some_and(|word| word & (1 << (page % 64)) != 0)
    }

    /// Sets the bit, and says whether it was set before.
    pub(super) fn set(&mut self, page: u64) -> bool {
        let before = self.has(page);
        if let Some(word) = self.0.get_mut((page / 64) as usize) {
            *word |= 1 << (page % 64);
        }
        before
    }
}

/// A page and its overflow, as they lie in the file; only the header was looked at.
pub(super) struct Run {
    id: u64,
    overflow: u64,
    pub(super) flags: u16,
    pub(super) count: u16,
    pub(super) data: Vec<u8>,
}

impl Run {
    /// Numbers of its pages.
    pub(super) fn pages(&self) -> Range<u64> {
        self.id..self.id + self.overflow + 1
    }

    /// The page of a tree that it has to be.
    pub(super) fn into_page(self) -> Result<Page, BoltError> {
        let (pages, kind) = (self.pages(), kind(self.id, self.flags)?);
        let page = Page { id: self.id, pages, kind, count: usize::from(self.count), data: self.data };
        page.view().check()?;
        Ok(page)
    }
}

fn kind(id: u64, flags: u16) -> Result<Kind, BoltError> {
    match flags {
        BRANCH_FLAG => Ok(Kind::Branch),
        LEAF_FLAG => Ok(Kind::Leaf),
        _ => Err(BoltError::page(id, format!("has flags {flags:#x}; expected a branch (0x1) or a leaf (0x2)"))),
    }
}

/// The error for trees without end.
pub(super) fn too_deep(page: u64) -> BoltError {
    BoltError::limit(page, format!("lies deeper than {MAX_TREE_DEPTH} pages below the root of its bucket"))
}

impl<S: PageSource> Database<S> {
    /// Reads a page and its overflow; `held` bytes are held already.
    pub(super) fn read_run(&self, id: u64, held: u64) -> Result<Run, BoltError> {
        let size = u64::from(self.meta.page_size);
        if !(2..self.meta.pages).contains(&id) {
            let pages = self.meta.pages;
            return Err(BoltError::page(id, format!("is referred to, but pages of data are 2 to below {pages}")));
        }
        let offset = id * size;
        let mut data = vec![0; size as usize];
        self.source.read_at(offset, &mut data).map_err(|error| BoltError::Medium { offset, error })?;
        let (own, overflow) = (u64_at(&data, 0), u64::from(u32_at(&data, 12)));
        if own != id {
            return Err(BoltError::page(id, format!("states the number {own}; expected its place in the file")));
        }
        if overflow >= self.meta.pages - id {
            let pages = self.meta.pages;
            return Err(BoltError::page(
                id,
                format!("continues on {overflow} more pages, but the database ends before page {pages}"),
            ));
        }
        let bytes = (overflow + 1) * size;
        if bytes > MAX_RUN {
            return Err(BoltError::limit(
                id,
                format!("has {bytes} bytes with the pages on which it continues; at most {MAX_RUN} are read"),
            ));
        }
        if held + bytes > MAX_HELD {
            return Err(BoltError::limit(
                id,
                format!("and the pages above it have {} bytes; at most {MAX_HELD} are held", held + bytes),
            ));
        }
        data.resize(bytes as usize, 0);
        let offset = offset + size;
        let rest = data.get_mut(size as usize..).unwrap_or_default();
        self.source.read_at(offset, rest).map_err(|error| BoltError::Medium { offset, error })?;
        Ok(Run { id, overflow, flags: u16_at(&data, 8), count: u16_at(&data, 10), data })
    }
}

/// A page of a tree whose elements were checked.
pub(super) struct Page {
    id: u64,
    pub(super) pages: Range<u64>,
    kind: Kind,
    count: usize,
    data: Vec<u8>,
}

impl Page {
    pub(super) fn view(&self) -> View<'_> {
        View { id: self.id, kind: self.kind, count: self.count, inline: false, data: &self.data }
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> u64 {
        self.data.len() as u64
    }
}

/// The elements of a page, in their order. Once they were checked, every accessor answers for any index below the count;
/// beyond it, with nothing.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    id: u64,
    kind: Kind,
    count: usize,
    inline: bool,
    data: &'a [u8],
}

impl<'a> View<'a> {
    /// A page that lies inside a value of page `id`: a leaf that continues nowhere.
    pub(super) fn inline(id: u64, data: &'a [u8]) -> Result<Self, BoltError> {
        if data.len() < HEADER {
            let found = data.len();
            return Err(BoltError::page(
                id,
                format!("has a bucket inside a value with {found} bytes for its page; a header alone has {HEADER}"),
            ));
        }
        let header = (u64_at(data, 0), u16_at(data, 8), u32_at(data, 12));
        if header != (0, LEAF_FLAG, 0) {
            let (own, flags, overflow) = header;
            return Err(BoltError::page(
                id,
                format!(
                    "has a bucket inside a value whose page states number {own}, flags {flags:#x} and {overflow} more \
                     pages; expected 0, 0x2 (a leaf) and 0"
                ),
            ));
        }
        let view = View { id, kind: Kind::Leaf, count: usize::from(u16_at(data, 10)), inline: true, data };
        view.check()?;
        Ok(view)
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Element `index`: its four integers.
    fn element(&self, index: usize) -> [u32; 4] {
        let at = HEADER + index * ELEMENT;
        [0, 4, 8, 12].map(|field| u32_at(self.data, at + field))
    }

    /// Where key and value of element `index` lie.
    fn place(&self, index: usize) -> (Range<u64>, Range<u64>) {
        let (position, key, value) = match (self.kind, self.element(index)) {
            (Kind::Branch, [position, key, _, _]) => (position, key, 0),
            (Kind::Leaf, [_, position, key, value]) => (position, key, value),
        };
        let start = (HEADER + index * ELEMENT) as u64 + u64::from(position);
        let middle = start + u64::from(key);
        (start..middle, middle..middle + u64::from(value))
    }

    fn slice(&self, range: Range<u64>) -> &'a [u8] {
        self.data.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    pub(super) fn key(&self, index: usize) -> &'a [u8] {
        self.slice(self.place(index).0)
    }

    pub(super) fn value(&self, index: usize) -> &'a [u8] {
        self.slice(self.place(index).1)
    }

    /// The page below element `index` of a branch.
    pub(super) fn child(&self, index: usize) -> u64 {
        let [_, _, low, high] = self.element(index);
        u64::from(low) | u64::from(high) << 32
    }

    pub(super) fn is_bucket(&self, index: usize) -> bool {
        self.kind == Kind::Leaf && self.element(index)[0] & BUCKET_FLAG != 0
    }

    /// The first index whose key does not satisfy `before`; keys ascend.
    pub(super) fn partition_point(&self, before: impl Fn(&[u8]) -> bool) -> usize {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if before(self.key(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The bucket that is the value of element `index`.
    pub(super) fn bucket(&self, index: usize) -> Result<Root<'a>, BoltError> {
        let value = self.value(index);
        // The number of the root page, and a counter for the users of the bucket.
        let Some((header, inline)) = value.split_at_checked(16) else {
            let found = value.len();
            return Err(self.fault(index, &format!("is a bucket of {found} bytes; expected 16 at least")));
        };
        match u64_at(header, 0) {
            0 => Ok(Root::Inline(self.id, inline)),
            page if inline.is_empty() => Ok(Root::Page(page)),
            page => {
                let more = inline.len();
                Err(self.fault(index, &format!("is a bucket on page {page}, but has {more} bytes here too")))
            }
        }
    }

    /// Every element has bytes of its own behind the table of elements and inside the page, and keys ascend.
    pub(super) fn check(&self) -> Result<(), BoltError> {
        let table = HEADER + self.count * ELEMENT;
        if table > self.data.len() {
            let (count, size) = (self.count, self.data.len());
            return Err(BoltError::page(
                self.id,
                format!("states {count} elements, which do not fit its {size} bytes"),
            ));
        }
        if self.kind == Kind::Branch && self.count == 0 {
            return Err(BoltError::page(self.id, "is a branch without elements; expected one at least"));
        }
        let mut free_from = table as u64;
        for index in 0..self.count {
            let (key, value) = self.place(index);
            if key.start < free_from || value.end > self.data.len() as u64 {
                let (start, end, size) = (key.start, value.end, self.data.len());
                return Err(self.fault(
                    index,
                    &format!("takes bytes {start} to {end}; expected a place of its own from {free_from} to {size}"),
                ));
            }
            free_from = value.end;
            self.check_element(index)?;
        }
        Ok(())
    }

    fn check_element(&self, index: usize) -> Result<(), BoltError> {
        let length = self.key(index).len();
        if length == 0 || length > MAX_KEY {
            return Err(self.fault(index, &format!("has a key of {length} bytes; expected 1 to {MAX_KEY}")));
        }
        if index > 0 && self.key(index - 1) >= self.key(index) {
            return Err(self.fault(index, "has a key that does not come after the one before it"));
        }
        let flags = if self.kind == Kind::Leaf { self.element(index)[0] } else { 0 };
        if flags & !BUCKET_FLAG != 0 {
            return Err(self.fault(index, &format!("has flags {flags:#x}; expected 0 (a value) or 0x1 (a bucket)")));
        }
        if self.inline && flags != 0 {
            return Err(self.fault(index, "is a bucket; a bucket inside a value holds values only"));
        }
        Ok(())
    }

    /// An error about one element, with `text` as what is said of it.
    fn fault(&self, index: usize, text: &str) -> BoltError {
        let place = if self.inline { " of a bucket inside a value" } else { "" };
        BoltError::page(self.id, format!("is malformed: element {index}{place} {text}"))
    }

    /// The error for a first key that does not fit where its page lies in the tree.
    pub(super) fn misplaced(&self) -> BoltError {
        BoltError::page(self.id, "has a first key that does not fit its place: keys have to ascend through the bucket")
    }
}
