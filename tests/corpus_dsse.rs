//! DSSE envelopes of other projects through the program: accepted by the right key over the PAE, refused otherwise.
//!
//! The envelopes lie beside the project, in `../shared/corpus/dsse`; without them the tests say so and pass.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use portcullis::format::dsse;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Not verified, and signature: what a bad envelope may end with.
const REFUSALS: [i32; 2] = [3, 21];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/dsse")
}

fn document(name: &str) -> Option<Value> {
    let path = corpus().join(name);
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    };
    Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} in {value}"))
}

/// Exit code and report of `dsse verify`.
fn verify(envelope: &str, key: &str, more: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["dsse", "verify", "--json", "--at", "2026-11-20T00:00:00Z", "--key"])
        .arg(corpus().join(key))
        .arg(corpus().join(envelope))
        .args(more)
        .output()
        .expect("a run");
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{envelope}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().expect("an exit code"), report)
}

fn refused(id: &str, envelope: &str, key: &str, more: &[&str]) {
    let (code, report) = verify(envelope, key, more);
    assert!(REFUSALS.contains(&code), "{id}: exit {code}");
    assert!(["failed", "not-verified"].contains(&text(&report, "verdict")), "{id}");
    assert_eq!(report["authentication"]["by"], "none", "{id}");
    let failed: Vec<&Value> = list(&report, "checks").iter().filter(|check| check["status"] == "fail").collect();
    assert!(failed.iter().all(|check| check["class"] == "signature"), "{id}: {failed:?}");
    assert_eq!(failed.is_empty(), code == 3, "{id}");
}

#[test]
fn envelopes() {
    let Some(cases) = document("cases.json") else { return };
    assert_eq!((list(&cases, "cases").len(), list(&cases, "wrong_key_cases").len()), (20, 4));
    for case in list(&cases, "cases").iter().chain(list(&cases, "wrong_key_cases")) {
        let (id, envelope, key) = (text(case, "id"), text(case, "envelope"), text(case, "key"));
        if text(case, "expect") == "fail" {
            refused(id, envelope, key, &[]);
            continue;
        }
        // The specification's example has a payload type of its own; the verb asks for none.
        let (code, report) = verify(envelope, key, &[]);
        assert_eq!((code, text(&report, "verdict")), (0, "verified"), "{id}: {report}");
        assert_eq!(report["authentication"]["by"], "public-key", "{id}");
        assert_eq!(report["waivers"], Value::Array(vec![]), "{id}");
    }
}

#[test]
fn signatures_over_the_bare_payload_need_the_waiver() {
    let Some(cases) = document("cases.json") else { return };
    let waiver = ["--legacy-signing", "raw-payload"];
    let mut accepted = 0;
    for case in list(&cases, "cases") {
        let (id, envelope) = (text(case, "id"), text(case, "envelope"));
        let legacy = list(case, "legacy_raw_payload_signature");
        for signature in legacy {
            let key = format!("keys/{}.pem", text(signature, "key"));
            refused(id, envelope, &key, &[]);
            let (code, report) = verify(envelope, &key, &waiver);
            assert_eq!((code, text(&report, "verdict")), (0, "verified"), "{id}: {report}");
            assert!(list(&report, "waivers").iter().any(|waiver| waiver.to_string().contains("raw-payload")), "{id}");
            refused(id, envelope, &key, &["--legacy-signing", "base64url-payload"]);
            accepted += 1;
        }
        if legacy.is_empty() && text(case, "expect") == "fail" {
            refused(id, envelope, text(case, "key"), &waiver);
        }
    }
    assert!(accepted >= 9, "{accepted}");
}

#[test]
fn the_payload_is_written_only_once_it_is_authenticated() {
    let Some(cases) = document("cases.json") else { return };
    let folder = tempfile::tempdir().expect("a temporary directory");
    for case in list(&cases, "cases") {
        let out = folder.path().join(text(case, "id"));
        let (code, _) = verify(
            text(case, "envelope"),
            text(case, "key"),
            &["--payload-out", out.to_str().expect("a name in UTF-8")],
        );
        assert_eq!(out.exists(), code == 0, "{}", text(case, "id"));
        if code == 0 {
            let digest = portcullis::format::digest::sha256(&std::fs::read(&out).expect("the payload"));
            assert_eq!(portcullis::format::digest::hex(&digest), text(case, "payload_sha256"));
        }
    }
}

#[test]
fn pre_authentication_encoding() {
    let Some(vectors) = document("pae_vectors.json") else { return };
    let vectors = list(&vectors, "vectors");
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let pae = dsse::pae(text(vector, "type"), text(vector, "payload").as_bytes());
        assert_eq!(String::from_utf8_lossy(&pae), text(vector, "pae"));
    }
}
