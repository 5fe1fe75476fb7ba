//! The JSON report is what `docs/report.schema.json` says, for every case, for every verb, every time the same.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod support_schema;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::process::Output;
use support::{Case, all, assert_none, cases, root, run};
use support_schema::{Node, Schema};

const AT: [&str; 2] = ["--at", "2026-11-20T00:00:00Z"];

fn schema() -> Schema {
    Schema::parse(&std::fs::read_to_string(root().join("docs/report.schema.json")).unwrap())
}

/// What is wrong with a report.
fn complaints(schema: &Schema, output: &Output) -> Vec<String> {
    let report: Node = match serde_json::from_slice(&output.stdout) {
        Ok(report) => report,
        Err(error) => return vec![format!("no JSON: {error}")],
    };
    let mut wrong: Vec<String> = schema.judge(&report).err().into_iter().collect();
    if !output.stdout.ends_with(b"}\n") {
        wrong.push("the report does not end with one line feed".into());
    }
    let paths: Vec<Vec<u8>> = report.get("entries").map_or(&[][..], Node::items).iter().map(path_of).collect();
    if !paths.is_sorted() {
        wrong.push("entries are not sorted by the bytes of their paths".into());
    }
    let counted: f64 = ["pinned", "evidence", "set_aside", "contradicted", "listed", "unlisted"]
        .map(|word| summary(&report, word))
        .iter()
        .sum();
    let verified = report.get("command").is_some_and(|c| c.text() != "inspect") && report.get("summary").is_some();
    if verified && counted != summary(&report, "entries") {
        wrong.push("the standings of the summary do not add up to its entries".into());
    }
    wrong
}

fn summary(report: &Node, word: &str) -> f64 {
    match report.get("summary").and_then(|summary| summary.get(word)) {
        Some(Node::Number(number)) => number.as_f64().unwrap(),
        _ => 0.0,
    }
}

fn path_of(entry: &Node) -> Vec<u8> {
    match entry.get("path_bytes") {
        Some(encoded) => BASE64_STANDARD.decode(encoded.text()).unwrap(),
        None => entry.get("path").unwrap().text().as_bytes().to_vec(),
    }
}

fn with_clock(case: &Case) -> Vec<String> {
    let mut args = case.args();
    if !args.iter().any(|arg| arg == "--at") {
        args.extend(AT.map(String::from));
    }
    args.push("--json".into());
    args
}

#[test]
fn every_report_fits_the_schema_and_comes_out_the_same_again() {
    let schema = schema();
    assert_none(&all(&cases(), |case| {
        let args = with_clock(case);
        let first = run(&args);
        let mut wrong = complaints(&schema, &first);
        for jobs in ["1", "7"] {
            let parallel = if args[0] == "verify" { vec!["--jobs", jobs] } else { Vec::new() };
            let again = run(&[args.iter().map(String::as_str).collect::<Vec<_>>(), parallel].concat());
            // A command line that cannot be parsed has no clock but that of the machine.
            if case.name().ends_with("usage-bad-time") {
                continue;
            }
            if (&again.stdout, again.status.code()) != (&first.stdout, first.status.code()) {
                wrong.push(format!("another report with --jobs {jobs}"));
            }
        }
        wrong.into_iter().map(|what| format!("{}: {what}", case.name())).collect()
    }));
}

#[test]
fn every_report_of_inspect_fits_the_schema() {
    let schema = schema();
    let verified: Vec<Case> = cases().into_iter().filter(|case| case.args[0] == "verify").collect();
    assert_none(&all(&verified, |case| {
        let input = case.args().swap_remove(1);
        let output = run(&["inspect", &input, "--json", AT[0], AT[1]]);
        let mut wrong = complaints(&schema, &output);
        let expected: &[i32] = if case.exit == 24 {
            &[0, 24]
        } else if case.exit == 4 {
            &[4]
        } else {
            &[0]
        };
        if !output.status.code().is_some_and(|code| expected.contains(&code)) {
            wrong.push(format!("inspect ends with {:?}", output.status.code()));
        }
        wrong.into_iter().map(|what| format!("{}: {what}", case.name())).collect()
    }));
}

