//! How a mirror says that its files are sealed: `environment.encryption` of the provenance document, and the data key that
//! one of its recipients' identities unwraps from it.
//!
//! The metadata only says where to try. Whether a key or a place is right is seen by the tags of the files.

use crate::trust::identity::{Identities, UnwrapError};
use crate::trust::sealed::DataKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// Most recipients of one bundle. A wrapped key that is made to be slow costs 70 ms with 16 identities, so that all of them
/// together stay in the order of two seconds.
pub const MAX_RECIPIENTS: usize = 32;
/// The only form of additional data that is documented.
pub const AAD_FORMAT: &str = "{runId}:{relativePath}";

/// The metadata of a sealed mirror. Everything in it is untrusted until the document that holds it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionMetadata {
    /// `age` or `aes-gcm+kms`; what else it says is repeated in messages only.
    #[serde(default)]
    pub mode: Option<String>,
    /// How the additional data of a file is formed; [`AAD_FORMAT`] where it is left out.
    #[serde(default)]
    pub aad_format: Option<String>,
    /// `prefix` or `sidecar`; see [`EncryptionMetadata::nonce_place`].
    #[serde(default)]
    pub nonce_format: Option<String>,
    /// Whom the data key was wrapped for.
    pub recipients: Vec<Recipient>,
}

/// One wrapping of the data key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawRecipient")]
pub enum Recipient {
    /// For an age identity, which an operator can give.
    Age {
        /// The public half (`age1...`); states, without proving it, whom the key was wrapped for.
        recipient: String,
        /// Base64 of an age file, or its ASCII armor as it is.
        wrapped_key: String,
        /// A name for the key.
        key_id: Option<String>,
    },
    /// For a key management service, which cannot be asked without a network.
    Kms {
        /// The key of the service.
        kms_key_id: String,
        /// What the service wrapped.
        wrapped_key: Option<String>,
        /// How.
        algorithm: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRecipient {
    recipient: Option<String>,
    kms_key_id: Option<String>,
    wrapped_key: Option<String>,
    key_id: Option<String>,
    algorithm: Option<String>,
}

impl TryFrom<RawRecipient> for Recipient {
    type Error = &'static str;

    fn try_from(raw: RawRecipient) -> Result<Self, Self::Error> {
        match (raw.recipient, raw.kms_key_id) {
            (Some(recipient), None) => {
                let wrapped_key = raw.wrapped_key.ok_or("a recipient without wrappedKey")?;
                Ok(Self::Age { recipient, wrapped_key, key_id: raw.key_id })
            }
            (None, Some(kms_key_id)) => {
                Ok(Self::Kms { kms_key_id, wrapped_key: raw.wrapped_key, algorithm: raw.algorithm })
            }
            (Some(_), Some(_)) => Err("a recipient with both recipient and kmsKeyId: expected one of them"),
            (None, None) => Err("a recipient with neither recipient nor kmsKeyId: expected one of them"),
        }
    }
}

/// Where the nonces of the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoncePlace {
    /// The first 12 bytes of each file.
    Prefix,
    /// A file `<path>.nonce` beside each.
    Sidecar,
    /// Not stated: beside the file where there is such a file, else in front.
    Unstated,
}

/// Why no data key was unwrapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant documents it and its fields")]
pub enum Locked {
    /// Not a failure of the bundle: nothing was tried.
    #[error(
        "the data key is wrapped by a key management service only ({keys}), which cannot be asked without a network; \
         have the bundle exported for a recipient age1..."
    )]
    ServiceOnly { keys: String },
    #[error("the encryption metadata names no recipient: nobody can open the files; have the bundle exported anew")]
    NoRecipient,
    #[error("expected at most {MAX_RECIPIENTS} recipients in the encryption metadata, found {found}")]
    TooMany { found: usize },
    /// Every recipient was tried, each with every identity.
    #[error(
        "no given identity ({given}) is among the recipients of the bundle ({stated}); give the identity of one of them"
    )]
    Stranger { given: String, stated: String },
    /// An identity should have fitted, or what is wrapped is no key at all.
    #[error("the data key for {recipient:?} cannot be unwrapped: {error}")]
    Refused { recipient: String, error: UnwrapError },
    #[error("the data key for {recipient:?} is not base64; have the bundle exported anew")]
    NotBase64 { recipient: String },
}

