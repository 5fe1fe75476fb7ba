//! Trust policies through the program: the example and the tables of docs/trust-policy.md, the sentences about keys that do
//! not count, and what must not be written for a policy that was not met.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use portcullis::trust::policy::Property;
use portcullis::trust::signature::Scheme;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use support::{json, root, run};

const AT: &str = "2026-11-20T00:00:00Z";

fn page() -> String {
    std::fs::read_to_string(root().join("docs/trust-policy.md")).unwrap()
}

/// A folder with the policy of the page's first block, changed, and the keys that it names.
fn example(change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let page = page();
    let block = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    for (name, key) in [
        ("acme-2026.pub.pem", "ed25519.pub.pem"),
        ("release-office.pub.pem", "ecdsa-p256.pub.pem"),
        ("acme-2024.pub.pem", "ed25519-second.pub.pem"),
        ("portal.secret", "hmac.key"),
    ] {
        std::fs::copy(root().join("keys-example").join(key), folder.path().join("keys").join(name)).unwrap();
    }
    std::fs::write(folder.path().join("trust.toml"), change(block)).unwrap();
    folder
}

fn show(folder: &Path) -> (Option<i32>, Value, String) {
    let output = run(&["trust", "show", folder.join("trust.toml").to_str().unwrap(), "--json"]);
    let value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let message = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), value, message.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn the_example_of_the_page_is_a_policy() {
    let folder = example(str::to_string);
    let (code, shown, message) = show(folder.path());
    assert_eq!(code, Some(0), "{message}");
    let kind = |id: &str| {
        let kinds = shown["kinds"].as_array().unwrap();
        kinds.iter().find(|kind| kind["kind"] == id).cloned().unwrap()
    };
    assert_eq!(kind("mirror:full")["threshold"], 2);
    assert_eq!(kind("mirror:full")["signers"], serde_json::json!(["acme-2026", "release-office"]));
    assert_eq!(kind("mirror:full")["require"], serde_json::json!(["public-key", "fresh"]));
    assert_eq!(kind("mirror:full")["max_age_seconds"], 14 * 86400);
    assert_eq!(kind("devportal:offline")["signers"], serde_json::json!(["acme-2026", "portal"]));
    assert_eq!(
        kind("devportal:offline")["waivers"],
        serde_json::json!(["allow_extra notes/*: the courier adds a delivery note"])
    );
    assert_eq!(kind("plain")["signers"], serde_json::json!([]));
    assert_eq!(shown["keys"][2]["revoked"], "the laptop it was on was lost in March 2025");
}

/// Names in backticks in the first cell of the rows of one section.
fn fields(section: &str) -> BTreeSet<String> {
    let page = page();
    let text = page.split(&format!("\n## {section}\n")).nth(1).unwrap();
    let text = text.split("\n## ").next().unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    rows.flat_map(|cell| format!("`{cell}").split('`').skip(1).step_by(2).map(str::to_string).collect::<Vec<_>>())
        .collect()
}

/// What the program says it expects where a field is not known.
fn known(table: &str) -> BTreeSet<String> {
    let folder = example(|_| format!("version = 1\n{table}\nno_such_field = 1\n"));
    let (code, _, message) = show(folder.path());
    assert_eq!(code, Some(2), "{message}");
    assert!(message.contains("line 3: no_such_field: unknown field `no_such_field`"), "{message}");
    let list = message.split("expected one of ").nth(1).unwrap();
    list.split('`').skip(1).step_by(2).map(str::to_string).collect()
}

#[test]
fn the_page_has_every_field_and_no_other() {
    assert_eq!(fields("`[[key]]`"), known("[[key]]"));
    assert_eq!(fields("`[[secret]]`"), known("[[secret]]"));
    assert_eq!(fields("`[[waiver]]`"), known("[[waiver]]"));
    assert_eq!(fields("`[[revocations]]`"), known("[[revocations]]"));
    assert_eq!(fields("`[[log]]`"), known("[[log]]"));
    let text = page();
    for scheme in Scheme::ALL.into_iter().filter(|scheme| *scheme != Scheme::HmacSha256) {
        assert!(text.contains(&format!("`{scheme}`")), "{scheme}");
    }
    let top: BTreeSet<String> = fields("`[threshold]`, `[require]`, `[max_age]`");
    let all = top
        .into_iter()
        .chain(["version", "key", "secret", "log", "waiver", "revocations"].map(str::to_string))
        .collect();
    assert_eq!(known("# nothing"), all);
}

#[test]
fn every_word_of_require_is_a_property_of_the_file() {
    for property in Property::ALL {
        let words = |text: &str| text.replace("[\"public-key\", \"fresh\"]", &format!("[\"{}\"]", property.name()));
        let (code, _, message) = show(example(words).path());
        assert_eq!(code, Some(0), "{message}");
    }
}

