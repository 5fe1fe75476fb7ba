//! Signatures as cosign's users lay them beside a file, in the situations that no folder of fixtures can hold.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use portcullis::format::digest::{Digest, sha256};
use portcullis::format::time::parse_rfc3339;
use portcullis::trust::check::Status;
use portcullis::trust::key;
use portcullis::trust::policy::Policy;
use portcullis::trust::sigstore::{self, Artifact, Content, Expected, Outcome, Root};
use serde_json::Value;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use support::{json, root, run};

fn fixture(case: &str) -> PathBuf {
    root().join("fixtures").join(case)
}

fn verify(input: &Path, more: &[&str]) -> (i32, Value) {
    let (input, key) = (input.to_string_lossy(), root().join("keys-example/ecdsa-p256.pub.pem"));
    let key = key.to_string_lossy();
    let fixed = ["verify", &input, "--json", "--allow-example-keys", "--at", "2026-11-20T00:00:00Z", "--key", &key];
    let output = run(&[&fixed[..], more].concat());
    (output.status.code().unwrap(), json(&output).unwrap())
}

fn rows<'a>(report: &'a Value, id: &str) -> Vec<&'a Value> {
    report["checks"].as_array().unwrap().iter().filter(|row| row["id"] == id).collect()
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_no_absence() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("release.tar.gz");
    std::fs::copy(fixture("plain/good-whole-ecdsa-p256/release.tar.gz"), &input).unwrap();
    let good = fixture("plain/good-whole-ecdsa-p256/release.tar.gz.sig");
    let sidecar = folder.path().join("release.tar.gz.sig");
    std::os::unix::fs::symlink(&good, &sidecar).unwrap();
    assert_eq!(verify(&input, &[]).0, 0, "a link to a signature is followed");
    for name in ["release.tar.gz.sig", "release.tar.gz.bundle", "release.tar.gz.sigstore.json", "manifest.dsse.json"] {
        std::fs::remove_file(&sidecar).ok();
        let link = folder.path().join(name);
        std::os::unix::fs::symlink("gone", &link).unwrap();
        let (code, report) = verify(&input, &[]);
        assert_eq!((code, report["verdict"].as_str()), (4, Some("error")), "{name}: {report}");
        assert!(report.to_string().contains(name), "{report}");
        assert_eq!(verify(&input, &["--no-sidecars"]).0, 3, "{name}");
        std::fs::remove_file(link).unwrap();
    }
}

#[test]
fn the_second_judge_is_told_and_says_why_it_is_silent() {
    let (code, report) = verify(&fixture("plain/good-whole-ecdsa-p256/release.tar.gz"), &[]);
    assert_eq!((code, &rows(&report, "blob-second-opinion")[0]["status"]), (0, &Value::from("pass")), "{report}");
    let (_, report) = verify(&fixture("plain/whole-signed-by-stranger/release.tar.gz"), &[]);
    assert!(rows(&report, "blob-second-opinion").is_empty(), "it is asked about good signatures only");
    let (_, report) = verify(&fixture("mirror-full/good-ecdsa-p256/mirror-20261101.tar.zst"), &[]);
    let inside = rows(&report, "blob-second-opinion");
    assert!(!inside.is_empty() && inside.iter().all(|row| row["status"] == "pass"), "{report}");
}

/// What comes out for the bundle of `sigstore/good-ecdsa-p384` with many keys besides, and how often the artifact was read.
fn streamed(altered: bool) -> (Outcome, u32) {
    let case = fixture("sigstore/good-ecdsa-p384");
    let read = |name: &str| std::fs::read(case.join(name)).unwrap();
    let mut policy = Policy::new(parse_rfc3339("2026-11-20T00:00:00Z").unwrap());
    for _ in 0..7 {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
        let stranger = key::parse(pair.public_key().as_der().unwrap().as_ref()).unwrap().remove(0);
        policy.keys.trust_public(stranger);
    }
    for name in ["ecdsa-p256", "rsa-3072", "ecdsa-p384"] {
        let file = std::fs::read(root().join("keys-example").join(format!("{name}.pub.pem"))).unwrap();
        policy.keys.trust_public(key::parse(&file).unwrap().remove(0));
    }
    let mut bytes = read("artifact.bin");
    if altered {
        bytes.push(b'.');
    }
    let opened = Cell::new(0);
    let open = || -> Box<dyn std::io::Read + '_> {
        opened.set(opened.get() + 1);
        Box::new(bytes.as_slice())
    };
    let artifact = Artifact { digest: Digest::Sha256(sha256(&bytes)), content: Content::Stream(&open) };
    let expected = Expected { name: None, policy: &policy, exclusive: true };
    let trusted = Root::parse(&read("trusted_root.json")).unwrap();
    let bundle = read("artifact.bin.sigstore.json");
    let outcome = sigstore::verify(&bundle, b"bundle", &artifact, &expected, &trusted).unwrap();
    (outcome, opened.get())
}

#[test]
fn a_large_file_is_read_for_all_keys_at_once() {
    let (good, opened) = streamed(false);
    assert!(good.proof.is_some(), "{:?}", good.checks);
    assert_eq!(opened, 2, "once to find the key, once by the engine");
    let (bad, opened) = streamed(true);
    assert!(bad.proof.is_none() && bad.checks.iter().any(|row| row.status == Status::Fail), "{:?}", bad.checks);
    assert!(opened <= 3, "{opened}");
}
