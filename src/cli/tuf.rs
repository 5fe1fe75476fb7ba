//! `portcullis tuf verify`.

use super::cage::CageArgs;
use super::common::{self, OutputArgs, file_name};
use super::exit::Failure;
use super::output;
use crate::format::limits::Limits;
use crate::pipeline::cage::Cage;
use crate::pipeline::source::read_small;
use crate::pipeline::tuf::{self, Probe, Request, TufError};
use crate::report::json;
use std::path::{Path, PathBuf};

/// The verb in reports.
const COMMAND: &str = "tuf verify";

/// Verbs about TUF repositories.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Verify one TUF repository that lies in folders, and targets of it
    Verify(Args),
}

/// Options of the verb.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("trust").required(true).multiple(true).args(["tuf_root", "datastore"]))]
pub(super) struct Args {
    /// The repository's metadata, under its published file names
    #[arg(long, value_name = "DIR")]
    metadata_dir: PathBuf,
    /// The repository's target files: HASH.NAME or NAME
    #[arg(long, value_name = "DIR")]
    targets_dir: Option<PathBuf>,
    /// The root metadata that you trust: starts a new trust
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    tuf_root: Option<PathBuf>,
    /// State of earlier runs (rollback protection); changed only by what verified
    #[arg(long, value_name = "DIR", help_heading = "Trust")]
    datastore: Option<PathBuf>,
    /// Verify this target too (repeatable, in order, stopping at the first failure)
    #[arg(long, value_name = "NAME", requires = "targets_dir")]
    target: Vec<String>,
    /// Copy verified targets here, each under its URL-quoted name
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write the list of all repository files that were looked for, as JSON, also on failure
    #[arg(long, value_name = "FILE")]
    probe_log: Option<PathBuf>,
    #[command(flatten)]
    cage: CageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let cage = args.cage.enter(&places(args));
    let name = file_name(&args.metadata_dir);
    let failed = |failure: Failure| args.output.failure(failure, COMMAND, &name);
    let at = args.output.now();
    check_places(args).map_err(|failure| args.output.refusal(failure, COMMAND, &name))?;
    let request = Request {
        metadata_dir: args.metadata_dir.clone(),
        targets_dir: args.targets_dir.clone().filter(|_| !args.target.is_empty()),
        root: args.tuf_root.as_deref().map(common::read_root).transpose().map_err(failed)?,
        datastore: args.datastore.clone(),
        targets: args.target.clone(),
        out: args.out.clone(),
        at,
    };
    let run = tuf::verify(&request);
    if let Some(path) = &args.probe_log {
        write_probes(path, args.output.force, &run.probes).map_err(failed)?;
    }
    let verification = run.verification.map_err(|error| failed(Failure::from(error)))?;
    args.output.conclude(&verification, COMMAND, at, &name, cage)
}

/// Nothing is written over what is read, or into it: neither the report, nor the log, nor copies of targets.
fn check_places(args: &Args) -> Result<(), Failure> {
    let own = [&args.metadata_dir].into_iter().chain(&args.targets_dir).chain(&args.tuf_root).chain(&args.datastore);
    let mut read: Vec<&Path> = own.map(PathBuf::as_path).collect();
    for (option, path) in [("--out", &args.out), ("--probe-log", &args.probe_log)] {
        if let Some(path) = path {
            output::check_apart(option, path, &read)?;
        }
    }
    read.extend(args.probe_log.as_deref());
    args.output.check(&read)
}

/// What is written: besides the report the state, the copies, the log, and what the second engine notes down for itself.
fn places(args: &Args) -> Cage {
    let cage = args.output.cage().temporary().beside(args.probe_log.as_deref());
    cage.within(args.datastore.as_deref()).within(args.out.as_deref())
}

impl From<TufError> for Failure {
    fn from(error: TufError) -> Self {
        match error {
            TufError::NoRoot { .. } => Failure::usage(error.to_string()),
            TufError::Environment(error) => error.into(),
        }
    }
}

/// One row of the log, in the order of the contract.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: String,
    name: String,
    present: bool,
}

/// Writes the log. The log of an earlier run is replaced, any other file only with `--force`.
fn write_probes(path: &Path, force: bool, probes: &[Probe]) -> Result<(), Failure> {
    let row = |probe: &Probe| Row { kind: probe.kind.into(), name: probe.name.clone(), present: probe.present };
    let rows: Vec<Row> = probes.iter().map(row).collect();
    output::write_file(path, force || is_log(path), |out| json::write_value(&rows, out)).map_err(Failure::from)
}

/// Whether a regular file is such a log, or empty.
fn is_log(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_file())
        && read_small(path, Limits::MAX_EXTENSION << 4)
            .is_ok_and(|bytes| bytes.is_empty() || serde_json::from_slice::<Vec<Row>>(&bytes).is_ok())
}
