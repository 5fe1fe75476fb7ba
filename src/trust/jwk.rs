//! JSON Web Keys and sets of them (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).
//!
//! Only public signature keys are taken. Unlike RFC 7517 section 5, which lets a reader skip the keys of a
//! set that it does not understand, one such key refuses the set: the operator named the file as trusted, and
//! must learn that a part of it is not used. Private members are refused wherever they stand. `alg` must fit
//! the key but does not narrow what the policy allows; members without a meaning here are ignored, as section
//! 4 demands.
//!
//! Each key becomes a canonical SubjectPublicKeyInfo and is then checked like any other key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use super::key::{KeyError, MAX_FILE_BYTES, MAX_KEYS, PublicKey};
use super::key_error::quote;
use super::spki::{self, Curve};

/// RFC 7517 section 4; of the private members only their presence is kept.
#[derive(Deserialize)]
struct Jwk {
    kty: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    #[serde(default, deserialize_with = "present")]
    d: bool,
    #[serde(default, deserialize_with = "present")]
    p: bool,
    #[serde(default, deserialize_with = "present")]
    q: bool,
    #[serde(default, deserialize_with = "present")]
    dp: bool,
    #[serde(default, deserialize_with = "present")]
    dq: bool,
    #[serde(default, deserialize_with = "present")]
    qi: bool,
    #[serde(default, deserialize_with = "present")]
    oth: bool,
    #[serde(default, deserialize_with = "present")]
    k: bool,
    #[serde(flatten)]
    _others: Others,
}

/// RFC 7517 section 5.
#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
    #[serde(flatten)]
    _others: Others,
}

/// Which of the two forms a JSON object has.
#[derive(Deserialize)]
struct Form {
    #[serde(default, deserialize_with = "present")]
    keys: bool,
    #[serde(default, deserialize_with = "present")]
    kty: bool,
    #[serde(flatten)]
    _others: Others,
}

/// Members without a meaning here. Flattened into a struct, it also makes serde take objects alone: an array
/// whose elements stand for the fields in order would pass otherwise.
#[derive(Deserialize)]
struct Others {}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Reads all keys of an untrusted JWK or JWK set.
///
/// Returns one or more valid keys in the order of the set, named by their `kid`.
///
/// # Errors
/// [`KeyError::Json`] for other JSON, [`KeyError::Jwk`] for a member that is missing or has an unsupported
/// value, [`KeyError::PrivateKey`] for private or symmetric keys, [`KeyError::EmptyKeySet`], the size limits,
/// and whatever makes a key invalid. A key among several is named by [`KeyError::At`].
pub fn parse(untrusted_json: &[u8]) -> Result<Vec<PublicKey>, KeyError> {
    if untrusted_json.len() > MAX_FILE_BYTES {
        return Err(KeyError::TooLarge { found: untrusted_json.len() });
    }
    let form: Form = json(untrusted_json)?;
    if !form.keys {
        return public_key(&json(untrusted_json)?).map(|key| vec![key]);
    }
    if form.kty {
        return Err(KeyError::Json { found: "an object with both `keys` and `kty`".into() });
    }
    let set: JwkSet = json(untrusted_json)?;
    match set.keys.len() {
        0 => Err(KeyError::EmptyKeySet),
        found if found > MAX_KEYS => Err(KeyError::TooManyKeys { found }),
        total => set.keys.iter().enumerate().map(|(index, jwk)| member(jwk, index, total)).collect(),
    }
}

fn json<'a, T: Deserialize<'a>>(untrusted_json: &'a [u8]) -> Result<T, KeyError> {
    serde_json::from_slice(untrusted_json).map_err(|error| KeyError::Json { found: quote(&error.to_string()) })
}

fn member(jwk: &Jwk, index: usize, total: usize) -> Result<PublicKey, KeyError> {
    public_key(jwk).map_err(|error| {
        let kid = jwk.kid.as_deref().map(|kid| format!(" (kid {})", quote(kid))).unwrap_or_default();
        error.at(format!("key {} of {total}{kid}", index + 1))
    })
}

fn public_key(jwk: &Jwk) -> Result<PublicKey, KeyError> {
    refuse_private(jwk)?;
    check_usage(jwk)?;
    let spki = match text("kty", "`OKP`, `EC` or `RSA`", &jwk.kty)? {
        "OKP" => okp(jwk)?,
        "EC" => ec(jwk)?,
        "RSA" => rsa(jwk)?,
        other => return Err(unexpected("kty", "`OKP`, `EC` or `RSA`", quote(other))),
    };
    PublicKey::from_spki(&spki, jwk.kid.clone())
}

