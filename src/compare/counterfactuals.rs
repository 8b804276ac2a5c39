//! Counterfactuals of a verdict: for each feature, the nearest value that gives another relation.

use serde::Serialize;

use super::{PairFeatures, Relation, Thresholds, classify::classify};

/// One feature with another value, all others being as they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counterfactual {
    /// The feature, in words.
    pub feature: &'static str,
    /// Its value.
    pub actual: f32,
    /// The nearest value that gives another relation, to a hundredth for shares and to one for counts.
    pub nearest: f32,
    /// The relation that it gives.
    pub relation: Relation,
}

/// How a feature is read and set, and which values are tried.
struct Feature {
    name: &'static str,
    get: fn(&PairFeatures) -> f32,
    set: fn(&mut PairFeatures, f32),
    step: f32,
    max: f32,
}

impl Feature {
    /// A feature in [0, 1], of which the hundredths are tried.
    const fn share(
        name: &'static str,
        get: fn(&PairFeatures) -> f32,
        set: fn(&mut PairFeatures, f32),
    ) -> Self {
        Feature { name, get, set, step: 0.01, max: 1.0 }
    }
}

fn higher(f: &mut PairFeatures) -> &mut f32 {
    if f.coverage_ab >= f.coverage_ba { &mut f.coverage_ab } else { &mut f.coverage_ba }
}

fn lower(f: &mut PairFeatures) -> &mut f32 {
    if f.coverage_ab >= f.coverage_ba { &mut f.coverage_ba } else { &mut f.coverage_ab }
}

const FEATURES: [Feature; 11] = [
    Feature::share("coverage of the better covered story", PairFeatures::higher_coverage, |f, v| {
        *higher(f) = v
    }),
    Feature::share("coverage of the other story", PairFeatures::lower_coverage, |f, v| *lower(f) = v),
    Feature {
        name: "matched informative words",
        get: |f| f.matched,
        set: |f, v| f.matched = v,
        step: 1.0,
        max: 200.0,
    },
    Feature {
        name: "longest common run, in words",
        get: |f| f.longest_run as f32,
        set: |f, v| f.longest_run = v as usize,
        step: 1.0,
        max: 60.0,
    },
    Feature::share("share of the shared wording that is quoted", |f| f.quoted, |f, v| f.quoted = v),
    Feature::share("passages in the same order", |f| f.same_order, |f, v| f.same_order = v),
    Feature::share("rare names and numbers in common", |f| f.rare_facts_lower, |f, v| f.rare_facts_lower = v),
    Feature::share("share of the numbers in common", |f| f.numbers_shared, |f, v| f.numbers_shared = v),
    Feature::share("share of the names in common", |f| f.names_shared, |f, v| f.names_shared = v),
    Feature::share("cosine of the two stories", |f| f.cosine, |f, v| f.cosine = v),
    Feature {
        name: "rare names and terms in common",
        get: |f| f.shared_rare_terms as f32,
        set: |f, v| f.shared_rare_terms = v as u32,
        step: 1.0,
        max: 40.0,
    },
];

/// The counterfactual of each feature that alone can change the relation.
pub(super) fn counterfactuals(features: &PairFeatures, thresholds: &Thresholds) -> Vec<Counterfactual> {
    let relation = classify(features, thresholds).relation();
    FEATURES.iter().filter_map(|feature| counterfactual(feature, relation, features, thresholds)).collect()
}

fn counterfactual(
    feature: &Feature,
    actual_relation: Relation,
    features: &PairFeatures,
    thresholds: &Thresholds,
) -> Option<Counterfactual> {
    let actual = (feature.get)(features);
    let steps = (feature.max / feature.step).round() as i32;
    let changed_at = |step: i32| {
        // Rounded, so that a hundredth reads as one.
        let value = (step as f32 * feature.step * 100.0).round() / 100.0;
        let mut changed = *features;
        (feature.set)(&mut changed, value);
        let relation = classify(&changed, thresholds).relation();
        (relation != actual_relation).then_some((value, relation))
    };
    let changes = (0..=steps).filter_map(changed_at);
    let (nearest, relation) = changes.min_by(|x, y| (x.0 - actual).abs().total_cmp(&(y.0 - actual).abs()))?;
    Some(Counterfactual { feature: feature.name, actual, nearest, relation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_value_that_changes_the_relation() {
        let copy = PairFeatures {
            coverage_ab: 0.9,
            coverage_ba: 0.5,
            matched: 100.0,
            longest_passage: 20.0,
            longest_run: 40,
            cosine: 0.9,
            shared_rare_terms: 9,
            ..PairFeatures::default()
        };
        let all = counterfactuals(&copy, &Thresholds::default());
        let find = |feature: &str| all.iter().find(|c| c.feature == feature);
        let other = find("coverage of the other story").unwrap();
        assert_eq!((other.nearest, other.relation), (0.39, Relation::Excerpt));
        let run = find("longest common run, in words").unwrap();
        assert_eq!((run.nearest, run.relation), (4.0, Relation::Related));
        // The cosine plays no part in a copy.
        assert_eq!(find("cosine of the two stories"), None);
    }
}
