//! PAX extended headers (POSIX.1-2017, pax, "pax Extended Header"), read strictly.
//!
//! Known attacks and the answer: a length that lies or skips (CVE-2026-32766) is refused, never skipped; one key twice
//! with different values is refused; a NUL in a key or a link target is refused (a NUL in a path is judged with the other
//! names, so that the report shows it); sparse files are named, not expanded (they claim sizes that no byte backs).

/// What one extended header says about the next entry (`x`) or all following ones (`g`). Untrusted values.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PaxHeader {
    /// `path`.
    pub path: Option<Vec<u8>>,
    /// `linkpath`.
    pub linkpath: Option<Vec<u8>>,
    /// `size` in bytes.
    pub size: Option<u64>,
    /// `mtime`, whole seconds.
    pub mtime: Option<i64>,
    /// Any `GNU.sparse.*` record was there, or one of star's or Solaris' for sparse files.
    pub sparse: bool,
    /// `GNU.sparse.name`.
    pub sparse_name: Option<Vec<u8>>,
    /// File capabilities in an extended attribute (SCHILY or LIBARCHIVE form): as good as setuid root.
    pub capability: bool,
    /// `GNU.sparse.size` or `GNU.sparse.realsize`: the size after expansion.
    pub sparse_size: Option<u64>,
}

/// Reads all records of one extended header. The error says which record breaks which rule.
pub fn parse(untrusted: &[u8]) -> Result<PaxHeader, String> {
    let mut header = PaxHeader::default();
    let mut rest = untrusted;
    let mut number = 0usize;
    while !rest.is_empty() {
        number += 1;
        let (key, value, after) = record(rest).map_err(|why| format!("PAX record {number}: {why}"))?;
        header.put(key, value).map_err(|why| format!("PAX record {number}: {why}"))?;
        rest = after;
    }
    Ok(header)
}

/// Key, value, what follows.
type Split<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// Splits `LENGTH SP KEY=VALUE LF` off the front: key, value, what follows.
fn record(data: &[u8]) -> Result<Split<'_>, String> {
    let space = data.iter().take(21).position(|c| *c == b' ').ok_or("no length before the first space")?;
    let digits = &data[..space];
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err("the length is not a decimal number".into());
    }
    let length = decimal(digits).and_then(|n| usize::try_from(n).ok()).ok_or("the length is out of range")?;
    if length > data.len() || length <= space + 2 {
        return Err(format!("the length says {length} bytes, {} are there", data.len()));
    }
    let body = data[space + 1..length].strip_suffix(b"\n").ok_or("the record does not end with a line feed")?;
    let equals = body.iter().position(|c| *c == b'=').ok_or("no `=` between key and value")?;
    if equals == 0 {
        return Err("the key is empty".into());
    }
    if body[..equals].contains(&0) {
        return Err("the key contains a NUL byte".into());
    }
    Ok((&body[..equals], &body[equals + 1..], &data[length..]))
}

impl PaxHeader {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        match key {
            b"path" => once(&mut self.path, "path", value.to_vec()),
            b"linkpath" if value.contains(&0) => Err("linkpath contains a NUL byte".into()),
            b"linkpath" => once(&mut self.linkpath, "linkpath", value.to_vec()),
            b"GNU.sparse.name" => {
                self.sparse = true;
                once(&mut self.sparse_name, "GNU.sparse.name", value.to_vec())
            }
            b"size" => size(&mut self.size, "size", value),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => {
                self.sparse = true;
                size(&mut self.sparse_size, "GNU.sparse.size", value)
            }
            b"mtime" => {
                self.mtime = Some(seconds(value).ok_or("mtime is not a number of seconds")?);
                Ok(())
            }
            // Nothing is taken from these, but GNU tar does not read on where they are wrong.
            b"atime" | b"ctime" if seconds(value).is_none() => Err("a time is not a number of seconds".into()),
            b"uid" | b"gid" if decimal(value).is_none_or(|id| id > u64::from(u32::MAX)) => {
                Err("a uid or gid is not a decimal number below 2^32".into())
            }
            _ => {
                self.capability |= key.ends_with(b".xattr.security.capability");
                // The sparse files of star and Solaris: libarchive shows and writes other bytes than those that are stored.
                self.sparse |=
                    key.starts_with(b"GNU.sparse.") || [&b"SCHILY.realsize"[..], b"SUN.holesdata"].contains(&key);
                Ok(())
            }
        }
    }
}

