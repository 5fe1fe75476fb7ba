//! The detailed client workflow (TUF specification 1.0, section 5): root, timestamp, snapshot, targets. What a step has
//! come to trust is stored before the next step begins, and nothing else is ever stored.

use super::folder::{Destination, Found};
use super::outcome::Record;
use super::repository::{Probe, Repository};
use super::rows;
use super::{Request, TufError};
use crate::pipeline::error::EnvironmentError;
use crate::trust::check::{self, Check, CheckKind};
use crate::trust::tuf::names;
use crate::trust::tuf::{
    Accepted, Client, MAX_METADATA, MAX_ROOTS, MAX_STATED, MAX_TARGETS, Recalled, Refusal, Updated,
};
use std::collections::BTreeMap;

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

/// One run.
pub(super) struct Workflow<'a> {
    pub(super) request: &'a Request,
    pub(super) repository: Repository,
    datastore: Option<Destination>,
    pub(super) out: Option<Destination>,
    pub(super) record: Record,
    /// Targets metadata of this run, so that a second delegator judges the same bytes.
    pub(super) loaded: BTreeMap<String, (String, Vec<u8>)>,
}

impl<'a> Workflow<'a> {
    pub(super) fn new(request: &'a Request) -> Result<Self, EnvironmentError> {
        Ok(Workflow {
            request,
            repository: Repository::open(&request.metadata_dir, request.targets_dir.as_deref())?,
            datastore: request.datastore.as_deref().map(Destination::open).transpose()?,
            out: request.out.as_deref().map(Destination::open).transpose()?,
            record: Record::default(),
            loaded: BTreeMap::new(),
        })
    }

