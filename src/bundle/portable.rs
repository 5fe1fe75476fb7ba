//! Names that change or collide when the files go to another system (Windows, exFAT sticks, macOS).

use crate::format::inventory::{EntryIndex, Inventory};
use crate::format::path;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

/// Most names that are shown.
const SHOWN: usize = 5;

/// What was found: how many names, and the first few as sentences.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unportable {
    /// How many names collide or are reserved.
    pub count: usize,
    /// The first few, in path order.
    pub examples: Vec<String>,
}

/// Looks at all names. Sixteen bytes an entry, not a copy of each name.
pub fn judge(inventory: &Inventory) -> Unportable {
    let mut found = Unportable::default();
    for entry in &inventory.entries {
        if let Some(why) = path::unportable(&entry.path) {
            found.add(format!("{}: {why}", shown(&entry.path)));
        }
    }
    for (a, b) in collisions(inventory) {
        let (a, b) = (inventory.entry(a).normal_path(), inventory.entry(b).normal_path());
        found.add(format!("{} and {} are one name elsewhere", shown(a), shown(b)));
    }
    found
}

impl Unportable {
    /// Adds what was found in an archive among the entries.
    pub fn add_nested(&mut self, archive: &[u8], inner: Unportable) {
        self.count += inner.count;
        let room = SHOWN.saturating_sub(self.examples.len());
        self.examples
            .extend(inner.examples.into_iter().take(room).map(|example| format!("in {}: {example}", shown(archive))));
    }

    fn add(&mut self, example: String) {
        self.count += 1;
        if self.examples.len() < SHOWN {
            self.examples.push(example);
        }
    }
}

/// Pairs of entries whose folded names are equal and whose names are not.
fn collisions(inventory: &Inventory) -> Vec<(EntryIndex, EntryIndex)> {
    let fold = |entry: EntryIndex| path::folded(inventory.entry(entry).normal_path());
    let mut hashes: Vec<(u64, EntryIndex)> = (0..inventory.entries.len() as EntryIndex)
        .map(|entry| {
            let mut hasher = DefaultHasher::new();
            fold(entry).hash(&mut hasher);
            (hasher.finish(), entry)
        })
        .collect();
    hashes.sort_unstable();
    let mut pairs: Vec<(EntryIndex, EntryIndex)> = hashes
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .map(|pair| (pair[0].1, pair[1].1))
        .filter(|(a, b)| fold(*a) == fold(*b) && inventory.entry(*a).normal_path() != inventory.entry(*b).normal_path())
        .collect();
    pairs.sort_unstable();
    pairs
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
