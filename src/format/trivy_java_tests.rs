//! The header and the schema of a Java index, without a database.

use super::*;

/// The header of a database of three pages of 1024 bytes.
fn header() -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..16].copy_from_slice(b"SQLite format 3\0");
    bytes[16..24].copy_from_slice(&[4, 0, 1, 1, 0, 64, 32, 32]);
    for (at, value) in [(24, 7_u32), (28, 3), (40, 5), (44, 4), (56, 1), (92, 7), (96, 3_045_001)] {
        bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
    bytes
}

#[test]
fn a_header_is_read() {
    let read = Header::parse(&header(), 3072).unwrap();
    assert_eq!((read.page_size, read.pages, read.bytes(), read.free_pages), (1024, 3, 3072, 0));
    assert_eq!((read.change_counter, read.schema_cookie, read.auto_vacuum, read.writer), (7, 5, false, 3_045_001));
    let mut largest = header();
    largest[16..18].copy_from_slice(&[0, 1]);
    assert_eq!(Header::parse(&largest, 3 << 16).unwrap().page_size, 65536);
}

#[test]
fn every_field_that_could_be_wrong_is_looked_at() {
    for (at, value, words) in [
        (0, 0, "does not begin"),
        (15, 1, "does not begin"),
        (16, 5, "page size is 1280"),
        (16, 1, "page size is 256"),
        (16, 0, "page size is 0"),
        (18, 2, "write-ahead"),
        (19, 2, "write-ahead"),
        (19, 3, "versions 1 and 3"),
        (20, 8, "set aside"),
        (21, 65, "fractions"),
        (27, 8, "bytes 24 and 92"),
        (31, 0, "bytes 24 and 92"),
        (31, 2, "states 2 pages"),
        (28, 255, "the limit is"),
        (39, 3, "said to be free"),
        (47, 0, "schema has format 0"),
        (47, 5, "schema has format 5"),
        (59, 0, "encoding is 0"),
        (59, 2, "UTF-16"),
        (72, 1, "bytes 72 to 91"),
        (91, 1, "bytes 72 to 91"),
    ] {
        let mut bytes = header();
        bytes[at] = value;
        let why = Header::parse(&bytes, 3072).unwrap_err();
        assert!(why.to_string().contains(words) && !why.is_medium(), "byte {at} = {value}: {why}");
    }
    for size in [0, 100, 3071, 3073, 4096] {
        assert!(Header::parse(&header(), size).unwrap_err().to_string().contains(&size.to_string()));
    }
    assert!(Header::parse(&header()[..99], 99).unwrap_err().to_string().contains("has 99"));
    assert!(matches!(Header::parse(&header(), u64::MAX), Err(JavaError::Limit(_))));
}

fn object(kind: &str, name: &str, table: &str, root: i64, sql: &str) -> Object {
    Object { kind: kind.into(), name: name.into(), table: table.into(), root, sql: sql.into() }
}

fn trivy() -> Vec<Object> {
    let artifacts = "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT)";
    let indices = "CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT, \
                   foreign key (artifact_id) references artifacts(id))";
    vec![
        object("table", "artifacts", "artifacts", 2, artifacts),
        object("table", "indices", "indices", 3, indices),
        object(
            "index",
            "artifacts_idx",
            "artifacts",
            4,
            "CREATE UNIQUE INDEX artifacts_idx ON artifacts(artifact_id, group_id)",
        ),
    ]
}

/// The schema with `change` made to it.
fn judged(change: impl FnOnce(&mut Vec<Object>)) -> Result<Schema, String> {
    let mut objects = trivy();
    change(&mut objects);
    Schema::judge(&objects).map_err(|why| why.to_string())
}

#[test]
fn the_schema_of_trivy_is_known_however_it_is_spaced() {
    let schema = judged(|_| ()).unwrap();
    assert_eq!(schema.tables, ["artifacts", "indices"]);
    let index = Index { table: ARTIFACTS, columns: vec!["artifact_id", "group_id"], unique: true };
    assert_eq!(schema.indexes["artifacts_idx"], index);
    for sql in [
        "create table artifacts\n(\tid integer primary key,\r\n group_id text,artifact_id text )",
        "CREATE TABLE \"artifacts\"([id] INTEGER PRIMARY KEY, `group_id` TEXT, ARTIFACT_ID TEXT)",
    ] {
        assert!(judged(|objects| objects[0].sql = sql.into()).is_ok(), "{sql}");
    }
}

#[test]
fn definitions_that_are_not_word_for_word_are_refused() {
    for sql in [
        "",
        "CREATE TABLE artifacts(id INTEGER, group_id TEXT, artifact_id TEXT)",
        "CREATE TABLE artifacts(id INTEGER \"PRIMARY\" KEY, group_id TEXT, artifact_id TEXT)",
        "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT) STRICT",
        "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT) WITHOUT ROWID",
        "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT DEFAULT (1))",
        "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT) -- x",
        "CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, \"artifact_id TEXT)",
        "CREATE VIRTUAL TABLE artifacts USING fts5(id)",
        "CREATE TABLE indices(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT)",
    ] {
        let why = judged(|objects| objects[0].sql = sql.into()).unwrap_err();
        assert!(why.contains("\"artifacts\""), "{sql}: {why}");
    }
    for sql in [
        "",
        "CREATE INDEX other ON artifacts(id)",
        "CREATE INDEX artifacts_idx ON indices(sha1)",
        "CREATE INDEX artifacts_idx ON artifacts()",
        "CREATE INDEX artifacts_idx ON artifacts(id,)",
        "CREATE INDEX artifacts_idx ON artifacts(id,id)",
        "CREATE INDEX artifacts_idx ON artifacts(sha1)",
        "CREATE INDEX artifacts_idx ON artifacts(id desc)",
        "CREATE INDEX artifacts_idx ON artifacts(id) WHERE id",
        "CREATE INDEX artifacts_idx ON artifacts(id+1)",
    ] {
        let why = judged(|objects| objects[2].sql = sql.into()).unwrap_err();
        assert!(why.contains("\"artifacts_idx\""), "{sql}: {why}");
    }
}

#[test]
fn what_is_too_much_or_missing_is_named() {
    let more = |object: Object| judged(|objects| objects.push(object)).unwrap_err();
    assert!(more(object("view", "spy", "spy", 0, "CREATE VIEW spy AS SELECT 1")).contains("the view \"spy\""));
    assert!(more(object("trigger", "spy", "indices", 0, "")).contains("the trigger \"spy\""));
    assert!(more(object("spell", "spy", "spy", 0, "")).contains("unknown kind \"spy\""));
    assert!(more(object("table", "spy", "spy", 5, "CREATE TABLE spy(a)")).contains("none of Trivy's"));
    assert!(more(object("index", "sqlite_autoindex_indices_1", "indices", 5, "")).contains("autoindex"));
    assert!(more(trivy().remove(0)).contains("\"artifacts\""));
    assert!(more(trivy().remove(2)).contains("\"artifacts_idx\""));
    assert!(more(object("index", "x", "indices", 3, "CREATE INDEX x ON indices(sha1)")).contains("no page of its own"));
    let why = judged(|objects| drop(objects.remove(1))).unwrap_err();
    assert!(why.contains("no table \"indices\""), "{why}");
    assert!(judged(Vec::clear).is_err());
}

#[test]
fn only_a_medium_is_a_medium() {
    assert!(JavaError::Medium(io::ErrorKind::TimedOut.into()).is_medium());
    assert!(!JavaError::Damaged("x".into()).is_medium());
}
