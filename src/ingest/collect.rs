//! Gathers stories and notices over all inputs, and makes ids unique.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufRead, Read},
    path::{Path, PathBuf},
};

use super::{Format, Ingested, Notice, NoticeKind, Options, bytes, csv, html, json, markdown, page, parquet};
use crate::{
    Error, Result,
    corpus::{dateline, ids, normalize},
    progress::Progress,
    story::{Origin, Story},
};

/// A story as a reader found it.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub id: Option<String>,
    pub title: String,
    pub text: String,
    pub published: Option<i64>,
    pub source: Option<String>,
    pub url: Option<String>,
    pub line: u64,
    pub record: u64,
    pub part: u32,
}

/// The state of a reading.
pub(super) struct Collector<'a> {
    pub options: &'a Options,
    path: PathBuf,
    /// Ids that were given, with the number behind the next story that brings the same one.
    ids: BTreeMap<String, u32>,
    /// Files that were met, without links.
    files: BTreeSet<PathBuf>,
    out: Ingested,
}

impl<'a> Collector<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Collector {
            options,
            path: PathBuf::new(),
            ids: BTreeMap::new(),
            files: BTreeSet::new(),
            out: Ingested::default(),
        }
    }

    /// For records of the stream that is named `path`.
    pub(super) fn of(options: &'a Options, path: &Path) -> Self {
        Collector { path: path.into(), ..Self::new(options) }
    }

    pub(super) fn finish(self) -> Ingested {
        self.out
    }

    /// Whether the file was not met yet; notes if it was.
    pub(super) fn is_new(&mut self, path: &Path) -> bool {
        // A pipe has no second reading, and what cannot be named is told of when it is opened.
        let file = path.canonicalize().ok().filter(|file| file.is_file());
        let new = file.is_none_or(|file| self.files.insert(file));
        if !new {
            self.notice(path, 0, NoticeKind::Twice);
        }
        new
    }

    /// Notes what is wrong at `line` of `path`.
    pub(super) fn notice(&mut self, path: &Path, line: u64, kind: NoticeKind) {
        self.out.skipped += u64::from(kind.skips());
        self.out.notices.push(Notice { path: path.into(), line, kind });
    }

    /// Notes what is wrong at `line` of the file that is being read.
    pub(super) fn here(&mut self, line: u64, kind: NoticeKind) {
        let path = self.path.clone();
        self.notice(&path, line, kind);
    }

    /// Notes the error that ended the reading of a file.
    pub(super) fn broken(&mut self, line: u64, error: &io::Error) {
        let packed = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::Other
        );
        let kind = match packed {
            true => NoticeKind::Compressed(error.to_string()),
            false => NoticeKind::Unreadable(error.to_string()),
        };
        self.here(line, kind);
    }

    /// Reads one file.
    pub(super) fn file(&mut self, path: &Path, progress: &dyn Progress) -> Result<()> {
        let format = self.options.format.or_else(|| Format::of(path));
        match File::open(path) {
            Ok(file) if format == Some(Format::Parquet) => {
                self.path = path.into();
                self.out.files += 1;
                let before = self.out.stories.len();
                parquet::read(file, self, progress)?;
                self.check_texts(before);
                Ok(())
            }
            Ok(file) => self.stream(path, file, progress),
            Err(error) => {
                self.notice(path, 0, NoticeKind::Unreadable(error.kind().to_string()));
                Ok(())
            }
        }
    }

    /// Reads one stream, named `path`.
    pub(super) fn stream(&mut self, path: &Path, stream: impl Read, progress: &dyn Progress) -> Result<()> {
        self.path = path.into();
        self.out.files += 1;
        let (mut reader, broken) = match bytes::unpack(stream, progress) {
            Ok(reader) => reader,
            Err(error) => {
                self.broken(0, &error);
                return Ok(());
            }
        };
        let format = match self.options.format.or_else(|| Format::of(path)) {
            Some(format) => format,
            None => match reader.fill_buf() {
                Ok(head) => Format::sniff(head),
                Err(error) => {
                    self.broken(0, &error);
                    return Ok(());
                }
            },
        };
        let before = self.out.stories.len();
        match format {
            Format::JsonLines => json::read_lines(reader.as_mut(), self, progress)?,
            Format::Json => json::read_document(reader.as_mut(), self),
            Format::Csv => csv::read(reader.as_mut(), b',', self, progress)?,
            Format::Tsv => csv::read(reader.as_mut(), b'\t', self, progress)?,
            Format::Parquet => {
                self.here(0, NoticeKind::Parquet("it is read from a file only, named .parquet".into()))
            }
            Format::Text | Format::Markdown | Format::Html => self.document(reader.as_mut(), format),
        }
        if broken.get() {
            self.here(0, NoticeKind::Utf16);
        }
        self.check_texts(before);
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        Ok(())
    }

    /// Notes if none of the stories since `before` has a text: a field may have another name than was looked for.
    fn check_texts(&mut self, before: usize) {
        let new = &self.out.stories[before..];
        if new.len() > 1 && new.iter().all(|story| story.text.trim().is_empty()) {
            self.here(0, NoticeKind::TitlesAlone);
        }
    }

    /// Reads a file that is one document.
    fn document(&mut self, reader: &mut dyn BufRead, format: Format) {
        let (data, error) = bytes::read_all(reader, bytes::MAX_RECORD);
        if let Some(error) = error {
            self.broken(0, &error);
        }
        let Some(data) = data else {
            self.out.records += 1;
            return self.here(0, NoticeKind::TooLong(bytes::MAX_RECORD));
        };
        if data.is_empty() {
            return self.here(0, NoticeKind::Empty);
        }
        if bytes::is_binary(&data) {
            return self.here(0, NoticeKind::Binary);
        }
        let (text, bad) = bytes::decode(&data);
        if bad {
            self.here(0, NoticeKind::Encoding);
        }
        match format {
            Format::Markdown => markdown::read(&text, self),
            Format::Html => html::read(&text, self),
            _ => page::read(&text, self),
        }
    }

    /// Takes a story, or notes that it has no text.
    pub(super) fn story(&mut self, found: Found) {
        self.out.records += u64::from(found.part == 0);
        let title = found.title.trim();
        // Of what no letter stands in, what is left of it tells.
        let is_blank = |text: &str| !text.contains(char::is_alphanumeric) && normalize(text).is_empty();
        if is_blank(&found.text) && is_blank(title) {
            return self.here(found.line, NoticeKind::NoText);
        }
        let id = found
            .id
            .filter(|id| !id.trim().is_empty())
            .unwrap_or_else(|| ids::record_id(&self.path, found.record));
        let id = self.unique(id, found.line);
        let lead = dateline::find_attribution(&found.text);
        self.out.stories.push(Story {
            id,
            title: title.to_string(),
            published: found.published,
            source: found.source.filter(|s| !s.trim().is_empty()),
            url: found.url.filter(|s| !s.trim().is_empty()),
            dateline: lead.dateline,
            credit: lead.credit,
            origin: Origin {
                path: self.path.clone(),
                line: found.line,
                record: found.record,
                part: found.part,
            },
            text: found.text,
        });
    }

    /// See [`ids::stem_id`].
    pub(super) fn stem(&self) -> String {
        ids::stem_id(&self.path)
    }

    /// See [`ids::part_id`].
    pub(super) fn of_part(&self, part: u32) -> String {
        ids::part_id(&self.path, part)
    }

    fn unique(&mut self, id: String, line: u64) -> String {
        let Some(next) = self.ids.get(&id) else {
            self.ids.insert(id.clone(), 2);
            return id;
        };
        let (mut n, mut fresh) = (*next, String::new());
        while fresh.is_empty() || self.ids.contains_key(&fresh) {
            fresh = format!("{id}~{n}");
            n += 1;
        }
        self.ids.insert(id, n);
        self.ids.insert(fresh.clone(), 2);
        self.here(line, NoticeKind::DuplicateId(fresh.clone()));
        fresh
    }
}
