//! Pairs to verdicts, and stories of one origin to groups: what one machine says of them, said of a few at a time.

use std::{io::Read, io::Write, sync::Arc};

use arrow_array::{ArrayRef, BooleanArray, Float32Array, Int64Array, StringArray};

use super::{
    Counts,
    contents::{Task, each_task},
    schema::Stream,
    stream::{Sink, Source},
    words::WordTable,
};
use crate::{
    Result,
    compare::{self, TokenCache, Verdict},
    group::{self, group as group_stories},
    progress::Progress,
    report::{Item, items, rounded},
    story::StoryId,
};

/// Verdicts of a batch.
const BATCH: usize = 1 << 14;

/// Reads stories and pairs of them, task by task, and writes what the stories of each pair are to one another.
///
/// # Errors
/// [`crate::Error::Stream`] if what comes is not a stream of contents, or not in its order.
pub fn compare(
    model: &str,
    words: &WordTable,
    options: &compare::Options,
    progress: &dyn Progress,
    from: &mut dyn Read,
    to: &mut dyn Write,
) -> Result<Counts> {
    let mut source = Source::open(Stream::Contents, model, from)?;
    let mut sink = Sink::new(Stream::Verdicts, model, to)?;
    let (tokens, mut written) = (TokenCache::default(), 0);
    let read = each_task(&mut source, &mut |mut task| {
        let vectors = task.vectors();
        let comparer = task.comparer(&vectors, options, (words, &tokens))?;
        for pairs in task.pairs.chunks(BATCH) {
            let verdicts = comparer.compare_all(pairs, progress)?;
            sink.write(columns(&task, &verdicts))?;
        }
        written += task.pairs.len() as u64;
        Ok(())
    })?;
    sink.finish()?;
    Ok(Counts { read, written })
}

fn columns(task: &Task, verdicts: &[Verdict]) -> Vec<ArrayRef> {
    let int = |of: &dyn Fn(&Verdict) -> StoryId| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(verdicts.iter().map(|v| task.numbers[of(v).index()])))
    };
    let text = |of: &dyn Fn(&Verdict) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(verdicts.iter().map(of)))
    };
    let float = |of: &dyn Fn(&Verdict) -> f32| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(verdicts.iter().map(|v| rounded(of(v)))))
    };
    vec![
        int(&|v| v.a),
        int(&|v| v.b),
        text(&|v| v.relation.name().into()),
        Arc::new(verdicts.iter().map(|v| Some(v.relation.is_origin())).collect::<BooleanArray>()),
        float(&|v| v.coverage_ab),
        float(&|v| v.coverage_ba),
        float(&|v| v.cosine),
        text(&|v| v.rule.to_string()),
        text(&|v| v.reason(&task.corpus)),
    ]
}

/// Reads stories and the pairs of them that are of one origin, and writes the groups that they make. A task must hold
/// all stories that such pairs join, over however many steps: then its groups are those of all stories.
///
/// # Errors
/// [`crate::Error::Stream`] if what comes is not a stream of contents, or not in its order.
pub fn group(
    model: &str,
    words: &WordTable,
    (options, grouping): (&compare::Options, &group::Options),
    progress: &dyn Progress,
    from: &mut dyn Read,
    to: &mut dyn Write,
) -> Result<Counts> {
    let mut source = Source::open(Stream::Contents, model, from)?;
    let mut sink = Sink::new(Stream::Items, model, to)?;
    let (tokens, mut written) = (TokenCache::default(), 0);
    let read = each_task(&mut source, &mut |mut task| {
        let vectors = task.vectors();
        let comparer = task.comparer(&vectors, options, (words, &tokens))?;
        // In the order of the pairs, as one machine has them.
        let mut pairs = task.pairs.clone();
        pairs.sort_unstable();
        pairs.dedup();
        let verdicts = comparer.compare_all(&pairs, progress)?;
        let groups = group_stories(&task.corpus, &verdicts, grouping, &|a, b| Ok(comparer.compare(a, b)))?;
        let of_groups = group::Groups { links: Vec::new(), ..groups };
        let found = items(&task.corpus, &of_groups);
        written += found.len() as u64;
        if found.is_empty() { Ok(()) } else { sink.write(item_columns(&task, &of_groups, &found)) }
    })?;
    sink.finish()?;
    Ok(Counts { read, written })
}

/// `found` are the items of `groups`: its members, in their order.
fn item_columns(task: &Task, groups: &group::Groups, found: &[Item]) -> Vec<ArrayRef> {
    let number = |s: StoryId| task.numbers[s.index()];
    let (mut numbers, mut kept, mut first) = (Vec::new(), Vec::new(), Vec::new());
    for group in &groups.groups {
        let lowest = group.members.iter().map(|m| m.story).min().unwrap_or(group.canonical);
        for member in &group.members {
            numbers.push(number(member.story));
            kept.push(number(group.canonical));
            first.push(number(lowest));
        }
    }
    let text =
        |of: fn(&Item) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(found.iter().map(of))) };
    let float =
        |of: fn(&Item) -> f32| -> ArrayRef { Arc::new(Float32Array::from_iter_values(found.iter().map(of))) };
    // Numbers and texts: nothing in it can fail.
    let health = |i: &Item| i.health.as_ref().and_then(|h| serde_json::to_string(h).ok());
    vec![
        Arc::new(Int64Array::from(numbers)),
        Arc::new(Int64Array::from(kept)),
        Arc::new(Int64Array::from(first)),
        text(|i| &i.relation),
        Arc::new(found.iter().map(|i| Some(i.removed)).collect::<BooleanArray>()),
        float(|i| i.coverage),
        float(|i| i.coverage_of_kept),
        float(|i| i.cosine),
        text(|i| &i.reason),
        Arc::new(found.iter().map(health).collect::<StringArray>()),
    ]
}
