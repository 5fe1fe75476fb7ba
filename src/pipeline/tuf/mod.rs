//! `tuf verify`: one TUF repository in two folders, from a trusted root to the bytes of its targets; and the metadata that a
//! bundle carries ([`in_bundle`]). The rules are those of [`trust::tuf`](crate::trust::tuf); here are the files, in the order
//! in which the specification wants them touched.

mod documents;
mod folder;
pub mod in_bundle;
mod outcome;
mod repository;
mod roots;
mod rows;
mod second_opinion;
mod targets;
mod workflow;

use super::error::EnvironmentError;
use super::verify::Verification;
use crate::format::time::Time;
use std::path::PathBuf;

pub use documents::Documents;
pub use outcome::RoleDocument;
pub use repository::Probe;

/// What to verify.
#[derive(Debug, Clone)]
pub struct Request {
    /// The folder of metadata, under published names.
    pub metadata_dir: PathBuf,
    /// The folder of targets; needed where targets are asked for.
    pub targets_dir: Option<PathBuf>,
    /// The root that the operator trusts: its name, for the report, and its bytes.
    pub root: Option<(Vec<u8>, Vec<u8>)>,
    /// State of earlier runs.
    pub datastore: Option<PathBuf>,
    /// Targets by name, in order.
    pub targets: Vec<String>,
    /// Where to copy targets.
    pub out: Option<PathBuf>,
    /// The one clock of the run.
    pub at: Time,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TufError {
    /// Neither a root nor a datastore that holds one.
    #[error("{} holds no root.json, so there is nothing to begin from; give a trusted root with --tuf-root", datastore.display())]
    NoRoot {
        /// The datastore.
        datastore: PathBuf,
    },
    /// The environment failed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
}

/// What came out: the answer, and every file that was looked for, whatever the answer.
pub struct Run {
    /// The verification, or why there is none.
    pub verification: Result<Verification, TufError>,
    /// In the order in which they were looked for.
    pub probes: Vec<Probe>,
}

/// Verifies the repository and the targets of `request`.
pub fn verify(request: &Request) -> Run {
    match workflow::Workflow::new(request) {
        Ok(mut workflow) => {
            let outcome = workflow.run(&request.targets);
            let (record, probes) = workflow.into_parts();
            let verification = outcome.map(|()| record.into_verification());
            Run { verification, probes }
        }
        Err(error) => Run { verification: Err(error.into()), probes: Vec::new() },
    }
}
