//! Compressed data as one or several members or frames, one after another, as `cat a.gz b.gz` makes them.

use std::{
    io::{self, BufRead, ErrorKind, Read},
    mem,
};

use super::{Compression, MAGIC, Source, zstd::Frame};
use crate::panics::contain;

/// The most memory that a member of xz may ask for, in KiB: a dictionary of 64 MiB is the largest that is usual.
const MAX_DICTIONARY: u32 = 256 << 10;

/// A decompressor of one member.
trait Member<'a>: Read {
    /// The stream behind the member.
    fn into_source(self: Box<Self>) -> Source<'a>;
}

macro_rules! members {
    ($($decoder:ty,)*) => {
        $(impl<'a> Member<'a> for $decoder {
            fn into_source(self: Box<Self>) -> Source<'a> {
                (*self).into_inner()
            }
        })*
    };
}

members! {
    flate2::bufread::GzDecoder<Source<'a>>,
    bzip2::bufread::BzDecoder<Source<'a>>,
    lzma_rust2::XzReader<Source<'a>>,
    Frame<'a>,
}

/// The decompressed bytes of all members. Checksums are compared, and what stands behind the last member is an error, unless
/// it is a padding of zero bytes.
pub(super) struct Members<'a> {
    compression: Compression,
    state: State<'a>,
}

enum State<'a> {
    /// Before a member, behind the last one, or in the padding behind it.
    Between(Source<'a>),
    Inside(Box<dyn Member<'a> + 'a>),
    Ended,
}

impl<'a> Members<'a> {
    pub(super) fn new(compression: Compression, source: Source<'a>) -> Self {
        Members { compression, state: State::Between(source) }
    }

    /// Begins the next member.
    fn begin(&self, mut source: Source<'a>) -> io::Result<State<'a>> {
        let head = source.peek(MAGIC)?;
        if head.is_empty() {
            return Ok(State::Ended);
        }
        if head[0] == 0 {
            let zeros = head.iter().take_while(|byte| **byte == 0).count();
            source.consume(zeros);
            return Ok(State::Between(source));
        }
        if Compression::detect(head) != Some(self.compression) {
            let message = format!("what stands behind its end is not {}", self.compression.name());
            return Err(io::Error::new(ErrorKind::InvalidData, message));
        }
        Ok(State::Inside(match self.compression {
            Compression::Gzip => Box::new(flate2::bufread::GzDecoder::new(source)),
            Compression::Bzip2 => Box::new(bzip2::bufread::BzDecoder::new(source)),
            Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(source, false, MAX_DICTIONARY)),
            Compression::Zstd => match Frame::open(source)? {
                Ok(frame) => Box::new(frame),
                Err(source) => return Ok(State::Between(source)),
            },
        }))
    }
}

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            // After an error, nothing more is read.
            self.state = match mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Ok(0),
                State::Between(source) => contain(|| self.begin(source))?,
                State::Inside(mut member) => match contain(|| member.read(buffer))? {
                    0 => State::Between(member.into_source()),
                    n => {
                        self.state = State::Inside(member);
                        return Ok(n);
                    }
                },
            };
        }
    }
}
