//! Every case under `fixtures/`, run through the program: what must come out stands in its `case.toml`.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use portcullis::format::anomaly::Defect;
use portcullis::trust::check::CHECKS;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Output;
use support::{Case, all, assert_none, cases, hostile, json, pairs};

/// Checks that never end with `fail`, by design.
const NEVER_FAIL: [(&str, &str); 12] = [
    ("container", "the row that says that no defect was found; each defect has an id of its own"),
    ("signature-unread", "a signature in a form that is not read is named, and proves nothing in either direction"),
    (
        "blob-second-opinion",
        "no signature is known that is good to one judge and not to the other; unit tests make it fail",
    ),
    ("set-aside", "files that nothing can vouch for are named; a list that contradicts one fails entry-digest"),
    ("evidence-external", "artefacts that lie elsewhere by design can be listed, not compared"),
    ("oci-absent", "a sparse layout is not complete, and nothing in it is wrong"),
    ("site-policy", "pages are not searched for references, which the check says"),
    ("determinism", "times and modes are a hint: no document binds them"),
    ("timestamp", "timestamp tokens are told and not read"),
    ("tuf", "it only says that a bundle carries no TUF metadata; what metadata fails has rows of its own"),
    ("transparency", "no kind of this version checks log proofs, which the check says"),
    ("sequence", "it only says that a kind has no order; a delta has rows of its own"),
];

#[test]
fn every_case_comes_out_as_it_says() {
    assert_none(&all(&cases(), |case| {
        let mut wrong = Vec::new();
        judge_json(case, &case.run(&["--json"]), &mut wrong);
        judge_text(case, &case.run(&[]), &mut wrong);
        wrong.into_iter().map(|what| format!("{} ({}): {what}", case.name(), case.title)).collect()
    }));
}

