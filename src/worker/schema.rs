//! The streams between workers: their columns with ids, and their metadata.
//!
//! A stream's schema carries `samestory.stream` ("vectors/1": name and version), `samestory.text` (the version of
//! normalization and splitting) and, if it depends on vectors, `samestory.model` (the model's fingerprint). A column carries
//! its id as `PARQUET:field_id`, which Parquet writers keep. Ids are never reused: a column that changes its name or meaning
//! gets a new id, and the stream a new version.

use std::{collections::HashMap, sync::Arc};

use arrow_schema::{DataType, Field, Fields, Schema};

use super::{
    columns::{FIELD_ID, fields},
    rows::{POSITION_COLUMNS, VERDICT_COLUMNS},
};
use crate::{corpus::TEXT_VERSION, report::ITEM_COLUMNS};

/// The key of a stream's name and version.
pub(super) const STREAM: &str = "samestory.stream";
/// The key of the version of normalization and splitting.
pub(super) const TEXT: &str = "samestory.text";
/// The key of the model's fingerprint.
pub(super) const MODEL: &str = "samestory.model";
/// The key of the number of stories in which words were counted.
pub(super) const STORIES: &str = "samestory.stories";

/// A stream between two workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stream {
    /// Raw records, one JSON object each.
    Records,
    /// Stories with their passages and shingles; records without a story, with the reason.
    Stories,
    /// Passage texts by their hash.
    Texts,
    /// Vectors by the hash of their text.
    Vectors,
    /// The vectors of a story's passages.
    Passages,
    /// Vectors to be joined, task by task.
    Points,
    /// Pairs of neighbouring points.
    Neighbours,
    /// Pairs of stories in which a passage occurs one after the other.
    StoryPairs,
    /// Whether such stories share nothing else.
    BoilerplateVotes,
    /// Stories whose words are to be counted.
    Documents,
    /// Document frequencies of words.
    Words,
    /// Task by task, stories with all that a comparison needs, then pairs of them.
    Contents,
    /// The relations of compared stories.
    Verdicts,
    /// Stories in groups.
    Items,
}

impl Stream {
    /// All streams.
    pub const ALL: [Stream; 14] = [
        Stream::Records,
        Stream::Stories,
        Stream::Texts,
        Stream::Vectors,
        Stream::Passages,
        Stream::Points,
        Stream::Neighbours,
        Stream::StoryPairs,
        Stream::BoilerplateVotes,
        Stream::Documents,
        Stream::Words,
        Stream::Contents,
        Stream::Verdicts,
        Stream::Items,
    ];

    /// Name and version, as in the metadata.
    pub fn name(self) -> &'static str {
        match self {
            Stream::Records => "records/1",
            Stream::Stories => "stories/1",
            Stream::Texts => "texts/1",
            Stream::Vectors => "vectors/1",
            Stream::Passages => "passages/1",
            Stream::Points => "points/1",
            Stream::Neighbours => "neighbours/1",
            Stream::StoryPairs => "story_pairs/1",
            Stream::BoilerplateVotes => "boilerplate_votes/1",
            Stream::Documents => "documents/1",
            Stream::Words => "words/2",
            Stream::Contents => "contents/1",
            Stream::Verdicts => "verdicts/3",
            Stream::Items => "items/2",
        }
    }

    /// The stream of this name, with or without its version.
    pub fn named(name: &str) -> Option<Stream> {
        let bare = |s: &Stream| s.name().split('/').next() == Some(name);
        Self::ALL.into_iter().find(|s| s.name() == name || bare(s))
    }

    /// Whether the stream depends on the model: it holds vectors, or results of comparing them.
    pub(super) fn has_vectors(self) -> bool {
        matches!(
            self,
            Stream::Vectors
                | Stream::Passages
                | Stream::Points
                | Stream::Neighbours
                | Stream::Contents
                | Stream::Verdicts
                | Stream::Items
        )
    }

    /// The columns.
    pub(super) fn fields(self) -> Fields {
        use DataType::{Binary, Boolean, Float32, Int32, Int64, Utf8};
        let columns = match self {
            Stream::Records => vec![
                // The story's place in the whole input; ascending.
                required(1, "number", Int64),
                required(2, "path", Utf8),
                required(3, "line", Int64),
                // The record's place in its file, from 0.
                required(4, "record", Int64),
                required(5, "json", Utf8),
            ],
            Stream::Stories => story_columns(),
            Stream::Texts => vec![required(1, "hash", Binary), required(2, "text", Utf8)],
            // A vector has unit length; its values are float32, little-endian.
            Stream::Vectors => vec![required(1, "hash", Binary), required(2, "vector", Binary)],
            Stream::Passages => {
                vec![
                    required(1, "key", Binary),
                    required(2, "vectors", DataType::List(Arc::new(required(3, "item", Binary)))),
                ]
            }
            Stream::Points => vec![
                // Ascending. A task without points of side 1 joins its points with one another; else those of side 0 are
                // joined with those of side 1.
                required(1, "task", Int64),
                // 0, then 1; ascending within the task.
                required(2, "side", Int32),
                // Ascending within the side, by bytes: of two neighbours with the same score the lower key comes first.
                required(3, "key", Binary),
                required(4, "vector", Binary),
            ],
            Stream::Neighbours => {
                vec![required(1, "a", Binary), required(2, "b", Binary), required(3, "score", Float32)]
            }
            Stream::StoryPairs => story_pair_columns(),
            Stream::BoilerplateVotes => {
                vec![
                    required(1, "a", Int64),
                    required(2, "b", Int64),
                    required(3, "only_boilerplate", Boolean),
                ]
            }
            Stream::Documents => vec![
                required(1, "title", Utf8),
                required(
                    2,
                    "passages",
                    // `first`: the passage occurs in no story of a lower number.
                    list(&[
                        required(3, "text", Utf8),
                        required(4, "boilerplate", Boolean),
                        required(5, "first", Boolean),
                    ]),
                ),
            ],
            Stream::Words => vec![
                // 0: in the text, 1: in the title.
                required(1, "field", Int32),
                required(2, "word", Utf8),
                required(3, "stories", Int64),
                // How often the word is a name in distinct passages, minus how often it is not.
                required(5, "name_votes", Int64),
            ],
            Stream::Contents => content_columns(),
            Stream::Verdicts => return fields(&VERDICT_COLUMNS).into(),
            Stream::Items => {
                return fields(&POSITION_COLUMNS).into_iter().chain(fields(&ITEM_COLUMNS)).collect();
            }
        };
        columns.into()
    }

    /// The schema with its metadata.
    pub fn schema(self, model: &str) -> Schema {
        let mut metadata = HashMap::from([
            (STREAM.to_string(), self.name().to_string()),
            (TEXT.to_string(), TEXT_VERSION.to_string()),
        ]);
        if self.has_vectors() {
            metadata.insert(MODEL.into(), model.into());
        }
        Schema::new_with_metadata(self.fields(), metadata)
    }
}

