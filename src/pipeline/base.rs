//! The bundle that a delta builds on: read like any other, compared by id, manifest digest and paths. It is not verified by
//! itself: the delta, which is signed, states the digest of its manifest.

use super::error::EnvironmentError;
use super::inspect::{self, Reading, Request};
use super::progress::Progress;
use crate::bundle::{delta, trivy_delta};
use crate::trust::check::{self, Check};

/// Adds to `reading` what comparing it with `--base` shows, where it is a delta.
pub(super) fn compare(reading: &mut Reading, request: &Request, progress: &Progress) -> Result<(), EnvironmentError> {
    if reading.bundle.is_delta() && reading.bundle.delta.is_none() {
        return compare_layouts(reading, request, progress);
    }
    let Some(delta) = &reading.bundle.delta else {
        if let Some(base) = &request.base {
            let name = base.file_name().unwrap_or(base.as_os_str()).as_encoded_bytes();
            let detail = "it was given with --base and is not used: the input is no delta that can be read";
            reading.checks.push(Check::skip(check::DELTA_BASE, name, detail).with("named", "true"));
        }
        return Ok(());
    };
    let base = read_base(request, progress, |base| delta::base_of(&base.inventory))?;
    let rows = delta::judge(&reading.inventory, delta, base.as_ref());
    reading.checks.extend(rows);
    Ok(())
}

/// The same for a delta of a database, whose blobs that it leaves out are those of its base.
fn compare_layouts(reading: &mut Reading, request: &Request, progress: &Progress) -> Result<(), EnvironmentError> {
    let Some(export) = reading.bundle.trivy.as_ref().and_then(|trivy| trivy.export.clone()) else { return Ok(()) };
    let base = read_base(request, progress, |base| {
        base.bundle.checks.append(&mut base.checks);
        trivy_delta::base_of(&base.inventory, &mut base.bundle)
    })?;
    let rows = trivy_delta::judge(&reading.inventory, &mut reading.bundle, &export, base.as_ref());
    reading.checks.extend(rows);
    Ok(())
}

/// What `of` makes of the bundle that was given as `--base`.
fn read_base<T>(
    request: &Request,
    progress: &Progress,
    of: impl FnOnce(&mut Reading) -> Result<T, String>,
) -> Result<Option<Result<T, String>>, EnvironmentError> {
    let Some(input) = &request.base else { return Ok(None) };
    let request = Request { discover_sidecars: request.discover_sidecars, ..Request::new(input, request.scan) };
    let mut read = inspect::read(&request, progress)?;
    if read.inventory.incomplete {
        return Ok(Some(Err("it could not be read to its end".to_string())));
    }
    if let Some(defect) = read.inventory.anomalies.first() {
        return Ok(Some(Err(format!("its container has defects: {}", defect.detail))));
    }
    Ok(Some(of(&mut read)))
}
