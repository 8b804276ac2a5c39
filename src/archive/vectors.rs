//! VectorIndex by number: those of a file that is searched as it lies, and those that came since.

use std::io::{self, Write};

use memmap2::Mmap;

use crate::{
    Result,
    device::Isa,
    search::{BitSet, Limit, QuantizedFile, QuantizedQuery, QuantizedRows, ScoreBounds, rescore},
    story::RowId,
    vector::dot,
};

/// VectorIndex by number, as bytes; a number that is not used has zeros.
#[derive(Debug)]
pub(super) struct VectorIndex {
    /// Numbers from 0.
    file: Option<QuantizedFile<Mmap>>,
    dead_in_file: BitSet,
    /// Numbers from the end of the file.
    since: QuantizedRows,
    dead_since: BitSet,
    isa: Isa,
    zeros: Vec<f32>,
}

impl VectorIndex {
    /// Those of a file, searched as it lies, and none since.
    pub fn new(file: Option<QuantizedFile<Mmap>>, dim: usize, isa: Isa) -> Self {
        VectorIndex {
            file,
            dead_in_file: BitSet::default(),
            since: QuantizedRows::new(dim),
            dead_since: BitSet::default(),
            isa,
            zeros: vec![0.0; dim],
        }
    }

    fn in_file(&self) -> usize {
        self.file.as_ref().map_or(0, |file| file.view(self.isa).rows())
    }

    /// Numbers below this have been put.
    pub fn end(&self) -> i64 {
        (self.in_file() + self.since.view(self.isa).rows()) as i64
    }

    /// Reads into memory what is in the file: one that is mapped cannot be replaced everywhere.
    fn leave_file(&mut self) {
        let Some(file) = self.file.take() else { return };
        let view = file.view(self.isa);
        let (since, first) = (std::mem::replace(&mut self.since, view.to_rows()), view.rows());
        self.since.append(&since.view(self.isa));
        let dead_since = std::mem::replace(&mut self.dead_since, std::mem::take(&mut self.dead_in_file));
        let rows = (0..since.view(self.isa).rows() as u32).map(RowId);
        let dead = rows.filter(|row| dead_since.contains(*row));
        dead.for_each(|row| self.dead_since.insert(RowId(row.0 + first as u32)));
    }

    /// Writes all of them as a file, which may replace the one that they came from.
    pub fn write(&mut self, generation: u64, to: &mut dyn Write) -> io::Result<()> {
        self.leave_file();
        self.since.view(self.isa).write(generation, to)
    }

    /// Puts the vector of `number`, which is higher than all before.
    pub fn push(&mut self, number: i64, vector: &[f32]) {
        while self.end() < number {
            let VectorIndex { since, zeros, .. } = self;
            since.push(zeros);
        }
        // A vector of another length is a damage that `verify` tells of.
        let whole = vector.len() == self.zeros.len();
        self.since.push(if whole { vector } else { &self.zeros });
    }

    /// Takes the vector of `number` away.
    pub fn remove(&mut self, number: i64) {
        let (number, first) = (number.max(0) as usize, self.in_file());
        match number.checked_sub(first) {
            Some(since) => self.dead_since.insert(RowId(since as u32)),
            None => self.dead_in_file.insert(RowId(number as u32)),
        }
    }

    /// For each query a superset of what is wanted, the highest bound first.
    fn candidates(&self, queries: &[QuantizedQuery], want: Limit) -> Vec<Vec<ScoreBounds>> {
        let since = self.since.view(self.isa).candidates(queries, want, &self.dead_since);
        let Some(file) = &self.file else { return since };
        let mut all = file.view(self.isa).candidates(queries, want, &self.dead_in_file);
        let first = self.in_file() as u32;
        for (all, since) in all.iter_mut().zip(since) {
            all.extend(since.into_iter().map(|c| ScoreBounds { row: RowId(c.row.0 + first), ..c }));
            all.sort_unstable_by(ScoreBounds::by_upper_bound);
        }
        all
    }

