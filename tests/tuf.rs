//! `portcullis tuf verify` on repositories made good and then spoiled by one change: roots, thresholds, expiry, rollback.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support_schema;
mod tuf_repository;

use serde_json::json;
use std::fs;
use tuf_repository::{LATER, LATEST, NOW, Outcome, Repo, Site, ecdsa, key, root, rsa, state};

const HELLO: [&str; 4] = ["--target", "hello.txt", "--out", "o"];
const STORE: [&str; 2] = ["--datastore", "DS"];

#[test]
fn good_repositories_verify() {
    for consistent in [false, true] {
        let site = Repo::new(consistent).publish();
        let run = site.run(&[&HELLO[..], &STORE].concat()).good();
        assert_eq!(fs::read(site.path("o/hello.txt")).unwrap(), b"hello");
        let expected: &[&str] = match consistent {
            true => &[
                "!2.root.json",
                "timestamp.json",
                "1.snapshot.json",
                "1.targets.json",
                "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824.hello.txt",
            ],
            false => &["!2.root.json", "timestamp.json", "snapshot.json", "targets.json", "hello.txt"],
        };
        assert_eq!(run.looked_for(), expected);
        assert_eq!(run.report["authentication"]["by"], "public-key");
        let pinned = run.report["entries"].as_array().unwrap().iter().filter(|e| e["standing"] == "pinned");
        assert_eq!(pinned.count(), 1);
        for name in ["root.json", "timestamp.json", "snapshot.json", "targets.json"] {
            assert!(site.path("DS").join(name).is_file(), "{name}");
        }
        // The next run carries on from there, and a target that is there already is not looked for.
        let run = site.again(NOW, &HELLO).good();
        assert_eq!(run.looked_for(), ["!2.root.json", "timestamp.json"]);
        assert!(run.tells("pass", "already in --out"));
        fs::write(site.path("o/hello.txt"), "hellO").unwrap();
        site.again(NOW, &HELLO).good();
        assert_eq!(fs::read(site.path("o/hello.txt")).unwrap(), b"hello");
    }
}

#[test]
fn stored_bytes_are_the_published_ones() {
    let repo = Repo::new(true);
    let site = repo.publish();
    site.run(&STORE).good();
    let published = repo.metadata();
    for (stored, name) in
        [("root", "1.root"), ("timestamp", "timestamp"), ("snapshot", "1.snapshot"), ("targets", "1.targets")]
    {
        let bytes = fs::read(site.path(&format!("DS/{stored}.json"))).unwrap();
        assert_eq!(bytes, published[&format!("{name}.json")]);
    }
}

#[test]
fn all_key_types_and_opaque_ids() {
    for key in [ecdsa(), rsa(), tuf_repository::key("other").called("mirror-ed25519-test-1 / \u{202e}?")] {
        let mut repo = Repo::new(true);
        let all = [&key, &tuf_repository::key("timestamp"), &key, &key];
        repo.roots[0] = (root(1, true, all), vec![key.clone()]);
        (repo.snapshot_keys, repo.targets_keys) = (vec![key.clone()], vec![key]);
        repo.publish().run(&HELLO).good();
    }
}

#[test]
fn rotation_from_one_to_three_is_followed_and_stored() {
    let mut repo = Repo::new(true);
    let (first, second, third) = (key("root"), key("root 2"), key("root 3"));
    for (old, new) in [(&first, &second), (&second, &third)] {
        repo.rotate(&[old.clone(), new.clone()], |next| {
            next["keys"][&new.id] = new.object();
            next["roles"]["root"] = json!({"keyids": [new.id], "threshold": 1});
        });
    }
    // Versions before the last may have expired long ago.
    repo.roots[0].0["expires"] = json!("1998-01-01T00:00:00Z");
    let site = repo.publish();
    let run = site.run(&STORE).good();
    assert_eq!(run.looked_for()[..3], ["2.root.json", "3.root.json", "!4.root.json"]);
    assert_eq!(fs::read(site.path("DS/root.json")).unwrap(), repo.root_bytes(3));
    assert_eq!(site.again(NOW, &[]).good().looked_for()[0], "!4.root.json");
    // The operator's old root beside a newer stored one changes nothing; a newer one is taken.
    assert_eq!(site.run(&STORE).good().looked_for()[0], "!4.root.json");
}

