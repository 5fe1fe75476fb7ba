//! What a key file may hold, and each way in which it is refused.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::der;
use super::vectors::*;
use super::*;

const GOOD_PEM: [&str; 4] = [ED25519_PEM, P256_PEM, P384_PEM, RSA2048_PEM];
const GOOD_JWK: [&str; 4] = [ED25519_JWK, P256_JWK, P384_JWK, RSA2048_JWK];

fn one(file: impl AsRef<[u8]>) -> PublicKey {
    let mut keys = parse(file.as_ref()).expect("a good key file");
    assert_eq!(keys.len(), 1);
    keys.remove(0)
}

fn refusal(file: impl AsRef<[u8]>) -> KeyError {
    parse(file.as_ref()).expect_err("a bad key file")
}

/// A PEM block with any label; written so that no complete private boundary stands in the sources.
fn pem_file(label: &str) -> String {
    format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n")
}

/// The modulus of the 2048-bit key.
fn modulus() -> Vec<u8> {
    let key = one(RSA2048_PEM);
    key.spki_der()[33..33 + 256].to_vec()
}

/// Both coordinates of the P-256 key.
fn coordinates() -> ([u8; 32], [u8; 32]) {
    let key = one(P256_PEM);
    let point = &key.spki_der()[27..];
    (point[..32].try_into().unwrap(), point[32..].try_into().unwrap())
}

#[test]
fn every_type_is_described() {
    let described = GOOD_PEM.map(|file| one(file).describe());
    assert_eq!(described, ["Ed25519", "ECDSA P-256", "ECDSA P-384", "RSA 2048 bits"]);
    assert_eq!(one(RSA2048_PEM).kind(), KeyKind::Rsa { bits: 2048 });
}

#[test]
fn pem_der_and_jwk_are_the_same_key() {
    for (pem, jwk) in GOOD_PEM.into_iter().zip(GOOD_JWK) {
        let (pem, jwk) = (one(pem), one(jwk));
        let der = one(pem.spki_der());
        assert_eq!(pem, jwk);
        assert_eq!([&pem, &der, &jwk].into_iter().collect::<HashSet<_>>().len(), 1);
        assert_eq!(pem.fingerprint(), jwk.fingerprint());
    }
    assert_eq!(one(ED25519_JWK).name(), Some("ed"));
    assert_eq!(one(ED25519_PEM).name(), None);
}

#[test]
fn the_fingerprint_is_the_digest_of_the_spki() {
    let key = one(P256_PEM);
    assert_eq!(key.fingerprint(), fingerprint(key.spki_der()));
    assert_eq!(key.fingerprint().len(), "sha256:".len() + 64);
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(fingerprint(b""), empty);
}

#[test]
fn several_pem_blocks_with_comments() {
    let file = format!("# release keys\n{ED25519_PEM}\n# spare\n{P256_PEM}{ED25519_PEM}");
    let keys = parse(file.as_bytes()).unwrap();
    assert_eq!(
        keys.iter().map(PublicKey::kind).collect::<Vec<_>>(),
        [KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::Ed25519]
    );
    assert_eq!(one(format!("\u{feff}{}", P384_PEM.replace('\n', "\r\n"))).kind(), KeyKind::EcdsaP384);
}

#[test]
fn one_bad_key_refuses_the_file_and_is_named() {
    let error = refusal(format!("{ED25519_PEM}{RSA1024_PEM}"));
    assert_eq!(error.root(), &KeyError::RsaSize { found: 1024 });
    assert!(error.to_string().starts_with("key 2 of 2: expected an RSA modulus of 2048 to 8192 bits, found 1024 bits"));
}

#[test]
fn files_without_a_key() {
    for empty in ["", " \r\n", "# a comment\n\n#another", "# -----BEGIN PUBLIC KEY-----\n"] {
        assert_eq!(refusal(empty), KeyError::Empty, "{empty:?}");
    }
    assert_eq!(refusal("ssh-ed25519 AAAAC3Nz"), KeyError::OpenSsh);
    assert!(matches!(refusal("hello"), KeyError::Unrecognised { .. }));
    assert!(matches!(refusal([0xd7; 32]), KeyError::Unrecognised { .. }));
    assert!(matches!(refusal([0; 32]), KeyError::Unrecognised { .. }));
    assert_eq!(refusal(vec![b' '; MAX_FILE_BYTES]), KeyError::Empty);
    assert_eq!(refusal(vec![b' '; MAX_FILE_BYTES + 1]), KeyError::TooLarge { found: MAX_FILE_BYTES + 1 });
}

