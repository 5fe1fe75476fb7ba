//! TUF metadata that a bundle carries: the workflow of `tuf verify` over documents in memory. No target is read here; the
//! answer holds what trusted roles state of targets, and the caller compares.

use super::TufError;
use super::documents::Documents;
use super::outcome::RoleDocument;
use super::workflow::{Stop, Workflow};
use crate::format::time::Time;
use crate::trust::check::{self, Check};
use crate::trust::envelope::Signer;
use crate::trust::tuf::{Client, TargetFile, TopLevel};
use crate::trust::verified::Verified;
use std::path::Path;

/// What to verify.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The metadata (untrusted).
    pub documents: &'a Documents<'a>,
    /// The root that the operator trusts: its name, for the report, and its bytes. Without it the datastore has to hold one.
    pub root: Option<(&'a [u8], &'a [u8])>,
    /// State of earlier runs; changed by what verifies, step by step, as by `tuf verify`.
    pub datastore: Option<&'a Path>,
    /// Whether that state is left as it is, whatever verifies.
    pub as_is: bool,
    /// Targets to be looked up through delegations, by name (untrusted names are fine).
    pub targets: &'a [String],
    /// The one clock of the run.
    pub at: Time,
}

/// What came out.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// One row a step, with the documents' paths inside the bundle as subjects.
    pub checks: Vec<Check>,
    /// Who signed which document, whatever became of the documents after it.
    pub signers: Vec<Signer>,
    /// The documents that were accepted, in the order of the steps; those of the operator and of the datastore among them.
    pub roles: Vec<RoleDocument>,
    /// What the metadata states of targets; only where no check failed.
    pub trusted: Option<Trusted>,
}

/// What verified metadata states of targets.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// The path of the top-level targets metadata inside the bundle.
    pub document: String,
    /// The targets that it lists.
    pub top_level: Verified<TopLevel>,
    /// The targets that were asked for, in that order, found at the top level or through delegations.
    pub asked: Vec<Stated>,
}

/// What a role states of one target.
#[derive(Debug, Clone)]
pub struct Stated {
    /// The target's name.
    pub name: String,
    /// The role that states it.
    pub role: String,
    /// The path of the role's metadata inside the bundle.
    pub document: String,
    /// Length and digests.
    pub file: Verified<TargetFile>,
}

/// Verifies the metadata, and looks up the targets that were asked for.
///
/// Without a root and without a datastore nothing is verified: a root that a bundle brings along is no trust. A row says so.
///
/// # Errors
/// Where the datastore cannot be read or written, or was given without a root and holds none.
pub fn verify(request: &Request) -> Result<Outcome, TufError> {
    if request.root.is_none() && request.datastore.is_none() {
        return Ok(Outcome { checks: vec![no_anchor(request)], signers: Vec::new(), roles: Vec::new(), trusted: None });
    }
    let mut workflow = Workflow::in_bundle(request)?;
    let outcome = look_up(&mut workflow, request.targets);
    workflow.close();
    let trusted = match outcome {
        Ok(trusted) => Some(trusted),
        Err(Stop::Refused) => None,
        Err(Stop::Error(error)) => return Err(error),
    };
    let (record, _) = workflow.into_parts();
    let (checks, signers, roles) = record.into_rows();
    let trusted = trusted.filter(|_| !checks.iter().any(Check::failed));
    Ok(Outcome { checks, signers, roles, trusted })
}

fn no_anchor(request: &Request) -> Check {
    let detail =
        "not checked: no root is trusted; a root that the bundle carries vouches for nothing, give one with --tuf-root";
    Check::skip(check::TUF_ROOT, request.documents.path("root.json"), detail)
}

fn look_up(workflow: &mut Workflow, targets: &[String]) -> Result<Trusted, Stop> {
    let mut client = workflow.metadata()?;
    let mut asked = Vec::new();
    for name in targets {
        // One that no role lists has its row; the others are looked up all the same.
        if let Some((file, role)) = workflow.search(&mut client, name)? {
            let document = workflow.path_of(&role);
            asked.push(Stated { name: name.clone(), role, document, file });
        }
    }
    let top_level = top_level(workflow, &client)?;
    Ok(Trusted { document: workflow.path_of("targets"), top_level, asked })
}

/// The listed targets; a row for each that has no digest of a known algorithm.
fn top_level(workflow: &mut Workflow, client: &Client) -> Result<Verified<TopLevel>, Stop> {
    let document = workflow.path_of("targets");
    let top_level = workflow.accept(check::TUF_TARGETS, &document, client.top_level())?;
    let unreadable = top_level.get().unreadable.iter().map(|(name, why)| {
        Check::skip(check::TUF_TARGET, name, format!("{document} lists it, and nothing can be compared with it: {why}"))
    });
    workflow.record.checks.extend(unreadable);
    Ok(top_level)
}
