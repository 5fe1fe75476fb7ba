//! `unpack`: verifies an input and writes what was verified below a folder, whole or not at all.
//!
//! The input is opened once. Where all of it is wanted, the pass that verifies writes too, into a private folder beside the
//! target: what is written is what was hashed. What that pass could not write, a second one reads from the same handle with the
//! same readers, hashing again what it writes: what is not byte for byte what was verified ends the run. Then the folder gets
//! its name in one step; without a good verdict it is removed.

mod ahead;
mod apart;
pub mod apply;
mod artifact;
mod beneath;
mod interrupt;
mod opened;
mod place;
mod plan;
mod spooled;
mod staging;
mod write;

pub use apart::overlap;
pub use plan::Skipped;
pub use spooled::DEFAULT_SPOOL;

use super::error::EnvironmentError;
use super::inspect;
use super::progress::Progress;
use super::scan;
use super::source::Source;
use super::tuf::TufError;
use super::verify::{self, Verification};
use crate::format::anomaly::Defect;
use crate::trust::check::{self, Check, Class};
use crate::trust::clearance::Clearance;
use crate::trust::policy::Policy;
use crate::trust::verdict::Verdict;
use ahead::Done;
use artifact::Artifact;
use interrupt::Interrupt;
use place::Place;
use plan::{Item, Plan};
use staging::{Staging, Target};
use std::io;
use std::path::{Path, PathBuf};
use write::{Writer, named};

pub use staging::PREFIX;

/// What to unpack, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is read, as for `verify`.
    pub read: inspect::Request,
    /// Where the tree is to lie.
    pub to: Option<PathBuf>,
    /// Where the databases of Trivy are to lie, as a scanner's cache has them. One of the two is given.
    pub artifact: Option<PathBuf>,
    /// Whether a folder that is there is replaced as a whole.
    pub force: bool,
    /// Globs of the entries that are wanted; none: all.
    pub only: Vec<String>,
    /// Leading components of names that are left out.
    pub strip_components: usize,
    /// Whether only to say what would be written.
    pub dry_run: bool,
    /// Whether what was not verified is written too.
    pub unverified: bool,
    /// Whether entries that nobody vouches for are written too.
    pub include_set_aside: bool,
    /// Whether links that stay inside are made.
    pub links_inside: bool,
    /// Whether files and folders get the times of their entries.
    pub preserve_times: bool,
    /// Files and folders besides the input that are read or kept: none may lie in what is replaced.
    pub kept: Vec<PathBuf>,
    /// Most bytes of an input that cannot be read twice.
    pub max_spool: u64,
}

/// What was written, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Where.
    pub to: PathBuf,
    /// Where the databases of Trivy went besides.
    pub artifact: Option<PathBuf>,
    /// Whether nothing was written, because that was all that was asked for.
    pub dry_run: bool,
    /// Files, copies for hard links among them.
    pub files: u64,
    /// Folders, without the target itself.
    pub directories: u64,
    /// Symbolic links.
    pub links: u64,
    /// Files that were decrypted.
    pub decrypted: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes that this takes on a usual file system.
    pub needed: u64,
    /// Bytes that were free before; told of a dry run, since it changes from run to run.
    pub free: Option<u64>,
    /// What was left out.
    pub skipped: Skipped,
    /// Folders in which something of a tree that was replaced could not be removed.
    pub left: Vec<PathBuf>,
}

impl Unpacked {
    fn count(&mut self, plan: &Plan) {
        let hard = plan.links.iter().filter(|link| link.hard).count() as u64;
        self.files = plan.files.len() as u64 + hard;
        self.directories = plan.folders.len() as u64;
        self.links = plan.links.len() as u64 - hard;
        self.decrypted = plan.files.iter().filter(|item| item.sealed).count() as u64;
        self.bytes = plan.bytes();
        self.needed = plan.needed(|_| false);
        self.skipped = plan.skipped;
    }
}

/// What came out.
pub struct Run {
    /// The answer about the input.
    pub verification: Verification,
    /// What was written; `None` where the verdict gave no leave.
    pub unpacked: Option<Unpacked>,
}

/// Why nothing was written, besides the verdict.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The options do not fit the bundle or the place.
    #[error("{0}")]
    Usage(String),
    /// The environment failed, or the TUF options did.
    #[error(transparent)]
    Verify(#[from] TufError),
}

impl From<EnvironmentError> for UnpackError {
    fn from(error: EnvironmentError) -> Self {
        UnpackError::Verify(error.into())
    }
}

