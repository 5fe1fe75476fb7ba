//! `mirror:concelier`: advisories by domain, each domain with a bundle.json that a detached JWS signs (formats.md 6.4).
//!
//! Only bundle.json is ever signed. Index and manifests are compared with it, and what they alone say is used for nothing.

use super::kind::{Kind, Likelihood};
use super::layout::{self, Layout, Read, read_document};
use super::model::{Bundle, DetachedForm, DetachedSignature, Facts};
use crate::format::inventory::{Document, EntryIndex, Inventory, Location};
use crate::format::jws::{self, JwsError};
use crate::format::{path, time};
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

const INDEX: &str = "mirror/index.json";
const MANIFEST: &str = "manifest.json";
const CONTENT: &str = "bundle.json";
const SIGNATURE: &str = "bundle.json.jws";
/// Most domains of one mirror: each costs a public-key operation.
pub const MAX_DOMAINS: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u64,
    domains: Domains,
}

/// The first [`MAX_DOMAINS`] of them, and how many there are: an index of nothing but domains is mostly memory.
struct Domains {
    first: Vec<Domain>,
    count: usize,
}

impl<'de> Deserialize<'de> for Domains {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_seq(DomainsVisitor)
    }
}

struct DomainsVisitor;

impl<'de> Visitor<'de> for DomainsVisitor {
    type Value = Domains;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of domains")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Domains, A::Error> {
        let mut first = Vec::new();
        while first.len() < MAX_DOMAINS {
            match items.next_element()? {
                Some(domain) => first.push(domain),
                None => return Ok(Domains { count: first.len(), first }),
            }
        }
        let mut count = first.len();
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Domains { first, count })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Domain {
    #[serde(alias = "domainId")]
    id: String,
    display_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u64,
    domain_id: String,
    created: Option<String>,
    #[serde(alias = "advisoryCount")]
    advisories: Count,
}

/// What is signed. The documents name `advisories` only; what else is there must not contradict.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    advisories: Vec<IgnoredAny>,
    advisory_count: Option<u64>,
    domain_id: Option<String>,
    generated_at: Option<String>,
}

/// A number, or a list by its length: the documents do not say which.
struct Count(u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a list")
    }

    fn visit_u64<E>(self, count: u64) -> Result<Count, E> {
        Ok(Count(count))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Count, A::Error> {
        let mut count = 0;
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Count(count))
    }
}

/// The kind.
pub struct MirrorConcelier;

impl Kind for MirrorConcelier {
    fn id(&self) -> &'static str {
        "mirror:concelier"
    }

    fn detect(&self, inventory: &Inventory) -> Likelihood {
        let exports = exports(inventory);
        let Some(document) = exports.first().and_then(|export| export.document(inventory, INDEX)) else {
            return Likelihood::No;
        };
        if exports.len() > 1 {
            let near = format!("there are {} exports with mirror/index.json; give one of them as input", exports.len());
            return Likelihood::Near(near);
        }
        if !layout::markers(document, &["domains"]).contains("domains") {
            return Likelihood::Near("there is a mirror/index.json without domains".into());
        }
        Likelihood::Yes { version: None, because: "mirror/index.json has domains".into() }
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let export = exports(inventory).into_iter().next().unwrap_or_default();
        let mut bundle = Bundle { has_lists: true, links_allowed: true, ..Bundle::default() };
        bundle.checks.extend(pass_over_envelopes(inventory));
        let index = read_document::<Index>(inventory, &mut bundle, &export, INDEX, Role::Manifest);
        // Nothing that is signed covers index and manifests: what agrees is still what anybody may have written.
        bundle.set_aside.push(export.path(INDEX));
        bundle.unreadable = index.is_none();
        if let Some(Read { name, value: index, .. }) = index {
            bundle.checks.push(Check::of(check::DOCUMENT_SCHEMA, &name, index.schema()));
            bundle.facts.push(index.facts(&name, &export));
            let mut ages = Ages::default();
            for domain in index.domains.first.iter().filter(|domain| domain.refused().is_none()) {
                read_domain(inventory, &mut bundle, &mut ages, &export, &domain.id);
            }
            ages.state(&mut bundle);
        }
        bundle.claims.sort();
        bundle
    }
}

