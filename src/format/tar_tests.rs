//! The strict reader against archives that are built byte by byte.

use super::*;
use builder::{Header, LINK, MAGIC, MODE, PREFIX, SIZE, Tar};
use proptest::prelude::*;

#[path = "../../tests/support/archive.rs"]
mod builder;

/// What a whole reading gave.
#[derive(Debug, PartialEq)]
struct Outcome {
    members: Vec<(Member, Vec<u8>)>,
    defects: Vec<Defect>,
    /// The defect at which reading stopped.
    stop: Option<Defect>,
}

impl Outcome {
    fn names(&self) -> Vec<String> {
        self.members.iter().map(|(member, _)| String::from_utf8_lossy(&member.path).into_owned()).collect()
    }

    fn is_clean(&self) -> bool {
        self.defects.is_empty() && self.stop.is_none()
    }
}

/// Gives at most `piece` bytes at once; skips by jumping or by reading.
struct Pieces<'a> {
    data: &'a [u8],
    piece: usize,
    jump: bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.piece).min(self.data.len());
        buffer[..count].copy_from_slice(&self.data[..count]);
        self.data = &self.data[count..];
        Ok(count)
    }
}

impl TarInput for Pieces<'_> {
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        if self.jump {
            let count = (self.data.len() as u64).min(count);
            self.data = &self.data[count as usize..];
            return Ok(count);
        }
        io::copy(&mut self.take(count), &mut io::sink())
    }
}

fn read_in(data: &[u8], piece: usize, jump: bool, contents: bool) -> Outcome {
    let mut reader = TarReader::new(Pieces { data, piece, jump });
    let mut outcome = Outcome { members: Vec::new(), defects: Vec::new(), stop: None };
    loop {
        let member = reader.next_member();
        outcome.defects.extend(reader.take_anomalies().into_iter().map(|anomaly| anomaly.defect));
        let member = match member {
            Ok(Some(member)) => member,
            Ok(None) => {
                assert!(reader.next_member().unwrap().is_none(), "the end stays the end");
                return outcome;
            }
            Err(error) => return Outcome { stop: Some(defect(error)), ..outcome },
        };
        let mut content = Vec::new();
        let mut buffer = [0; 700];
        loop {
            match reader.read_data(&mut buffer[..if contents { 700 } else { 0 }]) {
                Ok(0) => break,
                Ok(count) => content.extend_from_slice(&buffer[..count]),
                Err(error) => return Outcome { stop: Some(defect(error)), ..outcome },
            }
        }
        outcome.members.push((member, content));
        assert!(outcome.members.len() <= data.len() / BLOCK, "each member has a block of its own");
    }
}

fn defect(error: ReadError) -> Defect {
    match error {
        ReadError::Bad(anomaly) => anomaly.defect,
        ReadError::Medium(error) => unreachable!("memory does not fail: {error}"),
    }
}

fn read(data: &[u8]) -> Outcome {
    read_in(data, usize::MAX, true, true)
}

/// Reads `tar` with its end marker, wants one clean member and returns it.
fn only(tar: Tar) -> (Member, Vec<u8>) {
    let mut outcome = read(&tar.end());
    assert!(outcome.is_clean() && outcome.members.len() == 1, "{outcome:?}");
    outcome.members.remove(0)
}

/// Wants these defects, read on or stopped, and nothing else.
fn refused(what: &str, data: &[u8], defects: &[Defect]) -> Outcome {
    let outcome = read(data);
    let found: Vec<Defect> = outcome.defects.iter().copied().chain(outcome.stop).collect();
    assert_eq!(found, defects, "{what}: {outcome:?}");
    outcome
}

