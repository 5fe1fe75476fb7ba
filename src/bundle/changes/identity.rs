//! What two bundles say of themselves, and who signed them: what is different, and what of it is a step back.

use crate::bundle::model::{Bundle, Facts};
use crate::format::inventory::Inventory;
use crate::format::path::lossless;
use crate::format::time::{Time, format_rfc3339, parse_rfc3339};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Most differences of identity that are listed; the rest is counted. Bundles have some dozens of facts.
pub const MAX_FIELDS: usize = 1000;

/// One side, as far as identity and trust are compared.
pub struct Party<'a> {
    /// Id of the kind.
    pub kind: &'static str,
    /// The version that its markers state.
    pub version: Option<&'a str>,
    /// What was read.
    pub inventory: &'a Inventory,
    /// What its documents say.
    pub bundle: &'a Bundle,
    /// Who signed, or claims to have.
    pub signers: &'a [SignedBy],
    /// Entries of transparency logs that lie beside it.
    pub log_entries: usize,
    /// How strong the authentication is that was established; `None` where nothing was verified.
    pub strength: Option<(u8, &'static str)>,
}

/// A signature: one that verified, or one that is claimed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignedBy {
    /// Fingerprint, identity of the certificate, or the key id that the signature states; empty where it states none.
    pub name: String,
    /// The scheme, or the algorithm that the signature states.
    pub scheme: String,
    /// The document that carries it.
    pub document: Vec<u8>,
    /// The type of what is signed, where the document says so.
    pub payload_type: String,
}

/// Something that the two sides say differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it is about.
    pub name: String,
    /// The document of the new side that says so, or of the old; empty for what no single document says.
    pub document: Vec<u8>,
    /// What the old side has.
    pub old: Option<String>,
    /// What the new side has.
    pub new: Option<String>,
    /// A step back: older, lower, fewer, weaker, or gone.
    pub regression: bool,
}

/// All differences of identity and trust.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Steps back first, then the others in the order in which the documents say them; at most [`MAX_FIELDS`].
    pub fields: Vec<Field>,
    /// Differences over that limit.
    pub more: u64,
    /// Steps back among all of them.
    pub regressions: u64,
}

impl Identity {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Puts steps back that were found elsewhere before all others.
    pub fn lead_with(&mut self, steps: Vec<Field>) {
        self.regressions += steps.len() as u64;
        let rest = std::mem::replace(&mut self.fields, steps);
        self.fields.extend(rest);
        self.more += self.fields.len().saturating_sub(MAX_FIELDS) as u64;
        self.fields.truncate(MAX_FIELDS);
    }

    /// Compares two sides, both untrusted.
    pub fn compare(old: &Party<'_>, new: &Party<'_>) -> Identity {
        let mut found = Fields::default();
        found.add("kind", Some(old.kind.to_string()), Some(new.kind.to_string()), |_, _| false);
        found.add("version", old.version.map(String::from), new.version.map(String::from), is_lower);
        found.dates(old, new);
        found.trust(old, new);
        found.facts(&old.bundle.facts, &new.bundle.facts);
        let Fields { mut fields, mut more, regressions } = found;
        fields.sort_by_key(|field| !field.regression);
        more += fields.len().saturating_sub(MAX_FIELDS) as u64;
        fields.truncate(MAX_FIELDS);
        Identity { fields, more, regressions }
    }
}

/// Differences as they are found. Documents can have a million facts, so of steps back and of the others no more are kept
/// than can be listed.
#[derive(Default)]
struct Fields {
    fields: Vec<Field>,
    more: u64,
    regressions: u64,
}

impl Fields {
    fn add(
        &mut self,
        name: &str,
        old: Option<String>,
        new: Option<String>,
        steps_back: impl FnOnce(&str, &str) -> bool,
    ) {
        let regression = matches!((&old, &new), (Some(old), Some(new)) if steps_back(old, new));
        self.push(name, old, new, regression);
    }

    fn push(&mut self, name: &str, old: Option<String>, new: Option<String>, regression: bool) {
        if old == new {
            return;
        }
        let others = self.fields.len() as u64 + self.more - self.regressions;
        self.regressions += u64::from(regression);
        let before = if regression { self.regressions - 1 } else { others };
        if before >= MAX_FIELDS as u64 {
            self.more += 1;
            return;
        }
        self.fields.push(Field { name: name.into(), document: Vec::new(), old, new, regression });
    }

