//! Counts the records of JSON Lines files (`.jsonl`, `.ndjson`, also with `.zst`) as their bytes pass by in a scan.
//!
//! A record is a line that is not blank; what it holds is not read. Nothing is kept of the text, so a file of any size
//! costs one output buffer and what libzstd needs for its window.
//!
//! | attack | answer |
//! | --- | --- |
//! | a few kilobytes that decode to gigabytes, or many such members | bytes and ratio are limited over all members that share a [`RecordLimits`] |
//! | windows that need gigabytes | refused before allocation |
//! | records behind the first frame, or after the last one | all frames are read, bytes that are no frame are a fault |
//! | a stream that is cut at a block boundary, so that it decodes without an error | a frame has to end |
//! | text under a name that says zstd, zstd under one that says text, gzip under either | a fault: readers would disagree |

use super::compress::{
    Codec, FRAME_HEADER, check_content_size, cut_short_detail, trailing_detail, window_log, zstd_anomaly,
};
use super::limits::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::DParameter;

/// Decoded bytes that are counted at a time: one zstd block (RFC 8878 section 3.1.1.2.4), small enough for a cache.
const BUFFER: usize = 128 << 10;

/// Largest zstd window of a record file, in bytes: each hash thread may hold one. The documented level 19 has 8 MiB.
pub const MAX_RECORD_WINDOW: u64 = 32 << 20;

/// What one record file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// Lines that are not blank: that hold anything but spaces, tabs and carriage returns. 0 where there is a fault.
    pub records: u64,
    /// Bytes of the text, decoded where it was compressed. 0 where there is a fault, because how far it was read up to
    /// there depends on the pieces in which it came.
    pub plain_size: u64,
    /// Whether the bytes are zstd frames.
    pub compressed: bool,
    /// Why the records could not be counted, in one sentence of our own words.
    pub fault: Option<String>,
}

/// Whether an untrusted path is that of a record file: `.jsonl` or `.ndjson`, with or without `.zst`, in any case.
pub fn is_record_file(normal_path: &[u8]) -> bool {
    let plain = strip_suffix(normal_path, b".zst").unwrap_or(normal_path);
    [&b".jsonl"[..], b".ndjson"].iter().any(|suffix| strip_suffix(plain, suffix).is_some())
}

fn strip_suffix<'a>(path: &'a [u8], suffix: &[u8]) -> Option<&'a [u8]> {
    let (stem, end) = path.split_at_checked(path.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(stem)
}

/// Limits on what compressed record files decode to, and how much they did so far. A clone shares that count: give each
/// member of one scan a clone of the same value.
#[derive(Debug, Clone)]
pub struct RecordLimits {
    max_bytes: u64,
    max_ratio: u64,
    ratio_grace: u64,
    max_window: u64,
    totals: Arc<Totals>,
    medium: Option<Arc<AtomicU64>>,
}

/// Over all members, so that many small bombs are as good as one large one.
#[derive(Debug, Default)]
struct Totals {
    plain: AtomicU64,
    compressed: AtomicU64,
}

impl RecordLimits {
    /// The limits of a run on bytes, ratio and window, with a count that begins at nothing.
    pub fn new(limits: &Limits) -> Self {
        RecordLimits {
            max_bytes: limits.max_bytes,
            max_ratio: limits.max_ratio,
            ratio_grace: limits.ratio_grace,
            max_window: limits.max_window.min(MAX_RECORD_WINDOW),
            totals: Arc::default(),
            medium: None,
        }
    }

    /// The same for members of a compressed archive, of which `medium` counts the bytes that were read: the ratio is that of
    /// decoded text to these, so that a bomb inside a bomb is one bomb.
    pub fn of_stream(limits: &Limits, medium: Arc<AtomicU64>) -> Self {
        RecordLimits { medium: Some(medium), ..Self::new(limits) }
    }

    /// Decoded bytes of all compressed members so far.
    pub fn plain_bytes(&self) -> u64 {
        self.totals.plain.load(Ordering::Relaxed)
    }

