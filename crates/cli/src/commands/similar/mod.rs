//! `samestory similar`: the stories most similar to a text, with the passages that match.

mod filter;
mod queries;

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, ValueEnum};
use samestory::{
    Deduplicator, Lookup, StoryPool,
    archive::{Archive, FULL_SCAN_LIMIT, LookupCandidates},
    boilerplate::BoilerplateList,
    dedup::{DedupInput, VerdictScope},
    group::Groups,
    lookup::Query,
    report::{HitFormat, sanitize_line, write_hits},
    store::Store,
    story::{Corpus, Story},
    vector::Matrix,
};

use super::{Outcome, explain::find_story};
use crate::{
    decisions,
    error::{CliError, Result},
    input::{self, InputOptions},
    options::{ComputeArgs, InputArgs, StoreArgs, parse_finite},
    output, output_paths,
    progress::ProgressBars,
    runtime::Runtime,
    signals::{stdin, stop_at_safe_points},
    store,
};
use filter::Filter;

const EXAMPLES: &str = "\
Examples:
  samestory similar \"flood in Ostrel\" --in news.jsonl
  samestory similar hw-101 --in news.jsonl --since 2024-07-01 -k 5
  samestory similar --queries questions.jsonl --in news.jsonl --out answers.jsonl";

/// The arguments of `samestory similar`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct SimilarArgs {
    /// A text, a file (file#n for its nth story), the id of a story that is searched, or `-` for standard input
    #[arg(value_name = "TEXT|FILE|ID|-", required_unless_present = "queries")]
    pub query: Option<String>,
    /// Answer many: JSON lines with "id" (of a story that is searched), or "text" and perhaps "title"; `-` is standard
    /// input. Each is answered by one JSON line as soon as it is read
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["query", "format"])]
    pub queries: Option<PathBuf>,
    /// The files and folders to search
    #[arg(long = "in", value_name = "PATHS", num_args = 1..)]
    pub paths: Vec<PathBuf>,
    /// How many stories to show
    #[arg(short, long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub k: u16,
    /// Only stories published then or later: a day or a time
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    /// Only stories published then or earlier; a day counts to its end
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// Only stories of this publisher (repeatable)
    #[arg(long = "source", value_name = "NAME")]
    pub sources: Vec<String>,
    /// Only stories with at least this score, of 1 for the same text
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, value_parser = parse_finite)]
    pub min_score: Option<f32>,
    /// Show one story of each group of copies, with their number
    #[arg(long)]
    pub not_copies: bool,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = SimilarFormat::Table)]
    pub format: SimilarFormat,
    /// Where the answer goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SimilarFormat {
    /// For people
    Table,
    /// One array
    Json,
    /// One object a line
    Jsonl,
}

impl From<SimilarFormat> for HitFormat {
    fn from(format: SimilarFormat) -> Self {
        match format {
            SimilarFormat::Table => HitFormat::Table,
            SimilarFormat::Json => HitFormat::Json,
            SimilarFormat::Jsonl => HitFormat::Jsonl,
        }
    }
}

