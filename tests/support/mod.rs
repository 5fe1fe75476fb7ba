//! What the tests of the program share: running it, and the cases under `fixtures/`.

#![allow(dead_code, reason = "each test uses a part of it")]

use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `case.toml` says. Unknown fields are refused: a misspelt expectation would expect nothing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    #[serde(skip)]
    pub(crate) folder: PathBuf,
    pub(crate) title: String,
    pub(crate) args: Vec<String>,
    pub(crate) verdict: String,
    pub(crate) exit: i32,
    pub(crate) failing: Vec<String>,
    pub(crate) subject: Option<String>,
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) standings: BTreeMap<String, String>,
}

impl Case {
    /// `<kind>/<case>`.
    pub(crate) fn name(&self) -> String {
        self.folder.strip_prefix(root().join("fixtures")).unwrap_or(&self.folder).display().to_string()
    }

    /// The command line with its places filled in.
    pub(crate) fn args(&self) -> Vec<String> {
        let keys = root().join("keys-example");
        let fill = |arg: &String| {
            arg.replace("{case}", &self.folder.to_string_lossy()).replace("{keys}", &keys.to_string_lossy())
        };
        self.args.iter().map(fill).collect()
    }

    /// Runs it with `more` options.
    pub(crate) fn run(&self, more: &[&str]) -> Output {
        let mut args = self.args();
        args.extend(more.iter().map(|arg| arg.to_string()));
        run(&args)
    }
}

/// All cases with one input, by name.
pub(crate) fn cases() -> Vec<Case> {
    all_cases().into_iter().filter(|case| case.args[0] != "diff").collect()
}

/// All cases with two, by name.
pub(crate) fn pairs() -> Vec<Case> {
    all_cases().into_iter().filter(|case| case.args[0] == "diff").collect()
}

fn all_cases() -> Vec<Case> {
    let mut found = Vec::new();
    for kind in folders(&root().join("fixtures")) {
        for folder in folders(&kind) {
            let text = std::fs::read_to_string(folder.join("case.toml")).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
            let mut case: Case = toml::from_str(&text).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
            case.folder = folder;
            found.push(case);
        }
    }
    found
}

/// The folders in `at`, sorted.
pub(crate) fn folders(at: &Path) -> Vec<PathBuf> {
    let list = std::fs::read_dir(at).unwrap_or_else(|e| panic!("{at:?}: {e}"));
    let mut found: Vec<PathBuf> = list.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// The program, with an environment that changes nothing.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env("COLUMNS", "100").stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Output {
    program().args(args).output().unwrap()
}

/// Runs the program with `input` on standard input.
pub(crate) fn run_with_input<S: AsRef<std::ffi::OsStr>>(args: &[S], input: &[u8]) -> Output {
    let mut child =
        program().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The program may have read enough.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Runs `judge` over all items with all cores; the complaints of all of them, in order.
pub(crate) fn all<T: Sync>(items: &[T], judge: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((number, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, items.get(n)?)))
                {
                    let complaints = judge(item);
                    found.lock().unwrap().push((number, complaints));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort();
    found.into_iter().flat_map(|(_, complaints)| complaints).collect()
}

/// Fails with every complaint.
pub(crate) fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// Standard output as JSON.
pub(crate) fn json(output: &Output) -> Result<serde_json::Value, String> {
    serde_json::from_slice(&output.stdout).map_err(|e| format!("no JSON on standard output: {e}"))
}

/// What of `text` could act on a terminal: control characters but the line feed, and characters that reorder or hide.
pub(crate) fn hostile(text: &[u8]) -> Option<String> {
    let Ok(text) = std::str::from_utf8(text) else { return Some("bytes that are not UTF-8".into()) };
    let bad = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
    };
    text.chars().find(bad).map(|c| format!("U+{:04X}", u32::from(c)))
}