#[test]
fn a_gap_in_the_chain_is_told_and_ends_it() {
    let mut repo = Repo::new(true);
    repo.rotate(&[key("root")], |_| {});
    repo.rotate(&[key("root")], |_| {});
    let site = repo.publish();
    fs::remove_file(site.path("m/2.root.json")).unwrap();
    let run = site.run(&[]).good();
    assert!(run.tells("skip", "not used: 2.root.json is not there"));
}

#[test]
fn root_versions_must_follow_one_another() {
    let forged = |change: fn(&mut Repo)| {
        let mut repo = Repo::new(true);
        repo.rotate(&[key("root")], |_| {});
        change(&mut repo);
        let site = repo.publish();
        let run = site.run(&STORE);
        // What was trusted before the bad step stays, and nothing else comes in.
        assert_eq!(fs::read(site.path("DS/root.json")).unwrap(), repo.root_bytes(1));
        assert_eq!(state(&site.path("DS")).len(), 1);
        run
    };
    forged(|repo| repo.roots[1].0["version"] = json!(3)).bad("tuf-root", "expected root version 2, found 3");
    forged(|repo| repo.roots[1].0["version"] = json!(1)).bad("tuf-root", "expected root version 2, found 1");
    forged(|repo| {
        let new = key("intruder");
        repo.roots[1].0["keys"][&new.id] = new.object();
        repo.roots[1].0["roles"]["root"] = json!({"keyids": [new.id], "threshold": 1});
        repo.roots[1].1 = vec![new];
    })
    .bad("tuf-root", "root (by the keys of the version before) is signed by 0 of 1");
    forged(|repo| {
        let new = key("promised");
        repo.roots[1].0["keys"][&new.id] = new.object();
        repo.roots[1].0["roles"]["root"] = json!({"keyids": [new.id], "threshold": 1});
    })
    .bad("tuf-root", "root (by its own keys) is signed by 0 of 1");
    forged(|repo| repo.roots[1].0["roles"]["timestamp"]["threshold"] = json!(0)).bad("tuf-root", "threshold 0");
    forged(|repo| repo.roots[1].0["_type"] = json!("targets")).bad("tuf-root", "_type");
}

#[test]
fn a_bad_first_root_fails_before_anything_is_looked_for() {
    let mut repo = Repo::new(true);
    repo.roots[0].1 = vec![key("nobody")];
    let site = repo.publish();
    let run = site.run(&STORE).bad("tuf-root", "0 of 1");
    assert_eq!(run.looked_for().len(), 0);
    assert!(!site.path("DS").exists());
}

#[test]
fn unreadable_is_not_absent() {
    let mut repo = Repo::new(true);
    repo.rotate(&[key("root")], |_| {});
    let site = repo.publish();
    fs::remove_file(site.path("m/2.root.json")).unwrap();
    fs::create_dir(site.path("m/2.root.json")).unwrap();
    site.run(&[]).bad("tuf-root", "it is there and cannot be used");
    fs::remove_dir(site.path("m/2.root.json")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", site.path("m/2.root.json")).unwrap();
    site.run(&[]).bad("tuf-root", "a link");
    fs::remove_file(site.path("m/2.root.json")).unwrap();
    fs::write(site.path("m/2.root.json"), vec![b' '; (1 << 20) + 1]).unwrap();
    site.run(&[]).bad("tuf-root", "at most 1048576 bytes");
}

#[test]
fn thresholds_count_keys() {
    type Change = fn(&mut Repo);
    let twice: Change = |repo| {
        let (one, two) = (key("timestamp"), key("timestamp").called("another id"));
        repo.roots[0].0["keys"][&two.id] = two.object();
        repo.roots[0].0["roles"]["timestamp"] = json!({"keyids": [one.id, two.id], "threshold": 2});
        repo.timestamp_keys = vec![one, two];
    };
    let mut repo = Repo::new(true);
    twice(&mut repo);
    repo.publish().run(&[]).bad("tuf-timestamp", "1 of 2 required keys");
    // The engine alone would have taken it: this is why our own count comes first.
    let mut repo = Repo::new(true);
    let (one, two) = (key("root"), key("root").called("another id"));
    repo.roots[0].0["keys"][&two.id] = two.object();
    repo.roots[0].0["roles"]["root"] = json!({"keyids": [one.id, two.id], "threshold": 2});
    repo.roots[0].1 = vec![one, two];
    assert!(sigstore_tuf::TrustedMetadataSet::from_root(&repo.root_bytes(1)).is_ok());
    repo.publish().run(&[]).bad("tuf-root", "1 of 2 required keys");

    let mut repo = Repo::new(true);
    repo.timestamp_keys = vec![key("timestamp"), key("timestamp")];
    repo.publish().run(&[]).bad("tuf-timestamp", "two signatures by the key id");
    let mut repo = Repo::new(true);
    let second = key("second");
    repo.roots[0].0["keys"][&second.id] = second.object();
    repo.roots[0].0["roles"]["targets"] = json!({"keyids": [key("targets").id, second.id], "threshold": 2});
    repo.clone().publish().run(&[]).bad("tuf-targets", "1 of 2");
    repo.targets_keys.push(second);
    repo.publish().run(&[]).good();
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let mut repo = Repo::new(true);
        repo.roots[0].0["roles"][role]["threshold"] = json!(0);
        repo.publish().run(&[]).bad("tuf-root", "threshold 0");
    }
}

