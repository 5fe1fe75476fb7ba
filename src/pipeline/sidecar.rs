//! Files beside the input: checksums, signatures and manifests that travel with a bundle but not inside it.

use super::error::EnvironmentError;
use super::scan::SubjectDigest;
use super::source::read_small;
use crate::bundle::lists;
use crate::format::digest::Digest;
use crate::format::dsse;
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::limits::Limits;
use crate::trust::check::{self, Check};
use std::path::{Path, PathBuf};

/// Signature files that are known by name and not read by this version.
const UNREAD: [&str; 2] = [".sig", ".sigstore.json"];

/// What lies beside an input.
#[derive(Debug, Default)]
pub struct Sidecars {
    /// Documents that are read.
    pub documents: Vec<Document>,
    /// Signature files that are there and that nothing here reads: told, never silently passed over.
    pub unread: Vec<Vec<u8>>,
}

impl Sidecars {
    /// Collects the well-known siblings of `input` (where `discover`) and the files that the operator named.
    ///
    /// # Errors
    /// A named file that cannot be read. A well-known sibling that is not there is no error.
    pub fn collect(input: &Path, named: &[PathBuf], discover: bool) -> Result<Sidecars, EnvironmentError> {
        let mut found = Sidecars::default();
        for path in named {
            found.add(path)?;
        }
        if discover {
            for path in siblings(input).into_iter().filter(|path| path.is_file()) {
                if !named.iter().any(|known| same_file(known, &path)) {
                    found.add(&path)?;
                }
            }
        }
        Ok(found)
    }

    fn add(&mut self, path: &Path) -> Result<(), EnvironmentError> {
        let name = path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
        if UNREAD.iter().any(|suffix| name.ends_with(suffix.as_bytes())) {
            read_small(path, Limits::MAX_DOCUMENT)?;
            self.unread.push(name);
            return Ok(());
        }
        let mut document = Document::new(name, Location::Sidecar, read_small(path, Limits::MAX_DOCUMENT)?);
        let other = !document.envelope && !lists::is_sidecar_list(&document);
        document.envelope |= other && dsse::parse(&document.bytes).is_ok();
        if other && !document.envelope {
            self.unread.push(document.name);
        } else {
            self.documents.push(document);
        }
        Ok(())
    }

    /// Which digests of the input file itself the lists among them speak of.
    pub fn needed_subject_digest(&self, input: &Path) -> SubjectDigest {
        let name = input_name(input);
        let lists = self.documents.iter().filter(|d| lists::is_sidecar_list(d));
        let needed = lists.flat_map(|d| lists::outer_statements(d, &name)).map(|statement| match statement {
            Ok(Digest::Sha512(_)) => SubjectDigest::Sha512Too,
            Ok(Digest::Sha256(_)) | Err(_) => SubjectDigest::Sha256,
        });
        needed.max().unwrap_or(SubjectDigest::None)
    }
}

/// The file name under which lists speak of the input.
pub fn input_name(input: &Path) -> Vec<u8> {
    input.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default()
}

/// Well-known names beside `input`, whether they exist or not.
fn siblings(input: &Path) -> Vec<PathBuf> {
    if input.as_os_str() == "-" {
        return Vec::new();
    }
    let Some(name) = input.file_name() else { return Vec::new() };
    let parent = input.parent().unwrap_or(Path::new(""));
    let with = |suffix: &str| {
        let mut name = name.to_os_string();
        name.push(suffix);
        parent.join(name)
    };
    let suffixes = [".sha256", ".sha512", ".sig", ".sigstore.json", ".dsse.json"];
    suffixes.iter().map(|suffix| with(suffix)).chain([parent.join("manifest.dsse.json")]).collect()
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// What lists beside the input say about the input file, and signature files that are not read.
///
/// `lists_name_entries`: the kind also reads lists beside the input as lists of entries.
pub(super) fn checks(inventory: &Inventory, unread: &[Vec<u8>], lists_name_entries: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    for sidecar in inventory.documents.iter().filter(|d| lists::is_sidecar_list(d)) {
        let statements = lists::outer_statements(sidecar, &inventory.name);
        if statements.is_empty() && !lists_name_entries {
            let detail = "it says nothing about the input file, and this kind reads no list of entries beside it";
            checks.push(Check::skip(check::SIDECAR_DIGEST, &sidecar.name, detail));
        }
        checks.extend(statements.into_iter().map(|statement| outer_check(inventory, &sidecar.name, statement)));
    }
    for unread in unread {
        let detail = "it is there and was not checked: this version reads no signature of that form";
        checks.push(Check::skip(check::SIGNATURE_UNREAD, unread, detail));
    }
    checks
}

fn outer_check(inventory: &Inventory, name: &[u8], statement: Result<Digest, String>) -> Check {
    let stated = match statement {
        Ok(stated) => stated,
        Err(why) => return Check::fail(check::CHECKSUM_LIST, name, why),
    };
    let outer = inventory.outer.as_ref();
    let found = match stated {
        Digest::Sha256(_) => outer.map(|outer| Digest::Sha256(outer.sha256)),
        Digest::Sha512(_) => outer.and_then(|outer| outer.sha512.as_deref().copied()).map(Digest::Sha512),
    };
    match found {
        Some(found) if found == stated => {
            Check::pass(check::SIDECAR_DIGEST, name, "the input file has the digest that is stated beside it")
        }
        Some(found) => {
            let (expected, found) = (stated.prefixed(), found.prefixed());
            Check::fail(check::SIDECAR_DIGEST, name, format!("expected {expected}, found {found}"))
                .with("expected", expected)
                .with("found", found)
        }
        None => Check::skip(check::SIDECAR_DIGEST, name, "the input is no single file, so it has no digest to compare"),
    }
}
