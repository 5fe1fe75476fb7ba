//! Checksum lists inside and beside bundles: their names, and their lines as claims.

use super::layout::entry_of;
use crate::format::checksums::{self, Item};
use crate::format::digest::{Digest, unhex};
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::path;
use crate::trust::check::{self, Check};
use crate::trust::claims::{Claims, DocumentIndex, Role};

/// Most faulty lines of one list that are named.
const MAX_FAULTS: usize = 20;

/// Whether a file of this base name is read as a checksum list.
pub fn is_list_name(base: &[u8]) -> bool {
    let lower = base.to_ascii_lowercase();
    let suffixes: [&[u8]; 6] = [b".sha256", b".sha512", b".sha256sum", b".sha512sum", b".sha256sums", b".sha512sums"];
    let names: [&[u8]; 11] = [
        b"sha256sums",
        b"sha512sums",
        b"sha256sums.txt",
        b"sha512sums.txt",
        b"sha256sum.txt",
        b"sha512sum.txt",
        b"sha256sum",
        b"sha512sum",
        b"checksums.txt",
        b"checksums.sha256",
        b"checksums",
    ];
    names.contains(&lower.as_slice()) || suffixes.iter().any(|suffix| lower.ends_with(suffix))
}

/// What reading one list gave besides its claims.
#[derive(Debug, Default)]
pub struct ListSummary {
    /// Lines that state a digest.
    pub lines: u64,
    /// The digest of a `root` line.
    pub root: Option<[u8; 32]>,
    /// What was wrong with lines, at most twenty of them.
    pub faults: Vec<String>,
    /// How many lines were wrong in all.
    pub fault_count: u64,
    /// Peculiarities worth telling: CRLF, upper case, BSD style.
    pub remarks: Vec<String>,
    /// Lines that state nothing were passed over.
    pub has_comments: bool,
}

impl ListSummary {
    fn fault(&mut self, text: String) {
        self.fault_count += 1;
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(text);
        }
    }

    /// The check that the list can be read line by line.
    pub fn check(&self, name: &[u8]) -> Check {
        if self.fault_count > 0 {
            let more = self.fault_count - self.faults.len() as u64;
            let tail = if more > 0 { format!("; and {more} more faulty lines") } else { String::new() };
            return Check::fail(check::CHECKSUM_LIST, name, format!("{}{tail}", self.faults.join("; ")));
        }
        if self.lines == 0 && self.root.is_none() {
            return Check::skip(check::CHECKSUM_LIST, name, "the list has no line: it says nothing");
        }
        let remarks = if self.remarks.is_empty() { String::new() } else { format!(" ({})", self.remarks.join(", ")) };
        Check::pass(check::CHECKSUM_LIST, name, format!("{} lines{remarks}", self.lines))
    }
}

/// Reads `untrusted` line by line and hands each path and digest to `each`; `each` may refuse a line with a sentence.
pub fn read(untrusted: &[u8], mut each: impl FnMut(&[u8], Digest) -> Result<(), String>) -> ListSummary {
    let mut summary = ListSummary::default();
    let mut lines = checksums::parse(untrusted);
    for item in &mut lines {
        match item {
            Ok(Item::Root { digest, .. }) => summary.root = Some(digest),
            Ok(Item::Line(line)) => {
                summary.lines += 1;
                if let Err(why) = each(&line.path, line.digest) {
                    summary.fault(format!("line {}: {why}", line.line));
                }
            }
            Err(error) => summary.fault(error.to_string()),
        }
    }
    let traits = lines.traits();
    summary.has_comments = traits.comments > 0;
    for (present, word) in
        [(traits.crlf, "CRLF line ends"), (traits.uppercase, "upper-case hex"), (traits.bsd, "BSD style")]
    {
        if present {
            summary.remarks.push(word.into());
        }
    }
    summary
}

/// Registers a list of the bundle and states its lines; paths are relative to the list's directory, or to the root of the
/// container where only that exists.
pub fn claim(inventory: &Inventory, claims: &mut Claims, list: &Document) -> (DocumentIndex, ListSummary) {
    let document = claims.document(&list.name, list.location, Role::List);
    let base = base_of(inventory, list);
    if let Some(digest) = bare_digest(&list.bytes) {
        let stem = list.name.iter().rposition(|c| *c == b'.').map_or(&list.name[..], |dot| &list.name[..dot]);
        claims.state(inventory, document, stem, Some(digest), None);
        return (document, ListSummary { lines: 1, ..ListSummary::default() });
    }
    let summary = read(&list.bytes, |name, digest| {
        if let Some(why) = path::danger(name) {
            return Err(why);
        }
        let beside = [base, path::normal(name)].concat();
        claims.state(inventory, document, &beside, Some(digest), None);
        Ok(())
    });
    if summary.has_comments {
        claims.loosen(document);
    }
    (document, summary)
}

/// The directory that the paths of a list are relative to, for the whole list at once: the list's own, or the root for a
/// list in a folder named `checksums` none of whose paths is found beside it. No other guess: a signed list must not fit a
/// bundle whose files were moved.
fn base_of<'a>(inventory: &Inventory, list: &'a Document) -> &'a [u8] {
    let Some(slash) = list.name.iter().rposition(|c| *c == b'/').filter(|_| entry_of(list).is_some()) else {
        return b"";
    };
    let own = &list.name[..=slash];
    if own != b"checksums/" {
        return own;
    }
    let mut beside = false;
    read(&list.bytes, |name, _| {
        beside |= inventory.find(&[own, path::normal(name)].concat()).is_some();
        Ok(())
    });
    if beside { own } else { b"" }
}

/// A file that is nothing but one digest, as some tools write `NAME.sha256`.
pub fn bare_digest(untrusted: &[u8]) -> Option<Digest> {
    // The digest of SHA-512 with its prefix and a line end has 137 bytes; nothing may hide behind it.
    let text = std::str::from_utf8(untrusted).ok().filter(|text| text.len() <= 140)?.trim();
    match unhex(text.strip_prefix("sha256:").unwrap_or(text))? {
        bytes if bytes.len() == 32 => bytes.try_into().ok().map(Digest::Sha256),
        bytes if bytes.len() == 64 => bytes.try_into().ok().map(Digest::Sha512),
        _ => None,
    }
}

/// Lists beside the input and what they state about the input file itself, for the digest check.
pub fn outer_statements(sidecar: &Document, input_name: &[u8]) -> Vec<Result<Digest, String>> {
    if let Some(digest) = bare_digest(&sidecar.bytes) {
        return vec![Ok(digest)];
    }
    let mut found = Vec::new();
    let summary = read(&sidecar.bytes, |name, digest| {
        let base = name.rsplit(|c| *c == b'/').next().unwrap_or(name);
        // A pipe has no name: a list that the operator gives for it is about the file that bears the list's name.
        let piped = (input_name.is_empty() || input_name == b"-") && !base.is_empty() && sidecar.name.starts_with(base);
        if base == input_name || piped {
            found.push(Ok(digest));
        }
        Ok(())
    });
    found.extend(summary.faults.into_iter().map(Err));
    found
}

/// Whether a document beside the input is a checksum list: by its name, or, where the operator named the file, by its
/// first line.
pub fn is_sidecar_list(document: &Document) -> bool {
    let by_content = || document.named && checksums::parse(&document.bytes).next().is_some_and(|line| line.is_ok());
    document.location == Location::Sidecar && !document.envelope && (is_list_name(&document.name) || by_content())
}