    fn read(&self, compressed: usize) {
        self.totals.compressed.fetch_add(compressed as u64, Ordering::Relaxed);
    }

    fn decoded(&self, bytes: usize) -> Result<(), String> {
        let plain = self.totals.plain.fetch_add(bytes as u64, Ordering::Relaxed).saturating_add(bytes as u64);
        if plain > self.max_bytes {
            return Err(format!(
                "the record files have over {} decoded bytes; raise --max-bytes to read on",
                self.max_bytes
            ));
        }
        let read = self.medium.as_deref().unwrap_or(&self.totals.compressed);
        let compressed = read.load(Ordering::Relaxed).max(1);
        if plain > self.ratio_grace && plain / compressed > self.max_ratio {
            return Err(format!(
                "the record files decode to over {} bytes for each compressed one; raise --max-ratio to read on",
                self.max_ratio
            ));
        }
        Ok(())
    }
}

impl Default for RecordLimits {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

/// Counts the records of one file whose bytes are pushed into it.
pub struct RecordCounter {
    limits: RecordLimits,
    /// Whether the name promises zstd, where there is a name.
    promised: Option<bool>,
    state: State,
    lines: Lines,
    compressed: bool,
}

enum State {
    /// The first bytes, until there are enough of them to tell text from frames.
    Head {
        bytes: [u8; 4],
        have: usize,
    },
    Text,
    Frames(Box<Frames>),
    Fault(String),
}

impl RecordCounter {
    /// Counts a file without a name: its first bytes tell whether it is compressed.
    pub fn new(limits: RecordLimits) -> Self {
        let state = State::Head { bytes: [0; 4], have: 0 };
        RecordCounter { limits, promised: None, state, lines: Lines::default(), compressed: false }
    }

    /// Counts the file with this untrusted name: it has to be compressed if the name ends in `.zst`, and else not.
    pub fn for_file(normal_path: &[u8], limits: RecordLimits) -> Self {
        let promised = Some(strip_suffix(normal_path, b".zst").is_some());
        RecordCounter { promised, ..Self::new(limits) }
    }

    /// Takes the next piece of the file, untrusted; its length does not matter.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if let State::Head { bytes: head, have } = &mut self.state {
            fill(head, have, &mut bytes);
            if *have < head.len() {
                return;
            }
            let head = *head;
            self.begin(&head);
        }
        self.advance(bytes);
    }

    /// What the file holds, now that all of it was pushed.
    pub fn finish(mut self) -> Contents {
        if let State::Head { bytes: head, have } = self.state {
            self.begin(head.get(..have).unwrap_or_default());
        }
        let fault = match self.state {
            State::Fault(sentence) => Some(sentence),
            State::Frames(frames) => frames.unfinished().map(cut_short_detail),
            State::Head { .. } | State::Text => None,
        };
        let (records, plain_size) = if fault.is_some() { (0, 0) } else { (self.lines.records(), self.lines.size) };
        Contents { records, plain_size, compressed: self.compressed, fault }
    }

    /// Decides by the first bytes, which are four unless the file has fewer.
    fn begin(&mut self, head: &[u8]) {
        let found = Codec::detect(head).filter(|codec| *codec == Codec::Gzip || head.len() == 4);
        self.compressed = found == Some(Codec::Zstd);
        self.state = match (found, self.promised) {
            (Some(Codec::Gzip), _) => fault("expected JSON lines as text or in zstd frames, found gzip"),
            (Some(Codec::Zstd), Some(false)) => {
                fault("expected JSON lines as text, found zstd frames; the name should end in .zst")
            }
            (None, Some(true)) => fault("expected zstd frames, because the name ends in .zst, found none"),
            (Some(Codec::Zstd), _) => match Frames::new(self.limits.max_window) {
                Ok(frames) => State::Frames(Box::new(frames)),
                Err(error) => State::Fault(format!("libzstd cannot begin: {error}")),
            },
            (None, _) => State::Text,
        };
        self.advance(head);
    }

    fn advance(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Text => self.lines.update(bytes),
            State::Frames(frames) => {
                if let Err(sentence) = frames.update(bytes, &mut self.lines, &self.limits) {
                    self.state = State::Fault(sentence);
                }
            }
            State::Head { .. } | State::Fault(_) => {}
        }
    }
}

