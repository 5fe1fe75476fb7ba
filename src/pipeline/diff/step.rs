//! Whether a delta is exactly the step from one bundle to another: the delta is verified with the old bundle as its base, and
//! what it makes of that one is compared with the new bundle, path by path and digest by digest.

use super::Side;
use crate::bundle::step::{Counts, Step};
use crate::pipeline::inspect::Request;
use crate::pipeline::progress::Progress;
use crate::pipeline::tuf::TufError;
use crate::pipeline::verify::{self, Verification};
use crate::trust::check::{self, Check, Status};
use crate::trust::policy::{Policy, Property};
use crate::trust::verdict::Verdict;

/// A delta, and what came of comparing it.
pub struct Proof {
    /// The delta, verified on the old bundle.
    pub delta: Verification,
    /// Rows about the step itself.
    pub checks: Vec<Check>,
    /// What it changes; `None` where it makes nothing of the old bundle.
    pub counts: Option<Counts>,
    /// Digests or completeness of the delta were not established: what it would bring is not known.
    open: bool,
}

impl Proof {
    /// Whether the delta is exactly the step: nothing about it or about the delta failed, and nothing was left open.
    pub fn holds(&self) -> bool {
        let proven = |check: &Check| check.kind == check::DELTA_STEP && check.status == Status::Pass;
        let failed = matches!(self.verdict(), Verdict::Failed(_));
        !failed && !self.open && self.checks.iter().any(proven)
    }

    /// One verdict for both: of the delta and of the step.
    pub fn verdict(&self) -> Verdict {
        let rows = self.checks.iter().filter_map(|check| match check.status {
            Status::Fail => Some(Verdict::Failed(check.kind.class)),
            Status::Skip => Some(Verdict::NotVerified),
            Status::Pass => None,
        });
        Verdict::weakest(rows.chain([self.delta.verdict]))
    }
}

/// Verifies the delta that `request` names, with the base that it names. Where nobody is trusted, digests and completeness are
/// what is required, and the verdict is never a good one.
pub(in crate::pipeline) fn verify_part(
    request: &Request,
    (policy, trusted): (&Policy, bool),
    progress: &Progress,
) -> Result<Verification, TufError> {
    if trusted {
        return verify::verify(request, policy, progress);
    }
    let policy = Policy { require: Some(vec![Property::Integrity, Property::Complete]), ..policy.clone() };
    let mut found = verify::verify(request, &policy, progress)?;
    // Nobody asked for this in so many words, as `--require` does, so it is not called intact.
    if found.verdict == Verdict::Intact {
        found.verdict = Verdict::NotVerified;
    }
    Ok(found)
}

/// Compares the step from `old` by the delta with `new`.
pub(super) fn prove(
    (old, new): (&Side, &Side),
    request: &Request,
    policy: (&Policy, bool),
    progress: &Progress,
) -> Result<Proof, TufError> {
    let delta = verify_part(request, policy, progress)?;
    let (before, after, own) = (old.reading(), new.reading(), &delta.reading);
    let (mut checks, counts) = if [before, after, own].iter().all(|reading| !reading.inventory.incomplete) {
        match Step::of((&before.inventory, &before.bundle), (&own.inventory, &own.bundle)) {
            Ok(step) => (
                step.compare((&before.inventory, &before.bundle), &own.bundle, (&after.inventory, &after.bundle)),
                Some(step.counts),
            ),
            Err(why) => (vec![Check::fail(check::DELTA_STEP, "", why)], None),
        }
    } else {
        let detail = "not compared: one of the three could not be read to its end";
        (vec![Check::skip(check::DELTA_STEP, "", detail)], None)
    };
    let established = |property| delta.established.contains(&property);
    let open = !(established(Property::Integrity) && established(Property::Complete));
    if open && !matches!(delta.verdict, Verdict::Failed(_)) {
        let detail = "digests or completeness of the delta were not established, so it is not shown to be anything";
        checks.push(Check::skip(check::DELTA_STEP, "", detail));
    }
    Ok(Proof { delta, checks, counts, open })
}
