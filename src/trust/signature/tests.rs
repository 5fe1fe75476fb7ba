//! Each scheme with a genuine signature and with what comes close to one.

use proptest::prelude::*;

use super::super::key::{self, vectors::*};
use super::*;

/// A key, a scheme and a genuine signature, for every scheme of public keys.
const GENUINE: [(&str, Scheme, &str); 8] = [
    (ED25519_PEM, Scheme::Ed25519, ED25519_SIG),
    (P256_PEM, Scheme::EcdsaP256Sha256, P256_SIG),
    (P384_PEM, Scheme::EcdsaP384Sha384, P384_SIG),
    (P384_PEM, Scheme::EcdsaP384Sha256, P384_SHA256_SIG),
    (P256_PEM, Scheme::EcdsaP256Sha256Fixed, P256_FIXED_SIG),
    (P384_PEM, Scheme::EcdsaP384Sha384Fixed, P384_FIXED_SIG),
    (RSA2048_PEM, Scheme::RsaPssSha256, RSA_PSS_SIG),
    (RSA2048_PEM, Scheme::RsaPkcs1v15Sha256, RSA_PKCS1_SIG),
];

fn public(pem: &str) -> PublicKey {
    key::parse(pem.as_bytes()).expect("a good key").remove(0)
}

fn check(pem: &str, scheme: Scheme, signature: &[u8]) -> Result<(), SignatureError> {
    let outcome = verify(&public(pem), scheme, MESSAGE, signature);
    assert_eq!(outcome, in_pieces(&public(pem), scheme, MESSAGE, signature), "{scheme}: the other way");
    outcome
}

/// The same question about a message that is known by its digests, or passes by in pieces.
fn in_pieces(key: &PublicKey, scheme: Scheme, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    use sha2::Digest as _;
    let digests = MessageDigests {
        sha256: sha2::Sha256::digest(message).into(),
        sha384: Some(sha2::Sha384::digest(message).into()),
    };
    match verify_digest(key, scheme, &digests, signature) {
        Err(SignatureError::MessageNeeded { scheme }) => {
            assert_eq!(scheme, Scheme::Ed25519);
            let mut streamed = StreamedEd25519::new(key, signature)?;
            message.chunks(5).for_each(|piece| streamed.update(piece));
            streamed.finish()
        }
        outcome => outcome,
    }
}

fn malformed(pem: &str, scheme: Scheme, signature: &[u8]) -> Malformed {
    match check(pem, scheme, signature) {
        Err(SignatureError::Malformed { reason, .. }) => reason,
        other => panic!("{scheme}: {other:?}"),
    }
}

/// Two DER integers from their contents octets, unchecked.
fn sequence(r: &[u8], s: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| bytes.len() as u8;
    [&[0x30, length(r) + length(s) + 4, 2, length(r)], r, &[2, length(s)], s].concat()
}

#[test]
fn genuine_signatures_verify() {
    for (pem, scheme, signature) in GENUINE {
        assert_eq!(check(pem, scheme, &bytes(signature)), Ok(()), "{scheme}");
    }
}

#[test]
fn another_message_or_a_changed_signature_does_not() {
    for (pem, scheme, signature) in GENUINE {
        let genuine = bytes(signature);
        let key = public(pem);
        assert_eq!(verify(&key, scheme, b"another message", &genuine), Err(SignatureError::Mismatch), "{scheme}");
        assert_eq!(verify(&key, scheme, b"", &genuine), Err(SignatureError::Mismatch), "{scheme}");
        assert_eq!(in_pieces(&key, scheme, b"", &genuine), Err(SignatureError::Mismatch), "{scheme}");
        for index in 0..genuine.len() {
            let mut changed = genuine.clone();
            changed[index] ^= 1;
            assert!(check(pem, scheme, &changed).is_err(), "{scheme}, byte {index}");
        }
        for wrong in [&genuine[..genuine.len() - 1], &[&genuine[..], &[0]].concat(), &[]] {
            assert!(matches!(check(pem, scheme, wrong), Err(SignatureError::Malformed { .. })), "{scheme}");
        }
    }
}

