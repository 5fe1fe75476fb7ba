//! What tests of `diff` share: running it, with every report judged by the schema, and folders to run it on.

#![allow(dead_code, reason = "each test uses a part of it")]

use super::support::{hostile, root, run};
use super::support_schema::{Node, Schema};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

pub(crate) const AT: [&str; 2] = ["--at", "2026-11-20T00:00:00Z"];

pub(crate) fn fixture(name: &str) -> String {
    root().join("fixtures").join(name).to_str().unwrap().to_string()
}

/// The report in the output of a run, judged by the schema.
pub(crate) fn judged(output: &Output, what: &str) -> Value {
    let schema = Schema::parse(&fs::read_to_string(root().join("docs/report.schema.json")).unwrap());
    let report: Node = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{what}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
    schema.judge(&report).unwrap_or_else(|why| panic!("{what}: {why}"));
    assert_eq!(hostile(&output.stdout), None, "{what}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The report on two inputs and the exit code.
pub(crate) fn diff(old: &str, new: &str, more: &[&str]) -> (Value, i32) {
    let output = run(&[&["diff", old, new, "--json", AT[0], AT[1]], more].concat());
    (judged(&output, &format!("{old} {new}")), output.status.code().unwrap())
}

/// The text on two inputs and the exit code.
pub(crate) fn text(old: &str, new: &str, more: &[&str]) -> (String, i32) {
    let output = run(&[&["diff", old, new, AT[0], AT[1]], more].concat());
    assert_eq!(hostile(&output.stdout), None, "{old} {new}");
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// What is said on standard error, on one line, and the exit code.
pub(crate) fn refusal(old: &str, new: &str, more: &[&str]) -> (String, i32) {
    let output = run(&[&["diff", old, new], more].concat());
    assert!(output.stdout.is_empty(), "{old} {new}: {}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8(output.stderr).unwrap();
    (said.split_whitespace().collect::<Vec<_>>().join(" "), output.status.code().unwrap())
}

/// Two folders, `old` and `new`, with these files.
pub(crate) fn folders(old: &[(&str, &str)], new: &[(&str, &str)]) -> (TempDir, String, String) {
    let place = tempfile::tempdir().unwrap();
    for (side, files) in [("old", old), ("new", new)] {
        fs::create_dir(place.path().join(side)).unwrap();
        for (name, content) in files {
            write(&place.path().join(side).join(name), content.as_bytes());
        }
    }
    let name = |side: &str| place.path().join(side).to_str().unwrap().to_string();
    let (old, new) = (name("old"), name("new"));
    (place, old, new)
}

/// A file in a folder that is made where it is not there.
pub(crate) fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}
