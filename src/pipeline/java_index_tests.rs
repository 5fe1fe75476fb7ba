//! Java indexes that are built here by SQLite itself, and what becomes of them when they are bad.

use super::*;
use std::path::PathBuf;
use tempfile::TempDir;

const TABLES: &str = "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
    CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT, foreign key (artifact_id) references artifacts(id));";
const INDEXES: &str = "CREATE UNIQUE INDEX artifacts_idx ON artifacts(artifact_id, group_id);
    CREATE INDEX indices_artifact_idx ON indices(artifact_id);
    CREATE UNIQUE INDEX indices_sha1_idx ON indices(sha1);";

fn read(path: &Path) -> Result<JavaIndex, JavaError> {
    super::read(path, &|| ())
}

/// A database of `count` artifacts with three files each, and then whatever `more` does to it.
fn built(name: &str, count: u32, more: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let database = Connection::open(&path).unwrap();
    database.execute_batch(&format!("PRAGMA page_size=1024; {TABLES} {INDEXES} BEGIN;")).unwrap();
    for id in 1..=count {
        let artifact = (id, format!("org.example.g{}", id / 7), format!("artifact-{id}"));
        database.execute("INSERT INTO artifacts VALUES(?,?,?)", artifact).unwrap();
        for (file, kind) in ["jar", "jar", "aar"].into_iter().enumerate() {
            let sha1 = &crate::format::digest::sha256(format!("{id}/{file}").as_bytes())[..20];
            let values = (id, format!("1.{file}"), sha1, kind);
            database.execute("INSERT INTO indices VALUES(?,?,?,?)", values).unwrap();
        }
    }
    database.execute_batch(&format!("COMMIT; {more}")).unwrap();
    drop(database);
    (folder, path)
}

/// The index that lies beside the project, where it is there.
fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/trivy/trivy-java.db");
    if path.is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not there", path.display());
    None
}

fn refusal(more: &str) -> String {
    let (_folder, path) = built("x.db", 3, more);
    let why = read(&path).unwrap_err();
    assert!(!why.is_medium(), "{why}");
    why.to_string()
}

fn counts(types: &[(&str, u64)]) -> BTreeMap<String, u64> {
    types.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn a_good_index_is_counted() {
    // A name with everything that means something in a URI.
    let (_folder, path) = built("a b%41?mode=rwc&x#y;=é.db", 500, "");
    let index = read(&path).unwrap();
    assert_eq!((index.artifacts(), index.indices(), index.dangling, index.malformed), (500, 1500, 0, 0));
    assert_eq!(index.archive_types, counts(&[("jar", 1000), ("aar", 500)]));
    assert_eq!((index.header.page_size, index.header.bytes()), (1024, std::fs::metadata(&path).unwrap().len()));
    assert_eq!(index.indexes.len(), 3);
    assert!(index.is_searchable() && index.indexes["indices_sha1_idx"].unique);
    let beside = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 1, "nothing is written beside the database");
}

#[test]
fn the_index_of_the_corpus_is_counted() {
    let Some(path) = corpus() else { return };
    let index = read(&path).unwrap();
    assert_eq!((index.artifacts(), index.indices(), index.dangling, index.malformed), (1, 1, 0, 0));
    assert_eq!((index.archive_types, index.other_archive_types), (counts(&[("jar", 1)]), 0));
    assert_eq!((index.header.page_size, index.header.pages), (4096, 5));
}

#[test]
fn what_sqlite_adds_is_harmless() {
    let (_folder, path) = built("x.db", 20, "ANALYZE; VACUUM");
    let index = read(&path).unwrap();
    assert_eq!((index.artifacts(), index.indices()), (20, 60));
    assert!(index.tables["sqlite_stat1"] > 0 && index.tables["sqlite_stat4"] > 0, "{:?}", index.tables);
}

#[test]
fn an_empty_index_is_an_index() {
    let (_folder, path) = built("x.db", 0, "DROP INDEX indices_sha1_idx");
    let index = read(&path).unwrap();
    assert_eq!((index.artifacts(), index.indices(), index.is_searchable()), (0, 0, false));
}

