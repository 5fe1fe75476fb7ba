//! TUF metadata that a bundle carries: `pipeline::tuf::in_bundle` over documents made good and then spoiled by one change.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod tuf_repository;

use portcullis::format::time::parse_rfc3339;
use portcullis::pipeline::tuf::in_bundle::{Outcome, Request, verify};
use portcullis::pipeline::tuf::{Documents, TufError};
use portcullis::trust::check::Status;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use tuf_repository::{NOW, Repo, key, state};

type Files = BTreeMap<String, Vec<u8>>;

/// What a bundle carries: the last root as `root.json`, the rest without versions.
fn carried(repo: &Repo) -> Files {
    let plain = |name: String| match name.split_once('.') {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => rest.to_string(),
        _ => name,
    };
    let mut files: Files = repo.metadata().into_iter().map(|(name, bytes)| (plain(name), bytes)).collect();
    files.insert("root.json".into(), repo.root_bytes(repo.roots.len()));
    files
}

fn judge_in(files: &Files, root: Option<&[u8]>, store: Option<&Path>, targets: &[&str]) -> Result<Outcome, TufError> {
    let mut documents = Documents::new("tuf");
    for (name, bytes) in files {
        documents.insert(name, bytes);
    }
    let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
    let root = root.map(|bytes| (&b"trusted.json"[..], bytes));
    let at = parse_rfc3339(NOW).unwrap();
    verify(&Request { documents: &documents, root, datastore: store, as_is: false, targets: &targets, at })
}

fn judge(repo: &Repo, files: &Files) -> Outcome {
    judge_in(files, Some(&repo.root_bytes(1)), None, &[]).unwrap()
}

#[track_caller]
fn good(outcome: &Outcome) {
    assert!(outcome.checks.iter().all(|check| !check.failed()), "{:#?}", outcome.checks);
    assert!(outcome.trusted.is_some());
}

/// Exactly one failing row, of this id and subject, whose detail holds `words`; and nothing is trusted.
#[track_caller]
fn bad(outcome: &Outcome, id: &str, subject: &str, words: &str) {
    let failed: Vec<_> = outcome.checks.iter().filter(|check| check.failed()).collect();
    assert_eq!(failed.len(), 1, "{:#?}", outcome.checks);
    assert_eq!((failed[0].kind.id, String::from_utf8_lossy(&failed[0].subject).as_ref()), (id, subject));
    assert!(failed[0].detail.contains(words), "{words:?} in {}", failed[0].detail);
    assert!(outcome.trusted.is_none());
}

#[test]
fn good_metadata_states_its_targets() {
    for (consistent, versioned) in [(false, false), (true, false), (true, true)] {
        let repo = Repo::new(consistent);
        let files = if versioned { repo.metadata() } else { carried(&repo) };
        let outcome = judge_in(&files, Some(&repo.root_bytes(1)), None, &["hello.txt"]).unwrap();
        good(&outcome);
        let trusted = outcome.trusted.unwrap();
        let prefix = if versioned { "tuf/1." } else { "tuf/" };
        assert_eq!(trusted.document, format!("{prefix}targets.json"));
        assert_eq!(trusted.top_level.get().files["hello.txt"].length, 5);
        assert_eq!((trusted.asked[0].role.as_str(), trusted.asked[0].file.get().length), ("targets", 5));
        let paths: Vec<&str> = outcome.roles.iter().map(|role| role.path.as_str()).collect();
        let expected = ["snapshot.json", "targets.json"].map(|name| format!("{prefix}{name}"));
        assert_eq!(paths, ["trusted.json", "tuf/timestamp.json", &expected[0], &expected[1]]);
        assert!(outcome.roles.iter().all(|role| role.accepted.signers.len() == 1));
        assert_eq!(outcome.signers.len(), 4);
    }
}

#[test]
fn state_that_is_left_as_it_is_stays_empty() {
    let repo = Repo::new(true);
    let (files, store, root) = (carried(&repo), tempfile::tempdir().unwrap(), repo.root_bytes(1));
    let mut documents = Documents::new("tuf");
    files.iter().for_each(|(name, bytes)| {
        documents.insert(name, bytes);
    });
    for (as_is, found) in [(true, 0), (false, 4)] {
        let root = Some((&b"trusted.json"[..], &root[..]));
        let at = parse_rfc3339(NOW).unwrap();
        let datastore = Some(store.path());
        good(&verify(&Request { documents: &documents, root, datastore, as_is, targets: &[], at }).unwrap());
        assert_eq!(std::fs::read_dir(store.path()).unwrap().count(), found, "{as_is}");
    }
}

