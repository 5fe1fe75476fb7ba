//! `diff`: what it finds, what it says, and with which exit code.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod support_schema;

use portcullis::format::bbolt::{Database, Event, PageSource};
use portcullis::format::compress::{GzipReader, StreamFacts};
use portcullis::format::trivy_db::compare::Compared;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{all, assert_none, cases, hostile, root, run};
use support_schema::{Node, Schema};
use tempfile::TempDir;

const AT: [&str; 2] = ["--at", "2026-11-20T00:00:00Z"];

fn schema() -> Schema {
    Schema::parse(&fs::read_to_string(root().join("docs/report.schema.json")).unwrap())
}

/// The report on two inputs and the exit code.
fn diff(old: &str, new: &str, more: &[&str]) -> (Value, i32) {
    let output = run(&[&["diff", old, new, "--json", AT[0], AT[1]], more].concat());
    let report: Node = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{old} {new}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
    schema().judge(&report).unwrap_or_else(|why| panic!("{old} {new}: {why}"));
    assert_eq!(hostile(&output.stdout), None, "{old} {new}");
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
}

fn text(old: &str, new: &str, more: &[&str]) -> (String, i32) {
    let output = run(&[&["diff", old, new, AT[0], AT[1]], more].concat());
    assert_eq!(hostile(&output.stdout), None, "{old} {new}");
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

fn fixture(name: &str) -> String {
    root().join("fixtures").join(name).to_str().unwrap().to_string()
}

const GOOD: &str = "devportal/good-envelope-beside/devportal-offline-bundle.tgz";
const ALTERED: &str = "devportal/entry-altered/devportal-offline-bundle.tgz";
const CUT: &str = "devportal/truncated-in-data/devportal-offline-bundle.tar";

fn trust() -> Vec<String> {
    let key = root().join("keys-example/ed25519.pub.pem").to_str().unwrap().to_string();
    vec!["--key".into(), key, "--allow-example-keys".into()]
}

// ---- pairs of all sorts --------------------------------------------------------------------------------------------

/// Inputs of the cases, each with the next of its kind, and every third of all.
fn pairs() -> Vec<(String, String)> {
    let inputs: Vec<(String, String)> = cases()
        .into_iter()
        .filter(|case| case.args[0] == "verify" && case.verdict != "error")
        .map(|case| (case.name().split('/').next().unwrap().to_string(), case.args().swap_remove(1)))
        .filter(|(_, input)| Path::new(input).exists())
        .collect();
    let alike = inputs.windows(2).filter(|pair| pair[0].0 == pair[1].0);
    alike.step_by(3).map(|pair| (pair[0].1.clone(), pair[1].1.clone())).collect()
}

fn counts(report: &Value) -> BTreeMap<String, u64> {
    let summary = report.pointer("/changes/summary").and_then(Value::as_object);
    summary.into_iter().flatten().map(|(name, count)| (name.clone(), count.as_u64().unwrap())).collect()
}

/// Rows as (path, change, old, new), the two sides exchanged and the words too.
fn reversed(report: &Value) -> Vec<String> {
    let word = |change: &str| match change {
        "added" => "removed".to_string(),
        "removed" => "added".to_string(),
        other => other.to_string(),
    };
    rows(report, |row| format!("{} {} {}", word(row["change"].as_str().unwrap()), row["new"], row["old"]))
}

fn rows(report: &Value, row: impl Fn(&Value) -> String) -> Vec<String> {
    let list = report.pointer("/changes/entries").and_then(Value::as_array).unwrap();
    let mut rows: Vec<String> = list.iter().map(row).collect();
    rows.sort();
    rows
}

#[test]
fn pairs_of_fixtures_add_up_and_can_be_turned_round() {
    let pairs = pairs();
    assert!(pairs.len() > 200, "{} pairs", pairs.len());
    assert_none(&all(&pairs, |(old, new)| {
        let mut wrong = Vec::new();
        let mut expect = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("{old} -> {new}: {what}"));
            }
        };
        let ((there, exit), (back, exit_back)) = (diff(old, new, &[]), diff(new, old, &[]));
        expect(exit == exit_back, "another exit code on the way back");
        let Some(changes) = there["changes"].as_object() else {
            expect(exit == 24 && back["changes"].is_null(), "no changes, and the container is not at fault");
            return wrong;
        };
        let identical = changes["identical"] == json!(true);
        let expected: &[i32] = if there["verdict"] == "failed" { &[24] } else { &[i32::from(!identical)] };
        expect(expected.contains(&exit), "the exit code does not fit");
        let rest = |counts: &BTreeMap<String, u64>| ["changed", "moved", "re_moded", "unchanged"].map(|w| counts[w]);
        let (a, b) = (counts(&there), counts(&back));
        expect(rest(&a) == rest(&b), "counts differ on the way back");
        let turned = ["added", "removed", "bytes_added", "bytes_removed"].map(|word| a[word]);
        expect(
            turned == ["removed", "added", "bytes_removed", "bytes_added"].map(|word| b[word]),
            "sums on the way back",
        );
        let plain = |row: &Value| format!("{} {} {}", row["change"].as_str().unwrap(), row["old"], row["new"]);
        expect(rows(&there, plain) == reversed(&back), "other rows on the way back");
        if there["changes"]["compared"] == "names-content-and-modes" {
            let total = |side: &str| there[side]["bytes"].as_u64().unwrap();
            expect(total("old") + a["bytes_added"] == total("new") + a["bytes_removed"], "bytes do not add up");
        }
        let (same, exit) = diff(old, old, &[]);
        expect(same["changes"]["identical"] == json!(true), "it differs from itself");
        expect(exit == 0 || exit == 24, "an exit code other than 0 for the same");
        let (page, _) = text(old, new, &["--entries"]);
        let long = page.lines().find(|line| unicode_width::UnicodeWidthStr::width(*line) > 100);
        expect(long.is_none(), "a line of more than 100 columns");
        wrong
    }));
}

