//! Writes tar archives byte by byte, good ones and bad ones: a library that writes tar would refuse the bad ones.

#![allow(dead_code, reason = "each test uses a part of it")]

/// Bytes of a tar block.
pub(crate) const BLOCK: usize = 512;
/// Where the fields of a header begin, by their POSIX names.
pub(crate) const MODE: usize = 100;
pub(crate) const SIZE: usize = 124;
pub(crate) const MTIME: usize = 136;
pub(crate) const LINK: usize = 157;
pub(crate) const MAGIC: usize = 257;
pub(crate) const PREFIX: usize = 345;

/// A header in the making. The checksum is computed last, so every field can be wrong under a right checksum.
#[derive(Clone)]
pub(crate) struct Header(pub(crate) [u8; BLOCK]);

impl Header {
    /// A POSIX header.
    pub(crate) fn ustar(name: &[u8], flag: u8, size: u64) -> Self {
        Header::v7(name, flag, size).put(MAGIC, b"ustar\x0000")
    }

    /// A header in the old GNU form.
    pub(crate) fn gnu(name: &[u8], flag: u8, size: u64) -> Self {
        Header::v7(name, flag, size).put(MAGIC, b"ustar  \0")
    }

    /// A header from before POSIX: no magic.
    pub(crate) fn v7(name: &[u8], flag: u8, size: u64) -> Self {
        let header = Header([0; BLOCK]).put(0, &name[..name.len().min(100)]).put(156, &[flag]);
        header.put(MODE, b"0000644\0").put(MTIME, b"14713211600\0").octal_size(size)
    }

    /// Overwrites bytes.
    pub(crate) fn put(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// The size as octal digits, as far as eleven of them go.
    pub(crate) fn octal_size(self, size: u64) -> Self {
        self.put(SIZE, format!("{:011o}\0", size & ((1 << 33) - 1)).as_bytes())
    }

    /// The size in base-256.
    pub(crate) fn binary_size(self, size: u64) -> Self {
        self.put(SIZE, &[0x80, 0, 0, 0]).put(SIZE + 4, &size.to_be_bytes())
    }

    /// The block with its checksum.
    pub(crate) fn block(mut self) -> [u8; BLOCK] {
        self.0[148..156].copy_from_slice(b"        ");
        let sum: u32 = self.0.iter().map(|byte| u32::from(*byte)).sum();
        self.0[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0
    }
}

/// An archive in the making.
#[derive(Clone, Default)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

impl Tar {
    pub(crate) fn new() -> Self {
        Tar::default()
    }

    /// A header as it is.
    pub(crate) fn header(self, header: Header) -> Self {
        self.raw(&header.block())
    }

    /// Bytes as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Data, filled up to whole blocks.
    pub(crate) fn data(mut self, data: &[u8]) -> Self {
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        self
    }

    /// A header and its data.
    pub(crate) fn member(self, name: &[u8], flag: u8, data: &[u8]) -> Self {
        self.header(Header::ustar(name, flag, data.len() as u64)).data(data)
    }

    /// A regular file.
    pub(crate) fn file(self, name: &str, data: &[u8]) -> Self {
        self.member(name.as_bytes(), b'0', data)
    }

    /// A directory.
    pub(crate) fn dir(self, name: &str) -> Self {
        self.header(Header::ustar(name.as_bytes(), b'5', 0).put(MODE, b"0000755\0"))
    }

    /// A symbolic link (`2`) or a hard link (`1`).
    pub(crate) fn link(self, name: &str, flag: u8, target: &str) -> Self {
        self.header(Header::ustar(name.as_bytes(), flag, 0).put(LINK, target.as_bytes()))
    }

    /// A PAX header (`x` or `g`) of these records.
    pub(crate) fn pax(self, flag: u8, records: &[(&str, &[u8])]) -> Self {
        let body: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
        self.member(b"PaxHeaders/x", flag, &body)
    }

    /// A GNU long name (`L`) or link (`K`) with its final NUL.
    pub(crate) fn long(self, flag: u8, name: &[u8]) -> Self {
        let data = [name, b"\0"].concat();
        self.header(Header::gnu(b"././@LongLink", flag, data.len() as u64)).data(&data)
    }

    /// A file whatever the length of its name: ustar where it fits, else with a PAX header.
    pub(crate) fn any_file(self, name: &str, data: &[u8]) -> Self {
        if name.len() <= 100 {
            return self.file(name, data);
        }
        self.pax(b'x', &[("path", name.as_bytes())]).file("long", data)
    }

    /// The two zero blocks, and the archive.
    pub(crate) fn end(self) -> Vec<u8> {
        self.raw(&[0; 2 * BLOCK]).0
    }
}

/// One PAX record.
pub(crate) fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}
