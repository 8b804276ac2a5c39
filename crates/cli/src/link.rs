//! `samestory link`: related stories and the storylines that they make.

use std::path::PathBuf;

use samestory::{
    compare,
    link::{self, Document, IncrementalLinker, Titles},
    report::{Page, Related, RelatedFormat, write_html, write_related},
    story::Corpus,
};

use super::{
    Outcome, archive,
    args::{Link, LinkFormat},
    bars::{Bars, catch_ctrl_c},
    boilerplate,
    engine::Engine,
    judge::{self, Ask, Counts},
    outputs, sink, stories,
};
use crate::error::Result;

/// Runs the command.
pub fn run(args: &Link) -> Result<Outcome> {
    catch_ctrl_c();
    let read = [&args.decisions, &args.boilerplate].into_iter().flatten();
    let read: Vec<PathBuf> = args.paths.iter().chain(read).cloned().collect();
    outputs::check(&read, &[("--out", args.out.as_deref()), ("--html", args.html.as_deref())])?;
    let bars = Bars::new(args.compute.quiet);
    let ingest_options = stories::options(&args.input)?;
    let mut options = compare::Options::default();
    if let Some(file) = &args.boilerplate {
        options.boilerplate = boilerplate::read(file)?;
    }
    let mut engine = Engine::new(&args.compute)?;
    archive::open_or_find(&args.archive, args.paths.is_empty(), &mut engine)?;
    let ingested = archive::read(&engine, &args.paths, &ingest_options, &bars)?;
    let bad_input = !ingested.notices.is_empty();
    let counts = Counts::of(&ingested);
    let corpus = Corpus::new(ingested.stories);
    let mut manifest = judge::manifest(&engine, &counts, &corpus);

    let embedded = engine.embed(&corpus, &bars)?;
    manifest.embedding = embedded.stats;
    let rows = embedded.vectors;
    let titles = Titles::new(&corpus);
    let title_vectors = engine.embed_titles(&titles, &bars)?;
    let known = options.boilerplate.clone();
    let decided = judge::decided(args.decisions.as_deref(), &engine, &corpus)?;
    let ask = Ask { options, decided, show: args.html.is_some(), ..Ask::default() };
    let judged = judge::judge(&ask, &engine, &corpus, &rows, &bars)?;
    judge::note(&judged, &ask.decided, &mut manifest);
    let groups = judged.groups;

    let nodes = link::nodes(&corpus, &groups);
    let undated = corpus.stories.iter().filter(|story| story.published.is_none()).count();
    if undated > 0 && !args.compute.quiet {
        say!(
            "samestory: {undated} of {} stories have no date: they come last, in the order of the input, and are as near as \
             if told at once with any other",
            corpus.stories.len()
        );
    }
    let all = link::documents(&corpus, &rows, &titles, &title_vectors, &known);
    let variants = link::template_variants(&nodes, &judged.verdicts);
    let reading = |(node, template_variants): (&link::Node, Vec<u32>)| Document {
        published: node.published,
        template_variants,
        ..all[node.story.index()].clone()
    };
    let of_nodes: Vec<Document> = nodes.iter().zip(variants).map(reading).collect();
    let prior = engine.embed_texts(link::prior_texts(), &bars)?.vectors;
    let link_options =
        link::LinkOptions { half_life_hours: args.half_life, neighbours: usize::from(args.neighbours) };
    let mut linker = IncrementalLinker::new(&prior, link_options);
    linker.extend(&of_nodes, &bars)?;
    let related = Related::new(&corpus, &groups, &nodes, &linker.links(), &linker.storylines());

    let format = match args.format {
        LinkFormat::Table => RelatedFormat::Table,
        LinkFormat::Jsonl => RelatedFormat::Jsonl,
        LinkFormat::Csv => RelatedFormat::Csv,
        LinkFormat::Groups => RelatedFormat::Groups,
        LinkFormat::Graphml => RelatedFormat::Graphml,
        LinkFormat::Dot => RelatedFormat::Dot,
    };
    sink::write_to(args.out.as_deref(), |out| write_related(format, &related, out))?;
    manifest.stages = bars.stage_times();
    if let (Some(path), Some(evidence)) = (&args.html, &judged.evidence) {
        let related = Some(&related);
        let page = Page {
            command: "link",
            corpus: &corpus,
            groups: &groups,
            decided: &ask.decided,
            evidence,
            manifest: &manifest,
            related,
        };
        sink::write_to(Some(path), |out| write_html(&page, out))?;
    }
    if !args.compute.quiet {
        let seconds: Vec<String> =
            bars.stage_times().iter().map(|t| format!("{} {:.2} s", t.stage, t.seconds)).collect();
        say!(
            "{} stories, {} without their copies; {} storylines, {} links; {}; {}, {} threads",
            corpus.stories.len(),
            nodes.len(),
            related.storylines.len(),
            related.links.len(),
            seconds.join(", "),
            engine.device(),
            engine.threads
        );
    }
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}
