//! `[[revocations]]`: revocation lists that the policy honours. A list that cannot be relied on is no list, and a policy that
//! names one cannot be used: what it would have revoked is not known.

use super::raw;
use super::read::{Outcome, Reader};
use super::{NamedKey, PolicyFileError, ReadKey};
use crate::format::digest::{Sha256Bytes, sha256};
use crate::format::json;
use crate::format::jws;
use crate::format::revocation::{self as format, RevocationList};
use crate::format::time::{self, Time};
use crate::trust::check::Check;
use crate::trust::jws as signature;
use crate::trust::key_error::quote;
use crate::trust::policy::Policy;
use crate::trust::revocation;
use crate::trust::revoked::Revoked;
use crate::trust::rules::ListRecord;
use crate::trust::scheme::Scheme;
use crate::trust::terms::{Situation, Terms};
use toml::Spanned;

/// Most lists of one policy.
pub const MAX_LISTS: usize = 16;

/// The kind that a key has to be allowed to sign.
const KIND: &str = "revocation:bundle";

/// A revocation list of the policy: read, in order, and signed by the key that the policy names. Whether it is in force
/// depends on the clock, see [`HonouredList::refuse`].
#[derive(Debug)]
pub struct HonouredList {
    /// The file, as the policy names it.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Bytes,
    /// Line of the table.
    pub line: usize,
    /// Name of the key that signed it.
    pub key: String,
    /// What it says.
    pub list: RevocationList,
    /// What it takes away.
    pub(super) revoked: Revoked,
    /// The smallest sequence that is accepted.
    pub min_sequence: Option<u64>,
    /// The oldest age that is accepted, in seconds.
    pub max_age: Option<i64>,
    /// Terms of the key that signed it.
    terms: Terms,
    document: Vec<u8>,
}

impl HonouredList {
    /// What reports say of it.
    pub(super) fn record(&self) -> ListRecord {
        ListRecord {
            name: self.file.clone(),
            sha256: self.sha256,
            issuer: self.list.issuer.clone().unwrap_or_default(),
            sequence: self.list.sequence.unwrap_or_default(),
            count: self.list.revocations.len(),
        }
    }

    /// Why it cannot be relied on at the time `at`.
    ///
    /// # Errors
    /// Line and field, and a sentence.
    pub fn refuse(&self, at: Time) -> Result<(), PolicyFileError> {
        let fail = |field: &str, message: String| {
            let message = format!("{message}; what it revokes is not known, so the policy cannot be used");
            Err(PolicyFileError { line: self.line, field: format!("revocations.{field}"), message })
        };
        let situation =
            Situation { kind: Some(KIND), document: &self.document, scheme: Scheme::Ed25519, alias: None, at };
        // Its scheme was judged where the signature was.
        if let Some(why) = (Terms { schemes: None, ..self.terms.clone() }).refuse(&situation) {
            return fail("key", format!("{} was signed by {}; {why}", self.file, self.key));
        }
        let window = revocation::window(&self.list, self.file.as_bytes(), at);
        if window.failed() {
            return fail("file", format!("{}: {}", self.file, window.detail));
        }
        let age = self.list.issued_at.map_or(i64::MAX, |issued| time::age_seconds(issued, at));
        match self.max_age {
            Some(limit) if age > limit => {
                let (age, limit) = (time::describe_seconds(age), time::describe_seconds(limit));
                fail("max_age", format!("expected {} to be issued at most {limit} ago, found {age}", self.file))
            }
            _ => Ok(()),
        }
    }
}

