//! What the manifests of two bundles state, for a person: what it is worth before what it is.

use super::{Page, SHOWN};
use crate::bundle::changes::entries::Change;
use crate::bundle::changes::stated::{Ledger, Names, Record, Stated, StatedChange};
use crate::report::cleaning::clean;
use std::io::{self, Write};

impl<W: Write> Page<W> {
    /// Counts, and what they do not cover.
    pub(super) fn stated_counts(&mut self, stated: &Stated) -> io::Result<()> {
        let counts = &stated.counts;
        self.title("Entries, as the manifests state them")?;
        let rows = [
            ("added", counts.added, Some(('+', counts.bytes_added))),
            ("removed", counts.removed, Some(('-', counts.bytes_removed))),
            ("changed", counts.changed, None),
            ("moved", counts.moved, None),
            ("unchanged", counts.unchanged, None),
            ("not comparable", counts.not_comparable, None),
            ("not compared", stated.not_compared.count, None),
        ];
        for (word, count, bytes) in rows {
            let bytes =
                bytes.map_or(String::new(), |(sign, bytes)| format!("  {sign}{bytes} bytes, changed ones included"));
            self.wrap("  ", &format!("{word:<15}{count:>10}{bytes}"))?;
        }
        if counts.not_comparable > 0 {
            self.wrap(
                "  ",
                "not comparable: the two sides state different things of one path, or one contradicts itself",
            )?;
        }
        self.names("not compared, since no manifest states a digest of them", &stated.not_compared)?;
        for (word, ledger) in [("old", &stated.old), ("new", &stated.new)] {
            self.ledger(word, ledger)?;
        }
        self.wrap("  ", "records, databases, images and modes were not compared: that takes the contents")
    }

    fn ledger(&mut self, word: &str, ledger: &Ledger) -> io::Result<()> {
        if ledger.unreadable {
            self.wrap(
                "  ",
                &format!("{word} side: its manifest could not be read whole, so it may state more than this"),
            )?;
        }
        for (names, what) in [
            (&ledger.contradictory, "of which its documents say two things, or which lie there twice"),
            (&ledger.missing, "that its manifests name and that do not lie there"),
            (&ledger.other_size, "that lie there with another size than stated"),
            (&ledger.unnamed, "that lie there without a stated digest"),
        ] {
            self.names(&format!("{word} side, {what}"), names)?;
        }
        Ok(())
    }

    fn names(&mut self, what: &str, names: &Names) -> io::Result<()> {
        if names.count == 0 {
            return Ok(());
        }
        let first: Vec<String> = names.first.iter().map(|name| clean(name)).collect();
        let left = names.count - names.first.len() as u64;
        let more = if left > 0 { format!(", and {left} more") } else { String::new() };
        self.wrap("  ", &format!("{what} ({}): {}{more}", names.count, first.join(", ")))
    }

    /// What is different, one sort after the other.
    pub(super) fn stated_changes(&mut self, stated: &Stated, all: bool) -> io::Result<()> {
        let sorts =
            [Change::Removed, Change::Changed, Change::NotComparable, Change::Added, Change::Moved, Change::Remoded];
        for sort in sorts {
            let found: Vec<&StatedChange> = stated.changes.iter().filter(|change| change.change == sort).collect();
            if found.is_empty() {
                continue;
            }
            self.title(&format!("{} ({})", super::diff::heading(sort), found.len()))?;
            let shown = if all { found.len() } else { SHOWN };
            found.iter().take(shown).try_for_each(|change| self.wrap("  ", &line(stated, change)))?;
            if found.len() > shown {
                self.wrap("  ", &format!("… and {} more; --entries lists them", found.len() - shown))?;
            }
        }
        Ok(())
    }
}

fn line(stated: &Stated, change: &StatedChange) -> String {
    let path = clean(stated.path(change));
    match (change.change, stated.before(change), stated.after(change)) {
        (Change::Moved, Some(old), _) => format!("{} -> {path}", clean(&old.path)),
        (_, Some(old), Some(new)) if old.lies.is_some() != new.lies.is_some() => {
            let word = |record: &Record| if record.lies.is_some() { "lies there" } else { "is named only" };
            format!("{path}  {} -> {}", word(old), word(new))
        }
        (Change::NotComparable, Some(old), Some(new)) => format!("{path}  {} -> {}", knows(old), knows(new)),
        (_, Some(old), Some(new)) => match (kind(old), kind(new)) {
            (before, after) if before != after => format!("{path}  {before} -> {after}"),
            _ if old.bytes() == new.bytes() && there(old) != there(new) => {
                format!("{path}  lies there with {} -> {} bytes", there(old), there(new))
            }
            _ => format!("{path}  {} -> {} bytes", old.bytes(), new.bytes()),
        },
        _ => path,
    }
}

/// What is known of a path, in short.
fn knows(record: &Record) -> &'static str {
    match (record.contradictory, record.sha256.is_some(), record.sha512.is_some()) {
        (true, ..) => "contradictory",
        (_, true, true) => "sha256 and sha512",
        (_, true, _) => "sha256",
        (_, _, true) => "sha512",
        _ => "no digest",
    }
}

fn there(record: &Record) -> u64 {
    record.lies.as_ref().map_or(0, |lies| lies.size)
}

fn kind(record: &Record) -> String {
    record.lies.as_ref().map_or(String::new(), |lies| lies.kind.name())
}