impl EncryptionMetadata {
    /// Finds `environment.encryption` in a provenance document, at the top or in its `predicate`. `None` where there is
    /// none, or null.
    ///
    /// # Errors
    /// A sentence where it is there and cannot be read, and where the two places differ.
    pub fn find(untrusted: &Value) -> Result<Option<Self>, String> {
        let at = |pointer: &str| untrusted.pointer(pointer).filter(|value| !value.is_null());
        let (top, inner) = (at("/environment/encryption"), at("/predicate/environment/encryption"));
        if top.is_some() && inner.is_some() && top != inner {
            return Err("environment.encryption and predicate.environment.encryption differ".to_owned());
        }
        let Some(value) = top.or(inner) else { return Ok(None) };
        Self::deserialize(value)
            .map(Some)
            .map_err(|error| format!("environment.encryption: {}", cut(&error.to_string())))
    }

    /// The additional data of the file at `path`, relative to the root that `contents[]` is relative to.
    ///
    /// # Errors
    /// A sentence where the metadata wants a form that is not known.
    pub fn aad(&self, run_id: &str, path: &str) -> Result<Vec<u8>, String> {
        match self.aad_format.as_deref() {
            None | Some(AAD_FORMAT) => Ok(format!("{run_id}:{path}").into_bytes()),
            Some(other) => Err(format!("expected aadFormat {AAD_FORMAT:?}, found {:?}", cut(other))),
        }
    }

    /// Where the nonces are.
    ///
    /// # Errors
    /// A sentence where the metadata states a place that is not known.
    pub fn nonce_place(&self) -> Result<NoncePlace, String> {
        match self.nonce_format.as_deref() {
            None => Ok(NoncePlace::Unstated),
            Some("prefix") => Ok(NoncePlace::Prefix),
            Some("sidecar") => Ok(NoncePlace::Sidecar),
            Some(other) => Err(format!("expected nonceFormat \"prefix\" or \"sidecar\", found {:?}", cut(other))),
        }
    }

    /// Unwraps the data key with one of the identities, and says for which stated recipient it was wrapped. Recipients that
    /// the identities answer to come first, then all others: what is stated may be wrong.
    ///
    /// # Errors
    /// [`Locked`]; of several reasons the one that is about a recipient that an identity answers to.
    pub fn unlock(&self, identities: &Identities) -> Result<(DataKey, &str), Locked> {
        if self.recipients.len() > MAX_RECIPIENTS {
            return Err(Locked::TooMany { found: self.recipients.len() });
        }
        let given = identities.recipients();
        let mut wrapped: Vec<(&str, &str)> = self.recipients.iter().filter_map(Recipient::age).collect();
        wrapped.sort_by_key(|(recipient, _)| !given.iter().any(|own| own == recipient));
        let mut reason = None;
        for (recipient, wrapped_key) in &wrapped {
            let ours = given.iter().any(|own| own == recipient);
            match unwrap_key(identities, recipient, wrapped_key) {
                Ok(key) => return Ok((key, recipient)),
                // That a key for somebody else does not open is as it should be.
                Err(Locked::Refused { error: UnwrapError::NoMatch { .. }, .. }) if !ours => {}
                Err(error) => reason = reason.or(Some(error)),
            }
        }
        Err(match reason {
            Some(reason) => reason,
            None if !wrapped.is_empty() => Locked::Stranger {
                given: given.join(", "),
                stated: shown(wrapped.iter().map(|(recipient, _)| *recipient)),
            },
            None if self.recipients.is_empty() => Locked::NoRecipient,
            None => Locked::ServiceOnly { keys: shown(self.recipients.iter().filter_map(Recipient::service)) },
        })
    }

    /// Whether some recipient is an age one, so that an identity could open the files.
    pub fn has_age_recipient(&self) -> bool {
        self.recipients.iter().any(|recipient| recipient.age().is_some())
    }
}

