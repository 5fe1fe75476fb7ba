//! Decodes a gzip or zstd file with the library's own readers, to nowhere, and prints how many bytes came out.
//!
//! The floor under every measurement of a scan: the same decoder, the same buffers, nothing hashed, nothing split.
//! `scripts/bench` compares against it.

use portcullis::format::compress::{Codec, GzipReader, StreamFacts, ZstdReader};
use portcullis::format::limits::Limits;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Compressed bytes read at once, as in the scan.
const INPUT_BUFFER: usize = 128 << 10;
/// Decoded bytes taken at once, as in the scan.
const BUFFER: usize = 256 << 10;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: inflate FILE");
        return ExitCode::from(2);
    };
    match inflate(Path::new(&path)) {
        Ok(bytes) => {
            println!("{bytes}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("inflate: {}: {error}", Path::new(&path).display());
            ExitCode::FAILURE
        }
    }
}

fn inflate(path: &Path) -> Result<u64, Box<dyn Error>> {
    let mut input = BufReader::with_capacity(INPUT_BUFFER, File::open(path)?);
    let facts = Arc::new(StreamFacts::default());
    match Codec::detect(input.fill_buf()?) {
        Some(Codec::Gzip) => count(GzipReader::new(input, facts)),
        Some(Codec::Zstd) => count(ZstdReader::new(input, Limits::MAX_WINDOW, facts)?),
        None => Err("neither gzip nor zstd".into()),
    }
}

fn count(mut decoded: impl Read) -> Result<u64, Box<dyn Error>> {
    let mut buffer = vec![0; BUFFER];
    let mut total = 0;
    loop {
        match decoded.read(&mut buffer)? {
            0 => return Ok(total),
            got => total += got as u64,
        }
    }
}
