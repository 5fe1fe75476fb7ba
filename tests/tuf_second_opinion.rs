//! The second opinion of `tuf verify`: where the two judges agree, where the second one has no say, and where they disagree.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod tuf_repository;

use serde_json::json;
use tuf_repository::{Outcome, Repo, ecdsa, key, root, rsa};

const ID: &str = "tuf-second-opinion";
const HELLO: [&str; 2] = ["--target", "hello.txt"];

/// Status, subject and detail of each row.
fn opinions(outcome: &Outcome) -> Vec<(String, String, String)> {
    let rows = outcome.report["checks"].as_array().unwrap().iter().filter(|row| row["id"] == ID);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
    rows.map(|row| (text(&row["status"]), text(&row["subject"]), text(&row["detail"]))).collect()
}

#[track_caller]
fn agrees(outcome: &Outcome, subjects: &[&str]) {
    let found = opinions(outcome);
    assert!(found.iter().all(|(status, ..)| status == "pass"), "{found:#?}");
    assert_eq!(found.iter().map(|(_, subject, _)| subject.as_str()).collect::<Vec<_>>(), subjects, "{found:#?}");
}

#[track_caller]
fn silent(outcome: &Outcome, words: &str) {
    let found = opinions(outcome);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].0, "skip");
    assert!(found[0].2.contains(words), "{words:?} in {found:#?}");
}

#[test]
fn it_agrees_on_metadata_and_targets() {
    for consistent in [false, true] {
        let mut repo = Repo::new(consistent);
        repo.rotate(&[key("root")], |_| {});
        repo.rotate(&[key("root"), key("root 3")], |next| {
            next["keys"][&key("root 3").id] = key("root 3").object();
            next["roles"]["root"] = json!({"keyids": [key("root 3").id], "threshold": 1});
        });
        let site = repo.with_digests_as_key_ids().publish();
        let run = site.run(&HELLO).good();
        agrees(&run, &["metadata", "hello.txt"]);
        assert!(run.tells("pass", "root versions 1 to 3 and 3 documents"));
        // What a datastore holds is judged too, and nothing is written into it on behalf of the second judge.
        let store = ["--datastore", "DS"];
        site.run(&[&HELLO[..], &store].concat()).good();
        let stored = tuf_repository::state(&site.path("DS"));
        assert_eq!(stored.len(), 4);
        agrees(&site.again(tuf_repository::NOW, &HELLO).good(), &["metadata", "hello.txt"]);
        assert_eq!(tuf_repository::state(&site.path("DS")), stored);
    }
}

#[test]
fn it_reads_other_keys_and_delegations_too() {
    for other in [ecdsa().called("another ecdsa"), rsa().called("another rsa")] {
        let mut repo = Repo::new(true);
        repo.roots[0] = (root(1, true, [&other, &key("timestamp"), &other, &other]), vec![other.clone()]);
        (repo.snapshot_keys, repo.targets_keys) = (vec![other.clone()], vec![other]);
        agrees(&repo.with_digests_as_key_ids().publish().run(&HELLO).good(), &["metadata", "hello.txt"]);
    }
    let mut repo = Repo::new(true);
    repo.delegate("targets", "ops/a", json!({"paths": ["ops/*"]}), false, &[("ops/tool", b"tool")]);
    let site = repo.with_digests_as_key_ids().publish();
    // It opens all roles: before ours did, it has nothing to say.
    silent(&site.run(&HELLO).good(), "did not need 1.ops%2Fa.json");
    let run = site.run(&["--target", "hello.txt", "--target", "ops/tool"]).good();
    agrees(&run, &["metadata", "ops/tool"]);
}

#[test]
fn what_it_cannot_read_is_told_and_changes_nothing() {
    silent(&Repo::new(true).publish().run(&HELLO).good(), "it does not read root version 1: ");
    for (expires, words) in
        [("2030-01-01T00:00:00+00:00", "over another text"), ("2030-01-01T00:00:00.0000000Z", "over another text")]
    {
        let mut repo = Repo::new(true);
        repo.timestamp["expires"] = json!(expires);
        let run = repo.with_digests_as_key_ids().publish().run(&HELLO).good();
        silent(&run, words);
        assert!(opinions(&run)[0].2.contains("signatures of timestamp"));
    }
    // An old root that it cannot read, and a last one that it can: it judges from there.
    let mut repo = Repo::new(true);
    repo.roots[0].0["expires"] = json!("2030-01-01T00:00:00+00:00");
    repo.rotate(&[key("root")], |next| next["expires"] = json!("2031-01-01T00:00:00Z"));
    let run = repo.with_digests_as_key_ids().publish().run(&HELLO).good();
    agrees(&run, &["metadata", "hello.txt"]);
    assert!(run.tells("pass", "same metadata: root version 2 and"));
}

#[test]
fn its_star_crosses_folders_and_that_is_no_disagreement() {
    let mut repo = Repo::new(true);
    repo.delegate("targets", "wide", json!({"paths": ["a/*"]}), true, &[("a/x", b"x")]);
    repo.delegate("targets", "deep", json!({"paths": ["a/b/*"]}), false, &[("a/b/c", b"c")]);
    let site = repo.with_digests_as_key_ids().publish();
    let run = site.run(&["--target", "a/x", "--target", "a/b/c"]).good();
    let found = opinions(&run);
    assert_eq!(found[0].0, "pass", "{found:#?}");
    assert_eq!((found[1].0.as_str(), found[1].1.as_str()), ("skip", "a/b/c"), "{found:#?}");
    assert!(found[1].2.contains("delegates to wide otherwise"));
}

#[test]
fn a_disagreement_fails() {
    // Two signatures by one key id that no role names: our own rules pass over them, tough refuses the document.
    let repo = Repo::new(true).with_digests_as_key_ids();
    let site = repo.publish();
    let path = site.path("m/timestamp.json");
    let mut document: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let stranger = json!({"keyid": "00".repeat(32), "sig": "00"});
    document["signatures"].as_array_mut().unwrap().extend([stranger.clone(), stranger]);
    std::fs::write(&path, document.to_string()).unwrap();
    let run =
        site.run(&[&HELLO[..], &["--out", "o"]].concat()).bad("tuf-second-opinion", "two implementations disagree");
    assert!(opinions(&run)[0].2.contains("Duplicate key ID"), "{:#?}", opinions(&run));
    assert!(!site.path("o").exists(), "nothing is copied after a disagreement");
}

#[test]
fn it_leaves_nothing_behind_and_can_do_without() {
    let site = Repo::new(true).with_digests_as_key_ids().publish();
    let scratch = tempfile::tempdir().unwrap();
    for (temporary, status) in [(scratch.path().to_path_buf(), "pass"), (scratch.path().join("absent"), "skip")] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["tuf", "verify", "--json", "--at", tuf_repository::NOW, "--tuf-root", "trusted.json"]);
        command.args(["--metadata-dir", "m"]).current_dir(site.dir.path()).env("TMPDIR", &temporary);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let row = report["checks"].as_array().unwrap().iter().find(|row| row["id"] == ID).unwrap();
        assert_eq!(row["status"], status, "{row:#}");
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    }
}