    /// For each query what is wanted, by exact score, then by number; `vector` gives a number's vector.
    pub fn search(
        &self,
        queries: &[&[f32]],
        want: Limit,
        vector: &mut dyn FnMut(i64) -> Result<Option<Vec<f32>>>,
    ) -> Result<Vec<Vec<(i64, f32)>>> {
        let quantized: Vec<QuantizedQuery> = queries.iter().map(|q| QuantizedQuery::new(q)).collect();
        let candidates = self.candidates(&quantized, want);
        let scored = queries.iter().zip(candidates).map(|(query, candidates)| {
            let found = rescore(&candidates, want, |row| {
                let exact = vector(i64::from(row.0))?.filter(|v| v.len() == query.len());
                Result::Ok(exact.map_or(f32::NEG_INFINITY, |v| dot(query, &v)))
            })?;
            let there = found.into_iter().filter(|(_, score)| score.is_finite());
            Ok(there.map(|(row, score)| (i64::from(row.0), score)).collect())
        });
        scored.collect()
    }

    /// For each query the `k` numbers that seem nearest, with scores of at least `floor`, as far as bytes tell: within
    /// about a hundredth, and the same on every machine.
    pub fn roughly_nearest(&self, queries: &[&[f32]], k: usize, floor: f32) -> Vec<Vec<(i64, f32)>> {
        let quantized: Vec<QuantizedQuery> = queries.iter().map(|q| QuantizedQuery::new(q)).collect();
        let candidates = self.candidates(&quantized, Limit::Nearest(k));
        let near = candidates.into_iter().map(|candidates| {
            let middle = |c: ScoreBounds| (i64::from(c.row.0), (c.upper + c.lower) / 2.0);
            let mut near: Vec<(i64, f32)> = candidates.into_iter().map(middle).collect();
            near.retain(|(_, score)| *score >= floor);
            near.sort_unstable_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
            near.truncate(k);
            near
        });
        near.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Seek;

    use proptest::prelude::*;

    use super::*;

    const DIM: usize = 5;

    fn mapped(rows: &QuantizedRows) -> QuantizedFile<Mmap> {
        let mut file = tempfile::tempfile().unwrap();
        rows.view(Isa::detect()).write(7, &mut file).unwrap();
        file.rewind().unwrap();
        // SAFETY: nobody else has the file.
        QuantizedFile::open(unsafe { Mmap::map(&file) }.unwrap()).unwrap().0
    }

    proptest! {
        #[test]
        fn a_file_and_what_came_since_are_searched_as_one(
            values in proptest::collection::vec(-1f32..1.0, DIM * 60), in_file in 0usize..60,
            dead in proptest::collection::vec(0i64..60, 0..20), k in 1usize..9, left: bool,
        ) {
            let isa = Isa::detect();
            let rows: Vec<&[f32]> = values.chunks(DIM).collect();
            let mut head = QuantizedRows::new(DIM);
            rows[..in_file].iter().for_each(|row| head.push(row));
            let mut whole = VectorIndex::new(None, DIM, isa);
            let mut parts = VectorIndex::new(Some(mapped(&head)), DIM, isa);
            for (number, row) in rows.iter().enumerate() {
                whole.push(number as i64, row);
                if number >= in_file {
                    parts.push(number as i64, row);
                }
            }
            for number in dead {
                whole.remove(number);
                parts.remove(number);
            }
            if left {
                parts.leave_file();
            }
            prop_assert_eq!(parts.end(), 60);
            let queries = &rows[10..14];
            let mut vector = |number: i64| Ok(Some(rows[number as usize].to_vec()));
            for want in [Limit::Nearest(k), Limit::AtLeast(0.3)] {
                let found = parts.search(queries, want, &mut vector).unwrap();
                prop_assert_eq!(found, whole.search(queries, want, &mut vector).unwrap());
            }
            prop_assert_eq!(parts.roughly_nearest(queries, k, 0.1), whole.roughly_nearest(queries, k, 0.1));
        }
    }
}
