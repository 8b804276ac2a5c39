//! Vectors of bytes with a proven bound of their error: the first pass of an exact search.
//!
//! A row `v` is kept as integer codes `c` in [-127, 127] and a scale `s`, so that `v ≈ s·c`, with `s` the largest of
//! `|v|` over 127. Kept beside it are its length `‖v‖` and its error `e = ‖v − s·c‖`, both rounded up. For a query `q`,
//! quantized in the same way with the scale `t`, the codes `d` and the error `f`, it follows from
//! `q·v − t·d·s·c = (q − t·d)·v + t·d·(v − s·c)` and the inequality of Cauchy and Schwarz that
//!
//! ```text
//! |q·v − s·t·(c·d)| ≤ f·‖v‖ + (‖q‖ + f)·e
//! ```
//!
//! `c·d` is an integer and the same on every machine ([`Int8Dot`]). What float32 can lose in [`crate::vector::dot`] and in
//! the bound is added ([`Query::new`]). So whatever [`crate::vector::dot`] would find to be among the nearest lies among
//! the candidates of the first pass, and scored again, the result is that of brute force, ties and all.
//!
//! A row that is not finite has no bound: it is a candidate of every search.
//!
//! As a file (see the frame of derived files for its first 64 bytes): parameter: values of a row; counts: rows; body:
//! rows of codes, each code with 128 added, each row filled up with 128 to a multiple of 64 bytes; then for each row
//! scale, error, length as float32.

use std::io::{self, Write};

use super::derived::{Broken, FRAME, Frame, Kind};
#[cfg(feature = "graph")]
use super::lookup::Candidate;
use crate::{
    device::{
        Isa,
        int8::{BIAS, CODE_BLOCK, Int8Dot, MAX_CODES, QueryCodes},
    },
    story::RowId,
    vector::Matrix,
};

const KIND: Kind = Kind { name: "a file of quantized rows", magic: *b"ssquant\0", version: 1 };

/// Scale, error, length.
const FIGURES: usize = 12;

/// Quantized rows that can grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantizedRows {
    dim: usize,
    codes: Vec<u8>,
    figures: Vec<u8>,
}

impl QuantizedRows {
    /// No rows yet, of `dim` values each. Panics above 65,536.
    pub fn new(dim: usize) -> Self {
        assert!(dim.next_multiple_of(CODE_BLOCK) <= MAX_CODES, "rows of {dim} values are too long");
        QuantizedRows { dim, codes: Vec::new(), figures: Vec::new() }
    }

    /// All rows of a matrix.
    pub fn from_matrix(rows: &Matrix) -> Self {
        let mut quantized = Self::new(rows.dim());
        (0..rows.rows()).for_each(|i| quantized.push(rows.row(i)));
        quantized
    }

    /// Adds a row, which takes the next number.
    pub fn push(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.dim, "a row of another length");
        let start = self.codes.len();
        let Figures { scale, error, length } = quantize(row, |code| {
            self.codes.push((code as u8).wrapping_add(BIAS));
        });
        self.codes.resize(start + self.dim.next_multiple_of(CODE_BLOCK), BIAS);
        [scale, error, length].iter().for_each(|x| self.figures.extend(x.to_le_bytes()));
    }

    /// Adds rows as they are kept elsewhere. Panics if they are of another length.
    pub fn append(&mut self, rows: &Quantized<'_>) {
        assert_eq!(rows.dim, self.dim, "rows of another length");
        self.codes.extend_from_slice(rows.codes);
        self.figures.extend_from_slice(rows.figures);
    }

    /// The rows, to be searched by the kernels of `isa`.
    pub fn view(&self, isa: Isa) -> Quantized<'_> {
        Quantized { dim: self.dim, codes: &self.codes, figures: &self.figures, kernel: Int8Dot::new(isa) }
    }
}

/// A file of quantized rows that is searched as it lies.
#[derive(Debug)]
pub struct RowsFile<B> {
    bytes: B,
    dim: usize,
    rows: usize,
}

