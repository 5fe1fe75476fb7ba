//! Files beside the input: checksums, signatures and manifests that travel with a bundle but not inside it.

use super::companion;
use super::error::EnvironmentError;
use super::receipt;
use super::scan::SubjectDigest;
use super::source::read_small;
use super::statements;
use super::whole;
use crate::bundle::model::Bundle;
use crate::bundle::thin_parts::stem_of;
use crate::bundle::{delta, jws_manifest, lists};
use crate::format::digest::{Digest, sha256, sha512};
use crate::format::dsse;
use crate::format::inventory::{Document, Inventory, Location};
use crate::format::limits::Limits;
use crate::trust::check::{self, Check};
use crate::trust::rekor::ReceiptFile;
use std::path::{Path, PathBuf};

/// Most files of TUF metadata beside an input: four roles, and a root a week for nineteen years.
const MAX_TUF_FILES: usize = 1028;

/// Largest of them, in bytes: metadata that names 200,000 targets has about 40 MB.
pub const MAX_TUF_FILE: u64 = 64 << 20;

/// What lies beside an input.
#[derive(Debug, Default)]
pub struct Sidecars {
    /// Documents that are read.
    pub documents: Vec<Document>,
    /// Files that are there and that nothing here reads: told, never silently passed over.
    pub unread: Vec<Unread>,
    /// Receipts of transparency logs, with the files that belong to them.
    pub receipts: Vec<ReceiptFile>,
    /// Bytes of all files that were read, whether they are kept or not.
    total: u64,
}

/// A file beside the input that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Its file name.
    pub name: Vec<u8>,
    /// Whether the operator named it: then the run cannot end well without it.
    pub named: bool,
    /// Whether nothing was read of it, as it is too large.
    pub too_large: bool,
}

impl Sidecars {
    /// Collects the well-known siblings of `input` (where `discover`) and the files that the operator named.
    ///
    /// # Errors
    /// A named file that cannot be read. A well-known sibling that is not there is no error.
    pub fn collect(input: &Path, named: &[PathBuf], discover: bool) -> Result<Sidecars, EnvironmentError> {
        let mut found = Sidecars::default();
        for path in named {
            found.add(path, true)?;
        }
        if discover {
            for path in siblings(input) {
                if is_there(&path)? && !named.iter().any(|known| same_file(known, &path)) {
                    found.add(&path, false)?;
                }
            }
        }
        if discover {
            found.add_thin_parts(input)?;
            found.add_signatures_folder(input, named)?;
        }
        Ok(found)
    }

