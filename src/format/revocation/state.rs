//! What is remembered of the last list that was accepted.

use super::super::digest::{Sha256Bytes, hex, parse_sha256};
use super::super::json::{self, JsonError, Problem};
use super::super::time::{Time, format_rfc3339};
use super::fields::{is_bundle_id, is_uri};
use super::{MAX_SEQUENCE, RevocationList};
use serde::{Deserialize, Serialize};

/// Version of the form.
const SCHEMA: &str = "portcullis.revocation-state/v1";

/// The last list that was accepted: enough to refuse an older one, and another one of the same sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its authority.
    pub issuer: String,
    /// Its id, where it has one.
    pub bundle_id: Option<String>,
    /// Its sequence.
    pub sequence: u64,
    /// When it was made.
    pub issued_at: Time,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Form {
    schema: String,
    issuer: String,
    #[serde(default)]
    bundle_id: Option<String>,
    sequence: u64,
    issued_at: String,
    sha256: String,
}

impl State {
    /// What to remember of `list`, whose bytes have this digest; `None` where a required member could not be read.
    #[must_use]
    pub fn of(list: &RevocationList, sha256: Sha256Bytes) -> Option<State> {
        Some(State {
            issuer: list.issuer.clone()?,
            bundle_id: list.bundle_id.clone(),
            sequence: list.sequence?,
            issued_at: list.issued_at?,
            sha256,
        })
    }

    /// Reads what [`State::to_json`] wrote.
    ///
    /// # Errors
    /// [`JsonError`] for anything else: a state that is not understood must not be taken for none.
    pub fn parse(bytes: &[u8]) -> Result<State, JsonError> {
        let form: Form = json::parse(bytes)?;
        let wrong = |what: &str| JsonError {
            problem: Problem::Shape(what.to_owned()),
            at: json::Position { line: 1, column: 1 },
        };
        let issued_at = super::super::time::parse_rfc3339(&form.issued_at).map_err(|_| wrong("issuedAt is no time"))?;
        let sha256 = parse_sha256(&form.sha256).map_err(|_| wrong("sha256 is no digest"))?;
        if form.schema != SCHEMA || !is_uri(&form.issuer) || form.sequence > MAX_SEQUENCE {
            return Err(wrong(&format!("expected {SCHEMA} with an issuer and a sequence")));
        }
        if form.bundle_id.as_deref().is_some_and(|id| !is_bundle_id(id)) {
            return Err(wrong("bundleId is no id"));
        }
        let Form { issuer, bundle_id, sequence, .. } = form;
        Ok(State { issuer, bundle_id, sequence, issued_at, sha256 })
    }

    /// The state as JSON, for any serializer.
    #[must_use]
    pub fn to_json(&self) -> impl Serialize + use<> {
        Form {
            schema: SCHEMA.into(),
            issuer: self.issuer.clone(),
            bundle_id: self.bundle_id.clone(),
            sequence: self.sequence,
            issued_at: format_rfc3339(self.issued_at),
            sha256: hex(&self.sha256),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let state = State {
            issuer: "https://auth.example".into(),
            bundle_id: Some("0123456789abcdef".into()),
            sequence: 7,
            issued_at: super::super::super::time::parse_rfc3339("2026-11-01T00:00:00Z").unwrap(),
            sha256: [7; 32],
        };
        let text = serde_json::to_string(&state.to_json()).unwrap();
        assert_eq!(State::parse(text.as_bytes()), Ok(state.clone()));
        let without = State { bundle_id: None, ..state };
        assert_eq!(State::parse(serde_json::to_string(&without.to_json()).unwrap().as_bytes()), Ok(without));
        let twice = text.replacen("\"sequence\":7", "\"sequence\":7,\"sequence\":8", 1);
        for bad in [
            String::new(),
            "{}".into(),
            twice,
            text.replace("/v1", "/v2"),
            text.replace(":7,", ":-7,"),
            text.replace(":7,", ":9007199254740992,"),
            text.replace("https:", "https"),
            text.replace("0123456789abcdef", "0123"),
            text.replace("2026", "2x26"),
            text.replace("0707", "07"),
            text.replace("\"issuer\"", "\"iss\""),
            text.replacen('{', "{\"extra\":1,", 1),
        ] {
            assert!(State::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
