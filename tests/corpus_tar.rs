//! Tar archives of other projects: what must be listed is listed, what must be refused is refused, whatever the wrapping.
//!
//! The archives lie beside the project, in `../shared/corpus/tar`; without them the test says so and passes.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use portcullis::format::limits::Limits;
use portcullis::pipeline::inspect::{self, Reading, Request};
use portcullis::pipeline::progress::Progress;
use portcullis::pipeline::scan::{ScanOptions, SubjectDigest};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Listings that are not those of the corpus: case, reason. None at present.
const DEVIATIONS: [(&str, &str); 0] = [];

/// One entry in the words of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    name: Vec<u8>,
    kind: String,
    size: u64,
    mode: u64,
    link: Option<Vec<u8>>,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/tar")
}

fn cases() -> Vec<Value> {
    let file = corpus().join("cases.json");
    let Ok(text) = std::fs::read(&file) else {
        eprintln!("SKIPPED: {} is not there", file.display());
        return Vec::new();
    };
    let cases: Value = serde_json::from_slice(&text).expect("cases.json");
    let cases = cases["cases"].as_array().expect("a list of cases").clone();
    assert_eq!(cases.len(), 73);
    cases
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} in {value}"))
}

fn read(input: &Path, jobs: usize) -> Reading {
    let scan = ScanOptions { limits: Limits::default(), jobs, subject: SubjectDigest::None, sha512: false };
    let request = Request::new(input, scan);
    inspect::read(&request, &Progress::default()).unwrap_or_else(|error| panic!("{}: {error}", input.display()))
}

