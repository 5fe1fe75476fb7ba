//! `unpack`: every good fixture comes out byte for byte, every other leaves nothing behind, and whatever ends a run early
//! leaves nothing under the name.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use portcullis::format::digest::{hex, sha256};
use portcullis::pipeline::unpack::PREFIX;
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::{Case, all, assert_none, cases, json, program, root, run, run_with_input};

const GOOD: &str = "fixtures/devportal/good-tar/devportal-offline-bundle.tar";
const INTACT: [&str; 2] = ["--require", "integrity,complete"];

/// Options with which the good fixture verifies.
fn trusted() -> Vec<String> {
    let key = root().join("keys-example/ed25519.pub.pem").to_string_lossy().into_owned();
    ["--key", &key, "--allow-example-keys", "--at", "2026-11-20T00:00:00Z"].map(String::from).to_vec()
}

fn unpack(input: &Path, to: &Path, more: &[&str]) -> Output {
    let mut args = vec!["unpack".to_string(), input.to_string_lossy().into_owned()];
    args.extend(["--to".into(), to.to_string_lossy().into_owned()]);
    args.extend(more.iter().map(ToString::to_string));
    run(&args)
}

fn unpack_good(to: &Path, more: &[&str]) -> Output {
    let trusted = trusted();
    let more: Vec<&str> = trusted.iter().map(String::as_str).chain(more.iter().copied()).collect();
    unpack(&root().join(GOOD), to, &more)
}

/// Everything below `at`, by name: mode and content of files, `None` for folders.
fn tree(at: &Path) -> BTreeMap<String, (u32, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(at).min_depth(1) {
        let entry = entry.unwrap();
        let name = entry.path().strip_prefix(at).unwrap().to_string_lossy().into_owned();
        let meta = entry.metadata().unwrap();
        let content = meta.is_file().then(|| std::fs::read(entry.path()).unwrap());
        found.insert(name, (meta.permissions().mode() & 0o7777, content));
    }
    found
}

fn names(at: &Path) -> Vec<String> {
    let mut found: Vec<String> =
        std::fs::read_dir(at).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    found.sort();
    found
}

/// A bundle of `files`, listed in a SHA256SUMS.
fn bundle(at: &Path, files: &[(&str, Vec<u8>)]) {
    let mut builder = tar::Builder::new(std::fs::File::create(at).unwrap());
    let list: String = files.iter().map(|(name, bytes)| format!("{}  {name}\n", hex(&sha256(bytes)))).collect();
    let mut add = |name: &str, bytes: &[u8], mode: u32| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        header.set_mtime(1_700_000_000);
        header.set_entry_type(tar::EntryType::Regular);
        builder.append_data(&mut header, name, bytes).unwrap();
    };
    for (name, bytes) in files {
        add(name, bytes, if name.ends_with(".sh") { 0o775 } else { 0o640 });
    }
    add("SHA256SUMS", list.as_bytes(), 0o644);
    builder.finish().unwrap();
}

/// Bytes that repeat nowhere and compress badly.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length.div_ceil(8)).flat_map(|_| next()).take(length).collect()
}

// ---- every fixture -------------------------------------------------------------------------------------------------

#[test]
fn every_fixture_is_unpacked_whole_or_not_at_all() {
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.args[0] == "verify").collect();
    assert!(cases.len() > 200, "{}", cases.len());
    assert_none(&all(&cases, |case| {
        judge(case).into_iter().map(|what| format!("{} ({}): {what}", case.name(), case.title)).collect()
    }));
}

fn judge(case: &Case) -> Vec<String> {
    let temp = tempfile::tempdir().unwrap();
    std::fs::create_dir(temp.path().join("sentinel")).unwrap();
    std::fs::write(temp.path().join("sentinel/file"), "untouched").unwrap();
    let before = tree(temp.path());
    let to = temp.path().join("out");
    let mut args = case.args();
    args[0] = "unpack".into();
    args.extend(["--to", &to.to_string_lossy(), "--links", "inside", "--json"].map(String::from));
    let output = run(&args);
    let mut wrong = Vec::new();
    if output.status.code() != Some(case.exit) {
        wrong.push(format!("exit: expected {}, found {:?} ({output:?})", case.exit, output.status.code()));
        return wrong;
    }
    if case.exit != 0 {
        if tree(temp.path()) != before {
            wrong.push(format!("it left something behind: {:?}", names(temp.path())));
        }
        return wrong;
    }
    let report = json(&output).unwrap();
    let found = tree(&to);
    std::fs::remove_dir_all(&to).unwrap();
    if tree(temp.path()) != before {
        wrong.push(format!("beside the target: {:?}", names(temp.path())));
    }
    compare(&report, &found, &mut wrong);
    wrong
}

