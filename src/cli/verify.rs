//! `portcullis verify`.

use super::anchors::AnchorArgs;
use super::cage::CageArgs;
use super::common::{InputArgs, OutputArgs, PolicyArgs};
use super::display;
use super::exit::Failure;
use crate::pipeline::verify;
use crate::report::{Outcome, Report, Subject};
use std::path::Path;

/// Options of the verb.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    anchors: AnchorArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    cage: CageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let (name, at) = (args.input.name(), args.output.now());
    let cage = args.cage.enter(&args.policy.cage(args.output.cage().temporary()));
    let table = args.policy.exit_codes;
    let failed = |failure: Failure| args.output.failure(failure.under(table), "verify", &name);
    let read: Vec<&Path> = args.input.files().chain(args.anchors.files()).chain(args.policy.files()).collect();
    args.output.check(&read).map_err(|f| args.output.refusal(f.under(table), "verify", &name))?;
    let request = args.input.request().and_then(|request| args.policy.extend(request)).map_err(failed)?;
    let mut policy = args.anchors.policy(at).map_err(failed)?;
    args.policy.apply(&mut policy);
    let verification = display::during(args.output.progress, |progress| verify::verify(&request, &policy, progress))
        .map_err(|e| failed(e.into()))?;
    let exit_code = table.of_verdict(verification.verdict);
    let report = Report {
        command: "verify",
        at,
        subject: Subject { name: name.clone() },
        outcome: Outcome::Verified(&verification),
        unpacked: None,
        exit_code,
        limits: request.scan.limits,
        cage,
    };
    args.output.write(&report).map_err(|f| args.output.write_failure(f.under(table), "verify", &name))?;
    display::ended(args.output.progress, verification.verdict);
    Ok(exit_code)
}
