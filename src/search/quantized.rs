//! Vectors quantized to bytes, with a proven bound of the error of their scores: the first pass of an exact search.
//!
//! A row `v` is stored as integer codes `c` in [-127, 127] and a scale `s` (the largest `|v|` over 127), so that
//! `v ≈ s·c`. Stored beside it are its norm `‖v‖` and its quantization error `e = ‖v − s·c‖`, both rounded up. Let a query
//! `q` be quantized in the same way with scale `t`, codes `d` and error `f`. From
//! `q·v − t·d·s·c = (q − t·d)·v + t·d·(v − s·c)` and the Cauchy–Schwarz inequality follows
//!
//! ```text
//! |q·v − s·t·(c·d)| ≤ f·‖v‖ + (‖q‖ + f)·e
//! ```
//!
//! `c·d` is an integer and the same on every machine ([`Int8Dot`]). What float32 can lose in [`crate::vector::dot`] and in
//! the bound itself is added ([`QuantizedQuery::new`]). So every row that [`crate::vector::dot`] would place among the
//! nearest is a candidate of the first pass; after rescoring, the result equals that of a linear scan, ties included.
//!
//! A row with a value that is not finite has no bound: it is a candidate of every search.
//!
//! File layout, after the 64-byte header of index files (parameter: values of a row; first count: rows): the codes of all
//! rows, each code plus 128, each row padded with 128 to a multiple of 64 bytes; then scale, error and norm of each row as
//! little-endian float32.

use std::io::{self, Write};

use super::index_file::{CorruptFile, HEADER, Header, Kind};
#[cfg(feature = "graph")]
use super::score_bounds::ScoreBounds;
use crate::{
    device::{
        Isa,
        int8::{CODE_BIAS, CODE_BLOCK, Int8Dot, MAX_CODES, QueryCodes},
    },
    story::RowId,
    vector::Matrix,
};

const KIND: Kind = Kind { name: "a file of quantized rows", magic: *b"ssquant\0", version: 1 };

/// Bytes of scale, error and norm.
const TERM_BYTES: usize = 12;

/// Quantized rows that can grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantizedRows {
    dim: usize,
    codes: Vec<u8>,
    error_terms: Vec<u8>,
}

impl QuantizedRows {
    /// No rows yet, of `dim` values each. Panics if `dim` is above 65,536.
    pub fn new(dim: usize) -> Self {
        assert!(dim.next_multiple_of(CODE_BLOCK) <= MAX_CODES, "rows of {dim} values are too long");
        QuantizedRows { dim, codes: Vec::new(), error_terms: Vec::new() }
    }

    /// All rows of a matrix.
    pub fn from_matrix(rows: &Matrix) -> Self {
        let mut quantized = Self::new(rows.dim());
        (0..rows.rows()).for_each(|i| quantized.push(rows.row(i)));
        quantized
    }

    /// Appends a row. Panics if it has another dimension.
    pub fn push(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.dim, "the row has another dimension");
        let start = self.codes.len();
        let ErrorTerms { scale, error, norm } = quantize(row, |code| {
            self.codes.push((code as u8).wrapping_add(CODE_BIAS));
        });
        self.codes.resize(start + self.dim.next_multiple_of(CODE_BLOCK), CODE_BIAS);
        [scale, error, norm].iter().for_each(|x| self.error_terms.extend(x.to_le_bytes()));
    }

    /// Appends quantized rows as they are. Panics if they have another dimension.
    pub fn append(&mut self, rows: &QuantizedView<'_>) {
        assert_eq!(rows.dim, self.dim, "the rows have another dimension");
        self.codes.extend_from_slice(rows.codes);
        self.error_terms.extend_from_slice(rows.error_terms);
    }

    /// A view of the rows that is searched by the kernels of `isa`.
    pub fn view(&self, isa: Isa) -> QuantizedView<'_> {
        QuantizedView {
            dim: self.dim,
            codes: &self.codes,
            error_terms: &self.error_terms,
            kernel: Int8Dot::new(isa),
        }
    }
}

/// A file of quantized rows, searched in place.
#[derive(Debug)]
pub struct QuantizedFile<B> {
    bytes: B,
    dim: usize,
    rows: usize,
}

