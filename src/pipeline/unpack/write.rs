//! The sink that writes: each entry that the plan names goes into a new file and is hashed on its way. What differs from what
//! was verified ends the run.

use super::beneath::{Tree, times};
use super::interrupt::Interrupt;
use super::plan::Item;
use crate::format::digest::Hasher;
use crate::format::inventory::{EntryIndex, Inventory, Observed};
use crate::pipeline::error::EnvironmentError;
use crate::pipeline::meter::{Form, Measured};
use crate::pipeline::scan::ScanError;
use crate::pipeline::sink::{Intake, Sink};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Writes the files of a plan.
pub(super) struct Writer<'a> {
    tree: &'a Tree,
    inventory: &'a Inventory,
    /// The input, for messages.
    input: &'a Path,
    /// The target, for messages.
    target: &'a Path,
    interrupt: &'a Interrupt,
    preserve_times: bool,
    /// By index of the inventory that was verified.
    items: HashMap<EntryIndex, &'a Item>,
    /// By index of this pass: what it is in the inventory that was verified.
    open: Mutex<HashMap<EntryIndex, EntryIndex>>,
    written: AtomicU64,
    stopped: AtomicBool,
    error: Mutex<Option<EnvironmentError>>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        tree: &'a Tree,
        inventory: &'a Inventory,
        (input, target): (&'a Path, &'a Path),
        interrupt: &'a Interrupt,
        preserve_times: bool,
        items: impl Iterator<Item = &'a Item>,
    ) -> Self {
        Writer {
            tree,
            inventory,
            input,
            target,
            interrupt,
            preserve_times,
            items: items.map(|item| (item.entry, item)).collect(),
            open: Mutex::new(HashMap::new()),
            written: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            error: Mutex::new(None),
        }
    }

    /// Whether there is anything to write.
    pub(super) fn is_idle(&self) -> bool {
        self.items.is_empty()
    }

    /// The outcome, once the pass has ended with `pass`.
    ///
    /// # Errors
    /// The first thing that went wrong, or that an entry did not come again.
    pub(super) fn settle(self, pass: Result<(), ScanError>) -> Result<(), EnvironmentError> {
        if let Some(error) = self.error.into_inner().ok().flatten() {
            return Err(error);
        }
        match pass {
            Ok(()) if self.written.into_inner() == self.items.len() as u64 => Ok(()),
            // The first pass read the same bytes to their end without a defect, so they are no longer the same.
            Ok(()) | Err(ScanError::Bad(_)) => Err(EnvironmentError::Changed { path: self.input.into() }),
            Err(ScanError::Medium(error)) => Err(error),
            Err(ScanError::Io(error)) => Err(EnvironmentError::read(self.input, error)),
        }
    }

    /// Begins the file of `item`.
    pub(super) fn begin(&self, item: &'a Item) -> Writing<'_> {
        let file = self.tree.create(&item.name, item.mode).map_err(|error| self.fail(self.write_error(item, error)));
        Writing { writer: self, item: Some(item), file: file.ok(), hasher: Hasher::new(false), size: 0 }
    }

    fn write_error(&self, item: &Item, error: io::Error) -> EnvironmentError {
        EnvironmentError::write(named(self.target, &item.name), error)
    }

    fn changed(&self) -> EnvironmentError {
        EnvironmentError::Changed { path: self.input.into() }
    }

    fn fail(&self, error: EnvironmentError) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Ok(mut first) = self.error.lock() {
            first.get_or_insert(error);
        }
    }
}

/// A file below the target, for messages.
pub(super) fn named(target: &Path, name: &[u8]) -> PathBuf {
    target.join(crate::format::path::lossless(name))
}

impl Sink for Writer<'_> {
    type Open<'s>
        = Writing<'s>
    where
        Self: 's;

    fn admit(&self, index: EntryIndex, entry: &Observed) -> Result<bool, ScanError> {
        self.pulse()?;
        let Some(known) = self.inventory.find(entry.normal_path()) else { return Err(self.changed().into()) };
        let verified = self.inventory.entry(known);
        if verified.kind != entry.kind || verified.path != entry.path {
            return Err(self.changed().into());
        }
        if !self.items.contains_key(&known) {
            return Ok(false);
        }
        if let Ok(mut open) = self.open.lock() {
            open.insert(index, known);
        }
        Ok(true)
    }

    fn pulse(&self) -> Result<(), ScanError> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(ScanError::Io(io::Error::other("the writing has stopped")));
        }
        Ok(self.interrupt.check()?)
    }

    fn start(&self, index: EntryIndex, _form: Form) -> Writing<'_> {
        // An entry that comes twice is begun once: the second time it is no entry that was verified.
        let item =
            self.open.lock().ok().and_then(|mut open| open.remove(&index)).and_then(|known| self.items.get(&known));
        match item {
            Some(item) => self.begin(item),
            None => Writing { writer: self, item: None, file: None, hasher: Hasher::new(false), size: 0 },
        }
    }
}

/// One file that is being written.
pub(super) struct Writing<'s> {
    writer: &'s dyn Settles,
    item: Option<&'s Item>,
    /// `None` once something went wrong.
    file: Option<File>,
    hasher: Hasher,
    size: u64,
}

