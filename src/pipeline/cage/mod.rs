//! The cage: what the process gives up before it reads the first byte that somebody else wrote.
//!
//! Parsers are written with care, and two of them are large and not ours (SQLite, zstd). Should one of them be taken over by
//! what it reads, it finds itself in a process that can open no socket, start no program, look into no other process and write
//! nowhere but to the places that the command line names. Two parts of Linux make that so, each for itself:
//!
//! - Landlock (`files`): nothing is written, made, renamed or removed beneath any folder that is not a declared place, and
//!   nothing at all is executed. Needs Linux 5.13; cutting files short is forbidden since 6.2.
//! - seccomp (`calls`): a list of system calls ends with `EPERM`. Needs Linux 4.14 on a processor that the filter knows.
//!
//! A kernel without one of them makes no run fail: what did not hold is said in the report. Reading stays possible
//! everywhere, because inputs, sidecars and keys lie where the operator put them.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod files;

use super::endpoint;
use std::path::{Path, PathBuf};

/// What may still be written.
#[derive(Debug, Default)]
pub struct Cage {
    places: Vec<Place>,
    links: bool,
}

/// A folder with all that is below it, or one special file.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Files and folders may be made and removed beneath it; else it is one file, which may be written.
    folder: bool,
}

impl Cage {
    /// Nothing may be written.
    pub fn new() -> Self {
        Cage::default()
    }

    /// A file may be written beside `path` and renamed to it; a pipe, device or open file there may be written to.
    #[must_use]
    pub fn beside(mut self, path: Option<&Path>) -> Self {
        let Some(path) = path else { return self };
        if endpoint::descriptor(path).is_some() {
            // Open files are never replaced, so nothing is made beside them. An open folder cannot be written to.
            let file = path.metadata().is_ok_and(|meta| !meta.is_dir());
            self.places.extend(file.then(|| Place { path: path.into(), folder: false }));
            return self;
        }
        if path.metadata().is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
            self.places.push(Place { path: path.into(), folder: false });
            return self;
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.places.push(Place { path: parent.into(), folder: true });
        self
    }

    /// The folder `path` may be filled; where it does not exist, the nearest one above it that does, since it has to be made.
    #[must_use]
    pub fn within(mut self, path: Option<&Path>) -> Self {
        let Some(path) = path else { return self };
        let parents =
            path.ancestors().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
        let found = parents.into_iter().find(|folder| folder.is_dir());
        self.places.extend(found.map(|folder| Place { path: folder.into(), folder: true }));
        self
    }

    /// The folder for temporary files may be used: databases are copied there before they are read. Where it does not exist,
    /// nothing makes it, so nothing above it is opened either.
    #[must_use]
    pub fn temporary(mut self) -> Self {
        let folder = std::env::temp_dir();
        self.places.extend(folder.is_dir().then_some(Place { path: folder, folder: true }));
        self
    }

    /// Symbolic links may be made in these places.
    #[must_use]
    pub fn with_links(mut self) -> Self {
        self.links = true;
        self
    }

    /// Says that a place is the whole file system: a rule for it forbids writing nowhere.
    #[cfg(target_os = "linux")]
    fn open_root(&self) -> Option<String> {
        let is_root = |place: &&Place| place.path.canonicalize().is_ok_and(|path| path == Path::new("/"));
        self.places.iter().find(is_root)?;
        Some(
            "landlock: writing is open beneath /: a place of this run lies there itself, or has no folder yet below it"
                .into(),
        )
    }

    /// Gives up everything else, for the whole process and for good. To be called before other threads are started: kernels
    /// whose Landlock is older than ABI 8 hold only the calling thread and those that it starts.
    pub fn enter(&self) -> Held {
        let mut held = Held::default();
        #[cfg(target_os = "linux")]
        {
            match files::restrict(&self.places, self.links) {
                Ok(abi) => held.landlock = Some(abi),
                Err(why) => held.notes.push(format!("landlock: {why}")),
            }
            if held.landlock.is_some_and(|abi| abi < files::FORBIDS_TRUNCATION) {
                held.notes.push("landlock: this kernel cannot forbid to cut files short".into());
            }
            held.notes.extend(held.landlock.and_then(|_| self.open_root()));
            match calls::restrict() {
                Ok(()) => held.seccomp = true,
                Err(why) => held.notes.push(format!("seccomp: {why}")),
            }
        }
        #[cfg(not(target_os = "linux"))]
        held.notes.push("landlock and seccomp are parts of Linux, and this is another system".into());
        held
    }
}

