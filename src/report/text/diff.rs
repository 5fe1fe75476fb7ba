//! The report of `diff` for a person: what stands behind it first, then steps back, then what is different, counts before
//! details.

use super::{Page, SHOWN, Style, WIDTH, class_words, fit};
use crate::bundle::changes::Changes;
use crate::bundle::changes::entries::{Change, EntryChange, Scope};
use crate::bundle::changes::identity::{Field, SignedBy};
use crate::bundle::changes::unified::{self, Line};
use crate::pipeline::diff::signer_name;
use crate::report::cleaning::{clean, clean_text};
use crate::report::diff::DiffReport;
use crate::report::model::{Outcome, Report};
use crate::trust::check::{Check, Class, Status};
use crate::trust::verdict::Verdict;
use std::io::{self, Write};

/// How much of a comparison is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What an officer reads; of each list the beginning.
    Usual,
    /// The same with every entry.
    Entries,
    /// Counts only.
    Stat,
    /// One path a line, and nothing else.
    NameOnly,
}

/// Writes the lines of the document at `path` that are different between two untrusted texts, as `diff -u` does. Without
/// characters that could act on a terminal, so it is for reading and not for `patch`.
pub fn write_unified(path: &[u8], texts: &[Option<Vec<u8>>; 2], mut out: impl Write) -> io::Result<()> {
    let [old, new] = texts.each_ref().map(|text| text.as_deref().unwrap_or_default());
    let hunks = unified::hunks(old, new);
    if !hunks.is_empty() {
        writeln!(out, "--- old/{}", clean(path))?;
        writeln!(out, "+++ new/{}", clean(path))?;
    }
    for hunk in &hunks {
        let (before, after) = hunk.counts();
        writeln!(out, "@@ -{},{before} +{},{after} @@", hunk.old, hunk.new)?;
        for line in &hunk.lines {
            let (sign, bytes) = match line {
                Line::Same(bytes) => (' ', bytes),
                Line::Old(bytes) => ('-', bytes),
                Line::New(bytes) => ('+', bytes),
            };
            let text = bytes.strip_suffix(b"\n");
            writeln!(out, "{sign}{}", clean(text.unwrap_or(bytes)))?;
            if text.is_none() {
                writeln!(out, "\\ No newline at end of file")?;
            }
        }
    }
    out.flush()
}

/// Writes `report`.
pub fn write(report: &DiffReport<'_>, style: Style, detail: Detail, out: impl Write) -> io::Result<()> {
    let mut page = Page { out, style };
    if detail == Detail::NameOnly {
        for path in report.changes().into_iter().flat_map(|changes| paths(report, changes)) {
            writeln!(page.out, "{}", clean(path))?;
        }
        return page.out.flush();
    }
    page.headline(report)?;
    for (word, side) in [("old", &report.old), ("new", &report.new)] {
        page.wrongs(report, word, side)?;
    }
    let Some(changes) = report.changes() else {
        page.proof(report)?;
        page.title("One of the two could not be read to its end, so nothing is said of what is different")?;
        return page.out.flush();
    };
    page.steps_back(report, changes)?;
    page.proof(report)?;
    page.sides(report)?;
    match &changes.stated {
        Some(stated) => page.stated_counts(stated)?,
        None => page.counts(changes)?,
    }
    page.meaning(&changes.meaning, detail != Detail::Stat)?;
    if detail != Detail::Stat {
        page.identity_changes(changes)?;
        page.signer_changes(report, changes)?;
        match &changes.stated {
            Some(stated) => page.stated_changes(stated, detail == Detail::Entries)?,
            None => page.entry_changes(report, detail == Detail::Entries)?,
        }
        page.unproven(report)?;
    }
    page.title(&format!("Cage: {}", report.new.cage.words()))?;
    page.out.flush()
}

