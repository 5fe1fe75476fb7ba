//! docs/attacks.md is complete and true: every number has a row, what a row names exists, and what `selftest` carries along is
//! what the fixtures hold.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use support::{assert_none, json, root, run};

/// How many classes each letter has.
const CLASSES: [(char, usize); 7] = [('A', 11), ('B', 7), ('C', 11), ('D', 9), ('E', 5), ('F', 3), ('G', 9)];

struct Row {
    number: String,
    shown: String,
}

fn table() -> Vec<Row> {
    let text = fs::read_to_string(root().join("docs/attacks.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| attack"));
    let rows = rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_string()).collect());
    rows.map(|cells: Vec<String>| match cells.as_slice() {
        [number, _, shown] => Row { number: number.clone(), shown: shown.clone() },
        _ => panic!("a row with other than three cells: {cells:?}"),
    })
    .collect()
}

fn numbers() -> BTreeSet<String> {
    CLASSES.iter().flat_map(|(letter, count)| (1..=*count).map(move |number| format!("{letter}{number}"))).collect()
}

/// The names between back quotes.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// What is wrong with a name of a fixture, a file or a test in a file.
fn lacking(name: &str) -> Option<String> {
    if name.starts_with("--") {
        return None;
    }
    let (path, function) = name.split_once("::").map_or((name, None), |(path, function)| (path, Some(function)));
    let source = path.starts_with("tests/") || path.starts_with("src/");
    let path = if source { root().join(path) } else { root().join("fixtures").join(path).join("case.toml") };
    let Ok(text) = fs::read_to_string(&path) else { return Some(format!("{name} is not there")) };
    let function = function?;
    (!text.contains(&format!("#[test]\nfn {function}()"))).then(|| format!("{name} is no test"))
}

#[test]
fn every_number_has_a_row_and_every_name_exists() {
    let rows = table();
    let known: BTreeSet<String> = rows.iter().map(|row| row.number.clone()).collect();
    assert_eq!(known, numbers());
    let mut wrong = Vec::new();
    for row in &rows {
        wrong.extend(names(&row.shown).filter_map(lacking).map(|why| format!("{}: {why}", row.number)));
        let reason = row.shown.strip_prefix("*not here*: ");
        if reason.is_none_or(str::is_empty) && names(&row.shown).next().is_none() {
            wrong.push(format!("{}: neither a test nor a reason", row.number));
        }
    }
    assert_none(&wrong);
}

/// Without this a name that nobody checks could stand in the table.
#[test]
fn names_that_do_not_exist_are_found() {
    for bad in ["plain/no-such-case", "tests/no-such.rs", "tests/hostile.rs::no_such_test", "plain"] {
        assert!(lacking(bad).is_some(), "{bad}");
    }
}

#[test]
fn the_table_says_what_the_program_carries_along() {
    let report = json(&run(&["selftest", "--json"])).unwrap();
    let attacks = report["attacks"].as_array().unwrap();
    let carried: BTreeSet<String> =
        attacks.iter().filter_map(|attack| attack["attack"].as_str()).filter(|n| *n != "-").map(String::from).collect();
    let said: BTreeSet<String> = table()
        .iter()
        .filter_map(|row| row.shown.rsplit_once("selftest ").map(|(_, number)| number.trim().to_string()))
        .collect();
    assert_eq!(said, carried);
    assert!(
        table()
            .iter()
            .all(|row| !row.shown.contains("selftest ") || row.shown.ends_with(&format!("selftest {}", row.number)))
    );
}

/// Files of `src/pipeline/selftest/data/` and what they are copies of.
const COPIES: [(&str, &str); 14] = [
    ("key.pub.pem", "keys-example/ed25519.pub.pem"),
    ("bundle.tgz", "fixtures/devportal/good-envelope-beside/devportal-offline-bundle.tgz"),
    ("good.dsse.json", "fixtures/devportal/good-envelope-beside/manifest.dsse.json"),
    ("algorithm-none.dsse.json", "fixtures/devportal/algorithm-none/manifest.dsse.json"),
    ("envelope-of-older-release.dsse.json", "fixtures/devportal/envelope-of-older-release/manifest.dsse.json"),
    ("hmac-with-public-key.dsse.json", "fixtures/devportal/hmac-with-public-key/manifest.dsse.json"),
    ("payload-type-other.dsse.json", "fixtures/devportal/payload-type-other/manifest.dsse.json"),
    ("same-key-two-keyids.dsse.json", "fixtures/devportal/same-key-two-keyids/manifest.dsse.json"),
    ("stranger-with-trusted-keyid.dsse.json", "fixtures/devportal/stranger-with-trusted-keyid/manifest.dsse.json"),
    ("raw-payload.dsse.json", "fixtures/dsse/raw-payload/envelope.dsse.json"),
    ("tuf-1.root.json", "fixtures/tuf/snapshot-signed-by-stranger/metadata/1.root.json"),
    ("tuf-timestamp.json", "fixtures/tuf/snapshot-signed-by-stranger/metadata/timestamp.json"),
    ("tuf-snapshot.json", "fixtures/tuf/snapshot-signed-by-stranger/metadata/snapshot.json"),
    ("tuf-targets.json", "fixtures/tuf/snapshot-signed-by-stranger/metadata/targets.json"),
];

#[test]
fn what_selftest_carries_is_what_the_fixtures_hold() {
    let folder = root().join("src/pipeline/selftest/data");
    let found = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    assert_eq!(found.collect::<BTreeSet<_>>(), COPIES.iter().map(|(name, _)| name.to_string()).collect());
    for (name, origin) in COPIES {
        let same = fs::read(folder.join(name)).unwrap() == fs::read(root().join(origin)).unwrap();
        assert!(same, "{name} is no copy of {origin}; copy it again: cp {origin} src/pipeline/selftest/data/{name}");
    }
}
