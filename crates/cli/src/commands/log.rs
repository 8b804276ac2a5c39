//! `samestory log`: what happened to the groups of a store.

use std::path::PathBuf;

use clap::Args;
use samestory::{
    report,
    store::{GroupNumber, Store},
};

use super::Outcome;
use crate::{
    error::{CliError, Result},
    output, store,
};

const EXAMPLES: &str = "\
Examples:
  samestory log
  samestory log --group 3
  samestory log --after 1200 --json";

/// The arguments of `samestory log`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct LogArgs {
    /// The store [default: $SAMESTORY_STORE, or .samestory here or in a folder above]
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    /// Only events of this group
    #[arg(long, value_name = "NUMBER")]
    pub group: Option<i64>,
    /// Only events after this one
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub after: i64,
    /// As JSON lines
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &LogArgs) -> Result<Outcome> {
    let store = Store::open(&store::existing_folder(args.store.as_deref())?)?;
    let reader = store.reader();
    let group = args.group.map(GroupNumber);
    let events = reader.events(args.after, group)?;
    if let Some(number) = args.group
        && events.is_empty()
        && reader.events(0, group)?.is_empty()
    {
        return Err(CliError::Usage {
            option: "--group".into(),
            message: format!("there never was a group {number}"),
            hint: "samestory log without it tells of all groups".into(),
        });
    }
    output::write_to(None, |out| {
        for event in &events {
            let at = jiff::Timestamp::from_millisecond(event.at).map(|t| t.to_string()).unwrap_or_default();
            if args.json {
                let line = serde_json::json!({
                    "schema": 1,
                    "event": event.number,
                    "at": at,
                    "kind": event.kind,
                    "group": event.group,
                    "story": event.story,
                    "other": event.other,
                });
                report::json_line(&line, out)?;
                continue;
            }
            let story = report::sanitize_line(&event.story, 60);
            let other = event.other.map_or(String::new(), |g| g.to_string());
            let group = event.group;
            let what = match event.kind.as_str() {
                "created" => format!("created with {story}"),
                "joined" if !other.is_empty() => format!("{story} joined, from group {other}"),
                "joined" => format!("{story} joined"),
                "left" => format!("{story} left"),
                "merged" => format!("merged into group {other}, through {story}"),
                "split" => format!("group {other} split off, through {story}"),
                "canonical" => format!("{story} is kept now"),
                "dissolved" => format!("dissolved, through {story}"),
                kind => format!("{} {story}", report::sanitize_line(kind, 20)),
            };
            writeln!(out, "{:>6}  {at}  group {group}: {what}", event.number)?;
        }
        Ok(())
    })?;
    Ok(Outcome::Done)
}
