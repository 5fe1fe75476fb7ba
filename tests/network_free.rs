//! portcullis opens no socket. Shown three ways: the program imports nothing that could, it works where there is no network,
//! and the kernel sees no network system call. `PORTCULLIS_BINARY` names another build of the program to look at.
//!
//! System calls that are made without the C library do not show among the imports; `tests/dependency_policy.rs` sees to it
//! that no dependency brings code for them, and the trace below would show them.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a program needs to import for any use of a network, down to the resolver.
const FORBIDDEN: [&str; 42] = [
    "socket",
    "socketpair",
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "shutdown",
    "send",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "__sendmmsg",
    "recv",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "__recv_chk",
    "__recvfrom_chk",
    "getsockopt",
    "setsockopt",
    "getsockname",
    "getpeername",
    "getaddrinfo",
    "getnameinfo",
    "gai_strerror",
    "gethostbyname",
    "gethostbyname2",
    "gethostbyname_r",
    "gethostbyname2_r",
    "gethostbyaddr",
    "gethostbyaddr_r",
    "getservbyname",
    "getservbyname_r",
    "getprotobyname",
    "res_init",
    "__res_init",
    "res_query",
    "res_search",
    "if_nametoindex",
    "if_indextoname",
    "getifaddrs",
];

/// One for each way in: compressed with gzip, with zstd, as a tar, as a directory; a TUF repository, because an
/// asynchronous runtime is at work there; and a Sigstore bundle, because its engine could fetch roots if it were built to.
const FIXTURES: [&str; 6] = [
    "devportal/good-envelope-beside",
    "devportal/good-zstd-frames",
    "devportal/good-tar",
    "devportal/good-directory",
    "tuf/good-rotated-delegated",
    "sigstore/good-statement-sha256",
];

fn binary() -> PathBuf {
    let named = std::env::var_os("PORTCULLIS_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_portcullis").into());
    Path::new(env!("CARGO_MANIFEST_DIR")).join(named)
}

/// Says what was not looked at, past the test harness, which keeps the output of tests that pass to itself.
fn skipped(why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

// ---- what the program imports --------------------------------------------------------------------------------------

/// A 64-bit little-endian ELF file. Every read is checked against its bounds.
struct Elf<'a>(&'a [u8]);

