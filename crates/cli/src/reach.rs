//! `samestory reach`: how each group of copies ran through its outlets.

use samestory::{
    Error,
    archive::GroupedCorpus,
    group,
    report::{ReachFormat as Format, ReachItem, write_reach},
};

use super::{
    Outcome,
    args::{Reach, ReachFormat},
    bars::{Bars, catch_ctrl_c},
    grouped::{Wish, grouped},
    outputs, sink,
};
use crate::error::{CliError, Result};

/// Runs the command.
pub fn run(args: &Reach) -> Result<Outcome> {
    catch_ctrl_c();
    outputs::check(&args.paths, &[("--out", args.out.as_deref())])?;
    let bars = Bars::new(args.compute.quiet);
    let wish = Wish {
        paths: &args.paths,
        archive: &args.archive,
        input: &args.input,
        compute: &args.compute,
        boilerplate: args.boilerplate.as_deref(),
    };
    let ((), bad_input) = grouped(&wish, &bars, |grouped| show(args, grouped))?;
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

fn show(args: &Reach, GroupedCorpus { corpus, groups, comparer, .. }: &GroupedCorpus<'_>) -> Result<()> {
    let asked = match &args.story {
        None => None,
        Some(id) => Some(corpus.stories.iter().position(|s| s.id == *id).ok_or_else(|| {
            CliError::hinted(Error::UnknownStory { id: id.clone() }, "give an id as samestory dedup shows it")
        })?),
    };
    let chosen: Vec<&group::Group> = groups
        .groups
        .iter()
        .filter(|g| args.group.is_none_or(|n| g.id == n))
        .filter(|g| asked.is_none_or(|place| g.members.iter().any(|m| m.story.index() == place)))
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
    let format = match args.format {
        ReachFormat::Table => Format::Table,
        ReachFormat::Jsonl => Format::Jsonl,
        ReachFormat::Csv => Format::Csv,
    };
    sink::write_to(args.out.as_deref(), |out| write_reach(format, &items, out))?;
    if !args.compute.quiet {
        match &args.story {
            Some(id) if items.is_empty() => {
                say!(
                    "{} stands alone: no other story shares its origin",
                    samestory::report::sanitize_line(id, 60)
                );
            }
            _ => say!("{} stories, {} groups", corpus.stories.len(), groups.groups.len()),
        }
    }
    Ok(())
}
