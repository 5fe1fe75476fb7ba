//! `manifest.json` of `docker save`: alone it makes an archive of Docker, beside an OCI layout a second description of the
//! same images.

use super::layout::Layout;
use crate::format::inventory::{Document, Inventory};
use crate::format::json;
use serde::Deserialize;

/// One image.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    config: String,
    layers: Option<Vec<String>>,
}

/// The images that `document` describes, each as its configuration and layers in order; `None` where it is something else.
fn images(document: &Document) -> Option<Vec<Vec<String>>> {
    json::check(&document.bytes).ok()?;
    let images: Vec<Image> = serde_json::from_slice(&document.bytes).ok()?;
    let contents = |image: Image| [vec![image.config], image.layers.unwrap_or_default()].concat();
    (!images.is_empty()).then(|| images.into_iter().map(contents).collect())
}

/// Whether `document` describes images in the way of `docker save`.
pub(super) fn is_list(document: &Document) -> bool {
    images(document).is_some()
}

/// Whether the root or its one folder holds an archive of `docker save`.
pub(super) fn is_archive(inventory: &Inventory) -> bool {
    let layout = Layout::find(inventory, "manifest.json");
    layout.and_then(|layout| layout.document(inventory, "manifest.json")).is_some_and(is_list)
}

/// Compares `document` with the manifests of the layout: a reader of Docker must not load other images than one of OCI.
///
/// # Errors
/// A sentence that names the first image that no manifest of the layout has.
pub(super) fn agree(document: &Document, manifests: &[Vec<String>]) -> Result<String, String> {
    let images = images(document).unwrap_or_default();
    let unknown = images.iter().find(|image| !manifests.contains(image)).and_then(|image| image.first());
    match unknown {
        None => Ok(format!("its {} images have configuration and layers of manifests of the layout", images.len())),
        Some(config) => Err(format!(
            "it describes an image with the configuration {config} whose layers are those of no manifest that index.json \
             leads to: Docker would load another image than readers of OCI layouts"
        )),
    }
}
