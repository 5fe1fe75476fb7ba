//! `diff OLD --apply DELTA`: writes the bundle that a delta makes of the one that it builds on, whole or not at all.
//!
//! Both are verified before anything is made. Files come from either, each hashed as it is written: what is not byte for byte what
//! was verified ends the run. Where the bundle that comes out has documents of its own, it is verified by itself, in the private
//! folder, before it gets its name.

use super::apart;
use super::interrupt::Interrupt;
use super::plan::{Item, block_bytes, file_mode};
use super::staging::{Staging, Target, is_reserved};
use super::write::Writer;
use super::{UnpackError, Unpacked};
use crate::bundle::step::{Content, Counts, Origin, Piece, Step};
use crate::pipeline::diff::step::verify_part;
use crate::pipeline::error::EnvironmentError;
use crate::pipeline::inspect;
use crate::pipeline::progress::Progress;
use crate::pipeline::scan;
use crate::pipeline::source::Source;
use crate::pipeline::verify::{self, Verification};
use crate::trust::authority::Standing;
use crate::trust::check::{self, Check};
use crate::trust::claims::Outcome;
use crate::trust::clearance::Clearance;
use crate::trust::policy::Policy;
use crate::trust::verdict::Verdict;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What to apply to what, and where the outcome is to lie.
#[derive(Debug, Clone)]
pub struct Request {
    /// The bundle that is there.
    pub old: inspect::Request,
    /// The delta, with that bundle as its base.
    pub delta: inspect::Request,
    /// Where the bundle that comes out is to lie.
    pub to: PathBuf,
    /// Whether a folder that is there is replaced as a whole.
    pub force: bool,
    /// Files and folders besides the two that are read: none may lie in what is replaced.
    pub kept: Vec<PathBuf>,
}

/// What came out.
pub struct Applied {
    /// The answer about the bundle that is there.
    pub old: Verification,
    /// The answer about the delta.
    pub delta: Verification,
    /// Rows about the step, and about what came out.
    pub checks: Vec<Check>,
    /// How many files come from where; `None` where the delta makes nothing of the old bundle.
    pub counts: Option<Counts>,
    /// What was written; `None` where nothing was.
    pub unpacked: Option<Unpacked>,
}

impl Applied {
    /// One verdict for both and for the step: the first failing class in stage order, else the weaker word.
    pub fn verdict(&self) -> Verdict {
        let own = self.checks.iter().filter(|check| check.failed()).map(|check| Verdict::Failed(check.kind.class));
        Verdict::weakest(own.chain([self.old.verdict, self.delta.verdict]))
    }
}

/// Verifies both, each by its policy, the old bundle first, makes the step, and writes what comes out. Where nobody is
/// `trusted`, digests and completeness are required of both, and the verdict is never a good one.
///
/// # Errors
/// Nothing lies under the target then, or what lay there before.
pub fn apply(
    request: &Request,
    [old_policy, policy]: [&Policy; 2],
    trusted: bool,
    progress: &Progress,
) -> Result<Applied, UnpackError> {
    apart::check_name(&request.to)?;
    let target = Target::open(&request.to, request.force)?;
    for read in [&request.old, &request.delta] {
        let source = Source::open(&read.input)?;
        if !source.rereadable() {
            let shown = read.input.display();
            return Err(UnpackError::Usage(format!(
                "{shown} can be read only once, and --apply reads twice; give a file"
            )));
        }
        apart::check_input(&read.input, &source, &request.to)?;
        apart::check_kept(&request.kept, &read.input, read.discover_sidecars, &request.to)?;
    }
    apart::check_mounts(&request.to)?;
    let read = |part: &inspect::Request| inspect::Request { keep_open: true, ..part.clone() };
    let mut applied = Applied {
        old: verify_part(&read(&request.old), (old_policy, trusted), progress)?,
        delta: verify_part(&read(&request.delta), (policy, trusted), progress)?,
        checks: Vec::new(),
        counts: None,
        unpacked: None,
    };
    let leaves = [leave(&applied.old), leave(&applied.delta)];
    let leaves = if let [Some(old), Some(delta)] = leaves { Some([old, delta]) } else { None };
    let (old, delta) = (&applied.old.reading, &applied.delta.reading);
    match Step::of((&old.inventory, &old.bundle), (&delta.inventory, &delta.bundle)) {
        Err(why) => applied.checks.push(Check::fail(check::DELTA_STEP, "", why)),
        Ok(step) => {
            applied.counts = Some(step.counts);
            if let Some(leaves) = leaves {
                match pieces(&applied, &step, &leaves) {
                    Ok(items) => write(request, policy, &step, items, target, &mut applied, progress)?,
                    Err(row) => applied.checks.push(*row),
                }
            }
        }
    }
    Ok(applied)
}

