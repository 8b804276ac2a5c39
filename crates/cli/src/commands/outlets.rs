//! `samestory outlets`: what each publisher's text is made of.

use clap::{Args, ValueEnum};
use samestory::{
    archive::GroupedCorpus,
    group,
    report::{OutletsFormat as Format, write_outlets},
};

use super::Outcome;
use crate::{
    error::Result,
    group_source::GroupSource,
    options::{GroupSourceArgs, OutArgs},
    output, output_paths,
    progress::ProgressBars,
    signals::stop_at_safe_points,
};

const EXAMPLES: &str = "\
Examples:
  samestory outlets news.jsonl
  samestory outlets news.jsonl --format csv --out outlets.csv";

/// The arguments of `samestory outlets`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct OutletsArgs {
    #[command(flatten)]
    pub source: GroupSourceArgs,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = OutletsFormat::Table)]
    pub format: OutletsFormat,
    #[command(flatten)]
    pub output: OutArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutletsFormat {
    /// For people
    Table,
    /// One object a publisher
    Jsonl,
    /// One row a publisher
    Csv,
}

impl From<OutletsFormat> for Format {
    fn from(format: OutletsFormat) -> Self {
        match format {
            OutletsFormat::Table => Format::Table,
            OutletsFormat::Jsonl => Format::Jsonl,
            OutletsFormat::Csv => Format::Csv,
        }
    }
}

/// Runs the command.
pub fn run(args: &OutletsArgs) -> Result<Outcome> {
    stop_at_safe_points();
    let source = &args.source;
    output_paths::check(&source.paths, &[("--out", args.output.out.as_deref())])?;
    let progress = ProgressBars::new(source.compute.quiet);
    let groups = GroupSource::new(source, &progress);
    let ((), bad_input) = groups.with_groups(|GroupedCorpus { corpus, groups, comparer, .. }| {
        let outlets = group::outlets(corpus, comparer, groups);
        let format = args.format.into();
        output::write_to(args.output.out.as_deref(), |out| write_outlets(format, &outlets, out))?;
        if !source.compute.quiet {
            let counts = (corpus.stories.len(), groups.groups.len(), outlets.len());
            status!("{} stories, {} groups, {} outlets", counts.0, counts.1, counts.2);
        }
        Ok(())
    })?;
    Ok(if bad_input && source.input.strict { Outcome::BadInput } else { Outcome::Done })
}
