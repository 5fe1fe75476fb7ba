//! The client workflow (specification 1.0, section 5), without its files: each function is one step, takes the bytes that
//! the step is about, and changes the state only where everything holds.

use super::accept::{Accepted, in_force, signers};
use super::engine::{self, Judge};
use super::model::{Pin, RoleKeys, Root, Signed, Snapshot, TargetFile, Targets, Timestamp, TopLevel};
use super::refusal::Refusal;
use super::search::{Search, Step};
use crate::format::time::Time;
use crate::trust::verified::Verified;
use std::collections::{BTreeMap, BTreeSet};

/// What one run has come to trust.
#[derive(Debug)]
pub struct Client {
    judge: Judge,
    at: Time,
    root: Signed<Root>,
    timestamp: Option<Timestamp>,
    /// The snapshot of an earlier run, which a new one must not fall behind.
    remembered: Option<Snapshot>,
    snapshot: Option<Snapshot>,
    /// By role and by who delegated: another delegator names other keys.
    targets: BTreeMap<(String, Option<String>), Targets>,
}

/// What came of new timestamp metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updated {
    /// It is trusted now.
    New(Accepted),
    /// It has the version of the trusted one, which stays (step 5.4.3.1): version and expiry of that one, and who signed
    /// this one.
    Unchanged(Accepted),
}

/// What came of a snapshot of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recalled {
    /// It is the one that the timestamp names and in force: there is nothing to read.
    Current(Accepted),
    /// It is no longer the one, or no longer in force; it remains the measure for rollback. Its version.
    Outdated(u64),
}

/// What a root says, without a word on whether it is trusted: its version and what its signatures cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootView {
    version: u64,
    canonical: Vec<u8>,
}

impl RootView {
    /// Reads an untrusted root without judging its signatures.
    pub fn of(untrusted: &[u8]) -> Result<Self, Refusal> {
        engine::read_root(untrusted).map(|root| RootView::new(&root))
    }

    fn new(root: &Signed<Root>) -> Self {
        RootView { version: root.value.term.version, canonical: root.canonical.clone() }
    }

    /// Its version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether the two are one root, whatever signatures lie around it.
    pub fn says_the_same(&self, other: &RootView) -> bool {
        self.canonical == other.canonical
    }
}

impl Client {
    /// Step 5.2: begins with a root that the operator trusts; step 5.1: with the one clock of the run.
    ///
    /// The root must meet its own threshold. Its expiry does not matter yet: a successor may be at hand.
    pub fn start(trusted: &[u8], at: Time) -> Result<(Self, Accepted), Refusal> {
        let root = engine::read_root(trusted)?;
        let signed_by = signers("root", &root, &root.value.root)?;
        let judge = Judge::start(trusted)?;
        let accepted = Accepted::new("root", root.value.term, &root.value.root, signed_by);
        let client =
            Client { judge, at, root, timestamp: None, remembered: None, snapshot: None, targets: BTreeMap::new() };
        Ok((client, accepted))
    }

    /// Version of the trusted root.
    pub fn root_version(&self) -> u64 {
        self.root.value.term.version
    }

    /// What the trusted root says.
    pub fn root_view(&self) -> RootView {
        RootView::new(&self.root)
    }

    /// Whether file names carry versions and digests.
    pub fn consistent_snapshot(&self) -> bool {
        self.root.value.consistent_snapshot
    }

    /// Whether the two clients trust the same root, whatever signatures lie around it.
    pub fn same_root(&self, other: &Client) -> bool {
        self.root.canonical == other.root.canonical
    }

    /// Whether a key that could sign timestamps or snapshots under the root of `former` no longer can (step 5.3.11).
    pub fn rotated_since(&self, former: &Client) -> bool {
        rotated(&former.root.value, &self.root.value)
    }

    /// Steps 5.3.4 to 5.3.8: the next version of the root. Returns also whether timestamp or snapshot keys were rotated
    /// (step 5.3.11), after which the stored metadata of both roles must go.
    pub fn update_root(&mut self, untrusted: &[u8]) -> Result<(Accepted, bool), Refusal> {
        let next = engine::read_root(untrusted)?;
        // 5.3.5: exactly the next version. Before the signatures, because it explains more.
        let (expected, found) = (self.root_version() + 1, next.value.term.version);
        if found != expected {
            return Err(Refusal::RootVersion { expected, found });
        }
        // 5.3.4: a threshold of the trusted root's keys, and a threshold of its own.
        signers("root (by the keys of the version before)", &next, &self.root.value.root)?;
        let signed_by = signers("root (by its own keys)", &next, &next.value.root)?;
        self.judge.root(untrusted)?;
        let accepted = Accepted::new("root", next.value.term, &next.value.root, signed_by);
        let rotated = rotated(&self.root.value, &next.value);
        self.root = next;
        Ok((accepted, rotated))
    }