/// Files of the tree against the entries of the report.
fn compare(report: &Value, found: &BTreeMap<String, (u32, Option<Vec<u8>>)>, wrong: &mut Vec<String>) {
    let mut expected: BTreeMap<String, String> = BTreeMap::new();
    for entry in report["entries"].as_array().unwrap() {
        let standing = entry["standing"].as_str().unwrap();
        let covered =
            matches!(standing, "pinned" | "evidence") || standing == "listed" && report["verdict"] == "intact";
        if entry["type"] == "file" && covered && entry.get("path_bytes").is_none() {
            let path = entry["path"].as_str().unwrap();
            let path = path.trim_start_matches("./").to_string();
            expected.insert(path, entry["sha256"].as_str().unwrap().to_string());
        }
    }
    let mut decrypted = 0;
    for (name, digest) in &expected {
        match found.get(name) {
            Some((mode, Some(bytes))) => {
                decrypted += u64::from(&hex(&sha256(bytes)) != digest);
                if !matches!(mode, 0o644 | 0o755) {
                    wrong.push(format!("{name} has the mode {mode:o}"));
                }
            }
            other => wrong.push(format!("{name} should be there, found {other:?}")),
        }
    }
    let unpacked = &report["unpacked"];
    if unpacked["decrypted"] != decrypted {
        wrong
            .push(format!("{decrypted} files differ from their entries, and {} were decrypted", unpacked["decrypted"]));
    }
    let files = found.values().filter(|(_, content)| content.is_some()).count();
    if unpacked["files"].as_u64() != Some(files as u64) || files < expected.len() {
        wrong.push(format!("{files} files, the report says {}, {} are expected", unpacked["files"], expected.len()));
    }
}

#[test]
fn the_form_of_the_input_changes_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let (plain, piped) = (temp.path().join("plain"), temp.path().join("piped"));
    assert!(unpack_good(&plain, &[]).status.success());
    let mut args = vec!["unpack".to_string(), "-".into(), "--to".into(), piped.to_string_lossy().into_owned()];
    args.extend(trusted());
    args.extend([
        "--sidecar".into(),
        root().join(GOOD).with_file_name("manifest.dsse.json").to_string_lossy().into_owned(),
    ]);
    let output = run_with_input(&args, &std::fs::read(root().join(GOOD)).unwrap());
    assert!(output.status.success(), "{output:?}");
    let case = root().join("fixtures/devportal/good-directory/tree");
    let folder = temp.path().join("folder");
    let trusted = trusted();
    let trusted: Vec<&str> = trusted.iter().map(String::as_str).collect();
    assert!(unpack(&case, &folder, &trusted).status.success());
    assert_eq!(tree(&plain), tree(&piped));
    assert_eq!(tree(&plain), tree(&folder));
    assert_eq!(names(temp.path()), ["folder", "piped", "plain"]);
}

// ---- options -------------------------------------------------------------------------------------------------------

#[test]
fn set_aside_files_come_on_demand_only() {
    let temp = tempfile::tempdir().unwrap();
    let (without, with) = (temp.path().join("a"), temp.path().join("b"));
    let report = json(&unpack_good(&without, &["--json"])).unwrap();
    assert_eq!(report["unpacked"]["skipped"]["set_aside"], 2);
    let report = json(&unpack_good(&with, &["--json", "--include-set-aside"])).unwrap();
    assert_eq!(report["unpacked"]["skipped"]["set_aside"], 0);
    let files = |at: &Path| tree(at).values().filter(|(_, content)| content.is_some()).count();
    assert_eq!(files(&with), files(&without) + 2);
}

