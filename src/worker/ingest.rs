//! Records to stories with their passages and shingles.

use std::{io::Read, io::Write, path::Path, sync::Arc};

use arrow_array::{
    ArrayRef, Int64Array, RecordBatch, StringArray,
    builder::{BinaryBuilder, Int64Builder, ListBuilder, StringBuilder, StructBuilder},
    cast::AsArray,
    types::Int64Type,
};
use arrow_schema::{DataType, FieldRef};

use super::{
    Counts,
    schema::Stream,
    stream::{Sink, Source},
};
use crate::{
    Result,
    ingest::{self, IngestOptions, IngestOutcome},
    search::{ShingleOptions, shingles},
    story::{Corpus, Story, StoryId},
};

/// Reads records and writes stories, a row a record.
///
/// # Errors
/// [`crate::Error::Stream`] if the input is no stream of records. A record that is no story becomes a row with a notice.
pub fn ingest(options: &IngestOptions, from: &mut dyn Read, to: &mut dyn Write) -> Result<Counts> {
    let mut source = Source::open(Stream::Records, "", from)?;
    let mut sink = Sink::new(Stream::Stories, "", to)?;
    let mut counts = Counts::default();
    while let Some(batch) = source.next()? {
        let (columns, stories) = batch_of(&batch, options)?;
        counts.read += batch.num_rows() as u64;
        counts.written += stories;
        sink.write(columns)?;
    }
    sink.finish()?;
    Ok(counts)
}

fn batch_of(batch: &RecordBatch, options: &IngestOptions) -> Result<(Vec<ArrayRef>, u64)> {
    let (path, json) = (batch.column(1).as_string::<i32>(), batch.column(4).as_string::<i32>());
    let int = |i: usize| batch.column(i).as_primitive::<Int64Type>();
    let (line, record) = (int(2), int(3));
    let (mut stories, mut notices): (Vec<Option<Story>>, Vec<Option<String>>) = (Vec::new(), Vec::new());
    for i in 0..batch.num_rows() {
        let (line, record) = (line.value(i).max(0) as u64, record.value(i).max(0) as u64);
        let read: IngestOutcome =
            ingest::read_json_record(json.value(i), Path::new(path.value(i)), line, record, options);
        let notice: Vec<String> = read.notices.iter().map(ToString::to_string).collect();
        notices.push((!notice.is_empty()).then(|| notice.join("\n")));
        stories.push(read.stories.into_iter().next());
    }
    let count = stories.iter().flatten().count() as u64;
    let text = |of: &dyn Fn(&Story) -> Option<String>| -> ArrayRef {
        Arc::new(stories.iter().map(|s| s.as_ref().and_then(of)).collect::<StringArray>())
    };
    let id = text(&|s| Some(s.id.clone()));
    let title = text(&|s| Some(s.title.clone()));
    let body = text(&|s| Some(s.text.clone()));
    let source = text(&|s| s.source.clone());
    let url = text(&|s| s.url.clone());
    let published: ArrayRef =
        Arc::new(stories.iter().map(|s| s.as_ref().and_then(|s| s.published)).collect::<Int64Array>());
    let (passages, shingles) = parts(stories)?;
    let same = |i: usize| batch.column(i).clone();
    let notices: ArrayRef = Arc::new(notices.into_iter().collect::<StringArray>());
    let columns =
        vec![same(0), id, title, body, published, source, url, same(1), same(2), passages, shingles, notices];
    Ok((columns, count))
}

/// Passages and shingles of each story; empty where there is no story.
fn parts(stories: Vec<Option<Story>>) -> Result<(ArrayRef, ArrayRef)> {
    let fields = Stream::Stories.fields();
    let (of_passages, of_shingles) = (item(&fields[9]), item(&fields[10]));
    let DataType::Struct(members) = of_passages.data_type() else { unreachable!("passages are structs") };
    let columns: Vec<Box<dyn arrow_array::builder::ArrayBuilder>> =
        vec![Box::new(BinaryBuilder::new()), Box::new(StringBuilder::new())];
    let structs = StructBuilder::new(members.clone(), columns);
    let mut passages = ListBuilder::new(structs).with_field(of_passages.clone());
    let mut runs = ListBuilder::new(Int64Builder::new()).with_field(of_shingles);
    let words = ShingleOptions::default().words;
    for story in stories {
        let corpus = story.map_or_else(Corpus::default, |s| Corpus::new(vec![s]));
        if !corpus.stories.is_empty() {
            for row in corpus.story_rows(StoryId(0)) {
                let row = &corpus.rows[row.index()];
                let to = passages.values();
                if let Some(hash) = to.field_builder::<BinaryBuilder>(0) {
                    hash.append_value(row.hash);
                }
                if let Some(text) = to.field_builder::<StringBuilder>(1) {
                    text.append_value(&row.text);
                }
                to.append(true);
            }
            let found = shingles(&corpus, StoryId(0), words);
            found.iter().for_each(|s| runs.values().append_value(s.cast_signed()));
        }
        passages.append(true);
        runs.append(true);
    }
    Ok((Arc::new(passages.finish()), Arc::new(runs.finish())))
}

/// The field of a list's items.
pub(super) fn item(list: &FieldRef) -> FieldRef {
    match list.data_type() {
        DataType::List(item) => item.clone(),
        _ => list.clone(),
    }
}
