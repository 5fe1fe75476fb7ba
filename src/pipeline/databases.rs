//! Reading the databases that were copied while they were hashed.

use super::error::EnvironmentError;
use super::inspect::Request;
use super::java_index;
use super::record::Copies;
use super::spool::Spooled;
use crate::bundle::nested::inside;
use crate::format::bbolt::{BoltError, Database};
use crate::format::database::{Contents, Examined};
use crate::format::inventory::{EntryIndex, Inventory};
use crate::format::trivy_db::{self, Summary};
use crate::format::trivy_java::JavaError;

/// Reads `copies` of databases in `inventory`, and `inner` ones of its nested archives, and notes there what they hold. Returns the
/// copies, each with its path in the report, where the request keeps them.
///
/// # Errors
/// A copy could not be written, or not be read again. What is wrong with a database is noted.
pub(super) fn read(
    inventory: &mut Inventory,
    copies: Copies,
    inner: Vec<(EntryIndex, Copies)>,
    request: &Request,
) -> Result<Vec<(Vec<u8>, Spooled)>, EnvironmentError> {
    let mut kept = Vec::new();
    for (name, copy) in whole(copies)? {
        inventory.databases.extend(examine(&copy, request)?.map(|examined| (name.clone(), examined)));
        kept.push((name, copy));
    }
    for (archive, copies) in inner {
        let outer = inventory.entry(archive).normal_path().to_vec();
        for (name, copy) in whole(copies)? {
            let examined = examine(&copy, request)?;
            kept.push((inside(&outer, &name), copy));
            if let Some((nested, examined)) = inventory.nested.get_mut(&archive).zip(examined) {
                nested.databases.insert(name, examined);
            }
        }
    }
    kept.truncate(if request.keep_databases { kept.len() } else { 0 });
    Ok(kept)
}

/// The copies that were made, or why one was not.
fn whole(copies: Copies) -> Result<Vec<(Vec<u8>, Spooled)>, EnvironmentError> {
    copies.failed.map_or(Ok(copies.whole), Err)
}

/// What the copy holds; `None` where it was too large to be made.
fn examine(copy: &Spooled, request: &Request) -> Result<Option<Examined>, EnvironmentError> {
    let failed = |error| EnvironmentError::read(std::env::temp_dir(), error);
    let size = copy.size();
    if copy.has_tables() {
        let contents = match copy.named(java_index::read).map_err(failed)? {
            Some(Err(JavaError::Medium(error))) => return Err(failed(error)),
            Some(other) => other.map(|index| Contents::Java(Box::new(index))).map_err(|error| error.to_string()),
            None => return Ok(None),
        };
        return Ok(Some(Examined { size, contents, finding: None }));
    }
    let Some(pages) = copy.pages() else { return Ok(None) };
    let mut finding = None;
    let outcome = Database::open(pages).and_then(|database| {
        let summary = Summary::of(&database)?;
        if let Some(id) = &request.advisory {
            finding = Some(trivy_db::advisory(&database, id)?);
        }
        Ok(Contents::Bbolt { meta: database.meta().clone(), summary: Box::new(summary) })
    });
    let contents = match outcome {
        Err(BoltError::Medium { error, .. }) => return Err(failed(error)),
        other => other.map_err(|error| error.to_string()),
    };
    Ok(Some(Examined { size, contents, finding }))
}
