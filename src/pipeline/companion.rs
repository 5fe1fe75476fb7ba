//! Certificates and public keys beside the input, under the names that cosign's users give them. They are told, never trusted.

use super::inspect::Reading;
use super::sidecar::Unread;
use super::sigstore::Beside;
use super::whole::BundleFile;
use crate::format::inventory::{Document, Inventory, Location};
use crate::trust::policy::Policy;
use crate::trust::sigstore::companion::{self, Signed};

/// How their names end, after the name of the input or of its signature.
pub(super) const ENDS: [&str; 9] =
    [".pem", ".crt", ".cert", ".cer", ".pub", ".sig.pem", ".sig.crt", ".sig.cert", ".sig.pub"];

/// Whether a file beside the input has such a name.
pub(super) fn is_companion(document: &Document) -> bool {
    document.location == Location::Sidecar
        && !document.envelope
        && !document.sigstore
        && ENDS[..5].iter().any(|end| document.name.ends_with(end.as_bytes()))
}

/// Takes them from `unread`.
pub(super) fn collect(inventory: &Inventory, unread: &mut Vec<Unread>) -> Vec<BundleFile> {
    let waiting = |document: &&Document| unread.iter().any(|file| file.name == document.name && !file.too_large);
    let found: Vec<BundleFile> = inventory
        .documents
        .iter()
        .filter(|document| is_companion(document))
        .filter(waiting)
        .map(|d| BundleFile { name: d.name.clone(), named: d.named, bytes: d.bytes.clone() })
        .collect();
    unread.retain(|file| file.too_large || !found.iter().any(|companion| companion.name == file.name));
    found
}

/// What is told of them.
pub(super) fn beside(reading: &Reading, policy: &Policy) -> Vec<Beside> {
    let outer = reading.inventory.outer.as_ref().filter(|_| !reading.inventory.incomplete);
    let told = |file: &BundleFile| {
        // The signature of the same name; where there is but one, that one.
        let all = &reading.whole.signatures;
        let stem = |name: &[u8]| name.iter().rposition(|byte| *byte == b'.').map(|at| name[..at].to_vec());
        let same = all.iter().find(|signature| {
            let of_signature = stem(&file.name).is_some_and(|stem| stem == signature.name);
            of_signature || stem(&file.name) == stem(&signature.name)
        });
        let signature = same.or(all.first().filter(|_| all.len() == 1));
        let signed = signature.zip(outer).map(|(signature, outer)| Signed {
            name: &signature.name,
            signature: &signature.bytes,
            sha256: outer.sha256,
        });
        let mut checks = companion::rows(&file.bytes, &file.name, signed, policy);
        if checks.is_empty() {
            checks.push(super::sidecar::unread_row(&file.name, file.named, false));
        }
        for row in checks.iter_mut().filter(|row| !row.failed()) {
            row.evidence.insert("named", file.named.to_string());
        }
        Beside { name: file.name.clone(), checks, outcome: None }
    };
    reading.whole.companions.iter().map(told).collect()
}