/// Whether the file at `normal_path` is a document of this kind by its place: `mirror/index.json` and the three files of a
/// domain, in `mirror/` or beside it, with the folder of the export above them or without.
pub(super) fn wants(normal_path: &[u8]) -> bool {
    let of_domain = |name: &[u8]| [MANIFEST, CONTENT, SIGNATURE].iter().any(|known| known.as_bytes() == name);
    // Asked about every entry of every input: most are not even called so.
    let base = normal_path.rsplit(|c| *c == b'/').next().unwrap_or(normal_path);
    if base != b"index.json" && !of_domain(base) {
        return false;
    }
    let parts: Vec<&[u8]> = normal_path.split(|c| *c == b'/').collect();
    match parts[..] {
        [b"mirror", name] | [_, b"mirror", name] if name == b"index.json" => true,
        [_, name] => of_domain(name),
        [b"mirror", _, name] | [_, b"mirror", _, name] => of_domain(name),
        [export, _, name] => is_export_id(export) && of_domain(name),
        _ => false,
    }
}

/// `YYYYMMDDTHHMMSSZ`.
fn is_export_id(name: &[u8]) -> bool {
    name.len() == 16
        && name.iter().enumerate().all(|(at, c)| match at {
            8 => *c == b'T',
            15 => *c == b'Z',
            _ => c.is_ascii_digit(),
        })
}

/// The folders that hold a `mirror/index.json`: the root of the input, or folders in it that are named after an export.
fn exports(inventory: &Inventory) -> Vec<Layout> {
    let inside = inventory.documents.iter().filter(|document| document.location != Location::Sidecar);
    let prefixes = inside.filter_map(|document| document.name.strip_suffix(INDEX.as_bytes()));
    prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with(b"/")).map(Layout::at).collect()
}

/// This kind has no DSSE: an envelope beside the input is told and not used.
fn pass_over_envelopes(inventory: &Inventory) -> Vec<Check> {
    let beside = inventory.documents.iter().filter(|d| d.location == Location::Sidecar && d.envelope);
    let row = |document: &Document| {
        let detail = "a DSSE envelope beside the input; this kind is signed by bundle.json.jws in each domain, and it was not used";
        Check::skip(check::SIGNATURE_UNREAD, &document.name, detail).with("named", document.named.to_string())
    };
    beside.map(row).collect()
}

/// Reads one domain: its manifest, its content, its signature.
fn read_domain(inventory: &Inventory, bundle: &mut Bundle, ages: &mut Ages, export: &Layout, id: &str) {
    let beside_index = export.below("mirror").below(id);
    let is_there =
        |folder: &Layout| [MANIFEST, CONTENT].iter().any(|name| inventory.find(&folder.path(name)).is_some());
    let at_root = export.below(id);
    let folder = if !is_there(&beside_index) && is_there(&at_root) { at_root } else { beside_index };
    let content_path = folder.path(CONTENT);
    let manifest = read_manifest(inventory, bundle, &folder);
    if let Some(manifest) = &manifest {
        // Names the content and states no digest of it: whoever could change it could change this.
        bundle.claims.state(inventory, manifest.index, &content_path, None, None);
    }
    let content = read_content(inventory, bundle, &folder);
    ages.add(content_path.clone(), content.as_ref().and_then(|content| content.generated_at.as_deref()));
    if let (Some(manifest), Some(content)) = (&manifest, &content) {
        let outcome = agree(id, &manifest.value, content);
        if outcome.is_err() {
            bundle.claims.reject(manifest.index);
        }
        bundle.checks.push(Check::of(check::DOCUMENTS_AGREE, &manifest.name, outcome));
    }
    if let Some(entry) = inventory.find(&content_path) {
        read_signature(inventory, bundle, &folder, entry, id);
    }
}

fn read_manifest(inventory: &Inventory, bundle: &mut Bundle, folder: &Layout) -> Option<Read<Manifest>> {
    let manifest = require::<Manifest>(inventory, bundle, folder, MANIFEST)?;
    bundle.checks.push(Check::of(check::DOCUMENT_SCHEMA, &manifest.name, manifest.value.schema()));
    bundle.facts.push(manifest.value.facts(&manifest.name));
    Some(manifest)
}

