//! Buffers that start on a cache line: a vector of 64 bytes that crosses two lines costs two loads.

use std::ops::{Deref, DerefMut};

use super::arena::ArenaSlice;

/// Bytes of a cache line.
pub(super) const LINE: usize = 64;

/// A buffer of plain values that starts at a multiple of 64 bytes.
pub struct AlignedBuf<T>(Memory<T>);

enum Memory<T> {
    Heap { data: Vec<T>, start: usize, len: usize },
    Arena(ArenaSlice<T>),
}

impl<T> Default for AlignedBuf<T> {
    fn default() -> Self {
        AlignedBuf(Memory::Heap { data: Vec::new(), start: 0, len: 0 })
    }
}

impl<T: Copy + Default> AlignedBuf<T> {
    /// `len` default values (zeros).
    #[must_use]
    pub fn new(len: usize) -> Self {
        let data = vec![T::default(); len + LINE / size_of::<T>().max(1)];
        let start = data.as_ptr().align_offset(LINE).min(data.len() - len);
        AlignedBuf(Memory::Heap { data, start, len })
    }

    /// Makes the buffer at least `len` values long. If it has to grow, its contents are lost.
    pub fn grow(&mut self, len: usize) {
        if self.len() < len {
            *self = Self::new(len);
        }
    }
}

impl<T> From<ArenaSlice<T>> for AlignedBuf<T> {
    fn from(slice: ArenaSlice<T>) -> Self {
        AlignedBuf(Memory::Arena(slice))
    }
}

impl<T> Deref for AlignedBuf<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Memory::Heap { data, start, len } => &data[*start..*start + *len],
            Memory::Arena(slice) => slice,
        }
    }
}

impl<T> DerefMut for AlignedBuf<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Memory::Heap { data, start, len } => &mut data[*start..*start + *len],
            Memory::Arena(slice) => slice,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_start_on_a_cache_line() {
        for len in [0, 1, 15, 1000] {
            let mut buffer = AlignedBuf::<f32>::new(len);
            assert_eq!((buffer.as_ptr() as usize % LINE, buffer.len()), (0, len));
            buffer.grow(2 * len);
            assert_eq!((buffer.as_ptr() as usize % LINE, buffer.len()), (0, 2 * len));
        }
    }
}
