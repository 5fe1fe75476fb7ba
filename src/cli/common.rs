//! Options that verbs share, from one place.

use super::exit::{Failure, Table};
use super::keys::read_key;
use super::output;
use crate::bundle::{KINDS, find_kind};
use crate::format::limits::Limits;
use crate::format::time::{self, Time};
use crate::format::trivy_db::Scanner;
use crate::pipeline::cage::{Cage, Held};
use crate::pipeline::inspect::Request;
use crate::pipeline::scan::{ScanOptions, SubjectDigest};
use crate::pipeline::sidecar;
use crate::pipeline::source::read_small;
use crate::pipeline::unpack::overlap;
use crate::pipeline::verify::Verification;
use crate::report::text::Style;
use crate::report::{Outcome, Report, Subject};
use crate::trust::identity::Identities;
use crate::trust::policy::{Policy, Property};
use crate::trust::terms;
use crate::trust::tuf::MAX_METADATA;
use clap::{Args, ValueEnum};
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

/// Text for people, JSON for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a person.
    Text,
    /// For the record.
    Json,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to show progress on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressChoice {
    /// On a terminal, for runs that take a while.
    Auto,
    /// Always as a bar.
    Always,
    /// Never.
    Never,
    /// One JSON event a line.
    Json,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
pub(super) struct InputArgs {
    /// File, directory, or - for standard input; recognised by its bytes, never by its name
    pub(super) input: PathBuf,
    /// Skip detection and take the input for this kind
    #[arg(long, value_name = "ID", value_parser = kind_id)]
    kind: Option<&'static str>,
    /// A signature, checksum or manifest that lies beside the input (repeatable)
    #[arg(long, value_name = "FILE")]
    sidecar: Vec<PathBuf>,
    /// Do not look for well-known files beside the input
    #[arg(long)]
    no_sidecars: bool,
    /// Where such files lie, or would.
    #[arg(skip)]
    beside: OnceLock<Vec<PathBuf>>,
    /// age identities that open encrypted entries, as age-keygen writes them
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Also hash the input file itself (a second hash of every byte)
    #[arg(long)]
    subject_digest: bool,
    /// Worker threads [default: cores]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
}

pub(super) fn kind_id(id: &str) -> Result<&'static str, String> {
    find_kind(id).map(|kind| kind.id()).ok_or_else(|| {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.id()).collect();
        format!("unknown kind; known are {}", known.join(", "))
    })
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits on hostile input")]
pub(super) struct LimitArgs {
    /// Decoded bytes in all [default: 1099511627776]
    #[arg(long, value_name = "N")]
    max_bytes: Option<u64>,
    /// Entries in all [default: 4194304]
    #[arg(long, value_name = "N")]
    max_entries: Option<u64>,
    /// Decoded bytes for each compressed byte [default: 250, counted beyond 64 MiB]
    #[arg(long, value_name = "N")]
    max_ratio: Option<u64>,
    /// Containers inside one another [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_depth: Option<u32>,
    /// Largest zstd window in bytes [default: 134217728]
    #[arg(long, value_name = "N")]
    max_window: Option<u64>,
}

impl LimitArgs {
    /// `--max-bytes`, where it was given.
    pub(super) fn max_bytes(&self) -> Option<u64> {
        self.max_bytes
    }

    pub(super) fn limits(&self) -> Limits {
        let default = Limits::default();
        Limits {
            max_bytes: self.max_bytes.unwrap_or(default.max_bytes),
            max_entries: self.max_entries.unwrap_or(default.max_entries),
            max_ratio: self.max_ratio.unwrap_or(default.max_ratio),
            ratio_grace: if self.max_ratio.is_some() { 0 } else { default.ratio_grace },
            max_depth: self.max_depth.unwrap_or(default.max_depth),
            max_window: self.max_window.unwrap_or(default.max_window),
            ..default
        }
    }
}

impl InputArgs {
    /// What to read, without what only `verify` takes.
    pub(super) fn request(&self) -> Result<Request, Failure> {
        Ok(Request {
            sidecars: self.sidecar.clone(),
            discover_sidecars: !self.no_sidecars,
            kind: self.kind,
            identities: identities(self.identity.as_deref())?,
            ..Request::new(&self.input, self.scan())
        })
    }

    fn scan(&self) -> ScanOptions {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        ScanOptions {
            limits: self.limits.limits(),
            // More threads than this gain nothing and only cost memory.
            jobs: self.jobs.map_or_else(cores, NonZeroUsize::get).min(256),
            subject: if self.subject_digest { SubjectDigest::Sha256 } else { SubjectDigest::None },
            sha512: false,
        }
    }

