//! `samestory reach`: how each group of copies spread through its outlets.

use clap::{Args, ValueEnum};
use samestory::{
    Error,
    archive::GroupedCorpus,
    group,
    report::{ReachFormat as Format, ReachItem, write_reach},
};

use super::Outcome;
use crate::{
    error::{CliError, Result},
    group_source::GroupSource,
    options::{GroupSourceArgs, OutArgs},
    output, output_paths,
    progress::ProgressBars,
    signals::stop_at_safe_points,
};

const EXAMPLES: &str = "\
Examples:
  samestory reach news.jsonl
  samestory reach news.jsonl --story hw-101
  samestory reach --group 3 --format jsonl";

/// The arguments of `samestory reach`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct ReachArgs {
    #[command(flatten)]
    pub source: GroupSourceArgs,
    /// Only the group of this number, as dedup numbers them
    #[arg(long, value_name = "N", conflicts_with = "story", value_parser = clap::value_parser!(u32).range(1..))]
    pub group: Option<u32>,
    /// Only the group that this story is in
    #[arg(long, value_name = "ID")]
    pub story: Option<String>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = ReachFormat::Table)]
    pub format: ReachFormat,
    #[command(flatten)]
    pub output: OutArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReachFormat {
    /// For people
    Table,
    /// One object a group, with the text of what was cut and added
    Jsonl,
    /// One row a story
    Csv,
}

impl From<ReachFormat> for Format {
    fn from(format: ReachFormat) -> Self {
        match format {
            ReachFormat::Table => Format::Table,
            ReachFormat::Jsonl => Format::Jsonl,
            ReachFormat::Csv => Format::Csv,
        }
    }
}

/// Runs the command.
pub fn run(args: &ReachArgs) -> Result<Outcome> {
    stop_at_safe_points();
    let source = &args.source;
    output_paths::check(&source.paths, &[("--out", args.output.out.as_deref())])?;
    let progress = ProgressBars::new(source.compute.quiet);
    let ((), bad_input) = GroupSource::new(source, &progress).with_groups(|grouped| show(args, grouped))?;
    Ok(if bad_input && source.input.strict { Outcome::BadInput } else { Outcome::Done })
}

fn show(args: &ReachArgs, GroupedCorpus { corpus, groups, comparer, .. }: &GroupedCorpus<'_>) -> Result<()> {
    let selected = match &args.story {
        None => None,
        Some(id) => Some(corpus.stories.iter().position(|s| s.id == *id).ok_or_else(|| {
            CliError::hinted(Error::UnknownStory { id: id.clone() }, "give an id as samestory dedup shows it")
        })?),
    };
    let chosen: Vec<&group::Group> = groups
        .groups
        .iter()
        .filter(|g| args.group.is_none_or(|n| g.id == n))
        .filter(|g| selected.is_none_or(|place| g.members.iter().any(|m| m.story.index() == place)))
        .collect();
    if let (Some(number), true) = (args.group, chosen.is_empty()) {
        let numbers = groups.groups.iter().map(|g| g.id);
        return Err(CliError::Usage {
            option: "--group".into(),
            message: format!("there is no group {number}"),
            hint: match numbers.clone().min().zip(numbers.max()) {
                None => "no story shares its origin with another".into(),
                Some((least, most)) => format!("the groups are numbered from {least} to {most}"),
            },
        });
    }
    let options = group::Options::default();
    let items: Vec<ReachItem> =
        chosen.iter().map(|g| ReachItem::new(corpus, &group::reach(corpus, comparer, g, &options))).collect();
    output::write_to(args.output.out.as_deref(), |out| write_reach(args.format.into(), &items, out))?;
    if !args.source.compute.quiet {
        match &args.story {
            Some(id) if items.is_empty() => {
                status!(
                    "{} stands alone: no other story shares its origin",
                    samestory::report::sanitize_line(id, 60)
                );
            }
            _ => status!("{} stories, {} groups", corpus.stories.len(), groups.groups.len()),
        }
    }
    Ok(())
}
