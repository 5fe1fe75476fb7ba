//! The cage: each thing that is given up is tried, in a process of its own that entered the cage before, and is refused by the
//! kernel. Where a kernel lacks a part of the cage, its tests say so and pass.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod support;

use portcullis::pipeline::cage::{Cage, Held};
use rustix::fs::{AtFlags, CWD, FileType, Mode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{json, program, root, run};
use tempfile::TempDir;

/// Names the folder in which the process that is started works.
const WORKPLACE: &str = "PORTCULLIS_TEST_CAGE";

// ---- the process in the cage ---------------------------------------------------------------------------------------

/// What came out of one attempt.
fn outcome<T>(result: io::Result<T>) -> String {
    match result {
        Ok(_) => "succeeded".into(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// A socket of each family, a pair, and what would be needed to use one.
fn sockets(folder: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("tcp listen", outcome(TcpListener::bind("127.0.0.1:0"))),
        ("tcp connect", outcome(TcpStream::connect("127.0.0.1:9"))),
        ("udp", outcome(UdpSocket::bind("127.0.0.1:0"))),
        ("tcp over IPv6", outcome(TcpListener::bind("[::1]:0"))),
        ("unix listen", outcome(UnixListener::bind(folder.join("declared/socket")))),
        ("unix connect", outcome(UnixStream::connect(folder.join("outside/listening")))),
        ("socketpair", outcome(UnixDatagram::pair())),
    ]
}

/// Other programs, by each way that the library has.
fn programs(folder: &Path) -> Vec<(&'static str, String)> {
    let mut spawned = Command::new("/bin/true");
    let mut forked = Command::new("/bin/true");
    // With a folder to change to, the library forks and executes in place of posix_spawn.
    forked.current_dir(folder);
    let in_place = {
        use std::os::unix::process::CommandExt as _;
        outcome::<()>(Err(Command::new("/bin/true").exec()))
    };
    vec![
        ("spawn", outcome(spawned.spawn())),
        ("fork and execute", outcome(forked.spawn())),
        ("execute in place", in_place),
    ]
}

/// The memory of the process that started this one, which has the same owner.
fn memory() -> Vec<(&'static str, String)> {
    let parent = std::os::unix::process::parent_id();
    vec![("memory of the parent", outcome(fs::File::open(format!("/proc/{parent}/mem"))))]
}

/// Everything that changes files, at a place that was not declared.
fn writes(outside: &Path) -> Vec<(&'static str, String)> {
    let there = outside.join("there");
    let new = |name: &str| outside.join(name);
    vec![
        ("create", outcome(fs::File::create(new("created")))),
        ("write", outcome(OpenOptions::new().write(true).open(&there))),
        ("append", outcome(OpenOptions::new().append(true).open(&there))),
        ("truncate", outcome(OpenOptions::new().write(true).truncate(true).open(&there))),
        ("make a folder", outcome(fs::create_dir(new("folder")))),
        ("remove", outcome(fs::remove_file(&there))),
        ("remove a folder", outcome(fs::remove_dir(new("empty")))),
        ("rename within", outcome(fs::rename(&there, new("renamed")))),
        ("rename into", outcome(fs::rename(outside.join("../declared/own"), new("moved")))),
        ("link", outcome(fs::hard_link(&there, new("linked")))),
        ("symbolic link", outcome(symlink("there", new("symlinked")))),
        (
            "fifo",
            outcome(rustix::fs::mknodat(CWD, new("fifo"), FileType::Fifo, Mode::RUSR, 0).map_err(io::Error::from)),
        ),
    ]
}

/// What no right of Landlock covers and the filter refuses.
fn attributes(outside: &Path) -> Vec<(&'static str, String)> {
    let there = outside.join("there");
    let plain = |result: Result<(), rustix::io::Errno>| outcome(result.map_err(io::Error::from));
    vec![
        ("mode", outcome(fs::set_permissions(&there, fs::Permissions::from_mode(0o4777)))),
        ("owner", plain(rustix::fs::chownat(CWD, &there, None, None, AtFlags::empty()))),
        ("attribute", plain(rustix::fs::setxattr(&there, "user.x", b"x", rustix::fs::XattrFlags::empty()))),
    ]
}

/// What has to go on working, at the places that were declared and for reading everywhere.
fn allowed(folder: &Path) -> Vec<(&'static str, String)> {
    let declared = folder.join("declared");
    let whole = || -> io::Result<()> {
        let mut file = fs::File::create_new(declared.join(".report.part"))?;
        file.write_all(b"report")?;
        file.sync_all()?;
        fs::hard_link(declared.join(".report.part"), declared.join("report"))?;
        fs::remove_file(declared.join(".report.part"))?;
        fs::rename(declared.join("report"), declared.join("report.json"))?;
        fs::create_dir_all(declared.join("a/b"))?;
        fs::rename(declared.join("report.json"), declared.join("a/b/report.json"))?;
        fs::remove_file(declared.join("a/b/report.json"))?;
        fs::remove_dir(declared.join("a/b"))
    };
    let threads = || std::thread::Builder::new().spawn(|| ()).map(|thread| thread.join().is_ok());
    let spool = || tempfile::tempfile_in(&declared).and_then(|mut file| file.write_all(b"x"));
    vec![
        ("read", outcome(fs::read(folder.join("outside/there")))),
        ("list", outcome(fs::read_dir("/").map(Iterator::count))),
        ("write to a declared place", outcome(whole())),
        ("a file without a name", outcome(spool())),
        ("threads", outcome(threads())),
        ("random numbers", outcome(fs::File::open("/dev/urandom"))),
        ("write to a device that was declared", outcome(fs::write("/dev/null", b"x"))),
    ]
}

/// Enters the cage, tries everything, and writes down what came of it, to standard output.
#[test]
#[ignore = "the other tests start it in a process of its own"]
fn the_process_in_the_cage() {
    let Some(folder) = std::env::var_os(WORKPLACE) else { return };
    let folder = Path::new(&folder);
    let cage = Cage::new().within(Some(&folder.join("declared"))).beside(Some(Path::new("/dev/null")));
    let held = cage.enter();
    let outside = folder.join("outside");
    let tried = [
        ("sockets", sockets(folder)),
        ("programs", programs(folder)),
        ("memory", memory()),
        ("attributes", attributes(&outside)),
        ("writes", writes(&outside)),
        ("allowed", allowed(folder)),
    ];
    let tried: BTreeMap<&str, Vec<(&str, String)>> = tried.into_iter().collect();
    let held = serde_json::json!({"landlock": held.landlock, "seccomp": held.seccomp, "notes": held.notes});
    println!("\nTRIED {}", serde_json::json!({"held": held, "tried": tried}));
}

// ---- the tests -----------------------------------------------------------------------------------------------------

struct Tried {
    report: Value,
    folder: TempDir,
}

impl Tried {
    /// Runs that process once, with a folder that is declared and one that is not.
    fn new() -> Tried {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for name in ["declared", "outside", "outside/empty"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("outside/there"), "as it was").unwrap();
        fs::write(folder.path().join("declared/own"), "own").unwrap();
        let _listening = UnixListener::bind(folder.path().join("outside/listening")).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_in_the_cage", "--ignored", "--nocapture", "--test-threads=1"])
            .env(WORKPLACE, folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("TRIED "));
        let line = line.unwrap_or_else(|| panic!("no answer: {text}{}", String::from_utf8_lossy(&output.stderr)));
        Tried { report: serde_json::from_str(line).unwrap(), folder }
    }

    fn landlock(&self) -> Option<u64> {
        self.report["held"]["landlock"].as_u64()
    }

    fn seccomp(&self) -> bool {
        self.report["held"]["seccomp"] == true
    }

    /// What was tried of one sort and how it ended.
    fn of(&self, sort: &str) -> Vec<(String, String)> {
        serde_json::from_value(self.report["tried"][sort].clone()).unwrap()
    }

    fn assert_denied(&self, sort: &str, count: usize) {
        let tried = self.of(sort);
        assert_eq!(tried.len(), count, "{tried:?}");
        let wrong: Vec<_> = tried.iter().filter(|(_, end)| end != "PermissionDenied").collect();
        assert!(wrong.is_empty(), "{sort} that were not refused: {wrong:?}");
    }
}

/// Whether the kernel has the part; says so, past the harness, where it has not.
fn lacks(part: &str, held: bool) -> bool {
    if !held {
        let _ = writeln!(io::stderr(), "skipped: this kernel has no {part}");
    }
    !held
}

#[test]
fn sockets_are_refused() {
    let tried = Tried::new();
    if !lacks("seccomp", tried.seccomp()) {
        tried.assert_denied("sockets", 7);
    }
}

#[test]
fn programs_are_refused() {
    let tried = Tried::new();
    if !lacks("seccomp", tried.seccomp()) {
        tried.assert_denied("programs", 3);
    }
}

#[test]
fn other_processes_are_out_of_reach() {
    let tried = Tried::new();
    if !lacks("Landlock", tried.landlock().is_some()) {
        tried.assert_denied("memory", 1);
    }
}

#[test]
fn owners_modes_and_attributes_are_left_alone() {
    let tried = Tried::new();
    if !lacks("seccomp", tried.seccomp()) {
        tried.assert_denied("attributes", 3);
    }
}

#[test]
fn nothing_is_written_where_nothing_was_declared() {
    let tried = Tried::new();
    if lacks("Landlock", tried.landlock().is_some()) {
        return;
    }
    let ends = tried.of("writes");
    // Moving between folders is EXDEV where the right to it is lacking, so that programs copy instead.
    let refused = |end: &str| ["PermissionDenied", "CrossesDevices"].contains(&end);
    let wrong: Vec<_> = ends.iter().filter(|(_, end)| !refused(end)).collect();
    assert!(wrong.is_empty() && ends.len() == 12, "{ends:?}");
    let outside = tried.folder.path().join("outside");
    let mut names: Vec<_> = fs::read_dir(&outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["empty", "listening", "there"]);
    assert_eq!(fs::read_to_string(outside.join("there")).unwrap(), "as it was");
}

#[test]
fn what_a_run_needs_goes_on_working() {
    let wrong: Vec<_> = Tried::new().of("allowed").into_iter().filter(|(_, end)| end != "succeeded").collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Without a cage all of this succeeds or fails otherwise: what is refused above is refused by the cage.
#[test]
fn without_a_cage_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["declared", "outside", "outside/empty"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("outside/there"), "as it was").unwrap();
    let ends = [sockets(folder.path()), writes(&folder.path().join("outside"))].concat();
    let refused: Vec<_> = ends.iter().filter(|(_, end)| end == "PermissionDenied").collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(Held::waived().landlock, None);
}

// ---- the program ---------------------------------------------------------------------------------------------------

const BUNDLE: &str = "fixtures/devportal/good-envelope-beside/devportal-offline-bundle.tgz";

/// Waits until the kernel says that the process is in its cage. `false`: it never was.
fn caged(child: &Child) -> bool {
    let status = format!("/proc/{}/status", child.id());
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        let text = fs::read_to_string(&status).unwrap_or_default();
        if text.contains("\nSeccomp:\t2") && text.contains("\nNoNewPrivs:\t1") {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

fn kernel_filters_calls() -> bool {
    !lacks("seccomp", Tried::new().seccomp())
}

/// The input, and a key, are pipes into which nothing was written yet: the process that waits for them is in its cage.
#[test]
fn the_cage_is_closed_before_the_first_byte_is_read() {
    if !kernel_filters_calls() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let fifo = fifo.display().to_string();
    let lines: [&[&str]; 10] = [
        &["inspect", "-"],
        &["verify", "-"],
        &["verify", BUNDLE, "--key", &fifo],
        &["verify", BUNDLE, "--trust", &fifo],
        &["dsse", "verify", "-"],
        &["revocation", "verify", &fifo],
        &["tuf", "verify", "--metadata-dir", "keys-example", "--tuf-root", &fifo],
        &["sigstore", "verify", BUNDLE, "--bundle", BUNDLE, "--trusted-root", &fifo],
        &["key", "show", &fifo],
        &["trust", "show", &fifo],
    ];
    for line in lines {
        let mut child = program()
            .args(line)
            .current_dir(root())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let closed = caged(&child);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(closed, "{line:?}");
    }
}

#[test]
fn the_report_says_what_held_and_what_was_waived() {
    let tried = Tried::new();
    let report = json(&run(&["inspect", BUNDLE, "--json"])).unwrap();
    assert_eq!(report["cage"], tried.report["held"]);
    let waived = json(&run(&["inspect", BUNDLE, "--json", "--no-cage"])).unwrap();
    let nothing = serde_json::json!({"landlock": null, "seccomp": false, "notes": ["waived with --no-cage"]});
    assert_eq!(waived["cage"], nothing);
    assert!(waived["waivers"][0].as_str().unwrap().starts_with("--no-cage: "), "{}", waived["waivers"]);
    assert_eq!(report["waivers"], serde_json::json!([]));
    let text = String::from_utf8(run(&["verify", BUNDLE]).stdout).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("Cage: ")).count(), 1, "{text}");
    // What was read is the same in the cage and out of it.
    let without = |mut report: Value| {
        for member in ["cage", "waivers", "at"] {
            report.as_object_mut().unwrap().remove(member);
        }
        report
    };
    assert_eq!(without(report), without(waived));
}

/// Every verb can still write what it is asked to write: beside itself, into folders that do not exist yet, to devices.
#[test]
fn declared_outputs_can_be_written() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let trust = ["--key", "keys-example/ed25519.pub.pem", "--allow-example-keys", "--at", "2026-11-20T00:00:00Z"];
    let verified = |line: &[&str]| {
        let output = run(&[line, &trust[..]].concat());
        assert_eq!(output.status.code(), Some(0), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    verified(&["verify", BUNDLE, "--json", "--output", &at("report.json")]);
    assert!(json_file(&at("report.json"))["verdict"] == "verified");
    verified(&["verify", BUNDLE, "--json", "--output", &at("report.json"), "--force"]);
    assert!(verified(&["verify", BUNDLE, "--output", "/dev/stdout"]).starts_with("VERIFIED"));
    verified(&["verify", BUNDLE, "--output", "/dev/null"]);
    let envelope = "fixtures/dsse/good-ed25519/envelope.dsse.json";
    verified(&["dsse", "verify", envelope, "--payload-out", &at("payload")]);
    assert!(fs::metadata(at("payload")).unwrap().len() > 0);
    let list = "fixtures/revocation/good/revocation-bundle.json";
    let line = ["revocation", "verify", list, "--key", "keys-example/ecdsa-p256.pub.pem", "--allow-example-keys"];
    let output = run(&[&line[..], &["--at", "2026-11-20T00:00:00Z", "--state", &at("state.json")]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(json_file(&at("state.json")).is_object());
    let repository = root().join("fixtures/tuf/good-rotated-delegated");
    let case = fs::read_to_string(repository.join("case.toml")).unwrap();
    let case: toml::Table = toml::from_str(&case).unwrap();
    let place = repository.display().to_string();
    let mut line: Vec<String> =
        case["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap().replace("{case}", &place)).collect();
    line.extend(["--datastore".into(), at("new/state"), "--probe-log".into(), at("probes.json")]);
    let output = run(&line);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(json_file(&at("probes.json")).is_array() && Path::new(&at("new/state/root.json")).is_file());
}

fn json_file(path: &str) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

/// A folder for temporary files that is not there is not looked for further up: that would be the whole file system.
#[test]
fn a_missing_folder_for_temporary_files_opens_nothing() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::create_dir(folder.path().join("declared")).unwrap();
    let notes = |temporary: &str| {
        let output = program().args(["verify", BUNDLE, "--json"]).env("TMPDIR", temporary).current_dir(root()).output();
        json(&output.unwrap()).unwrap()["cage"]["notes"].to_string()
    };
    assert!(!notes("/no/such/dir").contains("beneath /"), "{}", notes("/no/such/dir"));
    if lacks("Landlock", Tried::new().landlock().is_some()) {
        return;
    }
    assert!(notes("/").contains("landlock: writing is open beneath /: "), "{}", notes("/"));
    let line = ["verify", BUNDLE, "--datastore", "/no/such/dir"];
    let text = String::from_utf8(run(&line).stdout).unwrap();
    assert!(text.contains("writing is open beneath /:"), "{text}");
    // In a process of its own: what nothing declared stays closed.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_with_no_temporary_folder", "--ignored", "--nocapture", "--test-threads=1"])
        .env(WORKPLACE, folder.path())
        .env("TMPDIR", "/no/such/dir")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("ENDED PermissionDenied"), "{text}");
}

/// Enters a cage with a place for temporary files, and tries to write elsewhere.
#[test]
#[ignore = "the test above starts it in a process of its own"]
fn the_process_with_no_temporary_folder() {
    let Some(folder) = std::env::var_os(WORKPLACE) else { return };
    Cage::new().temporary().enter();
    println!("\nENDED {}", outcome(fs::File::create(Path::new(&folder).join("declared/created"))));
}
