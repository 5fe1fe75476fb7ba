//! Whether a delta is exactly the step from one bundle to another: the delta is verified with the old bundle as its base, and
//! what it makes of that one is compared with the new bundle, path by path and digest by digest.

use super::Side;
use crate::bundle::step::{Counts, Step};
use crate::pipeline::inspect::Request;
use crate::pipeline::progress::Progress;
use crate::pipeline::tuf::TufError;
use crate::pipeline::verify::{self, Verification};
use crate::trust::check::{self, Check, Class, Status};
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
        self.failed_class().is_none() && !self.open && self.checks.iter().any(proven)
    }

    /// The first failing class of the delta and of the step.
    fn failed_class(&self) -> Option<Class> {
        let own = match self.delta.verdict {
            Verdict::Failed(class) => Some(class),
            _ => None,
        };
        self.checks.iter().filter(|check| check.failed()).map(|check| check.kind.class).chain(own).min()
    }

    /// One verdict for both.
    pub fn verdict(&self) -> Verdict {
        match self.failed_class() {
            Some(class) => Verdict::Failed(class),
            None if !self.holds() => Verdict::NotVerified,
            None => self.delta.verdict,
        }
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
    verify::verify(request, &policy, progress)
}

/// Compares the step from `old` by the delta with `new`.
pub(super) fn prove(
    (old, new): (&Side, &Side),
    request: &Request,
    policy: (&Policy, bool),
    progress: &Progress,
) -> Result<Proof, TufError> {
    let mut delta = verify_part(request, policy, progress)?;
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
    if !policy.1 && delta.verdict == Verdict::Intact {
        delta.verdict = Verdict::NotVerified;
    }
    Ok(Proof { delta, checks, counts, open })
}
