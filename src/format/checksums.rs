//! Checksum lists: one list of untrusted bytes to claims about files, a line at a time.
//!
//! Read are the forms of GNU coreutils (`<hex>  <path>`, `<hex> *<path>`, a leading `\` before an escaped name), the
//! tagged BSD form (`SHA256 (<path>) = <hex>`), and the line `root <hex>` that StellaOps puts first in checksums.txt.
//! [`Traits`] tells afterwards which of these, and which irregularities, a list has.
//!
//! | attack | answer |
//! | --- | --- |
//! | MD5 or SHA-1 digests in a list that claims to be SHA-256 | refused by length and by tag |
//! | `-` as a name, which makes `sha256sum -c` read its standard input | refused |
//! | a newline, a NUL or a half-written escape in a name | escapes as GNU reads them; anything else refused |
//! | a byte order mark or a second `root` line, seen by some readers only | refused |
//! | a line without end, a million lines | 16 KiB a line; lines are handed out one by one and not kept |
//!
//! A name is bytes, and is handed out as it was written: whether it leaves the bundle, whether it occurs twice, and
//! whether the files agree with it, is judged by the floors above. So is a list that names no file
//! ([`Traits::is_empty`]): it proves nothing.

use std::borrow::Cow;
use std::iter::FusedIterator;

use super::digest::Digest;

/// Longest line, without its ending. Paths of 4096 bytes (`PATH_MAX` on Linux), each escaped, with a SHA-512 digest
/// take half of it.
pub const MAX_LINE: usize = 16 * 1024;

/// Longest piece of an untrusted line that is repeated in an error, in bytes.
const MAX_QUOTED: usize = 40;

/// How a checksum line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `<hex>  <path>`
    Gnu,
    /// `<hex> *<path>`: the same bytes, read in binary mode on systems where that is something else.
    GnuBinary,
    /// `SHA256 (<path>) = <hex>`
    Bsd,
}

/// The claim that a file has a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecksumLine<'a> {
    /// The name with its escapes resolved; borrowed from the list where it has none. Not normalised, never empty, not
    /// `-`, without NUL, not always UTF-8.
    pub path: Cow<'a, [u8]>,
    /// SHA-256 or SHA-512, as the length of the hex digits says.
    pub digest: Digest,
    /// How the line was written.
    pub style: Style,
    /// Where, from 1.
    pub line: usize,
}

/// What one line of a list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<'a> {
    /// A file and its digest.
    Line(ChecksumLine<'a>),
    /// The digest that covers the bundle as a whole. At most one, before all other items.
    Root {
        /// SHA-256.
        digest: [u8; 32],
        /// Where, from 1.
        line: usize,
    },
}

/// What was met in a list, up to the line that was read last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traits {
    /// Checksum lines that were understood; `root` is not one.
    pub lines: usize,
    /// Lines that begin with `#` or `;`.
    pub comments: usize,
    /// There is a `root` line.
    pub root: bool,
    /// Some line ends in CR LF. The CR was not taken for a part of the name.
    pub crlf: bool,
    /// Some line has the tagged BSD form.
    pub bsd: bool,
    /// Some name was written with `*` before it.
    pub binary: bool,
    /// Some name was escaped.
    pub escaped: bool,
    /// Some digest has upper-case hex digits.
    pub uppercase: bool,
    /// Some line has one space between digest and name, where GNU writes two characters.
    pub single_space: bool,
}

impl Traits {
    /// Whether no file is named: a list that proves nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }
}

/// A line that is not understood. The other lines are still read.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("line {line}: {problem}")]
pub struct ChecksumError {
    /// Where, from 1.
    pub line: usize,
    /// What.
    pub problem: Problem,
}

/// What is wrong with a line. Quoted pieces of it are escaped and shortened.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Some readers skip it, others take it for a part of the first digest.
    #[error("byte order mark at the start of the list")]
    ByteOrderMark,
    /// See [`MAX_LINE`].
    #[error("line too long: expected at most {MAX_LINE} bytes, found {0}")]
    TooLong(usize),
    /// None of the forms that are read.
    #[error("expected a hex digest and a path, or SHA256 (path) = digest; found \"{0}\"")]
    Form(String),
    /// A digest or tag of an algorithm for which collisions are known.
    #[error("{0} is too weak: expected SHA-256 (64 hex digits) or SHA-512 (128 hex digits)")]
    Weak(&'static str),
    /// Hex digits, but of no algorithm that is read.
    #[error("expected 64 (SHA-256) or 128 (SHA-512) hex digits, found {0}")]
    DigestLength(usize),
    /// A BSD tag of an algorithm that is not read.
    #[error("expected the tag SHA256 or SHA512, found \"{0}\"")]
    Tag(String),
    /// A tagged or `root` line whose digest does not fit.
    #[error("expected {expected} hex digits, found \"{found}\"")]
    Digest {
        /// Hex digits of the algorithm.
        expected: usize,
        /// The text in their place.
        found: String,
    },
    /// A `root` line after another line, or a second one.
    #[error("expected root only as the first line")]
    LateRoot,
    /// A digest of nothing.
    #[error("expected a path, found none")]
    NoPath,
    /// `sha256sum` takes it for standard input, which has no name in a bundle.
    #[error("expected a path, found - (standard input)")]
    StandardInput,
    /// No file system has such a name.
    #[error("NUL in the path")]
    Nul,
    /// GNU coreutils writes `\\`, `\n` and `\r` only.
    #[error("expected one of \\\\, \\n, \\r in an escaped path, found \"{0}\"")]
    Escape(String),
}

