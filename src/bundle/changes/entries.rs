//! Entries of two bundles, side by side: a merge walk over both lists, which are sorted, so nothing is searched.

use crate::format::digest::Sha256Bytes;
use crate::format::inventory::{EntryIndex, EntryKind, Inventory, Observed};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Its path is new.
    Added,
    /// Its path is gone.
    Removed,
    /// Another content, type or link target under the same path.
    Changed,
    /// The same content under another path.
    Moved,
    /// The same content under the same path, with other permissions.
    Remoded,
    /// The two sides state different things of one path, such as digests of two algorithms; only where contents were not
    /// read.
    NotComparable,
}

impl Change {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Changed => "changed",
            Change::Moved => "moved",
            Change::Remoded => "re-moded",
            Change::NotComparable => "not-comparable",
        }
    }

    /// What it is called when the two bundles change places.
    #[must_use]
    pub fn reversed(self) -> Change {
        match self {
            Change::Added => Change::Removed,
            Change::Removed => Change::Added,
            same => same,
        }
    }
}

/// One entry that is not the same on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryChange {
    /// What happened.
    pub change: Change,
    /// The entry of the old bundle, where it has one.
    pub old: Option<EntryIndex>,
    /// The entry of the new bundle, where it has one.
    pub new: Option<EntryIndex>,
}

impl EntryChange {
    /// The path of the entry in the new bundle; of one that is gone, that in the old.
    pub fn path<'a>(&self, old: &'a Inventory, new: &'a Inventory) -> &'a [u8] {
        match (self.new, self.old) {
            (Some(index), _) => new.entry(index).normal_path(),
            (None, Some(index)) => old.entry(index).normal_path(),
            (None, None) => b"",
        }
    }
}

/// How many entries, and how many bytes of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries that only the new bundle has.
    pub added: u64,
    /// Entries that only the old bundle has.
    pub removed: u64,
    /// Entries of one path and two contents.
    pub changed: u64,
    /// Contents that have another path.
    pub moved: u64,
    /// Entries whose permissions alone are different.
    pub remoded: u64,
    /// Paths of which the two sides state different things; none where contents were read.
    pub not_comparable: u64,
    /// Entries that are the same.
    pub unchanged: u64,
    /// Bytes of the files that were added, and of the new content of those that were changed.
    pub bytes_added: u64,
    /// Bytes of the files that were removed, and of the old content of those that were changed.
    pub bytes_removed: u64,
}

impl Counts {
    /// The count of one sort of change.
    pub(super) fn of(&mut self, change: Change) -> &mut u64 {
        match change {
            Change::Added => &mut self.added,
            Change::Removed => &mut self.removed,
            Change::Changed => &mut self.changed,
            Change::Moved => &mut self.moved,
            Change::Remoded => &mut self.remoded,
            Change::NotComparable => &mut self.not_comparable,
        }
    }
}

/// The comparison of all entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    /// What is not the same, by path.
    pub changes: Vec<EntryChange>,
    /// Counts over all entries that were compared.
    pub counts: Counts,
    /// What was compared of each.
    pub scope: Scope,
}

/// What is compared of entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// Names, content and permissions.
    #[default]
    All,
    /// Permissions and folders are left out, because only one side is a directory of a file system.
    NamesAndContent,
    /// Content alone: either side is one document, whatever its name.
    Content,
}

impl Scope {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Scope::All => "names-content-and-modes",
            Scope::NamesAndContent => "names-and-content",
            Scope::Content => "content",
        }
    }
}

impl Entries {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Compares `old` with `new`, both untrusted and read to their end.
    ///
    /// A file system has permissions and folders of its own making: where one side alone is a directory, these say nothing
    /// and are left out.
    pub fn compare(old: &Inventory, new: &Inventory) -> Entries {
        let is_tree = |inventory: &Inventory| inventory.container.first() == Some(&"directory");
        let names_and_content_only = is_tree(old) != is_tree(new);
        let mut walk = Walk { old, new, loose: names_and_content_only, entries: Entries::default() };
        walk.run();
        let mut entries = walk.entries;
        entries.scope = if names_and_content_only { Scope::NamesAndContent } else { Scope::All };
        join_moved(&mut entries, old, new);
        count_bytes(&mut entries, old, new);
        entries.changes.sort_by(|a, b| {
            (a.path(old, new), a.change, a.old, a.new).cmp(&(b.path(old, new), b.change, b.old, b.new))
        });
        entries
    }
}

impl Entries {
    /// Compares two inputs that are one document each, by content.
    pub fn of_one(old: &Inventory, new: &Inventory) -> Entries {
        let mut entries = Entries { scope: Scope::Content, ..Entries::default() };
        let content = |inventory: &Inventory| inventory.entries.first().and_then(|entry| entry.digest().copied());
        match (content(old), content(new)) {
            (Some(a), Some(b)) if a == b => entries.counts.unchanged = 1,
            _ => entries.changes.push(EntryChange { change: Change::Changed, old: Some(0), new: Some(0) }),
        }
        count_bytes(&mut entries, old, new);
        entries
    }
}

