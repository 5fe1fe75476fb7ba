//! `portcullis inspect`.

use super::common::{InputArgs, OutputArgs};
use super::display;
use super::exit::Failure;
use crate::pipeline::inspect;
use crate::report::{Outcome, Report, Subject};

/// Options of the verb.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let (name, at) = (args.input.name(), args.output.now());
    let failed = |failure: Failure| args.output.failure(failure, "inspect", &name);
    args.output.check(&[&args.input.input]).map_err(failed)?;
    let request = args.input.request().map_err(failed)?;
    let reading = display::during(args.output.progress, |progress| inspect::read(&request, progress))
        .map_err(|e| failed(e.into()))?;
    let mut report = Report {
        command: "inspect",
        at,
        subject: Subject { name: name.clone() },
        outcome: Outcome::Inspected(&reading),
        exit_code: 0,
        limits: request.scan.limits,
    };
    report.exit_code = match report.verdict() {
        crate::trust::verdict::Verdict::Failed(class) => class.exit_code(),
        _ => 0,
    };
    args.output.write(&report).map_err(|f| args.output.write_failure(f, "inspect", &name))?;
    display::ended(args.output.progress, report.verdict());
    Ok(report.exit_code)
}
