//! The counter against a naive count, in pieces of every length, and against streams that are wrong in one way each.

use super::*;
use proptest::prelude::*;
use std::io::Write as _;

fn zstd(text: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn skippable(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&[0x53, 0x2a, 0x4d, 0x18], &length[..], content].concat()
}

fn count_in(data: &[u8], piece: usize, limits: RecordLimits) -> Contents {
    let mut counter = RecordCounter::new(limits);
    data.chunks(piece).for_each(|chunk| counter.update(chunk));
    counter.finish()
}

/// The count, which has to be the same in pieces of one, of three and of all bytes.
fn count(data: &[u8]) -> Contents {
    let whole = count_in(data, data.len().max(1), RecordLimits::default());
    for piece in [1, 3, 5] {
        assert_eq!(count_in(data, piece, RecordLimits::default()), whole, "pieces of {piece}");
    }
    whole
}

fn fault(data: &[u8]) -> String {
    let contents = count(data);
    assert_eq!((contents.records, contents.plain_size), (0, 0));
    contents.fault.expect("a fault")
}

fn naive(text: &[u8]) -> u64 {
    text.split(|byte| *byte == b'\n').filter(|line| line.iter().any(|byte| !b" \t\r".contains(byte))).count() as u64
}

fn good(records: u64, plain_size: usize, compressed: bool) -> Contents {
    Contents { records, plain_size: plain_size as u64, compressed, fault: None }
}

#[test]
fn names_of_record_files() {
    for name in ["data/a.jsonl", "a.ndjson", "a.jsonl.zst", "x/a.ndjson.zst", "A.JSONL.ZST"] {
        assert!(is_record_file(name.as_bytes()), "{name}");
    }
    for name in ["a.json", "a.json.zst", "a.jsonl.gz", "a.jsonl/b", "jsonl", "a.zst", "a.jsonl.zst.zst", ""] {
        assert!(!is_record_file(name.as_bytes()), "{name}");
    }
}

#[test]
fn a_record_is_a_line_that_is_not_blank() {
    for (text, records) in [
        (&b""[..], 0),
        (b"\n", 0),
        (b"{}", 1),
        (b"{}\n", 1),
        (b"{}\n{}", 2),
        (b"{}\r\n\r\n  \t\r\n{}\r\n", 2),
        (b"   {}   \n\n\n", 1),
        (b"\0\n", 1),
        (b"1", 1),
        (b"\n1\n", 1),
    ] {
        assert_eq!(count(text), good(records, text.len(), false), "{text:?}");
        assert_eq!(count(&zstd(text)), good(records, text.len(), true), "{text:?} compressed");
    }
}

#[test]
fn lines_of_every_length_at_every_place_of_a_block() {
    for before in 0..2 * BLOCK {
        for length in 0..2 * BLOCK + 2 {
            let text =
                [&vec![b'\n'; before][..], &vec![b'x'; length], b" \n \n", &vec![b'y'; length], b"\n\n"].concat();
            let mut lines = Lines::default();
            lines.update(&text);
            assert_eq!(lines.records(), naive(&text), "{before} {length}");
        }
    }
}

#[test]
fn a_line_may_span_frames() {
    let stream = [zstd(b"{\"a\":"), skippable(b"\n\n{}\n"), zstd(b"1}\n{}"), skippable(b""), zstd(b"")].concat();
    assert_eq!(count(&stream), good(2, 10, true));
    assert_eq!(count(&skippable(b"only")), good(0, 0, true));
}

#[test]
fn what_is_cut_short_is_a_fault() {
    let frame = zstd(b"{}\n{}\n");
    let skipped = skippable(b"abcdef");
    for cut in 4..frame.len() {
        assert_eq!(fault(&frame[..cut]), "the input ends inside a zstd frame", "{cut}");
    }
    for cut in 4..skipped.len() {
        let sentence = fault(&[&frame[..], &skipped[..cut]].concat());
        assert_eq!(sentence, "the input ends inside a zstd skippable frame", "{cut}");
    }
    assert_eq!(fault(&[&frame[..], &frame[..3]].concat()), "the input ends inside a zstd frame");
}

#[test]
fn what_follows_the_last_frame_is_a_fault() {
    let frame = zstd(b"{}\n");
    for tail in [&b"{}\n{}\n"[..], &[0; 8], &[0x1f, 0x8b, 8, 0, 0]] {
        let sentence = fault(&[&frame[..], tail].concat());
        assert_eq!(sentence, "bytes that belong to no zstd frame follow the last one");
    }
}

#[test]
fn a_spoilt_frame_is_a_fault() {
    let mut frame = zstd(b"{\"id\":1}\n{\"id\":2}\n");
    *frame.last_mut().unwrap() ^= 1;
    let sentence = fault(&frame);
    assert!(sentence.starts_with("the zstd stream is corrupt: "), "{sentence}");
}

