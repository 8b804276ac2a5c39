//! `samestory similar`: the stories nearest to a text, with the passages that match.

use std::{
    io::{self, Read, Write},
    path::Path,
};

use samestory::{
    Error, Result, compare,
    group::Groups,
    ingest,
    link::{self, Lookup, Reading, Titles},
    report::{Hit, HitFormat, hits, write_hits},
    story::{Corpus, Story},
};

use super::{
    Outcome, archive,
    args::{Similar, SimilarFormat},
    bars::{Bars, catch_ctrl_c},
    engine::Engine,
    explain,
    judge::{Ask, judge},
    sink, stories,
};

/// Runs the command.
pub fn run(args: &Similar) -> Result<Outcome> {
    catch_ctrl_c();
    let bars = Bars::new(args.compute.quiet);
    let filter = Filter::new(args)?;
    let mut engine = Engine::new(&args.compute)?;
    archive::open(&args.archive, &mut engine)?;
    let options = stories::options(&args.input)?;
    let ingested = archive::read(&engine, &args.paths, &options, &bars)?;
    let bad_input = !ingested.notices.is_empty();
    let corpus = ingest::corpus(ingested.stories);

    let own = corpus.stories.iter().position(|s| s.id == args.query);
    let asked = match own {
        Some(_) => Corpus::default(),
        None => ingest::corpus(vec![query(&args.query, &options, &bars)?]),
    };
    if own.is_none() && asked.rows.is_empty() {
        return Err(Error::NoStories {
            place: "the query".into(),
            hint: "give a text, a file, an id, or - for standard input".into(),
        });
    }
    let known = compare::Boilerplate::default();
    let asked_titles = Titles::new(&asked);
    let asked_rows = engine.embed(&asked, &bars)?.vectors;
    let asked_title_vectors = engine.embed_texts(&asked_titles.texts, &bars)?.vectors;
    let asked_readings = link::readings(&asked, &asked_rows, &asked_titles, &asked_title_vectors, &known);

    let rows = engine.embed(&corpus, &bars)?.vectors;
    let titles = Titles::new(&corpus);
    let title_vectors = engine.embed_texts(&titles.texts, &bars)?.vectors;
    let readings = link::readings(&corpus, &rows, &titles, &title_vectors, &known);
    let groups = match args.not_copies {
        true => judge(&Ask::default(), &engine, &corpus, &rows, &bars)?.groups,
        false => Groups::default(),
    };
    let lookup = Lookup::new(readings, &bars)?;
    let query: &Reading = match own {
        Some(place) => lookup.reading(place),
        None => &asked_readings[0],
    };
    let (wanted, undated) = filter.wanted(&corpus, &groups, own);
    let mut found = lookup.nearest(query, usize::from(args.k), &|place| wanted[place]);
    if let Some(least) = args.min_score {
        found.retain(|f| f.score >= least);
    }
    let hits: Vec<Hit> = hits(&corpus, &groups, &found);
    let format = match args.format {
        SimilarFormat::Table => HitFormat::Table,
        SimilarFormat::Json => HitFormat::Json,
        SimilarFormat::Jsonl => HitFormat::Jsonl,
    };
    sink::write_to(args.out.as_deref(), |out| write_hits(format, &hits, out))?;
    if !args.compute.quiet {
        let looked = wanted.iter().filter(|w| **w).count();
        note(looked, undated, &mut io::stderr());
    }
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

/// How many stories were looked at, and what was passed over.
fn note(looked: usize, undated: usize, err: &mut dyn Write) {
    let passed = match undated {
        0 => String::new(),
        n => format!("; {n} without a date passed over"),
    };
    // Nothing can be done for a reader that hears nothing.
    let _ = writeln!(err, "{looked} stories looked at{passed}");
}

/// Which stories are wanted.
struct Filter<'a> {
    since: Option<i64>,
    until: Option<i64>,
    sources: &'a [String],
}

impl<'a> Filter<'a> {
    fn new(args: &'a Similar) -> Result<Self> {
        let date = |option: &str, text: &Option<String>, end: bool| match text {
            None => Ok(None),
            Some(text) => ingest::parse_date(text, end).map(Some).ok_or_else(|| Error::Option {
                option: option.into(),
                message: format!("{text:?} is no date"),
                hint: format!(
                    "give a day or a time, as in {option} 2024-07-04 or {option} 2024-07-04T20:36Z"
                ),
            }),
        };
        Ok(Filter {
            since: date("--since", &args.since, false)?,
            until: date("--until", &args.until, true)?,
            sources: &args.sources,
        })
    }

    /// For each story whether it is looked at, and how many are not for want of a date. Of a group only the kept
    /// story is; nor is the story that is asked for, or its group.
    fn wanted(&self, corpus: &Corpus, groups: &Groups, own: Option<usize>) -> (Vec<bool>, usize) {
        let dated = self.since.is_some() || self.until.is_some();
        let mut undated = 0;
        let mut wanted: Vec<bool> = Vec::new();
        for story in &corpus.stories {
            let named = story.source.as_deref().unwrap_or("");
            let source =
                self.sources.is_empty() || self.sources.iter().any(|s| s.eq_ignore_ascii_case(named));
            let time = match story.published {
                Some(at) => self.since.is_none_or(|s| at >= s) && self.until.is_none_or(|u| at <= u),
                None => {
                    undated += usize::from(dated && source);
                    !dated
                }
            };
            wanted.push(source && time);
        }
        for group in &groups.groups {
            let asked = group.members.iter().any(|m| Some(m.story.index()) == own);
            // The kept one answers for all; if it is filtered out, the first that is not.
            let mut of = group.members.iter().map(|m| m.story.index()).filter(|i| wanted[*i]);
            let answers = if asked { None } else { of.next() };
            for member in &group.members {
                wanted[member.story.index()] = Some(member.story.index()) == answers;
            }
        }
        if let Some(own) = own {
            wanted[own] = false;
        }
        (wanted, undated)
    }
}

/// The story that is asked for: standard input, a file (`file#n` for its nth story), else the words themselves.
fn query(asked: &str, options: &ingest::Options, bars: &Bars) -> Result<Story> {
    if asked == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(Error::io("read", "standard input"))?;
        return Ok(Story { id: "query".into(), text, ..Story::default() });
    }
    let file = asked.rsplit_once('#').map_or(asked, |(file, _)| file);
    if Path::new(asked).is_file() || Path::new(file).is_file() {
        let mut read = Vec::new();
        let id = explain::find(asked, &mut read, options, bars)?;
        return Ok(read.swap_remove(id.index()));
    }
    Ok(Story { id: "query".into(), text: asked.into(), ..Story::default() })
}