/// Verifies the input and writes it.
///
/// # Errors
/// Nothing lies under the target then, or what lay there before.
pub fn unpack(request: &Request, policy: &Policy, progress: &Progress) -> Result<Run, UnpackError> {
    let places: Vec<&Path> = request.to.iter().chain(&request.artifact).map(PathBuf::as_path).collect();
    let Some(first) = places.first() else { return Err(UnpackError::Usage("give --to DIR or --artifact DIR".into())) };
    places.iter().try_for_each(|place| apart::check_name(place))?;
    if let [one, other] = places[..]
        && overlap(one, other)
    {
        return Err(UnpackError::Usage("--to and --artifact lie in one another; give two places".into()));
    }
    let open = |path: &Option<PathBuf>| path.as_ref().map(|path| Target::open(path, request.force)).transpose();
    let (tree, databases) = (open(&request.to)?, open(&request.artifact)?);
    let source = Source::open(&request.read.input)?;
    for place in &places {
        apart::check_input(&request.read.input, &source, place)?;
        apart::check_kept(&request.kept, &request.read.input, request.read.discover_sidecars, place)?;
        apart::check_mounts(place)?;
    }
    let (source, over) = match source {
        Source::Stream { .. } => spooled::spool(source, first, request.dry_run, request.max_spool)?,
        source => (source, false),
    };
    // Neither a rehearsal nor a run that counts as not verified moves on what later runs begin with.
    let datastore_as_is = request.dry_run || request.unverified;
    let read = inspect::Request { keep_open: true, datastore_as_is, ..request.read.clone() };
    let interrupt = place::is_written_ahead(request).then(|| Interrupt::listen(first));
    let tree = tree.map(|target| Place::prepare(request, target, &source, interrupt.as_ref())).transpose()?;
    let copyist = tree.as_ref().and_then(Place::copyist);
    let mut verification = verify::verify_opened(source, &read, policy, copyist, progress)?;
    interrupt.as_ref().map_or(Ok(()), Interrupt::check)?;
    if over {
        let detail = format!(
            "more than {} bytes, which is the most that is kept of an input that cannot be read twice; \
                              give it as a file, or raise --max-bytes",
            request.max_spool
        );
        let row = Check::fail(check::of_defect(Defect::LimitBytes), "", detail);
        verification.checks.insert(0, row);
        verification.verdict = Verdict::Failed(Class::Container);
    }
    let source = verification.reading.whole.source.take();
    let (Some(clearance), Some(source)) = (clear(&mut verification, request.unverified), source) else {
        return Ok(Run { verification, unpacked: None });
    };
    let tree = match tree {
        Some(place) => Some((place, Plan::of(&verification, &clearance, request)?)),
        None => None,
    };
    let databases = match databases {
        Some(target) => Some((target, Artifact::of(&verification, &clearance)?)),
        None => None,
    };
    let unpacked = write(request, &verification, &source, (tree, databases), interrupt.as_ref(), progress)?;
    Ok(Run { verification, unpacked: Some(unpacked) })
}

/// Leave to write. With the waiver the verdict is no longer a good one, whatever was established.
fn clear(verification: &mut Verification, unverified: bool) -> Option<Clearance> {
    let good = matches!(verification.verdict, Verdict::Verified | Verdict::Intact);
    if !unverified {
        let Verification { required, established, checks, .. } = &*verification;
        return Clearance::by_verdict(required, established, checks).filter(|_| good);
    }
    verification.waivers.push("--unverified: what was unpacked counts as not verified".into());
    if good {
        verification.verdict = Verdict::NotVerified;
    }
    Clearance::by_waiver(&verification.checks)
}

type Places<'a> = (Option<(Place<'a>, Plan)>, Option<(Target, Artifact)>);

