//! The two pages that describe a database, and its list of free pages.

use super::page::{Bits, u16_at, u32_at, u64_at};
use super::{BoltError, Database, MAX_PAGES, PAGE_SIZES, PageSource};

/// Flag of a page that describes the database.
const META_FLAG: u16 = 0x04;
/// Flag of a page that lists free pages.
const FREELIST_FLAG: u16 = 0x10;
/// First field of the description.
const MAGIC: u32 = 0xED0C_DAED;
/// The one version of the format that bbolt has had.
const VERSION: u32 = 2;
/// Bytes of a page header and the description behind it.
const META_END: usize = 16 + 64;
/// bbolt looks for page 1 behind pages of up to 2 to this power of bytes (16 MiB).
const LAST_PROBE: u32 = 24;
/// In the place of a page number: the free pages were not written.
pub(super) const NO_FREELIST: u64 = u64::MAX;
/// In the header of a list of free pages: the number is in the first eight bytes behind it.
const MANY: u16 = 0xFFFF;

/// What describes a database: the valid description with the higher transaction id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Bytes of a page.
    pub page_size: u32,
    /// Transactions that were written.
    pub transaction: u64,
    /// Pages that the database has, in use or free: those with smaller numbers than this.
    pub pages: u64,
    /// Bytes of the file behind the last page of the database: nothing of it is read.
    pub beyond: u64,
    /// Which of pages 0 and 1 this was taken from.
    pub taken_from: u8,
    /// What was found in pages 0 and 1.
    pub states: [MetaState; 2],
    /// The list of free pages, where one is written.
    pub freelist: Option<Freelist>,
    pub(super) root_page: u64,
    pub(super) freelist_page: u64,
}

impl Meta {
    /// The one of pages 0 and 1 that describes no database, and why; `None` where both do.
    pub fn unsound(&self) -> Option<(usize, &str)> {
        self.states.iter().enumerate().find_map(|(page, state)| match state {
            MetaState::Invalid(why) => Some((page, why.as_str())),
            _ => None,
        })
    }
}

/// What was found in one of the two pages that describe a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetaState {
    /// Magic, version and checksum are right.
    Valid {
        /// The transaction that wrote it.
        transaction: u64,
    },
    /// It does not count, for the reason in this sentence: a write that was cut short leaves the other one valid.
    Invalid(String),
}

/// What the list of free pages says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freelist {
    /// Free pages. Their bytes are whatever an earlier transaction left there.
    pub free: u64,
    /// Pages that the list itself takes.
    pub pages: u64,
}

/// The fields of one description.
#[derive(Clone, Copy)]
struct Fields {
    page_size: u32,
    root: u64,
    freelist: u64,
    pages: u64,
    transaction: u64,
    /// Number and flags in the header of the page.
    header: (u64, u16),
}

/// Chooses between the two descriptions as bbolt does, and refuses what it would not look at.
pub(super) fn read(source: &impl PageSource) -> Result<Meta, BoltError> {
    if source.len() < META_END as u64 {
        let found = source.len();
        return Err(BoltError::Database(format!(
            "a bbolt database has two pages at least, the file has {found} bytes; it is no database, or was cut short"
        )));
    }
    let first = read_one(source, 0)?;
    let second = match &first {
        Ok(fields) => {
            check_size(fields.page_size)?;
            read_one(source, u64::from(fields.page_size))?
        }
        Err(_) => find_second(source)?,
    };
    let (taken_from, fields) = match (&first, &second) {
        (Ok(first), Ok(second)) if second.transaction > first.transaction => (1, *second),
        (Ok(first), _) => (0, *first),
        (Err(_), Ok(second)) => (1, *second),
        (Err(why), Err(other)) => {
            let text = format!("no bbolt database: page 0 {why}, and no other page describes one ({other})");
            return Err(BoltError::Database(text));
        }
    };
    for (page, one) in [(0, &first), (1, &second)] {
        if let Ok(one) = one {
            check_place(page, one, fields.page_size)?;
        }
    }
    check_fields(source, &fields, taken_from)?;
    Ok(Meta {
        page_size: fields.page_size,
        transaction: fields.transaction,
        pages: fields.pages,
        beyond: source.len() - fields.pages * u64::from(fields.page_size),
        taken_from,
        states: [state(first), state(second)],
        freelist: None,
        root_page: fields.root,
        freelist_page: fields.freelist,
    })
}

fn state(found: Result<Fields, String>) -> MetaState {
    match found {
        Ok(fields) => MetaState::Valid { transaction: fields.transaction },
        Err(why) => MetaState::Invalid(why),
    }
}

/// The description at `offset`, or why there is none.
fn read_one(source: &impl PageSource, offset: u64) -> Result<Result<Fields, String>, BoltError> {
    if offset + META_END as u64 > source.len() {
        return Ok(Err(format!("lies beyond the end of the file at byte {}", source.len())));
    }
    let mut bytes = [0; META_END];
    source.read_at(offset, &mut bytes).map_err(|error| BoltError::Medium { offset, error })?;
    let (header, fields) = bytes.split_at(16);
    let (magic, version, stated) = (u32_at(fields, 0), u32_at(fields, 4), u64_at(fields, 56));
    Ok(if magic == MAGIC.swap_bytes() {
        Err("is that of a machine with the other byte order; bbolt itself does not read it here".into())
    } else if magic != MAGIC {
        Err(format!("begins with {magic:#010x} instead of {MAGIC:#010x}"))
    } else if version != VERSION {
        Err(format!("has version {version}, expected {VERSION}"))
    } else if stated != fnv1a(&fields[..56]) {
        Err(format!("has the checksum {stated:#018x}, its bytes have {:#018x}", fnv1a(&fields[..56])))
    } else {
        Ok(Fields {
            page_size: u32_at(fields, 8),
            root: u64_at(fields, 16),
            freelist: u64_at(fields, 32),
            pages: u64_at(fields, 40),
            transaction: u64_at(fields, 48),
            header: (u64_at(header, 0), u16_at(header, 8)),
        })
    })
}

