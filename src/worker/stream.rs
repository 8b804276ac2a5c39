//! Reading and writing Arrow IPC streams, one batch at a time; what does not fit is refused with the reason.

use std::{
    io::{self, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};

use super::schema::{MODEL, STREAM, Stream, TEXT, is_same};
use crate::{Error, Result, corpus::TEXT_VERSION, error::StreamFault};

/// What every Arrow stream that is not older than format 0.15 begins with, and ends with before four zeros.
const CONTINUATION: [u8; 4] = [0xff; 4];
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// A stream that is read.
pub(super) struct Source<'r> {
    stream: Stream,
    reader: StreamReader<Ends<'r>>,
    /// For each column of the stream its place in what is read.
    columns: Vec<usize>,
}

impl<'r> Source<'r> {
    /// Opens a stream that must be `stream`, of this version, text version and model.
    pub fn open(stream: Stream, model: &str, from: &'r mut dyn Read) -> Result<Self> {
        let mut from = Ends { from, first: Vec::new(), last: [0; 8] };
        let begin = from.begin();
        begin.map_err(|e| refuse(stream, format!("it cannot be read: {e}"), StreamFault::Truncated))?;
        if from.first != CONTINUATION {
            return Err(refuse(stream, "it is no Arrow IPC stream".into(), StreamFault::NotArrow));
        }
        let reader = guarded(stream, || StreamReader::try_new(from, None))?;
        let columns = check(stream, model, &reader.schema())?;
        Ok(Source { stream, reader, columns })
    }

    /// What the schema says under `key`.
    pub fn said(&self, key: &str) -> Option<String> {
        self.reader.schema().metadata().get(key).cloned()
    }

    /// The next batch with the stream's columns in their order; none at its end.
    pub fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = guarded(self.stream, || self.reader.next().transpose())? else {
            // A stream that was cut between two batches looks as if it had ended, but for its last bytes.
            return match self.reader.get_ref().last == END {
                true => Ok(None),
                false => {
                    Err(refuse(self.stream, "it ends too early: it was cut".into(), StreamFault::Truncated))
                }
            };
        };
        let batch = batch.project(&self.columns).map_err(|e| broken(self.stream, &e))?;
        for (field, column) in self.stream.fields().iter().zip(batch.columns()) {
            if (!field.is_nullable() && column.null_count() > 0) || has_nulls_inside(column) {
                let message = format!("the column {:?} has nulls where there may be none", field.name());
                return Err(self.refuse(message));
            }
        }
        Ok(Some(batch))
    }

    /// An error that speaks of the content of this stream.
    pub fn refuse(&self, message: String) -> Error {
        refuse(self.stream, message, StreamFault::Values)
    }
}

fn refuse(stream: Stream, message: String, fault: StreamFault) -> Error {
    Error::Stream { stream: stream.name(), fault, message }
}

/// What `read` gives; what it fails with, or panics with, as an error.
fn guarded<T>(stream: Stream, read: impl FnOnce() -> std::result::Result<T, ArrowError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|e| broken(stream, &e)),
        Err(_) => Err(refuse(stream, "it is broken".into(), StreamFault::Truncated)),
    }
}

fn broken(stream: Stream, error: &ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            refuse(stream, "it ends too early: it was cut".into(), StreamFault::Truncated)
        }
        _ => refuse(stream, format!("it is broken: {error}"), StreamFault::Truncated),
    }
}

/// The places of the columns of `stream`.
fn check(stream: Stream, model: &str, found: &Schema) -> Result<Vec<usize>> {
    let said = |key: &str| found.metadata().get(key).map_or("nothing", String::as_str);
    if said(STREAM) != stream.name() {
        let message = format!("its schema says {} under {STREAM}", said(STREAM));
        return Err(refuse(stream, message, StreamFault::OtherStream));
    }
    let text = TEXT_VERSION.to_string();
    if said(TEXT) != text {
        let message =
            format!("its passages were made by version {} of the text rules, not {text}", said(TEXT));
        return Err(refuse(stream, message, StreamFault::TextVersion));
    }
    if stream.has_vectors() && said(MODEL) != model {
        let short = |m: &str| m.chars().take(12).collect::<String>();
        let message =
            format!("its vectors are of the model {}, this stage has {}", short(said(MODEL)), short(model));
        return Err(refuse(stream, message, StreamFault::OtherModel));
    }
    let place = |field: &Arc<arrow_schema::Field>| {
        let (i, there) = found.column_with_name(field.name()).ok_or_else(|| {
            refuse(stream, format!("it has no column {:?}", field.name()), StreamFault::Columns)
        })?;
        match is_same(field.data_type(), there.data_type()) {
            true => Ok(i),
            false => {
                let (name, want, is) = (field.name(), field.data_type(), there.data_type());
                Err(refuse(stream, format!("the column {name:?} is {is}, not {want}"), StreamFault::Columns))
            }
        }
    };
    stream.fields().iter().map(place).collect()
}

/// Whether a list has nulls among its items, or a struct in its members.
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
struct Ends<'r> {
    from: &'r mut dyn Read,
    first: Vec<u8>,
    last: [u8; 8],
}

impl Ends<'_> {
    fn begin(&mut self) -> io::Result<()> {
        (&mut self.from).take(4).read_to_end(&mut self.first)?;
        Ok(())
    }
}

impl Read for Ends<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = match self.first.is_empty() {
            // What was looked at beforehand comes first.
            false => {
                let n = self.first.len().min(into.len());
                into[..n].copy_from_slice(&self.first[..n]);
                self.first.drain(..n);
                n
            }
            true => self.from.read(into)?,
        };
        let kept = n.min(8);
        self.last.rotate_left(kept);
        self.last[8 - kept..].copy_from_slice(&into[n - kept..n]);
        Ok(n)
    }
}

/// A stream that is written.
pub(super) struct Sink<'w> {
    schema: SchemaRef,
    writer: StreamWriter<&'w mut dyn Write>,
}

impl<'w> Sink<'w> {
    /// Begins a stream.
    pub fn new(stream: Stream, model: &str, to: &'w mut dyn Write) -> Result<Self> {
        let schema = Arc::new(stream.schema(model));
        let writer = StreamWriter::try_new(to, &schema).map_err(unwritten)?;
        Ok(Sink { schema, writer })
    }

    /// Writes the columns of a batch, in the order of the stream.
    pub fn write(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(unwritten)?;
        self.writer.write(&batch).map_err(unwritten)
    }

    /// Ends the stream: what is not ended was cut.
    pub fn finish(mut self) -> Result<()> {
        self.writer.finish().and_then(|()| self.writer.flush()).map_err(unwritten)
    }
}

fn unwritten(error: ArrowError) -> Error {
    let source = match error {
        ArrowError::IoError(_, e) => e,
        other => io::Error::other(other),
    };
    Error::Io { action: "write", path: "the stream".into(), source }
}

/// Writes a stream of no rows, for its schema.
pub fn write_empty(stream: Stream, model: &str, to: &mut dyn Write) -> Result<()> {
    Sink::new(stream, model, to)?.finish()
}
