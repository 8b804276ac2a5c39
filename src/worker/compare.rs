//! Pairs to verdicts, and stories of one origin to groups: the comparison of one machine, a task at a time.

use std::io::{Read, Write};

use super::{
    Counts,
    columns::arrays,
    contents::{Task, each_task},
    rows::{POSITION_COLUMNS, Position, VERDICT_COLUMNS, VerdictRow},
    schema::Stream,
    stream::{Sink, Source},
    words::WordTable,
};
use crate::{
    Result,
    compare::{self, TokenCache, Verdict},
    group::{self, Group, Groups},
    progress::Progress,
    report::{ITEM_COLUMNS, items},
    story::StoryId,
};

/// Verdicts of a batch.
const BATCH: usize = 1 << 14;

/// What a comparison needs besides its streams.
#[derive(Clone, Copy)]
pub struct CompareContext<'a> {
    /// The fingerprint of the model whose vectors are read.
    pub model: &'a str,
    /// The words of all stories.
    pub words: &'a WordTable,
    /// How stories are compared.
    pub options: &'a compare::Options,
    /// Told how far it is.
    pub progress: &'a dyn Progress,
}

/// Reads stories and pairs of them, task by task, and writes the relation of each pair.
///
/// # Errors
/// [`crate::Error::Stream`] if the input is no stream of contents, or is out of order.
pub fn compare(context: &CompareContext, from: &mut dyn Read, to: &mut dyn Write) -> Result<Counts> {
    let mut source = Source::open(Stream::Contents, context.model, from)?;
    let mut sink = Sink::new(Stream::Verdicts, context.model, to)?;
    let (tokens, mut written) = (TokenCache::default(), 0);
    let read = each_task(&mut source, &mut |mut task| {
        let vectors = task.vectors();
        let comparer = task.comparer(vectors, context.options, (context.words, &tokens))?;
        for pairs in task.pairs.chunks(BATCH) {
            let rows = verdict_rows(&task, comparer.compare_all(pairs, context.progress)?);
            sink.write(arrays(&VERDICT_COLUMNS, &rows))?;
        }
        written += task.pairs.len() as u64;
        Ok(())
    })?;
    sink.finish()?;
    Ok(Counts { read, written })
}

fn verdict_rows(task: &Task, verdicts: Vec<Verdict>) -> Vec<VerdictRow> {
    let number = |s: StoryId| task.numbers[s.index()];
    let row = |verdict: Verdict| VerdictRow {
        a: number(verdict.a),
        b: number(verdict.b),
        reason: verdict.reason(&task.corpus),
        verdict,
    };
    verdicts.into_iter().map(row).collect()
}

/// Reads stories and the pairs of them that are of one origin, and writes their groups. A task must hold a whole component:
/// all stories that such pairs join, directly or by way of others. Then its groups are those of all stories.
///
/// # Errors
/// [`crate::Error::Stream`] if the input is no stream of contents, or is out of order.
pub fn group(
    context: &CompareContext,
    grouping: &group::Options,
    from: &mut dyn Read,
    to: &mut dyn Write,
) -> Result<Counts> {
    let mut source = Source::open(Stream::Contents, context.model, from)?;
    let mut sink = Sink::new(Stream::Items, context.model, to)?;
    let (tokens, mut written) = (TokenCache::default(), 0);
    let read = each_task(&mut source, &mut |mut task| {
        let vectors = task.vectors();
        let comparer = task.comparer(vectors, context.options, (context.words, &tokens))?;
        // The grouping depends on the order of the pairs, which is that of one machine.
        let mut pairs = task.pairs.clone();
        pairs.sort_unstable();
        pairs.dedup();
        let verdicts = comparer.compare_all(&pairs, context.progress)?;
        let groups = group::group(&task.corpus, &verdicts, grouping, &|a, b| Ok(comparer.compare(a, b)))?;
        let groups = Groups { links: Vec::new(), ..groups };
        let items = items(&task.corpus, &groups);
        written += items.len() as u64;
        if items.is_empty() {
            return Ok(());
        }
        let positions = arrays(&POSITION_COLUMNS, &positions(&task, &groups.groups));
        sink.write([positions, arrays(&ITEM_COLUMNS, &items)].concat())
    })?;
    sink.finish()?;
    Ok(Counts { read, written })
}

/// The positions of the members of `groups`, in the order of their items.
fn positions(task: &Task, groups: &[Group]) -> Vec<Position> {
    let number = |s: StoryId| task.numbers[s.index()];
    let of_group = |group: &Group| -> Vec<Position> {
        let lowest = group.members.iter().map(|m| m.story).min().unwrap_or(group.canonical);
        let (kept, first) = (number(group.canonical), number(lowest));
        group.members.iter().map(|m| Position { number: number(m.story), kept, first }).collect()
    };
    groups.iter().flat_map(of_group).collect()
}
