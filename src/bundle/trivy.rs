//! Databases of Trivy, whatever bundle they lie in (formats.md 7.2): what was found in them, and the metadata beside them.

use super::model::{Bundle, DatabaseType, Facts, Trivy, TrivyDatabase};
use crate::format::database::{Contents, Examined};
use crate::format::inventory::{Document, Inventory};
use crate::format::time::format_rfc3339;
use crate::format::trivy_db::{Metadata, Summary};
use crate::format::trivy_java::JavaIndex;
use crate::trust::check::{self, Check};

/// The document beside a database; another one of this name lies in the root of an export by StellaOps.
pub(super) const METADATA: &str = "metadata.json";
/// Largest metadata of a database, in bytes: Trivy writes about 150.
pub const MAX_METADATA: usize = 64 << 10;
/// The bucket that every database of vulnerabilities has.
const MARKER: &str = "vulnerability";

/// Path and content of the metadata of a database.
pub(super) fn metadata(path: Vec<u8>, document: Option<&Document>) -> Option<(Vec<u8>, Result<Metadata, String>)> {
    let document = document?;
    let read = if document.bytes.len() > MAX_METADATA {
        Err(format!("{} bytes; metadata of a database have at most {MAX_METADATA}", document.bytes.len()))
    } else {
        Metadata::parse(&document.bytes)
    };
    Some((path, read))
}

/// Judges one database and adds it to the bundle.
pub(super) fn add(bundle: &mut Bundle, database: TrivyDatabase) {
    let check = match &database.examined {
        None => {
            // What was not read could be anything.
            bundle.unfinished = true;
            let detail =
                "it was not read: the input can be read only once, or it is too large; give the input as a file";
            Check::skip(check::TRIVY_DATABASE, &database.path, detail)
        }
        Some(examined) => Check::of(check::TRIVY_DATABASE, &database.path, sound(database.expected, examined)),
    };
    bundle.checks.push(check);
    let dated = database.metadata.as_ref().is_some_and(|(_, read)| read.as_ref().is_ok_and(|m| m.updated_at.is_some()));
    if !dated {
        bundle.undated.push(database.path.clone());
    }
    if let Some((path, Ok(metadata))) = &database.metadata {
        note_dates(bundle, path, metadata);
        bundle.facts.push(facts(path, metadata));
    }
    bundle.trivy.get_or_insert_with(Trivy::default).databases.push(database);
}

/// The failed check for a bundle without the database that it should hold.
pub(super) fn lacking(path: &[u8], expected: DatabaseType) -> Check {
    Check::fail(
        check::TRIVY_DATABASE,
        path,
        format!("expected the file of a database, {}; there is none", expected.file()),
    )
}

/// A failed check for the first other file that is called like a database: only one is read and told of.
pub(super) fn others(inventory: &Inventory, own: &[u8]) -> Option<Check> {
    let names = [DatabaseType::Vulnerabilities, DatabaseType::JavaIndex].map(|database| database.file().as_bytes());
    let base = |path: &[u8]| path.rsplit(|c| *c == b'/').next().map(<[u8]>::to_ascii_lowercase).unwrap_or_default();
    let is_other = |path: &[u8]| path != own && names.contains(&base(path).as_slice());
    let other = inventory.entries.iter().map(|entry| entry.normal_path()).find(|path| is_other(path))?;
    let detail = "a second file of the name of a database; expected one, so that it is clear which is imported";
    Some(Check::fail(check::TRIVY_DATABASE, other, detail))
}

/// The oldest database tells the age, the one that is overdue first the time of expiry.
fn note_dates(bundle: &mut Bundle, path: &[u8], metadata: &Metadata) {
    if let Some(updated) = metadata.updated_at
        && bundle.created.as_ref().is_none_or(|(oldest, _)| updated < *oldest)
    {
        bundle.created = Some((updated, path.to_vec()));
    }
    if let Some(next) = metadata.next_update
        && bundle.expires.as_ref().is_none_or(|(soonest, _)| next < *soonest)
    {
        bundle.expires = Some((next, path.to_vec()));
    }
}

