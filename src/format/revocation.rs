//! Revocation bundles of StellaOps (formats.md 10): one JSON object that names tokens, subjects, clients and keys which
//! must no longer be believed.
//!
//! The text is strict JSON, see [`super::json`]. Its members are read one by one and never as a tree: a member of the wrong
//! type costs no more than its text. What the schema does not name is a fault, as the schema allows no extras. Reading goes
//! on after a fault, so that all of them are found.
//!
//! Nothing is verified here, and no clock is asked.

pub(super) mod fields;
mod state;

use super::json::{self, JsonError};
use super::layout::is_indented;
use super::time::Time;
use fields::{Members, members};
use serde_json::value::RawValue;
use std::cmp::Ordering;

pub use state::State;

/// Revocations of one list. Each has some eight values, and a JSON text of this size may have 1,048,576.
pub const MAX_REVOCATIONS: usize = 1 << 17;

/// Bytes of one text: an id, a reason, a URI. Documented ones have less than 100.
pub const MAX_TEXT: usize = 1024;

/// Scopes of one revocation, and members of one `metadata`.
pub const MAX_LIST: usize = 256;

/// The largest sequence: the largest integer on which all readers of JSON agree. A stolen key can drive the sequence to a
/// number that nothing can follow only if there is one.
pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;

/// Faults of one kind that are told one by one; the rest is counted.
pub const MAX_FAULTS: usize = 20;

/// What is revoked. The order is the canonical one, that of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Everything that was issued to a client.
    Client,
    /// A signing key.
    Key,
    /// Everything that was issued for a subject.
    Subject,
    /// One token.
    Token,
}

impl Category {
    /// All, in canonical order.
    pub const ALL: [Category; 4] = [Category::Client, Category::Key, Category::Subject, Category::Token];

    /// The word in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Category::Client => "client",
            Category::Key => "key",
            Category::Subject => "subject",
            Category::Token => "token",
        }
    }

    /// Members that a revocation of this category needs besides `id`, `category` and `revokedAt`.
    fn required(self) -> &'static [&'static str] {
        match self {
            Category::Client => &["clientId"],
            Category::Key => &[],
            Category::Subject => &["subjectId"],
            Category::Token => &["tokenType", "clientId"],
        }
    }
}

/// One revocation. All texts are untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// What is revoked.
    pub category: Category,
    /// Its id.
    pub id: String,
    /// Since when.
    pub revoked_at: Time,
    /// Why, in one word.
    pub reason: Option<String>,
    /// `access`, `refresh` and so on.
    pub token_type: Option<String>,
    /// The client.
    pub client_id: Option<String>,
    /// The subject.
    pub subject_id: Option<String>,
    /// Fingerprint of a key.
    pub fingerprint: Option<String>,
    /// The scopes that it is confined to; none: all.
    pub scopes: Vec<String>,
    /// From when on it counts, where that is not since it was revoked.
    pub effective_at: Option<Time>,
    /// Until when it counts.
    pub expires_at: Option<Time>,
    /// Why, in a sentence.
    pub description: Option<String>,
    /// Name and JSON text of each scalar.
    pub metadata: Vec<(String, String)>,
}

/// Faults in the order of the text: the first of them in words, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// At most [`MAX_FAULTS`] sentences. They repeat untrusted text.
    pub told: Vec<String>,
    /// All.
    pub count: usize,
}

impl Faults {
    fn add(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.told.len() < MAX_FAULTS {
            self.told.push(text());
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All that are told, and how many are not.
    #[must_use]
    pub fn sentence(&self) -> String {
        let more = self.count - self.told.len();
        let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
        format!("{}{tail}", self.told.join("; "))
    }
}

/// A list as far as it could be read: a member that is absent or at fault is `None`, a revocation at fault is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevocationList {
    /// `1.0.` and a number.
    pub schema_version: Option<String>,
    /// The authority, a URI.
    pub issuer: Option<String>,
    /// When it was made.
    pub issued_at: Option<Time>,
    /// Grows with each list; at most [`MAX_SEQUENCE`].
    pub sequence: Option<u64>,
    /// Hex digits.
    pub bundle_id: Option<String>,
    /// From when it is in force.
    pub valid_from: Option<Time>,
    /// Until when it is in force.
    pub expires_at: Option<Time>,
    /// The key that is said to have signed it.
    pub signing_key_id: Option<String>,
    /// Name and JSON text of each scalar.
    pub metadata: Vec<(String, String)>,
    /// What it revokes, in the order of the text.
    pub revocations: Vec<Revocation>,
    /// What the schema forbids.
    pub faults: Faults,
    /// What is out of order or there twice.
    pub disorder: Faults,
    /// Where the text is not in canonical form in ways that change nothing: order of members, layout.
    pub deviations: Vec<String>,
}

/// Reads `untrusted`. Its size is limited by [`json::ROWS`].
///
/// # Errors
/// [`JsonError`] for a text that is not strict JSON, or too large. What is wrong with a JSON text is in
/// [`RevocationList::faults`] and [`RevocationList::disorder`].
pub fn parse(untrusted: &[u8]) -> Result<RevocationList, JsonError> {
    json::check_within(untrusted, json::ROWS)?;
    let text = json::parse::<&RawValue>(untrusted)?;
    let mut list = RevocationList::default();
    match members(text.get()) {
        Some(found) => list.read(&found),
        None => list.faults.add(|| format!("expected an object, found {}", fields::type_of(text))),
    }
    if !is_indented(std::str::from_utf8(untrusted).unwrap_or_default()) {
        list.deviations.push("the text is not indented by two spaces".into());
    }
    Ok(list)
}

impl RevocationList {
    fn read(&mut self, found: &Members<'_>) {
        self.see_order("the list", found);
        let mut faults = std::mem::take(&mut self.faults);
        let mut reader = fields::Reader::new("", found, &mut faults);
        self.schema_version = reader.required_text("schemaVersion", fields::is_schema_version, "1.0. and a number");
        self.issuer = reader.required_text("issuer", fields::is_uri, "a URI");
        self.issued_at = reader.required("issuedAt").and_then(|raw| reader.time("issuedAt", raw));
        self.sequence = reader.required("sequence").and_then(|raw| reader.sequence(raw));
        self.bundle_id = reader.text("bundleId", fields::is_bundle_id, "16 to 64 lower-case hex digits");
        self.valid_from = reader.optional("validFrom").and_then(|raw| reader.time("validFrom", raw));
        self.expires_at = reader.optional("expiresAt").and_then(|raw| reader.time("expiresAt", raw));
        self.signing_key_id = reader.plain("signingKeyId");
        self.metadata = reader.optional("metadata").map(|raw| reader.scalars(raw)).unwrap_or_default();
        let revocations = reader.required("revocations").map(|raw| reader.items("revocations", raw, MAX_REVOCATIONS));
        reader.no_others();
        self.faults = faults;
        for (index, raw) in revocations.into_iter().flatten().enumerate() {
            self.read_revocation(index, raw);
        }
        self.check_order();
    }

