use super::*;
use crate::trust::age_vectors::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

fn ours() -> Identities {
    Identities::parse(OURS.as_bytes()).unwrap()
}

fn bytes(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap()
}

/// Keys show nothing of themselves: whether it is the right one is seen by what it opens.
fn opens(key: &DataKey) -> bool {
    let file = crate::trust::sealed::SealedFile::with_prefix(bytes(SEALED)).unwrap();
    let opened = file.open(key, b"run-7:data/raw/x.jsonl.zst");
    opened.is_ok_and(|opened| opened.plain() == b"{\"id\":\"CVE-2025-0001\"}\n")
}

fn refused(file: &[u8]) -> UnwrapError {
    ours().unwrap_key(file).unwrap_err()
}

#[test]
fn keys_that_age_wrapped_are_unwrapped() {
    assert!(opens(&DataKey::from_bytes(&bytes(KEY)).unwrap()));
    assert!(!opens(&DataKey::from_bytes(&[0; 32]).unwrap()));
    for file in [bytes(BINARY), bytes(TWO), ARMORED.into(), format!("\n\n{ARMORED}").into()] {
        assert!(opens(&ours().unwrap_key(&file).unwrap()));
    }
    assert!(opens(&ours().unwrap_key(ARMORED.replace('\n', "\r\n").as_bytes()).unwrap()));
    let both = Identities::parse(format!("{STRANGER}\n{OURS}").as_bytes()).unwrap();
    assert!(opens(&both.unwrap_key(&bytes(BINARY)).unwrap()));
}

#[test]
fn other_identities_do_not_unwrap() {
    let stranger = Identities::parse(STRANGER.as_bytes()).unwrap();
    assert_eq!(stranger.unwrap_key(&bytes(BINARY)).unwrap_err(), UnwrapError::NoMatch { identities: 1 });
    assert!(opens(&stranger.unwrap_key(&bytes(TWO)).unwrap()));
}

#[test]
fn wrapped_keys_of_another_length_are_refused() {
    assert_eq!(refused(&bytes(SHORT)), UnwrapError::Length { found: 31 });
    assert_eq!(refused(&bytes(LONG)), UnwrapError::Length { found: 33 });
    assert_eq!(refused(&bytes(NOTHING)), UnwrapError::Length { found: 0 });
}

#[test]
fn other_kinds_of_recipients_are_named_and_pass_phrases_never_tried() {
    assert_eq!(refused(&bytes(SSH)), UnwrapError::OtherRecipients { found: "\"ssh-ed25519\"".into() });
    assert_eq!(refused(&bytes(SCRYPT)), UnwrapError::PassPhrase);
    // A work factor that would take years, and a pass phrase beside a recipient that fits.
    let text = String::from_utf8_lossy(&bytes(SCRYPT)).replace(" 18\n", " 63\n");
    assert_eq!(refused(text.as_bytes()), UnwrapError::PassPhrase);
    let mixed = [b"age-encryption.org/v1\n-> scrypt AAAA 63\nAAAA\n", &bytes(BINARY)[22..]].concat();
    assert_eq!(refused(&mixed), UnwrapError::PassPhrase);
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_wrapped_key_is_found() {
    let (good, mut kinds) = (bytes(BINARY), std::collections::BTreeSet::new());
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let error = refused(&bad);
        assert!(!error.to_string().is_empty());
        kinds.insert(format!("{error:?}").split([' ', '(']).next().unwrap().to_owned());
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["Altered", "Malformed", "NoMatch", "OtherRecipients"]);
    for length in 0..good.len() {
        assert!(ours().unwrap_key(&good[..length]).is_err(), "cut to {length}");
    }
    let longer = [good.as_slice(), b"\n"].concat();
    assert!(matches!(refused(&longer), UnwrapError::Altered { .. }));
    // Where each of them lies: in the stanza, in the seal of the header, in the key.
    let at = |index: usize| {
        let mut bad = good.clone();
        bad[index] = if bad[index] == b'A' { b'B' } else { b'A' };
        refused(&bad)
    };
    assert_eq!(at(90), UnwrapError::NoMatch { identities: 1 });
    assert_eq!(at(125), UnwrapError::Altered { found: "the seal (MAC) of its header is wrong" });
    assert_eq!(at(200), UnwrapError::Altered { found: "the key in it does not decrypt, or it was cut" });
}

