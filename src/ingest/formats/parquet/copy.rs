//! Copying of selected rows with all their columns, in the schema of their files.

use std::{fs::File, sync::Arc};

use parquet::{
    basic::Compression,
    column::{
        reader::{ColumnReader, ColumnReaderImpl},
        writer::{ColumnWriter, ColumnWriterImpl},
    },
    data_type::DataType,
    errors::ParquetError,
    file::{properties::WriterProperties, reader::FileReader, writer::SerializedFileWriter},
};

use super::{RECORDS_OF_PAGE, catch_panic, page_limits::LimitedReader};

/// Rows of a column that are held in memory at once.
const ROWS: usize = 1 << 10;

/// A Parquet file of the rows for which `wanted(file, row)` is true; `None` if the files have different schemas, or cannot be
/// read to their ends. `limit` is the longest row, in bytes.
pub(in crate::ingest) fn copy_rows(
    files: Vec<File>,
    limit: u64,
    wanted: &dyn Fn(usize, u64) -> bool,
) -> Option<Vec<u8>> {
    catch_panic(|| copy(files, limit, wanted)).ok().flatten()
}

fn copy(
    files: Vec<File>,
    limit: u64,
    wanted: &dyn Fn(usize, u64) -> bool,
) -> Result<Option<Vec<u8>>, ParquetError> {
    let open = |file| LimitedReader::open(file, limit.saturating_mul(RECORDS_OF_PAGE));
    let readers = files.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = readers.first() else { return Ok(None) };
    let schema = first.metadata().file_metadata().schema_descr().root_schema_ptr();
    if readers.iter().any(|r| r.metadata().file_metadata().schema() != schema.as_ref()) {
        return Ok(None);
    }
    // What pandas and others say of their types.
    let described = first.metadata().file_metadata().key_value_metadata().cloned();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(described)
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    for (number, reader) in readers.iter().enumerate() {
        let mut row = 0;
        for i in 0..reader.num_row_groups() {
            let group = reader.get_row_group(i)?;
            let rows = group.metadata().num_rows().max(0).unsigned_abs();
            let kept: Vec<bool> = (row..row + rows).map(|row| wanted(number, row)).collect();
            row += rows;
            if !kept.contains(&true) {
                continue;
            }
            let mut out = writer.next_row_group()?;
            for column in 0..group.num_columns() {
                let Some(mut to) = out.next_column()? else { break };
                let descriptor = group.metadata().schema_descr().column(column);
                let levels = Levels {
                    max_definition: descriptor.max_def_level(),
                    is_repeated: descriptor.max_rep_level() > 0,
                };
                copy_column(group.get_column_reader(column)?, to.untyped(), levels, &kept)?;
                to.close()?;
            }
            out.close()?;
        }
    }
    writer.into_inner().map(Some)
}

/// What the levels of a column say of its values.
#[derive(Clone, Copy)]
struct Levels {
    /// The definition level of a value that is there; 0 if all are.
    max_definition: i16,
    /// Whether a row may have several values.
    is_repeated: bool,
}

fn copy_column(
    from: ColumnReader,
    to: &mut ColumnWriter,
    levels: Levels,
    kept: &[bool],
) -> Result<(), ParquetError> {
    macro_rules! copy_typed {
        ($($reader:ident, $writer:ident;)*) => {
            match (from, to) {
                $((ColumnReader::$reader(from), ColumnWriter::$writer(to)) => copy_values(from, to, levels, kept),)*
                _ => Err(ParquetError::General("a column of another type".into())),
            }
        };
    }
    copy_typed! {
        BoolColumnReader, BoolColumnWriter;
        Int32ColumnReader, Int32ColumnWriter;
        Int64ColumnReader, Int64ColumnWriter;
        Int96ColumnReader, Int96ColumnWriter;
        FloatColumnReader, FloatColumnWriter;
        DoubleColumnReader, DoubleColumnWriter;
        ByteArrayColumnReader, ByteArrayColumnWriter;
        FixedLenByteArrayColumnReader, FixedLenByteArrayColumnWriter;
    }
}

/// Copies the values of the rows that are kept. A value is there where the definition level is the largest one; a row begins
/// where the repetition level is 0.
fn copy_values<T: DataType>(
    mut from: ColumnReaderImpl<T>,
    to: &mut ColumnWriterImpl<'_, T>,
    Levels { max_definition, is_repeated }: Levels,
    kept: &[bool],
) -> Result<(), ParquetError> {
    let is_nullable = max_definition > 0;
    let mut first = 0;
    while first < kept.len() {
        let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let (rows, _, levels) =
            from.read_records(ROWS, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
        if rows == 0 {
            return Err(ParquetError::General("a column ends early".into()));
        }
        let (mut kept_values, mut kept_definitions, mut kept_repetitions) =
            (Vec::new(), Vec::new(), Vec::new());
        let mut values = values.into_iter();
        let mut row = first;
        let levels = if is_nullable || is_repeated { levels } else { rows };
        for level in 0..levels {
            let starts_row = !is_repeated || repetitions.get(level) == Some(&0);
            row += usize::from(starts_row && level > 0);
            let is_kept = kept.get(row) == Some(&true);
            let definition = definitions.get(level).copied().filter(|_| is_nullable);
            let value = if definition.is_none_or(|d| d == max_definition) { values.next() } else { None };
            if is_kept {
                kept_values.extend(value);
                kept_definitions.extend(definition);
                kept_repetitions.extend(repetitions.get(level).copied().filter(|_| is_repeated));
            }
        }
        to.write_batch(
            &kept_values,
            is_nullable.then_some(&kept_definitions[..]),
            is_repeated.then_some(&kept_repetitions[..]),
        )?;
        first += rows;
    }
    Ok(())
}
