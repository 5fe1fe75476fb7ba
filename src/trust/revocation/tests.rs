use super::*;
use crate::format::time::parse_rfc3339;
use crate::trust::check::Status;
use crate::trust::envelope::Authentication;

fn time(text: &str) -> Time {
    parse_rfc3339(text).unwrap()
}

fn list() -> RevocationList {
    RevocationList {
        issuer: Some("https://auth.example".into()),
        issued_at: Some(time("2026-11-01T00:00:00Z")),
        sequence: Some(7),
        bundle_id: Some("a".repeat(16)),
        ..RevocationList::default()
    }
}

fn state(sequence: u64) -> State {
    State { sequence, ..State::of(&list(), [1; 32]).unwrap() }
}

#[test]
fn the_window_opens_with_tolerance_and_closes_without() {
    let status = |from: Option<&str>, until: Option<&str>, at: &str| {
        let list = RevocationList { valid_from: from.map(time), expires_at: until.map(time), ..list() };
        window(&list, b"l", time(at)).status
    };
    let until = Some("2026-12-01T00:00:00Z");
    assert_eq!(status(None, until, "2026-11-20T00:00:00Z"), Status::Pass);
    assert_eq!(status(None, until, "2026-11-30T23:59:59Z"), Status::Pass);
    assert_eq!(status(None, until, "2026-12-01T00:00:00Z"), Status::Fail);
    assert_eq!(status(None, None, "2036-12-01T00:00:00Z"), Status::Pass);
    assert_eq!(status(None, None, "2026-10-31T23:55:00Z"), Status::Pass);
    assert_eq!(status(None, None, "2026-10-31T23:54:59Z"), Status::Fail);
    let from = Some("2026-11-10T00:00:00Z");
    assert_eq!(status(from, until, "2026-11-09T23:55:00Z"), Status::Pass);
    assert_eq!(status(from, until, "2026-11-09T23:54:59Z"), Status::Fail);
    assert_eq!(status(from, Some("2026-11-10T00:00:00Z"), "2026-11-09T23:59:00Z"), Status::Fail);
    assert_eq!(window(&RevocationList::default(), b"l", time("2026-11-20T00:00:00Z")).status, Status::Skip);
}

#[test]
fn age_is_judged_only_where_a_maximum_is_given() {
    let judge = |max_age| age(&list(), b"l", &Policy { max_age, ..Policy::new(time("2026-11-02T00:00:00Z")) }).status;
    assert_eq!((judge(None), judge(Some(86_400)), judge(Some(86_399))), (Status::Skip, Status::Pass, Status::Fail));
}

#[test]
fn sequences_only_grow() {
    let judge = |previous: &Previous| sequence(&list(), b"l", &[1; 32], previous);
    for (previous, expected) in [
        (Previous::Unasked, Status::Skip),
        (Previous::NoneYet, Status::Skip),
        (Previous::Sequence(6), Status::Pass),
        (Previous::Sequence(7), Status::Skip),
        (Previous::Sequence(8), Status::Fail),
        (Previous::State(state(6)), Status::Pass),
        (Previous::State(state(7)), Status::Pass),
        (Previous::State(state(8)), Status::Fail),
        (Previous::State(State { sha256: [2; 32], ..state(7) }), Status::Fail),
        (Previous::State(State { issuer: "https://other.example".into(), ..state(6) }), Status::Fail),
    ] {
        assert_eq!(judge(&previous).status, expected, "{previous:?}");
    }
    // What one paper lets pass and the schema does not.
    let reset = State { bundle_id: Some("b".repeat(16)), issued_at: time("2026-10-01T00:00:00Z"), ..state(8) };
    let check = judge(&Previous::State(reset));
    assert!(check.failed() && check.detail.contains("the stricter rule holds"), "{check:?}");
    let odd = State { issued_at: time("2026-11-02T00:00:00Z"), ..state(6) };
    let check = judge(&Previous::State(odd));
    assert!(!check.failed() && check.detail.contains("odd"), "{check:?}");
}

#[test]
fn key_ids_must_agree_where_both_are_stated() {
    let judge = |kid, stated: Option<&str>| {
        let list = RevocationList { signing_key_id: stated.map(str::to_owned), ..list() };
        key_ids(&list, b"l.jws", kid).map(|check| check.status)
    };
    assert_eq!(judge(None, None), None);
    assert_eq!(judge(Some("a"), Some("a")), Some(Status::Pass));
    assert_eq!(judge(Some("a"), Some("b")), Some(Status::Fail));
    assert_eq!((judge(Some("a"), None), judge(None, Some("a"))), (Some(Status::Skip), Some(Status::Skip)));
}

#[test]
fn a_list_that_revokes_its_own_key_is_noticed_by_any_name() {
    let signer = Signer {
        fingerprint: "sha256:ab".into(),
        name: None,
        keyid: None,
        scheme: "ed25519",
        input: "jws",
        by: Authentication::PublicKey,
        document: b"l.jws".to_vec(),
        certificate: None,
    };
    let policy = Policy::new(time("2026-11-20T00:00:00Z"));
    let found = |category, id: &str, fingerprint: Option<&str>| {
        let revocation = Revocation {
            category,
            id: id.into(),
            revoked_at: time("2026-11-01T00:00:00Z"),
            reason: None,
            token_type: None,
            client_id: None,
            subject_id: None,
            fingerprint: fingerprint.map(str::to_owned),
            scopes: Vec::new(),
            effective_at: None,
            expires_at: None,
            description: None,
            metadata: Vec::new(),
        };
        let list = RevocationList { revocations: vec![revocation], signing_key_id: Some("auth-1".into()), ..list() };
        of_own_key(&list, Some("kid-1"), std::slice::from_ref(&signer), &policy).is_some()
    };
    for id in ["auth-1", "kid-1", "sha256:ab", "AB"] {
        assert!(found(Category::Key, id, None), "{id}");
        assert!(found(Category::Key, "other", Some(id)), "{id}");
        assert!(!found(Category::Client, id, None), "{id}");
    }
    assert!(!found(Category::Key, "auth-2", Some("cd")));
}
