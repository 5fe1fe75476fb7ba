//! Broken media and full disks: the exit code says so, it is never 0, and nothing half-written is left behind.
//!
//! Reads are made to fail by a small library that is compiled here and preloaded; without a C compiler, or where a test needs a
//! right that is not there (mounting, another user), it says so and passes.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod support;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use support::{json, program, root};

/// Good bundles in each form of container, below `fixtures/`, and the file whose reads fail.
const INPUTS: [(&str, &str, &str); 4] = [
    ("devportal/good-tar", "devportal-offline-bundle.tar", ""),
    ("devportal/good-directory-entries", "devportal-offline-bundle.tgz", ""),
    ("devportal/good-zstd-frames", "devportal-offline-bundle.tar.zst", ""),
    ("devportal/good-directory-envelope-inside", "tree", "manifest.json"),
];
/// More reads than any of the inputs takes.
const MOST_READS: usize = 60;

fn args(verb: &str, input: &Path) -> Vec<String> {
    let mut args = vec![verb.to_string(), input.to_string_lossy().into_owned(), "--at=2026-11-20T00:00:00Z".into()];
    if verb == "verify" {
        let key = root().join("keys-example/ed25519.pub.pem").to_string_lossy().into_owned();
        args.extend(["--allow-example-keys".into(), "--jobs=2".into(), "--key".into(), key]);
    }
    args
}

/// A copy of a case, because faults change it; the input in it.
fn copy(case: &str, input: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    copy_tree(&root().join("fixtures").join(case), folder.path());
    let input = folder.path().join(input);
    (folder, input)
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.unwrap();
        let place = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir(&place).unwrap();
        } else {
            fs::copy(entry.path(), &place).unwrap();
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let list = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = list.collect();
    names.sort();
    names
}

// ---- reads that fail -----------------------------------------------------------------------------------------------

/// The library, or `None` where it cannot be made.
fn shim() -> Option<&'static Path> {
    static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libfaults.so");
        let source = root().join("tests/faults/shim.c");
        let compiler =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&out).arg(source).arg("-ldl").output();
        match compiler {
            Ok(output) if output.status.success() => Some(out),
            Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => {
                eprintln!("SKIPPED: no C compiler for the library that makes reads fail: {error}");
                None
            }
        }
    };
    SHIM.get_or_init(make).as_deref()
}

/// Runs `verb` on `input` with a fault at the read number `at` of `file`; whether it happened.
fn with_fault(verb: &str, input: &Path, file: &Path, what: &str, at: usize) -> Option<(Output, bool)> {
    let mark = tempfile::tempdir().unwrap();
    let mark = mark.path().join("happened");
    let mut command = program();
    command.args(args(verb, input)).arg("--json").env("LD_PRELOAD", shim()?).env("FAULT_FILE", file);
    command.env("FAULT_DO", what).env("FAULT_AT", at.to_string()).env("FAULT_MARK", &mark);
    let output = command.output().unwrap();
    Some((output, mark.exists()))
}

/// Each read of each form of input fails once.
fn each_read(what: &str, judge: impl Fn(&str, &Output) -> Option<String>) {
    let mut complaints = Vec::new();
    for (case, input, file) in INPUTS {
        for verb in ["verify", "inspect"] {
            let mut faults = 0;
            for at in 1..=MOST_READS {
                let (_folder, input) = copy(case, input);
                let file = if file.is_empty() { input.clone() } else { input.join(file) };
                let Some((output, happened)) = with_fault(verb, &input, &file, what, at) else { return };
                if !happened {
                    break;
                }
                faults += 1;
                let complaint = judge(verb, &output);
                complaints.extend(complaint.map(|why| format!("{verb} {case}, {what} at read {at}: {why}")));
            }
            assert!(faults > 0 && faults < MOST_READS, "{case}: {what} happened {faults} times");
        }
    }
    support::assert_none(&complaints);
}

