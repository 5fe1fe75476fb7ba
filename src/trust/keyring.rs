//! The keys that the operator trusts, and the example keys that nobody should.

use super::key::PublicKey;
use super::signature::SecretKey;

/// Fingerprints of the published key pairs in `keys-example/`: whoever reads this project can sign with them.
const EXAMPLE_FINGERPRINTS: &str = include_str!("../../keys-example/FINGERPRINTS");

/// Trusted keys of one run. Only the operator's files end up here, never a key from a bundle.
#[derive(Debug, Default)]
pub struct Keyring {
    public: Vec<PublicKey>,
    secret: Vec<SecretKey>,
}

impl Keyring {
    /// Trusts a public key; the same key material twice is kept once.
    pub fn trust_public(&mut self, key: PublicKey) {
        if !self.public.iter().any(|known| known.fingerprint() == key.fingerprint()) {
            self.public.push(key);
        }
    }

    /// Trusts a shared secret.
    pub fn trust_secret(&mut self, key: SecretKey) {
        if !self.secret.iter().any(|known| known.fingerprint() == key.fingerprint()) {
            self.secret.push(key);
        }
    }

    /// Public keys in the order given.
    pub fn public(&self) -> &[PublicKey] {
        &self.public
    }

    /// Shared secrets in the order given.
    pub fn secret(&self) -> &[SecretKey] {
        &self.secret
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.public.is_empty() && self.secret.is_empty()
    }
}

/// The file name of the example key with this fingerprint (`sha256:<hex>`), if it is one.
pub fn example_name(fingerprint: &str) -> Option<&'static str> {
    let hex = fingerprint.strip_prefix("sha256:").unwrap_or(fingerprint);
    EXAMPLE_FINGERPRINTS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once("  "))
        .find(|(known, _)| *known == hex)
        .map(|(_, name)| name)
}
