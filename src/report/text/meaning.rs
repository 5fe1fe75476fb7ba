//! What is different in the terms of those who use the bundles: the worst first, counts before lists.

use super::{Page, SHOWN};
use crate::bundle::changes::Meaning;
use crate::bundle::changes::databases::{Content, DatabaseChange};
use crate::bundle::changes::documents::DocumentChange;
use crate::bundle::changes::images::Images;
use crate::format::trivy_db::Severity;
use crate::format::trivy_db::compare::{Advised, Compared, Fate, Group, Rated, Tally};
use crate::report::cleaning::{clean, clean_text};
use std::io::{self, Write};

impl<W: Write> Page<W> {
    /// A section for each domain; with `lists` those of single records too.
    pub(super) fn meaning(&mut self, meaning: &Meaning, lists: bool) -> io::Result<()> {
        for change in &meaning.databases {
            self.database_change(change, lists)?;
        }
        meaning.images.as_ref().map_or(Ok(()), |images| self.image_changes(images, lists))?;
        for change in meaning.documents.changes.iter().take(SHOWN) {
            self.document_change(change, lists)?;
        }
        self.more(meaning.documents.changes.len())?;
        if meaning.documents.not_compared > 0 {
            let count = meaning.documents.not_compared;
            self.wrap("", &format!("{count} documents of records were compared by their bytes alone"))?;
        }
        Ok(())
    }

    fn document_change(&mut self, change: &DocumentChange, lists: bool) -> io::Result<()> {
        self.title(&format!("{} ({})", clean(&change.path), change.sort.name()))?;
        let all = Tally {
            added: change.added,
            removed: change.removed,
            changed: change.changed,
            unchanged: change.unchanged,
        };
        self.wrap("  ", &counts(&all))?;
        for (word, steps) in [("status", &change.statuses), ("severity", &change.severities)] {
            for ((old, new), count) in steps {
                self.wrap("  ", &format!("{word} {} -> {}: {count}", clean_text(old), clean_text(new)))?;
            }
        }
        if change.malformed > 0 {
            self.wrap("  ", &format!("{} lines or parts could not be read", change.malformed))?;
        }
        if !lists {
            return Ok(());
        }
        for row in change.listed.items.iter().take(SHOWN) {
            let text = match (&row.old, &row.new) {
                (Some(old), Some(new)) if old != new => format!("  {} -> {}", clean_text(old), clean_text(new)),
                (_, Some(text)) | (Some(text), None) => format!("  {}", clean_text(text)),
                (None, None) => String::new(),
            };
            self.wrap("  ", &format!("{} {}{text}", sign(row.fate), clean_text(&row.id)))?;
        }
        self.more(usize::try_from(change.listed.total()).unwrap_or(usize::MAX))
    }

    fn database_change(&mut self, change: &DatabaseChange, lists: bool) -> io::Result<()> {
        let path = change.new.as_ref().or(change.old.as_ref()).map_or(String::new(), |path| clean(path));
        self.title(&format!("Database of {} ({path})", change.expected.name()))?;
        if change.schema.0 != change.schema.1 {
            let number = |schema: Option<u64>| schema.map_or("unknown".into(), |schema| schema.to_string());
            self.field("schema", &format!("{} -> {}", number(change.schema.0), number(change.schema.1)))?;
        }
        match &change.content {
            Content::NotCompared(why) => self.field("not compared", why),
            Content::Rows(old, new) => {
                self.field("artifacts", &format!("{} -> {}", old.0, new.0))?;
                self.field("indices", &format!("{} -> {}", old.1, new.1))
            }
            Content::Records(compared) => self.records(compared, lists),
        }
    }

    fn records(&mut self, compared: &Compared, lists: bool) -> io::Result<()> {
        if compared.is_empty() {
            return self.wrap("  ", "the same records");
        }
        self.group("vulnerabilities", &compared.vulnerabilities)?;
        for ((old, new), count) in &compared.rated_anew {
            self.wrap("    ", &format!("{count} rated {} before, {} now", old.name(), new.name()))?;
        }
        self.group("advisories", &compared.advisories)?;
        let groups: Vec<(&String, &Group)> = compared.ecosystems.iter().filter(|(_, g)| !g.all.is_empty()).collect();
        for (name, group) in groups.iter().take(SHOWN) {
            self.wrap("    ", &format!("{}: {}", clean_text(name), counts(&group.all)))?;
        }
        self.more(groups.len())?;
        if !compared.sources.is_empty() {
            self.field("data sources", &counts(&compared.sources))?;
            let gone = compared.source_changes.items.iter().filter(|change| change.new.is_none());
            let gone: Vec<String> = gone.map(|change| clean_text(&change.platform)).collect();
            if !gone.is_empty() {
                self.wrap("    ", &format!("gone: {}", gone[..gone.len().min(SHOWN)].join(", ")))?;
                self.more(gone.len())?;
            }
        }
        if !compared.tables.is_empty() {
            self.field("Red Hat tables", &counts(&compared.tables))?;
        }
        for (word, list) in [("gone", &compared.platforms_removed), ("new", &compared.platforms_added)] {
            if !list.items.is_empty() {
                let names: Vec<String> = list.items.iter().take(SHOWN).map(|name| clean_text(name)).collect();
                self.field(&format!("platforms {word}"), &format!("{}: {}", list.total(), names.join(", ")))?;
            }
        }
        if compared.malformed > 0 {
            self.field("unreadable", &format!("{} records that are different", compared.malformed))?;
        }
        if lists {
            self.rated(&compared.rated.items, compared.rated.total())?;
            self.advised(&compared.advised.items, compared.advised.total())?;
        }
        Ok(())
    }

