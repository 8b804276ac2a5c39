//! Named tensors of a safetensors file, memory-mapped or compiled in, read in place.
//!
//! Layout of the file: a little-endian u64 `n`, then `n` bytes of JSON (`name → dtype, shape, data_offsets`), then the data.

use std::{collections::BTreeMap, fs::File, path::Path};

use half::slice::HalfFloatSliceExt;
use serde::Deserialize;

use crate::{Error, Result};

/// The number format of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub enum Dtype {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// bfloat16: the upper half of an f32.
    BF16,
}

impl Dtype {
    fn size(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
        }
    }
}

#[derive(Deserialize)]
struct Info {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

enum Bytes {
    Static(&'static [u8]),
    Mapped(memmap2::Mmap),
}

/// All tensors of one file.
pub struct Weights {
    file: String,
    bytes: Bytes,
    data: usize,
    tensors: BTreeMap<String, Info>,
}

/// One tensor, in place. `bytes` may be unaligned.
#[derive(Debug, Clone, Copy)]
pub struct Tensor<'a> {
    /// Its number format.
    pub dtype: Dtype,
    /// Rows; 1 for a vector.
    pub rows: usize,
    /// Values in a row.
    pub cols: usize,
    bytes: &'a [u8],
}

impl Weights {
    /// Parses a safetensors file that is part of the program; errors name `file`.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] if it is not a safetensors file, or is truncated.
    pub fn from_static(file: &str, bytes: &'static [u8]) -> Result<Self> {
        Self::parse(file.into(), Bytes::Static(bytes))
    }

    /// Maps a safetensors file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be mapped, [`Error::Model`] if it is not a safetensors file, or is truncated.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        // SAFETY: the map is read-only and private to this value. Like every reader of mapped models, this relies on no
        // other process truncating the file while it is in use.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(Error::io("map", path))?;
        Self::parse(path.display().to_string(), Bytes::Mapped(map))
    }

    fn parse(file: String, bytes: Bytes) -> Result<Self> {
        let all = match &bytes {
            Bytes::Static(b) => b,
            Bytes::Mapped(m) => &m[..],
        };
        let bad =
            |found: String| Error::Model { file: file.clone(), expected: "a safetensors file".into(), found };
        let prefix = all.first_chunk::<8>().ok_or_else(|| bad(format!("{} bytes", all.len())))?;
        let data = usize::try_from(u64::from_le_bytes(*prefix)).ok().and_then(|n| n.checked_add(8));
        let data =
            data.filter(|&d| d <= all.len()).ok_or_else(|| bad("a header longer than the file".into()))?;
        let mut raw: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&all[8..data]).map_err(|e| bad(format!("a broken header ({e})")))?;
        raw.remove("__metadata__");
        let mut tensors = BTreeMap::new();
        for (name, value) in raw {
            let info: Info =
                serde_json::from_value(value).map_err(|e| bad(format!("a broken entry for {name} ({e})")))?;
            let [start, end] = info.data_offsets;
            if start > end || end > all.len() - data {
                return Err(bad(format!(
                    "the tensor {name} past the end of the file (is the file truncated?)"
                )));
            }
            tensors.insert(name, info);
        }
        Ok(Weights { file, bytes, data, tensors })
    }

    fn all(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Static(b) => b,
            Bytes::Mapped(m) => m,
        }
    }

    /// The whole file, for its checksum.
    #[must_use]
    pub fn file_bytes(&self) -> &[u8] {
        self.all()
    }

    /// The name and shape of every floating-point tensor, by name. Index tables such as `position_ids` are omitted.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        let floats = self.tensors.iter().filter(|(_, info)| info.dtype.contains('F'));
        floats.map(|(name, info)| (name.as_str(), &info.shape[..]))
    }

    /// The tensor `name`, or `bert.name`, of shape `rows × cols` (a vector is `1 × n`).
    ///
    /// # Errors
    ///
    /// [`Error::Model`] if there is none, or if it has another shape or an unsupported number format.
    pub fn get(&self, name: &str, rows: usize, cols: usize) -> Result<Tensor<'_>> {
        let bad = |found: String| Error::Model {
            file: self.file.clone(),
            expected: format!("a tensor {name} of {rows} × {cols}"),
            found,
        };
        let info = self.tensors.get(name).or_else(|| self.tensors.get(&format!("bert.{name}")));
        let info = info.ok_or_else(|| bad("none of that name".into()))?;
        let dtype = match info.dtype.as_str() {
            "F32" => Dtype::F32,
            "F16" => Dtype::F16,
            "BF16" => Dtype::BF16,
            other => return Err(bad(format!("numbers of type {other}"))),
        };
        let shape_fits = match info.shape[..] {
            [n] => rows == 1 && n == cols,
            [r, c] => r == rows && c == cols,
            _ => false,
        };
        let bytes = &self.all()[self.data..][info.data_offsets[0]..info.data_offsets[1]];
        if !shape_fits || bytes.len() != rows * cols * dtype.size() {
            return Err(bad(format!("shape {:?}, {} bytes", info.shape, bytes.len())));
        }
        Ok(Tensor { dtype, rows, cols, bytes })
    }
}

impl Tensor<'_> {
    /// Writes row `i` to `out`, which has `cols` values. Panics if there is no such row.
    pub fn row_to_f32(&self, i: usize, out: &mut [f32]) {
        let width = self.cols * self.dtype.size();
        let row = &self.bytes[i * width..(i + 1) * width];
        debug_assert_eq!(out.len(), self.cols);
        match self.dtype {
            Dtype::F32 => {
                for (o, b) in out.iter_mut().zip(row.as_chunks::<4>().0) {
                    *o = f32::from_le_bytes(*b);
                }
            }
            Dtype::F16 => widen(row, out, half::f16::from_le_bytes),
            Dtype::BF16 => widen(row, out, half::bf16::from_le_bytes),
        }
    }

    /// All values as f32, in row order.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.rows * self.cols];
        for (i, row) in out.chunks_exact_mut(self.cols).enumerate() {
            self.row_to_f32(i, row);
        }
        out
    }
}

/// Converts 16-bit floats to f32 in blocks: the conversion of a slice uses the processor's instructions for it.
fn widen<T: Copy + Default>(bytes: &[u8], out: &mut [f32], read: impl Fn([u8; 2]) -> T)
where
    [T]: HalfFloatSliceExt,
{
    const BLOCK: usize = 128;
    let mut block = [T::default(); BLOCK];
    for (bytes, out) in bytes.chunks(2 * BLOCK).zip(out.chunks_mut(BLOCK)) {
        for (value, b) in block.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *value = read(*b);
        }
        block[..out.len()].convert_to_f32_slice(out);
    }
}
