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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_counts_once() {
        let two = NonZeroUsize::new(2).unwrap();
        assert!(!reached(["a", "a"], two));
        assert!(reached(["a", "b", "a"], two));
        assert!(!reached([], NonZeroUsize::MIN));
    }
}
