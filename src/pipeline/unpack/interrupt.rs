//! Ctrl-C while something is being written: a flag that the work looks at, so that the staging folder is removed.

use crate::pipeline::error::EnvironmentError;
use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Listens while it lives.
pub(super) struct Interrupt {
    caught: Arc<AtomicUsize>,
    handlers: Vec<SigId>,
    target: PathBuf,
}

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP. A file over the size limit of the process is told by the write that fails, and not by a
    /// signal that ends the process.
    pub(super) fn listen(target: &Path) -> Interrupt {
        let (caught, ignored) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let flags = [(SIGINT, &caught), (SIGTERM, &caught), (SIGXFSZ, &ignored)];
        // Without a handler the signal ends the run, and the next one removes what was left.
        let register = |(signal, flag): (i32, &Arc<AtomicUsize>)| {
            signal_hook::flag::register_usize(signal, Arc::clone(flag), signal.unsigned_abs() as usize).ok()
        };
        let hangup = Some((SIGHUP, &caught)).filter(|_| !is_ignored(SIGHUP));
        let handlers = flags.into_iter().chain(hangup).filter_map(register).collect();
        Interrupt { caught, handlers, target: target.into() }
    }

    /// Fails once a signal has come.
    pub(super) fn check(&self) -> Result<(), EnvironmentError> {
        match self.caught.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(EnvironmentError::Interrupted {
                signal: u8::try_from(signal).unwrap_or(u8::MAX),
                path: self.target.clone(),
            }),
        }
    }
}

/// Whether the process was started with this signal ignored, as by `nohup`: that is kept. So it is where nobody can tell.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (signal.unsigned_abs() - 1) & 1 == 1)
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            signal_hook::low_level::unregister(handler);
        }
    }
}
