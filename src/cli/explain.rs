//! `samestory explain`: two stories side by side, and why they are judged as they are.

use std::path::Path;

use samestory::{
    Error, Result,
    compare::{Comparer, Explanation, Options, PartKind},
    embed::embed_texts,
    ingest,
    report::line,
    story::{Story, StoryId},
};

use super::{
    Outcome,
    args::{Explain, ExplainFormat},
    bars::{Bars, catch_ctrl_c},
    engine::Engine,
    sink, stories,
};

/// Runs the command.
pub fn run(args: &Explain) -> Result<Outcome> {
    catch_ctrl_c();
    let bars = Bars::new(args.compute.quiet);
    let engine = Engine::new(&args.compute)?;
    let options = stories::options(&args.input)?;
    let mut all: Vec<Story> = Vec::new();
    if !args.paths.is_empty() {
        all = stories::read(&args.paths, &options, &bars)?.stories;
    }
    let ids = [&args.a, &args.b].map(|name| {
        if let Some(at) = all.iter().position(|s| s.id == *name) {
            return Ok(StoryId(at as u32));
        }
        if !Path::new(name).is_file() {
            let hint = "give an id from the report with --in PATHS, or a file that holds one story";
            return Err(Error::UnknownStory { id: name.clone(), hint: hint.into() });
        }
        let read = stories::read(&[name.into()], &options, &bars)?;
        all.extend(read.stories.into_iter().take(1));
        Ok(StoryId(all.len() as u32 - 1))
    });
    let [a, b] = ids;
    let (a, b) = (a?, b?);
    let corpus = ingest::corpus(all);
    let texts: Vec<&str> = corpus.rows.iter().map(|r| r.text.as_str()).collect();
    let embedded = embed_texts(&engine.model, engine.encoder.as_ref(), &texts, &bars)?;
    let compare_options = Options::default();
    let explanation = Comparer::new(&corpus, &embedded.vectors, &compare_options).explain(a, b);
    sink::write_to(None, |out| match args.format {
        ExplainFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &explanation)?;
            writeln!(out)
        }
        ExplainFormat::Text => text(&explanation, out),
    })?;
    Ok(Outcome::Done)
}

fn text(e: &Explanation, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let f = &e.figures;
    writeln!(out, "{}  and  {}", line(&e.a, 60), line(&e.b, 60))?;
    writeln!(out, "{}: {}", e.relation.name(), e.rule)?;
    writeln!(
        out,
        "{:.0} % of the first is in the second, {:.0} % of the second in the first; cosine {:.2}; longest common run {} words",
        f.coverage_ab * 100.0,
        f.coverage_ba * 100.0,
        f.cosine,
        f.longest
    )?;
    writeln!(
        out,
        "numbers shared {:.0} % of {}, names {:.0} % of {}\n",
        f.numbers_shared * 100.0,
        f.numbers,
        f.names_shared * 100.0,
        f.names
    )?;
    for part in &e.parts {
        let (mark, name) = match part.kind {
            PartKind::Identical => ("=", "identical"),
            PartKind::Changed => ("~", "changed"),
            PartKind::Cut => ("-", "only in the first"),
            PartKind::Added => ("+", "only in the second"),
            PartKind::Boilerplate => (".", "boilerplate"),
        };
        writeln!(out, "{mark} {name} ({:.0} % found)", part.coverage * 100.0)?;
        match part.kind {
            PartKind::Changed => writeln!(out, "  {}", diff(&part.a, &part.b))?,
            _ => writeln!(out, "  {}", line(if part.a.is_empty() { &part.b } else { &part.a }, 2000))?,
        }
    }
    Ok(())
}

/// The second text with what was cut in `[-…-]` and what was added in `{+…+}`, word by word.
fn diff(a: &str, b: &str) -> String {
    let (a, b) = (line(a, 4000), line(b, 4000));
    let diff = similar::TextDiff::from_words(a.as_str(), b.as_str());
    let mut out = String::new();
    for change in diff.iter_all_changes() {
        match change.tag() {
            similar::ChangeTag::Equal => out.push_str(change.value()),
            similar::ChangeTag::Delete => out.push_str(&format!("[-{}-]", change.value())),
            similar::ChangeTag::Insert => out.push_str(&format!("{{+{}+}}", change.value())),
        }
    }
    out.replace("-][-", "").replace("+}{+", "")
}