    fn dates(&mut self, old: &Party<'_>, new: &Party<'_>) {
        let text = |date: &Option<(Time, Vec<u8>)>| date.as_ref().map(|(time, _)| format_rfc3339(*time));
        self.add("created", text(&old.bundle.created), text(&new.bundle.created), is_lower);
        self.add("expires", text(&old.bundle.expires), text(&new.bundle.expires), is_lower);
    }

    /// What trust rests on. A number that became smaller, or something that is gone, is a step back.
    fn trust(&mut self, old: &Party<'_>, new: &Party<'_>) {
        let number = |count: usize| Some(count.to_string());
        let keys = |party: &Party<'_>| number(party.signers.iter().map(|s| &s.name).collect::<BTreeSet<_>>().len());
        self.add("signers", keys(old), keys(new), is_lower);
        let weakest = |party: &Party<'_>| {
            let schemes: BTreeSet<&str> = party.signers.iter().map(|s| s.scheme.as_str()).collect();
            schemes.into_iter().collect::<Vec<_>>().join(", ")
        };
        let strength = |party: &Party<'_>| party.signers.iter().map(|s| strength(&s.scheme)).min().unwrap_or(0);
        let weaker = strength(new) < strength(old);
        self.add("schemes", Some(weakest(old)), Some(weakest(new)), |_, _| weaker);
        if let (Some(before), Some(after)) = (old.strength, new.strength) {
            self.add("authenticated by", Some(before.1.into()), Some(after.1.into()), |_, _| after.0 < before.0);
        }
        let types = |party: &Party<'_>| {
            let types: BTreeSet<&str> = party.signers.iter().map(|s| s.payload_type.as_str()).collect();
            types.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
        };
        self.add("payload types", Some(types(old)), Some(types(new)), |_, _| false);
        let sealed = |party: &Party<'_>| number(party.inventory.sealed.len());
        self.add("encrypted entries", sealed(old), sealed(new), is_lower);
        let stamps = |party: &Party<'_>| number(party.bundle.signed.iter().filter(|s| s.timestamp_token).count());
        self.add("timestamp tokens", stamps(old), stamps(new), is_lower);
        self.add("log entries", number(old.log_entries), number(new.log_entries), is_lower);
        self.tuf(&tuf_roles(old), &tuf_roles(new));
    }

    fn tuf(&mut self, old: &BTreeMap<String, Role>, new: &BTreeMap<String, Role>) {
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let (before, after) = (old.get(name), new.get(name));
            let gone = after.is_none() && before.is_some();
            let version = |role: Option<&Role>| role.map(|role| role.version.to_string());
            let (a, b) = (version(before), version(after));
            let lower = a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| is_lower(a, b));
            self.push(&format!("tuf {name} version"), a, b, gone || lower);
            let expires = |role: Option<&Role>| role.map(|role| role.expires.clone());
            self.add(&format!("tuf {name} expires"), expires(before), expires(after), is_lower);
            let thresholds = |role: Option<&Role>| role.map_or(BTreeMap::new(), |role| role.thresholds.clone());
            let (before, after) = (thresholds(before), thresholds(after));
            for of in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
                let text = |thresholds: &BTreeMap<String, u64>| thresholds.get(of).map(u64::to_string);
                self.add(&format!("tuf {name} threshold of {of}"), text(&before), text(&after), is_lower);
            }
        }
    }

    /// What the documents say of themselves, each compared with the document of the same name, or of the same make.
    fn facts(&mut self, old: &[Facts], new: &[Facts]) {
        let mut partners: Vec<Option<&Facts>> = vec![None; new.len()];
        let mut alone: Vec<&Facts> = Vec::new();
        for facts in old {
            let twin = new.iter().position(|other| other.document == facts.document);
            match twin.and_then(|at| partners.get_mut(at)) {
                Some(slot) if slot.is_none() => *slot = Some(facts),
                _ => alone.push(facts),
            }
        }
        let mut gone = Vec::new();
        for facts in alone {
            let first = |facts: &Facts| facts.items.first().map(|(name, _)| *name);
            let kin = |(at, other): (usize, &Facts)| partners[at].is_none() && first(other) == first(facts);
            match new.iter().enumerate().position(kin) {
                Some(at) => partners[at] = Some(facts),
                None => gone.push(facts),
            }
        }
        for (facts, partner) in new.iter().zip(partners) {
            self.document(partner, Some(facts));
        }
        for facts in gone {
            self.document(Some(facts), None);
        }
    }

    fn document(&mut self, old: Option<&Facts>, new: Option<&Facts>) {
        let start = self.fields.len();
        let (before, after) = (named(old), named(new));
        let mut order: Vec<&String> = after.order.iter().collect();
        order.extend(before.order.iter().filter(|name| !after.values.contains_key(*name)));
        let none = Vec::new();
        for name in order {
            let (a, b) = (before.values.get(name).unwrap_or(&none), after.values.get(name).unwrap_or(&none));
            if let ([a], [b]) = (&a[..], &b[..]) {
                self.add(name, Some((*a).clone()), Some((*b).clone()), |a, b| is_ordered(name) && is_lower(a, b));
                continue;
            }
            let (kept, others): (BTreeSet<&String>, BTreeSet<&String>) =
                (a.iter().copied().collect(), b.iter().copied().collect());
            for value in kept.difference(&others) {
                self.add(name, Some((*value).clone()), None, |_, _| false);
            }
            for value in others.difference(&kept) {
                self.add(name, None, Some((*value).clone()), |_, _| false);
            }
        }
        let document = new.or(old).map_or(&b""[..], |facts| &facts.document);
        for field in &mut self.fields[start..] {
            field.document = document.to_vec();
        }
    }
}

