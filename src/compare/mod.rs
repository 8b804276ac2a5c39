//! Compares candidate pairs: aligns them, measures their features, and classifies these by the rule table.

mod align;
mod calibrate;
mod classify;
mod comparer;
mod contradiction;
mod counterfactuals;
mod document_frequencies;
mod explain;
mod features;
mod logistic;
mod meaning;
mod measure;
mod numbers;
mod pairs;
mod prepared;
mod probability;
mod quotation;
mod rewrite;
mod row_tokens;
mod rule;
mod spelling;
mod statistics;
mod table;
mod templates;
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
pub use logistic::Contribution;
pub use meaning::MeaningScale;
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
    /// The same account retold in other words: whole, condensed or in part.
    Rewrite,
    /// The same template with different facts.
    Twin,
    /// What they share is a statement of a third: a speech, a letter, a post.
    Quote,
    /// The same event or topic in other words.
    Related,
    /// Unrelated.
    None,
}

impl Relation {
    /// Every relation, the closest first.
    pub const ALL: [Relation; 9] = [
        Relation::Identical,
        Relation::Copy,
        Relation::Excerpt,
        Relation::Update,
        Relation::Rewrite,
        Relation::Twin,
        Relation::Quote,
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
            Relation::Rewrite => "rewrite",
            Relation::Twin => "twin",
            Relation::Quote => "quote",
            Relation::Related => "related",
            Relation::None => "none",
        }
    }

    /// Whether the stories are of one origin, so that they belong to one group.
    pub fn is_origin(self) -> bool {
        matches!(
            self,
            Relation::Identical | Relation::Copy | Relation::Excerpt | Relation::Update | Relation::Rewrite
        )
    }

    /// Whether the stories have wording in common and both stay. Reports of one event are linked by `Linker` alone.
    pub fn is_link(self) -> bool {
        matches!(self, Relation::Twin | Relation::Quote)
    }
}

/// How stories are compared.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The thresholds of the rules.
    pub thresholds: Thresholds,
    /// Passages that are known to be boilerplate or not to be. Other passages are detected in the corpus.
    pub boilerplate: BoilerplateList,
    /// The similarities of unrelated passages under the model.
    pub scale: MeaningScale,
}
