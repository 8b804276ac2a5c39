//! Lookups: the stories of a pool that are most similar to a text.
//!
//! A [`StoryPool`] holds stories with their vectors, a [`Lookup`] searches it with settings of its own.

use std::{borrow::Cow, sync::Arc};

use rayon::prelude::*;

use crate::{
    DedupOutcome, Error, Result,
    boilerplate::BoilerplateList,
    compare::DocumentFrequencies,
    embedder::{Embedder, EmbeddingPrefetch, VectorSource},
    group::Groups,
    link::{self, SimilarStory, SimilarityIndex, Titles},
    linker::{embed_titles, title_rows},
    progress::{NoProgress, Progress},
    story::{Corpus, Row, Story},
    vector::Matrix,
};

/// Stories to be looked up, with the vectors of their passages and titles.
pub struct StoryPool {
    embedder: Arc<Embedder>,
    corpus: Arc<Corpus>,
    /// One unit vector for each row of the corpus.
    vectors: Arc<Matrix>,
    titles: Titles,
    title_vectors: Matrix,
    boilerplate: BoilerplateList,
}

impl StoryPool {
    /// The stories of `corpus`; `vectors` has one unit vector for each of its rows. Titles are embedded, but for those
    /// whose vectors `known` has.
    ///
    /// # Errors
    /// As [`Embedder::embed_corpus`].
    pub fn new(
        embedder: Arc<Embedder>,
        (corpus, vectors): (Arc<Corpus>, Arc<Matrix>),
        boilerplate: BoilerplateList,
        known: Option<&dyn VectorSource>,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let titles = Titles::new(&corpus);
        let title_vectors = embed_titles(&embedder, &titles, known, progress)?;
        Ok(StoryPool { embedder, corpus, vectors, titles, title_vectors, boilerplate })
    }

    /// The stories of `outcome`.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn from_outcome(outcome: &DedupOutcome) -> Result<Self> {
        let boilerplate = outcome.compare_options().boilerplate.clone();
        Self::new(Arc::clone(outcome.embedder()), outcome.shared()?, boilerplate, None, &NoProgress)
    }

    /// The stories.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }
}

/// What is looked up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Query {
    /// A story of the pool, by its place.
    Pooled(usize),
    /// Another story, of which title and text count.
    Story(Box<Story>),
}

impl From<&str> for Query {
    fn from(text: &str) -> Self {
        Query::Story(Box::new(Story { id: "query".into(), text: text.into(), ..Story::default() }))
    }
}

impl From<Story> for Query {
    fn from(story: Story) -> Self {
        Query::Story(Box::new(story))
    }
}

/// Finds the stories of a pool that are most similar to a query.
pub struct Lookup<'p> {
    pool: &'p StoryPool,
    index: SimilarityIndex<'p>,
    groups: Cow<'p, Groups>,
    filter: AnswerFilter,
    limit: usize,
    min_score: Option<f32>,
}

/// Settings of a [`Lookup`].
#[must_use]
pub struct LookupBuilder<'p> {
    pool: &'p StoryPool,
    groups: Option<&'p Groups>,
    allowed: Option<Vec<bool>>,
    frequencies: Option<&'p dyn DocumentFrequencies>,
    limit: usize,
    min_score: Option<f32>,
}

impl<'p> LookupBuilder<'p> {
    /// How many stories are found, at most. By default 10.
    pub fn limit(self, limit: usize) -> Self {
        LookupBuilder { limit, ..self }
    }

    /// The least score of a story that is found, where 1 is the same text. By default there is none.
    pub fn min_score(self, min_score: Option<f32>) -> Self {
        LookupBuilder { min_score, ..self }
    }

    /// Groups of copies, of which one story each is found. By default every story stands for itself.
    pub fn groups(self, groups: &'p Groups) -> Self {
        LookupBuilder { groups: Some(groups), ..self }
    }

    /// For each story of the pool whether it may be found. By default all may.
    pub fn allowed(self, allowed: Vec<bool>) -> Self {
        LookupBuilder { allowed: Some(allowed), ..self }
    }

    /// The document frequencies of the collection that the pool was taken from. By default those of the pool.
    pub fn document_frequencies(self, frequencies: &'p dyn DocumentFrequencies) -> Self {
        LookupBuilder { frequencies: Some(frequencies), ..self }
    }

    /// Indexes the pool.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if `progress` cancels, and if the document frequencies cannot be read.
    pub fn build(self, progress: &dyn Progress) -> Result<Lookup<'p>> {
        let LookupBuilder { pool, groups, allowed, frequencies, limit, min_score } = self;
        let StoryPool { embedder, corpus, vectors, titles, title_vectors, boilerplate } = pool;
        let documents = link::documents(corpus, vectors, titles, title_vectors, boilerplate);
        let index = match frequencies {
            Some(frequencies) => {
                SimilarityIndex::with_document_frequencies(documents, frequencies, embedder.isa(), progress)?
            }
            None => SimilarityIndex::new(documents, embedder.isa(), progress)?,
        };
        let groups = groups.map_or_else(|| Cow::Owned(Groups::default()), Cow::Borrowed);
        let allowed = allowed.unwrap_or_else(|| vec![true; corpus.stories.len()]);
        let filter = AnswerFilter::new(&groups, allowed);
        Ok(Lookup { pool, index, groups, filter, limit, min_score })
    }
}

impl<'p> Lookup<'p> {
    /// A lookup in `pool`, with settings.
    pub fn builder(pool: &'p StoryPool) -> LookupBuilder<'p> {
        LookupBuilder { pool, groups: None, allowed: None, frequencies: None, limit: 10, min_score: None }
    }

    /// The pool that is searched.
    pub fn pool(&self) -> &'p StoryPool {
        self.pool
    }

