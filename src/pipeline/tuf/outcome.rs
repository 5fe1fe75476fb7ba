//! What a run has read and found, as the one shape that reports are made from.

use crate::bundle::model::Bundle;
use crate::bundle::tuf_repository::TufRepository;
use crate::format::digest::{Digest, Sha256Bytes, sha256};
use crate::format::inventory::{EntryKind, Inventory, Location, Observed};
use crate::pipeline::inspect::Reading;
use crate::pipeline::verify::Verification;
use crate::trust::authority::{Authority, Standing};
use crate::trust::check::Check;
use crate::trust::claims::Role;
use crate::trust::envelope::{Authentication, Signer};
use crate::trust::policy::Property;
use crate::trust::tuf::Accepted;
use crate::trust::verdict::judge;
use std::collections::{BTreeMap, BTreeSet};

/// A file that the run used.
struct Used {
    size: u64,
    sha256: Sha256Bytes,
    /// For a target: the metadata file that states its digests.
    stated_by: Option<String>,
}

/// A metadata document that was accepted, and by whom it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDocument {
    /// Where it lies: its path inside the bundle, or `datastore/NAME`, or the name of the operator's root.
    pub path: String,
    /// Role, version, expiry, threshold and signers.
    pub accepted: Accepted,
}

/// Rows, signers and files, collected while the run goes on.
#[derive(Default)]
pub(super) struct Record {
    pub(super) checks: Vec<Check>,
    signers: Vec<Signer>,
    roles: Vec<RoleDocument>,
    /// By path: `metadata/NAME`, `targets/NAME`.
    files: BTreeMap<String, Used>,
    /// Whether metadata was followed to the top-level targets.
    pub(super) complete: bool,
}

impl Record {
    /// A metadata file that was accepted; `path` is where it lies, for the signers.
    pub(super) fn metadata(&mut self, path: &str, bytes: &[u8], accepted: &Accepted) {
        let used = Used { size: bytes.len() as u64, sha256: sha256(bytes), stated_by: None };
        self.files.insert(path.into(), used);
        self.roles.push(RoleDocument { path: path.into(), accepted: accepted.clone() });
        self.signers.extend(accepted.signers.iter().map(|signer| Signer {
            name: None,
            fingerprint: signer.fingerprint.clone(),
            keyid: Some(signer.keyid.clone()),
            scheme: signer.scheme,
            input: "canonical-json",
            by: Authentication::PublicKey,
            document: path.as_bytes().to_vec(),
            certificate: None,
        }));
    }

    /// A target that has its length and digests.
    pub(super) fn target(&mut self, name: &str, size: u64, sha256: Sha256Bytes, stated_by: &str) {
        let used = Used { size, sha256, stated_by: Some(stated_by.into()) };
        self.files.insert(format!("targets/{name}"), used);
    }

    /// Rows, signers, documents.
    pub(super) fn into_rows(self) -> (Vec<Check>, Vec<Signer>, Vec<RoleDocument>) {
        (self.checks, self.signers, self.roles)
    }

    pub(super) fn into_verification(self) -> Verification {
        let mut inventory = Inventory { container: vec!["directory"], ..Inventory::default() };
        for (path, used) in &self.files {
            inventory.entries.push(Observed {
                path: path.as_bytes().into(),
                size: used.size,
                mtime: 0,
                sha256: used.sha256,
                mode: 0o644,
                kind: EntryKind::File,
                hashed: true,
                owned: false,
            });
        }
        inventory.seal();
        let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
        let (mut standings, mut trusted) = (Vec::new(), Vec::new());
        for entry in &inventory.entries {
            let path = String::from_utf8_lossy(&entry.path);
            let stated_by = self.files.get::<str>(&path).and_then(|used| used.stated_by.as_deref());
            standings.push(if stated_by.is_some() { Standing::Pinned } else { Standing::Evidence });
            if let Some(by) = stated_by {
                let document = bundle.claims.document(by.as_bytes(), Location::Sidecar, Role::Manifest);
                let digest = Some(Digest::Sha256(entry.sha256));
                bundle.claims.state(&inventory, document, &entry.path, digest, Some(entry.size));
                trusted.push(true);
            }
        }
        bundle.claims.sort();
        let required = vec![Property::Tuf];
        let mut established = BTreeSet::new();
        if self.complete && !self.checks.iter().any(Check::failed) {
            // Every target that was asked for has the digests that a trusted role states; there is nothing else to miss.
            let held =
                [Property::Integrity, Property::Complete, Property::Signature, Property::PublicKey, Property::Tuf];
            established.extend(held);
        }
        let verdict = judge(&required, &established, &self.checks);
        let by = if established.is_empty() { Authentication::None } else { Authentication::PublicKey };
        let pinned_by = vec![None; trusted.len()];
        Verification {
            reading: Reading::of_document(
                &TufRepository,
                None,
                "the verb takes one repository in folders",
                inventory,
                bundle,
            ),
            authority: Authority { standings, trusted, pinned_by },
            checks: self.checks,
            signers: self.signers,
            authenticated_by: by,
            required,
            established,
            verdict,
            waivers: Vec::new(),
            policy: None,
        }
    }
}
