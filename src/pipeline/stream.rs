//! Scanning in order: one thread decodes and splits, others hash. Buffers come from a small pool and go round, so memory
//! does not depend on the size of the input.

use super::error::EnvironmentError;
use super::meter::{Form, Measured, Meters};
use super::progress::Progress;
use super::record::Recorder;
use super::scan::{Content, ScanError, ScanOptions, unknown};
use super::sink::{Intake, Measuring, Sink};
use crate::format::anomaly::{Anomaly, Defect};
use crate::format::compress::{Bounded, Codec, GzipReader, StreamFacts, ZstdReader, read_full};
use crate::format::database;
use crate::format::inventory::{EntryIndex, EntryKind};
use crate::format::tar::{self, Member, TarInput, TarReader};
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// One buffer. 256 KiB: 64 KiB costs 7 %, 1 MiB gains nothing (docs/performance.md).
const BUFFER: usize = 256 << 10;
/// Buffers in all, so 4 MiB.
const BUFFERS: usize = 16;
/// Waits for a buffer after which the last worker is given work too: a few are no sign that the workers are too slow.
const PATIENCE: usize = 64;
/// Most entries in one buffer: empty files fill none, and each has a place in the list of the buffer.
const BATCH_ENTRIES: usize = 1024;
/// Compressed bytes read at once.
const INPUT_BUFFER: usize = 128 << 10;

/// Scans a stream from its first byte. `name` is the name of the entry if there is no archive in it.
pub(super) fn scan(
    input: impl Read + Send,
    name: &[u8],
    options: &ScanOptions,
    content: Content<'_>,
    progress: &Progress,
    recorder: &mut Recorder,
) -> Result<(), ScanError> {
    let sink = |medium| Measuring::new(Meters::of_stream(options.sha512, &options.limits, medium), content);
    scan_into(input, name, options, progress, recorder, sink)
}

/// The same into a sink, which is made with the count of the bytes that were read of the medium.
pub(super) fn scan_into<S: Sink>(
    input: impl Read + Send,
    name: &[u8],
    options: &ScanOptions,
    progress: &Progress,
    recorder: &mut Recorder,
    sink: impl FnOnce(Arc<AtomicU64>) -> S,
) -> Result<(), ScanError> {
    let consumed = Arc::new(AtomicU64::new(0));
    let counted = Counted::new(input, Arc::clone(&consumed), progress);
    let mut facts = Vec::new();
    let outcome = peel(counted, Arc::clone(&consumed), options, recorder, &mut facts).and_then(|(decoded, is_tar)| {
        hash_all(decoded, (!is_tar).then_some(name), &sink(consumed), options, progress, recorder)
    });
    for (codec, facts) in facts {
        remark(recorder, codec, &facts);
    }
    outcome
}

/// Takes off layers of compression. Returns the decoded stream and whether it is a tar.
pub(super) fn peel<'a>(
    input: impl Read + Send + 'a,
    consumed: Arc<AtomicU64>,
    options: &ScanOptions,
    recorder: &mut Recorder,
    facts: &mut Vec<(Codec, Arc<StreamFacts>)>,
) -> Result<(Box<dyn Read + Send + 'a>, bool), ScanError> {
    let mut reader: Box<dyn Read + Send + 'a> = Box::new(input);
    loop {
        let mut head = vec![0; tar::BLOCK];
        let got = read_full(&mut reader, &mut head)?;
        head.truncate(got);
        let depth = recorder.inventory().container.len();
        if depth as u32 >= options.limits.max_depth {
            let detail = format!("more than {depth} containers inside one another; raise --max-depth to read on");
            return Err(Anomaly::container(Defect::LimitDepth, detail).into());
        }
        let codec = Codec::detect(&head);
        let is_tar = codec.is_none() && tar::looks_like_tar(&head);
        let database = database::recognise(&head).filter(|_| codec.is_none() && !is_tar);
        if codec.is_none() && !is_tar && database.is_none() && depth == 0 {
            return Err(unknown(&head).into());
        }
        let whole = io::Cursor::new(head).chain(reader);
        let Some(codec) = codec else {
            let form = if is_tar { "tar" } else { "file" };
            recorder.inventory().container.push(database.map_or(form, database::Engine::name));
            return Ok((Box::new(Bounded::new(whole, consumed, options.limits)), is_tar));
        };
        recorder.inventory().container.push(codec.name());
        let part = Arc::new(StreamFacts::default());
        facts.push((codec, Arc::clone(&part)));
        let buffered = BufReader::with_capacity(INPUT_BUFFER, whole);
        let decoded: Box<dyn Read + Send + 'a> = match codec {
            // A decoder of gzip that is asked for a few bytes at a time copies its window again and again: buffered, an
            // archive of small files takes 0.86 of the time (docs/performance.md). zstd gains nothing from it.
            Codec::Gzip => Box::new(BufReader::with_capacity(BUFFER, GzipReader::new(buffered, part))),
            Codec::Zstd => Box::new(ZstdReader::new(buffered, options.limits.max_window, part)?),
        };
        reader = Box::new(Bounded::new(decoded, Arc::clone(&consumed), options.limits));
    }
}

