//! What `unpack` wrote.

use crate::format::path::lossless;
use crate::pipeline::unpack::Unpacked;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The members of `unpacked`, in their order.
pub(super) fn members(unpacked: &Unpacked) -> Vec<(&'static str, Value)> {
    let skipped = unpacked.skipped;
    let mut rows = place("to", "to_bytes", Some(&unpacked.to));
    rows.extend(place("artifact", "artifact_bytes", unpacked.artifact.as_deref()));
    rows.extend([
        ("dry_run", json!(unpacked.dry_run)),
        ("files", json!(unpacked.files)),
        ("directories", json!(unpacked.directories)),
        ("links", json!(unpacked.links)),
        ("decrypted", json!(unpacked.decrypted)),
        ("bytes", json!(unpacked.bytes)),
        ("needed", json!(unpacked.needed)),
    ]);
    if !unpacked.left.is_empty() {
        let left: Vec<String> = unpacked.left.iter().map(|at| lossless(at.as_os_str().as_bytes())).collect();
        rows.push(("left", json!(left)));
    }
    rows.extend(unpacked.free.map(|free| ("free", json!(free))));
    rows.push((
        "skipped",
        json!({
            "not_selected": skipped.not_selected,
            "set_aside": skipped.set_aside,
            "stripped": skipped.stripped,
            "unlisted": skipped.unlisted,
        }),
    ));
    rows
}

/// A path, and its bytes where they are no UTF-8, as for names elsewhere in the report.
fn place(key: &'static str, bytes_key: &'static str, path: Option<&Path>) -> Vec<(&'static str, Value)> {
    let bytes = path.map(|path| path.as_os_str().as_bytes());
    let mut rows = vec![(key, json!(bytes.map(String::from_utf8_lossy)))];
    let raw = bytes.filter(|bytes| std::str::from_utf8(bytes).is_err());
    rows.extend(raw.map(|bytes| (bytes_key, json!(BASE64_STANDARD.encode(bytes)))));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn places_keep_their_bytes() {
        let at = |bytes: &'static [u8]| Path::new(OsStr::from_bytes(bytes)).to_path_buf();
        let rows = |to, artifact| members(&Unpacked { to, artifact, ..Unpacked::default() });
        let find = |rows: &[(&str, Value)], key: &str| rows.iter().find(|(k, _)| *k == key).map(|(_, v)| v.clone());
        let plain = rows(at(b"out"), None);
        assert_eq!(find(&plain, "to"), Some(json!("out")));
        assert_eq!(find(&plain, "artifact"), Some(Value::Null));
        assert!(find(&plain, "to_bytes").is_none() && find(&plain, "artifact_bytes").is_none());
        let (one, other) = (rows(at(b"o\xff"), Some(at(b"a\xfe"))), rows(at(b"o\\xff"), Some(at(b"a\\xfe"))));
        assert_eq!(find(&one, "to_bytes"), Some(json!("b/8=")));
        assert_eq!(find(&one, "artifact_bytes"), Some(json!("Yf4=")));
        assert_ne!(one, other, "two places look the same");
    }
}
