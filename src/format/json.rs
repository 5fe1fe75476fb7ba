//! Strict JSON: RFC 8259 in the flavour of I-JSON (RFC 7493).
//!
//! Two readers of one signed text must not see two values. What readers are known to disagree about is therefore
//! refused before anything is read from the text:
//!
//! | attack | answer |
//! | --- | --- |
//! | the same key twice, also as `ru\u006E` beside `run` | [`Problem::DuplicateKey`] |
//! | `Sha256` beside `sha256`: Go's reader ignores case (and takes U+017F for `s`, U+212A for `k`) | [`Problem::CaseClash`] |
//! | a byte order mark, bytes that are not UTF-8, a lone surrogate | refused |
//! | 100,000 open brackets | [`Problem::TooDeep`], before the stack is at risk |
//! | `1e400`, `NaN`, an integer beyond 64 bits, a fraction with more digits than a double holds | refused |
//! | a second value after the first | refused |
//! | millions of small values, each of which costs a reader far more memory than text | [`Problem::TooMany`], [`Size`] |
//!
//! Integers up to the full range of `u64` and `i64` are read exactly, so those beyond 2^53 are let through, where RFC 7493
//! section 2.2 only advises against them.
//!
//! [`check`] does not limit the size of the text: whoever reads the bytes does. Documents that are read into a tree of
//! values are held to a [`Size`] first, since there each byte of text can cost fifty of memory.

use super::digest::{Hasher, Sha256Bytes, sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

/// How many arrays and objects may be open at once. No documented format nests deeper than eight; 64 leaves room for
/// SBOMs and stays well below the recursion limit of `serde_json` (128).
pub const MAX_DEPTH: usize = 64;

/// Keys of all objects that are open at once. A map from path to digest of the largest bundle that is measured has
/// 1,000,000; each key is held while its object is open, for about 100 bytes of memory.
pub const MAX_KEYS: usize = 1 << 20;

/// Values of one text: scalars, arrays and objects. A manifest of 1,000,000 files with eight values each has 8,000,000;
/// what is read from so many must cost less than a hundred bytes each.
pub const MAX_NODES: usize = 1 << 23;

/// How large a text may be that is read into something which costs far more memory than the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Bytes of the text.
    pub bytes: usize,
    /// Values in it: scalars, arrays and objects.
    pub nodes: usize,
}

/// For texts that become a tree of values: 262,144 values take up to 90 MB there, as an object of one member takes 650
/// bytes. Documented ones have some hundreds.
pub const SMALL: Size = Size { bytes: 16 << 20, nodes: 1 << 18 };

/// For texts that become rows of less than a hundred bytes: 1,048,576 values are 200,000 rows of five.
pub const ROWS: Size = Size { bytes: 64 << 20, nodes: 1 << 20 };

/// Up to this many keys of one object are compared one by one; beyond it a hash map takes over, so that an object
/// with a million keys costs linear time.
const NARROW: usize = 16;

/// Longest piece of untrusted text that is repeated in an error, in characters.
const MAX_QUOTED: usize = 120;

/// Where in a text something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In bytes, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

/// Why a text is not strict JSON, or not the document that was expected.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("{problem} at {at}")]
pub struct JsonError {
    /// What.
    pub problem: Problem,
    /// Where. For keys and for syntax, where the reader stopped: behind what it refused.
    pub at: Position,
}