/// Leave to write what comes of one of the two: by what was established, which without trust is as much as was required.
fn leave(part: &Verification) -> Option<Clearance> {
    Clearance::by_verdict(&part.required, &part.established, &part.checks)
}

/// The files to write of either, under the names that they get. The error is the row that says which cannot be.
fn pieces(applied: &Applied, step: &Step, leaves: &[Clearance; 2]) -> Result<[Vec<Item>; 2], Box<Check>> {
    let fail = |path: &[u8], why: &str| Box::new(Check::fail(check::DELTA_STEP, path, why));
    if let Some((path, why)) = step.strays.first() {
        return Err(fail(path, why));
    }
    if let Some(path) = step.lacking.first() {
        return Err(fail(path, "the delta names it, and it is neither in the delta nor in the old bundle"));
    }
    if let Some(path) = step.below_a_file() {
        return Err(fail(path, "it lies below another path that is a file, and no tree can hold both"));
    }
    let mut items = [Vec::new(), Vec::new()];
    let companions = step.companions.iter().map(|(path, entry)| {
        let found = applied.delta.reading.inventory.entry(*entry);
        let content = found.digest().map(|sha256| Content { sha256: *sha256, size: found.size });
        (path, Piece { origin: Origin::Delta, entry: *entry, content })
    });
    for (path, piece) in step.pieces.iter().map(|(path, piece)| (path, *piece)).chain(companions) {
        let (at, part) = match piece.origin {
            Origin::Old => (0, &applied.old),
            Origin::Delta => (1, &applied.delta),
        };
        let entry = part.reading.inventory.entry(piece.entry);
        if part.reading.inventory.sealed.contains_key(&piece.entry) {
            let why = "it is encrypted, and each export encrypts with a key of its own: take the last full mirror";
            return Err(fail(path, why));
        }
        let name = step.root.path(path);
        if is_reserved(&name) {
            return Err(fail(path, "it has a name that unpack gives to folders of its own, which later runs remove"));
        }
        let standing = part.authority.standings.get(piece.entry as usize).copied().unwrap_or(Standing::Unlisted);
        let listed =
            || part.reading.bundle.claims.about(piece.entry).iter().any(|claim| claim.outcome == Outcome::Agrees);
        let standing = match standing {
            Standing::SetAside if listed() => Standing::Listed,
            // Nobody vouches for it, and it is not part of what the delta brings.
            Standing::SetAside if piece.origin == Origin::Old => continue,
            standing => standing,
        };
        let Some(content) = piece.content.filter(|_| leaves[at].covers(standing, false)) else {
            return Err(fail(path, "no document that counts here states its digest, so it is not written"));
        };
        items[at].push(Item {
            entry: piece.entry,
            name,
            sha256: content.sha256,
            size: content.size,
            mode: file_mode(entry),
            mtime: entry.mtime,
            sealed: false,
        });
    }
    Ok(items)
}

