//! The one shape that every kind of bundle is brought into.

use crate::format::database::Examined;
use crate::format::digest::Sha256Bytes;
use crate::format::dsse::SignatureDocument;
use crate::format::inventory::EntryIndex;
use crate::format::jws::Jws;
use crate::format::time::Time;
use crate::format::trivy_db::{self, Metadata};
use crate::trust::check::Check;
use crate::trust::claims::{Claims, DocumentIndex};
use crate::trust::policy::Property;
use std::collections::BTreeSet;

/// A bundle as its documents describe it. All of it is claimed, nothing verified.
#[derive(Debug, Default)]
pub struct Bundle {
    /// Which document states what of which entry.
    pub claims: Claims,
    /// Signature documents that carry what they sign.
    pub signed: Vec<SignedDocument>,
    /// Signature documents about a file that lies elsewhere in the bundle.
    pub detached: Vec<DetachedSignature>,
    /// Checks that need no key: structure, totals, agreement.
    pub checks: Vec<Check>,
    /// What the documents say of themselves, for people.
    pub facts: Vec<Facts>,
    /// Normal paths of the closed list that nothing signed can vouch for.
    pub set_aside: Vec<Vec<u8>>,
    /// Whether links may be in a bundle of this kind at all.
    pub links_allowed: bool,
    /// When the bundle says it was made, and which document says so.
    pub created: Option<(Time, Vec<u8>)>,
    /// Parts that do not say when they were made, though their age matters.
    pub undated: Vec<Vec<u8>>,
    /// Until when the bundle says it may be used, and which document says so.
    pub expires: Option<(Time, Vec<u8>)>,
    /// What this kind promises beyond integrity, completeness and a signature.
    pub promised: Vec<Property>,
    /// Artefacts that a document names and that lie elsewhere by design.
    pub external: Vec<External>,
    /// TUF metadata, and what it has to name.
    pub tuf: Option<TufPart>,
    /// What a delta says of the bundle that it builds on.
    pub delta: Option<Delta>,
    /// Images of an OCI layout.
    pub oci: Option<Oci>,
    /// Databases of Trivy.
    pub trivy: Option<Trivy>,
    /// A document that may name more was not read: what would be missing or wrong then is not known.
    pub unfinished: bool,
    /// Whether any document names digests of entries: without one, nothing is unlisted.
    pub has_lists: bool,
    /// The document that names the entries could not be read: nothing may be concluded from what it does not name.
    pub unreadable: bool,
}

impl Bundle {
    /// Whether it is a delta of any form.
    pub fn is_delta(&self) -> bool {
        self.delta_document().is_some()
    }

    /// The document that says that it is a delta.
    pub fn delta_document(&self) -> Option<&[u8]> {
        let exported = self.trivy.as_ref().and_then(|trivy| trivy.export.as_ref());
        let exported = exported.filter(|export| export.mode == "delta").map(|export| &export.document);
        self.delta.as_ref().map(|delta| &delta.document).or(exported).map(Vec::as_slice)
    }
}

/// A signature document and what it is about.
#[derive(Debug)]
pub struct SignedDocument {
    /// The document in the claims.
    pub document: DocumentIndex,
    /// Its name.
    pub name: Vec<u8>,
    /// What was parsed.
    pub parsed: SignatureDocument,
    /// Acceptable payload types; empty: any.
    pub payload_types: &'static [&'static str],
    /// The entry that the payload must be.
    pub stands_for: Option<EntryIndex>,
    /// The document beside the input that the payload must be, where it is no entry.
    pub beside: Option<Beside>,
    /// How the entry compares with the payload.
    pub binding: Binding,
    /// SHA-256 of the document's text, where it is known: logs have entries about it.
    pub text: Option<Sha256Bytes>,
    /// Whether an RFC 3161 timestamp token lies beside the signature.
    pub timestamp_token: bool,
}

/// A document beside the input that a signature is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// The document in the claims.
    pub document: DocumentIndex,
    /// Its name.
    pub name: Vec<u8>,
    /// Its digest.
    pub sha256: Sha256Bytes,
}

