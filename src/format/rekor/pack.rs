//! Entry packs: JSON lines with the entries of a log (`tlog/entries/*.jsonl`). No document says what a line has, so what the
//! log itself uses is read: an object with the entry in base64 and its id or index, or the answer of its interface.

use super::base64;
use crate::format::json::{self, Size};
use crate::format::merkle::leaf_hash;
use serde_json::{Map, Value};

/// Largest pack, in bytes: some thousands of entries.
pub const MAX_PACK: u64 = 16 << 20;

/// Most lines of one pack. Lines of a log have two hundred bytes and more, and empty objects have two.
pub const MAX_LINES: usize = 1 << 17;

const LINE: Size = Size { bytes: 1 << 20, nodes: 4096 };

/// The entry of a receipt, as a pack has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackEntry {
    /// The line, from 1.
    pub line: usize,
    /// The bytes that the leaf is the hash of.
    pub body: Vec<u8>,
    /// Whether the pack holds this entry and nothing besides: no other line, no other member, no id but that of its leaf.
    pub alone: bool,
}

/// What a receipt looks for in packs: the id and the index of its entry.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The id, where the receipt states one.
    pub uuid: Option<&'a str>,
    /// The index.
    pub index: u64,
}

/// What one of several receipts finds in a pack.
pub type Found = Result<Option<PackEntry>, String>;

/// The entry with this id or index in an untrusted pack; a line that states both has to agree in both.
///
/// # Errors
/// A line that is no strict JSON object, or the entry without its bytes; what was expected.
pub fn find(untrusted: &[u8], uuid: Option<&str>, index: u64) -> Found {
    find_all(untrusted, &[Wanted { uuid, index }]).pop().unwrap_or(Ok(None))
}