// ---- trust ---------------------------------------------------------------------------------------------------------

#[test]
fn without_trust_the_first_line_says_that_nothing_was_verified() {
    let (page, exit) = text(&fixture(GOOD), &fixture(ALTERED), &[]);
    assert!(page.starts_with("NOTHING WAS VERIFIED  "), "{page}");
    assert_eq!(exit, 1);
    let (report, _) = diff(&fixture(GOOD), &fixture(ALTERED), &[]);
    assert_eq!((&report["verdict"], &report["new"]["authentication"]["by"]), (&json!("not-verified"), &json!("none")));
    let (page, exit) = text(&fixture(GOOD), &fixture(GOOD), &[]);
    assert!(page.starts_with("NOTHING WAS VERIFIED  ") && page.contains("no difference was found"), "{page}");
    assert_eq!(exit, 0);
}

#[test]
fn a_side_that_does_not_verify_decides_before_the_difference() {
    let trust = trust();
    let trust: Vec<&str> = trust.iter().map(String::as_str).collect();
    let (good, altered) = (fixture(GOOD), fixture(ALTERED));
    for (old, new, exit, words) in [
        (&good, &good, 0, ["verified", "verified", "verified"]),
        (&good, &altered, 20, ["verified", "failed", "failed"]),
        (&altered, &good, 20, ["failed", "verified", "failed"]),
    ] {
        let (report, found) = diff(old, new, &trust);
        assert_eq!(found, exit, "{old} {new}");
        let verdicts = [&report["old"]["verdict"], &report["new"]["verdict"], &report["verdict"]];
        assert_eq!(verdicts.map(|verdict| verdict.as_str().unwrap()), words);
    }
    // A condition that is not met changes nothing of that.
    assert_eq!(diff(&good, &altered, &[&trust[..], &["--fail-on", "removed"]].concat()).1, 20);
    let (page, exit) = text(&good, &fixture("devportal/good-directory/tree"), &trust);
    assert!(page.starts_with("BOTH VERIFIED  "), "{page}");
    assert_eq!(exit, 0);
    let (report, exit) = diff(&good, &altered, &["--require", "integrity,complete"]);
    assert_eq!((exit, &report["old"]["verdict"]), (20, &json!("intact")));
}

#[test]
fn a_weaker_signature_is_a_step_back_and_stands_first() {
    let (report, _) = diff(&fixture("devportal/good-hmac-document/devportal-offline-bundle.tgz"), &fixture(GOOD), &[]);
    let fields: Vec<&Value> = report["changes"]["identity"].as_array().unwrap().iter().collect();
    assert!(fields.iter().all(|field| field["field"] != "schemes" || field["regression"] == json!(false)));
    let two = "devportal/good-two-of-two/devportal-offline-bundle.tgz";
    let (report, _) = diff(&fixture(two), &fixture(GOOD), &[]);
    let first = &report["changes"]["identity"][0];
    assert_eq!((&first["field"], &first["old"], &first["new"]), (&json!("signers"), &json!("2"), &json!("1")));
    assert_eq!((&first["regression"], report["changes"]["regressions"].as_u64() > Some(0)), (&json!(true), true));
    let (page, _) = text(&fixture(two), &fixture(GOOD), &[]);
    let place = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words}: {page}"));
    assert!(place("Steps back (") < place("What they are") && place("  signers: 2 -> 1") < place("What they are"));
    assert_eq!(text(&fixture(two), &fixture(GOOD), &["--fail-on", "regression"]).1, 1);
    assert_eq!(text(&fixture(GOOD), &fixture(two), &["--fail-on", "regression"]).1, 0);
}

