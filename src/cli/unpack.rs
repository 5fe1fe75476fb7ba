//! `portcullis unpack`.

use super::anchors::AnchorArgs;
use super::cage::CageArgs;
use super::common::{InputArgs, OutputArgs, PolicyArgs};
use super::display;
use super::exit::Failure;
use crate::pipeline::cage::Cage;
use crate::pipeline::unpack::{self, DEFAULT_SPOOL, Request, UnpackError};
use crate::report::{Outcome, Report, Subject};
use crate::trust::terms;
use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// Options of the verb.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    anchors: AnchorArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    cage: CageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Where to, and what.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Unpacking")]
struct TargetArgs {
    /// The folder that is to hold the content: absent or empty, or with --force replaced as a whole
    #[arg(long, value_name = "DIR", required_unless_present = "artifact")]
    to: Option<PathBuf>,
    /// The folder that is to hold a Trivy database as a scanner's cache does: trivy.db and metadata.json
    #[arg(long, value_name = "DIR")]
    artifact: Option<PathBuf>,
    /// Only entries with this name, or in a folder with this name (repeatable)
    #[arg(long, value_name = "GLOB", value_parser = terms::glob, requires = "to")]
    only: Vec<String>,
    /// Leave out the first N components of each name
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, requires = "to")]
    strip_components: usize,
    /// Verify, and say what would be written and how much room that takes; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write also what could not be verified, as long as nothing is proven wrong; never exits with 0
    #[arg(long)]
    unverified: bool,
    /// Write also files that nobody vouches for: those set aside, and those that --allow-extra waives
    #[arg(long)]
    include_set_aside: bool,
    /// Make links that stay inside; without it a bundle with links is refused
    #[arg(long, value_enum, value_name = "WHICH", requires = "to")]
    links: Option<Links>,
    /// Give files and folders the times that the bundle states
    #[arg(long)]
    preserve_times: bool,
}

/// Values of `--links`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Links {
    /// Links that lead to a place below the target
    Inside,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let (name, at) = (args.input.name(), args.output.now());
    let cage = args.cage.enter(&args.places());
    let table = args.policy.exit_codes;
    let failed = |failure: Failure| args.output.failure(failure.under(table), "unpack", &name);
    let read: Vec<&Path> = args.input.files().chain(args.anchors.files()).chain(args.policy.files()).collect();
    let targets = || args.target.to.iter().chain(&args.target.artifact);
    args.output.check_apart(targets()).map_err(|f| args.output.refusal(f.under(table), "unpack", &name))?;
    args.output.check(&read).map_err(|f| args.output.refusal(f.under(table), "unpack", &name))?;
    let kept = read.iter().copied().filter(|file| *file != args.input.input).chain(args.policy.datastore());
    let kept = kept.map(PathBuf::from).collect();
    let read = args.input.request().and_then(|request| args.policy.extend(request)).map_err(failed)?;
    let mut policy = args.anchors.policy(at).map_err(failed)?;
    args.policy.apply(&mut policy);
    let limits = read.scan.limits;
    let target = &args.target;
    let request = Request {
        read,
        to: target.to.clone(),
        artifact: target.artifact.clone(),
        force: args.output.force,
        only: target.only.clone(),
        strip_components: target.strip_components,
        dry_run: target.dry_run,
        unverified: target.unverified,
        include_set_aside: target.include_set_aside,
        links_inside: target.links == Some(Links::Inside),
        preserve_times: target.preserve_times,
        kept,
        max_spool: args.input.limits.max_bytes().unwrap_or(DEFAULT_SPOOL),
    };
    let run = display::during(args.output.progress, |progress| unpack::unpack(&request, &policy, progress))
        .map_err(|error| failed(error.into()))?;
    let verdict = run.verification.verdict;
    let exit_code = table.of_verdict(verdict);
    let report = Report {
        command: "unpack",
        at,
        subject: Subject { name: name.clone() },
        outcome: Outcome::Verified(&run.verification),
        unpacked: run.unpacked.as_ref(),
        exit_code,
        limits,
        cage,
    };
    // What was published stays: a report that cannot be written takes nothing back.
    let there = run.unpacked.as_ref().filter(|unpacked| !unpacked.dry_run).map(|unpacked| unpacked.to.as_path());
    let noted = |failure: Failure| match there {
        Some(to) => failure.noting(&format!("what was unpacked to {} is whole and stays", to.display())),
        None => failure,
    };
    args.output
        .write(&report)
        .map_err(noted)
        .map_err(|f| args.output.write_failure(f.under(table), "unpack", &name))?;
    display::ended(args.output.progress, verdict);
    Ok(exit_code)
}

impl Args {
    /// Where the run writes: the report, TUF state, copies of databases and of pipes, and beside the target, where the tree is
    /// built before it gets its name.
    fn places(&self) -> Cage {
        let target = &self.target;
        let cage = self.policy.cage(self.output.cage().temporary());
        let cage = cage.beside(target.to.as_deref()).beside(target.artifact.as_deref());
        if target.links.is_some() { cage.with_links() } else { cage }
    }
}

impl From<UnpackError> for Failure {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::Usage(why) => Failure::usage(why),
            UnpackError::Verify(error) => error.into(),
        }
    }
}
