//! `portcullis inspect`.

use super::cage::CageArgs;
use super::common::{InputArgs, OutputArgs};
use super::display;
use super::exit::Failure;
use crate::pipeline::inspect;
use crate::report::{Outcome, Report, Subject};
use std::path::Path;

/// Options of the verb.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Print what the databases say of one vulnerability, as CVE-2024-1234: packages, and versions that fix it
    #[arg(long, value_name = "ID", value_parser = advisory_id)]
    advisory: Option<String>,
    #[command(flatten)]
    cage: CageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let (name, at) = (args.input.name(), args.output.now());
    let cage = args.cage.enter(&args.output.cage().temporary());
    let failed = |failure: Failure| args.output.failure(failure, "inspect", &name);
    let read: Vec<&Path> = args.input.files().collect();
    args.output.check(&read).map_err(|failure| args.output.refusal(failure, "inspect", &name))?;
    let mut request = args.input.request().map_err(failed)?;
    request.advisory = args.advisory.clone();
    let reading = display::during(args.output.progress, |progress| inspect::read(&request, progress))
        .map_err(|e| failed(e.into()))?;
    let mut report = Report {
        command: "inspect",
        at,
        subject: Subject { name: name.clone() },
        outcome: Outcome::Inspected(&reading),
        unpacked: None,
        exit_code: 0,
        limits: request.scan.limits,
        cage,
    };
    report.exit_code = match report.verdict() {
        crate::trust::verdict::Verdict::Failed(class) => class.exit_code(),
        _ => 0,
    };
    args.output.write(&report).map_err(|f| args.output.write_failure(f, "inspect", &name))?;
    display::ended(args.output.progress, report.verdict());
    Ok(report.exit_code)
}

/// Ids of vulnerabilities are short words (`CVE-…`, `GHSA-…`, `RUSTSEC-…`).
fn advisory_id(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if (3..=64).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(text.to_string());
    }
    Err(format!("expected an id such as CVE-2024-1234 or GHSA-abcd-efgh-ijkl, found {text:?}"))
}