    /// Step 5.3.10: the last root is in force. Expiry of those before it does not matter.
    pub fn check_root_expiry(&self) -> Result<Time, Refusal> {
        in_force("root", self.root.value.term, self.at).map(|()| self.root.value.term.expires)
    }

    /// A timestamp of an earlier run: the measure for rollback, expired or not. Returns its version.
    pub fn recall_timestamp(&mut self, stored: &[u8]) -> Result<u64, Refusal> {
        let timestamp = engine::read_timestamp(stored)?;
        signers("timestamp", &timestamp, &self.root.value.timestamp)?;
        self.judge.timestamp(stored, Time::MIN)?;
        let version = timestamp.value.term.version;
        self.timestamp = Some(timestamp.value);
        Ok(version)
    }

    /// Steps 5.4.2 to 5.4.4.
    pub fn update_timestamp(&mut self, untrusted: &[u8]) -> Result<Updated, Refusal> {
        let next = engine::read_timestamp(untrusted)?;
        let authority = &self.root.value.timestamp;
        // 5.4.2: signatures.
        let signed_by = signers("timestamp", &next, authority)?;
        let term = next.value.term;
        if let Some(trusted) = &self.timestamp {
            // 5.4.3.1: not older than the trusted one; of the same version, the trusted one stays.
            rollback("timestamp", trusted.term.version, term.version)?;
            if term.version == trusted.term.version {
                in_force("timestamp", trusted.term, self.at)?;
                return Ok(Updated::Unchanged(Accepted::new("timestamp", trusted.term, authority, signed_by)));
            }
            // 5.4.3.2: nor may the snapshot that it names be older.
            rollback("the snapshot that the timestamp names", trusted.snapshot.version, next.value.snapshot.version)?;
        }
        // 5.4.4: in force.
        in_force("timestamp", term, self.at)?;
        self.judge.timestamp(untrusted, self.at)?;
        let accepted = Accepted::new("timestamp", term, authority, signed_by);
        self.timestamp = Some(next.value);
        Ok(Updated::New(accepted))
    }

    /// What the trusted timestamp states of the snapshot.
    pub fn snapshot_pin(&self) -> Result<&Pin, Refusal> {
        self.timestamp.as_ref().map(|timestamp| &timestamp.snapshot).ok_or(Refusal::Order("a trusted timestamp"))
    }

    /// A snapshot of an earlier run: the measure for rollback, and the current one where it still is.
    pub fn recall_snapshot(&mut self, stored: &[u8]) -> Result<Recalled, Refusal> {
        let snapshot = engine::read_snapshot(stored)?;
        let authority = &self.root.value.snapshot;
        let signed_by = signers("snapshot", &snapshot, authority)?;
        let term = snapshot.value.term;
        let pin = self.snapshot_pin()?;
        let current = term.version == pin.version
            && pin.check(stored).is_ok()
            && in_force("snapshot", term, self.at).is_ok()
            && self.judge.snapshot(stored, self.at).is_ok();
        self.remembered = Some(snapshot.value.clone());
        if !current {
            return Ok(Recalled::Outdated(term.version));
        }
        self.snapshot = Some(snapshot.value);
        Ok(Recalled::Current(Accepted::new("snapshot", term, authority, signed_by)))
    }

    /// Steps 5.5.2 to 5.5.6.
    pub fn update_snapshot(&mut self, untrusted: &[u8]) -> Result<Accepted, Refusal> {
        let pin = self.snapshot_pin()?;
        // 5.5.2: the file that the timestamp states.
        pin.check(untrusted).map_err(|why| not_pinned("snapshot", "the timestamp", why))?;
        let next = engine::read_snapshot(untrusted)?;
        // 5.5.3: signatures.
        let authority = &self.root.value.snapshot;
        let signed_by = signers("snapshot", &next, authority)?;
        // 5.5.4: the version that the timestamp states.
        let term = next.value.term;
        version("snapshot", "the timestamp", pin.version, term.version)?;
        // 5.5.5: no role vanishes or gets older.
        if let Some(trusted) = &self.remembered {
            rollback("snapshot", trusted.term.version, term.version)?;
            for (name, former) in &trusted.meta {
                let found = next.value.meta.get(name).ok_or_else(|| Refusal::Vanished { name: name.clone() })?;
                rollback(name, former.version, found.version)?;
            }
        }
        // 5.5.6: in force.
        in_force("snapshot", term, self.at)?;
        self.judge.snapshot(untrusted, self.at)?;
        let accepted = Accepted::new("snapshot", term, authority, signed_by);
        self.snapshot = Some(next.value);
        Ok(accepted)
    }

    /// What the trusted snapshot states of a targets role.
    pub fn targets_pin(&self, role: &str) -> Result<&Pin, Refusal> {
        let snapshot = self.snapshot.as_ref().ok_or(Refusal::Order("a trusted snapshot"))?;
        snapshot.meta.get(&format!("{role}.json")).ok_or_else(|| Refusal::NotPinned(role.into()))
    }

