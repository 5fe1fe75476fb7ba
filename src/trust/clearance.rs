//! Leave to write the entries of a bundle: given by the verdict, or by a waiver that names itself.

use super::authority::Standing;
use super::check::Check;
use super::policy::Property;
use super::verdict::{Verdict, judge};
use std::collections::BTreeSet;

/// Leave to write entries. Only this module makes one, and it judges by itself: no caller can claim a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    ground: Ground,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// A trust anchor stands behind the entries.
    Verified,
    /// Digests hold, nobody vouches, and the operator asked for no more.
    Intact,
    /// The operator waived the verification.
    Waived,
}

impl Clearance {
    /// Leave by verdict; `None` unless it is a good one.
    pub fn by_verdict(required: &[Property], established: &BTreeSet<Property>, checks: &[Check]) -> Option<Clearance> {
        match judge(required, established, checks) {
            Verdict::Verified => Some(Clearance { ground: Ground::Verified }),
            Verdict::Intact => Some(Clearance { ground: Ground::Intact }),
            Verdict::NotVerified | Verdict::Failed(_) => None,
        }
    }

    /// Leave by waiver, where nothing was established; `None` where something was proven wrong, which no waiver covers.
    pub fn by_waiver(checks: &[Check]) -> Option<Clearance> {
        (!checks.iter().any(Check::failed)).then_some(Clearance { ground: Ground::Waived })
    }

    /// Whether an entry that stands like this is written. `unvouched`: whether the operator also wants those that nobody
    /// vouches for. A contradicted entry is never written.
    pub fn covers(&self, standing: Standing, unvouched: bool) -> bool {
        match (standing, self.ground) {
            (Standing::Contradicted, _) => false,
            (Standing::Pinned | Standing::Evidence, _) => true,
            (Standing::Listed, Ground::Intact | Ground::Waived) | (Standing::Unlisted, Ground::Waived) => true,
            (Standing::SetAside | Standing::Listed | Standing::Unlisted, _) => unvouched,
        }
    }

    /// Whether it stands on a waiver alone.
    pub fn is_waived(&self) -> bool {
        self.ground == Ground::Waived
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::check;
    use Property::{Complete, Integrity, Signature};

    #[test]
    fn only_a_good_verdict_gives_leave() {
        let by = |held: &[Property], checks: &[Check]| {
            Clearance::by_verdict(&[Integrity, Complete], &held.iter().copied().collect(), checks)
        };
        let failed = [Check::fail(check::ENTRY_DIGEST, "a", "")];
        assert!(by(&[], &[]).is_none());
        assert!(by(&[Integrity, Complete, Signature], &failed).is_none());
        assert!(Clearance::by_waiver(&failed).is_none(), "what is proven wrong is not waived");
        assert!(by(&[Integrity, Complete, Signature], &[]).is_some_and(|leave| !leave.is_waived()));
        assert!(Clearance::by_waiver(&[]).is_some_and(|leave| leave.is_waived()));
    }

    #[test]
    fn what_nobody_vouches_for_is_written_on_demand_only() {
        let held = BTreeSet::from([Integrity, Complete, Signature]);
        let verified = Clearance::by_verdict(&[], &held, &[]).unwrap();
        for standing in [Standing::SetAside, Standing::Listed, Standing::Unlisted] {
            assert!(!verified.covers(standing, false) && verified.covers(standing, true), "{standing:?}");
        }
        let intact = Clearance::by_verdict(&[], &BTreeSet::from([Integrity, Complete]), &[]).unwrap();
        assert!(intact.covers(Standing::Listed, false) && !intact.covers(Standing::Unlisted, false));
        let waived = Clearance::by_waiver(&[]).unwrap();
        assert!(waived.covers(Standing::Unlisted, false) && !waived.covers(Standing::SetAside, false));
        for leave in [verified, intact, waived] {
            assert!(!leave.covers(Standing::Contradicted, true) && leave.covers(Standing::Pinned, false));
        }
    }
}
