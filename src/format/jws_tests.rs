//! The examples of the specifications, and a good JWS with one thing wrong.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// RFC 7515 appendix A.3.
const ATTACHED: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/// RFC 7797 section 4.2, in the compact form.
const UNENCODED: &str =
    "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY";

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn with_header(header: &Value) -> Result<Jws, JwsError> {
    parse(format!("{}..AQID", encode(header.to_string())).as_bytes())
}

fn refusal(header: &Value) -> String {
    with_header(header).unwrap_err().to_string()
}

#[test]
fn reads_an_attached_payload() {
    let jws = parse(ATTACHED.as_bytes()).unwrap();
    assert_eq!((jws.alg(), jws.kid(), jws.b64()), ("ES256", None, true));
    assert_eq!(jws.header(), b"{\"alg\":\"ES256\"}");
    assert_eq!(jws.signature().len(), 64);
    let payload = jws.payload().unwrap();
    assert!(payload.starts_with(b"{\"iss\":\"joe\",\r\n"));
    assert_eq!(jws.signing_input(payload), ATTACHED.rsplit_once('.').unwrap().0.as_bytes());
}

#[test]
fn reads_a_detached_payload_that_is_not_encoded() {
    for end in ["", "\n", "\r\n"] {
        let jws = parse(format!("{UNENCODED}{end}").as_bytes()).unwrap();
        assert_eq!((jws.alg(), jws.b64(), jws.payload()), ("HS256", false, None));
        let header = UNENCODED.split('.').next().unwrap();
        assert_eq!(jws.signing_input(b"$.02"), format!("{header}.$.02").into_bytes());
    }
    let header = encode(json!({"alg": "ES256", "b64": false, "crit": ["b64"]}).to_string());
    assert_eq!(parse(format!("{header}.a b~.AQID").as_bytes()).unwrap().payload(), Some(&b"a b~"[..]));
    assert_eq!(parse(format!("{header}.a\tb.AQID").as_bytes()), Err(JwsError::Payload));
}

#[test]
fn unknown_members_are_passed_over_and_the_key_id_is_read() {
    let header = json!({"alg": "ES256", "kid": "k1", "typ": "JOSE", "cty": "x", "jwk": {"kty": "EC"}, "b64": true});
    let jws = with_header(&header).unwrap();
    assert_eq!((jws.kid(), jws.b64(), jws.signature()), (Some("k1"), true, &[1, 2, 3][..]));
}

#[test]
fn other_text_is_no_jws() {
    for text in [
        "",
        "\n",
        "unsigned-dev-bundle",
        "unsigned-dev-bundle\n",
        "a.b",
        "a.b.c.d",
        "..",
        ".e30.AQID",
        "not signed. see the manual. thanks",
        "eyJhbGciOiJFUzI1NiJ9=..AQID",
        "-----BEGIN SIGNATURE-----",
        "\u{feff}eyJhbGciOiJFUzI1NiJ9..AQID",
        " eyJhbGciOiJFUzI1NiJ9..AQID",
    ] {
        assert_eq!(parse(text.as_bytes()), Err(JwsError::NotJws), "{text:?}");
    }
    assert!(JwsError::NotJws.to_string().contains("unsigned"));
}

#[test]
fn the_json_forms_are_refused() {
    for text in ["{\"payload\":\"\",\"signatures\":[]}", "\n{\"protected\":\"\"}", "{"] {
        assert_eq!(parse(text.as_bytes()), Err(JwsError::JsonForm), "{text}");
    }
}

#[test]
fn critical_extensions() {
    let header = |crit: Value, b64: Value| {
        let mut header = json!({"alg": "ES256", "x": 1});
        for (name, value) in [("crit", crit), ("b64", b64)] {
            if value != "absent" {
                header[name] = value;
            }
        }
        header
    };
    let absent = || json!("absent");
    for (crit, b64, read) in
        [(absent(), json!(true), true), (json!(["b64"]), json!(true), true), (json!(["b64"]), json!(false), false)]
    {
        assert_eq!(with_header(&header(crit, b64)).unwrap().b64(), read);
    }
    assert_eq!(with_header(&header(absent(), json!(false))), Err(JwsError::NotCritical));
    for crit in [json!(["x"]), json!(["b64", "x"]), json!(["B64"]), json!(["exp"]), json!([""]), json!(["alg"])] {
        let found = with_header(&header(crit.clone(), json!(false)));
        assert!(matches!(found, Err(JwsError::Critical(_))), "{crit}: {found:?}");
    }
    for (crit, b64) in [
        (json!([]), absent()),
        (json!([]), json!(false)),
        (json!(["b64"]), absent()),
        (json!(["b64", "b64"]), json!(false)),
    ] {
        assert_eq!(with_header(&header(crit.clone(), b64)), Err(JwsError::CriticalForm), "{crit}");
    }
    for (crit, b64) in [
        (json!("b64"), json!(false)),
        (Value::Null, absent()),
        (json!(["b64"]), Value::Null),
        (json!([1]), absent()),
        (json!(["b64"]), json!("false")),
    ] {
        let found = with_header(&header(crit.clone(), b64));
        assert!(matches!(found, Err(JwsError::Header(_))), "{crit}: {found:?}");
    }
}

