//! What a JWK or a set of them may hold, and each way in which it is refused.

use super::super::key::vectors::*;
use super::super::key::{self, KeyKind};
use super::*;

/// Through the key file's parser, which is to recognise all of these as JSON.
fn refusal(file: impl AsRef<[u8]>) -> KeyError {
    key::parse(file.as_ref()).expect_err("a bad key file")
}

#[test]
fn sets() {
    let set = format!(r#"{{"keys":[{ED25519_JWK},{RSA2048_JWK}],"issued":"2026"}}"#);
    assert_eq!(key::parse(set.as_bytes()).unwrap()[1].kind(), KeyKind::Rsa { bits: 2048 });
    assert_eq!(refusal(r#"{"keys":[]}"#), KeyError::EmptyKeySet);
    let many = format!(r#"{{"keys":[{}]}}"#, [ED25519_JWK; MAX_KEYS + 1].join(","));
    assert_eq!(refusal(many), KeyError::TooManyKeys { found: MAX_KEYS + 1 });
    let bad = format!(r#"{{"keys":[{ED25519_JWK},{{"kty":"OKP","kid":"a\u001b","crv":"Ed448","x":"AA"}}]}}"#);
    let message = refusal(bad).to_string();
    assert!(message.starts_with(r#"key 2 of 2 (kid "a\u{1b}"): JWK member `crv`"#), "{message}");
}

#[test]
fn members() {
    let member = |jwk: String| match refusal(jwk) {
        KeyError::Jwk { member, .. } => member,
        other => panic!("{other}"),
    };
    let ed = |from: &str, to: &str| ED25519_JWK.replace(from, to);
    assert_eq!(member(ed("OKP", "oct")), "kty");
    assert_eq!(member(ed(r#""kty":"OKP","#, "")), "kty");
    assert_eq!(member(ed(r#""Ed25519""#, r#""X25519""#)), "crv");
    assert_eq!(member(ed("sig", "enc")), "use");
    assert_eq!(member(ed("EdDSA", "HS256")), "alg");
    assert_eq!(member(ed(r#""use":"sig""#, r#""key_ops":["sign"]"#)), "key_ops");
    assert_eq!(member(ed(r#""x":""#, r#""x":"AA"#)), "x");
    assert_eq!(member(ed(r#""x":""#, r#""x":"=="#)), "x");
    assert_eq!(member(P256_JWK.replace("P-256", "P-521")), "crv");
    assert_eq!(member(P256_JWK.replace(r#""y""#, r#""z""#)), "y");
    assert_eq!(member(RSA2048_JWK.replace("AQAB", "AAEAAQ")), "e");
    assert_eq!(member(RSA2048_JWK.replace("PS256", "RS512")), "alg");
    assert_eq!(refusal(RSA2048_JWK.replace("AQAB", "AQ")), KeyError::RsaExponent { found: "1".into() });
}

#[test]
fn private_members() {
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for value in [r#""AA""#, "null", "[{}]"] {
            let jwk = RSA2048_JWK.replacen('{', &format!(r#"{{"{private}":{value},"#), 1);
            let error = refusal(jwk);
            assert!(matches!(error, KeyError::PrivateKey { .. }), "{error}");
            assert!(error.to_string().contains(&format!("`{private}`")), "{error}");
        }
    }
}

#[test]
fn other_json() {
    for json in ["{", "[]", "[[\"OKP\"]]", r#"{"keys":{}}"#, r#"{"keys":[["OKP"]]}"#, r#"{"keys":[],"kty":"EC"}"#] {
        assert!(matches!(refusal(json).root(), KeyError::Json { .. }), "{json}: {}", refusal(json));
    }
    let doubled = ED25519_JWK.replacen('{', r#"{"kty":"RSA","#, 1);
    assert!(matches!(refusal(doubled), KeyError::Json { found } if found.contains("duplicate field")));
    assert!(matches!(refusal("[".repeat(60_000)), KeyError::Json { .. }));
    assert!(matches!(refusal(format!(r#"{{"a":{}"#, "[".repeat(60_000))), KeyError::Json { .. }));
    assert!(matches!(refusal(r#"{"keytype":"ed25519","keyval":{}}"#), KeyError::Jwk { member: "kty", .. }));
}