#[test]
fn roles_may_not_sign_for_one_another() {
    let spoiled = |change: fn(&mut Repo)| {
        let mut repo = Repo::new(true);
        change(&mut repo);
        repo.publish().run(&[])
    };
    spoiled(|repo| repo.timestamp_keys = vec![key("targets")]).bad("tuf-timestamp", "0 of 1");
    spoiled(|repo| repo.snapshot_keys = vec![key("timestamp")]).bad("tuf-snapshot", "0 of 1");
    spoiled(|repo| repo.targets_keys = vec![key("snapshot")]).bad("tuf-targets", "0 of 1");
    spoiled(|repo| repo.timestamp_keys = vec![key("targets").called("id of timestamp")])
        .bad("tuf-timestamp", "not one by this key");
    spoiled(|repo| repo.timestamp["_type"] = json!("snapshot")).bad("tuf-timestamp", "_type");
    spoiled(|repo| repo.timestamp["spec_version"] = json!("2.0")).bad("tuf-timestamp", "spec_version");
}

#[test]
fn every_role_expires() {
    type Part = fn(&mut Repo) -> &mut serde_json::Value;
    let roles: [(&str, Part); 4] = [
        ("tuf-root", |repo| &mut repo.roots[0].0),
        ("tuf-timestamp", |repo| &mut repo.timestamp),
        ("tuf-snapshot", |repo| &mut repo.snapshot),
        ("tuf-targets", |repo| &mut repo.targets),
    ];
    for (id, part) in roles {
        let mut repo = Repo::new(true);
        part(&mut repo)["expires"] = json!(LATER);
        let site = repo.publish();
        site.run_at("2026-12-31T23:59:59Z", &[]).good();
        // At the very second it is over.
        site.run_at(LATER, &STORE).bad(id, "expired 2027-01-01T00:00:00Z");
        // What was good and stored is not good for ever.
        let site = repo.publish();
        site.run(&STORE).good();
        let before = state(&site.path("DS"));
        site.again(LATEST, &[]).bad("tuf-root", "expired");
        if id != "tuf-root" {
            site.again(LATER, &[]).bad(id, "expired");
        }
        assert_eq!(state(&site.path("DS")), before);
    }
}

/// A site whose datastore holds version 5 of everything, and the repository in that state.
fn fifth(change: impl FnOnce(&mut Repo)) -> (Site, Repo) {
    let mut repo = Repo::new(true);
    for payload in [&mut repo.timestamp, &mut repo.snapshot, &mut repo.targets] {
        payload["version"] = json!(5);
    }
    change(&mut repo);
    let site = repo.publish();
    site.run(&STORE).good();
    (site, repo)
}

/// After `change` a run fails and leaves the datastore as it was.
fn refused(change: fn(&mut Repo)) -> Outcome {
    let (site, mut repo) = fifth(|_| {});
    let before = state(&site.path("DS"));
    change(&mut repo);
    site.replace(&repo);
    let run = site.again(NOW, &[]);
    assert_eq!(state(&site.path("DS")), before);
    assert!(!run.looked_for().is_empty());
    run
}

