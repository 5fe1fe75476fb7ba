//! What in-toto statements say, for people: claims, as long as nobody has verified who made them.

use super::model::Facts;
use crate::format::intoto::{Statement, Subject, predicate_name};

/// Most subjects that are named.
const SHOWN: usize = 8;

/// Version, type, subjects and predicate of an untrusted statement.
#[must_use]
pub fn items(untrusted: &Statement) -> Vec<(&'static str, String)> {
    let mut items = vec![("statement", untrusted.version.name().to_string())];
    let kind = predicate_name(&untrusted.predicate_type);
    let named = kind.map_or("not known here".into(), |name| name.to_string());
    items.push(("predicate type", untrusted.predicate_type.clone()));
    items.push(("predicate", named));
    items.extend(untrusted.subjects.iter().take(SHOWN).map(|subject| ("subject", Subject::describe(subject))));
    if untrusted.subjects.len() > SHOWN {
        items.push(("subject", format!("and {} more", untrusted.subjects.len() - SHOWN)));
    }
    items.extend(untrusted.claims.iter().cloned());
    items
}

/// The same as the facts of the document `name`.
#[must_use]
pub fn facts(name: &[u8], untrusted: &Statement) -> Facts {
    Facts { document: name.to_vec(), items: items(untrusted) }
}
