//! Buffers that start on a cache line: a row of 64 bytes that lies across two lines costs two loads.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE: usize = 64;

/// A buffer of plain values whose first lies at a multiple of 64 bytes.
#[derive(Debug)]
pub struct Aligned<T> {
    data: Vec<T>,
    start: usize,
    len: usize,
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Aligned { data: Vec::new(), start: 0, len: 0 }
    }
}

impl<T: Copy + Default> Aligned<T> {
    /// `len` zeros.
    pub fn new(len: usize) -> Self {
        let data = vec![T::default(); len + LINE / size_of::<T>().max(1)];
        let start = data.as_ptr().align_offset(LINE).min(data.len() - len);
        Aligned { data, start, len }
    }

    /// Makes room for `len` values; what it held is lost if it grows.
    pub fn fit(&mut self, len: usize) {
        if self.len < len {
            *self = Self::new(len);
        }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.data[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_start_on_a_line() {
        for len in [0, 1, 15, 1000] {
            let mut buffer = Aligned::<f32>::new(len);
            assert_eq!((buffer.as_ptr() as usize % LINE, buffer.len()), (0, len));
            buffer.fit(2 * len);
            assert_eq!((buffer.as_ptr() as usize % LINE, buffer.len()), (0, 2 * len));
        }
    }
}
