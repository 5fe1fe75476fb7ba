//! What a person reads of a delta: whether it is exactly the step between two bundles, and what came of applying it.

use super::{Page, SHOWN, Style, WIDTH, class_words, fit};
use crate::bundle::step::Counts;
use crate::report::apply::ApplyReport;
use crate::report::cleaning::clean;
use crate::report::diff::DiffReport;
use crate::report::model::Report;
use crate::trust::check::{Check, Status};
use crate::trust::verdict::Verdict;
use std::io::{self, Write};

/// Writes `report`.
pub fn write_applied(report: &ApplyReport<'_>, style: Style, out: impl Write) -> io::Result<()> {
    let mut page = Page { out, style };
    let verdict = report.applied.verdict();
    let written = report.applied.unpacked.is_some();
    let (colour, word, meaning) = match verdict {
        Verdict::Verified => (style.good, "APPLIED", "a key that you trust stands behind the old bundle and the delta"),
        Verdict::Failed(class) => (style.bad, "FAILED", class_words(class)),
        Verdict::Intact => (style.warn, "APPLIED, INTACT", "digests hold in both; nobody vouches for all of it"),
        Verdict::NotVerified if written => (
            style.warn,
            "APPLIED, NOT VERIFIED",
            "digests hold in both; NOBODY VOUCHES for them: give --key to have them verified",
        ),
        Verdict::NotVerified => (style.warn, "NOT VERIFIED", "something required was not established"),
    };
    let names = format!("{} + {}", clean(&report.old.subject.name), clean(&report.delta.subject.name));
    writeln!(page.out, "{colour}{word}{}  {}", style.end, fit(&names, WIDTH.saturating_sub(word.len() + 2)))?;
    page.wrap("  ", &format!("{meaning} (exit {})", report.exit_code))?;
    match &report.applied.unpacked {
        None => page.wrap("  ", "nothing was written")?,
        Some(unpacked) => {
            let to = super::unpack::place(&unpacked.to);
            let counts =
                format!("{} files in {} folders, {} bytes", unpacked.files, unpacked.directories, unpacked.bytes);
            page.wrap("  ", &format!("written to {to}: {counts}"))?;
            for left in &unpacked.left {
                let words = "what lay there before could not be removed whole; the rest of it is in";
                page.wrap("  ", &format!("{words} {}", super::unpack::place(left)))?;
            }
        }
    }
    for (word, side) in [("old bundle", &report.old), ("delta", &report.delta)] {
        page.rows(&format!("Failures of the {word}"), side.checks(), Status::Fail)?;
    }
    page.rows("Failures of the step", &report.applied.checks, Status::Fail)?;
    page.rows("The step", &report.applied.checks, Status::Pass)?;
    if let Some(counts) = &report.applied.counts {
        page.step_counts(if written { "files" } else { "files, had it been applied" }, counts)?;
    }
    page.parts([("old", &report.old), ("delta", &report.delta)])?;
    for (word, side) in [("old bundle", &report.old), ("delta", &report.delta)] {
        page.rows(&format!("Not established of the {word}"), side.checks(), Status::Skip)?;
    }
    page.title(&format!("Cage: {}", report.delta.cage.words()))?;
    page.out.flush()
}

impl<W: Write> Page<W> {
    /// Directly below the first lines: whether the delta is exactly the step, or what is missing and what is too much.
    pub(super) fn proof(&mut self, report: &DiffReport<'_>) -> io::Result<()> {
        let (Some(proof), Some(delta)) = (&report.comparison.proof, &report.delta) else { return Ok(()) };
        let name = clean(&delta.subject.name);
        let (style, failed) = (self.style, matches!(report.comparison.verdict(), Verdict::Failed(_)));
        let (colour, word) = match (proof.holds(), failed) {
            (true, false) => (style.good, "is exactly"),
            // By its content: what stands above says that it must not be used.
            (true, true) => (style.bad, "FAILED OR LEADS TO WHAT FAILED; by content alone it is"),
            (false, _) => (style.bad, "is NOT SHOWN to be"),
        };
        writeln!(self.out)?;
        writeln!(self.out, "{colour}The delta {word} the step from old to new{}", style.end)?;
        let verdict = delta.verdict().name();
        self.wrap("  ", &format!("{name}: {}, {verdict}", delta.reading().recognition.kind.id()))?;
        if let Some(counts) = &proof.counts {
            self.step_counts("files", counts)?;
        }
        self.rows("Failures of the delta", delta.checks(), Status::Fail)?;
        self.rows("Failures of the step", &proof.checks, Status::Fail)?;
        self.rows("The step", &proof.checks, Status::Pass)?;
        self.rows("The step was not compared whole", &proof.checks, Status::Skip)
    }

    fn step_counts(&mut self, what: &str, counts: &Counts) -> io::Result<()> {
        let Counts { added, updated, removed, kept } = counts;
        self.wrap("  ", &format!("{what}: {added} added, {updated} updated, {removed} removed, {kept} as they were"))
    }

    fn parts(&mut self, sides: [(&str, &Report<'_>); 2]) -> io::Result<()> {
        self.title("What they are")?;
        for (word, side) in sides {
            let inventory = side.inventory();
            let holds = format!("{} entries, {} bytes", inventory.entries.len(), inventory.total_bytes());
            let kind = side.reading().recognition.kind.id();
            self.field(word, &format!("{kind}, {}; {holds}", side.verdict().name()))?;
        }
        Ok(())
    }

    /// Rows of one status under a title of their own; nothing where there are none.
    fn rows(&mut self, title: &str, checks: &[Check], status: Status) -> io::Result<()> {
        let found: Vec<&Check> = checks.iter().filter(|check| check.status == status).collect();
        if found.is_empty() {
            return Ok(());
        }
        let (colour, mark) = match status {
            Status::Pass => (self.style.good, "+"),
            Status::Fail => (self.style.bad, "x"),
            Status::Skip => (self.style.warn, "-"),
        };
        self.title(&format!("{title} ({})", found.len()))?;
        found.iter().take(SHOWN).try_for_each(|check| self.check(check, colour, mark))?;
        self.more(found.len())
    }
}