#[test]
fn the_number_of_keys_is_limited() {
    assert_eq!(parse(ED25519_PEM.repeat(MAX_KEYS).as_bytes()).map(|keys| keys.len()), Ok(MAX_KEYS));
    assert_eq!(refusal(ED25519_PEM.repeat(MAX_KEYS + 1)), KeyError::TooManyKeys { found: MAX_KEYS + 1 });
}

#[test]
fn private_keys_are_called_private() {
    for kind in ["", "EC ", "RSA ", "ENCRYPTED ", "OPENSSH ", "ENCRYPTED SIGSTORE "] {
        let error = refusal(pem_file(&format!("{kind}PRIVATE KEY")));
        assert!(error.to_string().contains("openssl pkey -in KEY -pubout"), "{error}");
        assert!(matches!(error, KeyError::PrivateKey { .. }), "{error}");
    }
    let behind_others = format!("{ED25519_PEM}{}{}", pem_file("EC PARAMETERS"), pem_file("EC PRIVATE KEY"));
    assert!(matches!(refusal(behind_others), KeyError::PrivateKey { .. }));
}

#[test]
fn private_der_is_called_private() {
    let integer = der::encode_unsigned(&[1]);
    let octets = der::encode(der::OCTET_STRING, &[&[7; 32]]);
    let algorithm = der::encode(der::SEQUENCE, &[&der::encode(der::OID, &[&[0x2b, 0x65, 0x70]])]);
    let integers: Vec<&[u8]> = vec![&integer; 9];
    let pkcs8: [&[u8]; 3] = [&integer, &algorithm, &octets];
    let encrypted: [&[u8]; 2] = [&algorithm, &octets];
    let sec1: [&[u8]; 2] = [&integer, &octets];
    for parts in [&pkcs8[..], &encrypted, &sec1, &integers] {
        let error = refusal(der::encode(der::SEQUENCE, parts));
        assert!(matches!(error, KeyError::PrivateKey { .. }), "{error}");
    }
}

#[test]
fn other_containers_are_named() {
    assert!(matches!(refusal(pem_file("CERTIFICATE")), KeyError::Certificate { .. }));
    assert!(matches!(refusal(pem_file("TRUSTED CERTIFICATE")), KeyError::Certificate { .. }));
    let sequence = der::encode(der::SEQUENCE, &[]);
    let bits = der::encode(der::BIT_STRING, &[&[0, 1]]);
    let certificate = der::encode(der::SEQUENCE, &[&sequence, &sequence, &bits]);
    assert!(matches!(refusal(certificate), KeyError::Certificate { .. }));
    let error = refusal(RSA2048_PKCS1_PEM);
    assert!(matches!(error, KeyError::Pkcs1 { .. }));
    assert!(error.to_string().contains("openssl rsa -RSAPublicKey_in -in KEY -pubout"));
    let relabelled = RSA2048_PKCS1_PEM.replace("RSA PUBLIC", "PUBLIC");
    assert!(matches!(refusal(relabelled), KeyError::Pkcs1 { .. }));
    assert!(matches!(refusal(pem_file("PGP PUBLIC KEY BLOCK")), KeyError::PemLabel { .. }));
    assert!(matches!(refusal(format!("key:\n{ED25519_PEM}")), KeyError::Pem { line: 1, .. }));
}

#[test]
fn unsupported_algorithms_are_named_by_oid() {
    let found = |file| refusal(file).to_string();
    assert!(found(X25519_PEM).contains("algorithm 1.3.101.110 (X25519)"));
    assert!(found(P521_PEM).contains("found 1.3.132.0.35 (P-521)"));
    assert!(found(SECP256K1_PEM).contains("found 1.3.132.0.10 (secp256k1)"));
}

#[test]
fn der_has_one_encoding() {
    for file in GOOD_PEM {
        let good = one(file).spki_der().to_vec();
        assert_eq!(refusal([&good[..], &[0]].concat()), KeyError::Der(DerError::TrailingBytes { found: 1 }));
        assert!(parse(&good[..good.len() - 1]).is_err());
    }
    let good = one(ED25519_PEM).spki_der().to_vec();
    let mut long_form = good.clone();
    long_form.splice(1..2, [0x81, good[1]]);
    assert_eq!(refusal(long_form), KeyError::Der(DerError::Length { found: 0x81 }));
}

