use super::*;
use proptest::prelude::*;

/// A list with everything that it may have.
const FULL: &str = r#"{
  "bundleId": "6f9d08bfa0c24a0a",
  "expiresAt": "2026-12-01T00:00:00Z",
  "issuedAt": "2026-11-01T00:00:00Z",
  "issuer": "https://auth.example",
  "metadata": {
    "attempt": 3,
    "final": true,
    "note": "weekly",
    "nothing": null
  },
  "revocations": [
    {
      "category": "client",
      "clientId": "ci",
      "id": "ci",
      "reason": "rotation",
      "revokedAt": "2026-10-11T00:00:00Z",
      "scopes": [
        "read",
        "write"
      ]
    },
    {
      "category": "key",
      "fingerprint": "sha256:00",
      "id": "old",
      "metadata": {},
      "revokedAt": "2026-10-11T00:00:00Z"
    },
    {
      "category": "subject",
      "id": "u1",
      "reasonDescription": "left",
      "revokedAt": "2026-10-11T00:00:00.5Z",
      "subjectId": "u1"
    },
    {
      "category": "token",
      "clientId": "ci",
      "effectiveAt": "2026-10-11T00:00:00Z",
      "expiresAt": "2027-10-11T00:00:00Z",
      "id": "t1",
      "revokedAt": "2026-10-11T00:00:00Z",
      "tokenType": "refresh"
    }
  ],
  "schemaVersion": "1.0.0",
  "sequence": 7,
  "signingKeyId": "auth-1",
  "validFrom": "2026-11-01T00:00:00Z"
}"#;

fn read(text: &str) -> RevocationList {
    parse(text.as_bytes()).unwrap()
}

fn changed(from: &str, to: &str) -> RevocationList {
    assert!(FULL.contains(from), "{from}");
    read(&FULL.replacen(from, to, 1))
}

#[test]
fn a_full_list_has_no_fault() {
    let list = read(FULL);
    assert_eq!((&list.faults, &list.disorder), (&Faults::default(), &Faults::default()));
    assert!(list.deviations.is_empty(), "{:?}", list.deviations);
    assert_eq!((list.sequence, list.bundle_id.as_deref()), (Some(7), Some("6f9d08bfa0c24a0a")));
    let categories: Vec<Category> = list.revocations.iter().map(|revocation| revocation.category).collect();
    assert_eq!(categories, Category::ALL);
    assert_eq!(list.metadata[2], ("note".to_string(), "\"weekly\"".to_string()));
}

#[test]
fn the_documented_example_is_read_and_its_layout_told() {
    let text = r#"{"bundleId":"6f9d08bfa0c24a0a","issuedAt":"2025-10-12T00:00:00Z","issuer":"https://auth.stella-ops.example","revocations":[{"category":"client","clientId":"ci","id":"ci","reason":"rotation","revokedAt":"2025-10-11T00:00:00Z"}],"schemaVersion":"1.0.0","sequence":7}"#;
    let list = read(text);
    assert!(list.faults.is_empty() && list.disorder.is_empty());
    assert_eq!(list.deviations, ["the text is not indented by two spaces"]);
}

#[test]
fn each_fault_of_the_schema_is_named() {
    for (from, to, named) in [
        ("\"1.0.0\"", "\"1.1.0\"", "schemaVersion"),
        ("\"1.0.0\"", "\"1.0.\"", "schemaVersion"),
        ("\"1.0.0\"", "1.0", "schemaVersion"),
        ("https://auth", "auth", "issuer"),
        ("https://auth", "https:// auth", "issuer"),
        ("https://auth", "https://%4zauth", "issuer"),
        ("\"sequence\": 7", "\"sequence\": -1", "sequence"),
        ("\"sequence\": 7", "\"sequence\": 7.0", "sequence"),
        ("\"sequence\": 7", "\"sequence\": \"7\"", "sequence"),
        ("\"sequence\": 7", "\"sequence\": 9007199254740992", "sequence"),
        ("6f9d08bfa0c24a0a", "6F9D08BFA0C24A0A", "bundleId"),
        ("6f9d08bfa0c24a0a", "6f9d08b", "bundleId"),
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00+00:00", "expiresAt"),
        ("2026-12-01T00:00:00Z", "2026-12-01 00:00:00Z", "expiresAt"),
        ("2026-12-01T00:00:00Z", "2026-13-01T00:00:00Z", "expiresAt"),
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00z", "expiresAt"),
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00,5Z", "expiresAt"),
        ("2026-12-01T00:00:00Z", "2026-12-01T000000.0000Z", "expiresAt"),
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00.Z", "expiresAt"),
        ("2026-12-01T00:00:00Z", "+02026-12-01T00:00:00Z", "expiresAt"),
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00.0000000001Z", "expiresAt"),
        ("\"auth-1\"", "null", "signingKeyId"),
        ("\"weekly\"", "[]", "metadata.note"),
        ("\"category\": \"client\"", "\"category\": \"device\"", "revocations[0].category"),
        ("\"clientId\": \"ci\",\n      \"id\"", "\"id\"", "revocations[0].clientId"),
        ("\"tokenType\"", "\"type\"", "revocations[3].tokenType"),
        ("\"subjectId\"", "\"subject\"", "revocations[2].subjectId"),
        ("\"id\": \"old\"", "\"id\": \"\"", "revocations[1].id"),
        ("\"read\",", "7,", "revocations[0].scopes"),
        ("\"reason\"", "\"why\"", "revocations[0].why: not a member"),
        ("\"validFrom\"", "\"notBefore\"", "notBefore: not a member"),
    ] {
        let list = changed(from, to);
        assert!(list.faults.told.iter().any(|fault| fault.starts_with(named)), "{to}: {:?}", list.faults);
    }
    assert!(read("[]").faults.told[0].contains("found an array"));
    assert_eq!(read("{}").faults.count, 5);
}

