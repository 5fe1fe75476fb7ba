//! An input that can be read only once, such as standard input: kept in a file without a name, under a cap, so that it can be
//! verified first and written afterwards.

use crate::pipeline::error::EnvironmentError;
use crate::pipeline::source::{OpenFile, Source};
use std::io::{self, Read, Write as _};
use std::path::Path;

/// Most bytes that are kept where `--max-bytes` says nothing: four times the largest export that the formats speak of, and
/// little enough that a pipe without an end does not fill a large disk.
pub const DEFAULT_SPOOL: u64 = 64 << 30;

/// Keeps what `source` gives, beside the target or, where nothing is to be written there, in the folder for temporary files.
/// Returns it as a file, and whether there was more than `cap`.
pub(super) fn spool(
    source: Source,
    target: &Path,
    elsewhere: bool,
    cap: u64,
) -> Result<(Source, bool), EnvironmentError> {
    let Source::Stream { reader: Some(mut reader), path } = source else { return Ok((source, false)) };
    let beside = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = if elsewhere { std::env::temp_dir() } else { beside.to_path_buf() };
    let fail = |error| EnvironmentError::write(&folder, error);
    let mut file = tempfile::tempfile_in(&folder).map_err(fail)?;
    let (mut buffer, mut total) = (vec![0; 256 << 10], 0u64);
    let over = loop {
        let count = match reader.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(EnvironmentError::read(path, error)),
        };
        total += count as u64;
        if count == 0 || total > cap {
            break count > 0;
        }
        file.write_all(&buffer[..count]).map_err(fail)?;
    };
    OpenFile::new(file, path).map(|file| (Source::File(file), over))
}
