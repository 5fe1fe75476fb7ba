//! One function a parser of untrusted bytes: it must not panic, must end, and must keep the promise that is asserted.
//!
//! Shared by `tests/fuzz_replay.rs`, which runs them on any toolchain, and by `fuzz/`, which gives them to libFuzzer.

#![allow(dead_code, reason = "each libFuzzer target uses one of these functions")]

mod documents;
mod evidence;

pub(crate) use documents::{java, oci, policy, sealed, signature};
pub(crate) use evidence::{cosign, note, receipt, statement};
use portcullis::format::bbolt::{Database, Event};
use portcullis::format::compress::{Bounded, GzipReader, StreamFacts, ZstdReader};
use portcullis::format::digest::{Digest, hex, sha256};
use portcullis::format::limits::Limits;
use portcullis::format::records::{RecordCounter, RecordLimits};
use portcullis::format::tar::{Member, TarInput, TarReader};
use portcullis::format::{checksums, dsse, json, jws, path, pax, revocation, time, trivy_db, yaml};
use portcullis::pipeline::cage::Held;
use portcullis::pipeline::inspect::Request;
use portcullis::pipeline::progress::Progress;
use portcullis::pipeline::scan::{ScanOptions, SubjectDigest};
use portcullis::pipeline::tuf::{Documents, in_bundle};
use portcullis::pipeline::verify::{self, Verification};
use portcullis::report::{Outcome, Report, Subject, cleaning, json as json_report, text};
use portcullis::trust::check::Check;
use portcullis::trust::key;
use portcullis::trust::policy::Policy;
use portcullis::trust::tuf::{Client, RootView, names, signed_text};
use portcullis::trust::verdict::Verdict;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, LazyLock};

/// Gives a macro every target, and how the names of those test files end that are seeds for it. One line for each:
/// `scripts/fuzz` reads them too.
macro_rules! with_targets {
    ($run:ident) => {
        $run! {
            tar: [".tar"],
            pax: [],
            gzip: [".tgz", ".gz"],
            zstd: [".zst"],
            json: [".json"],
            dsse: [".dsse.json", "signature.json"],
            checksums: [".sha256", "checksums.txt"],
            paths: [],
            keys: [".pub.pem", ".jwk.json", ".jwks.json"],
            times: [],
            yaml: [],
            jws: [".jws"],
            revocation: ["revocation-bundle.json"],
            records: [".zst"],
            bolt: [],
            tuf: [],
            sigstore: [".sigstore.json"],
            oci: ["index.json"],
            policy: ["trust.toml"],
            sealed: [],
            signature: [".sig"],
            java: [],
            documents: [],
            note: ["checkpoint.sig"],
            receipt: ["rekor-receipt.json"],
            statement: [],
            cosign: [".cosign.bundle"],
            bundle: [".tar", ".tgz", ".zst", ".gz"],
        }
    };
}

macro_rules! table {
    ($($target:ident: $suffixes:expr),* $(,)?) => {
        /// Every target by its name.
        pub(crate) const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($target), $target)),*];
    };
}

with_targets!(table);

/// Small, so that every limit is reached and no input takes long.
const LIMITS: Limits = Limits {
    max_bytes: 1 << 20,
    max_entries: 200,
    max_ratio: 100,
    ratio_grace: 1 << 16,
    max_depth: 3,
    max_window: 1 << 20,
    max_document: 1 << 16,
    max_documents: 1 << 17,
};

/// Members are the same whether their data is read or jumped over, and each has the data that it states.
pub(crate) fn tar(data: &[u8]) {
    for archive in [data, &with_checksums(data)] {
        assert_eq!(members(archive, true), members(archive, false));
    }
}