#[test]
fn plain_members() {
    let data = Tar::new().dir("d/").file("d/f", b"hello").link("l", b'2', "d/f").link("h", b'1', "d/f").end();
    let outcome = read(&data);
    assert!(outcome.is_clean());
    let [(dir, _), (file, content), (symlink, _), (hardlink, _)] = outcome.members.as_slice() else {
        unreachable!("four members: {outcome:?}")
    };
    assert_eq!((dir.path.as_slice(), dir.kind, dir.mode), (&b"d"[..], EntryKind::Dir, 0o755));
    assert_eq!((file.size, file.stored, file.offset, file.mtime), (5, 5, 1024, 0o14713211600));
    assert_eq!(content, b"hello");
    assert_eq!((symlink.kind, symlink.link.as_deref()), (EntryKind::Symlink, Some(&b"d/f"[..])));
    assert_eq!((hardlink.kind, hardlink.link.as_deref()), (EntryKind::Hardlink, Some(&b"d/f"[..])));
    assert!(read(&Tar::new().end()).is_clean(), "an empty archive");
    assert!(read(&Tar::new().file("a", b"x").raw(&[0; 20 * BLOCK]).0).is_clean(), "zeros after the end");
    assert!(read(&Tar::new().file("a", b"x").raw(&[0; 3 * BLOCK - 100]).0).is_clean(), "half a block of zeros");
}

#[test]
fn long_names_in_every_form() {
    let name = |header: Header| String::from_utf8(only(Tar::new().header(header)).0.path).unwrap();
    assert_eq!(name(Header::ustar(b"name", b'0', 0).put(PREFIX, b"some/where")), "some/where/name");
    assert_eq!(name(Header::ustar(&[b'n'; 100], b'0', 0).put(PREFIX, &[b'p'; 155])).len(), 256);
    assert_eq!(name(Header::v7(b"old", 0, 0)), "old");
    let long = "x".repeat(3000);
    let by = |tar: Tar| only(tar.file("short", b"data"));
    for (member, content) in [
        by(Tar::new().pax(b'x', &[("path", long.as_bytes())])),
        by(Tar::new().long(b'L', long.as_bytes())),
        by(Tar::new().pax(b'x', &[("path", long.as_bytes()), ("path", long.as_bytes())])),
    ] {
        assert_eq!((member.path.as_slice(), content.as_slice()), (long.as_bytes(), &b"data"[..]));
    }
    for tar in [Tar::new().pax(b'x', &[("linkpath", long.as_bytes())]), Tar::new().long(b'K', long.as_bytes())] {
        assert_eq!(only(tar.link("l", b'2', "short")).0.link.as_deref(), Some(long.as_bytes()));
    }
    let both = Tar::new().long(b'K', b"target").long(b'L', long.as_bytes()).link("l", b'2', "short");
    let (member, _) = only(both);
    assert_eq!((member.path.as_slice(), member.link.as_deref()), (long.as_bytes(), Some(&b"target"[..])));
}

#[test]
fn other_good_forms() {
    let (member, _) =
        only(Tar::new().pax(b'x', &[("mtime", b"1735689600.75"), ("SCHILY.xattr.user.x", b"\0\n")]).file("a", b"x"));
    assert_eq!(member.mtime, 1_735_689_600);
    let (_, content) = only(Tar::new().pax(b'x', &[("size", b"3")]).file("a", b"abc"));
    assert_eq!(content, b"abc");
    let (_, content) = only(Tar::new().header(Header::gnu(b"a", b'0', 0).binary_size(3)).data(b"abc"));
    assert_eq!(content, b"abc");
    only(Tar::new().member(b"PaxHeaders/x", b'x', b"").file("a", b"x"));
    only(Tar::new().pax(b'g', &[("comment", b"0123456789abcdef")]).file("a", b"x"));
    only(Tar::new().pax(b'g', &[("mtime", b"1")]).pax(b'x', &[("mtime", b"2")]).file("a", b"x"));
    only(Tar::new().member(b"a", b'7', b"contiguous"));
    let (dir, _) = only(Tar::new().header(Header::v7(b"old-directory/", 0, 0)));
    assert_eq!((dir.kind, dir.path.as_slice()), (EntryKind::Dir, &b"old-directory"[..]));
    let spaces = Header::ustar(b"a", b'0', 0).put(SIZE, b"         3  ").put(MODE, b"   644 \0");
    assert_eq!(only(Tar::new().header(spaces).data(b"abc")).0.mode, 0o644);
    let blank = Header::ustar(b"a", b'0', 0).put(SIZE, b"            ");
    assert_eq!(only(Tar::new().header(blank)).0.size, 0);
}

/// A header and as many zeros as it takes, without the memory.
struct Virtual {
    head: Vec<u8>,
    position: u64,
    length: u64,
}