    /// Files that are read, named or looked for.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let beside = self.beside.get_or_init(|| found_beside(&self.input, self.no_sidecars));
        [&self.input].into_iter().chain(&self.sidecar).chain(&self.identity).chain(beside).map(PathBuf::as_path)
    }

    /// The name of the input in reports.
    pub(super) fn name(&self) -> Vec<u8> {
        self.input.file_name().unwrap_or(self.input.as_os_str()).as_encoded_bytes().to_vec()
    }
}

/// Where files lie, or would, that are read beside `input` without being named.
pub(super) fn found_beside(input: &Path, no_sidecars: bool) -> Vec<PathBuf> {
    if no_sidecars { Vec::new() } else { sidecar::beside(input) }
}

/// The identities in the file that `--identity` names.
pub(super) fn identities(path: Option<&Path>) -> Result<Option<Arc<Identities>>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let bytes = Zeroizing::new(read_key(path)?);
    let parsed = Identities::parse(&bytes);
    let fail = |error| Failure::usage(format!("cannot use the identity {}: {error}", path.display()));
    parsed.map(|identities| Some(Arc::new(identities))).map_err(fail)
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub(super) struct OutputArgs {
    /// Text for a person, JSON for the record
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write the report to a file, whole or not at all
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    pub(super) force: bool,
    /// Text: list every entry, not only those that matter
    #[arg(long)]
    pub(super) entries: bool,
    /// Progress on standard error
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) progress: ProgressChoice,
    /// No report in text; the exit code says it all
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// When to colour; NO_COLOR is honoured
    #[arg(long, value_enum, default_value = "auto")]
    color: ColorChoice,
    /// The one clock of the run [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = time::parse_rfc3339)]
    at: Option<Time>,
}

impl OutputArgs {
    /// `--at`, or the clock of the machine.
    pub(super) fn now(&self) -> Time {
        self.at.unwrap_or_else(clock)
    }

    /// A cage in which the report can be written.
    pub(super) fn cage(&self) -> Cage {
        Cage::new().beside(self.output.as_deref())
    }

    /// Whether JSON is wanted.
    pub(super) fn is_json(&self) -> bool {
        self.json || self.format == Format::Json
    }

    /// Writes a report in the form and to the place that was asked for.
    pub(super) fn write(&self, report: &Report<'_>) -> Result<(), Failure> {
        self.emit(|style, form, out| match form {
            Format::Json => crate::report::json::write(report, out),
            Format::Text => crate::report::text::write(report, style, self.entries, out),
        })
    }

    /// Calls `write` for the form and the place that were asked for.
    pub(super) fn emit(
        &self,
        write: impl FnOnce(Style, Format, &mut dyn Write) -> std::io::Result<()>,
    ) -> Result<(), Failure> {
        if self.quiet && !self.is_json() && self.output.is_none() {
            return Ok(());
        }
        let style = if output::colour(self.color, self.output.is_some()) { Style::COLOUR } else { Style::PLAIN };
        let form = if self.is_json() { Format::Json } else { Format::Text };
        output::write(self.output.as_deref(), self.force, |out| write(style, form, out))
    }

    /// A failure with its JSON form where JSON is wanted.
    pub(super) fn failure(&self, failure: Failure, command: &'static str, subject: &[u8]) -> Failure {
        if !self.is_json() {
            return failure;
        }
        failure.with_report(command, self.now(), subject).into_file(self.output.as_deref(), self.force)
    }

    /// Writes the report of a verb for a single document or repository; its exit code.
    pub(super) fn conclude(
        &self,
        verification: &Verification,
        command: &'static str,
        at: Time,
        name: &[u8],
        cage: Held,
    ) -> Result<u8, Failure> {
        let exit_code = verification.verdict.exit_code();
        let report = Report {
            command,
            at,
            subject: Subject { name: name.to_vec() },
            outcome: Outcome::Verified(verification),
            unpacked: None,
            exit_code,
            limits: Limits::default(),
            cage,
        };
        self.write(&report).map_err(|failure| self.write_failure(failure, command, name))?;
        Ok(exit_code)
    }

    /// As [`OutputArgs::failure`], where the place of the report itself was refused: nothing is written there.
    pub(super) fn refusal(&self, failure: Failure, command: &'static str, subject: &[u8]) -> Failure {
        if self.is_json() { failure.with_report(command, self.now(), subject) } else { failure }
    }

