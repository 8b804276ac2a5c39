//! `samestory similar --queries`: many questions to one pool, each answered as soon as it is read.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, Read, Write},
    path::Path,
    time::{Duration, Instant},
};

use samestory::{
    Error, corpus,
    lookup::{Lookup, Query},
    progress::{NoProgress, Progress},
    report::{Hit, json_line, sanitize_line},
    story::Story,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{CliError, Result},
    input, line_batches, output,
    progress::ProgressBars,
    runtime::Runtime,
    signals::{Waiting, stdin, waiting},
};

/// A line that asks: the id of a story of the pool, or a text with perhaps a title and an id of its own.
#[derive(Deserialize)]
struct QueryLine {
    #[serde(default)]
    id: Option<Id>,
    title: Option<String>,
    text: Option<String>,
}

#[derive(Clone, Deserialize)]
struct Id(#[serde(deserialize_with = "corpus::deserialize_id")] String);

/// The line that answers.
#[derive(Serialize)]
struct Answer<'a> {
    /// The number of the line that parsed, from 1.
    query: u64,
    /// The id that it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    hits: Vec<Hit>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A line that is to be answered.
struct Line {
    /// From 1.
    number: u64,
    id: Option<String>,
    /// What it asks, or what is wrong with it.
    query: std::result::Result<Query, String>,
}

/// Answers the lines of `file` in their order, each on a line of `out`; returns whether one could not be answered.
pub fn answer(
    lookup: &Lookup<'_>,
    runtime: &Runtime,
    file: &Path,
    out: Option<&Path>,
    (progress, quiet): (&ProgressBars, bool),
) -> Result<bool> {
    let input: Box<dyn Read> = if input::is_stdin(file) {
        Box::new(stdin())
    } else {
        // It may be a pipe.
        Box::new(Waiting(waiting(|| File::open(file)).map_err(CliError::io("read", file))?))
    };
    let (mut input, mut number) = (line_batches::reader(input), 0);
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, story) in lookup.pool().corpus().stories.iter().enumerate() {
        places.entry(&story.id).or_insert(place);
    }
    let mut answers = Answers { lookup, runtime, unanswered: 0, times: Vec::new(), failure: None };
    let started = Instant::now();
    let threads = runtime.embedder.threads();
    let written = output::write_to(out, |out| {
        loop {
            let lines = line_batches::take(&mut input, threads, |input| next(input, &mut number, &places))?;
            if lines.is_empty() {
                return Ok(());
            }
            if progress.cancelled() {
                return Err(answers.fail(Error::Interrupted));
            }
            answers.write(lines, out)?;
        }
    });
    if let Some(error) = answers.failure {
        return Err(error.into());
    }
    written?;
    if !quiet {
        status!("{}", summary(&mut answers.times, started.elapsed(), answers.unanswered));
    }
    Ok(answers.unanswered > 0)
}

/// Answers and their figures.
struct Answers<'a> {
    lookup: &'a Lookup<'a>,
    runtime: &'a Runtime,
    unanswered: u64,
    times: Vec<Duration>,
    /// What ended the answering.
    failure: Option<Error>,
}

impl Answers<'_> {
    /// Answers `lines`, which are embedded together.
    fn write(&mut self, lines: Vec<Line>, out: &mut dyn Write) -> io::Result<()> {
        let started = Instant::now();
        let mut queries = Vec::new();
        let mut read = Vec::new();
        for Line { number, id, query } in lines {
            read.push((number, id, query.map(|query| queries.push(query))));
        }
        let known = self.runtime.known_vectors();
        let mut found = self.lookup.similar_to_all(queries, known, &NoProgress).into_iter();
        for (query, id, line) in read {
            let answer = line.map(|()| found.next().unwrap_or_else(|| Ok(Vec::new())));
            let (hits, error) = match answer {
                Ok(Ok(found)) => (self.lookup.hits(&found), None),
                Ok(Err(error @ Error::NoStories { .. })) => (Vec::new(), Some(error.to_string())),
                Err(message) => (Vec::new(), Some(message)),
                Ok(Err(error)) => return Err(self.fail(error)),
            };
            if let Some(message) = &error {
                self.unanswered += 1;
                status!("samestory: query {query}: {}", sanitize_line(message, 400));
            }
            json_line(&Answer { query, id: id.as_deref(), hits, error }, out)?;
            out.flush()?;
            self.times.push(started.elapsed());
        }
        Ok(())
    }

    /// Keeps `error`, and gives the one that ends the writing.
    fn fail(&mut self, error: Error) -> io::Error {
        let message = error.to_string();
        self.failure = Some(error);
        io::Error::other(message)
    }
}

