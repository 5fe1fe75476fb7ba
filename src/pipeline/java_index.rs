//! Reads a Trivy Java index from a file, by SQLite.
//!
//! | attack | answer |
//! | --- | --- |
//! | a file that is longer or shorter than it says, or whose latest content would lie in a second file | refused by its header, before SQLite sees it |
//! | code in the database: views, triggers, virtual tables, expressions in tables and indexes | the schema is compared word for word before a table is read; SQLite itself is told to trust no schema, to run no trigger or view and to write nothing |
//! | pages in two trees, cycles, pages that nobody owns, keys of a table out of order | `PRAGMA quick_check` |
//! | an index that says something else than its table, so that Trivy finds other files than a walk | each index is compared with its table, row for row, and its order with that of a search |
//! | rows without end, huge values, a schema of thousands of tables | limits on steps (from the size of the file), on values, on objects, on memory |
//!
//! An index could be compared by `PRAGMA integrity_check`, which searches each index for each row: 17 times the time of
//! `quick_check` with three million rows, and worse with more. One walk over each index, in its own order, shows as much.

use crate::format::trivy_java::{
    ARTIFACTS, CACHE, FREE_STEPS, HEADER_BYTES, Header, INDICES, Index, JavaError, JavaIndex, MAX_ARCHIVE_TYPE,
    MAX_ARCHIVE_TYPES, MAX_HEAP, MAX_OBJECTS, MAX_ROW, Object, STEPS_PER_BYTE, Schema, Table, quoted,
};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, ffi};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Steps of the virtual machine between two looks at how many there were.
const STRIDE: i32 = 1000;

/// Reads the database at `path`, from its first page to its last.
///
/// `path` is a private file of ours that nobody changes meanwhile; what is in it is untrusted. Once `opened` is called, the
/// name is not needed any more. No other file is opened,
/// and none is written. Takes about three seconds for 280 MB, and [`CACHE`] bytes of memory and a little more.
///
/// # Errors
/// [`JavaError`] where the file is no Java index, where it is damaged, where it is over a limit, and where the medium fails.
pub(super) fn read(path: &Path, opened: &dyn Fn()) -> Result<JavaIndex, JavaError> {
    let header = header(path)?;
    let database = Reader::open(path, &header)?;
    let objects = database.objects()?;
    opened();
    let schema = Schema::judge(&objects)?;
    database.quick_check()?;
    let mut index = JavaIndex {
        header,
        tables: BTreeMap::new(),
        indexes: schema.indexes,
        archive_types: BTreeMap::new(),
        other_archive_types: 0,
        dangling: 0,
        malformed: 0,
    };
    for name in schema.tables {
        let rows = match name {
            _ if name == ARTIFACTS.name => database.artifacts(&mut index)?,
            _ if name == INDICES.name => database.indices(&mut index)?,
            _ => database.each(&format!("SELECT 1 FROM {name}"), |_| Ok(()))?,
        };
        index.tables.insert(name.to_owned(), rows);
    }
    Ok(index)
}

/// The header, from the file as it lies there.
fn header(path: &Path) -> Result<Header, JavaError> {
    let file = File::open(path).map_err(JavaError::Medium)?;
    let size = file.metadata().map_err(JavaError::Medium)?.len();
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    file.take(HEADER_BYTES as u64).read_to_end(&mut bytes).map_err(JavaError::Medium)?;
    Header::parse(&bytes, size)
}

/// The name under which SQLite opens `path` for reading only, as a file that does not change: without locks, and without
/// looking for journals beside it. Every byte that could mean something in a URI is escaped.
fn uri(path: &Path) -> Result<String, JavaError> {
    let absolute = std::path::absolute(path).map_err(JavaError::Medium)?;
    let mut uri = String::from("file://");
    for byte in absolute.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(*byte)),
            _ => write!(uri, "%{byte:02X}").unwrap_or_default(),
        }
    }
    uri.push_str("?mode=ro&immutable=1");
    Ok(uri)
}

/// An open database on which nothing can be changed and little can be spent.
struct Reader {
    connection: Connection,
    /// Steps that the reading may take in all.
    steps: u64,
}

