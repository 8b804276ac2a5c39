//! `samestory check`: a verdict a line on stories as they come.

use std::io::{self, BufReader, Write};

use samestory::{
    Error,
    archive::{Archive, CheckResult, Embed, RelatedStory},
    compare::Relation,
    corpus, ingest,
    progress::NoProgress,
    report::json_line,
    store::{GroupNumber, Identity, RunNumber, Store, StoryStatus},
    story::Story,
};
use serde::Serialize;

use super::{
    Outcome,
    ahead::{self, Ahead},
    archive,
    args::Check,
    bars::{Stdin, catch_ctrl_c, stdin},
    engine::Engine,
    stories,
};
use crate::error::{CliError, Result};

/// The version of the lines.
const SCHEMA: u32 = 1;

/// One line of the answer.
#[derive(Serialize)]
struct Answer {
    schema: u32,
    /// The line of the input, from 1.
    line: u64,
    id: Option<String>,
    /// `duplicate` (of one origin with a story of the store), `twin`, `related`, `new`, `known` (the store has it, under
    /// its own id), or `error`.
    verdict: &'static str,
    relation: Option<Relation>,
    /// The story of the store that it is that to.
    of: Option<String>,
    coverage: Option<f32>,
    coverage_of: Option<f32>,
    cosine: Option<f32>,
    group: Option<GroupNumber>,
    reason: Option<String>,
    /// Others that it is related to.
    also: Vec<Other>,
    novel_passages: Vec<String>,
    /// Whether it is in the store now.
    learned: bool,
    /// Whether it took the place of an earlier story with its id.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replaced: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Other {
    id: String,
    relation: Relation,
    coverage: f32,
}

/// More stories than these are not named on a line; the verdict names the closest.
const OTHERS: usize = 10;

/// Runs the command.
pub fn run(args: &Check) -> Result<Outcome> {
    catch_ctrl_c();
    let engine = Engine::new(&args.compute)?;
    let named = args.store.as_deref();
    let store = match args.learn {
        true => Store::open_or_create(&archive::folder_to_write(named)?, &Identity::of(&engine.model))?,
        false => Store::open(&archive::existing_folder(named)?)?,
    };
    let open = |store: Store| -> Result<(Archive, i64)> {
        store.check_identity(&Identity::of(&engine.model))?;
        let changes = store.data_version()?;
        Ok((archive::judging(store, &engine)?, changes))
    };
    let (mut archive, mut changes) = open(store)?;
    let run = match args.learn {
        true => Some(archive.begin_run(archive::now(), "check --learn")?),
        false => None,
    };
    let options = stories::options(&args.input)?;
    let mut reader = ahead::reader(stdin());
    let mut out = io::stdout().lock();
    let (mut line, mut bad, mut duplicates) = (0, false, false);
    let mut next = |reader: &mut BufReader<Stdin>| {
        let Some(mut read) = ingest::read_json_line(reader, &mut line, &options)? else { return Ok(None) };
        // Each line is read by itself, so that its place is no id.
        let has_id = read.stories.iter().all(|story| corpus::positional_id(story).is_none());
        read.stories.iter_mut().for_each(corpus::assign_content_id);
        Ok::<_, Error>(Some((line, has_id, read)))
    };
    loop {
        let come = ahead::take(&mut reader, engine.threads, &mut next)?;
        if come.is_empty() {
            break;
        }
        // Nobody else writes while this one does.
        if !args.learn && archive.store().data_version()? != changes {
            (archive, changes) = open(Store::open(archive.store().folder())?)?;
        }
        // What is alone is embedded when it is judged, and so is each if not all can be: the error belongs to its line.
        let embedded = match &come[..] {
            [_] => Ahead::default(),
            come => {
                let stories = come.iter().flat_map(|(_, _, read)| read.stories.first()).cloned();
                Ahead::new(&engine, archive.rows_to_embed(stories.collect())?, &NoProgress)
                    .unwrap_or_default()
            }
        };
        for (line, has_id, read) in come {
            if super::bars::stopped() {
                return Err(CliError::hinted(
                    Error::Stopped { done: format!("{} lines were answered", line.saturating_sub(1)) },
                    "give the lines that follow to go on",
                ));
            }
            bad |= !read.notices.is_empty();
            let notices: Vec<String> = read.notices.iter().map(ToString::to_string).collect();
            for notice in &notices {
                say!("samestory: {}", samestory::report::sanitize_line(notice, 400));
            }
            let embed = |texts: &[&str]| embedded.embed(&engine, texts);
            let answer = match read.stories.into_iter().next() {
                Some(story) => answer(&mut archive, run, &embed, (line, has_id), story)?,
                None => Answer { error: Some(notices.join("; ")), ..nothing(line, None, "error") },
            };
            duplicates |= answer.verdict == "duplicate";
            let written = json_line(&answer, &mut out).and_then(|()| out.flush());
            written.map_err(CliError::io("write", "standard output"))?;
        }
    }
    if args.learn {
        archive.save_index()?;
    }
    Ok(match () {
        () if bad && args.input.strict => Outcome::BadInput,
        () if args.fail_on_duplicates && duplicates => Outcome::Duplicates,
        () => Outcome::Done,
    })
}

