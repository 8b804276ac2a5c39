//! This run beside an earlier one: which differences are more than noise.

use super::figures::{BenchReport, LengthResult, Summary};

/// One figure in both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricChange {
    /// What was measured: "amx × 2, 33 to 64 tokens, tokens/s".
    pub what: String,
    /// The earlier figure.
    pub before: Summary,
    /// This run's.
    pub now: Summary,
    /// Whether both runs have several rounds, as one shows no noise.
    pub noise_is_known: bool,
    /// Whether it is, and the ranges of the two do not even touch.
    pub beyond_noise: bool,
}

impl MetricChange {
    /// This run's median as a multiple of the earlier one's.
    pub fn ratio(&self) -> f64 {
        self.now.median / self.before.median
    }
}

/// All figures that both runs have.
pub fn compare(before: &BenchReport, now: &BenchReport) -> Vec<MetricChange> {
    let mut changes = Vec::new();
    for subject in &now.subjects {
        let same = |s: &&super::SubjectResult| s.name == subject.name && s.threads == subject.threads;
        let Some(earlier) = before.subjects.iter().find(same) else { continue };
        for length in &subject.lengths {
            let key = |l: &LengthResult| (l.above, l.up_to, l.tokens);
            let Some(old) = earlier.lengths.iter().find(|l| key(l) == key(length)) else { continue };
            let (before, now) = (old.tokens_per_second, length.tokens_per_second);
            let noise_is_known = now.min < now.max && before.min < before.max;
            changes.push(MetricChange {
                what: format!("{} × {}, {}, tokens/s", subject.name, subject.threads, length.name()),
                noise_is_known,
                beyond_noise: noise_is_known && (now.min > before.max || now.max < before.min),
                before,
                now,
            });
        }
    }
    changes
}

impl LengthResult {
    /// "33 to 64 tokens", "all lengths".
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
    fn a_difference_counts_only_where_the_ranges_part() {
        let check = |before: &[f64], now: &[f64], beyond: bool| {
            let changes = compare(&report(before), &report(now));
            assert_eq!((changes.len(), changes[0].beyond_noise), (1, beyond), "{before:?} {now:?}");
        };
        check(&[10.0, 11.0, 12.0], &[13.0, 14.0], true);
        check(&[10.0, 11.0, 12.0], &[11.5, 14.0], false);
        check(&[10.0, 11.0, 12.0], &[7.0, 9.0], true);
        check(&[10.0], &[7.0, 9.0], false);
        assert_eq!(compare(&report(&[1.0]), &BenchReport::default()), []);
    }
}