/// The path of each entry that is different, as found or as stated.
fn paths<'a>(report: &'a DiffReport<'_>, changes: &'a Changes) -> Vec<&'a [u8]> {
    match &changes.stated {
        Some(stated) => stated.changes.iter().map(|change| stated.path(change)).collect(),
        None => changes.entries.changes.iter().map(|change| report.path(change)).collect(),
    }
}

impl<W: Write> Page<W> {
    fn headline(&mut self, report: &DiffReport<'_>) -> io::Result<()> {
        let (style, verdict) = (self.style, report.comparison.verdict());
        let (colour, word, meaning) = match (report.is_verified(), verdict) {
            (false, Verdict::Failed(_)) if report.is_of_lists() => {
                (style.bad, "MALFORMED", "nothing was verified, and one of the two lists is no list as it should be")
            }
            (false, _) if report.is_of_lists() => (
                style.warn,
                "NOTHING WAS VERIFIED",
                "what follows is what the two lists say, and anybody could have made them",
            ),
            (false, Verdict::Failed(_)) if report.is_unread() => (
                style.bad,
                "MALFORMED",
                "the container of one side is bad, and no content was read or hashed: this is what the manifests state",
            ),
            (false, Verdict::Failed(Class::Container)) => {
                (style.bad, "MALFORMED", "nothing was verified, and a container is bad")
            }
            // Of what was not verified nothing but its container is judged, and a delta.
            (false, Verdict::Failed(_)) => {
                (style.bad, "NOT THE STEP", "nothing was verified, and the delta does not lead from one to the other")
            }
            (false, _) if report.is_unread() => (
                style.warn,
                "NOTHING WAS VERIFIED",
                "no content was read or hashed: this is what the manifests state, and something else may lie there",
            ),
            (false, _) => (style.warn, "NOTHING WAS VERIFIED", "what follows is what the two bundles hold and claim"),
            (true, Verdict::Verified) if report.is_of_lists() => {
                (style.good, "BOTH VERIFIED", "a key that you trust signed either list, byte for byte")
            }
            (true, Verdict::Verified) => {
                (style.good, "BOTH VERIFIED", "a key that you trust stands behind either side")
            }
            (true, Verdict::Intact) => {
                (style.warn, "INTACT", "digests and completeness hold on both sides; nobody vouches for all of it")
            }
            (true, Verdict::NotVerified) => {
                (style.warn, "NOT VERIFIED", "of one side or both something required was not established")
            }
            (true, Verdict::Failed(class)) => (style.bad, "FAILED", class_words(class)),
        };
        let names = format!("{} -> {}", clean(&report.old.subject.name), clean(&report.new.subject.name));
        writeln!(self.out, "{colour}{word}{}  {}", style.end, fit(&names, WIDTH.saturating_sub(word.len() + 2)))?;
        self.wrap("  ", meaning)?;
        let different = match report.changes() {
            None => "not compared".to_string(),
            Some(changes) if changes.is_empty() && changes.stated.is_some() => {
                "the manifests state no difference".to_string()
            }
            Some(changes) if changes.is_empty() => "no difference was found".to_string(),
            Some(Changes { stated: Some(stated), .. }) if stated.changes.is_empty() && stated.is_unreadable() => {
                "not known to be the same: a manifest could not be read whole".to_string()
            }
            Some(changes) => match changes.identity.regressions {
                0 => "different".to_string(),
                1 => "different, with 1 step back".to_string(),
                count => format!("different, with {count} steps back"),
            },
        };
        let proof = report.comparison.proof.as_ref();
        let step = proof.filter(|proof| proof.holds() && !matches!(verdict, Verdict::Failed(_)));
        let step = step.map_or("", |_| "; the delta is exactly the step");
        self.wrap("  ", &format!("{different}{step} (exit {})", report.exit_code))?;
        for (name, met) in &report.conditions {
            self.wrap("  ", &format!("--fail-on {name}: {}", if *met { "met" } else { "not met" }))?;
        }
        Ok(())
    }

