//! Memory does not grow with the bytes of the input: at most 64 MiB and 200 bytes an entry.
//!
//! Measured as the high-water mark of the program's resident memory, which Linux tells; elsewhere the tests say so and pass.

use flate2::write::GzEncoder;
use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[path = "support/archive.rs"]
mod archive;

use archive::{Header, Tar};

const BASE: u64 = 64 << 20;
const PER_ENTRY: u64 = 200;

/// Runs the program and returns its largest resident memory in bytes and its exit code; `None` where that cannot be known.
fn peak(args: &[&str], input: &Path) -> Option<(u64, Option<i32>)> {
    if !cfg!(target_os = "linux") {
        eprintln!("SKIPPED: only Linux tells the high-water mark of a process");
        return None;
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(args)
        .args(["--json", "--no-sidecars"])
        .arg(input)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a run");
    let status = format!("/proc/{}/status", child.id());
    let mark = || {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) << 10
    };
    let mut stdout = child.stdout.take().expect("a pipe");
    let ended = AtomicBool::new(false);
    let most = std::thread::scope(|scope| {
        // A long report is read in pieces and the mark with each, because the program waits for its reader with all its
        // memory claimed; a short one is over at once, so the mark is also taken all the time.
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !ended.load(Ordering::Relaxed) {
                most = most.max(mark());
                std::thread::sleep(Duration::from_micros(200));
            }
            most
        });
        let (mut most, mut buffer) = (0, vec![0; 32 << 10]);
        while stdout.read(&mut buffer).expect("a pipe") > 0 {
            most = most.max(mark());
        }
        ended.store(true, Ordering::Relaxed);
        most.max(watch.join().expect("the watch ends"))
    });
    let code = child.wait().expect("an end").code();
    Some((most, code))
}

fn assert_small(what: &str, input: &Path, entries: u64, args: &[&str], expected: i32) {
    if let Some((most, code)) = peak(args, input) {
        let limit = BASE + PER_ENTRY * entries;
        eprintln!("{what}: {} KiB, at most {} KiB allowed", most >> 10, limit >> 10);
        assert_eq!(code, Some(expected), "{what}");
        // What is refused at once is over before it can be measured, and has no time to claim anything.
        assert!(most > 1 << 20 || expected != 0, "{what}: nothing was measured");
        assert!(most <= limit, "{what}: {most} bytes, {limit} allowed");
    }
}

/// Writes 200,000 entries, every fourth with a block of data: 128 MB.
fn write_entries(entries: u64, mut out: impl Write) {
    for number in 0..entries {
        let size = if number % 4 == 0 { 100 } else { 0 };
        let name = format!("portal/assets/{:03}/file-{number:07}.html", number % 300);
        let tar = Tar::new().header(Header::ustar(name.as_bytes(), b'0', size)).data(&[b'x'; 100][..size as usize]);
        out.write_all(&tar.0).expect("room for an archive");
    }
    out.write_all(&[0; 1024]).expect("room for an archive");
}

#[test]
fn many_small_entries() {
    const ENTRIES: u64 = 200_000;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (tar, gzip) = (folder.path().join("many.tar"), folder.path().join("many.tar.gz"));
    write_entries(ENTRIES, BufWriter::new(File::create(&tar).expect("a file")));
    assert_small("a tar", &tar, ENTRIES, &["inspect"], 0);
    let mut encoder = GzEncoder::new(File::create(&gzip).expect("a file"), flate2::Compression::fast());
    write_entries(ENTRIES, BufWriter::new(&mut encoder));
    encoder.finish().expect("room for an archive");
    assert_small("a tar in gzip", &gzip, ENTRIES, &["inspect"], 0);
}

#[test]
fn one_large_file() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let directory = folder.path().join("bundle");
    fs::create_dir(&directory).expect("a folder");
    // Sparse, so it costs no room: 2 GiB of zeros to read.
    File::create(directory.join("large")).expect("a file").set_len(2 << 30).expect("a sparse file");
    assert_small("a directory with 2 GiB", &directory, 1, &["inspect"], 0);
}

/// Archives that would fill memory by other things than content: each is refused or read within the same bound.
#[test]
fn what_no_limit_on_bytes_counts() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &str, parts: &mut dyn FnMut(&mut dyn Write)| {
        let path = folder.path().join(name);
        let mut encoder = zstd::Encoder::new(File::create(&path).expect("a file"), 1).expect("an encoder");
        parts(&mut encoder);
        encoder.write_all(&[0; 1024]).expect("room for an archive");
        encoder.finish().expect("room for an archive");
        path
    };
    let block = Header::ustar(b"x", b'x', 0).block();
    let stacked = write("stacked.tar.zst", &mut |out| {
        (0..300_000).for_each(|_| out.write_all(&block).expect("room for an archive"));
    });
    assert_small("PAX headers for no entry", &stacked, 0, &["inspect", "--max-ratio", "1000000"], 24);
    let long = vec![b'n'; (1 << 20) - 1];
    let tar = Tar::new().long(b'L', &long).file("short", b"");
    let names = write("names.tar.zst", &mut |out| {
        (0..300).for_each(|_| out.write_all(&tar.0).expect("room for an archive"));
    });
    assert_small("names of 1 MiB", &names, 0, &["inspect", "--max-ratio", "1000000"], 24);
    let same = Tar::new().file("same", b"");
    let duplicates = write("duplicates.tar.zst", &mut |out| {
        (0..200_000).for_each(|_| out.write_all(&same.0).expect("room for an archive"));
    });
    assert_small("duplicates", &duplicates, 200_000, &["inspect", "--max-ratio", "1000000"], 24);
}
