//! Small pairs of databases.

use super::*;
use crate::format::bbolt::build::{self, Node, Tree};
use proptest::prelude::*;

/// A database from lines `bucket/bucket/key = value`.
fn tree(lines: &[(&str, &str)]) -> Tree {
    let mut root = Tree::new();
    for (way, value) in lines {
        let mut names: Vec<&str> = way.split('/').collect();
        let key = names.pop().unwrap();
        let mut at = &mut root;
        for name in names {
            let node = at.entry(name.as_bytes().to_vec()).or_insert_with(|| Node::Bucket(Tree::new()));
            let Node::Bucket(next) = node else { panic!("{name} is a value") };
            at = next;
        }
        at.insert(key.as_bytes().to_vec(), Node::Value(value.as_bytes().to_vec()));
    }
    root
}

fn compare(old: &[(&str, &str)], new: &[(&str, &str)]) -> Compared {
    let (old, new) = (build::database(&tree(old), 4096), build::database(&tree(new), 512));
    Compared::of(&Database::open(&old[..]).unwrap(), &Database::open(&new[..]).unwrap()).unwrap()
}

const OLD: &[(&str, &str)] = &[
    ("Red Hat CPE/cpe/0", "x"),
    ("alpine 3.9/openssl/CVE-1", r#"{"FixedVersion":"1"}"#),
    ("alpine 3.9/openssl/CVE-2", r#"{"FixedVersion":"1"}"#),
    ("data-source/alpine 3.9", r#"{"ID":"alpine","Name":"A","URL":"u"}"#),
    ("debian 9/bash/CVE-3", "{}"),
    ("vulnerability/CVE-1", r#"{"Severity":"CRITICAL"}"#),
    ("vulnerability/CVE-2", r#"{"Severity":"LOW"}"#),
    ("vulnerability/CVE-3", r#"{"Severity":"CRITICAL","Title":"old"}"#),
];

const NEW: &[(&str, &str)] = &[
    ("Red Hat/openssl/RHSA-1", r#"{"Entries":[{"Cves":[{"ID":"CVE-2"},{"ID":"CVE-1"}],"FixedVersion":"1-el7"}]}"#),
    ("Red Hat CPE/cpe/0", "y"),
    ("alpine 3.10/openssl/CVE-1", r#"{"FixedVersion":"2"}"#),
    ("alpine 3.9/openssl/CVE-1", r#"{"FixedVersion":"1.1"}"#),
    ("alpine 3.9/openssl/CVE-2", r#"{"FixedVersion":"1"}"#),
    ("vulnerability/CVE-1", r#"{"Severity":"CRITICAL"}"#),
    ("vulnerability/CVE-2", r#"{"Severity":"HIGH"}"#),
];

#[test]
fn each_record_is_found_where_it_changed() {
    let found = compare(OLD, NEW);
    let tally = |added, removed, changed, unchanged| Tally { added, removed, changed, unchanged };
    assert_eq!(found.vulnerabilities.all, tally(0, 1, 1, 1));
    assert_eq!(found.advisories.all, tally(2, 1, 1, 1));
    assert_eq!(found.sources, tally(0, 1, 0, 0));
    assert_eq!(found.tables, tally(0, 0, 1, 0));
    assert_eq!(found.rated_anew, BTreeMap::from([((Severity::Low, Severity::High), 1)]));
    let rated: Vec<_> = found.rated.items.iter().map(|r| (r.fate, r.id.as_str(), r.old, r.new)).collect();
    let expected = [
        (Fate::Removed, "CVE-3", Some(Severity::Critical), None),
        (Fate::Changed, "CVE-2", Some(Severity::Low), Some(Severity::High)),
    ];
    assert_eq!(rated, expected);
    let advised: Vec<String> = found
        .advised
        .items
        .iter()
        .map(|a| format!("{} {} {} {} {:?} {:?}", a.fate.name(), a.id, a.platform, a.package, a.fixed_old, a.fixed_new))
        .collect();
    let expected = [
        r#"added RHSA-1 Red Hat openssl [] ["1-el7"]"#,
        r#"added CVE-1 alpine 3.10 openssl [] ["2"]"#,
        r#"changed CVE-1 alpine 3.9 openssl ["1"] ["1.1"]"#,
        "removed CVE-3 debian 9 bash [] []",
    ];
    assert_eq!(advised, expected);
    assert_eq!(found.platforms_added.items, ["Red Hat", "alpine 3.10"]);
    assert_eq!(found.platforms_removed.items, ["debian 9"]);
    assert_eq!(found.ecosystems["alpine"].all, tally(1, 0, 1, 1));
    assert_eq!(found.ecosystems["debian"].severities[&Severity::Critical], tally(0, 1, 0, 0));
    assert_eq!(found.critical_removed(), 2);
    assert_eq!(found.source_changes.items[0].old.as_ref().unwrap().id, "alpine");
}

#[test]
fn releases_of_one_distribution_are_one_ecosystem() {
    let cases = [
        ("npm::GitHub Security Advisory Npm", "npm"),
        ("alpine 3.10", "alpine"),
        ("alpine edge", "alpine"),
        ("Oracle Linux 7", "Oracle Linux"),
        ("Red Hat", "Red Hat"),
        ("", ""),
    ];
    for (platform, family) in cases {
        assert_eq!(ecosystem(platform), family);
    }
}

#[test]
fn a_bucket_and_a_value_of_one_name_are_two_things() {
    let found = compare(&[("p/x", "1")], &[("p/x/CVE-1", "{}")]);
    assert_eq!((found.misplaced.removed, found.advisories.all.added), (1, 1));
}

#[test]
fn lists_end_and_counts_do_not() {
    let many: Vec<(String, String)> = (0..MAX_LISTED + 5)
        .flat_map(|n| {
            let record = (format!("vulnerability/CVE-{n:06}"), r#"{"Severity":"HIGH"}"#.to_string());
            [record, (format!("a 1/p/CVE-{n:06}"), "{}".to_string())]
        })
        .collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(way, value)| (way.as_str(), value.as_str())).collect();
    let found = compare(&[], &many);
    assert_eq!((found.rated.items.len(), found.rated.more), (MAX_LISTED, 5));
    assert_eq!((found.advised.items.len(), found.advised.more), (MAX_LISTED, 5));
    assert_eq!(found.advisories.all.added, MAX_LISTED as u64 + 5);
}

#[test]
fn many_severities_are_read_at_once_and_come_out_the_same() {
    let words = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];
    let most = MAX_LOOKED_UP as usize + 50;
    let many: Vec<(String, String)> = (0..most)
        .flat_map(|n| {
            let record = (format!("vulnerability/CVE-{n:06}"), format!(r#"{{"Severity":"{}"}}"#, words[n % 4]));
            [record, (format!("a 1/p/CVE-{n:06}"), "{}".to_string())]
        })
        .chain([("a 1/p/NONE-1".to_string(), "{}".to_string())])
        .collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(way, value)| (way.as_str(), value.as_str())).collect();
    let found = compare(&[], &many).advisories.severities;
    for (word, severity) in words.iter().zip(Severity::ALL) {
        let expected = (0..most).filter(|n| words[n % 4] == *word).count() as u64;
        assert_eq!(found[&severity].added, expected, "{word}");
    }
    assert_eq!(found[&Severity::Unknown].added, 1);
}

fn lines() -> impl Strategy<Value = Vec<(String, String)>> {
    let way = prop_oneof![
        Just("vulnerability/".to_string()),
        Just("data-source/".to_string()),
        "[a-c]( 1)?/[a-c]/".prop_map(|way| way),
        "[a-c]( 1)?/".prop_map(|way| format!("{way}q/")),
    ];
    let value = prop_oneof![
        Just("{}".to_string()),
        Just("[]".to_string()),
        Just(r#"{"Severity":"HIGH"}"#.to_string()),
        Just(r#"{"Severity":"CRITICAL","FixedVersion":"1"}"#.to_string()),
    ];
    proptest::collection::btree_map((way, "CVE-[0-5]").prop_map(|(way, key)| way + &key), value, 0..12)
        .prop_map(|lines| lines.into_iter().collect())
}

fn turned(tally: Tally) -> Tally {
    Tally { added: tally.removed, removed: tally.added, ..tally }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_way_back_is_the_way_there_reversed(a in lines(), b in lines()) {
        let a: Vec<(&str, &str)> = a.iter().map(|(w, v)| (w.as_str(), v.as_str())).collect();
        let b: Vec<(&str, &str)> = b.iter().map(|(w, v)| (w.as_str(), v.as_str())).collect();
        let (there, back) = (compare(&a, &b), compare(&b, &a));
        prop_assert_eq!(turned(there.vulnerabilities.all), back.vulnerabilities.all);
        prop_assert_eq!(turned(there.advisories.all), back.advisories.all);
        prop_assert_eq!(turned(there.sources), back.sources);
        let turn = |group: &Group| -> BTreeMap<Severity, Tally> {
            group.severities.iter().map(|(severity, tally)| (*severity, turned(*tally))).collect()
        };
        prop_assert_eq!(turn(&there.advisories), back.advisories.severities.clone());
        prop_assert_eq!(there.advised.items.len(), back.advised.items.len());
        prop_assert_eq!(&there.platforms_added, &back.platforms_removed);
        let counted = there.advisories.all;
        let advisories = |lines: &[(&str, &str)]| lines.iter().filter(|(way, _)| way.split('/').count() == 3).count() as u64;
        prop_assert_eq!(counted.removed + counted.changed + counted.unchanged, advisories(&a));
        prop_assert_eq!(counted.added + counted.changed + counted.unchanged, advisories(&b));
        prop_assert!(compare(&a, &a).is_empty());
    }
}
