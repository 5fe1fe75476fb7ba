//! Judging a revocation list: is it in force, is it in order after the last one, and is it signed by the key that it names.
//!
//! The rules are those of formats.md 10. Where its papers differ, the stricter one holds and the row says so.

use super::check::{self, Check};
use super::envelope::Signer;
use super::policy::Policy;
use crate::format::digest::{Sha256Bytes, hex};
use crate::format::revocation::{Category, Revocation, RevocationList, State};
use crate::format::time::{Time, age_seconds, describe_seconds, format_rfc3339};

/// Seconds by which the clock of the authority may be ahead of ours: as for other documents that state an expiry (formats.md
/// 1.4). The end of the window has no tolerance.
pub const TOLERANCE: i64 = 300;

/// What is known of the list that was accepted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Previous {
    /// Nobody asked.
    Unasked,
    /// The operator keeps a state, and there is none yet.
    NoneYet,
    /// Its sequence.
    Sequence(u64),
    /// Everything that matters of it.
    State(State),
}

impl Previous {
    /// Whether there is something to be compared with.
    #[must_use]
    pub fn is_known(&self) -> bool {
        matches!(self, Previous::Sequence(_) | Previous::State(_))
    }
}

/// Whether the untrusted list (from the document `name`) is in force at `at`.
#[must_use]
pub fn window(untrusted: &RevocationList, name: &[u8], at: Time) -> Check {
    let Some(issued) = untrusted.issued_at else {
        return Check::skip(check::REVOCATION_WINDOW, name, "when the list was issued could not be read");
    };
    let (from, until) = (untrusted.valid_from, untrusted.expires_at);
    let mut words = format!("issued {}", format_rfc3339(issued));
    for (word, time) in [("from", from), ("until", until)] {
        if let Some(time) = time {
            words.push_str(&format!(", valid {word} {}", format_rfc3339(time)));
        }
    }
    let is_ahead = |time: Time| age_seconds(time, at) < -TOLERANCE;
    let mut wrong = Vec::new();
    if is_ahead(issued) {
        wrong.push("it was issued in the future");
    }
    if from.is_some_and(is_ahead) {
        wrong.push("it is not in force yet");
    }
    if until.is_some_and(|until| at >= until) {
        wrong.push("it has expired");
    }
    if until.is_some_and(|until| until <= from.unwrap_or(issued)) {
        wrong.push("it ends before it begins");
    }
    let now = format!("{words}; the clock of the run is {}", format_rfc3339(at));
    if !wrong.is_empty() {
        let hint = "get a list that is in force, or check the clock";
        return Check::fail(check::REVOCATION_WINDOW, name, format!("{now}: {}; {hint}", wrong.join(", ")));
    }
    let end = if until.is_none() { "; it states no end, so only --max-age limits its age" } else { "" };
    Check::pass(check::REVOCATION_WINDOW, name, format!("{now}{end}"))
}

/// The age of the untrusted list against `--max-age`.
#[must_use]
pub fn age(untrusted: &RevocationList, name: &[u8], policy: &Policy) -> Check {
    let Some(issued) = untrusted.issued_at else {
        return Check::skip(check::AGE, name, "when the list was issued could not be read");
    };
    let age = age_seconds(issued, policy.at);
    let (distance, side) = (describe_seconds(age.saturating_abs()), if age < 0 { "after" } else { "before" });
    let words = format!("issued {distance} {side} the clock of the run by its own account");
    let check = match policy.max_age {
        None => Check::skip(check::AGE, name, format!("{words}; no --max-age was given")),
        Some(limit) if age > limit => {
            let allowed = describe_seconds(limit);
            Check::fail(check::AGE, name, format!("{words}; --max-age allows {allowed}: get a newer list"))
        }
        Some(limit) => Check::pass(check::AGE, name, format!("{words}; --max-age allows {}", describe_seconds(limit))),
    };
    check.with("age_seconds", age.to_string())
}

/// Whether the untrusted list, whose bytes have the digest `sha256`, may follow the one before.
///
/// A lower sequence is refused always: one paper accepts it with another `bundleId` and a newer `issuedAt`, the text of the
/// schema never does. An equal one is accepted only for the very same bytes, which a number alone cannot show.
#[must_use]
pub fn sequence(untrusted: &RevocationList, name: &[u8], sha256: &Sha256Bytes, previous: &Previous) -> Check {
    let kind = check::REVOCATION_SEQUENCE;
    let Some(found) = untrusted.sequence else {
        return Check::skip(kind, name, "the sequence of the list could not be read");
    };
    let (check, before) = match previous {
        Previous::Unasked => {
            let detail = format!(
                "sequence {found}; nothing was given to compare it with (--state, --last-sequence), so an older list would \
                 pass as well"
            );
            return Check::skip(kind, name, detail);
        }
        Previous::NoneYet => {
            let detail = format!("sequence {found}; the state is empty, so this list is the first of its record");
            return Check::skip(kind, name, detail);
        }
        Previous::Sequence(before) => (against_number(name, found, *before), *before),
        Previous::State(state) => (against_state(untrusted, name, sha256, found, state), state.sequence),
    };
    check.with("expected", format!("above {before}")).with("found", found.to_string())
}

