//! Sigstore bundles made by others (sigstore-conformance, sigstore-python, -js, -rust, slsa-verifier), with known outcomes;
//! and the same bundles with one part exchanged, because a bundle that is refused may be refused for another reason.
//!
//! They lie beside the project, in `../shared/corpus/sigstore`, or below the folder that `PORTCULLIS_CORPUS` names; without
//! them the tests say so and pass.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a bundle that must be refused may end with: not verified, a trust anchor that cannot be used, signature, transparency.
const REFUSALS: [i32; 4] = [3, 2, 21, 23];

fn corpus() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("PORTCULLIS_CORPUS").map_or_else(beside, PathBuf::from).join("sigstore");
    if folder.join("cases.json").is_file() {
        return Some(folder);
    }
    println!("SKIPPED: no corpus at {}", folder.display());
    None
}

/// One case of the corpus, with files that a test may have exchanged.
struct Case {
    id: String,
    expect: String,
    bundle: PathBuf,
    root: PathBuf,
    artifact: Option<PathBuf>,
    digest: String,
    signer: Vec<(&'static str, String)>,
}

fn cases(corpus: &Path, file: &str) -> Vec<Case> {
    let list: Value = serde_json::from_slice(&fs::read(corpus.join(file)).unwrap()).unwrap();
    let text = |case: &Value, member: &str| case[member].as_str().map(str::to_string);
    let read = |case: &Value| {
        let signer = [
            ("--certificate-identity", text(case, "certificate_identity")),
            ("--certificate-oidc-issuer", text(case, "certificate_oidc_issuer")),
            ("--key", text(case, "key").map(|key| corpus.join(key).to_str().unwrap().to_string())),
        ];
        Case {
            id: text(case, "id").unwrap(),
            expect: text(case, "expect").unwrap(),
            bundle: corpus.join(text(case, "bundle").unwrap()),
            root: corpus.join(text(case, "trusted_root").unwrap()),
            artifact: text(case, "artifact").map(|artifact| corpus.join(artifact)).filter(|path| path.is_file()),
            digest: text(case, "artifact_digest").unwrap(),
            signer: signer.into_iter().filter_map(|(option, value)| Some((option, value?))).collect(),
        }
    };
    list["cases"].as_array().unwrap().iter().map(read).collect()
}

fn case(corpus: &Path, id: &str) -> Case {
    let all = [cases(corpus, "cases.json"), cases(corpus, "extra_cases.json")].into_iter().flatten();
    all.into_iter().find(|case| case.id == id).unwrap_or_else(|| panic!("no case {id}"))
}

impl Case {
    /// Exit code and report, over the artifact as a file or by its digest.
    fn run(&self, artifact: &str, more: &[&str]) -> (i32, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["sigstore", "verify", "--json", "--at", "2026-11-20T00:00:00Z", artifact]).args(more);
        command.arg("--bundle").arg(&self.bundle).arg("--trusted-root").arg(&self.root);
        for (option, value) in &self.signer {
            command.args([option, value.as_str()]);
        }
        let output = command.output().unwrap();
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.id, String::from_utf8_lossy(&output.stderr)));
        (output.status.code().expect("an exit code"), report)
    }

    fn by_digest(&self) -> (i32, Value) {
        self.run(&self.digest, &[])
    }

    /// Over the file, where there is one: some keys sign more than the digest says.
    fn by_best(&self) -> (i32, Value) {
        let file = self.artifact.as_ref().map(|path| path.to_string_lossy().into_owned());
        self.run(file.as_deref().unwrap_or(&self.digest), &[])
    }

    fn bundle(&self) -> Value {
        serde_json::from_slice(&fs::read(&self.bundle).unwrap()).unwrap()
    }

    /// The same case with another bundle and another trusted root, in `folder`.
    fn with(mut self, folder: &Path, bundle: &Value, root: Option<&Value>) -> Case {
        self.bundle = folder.join("bundle.sigstore.json");
        fs::write(&self.bundle, bundle.to_string()).unwrap();
        if let Some(root) = root {
            self.root = folder.join("trusted_root.json");
            fs::write(&self.root, root.to_string()).unwrap();
        }
        self
    }
}

