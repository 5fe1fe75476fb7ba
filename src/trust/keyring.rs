//! The keys that the operator trusts, and the example keys that nobody should.

use super::key::{PublicKey, fingerprint};
use super::revoked::Revoked;
use super::signature::{Scheme, SchemeSet, SecretKey};
use super::terms::Terms;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Fingerprints of the published key pairs in `keys-example/`: whoever reads this project can sign with them.
const EXAMPLE_FINGERPRINTS: &str = include_str!("../../keys-example/FINGERPRINTS");

/// Trusted keys of one run. Only the operator's files end up here, never a key from a bundle.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    public: Vec<PublicKey>,
    secret: Vec<Arc<SecretKey>>,
    /// By fingerprint, whoever gave the key: what the policy file says of a key holds for it.
    terms: BTreeMap<String, Terms>,
    /// Revocation lists that hold for all of them.
    revoked: Vec<Arc<Revoked>>,
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
            self.secret.push(Arc::new(key));
        }
    }

    /// States on what terms the key with this fingerprint counts, whether it is here yet or not.
    pub fn restrict(&mut self, fingerprint: &str, terms: Terms) {
        self.terms.insert(fingerprint.to_string(), terms);
    }

    /// What the policy file says of the key with this fingerprint; `None` for a key that was given without one.
    pub fn terms(&self, fingerprint: &str) -> Option<&Terms> {
        self.terms.get(fingerprint)
    }

    /// Honours a revocation list that was verified.
    pub fn revoke(&mut self, list: Revoked) {
        self.revoked.push(Arc::new(list));
    }

    /// The lists that are honoured.
    pub fn revocations(&self) -> impl Iterator<Item = &Revoked> {
        self.revoked.iter().map(AsRef::as_ref)
    }

    /// Why the key with this fingerprint is revoked by a list: by its fingerprint, the name that the operator gives it or the
    /// one in its file, or the key id that the signature states.
    pub(super) fn revoked_key(&self, fingerprint: &str, keyid: Option<&str>) -> Option<String> {
        let named = self.terms(fingerprint).map(|terms| terms.name.as_str());
        let own = self.public.iter().find(|key| key.fingerprint() == fingerprint).and_then(PublicKey::name);
        let names = [Some(fingerprint), named, own, keyid];
        let found = self.revoked.iter().find_map(|list| list.key(names.into_iter().flatten()));
        found.map(str::to_string)
    }

    /// Schemes to try with a key where the run allows `general`: those, and the ones that the policy file names for it.
    /// Whether a signature that fits then counts is decided by its terms.
    pub(super) fn schemes(&self, fingerprint: &str, general: SchemeSet) -> SchemeSet {
        let own = self.terms(fingerprint).and_then(|terms| terms.schemes).unwrap_or(SchemeSet::EMPTY);
        own.iter().fold(general, |set, scheme: Scheme| set.with(scheme))
    }

    /// Whether the secret is one of the public keys in some form, which everybody knows.
    pub fn publishes(&self, secret: &SecretKey) -> bool {
        self.public.iter().flat_map(public_forms).any(|form| form == secret.fingerprint())
    }

    /// Public keys in the order given.
    pub fn public(&self) -> &[PublicKey] {
        &self.public
    }

    /// Shared secrets in the order given.
    pub fn secret(&self) -> &[Arc<SecretKey>] {
        &self.secret
    }

    /// Whether some key is here that is not revoked.
    pub fn trusts_somebody(&self) -> bool {
        let public = self.public.iter().map(PublicKey::fingerprint);
        let mut all = public.chain(self.secret.iter().map(|secret| secret.fingerprint()));
        all.any(|key| self.terms(key).is_none_or(|terms| terms.revoked.is_none()))
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.public.is_empty() && self.secret.is_empty()
    }
}

/// Fingerprints that a public key's raw bytes would have if they were taken for a secret.
fn public_forms(key: &PublicKey) -> Vec<String> {
    let der = key.spki_der();
    let tails = [32, 64, 65, 96, 97].into_iter().filter_map(|length| der.len().checked_sub(length));
    tails.chain([0]).map(|start| fingerprint(&der[start..])).collect()
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
