//! Rows of a table of an SQLite database, each read as a JSON object.
//!
//! The database is opened for reading only: nothing is written beside it, its schema is not trusted, and extensions cannot
//! be loaded. A file on a medium that cannot be written to is opened as immutable.

use std::path::{Path, PathBuf};

use crate::{Result, ingest::sink::StorySink, progress::Progress};

/// The file and the table of an input such as `archive.db#articles`; `None` if no such file exists, or if a file has the
/// whole name.
pub(in crate::ingest) fn split_table(path: &Path) -> Option<(PathBuf, String)> {
    let (file, table) = path.to_str()?.rsplit_once('#')?;
    if path.exists() {
        return None;
    }
    let file = PathBuf::from(file);
    (!table.is_empty() && file.is_file()).then(|| (file, table.to_string()))
}

/// Reads the rows of a table: the one that `path` names after `#`, or the only one that has a column for texts.
#[cfg(not(feature = "store"))]
pub(super) fn read(_: &Path, sink: &mut StorySink, _: &dyn Progress) -> Result<()> {
    sink.notice(0, crate::ingest::NoticeKind::Database("this build reads no SQLite databases".into()));
    Ok(())
}

#[cfg(feature = "store")]
pub(super) use tables::read;

#[cfg(feature = "store")]
mod tables {
    use std::io::Read;

    use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig, limits::Limit, types::ValueRef};
    use serde_json::{Map, Number, Value};

    use super::*;
    use crate::{
        Error,
        ingest::{NoticeKind, fields::Field, formats::json},
    };

    /// Reads the rows of a table: the one that `path` names after `#`, or the only one that has a column for texts.
    pub(in crate::ingest::formats) fn read(
        path: &Path,
        sink: &mut StorySink,
        progress: &dyn Progress,
    ) -> Result<()> {
        let (file, table) = match split_table(path) {
            Some((file, table)) => (file, Some(table)),
            None => (path.to_path_buf(), None),
        };
        let limit = sink.options.max_record();
        let table = open(&file, limit).map_err(|error| error.to_string()).and_then(|db| {
            let table = choose(&db, table, sink)?;
            Ok((db, table))
        });
        let (db, table) = match table {
            Ok(found) => found,
            Err(message) => {
                sink.notice(0, NoticeKind::Database(message));
                return Ok(());
            }
        };
        match read_rows(&db, &table, sink, progress) {
            Err(Failure::Interrupted) => Err(Error::Interrupted),
            Err(Failure::Database(record, error)) => {
                sink.notice(record, NoticeKind::Database(error.to_string()));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    enum Failure {
        Interrupted,
        /// At this row, from 1.
        Database(u64, rusqlite::Error),
    }

    fn open(path: &Path, limit: u64) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if !is_checkpointed(path) {
            let db = Connection::open_with_flags(path, flags).and_then(|db| guard(&db, limit).map(|()| db));
            let code = db.as_ref().err().and_then(rusqlite::Error::sqlite_error_code);
            if !matches!(code, Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) {
                return db;
            }
        }
        let mut uri = String::from("file:");
        for byte in path.as_os_str().as_encoded_bytes() {
            match byte {
                b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
                byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
                byte => uri.push_str(&format!("%{byte:02X}")),
            }
        }
        let db = Connection::open_with_flags(uri + "?immutable=1", flags | OpenFlags::SQLITE_OPEN_URI)?;
        guard(&db, limit).map(|()| db)
    }

    /// Whether a database has a write-ahead log that nobody has open. To read it as usual, SQLite would make files beside
    /// it, which must not be and which a read-only medium cannot take.
    fn is_checkpointed(path: &Path) -> bool {
        let mut header = [0; 20];
        let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
        let log = path.as_os_str().to_owned();
        let log = [log, "-wal".into()].into_iter().collect::<std::ffi::OsString>();
        // The read and write versions of the file format (SQLite, "Database File Format", 1.3.3).
        read.is_ok() && header[18..] == [2, 2] && !Path::new(&log).exists()
    }

    /// Sets the limits of a database that is not trusted, and reads its schema.
    fn guard(db: &Connection, limit: u64) -> rusqlite::Result<()> {
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        db.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(limit).unwrap_or(i32::MAX))?;
        db.pragma_update(None, "cell_size_check", true)?;
        db.pragma_update(None, "query_only", true)?;
        db.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))
    }

    /// The tables that hold rows of their own, by name.
    fn tables(db: &Connection) -> rusqlite::Result<Vec<String>> {
        let mut query = db.prepare(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             AND sql NOT LIKE 'create virtual%' ORDER BY name",
        )?;
        let names = query.query_map([], |row| row.get(0))?;
        names.collect()
    }

    /// The table to read.
    fn choose(
        db: &Connection,
        named: Option<String>,
        sink: &StorySink,
    ) -> std::result::Result<String, String> {
        let tables = tables(db).map_err(|error| error.to_string())?;
        if let Some(name) = named {
            return match tables.iter().find(|table| table.eq_ignore_ascii_case(&name)) {
                Some(table) => Ok(table.clone()),
                None => Err(format!("it has no table {name:?}; tables: {}", tables.join(", "))),
            };
        }
        let has_text = |table: &String| {
            let columns = db
                .prepare(&select(table))
                .map(|query| query.column_names().map(String::from).collect::<Vec<String>>());
            columns.is_ok_and(|columns| !sink.options.fields.find_columns(&columns)[Field::Text].is_empty())
        };
        let mut with_text = tables.iter().filter(|table| has_text(table));
        match (with_text.next(), with_text.next()) {
            (Some(table), None) => Ok(table.clone()),
            (Some(_), Some(_)) => Err(format!(
                "several tables have a column for texts; name one as FILE#TABLE; tables: {}",
                tables.join(", ")
            )),
            _ if tables.is_empty() => Err("it has no tables".into()),
            _ => Err(format!("no table has a column for texts; tables: {}", tables.join(", "))),
        }
    }

    fn select(table: &str) -> String {
        format!("SELECT * FROM \"{}\"", table.replace('"', "\"\""))
    }

    fn read_rows(
        db: &Connection,
        table: &str,
        sink: &mut StorySink,
        progress: &dyn Progress,
    ) -> std::result::Result<(), Failure> {
        let fail = |record| move |error| Failure::Database(record, error);
        let mut query = db.prepare(&select(table)).map_err(fail(0))?;
        let names: Vec<String> = query.column_names().map(String::from).collect();
        let mut rows = query.query([]).map_err(fail(0))?;
        for record in 0.. {
            if record % 1024 == 0 && progress.cancelled() {
                return Err(Failure::Interrupted);
            }
            let Some(row) = rows.next().map_err(fail(record + 1))? else { return Ok(()) };
            let mut object = Map::new();
            for (column, name) in names.iter().enumerate() {
                object.insert(name.clone(), value(row.get_ref(column).map_err(fail(record + 1))?));
            }
            json::read_value(&Value::Object(object), record + 1, record, sink);
        }
        Ok(())
    }

    /// A value as JSON. Bytes are read as text if they are UTF-8.
    fn value(value: ValueRef) -> Value {
        match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => number.into(),
            ValueRef::Real(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
            ValueRef::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => std::str::from_utf8(bytes).map_or(Value::Null, Value::from),
        }
    }
}

