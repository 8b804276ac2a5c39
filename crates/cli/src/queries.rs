//! `samestory similar --queries`: many questions to one pool, each answered as soon as it is read.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, Read},
    path::Path,
    time::{Duration, Instant},
};

use samestory::{
    Error, corpus,
    progress::{NoProgress, Progress},
    report::{Hit, json_line},
    story::Story,
};
use serde::{Deserialize, Serialize};

use super::{ahead, bars::Bars, pool::Pool, similar::Query, sink, stories};
use crate::error::{CliError, Result};

/// A line that asks: the id of a story of the pool, or a text with perhaps a title and an id of its own.
#[derive(Deserialize)]
struct Asked {
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
    /// The number of the line that asked, from 1.
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

/// Answers the lines of `file` in their order; tells whether one was bad.
pub fn answer(pool: &Pool, file: &Path, out: Option<&Path>, bars: &Bars, quiet: bool) -> Result<bool> {
    let input: Box<dyn Read> = match stories::is_stdin(file) {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(file).map_err(CliError::io("read", file))?),
    };
    let (mut input, mut number) = (ahead::reader(input), 0);
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, story) in pool.searched.corpus.stories.iter().enumerate() {
        places.entry(&story.id).or_insert(place);
    }
    let (mut bad, mut times, mut failed) = (0u64, Vec::new(), None);
    let begun = Instant::now();
    let written = sink::write_to(out, |out| {
        loop {
            let lines =
                ahead::take(&mut input, pool.engine.threads, |input| next(input, &mut number, &places))?;
            if lines.is_empty() {
                return Ok(());
            }
            if bars.cancelled() {
                failed = Some(Error::Interrupted.into());
                return Err(io::ErrorKind::Interrupted.into());
            }
            let begun = Instant::now();
            let mut queries = Vec::new();
            let mut asked = Vec::new();
            for Line { number, id, query } in lines {
                asked.push((number, id, query.map(|query| queries.push(query))));
            }
            let mut answers = pool.answer_all(queries, &NoProgress).into_iter();
            for (query, id, read) in asked {
                let answer = read.map(|()| answers.next().expect("an answer each"));
                let (hits, error) = match answer {
                    Ok(Ok(hits)) => (hits, None),
                    Ok(Err(error)) if matches!(error.library(), Some(Error::NoStories { .. })) => {
                        (Vec::new(), Some(error.message()))
                    }
                    Err(message) => (Vec::new(), Some(message)),
                    Ok(Err(error)) => {
                        let message = error.message();
                        failed = Some(error);
                        return Err(io::Error::other(message));
                    }
                };
                if let Some(message) = &error {
                    bad += 1;
                    say!("samestory: query {query}: {}", samestory::report::sanitize_line(message, 400));
                }
                json_line(&Answer { query, id: id.as_deref(), hits, error }, out)?;
                out.flush()?;
                times.push(begun.elapsed());
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    written?;
    if !quiet {
        say!("{}", told(&mut times, begun.elapsed(), bad));
    }
    Ok(bad > 0)
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
    let asked = serde_json::from_slice::<Asked>(&line);
    let id = asked.as_ref().ok().and_then(|a| a.id.clone()).map(|id| id.0);
    let query = asked.map_err(|e| e.to_string()).and_then(|asked| query(asked, places));
    Ok(Some(Line { number: *number, id, query }))
}

fn query(asked: Asked, places: &HashMap<&str, usize>) -> std::result::Result<Query, String> {
    match asked {
        Asked { id: Some(id), title: None, text: None } => match places.get(id.0.as_str()) {
            Some(place) => Ok(Query::Own(*place)),
            None => Err(format!("no story has the id {:?}", id.0)),
        },
        Asked { title: None, text: None, .. } => {
            Err("it has neither \"id\" nor \"text\"; ask {\"id\": \"…\"} or {\"text\": \"…\"}".into())
        }
        Asked { title, text, .. } => Ok(Query::Other(Box::new(Story {
            id: "query".into(),
            title: title.unwrap_or_default(),
            text: text.unwrap_or_default(),
            ..Story::default()
        }))),
    }
}

/// How many were answered, and how fast.
fn told(times: &mut [Duration], all: Duration, bad: u64) -> String {
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
            let asked = serde_json::from_str::<Asked>(line).map_err(|e| e.to_string());
            let found = match asked.and_then(|asked| query(asked, &places)) {
                Ok(Query::Own(place)) => format!("own {place}"),
                Ok(Query::Other(story)) => format!("{}/{}", story.title, story.text),
                Err(message) => message,
            };
            assert!(found.contains(expect), "{line}: {found}");
        };
        check(r#"{"id": "a"}"#, "own 3");
        check(r#"{"id": 17}"#, "own 4");
        check(r#"{"id": [17]}"#, "is no id");
        check(r#"{"id": "b"}"#, "no story has the id");
        check(r#"{"id": "a", "text": "x"}"#, "/x");
        check(r#"{"title": "t"}"#, "t/");
        check("{}", "neither");
        check("[1]", "invalid");
        check("harbour", "expected value");
    }

    #[test]
    fn times_are_told_by_rank() {
        let mut times: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(
            told(&mut times, Duration::from_secs(4), 1),
            "100 queries in 4.00 s, half of them within 51.00 ms, 95 % within 95.00 ms; 1 could not be answered"
        );
        assert_eq!(told(&mut [], Duration::ZERO, 0), "0 queries");
    }
}
