//! Memory for weights and rows that are read from end to end again and again, on large pages where the system has them.
//!
//! A processor looks up the address of each page of 4 KiB that it comes to, and fetches ahead within one only; of 2 MiB
//! it looks up one in five hundred.

use std::{
    ops::{Deref, DerefMut},
    ptr::NonNull,
    sync::{Arc, Mutex, PoisonError},
};

use memmap2::MmapMut;

use super::{AlignedBuf, aligned::LINE};

/// Bytes of a large page.
const PAGE: usize = 2 << 20;
/// Bytes that are asked of the system at once, at least; what is never written takes no memory.
const CHUNK: usize = 4 * PAGE;

/// Hands out buffers one behind the other. Their memory goes back when the last of a chunk is dropped.
#[derive(Default)]
pub struct Arena(Mutex<Option<Chunk>>);

/// Memory of which the bytes before `at` are handed out.
struct Chunk {
    map: Arc<MmapMut>,
    start: NonNull<u8>,
    at: usize,
    len: usize,
}

// SAFETY: the chunk owns what `start` points to, through `map`.
unsafe impl Send for Chunk {}

/// A buffer of an [`Arena`].
pub(super) struct Piece<T> {
    first: NonNull<T>,
    len: usize,
    _map: Arc<MmapMut>,
}

// SAFETY: a piece is the only one of its memory, as a `Vec` would be.
unsafe impl<T: Send> Send for Piece<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Piece<T> {}

impl Arena {
    /// `len` default values; from the heap where the system gives no map.
    pub fn buffer<T: Copy + Default>(&self, len: usize) -> AlignedBuf<T> {
        const { assert!(align_of::<T>() <= LINE) };
        match self.take(len * size_of::<T>()) {
            Some((map, first)) => {
                let first = first.cast::<T>();
                // SAFETY: the memory is `len` values long, aligned to a line, and nobody else's.
                unsafe { (0..len).for_each(|i| first.add(i).write(T::default())) };
                AlignedBuf::from(Piece { first, len, _map: map })
            }
            None => AlignedBuf::new(len),
        }
    }

    /// So many bytes, from a multiple of a line on.
    fn take(&self, bytes: usize) -> Option<(Arc<MmapMut>, NonNull<u8>)> {
        let bytes = bytes.next_multiple_of(LINE);
        let mut chunk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if chunk.as_ref().is_none_or(|chunk| chunk.len - chunk.at < bytes) {
            *chunk = Some(Chunk::map(bytes.next_multiple_of(PAGE).max(CHUNK))?);
        }
        let chunk = chunk.as_mut()?;
        // SAFETY: `at + bytes` is at most the chunk's length.
        let first = unsafe { chunk.start.add(chunk.at) };
        chunk.at += bytes;
        Some((Arc::clone(&chunk.map), first))
    }
}

impl Chunk {
    fn map(len: usize) -> Option<Chunk> {
        let mut map = MmapMut::map_anon(len + PAGE).ok()?;
        // Where the system has no large pages, or none left, small ones do.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        let start = NonNull::new(map.as_mut_ptr())?;
        // SAFETY: the map is a page longer than `len`, so from the first whole page on there are as many bytes.
        let start = unsafe { start.add(start.align_offset(PAGE)) };
        Some(Chunk { map: Arc::new(map), start, at: 0, len })
    }
}

impl<T> Deref for Piece<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the memory holds `len` values, lives as long as the map, and is no other piece's.
        unsafe { NonNull::slice_from_raw_parts(self.first, self.len).as_ref() }
    }
}

impl<T> DerefMut for Piece<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { NonNull::slice_from_raw_parts(self.first, self.len).as_mut() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn buffers_hold_what_is_written_whatever_the_others_do(
            lens in prop::collection::vec((0usize..1_000_000, any::<bool>()), 1..20)
        ) {
            let arena = Arena::default();
            let mut kept = Vec::new();
            for (i, (len, keep)) in lens.into_iter().enumerate() {
                let mut buffer = arena.buffer::<u32>(len);
                prop_assert_eq!((buffer.as_ptr() as usize % LINE, buffer.len()), (0, len));
                prop_assert!(buffer.iter().all(|v| *v == 0));
                buffer.fill(i as u32 + 1);
                if keep {
                    kept.push((i as u32 + 1, buffer));
                }
            }
            drop(arena);
            for (value, buffer) in &kept {
                prop_assert!(buffer.iter().all(|v| v == value));
            }
        }
    }
}
