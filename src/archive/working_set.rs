//! A few stories of a store and new ones, as one small corpus.

use std::collections::{BTreeMap, HashMap};

use crate::{
    Result,
    boilerplate::is_boilerplate,
    store::{Reader, RowNumber, StoryNumber},
    story::{Corpus, Passage, Row, RowId, Story, StoryId},
    vector::Matrix,
};

/// The corpus, with a vector and a boilerplate flag for each row.
pub(super) struct WorkingSet<'r> {
    reader: Reader<'r>,
    /// The boilerplate list, which precedes the counts of the store.
    boilerplate_list: &'r BTreeMap<String, bool>,
    dim: usize,
    pub corpus: Corpus,
    /// For each story its number in the store; none for new ones.
    pub numbers: Vec<Option<StoryNumber>>,
    /// For each row whether it is boilerplate.
    pub boilerplate: Vec<bool>,
    vectors: Vec<f32>,
    by_number: BTreeMap<StoryNumber, StoryId>,
    by_hash: HashMap<[u8; 16], RowId>,
    by_row_number: HashMap<RowNumber, RowId>,
}

impl<'r> WorkingSet<'r> {
    pub fn new(reader: Reader<'r>, boilerplate_list: &'r BTreeMap<String, bool>, dim: usize) -> Self {
        WorkingSet {
            reader,
            boilerplate_list,
            dim,
            corpus: Corpus::default(),
            numbers: Vec::new(),
            boilerplate: Vec::new(),
            vectors: Vec::new(),
            by_number: BTreeMap::new(),
            by_hash: HashMap::new(),
            by_row_number: HashMap::new(),
        }
    }

    /// Loads a story of the store, once; none if it was removed.
    pub fn load(&mut self, number: StoryNumber) -> Result<Option<StoryId>> {
        if let Some(id) = self.by_number.get(&number) {
            return Ok(Some(*id));
        }
        let Some(story) = self.reader.story(number)? else { return Ok(None) };
        let mut passages = Vec::new();
        for stored in self.reader.passages(number)? {
            let Some(row) = self.load_row(stored.row)? else { continue };
            // A passage beyond its text is damage, which `verify` reports; it gets an empty span.
            let text = if stored.title { &story.title } else { &story.text };
            let span = text.get(stored.span.clone()).map_or(0..0, |_| stored.span);
            passages.push(Passage { span, row, title: stored.title });
        }
        let id = self.push_story(story, passages, Some(number));
        self.by_number.insert(number, id);
        Ok(Some(id))
    }

    fn load_row(&mut self, number: RowNumber) -> Result<Option<RowId>> {
        if let Some(row) = self.by_row_number.get(&number) {
            return Ok(Some(*row));
        }
        let Some(stored) = self.reader.row(number)? else { return Ok(None) };
        let listed = self.boilerplate_list.get(&stored.text).copied();
        let flag = listed.unwrap_or_else(|| is_boilerplate(stored.occurrences, stored.unrelated_neighbours));
        let row = self.push_row(Row { text: stored.text, hash: stored.hash }, &stored.vector, flag);
        self.by_row_number.insert(number, row);
        Ok(Some(row))
    }

    /// Adds story `id` of `new`; `vectors` has one row for each row of `new`.
    pub fn add_new(&mut self, new: &Corpus, id: StoryId, vectors: &Matrix) -> Result<StoryId> {
        let mut passages = Vec::new();
        for passage in &new.passages[id.index()] {
            let row = &new.rows[passage.row.index()];
            let flag = self.is_boilerplate(row)?;
            let row = self.push_row(row.clone(), vectors.row(passage.row.index()), flag);
            passages.push(Passage { row, ..passage.clone() });
        }
        Ok(self.push_story(new.stories[id.index()].clone(), passages, None))
    }

    /// Whether a row of a new story is boilerplate, as far as the store shows.
    fn is_boilerplate(&self, row: &Row) -> Result<bool> {
        if let Some(listed) = self.boilerplate_list.get(&row.text) {
            return Ok(*listed);
        }
        let Some(number) = self.reader.row_number(&row.hash)? else { return Ok(false) };
        let stored = self.reader.row(number)?;
        Ok(stored.is_some_and(|row| is_boilerplate(row.occurrences, row.unrelated_neighbours)))
    }

    fn push_row(&mut self, row: Row, vector: &[f32], boilerplate: bool) -> RowId {
        if let Some(id) = self.by_hash.get(&row.hash) {
            return *id;
        }
        let id = RowId(self.corpus.rows.len() as u32);
        self.by_hash.insert(row.hash, id);
        self.corpus.rows.push(row);
        self.boilerplate.push(boilerplate);
        // A vector of another length is damage, which `verify` reports; zeros are similar to nothing.
        let is_whole = vector.len() == self.dim;
        self.vectors.extend((0..self.dim).map(|i| if is_whole { vector[i] } else { 0.0 }));
        id
    }

    fn push_story(&mut self, story: Story, passages: Vec<Passage>, number: Option<StoryNumber>) -> StoryId {
        self.corpus.stories.push(story);
        self.corpus.passages.push(passages);
        self.numbers.push(number);
        StoryId(self.corpus.stories.len() as u32 - 1)
    }

    /// The vectors, one row for each row of the corpus.
    pub fn vectors(&self) -> Matrix {
        Matrix::from_vec(self.vectors.clone(), self.dim)
    }
}
