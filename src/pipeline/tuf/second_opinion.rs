//! A second opinion on the metadata that was accepted, by the crate `tough`: another implementation, by other people, of the
//! same specification. This is the only place that names it, and the only one with an asynchronous runtime.
//!
//! It is asked after our own judges accepted everything, over the very bytes that they accepted, held in memory: it opens no
//! file of the operator, no datastore of ours, no socket. It can only take away: a disagreement fails, an agreement adds no
//! trust, and silence is told as silence.
//!
//! Facts about version 0.24 that this file answers: any transport error while it looks for the next root ends its chain
//! without a word, so the version that it ends with is compared; it has no clock that could be set, so expiry is left to our
//! own judges; it recomputes key ids and knows few key types, so that much honest metadata cannot be read by it; it checks
//! signatures over what it writes anew, so that text is compared with the signed one first; its `*` crosses a `/`; it opens
//! all delegated roles, asked for or not; it keeps its state in a folder of its own, which is made and removed here.

use crate::format::digest::{Digest, hex};
use crate::trust::tuf::{Client, MAX_METADATA, MAX_ROOTS, MAX_TARGETS, TargetFile, names, signed_text};
use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::PermissionsExt as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use tempfile::TempDir;
use tough::schema::{DelegatedRole, Delegations, Role, Root, Signed, Snapshot, Targets, Timestamp};
use tough::{
    Bytes, ExpirationEnforcement, Limits, RepositoryLoader, TargetName, Transport, TransportError, TransportErrorKind,
    TransportStream, async_trait,
};
use url::Url;

/// Most bytes of roots that are kept for it; of a longer chain it judges the end.
const MAX_CHAIN: usize = 16 << 20;

/// What it is asked about: everything that our own judges accepted, byte for byte.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Version and bytes, from the first root that is kept to the last.
    roots: Vec<(u64, Vec<u8>)>,
    /// By role, with the version.
    files: BTreeMap<String, (u64, Vec<u8>)>,
}

impl Evidence {
    /// A root: the first one, or the successor of the one before. Any other begins the chain anew.
    pub(super) fn root(&mut self, version: u64, bytes: &[u8]) {
        if self.roots.last().is_some_and(|(last, _)| last + 1 != version) {
            self.roots.clear();
        }
        self.roots.push((version, bytes.to_vec()));
        while self.roots.len() > 1 && self.roots.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > MAX_CHAIN {
            self.roots.remove(0);
        }
    }

    /// Metadata of any other role.
    pub(super) fn metadata(&mut self, role: &str, version: u64, bytes: &[u8]) {
        self.files.insert(role.into(), (version, bytes.to_vec()));
    }

    /// How many documents there are: more of them may make up an opinion that could not be formed before.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }
}

/// What it says.
#[derive(Debug)]
pub(super) enum Opinion<T> {
    /// The same as our own judges.
    Agrees(T),
    /// Something else; in words.
    Disagrees(String),
    /// Nothing; why. Where `pending`, further documents may change that.
    Outside {
        /// In words.
        why: String,
        /// Whether it lacks roles that were not opened.
        pending: bool,
    },
}

fn outside<T>(why: impl Into<String>) -> Opinion<T> {
    Opinion::Outside { why: why.into(), pending: false }
}

/// What it has come to trust.
#[derive(Debug)]
pub(super) struct View {
    /// The root versions that it went through.
    pub(super) roots: (u64, u64),
    targets: Box<Signed<Targets>>,
}

/// Asks about the metadata.
pub(super) fn ask(evidence: &Evidence, consistent: bool) -> Opinion<View> {
    let first = match readable_roots(evidence) {
        Ok(first) => first,
        Err(why) => return outside(why),
    };
    let Some((start, root)) = evidence.roots.get(first) else { return outside("there is no root to begin with") };
    if let Some(why) = evidence.files.iter().find_map(|(role, (_, bytes))| unreadable(role, bytes)) {
        return outside(why);
    }
    let files = match published(evidence, first, consistent) {
        Ok(files) => files,
        Err(why) => return outside(why),
    };
    let (loaded, _scratch) = match load(root, InMemory { files }) {
        Ok(loaded) => loaded,
        Err(opinion) => return opinion,
    };
    let last = evidence.roots.last().map_or(*start, |(version, _)| *version);
    let version = |role: &str| evidence.files.get(role).map(|(version, _)| *version);
    for (role, found, expected) in [
        ("root", loaded.root().signed.version, Some(last)),
        ("timestamp", loaded.timestamp().signed.version, version("timestamp")),
        ("snapshot", loaded.snapshot().signed.version, version("snapshot")),
        ("targets", loaded.targets().signed.version, version("targets")),
    ] {
        if expected != Some(found.get()) {
            let expected = expected.map_or("none".into(), |version| format!("version {version}"));
            return Opinion::Disagrees(format!("of {role} it trusts version {found}, our own judges {expected}"));
        }
    }
    Opinion::Agrees(View { roots: (*start, last), targets: Box::new(loaded.targets().clone()) })
}

