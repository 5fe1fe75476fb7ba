//! Progress on standard error while a run works: a bar for people, events for scripts.

use super::common::ProgressChoice;
use crate::pipeline::progress::Progress;
use crate::report::cleaning::clean_text;
use crate::trust::verdict::Verdict;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Between two looks at the counters.
const TICK: Duration = Duration::from_millis(200);
/// A run that ends sooner shows no bar: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(500);

/// Runs `work` and shows its progress meanwhile.
pub(super) fn during<T, E: std::fmt::Display>(
    choice: ProgressChoice,
    work: impl FnOnce(&Progress) -> Result<T, E>,
) -> Result<T, E> {
    let progress = Progress::default();
    let bar = match choice {
        ProgressChoice::Never => false,
        ProgressChoice::Always => true,
        ProgressChoice::Auto => std::io::stderr().is_terminal(),
        ProgressChoice::Json => return with_events(&progress, work),
    };
    if !bar {
        return work(&progress);
    }
    std::thread::scope(|scope| {
        let (stop, stopped) = channel();
        let patience = if choice == ProgressChoice::Always { Duration::ZERO } else { PATIENCE };
        let progress = &progress;
        // No thread for the bar is no reason to fail.
        let _ = std::thread::Builder::new().spawn_scoped(scope, move || draw(progress, &stopped, patience));
        let outcome = work(progress);
        drop::<std::sync::mpsc::Sender<()>>(stop);
        outcome
    })
}

fn draw(progress: &Progress, stopped: &Receiver<()>, patience: Duration) {
    if stopped.recv_timeout(patience) != Err(RecvTimeoutError::Timeout) && !patience.is_zero() {
        return;
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let known = "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} left, {msg} entries";
    let unknown = "{spinner} {bytes} {binary_bytes_per_sec}, {msg} entries";
    let mut sized = false;
    bar.set_style(ProgressStyle::with_template(unknown).unwrap_or_else(|_| ProgressStyle::default_bar()));
    loop {
        let (done, total, entries) = progress.snapshot();
        if total > 0 && !sized {
            bar.set_length(total);
            bar.set_style(ProgressStyle::with_template(known).unwrap_or_else(|_| ProgressStyle::default_bar()));
            sized = true;
        }
        bar.set_position(done);
        bar.set_message(entries.to_string());
        bar.tick();
        if stopped.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
            bar.finish_and_clear();
            return;
        }
    }
}

/// The five events of the Export Center's stream, one JSON object a line.
fn with_events<T, E: std::fmt::Display>(
    progress: &Progress,
    work: impl FnOnce(&Progress) -> Result<T, E>,
) -> Result<T, E> {
    event(&json!({"event": "started"}));
    let outcome = std::thread::scope(|scope| {
        let (stop, stopped) = channel::<()>();
        let _ = std::thread::Builder::new().spawn_scoped(scope, move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                event(&numbers("progress", progress));
            }
        });
        let outcome = work(progress);
        drop(stop);
        outcome
    });
    match &outcome {
        Ok(_) => event(&numbers("artifact_ready", progress)),
        Err(error) => event(&json!({"event": "failed", "message": clean_text(&error.to_string())})),
    }
    outcome
}

/// The last event of a run that formed an answer: `completed` for a good one, `failed` for any other.
pub(super) fn ended(choice: ProgressChoice, verdict: Verdict) {
    if choice == ProgressChoice::Json {
        let name = if matches!(verdict, Verdict::Failed(_)) { "failed" } else { "completed" };
        event(&json!({"event": name, "verdict": verdict.name()}));
    }
}

fn numbers(name: &str, progress: &Progress) -> serde_json::Value {
    let (done, total, entries) = progress.snapshot();
    let percent = (total > 0).then(|| (done.min(total) as f64 * 100.0 / total as f64 * 10.0).round() / 10.0);
    json!({"event": name, "bytes": done, "bytes_total": (total > 0).then_some(total), "percent": percent, "entries": entries})
}

fn event(value: &serde_json::Value) {
    // Progress is a courtesy: a closed standard error must not stop the run.
    let _ = writeln!(std::io::stderr().lock(), "{value}");
}