/// Facts of a document by name; those of the form `key = value` by their key.
#[derive(Default)]
struct Named<'a> {
    order: Vec<String>,
    values: BTreeMap<String, Vec<&'a String>>,
}

fn named(facts: Option<&Facts>) -> Named<'_> {
    let mut named = Named::default();
    for (name, value) in facts.iter().flat_map(|facts| &facts.items) {
        let key = match value.split_once(" = ") {
            Some((key, _)) => format!("{name} {key}"),
            None => (*name).to_string(),
        };
        if !named.values.contains_key(&key) {
            named.order.push(key.clone());
        }
        named.values.entry(key).or_default().push(value);
    }
    named
}

/// Whether values under this name go up from bundle to bundle.
fn is_ordered(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "version",
        "schema",
        "generation",
        "sequence",
        "signatures",
        "exporter",
        "created",
        "generated",
        "issued",
        "signed",
        "updated",
        "valid",
        "next update",
        "published",
    ];
    WORDS.iter().any(|word| name.contains(word))
}

/// Whether `new` comes before `old`: as dates where both are dates, else as versions where both are versions of one form.
pub(super) fn is_lower(old: &str, new: &str) -> bool {
    if let (Ok(old), Ok(new)) = (parse_rfc3339(old), parse_rfc3339(new)) {
        return new < old;
    }
    match (version(old), version(new)) {
        (Some(old), Some(new)) if old.0 == new.0 => new.1.cmp(&old.1) == Ordering::Less,
        _ => false,
    }
}

/// What stands before the first number, and the numbers: `devportal-offline/v1` is (`devportal-offline/v`, 1).
fn version(text: &str) -> Option<(&str, Vec<u64>)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let (before, numbers) = text.split_at(start);
    let end = numbers.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(numbers.len());
    let mut parts: Vec<u64> =
        numbers[..end].split('.').filter(|part| !part.is_empty()).map(str::parse).collect::<Result<_, _>>().ok()?;
    // 1.0 is 1.
    while parts.len() > 1 && parts.last() == Some(&0) {
        parts.pop();
    }
    Some((before, parts))
}

/// How much a signature of this scheme is worth: a shared secret can be used by whoever can check it, PKCS #1 v1.5 is the
/// padding that is on its way out.
fn strength(scheme: &str) -> u8 {
    let lower = scheme.to_ascii_lowercase();
    match () {
        () if lower.contains("hmac") || lower.starts_with("hs") => 1,
        () if lower.contains("pkcs1") || lower.starts_with("rs2") => 2,
        () => 3,
    }
}

/// What a TUF role states.
struct Role {
    version: u64,
    expires: String,
    thresholds: BTreeMap<String, u64>,
}

