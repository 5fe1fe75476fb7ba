//! One tar header block: whether it is one, its type, and its fields as numbers and names.

use super::anomaly::{Anomaly, Defect, ReadError};
use super::inventory::EntryKind;

/// Size of a tar block in bytes.
pub const BLOCK: usize = 512;

/// Where the numbers of a device are.
const DEVICES: std::ops::Range<usize> = 329..345;

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

/// The fields besides size and checksum that readers take for numbers, in any header; where one is none, some readers
/// (Python) see the end of the archive and some (GNU) stop there, while others read on. The error names the field.
pub(super) fn check_numbers(header: &tar::Header) -> Result<(), String> {
    let old = header.as_old();
    let small = |bytes: &[u8]| number(bytes).and_then(|n| u32::try_from(n).map_err(|_| "is larger than 2^32".into()));
    let devices = &header.as_bytes()[DEVICES];
    let (major, minor) = devices.split_at(8);
    let fields =
        [("mode", &old.mode[..]), ("uid", &old.uid), ("gid", &old.gid), ("devmajor", major), ("devminor", minor)];
    for (name, bytes) in fields {
        small(bytes).map_err(|why| format!("{name} {why}"))?;
    }
    signed(&old.mtime).map_err(|why| format!("mtime {why}"))?;
    let blank = |bytes: &[u8]| bytes.iter().all(|byte| *byte == b' ');
    let counted = [("mode", &old.mode[..]), ("uid", &old.uid), ("gid", &old.gid), ("mtime", &old.mtime)];
    match counted.into_iter().find(|(_, bytes)| blank(bytes)) {
        Some((name, _)) => Err(format!("{name} is blank")),
        None => Ok(()),
    }
}

/// A numeric field that may lie before zero: times before 1970, in base-256.
pub(super) fn signed(bytes: &[u8]) -> Result<i64, String> {
    match bytes.split_last_chunk::<8>() {
        Some((rest, last)) if bytes[0] == 0xff => {
            let number = i64::from_be_bytes(*last);
            let extended = number < 0 && rest.iter().all(|byte| *byte == 0xff);
            if extended { Ok(number) } else { Err("is smaller than -2^63".into()) }
        }
        _ => number(bytes).and_then(|n| i64::try_from(n).map_err(|_| "is larger than 2^63".into())),
    }
}

/// A numeric field: octal text, or base-256 behind the byte 0x80 (GNU, star). Readers disagree about other bytes with the
/// top bit set.
pub(super) fn number(bytes: &[u8]) -> Result<u64, String> {
    match bytes.split_first() {
        Some((0x80, digits)) => digits
            .iter()
            .try_fold(0u64, |sum, digit| sum.checked_mul(256)?.checked_add(u64::from(*digit)))
            .filter(|n| *n <= i64::MAX as u64)
            .ok_or_else(|| "is larger than 2^63".into()),
        Some((first, _)) if first & 0xc0 == 0xc0 => Err("is negative".into()),
        Some((first, _)) if first & 0x80 != 0 => Err(format!("begins with the byte {first:#04x}")),
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