impl Reader {
    fn open(path: &Path, header: &Header) -> Result<Self, JavaError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let steps = FREE_STEPS.saturating_add(header.bytes().saturating_mul(STEPS_PER_BYTE));
        let connection = Connection::open_with_flags(uri(path)?, flags).map_err(|error| told(&error, steps))?;
        let mut reader = Reader { connection, steps };
        reader.confine().map_err(|error| told(&error, steps))?;
        Ok(reader)
    }

    /// Sets every limit before the first page is read.
    fn confine(&mut self) -> rusqlite::Result<()> {
        let connection = &mut self.connection;
        for (limit, value) in LIMITS {
            connection.set_limit(limit, value)?;
        }
        for (setting, value) in SETTINGS {
            connection.set_db_config(setting, value)?;
        }
        let (mut taken, most) = (0_u64, self.steps);
        let stop = move || {
            taken = taken.saturating_add(u64::from(STRIDE.unsigned_abs()));
            taken > most
        };
        connection.progress_handler(STRIDE, Some(stop))?;
        // The size of the cache is the first that reads the schema, so it comes last: the file can ask for a cache itself.
        for (pragma, value) in [
            ("hard_heap_limit", MAX_HEAP.cast_signed()),
            ("trusted_schema", 0),
            ("query_only", 1),
            ("cell_size_check", 1),
            ("mmap_size", 0),
            ("temp_store", 2),
            ("cache_size", -(CACHE / 1024).cast_signed()),
        ] {
            // Some answer with a row and some with none; both are right.
            connection.pragma(None, pragma, value, |_| Ok(()))?;
        }
        Ok(())
    }

    /// What the schema defines, as it lies in the file.
    fn objects(&self) -> Result<Vec<Object>, JavaError> {
        let mut objects = Vec::new();
        let text = |row: &Row<'_>, column| match row.get_ref(column) {
            Ok(ValueRef::Text(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        let sql = format!("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema LIMIT {}", MAX_OBJECTS + 1);
        self.each(&sql, |row| {
            let root = row.get_ref(3).ok().and_then(|value| value.as_i64().ok()).unwrap_or(0);
            let (kind, name, table, sql) = (text(row, 0), text(row, 1), text(row, 2), text(row, 4));
            objects.push(Object { kind, name, table, root, sql });
            Ok(())
        })?;
        if objects.len() as u64 > MAX_OBJECTS {
            return Err(JavaError::Limit(format!(
                "the schema defines more than {MAX_OBJECTS} things, Trivy's has five"
            )));
        }
        Ok(objects)
    }

    /// Every page belongs to one tree or is free, and the rows of every table are in order.
    fn quick_check(&self) -> Result<(), JavaError> {
        let mut answer = None;
        self.each("PRAGMA quick_check(1)", |row| {
            let text = row.get_ref(0).ok().and_then(|value| value.as_str().ok()).unwrap_or("nothing readable");
            answer.get_or_insert_with(|| text.to_owned());
            Ok(())
        })?;
        match answer.as_deref() {
            Some("ok") => Ok(()),
            Some(why) => {
                let why = why.strip_prefix("*** in database main ***\n").unwrap_or(why);
                Err(JavaError::Damaged(format!("the check of all pages says {}", quoted(why))))
            }
            None => Err(JavaError::Damaged("the check of all pages says nothing".into())),
        }
    }

    /// Walks over `artifacts`, and over its indexes.
    fn artifacts(&self, index: &mut JavaIndex) -> Result<u64, JavaError> {
        let mut sums = Sums::of(&ARTIFACTS, &index.indexes);
        let rows = self.each("SELECT id, id, group_id, artifact_id FROM artifacts NOT INDEXED", |row| {
            index.malformed += u64::from(!is_word(row, 2) || !is_word(row, 3));
            sums.add(row)
        })?;
        self.compare(&sums, rows)?;
        Ok(rows)
    }

    /// Walks over `indices`, and over its indexes.
    fn indices(&self, index: &mut JavaIndex) -> Result<u64, JavaError> {
        let mut sums = Sums::of(&INDICES, &index.indexes);
        let sql = "SELECT rowid, artifact_id, version, sha1, archive_type, \
                   EXISTS(SELECT 1 FROM artifacts WHERE artifacts.id = indices.artifact_id) FROM indices NOT INDEXED";
        let (types, other) = (&mut index.archive_types, &mut index.other_archive_types);
        let (malformed, dangling) = (&mut index.malformed, &mut index.dangling);
        let rows = self.each(sql, |row| {
            let digest = matches!(row.get_ref(3), Ok(ValueRef::Blob(bytes)) if bytes.len() == 20);
            *malformed += u64::from(!digest || !is_word(row, 2) || !is_word(row, 4));
            *dangling += u64::from(!matches!(row.get_ref(5), Ok(ValueRef::Integer(1))));
            let name = row.get_ref(4).ok().and_then(|value| value.as_str().ok()).unwrap_or("");
            if let Some(count) = types.get_mut(name) {
                *count += 1;
            } else if types.len() < MAX_ARCHIVE_TYPES && name.len() <= MAX_ARCHIVE_TYPE {
                types.insert(name.to_owned(), 1);
            } else {
                *other += 1;
            }
            sums.add(row)
        })?;
        self.compare(&sums, rows)?;
        Ok(rows)
    }

    /// Walks over each index of a table of `rows` rows: it has to have the same rows, in the order of a search.
    fn compare(&self, sums: &Sums, rows: u64) -> Result<(), JavaError> {
        for IndexSum { name, index, sum, .. } in &sums.indexes {
            let bad = |why: &str| {
                let table = index.table.name;
                JavaError::Damaged(format!("the index {name} {why} the table {table}: searching it finds other rows"))
            };
            let (mut last, mut key, mut found) = (Vec::new(), Vec::new(), 0_u64);
            let mut unordered = false;
            let sql = format!("SELECT rowid, {} FROM {} INDEXED BY {name}", index.columns.join(", "), index.table.name);
            let walked = self.each(&sql, |row| {
                key.clear();
                let mut nothing = false;
                for column in 1..=index.columns.len() {
                    nothing |= encode(row, column, &mut key)?;
                }
                // Of rows that agree, the one with the lower number comes first; where NULL is, rows never agree.
                let unique = index.unique && !nothing;
                let length = key.len();
                encode(row, 0, &mut key)?;
                let before: &[u8] = if unique { last.get(..length).unwrap_or(&last) } else { &last };
                let here: &[u8] = if unique { &key[..length] } else { &key };
                unordered |= !last.is_empty() && before >= here;
                found = found.wrapping_add(sums.secret.hash_one(key.as_slice()));
                std::mem::swap(&mut last, &mut key);
                Ok(())
            })?;
            if unordered {
                return Err(bad("is not in the order that it should have for"));
            }
            if walked != rows || found != *sum {
                return Err(bad("has other rows than"));
            }
        }
        Ok(())
    }

    /// Calls `visit` for each row that `sql` gives, which is a statement of ours, and counts them.
    fn each(&self, sql: &str, mut visit: impl FnMut(&Row<'_>) -> Result<(), JavaError>) -> Result<u64, JavaError> {
        let told = |error: rusqlite::Error| told(&error, self.steps);
        let mut statement = self.connection.prepare(sql).map_err(told)?;
        let mut rows = statement.query([]).map_err(told)?;
        let mut count = 0;
        while let Some(row) = rows.next().map_err(told)? {
            visit(row)?;
            count += 1;
        }
        Ok(count)
    }
}

/// What SQLite itself refuses to go beyond. Statements of ours are short and take no parameters; rows are those of a table
/// with four columns.
const LIMITS: [(Limit, i32); 14] = [
    (Limit::SQLITE_LIMIT_LENGTH, MAX_ROW as i32),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 4096),
    (Limit::SQLITE_LIMIT_COLUMN, 32),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 16),
    (Limit::SQLITE_LIMIT_PARSER_DEPTH, 64),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 2),
    (Limit::SQLITE_LIMIT_VDBE_OP, 20_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 8),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 1),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    (Limit::SQLITE_LIMIT_SCHEMA, 4 * MAX_OBJECTS as i32),
];

