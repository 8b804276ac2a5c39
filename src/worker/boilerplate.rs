//! Pairs of stories that share a passage to whether they share only boilerplate: how boilerplate is told from copied text.

use std::{io::Read, io::Write, sync::Arc};

use arrow_array::{Array, BooleanArray, RecordBatch, cast::AsArray};

use super::{
    Counts,
    schema::Stream,
    stream::{Sink, Source},
};
use crate::{
    Result,
    boilerplate::{StoryText, shares_only_boilerplate},
};

/// Reads pairs of stories that share a passage, and writes of each whether they share nothing else, in their order.
///
/// # Errors
/// [`crate::Error::Stream`] if the input is no stream of such pairs.
pub fn boilerplate_votes(from: &mut dyn Read, to: &mut dyn Write) -> Result<Counts> {
    let mut source = Source::open(Stream::StoryPairs, "", from)?;
    let mut sink = Sink::new(Stream::BoilerplateVotes, "", to)?;
    let mut counts = Counts::default();
    while let Some(batch) = source.next()? {
        let votes: BooleanArray = (0..batch.num_rows())
            .map(|i| Some(shares_only_boilerplate(&story_text(&batch, i, 2), &story_text(&batch, i, 5))))
            .collect();
        counts.read += batch.num_rows() as u64;
        sink.write(vec![batch.column(0).clone(), batch.column(1).clone(), Arc::new(votes)])?;
    }
    sink.finish()?;
    counts.written = counts.read;
    Ok(counts)
}

/// The story in row `i` of the columns `first` (title), `first + 1` (publisher) and `first + 2` (passages).
fn story_text(batch: &RecordBatch, i: usize, first: usize) -> StoryText<'_> {
    let sources = batch.column(first + 1).as_string::<i32>();
    let passages = batch.column(first + 2).as_list::<i32>();
    let range = passages.value_offsets()[i] as usize..passages.value_offsets()[i + 1] as usize;
    let passages = passages.values().as_struct();
    let (hashes, texts) = (passages.column(0).as_binary::<i32>(), passages.column(1).as_string::<i32>());
    StoryText {
        title: batch.column(first).as_string::<i32>().value(i),
        source: sources.is_valid(i).then(|| sources.value(i)),
        rows: range.map(|at| (hashes.value(at), texts.value(at))).collect(),
    }
}
