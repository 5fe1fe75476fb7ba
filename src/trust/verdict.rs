//! The verdict: five words, of which "nothing was checked" can never be a good one.

use super::check::{Check, Class};
use super::policy::Property;
use std::collections::BTreeSet;

/// The answer about a bundle. (`error`, the fifth word, is not an answer and is made where errors are reported.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every required property was established, and a trust anchor stands behind every entry.
    Verified,
    /// Digests and completeness hold, nobody vouches, and the operator had not asked for more.
    Intact,
    /// Nothing is proven wrong, something required was not established.
    NotVerified,
    /// Something is proven wrong; the first failing class in stage order.
    Failed(Class),
}

impl Verdict {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Verified => "verified",
            Verdict::Intact => "intact",
            Verdict::NotVerified => "not-verified",
            Verdict::Failed(_) => "failed",
        }
    }

    /// The exit code of the contract.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Verified | Verdict::Intact => 0,
            Verdict::NotVerified => 3,
            Verdict::Failed(class) => class.exit_code(),
        }
    }

    /// One verdict for several inputs of one question: the first failing class in stage order, else the weakest word. Of none,
    /// nothing was checked.
    pub fn weakest(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
        let rank = |verdict: &Verdict| match verdict {
            Verdict::Failed(class) => (0, Some(*class)),
            Verdict::NotVerified => (1, None),
            Verdict::Intact => (2, None),
            Verdict::Verified => (3, None),
        };
        verdicts.into_iter().min_by_key(rank).unwrap_or(Verdict::NotVerified)
    }
}

/// Decides. `established` are the properties that hold; any failed check makes the verdict `failed`.
///
/// Digests and completeness are part of every good verdict, whatever `required` says: without them nothing was checked.
pub fn judge(required: &[Property], established: &BTreeSet<Property>, checks: &[Check]) -> Verdict {
    if let Some(class) = checks.iter().filter(|c| c.failed()).map(|c| c.kind.class).min() {
        return Verdict::Failed(class);
    }
    let holds = |property: &Property| established.contains(property);
    let ground = [Property::Integrity, Property::Complete];
    if !required.iter().all(holds) || !ground.iter().all(holds) {
        return Verdict::NotVerified;
    }
    if holds(&Property::Signature) { Verdict::Verified } else { Verdict::Intact }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::check;
    use Property::*;

    #[test]
    fn of_several_the_weakest_decides_and_of_none_nothing_was_checked() {
        use Verdict::{Failed, NotVerified, Verified};
        let all = [Verified, Verdict::Intact, NotVerified, Failed(Class::Sequence), Failed(Class::Container)];
        for length in 1..=all.len() {
            assert_eq!(Verdict::weakest(all[..length].iter().rev().copied()), all[length - 1]);
        }
        assert_eq!(Verdict::weakest([]), NotVerified);
    }

    fn verdict(required: &[Property], established: &[Property], checks: &[Check]) -> Verdict {
        judge(required, &established.iter().copied().collect(), checks)
    }

    #[test]
    fn nothing_checked_is_never_good() {
        assert_eq!(verdict(&[], &[], &[]), Verdict::NotVerified);
        assert_eq!(verdict(&[Fresh], &[Fresh], &[]), Verdict::NotVerified);
        assert_eq!(verdict(&[Integrity, Complete, Signature], &[Integrity, Complete], &[]), Verdict::NotVerified);
    }

    #[test]
    fn good_words_need_their_ground() {
        assert_eq!(verdict(&[Integrity, Complete], &[Integrity, Complete], &[]), Verdict::Intact);
        assert_eq!(verdict(&[Integrity, Complete], &[Integrity, Complete, Signature], &[]), Verdict::Verified);
    }

    #[test]
    fn the_first_class_in_stage_order_decides() {
        let checks = [Check::fail(check::ENTRY_DIGEST, "a", ""), Check::fail(check::DSSE_SIGNATURE, "b", "")];
        let all: Vec<Property> = Property::ALL.to_vec();
        assert_eq!(verdict(&[], &all, &checks), Verdict::Failed(Class::Signature));
        assert_eq!(Verdict::Failed(Class::Signature).exit_code(), 21);
    }
}