fn fault(sentence: &str) -> State {
    State::Fault(sentence.to_owned())
}

/// Moves bytes from the front of `from` to `into`, which holds `have`, until it is full.
fn fill(into: &mut [u8; 4], have: &mut usize, from: &mut &[u8]) {
    let room = into.get_mut(*have..).unwrap_or_default();
    let (taken, rest) = from.split_at(room.len().min(from.len()));
    room.iter_mut().zip(taken).for_each(|(to, byte)| *to = *byte);
    *have += taken.len();
    *from = rest;
}

/// Counts lines in text that comes in pieces.
#[derive(Default)]
struct Lines {
    /// Records whose line has ended.
    ended: u64,
    size: u64,
    /// Whether the line that has not ended holds something.
    open: bool,
}

/// Bytes that are counted at once: a bit for each in a machine word.
const BLOCK: usize = 64;

impl Lines {
    fn records(&self) -> u64 {
        self.ended + u64::from(self.open)
    }

    fn update(&mut self, text: &[u8]) {
        self.size += text.len() as u64;
        let mut rest = text;
        loop {
            // Of a line that is counted anyway only the end matters.
            if self.open {
                let Some(end) = memchr::memchr(b'\n', rest) else { return };
                rest = rest.get(end - end % BLOCK..).unwrap_or_default();
            }
            let Some((block, tail)) = rest.split_first_chunk() else { break };
            self.count(block);
            rest = tail;
        }
        // Blanks at its end change nothing about a line.
        let mut block = [b' '; BLOCK];
        block.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
        self.count(&block);
    }

    /// Without a branch for each line, so that lines of two bytes cost what long ones do. In the sum a carry starts at
    /// the first content of a line, runs through the ones of all that is no line end, and sets the bit of the line end
    /// that it reaches; what runs out at the top belongs to the line that is still open.
    fn count(&mut self, block: &[u8; BLOCK]) {
        let ends = bits(block, |byte| byte == b'\n');
        let content = !bits(block, |byte| (byte == b' ') | (byte == b'\t') | (byte == b'\r') | (byte == b'\n'));
        let (sum, carry) = content.overflowing_add(!ends);
        let (sum, carry_of_open) = sum.overflowing_add(u64::from(self.open));
        self.ended += u64::from((sum & ends).count_ones());
        self.open = carry | carry_of_open;
    }
}

/// A bit for each byte, the first one lowest. The products gather the lowest bits of eight bytes in their highest byte;
/// this and the plain comparisons are what compilers make vector code of.
fn bits(block: &[u8; BLOCK], holds: impl Fn(u8) -> bool) -> u64 {
    let found = block.map(|byte| u8::from(holds(byte)));
    let (words, _) = found.as_chunks::<8>();
    words
        .iter()
        .rev()
        .fold(0, |bits, word| bits << 8 | u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56)
}

/// Decodes a sequence of zstd frames that comes in pieces (RFC 8878 section 3.1).
struct Frames {
    decoder: Decoder<'static>,
    window_log: u32,
    buffer: Vec<u8>,
    place: Place,
    /// The frame from its magic number on, as far as its header may reach.
    header: Vec<u8>,
    /// Bytes that the frame gave out.
    produced: u64,
}

/// Where in the sequence of frames the next byte stands.
enum Place {
    Magic {
        bytes: [u8; 4],
        have: usize,
    },
    SkippableLength {
        bytes: [u8; 4],
        have: usize,
    },
    Skippable {
        left: u64,
    },
    /// `header_left` bytes of the header may still come.
    Frame {
        header_left: usize,
    },
}

const BETWEEN: Place = Place::Magic { bytes: [0; 4], have: 0 };

