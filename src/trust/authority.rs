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
            next = self.pinned_by.get(document as usize).copied().flatten();
        }
        chain
    }

    fn trusts(&self, document: DocumentIndex) -> bool {
        self.trusted.get(document as usize).copied().unwrap_or(false)
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
        authority.trusted[*document as usize] = true;
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
    let signed = authority.exists();
    inherit(inventory, claims, &mut authority.standings, signed);
    authority
}

/// The fixed point over documents: from each trusted one along the digests that it states of others, each once. Hostile
/// bundles may hold a long chain of lists, so nothing is passed over twice.
fn spread_to_documents(claims: &Claims, authority: &mut Authority) {
    let edges = edges_between_documents(claims);
    let mut open: Vec<DocumentIndex> =
        (0..authority.trusted.len() as DocumentIndex).filter(|d| authority.trusted[*d as usize]).collect();
    while let Some(from) = open.pop() {
        let start = edges.partition_point(|(by, _)| *by < from);
        for (_, to) in edges[start..].iter().take_while(|(by, _)| *by == from) {
            if !authority.trusted[*to as usize] {
                authority.trusted[*to as usize] = true;
                authority.pinned_by[*to as usize] = Some(from);
                open.push(*to);
            }
        }
    }
}

/// Pairs of documents of which the first states the right digest of the second, and nobody another; sorted.
fn edges_between_documents(claims: &Claims) -> Vec<(DocumentIndex, DocumentIndex)> {
    let mut edges = Vec::new();
    for (to, document) in claims.documents().iter().enumerate() {
        let Location::Entry(entry) = document.location else { continue };
        let about = claims.about(entry);
        if about.iter().all(|c| matches!(c.outcome, Outcome::Agrees | Outcome::Named)) {
            let agreeing = about.iter().filter(|c| c.outcome == Outcome::Agrees);
            edges.extend(agreeing.map(|c| (c.document, to as DocumentIndex)));
        }
    }
    edges.sort_unstable();
    edges
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
    let signed = authority.exists();
    for disputes in claims.disputes().chunk_by(|a, b| a.entry == b.entry) {
        if claims.about(disputes[0].entry).iter().any(|c| c.outcome == Outcome::Agrees) {
            disputes.iter().for_each(|d| contradicts[d.document as usize] = true);
        }
    }
    let mut says_something = vec![false; claims.documents().len()];
    for claim in claims.claims() {
        says_something[claim.document as usize] |= claim.outcome == Outcome::Agrees;
    }
    for (index, document) in claims.documents().iter().enumerate() {
        let Location::Entry(entry) = document.location else { continue };
        let standing = &mut authority.standings[entry as usize];
        let raised = match document.role {
            _ if (contradicts[index] && document.role != Role::Envelope)
                || claims.is_rejected(index as DocumentIndex) =>
            {
                Standing::Contradicted
            }
            // A list that states nothing agrees with nothing: it is a file like any other.
            Role::List if !says_something[index] => Standing::Unlisted,
            // What its envelopes state counts; the file itself may hold anything besides them.
            Role::Envelope if claims.is_loose(index as DocumentIndex) => Standing::Unlisted,
            Role::List if signed && claims.is_loose(index as DocumentIndex) => Standing::Unlisted,
            Role::Envelope | Role::List | Role::Metadata => Standing::Evidence,
            Role::Manifest => Standing::Listed,
        };
        *standing = raised.max(*standing);
    }
}

