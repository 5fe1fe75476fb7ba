//! gzip and zstd streams of other projects: decoded to the last byte, or refused.
//!
//! The streams lie beside the project, in `../shared/corpus/compress`; without them the test says so and passes.

use portcullis::format::anomaly::ReadError;
use portcullis::format::compress::{Codec, GzipReader, StreamFacts, ZstdReader};
use portcullis::format::digest::{hex, sha256};
use portcullis::format::limits::Limits;
use serde_json::Value;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Streams where tools differ, and what portcullis does: `None` refuses.
const OURS: [(&str, Option<&str>); 1] = [("gzip--libarchive-test_compat_gzip_2.tgz", None)];

fn decode(data: &[u8], capacity: usize) -> io::Result<Vec<u8>> {
    let facts = Arc::new(StreamFacts::default());
    let input = BufReader::with_capacity(capacity, data);
    let mut out = Vec::new();
    match Codec::detect(data) {
        Some(Codec::Gzip) => GzipReader::new(input, facts).read_to_end(&mut out)?,
        Some(Codec::Zstd) => ZstdReader::new(input, Limits::MAX_WINDOW, facts)?.read_to_end(&mut out)?,
        None => return Err(io::Error::other("not recognised")),
    };
    Ok(out)
}

#[test]
fn streams_of_other_projects() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/compress");
    let Ok(text) = std::fs::read(corpus.join("cases.json")) else {
        eprintln!("SKIPPED: {} is not there", corpus.display());
        return;
    };
    let cases: Value = serde_json::from_slice(&text).expect("cases.json");
    let cases = cases["cases"].as_array().expect("a list of cases");
    assert_eq!(cases.len(), 14);
    for case in cases {
        let id = case["id"].as_str().expect("an id");
        let path = corpus.join(case["file"].as_str().expect("a file"));
        let data = std::fs::read(&path).expect("a stream of the corpus");
        let expected = match case["expect"].as_str() {
            Some("ok") => Some(case["decoded_sha256"].as_str().expect("a digest")),
            Some("error") => None,
            Some("any") => OURS.iter().find(|(ours, _)| *ours == id).unwrap_or_else(|| panic!("{id}: undecided")).1,
            other => panic!("{id}: expect is {other:?}"),
        };
        for capacity in [1, 13, 64 << 10] {
            match (decode(&data, capacity), expected) {
                (Ok(out), Some(digest)) => {
                    assert_eq!(Some(out.len() as u64), case["decoded_bytes"].as_u64(), "{id}");
                    assert_eq!(hex(&sha256(&out)), digest, "{id}");
                }
                (Err(error), None) => assert!(matches!(ReadError::from(error), ReadError::Bad(_)), "{id}"),
                (outcome, _) => panic!("{id}: {:?}, expected {expected:?}", outcome.map(|out| out.len())),
            }
        }
        // The same through the program: a stream that is refused is a malformed container, and one that is good may still
        // hold no archive, which `inspect` tells and does not refuse.
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .arg("inspect")
            .arg(&path)
            .arg("--json")
            .output()
            .expect("a run");
        match (expected, output.status.code()) {
            (None, code) => assert_eq!(code, Some(24), "{id}"),
            (Some(_), code) => assert!(matches!(code, Some(0 | 24)), "{id}: {code:?}"),
        }
    }
}
