//! Reading of one input, a file or a stream, by its format.

use std::{
    fs::File,
    io::{BufRead, Read},
    path::Path,
};

use super::{
    Format, NoticeKind,
    decode::{self, Charset},
    decompress::decompress,
    formats::ReadFn,
    lines::read_all,
    sink::StorySink,
};
use crate::{Error, Result, progress::Progress};

/// Reads one file. What is wrong with it is a notice.
///
/// # Errors
/// [`Error::Interrupted`] if `progress` is cancelled.
pub(super) fn read_file(path: &Path, sink: &mut StorySink, progress: &dyn Progress) -> Result<()> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => {
            sink.notice_at(path, 0, NoticeKind::Unreadable(error.kind().to_string()));
            return Ok(());
        }
    };
    let format = sink.options.format.or_else(|| Format::from_path(path));
    let Some(ReadFn::File(read)) = format.map(|f| &f.reader().read) else {
        return read_stream(path, file, sink, progress);
    };
    sink.begin(path);
    read(file, sink, progress)?;
    sink.end();
    Ok(())
}

/// Reads one stream, which notices and origins call `path`. What is wrong with it is a notice.
///
/// # Errors
/// [`Error::Interrupted`] if `progress` is cancelled.
pub(super) fn read_stream(
    path: &Path,
    stream: impl Read,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    sink.begin(path);
    let opened = decompress(stream, sink.options.encoding, progress).and_then(|mut stream| {
        let head = stream.reader.fill_buf()?;
        if !decode::is_utf8(head) && !decode::is_binary(head) {
            sink.charset = Some(Charset::detect(head));
        }
        let format = sink.options.format.or_else(|| Format::from_path(path));
        let format = format.unwrap_or_else(|| Format::detect(head));
        Ok((stream, format))
    });
    let (mut stream, format) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            sink.read_error(0, &error);
            return Ok(());
        }
    };
    match format.reader().read {
        ReadFn::Records(read) => read(stream.reader.as_mut(), sink, progress)?,
        ReadFn::Document(read) => read_document(stream.reader.as_mut(), read, sink),
        ReadFn::File(_) => sink.notice(0, NoticeKind::NeedsFile(format)),
    }
    if stream.invalid.get() {
        sink.notice(0, NoticeKind::InvalidEncoding);
    }
    sink.end();
    if progress.cancelled() {
        return Err(Error::Interrupted);
    }
    Ok(())
}

/// Reads an input that is one document.
fn read_document(reader: &mut dyn BufRead, read: fn(&str, &mut StorySink), sink: &mut StorySink) {
    let limit = sink.options.max_record();
    let (bytes, error) = read_all(reader, limit);
    if let Some(error) = error {
        sink.read_error(0, &error);
    }
    let Some(bytes) = bytes else {
        sink.count_record();
        return sink.notice(0, NoticeKind::TooLong(limit));
    };
    if bytes.is_empty() {
        return sink.notice(0, NoticeKind::Empty);
    }
    if decode::is_binary(&bytes) {
        return sink.notice(0, NoticeKind::Binary);
    }
    // A declaration, and all of the text, say more than the beginning.
    sink.charset = None;
    let text = sink.decode(&bytes, 0);
    read(&text, sink);
}
