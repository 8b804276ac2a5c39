//! `samestory report`: the page of a store.

use std::path::PathBuf;

use clap::Args;
use samestory::{
    archive::{GroupedCorpus, decisions},
    compare::Thresholds,
    report::{Evidence, Manifest, Page, write_html},
    store::Store,
};

use super::Outcome;
use crate::{
    error::Result, input::Counts, options::ComputeArgs, output, output_paths, progress::ProgressBars,
    runtime::Runtime, signals::stop_at_safe_points, store,
};

/// The page that dedup --html writes, of all stories of a store.
const EXAMPLES: &str = "\
Examples:
  samestory report --html archive.html";

/// The arguments of `samestory report`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct ReportArgs {
    /// The store [default: $SAMESTORY_STORE, or .samestory here or in a folder above]
    #[arg(long, value_name = "FOLDER")]
    pub store: Option<PathBuf>,
    /// Where the page goes
    #[arg(long, value_name = "FILE")]
    pub html: PathBuf,
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// Runs the command.
pub fn run(args: &ReportArgs) -> Result<Outcome> {
    stop_at_safe_points();
    output_paths::check(&[], &[("--html", Some(&args.html))])?;
    let progress = ProgressBars::new(args.compute.quiet);
    let runtime = Runtime::new(&args.compute)?;
    let folder = store::existing_folder(args.store.as_deref())?;
    let store = Store::open(&folder)?;
    store.check_identity(&runtime.identity())?;
    let files = store.info()?.sources;
    let stored_decisions = decisions(store.reader())?;
    let archive = runtime.archive(store)?;
    let write = |stored: &GroupedCorpus<'_>| -> Result<Outcome> {
        let GroupedCorpus { corpus, verdicts, groups, comparer } = stored;
        let evidence = Evidence::gather(comparer, verdicts, groups, &Thresholds::default(), &progress);
        let constraints = stored_decisions.resolve_file(&folder, corpus)?;
        let counts = Counts { files, skipped: 0, notices: 0 };
        let figures =
            Manifest::of_run(&runtime.embedder, corpus).with_groups(groups).with_decisions(&constraints);
        let manifest = Manifest {
            index: "as the store has judged them".into(),
            candidates: verdicts.len() as u64,
            candidate_recall: 1.0,
            recall_method: "all rows of the store were compared when each story came".into(),
            stages: progress.stage_times(),
            ..counts.manifest(figures)
        };
        let page = Page {
            command: "report",
            corpus,
            groups,
            decided: &constraints,
            evidence: &evidence,
            manifest: &manifest,
            related: None,
        };
        output::write_to(Some(&args.html), |out| write_html(&page, out))?;
        if !args.compute.quiet {
            status!(
                "{} stories, {} groups; {}",
                corpus.stories.len(),
                groups.groups.len(),
                output::printable_path(&args.html)
            );
        }
        Ok(Outcome::Done)
    };
    archive.with_groups(write)?
}
