//! `diff` on the pairs under `fixtures/diff`: what must come out stands in their `case.toml` and `expected.json`.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod support_schema;

use serde_json::Value;
use std::collections::BTreeSet;
use support::{Case, all, assert_none, hostile, pairs, root};
use support_schema::{Node, Schema};

#[test]
fn every_pair_comes_out_as_it_says() {
    let pairs = pairs();
    assert!(pairs.len() >= 15, "{}", pairs.len());
    assert_none(&all(&pairs, |case| {
        judge(case).into_iter().map(|what| format!("{} ({}): {what}", case.name(), case.title)).collect()
    }));
}

fn judge(case: &Case) -> Vec<String> {
    let mut wrong = Vec::new();
    let (output, text) = (case.run(&["--json"]), case.run(&[]));
    let mut expect = |what: &str, expected: String, found: String| {
        if expected != found {
            wrong.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    for (form, output) in [("JSON", &output), ("text", &text)] {
        expect(&format!("exit in {form}"), format!("{:?}", Some(case.exit)), format!("{:?}", output.status.code()));
        expect("raw", "None".into(), format!("{:?}", hostile(&output.stdout)));
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let valid = serde_json::from_slice(&output.stdout).map(|node: Node| schema().judge(&node));
    expect("by the schema", "Ok(Ok(()))".into(), format!("{valid:?}"));
    expect("verdict", format!("{:?}", case.verdict), report["verdict"].to_string());
    let failed: Vec<&Value> = ["/old", "/new", "/delta", "/delta/bundle"]
        .iter()
        .filter_map(|part| report.pointer(&format!("{part}/checks"))?.as_array())
        .flatten()
        .filter(|check| check["status"] == "fail")
        .collect();
    let ids: BTreeSet<&str> = failed.iter().filter_map(|check| check["id"].as_str()).collect();
    let expected: BTreeSet<&str> = case.failing.iter().map(String::as_str).collect();
    expect("failing", format!("{expected:?}"), format!("{ids:?}"));
    if let Some(subject) = &case.subject {
        let named = failed.iter().any(|check| check["subject"] == subject.as_str());
        expect("subject of a failing check", "true".into(), named.to_string());
    }
    if let Ok(text) = std::fs::read(case.folder.join("expected.json")) {
        let expected = serde_json::from_slice(&text).unwrap();
        contains(&report, &expected, "", &mut wrong);
    }
    wrong
}

fn schema() -> Schema {
    Schema::parse(&std::fs::read_to_string(root().join("docs/report.schema.json")).unwrap())
}

/// What `expected` says is in `found`: of objects the members that it names, lists element by element.
fn contains(found: &Value, expected: &Value, at: &str, wrong: &mut Vec<String>) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (name, value) in expected {
                contains(found.get(name).unwrap_or(&Value::Null), value, &format!("{at}/{name}"), wrong);
            }
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            for (number, (found, expected)) in found.iter().zip(expected).enumerate() {
                contains(found, expected, &format!("{at}/{number}"), wrong);
            }
        }
        _ if found == expected => {}
        _ => wrong.push(format!("{at}: expected {expected}, found {found}")),
    }
}
