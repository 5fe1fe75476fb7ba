//! Threads, containers and the way a pipe cuts its bytes never change a byte of a report.

use portcullis::format::digest::{hex, sha256};
use portcullis::format::limits::Limits;
use portcullis::format::time;
use portcullis::pipeline::cage::Held;
use portcullis::pipeline::inspect::{self, Request};
use portcullis::pipeline::progress::Progress;
use portcullis::pipeline::scan::{ScanOptions, SubjectDigest};
use portcullis::report::{Outcome, Report, Subject, json};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[path = "support/archive.rs"]
mod archive;

use archive::{Header, MODE, MTIME, Tar};

const AT: &str = "2026-11-20T00:00:00Z";
const JOBS: [usize; 5] = [1, 2, 3, 8, 64];
/// Runs of the library for each form and number of threads.
const ROUNDS: usize = 30;
/// Sizes at which buffers are exactly full, one byte short and one byte over, and some of many buffers.
const EDGES: [usize; 20] = [
    0, 1, 511, 512, 513, 16_383, 16_384, 65_535, 65_536, 65_537, 131_072, 262_143, 262_144, 262_145, 524_288, 524_289,
    1_048_575, 1_048_576, 1_048_577, 2_200_000,
];

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(count).collect()
    }
}

/// About 300 files by name, and a checksum list over all of them, so that there are documents and claims.
fn files() -> BTreeMap<String, Vec<u8>> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut files = BTreeMap::new();
    for size in EDGES {
        files.insert(format!("edges/{size:07}.bin"), random.bytes(size));
    }
    for number in 0..280 {
        let size = match number % 7 {
            0 => 0,
            1 => random.next() as usize % 70_000,
            _ => random.next() as usize % 3000,
        };
        files.insert(format!("many/{}/{}/file-{number}", number % 5, random.next() % 3), random.bytes(size));
    }
    let mut list = String::new();
    for (name, content) in &files {
        list.push_str(&format!("{}  {name}\n", hex(&sha256(content))));
    }
    files.insert("SHA256SUMS".into(), list.into_bytes());
    files
}

/// The same files as a directory, a tar and two compressed tars. The tar has them in an order of its own.
fn forms(folder: &Path) -> Vec<PathBuf> {
    let files = files();
    let directory = folder.join("bundle");
    let mut order: Vec<(&String, &Vec<u8>)> = files.iter().collect();
    order.sort_by_key(|(name, _)| sha256(name.as_bytes()));
    let mut tar = Tar::new();
    for (name, content) in order {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("room for a file");
        let header = Header::ustar(name.as_bytes(), b'0', content.len() as u64).put(MODE, b"0000644\0");
        tar = tar.header(header.put(MTIME, b"00000000000\0")).data(content);
    }
    let tar = tar.end();
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&tar).expect("memory");
        encoder.finish().expect("memory")
    };
    let zstd = zstd::encode_all(&tar[..], 1).expect("memory");
    let mut forms = vec![directory];
    for (name, data) in [("bundle.tar", &tar), ("bundle.tar.gz", &gzip), ("bundle.tar.zst", &zstd)] {
        let path = folder.join(name);
        fs::write(&path, data).expect("room for an archive");
        forms.push(path);
    }
    forms
}

/// The JSON report of `inspect` by the library.
fn report(input: &Path, jobs: usize, sha512: bool) -> Vec<u8> {
    let scan = ScanOptions { limits: Limits::default(), jobs, subject: SubjectDigest::Sha256, sha512 };
    let request = Request::new(input, scan);
    let reading = inspect::read(&request, &Progress::default()).expect("a readable bundle");
    let report = Report {
        command: "inspect",
        at: time::parse_rfc3339(AT).expect("a time"),
        subject: Subject { name: b"bundle".to_vec() },
        outcome: Outcome::Inspected(&reading),
        unpacked: None,
        exit_code: 0,
        limits: Limits::default(),
        cage: Held::default(),
    };
    let mut out = Vec::new();
    json::write(&report, &mut out).expect("memory");
    // SHA-512 is not part of the report.
    for digest in &reading.inventory.sha512 {
        out.extend_from_slice(digest);
    }
    out
}

/// The program's report, its input as a file or cut into `pieces` on standard input.
fn run(args: &[&str], input: &Path, pieces: Option<&[usize]>) -> (Option<i32>, Vec<u8>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(args).args(["--json", "--at", AT, "--no-sidecars"]).stdout(Stdio::piped());
    let Some(pieces) = pieces else {
        let output = command.arg(input).output().expect("a run");
        return (output.status.code(), output.stdout);
    };
    let data = fs::read(input).expect("an archive");
    let mut child = command.arg("-").stdin(Stdio::piped()).spawn().expect("a run");
    let mut stdin = child.stdin.take().expect("a pipe");
    let pieces = pieces.to_vec();
    let writer = std::thread::spawn(move || {
        let mut rest = &data[..];
        for size in pieces.iter().cycle() {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            // The program may have read enough.
            if rest.is_empty() || stdin.write_all(piece).is_err() {
                return;
            }
            rest = after;
        }
    });
    let output = child.wait_with_output().expect("an end");
    writer.join().expect("the writer ends");
    (output.status.code(), output.stdout)
}

