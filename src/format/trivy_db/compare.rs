//! Two databases side by side: a merge of both walks. Both go through their keys in the same order, so what is held is one
//! item of each, the counts, and lists with limits.

use super::lookup::Affected;
use super::ratings::{Ratings, rating};
use super::summary::DataSource;
use super::{DATA_SOURCES, MAX_PLATFORMS, MAX_TEXT, Severity, TABLES, VULNERABILITIES, kept_name};
use crate::format::bbolt::{BoltError, Cursor, Database, Event, PageSource};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Critical and high vulnerabilities, and advisories about them, that are listed: as many of each list. The rest is counted.
/// A day of a whole database changes some hundreds.
pub const MAX_LISTED: usize = 1000;
/// Bytes of text in these lists together; a thousand of the usual size have a tenth of a million.
pub const MAX_LISTED_TEXT: usize = 4 << 20;
/// Severities that are remembered, so that a vulnerability in many packages is looked up once: 16 MB at 16 bytes each.
pub const MAX_REMEMBERED: usize = 1 << 20;
/// Vulnerabilities that are looked for one by one, before all are read at once.
pub const MAX_LOOKED_UP: u32 = 4096;
/// CVE ids of one erratum that are looked up for its severity.
pub const MAX_NAMED: usize = 64;

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Only the new database has it.
    Added,
    /// Only the old database has it.
    Removed,
    /// Both have it, with another content.
    Changed,
}

impl Fate {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Added => "added",
            Fate::Removed => "removed",
            Fate::Changed => "changed",
        }
    }
}

/// How many records of a sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Only in the new database.
    pub added: u64,
    /// Only in the old database.
    pub removed: u64,
    /// In both, different.
    pub changed: u64,
    /// In both, the same.
    pub unchanged: u64,
}

impl Tally {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        (self.added, self.removed, self.changed) == (0, 0, 0)
    }

    fn count(&mut self, fate: Option<Fate>) {
        *match fate {
            Some(Fate::Added) => &mut self.added,
            Some(Fate::Removed) => &mut self.removed,
            Some(Fate::Changed) => &mut self.changed,
            None => &mut self.unchanged,
        } += 1;
    }
}

/// Records of one ecosystem or platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// All of them.
    pub all: Tally,
    /// Those that are different, by the severity of what they are about.
    pub severities: BTreeMap<Severity, Tally>,
}

/// A critical or high vulnerability that came, went, or was rated anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rated {
    /// What happened.
    pub fate: Fate,
    /// Its id.
    pub id: String,
    /// How bad the old database says it is; `None` where it has none.
    pub old: Option<Severity>,
    /// How bad the new database says it is; `None` where it has none.
    pub new: Option<Severity>,
}

impl Rated {
    /// The worse of the two.
    pub fn severity(&self) -> Severity {
        worse(self.old, self.new)
    }
}

/// An advisory about a critical or high vulnerability. Texts are untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advised {
    /// What happened.
    pub fate: Fate,
    /// How bad the vulnerability is.
    pub severity: Severity,
    /// The id: of the vulnerability, or of an erratum.
    pub id: String,
    /// Platform or ecosystem.
    pub platform: String,
    /// Package.
    pub package: String,
    /// Versions that fix it, as the old database says.
    pub fixed_old: Vec<String>,
    /// Versions that fix it, as the new database says.
    pub fixed_new: Vec<String>,
}

/// A platform whose data source came, went, or is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceChange {
    /// The platform.
    pub platform: String,
    /// The source in the old database.
    pub old: Option<DataSource>,
    /// The source in the new database.
    pub new: Option<DataSource>,
}

/// A list with an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capped<T> {
    /// The first of them.
    pub items: Vec<T>,
    /// How many more there are.
    pub more: u64,
}

impl<T> Default for Capped<T> {
    fn default() -> Self {
        Capped { items: Vec::new(), more: 0 }
    }
}

impl<T> Capped<T> {
    /// Adds to the list where it has less than `most`, else to the count.
    pub fn push(&mut self, item: T, most: usize) {
        if self.items.len() < most { self.items.push(item) } else { self.more += 1 }
    }

    /// How many there are, listed or not.
    pub fn total(&self) -> u64 {
        self.items.len() as u64 + self.more
    }
}