struct Walk<'a> {
    old: &'a Inventory,
    new: &'a Inventory,
    loose: bool,
    entries: Entries,
}

impl Walk<'_> {
    fn run(&mut self) {
        let (mut old, mut new) = (self.first(self.old, 0), self.first(self.new, 0));
        loop {
            let order = match (old, new) {
                (None, None) => return,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => self.old.entry(a).normal_path().cmp(self.new.entry(b).normal_path()),
            };
            match (order, old, new) {
                (Ordering::Less, Some(a), _) => self.note(Change::Removed, Some(a), None),
                (Ordering::Greater, _, Some(b)) => self.note(Change::Added, None, Some(b)),
                (_, Some(a), Some(b)) => self.both(a, b),
                _ => return,
            }
            if order != Ordering::Greater {
                old = old.and_then(|index| self.first(self.old, index + 1));
            }
            if order != Ordering::Less {
                new = new.and_then(|index| self.first(self.new, index + 1));
            }
        }
    }

    /// The first entry from `index` on that is compared: the folder that holds all has no name and is none.
    fn first(&self, inventory: &Inventory, index: EntryIndex) -> Option<EntryIndex> {
        let counts = |entry: &Observed| entry.kind != EntryKind::Dir || !(self.loose || entry.normal_path().is_empty());
        let rest = inventory.entries.get(index as usize..)?;
        rest.iter().position(counts).map(|at| index + at as EntryIndex)
    }

    fn both(&mut self, a: EntryIndex, b: EntryIndex) {
        let (old, new) = (self.old.entry(a), self.new.entry(b));
        let targets = self.old.links.get(&a) == self.new.links.get(&b);
        let content = old.kind == new.kind && old.digest() == new.digest() && targets;
        // The size of a folder is that of its list of names on one disk, and is nobody's business.
        let content = content && (old.size == new.size || old.kind == EntryKind::Dir);
        if !content {
            self.note(Change::Changed, Some(a), Some(b));
        } else if !self.loose && permissions(old) != permissions(new) {
            self.note(Change::Remoded, Some(a), Some(b));
        } else {
            self.entries.counts.unchanged += 1;
        }
    }

    fn note(&mut self, change: Change, old: Option<EntryIndex>, new: Option<EntryIndex>) {
        self.entries.changes.push(EntryChange { change, old, new });
    }
}

/// Permissions with the bits for another user; links have none.
fn permissions(entry: &Observed) -> u32 {
    if entry.kind == EntryKind::Symlink { 0 } else { entry.mode & 0o7777 }
}

/// Joins what was removed here and added there with the same content. Of several with one content the first goes with the
/// first, in the order of their paths; so the other direction gives the same pairs.
fn join_moved(entries: &mut Entries, old: &Inventory, new: &Inventory) {
    let mut gone: BTreeMap<Sha256Bytes, Vec<usize>> = BTreeMap::new();
    let digest = |inventory: &Inventory, index: EntryIndex| {
        let entry = inventory.entry(index);
        entry.digest().copied().filter(|_| entry.kind == EntryKind::File)
    };
    for (at, change) in entries.changes.iter().enumerate().rev() {
        if let (Change::Removed, Some(index)) = (change.change, change.old)
            && let Some(digest) = digest(old, index)
        {
            gone.entry(digest).or_default().push(at);
        }
    }
    let mut joined = vec![false; entries.changes.len()];
    for at in 0..entries.changes.len() {
        let (Change::Added, Some(index)) = (entries.changes[at].change, entries.changes[at].new) else { continue };
        let Some(Slot::Occupied(mut slot)) = digest(new, index).map(|digest| gone.entry(digest)) else { continue };
        let Some(from) = slot.get_mut().pop() else { continue };
        entries.changes[at] = EntryChange { change: Change::Moved, old: entries.changes[from].old, new: Some(index) };
        joined[from] = true;
    }
    let mut joined = joined.into_iter();
    entries.changes.retain(|_| !joined.next().unwrap_or(false));
}

