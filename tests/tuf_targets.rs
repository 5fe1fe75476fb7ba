//! `portcullis tuf verify`: delegations, target files, names, what is written and what is not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod tuf_repository;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fs;
use tuf_repository::{LATER, NOW, Outcome, Repo, hashes, hex, key, state};

const STORE: [&str; 2] = ["--datastore", "DS"];

fn ask(repo: &Repo, target: &str) -> Outcome {
    repo.publish().run(&["--target", target, "--out", "o"])
}

fn paths(patterns: &[&str]) -> Value {
    json!({"paths": patterns})
}

#[test]
fn delegated_targets_are_found_and_stored() {
    for consistent in [false, true] {
        let mut repo = Repo::new(consistent);
        repo.delegate("targets", "outer", paths(&["a/*"]), false, &[]);
        repo.delegate("outer", "in/ner?", paths(&["a/*"]), false, &[("a/b.txt", b"deep")]);
        let site = repo.publish();
        let run = site.run(&[&["--target", "a/b.txt", "--out", "o"], &STORE[..]].concat()).good();
        assert_eq!(fs::read(site.path("o/a%2Fb.txt")).unwrap(), b"deep");
        assert!(site.path("DS/in%2Fner%3F.json").is_file());
        let prefix = if consistent { "1." } else { "" };
        assert!(run.looked_for().contains(&format!("{prefix}in%2Fner%3F.json")), "{:?}", run.looked_for());
        // From the store alone, the second time.
        assert_eq!(site.again(NOW, &["--target", "a/b.txt", "--out", "o"]).good().looked_for().len(), 2);
    }
}

#[test]
fn the_first_role_in_order_decides() {
    // Two roles of one level, and a deeper one of higher priority: pre-order.
    let mut repo = Repo::new(false);
    repo.delegate("targets", "first", paths(&["*"]), false, &[]);
    repo.delegate("targets", "second", paths(&["*"]), false, &[]);
    repo.delegate("first", "below-first", paths(&["*"]), false, &[]);
    for (role, content) in [("second", "low"), ("below-first", "high")] {
        let bytes = content.as_bytes();
        let payload = &mut repo.delegated.get_mut(role).unwrap().0;
        payload["targets"]["x"] = json!({"length": bytes.len(), "hashes": hashes(bytes)});
        repo.files.insert("x".into(), bytes.to_vec());
        ask(&repo, "x").good();
    }
    repo.files.insert("x".into(), b"low".to_vec());
    ask(&repo, "x").bad("tuf-target", "below-first states");
}

#[test]
fn terminating_ends_the_search() {
    for (terminating, found) in [(false, true), (true, false)] {
        let mut repo = Repo::new(false);
        repo.delegate("targets", "gate", paths(&["*"]), terminating, &[]);
        repo.delegate("targets", "later", paths(&["*"]), false, &[("x", b"x")]);
        match found {
            true => drop(ask(&repo, "x").good()),
            false => drop(ask(&repo, "x").bad("tuf-target", "no trusted role lists this target")),
        }
        // A terminating role further down silences those waiting further up too.
        let mut repo = Repo::new(false);
        repo.delegate("targets", "top", paths(&["*"]), false, &[]);
        repo.delegate("targets", "later", paths(&["*"]), false, &[("x", b"x")]);
        repo.delegate("top", "gate", paths(&["*"]), terminating, &[]);
        assert_eq!(ask(&repo, "x").code, if found { 0 } else { 22 });
    }
}

#[test]
fn cycles_end_and_depth_is_bounded() {
    let mut repo = Repo::new(false);
    repo.delegate("targets", "a", paths(&["*"]), false, &[]);
    repo.delegate("a", "b", paths(&["*"]), false, &[]);
    repo.delegate("b", "a", paths(&["*"]), false, &[]);
    repo.delegate("b", "b", paths(&["*"]), false, &[]);
    ask(&repo, "x").bad("tuf-target", "no trusted role lists this target");

    let mut repo = Repo::new(false);
    for depth in 0..40 {
        let by = if depth == 0 { "targets".to_string() } else { format!("r{}", depth - 1) };
        let files: &[(&str, &[u8])] = match depth {
            31 => &[("within", b"x")],
            39 => &[("beyond", b"x")],
            _ => &[],
        };
        repo.delegate(&by, &format!("r{depth}"), paths(&["*"]), false, files);
    }
    ask(&repo, "within").good();
    ask(&repo, "beyond").bad("tuf-delegation", "deeper than 32");

    let mut repo = Repo::new(false);
    for number in 0..300 {
        repo.delegate("targets", &format!("r{number}"), paths(&["*"]), false, &[]);
    }
    ask(&repo, "x").bad("tuf-delegation", "256 roles were opened");
}