#[test]
fn order_and_repetition_are_faults_of_order() {
    for (from, to) in [
        ("\"id\": \"old\"", "\"id\": \"old\", \"x\": 1"),
        ("\"category\": \"client\"", "\"category\": \"subject\", \"subjectId\": \"ci\""),
        ("\"read\",\n        \"write\"", "\"write\",\n        \"read\""),
        ("\"read\",\n        \"write\"", "\"read\",\n        \"read\""),
    ] {
        let list = changed(from, to);
        assert_eq!(list.disorder.is_empty(), to.contains("\"x\""), "{to}: {:?}", list.disorder);
    }
    let entry = r#"{"category":"key","id":"ID","revokedAt":"2026-10-11T00:00:00Z"}"#;
    let with = |ids: &[&str]| {
        let entries: Vec<String> = ids.iter().map(|id| entry.replace("ID", id)).collect();
        read(&format!(r#"{{"revocations":[{}]}}"#, entries.join(","))).disorder.count
    };
    assert_eq!((with(&["a", "b"]), with(&["b", "a"]), with(&["a", "a"])), (0, 1, 1));
    // Code points and UTF-16 units sort these two differently; each order is one.
    assert_eq!((with(&["\u{ffee}", "\u{1f600}"]), with(&["\u{1f600}", "\u{ffee}"])), (0, 0));
}

#[test]
fn members_out_of_order_are_told_and_no_fault() {
    let list = changed("\"issuer\": \"https://auth.example\",", "");
    assert_eq!(list.faults.told, ["issuer: required, and not there"]);
    let list = read(&FULL.replacen("{\n", "{\n  \"issuer\": \"https://auth.example\",\n", 1).replacen(
        "  \"issuer\": \"https://auth.example\",\n  \"metadata\"",
        "  \"metadata\"",
        1,
    ));
    assert!(list.faults.is_empty());
    assert_eq!(list.deviations, ["members are not in lexicographic order: in the list, issuer before bundleId"]);
}

#[test]
fn long_lists_and_texts_are_bounded() {
    let long = "x".repeat(MAX_TEXT + 1);
    assert!(changed("\"auth-1\"", &format!("\"{long}\"")).faults.told[0].contains("at most 1024 bytes"));
    let many = format!(r#"{{"revocations":[{}0]}}"#, "0,".repeat(MAX_REVOCATIONS));
    let list = read(&many);
    assert!(list.faults.told.iter().any(|fault| fault.contains("at most 131072 items")), "{:?}", list.faults);
    let wrong = read(&format!(r#"{{"revocations":[{}0]}}"#, "0,".repeat(99))).faults;
    assert_eq!((wrong.told.len(), wrong.count), (MAX_FAULTS, 104));
    assert!(wrong.sentence().ends_with("; and 84 more"));
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(edits in prop::collection::vec((0..FULL.len(), any::<u8>(), 0..3u8), 1..6)) {
        let mut bytes = FULL.as_bytes().to_vec();
        for (at, byte, how) in edits {
            let at = at % bytes.len();
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        if let Ok(list) = parse(&bytes) {
            prop_assert!(list.faults.told.len() <= MAX_FAULTS && list.faults.told.len() <= list.faults.count);
        }
    }

    #[test]
    fn changed_values_never_panic(at in 0..64usize, value in prop::sample::select(vec![
        "null", "true", "-1", "1e9", "18446744073709551615", "\"\"", "\"\\u0000\"", "[]", "{}", "[[[]]]", "{\"a\":{}}",
        "\"2026-11-31T00:00:00Z\"", "\"9999999999-01-01T00:00:00Z\"", "\"\\ud83d\\ude00\"",
    ])) {
        // Each value of the text in turn: what follows a colon.
        let starts: Vec<usize> = FULL.match_indices("\": ").map(|(found, _)| found + 3).collect();
        let start = starts[at % starts.len()];
        let end = start + FULL[start..].find(['\n', ',']).unwrap();
        let opened = FULL[start..].starts_with(['{', '[']);
        let text = if opened { FULL.to_owned() } else { format!("{}{value}{}", &FULL[..start], &FULL[end..]) };
        let list = read(&text);
        prop_assert!(list.faults.told.len() <= list.faults.count);
        prop_assert!(!opened || list == read(FULL));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        let _ = State::parse(&bytes);
    }
}
