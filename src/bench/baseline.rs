//! Comparison of a benchmark with an earlier one: which differences exceed the noise.

use super::report::{BenchReport, LengthResult, Summary};

/// One metric in both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricChange {
    /// The metric: "amx × 2, 33 to 64 tokens, tokens/s".
    pub metric: String,
    /// The value of the earlier run.
    pub baseline: Summary,
    /// The value of this run.
    pub current: Summary,
    /// Whether both runs have several rounds; a single one shows no noise.
    pub noise_known: bool,
    /// Whether the noise is known and the ranges of the two runs do not overlap.
    pub exceeds_noise: bool,
}

impl MetricChange {
    /// The median of this run divided by that of the earlier run.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.current.median / self.baseline.median
    }
}

/// All metrics that both runs have.
#[must_use]
pub fn compare(baseline: &BenchReport, current: &BenchReport) -> Vec<MetricChange> {
    let mut changes = Vec::new();
    for subject in &current.subjects {
        let same = |s: &&super::SubjectResult| s.name == subject.name && s.threads == subject.threads;
        let Some(earlier) = baseline.subjects.iter().find(same) else { continue };
        for length in &subject.lengths {
            let key = |l: &LengthResult| (l.above, l.up_to, l.tokens);
            let Some(old) = earlier.lengths.iter().find(|l| key(l) == key(length)) else { continue };
            let (baseline, current) = (old.tokens_per_second, length.tokens_per_second);
            let noise_known = current.min < current.max && baseline.min < baseline.max;
            changes.push(MetricChange {
                metric: format!("{} × {}, {}, tokens/s", subject.name, subject.threads, length.name()),
                noise_known,
                exceeds_noise: noise_known && (current.min > baseline.max || current.max < baseline.min),
                baseline,
                current,
            });
        }
    }
    changes
}

impl LengthResult {
    /// The name of the length bucket: "33 to 64 tokens", "all lengths".
    #[must_use]
    pub fn name(&self) -> String {
        match (self.above, self.up_to) {
            (0, None) => "all lengths".into(),
            (0, Some(most)) => format!("to {most} tokens"),
            (above, Some(most)) => format!("{} to {most} tokens", above + 1),
            (above, None) => format!("over {above} tokens"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::SubjectResult;

    fn report(values: &[f64]) -> BenchReport {
        let length = LengthResult { tokens: 9, tokens_per_second: Summary::of(values), ..Default::default() };
        let subject =
            SubjectResult { name: "amx".into(), threads: 2, lengths: vec![length], ..Default::default() };
        BenchReport { subjects: vec![subject], ..Default::default() }
    }

    #[test]
    fn differences_exceed_noise_only_if_ranges_are_disjoint() {
        let check = |baseline: &[f64], current: &[f64], exceeds: bool| {
            let changes = compare(&report(baseline), &report(current));
            assert_eq!((changes.len(), changes[0].exceeds_noise), (1, exceeds), "{baseline:?} {current:?}");
        };
        check(&[10.0, 11.0, 12.0], &[13.0, 14.0], true);
        check(&[10.0, 11.0, 12.0], &[11.5, 14.0], false);
        check(&[10.0, 11.0, 12.0], &[7.0, 9.0], true);
        check(&[10.0], &[7.0, 9.0], false);
        assert_eq!(compare(&report(&[1.0]), &BenchReport::default()), []);
    }
}