/// What is wrong with a text. Quoted pieces of it are shortened.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// RFC 8259 section 8.1 forbids writing one.
    #[error("byte order mark")]
    ByteOrderMark,
    /// RFC 8259 section 8.1.
    #[error("not UTF-8")]
    NotUtf8,
    /// RFC 8259 section 4 calls the outcome unpredictable, RFC 7493 section 2.3 forbids it.
    #[error("duplicate key {0:?}")]
    DuplicateKey(String),
    /// Two keys, the later one first, that are one key to readers that ignore case.
    #[error("key {0:?} differs from {1:?} only by case")]
    CaseClash(String, String),
    /// See [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// See [`MAX_KEYS`].
    #[error("more than {MAX_KEYS} keys of objects that are open at once")]
    TooWide,
    /// See [`MAX_NODES`] and [`Size`]; the number is the limit.
    #[error("more than {0} values, which is the limit for this document")]
    TooMany(usize),
    /// See [`Size`]: the limit, and what was found.
    #[error("{found} bytes, and the limit for this document is {limit}")]
    TooLong {
        /// How many bytes it may have.
        limit: usize,
        /// How many it has.
        found: usize,
    },
    /// RFC 7493 section 2.2.
    #[error("number {0} does not fit 64 bits without loss (I-JSON)")]
    Number(String),
    /// Not RFC 8259, in the words of the reader.
    #[error("{0}")]
    Syntax(String),
    /// Strict JSON, but not what the document has to look like. Only from [`parse`].
    #[error("{0}")]
    Shape(String),
}

/// Makes sure that `untrusted` is one strict JSON text, without building its value.
///
/// # Errors
/// The first thing that [`Problem`] names, apart from `Shape`.
pub fn check(untrusted: &[u8]) -> Result<(), JsonError> {
    checked_text(untrusted).map(|_| ())
}

/// As [`check`], for a text that must not be larger than `size`.
///
/// # Errors
/// As [`check`]; [`Problem::TooLong`] and [`Problem::TooMany`] by that size.
pub fn check_within(untrusted: &[u8], size: Size) -> Result<(), JsonError> {
    if untrusted.len() > size.bytes {
        let problem = Problem::TooLong { limit: size.bytes, found: untrusted.len() };
        return Err(JsonError { problem, at: Position { line: 1, column: 1 } });
    }
    read_with(untrusted, Walk { max_nodes: size.nodes.min(MAX_NODES), ..Walk::default() }).map(|_| ())
}

/// As [`check`], but keys that differ only by case are two keys: for documents whose keys are names of files.
///
/// # Errors
/// As [`check`], apart from `CaseClash`.
pub fn check_exact(untrusted: &[u8]) -> Result<(), JsonError> {
    read_with(untrusted, Walk { exact: true, ..Walk::default() }).map(|_| ())
}

/// As [`check_exact`], for a text that must not be larger than `size`; the text.
///
/// # Errors
/// As [`check_within`], apart from `CaseClash`.
pub fn check_exact_within(untrusted: &[u8], size: Size) -> Result<&str, JsonError> {
    if untrusted.len() > size.bytes {
        let problem = Problem::TooLong { limit: size.bytes, found: untrusted.len() };
        return Err(JsonError { problem, at: Position { line: 1, column: 1 } });
    }
    read_with(untrusted, Walk { exact: true, max_nodes: size.nodes.min(MAX_NODES), ..Walk::default() })
}

/// The value of type `T` that `untrusted` holds, once [`check`] has accepted it. `T` may borrow from the bytes.
///
/// # Errors
/// As [`check`]; and [`Problem::Shape`] if the text does not fit `T`.
pub fn parse<'a, T: Deserialize<'a>>(untrusted: &'a [u8]) -> Result<T, JsonError> {
    serde_json::from_str(checked_text(untrusted)?).map_err(|error| from_serde(&error))
}

/// Whether two strict JSON texts, both untrusted, hold the same value: the order of keys, white space and the way
/// strings are escaped do not count. `1` and `1.0` are different, as one of them is no integer to some readers;
/// fractions are compared as the doubles that `serde_json` makes of them.
///
/// # Errors
/// As [`check`], for whichever text is refused first.
pub fn same_value(a: &[u8], b: &[u8]) -> Result<bool, JsonError> {
    if a == b {
        return check(a).map(|()| true);
    }
    let (ValueDigest(a), ValueDigest(b)) = (parse(a)?, parse(b)?);
    Ok(a == b)
}

fn checked_text(untrusted: &[u8]) -> Result<&str, JsonError> {
    read_with(untrusted, Walk::default())
}

