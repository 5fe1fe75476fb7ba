//! Keys that are trusted, and what their signatures have to be about.

use super::exit::Failure;
use crate::format::time::Time;
use crate::pipeline::source::read_small;
use crate::pipeline::trust_file;
use crate::trust::key::{self, MAX_FILE_BYTES};
use crate::trust::keyring::example_name;
use crate::trust::policy::{LegacySigning, Policy};
use crate::trust::signature::SecretKey;
use crate::trust::statement::{Demand, SubjectDemand};
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(next_help_heading = "Trust")]
pub(super) struct KeyArgs {
    /// Trust policy (TOML): keys and what each may sign, thresholds, requirements, waivers
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Trusted public key: PEM or DER SPKI, cosign .pub, JWK or JWKS (repeatable)
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// Trusted shared secret (raw bytes) for HMAC-SHA256; reported as shared-secret (repeatable)
    #[arg(long, value_name = "FILE")]
    hmac_key: Vec<PathBuf>,
    /// Accept the published keys of keys-example/; the report repeats this
    #[arg(long)]
    allow_example_keys: bool,
    /// How many distinct trusted keys must have signed [default: 1, or what --trust says]
    #[arg(long, value_name = "N")]
    threshold: Option<NonZeroUsize>,
    /// Accept a non-standard DSSE signing input besides the PAE
    #[arg(long, value_enum, value_name = "INPUT")]
    legacy_signing: Option<Legacy>,
    /// Accept this payload type in place of those of the kind
    #[arg(long, value_name = "TYPE")]
    payload_type: Option<String>,
    #[command(flatten)]
    statement: StatementArgs,
}

/// What signed in-toto statements have to be.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Trust")]
pub(super) struct StatementArgs {
    /// The predicate type that a signed in-toto statement must have
    #[arg(long, value_name = "URI", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    predicate_type: Option<String>,
    /// A subject that a signed in-toto statement must have, by name or by digest
    #[arg(long, value_name = "NAME|sha256:HEX", value_parser = SubjectDemand::parse)]
    subject: Option<SubjectDemand>,
}

impl StatementArgs {
    /// The demand that these options describe.
    pub(super) fn demand(&self) -> Demand {
        Demand { predicate_type: self.predicate_type.clone(), subject: self.subject.clone() }
    }
}

/// Values of `--legacy-signing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Legacy {
    /// The decoded payload itself
    RawPayload,
    /// The unpadded base64url text of the payload
    Base64urlPayload,
}

impl KeyArgs {
    /// Files that are read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.key.iter().chain(&self.hmac_key).chain(&self.trust).map(PathBuf::as_path)
    }

    /// Options among these that say more than which public keys are trusted, by name.
    pub(super) fn beyond_public_keys(&self) -> impl Iterator<Item = &'static str> {
        let StatementArgs { predicate_type, subject } = &self.statement;
        let given = [
            ("--trust", self.trust.is_some()),
            ("--hmac-key", !self.hmac_key.is_empty()),
            ("--threshold", self.threshold.is_some()),
            ("--legacy-signing", self.legacy_signing.is_some()),
            ("--payload-type", self.payload_type.is_some()),
            ("--predicate-type", predicate_type.is_some()),
            ("--subject", subject.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name)
    }

    /// For verbs that know public keys alone: one signature, no shared secret.
    pub(super) fn public(key: &[PathBuf], allow_example_keys: bool) -> Self {
        KeyArgs {
            key: key.to_vec(),
            hmac_key: Vec::new(),
            allow_example_keys,
            threshold: None,
            trust: None,
            legacy_signing: None,
            payload_type: None,
            statement: StatementArgs::default(),
        }
    }

    /// The policy that these options are sugar for.
    pub(super) fn policy(&self, at: Time) -> Result<Policy, Failure> {
        let mut policy = Policy::new(at);
        policy.threshold_given = self.threshold.is_some();
        policy.threshold = self.threshold.unwrap_or(NonZeroUsize::MIN);
        policy.payload_type = self.payload_type.clone();
        policy.statement = self.statement.demand();
        policy.legacy_signing = self.legacy_signing.map(|legacy| match legacy {
            Legacy::RawPayload => LegacySigning::RawPayload,
            Legacy::Base64urlPayload => LegacySigning::Base64urlPayload,
        });
        if let Some(mode) = policy.legacy_signing {
            policy.waivers.push(format!("--legacy-signing {}", mode.name()));
        }
        if let Some(path) = &self.trust {
            let fail = |why| Failure::usage(format!("cannot use the trust policy {}: {why}", path.display()));
            let file = trust_file::load(path).map_err(Failure::usage)?;
            file.apply(&mut policy, self.allow_example_keys).map_err(|error| fail(error.to_string()))?;
        }
        for path in &self.key {
            let fail = |why: String| Failure::usage(format!("cannot use the key {}: {why}", path.display()));
            for key in key::parse(&read_key(path)?).map_err(|error| fail(error.to_string()))? {
                self.admit(key.fingerprint(), path, &mut policy)?;
                policy.keys.trust_public(key);
            }
        }
        for path in &self.hmac_key {
            let fail = |why: String| Failure::usage(format!("cannot use the shared secret {}: {why}", path.display()));
            let key = SecretKey::from_bytes(&read_key(path)?).map_err(|error| fail(error.to_string()))?;
            if policy.keys.publishes(&key) {
                return Err(fail("it is a public key that was given with --key: everybody knows it".into()));
            }
            self.admit(key.fingerprint(), path, &mut policy)?;
            policy.keys.trust_secret(key);
        }
        self.nobody(&policy)?;
        Ok(policy)
    }

    /// Keys that a policy file knows by fingerprint come by option; a public key that comes so may be a secret of the file.
    fn nobody(&self, policy: &Policy) -> Result<(), Failure> {
        let Some(path) = &self.trust else { return Ok(()) };
        let fail = |why: &str| Err(Failure::usage(format!("cannot use the trust policy {}: {why}", path.display())));
        if !policy.keys.trusts_somebody() {
            return fail("it knows the keys that it trusts by fingerprint only; give the keys themselves with --key");
        }
        if policy.keys.secret().iter().any(|secret| policy.keys.publishes(secret)) {
            return fail("one of its secrets is a public key that was given with --key: everybody knows it");
        }
        Ok(())
    }

    /// Takes a key as an anchor: a published example key only where the operator says so.
    pub(super) fn admit(&self, fingerprint: &str, path: &std::path::Path, policy: &mut Policy) -> Result<(), Failure> {
        let Some(name) = example_name(fingerprint) else { return Ok(()) };
        if !self.allow_example_keys {
            return Err(Failure::usage(format!(
                "{} is the example key {name}: its private half is published, so anybody can sign with it; \
                 use a key of your own, or add --allow-example-keys to try things out",
                path.display()
            )));
        }
        let waiver = format!("--allow-example-keys: {name} is published, so its signatures prove nothing");
        if !policy.waivers.contains(&waiver) {
            policy.waivers.push(waiver);
        }
        Ok(())
    }
}

/// Key files are usage: exit 2 where they cannot be read.
pub(super) fn read_key(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    read_small(path, MAX_FILE_BYTES as u64).map_err(|error| Failure::usage(error.to_string()))
}
