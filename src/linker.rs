//! Links between related stories and the storylines that they make, from a deduplicated corpus in one call.
//!
//! There is no fixed threshold for *related*: a link must score higher than the best match among as many unrelated
//! stories. [`crate::link`] has the method.

#[cfg(feature = "reports")]
use std::io::{self, Write};
use std::sync::Arc;

use crate::{
    DedupOutcome, Error, Result,
    embedder::{Embedder, VectorSource},
    error::Setting,
    group::Groups,
    link::{
        self, Document, IncrementalLinker, Link, LinkOptions, Node, Storyline, Titles, documents,
        prior_texts, template_variants,
    },
    progress::{NoProgress, Progress},
    story::{Corpus, Row, Story},
    vector::Matrix,
};

/// Links the stories of a deduplicated corpus; groups of copies count as one story.
#[derive(Debug, Clone, Default)]
pub struct Linker {
    options: LinkOptions,
}

/// Settings of a [`Linker`].
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct LinkerBuilder {
    options: LinkOptions,
}

impl LinkerBuilder {
    /// Hours between two stories that halve the score of their link, above 0. By default 36.
    pub fn half_life_hours(mut self, hours: f32) -> Self {
        self.options.half_life_hours = hours;
        self
    }

    /// The nearest earlier stories that each story is linked to, at most. By default 20.
    pub fn neighbours(mut self, neighbours: usize) -> Self {
        self.options.neighbours = neighbours;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] for a half-life that is not a finite number above 0.
    pub fn build(self) -> Result<Linker> {
        let hours = self.options.half_life_hours;
        if hours.is_finite() && hours > 0.0 {
            return Ok(Linker { options: self.options });
        }
        Err(Error::Setting {
            setting: Setting::HalfLife,
            message: format!("{hours} is no number of hours above 0"),
        })
    }
}

/// The result of [`Linker::run`].
#[must_use]
pub struct LinkOutcome {
    corpus: Arc<Corpus>,
    groups: Groups,
    nodes: Vec<Node>,
    links: Vec<Link>,
    storylines: Vec<Storyline>,
}

impl Linker {
    /// A linker with settings.
    pub fn builder() -> LinkerBuilder {
        LinkerBuilder::default()
    }

    /// Links the stories of `outcome`. Only their titles are embedded.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn run(&self, outcome: &DedupOutcome) -> Result<LinkOutcome> {
        self.run_with(outcome, None, &NoProgress)
    }

    /// As [`Linker::run`], with a source of known vectors of titles, and with progress.
    ///
    /// # Errors
    /// As [`Linker::run`]; [`Error::Interrupted`] if `progress` cancels.
    pub fn run_with(
        &self,
        outcome: &DedupOutcome,
        known: Option<&dyn VectorSource>,
        progress: &dyn Progress,
    ) -> Result<LinkOutcome> {
        let embedder = outcome.embedder();
        let (corpus, vectors) = outcome.shared()?;
        let titles = Titles::new(&corpus);
        let title_vectors = embed_titles(embedder, &titles, known, progress)?;
        let prior = embedder.embed(prior_texts(), progress)?.vectors;
        let nodes = link::nodes(&corpus, outcome.grouping());
        let boilerplate = &outcome.compare_options().boilerplate;
        let all = documents(&corpus, &vectors, &titles, &title_vectors, boilerplate);
        let variants = template_variants(&nodes, outcome.verdicts());
        let document = |(node, template_variants): (&Node, Vec<u32>)| Document {
            published: node.published,
            template_variants,
            ..all[node.story.index()].clone()
        };
        let of_nodes: Vec<Document> = nodes.iter().zip(variants).map(document).collect();
        let mut linker = IncrementalLinker::new(&prior, self.options.clone());
        let (links, storylines) = embedder.install(|| -> Result<_> {
            linker.extend(&of_nodes, progress)?;
            Ok((linker.links(), linker.storylines()))
        })?;
        drop(of_nodes);
        drop(all);
        Ok(LinkOutcome { corpus, groups: outcome.grouping().clone(), nodes, links, storylines })
    }
}

impl LinkOutcome {
    /// What was linked, in the order of time: stories without a copy, and groups as one.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The links with the earlier and the later story of each, by the later story, then by score.
    pub fn links(&self) -> impl Iterator<Item = (&Story, &Story, &Link)> {
        self.links.iter().map(|link| (self.story(link.a), self.story(link.b), link))
    }

    /// The storylines with their stories, in the order of their first story.
    pub fn storylines(&self) -> impl Iterator<Item = Vec<&Story>> {
        self.storylines.iter().map(|s| s.members.iter().map(|node| self.story(*node)).collect())
    }

    fn story(&self, node: u32) -> &Story {
        &self.corpus.stories[self.nodes[node as usize].story.index()]
    }

    /// The report as data.
    #[cfg(feature = "reports")]
    pub fn related(&self) -> crate::report::Related {
        crate::report::Related::new(&self.corpus, &self.groups, &self.nodes, &self.links, &self.storylines)
    }

    /// Writes the report in `format`.
    ///
    /// # Errors
    /// If `out` cannot be written.
    #[cfg(feature = "reports")]
    pub fn write_report(&self, format: crate::report::RelatedFormat, out: &mut dyn Write) -> io::Result<()> {
        crate::report::write_related(format, &self.related(), out)
    }

    /// The groups of copies.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }
}

/// The vectors of titles, one each.
pub(crate) fn embed_titles(
    embedder: &Embedder,
    titles: &Titles,
    known: Option<&dyn VectorSource>,
    progress: &dyn Progress,
) -> Result<Matrix> {
    Ok(embedder.embed_corpus(&title_rows(titles), known, progress)?.vectors)
}

/// Titles as rows, one each, for a source of known vectors to find.
pub(crate) fn title_rows(titles: &Titles) -> Corpus {
    Corpus {
        rows: titles.texts.iter().filter_map(|title| Row::from_text(title)).collect(),
        ..Corpus::default()
    }
}
