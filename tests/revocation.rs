//! `portcullis revocation verify` from run to run: what a state remembers, what replaces it, and what leaves it as it is.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use support::{json, root, run};

const LIST: &str = "revocation-bundle.json";

/// A folder of lists, and a state in it that is not there yet.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Bench { dir: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state.json")
    }

    /// Verifies the list of a case with this state, and with the key unless `more` says `no-key`; exit code and report.
    fn verify(&self, case: &str, more: &[&str]) -> (i32, serde_json::Value) {
        let list = root().join("fixtures/revocation").join(case).join(LIST);
        let key = root().join("keys-example/ecdsa-p256.pub.pem");
        let state = self.state();
        let mut args =
            vec!["revocation", "verify", list.to_str().unwrap(), "--state", state.to_str().unwrap(), "--json"];
        if !more.contains(&"no-key") {
            args.extend(["--key", key.to_str().unwrap(), "--allow-example-keys"]);
        }
        args.extend(["--at", "2026-11-20T00:00:00Z"]);
        args.extend(more.iter().filter(|word| **word != "no-key"));
        let output = run(&args);
        (output.status.code().unwrap(), json(&output).unwrap())
    }

    fn remembered(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.state()).unwrap()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Changes the state as if another list had been accepted.
    fn edit(&self, member: &str, value: serde_json::Value) {
        let mut state = self.remembered();
        state[member] = value;
        fs::write(self.state(), state.to_string()).unwrap();
    }
}

fn row(report: &serde_json::Value) -> (String, String) {
    let checks = report["checks"].as_array().unwrap();
    let row = checks.iter().find(|check| check["id"] == "revocation-sequence").unwrap();
    (row["status"].as_str().unwrap().into(), row["detail"].as_str().unwrap().into())
}

#[test]
fn a_state_begins_with_the_first_list_that_verifies() {
    let bench = Bench::new();
    for (case, exit) in [("altered", 21), ("expired", 25), ("ids-unsorted", 20), ("unproven-no-signature", 3)] {
        assert_eq!(bench.verify(case, &[]).0, exit, "{case}");
        assert_eq!(bench.names(), [""; 0], "{case} left something behind");
    }
    assert_eq!(bench.verify("good", &["no-key"]).0, 3);
    assert_eq!(bench.names(), [""; 0], "a list that nobody vouches for left something behind");
    let (exit, report) = bench.verify("good", &[]);
    assert_eq!((exit, row(&report).0), (0, "skip".into()));
    assert_eq!(bench.names(), ["state.json"]);
    let state = bench.remembered();
    assert_eq!((&state["sequence"], &state["issuer"]), (&7.into(), &"https://auth.example".into()));
    assert_eq!(state["sha256"], report["subject"]["sha256"]);
}

#[test]
fn a_repeat_leaves_the_state_and_a_newer_list_replaces_it() {
    let bench = Bench::new();
    bench.verify("good", &[]);
    let before = fs::read(bench.state()).unwrap();
    let (exit, report) = bench.verify("good", &[]);
    assert_eq!((exit, row(&report).0), (0, "pass".into()));
    assert!(row(&report).1.contains("the very list"), "{report}");
    assert!(report["required"].as_array().unwrap().contains(&"sequence".into()));
    assert_eq!(fs::read(bench.state()).unwrap(), before);

    bench.edit("sequence", 6.into());
    assert_eq!(bench.verify("good", &[]).0, 0);
    assert_eq!(fs::read(bench.state()).unwrap(), before);
    assert_eq!(bench.names(), ["state.json"]);
}

#[test]
fn what_is_refused_leaves_the_state_as_it_is() {
    let bench = Bench::new();
    bench.verify("good", &[]);
    for (case, exit) in [("good-nothing-revoked", 26), ("altered", 21), ("expired", 25), ("unproven-no-signature", 3)] {
        let before = fs::read(bench.state()).unwrap();
        assert_eq!(bench.verify(case, &[]).0, exit, "{case}");
        assert_eq!(fs::read(bench.state()).unwrap(), before, "{case}");
    }
    for (member, value) in [("sequence", serde_json::json!(8)), ("issuer", "https://other.example".into())] {
        bench.edit(member, value);
        let before = fs::read(bench.state()).unwrap();
        assert_eq!(bench.verify("good", &[]).0, 26, "{member}");
        assert_eq!(fs::read(bench.state()).unwrap(), before, "{member}");
        fs::remove_file(bench.state()).unwrap();
        bench.verify("good", &[]);
    }
}