/// Asks about a target that our own judges found.
pub(super) fn ask_target(view: &View, client: &Client, name: &str, file: &TargetFile) -> Opinion<()> {
    let Ok(target) = TargetName::new(name) else { return outside("it does not take this name of a target") };
    let top = &view.targets.signed;
    let (stated, found) = match top.find_target(&target, false) {
        Ok(found) => (Some((found.length, hex(&found.hashes.sha256))), format!("{} bytes", found.length)),
        Err(_) => (None, String::from("no role that lists it")),
    };
    let ours = file.hashes.known().iter().find_map(|digest| match digest {
        Digest::Sha256(bytes) => Some(hex(bytes)),
        Digest::Sha512(_) => None,
    });
    let Some(ours) = ours else { return outside("it compares SHA-256, and the target has none") };
    if stated.as_ref().is_some_and(|(length, digits)| *length == file.length && *digits == ours) {
        return Opinion::Agrees(());
    }
    if let Some(why) = read_otherwise(top, "targets", client, &target) {
        return outside(why);
    }
    let theirs = stated.map_or(found.clone(), |(_, digits)| format!("{found} with SHA-256 {digits}"));
    Opinion::Disagrees(format!("it finds {theirs}; our own judges {} bytes with SHA-256 {ours}", file.length))
}

/// The first root from which on it can read them all.
fn readable_roots(evidence: &Evidence) -> Result<usize, String> {
    let (mut first, mut why) = (evidence.roots.len(), String::from("there is no root to begin with"));
    for (index, (version, bytes)) in evidence.roots.iter().enumerate().rev() {
        match same_text::<Root>("root", &format!("root version {version}"), bytes) {
            None => first = index,
            Some(reason) => {
                why = reason;
                break;
            }
        }
    }
    if first < evidence.roots.len() { Ok(first) } else { Err(why) }
}

fn unreadable(role: &str, bytes: &[u8]) -> Option<String> {
    match role {
        "timestamp" => same_text::<Timestamp>(role, role, bytes),
        "snapshot" => same_text::<Snapshot>(role, role, bytes),
        _ => same_text::<Targets>(role, role, bytes),
    }
}

/// Why it cannot judge the document, where that is so: it cannot read it, or what it would check the signatures over is not
/// what was signed.
fn same_text<T: Role + serde::de::DeserializeOwned>(role: &str, what: &str, bytes: &[u8]) -> Option<String> {
    let document: Signed<T> = match serde_json::from_slice(bytes) {
        Ok(document) => document,
        Err(error) => return Some(format!("it does not read {what}: {error}")),
    };
    let written = document.signed.canonical_form().ok();
    (written.is_none() || written != signed_text(role, bytes))
        .then(|| format!("it would check the signatures of {what} over another text than the one that was signed"))
}

/// The files by the names under which it will look for them.
fn published(evidence: &Evidence, first: usize, consistent: bool) -> Result<HashMap<String, Bytes>, String> {
    let roots = evidence.roots.iter().skip(first + 1);
    let mut files: HashMap<String, Bytes> =
        roots.map(|(version, bytes)| (format!("{version}.root.json"), Bytes::from(bytes.clone()))).collect();
    for (role, (version, bytes)) in &evidence.files {
        let version = Some(*version).filter(|_| consistent && role != "timestamp");
        let name = names::metadata(role, version).map_err(|refusal| refusal.to_string())?;
        files.insert(name, Bytes::from(bytes.clone()));
    }
    Ok(files)
}

