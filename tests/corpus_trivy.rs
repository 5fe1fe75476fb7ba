//! Trivy's databases, as the reader of bbolt files sees them: every bucket and every value, or a refusal.
//!
//! They lie beside the project, in `../shared/corpus/trivy`; without them the tests say so and pass.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use portcullis::format::bbolt::{BoltError, Database, Event, PageSource, Walked};
use portcullis::format::compress::{GzipReader, StreamFacts};
use portcullis::format::digest::{hex, sha256};
use portcullis::format::time::parse_rfc3339;
use portcullis::format::trivy_db::{JAVA_SCHEMA, Metadata, SCHEMA, Severity, Summary, advisory};
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that is read at any place.
struct OnDisk(File);

impl PageSource for OnDisk {
    fn len(&self) -> u64 {
        self.0.metadata().map_or(0, |meta| meta.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

/// The folder of the databases, where it is there.
fn corpus() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/trivy");
    if corpus.join("cases.json").is_file() {
        return Some(corpus);
    }
    eprintln!("SKIPPED: {} is not there", corpus.display());
    None
}

fn load(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_none_or(|extension| extension != "gz") {
        return bytes;
    }
    let mut plain = Vec::new();
    GzipReader::new(&bytes[..], Arc::new(StreamFacts::default())).read_to_end(&mut plain).unwrap();
    plain
}

fn cases(corpus: &Path) -> Vec<Value> {
    let cases: Value = serde_json::from_slice(&load(&corpus.join("cases.json"))).unwrap();
    let cases: Vec<Value> = cases["cases"].as_array().unwrap().clone();
    cases.into_iter().filter(|case| case["kind"] == "bbolt").collect()
}

/// The names of the buckets in the root, and what was counted.
fn buckets<S: PageSource>(source: S) -> Result<(Vec<String>, Walked), BoltError> {
    let (mut names, mut depth) = (Vec::new(), 0);
    let walked = Database::open(source)?.walk(|event| {
        match event {
            Event::Enter(name) if depth == 0 => names.push(String::from_utf8_lossy(name).into_owned()),
            _ => {}
        }
        match event {
            Event::Enter(_) => depth += 1,
            Event::Leave => depth -= 1,
            Event::Value(..) => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok((names, walked))
}

#[test]
fn databases_of_trivy() {
    let Some(corpus) = corpus() else { return };
    let cases = cases(&corpus);
    assert_eq!(cases.len(), 5);
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let bytes = load(&corpus.join(case["file"].as_str().unwrap()));
        assert_eq!(hex(&sha256(&bytes)), case["sha256"], "{id}");
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let (memory, disk) = (buckets(&bytes[..]), buckets(OnDisk(file)));
        match case["expect"].as_str() {
            Some("error") => {
                let why = memory.unwrap_err();
                assert!(!why.is_medium(), "{id}: {why}");
                assert_eq!(disk.unwrap_err().to_string(), why.to_string());
                assert_eq!(id, "stub-trivy.db");
                assert!(why.to_string().contains("the file has 4 bytes"), "{id}: {why}");
            }
            Some("readable") => {
                let (names, walked) = memory.unwrap_or_else(|why| panic!("{id}: {why}"));
                let expected: Vec<&str> =
                    case["top_level_buckets"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                assert_eq!(names, expected, "{id}");
                assert_eq!(Some(walked.values), case["values"].as_u64(), "{id}");
                assert_eq!(walked.unreferenced, 0, "{id}");
                assert_eq!(disk.unwrap(), (names, walked), "{id}");
                let stated = case["page_size"].as_u64().unwrap_or(4096);
                assert_eq!(u64::from(Database::open(&bytes[..]).unwrap().meta().page_size), stated, "{id}");
            }
            other => panic!("{id}: expect is {other:?}"),
        }
    }
}

// ---- entry for entry -----------------------------------------------------------------------------------------------

/// One line of the dump.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Bucket(usize, Vec<u8>),
    Value(usize, Vec<u8>, Vec<u8>),
}

/// Takes a string as Go's `strconv.Quote` writes it from the front of `text`.
fn unquote(text: &str) -> (Vec<u8>, &str) {
    let mut rest = text.strip_prefix('"').unwrap_or_else(|| panic!("no quote in {text}"));
    let mut bytes = Vec::new();
    loop {
        let next = rest.chars().next().expect("a closing quote");
        rest = &rest[next.len_utf8()..];
        if next == '"' {
            return (bytes, rest);
        }
        if next != '\\' {
            bytes.extend(next.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let (letter, after) = rest.split_at(1);
        let digits = match letter {
            "x" => 2,
            "u" => 4,
            "U" => 8,
            _ => 0,
        };
        rest = &after[digits..];
        match (letter, &after[..digits]) {
            ("x", hex) => bytes.push(u8::from_str_radix(hex, 16).unwrap()),
            ("u" | "U", hex) => {
                let character = char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap();
                bytes.extend(character.encode_utf8(&mut [0; 4]).bytes());
            }
            (letter, _) => {
                let at = "abfnrtv\\\"'".find(letter).unwrap_or_else(|| panic!("\\{letter} is no escape"));
                bytes.push(b"\x07\x08\x0c\n\r\t\x0b\\\"'"[at]);
            }
        }
    }
}

fn dumped(text: &str) -> Vec<Line> {
    let lines = text.lines().map(|line| {
        let bare = line.trim_start_matches(' ');
        let depth = (line.len() - bare.len()) / 2;
        let (key, rest) = unquote(bare);
        match rest.strip_prefix(" = ") {
            Some(value) => {
                let (value, rest) = unquote(value);
                assert_eq!(rest, "", "{line}");
                Line::Value(depth, key, value)
            }
            None => {
                assert_eq!(rest, "/", "{line}");
                Line::Bucket(depth, key)
            }
        }
    });
    lines.collect()
}

#[test]
fn every_entry_is_the_one_that_the_writer_dumped() {
    let Some(corpus) = corpus() else { return };
    let cases: Vec<Value> = cases(&corpus).into_iter().filter(|case| case["dump"].is_string()).collect();
    assert_eq!(cases.len(), 1);
    for case in cases {
        let path = |field: &str| corpus.join(case[field].as_str().unwrap());
        let (bytes, dump) = (load(&path("file")), load(&path("dump")));
        let (mut found, mut depth, mut names) = (Vec::new(), 0, Vec::new());
        let database = Database::open(&bytes[..]).unwrap();
        let visit = |event: Event<'_>| {
            match event {
                Event::Enter(name) => {
                    found.push(Line::Bucket(depth, name.to_vec()));
                    names.push(name.to_vec());
                    depth += 1;
                }
                Event::Value(key, value) => {
                    let buckets: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
                    assert_eq!(database.get(&buckets, key).unwrap().as_deref(), Some(value));
                    found.push(Line::Value(depth, key.to_vec(), value.to_vec()));
                }
                Event::Leave => {
                    names.pop();
                    depth -= 1;
                }
            }
            ControlFlow::Continue(())
        };
        database.walk(visit).unwrap();
        let expected = dumped(std::str::from_utf8(&dump).unwrap());
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected);
        }
    }
}

// ---- damage --------------------------------------------------------------------------------------------------------

/// xorshift64: the same in every run.
fn random(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % below as u64).unwrap()
}

#[test]
fn a_damaged_database_is_read_soundly_or_refused() {
    let Some(corpus) = corpus() else { return };
    for file in ["trivy-a.db.gz", "fanal.db"] {
        let good = load(&corpus.join(file));
        let whole = buckets(&good[..]).unwrap();
        let size = Database::open(&good[..]).unwrap().meta().page_size as usize;
        let mut state = 0x9E37_79B9_7F4A_7C15;
        let mut refused = 0;
        for round in 0..3000 {
            let mut bytes = good.clone();
            // Half of the changes in the first bytes of a page, where headers and elements are.
            let mut at = random(&mut state, good.len());
            if round % 2 == 0 {
                at = at / size * size + at % 256;
            }
            bytes[at] = bytes[at].wrapping_add(1 + u8::try_from(random(&mut state, 255)).unwrap());
            let mut events = 0_usize;
            let outcome = Database::open(&bytes[..]).and_then(|database| {
                database.walk(|_| {
                    events += 1;
                    ControlFlow::Continue(())
                })
            });
            assert!(events < good.len());
            match outcome {
                Ok(walked) => assert!(!walked.stopped),
                Err(why) => {
                    assert!(!why.is_medium(), "{file}, byte {at}: {why}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 100, "{file}: {refused}");
        let end = usize::try_from(Database::open(&good[..]).unwrap().meta().beyond).unwrap();
        for _ in 0..500 {
            let cut = random(&mut state, good.len());
            match buckets(&good[..cut]) {
                Ok(found) => assert!(cut >= good.len() - end && found == whole, "{file} cut to {cut}"),
                Err(why) => assert!(cut < good.len() - end && !why.is_medium(), "{file} cut to {cut}: {why}"),
            }
        }
    }
}

// ---- meaning -------------------------------------------------------------------------------------------------------

#[test]
fn what_the_databases_mean() {
    let Some(corpus) = corpus() else { return };
    let bytes = load(&corpus.join("trivy-a.db.gz"));
    let dump = load(&corpus.join("trivy-a.dump.txt.gz"));
    let dump = std::str::from_utf8(&dump).unwrap();
    let database = Database::open(&bytes[..]).unwrap();
    let summary = Summary::of(&database).unwrap();
    for severity in Severity::ALL {
        let word = format!(r#"\"Severity\":\"{}\""#, severity.name());
        let expected = dump.matches(&word).count() as u64;
        assert_eq!(summary.vulnerabilities.get(&severity), Some(&expected), "{severity:?}");
    }
    let below = |name: &str| {
        let lines = dump.lines().skip_while(|line| *line != format!("\"{name}\"/")).skip(1);
        lines.take_while(|line| line.starts_with(' ')).filter(|line| line.contains(" = ")).count() as u64
    };
    assert_eq!(summary.data_sources.len() as u64, below("data-source"));
    assert_eq!(summary.data_sources["debian 10"].id, "debian");
    let expected = dump.lines().filter(|line| line.ends_with('/') && line.starts_with('"')).count() - 2;
    assert_eq!(summary.platforms.len(), expected);
    for (name, platform) in &summary.platforms {
        assert_eq!(platform.advisories, below(name), "{name}");
    }
    assert_eq!((summary.malformed, summary.misplaced, summary.faults.len()), (0, 0, 0));

    let finding = advisory(&database, "CVE-2019-1559").unwrap();
    assert_eq!(finding.vulnerability.unwrap().severity, Some(Severity::Medium));
    let found: Vec<String> = finding
        .affected
        .iter()
        .map(|affected| {
            format!("{}/{} {} {}", affected.platform, affected.package, affected.advisory, affected.fixed.join(" "))
        })
        .collect();
    let expected = [
        "Red Hat/openssl RHSA-2019:2304 1:1.0.2k-19.el7",
        "Red Hat/openssl RHSA-2019:2471 0:1.0.1e-58.el6_10",
        "Red Hat/openssl-libs RHSA-2019:2304 1:1.0.2k-19.el7",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_database_of_another_use_has_no_advisories() {
    let Some(corpus) = corpus() else { return };
    let bytes = load(&corpus.join("broken-layer.db"));
    let summary = Summary::of(&Database::open(&bytes[..]).unwrap()).unwrap();
    assert_eq!((summary.advisory_count(), summary.vulnerability_count(), summary.misplaced), (0, 0, 1));
}

#[test]
fn metadata_of_trivy() {
    let Some(corpus) = corpus() else { return };
    let at = parse_rfc3339("2025-01-02T12:00:00Z").unwrap();
    for (file, schema, overdue) in
        [("trivy-a.metadata.json", SCHEMA, Some(43_200)), ("trivy-java.metadata.json", JAVA_SCHEMA, None)]
    {
        let metadata = Metadata::parse(&load(&corpus.join(file))).unwrap_or_else(|why| panic!("{file}: {why}"));
        assert_eq!((metadata.version, metadata.unknown.len()), (schema, 0), "{file}");
        assert_eq!(metadata.implausible(schema, at), [], "{file}");
        assert_eq!(metadata.overdue_seconds(at), overdue, "{file}");
    }
}

// ---- the program ---------------------------------------------------------------------------------------------------

/// Runs `inspect --json`: the exit code, and the report.
fn inspected(input: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let input = input.to_str().unwrap();
    let args = [&["inspect", input, "--json", "--at", "2025-01-02T12:00:00Z"], more].concat();
    let output = support::run(&args);
    let report = support::json(&output).unwrap_or_else(|why| panic!("{input}: {why}"));
    (output.status.code(), report)
}

/// The row of `trivy-database`: its status.
fn judged(report: &Value) -> Option<&str> {
    let rows = report["checks"].as_array().unwrap();
    rows.iter().find(|row| row["id"] == "trivy-database").and_then(|row| row["status"].as_str())
}

#[test]
fn the_program_tells_what_each_file_of_the_corpus_holds() {
    let Some(corpus) = corpus() else { return };
    let all: Value = serde_json::from_slice(&load(&corpus.join("cases.json"))).unwrap();
    let all = all["cases"].as_array().unwrap();
    let files: Vec<&Value> = all.iter().filter(|case| case["file"].is_string()).collect();
    assert_eq!(files.len(), 6);
    for case in files {
        let id = case["id"].as_str().unwrap();
        let (code, report) = inspected(&corpus.join(case["file"].as_str().unwrap()), &[]);
        if case["expect"] == "error" {
            assert_eq!((id, code), ("stub-trivy.db", Some(24)));
            assert!(report.get("trivy").is_none(), "{id}");
            continue;
        }
        assert_eq!(code, Some(0), "{id}");
        let databases = report["trivy"]["databases"].as_array().unwrap();
        let [database] = databases.as_slice() else { panic!("{id}: {databases:?}") };
        let java = case["kind"] == "sqlite3";
        let engine = if java { "sqlite" } else { "bbolt" };
        let mut container = vec![engine];
        if case["compressed"] == "gzip" {
            container.insert(0, "gzip");
        }
        assert_eq!(report["subject"]["container"], Value::from(container), "{id}");
        assert_eq!(report["kind"]["id"], if java { "trivy:java-db" } else { "trivy:db" }, "{id}");
        assert_eq!(report["entries"][0]["sha256"], case["sha256"], "{id}");
        assert_eq!(database["error"], Value::Null, "{id}");
        // Two of the files are other uses of the format.
        let sound = java || id.starts_with("trivy-a");
        assert_eq!(judged(&report), Some(if sound { "pass" } else { "fail" }), "{id}");
        let expected = if java { "java-index" } else { ["other", "vulnerabilities"][usize::from(sound)] };
        assert_eq!(database["type"], expected, "{id}");
        if java {
            assert_eq!(database["rows"], case["rows"], "{id}");
            assert_eq!(database.get("buckets"), None, "{id}");
        } else {
            assert_eq!(database["buckets"], case["top_level_buckets"], "{id}");
            assert_eq!(database["values"], case["values"], "{id}");
            assert_eq!(database.get("rows"), None, "{id}");
        }
    }
}

#[test]
fn the_program_reads_the_layers_of_the_layouts() {
    let Some(corpus) = corpus() else { return };
    let (code, report) = inspected(&corpus.join("trivy-db-a.oci"), &[]);
    assert_eq!((code, judged(&report)), (Some(0), Some("pass")));
    assert_eq!(report["kind"]["id"], "trivy:oci");
    let (_, alone) = inspected(&corpus.join("trivy-a.db.gz"), &[]);
    let (layered, alone) = (&report["trivy"]["databases"][0], &alone["trivy"]["databases"][0]);
    let path = layered["path"].as_str().unwrap();
    assert!(path.starts_with("blobs/sha256/") && path.ends_with("!/trivy.db"), "{path}");
    for member in ["type", "size", "buckets", "values", "vulnerabilities", "advisories", "data_sources", "malformed"] {
        assert_eq!(layered[member], alone[member], "{member}");
    }
    assert_eq!((&layered["schema"], &alone["schema"]), (&Value::from(SCHEMA), &Value::Null));
    assert_eq!(layered["updated_at"], "2025-01-01T00:00:00Z");
    assert_eq!((&layered["age_seconds"], &layered["overdue_seconds"]), (&129_600.into(), &43_200.into()));

    let (code, report) = inspected(&corpus.join("trivy-java-db.oci"), &[]);
    assert_eq!((code, judged(&report)), (Some(0), Some("pass")));
    let index = &report["trivy"]["databases"][0];
    assert_eq!((&index["type"], &index["schema"]), (&Value::from("java-index"), &Value::from(JAVA_SCHEMA)));
    assert_eq!((&index["rows"]["artifacts"], &index["rows"]["indices"]), (&1.into(), &1.into()));
    assert_eq!((&index["updated_at"], &index["age_seconds"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_program_looks_up_one_vulnerability() {
    let Some(corpus) = corpus() else { return };
    let dump = load(&corpus.join("trivy-a.dump.txt.gz"));
    let (mut buckets, mut record) = (Vec::new(), Value::Null);
    let mut fixed = Vec::new();
    for line in dumped(std::str::from_utf8(&dump).unwrap()) {
        match line {
            Line::Bucket(depth, name) => {
                buckets.truncate(depth);
                buckets.push(String::from_utf8(name).unwrap());
            }
            Line::Value(depth, key, value) => {
                buckets.truncate(depth);
                let value: Value = serde_json::from_slice(&value).unwrap_or_default();
                if buckets == ["vulnerability"] && key == b"CVE-2019-1559" {
                    record = value;
                    continue;
                }
                for entry in value["Entries"].as_array().into_iter().flatten() {
                    let cves = entry["Cves"].as_array().into_iter().flatten();
                    if cves.into_iter().any(|cve| cve["ID"] == "CVE-2019-1559") {
                        let key = String::from_utf8(key.clone()).unwrap();
                        let version = entry["FixedVersion"].as_str().unwrap();
                        fixed.push(format!("{} {key} {version}", buckets.join("/")));
                    }
                }
            }
        }
    }
    for input in ["trivy-a.db.gz", "trivy-db-a.oci"] {
        let (code, report) = inspected(&corpus.join(input), &["--advisory", "CVE-2019-1559"]);
        let advisory = &report["trivy"]["advisory"];
        assert_eq!((code, &advisory["id"], &advisory["found"]), (Some(0), &"CVE-2019-1559".into(), &true.into()));
        assert_eq!(advisory["searched"][0], report["trivy"]["databases"][0]["path"]);
        for (member, field) in [
            ("title", "Title"),
            ("severity", "Severity"),
            ("weaknesses", "CweIDs"),
            ("published", "PublishedDate"),
            ("modified", "LastModifiedDate"),
        ] {
            assert_eq!(advisory[member], record[field], "{member}");
        }
        // Long texts are cut; what is shown is how it begins.
        let (shown, stated) = (advisory["description"].as_str().unwrap(), record["Description"].as_str().unwrap());
        assert!(stated.starts_with(shown) && shown.len() > 500, "{shown}");
        let mut found: Vec<String> = Vec::new();
        for affected in advisory["affected"].as_array().unwrap() {
            let text = |member: &str| affected[member].as_str().unwrap();
            assert_eq!(affected["fixed"].as_array().unwrap().len(), 1);
            let fixed = affected["fixed"][0].as_str().unwrap();
            found.push(format!("{}/{} {} {fixed}", text("platform"), text("package"), text("advisory")));
        }
        assert_eq!(found, fixed, "{input}");
        assert_eq!(found.len(), 3);

        let (code, report) = inspected(&corpus.join(input), &["--advisory", "CVE-2099-1"]);
        let advisory = &report["trivy"]["advisory"];
        assert_eq!((code, &advisory["found"]), (Some(0), &false.into()));
        assert_eq!(advisory["searched"].as_array().unwrap().len(), 1);
    }
    // No answer is not the answer that it is not there.
    for (input, unread) in [("trivy-java.db", 0), ("fanal.db", 1), ("stub-trivy.db", 0)] {
        let (_, report) = inspected(&corpus.join(input), &["--advisory", "CVE-2019-1559"]);
        let advisory = &report["trivy"]["advisory"];
        assert_eq!((&advisory["found"], &advisory["searched"]), (&false.into(), &Value::Array(Vec::new())), "{input}");
        assert_eq!(advisory["unread"].as_array().unwrap().len(), unread, "{input}");
        let text = support::run(&["inspect", corpus.join(input).to_str().unwrap(), "--advisory", "CVE-2019-1559"]);
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.contains("\nCVE-2019-1559\n  nothing is known of it: "), "{input}: {text}");
    }
}
