//! In-toto statements (in-toto attestation framework, Statement v0.1 and v1): which artifacts a signed document is about,
//! and what kind of statement it makes of them.
//!
//! | attack | answer |
//! | --- | --- |
//! | members given twice, in one spelling or in two | refused for the members that have a meaning here |
//! | a million subjects | [`MAX_SUBJECTS`], and the size of the text, before anything is kept |
//! | `SHA256` beside `sha256`, upper-case hex, a digest cut short | refused: one digest, one spelling |
//! | a subject with SHA-1 or MD5 only | read, and named; it pins nothing |
//! | text that is no statement under the payload type of one | refused: whoever asked for a statement has found none |
//!
//! Nothing is verified here. What a predicate says is told and decides nothing.

mod predicate;

use super::digest::{Digest, Sha256Bytes, Sha512Bytes, unhex};
use super::json::{self, JsonError};
use super::revocation::fields::{Members, members, type_of};
use serde_json::value::RawValue;
use std::borrow::Cow;

pub use predicate::{facts as predicate_facts, name as predicate_name};

/// The payload type of envelopes around statements.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Subjects of one statement: an image index of all platforms has a dozen, a release of single files some thousands.
pub const MAX_SUBJECTS: usize = 65_536;

/// Bytes of a predicate type and of a subject's name.
pub const MAX_TEXT: usize = 4096;

/// Digests of one subject.
pub const MAX_DIGESTS: usize = 16;

/// Statement versions.
const VERSIONS: [(&str, Version); 2] =
    [("https://in-toto.io/Statement/v0.1", Version::V0_1), ("https://in-toto.io/Statement/v1", Version::V1)];

/// Algorithms whose values are hex digits, with how many. What is not here is read past.
const ALGORITHMS: [(&str, usize); 13] = [
    ("md5", 32),
    ("sha1", 40),
    ("sha224", 56),
    ("sha256", 64),
    ("sha384", 96),
    ("sha512", 128),
    ("sha512_224", 56),
    ("sha512_256", 64),
    ("sha3_224", 56),
    ("sha3_256", 64),
    ("sha3_384", 96),
    ("sha3_512", 128),
    ("blake3", 64),
];

/// Why a text is no statement.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
pub enum StatementError {
    /// Not strict JSON, or too large.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A member is absent, of another type, or says something that it must not: expected and found.
    #[error("{0}")]
    Member(String),
    /// See [`MAX_SUBJECTS`].
    #[error("too many subjects: expected at most {MAX_SUBJECTS}, found {0}")]
    TooManySubjects(usize),
}

/// The version that `_type` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `https://in-toto.io/Statement/v0.1`: every subject has a name.
    V0_1,
    /// `https://in-toto.io/Statement/v1`.
    V1,
}

impl Version {
    /// The version in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Version::V0_1 => "v0.1",
            Version::V1 => "v1",
        }
    }
}

/// An artifact that a statement is about. All of it is untrusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// Its name, empty where there is none.
    pub name: String,
    /// SHA-256.
    pub sha256: Option<Sha256Bytes>,
    /// SHA-512.
    pub sha512: Option<Box<Sha512Bytes>>,
    /// Names of other digests that are stated: none of them pins anything.
    pub others: Vec<String>,
}

impl Subject {
    /// The digests that can be compared.
    pub fn digests(&self) -> impl Iterator<Item = Digest> {
        let sha512 = self.sha512.as_deref().copied().map(Digest::Sha512);
        self.sha256.map(Digest::Sha256).into_iter().chain(sha512)
    }

    /// Its name and digests, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut words: Vec<String> = self.digests().map(|digest| digest.prefixed()).collect();
        if words.is_empty() {
            let only = if self.others.is_empty() { "no digest".into() } else { self.others.join(", ") };
            words.push(format!("{only}, which pins nothing"));
        }
        let name = if self.name.is_empty() { "(unnamed)" } else { &self.name };
        format!("{name} ({})", words.join(", "))
    }
}

/// A statement. All of it is untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Which version of the form.
    pub version: Version,
    /// What kind of statement it is: a URI, or the name that a producer made up.
    pub predicate_type: String,
    /// What it is about; at least one.
    pub subjects: Vec<Subject>,
    /// Whether `subject` is one object in place of a list of them.
    pub single: bool,
    /// What the predicate says, as far as its type is known: name and value.
    pub claims: Vec<(&'static str, String)>,
}

/// Reads `untrusted`, the payload of an envelope.
///
/// # Errors
/// [`StatementError`] for what is no statement of version 0.1 or 1. Members that have no meaning here are read past.
pub fn parse(untrusted: &[u8]) -> Result<Statement, StatementError> {
    // Predicates hold names of variables and files, whose keys may differ by case only; ours may not, see `look_alike`.
    let text = json::check_exact_within(untrusted, json::ROWS)?;
    let found = object(text, "the statement", &["_type", "predicateType", "subject", "predicate"])?;
    let version = version(&found)?;
    let predicate_type = required_text(&found, "predicateType", "the statement")?.into_owned();
    if predicate_type.is_empty() || predicate_type.len() > MAX_TEXT {
        let length = predicate_type.len();
        return Err(wrong(format!("predicateType: expected 1 to {MAX_TEXT} bytes, found {length}")));
    }
    let (subjects, single) = subjects(&found, version)?;
    let claims = match get(&found, "predicate") {
        Some(raw) if raw.get().starts_with('{') => predicate::facts(&predicate_type, raw),
        Some(raw) if raw.get() == "null" => Vec::new(),
        Some(raw) => return Err(wrong(format!("predicate: expected an object, found {}", type_of(raw)))),
        None => Vec::new(),
    };
    Ok(Statement { version, predicate_type, subjects, single, claims })
}

