//! Reads the stories that a command asks for, and tells of bad input.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use samestory::{
    Error, Result,
    ingest::{self, FieldMap, Ingested, Options},
    progress::Progress,
};

use super::args::Input;

/// Notices shown one by one; the rest is counted.
const NOTICES: usize = 20;

/// The options of `ingest` that `args` ask for.
pub fn options(args: &Input) -> Result<Options> {
    Ok(Options { fields: FieldMap::parse(&args.fields)?, ..Options::default() })
}

/// Reads `paths`; `-` is standard input. Tells of bad input on stderr, bad input or not.
pub fn read(paths: &[PathBuf], options: &Options, progress: &dyn Progress) -> Result<Ingested> {
    let inputs = paths.iter().map(|path| match is_stdin(path) {
        true => ingest::Input::Stdin(Box::new(io::stdin())),
        false => ingest::Input::Path(path.clone()),
    });
    let ingested = ingest::read(inputs.collect(), options, progress)?;
    for notice in ingested.notices.iter().take(NOTICES) {
        eprintln!("samestory: {}", samestory::report::line(&notice.to_string(), 400));
    }
    if ingested.notices.len() > NOTICES {
        eprintln!("samestory: … and {} more notices on the input", ingested.notices.len() - NOTICES);
    }
    if ingested.stories.is_empty() {
        let place: Vec<_> = paths.iter().map(|p| p.display().to_string()).collect();
        return Err(Error::NoStories {
            place: place.join(", "),
            hint: "samestory reads .txt .md .html .jsonl .json .csv .tsv, also .gz and .zst; \
                   --field text=NAME names the field that holds the text"
                .into(),
        });
    }
    Ok(ingested)
}

/// Standard input is read once; what needs it twice gets it from a file.
pub fn spool_stdin(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Option<tempfile::NamedTempFile>)> {
    if !paths.iter().any(|p| is_stdin(p)) {
        return Ok((paths.to_vec(), None));
    }
    let spool = tempfile::NamedTempFile::new().map_err(Error::io("write", std::env::temp_dir()))?;
    let mut file = File::create(spool.path()).map_err(Error::io("write", spool.path()))?;
    io::copy(&mut io::stdin(), &mut file).map_err(Error::io("write", spool.path()))?;
    let paths = paths.iter().map(|p| if is_stdin(p) { spool.path().into() } else { p.clone() });
    Ok((paths.collect(), Some(spool)))
}

/// Whether `path` stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
