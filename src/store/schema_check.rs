//! Whether the tables and indexes of a file are those of a store, and nothing else is there.
//!
//! Triggers, views, generated columns and indexes over expressions are programs that SQLite would run while it reads or
//! writes a table. A store has none, so a file that has one is refused before anything else is read from it.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{migrate, schema::TABLES};

/// What differs from the schema of `version`, in words.
pub fn difference(db: &Connection, version: i64) -> rusqlite::Result<Option<String>> {
    let expected = migrate::tables_of(TABLES, version);
    let mut missing: BTreeMap<String, &str> = expected
        .split(';')
        .filter(|sql| !sql.trim().is_empty())
        .map(|sql| (normalized(sql), sql.trim()))
        .collect();
    let mut all = db.prepare("SELECT type, name, sql FROM sqlite_schema")?;
    let mut found = all.query([])?;
    while let Some(row) = found.next()? {
        let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
        let known = match row.get::<_, Option<String>>(2)? {
            // The index of a column that is unique, which comes with its table.
            None => kind == "index" && name.starts_with("sqlite_autoindex_"),
            Some(_) if name == "sqlite_sequence" => kind == "table",
            Some(sql) => missing.remove(&normalized(&sql)).is_some(),
        };
        if !known {
            return Ok(Some(format!("the {kind} {name:?} is not as a store has it")));
        }
    }
    let lacking = missing.values().next().and_then(|sql| sql.split(['(', '\n']).next());
    Ok(lacking.map(|head| format!("it lacks what {:?} makes", head.trim())))
}

/// A statement without what renaming a table or column changes: spaces and quotes.
fn normalized(sql: &str) -> String {
    sql.chars().filter(|c| !c.is_whitespace() && *c != '"').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_store_does_not_have() {
        let check = |change: &str, expect: Option<&str>| {
            let db = Connection::open_in_memory().unwrap();
            db.execute_batch(TABLES).unwrap();
            db.execute_batch(change).unwrap();
            let found = difference(&db, super::super::schema::VERSION).unwrap();
            match expect {
                None => assert_eq!(found, None, "{change}"),
                Some(part) => {
                    assert!(found.as_ref().is_some_and(|f| f.contains(part)), "{change}: {found:?}")
                }
            }
        };
        check("", None);
        check("CREATE TRIGGER t AFTER INSERT ON words BEGIN DELETE FROM rows; END", Some("trigger \"t\""));
        check("CREATE VIEW v AS SELECT 1", Some("view \"v\""));
        check("DROP TABLE words; CREATE VIEW words AS SELECT 0, '', 0, 0", Some("view \"words\""));
        check("CREATE TABLE other (a)", Some("table \"other\""));
        check("CREATE INDEX i ON words (abs(stories))", Some("index \"i\""));
        check("ALTER TABLE words ADD COLUMN x AS (stories + 1)", Some("table \"words\""));
        check("DROP INDEX pairs_of_b", Some("CREATE INDEX pairs_of_b"));
        check("DROP TABLE tombstones", Some("CREATE TABLE tombstones"));
        check("ANALYZE", Some("sqlite_stat1"));
    }
}
