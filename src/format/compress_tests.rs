//! The strict decoders against streams that are put together here, and against the crates below as reference.

use super::*;
use crate::format::anomaly::ReadError;
use proptest::prelude::*;
use std::io::{BufReader, Write as _};

const WINDOW: u64 = Limits::MAX_WINDOW;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A frame with a checksum at its end.
fn zstd(data: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn skippable(magic: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&[magic, 0x2a, 0x4d, 0x18], &length[..], content].concat()
}

/// Decodes all of it, from a buffer of `capacity` bytes, in reads of at most `piece` bytes.
fn decode_in(codec: Codec, data: &[u8], capacity: usize, piece: usize) -> Result<(Vec<u8>, Arc<StreamFacts>), Defect> {
    let facts = Arc::new(StreamFacts::default());
    let input = BufReader::with_capacity(capacity, data);
    let mut reader: Box<dyn Read + '_> = match codec {
        Codec::Gzip => Box::new(GzipReader::new(input, Arc::clone(&facts))),
        Codec::Zstd => Box::new(ZstdReader::new(input, WINDOW, Arc::clone(&facts)).unwrap()),
    };
    let mut out = Vec::new();
    let mut buffer = vec![0; piece];
    loop {
        match reader.read(&mut buffer).map_err(defect)? {
            0 => break,
            count => out.extend_from_slice(&buffer[..count]),
        }
    }
    assert_eq!(reader.read(&mut buffer).unwrap(), 0, "the end stays the end");
    Ok((out, facts))
}

fn defect(error: io::Error) -> Defect {
    match ReadError::from(error) {
        ReadError::Bad(anomaly) => anomaly.defect,
        ReadError::Medium(error) => unreachable!("memory does not fail: {error}"),
    }
}

fn decode(codec: Codec, data: &[u8]) -> Result<Vec<u8>, Defect> {
    decode_in(codec, data, 8192, 4096).map(|(out, _)| out)
}

fn counts(facts: &StreamFacts) -> (u64, u64, u64) {
    let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    (get(&facts.parts), get(&facts.skippable), get(&facts.skippable_bytes))
}

#[test]
fn every_member_and_frame_is_read() {
    for (codec, pack) in [(Codec::Gzip, gzip as fn(&[u8]) -> Vec<u8>), (Codec::Zstd, zstd)] {
        let data = [pack(b"one"), pack(b""), pack(b"two")].concat();
        let (out, facts) = decode_in(codec, &data, 5, 3).unwrap();
        assert_eq!((out.as_slice(), counts(&facts)), (&b"onetwo"[..], (3, 0, 0)));
        assert_eq!(decode(codec, &pack(b"")), Ok(vec![]));
    }
}

#[test]
fn skippable_frames_are_counted_wherever_they_are() {
    let skip = |content: &[u8]| skippable(0x5f, content);
    for (data, expected) in [
        ([skip(b"front"), zstd(b"a"), zstd(b"b")].concat(), (2, 1, 5)),
        ([zstd(b"a"), skip(b"middle"), zstd(b"b")].concat(), (2, 1, 6)),
        ([zstd(b"a"), zstd(b"b"), skip(b"end"), skippable(0x50, b"")].concat(), (2, 2, 3)),
    ] {
        let (out, facts) = decode_in(Codec::Zstd, &data, 3, 10).unwrap();
        assert_eq!((out.as_slice(), counts(&facts)), (&b"ab"[..], expected));
    }
    assert_eq!(decode(Codec::Zstd, &skip(b"nothing else")), Ok(vec![]));
    for cut in 1..8 {
        let data = [zstd(b"a"), skip(b"end")].concat();
        assert!(decode(Codec::Zstd, &data[..data.len() - cut]).is_err(), "{cut} bytes less");
    }
    // The length of a skippable frame lies: nothing of that size is allocated.
    let lies = [&[0x50, 0x2a, 0x4d, 0x18], &u32::MAX.to_le_bytes()[..], b"short"].concat();
    assert_eq!(decode(Codec::Zstd, &lies), Err(Defect::ContainerTruncated));
}

#[test]
fn a_frame_header_that_looks_like_a_skippable_frame() {
    let inner = skippable(0x50, b"skip");
    let data = [&inner[..], &zstd(b"hello")[..4], &inner, &zstd(b"hello")].concat();
    let reference = ::zstd::decode_all(&data[..]).ok();
    assert_eq!(decode(Codec::Zstd, &data).ok(), reference);
}

