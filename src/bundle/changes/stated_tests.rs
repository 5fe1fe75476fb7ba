//! Every law of the comparison over made-up sides, and the sorts of changes by example.

use super::*;
use crate::format::digest::{sha256, sha512};
use crate::format::inventory::{Location, Observed};
use crate::trust::claims::Role;
use proptest::prelude::*;

/// What a document says of a path: of SHA-256, SHA-512 or neither, the content, and whether it states the size.
type Line = (u8, u8, bool);
/// A path by its number, what lies there, and what two documents say of it.
type Row = (u8, Option<u8>, [Option<Line>; 2]);

fn side(rows: &[Row]) -> Ledger {
    let mut inventory = Inventory { unread: true, container: vec!["directory"], ..Inventory::default() };
    for (path, lies, _) in rows {
        inventory.entries.extend(lies.map(|size| entry(&format!("f{path}"), size)));
    }
    inventory.seal();
    let mut bundle = Bundle::default();
    for (number, name) in ["a.sha256", "b.sha256"].into_iter().enumerate() {
        let document = bundle.claims.document(name.as_bytes(), Location::Sidecar, Role::List);
        for (path, _, lines) in rows {
            let Some((form, content, sized)) = lines[number] else { continue };
            let digest = match form {
                0 => Some(Digest::Sha256(sha256(&[content]))),
                1 => Some(Digest::Sha512(sha512(&[content]))),
                _ => None,
            };
            let size = sized.then_some(u64::from(content));
            bundle.claims.state(&inventory, document, format!("f{path}").as_bytes(), digest, size);
        }
    }
    Ledger::of(&inventory, &bundle)
}

fn entry(path: &str, size: u8) -> Observed {
    Observed {
        path: path.as_bytes().into(),
        size: u64::from(size),
        mtime: 0,
        sha256: [0; 32],
        mode: 0o644,
        kind: EntryKind::File,
        hashed: false,
        owned: false,
    }
}

fn words(stated: &Stated) -> Vec<String> {
    let word = |c: &StatedChange| format!("{} {}", c.change.name(), String::from_utf8_lossy(stated.path(c)));
    stated.changes.iter().map(word).collect()
}

/// A path that lies there with the size that one document states, with its SHA-256.
fn plain(path: u8, content: u8) -> Row {
    (path, Some(content), [Some((0, content, true)), None])
}

#[test]
fn each_sort_of_change_has_its_word() {
    let old = side(&[plain(0, 1), plain(1, 2), plain(2, 3), plain(3, 4), (4, Some(5), [None, None])]);
    let new = side(&[plain(0, 1), plain(1, 9), plain(5, 3), plain(6, 7), (4, Some(5), [None, None])]);
    let stated = Stated::compare(old, new);
    assert_eq!(words(&stated), ["changed f1", "removed f3", "moved f5", "added f6"]);
    let counts = Counts {
        added: 1,
        removed: 1,
        changed: 1,
        moved: 1,
        unchanged: 1,
        bytes_added: 9 + 7,
        bytes_removed: 2 + 4,
        ..Counts::default()
    };
    assert_eq!((stated.counts, stated.not_compared.count), (counts, 1));
    assert_eq!(stated.not_compared.first, [b"f4"]);
}

#[test]
fn two_algorithms_are_never_equal() {
    let with = |form: u8| side(&[(0, Some(1), [Some((form, 1, true)), None])]);
    let both = || side(&[(0, Some(1), [Some((0, 1, true)), Some((1, 1, true))])]);
    assert_eq!(words(&Stated::compare(with(0), with(1))), ["not-comparable f0"]);
    assert_eq!(words(&Stated::compare(with(1), with(2))), ["not-comparable f0"]);
    assert!(Stated::compare(both(), with(1)).is_empty() && Stated::compare(with(0), both()).is_empty());
    // What only one side states a digest of may have been replaced.
    let unnamed = side(&[(0, Some(1), [None, None])]);
    assert_eq!(words(&Stated::compare(with(0), unnamed)), ["not-comparable f0"]);
}

#[test]
fn a_contradiction_is_listed_and_never_decided() {
    let torn = || side(&[(0, Some(1), [Some((0, 1, false)), Some((0, 2, false))])]);
    for (old, new) in [(torn(), side(&[plain(0, 1)])), (side(&[plain(0, 2)]), torn()), (torn(), torn())] {
        let stated = Stated::compare(old, new);
        assert_eq!(words(&stated), ["not-comparable f0"]);
        assert!(stated.old.contradictory.count + stated.new.contradictory.count > 0);
    }
}

