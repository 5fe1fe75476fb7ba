//! What a revocation list that the operator honours takes away: keys, identities in certificates, and content by digest.
//!
//! A revoked key never counts, whenever it signed: a keyed signature proves no time, and whoever stole the key would choose
//! one before the theft. A time of revocation that lies ahead is told and changes nothing.

use crate::format::digest::{Sha256Bytes, parse_sha256};
use crate::format::revocation::{Category, Revocation, RevocationList};
use crate::format::time::format_rfc3339;
use std::collections::BTreeMap;

/// The keys and subjects of one list, ready to be looked up.
#[derive(Debug, Clone, Default)]
pub struct Revoked {
    /// By id and fingerprint in lower case: since when and why, and by which list.
    keys: BTreeMap<String, String>,
    /// By id in lower case.
    subjects: BTreeMap<String, String>,
    digests: BTreeMap<Sha256Bytes, String>,
}

impl Revoked {
    /// Takes what the list called `name` revokes. Its signature and its window have to have been judged before.
    #[must_use]
    pub fn of(list: &RevocationList, name: &str) -> Revoked {
        let mut revoked = Revoked::default();
        for found in &list.revocations {
            let words = words(found, list, name);
            let ids = [Some(&found.id), found.fingerprint.as_ref(), found.subject_id.as_ref()];
            for id in ids.into_iter().flatten() {
                match found.category {
                    Category::Key => revoked.keys.insert(id.to_ascii_lowercase(), words.clone()),
                    Category::Subject => {
                        if let Some(digest) = id.strip_prefix("sha256:").and_then(|hex| parse_sha256(hex).ok()) {
                            revoked.digests.insert(digest, words.clone());
                        }
                        revoked.subjects.insert(id.to_ascii_lowercase(), words.clone())
                    }
                    // Nothing that is verified here is a token or a client of the authority.
                    Category::Client | Category::Token => None,
                };
            }
        }
        revoked
    }

    /// Why a key that goes by any of `names` is revoked. A fingerprint is found with and without `sha256:`.
    #[must_use]
    pub fn key<'n>(&self, names: impl Iterator<Item = &'n str>) -> Option<&str> {
        let forms = names.flat_map(|name| {
            let lower = name.to_ascii_lowercase();
            let bare = lower.strip_prefix("sha256:").map(str::to_string);
            bare.into_iter().chain([lower])
        });
        forms.into_iter().find_map(|form| self.keys.get(&form).map(String::as_str))
    }

    /// Why the name in a certificate is revoked.
    #[must_use]
    pub fn identity(&self, identity: &str) -> Option<&str> {
        self.subjects.get(&identity.to_ascii_lowercase()).map(String::as_str)
    }

    /// Why content with this digest is revoked.
    #[must_use]
    pub fn content(&self, sha256: &Sha256Bytes) -> Option<&str> {
        self.digests.get(sha256).map(String::as_str)
    }

    /// Whether it revokes content.
    #[must_use]
    pub fn has_content(&self) -> bool {
        !self.digests.is_empty()
    }
}

fn words(found: &Revocation, list: &RevocationList, name: &str) -> String {
    let sequence = list.sequence.map_or(String::new(), |sequence| format!(", sequence {sequence}"));
    let reason = found.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    format!("it is revoked since {} by {name}{sequence}{reason}", format_rfc3339(found.revoked_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::revocation;

    fn revoked(entries: &str) -> Revoked {
        let text = format!(
            r#"{{"issuedAt":"2026-11-01T00:00:00Z","issuer":"https://a.example","revocations":[{entries}],"schemaVersion":"1.0.0","sequence":7}}"#
        );
        let list = revocation::parse(text.as_bytes()).unwrap();
        assert!(list.faults.is_empty(), "{}", list.faults.sentence());
        Revoked::of(&list, "list.json")
    }

    #[test]
    fn keys_are_found_by_name_and_by_fingerprint_in_either_form() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let found = revoked(&format!(
            r#"{{"category":"key","fingerprint":"{hex}","id":"auth-2025","reason":"compromised","revokedAt":"2026-10-12T00:00:00Z"}}"#
        ));
        let by = |name: &str| found.key([name].into_iter()).map(str::to_string);
        let why = "it is revoked since 2026-10-12T00:00:00Z by list.json, sequence 7: compromised";
        assert_eq!(by("AUTH-2025").as_deref(), Some(why));
        assert_eq!(by(&format!("sha256:{hex}")).as_deref(), Some(why));
        assert_eq!(by(hex).as_deref(), Some(why));
        assert_eq!(by("auth-2026"), None);
        assert_eq!(found.identity("auth-2025"), None);
    }

    #[test]
    fn subjects_are_identities_and_digests() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let found = revoked(&format!(
            r#"{{"category":"subject","id":"sha256:{hex}","revokedAt":"2026-10-12T00:00:00Z","subjectId":"ci@a.example"}}"#
        ));
        assert!(found.has_content() && found.content(&crate::format::digest::sha256(b"")).is_some());
        assert!(found.content(&[0; 32]).is_none());
        assert!(found.identity("CI@a.example").is_some());
        assert_eq!(found.key(["ci@a.example"].into_iter()), None);
    }
}