/// TUF metadata in or beside a bundle, and what it has to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TufPart {
    /// The folder of the metadata, as its documents are named.
    pub folder: String,
    /// Whether the metadata lies beside the input, else among its entries.
    pub beside: bool,
    /// The targets of the kind that are there.
    pub targets: Vec<TufTarget>,
}

/// A file that TUF metadata has to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TufTarget {
    /// Its name as a target.
    pub name: String,
    /// The digest that was found; `None` where the input has none, as a directory.
    pub sha256: Option<Sha256Bytes>,
    /// The size that was found, in bytes.
    pub size: Option<u64>,
    /// The document that it is, where it is one.
    pub document: Option<DocumentIndex>,
    /// The entry that it is, where it is one.
    pub entry: Option<EntryIndex>,
}

/// A signature document about the bytes of another file.
#[derive(Debug)]
pub struct DetachedSignature {
    /// The document in the claims.
    pub document: DocumentIndex,
    /// Its name.
    pub name: Vec<u8>,
    /// The entry that is signed; kept in full as a document of the inventory.
    pub signs: EntryIndex,
    /// Its form, parsed.
    pub form: DetachedForm,
}

/// The forms of detached signatures.
#[derive(Debug)]
pub enum DetachedForm {
    /// The bytes of one signature over the raw bytes of the file, as cosign's `sign-blob` makes it.
    Blob(Vec<u8>),
    /// A JWS in compact form (RFC 7515 appendix F, RFC 7797).
    Jws(Jws),
}

/// How a signed payload relates to the file that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// The file is the payload, byte for byte.
    Bytes,
    /// The file is the payload re-emitted: the same JSON value in other white space.
    JsonValue,
    /// The file is something else, or there is none.
    Broken,
}

/// What a delta says of its base and of what it changes. Paths are those of the full bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// The document that says so.
    pub document: Vec<u8>,
    /// Id of the delta itself.
    pub own_id: String,
    /// Id of the base.
    pub base_id: String,
    /// Digest of the base's manifest, as stated.
    pub base_digest: String,
    /// It stands for a full refresh.
    pub reset: bool,
    /// Paths that are new.
    pub added: Vec<String>,
    /// Paths whose content is new.
    pub updated: Vec<String>,
    /// Paths that are gone.
    pub removed: Vec<String>,
}

/// The bundle that a delta builds on, as far as the two are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Its id.
    pub export_id: String,
    /// Its manifests and their digests: documents do not say which of them a delta names.
    pub manifests: Vec<(String, Sha256Bytes)>,
    /// The paths that it holds; `None` where it is a delta itself.
    pub files: Option<BTreeSet<String>>,
}

/// What an OCI layout holds. Claimed by its documents, all of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Oci {
    /// What its indexes list, in their order, except for indexes.
    pub images: Vec<OciImage>,
    /// What documents name and the layout does not carry, by path.
    pub absent: Vec<OciAbsent>,
    /// Normal paths of blobs that no document names.
    pub unreferenced: Vec<Vec<u8>>,
}

/// An image or other artifact of an OCI layout. Its digest is one that could be read; all else is as stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciImage {
    /// Its name: of its own descriptor, else of the index that lists it.
    pub name: Option<String>,
    /// Digest of the nested index that lists it.
    pub index: Option<String>,
    /// Its digest.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// The type of artifact.
    pub artifact_type: Option<String>,
    /// Operating system, architecture, variant.
    pub platform: Option<String>,
    /// Digest of the manifest that it is about.
    pub subject: Option<String>,
    /// Bytes of configuration and layers together, where its manifest was read.
    pub size: Option<u64>,
    /// Whether the blob itself is there.
    pub carried: bool,
}

/// A blob that is named and not carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciAbsent {
    /// Its digest.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// The document that names it first.
    pub named_by: Vec<u8>,
    /// Whether that document says where it could be fetched.
    pub elsewhere: bool,
}

