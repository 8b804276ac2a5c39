//! The sink that readers give their records to: stories get their ids here, and notices their place.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use super::{
    FieldUsage, IngestOptions, IngestOutcome, MAX_NOTICES, Notice, NoticeKind,
    date_column::{AmbiguousDate, DateColumn, shorten},
    decode::{Charset, decode_unicode},
    domain::registrable_domain,
    formats::arrow,
    headline, markup,
    packing::TooExpanded,
};
use crate::{
    corpus::{
        date::{self, ParsedDate},
        dateline, ids, normalize, page_chrome,
    },
    story::{Origin, Story},
};

/// A story as a reader found it.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The id that the record brings; without one it gets an id from its file and number.
    pub id: Option<String>,
    pub title: String,
    pub text: String,
    /// Milliseconds since 1970 UTC, if the reader knows it.
    pub published: Option<i64>,
    /// The date as the record has it, read if `published` is `None`.
    pub date: Option<String>,
    pub source: Option<String>,
    pub url: Option<String>,
    /// See [`Origin::line`].
    pub line: u64,
    /// See [`Origin::record`].
    pub record: u64,
    /// See [`Origin::part`].
    pub part: u32,
}

/// Stories and notices of all inputs so far.
pub(super) struct StorySink<'a> {
    pub options: &'a IngestOptions,
    /// Called with every notice.
    pub on_notice: Option<&'a mut dyn FnMut(&Notice)>,
    /// The input that is being read.
    path: PathBuf,
    /// Its encoding, if it is not UTF-8 as far as is known.
    pub charset: Option<Charset>,
    /// Whether a notice has named the encoding.
    charset_reported: bool,
    /// The number of its first story.
    start: usize,
    /// For each id in use, the suffix for the next story that brings the same id.
    ids: BTreeMap<String, u32>,
    /// Canonical paths of the files so far.
    files: BTreeSet<PathBuf>,
    /// The dates of the current input.
    dates: DateColumn,
    /// The ids of stories that publishers have withdrawn, with the time at which they did.
    withdrawn: BTreeMap<String, Option<i64>>,
    outcome: IngestOutcome,
}

impl<'a> StorySink<'a> {
    pub(super) fn new(options: &'a IngestOptions) -> Self {
        StorySink {
            options,
            on_notice: None,
            path: PathBuf::new(),
            charset: None,
            charset_reported: false,
            start: 0,
            ids: BTreeMap::new(),
            files: BTreeSet::new(),
            dates: DateColumn::default(),
            withdrawn: BTreeMap::new(),
            outcome: IngestOutcome::default(),
        }
    }

    /// A sink for records of the input `path`.
    pub(super) fn for_path(options: &'a IngestOptions, path: &Path) -> Self {
        StorySink { path: path.into(), ..Self::new(options) }
    }

    pub(super) fn finish(mut self) -> IngestOutcome {
        self.end();
        self.remove_withdrawn();
        self.outcome
    }

    /// Counts an item by which a publisher withdraws the stories that have one of `ids`, whether they come before it or
    /// after; those of a later date stay.
    pub(super) fn withdraw(&mut self, line: u64, ids: Vec<String>, date: Option<&str>) {
        self.count_record();
        self.notice(line, NoticeKind::Withdrawn);
        let at = date.and_then(date::parse);
        for id in ids {
            let latest = self.withdrawn.entry(id).or_insert(at);
            *latest = (*latest).max(at);
        }
    }

    /// Leaves out the stories that publishers have withdrawn.
    fn remove_withdrawn(&mut self) {
        if self.withdrawn.is_empty() {
            return;
        }
        let is_withdrawn = |story: &Story| {
            [story.id.as_str(), ids::base_id(&story.id).unwrap_or_default()]
                .iter()
                .filter_map(|id| self.withdrawn.get(*id))
                .any(|at| at.zip(story.published).is_none_or(|(at, published)| published <= at))
        };
        let left_out: Vec<Story> = self.outcome.stories.extract_if(.., |story| is_withdrawn(story)).collect();
        for Story { origin, .. } in left_out {
            self.notice_at(&origin.path, origin.line, NoticeKind::Withdrawn);
        }
    }

