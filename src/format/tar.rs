//! A strict tar reader (POSIX.1-2017 ustar and pax, GNU long names) over the header views of the `tar` crate.
//!
//! It exists because a reader that is kind to bad archives sees another archive than the next reader does. Known attacks
//! and the answer to each:
//! - a PAX size beside another header size (CVE-2025-62518, CVE-2026-33055): reported, unless 8 GiB forces it;
//! - a header whose name or size readers take from different bytes (GNU headers with a prefix, digits after a NUL): reported;
//! - an extension header that is malformed, stacked, or applied to another extension header (CVE-2026-32766,
//!   GHSA-3pv8-6f4r-ffg2): reported, never skipped;
//! - data cut short, a missing end marker, a single zero block that hides members, bytes after the end: reported;
//! - data behind links, directories and devices, which some readers skip and some do not: reported;
//! - sparse files: named, their claimed size is never produced.
//!
//! What can be read on is read on, so that a report names every defect; the reader stops where the position of the next
//! header is no longer certain. Names and links are judged elsewhere (`format::path`, `pipeline::scan`).

use super::anomaly::{Anomaly, Defect, ReadError};
use super::inventory::EntryKind;
use super::limits::Limits;
use super::pax::{self, PaxHeader};
pub use super::tar_header::{BLOCK, looks_like_tar};
use super::tar_header::{
    check_numbers, field, header_of, kind_of, number, octal, signed, strip_slashes, type_flag, until_nul,
};
use std::io::{self, Read};

/// From this size on the 12-byte octal field of a header cannot hold the size, and PAX or base-256 must.
const OCTAL_LIMIT: u64 = 1 << 33;
/// Extension headers in a row. Writers put at most four before an entry (`g`, `x`, `L`, `K`); each one more can cost memory
/// for what there is to report, and no limit on entries would count it.
const MAX_EXTENSIONS: u32 = 16;
/// Where ustar has the prefix of the name.
const PREFIX: std::ops::Range<usize> = 345..500;

/// Where a tar is read from: a stream, or a file that can jump.
pub trait TarInput: Read {
    /// Jumps over `count` bytes and returns how many there were; fewer only at the end of the input.
    fn skip(&mut self, count: u64) -> io::Result<u64>;
}

/// One member as the archive describes it. Everything is untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name as bytes, without trailing `/`.
    pub path: Vec<u8>,
    /// The type.
    pub kind: EntryKind,
    /// Size in bytes as a listing shows it; for sparse files the expanded size, unless a PAX `size` states the stored one.
    pub size: u64,
    /// Bytes of data that follow in the archive.
    pub stored: u64,
    /// Position of the data in the (decoded) archive.
    pub offset: u64,
    /// The mode field as it stands.
    pub mode: u32,
    /// Modification time in seconds since 1970; 0 where it cannot be read.
    pub mtime: i64,
    /// Target of a link.
    pub link: Option<Vec<u8>>,
    /// Content is not `stored` bytes in a row, so no digest of it exists.
    pub sparse: bool,
    /// The header gives the entry to another user or group than 0 (by number; names are not read).
    pub owned: bool,
}

/// The reader. Call [`TarReader::next_member`] until `None`; in between, read the data of the member or leave it.
pub struct TarReader<R> {
    input: R,
    offset: u64,
    data_left: u64,
    padding: u64,
    residue: u64,
    globals: PaxHeader,
    anomalies: Vec<Anomaly>,
    finished: bool,
}

/// Extension headers that wait for the entry they describe.
#[derive(Default)]
struct Pending {
    pax: Option<PaxHeader>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.pax.is_none() && self.long_name.is_none() && self.long_link.is_none()
    }
}

impl<R: TarInput> TarReader<R> {
    /// Reads from `input`, which stands at the first header.
    pub fn new(input: R) -> Self {
        TarReader {
            input,
            offset: 0,
            data_left: 0,
            padding: 0,
            residue: 0,
            globals: PaxHeader::default(),
            anomalies: Vec::new(),
            finished: false,
        }
    }

    /// Takes the defects found so far that did not stop the reading.
    pub fn take_anomalies(&mut self) -> Vec<Anomaly> {
        std::mem::take(&mut self.anomalies)
    }

    /// Bytes other than zero so far that fill up the last blocks of members: no member contains them.
    pub fn residue(&self) -> u64 {
        self.residue
    }

