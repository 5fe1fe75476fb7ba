//! The plain subset of YAML 1.2 as a JSON value: scalars, lists and maps of one document.
//!
//! Two readers of one signed text must not see two values, and YAML offers more ways to that than JSON does. What only
//! some readers understand, or each in its own way, is refused:
//!
//! | attack | answer |
//! | --- | --- |
//! | the same key twice, also in other quotes | [`Problem::DuplicateKey`] |
//! | keys that come out of `<<`, of anchors and aliases; a billion laughs made of them | refused, nothing is ever expanded |
//! | tags, which make readers build objects | refused |
//! | `%YAML`, `%TAG`, which change how the rest is read | refused |
//! | a second document, that only some readers look at | refused |
//! | NUL, at which readers stop; carriage returns, NEL, U+2028 as line ends of one version alone; byte order marks | refused |
//! | `no`, `0777`, `1e3`, `12:30`, `2025-10-29`, that are one thing to YAML 1.1 and another to 1.2 | strings, as written |
//! | 100,000 open brackets, a gigabyte of commas | [`MAX_DEPTH`], [`MAX_BYTES`], [`MAX_NODES`] |
//!
//! A plain scalar is null, a boolean or an integer as the core schema has it (YAML 1.2.2 section 10.3.2), integers only
//! in the one form that loses no text (section 10.2.1.3) and where 64 bits hold them; everything else is a string.
//! Whoever expects a number and finds a string, or the other way round, refuses the document in his own words.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use serde_json::{Map, Value};

use super::json::{self, Position};

/// How many lists and maps may be open at once: as for JSON.
pub const MAX_DEPTH: usize = json::MAX_DEPTH;

/// Bytes of one text. A manifest that pins 100,000 files has about 15 MB.
pub const MAX_BYTES: usize = 32 << 20;

/// Scalars, lists and maps of one text together: 300,000 files of three fields each. A node costs two bytes of text but
/// up to 100 of memory.
pub const MAX_NODES: usize = 1 << 21;

/// Why a text is not the plain subset of YAML.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("{problem} at {at}")]
pub struct YamlError {
    /// What.
    pub problem: Problem,
    /// Where it begins.
    pub at: Position,
}

/// What is wrong with a text. Quoted pieces of it are shortened.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// See [`MAX_BYTES`].
    #[error("expected at most {MAX_BYTES} bytes of YAML, found {0}")]
    TooLong(usize),
    /// YAML 1.2.2 section 5.2 allows other encodings; nothing documented uses them.
    #[error("not UTF-8")]
    NotUtf8,
    /// A character that is not printable (section 5.1), or that only some readers take for a line end.
    #[error("character U+{0:04X}, which YAML readers treat differently; write it as an escape in double quotes")]
    Character(u32),
    /// Section 6.8.
    #[error("a directive (% at the start of a line), which is not read here")]
    Directive,
    /// Only white space and comments.
    #[error("no YAML document")]
    Empty,
    /// Section 9.2.
    #[error("a second YAML document; expected one")]
    SecondDocument,
    /// Section 6.9.2.
    #[error("an anchor or alias (& or *), which is not read here; write the value out")]
    Anchor,
    /// Section 6.9.1.
    #[error("a tag (!), which is not read here")]
    Tag,
    /// Of YAML 1.1, <https://yaml.org/type/merge.html>.
    #[error("the merge key <<, which is not read here; write the members out")]
    MergeKey,
    /// Section 3.2.1.3: keys are unique.
    #[error("duplicate key {0:?}")]
    DuplicateKey(String),
    /// A list, a map, a number, a boolean or null as key.
    #[error("a key that is no string; write it in quotes")]
    KeyNotString,
    /// See [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// See [`MAX_NODES`].
    #[error("more than {MAX_NODES} values")]
    TooMany,
    /// Not YAML, in the words of the reader.
    #[error("not YAML: {0}")]
    Syntax(String),
}

/// The value of the one document in `untrusted`.
///
/// # Errors
/// The first thing that [`Problem`] names, with its place.
pub fn parse(untrusted: &[u8]) -> Result<Value, YamlError> {
    let text = checked_text(untrusted)?;
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let problem = Problem::Syntax(json::quoted(error.info()));
            YamlError { problem, at: position(text, *error.marker()) }
        })?;
        builder.take(event).map_err(|problem| YamlError { problem, at: position(text, span.start) })?;
    }
    builder.root.ok_or(YamlError { problem: Problem::Empty, at: Position { line: 1, column: 1 } })
}

