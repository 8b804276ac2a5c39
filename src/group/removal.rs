//! Which relations to the kept story a run removes.

use std::str::FromStr;

use crate::{Error, compare::Relation, error::Setting};

/// The relations whose stories are removed. A story is removed only if the kept story holds most of it besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedRelations(Vec<Relation>);

impl Default for RemovedRelations {
    /// Identical, copy, excerpt and update: what repeats wording.
    fn default() -> Self {
        let repeats_wording = |r: &Relation| r.is_origin() && *r != Relation::Rewrite;
        RemovedRelations(Relation::ALL.into_iter().filter(repeats_wording).collect())
    }
}

impl RemovedRelations {
    /// Whether a story of that relation to the kept story is removed.
    pub fn contains(&self, relation: Relation) -> bool {
        self.0.contains(&relation)
    }
}

impl FromStr for RemovedRelations {
    type Err = Error;

    /// Reads relations of one origin, with commas between them: "identical,copy".
    fn from_str(text: &str) -> Result<Self, Error> {
        let relation = |name: &str| {
            let found = Relation::from_name(name).filter(|relation| relation.is_origin());
            found.ok_or_else(|| {
                let known =
                    Relation::ALL.into_iter().filter(|relation| relation.is_origin()).map(Relation::name);
                let known: Vec<&str> = known.collect();
                let message = format!("{name:?} is no relation of one origin: {}", known.join(", "));
                Error::Setting { setting: Setting::Remove, message }
            })
        };
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(relation).collect::<Result<Vec<Relation>, Error>>().map(RemovedRelations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let check = |text: &str, expect: &[Relation]| {
            let list: RemovedRelations = text.parse().unwrap();
            let found: Vec<Relation> = Relation::ALL.into_iter().filter(|r| list.contains(*r)).collect();
            assert_eq!(found, expect, "{text}");
        };
        check("identical", &[Relation::Identical]);
        check("rewrite, copy", &[Relation::Copy, Relation::Rewrite]);
        check("", &[]);
        let default = RemovedRelations::default();
        assert!(default.contains(Relation::Update) && !default.contains(Relation::Rewrite));
        for wrong in ["twin", "copies", "copy,related"] {
            let error = wrong.parse::<RemovedRelations>().unwrap_err().to_string();
            assert!(error.contains("is no relation of one origin: identical, copy"), "{error}");
        }
    }
}
