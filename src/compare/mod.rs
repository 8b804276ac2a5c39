//! Compares candidate pairs: alignment, coverage both ways, and the relation that the rules give.

mod align;
mod among;
mod boilerplate;
mod calibrate;
mod comparer;
mod explain;
mod frequencies;
mod numbers;
mod pairs;
mod rules;
mod table;
mod thresholds;
mod titles;
pub(crate) mod tokens;
mod turns;
mod verdict;

use serde::Serialize;

pub use among::{Among, TokenCache};
pub use boilerplate::{
    Boilerplate, Entry, MIN_CARRIERS as BOILERPLATE_CARRIERS, flags as boilerplate_flags, is_boilerplate,
};
pub use calibrate::{Labelled, Score, Trial};
pub use comparer::Comparer;
pub use explain::{Explanation, Part, PartKind, Place, passage_text};
pub use frequencies::{Field, Frequencies, Frequency, added as frequencies_added};
pub use pairs::{Basis, read_pairs, write_pairs};
pub use rules::Figures;
pub use table::{Background, RuleTable};
pub use thresholds::Thresholds;
pub use turns::Turn;
pub use verdict::Verdict;

/// What two stories are to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// The same text, but for white space, quotes and dashes.
    Identical,
    /// An edited, cut or extended republication.
    Copy,
    /// One is contained in the other.
    Excerpt,
    /// A publisher's newer version of its own story.
    Update,
    /// The same template with other facts.
    Twin,
    /// The same event or topic in other words.
    Related,
    /// Nothing that matters.
    None,
}

impl Relation {
    /// All of them, the closest first.
    pub const ALL: [Relation; 7] = [
        Relation::Identical,
        Relation::Copy,
        Relation::Excerpt,
        Relation::Update,
        Relation::Twin,
        Relation::Related,
        Relation::None,
    ];

    /// The one with this name.
    pub fn named(name: &str) -> Option<Relation> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }

    /// Its name, as reports have it.
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

    /// Whether it means one origin, so that the stories belong to one group.
    pub fn is_origin(self) -> bool {
        matches!(self, Relation::Identical | Relation::Copy | Relation::Excerpt | Relation::Update)
    }
}

/// How stories are compared.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The rule table's numbers.
    pub thresholds: Thresholds,
    /// What people know to be boilerplate, or not to be; beside it, the corpus itself tells.
    pub boilerplate: Boilerplate,
}