fn unless(fits: bool, output: &Output) -> Option<String> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (!fits).then(|| format!("exit {:?}: {said}{}", output.status.code(), String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn a_medium_that_fails_is_exit_4_wherever_it_happens() {
    each_read("eio", |_, output| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        unless(output.status.code() == Some(4) && said.to_lowercase().contains("input/output error"), output)
    });
}

#[test]
fn an_input_that_changes_while_it_is_read_is_never_good() {
    for what in ["shrink", "grow", "rewrite"] {
        each_read(what, |_, output| unless(output.status.code() == Some(4), output));
    }
}

/// The handle is what counts: a file whose name is gone is read to its end, and so is a directory's that was opened.
#[test]
fn an_input_that_loses_its_name_while_it_is_read() {
    each_read("vanish", |_, output| unless([Some(0), Some(4)].contains(&output.status.code()), output));
}

#[test]
fn short_and_interrupted_reads_change_nothing() {
    for (case, input, file) in INPUTS {
        let (_folder, input) = copy(case, input);
        let whole = program().args(args("verify", &input)).arg("--json").output().unwrap();
        assert_eq!(whole.status.code(), Some(0), "{case}");
        let file = if file.is_empty() { input.clone() } else { input.join(file) };
        for what in ["short", "interrupt"] {
            let Some((output, _)) = with_fault("verify", &input, &file, what, 1) else { return };
            assert_eq!(json(&output), json(&whole), "{case}: {what}");
            assert_eq!(output.status.code(), Some(0), "{case}: {what}");
        }
    }
}

// ---- pipes ---------------------------------------------------------------------------------------------------------

/// A pipe with a name that gives `bytes` and then closes.
fn fifo(folder: &Path, bytes: Vec<u8>) -> (PathBuf, std::thread::JoinHandle<()>) {
    let path = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let place = path.clone();
    let feeder = std::thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(place).unwrap();
        // The reader may have had enough.
        let _ = pipe.write_all(&bytes);
    });
    (path, feeder)
}

#[test]
fn a_pipe_that_closes_early_is_a_container_cut_short() {
    for (case, input, _) in INPUTS.into_iter().filter(|(_, input, _)| *input != "tree") {
        let whole = fs::read(root().join("fixtures").join(case).join(input)).unwrap();
        for end in [0, 1, 100, 512, whole.len() / 2, whole.len() - 1] {
            for verb in ["verify", "inspect"] {
                let folder = tempfile::tempdir().unwrap();
                let (path, feeder) = fifo(folder.path(), whole[..end].to_vec());
                let output = program().args(args(verb, &path)).output().unwrap();
                feeder.join().unwrap();
                assert_eq!(output.status.code(), Some(24), "{verb} {input} cut at {end}: {output:?}");
            }
        }
    }
}

// ---- directories ---------------------------------------------------------------------------------------------------

