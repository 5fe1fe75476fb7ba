//! Where the tree is to lie, and how far the first pass has filled it.

use super::Request;
use super::ahead::{Ahead, Done};
use super::interrupt::Interrupt;
use super::plan::Plan;
use super::staging::{Staging, Target};
use crate::pipeline::error::EnvironmentError;
use crate::pipeline::sink::Copyist;
use crate::pipeline::source::Source;

/// The place of a tree.
pub(super) enum Place<'a> {
    /// Nothing was made yet.
    Target(Target),
    /// The first pass writes into its staging folder.
    Ahead(Box<Ahead<'a>>),
}

/// Whether the first pass writes: where all of the input is wanted, under its own names.
pub(super) fn is_written_ahead(request: &Request) -> bool {
    request.to.is_some() && !request.dry_run && request.only.is_empty() && request.strip_components == 0
}

impl<'a> Place<'a> {
    /// With an `interrupt` the first pass writes, unless no staging folder can be made: then the answer about the input comes
    /// first, and that nothing can be written there is said afterwards.
    ///
    /// # Errors
    /// What is at the target has changed.
    pub(super) fn prepare(
        request: &Request,
        target: Target,
        source: &Source,
        interrupt: Option<&'a Interrupt>,
    ) -> Result<Place<'a>, EnvironmentError> {
        let Some(interrupt) = interrupt else { return Ok(Place::Target(target)) };
        let (path, free) = (target.path().to_path_buf(), target.free()?);
        // Decoded it is larger still, as a rule, and to fill a disk helps nobody.
        if matches!(source, Source::File(file) if file.size() > free) {
            return Ok(Place::Target(target));
        }
        match Staging::make(target) {
            Ok(staging) => Ok(Place::Ahead(Box::new(Ahead::new(staging, free, interrupt, request.preserve_times)))),
            Err(_) => Target::open(&path, request.force).map(Place::Target),
        }
    }

    /// Who takes copies in the first pass.
    pub(super) fn copyist(&self) -> Option<&dyn Copyist> {
        match self {
            Place::Target(_) => None,
            Place::Ahead(ahead) => Some(&**ahead),
        }
    }

    /// Where it is.
    pub(super) fn target(&self) -> &Target {
        match self {
            Place::Target(target) => target,
            Place::Ahead(ahead) => ahead.target(),
        }
    }

    /// The staging folder for `plan`, and what lies in it already.
    pub(super) fn stage(self, plan: &Plan) -> Result<(Staging, Done), EnvironmentError> {
        match self {
            Place::Target(target) => Ok((Staging::make(target)?, Done::default())),
            Place::Ahead(ahead) => {
                let path = ahead.target().path().to_path_buf();
                ahead.settle(plan).map_err(|error| EnvironmentError::write(path, error))
            }
        }
    }
}
