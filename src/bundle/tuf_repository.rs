//! A TUF repository as an input by itself (`portcullis tuf verify`). Not in the table of kinds: the verb is told what its
//! folders are, and `verify` takes metadata as part of a bundle.

use super::kind::{Kind, Likelihood};
use super::model::Bundle;
use crate::format::inventory::Inventory;

/// The kind.
pub struct TufRepository;

impl Kind for TufRepository {
    fn id(&self) -> &'static str {
        "tuf:repository"
    }

    fn detect(&self, _: &Inventory) -> Likelihood {
        Likelihood::No
    }

    /// Its documents are read by `trust::tuf`, one after the other, each because the one before it says so.
    fn interpret(&self, _: &mut Inventory) -> Bundle {
        Bundle::default()
    }
}
