//! OCI layouts: images by name and platform, and the layers below them.

use crate::bundle::model::{Oci, OciImage};
use crate::format::inventory::Inventory;
use crate::format::json;
use crate::format::trivy_db::compare::{Capped, Fate};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Images that are different and listed; the rest is counted.
pub const MAX_IMAGES: usize = 1000;

/// An image that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageChange {
    /// What happened.
    pub fate: Fate,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Its platform, or what sort of artifact it is.
    pub platform: String,
    /// Its digest in the old layout.
    pub old: Option<String>,
    /// Its digest in the new layout.
    pub new: Option<String>,
}

/// What is different between two layouts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Images {
    /// Images that came, went, or have another digest under the same name and platform.
    pub changes: Capped<ImageChange>,
    /// Images that only the new layout has.
    pub added: u64,
    /// Images that only the old layout has.
    pub removed: u64,
    /// Images with another digest.
    pub changed: u64,
    /// Images that are the same.
    pub unchanged: u64,
    /// Layers that both have, and their bytes as stated.
    pub layers_shared: (u64, u64),
    /// Layers that only the new layout has, and their bytes as stated.
    pub layers_added: (u64, u64),
    /// Layers that only the old layout has, and their bytes as stated.
    pub layers_removed: (u64, u64),
    /// Manifests whose layers could not be read, on both sides.
    pub unread: u64,
}

impl Images {
    /// Compares two layouts, both untrusted.
    pub fn compare(old: (&Oci, &Inventory), new: (&Oci, &Inventory)) -> Images {
        let mut images = Images::default();
        let (before, after) = (by_name(old.0), by_name(new.0));
        for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            images.name(key, before.get(key).unwrap_or(&Vec::new()), after.get(key).unwrap_or(&Vec::new()));
        }
        let (before, after) = (layers(old, &mut images.unread), layers(new, &mut images.unread));
        for (digest, size) in &before {
            let count = if after.contains_key(digest) { &mut images.layers_shared } else { &mut images.layers_removed };
            *count = (count.0 + 1, count.1.saturating_add(*size));
        }
        for (_, size) in after.iter().filter(|(digest, _)| !before.contains_key(*digest)) {
            let count = &mut images.layers_added;
            *count = (count.0 + 1, count.1.saturating_add(*size));
        }
        images
    }

    /// Images of one name and platform: the same ones are left out, then the first goes with the first.
    fn name(&mut self, key: &Key<'_>, old: &[&OciImage], new: &[&OciImage]) {
        let digests = |images: &[&OciImage]| images.iter().map(|image| image.digest.clone()).collect::<BTreeSet<_>>();
        let (before, after) = (digests(old), digests(new));
        self.unchanged += before.intersection(&after).count() as u64;
        let (mut gone, mut come) = (before.difference(&after), after.difference(&before));
        loop {
            let (old, new) = (gone.next().cloned(), come.next().cloned());
            let fate = match (&old, &new) {
                (None, None) => return,
                (Some(_), Some(_)) => Fate::Changed,
                (None, Some(_)) => Fate::Added,
                (Some(_), None) => Fate::Removed,
            };
            *match fate {
                Fate::Added => &mut self.added,
                Fate::Removed => &mut self.removed,
                Fate::Changed => &mut self.changed,
            } += 1;
            let change = ImageChange { fate, name: key.0.map(String::from), platform: key.1.to_string(), old, new };
            self.changes.push(change, MAX_IMAGES);
        }
    }
}

/// Name, and platform or type of artifact.
type Key<'a> = (Option<&'a str>, &'a str);

fn by_name(oci: &Oci) -> BTreeMap<Key<'_>, Vec<&OciImage>> {
    let mut images: BTreeMap<Key<'_>, Vec<&OciImage>> = BTreeMap::new();
    for image in &oci.images {
        let platform = image.platform.as_deref().or(image.artifact_type.as_deref()).unwrap_or(&image.media_type);
        images.entry((image.name.as_deref(), platform)).or_default().push(image);
    }
    images
}

#[derive(Deserialize)]
struct Manifest<'a> {
    #[serde(borrow, default)]
    layers: Option<Vec<Layer<'a>>>,
}

#[derive(Deserialize)]
struct Layer<'a> {
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(default)]
    size: u64,
}

/// Digests of all layers of the images that are carried, with their sizes as stated.
fn layers((oci, inventory): (&Oci, &Inventory), unread: &mut u64) -> BTreeMap<String, u64> {
    let blobs: HashMap<&[u8], &[u8]> = inventory
        .documents
        .iter()
        .filter_map(|document| {
            let mut parts = document.name.rsplit(|byte| *byte == b'/');
            let (hex, algorithm) = (parts.next()?, parts.next()?);
            (parts.next()? == b"blobs" && algorithm == b"sha256").then_some((hex, document.bytes.as_slice()))
        })
        .collect();
    let mut layers = BTreeMap::new();
    let digests: BTreeSet<&str> = oci.images.iter().filter(|image| image.carried).map(|i| i.digest.as_str()).collect();
    for digest in digests {
        let document = digest.strip_prefix("sha256:").and_then(|hex| blobs.get(hex.as_bytes()));
        match document.map(|bytes| json::parse::<Manifest<'_>>(bytes)) {
            Some(Ok(manifest)) => {
                layers.extend(manifest.layers.into_iter().flatten().map(|l| (l.digest.into_owned(), l.size)));
            }
            _ => *unread += 1,
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, platform: &str, digest: &str) -> OciImage {
        OciImage {
            name: Some(name.into()),
            index: None,
            digest: digest.into(),
            media_type: "m".into(),
            artifact_type: None,
            platform: Some(platform.into()),
            subject: None,
            size: None,
            carried: false,
        }
    }

    #[test]
    fn images_are_compared_by_name_and_platform() {
        let old =
            Oci { images: vec![image("a", "linux/amd64", "1"), image("b", "linux/amd64", "2")], ..Oci::default() };
        let new = Oci {
            images: vec![
                image("a", "linux/amd64", "3"),
                image("a", "linux/arm64", "4"),
                image("b", "linux/amd64", "2"),
            ],
            ..Oci::default()
        };
        let nothing = Inventory::default();
        let images = Images::compare((&old, &nothing), (&new, &nothing));
        let rows: Vec<_> = images.changes.items.iter().map(|c| (c.fate, c.platform.as_str())).collect();
        assert_eq!(rows, [(Fate::Changed, "linux/amd64"), (Fate::Added, "linux/arm64")]);
        assert_eq!((images.added, images.removed, images.changed, images.unchanged), (1, 0, 1, 1));
        assert_eq!(Images::compare((&old, &nothing), (&old, &nothing)).changes.total(), 0);
    }
}
