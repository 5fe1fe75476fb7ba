//! In-toto statements under a good signature: whether they are of the type and about the artifact that is demanded.
//!
//! A signature says who made a statement; what it was made for, its predicate type and its subjects say. Both are compared
//! here, and nothing else of it is used (CVE-2026-39395: a predicate of another type passed for the demanded one).

use super::check::{self, Check};
use super::key_error::quote;
use crate::format::digest::{Digest, parse_sha256};
use crate::format::dsse::Envelope;
use crate::format::intoto::{self, Statement, Subject, predicate_name};
use crate::format::inventory::{EntryIndex, EntryKind, Inventory};
use crate::format::path;

/// Subjects that one row names.
const MAX_NAMED: usize = 4;

/// What the operator demands of signed statements (`--predicate-type`, `--subject`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// The predicate type, compared as a whole.
    pub predicate_type: Option<String>,
    /// A subject.
    pub subject: Option<SubjectDemand>,
}

/// A subject as the operator names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectDemand {
    /// By name, compared as a whole.
    Name(String),
    /// By SHA-256.
    Digest(Digest),
}

impl SubjectDemand {
    /// `sha256:HEX`, or a name.
    ///
    /// # Errors
    /// Text that begins as a digest and is none.
    pub fn parse(text: &str) -> Result<SubjectDemand, String> {
        match text {
            "" => Err("expected a name or sha256: and 64 hex digits".into()),
            text if text.starts_with("sha256:") => Ok(SubjectDemand::Digest(Digest::Sha256(parse_sha256(text)?))),
            name => Ok(SubjectDemand::Name(name.into())),
        }
    }

    /// As it was written.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            SubjectDemand::Name(name) => name.clone(),
            SubjectDemand::Digest(digest) => digest.prefixed(),
        }
    }

    fn fits(&self, untrusted: &Subject) -> bool {
        match self {
            SubjectDemand::Name(name) => untrusted.name == *name,
            SubjectDemand::Digest(digest) => untrusted.digests().any(|stated| stated == *digest),
        }
    }
}

impl Demand {
    /// Whether nothing is demanded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.predicate_type.is_none() && self.subject.is_none()
    }

    /// The options, for messages.
    #[must_use]
    pub fn words(&self) -> String {
        let predicate = self.predicate_type.as_ref().map(|wanted| format!("--predicate-type {wanted}"));
        let subject = self.subject.as_ref().map(|wanted| format!("--subject {}", wanted.words()));
        predicate.into_iter().chain(subject).collect::<Vec<_>>().join(", ")
    }

    /// Rows for the untrusted statement of the document `name`: one for each demand.
    #[must_use]
    pub fn rows(&self, name: &[u8], untrusted: &Statement) -> Vec<Check> {
        let mut rows = Vec::new();
        if let Some(wanted) = &self.predicate_type {
            let found = &untrusted.predicate_type;
            let outcome = if wanted == found {
                Ok(format!("it is of the demanded type {found}"))
            } else {
                Err(format!(
                    "expected the predicate type {wanted}, which --predicate-type demands, found {found}: it states \
                     something else"
                ))
            };
            rows.push(Check::of(check::INTOTO_PREDICATE, name, outcome).with("expected", wanted).with("found", found));
        }
        if let Some(wanted) = self.subject.as_ref().filter(|wanted| !self.any_subject(untrusted, wanted)) {
            let (words, found) = (wanted.words(), named(&untrusted.subjects));
            let detail = format!("expected the subject {words}, which --subject demands, found {found}");
            let row = Check::fail(check::INTOTO_SUBJECT, name, detail);
            rows.push(row.with("expected", words).with("found", found));
        }
        rows
    }

    /// The row of a signature that is over no statement; none where nothing is demanded.
    #[must_use]
    pub fn no_statement(&self, name: &[u8], found: &str) -> Option<Check> {
        if self.is_empty() {
            return None;
        }
        let kind = if self.predicate_type.is_some() { check::INTOTO_PREDICATE } else { check::INTOTO_SUBJECT };
        let detail = format!("expected a signed in-toto statement, which {} demands, found {found}", self.words());
        Some(Check::fail(kind, name, detail).with("expected", self.words()).with("found", found))
    }

    fn any_subject(&self, untrusted: &Statement, wanted: &SubjectDemand) -> bool {
        untrusted.subjects.iter().any(|subject| wanted.fits(subject))
    }

    fn admits(&self, untrusted: &Subject) -> bool {
        self.subject.as_ref().is_none_or(|wanted| wanted.fits(untrusted))
    }
}

