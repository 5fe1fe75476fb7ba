//! SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7): the one form in which a key enters the library.
//!
//! Only the canonical encoding of a key is accepted, so that equal keys have equal bytes and the SHA-256 of
//! the bytes identifies the key: strict DER, RSA parameters NULL (RFC 3279 section 2.3.1), a named curve and
//! an uncompressed point (RFC 5480 section 2), Ed25519 parameters absent (RFC 8410 section 3) and its point
//! encoded as RFC 8032 section 5.1.3 says. Keys are checked here and nowhere else: a key that decodes is
//! valid.
//!
//! aws-lc alone would not do: it ignores bytes after the structure, takes compressed and explicit forms, and
//! where a SubjectPublicKeyInfo does not parse it tries the same bytes as a bare point or a PKCS#1 key.

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use ed25519_dalek::VerifyingKey;

use super::der::{self, DerError, Reader};
use super::key::{MAX_RSA_BITS, MIN_RSA_BITS};
use super::key_error::KeyError;

const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A larger RSA exponent makes nothing safer and every verification slower.
const MAX_RSA_EXPONENT: u64 = 1 << 32;

/// The curves of supported ECDSA keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
}

impl Curve {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    /// Bytes of one coordinate, and of the group order.
    pub(crate) fn field_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    fn oid(self) -> &'static [u8] {
        match self {
            Self::P256 => P256,
            Self::P384 => P384,
        }
    }
}

/// What a valid key is made of, beyond its bytes.
#[derive(Debug, Clone)]
pub(crate) enum Material {
    Ed25519(VerifyingKey),
    Ecdsa(Curve),
    Rsa { bits: u32 },
}

/// What a DER structure looks like from its outermost elements alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    PublicKey,
    Pkcs1PublicKey,
    PrivateKey(&'static str),
    Certificate,
}

/// Recognises key-like structures by the tags inside the outermost SEQUENCE, without judging them.
///
/// Bytes after that SEQUENCE are not looked at. `None`: not a key of any known form.
pub(crate) fn shape(untrusted_der: &[u8]) -> Option<Shape> {
    let mut inner = Reader::new(untrusted_der).sequence().ok()?;
    let mut tags = Vec::new();
    while let Some(tag) = inner.peek() {
        inner.value().ok()?;
        tags.push(tag);
    }
    match tags.as_slice() {
        [der::SEQUENCE, der::BIT_STRING] => Some(Shape::PublicKey),
        [der::INTEGER, der::INTEGER] => Some(Shape::Pkcs1PublicKey),
        [der::INTEGER, der::SEQUENCE, der::OCTET_STRING, ..] => Some(Shape::PrivateKey("PKCS#8 DER")),
        [der::SEQUENCE, der::OCTET_STRING] => Some(Shape::PrivateKey("encrypted PKCS#8 DER")),
        [der::INTEGER, der::OCTET_STRING, ..] => Some(Shape::PrivateKey("SEC 1 EC DER")),
        [der::INTEGER, rest @ ..] if rest.len() >= 5 && rest.iter().all(|tag| *tag == der::INTEGER) => {
            Some(Shape::PrivateKey("PKCS#1 or DSA DER"))
        }
        [der::SEQUENCE, der::SEQUENCE, der::BIT_STRING] => Some(Shape::Certificate),
        _ => None,
    }
}

/// Decodes and checks one untrusted SubjectPublicKeyInfo.
///
/// On success the input *is* the canonical encoding of the key.
///
/// # Errors
/// [`KeyError`] for anything but a valid, supported public key in canonical form, with nothing after it.
pub(crate) fn decode(untrusted_der: &[u8]) -> Result<Material, KeyError> {
    match shape(untrusted_der) {
        Some(Shape::PrivateKey(found)) => return Err(KeyError::PrivateKey { found: found.into() }),
        Some(Shape::Certificate) => return Err(KeyError::Certificate { found: "X.509 DER".into() }),
        Some(Shape::Pkcs1PublicKey) => return Err(KeyError::Pkcs1 { found: "PKCS#1 DER".into() }),
        Some(Shape::PublicKey) | None => {}
    }
    let mut file = Reader::new(untrusted_der);
    let mut info = file.sequence()?;
    file.finish()?;
    let mut algorithm = info.sequence()?;
    let key = info.bit_string()?;
    info.finish()?;
    match algorithm.read(der::OID)? {
        ED25519 => {
            algorithm.finish().map_err(|_| KeyError::Parameters { expected: "absent (RFC 8410)" })?;
            ed25519(key)
        }
        EC_PUBLIC_KEY => ecdsa(curve(algorithm)?, key, untrusted_der),
        RSA_ENCRYPTION => {
            null_parameters(algorithm).map_err(|_| KeyError::Parameters { expected: "NULL (RFC 3279)" })?;
            rsa(key, untrusted_der)
        }
        other => Err(KeyError::Algorithm { found: named(other)? }),
    }
}

/// The canonical SubjectPublicKeyInfo of an Ed25519 key; whether the key is valid shows when it is decoded.
pub(crate) fn encode_ed25519(key: &[u8]) -> Vec<u8> {
    encode(&[&der::encode(der::OID, &[ED25519])], key)
}

/// As [`encode_ed25519`], for affine coordinates of full length.
pub(crate) fn encode_ecdsa(curve: Curve, x: &[u8], y: &[u8]) -> Vec<u8> {
    let point = [&[4], x, y].concat();
    encode(&[&der::encode(der::OID, &[EC_PUBLIC_KEY]), &der::encode(der::OID, &[curve.oid()])], &point)
}