/// What is different between two databases. Names are those of the databases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Vulnerabilities.
    pub vulnerabilities: Group,
    /// Vulnerabilities in both that are rated anew: how many from one severity to another.
    pub rated_anew: BTreeMap<(Severity, Severity), u64>,
    /// The critical ones, then the high ones, each in the order of their ids.
    pub rated: Capped<Rated>,
    /// Advisories.
    pub advisories: Group,
    /// The same by ecosystem: releases of one distribution, and sources of one registry, together. At most
    /// [`MAX_PLATFORMS`].
    pub ecosystems: BTreeMap<String, Group>,
    /// Those over that limit together.
    pub other_ecosystems: Group,
    /// Those about critical vulnerabilities, then those about high ones, each in the order of the database.
    pub advised: Capped<Advised>,
    /// Platforms that only the new database has.
    pub platforms_added: Capped<String>,
    /// Platforms that only the old database has.
    pub platforms_removed: Capped<String>,
    /// Data sources.
    pub sources: Tally,
    /// Those that are different.
    pub source_changes: Capped<SourceChange>,
    /// Entries of the tables for Red Hat's advisories.
    pub tables: Tally,
    /// Values where the schema has none.
    pub misplaced: Tally,
    /// Vulnerabilities, data sources, and advisories of those that are listed, that are different and cannot be read on one
    /// side or the other.
    pub malformed: u64,
}

impl Compared {
    /// Compares all of `old` with all of `new`, both untrusted.
    ///
    /// # Errors
    /// As [`Database::walk`] of either.
    pub fn of<A: PageSource, B: PageSource>(old: &Database<A>, new: &Database<B>) -> Result<Compared, BoltError> {
        let mut merge = Merge {
            old: Walker::start(old)?,
            new: Walker::start(new)?,
            ratings: (Ratings::new(old), Ratings::new(new)),
            compared: Compared::default(),
            lists: Lists::default(),
        };
        while merge.step()? {}
        let Merge { mut compared, lists, .. } = merge;
        compared.rated = joined(lists.rated);
        compared.advised = joined(lists.advised);
        Ok(compared)
    }

    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        [self.vulnerabilities.all, self.advisories.all, self.sources, self.tables, self.misplaced]
            .iter()
            .all(Tally::is_empty)
            && self.platforms_added.items.is_empty()
            && self.platforms_removed.items.is_empty()
    }

    /// Records about critical vulnerabilities that are gone: the vulnerabilities themselves, and advisories.
    pub fn critical_removed(&self) -> u64 {
        let of = |group: &Group| group.severities.get(&Severity::Critical).map_or(0, |tally| tally.removed);
        of(&self.vulnerabilities) + of(&self.advisories)
    }
}

/// The family of a platform: what stands before `::`, or the name without its release.
pub fn ecosystem(platform: &str) -> &str {
    if let Some((family, _)) = platform.split_once("::") {
        return family;
    }
    match platform.rsplit_once(' ') {
        Some((family, release)) if release == "edge" || release.contains(|c: char| c.is_ascii_digit()) => family,
        _ => platform,
    }
}

fn worse(a: Option<Severity>, b: Option<Severity>) -> Severity {
    a.into_iter().chain(b).min().unwrap_or(Severity::Unknown)
}

fn joined<T>([critical, high]: [Capped<T>; 2]) -> Capped<T> {
    let more = critical.more + high.more;
    Capped { items: critical.items.into_iter().chain(high.items).collect(), more }
}

/// What a walk stands at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    Value,
    Bucket,
    End,
}

/// One database on its way through its keys.
struct Walker<'a, S> {
    cursor: Cursor<'a, S>,
    /// The buckets that have begun, without the one that the walk stands at.
    path: Vec<Vec<u8>>,
    at: At,
}

impl<'a, S: PageSource> Walker<'a, S> {
    fn start(database: &'a Database<S>) -> Result<Self, BoltError> {
        let mut walker = Walker { cursor: database.cursor()?, path: Vec::new(), at: At::Value };
        walker.advance()?;
        Ok(walker)
    }

    /// Goes to the next bucket or value.
    fn advance(&mut self) -> Result<(), BoltError> {
        if self.at == At::Bucket {
            self.path.push(self.name().to_vec());
        }
        loop {
            self.at = match self.cursor.advance()? {
                None => At::End,
                Some(Event::Enter(_)) => At::Bucket,
                Some(Event::Value(..)) => At::Value,
                Some(Event::Leave) => {
                    self.path.pop();
                    continue;
                }
            };
            return Ok(());
        }
    }

    /// The name of the bucket, or the key of the value.
    fn name(&self) -> &[u8] {
        match self.cursor.current() {
            Event::Enter(name) | Event::Value(name, _) => name,
            Event::Leave => b"",
        }
    }

    fn value(&self) -> &[u8] {
        match self.cursor.current() {
            Event::Value(_, value) => value,
            Event::Enter(_) | Event::Leave => b"",
        }
    }

