//! `mirror:dsse-1501`: mirror.json and SHA256SUMS, which must agree, and DSSE envelopes over either (formats.md 6.3).

use super::kind::{Kind, Likelihood};
use super::layout::{self, Layout, Read, read_document};
use super::listing::{self, Listed};
use super::lists;
use super::model::{Bundle, Facts};
use super::signed;
use super::told::Told;
use crate::format::digest::sha256;
use crate::format::inventory::{Document, EntryIndex, Inventory, Location};
use crate::format::json::{self, Size};
use crate::format::{dsse, time};
use crate::trust::check::{self, Check};
use crate::trust::claims::{DocumentIndex, Role};
use serde::Deserialize;

const PAYLOAD_TYPES: &[&str] = &["application/vnd.stellaops.mirror+json;version=1"];
/// A list is text as well.
const LIST_TYPES: &[&str] = &["application/vnd.stellaops.mirror+json;version=1", "text/plain"];
const MANIFEST: &str = "mirror.json";
const LIST: &str = "SHA256SUMS";
const LIST_ENVELOPE: &str = "SHA256SUMS.dsse";
const ENVELOPES: [&str; 3] = [LIST_ENVELOPE, "metadata/mirror.dsse.json", "mirror/metadata/mirror.dsse.json"];
/// A key that travels with what it signs proves nothing.
const KEY: &str = "keys/mirror-root.pub";
const PURPOSE: &str = "mirror-bundle";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mirror {
    #[serde(alias = "files")]
    entries: Vec<Listed>,
    bundle_id: Option<String>,
    generation: Option<Told>,
    #[serde(alias = "createdAt")]
    generated_at: Option<String>,
    issuer: Option<Told>,
    purpose: Option<String>,
}

/// Members around an envelope that the DSSE specification does not have: nobody signed them.
#[derive(Deserialize, Default)]
struct Header {
    purpose: Option<Told>,
    issuer: Option<Told>,
    created: Option<Told>,
    #[serde(rename = "rekorUUID")]
    rekor_uuid: Option<Told>,
    #[serde(rename = "rekorUrl")]
    rekor_url: Option<Told>,
    header: Option<Box<Header>>,
    headers: Option<Box<Header>>,
    #[serde(default)]
    signatures: Vec<Header>,
}

/// The kind.
pub struct MirrorDsse;

impl Kind for MirrorDsse {
    fn id(&self) -> &'static str {
        "mirror:dsse-1501"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        let Some(layout) = Layout::find(inventory, MANIFEST) else { return Likelihood::No };
        let Some(document) = layout.document(inventory, MANIFEST) else { return Likelihood::No };
        let names = layout::markers(document, &["entries", "files"]);
        let has_entries = names.contains("entries") || names.contains("files");
        let has = |name: &str| inventory.find(&layout.path(name)).is_some();
        match (has_entries, has(LIST), ENVELOPES.iter().find(|name| has(name))) {
            (true, true, Some(envelope)) => Likelihood::Yes {
                version: None,
                because: format!("mirror.json with entries, SHA256SUMS and {envelope}"),
            },
            (true, true, None) => {
                Likelihood::Yes { version: None, because: "mirror.json with entries and SHA256SUMS".into() }
            }
            (true, false, _) => Likelihood::Near("there is a mirror.json with entries but no SHA256SUMS".into()),
            (false, true, Some(_)) => Likelihood::Near("mirror.json has no entries".into()),
            _ => Likelihood::No,
        }
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let layout = Layout::find(inventory, MANIFEST).unwrap_or_default();
        let mut bundle = Bundle { has_lists: true, set_aside: vec![layout.path(KEY)], ..Bundle::default() };
        let hinted = read_envelopes(inventory, &mut bundle, &layout);
        let mirror = read_document::<Mirror>(inventory, &mut bundle, &layout, MANIFEST, Role::Manifest);
        bundle.unreadable = mirror.is_none();
        if let Some(mirror) = &mirror {
            judge(inventory, &mut bundle, &layout, mirror, hinted);
        }
        let list = read_list(inventory, &mut bundle, &layout);
        bundle.claims.sort();
        if let (Some(mirror), Some(list)) = (mirror, list) {
            let either = |name: &[u8], _| {
                let inside = layout.inside(name).unwrap_or(b"");
                [MANIFEST, LIST, KEY].iter().any(|file| file.as_bytes() == inside)
            };
            listing::agree(inventory, &mut bundle, mirror.index, list, &either);
        }
        bundle
    }
}

/// Reads the envelopes and says whether any of them states a purpose outside of what is signed.
fn read_envelopes(inventory: &mut Inventory, bundle: &mut Bundle, layout: &Layout) -> bool {
    bundle.checks.extend(signed::pass_over_foreign(inventory, PAYLOAD_TYPES));
    let inside = ENVELOPES.map(|name| layout.path(name));
    let wanted = |d: &Document| match d.location {
        Location::Entry(_) => inside.contains(&d.name),
        Location::Sidecar => d.envelope,
    };
    let mut hinted = false;
    for position in signed::positions(inventory, wanted) {
        let Some((target, types)) = target_of(inventory, layout, position) else { continue };
        hinted |= judge_header(&inventory.documents[position], bundle);
        signed::read_all(inventory, bundle, vec![position], types, target);
    }
    hinted
}