fn members(archive: &[u8], read: bool) -> Vec<Member> {
    let mut reader = TarReader::new(Slice(archive));
    let mut found = Vec::new();
    while let Ok(Some(member)) = reader.next_member() {
        assert!(member.offset <= archive.len() as u64);
        let stored = member.stored;
        found.push(member);
        if read {
            match drain(|buffer| reader.read_data(buffer).map_err(|_| ())) {
                Ok(data) => assert_eq!(data.len() as u64, stored),
                Err(()) => break,
            }
        }
    }
    found
}

/// A tar that can jump, in memory.
struct Slice<'a>(&'a [u8]);

impl Read for Slice<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl TarInput for Slice<'_> {
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.0.len());
        self.0 = &self.0[count..];
        Ok(count as u64)
    }
}

/// The archive with right checksums in whatever looks like a header: else a change to a header is found by its checksum
/// and nothing behind that is reached.
fn with_checksums(archive: &[u8]) -> Vec<u8> {
    let mut archive = archive.to_vec();
    for block in archive.as_chunks_mut::<512>().0.iter_mut().filter(|block| &block[257..262] == b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    archive
}

/// Targets of links hold no NUL (names are judged elsewhere), sizes fit.
pub(crate) fn pax(data: &[u8]) {
    if let Ok(header) = pax::parse(data) {
        assert!(header.linkpath.is_none_or(|target| !target.contains(&0)));
        assert!(header.size.into_iter().chain(header.sparse_size).all(|size| i64::try_from(size).is_ok()));
    }
}

/// How the input is cut into pieces makes no difference, and what is accepted is what others decode.
pub(crate) fn gzip(data: &[u8]) {
    let decode =
        |input: &mut dyn BufRead| decoded(GzipReader::new(input, Arc::new(StreamFacts::default())), data.len());
    let whole = decode(&mut &*data);
    assert_eq!(whole, decode(&mut BufReader::with_capacity(7, data)));
    assert!(whole.is_none() || whole == decoded(flate2::bufread::MultiGzDecoder::new(data), data.len()));
}

/// How the input is cut into pieces makes no difference, and nothing comes out that others do not decode. (What others
/// refuse may pass: libzstd takes an empty compressed block for corrupt only where it is handed the whole frame.)
pub(crate) fn zstd(data: &[u8]) {
    let decode = |input: &mut dyn BufRead| {
        let reader = ZstdReader::new(input, LIMITS.max_window, Arc::new(StreamFacts::default())).expect("a decoder");
        decoded(reader, data.len())
    };
    let whole = decode(&mut &*data);
    assert_eq!(whole, decode(&mut BufReader::with_capacity(7, data)));
    let other = zstd::stream::read::Decoder::with_buffer(data).expect("a decoder");
    if let (Some(whole), Some(other)) = (whole, decoded(other, data.len())) {
        assert_eq!(whole, other);
    }
}

/// The whole output, or `None` where the stream is bad or goes over a limit.
fn decoded(reader: impl Read, compressed: usize) -> Option<Vec<u8>> {
    let mut bounded = Bounded::new(reader, Arc::new(AtomicU64::new(compressed as u64)), LIMITS);
    drain(|buffer| bounded.read(buffer)).ok()
}

/// Reads to the end, which has to come: no target decodes more than the limit and one buffer.
fn drain<E>(mut read: impl FnMut(&mut [u8]) -> Result<usize, E>) -> Result<Vec<u8>, E> {
    let mut buffer = vec![0; 16 << 10];
    let mut all = Vec::new();
    loop {
        let count = read(&mut buffer)?;
        all.extend_from_slice(&buffer[..count]);
        assert!(all.len() as u64 <= LIMITS.max_bytes + buffer.len() as u64);
        if count == 0 {
            return Ok(all);
        }
    }
}

/// What is strict JSON is JSON, and equal to itself.
pub(crate) fn json(data: &[u8]) {
    if json::check(data).is_ok() {
        assert!(serde_json::from_slice::<serde_json::Value>(data).is_ok());
        assert_eq!(json::same_value(data, data), Ok(true));
        let spaced = [b" ", data, b"\n"].concat();
        assert_eq!(json::same_value(data, &spaced), Ok(true));
        // A limit that is the size of the text is no limit.
        let size = json::Size { bytes: data.len(), nodes: usize::MAX };
        assert_eq!(json::check_within(data, size), Ok(()));
        assert_eq!(json::check_exact(data), Ok(()));
    }
}

/// The payload is the tail of what is signed, and what is signed is the encoding of type and payload.
pub(crate) fn dsse(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = dsse::decode_base64(text);
    }
    let Ok(document) = dsse::parse(data) else { return };
    let envelope = document.envelope;
    assert!(envelope.pae().ends_with(envelope.payload()));
    assert_eq!(envelope.pae(), dsse::pae(envelope.payload_type(), envelope.payload()));
    assert!((1..=dsse::MAX_SIGNATURES).contains(&envelope.signatures().len()));
    let again = String::from_utf8(envelope.base64url_payload()).ok().and_then(|text| dsse::decode_base64(&text).ok());
    assert_eq!(again.as_deref(), Some(envelope.payload()));
}

