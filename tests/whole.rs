//! Signatures over the input as a whole, in the situations that no folder of fixtures can hold: pipes, what is encrypted,
//! what the report says of it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use std::path::PathBuf;
use std::process::Output;
use support::{json, root, run, run_with_input};

fn fixture(case: &str, file: &str) -> PathBuf {
    root().join("fixtures").join(case).join(file)
}

/// `verify INPUT`, with a key of keys-example/.
fn args(input: &str, key: &str, more: &[&str]) -> Vec<String> {
    let keys = root().join("keys-example").join(format!("{key}.pub.pem"));
    let fixed = ["verify", input, "--json", "--allow-example-keys", "--at", "2026-11-20T00:00:00Z", "--key"];
    let key = keys.to_string_lossy().into_owned();
    fixed.iter().map(ToString::to_string).chain([key]).chain(more.iter().map(ToString::to_string)).collect()
}

/// Exit code, verdict, and the status of the one row `blob-signature`.
fn outcome(output: &Output) -> (i32, String, String) {
    let report = json(output).unwrap();
    let rows: Vec<&Value> =
        report["checks"].as_array().unwrap().iter().filter(|row| row["id"] == "blob-signature").collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
    let text = |value: &Value| value.as_str().unwrap().to_string();
    (output.status.code().unwrap(), text(&report["verdict"]), text(&rows[0]["status"]))
}

fn said(code: i32, verdict: &str, status: &str) -> (i32, String, String) {
    (code, verdict.into(), status.into())
}

/// The archive of a case from a pipe, with the signature beside it named.
fn piped(case: &str, key: &str) -> (i32, String, String) {
    let archive = std::fs::read(fixture(case, "release.tar.gz")).unwrap();
    let signature = fixture(case, "release.tar.gz.sig").to_string_lossy().into_owned();
    outcome(&run_with_input(&args("-", key, &["--sidecar", &signature]), &archive))
}

#[test]
fn from_a_pipe_a_digest_decides_and_what_needs_the_bytes_again_is_skipped() {
    assert_eq!(piped("plain/good-whole-ecdsa-p256", "ecdsa-p256"), said(0, "verified", "pass"));
    assert_eq!(piped("plain/good-whole-rsa", "rsa-3072"), said(0, "verified", "pass"));
    assert_eq!(piped("plain/whole-altered-ecdsa-p256", "ecdsa-p256"), said(21, "failed", "fail"));
    assert_eq!(piped("plain/good-whole-ecdsa-p384", "ecdsa-p384"), said(3, "not-verified", "skip"));
    assert_eq!(piped("plain/good-whole-ed25519", "ed25519"), said(3, "not-verified", "skip"));
    // No signature of such a length is one by this key, whatever the bytes were.
    assert_eq!(piped("plain/good-whole-ecdsa-p256", "ed25519"), said(21, "failed", "fail"));
}

#[test]
fn the_report_says_what_was_signed_and_by_which_bytes() {
    let case = "plain/good-whole-ed25519";
    let input = fixture(case, "release.tar.gz");
    let report = json(&run(&args(&input.to_string_lossy(), "ed25519", &[]))).unwrap();
    let digest = portcullis::format::digest::sha256(&std::fs::read(&input).unwrap());
    assert_eq!(report["subject"]["sha256"], portcullis::format::digest::hex(&digest));
    assert_eq!(report["authentication"]["by"], "public-key");
    assert_eq!(report["authentication"]["signers"][0]["document"], "release.tar.gz.sig");
    assert_eq!(report["authentication"]["signers"][0]["input"], "raw-bytes");
    let mut text = args(&input.to_string_lossy(), "ed25519", &[]);
    text.retain(|arg| arg != "--json");
    let text = String::from_utf8(run(&text).stdout).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("signed the input as a whole (release.tar.gz.sig)"), "{text}");
    assert!(text.contains(" <- release.tar.gz.sig <- key sha256:"), "{text}");
}

#[test]
fn inspect_names_the_signature_and_checks_nothing() {
    let input = fixture("plain/whole-wrong-key", "release.tar.gz").to_string_lossy().into_owned();
    let report = json(&run(&["inspect", &input, "--json"])).unwrap();
    assert_eq!(report["claimed_signers"][0]["document"], "release.tar.gz.sig");
    assert!(report["checks"].as_array().unwrap().iter().all(|row| row["status"] != "fail"), "{report}");
}

#[test]
fn what_is_encrypted_and_not_opened_stays_unproven() {
    let second = root().join("keys-example/ecdsa-p256.pub.pem").to_string_lossy().into_owned();
    for digests in ["plain", "cipher"] {
        let case = format!("mirror-full/good-encrypted-{digests}-digests");
        let mut files = std::fs::read_dir(fixture(&case, "")).unwrap().map(|entry| entry.unwrap().path());
        let archive = std::fs::read(files.find(|path| path.to_string_lossy().contains(".tar")).unwrap()).unwrap();
        let temp = tempfile::tempdir().unwrap();
        let input = temp.path().join("mirror.bin");
        std::fs::write(&input, &archive).unwrap();
        std::fs::write(temp.path().join("mirror.bin.sig"), sign(&archive)).unwrap();
        let output = run(&args(&input.to_string_lossy(), "ed25519", &["--key", &second]));
        let report = json(&output).unwrap();
        assert_eq!((output.status.code(), &report["verdict"]), (Some(3), &"not-verified".into()), "{case}");
        let signers = report["authentication"]["signers"].as_array().unwrap();
        assert!(signers.iter().any(|signer| signer["document"] == "mirror.bin.sig"), "{case}");
        assert_eq!(report["summary"]["unlisted"], 0, "{case}");
    }
}

/// A signature over `bytes` by the example key, as cosign writes it.
fn sign(bytes: &[u8]) -> String {
    use base64::Engine as _;
    use ed25519_dalek::Signer as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    let pem = std::fs::read_to_string(root().join("keys-example/ed25519.key.pem")).unwrap();
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64.decode(text).unwrap();
    // The secret ends a PKCS#8 key without attributes (RFC 8410 section 7).
    let secret: [u8; 32] = der[der.len() - 32..].try_into().unwrap();
    base64.encode(ed25519_dalek::SigningKey::from_bytes(&secret).sign(bytes).to_bytes())
}
