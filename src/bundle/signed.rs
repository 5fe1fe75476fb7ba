//! Signature documents of bundles: parsing, and binding the payload to the file that it stands for.

use super::model::{Beside, Binding, Bundle, Facts, SignedDocument};
use crate::format::digest::{hex, sha256};
use crate::format::dsse::{self, Shape, SignatureDocument};
use crate::format::inventory::{Document, EntryIndex, Inventory, Location};
use crate::format::json;
use crate::trust::check::{self, Check};
use crate::trust::claims::{Claims, Role};

/// Parses the signature document at `position` of the inventory's documents and binds it to `target`.
///
/// Takes the text of the document out of the inventory: after parsing, the payload is all that is needed of it.
/// `by_value` accepts a file that is the payload's JSON value in other white space.
pub fn read(
    inventory: &mut Inventory,
    claims: &mut Claims,
    position: usize,
    payload_types: &'static [&'static str],
    target: Option<Target>,
    by_value: bool,
) -> Result<SignedDocument, Box<Check>> {
    let (name, location) = (inventory.documents[position].name.clone(), inventory.documents[position].location);
    let text = std::mem::take(&mut inventory.documents[position].bytes);
    let document = claims.document(&name, location, Role::Envelope);
    let parsed = dsse::parse(&text).map_err(|error| {
        claims.reject(document);
        let detail = format!("expected a DSSE envelope, found: {error}");
        Box::new(Check::fail(check::DSSE_ENVELOPE, &name, detail))
    })?;
    let timestamp_token = has_timestamp_token(&text);
    let digest = match location {
        Location::Entry(entry) => inventory.entry(entry).digest().copied(),
        Location::Sidecar => Some(sha256(&text)),
    };
    drop(text);
    let payload = parsed.envelope.payload();
    let (stands_for, beside) = match target {
        Some(Target::Entry(entry)) => (Some(entry), None),
        Some(Target::Beside(beside)) => (None, Some(beside)),
        None => (None, None),
    };
    let binding = match (&stands_for, &beside) {
        (Some(entry), _) => bind(inventory, *entry, payload, by_value),
        (_, Some(beside)) if beside.sha256 == sha256(payload) => Binding::Bytes,
        _ => Binding::Broken,
    };
    Ok(SignedDocument {
        document,
        name,
        parsed,
        payload_types,
        stands_for,
        beside,
        binding,
        text: digest,
        timestamp_token,
    })
}

/// What a payload must be.
pub enum Target {
    /// An entry.
    Entry(EntryIndex),
    /// A document beside the input.
    Beside(Beside),
}

/// Reads the signature documents at `positions`, each of which must sign `stands_for`, into `bundle` with their checks.
pub fn read_all(
    inventory: &mut Inventory,
    bundle: &mut Bundle,
    positions: Vec<usize>,
    payload_types: &'static [&'static str],
    stands_for: Option<EntryIndex>,
) {
    for position in positions {
        match read(inventory, &mut bundle.claims, position, payload_types, stands_for.map(Target::Entry), false) {
            Ok(document) => {
                bundle.checks.extend(document.checks(inventory));
                bundle.facts.push(document.facts());
                bundle.signed.push(document);
            }
            Err(check) => bundle.checks.push(*check),
        }
    }
}