#[test]
fn diamonds_need_the_keys_of_the_side_that_is_taken() {
    let mut repo = Repo::new(false);
    repo.delegate("targets", "left", paths(&["l*"]), false, &[]);
    repo.delegate("targets", "right", paths(&["r*"]), false, &[]);
    repo.delegate("left", "shared", paths(&["*"]), false, &[("l", b"l"), ("r", b"r")]);
    repo.delegate("right", "shared", paths(&["*"]), false, &[]);
    let run = repo.publish().run(&["--target", "l", "--target", "r"]).good();
    // Read once: the second delegator judges the very bytes that the first one did.
    assert_eq!(run.looked_for().iter().filter(|name| *name == "shared.json").count(), 1);
    // The right side expects another key for the same role.
    let other = key("other");
    let right = &mut repo.delegated.get_mut("right").unwrap().0["delegations"];
    right["keys"] = json!({&other.id: other.object()});
    right["roles"][0]["keyids"] = json!([other.id]);
    repo.publish().run(&["--target", "l", "--target", "r"]).bad("tuf-delegation", "shared is signed by 0 of 1");
}

#[test]
fn patterns_and_prefixes_bound_a_delegation() {
    let covers = |rule: Value, target: &str| {
        let mut repo = Repo::new(false);
        repo.delegate("targets", "role", rule, false, &[(target, b"x")]);
        ask(&repo, target).code == 0
    };
    for (pattern, target, expected) in [
        ("*.txt", "a.txt", true),
        ("*", "a/b", false),
        ("a/*", "a/b", true),
        ("a/*", "a/b/c", false),
        ("a/?", "a/b", true),
        ("a/?", "a/bc", false),
        ("A", "a", false),
        ("a", "a", true),
        ("[ab]/x", "b/x", true),
        ("", "a", false),
    ] {
        assert_eq!(covers(paths(&[pattern]), target), expected, "{pattern} {target}");
    }
    let digest = hex(&Sha256::digest("a/b"));
    let prefix = |prefixes: &[&str]| json!({"path_hash_prefixes": prefixes});
    assert!(covers(prefix(&[&digest[..2]]), "a/b"));
    assert!(covers(prefix(&["zz", &digest]), "a/b"));
    assert!(!covers(prefix(&["zz"]), "a/b"));
    assert!(!covers(prefix(&[]), "a/b"));
    assert!(!covers(json!({}), "a/b"));
    assert!(!covers(json!({"paths": ["a/b"], "path_hash_prefixes": [""]}), "a/b"));
}

#[test]
fn delegated_metadata_is_judged_like_any_other() {
    let spoiled = |change: fn(&mut Repo)| {
        let mut repo = Repo::new(true);
        repo.delegate("targets", "role", paths(&["*"]), false, &[("x", b"x")]);
        change(&mut repo);
        let site = repo.publish();
        let run = site.run_at(LATER, &[&["--target", "x"], &STORE[..]].concat());
        assert!(!site.path("DS/role.json").exists());
        run
    };
    spoiled(|repo| repo.delegated.get_mut("role").unwrap().0["expires"] = json!(LATER))
        .bad("tuf-delegation", "expired");
    spoiled(|repo| repo.delegated.get_mut("role").unwrap().1 = vec![key("targets")]).bad("tuf-delegation", "0 of 1");
    spoiled(|repo| repo.targets["delegations"]["roles"][0]["threshold"] = json!(0)).bad("tuf-targets", "threshold 0");
    spoiled(|repo| repo.targets["delegations"]["roles"][0]["threshold"] = json!(2)).bad("tuf-delegation", "1 of 2");
    spoiled(|repo| repo.snapshot["meta"]["role.json"] = json!({"version": 1, "length": 7}))
        .bad("tuf-delegation", "at most 7");
    spoiled(|repo| repo.snapshot["meta"]["role.json"] = json!({"version": 1, "hashes": hashes(b"else")}))
        .bad("tuf-delegation", "is not the file that the snapshot states");
    spoiled(|repo| repo.targets["delegations"]["roles"][0]["name"] = json!("absent"))
        .bad("tuf-delegation", "the snapshot does not name absent.json");
    spoiled(|repo| repo.targets["delegations"]["roles"][0]["name"] = json!("root"))
        .bad("tuf-delegation", "a top-level role");
    spoiled(|repo| repo.targets["delegations"]["succinct_roles"] = json!({})).bad("tuf-delegation", "succinct_roles");
    spoiled(|repo| repo.targets["delegations"]["roles"][0]["name"] = json!("")).bad("tuf-targets", "empty name");
}