    /// The whole way to what it stands at.
    fn way(&self) -> impl Iterator<Item = &[u8]> {
        self.path.iter().map(Vec::as_slice).chain(std::iter::once(self.name()))
    }
}

/// Which of the two stands at what comes first in the order of both.
fn order<A: PageSource, B: PageSource>(old: &Walker<'_, A>, new: &Walker<'_, B>) -> Ordering {
    match (old.at, new.at) {
        (At::End, At::End) => Ordering::Equal,
        (At::End, _) => Ordering::Greater,
        (_, At::End) => Ordering::Less,
        // A value and a bucket of one name are two things.
        (a, b) => old.way().cmp(new.way()).then(a.cmp(&b)),
    }
}

#[derive(Default)]
struct Lists {
    rated: [Capped<Rated>; 2],
    advised: [Capped<Advised>; 2],
    text: usize,
}

struct Merge<'a, A, B> {
    old: Walker<'a, A>,
    new: Walker<'a, B>,
    ratings: (Ratings<'a, A>, Ratings<'a, B>),
    compared: Compared,
    lists: Lists,
}

impl<A: PageSource, B: PageSource> Merge<'_, A, B> {
    /// Compares what comes first, and goes on; `false` after the last.
    fn step(&mut self) -> Result<bool, BoltError> {
        let order = order(&self.old, &self.new);
        match (order, self.old.at, self.new.at) {
            (Ordering::Equal, At::End, _) => return Ok(false),
            (Ordering::Equal, At::Value, _) => {
                let fate = (self.old.value() != self.new.value()).then_some(Fate::Changed);
                self.value(fate)?;
            }
            (Ordering::Equal, ..) => {}
            (Ordering::Less, At::Value, _) => self.value(Some(Fate::Removed))?,
            (Ordering::Greater, _, At::Value) => self.value(Some(Fate::Added))?,
            (Ordering::Less, ..) => bucket(&self.old, &mut self.compared.platforms_removed),
            (Ordering::Greater, ..) => bucket(&self.new, &mut self.compared.platforms_added),
        }
        if order != Ordering::Greater {
            self.old.advance()?;
        }
        if order != Ordering::Less {
            self.new.advance()?;
        }
        Ok(true)
    }

    /// A value that only one side has, or both.
    fn value(&mut self, fate: Option<Fate>) -> Result<(), BoltError> {
        let path = if fate == Some(Fate::Added) { &self.new.path } else { &self.old.path };
        match path.as_slice() {
            [top] if top == VULNERABILITIES => self.vulnerability(fate),
            [top] if top == DATA_SOURCES => self.source(fate),
            [top, ..] if top == TABLES => self.compared.tables.count(fate),
            [top, _] if top != VULNERABILITIES && top != DATA_SOURCES => self.advisory(fate)?,
            _ => self.compared.misplaced.count(fate),
        }
        Ok(())
    }

    /// The value as the old side has it, and as the new side has it.
    fn values(&self, fate: Fate) -> (Option<&[u8]>, Option<&[u8]>) {
        ((fate != Fate::Added).then(|| self.old.value()), (fate != Fate::Removed).then(|| self.new.value()))
    }

    /// The name of the platform, of the package, and the key, as far as they are kept.
    fn names(&self, fate: Fate) -> [String; 3] {
        let names = |path: &[Vec<u8>], key: &[u8]| {
            let name = |at: usize| path.get(at).map_or(String::new(), |name| kept_name(name));
            [name(0), name(1), kept_name(key)]
        };
        match fate {
            Fate::Added => names(&self.new.path, self.new.name()),
            Fate::Removed | Fate::Changed => names(&self.old.path, self.old.name()),
        }
    }

    fn vulnerability(&mut self, fate: Option<Fate>) {
        self.compared.vulnerabilities.all.count(fate);
        let Some(fate) = fate else { return };
        let (old, new) = self.values(fate);
        let malformed = [old, new].into_iter().flatten().any(|value| rating(value).is_err());
        let severity = |value: Option<&[u8]>| value.map(|value| rating(value).unwrap_or(Severity::Unknown));
        let (old, new) = (severity(old), severity(new));
        let [.., id] = self.names(fate);
        let compared = &mut self.compared;
        compared.malformed += u64::from(malformed);
        let rated = Rated { fate, id, old, new };
        let worst = rated.severity();
        compared.vulnerabilities.severities.entry(worst).or_default().count(Some(fate));
        if let (Some(old), Some(new)) = (old, new) {
            if old == new {
                return;
            }
            *compared.rated_anew.entry((old, new)).or_default() += 1;
        }
        if let Some(list) = list_of(&mut self.lists.rated, worst) {
            let room = self.lists.text <= MAX_LISTED_TEXT;
            self.lists.text += rated.id.len();
            list.push(rated, if room { MAX_LISTED } else { 0 });
        }
    }

    fn source(&mut self, fate: Option<Fate>) {
        self.compared.sources.count(fate);
        let Some(fate) = fate else { return };
        let (old, new) = self.values(fate);
        let sources = [old, new].map(|value| value.map(DataSource::read));
        self.compared.malformed += u64::from(sources.iter().flatten().any(Result::is_err));
        let [old, new] = sources.map(|source| source.map(Result::unwrap_or_default));
        let [.., platform] = self.names(fate);
        self.compared.source_changes.push(SourceChange { platform, old, new }, MAX_PLATFORMS);
    }

    fn advisory(&mut self, fate: Option<Fate>) -> Result<(), BoltError> {
        self.compared.advisories.all.count(fate);
        let severity = match fate {
            None => None,
            Some(fate) => Some(self.severity(fate)?),
        };
        let path = if fate == Some(Fate::Added) { &self.new.path } else { &self.old.path };
        let platform = path.first().map_or(Cow::Borrowed(""), |name| String::from_utf8_lossy(name));
        let ecosystem = ecosystem(&platform);
        let compared = &mut self.compared;
        let known = ecosystem.len() <= MAX_TEXT
            && (compared.ecosystems.len() < MAX_PLATFORMS || compared.ecosystems.contains_key(ecosystem));
        let group = match known {
            false => &mut compared.other_ecosystems,
            true if compared.ecosystems.contains_key(ecosystem) => {
                compared.ecosystems.get_mut(ecosystem).unwrap_or(&mut compared.other_ecosystems)
            }
            true => compared.ecosystems.entry(ecosystem.to_owned()).or_default(),
        };
        group.all.count(fate);
        let Some((fate, severity)) = fate.zip(severity) else { return Ok(()) };
        group.severities.entry(severity).or_default().count(Some(fate));
        compared.advisories.severities.entry(severity).or_default().count(Some(fate));
        self.list(fate, severity);
        Ok(())
    }

    /// Adds an advisory to the list for its severity, where there is one.
    fn list(&mut self, fate: Fate, severity: Severity) {
        let room = self.lists.text <= MAX_LISTED_TEXT;
        let Some(list) = list_of(&mut self.lists.advised, severity) else { return };
        if list.items.len() >= MAX_LISTED || !room {
            list.more += 1;
            return;
        }
        let (old, new) = self.values(fate);
        let fixed = |value: Option<&[u8]>| value.map(Affected::fixed_in);
        let found = [fixed(old), fixed(new)];
        self.compared.malformed += u64::from(found.iter().flatten().any(Result::is_err));
        let [fixed_old, fixed_new] = found.map(|found| found.and_then(Result::ok).unwrap_or_default());
        let [platform, package, id] = self.names(fate);
        let Some(list) = list_of(&mut self.lists.advised, severity) else { return };
        let texts = [&platform, &package, &id].into_iter().chain(&fixed_old).chain(&fixed_new);
        self.lists.text += texts.map(String::len).sum::<usize>();
        let advised = Advised { fate, severity, id, platform, package, fixed_old, fixed_new };
        list.push(advised, MAX_LISTED);
    }

    /// How bad the vulnerability is that the advisory is about, as the side says that has the advisory; of both the worse.
    fn severity(&mut self, fate: Fate) -> Result<Severity, BoltError> {
        let old = match fate {
            Fate::Added => None,
            _ => Some(self.ratings.0.of_advisory(self.old.name(), self.old.value())?),
        };
        let new = match fate {
            Fate::Removed => None,
            _ => Some(self.ratings.1.of_advisory(self.new.name(), self.new.value())?),
        };
        Ok(worse(old, new))
    }
}

/// Notes a bucket that one side alone has, where it is a platform.
fn bucket<S: PageSource>(walker: &Walker<'_, S>, platforms: &mut Capped<String>) {
    let name = walker.name();
    if walker.path.is_empty() && ![VULNERABILITIES, DATA_SOURCES, TABLES].contains(&name) {
        platforms.push(kept_name(name), MAX_PLATFORMS);
    }
}

fn list_of<T>([critical, high]: &mut [Capped<T>; 2], severity: Severity) -> Option<&mut Capped<T>> {
    match severity {
        Severity::Critical => Some(critical),
        Severity::High => Some(high),
        _ => None,
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
