//! One revocation list as an input by itself (`portcullis revocation verify`). Not in the table of kinds: a lone JSON file is
//! no bundle, and `verify` refuses it.

use super::kind::{Kind, Likelihood};
use super::model::{Bundle, Facts};
use crate::format::inventory::Inventory;
use crate::format::revocation::{self, Category, Faults, Revocation, RevocationList};
use crate::format::time::format_rfc3339;
use crate::trust::check::{self, Check, CheckKind};

/// Revocations that a report names one by one; the rest is counted.
pub const MAX_TOLD: usize = 10_000;

/// The name of the fact that must not be missed.
pub const WARNING: &str = "warning";

/// The name of the fact that names one revocation.
pub const REVOKES: &str = "revokes";

/// The kind.
pub struct RevocationBundle;

impl Kind for RevocationBundle {
    fn id(&self) -> &'static str {
        "revocation:bundle"
    }

    fn detect(&self, _: &Inventory) -> Likelihood {
        Likelihood::No
    }

    /// Its list is read by [`read`]: what it says is judged against signature, clock and state together.
    fn interpret(&self, _: &mut Inventory) -> Bundle {
        Bundle::default()
    }
}

/// Reads the untrusted list in the document `name`: as far as it can be read, and the checks that need no key and no clock.
#[must_use]
pub fn read(name: &[u8], untrusted: &[u8]) -> (Option<RevocationList>, Vec<Check>) {
    let list = match revocation::parse(untrusted) {
        Ok(list) => list,
        Err(error) => {
            let detail = format!("expected strict JSON, found: {error}");
            return (None, vec![Check::fail(check::DOCUMENT_JSON, name, detail)]);
        }
    };
    let faults = |kind: CheckKind, faults: &Faults, otherwise: String| {
        let outcome = if faults.is_empty() { Ok(otherwise) } else { Err(faults.sentence()) };
        Check::of(kind, name, outcome)
    };
    let version = list.schema_version.as_deref().unwrap_or_default();
    let schema = format!("the fields of a revocation bundle {version}, and no others");
    let mut order = format!("{} in canonical order, none twice", counted(&list));
    if !list.deviations.is_empty() {
        order.push_str(&format!("; not canonical, which fails nothing: {}", list.deviations.join("; ")));
    }
    let checks = vec![
        Check::pass(check::DOCUMENT_JSON, name, "strict JSON"),
        faults(check::REVOCATION_SCHEMA, &list.faults, schema),
        faults(check::REVOCATION_ORDER, &list.disorder, order),
    ];
    (Some(list), checks)
}

/// What the untrusted list says, for people; first `warnings`, which must not be missed.
#[must_use]
pub fn facts(name: &[u8], untrusted: &RevocationList, warnings: Vec<String>) -> Facts {
    let list = untrusted;
    let mut items: Vec<(&'static str, String)> = warnings.into_iter().map(|warning| (WARNING, warning)).collect();
    let mut add = |name: &'static str, value: Option<String>| items.extend(value.map(|value| (name, value)));
    add("issuer", list.issuer.clone());
    add("sequence", list.sequence.map(|sequence| sequence.to_string()));
    add("bundle id", list.bundle_id.clone());
    add("schema version", list.schema_version.clone());
    add("issued at", list.issued_at.map(format_rfc3339));
    add("valid from", list.valid_from.map(format_rfc3339));
    add("valid until", list.expires_at.map(format_rfc3339));
    add("signing key id", list.signing_key_id.clone());
    for (name, value) in &list.metadata {
        add("metadata", Some(format!("{name} = {value}")));
    }
    for deviation in &list.deviations {
        add("deviation", Some(deviation.clone()));
    }
    add("revocations", Some(counted(list)));
    items.extend(list.revocations.iter().take(MAX_TOLD).map(|revocation| (REVOKES, describe(revocation))));
    if list.revocations.len() > MAX_TOLD {
        let more = list.revocations.len() - MAX_TOLD;
        items.push((REVOKES, format!("and {more} more, which are not listed here")));
    }
    Facts { document: name.to_vec(), items }
}

/// `3: 2 client, 1 key`.
fn counted(list: &RevocationList) -> String {
    let count = |category| list.revocations.iter().filter(|revocation| revocation.category == category).count();
    let counts = Category::ALL.map(|category| (category.name(), count(category)));
    let words: Vec<String> =
        counts.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    match list.revocations.len() {
        0 => "0 revocations".into(),
        1 => format!("1 revocation ({})", words.join(", ")),
        many => format!("{many} revocations ({})", words.join(", ")),
    }
}

/// One line: who, since when, why.
pub(super) fn describe(revocation: &Revocation) -> String {
    let mut line =
        format!("{} {} since {}", revocation.category.name(), revocation.id, format_rfc3339(revocation.revoked_at));
    let members = [
        ("type", &revocation.token_type),
        ("client", &revocation.client_id),
        ("subject", &revocation.subject_id),
        ("fingerprint", &revocation.fingerprint),
        ("reason", &revocation.reason),
    ];
    let told = members.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
    for (name, value) in told.filter(|(_, value)| **value != revocation.id) {
        line.push_str(&format!(", {name} {value}"));
    }
    for (word, time) in [("counts from", revocation.effective_at), ("until", revocation.expires_at)] {
        if let Some(time) = time {
            line.push_str(&format!(", {word} {}", format_rfc3339(time)));
        }
    }
    if !revocation.scopes.is_empty() {
        line.push_str(&format!(", scopes {}", revocation.scopes.join(" ")));
    }
    line
}