    /// What is proven wrong with one side.
    fn wrongs(&mut self, report: &DiffReport<'_>, word: &str, side: &Report<'_>) -> io::Result<()> {
        let failed: Vec<&Check> = side.checks().iter().filter(|check| check.failed()).collect();
        // Where nothing was verified, only the container was judged; of documents alone their form as well.
        let container = Class::Container;
        let judged = !matches!(side.outcome, Outcome::Inspected(_)) || side.inventory().unread || report.is_of_lists();
        let counts = |check: &&&Check| judged || check.kind.class == container;
        let failed: Vec<&Check> = failed.iter().filter(counts).copied().collect();
        if failed.is_empty() {
            return Ok(());
        }
        self.title(&format!("Failures of the {word} side ({})", failed.len()))?;
        let bad = self.style.bad;
        failed.iter().take(SHOWN).try_for_each(|check| self.check(check, bad, "x"))?;
        self.more(failed.len())
    }

    fn steps_back(&mut self, report: &DiffReport<'_>, changes: &Changes) -> io::Result<()> {
        if changes.identity.regressions == 0 {
            return Ok(());
        }
        let (colour, end) = (self.style.bad, self.style.end);
        writeln!(self.out)?;
        writeln!(self.out, "{colour}Steps back ({}){end}", changes.identity.regressions)?;
        report.regressions().take(SHOWN).try_for_each(|field| self.difference(field))?;
        self.more(usize::try_from(changes.identity.regressions).unwrap_or(usize::MAX))
    }

    fn sides(&mut self, report: &DiffReport<'_>) -> io::Result<()> {
        self.title("What they are")?;
        for (word, side) in [("old", &report.old), ("new", &report.new)] {
            let kind = side.reading().recognition.kind.id();
            let verdict = if report.is_verified() { format!(", {}", side.verdict().name()) } else { String::new() };
            let created = side.reading().bundle.created.as_ref();
            let created = created.map_or(String::new(), |(time, _)| {
                let age = crate::format::time::age_seconds(*time, report.at);
                let age = match age {
                    0.. => format!("{} old", crate::format::time::describe_seconds(age)),
                    _ => "in the future".to_string(),
                };
                format!(", of {} ({age})", crate::format::time::format_rfc3339(*time))
            });
            let inventory = side.inventory();
            let holds = format!("{} entries, {} bytes", inventory.entries.len(), inventory.total_bytes());
            self.field(word, &format!("{kind}{verdict}{created}; {holds}"))?;
        }
        Ok(())
    }

    fn counts(&mut self, changes: &Changes) -> io::Result<()> {
        let counts = &changes.entries.counts;
        self.title("Entries")?;
        let rows = [
            ("added", counts.added, Some(('+', counts.bytes_added))),
            ("removed", counts.removed, Some(('-', counts.bytes_removed))),
            ("changed", counts.changed, None),
            ("moved", counts.moved, None),
            ("re-moded", counts.remoded, None),
            ("unchanged", counts.unchanged, None),
        ];
        for (word, count, bytes) in rows {
            let bytes =
                bytes.map_or(String::new(), |(sign, bytes)| format!("  {sign}{bytes} bytes, changed ones included"));
            self.wrap("  ", &format!("{word:<10}{count:>10}{bytes}"))?;
        }
        if changes.entries.scope == Scope::NamesAndContent {
            self.wrap("  ", "modes and folders were not compared: one side is a directory, which has its own")?;
        }
        Ok(())
    }

    fn identity_changes(&mut self, changes: &Changes) -> io::Result<()> {
        let fields: Vec<&Field> = changes.identity.fields.iter().filter(|field| !field.regression).collect();
        if fields.is_empty() {
            return Ok(());
        }
        self.title("What they say of themselves")?;
        fields.iter().take(SHOWN).try_for_each(|field| self.difference(field))?;
        self.more(fields.len() + usize::try_from(changes.identity.more).unwrap_or(0))
    }

