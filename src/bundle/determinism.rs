//! Times, modes, owners and order against the documented recipe: a cheap hint at tampering or at another producer, never a
//! failure.

use crate::format::inventory::{EntryKind, Inventory};
use crate::format::path;
use crate::trust::check::{self, Check};

/// What the archives of one producer carry (formats.md 1.5).
pub struct Recipe {
    /// Time of every file, in seconds since 1970.
    mtime: i64,
    /// Whether every entry belongs to user and group 0.
    owner: bool,
    /// Whether entries are sorted by name, as `tar --sort=name` writes them.
    sorted: bool,
}

/// devportal and Evidence Locker: 2025-01-01T00:00:00Z.
pub const DEVPORTAL: Recipe = Recipe { mtime: 1_735_689_600, owner: false, sorted: false };
/// Mirrors and runs: everything zero, sorted.
pub const EPOCH: Recipe = Recipe { mtime: 0, owner: true, sorted: true };

/// Compares every file of an archive with `recipe` and with the modes 0644 and 0755. Directories as input have no recipe.
pub fn judge(inventory: &Inventory, recipe: &Recipe) -> Check {
    if inventory.container.first() == Some(&"directory") {
        return Check::skip(
            check::DETERMINISM,
            "",
            "a directory keeps no times and modes of the archive that it came from",
        );
    }
    let files = || inventory.entries.iter().filter(|e| e.kind == EntryKind::File);
    let times = files().filter(|e| e.mtime != recipe.mtime).count();
    let modes = files().filter(|e| !matches!(e.mode & 0o7777, 0o644 | 0o755)).count();
    let owners = if recipe.owner { inventory.entries.iter().filter(|e| e.owned).count() } else { 0 };
    let unsorted = inventory.unsorted.as_deref().filter(|_| recipe.sorted);
    if times + modes + owners == 0 && unsorted.is_none() {
        let what = if recipe.owner { "times, modes, owners and order" } else { "times and modes" };
        return Check::pass(check::DETERMINISM, "", format!("{what} are those of the documented recipe"));
    }
    let mut detail = format!(
        "hint, not a failure: {times} files have another time than the documented recipe, {modes} another mode than 0644 or 0755"
    );
    if recipe.owner {
        detail.push_str(&format!(", {owners} entries another owner than 0:0"));
    }
    if let Some(name) = unsorted {
        detail.push_str(&format!(", and entries are not sorted by name, first {}", path::lossless(name)));
    }
    Check::skip(check::DETERMINISM, "", detail)
}
