//! `diff` of two revocation lists by themselves: who is revoked no longer stands first, and a broken list is never the same.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod support_diff;
mod support_schema;

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use support::{root, run, run_with_input};
use support_diff::{AT, diff, fixture, judged, refusal, text};
use tempfile::TempDir;

fn case(name: &str) -> String {
    fixture(&format!("revocation/{name}/revocation-bundle.json"))
}

fn revoked(id: &str, at: &str) -> Value {
    json!({"category": "client", "clientId": id, "id": id, "revokedAt": at})
}

fn list(sequence: u64, revocations: &[Value]) -> Value {
    json!({
        "issuedAt": format!("2026-11-{:02}T00:00:00Z", sequence), "issuer": "https://auth.example",
        "revocations": revocations, "schemaVersion": "1.0.0", "sequence": sequence,
    })
}

/// Two files whose names say nothing.
fn files(old: &[u8], new: &[u8]) -> (TempDir, String, String) {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| {
        let path = place.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_string()
    };
    let (old, new) = (at("x", old), at("y.tar", new));
    (place, old, new)
}

fn lists(old: &Value, new: &Value) -> (TempDir, String, String) {
    files(&serde_json::to_vec_pretty(old).unwrap(), &serde_json::to_vec_pretty(new).unwrap())
}

fn fields(report: &Value) -> Vec<(&str, bool)> {
    let rows = report["changes"]["identity"].as_array().unwrap();
    rows.iter().map(|row| (row["field"].as_str().unwrap(), row["regression"].as_bool().unwrap())).collect()
}

const DAY: &str = "2026-10-01T00:00:00Z";

#[test]
fn a_revocation_that_is_gone_is_a_step_back_and_stands_first() {
    let old = list(7, &[revoked("a", DAY), revoked("b", DAY)]);
    let new = list(8, &[revoked("b", DAY), revoked("c", DAY)]);
    let (_place, old, new) = lists(&old, &new);
    let (report, exit) = diff(&old, &new, &[]);
    assert_eq!((exit, &report["verdict"], &report["changes"]["regressions"]), (1, &json!("not-verified"), &json!(1)));
    let first = &report["changes"]["identity"][0];
    assert_eq!((&first["field"], &first["new"], &first["regression"]), (&json!("revokes"), &Value::Null, &json!(true)));
    assert!(first["old"].as_str().unwrap().starts_with("client a since 2026-10-01"), "{first}");
    let rows = &report["changes"]["semantic"]["documents"][0];
    assert_eq!((&rows["holds"], &rows["added"], &rows["removed"]), (&json!("revocations"), &json!(1), &json!(1)));
    assert_eq!(rows["rows"][0], json!({"id": "client a", "change": "removed", "old": DAY, "new": null}));
    assert_eq!(
        (&report["new"]["kind"]["id"], &report["changes"]["compared"]),
        (&json!("revocation:bundle"), &json!("content"))
    );
    let (page, _) = text(&old, &new, &[]);
    assert!(page.starts_with("NOTHING WAS VERIFIED  x -> y.tar"), "{page}");
    let place = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words}: {page}"));
    assert!(place("Steps back (1)") < place("revokes: client a since") && place("revokes:") < place("What they are"));
    assert!(page.contains("+ client c"), "{page}");
    assert_eq!(diff(&old, &new, &["--fail-on", "regression"]).1, 1);
    // The way back takes c and a newer sequence away.
    let (back, _) = diff(&new, &old, &[]);
    assert_eq!(fields(&back)[0], ("revokes", true));
    assert!(fields(&back).contains(&("sequence", true)) && fields(&back).contains(&("issued at", true)), "{back}");
    let (same, exit) = diff(&old, &old, &[]);
    assert_eq!((exit, &same["changes"]["identical"]), (0, &json!(true)));
}

#[test]
fn a_list_that_only_grows_is_no_step_back() {
    let (old, new) = (list(7, &[revoked("a", DAY)]), list(8, &[revoked("a", DAY), revoked("b", DAY)]));
    let (_place, old, new) = lists(&old, &new);
    let (report, exit) = diff(&old, &new, &[]);
    assert_eq!((exit, &report["changes"]["regressions"]), (1, &json!(0)));
    assert_eq!(diff(&old, &new, &["--fail-on", "regression"]).1, 0);
}

#[test]
fn what_is_weaker_or_of_one_sequence_is_a_step_back() {
    let later = "2026-10-02T00:00:00Z";
    let mut ending = revoked("a", DAY);
    ending["expiresAt"] = json!("2026-12-01T00:00:00Z");
    for weaker in [revoked("a", later), ending] {
        let (_place, old, new) = lists(&list(7, &[revoked("a", DAY)]), &list(8, &[weaker]));
        let (report, _) = diff(&old, &new, &[]);
        assert_eq!((fields(&report)[0], &report["changes"]["regressions"]), (("revokes", true), &json!(1)));
        assert_eq!(report["changes"]["semantic"]["documents"][0]["changed"], 1);
    }
    let (_place, old, new) = lists(&list(7, &[]), &list(7, &[revoked("a", DAY)]));
    assert_eq!(fields(&diff(&old, &new, &[]).0)[0], ("sequence of two lists", true));
}