fn status<'a>(report: &'a Value, id: &str) -> &'a str {
    let found: Vec<&Value> = report["checks"].as_array().unwrap().iter().filter(|check| check["id"] == id).collect();
    assert!(found.len() <= 1, "{id} twice: {report}");
    found.first().map_or("absent", |check| check["status"].as_str().unwrap())
}

fn failed(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["status"] == "fail")
        .map(|check| format!("{}: {}", check["id"], check["detail"]))
        .collect()
}

fn compare(case: &Case, (code, report): &(i32, Value)) {
    let (id, code) = (&case.id, *code);
    if report["verdict"] == "error" {
        println!("{id}: {code} {}", report["error"]);
    } else {
        println!("{id}: {code} {:?}", failed(report));
    }
    match case.expect.as_str() {
        "pass" => {
            assert_eq!((code, &report["verdict"]), (0, &json!("verified")), "{id}: {report}");
            assert_ne!(report["authentication"]["by"], "none", "{id}");
            for part in ["bundle", "signature"] {
                assert_eq!(status(report, &format!("sigstore-{part}")), "pass", "{id}: {report}");
            }
        }
        "fail" => {
            assert!(REFUSALS.contains(&code), "{id}: exit {code}: {report}");
            assert_ne!(report["verdict"], "verified", "{id}");
            if report["verdict"] != "error" {
                assert_eq!(report["authentication"]["by"], "none", "{id}");
                assert_eq!(failed(report).is_empty(), code == 3, "{id}: {report}");
            }
        }
        "any" => assert!(code == 0 || REFUSALS.contains(&code), "{id}: exit {code}"),
        other => panic!("{id}: unknown outcome {other}"),
    }
}

#[test]
fn every_case_comes_out_as_expected_by_path_and_by_digest() {
    let Some(corpus) = corpus() else { return };
    let (first, second) = (cases(&corpus, "cases.json"), cases(&corpus, "extra_cases.json"));
    assert_eq!((first.len(), second.len()), (36, 28));
    for case in first.iter().chain(&second) {
        let by_digest = case.by_digest();
        compare(case, &by_digest);
        if let Some(artifact) = &case.artifact {
            let by_path = case.run(artifact.to_str().unwrap(), &[]);
            compare(case, &by_path);
            assert_eq!(by_path.0, by_digest.0, "{}: by path and by digest", case.id);
        }
    }
}

// ---- one part exchanged --------------------------------------------------------------------------------------------

const OLDER: &str = "happy-path-v0.1";
const NEWER: &str = "happy-path-v0.3";
const REKOR_2: &str = "rekor2-timestamp-with-embedded-cert";
const ENVELOPE: &str = "happy-path-intoto-in-dsse-v3";

/// Checks that failed, by id.
fn failed_ids(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["status"] == "fail");
    checks.map(|check| check["id"].as_str().unwrap()).collect()
}

/// The case `id` with its bundle changed by `change`: the checks in `expected` fail, and no others.
fn spoilt(corpus: &Path, id: &str, change: impl FnOnce(&mut Value), code: i32, expected: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let good = case(corpus, id);
    assert_eq!(good.by_digest().0, 0, "{id} is good before anything is changed");
    let mut bundle = good.bundle();
    change(&mut bundle);
    let (found, report) = good.with(folder.path(), &bundle, None).by_digest();
    assert_eq!((found, failed_ids(&report).as_slice()), (code, expected), "{id}: {report:#}");
    assert_eq!(report["authentication"]["by"], "none");
    report
}