#[test]
fn a_digest_that_is_not_known_decides_nothing() {
    use sha2::Digest as _;
    let known = MessageDigests { sha256: sha2::Sha256::digest(MESSAGE).into(), sha384: None };
    for (pem, scheme, signature) in GENUINE {
        let outcome = verify_digest(&public(pem), scheme, &known, &bytes(signature));
        let needed = [Scheme::Ed25519, Scheme::EcdsaP384Sha384, Scheme::EcdsaP384Sha384Fixed].contains(&scheme);
        let expected = if needed { Err(SignatureError::MessageNeeded { scheme }) } else { Ok(()) };
        assert_eq!(outcome, expected);
        let other = MessageDigests { sha256: [7; 32], sha384: Some([7; 48]) };
        let outcome = verify_digest(&public(pem), scheme, &other, &bytes(signature));
        assert!(outcome.is_err(), "{scheme}");
        let foreign = StreamedEd25519::new(&public(pem), &bytes(signature)).err();
        let refused = SignatureError::SchemeDoesNotFit { key: public(pem).kind(), schemes: Scheme::Ed25519.into() };
        assert_eq!(foreign, (scheme != Scheme::Ed25519).then_some(refused));
    }
}

#[test]
fn another_key_of_the_same_type_does_not() {
    let other = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    assert_eq!(check(other, Scheme::Ed25519, &bytes(ED25519_SIG)), Err(SignatureError::Mismatch));
}

#[test]
fn schemes_of_other_keys_do_not_fit() {
    for (pem, _, signature) in GENUINE {
        let kind = public(pem).kind();
        for scheme in Scheme::ALL.into_iter().filter(|scheme| !scheme.fits(kind)) {
            let refused = SignatureError::SchemeDoesNotFit { key: kind, schemes: scheme.into() };
            assert_eq!(check(pem, scheme, &bytes(signature)), Err(refused));
        }
    }
}

#[test]
fn schemes_of_the_same_key_are_not_mixed_up() {
    let mismatch = Err(SignatureError::Mismatch);
    assert_eq!(check(RSA2048_PEM, Scheme::RsaPssSha256, &bytes(RSA_PKCS1_SIG)), mismatch);
    assert_eq!(check(RSA2048_PEM, Scheme::RsaPkcs1v15Sha256, &bytes(RSA_PSS_SIG)), mismatch);
    assert_eq!(check(P384_PEM, Scheme::EcdsaP384Sha384, &bytes(P384_SHA256_SIG)), mismatch);
    assert_eq!(check(P384_PEM, Scheme::EcdsaP384Sha256, &bytes(P384_SIG)), mismatch);
    assert!(check(P256_PEM, Scheme::EcdsaP256Sha256, &bytes(P256_FIXED_SIG)).is_err());
    assert!(check(P256_PEM, Scheme::EcdsaP256Sha256Fixed, &bytes(P256_SIG)).is_err());
}

#[test]
fn rsa_takes_one_salt_length_and_one_hash() {
    let mismatch = Err(SignatureError::Mismatch);
    assert_eq!(check(RSA2048_PEM, Scheme::RsaPssSha256, &bytes(RSA_PSS_MAX_SALT_SIG)), mismatch);
    assert_eq!(check(RSA2048_PEM, Scheme::RsaPkcs1v15Sha256, &bytes(RSA_PKCS1_SHA512_SIG)), mismatch);
    let length = malformed(RSA2048_PEM, Scheme::RsaPssSha256, &[1; 128]);
    assert_eq!(length, Malformed::Length { expected: 256, found: 128 });
}

#[test]
fn ed25519_is_strict() {
    let lax = |signature: &str| {
        use ed25519_dalek::Verifier as _;
        let key = public(ED25519_PEM);
        let signature = ed25519_dalek::Signature::from_slice(&bytes(signature)).unwrap();
        key.ed25519().unwrap().verify(MESSAGE, &signature).is_ok()
    };
    assert!(lax(ED25519_SMALL_R_SIG), "the vector fools a lax verifier");
    assert_eq!(check(ED25519_PEM, Scheme::Ed25519, &bytes(ED25519_SMALL_R_SIG)), Err(SignatureError::Mismatch));
    assert_eq!(check(ED25519_PEM, Scheme::Ed25519, &bytes(ED25519_LARGE_S_SIG)), Err(SignatureError::Mismatch));
    assert_eq!(check(ED25519_PEM, Scheme::Ed25519, &[0; 64]), Err(SignatureError::Mismatch));
}