fn read_with<'a>(untrusted: &'a [u8], mut walk: Walk<'a>) -> Result<&'a str, JsonError> {
    const MARKS: [&[u8]; 3] = [b"\xEF\xBB\xBF", b"\xFE\xFF", b"\xFF\xFE"];
    if MARKS.iter().any(|mark| untrusted.starts_with(mark)) {
        return Err(JsonError { problem: Problem::ByteOrderMark, at: Position { line: 1, column: 1 } });
    }
    let text = std::str::from_utf8(untrusted)
        .map_err(|error| JsonError { problem: Problem::NotUtf8, at: position(untrusted, error.valid_up_to()) })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    walk.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| walk.refusal(&error))?;
    // The reader hands out integers as they are; only what it had to turn into a float can have lost something.
    if walk.floats {
        check_numbers(text)?;
    }
    Ok(text)
}

/// One pass over a text. It keeps the keys of the objects that are open, and nothing else.
struct Walk<'de> {
    /// The keys of all open objects that have few of them, outermost first.
    keys: Vec<Cow<'de, str>>,
    /// How many keys the objects that are open have had, few or many.
    open_keys: usize,
    depth: usize,
    nodes: usize,
    max_nodes: usize,
    floats: bool,
    /// Whether keys that differ only by case are two keys.
    exact: bool,
    /// Why the walk stopped, if it was not the reader that stopped it.
    fault: Option<Problem>,
}

impl Default for Walk<'_> {
    fn default() -> Self {
        Walk {
            keys: Vec::new(),
            open_keys: 0,
            depth: 0,
            nodes: 0,
            max_nodes: MAX_NODES,
            floats: false,
            exact: false,
            fault: None,
        }
    }
}

/// The keys of an object that has many, by their folded form.
type WideKeys<'de> = HashMap<Cow<'de, str>, Cow<'de, str>>;

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Walk<'de> {
    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.stop(Problem::TooDeep));
        }
        Ok(())
    }

    /// Adds `key` to those of the object whose keys begin at `start`.
    fn add_key<E: serde::de::Error>(
        &mut self,
        start: usize,
        wide: &mut Option<WideKeys<'de>>,
        key: Cow<'de, str>,
    ) -> Result<(), E> {
        if wide.is_none() && self.keys.len() - start >= NARROW {
            let exact = self.exact;
            *wide = Some(self.keys.drain(start..).map(|key| (entry(exact, &key), key)).collect());
        }
        self.open_keys += 1;
        if self.open_keys > MAX_KEYS {
            return Err(self.stop(Problem::TooWide));
        }
        let first = match wide {
            Some(wide) => wide.insert(entry(self.exact, &key), key.clone()),
            None => {
                let meets = |first: &&Cow<'_, str>| **first == key || (!self.exact && clashes(first, &key));
                self.keys.iter().skip(start).find(meets).cloned()
            }
        };
        if let Some(first) = first {
            let problem = if first == key {
                Problem::DuplicateKey(quoted(&key))
            } else {
                Problem::CaseClash(quoted(&key), quoted(&first))
            };
            return Err(self.stop(problem));
        }
        if wide.is_none() {
            self.keys.push(key);
        }
        Ok(())
    }

    /// Remembers the fault and makes the reader stop; the text of the error is never shown.
    fn stop<E: serde::de::Error>(&mut self, fault: Problem) -> E {
        self.fault = Some(fault);
        E::custom("refused")
    }

    fn refusal(&mut self, error: &serde_json::Error) -> JsonError {
        match self.fault.take() {
            Some(problem) => JsonError { problem, at: position_of(error) },
            None => from_serde(error),
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut Walk<'de> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        self.nodes += 1;
        if self.nodes > self.max_nodes {
            return Err(self.stop(Problem::TooMany(self.max_nodes)));
        }
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Walk<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.floats = true;
        Ok(())
    }

    // Strings are read, not skipped: a reader that skips them does not see lone surrogates.
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.enter()?;
        while items.next_element_seed(&mut *self)?.is_some() {}
        self.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.enter()?;
        let (start, outer) = (self.keys.len(), self.open_keys);
        let mut wide = None;
        while let Some(Key(key)) = members.next_key()? {
            self.add_key(start, &mut wide, key)?;
            members.next_value_seed(&mut *self)?;
        }
        self.keys.truncate(start);
        self.open_keys = outer;
        self.depth -= 1;
        Ok(())
    }
}

