//! What the pages of a Parquet file claim to hold, checked against their bytes before memory is taken for it.
//!
//! The reader of the format makes room for as many values as the header of a dictionary or of a section of lengths says,
//! up to 2³¹ of them, before it looks for the values: a damaged file of 500 bytes took gigabytes.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use parquet::{
    basic::{Encoding, Type},
    column::page::{Page, PageMetadata, PageReader},
    errors::{ParquetError, Result},
    file::{
        metadata::{ParquetMetaData, RowGroupMetaData},
        reader::{FileReader, RowGroupReader},
        serialized_reader::SerializedFileReader,
    },
    record::reader::RowIter,
    schema::types::{ColumnDescPtr, Type as Schema},
};

use super::headers::{self, leb128};

/// The most values of a block of lengths; writers use 128 or 256.
const BLOCK: u64 = 1024;

/// A file whose pages are checked, those of a column when it is opened.
pub(super) struct Checked {
    reader: SerializedFileReader<File>,
    file: File,
}

impl Checked {
    pub fn open(file: File) -> Result<Self> {
        Ok(Checked { reader: SerializedFileReader::new(file.try_clone()?)?, file })
    }
}

fn broken() -> ParquetError {
    ParquetError::General("a page claims more values than it holds".into())
}

impl FileReader for Checked {
    fn metadata(&self) -> &ParquetMetaData {
        self.reader.metadata()
    }

    fn num_row_groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    fn get_row_group(&self, i: usize) -> Result<Box<dyn RowGroupReader + '_>> {
        Ok(Box::new(Group { reader: self.reader.get_row_group(i)?, file: &self.file }))
    }

    fn get_row_iter(&self, projection: Option<Schema>) -> Result<RowIter<'_>> {
        RowIter::from_file(projection, self)
    }
}

struct Group<'a> {
    reader: Box<dyn RowGroupReader + 'a>,
    file: &'a File,
}