/// What was read comes back when it is written as GNU would.
pub(crate) fn checksums(data: &[u8]) {
    let mut lines = checksums::parse(data);
    let mut understood = 0;
    for item in lines.by_ref() {
        let Ok(checksums::Item::Line(line)) = item else { continue };
        understood += 1;
        let digits = match &line.digest {
            Digest::Sha256(bytes) => hex(bytes),
            Digest::Sha512(bytes) => hex(bytes),
        };
        let written = checksums::write_gnu(&line.path, &digits);
        if written.len() <= checksums::MAX_LINE {
            let again = checksums::parse(&written).next();
            let Some(Ok(checksums::Item::Line(again))) = again else { unreachable!("{again:?} from {line:?}") };
            assert_eq!((again.path, again.digest), (line.path, line.digest));
        }
    }
    assert_eq!(lines.traits().lines, understood);
}

/// What is called safe stays inside, whatever links do.
pub(crate) fn paths(data: &[u8]) {
    let (link, target) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len()));
    let target = target.strip_prefix(b"\n").unwrap_or(target);
    let inside = |name: &[u8]| {
        !name.starts_with(b"/") && !name.contains(&0) && name.split(|b| *b == b'/').all(|part| part != b"..")
    };
    let normal = path::normal(link);
    assert_eq!(path::normal(normal), normal);
    let _ = (path::folded(link), path::unportable(link));
    if path::danger(link).is_none() {
        assert!(inside(normal));
        for symbolic in [true, false] {
            for linked in [true, false] {
                let place = path::link_destination(link, target, symbolic, |_| linked);
                assert!(place.is_err() || place.is_ok_and(|place| inside(&place)));
            }
        }
    }
}

/// A key is read again from its canonical form as the same key.
pub(crate) fn keys(data: &[u8]) {
    let Ok(found) = key::parse(data) else { return };
    assert!((1..=key::MAX_KEYS).contains(&found.len()));
    for one in found {
        let again = key::parse(one.spki_der()).expect("the canonical form is a key file");
        assert_eq!(again, [one]);
    }
}

