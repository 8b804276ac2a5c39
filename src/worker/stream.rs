//! Reading and writing Arrow IPC streams, one batch at a time. Streams that do not fit are refused with the reason.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};

use super::schema::{MODEL, STREAM, Stream, TEXT, is_same};
use crate::{Error, Result, corpus::TEXT_VERSION, error::StreamFault, panics::catch};

/// Every Arrow stream since format 0.15 begins with these bytes, and ends with them and four zeros.
const CONTINUATION: [u8; 4] = [0xff; 4];
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// An input stream.
pub(super) struct Source<'r> {
    stream: Stream,
    reader: StreamReader<EndsReader<'r>>,
    /// For each column of the stream its place in the input.
    columns: Vec<usize>,
}

impl<'r> Source<'r> {
    /// Opens a stream, which must be `stream`, of this version, text version and model.
    pub fn open(stream: Stream, model: &str, from: &'r mut dyn Read) -> Result<Self> {
        let mut from = EndsReader { from, first: Vec::new(), last: [0; 8] };
        let begin = from.begin();
        begin.map_err(|e| refuse(stream, format!("it cannot be read: {e}"), StreamFault::Truncated))?;
        if from.first != CONTINUATION {
            return Err(refuse(stream, "it is no Arrow IPC stream".into(), StreamFault::NotArrow));
        }
        let reader = catch_panics(stream, || StreamReader::try_new(from, None))?;
        let columns = check(stream, model, &reader.schema())?;
        Ok(Source { stream, reader, columns })
    }

    /// The value of `key` in the schema's metadata.
    pub fn metadata(&self, key: &str) -> Option<String> {
        self.reader.schema().metadata().get(key).cloned()
    }

    /// The next batch with the stream's columns in their order; none at its end.
    pub fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = catch_panics(self.stream, || self.reader.next().transpose())? else {
            // Only the last bytes show that a stream was cut between two batches.
            let is_whole = self.reader.get_ref().last == END;
            return if is_whole { Ok(None) } else { Err(truncated(self.stream)) };
        };
        let batch = batch.project(&self.columns).map_err(|e| corrupt(self.stream, &e))?;
        for (field, column) in self.stream.fields().iter().zip(batch.columns()) {
            if (!field.is_nullable() && column.null_count() > 0) || has_nulls_inside(column) {
                let message = format!("the column {:?} is not nullable, but has nulls", field.name());
                return Err(self.refuse(message));
            }
        }
        Ok(Some(batch))
    }

    /// An error about values of this stream.
    pub fn refuse(&self, message: String) -> Error {
        refuse(self.stream, message, StreamFault::Values)
    }
}

fn refuse(stream: Stream, message: String, fault: StreamFault) -> Error {
    Error::Stream { stream: stream.name(), fault, message }
}

/// Runs `read`; turns a panic of the reader into an error.
fn catch_panics<T>(stream: Stream, read: impl FnOnce() -> std::result::Result<T, ArrowError>) -> Result<T> {
    match catch(read) {
        Some(read) => read.map_err(|e| corrupt(stream, &e)),
        None => Err(refuse(stream, "it is corrupt".into(), StreamFault::Truncated)),
    }
}

fn truncated(stream: Stream) -> Error {
    refuse(stream, "it ends too early: it was truncated".into(), StreamFault::Truncated)
}

fn corrupt(stream: Stream, error: &ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, e) if e.kind() == io::ErrorKind::UnexpectedEof => truncated(stream),
        _ => refuse(stream, format!("it is corrupt: {error}"), StreamFault::Truncated),
    }
}