#[test]
fn bytes_after_the_last_part() {
    for tail in
        [&b"\0"[..], b"x", b"\0\0\0\0\0\0\0\0", b"trailing text", b"\x1f", b"\x1f\x8b", b"\x28\xb5\x2f", b"PK\x03\x04"]
    {
        for (codec, pack) in [(Codec::Gzip, gzip as fn(&[u8]) -> Vec<u8>), (Codec::Zstd, zstd)] {
            let found = decode(codec, &[&pack(b"data")[..], tail].concat()).unwrap_err();
            let known = [Defect::ContainerTrailing, Defect::ContainerTruncated, Defect::ContainerFormat];
            assert!(known.contains(&found), "{codec:?} {tail:?}: {found:?}");
        }
    }
    assert_eq!(decode(Codec::Gzip, &[gzip(b"a"), b"x".to_vec()].concat()), Err(Defect::ContainerTrailing));
    assert_eq!(decode(Codec::Zstd, &[zstd(b"a"), b"xxxx".to_vec()].concat()), Err(Defect::ContainerTrailing));
    assert_eq!(decode(Codec::Gzip, &[gzip(b"a"), zstd(b"b")].concat()), Err(Defect::ContainerTrailing));
}

#[test]
fn truncation_at_every_byte() {
    let data: Vec<u8> = (0..600u32).map(|n| (n * n % 251) as u8).collect();
    for (codec, stream) in [(Codec::Gzip, gzip(&data)), (Codec::Zstd, zstd(&data))] {
        for length in 0..stream.len() {
            for capacity in [1, 8192] {
                let found = decode_in(codec, &stream[..length], capacity, 64).unwrap_err();
                assert!(
                    matches!(found, Defect::ContainerTruncated | Defect::ContainerFormat),
                    "{codec:?} cut at {length}: {found:?}"
                );
            }
        }
        let twice = [&stream[..], &stream].concat();
        for length in stream.len() + 1..twice.len() {
            assert!(decode(codec, &twice[..length]).is_err(), "{codec:?}, second part cut at {length}");
        }
    }
}

#[test]
fn no_flipped_bit_changes_the_content_in_silence() {
    let data: Vec<u8> = (0..300u32).map(|n| (n * 7 % 256) as u8).collect();
    for (codec, stream) in [(Codec::Gzip, gzip(&data)), (Codec::Zstd, zstd(&data))] {
        for position in 0..stream.len() {
            for bit in 0..8 {
                let mut bad = stream.clone();
                bad[position] ^= 1 << bit;
                // Hints in the header and bits between the last block and the checksum say nothing; content never changes
                // in silence.
                if let Ok(out) = decode(codec, &bad) {
                    assert_eq!(out, data, "{codec:?} byte {position} bit {bit}");
                }
            }
        }
        let last = stream.len() - 1;
        let mut bad = stream;
        bad[last] ^= 0x80;
        assert_eq!(decode(codec, &bad), Err(Defect::ContainerFormat), "{codec:?}");
    }
}

#[test]
fn windows_over_the_limit_are_refused_before_they_are_allocated() {
    // Magic, a descriptor with a window, the window 2^31, an empty last block.
    let header = |log: u8| [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3], &[0x01, 0x00, 0x00][..]].concat();
    let facts = || Arc::new(StreamFacts::default());
    let with = |log: u8, window: u64| {
        let mut out = Vec::new();
        let data = header(log);
        ZstdReader::new(&data[..], window, facts()).unwrap().read_to_end(&mut out).map(|_| out).map_err(defect)
    };
    assert_eq!(with(31, WINDOW), Err(Defect::LimitWindow));
    assert_eq!(with(28, WINDOW), Err(Defect::LimitWindow));
    assert_eq!(with(27, WINDOW), Ok(vec![]));
    assert_eq!(with(24, 8 << 20), Err(Defect::LimitWindow));
    assert_eq!(with(10, 0), Ok(vec![]), "no limit is so small that the smallest window is over it");
    assert_eq!(with(31, u64::MAX), Ok(vec![]));
    // The second frame is held to the same limit.
    let data = [zstd(b"small"), header(30)].concat();
    assert_eq!(decode(Codec::Zstd, &data), Err(Defect::LimitWindow));
}

fn bounded(produced: u64, consumed: u64, limits: Limits) -> Result<u64, Defect> {
    let mut reader = Bounded::new(io::repeat(0).take(produced), Arc::new(AtomicU64::new(consumed)), limits);
    io::copy(&mut reader, &mut io::sink()).map_err(defect)
}

#[test]
fn limits_on_what_comes_out() {
    let limits = |max_bytes, max_ratio, ratio_grace| Limits { max_bytes, max_ratio, ratio_grace, ..Limits::default() };
    assert_eq!(bounded(1000, 1000, limits(1000, 250, 0)), Ok(1000));
    assert_eq!(bounded(1001, 1000, limits(1000, 250, 0)), Err(Defect::LimitBytes));
    assert_eq!(bounded(2500, 10, limits(1 << 40, 250, 0)), Ok(2500));
    assert_eq!(bounded(2510, 10, limits(1 << 40, 250, 0)), Err(Defect::LimitRatio));
    assert_eq!(bounded(2510, 10, limits(1 << 40, 250, 2510)), Ok(2510));
    assert_eq!(bounded(2511, 10, limits(1 << 40, 250, 2510)), Err(Defect::LimitRatio));
    assert_eq!(
        bounded(251, 0, limits(1 << 40, 250, 0)),
        Err(Defect::LimitRatio),
        "nothing consumed counts as one byte"
    );
    assert_eq!(bounded(0, 0, limits(0, 0, 0)), Ok(0));
}

