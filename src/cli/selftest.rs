//! `portcullis selftest`.

use super::exit::Failure;
use super::output;
use crate::format::limits::Limits;
use crate::pipeline::cage::{Cage, Held};
use crate::pipeline::cage_trial::{self, Attempt, Ended};
use crate::pipeline::error::EnvironmentError;
use crate::pipeline::selftest::{self, Trial};
use crate::pipeline::verify::Verification;
use crate::report::cleaning::{clean_text, is_hostile};
use crate::report::json::{self, write_value};
use crate::report::text::{self, Style, wrap};
use crate::report::{Outcome, Report, Subject};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Something did not hold: the program is not to be relied on here.
const NOT_HELD: u8 = 1;

/// Options of the verb.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// JSON for the record
    #[arg(long)]
    json: bool,
    /// Print what did not hold, and nothing else
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let place = std::env::temp_dir();
    let fail = |error| Failure::from(EnvironmentError::write(&place, error));
    let folder = tempfile::Builder::new().prefix("portcullis-selftest-").tempdir().map_err(fail)?;
    let held = Cage::new().temporary().with_links().enter();
    let attempts = cage_trial::run(&held, folder.path());
    let trials = selftest::run(folder.path(), &shown)?;
    let all = trials.iter().all(Trial::held) && attempts.iter().all(Attempt::held);
    output::write(None, false, |out| {
        if args.json {
            write_value(&as_json(all, &held, &trials, &attempts), out)
        } else {
            as_text(all, args.quiet, &held, &trials, &attempts, out)
        }
    })?;
    Ok(if all { 0 } else { NOT_HELD })
}

/// Both forms of the report of a verification, with nothing in them that draws on a terminal.
fn shown(verification: &Verification) -> Result<(), String> {
    let report = Report {
        command: "verify",
        at: crate::format::time::Time::UNIX_EPOCH,
        subject: Subject { name: b"input".to_vec() },
        outcome: Outcome::Verified(verification),
        unpacked: None,
        exit_code: verification.verdict.exit_code(),
        limits: Limits::default(),
        cage: Held::default(),
    };
    let (mut machine, mut people) = (Vec::new(), Vec::new());
    json::write(&report, &mut machine)
        .and_then(|()| text::write(&report, Style::PLAIN, true, &mut people))
        .map_err(|error| error.to_string())?;
    for bytes in [&machine, &people] {
        let text = std::str::from_utf8(bytes).map_err(|_| "the report is not UTF-8")?;
        if text.chars().any(|c| c != '\n' && is_hostile(c)) {
            return Err("a character of the input reaches the terminal raw".into());
        }
    }
    Ok(())
}

fn as_json(all: bool, held: &Held, trials: &[Trial], attempts: &[Attempt]) -> Value {
    let trials = trials.iter().map(|trial| {
        let answers = trial.answers.iter().map(|answer| {
            json!({"verb": answer.verb, "expected": answer.expected, "found": answer.found, "held": answer.held})
        });
        json!({"attack": trial.number, "name": trial.name, "held": trial.held(), "answers": answers.collect::<Vec<_>>()})
    });
    let denials = attempts
        .iter()
        .map(|attempt| json!({"name": attempt.name, "found": attempt.ended.words(), "held": attempt.held()}));
    json!({
        "schema": "portcullis.selftest/v1",
        "tool": {"name": "portcullis", "version": env!("CARGO_PKG_VERSION")},
        "held": all,
        "cage": {"landlock": held.landlock, "seccomp": held.seccomp, "notes": held.notes},
        "denials": denials.collect::<Vec<_>>(),
        "attacks": trials.collect::<Vec<_>>(),
    })
}

fn as_text(
    all: bool,
    quiet: bool,
    held: &Held,
    trials: &[Trial],
    attempts: &[Attempt],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mark = |held: bool| if held { "+" } else { "x" };
    let count = trials.iter().map(|trial| trial.answers.len()).sum::<usize>();
    if !quiet || !all {
        let word = if all { "HELD" } else { "NOT HELD" };
        writeln!(out, "{word}  {} attacks, {count} answers, {} denials", trials.len(), attempts.len())?;
        wrap(out, "  ", &format!("Cage: {}", held.words()))?;
    }
    for trial in trials.iter().filter(|trial| !quiet || !trial.held()) {
        let same = trial.answers.windows(2).all(|pair| matches!(pair, [a, b] if a.found == b.found));
        let found = if same {
            let verbs: Vec<&str> = trial.answers.iter().map(|answer| answer.verb).collect();
            let found = trial.answers.first().map_or("", |answer| answer.found.as_str());
            format!("{}: {found}", verbs.join(", "))
        } else {
            let each = trial.answers.iter().map(|answer| format!("{}: {}", answer.verb, answer.found));
            each.collect::<Vec<_>>().join("; ")
        };
        writeln!(out, "{} {:<4} {}", mark(trial.held()), trial.number, trial.name)?;
        wrap(out, "       ", &clean_text(&found))?;
        for answer in trial.answers.iter().filter(|answer| !answer.held) {
            wrap(out, "       ", &format!("{}: expected {}", answer.verb, answer.expected))?;
        }
    }
    for attempt in attempts.iter().filter(|attempt| !quiet || !attempt.held()) {
        let mark = if matches!(attempt.ended, Ended::Untried(_)) { "-" } else { mark(attempt.held()) };
        writeln!(out, "{mark} cage {}", attempt.name)?;
        wrap(out, "       ", &clean_text(&attempt.ended.words()))?;
    }
    Ok(())
}