#[test]
fn a_delegated_role_does_not_go_back() {
    let mut repo = Repo::new(true);
    repo.delegate("targets", "role", paths(&["*"]), false, &[("x", b"x")]);
    repo.delegated.get_mut("role").unwrap().0["version"] = json!(5);
    let site = repo.publish();
    site.run(&[&["--target", "x"], &STORE[..]].concat()).good();
    for payload in [&mut repo.timestamp, &mut repo.snapshot] {
        payload["version"] = json!(2);
    }
    repo.delegated.get_mut("role").unwrap().0["version"] = json!(4);
    site.replace(&repo);
    site.again(NOW, &["--target", "x"]).bad("tuf-snapshot", "rollback: role.json has version 4");
}

#[test]
fn target_bytes_must_be_the_stated_ones() {
    for consistent in [false, true] {
        let site = Repo::new(consistent).publish();
        let file = fs::read_dir(site.path("t")).unwrap().next().unwrap().unwrap().path();
        let ask = ["--target", "hello.txt", "--out", "o"];
        for (content, words) in [
            ("hello!", "expected 5 bytes as targets states, found 6"),
            ("hell", "expected 5 bytes as targets states, found 4"),
            ("hellO", "expected sha256:2cf24dba5fb0a30e"),
        ] {
            fs::write(&file, content).unwrap();
            site.run(&ask).bad("tuf-target", words);
            assert_eq!(state(&site.path("o")).len(), 0);
        }
        fs::remove_file(&file).unwrap();
        let run = site.run(&ask).bad("tuf-target", "in the folder of targets, found none");
        assert!(run.looked_for().last().unwrap().starts_with('!'));
        std::os::unix::fs::symlink("/etc/hostname", &file).unwrap();
        site.run(&ask).bad("tuf-target", "a link, which is not followed");
    }
}

#[test]
fn every_known_digest_is_compared_and_one_is_needed() {
    let stated = |digests: Value| {
        let mut repo = Repo::new(false);
        repo.targets["targets"]["hello.txt"]["hashes"] = digests;
        ask(&repo, "hello.txt")
    };
    let (right, wrong) = (hashes(b"hello"), hashes(b"other"));
    stated(json!({"sha256": right["sha256"], "md5": "00"})).good();
    stated(json!({"sha512": right["sha512"]})).good();
    stated(json!({"sha256": right["sha256"], "sha512": wrong["sha512"]})).bad("tuf-target", "expected sha512:");
    stated(json!({"md5": "5d41402abc4b2a76b9719d911017c592"})).bad("tuf-delegation", "expected a sha256 or sha512");
    stated(json!({})).bad("tuf-delegation", "expected a sha256 or sha512");
    stated(json!({"sha256": "../../etc/passwd"})).bad("tuf-delegation", "sha256");
    // Other targets of the same role are none the worse for it.
    let mut repo = Repo::new(true);
    repo.add("odd", b"odd");
    repo.targets["targets"]["odd"]["hashes"] = json!({"md5": "00"});
    ask(&repo, "hello.txt").good();
    // A consistent snapshot may keep its files under SHA-512 alone.
    let mut repo = Repo::new(true);
    repo.targets["targets"]["hello.txt"]["hashes"] = json!({"sha512": right["sha512"]});
    let site = repo.publish();
    let to = format!("t/{}.hello.txt", right["sha512"].as_str().unwrap());
    fs::rename(site.path(&format!("t/{}.hello.txt", right["sha256"].as_str().unwrap())), site.path(&to)).unwrap();
    site.run(&["--target", "hello.txt"]).good();
}

#[test]
fn names_never_become_paths() {
    for consistent in [false, true] {
        let names = [
            "../../escape",
            "/abs",
            "a//b",
            "./c",
            "..",
            "a?b#c%d e",
            "%2e%2e%2fx",
            "dir/sub/file",
            "é",
            "README",
            "readme",
        ];
        let mut repo = Repo::new(consistent);
        names.iter().for_each(|name| repo.add(name, name.as_bytes()));
        let site = repo.publish();
        let asked: Vec<&str> = names.iter().flat_map(|name| ["--target", name]).chain(["--out", "o"]).collect();
        let before: Vec<_> = state(site.dir.path()).into_keys().collect();
        let run = site.run(&asked).good();
        let after = state(site.dir.path()).into_keys().filter(|path| !before.contains(path));
        let mut written: Vec<String> =
            after.map(|path| path.strip_prefix(site.dir.path()).unwrap().to_str().unwrap().to_string()).collect();
        written.retain(|name| name != "probes.json");
        assert_eq!(written.len(), names.len(), "{written:?}");
        assert!(written.iter().all(|name| name.starts_with("o/") && name.matches('/').count() == 1), "{written:?}");
        assert!(written.contains(&"o/..%2F..%2Fescape".to_string()) && written.contains(&"o/%2E%2E".to_string()));
        let probes = run.looked_for().join("\n");
        assert!(
            probes.matches('!').count() == 1 && !probes.contains(['?', '#']) && !probes.contains("../"),
            "{probes}"
        );
    }
}

