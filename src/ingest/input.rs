//! Reading of one input, a file or a stream: what it is, and by which reader it is read.

use std::{
    fs::File,
    io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom},
    path::Path,
    rc::Rc,
    time::SystemTime,
};

use super::{
    FileGroup, Format, IngestOptions, NoticeKind, archive_members,
    content::{self, Content, HEAD},
    decode::{self, Charset},
    formats::{ReadFn, arrow, sqlite},
    lines::{MAX_DOCUMENT, read_all},
    packing::{self, Expansion, PeekReader, Source, zip},
    sink::StorySink,
};
use crate::{
    Error, Result,
    progress::{Progress, Stage},
};

/// How inputs are read that lie in one another.
pub(super) struct Context<'p> {
    /// The number of archives around the input.
    pub depth: u32,
    /// What the outermost input has expanded to.
    pub expansion: Rc<Expansion>,
    pub progress: &'p dyn Progress,
}

/// Reads one file. What is wrong with it is a notice.
///
/// # Errors
/// [`Error::Interrupted`] if `progress` is cancelled.
pub(super) fn read_file(path: &Path, sink: &mut StorySink, progress: &dyn Progress) -> Result<()> {
    let before = state(path);
    read_unchecked(path, sink, progress)?;
    if before.is_some() && state(path) != before {
        sink.notice_at(path, 0, NoticeKind::Changed);
    }
    Ok(())
}

/// Length and time of the last change of a file, none of anything else.
fn state(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// As [`read_file`], whatever happens to the file meanwhile.
fn read_unchecked(path: &Path, sink: &mut StorySink, progress: &dyn Progress) -> Result<()> {
    if arrow::is_dataset(path) {
        return read_path(path, arrow::read_dataset, sink, progress);
    }
    if let (Some(_), ReadFn::Path(read)) = (sqlite::split_table(path), &Format::Sqlite.reader().read) {
        return read_path(path, *read, sink, progress);
    }
    let opened = File::open(path).and_then(|mut file| {
        let size = file.metadata().ok().filter(|meta| meta.is_file()).map(|meta| meta.len());
        let head = if size.is_some() { head_of(&mut file)? } else { Vec::new() };
        Ok((file, size, head))
    });
    let (file, size, head) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            sink.notice_at(path, 0, NoticeKind::Unreadable(error.kind().to_string()));
            return Ok(());
        }
    };
    // Pipes have no size; what they hold is read from the stream.
    let Some(size) = size else { return read_stream(path, file, sink, progress) };
    match resolve(path, &head, sink.options) {
        Content::Zip => {
            let context = Context { depth: 0, expansion: Expansion::of_size(size), progress };
            read_zip(path, BufReader::new(file), &context, sink)?;
            progress.advance(Stage::Ingest, size);
        }
        Content::Format(format) => match format.reader().read {
            ReadFn::File(read) => {
                sink.begin(path);
                read(file, sink, progress)?;
                sink.end();
            }
            ReadFn::Path(read) => return read_path(path, read, sink, progress),
            _ => return read_stream(path, file, sink, progress),
        },
        _ => return read_stream(path, file, sink, progress),
    }
    Ok(())
}

/// Reads an input that is opened by its path.
fn read_path(
    path: &Path,
    read: fn(&Path, &mut StorySink, &dyn Progress) -> Result<()>,
    sink: &mut StorySink,
    progress: &dyn Progress,
) -> Result<()> {
    sink.begin(path);
    read(path, sink, progress)?;
    sink.end();
    Ok(())
}

/// The first bytes of a file, which is read from its beginning again.
fn head_of(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    (&mut *file).take(HEAD as u64).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(head)
}

/// What an input is: as the user states, by its content if that leaves no doubt, by its name, or by its content as it seems.
pub(super) fn resolve(path: &Path, head: &[u8], options: &IngestOptions) -> Content {
    let stated = options.format.map(Content::Format);
    let named = || Format::from_path(path).unwrap_or_else(|| Format::detect(head));
    stated.or_else(|| content::detect(head)).unwrap_or_else(|| Content::Format(named()))
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
    let context = Context { depth: 0, expansion: Rc::default(), progress };
    match packing::open(stream, &context.expansion, progress) {
        Ok(source) => read_source(path, source, &context, sink),
        Err(error) => {
            sink.begin(path);
            sink.read_error(0, &error);
            Ok(())
        }
    }
}

