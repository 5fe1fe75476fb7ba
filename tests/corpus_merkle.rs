//! The shared Merkle vectors (inclusion and consistency, RFC 6962 with SHA-256) against the library's proofs.
//!
//! The vectors lie beside the project, in `../shared/corpus/merkle`; without them the test says so and passes.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis::format::digest::{Sha256Bytes, sha256};
use portcullis::format::merkle::{check_consistency, check_inclusion};
use serde_json::Value;
use std::path::Path;

/// A hash of a vector. Where it has other than 32 bytes, a digest of them stands in for it, which no tree leads to: another one
/// for a root than for a leaf or a hash of a proof.
fn hash(value: &Value, role: &str) -> Sha256Bytes {
    let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).expect("base64");
    Sha256Bytes::try_from(bytes.as_slice()).unwrap_or_else(|_| sha256(&[role.as_bytes(), &bytes].concat()))
}

/// Whether the library accepts a case.
fn holds(case: &Value) -> bool {
    let number = |name: &str| case[name].as_u64().unwrap_or_else(|| panic!("{name} of {case}"));
    let proof: Vec<Sha256Bytes> =
        case["proof"].as_array().map_or(Vec::new(), |all| all.iter().map(|one| hash(one, "node")).collect());
    if case["kind"] == "consistency" {
        let (old, new) = (hash(&case["root1"], "root"), hash(&case["root2"], "root"));
        return check_consistency(number("size1"), number("size2"), &proof, &old, &new).is_ok();
    }
    assert_eq!(case["kind"], "inclusion", "{case}");
    let (leaf, root) = (hash(&case["leafHash"], "node"), hash(&case["root"], "root"));
    check_inclusion(&leaf, number("leafIdx"), number("treeSize"), &proof, &root).is_ok()
}

#[test]
fn every_vector_comes_out_as_it_must() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/merkle/cases.json");
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let all: Value = serde_json::from_slice(&text).expect("JSON");
    let cases = all["cases"].as_array().expect("cases");
    let (mut passed, mut refused) = (0, 0);
    for case in cases {
        let expected = match case["expect"].as_str() {
            Some("pass") => true,
            Some("fail") => false,
            other => panic!("expect is {other:?}"),
        };
        assert_eq!(holds(case), expected, "{}", case["id"]);
        if expected { passed += 1 } else { refused += 1 }
    }
    assert_eq!((passed, refused), (7, 91), "the corpus has other vectors than it had");
}
