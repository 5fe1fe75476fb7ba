//! `diff --manifests-only`: what is stated is compared, nothing that was not read is called good, and nothing is guessed.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod support_diff;
mod support_schema;

use portcullis::format::digest::{hex, sha256, sha512};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use support::{all, assert_none, cases, run, run_with_input};
use support_diff::{AT, diff, fixture, folders, judged, refusal, text};

const ONLY: &str = "--manifests-only";
const GOOD: &str = "devportal/good-envelope-beside/devportal-offline-bundle.tgz";

/// Lines of a checksum list about these files.
fn list(files: &[(&str, &str)]) -> String {
    files.iter().map(|(name, content)| format!("{}  {name}\n", hex(&sha256(content.as_bytes())))).collect()
}

/// Two folders with these files, each with a list of all of them.
fn listed(old: &[(&str, &str)], new: &[(&str, &str)]) -> (tempfile::TempDir, String, String) {
    let (a, b) = (list(old), list(new));
    folders(&[old, &[("SHA256SUMS", &a)]].concat(), &[new, &[("SHA256SUMS", &b)]].concat())
}

fn rows(report: &Value) -> Vec<String> {
    let rows = report["changes"]["entries"].as_array().unwrap();
    rows.iter().map(|row| format!("{} {}", row["change"].as_str().unwrap(), row["path"].as_str().unwrap())).collect()
}

#[test]
fn what_lists_state_is_compared_and_nothing_else() {
    let (_place, old, new) = listed(
        &[("same", "1"), ("changed", "22"), ("from", "333"), ("gone", "4444")],
        &[("same", "1"), ("changed", "55"), ("to", "333"), ("come", "66666")],
    );
    // The manifest does not say so, and nobody looks.
    fs::write(Path::new(&new).join("same"), "X").unwrap();
    let (report, exit) = diff(&old, &new, &[ONLY]);
    let changes = &report["changes"];
    assert_eq!(rows(&report), ["changed SHA256SUMS", "changed changed", "added come", "removed gone", "moved to"]);
    assert_eq!((exit, &changes["compared"], &changes["identical"]), (1, &json!("manifests"), &json!(false)));
    let summary = json!({
        "added": 1, "removed": 1, "changed": 2, "moved": 1, "unchanged": 1, "not_comparable": 0, "not_compared": 0,
        "bytes_added": changes["summary"]["bytes_added"], "bytes_removed": changes["summary"]["bytes_removed"],
    });
    assert_eq!(changes["summary"], summary);
    assert_eq!((&report["verdict"], &report["old"]["content_digest"]), (&json!("not-verified"), &Value::Null));
    assert_eq!(changes["semantic"], Value::Null);
    let (page, _) = text(&old, &new, &[ONLY]);
    assert!(page.starts_with("NOTHING WAS VERIFIED  old -> new\n  no content was read or hashed:"), "{page}");
    assert!(page.contains("something else may lie there"), "{page}");
    assert!(page.contains("from -> to") && page.contains("records, databases, images and modes"), "{page}");
    assert_eq!(text(&old, &new, &[ONLY, "--name-only"]).0, "SHA256SUMS\nchanged\ncome\ngone\nto\n");
    assert!(!text(&old, &new, &[ONLY, "--stat"]).0.contains("from -> to"));
    for (condition, exit) in [("added", 1), ("removed", 1), ("changed", 1), ("regression", 0)] {
        assert_eq!(diff(&old, &new, &[ONLY, "--fail-on", condition]).1, exit, "{condition}");
    }
    let (page, exit) = text(&old, &old, &[ONLY]);
    assert!(page.contains("the manifests state no difference (exit 0)") && exit == 0, "{page}");
}

#[test]
fn content_is_not_read() {
    let (_place, old, new) = listed(&[("big", "1")], &[("big", "1")]);
    for side in [&old, &new] {
        // To hash it would take longer than anybody waits for a test.
        fs::File::create(Path::new(side).join("big")).unwrap().set_len(512 << 30).unwrap();
    }
    let (report, exit) = diff(&old, &new, &[ONLY]);
    assert_eq!((exit, &report["changes"]["stated"]["old"]["other_size"]["count"]), (0, &json!(0)));
    // Its limits are those of every other verb.
    let (report, exit) = diff(&old, &new, &[ONLY, "--max-bytes", "1000000"]);
    assert_eq!((exit, &report["changes"], &report["verdict"]), (24, &Value::Null, &json!("failed")));
}