/// The databases of Trivy that a bundle holds, and what StellaOps says of their export. Claimed, all of it, except for what
/// was found in the databases.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Trivy {
    /// The databases, in the order of their paths.
    pub databases: Vec<TrivyDatabase>,
    /// What StellaOps says of the export, where there is its `metadata.json`.
    pub export: Option<TrivyExport>,
    /// Layers with databases that are named and not carried, by path in the layout.
    pub elsewhere: Vec<(DatabaseType, String)>,
}

/// A type of database that Trivy publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DatabaseType {
    /// Vulnerabilities and advisories: `trivy.db`.
    Vulnerabilities,
    /// Names and versions of Java archives by their digests: `trivy-java.db`.
    JavaIndex,
}

impl DatabaseType {
    /// Whether layers of this untrusted media type are meant for Trivy, whether it takes them or not.
    pub fn is_meant_for_trivy(media_type: &str) -> bool {
        let lower = media_type.trim().to_ascii_lowercase();
        lower.starts_with("application/vnd.aquasec.trivy.") && lower.contains("db.layer")
    }

    /// The type in a layer of this media type.
    pub fn of_layer(media_type: &str) -> Option<DatabaseType> {
        match media_type {
            "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip" => Some(DatabaseType::Vulnerabilities),
            "application/vnd.aquasec.trivy.javadb.layer.v1.tar+gzip" => Some(DatabaseType::JavaIndex),
            _ => None,
        }
    }

    /// The name of its file.
    pub fn file(self) -> &'static str {
        match self {
            DatabaseType::Vulnerabilities => "trivy.db",
            DatabaseType::JavaIndex => "trivy-java.db",
        }
    }

    /// The schema that is understood, which its metadata state as `Version`.
    pub fn schema(self) -> u64 {
        match self {
            DatabaseType::Vulnerabilities => trivy_db::SCHEMA,
            DatabaseType::JavaIndex => trivy_db::JAVA_SCHEMA,
        }
    }

    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            DatabaseType::Vulnerabilities => "vulnerabilities",
            DatabaseType::JavaIndex => "java-index",
        }
    }
}

/// One database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrivyDatabase {
    /// Its path; inside an archive that of the archive, `!/` and its name there.
    pub path: Vec<u8>,
    /// What it has to be.
    pub expected: DatabaseType,
    /// What was found in it; `None` where it was not read.
    pub examined: Option<Examined>,
    /// Path and content of the `metadata.json` beside it; the error says why it cannot be read.
    pub metadata: Option<(Vec<u8>, Result<Metadata, String>)>,
    /// Nothing can lie beside it: it is the whole input.
    pub alone: bool,
}

/// What StellaOps says of an export: `metadata.json` in the root of the layout (formats.md 7.1).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TrivyExport {
    /// The document.
    pub document: Vec<u8>,
    /// `full` or `delta`.
    pub mode: String,
    /// The export that a delta builds on.
    pub base_export_id: Option<String>,
    /// The digest of its manifest.
    pub base_manifest_digest: Option<String>,
    /// A delta that stands for a full refresh.
    pub reset_baseline: bool,
    /// Digest of the tree from which the database was built.
    pub tree_digest: Option<String>,
    /// Its size in bytes.
    pub tree_bytes: Option<u64>,
    /// How many advisories it has.
    pub advisory_count: Option<u64>,
    /// Version of the program that exported it.
    pub exporter_version: Option<String>,
    /// Files of the tree that a delta changes: how many.
    pub changed_files: u64,
    /// Bytes of those together.
    pub changed_bytes: u64,
    /// Files of the tree that a delta removes: how many.
    pub removed_paths: u64,
    /// It contradicts neither itself nor the database.
    pub consistent: bool,
}

impl TrivyExport {
    /// Whether it needs the export that it builds on.
    pub fn builds_on_base(&self) -> bool {
        self.mode == "delta" && !self.reset_baseline
    }
}

/// What one document says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The document.
    pub document: Vec<u8>,
    /// Name and value, in the order to show them. Values are untrusted.
    pub items: Vec<(&'static str, String)>,
}

/// An artefact that lies elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// Its path as the document names it.
    pub path: String,
    /// Its digest as stated, lower-case hex.
    pub sha256: String,
    /// Its size as stated, if it is.
    pub size: Option<u64>,
}
