//! Arrow IPC streams of workers: each worker tries to read them.

use std::{io::Read, sync::Arc};

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray,
};
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use arrow_schema::{DataType, Schema};
use samestory::{
    Result, compare, group,
    ingest::IngestOptions,
    progress::NoProgress,
    search::SearchOptions,
    vector::Matrix,
    worker::{self, CompareContext, Counts, JoinKind, Stream, WordTable},
};

use super::Reader;

pub const WORKERS: Reader = Reader { name: "workers", read: workers, seeds, cost: 8 };

const MODEL: &str = "m";

/// A worker with all but its streams.
type Worker<'s> = dyn Fn(&mut dyn Read, &mut Vec<u8>) -> Result<Counts> + 's;

/// Gives the stream to every worker. Those of other streams refuse it; what one accepts, it answers with a whole stream.
fn workers(bytes: &[u8]) {
    let (rules, grouping, search) =
        (compare::Options::default(), group::Options::default(), SearchOptions::default());
    let words = |mut from: &[u8]| WordTable::read(&mut from);
    let table = words(&written(Stream::Words)).expect("the words of the seed");
    let embed = |texts: &[&str]| Ok(Matrix::zeros(texts.len(), 2));
    let check = |worker: &Worker<'_>| {
        let (mut from, mut to) = (bytes, Vec::new());
        if let Ok(counts) = worker(&mut from, &mut to) {
            let batches = StreamReader::try_new(&to[..], None).expect("a stream");
            let rows: usize = batches.map(|batch| batch.expect("a batch").num_rows()).sum();
            assert!(rows as u64 >= counts.written);
        }
    };
    check(&|from, to| worker::ingest(&IngestOptions::default(), from, to));
    check(&|from, to| worker::embed(MODEL, &embed, from, to));
    check(&|from, to| worker::mean(MODEL, from, to));
    for kind in [JoinKind::Passages, JoinKind::Stories] {
        check(&|from, to| worker::candidates(MODEL, kind, &search, &NoProgress, from, to));
    }
    check(&|from, to| worker::words(from, to));
    let context = CompareContext { model: MODEL, words: &table, options: &rules, progress: &NoProgress };
    check(&|from, to| worker::compare(&context, from, to));
    check(&|from, to| worker::group(&context, &grouping, from, to));
    if let Ok(read) = words(bytes) {
        use compare::{DocumentFrequencies, Field};
        let _ = ["", "w1", "\u{10ffff}"]
            .map(|word| (read.get(Field::Text, word).ok(), read.get(Field::Title, word).ok()));
        assert!(read.len() <= bytes.len());
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let read = [
        Stream::Records,
        Stream::Texts,
        Stream::Passages,
        Stream::Points,
        Stream::Documents,
        Stream::Words,
        Stream::Contents,
    ];
    read.into_iter().map(written).collect()
}

/// Rows of the streams below.
const ROWS: usize = 3;

/// A stream of three rows: two stories and a pair of them, two points and one of the other side, and so on.
fn written(stream: Stream) -> Vec<u8> {
    let mut empty = Vec::new();
    worker::write_empty(stream, MODEL, &mut empty).unwrap();
    let mut schema: Schema = StreamReader::try_new(&empty[..], None).unwrap().schema().as_ref().clone();
    schema.metadata.insert("samestory.stories".to_string(), "3".to_string());
    let schema = Arc::new(schema);
    let columns = schema.fields().iter().map(|f| column(f.name(), f.data_type(), ROWS)).collect();
    let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn column(name: &str, of: &DataType, rows: usize) -> ArrayRef {
    match of {
        DataType::Int64 => Arc::new(Int64Array::from_iter((0..rows as i64).map(|i| match name {
            "task" => Some(0),
            // The third row is the pair of the first two.
            "number" => Some(i % 2),
            "other" => (i == 2).then_some(1),
            _ => Some(i),
        }))),
        DataType::Int32 => Arc::new(Int32Array::from_iter_values((0..rows as i32).map(|i| i / 2))),
        DataType::Float32 => Arc::new(Float32Array::from_iter_values((0..rows).map(|i| i as f32))),
        DataType::Boolean => Arc::new((0..rows).map(|i| Some(i % 2 == 1)).collect::<BooleanArray>()),
        DataType::Utf8 => Arc::new(StringArray::from_iter_values((0..rows).map(|i| match name {
            "json" => format!("{{\"id\":{i},\"text\":\"Rain fell.\"}}"),
            "text" => format!("Rain fell on {i} of the hills of Valemont."),
            _ => format!("w{i}"),
        }))),
        // Sixteen bytes are a hash, and four values of a vector.
        DataType::Binary => {
            let bytes = |i: usize| [0.5, i as f32 / 8.0, 0.5, -0.25].map(f32::to_be_bytes).concat();
            let little = |i: usize| [0.5, i as f32 / 8.0, 0.5, -0.25].map(f32::to_le_bytes).concat();
            // Keys ascend by their bytes.
            let of = |i| if name == "key" { bytes(i) } else { little(i) };
            Arc::new(BinaryArray::from_iter_values((0..rows).map(of)))
        }
        DataType::List(item) => {
            let offsets = arrow_buffer::OffsetBuffer::from_lengths((0..rows).map(|_| 2));
            Arc::new(ListArray::new(item.clone(), offsets, column("", item.data_type(), 2 * rows), None))
        }
        DataType::Struct(members) => {
            let columns = members.iter().map(|f| column(f.name(), f.data_type(), rows)).collect();
            Arc::new(StructArray::new(members.clone(), columns, None))
        }
        other => unreachable!("no stream has a column of {other}"),
    }
}