    /// How many stories may be found.
    pub fn searched(&self) -> usize {
        self.filter.allowed.iter().filter(|allowed| **allowed).count()
    }

    /// The stories most similar to `query`, the most similar first.
    ///
    /// # Errors
    /// [`Error::NoStories`] if the query has no words, and as [`Embedder::embed`].
    pub fn similar(&self, query: impl Into<Query>) -> Result<Vec<SimilarStory>> {
        self.similar_to_all(vec![query.into()], None, &NoProgress).swap_remove(0)
    }

    /// The stories most similar to each of `queries`, in their order. All texts are embedded at once, but for those whose
    /// vectors `known` has.
    ///
    /// # Errors
    /// Each as [`Lookup::similar`].
    pub fn similar_to_all(
        &self,
        queries: Vec<Query>,
        known: Option<&dyn VectorSource>,
        progress: &dyn Progress,
    ) -> Vec<Result<Vec<SimilarStory>>> {
        let queries: Vec<PreparedQuery> = queries.into_par_iter().map(PreparedQuery::new).collect();
        self.answer_all(&queries, known, progress)
    }

    fn answer_all(
        &self,
        queries: &[PreparedQuery],
        known: Option<&dyn VectorSource>,
        progress: &dyn Progress,
    ) -> Vec<Result<Vec<SimilarStory>>> {
        let rows = queries.iter().flat_map(PreparedQuery::rows).cloned();
        match EmbeddingPrefetch::new(&self.pool.embedder, rows, known, progress) {
            Ok(vectors) => queries.par_iter().map(|query| self.answer(query, &vectors)).collect(),
            Err(error) if queries.len() == 1 => vec![Err(error)],
            // One by one, since the error is that of one of them.
            Err(_) => queries.chunks(1).flat_map(|query| self.answer_all(query, known, progress)).collect(),
        }
    }

    fn answer(&self, query: &PreparedQuery, vectors: &EmbeddingPrefetch) -> Result<Vec<SimilarStory>> {
        let filter = &self.filter;
        let mut found = match query {
            PreparedQuery::Pooled(place) => {
                let allowed = |other: usize| filter.allows(other, Some(*place));
                self.index.nearest(self.index.document(*place), self.limit, &allowed)
            }
            PreparedQuery::Text(text) => {
                let no_words = || Error::NoStories { place: "the query".into() };
                if text.corpus.rows.is_empty() {
                    return Err(no_words());
                }
                let of_rows = |corpus: &Corpus| {
                    vectors.vectors(corpus.rows.iter().map(|row| row.text.as_str())).ok_or_else(no_words)
                };
                let (rows, titles) = (of_rows(&text.corpus)?, of_rows(&text.title_rows)?);
                let boilerplate = BoilerplateList::default();
                let documents = link::documents(&text.corpus, &rows, &text.titles, &titles, &boilerplate);
                self.index.nearest(&documents[0], self.limit, &|other| filter.allows(other, None))
            }
        };
        if let Some(min_score) = self.min_score {
            found.retain(|story| story.score >= min_score);
        }
        Ok(found)
    }

    /// What was found as a report shows it.
    #[cfg(feature = "reports")]
    pub fn hits(&self, found: &[SimilarStory]) -> Vec<crate::report::Hit> {
        crate::report::hits(&self.pool.corpus, &self.groups, found)
    }

    /// The groups of which one story each is found.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }
}

/// A query with the passages of its text.
enum PreparedQuery {
    Pooled(usize),
    Text(Box<QueryText>),
}

struct QueryText {
    corpus: Corpus,
    titles: Titles,
    title_rows: Corpus,
}

impl PreparedQuery {
    fn new(query: Query) -> Self {
        match query {
            Query::Pooled(place) => PreparedQuery::Pooled(place),
            Query::Story(story) => {
                let corpus = Corpus::new(vec![*story]);
                let titles = Titles::new(&corpus);
                let title_rows = title_rows(&titles);
                PreparedQuery::Text(Box::new(QueryText { corpus, titles, title_rows }))
            }
        }
    }

    /// The rows whose vectors it needs.
    fn rows(&self) -> impl Iterator<Item = &Row> {
        let corpora = match self {
            PreparedQuery::Pooled(_) => None,
            PreparedQuery::Text(text) => Some([&text.corpus, &text.title_rows]),
        };
        corpora.into_iter().flatten().flat_map(|corpus| &corpus.rows)
    }
}

/// Which stories may be found.
struct AnswerFilter {
    /// Of a group only one: the canonical story, or if that is not allowed, the first that is.
    allowed: Vec<bool>,
    /// The number of each story's group; 0 for those in none.
    group: Vec<u32>,
}

impl AnswerFilter {
    fn new(groups: &Groups, mut allowed: Vec<bool>) -> Self {
        let mut of = vec![0; allowed.len()];
        for group in &groups.groups {
            let answer = group.members.iter().map(|m| m.story.index()).find(|i| allowed[*i]);
            for member in &group.members {
                allowed[member.story.index()] = Some(member.story.index()) == answer;
                of[member.story.index()] = group.id;
            }
        }
        AnswerFilter { allowed, group: of }
    }

    /// Whether `story` may be found: not the story that is looked up, nor one of its group.
    fn allows(&self, story: usize, query: Option<usize>) -> bool {
        let is_same = |query: usize| {
            query == story || (self.group[query] != 0 && self.group[query] == self.group[story])
        };
        self.allowed[story] && !query.is_some_and(is_same)
    }
}