/// Lets it load everything, on a runtime of its own that ends with it.
fn load(root: &[u8], transport: InMemory) -> Result<(tough::Repository, TempDir), Opinion<View>> {
    let unable = |error: &dyn std::fmt::Display| outside(format!("it could not be asked: {error}"));
    let base: Url = "memory:///".parse().map_err(|error: url::ParseError| unable(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build();
    let runtime = runtime.map_err(|error| unable(&error))?;
    // It writes down what it has read. Without a folder of ours it would make one that others may read.
    let private = std::fs::Permissions::from_mode(0o700);
    let scratch = tempfile::Builder::new().prefix("portcullis-tuf-").permissions(private).tempdir();
    let scratch = scratch.map_err(|error| unable(&error))?;
    let limits = Limits {
        max_root_size: MAX_METADATA,
        max_targets_size: MAX_TARGETS,
        max_timestamp_size: MAX_METADATA,
        max_snapshot_size: MAX_METADATA,
        max_root_updates: MAX_ROOTS + 1,
    };
    let loader = RepositoryLoader::new(&root, base.clone(), base)
        .transport(transport)
        .limits(limits)
        .datastore(scratch.path())
        // Expiry was judged by our own clock.
        .expiration_enforcement(ExpirationEnforcement::Unsafe);
    runtime.block_on(loader.load()).map(|loaded| (loaded, scratch)).map_err(opinion_of)
}

/// Which errors say no more than that it does not take such repositories, or could not work. Everything else is a judgement.
fn opinion_of(error: tough::error::Error) -> Opinion<View> {
    use tough::error::Error;
    let words = sentence(&error);
    match &error {
        Error::DatastoreInit { .. } | Error::DatastoreCreate { .. } | Error::DatastoreOpen { .. } => {
            outside(format!("it could not be asked: {words}"))
        }
        Error::TimestampMetaLength { .. } | Error::InvalidPath { .. } => {
            outside(format!("it does not take such repositories: {words}"))
        }
        Error::Transport { source, .. } if source.kind() == TransportErrorKind::FileNotFound => {
            match source.url().rsplit('/').next() {
                Some(name) if !is_top_level(name) => {
                    let why = format!("it opens all delegated roles, and this run did not need {name}");
                    Opinion::Outside { why, pending: true }
                }
                _ => Opinion::Disagrees(words),
            }
        }
        _ => Opinion::Disagrees(words),
    }
}

/// Whether a file name is that of a role of the top level, with a version or without.
fn is_top_level(name: &str) -> bool {
    let plain = match name.split_once('.') {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => name,
    };
    matches!(plain, "root.json" | "timestamp.json" | "snapshot.json" | "targets.json")
}

/// The error with its causes, without backtraces.
fn sentence(error: &dyn std::error::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = next.source();
    }
    text
}

/// Whether a delegation on the way covers the target for the one and not for the other, or could not be opened by it.
fn read_otherwise(targets: &Targets, name: &str, client: &Client, target: &TargetName) -> Option<String> {
    targets.delegations.iter().flat_map(|delegations| &delegations.roles).find_map(|role| {
        let alone = DelegatedRole { targets: None, ..role.clone() };
        let theirs = Delegations { keys: HashMap::new(), roles: vec![alone] }.target_is_delegated(target);
        let ours = client.covers(name, &role.name, target.raw());
        if ours != Some(theirs) {
            return Some(format!("it reads the paths that {name} delegates to {} otherwise", role.name));
        }
        match &role.targets {
            None if theirs => Some(format!("it did not open the role {}", role.name)),
            None => None,
            Some(opened) => read_otherwise(&opened.signed, &role.name, client, target),
        }
    })
}

/// The accepted files, and nothing else. What is not among them was not there, or was not needed: that is known, so that
/// "not found" is the truth.
#[derive(Debug, Clone)]
struct InMemory {
    files: HashMap<String, Bytes>,
}

#[async_trait]
impl Transport for InMemory {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let name = url.path().trim_start_matches('/');
        match self.files.get(name) {
            Some(bytes) => Ok(Box::pin(Once(Some(bytes.clone())))),
            None => Err(TransportError::new(TransportErrorKind::FileNotFound, url)),
        }
    }
}

/// A stream of one piece.
struct Once(Option<Bytes>);

impl futures_core::Stream for Once {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}