/// Whether the document carries a token, which is then told and not silently passed over.
fn has_timestamp_token(untrusted: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Probe {
        #[serde(rename = "timestampToken")]
        token: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Probe>(untrusted).is_ok_and(|probe| probe.token.is_some())
}

fn bind(inventory: &Inventory, entry: EntryIndex, payload: &[u8], by_value: bool) -> Binding {
    // By digest, not by the kept text: the text of another envelope may have been given up already.
    if inventory.entry(entry).digest() == Some(&sha256(payload)) {
        return Binding::Bytes;
    }
    let file = inventory.documents.iter().find(|d| d.location == Location::Entry(entry)).filter(|_| by_value);
    match file {
        Some(file) if json::same_value(&file.bytes, payload) == Ok(true) => Binding::JsonValue,
        _ => Binding::Broken,
    }
}

impl SignedDocument {
    /// The checks that need no key: envelope read, payload bound to its file.
    pub fn checks(&self, inventory: &Inventory) -> Vec<Check> {
        let mut checks = vec![self.envelope_check()];
        if self.timestamp_token {
            let detail =
                "an RFC 3161 timestamp token is there; this version does not check it, and nothing depends on it";
            checks.push(Check::skip(check::TIMESTAMP, &self.name, detail));
        }
        let (file, found) = match (self.stands_for, &self.beside) {
            (Some(entry), _) => (&inventory.entry(entry).path[..], inventory.entry(entry).digest()),
            (None, Some(beside)) => (&beside.name[..], Some(&beside.sha256)),
            (None, None) => {
                let detail = "the payload stands for no document of this bundle";
                checks.push(Check::fail(check::DSSE_PAYLOAD, &self.name, detail));
                return checks;
            }
        };
        let file = String::from_utf8_lossy(file).into_owned();
        checks.push(match self.binding {
            Binding::Bytes => Check::pass(check::DSSE_PAYLOAD, &self.name, format!("the payload is {file}, byte for byte")),
            Binding::JsonValue => {
                let detail = format!("the payload is {file} as a JSON value; the file was re-emitted in other white space");
                Check::pass(check::DSSE_PAYLOAD, &self.name, detail)
            }
            Binding::Broken => {
                let signed = hex(&sha256(self.parsed.envelope.payload()));
                let found = found.map_or("none".into(), |digest| hex(digest));
                let detail = format!(
                    "the signed payload is not {file}: signed is sha256:{signed}, found sha256:{found}; the file was changed \
                     after signing, or this signature belongs to another bundle"
                );
                Check::fail(check::DSSE_PAYLOAD, &self.name, detail)
            }
        });
        checks
    }

    /// That the document is an envelope, and in which dialect.
    pub(super) fn envelope_check(&self) -> Check {
        let shape = match self.parsed.shape {
            Shape::Standard => "a DSSE envelope",
            Shape::Nested => "a signature document with a DSSE envelope inside",
            Shape::Flat => "a flat signature document",
        };
        let odd = &self.parsed.deviations;
        let detail =
            if odd.is_empty() { shape.to_string() } else { format!("{shape}; non-standard: {}", odd.join("; ")) };
        Check::pass(check::DSSE_ENVELOPE, &self.name, detail)
    }

    /// What the document says of itself: claimed, authenticated by nobody.
    pub fn facts(&self) -> Facts {
        let SignatureDocument { envelope, bundle_id, root_hash, signed_at, algorithm_hint, provider, .. } =
            &self.parsed;
        let mut items = vec![
            ("payload type", envelope.payload_type().to_string()),
            ("payload bytes", envelope.payload().len().to_string()),
            ("signatures", envelope.signatures().len().to_string()),
        ];
        let optional = [
            ("bundle id", bundle_id),
            ("root hash", root_hash),
            ("signed at", signed_at),
            ("algorithm (hint)", algorithm_hint),
            ("provider", provider),
        ];
        items.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        Facts { document: self.name.clone(), items }
    }
}

/// Several bundles may share a folder: a `manifest.dsse.json` that was found there (not named by the operator) and signs
/// another type of document than `payload_types` belongs to another of them, is said to be there, and is not used.
pub fn pass_over_foreign(inventory: &mut Inventory, payload_types: &[&str]) -> Vec<Check> {
    let mut checks = Vec::new();
    let beside = |d: &&mut Document| d.location == Location::Sidecar && d.envelope && !d.named;
    for document in inventory.documents.iter_mut().filter(beside).filter(|d| d.name == b"manifest.dsse.json") {
        let Ok(parsed) = dsse::parse(&document.bytes) else { continue };
        let found = parsed.envelope.payload_type();
        if !payload_types.contains(&found) {
            let detail =
                format!("it lies beside the input and signs a document of type {found}: it belongs to another bundle");
            checks.push(Check::skip(check::SIGNATURE_UNREAD, &document.name, detail));
            document.envelope = false;
        }
    }
    checks
}

/// Positions of documents (inside or beside) that pass `wanted`.
pub fn positions(inventory: &Inventory, wanted: impl Fn(&Document) -> bool) -> Vec<usize> {
    let documents = inventory.documents.iter().enumerate();
    documents.filter(|(_, document)| wanted(document)).map(|(position, _)| position).collect()
}