#[test]
fn what_is_there_is_kept_without_force_and_replaced_as_a_whole_with_it() {
    let temp = tempfile::tempdir().unwrap();
    let to = temp.path().join("out");
    std::fs::create_dir(&to).unwrap();
    assert_eq!(unpack_good(&to, &[]).status.code(), Some(0), "an empty folder may be there");
    std::fs::write(to.join("own"), "mine").unwrap();
    let before = tree(&to);
    assert_eq!(unpack_good(&to, &[]).status.code(), Some(4));
    assert_eq!(tree(&to), before);
    assert_eq!(unpack_good(&to, &["--force"]).status.code(), Some(0));
    assert!(!to.join("own").exists(), "replaced, not merged");
    let bad = root().join("fixtures/devportal/entry-altered-in-tar/devportal-offline-bundle.tar");
    let (before, trusted) = (tree(&to), trusted());
    let more: Vec<&str> = trusted.iter().map(String::as_str).chain(["--force"]).collect();
    assert_eq!(unpack(&bad, &to, &more).status.code(), Some(20));
    assert_eq!(tree(&to), before, "a bad bundle replaces nothing");
    assert_eq!(names(temp.path()), ["out"]);
    for (name, make) in [("file", true), ("link", false)] {
        let place = temp.path().join(name);
        if make {
            std::fs::write(&place, "x").unwrap()
        } else {
            std::os::unix::fs::symlink(&to, &place).unwrap()
        }
        assert_eq!(unpack_good(&place, &["--force"]).status.code(), Some(4), "{name}");
    }
    assert_eq!(tree(&to), before);
}

#[test]
fn selection_and_stripping() {
    let temp = tempfile::tempdir().unwrap();
    let to = |name: &str| temp.path().join(name);
    assert!(unpack_good(&to("a"), &["--only", "portal", "--only", "*.json"]).status.success());
    assert_eq!(names(&to("a")), ["manifest.json", "portal"]);
    assert!(unpack_good(&to("b"), &["--only", "portal/**", "--strip-components", "1"]).status.success());
    assert_eq!(names(&to("b")), ["assets", "index.html"]);
    for (more, words) in [
        (&["--only", "nothing"][..], "no entry matches --only nothing"),
        (&["--strip-components", "9"], "nothing is left"),
        (&["--only", "sdks", "--strip-components", "2"], "two entries would get the name README.md"),
    ] {
        let output = unpack_good(&to("c"), more);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(message.replace('\n', " ").contains(words), "{message}");
    }
    assert_eq!(names(temp.path()), ["a", "b"]);
}

/// A tar with one file and these links.
fn linked(at: &Path, links: &[(&str, &str)]) {
    let mut builder = tar::Builder::new(std::fs::File::create(at).unwrap());
    let mut header = tar::Header::new_ustar();
    header.set_size(1);
    header.set_mode(0o644);
    builder.append_data(&mut header, "a/d/f", &b"x"[..]).unwrap();
    for (name, to) in links {
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        header.set_entry_type(tar::EntryType::Symlink);
        builder.append_link(&mut header, name, to).unwrap();
    }
    builder.finish().unwrap();
}

#[test]
fn stripping_does_not_let_a_link_climb_through_another() {
    let temp = tempfile::tempdir().unwrap();
    let (input, to) = (temp.path().join("in.tar"), temp.path().join("out"));
    // As it stands `p/d/l1` is nothing; once a component is stripped it is the link `d/l1`.
    linked(&input, &[("a/d/l1", ".."), ("p/l2", "d/l1/../secret")]);
    let with = |more: &[&str]| unpack(&input, &to, &[&["--unverified", "--links", "inside"][..], more].concat());
    assert_eq!(with(&[]).status.code(), Some(3));
    std::fs::remove_dir_all(&to).unwrap();
    let output = with(&["--strip-components", "1"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!to.exists());
}

#[test]
fn a_dry_run_tells_and_writes_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let output = unpack_good(&temp.path().join("out"), &["--dry-run", "--json"]);
    let unpacked = json(&output).unwrap()["unpacked"].clone();
    assert_eq!((output.status.code(), unpacked["files"].as_u64()), (Some(0), Some(9)));
    assert!(unpacked["free"].as_u64().unwrap() > 0 && unpacked["needed"].as_u64().unwrap() >= 9 * 4096);
    assert!(names(temp.path()).is_empty());
}