/// The text, once it has nothing in it about which readers disagree before they even come to its structure.
fn checked_text(untrusted: &[u8]) -> Result<&str, YamlError> {
    let refuse = |problem, offset| Err(YamlError { problem, at: json::position(untrusted, offset) });
    if untrusted.len() > MAX_BYTES {
        return refuse(Problem::TooLong(untrusted.len()), 0);
    }
    let text = match std::str::from_utf8(untrusted) {
        Ok(text) => text,
        Err(error) => return refuse(Problem::NotUtf8, error.valid_up_to()),
    };
    let mut characters = text.char_indices().peekable();
    let mut line_start = true;
    while let Some((offset, character)) = characters.next() {
        let crlf = character == '\r' && characters.peek().is_some_and(|(_, next)| *next == '\n');
        if !crlf && !is_plain_text(character) {
            return refuse(Problem::Character(character.into()), offset);
        }
        if line_start && character == '%' {
            return refuse(Problem::Directive, offset);
        }
        line_start = character == '\n';
    }
    Ok(text)
}

/// What is printable to YAML 1.2.2 (section 5.1, `c-printable`) and no line end but `\n`.
fn is_plain_text(character: char) -> bool {
    match character {
        '\t' | '\n' | ' '..='~' => true,
        '\0'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => true,
    }
}

/// The reader counts columns in characters from 0.
fn position(text: &str, mark: Marker) -> Position {
    let line = text.split('\n').nth(mark.line().saturating_sub(1)).unwrap_or_default();
    let column = line.chars().take(mark.col()).map(char::len_utf8).sum::<usize>();
    Position { line: mark.line(), column: column + 1 }
}

/// Puts events together; the stack is here and not in the machine.
#[derive(Default)]
struct Builder {
    root: Option<Value>,
    open: Vec<Open>,
    nodes: usize,
}

enum Open {
    List(Vec<Value>),
    /// With the key whose value comes next.
    Map(Map<String, Value>, Option<String>),
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err(Problem::SecondDocument),
            Event::Alias(_) => Err(Problem::Anchor),
            Event::Scalar(text, style, anchor, tag) => {
                self.begin_node(anchor, tag.is_some())?;
                if let Some(Open::Map(map, key @ None)) = self.open.last_mut() {
                    *key = Some(new_key(map, &text, style)?);
                    return Ok(());
                }
                self.put(scalar(&text, style));
                Ok(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin_node(anchor, tag.is_some())?;
                self.push(Open::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.begin_node(anchor, tag.is_some())?;
                self.push(Open::Map(Map::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                match self.open.pop() {
                    Some(Open::List(list)) => self.put(Value::Array(list)),
                    Some(Open::Map(map, _)) => self.put(Value::Object(map)),
                    None => {}
                }
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    /// What every node has to satisfy, before anything is done for it.
    fn begin_node(&mut self, anchor: usize, tagged: bool) -> Result<(), Problem> {
        self.nodes += 1;
        if anchor != 0 {
            return Err(Problem::Anchor);
        }
        if tagged {
            return Err(Problem::Tag);
        }
        if self.nodes > MAX_NODES {
            return Err(Problem::TooMany);
        }
        Ok(())
    }

    fn push(&mut self, open: Open) -> Result<(), Problem> {
        if matches!(self.open.last(), Some(Open::Map(_, None))) {
            return Err(Problem::KeyNotString);
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Problem::TooDeep);
        }
        self.open.push(open);
        Ok(())
    }

    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::List(list)) => list.push(value),
            Some(Open::Map(map, key)) => {
                if let Some(key) = key.take() {
                    map.insert(key, value);
                }
            }
        }
    }
}

fn new_key(map: &Map<String, Value>, text: &str, style: ScalarStyle) -> Result<String, Problem> {
    match scalar(text, style) {
        Value::String(key) if key == "<<" => Err(Problem::MergeKey),
        Value::String(key) if map.contains_key(&key) => Err(Problem::DuplicateKey(json::quoted(&key))),
        Value::String(key) => Ok(key),
        _ => Err(Problem::KeyNotString),
    }
}

/// YAML 1.2.2 section 10.3.2, without its floats and with the integers of section 10.2.1.3.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    let string = || Value::String(text.to_owned());
    if style != ScalarStyle::Plain {
        return string();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_integer(text) => match (text.parse::<u64>(), text.parse::<i64>()) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) => number.into(),
            _ => string(),
        },
        _ => string(),
    }
}

/// `0`, or digits that begin with another one, and perhaps a minus before those.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    text == "0"
        || (digits.starts_with(|c: char| ('1'..='9').contains(&c)) && digits.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
