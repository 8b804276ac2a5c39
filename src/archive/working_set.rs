//! A few stories of a store and new ones, as one small corpus.

use std::collections::{BTreeMap, HashMap};

use crate::{
    Result,
    boilerplate::is_boilerplate,
    store::Reader,
    story::{Corpus, Passage, Row, RowId, Story, StoryId},
    vector::Matrix,
};

/// The corpus, with a vector and a flag a row.
pub(super) struct WorkingSet<'v> {
    reader: Reader<'v>,
    boilerplate_known: &'v BTreeMap<String, bool>,
    dim: usize,
    pub corpus: Corpus,
    /// The numbers of the stories in the store; none for new ones.
    pub numbers: Vec<Option<i64>>,
    /// For each row whether it is boilerplate.
    pub boilerplate: Vec<bool>,
    vectors: Vec<f32>,
    of_number: BTreeMap<i64, StoryId>,
    of_hash: HashMap<[u8; 16], RowId>,
    of_row: HashMap<i64, RowId>,
}

impl<'v> WorkingSet<'v> {
    pub fn new(reader: Reader<'v>, boilerplate_known: &'v BTreeMap<String, bool>, dim: usize) -> Self {
        WorkingSet {
            reader,
            boilerplate_known,
            dim,
            corpus: Corpus::default(),
            numbers: Vec::new(),
            boilerplate: Vec::new(),
            vectors: Vec::new(),
            of_number: BTreeMap::new(),
            of_hash: HashMap::new(),
            of_row: HashMap::new(),
        }
    }

    /// Adds the story with this number, if it is still there and not here yet.
    pub fn take(&mut self, number: i64) -> Result<Option<StoryId>> {
        if let Some(here) = self.of_number.get(&number) {
            return Ok(Some(*here));
        }
        let Some(story) = self.reader.story(number)? else { return Ok(None) };
        let mut passages = Vec::new();
        for stored in self.reader.passages(number)? {
            let row = match self.of_row.get(&stored.row) {
                Some(row) => *row,
                None => {
                    let Some(found) = self.reader.row(stored.row)? else { continue };
                    let known = self.boilerplate_known.get(&found.text).copied();
                    let flag = known.unwrap_or_else(|| is_boilerplate(found.carriers, found.strangers));
                    let row = self.row(Row { text: found.text, hash: found.hash }, &found.vector, flag);
                    self.of_row.insert(stored.row, row);
                    row
                }
            };
            // A passage beyond its text is a damage that `verify` tells of; it shows no text of its own.
            let whole = if stored.title { &story.title } else { &story.text };
            let span = whole.get(stored.span.clone()).map_or(0..0, |_| stored.span);
            passages.push(Passage { span, row, title: stored.title });
        }
        let id = self.story(story, passages, Some(number));
        self.of_number.insert(number, id);
        Ok(Some(id))
    }

    /// Adds story `at` of `new`, whose rows have these vectors.
    pub fn add(&mut self, new: &Corpus, at: StoryId, vectors: &Matrix) -> Result<StoryId> {
        let mut passages = Vec::new();
        for passage in &new.passages[at.index()] {
            let row = &new.rows[passage.row.index()];
            let flag = match self.boilerplate_known.get(&row.text) {
                Some(known) => *known,
                None => match self.reader.row_number(&row.hash)? {
                    Some(number) => {
                        let counts = self.reader.row(number)?.map(|r| (r.carriers, r.strangers));
                        counts.is_some_and(|(carriers, strangers)| is_boilerplate(carriers, strangers))
                    }
                    None => false,
                },
            };
            let row = self.row(row.clone(), vectors.row(passage.row.index()), flag);
            passages.push(Passage { row, ..passage.clone() });
        }
        Ok(self.story(new.stories[at.index()].clone(), passages, None))
    }

    fn row(&mut self, row: Row, vector: &[f32], boilerplate: bool) -> RowId {
        if let Some(here) = self.of_hash.get(&row.hash) {
            return *here;
        }
        let id = RowId(self.corpus.rows.len() as u32);
        self.of_hash.insert(row.hash, id);
        self.corpus.rows.push(row);
        self.boilerplate.push(boilerplate);
        // A vector of another length is a damage that `verify` tells of; zeros are near nothing.
        let whole = vector.len() == self.dim;
        self.vectors.extend((0..self.dim).map(|i| if whole { vector[i] } else { 0.0 }));
        id
    }

    fn story(&mut self, story: Story, passages: Vec<Passage>, number: Option<i64>) -> StoryId {
        self.corpus.stories.push(story);
        self.corpus.passages.push(passages);
        self.numbers.push(number);
        StoryId(self.corpus.stories.len() as u32 - 1)
    }

    /// One vector a row.
    pub fn vectors(&self) -> Matrix {
        Matrix::from_vec(self.vectors.clone(), self.dim)
    }
}