#[test]
fn neither_a_rehearsal_nor_the_waiver_changes_tuf_state() {
    let case = cases()
        .into_iter()
        .find(|case| case.args[0] == "verify" && case.exit == 0 && case.args.iter().any(|arg| arg == "--tuf-root"))
        .unwrap();
    for (more, code, stored) in [(Some("--dry-run"), 0, false), (Some("--unverified"), 3, false), (None, 0, true)] {
        let temp = tempfile::tempdir().unwrap();
        let (to, store) = (temp.path().join("out"), temp.path().join("store"));
        let mut args = case.args();
        args[0] = "unpack".into();
        args.extend(["--to", &to.to_string_lossy(), "--datastore", &store.to_string_lossy()].map(String::from));
        args.extend(more.map(String::from));
        let output = run(&args);
        assert_eq!(output.status.code(), Some(code), "{more:?}: {output:?}");
        assert_eq!(store.exists(), stored, "{more:?}");
    }
}

#[test]
fn the_waiver_is_never_a_good_verdict() {
    let temp = tempfile::tempdir().unwrap();
    let to = temp.path().join("out");
    assert_eq!(unpack(&root().join(GOOD), &to, &[]).status.code(), Some(3));
    assert!(!to.exists(), "nobody vouched, and nobody waived");
    for (name, trusted) in [("keyless", Vec::new()), ("trusted", trusted())] {
        let more: Vec<&str> = trusted.iter().map(String::as_str).chain(["--unverified"]).collect();
        let output = unpack(&root().join(GOOD), &temp.path().join(name), &more);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{text}");
        let head: String = text.lines().take(6).collect::<Vec<_>>().join(" ");
        assert!(head.starts_with("NOT VERIFIED") && head.contains("NOBODY VOUCHES"), "{head}");
        assert!(text.contains("--unverified: what was unpacked counts as not verified"), "{text}");
        assert!(temp.path().join(name).join("manifest.json").exists());
    }
    let bad = root().join("fixtures/devportal/entry-altered-in-tar/devportal-offline-bundle.tar");
    assert_eq!(unpack(&bad, &to, &["--unverified"]).status.code(), Some(20));
    assert!(!to.exists(), "what is proven wrong is not waived");
}