/// Reads a stream from which the compression was taken off.
pub(super) fn read_source(
    path: &Path,
    mut source: Source,
    context: &Context,
    sink: &mut StorySink,
) -> Result<()> {
    let content = match source.peek(HEAD) {
        Ok(head) => resolve(path, head, sink.options),
        Err(error) => {
            sink.begin(path);
            sink.read_error(0, &error);
            return Ok(());
        }
    };
    match content {
        Content::Format(format) => {
            sink.begin(path);
            read_format(format, source, sink, context.progress)?;
        }
        Content::Encrypted => {
            sink.begin(path);
            sink.notice(0, NoticeKind::Encrypted);
        }
        Content::Unsupported(FileGroup::Office, _) if is_encrypted_office(path) => {
            sink.begin(path);
            sink.notice(0, NoticeKind::Encrypted);
        }
        Content::Unsupported(group, name) => {
            sink.begin(path);
            sink.notice(0, NoticeKind::Unsupported(group, name));
        }
        Content::Tar => archive_members::read_tar(path, &mut source, context, sink)?,
        Content::Zip => {
            let (bytes, error) = read_all(&mut source, MAX_DOCUMENT);
            if let Some(error) = error {
                sink.begin(path);
                sink.read_error(0, &error);
            } else if let Some(bytes) = bytes {
                read_zip(path, Cursor::new(bytes), context, sink)?;
            } else {
                sink.begin(path);
                sink.notice(0, NoticeKind::TooLong(MAX_DOCUMENT));
            }
        }
    }
    if context.progress.cancelled() {
        return Err(Error::Interrupted);
    }
    Ok(())
}

/// Whether a file that is no zip archive has the name of a document that is one: with a password it is stored in another way.
fn is_encrypted_office(path: &Path) -> bool {
    matches!(Format::from_path(path), Some(Format::Docx | Format::Xlsx))
}

/// Reads a zip archive: a document, or the files in it.
fn read_zip<R: Read + Seek>(path: &Path, reader: R, context: &Context, sink: &mut StorySink) -> Result<()> {
    let mut archive = match zip::open(reader) {
        Ok(archive) => archive,
        Err(error) => {
            sink.begin(path);
            sink.read_error(0, &error);
            return Ok(());
        }
    };
    match zip::kind(&mut archive) {
        zip::ZipKind::Archive => return archive_members::read_zip(path, &mut archive, context, sink),
        zip::ZipKind::Unsupported(group, name) => {
            sink.begin(path);
            sink.notice(0, NoticeKind::Unsupported(group, name));
        }
        zip::ZipKind::Document(format) => {
            let mut reader = archive.into_inner();
            sink.begin(path);
            match reader.seek(SeekFrom::Start(0)) {
                Ok(_) => {
                    let source: Source = PeekReader::new(Box::new(reader));
                    read_format(format, source, sink, context.progress)?;
                }
                Err(error) => sink.read_error(0, &error),
            }
        }
    }
    Ok(())
}

/// Reads the current input of the sink.
fn read_format(format: Format, source: Source, sink: &mut StorySink, progress: &dyn Progress) -> Result<()> {
    match format.reader().read {
        ReadFn::Bytes(read) => read_bytes(source, read, sink),
        ReadFn::File(_) | ReadFn::Path(_) => sink.notice(0, NoticeKind::NeedsFile(format)),
        ReadFn::Records(_) | ReadFn::Document(_) => read_text(format, source, sink, progress)?,
    }
    sink.end();
    Ok(())
}