/// Bytes that are not UTF-8 stand in the corpus as Python writes them: `\x80`. Other backslashes are themselves.
fn bytes(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find("\\x") {
        let Some(value) = rest.get(at + 2..at + 4).and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            break;
        };
        out.extend_from_slice(&rest.as_bytes()[..at]);
        out.push(value);
        rest = &rest[at + 4..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

fn without_slashes(name: &[u8]) -> Vec<u8> {
    let end = name.iter().rposition(|byte| *byte != b'/').map_or(1.min(name.len()), |at| at + 1);
    name[..end].to_vec()
}

fn wanted(case: &Value) -> Vec<Entry> {
    let entries = case["entries"].as_array().unwrap_or_else(|| panic!("entries in {case}"));
    let mut entries: Vec<Entry> = entries
        .iter()
        .map(|entry| Entry {
            name: without_slashes(&bytes(text(entry, "name"))),
            kind: text(entry, "type").into(),
            size: entry["size"].as_u64().expect("a size"),
            mode: u64::from_str_radix(text(entry, "mode").trim_start_matches("0o"), 8).expect("an octal mode"),
            link: entry["link"].as_str().map(bytes),
        })
        .collect();
    entries.sort();
    entries
}

fn found(reading: &Reading) -> Vec<Entry> {
    let inventory = &reading.inventory;
    let entry = |(index, entry): (usize, &portcullis::format::inventory::Observed)| Entry {
        name: entry.path.to_vec(),
        kind: entry.kind.name(),
        size: entry.size,
        mode: entry.mode.into(),
        link: inventory.links.get(&(index as u32)).map(|target| target.to_vec()),
    };
    let mut entries: Vec<Entry> = inventory.entries.iter().enumerate().map(entry).collect();
    entries.sort();
    entries
}

/// What differs between the containers of one archive must not: entries with their digests, and the defects.
fn essence(reading: &Reading) -> (Vec<String>, BTreeSet<&'static str>) {
    let entries = reading.inventory.entries.iter().map(|entry| format!("{entry:?}")).collect();
    let defects = reading.inventory.anomalies.iter().map(|anomaly| anomaly.defect.id()).collect();
    (entries, defects)
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn listings_and_refusals() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut complaints = Vec::new();
    for case in cases() {
        let (id, list) = (text(&case, "id"), text(&case, "list"));
        let plain = corpus().join(text(&case, "file"));
        let data = std::fs::read(&plain).expect("an archive of the corpus");
        let packed = [("tar.gz", gzip(&data)), ("tar.zst", zstd::encode_all(&data[..], 1).expect("memory"))];
        let mut forms = vec![plain];
        for (suffix, data) in packed {
            let path = folder.path().join(format!("{id}.{suffix}"));
            std::fs::write(&path, data).expect("room for a copy");
            forms.push(path);
        }
        let readings: Vec<Reading> = forms.iter().map(|form| read(form, 1)).collect();
        for (form, reading) in forms.iter().zip(&readings) {
            let is_tar = reading.inventory.container.last() == Some(&"tar");
            let refused = !reading.inventory.anomalies.is_empty() || !is_tar;
            let deviates = DEVIATIONS.iter().any(|(case, _)| *case == id);
            match list {
                "ok" if (found(reading) == wanted(&case)) == deviates => {
                    complaints.push(format!(
                        "{}: wanted {:?}, found {:?}",
                        form.display(),
                        wanted(&case),
                        found(reading)
                    ));
                }
                "error" if !refused => complaints.push(format!("{}: accepted", form.display())),
                _ => {}
            }
            if is_tar && essence(reading) != essence(&readings[0]) {
                complaints.push(format!("{}: {:?}, not {:?}", form.display(), essence(reading), essence(&readings[0])));
            }
            if essence(&read(form, 4)) != essence(reading) {
                complaints.push(format!("{}: depends on the number of threads", form.display()));
            }
        }
        forms
            .iter()
            .filter(|form| form.starts_with(folder.path()))
            .for_each(|form| std::fs::remove_file(form).unwrap());
        let left = std::fs::read_dir(folder.path()).expect("the directory").count();
        assert_eq!(left, 0, "{id}: reading wrote something");
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Which defects the refused archives of each class show: a change here is a change of what users are told.
#[test]
fn hostile_archives_are_refused_for_their_reason() {
    let reasons: BTreeMap<&str, &str> = BTreeMap::from([
        ("jwilk--absolute1", "entry-path"),
        ("jwilk--dirsymlink", "entry-link"),
        ("jwilk--dirsymlink2a", "entry-link"),
        ("jwilk--relative0", "entry-path"),
        ("jwilk--relative2", "entry-path"),
        ("libarchive--test_leading_slash", "entry-path"),
        ("libarchive--test_patterns_3", "entry-path"),
        ("libarchive--test_patterns_4", "entry-path"),
        ("go--pax-sparse-big", "entry-type"),
        ("cpython--recursion", "tar-extension"),
        ("go--issue11169", "tar-header"),
        ("go--invalid-go17", "tar-header"),
        ("go--pax-bad-hdr-file", "tar-extension"),
        ("go--pax-nul-xattrs", "tar-extension"),
        ("go--pax-nul-path", "entry-path"),
        ("go--writer-big", "container-truncated"),
        ("go--writer-big-long", "container-truncated"),
        ("libarchive--test_read_format_tar_invalid_pax_size", "tar-extension"),
        ("libarchive--test_read_format_tar_timestamp_overflow", "tar-header"),
        ("tokio-tar--diff-024-pending-pax-boundary", "tar-extension"),
        ("tokio-tar--diff-039-truncated-entry-body", "container-truncated"),
        ("go--hdr-only", "entry-type"),
        ("libarchive--test_compat_solaris_tar_acl", "entry-type"),
        ("libarchive--test_read_format_tar_V_negative_size", "container-format"),
    ]);
    let cases = cases();
    for case in &cases {
        let (id, class) = (text(case, "id"), text(case, "class"));
        let reading = read(&corpus().join(text(case, "file")), 2);
        let defects = essence(&reading).1;
        match reasons.get(id) {
            Some(reason) => assert!(defects.contains(reason), "{id}: wanted {reason}, found {defects:?}"),
            None => assert!(
                matches!(class, "feature" | "disputed" | "desync"),
                "{id}: a case of class {class} without a reason in this table"
            ),
        }
    }
    assert!(cases.is_empty() || reasons.keys().all(|id| cases.iter().any(|case| text(case, "id") == *id)));
}