#[test]
fn a_file_that_is_no_state_is_never_overwritten() {
    let bench = Bench::new();
    for content in ["", "mine", "{}", "[]", "{\"sequence\": 1}"] {
        fs::write(bench.state(), content).unwrap();
        let (exit, report) = bench.verify("good", &[]);
        assert_eq!((exit, &report["verdict"]), (2, &"error".into()), "{content}");
        assert_eq!(fs::read_to_string(bench.state()).unwrap(), content);
    }
    fs::remove_file(bench.state()).unwrap();
    fs::create_dir(bench.state()).unwrap();
    assert_eq!(bench.verify("good", &[]).0, 4);
}

#[test]
fn neither_state_nor_report_is_written_over_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let case = root().join("fixtures/revocation/good");
    for end in ["", ".jws", ".sha256"] {
        fs::copy(case.join(format!("{LIST}{end}")), folder.path().join(format!("{LIST}{end}"))).unwrap();
    }
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let before = fs::read(at(LIST)).unwrap();
    let key = root().join("keys-example/ecdsa-p256.pub.pem");
    let ask = |more: &[&str]| {
        let list = at(LIST);
        let mut args = vec!["revocation", "verify", &list, "--key", key.to_str().unwrap(), "--allow-example-keys"];
        args.extend(["--at", "2026-11-20T00:00:00Z"]);
        args.extend(more);
        run(&args).status.code().unwrap()
    };
    assert_eq!(ask(&["--state", &at(LIST)]), 2);
    assert_eq!(ask(&["--output", &at(LIST), "--force"]), 2);
    assert_eq!(ask(&["--output", &at("revocation-bundle.json.jws"), "--force"]), 2);
    assert_eq!(ask(&["--state", &at("state.json")]), 0);
    assert_eq!(ask(&["--state", &at("state.json"), "--output", &at("state.json"), "--force"]), 2);
    assert_eq!(fs::read(at(LIST)).unwrap(), before);
    assert!(Path::new(&at("state.json")).is_file());
}

#[test]
fn a_list_from_a_pipe_needs_its_signature_named() {
    let case = root().join("fixtures/revocation/good");
    let bytes = fs::read(case.join(LIST)).unwrap();
    let key = root().join("keys-example/ecdsa-p256.pub.pem");
    let jws = case.join(format!("{LIST}.jws"));
    let args = ["revocation", "verify", "-", "--key", key.to_str().unwrap(), "--allow-example-keys", "--at"];
    let mut args = [&args[..], &["2026-11-20T00:00:00Z"]].concat();
    assert_eq!(support::run_with_input(&args, &bytes).status.code(), Some(3));
    args.extend(["--signature", jws.to_str().unwrap()]);
    assert_eq!(support::run_with_input(&args, &bytes).status.code(), Some(0));
    assert_eq!(support::run_with_input(&args, &bytes[1..]).status.code(), Some(21));
}

#[test]
fn a_long_list_is_cut_in_text_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let entry =
        |number: usize| format!(r#"{{"category":"key","id":"k{number:05}","revokedAt":"2026-10-11T00:00:00Z"}}"#);
    let entries: Vec<String> = (0..10_002).map(entry).collect();
    let text = format!(
        r#"{{"issuedAt":"2026-11-01T00:00:00Z","issuer":"https://a.example","revocations":[{}],"schemaVersion":"1.0.0","sequence":1}}"#,
        entries.join(",")
    );
    let list = folder.path().join("list.json");
    fs::write(&list, text).unwrap();
    let args = ["revocation", "verify", list.to_str().unwrap(), "--at", "2026-11-20T00:00:00Z"];
    let output = run(&args);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(shown.matches("  revokes ").count(), 25);
    assert!(shown.contains("… and 9976 more"), "{shown}");
    let report = json(&run(&[&args[..], &["--json"]].concat())).unwrap();
    let claims = report["documents"][0]["claims"].as_array().unwrap();
    let revoked: Vec<_> = claims.iter().filter(|claim| claim["name"] == "revokes").collect();
    assert_eq!(revoked.len(), 10_001);
    assert_eq!(revoked[10_000]["value"], "and 2 more, which are not listed here");
}
