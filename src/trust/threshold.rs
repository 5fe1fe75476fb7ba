//! The one counting rule of the library.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

/// Whether `fingerprints` of keys that signed well reach `threshold`. Counts distinct key material: one key under two key
/// ids, or with two signatures, counts once (GHSA-5q2r-92f9-4m49, CVE-2026-6966). A threshold of zero cannot be expressed.
pub fn reached<'a>(fingerprints: impl IntoIterator<Item = &'a str>, threshold: NonZeroUsize) -> bool {
    distinct(fingerprints) >= threshold.get()
}

/// How many distinct keys there are.
pub fn distinct<'a>(fingerprints: impl IntoIterator<Item = &'a str>) -> usize {
    fingerprints.into_iter().collect::<BTreeSet<_>>().len()
}

/// How many signers there are, each known by several names: two that share one are the same.
pub fn distinct_by_any<'a>(signers: impl IntoIterator<Item = Vec<&'a str>>) -> usize {
    let mut groups: Vec<BTreeSet<&str>> = Vec::new();
    for names in signers {
        let mut own: BTreeSet<&str> = names.into_iter().collect();
        let (same, others) = groups.into_iter().partition(|group: &BTreeSet<&str>| !group.is_disjoint(&own));
        let same: Vec<BTreeSet<&str>> = same;
        same.into_iter().for_each(|group| own.extend(group));
        groups = others;
        groups.push(own);
    }
    groups.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signers_that_share_a_name_count_once() {
        assert_eq!(distinct_by_any([vec!["k1", "me"], vec!["k1"]]), 1);
        assert_eq!(distinct_by_any([vec!["k1", "me"], vec!["k2", "me"]]), 1);
        assert_eq!(distinct_by_any([vec!["k1"], vec!["k2"], vec!["k1", "k2"]]), 1);
        assert_eq!(distinct_by_any([vec!["k1", "me"], vec!["k2", "you"], vec!["k3"]]), 3);
        assert_eq!(distinct_by_any(Vec::<Vec<&str>>::new()), 0);
    }

    #[test]
    fn one_key_counts_once() {
        let two = NonZeroUsize::new(2).unwrap();
        assert!(!reached(["a", "a"], two));
        assert!(reached(["a", "b", "a"], two));
        assert!(!reached([], NonZeroUsize::MIN));
    }
}
