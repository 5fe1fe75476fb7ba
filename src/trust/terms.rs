//! On what terms a key counts. The operator's policy file states them; a key given by itself has none.
//!
//! A signature by a key whose terms do not fit proves what a stranger's signature proves, which is nothing. It is told
//! apart only in words, so that a person sees which known key signed and why it does not count.

use super::signature::{Scheme, SchemeSet};
use crate::format::time::{self, Time};

/// What a policy file says of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The operator's name for the key.
    pub name: String,
    /// Globs over kind ids, of which one has to match; none: all kinds.
    pub kinds: Option<Vec<String>>,
    /// Globs over names of signature documents as reports show them, of which one has to match; none: all documents.
    pub documents: Option<Vec<String>>,
    /// Schemes that the key may be used with; none: those of the run.
    pub schemes: Option<SchemeSet>,
    /// It does not count before.
    pub valid_from: Option<Time>,
    /// It does not count after.
    pub valid_until: Option<Time>,
    /// Why it never counts.
    pub revoked: Option<String>,
}

/// A good signature by a key, before it is known whether it counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation<'a> {
    /// The kind of the input; none where it is not known, which fits no list of kinds.
    pub(super) kind: Option<&'a str>,
    /// The name of the signature document.
    pub(super) document: &'a [u8],
    /// The scheme that verified.
    pub(super) scheme: Scheme,
    /// Another scheme under whose name the policy may allow this one.
    pub(super) alias: Option<Scheme>,
    /// The clock of the run.
    pub(super) at: Time,
}

impl Terms {
    /// Why a good signature by the key does not count, as the rest of a sentence; `None` where it does.
    pub(super) fn refuse(&self, found: &Situation<'_>) -> Option<String> {
        if let Some(reason) = &self.revoked {
            return Some(format!("it is revoked: {reason}"));
        }
        if let Some(from) = self.valid_from.filter(|from| found.at < *from) {
            return Some(format!("it counts from {} on, and {}", time::format_rfc3339(from), clock(found.at)));
        }
        if let Some(until) = self.valid_until.filter(|until| found.at > *until) {
            return Some(format!("it counted until {}, and {}", time::format_rfc3339(until), clock(found.at)));
        }
        if !self.may_sign_kind(found.kind) {
            let this = found.kind.unwrap_or("of unknown kind");
            return Some(format!("it may sign {} only, and this is {this}", list(self.kinds.as_deref())));
        }
        if self.documents.as_deref().is_some_and(|globs| !any(globs, found.document)) {
            return Some(format!("it may sign documents named {} only", list(self.documents.as_deref())));
        }
        match self.schemes {
            Some(allowed) if !allowed.contains(found.scheme) && !found.alias.is_some_and(|a| allowed.contains(a)) => {
                Some(format!("it may sign with {allowed} only, and this is {}", found.scheme))
            }
            _ => None,
        }
    }

    /// Whether its kinds include `kind`. An unknown kind is in no list.
    pub fn may_sign_kind(&self, kind: Option<&str>) -> bool {
        let Some(globs) = &self.kinds else { return true };
        kind.is_some_and(|kind| any(globs, kind.as_bytes()))
    }
}

fn clock(at: Time) -> String {
    format!("the clock of this run says {}", time::format_rfc3339(at))
}

fn list(globs: Option<&[String]>) -> String {
    globs.map_or_else(|| "everything".into(), |globs| globs.join(", "))
}

/// Whether one of the globs matches.
pub(super) fn any(globs: &[String], name: &[u8]) -> bool {
    globs.iter().any(|glob| fast_glob::glob_match(glob.as_bytes(), name))
}

