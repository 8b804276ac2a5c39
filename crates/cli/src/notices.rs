//! Notices on the input: some on the terminal, all in a file that is asked for; and which fields were recognised.

use std::{io, io::Write, path::Path, path::PathBuf};

use samestory::{
    Error,
    group::{Keep, Publishers, UnknownSource},
    ingest::{self, FieldUsage, FileGroup, IngestOutcome, Input, Notice, NoticeCounts, NoticeKind},
    progress::Progress,
    report::{json_text, sanitize_line},
};

use crate::{
    error::{CliError, Result},
    input::InputOptions,
    output, output_paths,
};

/// Notices shown one by one; the rest is counted.
const SHOWN: usize = 20;

/// The longest line of a notice, in bytes.
const LINE: usize = 400;

/// Reads `inputs`, which `paths` name, and writes the notices to the file that `options` name.
pub fn read(
    inputs: Vec<Input>,
    paths: &[PathBuf],
    options: &InputOptions,
    progress: &dyn Progress,
) -> Result<IngestOutcome> {
    let Some(file) = &options.notices else { return Ok(ingest::read(inputs, &options.ingest, progress)?) };
    output_paths::check(paths, &[("--notices", Some(file))])?;
    let mut outcome = Err(Error::Interrupted);
    output::write_to(Some(file), |out| {
        let mut written = Ok(());
        let mut write = |notice: &Notice| {
            if written.is_ok() {
                written = json_text(notice.to_json_line(), out);
            }
        };
        outcome = ingest::read_with(inputs, &options.ingest, &mut write, progress);
        written
    })?;
    Ok(outcome?)
}

/// Writes the notices of one record to a file that grows with the stream.
pub struct NoticeStream(Option<(PathBuf, io::BufWriter<std::fs::File>)>);

impl NoticeStream {
    /// Begins the file, if there is to be one.
    pub fn create(file: Option<&Path>) -> Result<Self> {
        let Some(path) = file else { return Ok(NoticeStream(None)) };
        output_paths::check(&[], &[("--notices", Some(path))])?;
        let file = std::fs::File::create(path).map_err(CliError::io("write", path))?;
        Ok(NoticeStream(Some((path.into(), io::BufWriter::new(file)))))
    }

    /// Writes `notices`.
    pub fn write(&mut self, notices: &[Notice]) -> Result<()> {
        let Some((path, out)) = self.0.as_mut().filter(|_| !notices.is_empty()) else { return Ok(()) };
        let written = notices.iter().try_for_each(|notice| json_text(notice.to_json_line(), out));
        written.and_then(|()| out.flush()).map_err(CliError::io("write", path.clone()))
    }
}

/// Shows the first notices, and how many more there are of each kind; unless `quiet`, also what was read as which field.
pub fn show(ingested: &IngestOutcome, quiet: bool) {
    for information in ingested.information.iter().take(SHOWN) {
        status!("samestory: {}", sanitize_line(&information.to_string(), LINE));
    }
    let shown = &ingested.notices[..ingested.notices.len().min(SHOWN)];
    for notice in shown {
        let hint = hint(&notice.kind).map(|hint| format!(" ({hint})")).unwrap_or_default();
        status!("samestory: {}{hint}", sanitize_line(&notice.to_string(), LINE));
    }
    if let Some(line) = more(&ingested.notice_counts, shown) {
        status!("samestory: {line}");
    }
    if !quiet {
        for line in field_lines(&ingested.fields) {
            status!("samestory: {}", sanitize_line(&line, LINE));
        }
    }
}

/// Says which sources of `--keep` are none of `publishers`.
pub fn show_unknown_sources(keep: &Keep, publishers: &Publishers<'_>) {
    for UnknownSource { name, similar } in keep.unknown_sources(publishers) {
        let mut line = format!("--keep: no story has the source {name:?}");
        if !similar.is_empty() {
            line += &format!("; there is {}", similar.join(", "));
        }
        status!("samestory: {}", sanitize_line(&line, LINE));
    }
}

/// How many notices there are beside those that are `shown`, by kind.
fn more(all: &NoticeCounts, shown: &[Notice]) -> Option<String> {
    let kinds = all.without(&shown.iter().collect());
    let total: u64 = kinds.iter().map(|(_, n)| n).sum();
    let list: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    (total > 0).then(|| {
        format!("… and {total} more notices on the input: {} (--notices FILE writes all)", list.join(", "))
    })
}

/// What was read as which field, and what no record has.
fn field_lines(fields: &FieldUsage) -> Vec<String> {
    if fields.is_empty() {
        return Vec::new();
    }
    let recognised = Some(fields.recognised()).filter(|list| !list.is_empty());
    let mut lines: Vec<String> = recognised.map(|list| format!("fields: {list}")).into_iter().collect();
    if let [missing @ .., last] = &fields.missing()[..] {
        let list = match missing {
            [] => (*last).to_string(),
            _ => format!("{} or {last}", missing.join(", ")),
        };
        lines.push(format!("no record has a {list}; fields seen: {}", fields.seen().join(", ")));
    }
    lines
}

/// What the user can do about bad input.
fn hint(kind: &NoticeKind) -> Option<&'static str> {
    match kind {
        NoticeKind::NoText | NoticeKind::TitlesOnly => Some("--field text=NAME names the field"),
        NoticeKind::UnknownFields(_) => Some("--field text=NAME names the column of the text"),
        NoticeKind::AmbiguousDate(_) => Some("--date-order states it"),
        NoticeKind::Encoding(_) => Some("--encoding NAME states another"),
        NoticeKind::NotRead(_) | NoticeKind::Hidden(_) => Some("name the file to read it"),
        NoticeKind::TooLong(_) => Some("--max-record SIZE reads longer ones"),
        NoticeKind::Encrypted => Some("remove the password and save it again"),
        NoticeKind::NoTextLayer => Some("recognise its text first, as ocrmypdf does"),
        NoticeKind::NestedArchive => Some("unpack it and give the folder"),
        NoticeKind::Unsupported(group, _) => unsupported_hint(*group),
        _ => None,
    }
}

/// What the user can do about a file of a type that is not read.
fn unsupported_hint(group: FileGroup) -> Option<&'static str> {
    Some(match group {
        FileGroup::Archive => "unpack it and give the folder",
        FileGroup::Office => "save it as .docx, .xlsx or .txt, as soffice --headless --convert-to does",
        FileGroup::Ebook => "convert it to text or HTML, as ebook-convert does",
        FileGroup::Image => "recognise its text first, as ocrmypdf or tesseract do",
        FileGroup::Recording => "give a transcript",
        FileGroup::Data => "write it as Parquet, CSV or JSON lines",
        _ => return None,
    })
}
