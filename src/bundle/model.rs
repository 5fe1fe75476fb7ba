//! The one shape that every kind of bundle is brought into.

use crate::format::dsse::SignatureDocument;
use crate::format::inventory::EntryIndex;
use crate::format::time::Time;
use crate::trust::check::Check;
use crate::trust::claims::{Claims, DocumentIndex};
use crate::trust::policy::Property;

/// A bundle as its documents describe it. All of it is claimed, nothing verified.
#[derive(Debug, Default)]
pub struct Bundle {
    /// Which document states what of which entry.
    pub claims: Claims,
    /// Signature documents.
    pub signed: Vec<SignedDocument>,
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
    /// What this kind promises beyond integrity, completeness and a signature.
    pub promised: Vec<Property>,
    /// Artefacts that a document names and that lie elsewhere by design.
    pub external: Vec<External>,
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
    /// How the entry compares with the payload.
    pub binding: Binding,
    /// Whether an RFC 3161 timestamp token lies beside the signature.
    pub timestamp_token: bool,
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
    /// Its size as stated.
    pub size: u64,
}
