//! What `unpack` wrote, or did not.

use super::Page;
use crate::format::path::lossless;
use crate::report::cleaning::clean_text;
use crate::report::model::Report;
use crate::trust::verdict::Verdict;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

impl<W: Write> Page<W> {
    /// Directly below the verdict: whether anything was written, and on whose word.
    pub(super) fn unpacked(&mut self, report: &Report<'_>) -> io::Result<()> {
        if report.command != "unpack" {
            return Ok(());
        }
        let Some(unpacked) = report.unpacked else { return self.wrap("  ", "nothing was written") };
        if report.verdict() == Verdict::NotVerified {
            let words = "--unverified: NOBODY VOUCHES for what was written; do not use it as if it had been verified";
            self.wrap("  ", words)?;
        }
        let also = unpacked.artifact.as_ref().map_or(String::new(), |at| format!(" and {}", place(at)));
        let to = format!("{}{also}", place(&unpacked.to));
        let counts = format!("{} files in {} folders, {} bytes", unpacked.files, unpacked.directories, unpacked.bytes);
        let also = |count: u64, words: &str| if count > 0 { format!(", {count} {words}") } else { String::new() };
        let counts =
            format!("{counts}{}{}", also(unpacked.links, "links"), also(unpacked.decrypted, "files decrypted"));
        match unpacked.free {
            Some(free) => {
                let needed = unpacked.needed;
                self.wrap("  ", &format!("would be written to {to}: {counts}; {needed} bytes needed, {free} free"))?;
            }
            None => self.wrap("  ", &format!("written to {to}: {counts}"))?,
        }
        for left in &unpacked.left {
            let words = "what lay there before could not be removed whole; the rest of it is in";
            self.wrap("  ", &format!("{words} {}", place(left)))?;
        }
        let skipped = unpacked.skipped;
        let rows = [
            (skipped.set_aside, "set aside, nobody vouches for them; --include-set-aside writes them too"),
            (skipped.unlisted, "waived, nobody vouches for them; --include-set-aside writes them too"),
            (skipped.not_selected, "not selected by --only"),
            (skipped.stripped, "with no more components than are stripped"),
        ];
        rows.iter()
            .filter(|(count, _)| *count > 0)
            .try_for_each(|(count, why)| self.wrap("  ", &format!("left out: {count} {why}")))
    }
}

/// A path of this machine, as it is shown.
pub(super) fn place(path: &Path) -> String {
    clean_text(&lossless(path.as_os_str().as_bytes()))
}
