//! Running digests of the tables, which [`Store::verify`](super::Store::verify) compares the tables with.
//!
//! A digest is the sum of the hashes of a table's rows, modulo 2^128. It does not depend on their order, and a change of
//! a row takes time that does not depend on the others (AdHash: Bellare and Micciancio, 1997, "A new paradigm for
//! collision-free hashing: incrementality at reduced cost"). Counts go in as multiples of the hash of what is counted, so
//! that a count can grow without being read.
//!
//! A digest tells of damage, and of changes by programs that do not keep it. It is no signature: who means to forge a
//! store can compute it too.

use std::cell::Cell;

use rusqlite::{Connection, Params, Row as SqlRow, params, types::ValueRef};
use sha2::{Digest as _, Sha256};

/// What one digest is of: columns of a table.
struct Subject {
    /// Its name in the table `digests`.
    name: &'static str,
    table: &'static str,
    /// The columns that are hashed.
    hashed: &'static [&'static str],
    /// Columns of counts. The hash of a row goes in once if there are none, else once for each that is counted.
    counts: &'static [&'static str],
}

const fn whole(table: &'static str, hashed: &'static [&'static str]) -> Subject {
    Subject { name: table, table, hashed, counts: &[] }
}

/// Everything that answers depend on. Texts of stories and rows are covered by the digest and hash beside them, which
/// `verify` compares too.
const SUBJECTS: [Subject; 18] = [
    whole("meta", &["key", "value"]),
    whole("sources", &["path", "digest", "stories"]),
    whole("rows", &["number", "hash", "vector"]),
    Subject {
        name: "boilerplate_counts",
        table: "rows",
        hashed: &["number"],
        counts: &["occurrences", "unrelated_neighbours"],
    },
    whole("stories", &["number", "digest", "path", "line", "record", "part", "title_row"]),
    whole("passages", &["story", "place", "row", "start", "end", "title"]),
    Subject { name: "words", table: "words", hashed: &["field", "word"], counts: &["stories", "name"] },
    whole("pairs", &["a", "b", "relation", "rule", "features"]),
    whole("groups", &["number", "canonical"]),
    whole(
        "members",
        &["story", "grp", "relation", "coverage", "coverage_of_canonical", "cosine", "removed", "reason"],
    ),
    whole("events", &["number", "run", "kind", "grp", "story", "other"]),
    whole("runs", &["number", "at", "command", "manifest"]),
    whole("boilerplate", &["text", "exclude"]),
    whole("decisions", &["a", "b", "same"]),
    whole("canonical_overrides", &["number", "id"]),
    whole("tombstones", &["id", "path"]),
    whole("rebuilt_vectors", &["row", "vector"]),
    whole(SEQUENCES, &["name", "seq"]),
];

/// SQLite's table of the last numbers that it assigned: without it numbers could be used again.
pub(super) const SEQUENCES: &str = "sqlite_sequence";

/// The version of the schema since which stores have digests.
pub(super) const SINCE: i64 = 3;

/// Whether rows come or go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Inserted,
    Removed,
}

/// What a transaction has changed of the digests so far.
#[derive(Default)]
pub(super) struct DigestChanges {
    /// By subject.
    sums: [Cell<u128>; SUBJECTS.len()],
}

impl DigestChanges {
    /// Adds the rows of `table` that satisfy `condition`, or subtracts them.
    pub fn count(
        &self,
        db: &Connection,
        table: &str,
        (condition, params): (&str, impl Params + Clone),
        change: Change,
    ) -> rusqlite::Result<()> {
        for (subject, sum) in self.of_table(table) {
            let rows = sum_of(db, subject, condition, params.clone())?;
            sum.set(match change {
                Change::Inserted => sum.get().wrapping_add(rows),
                Change::Removed => sum.get().wrapping_sub(rows),
            });
        }
        Ok(())
    }