/// The case `id` under a trusted root changed by `change`.
fn distrusted(corpus: &Path, id: &str, change: impl FnOnce(&mut Value)) -> (i32, Value) {
    let folder = tempfile::tempdir().unwrap();
    let good = case(corpus, id);
    let mut root: Value = serde_json::from_slice(&fs::read(&good.root).unwrap()).unwrap();
    change(&mut root);
    let bundle = good.bundle();
    good.with(folder.path(), &bundle, Some(&root)).by_digest()
}

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

/// The base64 text with one bit of its last whole group changed.
fn flipped(text: &Value) -> Value {
    let mut text: Vec<u8> = text.as_str().unwrap().into();
    let at = text.len() - 6;
    text[at] = if text[at] == b'A' { b'B' } else { b'A' };
    json!(String::from_utf8(text).unwrap())
}

#[test]
fn a_moved_time_is_not_what_the_log_signed() {
    let Some(corpus) = corpus() else { return };
    for id in [OLDER, NEWER, ENVELOPE] {
        let moved = |bundle: &mut Value| {
            let time: i64 = entry(bundle)["integratedTime"].as_str().unwrap().parse().unwrap();
            entry(bundle)["integratedTime"] = json!((time + 60).to_string());
        };
        let report = spoilt(&corpus, id, moved, 23, &["sigstore-set"]);
        // Nothing that rests on the time is told as good.
        for part in ["certificate", "identity", "signature"] {
            assert_eq!(status(&report, &format!("sigstore-{part}")), "skip", "{id} {part}");
        }
    }
}

#[test]
fn a_log_entry_of_another_bundle_is_not_about_this_one() {
    let Some(corpus) = corpus() else { return };
    let other = case(&corpus, "sigstore-python-bundle_v3_github.whl--prod").bundle();
    let exchange = |bundle: &mut Value| *entry(bundle) = other["verificationMaterial"]["tlogEntries"][0].clone();
    // The certificate had not been made at the time of that entry; and the entry is about something else.
    spoilt(&corpus, NEWER, exchange, 21, &["sigstore-certificate", "sigstore-inclusion", "sigstore-set"]);
    // Where a timestamp proves the time, only the entry is wrong.
    let other = case(&corpus, "rekor2-timestamp-with-expired-cert-chain").bundle();
    let exchange = |bundle: &mut Value| *entry(bundle) = other["verificationMaterial"]["tlogEntries"][0].clone();
    spoilt(&corpus, REKOR_2, exchange, 23, &["sigstore-inclusion"]);
}

#[test]
fn an_inclusion_proof_that_is_missing_or_wrong_is_no_proof() {
    let Some(corpus) = corpus() else { return };
    for id in [NEWER, REKOR_2, ENVELOPE] {
        let removed = |bundle: &mut Value| drop(entry(bundle).as_object_mut().unwrap().remove("inclusionProof"));
        let report = spoilt(&corpus, id, removed, 23, &["sigstore-inclusion"]);
        for part in ["certificate", "identity", "signature", "sct"] {
            assert_eq!(status(&report, &format!("sigstore-{part}")), "pass", "{id} {part}");
        }
        let wrong = |bundle: &mut Value| {
            let hash = &mut entry(bundle)["inclusionProof"]["hashes"][0];
            *hash = flipped(hash);
        };
        spoilt(&corpus, id, wrong, 23, &["sigstore-inclusion"]);
    }
}

#[test]
fn a_timestamp_of_another_signature_proves_nothing() {
    let Some(corpus) = corpus() else { return };
    let material = |bundle: &Value| bundle["verificationMaterial"]["timestampVerificationData"].clone();
    let other = material(&case(&corpus, "rekor2-timestamp-with-expired-cert-chain").bundle());
    let exchange = |bundle: &mut Value| bundle["verificationMaterial"]["timestampVerificationData"] = other;
    spoilt(&corpus, REKOR_2, exchange, 23, &["sigstore-timestamp"]);
    // Without any time nothing is wrong, and nothing is known.
    let removed = |bundle: &mut Value| {
        let material = bundle["verificationMaterial"].as_object_mut().unwrap();
        material.remove("timestampVerificationData");
    };
    let report = spoilt(&corpus, REKOR_2, removed, 3, &[]);
    assert_eq!(report["verdict"], "not-verified");
}

