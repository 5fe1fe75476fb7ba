//! Members that are shown and not used: whatever they are, only a short text of them is kept.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A member of any type: text and numbers as they are, of anything larger what it is. Untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told(pub(super) String);

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(AnyVisitor)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Told;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Told, E> {
        Ok(Told(text.into()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Told, E> {
        Ok(Told(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Told, E> {
        Ok(Told(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Told, E> {
        Ok(Told(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Told, E> {
        Ok(Told(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Told, E> {
        Ok(Told("null".into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Told, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            members.next_value::<IgnoredAny>()?;
            if names.len() < MAX_NAMES {
                names.push(name);
            }
        }
        Ok(Told(format!("an object with {}", names.join(", "))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Told, A::Error> {
        let mut count = 0_usize;
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Told(format!("a list of {count}")))
    }
}

/// Most members of an object that are named.
const MAX_NAMES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_becomes_a_short_text() {
        let cases = [
            (r#""x""#, "x"),
            ("-1", "-1"),
            ("true", "true"),
            (r#"{"name":"a","log":{"deep":[1]}}"#, "an object with name, log"),
            ("[1,[2,3]]", "a list of 2"),
        ];
        for (text, told) in cases {
            assert_eq!(serde_json::from_str::<Told>(text).unwrap(), Told(told.into()));
        }
    }
}