impl Read for Virtual {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(usize::try_from(self.length - self.position).unwrap_or(usize::MAX));
        for byte in &mut buffer[..count] {
            *byte = self.head.get(usize::try_from(self.position).unwrap_or(usize::MAX)).copied().unwrap_or(0);
            self.position += 1;
        }
        Ok(count)
    }
}

impl TarInput for Virtual {
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let count = count.min(self.length - self.position);
        self.position += count;
        Ok(count)
    }
}

/// Lists an archive of one entry of `size` bytes of zeros behind `head`.
fn list_virtual(head: Tar, size: u64) -> (Option<Member>, Vec<Defect>) {
    let length = head.0.len() as u64 + size.next_multiple_of(512) + 1024;
    let mut reader = TarReader::new(Virtual { head: head.0, position: 0, length });
    let member = reader.next_member().unwrap();
    assert!(reader.next_member().unwrap().is_none());
    (member, reader.take_anomalies().into_iter().map(|anomaly| anomaly.defect).collect())
}

#[test]
fn file_capabilities_are_as_good_as_setuid() {
    for flag in [b'x', b'g'] {
        let tar = Tar::new().pax(flag, &[("SCHILY.xattr.security.capability", b"\x01\0\0\x02")]).file("a", b"x").end();
        assert_eq!(read(&tar).defects, [Defect::EntryMode], "{}", flag as char);
    }
    assert!(read(&Tar::new().pax(b'x', &[("SCHILY.xattr.user.capability", b"1")]).file("a", b"x").end()).is_clean());
}

#[test]
fn eight_gigabytes_force_a_second_size() {
    let size = (1u64 << 33) + 5;
    let pax = || Tar::new().pax(b'x', &[("size", size.to_string().as_bytes())]);
    let good = [
        Tar::new().header(Header::gnu(b"big", b'0', 0).binary_size(size)),
        pax().header(Header::ustar(b"big", b'0', 0).binary_size(size)),
        pax().header(Header::ustar(b"big", b'0', 0)),
        pax().header(Header::ustar(b"big", b'0', 0).put(SIZE, b"77777777777\0")),
        Tar::new().header(Header::ustar(b"big", b'0', 0).put(SIZE, format!("{size:012o}").as_bytes())),
    ];
    for head in good {
        let (member, defects) = list_virtual(head, size);
        assert_eq!((member.map(|m| m.stored), defects), (Some(size), vec![]));
    }
    // A header size that no writer leaves there: a reader that believes it sees entries inside the data.
    let (_, defects) = list_virtual(pax().header(Header::ustar(b"big", b'0', 512)), size);
    assert_eq!(defects, [Defect::TarSize]);
    let exact = Tar::new().pax(b'x', &[("size", b"8589934591")]).header(Header::ustar(b"big", b'0', 0));
    assert_eq!(list_virtual(exact, (1 << 33) - 1).1, [Defect::TarSize], "one less fits into octal digits");
}

#[test]
fn sizes_that_contradict_each_other() {
    let inner = Tar::new().file("hidden", b"payload").end();
    let hides = Tar::new()
        .pax(b'x', &[("size", inner.len().to_string().as_bytes())])
        .header(Header::ustar(b"a", b'0', 0))
        .data(&inner)
        .end();
    assert_eq!(refused("PAX size over 0", &hides, &[Defect::TarSize]).names(), ["a"]);
    let shows = Tar::new()
        .pax(b'x', &[("size", b"0")])
        .header(Header::ustar(b"a", b'0', 1024))
        .file("hidden", b"x")
        .file("b", b"")
        .end();
    assert_eq!(refused("PAX size 0", &shows, &[Defect::TarSize]).names(), ["a", "hidden", "b"]);
    let global = Tar::new().pax(b'g', &[("size", b"3")]).file("a", b"abc").file("b", b"").file("c", b"def").end();
    refused("global size", &global, &[Defect::TarExtension, Defect::TarSize, Defect::TarHeader]);
    for (flag, kind) in [(b'5', "dir"), (b'1', "hard link"), (b'2', "symlink"), (b'3', "device"), (b'6', "fifo")] {
        let data = Tar::new().header(Header::ustar(b"a", flag, 512)).file("b", b"").end();
        assert_eq!(refused(kind, &data, &[Defect::TarSize]).names(), ["a", "b"], "nothing is skipped for a {kind}");
        let pax = Tar::new().pax(b'x', &[("size", b"512")]).header(Header::ustar(b"a", flag, 0)).file("b", b"").end();
        refused(kind, &pax, &[Defect::TarSize, Defect::TarSize]);
    }
}

