//! Reads the stories that a command asks for, and tells of bad input.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use samestory::{
    Error,
    ingest::{self, FieldMap, FileGroup, IngestOptions, IngestOutcome, NoticeKind, RecordSource},
    progress::Progress,
    report::Manifest,
};

use crate::{
    error::{CliError, Result},
    options::InputArgs,
    progress::stdin,
};

/// Notices shown one by one; the rest is counted.
const NOTICES: usize = 20;

/// The figures of reading.
pub struct Counts {
    pub files: u64,
    pub skipped: u64,
    pub notices: u64,
}

impl Counts {
    /// Those of `ingested`.
    pub fn of(ingested: &IngestOutcome) -> Self {
        Counts { files: ingested.files, skipped: ingested.skipped, notices: ingested.notices.len() as u64 }
    }

    /// `manifest` with these figures.
    pub fn manifest(&self, manifest: Manifest) -> Manifest {
        Manifest { files: self.files, skipped: self.skipped, notices: self.notices, ..manifest }
    }
}

/// The options of `ingest` that `args` ask for.
pub fn options(args: &InputArgs) -> Result<IngestOptions> {
    Ok(IngestOptions {
        fields: FieldMap::parse(&args.fields)?,
        encoding: args.encoding,
        respect_ignore: args.respect_ignore,
        records: args.records.clone(),
        delimiter: args.delimiter,
        no_header: args.no_header,
        date_order: args.date_order,
        ..IngestOptions::default()
    })
}

/// Reads `paths`; `-` is standard input. Tells of bad input on stderr, bad input or not.
pub fn read(paths: &[PathBuf], options: &IngestOptions, progress: &dyn Progress) -> Result<IngestOutcome> {
    let inputs = paths.iter().map(|path| {
        if is_stdin(path) {
            ingest::Input::Stdin(Box::new(stdin()))
        } else {
            ingest::Input::Path(path.clone())
        }
    });
    read_inputs(inputs.collect(), paths, options, progress)
}

/// Reads inputs that were put into files where they were streams.
pub fn read_spooled(
    inputs: &[RecordSource],
    options: &IngestOptions,
    progress: &dyn Progress,
) -> Result<IngestOutcome> {
    let mut opened = Vec::new();
    for input in inputs {
        opened.push(match input.name {
            Some(_) => {
                let file = File::open(&input.path).map_err(CliError::io("read", &input.path))?;
                ingest::Input::Stdin(Box::new(file))
            }
            None => ingest::Input::Path(input.path.clone()),
        });
    }
    let paths: Vec<PathBuf> =
        inputs.iter().map(|i| i.name.clone().unwrap_or_else(|| i.path.clone())).collect();
    read_inputs(opened, &paths, options, progress)
}

fn read_inputs(
    inputs: Vec<ingest::Input>,
    paths: &[PathBuf],
    options: &IngestOptions,
    progress: &dyn Progress,
) -> Result<IngestOutcome> {
    let ingested = ingest::read(inputs, options, progress)?;
    for note in ingested.information.iter().take(NOTICES) {
        status!("samestory: {}", samestory::report::sanitize_line(&note.to_string(), 400));
    }
    for notice in ingested.notices.iter().take(NOTICES) {
        let hint = notice_hint(&notice.kind).map(|hint| format!(" ({hint})")).unwrap_or_default();
        status!("samestory: {}{hint}", samestory::report::sanitize_line(&notice.to_string(), 400));
    }
    if ingested.notices.len() > NOTICES {
        status!("samestory: … and {} more notices on the input", ingested.notices.len() - NOTICES);
    }
    if ingested.stories.is_empty() {
        let place: Vec<_> = paths.iter().map(|p| p.display().to_string()).collect();
        return Err(CliError::hinted(
            Error::NoStories { place: place.join(", ") },
            "samestory reads .txt .md .html .xml .jsonl .json .csv .tsv .parquet .docx .odt .rtf .pdf .xlsx .ods .eml .mbox .srt \
             .vtt, also in .gz .zst .bz2 .xz .zip .tar; \
             --field text=NAME names the field that holds the text",
        ));
    }
    Ok(ingested)
}

/// What the user can do about bad input.
fn notice_hint(kind: &NoticeKind) -> Option<&'static str> {
    match kind {
        NoticeKind::NoText | NoticeKind::TitlesOnly => Some("--field text=NAME names the field"),
        NoticeKind::UnknownFields(_) => Some("--field text=NAME names the column of the text"),
        NoticeKind::AmbiguousDate(_) => Some("--date-order states it"),
        NoticeKind::Encoding(_) => Some("--encoding NAME states another"),
        NoticeKind::NotRead(_) => Some("name the file to read it"),
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

/// Standard input can be read once; if it is among `paths` and needed twice, it goes through a file.
pub fn spool(paths: &[PathBuf], twice: bool) -> Result<(Vec<RecordSource>, Option<tempfile::NamedTempFile>)> {
    let mut file = None;
    let mut inputs = Vec::new();
    for path in paths {
        if !(twice && is_stdin(path)) {
            inputs.push(RecordSource { path: path.clone(), name: None });
            continue;
        }
        let mut spool =
            tempfile::NamedTempFile::new().map_err(CliError::io("write", std::env::temp_dir()))?;
        io::copy(&mut stdin(), &mut spool).map_err(CliError::io("write", spool.path()))?;
        inputs.push(RecordSource { path: spool.path().into(), name: Some(path.clone()) });
        file = Some(spool);
    }
    Ok((inputs, file))
}

/// Whether `path` stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