#[test]
fn modes_and_times_are_ours_unless_times_are_wanted() {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("in.tar");
    bundle(&input, &[("bin/run.sh", b"#!/bin/sh\n".to_vec()), ("data", b"x".to_vec())]);
    let to = temp.path().join("out");
    let mut command = Command::new("sh");
    let line = format!(
        "umask 077; exec '{}' unpack '{}' --to '{}' {} --preserve-times",
        env!("CARGO_BIN_EXE_portcullis"),
        input.display(),
        to.display(),
        INTACT.join(" ")
    );
    let output = command.args(["-c", &line]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let found = tree(&to);
    let modes: Vec<(&str, u32)> = found.iter().map(|(name, (mode, _))| (name.as_str(), *mode)).collect();
    assert_eq!(modes, [("SHA256SUMS", 0o644), ("bin", 0o755), ("bin/run.sh", 0o755), ("data", 0o644)]);
    assert_eq!(to.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(to.join("data").metadata().unwrap().mtime(), 1_700_000_000);
}

#[test]
fn input_and_target_lie_apart() {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("place");
    std::fs::create_dir(&input).unwrap();
    std::fs::write(input.join("a"), "a").unwrap();
    std::fs::write(input.join("SHA256SUMS"), format!("{}  a\n", hex(&sha256(b"a")))).unwrap();
    let before = tree(temp.path());
    let with = |to: &Path| unpack(&input, to, &[&INTACT[..], &["--force"]].concat()).status.code();
    assert_eq!(with(&input.join("out")), Some(2), "the target in the input");
    assert_eq!(with(&input), Some(2), "the input is the target");
    let archive = input.join("in.tar");
    std::fs::copy(root().join(GOOD), &archive).unwrap();
    assert_eq!(unpack(&archive, &input, &["--force"]).status.code(), Some(2), "the input in the target");
    std::fs::remove_file(&archive).unwrap();
    assert_eq!(tree(temp.path()), before);
}

#[test]
fn what_is_read_or_kept_is_not_replaced() {
    let temp = tempfile::tempdir().unwrap();
    let at = |name: &str| temp.path().join(name);
    let text = |name: &str| at(name).to_string_lossy().into_owned();
    let (input, to) = (at("in.tar"), at("out"));
    std::fs::copy(root().join(GOOD), &input).unwrap();
    std::fs::create_dir_all(to.join("store")).unwrap();
    std::fs::copy(root().join("keys-example/ed25519.pub.pem"), at("out/own.pub.pem")).unwrap();
    std::os::unix::fs::symlink(to.join("own.pub.pem"), at("link.pem")).unwrap();
    let before = tree(temp.path());
    let (own, link, store) = (text("out/own.pub.pem"), text("link.pem"), text("out/store"));
    for more in [["--key", &own], ["--key", &link], ["--sidecar", &own], ["--datastore", &store]] {
        let trusted = trusted();
        let options: Vec<&str> = trusted.iter().map(String::as_str).chain(["--force"]).chain(more).collect();
        let output = unpack(&input, &to, &options);
        let message = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
        assert_eq!(output.status.code(), Some(2), "{more:?}: {message}");
        assert!(message.contains("reads or keeps"), "{more:?}: {message}");
    }
    assert_eq!(tree(temp.path()), before);
}

#[test]
fn a_report_is_not_written_into_a_target_nor_in_its_place() {
    let temp = tempfile::tempdir().unwrap();
    let to = temp.path().join("out");
    std::os::unix::fs::symlink(temp.path(), temp.path().join("link")).unwrap();
    for output in ["out", "out/report.json", "link/out", "."] {
        let output = temp.path().join(output).to_string_lossy().into_owned();
        let run = unpack_good(&to, &["--output", &output, "--force"]);
        assert_eq!(run.status.code(), Some(2), "{output}: {run:?}");
    }
    assert_eq!(names(temp.path()), ["link"]);
}

#[test]
fn options_about_the_tree_need_one_and_targets_have_names() {
    let temp = tempfile::tempdir().unwrap();
    let place = temp.path().join("cache").to_string_lossy().into_owned();
    for more in [["--only", "x"], ["--strip-components", "1"], ["--links", "inside"]] {
        let output = run(&[&["unpack", GOOD, "--artifact", &place][..], &more].concat());
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--to"), "{output:?}");
    }
    for name in [".", "..", "/"] {
        assert_eq!(unpack_good(Path::new(name), &["--force"]).status.code(), Some(2), "{name}");
    }
}

#[test]
fn databases_come_as_a_scanner_has_them() {
    let temp = tempfile::tempdir().unwrap();
    for (number, case) in cases().iter().filter(|case| case.name().starts_with("trivy-") && case.exit == 0).enumerate()
    {
        let (cache, to) = (temp.path().join(format!("cache-{number}")), temp.path().join(format!("tree-{number}")));
        let mut args = case.args();
        args[0] = "unpack".into();
        args.extend(["--artifact", &cache.to_string_lossy()].map(String::from));
        let with_tree = number % 2 == 0;
        if with_tree {
            args.extend(["--to", &to.to_string_lossy()].map(String::from));
        }
        let output = run(&args);
        if output.status.code() == Some(2) {
            // A delta or a sparse layout has no database, and a database alone has no metadata.
            let message = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
            assert!(message.contains("--artifact: "), "{}: {message}", case.name());
            assert!(!cache.exists() && !to.exists(), "{}", case.name());
            continue;
        }
        assert_eq!(output.status.code(), Some(0), "{}: {output:?}", case.name());
        assert_eq!(to.exists(), with_tree);
        let found = names(&cache);
        let known = [vec!["metadata.json", "trivy.db"], vec!["metadata.json", "trivy-java.db"], vec!["db", "java-db"]];
        assert!(known.iter().any(|names| *names == found), "{}: {found:?}", case.name());
    }
    let seen = names(temp.path()).iter().filter(|name| name.starts_with("cache-")).count();
    assert!(seen >= 4, "{seen} databases");
    assert_eq!(unpack_good(&temp.path().join("x"), &["--artifact", "/nowhere/y"]).status.code(), Some(4));
    let output = unpack_good(&temp.path().join("x"), &["--artifact", &temp.path().join("y").to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2), "no database in a portal");
    assert!(!temp.path().join("x").exists());
}

// ---- faults --------------------------------------------------------------------------------------------------------

#[test]
fn a_pipe_is_kept_under_a_cap() {
    let temp = tempfile::tempdir().unwrap();
    let to = temp.path().join("out").to_string_lossy().into_owned();
    let args = ["unpack", "-", "--to", &to, "--max-bytes", "2000", "--unverified", "--json"];
    let output = run_with_input(&args, &std::fs::read(root().join(GOOD)).unwrap());
    let report = json(&output).unwrap();
    assert_eq!(output.status.code(), Some(24));
    assert_eq!(report["checks"][0]["id"], "limit-bytes");
    assert!(names(temp.path()).is_empty());
}

#[test]
fn a_target_that_cannot_be_written_is_the_environments_fault() {
    let temp = tempfile::tempdir().unwrap();
    for place in ["/proc/portcullis-out", "/sys/kernel/portcullis-out", "/nowhere/at/all"] {
        let output = unpack_good(Path::new(place), &[]);
        assert_eq!(output.status.code(), Some(4), "{place}");
    }
    // A file larger than the process may write: the write fails, half of the tree is there.
    let input = temp.path().join("in.tar");
    bundle(&input, &[("a", b"small".to_vec()), ("b", noise(200_000)), ("c", b"small".to_vec())]);
    let line = format!(
        "ulimit -f 64; exec '{}' unpack '{}' --to '{}' {}",
        env!("CARGO_BIN_EXE_portcullis"),
        input.display(),
        temp.path().join("out").display(),
        INTACT.join(" ")
    );
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert_eq!(names(temp.path()), ["in.tar"]);
}

#[test]
fn a_full_file_system_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let (input, disk) = (temp.path().join("in.tar"), temp.path().join("disk"));
    let files: Vec<(String, Vec<u8>)> = (0..40).map(|n| (format!("file-{n}"), vec![7; 100])).collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    bundle(&input, &files);
    std::fs::create_dir(&disk).unwrap();
    let mount = |options: &str| {
        let outcome = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(&disk).output();
        outcome.is_ok_and(|output| output.status.success())
    };
    // Too few bytes are seen before anything is made; too few files only when one cannot be made.
    for (options, words) in [("size=64k", "bytes are needed"), ("size=1m,nr_inodes=24", "cannot write")] {
        if !mount(options) {
            eprintln!("not tested: no file system can be mounted here");
            return;
        }
        let output = unpack(&input, &disk.join("out"), &INTACT);
        let left = names(&disk);
        assert!(Command::new("umount").arg(&disk).status().unwrap().success());
        let message = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
        assert_eq!(output.status.code(), Some(4), "{message}");
        assert!(message.contains(words), "{message}");
        assert!(left.is_empty(), "{left:?}");
    }
}

fn start(input: &Path, to: &Path, more: &[&str]) -> Child {
    let mut command = program();
    command.arg("unpack").arg(input).arg("--to").arg(to).args(INTACT).args(["-q", "--progress", "never"]).args(more);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the run has begun to write, or has ended.
fn wait_for_staging(at: &Path, child: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(120) {
        if names(at).iter().any(|name| name.starts_with(PREFIX)) {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
    }
    panic!("the run neither wrote nor ended");
}

/// An archive that takes a while to be written.
fn large(at: &Path) -> PathBuf {
    let input = at.join("in.tar");
    let content = noise(8 << 20);
    let names: Vec<String> = (0..16).map(|n| format!("part-{n:02}")).collect();
    let files: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (name.as_str(), content.clone())).collect();
    bundle(&input, &files);
    input
}

#[test]
fn a_file_that_changes_while_it_is_unpacked_is_caught() {
    // Written ahead in the pass that verifies, and in a second pass of its own.
    changed_while_unpacked(&[]);
    changed_while_unpacked(&["--only", "*"]);
}

fn changed_while_unpacked(more: &[&str]) {
    use std::os::unix::fs::FileExt as _;
    let temp = tempfile::tempdir().unwrap();
    let (input, place) = (large(temp.path()), temp.path().join("place"));
    std::fs::create_dir(&place).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&input).unwrap();
    let mut caught = 0;
    for _ in 0..5 {
        let mut child = start(&input, &place.join("out"), &[&["--jobs", "1"], more].concat());
        if wait_for_staging(&place, &mut child) {
            // The last bytes of the last part: the pass that writes is not there yet.
            let offset = (16 * (512 + (8 << 20))) as u64 - 16;
            file.write_all_at(b"another content!", offset).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        if output.status.code() == Some(4) {
            let message = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
            assert!(message.contains("changed while it was read"), "{message}");
            assert!(names(&place).is_empty(), "{:?}", names(&place));
            caught += 1;
            break;
        }
        // Too late: it was written whole. Or too early for this list, which then is wrong.
        assert!(matches!(output.status.code(), Some(0 | 20)), "{output:?}");
        let _ = std::fs::remove_dir_all(place.join("out"));
        large(temp.path());
    }
    assert!(caught > 0, "no round came in time");
}

#[test]
fn ctrl_c_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let (input, place) = (large(temp.path()), temp.path().join("place"));
    std::fs::create_dir(&place).unwrap();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut hit = false;
        for _ in 0..5 {
            let mut child = start(&input, &place.join("out"), &["--jobs", "1"]);
            if wait_for_staging(&place, &mut child) {
                Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
            }
            let output = child.wait_with_output().unwrap();
            if output.status.code() == Some(code) {
                assert!(names(&place).is_empty(), "{:?}", names(&place));
                hit = true;
                break;
            }
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            std::fs::remove_dir_all(place.join("out")).unwrap();
        }
        assert!(hit, "no round came in time");
    }
}

