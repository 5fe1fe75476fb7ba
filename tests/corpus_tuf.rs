//! Repositories and roots made by others (awslabs/tough, python-tuf, tuf-on-ci), with known outcomes.
//!
//! They lie beside the project, in `../shared/corpus/tuf`, or below the folder that `PORTCULLIS_CORPUS` names; without them
//! the test says so and passes.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use portcullis::format::time::parse_rfc3339;
use portcullis::trust::tuf::Client;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn corpus() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("PORTCULLIS_CORPUS").map_or_else(beside, PathBuf::from).join("tuf");
    folder.join("cases.json").is_file().then_some(folder)
}

#[test]
fn every_case_comes_out_as_expected() {
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus at ../shared/corpus/tuf and PORTCULLIS_CORPUS is not set");
        return;
    };
    let cases: Value = serde_json::from_slice(&fs::read(corpus.join("cases.json")).unwrap()).unwrap();
    let cases = cases["cases"].as_array().unwrap();
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let passed = if case["kind"] == "root-only" { root_only(&corpus, case) } else { repository(&corpus, case) };
        match case["expect"].as_str().unwrap() {
            "pass" => assert!(passed, "{id}"),
            "fail" => assert!(!passed, "{id}"),
            "any" => println!("{id}: {}", if passed { "accepted" } else { "refused" }),
            other => panic!("{id}: unknown outcome {other}"),
        }
    }
    assert_eq!(cases.len(), 16);
}

fn root_only(corpus: &Path, case: &Value) -> bool {
    let bytes = fs::read(corpus.join(case["root"].as_str().unwrap())).unwrap();
    let at = parse_rfc3339(case["at"].as_str().unwrap()).unwrap();
    match Client::start(&bytes, at).and_then(|(client, _)| client.check_root_expiry()) {
        Ok(_) => true,
        Err(why) => {
            println!("{}: {why}", case["id"]);
            false
        }
    }
}

fn repository(corpus: &Path, case: &Value) -> bool {
    let scratch = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(["tuf", "verify", "--json", "--at", case["at"].as_str().unwrap()]);
    for (option, field) in
        [("--metadata-dir", "metadata_dir"), ("--targets-dir", "targets_dir"), ("--tuf-root", "trusted_root")]
    {
        if let Some(path) = case[field].as_str() {
            command.arg(option).arg(corpus.join(path));
        }
    }
    if let Some(target) = case["target"].as_str() {
        command.args(["--target", target]).arg("--out").arg(scratch.path().join("out"));
    }
    command.arg("--datastore").arg(scratch.path().join("datastore"));
    let first = command.output().unwrap();
    let code = first.status.code().unwrap();
    assert!(code == 0 || code == 22, "{}: {}", case["id"], String::from_utf8_lossy(&first.stderr));
    // The same again carries on from what the first run stored.
    assert_eq!(command.output().unwrap().status.code(), Some(code), "{}", case["id"]);
    if let (0, Some(target)) = (code, case["target"].as_str()) {
        assert!(scratch.path().join("out").join(target.replace('/', "%2F")).is_file());
    }
    code == 0
}
