//! The options about transparency logs.

use super::exit::Failure;
use super::keys::KeyArgs;
use crate::format::note::MAX_NOTE;
use crate::pipeline::source::read_small;
use crate::trust::key::MAX_FILE_BYTES;
use crate::trust::policy::Policy;
use crate::trust::rekor::{LogKey, MAX_LOG_KEYS, Pinned};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is trusted in receipts of transparency logs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Trust")]
pub(super) struct LogArgs {
    /// Trusted key of a transparency log, for receipts: PEM or DER SPKI, JWK, or a NAME+HASH+KEY line (repeatable)
    #[arg(long, value_name = "FILE")]
    rekor_key: Vec<PathBuf>,
    /// The state of the log that you know: the checkpoint of a receipt must be this one
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

impl LogArgs {
    /// Files that are read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.rekor_key.iter().chain(&self.checkpoint).map(PathBuf::as_path)
    }

    /// Adds these options to `policy`. Keys and a pinned state are trust anchors: exit 2 where they cannot be used.
    pub(super) fn apply(&self, keys: &KeyArgs, policy: &mut Policy) -> Result<(), Failure> {
        let usage = |error: crate::pipeline::error::EnvironmentError| Failure::usage(error.to_string());
        for path in &self.rekor_key {
            let fail = |why: String| Failure::usage(format!("cannot use the log key {}: {why}", path.display()));
            for log in LogKey::parse(&read_small(path, MAX_FILE_BYTES as u64).map_err(usage)?).map_err(fail)? {
                keys.admit(log.key.fingerprint(), path, policy)?;
                if !policy.logs.keys.contains(&log) {
                    policy.logs.keys.push(log);
                }
            }
        }
        if policy.logs.keys.len() > MAX_LOG_KEYS {
            return Err(Failure::usage(format!("expected at most {MAX_LOG_KEYS} keys of logs, found more")));
        }
        if let Some(path) = &self.checkpoint {
            let fail = |why| Failure::usage(format!("cannot use the checkpoint {}: {why}", path.display()));
            let pinned = Pinned::parse(&read_small(path, MAX_NOTE as u64).map_err(usage)?).map_err(fail)?;
            policy.logs.pinned = Some(Arc::new(pinned));
        }
        Ok(())
    }
}