/// Runs the command.
pub fn run(args: &SimilarArgs) -> Result<Outcome> {
    stop_at_safe_points();
    check_paths(args)?;
    let progress = ProgressBars::new(args.compute.quiet);
    let filter = Filter::new(args)?;
    let mut runtime = Runtime::new(&args.compute)?;
    store::open_or_find(&args.store, args.paths.is_empty(), &mut runtime)?;
    let options = input::options(&args.input, args.compute.quiet)?;
    let stored = runtime.store.as_ref().map_or(Ok(0), |store| store.reader().story_count())?;
    let searched = match &args.query {
        Some(query) if stored > FULL_SCAN_LIMIT && args.searches_whole_store(&filter) => {
            Searched::near(query, usize::from(args.k), &options, &runtime, &progress)?
        }
        _ => Searched::all(args, &options, &runtime, &progress)?,
    };
    let Searched { pool, groups, archive, query, mut bad_input } = searched;
    let (allowed, undated) = filter.allowed(pool.corpus());
    let frequencies = archive.as_ref().map(Archive::document_frequencies).transpose()?;
    let mut builder = Lookup::builder(&pool)
        .limit(usize::from(args.k))
        .min_score(args.min_score)
        .groups(&groups)
        .allowed(allowed);
    if let Some(frequencies) = &frequencies {
        builder = builder.document_frequencies(frequencies);
    }
    let lookup = builder.build(&progress)?;
    if let Some(query) = query {
        let found = lookup.similar_to_all(vec![query], runtime.known_vectors(), &progress).swap_remove(0);
        let hits = lookup.hits(&found.map_err(hint_no_words)?);
        output::write_to(args.out.as_deref(), |out| write_hits(args.format.into(), &hits, out))?;
    } else if let Some(file) = &args.queries {
        bad_input |=
            queries::answer(&lookup, &runtime, file, args.out.as_deref(), (&progress, args.compute.quiet))?;
    }
    if !args.compute.quiet {
        print_summary(lookup.searched(), archive.is_some().then_some(stored), undated);
    }
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}

impl SimilarArgs {
    /// Whether every story of the store may be found, and nothing else.
    fn searches_whole_store(&self, filter: &Filter<'_>) -> bool {
        self.paths.is_empty() && filter.is_open() && !self.not_copies
    }
}

/// Refuses outputs that are read, and standard input where it would be read twice.
fn check_paths(args: &SimilarArgs) -> Result<()> {
    let mut read: Vec<PathBuf> = args.paths.iter().chain(&args.queries).cloned().collect();
    if let Some(query) = &args.query {
        // A text, a file, or a story of one.
        let of_file = query.rsplit_once('#').map(|(file, _)| file);
        read.extend(of_file.into_iter().chain([&**query]).map(PathBuf::from).filter(|file| file.is_file()));
    }
    output_paths::check(&read, &[("--out", args.out.as_deref())])?;
    if let Some(folder) = args.queries.as_deref().filter(|file| file.is_dir()) {
        return Err(CliError::Usage {
            option: "--queries".into(),
            message: format!("{} is a folder", output::printable_path(folder)),
            hint: "name a file of JSON lines, or - for standard input".into(),
        });
    }
    let query_on_stdin =
        args.query.as_deref() == Some("-") || args.queries.as_deref().is_some_and(input::is_stdin);
    if query_on_stdin && args.paths.iter().any(|path| input::is_stdin(path)) {
        return Err(CliError::Usage {
            option: "--in".into(),
            message: "standard input holds the query, and cannot hold the stories to search too".into(),
            hint: "keep one of the two in a file".into(),
        });
    }
    Ok(())
}

/// The stories that are searched.
struct Searched {
    pool: StoryPool,
    groups: Groups,
    /// The store, if the pool has only those of its stories that are near the query.
    archive: Option<Archive>,
    query: Option<Query>,
    bad_input: bool,
}

impl Searched {
    /// All stories that `args` name.
    fn all(
        args: &SimilarArgs,
        options: &InputOptions,
        runtime: &Runtime,
        progress: &ProgressBars,
    ) -> Result<Self> {
        let ingested = store::read(runtime, &args.paths, options, progress)?;
        let bad_input = !ingested.notices.is_empty();
        let corpus = Corpus::new(ingested.stories);
        let query = args.query.as_ref().map(|query| read_query(query, &corpus, options, progress));
        let query = query.transpose()?;
        let flags = runtime.store.as_ref().map_or(Ok(Vec::new()), |store| store.reader().boilerplate())?;
        let boilerplate = BoilerplateList::from_flags(flags.into_iter());
        let known = runtime.known_vectors();
        let (corpus, vectors, groups): (_, Arc<Matrix>, _) = if args.not_copies {
            let constraints = decisions::resolve(None, runtime, &corpus)?;
            let deduplicator = Deduplicator::builder()
                .embedder(runtime.embedder.clone())
                .verdicts(VerdictScope::Related)
                .build()?;
            let input = DedupInput::of_corpus(corpus).decisions(constraints).known_vectors(known);
            let outcome = deduplicator.run_with(input, progress)?;
            let (corpus, vectors) = outcome.shared()?;
            (corpus, vectors, outcome.grouping().clone())
        } else {
            let vectors = runtime.embed(&corpus, progress)?.vectors;
            (Arc::new(corpus), Arc::new(vectors), Groups::default())
        };
        let embedder = runtime.embedder.clone();
        let pool = StoryPool::new(embedder, (corpus, vectors), boilerplate, known, progress)?;
        Ok(Searched { pool, groups, archive: None, query, bad_input })
    }

