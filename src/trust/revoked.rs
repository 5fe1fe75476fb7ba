//! What a revocation list that the operator honours takes away: keys, identities in certificates, and content by digest.
//!
//! A revoked key never counts, whenever it signed: a keyed signature proves no time, and whoever stole the key would choose
//! one before the theft. A time of revocation that lies ahead is told and changes nothing.

use super::key_error::quote;
use crate::format::digest::{Sha256Bytes, hex, parse_sha256};
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
    ///
    /// # Errors
    /// A fingerprint or the digest of content is written in a way that cannot be compared: it would revoke nothing, and nobody
    /// would see that.
    pub fn of(list: &RevocationList, name: &str) -> Result<Revoked, String> {
        let mut revoked = Revoked::default();
        for found in &list.revocations {
            let words = words(found, list, name);
            let ids = [Some(&found.id), found.subject_id.as_ref()].into_iter().flatten();
            match found.category {
                Category::Key => {
                    let forms =
                        ids.flat_map(|id| spelled(id).map(|digest| hex(&digest)).into_iter().chain([folded(id)]));
                    revoked.keys.extend(forms.map(|id| (id, words.clone())));
                    if let Some(fingerprint) = &found.fingerprint {
                        let digest = spelled(fingerprint).ok_or_else(|| {
                            format!("the fingerprint {} is no SHA-256 in hex digits", quote(fingerprint))
                        })?;
                        revoked.keys.insert(hex(&digest), words);
                    }
                }
                Category::Subject => {
                    for id in ids.chain(found.fingerprint.as_ref()) {
                        match spelled(id) {
                            Some(digest) => drop(revoked.digests.insert(digest, words.clone())),
                            None if speaks_of_a_digest(id) => {
                                return Err(format!("the digest {} is no SHA-256 in hex digits", quote(id)));
                            }
                            None => drop(revoked.subjects.insert(folded(id), words.clone())),
                        }
                    }
                }
                // Nothing that is verified here is a token or a client of the authority.
                Category::Client | Category::Token => {}
            }
        }
        Ok(revoked)
    }

    /// Why a key that goes by any of `names` is revoked. A fingerprint is found with and without `sha256:`.
    #[must_use]
    pub fn key<'n>(&self, names: impl Iterator<Item = &'n str>) -> Option<&str> {
        let mut forms =
            names.flat_map(|name| spelled(name).map(|digest| hex(&digest)).into_iter().chain([folded(name)]));
        forms.find_map(|form| self.keys.get(&form).map(String::as_str))
    }

    /// Why the name in a certificate is revoked.
    #[must_use]
    pub fn identity(&self, identity: &str) -> Option<&str> {
        self.subjects.get(&folded(identity)).map(String::as_str)
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

/// A name as it is compared: whoever is revoked under one spelling is revoked under all that people take for the same.
fn folded(untrusted: &str) -> String {
    untrusted.trim().to_ascii_lowercase()
}

/// The SHA-256 in a text: hex digits of either case, with colons between them or not, behind `sha256:` and the like or nothing.
fn spelled(untrusted: &str) -> Option<Sha256Bytes> {
    let text = folded(untrusted);
    let text = text.strip_prefix("urn:").unwrap_or(&text);
    let bare = ["sha256:", "sha-256:", "sha256-", "sha-256-", "0x"].iter().find_map(|prefix| text.strip_prefix(prefix));
    parse_sha256(&bare.unwrap_or(text).replace(':', "")).ok()
}

/// Whether a text is meant to be a digest.
fn speaks_of_a_digest(untrusted: &str) -> bool {
    let text = folded(untrusted);
    let text = text.strip_prefix("urn:").unwrap_or(&text);
    let named = ["sha256", "sha-256", "sha384", "sha512", "sha1:", "md5:"].iter().any(|name| text.starts_with(name));
    named || text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
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
        Revoked::of(&list, "list.json").unwrap()
    }

    fn unusable(entry: &str) -> String {
        let text = format!(
            r#"{{"issuedAt":"2026-11-01T00:00:00Z","issuer":"https://a.example","revocations":[{entry}],"schemaVersion":"1.0.0","sequence":7}}"#
        );
        Revoked::of(&revocation::parse(text.as_bytes()).unwrap(), "list.json").map(|_| ()).unwrap_err()
    }

    #[test]
    fn a_digest_is_the_same_however_it_is_spelled() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let colons =
            hex.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap()).collect::<Vec<_>>().join(":");
        let upper = hex.to_uppercase();
        for digest in [hex, &colons, &upper, &colons.to_uppercase()] {
            for prefix in ["", "sha256:", "SHA256:", "SHA-256:", "sha256-", "urn:sha256:", "0x", " "] {
                let (text, at) = (format!("{prefix}{digest}"), r#""revokedAt":"2026-10-12T00:00:00Z""#);
                let key = revoked(&format!(r#"{{"category":"key","fingerprint":"{text}","id":"a",{at}}}"#));
                assert!(key.key([&*format!("sha256:{hex}")].into_iter()).is_some(), "{text}");
                let subject = revoked(&format!(r#"{{"category":"subject","id":"{text}",{at},"subjectId":"a"}}"#));
                assert!(subject.content(&crate::format::digest::sha256(b"")).is_some(), "{text}");
            }
        }
    }

    #[test]
    fn what_could_not_be_compared_makes_a_list_unusable() {
        let at = r#""revokedAt":"2026-10-12T00:00:00Z""#;
        for text in ["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "da39a3ee", "47DEQpj8HBSa", "sha1:da39"] {
            let why = unusable(&format!(r#"{{"category":"key","fingerprint":"{text}","id":"a",{at}}}"#));
            assert!(why.contains("the fingerprint"), "{why}");
        }
        for text in ["sha256:e3b0", "SHA-256:47DEQpj8HBSa", "sha512:e3b0", "da39a3ee5e6b4b0d3255bfef95601890afd80709"] {
            let why = unusable(&format!(r#"{{"category":"subject","id":"{text}",{at}}}"#));
            assert!(why.contains("the digest"), "{why}");
        }
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