#[test]
fn a_certificate_of_another_signer_did_not_sign_this() {
    let Some(corpus) = corpus() else { return };
    let other = case(&corpus, ENVELOPE).bundle();
    let exchange = |bundle: &mut Value| {
        bundle["verificationMaterial"]["certificate"] = other["verificationMaterial"]["certificate"].clone();
    };
    let report = spoilt(&corpus, NEWER, exchange, 21, &["sigstore-certificate", "sigstore-signature", "sigstore-set"]);
    assert_eq!(status(&report, "sigstore-identity"), "skip");
}

#[test]
fn signed_bytes_cannot_be_changed() {
    let Some(corpus) = corpus() else { return };
    let signature = |bundle: &mut Value| {
        let text = &mut bundle["messageSignature"]["signature"];
        *text = flipped(text);
    };
    spoilt(&corpus, NEWER, signature, 21, &["sigstore-signature"]);
    let of_envelope = |bundle: &mut Value| {
        let text = &mut bundle["dsseEnvelope"]["signatures"][0]["sig"];
        *text = flipped(text);
    };
    spoilt(&corpus, ENVELOPE, of_envelope, 21, &["sigstore-signature"]);
    let payload_type = |bundle: &mut Value| bundle["dsseEnvelope"]["payloadType"] = json!("text/plain");
    spoilt(&corpus, ENVELOPE, payload_type, 21, &["sigstore-signature"]);
    // Another artifact.
    for id in [OLDER, NEWER, REKOR_2, ENVELOPE, "managed-key-and-trusted-root"] {
        let (code, report) = case(&corpus, id).run(&format!("sha256:{}", "00".repeat(32)), &[]);
        assert_eq!((code, failed_ids(&report).as_slice()), (21, &["sigstore-signature"][..]), "{id}: {report}");
    }
}

#[test]
fn whom_the_operator_did_not_name_is_a_stranger() {
    let Some(corpus) = corpus() else { return };
    for id in [OLDER, NEWER, REKOR_2, ENVELOPE] {
        for changed in [0, 1] {
            let mut case = case(&corpus, id);
            case.signer[changed].1.push('x');
            let (code, report) = case.by_digest();
            assert_eq!((code, failed_ids(&report).as_slice()), (21, &["sigstore-identity"][..]), "{id}: {report}");
            // Everything else holds, and is told so; the name is claimed, since nobody accepted it.
            for part in ["bundle", "certificate", "signature", "sct", "inclusion"] {
                assert_eq!(status(&report, &format!("sigstore-{part}")), "pass", "{id} {part}");
            }
            let row = report["checks"].as_array().unwrap().iter().find(|c| c["id"] == "sigstore-identity").unwrap();
            assert!(row["evidence"]["claimed_identity"].is_string(), "{row}");
        }
    }
    // A key where a certificate signed, and the other way round.
    let (mut with_key, by_key) = (case(&corpus, NEWER), case(&corpus, "managed-key-and-trusted-root"));
    let name = std::mem::replace(&mut with_key.signer, by_key.signer.clone());
    assert_eq!(failed_ids(&with_key.by_digest().1), ["sigstore-identity"]);
    let with_name = Case { signer: name, ..by_key };
    assert_eq!(failed_ids(&with_name.by_digest().1), ["sigstore-signature"]);
}

