//! Detached signatures over files of a bundle: found under the names that documents use, bound to the file that they are of.

use super::model::{Bundle, DetachedForm, DetachedSignature};
use crate::format::blob_signature::{self, Unreadable};
use crate::format::inventory::{EntryIndex, Inventory, Location};
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;

/// Reads the signatures among the documents. `target` says which entry a name signs: it is given the document's name and
/// whether it lies beside the input, and answers `None` for documents that are no signature of this bundle.
pub(super) fn read(
    inventory: &mut Inventory,
    bundle: &mut Bundle,
    target: impl Fn(&Inventory, &[u8], Location) -> Option<EntryIndex>,
) {
    for position in 0..inventory.documents.len() {
        let document = &inventory.documents[position];
        if !document.name.ends_with(b".sig") {
            continue;
        }
        let Some(signs) = target(inventory, &document.name, document.location) else { continue };
        let (name, location) = (document.name.clone(), document.location);
        let index = bundle.claims.document(&name, location, Role::Envelope);
        match blob_signature::parse(&document.bytes) {
            Ok(signature) => {
                bundle.detached.push(DetachedSignature {
                    document: index,
                    name,
                    signs,
                    form: DetachedForm::Blob(signature),
                });
            }
            Err(found) => {
                bundle.claims.reject(index);
                let found = match found {
                    Unreadable::Foreign(what) => format!("{what}, which this version does not read"),
                    Unreadable::Broken(why) => why,
                };
                let detail = format!("expected one signature in base64, found: {found}");
                bundle.checks.push(Check::fail(check::BLOB_SIGNATURE, &name, detail));
            }
        }
    }
}