/// What an envelope stands for: the list or mirror.json, whichever it signs; where it signs neither, the one that its name
/// speaks of.
fn target_of(
    inventory: &Inventory,
    layout: &Layout,
    position: usize,
) -> Option<(Option<EntryIndex>, &'static [&'static str])> {
    let document = inventory.documents.get(position)?;
    let find = |name: &str| inventory.find(&layout.path(name));
    let payload = dsse::parse(&document.bytes).ok().map(|parsed| sha256(parsed.envelope.payload()));
    let signs = |name: &str| {
        let digest = find(name).and_then(|entry| inventory.entry(entry).digest().copied());
        digest.is_some() && digest == payload
    };
    let by_name = document.name.ends_with(LIST_ENVELOPE.as_bytes());
    let is_list = signs(LIST) || (by_name && !signs(MANIFEST));
    Some(if is_list { (find(LIST), LIST_TYPES) } else { (find(MANIFEST), PAYLOAD_TYPES) })
}

/// Members that nobody signed can only contradict. The return value says whether there is a purpose among them.
fn judge_header(envelope: &Document, bundle: &mut Bundle) -> bool {
    // Only of what is an envelope. Headers inside one another are unlimited in number, so the values are.
    if dsse::parse(&envelope.bytes).is_err() {
        return false;
    }
    let size = Size { nodes: json::SMALL.nodes, bytes: usize::MAX };
    if let Err(error) = json::check_within(&envelope.bytes, size) {
        bundle.checks.push(layout::refusal(&envelope.name, &error));
        return false;
    }
    let Ok(header) = serde_json::from_slice::<Header>(&envelope.bytes) else { return false };
    let mut items = Vec::new();
    header.tell(&mut items);
    let purposes: Vec<&String> =
        items.iter().filter(|(name, _)| *name == "purpose (hint)").map(|(_, text)| text).collect();
    if let Some(other) = purposes.iter().find(|text| text.as_str() != PURPOSE) {
        let detail =
            format!("expected the purpose {PURPOSE}, found {other} in a member of the envelope that nobody signed");
        bundle.checks.push(Check::fail(check::SIGNATURE_PURPOSE, &envelope.name, detail));
    } else if !purposes.is_empty() {
        let detail =
            format!("the envelope states {PURPOSE} outside of what is signed: a hint, authenticated by nobody");
        bundle.checks.push(Check::skip(check::SIGNATURE_PURPOSE, &envelope.name, detail));
    }
    let stated = !purposes.is_empty();
    if !items.is_empty() {
        bundle.facts.push(Facts { document: envelope.name.clone(), items });
    }
    stated
}

fn judge(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout, mirror: &Read<Mirror>, hinted: bool) {
    let Read { name, value: mirror, index } = mirror;
    bundle.checks.push(Check::of(check::DOCUMENT_SCHEMA, name, mirror.schema()));
    bundle.checks.push(listing::paths(name, &mirror.entries));
    bundle.checks.push(listing::order(name, "entries", &mirror.entries));
    bundle.checks.extend(match mirror.purpose.as_deref() {
        Some(PURPOSE) => {
            let detail = format!("the document states its purpose, {PURPOSE}");
            Some(Check::pass(check::SIGNATURE_PURPOSE, name, detail))
        }
        Some(other) => {
            let detail = format!("expected the purpose {PURPOSE}, found {other}: this was not signed as a mirror");
            Some(Check::fail(check::SIGNATURE_PURPOSE, name, detail))
        }
        None if hinted => None,
        None => Some(Check::skip(check::SIGNATURE_PURPOSE, name, "no document states a purpose")),
    });
    bundle.facts.push(mirror.facts(name));
    let created = mirror.generated_at.as_deref().and_then(|at| time::parse_rfc3339(at).ok());
    bundle.created = created.map(|at| (at, name.clone()));
    listing::state(inventory, &mut bundle.claims, *index, layout, &mirror.entries);
}

fn read_list(inventory: &Inventory, bundle: &mut Bundle, layout: &Layout) -> Option<DocumentIndex> {
    let Some(list) = layout.document(inventory, LIST) else {
        let detail = "the layout has a SHA256SUMS and the bundle has none; mirror.json and list cannot be compared";
        bundle.checks.push(Check::fail(check::DOCUMENT_PRESENT, LIST, detail));
        return None;
    };
    let (index, summary) = lists::claim(inventory, &mut bundle.claims, list);
    bundle.checks.push(summary.check(&list.name));
    Some(index)
}

impl Header {
    /// All that the header and those inside it say, as hints.
    fn tell(&self, items: &mut Vec<(&'static str, String)>) {
        let own = [
            ("purpose (hint)", &self.purpose),
            ("issuer (hint)", &self.issuer),
            ("created (hint)", &self.created),
            ("rekor uuid (hint)", &self.rekor_uuid),
            ("rekor url (hint)", &self.rekor_url),
        ];
        items.extend(own.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?.0.clone()))));
        let inner = [&self.header, &self.headers].into_iter().flatten().map(AsRef::as_ref);
        inner.chain(&self.signatures).for_each(|header| header.tell(items));
    }
}

impl Mirror {
    fn schema(&self) -> Result<String, String> {
        if self.entries.is_empty() {
            return Err("entries is empty".into());
        }
        if let Some(at) = &self.generated_at {
            time::parse_rfc3339(at).map_err(|why| format!("generatedAt: {why}, found {at}"))?;
        }
        Ok(format!("{} entries", self.entries.len()))
    }

    fn facts(&self, name: &[u8]) -> Facts {
        let told = |told: &Option<Told>| told.as_ref().map(|Told(text)| text.clone());
        let optional = [
            ("bundle id", self.bundle_id.clone()),
            ("generation", told(&self.generation)),
            ("generated at", self.generated_at.clone()),
            ("issuer", told(&self.issuer)),
            ("purpose", self.purpose.clone()),
        ];
        let mut items = vec![("entries", self.entries.len().to_string())];
        items.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        Facts { document: name.to_vec(), items }
    }
}