/// Reads an input that is a text.
fn read_text(format: Format, source: Source, sink: &mut StorySink, progress: &dyn Progress) -> Result<()> {
    // Formats of bytes, and of pages in encodings of their own, have no encoding as a whole.
    let has_encoding = !matches!(format, Format::Arrow | Format::Warc);
    let mut stream = match decode::to_utf8(Box::new(source), sink.options.encoding.filter(|_| has_encoding)) {
        Ok(stream) => stream,
        Err(error) => {
            sink.read_error(0, &error);
            return Ok(());
        }
    };
    let head = match stream.reader.fill_buf() {
        Ok(head) => head,
        Err(error) => {
            sink.read_error(0, &error);
            return Ok(());
        }
    };
    if !decode::is_utf8(head) && !decode::is_binary(head) {
        sink.charset = Some(Charset::detect(head));
    }
    match format.reader().read {
        ReadFn::Records(read) => read(stream.reader.as_mut(), sink, progress)?,
        ReadFn::Document(read) => read_document(stream.reader.as_mut(), read, sink),
        ReadFn::Bytes(_) | ReadFn::File(_) | ReadFn::Path(_) => {}
    }
    if stream.invalid.get() {
        sink.notice(0, NoticeKind::InvalidEncoding);
    }
    Ok(())
}

/// Reads an input that is one text.
fn read_document(reader: &mut dyn BufRead, read: fn(&str, &mut StorySink), sink: &mut StorySink) {
    let limit = sink.options.max_record();
    let Some(bytes) = whole(reader, limit, sink) else { return };
    if decode::is_binary(&bytes) {
        return sink.notice(0, NoticeKind::Binary);
    }
    // A declaration, and all of the text, say more than the beginning.
    sink.charset = None;
    let text = sink.decode(&bytes, 0);
    read(&text, sink);
}

/// Reads an input that is one document of bytes.
fn read_bytes(mut reader: impl BufRead, read: fn(&[u8], &mut StorySink), sink: &mut StorySink) {
    if let Some(bytes) = whole(&mut reader, MAX_DOCUMENT, sink) {
        read(&bytes, sink);
    }
}

/// All bytes of an input, as far as it can be read; `None`, with a notice, if there are none, or more than `limit`.
fn whole(reader: &mut dyn BufRead, limit: u64, sink: &mut StorySink) -> Option<Vec<u8>> {
    let (bytes, error) = read_all(reader, limit);
    if let Some(error) = error {
        sink.read_error(0, &error);
    }
    match bytes {
        None => {
            sink.count_record();
            sink.notice(0, NoticeKind::TooLong(limit));
            None
        }
        Some(bytes) if bytes.is_empty() => {
            sink.notice(0, NoticeKind::Empty);
            None
        }
        bytes => bytes,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        path::PathBuf,
        sync::atomic::{AtomicBool, Ordering},
    };

    use super::*;
    use crate::ingest::{Input, read};

    /// Writes to the file that is read, once, as another program could.
    struct Writer(PathBuf, &'static str, AtomicBool);

    impl Progress for Writer {
        fn begin(&self, _: Stage, _: Option<u64>) {}

        fn advance(&self, _: Stage, _: u64) {
            if !self.2.swap(true, Ordering::Relaxed) {
                let mut file = File::options().append(true).open(&self.0).unwrap();
                file.write_all(self.1.as_bytes()).unwrap();
            }
        }

        fn end(&self, _: Stage) {}

        fn cancelled(&self) -> bool {
            false
        }
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_reported() {
        let check = |name: &str, text: &str, written: &'static str, expect: bool| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let writer = Writer(path.clone(), written, AtomicBool::new(false));
            let outcome = read(vec![Input::Path(path.clone())], &IngestOptions::default(), &writer).unwrap();
            let found = outcome.notices.iter().any(|notice| notice.kind == NoticeKind::Changed);
            assert_eq!((found, outcome.incomplete.contains(&path)), (expect, expect), "{name}");
        };
        check("a.jsonl", "{\"text\":\"It rained.\"}\n", "{\"text\":\"It shone.\"}\n", true);
        check("a.txt", "It rained.", " It shone.", true);
        check("a.txt", "It rained.", "", false);
    }
}