#[test]
fn a_root_that_the_bundle_brings_along_is_no_trust() {
    let repo = Repo::new(true);
    let outcome = judge_in(&carried(&repo), None, None, &[]).unwrap();
    assert!(outcome.trusted.is_none() && outcome.signers.is_empty());
    assert_eq!(outcome.checks.len(), 1);
    assert_eq!((outcome.checks[0].kind.id, outcome.checks[0].status), ("tuf-root", Status::Skip));
    let empty = tempfile::tempdir().unwrap();
    let refused = judge_in(&carried(&repo), None, Some(empty.path()), &[]);
    assert!(matches!(refused, Err(TufError::NoRoot { .. })));
}

#[test]
fn the_bundled_root_is_compared_with_the_trusted_one() {
    let mut repo = Repo::new(true);
    // The same root, its bytes set otherwise: two roots are one where what is signed is.
    let mut files = carried(&repo);
    let spaced = serde_json::from_slice::<serde_json::Value>(&repo.root_bytes(1)).unwrap().to_string();
    files.insert("root.json".into(), spaced.into_bytes());
    good(&judge(&repo, &files));
    // No root.json at all: the operator's is enough.
    files.remove("root.json");
    good(&judge(&repo, &files));

    let mut other = repo.clone();
    other.roots[0].0["expires"] = json!("2031-01-01T00:00:00Z");
    files.insert("root.json".into(), other.root_bytes(1));
    bad(&judge(&repo, &files), "tuf-root", "tuf/root.json", "another root of version 1");
    files.insert("root.json".into(), b"{}".to_vec());
    bad(&judge(&repo, &files), "tuf-root", "tuf/root.json", "expected root metadata");

    // The next version, as root.json.
    repo.rotate(&[key("root")], |_| {});
    let outcome = judge(&repo, &carried(&repo));
    good(&outcome);
    assert!(outcome.roles.iter().any(|role| role.path == "tuf/root.json" && role.accepted.version == 2));
    // It is older than what the operator trusts.
    let mut old = carried(&repo);
    old.insert("root.json".into(), repo.root_bytes(1));
    let outcome = judge_in(&old, Some(&repo.root_bytes(2)), None, &[]).unwrap();
    bad(&outcome, "tuf-root", "tuf/root.json", "older than the root that you trust");
    // Two versions on: the one between is lacking, or is there.
    repo.rotate(&[key("root")], |_| {});
    bad(&judge(&repo, &carried(&repo)), "tuf-root", "tuf/root.json", "expected root version 2, found 3");
    let mut complete = carried(&repo);
    complete.insert("2.root.json".into(), repo.root_bytes(2));
    good(&judge(&repo, &complete));
    // A forged successor.
    let mut forged = repo.clone();
    forged.roots[1].1 = vec![key("intruder")];
    let mut files = carried(&repo);
    files.insert("root.json".into(), forged.root_bytes(2));
    bad(&judge(&repo, &files), "tuf-root", "tuf/root.json", "signed by 0 of 1");
}

#[test]
fn a_bundle_that_starts_its_chain_at_the_old_root_verifies_again_with_a_datastore() {
    let mut repo = Repo::new(true);
    repo.rotate(&[key("root")], |_| {});
    let mut files = repo.metadata();
    files.insert("root.json".into(), repo.root_bytes(1));
    let store = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        good(&judge_in(&files, Some(&repo.root_bytes(1)), Some(store.path()), &[]).unwrap());
    }
    // Without the newer root of its own, it is an old bundle.
    files.remove("2.root.json");
    let outcome = judge_in(&files, Some(&repo.root_bytes(1)), Some(store.path()), &[]).unwrap();
    bad(&outcome, "tuf-root", "tuf/root.json", "older than the root that you trust");
}

#[test]
fn every_document_counts() {
    let repo = Repo::new(false);
    for (name, id) in
        [("timestamp.json", "tuf-timestamp"), ("snapshot.json", "tuf-snapshot"), ("targets.json", "tuf-targets")]
    {
        let path = format!("tuf/{name}");
        let mut files = carried(&repo);
        files.remove(name);
        bad(&judge(&repo, &files), id, &path, "the bundle does not carry it");
        let mut files = carried(&repo);
        let text = String::from_utf8(files[name].clone()).unwrap();
        files.insert(name.into(), text.replace("2030-01-01", "2030-01-02").into_bytes());
        assert_eq!(judge(&repo, &files).checks.iter().filter(|check| check.failed()).count(), 1);
        assert!(judge(&repo, &files).trusted.is_none());
    }
    let mut expired = repo.clone();
    expired.timestamp["expires"] = json!(NOW);
    bad(&judge(&repo, &carried(&expired)), "tuf-timestamp", "tuf/timestamp.json", "expired");
}

