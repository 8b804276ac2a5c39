//! Quantized vectors by number: those of a mapped file, and those added since.

use std::{
    io::{self, Write},
    marker::PhantomData,
    mem,
};

use memmap2::Mmap;

use crate::{
    Result,
    device::Isa,
    search::{BitSet, Limit, QuantizedFile, QuantizedQuery, QuantizedRows, ScoreBounds, rescore},
    store::Number,
    story::RowId,
    vector::dot,
};

/// Quantized vectors by number. A number that is not used has zeros.
#[derive(Debug)]
pub(super) struct VectorIndex<N> {
    /// Numbers from 0.
    file: Option<QuantizedFile<Mmap>>,
    removed_from_file: BitSet,
    /// Numbers from the end of the file.
    added: QuantizedRows,
    removed_from_added: BitSet,
    isa: Isa,
    zeros: Vec<f32>,
    number: PhantomData<N>,
}

/// For each query the numbers that were found, with their scores.
type Found<N> = Vec<Vec<(N, f32)>>;

impl<N: Number> VectorIndex<N> {
    /// An index with the vectors of a file.
    pub fn new(file: Option<QuantizedFile<Mmap>>, dim: usize, isa: Isa) -> Self {
        VectorIndex {
            file,
            removed_from_file: BitSet::default(),
            added: QuantizedRows::new(dim),
            removed_from_added: BitSet::default(),
            isa,
            zeros: vec![0.0; dim],
            number: PhantomData,
        }
    }

    fn file_len(&self) -> usize {
        self.file.as_ref().map_or(0, |file| file.view(self.isa).rows())
    }

    fn len(&self) -> i64 {
        (self.file_len() + self.added.view(self.isa).rows()) as i64
    }

    /// The number behind the last one.
    pub fn end(&self) -> N {
        N::new(self.len())
    }

    /// Reads the file into memory: a mapped file cannot be replaced on every system.
    fn unmap_file(&mut self) {
        let Some(file) = self.file.take() else { return };
        let view = file.view(self.isa);
        let (added, first) = (mem::replace(&mut self.added, view.to_rows()), view.rows());
        self.added.append(&added.view(self.isa));
        let removed = mem::replace(&mut self.removed_from_added, mem::take(&mut self.removed_from_file));
        let rows = (0..added.view(self.isa).rows() as u32).map(RowId);
        let removed = rows.filter(|row| removed.contains(*row));
        removed.for_each(|row| self.removed_from_added.insert(RowId(row.0 + first as u32)));
    }

    /// Writes all vectors as a file, which may replace the present one.
    pub fn write(&mut self, generation: u64, to: &mut dyn Write) -> io::Result<()> {
        self.unmap_file();
        self.added.view(self.isa).write(generation, to)
    }

    /// Adds the vector of `number`, which is higher than all before.
    pub fn push(&mut self, number: N, vector: &[f32]) {
        while self.len() < number.get() {
            let VectorIndex { added, zeros, .. } = self;
            added.push(zeros);
        }
        // A vector of another length is damage, which `verify` reports.
        let is_whole = vector.len() == self.zeros.len();
        self.added.push(if is_whole { vector } else { &self.zeros });
    }

    /// Removes the vector of `number`.
    pub fn remove(&mut self, number: N) {
        let (number, first) = (number.get().max(0) as usize, self.file_len());
        match number.checked_sub(first) {
            Some(added) => self.removed_from_added.insert(RowId(added as u32)),
            None => self.removed_from_file.insert(RowId(number as u32)),
        }
    }

    /// For each query a superset of what is wanted, the highest bound first.
    fn candidates(&self, queries: &[QuantizedQuery], limit: Limit) -> Vec<Vec<ScoreBounds>> {
        let added = self.added.view(self.isa).candidates(queries, limit, &self.removed_from_added);
        let Some(file) = &self.file else { return added };
        let mut all = file.view(self.isa).candidates(queries, limit, &self.removed_from_file);
        let first = self.file_len() as u32;
        for (all, added) in all.iter_mut().zip(added) {
            all.extend(added.into_iter().map(|c| ScoreBounds { row: RowId(c.row.0 + first), ..c }));
            all.sort_unstable_by(ScoreBounds::by_upper_bound);
        }
        all
    }

    /// For each query what is wanted, by exact score, then by number; `vector` gives the vector of a number.
    pub fn search(
        &self,
        queries: &[&[f32]],
        limit: Limit,
        vector: &mut dyn FnMut(N) -> Result<Option<Vec<f32>>>,
    ) -> Result<Found<N>> {
        let quantized: Vec<QuantizedQuery> = queries.iter().map(|q| QuantizedQuery::new(q)).collect();
        let candidates = self.candidates(&quantized, limit);
        let scored = queries.iter().zip(candidates).map(|(query, candidates)| {
            let found = rescore(&candidates, limit, |row| {
                let exact = vector(N::new(row.0.into()))?.filter(|v| v.len() == query.len());
                Result::Ok(exact.map_or(f32::NEG_INFINITY, |v| dot(query, &v)))
            })?;
            let existing = found.into_iter().filter(|(_, score)| score.is_finite());
            Ok(existing.map(|(row, score)| (N::new(row.0.into()), score)).collect())
        });
        scored.collect()
    }

    /// For each query the `k` nearest numbers with scores of at least `floor`, by approximate scores: within about a
    /// hundredth, and the same on every machine.
    pub fn roughly_nearest(&self, queries: &[&[f32]], k: usize, floor: f32) -> Found<N> {
        let quantized: Vec<QuantizedQuery> = queries.iter().map(|q| QuantizedQuery::new(q)).collect();
        let candidates = self.candidates(&quantized, Limit::Nearest(k));
        let near = candidates.into_iter().map(|candidates| {
            let middle = |c: ScoreBounds| (N::new(c.row.0.into()), (c.upper + c.lower) / 2.0);
            let mut near: Vec<(N, f32)> = candidates.into_iter().map(middle).collect();
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
    use crate::store::RowNumber;

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
        fn a_file_and_added_vectors_are_searched_as_one(
            values in proptest::collection::vec(-1f32..1.0, DIM * 60), file_len in 0usize..60,
            removed in proptest::collection::vec(0i64..60, 0..20), k in 1usize..9, unmap: bool,
        ) {
            let isa = Isa::detect();
            let rows: Vec<&[f32]> = values.chunks(DIM).collect();
            let mut head = QuantizedRows::new(DIM);
            rows[..file_len].iter().for_each(|row| head.push(row));
            let mut whole = VectorIndex::new(None, DIM, isa);
            let mut parts = VectorIndex::new(Some(mapped(&head)), DIM, isa);
            for (number, row) in rows.iter().enumerate() {
                whole.push(RowNumber(number as i64), row);
                if number >= file_len {
                    parts.push(RowNumber(number as i64), row);
                }
            }
            for number in removed {
                whole.remove(RowNumber(number));
                parts.remove(RowNumber(number));
            }
            if unmap {
                parts.unmap_file();
            }
            prop_assert_eq!(parts.end(), RowNumber(60));
            let queries = &rows[10..14];
            let mut vector = |number: RowNumber| Ok(Some(rows[number.0 as usize].to_vec()));
            for limit in [Limit::Nearest(k), Limit::AtLeast(0.3)] {
                let found = parts.search(queries, limit, &mut vector).unwrap();
                prop_assert_eq!(found, whole.search(queries, limit, &mut vector).unwrap());
            }
            prop_assert_eq!(parts.roughly_nearest(queries, k, 0.1), whole.roughly_nearest(queries, k, 0.1));
        }
    }
}