#[test]
fn nothing_goes_back() {
    refused(|repo| repo.timestamp["version"] = json!(4)).bad("tuf-timestamp", "rollback: timestamp has version 4");
    refused(|repo| {
        repo.timestamp["version"] = json!(6);
        repo.snapshot["version"] = json!(4);
    })
    .bad("tuf-timestamp", "rollback: the snapshot that the timestamp names has version 4");
    // The timestamp of these is good, so it is kept; the snapshot is not.
    for (change, words) in
        [(json!(4), "rollback: targets.json has version 4"), (json!(null), "names gone.json, and this one does not")]
    {
        let (site, mut repo) = fifth(|repo| repo.snapshot["meta"]["gone.json"] = json!({"version": 1}));
        repo.timestamp["version"] = json!(6);
        repo.snapshot["version"] = json!(6);
        if change.is_null() {
            repo.snapshot["meta"] = json!({});
        } else {
            repo.targets["version"] = change;
        }
        site.replace(&repo);
        let snapshot = fs::read(site.path("DS/snapshot.json")).unwrap();
        site.again(NOW, &[]).bad("tuf-snapshot", words);
        // And again, although the stored timestamp now names another snapshot than the stored one.
        site.again(NOW, &[]).bad("tuf-snapshot", words);
        assert_eq!(fs::read(site.path("DS/snapshot.json")).unwrap(), snapshot);
    }
}

#[test]
fn expired_state_still_guards_against_rollback() {
    let (site, mut repo) = fifth(|repo| repo.timestamp["expires"] = json!(LATER));
    repo.timestamp["expires"] = json!(LATEST);
    repo.timestamp["version"] = json!(4);
    site.replace(&repo);
    site.again("2028-01-01T00:00:00Z", &[]).bad("tuf-timestamp", "rollback");
    repo.timestamp["version"] = json!(6);
    site.replace(&repo);
    site.again("2028-01-01T00:00:00Z", &[]).good();
}

#[test]
fn the_same_timestamp_version_changes_nothing() {
    let (site, mut repo) = fifth(|_| {});
    let before = state(&site.path("DS"));
    repo.snapshot["version"] = json!(6);
    site.replace(&repo);
    let run = site.again(NOW, &[]).good();
    assert!(run.tells("pass", "trusted from an earlier run"));
    assert_eq!(state(&site.path("DS")), before);
}

#[test]
fn mixed_metadata_is_refused() {
    // Snapshot of one state, targets of another: by hash, by version, and by length.
    let mut repo = Repo::new(true);
    let site = repo.publish();
    let old = fs::read(site.path("m/1.targets.json")).unwrap();
    repo.add("more.txt", b"more");
    site.replace(&repo);
    fs::write(site.path("m/1.targets.json"), &old).unwrap();
    site.run(&[]).bad("tuf-targets", "is not the file that the snapshot states: expected");
    repo.pins = false;
    repo.targets["version"] = json!(2);
    site.replace(&repo);
    fs::write(site.path("m/2.targets.json"), &old).unwrap();
    site.run(&[]).bad("tuf-targets", "version 2 as the snapshot states, found 1");
    repo.pins = true;
    site.replace(&repo);
    let mut longer = fs::read(site.path("m/1.snapshot.json")).unwrap();
    longer.push(b'\n');
    fs::write(site.path("m/1.snapshot.json"), longer).unwrap();
    site.run(&[]).bad("tuf-snapshot", "expected at most");
}

#[test]
fn absurd_versions_cannot_lock_the_store() {
    for version in
        ["9007199254740992", "9223372036854775808", "18446744073709551616", "1e30", "0", "-1", "1.0", "\"7\""]
    {
        let mut repo = Repo::new(true);
        repo.timestamp["version"] = serde_json::from_str(version).unwrap();
        let site = repo.publish();
        let run = site.run(&STORE);
        assert_eq!(run.code, 22, "{version}: {}", run.report);
        assert!(!site.path("DS/timestamp.json").exists(), "{version}");
        site.replace(&Repo::new(true));
        site.run(&STORE).good();
    }
    let mut repo = Repo::new(true);
    repo.snapshot["meta"]["other.json"] = json!({"version": u64::MAX});
    repo.publish().run(&[]).bad("tuf-snapshot", "is not between 1 and");
}

