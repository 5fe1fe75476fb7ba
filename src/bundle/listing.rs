//! Lists of files in manifests, `{path, sha256|digest, size|sizeBytes|bytes}`: read, judged and stated in one place.

use super::layout::Layout;
use super::model::Bundle;
use crate::format::digest::{self, Digest, Sha256Bytes};
use crate::format::inventory::Inventory;
use crate::format::path;
use crate::trust::check::{self, Check};
use crate::trust::claims::{Claims, DocumentIndex};
use serde::Deserialize;

/// One file that a manifest names. All of it is untrusted; only the form of the digest is sure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Listed {
    /// The path as written.
    pub path: String,
    /// The digest.
    pub sha256: Sha256Bytes,
    /// The size in bytes, where it is stated.
    pub size: Option<u64>,
    /// The media type, where it is stated.
    pub media_type: Option<String>,
}

/// The spellings that are known. Two spellings of one thing must not say two things.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    path: String,
    sha256: Option<String>,
    digest: Option<String>,
    size: Option<u64>,
    size_bytes: Option<u64>,
    bytes: Option<u64>,
    media_type: Option<String>,
}

impl TryFrom<Written> for Listed {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { path, sha256, digest, size, size_bytes, bytes, media_type } = written;
        let mut digests = Vec::new();
        for text in [sha256, digest].into_iter().flatten() {
            digests.push(digest::parse_sha256(&text).map_err(|why| format!("{path}: {why}"))?);
        }
        let sha256 = one(&digests).map_err(|why| format!("{path}: {why} digests"))?;
        let sizes: Vec<u64> = [size, size_bytes, bytes].into_iter().flatten().collect();
        let size = one(&sizes).map_err(|why| format!("{path}: {why} sizes"))?;
        let sha256 = sha256.ok_or_else(|| format!("{path}: expected sha256 or digest, found neither"))?;
        Ok(Listed { path, sha256, size, media_type })
    }
}

fn one<T: PartialEq + Copy>(stated: &[T]) -> Result<Option<T>, &'static str> {
    match stated {
        [first, rest @ ..] if rest.iter().any(|other| other != first) => Err("two members state two"),
        _ => Ok(stated.first().copied()),
    }
}

/// Whether all paths are safe, in normal form and unique: the check `manifest-paths`.
pub fn paths(document: &[u8], files: &[Listed]) -> Check {
    Check::of(check::MANIFEST_PATHS, document, judge_paths(files))
}

fn judge_paths(files: &[Listed]) -> Result<String, String> {
    let mut seen: Vec<&str> = Vec::with_capacity(files.len());
    for file in files {
        let name = file.path.as_str();
        if let Some(why) = path::danger(name.as_bytes()) {
            return Err(format!("the path {name:?} is refused: {why}"));
        }
        if path::normal(name.as_bytes()) != name.as_bytes() {
            return Err(format!("the path {name:?} is not in normal form"));
        }
        seen.push(name);
    }
    seen.sort_unstable();
    match seen.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{} is stated twice", pair[0])),
        None => Ok(format!("{} files, all paths are safe and unique", seen.len())),
    }
}

/// Whether the list is in the byte order of its paths, as the producers promise: a hint, never a failure.
pub fn order(document: &[u8], field: &str, files: &[Listed]) -> Check {
    match files.windows(2).find(|pair| pair[0].path.as_bytes() > pair[1].path.as_bytes()) {
        None => Check::pass(check::DETERMINISM, document, format!("{field} is sorted by path")),
        Some(pair) => {
            let detail = format!(
                "hint, not a failure: {field} is not sorted by path, {} stands before {}",
                pair[0].path, pair[1].path
            );
            Check::skip(check::DETERMINISM, document, detail)
        }
    }
}

/// States every file with a safe path in the name of `document`.
pub fn state(inventory: &Inventory, claims: &mut Claims, document: DocumentIndex, layout: &Layout, files: &[Listed]) {
    for file in files.iter().filter(|file| path::danger(file.path.as_bytes()).is_none()) {
        claims.state(inventory, document, &layout.path(&file.path), Some(Digest::Sha256(file.sha256)), file.size);
    }
}

