//! The stories that `samestory similar` searches, and how questions to them are answered.

use rayon::prelude::*;
use samestory::{
    Error,
    group::Groups,
    link::{self, SimilarityIndex, Titles},
    progress::Progress,
    report::{Hit, hits},
    story::{Corpus, Row},
};

use super::{
    ahead::Ahead,
    engine::{Engine, title_rows},
    similar::Query,
};
use crate::error::{CliError, Result};

/// Answers questions.
pub struct Pool<'a> {
    /// Embeds them.
    pub engine: &'a Engine,
    pub searched: Searched<'a>,
}

/// The stories that are searched.
pub struct Searched<'a> {
    pub corpus: &'a Corpus,
    pub lookup: SimilarityIndex<'a>,
    pub answers: Answers,
    pub groups: &'a Groups,
    /// How many stories are shown.
    pub k: usize,
    /// Only those of at least this score.
    pub least: Option<f32>,
}

impl Pool<'_> {
    /// The stories nearest to each of `queries`, in their order: all texts are embedded at once.
    pub fn answer_all(&self, queries: Vec<Query>, progress: &dyn Progress) -> Vec<Result<Vec<Hit>>> {
        let queries: Vec<Prepared> = queries.into_par_iter().map(Prepared::new).collect();
        self.answer_prepared(&queries, progress)
    }

    fn answer_prepared(&self, queries: &[Prepared], progress: &dyn Progress) -> Vec<Result<Vec<Hit>>> {
        let rows = queries.iter().flat_map(Prepared::rows).cloned();
        let searched = &self.searched;
        match Ahead::new(self.engine, rows, progress) {
            Ok(embedded) => queries.par_iter().map(|query| searched.nearest(query, &embedded)).collect(),
            Err(error) if queries.len() == 1 => vec![Err(error.into())],
            // One by one, as the error is that of one of them.
            Err(_) => queries.chunks(1).flat_map(|query| self.answer_prepared(query, progress)).collect(),
        }
    }

    /// The stories nearest to `query`.
    pub fn answer(&self, query: Query, progress: &dyn Progress) -> Result<Vec<Hit>> {
        self.answer_all(vec![query], progress).swap_remove(0)
    }
}

impl Searched<'_> {
    fn nearest(&self, query: &Prepared, embedded: &Ahead) -> Result<Vec<Hit>> {
        let answers = &self.answers;
        let mut found = match query {
            Prepared::Own(place) => {
                let wanted = |other: usize| answers.wanted(other, Some(*place));
                self.lookup.nearest(self.lookup.document(*place), self.k, &wanted)
            }
            Prepared::Other(asked) if asked.corpus.rows.is_empty() => {
                return Err(CliError::hinted(
                    Error::NoStories { place: "the query".into() },
                    "give a text, a file, an id, or - for standard input",
                ));
            }
            Prepared::Other(asked) => {
                let [rows, title_vectors] = [&asked.corpus, &asked.title_rows].map(|of| {
                    let texts = of.rows.iter().map(|row| row.text.as_str());
                    embedded.vectors(texts).expect("all texts of a query were embedded")
                });
                let known = samestory::boilerplate::BoilerplateList::default();
                let documents = link::documents(&asked.corpus, &rows, &asked.titles, &title_vectors, &known);
                self.lookup.nearest(&documents[0], self.k, &|other| answers.wanted(other, None))
            }
        };
        if let Some(least) = self.least {
            found.retain(|f| f.score >= least);
        }
        Ok(hits(self.corpus, self.groups, &found))
    }
}

/// A query with what its text is made of.
enum Prepared {
    Own(usize),
    Other(Box<Asked>),
}

struct Asked {
    corpus: Corpus,
    titles: Titles,
    title_rows: Corpus,
}

impl Prepared {
    fn new(query: Query) -> Self {
        match query {
            Query::Own(place) => Prepared::Own(place),
            Query::Other(story) => {
                let corpus = Corpus::new(vec![*story]);
                let titles = Titles::new(&corpus);
                let title_rows = title_rows(&titles);
                Prepared::Other(Box::new(Asked { corpus, titles, title_rows }))
            }
        }
    }

    /// The rows that it needs the vectors of.
    fn rows(&self) -> impl Iterator<Item = &Row> {
        let corpora = match self {
            Prepared::Own(_) => None,
            Prepared::Other(asked) => Some([&asked.corpus, &asked.title_rows]),
        };
        corpora.into_iter().flatten().flat_map(|corpus| &corpus.rows)
    }
}

/// Which stories may be an answer.
pub struct Answers {
    /// Of a group only one: the kept story, or if that is filtered out, the first that is not.
    pub wanted: Vec<bool>,
    /// The number of each story's group; 0 for those that are alone.
    group: Vec<u32>,
}

impl Answers {
    pub fn new(groups: &Groups, mut wanted: Vec<bool>) -> Self {
        let mut of = vec![0; wanted.len()];
        for group in &groups.groups {
            let answers = group.members.iter().map(|m| m.story.index()).find(|i| wanted[*i]);
            for member in &group.members {
                wanted[member.story.index()] = Some(member.story.index()) == answers;
                of[member.story.index()] = group.id;
            }
        }
        Answers { wanted, group: of }
    }

    /// Whether `story` may be an answer: not the story that is asked for, nor one of its group.
    fn wanted(&self, story: usize, asked: Option<usize>) -> bool {
        let kin = |asked: usize| {
            asked == story || (self.group[asked] != 0 && self.group[asked] == self.group[story])
        };
        self.wanted[story] && !asked.is_some_and(kin)
    }
}