#[test]
fn whatever_else_a_schema_defines_is_refused_by_name() {
    for (more, words) in [
        ("CREATE VIEW spy AS SELECT 1", ["view", "\"spy\""]),
        ("CREATE TRIGGER spy AFTER INSERT ON indices BEGIN SELECT 1; END", ["trigger", "\"spy\""]),
        ("CREATE VIRTUAL TABLE spy USING fts5(a)", ["table", "spy"]),
        ("CREATE VIRTUAL TABLE spy USING rtree(a,b,c)", ["table", "spy"]),
        ("CREATE TABLE spy(a)", ["table", "\"spy\""]),
        ("CREATE TABLE spy(a INTEGER PRIMARY KEY AUTOINCREMENT)", ["table", "\"spy\""]),
        ("CREATE INDEX spy ON indices(lower(version))", ["index", "\"spy\""]),
        ("CREATE INDEX spy ON indices(version) WHERE version > 'a'", ["index", "\"spy\""]),
        ("CREATE INDEX spy ON indices(version COLLATE NOCASE)", ["index", "\"spy\""]),
        ("CREATE INDEX spy ON indices(version DESC)", ["index", "\"spy\""]),
        ("ALTER TABLE indices ADD COLUMN spy TEXT", ["table \"indices\"", "another way"]),
        ("ALTER TABLE indices ADD COLUMN spy AS (length(version))", ["table \"indices\"", "another way"]),
        ("DROP TABLE indices", ["no table", "\"indices\""]),
        (
            "DROP TABLE indices; CREATE TABLE indices(artifact_id INTEGER, version TEXT CHECK(version > 'a'), sha1 BLOB, archive_type TEXT)",
            ["\"indices\"", "another way"],
        ),
    ] {
        let why = refusal(more);
        assert!(words.iter().all(|word| why.contains(word)), "{more}: {why}");
    }
}

#[test]
fn rows_that_trivy_does_not_write_are_counted() {
    let (_folder, path) = built(
        "x.db",
        2,
        "PRAGMA foreign_keys=OFF; INSERT INTO indices VALUES(99, '1', x'00', 'jar'), (1, NULL, zeroblob(20), 'war'), (1, '2', NULL, NULL);
         INSERT INTO artifacts VALUES(3, 'g', NULL)",
    );
    let index = read(&path).unwrap();
    assert_eq!((index.indices(), index.dangling, index.malformed), (9, 1, 4));
    assert_eq!(index.archive_types, counts(&[("", 1), ("jar", 5), ("aar", 2), ("war", 1)]));
}

#[test]
fn archive_types_without_end_are_added_up() {
    let more = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) \
                INSERT INTO indices SELECT 1, '1', CAST(printf('%020d', i) AS BLOB), 'type ' || i FROM n";
    let (_folder, path) = built("x.db", 1, more);
    let index = read(&path).unwrap();
    assert_eq!(index.archive_types.len(), MAX_ARCHIVE_TYPES);
    assert_eq!(index.archive_types.values().sum::<u64>() + index.other_archive_types, index.indices());
    assert_eq!((index.indices(), index.malformed), (103, 0));
}

#[test]
fn an_index_that_differs_from_its_table_is_found() {
    // The index is of the one table and the rows of the other: SQLite is told that another page is the root.
    let (_folder, path) = built("x.db", 30, "DELETE FROM indices WHERE rowid = 7");
    let (_other, whole) = built("x.db", 30, "");
    let rootpage = |path: &Path| -> i64 {
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'indices_artifact_idx'";
        Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(rootpage(&path), rootpage(&whole));
    let (mut bytes, from) = (std::fs::read(&path).unwrap(), std::fs::read(&whole).unwrap());
    let page = usize::try_from(rootpage(&path)).unwrap() - 1;
    bytes[page * 1024..(page + 1) * 1024].copy_from_slice(&from[page * 1024..(page + 1) * 1024]);
    std::fs::write(&path, bytes).unwrap();
    let why = read(&path).unwrap_err().to_string();
    assert!(why.contains("indices_artifact_idx"), "{why}");
}

#[test]
fn keys_out_of_order_are_found() {
    // Two digests exchange their places in the index, not in the table; quick_check alone does not see it.
    let (_folder, path) = built("x.db", 8, "");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = |file: &str| {
        let sha1 = crate::format::digest::sha256(file.as_bytes())[..20].to_vec();
        let places: Vec<usize> = (0..bytes.len() - 20).filter(|at| bytes[*at..at + 20] == sha1[..]).collect();
        assert_eq!(places.len(), 2);
        places
    };
    let (one, two) = (at("3/0"), at("5/1"));
    // Entries of the index end with the number of the row, those of the table go on with the archive type.
    let index = |places: &[usize]| *places.iter().find(|at| !bytes[**at + 20..].starts_with(b"jar")).unwrap();
    let (one, two) = (index(&one), index(&two));
    for offset in 0..20 {
        bytes.swap(one + offset, two + offset);
    }
    std::fs::write(&path, bytes).unwrap();
    assert!(Reader::open(&path, &header(&path).unwrap()).unwrap().quick_check().is_ok());
    let why = read(&path).unwrap_err().to_string();
    assert!(why.contains("indices_sha1_idx") && why.contains("order"), "{why}");
}

#[test]
fn text_from_the_file_is_escaped_in_messages() {
    let why = refusal("CREATE TABLE \"a\u{1b}[31m\nb\"(x)");
    assert!(!why.contains(['\u{1b}', '\n']), "{why:?}");
    assert!(quoted(&"é".repeat(5000)).len() < 600);
}

#[test]
fn write_ahead_mode_is_refused() {
    let why = refusal("PRAGMA journal_mode=WAL");
    assert!(why.contains("write-ahead"), "{why}");
}

#[test]
fn text_of_sixteen_bits_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    Connection::open(&path).unwrap().execute_batch(&format!("PRAGMA encoding='UTF-16le'; {TABLES}")).unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("UTF-16"));
}

