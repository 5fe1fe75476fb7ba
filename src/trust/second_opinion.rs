//! The crate `sigstore`, and the only place that names it: a second judge of signatures over raw bytes by a trusted key.
//!
//! It is asked about signatures that [`super::signature`] found good, and never instead of it. Where it agrees, that is
//! evidence: it reads key and signature by itself, takes its algorithm from the key, and hashes all bytes of the file once
//! more. Where it disagrees, the signature fails. Both end in aws-lc for the arithmetic, so a defect of that library would
//! deceive both; for Ed25519 ours is another one.
//!
//! Version 0.14 without any feature: its verifier for bundles is not compiled, and must not be (it leaves inclusion proofs and
//! signed entry timestamps unchecked).

use super::check::{self, Check};
use super::key::{KeyKind, PublicKey};
use super::scheme::Scheme;
use sigstore::crypto::{CosignVerificationKey, Signature, SigningScheme};

/// Largest file that is held for it, in bytes: it takes a message as a whole, and a second look should cost no second wait.
pub const MAX_MESSAGE: u64 = 16 << 20;

/// What the second judge says of one good signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opinion {
    /// Good as well.
    Agrees,
    /// Not good, with its reason.
    Disagrees(String),
    /// It has no such scheme.
    HasNone(Scheme),
}

/// Asks about a signature that was found good.
pub(super) fn ask(key: &PublicKey, scheme: Scheme, message: &[u8], signature: &[u8]) -> Opinion {
    let of_key = CosignVerificationKey::try_from_der(key.spki_der());
    let judge = match (scheme, key.kind()) {
        // What it takes a key of this type for; RSA would be PKCS#1 v1.5.
        (Scheme::Ed25519 | Scheme::EcdsaP256Sha256 | Scheme::EcdsaP384Sha384 | Scheme::RsaPkcs1v15Sha256, _) => of_key,
        (Scheme::RsaPssSha256, KeyKind::Rsa { .. }) => {
            CosignVerificationKey::from_der(key.spki_der(), &SigningScheme::RSA_PSS_SHA256(0))
        }
        _ => return Opinion::HasNone(scheme),
    };
    match judge.and_then(|judge| judge.verify_signature(Signature::Raw(signature), message)) {
        Ok(()) => Opinion::Agrees,
        Err(error) => Opinion::Disagrees(error.to_string()),
    }
}

/// The row about one signature document. `opinions`: of the keys that made it, by fingerprint; the error says why nobody was
/// asked.
pub(super) fn row(name: &[u8], opinions: Result<&[(String, Opinion)], &str>) -> Check {
    let kind = check::BLOB_SECOND_OPINION;
    let opinions = match opinions {
        Ok(opinions) => opinions,
        Err(why) => return Check::skip(kind, name, format!("the crate sigstore was not asked: {why}")),
    };
    let disagrees = opinions.iter().find_map(|(key, opinion)| match opinion {
        Opinion::Disagrees(why) => Some((key, why)),
        Opinion::Agrees | Opinion::HasNone(_) => None,
    });
    if let Some((key, why)) = disagrees {
        let detail = format!(
            "two judges disagree: a good signature by key {key} by our rules, and to the crate sigstore: {why}"
        );
        return Check::fail(kind, name, detail);
    }
    let silent = opinions.iter().find_map(|(_, opinion)| match opinion {
        Opinion::HasNone(scheme) => Some(scheme),
        Opinion::Agrees | Opinion::Disagrees(_) => None,
    });
    match silent {
        Some(scheme) => Check::skip(kind, name, format!("the crate sigstore has no scheme {scheme}")),
        None if opinions.is_empty() => {
            Check::skip(kind, name, "the crate sigstore was not asked: no signature was found good")
        }
        None => Check::pass(kind, name, "the crate sigstore says the same of key, signature and bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::check::Status;
    use crate::trust::key;

    fn p256() -> PublicKey {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/keys-example/ecdsa-p256.pub.pem");
        key::parse(&std::fs::read(path).unwrap()).unwrap().remove(0)
    }

    #[test]
    fn a_judge_who_disagrees_makes_the_row_fail() {
        let said = |opinions: &[Opinion]| {
            let opinions: Vec<_> = opinions.iter().map(|opinion| ("sha256:00".to_string(), opinion.clone())).collect();
            row(b"x.sig", Ok(&opinions)).status
        };
        let disagrees = Opinion::Disagrees("no".into());
        assert_eq!(said(&[Opinion::Agrees, Opinion::Agrees]), Status::Pass);
        assert_eq!(said(&[Opinion::Agrees, disagrees.clone()]), Status::Fail);
        assert_eq!(said(&[Opinion::HasNone(Scheme::EcdsaP384Sha256), disagrees]), Status::Fail);
        assert_eq!(said(&[Opinion::HasNone(Scheme::EcdsaP384Sha256), Opinion::Agrees]), Status::Skip);
        assert_eq!(said(&[]), Status::Skip);
        assert_eq!(row(b"x.sig", Err("too large")).status, Status::Skip);
    }

    #[test]
    fn it_refuses_what_is_no_signature_of_the_bytes() {
        let key = p256();
        let refused = |scheme, signature: &[u8]| ask(&key, scheme, b"message", signature);
        assert!(matches!(refused(Scheme::EcdsaP256Sha256, &[0x30, 6, 2, 1, 1, 2, 1, 1]), Opinion::Disagrees(_)));
        assert!(matches!(refused(Scheme::EcdsaP256Sha256, b""), Opinion::Disagrees(_)));
        // Another scheme than that of the key is no door: the key decides.
        assert!(matches!(refused(Scheme::Ed25519, &[0; 64]), Opinion::Disagrees(_)));
        let fixed = Scheme::EcdsaP256Sha256Fixed;
        assert_eq!(refused(fixed, &[1; 64]), Opinion::HasNone(fixed));
    }
}