// ---- exit codes and forms ------------------------------------------------------------------------------------------

#[test]
fn what_cannot_be_compared_is_not_compared() {
    let (report, exit) = diff(&fixture(GOOD), &fixture(CUT), &[]);
    assert_eq!((exit, &report["changes"], &report["new"]["verdict"]), (24, &Value::Null, &json!("failed")));
    let (page, exit) = text(&fixture(CUT), &fixture(GOOD), &[]);
    assert!(page.starts_with("MALFORMED  ") && page.contains("could not be read to its end"), "{page}");
    assert_eq!(exit, 24);
    assert_eq!(run(&["diff", &fixture(GOOD), "no-such-file", "--json"]).status.code(), Some(4));
    assert_eq!(run(&["diff", &fixture(GOOD)]).status.code(), Some(2));
    assert_eq!(run(&["diff", "-", "-", "--json"]).status.code(), Some(2));
    assert_eq!(run(&["diff", &fixture(GOOD), &fixture(GOOD), "--stat", "--name-only"]).status.code(), Some(2));
}

#[test]
fn the_short_forms_are_short() {
    let (old, new) = (fixture(GOOD), fixture(ALTERED));
    let (page, exit) = text(&old, &new, &["--unified", "portal/index.html"]);
    assert!(page.starts_with("--- old/portal/index.html\n+++ new/portal/index.html\n@@ -1,"), "{page}");
    assert_eq!(exit, 1);
    assert_eq!(run(&["diff", &old, &new, "--unified", "no/such/file"]).status.code(), Some(2));
    assert_eq!(text(&old, &new, &["--name-only"]), ("portal/index.html\n".to_string(), 1));
    let (page, _) = text(&old, &new, &["--stat"]);
    assert!(page.contains("changed            1") && !page.contains("portal/index.html"), "{page}");
    for (condition, exit) in
        [("added", 0), ("removed", 0), ("changed", 1), ("critical-removed", 0), ("added,changed", 1)]
    {
        let (report, found) = diff(&old, &new, &["--fail-on", condition]);
        assert_eq!(
            (found, report["fail_on"].as_array().unwrap().len()),
            (exit, condition.split(',').count()),
            "{condition}"
        );
    }
}

// ---- folders that the tests write ----------------------------------------------------------------------------------