fn content_digest(report: &[u8]) -> String {
    let report: Value = serde_json::from_slice(report).expect("a report");
    report["content_digest"].as_str().expect("a content digest").to_string()
}

#[test]
fn threads_never_change_a_report() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    for form in forms(folder.path()) {
        for sha512 in [false, true] {
            let first = report(&form, 1, sha512);
            for round in 0..ROUNDS {
                let jobs = JOBS[round % JOBS.len()];
                let again = report(&form, jobs, sha512);
                assert!(again == first, "{}: round {round} with {jobs} threads differs", form.display());
            }
        }
    }
}

#[test]
fn every_form_has_the_same_content() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let forms = forms(folder.path());
    let mut digests = Vec::new();
    for form in &forms {
        for verb in [&["inspect", "--subject-digest"][..], &["verify", "--require", "integrity"]] {
            let mut first = None;
            for jobs in JOBS {
                let (code, report) = run(&[verb, &["--jobs", &jobs.to_string()]].concat(), form, None);
                assert_eq!(code, Some(0), "{}: {}", form.display(), String::from_utf8_lossy(&report));
                digests.push(content_digest(&report));
                assert!(*first.get_or_insert(report.clone()) == report, "{}: {jobs} threads differ", form.display());
            }
        }
    }
    for form in &forms[1..] {
        let mut reports = Vec::new();
        for (jobs, pieces) in [("1", &[1 << 20][..]), ("2", &[4096]), ("8", &[1, 7, 511, 65_537, 300_000])] {
            let (code, report) = run(&["inspect", "--subject-digest", "--jobs", jobs], form, Some(pieces));
            assert_eq!(code, Some(0), "{} on standard input", form.display());
            digests.push(content_digest(&report));
            reports.push(report);
        }
        assert!(reports.iter().all(|report| *report == reports[0]), "{} on standard input", form.display());
        let outer: Value = serde_json::from_slice(&reports[0]).expect("a report");
        assert_eq!(outer["subject"]["sha256"], hex(&sha256(&fs::read(form).expect("an archive"))));
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

/// Where a limit is hit, and what is listed until then, must not depend on how a pipe delivers.
#[test]
fn refused_streams_are_refused_alike() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut tar = Tar::new();
    for number in 0..200 {
        tar = tar.file(&format!("noise-{number}"), &Random(number + 1).bytes(2000));
    }
    let tar = tar.file("zeros", &vec![0; 8 << 20]).file("last", b"x").end();
    let bomb = zstd::encode_all(&tar[..], 1).expect("memory");
    let mut trailing = tar.clone();
    trailing.extend_from_slice(&[b'x'; 100_000]);
    let inputs = [
        ("bomb.tar.zst", &["--max-ratio", "3"][..], bomb.clone()),
        ("bytes.tar.zst", &["--max-bytes", "1000000"], bomb.clone()),
        ("cut.tar.zst", &[], bomb[..bomb.len() / 2].to_vec()),
        ("cut.tar", &[], tar[..300_000].to_vec()),
        ("trailing.tar", &["--subject-digest"], trailing),
    ];
    for (name, options, data) in inputs {
        let path = folder.path().join(name);
        fs::write(&path, data).expect("room for an archive");
        let args = [&["inspect"][..], options].concat();
        let mut reports = Vec::new();
        for (jobs, pieces) in [("1", &[1 << 20][..]), ("4", &[1000]), ("4", &[50_000, 3]), ("64", &[131_072])] {
            let (code, report) = run(&[&args[..], &["--jobs", jobs]].concat(), &path, Some(pieces));
            assert_eq!(code, Some(24), "{name}");
            reports.push(report);
        }
        assert!(reports.iter().all(|report| *report == reports[0]), "{name}: the report depends on the pipe");
        let report: Value = serde_json::from_slice(&reports[0]).expect("a report");
        assert!(report["subject"]["sha256"].is_null(), "{name}: a digest of what was not read to its end");
        // From the file: the same entries with the same digests.
        let (code, from_file) = run(&args, &path, None);
        let from_file: Value = serde_json::from_slice(&from_file).expect("a report");
        assert_eq!((code, &from_file["entries"]), (Some(24), &report["entries"]), "{name}");
    }
}

/// Several documents are together over the limit: the one that is named must not depend on threads.
#[test]
fn documents_over_the_limit_are_refused_alike() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let directory = folder.path().join("bundle");
    fs::create_dir(&directory).expect("a folder");
    for name in ["SHA256SUMS", "checksums.txt", "manifest.json", "manifest.dsse.json", "index.json"] {
        let file = fs::File::create(directory.join(name)).expect("a file");
        // Sparse: no medium is filled, and no document of it is read.
        file.set_len(100 << 20).expect("a sparse file");
    }
    fs::write(directory.join("small"), b"x").expect("a file");
    let first = run(&["inspect", "--jobs", "1"], &directory, None);
    assert_eq!(first.0, Some(24));
    for jobs in ["2", "8", "64"] {
        assert!(run(&["inspect", "--jobs", jobs], &directory, None) == first, "{jobs} threads differ");
    }
}
