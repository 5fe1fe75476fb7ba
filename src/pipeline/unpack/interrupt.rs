//! Ctrl-C while something is being written: a flag that the work looks at, so that the staging folder is removed. A second one
//! ends the process at once, for whoever does not want to wait; the next run removes what that leaves.

use crate::pipeline::error::EnvironmentError;
use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
        let hangup = Some(SIGHUP).filter(|_| !is_ignored(SIGHUP));
        let number = |signal: i32| signal.unsigned_abs() as usize;
        let mut handlers = Vec::new();
        let once = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM].into_iter().chain(hangup) {
            // Handlers are called in this order: the first signal finds nothing noted and is noted, the second one ends the run.
            handlers.extend(signal_hook::flag::register_conditional_default(signal, Arc::clone(&once)));
            handlers.extend(signal_hook::flag::register(signal, Arc::clone(&once)));
            // Without a handler the signal ends the run, and the next one removes what was left.
            handlers.extend(signal_hook::flag::register_usize(signal, Arc::clone(&caught), number(signal)));
        }
        handlers.extend(signal_hook::flag::register_usize(SIGXFSZ, ignored, number(SIGXFSZ)));
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
