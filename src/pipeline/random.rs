//! Scanning an uncompressed tar in a file: headers first, then all threads hash with positioned reads.

use super::meter::{Form, Measured};
use super::progress::Progress;
use super::record::Recorder;
use super::scan::{ScanError, ScanOptions};
use super::sink::{Intake, Sink};
use super::source::OpenFile;
use crate::format::anomaly::{Anomaly, Defect};
use crate::format::inventory::{EntryIndex, EntryKind};
use crate::format::tar::{TarInput, TarReader};
use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One buffer a thread. 64 KiB, 256 KiB and 1 MiB measure the same (docs/performance.md).
pub(super) const BUFFER: usize = 256 << 10;
/// Entries over this size are hashed first, longest first: a giant at the end would leave the other threads idle.
const LARGE: u64 = 8 << 20;
/// Read-ahead for headers: sixteen small entries a system call.
const WINDOW: usize = 16 << 10;

/// Where the content of one entry lies.
#[derive(Debug, Clone, Copy)]
struct Extent {
    index: EntryIndex,
    form: Form,
    offset: u64,
    size: u64,
}

pub(super) fn scan(
    file: &OpenFile,
    options: &ScanOptions,
    progress: &Progress,
    recorder: &mut Recorder,
    sink: &impl Sink,
) -> Result<(), ScanError> {
    recorder.inventory().container.push("tar");
    let mut extents = Vec::new();
    let outcome = index(file, options, recorder, sink, &mut extents);
    read_documents(file, recorder, &extents)?;
    let tasks = plan(extents);
    hash(file, &tasks, options, progress, recorder, sink)?;
    outcome
}

/// Pass 1: the headers.
fn index(
    file: &OpenFile,
    options: &ScanOptions,
    recorder: &mut Recorder,
    sink: &impl Sink,
    extents: &mut Vec<Extent>,
) -> Result<(), ScanError> {
    let mut reader = TarReader::new(Window::new(file, options.limits.max_bytes));
    loop {
        let member = reader.next_member();
        for anomaly in reader.take_anomalies() {
            recorder.note(anomaly);
        }
        let Some(member) = member? else {
            recorder.residue(reader.residue());
            return Ok(());
        };
        let (offset, size) = (member.offset, member.stored);
        let hash = member.kind == EntryKind::File && !member.sparse;
        let index = recorder.add(member)?;
        let end = offset.saturating_add(size);
        if end > options.limits.max_bytes {
            return Err(over_limit(options.limits.max_bytes).into());
        }
        if end > file.size() {
            let missing = end - file.size();
            let detail =
                format!("the archive ends at byte {}; {missing} more bytes of an entry should follow", file.size());
            return Err(Anomaly::container(Defect::ContainerTruncated, detail).into());
        }
        if hash && sink.admit(index, recorder.inventory().entry(index))? {
            extents.push(Extent { index, form: recorder.form(index), offset, size });
        }
    }
}

fn over_limit(max_bytes: u64) -> Anomaly {
    Anomaly::container(Defect::LimitBytes, format!("more than {max_bytes} bytes; raise --max-bytes to read on"))
}

fn read_documents(file: &OpenFile, recorder: &mut Recorder, extents: &[Extent]) -> Result<(), ScanError> {
    for extent in extents {
        if recorder.wants(extent.index)? {
            let mut bytes = vec![0; extent.size as usize];
            let mut filled = 0;
            while filled < bytes.len() {
                match file.read_at(&mut bytes[filled..], extent.offset + filled as u64)? {
                    0 => return Err(changed(file)),
                    count => filled += count,
                }
            }
            recorder.document(extent.index, bytes);
        }
    }
    Ok(())
}

/// The tasks of pass 2: each large entry alone and first, the rest in archive order, neighbours together.
fn plan(extents: Vec<Extent>) -> Vec<Vec<Extent>> {
    let (mut large, small): (Vec<Extent>, Vec<Extent>) = extents.into_iter().partition(|e| e.size > LARGE);
    large.sort_by_key(|e| std::cmp::Reverse(e.size));
    let mut tasks: Vec<Vec<Extent>> = large.into_iter().map(|extent| vec![extent]).collect();
    for extent in small {
        match tasks.last_mut() {
            Some(batch) if fits(batch, &extent) => batch.push(extent),
            _ => tasks.push(vec![extent]),
        }
    }
    tasks
}

/// Whether one buffer holds the whole stretch from the first entry of the batch to the end of the next one.
fn fits(batch: &[Extent], next: &Extent) -> bool {
    batch[0].size <= LARGE
        && next.offset >= batch[0].offset
        && next.offset + next.size - batch[0].offset <= BUFFER as u64
}