    /// Adds to the counts of what `key` names in a table that has counts.
    pub fn add_counts(&self, table: &str, key: &[ValueRef<'_>], counts: &[i64]) {
        for (subject, sum) in self.of_table(table).filter(|(subject, _)| !subject.counts.is_empty()) {
            sum.set(sum.get().wrapping_add(subject.term(key.iter().copied(), counts)));
        }
    }

    fn of_table(&self, table: &str) -> impl Iterator<Item = (&'static Subject, &Cell<u128>)> {
        SUBJECTS.iter().zip(&self.sums).filter(move |(subject, _)| subject.table == table)
    }

    /// Writes what has changed.
    pub fn write(&self, db: &Connection) -> rusqlite::Result<()> {
        for (subject, sum) in SUBJECTS.iter().zip(&self.sums) {
            let change = sum.take();
            if change != 0 {
                // Of a digest that was lost, what is written here is wrong too, and so tells of the loss.
                write(db, subject, stored(db, subject)?.unwrap_or(0).wrapping_add(change))?;
            }
        }
        Ok(())
    }
}

impl Subject {
    /// What a row contributes to the digest.
    fn term<'v>(&self, hashed: impl Iterator<Item = ValueRef<'v>>, counts: &[i64]) -> u128 {
        let mut hash = Sha256::new_with_prefix(self.name);
        hashed.for_each(|value| update(&mut hash, value));
        if self.counts.is_empty() {
            return first_half(hash);
        }
        let mut sum = 0u128;
        for (i, count) in counts.iter().enumerate().filter(|(_, count)| **count != 0) {
            let hash = first_half(hash.clone().chain_update([i as u8]));
            sum = sum.wrapping_add(hash.wrapping_mul(i128::from(*count) as u128));
        }
        sum
    }

    fn term_of(&self, row: &SqlRow<'_>) -> rusqlite::Result<u128> {
        let mut values = Vec::with_capacity(self.hashed.len());
        for i in 0..self.hashed.len() {
            values.push(row.get_ref(i)?);
        }
        let mut counts = Vec::new();
        for i in 0..self.counts.len() {
            counts.push(row.get(self.hashed.len() + i)?);
        }
        Ok(self.term(values.into_iter(), &counts))
    }
}

/// Appends a value to what is hashed, with its type and length, so that no two rows give the same bytes.
fn update(hash: &mut Sha256, value: ValueRef<'_>) {
    let mut sized = |tag: u8, bytes: &[u8]| {
        hash.update([tag]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    match value {
        ValueRef::Null => sized(0, &[]),
        ValueRef::Integer(value) => sized(1, &value.to_le_bytes()),
        // SQLite stores -0 as 0.
        ValueRef::Real(value) => sized(2, &(value + 0.0).to_le_bytes()),
        ValueRef::Text(text) => sized(3, text),
        ValueRef::Blob(bytes) => sized(4, bytes),
    }
}

fn first_half(hash: Sha256) -> u128 {
    hash.finalize().first_chunk::<16>().map_or(0, |half| u128::from_le_bytes(*half))
}

/// The sum over the rows that satisfy `condition`.
fn sum_of(
    db: &Connection,
    subject: &Subject,
    condition: &str,
    params: impl Params,
) -> rusqlite::Result<u128> {
    let Subject { table, hashed, counts, .. } = subject;
    let columns = [*hashed, *counts].concat().join(", ");
    let mut all = db.prepare_cached(&format!("SELECT {columns} FROM {table} WHERE {condition}"))?;
    let mut found = all.query(params)?;
    let mut sum = 0u128;
    while let Some(row) = found.next()? {
        sum = sum.wrapping_add(subject.term_of(row)?);
    }
    Ok(sum)
}

/// The stored digest of a subject; none if it is missing or no digest.
fn stored(db: &Connection, subject: &Subject) -> rusqlite::Result<Option<u128>> {
    let mut find = db.prepare_cached("SELECT digest FROM digests WHERE name = ?1")?;
    let mut found = find.query([subject.name])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let bytes = row.get_ref(0)?.as_blob().ok().and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.map(u128::from_le_bytes))
}

fn write(db: &Connection, subject: &Subject, digest: u128) -> rusqlite::Result<()> {
    let set = "INSERT OR REPLACE INTO digests VALUES (?1, ?2)";
    db.prepare_cached(set)?.execute(params![subject.name, &digest.to_le_bytes()[..]]).map(drop)
}

/// Computes and writes the digests of all tables as they are.
pub(super) fn write_all(db: &Connection) -> rusqlite::Result<()> {
    SUBJECTS.iter().try_for_each(|subject| write(db, subject, sum_of(db, subject, "TRUE", [])?))
}

/// The digests that are other than what the tables hold: their names; and how many there are in all.
pub(super) fn differing(db: &Connection) -> rusqlite::Result<(Vec<&'static str>, u64)> {
    let mut names = Vec::new();
    for subject in &SUBJECTS {
        // A value of another type than was written is damage too, which ends the sum.
        let sum = match sum_of(db, subject, "TRUE", []) {
            Err(rusqlite::Error::InvalidColumnType(..)) => None,
            sum => Some(sum?),
        };
        if sum.is_none() || sum != stored(db, subject)? {
            names.push(subject.name);
        }
    }
    Ok((names, SUBJECTS.len() as u64))
}