/// Looks for the second description where the first does not say how long a page is: behind a page of each size, also of
/// those that are not read. bbolt takes the size that the first one states which it finds, wherever that lies; so there
/// may be one only, and it has to lie where it says.
fn find_second(source: &impl PageSource) -> Result<Result<Fields, String>, BoltError> {
    let mut found = Err("none at the place of page 1 for any size of page".to_string());
    for place in (9..=LAST_PROBE).map(|power| 1_u32 << power) {
        let Ok(fields) = read_one(source, u64::from(place))? else { continue };
        if fields.page_size != place || found.is_ok() {
            return Err(BoltError::Database(format!(
                "page 0 is damaged, and what may be page 1 at byte {place} states pages of {} bytes; expected one such \
                 page, and as many bytes before it",
                fields.page_size
            )));
        }
        check_size(fields.page_size)?;
        found = Ok(fields);
    }
    Ok(found)
}

fn check_size(page_size: u32) -> Result<(), BoltError> {
    if page_size.is_power_of_two() && (PAGE_SIZES.0..=PAGE_SIZES.1).contains(&page_size) {
        return Ok(());
    }
    Err(BoltError::page(
        0,
        format!("states pages of {page_size} bytes, expected a power of two from {} to {}", PAGE_SIZES.0, PAGE_SIZES.1),
    ))
}

/// A description that counts has to lie in a page that says so: bbolt does not look, and others who do must not come to
/// another choice.
fn check_place(page: u64, fields: &Fields, page_size: u32) -> Result<(), BoltError> {
    if fields.header != (page, META_FLAG) {
        let (id, flags) = fields.header;
        return Err(BoltError::page(
            page,
            format!(
                "describes the database, but its header has number {id} and flags {flags:#x}; expected {page} and {META_FLAG:#x}"
            ),
        ));
    }
    if fields.page_size != page_size {
        return Err(BoltError::page(
            page,
            format!("states pages of {} bytes, the other description {page_size}; both are valid", fields.page_size),
        ));
    }
    Ok(())
}

fn check_fields(source: &impl PageSource, fields: &Fields, page: u8) -> Result<(), BoltError> {
    let page = u64::from(page);
    let (pages, size) = (fields.pages, u64::from(fields.page_size));
    if pages > MAX_PAGES {
        return Err(BoltError::limit(page, format!("counts {pages} pages; at most {MAX_PAGES} are read")));
    }
    if pages * size > source.len() {
        let expected = pages * size;
        return Err(BoltError::page(
            page,
            format!(
                "counts {pages} pages of {size} bytes, {expected} in all, but the file has {}: it was cut short",
                source.len()
            ),
        ));
    }
    for (what, id) in [("root page", fields.root), ("list of free pages", fields.freelist)] {
        let absent = what != "root page" && id == NO_FREELIST;
        if !absent && !(2..pages).contains(&id) {
            return Err(BoltError::page(page, format!("names page {id} as the {what}; expected 2 to below {pages}")));
        }
    }
    Ok(())
}

/// FNV-1a with 64 bits, as Go's `hash/fnv` has it: finds accidents, not attacks.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3))
}

impl<S: PageSource> Database<S> {
    /// Which pages are free: in ascending order, each once, none of those that are always in use.
    pub(super) fn read_freelist(&self, id: u64) -> Result<(Freelist, Bits), BoltError> {
        let run = self.read_run(id, 0)?;
        if run.flags != FREELIST_FLAG {
            let flags = run.flags;
            return Err(BoltError::page(id, format!("is to list free pages, but has flags {flags:#x}, not 0x10")));
        }
        let ids = run.data.get(16..).unwrap_or_default();
        let (count, ids) = match run.count {
            MANY => (u64_at(ids, 0), ids.get(8..).unwrap_or_default()),
            count => (u64::from(count), ids),
        };
        let room = ids.len() as u64 / 8;
        if count > room {
            return Err(BoltError::page(id, format!("lists {count} free pages, but has room for {room}")));
        }
        let mut freed = Bits::new(self.meta.pages);
        let mut last = 1;
        for chunk in ids.as_chunks::<8>().0.iter().take(usize::try_from(count).unwrap_or(usize::MAX)) {
            let free = u64::from_le_bytes(*chunk);
            if free <= last || free >= self.meta.pages {
                let pages = self.meta.pages;
                return Err(BoltError::page(
                    id,
                    format!("lists page {free} as free after {last}; expected ascending numbers below {pages}"),
                ));
            }
            freed.set(free);
            last = free;
        }
        if run.pages().any(|own| freed.has(own)) {
            return Err(BoltError::page(id, "lists itself as free"));
        }
        Ok((Freelist { free: count, pages: run.pages().count() as u64 }, freed))
    }
}