#[test]
fn what_the_listing_shows_counts_against_what_is_stated() {
    let whole = || side(&[plain(0, 1)]);
    let gone = side(&[(0, None, [Some((0, 1, true)), None])]);
    let cut = side(&[(0, Some(0), [Some((0, 1, true)), None])]);
    assert_eq!((gone.missing.count, cut.other_size.count), (1, 1));
    let stated = Stated::compare(whole(), gone.clone());
    assert_eq!(
        (words(&stated), stated.has_vanished(), stated.has_appeared()),
        (vec!["changed f0".into()], true, false)
    );
    let stated = Stated::compare(gone.clone(), whole());
    assert_eq!((stated.has_vanished(), stated.has_appeared()), (false, true));
    assert_eq!(words(&Stated::compare(whole(), cut)), ["changed f0"]);
    assert!(Stated::compare(gone.clone(), gone).is_empty());
}

#[test]
fn a_document_that_was_read_is_compared_by_what_was_found() {
    let with = |found: u8, stated: Option<Line>| {
        let mut inventory = Inventory { unread: true, entries: vec![entry("list", 1)], ..Inventory::default() };
        inventory.entries[0].sha256 = sha256(&[found]);
        inventory.entries[0].hashed = true;
        let mut bundle = Bundle::default();
        let document = bundle.claims.document(b"other", Location::Sidecar, Role::List);
        if let Some((_, content, _)) = stated {
            bundle.claims.state(&inventory, document, b"list", Some(Digest::Sha256(sha256(&[content]))), None);
        }
        Ledger::of(&inventory, &bundle)
    };
    assert_eq!(words(&Stated::compare(with(1, None), with(2, None))), ["changed list"]);
    assert!(Stated::compare(with(1, None), with(1, None)).is_empty());
    // A list that states another digest of it than it has.
    let lied_about = with(1, Some((0, 2, false)));
    assert_eq!(lied_about.contradictory.count, 1);
    assert_eq!(words(&Stated::compare(with(1, None), lied_about)), ["not-comparable list"]);
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let line = || proptest::option::of((0..3u8, 0..3u8, any::<bool>()));
    let row = (0..6u8, proptest::option::of(0..3u8), [line(), line()]);
    proptest::collection::vec(row, 0..8).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.0);
        rows.dedup_by_key(|row| row.0);
        rows
    })
}

proptest! {
    #[test]
    fn a_side_differs_from_itself_only_where_it_contradicts_itself(rows in rows()) {
        let stated = Stated::compare(side(&rows), side(&rows));
        prop_assert_eq!(stated.changes.len() as u64, stated.old.contradictory.count);
        prop_assert!(stated.changes.iter().all(|change| change.change == Change::NotComparable));
        prop_assert_eq!((stated.counts.bytes_added, stated.counts.bytes_removed), (0, 0));
    }

    #[test]
    fn the_way_back_is_the_way_there(a in rows(), b in rows()) {
        let there = Stated::compare(side(&a), side(&b));
        let back = Stated::compare(side(&b), side(&a));
        let turned = |c: &StatedChange| (c.change.reversed(), c.new, c.old);
        let mut expected: Vec<_> = there.changes.iter().map(turned).collect();
        let mut found: Vec<_> = back.changes.iter().map(|c| (c.change, c.old, c.new)).collect();
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
        let (x, y) = (there.counts, back.counts);
        let turned = Counts {
            added: x.removed,
            removed: x.added,
            bytes_added: x.bytes_removed,
            bytes_removed: x.bytes_added,
            ..x
        };
        prop_assert_eq!(y, turned);
        prop_assert_eq!(there.not_compared, back.not_compared);
    }

    #[test]
    fn each_path_is_counted_once(a in rows(), b in rows()) {
        let stated = Stated::compare(side(&a), side(&b));
        let counts = stated.counts;
        let both = counts.changed + counts.moved + counts.unchanged + counts.not_comparable + stated.not_compared.count;
        prop_assert_eq!(counts.removed + both, stated.old.paths.len() as u64);
        prop_assert_eq!(counts.added + both, stated.new.paths.len() as u64);
    }

    /// What is called the same is the same in everything that both sides state or show.
    #[test]
    fn unchanged_is_never_a_guess(a in rows(), b in rows()) {
        let stated = Stated::compare(side(&a), side(&b));
        let listed = |path: &[u8]| stated.changes.iter().any(|c| {
            stated.before(c).is_some_and(|r| &*r.path == path) || stated.after(c).is_some_and(|r| &*r.path == path)
        });
        for (path, lies, lines) in &a {
            let Some((_, other_lies, other)) = b.iter().find(|row| row.0 == *path) else { continue };
            let digests = |lines: &[Option<Line>; 2], form: u8| -> Vec<u8> {
                lines.iter().flatten().filter(|line| line.0 == form).map(|line| line.1).collect()
            };
            let differ = |form| digests(lines, form).iter().any(|x| digests(&other.clone(), form).iter().any(|y| x != y));
            if lies != other_lies || differ(0) || differ(1) {
                prop_assert!(listed(format!("f{path}").as_bytes()), "f{} is not listed", path);
            }
        }
    }
}