impl RowGroupReader for Group<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.reader.metadata()
    }

    fn num_columns(&self) -> usize {
        self.reader.num_columns()
    }

    fn get_column_page_reader(&self, i: usize) -> Result<Box<dyn PageReader>> {
        let read_at = |start: u64, len: usize| {
            let mut bytes = Vec::new();
            let mut file = self.file;
            file.seek(SeekFrom::Start(start))?;
            file.take(len as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let (start, len) = self.metadata().column(i).byte_range();
        if !headers::hold(start, start.saturating_add(len), read_at)? {
            return Err(broken());
        }
        let column = self.metadata().schema_descr().column(i);
        Ok(Box::new(Pages { inner: self.reader.get_column_page_reader(i)?, column }))
    }

    fn get_column_bloom_filter(&self, i: usize) -> Option<&parquet::bloom_filter::Sbbf> {
        self.reader.get_column_bloom_filter(i)
    }

    fn get_row_iter(&self, projection: Option<Schema>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

struct Pages {
    inner: Box<dyn PageReader>,
    column: ColumnDescPtr,
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.inner.get_next_page()?;
        match page.as_ref().is_none_or(|page| holds(page, &self.column)) {
            true => Ok(page),
            false => Err(broken()),
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.inner.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.inner.at_record_boundary()
    }
}

/// Whether `page` can hold the values that room is made for.
fn holds(page: &Page, column: &ColumnDescPtr) -> bool {
    match page {
        Page::DictionaryPage { buf, num_values, .. } => {
            let bits = match column.physical_type() {
                Type::BOOLEAN => 1,
                // At least its length.
                Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 32,
                Type::INT64 | Type::DOUBLE => 64,
                Type::INT96 => 96,
                Type::FIXED_LEN_BYTE_ARRAY => 8 * u64::try_from(column.type_length()).unwrap_or(0).max(1),
            };
            u64::from(*num_values) * bits <= 8 * buf.len() as u64
        }
        Page::DataPage { buf, num_values, encoding, .. } => {
            // Each kind of levels has its length before it.
            let levels = [column.max_rep_level(), column.max_def_level()];
            let values = levels.iter().filter(|max| **max > 0).try_fold(&buf[..], |rest, _| {
                let (len, rest) = rest.split_first_chunk()?;
                rest.get(u32::from_le_bytes(*len) as usize..)
            });
            values.is_none_or(|values| lengths_hold(values, *encoding, *num_values))
        }
        Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
            let values =
                buf.get((u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len)) as usize..);
            values.is_none_or(|values| lengths_hold(values, *encoding, *num_values))
        }
    }
}

/// Whether the sections of lengths, if `values` begins with such, hold what they claim, and no more than `most`.
fn lengths_hold(values: &[u8], encoding: Encoding, most: u32) -> bool {
    let sections = match encoding {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
        // Lengths of what is shared with the value before, and of the rest.
        Encoding::DELTA_BYTE_ARRAY => 2,
        _ => 0,
    };
    (0..sections).try_fold(values, |rest, _| after_lengths(rest, most.into())).is_some()
}

/// What follows a section of lengths (the format's DELTA_BINARY_PACKED); none if its bytes end before its values do, or
/// if there are more than `most`.
fn after_lengths(mut rest: &[u8], most: u64) -> Option<&[u8]> {
    let (block, minis, count) = (leb128(&mut rest)?, leb128(&mut rest)?, leb128(&mut rest)?);
    leb128(&mut rest)?;
    if count > most || block > BLOCK || minis == 0 || block < minis {
        return None;
    }
    let of_mini = block / minis;
    let mut left = count.saturating_sub(1);
    while left > 0 {
        leb128(&mut rest)?;
        let widths;
        (widths, rest) = rest.split_at_checked(minis as usize)?;
        for width in widths {
            if left > 0 {
                rest = rest.get((u64::from(*width) * of_mini / 8) as usize..)?;
            }
            left = left.saturating_sub(of_mini);
        }
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use parquet::{
        data_type::{ByteArray, ByteArrayType},
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };

    use super::*;
    use crate::{
        ingest::{Input, Options, read},
        progress::NoProgress,
    };

    const TEXT: &str = "The dam is raised, no. ";

    /// `n` stories, every tenth without a date, in `encoding` or, without one, with a dictionary.
    fn file(encoding: Option<Encoding>, n: usize) -> Vec<u8> {
        let schema = "message story { required binary id (utf8); required binary text (utf8); optional binary date (utf8); }";
        let properties = WriterProperties::builder().set_dictionary_enabled(encoding.is_none());
        let properties = match encoding {
            Some(encoding) => properties.set_encoding(encoding),
            None => properties,
        };
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).unwrap();
        let mut group = file.next_row_group().unwrap();
        let dated = |i: &usize| !i.is_multiple_of(10);
        let columns: [(Vec<String>, Option<Vec<i16>>); 3] = [
            ((0..n).map(|i| i.to_string()).collect(), None),
            ((0..n).map(|i| TEXT.repeat(1 + i % 3) + &i.to_string()).collect(), None),
            (
                (0..n).filter(dated).map(|_| "2024-05-03".into()).collect(),
                Some((0..n).map(|i| dated(&i).into()).collect()),
            ),
        ];
        for (values, levels) in columns {
            let mut column = group.next_column().unwrap().unwrap();
            let values: Vec<ByteArray> = values.iter().map(|value| value.as_str().into()).collect();
            column.typed::<ByteArrayType>().write_batch(&values, levels.as_deref(), None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        file.into_inner().unwrap()
    }

    fn read_bytes(bytes: &[u8]) -> crate::ingest::Ingested {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("stories.parquet");
        std::fs::write(&path, bytes).unwrap();
        read(vec![Input::Path(path)], &Options::default(), &NoProgress).unwrap()
    }

    #[test]
    fn whole_files_are_read_however_values_are_packed() {
        let kinds = [Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY];
        for encoding in kinds.map(Some).into_iter().chain([None]) {
            for n in [1, 32, 33, 300, 5000] {
                let read = read_bytes(&file(encoding, n));
                assert_eq!((&read.notices[..], read.stories.len()), (&[][..], n), "{encoding:?}");
                assert!(read.stories.iter().all(|s| s.text.ends_with(&s.id)), "{encoding:?}");
            }
        }
    }

    #[test]
    fn a_dictionary_with_a_count_beyond_its_bytes_is_refused() {
        let column = |of: &str| {
            let schema = parse_message_type(&format!("message story {{ required {of}; }}")).unwrap();
            parquet::schema::types::SchemaDescriptor::new(Arc::new(schema)).column(0)
        };
        let check = |of: &str, bytes: usize, most: u32| {
            let page = |num_values| Page::DictionaryPage {
                buf: vec![0; bytes].into(),
                num_values,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            let column = column(of);
            let told = [most, most + 1, u32::MAX].map(|n| holds(&page(n), &column));
            assert_eq!(told, [true, false, false], "{of}");
        };
        check("boolean x", 3, 24);
        check("int32 x", 11, 2);
        check("int64 x", 16, 2);
        check("int96 x", 12, 1);
        check("double x", 0, 0);
        check("binary x", 13, 3);
        check("fixed_len_byte_array(5) x", 14, 2);
    }

    #[test]
    fn lengths_with_a_count_beyond_their_bytes_are_refused() {
        let check = |section: &[u8], most: u64, rest: Option<usize>| {
            assert_eq!(after_lengths(section, most).map(<[u8]>::len), rest, "{section:?}");
        };
        // Blocks of 128 in 4, so many values, the first; then the least difference, four widths, and what follows.
        check(&[0x80, 1, 4, 1, 6, b'x'], 9, Some(1));
        check(&[0x80, 1, 4, 1, 6, b'x'], 0, None);
        check(&[0x80, 1, 4, 9, 6, 0, 0, 0, 0, 0, b'x'], 9, Some(1));
        check(&[0x80, 1, 4, 9, 6, 0, 0, 0, 0], 9, None);
        check(&[0x80, 1, 4, 9, 6, 0, 1, 0, 0, 0, 7, 7, 7, 7, b'x'], 9, Some(1));
        check(&[0x80, 1, 4, 9, 6, 0, 1, 0, 0, 0, 7, 7, 7], 9, None);
        check(&[0x80, 1, 4, 9, 6, 0, 1, 99, 0, 0, 7, 7, 7, 7, b'x'], 9, Some(1));
        check(&[0x80, 1, 4, 0xff, 0xff, 0xff, 0x7f, 6, 0, 0, 0, 0, 0], u64::MAX, None);
        check(&[0x80, 0x80, 0x80, 0x7f, 4, 9, 6, 0, 0, 0, 0, 0], 9, None);
        check(&[0x80, 1, 0, 9, 6, 0], 9, None);
        check(&[0x80; 12], 9, None);
        check(&[], 9, None);
    }
}
