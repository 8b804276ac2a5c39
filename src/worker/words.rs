//! Document frequencies: counted in parts, and looked up in the sum of the parts.

use std::{collections::BTreeMap, io::Read, io::Write, sync::Arc};

use arrow_array::{
    Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray,
    cast::AsArray,
    types::{Int32Type, Int64Type},
};

use super::{
    Counts,
    schema::{STORIES, Stream},
    stream::{Sink, Source},
};
use crate::{
    Error, Result,
    compare::{DocumentFrequencies, Field, TermStatistics, story_terms},
    error::StreamFault,
    story::{Corpus, Passage, Row, RowId, Story, StoryId},
};

/// Words that are held in memory; then a part of the sum is written.
const WORDS: usize = 1 << 20;

/// Words of a batch.
const BATCH: usize = 1 << 15;

/// Reads stories and writes document frequencies in parts: the numbers of a word that occurs several times must be summed.
///
/// # Errors
/// [`crate::Error::Stream`] if the input is no stream of documents.
pub fn words(from: &mut dyn Read, to: &mut dyn Write) -> Result<Counts> {
    let mut source = Source::open(Stream::Documents, "", from)?;
    let mut sink = Sink::new(Stream::Words, "", to)?;
    let mut counts = Counts::default();
    let mut sum: BTreeMap<(Field, String), (i64, i64)> = BTreeMap::new();
    while let Some(batch) = source.next()? {
        for i in 0..batch.num_rows() {
            let (corpus, boilerplate, new) = document(&batch, i);
            for (word, more) in story_terms(&corpus, StoryId(0), &boilerplate, &new) {
                let of = sum.entry(word).or_default();
                *of = (of.0 + i64::from(more.stories), of.1 + i64::from(more.name_votes));
            }
            if sum.len() >= WORDS {
                counts.written += write(std::mem::take(&mut sum), &mut sink)?;
            }
        }
        counts.read += batch.num_rows() as u64;
    }
    counts.written += write(sum, &mut sink)?;
    sink.finish()?;
    Ok(counts)
}

/// Story `i` of `batch`, whether each of its passages is boilerplate, and those that occur in no earlier story.
fn document(batch: &RecordBatch, i: usize) -> (Corpus, Vec<bool>, Vec<RowId>) {
    let title = batch.column(0).as_string::<i32>().value(i);
    let of_story = batch.column(1).as_list::<i32>().value(i);
    let of_story = of_story.as_struct();
    let texts = of_story.column(0).as_string::<i32>();
    let (boilerplate, first) = (of_story.column(1).as_boolean(), of_story.column(2).as_boolean());
    let n = of_story.len();
    let corpus = Corpus {
        stories: vec![Story { title: title.into(), ..Story::default() }],
        passages: vec![
            (0..n).map(|at| Passage { span: 0..0, row: RowId(at as u32), title: false }).collect(),
        ],
        rows: (0..n).map(|at| Row { text: texts.value(at).into(), hash: [0; 16] }).collect(),
    };
    let new = (0..n).filter(|at| first.value(*at)).map(|at| RowId(at as u32)).collect();
    (corpus, (0..n).map(|at| boilerplate.value(at)).collect(), new)
}

fn write(sum: BTreeMap<(Field, String), (i64, i64)>, sink: &mut Sink) -> Result<u64> {
    let words: Vec<_> = sum.into_iter().collect();
    for part in words.chunks(BATCH) {
        let fields: ArrayRef =
            Arc::new(Int32Array::from_iter_values(part.iter().map(|w| w.0.0.number().into())));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(part.iter().map(|w| &w.0.1)));
        let int = |of: fn(&(i64, i64)) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(part.iter().map(|w| of(&w.1))))
        };
        sink.write(vec![fields, texts, int(|n| n.0), int(|n| n.1)])?;
    }
    Ok(words.len() as u64)
}

/// The document frequencies of all stories, sorted. Words of a single story may be left out unless they are names: the
/// comparison adds the words of its own stories, and a title does not make them names.
pub struct WordTable {
    batches: Vec<RecordBatch>,
    stories: u32,
}

impl WordTable {
    /// Reads the sums: a stream of words, ascending by field and word, with the number of all stories under
    /// `samestory.stories` in its schema.
    ///
    /// # Errors
    /// [`crate::Error::Stream`] if the input is no such stream.
    pub fn read(from: &mut dyn Read) -> Result<Self> {
        let mut source = Source::open(Stream::Words, "", from)?;
        let stories_text = source.metadata(STORIES).unwrap_or_default();
        let stories: u32 = stories_text.parse().map_err(|_| Error::Stream {
            stream: Stream::Words.name(),
            fault: StreamFault::StoryCount,
            message: format!("its schema says {stories_text:?} under {STORIES}"),
        })?;
        let mut table = WordTable { batches: Vec::new(), stories };
        while let Some(batch) = source.next()? {
            let table = &mut table.batches;
            let mut last = table.last().map(|b| key(b, b.num_rows() - 1));
            let mut in_order = true;
            for i in 0..batch.num_rows() {
                let here = key(&batch, i);
                in_order &= last.is_none_or(|l| l < here);
                last = Some(here);
            }
            if !in_order {
                return Err(source.refuse("its words are not sorted, or one occurs twice".into()));
            }
            if batch.num_rows() > 0 {
                table.push(batch);
            }
        }
        Ok(table)
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Whether there are no words.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}

fn key(batch: &RecordBatch, i: usize) -> (i32, &str) {
    (batch.column(0).as_primitive::<Int32Type>().value(i), batch.column(1).as_string::<i32>().value(i))
}

impl DocumentFrequencies for WordTable {
    fn stories(&self) -> u32 {
        self.stories
    }

    fn get(&self, field: Field, word: &str) -> Result<Option<TermStatistics>> {
        let wanted = (field.number().into(), word);
        let at = self.batches.partition_point(|b| key(b, b.num_rows() - 1) < wanted);
        let Some(batch) = self.batches.get(at) else { return Ok(None) };
        let (mut low, mut high) = (0, batch.num_rows());
        while low < high {
            let middle = (low + high) / 2;
            if key(batch, middle) < wanted { low = middle + 1 } else { high = middle }
        }
        let int = |c: usize| batch.column(c).as_primitive::<Int64Type>().value(low);
        let clamp = |n: i64, least: i64, most: i64| n.clamp(least, most);
        Ok((low < batch.num_rows() && key(batch, low) == wanted).then(|| TermStatistics {
            stories: clamp(int(2), 0, u32::MAX.into()) as u32,
            name_votes: clamp(int(3), i32::MIN.into(), i32::MAX.into()) as i32,
        }))
    }
}
