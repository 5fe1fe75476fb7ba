//! Every bucket and every key, depth first, each page once.

use super::page::{Bits, Kind, Page, View, too_deep};
use super::{BoltError, Database, MAX_BUCKET_DEPTH, MAX_TREE_DEPTH, PageSource, Root};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// What a walk comes across. All bytes are untrusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A bucket of this name begins.
    Enter(&'a [u8]),
    /// A key and its value, in the bucket that began last and has not ended.
    Value(&'a [u8], &'a [u8]),
    /// The bucket that began last ends.
    Leave,
}

/// What a walk counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walked {
    /// Buckets, those inside others included; the root, which has no name, is not counted.
    pub buckets: u64,
    /// Buckets that lie in the root.
    pub top_buckets: u64,
    /// Keys whose value is not a bucket.
    pub values: u64,
    /// Pages that were read, with those on which they continue.
    pub pages: u64,
    /// Pages that neither a bucket, nor the list of free pages, nor the descriptions refer to. Where no list of free pages
    /// is written, the free ones are among them. 0 where the walk was stopped.
    pub unreferenced: u64,
    /// The visitor stopped the walk: the counts are of what was seen up to there, and the rest was not checked.
    pub stopped: bool,
}

/// The way from the root to where the walk is.
struct Walk<'a, S> {
    database: &'a Database<S>,
    seen: Bits,
    held: u64,
    frames: Vec<Frame>,
    buckets: Vec<Bucket>,
    counts: Walked,
}

/// A page on the way, and the element that comes next.
struct Frame {
    page: Page,
    next: usize,
}

/// A bucket on the way.
struct Bucket {
    /// Frames on the way when it began.
    base: usize,
    /// The last key of the last leaf that was finished: what comes has to be greater.
    last: Vec<u8>,
    /// The key under which the branch above has the current page: what comes must not be smaller.
    floor: Vec<u8>,
}

