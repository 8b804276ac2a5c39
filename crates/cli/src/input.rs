//! Reads the stories that a command asks for, and tells of bad input.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use samestory::{
    Error,
    ingest::{self, FieldMap, IngestOptions, IngestOutcome, RecordSource},
    progress::Progress,
    report::Manifest,
};

use crate::{
    error::{CliError, Result},
    notices,
    options::InputArgs,
    signals::stdin,
};

/// The figures of reading.
pub struct Counts {
    pub files: u64,
    pub skipped: u64,
    pub notices: u64,
}

impl Counts {
    /// Those of `ingested`.
    pub fn of(ingested: &IngestOutcome) -> Self {
        Counts { files: ingested.files, skipped: ingested.skipped, notices: ingested.notice_counts.total() }
    }

    /// `manifest` with these figures.
    pub fn manifest(&self, manifest: Manifest) -> Manifest {
        Manifest { files: self.files, skipped: self.skipped, notices: self.notices, ..manifest }
    }
}

/// How a command reads its input.
pub struct InputOptions {
    /// How stories are read.
    pub ingest: IngestOptions,
    /// Where all notices go.
    pub notices: Option<PathBuf>,
    /// Whether nothing is said of what was recognised.
    pub quiet: bool,
}

impl InputOptions {
    /// The same for a further input of the command, such as a query: without the file of notices, and quiet.
    pub fn for_other_input(&self) -> InputOptions {
        InputOptions { ingest: self.ingest.clone(), notices: None, quiet: true }
    }
}

/// What `args` ask for. `quiet` commands print no summary.
pub fn options(args: &InputArgs, quiet: bool) -> Result<InputOptions> {
    let ingest = IngestOptions {
        fields: FieldMap::parse(&args.fields)?,
        encoding: args.encoding,
        respect_ignore: args.respect_ignore,
        records: args.records.clone(),
        delimiter: args.delimiter,
        no_header: args.no_header,
        date_order: args.date_order,
        max_record: args.max_record,
        ..IngestOptions::default()
    };
    Ok(InputOptions { ingest, notices: args.notices.clone(), quiet })
}

/// Reads `paths`; `-` is standard input. Tells of bad input on stderr, bad input or not.
pub fn read(paths: &[PathBuf], options: &InputOptions, progress: &dyn Progress) -> Result<IngestOutcome> {
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
    options: &InputOptions,
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
    options: &InputOptions,
    progress: &dyn Progress,
) -> Result<IngestOutcome> {
    let ingested = notices::read(inputs, paths, options, progress)?;
    notices::show(&ingested, options.quiet);
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