/// RFC 7518 sections 6.2.2, 6.3.2 and 6.4, RFC 8037 section 2: the members that only private or secret keys
/// have.
fn refuse_private(jwk: &Jwk) -> Result<(), KeyError> {
    let members = [
        ("d", jwk.d),
        ("p", jwk.p),
        ("q", jwk.q),
        ("dp", jwk.dp),
        ("dq", jwk.dq),
        ("qi", jwk.qi),
        ("oth", jwk.oth),
        ("k", jwk.k),
    ];
    match members.iter().find(|(_, present)| *present) {
        Some((name, _)) => Err(KeyError::PrivateKey { found: format!("a JWK with the private member `{name}`") }),
        None => Ok(()),
    }
}

/// RFC 7517 sections 4.2 and 4.3: where the key says what it is for, that must be checking signatures.
fn check_usage(jwk: &Jwk) -> Result<(), KeyError> {
    match jwk.usage.as_deref() {
        None | Some("sig") => {}
        Some(other) => return Err(unexpected("use", "`sig`", quote(other))),
    }
    match &jwk.key_ops {
        Some(operations) if !operations.iter().any(|operation| operation == "verify") => {
            Err(unexpected("key_ops", "a list with `verify`", quote(&operations.join(", "))))
        }
        _ => Ok(()),
    }
}

/// RFC 8037 section 2. `EdDSA` of RFC 8037, `Ed25519` of RFC 9864.
fn okp(jwk: &Jwk) -> Result<Vec<u8>, KeyError> {
    match text("crv", "`Ed25519`", &jwk.crv)? {
        "Ed25519" => {}
        other => return Err(unexpected("crv", "`Ed25519`", quote(other))),
    }
    check_alg(jwk, "`EdDSA` or `Ed25519`", &["EdDSA", "Ed25519"])?;
    sized("x", 32, &jwk.x).map(|key| spki::encode_ed25519(&key))
}

/// RFC 7518 section 6.2.1: both coordinates, each as long as the field.
fn ec(jwk: &Jwk) -> Result<Vec<u8>, KeyError> {
    let curve = match text("crv", "`P-256` or `P-384`", &jwk.crv)? {
        "P-256" => Curve::P256,
        "P-384" => Curve::P384,
        other => return Err(unexpected("crv", "`P-256` or `P-384`", quote(other))),
    };
    match curve {
        Curve::P256 => check_alg(jwk, "`ES256`", &["ES256"])?,
        Curve::P384 => check_alg(jwk, "`ES384`", &["ES384"])?,
    }
    let x = sized("x", curve.field_bytes(), &jwk.x)?;
    let y = sized("y", curve.field_bytes(), &jwk.y)?;
    Ok(spki::encode_ecdsa(curve, &x, &y))
}

/// RFC 7518 section 6.3.1: Base64urlUInt, which has no leading zero octets.
fn rsa(jwk: &Jwk) -> Result<Vec<u8>, KeyError> {
    check_alg(jwk, "`RS256` or `PS256`", &["RS256", "PS256"])?;
    let number = |member, value| match bytes(member, value)? {
        number if number.first().is_some_and(|octet| *octet != 0) => Ok(number),
        _ => Err(unexpected(member, "a number without leading zero octets", "none, or a leading zero octet".into())),
    };
    Ok(spki::encode_rsa(&number("n", &jwk.n)?, &number("e", &jwk.e)?))
}

fn check_alg(jwk: &Jwk, expected: &'static str, allowed: &[&str]) -> Result<(), KeyError> {
    match jwk.alg.as_deref() {
        Some(alg) if !allowed.contains(&alg) => Err(unexpected("alg", expected, quote(alg))),
        _ => Ok(()),
    }
}

fn text<'a>(member: &'static str, expected: &'static str, value: &'a Option<String>) -> Result<&'a str, KeyError> {
    value.as_deref().ok_or_else(|| unexpected(member, expected, "none".into()))
}

/// RFC 7515 section 2: base64url without padding, here also without stray bits.
fn bytes(member: &'static str, value: &Option<String>) -> Result<Vec<u8>, KeyError> {
    const EXPECTED: &str = "base64url without padding";
    let encoded = text(member, EXPECTED, value)?;
    URL_SAFE_NO_PAD.decode(encoded).map_err(|error| unexpected(member, EXPECTED, error.to_string()))
}

fn sized(member: &'static str, expected: usize, value: &Option<String>) -> Result<Vec<u8>, KeyError> {
    let decoded = bytes(member, value)?;
    if decoded.len() == expected {
        return Ok(decoded);
    }
    let expected = if expected == 32 { "32 bytes" } else { "48 bytes" };
    Err(unexpected(member, expected, format!("{} bytes", decoded.len())))
}

fn unexpected(member: &'static str, expected: &'static str, found: String) -> KeyError {
    KeyError::Jwk { member, expected, found }
}

#[cfg(test)]
mod tests;
