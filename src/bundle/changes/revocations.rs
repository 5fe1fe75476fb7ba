//! Two revocation lists: who is revoked no longer, or less than before. Whoever takes a key, a client or a token off a list
//! makes it good again, so that is a step back, whatever else the newer list says.

use super::identity::Field;
use crate::bundle::revocation::{REVOKES, describe};
use crate::format::digest::{Sha256Bytes, hex};
use crate::format::revocation::{Category, Revocation, RevocationList};
use crate::format::time::{Time, format_rfc3339};
use std::collections::BTreeMap;

/// Revocations of one id that are asked whether they stand for an older one: lists have one, or a few. Beyond that an older
/// one counts as weakened, which errs on the safe side.
const MAX_ALIKE: usize = 64;

/// A list and the digest of its text.
pub type Digested<'a> = (&'a RevocationList, &'a Sha256Bytes);

/// Each revocation of `old` for which nothing in `new` stands with the same force, and two lists under one sequence; both
/// untrusted. `document` is the name of the new one.
pub fn steps_back(document: &[u8], (old, old_digest): Digested<'_>, (new, new_digest): Digested<'_>) -> Vec<Field> {
    let field = |name: &str, old: String, new: Option<String>| Field {
        name: name.into(),
        document: document.to_vec(),
        old: Some(old),
        new,
        regression: true,
    };
    let after = by_id(new);
    let mut steps: Vec<Field> = Vec::new();
    for revocation in &old.revocations {
        let alike = after.get(&(revocation.category, revocation.id.as_str())).map_or(&[][..], Vec::as_slice);
        if !alike.iter().take(MAX_ALIKE).any(|other| holds(other, revocation)) {
            steps.push(field(REVOKES, describe(revocation), alike.first().map(|other| describe(other))));
        }
    }
    // Those that are gone before those that are weaker.
    steps.sort_by_key(|step| step.new.is_some());
    // A list that is in force later, or shorter, revokes nobody meanwhile.
    let text = |time: Option<Time>| time.map(format_rfc3339);
    let (from, until) = ((old.valid_from, new.valid_from), (old.expires_at, new.expires_at));
    if new.valid_from > old.valid_from {
        steps.push(field("valid from", text(from.0).unwrap_or_else(|| "nothing".into()), text(from.1)));
    }
    let shorter = |(old, new): (Option<Time>, Option<Time>)| new.is_some_and(|new| old.is_none_or(|old| new < old));
    if shorter(until) {
        steps.push(field("expires", text(until.0).unwrap_or_else(|| "nothing".into()), text(until.1)));
    }
    if let (Some(before), true) = (&old.issuer, old.issuer != new.issuer) {
        steps.push(field("issuer", before.clone(), new.issuer.clone()));
    }
    if let (Some(before), None) = (old.sequence, new.sequence) {
        steps.push(field("sequence", before.to_string(), None));
    }
    if let (Some(before), Some(after)) = (old.sequence, new.sequence)
        && before == after
        && old_digest != new_digest
    {
        let list = |digest: &Sha256Bytes| format!("{before}, of the list sha256:{}", hex(digest));
        steps.push(field("sequence of two lists", list(old_digest), Some(list(new_digest))));
    }
    steps
}

fn by_id(list: &RevocationList) -> BTreeMap<(Category, &str), Vec<&Revocation>> {
    let mut found: BTreeMap<(Category, &str), Vec<&Revocation>> = BTreeMap::new();
    for revocation in &list.revocations {
        found.entry((revocation.category, &revocation.id)).or_default().push(revocation);
    }
    found
}

