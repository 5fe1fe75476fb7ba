//! Tries what the cage forbids, from inside it. Sockets and programs are not tried here, because a program that could try
//! would have to contain what this one does without (`tests/cage.rs` tries them); there the kernel's word has to do.

use super::cage::Held;
use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// One attempt to do what is forbidden.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What was tried.
    pub name: String,
    /// How it ended.
    pub ended: Ended,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// As it should.
    Refused(String),
    /// The cage did not hold.
    Succeeded,
    /// This kernel lacks the part.
    Untried(String),
}

impl Attempt {
    /// Whether the cage held, as far as there is one.
    pub fn held(&self) -> bool {
        self.ended != Ended::Succeeded
    }
}

impl Ended {
    /// For the table.
    pub fn words(&self) -> String {
        match self {
            Ended::Refused(how) => format!("refused: {how}"),
            Ended::Succeeded => "succeeded, and should not have".into(),
            Ended::Untried(why) => format!("not tried: {why}"),
        }
    }
}

/// Tries everything. `folder` is a private folder that may be written.
pub fn run(held: &Held, folder: &Path) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for place in places() {
        attempts.push(attempt(format!("write below {}", place.display()), held.landlock.is_some(), || create(&place)));
    }
    let named = || OpenOptions::new().write(true).open("/proc/self/comm").map(drop);
    attempts.push(attempt("write the name of this process".into(), held.landlock.is_some(), named));
    let mode = || {
        let file = folder.join("mode");
        fs::write(&file, "")?;
        fs::set_permissions(&file, Permissions::from_mode(0o4755))
    };
    attempts.push(attempt("set the mode of a file to setuid".into(), held.seccomp, mode));
    attempts.push(Attempt { name: "open sockets, start programs".into(), ended: filtered(held) });
    attempts
}

/// What any process of this user may write to, as far as the right to do so is its own, and no temporary folder.
fn places() -> Vec<PathBuf> {
    let temporary = std::env::temp_dir().canonicalize().unwrap_or_default();
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let candidates = std::env::current_dir().ok().into_iter().chain(home).chain(["/var/tmp".into(), "/dev/shm".into()]);
    let mut places: Vec<PathBuf> = candidates.filter_map(|place| place.canonicalize().ok()).collect();
    places.retain(|place| place.is_dir() && !place.starts_with(&temporary));
    places.sort();
    places.dedup();
    places
}

/// Makes an empty file and removes it again.
fn create(place: &Path) -> io::Result<()> {
    let path = place.join(format!(".portcullis-selftest-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&path)?;
    fs::remove_file(path)
}

fn attempt(name: String, there: bool, attempt: impl FnOnce() -> io::Result<()>) -> Attempt {
    if !there {
        return Attempt { name, ended: Ended::Untried("this kernel lacks that part of the cage".into()) };
    }
    let ended = match attempt() {
        Ok(()) => Ended::Succeeded,
        Err(error) => Ended::Refused(error.to_string()),
    };
    Attempt { name, ended }
}

/// The kernel's word that calls of this process are filtered.
fn filtered(held: &Held) -> Ended {
    if !held.seccomp {
        return Ended::Untried("this kernel lacks that part of the cage".into());
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let says = |line: &str| status.lines().any(|found| found == line);
    match (says("Seccomp:\t2"), says("NoNewPrivs:\t1")) {
        (true, true) => Ended::Refused("the kernel says that it filters the calls of this process".into()),
        _ if status.is_empty() => Ended::Untried("there is no /proc to ask".into()),
        _ => Ended::Succeeded,
    }
}
