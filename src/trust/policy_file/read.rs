//! From the text of a policy file to keys and rules; everything that a policy must not say is refused here.

use super::raw::{self, Table};
use super::revocations::{HonouredList, MAX_LISTS};
use super::{MAX_POLICY_BYTES, NamedKey, NamedLog, NamedSecret, PolicyFileError, ReadKey, TrustFile};
use crate::format::time::{self, Time};
use crate::trust::key::{self, MAX_FILE_BYTES};
use crate::trust::key_error::quote;
use crate::trust::policy::{LegacySigning, Property};
use crate::trust::rekor::LogKey;
use crate::trust::rules::{ByKind, PolicyRecord, Rules, Waived, Waiver};
use crate::trust::signature::{Scheme, SchemeSet, SecretKey};
use crate::trust::terms::{self, Terms};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use toml::Spanned;

/// The version of the form that is read.
const VERSION: i64 = 1;
/// Longest name of a key, and longest reason, in characters.
const MAX_NAME: usize = 64;
const MAX_REASON: usize = 400;

pub(super) type Outcome<T> = Result<T, PolicyFileError>;

/// A policy file that is being read.
pub(super) struct Reader<'a> {
    text: &'a str,
    pub(super) kinds: &'a [&'a str],
}

impl<'a> Reader<'a> {
    pub(super) fn new(untrusted: &'a [u8], kinds: &'a [&'a str]) -> Outcome<Self> {
        let whole = |line, message: String| PolicyFileError { line, field: "the file".into(), message };
        if untrusted.len() > MAX_POLICY_BYTES {
            return Err(whole(1, format!("expected at most {MAX_POLICY_BYTES} bytes, found {}", untrusted.len())));
        }
        let text = std::str::from_utf8(untrusted).map_err(|error| {
            let before = untrusted.get(..error.valid_up_to()).unwrap_or_default();
            whole(1 + newlines(before), "expected UTF-8, found other bytes".into())
        })?;
        Ok(Reader { text, kinds })
    }

    /// The file, from its text and the key files that it names.
    pub(super) fn file(&self, record: PolicyRecord, read_key: &mut ReadKey<'_>) -> Outcome<TrustFile> {
        let file = self.parse()?;
        let mut keys = Vec::new();
        for written in self.list(file.key, "key")? {
            keys.push(self.key(written, read_key)?);
        }
        let mut secrets = Vec::new();
        for written in self.list(file.secret, "secret")? {
            secrets.push(self.secret(written, read_key)?);
        }
        let mut logs: Vec<NamedLog> = Vec::new();
        for written in self.list(file.log, "log")? {
            logs.push(self.log(written.into_inner(), &logs, read_key)?);
        }
        let threshold = self.table(file.threshold, "threshold", |n, at| self.count(*n, at))?;
        let require = self.table(file.require, "require", |words, at| self.properties(words, at))?;
        let max_age = self.table(file.max_age, "max_age", |text, at| {
            time::parse_duration(text).map_err(|why| self.error(at, "max_age", why))
        })?;
        let mut waivers = Vec::new();
        for written in self.list(file.waiver, "waiver")? {
            waivers.push(self.waiver(written)?);
        }
        let mut revocations = Vec::new();
        for written in self.list(file.revocations, "revocations")? {
            if revocations.len() >= MAX_LISTS {
                let message = format!("expected at most {MAX_LISTS} lists, found more");
                return Err(self.error(written.span().start, "revocations", message));
            }
            revocations.push(self.revocations(written, &keys, read_key)?);
        }
        let record = PolicyRecord { revocations: revocations.iter().map(HonouredList::record).collect(), ..record };
        let found = TrustFile {
            keys,
            secrets,
            logs,
            revocations,
            rules: Rules {
                file: record,
                threshold: threshold.values,
                require: require.values,
                max_age: max_age.values,
                waivers: waivers.iter().map(|(waiver, _)| waiver.clone()).collect(),
            },
        };
        self.consistent(&found, &threshold.lines, &waivers)?;
        Ok(found)
    }

    fn parse(&self) -> Outcome<raw::File> {
        // Of another version every other member may mean something else, so that is told first.
        if let Ok(raw::Head { version }) = toml::from_str(self.text)
            && *version.get_ref() != VERSION
        {
            let message = format!("expected {VERSION}, found {}; this program reads no other", version.get_ref());
            return Err(self.error(version.span().start, "version", message));
        }
        toml::from_str(self.text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let of_field = ["unknown field", "missing field"].iter().any(|what| error.message().starts_with(what));
            let field = if of_field { error.message().split('`').nth(1) } else { None };
            let field = field.unwrap_or_else(|| self.field_at(start)).to_string();
            let message = match field.as_str() {
                "example_keys" if of_field => "write [[waiver]] with example_keys = true and a reason".into(),
                _ => error.message().replace('\n', " "),
            };
            self.error(start, &field, message)
        })
    }

