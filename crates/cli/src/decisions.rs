//! Decisions on the stories of a run: those of a file, and those that a store keeps.

use std::path::Path;

use samestory::{
    archive::decisions,
    group::{Constraints, Decisions},
    story::Corpus,
};

use crate::{error::Result, output, runtime::Runtime};

/// The decisions of `file` on the stories of `corpus`, and those that the store of `runtime` keeps on other pairs. Counts
/// those on other stories on stderr.
pub fn resolve(file: Option<&Path>, runtime: &Runtime, corpus: &Corpus) -> Result<Constraints> {
    let stored = match &runtime.store {
        Some(store) => decisions(store.reader())?,
        None => Decisions::default(),
    };
    let Some(file) = file else { return Ok(stored.resolve_file(Path::new(""), corpus)?) };
    let given = Decisions::read(file)?;
    let constraints = given.resolve_file(file, corpus)?;
    if !constraints.unresolved.is_empty() {
        print_unresolved(file, &constraints);
    }
    let all = stored.merge(&given).map_err(|conflict| conflict.in_file(file))?;
    Ok(all.resolve_file(file, corpus)?)
}

fn print_unresolved(file: &Path, constraints: &Constraints) {
    let unresolved = constraints.unresolved.len();
    let name =
        if unresolved == 1 { "decision names a story that is" } else { "decisions name stories that are" };
    let mismatches = match constraints.text_mismatches {
        0 => String::new(),
        n => format!("; under the ids of {n} there are other texts now, or several have that text"),
    };
    let file = output::printable_path(file);
    status!("samestory: {file}: {unresolved} {name} not here{mismatches}");
}