fn remark(recorder: &mut Recorder, codec: Codec, facts: &StreamFacts) {
    let (parts, skippable) = (facts.parts.load(Ordering::Relaxed), facts.skippable.load(Ordering::Relaxed));
    let what = if codec == Codec::Gzip { "members" } else { "frames" };
    if parts > 1 {
        recorder.inventory().remarks.push(format!("the {} stream has {parts} {what}", codec.name()));
    }
    let hidden = facts.header_bytes.load(Ordering::Relaxed);
    if hidden > 0 {
        recorder.inventory().remarks.push(format!(
            "extra fields and comments of gzip headers hold {hidden} bytes that no digest of an entry covers"
        ));
    }
    if skippable > 0 {
        let bytes = facts.skippable_bytes.load(Ordering::Relaxed);
        recorder.inventory().remarks.push(format!(
            "{skippable} skippable zstd frames hold {bytes} bytes that no entry contains and no digest of an entry covers"
        ));
    }
}

/// Runs the splitter on this thread and the hashing on `jobs - 1` others (at least one); on one more where they fall behind,
/// as they do with files of records, whose counting decodes more than this thread does.
fn hash_all(
    decoded: Box<dyn Read + Send + '_>,
    single: Option<&[u8]>,
    sink: &impl Sink,
    options: &ScanOptions,
    progress: &Progress,
    recorder: &mut Recorder,
) -> Result<(), ScanError> {
    std::thread::scope(|scope| {
        let (back, returned) = channel();
        let workers = (0..options.jobs)
            .map(|_| {
                let (send, receive) = channel();
                let back = back.clone();
                let work = move || work(&receive, &back, sink);
                let thread = std::thread::Builder::new().spawn_scoped(scope, work);
                thread.map(|_| send).map_err(|error| EnvironmentError::threads(options.jobs, &error))
            })
            .collect::<Result<Vec<_>, _>>()?;
        drop(back);
        let mut splitter = Splitter {
            active: workers.len().saturating_sub(1).max(1),
            workers,
            returned,
            pool: Vec::new(),
            made: 0,
            stalls: 0,
            next: 0,
            batch: None,
            recorder,
            progress,
        };
        let outcome = match single {
            Some(name) => splitter.single(decoded, name, sink),
            None => splitter.archive(TarReader::new(StreamInput(decoded)), sink),
        };
        splitter.drain();
        outcome
    })
}

/// Small entries, one behind the other in one buffer, and where each lies.
struct Batch {
    buffer: Vec<u8>,
    used: usize,
    items: Vec<(EntryIndex, Form, Range<usize>)>,
}

/// Work for a hash thread. Buffers come back with the digests that were finished.
enum Job {
    /// Whole small entries.
    Batch(Batch),
    /// The next bytes of a large entry; the last part finishes it.
    Part { index: EntryIndex, form: Form, buffer: Vec<u8>, length: usize, last: bool },
}

