//! The stories that `samestory similar` searches, and how questions to them are answered.

use std::collections::HashMap;

use rayon::prelude::*;
use samestory::{
    Error, Result, compare,
    group::Groups,
    ingest,
    link::{self, Lookup, Titles},
    progress::Progress,
    report::{Hit, hits},
    story::Corpus,
    vector::Matrix,
};

use super::{
    engine::{Engine, title_rows},
    similar::Query,
};

/// Answers questions.
pub struct Pool<'a> {
    /// Embeds them.
    pub engine: &'a Engine,
    pub searched: Searched<'a>,
}

/// The stories that are searched.
pub struct Searched<'a> {
    pub corpus: &'a Corpus,
    pub lookup: Lookup<'a>,
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
        let (texts, searched) = (Texts::of(queries), &self.searched);
        match self.engine.embed(&texts.corpus, progress) {
            Ok(of) => queries.par_iter().map(|q| searched.nearest(q, &texts, &of.vectors)).collect(),
            Err(error) if queries.len() == 1 => vec![Err(error)],
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
    fn nearest(&self, query: &Prepared, texts: &Texts, vectors: &Matrix) -> Result<Vec<Hit>> {
        let answers = &self.answers;
        let mut found = match query {
            Prepared::Own(place) => {
                let wanted = |other: usize| answers.wanted(other, Some(*place));
                self.lookup.nearest(self.lookup.reading(*place), self.k, &wanted)
            }
            Prepared::Other(asked) if asked.corpus.rows.is_empty() => {
                return Err(Error::NoStories {
                    place: "the query".into(),
                    hint: "give a text, a file, an id, or - for standard input".into(),
                });
            }
            Prepared::Other(asked) => {
                let [rows, title_vectors] =
                    [&asked.corpus, &asked.title_rows].map(|of| texts.vectors(of, vectors));
                let known = compare::Boilerplate::default();
                let readings = link::readings(&asked.corpus, &rows, &asked.titles, &title_vectors, &known);
                self.lookup.nearest(&readings[0], self.k, &|other| answers.wanted(other, None))
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
                let corpus = ingest::corpus(vec![*story]);
                let titles = Titles::new(&corpus);
                let title_rows = title_rows(&titles);
                Prepared::Other(Box::new(Asked { corpus, titles, title_rows }))
            }
        }
    }
}

/// The texts of some queries, each once.
#[derive(Default)]
struct Texts {
    corpus: Corpus,
    places: HashMap<[u8; 16], usize>,
}

impl Texts {
    fn of(queries: &[Prepared]) -> Self {
        let mut texts = Texts::default();
        for query in queries {
            if let Prepared::Other(asked) = query {
                for row in asked.corpus.rows.iter().chain(&asked.title_rows.rows) {
                    texts.places.entry(row.hash).or_insert_with(|| {
                        texts.corpus.rows.push(row.clone());
                        texts.corpus.rows.len() - 1
                    });
                }
            }
        }
        texts
    }

    /// The vectors of the rows of `corpus`, out of those of all texts.
    fn vectors(&self, corpus: &Corpus, all: &Matrix) -> Matrix {
        let values = corpus.rows.iter().flat_map(|row| all.row(self.places[&row.hash])).copied();
        Matrix::from_vec(values.collect(), all.dim())
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