#[test]
fn every_report_of_a_vulnerability_fits_the_schema() {
    let schema = schema();
    let inputs: Vec<Case> =
        cases().into_iter().filter(|case| case.args[0] == "verify" && case.name().contains("trivy")).collect();
    assert!(inputs.len() > 100);
    assert_none(&all(&inputs, |case| {
        let input = case.args().swap_remove(1);
        let output = run(&["inspect", &input, "--json", AT[0], AT[1], "--advisory", "CVE-2026-10002"]);
        let mut wrong = complaints(&schema, &output);
        let report: Option<Node> = serde_json::from_slice(&output.stdout).ok();
        let advisory = report.as_ref().and_then(|report| report.get("trivy")?.get("advisory"));
        // What was asked for is answered, whatever the input is; an error has no answer.
        let errs = output.status.code() == Some(4);
        if !errs && advisory.and_then(|advisory| advisory.get("id")).map(Node::text) != Some("CVE-2026-10002") {
            wrong.push("nothing is said of the vulnerability".into());
        }
        wrong.into_iter().map(|what| format!("{}: {what}", case.name())).collect()
    }));
}

#[test]
fn names_that_are_not_utf_8_lose_nothing() {
    let bundle = root().join("fixtures/devportal/unlisted-name-not-utf8/devportal-offline-bundle.tgz");
    let output = run(&["verify", bundle.to_str().unwrap(), "--json", AT[0], AT[1]]);
    let report: Node = serde_json::from_slice(&output.stdout).unwrap();
    let wanted = b"portal/\xff\xfe.html".to_vec();
    let entries = report.get("entries").unwrap().items();
    let entry = entries.iter().find(|entry| entry.get("path_bytes").is_some()).unwrap();
    assert_eq!(path_of(entry), wanted);
    assert_eq!(entry.get("path").unwrap().text(), "portal/\u{fffd}\u{fffd}.html");
    let checks = report.get("checks").unwrap().items();
    let subject = checks.iter().find_map(|check| check.get("subject_bytes")).unwrap();
    assert_eq!(BASE64_STANDARD.decode(subject.text()).unwrap(), wanted);
}

#[cfg(unix)]
#[test]
fn the_name_of_an_input_loses_nothing_either() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"bundle\xff\x1b[2J.tgz");
    let path = folder.path().join(name);
    for content in [None, Some(b"".as_slice())] {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let output = run(&["verify".as_ref(), path.as_os_str(), "--json".as_ref()]);
        assert_none(&complaints(&schema(), &output));
        let report: Node = serde_json::from_slice(&output.stdout).unwrap();
        let bytes = report.get("subject").unwrap().get("name_bytes").unwrap();
        assert_eq!(BASE64_STANDARD.decode(bytes.text()).unwrap(), name.as_bytes());
        assert_eq!(support::hostile(&output.stdout).or(support::hostile(&output.stderr)), None);
    }
}

#[test]
fn the_validator_refuses_what_it_should() {
    let schema = Schema::parse(
        r#"{"type": "object", "additionalProperties": false, "required": ["a"],
            "properties": {"a": {"enum": ["x", 1]}, "b": {"type": ["integer", "null"], "minimum": 0}}}"#,
    );
    let judge = |text: &str| schema.judge(&serde_json::from_str(text).unwrap()).is_ok();
    assert!(judge(r#"{"a": "x"}"#) && judge(r#"{"a": 1, "b": 0}"#) && judge(r#"{"a": "x", "b": null}"#));
    for bad in [
        "[]",
        "{}",
        r#"{"a": "y"}"#,
        r#"{"b": 1, "a": "x"}"#,
        r#"{"a": "x", "a": "x"}"#,
        r#"{"a": "x", "b": -1}"#,
        r#"{"a": "x", "b": "1"}"#,
        r#"{"a": "x", "c": 1}"#,
    ] {
        assert!(!judge(bad), "{bad}");
    }
    let open = std::panic::catch_unwind(|| Schema::parse(r#"{"type": "object"}"#));
    let unknown = std::panic::catch_unwind(|| Schema::parse(r#"{"uniqueItems": true}"#));
    assert!(open.is_err() && unknown.is_err());
}
