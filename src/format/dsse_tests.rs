//! Tests of DSSE envelopes: a good envelope of each shape, and the same with one thing wrong.

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const TYPE: &str = "application/vnd.in-toto+json";

/// The example of the DSSE specification, with an empty key id as some signers write it.
fn good() -> Value {
    json!({
        "payloadType": "http://example.com/HelloWorld",
        "payload": "aGVsbG8gd29ybGQ=",
        "signatures": [{"keyid": "", "sig": "AQID"}],
    })
}

fn flat() -> Value {
    json!({
        "payloadType": TYPE, "payload": "e30=", "signature": "AQID", "keyId": "k1", "algorithm": "ES256",
        "provider": "sovereign-default", "signedAt": "2025-11-05T00:00:00Z", "timestampToken": null,
    })
}

fn parsed(document: &Value) -> Result<SignatureDocument, DsseError> {
    parse(document.to_string().as_bytes())
}

fn with(mut document: Value, member: &str, value: Value) -> Value {
    document.as_object_mut().unwrap().insert(member.to_owned(), value);
    document
}

fn without(mut document: Value, member: &str) -> Value {
    document.as_object_mut().unwrap().remove(member);
    document
}

fn refusal(document: &Value) -> String {
    parsed(document).unwrap_err().to_string()
}