#[test]
fn what_the_listing_shows_is_not_passed_over() {
    let files = [("a", "1"), ("b", "22")];
    let (_place, old, new) = listed(&files, &files);
    fs::remove_file(Path::new(&new).join("a")).unwrap();
    let (report, exit) = diff(&old, &new, &[ONLY]);
    assert_eq!((rows(&report), exit), (vec!["changed a".to_string()], 1));
    let row = &report["changes"]["entries"][0];
    assert_eq!((&row["old"]["lies_there"], &row["new"]["lies_there"]), (&json!(true), &json!(false)));
    assert_eq!(report["changes"]["stated"]["new"]["not_there"], json!({"count": 1, "first": ["a"]}));
    assert_eq!(diff(&old, &new, &[ONLY, "--fail-on", "removed"]).1, 1);
    assert_eq!(diff(&new, &old, &[ONLY, "--fail-on", "removed"]).1, 0);
    assert_eq!(diff(&new, &old, &[ONLY, "--fail-on", "added"]).1, 1);
    assert!(text(&old, &new, &[ONLY]).0.contains("a  lies there -> is named only"));
    fs::write(Path::new(&new).join("a"), "12345").unwrap();
    let (report, exit) = diff(&old, &new, &[ONLY]);
    assert_eq!((rows(&report), exit), (vec!["changed a".to_string()], 1));
}

#[test]
fn what_nobody_states_is_counted_and_never_called_the_same() {
    let (a, b) = (list(&[("a", "1")]), list(&[("a", "1")]));
    let (_place, old, new) =
        folders(&[("a", "1"), ("run.sh", "x"), ("SHA256SUMS", &a)], &[("a", "1"), ("run.sh", "y"), ("SHA256SUMS", &b)]);
    let (report, exit) = diff(&old, &new, &[ONLY]);
    assert_eq!((exit, &report["changes"]["summary"]["unchanged"]), (0, &json!(2)));
    assert_eq!(report["changes"]["stated"]["not_compared"], json!({"count": 1, "first": ["run.sh"]}));
    let (page, _) = text(&old, &new, &[ONLY]);
    assert!(page.contains("not compared, since no manifest states a digest of them (1): run.sh"), "{page}");
    // One that lies on one side only, or has another size, is different whatever it holds.
    fs::write(Path::new(&new).join("evil.sh"), "z").unwrap();
    fs::write(Path::new(&new).join("run.sh"), "longer").unwrap();
    let (report, exit) = diff(&old, &new, &[ONLY]);
    assert_eq!((rows(&report), exit), (vec!["added evil.sh".to_string(), "changed run.sh".into()], 1));
    assert_eq!(diff(&old, &new, &[ONLY, "--fail-on", "added"]).1, 1);
}

#[test]
fn contradictions_and_two_algorithms_are_not_comparable() {
    let long = |content: &str| format!("{}  a\n", hex(&sha512(content.as_bytes())));
    let (first, other) = (list(&[("a", "1")]), list(&[("a", "2")]));
    let one = [("a", "1"), ("SHA256SUMS", first.as_str())];
    let (sha512s, torn) = (long("1"), [("a", "1"), ("SHA256SUMS", &first), ("checksums.txt", &other)]);
    let (_place, old, new) = folders(&one, &torn);
    let (report, exit) = diff(&old, &new, &[ONLY]);
    assert_eq!((rows(&report), exit), (vec!["not-comparable a".to_string(), "added checksums.txt".into()], 1));
    assert_eq!(report["changes"]["entries"][0]["new"]["stated_by"], json!(["SHA256SUMS", "checksums.txt"]));
    assert_eq!(report["changes"]["stated"]["new"]["contradictory"], json!({"count": 1, "first": ["a"]}));
    assert_eq!(report["changes"]["summary"]["unchanged"], 1);
    assert!(text(&old, &new, &[ONLY]).0.contains("a  sha256 -> contradictory"));
    // Not even with itself.
    assert_eq!(diff(&new, &new, &[ONLY]).1, 1);
    assert_eq!(diff(&new, &new, &[ONLY, "--fail-on", "changed"]).1, 1);
    let (_place, old, new) = folders(&one, &[("a", "1"), ("SHA512SUMS", &sha512s)]);
    let (report, exit) = diff(&old, &new, &[ONLY]);
    assert_eq!((&rows(&report)[2], exit), (&"not-comparable a".to_string(), 1), "{report}");
    assert!(text(&old, &new, &[ONLY]).0.contains("a  sha256 -> sha512"));
}