#[test]
fn lists_that_differ_in_their_bytes_alone_are_not_identical() {
    let value = list(7, &[revoked("a", DAY)]);
    let (_place, old, new) = files(value.to_string().as_bytes(), &serde_json::to_vec_pretty(&value).unwrap());
    let (report, exit) = diff(&old, &new, &[]);
    assert_eq!(
        (exit, &report["changes"]["identical"], &report["changes"]["summary"]["changed"]),
        (1, &json!(false), &json!(1))
    );
}

#[test]
fn a_list_and_something_else_are_not_compared() {
    let bundle = fixture("devportal/good-envelope-beside/devportal-offline-bundle.tgz");
    for (old, new, side) in [(&case("good"), &bundle, "the old side"), (&bundle, &case("good"), "the new side")] {
        let (said, exit) = refusal(old, new, &[]);
        assert!(exit == 2 && said.contains(side) && said.contains("is a revocation list"), "{exit}: {said}");
    }
    let (_place, object, _) = files(b"{\"a\": 1}", b"");
    assert_eq!(refusal(&case("good"), &object, &[]).1, 2);
    assert_eq!(refusal(&case("good"), &root().join("fixtures").display().to_string(), &[]).1, 2);
    assert_eq!(diff(&object, &object, &[]).1, 24);
    assert_eq!(refusal(&case("good"), "no-such-file", &[]).1, 4);
    // From a pipe too, where it is found out late.
    let output = run_with_input(&["diff", &case("good"), "-"], &fs::read(&bundle).unwrap());
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    let output = run_with_input(
        &["diff", "-", &case("good"), "--no-sidecars", "--json", AT[0], AT[1]],
        &fs::read(case("good")).unwrap(),
    );
    assert_eq!(
        (judged(&output, "pipe")["changes"]["identical"].as_bool(), output.status.code()),
        (Some(true), Some(0))
    );
}

#[test]
fn a_list_at_fault_fails_whether_trust_was_given_or_not() {
    for (name, exit) in [("member-unknown", 20), ("ids-unsorted", 20), ("member-twice", 20), ("byte-order-mark", 20)] {
        for (old, new) in [(case("good"), case(name)), (case(name), case("good")), (case(name), case(name))] {
            let (report, found) = diff(&old, &new, &[]);
            assert_eq!((found, &report["verdict"]), (exit, &json!("failed")), "{name}");
            let (page, _) = text(&old, &new, &[]);
            assert!(page.starts_with("MALFORMED") && page.contains("Failures of the "), "{page}");
        }
    }
    assert_eq!(diff(&case("good"), &case("member-twice"), &[]).0["changes"], Value::Null);
}

#[test]
fn with_a_key_both_are_verified_by_the_signatures_beside_them() {
    let key = root().join("keys-example/ecdsa-p256.pub.pem");
    let trust = ["--key", key.to_str().unwrap(), "--allow-example-keys"];
    let (report, exit) = diff(&case("good"), &case("good-newer"), &trust);
    assert_eq!((exit, &report["verdict"], &report["old"]["verdict"]), (0, &json!("verified"), &json!("verified")));
    assert!(text(&case("good"), &case("good-newer"), &trust).0.starts_with("BOTH VERIFIED  "));
    let (report, exit) = diff(&case("good"), &case("altered"), &trust);
    assert_eq!(
        (exit, &report["old"]["verdict"], &report["new"]["verdict"]),
        (21, &json!("verified"), &json!("failed"))
    );
    assert_eq!(diff(&case("good"), &case("good"), &[&trust[..], &["--no-sidecars"]].concat()).1, 3);
    // That the old list has expired is why there is a new one.
    let expired = case("expired");
    let (report, _) = diff(&expired, &case("good-newer"), &trust);
    assert_eq!((&report["old"]["verdict"], &report["new"]["verdict"]), (&json!("verified"), &json!("verified")));
    assert_eq!(diff(&case("good-newer"), &expired, &trust).1, 25);
}

#[test]
fn options_that_have_no_meaning_for_lists_are_refused() {
    let good = case("good");
    let secret = root().join("keys-example/hmac.key");
    let secret = secret.to_str().unwrap();
    for options in [
        &["--hmac-key", secret][..],
        &["--trust", secret],
        &["--require", "integrity"],
        &["--threshold", "2"],
        &["--manifests-only"],
        &["--unified", "a"],
        &["--allow-extra", "*"],
    ] {
        let (said, exit) = refusal(&good, &good, options);
        assert!(exit == 2 && said.contains(options[0]), "{options:?}: {exit}: {said}");
    }
    // With the kind named, nothing is recognised.
    assert_eq!(run(&["diff", &good, &good, "--kind", "plain"]).status.code(), Some(24));
}

#[test]
fn names_from_a_list_do_not_reach_the_terminal_raw() {
    let hostile = "a\u{1b}[2J\u{202e}b";
    let (_place, old, new) = lists(&list(7, &[revoked(hostile, DAY)]), &list(8, &[]));
    let (page, _) = text(&old, &new, &["--entries"]);
    assert!(page.contains("\\x1b[2J\\u{202e}b"), "{page}");
    diff(&old, &new, &[]);
    assert!(Path::new(&old).is_file());
}