    /// Begins an input: records and notices from now on belong to `path`.
    pub(super) fn begin(&mut self, path: &Path) {
        self.path = path.into();
        (self.charset, self.charset_reported) = (None, false);
        self.outcome.files += 1;
    }

    /// Notices from now on belong to `path`, an archive.
    pub(super) fn begin_notices(&mut self, path: &Path) {
        self.path = path.into();
    }

    /// Ends an input: the dates that depend on the others of the input are decided, and a notice is added if the input has
    /// several stories but no texts, because the field of the text may have an unknown name.
    pub(super) fn end(&mut self) {
        let dates = std::mem::take(&mut self.dates);
        let (decided, notices) = dates.decide(self.options.date_order);
        for (story, published) in decided {
            self.outcome.stories[story].published = Some(published);
        }
        for (line, kind) in notices {
            self.notice(line, kind);
        }
        let new = &mut self.outcome.stories[self.start..];
        let suffixes =
            headline::Suffixes::new(new.iter().map(|story| (story.source.as_deref(), story.title.as_str())));
        for story in new.iter_mut() {
            let title = headline::strip_outlet(&story.title, story.source.as_deref(), &suffixes);
            if title.len() < story.title.len() {
                story.title = title.to_string();
            }
        }
        if new.len() > 1 && new.iter().all(|story| story.text.trim().is_empty()) {
            self.notice(0, NoticeKind::TitlesOnly);
        }
        self.start = self.outcome.stories.len();
    }

    /// Registers a file. False, with a notice, if the same file was registered before, under this name or another.
    pub(super) fn register(&mut self, path: &Path) -> bool {
        // A pipe cannot be read a second time; an unreadable path gets its notice when it is opened.
        let file = path.canonicalize().ok().filter(|file| file.is_file() || arrow::is_dataset(file));
        let new = file.is_none_or(|file| self.files.insert(file));
        if !new {
            self.notice_at(path, 0, NoticeKind::DuplicateFile);
        }
        new
    }

    /// Adds a notice for `line` of `path`.
    pub(super) fn notice_at(&mut self, path: &Path, line: u64, kind: NoticeKind) {
        self.outcome.skipped += u64::from(kind.skips());
        if kind.may_lose_stories() && !self.outcome.incomplete.contains(path) {
            self.outcome.incomplete.insert(path.into());
        }
        let is_information = kind.is_information();
        let notice = Notice { path: path.into(), line, kind };
        if let Some(on_notice) = &mut self.on_notice {
            on_notice(&notice);
        }
        if !is_information {
            self.outcome.notice_counts.add(&notice);
        }
        let list = if is_information { &mut self.outcome.information } else { &mut self.outcome.notices };
        if list.len() < MAX_NOTICES {
            list.push(notice);
        }
    }

    /// Which names of records were read as which fields.
    pub(super) fn fields(&mut self) -> &mut FieldUsage {
        &mut self.outcome.fields
    }

    /// Adds a notice for `line` of the current input; line 0 is the whole input.
    pub(super) fn notice(&mut self, line: u64, kind: NoticeKind) {
        let path = self.path.clone();
        self.notice_at(&path, line, kind);
    }

