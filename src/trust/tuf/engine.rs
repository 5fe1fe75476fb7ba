//! The crate `sigstore-tuf`, and the only place that names it: reads metadata into our types, and judges it a second time.
//!
//! Facts about version 0.15.1 that the rest of this module answers (each has a test): it counts key *ids*, so that one key
//! under two ids reaches a threshold of two; metadata that expires at this very second is fresh to it; it compares a new
//! snapshot only with a stored one that the stored timestamp still names; it accepts any version up to 2^64 - 1. It does
//! refuse a threshold of zero and a key id that signs twice, and it takes key ids as they are.

use super::keys;
use super::model::{
    Delegation, Hashes, MAX_VERSION, Pin, RoleKeys, Root, Signed, Snapshot, TargetFile, Targets, Term, Timestamp,
};
use super::refusal::Refusal;
use crate::format::json;
use crate::format::time::Time;
use sigstore_tuf as engine;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::num::NonZeroUsize;

/// Which target paths a delegation covers (specification 1.0, section 4.5).
#[derive(Debug, Clone)]
pub(super) struct Patterns(engine::DelegatedRole);

impl Patterns {
    /// Whether the delegation covers `target`. Patterns are matched segment by segment, so `*` never crosses a `/`.
    pub(super) fn cover(&self, target: &str) -> Result<bool, String> {
        self.0.matches_path(target).map_err(|error| words(&error))
    }
}

/// The state of the second judge.
#[derive(Debug, Clone)]
pub(super) struct Judge(engine::TrustedMetadataSet);

impl Judge {
    pub(super) fn start(bytes: &[u8]) -> Result<Self, Refusal> {
        engine::TrustedMetadataSet::from_root(bytes).map(Judge).map_err(refused("root"))
    }

    pub(super) fn root(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.0.update_root(bytes).map_err(refused("root"))
    }

    pub(super) fn timestamp(&mut self, bytes: &[u8], at: Time) -> Result<(), Refusal> {
        self.0.update_timestamp(bytes, at).map_err(refused("timestamp"))
    }

    pub(super) fn snapshot(&mut self, bytes: &[u8], at: Time) -> Result<(), Refusal> {
        self.0.update_snapshot(bytes, at).map_err(refused("snapshot"))
    }

    pub(super) fn targets(&mut self, role: &str, by: Option<&str>, bytes: &[u8], at: Time) -> Result<(), Refusal> {
        let outcome = match by {
            None => self.0.update_targets(bytes, at),
            Some(delegator) => self.0.update_delegated_targets(bytes, role, delegator, at),
        };
        outcome.map(|_| ()).map_err(refused(role))
    }
}

fn refused(role: &str) -> impl FnOnce(engine::Error) -> Refusal + '_ {
    move |error| Refusal::Engine { role: role.into(), why: words(&error) }
}

fn words(error: &engine::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}

pub(super) fn read_root(untrusted: &[u8]) -> Result<Signed<Root>, Refusal> {
    read::<engine::Root, _>("root", untrusted, |root| {
        let role = |name: &str| {
            let role = root.role(name).ok_or_else(|| format!("the role {name} is missing"))?;
            role_keys(name, &role.keyids, role.threshold, &root.keys)
        };
        Ok(Root {
            term: term(root.version, root.expires)?,
            consistent_snapshot: root.consistent_snapshot,
            root: role("root")?,
            timestamp: role("timestamp")?,
            snapshot: role("snapshot")?,
            targets: role("targets")?,
        })
    })
}

pub(super) fn read_timestamp(untrusted: &[u8]) -> Result<Signed<Timestamp>, Refusal> {
    read::<engine::Timestamp, _>("timestamp", untrusted, |timestamp| {
        let snapshot = timestamp.snapshot_meta().ok_or("it does not name snapshot.json")?;
        Ok(Timestamp { term: term(timestamp.version, timestamp.expires)?, snapshot: pin("snapshot.json", snapshot)? })
    })
}

pub(super) fn read_snapshot(untrusted: &[u8]) -> Result<Signed<Snapshot>, Refusal> {
    read::<engine::Snapshot, _>("snapshot", untrusted, |snapshot| {
        let meta = snapshot.meta.iter().map(|(name, file)| Ok((name.clone(), pin(name, file)?)));
        Ok(Snapshot { term: term(snapshot.version, snapshot.expires)?, meta: meta.collect::<Result<_, String>>()? })
    })
}