    /// The parts of a thin mirror beside its archive, where there is a manifest or a statement by its name; the folder of
    /// TUF metadata belongs to them.
    fn add_thin_parts(&mut self, input: &Path) -> Result<(), EnvironmentError> {
        let Some(parent) = input.parent().filter(|_| input.as_os_str() != "-") else { return Ok(()) };
        let stem = stem_of(&input_name(input));
        let at = |end: &str| parent.join(format!("{stem}{end}"));
        if ![".manifest.json", ".bundle.json"].iter().any(|end| at(end).is_file()) {
            return Ok(());
        }
        for path in THIN_ENDS.map(at).into_iter().filter(|path| path.is_file()) {
            if !self
                .documents
                .iter()
                .any(|known| Some(known.name.as_slice()) == path.file_name().map(|n| n.as_encoded_bytes()))
            {
                self.add(&path, false)?;
            }
        }
        let folder = parent.join("tuf");
        let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(()) };
        let mut names: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        names.retain(|path| path.is_file() && path.extension().is_some_and(|end| end == "json"));
        names.sort();
        for path in names.into_iter().take(MAX_TUF_FILES) {
            let base = path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
            let name = [b"tuf/", &base[..]].concat();
            match self.take(&path, false, MAX_TUF_FILE)? {
                Some(bytes) => self.documents.push(Document::new(name, Location::Sidecar, bytes)),
                None => self.unread.push(Unread { name, named: false, too_large: true }),
            }
        }
        Ok(())
    }

    /// Signatures of the databases of a run, which lie in a folder beside them. Which of them is about the input is known
    /// when its kind is.
    fn add_signatures_folder(&mut self, input: &Path, named: &[PathBuf]) -> Result<(), EnvironmentError> {
        let Some(parent) = input.parent().filter(|_| input.as_os_str() != "-") else { return Ok(()) };
        for (name, ..) in whole::IN_FOLDER {
            let path = parent.join(name);
            if is_there(&path)? && !named.iter().any(|known| same_file(known, &path)) {
                self.add_as(name.as_bytes().to_vec(), &path, false)?;
            }
        }
        Ok(())
    }

    /// The bytes of a file of at most `limit`, all files together having [`Limits::MAX_DOCUMENTS`]; `None` for one that is
    /// larger and that nobody named.
    fn take(&mut self, path: &Path, named: bool, limit: u64) -> Result<Option<Vec<u8>>, EnvironmentError> {
        let left = Limits::MAX_DOCUMENTS.saturating_sub(self.total);
        let size = std::fs::metadata(path).map_err(|error| EnvironmentError::read(path, error))?.len();
        if size > limit.min(left) && !named {
            return Ok(None);
        }
        if size > left && size <= limit {
            let all = Limits::MAX_DOCUMENTS;
            let why =
                format!("with its {size} bytes the files beside the input have more than the limit of {all} bytes");
            return Err(EnvironmentError::read(path, std::io::Error::other(why)));
        }
        let bytes = read_small(path, limit.min(left))?;
        self.total += bytes.len() as u64;
        Ok(Some(bytes))
    }

    /// Reads one file and says by its name, else by its content, what it is.
    fn add(&mut self, path: &Path, named: bool) -> Result<(), EnvironmentError> {
        self.add_as(path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default(), path, named)
    }

    fn add_as(&mut self, name: Vec<u8>, path: &Path, named: bool) -> Result<(), EnvironmentError> {
        let Some(bytes) = self.take(path, named, Limits::MAX_DOCUMENT)? else {
            self.unread.push(Unread { name, named, too_large: true });
            return Ok(());
        };
        let mut document = Document { named, ..Document::new(name, Location::Sidecar, bytes) };
        let bundle = whole::is_bundle(&document);
        document.sigstore = bundle;
        if !bundle && !document.envelope && !lists::is_sidecar_list(&document) {
            document.envelope = dsse::parse(&document.bytes).is_ok();
        }
        if receipt::is_one(&document) {
            let found = receipt::read(document, path, &mut |path, limit| self.take(path, false, limit))?;
            self.receipts.push(found);
            return Ok(());
        }
        let statement = statements::is_statement(&document);
        // Whether these are of use is known when the kind has read them.
        let part = [&b".manifest.json"[..], b".bundle.json"].iter().any(|end| document.name.ends_with(end));
        let open = part
            || bundle
            || statement
            || companion::is_companion(&document)
            || document.name.ends_with(b".sig")
            || document.name.ends_with(jws_manifest::END)
            || delta::is_applied_log(&document);
        if open || !(document.envelope || lists::is_sidecar_list(&document)) {
            self.unread.push(Unread { name: document.name.clone(), named, too_large: false });
        }
        if open || document.envelope || lists::is_sidecar_list(&document) {
            self.documents.push(document);
        }
        Ok(())
    }

    /// The files that nothing in `bundle` was read from.
    pub(super) fn unused(unread: Vec<Unread>, inventory: &Inventory, bundle: &Bundle) -> Vec<Unread> {
        let claimed = bundle.claims.documents().iter().filter(|document| document.location == Location::Sidecar);
        let mut used: Vec<&[u8]> = claimed.map(|document| document.name.as_slice()).collect();
        if bundle.is_delta() {
            used.extend(inventory.documents.iter().filter(|d| delta::is_applied_log(d)).map(|d| d.name.as_slice()));
        }
        unread.into_iter().filter(|file| !used.contains(&file.name.as_slice())).collect()
    }

    /// Which digests of the input file itself the lists among them speak of.
    pub fn needed_subject_digest(&self, input: &Path) -> SubjectDigest {
        let name = input_name(input);
        let lists = self.documents.iter().filter(|d| lists::is_sidecar_list(d));
        let needed = lists.flat_map(|d| lists::outer_statements(d, &name)).map(|statement| match statement {
            Ok(Digest::Sha512(_)) => SubjectDigest::Sha512Too,
            Ok(Digest::Sha256(_)) | Err(_) => SubjectDigest::Sha256,
        });
        // A thin mirror's documents state the digest of the archive that is the input.
        let stated = |d: &Document| d.name.ends_with(b".bundle.json") || d.name.starts_with(b"tuf/");
        let thin = self.documents.iter().any(stated).then_some(SubjectDigest::Sha256);
        let signed = self.documents.iter().any(whole::is_candidate).then_some(SubjectDigest::Sha256);
        let about = self.documents.iter().filter(|d| statements::is_statement(d)).map(statements::subject_digest);
        needed.chain(thin).chain(signed).chain(about).max().unwrap_or(SubjectDigest::None)
    }
}

