//! `samestory report`: the page of a store.

use samestory::{
    archive::{GroupedCorpus, decisions},
    compare::Thresholds,
    group::Groups,
    report::{Evidence, Page, write_html},
    store::{Identity, Store},
};

use super::{
    Outcome, archive,
    args::Report,
    bars::{Bars, catch_ctrl_c},
    engine::Engine,
    judge::{self, Counts},
    outputs, sink,
};
use crate::error::Result;

/// Runs the command.
pub fn run(args: &Report) -> Result<Outcome> {
    catch_ctrl_c();
    outputs::check(&[], &[("--html", Some(&args.html))])?;
    let bars = Bars::new(args.compute.quiet);
    let engine = Engine::new(&args.compute)?;
    let folder = archive::existing_folder(args.store.as_deref())?;
    let store = Store::open(&folder)?;
    store.check_identity(&Identity::of(&engine.model))?;
    let files = store.info()?.sources;
    let kept = decisions(store.reader())?;
    let archive = archive::judging(store, &engine)?;
    let write = |stored: &GroupedCorpus<'_>| -> Result<Outcome> {
        let GroupedCorpus { corpus, verdicts, groups, comparer } = stored;
        let evidence = Evidence::gather(comparer, verdicts, groups, &Thresholds::default(), &bars);
        let counts = Counts { files, skipped: 0, notices: 0 };
        let mut manifest = judge::manifest(&engine, &counts, corpus);
        manifest.index = "as the store has judged them".into();
        manifest.candidates = verdicts.len() as u64;
        manifest.candidate_recall = 1.0;
        manifest.recall_method = "all rows of the store were compared when each story came".into();
        let decided = kept.resolve_file(&folder, corpus)?;
        manifest.decisions = judge::count_decided(&decided);
        judge::count_found(groups, &mut manifest);
        manifest.stages = bars.stage_times();
        let groups: &Groups = groups;
        let page = Page {
            command: "report",
            corpus,
            groups,
            decided: &decided,
            evidence: &evidence,
            manifest: &manifest,
            related: None,
        };
        sink::write_to(Some(&args.html), |out| write_html(&page, out))?;
        if !args.compute.quiet {
            say!(
                "{} stories, {} groups; {}",
                corpus.stories.len(),
                groups.groups.len(),
                samestory::report::sanitize_line(&args.html.display().to_string(), 400)
            );
        }
        Ok(Outcome::Done)
    };
    archive.with_groups(write)?
}