#[test]
fn pae_counts_bytes() {
    let hello = "http://example.com/HelloWorld";
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    assert_eq!(pae(hello, b"hello world"), b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    assert_eq!(pae(hello, "ಠ".as_bytes()), "DSSEv1 29 http://example.com/HelloWorld 3 ಠ".as_bytes());
    assert_eq!(pae("e\u{301}", b""), "DSSEv1 3 e\u{301} 0 ".as_bytes());
}

#[test]
fn reads_a_standard_envelope() {
    let document = parsed(&good()).unwrap();
    let envelope = &document.envelope;
    assert_eq!(document.shape, Shape::Standard);
    assert_eq!(document.deviations, [""; 0]);
    assert_eq!(envelope.payload(), b"hello world");
    assert_eq!(envelope.pae(), pae(envelope.payload_type(), b"hello world"));
    assert_eq!(envelope.payload().as_ptr_range().end, envelope.pae().as_ptr_range().end, "one buffer");
    assert_eq!(envelope.base64url_payload(), b"aGVsbG8gd29ybGQ");
    let [signature] = envelope.signatures() else { panic!("one signature") };
    assert_eq!(signature.keyid.as_deref(), Some(""));
    assert_eq!(signature.bytes, Ok(vec![1, 2, 3]));
}

#[test]
fn reads_a_document_around_an_envelope() {
    let envelope = json!({"payloadType": TYPE, "payload": "", "signatures": [
        {"keyId": "hmac-1", "signature": "AQID", "algorithm": "HS256"},
        {"keyid": "other", "sig": "AQID"},
    ]});
    let document = parsed(&json!({
        "bundleId": "b", "rootHash": "r", "signedAtUtc": "t", "algorithm": "HMAC-SHA256", "envelope": envelope,
    }))
    .unwrap();
    assert_eq!(document.shape, Shape::Nested);
    assert_eq!(document.bundle_id.as_deref(), Some("b"));
    assert_eq!(document.root_hash.as_deref(), Some("r"));
    assert_eq!(document.signed_at.as_deref(), Some("t"));
    assert_eq!(document.algorithm_hint.as_deref(), Some("HMAC-SHA256"));
    assert_eq!(document.envelope.payload(), b"");
    assert_eq!(document.envelope.signatures().len(), 2);
    assert_eq!(document.envelope.signatures().first().unwrap().algorithm_hint.as_deref(), Some("HS256"));
    let [layout, names, algorithm] = &document.deviations[..] else { panic!("{:?}", document.deviations) };
    assert!(layout.contains("inside a larger document"));
    assert_eq!(names, "signature names are keyId and signature, not keyid and sig");
    assert!(algorithm.contains("a hint, not a fact"));
}

#[test]
fn reads_a_flat_document() {
    let document = parsed(&flat()).unwrap();
    assert_eq!(document.shape, Shape::Flat);
    assert_eq!(document.algorithm_hint.as_deref(), Some("ES256"));
    assert_eq!(document.provider.as_deref(), Some("sovereign-default"));
    assert_eq!(document.signed_at.as_deref(), Some("2025-11-05T00:00:00Z"));
    assert_eq!(document.deviations.len(), 3);
    let [signature] = document.envelope.signatures() else { panic!("one signature") };
    assert_eq!(signature.keyid.as_deref(), Some("k1"));
    assert_eq!(signature.algorithm_hint.as_deref(), Some("ES256"));
}

#[test]
fn names_the_member_that_is_wrong() {
    let signature = |signature: Value| with(good(), "signatures", json!([signature]));
    for (document, expected) in [
        (with(good(), "payload", Value::Null), "member payload is missing"),
        (with(good(), "payloadType", json!(1)), "payloadType: invalid type: integer `1`, expected a string"),
        (with(good(), "signatures", json!({})), "signatures: invalid type: map, expected a list of signature objects"),
        (signature(json!("AQID")), "signatures: invalid type: string \"AQID\", expected a signature object"),
        (signature(json!({"sig": null, "keyid": "a"})), "signature 0 has no sig"),
        (signature(json!({"sig": "AQID", "signature": "AQID"})), "signatures: signature: member is present in two"),
        (signature(json!({"sig": "", "keyid": "a", "keyId": "b"})), "differs from \"keyId\" only by case"),
        (signature(json!({"keyid": "a"})), "signature 0 has no sig"),
        (without(good(), "payload"), "member payload is missing"),
        (without(good(), "payloadType"), "member payloadType is missing"),
        (without(good(), "signatures"), "member signatures is missing"),
        (json!({"envelope": []}), "envelope: invalid type: sequence, expected an envelope object"),
        (json!([good()]), "invalid type: sequence, expected an envelope object"),
    ] {
        let refusal = refusal(&document);
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn refuses_documents_with_two_envelopes() {
    for document in [
        with(good(), "signature", json!("AQID")),
        with(good(), "envelope", good()),
        json!({"envelope": good(), "payload": "e30="}),
        json!({"envelope": good(), "payloadType": TYPE}),
        json!({"envelope": good(), "sig": "AQID"}),
        json!({"envelope": with(good(), "envelope", good())}),
        json!({"envelope": {"envelope": good()}}),
    ] {
        assert!(matches!(parsed(&document), Err(DsseError::Ambiguous(_))), "{document}");
    }
    assert_eq!(parsed(&json!({"envelope": flat()})), Err(DsseError::Missing("signatures")));
    assert!(parsed(&with(flat(), "signedAtUtc", json!("t"))).is_err());
    let twice = good().to_string().replacen('{', r#"{"payload":"e30=","#, 1);
    assert!(parse(twice.as_bytes()).unwrap_err().to_string().starts_with("duplicate key \"payload\""));
}

#[test]
fn caps_hold_at_their_edges() {
    let signatures = |count: usize| with(good(), "signatures", json!(vec![json!({"sig": "AQID"}); count]));
    assert_eq!(parsed(&signatures(0)), Err(DsseError::NoSignatures));
    assert_eq!(parsed(&signatures(128)).unwrap().envelope.signatures().len(), 128);
    assert_eq!(parsed(&signatures(129)), Err(DsseError::TooManySignatures(129)));
    assert_eq!(parsed(&signatures(100_000)), Err(DsseError::TooManySignatures(100_000)));

    let payload_type = |length: usize| with(good(), "payloadType", json!("é".repeat(length / 2)));
    assert_eq!(parsed(&payload_type(0)), Err(DsseError::PayloadType(0)));
    assert!(parsed(&payload_type(256)).is_ok());
    assert_eq!(parsed(&payload_type(258)), Err(DsseError::PayloadType(258)));

    let keyid =
        |length: usize| with(good(), "signatures", json!([{"sig": ""}, {"sig": "", "keyid": "k".repeat(length)}]));
    assert!(parsed(&keyid(1024)).is_ok());
    assert_eq!(parsed(&keyid(1025)), Err(DsseError::Keyid { index: 1, found: 1025 }));
}

#[test]
fn a_spoilt_signature_does_not_spoil_the_envelope() {
    let document = with(good(), "signatures", json!([{"sig": "A*=="}, {"sig": "AQID"}]));
    let document = parsed(&document).unwrap();
    let [bad, good] = document.envelope.signatures() else { panic!("two signatures") };
    assert_eq!(bad.bytes, Err("not a base64 character at offset 1: byte 0x2a".to_owned()));
    assert!(good.bytes.is_ok());
    let spoilt = with(super::tests::good(), "payload", json!("aGVsbG8\nd29ybGQ="));
    assert_eq!(refusal(&spoilt), "payload: white space in base64 at offset 7");
}

#[test]
fn base64_has_one_meaning_a_text() {
    for (text, bytes) in [
        ("", &b""[..]),
        ("YQ==", b"a"),
        ("YQ", b"a"),
        ("YWI=", b"ab"),
        ("YWI", b"ab"),
        ("-_-_", b"\xfb\xff\xbf"),
        ("+/+/", b"\xfb\xff\xbf"),
        ("-w==", b"\xfb"),
        ("-w", b"\xfb"),
    ] {
        assert_eq!(decode_base64(text).as_deref(), Ok(bytes), "{text}");
    }
    for (text, error) in [
        ("-/-/", Base64Error::MixedAlphabets(1)),
        ("+/-_", Base64Error::MixedAlphabets(0)),
        ("YQ=", Base64Error::Padding),
        ("YWI==", Base64Error::Padding),
        ("Y===", Base64Error::Padding),
        ("====", Base64Error::Padding),
        ("=", Base64Error::Padding),
        ("YQ==YQ==", Base64Error::Padding),
        ("YR==", Base64Error::TrailingBits),
        ("YWJ", Base64Error::TrailingBits),
        ("YWJjY", Base64Error::Length(5)),
        ("YW\r\nJj", Base64Error::WhiteSpace(2)),
        ("YQ==\n", Base64Error::WhiteSpace(4)),
        (" YQ==", Base64Error::WhiteSpace(0)),
        ("YWé", Base64Error::Character { offset: 2, byte: 0xc3 }),
    ] {
        assert_eq!(decode_base64(text), Err(error), "{text:?}");
    }
}

#[test]
fn reads_escaped_base64_and_names_the_alphabet() {
    let text = r#"{"payloadType":"t","payload":"\u002B\/+\/","signatures":[{"sig":"\u002B\/+\/"}]}"#;
    let envelope = parse(text.as_bytes()).unwrap().envelope;
    assert_eq!(envelope.payload(), b"\xfb\xff\xbf");
    assert_eq!(envelope.payload_alphabet(), Alphabet::Standard);
    assert_eq!(envelope.base64url_payload(), b"-_-_");
    let document = parsed(&with(good(), "payload", json!("-_-_"))).unwrap();
    assert_eq!(document.envelope.payload_alphabet(), Alphabet::UrlSafe);
    assert_eq!(document.deviations, [""; 0], "the specification allows it");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        payload_type in "\\PC{1,60}",
        payload in prop::collection::vec(any::<u8>(), 0..200),
        signatures in prop::collection::vec((prop::option::of(".{0,20}"), prop::collection::vec(any::<u8>(), 0..80)), 1..6),
        dialect in any::<bool>(),
        engine in prop::sample::select(vec![BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD]),
    ) {
        let (keyid, sig) = if dialect { ("keyId", "signature") } else { ("keyid", "sig") };
        let written: Vec<Value> = signatures.iter().map(|(id, bytes)| {
            let signature = json!({sig: engine.encode(bytes)});
            id.iter().fold(signature, |signature, id| with(signature, keyid, json!(id)))
        }).collect();
        let text = json!({"payloadType": payload_type, "payload": engine.encode(&payload), "signatures": written});
        let document = parsed(&text).unwrap();
        prop_assert_eq!(document.envelope.payload(), &payload[..]);
        prop_assert_eq!(document.envelope.pae(), pae(&payload_type, &payload));
        prop_assert_eq!(document.deviations.is_empty(), !dialect);
        let read: Vec<_> = document.envelope.signatures().iter()
            .map(|signature| (signature.keyid.clone(), signature.bytes.clone().unwrap())).collect();
        prop_assert_eq!(read, signatures);
    }

    #[test]
    fn arbitrary_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        let _ = decode_base64(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn mutations_of_good_documents_are_answered(
        base in prop::sample::select(vec![good(), flat(), json!({"envelope": good(), "bundleId": "b"})]),
        at in any::<prop::sample::Index>(),
        cut in 0usize..4,
        insert in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let mut bytes = base.to_string().into_bytes();
        let start = at.index(bytes.len());
        let end = bytes.len().min(start + cut);
        bytes.splice(start..end, insert);
        if let Ok(document) = parse(&bytes) {
            prop_assert!(document.envelope.pae().ends_with(document.envelope.payload()));
            prop_assert!(!document.envelope.signatures().is_empty());
        }
    }

    #[test]
    fn decoding_accepts_one_text_for_each_way_of_writing(text in "[A-Za-d0-3+/_=-]{0,12}") {
        if let Ok(bytes) = decode_base64(&text) {
            let engines = [BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD];
            prop_assert!(engines.iter().any(|engine| engine.encode(&bytes) == text));
        }
    }
}