pub(super) fn read_targets(role: &str, untrusted: &[u8]) -> Result<Signed<Targets>, Refusal> {
    read::<engine::Targets, _>(role, untrusted, |targets| {
        let files = targets.targets.iter().map(|(name, file)| {
            let file = Hashes::new(&file.hashes).map(|hashes| TargetFile { length: file.length, hashes });
            (name.clone(), file)
        });
        let delegations = targets.delegations.as_ref();
        let roles = delegations.into_iter().flat_map(|all| all.roles.iter().map(move |role| delegation(role, all)));
        Ok(Targets {
            term: term(targets.version, targets.expires)?,
            targets: files.collect(),
            delegations: roles.collect::<Result<_, String>>()?,
            succinct: delegations.is_some_and(|all| all.extra.contains_key("succinct_roles")),
        })
    })
}

fn read<T: engine::Role, U>(
    role: &str,
    untrusted: &[u8],
    convert: impl FnOnce(&T) -> Result<U, String>,
) -> Result<Signed<U>, Refusal> {
    let malformed = |why: String| Refusal::Malformed { role: role.into(), why };
    // Names of targets are keys of objects and may differ by case alone; nothing may be there twice.
    json::check_exact(untrusted).map_err(|error| malformed(error.to_string()))?;
    let document = engine::Metadata::<T>::from_slice(untrusted).map_err(|error| malformed(words(&error)))?;
    let value = convert(document.signed()).map_err(malformed)?;
    let signatures = document.signatures().iter().map(|s| (s.keyid.clone(), s.sig.clone())).collect();
    Ok(Signed { value, canonical: document.signed_canonical().to_vec(), signatures })
}

/// The text that the signatures of a document of `role` cover, if it can be read; nothing is judged.
pub fn signed_text(role: &str, untrusted: &[u8]) -> Option<Vec<u8>> {
    fn text<T: engine::Role>(untrusted: &[u8]) -> Option<Vec<u8>> {
        engine::Metadata::<T>::from_slice(untrusted).ok().map(|document| document.signed_canonical().to_vec())
    }
    match role {
        "root" => text::<engine::Root>(untrusted),
        "timestamp" => text::<engine::Timestamp>(untrusted),
        "snapshot" => text::<engine::Snapshot>(untrusted),
        _ => text::<engine::Targets>(untrusted),
    }
}

fn term(version: u64, expires: Time) -> Result<Term, String> {
    Ok(Term { version: believable(version)?, expires })
}

fn believable(version: u64) -> Result<u64, String> {
    match version {
        1..=MAX_VERSION => Ok(version),
        found => Err(format!("version {found} is not between 1 and {MAX_VERSION}")),
    }
}

fn pin(name: &str, file: &engine::MetaFile) -> Result<Pin, String> {
    let told = |why: String| format!("{name}: {why}");
    let hashes = file.hashes.as_ref().map(Hashes::new).transpose().map_err(told)?;
    Ok(Pin { version: believable(file.version).map_err(told)?, length: file.length, hashes })
}

fn role_keys(
    role: &str,
    keyids: &[String],
    threshold: usize,
    keys: &BTreeMap<String, engine::Key>,
) -> Result<RoleKeys, String> {
    let threshold = NonZeroUsize::new(threshold)
        .ok_or_else(|| format!("the role {role} has the threshold 0: nobody would have to sign"))?;
    let key = |id: &String| match keys.get(id) {
        Some(key) => keys::read(&key.keytype, &key.scheme, &key.keyval.public),
        None => Err("no key has this id".into()),
    };
    Ok(RoleKeys { keys: keyids.iter().map(|id| (id.clone(), key(id))).collect(), threshold })
}

fn delegation(role: &engine::DelegatedRole, all: &engine::Delegations) -> Result<Delegation, String> {
    let name = &role.name;
    if name.is_empty() {
        return Err("a delegated role has an empty name".into());
    }
    if role.paths.is_some() && role.path_hash_prefixes.is_some() {
        return Err(format!("the delegation to {name:?} has both paths and path_hash_prefixes"));
    }
    Ok(Delegation {
        role: name.clone(),
        keys: role_keys(name, &role.keyids, role.threshold, &all.keys)?,
        terminating: role.terminating,
        patterns: Patterns(role.clone()),
    })
}
