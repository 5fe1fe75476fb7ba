//! TUF keys (specification 1.0, section 4.2): key type, scheme and text to one of our keys and one of our schemes.

use crate::format::digest::unhex;
use crate::trust::key::{self, PublicKey};
use crate::trust::signature::Scheme;
use crate::trust::spki;

/// A key that a role names: usable, or why it is not. A key that cannot be used signs nothing and spoils nothing.
pub(super) type RoleKey = Result<UsableKey, String>;

/// A key and the one scheme that its owner declared for it.
#[derive(Debug, Clone)]
pub(super) struct UsableKey {
    pub(super) key: PublicKey,
    pub(super) scheme: Scheme,
}

/// Reads one untrusted key object. Ed25519 keys are 64 hex digits or PEM, all others PEM.
pub(super) fn read(keytype: &str, scheme: &str, public: &str) -> RoleKey {
    let declared = match (keytype, scheme) {
        ("ed25519", "ed25519") => Scheme::Ed25519,
        ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => Scheme::EcdsaP256Sha256,
        ("ecdsa" | "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384") => Scheme::EcdsaP384Sha384,
        ("rsa", "rsassa-pss-sha256") => Scheme::RsaPssSha256,
        _ => return Err(format!("keys of type {keytype:?} with scheme {scheme:?} are not supported")),
    };
    let key = material(declared, public)?;
    if !declared.fits(key.kind()) {
        return Err(format!("a key of type {} cannot check {declared}", key.kind()));
    }
    Ok(UsableKey { key, scheme: declared })
}

fn material(scheme: Scheme, public: &str) -> Result<PublicKey, String> {
    if public.trim_start().starts_with("-----BEGIN") {
        let mut keys = key::parse(public.as_bytes()).map_err(|error| error.to_string())?;
        return match (keys.pop(), keys.is_empty()) {
            (Some(key), true) => Ok(key),
            _ => Err("more than one key in one key object".into()),
        };
    }
    if scheme != Scheme::Ed25519 {
        return Err("not PEM (only Ed25519 keys may be bare hex)".into());
    }
    let point = unhex(public).filter(|point| point.len() == 32);
    let point = point.ok_or("an Ed25519 key has 64 hex digits")?;
    PublicKey::from_spki(&spki::encode_ed25519(&point), None).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_scheme_and_material_must_fit() {
        let good = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"; // RFC 8032 section 7.1
        assert_eq!(read("ed25519", "ed25519", good).unwrap().scheme, Scheme::Ed25519);
        for (keytype, scheme, public) in [
            ("rsa", "ed25519", good),
            ("ed25519", "rsassa-pss-sha256", good),
            ("ecdsa", "ecdsa-sha2-nistp256", good),
            ("ed25519", "ed25519", &good[2..]),
            ("ed25519", "ed25519", ""),
            ("hmac", "none", good),
        ] {
            assert!(read(keytype, scheme, public).is_err(), "{keytype} {scheme}");
        }
    }
}
