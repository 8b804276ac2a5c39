//! Calibrates thresholds on labelled pairs: every pair is compared once, then classified by many thresholds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Thresholds, Verdict, classify::classify};
use crate::{random::SplitMix64, story::StoryId};

/// How well a classification finds the pairs of one origin.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Score {
    /// Pairs of one origin that were found.
    pub true_positives: usize,
    /// All pairs that were found.
    pub found: usize,
    /// All pairs of one origin.
    pub positives: usize,
}

impl Score {
    /// Share of the found pairs that are of one origin, in [0, 1]; 1 if none was found.
    pub fn precision(&self) -> f64 {
        ratio(self.true_positives, self.found)
    }

    /// Share of the pairs of one origin that were found, in [0, 1]; 1 if there is none.
    pub fn recall(&self) -> f64 {
        ratio(self.true_positives, self.positives)
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        ratio(2 * self.true_positives, self.found + self.positives)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// Compared pairs with labels: whether each is of one origin.
///
/// The bootstrap draws units with all their pairs: groups of stories where stories have labels, else single decisions.
pub struct LabelledPairs<'a> {
    pairs: Vec<(&'a Verdict, bool)>,
    /// The units of each pair: two, where its stories have different labels.
    units: Vec<(usize, Option<usize>)>,
    /// The number of pairs of one origin in each unit.
    positives: Vec<usize>,
}

/// One value of one threshold, all others as they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepPoint {
    /// The threshold.
    pub threshold: &'static str,
    /// Its value.
    pub value: f32,
    /// The score of that value.
    pub score: Score,
}

/// How a threshold is read and set, and the values that are tried.
struct TunableThreshold {
    name: &'static str,
    get: fn(&Thresholds) -> f32,
    set: fn(&mut Thresholds, f32),
    from: f32,
    to: f32,
    step: f32,
}

macro_rules! tunable {
    ($field:ident, $from:expr, $to:expr, $step:expr) => {
        TunableThreshold {
            name: stringify!($field),
            get: |t| t.$field,
            set: |t, v| t.$field = v,
            from: $from,
            to: $to,
            step: $step,
        }
    };
}

const TUNABLE: [TunableThreshold; 16] = [
    tunable!(copy_coverage, 0.30, 0.95, 0.05),
    tunable!(copy_other, 0.10, 0.90, 0.05),
    tunable!(excerpt_coverage, 0.30, 0.95, 0.05),
    tunable!(passage_matched, 10.0, 60.0, 5.0),
    tunable!(passage_coverage, 0.0, 0.5, 0.05),
    tunable!(excerpt_numbers, 0.1, 0.9, 0.1),
    tunable!(excerpt_density, 0.01, 0.15, 0.01),
    tunable!(min_matched, 4.0, 30.0, 2.0),
    tunable!(twin_density, 0.02, 0.30, 0.02),
    tunable!(twin_numbers, 0.1, 0.9, 0.1),
    tunable!(twin_names, 0.1, 0.9, 0.1),
    tunable!(brief, 0.0, 200.0, 20.0),
    tunable!(recurring_days, 0.0, 14.0, 1.0),
    tunable!(background_days, 0.0, 14.0, 1.0),
    tunable!(short, 0.0, 80.0, 10.0),
    tunable!(short_title, 0.0, 1.0, 0.1),
];

/// A pair whose coverage is too low for a copy is mostly an excerpt still, so both thresholds are also moved together.
const COPY_AND_EXCERPT: TunableThreshold = TunableThreshold {
    name: "copy_coverage and excerpt_coverage",
    get: |t| t.copy_coverage.min(t.excerpt_coverage),
    set: |t, v| (t.copy_coverage, t.excerpt_coverage) = (v, v),
    from: 0.30,
    to: 0.95,
    step: 0.05,
};

impl<'a> LabelledPairs<'a> {
    /// `label` has the label of each story: stories with one label are of one origin. Pairs of stories without a label are
    /// left out.
    pub fn new(verdicts: &'a [Verdict], label: &[Option<String>]) -> Self {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut sizes = Vec::new();
        for name in label.iter().flatten() {
            let next = numbers.len();
            let number = *numbers.entry(name).or_insert(next);
            if number == sizes.len() {
                sizes.push(0);
            }
            sizes[number] += 1;
        }
        let number = |i: usize| label[i].as_deref().map(|name| numbers[name]);
        let (mut pairs, mut units) = (Vec::new(), Vec::new());
        for verdict in verdicts {
            let (Some(x), Some(y)) = (number(verdict.a.index()), number(verdict.b.index())) else { continue };
            pairs.push((verdict, x == y));
            units.push((x, (x != y).then_some(y)));
        }
        let positives = sizes.iter().map(|n| n * (n - 1) / 2).collect();
        LabelledPairs { pairs, units, positives }
    }

