//! Images of an OCI layout.

use super::{Page, SHOWN};
use crate::report::cleaning::{clean, clean_text};
use crate::report::model::Report;
use std::io::{self, Write};

impl<W: Write> Page<W> {
    /// A row for each image of an OCI layout; then what is named and not carried, and what nothing names.
    pub(super) fn images(&mut self, report: &Report<'_>) -> io::Result<()> {
        let Some(oci) = &report.reading().bundle.oci else { return Ok(()) };
        self.title(&format!("Images ({})", oci.images.len()))?;
        for image in oci.images.iter().take(SHOWN) {
            let size = match image.size {
                Some(size) => size.to_string(),
                None => if image.carried { "-" } else { "absent" }.to_string(),
            };
            let kind = image.platform.as_ref().or(image.artifact_type.as_ref()).unwrap_or(&image.media_type);
            let name = image.name.as_deref().map_or(String::new(), clean_text);
            let digest = image.digest.get(..19).unwrap_or(&image.digest);
            self.wrap("  ", &format!("{size:>12}  {digest}…  {}  {name}", clean_text(kind)))?;
        }
        self.more(oci.images.len())?;
        if !oci.absent.is_empty() {
            self.title(&format!("Named and not carried ({})", oci.absent.len()))?;
            for absent in oci.absent.iter().take(SHOWN) {
                let digest = absent.digest.get(..19).unwrap_or(&absent.digest);
                self.wrap("  ", &format!("{:>12}  {digest}…  {}", absent.size, clean_text(&absent.media_type)))?;
            }
            self.more(oci.absent.len())?;
        }
        if !oci.unreferenced.is_empty() {
            self.title(&format!("Blobs that no document names ({})", oci.unreferenced.len()))?;
            oci.unreferenced.iter().take(SHOWN).try_for_each(|path| self.wrap("  ", &clean(path)))?;
            self.more(oci.unreferenced.len())?;
        }
        Ok(())
    }
}