struct Returned {
    buffer: Vec<u8>,
    measured: Vec<(EntryIndex, Measured)>,
}

fn work<'s, S: Sink>(jobs: &Receiver<Job>, back: &Sender<Returned>, sink: &'s S) {
    let mut open: Option<S::Open<'s>> = None;
    for job in jobs {
        let returned = match job {
            Job::Batch(Batch { buffer, items, .. }) => {
                let measured = items.into_iter().map(|(index, form, range)| {
                    let mut meter = sink.start(index, form);
                    meter.update(&buffer[range]);
                    (index, meter.finish())
                });
                Returned { measured: measured.collect(), buffer }
            }
            Job::Part { index, form, buffer, length, last } => {
                let mut meter = open.take().unwrap_or_else(|| sink.start(index, form));
                meter.update(&buffer[..length]);
                let mut measured = Vec::new();
                if last {
                    measured.push((index, meter.finish()));
                } else {
                    open = Some(meter);
                }
                Returned { measured, buffer }
            }
        };
        if back.send(returned).is_err() {
            return;
        }
    }
}

/// Reads members and hands their bytes to the workers. A large entry stays with one worker, so its parts are hashed in order.
struct Splitter<'a> {
    workers: Vec<Sender<Job>>,
    /// How many of the workers are given work.
    active: usize,
    returned: Receiver<Returned>,
    pool: Vec<Vec<u8>>,
    made: usize,
    /// How often all buffers were under way.
    stalls: usize,
    next: usize,
    batch: Option<Batch>,
    recorder: &'a mut Recorder,
    progress: &'a Progress,
}