#[test]
fn a_side_that_states_nothing_is_refused() {
    let (_place, old, new) = folders(&[("a", "1")], &[("a", "1"), ("SHA256SUMS", &list(&[("a", "1")]))]);
    for (one, other, side) in
        [(&old, &new, "the old side has no manifest"), (&new, &old, "the new side has no manifest")]
    {
        let (said, exit) = refusal(one, other, &[ONLY]);
        assert!(exit == 2 && said.contains(side) && said.contains("leave out --manifests-only"), "{exit}: {said}");
    }
    let (said, exit) = refusal(&old, &old, &[ONLY]);
    assert!(exit == 2 && said.contains("neither side"), "{exit}: {said}");
    let database = fixture("trivy-db/good-ed25519/db.bundle");
    assert_eq!(refusal(&new, &database, &[ONLY]).1, 2);
    let output = run(&["diff", &old, &new, ONLY, "--json", AT[0], AT[1]]);
    assert_eq!((judged(&output, "refused")["verdict"].as_str(), output.status.code()), (Some("error"), Some(2)));
}

#[test]
fn nothing_can_be_verified_with_it() {
    let (good, key) = (fixture(GOOD), support::root().join("keys-example/ed25519.pub.pem"));
    let key = key.to_str().unwrap();
    for options in [
        &["--key", key, "--allow-example-keys"][..],
        &["--require", "integrity,complete"],
        &["--max-age", "7d"],
        &["--allow-extra", "*"],
        &["--threshold", "2"],
    ] {
        let (said, exit) = refusal(&good, &good, &[&[ONLY], options].concat());
        assert!(exit == 2 && said.contains("nothing can be verified"), "{options:?}: {exit}: {said}");
    }
    for options in [&["--unified", "a"][..], &["--subject-digest"], &["--identity", key]] {
        assert_eq!(refusal(&good, &good, &[&[ONLY], options].concat()).1, 2, "{options:?}");
    }
}

#[test]
fn no_row_of_a_side_is_good_and_no_content_is_called_bad() {
    let good = cases().into_iter().filter(|case| case.args[0] == "verify" && case.name().contains("/good"));
    let inputs: Vec<String> = good.map(|case| case.args().swap_remove(1)).collect();
    assert!(inputs.len() > 60, "{} inputs", inputs.len());
    let compared = std::sync::atomic::AtomicUsize::new(0);
    assert_none(&all(&inputs, |input| {
        let output = run(&["diff", input, input, ONLY, "--json", AT[0], AT[1]]);
        let report = judged(&output, input);
        let exit = output.status.code();
        if exit == Some(2) {
            let why = report["error"].to_string();
            return if why.contains("neither side") { vec![] } else { vec![format!("{input}: {why}")] };
        }
        compared.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut wrong = Vec::new();
        for check in ["old", "new"].iter().flat_map(|side| report[side]["checks"].as_array().unwrap()) {
            if check["status"] != "skip" {
                wrong.push(format!("{input}: {check}"));
            }
        }
        if (exit, &report["changes"]["identical"]) != (Some(0), &json!(true)) {
            wrong.push(format!("{input}: it differs from itself: {:?}", rows(&report)));
        }
        if report["verdict"] != "not-verified" || report["new"]["authentication"]["by"] != "none" {
            wrong.push(format!("{input}: {}", report["verdict"]));
        }
        wrong
    }));
    assert!(compared.into_inner() > 40);
}

