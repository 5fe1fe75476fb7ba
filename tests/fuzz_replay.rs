//! The fuzz targets without a fuzzer: every file of the committed corpus, some files of the test cases, and mutations of
//! both that are the same in every run. `PORTCULLIS_FUZZ_ROUNDS` sets the number of mutations of each file.
//!
//! An input that fails is written to `target/tmp/`; add it to `fuzz/corpus/<target>/` with the fix.

#![expect(clippy::panic, reason = "a test fails by panicking")]

#[macro_use]
mod fuzz_targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Mutations of each seed.
const ROUNDS: usize = 200;
/// Seeds from the test cases, spread evenly over those that fit.
const FROM_CASES: usize = 16;
/// Largest seed in bytes: mutations of larger ones reach nothing new.
const MAX_SEED: u64 = 32 << 10;
/// One input takes milliseconds; this long even on a machine that does other things means that it does not end.
const PATIENCE: Duration = Duration::from_secs(60);

macro_rules! replay {
    ($($target:ident: $suffixes:expr),* $(,)?) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target), &$suffixes, fuzz_targets::$target);
        })*
    };
}

with_targets!(replay);

#[test]
fn every_target_has_seeds_and_every_seed_a_target() {
    let mut folders: Vec<String> = files(&root("fuzz/corpus")).iter().filter_map(|path| parent_name(path)).collect();
    folders.dedup();
    let mut targets: Vec<&str> = fuzz_targets::TARGETS.iter().map(|(name, _)| *name).collect();
    targets.sort_unstable();
    assert_eq!(folders, targets);
    for target in targets {
        assert!(
            root("fuzz/fuzz_targets").join(format!("{target}.rs")).is_file(),
            "fuzz/fuzz_targets/{target}.rs is missing"
        );
    }
}

fn replay(target: &str, suffixes: &[&str], run: fn(&[u8])) {
    let seeds = seeds(target, suffixes);
    let rounds = std::env::var("PORTCULLIS_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let (send, inputs) = channel::<Vec<u8>>();
    let (done, outcomes) = channel::<bool>();
    std::thread::spawn(move || {
        for input in inputs {
            if done.send(catch_unwind(AssertUnwindSafe(|| run(&input))).is_ok()).is_err() {
                return;
            }
        }
    });
    let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ target.bytes().fold(0, |sum, byte| sum << 8 | u64::from(byte)));
    for (path, seed) in &seeds {
        for round in 0..=rounds {
            let input = if round == 0 { seed.clone() } else { mutated(seed, &seeds, &mut random) };
            send.send(input.clone()).expect("the thread waits for inputs");
            let why = match outcomes.recv_timeout(PATIENCE) {
                Ok(true) => continue,
                Ok(false) => "panicked",
                Err(_) => "did not end in time",
            };
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{target}-{round}"));
            std::fs::write(&kept, &input).unwrap_or_else(|error| panic!("{}: {error}", kept.display()));
            panic!("{target}: mutation {round} of {} {why}; the input is in {}", path.display(), kept.display());
        }
    }
    println!("{target}: {} seeds, {rounds} mutations of each", seeds.len());
}

// ---- seeds ---------------------------------------------------------------------------------------------------------

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn parent_name(path: &Path) -> Option<String> {
    Some(path.parent()?.file_name()?.to_string_lossy().into_owned())
}

/// All files below, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name();
    let all = walk.into_iter().map(|entry| entry.unwrap_or_else(|error| panic!("{error}")));
    all.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

fn seeds(target: &str, suffixes: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
    let committed = files(&root("fuzz/corpus").join(target));
    assert!(!committed.is_empty(), "fuzz/corpus/{target} has no file");
    let cases: Vec<PathBuf> = ["fixtures", "keys-example"]
        .iter()
        .flat_map(|folder| files(&root(folder)))
        .filter(|path| suffixes.iter().any(|suffix| path.to_string_lossy().ends_with(suffix)))
        .filter(|path| path.metadata().is_ok_and(|meta| meta.len() <= MAX_SEED))
        .collect();
    let step = cases.len().div_ceil(FROM_CASES).max(1);
    let chosen = committed.into_iter().chain(cases.into_iter().step_by(step));
    chosen
        .map(|path| (path.clone(), std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))))
        .collect()
}

// ---- mutations -----------------------------------------------------------------------------------------------------

/// xorshift64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `limit`; 0 where that is 0.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap_or(0)
    }

    /// A piece of `bytes`, mostly a short one.
    fn piece<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.below(bytes.len());
        let longest = if self.below(4) == 0 { bytes.len() } else { 16 };
        let length = self.below(longest + 1).min(bytes.len() - start);
        &bytes[start..start + length]
    }
}

/// Bytes that mean something to one parser or another.
const TELLING: &[u8] = b"\0\xff\x80\x7f/\\.\n\r \"{}[],:=-019*#AZ_+";

fn mutated(seed: &[u8], others: &[(PathBuf, Vec<u8>)], random: &mut Random) -> Vec<u8> {
    let mut input = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(input.len());
        match random.below(8) {
            0 | 1 if !input.is_empty() => input[at] ^= 1 << random.below(8),
            2 | 3 if !input.is_empty() => input[at] = TELLING[random.below(TELLING.len())],
            4 => input.truncate(at),
            5 => {
                let end = at + random.piece(&input[at..]).len();
                input.drain(at..end);
            }
            6 => {
                let piece = random.piece(&input).to_vec();
                input.splice(at..at, piece);
            }
            _ => {
                let other = random.below(others.len());
                let piece = random.piece(&others[other].1).to_vec();
                let end = (at + if random.below(2) == 0 { piece.len() } else { 0 }).min(input.len());
                input.splice(at..end, piece);
            }
        }
    }
    input
}