/// The same for several receipts, in their order: each line is read once, however many they are.
pub fn find_all(untrusted: &[u8], wanted: &[Wanted<'_>]) -> Vec<Found> {
    let mut found: Vec<Found> = vec![Ok(None); wanted.len()];
    let mut lines = 0_usize;
    for (number, line) in untrusted.split(|c| *c == b'\n').enumerate() {
        let (number, line) = (number + 1, line.trim_ascii());
        if number > MAX_LINES {
            let why = format!("a pack has at most {MAX_LINES} lines, found more");
            return vec![Err(why); wanted.len()];
        }
        if line.is_empty() {
            continue;
        }
        lines += 1;
        match read(line) {
            Ok(read) => wanted.iter().zip(&mut found).for_each(|(wanted, found)| read.add(*wanted, number, found)),
            Err(why) => return vec![Err(format!("line {number}: {why}")); wanted.len()],
        }
    }
    for entry in found.iter_mut().filter_map(|found| found.as_mut().ok()?.as_mut()) {
        entry.alone &= lines == 1;
    }
    found
}

/// One line.
struct Line {
    value: Value,
}

fn read(line: &[u8]) -> Result<Line, String> {
    json::check_within(line, LINE).map_err(|error| error.to_string())?;
    let value: Value = json::parse(line).map_err(|error| error.to_string())?;
    if value.is_object() { Ok(Line { value }) } else { Err("expected an object".into()) }
}

impl Line {
    /// Adds the entry of this line where it is the one that is wanted.
    fn add(&self, wanted: Wanted<'_>, number: usize, found: &mut Found) {
        let (Value::Object(members), Ok(known)) = (&self.value, &*found) else { return };
        let (id, entry) = unwrap(members);
        let named = id.or_else(|| entry.get("uuid").and_then(Value::as_str));
        let stated = entry.get("logIndex").and_then(number_of);
        let by_id = named.zip(wanted.uuid).map(|(named, uuid)| same_id(named, uuid));
        let by_index = stated.map(|stated| stated == wanted.index);
        if !(by_id == Some(true) && by_index != Some(false) || by_id.is_none() && by_index == Some(true)) {
            return;
        }
        let texts = ["body", "canonicalizedBody", "entry"].iter().filter_map(|name| entry.get(*name));
        let body = texts.clone().find_map(Value::as_str).and_then(base64);
        *found = match (body, known) {
            (None, _) => Err(format!("line {number}: expected the entry in base64 as its body")),
            (Some(body), Some(known)) if known.body != body => {
                Err(format!("line {number}: a second, different entry with this id"))
            }
            (Some(_), Some(known)) => Ok(Some(known.clone())),
            (Some(body), None) => {
                let members = 1 + usize::from(stated.is_some()) + usize::from(id.is_none() && named.is_some());
                let own = |id| super::leaf_of_uuid(id) == Some(leaf_hash(&body));
                let alone = texts.count() == 1 && entry.len() == members && named.is_none_or(own);
                Ok(Some(PackEntry { line: number, body, alone }))
            }
        };
    }
}

/// An answer of the log's interface has one member, named by the id.
fn unwrap(members: &Map<String, Value>) -> (Option<&str>, &Map<String, Value>) {
    match members.iter().next() {
        Some((id, Value::Object(entry))) if members.len() == 1 => (Some(id), entry),
        _ => (None, members),
    }
}

/// Ids with and without the tree in front are the same.
fn same_id(a: &str, b: &str) -> bool {
    let leaf = |id| super::leaf_of_uuid(id);
    a == b || a.len() != b.len() && leaf(a).is_some() && leaf(a) == leaf(b)
}

fn number_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_id_and_index() {
        let pack = b"{\"uuid\":\"a\",\"logIndex\":1,\"body\":\"YQ==\"}\n\n{\"uuid\":\"b\",\"logIndex\":\"2\",\"body\":\"Yg==\"}\n\
            {\"c\":{\"logIndex\":3,\"body\":\"Yw==\"}}\n{\"logIndex\":4,\"canonicalizedBody\":\"ZA==\"}\n";
        let body = |uuid, index| find(pack, uuid, index).unwrap().map(|entry| entry.body);
        assert_eq!(body(Some("a"), 1), Some(b"a".to_vec()));
        assert_eq!(body(Some("b"), 2), Some(b"b".to_vec()));
        assert_eq!(body(Some("c"), 3), Some(b"c".to_vec()));
        assert_eq!(body(Some("x"), 4), Some(b"d".to_vec()), "the line has no id");
        assert_eq!(body(Some("a"), 2), None, "id and index disagree");
        assert_eq!(body(None, 2), Some(b"b".to_vec()));
        assert_eq!(body(Some("x"), 9), None);
    }

    #[test]
    fn an_entry_is_alone_where_the_pack_says_nothing_else() {
        let id = crate::format::digest::hex(&leaf_hash(b"a"));
        let alone = |pack: &str| find(pack.replace("ID", &id).as_bytes(), None, 1).unwrap().unwrap().alone;
        assert!(alone(r#"{"uuid":"ID","logIndex":1,"body":"YQ=="}"#));
        assert!(alone(r#"{"ID":{"logIndex":1,"body":"YQ=="}}"#));
        assert!(alone(r#"{"logIndex":1,"entry":"YQ=="}"#));
        for other in [
            r#"{"uuid":"anything","logIndex":1,"body":"YQ=="}"#,
            r#"{"anything":{"logIndex":1,"body":"YQ=="}}"#,
            r#"{"ID":{"uuid":"anything","logIndex":1,"body":"YQ=="}}"#,
            r#"{"uuid":{"a":1},"logIndex":1,"body":"YQ=="}"#,
            r#"{"logIndex":1,"body":"YQ==","entry":"anything"}"#,
            r#"{"logIndex":1,"body":"YQ==","note":"anything"}"#,
            "{\"logIndex\":1,\"body\":\"YQ==\"}\n{\"anything\":1}\n",
        ] {
            assert!(!alone(other), "{other}");
        }
    }

    #[test]
    fn several_receipts_find_their_own_and_lines_are_counted() {
        let pack = b"{\"logIndex\":1,\"body\":\"YQ==\"}\n{\"logIndex\":2,\"body\":7}\n";
        let wanted = [1, 2, 3].map(|index| Wanted { uuid: None, index });
        let found = find_all(pack, &wanted);
        assert!(matches!(&found[..], [Ok(Some(entry)), Err(_), Ok(None)] if entry.body == b"a"));
        assert!(find(&b"{}\n".repeat(MAX_LINES + 1), None, 1).unwrap_err().contains("lines"));
        assert_eq!(find(&b"{}\n".repeat(MAX_LINES - 1), None, 1), Ok(None));
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        assert!(find(b"{\"uuid\":\"a\",\"uuid\":\"b\"}\n", Some("a"), 1).is_err());
        assert!(find(b"[]\n", Some("a"), 1).is_err());
        assert!(find(b"{\"uuid\":\"a\",\"body\":7}\n", Some("a"), 1).is_err());
        let twice = b"{\"uuid\":\"a\",\"body\":\"YQ==\"}\n{\"uuid\":\"a\",\"body\":\"Yg==\"}\n";
        assert!(find(twice, Some("a"), 1).unwrap_err().contains("second"));
    }
}