#[test]
fn killed_at_any_moment_nothing_lies_under_the_name() {
    let temp = tempfile::tempdir().unwrap();
    let (input, place) = (temp.path().join("in.tar"), temp.path().join("place"));
    let names_of: Vec<String> = (0..400).map(|n| format!("d{}/f{n}", n % 20)).collect();
    let files: Vec<(&str, Vec<u8>)> = names_of.iter().map(|name| (name.as_str(), noise(3000))).collect();
    bundle(&input, &files);
    std::fs::create_dir(&place).unwrap();
    let to = place.join("out");
    let begun = Instant::now();
    assert!(start(&input, &to, &[]).wait().unwrap().success());
    let usual = begun.elapsed();
    let whole = tree(&to);
    std::fs::remove_dir_all(&to).unwrap();
    let (rounds, mut abandoned) = (24u32, 0);
    for round in 0..rounds {
        let mut child = start(&input, &to, &[]);
        std::thread::sleep(usual * round / rounds);
        let _ = child.kill();
        child.wait().unwrap();
        if to.exists() {
            assert_eq!(tree(&to), whole, "half of a tree lies under the name");
            std::fs::remove_dir_all(&to).unwrap();
        }
        let left = names(&place);
        assert!(left.iter().all(|name| name.starts_with(PREFIX)), "{left:?}");
        abandoned += left.len();
    }
    // A folder with such a name that somebody works in stays.
    let alive = place.join(format!("{PREFIX}alive"));
    std::fs::create_dir(&alive).unwrap();
    let lock = std::fs::File::create(alive.join("lock")).unwrap();
    lock.lock().unwrap();
    assert!(start(&input, &to, &[]).wait().unwrap().success());
    assert_eq!(names(&place), [format!("{PREFIX}alive"), "out".to_string()], "of {abandoned} abandoned ones");
    assert_eq!(tree(&to), whole);
}

#[test]
fn replacing_shows_the_old_tree_or_the_new_one() {
    let temp = tempfile::tempdir().unwrap();
    let place = temp.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let to = place.join("out");
    let inputs: Vec<PathBuf> = (0..2u8)
        .map(|n| {
            let input = temp.path().join(format!("{n}.tar"));
            bundle(&input, &[("marker", vec![n; 10])]);
            input
        })
        .collect();
    assert!(start(&inputs[0], &to, &[]).wait().unwrap().success());
    let (stop, seen) = (AtomicBool::new(false), std::sync::atomic::AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let content = std::fs::read(to.join("marker")).expect("something is always there");
                assert!(content == vec![0; 10] || content == vec![1; 10]);
                seen.fetch_add(1, Ordering::Relaxed);
            }
        });
        for round in 0..10 {
            assert!(start(&inputs[(round + 1) % 2], &to, &["--force"]).wait().unwrap().success());
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(seen.into_inner() > 0);
    assert_eq!(names(&place), ["out"]);
}
