//! `diff OLD --apply DELTA` on the pairs under `fixtures/diff`, and both it and `--delta` on pairs made at random.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod support_schema;

use portcullis::format::digest::{hex, sha256};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use support::{Case, pairs, root, run};
use support_schema::{Node, Schema};

type Files = BTreeMap<String, Vec<u8>>;

fn schema() -> Schema {
    Schema::parse(&std::fs::read_to_string(root().join("docs/report.schema.json")).unwrap())
}

// ---- applying ------------------------------------------------------------------------------------------------------

/// Every file below `at`.
fn files(at: &Path) -> Files {
    let mut found = Files::new();
    for entry in walkdir::WalkDir::new(at) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(at).unwrap().to_string_lossy().into_owned();
            found.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// Every file of a tar in zstd.
fn archived(at: &Path) -> Files {
    let mut archive = tar::Archive::new(zstd::Decoder::new(std::fs::File::open(at).unwrap()).unwrap());
    let mut found = Files::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let name = entry.path().unwrap().to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            found.insert(name, bytes);
        }
    }
    found
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Applies the delta of a pair; the exit code, the report, and what lies at the target.
fn applied(case: &Case, more: &[&str]) -> (Option<i32>, Value, Option<Files>) {
    let temp = tempfile::tempdir().unwrap();
    let to = temp.path().join("out");
    let at = |name: &str| text(&case.folder.join(name));
    let mut args = vec!["diff".into(), at("base.tar.zst"), "--apply".into(), at("delta.tar.zst")];
    args.extend(["--to".into(), text(&to), "--json".into(), "--at".into(), "2026-11-20T00:00:00Z".into()]);
    args.extend(more.iter().map(|arg| (*arg).to_string()));
    let output = run(&args);
    let beside: Vec<_> = std::fs::read_dir(temp.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(beside.iter().all(|name| name == "out"), "{beside:?}");
    let report: Node = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    schema().judge(&report).unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&output.stdout)));
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code(), report, to.exists().then(|| files(&to)))
}

fn key() -> [String; 3] {
    ["--key".into(), text(&root().join("keys-example/ecdsa-p256.pub.pem")), "--allow-example-keys".into()]
}

fn pair(name: &str) -> Case {
    pairs().into_iter().find(|case| case.name() == format!("diff/{name}")).unwrap()
}

#[test]
fn what_comes_out_is_the_new_bundle() {
    let key = key();
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    for (name, is_own) in [
        ("good-step-with-documents", false),
        ("good-step-readme-named", false),
        ("good-step", true),
        ("good-step-reset", true),
    ] {
        let case = pair(name);
        // What a delta does not bring of the documents of an export is not there.
        let mut expected = archived(&case.folder.join("new.tar.zst"));
        expected.retain(|path, _| !is_own || path.starts_with("mirror/data/") || path.starts_with("mirror/indexes/"));
        if name != "good-step-readme-named" {
            expected.remove("mirror/README.md");
        }
        for (trust, verdict) in [(&key[..], "verified"), (&[], "not-verified")] {
            let (exit, report, found) = applied(&case, trust);
            assert_eq!((exit, report["verdict"].as_str()), (Some(0), Some(verdict)), "{name}: {report:#}");
            assert_eq!(found.as_ref(), Some(&expected), "{name}");
            assert_eq!(report["unpacked"]["files"], expected.len());
            // A README.md that stays is part of the step; where nobody vouches for it, it is not written.
            let set_aside = u64::from(name == "good-step-with-documents");
            let step = ["kept", "added", "updated"].map(|word| report["step"][word].as_u64().unwrap());
            assert_eq!(step.iter().sum::<u64>() - set_aside, expected.len() as u64, "{name}");
        }
    }
}

#[test]
fn the_age_that_counts_is_that_of_the_delta() {
    let key = key();
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    // The old bundle was made 19 days before, the delta 18.
    for (age, exit) in [("18d", 0), ("17d", 25)] {
        let (found, report, _) = applied(&pair("good-step"), &[&key[..], &["--max-age", age]].concat());
        assert_eq!(found, Some(exit), "{report:#}");
    }
}