/// The statement in the untrusted envelope of the document `name`, and the row that says so.
#[must_use]
pub fn read(untrusted: &Envelope, name: &[u8]) -> (Option<Statement>, Check) {
    let fail = |detail: String| (None, Check::fail(check::INTOTO_STATEMENT, name, detail));
    if untrusted.payload_type() != intoto::PAYLOAD_TYPE {
        let found = untrusted.payload_type();
        return fail(format!(
            "expected an envelope of the payload type {}, found {found}: what is signed is no statement",
            intoto::PAYLOAD_TYPE
        ));
    }
    match intoto::parse(untrusted.payload()) {
        Err(why) => fail(format!("expected an in-toto statement, found: {why}")),
        Ok(statement) => {
            let row = described(&statement, name);
            (Some(statement), row)
        }
    }
}

/// Rows for the statement of a Sigstore bundle `name`, which is known to be about the artifact with this digest: that it is
/// one, and what is demanded of it.
#[must_use]
pub fn bound(untrusted: Result<&Statement, &str>, name: &[u8], artifact: Digest, demand: &Demand) -> Vec<Check> {
    let statement = match untrusted {
        Ok(statement) => statement,
        Err(why) => {
            let detail = format!("expected an in-toto statement, found: {why}");
            return vec![Check::fail(check::INTOTO_STATEMENT, name, detail)];
        }
    };
    let mut rows = vec![described(statement, name)];
    rows.extend(demand.rows(name, statement));
    rows.extend(against(statement, name));
    let found = [Some(artifact)];
    let compared = |subject: &&Subject| compare(subject, &found);
    let admitted = || statement.subjects.iter().filter(|subject| demand.admits(subject));
    if let Some(wanted) = demand.subject.as_ref().filter(|_| admitted().next().is_some()) {
        let outcome = match admitted().find(|subject| matches!(compared(subject), Compared::Agrees)) {
            Some(subject) => Ok(format!("{} is the artifact, by digest", subject.describe())),
            None => Err(format!(
                "expected the subject {} to have the digest of the artifact, {}, found {}",
                wanted.words(),
                artifact.prefixed(),
                admitted().next().map(Subject::describe).unwrap_or_default()
            )),
        };
        rows.push(Check::of(check::INTOTO_SUBJECT, name, outcome));
    }
    rows
}

/// The row of a verification summary that does not say that its subject passed: who signs that vouches for nothing. `None` for
/// every other statement.
#[must_use]
pub fn against(untrusted: &Statement, name: &[u8]) -> Option<Check> {
    let (_, said) =
        untrusted.claims.iter().find(|(claim, said)| *claim == "verification result" && said != "PASSED")?;
    let detail = format!("expected a verification summary with the result PASSED, found {}", quote(said));
    Some(Check::fail(check::INTOTO_PREDICATE, name, detail).with("expected", "PASSED").with("found", said))
}

/// The row of a statement that could be read.
fn described(statement: &Statement, name: &[u8]) -> Check {
    let known = predicate_name(&statement.predicate_type).unwrap_or("a type that is not known here");
    let single = if statement.single { "; subject is one object, not a list" } else { "" };
    let count = statement.subjects.len();
    let detail = format!(
        "a statement {} of the type {} ({known}), about {count} {}{single}",
        statement.version.name(),
        statement.predicate_type,
        if count == 1 { "subject" } else { "subjects" }
    );
    Check::pass(check::INTOTO_STATEMENT, name, detail)
        .with("predicate_type", &statement.predicate_type)
        .with("statement_version", statement.version.name())
        .with("subjects", count.to_string())
}

/// What a statement is about, among what is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The input file itself: the subject at this index has its digest.
    Input(usize),
    /// Entries that subjects name, with digests that agree: index of the subject and entry.
    Entries(Vec<(usize, EntryIndex)>),
    /// Nothing that is here.
    Nothing,
    /// A subject contradicts what is here, or itself: expected and found.
    Contradiction(String),
}