/// A glob that says what it means: not empty, no negation, and brackets and braces that close.
///
/// # Errors
/// The rest of a sentence that says what was expected.
pub fn glob(text: &str) -> Result<String, String> {
    let balanced = |open: char, close: char| {
        text.chars().try_fold(0i32, |depth, c| {
            let depth = depth + i32::from(c == open) - i32::from(c == close);
            (depth >= 0).then_some(depth)
        }) == Some(0)
    };
    if text.is_empty() || text.starts_with('!') {
        return Err("expected a glob of what is meant; a negated or empty one would mean everything else".into());
    }
    if !balanced('[', ']') || !balanced('{', '}') {
        return Err("expected brackets and braces in pairs".into());
    }
    Ok(text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-20T00:00:00Z";

    fn situation() -> Situation<'static> {
        Situation {
            kind: Some("mirror:full"),
            document: b"signatures/export.sig",
            scheme: Scheme::Ed25519,
            alias: None,
            at: time::parse_rfc3339(AT).unwrap(),
        }
    }

    fn refused(terms: &Terms) -> String {
        terms.refuse(&situation()).unwrap_or_default()
    }

    fn globs(texts: &[&str]) -> Option<Vec<String>> {
        Some(texts.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_key_without_restrictions_counts() {
        assert_eq!(Terms::default().refuse(&situation()), None);
    }

    #[test]
    fn kinds_are_globs_and_an_unknown_kind_fits_none() {
        let terms = |kinds: &[&str]| Terms { kinds: globs(kinds), ..Terms::default() };
        assert_eq!(refused(&terms(&["devportal:*", "mirror:*"])), "");
        assert_eq!(refused(&terms(&["devportal:*"])), "it may sign devportal:* only, and this is mirror:full");
        let unknown = Situation { kind: None, ..situation() };
        assert!(terms(&["*"]).refuse(&unknown).is_some_and(|why| why.ends_with("of unknown kind")));
        assert_eq!(Terms::default().refuse(&unknown), None);
    }

    #[test]
    fn documents_are_globs_that_do_not_cross_folders() {
        let terms = |documents: &[&str]| Terms { documents: globs(documents), ..Terms::default() };
        assert_eq!(refused(&terms(&["signatures/*.sig"])), "");
        assert_eq!(refused(&terms(&["**/*.sig"])), "");
        assert_eq!(refused(&terms(&["*.sig"])), "it may sign documents named *.sig only");
    }

    #[test]
    fn both_ends_of_the_window_belong_to_it() {
        let time = |text: &str| Some(time::parse_rfc3339(text).unwrap());
        let terms =
            |from: &str, until: &str| Terms { valid_from: time(from), valid_until: time(until), ..Terms::default() };
        assert_eq!(refused(&terms(AT, "2026-11-20T00:00:01Z")), "");
        assert_eq!(refused(&terms("2026-11-19T23:59:59Z", AT)), "");
        let early = refused(&terms("2026-11-20T00:00:01Z", "2027-01-01T00:00:00Z"));
        assert!(early.starts_with("it counts from 2026-11-20T00:00:01Z on"), "{early}");
        let late = refused(&terms("2025-01-01T00:00:00Z", "2026-11-19T23:59:59Z"));
        assert!(late.starts_with("it counted until 2026-11-19T23:59:59Z"), "{late}");
    }

    #[test]
    fn schemes_are_those_named_or_their_alias() {
        let allowed = SchemeSet::from(Scheme::EcdsaP256Sha256);
        let terms = Terms { schemes: Some(allowed), ..Terms::default() };
        assert_eq!(refused(&terms), "it may sign with ecdsa-p256-sha256 only, and this is ed25519");
        let fixed = Situation { scheme: Scheme::EcdsaP256Sha256Fixed, ..situation() };
        assert!(terms.refuse(&fixed).is_some());
        assert_eq!(terms.refuse(&Situation { alias: Some(Scheme::EcdsaP256Sha256), ..fixed }), None);
    }

    #[test]
    fn a_revoked_key_counts_for_nothing() {
        let terms = Terms { revoked: Some("lost in March".into()), ..Terms::default() };
        assert_eq!(refused(&terms), "it is revoked: lost in March");
    }

    #[test]
    fn globs_say_what_they_mean() {
        assert_eq!(glob("mirror:{full,delta}"), Ok("mirror:{full,delta}".into()));
        assert!(glob("").is_err() && glob("!x").is_err() && glob("a[").is_err() && glob("}{").is_err());
    }
}