impl Reader<'_> {
    /// Reads one table, its list and its signature.
    pub(super) fn revocations(
        &self,
        written: Spanned<raw::Revocations>,
        keys: &[NamedKey],
        read_file: &mut ReadKey<'_>,
    ) -> Outcome<HonouredList> {
        let (start, written) = (written.span().start, written.into_inner());
        let file = written.file.get_ref().clone();
        let at = written.file.span().start;
        let fail = |field: &str, why: String| self.error(at, &format!("revocations.{field}"), why);
        let bytes = read_file(&file, json::ROWS.bytes).map_err(|why| fail("file", why))?;
        let list =
            format::parse(&bytes).map_err(|why| fail("file", format!("expected a revocation list, found: {why}")))?;
        if let Some(faults) = [&list.faults, &list.disorder].into_iter().find(|faults| !faults.is_empty()) {
            return Err(fail("file", format!("{file} is no revocation list: {}", faults.sentence())));
        }
        let key = keys.iter().find(|key| key.terms.name == *written.key.get_ref());
        let key = key.ok_or_else(|| {
            let found = quote(written.key.get_ref());
            let message = format!("expected the name of a [[key]] of this file, found {found}");
            self.error(written.key.span().start, "revocations.key", message)
        })?;
        let jws_file = written.signature.as_ref().map_or(format!("{file}.jws"), |path| path.get_ref().clone());
        let signature = read_file(&jws_file, super::MAX_POLICY_BYTES).map_err(|why| fail("signature", why))?;
        let document = jws_file.rsplit('/').next().unwrap_or(&jws_file).as_bytes().to_vec();
        if let Some(row) = unsigned(&signature, &document, (&list, &bytes), key) {
            return Err(fail("signature", format!("{file} is not signed by {}: {row}", key.terms.name)));
        }
        let revoked = Revoked::of(&list, &file)
            .map_err(|why| fail("file", format!("{file} cannot be relied on: {why}, so it would revoke nothing")))?;
        let min_sequence = written.min_sequence.as_ref().map(|floor| self.floor(floor, &list)).transpose()?;
        let max_age = written.max_age.as_ref().map(|text| {
            let parsed = time::parse_duration(text.get_ref());
            parsed.map_err(|why| self.error(text.span().start, "revocations.max_age", why))
        });
        Ok(HonouredList {
            sha256: sha256(&bytes),
            line: self.line(start),
            key: key.terms.name.clone(),
            terms: key.terms.clone(),
            max_age: max_age.transpose()?,
            file,
            list,
            revoked,
            min_sequence,
            document,
        })
    }

    fn floor(&self, floor: &Spanned<i64>, list: &RevocationList) -> Outcome<u64> {
        let fail = |message: String| self.error(floor.span().start, "revocations.min_sequence", message);
        let wanted = u64::try_from(*floor.get_ref())
            .map_err(|_| fail(format!("expected a sequence from 0 on, found {}", floor.get_ref())))?;
        match list.sequence {
            Some(found) if found >= wanted => Ok(wanted),
            found => {
                let found = found.map_or("none".into(), |found| found.to_string());
                Err(fail(format!("expected a list of sequence {wanted} or later, found {found}: an older list")))
            }
        }
    }
}

/// Why the untrusted signature is none by this key; `None` where it is good. The windows of the key are judged later.
fn unsigned(untrusted: &[u8], name: &[u8], (list, bytes): (&RevocationList, &[u8]), key: &NamedKey) -> Option<String> {
    let Some(material) = &key.material else {
        return Some("its key is known by fingerprint only; name its file".into());
    };
    let jws = match jws::parse(untrusted) {
        Ok(jws) => jws,
        Err(why) => return Some(format!("expected a detached JWS, found: {why}")),
    };
    let mut policy = Policy { kind: Some(KIND.into()), ..Policy::new(Time::MIN) };
    policy.keys.restrict(&key.fingerprint, Terms { valid_from: None, valid_until: None, ..key.terms.clone() });
    policy.keys.trust_public(material.clone());
    let outcome = signature::verify(&jws, name, bytes, &policy);
    if let Some(row) = revocation::key_ids(list, name, jws.kid()).filter(Check::failed) {
        return Some(row.detail);
    }
    match outcome.proof {
        Some(_) => None,
        None => Some(outcome.checks.iter().map(|check: &Check| check.detail.clone()).collect::<Vec<_>>().join("; ")),
    }
}
