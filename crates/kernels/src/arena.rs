//! Memory on huge pages, where the system has them, for weights and vectors that are read sequentially many times.
//!
//! With pages of 4 KiB the processor translates an address per page and prefetches within one page only; with pages of
//! 2 MiB it translates one in 512.

use std::{
    ops::{Deref, DerefMut},
    ptr::NonNull,
    sync::{Arc, Mutex, PoisonError},
};

use memmap2::MmapMut;

use super::{AlignedBuf, aligned::LINE};

/// Bytes of a huge page.
const PAGE: usize = 2 << 20;
/// The least to map at a time, in bytes; pages that are never written take no memory.
const CHUNK: usize = 4 * PAGE;

/// Allocates buffers consecutively from large chunks. A chunk is unmapped when its last buffer is dropped.
#[derive(Default)]
pub struct Arena(Mutex<Option<Chunk>>);

/// Mapped memory; the bytes before `at` are allocated.
struct Chunk {
    map: Arc<MmapMut>,
    start: NonNull<u8>,
    at: usize,
    len: usize,
}

// SAFETY: the chunk owns the memory at `start`, through `map`.
unsafe impl Send for Chunk {}

/// A buffer of an [`Arena`].
pub(super) struct ArenaSlice<T> {
    first: NonNull<T>,
    len: usize,
    _map: Arc<MmapMut>,
}

// SAFETY: a slice owns its memory exclusively, as a `Vec` does.
unsafe impl<T: Send> Send for ArenaSlice<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for ArenaSlice<T> {}

impl Arena {
    /// A buffer of `len` default values; on the heap if the system refuses to map memory.
    #[must_use]
    pub fn alloc<T: Copy + Default>(&self, len: usize) -> AlignedBuf<T> {
        const { assert!(align_of::<T>() <= LINE) };
        match self.reserve(len * size_of::<T>()) {
            Some((map, first)) => {
                let first = first.cast::<T>();
                // SAFETY: the memory is `len` values long, aligned to a cache line, and not shared.
                unsafe { (0..len).for_each(|i| first.add(i).write(T::default())) };
                AlignedBuf::from(ArenaSlice { first, len, _map: map })
            }
            None => AlignedBuf::new(len),
        }
    }

    /// Reserves `bytes`, aligned to a cache line.
    fn reserve(&self, bytes: usize) -> Option<(Arc<MmapMut>, NonNull<u8>)> {
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
        // A refusal is no error: normal pages are slower, not wrong.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        let start = NonNull::new(map.as_mut_ptr())?;
        // SAFETY: the map is a page longer than `len`, so `len` bytes follow its first page boundary.
        let start = unsafe { start.add(start.align_offset(PAGE)) };
        Some(Chunk { map: Arc::new(map), start, at: 0, len })
    }
}

impl<T> Deref for ArenaSlice<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the memory holds `len` values, lives as long as the map, and belongs to this slice alone.
        unsafe { NonNull::slice_from_raw_parts(self.first, self.len).as_ref() }
    }
}

impl<T> DerefMut for ArenaSlice<T> {
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
        fn buffers_do_not_overlap(
            lens in prop::collection::vec((0usize..1_000_000, any::<bool>()), 1..20)
        ) {
            let arena = Arena::default();
            let mut kept = Vec::new();
            for (i, (len, keep)) in lens.into_iter().enumerate() {
                let mut buffer = arena.alloc::<u32>(len);
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