fn write(
    request: &Request,
    policy: &Policy,
    step: &Step,
    items: [Vec<Item>; 2],
    target: Target,
    applied: &mut Applied,
    progress: &Progress,
) -> Result<(), UnpackError> {
    let interrupt = Interrupt::listen(&request.to);
    let folders: BTreeSet<&[u8]> = items.iter().flatten().flat_map(|item| folders(&item.name)).collect();
    let bytes = items.iter().flatten().fold(0u64, |sum, item| sum.saturating_add(item.size));
    let needed = block_bytes(folders.len() as u64, items.iter().flatten().map(|item| item.size));
    let free = target.free()?;
    if needed > free {
        return Err(EnvironmentError::NoSpace { path: request.to.clone(), needed, free }.into());
    }
    let mut unpacked = Unpacked {
        to: request.to.clone(),
        files: items.iter().map(|items| items.len() as u64).sum(),
        directories: folders.len() as u64,
        bytes,
        needed,
        ..Unpacked::default()
    };
    let mut staging = Staging::make(target)?;
    let failed = |error| EnvironmentError::write(&request.to, error);
    staging.tree().make_folders(folders.into_iter()).map_err(failed)?;
    for (items, part) in items.iter().zip([&applied.old, &applied.delta]) {
        fill(&staging, items, part, request, &interrupt, progress)?;
    }
    if step.has_documents() {
        let rows = judge(&staging, request, policy, progress)?;
        let wrong = rows.iter().any(Check::failed);
        applied.checks.extend(rows);
        if wrong {
            return Ok(());
        }
    }
    interrupt.check()?;
    staging.publish(request.force)?;
    unpacked.left.extend(staging.finish());
    let words = step_words(step);
    applied.checks.push(Check::pass(check::DELTA_STEP, &step.document, words));
    applied.unpacked = Some(unpacked);
    Ok(())
}

/// What of one of the two comes out, into the staging folder.
fn fill(
    staging: &Staging,
    items: &[Item],
    part: &Verification,
    request: &Request,
    interrupt: &Interrupt,
    progress: &Progress,
) -> Result<(), EnvironmentError> {
    let Some(source) = &part.reading.whole.source else {
        return Err(EnvironmentError::NotReadable { path: request.old.input.clone() });
    };
    let paths = (source.path(), request.to.as_path());
    let writer = Writer::new(staging.tree(), &part.reading.inventory, paths, interrupt, false, items.iter());
    if writer.is_idle() {
        return Ok(());
    }
    let pass = scan::pass_into(source, &request.old.scan, progress, &writer);
    writer.settle(pass)
}

/// Verifies what came out by its own documents, before it gets its name.
fn judge(
    staging: &Staging,
    request: &Request,
    policy: &Policy,
    progress: &Progress,
) -> Result<Vec<Check>, UnpackError> {
    let read = inspect::Request {
        identities: request.old.identities.clone(),
        ..inspect::Request::new(staging.place(), request.old.scan)
    };
    let require = Some(vec![crate::trust::policy::Property::Integrity, crate::trust::policy::Property::Complete]);
    // Who signed the two was judged before; the documents of what comes out may have come with either.
    let found = verify::verify(&read, &Policy { require, max_age: None, ..policy.clone() }, progress)?;
    let told = |row: &Check| {
        let detail = format!("what came out does not hold: {}: {}", row.kind.id, row.detail);
        Check { detail, ..row.clone() }
    };
    let mut rows: Vec<Check> = found.checks.iter().filter(|row| row.failed()).map(told).collect();
    let kind = found.reading.recognition.kind.id();
    if rows.is_empty() {
        let outcome = match found.verdict {
            Verdict::Verified | Verdict::Intact => Ok(format!("what came out holds by its own documents, as {kind}")),
            _ => Err(format!("what came out is not shown to be whole by its own documents, as {kind}")),
        };
        rows.push(Check::of(check::DELTA_STEP, "", outcome));
    }
    Ok(rows)
}

fn step_words(step: &Step) -> String {
    let Counts { added, updated, removed, kept } = step.counts;
    let own = step.left_behind();
    format!("{added} added, {updated} updated, {removed} removed, {kept} as they were{own}")
}

/// The folders that a name lies in, the outermost first.
fn folders(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.iter().enumerate().filter(|(_, c)| **c == b'/').map(|(at, _)| &name[..at])
}