#[test]
fn ecdsa_der_is_strict() {
    let scheme = Scheme::EcdsaP256Sha256;
    let genuine = bytes(P256_SIG);
    let inner = &genuine[2..];
    let inside = [&[0x30, genuine[1] + 2], inner, &[5, 0]].concat();
    assert!(matches!(malformed(P256_PEM, scheme, &inside), Malformed::Der(DerError::TrailingBytes { found: 2 })));
    let ber_length = [&[0x30, 0x81, genuine[1]], inner].concat();
    assert!(matches!(malformed(P256_PEM, scheme, &ber_length), Malformed::Der(DerError::Length { found: 0x81 })));
    let indefinite = [&[0x30, 0x80], inner, &[0, 0]].concat();
    assert!(matches!(malformed(P256_PEM, scheme, &indefinite), Malformed::Der(DerError::Length { found: 0x80 })));
    let one = &[1][..];
    for zero in [sequence(&[0], one), sequence(one, &[0])] {
        assert_eq!(malformed(P256_PEM, scheme, &zero), Malformed::Range { limit: 32, found: 0 });
    }
    assert_eq!(malformed(P256_PEM, scheme, &sequence(one, &[1; 33])), Malformed::Range { limit: 32, found: 33 });
    assert_eq!(malformed(P256_PEM, scheme, &sequence(&[0xfe], one)), Malformed::Der(DerError::NegativeInteger));
    assert_eq!(malformed(P256_PEM, scheme, &sequence(&[0, 1], one)), Malformed::Der(DerError::NonMinimalInteger));
    assert_eq!(check(P256_PEM, scheme, &sequence(one, one)), Err(SignatureError::Mismatch));
}

#[test]
fn ecdsa_accepts_both_forms_of_s() {
    assert_ne!(P256_SIG, P256_OTHER_S_SIG);
    assert_eq!(check(P256_PEM, Scheme::EcdsaP256Sha256, &bytes(P256_OTHER_S_SIG)), Ok(()));
}

#[test]
fn ecdsa_fixed_numbers_are_not_zero() {
    let mut signature = bytes(P256_FIXED_SIG);
    signature[32..].fill(0);
    let found = malformed(P256_PEM, Scheme::EcdsaP256Sha256Fixed, &signature);
    assert_eq!(found, Malformed::Range { limit: 32, found: 0 });
}

#[test]
fn any_allowed_scheme_is_found() {
    let all: SchemeSet = Scheme::ALL.into_iter().collect();
    for (pem, scheme, signature) in GENUINE {
        let key = public(pem);
        assert_eq!(verify_any(&key, &all, MESSAGE, &bytes(signature)), Ok(scheme));
        let others: SchemeSet = all.iter().filter(|other| *other != scheme).collect();
        assert!(verify_any(&key, &others, MESSAGE, &bytes(signature)).is_err(), "{scheme} must be allowed");
        assert_eq!(verify_any(&key, &all, b"another", &bytes(signature)), Err(SignatureError::Mismatch));
    }
}

#[test]
fn fixed_length_ecdsa_needs_the_policy() {
    let key = public(P256_PEM);
    let default = SchemeSet::default_for_dsse();
    let signature = bytes(P256_FIXED_SIG);
    let refused = verify_any(&key, &default, MESSAGE, &signature);
    let scheme = Scheme::EcdsaP256Sha256;
    assert!(matches!(refused, Err(SignatureError::Malformed { scheme: first, .. }) if first == scheme));
    let with_fixed = default.with(Scheme::EcdsaP256Sha256Fixed);
    assert_eq!(verify_any(&key, &with_fixed, MESSAGE, &signature), Ok(Scheme::EcdsaP256Sha256Fixed));
}

