//! `portcullis diff`.

use super::anchors::AnchorArgs;
use super::apply;
use super::cage::CageArgs;
use super::common::{LimitArgs, OutputArgs, file_name, found_beside, identities, kind_id, property, read_root};
use super::display;
use super::exit::Failure;
use crate::bundle::changes::stated::Stated;
use crate::bundle::changes::unified::MAX_UNIFIED;
use crate::format::path;
use crate::format::time::{self, Time};
use crate::pipeline::diff::{self, Comparison, ListsError};
use crate::pipeline::inspect::Request;
use crate::pipeline::revocation;
use crate::pipeline::scan::{ScanOptions, SubjectDigest};
use crate::pipeline::source;
use crate::report::diff::DiffReport;
use crate::report::json;
use crate::report::text::diff::{Detail, write as write_text, write_unified};
use crate::trust::policy::{Policy, Property};
use crate::trust::terms;
use crate::trust::verdict::Verdict;
use clap::ValueEnum;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// The verb in reports.
const COMMAND: &str = "diff";
/// Exit code where something is different.
const DIFFERENT: u8 = 1;

/// What `--fail-on` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum FailOn {
    /// A step back: older, lower, fewer, weaker, or gone
    Regression,
    /// An entry was added
    Added,
    /// An entry was removed
    Removed,
    /// An entry was changed, moved or re-moded
    Changed,
    /// A vulnerability or advisory of severity CRITICAL was removed
    CriticalRemoved,
}

/// The text of one document on the old side and on the new.
type Texts = [Option<Vec<u8>>; 2];

