//! Compressed streams, read strictly to their last byte: gzip (RFC 1952) with several members, zstd (RFC 8878) with
//! several frames and skippable frames, limits on what comes out.
//!
//! Known attacks and the answer to each: a second member or frame that other tools do not read (all are read), bytes after
//! the last one (refused), skippable frames that carry bytes nobody sees (reported), windows that need gigabytes (refused
//! before allocation), bombs (bytes and ratio are counted while decoding, not afterwards).

use super::anomaly::{Anomaly, Defect};
use super::limits::Limits;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

/// A layer of compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Codec {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Gzip => "gzip",
            Codec::Zstd => "zstd",
        }
    }

    /// Recognises a stream by its first bytes.
    pub fn detect(head: &[u8]) -> Option<Codec> {
        match head {
            [0x1f, 0x8b, ..] => Some(Codec::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Codec::Zstd),
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Codec::Zstd),
            _ => None,
        }
    }
}

/// Names what `head` is where it is something known that portcullis does not read; for error messages.
pub fn describe_unknown(head: &[u8]) -> &'static str {
    match head {
        [] => "the input is empty",
        [b'P', b'K', 3, 4, ..] => "this is a zip archive",
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "this is an xz stream",
        [b'B', b'Z', b'h', ..] => "this is a bzip2 stream",
        [b'7', b'z', 0xbc, 0xaf, ..] => "this is a 7z archive",
        [b'{' | b'[', ..] => "this looks like JSON text",
        _ => "the first bytes belong to no known container",
    }
}

/// Counts of what a decoded stream consisted of, shared with whoever reports it.
#[derive(Debug, Default)]
pub struct StreamFacts {
    /// gzip members or zstd frames.
    pub parts: AtomicU64,
    /// Skippable zstd frames.
    pub skippable: AtomicU64,
    /// Bytes in skippable frames: nothing decodes or covers them.
    pub skippable_bytes: AtomicU64,
    /// Bytes in extra fields and comments of gzip headers: nothing decodes or covers them either.
    pub header_bytes: AtomicU64,
}

fn bump(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

/// gzip, all members, nothing after the last one.
pub struct GzipReader<R: BufRead> {
    member: Option<GzDecoder<R>>,
    facts: Arc<StreamFacts>,
}

impl<R: BufRead> GzipReader<R> {
    /// Decodes `input` from its first byte.
    pub fn new(input: R, facts: Arc<StreamFacts>) -> Self {
        bump(&facts.parts, 1);
        GzipReader { member: Some(GzDecoder::new(input)), facts }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.member {
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let header = decoder.header();
            let hidden = header.map_or(0, |h| h.extra().map_or(0, <[u8]>::len) + h.comment().map_or(0, <[u8]>::len));
            bump(&self.facts.header_bytes, hidden as u64);
            let Some(mut input) = self.member.take().map(GzDecoder::into_inner) else { break };
            match input.fill_buf()? {
                [] => break,
                [0x1f, ..] => {
                    bump(&self.facts.parts, 1);
                    self.member = Some(GzDecoder::new(input));
                }
                _ => return Err(trailing("gzip member")),
            }
        }
        Ok(0)
    }
}

/// zstd, all frames, skippable ones counted, nothing after the last one.
pub struct ZstdReader<R: BufRead> {
    input: R,
    decoder: Decoder<'static>,
    state: Zstd,
    window_log: u32,
    /// Bytes of the frame header that may still come.
    header_left: usize,
    /// The frame from its magic number on, as far as its header may reach.
    header: Vec<u8>,
    /// Bytes that the frame gave out.
    produced: u64,
    facts: Arc<StreamFacts>,
}

/// Longest zstd frame header after its magic number: descriptor, window, dictionary id, content size (RFC 8878 3.1.1.1).
pub(super) const FRAME_HEADER: usize = 14;

/// The limit on windows in the terms of libzstd: the largest power of two that is not over `max_window` bytes.
pub(super) fn window_log(max_window: u64) -> u32 {
    max_window.max(1 << 10).ilog2().min(31)
}

/// Where in the sequence of frames the reader stands.
#[derive(Clone, Copy, PartialEq)]
enum Zstd {
    Start,
    Between,
    InFrame,
    End,
}

impl<R: BufRead> ZstdReader<R> {
    /// Decodes `input` from its first byte; windows over `max_window` bytes are refused.
    pub fn new(input: R, max_window: u64, facts: Arc<StreamFacts>) -> io::Result<Self> {
        let window_log = window_log(max_window);
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(zstd::zstd_safe::DParameter::WindowLogMax(window_log))?;
        Ok(ZstdReader {
            input,
            decoder,
            state: Zstd::Start,
            window_log,
            header_left: 0,
            header: Vec::new(),
            produced: 0,
            facts,
        })
    }

    /// At a frame boundary: what comes next, by its magic number.
    fn next_frame(&mut self) -> io::Result<()> {
        let mut magic = [0; 4];
        match read_full(&mut self.input, &mut magic)? {
            // No frame at all is not an empty stream: that has a frame which says so.
            0..4 if self.state == Zstd::Start => return Err(cut_short("zstd frame")),
            0 => self.state = Zstd::End,
            4 => match u32::from_le_bytes(magic) {
                0xFD2F_B528 => self.begin_frame(&magic)?,
                0x184D_2A50..=0x184D_2A5F => self.skip_frame()?,
                _ => return Err(trailing("zstd frame")),
            },
            _ => return Err(trailing("zstd frame")),
        }
        Ok(())
    }

    fn begin_frame(&mut self, magic: &[u8; 4]) -> io::Result<()> {
        bump(&self.facts.parts, 1);
        self.decoder.reinit()?;
        let mut nothing = [0u8; 0];
        let mut output = OutBuffer::around(&mut nothing[..]);
        self.decoder.run(&mut InBuffer::around(magic), &mut output)?;
        self.header_left = FRAME_HEADER;
        self.header = magic.to_vec();
        self.produced = 0;
        self.state = Zstd::InFrame;
        Ok(())
    }

    fn skip_frame(&mut self) -> io::Result<()> {
        let mut length = [0; 4];
        if read_full(&mut self.input, &mut length)? < 4 {
            return Err(cut_short("zstd skippable frame"));
        }
        let length = u64::from(u32::from_le_bytes(length));
        if io::copy(&mut (&mut self.input).take(length), &mut io::sink())? < length {
            return Err(cut_short("zstd skippable frame"));
        }
        self.state = Zstd::Between;
        bump(&self.facts.skippable, 1);
        bump(&self.facts.skippable_bytes, length);
        Ok(())
    }

    /// Decodes into `buffer`; 0 at the end of a frame.
    fn decode(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut output = OutBuffer::around(buffer);
        while output.pos() == 0 && self.state == Zstd::InFrame {
            let chunk = self.input.fill_buf()?;
            let at_end = chunk.is_empty();
            // libzstd looks for a whole frame in the input of the call that completes the header, as if that input began
            // with the magic number: a header that reads as a skippable frame then hides what follows. Byte by byte, no
            // input is long enough to be taken for one.
            let chunk = if self.header_left > 0 { &chunk[..chunk.len().min(1)] } else { chunk };
            let mut input = InBuffer::around(chunk);
            let hint =
                self.decoder.run(&mut input, &mut output).map_err(|e| zstd_anomaly(&e, self.window_log).into_io())?;
            let consumed = input.pos();
            if self.header_left > 0 {
                self.header.extend_from_slice(&chunk[..consumed]);
            }
            self.input.consume(consumed);
            self.header_left = self.header_left.saturating_sub(consumed);
            if hint == 0 {
                self.produced += output.pos() as u64;
                check_content_size(&self.header, self.produced)
                    .map_err(|detail| Anomaly::container(Defect::ContainerFormat, detail).into_io())?;
                self.produced = 0;
                self.state = Zstd::Between;
            } else if at_end && consumed == 0 && output.pos() == 0 {
                return Err(cut_short("zstd frame"));
            }
        }
        if self.state == Zstd::InFrame {
            self.produced += output.pos() as u64;
        }
        Ok(output.pos())
    }
}

/// A frame holds as many bytes as its header states, where it does. libzstd asks for that too, but not where the last block
/// of a stream is empty.
pub(super) fn check_content_size(header: &[u8], produced: u64) -> Result<(), String> {
    match zstd::zstd_safe::get_frame_content_size(header) {
        Ok(Some(stated)) if stated != produced => {
            Err(format!("the zstd stream is corrupt: a frame states {stated} bytes and holds {produced}"))
        }
        _ => Ok(()),
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                Zstd::End => return Ok(0),
                Zstd::Start | Zstd::Between => self.next_frame()?,
                Zstd::InFrame => {
                    let count = self.decode(buffer)?;
                    if count > 0 {
                        return Ok(count);
                    }
                }
            }
        }
    }
}

