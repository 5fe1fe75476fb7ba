//! The member `oci`: images of a layout, and what of it is not carried or not named.

use super::{Each, Ordered};
use crate::bundle::model::Oci;
use crate::format::path::lossless;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

/// What a layout holds.
pub(super) struct View<'a>(pub(super) &'a Oci);

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let images = self.0.images.iter().map(|image| {
            Ordered([
                ("name", json!(image.name)),
                ("digest", json!(image.digest)),
                ("media_type", json!(image.media_type)),
                ("artifact_type", json!(image.artifact_type)),
                ("platform", json!(image.platform)),
                ("size", json!(image.size)),
                ("index", json!(image.index)),
                ("subject", json!(image.subject)),
                ("carried", json!(image.carried)),
            ])
        });
        let absent = self.0.absent.iter().map(|absent| {
            Ordered([
                ("digest", json!(absent.digest)),
                ("media_type", json!(absent.media_type)),
                ("size", json!(absent.size)),
                ("named_by", json!(lossless(&absent.named_by))),
                ("elsewhere", json!(absent.elsewhere)),
            ])
        });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("images", &Each(images))?;
        map.serialize_entry("absent", &Each(absent))?;
        map.serialize_entry("unreferenced", &Each(self.0.unreferenced.iter().map(|path| lossless(path))))?;
        map.end()
    }
}
