//! Neighbouring points: a self-join in blocks, for more points than one machine can hold.
//!
//! A task holds one block, whose points are joined with one another, or two blocks, which are joined with each other. The
//! tasks of all pairs of blocks give the same pairs and scores as one join over all points, bit for bit.

use std::{io::Read, io::Write, sync::Arc};

use arrow_array::{
    ArrayRef, BinaryArray, Float32Array,
    cast::AsArray,
    types::{Int32Type, Int64Type},
};

use super::{
    Counts,
    schema::Stream,
    stream::{Sink, Source},
    vectors::push_vector,
};
use crate::{
    Result,
    progress::Progress,
    search::{SearchOptions, cross_join, nearest_stories, self_join},
    vector::Matrix,
};

/// Pairs of a batch.
const PAIRS: usize = 1 << 15;

/// Which points are pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinKind {
    /// Passages whose similarity is above the floor, each pair once.
    Passages,
    /// Stories with their nearest neighbours: `b` is among the nearest to `a`.
    Stories,
}

/// The points of one task.
#[derive(Default)]
struct Task {
    number: i64,
    keys: Vec<Vec<u8>>,
    values: Vec<f32>,
    /// Points of side 0.
    split: usize,
}

/// Reads points, task by task, and writes the pairs of neighbours.
///
/// # Errors
/// [`crate::Error::Stream`] if the input is no stream of points, or is out of order.
pub fn candidates(
    model: &str,
    kind: JoinKind,
    options: &SearchOptions,
    progress: &dyn Progress,
    from: &mut dyn Read,
    to: &mut dyn Write,
) -> Result<Counts> {
    let mut source = Source::open(Stream::Points, model, from)?;
    let mut sink = Sink::new(Stream::Neighbours, model, to)?;
    let mut counts = Counts::default();
    let mut dim = None;
    let mut task: Option<Task> = None;
    while let Some(batch) = source.next()? {
        let tasks = batch.column(0).as_primitive::<Int64Type>();
        let sides = batch.column(1).as_primitive::<Int32Type>();
        let (keys, vectors) = (batch.column(2).as_binary::<i32>(), batch.column(3).as_binary::<i32>());
        for i in 0..batch.num_rows() {
            let number = tasks.value(i);
            if task.as_ref().is_none_or(|t| t.number != number) {
                let next = Task { number, ..Task::default() };
                if let Some(whole) = task.replace(next) {
                    if whole.number > number {
                        return Err(source.refuse(format!("task {number} comes after {}", whole.number)));
                    }
                    counts.written += join(whole, dim, kind, options, progress, &mut sink)?;
                }
            }
            let Some(task) = &mut task else { continue };
            let side = sides.value(i);
            if !matches!(side, 0 | 1) || (side == 0 && task.split < task.keys.len()) {
                return Err(source.refuse(format!("side {side} in task {number} is out of order")));
            }
            let first_of_side = if side == 0 { 0 } else { task.split };
            if task.keys[first_of_side..].last().is_some_and(|k| k.as_slice() >= keys.value(i)) {
                return Err(source.refuse(format!("a key in task {number} is out of order or duplicated")));
            }
            push_vector(vectors.value(i), &mut dim, &mut task.values, &source)?;
            task.keys.push(keys.value(i).to_vec());
            task.split += usize::from(side == 0);
        }
        counts.read += batch.num_rows() as u64;
    }
    if let Some(task) = task {
        counts.written += join(task, dim, kind, options, progress, &mut sink)?;
    }
    sink.finish()?;
    Ok(counts)
}

fn join(
    task: Task,
    dim: Option<usize>,
    kind: JoinKind,
    options: &SearchOptions,
    progress: &dyn Progress,
    sink: &mut Sink,
) -> Result<u64> {
    let Task { keys, values, split, .. } = task;
    // The points are in the order of their keys: of two neighbours with the same score the lower key comes first.
    let across = (0 < split && split < keys.len()).then_some(split);
    let points = Matrix::from_vec(values, dim.unwrap_or(1));
    let pairs: Vec<(u32, u32, f32)> = match (kind, across) {
        (JoinKind::Stories, split) => nearest_stories(&points, split, options, progress)?,
        (JoinKind::Passages, Some(split)) => {
            flat(cross_join(&points, split, options.row_floor, options.isa, progress)?)
        }
        (JoinKind::Passages, None) => flat(self_join(&points, options.row_floor, options.isa, progress)?),
    };
    for part in pairs.chunks(PAIRS) {
        let key = |of: &dyn Fn(&(u32, u32, f32)) -> u32| -> ArrayRef {
            Arc::new(BinaryArray::from_iter_values(part.iter().map(|p| &keys[of(p) as usize])))
        };
        let scores: ArrayRef = Arc::new(Float32Array::from_iter_values(part.iter().map(|p| p.2)));
        sink.write(vec![key(&|p| p.0), key(&|p| p.1), scores])?;
    }
    Ok(pairs.len() as u64)
}

fn flat(pairs: Vec<crate::search::RowPair>) -> Vec<(u32, u32, f32)> {
    pairs.into_iter().map(|p| (p.a.0, p.b.0, p.score)).collect()
}
