//! Which of the operator's keys the engine is asked about, and what it cannot say of them.

use super::engine::{self, Demand};
use super::{Content, Job, Material};
use crate::format::digest::Digest;
use crate::trust::key::{KeyKind, PublicKey};
use crate::trust::scheme::Scheme;
use crate::trust::signature::{self, MessageDigests};
use sha2::{Digest as _, Sha256, Sha384};
use std::io::Read;

impl Job<'_, '_> {
    /// Keys to ask the engine about. It reads a stream once for each, and only P-384 needs one: a pass of our own says which of
    /// those keys made the signature. Ed25519 is refused before anything is read.
    pub(super) fn candidates(&self) -> std::io::Result<Vec<&PublicKey>> {
        let all: Vec<&PublicKey> = self.expected.policy.keys.public().iter().collect();
        let (Content::Stream(open), None) = (&self.artifact.content, self.facts.pae) else { return Ok(all) };
        let of = |kind: KeyKind| all.iter().copied().filter(move |key| key.kind() == kind);
        let p384: Vec<&PublicKey> = of(KeyKind::EcdsaP384).collect();
        let made = if p384.len() > 1 {
            let digests = self.digests(open())?;
            let scheme = Scheme::EcdsaP384Sha384;
            let fits =
                |key: &&&PublicKey| signature::verify_digest(key, scheme, &digests, &self.facts.signature).is_ok();
            p384.iter().find(fits).copied()
        } else {
            None
        };
        // Where none of them fits, the engine says so about one.
        Ok(of(KeyKind::Ed25519).chain(made.or(p384.first().copied())).collect())
    }

    /// What can be signed of a stream, which has to be the one that was hashed before.
    fn digests(&self, mut stream: Box<dyn Read + '_>) -> std::io::Result<MessageDigests> {
        let (mut sha256, mut sha384, mut buffer) = (Sha256::new(), Sha384::new(), vec![0; 256 << 10]);
        loop {
            match stream.read(&mut buffer)? {
                0 => break,
                count => {
                    sha256.update(&buffer[..count]);
                    sha384.update(&buffer[..count]);
                }
            }
        }
        let digests = MessageDigests { sha256: sha256.finalize().into(), sha384: Some(sha384.finalize().into()) };
        if self.artifact.digest != Digest::Sha256(digests.sha256) {
            return Err(std::io::Error::other("it changed while it was read; nothing can be said about it"));
        }
        Ok(digests)
    }

    /// Whether the signature is a good one in RSA-PSS by the key of the demand: the engine knows PKCS#1 v1.5 only.
    pub(super) fn is_pss(&self, demand: &Demand<'_>) -> bool {
        let spki = match (demand, &self.facts.material) {
            (Demand::Key { spki, .. }, _) => Some(spki.to_vec()),
            (Demand::Certificate { .. }, Material::Certificate { leaf, .. }) => {
                engine::claims(leaf).ok().map(|claims| claims.spki)
            }
            (Demand::Certificate { .. }, Material::PublicKey { .. }) => None,
        };
        let signed = match (self.facts.pae, self.artifact.digest) {
            (Some(pae), _) => pae,
            (None, Digest::Sha256(artifact)) => artifact,
            (None, Digest::Sha512(_)) => return false,
        };
        let digests = MessageDigests { sha256: signed, sha384: None };
        let good = |key: &PublicKey| {
            signature::verify_digest(key, Scheme::RsaPssSha256, &digests, &self.facts.signature).is_ok()
        };
        spki.and_then(|spki| PublicKey::from_spki(&spki, None).ok()).is_some_and(|key| good(&key))
    }
}
