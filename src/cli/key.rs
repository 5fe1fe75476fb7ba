//! `portcullis key show`.

use super::exit::Failure;
use super::output;
use crate::pipeline::cage::Cage;
use crate::pipeline::source::read_small;
use crate::report::cleaning::clean_text;
use crate::trust::key::{self, KeyKind, MAX_FILE_BYTES, PublicKey};
use crate::trust::keyring::example_name;
use serde_json::json;
use std::path::PathBuf;

/// Verbs about keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Type, size and SHA-256 fingerprint (over the SPKI DER) of a public key
    Show(Args),
}

/// Options of the verb.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// PEM or DER SPKI, cosign .pub, JWK or JWKS
    file: PathBuf,
    /// JSON for the record
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    Cage::new().enter();
    let bytes = read_small(&args.file, MAX_FILE_BYTES as u64).map_err(|error| Failure::usage(error.to_string()))?;
    let keys =
        key::parse(&bytes).map_err(|e| Failure::usage(format!("cannot use the key {}: {e}", args.file.display())))?;
    output::write(None, false, |out| {
        if args.json {
            let keys: Vec<_> = keys.iter().map(as_json).collect();
            return crate::report::json::write_value(&json!({"schema": "portcullis.keys/v1", "keys": keys}), out);
        }
        for key in &keys {
            let name = key.name().map_or(String::new(), |name| format!("  {}", clean_text(name)));
            let example =
                example_name(key.fingerprint()).map_or("", |_| "  (example key: trust nothing that it signed)");
            writeln!(out, "{}", key.fingerprint())?;
            crate::report::text::wrap(out, "  ", &format!("{}{name}{example}", key.describe()))?;
        }
        Ok(())
    })?;
    Ok(0)
}

fn as_json(key: &PublicKey) -> serde_json::Value {
    let (kind, bits) = match key.kind() {
        KeyKind::Ed25519 => ("ed25519", 256),
        KeyKind::EcdsaP256 => ("ecdsa-p256", 256),
        KeyKind::EcdsaP384 => ("ecdsa-p384", 384),
        KeyKind::Rsa { bits } => ("rsa", bits),
    };
    let example = example_name(key.fingerprint());
    json!({"type": kind, "bits": bits, "fingerprint": key.fingerprint(), "name": key.name(), "example": example})
}