#[test]
fn fast_forward_is_recovered_by_new_keys_only() {
    let (site, mut repo) = fifth(|repo| repo.timestamp["version"] = json!(1_000_000));
    repo.timestamp["version"] = json!(6);
    site.replace(&repo);
    site.again(NOW, &[]).bad("tuf-timestamp", "rollback");
    // A key that is only added revokes nothing.
    let new = key("timestamp 2");
    repo.rotate(&[key("root")], |next| {
        next["keys"][&new.id] = new.object();
        next["roles"]["timestamp"]["keyids"] = json!([key("timestamp").id, new.id]);
    });
    site.replace(&repo);
    site.again(NOW, &[]).bad("tuf-timestamp", "rollback");
    repo.rotate(&[key("root")], |next| next["roles"]["timestamp"]["keyids"] = json!([new.id]));
    repo.timestamp_keys = vec![new];
    site.replace(&repo);
    let run = site.again(NOW, &[]).good();
    assert!(run.tells("pass", "the stored timestamp and snapshot were dropped"));
}

#[test]
fn a_second_opinion_that_the_store_does_not_share() {
    let site = Repo::new(true).publish();
    site.run(&STORE).good();
    let mut other = Repo::new(true);
    other.roots[0].0["expires"] = json!(LATER);
    fs::write(site.path("trusted.json"), other.root_bytes(1)).unwrap();
    site.run(&STORE).bad("tuf-root", "another root of the same version");
    fs::write(site.path("DS/timestamp.json"), "not json").unwrap();
    let run = site.again(NOW, &[]).good();
    assert!(run.tells("skip", "no measure for rollback"));
}

#[test]
fn usage_and_environment_are_no_verdicts() {
    let site = Repo::new(true).publish();
    assert_eq!(site.raw(NOW, &[]).code, 2);
    assert_eq!(site.raw(NOW, &["--tuf-root", "nowhere"]).code, 2);
    assert_eq!(site.again(NOW, &[]).code, 2);
    assert!(!site.path("DS").exists());
    fs::remove_dir_all(site.path("m")).unwrap();
    assert_eq!(site.run(&[]).code, 4);
}

#[test]
fn more_roots_than_one_run_follows_need_another_run() {
    let mut repo = Repo::new(true);
    (0..1030).for_each(|_| repo.rotate(&[key("root")], |_| {}));
    let site = repo.publish();
    let run = site.run(&STORE).bad("tuf-root", "1024 root versions were followed");
    assert_eq!(run.looked_for().len(), 1024);
    assert_eq!(fs::read(site.path("DS/root.json")).unwrap(), repo.root_bytes(1025));
    site.again(NOW, &[]).good();
}

#[test]
fn failures_say_which_file_and_give_facts() {
    let mut repo = Repo::new(true);
    repo.snapshot["expires"] = json!("2026-01-01T00:00:00Z");
    let run = repo.publish().run(&[]).bad("tuf-snapshot", "expired");
    let row = run.rows("fail")[0].clone();
    assert_eq!(row["subject"], "metadata/1.snapshot.json");
    assert_eq!(row["evidence"]["expires"], "2026-01-01T00:00:00Z");
    assert_eq!(row["class"], "tuf");
    let passed = run.rows("pass");
    let timestamp = passed.iter().find(|row| row["id"] == "tuf-timestamp").unwrap();
    assert_eq!(timestamp["evidence"]["version"], "1");
    assert!(timestamp["evidence"]["signers"].as_str().unwrap().starts_with("sha256:"));
}

#[test]
fn reports_fit_the_schema() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json")).unwrap();
    let schema = support_schema::Schema::parse(&text);
    let site = Repo::new(true).publish();
    let runs = [
        site.run(&[&HELLO[..], &STORE].concat()),
        site.again(NOW, &[]),
        site.run(&["--target", "nowhere"]),
        site.run_at("2040-01-01T00:00:00Z", &[]),
        site.raw(NOW, &["--datastore", "empty"]),
        site.raw(NOW, &[]),
    ];
    assert_eq!(runs.each_ref().map(|run| run.code), [0, 0, 22, 22, 2, 2]);
    for run in runs {
        let report: support_schema::Node = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(schema.judge(&report), Ok(()), "{:#}", run.report);
    }
}
