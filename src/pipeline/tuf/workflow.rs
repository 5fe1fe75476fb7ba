//! The detailed client workflow (TUF specification 1.0, section 5): root, timestamp, snapshot, targets. What a step has
//! come to trust is stored before the next step begins, and nothing else is ever stored.

use super::folder::{Destination, Found};
use super::outcome::Record;
use super::repository::{MetadataFile, Probe, Repository};
use super::rows;
use super::second_opinion::{self, Evidence, Opinion, View};
use super::{Request, TufError, in_bundle};
use crate::format::time::Time;
use crate::pipeline::error::EnvironmentError;
use crate::trust::check::{self, Check, CheckKind};
use crate::trust::tuf::names;
use crate::trust::tuf::{
    Accepted, Client, MAX_METADATA, MAX_STATED, MAX_TARGETS, Recalled, Refusal, TargetFile, Updated,
};
use std::collections::BTreeMap;
use std::path::Path;

/// Why a run ends before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something was refused; its row is there.
    Refused,
    /// No answer can be formed.
    Error(TufError),
}

impl From<EnvironmentError> for Stop {
    fn from(error: EnvironmentError) -> Self {
        Stop::Error(error.into())
    }
}

/// Stored metadata that is dropped once its keys are revoked.
const DROPPED: [&str; 2] = ["timestamp.json", "snapshot.json"];

/// What a run begins with.
#[derive(Clone, Copy)]
pub(super) struct Trust<'a> {
    /// The root that the operator trusts: its name, for the report, and its bytes.
    pub(super) root: Option<(&'a [u8], &'a [u8])>,
    /// State of earlier runs.
    pub(super) datastore: Option<&'a Path>,
    /// The one clock of the run.
    pub(super) at: Time,
}

/// What becomes of the state of earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changes {
    /// What verified is stored, step by step.
    Stored,
    /// Nothing: it is read alone.
    None,
    /// Nothing, and the stored timestamp and snapshot count as dropped.
    Dropped,
}

/// One run.
pub(super) struct Workflow<'a> {
    pub(super) trust: Trust<'a>,
    pub(super) repository: Repository<'a>,
    pub(super) datastore: Option<Destination>,
    changes: Changes,
    pub(super) out: Option<Destination>,
    pub(super) record: Record,
    /// Targets metadata of this run, so that a second delegator judges the same bytes.
    pub(super) loaded: BTreeMap<String, (String, Vec<u8>)>,
    /// What the second opinion is asked about.
    evidence: Evidence,
    /// What it has come to trust, once it agreed.
    view: Option<View>,
    /// Why it could not be had, and with how many documents it was asked for; no number after its last word.
    unsettled: Option<(String, Option<usize>)>,
}

impl<'a> Workflow<'a> {
    /// Over a repository in folders.
    pub(super) fn new(request: &'a Request) -> Result<Self, EnvironmentError> {
        let root = request.root.as_ref().map(|(name, bytes)| (name.as_slice(), bytes.as_slice()));
        let trust = Trust { root, datastore: request.datastore.as_deref(), at: request.at };
        let repository = Repository::open(&request.metadata_dir, request.targets_dir.as_deref())?;
        let out = request.out.as_deref().map(Destination::open).transpose()?;
        Ok(Workflow { out, ..Workflow::over(repository, trust)? })
    }

    /// Over the documents of a bundle.
    pub(super) fn in_bundle(request: &in_bundle::Request<'a>) -> Result<Self, EnvironmentError> {
        let trust = Trust { root: request.root, datastore: request.datastore, at: request.at };
        let changes = if request.as_is { Changes::None } else { Changes::Stored };
        Ok(Workflow { changes, ..Workflow::over(Repository::in_bundle(request.documents), trust)? })
    }

    fn over(repository: Repository<'a>, trust: Trust<'a>) -> Result<Self, EnvironmentError> {
        Ok(Workflow {
            trust,
            repository,
            datastore: trust.datastore.map(Destination::open).transpose()?,
            changes: Changes::Stored,
            out: None,
            record: Record::default(),
            loaded: BTreeMap::new(),
            evidence: Evidence::default(),
            view: None,
            unsettled: None,
        })
    }

