//! The tables of a store, and what each column holds.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, config::DbConfig, params};

use super::{Identity, digests, migrate, schema_check};

/// The version of the tables below. Earlier versions are read as they are, and migrated by their next writer.
pub const VERSION: i64 = 3;

/// No model has longer vectors: a higher number is damage.
const MAX_DIM: usize = 1 << 16;

/// Prepared statements that a connection keeps: more than this library has.
const STATEMENTS: usize = 256;

/// - `meta`: settings. `model`, `fingerprint` and `dim` are the identity; `generation` ties the index files to this
///   store; `boilerplate_version` is the version of the rule behind `rows.unrelated_neighbours`; `rebuilding` is the
///   fingerprint of the model that the store moves to.
/// - `sources`: files whose stories have all been committed, with the digest of these stories.
/// - `rows`: distinct passage texts. `hash` is the first 16 bytes of the SHA-256 of `text`, `vector` is little-endian
///   f32. `occurrences` counts the stories that contain the row; `unrelated_neighbours` counts those pairs of stories
///   that follow one another among these, by number, and share only boilerplate.
/// - `stories`: `digest` is the SHA-256 of all fields; `published` is in milliseconds since 1970 UTC.
/// - `passages`: `start` and `end` are bytes of the story's text, or of its title where `title` is 1.
/// - `words`: document frequencies by field (0 text, 1 title). `name` is how often a word is a name in distinct
///   passages, less how often it is none.
/// - `pairs`: verdicts on pairs of stories, `a < b`, made when `b` was added; `features` is JSON.
/// - `groups`, `members`, `events`, `runs`: the groups, and the log of what happened to them in which run. Numbers of
///   groups are never reused.
/// - `decisions`, `canonical_overrides`: the decisions of people, by ids of stories, the latter in their order.
/// - `tombstones`: ids that people removed, with the file of each. They return only when people add them.
/// - `boilerplate`: passages that people marked as boilerplate, or as none.
/// - `rebuilt_vectors`: vectors of another model, until every row has one.
/// - `digests`: what the other tables hold, hashed: see [`digests`].
pub(super) const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sources (path TEXT PRIMARY KEY, digest BLOB NOT NULL, stories INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    number INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, text TEXT NOT NULL, vector BLOB NOT NULL,
    occurrences INTEGER NOT NULL DEFAULT 0, unrelated_neighbours INTEGER NOT NULL DEFAULT 0
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
    relation TEXT NOT NULL, rule TEXT NOT NULL, features TEXT NOT NULL, PRIMARY KEY (a, b)
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
CREATE TABLE canonical_overrides (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE);
CREATE TABLE tombstones (id TEXT PRIMARY KEY, path TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rebuilt_vectors (row INTEGER PRIMARY KEY REFERENCES rows ON DELETE CASCADE, vector BLOB NOT NULL);
CREATE TABLE digests (name TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
";

/// Creates an empty store in one file at `path`.
pub fn create(path: &Path, identity: &Identity) -> rusqlite::Result<()> {
    let mut db = Connection::open(path)?;
    db.pragma_update(None, "synchronous", "FULL")?;
    let transaction = db.transaction()?;
    transaction.execute_batch(TABLES)?;
    let dim = identity.dim.to_string();
    for (key, value) in [("model", &identity.model), ("fingerprint", &identity.fingerprint), ("dim", &dim)] {
        transaction.execute("INSERT INTO meta VALUES (?1, ?2)", params![key, value])?;
    }
    transaction.execute("INSERT INTO meta VALUES ('generation', abs(random()))", [])?;
    digests::write_all(&transaction)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    db.close().map_err(|(_, error)| error)
}

/// What lies in a file.
pub enum Content {
    /// A store.
    Store {
        /// The version of its tables.
        version: i64,
        /// What its vectors depend on.
        identity: Identity,
    },
    /// No store, or one of a later version.
    Unknown,
    /// A store with something in its schema that this library did not make, in words.
    Altered(String),
}

/// Prepares a connection, and reads the identity of the store. A writer migrates a store of an earlier version; a reader
/// reads it through views of the present tables.
pub fn open(db: &mut Connection, write: bool) -> rusqlite::Result<Content> {
    prepare(db)?;
    let mut version: i64 = {
        // Version and schema of one moment: a writer may be migrating the store.
        let snapshot = db.transaction()?;
        let version = snapshot.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if !(1..=VERSION).contains(&version) {
            return Ok(Content::Unknown);
        }
        if let Some(fault) = schema_check::difference(&snapshot, version)? {
            return Ok(Content::Altered(fault));
        }
        version
    };
    if write {
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        if version < VERSION {
            migrate::to_current(db)?;
            version = VERSION;
        }
    } else {
        migrate::add_views(db, version)?;
        db.pragma_update(None, "query_only", true)?;
    }
    let meta = |key: &str| {
        let value =
            db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, String>(0));
        value.optional()
    };
    let (Some(model), Some(fingerprint), Some(dim)) = (meta("model")?, meta("fingerprint")?, meta("dim")?)
    else {
        return Ok(Content::Unknown);
    };
    let Some(dim) = dim.parse().ok().filter(|dim| (1..=MAX_DIM).contains(dim)) else {
        return Ok(Content::Unknown);
    };
    Ok(Content::Store { version, identity: Identity { model, fingerprint, dim } })
}

/// Settings of a connection. The file may come from anyone: nothing in it is executed.
fn prepare(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(std::time::Duration::from_secs(30))?;
    // Every statement that a run repeats stays compiled, and is not planned again for each value of its parameters.
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Nothing may write to the schema or to SQLite's own tables.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // These two still allow what this connection makes for itself.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    // A damaged file must not make SQLite do more than read it.
    db.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON; \
         PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;",
    )
}
