//! Times and modes against the documented recipe: a cheap hint at tampering or at another producer, never a failure.

use crate::format::inventory::{EntryKind, Inventory};
use crate::trust::check::{self, Check};

/// 2025-01-01T00:00:00Z, the time that devportal and Evidence Locker archives carry.
pub const DEVPORTAL_MTIME: i64 = 1_735_689_600;

/// Compares every entry of an archive with `mtime` and the modes 0644 and 0755. Directories as input have no recipe.
pub fn judge(inventory: &Inventory, mtime: i64) -> Check {
    if inventory.container.first() == Some(&"directory") {
        return Check::skip(
            check::DETERMINISM,
            "",
            "a directory keeps no times and modes of the archive that it came from",
        );
    }
    let files = || inventory.entries.iter().filter(|e| e.kind == EntryKind::File);
    let times = files().filter(|e| e.mtime != mtime).count();
    let modes = files().filter(|e| !matches!(e.mode & 0o7777, 0o644 | 0o755)).count();
    if times + modes == 0 {
        return Check::pass(check::DETERMINISM, "", "times and modes are those of the documented recipe");
    }
    let detail = format!(
        "hint, not a failure: {times} files have another time than the documented recipe, {modes} another mode than 0644 or 0755"
    );
    Check::skip(check::DETERMINISM, "", detail)
}