    /// The stories of the store that are near enough to `query` to be among the `k` most similar ones.
    fn near(
        query: &str,
        k: usize,
        options: &InputOptions,
        runtime: &Runtime,
        progress: &ProgressBars,
    ) -> Result<Self> {
        let folder = runtime.store.as_ref().map_or(Path::new("."), |store| store.folder());
        let archive = runtime.archive(Store::open(folder)?)?;
        let reader = archive.store().reader();
        let of_store = reader.story_number(query)?.map(|number| reader.story(number)).transpose()?.flatten();
        let is_own = of_store.is_some();
        let story = match of_store {
            Some(story) => story,
            None => match read_query(query, &Corpus::default(), options, progress)? {
                Query::Story(story) => *story,
                _ => Story::default(),
            },
        };
        let query_corpus = Corpus::new(vec![story.clone()]);
        let vectors = runtime.embed(&query_corpus, progress)?.vectors;
        let near = archive.lookup_candidates(&query_corpus, &vectors, k)?;
        // Where very many stories are as near as itself, a story may not be among those that are looked at.
        let place = near.corpus.stories.iter().position(|s| is_own && s.id == story.id);
        let query = Some(place.map_or_else(|| Query::from(story), Query::Pooled));
        let LookupCandidates { corpus, vectors, boilerplate } = near;
        let (embedder, known) = (runtime.embedder.clone(), runtime.known_vectors());
        let content = (Arc::new(corpus), Arc::new(vectors));
        let pool = StoryPool::new(embedder, content, boilerplate, known, progress)?;
        Ok(Searched { pool, groups: Groups::default(), archive: Some(archive), query, bad_input: false })
    }
}

/// What `query` stands for: a story of `corpus` by its id, standard input, a file (`file#n` for its nth story), else the
/// words themselves.
fn read_query(
    query: &str,
    corpus: &Corpus,
    options: &InputOptions,
    progress: &ProgressBars,
) -> Result<Query> {
    if let Some(place) = corpus.stories.iter().position(|s| s.id == query) {
        return Ok(Query::Pooled(place));
    }
    if query == "-" {
        let mut text = String::new();
        stdin().read_to_string(&mut text).map_err(CliError::io("read", "standard input"))?;
        return Ok(Query::from(text.as_str()));
    }
    let file = query.rsplit_once('#').map_or(query, |(file, _)| file);
    if Path::new(query).is_file() || Path::new(file).is_file() {
        let mut read = Vec::new();
        let id = find_story(query, &mut read, options, progress)?;
        return Ok(Query::from(read.swap_remove(id.index())));
    }
    if !query.trim().contains(char::is_whitespace) {
        status!("samestory: {} is no id and no file; it is searched as text", sanitize_line(query, 200));
    }
    Ok(Query::from(query))
}

/// The error of a query, with the forms that a query has.
fn hint_no_words(error: samestory::Error) -> CliError {
    match error {
        error @ samestory::Error::NoStories { .. } => {
            CliError::hinted(error, "give a text, a file, an id, or - for standard input")
        }
        error => error.into(),
    }
}

/// How many stories were searched, of how many if those were only the nearest, and how many were skipped.
fn print_summary(searched: usize, stored: Option<u32>, undated: usize) {
    let searched = match stored {
        Some(all) => format!("the {searched} nearest of {all} stories searched"),
        None => format!("{searched} stories searched"),
    };
    let skipped = match undated {
        0 => String::new(),
        n => format!("; {n} without a date skipped"),
    };
    status!("{searched}{skipped}");
}