    /// All steps, and the targets; a refusal is no error but a row.
    pub(super) fn run(&mut self, targets: &[String]) -> Result<(), TufError> {
        let outcome = self.metadata();
        let outcome = outcome.and_then(|mut client| targets.iter().try_for_each(|name| self.target(&mut client, name)));
        self.close();
        match outcome {
            Ok(()) | Err(Stop::Refused) => Ok(()),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    pub(super) fn into_parts(self) -> (Record, Vec<Probe>) {
        (self.record, self.repository.probes)
    }

    /// Everything up to the top-level targets.
    pub(super) fn metadata(&mut self) -> Result<Client, Stop> {
        let mut client = self.trusted_root()?;
        self.root_chain(&mut client)?;
        self.timestamp(&mut client)?;
        self.snapshot(&mut client)?;
        self.targets_metadata(&mut client, "targets", None, check::TUF_TARGETS)?;
        self.record.complete = true;
        self.second_opinion(&client)?;
        Ok(client)
    }

    /// Asks the second judge about all that was accepted so far, unless it has had its last word.
    fn second_opinion(&mut self, client: &Client) -> Result<(), Stop> {
        let asked_with = self.unsettled.as_ref().map_or(Some(0), |(_, asked_with)| *asked_with);
        if self.view.is_some() || asked_with.is_none_or(|count| count == self.evidence.len()) {
            return Ok(());
        }
        let place = self.repository.path("");
        match second_opinion::ask(&self.evidence, client.consistent_snapshot()) {
            Opinion::Agrees(view) => {
                self.record.checks.push(rows::agreed(&place, view.roots, self.evidence.len()));
                (self.view, self.unsettled) = (Some(view), None);
                Ok(())
            }
            Opinion::Disagrees(why) => {
                self.unsettled = None;
                self.fail(rows::disagreed(&place, &why))
            }
            Opinion::Outside { why, pending } => {
                self.unsettled = Some((why, pending.then_some(self.evidence.len())));
                Ok(())
            }
        }
    }

    /// Asks it about a target, after the roles that were opened to find it.
    pub(super) fn second_opinion_on(&mut self, client: &Client, name: &str, file: &TargetFile) -> Result<(), Stop> {
        self.second_opinion(client)?;
        let Some(view) = &self.view else { return Ok(()) };
        match second_opinion::ask_target(view, client, name, file) {
            Opinion::Agrees(()) => self.record.checks.push(rows::agreed_on_target(name)),
            Opinion::Disagrees(why) => return self.fail(rows::disagreed(name, &why)),
            Opinion::Outside { why, .. } => self.record.checks.push(rows::no_opinion(name, &why)),
        }
        Ok(())
    }

    /// Says why there was no second opinion, where there was none.
    pub(super) fn close(&mut self) {
        if let Some((why, _)) = self.unsettled.take() {
            self.record.checks.push(rows::no_opinion(&self.repository.path(""), &why));
        }
    }

    /// Step 5.4.
    fn timestamp(&mut self, client: &mut Client) -> Result<(), Stop> {
        let kind = check::TUF_TIMESTAMP;
        if let Some(stored) = self.stored("timestamp.json", MAX_METADATA)? {
            let recalled = client.recall_timestamp(&stored);
            if let Ok(version) = &recalled {
                // It stays the trusted one where the new one has its version.
                self.evidence.metadata("timestamp", *version, &stored);
            }
            self.remember(kind, "timestamp.json", recalled);
        }
        let (path, bytes) = self.read_needed(kind, "timestamp", None, MAX_METADATA)?;
        match self.accept(kind, &path, client.update_timestamp(&bytes))? {
            Updated::New(accepted) => {
                self.note(kind, &path, &bytes, &accepted, "");
                // 5.4.5.
                self.store("timestamp.json", &bytes)
            }
            Updated::Unchanged(accepted) => {
                let version = accepted.version.to_string();
                if self.repository.documents().is_some() {
                    self.record.metadata(&path, &bytes, &accepted);
                }
                let detail = format!("version {version} is trusted from an earlier run and still in force");
                self.record.checks.push(Check::pass(kind, path, detail).with("version", version));
                Ok(())
            }
        }
    }

    /// Step 5.5. A stored snapshot that the timestamp still names is not read again; that of a bundle is always judged.
    fn snapshot(&mut self, client: &mut Client) -> Result<(), Stop> {
        let kind = check::TUF_SNAPSHOT;
        if let Some(stored) = self.stored("snapshot.json", MAX_STATED)? {
            match client.recall_snapshot(&stored) {
                Ok(Recalled::Current(accepted)) if self.repository.documents().is_some() => {
                    self.remember(kind, "snapshot.json", Ok(accepted.version));
                }
                Ok(Recalled::Current(accepted)) => {
                    self.note(kind, "datastore/snapshot.json", &stored, &accepted, ", from an earlier run");
                    return Ok(());
                }
                Ok(Recalled::Outdated(version)) => self.remember(kind, "snapshot.json", Ok(version)),
                Err(refusal) => self.remember(kind, "snapshot.json", Err(refusal)),
            }
        }
        let pin = self.accept(kind, "snapshot.json", client.snapshot_pin())?.clone();
        let version = client.consistent_snapshot().then_some(pin.version);
        let (path, bytes) = self.read_needed(kind, "snapshot", version, pin.limit(MAX_METADATA))?;
        let accepted = self.accept(kind, &path, client.update_snapshot(&bytes))?;
        self.note(kind, &path, &bytes, &accepted, "");
        // 5.5.7.
        self.store("snapshot.json", &bytes)
    }

    /// Step 5.6, for the top level and for delegated roles. Stored metadata that the snapshot still names is not read again,
    /// unless a bundle carries it: what is in a bundle is judged.
    pub(super) fn targets_metadata(
        &mut self,
        client: &mut Client,
        role: &str,
        delegator: Option<&str>,
        kind: CheckKind,
    ) -> Result<(), Stop> {
        let own_name = self.accept(kind, role, names::metadata(role, None))?;
        if let Some((path, bytes)) = self.loaded.get(role).cloned() {
            let accepted = self.accept(kind, &path, client.update_targets(role, delegator, &bytes))?;
            self.note(kind, &path, &bytes, &accepted, &delegated_by(delegator));
            return Ok(());
        }
        let pin = self.accept(kind, &own_name, client.targets_pin(role))?.clone();
        if self.repository.documents().is_none()
            && let Some(stored) = self.stored(&own_name, MAX_STATED)?
            && let Ok(accepted) = client.update_targets(role, delegator, &stored)
        {
            let path = format!("datastore/{own_name}");
            self.note(kind, &path, &stored, &accepted, &format!("{}, from an earlier run", delegated_by(delegator)));
            self.loaded.insert(role.into(), (path, stored));
            return Ok(());
        }
        let version = client.consistent_snapshot().then_some(pin.version);
        let (path, bytes) = self.read_needed(kind, role, version, pin.limit(MAX_TARGETS))?;
        let accepted = self.accept(kind, &path, client.update_targets(role, delegator, &bytes))?;
        self.note(kind, &path, &bytes, &accepted, &delegated_by(delegator));
        // 5.6.6.
        self.store(&own_name, &bytes)?;
        self.loaded.insert(role.into(), (path, bytes));
        Ok(())
    }

    /// A file of the repository, with where it lies; `None` where it is not there.
    pub(super) fn read(
        &mut self,
        kind: CheckKind,
        role: &str,
        version: Option<u64>,
        limit: u64,
    ) -> Result<(String, Option<Vec<u8>>), Stop> {
        let plain = self.accept(kind, role, names::metadata(role, None))?;
        let name = self.accept(kind, role, names::metadata(role, version))?;
        let MetadataFile { path, content } = self.repository.metadata(&name, &plain, limit)?;
        match content {
            Found::File(bytes) => Ok((path, Some(bytes))),
            Found::Absent => Ok((path, None)),
            Found::Unusable(why) => {
                self.fail(Check::fail(kind, path, format!("it is there and cannot be used: {why}")))
            }
        }
    }

    fn read_needed(
        &mut self,
        kind: CheckKind,
        role: &str,
        version: Option<u64>,
        limit: u64,
    ) -> Result<(String, Vec<u8>), Stop> {
        match self.read(kind, role, version, limit)? {
            (path, Some(bytes)) => Ok((path, bytes)),
            (path, None) => self.fail(rows::absent(kind, &path, self.repository.documents().is_some())),
        }
    }

    /// A file of the datastore.
    pub(super) fn stored(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Stop> {
        let Some(folder) = self.datastore.as_ref().and_then(Destination::folder) else { return Ok(None) };
        if self.changes == Changes::Dropped && DROPPED.contains(&name) {
            return Ok(None);
        }
        match folder.read(name, limit)? {
            Found::File(bytes) => Ok(Some(bytes)),
            Found::Absent => Ok(None),
            Found::Unusable(why) => {
                let path = self.trust.datastore.unwrap_or(Path::new("")).join(name);
                Err(EnvironmentError::read(path, std::io::Error::other(why)).into())
            }
        }
    }

    pub(super) fn store(&mut self, name: &str, bytes: &[u8]) -> Result<(), Stop> {
        match &mut self.datastore {
            _ if self.changes != Changes::Stored => Ok(()),
            Some(datastore) => Ok(datastore.made()?.store(name, bytes)?),
            None => Ok(()),
        }
    }

    /// Step 5.3.11: recovery from versions that were driven up with keys that are now revoked.
    pub(super) fn forget_if(&mut self, rotated: bool, root: &str) -> Result<(), Stop> {
        let Some(datastore) = self.datastore.as_ref().and_then(Destination::folder).filter(|_| rotated) else {
            return Ok(());
        };
        if self.changes == Changes::Stored {
            DROPPED.iter().try_for_each(|name| datastore.remove(name))?;
        } else {
            self.changes = Changes::Dropped;
        }
        let detail = "it revokes a timestamp or snapshot key, so the stored timestamp and snapshot were dropped";
        self.record.checks.push(Check::pass(check::TUF_ROOT, root, detail));
        Ok(())
    }

    /// Tells what stored metadata is good for.
    fn remember(&mut self, kind: CheckKind, name: &str, recalled: Result<u64, Refusal>) {
        let subject = format!("datastore/{name}");
        self.record.checks.push(match recalled {
            Ok(version) => {
                let detail = format!("version {version} of an earlier run; nothing older is accepted");
                Check::pass(kind, subject, detail).with("version", version.to_string())
            }
            Err(refusal) => {
                let detail = format!(
                    "not used, and no measure for rollback, since the trusted root does not vouch for it: {refusal}"
                );
                Check::skip(kind, subject, detail)
            }
        });
    }

    pub(super) fn note(&mut self, kind: CheckKind, path: &str, bytes: &[u8], accepted: &Accepted, words: &str) {
        match accepted.role.as_str() {
            "root" => self.evidence.root(accepted.version, bytes),
            role => self.evidence.metadata(role, accepted.version, bytes),
        }
        self.record.metadata(path, bytes, accepted);
        self.record.checks.push(rows::accepted(kind, path, accepted, words));
    }

    pub(super) fn accept<T>(&mut self, kind: CheckKind, subject: &str, outcome: Result<T, Refusal>) -> Result<T, Stop> {
        outcome.or_else(|refusal| {
            let row = Check::fail(kind, subject, refusal.to_string());
            self.fail(refusal.facts().into_iter().fold(row, |row, (name, value)| row.with(name, value)))
        })
    }

    pub(super) fn fail<T>(&mut self, row: Check) -> Result<T, Stop> {
        self.record.checks.push(row);
        Err(Stop::Refused)
    }
}

fn delegated_by(delegator: Option<&str>) -> String {
    delegator.map_or(String::new(), |role| format!(", delegated by {role}"))
}