/// A SubjectPublicKeyInfo from the contents of its algorithm and its key, and whatever follows them inside.
fn info(algorithm: &[&[u8]], key: &[u8], after: &[u8]) -> Vec<u8> {
    let algorithm = der::encode(der::SEQUENCE, algorithm);
    let key = der::encode(der::BIT_STRING, &[&[0], key]);
    der::encode(der::SEQUENCE, &[&algorithm, &key, after])
}

#[test]
fn nothing_stands_between_the_elements() {
    let ec_oids = &one(P256_PEM).spki_der()[4..23].to_vec();
    let point = &one(P256_PEM).spki_der()[26..].to_vec();
    let rsa_oid = &one(RSA2048_PEM).spki_der()[6..17].to_vec();
    let numbers = [der::encode_unsigned(&modulus()), der::encode_unsigned(&[3])].concat();
    let rsa_key = &der::encode(der::SEQUENCE, &[&numbers]);
    let null: &[u8] = &[der::NULL, 0];
    assert!(parse(&info(&[ec_oids], point, &[])).is_ok());
    assert!(parse(&info(&[rsa_oid, null], rsa_key, &[])).is_ok());
    let trailing = KeyError::Der(DerError::TrailingBytes { found: 2 });
    assert_eq!(refusal(info(&[ec_oids], point, null)), trailing);
    assert_eq!(refusal(info(&[ec_oids, null], point, &[])), trailing);
    assert_eq!(refusal(info(&[rsa_oid, null], &[rsa_key, null].concat(), &[])), trailing);
    let three = der::encode(der::SEQUENCE, &[&numbers, null]);
    assert_eq!(refusal(info(&[rsa_oid, null], &three, &[])), trailing);
    let full_null = [der::NULL, 1, 0];
    let parameters = KeyError::Parameters { expected: "NULL (RFC 3279)" };
    assert_eq!(refusal(info(&[rsa_oid, &full_null], rsa_key, &[])), parameters);
    assert_eq!(refusal(info(&[rsa_oid, null, null], rsa_key, &[])), parameters);
}

#[test]
fn parameters_are_the_canonical_ones() {
    let mut null = one(ED25519_PEM).spki_der().to_vec();
    null.splice(9..9, [5, 0]);
    null[1] += 2;
    null[3] += 2;
    assert_eq!(refusal(null), KeyError::Parameters { expected: "absent (RFC 8410)" });
    let mut absent = one(RSA2048_PEM).spki_der().to_vec();
    assert_eq!(absent.splice(17..19, []).collect::<Vec<_>>(), [5, 0]);
    absent[3] -= 2;
    absent[5] -= 2;
    assert_eq!(refusal(absent), KeyError::Parameters { expected: "NULL (RFC 3279)" });
}

#[test]
fn rsa_numbers() {
    let key = |modulus: &[u8], exponent: &[u8]| parse(&spki::encode_rsa(modulus, exponent));
    assert!(key(&modulus(), &[3]).is_ok());
    assert!(key(&modulus(), &[0xff; 4]).is_ok());
    for exponent in [&[0][..], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 0], &[1, 0, 0, 0, 1], &[3; 9]] {
        let error = key(&modulus(), exponent).unwrap_err();
        assert!(matches!(error, KeyError::RsaExponent { .. }), "{exponent:?}: {error}");
    }
    let mut halved = modulus();
    halved[0] >>= 1;
    assert_eq!(key(&halved, &[3]), Err(KeyError::RsaSize { found: 2047 }));
    let mut even = modulus();
    even[255] &= 0xfe;
    assert_eq!(key(&even, &[3]), Err(KeyError::RsaModulus));
    let mut largest = vec![0xff; 1024];
    assert_eq!(key(&largest, &[3]).map(|keys| keys[0].describe()), Ok("RSA 8192 bits".into()));
    largest.insert(0, 1);
    assert_eq!(key(&largest, &[3]), Err(KeyError::RsaSize { found: 8193 }));
    assert_eq!(refusal(RSA1024_PEM), KeyError::RsaSize { found: 1024 });
}