/// What the failing rows of a case under fixtures/ say.
fn words(case: &str, file: &str, more: &[&str]) -> String {
    let folder = root().join("fixtures").join(case);
    let (input, policy) = (folder.join(file), folder.join("trust.toml"));
    let mut args = if case.starts_with("dsse/") { vec!["dsse", "verify"] } else { vec!["verify"] };
    args.extend([input.to_str().unwrap(), "--trust", policy.to_str().unwrap(), "--allow-example-keys"]);
    args.extend(["--at", AT, "--json"].iter().chain(more));
    let report = json(&run(&args)).unwrap();
    assert_eq!(report["policy"]["name"], "trust.toml", "{case}");
    let checks = report["checks"].as_array().unwrap().iter();
    let signed =
        checks.filter(|check| check["class"] == "signature" && check["id"].as_str().unwrap().ends_with("-signature"));
    signed
        .map(|check| format!("{} {}\n", check["status"].as_str().unwrap(), check["detail"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_known_key_that_does_not_count_is_named_with_the_reason() {
    let portal = "devportal-offline-bundle.tgz";
    for (case, file, expected) in [
        (
            "devportal/trust-kind",
            portal,
            "key acme signed it; it may sign mirror:* only, and this is devportal:offline",
        ),
        ("devportal/trust-document", portal, "key acme signed it; it may sign documents named signatures/** only"),
        ("devportal/trust-early", portal, "key acme signed it; it counts from 2026-11-20T00:00:01Z on"),
        ("devportal/trust-late", portal, "key acme signed it; it counted until 2026-11-19T23:59:59Z"),
        ("devportal/trust-revoked", portal, "key acme signed it; it is revoked: stolen in March"),
        (
            "devportal/trust-scheme",
            portal,
            "key rsa signed it; it may sign with rsa-pss-sha256 only, and this is rsa-pkcs1v15-sha256",
        ),
        ("devportal/trust-secret-kind", portal, "key portal signed it; it may sign mirror:* only"),
        (
            "devportal/trust-threshold-one-does-not-count",
            portal,
            "key second signed it too and does not count: it may sign mirror:* only",
        ),
        ("plain/trust-whole-revoked", "release.tar.gz", "key p256 signed it; it is revoked: stolen in March"),
        (
            "mirror-concelier/trust-jws-revoked",
            "concelier.tar.gz",
            "key p256 signed it; it is revoked: stolen in March",
        ),
        ("dsse/trust-envelope-kind", "envelope.dsse.json", "it may sign devportal:* only, and this is dsse:envelope"),
    ] {
        let file = if case.starts_with("mirror-concelier") { bundle(case) } else { file.to_string() };
        let words = words(case, &file, &[]);
        assert!(words.lines().any(|row| row.starts_with("fail ") && row.contains(expected)), "{case}: {words}");
    }
    let passed = words("devportal/good-trust-one-does-not-count", portal, &[]);
    assert!(passed.starts_with("pass 1 of 1 required keys; key second signed it too and does not count"), "{passed}");
}

/// The archive of a case.
fn bundle(case: &str) -> String {
    let names = std::fs::read_dir(root().join("fixtures").join(case)).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.into_iter().find(|name| name.contains(".t") && !name.ends_with(".toml")).unwrap()
}

#[test]
fn threads_change_no_byte_of_a_report_under_a_policy() {
    let folder = root().join("fixtures/devportal/trust-threshold-one-does-not-count");
    let (input, policy) = (folder.join("devportal-offline-bundle.tgz"), folder.join("trust.toml"));
    let report = |jobs: &str| {
        let args = [
            "verify",
            input.to_str().unwrap(),
            "--trust",
            policy.to_str().unwrap(),
            "--allow-example-keys",
            "--at",
            AT,
        ];
        run(&[&args[..], &["--json", "--jobs", jobs]].concat()).stdout
    };
    let first = report("1");
    assert!(first.len() > 1000);
    assert!(["1", "2", "8"].iter().all(|jobs| report(jobs) == first));
}

#[test]
fn a_payload_is_written_only_where_all_that_the_policy_requires_holds() {
    let out = tempfile::tempdir().unwrap();
    for (case, written) in
        [("good-trust-envelope", true), ("unproven-trust-fresh", false), ("trust-envelope-revoked", false)]
    {
        let payload = out.path().join(case);
        words(&format!("dsse/{case}"), "envelope.dsse.json", &["--payload-out", payload.to_str().unwrap()]);
        assert_eq!(payload.exists(), written, "{case}");
    }
}
