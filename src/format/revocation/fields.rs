//! Members of a JSON object, each by its name, its type and its pattern.

use super::super::json::quoted;
use super::super::time::{Time, parse_rfc3339};
use super::{Faults, MAX_LIST, MAX_SEQUENCE, MAX_TEXT};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The members of an object, in the order of the text.
pub(in crate::format) type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// The members of the object that strict JSON holds; `None` for another type of value.
pub(in crate::format) fn members(text: &str) -> Option<Members<'_>> {
    serde_json::from_str::<Object<'_>>(text).ok().map(|object| object.0)
}

struct Object<'a>(Members<'a>);

#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut found = Vec::new();
                while let Some((Text(name), value)) = map.next_entry()? {
                    found.push((name, value));
                }
                Ok(Object(found))
            }
        }
        reader.deserialize_map(Reader)
    }
}

/// The type of a value, with its article.
pub(in crate::format) fn type_of(raw: &RawValue) -> &'static str {
    match raw.get().bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Reads the members of one object and notes what is wrong with them.
pub(super) struct Reader<'a, 'f> {
    place: &'f str,
    members: &'f Members<'a>,
    used: Vec<&'static str>,
    faults: &'f mut Faults,
}

impl<'a, 'f> Reader<'a, 'f> {
    /// `place` names the object in messages; empty for the outermost.
    pub(super) fn new(place: &'f str, members: &'f Members<'a>, faults: &'f mut Faults) -> Self {
        Reader { place, members, used: Vec::new(), faults }
    }

    fn fault(&mut self, name: &str, what: &str) {
        let place = self.place;
        self.faults.add(|| {
            let dot = if place.is_empty() || name.is_empty() { "" } else { "." };
            format!("{place}{dot}{}: {what}", quoted(name))
        });
    }

    /// The member, if it is there.
    pub(super) fn optional(&mut self, name: &'static str) -> Option<&'a RawValue> {
        self.used.push(name);
        self.members.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw)
    }

