//! Hostile archives, byte by byte: a library that writes tar or zstd would refuse to write these.

use crate::format::digest::{hex, sha256};

const BLOCK: usize = 512;

/// A tar in the making (POSIX.1-2017, ustar).
#[derive(Default)]
pub(super) struct Tar(Vec<u8>);

impl Tar {
    /// A collection of one listed file, to which an attack is added.
    pub(super) fn release() -> Self {
        let tool = b"#!/bin/sh\nexit 0\n";
        let list = format!("{}  bin/tool\n", hex(&sha256(tool)));
        Tar::default().file("SHA256SUMS", list.as_bytes()).file("bin/tool", tool)
    }

    /// A header with all its fields; the checksum is right whatever else is wrong.
    pub(super) fn header(mut self, name: &str, flag: u8, mode: u32, size: &[u8], target: &str) -> Self {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, bytes: &[u8]| {
            for (place, byte) in block.iter_mut().skip(at).zip(bytes) {
                *place = *byte;
            }
        };
        put(0, name.as_bytes().get(..name.len().min(100)).unwrap_or_default());
        put(100, format!("{mode:07o}\0").as_bytes());
        put(108, b"0000000\x000000000\x00");
        put(124, size);
        put(136, b"14713211600\0        ");
        put(156, &[flag]);
        put(157, target.as_bytes().get(..target.len().min(100)).unwrap_or_default());
        put(257, b"ustar\x0000");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        for (place, byte) in block.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").bytes()) {
            *place = byte;
        }
        self.0.extend_from_slice(&block);
        self
    }

    /// Bytes as they are.
    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Data, filled up to whole blocks.
    pub(super) fn data(mut self, data: &[u8]) -> Self {
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        self
    }

    /// An entry with data.
    pub(super) fn member(self, name: &str, flag: u8, data: &[u8]) -> Self {
        self.header(name, flag, 0o644, octal(data.len()).as_bytes(), "").data(data)
    }

    /// A regular file.
    pub(super) fn file(self, name: &str, data: &[u8]) -> Self {
        self.member(name, b'0', data)
    }

    /// A directory.
    pub(super) fn folder(self, name: &str, mode: u32) -> Self {
        self.header(name, b'5', mode, octal(0).as_bytes(), "")
    }

    /// A symbolic link (`2`) or a hard link (`1`).
    pub(super) fn link(self, name: &str, flag: u8, target: &str) -> Self {
        self.header(name, flag, 0o777, octal(0).as_bytes(), target)
    }

    /// A PAX header with this body.
    pub(super) fn pax(self, body: &[u8]) -> Self {
        self.member("PaxHeaders/x", b'x', body)
    }

    /// Without the blocks that end an archive.
    pub(super) fn open(self) -> Vec<u8> {
        self.0
    }

    /// The archive.
    pub(super) fn end(self) -> Vec<u8> {
        self.raw(&[0; 2 * BLOCK]).0
    }
}

/// A size in eleven octal digits.
pub(super) fn octal(size: usize) -> String {
    format!("{size:011o}\0")
}

/// One PAX record, whose length counts its own digits.
pub(super) fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let digits = (1..).find(|digits| (rest.len() + digits).to_string().len() == *digits).unwrap_or(1);
    format!("{}{rest}", rest.len() + digits).into_bytes()
}

/// A zstd frame (RFC 8878) of `head` and `zeros` blocks of 128 KiB of zeros, four bytes each.
pub(super) fn zstd(head: &[u8], zeros: usize, window: u8) -> Vec<u8> {
    const RAW: u32 = 0;
    const REPEATED: u32 = 1;
    let block = |last: bool, kind: u32, size: u32| {
        let header = u32::from(last) | kind << 1 | size << 3;
        header.to_le_bytes().into_iter().take(3)
    };
    let mut out = vec![0x28, 0xB5, 0x2F, 0xFD, 0, window];
    out.extend(block(zeros == 0, RAW, u32::try_from(head.len()).unwrap_or(0)));
    out.extend_from_slice(head);
    for number in 1..=zeros {
        out.extend(block(number == zeros, REPEATED, 128 << 10));
        out.push(0);
    }
    out
}

/// A window of 128 KiB, as the header of a frame states it.
pub(super) const SMALL_WINDOW: u8 = 7 << 3;
/// A window of 2 TiB.
pub(super) const HUGE_WINDOW: u8 = 31 << 3;

/// A gzip member (RFC 1952) around one stored block of at most 65,535 bytes.
pub(super) fn gzip(data: &[u8]) -> Vec<u8> {
    use flate2::Compression;
    use std::io::Write as _;
    let mut encoder = flate2::GzBuilder::new().write(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(data);
    encoder.finish().unwrap_or_default()
}

/// An OCI layout in a tar, of these blobs and this index.
pub(super) fn layout(blobs: &[&[u8]], index: &str) -> Vec<u8> {
    let tar = Tar::default().file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    let tar = tar.file("index.json", index.as_bytes());
    let add = |tar: Tar, blob: &&[u8]| tar.file(&format!("blobs/sha256/{}", hex(&sha256(blob))), blob);
    blobs.iter().fold(tar, add).end()
}