    /// What stands before the equals sign of the line, or its heading.
    fn field_at(&self, at: usize) -> &str {
        let line = self.text.lines().nth(self.line(at) - 1).unwrap_or_default();
        let field = line.split('=').next().unwrap_or_default().trim();
        if field.is_empty() { "the file" } else { field }
    }

    pub(super) fn error(&self, at: usize, field: &str, message: impl Into<String>) -> PolicyFileError {
        PolicyFileError { line: self.line(at), field: field.into(), message: message.into() }
    }

    pub(super) fn line(&self, at: usize) -> usize {
        1 + newlines(self.text.as_bytes().get(..at).unwrap_or_default())
    }

    /// A list that, where it is written at all, holds something.
    fn list<T>(&self, written: Option<Spanned<Vec<T>>>, field: &str) -> Outcome<Vec<T>> {
        let Some(written) = written else { return Ok(Vec::new()) };
        if written.get_ref().is_empty() {
            let message = "expected a list of one or more, found an empty one; leave it out";
            return Err(self.error(written.span().start, field, message));
        }
        Ok(written.into_inner())
    }

    fn key(&self, written: Spanned<raw::Key>, read_key: &mut ReadKey<'_>) -> Outcome<NamedKey> {
        let (start, written) = (written.span().start, written.into_inner());
        let (terms, line) = (self.terms("key", &written)?, self.line(written.name.span().start));
        let stated = written.fingerprint.as_ref().map(|text| self.fingerprint(text)).transpose()?;
        let (fingerprint, material) = match (written.file, stated) {
            (None, None) => {
                let message = "expected a file, a fingerprint or both, found neither";
                return Err(self.error(start, "key.file", message));
            }
            (None, Some(stated)) => (stated, None),
            (Some(file), stated) => {
                let fail = |field: &str, why: String| self.error(file.span().start, field, why);
                let bytes = read_key(file.get_ref(), MAX_FILE_BYTES).map_err(|why| fail("key.file", why))?;
                let parsed = key::parse(&bytes).map_err(|why| fail("key.file", why.to_string()))?;
                let count = parsed.len();
                let chosen = match &stated {
                    Some(stated) => parsed.into_iter().find(|key| key.fingerprint() == stated).ok_or_else(|| {
                        let at = written.fingerprint.as_ref().map_or(start, |text| text.span().start);
                        let message = format!("expected it to be of the key in the file, found {count} other");
                        self.error(at, "key.fingerprint", message)
                    }),
                    None if count > 1 => {
                        let message =
                            format!("expected one key, found {count}; fingerprint says which of them is meant");
                        Err(fail("key.file", message))
                    }
                    None => {
                        parsed.into_iter().next().ok_or_else(|| fail("key.file", "expected a key, found none".into()))
                    }
                }?;
                (chosen.fingerprint().to_string(), Some(chosen))
            }
        };
        if let (Some(key), Some(schemes)) = (&material, terms.schemes) {
            let unfit = schemes.iter().find(|scheme| !scheme.fits(key.kind()));
            if let Some(scheme) = unfit {
                let message = format!("expected schemes of a key of type {}, found {scheme}", key.kind());
                return Err(self.error(
                    written.schemes.map_or(start, |list| list.span().start),
                    "key.schemes",
                    message,
                ));
            }
        }
        Ok(NamedKey { terms, line, fingerprint, material })
    }

