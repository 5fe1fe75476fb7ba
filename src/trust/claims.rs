//! Claims: which document states which digest and size of which entry, and whether the entry agrees.
//!
//! A claim is compared when it is made and then kept in twelve bytes; only disagreements keep what they stated. So a
//! million lines of a checksum list do not need a million digests beside the inventory.

use crate::format::digest::{Digest, hex};
use crate::format::inventory::{EntryIndex, EntryKind, Inventory, Location};
use crate::format::path;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Index of a document in [`Claims::documents`]. As wide as that of entries: an index that wraps or saturates would lend
/// one document the authority of another.
pub type DocumentIndex = u32;

/// Most copies of one path that are compared: duplicates are refused anyway, and lines times copies must stay bounded.
const MAX_COPIES: usize = 8;

/// What a document is to its bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The document that the signature is about and that names the entries.
    Manifest,
    /// A list of checksums.
    List,
    /// A signature document.
    Envelope,
    /// A document that describes the bundle and that the run compared with what is signed.
    Metadata,
}

/// A document that states something about entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimingDocument {
    /// Normal path inside the bundle, or file name of a sidecar.
    pub name: Vec<u8>,
    /// Where it lies.
    pub location: Location,
    /// What it is.
    pub role: Role,
}

impl ClaimingDocument {
    /// The entry that the document is, unless it lies beside the input.
    pub fn entry(&self) -> Option<EntryIndex> {
        match self.location {
            Location::Entry(entry) => Some(entry),
            Location::Sidecar => None,
        }
    }
}

/// How an entry compares with a statement about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Digest (and size, where stated) are as stated.
    Agrees,
    /// The entry is named without a digest; a size, where stated, is right. Names it, pins nothing.
    Named,
    /// The digest differs.
    DigestDiffers,
    /// The digest is right or not stated, the size differs.
    SizeDiffers,
    /// The entry is no regular file.
    NotAFile,
    /// A SHA-512 was stated and this pass did not compute one.
    NotComputed,
    /// The entry is encrypted and was not opened: whichever text the digest is of, nothing is known of the content.
    Sealed,
    /// Contents were not read, so there is nothing to compare with.
    Unread,
}

/// One claim about one entry that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The entry.
    pub entry: EntryIndex,
    /// The document.
    pub document: DocumentIndex,
    /// How they compare.
    pub outcome: Outcome,
}

/// What a claim that does not agree had stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// The entry.
    pub entry: EntryIndex,
    /// The document.
    pub document: DocumentIndex,
    /// How they compare.
    pub outcome: Outcome,
    /// Stated digest, with its algorithm.
    pub digest: Option<Digest>,
    /// Stated size in bytes.
    pub size: Option<u64>,
}

/// What a document states of a path, kept where contents were not read: there the statement is all that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// The path in its normal form, whether an entry lies there or not (untrusted).
    pub path: Box<[u8]>,
    /// The document.
    pub document: DocumentIndex,
    /// Stated digest.
    pub digest: Option<Digest>,
    /// Stated size in bytes.
    pub size: Option<u64>,
}

/// All claims of a bundle.
#[derive(Debug, Default)]
pub struct Claims {
    documents: Vec<ClaimingDocument>,
    claims: Vec<Claim>,
    disputes: Vec<Dispute>,
    stated: Vec<Stated>,
    missing: BTreeMap<Vec<u8>, Vec<DocumentIndex>>,
    absent: BTreeSet<Vec<u8>>,
    rejected: HashSet<DocumentIndex>,
    loose: HashSet<DocumentIndex>,
    needs_sha512: bool,
}

impl Claims {
    /// Registers a document that will make claims.
    pub fn document(&mut self, name: &[u8], location: Location, role: Role) -> DocumentIndex {
        // Documents are entries or sidecars, and the number of entries is limited to that of their index.
        let index = self.documents.len() as DocumentIndex;
        self.documents.push(ClaimingDocument { name: name.to_vec(), location, role });
        index
    }

    /// Notes that a document of the layout is there and could not be read, or contradicts itself: it is evidence of nothing.
    pub fn reject(&mut self, document: DocumentIndex) {
        self.rejected.insert(document);
    }

    /// Notes that a document holds bytes that state nothing and that nobody signed: comments of a list, junk beside the
    /// envelopes of a statement file. It is no evidence, since it could carry anything; a list is, where nobody signs at all.
    pub fn loosen(&mut self, document: DocumentIndex) {
        self.loose.insert(document);
    }

    /// Whether [`Claims::loosen`] was called for `document`.
    pub fn is_loose(&self, document: DocumentIndex) -> bool {
        self.loose.contains(&document)
    }

    /// Whether [`Claims::reject`] was called for `document`.
    pub fn is_rejected(&self, document: DocumentIndex) -> bool {
        self.rejected.contains(&document)
    }

    /// Notes that `document` states `digest` and `size` for the entry at `untrusted_path`, and compares.
    pub fn state(
        &mut self,
        inventory: &Inventory,
        document: DocumentIndex,
        untrusted_path: &[u8],
        digest: Option<Digest>,
        size: Option<u64>,
    ) {
        let name = path::normal(untrusted_path);
        if inventory.unread {
            self.stated.push(Stated { path: name.into(), document, digest, size });
        }
        let entries = inventory.find_all(name);
        // Where it is kept as stated, it need not be kept twice.
        if entries.is_empty() && !inventory.unread {
            let by = self.missing.entry(name.to_vec()).or_default();
            if !by.contains(&document) {
                by.push(document);
            }
        }
        for entry in entries.take(MAX_COPIES) {
            let outcome = compare(inventory, entry, digest, size);
            self.needs_sha512 |= outcome == Outcome::NotComputed;
            self.claims.push(Claim { entry, document, outcome });
            if !matches!(outcome, Outcome::Agrees | Outcome::Named | Outcome::Sealed | Outcome::Unread) {
                self.disputes.push(Dispute { entry, document, outcome, digest, size });
            }
        }
    }