    /// The next member, or `None` after the end of the archive was checked.
    ///
    /// # Errors
    /// [`ReadError::Bad`] where no certain next header exists; [`ReadError::Medium`] where the medium failed.
    pub fn next_member(&mut self) -> Result<Option<Member>, ReadError> {
        if self.finished {
            return Ok(None);
        }
        let mut pending = Pending::default();
        for _ in 0..=MAX_EXTENSIONS {
            self.skip_rest()?;
            let at = self.offset;
            let Some(block) = self.block()? else {
                self.finished = true;
                self.orphan(&pending, at);
                self.note(Defect::TarEnd, format!("the archive ends at byte {at} without the two zero blocks"));
                return Ok(None);
            };
            if block.iter().all(|b| *b == 0) {
                self.finished = true;
                self.orphan(&pending, at);
                self.check_end(at)?;
                return Ok(None);
            }
            let header = header_of(&block, at)?;
            if let Err(why) = check_numbers(header) {
                self.note(Defect::TarHeader, format!("header at byte {at}: {why}"));
            }
            match type_flag(header) {
                b'x' | b'X' => self.pax_header(header, at, &mut pending)?,
                b'g' => self.global_header(header, at)?,
                b'L' => {
                    let name = self.gnu_long(header, at)?;
                    self.stack(&mut pending.long_name, name, "GNU long name", at);
                }
                b'K' => {
                    let link = self.gnu_long(header, at)?;
                    self.stack(&mut pending.long_link, link, "GNU long link", at);
                }
                _ => return self.member(header, at, pending).map(Some),
            }
        }
        Err(extension(self.offset, &format!("more than {MAX_EXTENSIONS} extension headers in a row")))
    }

    /// Reads data of the current member: fills `buffer` unless the member ends; 0 at its end.
    pub fn read_data(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let want = usize::try_from(self.data_left).unwrap_or(usize::MAX).min(buffer.len());
        let got = self.fill(&mut buffer[..want])?;
        self.data_left -= got as u64;
        if got < want {
            return Err(truncated(self.offset, self.data_left));
        }
        Ok(got)
    }

    fn member(&mut self, header: &tar::Header, at: u64, pending: Pending) -> Result<Member, ReadError> {
        let kind = kind_of(header);
        let pax = pending.pax.unwrap_or_default();
        if (pending.long_name.is_some() || pending.long_link.is_some()) && pax != PaxHeader::default() {
            self.note(Defect::TarExtension, format!("header at byte {at}: GNU long name and PAX header for one entry"));
        }
        let path = pax.sparse_name.clone().or(pax.path.clone()).or(pending.long_name).or(self.globals.path.clone());
        let mut path = path.unwrap_or_else(|| self.header_name(header, at));
        let kind = self.slashed(kind, header, &path);
        strip_slashes(&mut path);
        if kind.is_link() && pax.linkpath.is_some() && until_nul(&header.as_old().linkname).is_empty() {
            // libarchive then sees a link to nothing.
            self.note(
                Defect::TarHeader,
                format!("header at byte {at}: a link whose target stands in a PAX header only"),
            );
        }
        let link = pax.linkpath.clone().or(pending.long_link).or(self.globals.linkpath.clone());
        let link = kind.is_link().then(|| link.unwrap_or_else(|| until_nul(&header.as_old().linkname).to_vec()));
        let stated = self.stated_size(header, at)?;
        let stored = self.stored_size(stated, pax.size.or(self.globals.size), kind, &path);
        let sparse = pax.sparse || kind == EntryKind::GnuSparse;
        let size = if sparse { self.sparse_size(header, &pax, stored, at)? } else { stored };
        if pax.capability || self.globals.capability {
            let detail = "an extended attribute gives the file capabilities (security.capability)";
            self.anomalies.push(Anomaly::entry(Defect::EntryMode, &path, detail));
        }
        self.expect(stored)?;
        Ok(Member {
            kind,
            size,
            stored,
            offset: self.offset,
            // Nothing depends on these two for reading on; what is no number was told with the header.
            mode: number(&header.as_old().mode).map_or(0, |mode| mode as u32),
            mtime: pax.mtime.unwrap_or_else(|| signed(&header.as_old().mtime).unwrap_or(0)),
            link,
            sparse,
            owned: [&header.as_old().uid, &header.as_old().gid].iter().any(|id| number(&id[..]) != Ok(0)),
            path,
        })
    }

    /// A file whose name ends with a slash: a directory in the oldest form of header, which has no type for it; in any
    /// other form some readers see a directory and some a file.
    fn slashed(&mut self, kind: EntryKind, header: &tar::Header, path: &[u8]) -> EntryKind {
        if kind != EntryKind::File || !path.ends_with(b"/") {
            return kind;
        }
        if type_flag(header) == 0 {
            return EntryKind::Dir;
        }
        self.anomalies.push(Anomaly::entry(Defect::EntryPath, path, "the name of a file ends with a slash"));
        kind
    }