impl Frames {
    fn new(max_window: u64) -> std::io::Result<Self> {
        let window_log = window_log(max_window);
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(window_log))?;
        Ok(Frames { decoder, window_log, buffer: vec![0; BUFFER], place: BETWEEN, header: Vec::new(), produced: 0 })
    }

    /// What the input ends inside of, if it ends here.
    fn unfinished(&self) -> Option<&'static str> {
        match self.place {
            Place::Magic { have: 0, .. } | Place::Skippable { left: 0 } => None,
            Place::Magic { .. } | Place::Frame { .. } => Some("zstd frame"),
            Place::SkippableLength { .. } | Place::Skippable { .. } => Some("zstd skippable frame"),
        }
    }

    fn update(&mut self, bytes: &[u8], lines: &mut Lines, limits: &RecordLimits) -> Result<(), String> {
        limits.read(bytes.len());
        let mut rest = bytes;
        while !rest.is_empty() {
            match &mut self.place {
                Place::Magic { bytes, have } => {
                    fill(bytes, have, &mut rest);
                    if *have == bytes.len() {
                        let magic = *bytes;
                        self.begin(magic)?;
                    }
                }
                Place::SkippableLength { bytes, have } => {
                    fill(bytes, have, &mut rest);
                    if *have == bytes.len() {
                        self.place = Place::Skippable { left: u64::from(u32::from_le_bytes(*bytes)) };
                    }
                }
                Place::Skippable { left } => {
                    let skipped = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= skipped as u64;
                    rest = rest.get(skipped..).unwrap_or_default();
                    if *left == 0 {
                        self.place = BETWEEN;
                    }
                }
                Place::Frame { header_left } => {
                    // One byte at a time until the header is over, for the reason that `compress` gives at this place.
                    let piece = if *header_left > 0 { 1 } else { rest.len() };
                    let used = self.decode(rest.get(..piece).unwrap_or(rest), lines, limits)?;
                    rest = rest.get(used..).unwrap_or_default();
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, magic: [u8; 4]) -> Result<(), String> {
        match u32::from_le_bytes(magic) {
            0xFD2F_B528 => {
                let mut nothing = [0u8; 0];
                self.decoder
                    .reinit()
                    .and_then(|()| {
                        self.decoder.run(&mut InBuffer::around(&magic), &mut OutBuffer::around(&mut nothing[..]))
                    })
                    .map_err(|error| zstd_anomaly(&error, self.window_log).detail)?;
                self.place = Place::Frame { header_left: FRAME_HEADER };
                self.header = magic.to_vec();
                self.produced = 0;
            }
            0x184D_2A50..=0x184D_2A5F => self.place = Place::SkippableLength { bytes: [0; 4], have: 0 },
            _ => return Err(trailing_detail("zstd frame")),
        }
        Ok(())
    }

    /// Decodes all of `piece`, or up to the end of the frame; how many bytes that took.
    fn decode(&mut self, piece: &[u8], lines: &mut Lines, limits: &RecordLimits) -> Result<usize, String> {
        let mut input = InBuffer::around(piece);
        if matches!(self.place, Place::Frame { header_left } if header_left > 0) {
            self.header.extend_from_slice(piece);
        }
        loop {
            let mut output = OutBuffer::around(&mut self.buffer[..]);
            let hint = self
                .decoder
                .run(&mut input, &mut output)
                .map_err(|error| zstd_anomaly(&error, self.window_log).detail)?;
            let text = output.as_slice();
            let full = text.len() == BUFFER;
            self.produced += text.len() as u64;
            if !text.is_empty() {
                limits.decoded(text.len())?;
                lines.update(text);
            }
            if hint == 0 {
                check_content_size(&self.header, self.produced)?;
                self.place = BETWEEN;
                return Ok(input.pos());
            }
            // libzstd keeps decoded bytes back only where there was no room for them.
            if input.pos() == piece.len() && !full {
                if let Place::Frame { header_left } = &mut self.place {
                    *header_left = header_left.saturating_sub(piece.len());
                }
                return Ok(piece.len());
            }
        }
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
