//! Damaged databases: a thousand changes of each engine, by the same way that `inspect` takes. Each is refused, or the
//! changed byte says nothing and the answer is that of the intact file.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use portcullis::bundle::model::TrivyDatabase;
use portcullis::format::database::Contents;
use portcullis::format::limits::Limits;
use portcullis::pipeline::inspect::{Reading, Request, read};
use portcullis::pipeline::progress::Progress;
use portcullis::pipeline::scan::{ScanOptions, SubjectDigest};
use portcullis::trust::check::Status;
use std::path::{Path, PathBuf};

const VULNERABILITIES: &str = "trivy-db/good-database-alone/trivy.db";
const JAVA_INDEX: &str = "trivy-java-db/good-index-alone/trivy-java.db";

/// xorshift64: the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads `bytes` as the file `name` in `folder`.
fn inspect(folder: &Path, name: &str, bytes: &[u8], advisory: Option<&str>) -> Reading {
    let input: PathBuf = folder.join(name);
    std::fs::write(&input, bytes).unwrap();
    let scan = ScanOptions { limits: Limits::default(), jobs: 1, subject: SubjectDigest::None, sha512: false };
    let request = Request { advisory: advisory.map(String::from), ..Request::new(input, scan) };
    read(&request, &Progress::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What was understood of the one database.
fn understood(reading: &Reading) -> Option<&TrivyDatabase> {
    reading.bundle.trivy.as_ref()?.databases.first()
}

/// What a database says, without what describes the file; none where it is refused.
fn meaning(reading: &Reading) -> Option<String> {
    let database = understood(reading)?;
    let examined = database.examined.as_ref().unwrap();
    let told = match examined.contents.as_ref().ok()? {
        Contents::Bbolt { summary, .. } => {
            let mut summary = summary.clone();
            summary.walked.unreferenced = 0;
            format!("{summary:?}")
        }
        Contents::Java(index) => format!("{:?} {:?} {}", index.tables, index.archive_types, index.malformed),
    };
    Some(format!("{told} {:?}", examined.finding))
}

/// Whether a check of the database or of the container failed.
fn is_refused(reading: &Reading) -> bool {
    reading.checks.iter().any(|check| check.status == Status::Fail)
}

/// How a thousand damaged files came out.
#[derive(Debug, Default)]
struct Tally {
    /// A check failed.
    refused: u32,
    /// The same answer as for the intact file.
    same: u32,
    /// Another answer: the byte was one of a name, a number or a word of severity, which no engine protects.
    other: u32,
}

/// Changes bytes, half of them in the first bytes of a page, where headers are; then cuts the file off.
fn damage(name: &str, good: &[u8], page: usize, advisory: Option<&str>) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let intact = inspect(folder.path(), name, good, advisory);
    assert!(!is_refused(&intact), "{name}");
    let expected = meaning(&intact).unwrap();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut tally = Tally::default();
    for round in 0..700 {
        let mut bytes = good.to_vec();
        let mut at = random.below(good.len());
        if round % 2 == 0 {
            at = at / page * page + at % 64;
        }
        bytes[at] = bytes[at].wrapping_add(1 + u8::try_from(random.below(255)).unwrap());
        let reading = inspect(folder.path(), name, &bytes, advisory);
        assert_eq!(reading.inventory.entries.is_empty(), understood(&reading).is_none(), "byte {at}");
        match (is_refused(&reading), meaning(&reading)) {
            (true, _) => tally.refused += 1,
            (false, found) if found.as_ref() == Some(&expected) => tally.same += 1,
            // A database that is not refused was read.
            (false, found) => tally.other += u32::from(found.is_some_and(|found| !found.is_empty())),
        }
    }
    for _ in 0..300 {
        let cut = random.below(good.len());
        let reading = inspect(folder.path(), name, &good[..cut], advisory);
        assert!(is_refused(&reading), "{name} cut to {cut} bytes");
        tally.refused += 1;
    }
    assert_eq!(tally.refused + tally.same + tally.other, 1000, "{name}: {tally:?}");
    tally
}

#[test]
fn damaged_databases_of_vulnerabilities_are_refused_or_read_soundly() {
    let tally = damage("trivy.db", &fixture(VULNERABILITIES), 1024, Some("CVE-2026-10001"));
    assert!(tally.refused > 400 && tally.same > 100, "{tally:?}");
}

#[test]
fn damaged_java_indexes_are_refused_or_read_soundly() {
    let tally = damage("trivy-java.db", &fixture(JAVA_INDEX), 512, None);
    assert!(tally.refused > 400 && tally.same > 100, "{tally:?}");
}

#[test]
fn bytes_that_belong_to_nothing_change_no_answer_and_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let good = fixture(VULNERABILITIES);
    let intact = inspect(folder.path(), "trivy.db", &good, Some("CVE-2026-10001"));
    for more in [1, 1024, 5000] {
        let mut bytes = good.clone();
        bytes.resize(good.len() + more, 0x5A);
        let reading = inspect(folder.path(), "trivy.db", &bytes, Some("CVE-2026-10001"));
        assert_eq!(meaning(&reading), meaning(&intact));
        let row = reading.checks.iter().find(|check| check.kind.id == "trivy-database").unwrap();
        assert_eq!(row.status, Status::Pass);
        assert!(row.detail.contains(&format!("{more} bytes of the file belong to no part of it")), "{}", row.detail);
    }
    let good = fixture(JAVA_INDEX);
    let mut bytes = good.clone();
    bytes.resize(good.len() + 512, 0);
    assert!(
        is_refused(&inspect(folder.path(), "trivy-java.db", &bytes, None)),
        "a page that the header does not count"
    );
}

/// `bytes` with each `old` replaced by as many bytes, so that no page changes its form.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = (0..bytes.len() - old.len()).filter(|at| bytes[*at..].starts_with(old)).collect();
    assert!(!places.is_empty(), "{}", old.escape_ascii());
    for at in places {
        bytes[at..at + old.len()].copy_from_slice(new);
    }
    bytes
}

#[test]
fn text_of_a_database_draws_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("trivy.db");
    let hostile = replaced(&fixture(VULNERABILITIES), b"follows", br"\u001b[");
    let hostile = replaced(&hostile, b"debian 12", b"debian\x1b12");
    let hostile = replaced(&hostile, b"demo-parser", "demo\u{202e}arse".as_bytes());
    std::fs::write(&input, hostile).unwrap();
    for form in ["text", "json"] {
        let args = ["inspect", input.to_str().unwrap(), "--format", form, "--advisory", "CVE-2026-10002"];
        let output = support::run(&args);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(support::hostile(&output.stdout), None, "{form}");
        let text = String::from_utf8(output.stdout).unwrap();
        let escaped = if form == "text" {
            [r"\x1b[ a name out of its folder", r"debian\x1b12", r"demo\u{202e}"]
        } else {
            [r"\u001b[ a name out of its folder", r"debian\u001b12", r"demo\u202e"]
        };
        for wanted in escaped {
            assert!(text.contains(wanted), "{form}: {wanted} in {text}");
        }
        assert!(form == "json" || text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}