/// Good cases and bad ones, each with the next of its kind.
#[test]
fn pairs_of_fixtures_can_be_turned_round() {
    let verified = cases().into_iter().filter(|case| case.args[0] == "verify" && case.verdict != "error");
    let inputs: Vec<(String, String)> = verified
        .map(|case| (case.name().split('/').next().unwrap().to_string(), case.args().swap_remove(1)))
        .filter(|(_, input)| Path::new(input).exists())
        .collect();
    let alike = inputs.windows(2).filter(|pair| pair[0].0 == pair[1].0).step_by(3);
    let pairs: Vec<(&str, &str)> = alike.map(|pair| (pair[0].1.as_str(), pair[1].1.as_str())).collect();
    assert!(pairs.len() > 200, "{} pairs", pairs.len());
    assert_none(&all(&pairs, |(old, new)| {
        let report = |old, new| {
            let output = run(&["diff", old, new, ONLY, "--json", AT[0], AT[1]]);
            (judged(&output, old), output.status.code())
        };
        let ((there, exit), (back, exit_back)) = (report(old, new), report(new, old));
        if exit != exit_back {
            return vec![format!("{old} {new}: {exit:?} there, {exit_back:?} back")];
        }
        if there["changes"].is_null() {
            let known = matches!(exit, Some(2 | 24));
            return if known { vec![] } else { vec![format!("{old} {new}: {exit:?} without changes")] };
        }
        let row = |row: &Value, [old, new]: [&str; 2]| format!("{} {} {}", row["change"], row[old], row[new]);
        let turned = |row: &str| match row {
            row if row.starts_with("\"added") => row.replacen("added", "removed", 1),
            row => row.replacen("removed", "added", usize::from(row.starts_with("\"removed"))),
        };
        let rows = |report: &Value, sides| -> Vec<String> {
            report["changes"]["entries"].as_array().unwrap().iter().map(|found| row(found, sides)).collect()
        };
        let mut expected: Vec<String> = rows(&there, ["new", "old"]).iter().map(|row| turned(row)).collect();
        let mut found = rows(&back, ["old", "new"]);
        expected.sort();
        found.sort();
        if found == expected { vec![] } else { vec![format!("{old} {new}: other rows on the way back")] }
    }));
}

#[test]
fn an_altered_manifest_shows_and_an_altered_file_does_not() {
    let altered = fixture("devportal/entry-altered/devportal-offline-bundle.tgz");
    let (report, exit) = diff(&fixture(GOOD), &altered, &[ONLY]);
    assert_eq!((rows(&report).len(), exit), (0, 0), "{report}");
    // Who claims to have signed is compared as always.
    let two = fixture("devportal/good-two-of-two/devportal-offline-bundle.tgz");
    let (report, exit) = diff(&two, &fixture(GOOD), &[ONLY]);
    let first = &report["changes"]["identity"][0];
    assert_eq!((exit, &first["field"], &first["regression"]), (1, &json!("signers"), &json!(true)));
    assert_eq!(diff(&two, &fixture(GOOD), &[ONLY, "--fail-on", "regression"]).1, 1);
}

#[test]
fn the_form_of_the_container_makes_no_difference() {
    let tree = fixture("devportal/good-directory/tree");
    let (report, exit) = diff(&tree, &fixture(GOOD), &[ONLY, "--no-sidecars"]);
    assert_eq!((rows(&report), exit), (vec![], 0));
    assert_eq!(report["changes"]["summary"]["unchanged"].as_u64().map(|count| count > 7), Some(true));
    let bytes = fs::read(fixture(GOOD)).unwrap();
    let output = run_with_input(&["diff", &fixture(GOOD), "-", ONLY, "--json", "--no-sidecars", AT[0], AT[1]], &bytes);
    assert_eq!((rows(&judged(&output, "pipe")), output.status.code()), (vec![], Some(0)));
    // A bad container is bad, whatever was read of it.
    let twice = fixture("devportal/duplicate-second-differs/devportal-offline-bundle.tgz");
    let (report, exit) = diff(&fixture(GOOD), &twice, &[ONLY]);
    assert_eq!((exit, &report["verdict"], &report["changes"]["compared"]), (24, &json!("failed"), &json!("manifests")));
    assert!(text(&fixture(GOOD), &twice, &[ONLY]).0.contains("no content was read or hashed"));
    let cut = fixture("devportal/truncated-in-data/devportal-offline-bundle.tar");
    let (report, exit) = diff(&fixture(GOOD), &cut, &[ONLY]);
    assert_eq!((exit, &report["changes"]), (24, &Value::Null));
}

