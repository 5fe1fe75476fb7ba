//! Exit codes: our own table, and those of the StellaOps commands for drop-in use (docs/exit-codes.md).

use super::output;
use crate::format::time::Time;
use crate::pipeline::error::EnvironmentError;
use crate::report::cleaning::clean_text;
use crate::report::json;
use crate::trust::check::Class;
use crate::trust::verdict::Verdict;
use clap::ValueEnum;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Bad option, unusable key, unknown kind.
pub(super) const USAGE: u8 = 2;
/// File not found, permission, disk full, read error.
pub(super) const ENVIRONMENT: u8 = 4;

/// A signal ended the run: this and its number, as shells say it.
const SIGNALLED: u8 = 128;

/// A table of exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Table {
    /// Our own, of the contract.
    Portcullis,
    /// `stella export verify`: 0, 20, 30.
    StellaExport,
    /// `stella devportal verify`: 0, 2, 3, 4, 5.
    StellaDevportal,
    /// `stella offline import`: 0, 1, 2, 5, 6, 8, 11.
    StellaOffline,
}

impl Table {
    /// The code of a verdict.
    pub(super) fn of_verdict(self, verdict: Verdict) -> u8 {
        match self {
            Table::Portcullis => verdict.exit_code(),
            Table::StellaExport => match verdict {
                Verdict::Verified | Verdict::Intact => 0,
                Verdict::NotVerified | Verdict::Failed(_) => 20,
            },
            Table::StellaDevportal => match verdict {
                Verdict::Verified | Verdict::Intact => 0,
                Verdict::NotVerified | Verdict::Failed(Class::Signature | Class::Tuf) => 3,
                Verdict::Failed(Class::Integrity) => 2,
                Verdict::Failed(Class::Transparency) => 4,
                Verdict::Failed(Class::Container | Class::Freshness | Class::Sequence) => 5,
            },
            Table::StellaOffline => match verdict {
                Verdict::Verified | Verdict::Intact => 0,
                Verdict::Failed(Class::Integrity) => 2,
                Verdict::NotVerified | Verdict::Failed(Class::Signature) => 5,
                Verdict::Failed(Class::Transparency) => 6,
                Verdict::Failed(Class::Sequence) => 8,
                Verdict::Failed(Class::Container | Class::Tuf | Class::Freshness) => 11,
            },
        }
    }

    fn of_failure(self, own: u8) -> u8 {
        match (self, own) {
            (Table::Portcullis, own) => own,
            (Table::StellaExport, _) => 30,
            (Table::StellaDevportal, _) => 5,
            (Table::StellaOffline, ENVIRONMENT) => 1,
            (Table::StellaOffline, _) => 11,
        }
    }
}

/// No answer could be formed.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
    report: Option<ErrorReport>,
}

/// What a JSON report with the verdict `error` needs besides the message.
#[derive(Debug)]
struct ErrorReport {
    command: &'static str,
    at: Time,
    subject: Vec<u8>,
    output: Option<(PathBuf, bool)>,
}

impl Failure {
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Failure { code: USAGE, message: message.into(), report: None }
    }

    pub(super) fn environment(message: impl Into<String>) -> Self {
        Failure { code: ENVIRONMENT, message: message.into(), report: None }
    }

    pub(super) fn stdout(error: std::io::Error) -> Self {
        Failure::environment(format!("cannot write standard output: {error}"))
    }

    /// The same, with something else that the operator must know.
    pub(super) fn noting(mut self, more: &str) -> Self {
        self.message = format!("{}; {more}", self.message);
        self
    }

    /// The same under another table of codes.
    pub(super) fn under(mut self, table: Table) -> Self {
        self.code = table.of_failure(self.code);
        self
    }

    /// Also writes a JSON report with the verdict `error`.
    pub(super) fn with_report(mut self, command: &'static str, at: Time, subject: &[u8]) -> Self {
        self.report = Some(ErrorReport { command, at, subject: subject.to_vec(), output: None });
        self
    }

    /// Writes that report to a file: an old report must not stay there and speak for this run.
    pub(super) fn into_file(mut self, output: Option<&Path>, force: bool) -> Self {
        if let Some(report) = &mut self.report {
            report.output = output.map(|path| (path.to_path_buf(), force));
        }
        self
    }

    /// Writes the message to standard error, and the JSON report where one is wanted; returns the exit code.
    pub(super) fn report(self) -> u8 {
        output::complain(&format!("portcullis: {}", clean_text(&self.message)));
        self.report_quietly()
    }

    /// Writes the JSON report, where one is wanted, and leaves standard error alone; returns the exit code.
    pub(super) fn report_quietly(self) -> u8 {
        if let Some(ErrorReport { command, at, subject, output }) = &self.report {
            let write = |out: &mut dyn Write| json::write_error(command, *at, subject, self.code, &self.message, out);
            let to_file = output.as_ref().map(|(path, force)| output::write_file(path, *force, write));
            if !matches!(to_file, Some(Ok(()))) {
                // Standard error has the message too: a standard output that cannot be written changes nothing.
                let _ = write(&mut std::io::stdout().lock());
            }
        }
        self.code
    }

    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        self.code
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        let mut failure = Failure::environment(error.to_string());
        if let EnvironmentError::Interrupted { signal, .. } = error {
            failure.code = SIGNALLED.saturating_add(signal);
        }
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn official_tables_never_turn_bad_into_good() {
        let classes = [
            Class::Container,
            Class::Signature,
            Class::Tuf,
            Class::Transparency,
            Class::Integrity,
            Class::Freshness,
            Class::Sequence,
        ];
        for table in Table::value_variants() {
            assert_eq!(table.of_verdict(Verdict::Verified), 0);
            assert_ne!(table.of_verdict(Verdict::NotVerified), 0);
            assert!(classes.iter().all(|class| table.of_verdict(Verdict::Failed(*class)) != 0));
            assert!(table.of_failure(USAGE) != 0 && table.of_failure(ENVIRONMENT) != 0);
        }
    }
}