/// Options of the verb.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The bundle or revocation list that is there: file, directory, or - for standard input
    old: PathBuf,
    /// What is to replace it: file, directory, or - for standard input
    #[arg(required_unless_present = "apply", conflicts_with = "apply")]
    new: Option<PathBuf>,
    /// Show that this delta is exactly the step from OLD to NEW: nothing missing, nothing too much
    #[arg(long, value_name = "DELTA", help_heading = "Delta", conflicts_with_all = ["apply", "manifests_only"])]
    delta: Option<PathBuf>,
    /// Apply this delta to OLD, and write what comes out to the folder that --to names
    #[arg(long, value_name = "DELTA", help_heading = "Delta", requires = "to",
          conflicts_with_all = ["fail_on", "stat", "name_only", "unified", "entries", "manifests_only"])]
    apply: Option<PathBuf>,
    /// Where what comes out of --apply is to lie: made whole, or not at all; with --force what is there is replaced
    #[arg(long, value_name = "DIR", help_heading = "Delta", requires = "apply")]
    to: Option<PathBuf>,
    /// Skip detection and take both for this kind
    #[arg(long, value_name = "ID", value_parser = kind_id, help_heading = "Input")]
    kind: Option<&'static str>,
    /// Do not look for well-known files beside the two
    #[arg(long, help_heading = "Input")]
    no_sidecars: bool,
    /// age identities that open encrypted entries, as age-keygen writes them
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    identity: Option<PathBuf>,
    /// Also hash the two files themselves (a second hash of every byte)
    #[arg(long, help_heading = "Input")]
    subject_digest: bool,
    /// Compare what the manifests of both state, and read nothing else: fast, and no proof of what lies there
    #[arg(long, help_heading = "Input", conflicts_with_all = ["unified", "subject_digest", "identity"])]
    manifests_only: bool,
    /// Worker threads [default: cores]
    #[arg(long, value_name = "N", help_heading = "Input")]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    anchors: AnchorArgs,
    /// The TUF root that you trust, for bundles that carry TUF metadata
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    tuf_root: Option<PathBuf>,
    /// What must be established of both: integrity,complete,signature and so on, as for verify
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = property, help_heading = "Policy")]
    require: Option<Vec<Property>>,
    /// Waive entries that no document lists (repeatable)
    #[arg(long, value_name = "GLOB", value_parser = terms::glob, help_heading = "Policy")]
    allow_extra: Vec<String>,
    /// A new side older than this is stale: 7d, 72h
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, help_heading = "Policy")]
    max_age: Option<i64>,
    /// Exit with 1 for these only, and with 0 for other differences (repeatable)
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',', help_heading = "Policy")]
    fail_on: Vec<FailOn>,
    /// Text: counts only
    #[arg(long, help_heading = "Report", conflicts_with_all = ["name_only", "entries"])]
    stat: bool,
    /// Text: the path of each entry that is different, one a line, and nothing else
    #[arg(long, help_heading = "Report", conflicts_with_all = ["entries", "json"])]
    name_only: bool,
    /// Text: the lines of this document that are different, and nothing else
    #[arg(long, value_name = "PATH", help_heading = "Report", conflicts_with_all = ["entries", "json", "stat", "name_only"])]
    unified: Option<PathBuf>,
    #[command(flatten)]
    cage: CageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let (name, at) = (file_name(&args.old), args.output.now());
    let failed = |failure: Failure| args.output.failure(failure, COMMAND, &name);
    let cage = args.cage.enter(&args.output.cage().temporary().beside(args.to.as_deref()));
    let beside: Vec<PathBuf> = args.inputs().flat_map(|side| args.beside(side)).collect();
    let read: Vec<&Path> = args.files().into_iter().chain(beside.iter().map(PathBuf::as_path)).collect();
    args.output.check_apart(args.to.iter()).map_err(|failure| args.output.refusal(failure, COMMAND, &name))?;
    args.output.check(&read).map_err(|failure| args.output.refusal(failure, COMMAND, &name))?;
    args.check_pipes().map_err(failed)?;
    args.check_unread().map_err(failed)?;
    let Some(new) = &args.new else {
        let policies = args.policies(at).map_err(failed)?;
        return apply::run(args.application(policies, at).map_err(failed)?, &cage);
    };
    let [old, new] = &args.requests([&args.old, new]).map_err(failed)?;
    let lists = args.kind.is_none() && diff::are_lists(old, new).map_err(|error| failed(error.into()))?;
    if lists {
        args.check_for_lists().map_err(failed)?;
    }
    let policies = args.policies(at).map_err(failed)?;
    let delta = args.delta.as_ref().map(|delta| args.delta_request(delta, old, policies.as_ref(), at));
    let delta = delta.transpose().map_err(failed)?;
    let policies = policies.as_ref().map(|[old, new]| (old, new));
    let delta = delta.as_ref().map(|(request, policy)| (request, policy));
    let comparison = if lists {
        diff::diff_lists(old, new, policies).map_err(|error| failed(error.into()))?
    } else {
        display::during(args.output.progress, |progress| diff::diff(old, new, policies, delta, progress))
            .map_err(|error| failed(error.into()))?
    };
    speaking(&comparison).map_err(failed)?;
    let names = [Some(&args.old), args.new.as_ref(), args.delta.as_ref()];
    let names = names.map(|path| path.map(|path| file_name(path)).unwrap_or_default());
    let mut report = DiffReport::new(&comparison, names, at, old.scan.limits, &cage);
    report.conditions = args.conditions(&comparison, lists);
    report.exit_code = exit_code(&comparison, &report);
    let detail = args.detail();
    let texts = args.texts(&comparison, [old, new]).map_err(failed)?;
    args.output
        .emit(|style, form, out| match (form, &texts) {
            (_, Some((path, texts))) => write_unified(path, texts, out),
            (super::common::Format::Json, None) => json::diff::write(&report, out),
            (super::common::Format::Text, None) => write_text(&report, style, detail, out),
        })
        .map_err(|failure| args.output.write_failure(failure, COMMAND, &name))?;
    display::ended(args.output.progress, comparison.verdict());
    Ok(report.exit_code)
}

impl From<ListsError> for Failure {
    fn from(error: ListsError) -> Self {
        match error {
            ListsError::Environment(error) => error.into(),
            ListsError::Mixed(_) => Failure::usage(error.to_string()),
        }
    }
}

/// Refuses to compare by manifests what has none: no difference would be found, and that would mean nothing.
fn speaking(comparison: &Comparison) -> Result<(), Failure> {
    match diff::silent(comparison)[..] {
        [] => Ok(()),
        [(side, why)] => {
            Err(Failure::usage(format!("the {side} side {why}; leave out --manifests-only to compare the contents")))
        }
        [(_, why), ..] => Err(Failure::usage(format!(
            "neither side can be compared by manifests: the old one {why}; leave out --manifests-only to compare the contents"
        ))),
    }
}

/// That of the verdict first, then 1 where something is different, or where a condition that was asked for is met.
fn exit_code(comparison: &Comparison, report: &DiffReport<'_>) -> u8 {
    let verdict = comparison.verdict();
    match verdict {
        Verdict::Failed(class) => class.exit_code(),
        Verdict::NotVerified if report.is_verified() => verdict.exit_code(),
        _ if comparison.proof.as_ref().is_some_and(|proof| !proof.holds()) => Verdict::NotVerified.exit_code(),
        // That the two are different is what a delta is for: the question was whether it is the step.
        _ if report.conditions.is_empty() && comparison.proof.is_some() => 0,
        _ if report.conditions.is_empty() => u8::from(!comparison.is_identical()) * DIFFERENT,
        _ => u8::from(report.conditions.iter().any(|(_, met)| *met)) * DIFFERENT,
    }
}

