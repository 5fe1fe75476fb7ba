//! The first 100 bytes of an SQLite database.

use super::{JavaError, MAX_PAGES};

/// Bytes of the header.
pub const HEADER_BYTES: usize = 100;
/// How a file of version 3 begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Fractions that the format fixes: largest and smallest embedded payload, and that of leaves.
const FRACTIONS: [u8; 3] = [64, 32, 32];
/// Bytes of the header that are for later versions of the format.
const SPARE: std::ops::Range<usize> = 72..92;

/// What the header of a database says, as far as it is told. All numbers are untrusted, but the size of the file agrees
/// with pages and page size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes of a page, a power of two from 512 to 65536.
    pub page_size: u32,
    /// Pages in all.
    pub pages: u64,
    /// Pages that hold nothing.
    pub free_pages: u32,
    /// How often the file was changed.
    pub change_counter: u32,
    /// How often the schema was changed.
    pub schema_cookie: u32,
    /// Whether pages have back references, so that the file shrinks by itself.
    pub auto_vacuum: bool,
    /// Number that the writing program may set.
    pub user_version: u32,
    /// Number that says which program the file belongs to; 0 where none is named.
    pub application_id: u32,
    /// Version of the SQLite that wrote last, as 3045001 for 3.45.1.
    pub writer: u32,
}

impl Header {
    /// Reads the header of a database of `size` bytes in all.
    ///
    /// # Errors
    /// [`JavaError::Header`] where it is no SQLite 3 database, where part of its content would lie in a second file, where
    /// it is longer or shorter than it says, and where it says what Trivy's databases never say; [`JavaError::Limit`] where
    /// it has more than [`MAX_PAGES`].
    pub fn parse(untrusted: &[u8], size: u64) -> Result<Self, JavaError> {
        let bytes: &[u8; HEADER_BYTES] = untrusted.first_chunk().ok_or_else(|| {
            JavaError::Header(format!("an SQLite database has at least 512 bytes, the file has {size}"))
        })?;
        if bytes.first_chunk() != Some(MAGIC) {
            return Err(JavaError::Header("the file does not begin as an SQLite 3 database does".into()));
        }
        fixed(bytes)?;
        let page_size = match be16(bytes, 16) {
            1 => 65536,
            other => other,
        };
        if !page_size.is_power_of_two() || page_size < 512 {
            let why = format!("the page size is {page_size} bytes; it has to be a power of two from 512 to 65536");
            return Err(JavaError::Header(why));
        }
        let pages = pages(bytes, page_size, size)?;
        let free_pages = be32(bytes, 36);
        if u64::from(free_pages) >= pages {
            let why = format!("{free_pages} pages are said to be free, but the file has only {pages} in all");
            return Err(JavaError::Header(why));
        }
        Ok(Header {
            page_size,
            pages,
            free_pages,
            change_counter: be32(bytes, 24),
            schema_cookie: be32(bytes, 40),
            auto_vacuum: be32(bytes, 52) != 0,
            user_version: be32(bytes, 60),
            application_id: be32(bytes, 68),
            writer: be32(bytes, 96),
        })
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.pages.saturating_mul(u64::from(self.page_size))
    }
}

/// The fields of which only one value is right.
fn fixed(bytes: &[u8; HEADER_BYTES]) -> Result<(), JavaError> {
    let bad = |why: String| Err(JavaError::Header(why));
    match (bytes[18], bytes[19]) {
        (1, 1) => {}
        (1 | 2, 1 | 2) => {
            return bad(
                "the database is in write-ahead mode: its latest content may lie in a second file (-wal), which is \
                        not here; have it written with journal_mode=DELETE"
                    .into(),
            );
        }
        (write, read) => return bad(format!("the format has versions {write} and {read}; only 1 is known")),
    }
    if bytes[20] != 0 {
        return bad(format!("{} bytes at the end of each page are set aside; Trivy sets none aside", bytes[20]));
    }
    if bytes[21..24] != FRACTIONS {
        return bad(format!("the payload fractions are {:?}; the format fixes {FRACTIONS:?}", &bytes[21..24]));
    }
    let schema_format = be32(bytes, 44);
    if !(1..=4).contains(&schema_format) {
        return bad(format!("the schema has format {schema_format}; 1 to 4 are known"));
    }
    match be32(bytes, 56) {
        1 => {}
        2 | 3 => return bad("the text of the database is UTF-16; Trivy writes UTF-8".into()),
        other => return bad(format!("the text encoding is {other}; Trivy writes 1 (UTF-8)")),
    }
    if bytes[SPARE].iter().any(|byte| *byte != 0) {
        return bad("bytes 72 to 91 of the header are not 0; they are kept for later versions of the format".into());
    }
    Ok(())
}

/// How many pages there are, where header and size agree on it.
fn pages(bytes: &[u8; HEADER_BYTES], page_size: u32, size: u64) -> Result<u64, JavaError> {
    let page_bytes = u64::from(page_size);
    let held = size / page_bytes;
    let stated = u64::from(be32(bytes, 28));
    if be32(bytes, 24) != be32(bytes, 92) || stated == 0 {
        return Err(JavaError::Header(
            "the number of pages in the header is not that of the last change (bytes 24 and 92 differ), so that readers \
             disagree about the length of the database"
                .into(),
        ));
    }
    if held > MAX_PAGES || stated > MAX_PAGES {
        let most = held.max(stated);
        return Err(JavaError::Limit(format!("the database has {most} pages, the limit is {MAX_PAGES}")));
    }
    if stated * page_bytes != size {
        let why = format!(
            "the header states {stated} pages of {page_size} bytes, which are {} bytes; the file has {size}",
            stated * page_bytes
        );
        return Err(JavaError::Header(why));
    }
    Ok(stated)
}

/// Two bytes of the header, the higher first; `at` is a constant.
fn be16(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

/// Four bytes of the header, the highest first; `at` is a constant.
fn be32(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