/// The columns of `stories`.
fn story_columns() -> Vec<Field> {
    use DataType::{Binary, Int64, Utf8};
    vec![
        required(1, "number", Int64),
        // Null where the record is no story.
        nullable(2, "id", Utf8),
        nullable(3, "title", Utf8),
        nullable(4, "text", Utf8),
        // Milliseconds since 1970 UTC.
        nullable(5, "published", Int64),
        nullable(6, "source", Utf8),
        nullable(7, "url", Utf8),
        required(8, "path", Utf8),
        required(9, "line", Int64),
        // In the order of the text, each distinct passage once. `hash` is the first 16 bytes of the SHA-256 of its text.
        required(10, "passages", list(&[required(11, "hash", Binary), required(12, "text", Utf8)])),
        // Hashes of runs of three words, ascending as unsigned numbers.
        required(13, "shingles", DataType::List(Arc::new(required(14, "item", Int64)))),
        // What is wrong with the record, with its place.
        nullable(15, "notice", Utf8),
    ]
}

/// The columns of `story_pairs`.
fn story_pair_columns() -> Vec<Field> {
    use DataType::{Binary, Int64, Utf8};
    vec![
        required(1, "a", Int64),
        required(2, "b", Int64),
        required(3, "title_a", Utf8),
        nullable(11, "source_a", Utf8),
        required(4, "passages_a", list(&[required(5, "hash", Binary), required(6, "text", Utf8)])),
        required(7, "title_b", Utf8),
        nullable(12, "source_b", Utf8),
        required(8, "passages_b", list(&[required(9, "hash", Binary), required(10, "text", Utf8)])),
    ]
}

/// The columns of `contents`.
fn content_columns() -> Vec<Field> {
    use DataType::{Binary, Boolean, Int64, Utf8};
    vec![
        // Ascending.
        required(1, "task", Int64),
        // Ascending within a task. For a pair, its lower story.
        required(2, "number", Int64),
        // Null for a story; for a pair, which comes after all stories of the task, its higher story.
        nullable(3, "other", Int64),
        nullable(4, "id", Utf8),
        nullable(5, "title", Utf8),
        // Read by `group` only, for its length.
        nullable(6, "text", Utf8),
        nullable(7, "published", Int64),
        nullable(8, "source", Utf8),
        nullable(
            9,
            "passages",
            list(&[
                required(10, "hash", Binary),
                required(11, "text", Utf8),
                required(12, "boilerplate", Boolean),
                required(13, "vector", Binary),
            ]),
        ),
    ]
}

fn required(id: u32, name: &str, of: DataType) -> Field {
    Field::new(name, of, false).with_metadata(HashMap::from([(FIELD_ID.into(), id.to_string())]))
}

fn nullable(id: u32, name: &str, of: DataType) -> Field {
    required(id, name, of).with_nullable(true)
}

fn list(of: &[Field]) -> DataType {
    let fields: Fields = of.iter().cloned().collect();
    DataType::List(Arc::new(Field::new("item", DataType::Struct(fields), false)))
}

/// Whether two types hold the same values. Names of list items and nullability are ignored.
pub(super) fn is_same(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::List(x), DataType::List(y)) => is_same(x.data_type(), y.data_type()),
        (DataType::Struct(x), DataType::Struct(y)) => {
            let same = |(x, y): (&Arc<Field>, &Arc<Field>)| {
                x.name() == y.name() && is_same(x.data_type(), y.data_type())
            };
            x.len() == y.len() && x.iter().zip(y.iter()).all(same)
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ids(fields: &Fields, into: &mut Vec<String>) {
        for field in fields {
            into.extend(field.metadata().get(FIELD_ID).cloned());
            let DataType::List(item) = field.data_type() else { continue };
            match item.data_type() {
                DataType::Struct(inner) => ids(inner, into),
                _ => into.extend(item.metadata().get(FIELD_ID).cloned()),
            }
        }
    }

    #[test]
    fn column_ids_are_unique() {
        for stream in Stream::ALL {
            let mut found = Vec::new();
            ids(&stream.fields(), &mut found);
            let distinct: BTreeSet<&String> = found.iter().collect();
            assert!(distinct.len() == found.len() && !found.is_empty(), "{stream:?}: {found:?}");
            let bare = stream.name().split('/').next().unwrap();
            assert_eq!((Stream::named(bare), Stream::named(stream.name())), (Some(stream), Some(stream)));
        }
        assert_eq!(Stream::named("vectors/2"), None);
    }
}
