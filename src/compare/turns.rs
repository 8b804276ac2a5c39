//! What would have changed a verdict: for each figure, the nearest value that gives another relation.

use serde::Serialize;

use super::{
    Relation, Thresholds,
    rules::{Figures, decide},
};

/// One figure, were it otherwise and all else the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    /// The figure, in words.
    pub figure: &'static str,
    /// Its value.
    pub is: f32,
    /// The nearest value that changes the relation, to a hundredth or to one.
    pub would_be: f32,
    /// The relation then.
    pub relation: Relation,
}

/// How a figure is read and set.
struct Knob {
    figure: &'static str,
    get: fn(&Figures) -> f32,
    set: fn(&mut Figures, f32),
    /// The step, and the highest value.
    step: f32,
    most: f32,
}

fn higher(f: &mut Figures) -> &mut f32 {
    if f.coverage_ab >= f.coverage_ba { &mut f.coverage_ab } else { &mut f.coverage_ba }
}

fn lower(f: &mut Figures) -> &mut f32 {
    if f.coverage_ab >= f.coverage_ba { &mut f.coverage_ba } else { &mut f.coverage_ab }
}

const KNOBS: [Knob; 8] = [
    Knob {
        figure: "coverage of the better covered story",
        get: |f| f.coverage_ab.max(f.coverage_ba),
        set: |f, v| *higher(f) = v,
        step: 0.01,
        most: 1.0,
    },
    Knob {
        figure: "coverage of the other story",
        get: |f| f.coverage_ab.min(f.coverage_ba),
        set: |f, v| *lower(f) = v,
        step: 0.01,
        most: 1.0,
    },
    Knob {
        figure: "matched informative words",
        get: |f| f.matched,
        set: |f, v| f.matched = v,
        step: 1.0,
        most: 200.0,
    },
    Knob {
        figure: "longest common run, in words",
        get: |f| f.longest as f32,
        set: |f, v| f.longest = v as usize,
        step: 1.0,
        most: 60.0,
    },
    Knob {
        figure: "share of the numbers in common",
        get: |f| f.numbers_shared,
        set: |f, v| f.numbers_shared = v,
        step: 0.01,
        most: 1.0,
    },
    Knob {
        figure: "share of the names in common",
        get: |f| f.names_shared,
        set: |f, v| f.names_shared = v,
        step: 0.01,
        most: 1.0,
    },
    Knob {
        figure: "cosine of the two stories",
        get: |f| f.cosine,
        set: |f, v| f.cosine = v,
        step: 0.01,
        most: 1.0,
    },
    Knob {
        figure: "rare names and terms in common",
        get: |f| f.shared_rare as f32,
        set: |f, v| f.shared_rare = v as u32,
        step: 1.0,
        most: 40.0,
    },
];

/// One turn a figure, for those figures that alone can change the relation.
pub(super) fn turns(figures: &Figures, thresholds: &Thresholds) -> Vec<Turn> {
    let (now, _) = decide(figures, thresholds);
    KNOBS.iter().filter_map(|knob| turn(knob, now, figures, thresholds)).collect()
}

fn turn(knob: &Knob, now: Relation, figures: &Figures, thresholds: &Thresholds) -> Option<Turn> {
    let is = (knob.get)(figures);
    let steps = (knob.most / knob.step).round() as i32;
    let relation_at = |step: i32| {
        // Rounded, so that a hundredth reads as one.
        let value = (step as f32 * knob.step * 100.0).round() / 100.0;
        let mut other = *figures;
        (knob.set)(&mut other, value);
        let (relation, _) = decide(&other, thresholds);
        (relation != now).then_some((value, relation))
    };
    let values = (0..=steps).filter_map(relation_at);
    let nearest = values.min_by(|x, y| (x.0 - is).abs().total_cmp(&(y.0 - is).abs()))?;
    Some(Turn { figure: knob.figure, is, would_be: nearest.0, relation: nearest.1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_value_that_changes_the_relation_is_named() {
        let copy = Figures {
            coverage_ab: 0.9,
            coverage_ba: 0.5,
            matched: 100.0,
            passage: 20.0,
            longest: 40,
            cosine: 0.9,
            shared_rare: 9,
            ..Figures::default()
        };
        let thresholds = Thresholds::default();
        let all = turns(&copy, &thresholds);
        let find = |figure: &str| all.iter().find(|t| t.figure == figure);
        let other = find("coverage of the other story").unwrap();
        assert_eq!((other.would_be, other.relation), (0.39, Relation::Excerpt));
        let run = find("longest common run, in words").unwrap();
        assert_eq!((run.would_be, run.relation), (4.0, Relation::Related));
        // The cosine plays no part in a copy.
        assert_eq!(find("cosine of the two stories"), None);
    }
}