/// A SHA-256 that two texts share if they hold one value: of a scalar with its type, of the digests of the items of an
/// array, of the sorted digests of the members of an object. So two large texts are compared without a tree of either.
struct ValueDigest(Sha256Bytes);

impl<'de> Deserialize<'de> for ValueDigest {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(DigestVisitor)
    }
}

struct DigestVisitor;

/// The digest of a value: its type in one byte, and its content.
fn value_digest(tag: u8, content: &[u8]) -> ValueDigest {
    ValueDigest(sha256(&[&[tag], content].concat()))
}

impl<'de> Visitor<'de> for DigestVisitor {
    type Value = ValueDigest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<ValueDigest, E> {
        Ok(value_digest(b'0', &[]))
    }

    fn visit_bool<E>(self, value: bool) -> Result<ValueDigest, E> {
        Ok(value_digest(b'b', &[u8::from(value)]))
    }

    fn visit_i64<E>(self, value: i64) -> Result<ValueDigest, E> {
        Ok(value_digest(b'i', &value.to_be_bytes()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<ValueDigest, E> {
        Ok(value_digest(b'u', &value.to_be_bytes()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<ValueDigest, E> {
        // Adding zero makes one of the two zeros, which are equal.
        Ok(value_digest(b'f', &(value + 0.0).to_be_bytes()))
    }

    fn visit_str<E>(self, text: &str) -> Result<ValueDigest, E> {
        Ok(value_digest(b's', text.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ValueDigest, A::Error> {
        let mut hasher = Hasher::new(false);
        hasher.update(b"a");
        while let Some(ValueDigest(item)) = items.next_element()? {
            hasher.update(&item);
        }
        Ok(ValueDigest(hasher.finish().sha256))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<ValueDigest, A::Error> {
        let mut all = Vec::new();
        while let Some(Key(key)) = members.next_key()? {
            let ValueDigest(value) = members.next_value()?;
            all.push((sha256(key.as_bytes()), value));
        }
        all.sort_unstable();
        let mut hasher = Hasher::new(false);
        hasher.update(b"o");
        for (key, value) in &all {
            hasher.update(key);
            hasher.update(value);
        }
        Ok(ValueDigest(hasher.finish().sha256))
    }
}

/// Whether some reader takes the two keys for the same.
pub(super) fn clashes(a: &str, b: &str) -> bool {
    let may_fold = || !(a.is_ascii() && b.is_ascii());
    a.eq_ignore_ascii_case(b) || (may_fold() && a.chars().map(fold).eq(b.chars().map(fold)))
}

/// The form under which a key meets others of its object.
fn entry<'de>(exact: bool, key: &Cow<'de, str>) -> Cow<'de, str> {
    if exact { key.clone() } else { folded(key) }
}

fn folded<'de>(key: &Cow<'de, str>) -> Cow<'de, str> {
    if key.chars().all(|letter| fold(letter) == letter) {
        key.clone()
    } else {
        key.chars().map(fold).collect::<String>().into()
    }
}

/// Lower case for ASCII letters, and for the two other letters that Unicode folds into ASCII ones.
fn fold(letter: char) -> char {
    match letter {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        _ => letter.to_ascii_lowercase(),
    }
}

/// Makes sure that every number of a well-formed text is what its digits say (RFC 7493 section 2.2).
fn check_numbers(text: &str) -> Result<(), JsonError> {
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        rest = rest.get(start..).unwrap_or_default();
        if let Some(string) = rest.strip_prefix('"') {
            rest = after_string(string);
            continue;
        }
        let end = rest.find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c)));
        let (number, tail) = rest.split_at(end.unwrap_or(rest.len()));
        if !is_lossless(number) {
            let at = position(text.as_bytes(), text.len() - rest.len());
            return Err(JsonError { problem: Problem::Number(quoted(number)), at });
        }
        rest = tail;
    }
    Ok(())
}

/// What follows a string whose opening quote has been read.
fn after_string(mut rest: &str) -> &str {
    while let Some(special) = rest.find(['"', '\\']) {
        let is_escape = rest.as_bytes().get(special) == Some(&b'\\');
        // After a backslash comes an ASCII character, which is skipped too.
        rest = rest.get(special + 1 + usize::from(is_escape)..).unwrap_or_default();
        if !is_escape {
            return rest;
        }
    }
    ""
}

/// Whether 64 bits hold this number: an integer as one of `u64` or `i64`, anything else as a double that has the same
/// digits when it is written with as many of them.
fn is_lossless(number: &str) -> bool {
    if !number.contains(['.', 'e', 'E']) {
        return number.parse::<u64>().is_ok() || number.parse::<i64>().is_ok();
    }
    let Some((digits, exponent)) = significant(number) else {
        return false;
    };
    // Fifteen digits survive in any double that is neither close to overflow nor to underflow: no need to try.
    if digits < 1_000_000_000_000_000 && (-290..=290).contains(&exponent) {
        return true;
    }
    // Rust's own shortest form rounds ties up, most other writers to even: both are right.
    let precision = digits.checked_ilog10().unwrap_or(0) as usize;
    let gives_back = |written: &str| significant(written) == Some((digits, exponent));
    number
        .parse::<f64>()
        .is_ok_and(|double| gives_back(&format!("{double:.precision$e}")) || gives_back(&format!("{double:e}")))
}

/// The digits of a number without leading and trailing zeros, and the power of ten they are multiplied with. `None`
/// if there are more than 17, which tell any two doubles apart, or if the exponent is absurd.
fn significant(number: &str) -> Option<(u64, i64)> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let fraction = mantissa.split_once('.').map_or("", |(_, fraction)| fraction);
    let (mut digits, mut count, mut zeros) = (0u64, 0u32, 0u32);
    for digit in mantissa.chars().filter_map(|c| c.to_digit(10)) {
        if digit == 0 {
            zeros = zeros.saturating_add(u32::from(digits != 0));
            continue;
        }
        count = count.saturating_add(zeros).saturating_add(1);
        if count > 17 {
            return None;
        }
        digits = digits * 10u64.pow(zeros + 1) + u64::from(digit);
        zeros = 0;
    }
    if digits == 0 {
        return Some((0, 0));
    }
    let shift = i64::from(zeros) - i64::try_from(fraction.len()).ok()?;
    Some((digits, exponent.parse::<i64>().ok()?.checked_add(shift)?))
}

fn from_serde(error: &serde_json::Error) -> JsonError {
    let at = position_of(error);
    let text = error.to_string();
    let message = quoted(text.strip_suffix(&format!(" at {at}")).unwrap_or(&text));
    let problem = if error.is_data() { Problem::Shape(message) } else { Problem::Syntax(message) };
    JsonError { problem, at }
}

fn position_of(error: &serde_json::Error) -> Position {
    Position { line: error.line(), column: error.column() }
}

/// The place of a byte of `text`.
pub(super) fn position(text: &[u8], offset: usize) -> Position {
    let lines = text.get(..offset).unwrap_or(text).split(|byte| *byte == b'\n');
    let (line, last) = lines.enumerate().last().unwrap_or_default();
    Position { line: line + 1, column: last.len() + 1 }
}

/// Untrusted text for an error, shortened.
pub(super) fn quoted(untrusted: &str) -> String {
    match untrusted.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}...", untrusted.get(..end).unwrap_or_default()),
        None => untrusted.to_owned(),
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