    /// The member, which has to be there.
    pub(super) fn required(&mut self, name: &'static str) -> Option<&'a RawValue> {
        let found = self.optional(name);
        if found.is_none() {
            self.fault(name, "required, and not there");
        }
        found
    }

    /// A text of at least one character, without any pattern.
    pub(super) fn plain(&mut self, name: &'static str) -> Option<String> {
        self.text(name, |_| true, "a text")
    }

    /// A text of a pattern, if it is there.
    pub(super) fn text(&mut self, name: &'static str, fits: fn(&str) -> bool, expected: &str) -> Option<String> {
        let raw = self.optional(name)?;
        self.string(name, raw, fits, expected)
    }

    /// A text of a pattern.
    pub(super) fn required_text(
        &mut self,
        name: &'static str,
        fits: fn(&str) -> bool,
        expected: &str,
    ) -> Option<String> {
        let raw = self.required(name)?;
        self.string(name, raw, fits, expected)
    }

    fn string(&mut self, name: &str, raw: &RawValue, fits: fn(&str) -> bool, expected: &str) -> Option<String> {
        let Ok(Text(text)) = serde_json::from_str(raw.get()) else {
            self.fault(name, &format!("expected {expected}, found {}", type_of(raw)));
            return None;
        };
        if text.is_empty() {
            self.fault(name, &format!("expected {expected}, found an empty text"));
        } else if text.len() > MAX_TEXT {
            self.fault(name, &format!("expected at most {MAX_TEXT} bytes, found {}", text.len()));
        } else if !fits(&text) {
            self.fault(name, &format!("expected {expected}, found {}", quoted(&text)));
        } else {
            return Some(text.into_owned());
        }
        None
    }

    /// An RFC 3339 time in UTC, written with `Z`.
    pub(super) fn time(&mut self, name: &str, raw: &RawValue) -> Option<Time> {
        const EXPECTED: &str = "a UTC time such as 2026-11-20T00:00:00Z";
        let text = self.string(name, raw, is_utc_time, EXPECTED)?;
        let time = parse_rfc3339(&text).ok();
        if time.is_none() {
            self.fault(name, &format!("expected {EXPECTED}, found {}", quoted(&text)));
        }
        time
    }

    /// An integer from 0 to [`MAX_SEQUENCE`], written as one.
    pub(super) fn sequence(&mut self, raw: &RawValue) -> Option<u64> {
        let number = raw.get().parse::<u64>().ok().filter(|number| *number <= MAX_SEQUENCE);
        if number.is_none() {
            let found = if type_of(raw) == "a number" { quoted(raw.get()) } else { type_of(raw).to_owned() };
            self.fault("sequence", &format!("expected an integer from 0 to {MAX_SEQUENCE}, found {found}"));
        }
        number
    }

    /// The items of an array of at most `most`; none of a longer one.
    pub(super) fn items(&mut self, name: &str, raw: &'a RawValue, most: usize) -> Vec<&'a RawValue> {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
            self.fault(name, &format!("expected an array, found {}", type_of(raw)));
            return Vec::new();
        };
        if items.len() > most {
            self.fault(name, &format!("expected at most {most} items, found {}", items.len()));
            return Vec::new();
        }
        items
    }

    /// An array of texts.
    pub(super) fn texts(&mut self, name: &'static str, raw: &'a RawValue) -> Vec<String> {
        let items = self.items(name, raw, MAX_LIST);
        items.into_iter().filter_map(|item| self.string(name, item, |_| true, "texts")).collect()
    }

    /// `metadata`: an object of scalars, each as its JSON text.
    pub(super) fn scalars(&mut self, raw: &'a RawValue) -> Vec<(String, String)> {
        let Some(found) = members(raw.get()) else {
            self.fault("metadata", &format!("expected an object, found {}", type_of(raw)));
            return Vec::new();
        };
        if found.len() > MAX_LIST {
            self.fault("metadata", &format!("expected at most {MAX_LIST} members, found {}", found.len()));
            return Vec::new();
        }
        for (name, value) in &found {
            if matches!(type_of(value), "an object" | "an array") {
                let name = format!("metadata.{}", quoted(name));
                self.fault(&name, &format!("expected a text, a number, true, false or null, found {}", type_of(value)));
            } else if name.len() > MAX_TEXT || value.get().len() > MAX_TEXT {
                self.fault("metadata", &format!("expected names and values of at most {MAX_TEXT} bytes"));
            }
        }
        found.into_iter().map(|(name, value)| (quoted(&name), quoted(value.get()))).collect()
    }

    /// Notes every member that nobody asked for.
    pub(super) fn no_others(&mut self) {
        let others = self.members.iter().filter(|(name, _)| !self.used.iter().any(|used| used == name));
        for name in others.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.fault(&name, "not a member of the schema");
        }
    }
}

/// `2026-11-20T00:00:00Z`, with or without a fraction: other spellings of a time are not for every reader.
fn is_utc_time(text: &str) -> bool {
    let shape = b"0000-00-00T00:00:00";
    let Some((head, tail)) = text.as_bytes().split_at_checked(shape.len()) else { return false };
    let fits = |(c, wanted): (&u8, &u8)| if *wanted == b'0' { c.is_ascii_digit() } else { c == wanted };
    let fraction = match tail {
        b"Z" => return head.iter().zip(shape).all(fits),
        [b'.', digits @ .., b'Z'] => digits,
        _ => return false,
    };
    let is_fraction = (1..=9).contains(&fraction.len()) && fraction.iter().all(u8::is_ascii_digit);
    is_fraction && head.iter().zip(shape).all(fits)
}

/// `^1\.0\.[0-9]+$`
pub(super) fn is_schema_version(text: &str) -> bool {
    text.strip_prefix("1.0.").is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|c| c.is_ascii_digit()))
}

/// `^[a-f0-9]{16,64}$`
pub(super) fn is_bundle_id(text: &str) -> bool {
    (16..=64).contains(&text.len()) && text.bytes().all(|c| matches!(c, b'a'..=b'f' | b'0'..=b'9'))
}

pub(super) fn is_category(text: &str) -> bool {
    super::Category::ALL.iter().any(|known| known.name() == text)
}

/// RFC 3986: a scheme, a colon, and at least one of the characters that a URI may have; `%` only before two hex digits.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c));
    let is_allowed = |c: u8| c.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&c);
    let mut escapes = rest.split('%').skip(1).map(|part| part.bytes().take(2).filter(u8::is_ascii_hexdigit).count());
    is_scheme && !rest.is_empty() && rest.bytes().all(is_allowed) && escapes.all(|digits| digits == 2)
}
