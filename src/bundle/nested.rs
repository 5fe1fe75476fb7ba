//! An archive among the entries, compared with the document that names what is in it. Its entries are not entries of the
//! bundle: what is wrong with them is told by rows of their own.

use crate::format::digest::{Digest, Sha256Bytes, hex};
use crate::format::inventory::{EntryIndex, EntryKind, Inventory, Location};
use crate::trust::check::{self, Check};
use crate::trust::claims::{Claims, Outcome, Role};

/// The name of an entry inside an archive, for the report.
pub fn inside(archive: &[u8], name: &[u8]) -> Vec<u8> {
    [archive, b"!/", name].concat()
}

/// Whether a file lies below the directory: then it is as good as named.
fn holds_something(nested: &Inventory, directory: &[u8]) -> bool {
    let below = [directory, b"/"].concat();
    let start = nested.entries.partition_point(|entry| entry.normal_path() < below.as_slice());
    let mut within = nested.entries[start..].iter().take_while(|entry| entry.normal_path().starts_with(&below));
    within.any(|entry| entry.kind != EntryKind::Dir)
}

/// Compares the entries of the nested `archive` with `files` (path, digest, size); files named in `known` need no statement.
/// One row that says so where all is as stated.
pub(super) fn judge<'a>(
    inventory: &Inventory,
    archive: EntryIndex,
    files: impl Iterator<Item = (&'a [u8], Sha256Bytes, Option<u64>)>,
    known: &[&[u8]],
) -> Vec<Check> {
    let outer = inventory.entry(archive).normal_path();
    let Some(nested) = inventory.nested.get(&archive) else {
        let detail = "what is in the archive was not read, because the input can be read only once; give it as a file";
        return vec![Check::skip(check::ENTRY_DIGEST, outer, detail)];
    };
    let mut claims = Claims::default();
    let document = claims.document(b"", Location::Sidecar, Role::Manifest);
    for (path, digest, size) in files {
        claims.state(nested, document, path, Some(Digest::Sha256(digest)), size);
    }
    claims.sort();
    if nested.incomplete || !nested.anomalies.is_empty() {
        let detail = "the archive has defects, so nothing is concluded from what was read of it";
        return vec![Check::skip(check::ENTRY_DIGEST, outer, detail)];
    }
    let mut rows = Vec::new();
    for dispute in claims.disputes() {
        let entry = nested.entry(dispute.entry);
        let subject = inside(outer, &entry.path);
        rows.push(if dispute.outcome == Outcome::SizeDiffers {
            let detail = format!("expected {} bytes, found {}", dispute.size.unwrap_or_default(), entry.size);
            Check::fail(check::ENTRY_SIZE, subject, detail)
        } else {
            let expected = dispute.digest.map_or("none".into(), |digest| digest.prefixed());
            let found = entry.digest().map_or("none".into(), |digest| format!("sha256:{}", hex(digest)));
            let row = Check::fail(check::ENTRY_DIGEST, subject, format!("expected {expected}, found {found}"));
            row.with("expected", expected).with("found", found)
        });
    }
    rows.extend(claims.missing().keys().map(|path| {
        Check::fail(check::ENTRY_MISSING, inside(outer, path), "the manifest names it, and it is not in the archive")
    }));
    for (index, entry) in nested.entries.iter().enumerate() {
        let name = entry.normal_path();
        let named = if entry.kind == EntryKind::Dir {
            name.is_empty() || holds_something(nested, name)
        } else {
            !claims.about(index as EntryIndex).is_empty() || known.contains(&name)
        };
        if !named {
            let detail = format!("a {} that the manifest does not name", entry.kind.name());
            rows.push(Check::fail(check::ENTRY_UNLISTED, inside(outer, &entry.path), detail));
        }
    }
    if rows.is_empty() {
        let detail =
            format!("{} entries in it are as the manifest states, and nothing else is there", claims.claims().len());
        rows.push(Check::pass(check::ENTRY_DIGEST, outer, detail));
    }
    let mut checks = Vec::new();
    check::push_failures(&mut checks, rows, None);
    checks
}
