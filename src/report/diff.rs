//! What reports of `diff` say, before it is written in one form or the other.

use super::model::{Outcome, Report, Subject};
use crate::bundle::changes::Changes;
use crate::bundle::changes::entries::{Change, EntryChange};
use crate::bundle::changes::identity::Field;
use crate::format::limits::Limits;
use crate::format::time::Time;
use crate::pipeline::cage::Held;
use crate::pipeline::diff::{Comparison, Side};
use crate::trust::verdict::Verdict;

/// One report of a comparison.
pub struct DiffReport<'a> {
    /// The clock of the run.
    pub at: Time,
    /// The bundle that is there, as a report of its own.
    pub old: Report<'a>,
    /// The bundle that is to replace it.
    pub new: Report<'a>,
    /// The delta that is said to lead from one to the other, as a report of its own, where one was given.
    pub delta: Option<Report<'a>>,
    /// What came out.
    pub comparison: &'a Comparison,
    /// The exit code.
    pub exit_code: u8,
    /// Conditions that `--fail-on` named, and whether each is met.
    pub conditions: Vec<(&'static str, bool)>,
}

/// A report of one of the inputs.
pub(super) fn part<'a>(
    outcome: Outcome<'a>,
    verdict: Verdict,
    name: Vec<u8>,
    at: Time,
    limits: Limits,
    cage: &Held,
) -> Report<'a> {
    let (exit_code, cage) = (verdict.exit_code(), cage.clone());
    Report { command: "diff", at, subject: Subject { name }, outcome, exit_code, unpacked: None, limits, cage }
}

impl<'a> DiffReport<'a> {
    /// The report of `comparison`; `names` are those of the inputs, the old one first, then the new one, then the delta; `cage`:
    /// what was given up before.
    pub fn new(comparison: &'a Comparison, names: [Vec<u8>; 3], at: Time, limits: Limits, cage: &Held) -> Self {
        let [old, new, delta] = names;
        let side = |side: &'a Side, name: Vec<u8>| {
            let outcome = match side {
                Side::Read(reading) => Outcome::Inspected(reading),
                Side::Verified(verification) => Outcome::Verified(verification),
            };
            part(outcome, side.verdict(), name, at, limits, cage)
        };
        let delta = comparison
            .proof
            .as_ref()
            .map(|proof| part(Outcome::Verified(&proof.delta), proof.delta.verdict, delta, at, limits, cage));
        DiffReport {
            at,
            old: side(&comparison.old, old),
            new: side(&comparison.new, new),
            delta,
            comparison,
            exit_code: 0,
            conditions: Vec::new(),
        }
    }

    /// Whether the two sides were verified.
    pub fn is_verified(&self) -> bool {
        matches!(self.comparison.new, Side::Verified(_))
    }

    /// Whether the two are revocation lists, which are no bundles.
    pub fn is_of_lists(&self) -> bool {
        self.comparison.new.is_list()
    }

    /// Whether documents alone were read.
    pub fn is_unread(&self) -> bool {
        self.old.inventory().unread || self.new.inventory().unread
    }

    /// What is different, where both could be read to their end.
    pub fn changes(&self) -> Option<&'a Changes> {
        self.comparison.changes.as_ref()
    }

    /// Steps back, in the order in which they are shown.
    pub fn regressions(&self) -> impl Iterator<Item = &'a Field> {
        let fields = self.changes().map_or(&[][..], |changes| &changes.identity.fields);
        fields.iter().filter(|field| field.regression)
    }

    /// The path under which a change is listed.
    pub fn path(&self, change: &EntryChange) -> &'a [u8] {
        change.path(self.old.inventory(), self.new.inventory())
    }

    /// Changes of entries of one sort.
    pub fn entries(&self, wanted: Change) -> impl Iterator<Item = &'a EntryChange> {
        let changes = self.changes().map_or(&[][..], |changes| &changes.entries.changes);
        changes.iter().filter(move |change| change.change == wanted)
    }
}