/// Reads the untrusted `list` line by line: claims, errors, or nothing for blank lines and comments. Memory does not
/// grow with the list. After an error the next line is read, so that all of them can be reported; one error makes the
/// list as a whole unfit.
#[must_use]
pub fn parse(untrusted: &[u8]) -> Lines<'_> {
    Lines { rest: untrusted, line: 0, root_allowed: true, traits: Traits::default() }
}

/// The line that GNU `sha256sum` writes for a file, newline included: the name escaped, and then a `\` in front, if
/// it has a backslash, a newline or a carriage return. `path` may be untrusted; `hex` is taken as it is.
#[must_use]
pub fn write_gnu(path: &[u8], hex: &str) -> Vec<u8> {
    let mut line = Vec::with_capacity(hex.len() + path.len() + 4);
    if path.iter().any(|byte| matches!(byte, b'\\' | b'\n' | b'\r')) {
        line.push(b'\\');
    }
    line.extend_from_slice(hex.as_bytes());
    line.extend_from_slice(b"  ");
    for byte in path {
        match byte {
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            _ => line.push(*byte),
        }
    }
    line.push(b'\n');
    line
}

/// The items of a list: see [`parse`].
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a [u8],
    line: usize,
    root_allowed: bool,
    traits: Traits,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Item<'a>, ChecksumError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.line == 0
            && let Some(rest) = self.rest.strip_prefix(b"\xEF\xBB\xBF")
        {
            self.rest = rest;
            return Some(Err(ChecksumError { line: 1, problem: Problem::ByteOrderMark }));
        }
        loop {
            let text = self.next_line()?;
            let is_comment = text.starts_with(b"#") || text.starts_with(b";");
            if text.len() > MAX_LINE || !(is_comment || text.trim_ascii().is_empty()) {
                let item = self.item(text);
                self.root_allowed = false;
                return Some(item.map_err(|problem| ChecksumError { line: self.line, problem }));
            }
            self.traits.comments += usize::from(is_comment);
        }
    }
}

impl FusedIterator for Lines<'_> {}

impl<'a> Lines<'a> {
    /// What was met so far; of the whole list, once the iterator has ended.
    #[must_use]
    pub fn traits(&self) -> Traits {
        self.traits
    }

    /// The next line without its ending.
    fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        self.line += 1;
        let bare = text.strip_suffix(b"\r").unwrap_or(text);
        self.traits.crlf |= bare.len() < text.len();
        Some(bare)
    }

    fn item(&mut self, text: &'a [u8]) -> Result<Item<'a>, Problem> {
        if text.len() > MAX_LINE {
            return Err(Problem::TooLong(text.len()));
        }
        if let Some(value) = text.strip_prefix(b"root ") {
            return self.root(value);
        }
        let escaped = text.strip_prefix(b"\\");
        let parts = Parts::of(escaped.unwrap_or(text))?;
        let path = match escaped {
            Some(_) => Cow::Owned(unescaped(parts.name)?),
            None => Cow::Borrowed(parts.name),
        };
        check_path(&path)?;
        self.traits.lines += 1;
        self.traits.escaped |= escaped.is_some();
        self.traits.bsd |= parts.style == Style::Bsd;
        self.traits.binary |= parts.style == Style::GnuBinary;
        self.traits.single_space |= parts.single_space;
        self.traits.uppercase |= parts.hex.iter().any(u8::is_ascii_uppercase);
        Ok(Item::Line(ChecksumLine { path, digest: parts.digest, style: parts.style, line: self.line }))
    }

    /// `root <hex>` or `root sha256:<hex>`, from behind the first space.
    fn root(&mut self, value: &[u8]) -> Result<Item<'a>, Problem> {
        if !self.root_allowed {
            return Err(Problem::LateRoot);
        }
        let hex = value.strip_prefix(b"sha256:").unwrap_or(value);
        let digest = unhex(hex).ok_or_else(|| Problem::Digest { expected: 64, found: quoted(hex) })?;
        self.traits.root = true;
        self.traits.uppercase |= hex.iter().any(u8::is_ascii_uppercase);
        Ok(Item::Root { digest, line: self.line })
    }
}