fn hash(
    file: &OpenFile,
    tasks: &[Vec<Extent>],
    options: &ScanOptions,
    progress: &Progress,
    recorder: &mut Recorder,
    sink: &impl Sink,
) -> Result<(), ScanError> {
    let recorder = Mutex::new(recorder);
    run_tasks(options.jobs, tasks.len(), |buffer, number| {
        let task = &tasks[number];
        let mut found = Vec::with_capacity(task.len());
        let bytes = if task.len() > 1 {
            measure_stretch(file, task, buffer, sink, &mut found)?
        } else {
            measure_one(file, task[0], buffer, sink, &mut found, progress)?
        };
        progress.add_bytes(bytes);
        progress.add_entries(task.len() as u64);
        if let Ok(mut recorder) = recorder.lock() {
            found.into_iter().for_each(|(index, measured)| recorder.measured(index, measured));
        }
        Ok(())
    })
}

/// Runs `count` tasks on `jobs` threads of a rayon pool, each with a buffer of its own; stops at the first error.
///
/// Tasks are taken from a counter and not split by rayon: the order matters (large ones first), and splitting halves of
/// the list would start in its middle.
pub(super) fn run_tasks<F>(jobs: usize, count: usize, task: F) -> Result<(), ScanError>
where
    F: Fn(&mut Vec<u8>, usize) -> Result<(), ScanError> + Sync,
{
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let worker = || {
        let mut buffer = vec![0; BUFFER];
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            if let Err(error) = task(&mut buffer, number) {
                next.store(count, Ordering::Relaxed);
                if let Ok(mut failed) = failed.lock() {
                    failed.get_or_insert(error);
                }
                return;
            }
        }
    };
    if jobs <= 1 || count <= 1 {
        worker();
    } else {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.min(count)).build();
        let pool = pool.map_err(|e| super::error::EnvironmentError::Threads { jobs, reason: e.to_string() })?;
        pool.broadcast(|_| worker());
    }
    failed.into_inner().ok().flatten().map_or(Ok(()), Err)
}

fn measure_stretch(
    file: &OpenFile,
    task: &[Extent],
    buffer: &mut [u8],
    sink: &impl Sink,
    found: &mut Vec<(EntryIndex, Measured)>,
) -> Result<u64, ScanError> {
    let start = task[0].offset;
    let end = task.last().map_or(start, |e| e.offset + e.size);
    let stretch = &mut buffer[..(end - start) as usize];
    let mut filled = 0;
    while filled < stretch.len() {
        match file.read_at(&mut stretch[filled..], start + filled as u64)? {
            0 => return Err(changed(file)),
            count => filled += count,
        }
    }
    for extent in task {
        let from = (extent.offset - start) as usize;
        let mut meter = sink.start(extent.index, extent.form);
        meter.update(&stretch[from..from + extent.size as usize]);
        found.push((extent.index, meter.finish()));
    }
    Ok(end - start)
}

fn measure_one(
    file: &OpenFile,
    extent: Extent,
    buffer: &mut [u8],
    sink: &impl Sink,
    found: &mut Vec<(EntryIndex, Measured)>,
    progress: &Progress,
) -> Result<u64, ScanError> {
    let mut meter = sink.start(extent.index, extent.form);
    let mut done = 0;
    while done < extent.size {
        let want = buffer.len().min(usize::try_from(extent.size - done).unwrap_or(usize::MAX));
        let count = file.read_at(&mut buffer[..want], extent.offset + done)?;
        if count == 0 {
            return Err(changed(file));
        }
        meter.update(&buffer[..count]);
        sink.pulse()?;
        progress.add_bytes(count as u64);
        done += count as u64;
    }
    found.push((extent.index, meter.finish()));
    Ok(0)
}

fn changed(file: &OpenFile) -> ScanError {
    super::error::EnvironmentError::Changed { path: file.path().to_path_buf() }.into()
}

/// A file as tar input: jumps instead of reading, with a small window so that small entries share a system call. Headers
/// and the zeros after the end count against the limit on bytes too: a sparse file has as many as it likes.
pub(super) struct Window<'a> {
    file: &'a OpenFile,
    max_bytes: u64,
    position: u64,
    start: u64,
    data: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(super) fn new(file: &'a OpenFile, max_bytes: u64) -> Self {
        Window { file, max_bytes, position: 0, start: 0, data: Vec::with_capacity(WINDOW) }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.data.resize(WINDOW, 0);
        let count = self.file.read_at(&mut self.data, self.position)?;
        self.data.truncate(count);
        self.start = self.position;
        Ok(())
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let inside = self.position >= self.start && self.position < self.start + self.data.len() as u64;
        if !inside {
            self.refill()?;
        }
        let from = &self.data[(self.position - self.start) as usize..];
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        self.position += count as u64;
        if self.position > self.max_bytes {
            return Err(over_limit(self.max_bytes).into_io());
        }
        Ok(count)
    }
}

impl TarInput for Window<'_> {
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let possible = self.file.size().saturating_sub(self.position).min(count);
        self.position += possible;
        Ok(possible)
    }
}
