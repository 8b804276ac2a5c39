//! A buffered stream whose next bytes can be looked at before they are read.

use std::io::{self, BufRead, ErrorKind, Read};

/// Bytes of the buffer.
const BUFFER: usize = 1 << 16;

/// See the module.
pub(in crate::ingest) struct PeekReader<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// An error that was met while bytes were still to be read.
    error: Option<io::Error>,
}

impl<R: Read> PeekReader<R> {
    pub(in crate::ingest) fn new(inner: R) -> Self {
        PeekReader { inner, buffer: vec![0; BUFFER].into(), start: 0, end: 0, error: None }
    }

    /// The next bytes: at least `least`, which is at most 64 KiB, unless the stream ends or breaks off before.
    ///
    /// # Errors
    /// The stream cannot be read, and no byte is left from before.
    pub(in crate::ingest) fn peek(&mut self, least: usize) -> io::Result<&[u8]> {
        if self.buffer.len() - self.start < least {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        while self.end - self.start < least && self.error.is_none() {
            match self.inner.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(n) => self.end += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.error = Some(error),
            }
        }
        if self.start == self.end
            && let Some(error) = self.error.take()
        {
            return Err(error);
        }
        Ok(&self.buffer[self.start..self.end])
    }
}

impl<R: Read> BufRead for PeekReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        self.peek(1)
    }

    fn consume(&mut self, n: usize) {
        self.start = (self.start + n).min(self.end);
    }
}

impl<R: Read> Read for PeekReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(buffer.len());
        buffer[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}
