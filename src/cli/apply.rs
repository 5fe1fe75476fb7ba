//! `portcullis diff OLD --apply DELTA --to DIR`.

use super::common::{Format, OutputArgs, file_name};
use super::display;
use super::exit::Failure;
use crate::pipeline::cage::Held;
use crate::pipeline::inspect;
use crate::pipeline::unpack::apply::{self, Request};
use crate::report::apply::ApplyReport;
use crate::report::json;
use crate::report::text::step::write_applied;
use crate::trust::policy::Policy;
use crate::trust::verdict::Verdict;
use std::path::{Path, PathBuf};

/// The verb in reports.
const COMMAND: &str = "diff";

/// What the run needs of the options of the verb.
pub(super) struct Plan<'a> {
    pub(super) old: &'a Path,
    pub(super) delta: &'a Path,
    pub(super) to: &'a Path,
    /// Files that are read besides the two.
    pub(super) kept: Vec<PathBuf>,
    /// How the two are read, the old bundle first.
    pub(super) read: [inspect::Request; 2],
    /// The old bundle first.
    pub(super) policies: [Policy; 2],
    /// Whether the operator said whom to trust, or what to require.
    pub(super) trusted: bool,
    pub(super) output: &'a OutputArgs,
}

/// Applies the delta, and reports.
pub(super) fn run(plan: Plan<'_>, held: &Held) -> Result<u8, Failure> {
    let (name, at) = (file_name(plan.old), plan.output.now());
    let failed = |failure: Failure| plan.output.failure(failure, COMMAND, &name);
    let names = [plan.old, plan.delta].map(file_name);
    let [old, delta] = plan.read;
    let limits = old.scan.limits;
    let request = Request { old, delta, to: plan.to.into(), force: plan.output.force, kept: plan.kept };
    let policies = plan.policies.each_ref();
    let applied =
        display::during(plan.output.progress, |progress| apply::apply(&request, policies, plan.trusted, progress))
            .map_err(|error| failed(error.into()))?;
    let verdict = applied.verdict();
    let mut report = ApplyReport::new(&applied, names, at, limits, held);
    report.exit_code = match verdict {
        // Nobody was trusted, so there was nobody to be established: what was asked for is done.
        Verdict::NotVerified if !plan.trusted && applied.unpacked.is_some() => 0,
        verdict => verdict.exit_code(),
    };
    // What was published stays: a report that cannot be written takes nothing back.
    let noted = |failure: Failure| match &applied.unpacked {
        Some(_) => failure.noting(&format!("what was written to {} is whole and stays", plan.to.display())),
        None => failure,
    };
    plan.output
        .emit(|style, form, out| match form {
            Format::Json => json::step::write(&report, out),
            Format::Text => write_applied(&report, style, out),
        })
        .map_err(noted)
        .map_err(|failure| plan.output.write_failure(failure, COMMAND, &name))?;
    display::ended(plan.output.progress, verdict);
    Ok(report.exit_code)
}