    /// Name field, with the ustar prefix. Where no ustar magic says that there is one, some readers take those bytes for the
    /// beginning of the name and some (GNU: times) do not; the name with them is the one that is shown.
    fn header_name(&mut self, header: &tar::Header, at: u64) -> Vec<u8> {
        let name = until_nul(&header.as_old().name);
        let field = &header.as_bytes()[PREFIX];
        let prefix = until_nul(field);
        if prefix.is_empty() || (header.as_ustar().is_none() && type_flag(header) == b'S') {
            return name.to_vec();
        }
        if header.as_ustar().is_none() {
            self.note(
                Defect::TarHeader,
                format!("header at byte {at}: readers disagree whether the bytes at 345 are part of the name"),
            );
            if number(&field[..12]).is_ok() {
                return name.to_vec();
            }
        }
        [prefix, b"/", name].concat()
    }

    /// The size field. Digits after a NUL are told; read is what stands before it, as the common readers do.
    fn stated_size(&mut self, header: &tar::Header, at: u64) -> Result<u64, ReadError> {
        let bytes = &header.as_old().size;
        match (number(bytes), octal(until_nul(bytes))) {
            (Err(why), Ok(size)) => {
                self.note(Defect::TarHeader, format!("header at byte {at}: size {why}; up to its NUL it is {size}"));
                Ok(size)
            }
            _ => field(bytes, "size", at),
        }
    }

    /// Bytes of data that follow: the PAX size over the header's; only files carry data.
    fn stored_size(&mut self, stated: u64, pax: Option<u64>, kind: EntryKind, path: &[u8]) -> u64 {
        let size = pax.unwrap_or(stated);
        if let Some(pax) = pax
            && pax != stated
            && !(pax >= OCTAL_LIMIT && (stated == 0 || stated == OCTAL_LIMIT - 1))
        {
            let detail = format!("the PAX header says {pax} bytes, the tar header {stated}");
            self.anomalies.push(Anomaly::entry(Defect::TarSize, path, detail));
        }
        if kind.carries_data() {
            return size;
        }
        if size != 0 {
            let detail = format!(
                "an entry of type {} states {size} bytes of data; readers disagree whether they follow",
                kind.name()
            );
            self.anomalies.push(Anomaly::entry(Defect::TarSize, path, detail));
        }
        0
    }

    /// The expanded size of a sparse file; reads over the extra headers of the old GNU form.
    fn sparse_size(&mut self, header: &tar::Header, pax: &PaxHeader, stored: u64, at: u64) -> Result<u64, ReadError> {
        if let Some(size) = pax.size.is_none().then_some(pax.sparse_size).flatten() {
            return Ok(size);
        }
        let Some(gnu) = header.as_gnu().filter(|_| type_flag(header) == b'S') else {
            return Ok(stored);
        };
        let size = field(&gnu.realsize, "real size", at)?;
        let mut more = gnu.isextended[0] != 0;
        while more {
            let block = self.block()?.ok_or_else(|| truncated(self.offset, stored))?;
            more = block[504] != 0;
        }
        Ok(size)
    }

    fn pax_header(&mut self, header: &tar::Header, at: u64, pending: &mut Pending) -> Result<(), ReadError> {
        let data = self.extension_data(header, at)?;
        let parsed = pax::parse(&data).map_err(|why| extension(at, &why))?;
        self.stack(&mut pending.pax, parsed, "PAX header", at);
        Ok(())
    }

    fn global_header(&mut self, header: &tar::Header, at: u64) -> Result<(), ReadError> {
        let data = self.extension_data(header, at)?;
        let parsed = pax::parse(&data).map_err(|why| extension(at, &why))?;
        if parsed.path.is_some() || parsed.linkpath.is_some() || parsed.size.is_some() || parsed.sparse {
            self.note(
                Defect::TarExtension,
                format!("global PAX header at byte {at} sets a path, link or size for all entries that follow"),
            );
        }
        // Each keyword holds until another global header states it anew.
        let before = std::mem::take(&mut self.globals);
        self.globals = PaxHeader {
            path: parsed.path.or(before.path),
            linkpath: parsed.linkpath.or(before.linkpath),
            size: parsed.size.or(before.size),
            capability: parsed.capability || before.capability,
            ..PaxHeader::default()
        };
        Ok(())
    }

    fn gnu_long(&mut self, header: &tar::Header, at: u64) -> Result<Vec<u8>, ReadError> {
        let mut data = self.extension_data(header, at)?;
        if data.last() == Some(&0) {
            data.pop();
        } else if self.padding == 0 || self.skip_padding()? > 0 {
            // GNU and Python take a name up to the first NUL, which is then not where the size says.
            return Err(extension(at, "a GNU long name goes on behind its end"));
        }
        if data.is_empty() || data.contains(&0) {
            return Err(extension(at, "a GNU long name is empty or contains a NUL byte"));
        }
        Ok(data)
    }

