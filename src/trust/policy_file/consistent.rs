//! What must hold of a policy as a whole: each name and key once, somebody to trust, thresholds that can be reached.

use super::read::{Outcome, Reader};
use super::{MAX_POLICY_KEYS, PolicyFileError, TrustFile};
use crate::trust::keyring::Keyring;
use crate::trust::rules::{Waived, Waiver};
use std::collections::BTreeMap;

impl Reader<'_> {
    /// Refuses a policy whose parts are good and do not fit together. `lines`: where the globs of `[threshold]` stand.
    pub(super) fn consistent(
        &self,
        found: &TrustFile,
        lines: &BTreeMap<String, usize>,
        waivers: &[(Waiver, usize)],
    ) -> Outcome<()> {
        one_name_one_key(found)?;
        somebody(found)?;
        self.reachable(found, lines)?;
        self.one_legacy_input(waivers)
    }

    /// Every kind that somebody may sign can be signed by as many keys as are required.
    fn reachable(&self, found: &TrustFile, lines: &BTreeMap<String, usize>) -> Outcome<()> {
        let able = |kind: &str| {
            let all = found.all_terms();
            all.filter(|(terms, ..)| terms.revoked.is_none() && terms.may_sign_kind(Some(kind))).count()
        };
        let line = |glob: &str| lines.get(glob).copied().unwrap_or_default();
        for (glob, _) in &found.rules.threshold.kinds {
            if self.matching(glob).all(|kind| able(kind) == 0) {
                let message = format!("expected keys that may sign {glob}, found none");
                return Err(self.error(line(glob), "threshold", message));
            }
        }
        // Of these one key signs each, and no threshold is asked for.
        let counted = |kind: &&str| !["revocation:bundle", "sigstore:artifact"].contains(kind);
        for kind in self.kinds.iter().copied().filter(counted).filter(|kind| able(kind) > 0) {
            let (wanted, able) = (found.rules.threshold(Some(kind)).get(), able(kind));
            if wanted > able {
                let globs = found.rules.threshold.kinds.iter();
                let named = globs.filter(|(glob, n)| n.get() == wanted && self.matching(glob).any(|k| k == kind));
                let at = line(named.map(|(glob, _)| glob.as_str()).next().unwrap_or("default"));
                let message = format!("expected at most the {able} keys that may sign {kind}, found {wanted}");
                return Err(self.error(at, "threshold", message));
            }
        }
        Ok(())
    }

    fn one_legacy_input(&self, waivers: &[(Waiver, usize)]) -> Outcome<()> {
        for kind in self.kinds {
            let mut legacy =
                waivers.iter().filter(|(waiver, _)| matches!(waiver.what, Waived::Legacy(_)) && waiver.is_for(kind));
            if let (Some(_), Some((_, at))) = (legacy.next(), legacy.next()) {
                let message = format!("expected one legacy_signing a kind, found two for {kind}");
                return Err(self.error(*at, "waiver.legacy_signing", message));
            }
        }
        Ok(())
    }
}

fn one_name_one_key(found: &TrustFile) -> Outcome<()> {
    let fail = |line, field: &str, message: String| Err(PolicyFileError { line, field: field.into(), message });
    let (mut names, mut keys) = (BTreeMap::new(), BTreeMap::new());
    for (count, (terms, fingerprint, line)) in found.all_terms().enumerate() {
        if count >= MAX_POLICY_KEYS {
            return fail(line, "key", format!("expected at most {MAX_POLICY_KEYS} keys and secrets, found more"));
        }
        if let Some(other) = names.insert(terms.name.as_str(), line) {
            return fail(line, "name", format!("expected each name once, found {} on line {other} too", terms.name));
        }
        if let Some(other) = keys.insert(fingerprint, terms.name.as_str()) {
            let message = format!("expected each key under one name, found the key of {other} as {} too", terms.name);
            return fail(line, "file", message);
        }
    }
    let mut ring = Keyring::default();
    found.keys.iter().filter_map(|key| key.material.clone()).for_each(|key| ring.trust_public(key));
    match found.secrets.iter().find(|secret| ring.publishes(&secret.material)) {
        Some(secret) => fail(secret.line, "secret.file", "it is a public key of this file: everybody knows it".into()),
        None => Ok(()),
    }
}

fn somebody(found: &TrustFile) -> Outcome<()> {
    if found.all_terms().any(|(terms, ..)| terms.revoked.is_none()) {
        return Ok(());
    }
    let message = "expected a key or secret that is not revoked, found none: this policy trusts nobody";
    Err(PolicyFileError { line: 1, field: "key".into(), message: message.into() })
}