    fn group(&mut self, name: &str, group: &Group) -> io::Result<()> {
        self.field(name, &counts(&group.all))?;
        for (severity, tally) in &group.severities {
            self.wrap("    ", &format!("{:<9} {}", severity.name(), different(tally)))?;
        }
        Ok(())
    }

    fn rated(&mut self, rated: &[Rated], total: u64) -> io::Result<()> {
        if rated.is_empty() {
            return Ok(());
        }
        self.title(&format!("Critical and high vulnerabilities ({total})"))?;
        for item in rated.iter().take(SHOWN) {
            let words = match (item.old, item.new) {
                (Some(old), Some(new)) => format!("{} -> {}", old.name(), new.name()),
                _ => item.severity().name().to_string(),
            };
            self.wrap("  ", &format!("{} {}  {words}", sign(item.fate), clean_text(&item.id)))?;
        }
        self.more(usize::try_from(total).unwrap_or(usize::MAX))
    }

    fn advised(&mut self, advised: &[Advised], total: u64) -> io::Result<()> {
        if advised.is_empty() {
            return Ok(());
        }
        self.title(&format!("Packages with critical and high ones ({total})"))?;
        for item in advised.iter().take(SHOWN) {
            let fixed = |versions: &[String]| match versions {
                [] => "no fix".to_string(),
                versions => clean_text(&versions.join(", ")),
            };
            let fixed = match item.fate {
                Fate::Added => fixed(&item.fixed_new),
                Fate::Removed => fixed(&item.fixed_old),
                Fate::Changed if item.fixed_old == item.fixed_new => fixed(&item.fixed_new),
                Fate::Changed => format!("{} -> {}", fixed(&item.fixed_old), fixed(&item.fixed_new)),
            };
            let (id, platform, package) = (clean_text(&item.id), clean_text(&item.platform), clean_text(&item.package));
            let severity = if item.severity == Severity::Critical { "CRITICAL" } else { "HIGH    " };
            self.wrap("  ", &format!("{} {severity} {id}  {package} ({platform})  fixed: {fixed}", sign(item.fate)))?;
        }
        self.more(usize::try_from(total).unwrap_or(usize::MAX))
    }

    fn image_changes(&mut self, images: &Images, lists: bool) -> io::Result<()> {
        let all = Tally {
            added: images.added,
            removed: images.removed,
            changed: images.changed,
            unchanged: images.unchanged,
        };
        self.title("Images")?;
        self.field("images", &counts(&all))?;
        let layers = |(count, bytes): (u64, u64)| format!("{count} ({bytes} bytes)");
        let (shared, added, gone) =
            (layers(images.layers_shared), layers(images.layers_added), layers(images.layers_removed));
        self.field("layers", &format!("{shared} shared, {added} new, {gone} gone"))?;
        for change in images.changes.items.iter().take(if lists { SHOWN } else { 0 }) {
            let name = change.name.as_deref().map_or(String::new(), clean_text);
            let short = |digest: &Option<String>| {
                digest.as_ref().map(|digest| format!("{}…", clean_text(digest.get(..19).unwrap_or(digest))))
            };
            let digests: Vec<String> = [short(&change.old), short(&change.new)].into_iter().flatten().collect();
            let platform = clean_text(&change.platform);
            self.wrap("  ", &format!("{} {name} {platform}  {}", sign(change.fate), digests.join(" -> ")))?;
        }
        if lists { self.more(usize::try_from(images.changes.total()).unwrap_or(usize::MAX)) } else { Ok(()) }
    }
}

fn sign(fate: Fate) -> char {
    match fate {
        Fate::Added => '+',
        Fate::Removed => '-',
        Fate::Changed => '~',
    }
}

/// What is different, in words; parts that are none left out.
fn different(tally: &Tally) -> String {
    let parts = [(tally.added, "added"), (tally.removed, "removed"), (tally.changed, "changed")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if parts.is_empty() { "none different".into() } else { parts.join(", ") }
}

fn counts(tally: &Tally) -> String {
    format!("{}, {} the same", different(tally), tally.unchanged)
}
