//! Two databases, read side by side from the copies that were made while they were hashed.

use crate::format::bbolt::{BoltError, Database};
use crate::format::trivy_db::compare::Compared;
use crate::pipeline::error::EnvironmentError;
use crate::pipeline::inspect::Reading;
use crate::pipeline::spool::Pages;

/// Compares the database at `old_path` with that at `new_path`; `None` where there is no copy of one of them.
///
/// # Errors
/// A copy could not be read again, or is not what it was: both were sound when they were read first.
pub(super) fn compare(
    old: &Reading,
    old_path: &[u8],
    new: &Reading,
    new_path: &[u8],
) -> Result<Option<Compared>, EnvironmentError> {
    let (Some(a), Some(b)) = (copy(old, old_path), copy(new, new_path)) else { return Ok(None) };
    let compared = Database::open(a).and_then(|a| Database::open(b).and_then(|b| Compared::of(&a, &b)));
    let place = std::env::temp_dir();
    compared.map(Some).map_err(|error| match error {
        BoltError::Medium { error, .. } => EnvironmentError::read(place, error),
        _ => EnvironmentError::Changed { path: place },
    })
}

fn copy<'a>(reading: &'a Reading, path: &[u8]) -> Option<Pages<'a>> {
    let (_, copy) = reading.kept.iter().find(|(name, _)| name == path)?;
    copy.pages()
}
