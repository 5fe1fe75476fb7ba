//! Hostile input, whatever it is: an answer within 10 seconds and 256 MiB, the same from `inspect` and `verify`, and nothing
//! changed around it. What lies under `fixtures/` is tried there and here; what is too large for a file or cannot be one (bombs,
//! folders with links and pipes in them) is made here.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{Case, all, assert_none, cases, program, root, run};
use tempfile::TempDir;

#[path = "support/archive.rs"]
mod archive;

use archive::{Header, Tar};

const TIME: Duration = Duration::from_secs(10);
const MEMORY: u64 = 256 << 20;

// ---- running within bounds -----------------------------------------------------------------------------------------

struct Ended {
    code: Option<i32>,
    report: serde_json::Value,
    took: Duration,
    peak: u64,
}

/// Runs the program; kills it when its time is over. The peak is what the kernel says of its resident memory.
fn bounded(args: &[&str]) -> Ended {
    let begun = Instant::now();
    let mut child = program().args(args).arg("--json").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let code = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let now = line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) << 10;
        peak = peak.max(now);
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if begun.elapsed() > TIME * 3 {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let report = serde_json::from_slice(&reader.join().unwrap()).unwrap_or_default();
    Ended { code, report, took: begun.elapsed(), peak }
}

fn failing(report: &serde_json::Value) -> Vec<String> {
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    let failed = checks.iter().filter(|check| check["status"] == "fail");
    failed.filter_map(|check| check["id"].as_str().map(String::from)).collect()
}

/// All verbs that read entries give `code`, name `id` among what fails, and stay within the bounds; nothing is unpacked.
fn refused(what: &str, input: &Path, more: &[&str], code: i32, id: &str) {
    let input = input.display().to_string();
    let target = format!("{input}-unpacked");
    let unpack = ["--to", &target, "--links", "inside"];
    for (verb, own) in [("inspect", &[][..]), ("verify", &[]), ("unpack", &unpack)] {
        let ended = bounded(&[&[verb, &input, "--at", "2026-11-20T00:00:00Z"], own, more].concat());
        assert!(!Path::new(&target).exists(), "{what}, {verb}: something was unpacked");
        assert_eq!(ended.code, Some(code), "{what}, {verb}: {}", ended.report);
        let found = failing(&ended.report);
        assert!(found.iter().any(|found| found == id), "{what}, {verb}: {found:?}");
        assert!(ended.took < TIME, "{what}, {verb}: {:?}", ended.took);
        assert!(ended.peak < MEMORY, "{what}, {verb}: {} MiB", ended.peak >> 20);
    }
}

// ---- what must not change ------------------------------------------------------------------------------------------

/// Every file below `folder` with its mode, owner, size, times, and where a link leads.
fn state(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        let (times, owner) =
            ((meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()), (meta.uid(), meta.gid()));
        let link = fs::read_link(entry.path()).ok();
        found.insert(entry.path().into(), format!("{:o} {owner:?} {} {times:?} {link:?}", meta.mode(), meta.len()));
    }
    found
}

/// A folder with files around the place where inputs are laid.
struct Ground {
    folder: TempDir,
    before: BTreeMap<PathBuf, String>,
}

impl Ground {
    fn new() -> Ground {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let sentinel = folder.path().join("sentinel");
        fs::create_dir_all(sentinel.join("folder")).unwrap();
        fs::write(sentinel.join("file"), "as it was").unwrap();
        symlink("file", sentinel.join("link")).unwrap();
        Ground { before: state(&sentinel), folder }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(state(&self.folder.path().join("sentinel")), self.before, "files around the input were changed");
        }
    }
}

// ---- bombs (F1) ----------------------------------------------------------------------------------------------------

