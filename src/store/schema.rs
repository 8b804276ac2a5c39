//! The tables of a store, and what each column holds.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, config::DbConfig, params};

use super::Identity;

/// The version of the tables below. A later samestory reads every earlier one.
pub const VERSION: i64 = 1;

/// No model has longer vectors: a longer one is a damaged number.
const MAX_DIM: usize = 1 << 16;

/// More statements than there are in the store.
const STATEMENTS: usize = 256;

/// `stories.digest` is the SHA-256 of all that was read of a story, `rows.hash` the first 16 bytes of that of the
/// text, `rows.vector` little-endian f32. `published` is in milliseconds since 1970 UTC, `start` and `end` are bytes
/// of the story's text, or of its title. A source is a file whose stories have all been committed.
///
/// `rows.carriers` counts the stories that have a row, `rows.strangers` those neighbours among them, in the order of
/// their numbers, that are strangers otherwise (`boilerplate::shares_only_boilerplate`). `words` holds document frequencies by field (0 text, 1 title).
/// A pair is the judgement on two stories, `a < b`, made when `b` came; `figures` is JSON. Numbers of groups are never
/// given twice. `decisions` is what people said of two stories, by their ids, and `chosen` which ones are to be kept of their
/// groups, in the order in which they said so. `rebuilt` holds vectors of another model until all are there.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sources (path TEXT PRIMARY KEY, digest BLOB NOT NULL, stories INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    number INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, text TEXT NOT NULL, vector BLOB NOT NULL,
    carriers INTEGER NOT NULL DEFAULT 0, strangers INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE stories (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, text TEXT NOT NULL,
    published INTEGER, source TEXT, url TEXT, dateline TEXT, credit TEXT,
    path TEXT NOT NULL, line INTEGER NOT NULL, record INTEGER NOT NULL, part INTEGER NOT NULL, digest BLOB NOT NULL,
    title_row INTEGER REFERENCES rows
);
CREATE INDEX stories_of_path ON stories (path);
CREATE INDEX stories_of_title ON stories (title_row);
CREATE TABLE passages (
    story INTEGER NOT NULL REFERENCES stories ON DELETE CASCADE, place INTEGER NOT NULL,
    row INTEGER NOT NULL REFERENCES rows, start INTEGER NOT NULL, end INTEGER NOT NULL, title INTEGER NOT NULL,
    PRIMARY KEY (story, place)
) WITHOUT ROWID;
CREATE INDEX passages_of_row ON passages (row, story);
CREATE TABLE words (
    field INTEGER NOT NULL, word TEXT NOT NULL, stories INTEGER NOT NULL, name INTEGER NOT NULL,
    PRIMARY KEY (field, word)
) WITHOUT ROWID;
CREATE TABLE pairs (
    a INTEGER NOT NULL REFERENCES stories ON DELETE CASCADE, b INTEGER NOT NULL REFERENCES stories ON DELETE CASCADE,
    relation TEXT NOT NULL, rule TEXT NOT NULL, figures TEXT NOT NULL, PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE INDEX pairs_of_b ON pairs (b);
CREATE TABLE groups (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    canonical INTEGER REFERENCES stories ON DELETE SET NULL
);
CREATE INDEX groups_of_canonical ON groups (canonical);
CREATE TABLE members (
    story INTEGER PRIMARY KEY REFERENCES stories ON DELETE CASCADE, grp INTEGER NOT NULL REFERENCES groups,
    relation TEXT NOT NULL, coverage REAL NOT NULL, coverage_of_canonical REAL NOT NULL, cosine REAL NOT NULL,
    removed INTEGER NOT NULL, reason TEXT NOT NULL
);
CREATE INDEX members_of_group ON members (grp);
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES runs, kind TEXT NOT NULL,
    grp INTEGER NOT NULL, story TEXT NOT NULL, other INTEGER
);
CREATE TABLE runs (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, command TEXT NOT NULL, manifest TEXT);
CREATE TABLE boilerplate (text TEXT PRIMARY KEY, exclude INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE decisions (a TEXT NOT NULL, b TEXT NOT NULL, same INTEGER NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE INDEX decisions_of_b ON decisions (b);
CREATE TABLE chosen (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE);
CREATE TABLE rebuilt (row INTEGER PRIMARY KEY REFERENCES rows ON DELETE CASCADE, vector BLOB NOT NULL);
";

/// Makes an empty store of one file at `path`.
pub fn create(path: &Path, identity: &Identity) -> rusqlite::Result<()> {
    let mut db = Connection::open(path)?;
    db.pragma_update(None, "synchronous", "FULL")?;
    let transaction = db.transaction()?;
    transaction.execute_batch(TABLES)?;
    let dim = identity.dim.to_string();
    for (key, value) in [("model", &identity.model), ("fingerprint", &identity.fingerprint), ("dim", &dim)] {
        transaction.execute("INSERT INTO meta VALUES (?1, ?2)", params![key, value])?;
    }
    // Tells the files that belong to this store from those of another one.
    transaction.execute("INSERT INTO meta VALUES ('generation', abs(random()))", [])?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    db.close().map_err(|(_, error)| error)
}

/// Readies a connection, and reads whose vectors the store holds; none if it is of a version that is not known.
pub fn open(db: &Connection, write: bool) -> rusqlite::Result<Option<Identity>> {
    db.busy_timeout(std::time::Duration::from_secs(30))?;
    // A damaged file must not make SQLite do more than read it; stories are hostile input.
    // All statements that a change runs over and over stay compiled.
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // Nor are they planned anew for each number that they are run with.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536;")?;
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != VERSION {
        return Ok(None);
    }
    if write {
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
    } else {
        db.pragma_update(None, "query_only", true)?;
    }
    let meta = |key: &str| {
        let value =
            db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, String>(0));
        value.optional()
    };
    let (Some(model), Some(fingerprint), Some(dim)) = (meta("model")?, meta("fingerprint")?, meta("dim")?)
    else {
        return Ok(None);
    };
    let dim = dim.parse().ok().filter(|dim| (1..=MAX_DIM).contains(dim));
    Ok(dim.map(|dim| Identity { model, fingerprint, dim }))
}
