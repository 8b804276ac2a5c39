//! Compares candidate pairs: aligns them, measures their features, and classifies these by the rule table.

mod align;
mod calibrate;
mod classify;
mod comparer;
mod counterfactuals;
mod document_frequencies;
mod explain;
mod features;
mod measure;
mod numbers;
mod pairs;
mod prepared;
mod rule;
mod spelling;
mod statistics;
mod table;
mod thresholds;
mod titles;
pub(crate) mod tokens;
mod verdict;
mod word_counts;

use serde::Serialize;

use crate::boilerplate::BoilerplateList;

pub use calibrate::{LabelledPairs, Score, SweepPoint};
pub use comparer::Comparer;
pub use counterfactuals::Counterfactual;
pub(crate) use document_frequencies::idf;
pub use document_frequencies::{DocumentFrequencies, Field, TermStatistics, story_terms};
pub use explain::{Explanation, PassageAlignment, PassageChange, PassageDiff, passage_text};
pub use features::PairFeatures;
pub use pairs::{Provenance, read_pairs, write_pairs};
pub use prepared::PreparedCorpus;
pub use rule::Rule;
pub use statistics::{CorpusStatistics, TokenCache};
pub use table::{CosineBaseline, RULES_SCHEMA, RuleTable};
pub use thresholds::Thresholds;
pub use verdict::Verdict;

/// What two stories are to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// The same text except for white space, quotes and dashes.
    Identical,
    /// An edited, cut or extended republication.
    Copy,
    /// One is contained in the other.
    Excerpt,
    /// A publisher's newer version of its own story.
    Update,
    /// The same template with different facts.
    Twin,
    /// The same event or topic in other words.
    Related,
    /// Unrelated.
    None,
}

impl Relation {
    /// Every relation, the closest first.
    pub const ALL: [Relation; 7] = [
        Relation::Identical,
        Relation::Copy,
        Relation::Excerpt,
        Relation::Update,
        Relation::Twin,
        Relation::Related,
        Relation::None,
    ];

    /// The relation of this name.
    pub fn from_name(name: &str) -> Option<Relation> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Relation::Identical => "identical",
            Relation::Copy => "copy",
            Relation::Excerpt => "excerpt",
            Relation::Update => "update",
            Relation::Twin => "twin",
            Relation::Related => "related",
            Relation::None => "none",
        }
    }

    /// Whether the stories are of one origin, so that they belong to one group.
    pub fn is_origin(self) -> bool {
        matches!(self, Relation::Identical | Relation::Copy | Relation::Excerpt | Relation::Update)
    }
}

/// How stories are compared.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The thresholds of the rules.
    pub thresholds: Thresholds,
    /// Passages that are known to be boilerplate or not to be. Other passages are detected in the corpus.
    pub boilerplate: BoilerplateList,
}
