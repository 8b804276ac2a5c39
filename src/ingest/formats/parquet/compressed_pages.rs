//! Pages that are compressed with Zstandard or Brotli.
//!
//! The `parquet` crate decompresses Zstandard by a C library, and Brotli by a crate that compresses too. The pages of such a
//! column are read here as if they were not compressed, and then decompressed in pure Rust.

use std::{fs::File, io::Read, sync::Arc};

use parquet::{
    basic::Compression,
    column::page::{Page, PageMetadata, PageReader},
    errors::{ParquetError, Result},
    file::{metadata::RowGroupMetaData, serialized_reader::SerializedPageReader},
};

/// The longest page, decompressed: memory is reserved for it as its bytes arrive.
const MAX_PAGE: u64 = 256 << 20;

/// The codecs that are decompressed here.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Codec {
    Zstandard,
    Brotli,
}

/// A reader of the pages of column `i`, if these are compressed with one of the codecs here.
///
/// # Errors
/// The column cannot be opened.
pub(super) fn open(group: &RowGroupMetaData, i: usize, file: &File) -> Result<Option<Box<dyn PageReader>>> {
    let column = group.column(i);
    let codec = match column.compression() {
        Compression::ZSTD(_) => Codec::Zstandard,
        Compression::BROTLI(_) => Codec::Brotli,
        _ => return Ok(None),
    };
    let column = column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
    let rows = usize::try_from(group.num_rows())?;
    let inner = SerializedPageReader::new(Arc::new(file.try_clone()?), &column, rows, None)?;
    Ok(Some(Box::new(CompressedPages { inner, codec })))
}

struct CompressedPages {
    inner: SerializedPageReader<File>,
    codec: Codec,
}

impl CompressedPages {
    /// The page with its values decompressed.
    fn decompress(&self, page: Page) -> Result<Page> {
        Ok(match page {
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            } => Page::DataPage {
                buf: self.codec.decompress(&buf, 0)?.into(),
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            },
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed: true,
                statistics,
            } => Page::DataPageV2 {
                // Levels are never compressed.
                buf: self
                    .codec
                    .decompress(&buf, u64::from(def_levels_byte_len) + u64::from(rep_levels_byte_len))?
                    .into(),
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed: false,
                statistics,
            },
            Page::DictionaryPage { buf, num_values, encoding, is_sorted } => Page::DictionaryPage {
                buf: self.codec.decompress(&buf, 0)?.into(),
                num_values,
                encoding,
                is_sorted,
            },
            page => page,
        })
    }
}

impl Codec {
    /// `bytes` with those from `start` on decompressed.
    fn decompress(self, bytes: &[u8], start: u64) -> Result<Vec<u8>> {
        let split = usize::try_from(start).ok().and_then(|start| bytes.split_at_checked(start));
        let Some((head, mut rest)) = split else { return Err(corrupt("its levels are longer than it is")) };
        let mut out = head.to_vec();
        if rest.is_empty() {
            return Ok(out);
        }
        let read = match self {
            Codec::Zstandard => ruzstd::decoding::StreamingDecoder::new(&mut rest)
                .map_err(std::io::Error::other)
                .and_then(|decoder| decoder.take(MAX_PAGE + 1).read_to_end(&mut out)),
            Codec::Brotli => {
                brotli_decompressor::Decompressor::new(rest, 4096).take(MAX_PAGE + 1).read_to_end(&mut out)
            }
        };
        match read {
            Err(error) => Err(corrupt(&error.to_string())),
            Ok(read) if read as u64 > MAX_PAGE => Err(corrupt("it is longer than 256 MiB")),
            Ok(_) => Ok(out),
        }
    }
}

fn corrupt(message: &str) -> ParquetError {
    ParquetError::General(format!("a page cannot be decompressed: {message}"))
}

impl Iterator for CompressedPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for CompressedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.inner.get_next_page()?.map(|page| self.decompress(page)).transpose()
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
