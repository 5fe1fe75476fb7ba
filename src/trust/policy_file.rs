//! The trust policy file (`--trust`): which keys the operator trusts, for what, and what must be established.
//!
//! The file is the operator's, but it is read as hostile text: it travels with the bundles. It is taken whole or not at all:
//! a member that is not understood could be the one that takes trust away. Every refusal names the line and the field.
//! `docs/trust-policy.md` is the reference.

mod consistent;
mod raw;
mod read;
mod revocations;

use super::key::PublicKey;
use super::keyring::example_name;
use super::policy::Policy;
use super::rekor::LogKey;
use super::rules::{PolicyRecord, Rules, Waived};
use super::signature::SecretKey;
use super::terms::Terms;
use crate::format::digest::sha256;
use std::sync::Arc;
use zeroize::Zeroizing;

pub use revocations::{HonouredList, MAX_LISTS};

/// Largest policy file, in bytes: 256 keys with all their fields take a third of it.
pub const MAX_POLICY_BYTES: usize = 256 * 1024;

/// Most keys and secrets of one file. Every signature is tried with every key, so this bounds work.
pub const MAX_POLICY_KEYS: usize = 256;

/// Why a policy file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {field}: {message}")]
pub struct PolicyFileError {
    /// The line, from 1.
    pub line: usize,
    /// The field, such as `key.kinds`.
    pub field: String,
    /// What was expected, what was found.
    pub message: String,
}

/// A key of the file.
#[derive(Debug)]
pub struct NamedKey {
    /// On what terms it counts, and its name.
    pub terms: Terms,
    /// The line of its name.
    pub line: usize,
    /// `sha256:<hex>` of the key.
    pub fingerprint: String,
    /// The key itself; none where the file states the fingerprint only.
    pub material: Option<PublicKey>,
}

/// A shared secret of the file.
#[derive(Debug)]
pub struct NamedSecret {
    /// On what terms it counts, and its name.
    pub terms: Terms,
    /// The line of its name.
    pub line: usize,
    /// The secret itself.
    pub material: SecretKey,
}

/// A transparency log of the file.
#[derive(Debug)]
pub struct NamedLog {
    /// The line of its name.
    pub line: usize,
    /// Its key, with its name and its origin.
    pub log: LogKey,
}

/// A policy file, resolved: every key that it names was read.
#[derive(Debug)]
pub struct TrustFile {
    /// Keys in the order of the file.
    pub keys: Vec<NamedKey>,
    /// Shared secrets in the order of the file.
    pub secrets: Vec<NamedSecret>,
    /// Transparency logs in the order of the file.
    pub logs: Vec<NamedLog>,
    /// Revocation lists that it honours, in the order of the file.
    pub revocations: Vec<HonouredList>,
    /// Everything else.
    pub rules: Rules,
}

/// Reads the bytes of a file whose path the policy states: a key, or a revocation list. The number is the largest size.
pub type ReadKey<'a> = dyn FnMut(&str, usize) -> Result<Zeroizing<Vec<u8>>, String> + 'a;

/// Reads an untrusted policy file called `name`. `kinds` are all kind ids that there are: a glob that fits none of them is a
/// slip of the pen that would restrict or demand nothing. `read_key` reads the key files.
///
/// # Errors
/// [`PolicyFileError`] for the first thing that is wrong, in the order of the sections of the reference.
pub fn load(
    untrusted: &[u8],
    name: &[u8],
    kinds: &[&str],
    read_key: &mut ReadKey<'_>,
) -> Result<TrustFile, PolicyFileError> {
    let file = PolicyRecord {
        name: name.to_vec(),
        sha256: sha256(untrusted),
        overridden: Vec::new(),
        revocations: Vec::new(),
    };
    read::Reader::new(untrusted, kinds)?.file(file, read_key)
}

impl TrustFile {
    /// Adds the file to `policy`. `allow_example_keys`: the operator accepts published keys by an option as well.
    ///
    /// # Errors
    /// A published example key that nothing waives; a revocation list that is not in force.
    pub fn apply(self, policy: &mut Policy, allow_example_keys: bool) -> Result<(), PolicyFileError> {
        let waiver = self.rules.waivers.iter().find(|waiver| waiver.what == Waived::ExampleKeys);
        let by_file = waiver.map(|waiver| &waiver.reason);
        let signers = self.all_terms().filter(|(terms, ..)| terms.revoked.is_none());
        let signers = signers.map(|(terms, fingerprint, line)| (terms.name.as_str(), fingerprint, line));
        let logs = self
            .logs
            .iter()
            .map(|NamedLog { line, log }| (log.name.as_deref().unwrap_or_default(), log.key.fingerprint(), *line));
        for (name, fingerprint, line) in signers.chain(logs) {
            let Some(example) = example_name(fingerprint) else { continue };
            let words = match by_file {
                Some(reason) => {
                    format!("example_keys: {example} is published, so its signatures prove nothing: {reason}")
                }
                None if allow_example_keys => {
                    format!("--allow-example-keys: {example} is published, so its signatures prove nothing")
                }
                None => {
                    let message = format!(
                        "key {name} is the example key {example}: its private half is published, so anybody can sign with it; \
                         use a key of your own, or write [[waiver]] with example_keys = true and a reason"
                    );
                    return Err(PolicyFileError { line, field: "name".into(), message });
                }
            };
            if !policy.waivers.contains(&words) {
                policy.waivers.push(words);
            }
        }
        for list in &self.revocations {
            list.refuse(policy.at)?;
            policy.keys.revoke(list.revoked.clone());
        }
        for key in self.keys {
            policy.keys.restrict(&key.fingerprint, key.terms);
            key.material.into_iter().for_each(|material| policy.keys.trust_public(material));
        }
        for secret in self.secrets {
            policy.keys.restrict(secret.material.fingerprint(), secret.terms);
            policy.keys.trust_secret(secret.material);
        }
        policy.logs.keys.extend(self.logs.into_iter().map(|named| named.log));
        if !policy.threshold_given {
            policy.threshold = self.rules.threshold(None);
        }
        policy.rules = Some(Arc::new(self.rules));
        Ok(())
    }

    /// Terms, fingerprint and line of every key and secret.
    pub fn all_terms(&self) -> impl Iterator<Item = (&Terms, &str, usize)> {
        let keys = self.keys.iter().map(|key| (&key.terms, key.fingerprint.as_str(), key.line));
        keys.chain(self.secrets.iter().map(|secret| (&secret.terms, secret.material.fingerprint(), secret.line)))
    }
}

#[cfg(test)]
mod tests;