/// The roles of the metadata in the bundle; where there are several versions of one, the highest.
fn tuf_roles(party: &Party<'_>) -> BTreeMap<String, Role> {
    let mut roles: BTreeMap<String, Role> = BTreeMap::new();
    let Some(part) = &party.bundle.tuf else { return roles };
    let folder = format!("{}/", part.folder);
    for document in &party.inventory.documents {
        let Some(base) = document.name.strip_prefix(folder.as_bytes()) else { continue };
        let Ok(value) = crate::format::json::parse::<serde_json::Value>(&document.bytes) else { continue };
        let Some((version, signed)) =
            value.get("signed").and_then(|signed| Some((signed.get("version")?.as_u64()?, signed)))
        else {
            continue;
        };
        let base = lossless(base);
        let name = base.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches(".json");
        let thresholds = signed.get("roles").and_then(serde_json::Value::as_object).into_iter().flatten();
        let thresholds =
            thresholds.filter_map(|(role, keys)| Some((role.clone(), keys.get("threshold")?.as_u64()?))).collect();
        let expires = signed.get("expires").and_then(serde_json::Value::as_str).unwrap_or_default().to_string();
        let role = Role { version, expires, thresholds };
        if roles.get(name).is_none_or(|known| known.version < version) {
            roles.insert(name.to_string(), role);
        }
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_lower_and_earlier_are_steps_back() {
        for (old, new) in [
            ("2026-11-20T00:00:00Z", "2026-11-19T23:59:59Z"),
            ("2026-11-20T00:00:00Z", "2026-11-20T00:00:00+01:00"),
            ("1.10.0", "1.9"),
            ("v2", "v1"),
            ("devportal-offline/v2", "devportal-offline/v1"),
            ("10", "9"),
        ] {
            assert!(is_lower(old, new), "{old} -> {new}");
            assert!(!is_lower(new, old), "{new} -> {old}");
        }
        for (a, b) in [("1.0", "1"), ("a/v2", "b/v1"), ("none", "1"), ("x", "y"), ("1.0.0", "1.0.0")] {
            assert!(!is_lower(a, b) && !is_lower(b, a), "{a}, {b}");
        }
    }

    fn party<'a>(bundle: &'a Bundle, inventory: &'a Inventory, signers: &'a [SignedBy]) -> Party<'a> {
        Party { kind: "plain", version: Some("v1"), inventory, bundle, signers, log_entries: 0, strength: None }
    }

    fn facts(document: &str, items: &[(&'static str, &str)]) -> Facts {
        Facts {
            document: document.as_bytes().to_vec(),
            items: items.iter().map(|(name, value)| (*name, (*value).to_string())).collect(),
        }
    }

    fn told(identity: &Identity) -> Vec<(&str, Option<&str>, Option<&str>, bool)> {
        identity.fields.iter().map(|f| (f.name.as_str(), f.old.as_deref(), f.new.as_deref(), f.regression)).collect()
    }

    #[test]
    fn facts_are_compared_by_document_and_by_name() {
        let old = Bundle {
            facts: vec![
                facts("m", &[("tenant", "a"), ("generated at", "2026-11-20T00:00:00Z"), ("metadata", "x = 1")]),
                facts("one.dsse.json", &[("payload type", "t"), ("signatures", "2")]),
            ],
            ..Bundle::default()
        };
        let new = Bundle {
            facts: vec![
                facts("m", &[("tenant", "b"), ("generated at", "2026-11-19T00:00:00Z"), ("metadata", "y = 1")]),
                facts("two.dsse.json", &[("payload type", "t"), ("signatures", "1")]),
            ],
            ..Bundle::default()
        };
        let inventory = Inventory::default();
        let identity = Identity::compare(&party(&old, &inventory, &[]), &party(&new, &inventory, &[]));
        let expected = [
            ("generated at", Some("2026-11-20T00:00:00Z"), Some("2026-11-19T00:00:00Z"), true),
            ("signatures", Some("2"), Some("1"), true),
            ("tenant", Some("a"), Some("b"), false),
            ("metadata y", None, Some("y = 1"), false),
            ("metadata x", Some("x = 1"), None, false),
        ];
        assert_eq!(told(&identity), expected);
        assert_eq!(identity.regressions, 2);
        assert!(Identity::compare(&party(&old, &inventory, &[]), &party(&old, &inventory, &[])).is_empty());
    }

    #[test]
    fn fewer_signers_and_weaker_schemes_are_steps_back() {
        let by = |name: &str, scheme: &str| SignedBy {
            name: name.into(),
            scheme: scheme.into(),
            document: b"m.dsse.json".to_vec(),
            payload_type: "t".into(),
        };
        let (two, one) = ([by("a", "ed25519"), by("b", "ed25519")], [by("a", "hmac-sha256")]);
        let (bundle, inventory) = (Bundle::default(), Inventory::default());
        let there = Identity::compare(&party(&bundle, &inventory, &two), &party(&bundle, &inventory, &one));
        let expected =
            [("signers", Some("2"), Some("1"), true), ("schemes", Some("ed25519"), Some("hmac-sha256"), true)];
        assert_eq!(told(&there), expected);
        let back = Identity::compare(&party(&bundle, &inventory, &one), &party(&bundle, &inventory, &two));
        assert_eq!(back.regressions, 0);
        let none = Identity::compare(&party(&bundle, &inventory, &one), &party(&bundle, &inventory, &[]));
        assert_eq!(none.regressions, 2);
    }
}