fn facts(path: &[u8], metadata: &Metadata) -> Facts {
    let date = |time: Option<_>| time.map_or("not set".into(), format_rfc3339);
    let mut items = vec![
        ("schema", metadata.version.to_string()),
        ("updated", date(metadata.updated_at)),
        ("next update", date(metadata.next_update)),
        ("downloaded", date(metadata.downloaded_at)),
    ];
    if !metadata.unknown.is_empty() {
        items.push(("other fields", metadata.unknown.join(", ")));
    }
    Facts { document: path.to_vec(), items }
}

/// Whether what was found is a sound database of this type.
fn sound(expected: DatabaseType, examined: &Examined) -> Result<String, String> {
    let contents = examined.contents.as_ref().map_err(|why| format!("the database is refused: {why}"))?;
    match (expected, contents) {
        (DatabaseType::Vulnerabilities, Contents::Bbolt { meta, summary }) => {
            let mut words = vulnerabilities(summary)?;
            if let Some((page, why)) = meta.unsound() {
                words.push_str(&format!("; page {page}, the other description of the database, is not valid: {why}"));
            }
            let hidden = meta.beyond + summary.walked.unreferenced * u64::from(meta.page_size);
            if hidden > 0 {
                words.push_str(&format!("; {hidden} bytes of the file belong to no part of it"));
            }
            Ok(words)
        }
        (DatabaseType::JavaIndex, Contents::Java(index)) => java_index(index),
        (DatabaseType::JavaIndex, Contents::Bbolt { .. }) => {
            Err("expected an index of Java archives in SQLite, found a database of bbolt".into())
        }
        (DatabaseType::Vulnerabilities, Contents::Java(_)) => {
            Err("expected a database of vulnerabilities in bbolt, found one of SQLite".into())
        }
    }
}

fn java_index(index: &JavaIndex) -> Result<String, String> {
    if index.indices() == 0 || index.artifacts() == 0 {
        return Err("it is empty: a scan with it finds nothing".into());
    }
    if index.malformed > 0 {
        return Err(format!("{} rows have values that are not what Trivy writes", index.malformed));
    }
    let mut words =
        format!("read to its last page: {} artifacts, {} indices of files", index.artifacts(), index.indices());
    let hidden = u64::from(index.header.free_pages) * u64::from(index.header.page_size);
    if hidden > 0 {
        words.push_str(&format!("; {hidden} bytes of the file belong to no part of it"));
    }
    if index.dangling > 0 {
        words.push_str(&format!("; {} of them name an artifact that is not there", index.dangling));
    }
    if !index.is_searchable() {
        words.push_str("; it has no index by SHA-1, so each search reads all of it");
    }
    Ok(words)
}

fn vulnerabilities(summary: &Summary) -> Result<String, String> {
    if !summary.buckets.iter().any(|name| name == MARKER) {
        let found: Vec<&str> = summary.buckets.iter().take(5).map(String::as_str).collect();
        let found = if found.is_empty() { "none at all".into() } else { found.join(", ") };
        return Err(format!("it is no database of vulnerabilities: expected a bucket {MARKER}, found {found}"));
    }
    let wrong = summary.malformed + summary.misplaced;
    if let Some(first) = summary.faults.first().filter(|_| wrong > 0) {
        let place = [first.buckets.join(" > "), first.key.clone()].join(" > ");
        return Err(format!("{wrong} records are not what they should be, the first: {place} {}", first.detail));
    }
    if summary.vulnerability_count() == 0 || summary.advisory_count() == 0 {
        return Err("it is empty: a scan with it finds nothing".into());
    }
    Ok(format!(
        "read to its last page: {} vulnerabilities, {} advisories for {} platforms, {} data sources",
        summary.vulnerability_count(),
        summary.advisory_count(),
        summary.platforms.len() as u64 + summary.more_platforms,
        summary.data_sources.len() as u64 + summary.more_data_sources,
    ))
}