impl<B: AsRef<[u8]>> RowsFile<B> {
    /// Takes a file that [`Quantized::write`] made, after [`Quantized::open`] has looked at all of it; also returns its
    /// generation.
    pub fn open(bytes: B) -> Result<(Self, u64), Broken> {
        let (view, generation) = Quantized::open(bytes.as_ref(), Isa::Portable)?;
        let (dim, rows) = (view.dim(), view.rows());
        Ok((RowsFile { bytes, dim, rows }, generation))
    }

    /// The rows, to be searched by the kernels of `isa`.
    pub fn view(&self, isa: Isa) -> Quantized<'_> {
        let body = &self.bytes.as_ref()[FRAME..];
        let (codes, figures) = body.split_at(self.rows * self.dim.next_multiple_of(CODE_BLOCK));
        Quantized { dim: self.dim, codes, figures, kernel: Int8Dot::new(isa) }
    }
}

/// Quantized rows in memory or in a mapped file.
#[derive(Clone, Copy)]
pub struct Quantized<'a> {
    dim: usize,
    codes: &'a [u8],
    figures: &'a [u8],
    kernel: Int8Dot,
}

impl<'a> Quantized<'a> {
    /// Reads a file that [`Quantized::write`] made; also returns its generation. Reads all of it once, for its checksum,
    /// and copies nothing.
    pub fn open(file: &'a [u8], isa: Isa) -> Result<(Self, u64), Broken> {
        let (frame, body) = Frame::open(&KIND, file)?;
        let (dim, rows) = (frame.parameter as usize, frame.counts[0] as usize);
        let stride = dim.next_multiple_of(CODE_BLOCK);
        if stride > MAX_CODES || rows.checked_mul(stride + FIGURES) != Some(body.len()) {
            let expected = format!("{rows} rows of {dim} values");
            return Err(Broken::new(expected, format!("{} bytes", body.len())));
        }
        let (codes, figures) = body.split_at(rows * stride);
        Ok((Quantized { dim, codes, figures, kernel: Int8Dot::new(isa) }, frame.generation))
    }

    /// Writes the rows as a file.
    pub fn write(&self, generation: u64, to: &mut dyn Write) -> io::Result<()> {
        let frame =
            Frame { parameter: self.dim as u32, generation, counts: [self.rows() as u32, 0, 0, 0, 0, 0] };
        frame.write(&KIND, &[self.codes, self.figures], to)
    }

    /// The same rows, to be added to.
    pub fn to_rows(&self) -> QuantizedRows {
        QuantizedRows { dim: self.dim, codes: self.codes.to_vec(), figures: self.figures.to_vec() }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.figures.len() / FIGURES
    }

    /// The number of values in a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The codes of a row, as they are kept: equal vectors have equal ones.
    pub(super) fn codes(&self, row: RowId) -> &'a [u8] {
        let stride = self.stride();
        &self.codes[row.index() * stride..(row.index() + 1) * stride]
    }

    /// The codes of some rows that lie one after another.
    pub(super) fn block(&self, first: usize, rows: usize) -> &'a [u8] {
        let stride = self.stride();
        &self.codes[first * stride..(first + rows) * stride]
    }

    pub(super) fn figures(&self, row: RowId) -> Figures {
        Figures::read(&self.figures[row.index() * FIGURES..])
    }

    /// The figures of some rows that lie one after another.
    pub(super) fn figures_of(&self, first: usize, rows: usize) -> impl Iterator<Item = Figures> + use<'a> {
        self.figures[first * FIGURES..(first + rows) * FIGURES].chunks_exact(FIGURES).map(Figures::read)
    }

    pub(super) fn kernel(&self) -> Int8Dot {
        self.kernel
    }

    #[cfg(feature = "graph")]
    /// What the quantized query and the quantized row make of their inner product.
    pub(super) fn score(&self, query: &Query, row: RowId) -> f32 {
        let product = self.kernel.row(&query.codes, self.codes(row));
        query.scale * self.figures(row).scale * product as f32
    }

    #[cfg(feature = "graph")]
    /// A row with the bounds of its score.
    pub(super) fn candidate(&self, query: &Query, row: RowId) -> Candidate {
        let (score, margin) = query.bound(self.kernel.row(&query.codes, self.codes(row)), self.figures(row));
        Candidate::new(row, score, margin)
    }

    fn stride(&self) -> usize {
        self.dim.next_multiple_of(CODE_BLOCK)
    }
}