#[test]
fn curve_points() {
    let (x, mut y) = coordinates();
    assert!(parse(&spki::encode_ecdsa(Curve::P256, &x, &y)).is_ok());
    y[31] ^= 1;
    assert_eq!(parse(&spki::encode_ecdsa(Curve::P256, &x, &y)), Err(KeyError::PointNotOnCurve { curve: "P-256" }));
    let field = [0xff; 32];
    assert_eq!(parse(&spki::encode_ecdsa(Curve::P256, &field, &y)), Err(KeyError::PointNotOnCurve { curve: "P-256" }));
    let other_curve = spki::encode_ecdsa(Curve::P384, &x, &y);
    assert!(matches!(parse(&other_curve), Err(KeyError::PointForm { expected: 97, .. })));
    let error = refusal(P256_COMPRESSED_PEM);
    assert_eq!(error, KeyError::CompressedPoint);
    assert!(error.to_string().contains("openssl ec -pubin -in KEY -pubout -conv_form uncompressed"));
    let mut hybrid = one(P256_PEM).spki_der().to_vec();
    hybrid[26] = 6 + (hybrid[90] & 1);
    assert!(matches!(refusal(hybrid), KeyError::PointForm { expected: 65, .. }));
}

#[test]
fn ed25519_points() {
    let key = |point: &[u8]| parse(&spki::encode_ed25519(point));
    let found = |point: &[u8]| match key(point) {
        Err(KeyError::Ed25519Point { found }) => found,
        other => panic!("{other:?}"),
    };
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let order_eight = bytes("xxdqcD1N2E+6PAt2DRBnDyogU/osOczGTsf9d5KsA3o=");
    for small in [[0; 32], neutral, order_eight.clone().try_into().unwrap()] {
        assert_eq!(found(&small), "a point of small order");
    }
    let mixed = one(ED25519_PEM).ed25519().unwrap().to_edwards()
        + VerifyingKey::from_bytes(&order_eight.try_into().unwrap()).unwrap().to_edwards();
    assert_eq!(found(mixed.compress().as_bytes()), "a point of mixed order");
    // y = 2 belongs to no point.
    let mut nowhere = [0; 32];
    nowhere[0] = 2;
    assert_eq!(found(&nowhere), "bytes that encode no point");
    assert_eq!(key(&[9; 31]), Err(KeyError::Ed25519Length { found: 31 }));
}

#[test]
fn ed25519_points_have_one_encoding() {
    let mut refused = 0;
    for y in 0..19 {
        // The field's prime plus y, which fits 255 bits.
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (0xed + y, 0x7f);
        let error = parse(&spki::encode_ed25519(&bytes)).unwrap_err();
        if VerifyingKey::from_bytes(&bytes).is_ok() {
            assert_eq!(error, KeyError::Ed25519Point { found: "a non-canonical encoding" });
            refused += 1;
        }
    }
    assert!(refused > 2, "some of these decode in ed25519-dalek");
}

fn good_files() -> Vec<Vec<u8>> {
    let text = GOOD_PEM.into_iter().chain(GOOD_JWK).map(|file| file.as_bytes().to_vec());
    let der = GOOD_PEM.map(|file| one(file).spki_der().to_vec());
    text.chain(der).collect()
}

/// Each single-byte change of a DER key is refused or is another key: nothing in it is ignored.
#[test]
fn no_byte_of_a_der_key_is_ignored() {
    for file in GOOD_PEM {
        let good = one(file);
        for index in 0..good.spki_der().len() {
            for flip in [1, 0x80, 0xff] {
                let mut changed = good.spki_der().to_vec();
                changed[index] ^= flip;
                if let Ok(keys) = parse(&changed) {
                    assert_ne!(keys[0].fingerprint(), good.fingerprint());
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn arbitrary_keys_in_good_wrappers_never_panic(
        algorithm in 0_usize..3,
        first in proptest::collection::vec(any::<u8>(), 0..300),
        second in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let _ = match algorithm {
            0 => parse(&spki::encode_ed25519(&first)),
            1 => parse(&spki::encode_ecdsa(Curve::P256, &first, &second)),
            _ => parse(&spki::encode_rsa(&first, &second)),
        };
    }

    #[test]
    fn whatever_parses_reads_back(
        which in 0_usize..12,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut file = good_files().swap_remove(which);
        let index = at.index(file.len());
        file[index] = byte;
        if let Ok(keys) = parse(&file) {
            prop_assert!(!keys.is_empty());
            for key in keys {
                prop_assert_eq!(parse(key.spki_der()), Ok(vec![key]));
            }
        }
    }
}
