//! Pages that are compressed with Zstandard or Brotli.
//!
//! The `parquet` crate decompresses Zstandard by a C library, and Brotli by a crate that compresses too. The pages of such a
//! column are read as if they were not compressed, and then decompressed here in pure Rust.

use std::{fs::File, io::Read, sync::Arc};

use parquet::{
    basic::Compression,
    column::page::Page,
    errors::{ParquetError, Result},
    file::{metadata::RowGroupMetaData, serialized_reader::SerializedPageReader},
};

/// The codecs that are decompressed here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Codec {
    Zstandard,
    Brotli,
}

/// The pages of column `i` as they stand in the file, and their codec, if that is one of those here.
///
/// # Errors
/// The column cannot be opened.
pub(super) fn open(
    group: &RowGroupMetaData,
    i: usize,
    file: &File,
) -> Result<Option<(SerializedPageReader<File>, Codec)>> {
    let column = group.column(i);
    let codec = match column.compression() {
        Compression::ZSTD(_) => Codec::Zstandard,
        Compression::BROTLI(_) => Codec::Brotli,
        _ => return Ok(None),
    };
    let column = column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
    let rows = usize::try_from(group.num_rows())?;
    let inner = SerializedPageReader::new(Arc::new(file.try_clone()?), &column, rows, None)?;
    Ok(Some((inner, codec)))
}

impl Codec {
    /// The page with its values decompressed, to at most `max_page` bytes.
    ///
    /// # Errors
    /// The page is corrupt, or longer.
    pub fn decompress_page(self, page: Page, max_page: u64) -> Result<Page> {
        let decompress = |buf: &[u8], start: u64| self.decompress(buf, start, max_page);
        Ok(match page {
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            } => Page::DataPage {
                buf: decompress(&buf, 0)?.into(),
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
                buf: decompress(&buf, u64::from(def_levels_byte_len) + u64::from(rep_levels_byte_len))?
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
            Page::DictionaryPage { buf, num_values, encoding, is_sorted } => {
                Page::DictionaryPage { buf: decompress(&buf, 0)?.into(), num_values, encoding, is_sorted }
            }
            page => page,
        })
    }

    /// `bytes` with those from `start` on decompressed. Memory is reserved as they arrive.
    fn decompress(self, bytes: &[u8], start: u64, max_page: u64) -> Result<Vec<u8>> {
        let split = usize::try_from(start).ok().and_then(|start| bytes.split_at_checked(start));
        let Some((head, mut rest)) = split else { return Err(corrupt("its levels are longer than it is")) };
        let (mut out, most) = (head.to_vec(), max_page.saturating_add(1));
        if rest.is_empty() {
            return Ok(out);
        }
        let read = match self {
            Codec::Zstandard => ruzstd::decoding::StreamingDecoder::new(&mut rest)
                .map_err(std::io::Error::other)
                .and_then(|decoder| decoder.take(most).read_to_end(&mut out)),
            Codec::Brotli => {
                brotli_decompressor::Decompressor::new(rest, 4096).take(most).read_to_end(&mut out)
            }
        };
        match read {
            Err(error) => Err(corrupt(&error.to_string())),
            Ok(read) if read as u64 > max_page => {
                Err(corrupt(&format!("it is longer than {} MiB", max_page >> 20)))
            }
            Ok(_) => Ok(out),
        }
    }
}

fn corrupt(message: &str) -> ParquetError {
    ParquetError::General(format!("a page cannot be decompressed: {message}"))
}
