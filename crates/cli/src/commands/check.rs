//! `samestory check`: a verdict a line on stories as they come.

use std::io::{self, BufReader, Write};
use std::path::PathBuf;

use clap::Args;
use samestory::{
    Error,
    archive::{Archive, CheckResult, RelatedStory},
    compare::Relation,
    corpus,
    ingest::{self, IngestOutcome},
    report::{json_line, sanitize_line},
    store::{GroupNumber, Store, StoryStatus},
    story::Story,
};
use serde::Serialize;

use super::Outcome;
use crate::{
    error::{CliError, Result},
    input, line_batches,
    notices::NoticeStream,
    options::{ComputeArgs, InputArgs},
    runtime::Runtime,
    signals::{Stdin, Waiting, stdin, stop_at_safe_points, stopped},
    store,
};

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

/// Reads JSON lines on standard input and answers each with a line: verdict, relation, of, coverage, group,
/// novel_passages.
const EXAMPLES: &str = "\
Examples:
  samestory check < new.jsonl
  tail -f feed.jsonl | samestory check --learn --store archive";

/// The arguments of `samestory check`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// The store [default: $SAMESTORY_STORE, or .samestory here or in a folder above]
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    /// Add each story to the store after it is judged
    #[arg(long)]
    pub learn: bool,
    /// Exit with 1 if a duplicate was found
    #[arg(long)]
    pub fail_on_duplicates: bool,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// Runs the command.
pub fn run(args: &CheckArgs) -> Result<Outcome> {
    stop_at_safe_points();
    let runtime = Runtime::new(&args.compute)?;
    let mut checker = Checker::open(args, &runtime)?;
    let options = input::options(&args.input, args.compute.quiet)?.ingest;
    let mut all_notices = NoticeStream::create(args.input.notices.as_deref())?;
    let mut reader = line_batches::reader(stdin());
    let mut out = Waiting(io::stdout().lock());
    let mut number = 0;
    let mut next = |reader: &mut BufReader<Stdin>| {
        let Some(mut read) = ingest::read_json_line(reader, &mut number, &options)? else { return Ok(None) };
        // Each line is read by itself, so that its place is no id.
        let has_id = read.stories.iter().all(|story| corpus::positional_id(story).is_none());
        read.stories.iter_mut().for_each(corpus::assign_content_id);
        Ok::<_, Error>(Some(Line { number, has_id, read }))
    };
    loop {
        let lines = line_batches::take(&mut reader, runtime.embedder.threads(), &mut next)?;
        if lines.is_empty() {
            break;
        }
        for line in &lines {
            all_notices.write(&line.read.notices)?;
        }
        checker.answer_all(lines, &mut out)?;
    }
    if args.learn {
        checker.archive.save_index()?;
    }
    Ok(if checker.bad_input && args.input.strict {
        Outcome::BadInput
    } else if args.fail_on_duplicates && checker.duplicates {
        Outcome::Duplicates
    } else {
        Outcome::Done
    })
}

/// A line of the input.
struct Line {
    /// From 1.
    number: u64,
    /// Whether its story brings an id.
    has_id: bool,
    read: IngestOutcome,
}

/// Answers lines, and adds their stories to the store if that was asked for.
struct Checker<'r> {
    runtime: &'r Runtime,
    archive: Archive,
    /// The version of the store when it was read.
    version: i64,
    /// Whether stories are added.
    learn: bool,
    bad_input: bool,
    duplicates: bool,
}

impl<'r> Checker<'r> {
    fn open(args: &CheckArgs, runtime: &'r Runtime) -> Result<Self> {
        let named = args.store.as_deref();
        let store = if args.learn {
            Store::open_or_create(&store::folder_to_write(named)?, &runtime.identity())?
        } else {
            Store::open(&store::existing_folder(named)?)?
        };
        let (mut archive, version) = Self::open_archive(store, runtime)?;
        if args.learn {
            archive.begin_run(store::now(), "check --learn")?;
        }
        Ok(Checker { runtime, archive, version, learn: args.learn, bad_input: false, duplicates: false })
    }

    fn open_archive(store: Store, runtime: &Runtime) -> Result<(Archive, i64)> {
        store.check_identity(&runtime.identity())?;
        let version = store.data_version()?;
        Ok((runtime.archive(store)?, version))
    }

    /// Reads the store again if another process has written to it.
    fn refresh(&mut self) -> Result<()> {
        // Nobody else writes while this process does.
        if !self.learn && self.archive.store().data_version()? != self.version {
            let store = Store::open(self.archive.store().folder())?;
            (self.archive, self.version) = Self::open_archive(store, self.runtime)?;
        }
        Ok(())
    }

    /// Answers `lines`, whose stories are embedded together.
    fn answer_all(&mut self, lines: Vec<Line>, out: &mut dyn Write) -> Result<()> {
        self.refresh()?;
        // A single story is embedded when it is judged. So is each if not all can be: the error belongs to its line.
        if lines.len() > 1 {
            let stories = lines.iter().flat_map(|line| line.read.stories.first()).cloned();
            let _ = self.archive.prefetch(stories.collect());
        }
        for line in lines {
            if stopped() {
                return Err(CliError::hinted(
                    Error::Stopped { done: format!("{} lines were answered", line.number.saturating_sub(1)) },
                    "give the lines that follow to go on",
                ));
            }
            let answer = self.answer_line(line)?;
            self.duplicates |= answer.verdict == "duplicate";
            let written = json_line(&answer, out).and_then(|()| out.flush());
            written.map_err(CliError::io("write", "standard output"))?;
        }
        Ok(())
    }

    fn answer_line(&mut self, line: Line) -> Result<Answer> {
        let Line { number, has_id, read } = line;
        self.bad_input |= !read.notices.is_empty();
        let notices: Vec<String> = read.notices.iter().map(ToString::to_string).collect();
        for notice in &notices {
            status!("samestory: {}", sanitize_line(notice, 400));
        }
        match read.stories.into_iter().next() {
            Some(story) => answer(&mut self.archive, self.learn, (number, has_id), story),
            None => Ok(Answer { error: Some(notices.join("; ")), ..nothing(number, None, "error") }),
        }
    }
}

fn answer(archive: &mut Archive, learn: bool, (line, has_id): (u64, bool), story: Story) -> Result<Answer> {
    let id = story.id.clone();
    // A story that comes again under its own id is no duplicate of itself; an id that follows from the text says nothing.
    let is_known = has_id && archive.store().status(&story)? == StoryStatus::Unchanged;
    let (CheckResult { mut related, novel_passages }, learned) = if learn {
        let (result, outcome) = archive.check_and_add(story)?;
        (result, Some(outcome))
    } else {
        (archive.check(&story)?, None)
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
        relation => relation.name(),
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