/// What SQLite does without. Loading of extensions is off unless it is asked for.
const SETTINGS: [(DbConfig, bool); 11] = [
    (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
    (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_COMMENTS, false),
];

// ---- comparison of indexes with their tables -------------------------------------------------------------------------

/// For each index of a table, a sum over what its entries have to be. Each summand is a hash with a key that is made anew
/// for each run, so that nobody can prepare other rows with the same sum.
struct Sums {
    secret: RandomState,
    indexes: Vec<IndexSum>,
    key: Vec<u8>,
}

struct IndexSum {
    name: String,
    index: Index,
    /// Where its columns are among the columns of the table, which come after the number of the row.
    places: Vec<usize>,
    sum: u64,
}

impl Sums {
    /// For the indexes of `table` among all.
    fn of(table: &Table, indexes: &BTreeMap<String, Index>) -> Self {
        let place = |column: &&str| table.columns.iter().position(|one| one == column).map(|place| place + 1);
        let indexes = indexes.iter().filter(|(_, index)| index.table == *table).map(|(name, index)| IndexSum {
            name: name.clone(),
            index: index.clone(),
            places: index.columns.iter().filter_map(place).collect(),
            sum: 0,
        });
        Sums { secret: RandomState::new(), indexes: indexes.collect(), key: Vec::new() }
    }

    /// Adds a row of the table: its number, then its columns in order.
    fn add(&mut self, row: &Row<'_>) -> Result<(), JavaError> {
        for index in &mut self.indexes {
            self.key.clear();
            for place in &index.places {
                encode(row, *place, &mut self.key)?;
            }
            encode(row, 0, &mut self.key)?;
            index.sum = index.sum.wrapping_add(self.secret.hash_one(self.key.as_slice()));
        }
        Ok(())
    }
}

/// Appends a value so that bytes compare as SQLite compares values: nothing, numbers, text, blobs. Says whether it was
/// nothing (NULL).
fn encode(row: &Row<'_>, column: usize, key: &mut Vec<u8>) -> Result<bool, JavaError> {
    let (tag, bytes) = match row.get_ref(column) {
        Ok(ValueRef::Null) => {
            key.push(0);
            return Ok(true);
        }
        Ok(ValueRef::Integer(number)) => {
            key.push(1);
            // With the sign turned, negative numbers come first.
            key.extend((number ^ i64::MIN).to_be_bytes());
            return Ok(false);
        }
        Ok(ValueRef::Text(bytes)) => (2, bytes),
        Ok(ValueRef::Blob(bytes)) => (3, bytes),
        Ok(ValueRef::Real(number)) => {
            return Err(JavaError::Damaged(format!("an indexed column holds {number}; Trivy writes no fractions")));
        }
        Err(error) => return Err(JavaError::Damaged(format!("a row cannot be read: {}", quoted(&error.to_string())))),
    };
    key.push(tag);
    // The end sorts before every byte, and 0 stays apart from it.
    for byte in bytes {
        key.push(*byte);
        if *byte == 0 {
            key.push(255);
        }
    }
    key.extend([0, 0]);
    Ok(false)
}

/// Whether there is text, and not the empty one.
fn is_word(row: &Row<'_>, column: usize) -> bool {
    row.get_ref(column).is_ok_and(|value| value.as_str().is_ok_and(|text| !text.is_empty()))
}

/// An error of SQLite in our words. Its own message may hold text from the file.
fn told(error: &rusqlite::Error, steps: u64) -> JavaError {
    let says = quoted(&error.to_string());
    let no_memory = error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_NOMEM);
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => JavaError::Limit(format!(
            "reading the database takes more than {steps} steps, the limit for its size; an honest index takes a tenth"
        )),
        code if no_memory || code == Some(ErrorCode::OutOfMemory) => {
            JavaError::Limit(format!("reading the database takes more memory than the limit of {MAX_HEAP} bytes"))
        }
        Some(ErrorCode::TooBig) => {
            JavaError::Limit(format!("the database holds more in one place than SQLite is allowed to read, {says}"))
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            JavaError::Medium(std::io::Error::other(says))
        }
        _ => JavaError::Damaged(format!("SQLite cannot read the database and says {says}")),
    }
}

#[cfg(test)]
#[path = "java_index_tests.rs"]
mod tests;