    /// Steps 5.6.2 to 5.6.5, for the top-level role (`delegator` is `None`) and for delegated ones alike.
    pub fn update_targets(
        &mut self,
        role: &str,
        delegator: Option<&str>,
        untrusted: &[u8],
    ) -> Result<Accepted, Refusal> {
        let authority = self.authority(role, delegator)?;
        let pin = self.targets_pin(role)?;
        // 5.6.2: the file that the snapshot states.
        pin.check(untrusted).map_err(|why| not_pinned(role, "the snapshot", why))?;
        let next = engine::read_targets(role, untrusted)?;
        // 5.6.3: signatures, by the keys of the root or of the delegator.
        let signed_by = signers(role, &next, authority)?;
        // 5.6.4: the version that the snapshot states.
        let term = next.value.term;
        version(role, "the snapshot", pin.version, term.version)?;
        // 5.6.5: in force.
        in_force(role, term, self.at)?;
        let accepted = Accepted::new(role, term, authority, signed_by);
        self.judge.targets(role, delegator, untrusted, self.at)?;
        self.targets.insert((role.into(), delegator.map(String::from)), next.value);
        Ok(accepted)
    }

    /// Whether the role was verified by the keys of this delegator.
    pub fn has_targets(&self, step: &Step) -> bool {
        self.targets.contains_key(&(step.role.clone(), step.delegator.clone()))
    }

    /// What the verified top-level targets metadata lists.
    pub fn top_level(&self) -> Result<Verified<TopLevel>, Refusal> {
        let targets = self.targets.get(&("targets".into(), None));
        let targets = targets.ok_or(Refusal::Order("verified targets metadata"))?;
        let (version, expires) = (targets.term.version, targets.term.expires);
        let mut listed = TopLevel { version, expires, files: BTreeMap::new(), unreadable: BTreeMap::new() };
        for (name, file) in &targets.targets {
            match file {
                Ok(file) => drop(listed.files.insert(name.clone(), file.clone())),
                Err(why) => drop(listed.unreadable.insert(name.clone(), why.clone())),
            }
        }
        Ok(Verified::established(listed))
    }

    /// Step 5.6.7.2: looks for the target of `search` in a role that was verified.
    pub fn look(&self, search: &mut Search, step: &Step) -> Result<Option<Verified<TargetFile>>, Refusal> {
        let targets = self.targets.get(&(step.role.clone(), step.delegator.clone()));
        let targets = targets.ok_or(Refusal::Order("verified metadata of the role"))?;
        Ok(search.look(step, targets)?.map(Verified::established))
    }

    /// Whether `delegator`, which was verified, delegates `target` to `role`; `None` where it does not delegate to it at all,
    /// or by patterns that cannot be read.
    pub fn covers(&self, delegator: &str, role: &str, target: &str) -> Option<bool> {
        let delegators = self.targets.iter().filter(|((role, _), _)| role == delegator);
        let mut delegations = delegators.flat_map(|(_, targets)| &targets.delegations);
        delegations.find(|delegation| delegation.role == role)?.patterns.cover(target).ok()
    }

    /// Who may sign `role`: the root names the keys of the top level, a delegator those of the roles that it delegates to.
    fn authority(&self, role: &str, delegator: Option<&str>) -> Result<&RoleKeys, Refusal> {
        let Some(name) = delegator else { return Ok(&self.root.value.targets) };
        let delegators = self.targets.iter().filter(|((role, _), _)| role == name);
        let mut delegations = delegators.flat_map(|(_, targets)| &targets.delegations);
        let found = delegations.find(|delegation| delegation.role == role && !is_top_level(role));
        found.map(|delegation| &delegation.keys).ok_or(Refusal::Order("the delegating role"))
    }
}

/// The roles that the root itself appoints; no delegation may take their names.
pub(super) fn is_top_level(role: &str) -> bool {
    matches!(role, "root" | "timestamp" | "snapshot" | "targets")
}

/// Whether a key that could sign timestamps or snapshots before no longer can. A key that is merely added recovers
/// nothing, so it must not reset the memory that guards against rollback.
fn rotated(before: &Root, after: &Root) -> bool {
    let lost = |before: &RoleKeys, after: &RoleKeys| !material(before).is_subset(&material(after));
    lost(&before.timestamp, &after.timestamp) || lost(&before.snapshot, &after.snapshot)
}

fn material(role: &RoleKeys) -> BTreeSet<&str> {
    role.keys.values().flatten().map(|key| key.key.fingerprint()).collect()
}

fn rollback(what: &str, trusted: u64, found: u64) -> Result<(), Refusal> {
    if found >= trusted { Ok(()) } else { Err(Refusal::Rollback { what: what.into(), trusted, found }) }
}

fn version(what: &str, by: &'static str, expected: u64, found: u64) -> Result<(), Refusal> {
    if found == expected { Ok(()) } else { Err(Refusal::Version { what: what.into(), by, expected, found }) }
}

fn not_pinned(what: &str, by: &'static str, why: String) -> Refusal {
    Refusal::Pin { what: what.into(), by, why }
}
