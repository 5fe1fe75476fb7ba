//! Databases of Trivy, what StellaOps says of their export, and what they say of one vulnerability.

use super::{Page, SHOWN, wrap};
use crate::bundle::model::{TrivyDatabase, TrivyExport};
use crate::format::database::Contents;
use crate::format::time::{Time, age_seconds, describe_seconds, format_rfc3339};
use crate::format::trivy_db::{Affected, Metadata, Severity, Summary, Vulnerability};
use crate::format::trivy_java::JavaIndex;
use crate::report::cleaning::{clean, clean_text};
use crate::report::databases::{Advisory, Type, tells, type_of};
use crate::report::model::Report;
use std::cmp::Reverse;
use std::io::{self, Write};

/// Platforms of a database shown: those with most advisories.
const PLATFORMS: usize = 10;
/// Lines of a description shown.
const LINES: usize = 10;

/// Whether what `document` says of itself is shown with a database or an export.
pub(super) fn shows(report: &Report<'_>, document: &[u8]) -> bool {
    report.reading().bundle.trivy.as_ref().is_some_and(|trivy| tells(trivy, document))
}

impl<W: Write> Page<W> {
    /// The vulnerability that was asked for; then a section for each database, and one for their export.
    pub(super) fn databases(&mut self, report: &Report<'_>) -> io::Result<()> {
        if let Some(advisory) = Advisory::of(report) {
            self.advisory(&advisory)?;
        }
        let Some(trivy) = &report.reading().bundle.trivy else { return Ok(()) };
        trivy.databases.iter().try_for_each(|database| self.database(database, report.at))?;
        trivy.export.as_ref().map_or(Ok(()), |export| self.export(export))
    }

    fn database(&mut self, database: &TrivyDatabase, at: Time) -> io::Result<()> {
        self.title(&format!("Database {}", clean(&database.path)))?;
        let size = database.examined.as_ref().map_or(String::new(), |examined| format!(", {} bytes", examined.size));
        self.field("type", &format!("{}{size}", type_of(database).name()))?;
        match &database.metadata {
            Some((_, Ok(metadata))) => self.metadata(metadata, at)?,
            Some((_, Err(why))) => self.field("metadata", &format!("cannot be read: {}", clean_text(why)))?,
            None => self.field("metadata", "none beside it: nothing says how old it is")?,
        }
        match database.examined.as_ref().map(|examined| &examined.contents) {
            None => self.field("contents", "not read, so nothing is known of them"),
            Some(Err(why)) => self.field("refused", &clean_text(why)),
            Some(Ok(Contents::Bbolt { summary, .. })) if type_of(database) == Type::Other => self.buckets(summary),
            Some(Ok(Contents::Bbolt { summary, .. })) => self.summary(summary),
            Some(Ok(Contents::Java(index))) => self.java_index(index),
        }
    }

