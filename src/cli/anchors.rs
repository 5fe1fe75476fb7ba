//! Whom to trust: the options that every verb has that verifies bundles, so that none of them knows fewer than another.

use super::exit::Failure;
use super::keys::KeyArgs;
use super::rekor::LogArgs;
use super::sigstore::SigstoreArgs;
use crate::format::time::Time;
use crate::trust::policy::Policy;
use std::path::Path;
use std::sync::Arc;

/// Keys, certificates and logs.
#[derive(Debug, clap::Args)]
pub(super) struct AnchorArgs {
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    sigstore: SigstoreArgs,
    #[command(flatten)]
    logs: LogArgs,
}

impl AnchorArgs {
    /// Files that are read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.keys.files().chain(self.sigstore.files()).chain(self.logs.files())
    }

    /// Whether any of them says whom to trust.
    pub(super) fn are_given(&self) -> bool {
        self.files().next().is_some()
    }

    /// Options among these that say more than which public keys are trusted, by name.
    pub(super) fn beyond_public_keys(&self) -> impl Iterator<Item = &'static str> {
        let sigstore = self.sigstore.files().next().map(|_| "--trusted-root");
        let logs = self.logs.files().next().map(|_| "--rekor-key or --checkpoint");
        self.keys.beyond_public_keys().chain(sigstore).chain(logs)
    }

    /// The policy that these options are sugar for.
    pub(super) fn policy(&self, at: Time) -> Result<Policy, Failure> {
        let mut policy = self.keys.policy(at)?;
        self.logs.apply(&self.keys, &mut policy)?;
        policy.sigstore = self.sigstore.trust()?.map(Arc::new);
        Ok(policy)
    }
}