#[test]
fn numbers_that_are_none() {
    let size = |field: &[u8]| Tar::new().header(Header::ustar(b"a", b'0', 0).put(SIZE, field)).end();
    for (what, field) in [
        ("negative", &[0xff; 12][..]),
        ("negative of one", b"\xc0\0\0\0\0\0\0\0\0\0\0\x01"),
        ("over 2^64", b"\x80\0\0\x01\0\0\0\0\0\0\0\0"),
        ("2^63", b"\x80\0\0\0\x80\0\0\0\0\0\0\0"),
        ("the end over 2^63", b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"),
        ("a sign", b"-0000000001\0"),
        ("a letter", b"0000000000x\0"),
        ("an eight", b"00000000008\0"),
        ("hex", b"0x000000001\0"),
    ] {
        refused(what, &size(field), &[Defect::TarHeader]);
    }
    let outcome = refused("digits after NUL", &size(b"\0\0\0\x000016\0\0\0\0"), &[Defect::TarHeader]);
    assert_eq!(outcome.names(), ["a"]);
    let mode = Tar::new().header(Header::ustar(b"a", b'0', 0).put(MODE, b"rw-r--r-")).file("b", b"").end();
    assert_eq!(refused("mode", &mode, &[Defect::TarHeader]).names(), ["a", "b"]);
}

/// Where one of these is no number, Python sees the end of the archive, also in the header of an extension.
#[test]
fn numbers_that_nothing_depends_on() {
    let (uid, gid, time, major, minor) = (108, 116, 136, 329, 337);
    for (what, place, field) in [
        ("mtime", time, &b"yesterday..\0"[..]),
        ("blank mtime", time, b"            "),
        ("uid", uid, b"+17\0\0\0\0\0"),
        ("gid over 2^32", gid, b"\x80\0\0\x01\0\0\0\0"),
        ("negative uid", uid, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        ("other base-256", uid, b"\x81\0\0\0\0\0\0\x01"),
        ("devmajor", major, b"x\0\0\0\0\0\0\0"),
        ("devminor", minor, b"1 1\0\0\0\0\0"),
    ] {
        let data = Tar::new().header(Header::ustar(b"a", b'0', 0).put(place, field)).file("b", b"").end();
        assert_eq!(refused(what, &data, &[Defect::TarHeader]).names(), ["a", "b"]);
    }
    let before_1970 = Header::ustar(b"a", b'0', 0).put(time, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf1");
    assert_eq!(only(Tar::new().header(before_1970)).0.mtime, -15);
}

#[test]
fn checksums() {
    let mut data = Tar::new().file("a", b"x").file("b", b"y").end();
    data[1024] ^= 1;
    assert_eq!(refused("a flipped bit in the second header", &data, &[Defect::TarHeader]).names(), ["a"]);
    for position in [0, 99, 148, 155, 156, 257, 344, 499, 511] {
        let mut data = Tar::new().file("a", b"x").end();
        data[position] ^= 0x41;
        assert!(!read(&data).is_clean(), "bit at {position}");
    }
}

#[test]
fn names_that_readers_take_from_different_bytes() {
    let gnu = |prefix: &[u8]| Tar::new().header(Header::gnu(b"name", b'0', 0).put(PREFIX, prefix)).end();
    let found = refused("prefix in a GNU header", &gnu(b"dir"), &[Defect::TarHeader]);
    assert_eq!(found.names(), ["dir/name"]);
    let found = refused("access time in a GNU header", &gnu(b"14713211600\0"), &[Defect::TarHeader]);
    assert_eq!(found.names(), ["name"]);
    let v7 = Tar::new().header(Header::v7(b"name", b'0', 0).put(PREFIX, b"dir")).end();
    refused("prefix without magic", &v7, &[Defect::TarHeader]);
    let version = Header::ustar(b"name", b'0', 0).put(MAGIC, b"ustar\0\0\0").put(PREFIX, b"dir");
    refused("magic without version", &Tar::new().header(version).end(), &[Defect::TarHeader]);
    let slash = Tar::new().file("name/", b"x").end();
    refused("a file with a slash", &slash, &[Defect::EntryPath]);
}

#[test]
fn extension_headers() {
    let file = |tar: Tar| tar.file("a", b"x").end();
    let bad = [
        ("two PAX headers", file(Tar::new().pax(b'x', &[("mtime", b"1")]).pax(b'x', &[("mtime", b"2")]))),
        ("two long names", file(Tar::new().long(b'L', b"b").long(b'L', b"c"))),
        ("two long links", file(Tar::new().long(b'K', b"b").long(b'K', b"c"))),
        ("PAX path and long name", file(Tar::new().pax(b'x', &[("path", b"b")]).long(b'L', b"c"))),
        ("PAX size and long name", file(Tar::new().pax(b'x', &[("size", b"1")]).long(b'L', b"c"))),
        ("long name and PAX path", file(Tar::new().long(b'L', b"c").pax(b'x', &[("path", b"b")]))),
        ("PAX header at the end", Tar::new().file("a", b"x").pax(b'x', &[("path", b"b")]).end()),
        ("long name at the end", Tar::new().file("a", b"x").long(b'L', b"b").end()),
        ("global path", file(Tar::new().pax(b'g', &[("path", b"b")]))),
        ("global link", file(Tar::new().pax(b'g', &[("linkpath", b"b")]))),
        ("long name of nothing", file(Tar::new().header(Header::gnu(b"x", b'L', 0)))),
        ("long name of NUL", file(Tar::new().long(b'L', b""))),
        ("NUL in a long name", file(Tar::new().long(b'L', b"a\0b"))),
        ("NUL in a link", file(Tar::new().pax(b'x', &[("linkpath", b"a\0b")]))),
        ("NUL in a key", file(Tar::new().pax(b'x', &[("a\0b", b"c")]))),
        ("path twice", file(Tar::new().pax(b'x', &[("path", b"b"), ("path", b"c")]))),
        ("size twice", file(Tar::new().pax(b'x', &[("size", b"1"), ("size", b"2")]))),
        ("length too long", file(Tar::new().member(b"x", b'x', b"99 path=b\n"))),
        ("length too short", file(Tar::new().member(b"x", b'x', b"7 path=b\n"))),
        ("length zero", file(Tar::new().member(b"x", b'x', b"0 path=b\n"))),
        ("length negative", file(Tar::new().member(b"x", b'x', b"-9 path=b\n"))),
        ("length over 2^64", file(Tar::new().member(b"x", b'x', b"18446744073709551625 path=b\n"))),
        ("zeros in the header", file(Tar::new().member(b"x", b'x', b"10 path=b\n\0\0\0"))),
        ("over 1 MiB", file(Tar::new().header(Header::ustar(b"x", b'x', (1 << 20) + 1)).raw(&[0; 1 << 21]))),
    ];
    for (what, data) in bad {
        refused(what, &data, &[Defect::TarExtension]);
    }
    let named = file(Tar::new().pax(b'x', &[("path", b"a\0b")]));
    assert_eq!(read(&named).names(), ["a\0b"], "a NUL in a path is for whoever judges names");
}

#[test]
fn extension_headers_without_end_are_not_collected() {
    let mut tar = Tar::new();
    for _ in 0..10_000 {
        tar = tar.header(Header::ustar(b"x", b'x', 0));
    }
    let outcome = read(&tar.file("a", b"").end());
    assert_eq!(outcome.stop, Some(Defect::TarExtension));
    assert!(outcome.defects.len() < 20, "{}", outcome.defects.len());
    let four =
        Tar::new().pax(b'g', &[("comment", b"c")]).long(b'K', b"t").long(b'L', b"n").pax(b'x', &[]).file("a", b"");
    only(four);
}

#[test]
fn ends() {
    let whole = Tar::new().file("a", b"hello").end();
    assert!(read(&whole).is_clean());
    for length in 0..whole.len() {
        let outcome = read(&whole[..length]);
        let zeros = length > 1024 + 512;
        let wanted = match length {
            0 | 1024 => Defect::TarEnd,
            1536 => Defect::TarEnd,
            _ => Defect::ContainerTruncated,
        };
        let found: Vec<Defect> = outcome.defects.iter().copied().chain(outcome.stop).collect();
        assert_eq!(found, [wanted], "cut at {length}, zeros {zeros}");
    }
    let more = |tail: &[u8]| Tar::new().file("a", b"x").raw(tail).0;
    let second = Tar::new().file("b", b"y").end();
    refused("no end", &more(b""), &[Defect::TarEnd]);
    refused("one zero block", &more(&[0; 512]), &[Defect::TarEnd]);
    let hidden = refused("one zero block, then members", &more(&[&[0; 512], &second[..]].concat()), &[Defect::TarEnd]);
    assert_eq!(hidden.names(), ["a"]);
    refused("a second archive", &more(&[&[0; 1024], &second[..]].concat()), &[Defect::ContainerTrailing]);
    refused("one byte after", &more(&[&[0; 1024], &b"x"[..]].concat()), &[Defect::ContainerTrailing]);
    refused("a byte far after", &more(&[&[0; 200_000], &b"x"[..]].concat()), &[Defect::ContainerTrailing]);
}

#[test]
fn bytes_that_fill_up_blocks_are_counted() {
    let count = |data: &[u8], jump: bool| {
        let mut reader = TarReader::new(Pieces { data, piece: 100, jump });
        while reader.next_member().unwrap().is_some() {}
        reader.residue()
    };
    let mut data = Tar::new().file("a", &[b'x'; 500]).pax(b'x', &[("mtime", b"1")]).file("b", b"").end();
    assert_eq!((count(&data, true), count(&data, false)), (0, 0));
    data[512 + 500..1024].fill(b'h');
    data[1536 + 100] = b'h';
    assert!(read(&data).defects.is_empty());
    assert_eq!((count(&data, true), count(&data, false)), (13, 13));
}

#[test]
fn sparse_files_are_named_and_never_expanded() {
    let old = |extended: u8| {
        let size = format!("{:011o}\0", 1u64 << 32);
        Header::gnu(b"a", b'S', 512).put(482, &[extended]).put(483, size.as_bytes())
    };
    let plain = Tar::new().header(old(0)).data(&[1; 512]).file("b", b"").end();
    let mut more = [0; BLOCK];
    more[504] = 1;
    let extended = Tar::new().header(old(1)).raw(&more).raw(&[0; BLOCK]).data(&[1; 512]).file("b", b"").end();
    for data in [plain, extended] {
        let outcome = read(&data);
        assert!(outcome.is_clean(), "{outcome:?}");
        assert_eq!(outcome.names(), ["a", "b"]);
        let (member, content) = &outcome.members[0];
        assert_eq!((member.kind, member.sparse, member.size), (EntryKind::GnuSparse, true, 1 << 32));
        assert_eq!(content, &[1; 512]);
    }
    more[504] = 1;
    refused("extended for ever", &Tar::new().header(old(1)).raw(&more).raw(&more).0, &[Defect::ContainerTruncated]);
    let pax: [(&str, &[u8]); 4] = [
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"real"),
        ("GNU.sparse.realsize", b"9223372036854775807"),
    ];
    let (member, content) = only(Tar::new().pax(b'x', &pax).file("GNUSparseFile.0/a", b"map"));
    assert_eq!(
        (member.path.as_slice(), member.sparse, member.size, member.stored),
        (&b"real"[..], true, i64::MAX as u64, 3)
    );
    assert_eq!(content, b"map");
}

#[test]
fn recognised_by_its_first_block() {
    assert!(looks_like_tar(&Tar::new().file("a", b"").0));
    assert!(looks_like_tar(&Header::v7(b"a", 0, 0).block()));
    assert!(looks_like_tar(&[0; 512]));
    let mut damaged = Header::ustar(b"a", b'0', 0).block();
    damaged[0] ^= 1;
    assert!(looks_like_tar(&damaged), "a damaged header is an answer about a tar");
    assert!(!looks_like_tar(&[b'x'; 512]) && !looks_like_tar(&[0; 511]) && !looks_like_tar(b""));
}

/// A member as somebody would write it.
#[derive(Debug, Clone)]
struct Wanted {
    name: Vec<u8>,
    kind: EntryKind,
    data: Vec<u8>,
    target: Vec<u8>,
    form: u8,
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let text = |most| proptest::collection::vec(prop_oneof![Just(b'/'), b'a'..=b'e', 128u8..], 1..most);
    let kind = prop_oneof![4 => Just(EntryKind::File), 1 => Just(EntryKind::Dir), 1 => Just(EntryKind::Symlink)];
    (text(200), kind, proptest::collection::vec(any::<u8>(), 0..1500), text(200), 0u8..3).prop_map(
        |(mut name, kind, data, target, form)| {
            strip_slashes(&mut name);
            if name == b"/" {
                name = b"root".to_vec();
            }
            let data = if kind == EntryKind::File { data } else { Vec::new() };
            Wanted { name, kind, data, target, form }
        },
    )
}

fn write(members: &[Wanted]) -> Vec<u8> {
    let mut tar = Tar::new();
    for member in members {
        let flag = match member.kind {
            EntryKind::Dir => b'5',
            EntryKind::Symlink => b'2',
            _ => b'0',
        };
        let is_link = member.kind == EntryKind::Symlink;
        let fits = member.name.len() <= 100 && member.target.len() <= 100;
        tar = match member.form {
            _ if fits => tar,
            0 if is_link => tar.long(b'K', &member.target).long(b'L', &member.name),
            0 => tar.long(b'L', &member.name),
            _ if is_link => tar.pax(b'x', &[("path", &member.name), ("linkpath", &member.target)]),
            1 => tar.pax(b'x', &[("path", &member.name), ("size", member.data.len().to_string().as_bytes())]),
            _ => tar.pax(b'x', &[("path", &member.name)]),
        };
        let link = if is_link { &member.target[..member.target.len().min(100)] } else { b"" };
        let header = Header::ustar(&member.name, flag, member.data.len() as u64).put(LINK, link);
        tar = tar.header(header).data(&member.data);
    }
    tar.end()
}

proptest! {
    #[test]
    fn written_members_come_back(members in proptest::collection::vec(wanted(), 0..12), piece in 1usize..900) {
        let data = write(&members);
        let outcome = read(&data);
        prop_assert!(outcome.is_clean(), "{:?}", outcome);
        prop_assert_eq!(outcome.members.len(), members.len());
        for (wanted, (found, content)) in members.iter().zip(&outcome.members) {
            prop_assert_eq!((&wanted.name, wanted.kind, &wanted.data), (&found.path, found.kind, content));
            let target = (wanted.kind == EntryKind::Symlink).then_some(&wanted.target);
            prop_assert_eq!(target, found.link.as_ref());
            let at = found.offset as usize;
            prop_assert_eq!(&data[at..at + found.stored as usize], &wanted.data[..]);
        }
        same_in_pieces(&data, piece)?;
    }

    #[test]
    fn mutations_never_panic_and_never_depend_on_pieces(
        members in proptest::collection::vec(wanted(), 1..5),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..6),
        cut in any::<prop::sample::Index>(),
        piece in 1usize..900,
    ) {
        let mut data = write(&members);
        for (at, value, fix) in changes {
            let at = at.index(data.len());
            data[at] = value;
            let start = at / BLOCK * BLOCK;
            if fix && let Some(block) = data[start..].first_chunk_mut::<BLOCK>() {
                *block = Header(*block).block();
            }
        }
        same_in_pieces(&data, piece)?;
        data.truncate(cut.index(data.len()));
        same_in_pieces(&data, piece)?;
    }

    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..3000), piece in 1usize..900) {
        same_in_pieces(&data, piece)?;
    }
}

/// However the bytes arrive, and whether data is skipped by jumping or by reading: the answer is one.
fn same_in_pieces(data: &[u8], piece: usize) -> Result<(), TestCaseError> {
    let whole = read(data);
    prop_assert_eq!(&whole, &read_in(data, piece, false, true));
    let jumping = read_in(data, usize::MAX, true, false);
    prop_assert_eq!(&jumping, &read_in(data, piece, false, false));
    let members =
        |outcome: &Outcome| -> Vec<Member> { outcome.members.iter().map(|(member, _)| member.clone()).collect() };
    // Cut short inside data, reading notices before the member is complete and skipping after it.
    let (read, listed) = (members(&whole), members(&jumping));
    prop_assert!(read == listed || (listed.starts_with(&read) && listed.len() == read.len() + 1));
    prop_assert_eq!(&whole.defects, &jumping.defects);
    prop_assert_eq!(whole.stop, jumping.stop);
    Ok(())
}
