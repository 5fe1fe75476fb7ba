//! One DSSE envelope as an input by itself (`portcullis dsse verify`). Not in the table of kinds: a lone JSON file is no
//! bundle, and `verify` refuses it.

use super::kind::{Kind, Likelihood};
use super::model::{Binding, Bundle, SignedDocument};
use super::statement;
use crate::format::dsse;
use crate::format::intoto;
use crate::format::inventory::Inventory;
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;

/// The kind.
pub struct DsseEnvelope;

impl Kind for DsseEnvelope {
    fn id(&self) -> &'static str {
        "dsse:envelope"
    }

    fn detect(&self, _: &Inventory) -> Likelihood {
        Likelihood::No
    }

    fn interpret(&self, inventory: &mut Inventory) -> Bundle {
        let mut bundle = Bundle::default();
        for document in std::mem::take(&mut inventory.documents) {
            let index = bundle.claims.document(&document.name, document.location, Role::Envelope);
            match dsse::parse(&document.bytes) {
                Ok(parsed) => {
                    let signed = SignedDocument {
                        document: index,
                        name: document.name,
                        parsed,
                        payload_types: &[],
                        stands_for: None,
                        beside: None,
                        binding: Binding::Broken,
                        text: None,
                        timestamp_token: false,
                    };
                    bundle.checks.push(signed.envelope_check());
                    let mut facts = signed.facts();
                    let payload = signed.parsed.envelope.payload();
                    if signed.parsed.envelope.payload_type() == intoto::PAYLOAD_TYPE
                        && let Ok(statement) = intoto::parse(payload)
                    {
                        facts.items.extend(statement::items(&statement));
                    }
                    bundle.facts.push(facts);
                    bundle.signed.push(signed);
                }
                Err(error) => {
                    let detail = format!("expected a DSSE envelope, found: {error}");
                    bundle.checks.push(Check::fail(check::DSSE_ENVELOPE, &document.name, detail));
                }
            }
        }
        bundle
    }
}