/// The file name under which lists speak of the input.
pub fn input_name(input: &Path) -> Vec<u8> {
    input.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default()
}

/// Ends that are put to the name of an input.
const SUFFIXES: &[&str] = &[
    ".sha256",
    ".sha512",
    ".sig",
    ".sigstore.json",
    ".bundle",
    ".cosign.bundle",
    ".dsse.json",
    ".intoto.jsonl",
    ".intoto.json",
    ".rekor.json",
];
/// Names that are looked for in the folder of an input.
const NAMES: &[&str] = &["manifest.dsse.json", "appliedExportIds.log", "rekor-receipt.json", "cosign.pub"];

/// Ends that are put to the stem of a thin mirror's archive.
const THIN_ENDS: [&str; 5] =
    [".manifest.json", ".manifest.json.sha256", ".manifest.dsse.json", ".bundle.json", ".bundle.dsse.json"];

/// Every place beside `input` that is read without being named, whether it exists or not: this run or the next one takes what
/// lies there for evidence, so no output may be put there. The folder of a thin mirror's TUF metadata stands for all that is
/// in it.
pub fn beside(input: &Path) -> Vec<PathBuf> {
    let mut found = siblings(input);
    if found.is_empty() {
        return found;
    }
    let parent = input.parent().unwrap_or(Path::new(""));
    let receipts: Vec<PathBuf> = found.iter().flat_map(|path| receipt::around(path)).collect();
    let stem = stem_of(&input_name(input));
    let parts = THIN_ENDS.map(|end| parent.join(format!("{stem}{end}")));
    let thin = parts.iter().any(|part| part.is_file()).then(|| parent.join("tuf"));
    let signatures = whole::IN_FOLDER.iter().map(|(name, ..)| parent.join(name));
    found.extend(parts.iter().cloned().chain(thin).chain(signatures).chain(receipts));
    found
}

/// The same, as far as there is something.
pub(super) fn places(input: &Path) -> Vec<PathBuf> {
    let mut found = beside(input);
    found.retain(|path| path.symlink_metadata().is_ok());
    found
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
    let suffixes = SUFFIXES.iter().copied().chain(companion::ENDS);
    let names = NAMES.iter().copied().chain(jws_manifest::BESIDE);
    suffixes.map(with).chain(names.map(|name| parent.join(name))).collect()
}

/// Whether a file is there. A link that leads nowhere is no absence: what it stands for is missing, and would have counted.
fn is_there(path: &Path) -> Result<bool, EnvironmentError> {
    let link = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_symlink());
    match std::fs::metadata(path) {
        Ok(found) => Ok(found.is_file()),
        Err(error) if link => Err(EnvironmentError::read(path, error)),
        Err(_) => Ok(false),
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// What lists beside the input say about the input file, and files that are not read.
///
/// `lists_name_entries`: the kind also reads lists beside the input as lists of entries.
pub(super) fn checks(inventory: &Inventory, unread: &[Unread], lists_name_entries: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    for sidecar in inventory.documents.iter().filter(|d| lists::is_sidecar_list(d)) {
        if let Some(other) = about_another(inventory, sidecar) {
            checks.push(other_check(sidecar, other));
            continue;
        }
        let statements = lists::outer_statements(sidecar, &inventory.name);
        if statements.is_empty() && speaks_of_input(&inventory.name, &sidecar.name) {
            let detail = "its name says that it is about the input, and it states the digest of another file only";
            checks.push(Check::fail(check::SIDECAR_DIGEST, &sidecar.name, detail));
        } else if statements.is_empty() && !lists_name_entries {
            let detail = "it says nothing about the input file, and this kind reads no list of entries beside it";
            checks.push(
                Check::skip(check::SIDECAR_DIGEST, &sidecar.name, detail).with("named", sidecar.named.to_string()),
            );
        }
        checks.extend(statements.into_iter().map(|statement| outer_check(inventory, &sidecar.name, statement)));
    }
    checks.extend(unread.iter().map(|Unread { name, named, too_large }| unread_row(name, *named, *too_large)));
    checks
}

/// The row about a file that nothing here reads.
pub(super) fn unread_row(name: &[u8], named: bool, too_large: bool) -> Check {
    let detail = if too_large {
        "it is there and was not read: it, or all files beside the input together, are larger than the limit (docs/limits.md)"
    } else if named {
        "you named it, and this version reads no file of that form: without it nothing can be concluded"
    } else {
        "it is there and was not checked: this version reads no signature of that form"
    };
    Check::skip(check::SIGNATURE_UNREAD, name, detail).with("named", named.to_string())
}

/// The document beside the input whose name the list bears (`NAME.sha256`).
fn about_another<'a>(inventory: &'a Inventory, list: &Document) -> Option<&'a Document> {
    let stem = [".sha256", ".sha512"].iter().find_map(|end| list.name.strip_suffix(end.as_bytes()))?;
    inventory.documents.iter().find(|d| d.location == Location::Sidecar && d.name == stem)
}

