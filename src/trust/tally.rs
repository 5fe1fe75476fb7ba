//! Which of the keys that signed a document count. Every good signature of every form passes through here.

use super::envelope::{Authentication, Signer};
use super::policy::Policy;
use super::signature::Scheme;
use super::terms::Situation;
use super::threshold;

/// Known keys named in one row.
const MAX_NAMED: usize = 8;

/// A good signature by a key that the operator gave.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    /// `sha256:<hex>` of the key.
    pub(super) fingerprint: &'a str,
    /// The scheme that verified.
    pub(super) scheme: Scheme,
    /// Another scheme under whose name the policy may allow this one.
    pub(super) alias: Option<Scheme>,
    /// Public key or shared secret.
    pub(super) by: Authentication,
}

/// Where the signature stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The signature document.
    pub(super) document: &'a [u8],
    /// The key id that the signature states. Untrusted.
    pub(super) keyid: Option<&'a str>,
    /// The signing input in reports.
    pub(super) input: &'static str,
}

/// Good signatures of one document, those that count and those that do not.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Keys that count.
    pub(super) signers: Vec<Signer>,
    /// Names of keys that do not, and why.
    refused: Vec<(String, String)>,
}

impl Tally {
    /// Takes a good signature and decides whether it counts: the one place that does.
    pub(super) fn note(&mut self, found: &Found<'_>, place: &Place<'_>, policy: &Policy) {
        let terms = policy.keys.terms(found.fingerprint);
        let situation = Situation {
            kind: policy.kind(),
            document: place.document,
            scheme: found.scheme,
            alias: found.alias,
            at: policy.at,
        };
        let revoked = policy.keys.revoked_key(found.fingerprint, place.keyid);
        if let Some(why) = revoked.or_else(|| terms.and_then(|terms| terms.refuse(&situation))) {
            let name = terms.map_or(found.fingerprint, |terms| terms.name.as_str());
            let refused = (name.to_string(), why);
            if !self.refused.contains(&refused) {
                self.refused.push(refused);
            }
            return;
        }
        self.signers.push(Signer {
            name: terms.map(|terms| terms.name.clone()),
            fingerprint: found.fingerprint.to_string(),
            keyid: place.keyid.map(str::to_string),
            scheme: found.scheme.name(),
            input: place.input,
            by: found.by,
            document: place.document.to_vec(),
            certificate: None,
        });
    }

    /// How many distinct keys count.
    pub(super) fn count(&self) -> usize {
        threshold::distinct(self.signers.iter().map(|signer| signer.fingerprint.as_str()))
    }

    /// Whether enough of them do.
    pub(super) fn reaches(&self, policy: &Policy) -> bool {
        threshold::reached(self.signers.iter().map(|signer| signer.fingerprint.as_str()), policy.threshold)
    }

    /// Whether nobody signed but known keys that do not count.
    pub(super) fn only_refused(&self) -> bool {
        self.signers.is_empty() && !self.refused.is_empty()
    }

    /// For a document that nobody else signed: `; key acme signed it; it may sign mirror:* only`. None: empty.
    pub(super) fn only_by(&self) -> String {
        self.each(|name, why| format!("; key {name} signed it; {why}"))
    }

    /// The same besides others who count, or who are too few.
    pub(super) fn besides(&self) -> String {
        self.each(|name, why| format!("; key {name} signed it too and does not count: {why}"))
    }

    fn each(&self, words: impl Fn(&str, &str) -> String) -> String {
        self.refused.iter().take(MAX_NAMED).map(|(name, why)| words(name, why)).collect()
    }
}
