//! The TOML of a trust policy as it is written: every member with its place, unknown members refused.

use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// A table of values by `default` or by glob over kinds.
pub(super) type Table<T> = BTreeMap<Spanned<String>, Spanned<T>>;

/// What every version of the file has.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub(super) version: Spanned<i64>,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[expect(dead_code, reason = "judged as part of the head; it is here because every other member is refused")]
    pub(super) version: Spanned<i64>,
    pub(super) key: Option<Spanned<Vec<Spanned<Key>>>>,
    pub(super) secret: Option<Spanned<Vec<Spanned<Secret>>>>,
    pub(super) log: Option<Spanned<Vec<Spanned<Log>>>>,
    pub(super) threshold: Option<Spanned<Table<i64>>>,
    pub(super) require: Option<Spanned<Table<Vec<Spanned<String>>>>>,
    pub(super) max_age: Option<Spanned<Table<String>>>,
    pub(super) waiver: Option<Spanned<Vec<Spanned<Waiver>>>>,
    pub(super) revocations: Option<Spanned<Vec<Spanned<Revocations>>>>,
}

/// `[[revocations]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revocations {
    pub(super) file: Spanned<String>,
    pub(super) signature: Option<Spanned<String>>,
    pub(super) key: Spanned<String>,
    pub(super) min_sequence: Option<Spanned<i64>>,
    pub(super) max_age: Option<Spanned<String>>,
}

/// `[[key]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) name: Spanned<String>,
    pub(super) file: Option<Spanned<String>>,
    pub(super) fingerprint: Option<Spanned<String>>,
    pub(super) kinds: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) documents: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) schemes: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) valid_from: Option<Spanned<Moment>>,
    pub(super) valid_until: Option<Spanned<Moment>>,
    pub(super) revoked: Option<Spanned<bool>>,
    pub(super) reason: Option<Spanned<String>>,
}

/// `[[secret]]`: a key without fingerprint and schemes, for there is one scheme and the secret itself has to be here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    pub(super) name: Spanned<String>,
    pub(super) file: Spanned<String>,
    pub(super) kinds: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) documents: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) valid_from: Option<Spanned<Moment>>,
    pub(super) valid_until: Option<Spanned<Moment>>,
    pub(super) revoked: Option<Spanned<bool>>,
    pub(super) reason: Option<Spanned<String>>,
}

impl From<Secret> for Key {
    fn from(secret: Secret) -> Key {
        Key {
            name: secret.name,
            file: Some(secret.file),
            fingerprint: None,
            kinds: secret.kinds,
            documents: secret.documents,
            schemes: None,
            valid_from: secret.valid_from,
            valid_until: secret.valid_until,
            revoked: secret.revoked,
            reason: secret.reason,
        }
    }
}

/// `[[log]]`: a transparency log and its key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) name: Spanned<String>,
    pub(super) file: Spanned<String>,
    pub(super) origin: Option<Spanned<String>>,
}

/// `[[waiver]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Waiver {
    pub(super) allow_extra: Option<Spanned<String>>,
    pub(super) legacy_signing: Option<Spanned<String>>,
    pub(super) example_keys: Option<Spanned<bool>>,
    pub(super) kinds: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) reason: Spanned<String>,
}

/// A time as text or as TOML writes times.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Moment {
    Text(String),
    Native(toml::value::Datetime),
}

impl Moment {
    pub(super) fn text(&self) -> String {
        match self {
            Moment::Text(text) => text.clone(),
            Moment::Native(time) => time.to_string(),
        }
    }
}
