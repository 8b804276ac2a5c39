//! `samestory embed`: the vectors of passages, as JSON lines or as one NumPy array.

use std::io::{self, Write};

use samestory::{
    Result, ingest,
    story::{Corpus, Passage, Story},
    vector::Matrix,
};
use serde::Serialize;

use super::{
    Outcome,
    args::{Embed, EmbedFormat},
    bars::{Bars, catch_ctrl_c},
    engine::Engine,
    sink, stories,
};

#[derive(Serialize)]
struct Line<'a> {
    story: &'a str,
    /// From 0 within the story.
    passage: usize,
    text: &'a str,
    vector: &'a [f32],
}

/// Runs the command.
pub fn run(args: &Embed) -> Result<Outcome> {
    catch_ctrl_c();
    let bars = Bars::new(args.compute.quiet);
    let engine = Engine::new(&args.compute)?;
    let ingested = stories::read(&args.paths, &stories::options(&args.input)?, &bars)?;
    let bad_input = !ingested.notices.is_empty();
    let corpus = ingest::corpus(ingested.stories);
    let embedded = engine.embed(&corpus, &bars)?;
    sink::write_to(args.out.as_deref(), |out| match args.format {
        EmbedFormat::Jsonl => json_lines(&corpus, &embedded.vectors, out),
        EmbedFormat::Npy => npy(&corpus, &embedded.vectors, out),
    })?;
    if !args.compute.quiet {
        let seconds: Vec<String> =
            bars.stage_times().iter().map(|t| format!("{} {:.2} s", t.stage, t.seconds)).collect();
        let (passages, ledger) = (passages(&corpus).count(), embedded.ledger);
        eprintln!(
            "{passages} passages, {} distinct, {} tokens seen, {} cut; {}; {}, {} threads",
            ledger.rows,
            ledger.tokens,
            ledger.tokens_cut,
            seconds.join(", "),
            engine.encoder.describe(),
            engine.threads
        );
    }
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

/// All passages: stories in the order they were read, passages in the order of the text.
fn passages(corpus: &Corpus) -> impl Iterator<Item = (&Story, usize, &Passage)> {
    let of_stories = corpus.stories.iter().zip(&corpus.passages);
    of_stories.flat_map(|(story, passages)| passages.iter().enumerate().map(move |(i, p)| (story, i, p)))
}

fn json_lines(corpus: &Corpus, vectors: &Matrix, out: &mut dyn Write) -> io::Result<()> {
    for (story, i, passage) in passages(corpus) {
        let text = if passage.title { &story.title } else { &story.text };
        let vector = vectors.row(passage.row.index());
        let line = Line { story: &story.id, passage: i, text: &text[passage.span.clone()], vector };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The format is that of NumPy's NEP 1, version 1.0: a header padded to 64 bytes, then little-endian values.
fn npy(corpus: &Corpus, vectors: &Matrix, out: &mut dyn Write) -> io::Result<()> {
    const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
    let shape = format!("({}, {})", passages(corpus).count(), vectors.dim());
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (MAGIC.len() + 2 + header.len() + 1).next_multiple_of(64) - MAGIC.len() - 2;
    out.write_all(MAGIC)?;
    out.write_all(&(length as u16).to_le_bytes())?;
    writeln!(out, "{header:<width$}", width = length - 1)?;
    for (_, _, passage) in passages(corpus) {
        for value in vectors.row(passage.row.index()) {
            out.write_all(&value.to_le_bytes())?;
        }
    }
    Ok(())
}