/// Two folders with these files.
fn folders(old: &[(&str, &str)], new: &[(&str, &str)]) -> (TempDir, String, String) {
    let place = tempfile::tempdir().unwrap();
    for (side, files) in [("old", old), ("new", new)] {
        fs::create_dir(place.path().join(side)).unwrap();
        for (name, content) in files {
            let path = place.path().join(side).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
    let name = |side: &str| place.path().join(side).to_str().unwrap().to_string();
    let (old, new) = (name("old"), name("new"));
    (place, old, new)
}

#[test]
fn records_components_and_operations_are_compared_one_by_one() {
    let (_place, old, new) = folders(
        &[
            ("data/advisories.jsonl", "{\"id\":\"A-1\",\"severity\":\"low\"}\n{\"id\":\"A-2\"}\n"),
            ("data/vex.jsonl", "{\"id\":\"V-1\",\"status\":\"affected\"}\n"),
            ("sbom.cdx.json", r#"{"bomFormat":"CycloneDX","components":[{"name":"a","version":"1"}]}"#),
            ("specs/api.yaml", "openapi: 3.1.0\npaths:\n  /a:\n    get: {}\n"),
            ("other.json", "{\"x\":1}"),
        ],
        &[
            ("data/advisories.jsonl", "{\"id\":\"A-1\",\"severity\":\"high\"}\n{\"id\":\"A-3\"}\n"),
            ("data/vex.jsonl", "{\"id\":\"V-1\",\"status\":\"fixed\"}\n"),
            ("sbom.cdx.json", r#"{"bomFormat":"CycloneDX","components":[{"name":"a","version":"2"}]}"#),
            ("specs/api.yaml", "openapi: 3.1.0\npaths:\n  /a:\n    post: {}\n"),
            ("other.json", "{\"x\":2}"),
        ],
    );
    let (report, exit) = diff(&old, &new, &[]);
    assert_eq!(exit, 1);
    let document = |path: &str, holds: &str, counts: [u64; 4], steps: [Value; 2], rows: Value| {
        let [added, removed, changed, unchanged] = counts;
        let [status_changes, severity_changes] = steps;
        json!({
            "path": path, "holds": holds, "added": added, "removed": removed, "changed": changed, "unchanged": unchanged,
            "status_changes": status_changes, "severity_changes": severity_changes, "rows": rows, "rows_more": 0, "malformed": 0,
        })
    };
    let row =
        |id: &str, change: &str, old: Value, new: Value| json!({"id": id, "change": change, "old": old, "new": new});
    let step = |old: &str, new: &str| json!([{"old": old, "new": new, "count": 1}]);
    let null = Value::Null;
    let expected = json!([
        document(
            "data/advisories.jsonl",
            "advisories",
            [1, 1, 1, 0],
            [json!([]), step("low", "high")],
            json!([
                row("A-2", "removed", null.clone(), null.clone()),
                row("A-3", "added", null.clone(), null.clone()),
                row("A-1", "changed", null.clone(), null.clone()),
            ])
        ),
        document(
            "data/vex.jsonl",
            "vex",
            [0, 0, 1, 0],
            [step("affected", "fixed"), json!([])],
            json!([row("V-1", "changed", json!("affected"), json!("fixed")),])
        ),
        document(
            "sbom.cdx.json",
            "components",
            [0, 0, 1, 0],
            [json!([]), json!([])],
            json!([row("a", "changed", json!("1"), json!("2")),])
        ),
        document(
            "specs/api.yaml",
            "operations",
            [1, 1, 0, 0],
            [json!([]), json!([])],
            json!([
                row("GET /a", "removed", null.clone(), null.clone()),
                row("POST /a", "added", null.clone(), null.clone()),
            ])
        ),
    ]);
    assert_eq!(report["changes"]["semantic"]["documents"], expected);
    let (page, _) = text(&old, &new, &[]);
    for words in ["status affected -> fixed: 1", "severity low -> high: 1", "~ a  1 -> 2", "- GET /a"] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[test]
fn names_from_the_input_do_not_reach_the_terminal_raw() {
    let (_place, old, new) = folders(&[("a\u{1b}[2J\u{202e}b", "1"), ("x.jsonl", "{\"id\":\"\u{1b}[2J\"}")], &[]);
    for more in [&[][..], &["--name-only"], &["--entries"]] {
        let (page, _) = text(&old, &new, more);
        assert!(page.contains("a\\x1b[2J\\u{202e}b"), "{page}");
    }
    diff(&old, &new, &[]);
}

#[test]
fn modes_count_between_two_folders_and_not_between_a_folder_and_an_archive() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_place, old, new) = folders(&[("a", "1"), ("b", "2")], &[("a", "1"), ("c", "2")]);
    fs::set_permissions(Path::new(&new).join("a"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(Path::new(&old).join("a"), fs::Permissions::from_mode(0o644)).unwrap();
    let (report, _) = diff(&old, &new, &[]);
    let rows: Vec<(&str, &str)> = report["changes"]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["path"].as_str().unwrap(), row["change"].as_str().unwrap()))
        .collect();
    assert_eq!(rows, [("a", "re-moded"), ("c", "moved")]);
    let (report, exit) = diff(&fixture("devportal/good-directory/tree"), &fixture(GOOD), &["--no-sidecars"]);
    assert_eq!(report["changes"]["compared"], "names-and-content");
    assert_eq!((counts(&report)["unchanged"], exit), (11, 0));
}

#[test]
fn a_pipe_is_one_side() {
    let bytes = fs::read(fixture(ALTERED)).unwrap();
    let output = support::run_with_input(&["diff", &fixture(GOOD), "-", "--json", AT[0], AT[1]], &bytes);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), counts(&report)["changed"]), (Some(1), 1));
}

// ---- Trivy ---------------------------------------------------------------------------------------------------------

fn corpus() -> Option<PathBuf> {
    let corpus = root().join("../shared/corpus/trivy");
    if corpus.join("cases.json").is_file() {
        return Some(corpus);
    }
    eprintln!("SKIPPED: {} is not there", corpus.display());
    None
}

fn load(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let mut plain = Vec::new();
    GzipReader::new(&bytes[..], Arc::new(StreamFacts::default())).read_to_end(&mut plain).unwrap();
    plain
}