    fn secret(&self, written: Spanned<raw::Secret>, read_key: &mut ReadKey<'_>) -> Outcome<NamedSecret> {
        let written: raw::Key = written.into_inner().into();
        let (terms, line) = (self.terms("secret", &written)?, self.line(written.name.span().start));
        let (at, path) = written.file.map_or((0, String::new()), |file| (file.span().start, file.into_inner()));
        let fail = |why: String| self.error(at, "secret.file", why);
        let bytes = read_key(&path, MAX_FILE_BYTES).map_err(fail)?;
        let material = SecretKey::from_bytes(&bytes).map_err(|why| fail(why.to_string()))?;
        Ok(NamedSecret { terms, line, material })
    }

    /// A log: one key, and the origin that its checkpoints must have.
    fn log(&self, written: raw::Log, known: &[NamedLog], read_key: &mut ReadKey<'_>) -> Outcome<NamedLog> {
        let (line, at) = (self.line(written.name.span().start), written.file.span().start);
        let name = self.name("log", &written.name)?;
        let fail = |why: String| self.error(at, "log.file", why);
        let bytes = read_key(written.file.get_ref(), MAX_FILE_BYTES).map_err(fail)?;
        let mut keys = LogKey::parse(&bytes).map_err(fail)?;
        let log = keys.pop().filter(|_| keys.is_empty());
        let mut log = log.ok_or_else(|| fail("expected one key, found several; write a [[log]] for each".into()))?;
        if let Some(origin) = &written.origin {
            let text = origin.get_ref();
            let plain = !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
            if !plain || log.origin.as_ref().is_some_and(|stated| stated != text) {
                let message =
                    "expected the first line of the log's checkpoints, which is also the name in its key line";
                return Err(self.error(origin.span().start, "log.origin", message));
            }
            log.origin = Some(text.clone());
        }
        if let Some(other) =
            known.iter().find(|other| other.log.name.as_deref() == Some(&name) || other.log.key == log.key)
        {
            let message = format!("expected each log and each key once, found that of line {} again", other.line);
            return Err(self.error(written.name.span().start, "log.name", message));
        }
        log.name = Some(name);
        Ok(NamedLog { line, log })
    }

    fn name(&self, of: &str, written: &Spanned<String>) -> Outcome<String> {
        let name = written.get_ref();
        let plain = |c: char| c.is_alphanumeric() || " ._@+-/()".contains(c);
        if name.is_empty() || name.trim() != name || name.chars().count() > MAX_NAME || !name.chars().all(plain) {
            let message =
                format!("expected 1 to {MAX_NAME} letters, digits, inner spaces and ._@+-/(), found {}", quote(name));
            return Err(self.error(written.span().start, &format!("{of}.name"), message));
        }
        Ok(name.clone())
    }

    fn terms(&self, of: &str, written: &raw::Key) -> Outcome<Terms> {
        let field = |name: &str| format!("{of}.{name}");
        let name = self.name(of, &written.name)?;
        let terms = Terms {
            name,
            kinds: self.kind_globs(written.kinds.as_ref(), &field("kinds"))?,
            documents: self.globs(written.documents.as_ref(), &field("documents"))?,
            schemes: self.schemes(written.schemes.as_ref(), &field("schemes"))?,
            valid_from: self.time(written.valid_from.as_ref(), &field("valid_from"))?,
            valid_until: self.time(written.valid_until.as_ref(), &field("valid_until"))?,
            revoked: self.revocation(of, written)?,
        };
        match (terms.valid_from, terms.valid_until, &written.valid_until) {
            (Some(from), Some(until), Some(place)) if until <= from => {
                let message = "expected a time after valid_from; the key would never count";
                Err(self.error(place.span().start, &field("valid_until"), message))
            }
            _ => Ok(terms),
        }
    }

