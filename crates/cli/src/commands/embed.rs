//! `samestory embed`: the vectors of passages, or of whole stories, as JSON lines or as one NumPy array.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use samestory::{
    report::json_line,
    story::{Corpus, Passage, Story, StoryId},
};
use serde::Serialize;

use super::Outcome;
use crate::{
    error::Result,
    input,
    options::{ComputeArgs, InputArgs},
    output, output_paths,
    progress::ProgressBars,
    runtime::Runtime,
    signals::stop_at_safe_points,
};

#[derive(Serialize)]
struct Line<'a> {
    story: &'a str,
    #[serde(flatten)]
    passage: Option<Place<'a>>,
    vector: &'a [f32],
}

#[derive(Serialize)]
struct Place<'a> {
    /// From 0 within the story.
    passage: usize,
    text: &'a str,
}

const EXAMPLES: &str = "\
Examples:
  samestory embed news.jsonl --out vectors.jsonl
  samestory embed news.jsonl --whole --format npy --out stories.npy";

/// The arguments of `samestory embed`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct EmbedArgs {
    /// Files and folders; `-` is standard input
    #[arg(required = true, value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// One vector a story, of its title and text in one piece, instead of one a passage
    #[arg(long)]
    pub whole: bool,
    /// How the vectors are written
    #[arg(long, value_enum, default_value_t = EmbedFormat::Jsonl)]
    pub format: EmbedFormat,
    /// Where the vectors go [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EmbedFormat {
    /// One object a passage: story, passage, text, vector (a whole story: story, vector)
    Jsonl,
    /// One NumPy array of float32, passages (or stories) × dimensions, in the same order
    Npy,
}

/// Runs the command.
pub fn run(args: &EmbedArgs) -> Result<Outcome> {
    stop_at_safe_points();
    output_paths::check(&args.paths, &[("--out", args.out.as_deref())])?;
    let progress = ProgressBars::new(args.compute.quiet);
    let runtime = Runtime::new(&args.compute)?;
    let ingested = input::read(&args.paths, &input::options(&args.input, args.compute.quiet)?, &progress)?;
    let bad_input = !ingested.notices.is_empty();
    let corpus = Corpus::new(ingested.stories);
    let empty = corpus.passages.iter().filter(|passages| passages.is_empty()).count();
    if empty > 0 && !args.whole {
        status!(
            "samestory: {empty} stories have no words to make a passage of, and so no vector; --whole gives each one"
        );
    }
    let embedded = if args.whole {
        runtime.embedder.embed(&whole_texts(&corpus), &progress)?
    } else {
        runtime.embed(&corpus, &progress)?
    };
    let vectors: Vec<&[f32]> = if args.whole {
        (0..corpus.stories.len()).map(|i| embedded.vectors.row(i)).collect()
    } else {
        passages(&corpus).map(|(_, _, p)| embedded.vectors.row(p.row.index())).collect()
    };
    output::write_to(args.out.as_deref(), |out| match args.format {
        EmbedFormat::Jsonl if args.whole => {
            let of_stories = corpus.stories.iter().zip(&vectors);
            json_lines(of_stories.map(|(s, vector)| Line { story: &s.id, passage: None, vector }), out)
        }
        EmbedFormat::Jsonl => json_lines(passages(&corpus).zip(&vectors).map(line), out),
        EmbedFormat::Npy => npy(&vectors, embedded.vectors.dim(), out),
    })?;
    if !args.compute.quiet {
        let seconds: Vec<String> =
            progress.stage_times().iter().map(|t| format!("{} {:.2} s", t.stage, t.seconds)).collect();
        let (what, embed_stats) = (if args.whole { "stories" } else { "passages" }, embedded.stats);
        let distinct = if args.whole { String::new() } else { format!(", {} distinct", embed_stats.texts) };
        let windows = match embed_stats.windowed_texts {
            0 => String::new(),
            long => format!(", {long} long ones in {} windows", embed_stats.windows),
        };
        status!(
            "{} {what}{distinct}{windows}, {} tokens seen, {} of them unknown, {} cut; {}; {}, {} threads",
            vectors.len(),
            embed_stats.tokens,
            embed_stats.unknown_tokens,
            embed_stats.truncated_tokens,
            seconds.join(", "),
            runtime.embedder.describe_device(),
            runtime.embedder.threads()
        );
    }
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

/// All passages: stories in the order they were read, passages in the order of the text.
fn passages(corpus: &Corpus) -> impl Iterator<Item = (&Story, usize, &Passage)> {
    let of_stories = corpus.stories.iter().zip(&corpus.passages);
    of_stories.flat_map(|(story, passages)| passages.iter().enumerate().map(move |(i, p)| (story, i, p)))
}

/// Title and text of each story, without datelines, credits and furniture.
fn whole_texts(corpus: &Corpus) -> Vec<String> {
    let whole = |(i, story): (u32, &Story)| {
        let titled = corpus.passages[i as usize].iter().any(|p| p.title);
        let title = Some(story.title.as_str()).filter(|t| !t.is_empty() && !titled);
        let rows = corpus.story_rows(StoryId(i)).map(|row| corpus.row_text(row));
        title.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
    };
    (0..).zip(&corpus.stories).map(whole).collect()
}

fn line<'a>(((story, i, passage), vector): ((&'a Story, usize, &'a Passage), &&'a [f32])) -> Line<'a> {
    let text = if passage.title { &story.title } else { &story.text };
    let place = Place { passage: i, text: &text[passage.span.clone()] };
    Line { story: &story.id, passage: Some(place), vector }
}

fn json_lines<'a>(mut lines: impl Iterator<Item = Line<'a>>, out: &mut dyn Write) -> io::Result<()> {
    lines.try_for_each(|line| json_line(&line, out))
}

/// The format is that of NumPy's NEP 1, version 1.0: a header padded to 64 bytes, then little-endian values.
fn npy(vectors: &[&[f32]], dim: usize, out: &mut dyn Write) -> io::Result<()> {
    const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
    let shape = format!("({}, {dim})", vectors.len());
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (MAGIC.len() + 2 + header.len() + 1).next_multiple_of(64) - MAGIC.len() - 2;
    out.write_all(MAGIC)?;
    out.write_all(&(length as u16).to_le_bytes())?;
    writeln!(out, "{header:<width$}", width = length - 1)?;
    for value in vectors.iter().copied().flatten() {
        out.write_all(&value.to_le_bytes())?;
    }
    Ok(())
}