/// A directory stands as the strongest entry below it; a claimed entry, even a contradicted or missing one, implies it.
fn inherit(inventory: &Inventory, claims: &Claims, standings: &mut [Standing], signed: bool) {
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
        if standing == Standing::Unlisted {
            continue;
        }
        raise(inventory.entries[index].normal_path(), standing, standings);
    }
    for name in claims.missing().keys() {
        raise(path::normal(name), Standing::Pinned, standings);
    }
    // Folders of what a sparse bundle leaves out are as good as the documents that name it.
    for name in claims.absent() {
        raise(name, if signed { Standing::Pinned } else { Standing::Listed }, standings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::digest::{Digest, sha256};
    use crate::format::inventory::Observed;

    fn bundle(names: &[String]) -> Inventory {
        let entries = names.iter().map(|name| Observed {
            path: name.as_bytes().into(),
            size: 1,
            mtime: 0,
            sha256: sha256(name.as_bytes()),
            mode: 0o644,
            kind: EntryKind::File,
            hashed: true,
            owned: false,
        });
        let mut inventory = Inventory { entries: entries.collect(), ..Inventory::default() };
        inventory.seal();
        inventory
    }

    fn state(claims: &mut Claims, inventory: &Inventory, document: DocumentIndex, name: &str) {
        claims.state(inventory, document, name.as_bytes(), Some(Digest::Sha256(sha256(name.as_bytes()))), None);
    }

    /// Lists `0 .. count`, each of which names the next one; the last names `end`.
    fn chain(inventory: &Inventory, names: &[String]) -> Claims {
        let mut claims = Claims::default();
        for (index, name) in names.iter().enumerate() {
            let entry = inventory.find(name.as_bytes()).unwrap();
            let document = claims.document(name.as_bytes(), Location::Entry(entry), Role::List);
            state(&mut claims, inventory, document, names.get(index + 1).map_or("end", String::as_str));
        }
        claims.sort();
        claims
    }

    #[test]
    fn authority_runs_along_a_long_chain_once_and_not_beyond_it() {
        let lists: Vec<String> = (0..70_000).map(|n| format!("{n:06}")).collect();
        let all: Vec<String> = lists.iter().cloned().chain(["end".into(), "stray".into()]).collect();
        let inventory = bundle(&all);
        let claims = chain(&inventory, &lists);
        let authority = spread(&inventory, &claims, &[0], &|_| false);
        let standing = |name: &str| authority.standings[inventory.find(name.as_bytes()).unwrap() as usize];
        assert_eq!(standing("069999"), Standing::Pinned);
        assert_eq!(standing("end"), Standing::Pinned);
        assert_eq!(standing("stray"), Standing::Unlisted);
    }

    #[test]
    fn no_document_borrows_the_authority_of_another() {
        let lists: Vec<String> = (0..65_540).map(|n| format!("{n:06}")).collect();
        let all: Vec<String> = lists.iter().cloned().chain(["end".into(), "evil".into()]).collect();
        let inventory = bundle(&all);
        let mut claims = Claims::default();
        let documents: Vec<DocumentIndex> = lists
            .iter()
            .map(|name| {
                claims.document(name.as_bytes(), Location::Entry(inventory.find(name.as_bytes()).unwrap()), Role::List)
            })
            .collect();
        state(&mut claims, &inventory, documents[65_539], "evil");
        claims.sort();
        for proven in [0, 65_534, 65_535, 65_536, 65_538] {
            let authority = spread(&inventory, &claims, &[proven], &|_| false);
            let evil = inventory.find(b"evil").unwrap() as usize;
            assert_eq!(authority.standings[evil], Standing::Listed, "list {proven} is the signed one");
        }
    }

    #[test]
    fn folders_of_what_is_left_out_are_as_good_as_who_names_it() {
        let mut inventory = bundle(&["blobs".into(), "blobs/x".into(), "index".into(), "other".into()]);
        for entry in inventory.entries.iter_mut().filter(|e| [&b"blobs"[..], b"blobs/x", b"other"].contains(&&*e.path))
        {
            entry.kind = EntryKind::Dir;
        }
        let index = inventory.find(b"index").unwrap();
        let mut claims = Claims::default();
        let document = claims.document(b"index", Location::Entry(index), Role::Manifest);
        claims.leave_out(b"blobs/x/gone".to_vec());
        claims.sort();
        let standings = |proven: &[DocumentIndex]| spread(&inventory, &claims, proven, &|_| false).standings;
        let (listed, unlisted) = (Standing::Listed, Standing::Unlisted);
        assert_eq!(standings(&[]), [listed, listed, listed, unlisted]);
        assert_eq!(standings(&[document]), [Standing::Pinned, Standing::Pinned, listed, unlisted]);
    }

    #[test]
    fn a_list_that_states_nothing_is_no_evidence() {
        let inventory = bundle(&["a".into(), "empty.sha256".into(), "lists".into()]);
        let mut claims = Claims::default();
        let at = |name: &str| Location::Entry(inventory.find(name.as_bytes()).unwrap());
        let signed = claims.document(b"lists", at("lists"), Role::List);
        claims.document(b"empty.sha256", at("empty.sha256"), Role::List);
        state(&mut claims, &inventory, signed, "a");
        claims.sort();
        let authority = spread(&inventory, &claims, &[signed], &|_| false);
        assert_eq!(authority.standings, [Standing::Pinned, Standing::Unlisted, Standing::Evidence]);
    }
}
