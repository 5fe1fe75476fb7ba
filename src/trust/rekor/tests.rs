use super::logs::{Judged, fits_origin, judge};
use super::*;
use crate::format::time::Time;
use crate::trust::key;
use crate::trust::key::vectors;
use crate::trust::terms::Terms;
use std::sync::Arc;

/// The published vector of Go's note package (`golang.org/x/mod/sumdb/note`): an Ed25519 key line and a note by it.
const LINE: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn logs(line: &str) -> Policy {
    let logs = Logs { keys: LogKey::parse(line.as_bytes()).unwrap(), pinned: None };
    Policy { logs, ..Policy::new(Time::from_second(0).unwrap()) }
}

#[test]
fn the_note_of_another_implementation_verifies_with_its_key_line() {
    let note = crate::format::note::parse_note(NOTE.as_bytes()).unwrap();
    assert!(matches!(judge(&note, &logs(LINE)), Judged::Good { .. }));
    let other = crate::format::note::parse_note(NOTE.replace("answer", "question").as_bytes()).unwrap();
    assert!(matches!(judge(&other, &logs(LINE)), Judged::Bad(why) if why.contains("does not verify")));
    let renamed = crate::format::note::parse_note(NOTE.replace(" PeterNeumann ", " PeterNewman ").as_bytes()).unwrap();
    assert!(
        matches!(judge(&renamed, &logs(LINE)), Judged::Bad(why) if why.contains("key hashes")),
        "the name is hashed too"
    );
    assert!(matches!(judge(&note, &Policy::new(Time::from_second(0).unwrap())), Judged::NoKey));
    let bare = Note { signatures: Vec::new(), ..note };
    assert!(matches!(judge(&bare, &logs(LINE)), Judged::Unsigned));
}

#[test]
fn key_lines_are_taken_whole_or_not_at_all() {
    let key = &LogKey::parse(LINE.as_bytes()).unwrap()[0];
    assert_eq!((key.name.as_deref(), key.origin.as_deref()), (Some("PeterNeumann"), Some("PeterNeumann")));
    for other in [
        LINE.replace("c74f20a3", "c74f20a4"),
        LINE.replace("Peter", "Pete"),
        LINE.replace("+ARpc", "+AhpcA"),
        LINE.replace("TW", "T"),
        format!("{LINE}\n{LINE}"),
        String::new(),
    ] {
        assert!(LogKey::parse(other.as_bytes()).is_err(), "{other}");
    }
}

#[test]
fn an_origin_is_the_name_or_the_name_and_a_tree() {
    assert!(fits_origin("rekor.example", "rekor.example"));
    assert!(fits_origin("rekor.example", "rekor.example - 2605736670972794746"));
    for other in
        ["rekor.example ", "rekor.example - ", "rekor.example - 1x", "rekor.example.evil", "rekor.example -1", ""]
    {
        assert!(!fits_origin("rekor.example", other), "{other}");
    }
}

#[test]
fn without_subjects_and_keys_nothing_is_proven() {
    let entry = b"entry";
    let root = leaf_hash(entry);
    let encoded = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(root)
    };
    let receipt = format!(
        r#"{{"uuid":"{0}","logIndex":0,"rootHash":"{0}","hashes":[],"checkpoint":"log\n1\n{encoded}\n"}}"#,
        hex(&root)
    );
    let file = ReceiptFile { name: b"r".to_vec(), named: true, bytes: receipt.into_bytes(), ..ReceiptFile::default() };
    let mut policy = Policy::new(Time::from_second(0).unwrap());
    let status = |policy: &Policy, kind: CheckKind| {
        let outcome = verify(&file, &[], policy);
        assert!(outcome.proof.is_none());
        outcome.checks.iter().find(|row| row.kind == kind).map(|row| row.status)
    };
    use check::Status::{Pass, Skip};
    assert_eq!(status(&policy, check::REKOR_SIGNATURE), Some(Skip));
    assert_eq!(status(&policy, check::REKOR_INCLUSION), Some(Pass));
    assert_eq!(status(&policy, check::REKOR_LEAF), Some(Skip));
    assert_eq!(status(&policy, check::REKOR_PINNED), None);
    let (note, checkpoint) = note::parse(format!("log\n1\n{encoded}\n").as_bytes()).unwrap();
    policy.logs.pinned = Some(Arc::new(Pinned { note, checkpoint }));
    assert_eq!(status(&policy, check::REKOR_PINNED), Some(Pass));
    assert_eq!(status(&policy, check::REKOR_SIGNATURE), Some(Skip), "what is pinned unsigned is nobody's word");
}

#[test]
fn a_revoked_log_key_vouches_for_nothing() {
    let note = crate::format::note::parse_note(NOTE.as_bytes()).unwrap();
    let mut policy = logs(LINE);
    let fingerprint = policy.logs.keys[0].key.fingerprint().to_string();
    let revoked = Terms { name: "log".into(), revoked: Some("stolen".into()), ..Terms::default() };
    policy.keys.restrict(&fingerprint, revoked);
    assert!(matches!(judge(&note, &policy), Judged::Bad(why) if why.contains("it is revoked: stolen")));
    policy.keys.restrict(&fingerprint, Terms { name: "log".into(), ..Terms::default() });
    assert!(matches!(judge(&note, &policy), Judged::Good { .. }));
}

#[test]
fn of_one_log_key_given_twice_the_one_with_an_origin_counts() {
    let note = crate::format::note::parse_note(NOTE.as_bytes()).unwrap();
    let mut policy = logs(LINE);
    let bound = policy.logs.keys[0].clone();
    policy.logs.keys.insert(0, LogKey { origin: None, name: None, ..bound });
    assert!(matches!(judge(&note, &policy), Judged::Good { log, .. } if log.origin.is_some()));
}

#[test]
fn logs_have_no_rsa_keys() {
    let file = vectors::RSA2048_PEM;
    assert!(key::parse(file.as_bytes()).is_ok());
    assert!(LogKey::parse(file.as_bytes()).unwrap_err().contains("Ed25519 or ECDSA"));
}
