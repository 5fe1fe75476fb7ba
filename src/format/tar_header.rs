//! One tar header block: whether it is one, its type, and its fields as numbers and names.

use super::anomaly::{Anomaly, Defect, ReadError};
use super::inventory::EntryKind;

/// Size of a tar block in bytes.
pub const BLOCK: usize = 512;

/// Whether `head`, the first bytes of an input, begins a tar archive: a header with a good checksum, a damaged header
/// with the ustar magic, or a zero block.
pub fn looks_like_tar(head: &[u8]) -> bool {
    match head.first_chunk::<BLOCK>() {
        Some(block) => block.iter().all(|b| *b == 0) || checksum_fits(block) || &block[257..262] == b"ustar",
        None => false,
    }
}

pub(super) fn header_of(block: &[u8; BLOCK], at: u64) -> Result<&tar::Header, ReadError> {
    if checksum_fits(block) {
        return Ok(tar::Header::from_byte_slice(block));
    }
    let detail = format!("the block at byte {at} is no tar header: its checksum does not fit");
    Err(Anomaly::container(Defect::TarHeader, detail).into())
}

/// POSIX: the sum of all bytes of the header as unsigned numbers, the checksum field counted as spaces.
pub(super) fn checksum_fits(block: &[u8; BLOCK]) -> bool {
    let sum: u64 = block[..148].iter().chain(&block[156..]).map(|b| u64::from(*b)).sum::<u64>() + 8 * 32;
    octal(&block[148..156]) == Ok(sum)
}

/// The type as it stands: the `tar` crate reads 0 and `0` as one type, and they differ for names that end with a slash.
pub(super) fn type_flag(header: &tar::Header) -> u8 {
    header.as_old().linkflag[0]
}

pub(super) fn kind_of(header: &tar::Header) -> EntryKind {
    match type_flag(header) {
        b'0' | b'7' | 0 => EntryKind::File,
        b'1' => EntryKind::Hardlink,
        b'2' => EntryKind::Symlink,
        b'3' => EntryKind::CharDevice,
        b'4' => EntryKind::BlockDevice,
        b'5' => EntryKind::Dir,
        b'6' => EntryKind::Fifo,
        b'S' => EntryKind::GnuSparse,
        other => EntryKind::Other(other),
    }
}

pub(super) fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|b| *b == 0).next().unwrap_or(field)
}

pub(super) fn strip_slashes(path: &mut Vec<u8>) {
    while path.len() > 1 && path.ends_with(b"/") {
        path.pop();
    }
}

pub(super) fn field(bytes: &[u8], name: &str, at: u64) -> Result<u64, ReadError> {
    number(bytes)
        .map_err(|why| Anomaly::container(Defect::TarHeader, format!("header at byte {at}: {name} {why}")).into())
}

/// A numeric field: octal text, or base-256 with the top bit set (GNU, star).
pub(super) fn number(bytes: &[u8]) -> Result<u64, String> {
    match bytes.first() {
        Some(first) if first & 0x80 != 0 => {
            if first & 0x40 != 0 {
                return Err("is negative".into());
            }
            let digits = std::iter::once(first & 0x3f).chain(bytes[1..].iter().copied());
            digits
                .map(u64::from)
                .try_fold(0u64, |sum, digit| sum.checked_mul(256)?.checked_add(digit))
                .filter(|n| *n <= i64::MAX as u64)
                .ok_or_else(|| "is larger than 2^63".into())
        }
        _ => octal(bytes),
    }
}

pub(super) fn octal(bytes: &[u8]) -> Result<u64, String> {
    let start = bytes.iter().position(|b| *b != b' ').unwrap_or(bytes.len());
    let digits: &[u8] = bytes[start..].split(|b| matches!(b, 0 | b' ')).next().unwrap_or(b"");
    let rest = &bytes[start + digits.len()..];
    if !digits.iter().all(|b| (b'0'..=b'7').contains(b)) || !rest.iter().all(|b| matches!(b, 0 | b' ')) {
        return Err("is not an octal number".into());
    }
    Ok(digits.iter().fold(0, |sum, digit| sum << 3 | u64::from(digit - b'0')))
}