/// Which parts of the cage held while the input was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The version of Landlock's interface in force; none where files are not confined.
    pub landlock: Option<u32>,
    /// Whether system calls are filtered.
    pub seccomp: bool,
    /// The operator did without (`--no-cage`).
    pub waived: bool,
    /// Why something does not hold, a sentence each.
    pub notes: Vec<String>,
}

impl Held {
    /// No cage, because the operator said so.
    pub fn waived() -> Self {
        Held { waived: true, notes: vec!["waived with --no-cage".into()], ..Held::default() }
    }

    /// The waiver, in the words of the report.
    pub fn waiver(&self) -> Option<&'static str> {
        const WORDS: &str = "--no-cage: whatever takes over a parser may open sockets, start programs and write files";
        self.waived.then_some(WORDS)
    }

    /// One line for people.
    pub fn words(&self) -> String {
        let landlock = self.landlock.map(|abi| format!("landlock (ABI {abi})"));
        let parts: Vec<String> = landlock.into_iter().chain(self.seccomp.then(|| "seccomp".into())).collect();
        let held = if parts.is_empty() { "none".to_string() } else { format!("{} held", parts.join(" and ")) };
        let notes = self.notes.iter().map(|note| format!("; {note}"));
        std::iter::once(held).chain(notes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(cage: &Cage) -> Vec<(String, bool)> {
        cage.places.iter().map(|place| (place.path.display().to_string(), place.folder)).collect()
    }

    #[test]
    fn places_are_folders_that_exist_and_special_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let own = vec![(folder.path().display().to_string(), true)];
        assert_eq!(places(&Cage::new().beside(Some(&at("report.json")))), own);
        assert_eq!(places(&Cage::new().within(Some(&at("a/b/c")))), own);
        assert_eq!(places(&Cage::new().within(Some(folder.path()))), own);
        assert_eq!(places(&Cage::new().beside(Some(Path::new("report.json")))), [(".".to_string(), true)]);
        assert_eq!(places(&Cage::new().within(Some(Path::new("no/such")))), [(".".to_string(), true)]);
        assert_eq!(places(&Cage::new().beside(Some(Path::new("/dev/null")))), [("/dev/null".to_string(), false)]);
        assert_eq!(places(&Cage::new().beside(None).within(None)), []);
        assert_eq!(places(&Cage::new().beside(Some(Path::new("/proc/self/fd/999")))), []);
    }

    #[test]
    fn the_whole_file_system_is_never_open_without_a_word() {
        let open = |cage: Cage| cage.open_root().unwrap_or_default().contains("open beneath /");
        assert!(open(Cage::new().within(Some(Path::new("/no/such/folder")))));
        assert!(open(Cage::new().beside(Some(Path::new("/no-such-file")))));
        assert!(open(Cage::new().within(Some(Path::new("/proc/../no/such")))));
        assert!(!open(Cage::new().within(Some(Path::new("/proc/self")))));
        assert!(!open(Cage::new()));
    }

    #[test]
    fn what_did_not_hold_is_said() {
        let held = |landlock, seccomp, notes: &[&str]| Held {
            landlock,
            seccomp,
            notes: notes.iter().map(|note| note.to_string()).collect(),
            ..Held::default()
        };
        assert_eq!(held(Some(7), true, &[]).words(), "landlock (ABI 7) and seccomp held");
        assert_eq!(held(None, true, &["landlock: no"]).words(), "seccomp held; landlock: no");
        assert_eq!(Held::waived().words(), "none; waived with --no-cage");
        assert!(Held::waived().waiver().is_some() && held(None, false, &[]).waiver().is_none());
    }
}
