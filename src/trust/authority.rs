//! Authority spreads along claims: a signed document is trusted, the digests that it states pin entries, pinned documents
//! pin further ones, to a fixed point. In the end every entry has a standing.

use super::claims::{Claim, Claims, DocumentIndex, Outcome, Role};
use crate::format::inventory::{EntryIndex, EntryKind, Inventory, Location};
use crate::format::path;
use std::collections::HashMap;

/// How an entry stands at the end. The order is the strength with which a directory inherits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// No document names it.
    Unlisted,
    /// Only documents that nobody signed name it.
    Listed,
    /// Part of the documented layout that nothing signed can vouch for.
    SetAside,
    /// A signature document or list that was read and agrees with what is signed.
    Evidence,
    /// A chain from a trust anchor of the operator states its digest.
    Pinned,
    /// A document states another digest or size.
    Contradicted,
}

impl Standing {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Unlisted => "unlisted",
            Standing::Listed => "listed",
            Standing::SetAside => "set-aside",
            Standing::Evidence => "evidence",
            Standing::Pinned => "pinned",
            Standing::Contradicted => "contradicted",
        }
    }
}

/// The result: a standing for each entry, and which documents are trusted through which other.
#[derive(Debug)]
pub struct Authority {
    /// By entry index.
    pub standings: Vec<Standing>,
    /// By document index: whether its statements carry authority.
    pub trusted: Vec<bool>,
    /// By document index: the trusted document that pins it, for showing the chain.
    pub pinned_by: Vec<Option<DocumentIndex>>,
}

impl Authority {
    /// Whether any document carries authority.
    pub fn exists(&self) -> bool {
        self.trusted.contains(&true)
    }

    /// The chain of document names from the one that pins `entry` up to the signed one.
    pub fn chain(&self, claims: &Claims, entry: EntryIndex) -> Vec<DocumentIndex> {
        let first = claims.about(entry).iter().find(|c| c.outcome == Outcome::Agrees && self.trusts(c.document));
        let mut chain: Vec<DocumentIndex> = Vec::new();
        let mut next = first.map(|c| c.document);
        while let Some(document) = next.filter(|d| !chain.contains(d)) {
            chain.push(document);
            next = self.pinned_by.get(usize::from(document)).copied().flatten();
        }
        chain
    }

    fn trusts(&self, document: DocumentIndex) -> bool {
        self.trusted.get(usize::from(document)).copied().unwrap_or(false)
    }
}

/// Spreads authority. `proven` are documents whose own signature verified; `set_aside` names the closed list of the kind.
///
/// `claims` must be sorted.
pub fn spread(
    inventory: &Inventory,
    claims: &Claims,
    proven: &[DocumentIndex],
    set_aside: &dyn Fn(&[u8]) -> bool,
) -> Authority {
    let count = claims.documents().len();
    let mut authority = Authority { standings: Vec::new(), trusted: vec![false; count], pinned_by: vec![None; count] };
    for document in proven {
        authority.trusted[usize::from(*document)] = true;
    }
    spread_to_documents(claims, &mut authority);
    authority.standings = vec![Standing::Unlisted; inventory.entries.len()];
    for claims in claims.claims().chunk_by(|a, b| a.entry == b.entry) {
        authority.standings[claims[0].entry as usize] = by_claims(claims, &authority);
    }
    raise_documents(claims, &mut authority);
    for (index, entry) in inventory.entries.iter().enumerate() {
        let standing = &mut authority.standings[index];
        if *standing < Standing::SetAside && entry.kind == EntryKind::File && set_aside(entry.normal_path()) {
            *standing = Standing::SetAside;
        }
    }
    inherit(inventory, claims, &mut authority.standings);
    authority
}

/// The fixed point over documents: there are few, so passing over them until nothing changes is cheap.
fn spread_to_documents(claims: &Claims, authority: &mut Authority) {
    loop {
        let mut changed = false;
        for (index, document) in claims.documents().iter().enumerate() {
            let Location::Entry(entry) = document.location else { continue };
            if authority.trusted[index] {
                continue;
            }
            let about = claims.about(entry);
            let disputed = about.iter().any(|c| !matches!(c.outcome, Outcome::Agrees | Outcome::Named));
            let by = about.iter().find(|c| c.outcome == Outcome::Agrees && authority.trusts(c.document));
            if let Some(by) = by.filter(|_| !disputed) {
                authority.trusted[index] = true;
                authority.pinned_by[index] = Some(by.document);
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

fn by_claims(claims: &[Claim], authority: &Authority) -> Standing {
    let disputed = |c: &Claim| matches!(c.outcome, Outcome::DigestDiffers | Outcome::SizeDiffers | Outcome::NotAFile);
    if claims.iter().any(disputed) {
        return Standing::Contradicted;
    }
    let pinned = claims.iter().any(|c| c.outcome == Outcome::Agrees && authority.trusts(c.document));
    if pinned { Standing::Pinned } else { Standing::Listed }
}

/// Documents of the layout: lists, envelopes and metadata that agree are evidence; those that contradict a document that
/// the content supports, or that could not be read, are contradicted. A manifest that nobody signed is listed by its kind.
fn raise_documents(claims: &Claims, authority: &mut Authority) {
    let mut contradicts = vec![false; claims.documents().len()];
    for dispute in claims.disputes() {
        let supported = claims.about(dispute.entry).iter().any(|c| c.outcome == Outcome::Agrees);
        let of_envelope = claims.documents()[usize::from(dispute.document)].role == Role::Envelope;
        contradicts[usize::from(dispute.document)] |= supported && !of_envelope;
    }
    for (index, document) in claims.documents().iter().enumerate() {
        let Location::Entry(entry) = document.location else { continue };
        let standing = &mut authority.standings[entry as usize];
        let raised = match document.role {
            _ if contradicts[index] || claims.is_rejected(index as DocumentIndex) => Standing::Contradicted,
            Role::Envelope | Role::List | Role::Metadata => Standing::Evidence,
            Role::Manifest => Standing::Listed,
        };
        *standing = raised.max(*standing);
    }
}

/// A directory stands as the strongest entry below it; a claimed entry, even a contradicted or missing one, implies it.
fn inherit(inventory: &Inventory, claims: &Claims, standings: &mut [Standing]) {
    let is_dir = |index: &usize| inventory.entries[*index].kind == EntryKind::Dir;
    let dirs: HashMap<&[u8], usize> =
        (0..standings.len()).filter(is_dir).map(|index| (inventory.entries[index].normal_path(), index)).collect();
    if dirs.is_empty() {
        return;
    }
    let raise = |name: &[u8], standing: Standing, standings: &mut [Standing]| {
        let mut rest = name;
        while !rest.is_empty() {
            rest = rest.iter().rposition(|c| *c == b'/').map_or(b"", |slash| &rest[..slash]);
            let Some(index) = dirs.get(rest) else { continue };
            if standings[*index] >= standing && !rest.is_empty() {
                break;
            }
            standings[*index] = standings[*index].max(standing);
        }
    };
    for index in (0..standings.len()).filter(|index| !is_dir(index)) {
        let standing = standings[index].min(Standing::Pinned);
        raise(inventory.entries[index].normal_path(), standing, standings);
    }
    for name in claims.missing().keys() {
        raise(path::normal(name), Standing::Pinned, standings);
    }
}
