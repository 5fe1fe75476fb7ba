//! `plain`: any archive or directory, with checksum lists or with none, and DSSE envelopes over those lists.

use super::kind::{Kind, Likelihood};
use super::layout::entry_of;
use super::lists;
use super::model::Bundle;
use super::signed::{self, Target};
use crate::format::inventory::{Document, EntryIndex, Inventory, Location};
use crate::trust::check::{self, Check};

/// A list is text; other types must be named by the operator (`--payload-type`).
const PAYLOAD_TYPES: &[&str] = &["text/plain"];

/// Most signature documents of one bundle: each costs public-key operations, and a bundle can hold millions of them.
const MAX_ENVELOPES: usize = 64;

/// The kind.
pub struct Plain;

impl Kind for Plain {
    fn id(&self) -> &'static str {
        "plain"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        let count = inventory.documents.iter().filter(|d| is_list(&d.name)).count();
        let because = match count {
            0 => "no marker of another kind was found, and no checksum list".to_string(),
            1 => "no marker of another kind was found; there is 1 checksum list".to_string(),
            _ => format!("no marker of another kind was found; there are {count} checksum lists"),
        };
        Likelihood::Yes { version: None, because }
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let mut bundle = Bundle { links_allowed: true, ..Bundle::default() };
        bundle.checks.extend(signed::pass_over_foreign(inventory, PAYLOAD_TYPES));
        let only_list = only_list(inventory);
        let (mut positions, content): (Vec<usize>, Vec<usize>) = signed::positions(inventory, |d| d.envelope)
            .into_iter()
            .partition(|at| is_about_list(&inventory.documents[*at]));
        if !content.is_empty() {
            let detail = format!(
                "{} DSSE envelopes inside are about no checksum list: they are content like any other",
                content.len()
            );
            bundle.checks.push(Check::skip(check::SIGNATURE_UNREAD, "", detail));
        }
        if positions.len() > MAX_ENVELOPES {
            let detail =
                format!("{} signature documents, the limit is {MAX_ENVELOPES}; none was checked", positions.len());
            bundle.checks.push(Check::fail(check::DSSE_ENVELOPE, "", detail));
            positions.clear();
        }
        for position in positions {
            let target = signed_list(inventory, position, only_list);
            match signed::read(inventory, &mut bundle.claims, position, PAYLOAD_TYPES, target.map(Target::Entry), false)
            {
                Ok(document) => {
                    bundle.checks.extend(document.checks(inventory));
                    bundle.facts.push(document.facts());
                    bundle.signed.push(document);
                }
                Err(check) => bundle.checks.push(*check),
            }
        }
        for list in inventory.documents.iter().filter(|d| is_list(&d.name) && !is_about_input(inventory, d)) {
            let (_, summary) = lists::claim(inventory, &mut bundle.claims, list);
            bundle.has_lists |= summary.lines > 0;
            bundle.checks.push(summary.check(&list.name));
        }
        bundle.claims.sort();
        bundle
    }
}

fn is_list(name: &[u8]) -> bool {
    lists::is_list_name(name.rsplit(|c| *c == b'/').next().unwrap_or(name))
}

/// A list beside the input may speak of the input file instead of its entries.
fn is_about_input(inventory: &Inventory, document: &Document) -> bool {
    document.location == Location::Sidecar && !lists::outer_statements(document, &inventory.name).is_empty()
}

/// Envelopes beside the input are about it; of those inside, only the ones named for a list are: the others are
/// attestations that travel as content.
fn is_about_list(document: &Document) -> bool {
    document.location == Location::Sidecar || document.name.strip_suffix(b".dsse.json").is_some_and(is_list)
}

/// `NAME.dsse.json` stands for `NAME`: beside it in the bundle, or at the root for an envelope beside the input. An
/// envelope under any other name stands for the one list, where there is exactly one.
fn signed_list(inventory: &Inventory, position: usize, only_list: Option<EntryIndex>) -> Option<EntryIndex> {
    let named = inventory.documents[position].name.strip_suffix(b".dsse.json").and_then(|name| inventory.find(name));
    named.or(only_list)
}

fn only_list(inventory: &Inventory) -> Option<EntryIndex> {
    let mut lists = inventory.documents.iter().filter(|d| is_list(&d.name)).filter_map(entry_of);
    lists.next().filter(|_| lists.next().is_none())
}