/// A bundle that verifies has no row that does not, and verifies over its own artifact only.
pub(crate) fn sigstore(data: &[u8]) {
    use portcullis::trust::sigstore::{Artifact, Content, Expected, Name, Outcome, Root, verify};
    const ARTIFACT: &[u8] = include_bytes!("../../fixtures/sigstore/good-certificate/artifact.bin");
    static ROOT: LazyLock<Root> = LazyLock::new(|| {
        Root::parse(include_bytes!("../../fixtures/sigstore/good-certificate/trusted_root.json")).expect("the root")
    });
    let keys = key::parse(include_bytes!("../../keys-example/ecdsa-p256.pub.pem")).expect("the example key");
    let name = Name { identity: "release@example.com".into(), issuer: "https://issuer.example.com".into() };
    let at = time::parse_rfc3339("2026-11-20T00:00:00Z").expect("a time");
    let mut policy = Policy::new(at);
    keys.into_iter().for_each(|key| policy.keys.trust_public(key));
    let expected = Expected { name: Some(&name), policy: &policy, exclusive: true };
    let judge = |bytes: &[u8]| -> Outcome {
        let artifact = Artifact { digest: Digest::Sha256(sha256(bytes)), content: Content::Digest };
        verify(data, b"bundle", &artifact, &expected, &ROOT).expect("nothing is read")
    };
    let (own, other) = (judge(ARTIFACT), judge(b"bytes that nobody signed"));
    assert!(other.proof.is_none() && other.signer.is_none() && !other.included);
    assert_eq!(own.proof.is_some(), own.signer.is_some());
    if own.proof.is_some() {
        assert!(!own.checks.iter().any(Check::failed), "{:?}", own.checks);
    } else {
        assert!(!own.included);
    }
    let _ = Root::parse(data);
}

/// A good repository, with a role below a delegation; its root is the one that is trusted.
const METADATA: [(&str, &[u8]); 5] = [
    ("root", include_bytes!("../../fixtures/tuf/good-rotated-delegated/metadata/1.root.json")),
    ("timestamp", include_bytes!("../../fixtures/tuf/good-rotated-delegated/metadata/timestamp.json")),
    ("snapshot", include_bytes!("../../fixtures/tuf/good-rotated-delegated/metadata/1.snapshot.json")),
    ("targets", include_bytes!("../../fixtures/tuf/good-rotated-delegated/metadata/1.targets.json")),
    ("tools", include_bytes!("../../fixtures/tuf/good-rotated-delegated/metadata/1.tools.json")),
];

/// The one successor that the keys of that root signed.
const SECOND_ROOT: &[u8] = include_bytes!("../../fixtures/tuf/good-rotated-delegated/metadata/2.root.json");

/// Nothing is trusted in the place of a document but what was signed; and nothing at all where the root is not the trusted
/// one. What becomes a file name is one component.
pub(crate) fn tuf(data: &[u8]) {
    let at = time::parse_rfc3339("2026-11-20T00:00:00Z").expect("a date");
    let _ = (Client::start(data, at).map(drop), RootView::of(data).map(|root| root.version()));
    let name = String::from_utf8_lossy(data);
    for file in
        [names::metadata(&name, None), names::metadata(&name, Some(7)), names::copy(&name)].into_iter().flatten()
    {
        assert!(!file.contains(['/', '\\', '\0']) && ![".", ".."].contains(&file.as_str()), "{file:?}");
    }
    let targets = ["mirror-thin-v1.tar.gz", "tools/unpack.txt"].map(str::to_owned);
    // In the places where it can be read, and in one more.
    let fits = |(index, (place, _)): &(usize, (&str, &[u8]))| {
        data.len() % METADATA.len() == *index || signed_text(place, data).is_some()
    };
    for (_, (place, original)) in METADATA.into_iter().enumerate().filter(fits) {
        let mut documents = Documents::new("tuf");
        for (role, bytes) in METADATA {
            documents.insert(format!("{role}.json"), if role == place { data } else { bytes });
        }
        let trusted: &[u8] = METADATA[0].1;
        let root = Some((&b"root.json"[..], trusted));
        let request =
            in_bundle::Request { documents: &documents, root, datastore: None, as_is: false, targets: &targets, at };
        let outcome = in_bundle::verify(&request).expect("bad metadata is an answer, not an error");
        if outcome.trusted.is_some() {
            assert!(!outcome.checks.iter().any(portcullis::trust::check::Check::failed));
            let signed = [original, SECOND_ROOT].map(|bytes| signed_text(place, bytes));
            assert!(signed.contains(&signed_text(place, data)), "{place} was signed by nobody");
        } else {
            assert!(data != original, "{place}: {:?}", outcome.checks);
        }
    }
}