/// Compares the subjects of an untrusted statement with the input (`sha256`, `sha512`: digests of its file, where there are)
/// and its entries. A subject names the input by digest, whatever its name; an entry by its whole path and digest together.
#[must_use]
pub fn about(untrusted: &Statement, inventory: &Inventory, demand: &Demand) -> About {
    let outer = inventory.outer.as_ref().filter(|_| !inventory.container.contains(&"directory"));
    let admitted = || untrusted.subjects.iter().enumerate().filter(|(_, subject)| demand.admits(subject));
    let (mut input, mut entries) = (None, Vec::new());
    for (index, subject) in admitted() {
        if let Some(outer) = outer {
            let found = [Some(Digest::Sha256(outer.sha256)), outer.sha512.as_deref().copied().map(Digest::Sha512)];
            match compare(subject, &found) {
                Compared::Agrees => input = input.or(Some(index)),
                Compared::Mixed(why) => {
                    return About::Contradiction(format!("{} and the input: {why}", subject.describe()));
                }
                Compared::Differs if is_named(subject, &inventory.name) => {
                    return About::Contradiction(format!(
                        "{} has the name of the input, which has sha256:{}",
                        subject.describe(),
                        crate::format::digest::hex(&outer.sha256)
                    ));
                }
                Compared::Differs | Compared::Unknown => {}
            }
        }
        let Some(entry) = entry_named(inventory, subject) else { continue };
        let sha512 = inventory.sha512.get(entry as usize).copied().map(Digest::Sha512);
        match compare(subject, &[inventory.entry(entry).digest().copied().map(Digest::Sha256), sha512]) {
            Compared::Agrees => entries.push((index, entry)),
            Compared::Mixed(why) => {
                return About::Contradiction(format!("{} and that entry: {why}", subject.describe()));
            }
            Compared::Differs => {
                let found = inventory.entry(entry).digest().map_or("none".into(), |d| crate::format::digest::hex(d));
                return About::Contradiction(format!("{} names an entry that has sha256:{found}", subject.describe()));
            }
            Compared::Unknown => {}
        }
    }
    match (input, entries.is_empty()) {
        (Some(index), _) => About::Input(index),
        (None, false) => About::Entries(entries),
        (None, true) => About::Nothing,
    }
}

/// Whether SHA-512 of entries is needed to compare them with the subjects of an untrusted statement.
#[must_use]
pub fn needs_sha512(untrusted: &Statement, inventory: &Inventory) -> bool {
    let stated = |subject: &&Subject| subject.sha512.is_some();
    untrusted.subjects.iter().filter(stated).any(|subject| entry_named(inventory, subject).is_some())
}

/// The regular file whose whole path a subject states.
fn entry_named(inventory: &Inventory, untrusted: &Subject) -> Option<EntryIndex> {
    // A name that ends in a slash is that of a folder, which is no file of the name without it.
    if untrusted.name.is_empty() || untrusted.name.ends_with('/') {
        return None;
    }
    let found = inventory.find(path::normal(untrusted.name.as_bytes()))?;
    let entry = inventory.entry(found);
    // Of an encrypted entry nobody knows which text a digest is of.
    (entry.kind == EntryKind::File && entry.hashed && !inventory.sealed.contains_key(&found)).then_some(found)
}

fn is_named(untrusted: &Subject, input: &[u8]) -> bool {
    !input.is_empty() && untrusted.name.as_bytes() == input
}

/// How the digests of a subject compare with those that were found.
enum Compared {
    Agrees,
    Differs,
    /// One agrees and another does not.
    Mixed(String),
    /// It states none that is known here.
    Unknown,
}

fn compare(untrusted: &Subject, found: &[Option<Digest>]) -> Compared {
    let same = |a: &Digest, b: &Digest| std::mem::discriminant(a) == std::mem::discriminant(b);
    let (mut agreeing, mut differing) = (None, None);
    for stated in untrusted.digests() {
        let Some(known) = found.iter().flatten().find(|known| same(known, &stated)) else { continue };
        let side = if *known == stated { &mut agreeing } else { &mut differing };
        *side = Some((stated, *known));
    }
    match (agreeing, differing) {
        (Some((right, _)), Some((wrong, known))) => {
            let (right, wrong, known) = (right.prefixed(), wrong.prefixed(), known.prefixed());
            Compared::Mixed(format!("{right} agrees, and {wrong} contradicts it: found {known}"))
        }
        (Some(_), None) => Compared::Agrees,
        (None, Some(_)) => Compared::Differs,
        (None, None) => Compared::Unknown,
    }
}

/// The first subjects in words, and how many more there are.
#[must_use]
pub fn named(untrusted: &[Subject]) -> String {
    let mut words: Vec<String> = untrusted.iter().take(MAX_NAMED).map(Subject::describe).collect();
    if untrusted.len() > MAX_NAMED {
        words.push(format!("and {} more", untrusted.len() - MAX_NAMED));
    }
    words.join(", ")
}