fn against_number(name: &[u8], found: u64, before: u64) -> Check {
    let kind = check::REVOCATION_SEQUENCE;
    if found > before {
        return Check::pass(kind, name, format!("sequence {found} follows {before}"));
    }
    if found == before {
        let detail = format!(
            "sequence {found} is that of the last list; whether this is the same list cannot be told from a number: use \
             --state"
        );
        return Check::skip(kind, name, detail);
    }
    let detail = format!("expected a sequence above {before}, found {found}: an older list; ask for the newest one");
    Check::fail(kind, name, detail)
}

fn against_state(list: &RevocationList, name: &[u8], sha256: &Sha256Bytes, found: u64, state: &State) -> Check {
    let kind = check::REVOCATION_SEQUENCE;
    if list.issuer.as_ref() != Some(&state.issuer) {
        let issuer = list.issuer.as_deref().unwrap_or("one that could not be read");
        let detail = format!(
            "expected a list by {}, whose state this is, found one by {issuer}: keep one state for each issuer",
            state.issuer
        );
        return Check::fail(kind, name, detail);
    }
    let before = state.sequence;
    let is_newer = list.issued_at.is_some_and(|issued| issued > state.issued_at);
    if found > before {
        let older = list.issued_at.is_some_and(|issued| issued < state.issued_at);
        let note = if older { "; it was issued before that one by its own account, which is odd" } else { "" };
        return Check::pass(kind, name, format!("sequence {found} follows {before}{note}"));
    }
    if found == before && *sha256 == state.sha256 {
        return Check::pass(kind, name, format!("sequence {found}: the very list that was accepted before"));
    }
    if found == before {
        let detail = format!(
            "two different lists have the sequence {found}: expected sha256:{}, which was accepted before, found sha256:{}; \
             ask the issuer which of them is real",
            hex(&state.sha256),
            hex(sha256)
        );
        return Check::fail(kind, name, detail);
    }
    let paper = if is_newer && list.bundle_id != state.bundle_id {
        "; it has another bundleId and is newer by its own account, which one paper lets pass and the schema does not: the \
         stricter rule holds"
    } else {
        "; ask for the newest one"
    };
    let detail = format!("expected a sequence above {before}, found {found}: an older list{paper}");
    Check::fail(kind, name, detail)
}

/// Whether the key id in the header of the signature `name` is the one that the untrusted list names; `None` where neither
/// states one.
#[must_use]
pub fn key_ids(untrusted: &RevocationList, name: &[u8], kid: Option<&str>) -> Option<Check> {
    let kind = check::SIGNATURE_PURPOSE;
    Some(match (kid, untrusted.signing_key_id.as_deref()) {
        (None, None) => return None,
        (Some(kid), Some(stated)) if kid == stated => {
            Check::pass(kind, name, format!("the header and the list name the same key, {kid}"))
        }
        (Some(kid), Some(stated)) => {
            let detail = format!("expected the key id {stated}, which the list names, found {kid} in the header");
            Check::fail(kind, name, detail).with("expected", stated).with("found", kid)
        }
        (Some(kid), None) => Check::skip(kind, name, format!("only the header names a key, {kid}")),
        (None, Some(stated)) => Check::skip(kind, name, format!("only the list names a key, {stated}")),
    })
}

/// The revocation in the untrusted list of a key that signed it, by key id, fingerprint, or the name that the operator's key
/// file gives it.
#[must_use]
pub fn of_own_key<'a>(
    untrusted: &'a RevocationList,
    kid: Option<&str>,
    signers: &[Signer],
    policy: &Policy,
) -> Option<&'a Revocation> {
    let prints = signers.iter().map(|signer| signer.fingerprint.as_str());
    let bare = prints.clone().filter_map(|print| print.strip_prefix("sha256:"));
    let own = policy.keys.public().iter().filter(|key| prints.clone().any(|print| print == key.fingerprint()));
    let names = own.filter_map(|key| key.name());
    let ids = [kid, untrusted.signing_key_id.as_deref()].into_iter().flatten();
    let known: Vec<&str> = ids.chain(prints.clone()).chain(bare).chain(names).collect();
    let is_own = |text: &str| known.iter().any(|id| id.eq_ignore_ascii_case(text));
    untrusted.revocations.iter().find(|revocation| {
        revocation.category == Category::Key
            && (is_own(&revocation.id) || revocation.fingerprint.as_deref().is_some_and(is_own))
    })
}

#[cfg(test)]
mod tests;
