//! Every compared pair with what the rules looked at, as JSON lines: to see why, and to set thresholds by.

use std::io::{self, Write};

use serde::Serialize;

use crate::{
    compare::{Figures, Verdict},
    story::Corpus,
};

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    a: &'a str,
    b: &'a str,
    relation: &'a str,
    rule: &'a str,
    #[serde(flatten)]
    figures: &'a Figures,
}

/// Writes `verdicts` in their order.
pub fn pairs(corpus: &Corpus, verdicts: &[Verdict], out: &mut dyn Write) -> io::Result<()> {
    for v in verdicts {
        let id = |s: crate::story::StoryId| corpus.stories[s.index()].id.as_str();
        let line =
            Line { a: id(v.a), b: id(v.b), relation: v.relation.name(), rule: &v.rule, figures: &v.figures };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