    /// Fails before any work where the report would be written into a folder of `targets`, or one of them lies below it.
    pub(super) fn check_apart<'a>(&self, mut targets: impl Iterator<Item = &'a PathBuf>) -> Result<(), Failure> {
        let Some(output) = &self.output else { return Ok(()) };
        let Some(target) = targets.find(|target| overlap(output, target)) else { return Ok(()) };
        let (output, target) = (output.display(), target.display());
        Err(Failure::usage(format!("--output {output} and the target {target} lie in one another; give two places")))
    }

    /// Fails before any work where the report could not be written after it, or would be written over `inputs` or into them.
    pub(super) fn check(&self, inputs: &[&std::path::Path]) -> Result<(), Failure> {
        let Some(output) = &self.output else { return Ok(()) };
        output::check_apart("--output", output, inputs)?;
        output::check_free(output, self.force).map_err(Failure::from)
    }

    /// As [`OutputArgs::failure`], where the report itself could not be written: what was begun on standard output is not
    /// followed by a second report.
    pub(super) fn write_failure(&self, failure: Failure, command: &'static str, subject: &[u8]) -> Failure {
        if self.output.is_some() { self.failure(failure, command, subject) } else { failure }
    }
}

/// The clock of the machine.
pub(super) fn clock() -> Time {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Time::from_second(i64::try_from(seconds).unwrap_or(0)).unwrap_or(Time::UNIX_EPOCH)
}

/// The name of a file or folder in reports.
pub(super) fn file_name(path: &Path) -> Vec<u8> {
    path.file_name().unwrap_or(path.as_os_str()).as_encoded_bytes().to_vec()
}

/// A root is a trust anchor as a key is: exit 2 where it cannot be read.
pub(super) fn read_root(path: &Path) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    let bytes = read_small(path, MAX_METADATA).map_err(|error| Failure::usage(error.to_string()))?;
    Ok((file_name(path), bytes))
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Policy")]
pub(super) struct PolicyArgs {
    /// What must be established: integrity,complete,signature,public-key,tuf,transparency,fresh,sequence,portable-names
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = property)]
    require: Option<Vec<Property>>,
    /// Waive entries that no document lists (repeatable)
    #[arg(long, value_name = "GLOB", value_parser = terms::glob)]
    allow_extra: Vec<String>,
    /// Older than this is stale: 7d, 72h
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    max_age: Option<i64>,
    /// The scanner that is to read a database, as trivy@0.50: its schema must be one that it reads
    #[arg(long, value_name = "NAME@VERSION", value_parser = Scanner::parse)]
    scanner: Option<Scanner>,
    /// The bundle that a delta builds on
    #[arg(long, value_name = "BUNDLE")]
    base: Option<PathBuf>,
    /// The TUF root that you trust, for bundles that carry TUF metadata
    #[arg(long, value_name = "FILE")]
    tuf_root: Option<PathBuf>,
    /// TUF state of earlier runs, changed only by what verified
    #[arg(long, value_name = "DIR")]
    datastore: Option<PathBuf>,
    /// Where files lie, or would, that are read beside the base.
    #[arg(skip)]
    beside: OnceLock<Vec<PathBuf>>,
    /// Exit codes of this table
    #[arg(long, value_enum, default_value = "portcullis", value_name = "TABLE")]
    pub(super) exit_codes: Table,
}

/// A property by its name.
pub(super) fn property(name: &str) -> Result<Property, String> {
    Property::from_name(name.trim()).ok_or_else(|| {
        let known: Vec<&str> = Property::ALL.iter().map(|p| p.name()).collect();
        format!("unknown property; known are {}", known.join(", "))
    })
}

impl PolicyArgs {
    /// Adds to `request` what else has to be read.
    pub(super) fn extend(&self, request: Request) -> Result<Request, Failure> {
        let tuf_root = self.tuf_root.as_deref().map(read_root).transpose()?;
        Ok(Request { base: self.base.clone(), tuf_root, datastore: self.datastore.clone(), ..request })
    }

    /// Widens `cage` by what these options say is written.
    pub(super) fn cage(&self, cage: Cage) -> Cage {
        cage.within(self.datastore.as_deref())
    }

    /// Files that are read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let beside = self.beside.get_or_init(|| self.base.as_deref().map(sidecar::beside).unwrap_or_default());
        self.base.iter().chain(&self.tuf_root).chain(&self.datastore).chain(beside).map(PathBuf::as_path)
    }

    /// The folder that keeps state from run to run.
    pub(super) fn datastore(&self) -> Option<&Path> {
        self.datastore.as_deref()
    }

    /// Adds these options to `policy`.
    pub(super) fn apply(&self, policy: &mut Policy) {
        policy.require = self.require.clone();
        policy.allow_extra = self.allow_extra.clone();
        policy.max_age = self.max_age;
        policy.scanner = self.scanner;
    }
}