impl<'a> Elf<'a> {
    /// `None` for everything else.
    fn new(bytes: &'a [u8]) -> Option<Elf<'a>> {
        bytes.starts_with(b"\x7fELF\x02\x01\x01").then_some(Elf(bytes))
    }

    fn number<const N: usize>(&self, at: usize) -> Result<u64, String> {
        let bytes = self
            .0
            .get(at..)
            .and_then(|rest| rest.get(..N))
            .ok_or_else(|| format!("{N} bytes at {at} are not in the file"))?;
        Ok(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn offset(&self, at: usize) -> Result<usize, String> {
        usize::try_from(self.number::<8>(at)?).map_err(|error| error.to_string())
    }

    /// Type, link to another section, and content of the section with this number.
    fn section(&self, index: u64) -> Result<(u64, u64, &'a [u8]), String> {
        let (table, size) = (self.offset(40)?, self.number::<2>(58)?);
        let place = index
            .checked_mul(size)
            .and_then(|offset| usize::try_from(offset).ok())
            .and_then(|offset| table.checked_add(offset));
        let header = place.ok_or("a section header beyond all memory")?;
        let (kind, link) = (self.number::<4>(header + 4)?, self.number::<4>(header + 40)?);
        let (start, length) = (self.offset(header + 24)?, self.offset(header + 32)?);
        let content = self.0.get(start..).and_then(|rest| rest.get(..length));
        // A section that takes no room in the file (SHT_NOBITS) has no content to point at.
        Ok((kind, link, content.unwrap_or_default()))
    }

    /// Names of the dynamic symbols that the file uses and does not define.
    fn imports(&self) -> Result<Vec<String>, String> {
        const SHT_DYNSYM: u64 = 11;
        const SYMBOL: usize = 24;
        let mut names = Vec::new();
        for index in 0..self.number::<2>(60)? {
            let (kind, link, content) = self.section(index)?;
            if kind != SHT_DYNSYM {
                continue;
            }
            let (.., strings) = self.section(link)?;
            let symbols = Elf(content);
            for at in (0..content.len() / SYMBOL).map(|symbol| symbol * SYMBOL) {
                let (name, defined_in) = (symbols.number::<4>(at)?, symbols.number::<2>(at + 6)?);
                if defined_in == 0 {
                    names.push(string_at(strings, name)?);
                }
            }
        }
        names.retain(|name| !name.is_empty());
        Ok(names)
    }
}

fn string_at(strings: &[u8], at: u64) -> Result<String, String> {
    let rest = usize::try_from(at).ok().and_then(|at| strings.get(at..)).ok_or("a name outside the string table")?;
    let name = rest.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(name).into_owned())
}

fn imports_of(path: &Path) -> Option<Vec<String>> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let Some(elf) = Elf::new(&bytes) else {
        skipped(&format!("{} is no 64-bit little-endian ELF file", path.display()));
        return None;
    };
    let names = elf.imports().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if names.is_empty() && cfg!(target_env = "musl") {
        skipped(&format!("{} is linked statically and imports nothing", path.display()));
        return None;
    }
    Some(names)
}

#[test]
fn the_program_imports_nothing_that_opens_a_socket() {
    let binary = binary();
    let Some(names) = imports_of(&binary) else { return };
    for expected in ["read", "write", "memcpy"] {
        assert!(
            names.iter().any(|name| name == expected),
            "{}: {expected} is not among the imports {names:?}",
            binary.display()
        );
    }
    let found: Vec<&String> = names.iter().filter(|name| FORBIDDEN.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "{} imports {found:?}", binary.display());
}

/// The reader finds such imports where there are some: in this very test, which opens a socket and drops it.
#[test]
fn a_program_with_sockets_would_be_found() {
    drop(std::net::UdpSocket::bind("127.0.0.1:0"));
    let Some(names) = imports_of(&std::env::current_exe().expect("the path of this test")) else { return };
    for expected in ["socket", "bind"] {
        assert!(
            names.iter().any(|name| name == expected) && FORBIDDEN.contains(&expected),
            "{expected} is not among {names:?}"
        );
    }
}

#[test]
fn a_file_cut_short_is_an_error_and_no_clean_result() {
    let bytes = std::fs::read(binary()).expect("the program");
    let Some(elf) = Elf::new(&bytes) else { return };
    assert!(elf.imports().is_ok());
    let table = elf.offset(40).expect("where the section headers are");
    for length in [16, 50, 63, 64, table / 2, table] {
        assert!(Elf(&bytes[..length]).imports().is_err(), "{length} bytes");
    }
    assert!(Elf::new(b"#!/bin/sh").is_none());
}

// ---- what the program does -----------------------------------------------------------------------------------------

/// Arguments of a committed case that ends with exit code 0.
fn arguments(case: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Case {
        args: Vec<String>,
        exit: i32,
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("fixtures").join(case);
    let text = std::fs::read_to_string(folder.join("case.toml")).unwrap_or_else(|error| panic!("{case}: {error}"));
    let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(case.exit, 0);
    let (folder, keys) = (folder.display().to_string(), root.join("keys-example").display().to_string());
    case.args.iter().map(|argument| argument.replace("{case}", &folder).replace("{keys}", &keys)).collect()
}

fn run(program: &str, before: &[&str], then: &[String]) -> std::io::Result<Output> {
    Command::new(program).args(before).args(then).stdin(Stdio::null()).output()
}

/// Whether `program` is there and may do what it is asked for.
fn works(program: &str, before: &[&str]) -> bool {
    run(program, before, &["true".to_owned()]).is_ok_and(|output| output.status.success())
}

fn verified(output: &Output, case: &str) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{case}: {text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.to_lowercase().contains("verified"), "{case}: {text}");
}

fn command_line(case: &str) -> Vec<String> {
    std::iter::once(binary().display().to_string()).chain(arguments(case)).collect()
}

#[test]
fn verifies_where_there_is_no_network() {
    // With no rights of its own, a user may have a network namespace inside a user namespace.
    let Some(flags) = ["-n", "-rn"].into_iter().find(|flags| works("unshare", &[flags])) else {
        return skipped("`unshare -n` and `unshare -rn` are not there or not permitted");
    };
    for case in FIXTURES {
        verified(&run("unshare", &[flags], &command_line(case)).expect("unshare runs"), case);
    }
}

#[test]
fn makes_no_network_system_call() {
    let traced = |log: &Path, command: &[String]| {
        let log = log.display().to_string();
        let output = run("strace", &["-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o", &log], command);
        output.ok().map(|output| (output, std::fs::read_to_string(log).unwrap_or_default()))
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("trace");
    if !traced(&log, &["true".to_owned()]).is_some_and(|(output, _)| output.status.success()) {
        return skipped("`strace` is not there or not permitted");
    }
    for case in FIXTURES {
        let (output, calls) = traced(&log, &command_line(case)).expect("strace runs");
        verified(&output, case);
        assert_eq!(calls, "", "{case}: network system calls");
    }
    // The trace shows such calls where there are some: this test makes one when it is asked to.
    let me = std::env::current_exe().expect("the path of this test").display().to_string();
    let again = [me, "--exact".to_owned(), "a_program_with_sockets_would_be_found".to_owned()];
    let (_, calls) = traced(&log, &again).expect("strace runs");
    assert!(calls.contains("socket("), "a call that was made is not in the trace: {calls:?}");
}