/// What libzstd refused, in our words where it is the limit on windows.
pub(super) fn zstd_anomaly(error: &io::Error, window_log: u32) -> Anomaly {
    let text = error.to_string();
    if text.contains("too much memory") {
        let detail = format!(
            "a zstd frame asks for a window over {} MiB; raise --max-window to read it",
            (1u64 << window_log) >> 20
        );
        return Anomaly::container(Defect::LimitWindow, detail);
    }
    Anomaly::container(Defect::ContainerFormat, format!("the zstd stream is corrupt: {text}"))
}

/// The sentence for bytes that follow the last `what`.
pub(super) fn trailing_detail(what: &str) -> String {
    format!("bytes that belong to no {what} follow the last one")
}

/// The sentence for an input that ends inside `what`.
pub(super) fn cut_short_detail(what: &str) -> String {
    format!("the input ends inside a {what}")
}

fn trailing(what: &str) -> io::Error {
    Anomaly::container(Defect::ContainerTrailing, trailing_detail(what)).into_io()
}

fn cut_short(what: &str) -> io::Error {
    Anomaly::container(Defect::ContainerTruncated, cut_short_detail(what)).into_io()
}

/// Fills `buffer` as far as the input goes.
pub fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Counts what a decoder gives out against the limits on bytes and ratio.
pub struct Bounded<R> {
    inner: R,
    produced: u64,
    consumed: Arc<AtomicU64>,
    limits: Limits,
}

impl<R: Read> Bounded<R> {
    /// `consumed` is the running count of compressed bytes that were read from the medium.
    pub fn new(inner: R, consumed: Arc<AtomicU64>, limits: Limits) -> Self {
        Bounded { inner, produced: 0, consumed, limits }
    }

    fn check(&self) -> io::Result<()> {
        if self.produced > self.limits.max_bytes {
            let detail = format!("more than {} decoded bytes; raise --max-bytes to read on", self.limits.max_bytes);
            return Err(Anomaly::container(Defect::LimitBytes, detail).into_io());
        }
        let consumed = self.consumed.load(Ordering::Relaxed).max(1);
        if self.produced > self.limits.ratio_grace && self.produced / consumed > self.limits.max_ratio {
            let detail = format!(
                "{} decoded bytes from {consumed} compressed ones, the limit is {} to 1; raise --max-ratio to read on",
                self.produced, self.limits.max_ratio
            );
            return Err(Anomaly::container(Defect::LimitRatio, detail).into_io());
        }
        Ok(())
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.produced += count as u64;
        self.check()?;
        Ok(count)
    }
}

#[cfg(test)]
#[path = "compress_tests.rs"]
mod tests;
