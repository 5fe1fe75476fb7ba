//! What changes if one bundle replaces another: comparisons of values that were read already. Nothing is opened and nothing
//! is trusted here; that a bundle changed for the better is for the reader to judge.

pub mod databases;
pub mod documents;
pub mod entries;
pub mod identity;
pub mod images;
pub mod revocations;
pub mod stated;
pub mod unified;

use databases::DatabaseChange;
use documents::DocumentChange;
use entries::{Counts, Entries};
use identity::{Identity, SignedBy};
use images::Images;
use stated::Stated;

/// Everything that is different.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Entries, by path and content.
    pub entries: Entries,
    /// What documents state of entries, in place of `entries` and `meaning`, where contents were not read.
    pub stated: Option<Stated>,
    /// What the bundles say of themselves, and what trust in them rests on.
    pub identity: Identity,
    /// Signatures that are the same, gone, and new.
    pub signers: Signers,
    /// What the entries mean. Follows from them: where they are the same, so is this.
    pub meaning: Meaning,
}

/// What is different in the terms of those who use the bundles; each part where both sides have it, or one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meaning {
    /// Images of OCI layouts.
    pub images: Option<Images>,
    /// Databases of Trivy.
    pub databases: Vec<DatabaseChange>,
    /// Documents of records.
    pub documents: Documents,
}

/// Documents of records among the entries that are different.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documents {
    /// Each of them, by path.
    pub changes: Vec<DocumentChange>,
    /// Documents that may hold records and were compared by their bytes alone: over a limit, from a pipe, or not decodable.
    pub not_compared: u64,
}

impl Meaning {
    /// Records about critical vulnerabilities that are gone.
    pub fn critical_removed(&self) -> u64 {
        let of = |change: &DatabaseChange| match &change.content {
            databases::Content::Records(compared) => compared.critical_removed(),
            databases::Content::Rows(..) | databases::Content::NotCompared(_) => 0,
        };
        self.databases.iter().map(of).sum()
    }
}

impl Changes {
    /// Whether the two are the same in all that was compared.
    pub fn is_empty(&self) -> bool {
        let stated = self.stated.as_ref().is_none_or(Stated::is_empty);
        stated && self.entries.is_empty() && self.identity.is_empty() && self.signers.is_empty()
    }

    /// Counts of entries, as found or as stated.
    pub fn counts(&self) -> &Counts {
        self.stated.as_ref().map_or(&self.entries.counts, |stated| &stated.counts)
    }
}

/// Signatures of both sides: proven ones where both were verified, else those that are claimed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signers {
    /// Only the new side has them.
    pub added: Vec<SignedBy>,
    /// Only the old side has them.
    pub removed: Vec<SignedBy>,
    /// Both have them.
    pub kept: Vec<SignedBy>,
}

impl Signers {
    /// Whether the same have signed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// Compares by all that is known of a signature but its place: a document may have another name in each release.
    pub fn compare(old: &[SignedBy], new: &[SignedBy]) -> Signers {
        let mut left: Vec<&SignedBy> = old.iter().collect();
        let mut signers = Signers::default();
        for signer in new {
            let same = |other: &&SignedBy| {
                (&other.name, &other.scheme, &other.payload_type)
                    == (&signer.name, &signer.scheme, &signer.payload_type)
            };
            match left.iter().position(same) {
                Some(at) => {
                    left.remove(at);
                    signers.kept.push(signer.clone());
                }
                None => signers.added.push(signer.clone()),
            }
        }
        signers.removed = left.into_iter().cloned().collect();
        signers
    }
}
