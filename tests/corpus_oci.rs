//! OCI layouts and archives of other projects: what is whole is intact, what is sparse is incomplete, what is wrong is
//! refused, and what is something else is said to be.
//!
//! They lie beside the project, in `../shared/corpus/oci`; without them the test says so and passes.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use portcullis::format::limits::Limits;
use portcullis::format::time;
use portcullis::pipeline::inspect::{self, Reading, Request};
use portcullis::pipeline::progress::Progress;
use portcullis::pipeline::scan::{ScanOptions, SubjectDigest};
use portcullis::pipeline::verify::{self, Verification};
use portcullis::trust::check::{Class, Status};
use portcullis::trust::policy::{Policy, Property};
use portcullis::trust::verdict::Verdict;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/oci")
}

fn cases() -> Vec<Value> {
    let file = corpus().join("cases.json");
    let Ok(text) = std::fs::read(&file) else {
        eprintln!("SKIPPED: {} is not there", file.display());
        return Vec::new();
    };
    let cases: Value = serde_json::from_slice(&text).expect("cases.json");
    let cases = cases["cases"].as_array().expect("a list of cases").clone();
    assert_eq!(cases.len(), 12);
    cases
}

fn input(case: &Value) -> PathBuf {
    let place = ["layout", "archive"].into_iter().find_map(|member| case[member].as_str());
    corpus().join(place.unwrap_or_else(|| panic!("no input in {case}")))
}

fn request(case: &Value) -> Request {
    let scan = ScanOptions { limits: Limits::default(), jobs: 2, subject: SubjectDigest::None, sha512: false };
    Request::new(input(case), scan)
}

fn read(case: &Value) -> Reading {
    inspect::read(&request(case), &Progress::default()).unwrap_or_else(|error| panic!("{case}: {error}"))
}

/// What `verify --require integrity,complete` comes to, with these globs for `--allow-extra`.
fn judge(case: &Value, allow_extra: &[&str]) -> Verification {
    let at = time::parse_rfc3339("2026-11-20T00:00:00Z").expect("a time");
    let allow_extra = allow_extra.iter().map(|glob| (*glob).to_string()).collect();
    let require = Some(vec![Property::Integrity, Property::Complete]);
    let policy = Policy { allow_extra, require, ..Policy::new(at) };
    verify::verify(&request(case), &policy, &Progress::default()).unwrap_or_else(|error| panic!("{case}: {error}"))
}

fn failing(outcome: &Verification) -> Vec<&'static str> {
    let mut ids: Vec<&str> = outcome.checks.iter().filter(|check| check.failed()).map(|check| check.kind.id).collect();
    ids.dedup();
    ids
}

#[test]
fn layouts_come_out_as_the_corpus_says() {
    for case in cases() {
        let Some(expect) = case["expect"].as_str() else { continue };
        let outcome = judge(&case, &[]);
        assert_eq!(outcome.reading.recognition.kind.id(), "oci:layout", "{case}");
        let oci = outcome.reading.bundle.oci.as_ref().unwrap_or_else(|| panic!("no images in {case}"));
        match expect {
            "valid" => {
                let unreferenced = case["unreferenced_blobs"].as_u64();
                assert_eq!(Some(oci.unreferenced.len() as u64), unreferenced, "{case}: {:?}", oci.unreferenced);
                assert!(oci.absent.is_empty(), "{case}");
                let expected: &[&str] = if oci.unreferenced.is_empty() { &[] } else { &["entry-unlisted"] };
                assert_eq!(failing(&outcome), expected, "{case}");
                assert_eq!(judge(&case, &["blobs/**"]).verdict, Verdict::Intact, "{case}");
            }
            "incomplete" => {
                assert_eq!(outcome.verdict, Verdict::NotVerified, "{case}: {:?}", failing(&outcome));
                let missing: Vec<&str> =
                    case["issues"].as_array().expect("issues").iter().filter_map(Value::as_str).collect();
                let named = |issue: &str| oci.absent.iter().any(|absent| issue.contains(&absent.digest[7..19]));
                assert!(missing.iter().all(|issue| named(issue)), "{case}: {:?}", oci.absent);
                assert_eq!(oci.absent.len(), missing.len(), "{case}");
                let told = outcome.checks.iter().filter(|c| c.kind.id == "oci-absent" && c.status == Status::Skip);
                assert_eq!(told.count(), missing.len(), "{case}");
            }
            "invalid" => assert_eq!(outcome.verdict, Verdict::Failed(Class::Integrity), "{case}"),
            other => panic!("{other} in {case}"),
        }
    }
}

#[test]
fn what_is_no_layout_is_something_else() {
    for case in cases().into_iter().filter(|case| case["expect"].is_null()) {
        let reading = read(&case);
        assert_eq!(reading.recognition.kind.id(), "plain", "{case}");
        let near = reading.recognition.near_misses.iter().any(|near| near.contains("docker save"));
        assert_eq!(near, case["kind"] == "docker-archive", "{case}: {:?}", reading.recognition.near_misses);
        assert_eq!(Some(reading.inventory.entries.len() as u64), case["entries"].as_u64(), "{case}");
        assert_eq!(judge(&case, &[]).verdict, Verdict::NotVerified, "{case}");
    }
}
