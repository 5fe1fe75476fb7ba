//! The optional OCI form of a thin mirror: the same files once more, as blobs of a layout in `oci/`.

use super::layout::Layout;
use super::model::Bundle;
use super::oci_layout;
use crate::format::digest::{Digest, Sha256Bytes, sha256};
use crate::format::inventory::{Inventory, Location};
use crate::format::oci::blob_path;
use crate::trust::claims::{DocumentIndex, Role};

/// Reads the layout. `twins` are files of the mirror with the document that vouches for each: a blob with the same digest is
/// the same file, and as good. Index, manifests and all other blobs are signed by nobody.
pub(super) fn read(
    inventory: &Inventory,
    bundle: &mut Bundle,
    layout: &Layout,
    twins: &[(DocumentIndex, Sha256Bytes)],
) {
    oci_layout::read_inside(inventory, bundle, layout);
    // The empty configuration of OCI artefacts: its digest says what it is, so there is nothing that anybody could vouch for.
    let empty = layout.path(blob_path(&Digest::Sha256(sha256(b"{}"))));
    if let Some(entry) = inventory.find(&empty).filter(|entry| inventory.entry(*entry).digest() == Some(&sha256(b"{}")))
    {
        bundle.claims.document(&empty, Location::Entry(entry), Role::Metadata);
    }
    for (document, sha256) in twins {
        let digest = Digest::Sha256(*sha256);
        let path = layout.path(blob_path(&digest));
        if inventory.find(&path).is_some() {
            bundle.claims.state(inventory, *document, &path, Some(digest), None);
        }
    }
}
