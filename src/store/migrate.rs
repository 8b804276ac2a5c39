//! Stores of earlier versions: migrated by their next writer, read through views until then.
//!
//! Version 1 kept tombstones as settings, under `removed ID`, and had other names for a few tables and columns. Version 2
//! had no digests of tables.

use rusqlite::{Connection, TransactionBehavior};

use super::{digests, schema::VERSION};

/// From version 1 to 2. The range of keys holds those that begin with "removed ".
const FROM_1: &str = "
ALTER TABLE rows RENAME COLUMN carriers TO occurrences;
ALTER TABLE rows RENAME COLUMN strangers TO unrelated_neighbours;
ALTER TABLE pairs RENAME COLUMN figures TO features;
ALTER TABLE chosen RENAME TO canonical_overrides;
ALTER TABLE rebuilt RENAME TO rebuilt_vectors;
CREATE TABLE tombstones (id TEXT PRIMARY KEY, path TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO tombstones SELECT substr(key, 9), value FROM meta WHERE key >= 'removed ' AND key < 'removed!';
DELETE FROM meta WHERE key >= 'removed ' AND key < 'removed!';
UPDATE meta SET key = 'boilerplate_version' WHERE key = 'strangers';
";

/// From version 2 to 3.
const FROM_2: &str = "CREATE TABLE digests (name TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;";

/// Names in the schema of version 2, and what they were in version 1.
const NAMES_OF_1: [(&str, &str); 5] = [
    ("occurrences", "carriers"),
    ("unrelated_neighbours", "strangers"),
    ("features", "figures"),
    ("TABLE canonical_overrides", "TABLE chosen"),
    ("TABLE rebuilt_vectors", "TABLE rebuilt"),
];

/// The tables of version 2 as views of those of version 1. They hide the tables of the same name.
const VIEWS_OF_1: &str = "
CREATE TEMP VIEW rows AS SELECT number, hash, text, vector, carriers AS occurrences,
    strangers AS unrelated_neighbours FROM main.rows;
CREATE TEMP VIEW pairs AS SELECT a, b, relation, rule, figures AS features FROM main.pairs;
CREATE TEMP VIEW canonical_overrides AS SELECT number, id FROM main.chosen;
CREATE TEMP VIEW rebuilt_vectors AS SELECT row, vector FROM main.rebuilt;
CREATE TEMP VIEW tombstones AS SELECT substr(key, 9) AS id, value AS path FROM main.meta
    WHERE key >= 'removed ' AND key < 'removed!';
";

/// Migrates a store of an earlier version to the current one, in one transaction.
pub fn to_current(db: &mut Connection) -> rusqlite::Result<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < 2 {
        transaction.execute_batch(FROM_1)?;
    }
    transaction.execute_batch(FROM_2)?;
    digests::write_all(&transaction)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Lets a connection read a store of an earlier version as one of the current version.
pub fn add_views(db: &Connection, version: i64) -> rusqlite::Result<()> {
    if version < 2 { db.execute_batch(VIEWS_OF_1) } else { Ok(()) }
}

/// The statements that made the tables of an earlier version, from those of the current one.
pub fn tables_of(current: &str, version: i64) -> String {
    let is_later = |line: &&str| {
        version < 3 && line.starts_with("CREATE TABLE digests")
            || version < 2 && line.starts_with("CREATE TABLE tombstones")
    };
    let mut tables: String = current.lines().filter(|line| !is_later(line)).flat_map(|l| [l, "\n"]).collect();
    if version < 2 {
        for (new, old) in NAMES_OF_1 {
            tables = tables.replace(new, old);
        }
    }
    tables
}