impl<B: AsRef<[u8]>> QuantizedFile<B> {
    /// Checks all of a file that [`QuantizedView::write`] wrote, and takes it; also returns its generation.
    ///
    /// # Errors
    /// [`CorruptFile`] if header, length or checksum are not as written.
    pub fn open(bytes: B) -> Result<(Self, u64), CorruptFile> {
        let (view, generation) = QuantizedView::open(bytes.as_ref(), Isa::Portable)?;
        let (dim, rows) = (view.dim(), view.rows());
        Ok((QuantizedFile { bytes, dim, rows }, generation))
    }

    /// A view of the rows that is searched by the kernels of `isa`.
    pub fn view(&self, isa: Isa) -> QuantizedView<'_> {
        let body = &self.bytes.as_ref()[HEADER..];
        let (codes, error_terms) = body.split_at(self.rows * self.dim.next_multiple_of(CODE_BLOCK));
        QuantizedView { dim: self.dim, codes, error_terms, kernel: Int8Dot::new(isa) }
    }
}

/// QuantizedView rows in memory or in a mapped file.
#[derive(Clone, Copy)]
pub struct QuantizedView<'a> {
    dim: usize,
    codes: &'a [u8],
    error_terms: &'a [u8],
    kernel: Int8Dot,
}

impl<'a> QuantizedView<'a> {
    /// Opens a file that [`QuantizedView::write`] wrote, in place; also returns its generation. Reads all of it once, for
    /// the checksum.
    ///
    /// # Errors
    /// [`CorruptFile`] if header, length or checksum are not as written.
    pub fn open(file: &'a [u8], isa: Isa) -> Result<(Self, u64), CorruptFile> {
        let (header, body) = Header::open(&KIND, file)?;
        let (dim, rows) = (header.parameter as usize, header.counts[0] as usize);
        let stride = dim.next_multiple_of(CODE_BLOCK);
        if stride > MAX_CODES || rows.checked_mul(stride + TERM_BYTES) != Some(body.len()) {
            let expected = format!("{rows} rows of {dim} values");
            return Err(CorruptFile::new(expected, format!("{} bytes", body.len())));
        }
        let (codes, error_terms) = body.split_at(rows * stride);
        Ok((QuantizedView { dim, codes, error_terms, kernel: Int8Dot::new(isa) }, header.generation))
    }

    /// Writes the rows as a file of the store's `generation`.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write(&self, generation: u64, to: &mut dyn Write) -> io::Result<()> {
        let header =
            Header { parameter: self.dim as u32, generation, counts: [self.rows() as u32, 0, 0, 0, 0, 0] };
        header.write(&KIND, &[self.codes, self.error_terms], to)
    }

    /// A copy of the rows that can grow.
    pub fn to_rows(&self) -> QuantizedRows {
        QuantizedRows { dim: self.dim, codes: self.codes.to_vec(), error_terms: self.error_terms.to_vec() }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.error_terms.len() / TERM_BYTES
    }

    /// The number of values of a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The codes of a row as they are stored. Equal vectors have equal codes.
    pub(super) fn codes(&self, row: RowId) -> &'a [u8] {
        let stride = self.stride();
        &self.codes[row.index() * stride..(row.index() + 1) * stride]
    }

    /// The codes of `rows` consecutive rows.
    pub(super) fn block(&self, first: usize, rows: usize) -> &'a [u8] {
        let stride = self.stride();
        &self.codes[first * stride..(first + rows) * stride]
    }

    pub(super) fn error_terms(&self, row: RowId) -> ErrorTerms {
        ErrorTerms::read(&self.error_terms[row.index() * TERM_BYTES..])
    }

    /// The error terms of `rows` consecutive rows.
    pub(super) fn block_error_terms(
        &self,
        first: usize,
        rows: usize,
    ) -> impl Iterator<Item = ErrorTerms> + use<'a> {
        self.error_terms[first * TERM_BYTES..(first + rows) * TERM_BYTES]
            .chunks_exact(TERM_BYTES)
            .map(ErrorTerms::read)
    }

    pub(super) fn kernel(&self) -> Int8Dot {
        self.kernel
    }

    /// The approximate score: the inner product of the quantized query and the quantized row.
    #[cfg(feature = "graph")]
    pub(super) fn score(&self, query: &QuantizedQuery, row: RowId) -> f32 {
        let product = self.kernel.dot_row(&query.codes, self.codes(row));
        query.scale * self.error_terms(row).scale * product as f32
    }

    /// A row with the bounds of its score.
    #[cfg(feature = "graph")]
    pub(super) fn bounds_of(&self, query: &QuantizedQuery, row: RowId) -> ScoreBounds {
        let (score, margin) =
            query.bound(self.kernel.dot_row(&query.codes, self.codes(row)), self.error_terms(row));
        ScoreBounds::new(row, score, margin)
    }

    fn stride(&self) -> usize {
        self.dim.next_multiple_of(CODE_BLOCK)
    }
}

