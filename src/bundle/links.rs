//! Links: reported, never followed. Refused where they leave the tree, where something would be written through them, and
//! wherever the kind has no links.

use crate::format::anomaly::{Anomaly, Defect};
use crate::format::inventory::{EntryIndex, EntryKind, Inventory, MAX_ANOMALIES};
use crate::format::path;
use std::collections::HashSet;

/// Names of symbolic links as they meet on a file system that folds case: one that looks another way there is the same link.
#[derive(Debug, Default)]
pub struct Symlinks(HashSet<Vec<u8>>);

impl Symlinks {
    /// The links with these names (untrusted).
    pub fn new<'a>(untrusted_names: impl Iterator<Item = &'a [u8]>) -> Symlinks {
        Symlinks(untrusted_names.map(path::folded).collect())
    }

    /// Where a link leads, by [`path::link_destination`].
    ///
    /// # Errors
    /// Why it is refused.
    pub fn destination(&self, link: &[u8], target: &[u8], symbolic: bool) -> Result<Vec<u8>, &'static str> {
        path::link_destination(link, target, symbolic, |name| self.0.contains(&path::folded(name)))
    }
}

/// Defects of the links of `inventory`; every link is one where `allowed` is false. Also entries that lie below something
/// that is no directory: extracting them would write through a link or replace a file.
pub fn judge(inventory: &Inventory, allowed: bool) -> Vec<Anomaly> {
    let mut links: Vec<EntryIndex> = inventory.links.keys().copied().collect();
    links.sort_unstable();
    let symbolic = links.iter().map(|link| inventory.entry(*link)).filter(|entry| entry.kind == EntryKind::Symlink);
    let symlinks = Symlinks::new(symbolic.map(|entry| entry.normal_path()));
    let mut found: Vec<Anomaly> =
        links.into_iter().filter_map(|link| defect(inventory, &symlinks, link, allowed)).collect();
    found.extend(below_files(inventory));
    found.truncate(MAX_ANOMALIES);
    found
}

/// Looks up the ancestors of each folder once: neighbours in name order share theirs.
fn below_files(inventory: &Inventory) -> Vec<Anomaly> {
    let (mut found, mut seen): (Vec<Anomaly>, &[u8]) = (Vec::new(), b"");
    for entry in &inventory.entries {
        let name = entry.normal_path();
        let parent = parent(name);
        if parent == seen || found.len() >= MAX_ANOMALIES {
            continue;
        }
        seen = parent;
        let mut ancestor = parent;
        while !ancestor.is_empty() {
            let kind = inventory.find(ancestor).map(|index| inventory.entry(index).kind);
            if let Some(kind) = kind.filter(|kind| *kind != EntryKind::Dir && !kind.is_link()) {
                let why = format!("it lies below a {}, which cannot hold entries", kind.name());
                found.push(Anomaly::entry(Defect::EntryPath, &entry.path, why));
                break;
            }
            ancestor = self::parent(ancestor);
        }
    }
    found
}

fn parent(name: &[u8]) -> &[u8] {
    name.iter().rposition(|c| *c == b'/').map_or(b"", |slash| &name[..slash])
}

fn defect(inventory: &Inventory, symlinks: &Symlinks, link: EntryIndex, allowed: bool) -> Option<Anomaly> {
    let entry = inventory.entry(link);
    let target = inventory.links.get(&link).map_or(&b""[..], |target| target);
    let refuse = |why: String| Some(Anomaly::entry(Defect::EntryLink, &entry.path, why));
    let destination = match symlinks.destination(&entry.path, target, entry.kind == EntryKind::Symlink) {
        Ok(destination) => destination,
        Err(why) => {
            return refuse(format!("a {} to {:?} {why}", entry.kind.name(), String::from_utf8_lossy(target)));
        }
    };
    // A hard link is a second name of a file. Where the archive has no such file, the next tool takes what lies on the disk
    // under that name, or what a link of that name leads to.
    let is_file = |index| inventory.entry(index).kind == EntryKind::File;
    if entry.kind == EntryKind::Hardlink && !inventory.incomplete && !inventory.find_all(&destination).any(is_file) {
        let target = String::from_utf8_lossy(target);
        return refuse(format!("a {} to {target:?}, which is no file of this archive", entry.kind.name()));
    }
    let below = [entry.normal_path(), b"/"].concat();
    let next = inventory.entries.partition_point(|e| e.normal_path() < below.as_slice());
    if inventory.entries.get(next).is_some_and(|e| e.normal_path().starts_with(&below)) {
        return refuse(format!("a {} has entries below it: they would be written through the link", entry.kind.name()));
    }
    if !allowed {
        return refuse(format!("a {}; this kind of bundle holds files and directories only", entry.kind.name()));
    }
    None
}
