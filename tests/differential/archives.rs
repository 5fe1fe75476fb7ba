//! Archives that are built block by block and changed where readers of tar are known to differ.

/// An archive and what was done to it.
pub(crate) struct Archive {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

const BLOCK: usize = 512;

// ---- building ------------------------------------------------------------------------------------------------------

/// A header of `magic` with a right checksum.
fn header(name: &[u8], flag: u8, size: usize, link: &[u8], magic: &[u8; 8]) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    block[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"15117527400\0");
    block[156] = flag;
    block[157..157 + link.len().min(100)].copy_from_slice(&link[..link.len().min(100)]);
    block[257..265].copy_from_slice(magic);
    sum(&mut block);
    block
}

fn sum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn padded(mut data: Vec<u8>) -> Vec<u8> {
    data.resize(data.len().next_multiple_of(BLOCK), 0);
    data
}

fn pax(records: Records<'_>) -> Vec<u8> {
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

const USTAR: &[u8; 8] = b"ustar\x0000";
const GNU: &[u8; 8] = b"ustar  \0";
const V7: &[u8; 8] = b"\0\0\0\0\0\0\0\0";

/// A member with its data, as blocks.
fn member(name: &[u8], flag: u8, data: &[u8], link: &[u8], magic: &[u8; 8]) -> Vec<u8> {
    [header(name, flag, data.len(), link, magic), padded(data.to_vec())].concat()
}

/// An archive that every reader takes, for each dialect and each kind of extension.
fn bases() -> Vec<Archive> {
    let long = [b"a".repeat(60), b"b".repeat(60)].join(&b'/');
    let file = |magic: &[u8; 8]| member(b"one.txt", b'0', b"the first file\n", b"", magic);
    let second = |magic: &[u8; 8]| member(b"two.txt", b'0', &b"2".repeat(700), b"", magic);
    let directory = |magic: &[u8; 8]| member(b"folder/", b'5', b"", b"", magic);
    let links = |magic: &[u8; 8]| {
        [member(b"soft", b'2', b"", b"one.txt", magic), member(b"hard", b'1', b"", b"one.txt", magic)].concat()
    };
    let mut prefixed = header(b"name.txt", b'0', 3, b"", USTAR);
    prefixed[345..351].copy_from_slice(b"prefix");
    sum(&mut prefixed);
    let prefixed = [prefixed, padded(b"abc".to_vec())].concat();
    let long_name = |flag: u8, text: &[u8]| member(b"././@LongLink", flag, &[text, b"\0"].concat(), b"", GNU);
    let extended = |flag: u8, records: Records<'_>| member(b"PaxHeaders/x", flag, &pax(records), b"", USTAR);
    let end = vec![0; 2 * BLOCK];
    let archive =
        |name: &str, parts: &[Vec<u8>]| Archive { name: name.into(), bytes: [parts.concat(), end.clone()].concat() };
    vec![
        archive("ustar", &[file(USTAR), directory(USTAR), links(USTAR), second(USTAR)]),
        archive("gnu", &[file(GNU), directory(GNU), links(GNU), second(GNU)]),
        archive("v7", &[file(V7), member(b"old/", 0, b"", b"", V7), second(V7)]),
        archive("ustar-prefix", &[prefixed, file(USTAR)]),
        archive("gnu-long-name", &[long_name(b'L', &long), file(GNU), second(GNU)]),
        archive(
            "gnu-long-link",
            &[file(GNU), long_name(b'K', &long), member(b"soft", b'2', b"", b"cut", GNU), second(GNU)],
        ),
        archive(
            "pax-path",
            &[extended(b'x', &[("path", &long), ("mtime", b"1763683200.5")]), file(USTAR), second(USTAR)],
        ),
        archive("pax-size", &[extended(b'x', &[("size", b"15")]), file(USTAR), second(USTAR)]),
        archive(
            "pax-link",
            &[extended(b'x', &[("linkpath", b"one.txt")]), member(b"soft", b'2', b"", b"cut", USTAR), file(USTAR)],
        ),
        archive("pax-global", &[extended(b'g', &[("comment", b"hello")]), file(USTAR), second(USTAR)]),
        archive(
            "pax-other",
            &[
                extended(
                    b'x',
                    &[("SCHILY.xattr.user.a", b"\0\x01"), ("uname", b"root"), ("atime", b"1"), ("charset", b"BINARY")],
                ),
                file(USTAR),
                second(USTAR),
            ],
        ),
        archive("contiguous", &[member(b"seven", b'7', b"0123456789", b"", USTAR), second(USTAR)]),
    ]
}

// ---- cases by hand ------------------------------------------------------------------------------------------------

/// Keys and values of a PAX header.
type Records<'a> = &'a [(&'a str, &'a [u8])];

/// Differences that have names elsewhere.
fn known() -> Vec<Archive> {
    let mut found = Vec::new();
    let end = vec![0; 2 * BLOCK];
    let file = member(b"one.txt", b'0', b"the first file\n", b"", USTAR);
    let with_pax = |name: &str, flag: u8, records: Records<'_>, then: &[u8]| Archive {
        name: format!("known-{name}"),
        bytes: [&member(b"PaxHeaders/x", flag, &pax(records), b"", USTAR), then, &end].concat(),
    };
    let records: [(&str, Records<'_>); 27] = [
        ("schily-realsize", &[("SCHILY.realsize", b"99")]),
        ("schily-realsize-small", &[("SCHILY.realsize", b"3")]),
        ("schily-filetype", &[("SCHILY.filetype", b"sparse")]),
        ("sun-holesdata", &[("SUN.holesdata", b" 0 5 15")]),
        ("gnu-sparse-major", &[("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0")]),
        ("gnu-sparse-name", &[("GNU.sparse.name", b"other.txt")]),
        ("path-empty", &[("path", b"")]),
        ("path-twice", &[("path", b"a"), ("path", b"b")]),
        ("path-twice-same", &[("path", b"a"), ("path", b"a")]),
        ("path-upper-case", &[("Path", b"a")]),
        ("path-latin-1", &[("path", b"caf\xe9")]),
        ("path-hdrcharset", &[("hdrcharset", b"BINARY"), ("path", b"caf\xe9")]),
        ("path-hdrcharset-utf8", &[("hdrcharset", b"ISO-IR 10646 2000 UTF-8"), ("path", b"caf\xc3\xa9")]),
        ("path-hdrcharset-other", &[("hdrcharset", b"ISO-IR 8859 1 1998"), ("path", b"caf\xe9")]),
        ("path-line-feed", &[("path", b"a\nb")]),
        ("path-backslash", &[("path", b"a\\b")]),
        ("path-slash", &[("path", b"a/")]),
        ("path-dot", &[("path", b"./a")]),
        ("path-nul", &[("path", b"a\0b")]),
        ("size-plus", &[("size", b"+15")]),
        ("size-space", &[("size", b" 15")]),
        ("size-zeros", &[("size", b"00000000000000000015")]),
        ("size-fraction", &[("size", b"15.0")]),
        ("size-hex", &[("size", b"0xf")]),
        ("linkpath-on-file", &[("linkpath", b"other")]),
        ("mtime-text", &[("mtime", b"yesterday")]),
        ("libarchive-symlinktype", &[("LIBARCHIVE.symlinktype", b"dir"), ("LIBARCHIVE.creationtime", b"1")]),
    ];
    for (name, records) in records {
        for flag in [b'x', b'g', b'X'] {
            found.push(with_pax(&format!("{}-{name}", char::from(flag)), flag, records, &file));
        }
    }
    // What follows an extension header that is not the entry.
    let pax_block = |records: Records<'_>| member(b"PaxHeaders/x", b'x', &pax(records), b"", USTAR);
    let long = |flag: u8, text: &[u8]| member(b"././@LongLink", flag, text, b"", GNU);
    let sequences: [(&str, Vec<Vec<u8>>); 14] = [
        ("x-then-L", vec![pax_block(&[("path", b"from-pax")]), long(b'L', b"from-gnu\0"), file.clone()]),
        ("L-then-x", vec![long(b'L', b"from-gnu\0"), pax_block(&[("path", b"from-pax")]), file.clone()]),
        ("x-size-then-L", vec![pax_block(&[("size", b"15")]), long(b'L', b"from-gnu\0"), file.clone()]),
        ("x-comment-then-L", vec![pax_block(&[("comment", b"c")]), long(b'L', b"from-gnu\0"), file.clone()]),
        ("x-mtime-then-L", vec![pax_block(&[("mtime", b"1")]), long(b'L', b"from-gnu\0"), file.clone()]),
        ("L-twice", vec![long(b'L', b"first\0"), long(b'L', b"second\0"), file.clone()]),
        ("x-twice", vec![pax_block(&[("path", b"first")]), pax_block(&[("comment", b"c")]), file.clone()]),
        ("L-without-nul", vec![long(b'L', b"no-nul"), file.clone()]),
        ("L-two-nuls", vec![long(b'L', b"nuls\0\0"), file.clone()]),
        ("L-hidden", vec![long(b'L', b"shown\0hidden\0"), file.clone()]),
        ("L-slash", vec![long(b'L', b"folder/\0"), file.clone()]),
        ("L-empty", vec![long(b'L', b"\0"), file.clone()]),
        (
            "L-then-g",
            vec![long(b'L', b"from-gnu\0"), member(b"g", b'g', &pax(&[("comment", b"c")]), b"", USTAR), file.clone()],
        ),
        (
            "x-then-g",
            vec![
                pax_block(&[("path", b"from-pax")]),
                member(b"g", b'g', &pax(&[("comment", b"c")]), b"", USTAR),
                file.clone(),
            ],
        ),
    ];
    for (name, parts) in sequences {
        found.push(Archive { name: format!("known-{name}"), bytes: [parts.concat(), end.clone()].concat() });
    }
    // Headers of each type, with and without data, and one that star would read with a shorter prefix.
    for flag in (b' '..=b'~').chain([0, 0x80, 0xff]) {
        for (what, data) in [("empty", &b""[..]), ("data", &b"0123456789"[..])] {
            for (dialect, magic) in [("ustar", USTAR), ("gnu", GNU), ("v7", V7)] {
                let odd = member(b"odd", flag, data, b"one.txt", magic);
                let name = format!("known-type-{flag:02x}-{what}-{dialect}");
                found.push(Archive { name, bytes: [&file[..], &odd, &file, &end].concat() });
            }
        }
    }
    let mut star = header(b"name.txt", b'0', 0, b"", USTAR);
    star[345..497].fill(b'p');
    star[508..512].copy_from_slice(b"tar\0");
    sum(&mut star);
    found.push(Archive { name: "known-star-long-prefix".into(), bytes: [&star[..], &end].concat() });
    star[475..500].fill(0);
    star[476..487].copy_from_slice(b"15117527400");
    star[488..499].copy_from_slice(b"15117527400");
    sum(&mut star);
    found.push(Archive { name: "known-star-times".into(), bytes: [&star[..], &end].concat() });
    found
}

// ---- changes -------------------------------------------------------------------------------------------------------

/// xorshift64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (limit.max(1) as u64)).unwrap_or(0)
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// Fields of a header: where they are, and what is put there.
const FIELDS: [(&str, usize, usize); 13] = [
    ("name", 0, 100),
    ("mode", 100, 8),
    ("uid", 108, 8),
    ("size", 124, 12),
    ("mtime", 136, 12),
    ("type", 156, 1),
    ("link", 157, 100),
    ("magic", 257, 8),
    ("uname", 265, 32),
    ("devmajor", 329, 8),
    ("prefix", 345, 155),
    ("end", 500, 12),
    ("any", 0, 512),
];
const NUMBERS: [&[u8]; 17] = [
    b"00000000017\0",
    b"17 ",
    b"   17\0",
    b"\x0017",
    b"17\x0000017",
    b"0x11\0",
    b"+17\0",
    b"-17\0",
    b"17 17\0",
    b"\t17\0",
    b"\x80\0\0\0\0\0\0\0\0\0\0\x0f",
    b"\x81\0\0\0\0\0\0\0\0\0\0\x0f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf1",
    b"777777777777",
    b"000000000000",
    b"18\0",
    b"",
];
const TEXTS: [&[u8]; 16] = [
    b"a/",
    b"a//",
    b"./a",
    b"a/./b",
    b"a//b",
    b"a\\b",
    b"a\nb",
    b"\xff\xfe",
    b"caf\xc3\xa9",
    b"a\0b",
    b"a b",
    b" a",
    b"a\x01b",
    b"",
    b"a -> b",
    b"\x7f",
];
const MAGICS: [&[u8]; 8] = [USTAR, GNU, V7, b"ustar\0  ", b"ustar000", b"ustar \x0000", b"USTAR\x0000", b"ustar\0\0\0"];

/// Where the headers of a sound archive are.
fn headers(archive: &[u8]) -> Vec<usize> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(block) = archive.get(at..at + BLOCK).filter(|block| block.iter().any(|byte| *byte != 0)) {
        found.push(at);
        let digits = std::str::from_utf8(&block[124..135]).unwrap_or_default();
        at += BLOCK + usize::from_str_radix(digits, 8).unwrap_or(0).next_multiple_of(BLOCK);
    }
    found
}