fn other_check(list: &Document, other: &Document) -> Check {
    let statements = lists::outer_statements(list, &other.name);
    let digest_of = |stated: &Digest| match stated {
        Digest::Sha256(_) => Digest::Sha256(sha256(&other.bytes)),
        Digest::Sha512(_) => Digest::Sha512(sha512(&other.bytes)),
    };
    let name = String::from_utf8_lossy(&other.name);
    let outcome = match statements.first() {
        None => Err(format!("its name says that it is about {name}, and it states the digest of another file only")),
        Some(Err(why)) => Err(why.clone()),
        Some(Ok(stated)) if digest_of(stated) == *stated => {
            Ok(format!("{name} has the digest that is stated beside it"))
        }
        Some(Ok(stated)) => {
            Err(format!("expected {} of {name}, found {}", stated.prefixed(), digest_of(stated).prefixed()))
        }
    };
    Check::of(check::SIDECAR_DIGEST, &list.name, outcome)
}

/// Whether a list beside the input bears the input's name.
fn speaks_of_input(input: &[u8], sidecar: &[u8]) -> bool {
    !input.is_empty() && input != b"-" && sidecar.strip_prefix(input).is_some_and(|rest| rest.starts_with(b"."))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of `size` bytes that takes no room.
    fn sparse(path: &Path, size: u64) {
        std::fs::File::create(path).unwrap().set_len(size).unwrap();
    }

    #[test]
    fn files_beside_an_input_are_bounded_together() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("tuf")).unwrap();
        std::fs::write(at("a.manifest.json"), "{}").unwrap();
        sparse(&at("tuf/0.json"), MAX_TUF_FILE + 1);
        for number in 1..=4 {
            sparse(&at(&format!("tuf/{number}.json")), MAX_TUF_FILE - 1);
        }
        let found = Sidecars::collect(&at("a.tar"), &[], true).unwrap();
        let names: Vec<&[u8]> = found.documents.iter().map(|document| document.name.as_slice()).collect();
        assert_eq!(names, [&b"a.manifest.json"[..], b"tuf/1.json", b"tuf/2.json", b"tuf/3.json"]);
        let unread: Vec<(&[u8], bool)> =
            found.unread.iter().map(|file| (file.name.as_slice(), file.too_large)).collect();
        assert_eq!(unread, [(&b"a.manifest.json"[..], false), (b"tuf/0.json", true), (b"tuf/4.json", true)]);
        let rows = checks(&Inventory::default(), &found.unread, false);
        assert!(rows[1].detail.contains("larger than the limit"), "{:?}", rows[1]);
    }

    #[test]
    fn a_named_file_that_is_too_large_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        sparse(&at("a.log"), Limits::MAX_DOCUMENT);
        sparse(&at("b.log"), Limits::MAX_DOCUMENT);
        sparse(&at("c.log"), Limits::MAX_DOCUMENT + 1);
        let collect = |names: &[&str]| {
            let named: Vec<PathBuf> = names.iter().map(|name| at(name)).collect();
            Sidecars::collect(&at("a.tar"), &named, false).map(|found| found.documents.len())
        };
        assert_eq!(collect(&["a.log"]).unwrap(), 1);
        let error = collect(&["a.log", "b.log"]).unwrap_err().to_string();
        assert!(error.contains("limit of 201326592 bytes"), "{error}");
        let error = collect(&["c.log"]).unwrap_err().to_string();
        assert!(error.contains("limit of 134217728 bytes"), "{error}");
    }
}
