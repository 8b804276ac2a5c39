//! Limits on the value counts of Parquet pages, checked against the bytes of each page before memory is allocated.
//!
//! The `parquet` crate allocates for as many values as the header of a dictionary or of a block of lengths declares, up to
//! 2³¹, before it reads the values: a corrupt file of 500 bytes took gigabytes.

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

use super::{
    compressed_pages::{self, Codec},
    page_headers::{self, PageFault, leb128},
};

/// The largest block of lengths, in values; writers use 128 or 256.
const MAX_BLOCK: u64 = 1024;

/// A Parquet file whose page headers are checked when a column is opened, and whose pages are checked when they are read.
pub(super) struct LimitedReader {
    reader: SerializedFileReader<File>,
    file: File,
    /// The largest page, in bytes, uncompressed.
    max_page: u64,
}

impl LimitedReader {
    pub fn open(file: File, max_page: u64) -> Result<Self> {
        Ok(LimitedReader { reader: SerializedFileReader::new(file.try_clone()?)?, file, max_page })
    }
}

/// The error of a page of `size` bytes in `column`.
fn size_error(column: &str, size: u64, max: u64) -> ParquetError {
    ParquetError::General(format!("a page of the column {column} has {size} bytes; at most {max} are read"))
}

fn count_error() -> ParquetError {
    ParquetError::General("a page declares more values than it holds".into())
}

impl FileReader for LimitedReader {
    fn metadata(&self) -> &ParquetMetaData {
        self.reader.metadata()
    }

    fn num_row_groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    fn get_row_group(&self, i: usize) -> Result<Box<dyn RowGroupReader + '_>> {
        Ok(Box::new(LimitedRowGroup {
            reader: self.reader.get_row_group(i)?,
            file: &self.file,
            max_page: self.max_page,
        }))
    }

    fn get_row_iter(&self, projection: Option<Schema>) -> Result<RowIter<'_>> {
        RowIter::from_file(projection, self)
    }
}

struct LimitedRowGroup<'a> {
    reader: Box<dyn RowGroupReader + 'a>,
    file: &'a File,
    max_page: u64,
}

impl RowGroupReader for LimitedRowGroup<'_> {
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
        let column = self.metadata().schema_descr().column(i);
        match page_headers::find_fault(start, start.saturating_add(len), self.max_page, read_at)? {
            Some(PageFault::Invalid) => return Err(count_error()),
            Some(PageFault::TooLarge(size)) => {
                return Err(size_error(&column.path().string(), size, self.max_page));
            }
            None => {}
        }
        let (inner, codec): (Box<dyn PageReader>, _) =
            match compressed_pages::open(self.metadata(), i, self.file)? {
                Some((pages, codec)) => (Box::new(pages), Some(codec)),
                None => (self.reader.get_column_page_reader(i)?, None),
            };
        Ok(Box::new(LimitedPages { inner, codec, column, max_page: self.max_page }))
    }

    fn get_column_bloom_filter(&self, i: usize) -> Option<&parquet::bloom_filter::Sbbf> {
        self.reader.get_column_bloom_filter(i)
    }

    fn get_row_iter(&self, projection: Option<Schema>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

struct LimitedPages {
    inner: Box<dyn PageReader>,
    /// What the pages are still compressed with.
    codec: Option<Codec>,
    column: ColumnDescPtr,
    max_page: u64,
}

impl Iterator for LimitedPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for LimitedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = match (self.inner.get_next_page()?, self.codec) {
            (Some(page), Some(codec)) => Some(codec.decompress_page(page, self.max_page)?),
            (page, _) => page,
        };
        if page.as_ref().is_none_or(|page| fits(page, &self.column)) { Ok(page) } else { Err(count_error()) }
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

/// Whether the bytes of `page` can hold the values for which the reader allocates memory.
fn fits(page: &Page, column: &ColumnDescPtr) -> bool {
    match page {
        Page::DictionaryPage { buf, num_values, .. } => {
            let bits = match column.physical_type() {
                Type::BOOLEAN => 1,
                // A value has at least its length, of 4 bytes.
                Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 32,
                Type::INT64 | Type::DOUBLE => 64,
                Type::INT96 => 96,
                Type::FIXED_LEN_BYTE_ARRAY => 8 * u64::try_from(column.type_length()).unwrap_or(0).max(1),
            };
            u64::from(*num_values) * bits <= 8 * buf.len() as u64
        }
        Page::DataPage { buf, num_values, encoding, .. } => {
            // Repetition and definition levels each begin with their length.
            let levels = [column.max_rep_level(), column.max_def_level()];
            let values = levels.iter().filter(|max| **max > 0).try_fold(&buf[..], |rest, _| {
                let (len, rest) = rest.split_first_chunk()?;
                rest.get(u32::from_le_bytes(*len) as usize..)
            });
            values.is_none_or(|values| lengths_fit(values, *encoding, *num_values))
        }
        Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
            let values =
                buf.get((u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len)) as usize..);
            values.is_none_or(|values| lengths_fit(values, *encoding, *num_values))
        }
    }
}

/// Whether the blocks of lengths at the beginning of `values`, if the encoding has them, hold the values that they
/// declare, and no more than `most`.
fn lengths_fit(values: &[u8], encoding: Encoding, most: u32) -> bool {
    let blocks = match encoding {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
        // Lengths of shared prefixes, and of suffixes.
        Encoding::DELTA_BYTE_ARRAY => 2,
        _ => 0,
    };
    (0..blocks).try_fold(values, |rest, _| after_lengths(rest, most.into())).is_some()
}

/// The bytes after a block of lengths (DELTA_BINARY_PACKED); `None` if the block ends before its values do, or declares
/// more than `most`.
fn after_lengths(mut rest: &[u8], most: u64) -> Option<&[u8]> {
    let (block, miniblocks, count) = (leb128(&mut rest)?, leb128(&mut rest)?, leb128(&mut rest)?);
    leb128(&mut rest)?;
    if count > most || block > MAX_BLOCK || miniblocks == 0 || block < miniblocks {
        return None;
    }
    let miniblock = block / miniblocks;
    let mut remaining = count.saturating_sub(1);
    while remaining > 0 {
        leb128(&mut rest)?;
        let widths;
        (widths, rest) = rest.split_at_checked(miniblocks as usize)?;
        for width in widths {
            if remaining > 0 {
                rest = rest.get((u64::from(*width) * miniblock / 8) as usize..)?;
            }
            remaining = remaining.saturating_sub(miniblock);
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
        ingest::{IngestOptions, Input, read},
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

    fn read_bytes(bytes: &[u8]) -> crate::ingest::IngestOutcome {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("stories.parquet");
        std::fs::write(&path, bytes).unwrap();
        read(vec![Input::Path(path)], &IngestOptions::default(), &NoProgress).unwrap()
    }

    #[test]
    fn reads_whole_files_of_every_encoding() {
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
    fn rejects_a_dictionary_count_beyond_its_bytes() {
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
            let found = [most, most + 1, u32::MAX].map(|n| fits(&page(n), &column));
            assert_eq!(found, [true, false, false], "{of}");
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
    fn rejects_a_count_of_lengths_beyond_their_bytes() {
        let check = |section: &[u8], most: u64, rest: Option<usize>| {
            assert_eq!(after_lengths(section, most).map(<[u8]>::len), rest, "{section:?}");
        };
        // Block size 128, 4 miniblocks, the count, the first value; then the smallest delta, four bit widths, and the rest.
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
