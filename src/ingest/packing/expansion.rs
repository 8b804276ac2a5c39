//! What an input expands to, counted and limited: a small file can be made to expand without end.

use std::{
    cell::Cell,
    fmt,
    io::{self, Read},
    rc::Rc,
};

use crate::progress::{Progress, Stage};

/// How many times its own size an input may expand to. Text shrinks to a tenth or a twentieth.
const MAX_RATIO: u64 = 1000;

/// Bytes that every input may expand to, however small it is.
const MIN_EXPANDED: u64 = 64 << 20;

/// Bytes that no input may expand to, however large it is.
const MAX_EXPANDED: u64 = 1 << 40;

/// The bytes of one input that were read so far, as they are and unpacked.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Expansion {
    packed: Cell<u64>,
    unpacked: Cell<u64>,
}

impl Expansion {
    /// For an input whose size is known.
    pub(in crate::ingest) fn of_size(bytes: u64) -> Rc<Self> {
        let expansion = Expansion::default();
        expansion.packed.set(bytes);
        Rc::new(expansion)
    }

    fn is_too_large(&self) -> bool {
        let limit = self.packed.get().saturating_mul(MAX_RATIO).clamp(MIN_EXPANDED, MAX_EXPANDED);
        self.unpacked.get() > limit
    }
}

/// The input expands beyond the limits.
#[derive(Debug)]
pub(in crate::ingest) struct TooExpanded;

impl fmt::Display for TooExpanded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it expands to more than {MAX_RATIO} times its size")
    }
}

impl std::error::Error for TooExpanded {}

/// A stream whose bytes count as packed, and are reported to `progress`.
pub(super) struct Metered<'a, R> {
    pub inner: R,
    pub expansion: Rc<Expansion>,
    pub progress: &'a dyn Progress,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.expansion.packed.set(self.expansion.packed.get() + n as u64);
        self.progress.advance(Stage::Ingest, n as u64);
        Ok(n)
    }
}

/// A stream whose bytes count as unpacked, and which fails when there are too many.
pub(super) struct Limited<R> {
    inner: R,
    expansion: Rc<Expansion>,
}

impl<R> Limited<R> {
    pub(super) fn new(inner: R, expansion: &Rc<Expansion>) -> Self {
        Limited { inner, expansion: Rc::clone(expansion) }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.expansion.unpacked.set(self.expansion.unpacked.get() + n as u64);
        if self.expansion.is_too_large() { Err(io::Error::other(TooExpanded)) } else { Ok(n) }
    }
}
