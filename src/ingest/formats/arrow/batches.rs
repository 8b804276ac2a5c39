//! The batches of an Arrow IPC stream, with limits on what its messages claim.

use std::{
    collections::HashMap,
    io::{self, BufRead, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::{
    CompressionType, Message, MessageHeader, convert::try_fb_to_schema, reader, root_as_message,
};
use arrow_schema::{ArrowError, SchemaRef};

/// What a file begins with, padded to eight bytes at least, and the largest padding behind these in words of four bytes.
const MAGIC: &[u8] = b"ARROW1";
const MAX_PADDING: u32 = 14;

/// The longest description of a message, and the longest content of a batch.
const MAX_METADATA: u64 = 64 << 20;
const MAX_BODY: u64 = 8 << 30;

/// The largest buffer that is reserved for decompressed values of a batch, and how many times its compressed bytes it may
/// be: LZ4 reaches 255 (LZ4, "Block Format").
const MAX_DECOMPRESSED: u64 = 2 << 30;
const MAX_RATIO: u64 = 256;

/// The batches of a stream.
pub(super) struct Batches<'r> {
    reader: &'r mut dyn BufRead,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    /// Whether it is a file, in which the end is marked. A stream may just end.
    is_file: bool,
}

/// A message with its content.
struct Frame {
    metadata: Vec<u8>,
    body: Buffer,
}

impl<'r> Batches<'r> {
    /// Reads the schema of a stream or file.
    ///
    /// # Errors
    /// A message if it does not begin as either, or has a schema that cannot be read.
    pub fn open(reader: &'r mut dyn BufRead) -> Result<Self, String> {
        let is_file = reader.fill_buf().map_err(describe_io)?.starts_with(MAGIC);
        if is_file {
            let mut magic = [0; 8];
            reader.read_exact(&mut magic).map_err(describe_io)?;
        }
        let frame = read_frame(reader, MAX_PADDING, is_file)?.ok_or("it has no schema")?;
        let schema = catch(|| {
            let message = parse(&frame.metadata)?;
            let schema = message.header_as_schema().ok_or("it does not begin with a schema")?;
            if !schema.endianness().equals_to_target_endianness() {
                return Err("its numbers are in the byte order of another machine".into());
            }
            try_fb_to_schema(schema).map_err(describe)
        })?;
        Ok(Batches { reader, schema: Arc::new(schema), dictionaries: HashMap::new(), is_file })
    }

    /// The next batch; `None` at the end of the stream.
    ///
    /// # Errors
    /// A message if the stream is cut off or corrupt.
    pub fn next(&mut self) -> Result<Option<RecordBatch>, String> {
        loop {
            let Some(frame) = read_frame(self.reader, 0, self.is_file)? else { return Ok(None) };
            let read = catch(|| {
                let message = parse(&frame.metadata)?;
                match message.header_type() {
                    MessageHeader::DictionaryBatch => {
                        self.read_dictionary(&message, &frame.body).map(|()| None)
                    }
                    MessageHeader::RecordBatch => self.read_batch(&message, &frame.body).map(Some),
                    _ => Err("a message that is neither a batch nor a dictionary".into()),
                }
            })?;
            if read.is_some() {
                return Ok(read);
            }
        }
    }

    fn read_dictionary(&mut self, message: &Message<'_>, body: &Buffer) -> Result<(), String> {
        let batch = message.header_as_dictionary_batch().ok_or("a dictionary without values")?;
        if let Some(data) = batch.data() {
            check_buffers(&data, body)?;
        }
        let version = message.version();
        reader::read_dictionary(body, batch, &self.schema, &mut self.dictionaries, &version).map_err(describe)
    }

    fn read_batch(&self, message: &Message<'_>, body: &Buffer) -> Result<RecordBatch, String> {
        let batch = message.header_as_record_batch().ok_or("a batch without values")?;
        check_buffers(&batch, body)?;
        let (schema, version) = (Arc::clone(&self.schema), message.version());
        reader::read_record_batch(body, batch, schema, &self.dictionaries, None, &version).map_err(describe)
    }
}

/// Checks the lengths that compressed buffers of a batch claim.
fn check_buffers(batch: &arrow_ipc::RecordBatch<'_>, body: &Buffer) -> Result<(), String> {
    let Some(compression) = batch.compression() else { return Ok(()) };
    if compression.codec() == CompressionType::ZSTD {
        return Err(
            "it is compressed with Zstandard; write it with LZ4 or without compression, or as Parquet".into(),
        );
    }
    let mut total = 0u64;
    for buffer in batch.buffers().into_iter().flatten() {
        let (Ok(offset), Ok(length)) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length()))
        else {
            return Err("a buffer has a negative length".into());
        };
        if length == 0 {
            continue;
        }
        let bytes = offset.checked_add(length).and_then(|end| body.as_slice().get(offset..end));
        let bytes = bytes.ok_or("a buffer lies outside of its batch")?;
        let Some((claim, rest)) = bytes.split_first_chunk::<8>() else {
            return Err("a compressed buffer has no length".into());
        };
        // A length of -1 marks a buffer that is not compressed.
        let claim = i64::from_le_bytes(*claim);
        let Ok(claim) = u64::try_from(claim) else { continue };
        total = total.saturating_add(claim);
        if claim > MAX_RATIO * rest.len() as u64 + 64 || total > MAX_DECOMPRESSED {
            return Err("a buffer claims to hold more than it can".into());
        }
    }
    Ok(())
}

/// The next message, behind at most so many words of padding; `None` at the end, which may have to be marked.
fn read_frame(reader: &mut dyn BufRead, padding: u32, is_end_marked: bool) -> Result<Option<Frame>, String> {
    let mut word = [0; 4];
    for _ in 0..=padding {
        match reader.read_exact(&mut word) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !is_end_marked => return Ok(None),
            read => read.map_err(describe_io)?,
        }
        if word != [0; 4] {
            break;
        }
    }
    // Since format version 0.15 a marker stands before the length.
    if word == [0xff; 4] {
        reader.read_exact(&mut word).map_err(describe_io)?;
    }
    let length = u64::from(u32::from_le_bytes(word));
    if length == 0 {
        return Ok(None);
    }
    let metadata = read_bytes(reader, length, MAX_METADATA)?;
    let body = catch(|| {
        let length = parse(&metadata)?.bodyLength();
        u64::try_from(length).map_err(|_| "a message has a negative length".to_string())
    })?;
    let body = read_bytes(reader, body, MAX_BODY)?;
    Ok(Some(Frame { metadata, body: Buffer::from_vec(body) }))
}

/// Reads `length` bytes. The buffer grows with the bytes that arrive, whatever the length says.
fn read_bytes(reader: &mut dyn BufRead, length: u64, limit: u64) -> Result<Vec<u8>, String> {
    if length > limit {
        return Err(format!("a message claims {length} bytes"));
    }
    let mut bytes = Vec::new();
    let read = reader.take(length).read_to_end(&mut bytes).map_err(describe_io)?;
    if read as u64 == length { Ok(bytes) } else { Err("it ends too early: it was truncated".into()) }
}

fn parse(metadata: &[u8]) -> Result<Message<'_>, String> {
    root_as_message(metadata).map_err(|error| format!("a message cannot be read: {error}"))
}

/// Runs `read`, and makes a panic in it an error.
fn catch<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("it is corrupt".into()))
}

fn describe(error: ArrowError) -> String {
    error.to_string()
}

fn describe_io(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early: it was truncated".into(),
        _ => error.to_string(),
    }
}