impl Recipient {
    fn age(&self) -> Option<(&str, &str)> {
        match self {
            Self::Age { recipient, wrapped_key, .. } => Some((recipient, wrapped_key)),
            Self::Kms { .. } => None,
        }
    }

    fn service(&self) -> Option<&str> {
        match self {
            Self::Kms { kms_key_id, .. } => Some(kms_key_id),
            Self::Age { .. } => None,
        }
    }
}

fn unwrap_key(identities: &Identities, recipient: &str, wrapped_key: &str) -> Result<DataKey, Locked> {
    let text = wrapped_key.trim_ascii();
    let file = if text.starts_with("-----BEGIN ") {
        text.as_bytes().to_vec()
    } else {
        STANDARD.decode(text).map_err(|_| Locked::NotBase64 { recipient: cut(recipient) })?
    };
    identities.unwrap_key(&file).map_err(|error| Locked::Refused { recipient: cut(recipient), error })
}

/// Untrusted names for a message: the first four, quoted and cut.
fn shown<'a>(names: impl Iterator<Item = &'a str> + Clone) -> String {
    const SHOWN: usize = 4;
    let first: Vec<String> = names.clone().take(SHOWN).map(|name| format!("{:?}", cut(name))).collect();
    match names.count().saturating_sub(SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// At most 120 characters; an age recipient has 62.
fn cut(untrusted: &str) -> String {
    untrusted.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::age_vectors::{ARMORED, BINARY, OURS, OURS_PUBLIC, SCRYPT, STRANGER, STRANGER_PUBLIC, TWO};
    use serde_json::json;

    fn identities(secret: &str) -> Identities {
        Identities::parse(secret.as_bytes()).unwrap()
    }

    fn metadata(recipients: &Value) -> EncryptionMetadata {
        let text = json!({"environment": {"encryption": {"mode": "age", "recipients": recipients, "later": 1}}});
        EncryptionMetadata::find(&text).unwrap().unwrap()
    }

    fn age(recipient: &str, wrapped_key: &str) -> Value {
        json!({"recipient": recipient, "wrappedKey": wrapped_key, "unknown": true})
    }

    fn reason(recipients: &Value) -> Locked {
        metadata(recipients).unlock(&identities(OURS)).unwrap_err()
    }

    #[test]
    fn the_metadata_is_found_in_both_places_and_must_not_differ() {
        let encryption = json!({
            "mode": "aes-gcm+kms", "aadFormat": AAD_FORMAT, "nonceFormat": "sidecar",
            "recipients": [
                {"recipient": OURS_PUBLIC, "wrappedKey": BINARY, "keyId": "a"},
                {"kmsKeyId": "k", "wrappedKey": "AAAA", "algorithm": "SYMMETRIC_DEFAULT"},
            ],
        });
        let top = json!({"environment": {"encryption": encryption}});
        let found = EncryptionMetadata::find(&top).unwrap().unwrap();
        assert_eq!(found.mode.as_deref(), Some("aes-gcm+kms"));
        assert!(matches!(&found.recipients[0], Recipient::Age { key_id: Some(id), .. } if id == "a"));
        assert!(matches!(&found.recipients[1], Recipient::Kms { algorithm: Some(name), .. } if name.len() == 17));
        assert_eq!(EncryptionMetadata::find(&json!({"predicate": top})), Ok(Some(found.clone())));
        let mut both = json!({"predicate": top, "environment": {"encryption": encryption}});
        assert_eq!(EncryptionMetadata::find(&both), Ok(Some(found)));
        both["environment"]["encryption"]["mode"] = json!("age");
        assert!(EncryptionMetadata::find(&both).unwrap_err().contains("differ"));
        for none in [json!({}), json!({"environment": {"encryption": null}}), json!([])] {
            assert_eq!(EncryptionMetadata::find(&none), Ok(None));
        }
    }

    #[test]
    fn recipients_that_are_neither_or_both_are_refused() {
        let refused = |recipient: Value| {
            let text = json!({"environment": {"encryption": {"recipients": [recipient]}}});
            EncryptionMetadata::find(&text).unwrap_err()
        };
        assert!(refused(json!({"keyId": "a"})).contains("neither recipient nor kmsKeyId"));
        assert!(refused(json!({"recipient": "a", "kmsKeyId": "b", "wrappedKey": ""})).contains("both recipient and"));
        assert!(refused(json!({"recipient": "age1"})).contains("without wrappedKey"));
        assert!(refused(json!("x".repeat(5000))).len() < 200);
        assert!(EncryptionMetadata::find(&json!({"environment": {"encryption": {}}})).is_err());
    }

    #[test]
    fn additional_data_and_nonces_are_where_the_metadata_says_or_refused() {
        let mut stated = metadata(&json!([]));
        assert_eq!(stated.aad("run-7", "data/x").unwrap(), b"run-7:data/x");
        assert_eq!(stated.nonce_place(), Ok(NoncePlace::Unstated));
        stated.aad_format = Some(AAD_FORMAT.into());
        stated.nonce_format = Some("prefix".into());
        assert_eq!(stated.aad("run-7", "data/x").unwrap(), b"run-7:data/x");
        assert_eq!(stated.nonce_place(), Ok(NoncePlace::Prefix));
        stated.aad_format = Some("{relativePath}".into());
        stated.nonce_format = Some("suffix".into());
        assert!(stated.aad("run-7", "data/x").unwrap_err().contains("found \"{relativePath}\""));
        assert!(stated.nonce_place().unwrap_err().contains("found \"suffix\""));
    }

    #[test]
    fn the_key_is_unwrapped_by_whatever_recipient_fits() {
        for wrapped in [BINARY, TWO, ARMORED, &format!("{BINARY}\n")] {
            let stated = metadata(&json!([age(STRANGER_PUBLIC, "!"), age(OURS_PUBLIC, wrapped)]));
            assert_eq!(stated.unlock(&identities(OURS)).unwrap().1, OURS_PUBLIC);
            assert!(stated.has_age_recipient());
        }
        // A recipient that is stated wrongly does not keep the key from being found.
        let misnamed = metadata(&json!([{"kmsKeyId": "k"}, age(STRANGER_PUBLIC, BINARY)]));
        assert_eq!(misnamed.unlock(&identities(OURS)).unwrap().1, STRANGER_PUBLIC);
    }

    #[test]
    fn what_keeps_the_key_from_being_unwrapped_is_told_apart() {
        let stranger = metadata(&json!([age(OURS_PUBLIC, BINARY)])).unlock(&identities(STRANGER)).unwrap_err();
        assert_eq!(
            stranger,
            Locked::Stranger { given: STRANGER_PUBLIC.into(), stated: format!("{OURS_PUBLIC:?}") },
            "{stranger}"
        );
        assert_eq!(reason(&json!([])), Locked::NoRecipient);
        let services: Vec<Value> = (0..6).map(|number| json!({"kmsKeyId": format!("k{number}")})).collect();
        let keys = "\"k0\", \"k1\", \"k2\", \"k3\" and 2 more".to_owned();
        assert_eq!(reason(&json!(services)), Locked::ServiceOnly { keys });
        let recipient = OURS_PUBLIC.to_owned();
        assert_eq!(reason(&json!([age(OURS_PUBLIC, "%")])), Locked::NotBase64 { recipient: recipient.clone() });
        let refused = |error| Locked::Refused { recipient: recipient.clone(), error };
        assert_eq!(reason(&json!([age(OURS_PUBLIC, SCRYPT)])), refused(UnwrapError::PassPhrase));
        // A stanza that was altered: the recipient is ours and nothing opens.
        let mut other = STANDARD.decode(BINARY).unwrap();
        other[90] = if other[90] == b'A' { b'B' } else { b'A' };
        let other = STANDARD.encode(other);
        let altered = reason(&json!([age(STRANGER_PUBLIC, BINARY.get(..20).unwrap()), age(OURS_PUBLIC, &other)]));
        assert_eq!(altered, refused(UnwrapError::NoMatch { identities: 1 }));
        let many: Vec<Value> = (0..=MAX_RECIPIENTS).map(|_| age(OURS_PUBLIC, BINARY)).collect();
        assert_eq!(reason(&json!(many)), Locked::TooMany { found: MAX_RECIPIENTS + 1 });
    }
}