/// Whether `untrusted` is metadata of in-toto before there were statements, which shares their payload type: `link` or `layout`.
pub fn older_metadata(untrusted: &[u8]) -> Option<&'static str> {
    let text = json::check_exact_within(untrusted, json::ROWS).ok()?;
    let stated = required_text(&object(text, "the metadata", &["_type"]).ok()?, "_type", "the metadata").ok()?;
    ["link", "layout"].into_iter().find(|kind| *kind == stated)
}

fn version(found: &Members<'_>) -> Result<Version, StatementError> {
    let stated = required_text(found, "_type", "the statement")?;
    let known = VERSIONS.iter().find(|(uri, _)| *uri == stated).map(|(_, version)| *version);
    known.ok_or_else(|| {
        let [(first, _), (second, _)] = VERSIONS;
        wrong(format!("_type: expected {first} or {second}, found {}", json::quoted(&stated)))
    })
}

fn subjects(found: &Members<'_>, version: Version) -> Result<(Vec<Subject>, bool), StatementError> {
    let raw = get(found, "subject").ok_or_else(|| wrong("the statement has no subject: it is about nothing".into()))?;
    // One paper of the Offline Kit shows an object in place of the list.
    let single = raw.get().starts_with('{');
    let items: Vec<&RawValue> = if single {
        vec![raw]
    } else {
        serde_json::from_str(raw.get())
            .map_err(|_| wrong(format!("subject: expected a list of objects, found {}", type_of(raw))))?
    };
    if items.is_empty() {
        return Err(wrong("subject is empty: the statement is about nothing".into()));
    }
    if items.len() > MAX_SUBJECTS {
        return Err(StatementError::TooManySubjects(items.len()));
    }
    let read = |(index, raw): (usize, &&RawValue)| subject(index, raw, version);
    Ok((items.iter().enumerate().map(read).collect::<Result<_, _>>()?, single))
}

fn subject(index: usize, raw: &RawValue, version: Version) -> Result<Subject, StatementError> {
    let place = format!("subject {index}");
    let found = object(raw.get(), &place, &["name", "digest"])?;
    let name = match get(&found, "name") {
        Some(raw) => text(raw, &format!("name of {place}"))?.into_owned(),
        None if version == Version::V0_1 => {
            return Err(wrong(format!("{place} has no name, which {} demands", version.name())));
        }
        None => String::new(),
    };
    if name.len() > MAX_TEXT {
        return Err(wrong(format!("name of {place}: expected at most {MAX_TEXT} bytes, found {}", name.len())));
    }
    let raw = get(&found, "digest").ok_or_else(|| wrong(format!("{place} has no digest")))?;
    let known: Vec<&str> = ALGORITHMS.iter().map(|(name, _)| *name).collect();
    let digests = object(raw.get(), &format!("digest of {place}"), &known)?;
    if digests.is_empty() || digests.len() > MAX_DIGESTS {
        return Err(wrong(format!("digest of {place}: expected 1 to {MAX_DIGESTS} members, found {}", digests.len())));
    }
    let mut subject = Subject { name, ..Subject::default() };
    for (algorithm, raw) in &digests {
        let value = text(raw, &format!("{} of {place}", json::quoted(algorithm)))?;
        add_digest(&mut subject, algorithm, &value, &place)?;
    }
    Ok(subject)
}

fn add_digest(subject: &mut Subject, algorithm: &str, value: &str, place: &str) -> Result<(), StatementError> {
    if let Some((_, length)) = ALGORITHMS.iter().find(|(known, _)| *known == algorithm) {
        let is_hex = value.len() == *length && value.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex {
            let found = json::quoted(value);
            return Err(wrong(format!(
                "{algorithm} of {place}: expected {length} lower-case hex digits, found {found}"
            )));
        }
    }
    let bytes = || unhex(value).unwrap_or_default();
    match algorithm {
        "sha256" => subject.sha256 = bytes().try_into().ok(),
        "sha512" => subject.sha512 = <Sha512Bytes>::try_from(bytes()).ok().map(Box::new),
        other => subject.others.push(json::quoted(other)),
    }
    Ok(())
}

/// The members of the object `text`, none of which looks like one of `known` without being it.
fn object<'a>(text: &'a str, place: &str, known: &[&str]) -> Result<Members<'a>, StatementError> {
    let found = members(text).ok_or_else(|| wrong(format!("{place}: expected an object")))?;
    let look_alike = |name: &str| known.iter().find(|known| name != **known && json::clashes(name, known)).copied();
    match found.iter().find_map(|(name, _)| Some((name, look_alike(name)?))) {
        Some((name, known)) => Err(wrong(format!(
            "{place}: expected {known}, found {}, which some readers take for it",
            json::quoted(name)
        ))),
        None => Ok(found),
    }
}

fn get<'a>(found: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    found.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw)
}

fn required_text<'a>(found: &Members<'a>, name: &str, place: &str) -> Result<Cow<'a, str>, StatementError> {
    let raw = get(found, name).ok_or_else(|| wrong(format!("{place} has no {name}")))?;
    text(raw, name)
}

fn text<'a>(raw: &'a RawValue, place: &str) -> Result<Cow<'a, str>, StatementError> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let read = serde_json::from_str::<Text<'a>>(raw.get());
    read.map(|Text(text)| text).map_err(|_| wrong(format!("{place}: expected a text, found {}", type_of(raw))))
}

fn wrong(message: String) -> StatementError {
    StatementError::Member(message)
}

#[cfg(test)]
#[path = "intoto_tests.rs"]
mod tests;