impl Splitter<'_> {
    fn archive<R: TarInput>(&mut self, mut reader: TarReader<R>, sink: &impl Sink) -> Result<(), ScanError> {
        loop {
            let member = reader.next_member();
            for anomaly in reader.take_anomalies() {
                self.recorder.note(anomaly);
            }
            let Some(member) = member? else {
                self.recorder.residue(reader.residue());
                return Ok(());
            };
            let (stored, hash) = (member.stored, member.kind == EntryKind::File && !member.sparse);
            let index = self.recorder.add(member)?;
            self.progress.add_entries(1);
            if hash && sink.admit(index, self.recorder.inventory().entry(index))? {
                let keep = self.recorder.wants(index)?;
                let mut read = |buffer: &mut [u8]| {
                    sink.pulse()?;
                    reader.read_data(buffer).map_err(ScanError::from)
                };
                if stored as usize <= BUFFER / 4 && stored <= BUFFER as u64 {
                    self.small(index, stored as usize, keep, &mut read)?;
                } else {
                    self.large(index, keep, &mut read)?;
                }
            }
        }
    }

    fn single(
        &mut self,
        mut decoded: Box<dyn Read + Send + '_>,
        name: &[u8],
        sink: &impl Sink,
    ) -> Result<(), ScanError> {
        let member = Member {
            path: name.to_vec(),
            kind: EntryKind::File,
            size: 0,
            stored: 0,
            offset: 0,
            mode: 0o644,
            mtime: 0,
            link: None,
            sparse: false,
            owned: false,
        };
        let index = self.recorder.add(member)?;
        if !sink.admit(index, self.recorder.inventory().entry(index))? {
            return Ok(());
        }
        let mut read = |buffer: &mut [u8]| {
            sink.pulse()?;
            read_full(&mut decoded, buffer).map_err(ScanError::from)
        };
        let size = self.large(index, false, &mut read)?;
        self.recorder.inventory().entries[index as usize].size = size;
        Ok(())
    }

    fn small(
        &mut self,
        index: EntryIndex,
        size: usize,
        keep: bool,
        read: &mut dyn FnMut(&mut [u8]) -> Result<usize, ScanError>,
    ) -> Result<(), ScanError> {
        let full = |batch: &Batch| batch.used + size > BUFFER || batch.items.len() >= BATCH_ENTRIES;
        if self.batch.as_ref().is_some_and(full) {
            self.flush();
        }
        let mut batch = match self.batch.take() {
            Some(batch) => batch,
            None => Batch { buffer: self.buffer(), used: 0, items: Vec::new() },
        };
        let range = batch.used..batch.used + size;
        let outcome = read(&mut batch.buffer[range.clone()]);
        if outcome.is_ok() {
            if keep {
                self.recorder.document(index, batch.buffer[range.clone()].to_vec());
            }
            batch.used += size;
            batch.items.push((index, self.recorder.form(index), range));
        }
        // Also after an error: the entries before this one are whole and get their digests.
        self.batch = Some(batch);
        outcome.map(|_| ())
    }

    /// Sends an entry in parts; returns its size in bytes.
    fn large(
        &mut self,
        index: EntryIndex,
        keep: bool,
        read: &mut dyn FnMut(&mut [u8]) -> Result<usize, ScanError>,
    ) -> Result<u64, ScanError> {
        let (worker, form) = (self.turn(), self.recorder.form(index));
        let mut document = keep.then(|| Vec::with_capacity(self.recorder.inventory().entry(index).size as usize));
        let mut total = 0;
        loop {
            let mut buffer = self.buffer();
            let length = read(&mut buffer)?;
            total += length as u64;
            if let Some(document) = &mut document {
                document.extend_from_slice(&buffer[..length]);
            }
            let last = length < buffer.len();
            self.send(worker, Job::Part { index, form, buffer, length, last });
            if last {
                break;
            }
        }
        if let Some(document) = document {
            self.recorder.document(index, document);
        }
        Ok(total)
    }

    fn turn(&mut self) -> usize {
        self.next = (self.next + 1) % self.active;
        self.next
    }

    fn flush(&mut self) {
        if let Some(batch) = self.batch.take() {
            let worker = self.turn();
            self.send(worker, Job::Batch(batch));
        }
    }

    fn send(&mut self, worker: usize, job: Job) {
        // A worker ends only when this sender is dropped, so the send cannot fail while it lives.
        let _ = self.workers[worker].send(job);
    }

    /// A free buffer: waits for one to come back when all are under way.
    fn buffer(&mut self) -> Vec<u8> {
        loop {
            if let Some(buffer) = self.pool.pop() {
                return buffer;
            }
            if self.made < BUFFERS {
                self.made += 1;
                return vec![0; BUFFER];
            }
            self.stalls += 1;
            if self.stalls == PATIENCE {
                self.active = self.workers.len();
            }
            match self.returned.recv() {
                Ok(returned) => self.take_back(returned),
                Err(_) => return vec![0; BUFFER],
            }
        }
    }

    fn take_back(&mut self, returned: Returned) {
        for (index, measured) in returned.measured {
            self.recorder.measured(index, measured);
        }
        self.pool.push(returned.buffer);
    }

    /// Waits for all digests.
    fn drain(&mut self) {
        self.flush();
        self.workers.clear();
        while let Ok(returned) = self.returned.recv() {
            self.take_back(returned);
        }
    }
}

/// Counts what was read from the medium. Fills each buffer: how a pipe cuts its bytes must not show in when a limit is hit.
pub(super) struct Counted<'a, R> {
    inner: R,
    consumed: Arc<AtomicU64>,
    progress: &'a Progress,
}

impl<'a, R> Counted<'a, R> {
    pub(super) fn new(inner: R, consumed: Arc<AtomicU64>, progress: &'a Progress) -> Self {
        Counted { inner, consumed, progress }
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = read_full(&mut self.inner, buffer)?;
        self.consumed.fetch_add(count as u64, Ordering::Relaxed);
        self.progress.add_bytes(count as u64);
        Ok(count)
    }
}

/// A stream that skips by reading.
pub(super) struct StreamInput<'a>(pub(super) Box<dyn Read + Send + 'a>);

impl Read for StreamInput<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl TarInput for StreamInput<'_> {
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut scratch = [0; 16 << 10];
        let mut left = count;
        while left > 0 {
            let want = scratch.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match self.0.read(&mut scratch[..want])? {
                0 => break,
                got => left -= got as u64,
            }
        }
        Ok(count - left)
    }
}