#[test]
fn gzip_is_a_fault_under_any_name() {
    let sentence = fault(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    assert_eq!(sentence, "expected JSON lines as text or in zstd frames, found gzip");
    assert_eq!(fault(&[0x1f, 0x8b]), sentence, "however short");
}

#[test]
fn the_name_has_to_be_right_about_compression() {
    let named = |name: &str, data: &[u8]| {
        let mut counter = RecordCounter::for_file(name.as_bytes(), RecordLimits::default());
        counter.update(data);
        counter.finish()
    };
    assert_eq!(named("a.jsonl", b"{}"), good(1, 2, false));
    assert_eq!(named("a.jsonl.zst", &zstd(b"{}")), good(1, 2, true));
    assert!(named("a.jsonl", &zstd(b"{}")).fault.unwrap().contains("found zstd frames"));
    for text in [&b"{}\n{}"[..], b"", &[0x28, 0xb5, 0x2f]] {
        assert!(named("a.jsonl.zst", text).fault.unwrap().contains("the name ends in .zst"));
    }
}

#[test]
fn limits_hold_over_all_members_together() {
    let bomb = zstd(&vec![b'\n'; 1 << 20]);
    let few_bytes = RecordLimits::new(&Limits { max_bytes: 3 << 20, max_ratio: u64::MAX, ..Limits::default() });
    for _ in 0..3 {
        assert_eq!(count_in(&bomb, 100, few_bytes.clone()), good(0, 1 << 20, true));
    }
    assert_eq!(few_bytes.plain_bytes(), 3 << 20);
    let sentence = count_in(&bomb, 100, few_bytes.clone()).fault.unwrap();
    assert!(sentence.contains("over 3145728 decoded bytes; raise --max-bytes"), "{sentence}");

    let with_grace = RecordLimits::new(&Limits { ratio_grace: 2 << 20, ..Limits::default() });
    assert_eq!(count_in(&bomb, 100, with_grace.clone()).fault, None);
    assert_eq!(count_in(&bomb, 100, with_grace.clone()).fault, None);
    let sentence = count_in(&bomb, 100, with_grace).fault.unwrap();
    assert!(sentence.contains("over 250 bytes for each compressed one; raise --max-ratio"), "{sentence}");
}

#[test]
fn text_does_not_count_against_the_limits() {
    let none = RecordLimits::new(&Limits { max_bytes: 0, max_ratio: 0, ratio_grace: 0, ..Limits::default() });
    assert_eq!(count_in(b"{}\n{}\n", 2, none), good(2, 6, false));
}

#[test]
fn a_window_over_the_limit_is_refused() {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(21).unwrap();
    encoder.write_all(b"{}\n").unwrap();
    encoder.flush().unwrap(); // so that the length is not known when the header is written
    encoder.write_all(b"{}\n").unwrap();
    let frame = encoder.finish().unwrap();
    assert_eq!(count(&frame), good(2, 6, true));
    let small = RecordLimits::new(&Limits { max_window: 1 << 20, ..Limits::default() });
    let sentence = count_in(&frame, 4, small).fault.unwrap();
    assert_eq!(sentence, "a zstd frame asks for a window over 1 MiB; raise --max-window to read it");
}

#[test]
fn a_frame_larger_than_the_buffer_is_counted_to_its_end() {
    let text: Vec<u8> = (0..200_000).flat_map(|n| format!("{{\"n\":{n}}}\n").into_bytes()).collect();
    assert!(text.len() > 10 * BUFFER);
    let frame = zstd(&text);
    for piece in [1000, BUFFER - 1, usize::MAX] {
        assert_eq!(count_in(&frame, piece, RecordLimits::default()), good(200_000, text.len(), true));
    }
    let exact = zstd(&vec![b'\n'; 3 * BUFFER]);
    assert_eq!(count(&exact), good(0, 3 * BUFFER, true));
}

#[test]
fn what_comes_after_a_fault_changes_nothing() {
    let mut counter = RecordCounter::new(RecordLimits::default());
    counter.update(&[0x1f, 0x8b, 8, 0]);
    counter.update(b"{}\n{}\n");
    assert!(counter.finish().fault.unwrap().ends_with("found gzip"));
}

fn lines() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(
        prop_oneof![Just(b'\n'), Just(b'\r'), Just(b' '), Just(b'\t'), Just(b'x'), Just(b'{'), any::<u8>()],
        0..400,
    )
    .prop_filter("not by chance a container", |text| Codec::detect(text).is_none())
}

proptest! {
    #[test]
    fn counts_as_a_naive_reader_does(
        parts in proptest::collection::vec((lines(), any::<bool>()), 1..4),
        pieces in proptest::collection::vec(1usize..150, 1..20),
    ) {
        let text: Vec<u8> = parts.iter().flat_map(|(text, _)| text.clone()).collect();
        let frames: Vec<u8> = parts
            .iter()
            .flat_map(|(text, skip)| [zstd(text), if *skip { skippable(text) } else { Vec::new() }].concat())
            .collect();
        prop_assume!(Codec::detect(&text).is_none());
        for (data, compressed) in [(&text, false), (&frames, true)] {
            let mut counter = RecordCounter::new(RecordLimits::default());
            let mut rest = &data[..];
            for piece in pieces.iter().cycle() {
                let (chunk, tail) = rest.split_at((*piece).min(rest.len()));
                counter.update(chunk);
                rest = tail;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(counter.finish(), good(naive(&text), text.len(), compressed));
        }
    }

    #[test]
    fn a_spoilt_stream_reads_alike_in_any_pieces(
        text in lines(),
        change in (any::<prop::sample::Index>(), any::<u8>()),
        cut in any::<prop::sample::Index>(),
        piece in 1usize..30,
    ) {
        let mut frames = [zstd(&text), skippable(&text), zstd(&text)].concat();
        let at = change.0.index(frames.len());
        frames[at] = change.1;
        frames.truncate(cut.index(frames.len()) + 1);
        let whole = count_in(&frames, frames.len(), RecordLimits::default());
        let pieces = count_in(&frames, piece, RecordLimits::default());
        prop_assert_eq!(whole.fault.is_some(), pieces.fault.is_some());
        prop_assert_eq!((whole.records, whole.plain_size), (pieces.records, pieces.plain_size));
    }
}
