//! The vectors of the specifications, keys made here for each algorithm, and every refusal.

use super::*;
use crate::format::jws;
use crate::format::time::Time;
use crate::trust::check::Status;
use crate::trust::key::{self, PublicKey};
use crate::trust::signature::{SchemeSet, SecretKey};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as aws, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::slice::from_ref;

const PAYLOAD: &[u8] = b"{\"bundleId\":\"b-1\"}\n";
const SECRET: &[u8] = b"a shared secret of some length";
const ES256_JWK: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
/// RFC 7515 appendix A.1.1, also the key of RFC 7797 section 4.
const RFC_SECRET: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn trusting(public: &[PublicKey], secrets: &[&[u8]]) -> Policy {
    let mut policy = Policy::new(Time::default());
    public.iter().for_each(|key| policy.keys.trust_public(key.clone()));
    secrets.iter().for_each(|bytes| policy.keys.trust_secret(SecretKey::from_bytes(bytes).unwrap()));
    policy
}

fn jwk(text: &str) -> PublicKey {
    key::parse(text.as_bytes()).unwrap().remove(0)
}

/// Keys to sign with, one of each type.
enum Pair {
    Ed25519(SigningKey),
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair, &'static dyn aws::RsaEncoding),
    Hmac,
}

impl Pair {
    fn ed25519() -> Pair {
        Pair::Ed25519(SigningKey::from_bytes(&[7; 32]))
    }

