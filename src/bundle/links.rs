//! Links: reported, never followed. Refused where they leave the tree, where something would be written through them, and
//! wherever the kind has no links.

use crate::format::anomaly::{Anomaly, Defect};
use crate::format::inventory::{EntryIndex, EntryKind, Inventory};
use crate::format::path;

/// Defects of the links of `inventory`; every link is one where `allowed` is false.
pub fn judge(inventory: &Inventory, allowed: bool) -> Vec<Anomaly> {
    let mut links: Vec<EntryIndex> = inventory.links.keys().copied().collect();
    links.sort_unstable();
    links.into_iter().filter_map(|link| defect(inventory, link, allowed)).collect()
}

fn defect(inventory: &Inventory, link: EntryIndex, allowed: bool) -> Option<Anomaly> {
    let entry = inventory.entry(link);
    let target = inventory.links.get(&link).map_or(&b""[..], |target| target);
    let refuse = |why: String| Some(Anomaly::entry(Defect::EntryLink, &entry.path, why));
    if path::link_destination(&entry.path, target, entry.kind == EntryKind::Symlink).is_none() {
        return refuse(format!("a {} to {:?} leaves the tree", entry.kind.name(), String::from_utf8_lossy(target)));
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