    /// `must_link` and `cannot_link` are pairs that people decided on, the lower story first. Other pairs are left out: the
    /// score is that of the decisions, not of the corpus.
    pub fn from_decisions(
        verdicts: &'a [Verdict],
        must_link: &[(StoryId, StoryId)],
        cannot_link: &[(StoryId, StoryId)],
    ) -> Self {
        let decided =
            must_link.iter().map(|pair| (pair, true)).chain(cannot_link.iter().map(|pair| (pair, false)));
        let of: BTreeMap<(StoryId, StoryId), &Verdict> =
            verdicts.iter().map(|v| ((v.a.min(v.b), v.a.max(v.b)), v)).collect();
        let (mut pairs, mut units, mut positives) = (Vec::new(), Vec::new(), Vec::new());
        for (unit, (pair, same)) in decided.enumerate() {
            positives.push(usize::from(same));
            if let Some(verdict) = of.get(pair) {
                pairs.push((*verdict, same));
                units.push((unit, None));
            }
        }
        LabelledPairs { pairs, units, positives }
    }

    /// The number of labelled pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The score of `thresholds`. Pairs of one origin that were not compared count as not found.
    pub fn score(&self, thresholds: &Thresholds) -> Score {
        self.weighted(thresholds, |_| 1)
    }

    fn weighted(&self, thresholds: &Thresholds, weight: impl Fn(usize) -> usize) -> Score {
        let positives = self.positives.iter().enumerate().map(|(i, n)| weight(i) * n).sum();
        let mut score = Score { positives, ..Score::default() };
        for ((verdict, same), &(x, other)) in self.pairs.iter().zip(&self.units) {
            if classify(&verdict.features, thresholds).relation().is_origin() {
                let times = weight(x) * other.map_or(1, &weight);
                score.found += times;
                score.true_positives += if *same { times } else { 0 };
            }
        }
        score
    }

    /// The 95 % confidence interval of F1 by a bootstrap of `rounds` rounds (Efron, 1979).
    pub fn interval(&self, thresholds: &Thresholds, rounds: usize) -> (f64, f64) {
        let mut random = SplitMix64::new(0x5eed);
        let mut values: Vec<f64> = (0..rounds)
            .map(|_| {
                let mut times = vec![0usize; self.positives.len()];
                (0..times.len()).for_each(|_| times[random.below(self.positives.len())] += 1);
                self.weighted(thresholds, |i| times[i]).f1()
            })
            .collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            values.get(((rounds as f64 * share) as usize).min(rounds.saturating_sub(1))).copied()
        };
        (at(0.025).unwrap_or(0.0), at(0.975).unwrap_or(1.0))
    }

    /// Each threshold over its range, all others as in `thresholds`.
    pub fn sweep(&self, thresholds: &Thresholds) -> Vec<SweepPoint> {
        TUNABLE.iter().flat_map(|tunable| self.sweep_one(tunable, thresholds)).collect()
    }

    fn sweep_one(&self, tunable: &TunableThreshold, thresholds: &Thresholds) -> Vec<SweepPoint> {
        let steps = ((tunable.to - tunable.from) / tunable.step).round() as usize;
        let point = |i: usize| {
            let value = ((tunable.from + i as f32 * tunable.step) * 1000.0).round() / 1000.0;
            let mut other = thresholds.clone();
            (tunable.set)(&mut other, value);
            SweepPoint { threshold: tunable.name, value, score: self.score(&other) }
        };
        (0..=steps).map(point).collect()
    }

