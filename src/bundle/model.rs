//! The one shape that every kind of bundle is brought into.

use crate::format::digest::Sha256Bytes;
use crate::format::dsse::SignatureDocument;
use crate::format::inventory::EntryIndex;
use crate::format::jws::Jws;
use crate::format::time::Time;
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
    /// A document that may name more was not read: what would be missing or wrong then is not known.
    pub unfinished: bool,
    /// Whether any document names digests of entries: without one, nothing is unlisted.
    pub has_lists: bool,
    /// The document that names the entries could not be read: nothing may be concluded from what it does not name.
    pub unreadable: bool,
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