#[test]
fn a_layout_comes_out_with_the_signature_of_its_index() {
    let case = pair("good-layout-step");
    let at = |name: &str| text(&case.folder.join(name));
    let temp = tempfile::tempdir().unwrap();
    let to = text(&temp.path().join("out"));
    let trust =
        ["--key", &text(&root().join("keys-example/ed25519.pub.pem")), "--allow-example-keys"].map(str::to_string);
    let at_time = ["--at", "2026-11-20T00:00:00Z"].map(str::to_string);
    let with = |args: &[String]| run(&[args, &trust[..], &at_time[..]].concat());
    let apply = ["diff".into(), at("base.oci.tar"), "--apply".into(), at("delta.oci.tar"), "--to".into(), to.clone()];
    let output = with(&apply);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let output = with(&["verify".into(), to.clone()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(!Path::new(&to).join("metadata.json").exists(), "it is about the delta");
}

#[test]
fn what_does_not_hold_is_not_applied() {
    let key = key();
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    for (name, exit) in [
        ("step-on-other-base", [26, 26]),
        ("step-file-absent", [20, 20]),
        ("step-removal-without-tombstone", [20, 20]),
        ("step-by-no-delta", [20, 20]),
        // Only what came out shows that its export.json is not the one that was signed.
        ("step-other-document", [21, 20]),
        ("step-half-of-the-documents", [20, 20]),
    ] {
        for (trust, exit) in [&key[..], &[]].into_iter().zip(exit) {
            let (found, report, written) = applied(&pair(name), trust);
            assert_eq!((found, report["verdict"].as_str()), (Some(exit), Some("failed")), "{name}: {report:#}");
            assert!(written.is_none() && report["unpacked"].is_null(), "{name}");
        }
    }
    let stranger = text(&root().join("keys-example/stranger.pub.pem"));
    let (exit, _, written) = applied(&pair("good-step"), &["--key", &stranger, "--allow-example-keys"]);
    assert_eq!((exit, written), (Some(21), None));
}

#[test]
fn options_that_do_not_fit_are_told() {
    let case = pair("good-step");
    let at = |name: &str| text(&case.folder.join(name));
    let temp = tempfile::tempdir().unwrap();
    let to = text(&temp.path().join("out"));
    let (old, new, delta) = (at("base.tar.zst"), at("new.tar.zst"), at("delta.tar.zst"));
    for args in [
        &["diff", &old][..],
        &["diff", &old, "--apply", &delta],
        &["diff", &old, "--to", &to],
        &["diff", &old, &new, "--apply", &delta, "--to", &to],
        &["diff", &old, &new, "--delta", &delta, "--apply", &delta, "--to", &to],
        &["diff", "-", "--apply", &delta, "--to", &to],
        &["diff", &old, "--apply", "-", "--to", &to],
        &["diff", "-", &new, "--delta", &delta],
        &["diff", &old, "-", "--delta", "-"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    }
    let pipe = text(&temp.path().join("pipe"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for args in [&["diff", &pipe, &new, "--delta", &delta][..], &["diff", &old, "--apply", &pipe, "--to", &to]] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
    std::fs::create_dir(&to).unwrap();
    std::fs::write(Path::new(&to).join("own"), "mine").unwrap();
    let apply = ["diff", &old, "--apply", &delta, "--to", &to];
    assert_eq!(run(&apply).status.code(), Some(4), "what is there stays");
    assert_eq!(std::fs::read(Path::new(&to).join("own")).unwrap(), b"mine");
    assert_eq!(run(&[&apply[..], &["--force"]].concat()).status.code(), Some(0));
    assert!(!Path::new(&to).join("own").exists() && Path::new(&to).join("mirror/data").exists());
}

// ---- at random -----------------------------------------------------------------------------------------------------

/// Writes a mirror of these files, unsigned; `block` is the block `delta` of its export.json. Returns the digest of that.
fn mirror(at: &Path, id: &str, files: &Files, block: Option<Value>) -> String {
    let contents: Vec<Value> = files
        .iter()
        .map(|(path, bytes)| json!({"path": path, "digest": format!("sha256:{}", hex(&sha256(bytes))), "bytes": bytes.len()}))
        .collect();
    let variant = if block.is_some() { "delta" } else { "full" };
    let mut export = json!({
        "schema": "https://stellaops.io/export-center/manifest/v1alpha2", "version": "1.1.0", "exportId": id,
        "profile": {"kind": "mirror", "variant": variant, "name": "nightly"}, "tenant": "acme",
        "selectors": {"tenants": ["acme"]}, "generatedAt": "2026-11-01T00:00:00Z", "contents": contents,
    });
    if let Some(block) = block {
        export["delta"] = block;
    }
    let export = serde_json::to_vec(&export).unwrap();
    let digest = hex(&sha256(&export));
    let provenance = json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
        "subject": [{"name": "export.json", "digest": {"sha256": digest}}], "predicate": {}});
    let provenance = serde_json::to_vec(&provenance).unwrap();
    let manifest = format!(
        "profile:\n  kind: mirror\n  variant: {variant}\n  name: nightly\ntenant: acme\nexportId: {id}\n\
         generatedAt: \"2026-11-01T00:00:00Z\"\nfiles:\n  - path: export.json\n    digest: sha256:{digest}\n  \
         - path: provenance.json\n    digest: sha256:{}\n",
        hex(&sha256(&provenance))
    );
    let own = [("export.json", export), ("provenance.json", provenance), ("manifest.yaml", manifest.into_bytes())];
    for (path, bytes) in
        files.iter().map(|(path, bytes)| (path.as_str(), bytes)).chain(own.iter().map(|(p, b)| (*p, b)))
    {
        let file = at.join("mirror").join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
    digest
}

/// Writes the delta from `old` to `new`, which lie there already.
fn delta(at: &Path, base: &str, old: &Files, new: &Files) {
    let brought = |is: &dyn Fn(&String) -> bool| -> Vec<&String> {
        new.iter().filter(|(path, bytes)| old.get(*path) != Some(*bytes) && is(path)).map(|(path, _)| path).collect()
    };
    let (added, updated) = (brought(&|path| !old.contains_key(path)), brought(&|path| old.contains_key(path)));
    let removed: Vec<&String> = old.keys().filter(|path| !new.contains_key(*path)).collect();
    let link = json!({"baseExportId": "exp-old-1", "baseManifestDigest": format!("sha256:{base}"),
        "resetBaseline": false, "tombstones": removed});
    let mut diff = link.clone();
    diff["counts"] = json!({"added": added.len(), "updated": updated.len(), "removed": removed.len()});
    diff["added"] = json!(added);
    diff["updated"] = json!(updated);
    diff["removed"] = json!(removed);
    let mut files = Files::from([("delta/manifest.diff.json".to_string(), serde_json::to_vec(&diff).unwrap())]);
    for (folder, paths) in [("added", added), ("updated", updated)] {
        files.extend(paths.into_iter().map(|path| (format!("delta/{folder}/{path}"), new[path].clone())));
    }
    mirror(at, "exp-delta-1", &files, Some(link));
}

#[test]
fn a_name_that_a_later_run_would_remove_is_not_applied() {
    let temp = tempfile::tempdir().unwrap();
    let at = |name: &str| temp.path().join(name);
    let old = Files::from([("data/a".to_string(), vec![1])]);
    let mut new = old.clone();
    new.insert("data/.portcullis-staging-aaaaaaaaaaaaaaaa/lock".into(), vec![2]);
    let base = mirror(&at("old"), "exp-old-1", &old, None);
    delta(&at("delta"), &base, &old, &new);
    let output = run(&["diff", &text(&at("old")), "--apply", &text(&at("delta")), "--to", &text(&at("out"))]);
    assert_eq!(output.status.code(), Some(20), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(!at("out").exists());
}

#[test]
fn of_many_faults_a_thousand_are_told_and_the_rest_is_counted() {
    let temp = tempfile::tempdir().unwrap();
    let at = |name: &str| temp.path().join(name);
    let one = Files::from([("data/a".to_string(), vec![1])]);
    // The delta names 3,000 files that are nowhere, and the new bundle has 3,000 others.
    let named: Files = (0..3000).map(|number| (format!("data/n/{number}"), vec![1])).collect();
    let new: Files = (0..3000).map(|number| (format!("data/m/{number}"), vec![1])).chain(one.clone()).collect();
    let base = mirror(&at("old"), "exp-old-1", &one, None);
    mirror(&at("new"), "exp-new-1", &new, None);
    delta(&at("delta"), &base, &one, &one.clone().into_iter().chain(named).collect());
    std::fs::remove_dir_all(at("delta").join("mirror/delta/added")).unwrap();
    let output = run(&["diff", &text(&at("old")), &text(&at("new")), "--delta", &text(&at("delta")), "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["delta"]["is_step"]), (Some(20), &json!(false)));
    // A thousand rows are listed, and a last one counts the rest.
    let rows = report["delta"]["checks"].as_array().unwrap();
    assert_eq!(rows.len(), 1001);
    assert!(rows.last().unwrap()["detail"].as_str().unwrap().contains("and 5000 more"), "{}", rows.last().unwrap());
}

fn some_files() -> impl Strategy<Value = Files> {
    proptest::collection::btree_map("data/[a-c]/[a-b]{1,2}", 0_u8..4, 1..8)
        .prop_map(|files| files.into_iter().map(|(path, content)| (path, vec![content; 3])).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_delta_made_of_two_bundles_leads_from_one_to_the_other(a in some_files(), b in some_files(), c in some_files()) {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        let base = mirror(&at("a"), "exp-old-1", &a, None);
        mirror(&at("b"), "exp-new-1", &b, None);
        mirror(&at("c"), "exp-new-2", &c, None);
        delta(&at("d"), &base, &a, &b);
        let diff = |new: &str| run(&[&text(&at("a")), &text(&at(new))].map(String::as_str).into_iter()
            .fold(vec!["diff"], |mut args, arg| { args.push(arg); args })
            .into_iter().chain(["--delta", &text(&at("d"))]).collect::<Vec<_>>());
        let output = diff("b");
        prop_assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
        // To any other bundle it does not lead.
        let other = diff("c");
        prop_assert_eq!(other.status.code(), Some(if b == c { 0 } else { 20 }), "{}", String::from_utf8_lossy(&other.stdout));
        let (old, by, to) = (text(&at("a")), text(&at("d")), text(&at("out")));
        let output = run(&["diff", &old, "--apply", &by, "--to", &to]);
        prop_assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
        prop_assert_eq!(files(&at("out").join("mirror")), b);
    }
}