fn judge_json(case: &Case, output: &Output, wrong: &mut Vec<String>) {
    let mut expect = |what: &str, expected: String, found: String| {
        if expected != found {
            wrong.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    expect("exit", format!("{:?}", Some(case.exit)), format!("{:?}", output.status.code()));
    let report = match json(output) {
        Ok(report) => report,
        Err(why) => return wrong.push(why),
    };
    let text = |at: &str| report.pointer(at).and_then(|v| v.as_str()).unwrap_or("nothing").to_string();
    expect("verdict", case.verdict.clone(), text("/verdict"));
    expect("exit_code", case.exit.to_string(), report["exit_code"].to_string());
    if let Some(kind) = &case.kind {
        expect("kind", kind.clone(), text("/kind/id"));
    }
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    let failed: Vec<_> = checks.iter().filter(|check| check["status"] == "fail").collect();
    let ids: BTreeSet<&str> = failed.iter().filter_map(|check| check["id"].as_str()).collect();
    expect(
        "failing",
        format!("{:?}", case.failing.iter().map(String::as_str).collect::<BTreeSet<_>>()),
        format!("{ids:?}"),
    );
    if let Some(subject) = &case.subject
        && case.verdict == "failed"
    {
        let subjects: Vec<&str> = failed.iter().filter_map(|check| check["subject"].as_str()).collect();
        expect("subject of a failing check", "true".into(), subjects.contains(&subject.as_str()).to_string());
    }
    let entries = report["entries"].as_array().cloned().unwrap_or_default();
    let standings: BTreeMap<&str, &str> =
        entries.iter().filter_map(|entry| Some((entry["path"].as_str()?, entry["standing"].as_str()?))).collect();
    for (path, standing) in &case.standings {
        let found = standings.get(path.as_str()).copied().unwrap_or("no such entry");
        expect(&format!("standing of {path}"), standing.clone(), found.to_string());
    }
    if let Some(what) = hostile(&output.stdout).or(hostile(&output.stderr)) {
        wrong.push(format!("raw in the JSON or on standard error: {what}"));
    }
}

/// The word with which the text of a verdict begins.
fn headline(verdict: &str) -> &'static str {
    match verdict {
        "verified" => "VERIFIED  ",
        "intact" => "INTACT  ",
        "not-verified" => "NOT VERIFIED  ",
        "failed" => "FAILED  ",
        _ => "",
    }
}

fn judge_text(case: &Case, output: &Output, wrong: &mut Vec<String>) {
    if output.status.code() != Some(case.exit) {
        wrong.push(format!("exit in text: expected {}, found {:?}", case.exit, output.status.code()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    if case.verdict == "error" {
        let message = String::from_utf8_lossy(&output.stderr);
        if !text.is_empty() || message.trim().is_empty() {
            wrong.push(format!("an error: expected a message on standard error alone, found {text:?} and {message:?}"));
        }
    } else if !text.starts_with(headline(&case.verdict)) {
        wrong.push(format!(
            "text: expected it to begin with {:?}, found {:?}",
            headline(&case.verdict),
            text.lines().next()
        ));
    }
    for id in &case.failing {
        if !text.contains(&format!("x {id} (")) {
            wrong.push(format!("text: {id} is not among the failures"));
        }
    }
    if let Some(line) = text.lines().find(|line| unicode_width::UnicodeWidthStr::width(*line) > 100) {
        wrong.push(format!("text: a line of more than 100 columns: {line}"));
    }
    if let Some(what) = hostile(&output.stdout).or(hostile(&output.stderr)) {
        wrong.push(format!("raw in the text or on standard error: {what}"));
    }
}

#[test]
fn there_are_enough_cases_and_their_names_tell_what_they_are() {
    let cases = cases();
    let good = cases.iter().filter(|case| case.verdict == "verified").count();
    let bad = cases.iter().filter(|case| case.verdict == "failed").count();
    assert!(good >= 12, "{good} good cases");
    assert!(bad >= 40, "{bad} bad cases");
    for case in &cases {
        let name = case.name();
        let (_, own) = name.split_once('/').unwrap();
        let verdicts: &[&str] = match own.split('-').next().unwrap() {
            "good" => &["verified", "intact"],
            "intact" => &["intact"],
            "unproven" => &["not-verified"],
            "usage" | "environment" => &["error"],
            _ => &["failed"],
        };
        assert!(verdicts.contains(&case.verdict.as_str()), "{name}: {}", case.verdict);
        assert_eq!(case.exit == 0, ["verified", "intact"].contains(&case.verdict.as_str()), "{name}");
        assert!(case.failing.is_sorted(), "{name}");
    }
}

#[test]
fn every_check_that_can_fail_is_made_to_fail_by_some_case() {
    let mut made: BTreeSet<String> = cases().into_iter().chain(pairs()).flat_map(|case| case.failing).collect();
    // TUF repositories are made in memory, because each state of one needs new signatures: `.bad("ID", …)` asserts a failure.
    for file in ["tests/tuf.rs", "tests/tuf_targets.rs", "tests/tuf_second_opinion.rs"] {
        let text = std::fs::read_to_string(support::root().join(file)).unwrap();
        let ids = text.split(".bad(\"").skip(1).filter_map(|rest| rest.split_once('"'));
        made.extend(ids.map(|(id, _)| id.to_string()));
    }
    let known: BTreeSet<&str> = CHECKS.iter().map(|c| c.id).chain(Defect::ALL.iter().map(|d| d.id())).collect();
    let never: BTreeSet<&str> = NEVER_FAIL.iter().map(|(id, _)| *id).collect();
    let unknown: Vec<_> = made.iter().filter(|id| !known.contains(id.as_str())).collect();
    assert!(unknown.is_empty(), "cases name checks that do not exist: {unknown:?}");
    assert!(never.is_subset(&known), "the list of checks that never fail names one that does not exist");
    for id in known {
        let (fails, never) = (made.contains(id), never.contains(id));
        assert!(fails || never, "no case makes {id} fail");
        assert!(!(fails && never), "{id} is said never to fail, and a case makes it fail");
    }
}
