//! `samestory outlets`: what each publisher's text is made of.

use samestory::{
    archive::GroupedCorpus,
    group,
    report::{OutletsFormat as Format, write_outlets},
};

use super::{
    Outcome,
    args::{Outlets, OutletsFormat},
    bars::{Bars, catch_ctrl_c},
    grouped::{Wish, grouped},
    outputs, sink,
};
use crate::error::Result;

/// Runs the command.
pub fn run(args: &Outlets) -> Result<Outcome> {
    catch_ctrl_c();
    outputs::check(&args.paths, &[("--out", args.out.as_deref())])?;
    let bars = Bars::new(args.compute.quiet);
    let wish = Wish {
        paths: &args.paths,
        archive: &args.archive,
        input: &args.input,
        compute: &args.compute,
        boilerplate: args.boilerplate.as_deref(),
    };
    let format = match args.format {
        OutletsFormat::Table => Format::Table,
        OutletsFormat::Jsonl => Format::Jsonl,
        OutletsFormat::Csv => Format::Csv,
    };
    let ((), bad_input) = grouped(&wish, &bars, |GroupedCorpus { corpus, groups, comparer, .. }| {
        let outlets = group::outlets(corpus, comparer, groups);
        sink::write_to(args.out.as_deref(), |out| write_outlets(format, &outlets, out))?;
        if !args.compute.quiet {
            let counts = (corpus.stories.len(), groups.groups.len(), outlets.len());
            say!("{} stories, {} groups, {} outlets", counts.0, counts.1, counts.2);
        }
        Ok(())
    })?;
    Ok(if bad_input && args.input.strict { Outcome::BadInput } else { Outcome::Done })
}
