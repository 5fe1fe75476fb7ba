//! What reports of `diff --apply` say, before it is written in one form or the other.

use super::diff::part;
use super::model::{Outcome, Report};
use crate::format::limits::Limits;
use crate::format::time::Time;
use crate::pipeline::cage::Held;
use crate::pipeline::unpack::apply::Applied;

/// One report of a delta that was applied, or was not.
pub struct ApplyReport<'a> {
    /// The clock of the run.
    pub at: Time,
    /// The bundle that is there, as a report of its own.
    pub old: Report<'a>,
    /// The delta, as a report of its own.
    pub delta: Report<'a>,
    /// What came out.
    pub applied: &'a Applied,
    /// The exit code.
    pub exit_code: u8,
}

impl<'a> ApplyReport<'a> {
    /// The report of `applied`; `names` are those of the inputs, the old bundle first; `cage`: what was given up before.
    pub fn new(applied: &'a Applied, names: [Vec<u8>; 2], at: Time, limits: Limits, cage: &Held) -> Self {
        let [old, delta] = names;
        let side = |found, name| part(Outcome::Verified(found), found.verdict, name, at, limits, cage);
        ApplyReport { at, old: side(&applied.old, old), delta: side(&applied.delta, delta), applied, exit_code: 0 }
    }
}