type Visit<'v> = &'v mut dyn FnMut(Event<'_>) -> ControlFlow<()>;

pub(super) fn walk<S: PageSource>(database: &Database<S>, visit: Visit<'_>) -> Result<Walked, BoltError> {
    let mut walk = Walk::start(database, database.meta.root_page)?;
    if walk.run(visit)?.is_break() {
        walk.counts.stopped = true;
        return Ok(walk.counts);
    }
    let lists = database.meta.freelist.map_or(0, |list| list.pages);
    let free = database.meta.freelist.map_or(0, |list| list.free);
    walk.counts.unreferenced = database.meta.pages.saturating_sub(2 + lists + free + walk.counts.pages);
    Ok(walk.counts)
}

/// What is to be done about the element that was taken from the last frame.
enum Next {
    Child(u64),
    Bucket(u64),
    Done,
}

impl<'a, S: PageSource> Walk<'a, S> {
    /// Stands at the bucket that begins on `page`, before its first element.
    fn start(database: &'a Database<S>, page: u64) -> Result<Self, BoltError> {
        let mut walk = Walk {
            database,
            seen: Bits::new(database.meta.pages),
            held: 0,
            frames: Vec::new(),
            buckets: Vec::new(),
            counts: Walked::default(),
        };
        let lists = database.meta.freelist.map_or(0, |list| list.pages);
        for page in (0..lists).map(|page| database.meta.freelist_page + page) {
            walk.seen.set(page);
        }
        walk.begin(page)?;
        Ok(walk)
    }

    fn run(&mut self, visit: Visit<'_>) -> Result<ControlFlow<()>, BoltError> {
        while !self.frames.is_empty() {
            if self.step(visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes one element from the last page on the way, or leaves that page. A small bucket inside a value is one element.
    fn step(&mut self, visit: Visit<'_>) -> Result<ControlFlow<()>, BoltError> {
        let Some(frame) = self.frames.last_mut() else { return Ok(ControlFlow::Continue(())) };
        let index = frame.next;
        frame.next += 1;
        if index >= frame.page.view().count() {
            return Ok(self.finish(visit));
        }
        let next = match frame.page.view().kind() {
            Kind::Branch => self.branch(index)?,
            Kind::Leaf => match self.leaf(index, visit)? {
                ControlFlow::Continue(next) => next,
                ControlFlow::Break(()) => return Ok(ControlFlow::Break(())),
            },
        };
        match next {
            Next::Child(page) => self.push(page)?,
            Next::Bucket(page) => self.begin(page)?,
            Next::Done => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Leaves the last page, and with the last page of a bucket the bucket.
    fn finish(&mut self, visit: Visit<'_>) -> ControlFlow<()> {
        let (Some(frame), Some(bucket)) = (self.frames.pop(), self.buckets.last_mut()) else {
            return ControlFlow::Continue(());
        };
        self.held -= frame.page.bytes();
        let view = frame.page.view();
        if view.kind() == Kind::Leaf && view.count() > 0 {
            bucket.last.clear();
            bucket.last.extend_from_slice(view.key(view.count() - 1));
        }
        if self.frames.len() > bucket.base {
            return ControlFlow::Continue(());
        }
        self.buckets.pop();
        // The root is no bucket to the visitor.
        if self.buckets.is_empty() { ControlFlow::Continue(()) } else { visit(Event::Leave) }
    }

    /// The page below element `index` of the branch that is the last page on the way.
    fn branch(&mut self, index: usize) -> Result<Next, BoltError> {
        let (Some(frame), Some(bucket)) = (self.frames.last(), self.buckets.last_mut()) else { return Ok(Next::Done) };
        let view = frame.page.view();
        let key = view.key(index);
        // Keys that were read so far belong below the branch keys before this one. An empty key comes before all others.
        if key <= &bucket.last[..] {
            return Err(BoltError::page(
                view.child(index).max(2),
                "has, according to the branch above it, a first key that is not greater than the keys before it",
            ));
        }
        bucket.floor.clear();
        bucket.floor.extend_from_slice(key);
        Ok(Next::Child(view.child(index)))
    }

    fn leaf(&mut self, index: usize, visit: Visit<'_>) -> Result<ControlFlow<(), Next>, BoltError> {
        let Some(frame) = self.frames.last() else { return Ok(ControlFlow::Continue(Next::Done)) };
        let view = frame.page.view();
        let key = view.key(index);
        if !view.is_bucket(index) {
            self.counts.values += 1;
            return Ok(visit(Event::Value(key, view.value(index))).map_continue(|()| Next::Done));
        }
        let root = view.bucket(index)?;
        self.counts.buckets += 1;
        self.counts.top_buckets += u64::from(self.buckets.len() == 1);
        if self.buckets.len() > MAX_BUCKET_DEPTH {
            let text = format!("has a bucket that lies inside {MAX_BUCKET_DEPTH} others; no deeper ones are read");
            return Err(BoltError::limit(frame.page.pages.start, text));
        }
        // What lies in the value is looked at before the visitor hears of it.
        let inline = match root {
            Root::Inline(page, bytes) => Some(View::inline(page, bytes)?),
            Root::Page(_) => None,
        };
        if visit(Event::Enter(key)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        match (root, inline) {
            (Root::Page(page), _) => Ok(ControlFlow::Continue(Next::Bucket(page))),
            (Root::Inline(..), inline) => {
                for (view, index) in inline.iter().flat_map(|view| (0..view.count()).map(move |index| (view, index))) {
                    self.counts.values += 1;
                    if visit(Event::Value(view.key(index), view.value(index))).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(visit(Event::Leave).map_continue(|()| Next::Done))
            }
        }
    }

    fn begin(&mut self, page: u64) -> Result<(), BoltError> {
        self.buckets.push(Bucket { base: self.frames.len(), last: Vec::new(), floor: Vec::new() });
        self.push(page)
    }

    /// Goes to a page, for the first and only time.
    fn push(&mut self, id: u64) -> Result<(), BoltError> {
        let base = self.buckets.last().map_or(0, |bucket| bucket.base);
        if self.frames.len() - base >= MAX_TREE_DEPTH {
            return Err(too_deep(id));
        }
        if self.seen.has(id) {
            return Err(twice(id));
        }
        let page = self.database.load(id, self.held)?;
        for one in page.pages.clone() {
            if self.seen.set(one) {
                return Err(twice(one));
            }
            self.counts.pages += 1;
        }
        let view = page.view();
        if let Some(bucket) = self.buckets.last()
            && view.count() > 0
            && (view.key(0) <= &bucket.last[..] || view.key(0) < &bucket.floor[..])
        {
            return Err(view.misplaced());
        }
        self.held += page.bytes();
        self.frames.push(Frame { page, next: 0 });
        Ok(())
    }
}

/// A walk that is asked for one item after the other, so that two can go side by side. Holds what a walk holds, and the
/// items of one element: a value, or a small bucket that lies inside one.
pub struct Cursor<'a, S> {
    walk: Walk<'a, S>,
    /// Keys and values of the items of one element, one after the other.
    bytes: Vec<u8>,
    items: VecDeque<Stored>,
    current: Stored,
}

/// An item, by where its parts end in the bytes.
#[derive(Debug, Clone, Copy)]
enum Stored {
    Enter(usize, usize),
    Value(usize, usize, usize),
    Leave,
}

impl<'a, S: PageSource> Cursor<'a, S> {
    pub(super) fn start(database: &'a Database<S>, page: u64) -> Result<Self, BoltError> {
        let walk = Walk::start(database, page)?;
        Ok(Cursor { walk, bytes: Vec::new(), items: VecDeque::new(), current: Stored::Leave })
    }

    /// The next item in the order of [`Database::walk`]; `None` after the last.
    ///
    /// # Errors
    /// As [`Database::walk`].
    pub fn advance(&mut self) -> Result<Option<Event<'_>>, BoltError> {
        while self.items.is_empty() {
            if self.walk.frames.is_empty() {
                return Ok(None);
            }
            self.bytes.clear();
            let (bytes, items) = (&mut self.bytes, &mut self.items);
            let _ = self.walk.step(&mut |event| {
                items.push_back(Stored::keep(event, bytes));
                ControlFlow::Continue(())
            })?;
        }
        self.current = self.items.pop_front().unwrap_or(Stored::Leave);
        Ok(Some(self.current()))
    }

    /// The item that was given last.
    pub fn current(&self) -> Event<'_> {
        let part = |start: usize, end: usize| self.bytes.get(start..end).unwrap_or_default();
        match self.current {
            Stored::Enter(start, end) => Event::Enter(part(start, end)),
            Stored::Value(start, middle, end) => Event::Value(part(start, middle), part(middle, end)),
            Stored::Leave => Event::Leave,
        }
    }
}

impl Stored {
    fn keep(event: Event<'_>, bytes: &mut Vec<u8>) -> Stored {
        let start = bytes.len();
        match event {
            Event::Enter(name) => {
                bytes.extend_from_slice(name);
                Stored::Enter(start, bytes.len())
            }
            Event::Value(key, value) => {
                bytes.extend_from_slice(key);
                let middle = bytes.len();
                bytes.extend_from_slice(value);
                Stored::Value(start, middle, bytes.len())
            }
            Event::Leave => Stored::Leave,
        }
    }
}

fn twice(page: u64) -> BoltError {
    BoltError::page(page, "is referred to twice; each page belongs to one place in one tree")
}