/// What is read from YAML has the depth and the kinds of values that JSON has, and reads the same again.
pub(crate) fn yaml(data: &[u8]) {
    if let Ok(value) = yaml::parse(data) {
        let written = serde_json::to_vec(&value).expect("memory takes everything");
        // Keys may be names of files, which may differ by case alone.
        json::check_exact(&written).expect("what is read is strict JSON");
    }
}

/// The signing input of a JWS that is read begins with the protected header as it stands. The signature may be empty, as that
/// of `none` is: it verifies with no key.
pub(crate) fn jws(data: &[u8]) {
    if let Ok(jws) = jws::parse(data) {
        let input = jws.signing_input(b"payload");
        assert!(data.trim_ascii_start().starts_with(input.split(|c| *c == b'.').next().expect("a first part")));
    }
}

/// A list without a fault has what it must have, and what is remembered of it is read as it was written.
pub(crate) fn revocation(data: &[u8]) {
    let _ = revocation::State::parse(data);
    let Ok(list) = revocation::parse(data) else { return };
    assert!(list.faults.told.len() <= revocation::MAX_FAULTS && list.disorder.told.len() <= revocation::MAX_FAULTS);
    if list.faults.is_empty() {
        let state = revocation::State::of(&list, [7; 32]).expect("a list without a fault is complete");
        let written = serde_json::to_vec(&state.to_json()).expect("memory takes everything");
        assert_eq!(revocation::State::parse(&written).as_ref(), Ok(&state));
    }
}

/// Records are counted the same however the bytes are cut, and a file without a fault holds as many as it has lines.
pub(crate) fn records(data: &[u8]) {
    let count = |size: usize| {
        let mut counter = RecordCounter::new(RecordLimits::new(&LIMITS));
        data.chunks(size).for_each(|piece| counter.update(piece));
        counter.finish()
    };
    let whole = count(data.len().max(1));
    for pieces in [count(1), count(7)] {
        // Which of two faults comes first depends on the pieces, that there is one does not.
        assert_eq!(whole.fault.is_some(), pieces.fault.is_some());
        assert_eq!((whole.records, whole.plain_size), (pieces.records, pieces.plain_size));
    }
    if whole.fault.is_none() && !whole.compressed {
        let blank = |line: &&[u8]| line.iter().all(|byte| b" \t\r".contains(byte));
        let lines = data.split(|byte| *byte == b'\n').filter(|line| !blank(line)).count();
        assert_eq!(whole.records, lines as u64);
    }
}

/// What is read as a time is the same time when it is written and read again; durations have no two readings.
pub(crate) fn times(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(at) = time::parse_rfc3339(&text) {
        assert_eq!(time::parse_rfc3339(&time::format_rfc3339(at)), Ok(at), "{text}");
    }
    if let Ok(seconds) = time::parse_duration(&text) {
        assert_eq!(time::parse_duration(&format!("{seconds}s")), Ok(seconds));
        let _ = time::describe_seconds(seconds);
    }
}

/// A walk ends, comes across the same twice, and what it came across is found by its key.
pub(crate) fn bolt(data: &[u8]) {
    let _ = trivy_db::Metadata::parse(data);
    for database in [data, &with_described(data)] {
        let Ok(database) = Database::open(database) else { continue };
        let (mut events, mut names, mut found) = (0, Vec::new(), Vec::new());
        let walked = database.walk(|event| {
            events += 1;
            match event {
                Event::Enter(name) => names.push(name.to_vec()),
                Event::Leave => drop(names.pop()),
                Event::Value(key, value) => found.push((names.clone(), key.to_vec(), value.to_vec())),
            }
            ControlFlow::Continue(())
        });
        assert!(events < data.len());
        let (again, summary) = (database.counts(), trivy_db::Summary::of(&database));
        let Ok(walked) = walked else {
            assert!(again.is_err() && summary.is_err());
            continue;
        };
        assert_eq!((again.ok(), summary.ok().map(|summary| summary.walked)), (Some(walked), Some(walked)));
        for (names, key, value) in found.iter().step_by(1 + found.len() / 20) {
            let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
            assert_eq!(database.get(&names, key).ok().flatten().as_ref(), Some(value));
            let finding = trivy_db::advisory(&database, &String::from_utf8_lossy(key)).expect("it was walked before");
            assert!(finding.affected.len() <= found.len());
        }
    }
}