#[test]
fn what_the_root_does_not_name_is_not_trusted() {
    let Some(corpus) = corpus() else { return };
    let without = |member: &'static str| move |root: &mut Value| root[member] = json!([]);
    let fails = |(code, report): (i32, Value), class: i32, id: &str| {
        assert!(failed_ids(&report).contains(&id), "{report:#}");
        assert_eq!(code, class, "{report:#}");
    };
    fails(distrusted(&corpus, NEWER, without("tlogs")), 23, "sigstore-set");
    fails(distrusted(&corpus, REKOR_2, without("tlogs")), 23, "sigstore-inclusion");
    fails(distrusted(&corpus, NEWER, without("ctlogs")), 23, "sigstore-sct");
    fails(distrusted(&corpus, NEWER, without("certificateAuthorities")), 21, "sigstore-certificate");
    fails(distrusted(&corpus, REKOR_2, without("timestampAuthorities")), 23, "sigstore-timestamp");
    let by_key = "managed-key-and-trusted-root";
    fails(distrusted(&corpus, by_key, without("tlogs")), 23, "sigstore-inclusion");
    let (code, report) = distrusted(&corpus, NEWER, |root| root["tlogs"][0]["publicKey"]["rawBytes"] = json!("AAAA"));
    assert_eq!((code, &report["verdict"]), (2, &json!("error")));
}

#[test]
fn a_promise_is_no_proof_of_inclusion() {
    let Some(corpus) = corpus() else { return };
    let folder = tempfile::tempdir().unwrap();
    let good = case(&corpus, OLDER);
    let mut bundle = good.bundle();
    entry(&mut bundle).as_object_mut().unwrap().remove("inclusionProof");
    let promised = good.with(folder.path(), &bundle, None);
    let (code, report) = promised.by_digest();
    assert_eq!((code, status(&report, "sigstore-inclusion")), (0, "skip"), "{report:#}");
    let (code, report) = promised.run(&promised.digest, &["--require", "transparency"]);
    assert_eq!((code, &report["verdict"]), (3, &json!("not-verified")), "{report:#}");
    for id in [OLDER, NEWER, REKOR_2, ENVELOPE] {
        let case = case(&corpus, id);
        let (code, report) = case.run(&case.digest, &["--require", "transparency"]);
        let proven = status(&report, "sigstore-inclusion") == "pass";
        assert_eq!(code, if proven { 0 } else { 3 }, "{id}: {report:#}");
    }
}

#[test]
fn two_readings_of_one_text_are_refused() {
    let Some(corpus) = corpus() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut case = case(&corpus, NEWER);
    let text = fs::read_to_string(&case.bundle).unwrap();
    case.bundle = folder.path().join("twice.json");
    let twice = text.replacen('{', "{\"messageSignature\": {\"signature\": \"AA==\"}, ", 1);
    fs::write(&case.bundle, twice).unwrap();
    let (code, report) = case.by_digest();
    assert_eq!((code, failed_ids(&report).as_slice()), (21, &["sigstore-bundle"][..]), "{report:#}");
}

#[test]
fn no_proven_time_lies_after_the_clock_of_the_run() {
    let Some(corpus) = corpus() else { return };
    for (id, check) in [(NEWER, "sigstore-set"), (REKOR_2, "sigstore-timestamp")] {
        let case = case(&corpus, id);
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["sigstore", "verify", "--json", "--at", "2020-01-01T00:00:00Z", &case.digest]);
        command.arg("--bundle").arg(&case.bundle).arg("--trusted-root").arg(&case.root);
        let output = command.args(case.signer.iter().flat_map(|(o, v)| [*o, v.as_str()])).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), failed_ids(&report).as_slice()), (Some(23), &[check][..]), "{report:#}");
    }
}

// ---- beside the input of `verify` ----------------------------------------------------------------------------------

/// A release archive of another project, with the attestation that came with it: an in-toto statement about the archive.
struct Release {
    case: Case,
    folder: tempfile::TempDir,
}

impl Release {
    fn new(corpus: &Path) -> Release {
        let case = case(corpus, "slsa-verifier-rules_lint-v1.3.1.tar.gz--prod");
        let folder = tempfile::tempdir().unwrap();
        fs::copy(case.artifact.as_ref().unwrap(), folder.path().join("release.tar.gz")).unwrap();
        let release = Release { case, folder };
        release.put(&release.case.bundle());
        release
    }

    fn put(&self, bundle: &Value) {
        fs::write(self.folder.path().join("release.tar.gz.sigstore.json"), bundle.to_string()).unwrap();
    }