/// The next line that asks something; `number` is that of the last line.
fn next(
    input: &mut dyn BufRead,
    number: &mut u64,
    places: &HashMap<&str, usize>,
) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    while line.trim_ascii().is_empty() {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        *number += 1;
    }
    let parsed = serde_json::from_slice::<QueryLine>(&line);
    let id = parsed.as_ref().ok().and_then(|a| a.id.clone()).map(|id| id.0);
    let query = parsed.map_err(|e| e.to_string()).and_then(|parsed| query(parsed, places));
    Ok(Some(Line { number: *number, id, query }))
}

fn query(line: QueryLine, places: &HashMap<&str, usize>) -> std::result::Result<Query, String> {
    match line {
        QueryLine { id: Some(id), title: None, text: None } => match places.get(id.0.as_str()) {
            Some(place) => Ok(Query::Pooled(*place)),
            None => Err(format!("no story has the id {:?}", id.0)),
        },
        QueryLine { title: None, text: None, .. } => {
            Err("it has neither \"id\" nor \"text\"; ask {\"id\": \"…\"} or {\"text\": \"…\"}".into())
        }
        QueryLine { title, text, .. } => Ok(Query::Story(Box::new(Story {
            id: "query".into(),
            title: title.unwrap_or_default(),
            text: text.unwrap_or_default(),
            ..Story::default()
        }))),
    }
}

/// How many queries there were, and how fast they were answered.
fn summary(times: &mut [Duration], all: Duration, bad: u64) -> String {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    let mut text = format!("{} queries", times.len());
    if !times.is_empty() {
        text += &format!(" in {:.2} s", all.as_secs_f64());
        text += &format!(", half of them within {:.2} ms, 95 % within {:.2} ms", at(0.5), at(0.95));
    }
    if bad > 0 {
        text += &format!("; {bad} could not be answered");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_asks_by_id_or_by_text() {
        let places = HashMap::from([("a", 3), ("17", 4)]);
        let check = |line: &str, expect: &str| {
            let parsed = serde_json::from_str::<QueryLine>(line).map_err(|e| e.to_string());
            let found = match parsed.and_then(|parsed| query(parsed, &places)) {
                Ok(Query::Pooled(place)) => format!("own {place}"),
                Ok(Query::Story(story)) => format!("{}/{}", story.title, story.text),
                Ok(_) => String::new(),
                Err(message) => message,
            };
            assert!(found.contains(expect), "{line}: {found}");
        };
        check(r#"{"id": "a"}"#, "own 3");
        check(r#"{"id": 17}"#, "own 4");
        check(r#"{"id": [17]}"#, "is not an id");
        check(r#"{"id": "b"}"#, "no story has the id");
        check(r#"{"id": "a", "text": "x"}"#, "/x");
        check(r#"{"title": "t"}"#, "t/");
        check("{}", "neither");
        check("[1]", "invalid");
        check("harbour", "expected value");
    }

    #[test]
    fn describes_times_by_rank() {
        let mut times: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(
            summary(&mut times, Duration::from_secs(4), 1),
            "100 queries in 4.00 s, half of them within 51.00 ms, 95 % within 95.00 ms; 1 could not be answered"
        );
        assert_eq!(summary(&mut [], Duration::ZERO, 0), "0 queries");
    }
}