/// One to three changes; the name says which.
fn changed(base: &Archive, random: &mut Random) -> Archive {
    let (mut bytes, mut name) = (base.bytes.clone(), base.name.clone());
    let headers = headers(&base.bytes);
    for _ in 0..=random.below(3) {
        let at = *random.of(&headers);
        let kind = random.below(10);
        if kind < 7 {
            let (field, start, length) = *random.of(&FIELDS);
            let Some(block) = bytes.get_mut(at..at + BLOCK) else { continue };
            let text = match field {
                "mode" | "uid" | "size" | "mtime" | "devmajor" => *random.of(&NUMBERS),
                "magic" => *random.of(&MAGICS),
                "type" => *random.of(&[
                    &b"0"[..],
                    b"\0",
                    b"1",
                    b"2",
                    b"5",
                    b"7",
                    b"x",
                    b"g",
                    b"L",
                    b"K",
                    b"S",
                    b"V",
                    b"M",
                    b"A",
                ]),
                "any" => {
                    block[random.below(BLOCK)] = *random.of(b"\0 /\xff07a\x80");
                    &b""[..]
                }
                _ => *random.of(&TEXTS),
            };
            if field != "any" {
                let text = &text[..text.len().min(length)];
                // Sometimes what was there stays behind the new text.
                if random.below(3) > 0 {
                    block[start..start + length].fill(0);
                }
                block[start..start + text.len()].copy_from_slice(text);
            }
            sum(block);
            name += &format!("-{field}");
            continue;
        }
        let block = at.min(bytes.len().saturating_sub(BLOCK)) / BLOCK * BLOCK;
        match kind {
            7 => {
                let data = block + BLOCK + random.below(40);
                if let Some(byte) = bytes.get_mut(data) {
                    *byte = *random.of(b"\0 =\n019\xffx");
                }
                name += "-data";
            }
            8 => {
                let copy: Vec<u8> = bytes.iter().skip(block).take(BLOCK * (1 + random.below(3))).copied().collect();
                let to = random.below(bytes.len() / BLOCK + 1) * BLOCK;
                bytes.splice(to..to, copy);
                name += "-copy";
            }
            _ => {
                let to = random.below(bytes.len() / BLOCK + 1) * BLOCK;
                bytes.splice(to..to, vec![0; BLOCK]);
                name += "-zeros";
            }
        }
    }
    Archive { name, bytes }
}

/// All bases, all cases by hand, and `rounds` changed ones.
pub(crate) fn generated(rounds: usize) -> Vec<Archive> {
    let bases = bases();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let changed: Vec<Archive> = (0..rounds).map(|round| changed(&bases[round % bases.len()], &mut random)).collect();
    bases.into_iter().chain(known()).chain(changed).collect()
}