    fn trust(&self) -> Vec<String> {
        let mut trust = vec!["--trusted-root".to_string(), self.case.root.to_str().unwrap().to_string()];
        trust.extend(self.case.signer.iter().flat_map(|(option, value)| [(*option).to_string(), value.clone()]));
        trust
    }

    fn verify(&self, options: &[String], more: &[&str]) -> (i32, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["verify", "--json", "--at", "2026-11-20T00:00:00Z"]).args(options).args(more);
        let output = command.arg(self.folder.path().join("release.tar.gz")).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
        });
        (output.status.code().unwrap(), report)
    }
}

#[test]
fn a_bundle_beside_the_input_vouches_for_all_of_it() {
    let Some(corpus) = corpus() else { return };
    let release = Release::new(&corpus);
    let (code, report) = release.verify(&release.trust(), &["--require", "signature,public-key,transparency"]);
    assert_eq!((code, &report["verdict"]), (0, &json!("verified")), "{:#}", report["checks"]);
    assert_eq!(report["authentication"]["by"], "certificate");
    let signer = &report["authentication"]["signers"][0];
    assert_eq!(signer["identity"].as_str(), Some(release.case.signer[0].1.as_str()), "{signer}");
    assert_eq!(signer["document"], "release.tar.gz.sigstore.json");
    let entries = report["entries"].as_array().unwrap();
    assert!(entries.len() > 10 && entries.iter().all(|entry| entry["standing"] == "pinned"), "{entries:#?}");
}

#[test]
fn without_trust_a_bundle_beside_the_input_says_nothing() {
    let Some(corpus) = corpus() else { return };
    let release = Release::new(&corpus);
    let (code, report) = release.verify(&[], &[]);
    assert_eq!((code, status(&report, "sigstore-bundle")), (3, "skip"), "{:#}", report["checks"]);
    // A root alone names nobody.
    let (code, report) = release.verify(&release.trust()[..2], &[]);
    assert_eq!((code, status(&report, "sigstore-identity")), (3, "skip"), "{:#}", report["checks"]);
    // One signer is not two.
    let (code, report) = release.verify(&release.trust(), &["--threshold", "2"]);
    assert_eq!((code, failed_ids(&report)), (21, vec!["sigstore-identity"]), "{:#}", report["checks"]);
    let (code, report) = release.verify(&release.trust(), &["--no-sidecars"]);
    assert_eq!((code, status(&report, "sigstore-bundle")), (3, "absent"), "{:#}", report["checks"]);
}

#[test]
fn a_bad_bundle_beside_the_input_spoils_the_verdict() {
    let Some(corpus) = corpus() else { return };
    let release = Release::new(&corpus);
    let mut moved = release.case.bundle();
    let time: i64 = entry(&mut moved)["integratedTime"].as_str().unwrap().parse().unwrap();
    entry(&mut moved)["integratedTime"] = json!((time + 60).to_string());
    release.put(&moved);
    let (code, report) = release.verify(&release.trust(), &[]);
    assert_eq!((code, failed_ids(&report)), (23, vec!["sigstore-set"]), "{:#}", report["checks"]);
    let entries = report["entries"].as_array().unwrap();
    assert!(entries.iter().all(|entry| entry["standing"] != "pinned"), "{entries:#?}");
    // Yesterday's bundle beside today's archive.
    release.put(&case(&corpus, ENVELOPE).bundle());
    let (code, report) = release.verify(&release.trust(), &[]);
    assert_eq!(code, 21, "{:#}", report["checks"]);
    assert!(failed_ids(&report).contains(&"sigstore-signature"), "{:#}", report["checks"]);
    // One of the older format, by a key that nobody named: it proves nothing.
    release.put(&json!({"base64Signature": "AA==", "cert": ""}));
    let (code, report) = release.verify(&release.trust(), &[]);
    assert_eq!((code, failed_ids(&report)), (3, vec![]), "{:#}", report["checks"]);
}

