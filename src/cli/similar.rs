//! `samestory similar`: the stories nearest to a text, with the passages that match.

use std::{fs, io::Read, path::Path};

use samestory::{
    Error, Result, ingest,
    report::line,
    search,
    story::{Corpus, Passage, RowId, Story},
};
use serde::Serialize;

use super::{
    Outcome,
    args::{Similar, SimilarFormat},
    bars::{Bars, catch_ctrl_c},
    engine::Engine,
    sink, stories,
};

#[derive(Serialize)]
struct Hit<'a> {
    rank: usize,
    id: &'a str,
    score: f32,
    title: &'a str,
    source: Option<&'a str>,
    path: String,
    line: u64,
    /// The passage of the query that matches best.
    query: &'a str,
    /// The passage of the story that matches it.
    passage: &'a str,
}

/// Runs the command.
pub fn run(args: &Similar) -> Result<Outcome> {
    catch_ctrl_c();
    let bars = Bars::new(args.compute.quiet);
    let engine = Engine::new(&args.compute)?;
    let query = ingest::corpus(vec![query_story(&args.query)?]);
    if query.rows.is_empty() {
        return Err(Error::NoStories {
            place: "the query".into(),
            hint: "give a text, a file, or - for stdin".into(),
        });
    }
    let ingested = stories::read(&args.paths, &stories::options(&args.input)?, &bars)?;
    let bad_input = !ingested.notices.is_empty();
    let corpus = ingest::corpus(ingested.stories);
    let (queries, rows) = (engine.embed(&query, &bars)?.vectors, engine.embed(&corpus, &bars)?.vectors);

    // Every row is scored, so that a story's rank never depends on how many passages others have.
    let nearest = search::top_k(&queries, &rows, rows.rows());
    let mut best: Vec<Option<(f32, RowId, RowId)>> = vec![None; corpus.stories.len()];
    let carriers = corpus.row_stories();
    for (q, hits) in nearest.iter().enumerate() {
        for &(row, score) in hits {
            for story in &carriers[row.index()] {
                let slot = &mut best[story.index()];
                if slot.is_none_or(|(s, _, _)| score > s) {
                    *slot = Some((score, RowId(q as u32), row));
                }
            }
        }
    }
    let mut ranked: Vec<_> = best.iter().enumerate().filter_map(|(i, b)| b.map(|b| (i, b))).collect();
    ranked.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(a.0.cmp(&b.0)));
    ranked.truncate(usize::from(args.k));
    let hits: Vec<Hit> = ranked
        .iter()
        .enumerate()
        .map(|(rank, &(i, (score, q, row)))| {
            let story = &corpus.stories[i];
            Hit {
                rank: rank + 1,
                id: &story.id,
                score: (score * 1e4).round() / 1e4,
                title: &story.title,
                source: story.source.as_deref(),
                path: story.origin.path.display().to_string(),
                line: story.origin.line,
                query: query.row_text(q),
                passage: passage(&corpus, i, row),
            }
        })
        .collect();
    sink::write_to(None, |out| {
        for hit in &hits {
            match args.format {
                SimilarFormat::Jsonl => {
                    serde_json::to_writer(&mut *out, hit)?;
                    writeln!(out)?;
                }
                SimilarFormat::Table => {
                    let title = if hit.title.is_empty() { "(no title)" } else { hit.title };
                    writeln!(
                        out,
                        "{:>3}  {:.3}  {}  {}",
                        hit.rank,
                        hit.score,
                        line(hit.id, 30),
                        line(title, 60)
                    )?;
                    writeln!(out, "            {}", line(hit.passage, 100))?;
                }
            }
        }
        Ok(())
    })?;
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

/// The words of `row` as story `i` has them.
fn passage(corpus: &Corpus, i: usize, row: RowId) -> &str {
    let story = &corpus.stories[i];
    let found: Option<&Passage> = corpus.passages[i].iter().find(|p| p.row == row);
    match found {
        Some(p) if p.title => &story.title[p.span.clone()],
        Some(p) => &story.text[p.span.clone()],
        None => "",
    }
}

/// Takes `query` as a file if there is one of that name, else as the text itself.
pub fn query_story(query: &str) -> Result<Story> {
    let text = match query {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(Error::io("read", "standard input"))?;
            text
        }
        _ if Path::new(query).is_file() => {
            let bytes = fs::read(query).map_err(Error::io("read", query))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => query.to_string(),
    };
    Ok(Story { id: "query".into(), text, ..Story::default() })
}