/// A checksum line in its pieces, the name not yet unescaped.
struct Parts<'a> {
    hex: &'a [u8],
    digest: Digest,
    name: &'a [u8],
    style: Style,
    single_space: bool,
}

impl<'a> Parts<'a> {
    fn of(text: &'a [u8]) -> Result<Self, Problem> {
        let first = text.split(|byte| *byte == b' ').next().unwrap_or(text);
        let (tag, rest) = text.split_at(first.len());
        // A long hex word is a digest, even if the name behind it begins with a parenthesis.
        let is_digest = tag.len() >= 32 && tag.iter().all(u8::is_ascii_hexdigit);
        match rest.strip_prefix(b" (") {
            Some(rest) if !is_digest => Self::tagged(tag, rest).unwrap_or_else(|| Err(Problem::Form(quoted(text)))),
            _ => Self::untagged(text),
        }
    }

    /// `<path>) = <hex>` behind a tag. `None` if it has another form. A path may itself hold `) = `, hex may not.
    fn tagged(tag: &[u8], rest: &'a [u8]) -> Option<Result<Self, Problem>> {
        const MIDDLE: &[u8] = b") = ";
        let middle = rest.windows(MIDDLE.len()).rposition(|window| window == MIDDLE)?;
        let (name, hex) = (rest.get(..middle)?, rest.get(middle + MIDDLE.len()..)?);
        let (digest, expected) = match tag {
            b"SHA256" => (unhex(hex).map(Digest::Sha256), 64),
            b"SHA512" => (unhex(hex).map(Digest::Sha512), 128),
            b"MD5" => return Some(Err(Problem::Weak("MD5"))),
            b"SHA1" => return Some(Err(Problem::Weak("SHA-1"))),
            _ => return Some(Err(Problem::Tag(quoted(tag)))),
        };
        Some(match digest {
            Some(digest) => Ok(Self { hex, digest, name, style: Style::Bsd, single_space: false }),
            None => Err(Problem::Digest { expected, found: quoted(hex) }),
        })
    }

    /// `<hex>`, a space, then a space or `*` or neither, and the name.
    fn untagged(text: &'a [u8]) -> Result<Self, Problem> {
        let length = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (hex, rest) = text.split_at(length);
        let Some(name) = rest.strip_prefix(b" ").or(rest.is_empty().then_some(rest)) else {
            return Err(Problem::Form(quoted(text)));
        };
        let digest = match length {
            0 => return Err(Problem::Form(quoted(text))),
            32 => return Err(Problem::Weak("MD5")),
            40 => return Err(Problem::Weak("SHA-1")),
            64 => unhex(hex).map(Digest::Sha256),
            _ => unhex(hex).map(Digest::Sha512),
        };
        let digest = digest.ok_or(Problem::DigestLength(length))?;
        let (style, single_space, name) = match name.split_first() {
            Some((b' ', name)) => (Style::Gnu, false, name),
            Some((b'*', name)) => (Style::GnuBinary, false, name),
            _ => (Style::Gnu, true, name),
        };
        Ok(Self { hex, digest, name, style, single_space })
    }
}

/// The name that GNU coreutils wrote with `\\`, `\n` and `\r`.
fn unescaped(name: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut path = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        path.push(match (byte, bytes.as_slice().first()) {
            (b'\\', Some(b'\\')) => b'\\',
            (b'\\', Some(b'n')) => b'\n',
            (b'\\', Some(b'r')) => b'\r',
            (b'\\', Some(other)) => return Err(Problem::Escape(quoted(&[b'\\', *other]))),
            (b'\\', None) => return Err(Problem::Escape("\\".to_owned())),
            (plain, _) => *plain,
        });
        if *byte == b'\\' {
            bytes.next();
        }
    }
    Ok(path)
}

fn check_path(path: &[u8]) -> Result<(), Problem> {
    match path {
        b"" => Err(Problem::NoPath),
        b"-" => Err(Problem::StandardInput),
        _ if path.contains(&0) => Err(Problem::Nul),
        _ => Ok(()),
    }
}

/// Exactly `N` bytes of hex, in either case.
fn unhex<const N: usize>(hex: &[u8]) -> Option<[u8; N]> {
    let (pairs, odd) = hex.as_chunks::<2>();
    if pairs.len() != N || !odd.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()));
        *byte = high? << 4 | low?;
    }
    Some(bytes)
}

fn quoted(untrusted: &[u8]) -> String {
    match untrusted.get(..MAX_QUOTED) {
        Some(start) if untrusted.len() > MAX_QUOTED => format!("{}...", start.escape_ascii()),
        _ => untrusted.escape_ascii().to_string(),
    }
}

#[cfg(test)]
#[path = "checksums_tests.rs"]
mod tests;