    /// Notes that `document` vouches for every entry there is, because what it signs are the bytes of the container itself:
    /// content, names and targets of links. Encrypted entries that were not opened stay what they are: bytes that nobody
    /// has seen the text of.
    ///
    /// Only for containers that were read to their end.
    pub fn cover(&mut self, inventory: &Inventory, document: DocumentIndex) {
        for (index, found) in inventory.entries.iter().enumerate() {
            let entry = index as EntryIndex;
            let unopened = inventory.sealed.get(&entry).is_some_and(|sealed| sealed.plain.is_none());
            let covered = if found.kind == EntryKind::File { found.hashed } else { found.kind.is_ordinary() };
            if covered && !inventory.unread {
                let outcome = if unopened { Outcome::Sealed } else { Outcome::Agrees };
                self.claims.push(Claim { entry, document, outcome });
            }
        }
    }

    /// Notes that documents name an entry that is not there, in a form of bundle that may leave it out: nothing is wrong, and
    /// the bundle is not complete.
    pub fn leave_out(&mut self, normal_path: Vec<u8>) {
        self.absent.insert(normal_path);
    }

    /// Notes that an entry given to [`Claims::leave_out`] was found in the bundle that this one builds on.
    pub fn found_in_base(&mut self, normal_path: &[u8]) {
        self.absent.remove(normal_path);
    }

    /// Paths given to [`Claims::leave_out`], without those found elsewhere.
    pub fn absent(&self) -> &BTreeSet<Vec<u8>> {
        &self.absent
    }

    /// The documents, by index.
    pub fn documents(&self) -> &[ClaimingDocument] {
        &self.documents
    }

    /// The name of a document, for messages.
    pub fn name(&self, document: DocumentIndex) -> &[u8] {
        self.documents.get(document as usize).map_or(b"", |d| &d.name)
    }

    /// All claims, sorted by entry once [`Claims::sort`] was called.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Claims about one entry (after [`Claims::sort`]).
    pub fn about(&self, entry: EntryIndex) -> &[Claim] {
        let start = self.claims.partition_point(|c| c.entry < entry);
        let end = start + self.claims[start..].partition_point(|c| c.entry == entry);
        &self.claims[start..end]
    }

    /// What disagreeing claims stated (after [`Claims::sort`]: by entry).
    pub fn disputes(&self) -> &[Dispute] {
        &self.disputes
    }

    /// Everything that documents state, in the order in which they state it; only where contents were not read.
    pub fn stated(&self) -> &[Stated] {
        &self.stated
    }

    /// Paths that documents name and that are not there, with those documents.
    pub fn missing(&self) -> &BTreeMap<Vec<u8>, Vec<DocumentIndex>> {
        &self.missing
    }

    /// Whether a SHA-512 is stated somewhere that this pass did not compute.
    pub fn needs_sha512(&self) -> bool {
        self.needs_sha512
    }

    /// Whether `document` makes a claim about `entry` (after [`Claims::sort`]).
    pub fn covers(&self, document: DocumentIndex, entry: EntryIndex) -> bool {
        self.about(entry).iter().any(|c| c.document == document)
    }

    /// Sorts by entry, then by document.
    pub fn sort(&mut self) {
        self.claims.sort_by_key(|c| (c.entry, c.document));
        self.disputes.sort_by_key(|d| (d.entry, d.document));
    }
}

fn compare(inventory: &Inventory, entry: EntryIndex, digest: Option<Digest>, size: Option<u64>) -> Outcome {
    let found = inventory.entry(entry);
    // Also of documents, which were read: a pass that leaves the rest unread must not find anything right.
    if inventory.unread {
        return Outcome::Unread;
    }
    if found.kind != EntryKind::File || !found.hashed {
        return Outcome::NotAFile;
    }
    // Documents do not say whether the digest of an encrypted file is that of its cipher text or of its plain text.
    match (inventory.sealed.get(&entry).map(|sealed| &sealed.plain), digest) {
        (Some(None), _) => return Outcome::Sealed,
        (Some(Some(plain)), Some(Digest::Sha256(stated))) if stated == plain.sha256 => {
            let size_fits = size.is_none_or(|stated| stated == plain.size);
            return if size_fits { Outcome::Agrees } else { Outcome::SizeDiffers };
        }
        _ => {}
    }
    let digest_fits = match digest {
        Some(Digest::Sha256(stated)) => stated == found.sha256,
        Some(Digest::Sha512(stated)) => match inventory.sha512.get(entry as usize) {
            Some(computed) => stated == *computed,
            None => return Outcome::NotComputed,
        },
        None => true,
    };
    match (digest_fits, size.is_none_or(|stated| stated == found.size), digest) {
        (false, _, _) => Outcome::DigestDiffers,
        (true, false, _) => Outcome::SizeDiffers,
        (true, true, Some(_)) => Outcome::Agrees,
        (true, true, None) => Outcome::Named,
    }
}

/// The digest that was found for `entry`, in the algorithm of `stated`, for messages.
pub fn found_digest(inventory: &Inventory, entry: EntryIndex, stated: &Digest) -> String {
    match stated {
        Digest::Sha256(_) => format!("sha256:{}", hex(&inventory.entry(entry).sha256)),
        Digest::Sha512(_) => match inventory.sha512.get(entry as usize) {
            Some(found) => format!("sha512:{}", hex(found)),
            None => "sha512: not computed".into(),
        },
    }
}