    fn revocation(&self, of: &str, written: &raw::Key) -> Outcome<Option<String>> {
        let revoked = written.revoked.as_ref().filter(|revoked| *revoked.get_ref());
        match (revoked, &written.reason) {
            (Some(_), Some(reason)) => self.reason(reason, &format!("{of}.reason")).map(Some),
            (Some(revoked), None) => {
                let message = "expected a reason beside revoked = true, which reports repeat; found none";
                Err(self.error(revoked.span().start, &format!("{of}.reason"), message))
            }
            (None, Some(reason)) => {
                let message = "expected a reason beside revoked = true only";
                Err(self.error(reason.span().start, &format!("{of}.reason"), message))
            }
            (None, None) => Ok(None),
        }
    }

    fn reason(&self, written: &Spanned<String>, field: &str) -> Outcome<String> {
        let reason = written.get_ref().trim();
        if reason.is_empty() || reason.chars().count() > MAX_REASON || reason.chars().any(char::is_control) {
            let message = format!("expected one line of 1 to {MAX_REASON} characters, found {}", quote(reason));
            return Err(self.error(written.span().start, field, message));
        }
        Ok(reason.to_string())
    }

    fn fingerprint(&self, written: &Spanned<String>) -> Outcome<String> {
        let text = written.get_ref();
        let is_hex = |hex: &str| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if text.strip_prefix("sha256:").is_some_and(is_hex) {
            return Ok(text.clone());
        }
        let message = format!(
            "expected sha256: and 64 lower-case hex digits, as `portcullis key show` prints them, found {}",
            quote(text)
        );
        Err(self.error(written.span().start, "key.fingerprint", message))
    }

    fn schemes(&self, written: Option<&Spanned<Vec<Spanned<String>>>>, field: &str) -> Outcome<Option<SchemeSet>> {
        let scheme = |name: &Spanned<String>| {
            Scheme::from_name(name.get_ref()).filter(|scheme| *scheme != Scheme::HmacSha256).ok_or_else(|| {
                let known = Scheme::ALL.into_iter().filter(|scheme| *scheme != Scheme::HmacSha256);
                let known: SchemeSet = known.collect();
                self.error(
                    name.span().start,
                    field,
                    format!("expected one of {known}, found {}", quote(name.get_ref())),
                )
            })
        };
        let Some(names) = written else { return Ok(None) };
        self.filled(names, field)?.iter().map(scheme).collect::<Outcome<SchemeSet>>().map(Some)
    }