/// Every value by its way through the buckets.
fn dump<S: PageSource>(database: &Database<S>) -> BTreeMap<Vec<Vec<u8>>, Vec<u8>> {
    let (mut path, mut found) = (Vec::new(), BTreeMap::new());
    database
        .walk(|event| {
            match event {
                Event::Enter(name) => path.push(name.to_vec()),
                Event::Leave => drop(path.pop()),
                Event::Value(key, value) => {
                    let way: Vec<Vec<u8>> = path.iter().cloned().chain([key.to_vec()]).collect();
                    found.insert(way, value.to_vec());
                }
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

#[test]
fn two_databases_differ_as_their_dumps_do() {
    let Some(corpus) = corpus() else { return };
    let (older, newer) = (load(&corpus.join("trivy-a-older.db.gz")), load(&corpus.join("trivy-a.db.gz")));
    let (older, newer) = (Database::open(&older[..]).unwrap(), Database::open(&newer[..]).unwrap());
    let (a, b) = (dump(&older), dump(&newer));
    let compared = Compared::of(&older, &newer).unwrap();
    let sort = |way: &[Vec<u8>]| match way {
        [top, _] if top == b"vulnerability" => "vulnerabilities",
        [top, _] if top == b"data-source" => "sources",
        [_, _, _] => "advisories",
        _ => "other",
    };
    let count = |wanted: &str, holds: &dyn Fn(&Vec<Vec<u8>>) -> bool| {
        let ways: std::collections::BTreeSet<&Vec<Vec<u8>>> = a.keys().chain(b.keys()).collect();
        ways.into_iter().filter(|way| sort(way) == wanted && holds(way)).count() as u64
    };
    for (name, tally) in [
        ("vulnerabilities", compared.vulnerabilities.all),
        ("advisories", compared.advisories.all),
        ("sources", compared.sources),
    ] {
        assert_eq!(tally.added, count(name, &|way| !a.contains_key(way)), "{name}");
        assert_eq!(tally.removed, count(name, &|way| !b.contains_key(way)), "{name}");
        assert_eq!(tally.unchanged, count(name, &|way| a.get(way) == b.get(way)), "{name}");
        assert_eq!(
            tally.changed,
            count(name, &|way| a.get(way).zip(b.get(way)).is_some_and(|(a, b)| a != b)),
            "{name}"
        );
    }
    assert_eq!((compared.advisories.all.added, compared.advisories.all.unchanged), (29, 7));
    let back = Compared::of(&newer, &older).unwrap();
    assert_eq!((back.advisories.all.removed, back.critical_removed()), (29, 4));
    let names: Vec<&str> = compared.advised.items.iter().map(|advised| advised.id.as_str()).collect();
    assert_eq!(names[..4], ["CVE-2019-18224", "CVE-2020-9548", "CVE-2022-22965", "CVE-2019-10744"]);
}

#[test]
fn critical_advisories_that_are_gone_can_be_a_condition() {
    let Some(corpus) = corpus() else { return };
    let name = |file: &str| corpus.join(file).to_str().unwrap().to_string();
    let (older, newer) = (name("trivy-a-older.db.gz"), name("trivy-a.db.gz"));
    assert_eq!(diff(&older, &newer, &["--fail-on", "critical-removed"]).1, 0);
    let (report, exit) = diff(&newer, &older, &["--fail-on", "critical-removed"]);
    assert_eq!(exit, 1);
    let database = &report["changes"]["semantic"]["trivy"][0];
    assert_eq!(database["advisories"]["severities"]["CRITICAL"]["removed"], 4);
    assert_eq!(database["platforms_removed"].as_array().unwrap().len(), 11);
    assert_eq!(database["affected"][0]["fixed_old"], json!(["2.0.5-1+deb10u1"]));
}

#[test]
fn a_database_is_the_same_in_whatever_bundle_it_lies() {
    let (layout, flat) = (fixture("trivy-oci/good-own/trivy-db.oci.tar"), fixture("trivy-db/good-ed25519/db.bundle"));
    let (report, exit) = diff(&layout, &flat, &[]);
    assert_eq!(exit, 1);
    let database = &report["changes"]["semantic"]["trivy"][0];
    assert_eq!(database["advisories"]["added"], 0);
    assert!(database["advisories"]["unchanged"].as_u64().unwrap() > 0);
}

#[test]
fn images_are_compared_by_name_and_platform() {
    let (good, other) =
        (fixture("oci-layout/good/images.tar.gz"), fixture("oci-layout/unproven-foreign-layer/images.tar.gz"));
    let (report, _) = diff(&good, &other, &[]);
    let images = &report["changes"]["semantic"]["oci"];
    assert_eq!((&images["changed"], &images["unchanged"]), (&json!(2), &json!(1)));
    assert!(images["images"].as_array().unwrap().iter().any(|image| image["platform"] == "linux/amd64"));
}