impl Args {
    /// The bundles.
    fn inputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.old).chain(&self.new).chain(&self.delta).chain(&self.apply)
    }

    /// Files that are read.
    fn files(&self) -> Vec<&Path> {
        let own = self.inputs().chain(&self.identity).chain(&self.tuf_root);
        own.map(PathBuf::as_path).chain(self.anchors.files()).collect()
    }

    /// Standard input can be read once.
    fn check_pipes(&self) -> Result<(), Failure> {
        let is_pipe = |path: &&PathBuf| path.as_os_str() == "-";
        if self.inputs().filter(is_pipe).count() > 1 {
            let why = "standard input can be one side only; name a file or directory for the other";
            return Err(Failure::usage(why));
        }
        let based = self.delta.is_some() || self.apply.is_some();
        let twice = std::iter::once(&self.old).filter(|_| based).chain(&self.apply);
        if let Some(once) = twice.into_iter().find(|path| is_pipe(path) || source::is_read_once(path)) {
            let why =
                "can be read only once, and the bundle that a delta builds on is read twice, as is what --apply writes";
            return Err(Failure::usage(format!("{} {why}; give files", once.display())));
        }
        Ok(())
    }

    /// How a delta on `old` is read, and by which policy it is verified: that of the new side, or one that trusts nobody.
    fn delta_request(
        &self,
        delta: &Path,
        old: &Request,
        policies: Option<&[Policy; 2]>,
        at: Time,
    ) -> Result<(Request, Policy), Failure> {
        let policy = match policies {
            Some([_, new]) => new.clone(),
            None => self.anchors.policy(at)?,
        };
        let base = Some(old.input.clone());
        // A kind that was forced is that of the bundles; a mirror's delta is never of the kind of what it builds on.
        Ok((Request { input: delta.into(), base, kind: None, keep_databases: false, ..old.clone() }, policy))
    }

    /// What is needed to apply a delta in place of comparing two bundles.
    fn application(&self, policies: Option<[Policy; 2]>, at: Time) -> Result<apply::Plan<'_>, Failure> {
        let (Some(delta), Some(to)) = (&self.apply, &self.to) else {
            return Err(Failure::usage("give the new bundle, or --apply DELTA and --to DIR"));
        };
        let [old, _] = self.requests([&self.old, delta])?;
        let (delta_request, policy) = self.delta_request(delta, &old, policies.as_ref(), at)?;
        let own = [&self.old, delta];
        let kept = self.files().into_iter().map(PathBuf::from).filter(|file| !own.contains(&file)).collect();
        let read = [Request { keep_databases: false, ..old }, delta_request];
        let (old, trusted, output) = (self.old.as_path(), policies.is_some(), &self.output);
        // That the old bundle is old is why there is a delta.
        let policies = [policies.map_or_else(|| policy.clone(), |[old, _]| old), policy];
        Ok(apply::Plan { old, delta, to, kept, read, policies, trusted, output })
    }

    /// Nothing can be verified where nothing is read.
    fn check_unread(&self) -> Result<(), Failure> {
        if self.manifests_only && (self.asks_for_trust() || self.anchors.beyond_public_keys().next().is_some()) {
            return Err(Failure::usage(
                "--manifests-only reads no content, so nothing can be verified with it; leave it out, or leave out the options \
                 about keys, trust and requirements",
            ));
        }
        Ok(())
    }

    /// Files that may be read beside one side, be it a bundle or a revocation list.
    fn beside(&self, side: &Path) -> Vec<PathBuf> {
        let mut found = found_beside(side, self.no_sidecars);
        found.extend(revocation::beside(side).into_iter().filter(|_| !self.no_sidecars));
        found
    }

    fn requests(&self, inputs: [&PathBuf; 2]) -> Result<[Request; 2], Failure> {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let scan = ScanOptions {
            limits: self.limits.limits(),
            // More threads than this gain nothing and only cost memory.
            jobs: self.jobs.map_or_else(cores, NonZeroUsize::get).min(256),
            subject: if self.subject_digest { SubjectDigest::Sha256 } else { SubjectDigest::None },
            sha512: false,
        };
        let identities = identities(self.identity.as_deref())?;
        let tuf_root = self.tuf_root.as_deref().map(read_root).transpose()?;
        Ok(inputs.map(|input| Request {
            discover_sidecars: !self.no_sidecars,
            kind: self.kind,
            identities: identities.clone(),
            tuf_root: tuf_root.clone(),
            keep_databases: !self.manifests_only,
            documents_only: self.manifests_only,
            ..Request::new(input, scan)
        }))
    }

    /// Whether any option says whom to trust or what to require, so that both sides are to be verified.
    fn asks_for_trust(&self) -> bool {
        let asked = self.require.is_some() || self.max_age.is_some() || !self.allow_extra.is_empty();
        asked || self.anchors.are_given() || self.tuf_root.is_some()
    }

    /// Refuses what has no meaning for revocation lists: they are signed by public keys alone, and have no entries.
    fn check_for_lists(&self) -> Result<(), Failure> {
        let own = [
            ("--tuf-root", self.tuf_root.is_some()),
            ("--require", self.require.is_some()),
            ("--allow-extra", !self.allow_extra.is_empty()),
            ("--manifests-only", self.manifests_only),
            ("--delta", self.delta.is_some()),
            ("--unified", self.unified.is_some()),
            ("--identity", self.identity.is_some()),
        ];
        let own = own.into_iter().filter(|(_, given)| *given).map(|(name, _)| name);
        let refused: Vec<&str> = self.anchors.beyond_public_keys().chain(own).collect();
        if refused.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "both sides are revocation lists, which --key and --max-age are for; leave out {}",
            refused.join(", ")
        )))
    }

    /// A policy for either side, where any option says whom to trust or what to require.
    fn policies(&self, at: Time) -> Result<Option<[Policy; 2]>, Failure> {
        if !self.asks_for_trust() {
            return Ok(None);
        }
        let mut policy = self.anchors.policy(at)?;
        policy.require = self.require.clone();
        policy.allow_extra = self.allow_extra.clone();
        // That the old side is old is why there is a new one.
        let old = policy.clone();
        policy.max_age = self.max_age;
        Ok(Some([old, policy]))
    }

    /// The document that `--unified` names, and its text on both sides.
    fn texts(&self, comparison: &Comparison, requests: [&Request; 2]) -> Result<Option<(Vec<u8>, Texts)>, Failure> {
        let Some(path) = &self.unified else { return Ok(None) };
        let name = path::normal(path.as_os_str().as_encoded_bytes()).to_vec();
        let texts = diff::texts(comparison, requests, &name)?;
        if texts.iter().all(Option::is_none) {
            let path = path.display();
            return Err(Failure::usage(format!(
                "--unified {path}: neither side has a file of that name with at most {MAX_UNIFIED} bytes"
            )));
        }
        Ok(Some((name, texts)))
    }

    /// Of two revocation lists (`lists`) the revocations are counted, of bundles the entries.
    fn conditions(&self, comparison: &Comparison, lists: bool) -> Vec<(&'static str, bool)> {
        let mut asked = self.fail_on.clone();
        asked.sort();
        asked.dedup();
        let Some(changes) = &comparison.changes else { return Vec::new() };
        let counts = changes.counts();
        // By manifests, a path that is named on both sides is changed where a file lies on one side only.
        let stated = changes.stated.as_ref();
        let appeared = stated.is_some_and(Stated::has_appeared);
        let vanished = stated.is_some_and(Stated::has_vanished);
        let rows = changes.meaning.documents.changes.iter().filter(|_| lists);
        let [came, went, differ] =
            rows.fold([0; 3], |[a, b, c], rows| [a + rows.added, b + rows.removed, c + rows.changed]);
        let met = |condition: &FailOn| match condition {
            FailOn::Regression => ("regression", changes.identity.regressions > 0),
            FailOn::Added => ("added", counts.added + came > 0 || appeared),
            FailOn::Removed => ("removed", counts.removed + went > 0 || vanished),
            FailOn::Changed => {
                ("changed", counts.changed + counts.moved + counts.remoded + counts.not_comparable + differ > 0)
            }
            FailOn::CriticalRemoved => ("critical-removed", changes.meaning.critical_removed() > 0),
        };
        asked.iter().map(met).collect()
    }

    fn detail(&self) -> Detail {
        match (self.stat, self.name_only, self.output.entries) {
            (true, ..) => Detail::Stat,
            (_, true, _) => Detail::NameOnly,
            (.., true) => Detail::Entries,
            _ => Detail::Usual,
        }
    }
}