    /// Adds a notice for the error that ended the reading of the current input.
    pub(super) fn read_error(&mut self, line: u64, error: &io::Error) {
        if error.get_ref().is_some_and(|inner| inner.is::<TooExpanded>()) {
            return self.notice(line, NoticeKind::TooExpanded(error.to_string()));
        }
        let decompression = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::Other
        );
        let message = error.to_string();
        let kind =
            if decompression { NoticeKind::Compressed(message) } else { NoticeKind::Unreadable(message) };
        self.notice(line, kind);
    }

    /// Decodes bytes of the current input. The first bytes that are not UTF-8 give a notice with the encoding in which the
    /// input is read.
    pub(super) fn decode<'b>(&mut self, bytes: &'b [u8], line: u64) -> Cow<'b, str> {
        if let Some(text) = decode_unicode(bytes) {
            return text;
        }
        let charset = *self.charset.get_or_insert_with(|| Charset::detect(bytes));
        if !std::mem::replace(&mut self.charset_reported, true) {
            self.notice(line, NoticeKind::Encoding(charset.name()));
        }
        charset.decode(bytes)
    }

    /// Counts a record that is skipped before it becomes a [`Record`].
    pub(super) fn count_record(&mut self) {
        self.outcome.records += 1;
    }

    /// Adds the story of a record, or a notice if it has neither text nor title.
    pub(super) fn record(&mut self, record: Record) {
        self.outcome.records += u64::from(record.part == 0);
        let published = record.published.or_else(|| self.date(record.line, record.date.as_deref()?));
        // Every story is one that its own export gives again, so no text keeps markup.
        let text = markup::to_text(record.text);
        let title = markup::to_text(record.title);
        let title = title.trim();
        // A text without letters or digits is blank if normalizing leaves nothing of it.
        let is_blank = |text: &str| !text.contains(char::is_alphanumeric) && normalize(text).is_empty();
        if is_blank(&text) && is_blank(title) {
            return self.notice(record.line, NoticeKind::NoText);
        }
        if !title.is_empty() && page_chrome::is_only_chrome(&text) {
            self.notice(record.line, NoticeKind::ChromeOnly);
        }
        let id = record
            .id
            .filter(|id| !id.trim().is_empty())
            .unwrap_or_else(|| ids::record_id(&self.path, record.record));
        let id = self.unique_id(id, record.line);
        let has_source = record.source.as_deref().is_some_and(|source| !source.trim().is_empty());
        let (source, url) = publisher(record.source, record.url);
        if source.is_some() && !has_source {
            self.outcome.fields.note_source_of_url();
        }
        let lead = dateline::find_attribution(&text);
        self.outcome.stories.push(Story {
            id,
            title: title.to_string(),
            published,
            source,
            url,
            dateline: lead.dateline,
            credit: lead.credit,
            origin: Origin {
                path: self.path.clone(),
                line: record.line,
                record: record.record,
                part: record.part,
            },
            text,
        });
    }

    /// The date of the next story; `None` if it cannot be read, with a notice, or not yet.
    fn date(&mut self, line: u64, text: &str) -> Option<i64> {
        if text.trim().is_empty() {
            return None;
        }
        let kind = match date::parse_text(text) {
            Some(ParsedDate::Instant { at, shows }) => {
                self.dates.note_order(line, text, shows);
                return Some(at);
            }
            Some(ParsedDate::Ambiguous { day_first, month_first }) => {
                let story = self.outcome.stories.len();
                self.dates.ambiguous.push(AmbiguousDate {
                    story,
                    line,
                    text: shorten(text),
                    day_first,
                    month_first,
                });
                return None;
            }
            Some(ParsedDate::Implausible) => NoticeKind::ImplausibleDate(shorten(text)),
            None => NoticeKind::Date(shorten(text)),
        };
        self.notice(line, kind);
        None
    }

    /// The id of a story that is a file: see [`ids::stem_id`].
    pub(super) fn file_id(&self) -> String {
        ids::stem_id(&self.path)
    }

    /// The id of a story that is one of several in a file: see [`ids::part_id`].
    pub(super) fn part_id(&self, part: u32) -> String {
        ids::part_id(&self.path, part)
    }

    /// `id`, or `id~2`, `id~3`, … with a notice if earlier stories have it.
    fn unique_id(&mut self, id: String, line: u64) -> String {
        let Some(next) = self.ids.get(&id) else {
            self.ids.insert(id.clone(), 2);
            return id;
        };
        let (mut n, mut unique) = (*next, String::new());
        while unique.is_empty() || self.ids.contains_key(&unique) {
            unique = format!("{id}~{n}");
            n += 1;
        }
        self.ids.insert(id, n);
        self.ids.insert(unique.clone(), 2);
        self.notice(line, NoticeKind::DuplicateId(unique.clone()));
        unique
    }
}

/// The publisher and the address of a story. A publisher that is an address becomes its domain, and a missing one the domain
/// of the story's address.
fn publisher(source: Option<String>, url: Option<String>) -> (Option<String>, Option<String>) {
    let source = source.filter(|s| !s.trim().is_empty());
    let mut url = url.filter(|s| !s.trim().is_empty());
    let domain = source.as_deref().and_then(registrable_domain);
    if domain.is_some() && url.is_none() {
        url = source.clone();
    }
    let source = domain.or(source).or_else(|| registrable_domain(url.as_deref()?));
    (source, url)
}