/// Where this user may read everything, the program runs as another one.
fn as_ordinary_user(args: &[String]) -> Option<Output> {
    let ask = Command::new("id").arg("-u").output().unwrap();
    if ask.stdout != b"0\n" {
        return Some(program().args(args).output().unwrap());
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_portcullis")]).args(args);
    match command.output() {
        Ok(output) if !String::from_utf8_lossy(&output.stderr).contains("setpriv:") => Some(output),
        other => {
            eprintln!("SKIPPED: the program cannot be run as another user: {other:?}");
            None
        }
    }
}

#[test]
fn what_may_not_be_read_is_exit_4_and_named() {
    use std::os::unix::fs::PermissionsExt as _;
    for (place, mode) in [("manifest.json", 0o000), ("portal", 0o000), ("portal", 0o644)] {
        let (folder, input) = copy("devportal/good-directory-envelope-inside", "tree");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let Some(open) = as_ordinary_user(&args("verify", &input)) else { return };
        if open.status.code() == Some(4) || open.status.code() == Some(2) {
            eprintln!("SKIPPED: another user reaches neither the program nor its keys: {open:?}");
            return;
        }
        assert_eq!(open.status.code(), Some(0), "{open:?}");
        fs::set_permissions(input.join(place), fs::Permissions::from_mode(mode)).unwrap();
        for verb in ["verify", "inspect"] {
            let output = as_ordinary_user(&args(verb, &input)).unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(4), "{place} {mode:o}: {said}");
            assert!(said.contains(place) && said.to_lowercase().contains("permission denied"), "{said}");
        }
        fs::set_permissions(input.join(place), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn what_is_not_there_or_no_file_is_exit_4() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let circle = folder.path().join("circle");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    let dangling = folder.path().join("dangling");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    for input in [folder.path().join("absent"), socket, circle, dangling, "/proc/self/mem".into()] {
        for verb in ["verify", "inspect"] {
            let output = program().args(args(verb, &input)).output().unwrap();
            assert_eq!(output.status.code(), Some(4), "{}: {output:?}", input.display());
            assert!(!output.stderr.is_empty());
        }
    }
}

// ---- output --------------------------------------------------------------------------------------------------------

fn good() -> PathBuf {
    root().join("fixtures/devportal/good-tar/devportal-offline-bundle.tar")
}

#[test]
fn a_full_device_is_exit_4() {
    for verb in ["verify", "inspect"] {
        for more in [&[][..], &["--json"]] {
            let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
            let output = program().args(args(verb, &good())).args(more).stdout(full).output().unwrap();
            assert_eq!(output.status.code(), Some(4), "{verb} {more:?}: {output:?}");
            assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"), "{output:?}");
        }
        let output = program().args(args(verb, &good())).arg("--output=/dev/full").output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{output:?}");
    }
}

#[test]
fn a_full_file_system_keeps_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    // 4 KiB, of which the first page is taken; the report is written beside its name, and then there is no room.
    let script = r#"
        mount -t tmpfs -o size=4k,mode=0755 tmpfs "$1" || { echo 'no mount' >&2; exit 99; }
        head -c 4096 /dev/zero > "$1/filler"
        place=$1
        shift
        "$@"
        code=$?
        echo left:
        ls -A "$place"
        exit $code"#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(folder.path()).arg(env!("CARGO_BIN_EXE_portcullis"));
    command.args(args("verify", &good())).args(["--json", "--output"]).arg(folder.path().join("report.json"));
    let output = match command.output() {
        Ok(output) if ![Some(99), Some(1)].contains(&output.status.code()) => output,
        other => {
            eprintln!("SKIPPED: a small file system cannot be mounted here: {other:?}");
            return;
        }
    };
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.split_once("left:\n").map(|(_, left)| left), Some("filler\n"), "{output:?}");
}

#[test]
fn a_closed_standard_output_changes_no_verdict() {
    let (good, bad) = (good(), root().join("keys-example/README.md"));
    for (input, wanted) in [(good, 0), (bad, 24)] {
        let words: Vec<String> = args("verify", &input).into_iter().map(|word| format!("'{word}'")).collect();
        let closed = format!("'{}' {} >&-", env!("CARGO_BIN_EXE_portcullis"), words.join(" "));
        let status = Command::new("sh").args(["-c", &closed]).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(wanted), "{closed}");
        // A pipe that nobody reads any more.
        let mut child = program().args(args("verify", &input)).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(wanted));
    }
}

// ---- signals -------------------------------------------------------------------------------------------------------

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn an_interrupted_run_ends_at_once_and_leaves_nothing() {
    for name in ["-INT", "-TERM", "-KILL"] {
        let (folder, out, temporary) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut command = program();
        command.args(args("verify", &path)).arg("--output").arg(out.path().join("report"));
        command.env("TMPDIR", temporary.path()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // This waits until the program has opened the other end.
        let mut pipe: File = OpenOptions::new().write(true).open(&path).unwrap();
        let whole = fs::read(good()).unwrap();
        pipe.write_all(&whole[..whole.len() / 2]).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        signal(&child, name);
        let start = Instant::now();
        let status = child.wait().unwrap();
        assert!(start.elapsed() < Duration::from_secs(10), "{name}");
        assert_ne!(status.code(), Some(0), "{name}");
        assert_eq!(names(out.path()), Vec::<String>::new(), "{name}");
        assert_eq!(names(temporary.path()), Vec::<String>::new(), "{name}");
    }
}
