//! Records of Arrow IPC streams and files (Feather), each row read as a JSON object.
//!
//! Folders that the library `datasets` of Hugging Face has saved hold such streams.
//!
//! A file is a stream between a magic number and a footer that repeats where the batches are (Apache Arrow, "Columnar
//! Format", IPC), so both are read from first to last. Memory holds one batch. What a batch claims of its buffers is
//! checked before memory is reserved for them, and a panic of the crate `arrow-ipc` ends the reading with a notice.

mod batches;
mod dataset;
mod values;

use std::io::BufRead;

use serde_json::{Map, Value};

use super::json;
use crate::{
    Error, Result,
    ingest::{NoticeKind, sink::StorySink},
    progress::Progress,
};
use batches::Batches;
pub(in crate::ingest) use dataset::{is_dataset, read_dataset};

/// Reads the rows of a stream or file. The line of a row is its number, from 1.
pub(super) fn read(reader: &mut dyn BufRead, sink: &mut StorySink, progress: &dyn Progress) -> Result<()> {
    read_rows(reader, 0, sink, progress).map(drop)
}

/// Reads the rows of a stream or file, the first of which is record number `record`; returns the number after the last.
fn read_rows(
    reader: &mut dyn BufRead,
    mut record: u64,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<u64> {
    let mut batches = match Batches::open(reader) {
        Ok(batches) => batches,
        Err(message) => {
            sink.notice(0, NoticeKind::Arrow(message));
            return Ok(record);
        }
    };
    loop {
        let batch = match batches.next() {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(record),
            Err(message) => {
                sink.notice(record + 1, NoticeKind::Arrow(message));
                return Ok(record);
            }
        };
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            if record.is_multiple_of(1024) && progress.cancelled() {
                return Err(Error::Interrupted);
            }
            let columns = schema.fields().iter().zip(batch.columns());
            let object: Map<String, Value> = columns
                .map(|(field, column)| (field.name().clone(), values::at(column.as_ref(), row)))
                .collect();
            json::read_value(&Value::Object(object), record + 1, record, sink);
            record += 1;
        }
    }
}

#[cfg(test)]
mod tests;