#[test]
fn a_truncated_or_longer_file_is_refused() {
    let (_folder, path) = built("x.db", 60, "");
    let bytes = std::fs::read(&path).unwrap();
    let lengths = (0..bytes.len()).step_by(1024).chain([1, 99, 100, 511, 1023, bytes.len() - 1]);
    for length in lengths {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let why = read(&path).unwrap_err();
        assert!(matches!(why, JavaError::Header(_)), "{length} bytes: {why}");
    }
    for more in [1, 1024, 4096] {
        std::fs::write(&path, [&bytes[..], &vec![0; more]].concat()).unwrap();
        assert!(matches!(read(&path), Err(JavaError::Header(_))), "{more} bytes more");
    }
    // The same with a header that knows of it: the tables are then damaged.
    for pages in 1..u32::try_from(bytes.len() / 1024).unwrap() {
        let mut short = bytes[..pages as usize * 1024].to_vec();
        short[28..32].copy_from_slice(&pages.to_be_bytes());
        std::fs::write(&path, short).unwrap();
        let why = read(&path).unwrap_err();
        assert!(!why.is_medium(), "{pages} pages: {why}");
    }
}

#[test]
fn a_file_that_is_not_there_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    assert!(read(&folder.path().join("nothing.db")).unwrap_err().is_medium());
}

#[test]
fn rows_without_end_are_not_waited_for() {
    // Many rows of nothing at all need far more steps for a byte than honest ones, and still end.
    let more = "DROP INDEX indices_sha1_idx; DROP INDEX indices_artifact_idx; \
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
                INSERT INTO indices SELECT NULL, NULL, NULL, NULL FROM n";
    let (_folder, path) = built("x.db", 1, more);
    let index = read(&path).unwrap();
    assert_eq!((index.indices(), index.malformed, index.dangling), (100_003, 100_000, 100_000));
    // And a walk that is longer than its budget is stopped.
    let mut reader = Reader::open(&path, &header(&path).unwrap()).unwrap();
    reader.steps = 10_000;
    reader.confine().unwrap();
    let why = reader.each("SELECT version FROM indices", |_| Ok(())).unwrap_err();
    assert!(matches!(why, JavaError::Limit(_)) && why.to_string().contains("10000 steps"), "{why}");
}

#[test]
fn a_huge_value_is_not_read() {
    let why = refusal("INSERT INTO indices VALUES(1, CAST(zeroblob(1100000) AS TEXT), x'01', 'jar')");
    assert!(why.contains("allowed to read"), "{why}");
}

// ---- damage --------------------------------------------------------------------------------------------------------

/// xorshift64: the same in every run.
fn random(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % below as u64).unwrap()
}

/// A thousand times one byte of `good` is changed; its pages have `page` bytes. How many of these were refused.
fn damaged(good: &[u8], page: usize) -> u32 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    std::fs::write(&path, good).unwrap();
    let whole = read(&path).unwrap();
    let (mut state, mut refused) = (0x9E37_79B9_7F4A_7C15, 0);
    for round in 0..1000 {
        let mut bytes = good.to_vec();
        // Half of the changes in the first bytes of a page, where headers and pointers are.
        let mut at = random(&mut state, good.len());
        if round % 2 == 0 {
            at = at / page * page + at % 128;
        }
        bytes[at] = bytes[at].wrapping_add(1 + u8::try_from(random(&mut state, 255)).unwrap());
        std::fs::write(&path, bytes).unwrap();
        match read(&path) {
            Ok(index) => assert_eq!(index.tables, whole.tables, "byte {at}"),
            Err(why) => {
                assert!(!why.is_medium(), "byte {at}: {why}");
                refused += 1;
            }
        }
    }
    refused
}

#[test]
fn a_damaged_index_is_refused_or_has_all_its_rows() {
    let (_folder, path) = built("x.db", 40, "");
    let refused = damaged(&std::fs::read(&path).unwrap(), 1024);
    assert!(refused > 250, "{refused}");
    if let Some(path) = corpus() {
        let refused = damaged(&std::fs::read(path).unwrap(), 4096);
        assert!(refused > 100, "{refused}");
    }
}
