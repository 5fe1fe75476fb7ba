//! An artifact with a Sigstore bundle (`portcullis sigstore verify`). Not in the table of kinds: the verb is told what its
//! files are, and the artifact may be anything.

use super::kind::{Kind, Likelihood};
use super::model::Bundle;
use crate::format::inventory::Inventory;

/// The kind.
pub struct SigstoreArtifact;

impl Kind for SigstoreArtifact {
    fn id(&self) -> &'static str {
        "sigstore:artifact"
    }

    fn detect(&self, _: &Inventory) -> Likelihood {
        Likelihood::No
    }

    /// The artifact is a sequence of bytes to this verb; the bundle is read by `trust::sigstore`.
    fn interpret(&self, _: &mut Inventory) -> Bundle {
        Bundle::default()
    }
}