#[cfg(test)]
#[cfg(feature = "store")]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::{
        ingest::{IngestOptions, IngestOutcome, Input, read},
        progress::NoProgress,
    };

    fn database(sql: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("news #1.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        (folder, path)
    }

    fn read_input(path: &Path) -> IngestOutcome {
        read(vec![Input::Path(path.into())], &IngestOptions::default(), &NoProgress).unwrap()
    }

    fn with_table(path: &Path, table: &str) -> PathBuf {
        PathBuf::from(format!("{}#{table}", path.display()))
    }

    const ARTICLES: &str = "CREATE TABLE articles (id INTEGER PRIMARY KEY, headline TEXT, body TEXT, date TEXT, score REAL, raw BLOB);\
        INSERT INTO articles VALUES (7, 'Rain', 'It rained.', '2031-05-06', 0.5, x'ff'), (8, 'Sun', 'It shone.', NULL, NULL, NULL);";

    #[test]
    fn reads_the_rows_of_a_table() {
        let (_folder, path) = database(&format!("{ARTICLES} CREATE TABLE tags (id, tag);"));
        for input in [path.clone(), with_table(&path, "articles"), with_table(&path, "ARTICLES")] {
            let read = read_input(&input);
            assert_eq!(read.notices, [], "{}", input.display());
            let stories: Vec<_> =
                read.stories.iter().map(|s| (s.id.as_str(), s.title.as_str(), s.text.as_str())).collect();
            assert_eq!(stories, [("7", "Rain", "It rained."), ("8", "Sun", "It shone.")]);
            assert_eq!(read.stories[0].published, crate::corpus::date::parse("2031-05-06"));
            assert_eq!((read.stories[1].origin.line, read.stories[1].origin.record), (2, 1));
        }
    }

    #[test]
    fn a_table_that_cannot_be_chosen_is_reported_with_all() {
        let check = |sql: &str, table: Option<&str>, expect: &str| {
            let (_folder, path) = database(sql);
            let read = read_input(&table.map_or(path.clone(), |table| with_table(&path, table)));
            let notices: Vec<_> = read.notices.iter().map(|n| n.kind.to_string()).collect();
            assert_eq!((read.stories.len(), notices.len()), (0, 1), "{sql}: {notices:?}");
            assert!(notices[0].contains(expect), "{notices:?}");
        };
        check(&format!("{ARTICLES} CREATE TABLE wire (title, text);"), None, "tables: articles, wire");
        check(ARTICLES, Some("wire"), "no table \"wire\"; tables: articles");
        check("CREATE TABLE tags (id, tag)", None, "no table has a column for texts; tables: tags");
        check("PRAGMA user_version = 1", None, "no tables");
        // A view is no table: it may hold any query.
        check("CREATE VIEW articles AS SELECT 'a' AS title, 'b' AS text", Some("articles"), "no table");
    }

    #[test]
    fn a_database_is_left_as_it_is() {
        let (folder, path) = database(&format!("PRAGMA journal_mode = wal; {ARTICLES}"));
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(read_input(&path).stories.len(), 2);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_database_is_a_notice() {
        let (_folder, path) = database(ARTICLES);
        let whole = std::fs::read(&path).unwrap();
        for cut in (0..whole.len()).step_by(whole.len() / 97) {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let read = read_input(&path);
            assert!(read.stories.len() <= 2 && read.stories.len() + read.notices.len() > 0, "{cut}");
        }
        std::fs::write(&path, "no database at all, but long enough to be one").unwrap();
        assert_eq!(read_input(&path).notices.len(), 1);
    }
}
