//! Files in archives: each is read as a file of its own, `news.zip/2031/rain.txt`. What is not read is counted, as in folders.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek},
    path::Path,
    rc::Rc,
};

use ::zip::ZipArchive;

use super::{
    Format, NoticeKind,
    content::HEAD,
    input::{Context, read_source},
    packing::{
        self, is_archive_name, member_path, tar,
        zip::{self, Member},
    },
    sink::StorySink,
    walk,
};
use crate::{
    Error, Result,
    progress::{Progress, Stage},
};

/// How deep archives may lie in one another and still be read.
const MAX_DEPTH: u32 = 2;

/// The progress of a member: its bytes are those of the archive, which are reported already.
struct Cancellation<'p>(&'p dyn Progress);

impl Progress for Cancellation<'_> {
    fn begin(&self, _: Stage, _: Option<u64>) {}
    fn advance(&self, _: Stage, _: u64) {}
    fn end(&self, _: Stage) {}

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// Members that were not read.
#[derive(Default)]
struct Unread {
    by_extension: BTreeMap<String, u64>,
    hidden: u64,
}

/// Reads the files of a tar archive.
pub(super) fn read_tar(
    path: &Path,
    source: &mut dyn Read,
    context: &Context,
    sink: &mut StorySink,
) -> Result<()> {
    read_members(path, context, sink, |read| tar::for_each_member(source, read))
}

/// Reads the files of a zip archive.
pub(super) fn read_zip<R: Read + Seek>(
    path: &Path,
    archive: &mut ZipArchive<R>,
    context: &Context,
    sink: &mut StorySink,
) -> Result<()> {
    read_members(path, context, sink, |read| {
        zip::for_each_member(archive, &context.expansion, read).map(|()| None)
    })
}

/// What gives the members of an archive to a function, and returns the error that ended the archive early.
type ReadMember<'a> = &'a mut dyn FnMut(&str, Member) -> Result<()>;

fn read_members(
    path: &Path,
    context: &Context,
    sink: &mut StorySink,
    for_each: impl FnOnce(ReadMember) -> Result<Option<io::Error>>,
) -> Result<()> {
    if context.depth == MAX_DEPTH {
        sink.notice_at(path, 0, NoticeKind::NestedArchive);
        return Ok(());
    }
    let (mut unread, mut count) = (Unread::default(), 0u64);
    let error = for_each(&mut |name, member| {
        count += 1;
        read_member(&member_path(path, name), name, member, context, sink, &mut unread)
    })?;
    sink.begin_notices(path);
    if let Some(error) = error {
        sink.read_error(0, &error);
    } else if count == 0 {
        sink.notice(0, NoticeKind::Empty);
    }
    let Unread { by_extension, hidden } = unread;
    if hidden > 0 || !by_extension.is_empty() {
        sink.notice(0, NoticeKind::UnreadFiles { by_extension, hidden, ignored: 0 });
    }
    Ok(())
}

fn read_member(
    path: &Path,
    name: &str,
    member: Member,
    context: &Context,
    sink: &mut StorySink,
    unread: &mut Unread,
) -> Result<()> {
    if context.progress.cancelled() {
        return Err(Error::Interrupted);
    }
    if is_hidden(name) && !sink.options.hidden {
        unread.hidden += 1;
        return Ok(());
    }
    let is_known =
        sink.options.format.is_some() || Format::from_path(path).is_some() || is_archive_name(path);
    let opened = match member {
        Member::Encrypted if is_known => {
            sink.notice_at(path, 0, NoticeKind::Encrypted);
            return Ok(());
        }
        Member::Encrypted => {
            *unread.by_extension.entry(walk::extension(path)).or_default() += 1;
            return Ok(());
        }
        Member::Failed(error) => Err(error),
        Member::File(stream) => packing::unpack(stream, &context.expansion),
    };
    let mut source = match opened {
        Ok(source) => source,
        Err(error) => {
            sink.begin_notices(path);
            sink.read_error(0, &error);
            return Ok(());
        }
    };
    if is_known {
        let expansion = Rc::clone(&context.expansion);
        let inner =
            Context { depth: context.depth + 1, expansion, progress: &Cancellation(context.progress) };
        return read_source(path, source, &inner, sink);
    }
    if let Some(format) = source.peek(HEAD).ok().and_then(walk::story_format) {
        sink.notice_at(path, 0, NoticeKind::NotRead(format));
    }
    *unread.by_extension.entry(walk::extension(path)).or_default() += 1;
    Ok(())
}

/// Whether a member lies in a hidden folder, or is a file that the Finder of macOS adds.
fn is_hidden(name: &str) -> bool {
    name.split(['/', '\\'])
        .any(|part| part == "__MACOSX" || (part.starts_with('.') && part.chars().any(|c| c != '.')))
}