    fn p256() -> Pair {
        Pair::Ecdsa(EcdsaKeyPair::generate(&aws::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn p256_der() -> Pair {
        Pair::Ecdsa(EcdsaKeyPair::generate(&aws::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    fn p384() -> Pair {
        Pair::Ecdsa(EcdsaKeyPair::generate(&aws::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    fn rsa(encoding: &'static dyn aws::RsaEncoding) -> Pair {
        Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap(), encoding)
    }

    fn public(&self) -> PublicKey {
        let spki = match self {
            Pair::Ed25519(key) => {
                return jwk(&json!({"kty": "OKP", "crv": "Ed25519", "x": encode(key.verifying_key())}).to_string());
            }
            Pair::Ecdsa(pair) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
            Pair::Rsa(pair, _) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
            Pair::Hmac => panic!("a secret has no public key"),
        };
        PublicKey::from_spki(&spki, None).unwrap()
    }

    fn policy(&self) -> Policy {
        match self {
            Pair::Hmac => trusting(&[], &[SECRET]),
            _ => trusting(&[self.public()], &[]),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Pair::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            Pair::Ecdsa(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Pair::Hmac => tag(SECRET, message),
        }
    }

    /// A detached JWS over [`PAYLOAD`].
    fn detached(&self, header: &Value) -> Jws {
        let header = encode(header.to_string());
        let unsigned = jws::parse(format!("{header}..").as_bytes()).unwrap();
        let signature = encode(self.sign(&unsigned.signing_input(PAYLOAD)));
        jws::parse(format!("{header}..{signature}").as_bytes()).unwrap()
    }
}

fn tag(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
}

fn passed(jws: &Jws, payload: &[u8], policy: &Policy) -> JwsOutcome {
    let outcome = verify(jws, b"x.jws", payload, policy);
    let [check] = &outcome.checks[..] else { panic!("one check") };
    assert_eq!((check.kind, check.status), (check::JWS_SIGNATURE, Status::Pass), "{}", check.detail);
    assert_eq!(outcome.proof.as_ref().unwrap().get().payload_sha256, sha256(payload));
    assert_eq!(outcome.signers.len(), 1);
    outcome
}

/// The sentence of a check that came out as `status`, with neither signer nor proof.
fn refused(jws: &Jws, payload: &[u8], policy: &Policy, status: Status) -> String {
    let outcome = verify(jws, b"x.jws", payload, policy);
    assert!(outcome.signers.is_empty() && outcome.proof.is_none());
    let [check] = &outcome.checks[..] else { panic!("one check") };
    assert_eq!((check.kind, check.status), (check::JWS_SIGNATURE, status), "{}", check.detail);
    check.detail.clone()
}

fn fails(jws: &Jws, payload: &[u8], policy: &Policy) -> String {
    refused(jws, payload, policy, Status::Fail)
}

#[test]
fn the_vectors_of_the_specifications_verify() {
    let secret = decode(RFC_SECRET);
    let shared = trusting(&[], &[&secret]);
    let ed25519 = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    for (text, policy) in [
        // RFC 7515 A.1, A.3; RFC 8037 A.4.
        (format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), &shared),
        (format!("eyJhbGciOiJFUzI1NiJ9.{JOE}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"), &trusting(&[jwk(ES256_JWK)], &[])),
        ("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg".into(), &trusting(&[jwk(ed25519)], &[])),
    ] {
        let jws = jws::parse(text.as_bytes()).unwrap();
        let payload = jws.payload().unwrap().to_vec();
        passed(&jws, &payload, policy);
        let (header, rest) = text.split_once('.').unwrap();
        let detached = format!("{header}..{}", rest.split_once('.').unwrap().1);
        passed(&jws::parse(detached.as_bytes()).unwrap(), &payload, policy);
    }
    // RFC 7797 section 4.2.
    let text = "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY";
    let jws = jws::parse(text.as_bytes()).unwrap();
    let outcome = passed(&jws, b"$.02", &shared);
    assert_eq!(outcome.proof.unwrap().get().by, Authentication::SharedSecret);
    fails(&jws, b"$.03", &shared);
}

#[test]
fn each_algorithm_verifies_with_its_key_and_no_other_payload_does() {
    for (alg, pair) in [
        ("EdDSA", Pair::ed25519()),
        ("Ed25519", Pair::ed25519()),
        ("ES256", Pair::p256()),
        ("ES384", Pair::p384()),
        ("PS256", Pair::rsa(&aws::RSA_PSS_SHA256)),
        ("RS256", Pair::rsa(&aws::RSA_PKCS1_SHA256)),
        ("HS256", Pair::Hmac),
    ] {
        for header in [json!({"alg": alg, "kid": "k"}), json!({"alg": alg, "kid": "k", "b64": false, "crit": ["b64"]})]
        {
            let jws = pair.detached(&header);
            let outcome = passed(&jws, PAYLOAD, &pair.policy());
            let signer = &outcome.signers[0];
            assert_eq!(
                (signer.keyid.as_deref(), signer.input, &signer.document[..]),
                (Some("k"), "jws", &b"x.jws"[..])
            );
            assert_eq!(Some(signer.scheme), scheme(alg).map(Scheme::name));
            let by = if alg == "HS256" { Authentication::SharedSecret } else { Authentication::PublicKey };
            assert_eq!((signer.by, outcome.proof.unwrap().get().by), (by, by));
            let sentence = fails(&jws, b"another payload", &pair.policy());
            assert!(sentence.contains("key id k; the content was changed"), "{sentence}");
        }
    }
}

#[test]
fn the_key_is_found_among_others_whatever_the_key_id_says() {
    let (pair, other) = (Pair::p256(), Pair::p256());
    let jws = pair.detached(&json!({"alg": "ES256", "kid": other.public().fingerprint()}));
    let policy = trusting(&[other.public(), Pair::ed25519().public(), pair.public()], &[SECRET]);
    assert_eq!(passed(&jws, PAYLOAD, &policy).signers[0].fingerprint, pair.public().fingerprint());
    fails(&jws, PAYLOAD, &trusting(&[other.public()], &[]));
}

#[test]
fn none_is_refused_with_and_without_keys() {
    for alg in ["none", "None", "NONE"] {
        let text = format!("{}..", encode(json!({ "alg": alg }).to_string()));
        let jws = jws::parse(text.as_bytes()).unwrap();
        for policy in [trusting(&[], &[]), Pair::p256().policy(), Pair::Hmac.policy()] {
            assert!(fails(&jws, PAYLOAD, &policy).contains("nobody signed this"));
        }
    }
}

#[test]
fn algorithms_that_are_not_known_are_refused() {
    for alg in ["ES512", "PS384", "RS512", "HS512", "ES256K", "es256", "", "RS1", "A128KW"] {
        let sentence = fails(&Pair::p256().detached(&json!({ "alg": alg })), PAYLOAD, &Pair::p256().policy());
        assert!(
            sentence.starts_with("expected alg ES256") && sentence.ends_with(&format!("found {alg}")),
            "{sentence}"
        );
    }
}

#[test]
fn an_algorithm_of_other_keys_is_refused() {
    let rsa = Pair::rsa(&aws::RSA_PSS_SHA256);
    for (alg, pair) in [("ES256", &rsa), ("EdDSA", &rsa), ("ES384", &Pair::p256()), ("RS256", &Pair::ed25519())] {
        let sentence = fails(&pair.detached(&json!({ "alg": alg })), PAYLOAD, &pair.policy());
        assert!(sentence.contains("which no trusted key can check"), "{sentence}");
    }
    let sentence = fails(&Pair::Hmac.detached(&json!({"alg": "ES256"})), PAYLOAD, &Pair::Hmac.policy());
    assert!(sentence.ends_with("of type shared secret"), "{sentence}");
}

#[test]
fn the_two_algorithms_of_rsa_are_not_mixed_up() {
    let pair = Pair::rsa(&aws::RSA_PKCS1_SHA256);
    assert!(fails(&pair.detached(&json!({"alg": "PS256"})), PAYLOAD, &pair.policy()).contains("expected a good PS256"));
}

#[test]
fn a_public_key_is_never_the_secret() {
    let public = Pair::p256().public();
    for secret in [public.spki_der().to_vec(), public.fingerprint().as_bytes().to_vec()] {
        let header = encode(json!({"alg": "HS256"}).to_string());
        let input = jws::parse(format!("{header}..").as_bytes()).unwrap().signing_input(PAYLOAD);
        let text = format!("{header}..{}", encode(tag(&secret, &input)));
        let jws = jws::parse(text.as_bytes()).unwrap();
        let sentence = fails(&jws, PAYLOAD, &trusting(from_ref(&public), &[]));
        assert!(sentence.contains("never taken for one"), "{sentence}");
        fails(&jws, PAYLOAD, &trusting(from_ref(&public), &[SECRET]));
    }
}

#[test]
fn the_policy_can_forbid_an_algorithm() {
    let pair = Pair::rsa(&aws::RSA_PKCS1_SHA256);
    let jws = pair.detached(&json!({"alg": "RS256"}));
    let policy = |scheme: Scheme| Policy { schemes: SchemeSet::from(scheme), ..pair.policy() };
    passed(&jws, PAYLOAD, &policy(Scheme::RsaPkcs1v15Sha256));
    let sentence = fails(&jws, PAYLOAD, &policy(Scheme::RsaPssSha256));
    assert!(sentence.ends_with("expected one that the policy allows: rsa-pss-sha256"), "{sentence}");

    let pair = Pair::p256();
    let jws = pair.detached(&json!({"alg": "ES256"}));
    for (scheme, good) in
        [(Scheme::EcdsaP256Sha256Fixed, true), (Scheme::EcdsaP256Sha256, true), (Scheme::Ed25519, false)]
    {
        let policy = Policy { schemes: SchemeSet::from(scheme), ..pair.policy() };
        assert_eq!(verify(&jws, b"", PAYLOAD, &policy).proof.is_some(), good, "{scheme}");
    }
}

#[test]
fn ecdsa_in_der_is_no_jws_signature() {
    let pair = Pair::p256_der();
    let sentence = fails(&pair.detached(&json!({"alg": "ES256"})), PAYLOAD, &pair.policy());
    assert!(sentence.contains("malformed ecdsa-p256-sha256-p1363 signature: expected 64 bytes, found "), "{sentence}");
}

#[test]
fn an_attached_payload_has_to_be_the_file() {
    let pair = Pair::ed25519();
    let header = encode(json!({"alg": "EdDSA"}).to_string());
    let input = format!("{header}.{}", encode(PAYLOAD));
    let jws = jws::parse(format!("{input}.{}", encode(pair.sign(input.as_bytes()))).as_bytes()).unwrap();
    passed(&jws, PAYLOAD, &pair.policy());
    for policy in [pair.policy(), trusting(&[], &[])] {
        let outcome = verify(&jws, b"x.jws", b"other", &policy);
        assert!(outcome.proof.is_none() && outcome.checks[0].failed());
        assert_eq!(outcome.checks[0].evidence["expected"], prefixed(b"other"));
        assert_eq!(outcome.checks[0].evidence["found"], prefixed(PAYLOAD));
    }
}

#[test]
fn without_keys_the_check_is_skipped() {
    let jws = Pair::ed25519().detached(&json!({"alg": "EdDSA"}));
    assert!(refused(&jws, PAYLOAD, &trusting(&[], &[]), Status::Skip).contains("--key"));
}

#[test]
fn one_signature_does_not_reach_a_threshold_of_two() {
    let (pair, other) = (Pair::ed25519(), Pair::p256());
    let mut policy = trusting(&[pair.public(), other.public()], &[]);
    policy.threshold = NonZeroUsize::new(2).unwrap();
    let outcome = verify(&pair.detached(&json!({"alg": "EdDSA"})), b"x.jws", PAYLOAD, &policy);
    assert!(outcome.proof.is_none() && outcome.checks[0].failed());
    assert!(outcome.checks[0].detail.contains("by 2 distinct trusted keys, found 1"), "{}", outcome.checks[0].detail);
    assert_eq!(outcome.signers.len(), 1, "who signed is reported all the same");
}

#[test]
fn the_header_is_signed_too() {
    let pair = Pair::ed25519();
    let jws = pair.detached(&json!({"alg": "EdDSA", "kid": "a"}));
    let header = encode(json!({"alg": "EdDSA", "kid": "b"}).to_string());
    let changed = format!("{header}..{}", encode(jws.signature()));
    fails(&jws::parse(changed.as_bytes()).unwrap(), PAYLOAD, &pair.policy());
}

proptest! {
    #[test]
    fn a_changed_signature_or_payload_never_verifies(at in any::<prop::sample::Index>(), bit in 0u8..8, in_payload in any::<bool>()) {
        let pair = Pair::ed25519();
        let jws = pair.detached(&json!({"alg": "EdDSA"}));
        let (mut payload, mut signature) = (PAYLOAD.to_vec(), jws.signature().to_vec());
        let changed = if in_payload { &mut payload } else { &mut signature };
        let index = at.index(changed.len());
        changed[index] ^= 1 << bit;
        let text = format!("{}..{}", encode(jws.header()), encode(&signature));
        let outcome = verify(&jws::parse(text.as_bytes()).unwrap(), b"", &payload, &pair.policy());
        prop_assert!(outcome.proof.is_none());
    }
}
