//! `portcullis dsse verify`.

use super::cage::CageArgs;
use super::common::OutputArgs;
use super::exit::Failure;
use super::keys::KeyArgs;
use super::output;
use crate::pipeline::dsse;
use std::path::{Path, PathBuf};

/// Verbs about DSSE envelopes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Verify one DSSE envelope; write its payload once it is authenticated
    Verify(Args),
}

/// Options of the verb.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The envelope, or - for standard input
    envelope: PathBuf,
    /// Write the authenticated payload to this file
    #[arg(long, value_name = "FILE")]
    payload_out: Option<PathBuf>,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    cage: CageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let cage = args.cage.enter(&args.output.cage().beside(args.payload_out.as_deref()));
    let name = args.envelope.file_name().unwrap_or(args.envelope.as_os_str()).as_encoded_bytes().to_vec();
    let failed = |failure: Failure| args.output.failure(failure, "dsse verify", &name);
    let at = args.output.now();
    let mut files: Vec<&Path> = [args.envelope.as_path()].into_iter().chain(args.keys.files()).collect();
    let payload = args.payload_out.as_deref().map_or(Ok(()), |path| output::check_apart("--payload-out", path, &files));
    files.extend(args.payload_out.as_deref());
    payload
        .and_then(|()| args.output.check(&files))
        .map_err(|failure| args.output.refusal(failure, "dsse verify", &name))?;
    // The specification's own vector is r||s, so the verb for lone envelopes takes both forms, each by its exact length.
    let policy = args.keys.policy(at).map_err(failed)?.with_fixed_length_ecdsa();
    let (verification, payload) = dsse::verify(&args.envelope, &policy).map_err(|e| failed(e.into()))?;
    if let (Some(path), Some(payload)) = (&args.payload_out, payload) {
        output::write_file(path, args.output.force, |out| out.write_all(&payload)).map_err(|e| failed(e.into()))?;
    }
    args.output.conclude(&verification, "dsse verify", at, &name, cage)
}