/// Adds the check that `manifest` and `list` name the same entries, apart from those that `either` may name alone. One row
/// a path. The claims must be sorted.
pub fn agree(
    inventory: &Inventory,
    bundle: &mut Bundle,
    manifest: DocumentIndex,
    list: DocumentIndex,
    either: &dyn Fn(&[u8], DocumentIndex) -> bool,
) {
    let claims = &bundle.claims;
    let shown = |document| String::from_utf8_lossy(claims.name(document)).into_owned();
    let row = |name: &[u8], by: DocumentIndex| {
        let not = if by == manifest { list } else { manifest };
        let detail = format!("{} names it, {} does not", shown(by), shown(not));
        Check::fail(check::DOCUMENTS_AGREE, name, detail)
    };
    let mut rows = Vec::new();
    for claim in claims.claims().iter().filter(|claim| claim.document == manifest || claim.document == list) {
        let name = inventory.entry(claim.entry).normal_path();
        let other = if claim.document == manifest { list } else { manifest };
        if !claims.covers(other, claim.entry) && !either(name, claim.document) {
            rows.push(row(name, claim.document));
        }
    }
    for (name, by) in claims.missing() {
        let only = match (by.contains(&manifest), by.contains(&list)) {
            (true, false) => manifest,
            (false, true) => list,
            _ => continue,
        };
        if !either(name, only) {
            rows.push(row(name, only));
        }
    }
    let detail = format!("{} and {} name the same entries", shown(manifest), shown(list));
    let pass = Check::pass(check::DOCUMENTS_AGREE, claims.name(list), detail);
    check::push_failures(&mut bundle.checks, rows, Some(pass));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::digest::{hex, sha256};

    fn read(text: &str) -> Result<Listed, String> {
        serde_json::from_str(&text.replace("HASH", &hex(&sha256(b"x")))).map_err(|error| error.to_string())
    }

    #[test]
    fn every_spelling_is_one_statement() {
        for text in [
            r#"{"path":"a","sha256":"HASH","size":1}"#,
            r#"{"path":"a","digest":"sha256:HASH","sizeBytes":1}"#,
            r#"{"path":"a","sha256":"HASH","digest":"sha256:HASH","size":1,"bytes":1,"extra":[]}"#,
        ] {
            let listed = read(text).unwrap();
            assert_eq!((listed.path.as_str(), listed.sha256, listed.size), ("a", sha256(b"x"), Some(1)), "{text}");
        }
    }

    #[test]
    fn statements_that_contradict_themselves_or_say_nothing_are_refused() {
        let other = "0".repeat(64);
        for (text, why) in [
            (format!(r#"{{"path":"a","sha256":"HASH","digest":"{other}"}}"#), "two digests"),
            (r#"{"path":"a","sha256":"HASH","size":1,"bytes":2}"#.into(), "two sizes"),
            (r#"{"path":"a","size":1}"#.into(), "expected sha256 or digest"),
            (r#"{"path":"a","sha256":"beef"}"#.into(), "64 hex digits"),
            (r#"{"path":"a","sha256":"HASH","size":-1}"#.into(), "invalid value"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn paths_are_safe_normal_and_unique() {
        let files = |names: &[&str]| -> Vec<Listed> {
            let file = |name: &&str| Listed { path: (*name).into(), sha256: [0; 32], size: None, media_type: None };
            names.iter().map(file).collect()
        };
        assert!(judge_paths(&files(&["b", "a/c"])).is_ok());
        for (names, why) in
            [(["a", "../b"], "`..`"), (["a", "/b"], "absolute"), (["a", "./b"], "normal form"), (["a", "a"], "twice")]
        {
            let error = judge_paths(&files(&names)).unwrap_err();
            assert!(error.contains(why), "{names:?}: {error}");
        }
    }
}