    fn metadata(&mut self, metadata: &Metadata, at: Time) -> io::Result<()> {
        self.field("schema", &metadata.version.to_string())?;
        let dated = |time: Option<Time>, words: &dyn Fn(i64) -> String| match time {
            None => "not set".into(),
            Some(time) => format!("{}, {}", format_rfc3339(time), words(age_seconds(time, at))),
        };
        let past = |seconds: i64| match seconds {
            ..0 => format!("dated in the future by {}", describe_seconds(-seconds)),
            _ => format!("{} ago", describe_seconds(seconds)),
        };
        let next = |seconds: i64| match seconds {
            ..=0 => format!("in {}", describe_seconds(-seconds)),
            _ => format!("past its next update by {}", describe_seconds(seconds)),
        };
        self.field("updated", &dated(metadata.updated_at, &past))?;
        self.field("next update", &dated(metadata.next_update, &next))?;
        self.field("downloaded", &dated(metadata.downloaded_at, &past))?;
        match metadata.unknown.is_empty() {
            true => Ok(()),
            false => self.field("other fields", &clean_text(&metadata.unknown.join(", "))),
        }
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        let count = |severity: &Severity| summary.vulnerabilities.get(severity).copied().unwrap_or(0);
        let severities: Vec<String> =
            Severity::ALL.iter().map(|severity| format!("{} {}", count(severity), severity.name())).collect();
        let total = summary.vulnerability_count();
        self.field("vulnerabilities", &format!("{total}: {}", severities.join(", ")))?;
        let all = summary.platforms.len() as u64 + summary.more_platforms;
        self.field("advisories", &format!("{} for {all} platforms", summary.advisory_count()))?;
        let mut platforms: Vec<_> = summary.platforms.iter().collect();
        platforms.sort_by_key(|(name, platform)| (Reverse(platform.advisories), *name));
        for (name, platform) in platforms.iter().take(PLATFORMS) {
            let (advisories, packages) = (platform.advisories, platform.packages);
            self.wrap("  ", &format!("{advisories:>12}  {} ({packages} packages)", clean_text(name)))?;
        }
        let more = all.saturating_sub(PLATFORMS.min(platforms.len()) as u64);
        if more > 0 {
            self.wrap("  ", &format!("… and {more} more; --json lists them"))?;
        }
        let sources = summary.data_sources.len() as u64 + summary.more_data_sources;
        self.field("data sources", &sources.to_string())?;
        self.malformed(summary.malformed + summary.misplaced)
    }

    /// Of a database of another use.
    fn buckets(&mut self, summary: &Summary) -> io::Result<()> {
        let names: Vec<String> = summary.buckets.iter().take(PLATFORMS).map(|name| clean_text(name)).collect();
        let more = if summary.buckets.len() > PLATFORMS { ", and more" } else { "" };
        self.field("buckets", &format!("{}{more}", names.join(", ")))
    }

    fn java_index(&mut self, index: &JavaIndex) -> io::Result<()> {
        self.field("artifacts", &index.artifacts().to_string())?;
        let types = index.archive_types.iter().map(|(name, count)| format!("{count} {}", clean_text(name)));
        let others = (index.other_archive_types > 0).then(|| format!("{} of other types", index.other_archive_types));
        let types: Vec<String> = types.chain(others).collect();
        self.field("indices", &format!("{}: {}", index.indices(), types.join(", ")))?;
        if index.dangling > 0 {
            self.field("never found", &format!("{} indices name an artifact that is not there", index.dangling))?;
        }
        self.malformed(index.malformed)
    }

    fn malformed(&mut self, records: u64) -> io::Result<()> {
        match records {
            0 => Ok(()),
            _ => self.field("malformed", &format!("{records} records are not what Trivy writes")),
        }
    }

    fn export(&mut self, export: &TrivyExport) -> io::Result<()> {
        self.title(&format!("Export by StellaOps, as {} claims", clean(&export.document)))?;
        let text = |value: &Option<String>| value.as_deref().map_or("not stated".into(), clean_text);
        let number = |value: Option<u64>| value.map_or("not stated".into(), |value| value.to_string());
        self.field("mode", &clean_text(&export.mode))?;
        if export.mode == "delta" {
            self.field("base export", &text(&export.base_export_id))?;
            self.field("base manifest", &text(&export.base_manifest_digest))?;
            self.field("full refresh", if export.reset_baseline { "yes" } else { "no" })?;
            let (files, bytes, removed) = (export.changed_files, export.changed_bytes, export.removed_paths);
            self.field("changes", &format!("{files} files of {bytes} bytes changed, {removed} removed"))?;
        }
        self.field("tree", &text(&export.tree_digest))?;
        self.field("tree bytes", &number(export.tree_bytes))?;
        self.field("advisories", &number(export.advisory_count))?;
        self.field("exporter", &text(&export.exporter_version))
    }

