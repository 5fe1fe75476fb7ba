//! Entry packs: JSON lines with the entries of a log (`tlog/entries/*.jsonl`). No document says what a line has, so what the
//! log itself uses is read: an object with the entry in base64 and its id or index, or the answer of its interface.

use super::base64;
use crate::format::json::{self, Size};
use serde_json::{Map, Value};

/// Largest pack, in bytes: some thousands of entries.
pub const MAX_PACK: u64 = 16 << 20;

const LINE: Size = Size { bytes: 1 << 20, nodes: 4096 };

/// The entry of a receipt, as a pack has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackEntry {
    /// The line, from 1.
    pub line: usize,
    /// The bytes that the leaf is the hash of.
    pub body: Vec<u8>,
}

/// The entry with this id or index in an untrusted pack; a line that states both has to agree in both.
///
/// # Errors
/// A line before or at it that is no strict JSON object, or the entry without its bytes; what was expected.
pub fn find(untrusted: &[u8], uuid: Option<&str>, index: u64) -> Result<Option<PackEntry>, String> {
    let mut found: Option<PackEntry> = None;
    for (number, line) in untrusted.split(|c| *c == b'\n').enumerate() {
        let (number, line) = (number + 1, line.trim_ascii());
        if line.is_empty() {
            continue;
        }
        let fail = |why: &str| format!("line {number}: {why}");
        json::check_within(line, LINE).map_err(|error| fail(&error.to_string()))?;
        let value: Value = json::parse(line).map_err(|error| fail(&error.to_string()))?;
        let Value::Object(members) = &value else { return Err(fail("expected an object")) };
        let (id, entry) = unwrap(members);
        let named = id.or_else(|| entry.get("uuid").and_then(Value::as_str));
        let stated = entry.get("logIndex").and_then(number_of);
        let by_id = named.zip(uuid).map(|(named, uuid)| same_id(named, uuid));
        let by_index = stated.map(|stated| stated == index);
        if !(by_id == Some(true) && by_index != Some(false) || by_id.is_none() && by_index == Some(true)) {
            continue;
        }
        let text = ["body", "canonicalizedBody", "entry"].iter().find_map(|name| entry.get(*name)?.as_str());
        let body = text.and_then(base64).ok_or_else(|| fail("expected the entry in base64 as its body"))?;
        if found.as_ref().is_some_and(|known| known.body != body) {
            return Err(fail("a second, different entry with this id"));
        }
        found.get_or_insert(PackEntry { line: number, body });
    }
    Ok(found)
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
    fn what_is_ambiguous_is_refused() {
        assert!(find(b"{\"uuid\":\"a\",\"uuid\":\"b\"}\n", Some("a"), 1).is_err());
        assert!(find(b"[]\n", Some("a"), 1).is_err());
        assert!(find(b"{\"uuid\":\"a\",\"body\":7}\n", Some("a"), 1).is_err());
        let twice = b"{\"uuid\":\"a\",\"body\":\"YQ==\"}\n{\"uuid\":\"a\",\"body\":\"Yg==\"}\n";
        assert!(find(twice, Some("a"), 1).unwrap_err().contains("second"));
    }
}