#[test]
fn a_policy_without_a_fitting_scheme_is_an_error() {
    let foreign = SchemeSet::EMPTY.with(Scheme::Ed25519).with(Scheme::EcdsaP384Sha256);
    for allowed in [SchemeSet::EMPTY, Scheme::HmacSha256.into(), foreign] {
        let refused = verify_any(&public(P256_PEM), &allowed, MESSAGE, &bytes(P256_SIG));
        assert_eq!(refused, Err(SignatureError::SchemeDoesNotFit { key: KeyKind::EcdsaP256, schemes: allowed }));
    }
}

#[test]
fn hmac_tags() {
    let secret = SecretKey::from_bytes(SECRET).unwrap();
    let tag = bytes(HMAC_TAG);
    assert_eq!(verify_hmac(&secret, MESSAGE, &tag), Ok(()));
    assert_eq!(verify_hmac(&secret, b"another", &tag), Err(SignatureError::Mismatch));
    let other = SecretKey::from_bytes(b"sixteen or more bytes\n").unwrap();
    assert_eq!(verify_hmac(&other, MESSAGE, &tag), Err(SignatureError::Mismatch));
    for length in [0, 16, 31, 33] {
        let wrong: Vec<u8> = tag.iter().copied().cycle().take(length).collect();
        assert!(matches!(verify_hmac(&secret, MESSAGE, &wrong), Err(SignatureError::Malformed { .. })));
    }
}

#[test]
fn secrets_have_a_length_and_show_nothing() {
    for length in [0, MIN_SECRET_BYTES - 1, MAX_SECRET_BYTES + 1] {
        assert_eq!(SecretKey::from_bytes(&vec![7; length]).unwrap_err(), SecretError::Length { found: length });
    }
    for length in [MIN_SECRET_BYTES, 32, 65, 97, MAX_SECRET_BYTES] {
        assert!(SecretKey::from_bytes(&vec![4; length]).is_ok());
    }
    let secret = SecretKey::from_bytes(SECRET).unwrap();
    assert_eq!(format!("{secret:?}"), "SecretKey { .. }");
    assert_eq!(secret.fingerprint(), key::fingerprint(SECRET));
}

#[test]
fn keys_are_no_secrets() {
    let refused = |bytes: &[u8]| matches!(SecretKey::from_bytes(bytes), Err(SecretError::LooksLikeKey { .. }));
    for pem in [ED25519_PEM, P256_PEM, P384_PEM, P521_PEM, RSA1024_PEM, RSA2048_PEM, RSA2048_PKCS1_PEM] {
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = bytes(&base64);
        assert!(refused(pem.as_bytes()), "PEM");
        assert!(refused(pem.trim_end().replace('\n', "\r\n").as_bytes()), "PEM with other line ends");
        assert!(refused(&der), "DER");
        assert!(refused(&[b"\n", &der[..], b"\n"].concat()), "DER between line ends");
        assert!(refused(base64.as_bytes()), "base64 of DER");
    }
    for jwk in [ED25519_JWK, P256_JWK, P384_JWK, RSA2048_JWK] {
        assert!(refused(jwk.as_bytes()), "JWK");
        assert!(refused(format!("{{\"keys\":[{jwk}]}}").as_bytes()), "JWK set");
    }
    assert!(refused(&public(P256_PEM).spki_der()[26..]), "a bare P-256 point");
    assert!(refused(&public(P384_PEM).spki_der()[23..]), "a bare P-384 point");
    assert!(refused(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"), "OpenSSH");
    assert!(!refused(b"{\"not\": \"a key at all\"}"));
}

proptest! {
    #[test]
    fn arbitrary_signatures_never_verify(
        which in 0_usize..8,
        message in proptest::collection::vec(any::<u8>(), 0..64),
        signature in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let (pem, scheme, genuine) = GENUINE[which];
        let key = public(pem);
        prop_assert!(verify(&key, scheme, &message, &signature).is_err());
        let fitted: Vec<u8> = signature.iter().copied().chain([7; 300]).take(bytes(genuine).len()).collect();
        prop_assert!(verify(&key, scheme, &message, &fitted).is_err());
    }

    #[test]
    fn arbitrary_secrets_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = SecretKey::from_bytes(&bytes).map(|secret| verify_hmac(&secret, b"", &bytes));
    }
}