#[test]
fn a_bomb_stops_while_it_is_decoded() {
    for (codec, stream) in [(Codec::Gzip, gzip(&vec![0; 8 << 20])), (Codec::Zstd, zstd(&vec![0; 8 << 20]))] {
        let consumed = Arc::new(AtomicU64::new(stream.len() as u64));
        let limits = Limits { max_ratio: 10, ratio_grace: 1 << 20, ..Limits::default() };
        let facts = Arc::new(StreamFacts::default());
        let decoder: Box<dyn Read + '_> = match codec {
            Codec::Gzip => Box::new(GzipReader::new(&stream[..], facts)),
            Codec::Zstd => Box::new(ZstdReader::new(&stream[..], WINDOW, facts).unwrap()),
        };
        let mut reader = Bounded::new(decoder, consumed, limits);
        let (mut buffer, mut produced) = (vec![0; 64 << 10], 0);
        let error = loop {
            match reader.read(&mut buffer) {
                Ok(count) => produced += count,
                Err(error) => break error,
            }
            assert!(produced <= 1 << 20, "{codec:?} gave out {produced} bytes");
        };
        assert_eq!(defect(error), Defect::LimitRatio);
    }
}

/// libzstd itself passes over this where it reads a stream whose last block is empty.
#[test]
fn a_zstd_frame_holds_what_it_states() {
    let frame = |stated: u8| [0x28, 0xb5, 0x2f, 0xfd, 0x20, stated, 0x01, 0x00, 0x00];
    assert_eq!(decode(Codec::Zstd, &frame(0)), Ok(Vec::new()));
    for stated in [1, 5, 255] {
        assert_eq!(decode(Codec::Zstd, &frame(stated)), Err(Defect::ContainerFormat));
    }
    assert_eq!(decode(Codec::Zstd, &[frame(0), frame(1)].concat()), Err(Defect::ContainerFormat));
}

#[test]
fn recognised_by_their_first_bytes() {
    assert_eq!(Codec::detect(&gzip(b"")), Some(Codec::Gzip));
    assert_eq!(Codec::detect(&zstd(b"")), Some(Codec::Zstd));
    assert_eq!(Codec::detect(&skippable(0x5a, b"")), Some(Codec::Zstd));
    assert_eq!(Codec::detect(b"BZh9"), None);
    assert_eq!(Codec::detect(b""), None);
    for (head, word) in
        [(&b"PK\x03\x04"[..], "zip"), (b"\xfd7zXZ\0", "xz"), (b"BZh9", "bzip2"), (b"", "empty"), (b"{", "JSON")]
    {
        assert!(describe_unknown(head).contains(word));
    }
}

proptest! {
    #[test]
    fn decodes_what_was_encoded(
        parts in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..3000), 1usize..40), 1..4),
        capacity in 1usize..5000,
        piece in 1usize..5000,
    ) {
        let parts: Vec<Vec<u8>> = parts.into_iter().map(|(data, times)| data.repeat(times)).collect();
        let plain = parts.concat();
        for (codec, pack) in [(Codec::Gzip, gzip as fn(&[u8]) -> Vec<u8>), (Codec::Zstd, zstd)] {
            let stream: Vec<u8> = parts.iter().flat_map(|part| pack(part)).collect();
            let (out, facts) = decode_in(codec, &stream, capacity, piece).unwrap();
            prop_assert!(out == plain);
            prop_assert_eq!(facts.parts.load(Ordering::Relaxed), parts.len() as u64);
        }
    }

    #[test]
    fn damaged_streams_agree_with_the_reference_or_are_refused(
        data in proptest::collection::vec(any::<u8>(), 0..400),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        capacity in 1usize..600,
        piece in 1usize..600,
    ) {
        for (codec, mut stream) in [(Codec::Gzip, gzip(&data)), (Codec::Zstd, zstd(&data))] {
            for (at, value) in &changes {
                let at = at.index(stream.len());
                stream[at] = *value;
            }
            let ours = decode(codec, &stream);
            prop_assert_eq!(&ours, &decode_in(codec, &stream, capacity, piece).map(|(out, _)| out));
            let mut reference = Vec::new();
            let accepted = match codec {
                Codec::Gzip => flate2::read::MultiGzDecoder::new(&stream[..]).read_to_end(&mut reference).is_ok(),
                Codec::Zstd => ::zstd::stream::copy_decode(&stream[..], &mut reference).is_ok(),
            };
            if let Ok(out) = ours {
                prop_assert!(accepted && out == reference);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..300), capacity in 1usize..50) {
        for (codec, magic) in [(Codec::Gzip, &b"\x1f\x8b\x08"[..]), (Codec::Zstd, b"\x28\xb5\x2f\xfd")] {
            let _ = decode_in(codec, &data, capacity, 100);
            let _ = decode_in(codec, &[magic, &data].concat(), capacity, 100);
        }
    }
}
