//! The bundle that a delta builds on: read like any other, compared by id, manifest digest and paths. It is not verified by
//! itself: the delta, which is signed, states the digest of its manifest.

use super::error::EnvironmentError;
use super::inspect::{self, Reading, Request};
use super::progress::Progress;
use crate::bundle::delta;
use crate::trust::check::{self, Check};

/// Adds to `reading` what comparing it with `--base` shows, where it is a delta.
pub(super) fn compare(reading: &mut Reading, request: &Request, progress: &Progress) -> Result<(), EnvironmentError> {
    let Some(delta) = &reading.bundle.delta else {
        if let Some(base) = &request.base {
            let name = base.file_name().unwrap_or(base.as_os_str()).as_encoded_bytes();
            let detail = "it was given with --base and is not used: the input is no delta that can be read";
            reading.checks.push(Check::skip(check::DELTA_BASE, name, detail).with("named", "true"));
        }
        return Ok(());
    };
    let base = request.base.as_ref().map(|input| {
        let request = Request { discover_sidecars: request.discover_sidecars, ..Request::new(input, request.scan) };
        let read = inspect::read(&request, progress)?;
        Ok::<_, EnvironmentError>(if read.inventory.incomplete {
            Err("it could not be read to its end".to_string())
        } else {
            delta::base_of(&read.inventory)
        })
    });
    let rows = delta::judge(&reading.inventory, delta, base.transpose()?.as_ref());
    reading.checks.extend(rows);
    Ok(())
}