/// As [`encode_ed25519`], for a big-endian modulus and exponent.
pub(crate) fn encode_rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [der::encode_unsigned(modulus), der::encode_unsigned(exponent)];
    let key = der::encode(der::SEQUENCE, &[&numbers[0], &numbers[1]]);
    encode(&[&der::encode(der::OID, &[RSA_ENCRYPTION]), &der::encode(der::NULL, &[])], &key)
}

fn encode(algorithm: &[&[u8]], key: &[u8]) -> Vec<u8> {
    let algorithm = der::encode(der::SEQUENCE, algorithm);
    let key = der::encode(der::BIT_STRING, &[&[0], key]);
    der::encode(der::SEQUENCE, &[&algorithm, &key])
}

/// RFC 8032 section 5.1.3, and two checks beyond it: the point has no component of small order, because such
/// keys accept signatures that other implementations refuse (small order: almost any signature, on any
/// message).
fn ed25519(key: &[u8]) -> Result<Material, KeyError> {
    let bytes: &[u8; 32] = key.try_into().map_err(|_| KeyError::Ed25519Length { found: key.len() })?;
    let refused = |found| KeyError::Ed25519Point { found };
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| refused("bytes that encode no point"))?;
    let point = key.to_edwards();
    if point.compress().as_bytes() != bytes {
        return Err(refused("a non-canonical encoding"));
    }
    if key.is_weak() {
        return Err(refused("a point of small order"));
    }
    if !point.is_torsion_free() {
        return Err(refused("a point of mixed order"));
    }
    Ok(Material::Ed25519(key))
}

/// RFC 5480 section 2.1.1: the parameters are the OID of a named curve.
fn curve(mut parameters: Reader<'_>) -> Result<Curve, KeyError> {
    if parameters.peek() != Some(der::OID) {
        return Err(KeyError::Parameters { expected: "the OID of a named curve (RFC 5480)" });
    }
    let oid = parameters.read(der::OID)?;
    parameters.finish()?;
    match oid {
        P256 => Ok(Curve::P256),
        P384 => Ok(Curve::P384),
        other => Err(KeyError::Curve { found: named(other)? }),
    }
}

/// RFC 5480 section 2.2 and SEC 1 section 2.3.4: an uncompressed point on the curve.
fn ecdsa(curve: Curve, point: &[u8], spki: &[u8]) -> Result<Material, KeyError> {
    let expected = 1 + 2 * curve.field_bytes();
    match point.first() {
        Some(2 | 3) if point.len() == 1 + curve.field_bytes() => return Err(KeyError::CompressedPoint),
        Some(4) if point.len() == expected => {}
        Some(form) => {
            let found = format!("{} bytes that begin with 0x{form:02x}", point.len());
            return Err(KeyError::PointForm { expected, found });
        }
        None => return Err(KeyError::PointForm { expected, found: "none".into() }),
    }
    let algorithm: &'static dyn VerificationAlgorithm = match curve {
        Curve::P256 => &signature::ECDSA_P256_SHA256_ASN1,
        Curve::P384 => &signature::ECDSA_P384_SHA384_ASN1,
    };
    match ParsedPublicKey::new(algorithm, spki) {
        Ok(_) => Ok(Material::Ecdsa(curve)),
        Err(_) => Err(KeyError::PointNotOnCurve { curve: curve.name() }),
    }
}

/// RFC 8017 appendix A.1.1, with the size limits of [`super::key`].
fn rsa(key: &[u8], spki: &[u8]) -> Result<Material, KeyError> {
    let mut outer = Reader::new(key);
    let mut numbers = outer.sequence()?;
    outer.finish()?;
    let modulus = numbers.unsigned_integer()?;
    let exponent = numbers.unsigned_integer()?;
    numbers.finish()?;
    check_exponent(exponent)?;
    let unused = modulus.first().map_or(0, |octet| octet.leading_zeros() as usize);
    let size = modulus.len() * 8 - unused;
    let bits = u32::try_from(size).map_err(|_| KeyError::RsaSize { found: size })?;
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(KeyError::RsaSize { found: size });
    }
    match ParsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, spki) {
        Ok(_) => Ok(Material::Rsa { bits }),
        Err(_) => Err(KeyError::RsaModulus),
    }
}

fn check_exponent(exponent: &[u8]) -> Result<(), KeyError> {
    if exponent.len() > 8 {
        return Err(KeyError::RsaExponent { found: format!("one of {} bytes", exponent.len()) });
    }
    let value = exponent.iter().fold(0_u64, |sum, octet| (sum << 8) | u64::from(*octet));
    if value % 2 == 1 && (3..=MAX_RSA_EXPONENT).contains(&value) {
        Ok(())
    } else {
        Err(KeyError::RsaExponent { found: value.to_string() })
    }
}

fn null_parameters(mut parameters: Reader<'_>) -> Result<(), DerError> {
    match parameters.read(der::NULL)? {
        [] => parameters.finish(),
        other => Err(DerError::TrailingBytes { found: other.len() }),
    }
}

/// An object identifier for a message, with the usual name of those that people do meet.
fn named(oid: &[u8]) -> Result<String, KeyError> {
    let dotted = der::dotted(oid).ok_or(DerError::ObjectIdentifier)?;
    let name = match dotted.as_str() {
        "1.2.840.113549.1.1.10" => "RSASSA-PSS",
        "1.2.840.10040.4.1" => "DSA",
        "1.3.101.110" => "X25519",
        "1.3.101.111" => "X448",
        "1.3.101.113" => "Ed448",
        "1.3.132.0.10" => "secp256k1",
        "1.3.132.0.33" => "P-224",
        "1.3.132.0.35" => "P-521",
        "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1",
        "1.2.156.10197.1.301" => "SM2",
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
        _ if dotted.len() > 80 => return Ok("an unknown object identifier".into()),
        _ => return Ok(dotted),
    };
    Ok(format!("{dotted} ({name})"))
}
