//! `portcullis sigstore verify`, and the options about Sigstore that `verify` shares with it.

use super::cage::CageArgs;
use super::common::{OutputArgs, property};
use super::exit::Failure;
use super::keys::{KeyArgs, StatementArgs};
use crate::format::digest::{Digest, parse_sha256, unhex};
use crate::pipeline::sigstore::{self, Target};
use crate::pipeline::source::read_small;
use crate::trust::policy::Property;
use crate::trust::sigstore::{MAX_TRUSTED_ROOT, Name, Root, Trust};
use std::path::{Path, PathBuf};

/// The verb in reports.
const COMMAND: &str = "sigstore verify";

/// Verbs about Sigstore bundles.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Verify one artifact with its Sigstore bundle
    Verify(Args),
}

/// What is trusted in Sigstore bundles.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Trust")]
pub(super) struct SigstoreArgs {
    /// The Sigstore trusted_root.json that you trust: authorities and logs behind Sigstore bundles
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
    /// Whose certificate is accepted: its subject alternative name, as a whole
    #[arg(long, value_name = "S", requires = "certificate_oidc_issuer", requires = "trusted_root")]
    certificate_identity: Option<String>,
    /// Who vouches for that identity: the OIDC issuer in the certificate, as a whole
    #[arg(long, value_name = "S", requires = "certificate_identity")]
    certificate_oidc_issuer: Option<String>,
}

impl SigstoreArgs {
    /// Files that are read.
    pub(super) fn files(&self) -> impl Iterator<Item = &std::path::Path> {
        self.trusted_root.iter().map(PathBuf::as_path)
    }

    /// The trust that these options describe; none without a trusted root.
    pub(super) fn trust(&self) -> Result<Option<Trust>, Failure> {
        let Some(path) = &self.trusted_root else { return Ok(None) };
        // A root is a trust anchor as a key is: exit 2 where it cannot be used.
        let bytes = read_small(path, MAX_TRUSTED_ROOT).map_err(|error| Failure::usage(error.to_string()))?;
        let fail = |why| Failure::usage(format!("cannot use the trusted root {}: {why}", path.display()));
        Ok(Some(Trust { root: Root::parse(&bytes).map_err(fail)?, name: self.name() }))
    }

    fn name(&self) -> Option<Name> {
        let (identity, issuer) = (self.certificate_identity.clone()?, self.certificate_oidc_issuer.clone()?);
        Some(Name { identity, issuer })
    }
}

/// Options of the verb.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The artifact: a file, - for standard input, or its digest (sha256:HEX, sha512:HEX)
    #[arg(value_name = "FILE|sha256:HEX")]
    artifact: PathBuf,
    /// The Sigstore bundle
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    #[command(flatten)]
    sigstore: SigstoreArgs,
    /// Trusted public key, for bundles that are signed with one: PEM or DER SPKI, cosign .pub, JWK or JWKS (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Trust", conflicts_with = "certificate_identity")]
    key: Vec<PathBuf>,
    /// Accept the published keys of keys-example/; the report repeats this
    #[arg(long, help_heading = "Trust")]
    allow_example_keys: bool,
    /// What must be established besides the signature: transparency demands an inclusion proof
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = property, help_heading = "Policy")]
    require: Option<Vec<Property>>,
    #[command(flatten)]
    cage: CageArgs,
    #[command(flatten)]
    statement: StatementArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    let cage = args.cage.enter(&args.output.cage());
    let name = super::common::file_name(&args.artifact);
    let failed = |failure: Failure| args.output.failure(failure, COMMAND, &name);
    let at = args.output.now();
    let own = [args.artifact.as_path(), args.bundle.as_path()].into_iter().chain(args.key.iter().map(PathBuf::as_path));
    let files: Vec<&Path> = own.chain(args.sigstore.files()).collect();
    args.output.check(&files).map_err(|failure| args.output.refusal(failure, "sigstore verify", &name))?;
    let target = target(&args.artifact).map_err(failed)?;
    let mut policy = KeyArgs::public(&args.key, args.allow_example_keys).policy(at).map_err(failed)?;
    policy.require = args.require.clone();
    policy.statement = args.statement.demand();
    policy.sigstore = args.sigstore.trust().map_err(failed)?.map(std::sync::Arc::new);
    let trust = policy.sigstore.as_ref().ok_or_else(|| {
        failed(Failure::usage(
            "--trusted-root is missing: a Sigstore bundle can only be judged by authorities and logs that you trust; \
             there is no built-in root",
        ))
    })?;
    if trust.name.is_none() && policy.keys.is_empty() {
        return Err(failed(Failure::usage(
            "expected whose signature is accepted: --certificate-identity with --certificate-oidc-issuer, or --key",
        )));
    }
    let verification = sigstore::verify(&target, &args.bundle, &trust.root, &policy).map_err(|e| failed(e.into()))?;
    args.output.conclude(&verification, COMMAND, at, &name, cage)
}

/// `sha256:` (or `sha512:`, which some statements name alone) and its digits are a digest where no such file exists.
fn target(artifact: &Path) -> Result<Target, Failure> {
    let Some(text) = artifact.to_str().filter(|_| artifact.symlink_metadata().is_err()) else {
        return Ok(Target::File(artifact.into()));
    };
    let parsed = if text.starts_with("sha256:") {
        parse_sha256(text).map(Digest::Sha256)
    } else if let Some(digits) = text.strip_prefix("sha512:") {
        let bytes = unhex(digits).filter(|_| !digits.bytes().any(|c| c.is_ascii_uppercase()));
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Digest::Sha512).ok_or_else(|| "a SHA-512 digest has 128 lower-case hex digits".to_string())
    } else {
        return Ok(Target::File(artifact.into()));
    };
    let refuse = |why| Failure::usage(format!("{text} is no file that exists, and no digest: {why}"));
    parsed.map(Target::Digest).map_err(refuse)
}
