//! Writing ahead: what the first pass reads goes into the staging folder while it is measured, so that a good verdict needs no
//! second reading. The digest of what was written is that of what is judged, since both are of the same bytes.
//!
//! The folder is private and has no name that anybody looks for; without a good verdict it is removed with all that is in it.
//! Anything that goes wrong here is no failure of the run: the work is given up, and what is wanted is written in a second pass,
//! which says what is wrong.

use super::beneath::times;
use super::interrupt::Interrupt;
use super::plan::{Item, Plan, file_mode};
use super::staging::{Staging, Target};
use crate::format::digest::Sha256Bytes;
use crate::format::inventory::{EntryIndex, Observed};
use crate::format::path;
use crate::pipeline::scan::ScanError;
use crate::pipeline::sink::{Copying, Copyist};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Most files that are written ahead, at about 250 bytes for what is known of each: 60 MiB. The rest is left to a second pass.
const MAX_FILES: usize = 1 << 18;

/// What one file became.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    sha256: Sha256Bytes,
    size: u64,
    mode: u32,
}

/// Takes copies of all files of the first pass.
pub(super) struct Ahead<'a> {
    staging: Staging,
    interrupt: &'a Interrupt,
    preserve_times: bool,
    /// Bytes that may still be begun: those that were free.
    room: AtomicU64,
    /// Folders that were made, and files by name: `None` until one is whole.
    folders: Mutex<BTreeSet<Vec<u8>>>,
    files: Mutex<BTreeMap<Vec<u8>, Option<Written>>>,
    given_up: AtomicBool,
}

impl<'a> Ahead<'a> {
    /// Writes into `staging`, where `free` bytes are free.
    pub(super) fn new(staging: Staging, free: u64, interrupt: &'a Interrupt, preserve_times: bool) -> Self {
        Ahead {
            staging,
            interrupt,
            preserve_times,
            room: AtomicU64::new(free),
            folders: Mutex::default(),
            files: Mutex::default(),
            given_up: AtomicBool::new(false),
        }
    }

    /// Where the tree is to lie.
    pub(super) fn target(&self) -> &Target {
        self.staging.target()
    }

    /// Takes so many bytes of those that are free; `false` where there are fewer.
    fn take_room(&self, bytes: u64) -> bool {
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(bytes)).is_ok()
    }

    fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    fn begin(&self, entry: &Observed) -> io::Result<File> {
        let name = entry.normal_path();
        if let Some(slash) = name.iter().rposition(|c| *c == b'/') {
            self.make_folder(&name[..slash])?;
        }
        let file = self.staging.tree().create(name, file_mode(entry))?;
        if let Ok(mut files) = self.files.lock() {
            files.insert(name.to_vec(), None);
        }
        Ok(file)
    }

    /// Makes the folder `name` and those that it lies in, unless that was done already.
    fn make_folder(&self, name: &[u8]) -> io::Result<()> {
        let Ok(mut made) = self.folders.lock() else { return Err(io::Error::other("another thread failed")) };
        if made.contains(name) {
            return Ok(());
        }
        let ends = name.iter().enumerate().filter(|(_, c)| **c == b'/').map(|(at, _)| at).chain([name.len()]);
        let missing: Vec<&[u8]> = ends.map(|end| &name[..end]).filter(|folder| !made.contains(*folder)).collect();
        self.staging.tree().make_folders(missing.iter().copied())?;
        made.extend(missing.into_iter().map(<[u8]>::to_vec));
        Ok(())
    }

    /// The staging folder with nothing in it but files and folders of `plan`, and which of its files are there already, each
    /// with the digest that was verified. The rest is written in a second pass.
    ///
    /// # Errors
    /// What the plan does not want could not be removed.
    pub(super) fn settle(self, plan: &Plan) -> io::Result<(Staging, Done)> {
        let (files, folders) = (self.files.into_inner(), self.folders.into_inner());
        let (Ok(mut files), Ok(folders), false) = (files, folders, self.given_up.into_inner()) else {
            self.staging.clear()?;
            return Ok((self.staging, Done::default()));
        };
        let mut done = Done::default();
        for item in plan.files.iter().filter(|item| !item.sealed) {
            let is_it =
                |written: &Written| *written == Written { sha256: item.sha256, size: item.size, mode: item.mode };
            if files.get(&item.name).is_some_and(|written| written.as_ref().is_some_and(is_it)) {
                files.remove(&item.name);
                done.files.insert(item.entry);
            }
        }
        let tree = self.staging.tree();
        files.keys().try_for_each(|name| tree.remove(name, false))?;
        // The deepest first: a folder that holds something is one that the plan wants.
        folders
            .iter()
            .rev()
            .filter(|name| !plan.folders.contains(*name))
            .try_for_each(|name| tree.remove(name, true))?;
        done.folders = folders;
        Ok((self.staging, done))
    }
}

/// What lies in the staging folder already.
#[derive(Debug, Default)]
pub(super) struct Done {
    files: HashSet<EntryIndex>,
    folders: BTreeSet<Vec<u8>>,
}

impl Done {
    /// Whether the file is there.
    pub(super) fn has(&self, item: &Item) -> bool {
        self.files.contains(&item.entry)
    }

    /// Whether the folder is there.
    pub(super) fn has_folder(&self, name: &[u8]) -> bool {
        self.folders.contains(name)
    }
}

