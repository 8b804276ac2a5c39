//! Stories with all that a comparison needs, and the pairs to be compared, task by task.

use std::collections::HashMap;

use arrow_array::{Array, RecordBatch, cast::AsArray, types::Int64Type};

use super::{stream::Source, vectors::push_vector};
use crate::{
    Result,
    compare::{self, Comparer, CorpusStatistics, DocumentFrequencies, TokenCache},
    story::{Corpus, Passage, Row, RowId, Story, StoryId},
    vector::Matrix,
};

/// One task: a few stories out of many.
#[derive(Default)]
pub(super) struct Task {
    number: i64,
    pub corpus: Corpus,
    /// The number of each story among the many.
    pub numbers: Vec<i64>,
    /// The pairs (`a < b`).
    pub pairs: Vec<(StoryId, StoryId)>,
    boilerplate: Vec<bool>,
    values: Vec<f32>,
    of_hash: HashMap<[u8; 16], RowId>,
}

impl Task {
    /// The comparer of its stories; `vectors` are its [`Task::vectors`].
    pub fn comparer<'a>(
        &'a self,
        vectors: Matrix,
        options: &'a compare::Options,
        (frequencies, tokens): (&'a dyn DocumentFrequencies, &'a TokenCache),
    ) -> Result<Comparer<'a>> {
        let statistics = CorpusStatistics { boilerplate: self.boilerplate.clone(), frequencies, tokens };
        Comparer::with_statistics(&self.corpus, vectors, options, statistics)
    }

    /// One vector for each distinct passage.
    pub fn vectors(&mut self) -> Matrix {
        let values = std::mem::take(&mut self.values);
        match self.corpus.rows.len() {
            0 => Matrix::zeros(0, 1),
            rows => {
                let dim = values.len() / rows;
                Matrix::from_vec(values, dim)
            }
        }
    }

    fn story(&self, number: i64) -> Option<StoryId> {
        self.numbers.binary_search(&number).ok().map(|i| StoryId(i as u32))
    }

    fn take_story(
        &mut self,
        batch: &RecordBatch,
        i: usize,
        dim: &mut Option<usize>,
        source: &Source,
    ) -> Result<()> {
        let number = batch.column(1).as_primitive::<Int64Type>().value(i);
        if !self.pairs.is_empty() || self.numbers.last().is_some_and(|last| *last >= number) {
            return Err(source
                .refuse(format!("story {number} in task {} is out of order or duplicated", self.number)));
        }
        let text = |column: usize| {
            let column = batch.column(column).as_string::<i32>();
            column.is_valid(i).then(|| column.value(i).to_string())
        };
        let Some(id) = text(3) else {
            return Err(source.refuse(format!("story {number} in task {} has no id", self.number)));
        };
        let published = batch.column(6).as_primitive::<Int64Type>();
        self.corpus.stories.push(Story {
            id,
            title: text(4).unwrap_or_default(),
            text: text(5).unwrap_or_default(),
            published: published.is_valid(i).then(|| published.value(i)),
            source: text(7),
            ..Story::default()
        });
        let mut passages = Vec::new();
        let lists = batch.column(8).as_list::<i32>();
        if lists.is_valid(i) {
            let of_story = lists.value(i);
            let of_story = of_story.as_struct();
            let (hashes, texts) =
                (of_story.column(0).as_binary::<i32>(), of_story.column(1).as_string::<i32>());
            let (flags, vectors) = (of_story.column(2).as_boolean(), of_story.column(3).as_binary::<i32>());
            for at in 0..of_story.len() {
                let Ok(hash) = <[u8; 16]>::try_from(hashes.value(at)) else {
                    return Err(source.refuse(format!("story {number} has a hash that is not of 16 bytes")));
                };
                let row = match self.of_hash.get(&hash) {
                    Some(row) => *row,
                    None => {
                        push_vector(vectors.value(at), dim, &mut self.values, source)?;
                        let row = RowId(self.corpus.rows.len() as u32);
                        self.of_hash.insert(hash, row);
                        self.corpus.rows.push(Row { text: texts.value(at).into(), hash });
                        self.boilerplate.push(flags.value(at));
                        row
                    }
                };
                passages.push(Passage { span: 0..0, row, title: false });
            }
        }
        self.corpus.passages.push(passages);
        self.numbers.push(number);
        Ok(())
    }
}

/// Reads the tasks of `source`, and calls `done` with each. Returns the number of rows read.
pub(super) fn each_task(source: &mut Source, done: &mut dyn FnMut(Task) -> Result<()>) -> Result<u64> {
    let mut rows = 0;
    let mut dim = None;
    let mut task: Option<Task> = None;
    while let Some(batch) = source.next()? {
        let int = |c: usize| batch.column(c).as_primitive::<Int64Type>();
        let (tasks, numbers, others) = (int(0), int(1), int(2));
        for i in 0..batch.num_rows() {
            let number = tasks.value(i);
            let whole = match &task {
                Some(t) if t.number == number => None,
                _ => task.replace(Task { number, ..Task::default() }),
            };
            if let Some(whole) = whole {
                if whole.number > number {
                    return Err(source.refuse(format!("task {number} comes after {}", whole.number)));
                }
                done(whole)?;
            }
            let Some(task) = &mut task else { continue };
            if others.is_null(i) {
                task.take_story(&batch, i, &mut dim, source)?;
                continue;
            }
            let (a, b) = (numbers.value(i), others.value(i));
            match (task.story(a), task.story(b)) {
                (Some(x), Some(y)) if x < y => task.pairs.push((x, y)),
                _ => {
                    let message =
                        format!("task {number} has the pair {a}, {b}, but not both stories in this order");
                    return Err(source.refuse(message));
                }
            }
        }
        rows += batch.num_rows() as u64;
    }
    task.map_or(Ok(()), &mut *done)?;
    Ok(rows)
}