#[test]
fn the_datastore_remembers_and_what_is_in_the_bundle_is_judged_all_the_same() {
    let repo = Repo::new(false);
    let store = tempfile::tempdir().unwrap();
    let run = |files: &Files| judge_in(files, Some(&repo.root_bytes(1)), Some(store.path()), &[]).unwrap();
    let mut newer = repo.clone();
    for role in [&mut newer.timestamp, &mut newer.snapshot, &mut newer.targets] {
        role["version"] = json!(2);
    }
    good(&run(&carried(&newer)));
    assert_eq!(state(store.path()).len(), 4);
    // A second look at the same bundle comes to the same documents.
    let again = run(&carried(&newer));
    good(&again);
    for name in ["timestamp.json", "snapshot.json", "targets.json"] {
        assert!(
            again.roles.iter().any(|role| role.path == format!("tuf/{name}") && role.accepted.version == 2),
            "{name}"
        );
    }
    let before = state(store.path());
    // The stored files are those that the timestamp names; the bundle's own are looked at nevertheless.
    for name in ["snapshot.json", "targets.json"] {
        let mut files = carried(&newer);
        files.insert(name.into(), b"{}".to_vec());
        assert_eq!(run(&files).checks.iter().filter(|check| check.failed()).count(), 1, "{name}");
        assert!(run(&files).trusted.is_none());
    }
    bad(&run(&carried(&repo)), "tuf-timestamp", "tuf/timestamp.json", "rollback");
    assert_eq!(state(store.path()), before);
    good(&run(&carried(&newer)));
}

#[test]
fn delegations_are_followed_for_what_is_asked_for() {
    let mut repo = Repo::new(true);
    repo.delegate("targets", "ops", json!({"paths": ["ops/*"]}), false, &[("ops/tool", b"tool")]);
    let files = carried(&repo);
    let root = repo.root_bytes(1);
    let ask = |files: &Files, names: &[&str]| judge_in(files, Some(&root), None, names).unwrap();
    let outcome = ask(&files, &["ops/tool", "hello.txt"]);
    good(&outcome);
    let asked = outcome.trusted.unwrap().asked;
    assert_eq!((asked[0].role.as_str(), asked[0].document.as_str()), ("ops", "tuf/ops.json"));
    assert_eq!(asked[1].document, "tuf/targets.json");
    bad(&ask(&files, &["ops/other"]), "tuf-target", "ops/other", "no trusted role lists this target");
    let both = ask(&files, &["ops/other", "hello.txt", "nothing"]);
    assert_eq!(both.checks.iter().filter(|check| check.failed()).count(), 2);
    let mut without = files.clone();
    without.remove("ops.json");
    good(&ask(&without, &["hello.txt"]));
    bad(&ask(&without, &["ops/tool"]), "tuf-delegation", "tuf/1.ops.json", "does not carry it");
}

#[test]
fn the_second_judge_is_asked_about_bundles_too() {
    let mut repo = Repo::new(true);
    repo.rotate(&[key("root")], |_| {});
    repo.delegate("targets", "ops", json!({"paths": ["ops/*"]}), false, &[("ops/tool", b"tool")]);
    let repo = repo.with_digests_as_key_ids();
    let mut files = carried(&repo);
    let ask = |files: &Files| judge_in(files, Some(&repo.root_bytes(1)), None, &["ops/tool", "hello.txt"]).unwrap();
    let opinions = |outcome: &Outcome| -> Vec<(Status, String)> {
        let rows = outcome.checks.iter().filter(|check| check.kind.id == "tuf-second-opinion");
        rows.map(|row| (row.status, String::from_utf8_lossy(&row.subject).into_owned())).collect()
    };
    let outcome = ask(&files);
    good(&outcome);
    let subjects = ["tuf", "ops/tool", "hello.txt"].map(|subject| (Status::Pass, subject.to_string()));
    assert_eq!(opinions(&outcome), subjects);
    // Friendly key ids, as StellaOps gives them: silence, and the first answer stands.
    let plain = Repo::new(true);
    let outcome = judge(&plain, &carried(&plain));
    good(&outcome);
    assert_eq!(opinions(&outcome), [(Status::Skip, "tuf".to_string())]);
    // Where the two disagree, nothing is trusted.
    let mut document: serde_json::Value = serde_json::from_slice(&files["timestamp.json"]).unwrap();
    let stranger = json!({"keyid": "00".repeat(32), "sig": "00"});
    document["signatures"].as_array_mut().unwrap().extend([stranger.clone(), stranger]);
    files.insert("timestamp.json".into(), document.to_string().into_bytes());
    bad(&ask(&files), "tuf-second-opinion", "tuf", "two implementations disagree");
}
