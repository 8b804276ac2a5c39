//! `samestory similar`: the stories nearest to a text, with the passages that match.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use samestory::{
    archive::{Archive, FULL_SCAN_LIMIT, LookupCandidates},
    boilerplate::BoilerplateList,
    corpus,
    group::Groups,
    ingest,
    link::{self, SimilarityIndex, Titles},
    report::{HitFormat, write_hits},
    store::Store,
    story::{Corpus, Story},
};

use super::{
    Outcome, archive,
    args::{Similar, SimilarFormat},
    bars::{Bars, catch_ctrl_c},
    engine::Engine,
    explain,
    judge::{Ask, decided, judge},
    outputs,
    pool::{Answers, Pool, Searched},
    queries, sink, stories,
};
use crate::error::{CliError, Result};

/// Runs the command.
pub fn run(args: &Similar) -> Result<Outcome> {
    catch_ctrl_c();
    let mut read: Vec<PathBuf> = args.paths.iter().chain(&args.queries).cloned().collect();
    if let Some(asked) = &args.query {
        // A text, a file, or a story of one.
        let of_file = asked.rsplit_once('#').map(|(file, _)| file);
        read.extend(of_file.into_iter().chain([&**asked]).map(PathBuf::from).filter(|file| file.is_file()));
    }
    outputs::check(&read, &[("--out", args.out.as_deref())])?;
    if let Some(folder) = args.queries.as_deref().filter(|file| file.is_dir()) {
        return Err(CliError::Usage {
            option: "--queries".into(),
            message: format!(
                "{} is a folder",
                samestory::report::sanitize_line(&folder.display().to_string(), 400)
            ),
            hint: "name a file of JSON lines, or - for standard input".into(),
        });
    }
    let asks_stdin =
        args.query.as_deref() == Some("-") || args.queries.as_deref().is_some_and(stories::is_stdin);
    if asks_stdin && args.paths.iter().any(|path| stories::is_stdin(path)) {
        return Err(CliError::Usage {
            option: "--in".into(),
            message: "standard input is what is asked, and cannot be what is searched too".into(),
            hint: "keep one of the two in a file".into(),
        });
    }
    let bars = Bars::new(args.compute.quiet);
    let filter = Filter::new(args)?;
    let mut engine = Engine::new(&args.compute)?;
    archive::open_or_find(&args.archive, args.paths.is_empty(), &mut engine)?;
    let options = stories::options(&args.input)?;
    let archived = engine.store.as_ref().map_or(Ok(0), |store| store.reader().story_count())?;
    let near = match &args.query {
        Some(query)
            if archived > FULL_SCAN_LIMIT
                && args.paths.is_empty()
                && filter.is_open()
                && !args.not_copies =>
        {
            Some(near(&engine, query, usize::from(args.k), &options, &bars)?)
        }
        _ => None,
    };
    let mut bad_input = false;
    let (archive, near, query) = match near {
        Some((archive, near, query)) => (Some(archive), near, Some(query)),
        None => {
            let ingested = archive::read(&engine, &args.paths, &options, &bars)?;
            bad_input = !ingested.notices.is_empty();
            let corpus = Corpus::new(ingested.stories);
            let vectors = engine.embed(&corpus, &bars)?.vectors;
            let query = args.query.as_ref().map(|query| Query::read(query, &corpus, &options, &bars));
            let query = query.transpose()?;
            let told = engine.store.as_ref().map_or(Ok(Vec::new()), |store| store.reader().boilerplate())?;
            let boilerplate = BoilerplateList::from_flags(told.into_iter());
            (None, LookupCandidates { corpus, vectors, boilerplate }, query)
        }
    };
    let LookupCandidates { corpus, vectors: rows, boilerplate } = near;
    let titles = Titles::new(&corpus);
    let title_vectors = engine.embed_titles(&titles, &bars)?;
    let documents = link::documents(&corpus, &rows, &titles, &title_vectors, &boilerplate);
    let groups = match args.not_copies {
        true => {
            judge(
                &Ask { decided: decided(None, &engine, &corpus)?, ..Ask::default() },
                &engine,
                &corpus,
                &rows,
                &bars,
            )?
            .groups
        }
        false => Groups::default(),
    };
    let (wanted, undated) = filter.wanted(&corpus);
    let lookup = match &archive {
        Some(archive) => SimilarityIndex::with_document_frequencies(
            documents,
            &archive.document_frequencies()?,
            engine.isa,
            &bars,
        )?,
        None => SimilarityIndex::new(documents, engine.isa, &bars)?,
    };
    let searched = Searched {
        corpus: &corpus,
        lookup,
        answers: Answers::new(&groups, wanted),
        groups: &groups,
        k: usize::from(args.k),
        least: args.min_score,
    };
    let pool = Pool { engine: &engine, searched };

    let format = match args.format {
        SimilarFormat::Table => HitFormat::Table,
        SimilarFormat::Json => HitFormat::Json,
        SimilarFormat::Jsonl => HitFormat::Jsonl,
    };
    match (query, &args.queries) {
        (Some(query), _) => {
            let hits = pool.answer(query, &bars)?;
            sink::write_to(args.out.as_deref(), |out| write_hits(format, &hits, out))?;
        }
        (None, Some(file)) => {
            bad_input |= queries::answer(&pool, file, args.out.as_deref(), &bars, args.compute.quiet)?;
        }
        (None, None) => {}
    }
    if !args.compute.quiet {
        let looked = pool.searched.answers.wanted.iter().filter(|w| **w).count();
        let of_all = archive.is_some().then_some(archived);
        note(looked, of_all, undated, &mut io::stderr());
    }
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

/// The stories of the store that a look-up has to look at, with the vectors of their rows, and what is asked.
fn near(
    engine: &Engine,
    query: &str,
    k: usize,
    options: &ingest::IngestOptions,
    bars: &Bars,
) -> Result<(Archive, LookupCandidates, Query)> {
    let folder = engine.store.as_ref().map_or(Path::new("."), |store| store.folder());
    let archive = archive::judging(Store::open(folder)?, engine)?;
    let reader = archive.store().reader();
    let of_store = reader.story_number(query)?.map(|number| reader.story(number)).transpose()?.flatten();
    let is_own = of_store.is_some();
    let story = match of_store {
        Some(story) => story,
        None => match Query::read(query, &Corpus::default(), options, bars)? {
            Query::Other(story) => *story,
            Query::Own(_) => Story::default(),
        },
    };
    let asked = Corpus::new(vec![story.clone()]);
    let vectors = engine.embed(&asked, bars)?.vectors;
    let near = archive.lookup_candidates(&asked, &vectors, k)?;
    // Where very many stories are as near as itself, a story may not be among those that are looked at.
    let place = near.corpus.stories.iter().position(|s| is_own && s.id == story.id);
    let query = place.map_or_else(|| Query::Other(Box::new(story)), Query::Own);
    Ok((archive, near, query))
}

/// How many stories were looked at, of how many if those were only the nearest, and what was passed over.
fn note(looked: usize, of_all: Option<u32>, undated: usize, err: &mut dyn Write) {
    let told = match of_all {
        Some(all) => format!("the {looked} nearest of {all} stories looked at"),
        None => format!("{looked} stories looked at"),
    };
    let passed = match undated {
        0 => String::new(),
        n => format!("; {n} without a date passed over"),
    };
    // Nothing can be done for a reader that hears nothing.
    let _ = writeln!(err, "{told}{passed}");
}

/// What is asked.
pub enum Query {
    /// A story of the pool, by its place.
    Own(usize),
    /// Another text.
    Other(Box<Story>),
}

impl Query {
    /// The story that is asked for: one of `corpus` by its id, standard input, a file (`file#n` for its nth story), else
    /// the words themselves.
    fn read(asked: &str, corpus: &Corpus, options: &ingest::IngestOptions, bars: &Bars) -> Result<Query> {
        if let Some(place) = corpus.stories.iter().position(|s| s.id == asked) {
            return Ok(Query::Own(place));
        }
        let of_text =
            |text: String| Query::Other(Box::new(Story { id: "query".into(), text, ..Story::default() }));
        if asked == "-" {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map_err(CliError::io("read", "standard input"))?;
            return Ok(of_text(text));
        }
        let file = asked.rsplit_once('#').map_or(asked, |(file, _)| file);
        if Path::new(asked).is_file() || Path::new(file).is_file() {
            let mut read = Vec::new();
            let id = explain::find(asked, &mut read, options, bars)?;
            return Ok(Query::Other(Box::new(read.swap_remove(id.index()))));
        }
        if !asked.trim().contains(char::is_whitespace) {
            say!(
                "samestory: {} is no id and no file; it is searched as text",
                samestory::report::sanitize_line(asked, 200)
            );
        }
        Ok(of_text(asked.into()))
    }
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
            Some(text) => corpus::parse_date(text, end).map(Some).ok_or_else(|| CliError::Usage {
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

    /// Whether all stories are wanted.
    fn is_open(&self) -> bool {
        self.since.is_none() && self.until.is_none() && self.sources.is_empty()
    }

    /// For each story whether it is wanted, and how many are not for want of a date.
    fn wanted(&self, corpus: &Corpus) -> (Vec<bool>, usize) {
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
        (wanted, undated)
    }
}
