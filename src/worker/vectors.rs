//! Texts to vectors, and the vectors of passages to the vector of their story.

use std::{io::Read, io::Write, sync::Arc};

use arrow_array::{Array, ArrayRef, BinaryArray, cast::AsArray};

use super::{
    Counts,
    schema::Stream,
    stream::{Sink, Source},
};
use crate::{Result, search::write_mean, vector::Matrix};

/// Texts that are embedded at a time: enough to be sorted by length into full batches.
const TEXTS: usize = 4096;

/// Embeds texts: a row for each.
pub type Embed<'e> = dyn Fn(&[&str]) -> Result<Matrix> + 'e;

/// Reads texts and writes their vectors, in their order.
///
/// # Errors
/// [`crate::Error::Stream`] if the input is no stream of texts; errors of `embed`.
pub fn embed(model: &str, embed: &Embed, from: &mut dyn Read, to: &mut dyn Write) -> Result<Counts> {
    let mut source = Source::open(Stream::Texts, model, from)?;
    let mut sink = Sink::new(Stream::Vectors, model, to)?;
    let mut counts = Counts::default();
    let mut pending: Vec<(Vec<u8>, String)> = Vec::new();
    while let Some(batch) = source.next()? {
        let (hashes, texts) = (batch.column(0).as_binary::<i32>(), batch.column(1).as_string::<i32>());
        for (hash, text) in hashes.iter().flatten().zip(texts.iter().flatten()) {
            pending.push((hash.to_vec(), text.to_string()));
            if pending.len() == TEXTS {
                sink.write(embed_rows(&pending, embed)?)?;
                pending.clear();
            }
        }
        counts.read += batch.num_rows() as u64;
    }
    if !pending.is_empty() {
        sink.write(embed_rows(&pending, embed)?)?;
    }
    sink.finish()?;
    counts.written = counts.read;
    Ok(counts)
}

fn embed_rows(rows: &[(Vec<u8>, String)], embed: &Embed) -> Result<Vec<ArrayRef>> {
    let texts: Vec<&str> = rows.iter().map(|(_, text)| text.as_str()).collect();
    let vectors = embed(&texts)?;
    let hashes: ArrayRef = Arc::new(BinaryArray::from_iter_values(rows.iter().map(|(hash, _)| hash)));
    Ok(vec![hashes, binary((0..vectors.rows()).map(|i| vectors.row(i)))])
}

/// Reads the vectors of passages and writes the vector of the story: their mean, at unit length.
///
/// # Errors
/// [`crate::Error::Stream`] if the input is no stream of vectors of passages.
pub fn mean(model: &str, from: &mut dyn Read, to: &mut dyn Write) -> Result<Counts> {
    let mut source = Source::open(Stream::Passages, model, from)?;
    let mut sink = Sink::new(Stream::Vectors, model, to)?;
    let mut counts = Counts::default();
    let mut dim = None;
    while let Some(batch) = source.next()? {
        let mut means: Vec<Vec<f32>> = Vec::new();
        let mut rows: Vec<f32> = Vec::new();
        for vectors in batch.column(1).as_list::<i32>().iter().flatten() {
            rows.clear();
            if vectors.is_empty() {
                return Err(source.refuse("a story without passages has no mean vector: leave it out".into()));
            }
            for bytes in vectors.as_binary::<i32>().iter().flatten() {
                push_vector(bytes, &mut dim, &mut rows, &source)?;
            }
            let mut mean = vec![0.0; dim.unwrap_or(0)];
            write_mean(rows.chunks(dim.unwrap_or(1).max(1)), &mut mean);
            means.push(mean);
        }
        counts.read += batch.num_rows() as u64;
        sink.write(vec![batch.column(0).clone(), binary(means.iter().map(Vec::as_slice))])?;
    }
    sink.finish()?;
    counts.written = counts.read;
    Ok(counts)
}

/// Appends the values of `bytes` to `values`. All vectors of a stream have the same length, `dim`, which the first one sets.
pub(super) fn push_vector(
    bytes: &[u8],
    dim: &mut Option<usize>,
    values: &mut Vec<f32>,
    source: &Source,
) -> Result<()> {
    let (floats, rest) = bytes.as_chunks::<4>();
    let expected = *dim.get_or_insert(floats.len());
    if !rest.is_empty() || floats.len() != expected || floats.is_empty() {
        return Err(source.refuse(format!(
            "a vector has {} bytes, the first one had {expected} values of 4 bytes",
            bytes.len()
        )));
    }
    let before = values.len();
    values.extend(floats.iter().map(|b| f32::from_le_bytes(*b)));
    if !values[before..].iter().all(|x| x.is_finite()) {
        return Err(source.refuse("a vector has a value that is not finite".into()));
    }
    Ok(())
}

/// Vectors as a column of bytes.
fn binary<'v>(vectors: impl Iterator<Item = &'v [f32]>) -> ArrayRef {
    let bytes = vectors.map(|v| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
    Arc::new(BinaryArray::from_iter_values(bytes))
}
