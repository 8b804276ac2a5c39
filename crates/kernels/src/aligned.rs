//! Buffers that start on a cache line: a row of 64 bytes that lies across two lines costs two loads.

use std::ops::{Deref, DerefMut};

use super::arena::Piece;

/// Bytes of a cache line.
pub(super) const LINE: usize = 64;

/// A buffer of plain values whose first lies at a multiple of 64 bytes.
pub struct AlignedBuf<T>(Memory<T>);

enum Memory<T> {
    Heap { data: Vec<T>, start: usize, len: usize },
    Mapped(Piece<T>),
}

impl<T> Default for AlignedBuf<T> {
    fn default() -> Self {
        AlignedBuf(Memory::Heap { data: Vec::new(), start: 0, len: 0 })
    }
}

impl<T: Copy + Default> AlignedBuf<T> {
    /// `len` zeros.
    pub fn new(len: usize) -> Self {
        let data = vec![T::default(); len + LINE / size_of::<T>().max(1)];
        let start = data.as_ptr().align_offset(LINE).min(data.len() - len);
        AlignedBuf(Memory::Heap { data, start, len })
    }

    /// Makes room for `len` values; what it held is lost if it grows.
    pub fn fit(&mut self, len: usize) {
        if self.len() < len {
            *self = Self::new(len);
        }
    }
}

impl<T> From<Piece<T>> for AlignedBuf<T> {
    fn from(piece: Piece<T>) -> Self {
        AlignedBuf(Memory::Mapped(piece))
    }
}

impl<T> Deref for AlignedBuf<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Memory::Heap { data, start, len } => &data[*start..*start + *len],
            Memory::Mapped(piece) => piece,
        }
    }
}

impl<T> DerefMut for AlignedBuf<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Memory::Heap { data, start, len } => &mut data[*start..*start + *len],
            Memory::Mapped(piece) => piece,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_start_on_a_line() {
        for len in [0, 1, 15, 1000] {
            let mut buffer = AlignedBuf::<f32>::new(len);
            assert_eq!((buffer.as_ptr() as usize % LINE, buffer.len()), (0, len));
            buffer.fit(2 * len);
            assert_eq!((buffer.as_ptr() as usize % LINE, buffer.len()), (0, 2 * len));
        }
    }
}