impl Copyist for Ahead<'_> {
    fn pulse(&self) -> Result<(), ScanError> {
        Ok(self.interrupt.check()?)
    }

    fn open<'s>(&'s self, entry: &Observed) -> Option<Box<dyn Copying + 's>> {
        if self.given_up.load(Ordering::Relaxed) {
            return None;
        }
        if self.files.lock().is_ok_and(|files| files.len() >= MAX_FILES) {
            return None;
        }
        // Such an entry fails the container, and what is left of the bundle is never written.
        if path::danger(entry.normal_path()).is_some() {
            self.give_up();
            return None;
        }
        if !self.take_room(entry.size) {
            self.give_up();
            return None;
        }
        match self.begin(entry) {
            Ok(file) => Some(Box::new(Copy { ahead: self, entry: entry.clone(), file: Some(file), size: 0 })),
            Err(_) => {
                self.give_up();
                None
            }
        }
    }
}

/// One file that is being written.
struct Copy<'s> {
    ahead: &'s Ahead<'s>,
    entry: Observed,
    /// `None` once something went wrong.
    file: Option<File>,
    size: u64,
}

impl Copying for Copy<'_> {
    fn update(&mut self, bytes: &[u8]) {
        let Some(file) = &mut self.file else { return };
        let before = self.size.max(self.entry.size);
        self.size += bytes.len() as u64;
        // The size of what is no archive is known only at its end.
        let room = self.ahead.take_room(self.size.saturating_sub(before));
        if !room || self.ahead.given_up.load(Ordering::Relaxed) || file.write_all(bytes).is_err() {
            self.file = None;
            self.ahead.give_up();
        }
    }

    fn finish(self: Box<Self>, sha256: Sha256Bytes) {
        let Some(file) = self.file else { return };
        if self.ahead.preserve_times && rustix::fs::futimens(&file, &times(self.entry.mtime)).is_err() {
            return self.ahead.give_up();
        }
        if let Ok(mut files) = self.ahead.files.lock() {
            let written = Written { sha256, size: self.size, mode: file_mode(&self.entry) };
            files.insert(self.entry.normal_path().to_vec(), Some(written));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::digest::sha256;
    use crate::format::inventory::EntryKind;
    use std::path::Path;

    fn entry(name: &str, content: &[u8]) -> Observed {
        Observed {
            path: name.as_bytes().into(),
            size: content.len() as u64,
            mtime: 0,
            sha256: sha256(content),
            mode: 0o640,
            kind: EntryKind::File,
            hashed: true,
            owned: false,
        }
    }

    /// What is left in the staging folder, and how many files count as done, where `read` was read and `wanted` is wanted.
    fn settled(read: &[(&str, &[u8])], wanted: &[(&str, &[u8])], room: u64) -> (Vec<String>, usize) {
        let temp = tempfile::tempdir().unwrap();
        let interrupt = Interrupt::listen(temp.path());
        let staging = Staging::make(Target::open(&temp.path().join("out"), false).unwrap()).unwrap();
        let ahead = Ahead::new(staging, room, &interrupt, false);
        for (name, content) in read {
            let found = entry(name, content);
            let Some(mut copy) = ahead.open(&found) else { continue };
            content.iter().for_each(|byte| copy.update(&[*byte]));
            copy.finish(found.sha256);
        }
        let mut plan = Plan::default();
        for (number, (name, content)) in (0..).zip(wanted) {
            let name = name.as_bytes().to_vec();
            plan.folders.extend(name.iter().rposition(|c| *c == b'/').map(|slash| name[..slash].to_vec()));
            let (sha256, size) = (sha256(content), content.len() as u64);
            plan.files.push(Item { entry: number, name, sha256, size, mode: 0o644, mtime: 0, sealed: false });
        }
        let (staging, done) = ahead.settle(&plan).unwrap();
        (below(&temp.path().join(staging.name()).join("tree")), done.files.len())
    }

    fn below(at: &Path) -> Vec<String> {
        let found = walkdir::WalkDir::new(at).min_depth(1).sort_by_file_name().into_iter();
        found.map(|e| e.unwrap().path().strip_prefix(at).unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_is_wanted_stays_and_nothing_else() {
        let read: &[(&str, &[u8])] = &[("d/a", b"1"), ("d/b", b"2"), ("e/f/c", b"3"), ("g", b"")];
        assert_eq!(settled(read, &[("d/a", b"1"), ("g", b"")], 100), (vec!["d".into(), "d/a".into(), "g".into()], 2));
        assert_eq!(settled(read, &[], 100), (vec![], 0));
    }

    #[test]
    fn a_file_of_another_content_than_was_verified_is_not_done() {
        let read: &[(&str, &[u8])] = &[("a", b"one")];
        assert_eq!(settled(read, &[("a", b"two")], 100), (vec![], 0));
        assert_eq!(settled(read, &[("a", b"on")], 100), (vec![], 0));
    }

    #[test]
    fn what_cannot_be_written_ahead_is_left_to_the_second_pass() {
        for (read, room) in [
            (&[("a", &b"1234"[..]), ("b", b"5")][..], 4),
            (&[("a", b"1"), ("a", b"2")], 100),
            (&[("a", b"1"), ("a/b", b"2")], 100),
            (&[("a", b"1"), ("../b", b"2")], 100),
            (&[("a", b"1"), ("/b", b"2")], 100),
            (&[("a", b"1"), ("b\0c", b"2")], 100),
        ] {
            assert_eq!(settled(read, &[("a", b"1")], room), (vec![], 0), "{read:?}");
        }
    }
}