/// The database with right checksums in both descriptions, for the size of page that the first one states.
fn with_described(database: &[u8]) -> Vec<u8> {
    let mut database = database.to_vec();
    let size = database.get(24..28).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes) as usize;
    for start in [16, size.saturating_add(16)] {
        let Some(fields) = database.get_mut(start..).and_then(|rest| rest.get_mut(..64)) else { continue };
        let fnv = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3);
        let sum = fields[..56].iter().fold(0xCBF2_9CE4_8422_2325, fnv);
        fields[56..].copy_from_slice(&sum.to_le_bytes());
    }
    database
}

/// A whole run on a file.
pub(crate) fn bundle(data: &[u8]) {
    judge(data);
    let repaired = with_checksums(data);
    if repaired != data {
        judge(&repaired);
    }
}

/// A whole run on an archive of documents: names and contents in turn, each ended by NUL.
pub(crate) fn documents(data: &[u8]) {
    let mut archive = Vec::new();
    let mut parts = data.split(|byte| *byte == 0);
    while let (Some(name), Some(content)) = (parts.next(), parts.next()) {
        let mut header = [0; 512];
        let name = &name[..name.len().min(100)];
        header[..name.len()].copy_from_slice(name);
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        archive.extend(header);
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.extend([0; 1024]);
    judge(&with_checksums(&archive));
}

/// Any bytes get an answer, the same one with one thread and with several; with no trusted key it is never `verified`; and
/// no report hands a control character on.
fn judge(data: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(data).expect("room for the input");
    let at = time::parse_rfc3339("2026-11-20T00:00:00Z").expect("a date");
    let run = |jobs: usize, policy: &Policy| -> Verification {
        let scan = ScanOptions {
            limits: LIMITS,
            jobs,
            subject: if jobs > 1 { SubjectDigest::Sha256 } else { SubjectDigest::None },
            sha512: false,
        };
        let request = Request::new(file.path(), scan);
        verify::verify(&request, policy, &Progress::default()).expect("a bad bundle is an answer, not an error")
    };
    let unsigned = run(1, &Policy::new(at));
    assert_ne!(unsigned.verdict, Verdict::Verified);

    let mut policy = Policy::new(at);
    for key in key::parse(include_bytes!("../../keys-example/ed25519.pub.pem")).expect("the example key") {
        policy.keys.trust_public(key);
    }
    let (one, several) = (run(1, &policy), run(3, &policy));
    assert_eq!((one.verdict, &one.checks), (several.verdict, &several.checks));
    assert_eq!(one.reading.inventory.entries, several.reading.inventory.entries);
    for verification in [&unsigned, &several] {
        report(verification, at);
    }
}

fn report(verification: &Verification, at: time::Time) {
    let report = Report {
        command: "verify",
        at,
        subject: Subject { name: b"input".to_vec() },
        outcome: Outcome::Verified(verification),
        unpacked: None,
        exit_code: verification.verdict.exit_code(),
        limits: LIMITS,
        cage: Held::default(),
    };
    let mut machine = Vec::new();
    json_report::write(&report, &mut machine).expect("memory takes everything");
    assert!(serde_json::from_slice::<serde_json::Value>(&machine).is_ok());
    let mut person = Vec::new();
    text::write(&report, text::Style::PLAIN, true, &mut person).expect("memory takes everything");
    for written in [machine, person] {
        let written = String::from_utf8(written).expect("reports are UTF-8");
        assert!(!written.chars().any(|c| c != '\n' && cleaning::is_hostile(c)), "{written:?}");
    }
}