    fn advisory(&mut self, advisory: &Advisory<'_>) -> io::Result<()> {
        match advisory.record {
            Some(record) if record.malformed.is_none() => self.record(advisory.id, record)?,
            Some(record) => {
                self.title(advisory.id)?;
                let why = record.malformed.as_deref().unwrap_or_default();
                self.field("refused", &format!("its record cannot be read: {}", clean_text(why)))?;
            }
            None => {
                self.title(advisory.id)?;
                self.wrap("  ", absent_words(advisory))?;
            }
        }
        for path in &advisory.unread {
            self.wrap(
                "  ",
                &format!("not searched, because it is no sound database of vulnerabilities: {}", clean(path)),
            )?;
        }
        if advisory.searched.is_empty() {
            return Ok(());
        }
        self.affected(advisory)
    }

    fn record(&mut self, id: &str, record: &Vulnerability) -> io::Result<()> {
        let severity = record.severity.unwrap_or(Severity::Unknown).name();
        self.title(format!("{id}  {severity}  {}", clean_text(&record.title)).trim_end())?;
        let stated = |text: &str| if text.is_empty() { "not stated".into() } else { clean_text(text) };
        self.field("published", &stated(&record.published))?;
        self.field("modified", &stated(&record.modified))?;
        if !record.weaknesses.is_empty() {
            self.field("weaknesses", &clean_text(&record.weaknesses.join(", ")))?;
        }
        let mut description = Vec::new();
        for line in record.description.lines().filter(|line| !line.trim().is_empty()) {
            wrap(&mut description, "  ", &clean_text(line))?;
        }
        let description = String::from_utf8_lossy(&description);
        description.lines().take(LINES).try_for_each(|line| writeln!(self.out, "{line}"))?;
        match description.lines().count().saturating_sub(LINES) {
            0 => Ok(()),
            more => self.wrap("  ", &format!("… and {more} more lines; --json has them")),
        }
    }

    fn affected(&mut self, advisory: &Advisory<'_>) -> io::Result<()> {
        let all = advisory.affected.len() as u64 + advisory.more;
        if all > 0 || advisory.record.is_some() {
            self.title(&format!("Packages that have {} ({all})", advisory.id))?;
        }
        for (_, affected) in advisory.affected.iter().take(SHOWN) {
            let (platform, package) = (clean_text(&affected.platform), clean_text(&affected.package));
            self.wrap("  ", &format!("{platform}  {package}  {}", fixed_words(affected)))?;
        }
        let listed = advisory.affected.len();
        if listed > SHOWN {
            self.wrap("  ", &format!("… and {} more; --json lists them", listed - SHOWN))?;
        }
        if advisory.more > 0 {
            self.wrap("  ", &format!("… and {} that are counted only", advisory.more))?;
        }
        match advisory.malformed {
            0 => Ok(()),
            many => self.wrap("  ", &format!("{many} records that name it cannot be read")),
        }
    }
}

/// Why there is no record: nothing is concluded from what was not read.
fn absent_words(advisory: &Advisory<'_>) -> &'static str {
    match (advisory.searched.is_empty(), advisory.unread.is_empty()) {
        (true, _) => "nothing is known of it: no database of vulnerabilities could be read here",
        (false, _) if advisory.is_found() => "no record of its own; advisories name it",
        (false, true) if advisory.searched.len() == 1 => "not in this database",
        (false, true) => "not in these databases",
        (false, false) => "not in the databases that could be read",
    }
}

fn fixed_words(affected: &Affected) -> String {
    let versions = |list: &[String]| clean_text(&list.join(", "));
    let cut = if affected.cut { ", and others" } else { "" };
    let fixed = match affected.fixed.is_empty() {
        true => "no fix known".into(),
        false => format!("fixed in {}{cut}", versions(&affected.fixed)),
    };
    match affected.vulnerable.is_empty() {
        true => fixed,
        false => format!("{fixed} (affected: {}{cut})", versions(&affected.vulnerable)),
    }
}