    fn difference(&mut self, field: &Field) -> io::Result<()> {
        let of = if field.document.is_empty() { String::new() } else { format!(" ({})", clean(&field.document)) };
        let value = |value: &Option<String>| match value.as_deref() {
            None | Some("") => "none".to_string(),
            Some(value) => clean_text(value),
        };
        let line = format!("{}: {} -> {}{of}", clean_text(&field.name), value(&field.old), value(&field.new));
        self.wrap("  ", &line)
    }

    fn signer_changes(&mut self, report: &DiffReport<'_>, changes: &Changes) -> io::Result<()> {
        let signers = &changes.signers;
        if signers.is_empty() {
            return Ok(());
        }
        self.title(if report.is_verified() { "Who signed" } else { "Who claims to have signed, unchecked" })?;
        for (sign, list) in [("-", &signers.removed), ("+", &signers.added), ("=", &signers.kept)] {
            for signer in list.iter().take(SHOWN) {
                self.wrap("  ", &signed_line(sign, signer))?;
            }
            self.more(list.len())?;
        }
        Ok(())
    }

    fn entry_changes(&mut self, report: &DiffReport<'_>, all: bool) -> io::Result<()> {
        for change in [Change::Removed, Change::Changed, Change::Added, Change::Moved, Change::Remoded] {
            let found: Vec<&EntryChange> = report.entries(change).collect();
            if found.is_empty() {
                continue;
            }
            self.title(&format!("{} ({})", heading(change), found.len()))?;
            let shown = if all { found.len() } else { SHOWN };
            found.iter().take(shown).try_for_each(|entry| self.entry_change(report, entry))?;
            if found.len() > shown {
                self.wrap("  ", &format!("… and {} more; --entries lists them", found.len() - shown))?;
            }
        }
        Ok(())
    }

    fn entry_change(&mut self, report: &DiffReport<'_>, change: &EntryChange) -> io::Result<()> {
        let (old, new) = (report.old.inventory(), report.new.inventory());
        let path = clean(report.path(change));
        let (Some(a), Some(b)) = (change.old.map(|i| old.entry(i)), change.new.map(|i| new.entry(i))) else {
            return self.wrap("  ", &path);
        };
        match change.change {
            Change::Moved => self.wrap("  ", &format!("{} -> {path}", clean(a.normal_path()))),
            Change::Remoded => self.wrap("  ", &format!("{path}  {:04o} -> {:04o}", a.mode, b.mode)),
            _ if a.kind != b.kind => self.wrap("  ", &format!("{path}  {} -> {}", a.kind.name(), b.kind.name())),
            _ => self.wrap("  ", &format!("{path}  {} -> {} bytes", a.size, b.size)),
        }
    }

    /// Why nothing is known of a side that was to be verified.
    fn unproven(&mut self, report: &DiffReport<'_>) -> io::Result<()> {
        for (word, side) in [("old", &report.old), ("new", &report.new)] {
            if !report.is_verified() || side.verdict() != Verdict::NotVerified {
                continue;
            }
            let skipped: Vec<&Check> = side.checks().iter().filter(|c| c.status == Status::Skip).collect();
            self.title(&format!("Not checked on the {word} side, and why ({})", skipped.len()))?;
            let dim = self.style.dim;
            skipped.iter().take(SHOWN).try_for_each(|check| self.check(check, dim, "-"))?;
            self.more(skipped.len())?;
        }
        Ok(())
    }
}

pub(super) fn heading(change: Change) -> &'static str {
    match change {
        Change::Added => "Added",
        Change::Removed => "Removed",
        Change::Changed => "Changed",
        Change::Moved => "Moved",
        Change::Remoded => "Re-moded",
        Change::NotComparable => "Not comparable",
    }
}

fn signed_line(sign: &str, signer: &SignedBy) -> String {
    let scheme = if signer.scheme.is_empty() { String::new() } else { format!(", {}", clean_text(&signer.scheme)) };
    format!("{sign} {}{scheme} ({})", clean_text(&signer_name(signer)), clean(&signer.document))
}
