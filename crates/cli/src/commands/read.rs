//! `samestory read`: the stories of files as JSON lines, as all other commands read them.

use std::path::PathBuf;

use clap::Args;
use samestory::{ingest, report::json_text};

use super::Outcome;
use crate::{
    error::Result, input, options::InputArgs, output, output_paths, progress::ProgressBars,
    signals::stop_at_safe_points,
};

const EXAMPLES: &str = "\
Examples:
  samestory read news/ --notices notices.jsonl --out stories.jsonl
  samestory read pages/*.html | jq .title";

/// The arguments of `samestory read`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct ReadArgs {
    /// Files and folders; `-` is standard input
    #[arg(required = true, value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// Where the stories go [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub input: InputArgs,
    /// No progress, and no line on the fields, on stderr
    #[arg(short, long)]
    pub quiet: bool,
}

/// Runs the command.
pub fn run(args: &ReadArgs) -> Result<Outcome> {
    stop_at_safe_points();
    let outputs = [("--out", args.out.as_deref()), ("--notices", args.input.notices.as_deref())];
    output_paths::check(&args.paths, &outputs)?;
    let progress = ProgressBars::new(args.quiet);
    let ingested = input::read(&args.paths, &input::options(&args.input, args.quiet)?, &progress)?;
    let access = output::Access::of_files(ingested.stories.iter().map(|s| s.origin.path.as_path()));
    output::write_as(args.out.as_deref(), &access, |out| {
        ingested.stories.iter().try_for_each(|story| json_text(ingest::to_json_line(story), out))
    })?;
    if !args.quiet {
        let (stories, files) = (ingested.stories.len(), ingested.files);
        let (skipped, notices) = (ingested.skipped, ingested.notice_counts.total());
        status!("{stories} stories in {files} files ({skipped} records skipped, {notices} notices)");
    }
    let bad_input = !ingested.notices.is_empty();
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}