#[test]
fn what_is_no_age_file_is_malformed() {
    let found = |file: &[u8]| match refused(file) {
        UnwrapError::Malformed { found } => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(found(b""), "other bytes");
    assert_eq!(found(&bytes(KEY)), "other bytes");
    assert_eq!(found(BINARY.as_bytes()), "other bytes"); // base64 is for the caller to take off
    assert_eq!(found(b"age-encryption.org/v2\n-> X25519 a\n"), "version \"age-encryption.org/v2\"");
    assert_eq!(found(b"age-encryption.org/v1\n-> X25519 a\n"), "a header without an end");
    assert_eq!(found(b"age-encryption.org/v1\n--- AAAA\n"), "a header that breaks the format");
    assert_eq!(found(ARMORED.replace("END AGE", "FIN AGE").as_bytes()), "ASCII armor that breaks the format");
    let trailing = format!("{ARMORED}trailing");
    assert_eq!(found(trailing.as_bytes()), "ASCII armor that breaks the format");
}

#[test]
fn sizes_are_capped_before_anything_is_parsed() {
    assert_eq!(refused(&[b'a'; MAX_WRAPPED + 1]), UnwrapError::TooLarge { found: MAX_WRAPPED + 1 });
    let header = |stanzas: String| format!("age-encryption.org/v1\n{stanzas}--- {}\n", "A".repeat(43));
    let many = refused(header("-> X25519 A\nAAAA\n".repeat(MAX_STANZAS + 1)).as_bytes());
    assert_eq!(many, malformed("more than 32 recipients in one file"));
    let long = refused(header(format!("-> X25519 A\n{}", "AAAA\n".repeat(600))).as_bytes());
    assert_eq!(long, malformed("a header of more than 256 lines"));
}

#[test]
fn identity_files_hold_identities_comments_and_blank_lines() {
    let text = format!("# created: 2026-11-20\r\n# public key: {OURS_PUBLIC}\r\n{OURS}\r\n\r\n  {STRANGER}  ");
    let identities = Identities::parse(text.as_bytes()).unwrap();
    assert_eq!(identities.recipients(), [OURS_PUBLIC, STRANGER_PUBLIC]);
    assert_eq!(format!("{identities:?}"), format!("Identities([{OURS_PUBLIC:?}, {STRANGER_PUBLIC:?}])"));
}

#[test]
fn everything_else_in_an_identity_file_is_refused_by_name_and_not_repeated() {
    let error = |text: &str| Identities::parse(text.as_bytes()).unwrap_err();
    let kind = |text: &str| match error(&format!("{OURS}\n{text}\n")) {
        IdentityError::Kind { line: 2, found } => found,
        other => panic!("{text:?} gave {other:?}"),
    };
    assert_eq!(kind("AGE-PLUGIN-YUBIKEY-1QQQ"), "the identity of a plugin, which is another program");
    assert_eq!(kind("AGE-SECRET-KEY-PQ-1QQQ"), "a post-quantum identity");
    assert_eq!(kind("-----BEGIN OPENSSH PRIVATE KEY-----"), "a PEM block, such as an SSH key");
    assert_eq!(kind("ssh-ed25519 AAAA"), "an SSH key");
    assert_eq!(kind("s3cret"), "other text");
    assert_eq!(kind("\u{feff}AGE"), "other text");
    assert_eq!(error(OURS_PUBLIC), IdentityError::Recipient { line: 1 });
    assert_eq!(error(ARMORED), IdentityError::Encrypted);
    assert_eq!(Identities::parse(&bytes(SCRYPT)).unwrap_err(), IdentityError::Encrypted);
    assert_eq!(error(""), IdentityError::Empty);
    assert_eq!(error("# only a comment\n"), IdentityError::Empty);
    let malformed = IdentityError::Malformed { line: 1 };
    assert_eq!(error(&OURS[..70]), malformed);
    assert_eq!(error(&OURS.replace('7', "8")), malformed);
    assert_eq!(error(&OURS.to_lowercase()), malformed);
    assert_eq!(error(&format!("{OURS}{OURS}")), malformed);
    assert!(!malformed.to_string().contains(&OURS[20..30]));
    assert!(Identities::parse(format!("{OURS}\n").repeat(MAX_IDENTITIES).as_bytes()).is_ok());
    assert_eq!(error(&format!("{OURS}\n").repeat(MAX_IDENTITIES + 1)), IdentityError::TooMany);
    let found = MAX_IDENTITY_FILE + 1;
    assert_eq!(error(&"#".repeat(found)), IdentityError::TooLarge { found });
}

proptest! {
    #[test]
    fn hostile_files_give_errors(noise in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..232) {
        let identities = ours();
        prop_assert!(Identities::parse(&noise).is_err() || noise.len() > 70);
        prop_assert!(identities.unwrap_key(&noise).is_err());
        let mut file = bytes(BINARY);
        file.truncate(at);
        file.extend_from_slice(&noise);
        prop_assert!(identities.unwrap_key(&file).is_err());
    }
}
