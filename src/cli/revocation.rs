//! `portcullis revocation verify`.

use super::cage::CageArgs;
use super::common::{OutputArgs, file_name};
use super::exit::Failure;
use super::keys::KeyArgs;
use super::output;
use crate::format::revocation::State;
use crate::format::time;
use crate::pipeline::error::EnvironmentError;
use crate::pipeline::revocation::{self, Request};
use crate::pipeline::source::read_small;
use crate::report::json;
use crate::trust::revocation::Previous;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The verb in reports.
const COMMAND: &str = "revocation verify";

/// Bytes of a state; ours have less than 500.
const MAX_STATE: u64 = 16 << 10;

/// Verbs about revocation lists.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Verify one revocation list with its detached JWS
    Verify(Args),
}

/// Options of the verb.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The list (revocation-bundle.json), or - for standard input
    file: PathBuf,
    /// Its detached JWS [default: FILE.jws]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Do not look for FILE.jws and FILE.sha256 beside the list
    #[arg(long)]
    no_sidecars: bool,
    /// Trusted public key: PEM or DER SPKI, JWK or JWKS (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    key: Vec<PathBuf>,
    /// Accept the published keys of keys-example/; the report repeats this
    #[arg(long, help_heading = "Trust")]
    allow_example_keys: bool,
    /// The list accepted before had this sequence: an older one is refused
    #[arg(long, value_name = "N", help_heading = "Policy", conflicts_with = "state")]
    last_sequence: Option<u64>,
    /// Remember here what was accepted, and refuse what is older; written only if the list verifies
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    state: Option<PathBuf>,
    /// Issued longer ago than this is stale: 7d, 72h
    #[arg(long, value_name = "DURATION", help_heading = "Policy", value_parser = time::parse_duration)]
    max_age: Option<i64>,
    #[command(flatten)]
    cage: CageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let cage = args.cage.enter(&args.output.cage().beside(args.state.as_deref()));
    let name = file_name(&args.file);
    let failed = |failure: Failure| args.output.failure(failure, COMMAND, &name);
    let at = args.output.now();
    check_places(args).map_err(|failure| args.output.refusal(failure, COMMAND, &name))?;
    let mut policy = KeyArgs::public(&args.key, args.allow_example_keys).policy(at).map_err(failed)?;
    policy.max_age = args.max_age;
    let request = Request {
        input: args.file.clone(),
        signature: args.signature.clone(),
        discover: !args.no_sidecars,
        previous: previous(args).map_err(failed)?,
        in_force: true,
    };
    let (verification, state) = revocation::verify(&request, &policy).map_err(|error| failed(error.into()))?;
    if let (Some(path), Some(state)) = (&args.state, state)
        && request.previous != Previous::State(state.clone())
    {
        // Replaces a file that was read as a state, or makes one that was not there.
        let force = request.previous != Previous::NoneYet;
        output::write_file(path, force, |out| json::write_value(&state.to_json(), out))
            .map_err(|e| failed(e.into()))?;
    }
    args.output.conclude(&verification, COMMAND, at, &name, cage)
}

/// Neither the report nor the state may be written over what is read.
fn check_places(args: &Args) -> Result<(), Failure> {
    let inputs = [Some(&args.file), args.signature.as_ref()].into_iter().flatten().chain(&args.key);
    // The next run would read what lies there, whether this one found something or not.
    let beside = [".jws", ".sha256"].map(|end| {
        let mut name = args.file.clone().into_os_string();
        name.push(end);
        PathBuf::from(name)
    });
    let inputs: Vec<&Path> = inputs.map(PathBuf::as_path).chain(beside.iter().map(PathBuf::as_path)).collect();
    if let Some(state) = &args.state {
        output::check_apart("--state", state, &inputs)?;
    }
    let found = if args.no_sidecars { Vec::new() } else { revocation::beside(&args.file) };
    let places: Vec<&Path> =
        inputs.into_iter().chain(found.iter().map(PathBuf::as_path)).chain(args.state.as_deref()).collect();
    args.output.check(&places)
}

/// What was accepted before. A state that cannot be understood is a usage error, never an empty one.
fn previous(args: &Args) -> Result<Previous, Failure> {
    let Some(path) = &args.state else {
        return Ok(args.last_sequence.map_or(Previous::Unasked, Previous::Sequence));
    };
    match read_small(path, MAX_STATE) {
        Ok(bytes) => State::parse(&bytes).map(Previous::State).map_err(|error| {
            let path = path.display();
            Failure::usage(format!("cannot use the state {path}: {error}; it is no state that this program wrote"))
        }),
        Err(EnvironmentError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(Previous::NoneYet),
        Err(error) => Err(error.into()),
    }
}