/// What is known of a row beside its codes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figures {
    pub scale: f32,
    /// At least the length of what the codes leave.
    pub error: f32,
    /// At least the length of the row.
    pub length: f32,
}

impl Figures {
    fn read(bytes: &[u8]) -> Self {
        let [scale, error, length] =
            [0, 4, 8].map(|at| bytes[at..].first_chunk().map_or(0.0, |b| f32::from_le_bytes(*b)));
        Figures { scale, error, length }
    }
}

/// A quantized query.
pub struct Query {
    pub(super) codes: QueryCodes,
    scale: f32,
    error: f32,
    /// The most that the length of the query and its error are together.
    reach: f32,
    /// What rounding can add, for a row of length one.
    rounding: f32,
}

/// Below this products lose digits: far below what any embedding has.
const TINY: f32 = 1e-30;

impl Query {
    /// Quantizes a query of as many values as the rows have.
    ///
    /// Rounding, with the unit u = 2⁻²⁴: `vector::dot` of n values rounds each product once and each sum at most
    /// n/8 + 12 times, so it errs by (n/8 + 13)·u·‖q‖‖v‖; score and margin are of at most 4·‖q‖‖v‖ each, because a row's
    /// error is at most its length, and are rounded five times each, and their sum once more: 48·u·‖q‖‖v‖.
    pub fn new(query: &[f32]) -> Self {
        let mut codes = Vec::with_capacity(query.len());
        let figures = quantize(query, |code| codes.push(code));
        Self::with(&codes, figures)
    }

    /// A row as a query: the bounds hold for the vector that the row was made from.
    pub fn of_row(rows: &Quantized, row: RowId) -> Self {
        let codes: Vec<i8> = rows.codes(row)[..rows.dim].iter().map(|c| c.wrapping_sub(BIAS) as i8).collect();
        Self::with(&codes, rows.figures(row))
    }

    fn with(codes: &[i8], Figures { scale, error, length }: Figures) -> Self {
        let steps = codes.len() as f32 / 8.0 + 64.0;
        Query {
            codes: QueryCodes::new(codes),
            scale,
            error,
            reach: (length + error).next_up(),
            rounding: steps * f32::EPSILON / 2.0 * length * 1.001,
        }
    }

    /// The score of a row whose codes have this product with the query's, and the most that it can be off from
    /// `vector::dot`.
    pub(super) fn bound(&self, product: i32, row: Figures) -> (f32, f32) {
        let score = self.scale * row.scale * product as f32;
        let margin = (self.error + self.rounding) * row.length + self.reach * row.error;
        // A score that overflowed bounds nothing: then the margin is no number either.
        (score, margin + TINY + 0.0 * score)
    }
}

/// Hands out the codes of `v`.
fn quantize(v: &[f32], mut code: impl FnMut(i8)) -> Figures {
    let largest = v.iter().fold(0f32, |m, x| m.max(x.abs()));
    let length = round_up(v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt());
    let scale = largest / 127.0;
    // Too small to divide by, or not finite (NaN hides from the largest, not from the length).
    if !scale.is_normal() || !length.is_finite() {
        v.iter().for_each(|_| code(0));
        return Figures { scale: 0.0, error: length, length };
    }
    let mut error = 0f64;
    for x in v {
        let c = (x / scale).round().clamp(-127.0, 127.0);
        error += (f64::from(*x) - f64::from(scale) * f64::from(c)).powi(2);
        code(c as i8);
    }
    Figures { scale, error: round_up(error.sqrt()), length }
}

/// The next float32 above: float64 has rounded many times, each far finer.
fn round_up(x: f64) -> f32 {
    if x == 0.0 { 0.0 } else { (x as f32).next_up() }
}