fn write(
    request: &Request,
    verification: &Verification,
    source: &Source,
    (tree, databases): Places<'_>,
    interrupt: Option<&Interrupt>,
    progress: &Progress,
) -> Result<Unpacked, UnpackError> {
    let mut unpacked = Unpacked {
        to: request.to.iter().chain(&request.artifact).next().cloned().unwrap_or_default(),
        artifact: request.artifact.clone().filter(|_| request.to.is_some()),
        dry_run: request.dry_run,
        ..Unpacked::default()
    };
    if let Some((_, plan)) = &tree {
        unpacked.count(plan);
    }
    let mut beside = 0;
    if let Some((_, artifact)) = &databases {
        let (files, folders, bytes) = artifact.counts();
        unpacked.files += files;
        unpacked.decrypted += artifact.decrypted();
        unpacked.directories += folders;
        unpacked.bytes = unpacked.bytes.saturating_add(bytes);
        unpacked.needed = unpacked.needed.saturating_add(bytes);
        beside = bytes;
    }
    if request.dry_run {
        let targets = tree.iter().map(|(place, _)| place.target()).chain(databases.iter().map(|(target, _)| target));
        unpacked.free = Some(least_free(targets)?);
        return Ok(unpacked);
    }
    let own = interrupt.is_none().then(|| Interrupt::listen(&unpacked.to));
    let Some(interrupt) = interrupt.or(own.as_ref()) else { return Ok(unpacked) };
    let tree = match tree {
        Some((place, plan)) => Some((place.stage(&plan)?, plan)),
        None => None,
    };
    let targets =
        tree.iter().map(|((staging, _), _)| staging.target()).chain(databases.iter().map(|(target, _)| target));
    let free = least_free(targets)?;
    let left = tree.as_ref().map_or(0, |((_, done), plan)| plan.needed(|item| done.has(item)));
    let needed = left.saturating_add(beside);
    if needed > free {
        return Err(EnvironmentError::NoSpace { path: unpacked.to, needed, free }.into());
    }
    let mut whole = Vec::new();
    if let Some(((staging, done), plan)) = tree {
        fill(request, verification, source, &plan, (&staging, &done), interrupt, progress)?;
        whole.push(staging);
    }
    if let Some((target, artifact)) = databases {
        let staging = Staging::make(target)?;
        artifact.fill(request, verification, source, &staging, interrupt, progress)?;
        whole.push(staging);
    }
    interrupt.check()?;
    unpacked.left.extend(publish(whole, request.force)?);
    Ok(unpacked)
}

/// Gives all of them their names, or none. Returns the folders in which something could not be removed.
fn publish(mut whole: Vec<Staging>, force: bool) -> Result<Vec<PathBuf>, EnvironmentError> {
    for number in 0..whole.len() {
        let Err(error) = whole[number].publish(force) else { continue };
        for staging in whole.into_iter().take(number) {
            let path = staging.target().path().to_path_buf();
            if staging.take_back().is_err() {
                return Err(EnvironmentError::Partly { path, source: Box::new(error) });
            }
        }
        return Err(error);
    }
    Ok(whole.into_iter().filter_map(Staging::finish).collect())
}

/// Bytes that are free at the one of `targets` that has the fewest.
fn least_free<'a>(targets: impl Iterator<Item = &'a Target>) -> Result<u64, EnvironmentError> {
    Ok(targets.map(Target::free).collect::<Result<Vec<u64>, _>>()?.into_iter().min().unwrap_or(0))
}

/// Everything that the plan names and that is not there yet, into the staging folder.
fn fill(
    request: &Request,
    verification: &Verification,
    source: &Source,
    plan: &Plan,
    (staging, done): (&Staging, &Done),
    interrupt: &Interrupt,
    progress: &Progress,
) -> Result<(), EnvironmentError> {
    let (tree, target) = (staging.tree(), staging.target().path());
    let failed = |error: io::Error| EnvironmentError::write(target, error);
    let folders = plan.folders.iter().map(Vec::as_slice);
    tree.make_folders(folders.filter(|name| !done.has_folder(name))).map_err(failed)?;
    let inventory = &verification.reading.inventory;
    let writer = |sealed: bool| {
        let is_left = move |item: &&Item| item.sealed == sealed && !done.has(item);
        let items = plan.files.iter().filter(is_left);
        Writer::new(tree, inventory, (source.path(), target), interrupt, request.preserve_times, items)
    };
    let plain = writer(false);
    if !plain.is_idle() {
        let pass = scan::pass_into(source, &request.read.scan, progress, &plain);
        plain.settle(pass)?;
    }
    let sealed = writer(true);
    if !sealed.is_idle() {
        let pass = opened::write(source, verification, request, &plan.files, &sealed);
        sealed.settle(pass)?;
    }
    for link in &plan.links {
        interrupt.check()?;
        let outcome = if link.hard { copy(staging, &link.to, &link.name) } else { tree.link(&link.to, &link.name) };
        outcome.map_err(|error| EnvironmentError::write(named(target, &link.name), error))?;
    }
    if request.preserve_times {
        // The deepest first: what is made in a folder changes its time.
        for (name, mtime) in plan.times.iter().rev() {
            tree.set_time(name, *mtime).map_err(failed)?;
        }
    }
    Ok(())
}

/// A copy of a file that was written, in place of a hard link to it.
fn copy(staging: &Staging, from: &[u8], to: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut source = staging.tree().open(from)?;
    let mode = source.metadata()?.permissions().mode() & 0o777;
    let mut copy = staging.tree().create(to, mode)?;
    io::copy(&mut source, &mut copy).map(|_| ())
}