/// Whether all that `old` revokes is revoked by `new` as well: the same thing, from then or before, until then or after.
fn holds(new: &Revocation, old: &Revocation) -> bool {
    let of = |revocation: &Revocation| {
        let Revocation { token_type, client_id, subject_id, fingerprint, .. } = revocation;
        [token_type, client_id, subject_id, fingerprint].map(Clone::clone)
    };
    let begins = |revocation: &Revocation| -> Time { revocation.effective_at.unwrap_or(revocation.revoked_at) };
    let lasts = match (new.expires_at, old.expires_at) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(new), Some(old)) => new >= old,
    };
    // No scopes are all of them.
    let reaches = new.scopes.is_empty()
        || (!old.scopes.is_empty() && old.scopes.iter().all(|scope| new.scopes.binary_search(scope).is_ok()));
    of(new) == of(old) && begins(new) <= begins(old) && lasts && reaches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::time::parse_rfc3339;

    fn revoked(id: &str) -> Revocation {
        Revocation {
            category: Category::Client,
            id: id.into(),
            revoked_at: parse_rfc3339("2026-11-01T00:00:00Z").unwrap(),
            reason: None,
            token_type: None,
            client_id: Some(id.into()),
            subject_id: None,
            fingerprint: None,
            scopes: Vec::new(),
            effective_at: None,
            expires_at: None,
            description: None,
            metadata: Vec::new(),
        }
    }

    fn list(sequence: u64, revocations: Vec<Revocation>) -> RevocationList {
        RevocationList { sequence: Some(sequence), revocations, ..RevocationList::default() }
    }

    fn steps(old: &RevocationList, new: &RevocationList) -> Vec<(String, bool)> {
        let digest = |list: &RevocationList| crate::format::digest::sha256(format!("{list:?}").as_bytes());
        let found = steps_back(b"l", (old, &digest(old)), (new, &digest(new)));
        found.into_iter().map(|step| (step.name, step.new.is_some())).collect()
    }

    #[test]
    fn what_is_gone_or_weaker_is_a_step_back() {
        let one = |revocation| list(1, vec![revocation]);
        let time = |text| parse_rfc3339(text).unwrap();
        let scoped = |scopes: &[&str]| Revocation {
            scopes: scopes.iter().map(|scope| (*scope).to_string()).collect(),
            ..revoked("a")
        };
        let later = Revocation { revoked_at: time("2026-11-02T00:00:00Z"), ..revoked("a") };
        let deferred = Revocation { effective_at: Some(time("2026-12-01T00:00:00Z")), ..revoked("a") };
        let ending = Revocation { expires_at: Some(time("2026-12-01T00:00:00Z")), ..revoked("a") };
        let other = Revocation { client_id: Some("b".into()), ..revoked("a") };
        let gone = || (REVOKES.to_string(), false);
        assert_eq!(steps(&one(revoked("a")), &list(2, vec![])), [gone()]);
        assert_eq!(steps(&list(1, vec![]), &list(2, vec![revoked("a")])), []);
        let weaker = [&later, &deferred, &ending, &other, &scoped(&["x"])];
        for weaker in weaker {
            let new = list(2, vec![weaker.clone()]);
            assert_eq!(steps(&one(revoked("a")), &new), [(REVOKES.to_string(), true)], "{weaker:?}");
        }
        for stronger in [&later, &deferred, &ending, &scoped(&["x"])] {
            assert_eq!(steps(&one(stronger.clone()), &list(2, vec![revoked("a")])), [], "{stronger:?}");
        }
        assert_eq!(steps(&one(scoped(&["x"])), &list(2, vec![scoped(&["w", "x"])])), []);
        assert_eq!(steps(&one(scoped(&["w", "x"])), &list(2, vec![scoped(&["x"])])).len(), 1);
        // Those that are gone stand first, and one of several is enough.
        let old = list(1, vec![revoked("a"), revoked("b")]);
        assert_eq!(steps(&old, &list(2, vec![later.clone()])), [gone(), (REVOKES.to_string(), true)]);
        assert_eq!(steps(&one(later.clone()), &list(2, vec![revoked("a"), later])), []);
    }

    #[test]
    fn a_list_that_is_in_force_later_or_shorter_or_lost_its_sequence_is_a_step_back() {
        let time = |text| Some(parse_rfc3339(text).unwrap());
        let window = |from, until| RevocationList { valid_from: from, expires_at: until, ..list(1, vec![]) };
        let next = |list: RevocationList| RevocationList { sequence: Some(2), ..list };
        let (early, late) = (time("2026-11-01T00:00:00Z"), time("2027-01-01T00:00:00Z"));
        let names = |old, new| -> Vec<String> { steps(&old, &next(new)).into_iter().map(|(name, _)| name).collect() };
        assert_eq!(names(window(early, late), window(late, late)), ["valid from"]);
        assert_eq!(names(window(early, late), window(early, early)), ["expires"]);
        assert_eq!(names(window(early, None), window(early, late)), ["expires"]);
        assert_eq!(names(window(late, early), window(early, late)), Vec::<String>::new());
        let without = RevocationList { sequence: None, ..list(1, vec![]) };
        assert_eq!(steps(&list(1, vec![]), &without), [("sequence".to_string(), false)]);
    }

    #[test]
    fn two_lists_of_one_sequence_are_a_step_back() {
        let (old, new) = (list(7, vec![revoked("a")]), list(7, vec![revoked("a"), revoked("b")]));
        assert_eq!(steps(&old, &new), [("sequence of two lists".to_string(), true)]);
        assert_eq!(steps(&old, &old), []);
    }
}