/// A zstd frame of `head` and as many blocks of 128 KiB of zeros, of four bytes each.
fn zstd_of_zeros(head: &[u8], blocks: usize) -> Vec<u8> {
    let header = |last: bool, kind: u32, size: usize| (u32::from(last) | kind << 1 | (size as u32) << 3).to_le_bytes();
    let mut out = vec![0x28, 0xB5, 0x2F, 0xFD, 0, 7 << 3];
    out.extend_from_slice(&header(false, 0, head.len())[..3]);
    out.extend_from_slice(head);
    for number in 1..=blocks {
        out.extend_from_slice(&header(number == blocks, 1, 128 << 10)[..3]);
        out.push(0);
    }
    out
}

fn bomb_head() -> Vec<u8> {
    Tar::new().header(Header::ustar(b"zeros", b'0', 0).binary_size(100 << 30)).0
}

#[test]
fn f1_zstd_bomb_of_100_gib() {
    let ground = Ground::new();
    let bomb = zstd_of_zeros(&bomb_head(), (100 << 30) / (128 << 10));
    assert!(bomb.len() < 4 << 20);
    refused("a zstd bomb", &ground.put("bomb.tar.zst", &bomb), &[], 24, "limit-ratio");
}

#[test]
fn f1_gzip_bomb() {
    let ground = Ground::new();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&bomb_head()).unwrap();
    for _ in 0..600 {
        encoder.write_all(&[0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    refused("a gzip bomb", &ground.put("bomb.tar.gz", &bomb), &[], 24, "limit-ratio");
}

#[test]
fn f1_bomb_in_a_bomb() {
    let ground = Ground::new();
    let inner = zstd_of_zeros(&bomb_head(), (20 << 30) / (128 << 10));
    let outer = zstd::encode_all(inner.as_slice(), 3).unwrap();
    assert!(outer.len() < 64 << 10, "{}", outer.len());
    refused("a bomb in a bomb", &ground.put("bomb.tar.zst.zst", &outer), &[], 24, "limit-ratio");
}

#[test]
fn f1_more_bytes_than_allowed_without_compression() {
    let ground = Ground::new();
    let tar = Tar::new().file("large", &vec![0; 2 << 20]).end();
    refused("bytes", &ground.put("large.tar", &tar), &["--max-bytes", "1048576"], 24, "limit-bytes");
}

#[test]
fn f1_a_million_empty_files_in_a_small_archive() {
    let ground = Ground::new();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    for number in 0..1_000_000 {
        encoder.write_all(&Header::ustar(format!("d/{number:07}").as_bytes(), b'0', 0).block()).unwrap();
    }
    encoder.write_all(&[0; 1024]).unwrap();
    let path = ground.put("many.tar.zst", &encoder.finish().unwrap());
    refused("entries", &path, &["--max-entries", "100000", "--max-ratio", "1000000"], 24, "limit-entries");
}

#[test]
fn f1_sparse_file_of_8_eib() {
    let ground = Ground::new();
    let header = Header::gnu(b"sparse", b'S', 0).put(483, b"77777777777\0");
    refused("sparse", &ground.put("sparse.tar", &Tar::new().header(header).end()), &[], 24, "entry-type");
    let pax = Tar::new().pax(b'x', &[("GNU.sparse.major", b"1"), ("GNU.sparse.realsize", b"9223372036854775807")]);
    refused("sparse", &ground.put("sparse-pax.tar", &pax.file("s", b"").end()), &[], 24, "entry-type");
}

#[test]
fn f1_extension_header_of_1_gib() {
    let ground = Ground::new();
    for flag in [b'x', b'g', b'L', b'K'] {
        let head = Tar::new().header(Header::ustar(b"x", flag, 1 << 30)).0;
        let path = ground.put("header.tar.zst", &zstd_of_zeros(&head, 9000));
        refused("a header", &path, &["--max-ratio", "1000000"], 24, "tar-extension");
    }
}

#[test]
fn f1_windows_and_dictionaries_of_gigabytes() {
    let ground = Ground::new();
    for window in [18 << 3, 21 << 3, 31 << 3] {
        let frame = [&[0x28, 0xB5, 0x2F, 0xFD, 0, window][..], &[1, 0, 0]].concat();
        refused("a window", &ground.put("window.tar.zst", &frame), &[], 24, "limit-window");
    }
    // xz is no container here, whatever its dictionary.
    let xz = [&b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46"[..], &[0; 64]].concat();
    refused("xz", &ground.put("dictionary.tar.xz", &xz), &[], 24, "container-format");
}

// ---- links and folders (A, G8) -------------------------------------------------------------------------------------

/// Links and files of a folder are judged as those of an archive, and nothing behind a link is read.
#[test]
fn g8_a_folder_with_links_pipes_and_hidden_files() {
    let ground = Ground::new();
    let at = |name: &str| ground.folder.path().join(name);
    let fresh = |name: &str| {
        fs::create_dir(at(name)).unwrap();
        fs::write(at(name).join("file"), "x").unwrap();
        at(name)
    };
    let linked = fresh("linked");
    symlink("../sentinel", linked.join("portal")).unwrap();
    refused("a linked folder", &linked, &[], 24, "entry-link");
    let absolute = fresh("absolute");
    symlink("/etc/passwd", absolute.join("secret")).unwrap();
    refused("a link to an absolute place", &absolute, &[], 24, "entry-link");
    let piped = fresh("piped");
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, piped.join("pipe"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    refused("a pipe in a folder", &piped, &[], 24, "entry-type");
    let hidden = fresh("hidden");
    fs::create_dir(hidden.join(".git")).unwrap();
    fs::write(hidden.join(".git/config"), "x").unwrap();
    let report = bounded(&["inspect", &hidden.display().to_string()]).report;
    let names: Vec<_> =
        report["entries"].as_array().unwrap().iter().filter_map(|entry| entry["path"].as_str()).collect();
    assert!(names.contains(&".git/config"), "{names:?}");
}

/// What cannot be read is no answer, whatever else is there.
#[test]
fn g8_an_unreadable_file_is_an_error_and_no_verdict() {
    let ground = Ground::new();
    let folder = ground.folder.path().join("input");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file"), "x").unwrap();
    fs::set_permissions(folder.join("file"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(folder.join("file")).is_ok() {
        let _ = writeln!(std::io::stderr(), "skipped: this user may read everything");
        return;
    }
    for verb in ["inspect", "verify"] {
        assert_eq!(run(&[verb, &folder.display().to_string()]).status.code(), Some(4), "{verb}");
    }
}

/// A link as the input itself is followed, for the operator named it; what it leads to decides.
#[test]
fn g1_inputs_that_are_links_and_open_files() {
    let ground = Ground::new();
    let tar = ground.put("bundle.tar", &Tar::new().file("f", b"x").end());
    let link = ground.folder.path().join("link.tar");
    symlink(&tar, &link).unwrap();
    let by = |path: &str| failing(&bounded(&["verify", path]).report);
    assert_eq!(by(&link.display().to_string()), by(&tar.display().to_string()));
    let output =
        program().args(["inspect", "/proc/self/fd/0", "--json"]).stdin(fs::File::open(&tar).unwrap()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A file that is cut short or grows while it is read is never called good (F3).
#[test]
fn f3_a_file_that_changes_while_it_is_read() {
    let ground = Ground::new();
    let path = ground.put("bundle.tar", &Tar::new().file("large", &vec![7; 64 << 20]).end());
    let writer = |path: PathBuf| {
        move |stop: std::sync::mpsc::Receiver<()>| {
            let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
            while stop.try_recv().is_err() {
                file.write_all(&[0; 512]).unwrap();
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    };
    let (stop, stopped) = std::sync::mpsc::channel();
    let write = writer(path.clone());
    let thread = std::thread::spawn(move || write(stopped));
    let ended = bounded(&["verify", &path.display().to_string(), "--require", "integrity,complete"]);
    stop.send(()).unwrap();
    thread.join().unwrap();
    assert!(matches!(ended.code, Some(4 | 24)), "{:?}: {}", ended.code, ended.report["checks"]);
}

// ---- all fixtures --------------------------------------------------------------------------------------------------

/// The command line of a case as `inspect` takes it.
fn inspection(case: &Case) -> Option<Vec<String>> {
    let args = case.args();
    if args.first().map(String::as_str) != Some("verify")
        || !["failed", "not-verified"].contains(&case.verdict.as_str())
    {
        return None;
    }
    let mut found = vec!["inspect".to_string(), args.get(1)?.clone(), "--json".to_string()];
    let known = [
        "--kind",
        "--sidecar",
        "--identity",
        "--at",
        "--max-bytes",
        "--max-entries",
        "--max-ratio",
        "--max-depth",
        "--max-window",
    ];
    for pair in args.windows(2) {
        if known.contains(&pair[0].as_str()) {
            found.extend_from_slice(pair);
        }
    }
    found.extend(args.iter().filter(|arg| *arg == "--no-sidecars").cloned());
    Some(found)
}

/// Checks of the class `container` that the policy of `verify` decides about.
const ASKED_FOR: &str = "portable-names";

/// `inspect` says 24 exactly where `verify` finds the container bad, and never anything that sounds good.
#[test]
fn inspect_and_verify_agree_about_containers() {
    let fixtures = root().join("fixtures");
    let before = state(&fixtures);
    let hostile: Vec<(Case, Vec<String>)> =
        cases().into_iter().filter_map(|case| inspection(&case).map(|args| (case, args))).collect();
    assert!(hostile.len() > 500, "{}", hostile.len());
    assert_none(&all(&hostile, |(case, args)| {
        let begun = Instant::now();
        let output = run(args);
        let asked = case.failing.iter().any(|id| id == ASKED_FOR);
        let expected = if case.exit == 24 && !asked { 24 } else { 0 };
        let mut wrong = Vec::new();
        if output.status.code() != Some(expected) {
            wrong.push(format!("{}: inspect ends with {:?}, expected {expected}", case.name(), output.status.code()));
        }
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if !["failed", "not-verified"].contains(&report["verdict"].as_str().unwrap_or_default()) {
            wrong.push(format!("{}: inspect says {}", case.name(), report["verdict"]));
        }
        if begun.elapsed() > TIME {
            wrong.push(format!("{}: {:?}", case.name(), begun.elapsed()));
        }
        wrong
    }));
    assert_eq!(state(&fixtures), before, "a run changed what it read");
}

// ---- the attacks that travel in the program ------------------------------------------------------------------------

#[test]
fn the_selftest_holds_on_this_machine() {
    let ground = Ground::new();
    let temporary = ground.folder.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let selftest = |more: &[&str]| {
        let mut command = program();
        command.arg("selftest").args(more).env("TMPDIR", &temporary).current_dir(ground.folder.path());
        command.output().unwrap()
    };
    let output = selftest(&["--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["held"]), (Some(0), &serde_json::json!(true)), "{report:#}");
    let attacks = report["attacks"].as_array().unwrap();
    assert!(attacks.len() > 60);
    // Whatever has entries is put to every verb that reads entries.
    for attack in attacks {
        let verbs: Vec<_> = attack["answers"].as_array().unwrap().iter().map(|a| a["verb"].as_str().unwrap()).collect();
        let all = ["inspect", "verify", "unpack", "diff"];
        assert!(verbs == all || ["dsse verify", "tuf verify"].contains(&verbs[0]), "{}: {verbs:?}", attack["name"]);
    }
    let text = String::from_utf8(selftest(&[]).stdout).unwrap();
    assert!(text.starts_with("HELD  "), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100 && !line.starts_with('x')), "{text}");
    assert!(selftest(&["-q"]).stdout.is_empty());
    // Nothing of it stays behind.
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}