/// When the domains were made. The oldest is as old as the mirror; where one of them does not say, nobody knows how old that is.
/// Of all times, only that in bundle.json is signed.
#[derive(Default)]
struct Ages {
    oldest: Option<(time::Time, Vec<u8>)>,
    untold: Option<Vec<u8>>,
}

impl Ages {
    /// Notes what the bundle.json at `content` states.
    fn add(&mut self, content: Vec<u8>, generated_at: Option<&str>) {
        match generated_at.and_then(|at| time::parse_rfc3339(at).ok()) {
            Some(at) if self.oldest.as_ref().is_none_or(|(oldest, _)| at < *oldest) => {
                self.oldest = Some((at, content))
            }
            Some(_) => {}
            None => self.untold = self.untold.take().or(Some(content)),
        }
    }

    /// The age of the mirror, or the row that says why it has none.
    fn state(self, bundle: &mut Bundle) {
        match (self.oldest, self.untold) {
            (oldest, None) => bundle.created = oldest,
            // A mirror none of whose domains says it is told as any bundle without a time.
            (None, Some(_)) => {}
            (Some(_), Some(untold)) => {
                let detail = "it has no generatedAt, other domains have one: a mirror is as old as its oldest domain, so its age is                               not known";
                bundle.checks.push(Check::skip(check::AGE, untold, detail));
            }
        }
    }
}

/// As [`read_document`], with the whole path where the document is absent: there may be many domains.
fn require<T: for<'a> Deserialize<'a>>(
    inventory: &Inventory,
    bundle: &mut Bundle,
    folder: &Layout,
    name: &str,
) -> Option<Read<T>> {
    if folder.document(inventory, name).is_none() {
        bundle.checks.push(absent(folder, name));
        return None;
    }
    bundle.set_aside.push(folder.path(name));
    read_document(inventory, bundle, folder, name, Role::Manifest)
}

fn absent(folder: &Layout, name: &str) -> Check {
    let detail = format!("the index names this domain, and it has no {name}");
    Check::fail(check::DOCUMENT_PRESENT, folder.path(name), detail)
}

/// bundle.json is no document of the claims: it is the content that the signature is about.
fn read_content(inventory: &Inventory, bundle: &mut Bundle, folder: &Layout) -> Option<Content> {
    let Some(document) = folder.document(inventory, CONTENT) else {
        bundle.checks.push(absent(folder, CONTENT));
        return None;
    };
    let content: Content = match layout::read(document) {
        Ok(content) => content,
        Err(failed) => {
            bundle.checks.push(*failed);
            return None;
        }
    };
    bundle.checks.push(layout::read_well(&document.name));
    Some(content)
}

fn agree(id: &str, manifest: &Manifest, content: &Content) -> Result<String, String> {
    let count = content.advisories.len() as u64;
    if manifest.domain_id != id {
        return Err(format!("domainId is {}, the index has the domain {id}", manifest.domain_id));
    }
    if let Some(other) = content.domain_id.as_deref().filter(|other| *other != id) {
        return Err(format!("bundle.json is of the domain {other}, the index has the domain {id}"));
    }
    if manifest.advisories.0 != count {
        return Err(format!("advisories is {}, bundle.json has {count}", manifest.advisories.0));
    }
    if let Some(stated) = content.advisory_count.filter(|stated| *stated != count) {
        return Err(format!("bundle.json says that it has {stated} advisories, and has {count}"));
    }
    Ok(format!("index, manifest and bundle.json speak of the domain {id} with {count} advisories"))
}