    /// Better thresholds, by moving one at a time until none gains; a move must gain at least `min_gain` in F1, so that
    /// chance does not move them.
    pub fn propose(&self, start: &Thresholds, min_gain: f64) -> Thresholds {
        let mut best = start.clone();
        for _ in 0..TUNABLE.len() {
            let now = self.score(&best).f1();
            let step = TUNABLE.iter().chain([&COPY_AND_EXCERPT]).filter_map(|tunable| {
                let current = (tunable.get)(&best);
                let points = self.sweep_one(tunable, &best).into_iter().map(|t| (t.score.f1(), t.value));
                // Of equal scores the value nearest to the current one.
                let top = points.max_by(|x, y| {
                    x.0.total_cmp(&y.0).then((y.1 - current).abs().total_cmp(&(x.1 - current).abs()))
                })?;
                (top.0 >= now + min_gain).then_some((top.0, top.1, tunable))
            });
            let Some((_, value, tunable)) = step.max_by(|x, y| x.0.total_cmp(&y.0)) else { break };
            (tunable.set)(&mut best, value);
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{PairFeatures, Relation, Rule};

    fn verdict(a: u32, b: u32, coverage: f32) -> Verdict {
        let features = PairFeatures {
            coverage_ab: coverage,
            coverage_ba: coverage,
            matched: 100.0,
            longest_passage: 20.0,
            longest_run: 20,
            title_overlap: Some(1.0),
            ..PairFeatures::default()
        };
        Verdict {
            a: StoryId(a),
            b: StoryId(b),
            relation: Relation::None,
            coverage_ab: coverage,
            coverage_ba: coverage,
            cosine: 0.0,
            rule: Rule::TooLittleShared,
            features,
        }
    }

    #[test]
    fn proposes_a_threshold_between_positives_and_negatives() {
        let label: Vec<Option<String>> = ["x", "x", "y", "y", "z", "w"].map(|l| Some(l.to_string())).to_vec();
        // Copies share half, unrelated stories a third: the default thresholds find neither.
        let verdicts = [verdict(0, 1, 0.5), verdict(2, 3, 0.5), verdict(4, 5, 0.33), verdict(0, 4, 0.33)];
        let labelled = LabelledPairs::new(&verdicts, &label);
        let start = Thresholds::default();
        assert_eq!(labelled.score(&start), Score { true_positives: 0, found: 0, positives: 2 });
        let better = labelled.propose(&start, 0.01);
        assert_eq!(labelled.score(&better), Score { true_positives: 2, found: 2, positives: 2 });
        let (low, high) = labelled.interval(&better, 50);
        assert!(low <= high && high <= 1.0);
        assert_eq!(labelled.propose(&better, 0.01), better);
    }

    #[test]
    fn decisions_move_thresholds_as_labels_do() {
        let verdicts = [verdict(0, 1, 0.5), verdict(2, 3, 0.5), verdict(4, 5, 0.33), verdict(0, 4, 0.9)];
        let pair = |a, b| (StoryId(a), StoryId(b));
        // The last pair is of one origin by the default thresholds; nobody decided on it. Pair (6, 7) was not compared.
        let same = [pair(0, 1), pair(2, 3), pair(6, 7)];
        let labelled = LabelledPairs::from_decisions(&verdicts, &same, &[pair(4, 5)]);
        let start = Thresholds::default();
        assert_eq!(
            (labelled.len(), labelled.score(&start)),
            (3, Score { true_positives: 0, found: 0, positives: 3 })
        );
        let better = labelled.propose(&start, 0.01);
        assert_eq!(labelled.score(&better), Score { true_positives: 2, found: 2, positives: 3 });
        // Rejected: both thresholds move up, since a pair that is no copy would be an excerpt.
        let strict = LabelledPairs::from_decisions(&verdicts, &[], &[pair(0, 4)]);
        assert_eq!(strict.score(&start), Score { true_positives: 0, found: 1, positives: 0 });
        let better = strict.propose(&start, 0.01);
        assert_eq!(strict.score(&better), Score { true_positives: 0, found: 0, positives: 0 });
    }

    #[test]
    fn pairs_that_were_not_compared_count_as_missed() {
        let label = vec![Some("x".to_string()); 3];
        let verdicts = [verdict(0, 1, 0.9)];
        let score = LabelledPairs::new(&verdicts, &label).score(&Thresholds::default());
        assert_eq!((score.true_positives, score.positives), (1, 3));
    }
}