#[test]
fn manifests_that_only_others_lead_to_are_read() {
    let (good, other) =
        (fixture("oci-layout/good/images.tar.gz"), fixture("oci-layout/unproven-foreign-layer/images.tar.gz"));
    let (report, exit) = diff(&good, &other, &[ONLY]);
    assert_eq!(exit, 1);
    let documents = report["changes"]["stated"]["old"]["documents"].as_array().unwrap();
    assert!(documents.len() > 2, "{documents:?}");
    assert!(rows(&report).iter().any(|row| row.contains("blobs/sha256/")), "{:?}", rows(&report));
    // From a pipe they cannot be found.
    let output = run_with_input(&["diff", &good, "-", ONLY], &fs::read(&other).unwrap());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("the new side has manifests"), "{said}");
}

#[test]
fn a_manifest_that_cannot_be_read_is_never_the_same() {
    let digest = list(&[("mirror/a", "1")]);
    let files = |manifest| [("manifest.json", manifest), ("mirror/a", "1"), ("checksums.txt", digest.as_str())];
    let broken = r#"{"version":"devportal-offline/v1","bundleId":"x","entries":["#;
    let (_place, old, new) = folders(&files(broken), &files(broken));
    let output = run(&["diff", &old, &new, ONLY, "--json", AT[0], AT[1]]);
    let report = judged(&output, "broken");
    assert_ne!(output.status.code(), Some(0), "{report}");
    if let Some(identical) = report.pointer("/changes/identical") {
        assert_eq!((identical, &report["changes"]["stated"]["new"]["unreadable"]), (&json!(false), &json!(true)));
        assert!(text(&old, &new, &[ONLY]).0.contains("a manifest could not be read whole"));
    }
}

#[test]
fn a_list_with_a_line_that_cannot_be_read_is_never_the_same() {
    for line in ["d41d8cd98f00b204e9800998ecf8427e  x.bin", "zz  x.bin", "../x.bin"] {
        let sums = format!("{}{line}\n", list(&[("a", "1")]));
        // The file of the line that cannot be read is another of the same size.
        let (_place, old, new) = folders(
            &[("a", "1"), ("x.bin", "1"), ("SHA256SUMS", &sums)],
            &[("a", "1"), ("x.bin", "2"), ("SHA256SUMS", &sums)],
        );
        let (report, exit) = diff(&old, &new, &[ONLY]);
        assert_eq!((&report["changes"]["identical"], exit), (&json!(false), 1), "{line}");
    }
}

#[test]
fn a_manifest_with_a_path_that_is_refused_is_never_the_same() {
    for case in
        ["devportal/paths-parent/devportal-offline-bundle.tgz", "mirror-full/path-parent/mirror-20261101.tar.zst"]
    {
        let (report, exit) = diff(&fixture(case), &fixture(case), &[ONLY]);
        assert_eq!((&report["changes"]["identical"], exit), (&json!(false), 1), "{case}");
        let failed = |check: &Value| check["id"] == "manifest-paths" && check["status"] == "fail";
        assert!(report["new"]["checks"].as_array().unwrap().iter().any(failed), "{case}");
    }
}

#[test]
fn names_from_the_input_do_not_reach_the_terminal_raw() {
    let name = "a\u{1b}[2J\u{202e}b";
    let lists = [list(&[("x", "1")]), list(&[("x", "1"), (name, "2")]), list(&[("x", "1"), ("n\u{1b}[2J", "3")])];
    for state in 0..3 {
        let (_place, old, new) = folders(
            &[("x", "1"), ("SHA256SUMS", &lists[0])],
            &[("x", "1"), (name, "2"), ("SHA256SUMS", &lists[state])],
        );
        for more in [&[ONLY][..], &[ONLY, "--name-only"], &[ONLY, "--entries"]] {
            let (page, _) = text(&old, &new, more);
            assert!(page.contains("a\\x1b[2J\\u{202e}b"), "{page}");
        }
        diff(&old, &new, &[ONLY]);
    }
}
