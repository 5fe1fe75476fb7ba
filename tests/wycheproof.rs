//! Project Wycheproof's vectors against the library's one signature function.
//!
//! The vectors lie beside the project, in `../shared/corpus/wycheproof`; without them the test says so and
//! passes. `valid` must verify, `invalid` must not, `acceptable` may go either way and is counted.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis::trust::key::{self, PublicKey};
use portcullis::trust::signature::{MessageDigests, Scheme, SignatureError, StreamedEd25519, verify, verify_digest};
use serde_json::Value;

/// Every file of the corpus and its scheme; `None` for what the library does not support.
const FILES: [(&str, Option<Scheme>); 12] = [
    ("ed25519_test.json", Some(Scheme::Ed25519)),
    ("ecdsa_secp256r1_sha256_test.json", Some(Scheme::EcdsaP256Sha256)),
    ("ecdsa_secp256r1_sha256_p1363_test.json", Some(Scheme::EcdsaP256Sha256Fixed)),
    ("ecdsa_secp384r1_sha384_test.json", Some(Scheme::EcdsaP384Sha384)),
    ("ecdsa_secp384r1_sha256_test.json", Some(Scheme::EcdsaP384Sha256)),
    ("ecdsa_secp521r1_sha512_test.json", None),
    ("rsa_pss_2048_sha256_mgf1_32_test.json", Some(Scheme::RsaPssSha256)),
    ("rsa_pss_3072_sha256_mgf1_32_test.json", Some(Scheme::RsaPssSha256)),
    ("rsa_pss_4096_sha256_mgf1_32_test.json", Some(Scheme::RsaPssSha256)),
    ("rsa_signature_2048_sha256_test.json", Some(Scheme::RsaPkcs1v15Sha256)),
    ("rsa_signature_3072_sha256_test.json", Some(Scheme::RsaPkcs1v15Sha256)),
    ("rsa_signature_4096_sha256_test.json", Some(Scheme::RsaPkcs1v15Sha256)),
];

/// Valid vectors that the library refuses by its own policy: file, `tcId`, reason.
const REFUSED_BY_POLICY: [(&str, u64, &str); 0] = [];

#[derive(Debug, Default)]
struct Counts {
    valid: usize,
    invalid: usize,
    acceptable_verified: usize,
    acceptable_refused: usize,
    /// Tests whose key was refused; part of the numbers above.
    key_refused: usize,
    refused_by_policy: usize,
    /// Keys that the vectors also give as JWK, with the same fingerprint.
    same_as_jwk: usize,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/wycheproof")
}

fn read(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn hex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().expect("a hex string");
    assert_eq!(digits.len() % 2, 0, "whole bytes: {digits}");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex digits")).collect()
}

fn items<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map(Vec::as_slice).expect(member)
}

/// The group's key, or why it was refused.
fn group_key(group: &Value, counts: &mut Counts) -> Result<PublicKey, String> {
    let pem = group["publicKeyPem"].as_str().expect("publicKeyPem");
    let key = key::parse(pem.as_bytes()).map_err(|error| error.to_string())?.remove(0);
    for jwk in ["publicKeyJwk", "keyJwk"].iter().filter_map(|member| group.get(member)) {
        let same = key::parse(jwk.to_string().as_bytes()).expect("the key as JWK").remove(0);
        assert_eq!(same.fingerprint(), key.fingerprint());
        counts.same_as_jwk += 1;
    }
    Ok(key)
}

/// The same question about a message that is known by its digests, or passes by in pieces.
fn in_pieces(key: &PublicKey, scheme: Scheme, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    use sha2::Digest as _;
    let digests = MessageDigests {
        sha256: sha2::Sha256::digest(message).into(),
        sha384: Some(sha2::Sha384::digest(message).into()),
    };
    match verify_digest(key, scheme, &digests, signature) {
        Err(SignatureError::MessageNeeded { .. }) => {
            let mut streamed = StreamedEd25519::new(key, signature)?;
            message.chunks(7).for_each(|piece| streamed.update(piece));
            streamed.finish()
        }
        outcome => outcome,
    }
}

/// Runs one vector and books it. A departure from the expected result fails the test.
fn run(file: &str, scheme: Scheme, key: &Result<PublicKey, String>, test: &Value, counts: &mut Counts) {
    let (message, signature) = (hex(&test["msg"]), hex(&test["sig"]));
    let outcome = match key {
        Ok(key) => {
            let outcome = verify(key, scheme, &message, &signature);
            assert_eq!(in_pieces(key, scheme, &message, &signature), outcome, "{file}: {test}");
            outcome.map_err(|error| error.to_string())
        }
        Err(error) => {
            counts.key_refused += 1;
            Err(error.clone())
        }
    };
    let id = test["tcId"].as_u64().expect("tcId");
    let place = format!("{file} tcId {id} ({}): {outcome:?}", test["comment"]);
    let by_policy = REFUSED_BY_POLICY.iter().any(|(name, number, _)| *name == file && *number == id);
    match (test["result"].as_str().expect("result"), outcome.is_ok()) {
        ("valid", true) => counts.valid += 1,
        ("valid", false) if by_policy => counts.refused_by_policy += 1,
        ("invalid", false) => counts.invalid += 1,
        ("acceptable", true) => counts.acceptable_verified += 1,
        ("acceptable", false) => counts.acceptable_refused += 1,
        (expected, _) => panic!("expected {expected}, {place}"),
    }
}

fn run_file(directory: &Path, file: &str, scheme: Scheme) -> Counts {
    let mut counts = Counts::default();
    for group in items(&read(&directory.join(file)), "testGroups") {
        let key = group_key(group, &mut counts);
        for test in items(group, "tests") {
            run(file, scheme, &key, test, &mut counts);
        }
    }
    counts
}

/// How many vectors of each result the corpus says that each file has.
fn expected(directory: &Path) -> BTreeMap<String, Value> {
    let cases = read(&directory.join("cases.json"));
    let file = |case: &Value| (case["file"].as_str().expect("file").to_owned(), case["results"].clone());
    items(&cases, "files").iter().map(file).collect()
}

#[test]
fn wycheproof() {
    let directory = corpus();
    if !directory.is_dir() {
        println!("skipped: {} is not there", directory.display());
        return;
    }
    let mut expected = expected(&directory);
    for (file, scheme) in FILES {
        let results = expected.remove(file).unwrap_or_else(|| panic!("{file} is not in cases.json"));
        let number = |result: &str| results[result].as_u64().unwrap_or(0) as usize;
        let Some(scheme) = scheme else {
            println!(
                "{file}: skipped, unsupported scheme, {} valid and {} invalid",
                number("valid"),
                number("invalid")
            );
            continue;
        };
        let counts = run_file(&directory, file, scheme);
        println!("{file} as {scheme}: {counts:?}");
        assert!(counts.valid > 0 && counts.invalid > 0, "{file}: nothing was tested");
        assert_eq!(counts.valid + counts.refused_by_policy, number("valid"), "{file}");
        assert_eq!(counts.invalid, number("invalid"), "{file}");
        assert_eq!(counts.acceptable_verified + counts.acceptable_refused, number("acceptable"), "{file}");
    }
    for (file, id, reason) in REFUSED_BY_POLICY {
        println!("{file} tcId {id}: valid, refused by policy: {reason}");
    }
    assert!(expected.is_empty(), "files without a scheme: {:?}", expected.keys());
}