#[test]
fn odd_role_names_are_quoted_everywhere() {
    for name in ["?", "#", "/delegatedrole", "../delegatedrole", "..", "a b"] {
        let mut repo = Repo::new(true);
        repo.delegate("targets", name, paths(&["*"]), false, &[("x", b"x")]);
        let site = repo.publish();
        let run = site.run(&[&["--target", "x"], &STORE[..]].concat()).good();
        let quoted = tuf_repository::quote(name);
        assert!(run.looked_for().contains(&format!("1.{quoted}.json")), "{:?}", run.looked_for());
        assert!(site.path("DS").join(format!("{quoted}.json")).is_file(), "{name}");
        assert_eq!(state(&site.path("DS")).len(), 5);
    }
    let long = "x".repeat(300);
    let mut repo = Repo::new(false);
    repo.delegate("targets", &long, paths(&["*"]), false, &[]);
    repo.files.clear();
    repo.delegated.clear();
    ask(&repo, "x").bad("tuf-delegation", "longer than file names are");
}

#[test]
fn missing_files_fail_and_are_logged() {
    for name in ["timestamp.json", "1.snapshot.json", "1.targets.json"] {
        let site = Repo::new(true).publish();
        fs::remove_file(site.path("m").join(name)).unwrap();
        let run = site.run(&STORE);
        assert_eq!(run.code, 22, "{name}");
        assert_eq!(run.looked_for().last().unwrap(), &format!("!{name}"));
        // As a wrapper would: fetch what was missing, run again, from where the last run stopped.
        site.replace(&Repo::new(true));
        site.again(NOW, &[]).good();
    }
}

#[test]
fn targets_stop_at_the_first_failure() {
    let mut repo = Repo::new(false);
    repo.add("one", b"1");
    repo.add("three", b"3");
    let site = repo.publish();
    let run = site.run(&["--target", "one", "--target", "two", "--target", "three", "--out", "o"]);
    run.bad("tuf-target", "no trusted role lists this target; check its name");
    assert!(site.path("o/one").is_file() && !site.path("o/three").exists());
}

#[test]
fn a_failed_run_leaves_no_trace() {
    let repo = Repo::new(true);
    let site = repo.publish();
    site.run(&[&["--target", "hello.txt", "--out", "o"], &STORE[..]].concat()).good();
    let before = (state(&site.path("DS")), state(&site.path("o")));
    let spoils: [fn(&mut Repo); 3] = [
        |repo| repo.timestamp_keys = vec![key("intruder")],
        |repo| repo.timestamp["expires"] = json!("2020-01-01T00:00:00Z"),
        |repo| repo.rotate(&[key("intruder")], |_| {}),
    ];
    for spoil in spoils {
        let mut bad = repo.clone();
        bad.timestamp["version"] = json!(9);
        spoil(&mut bad);
        site.replace(&bad);
        assert_eq!(site.again(NOW, &["--target", "hello.txt", "--out", "o"]).code, 22);
        assert_eq!((state(&site.path("DS")), state(&site.path("o"))), before);
    }
}

#[test]
fn links_in_the_output_are_replaced_and_not_followed() {
    let site = Repo::new(false).publish();
    fs::create_dir(site.path("o")).unwrap();
    fs::write(site.path("victim"), "precious").unwrap();
    std::os::unix::fs::symlink(site.path("victim"), site.path("o/hello.txt")).unwrap();
    site.run(&["--target", "hello.txt", "--out", "o"]).good();
    assert_eq!(fs::read(site.path("victim")).unwrap(), b"precious");
    assert_eq!(fs::read(site.path("o/hello.txt")).unwrap(), b"hello");
    assert!(!site.path("o/hello.txt").symlink_metadata().unwrap().is_symlink());
    // A probe log takes the place of a probe log, of nothing else.
    fs::write(site.path("probes.json"), "notes of mine").unwrap();
    assert_eq!(site.run(&[]).code, 4);
    assert_eq!(fs::read(site.path("probes.json")).unwrap(), b"notes of mine");
    site.run(&["--force"]).good();
}

#[test]
fn one_clock_makes_equal_reports() {
    let site = Repo::new(true).publish();
    let (first, second) = (site.run(&["--target", "hello.txt"]), site.run(&["--target", "hello.txt"]));
    assert_eq!(first.report, second.report);
}