#[test]
fn the_header_is_one_strict_object() {
    assert!(refusal(&json!({"kid": "a"})).contains("alg"));
    for header in
        [json!(["ES256"]), json!("ES256"), json!({"alg": 1}), json!({"alg": null}), json!({"alg": "a", "kid": null})]
    {
        assert!(matches!(with_header(&header), Err(JwsError::Header(_))), "{header}");
    }
    for header in [
        "{\"alg\":\"none\",\"alg\":\"ES256\"}",
        "{\"alg\":\"a\",\"ALG\":\"b\"}",
        "{\"alg\":\"a\"} {}",
        "\u{feff}{\"alg\":\"a\"}",
    ] {
        let found = parse(format!("{}..AQID", encode(header)).as_bytes());
        assert!(matches!(found, Err(JwsError::Header(_))), "{header}: {found:?}");
    }
}

#[test]
fn base64_has_one_form() {
    let header = encode("{\"alg\":\"ab\"}");
    for (text, part) in [
        (format!("{header}A..AQID"), "header"),
        (format!("{header}.e30=.AQID"), "payload"),
        (format!("{header}.e3.AQID"), "payload"),
        (format!("{header}. e30.AQID"), "payload"),
        (format!("{header}..AQI+"), "signature"),
        (format!("{header}..AQIDB"), "signature"),
        (format!("{header}..AR"), "signature"),
        (format!("{header}..AQID\n\n"), "signature"),
        (format!("{header}..AQ\nID"), "signature"),
    ] {
        assert_eq!(parse(text.as_bytes()), Err(JwsError::Base64(part)), "{text}");
    }
}

#[test]
fn sizes_are_limited() {
    let long = "a".repeat(MAX_ALG + 1);
    assert_eq!(refusal(&json!({ "alg": long })), "JWS alg: expected at most 64 bytes, found 65");
    let long = "a".repeat(MAX_KID + 1);
    assert_eq!(refusal(&json!({"alg": "a", "kid": long})), "JWS kid: expected at most 1024 bytes, found 1025");
    assert!(
        refusal(&json!({"alg": "a", "x": "a".repeat(MAX_HEADER)})).starts_with("JWS header: expected at most 65536")
    );
    let text = format!("{}..{}", encode("{\"alg\":\"a\"}"), "A".repeat(MAX_SIGNATURE + 4));
    assert!(parse(text.as_bytes()).unwrap_err().to_string().starts_with("JWS signature: expected at most 4096"));
}

#[test]
fn a_signature_may_be_empty() {
    let jws = parse(format!("{}.e30.", encode("{\"alg\":\"none\"}")).as_bytes()).unwrap();
    assert_eq!((jws.alg(), jws.signature()), ("none", &[][..]));
}

proptest! {
    #[test]
    fn what_was_put_together_comes_apart(
        kid in proptest::option::of("\\PC{0,20}"),
        payload in proptest::collection::vec(any::<u8>(), 1..60),
        signature in proptest::collection::vec(any::<u8>(), 0..80),
        detached in any::<bool>(),
    ) {
        let mut header = json!({"alg": "EdDSA"});
        if let Some(kid) = &kid {
            header["kid"] = json!(kid);
        }
        let protected = encode(header.to_string());
        let attached = if detached { String::new() } else { encode(&payload) };
        let jws = parse(format!("{protected}.{attached}.{}", encode(&signature)).as_bytes()).unwrap();
        prop_assert_eq!(jws.kid(), kid.as_deref());
        prop_assert_eq!(jws.payload(), (!detached).then_some(&payload[..]));
        prop_assert_eq!(jws.signature(), &signature[..]);
        prop_assert_eq!(jws.signing_input(&payload), format!("{protected}.{}", encode(&payload)).into_bytes());
    }

    #[test]
    fn arbitrary_bytes_never_panic(header in proptest::collection::vec(any::<u8>(), 0..60), rest in "[a-zA-Z0-9._ =-]{0,20}") {
        let _ = parse(&header);
        let _ = parse(format!("{}.{rest}", encode(&header)).as_bytes());
    }
}
