//! Pairs of stories that carry one row to whether they are strangers otherwise: what tells a note from a story.

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

/// Reads pairs of stories and writes of each whether they are strangers, in their order.
///
/// # Errors
/// [`crate::Error::Stream`] if what comes is not a stream of such pairs.
pub fn strangers(from: &mut dyn Read, to: &mut dyn Write) -> Result<Counts> {
    let mut source = Source::open(Stream::Sharing, "", from)?;
    let mut sink = Sink::new(Stream::Strangers, "", to)?;
    let mut counts = Counts::default();
    while let Some(batch) = source.next()? {
        let of_pair =
            |i| with_story(&batch, i, 2, |a| with_story(&batch, i, 5, |b| shares_only_boilerplate(a, b)));
        let found: BooleanArray = (0..batch.num_rows()).map(|i| Some(of_pair(i))).collect();
        counts.read += batch.num_rows() as u64;
        sink.write(vec![batch.column(0).clone(), batch.column(1).clone(), Arc::new(found)])?;
    }
    sink.finish()?;
    counts.written = counts.read;
    Ok(counts)
}

/// Shows `see` the story that three columns from `at` on tell in row `i`: its title, publisher and passages.
fn with_story(batch: &RecordBatch, i: usize, at: usize, see: impl FnOnce(&StoryText) -> bool) -> bool {
    let title = batch.column(at).as_string::<i32>().value(i);
    let sources = batch.column(at + 1).as_string::<i32>();
    let source = sources.is_valid(i).then(|| sources.value(i));
    let passages = batch.column(at + 2).as_list::<i32>().value(i);
    let passages = passages.as_struct();
    let (hashes, texts) = (passages.column(0).as_binary::<i32>(), passages.column(1).as_string::<i32>());
    let rows = (0..passages.len()).map(|at| (hashes.value(at), texts.value(at)));
    see(&StoryText { title, source, rows: rows.collect() })
}