/// The same signature as a file of cosign's older format, where it has a place for all parts that count: one entry of the
/// first Rekor with its promise, and the certificate or the hint at a key.
fn older(bundle: &Value) -> Option<Value> {
    let material = &bundle["verificationMaterial"];
    let entries = material["tlogEntries"].as_array()?;
    let [entry] = entries.as_slice() else { return None };
    let promise = entry.pointer("/inclusionPromise/signedEntryTimestamp")?;
    let number = |member: &str| entry[member].as_str().and_then(|text| text.parse::<i64>().ok());
    let signature = match bundle.pointer("/messageSignature/signature") {
        Some(signature) => signature.clone(),
        None => json!(STANDARD.encode(bundle.get("dsseEnvelope")?.to_string())),
    };
    let leaf = material.pointer("/x509CertificateChain/certificates/0").or(material.get("certificate"));
    let pem = leaf.and_then(|leaf| leaf["rawBytes"].as_str()).map(|der| {
        let text = format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n");
        STANDARD.encode(text)
    });
    let log_id = STANDARD.decode(entry.pointer("/logId/keyId")?.as_str()?).ok()?;
    Some(json!({"base64Signature": signature, "cert": pem.unwrap_or_default(), "rekorBundle": {
        "SignedEntryTimestamp": promise,
        "Payload": {"body": entry["canonicalizedBody"], "integratedTime": number("integratedTime")?,
                    "logIndex": number("logIndex")?, "logID": portcullis::format::digest::hex(&log_id)}}}))
}

#[test]
fn the_same_signatures_in_the_older_format_of_cosign() {
    let Some(corpus) = corpus() else { return };
    // What is wrong with these has no place in the older format: proofs, checkpoints, timestamps, versions, stated digests.
    let elsewhere =
        ["checkpoint", "version", "tsa-timestamp", "digest-mismatch", "root-cert", "late_timestamp", "duplicate-tsa"];
    let (mut good, mut bad) = (0, 0);
    for file in ["cases.json", "extra_cases.json"] {
        for case in cases(&corpus, file) {
            let Ok(bundle) = serde_json::from_slice::<Value>(&fs::read(&case.bundle).unwrap()) else { continue };
            let Some(file) = older(&bundle) else { continue };
            if case.expect != "pass" && elsewhere.iter().any(|part| case.id.contains(part)) {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let case = case.with(folder.path(), &file, None);
            let (code, report) = case.by_best();
            println!("{}: {} {code} {}", case.id, case.expect, report["verdict"]);
            match case.expect.as_str() {
                "pass" => {
                    good += 1;
                    assert_eq!((code, status(&report, "sigstore-set")), (0, "pass"), "{}: {report}", case.id);
                    assert_eq!(status(&report, "sigstore-inclusion"), "skip", "{}: {report}", case.id);
                    for (change, row) in CHANGES {
                        let mut changed = file.clone();
                        change(&mut changed);
                        fs::write(&case.bundle, changed.to_string()).unwrap();
                        let (code, report) = case.by_best();
                        assert!([21, 23].contains(&code), "{} {row}: {report}", case.id);
                        assert_eq!(status(&report, row), "fail", "{}: {report}", case.id);
                    }
                }
                "fail" => {
                    bad += 1;
                    assert!(REFUSALS.contains(&code), "{}: {report}", case.id);
                }
                _ => {}
            }
        }
    }
    assert!(good >= 8 && bad >= 8, "{good} good, {bad} bad");
}

/// Changes to what the log signed, and the row that tells.
type Change = (fn(&mut Value), &'static str);

const CHANGES: [Change; 2] =
    [(|file| add_one(file, "integratedTime"), "sigstore-set"), (|file| add_one(file, "logIndex"), "sigstore-set")];

fn add_one(file: &mut Value, member: &str) {
    let value = &mut file["rekorBundle"]["Payload"][member];
    *value = json!(value.as_i64().unwrap() + 1);
}