/// Checks the metadata and columns of `found`; returns the places of the columns of `stream`.
fn check(stream: Stream, model: &str, found: &Schema) -> Result<Vec<usize>> {
    let value = |key: &str| found.metadata().get(key).map_or("nothing", String::as_str);
    if value(STREAM) != stream.name() {
        let message = format!("its schema says {} under {STREAM}", value(STREAM));
        return Err(refuse(stream, message, StreamFault::OtherStream));
    }
    let text = TEXT_VERSION.to_string();
    if value(TEXT) != text {
        let message =
            format!("its passages were made by version {} of the text rules, not {text}", value(TEXT));
        return Err(refuse(stream, message, StreamFault::TextVersion));
    }
    if stream.has_vectors() && value(MODEL) != model {
        let short = |m: &str| m.chars().take(12).collect::<String>();
        let message =
            format!("its vectors are of the model {}, this worker has {}", short(value(MODEL)), short(model));
        return Err(refuse(stream, message, StreamFault::OtherModel));
    }
    let place = |field: &Arc<arrow_schema::Field>| {
        let (i, there) = found.column_with_name(field.name()).ok_or_else(|| {
            refuse(stream, format!("it has no column {:?}", field.name()), StreamFault::Columns)
        })?;
        if is_same(field.data_type(), there.data_type()) {
            return Ok(i);
        }
        let (name, expected, actual) = (field.name(), field.data_type(), there.data_type());
        Err(refuse(stream, format!("the column {name:?} is {actual}, not {expected}"), StreamFault::Columns))
    };
    stream.fields().iter().map(place).collect()
}

/// Whether a list has nulls among its items, or a struct among its members.
fn has_nulls_inside(column: &ArrayRef) -> bool {
    let members = |item: &ArrayRef| match item.data_type() {
        DataType::Struct(_) => item.as_struct().columns().iter().any(|c| c.null_count() > 0),
        _ => false,
    };
    match column.data_type() {
        DataType::List(_) => {
            let items = column.as_list::<i32>().values();
            items.null_count() > 0 || members(items)
        }
        _ => members(column),
    }
}

/// A reader that remembers the first four and the last eight bytes.
struct EndsReader<'r> {
    from: &'r mut dyn Read,
    first: Vec<u8>,
    last: [u8; 8],
}

impl EndsReader<'_> {
    fn begin(&mut self) -> io::Result<()> {
        (&mut self.from).take(4).read_to_end(&mut self.first)?;
        Ok(())
    }
}

impl Read for EndsReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = if self.first.is_empty() {
            self.from.read(into)?
        } else {
            // The bytes that `begin` has read.
            let n = self.first.len().min(into.len());
            into[..n].copy_from_slice(&self.first[..n]);
            self.first.drain(..n);
            n
        };
        let new = n.min(8);
        self.last.rotate_left(new);
        self.last[8 - new..].copy_from_slice(&into[n - new..n]);
        Ok(n)
    }
}

/// An output stream.
pub(super) struct Sink<'w> {
    schema: SchemaRef,
    writer: StreamWriter<&'w mut dyn Write>,
}

impl<'w> Sink<'w> {
    /// Begins a stream.
    pub fn new(stream: Stream, model: &str, to: &'w mut dyn Write) -> Result<Self> {
        let schema = Arc::new(stream.schema(model));
        let writer = StreamWriter::try_new(to, &schema).map_err(write_error)?;
        Ok(Sink { schema, writer })
    }

    /// Writes the columns of a batch, in the order of the stream.
    pub fn write(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(write_error)?;
        self.writer.write(&batch).map_err(write_error)
    }

    /// Ends the stream. Without its end, readers take it for truncated.
    pub fn finish(mut self) -> Result<()> {
        self.writer.finish().and_then(|()| self.writer.flush()).map_err(write_error)
    }
}

fn write_error(error: ArrowError) -> Error {
    let source = match error {
        ArrowError::IoError(_, e) => e,
        other => io::Error::other(other),
    };
    Error::Io { action: "write", path: "the stream".into(), source }
}

/// Writes a stream without rows, for its schema.
///
/// # Errors
/// If `to` cannot be written to.
pub fn write_empty(stream: Stream, model: &str, to: &mut dyn Write) -> Result<()> {
    Sink::new(stream, model, to)?.finish()
}
