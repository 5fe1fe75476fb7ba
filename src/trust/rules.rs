//! What a policy file demands and waives, kind by kind.

use super::policy::{LegacySigning, Property};
use super::terms;
use crate::format::digest::Sha256Bytes;
use std::num::NonZeroUsize;

/// A value by default, and others for kinds that globs name.
#[derive(Debug, Clone)]
pub struct ByKind<T> {
    /// For kinds that no glob names.
    pub default: Option<T>,
    /// Globs over kind ids with their values, in the order of the globs' bytes.
    pub kinds: Vec<(String, T)>,
}

impl<T> Default for ByKind<T> {
    fn default() -> Self {
        ByKind { default: None, kinds: Vec::new() }
    }
}

impl<T> ByKind<T> {
    /// The values of all globs that match; where none does, the default.
    pub fn of<'a>(&'a self, kind: &str) -> Vec<&'a T> {
        let named = self.kinds.iter().filter(|(glob, _)| fast_glob::glob_match(glob.as_bytes(), kind.as_bytes()));
        let named: Vec<&T> = named.map(|(_, value)| value).collect();
        if named.is_empty() { self.default.iter().collect() } else { named }
    }

    /// All values.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.default.iter().chain(self.kinds.iter().map(|(_, value)| value))
    }
}

/// What is waived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waived {
    /// Entries that no document lists, by glob.
    Extra(String),
    /// A signing input besides the PAE.
    Legacy(LegacySigning),
    /// Signatures by the keys of `keys-example/`.
    ExampleKeys,
}

/// A waiver with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// What is waived.
    pub what: Waived,
    /// Globs over kind ids; none: all kinds.
    pub kinds: Option<Vec<String>>,
    /// Why, in the words of the operator.
    pub reason: String,
}

impl Waiver {
    /// Whether it is one for `kind`.
    pub fn is_for(&self, kind: &str) -> bool {
        self.kinds.as_deref().is_none_or(|globs| terms::any(globs, kind.as_bytes()))
    }

    /// The waiver with its reason, as reports repeat it.
    pub fn words(&self) -> String {
        let what = match &self.what {
            Waived::Extra(glob) => format!("allow_extra {glob}"),
            Waived::Legacy(mode) => format!("legacy_signing {}", mode.name()),
            Waived::ExampleKeys => "example_keys".into(),
        };
        format!("{what}: {}", self.reason)
    }
}

/// What a report says of the policy file that was in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRecord {
    /// Its file name, without folders.
    pub name: Vec<u8>,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Bytes,
    /// Options of the command line that took the place of what it says.
    pub overridden: Vec<String>,
    /// Revocation lists that it honours.
    pub revocations: Vec<ListRecord>,
}

/// What a report says of a revocation list that a policy honours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRecord {
    /// The file, as the policy names it.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Bytes,
    /// Who issued it.
    pub issuer: String,
    /// Its sequence.
    pub sequence: u64,
    /// How many revocations it has.
    pub count: usize,
}

/// Everything in a policy file besides its keys.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The file.
    pub file: PolicyRecord,
    /// How many keys must have signed: the largest of the globs that match.
    pub threshold: ByKind<NonZeroUsize>,
    /// What must be established besides what the kind promises: all of it together, the default included.
    pub require: ByKind<Vec<Property>>,
    /// Oldest acceptable age in seconds: the smallest of the globs that match.
    pub max_age: ByKind<i64>,
    /// Waivers in the order of the file.
    pub waivers: Vec<Waiver>,
}

impl Rules {
    /// How many distinct keys must have signed an input of this kind; of a kind that is not known, the most of any.
    pub fn threshold(&self, kind: Option<&str>) -> NonZeroUsize {
        let most = match kind {
            Some(kind) => self.threshold.of(kind).into_iter().max(),
            None => self.threshold.all().max(),
        };
        most.copied().unwrap_or(NonZeroUsize::MIN)
    }

    /// What must be established besides what the kind promises, each once, in the order of reports.
    pub fn require(&self, kind: &str) -> Vec<Property> {
        let named = self.require.of(kind).into_iter().chain(&self.require.default);
        let mut all: Vec<Property> = named.flatten().copied().collect();
        all.sort();
        all.dedup();
        all
    }

    /// The oldest acceptable age in seconds.
    pub fn max_age(&self, kind: &str) -> Option<i64> {
        self.max_age.of(kind).into_iter().min().copied()
    }

    /// Waivers for `kind`, in the order of the file.
    pub fn waivers<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Waiver> {
        self.waivers.iter().filter(move |waiver| waiver.is_for(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let number = |n| NonZeroUsize::new(n).unwrap();
        Rules {
            file: PolicyRecord {
                name: b"trust.toml".to_vec(),
                sha256: [0; 32],
                overridden: Vec::new(),
                revocations: Vec::new(),
            },
            threshold: ByKind {
                default: Some(number(1)),
                kinds: vec![("mirror:*".into(), number(2)), ("mirror:full".into(), number(3))],
            },
            require: ByKind {
                default: Some(vec![Property::PublicKey]),
                kinds: vec![("mirror:*".into(), vec![Property::Fresh, Property::PublicKey])],
            },
            max_age: ByKind { default: Some(9), kinds: vec![("mirror:*".into(), 20), ("mirror:full".into(), 10)] },
            waivers: vec![Waiver {
                what: Waived::Extra("notes/*".into()),
                kinds: Some(vec!["plain".into()]),
                reason: "handed over with notes".into(),
            }],
        }
    }

    #[test]
    fn the_strictest_of_the_globs_that_match_holds_and_else_the_default() {
        let rules = rules();
        let threshold = |kind| rules.threshold(kind).get();
        assert_eq!(threshold(Some("mirror:full")), 3);
        assert_eq!(threshold(Some("mirror:thin")), 2);
        assert_eq!(threshold(Some("plain")), 1);
        assert_eq!(threshold(None), 3, "a kind that is not known must not lower it");
        assert_eq!(rules.max_age("mirror:full"), Some(10));
        assert_eq!(rules.max_age("mirror:thin"), Some(20));
        assert_eq!(rules.max_age("plain"), Some(9));
    }

    #[test]
    fn requirements_add_up() {
        assert_eq!(rules().require("mirror:full"), [Property::PublicKey, Property::Fresh]);
        assert_eq!(rules().require("plain"), [Property::PublicKey]);
    }

    #[test]
    fn a_waiver_is_for_its_kinds_and_repeats_its_reason() {
        let rules = rules();
        assert_eq!(rules.waivers("mirror:full").count(), 0);
        let words: Vec<String> = rules.waivers("plain").map(Waiver::words).collect();
        assert_eq!(words, ["allow_extra notes/*: handed over with notes"]);
    }
}