fn count_bytes(entries: &mut Entries, old: &Inventory, new: &Inventory) {
    let bytes = |inventory: &Inventory, index: Option<EntryIndex>| {
        let entry = index.map(|index| inventory.entry(index)).filter(|entry| entry.kind == EntryKind::File);
        entry.map_or(0, |entry| entry.size)
    };
    let counts = &mut entries.counts;
    for change in &entries.changes {
        *counts.of(change.change) += 1;
        if !matches!(change.change, Change::Moved | Change::Remoded) {
            counts.bytes_added = counts.bytes_added.saturating_add(bytes(new, change.new));
            counts.bytes_removed = counts.bytes_removed.saturating_add(bytes(old, change.old));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inventory(files: &[(String, u8, bool)], container: &'static str) -> Inventory {
        let mut inventory = Inventory { container: vec![container], ..Inventory::default() };
        for (path, content, executable) in files {
            inventory.entries.push(Observed {
                path: path.as_bytes().into(),
                size: u64::from(*content),
                mtime: 0,
                sha256: crate::format::digest::sha256(&[*content]),
                mode: if *executable { 0o755 } else { 0o644 },
                kind: EntryKind::File,
                hashed: true,
                owned: false,
            });
        }
        inventory.seal();
        inventory
    }

    fn tree(files: &[(&str, u8, bool)]) -> Inventory {
        let files: Vec<_> = files.iter().map(|(path, content, mode)| ((*path).to_string(), *content, *mode)).collect();
        inventory(&files, "tar")
    }

    fn words(entries: &Entries, old: &Inventory, new: &Inventory) -> Vec<String> {
        let word = |c: &EntryChange| format!("{} {}", c.change.name(), String::from_utf8_lossy(c.path(old, new)));
        entries.changes.iter().map(word).collect()
    }

    #[test]
    fn each_sort_of_change_has_its_word() {
        let old = tree(&[("a", 1, false), ("b", 2, false), ("c", 3, false), ("d", 4, false), ("same", 9, false)]);
        let new =
            tree(&[("./a", 7, false), ("b", 2, true), ("new", 5, false), ("there", 3, false), ("same", 9, false)]);
        let entries = Entries::compare(&old, &new);
        let expected = ["changed a", "re-moded b", "removed d", "added new", "moved there"];
        assert_eq!(words(&entries, &old, &new), expected);
        let counts = Counts {
            added: 1,
            removed: 1,
            changed: 1,
            moved: 1,
            remoded: 1,
            unchanged: 1,
            bytes_added: 12,
            bytes_removed: 5,
            ..Counts::default()
        };
        assert_eq!(entries.counts, counts);
    }

    #[test]
    fn a_directory_and_an_archive_are_compared_by_names_and_content() {
        let files = [("x/a".to_string(), 1, false)];
        let (mut here, there) = (inventory(&files, "directory"), inventory(&[("x/a".to_string(), 1, true)], "tar"));
        let folder = Observed { path: b"x"[..].into(), kind: EntryKind::Dir, hashed: false, ..here.entries[0].clone() };
        here.entries.insert(0, folder);
        let entries = Entries::compare(&here, &there);
        assert!(entries.is_empty() && entries.scope == Scope::NamesAndContent, "{entries:?}");
        assert_eq!(entries.counts.unchanged, 1);
    }

    fn files() -> impl Strategy<Value = Vec<(String, u8, bool)>> {
        proptest::collection::btree_map("[a-c]{1,2}", (0_u8..4, any::<bool>()), 0..10)
            .prop_map(|files| files.into_iter().map(|(path, (content, mode))| (path, content, mode)).collect())
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself(files in files()) {
            let one = inventory(&files, "tar");
            let entries = Entries::compare(&one, &one);
            prop_assert!(entries.is_empty());
            prop_assert_eq!(entries.counts, Counts { unchanged: files.len() as u64, ..Counts::default() });
        }

        #[test]
        fn the_way_back_is_the_way_there_reversed(a in files(), b in files()) {
            let (a, b) = (inventory(&a, "tar"), inventory(&b, "tar"));
            let (there, back) = (Entries::compare(&a, &b), Entries::compare(&b, &a));
            let turned = |c: &EntryChange| (c.change.reversed() as u8, c.new, c.old);
            let mut reversed: Vec<_> = there.changes.iter().map(turned).collect();
            let mut back_list: Vec<_> = back.changes.iter().map(|c| (c.change as u8, c.old, c.new)).collect();
            reversed.sort_unstable();
            back_list.sort_unstable();
            prop_assert_eq!(reversed, back_list);
            let Counts { added, removed, bytes_added, bytes_removed, .. } = there.counts;
            let turned = Counts { added: removed, removed: added, bytes_added: bytes_removed, bytes_removed: bytes_added, ..there.counts };
            prop_assert_eq!(turned, back.counts);
        }

        #[test]
        fn the_counts_add_up(a in files(), b in files()) {
            let (a, b) = (inventory(&a, "tar"), inventory(&b, "tar"));
            let counts = Entries::compare(&a, &b).counts;
            let kept = counts.changed + counts.moved + counts.remoded + counts.unchanged;
            prop_assert_eq!(counts.removed + kept, a.entries.len() as u64);
            prop_assert_eq!(counts.added + kept, b.entries.len() as u64);
            prop_assert_eq!(a.total_bytes() + counts.bytes_added, b.total_bytes() + counts.bytes_removed);
        }
    }
}