    fn filled<'w>(&self, written: &'w Spanned<Vec<Spanned<String>>>, field: &str) -> Outcome<&'w [Spanned<String>]> {
        if written.get_ref().is_empty() {
            let message =
                "expected a list of one or more, found an empty one, which would allow nothing; leave it out for all";
            return Err(self.error(written.span().start, field, message));
        }
        Ok(written.get_ref())
    }

    fn globs(&self, written: Option<&Spanned<Vec<Spanned<String>>>>, field: &str) -> Outcome<Option<Vec<String>>> {
        let Some(list) = written else { return Ok(None) };
        let glob = |text: &Spanned<String>| {
            terms::glob(text.get_ref()).map_err(|why| self.error(text.span().start, field, why))
        };
        self.filled(list, field)?.iter().map(glob).collect::<Outcome<Vec<String>>>().map(Some)
    }

    fn kind_globs(&self, written: Option<&Spanned<Vec<Spanned<String>>>>, field: &str) -> Outcome<Option<Vec<String>>> {
        for text in written.iter().flat_map(|list| list.get_ref()) {
            self.kind_glob(text, field)?;
        }
        self.globs(written, field)
    }

    /// A glob that fits a kind that there is.
    fn kind_glob(&self, text: &Spanned<String>, field: &str) -> Outcome<String> {
        let glob = terms::glob(text.get_ref()).map_err(|why| self.error(text.span().start, field, why))?;
        if self.matching(&glob).next().is_none() {
            let message = format!(
                "expected a glob that fits a kind, found {}; kinds are {}",
                quote(&glob),
                self.kinds.join(", ")
            );
            return Err(self.error(text.span().start, field, message));
        }
        Ok(glob)
    }

    /// The kinds that a glob fits.
    pub(super) fn matching(&self, glob: &str) -> impl Iterator<Item = &'a str> {
        let matches = move |kind: &&str| fast_glob::glob_match(glob.as_bytes(), kind.as_bytes());
        self.kinds.iter().copied().filter(matches)
    }

    fn time(&self, written: Option<&Spanned<raw::Moment>>, field: &str) -> Outcome<Option<Time>> {
        let parse = |text: &Spanned<raw::Moment>| {
            time::parse_rfc3339(&text.get_ref().text()).map_err(|why| self.error(text.span().start, field, why))
        };
        written.map(parse).transpose()
    }

    fn table<T, U>(
        &self,
        written: Option<Spanned<Table<T>>>,
        field: &str,
        value: impl Fn(&T, usize) -> Outcome<U>,
    ) -> Outcome<Lined<U>> {
        let mut found = Lined { values: ByKind::default(), lines: BTreeMap::new() };
        let Some(written) = written else { return Ok(found) };
        if written.get_ref().is_empty() {
            let message = "expected `default` or globs over kinds, found an empty table; leave it out";
            return Err(self.error(written.span().start, field, message));
        }
        for (glob, text) in written.get_ref() {
            let value = value(text.get_ref(), text.span().start)?;
            if glob.get_ref() == "default" {
                found.values.default = Some(value);
            } else {
                found.values.kinds.push((self.kind_glob(glob, field)?, value));
            }
            found.lines.insert(glob.get_ref().clone(), glob.span().start);
        }
        Ok(found)
    }

    fn count(&self, number: i64, at: usize) -> Outcome<NonZeroUsize> {
        usize::try_from(number)
            .ok()
            .and_then(NonZeroUsize::new)
            .ok_or_else(|| self.error(at, "threshold", format!("expected a number of keys from 1 on, found {number}")))
    }

    fn properties(&self, words: &[Spanned<String>], at: usize) -> Outcome<Vec<Property>> {
        if words.is_empty() {
            let message = "expected a list of one or more properties, found an empty one; leave it out";
            return Err(self.error(at, "require", message));
        }
        let known = || Property::ALL.map(Property::name).join(", ");
        let property = |word: &Spanned<String>| {
            let unknown = || format!("expected one of {}, found {}", known(), quote(word.get_ref()));
            Property::from_name(word.get_ref()).ok_or_else(|| self.error(word.span().start, "require", unknown()))
        };
        words.iter().map(property).collect()
    }

    /// A waiver, and where it stands.
    fn waiver(&self, written: Spanned<raw::Waiver>) -> Outcome<(Waiver, usize)> {
        let (start, written) = (written.span().start, written.into_inner());
        let what = match (&written.allow_extra, &written.legacy_signing, &written.example_keys) {
            (Some(glob), None, None) => {
                let fail = |why| self.error(glob.span().start, "waiver.allow_extra", why);
                Waived::Extra(terms::glob(glob.get_ref()).map_err(fail)?)
            }
            (None, Some(mode), None) => {
                let known = [LegacySigning::RawPayload, LegacySigning::Base64urlPayload];
                let found = known.into_iter().find(|known| known.name() == mode.get_ref());
                Waived::Legacy(found.ok_or_else(|| {
                    let message = format!("expected raw-payload or base64url-payload, found {}", quote(mode.get_ref()));
                    self.error(mode.span().start, "waiver.legacy_signing", message)
                })?)
            }
            (None, None, Some(allowed)) if *allowed.get_ref() && written.kinds.is_none() => Waived::ExampleKeys,
            (None, None, Some(allowed)) => {
                let message = "expected true, and no kinds beside it; leave the waiver out to waive nothing";
                return Err(self.error(allowed.span().start, "waiver.example_keys", message));
            }
            _ => {
                let message = "expected one of allow_extra, legacy_signing and example_keys";
                return Err(self.error(start, "waiver", message));
            }
        };
        let kinds = self.kind_globs(written.kinds.as_ref(), "waiver.kinds")?;
        Ok((
            Waiver { what, kinds, reason: self.reason(&written.reason, "waiver.reason")? },
            written.reason.span().start,
        ))
    }
}

/// Values by kind, and where each glob stands.
struct Lined<T> {
    values: ByKind<T>,
    lines: BTreeMap<String, usize>,
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}
