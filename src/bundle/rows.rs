//! Rows of lists that name files: of the indexes of a mirror and of the diff of a delta. No document gives their fields,
//! so whatever else a row holds is passed over, and none of it is kept.

use crate::format::digest::{self, Sha256Bytes};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// One row, untrusted: an object with a path, or the path alone. A member of another type counts as absent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// `path`, or the text that the row is.
    pub(super) path: Option<Cow<'a, str>>,
    /// `digest`, else `sha256`.
    pub(super) digest: Option<Cow<'a, str>>,
    /// `bytes`.
    pub(super) bytes: Option<u64>,
    /// `records`, else `count`.
    pub(super) records: Option<u64>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(RowVisitor)
    }
}

/// Most rows of one list of changes: each costs 80 bytes and its place in two sets. A delta that changes half a million
/// files is better sent in full.
pub const MAX_CHANGES: usize = 1 << 19;

/// A row of a list of changes, without the text of what it does not need. Untrusted.
#[derive(Debug)]
pub(super) struct Change<'a> {
    /// The path, if it names one.
    pub(super) path: Option<Cow<'a, str>>,
    /// The digest, if it states one that is a SHA-256.
    pub(super) sha256: Option<Sha256Bytes>,
    /// The size in bytes.
    pub(super) bytes: Option<u64>,
}

/// A list of changes, of at most [`MAX_CHANGES`] rows.
#[derive(Debug, Default)]
pub(super) struct Changes<'a>(pub(super) Vec<Change<'a>>);

impl Changes<'_> {
    /// The paths that rows name.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|row| row.path.as_deref())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Changes<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_seq(ChangesVisitor)
    }
}

struct ChangesVisitor;

impl<'de> Visitor<'de> for ChangesVisitor {
    type Value = Changes<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of changes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Changes<'de>, A::Error> {
        let mut rows = Vec::new();
        while let Some(Row { path, digest, bytes, .. }) = items.next_element()? {
            if rows.len() == MAX_CHANGES {
                return Err(Error::custom(format!(
                    "more than {MAX_CHANGES} rows in one list of changes, which is the limit"
                )));
            }
            rows.push(Change { path, sha256: digest.and_then(|stated| digest::parse_sha256(&stated).ok()), bytes });
        }
        Ok(Changes(rows))
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Row<'de>, A::Error> {
        let mut row = Row::default();
        let (mut sha256, mut count) = (None, None);
        while let Some(Scalar::Text(key)) = members.next_key()? {
            let value: Scalar<'de> = members.next_value()?;
            match (key.as_ref(), value) {
                ("path", Scalar::Text(text)) => row.path = Some(text),
                ("digest", Scalar::Text(text)) => row.digest = Some(text),
                ("sha256", Scalar::Text(text)) => sha256 = Some(text),
                ("bytes", Scalar::Number(number)) => row.bytes = Some(number),
                ("records", Scalar::Number(number)) => row.records = Some(number),
                ("count", Scalar::Number(number)) => count = Some(number),
                _ => {}
            }
        }
        row.digest = row.digest.or(sha256);
        row.records = row.records.or(count);
        Ok(row)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Row<'de>, E> {
        Ok(Row { path: Some(Cow::Borrowed(text)), ..Row::default() })
    }

    fn visit_str<E>(self, text: &str) -> Result<Row<'de>, E> {
        Ok(Row { path: Some(Cow::Owned(text.into())), ..Row::default() })
    }

    fn visit_unit<E>(self) -> Result<Row<'de>, E> {
        Ok(Row::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Row<'de>, E> {
        Ok(Row::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Row<'de>, E> {
        Ok(Row::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Row<'de>, E> {
        Ok(Row::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Row<'de>, E> {
        Ok(Row::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Row<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Row::default())
    }
}

/// A member of any type, of which only text and whole numbers are kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scalar<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A number that is not negative and has no fraction.
    Number(u64),
    /// Anything else.
    Other,
}

impl Scalar<'_> {
    /// The number, if it is one.
    pub(super) fn number(&self) -> Option<u64> {
        if let Scalar::Number(number) = self { Some(*number) } else { None }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.into())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Scalar<'de>, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_changes_are_bounded() {
        let list = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert_eq!(serde_json::from_str::<Changes<'_>>(&list(MAX_CHANGES)).unwrap().0.len(), MAX_CHANGES);
        let error = serde_json::from_str::<Changes<'_>>(&list(MAX_CHANGES + 1)).unwrap_err();
        assert!(error.to_string().contains("more than 524288 rows"), "{error}");
    }

    #[test]
    fn a_row_is_read_leniently() {
        let row = |text| serde_json::from_str::<Row<'_>>(text).unwrap();
        let named = |path| Row { path: Some(Cow::Borrowed(path)), ..Row::default() };
        assert_eq!(row(r#""a/b""#), named("a/b"));
        assert_eq!(row(r#""\u0061""#), named("a"), "escapes are resolved");
        for none in ["0", "-1", "0.5", "null", "true", "[\"a\"]", "{}", r#"{"path":1,"records":-1,"bytes":"1"}"#] {
            assert_eq!(row(none), Row::default(), "{none}");
        }
        let full =
            row(r#"{"x":[{}],"count":1,"records":2,"sha256":"s","bytes":3,"digest":"d","path":"p","y":{"path":"q"}}"#);
        let expected = Row { digest: Some("d".into()), bytes: Some(3), records: Some(2), ..named("p") };
        assert_eq!(full, expected, "digest and records come before sha256 and count");
        let second = Row { digest: Some("s".into()), records: Some(1), ..named("p") };
        assert_eq!(row(r#"{"sha256":"s","count":1,"path":"p","digest":null,"records":"2"}"#), second);
    }
}