    fn read_revocation(&mut self, index: usize, raw: &RawValue) {
        let place = format!("revocations[{index}]");
        let Some(found) = members(raw.get()) else {
            return self.faults.add(|| format!("{place}: expected an object, found {}", fields::type_of(raw)));
        };
        self.see_order(&place, &found);
        let mut reader = fields::Reader::new(&place, &found, &mut self.faults);
        let category = reader.required_text("category", fields::is_category, "client, key, subject or token");
        let category = category.and_then(|word| Category::ALL.into_iter().find(|known| known.name() == word));
        for name in category.map_or(&[][..], Category::required) {
            reader.required(name);
        }
        let id = reader.required("id").and_then(|_| reader.plain("id"));
        let revoked_at = reader.required("revokedAt").and_then(|raw| reader.time("revokedAt", raw));
        let (reason, token_type) = (reader.plain("reason"), reader.plain("tokenType"));
        let (client_id, subject_id) = (reader.plain("clientId"), reader.plain("subjectId"));
        let fingerprint = reader.plain("fingerprint");
        let description = reader.plain("reasonDescription");
        let [effective_at, expires_at] =
            ["effectiveAt", "expiresAt"].map(|name| reader.optional(name).and_then(|raw| reader.time(name, raw)));
        let scopes = reader.optional("scopes").map(|raw| reader.texts("scopes", raw)).unwrap_or_default();
        let metadata = reader.optional("metadata").map(|raw| reader.scalars(raw)).unwrap_or_default();
        reader.no_others();
        if let Some(pair) = scopes.windows(2).find(|pair| pair[0] >= pair[1]) {
            let what = if pair[0] == pair[1] { "stands twice" } else { "comes too late" };
            self.disorder.add(|| format!("{place}: expected sorted, unique scopes; {} {what}", json::quoted(&pair[0])));
        }
        if let (Some(category), Some(id), Some(revoked_at)) = (category, id, revoked_at) {
            let found = Revocation {
                category,
                id,
                revoked_at,
                reason,
                token_type,
                client_id,
                subject_id,
                fingerprint,
                scopes,
                effective_at,
                expires_at,
                description,
                metadata,
            };
            self.revocations.push(found);
        }
    }

    /// Tells the first object whose members are not in the order of their names.
    fn see_order(&mut self, place: &str, found: &Members<'_>) {
        if self.deviations.is_empty()
            && let Some(pair) = found.windows(2).find(|pair| pair[0].0 > pair[1].0)
        {
            let (late, early) = (json::quoted(&pair[0].0), json::quoted(&pair[1].0));
            self.deviations.push(format!("members are not in lexicographic order: in {place}, {late} before {early}"));
        }
    }

    /// Sorted by category, id and time, none twice. Ids are compared by code points or by UTF-16 units, whichever fits: the
    /// documents say only that they are sorted, and producers differ.
    fn check_order(&mut self) {
        let by_units = |a: &Revocation, b: &Revocation| a.id.encode_utf16().cmp(b.id.encode_utf16());
        let by_points = |a: &Revocation, b: &Revocation| a.id.cmp(&b.id);
        let compare = |ids: &dyn Fn(&Revocation, &Revocation) -> Ordering, a: &Revocation, b: &Revocation| {
            let categories = a.category.cmp(&b.category);
            categories.then_with(|| ids(a, b)).then_with(|| a.revoked_at.cmp(&b.revoked_at))
        };
        let is_sorted = |ids: &dyn Fn(&Revocation, &Revocation) -> Ordering| {
            self.revocations.is_sorted_by(|a, b| compare(ids, a, b) == Ordering::Less)
        };
        if is_sorted(&by_points) || is_sorted(&by_units) {
            return;
        }
        let mut disorder = std::mem::take(&mut self.disorder);
        for pair in self.revocations.windows(2) {
            let describe = || format!("{} {}", pair[1].category.name(), json::quoted(&pair[1].id));
            match compare(&by_points, &pair[0], &pair[1]) {
                Ordering::Less => {}
                Ordering::Equal => disorder.add(|| format!("{} stands twice with one time", describe())),
                Ordering::Greater => disorder.add(|| {
                    let first = format!("{} {}", pair[0].category.name(), json::quoted(&pair[0].id));
                    format!(
                        "expected revocations sorted by category, id, revokedAt; {} comes after {first}",
                        describe()
                    )
                }),
            }
        }
        self.disorder = disorder;
    }
}

#[cfg(test)]
mod tests;