    /// All steps; a refusal is no error but a row.
    pub(super) fn run(&mut self) -> Result<(), TufError> {
        match self.steps() {
            Ok(()) | Err(Stop::Refused) => Ok(()),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    pub(super) fn into_parts(self) -> (Record, Vec<Probe>) {
        (self.record, self.repository.probes)
    }

    fn steps(&mut self) -> Result<(), Stop> {
        let mut client = self.trusted_root()?;
        self.root_chain(&mut client)?;
        self.timestamp(&mut client)?;
        self.snapshot(&mut client)?;
        self.targets_metadata(&mut client, "targets", None, check::TUF_TARGETS)?;
        self.record.complete = true;
        let request = self.request;
        request.targets.iter().try_for_each(|name| self.target(&mut client, name))
    }

    /// Step 5.2: the root to begin from, of the operator or of an earlier run, whichever is newer.
    fn trusted_root(&mut self) -> Result<Client, Stop> {
        let request = self.request;
        let stored = self.stored("root.json", MAX_METADATA)?;
        let given = request.root.as_ref().map(|(name, bytes)| (String::from_utf8_lossy(name).into_owned(), bytes));
        let Some((name, bytes)) = given else {
            let datastore = request.datastore.clone().unwrap_or_default();
            let stored = stored.ok_or(Stop::Error(TufError::NoRoot { datastore }))?;
            return self.begin("datastore/root.json", &stored, ", trusted by an earlier run");
        };
        let client = self.begin(&name, bytes, ", which the operator trusts")?;
        let Some(stored) = stored else {
            self.store("root.json", bytes)?;
            return Ok(client);
        };
        let earlier = self.begin("datastore/root.json", &stored, ", trusted by an earlier run")?;
        if client.root_version() > earlier.root_version() {
            self.store("root.json", bytes)?;
            self.forget_if(client.rotated_since(&earlier), &name)?;
            return Ok(client);
        }
        if client.root_version() == earlier.root_version() && !client.same_root(&earlier) {
            let detail = "the datastore trusts another root of the same version; they are not of one repository, or one is forged";
            return self.fail(Check::fail(check::TUF_ROOT, name, detail));
        }
        Ok(earlier)
    }

    fn begin(&mut self, name: &str, bytes: &[u8], words: &str) -> Result<Client, Stop> {
        let (client, accepted) = self.accept(check::TUF_ROOT, name, Client::start(bytes, self.request.at))?;
        self.note(check::TUF_ROOT, name, bytes, &accepted, words);
        Ok(client)
    }

    /// Step 5.3: N + 1, N + 2 and so on until one is not there; then the last one must be in force.
    fn root_chain(&mut self, client: &mut Client) -> Result<(), Stop> {
        for _ in 0..MAX_ROOTS {
            let name = names::metadata("root", Some(client.root_version() + 1)).unwrap_or_default();
            // 5.3.3: nothing there is the end of the chain; something unreadable there is not.
            let Some(bytes) = self.read(check::TUF_ROOT, &name, MAX_METADATA)? else { break };
            let path = published(&name);
            let (accepted, rotated) = self.accept(check::TUF_ROOT, &path, client.update_root(&bytes))?;
            self.note(check::TUF_ROOT, &path, &bytes, &accepted, "");
            // 5.3.8, and 5.3.11 at once: a run that stops here must not leave what the new root takes back.
            self.store("root.json", &bytes)?;
            self.forget_if(rotated, &path)?;
        }
        let version = client.root_version();
        if let Some(beyond) = self.repository.root_beyond(version)? {
            let name = published(&format!("{beyond}.root.json"));
            if beyond == version + 1 {
                let detail = format!(
                    "{MAX_ROOTS} root versions were followed in this run, and more are there; run again with --datastore to carry on"
                );
                return self.fail(Check::fail(check::TUF_ROOT, name, detail));
            }
            let detail = format!(
                "not used: {}.root.json is not there, and no root follows without it; if it was left out, this root may be outdated",
                version + 1
            );
            self.record.checks.push(Check::skip(check::TUF_ROOT, name, detail));
        }
        // 5.3.10.
        let subject = format!("root version {version}");
        let expires = self.accept(check::TUF_ROOT, &subject, client.check_root_expiry())?;
        let detail = format!("the last root of the chain, in force until {expires}");
        self.record.checks.push(Check::pass(check::TUF_ROOT, subject, detail).with("expires", expires.to_string()));
        Ok(())
    }

    /// Step 5.4.
    fn timestamp(&mut self, client: &mut Client) -> Result<(), Stop> {
        let kind = check::TUF_TIMESTAMP;
        if let Some(stored) = self.stored("timestamp.json", MAX_METADATA)? {
            let recalled = client.recall_timestamp(&stored);
            self.remember(kind, "timestamp.json", recalled);
        }
        let name = "timestamp.json";
        let bytes = self.read_needed(kind, name, MAX_METADATA)?;
        let path = published(name);
        match self.accept(kind, &path, client.update_timestamp(&bytes))? {
            Updated::New(accepted) => {
                self.note(kind, &path, &bytes, &accepted, "");
                // 5.4.5.
                self.store(name, &bytes)
            }
            Updated::Unchanged(version) => {
                let detail = format!("version {version} is trusted from an earlier run and still in force");
                self.record.checks.push(Check::pass(kind, path, detail).with("version", version.to_string()));
                Ok(())
            }
        }
    }

    /// Step 5.5. A stored snapshot that the timestamp still names is not read again.
    fn snapshot(&mut self, client: &mut Client) -> Result<(), Stop> {
        let kind = check::TUF_SNAPSHOT;
        if let Some(stored) = self.stored("snapshot.json", MAX_STATED)? {
            match client.recall_snapshot(&stored) {
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
        let name = self.accept(kind, "snapshot.json", names::metadata("snapshot", version))?;
        let bytes = self.read_needed(kind, &name, pin.limit(MAX_METADATA))?;
        let path = published(&name);
        let accepted = self.accept(kind, &path, client.update_snapshot(&bytes))?;
        self.note(kind, &path, &bytes, &accepted, "");
        // 5.5.7.
        self.store("snapshot.json", &bytes)
    }

    /// Step 5.6, for the top level and for delegated roles. Stored metadata that the snapshot still names is not read again.
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
        if let Some(stored) = self.stored(&own_name, MAX_STATED)?
            && let Ok(accepted) = client.update_targets(role, delegator, &stored)
        {
            let path = format!("datastore/{own_name}");
            self.note(kind, &path, &stored, &accepted, &format!("{}, from an earlier run", delegated_by(delegator)));
            self.loaded.insert(role.into(), (path, stored));
            return Ok(());
        }
        let version = client.consistent_snapshot().then_some(pin.version);
        let name = self.accept(kind, role, names::metadata(role, version))?;
        let bytes = self.read_needed(kind, &name, pin.limit(MAX_TARGETS))?;
        let path = published(&name);
        let accepted = self.accept(kind, &path, client.update_targets(role, delegator, &bytes))?;
        self.note(kind, &path, &bytes, &accepted, &delegated_by(delegator));
        // 5.6.6.
        self.store(&own_name, &bytes)?;
        self.loaded.insert(role.into(), (path, bytes));
        Ok(())
    }

    /// A file of the repository, or `None` where it is not there.
    fn read(&mut self, kind: CheckKind, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Stop> {
        match self.repository.metadata(name, limit)? {
            Found::File(bytes) => Ok(Some(bytes)),
            Found::Absent => Ok(None),
            Found::Unusable(why) => {
                self.fail(Check::fail(kind, published(name), format!("it is there and cannot be used: {why}")))
            }
        }
    }

    fn read_needed(&mut self, kind: CheckKind, name: &str, limit: u64) -> Result<Vec<u8>, Stop> {
        match self.read(kind, name, limit)? {
            Some(bytes) => Ok(bytes),
            None => self.fail(rows::absent(kind, &published(name))),
        }
    }

    /// A file of the datastore.
    fn stored(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Stop> {
        let Some(folder) = self.datastore.as_ref().and_then(Destination::folder) else { return Ok(None) };
        match folder.read(name, limit)? {
            Found::File(bytes) => Ok(Some(bytes)),
            Found::Absent => Ok(None),
            Found::Unusable(why) => {
                let path = self.request.datastore.clone().unwrap_or_default().join(name);
                Err(EnvironmentError::read(path, std::io::Error::other(why)).into())
            }
        }
    }

    fn store(&mut self, name: &str, bytes: &[u8]) -> Result<(), Stop> {
        match &mut self.datastore {
            Some(datastore) => Ok(datastore.made()?.store(name, bytes)?),
            None => Ok(()),
        }
    }

    /// Step 5.3.11: recovery from versions that were driven up with keys that are now revoked.
    fn forget_if(&mut self, rotated: bool, root: &str) -> Result<(), Stop> {
        let Some(datastore) = self.datastore.as_ref().and_then(Destination::folder).filter(|_| rotated) else {
            return Ok(());
        };
        datastore.remove("timestamp.json")?;
        datastore.remove("snapshot.json")?;
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

    fn note(&mut self, kind: CheckKind, path: &str, bytes: &[u8], accepted: &Accepted, words: &str) {
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

/// The name of a metadata file in reports.
fn published(name: &str) -> String {
    format!("metadata/{name}")
}

fn delegated_by(delegator: Option<&str>) -> String {
    delegator.map_or(String::new(), |role| format!(", delegated by {role}"))
}
