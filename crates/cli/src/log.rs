//! `samestory log`: what happened to the groups of a store.

use samestory::{
    report,
    store::{GroupNumber, Store},
};

use super::{Outcome, archive, args::Log, sink};
use crate::error::{CliError, Result};

/// Runs the command.
pub fn run(args: &Log) -> Result<Outcome> {
    let store = Store::open(&archive::existing_folder(args.store.as_deref())?)?;
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
    sink::write_to(None, |out| {
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
                writeln!(out, "{line}")?;
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