fn answer(
    archive: &mut Archive,
    run: Option<RunNumber>,
    embed: &Embed<'_>,
    (line, has_id): (u64, bool),
    story: Story,
) -> Result<Answer> {
    let id = story.id.clone();
    // A story that comes again under its own id is no duplicate of itself; an id that follows from the text says nothing.
    let is_known = has_id && archive.store().status(&story)? == StoryStatus::Unchanged;
    let (CheckResult { mut related, novel_passages }, learned) = match run {
        Some(run) => {
            let (judgement, learned) = archive.check_and_add(run, story, embed)?;
            (judgement, Some(learned))
        }
        None => (archive.check(story, embed)?, None),
    };
    related.retain(|story| !is_known || story.id != id);
    let mut answer = match related.first() {
        _ if is_known => nothing(line, Some(id.clone()), "known"),
        Some(story) => answer_for(line, &id, story),
        None => nothing(line, Some(id.clone()), "new"),
    };
    let other = |story: &RelatedStory| Other {
        id: story.id.clone(),
        relation: story.relation,
        coverage: rounded(story.coverage),
    };
    answer.also = related.iter().skip(usize::from(answer.of.is_some())).take(OTHERS).map(other).collect();
    answer.novel_passages = novel_passages;
    if let Some(outcome) = learned {
        answer.learned = outcome.conflicting_ids.is_empty();
        answer.replaced = outcome.replaced > 0;
        if !outcome.conflicting_ids.is_empty() {
            answer.error = Some("another story of the store has the id; it was not added".into());
        }
        let reader = archive.store().reader();
        if let Some(number) = reader.story_number(&id)?.filter(|_| answer.learned) {
            answer.group = reader.group_of(number)?;
        }
    }
    Ok(answer)
}

fn answer_for(line: u64, id: &str, story: &RelatedStory) -> Answer {
    let verdict = match story.relation {
        relation if relation.is_origin() => "duplicate",
        Relation::Twin => "twin",
        _ => "related",
    };
    Answer {
        relation: Some(story.relation),
        of: Some(story.id.clone()),
        coverage: Some(rounded(story.coverage)),
        coverage_of: Some(rounded(story.coverage_of)),
        cosine: Some(rounded(story.cosine)),
        group: story.group,
        reason: Some(story.reason.clone()),
        ..nothing(line, Some(id.into()), verdict)
    }
}

fn nothing(line: u64, id: Option<String>, verdict: &'static str) -> Answer {
    Answer {
        schema: SCHEMA,
        line,
        id,
        verdict,
        relation: None,
        of: None,
        coverage: None,
        coverage_of: None,
        cosine: None,
        group: None,
        reason: None,
        also: Vec::new(),
        novel_passages: Vec::new(),
        learned: false,
        replaced: false,
        error: None,
    }
}

fn rounded(x: f32) -> f32 {
    (x * 1e4).round() / 1e4
}