    fn extension_data(&mut self, header: &tar::Header, at: u64) -> Result<Vec<u8>, ReadError> {
        let size = field(&header.as_old().size, "size", at)?;
        if size > Limits::MAX_EXTENSION {
            return Err(extension(at, &format!("it has {size} bytes, the limit is {}", Limits::MAX_EXTENSION)));
        }
        self.expect(size)?;
        let mut data = vec![0; size as usize];
        self.read_data(&mut data)?;
        Ok(data)
    }

    fn stack<T>(&mut self, slot: &mut Option<T>, value: T, what: &str, at: u64) {
        if slot.replace(value).is_some() {
            self.note(Defect::TarExtension, format!("header at byte {at}: a second {what} for one entry"));
        }
    }

    fn orphan(&mut self, pending: &Pending, at: u64) {
        if !pending.is_empty() {
            self.note(
                Defect::TarExtension,
                format!("the archive ends at byte {at} with an extension header for no entry"),
            );
        }
    }

    /// After the first zero block at `at`: a second one, then nothing but zeros.
    fn check_end(&mut self, at: u64) -> Result<(), ReadError> {
        match self.block()? {
            None => {
                self.note(Defect::TarEnd, format!("the archive ends at byte {at} with one zero block instead of two"));
                return Ok(());
            }
            Some(block) if block.iter().any(|b| *b != 0) => {
                self.note(
                    Defect::TarEnd,
                    format!("one zero block at byte {at}, then data: a second archive or hidden members"),
                );
                return Ok(());
            }
            Some(_) => {}
        }
        let mut buffer = vec![0; 64 << 10];
        loop {
            let start = self.offset;
            let got = self.fill(&mut buffer)?;
            if let Some(position) = buffer[..got].iter().position(|b| *b != 0) {
                let place = start + position as u64;
                self.note(Defect::ContainerTrailing, format!("data at byte {place}, after the end of the archive"));
                return Ok(());
            }
            if got < buffer.len() {
                return Ok(());
            }
        }
    }

    fn expect(&mut self, size: u64) -> Result<(), ReadError> {
        let padded = size.checked_next_multiple_of(BLOCK as u64);
        match padded.filter(|padded| self.offset.checked_add(*padded).is_some_and(|end| end <= i64::MAX as u64)) {
            Some(padded) => {
                self.data_left = size;
                self.padding = padded - size;
                Ok(())
            }
            None => {
                Err(Anomaly::container(Defect::TarHeader, format!("a size of {size} bytes leaves the archive")).into())
            }
        }
    }

    fn skip_rest(&mut self) -> Result<(), ReadError> {
        let data = std::mem::take(&mut self.data_left);
        if data > 0 {
            let skipped = self.input.skip(data)?;
            self.offset += skipped;
            if skipped < data {
                return Err(truncated(self.offset, data - skipped));
            }
        }
        self.skip_padding().map(drop)
    }

    /// Reads what fills up the last block of a member; how many bytes of it are not zero. Less than a block, and next to the
    /// header that is read anyway.
    fn skip_padding(&mut self) -> Result<u64, ReadError> {
        let padding = std::mem::take(&mut self.padding) as usize;
        let mut block = [0; BLOCK];
        let got = self.fill(&mut block[..padding])?;
        let residue = block.iter().filter(|byte| **byte != 0).count() as u64;
        self.residue += residue;
        if got < padding {
            let detail = format!("the last block is cut short at byte {}", self.offset);
            return Err(Anomaly::container(Defect::ContainerTruncated, detail).into());
        }
        Ok(residue)
    }

    /// One block, `None` at the end of the input; a part of a block is an error.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, ReadError> {
        let mut block = [0; BLOCK];
        let at = self.offset;
        match self.fill(&mut block)? {
            0 => Ok(None),
            BLOCK => Ok(Some(block)),
            part => Err(Anomaly::container(
                Defect::ContainerTruncated,
                format!("the archive ends {part} bytes into the 512-byte block at byte {at}"),
            )
            .into()),
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    fn note(&mut self, defect: Defect, detail: String) {
        self.anomalies.push(Anomaly::container(defect, detail));
    }
}

fn extension(at: u64, why: &str) -> ReadError {
    Anomaly::container(Defect::TarExtension, format!("extension header at byte {at}: {why}")).into()
}

fn truncated(at: u64, missing: u64) -> ReadError {
    Anomaly::container(
        Defect::ContainerTruncated,
        format!("the archive ends at byte {at}; {missing} more bytes of an entry should follow"),
    )
    .into()
}

#[cfg(test)]
#[path = "tar_tests.rs"]
mod tests;
