//! The part of the text that is about a revocation list: what it says, directly below the verdict.

use super::{Page, SHOWN};
use crate::bundle::revocation::{REVOKES, WARNING};
use crate::report::cleaning::{clean, clean_text};
use crate::report::model::{Outcome, Report};
use crate::trust::verdict::Verdict;
use std::io::{self, Write};

impl<W: Write> Page<W> {
    /// Warnings, then what the list says; of its revocations 25, unless `all` are wanted.
    pub(super) fn revocations(&mut self, report: &Report<'_>, all: bool) -> io::Result<()> {
        let Outcome::Verified(verification) = &report.outcome else { return Ok(()) };
        if report.reading().recognition.kind.id() != "revocation:bundle" {
            return Ok(());
        }
        for facts in report.facts() {
            let warnings: Vec<&String> = values(&facts.items, WARNING).collect();
            if !warnings.is_empty() {
                let (warn, end) = (self.style.warn, self.style.end);
                writeln!(self.out, "\n{warn}WARNING{end}")?;
                warnings.into_iter().try_for_each(|warning| self.wrap("  ", &clean_text(warning)))?;
            }
            let name = clean(&facts.document);
            self.title(&match verification.verdict {
                Verdict::Verified => format!("{name} says"),
                _ if !verification.signers.is_empty() => format!("{name} says, and must not be relied on"),
                _ => format!("{name} claims, and nobody vouches for it"),
            })?;
            for (name, value) in facts.items.iter().filter(|(name, _)| ![WARNING, REVOKES].contains(name)) {
                self.field(name, &clean_text(value))?;
            }
            let revoked: Vec<&String> = values(&facts.items, REVOKES).collect();
            let shown = if all { revoked.len() } else { SHOWN };
            revoked.iter().take(shown).try_for_each(|line| self.field(REVOKES, &clean_text(line)))?;
            if revoked.len() > shown {
                let more = revoked.len() - shown;
                self.wrap("  ", &format!("… and {more} more; --entries and --json list them"))?;
            }
        }
        Ok(())
    }
}

fn values<'a>(items: &'a [(&'static str, String)], wanted: &'a str) -> impl Iterator<Item = &'a String> {
    items.iter().filter(move |(name, _)| *name == wanted).map(|(_, value)| value)
}