fn size(slot: &mut Option<u64>, key: &str, value: &[u8]) -> Result<(), String> {
    let parsed = decimal(value).filter(|n| *n <= i64::MAX as u64);
    once(slot, key, parsed.ok_or_else(|| format!("{key} is not a decimal number below 2^63"))?)
}

fn once<T: PartialEq>(slot: &mut Option<T>, key: &str, value: T) -> Result<(), String> {
    match slot {
        Some(earlier) if *earlier != value => Err(format!("{key} is stated twice with different values")),
        _ => {
            *slot = Some(value);
            Ok(())
        }
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let valid = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    valid.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

/// Whole seconds of `1735689600.5`; `None` for what is not a number.
fn seconds(value: &[u8]) -> Option<i64> {
    let (whole, fraction) = match value.iter().position(|byte| *byte == b'.') {
        Some(point) => (&value[..point], &value[point + 1..]),
        None => (value, &b""[..]),
    };
    let digits = whole.strip_prefix(b"-").unwrap_or(whole);
    let sound = !digits.is_empty() && digits.iter().chain(fraction).all(u8::is_ascii_digit);
    sound.then(|| std::str::from_utf8(whole).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn write(records: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (key, value) in records {
            let base = key.len() + value.len() + 3;
            let mut length = base + 1;
            while length != base + length.to_string().len() {
                length = base + length.to_string().len();
            }
            out.extend(format!("{length} {key}=").as_bytes());
            out.extend(*value);
            out.push(b'\n');
        }
        out
    }

    #[test]
    fn good_records() {
        let header = parse(&write(&[
            ("path", b"a/b"),
            ("size", b"10"),
            ("mtime", b"1735689600.25"),
            ("SCHILY.xattr.user.x", b"\0\n="),
        ]))
        .unwrap();
        assert_eq!(header.path.as_deref(), Some(&b"a/b"[..]));
        assert_eq!((header.size, header.mtime, header.sparse), (Some(10), Some(1_735_689_600), false));
        assert_eq!(parse(b""), Ok(PaxHeader::default()));
    }

    #[test]
    fn refusals() {
        let bad: [&[u8]; 11] = [
            b"9 path=a\n9",
            b"99 path=a\n",
            b"8 path=a\n",
            b"x path=a\n",
            b" path=a\n",
            b"6 =a\n\n",
            b"5 ab\n",
            b"12 path=a\0b\n\n",
            b"11 size=-1\n",
            b"29 size=99999999999999999999\n",
            b"3 \n",
        ];
        for data in bad {
            assert!(parse(data).is_err(), "{:?}", String::from_utf8_lossy(data));
        }
        assert!(parse(&write(&[("path", b"a"), ("path", b"b")])).unwrap_err().contains("twice"));
        assert!(parse(&write(&[("linkpath", b"a\0b")])).unwrap_err().contains("NUL"));
        assert!(parse(&write(&[("SCHILY.xattr.null\0", b"a")])).unwrap_err().contains("NUL"));
        assert_eq!(parse(&write(&[("path", b"a\0b")])).unwrap().path.as_deref(), Some(&b"a\0b"[..]));
    }

    #[test]
    fn numbers_that_stop_other_readers() {
        let bad: [(&str, &[u8]); 7] = [
            ("mtime", b"never"),
            ("mtime", b"1.x"),
            ("mtime", b""),
            ("ctime", b"-"),
            ("atime", b"1,5"),
            ("uid", b"4294967296"),
            ("gid", b"-1"),
        ];
        for (key, value) in bad {
            assert!(parse(&write(&[(key, value)])).is_err(), "{key}");
        }
        let good = parse(&write(&[("mtime", b"-1.5"), ("uid", b"4294967295"), ("ctime", b"0.")])).unwrap();
        assert_eq!(good.mtime, Some(-1));
        for sparse in ["SCHILY.realsize", "SUN.holesdata"] {
            assert!(parse(&write(&[(sparse, b"9")])).unwrap().sparse, "{sparse}");
        }
    }

    proptest! {
        #[test]
        fn written_records_come_back(path in proptest::collection::vec(1u8..=255, 0..200), size in 0u64..1 << 62) {
            let header = parse(&write(&[("path", &path), ("size", size.to_string().as_bytes())])).unwrap();
            prop_assert_eq!(header.path, Some(path));
            prop_assert_eq!(header.size, Some(size));
        }

        #[test]
        fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&data);
        }
    }
}