/// The signature over bundle.json. Text that is no JWS at all, as development builds write it, is an unsigned domain and
/// not a bad signature; nothing vouches for such a file, so it is set aside.
fn read_signature(inventory: &Inventory, bundle: &mut Bundle, folder: &Layout, entry: EntryIndex, id: &str) {
    let Some(document) = folder.document(inventory, SIGNATURE) else {
        let detail = format!("the domain {id} has no {SIGNATURE}: nobody signed its content");
        bundle.checks.push(Check::skip(check::JWS_SIGNATURE, folder.path(CONTENT), detail));
        return;
    };
    match jws::parse(&document.bytes) {
        Ok(jws) => {
            let index = bundle.claims.document(&document.name, document.location, Role::Envelope);
            bundle.facts.push(Facts {
                document: document.name.clone(),
                items: vec![
                    ("algorithm (hint)", jws.alg().to_string()),
                    ("key id (hint)", jws.kid().unwrap_or("none").to_string()),
                ],
            });
            bundle.detached.push(DetachedSignature {
                document: index,
                name: document.name.clone(),
                signs: entry,
                form: DetachedForm::Jws(jws),
            });
        }
        Err(JwsError::NotJws) => {
            let detail = format!("the domain {id} is unsigned: its {SIGNATURE} holds text that is no JWS");
            bundle.checks.push(Check::skip(check::JWS_SIGNATURE, &document.name, detail));
            bundle.set_aside.push(document.name.clone());
        }
        Err(error) => {
            let index = bundle.claims.document(&document.name, document.location, Role::Envelope);
            bundle.claims.reject(index);
            let detail = format!("expected a detached JWS over {CONTENT}, found: {error}");
            bundle.checks.push(Check::fail(check::JWS_SIGNATURE, &document.name, detail));
        }
    }
}

impl Domain {
    /// Why the id cannot be the name of a folder.
    fn refused(&self) -> Option<String> {
        let id = self.id.as_bytes();
        path::danger(id)
            .or_else(|| (id.contains(&b'/') || path::normal(id) != id).then(|| "it is no single name".into()))
    }
}

impl Index {
    fn schema(&self) -> Result<String, String> {
        if self.schema_version != 1 {
            return Err(format!("expected schemaVersion 1, found {}", self.schema_version));
        }
        if self.domains.count == 0 {
            return Err("domains is empty".into());
        }
        if self.domains.count > MAX_DOMAINS {
            return Err(format!("{} domains, the limit is {MAX_DOMAINS}", self.domains.count));
        }
        let mut seen = HashSet::new();
        for domain in &self.domains.first {
            if let Some(why) = domain.refused() {
                return Err(format!("the domain {:?} is refused: {why}", domain.id));
            }
            if !seen.insert(&domain.id) {
                return Err(format!("the domain {} is stated twice", domain.id));
            }
        }
        Ok(format!("schemaVersion 1, {} domains", self.domains.count))
    }

    fn facts(&self, name: &[u8], export: &Layout) -> Facts {
        let folder = path::normal(export.prefix());
        let mut items = Vec::new();
        if !folder.is_empty() {
            items.push(("export", path::lossless(folder)));
        }
        items.extend(self.domains.first.iter().map(|domain| {
            let shown = domain.display_name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
            ("domain", format!("{}{shown}", domain.id))
        }));
        Facts { document: name.to_vec(), items }
    }
}

impl Manifest {
    fn schema(&self) -> Result<String, String> {
        if self.schema_version != 1 {
            return Err(format!("expected schemaVersion 1, found {}", self.schema_version));
        }
        if let Some(at) = &self.created {
            time::parse_rfc3339(at).map_err(|why| format!("created: {why}, found {at}"))?;
        }
        Ok(format!("schemaVersion 1, domain {}", self.domain_id))
    }

    fn facts(&self, name: &[u8]) -> Facts {
        let mut items = vec![("domain", self.domain_id.clone()), ("advisories", self.advisories.0.to_string())];
        items.extend(self.created.iter().map(|at| ("created (not signed)", at.clone())));
        Facts { document: name.to_vec(), items }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_lie_where_exports_have_them() {
        for path in [
            "mirror/index.json",
            "20261101T000000Z/mirror/index.json",
            "mirror/nvd/bundle.json",
            "any/mirror/nvd/bundle.json.jws",
            "20261101T000000Z/nvd/manifest.json",
            "nvd/bundle.json",
        ] {
            assert!(wants(path.as_bytes()), "{path}");
        }
        for path in [
            "index.json",
            "a/b/mirror/index.json",
            "src/nvd/bundle.json",
            "mirror/nvd/other.json",
            "mirror/a/b/bundle.json",
        ] {
            assert!(!wants(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn a_domain_is_one_name() {
        for (id, good) in
            [("nvd", true), ("", false), ("..", false), (".", false), ("a/b", false), ("/a", false), ("a/", false)]
        {
            let domain = Domain { id: id.into(), display_name: None };
            assert_eq!(domain.refused().is_none(), good, "{id:?}");
        }
    }
}