/// What the error bound of a row needs beside its codes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ErrorTerms {
    pub scale: f32,
    /// At least the norm of the residual, row minus scale times codes.
    pub error: f32,
    /// At least the norm of the row.
    pub norm: f32,
}

impl ErrorTerms {
    fn read(bytes: &[u8]) -> Self {
        let [scale, error, norm] =
            [0, 4, 8].map(|at| bytes[at..].first_chunk().map_or(0.0, |b| f32::from_le_bytes(*b)));
        ErrorTerms { scale, error, norm }
    }
}

/// A quantized query.
pub struct QuantizedQuery {
    pub(super) codes: QueryCodes,
    scale: f32,
    error: f32,
    /// An upper bound of the norm plus the error of the query.
    norm_and_error: f32,
    /// An upper bound of the rounding error, for a row of unit norm.
    rounding: f32,
}

/// Products below this lose precision (subnormal numbers); embeddings have none.
const TINY: f32 = 1e-30;

impl QuantizedQuery {
    /// Quantizes a query of the dimension of the rows.
    ///
    /// Rounding, with the unit roundoff u = 2⁻²⁴: `vector::dot` of n values rounds each product once and each sum at most
    /// n/8 + 12 times, so its error is at most (n/8 + 13)·u·‖q‖‖v‖. Score and margin are at most 4·‖q‖‖v‖ each, because a
    /// row's error is at most its norm; each is rounded five times, and their sum once more: 48·u·‖q‖‖v‖.
    pub fn new(query: &[f32]) -> Self {
        let mut codes = Vec::with_capacity(query.len());
        let error_terms = quantize(query, |code| codes.push(code));
        Self::with(&codes, error_terms)
    }

    /// A row as a query: the bounds hold for the vector that the row was made from.
    pub fn of_row(rows: &QuantizedView, row: RowId) -> Self {
        let codes: Vec<i8> =
            rows.codes(row)[..rows.dim].iter().map(|c| c.wrapping_sub(CODE_BIAS) as i8).collect();
        Self::with(&codes, rows.error_terms(row))
    }

    fn with(codes: &[i8], ErrorTerms { scale, error, norm }: ErrorTerms) -> Self {
        let steps = codes.len() as f32 / 8.0 + 64.0;
        QuantizedQuery {
            codes: QueryCodes::new(codes),
            scale,
            error,
            norm_and_error: (norm + error).next_up(),
            rounding: steps * f32::EPSILON / 2.0 * norm * 1.001,
        }
    }

    /// The approximate score of a row, whose codes have this `product` with those of the query, and its margin: the exact
    /// score of `vector::dot` differs by at most that.
    pub(super) fn bound(&self, product: i32, row: ErrorTerms) -> (f32, f32) {
        let score = self.scale * row.scale * product as f32;
        let margin = (self.error + self.rounding) * row.norm + self.norm_and_error * row.error;
        // An overflowing score gives no bound: the last term makes the margin NaN as well.
        (score, margin + TINY + 0.0 * score)
    }
}

/// Quantizes `v`: passes each code to `code` and returns the error terms.
fn quantize(v: &[f32], mut code: impl FnMut(i8)) -> ErrorTerms {
    let largest = v.iter().fold(0f32, |m, x| m.max(x.abs()));
    let norm = round_up(v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt());
    let scale = largest / 127.0;
    // Too small to divide by, or not finite (NaN hides from the largest, not from the norm).
    if !scale.is_normal() || !norm.is_finite() {
        v.iter().for_each(|_| code(0));
        return ErrorTerms { scale: 0.0, error: norm, norm };
    }
    let mut error = 0f64;
    for x in v {
        let c = (x / scale).round().clamp(-127.0, 127.0);
        error += (f64::from(*x) - f64::from(scale) * f64::from(c)).powi(2);
        code(c as i8);
    }
    ErrorTerms { scale, error: round_up(error.sqrt()), norm }
}

/// The next float32 above. The rounding errors of float64 are far smaller than that step.
fn round_up(x: f64) -> f32 {
    if x == 0.0 { 0.0 } else { (x as f32).next_up() }
}