/// What a file needs of its writer.
trait Settles: Sync {
    fn failed(&self, item: &Item, error: io::Error);
    fn differs(&self);
    fn done(&self, item: &Item, file: &File) -> io::Result<()>;
}

impl Settles for Writer<'_> {
    fn failed(&self, item: &Item, error: io::Error) {
        self.fail(self.write_error(item, error));
    }

    fn differs(&self) {
        self.fail(self.changed());
    }

    fn done(&self, item: &Item, file: &File) -> io::Result<()> {
        if self.preserve_times {
            rustix::fs::futimens(file, &times(item.mtime))?;
        }
        self.written.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Intake for Writing<'_> {
    fn update(&mut self, bytes: &[u8]) {
        let (Some(item), Some(file)) = (self.item, &mut self.file) else { return };
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        // Not a byte more than was verified reaches the medium.
        if self.size > item.size {
            self.file = None;
            return self.writer.differs();
        }
        if let Err(error) = file.write_all(bytes) {
            self.file = None;
            self.writer.failed(item, error);
        }
    }

    fn finish(self) -> Measured {
        let digests = self.hasher.finish();
        if let (Some(item), Some(file)) = (self.item, &self.file) {
            if self.size != item.size || digests.sha256 != item.sha256 {
                self.writer.differs();
            } else if let Err(error) = self.writer.done(item, file) {
                self.writer.failed(item, error);
            }
        }
        Measured { digests, contents: None, copy: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::digest::sha256;
    use std::os::fd::AsFd as _;

    /// Writes `parts` as the entry whose content was verified as `abc`.
    fn outcome(parts: &[&[u8]]) -> (Result<(), EnvironmentError>, Vec<u8>) {
        let temp = tempfile::tempdir().unwrap();
        let parent = File::open(temp.path()).unwrap();
        let tree = Tree::make(parent.as_fd(), b"tree").unwrap();
        let (inventory, interrupt) = (Inventory::default(), Interrupt::listen(temp.path()));
        let (sha256, name) = (sha256(b"abc"), b"name".to_vec());
        let item = Item { entry: 0, name, sha256, size: 3, mode: 0o644, mtime: 0, sealed: false };
        let paths = (Path::new("input"), temp.path());
        let writer = Writer::new(&tree, &inventory, paths, &interrupt, false, [&item].into_iter());
        let mut file = writer.begin(&item);
        parts.iter().for_each(|part| file.update(part));
        file.finish();
        (writer.settle(Ok(())), std::fs::read(temp.path().join("tree/name")).unwrap())
    }

    #[test]
    fn only_what_was_verified_is_written() {
        assert!(outcome(&[b"a", b"bc"]).0.is_ok());
        for parts in [&[&b"abd"[..]][..], &[b"ab"], &[]] {
            assert!(matches!(outcome(parts).0, Err(EnvironmentError::Changed { .. })), "{parts:?}");
        }
        let (longer, written) = outcome(&[b"abc", b"and a gigabyte more"]);
        assert!(matches!(longer, Err(EnvironmentError::Changed { .. })));
        assert_eq!(written, b"abc", "not a byte more than was verified");
    }

    #[test]
    fn an_entry_that_does_not_come_again_is_missed() {
        let temp = tempfile::tempdir().unwrap();
        let parent = File::open(temp.path()).unwrap();
        let tree = Tree::make(parent.as_fd(), b"tree").unwrap();
        let (inventory, interrupt) = (Inventory::default(), Interrupt::listen(temp.path()));
        let item = Item { entry: 0, name: vec![b'n'], sha256: [0; 32], size: 0, mode: 0o644, mtime: 0, sealed: false };
        let paths = (Path::new("input"), temp.path());
        let writer = Writer::new(&tree, &inventory, paths, &interrupt, false, [&item].into_iter());
        assert!(matches!(writer.settle(Ok(())), Err(EnvironmentError::Changed { .. })));
    }

    #[test]
    fn nothing_is_made_through_a_link_or_over_a_file() {
        let temp = tempfile::tempdir().unwrap();
        let parent = File::open(temp.path()).unwrap();
        let tree = Tree::make(parent.as_fd(), b"tree").unwrap();
        std::fs::create_dir(temp.path().join("outside")).unwrap();
        tree.link(b"../outside", b"d").unwrap();
        tree.link(b"../outside/file", b"f").unwrap();
        assert!(tree.create(b"d/evil", 0o644).is_err());
        assert!(tree.create(b"f", 0o644).is_err());
        assert!(tree.create(b"../evil", 0o644).is_err());
        assert!(tree.make_folders([&b"d/e"[..]].into_iter()).is_err());
        assert_eq!(std::fs::read_dir(temp.path().join("outside")).unwrap().count(), 0);
        tree.create(b"plain", 0o644).unwrap();
        assert!(tree.create(b"plain", 0o644).is_err());
        super::super::beneath::clear(tree.root()).unwrap();
        assert!(temp.path().join("outside").exists(), "links are removed, not followed");
    }
}
