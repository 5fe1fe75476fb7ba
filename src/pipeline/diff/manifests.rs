//! Two sides whose documents alone were read: what they state is compared, and nothing that they state is known to be there.

use super::{Comparison, Side};
use crate::bundle::changes::stated::{Ledger, Stated};
use crate::pipeline::inspect::Reading;
use crate::trust::check::{Check, Class};

/// Compares what the documents of both sides state.
pub(super) fn compare(old: &Reading, new: &Reading) -> Stated {
    let ledger = |reading: &Reading| {
        let mut ledger = Ledger::of(&reading.inventory, &reading.bundle);
        // Of contents nothing is checked here, so what fails besides the container is the form of a document: a line of a list
        // that cannot be read would have stated something.
        let broken = |check: &Check| check.failed() && check.kind.class != Class::Container;
        ledger.unreadable |= reading.checks.iter().any(broken);
        ledger
    };
    Stated::compare(ledger(old), ledger(new))
}

/// The sides that cannot be compared by what they state, each with the reason; none where contents were read, or where a
/// container could not be read to its end, which is said elsewhere.
pub fn silent(comparison: &Comparison) -> Vec<(&'static str, &'static str)> {
    let Some(stated) = comparison.changes.as_ref().and_then(|changes| changes.stated.as_ref()) else {
        return Vec::new();
    };
    let why = |side: &Side, ledger: &Ledger| match () {
        () if side.reading().bundle.unfinished => Some(
            "has manifests that only other manifests lead to, and they were not read: they are over a limit, or in a pipe",
        ),
        () if !ledger.states_digests() => Some("has no manifest or list that states digests of its entries"),
        () => None,
    };
    let sides = [("old", why(&comparison.old, &stated.old)), ("new", why(&comparison.new, &stated.new))];
    sides.into_iter().filter_map(|(word, why)| Some((word, why?))).collect()
}
