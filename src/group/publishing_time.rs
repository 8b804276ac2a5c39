//! Which of several stories was published first, as far as their times tell.

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Times that differ by less do not differ: one feed stamps a story when it is sent, another when it arrives.
const MINUTE: i64 = 60_000;

/// Whether `time` is a date without an hour: midnight UTC.
fn is_date(time: i64) -> bool {
    time.rem_euclid(DAY) == 0
}

/// Whether each of `times` may be that of the first story. A date without an hour is any time of that day, and a story
/// without a time may be of any.
pub(super) fn may_be_first(times: &[Option<i64>]) -> Vec<bool> {
    let latest = |time: i64| if is_date(time) { time.saturating_add(DAY - MINUTE) } else { time };
    let Some(first) = times.iter().flatten().map(|time| latest(*time)).min() else {
        return vec![true; times.len()];
    };
    let limit = first.saturating_add(MINUTE);
    times.iter().map(|time| time.is_none_or(|time| time < limit)).collect()
}

/// The ranks of `times` in order of time, equal where they do not differ; all equal if one has no time. Where one is a
/// date without an hour, the days count.
pub(super) fn ranks(times: &[Option<i64>]) -> Vec<usize> {
    let Some(times) = times.iter().copied().collect::<Option<Vec<i64>>>() else {
        return vec![0; times.len()];
    };
    let unit = if times.iter().any(|time| is_date(*time)) { DAY } else { MINUTE };
    let floor = |time: i64| if unit == DAY { time.div_euclid(DAY).saturating_mul(DAY) } else { time };
    let mut sorted: Vec<i64> = times.iter().map(|time| floor(*time)).collect();
    sorted.sort_unstable();
    // The times that a new rank begins with.
    let starts: Vec<i64> =
        sorted.windows(2).filter(|w| w[1].saturating_sub(w[0]) >= unit).map(|w| w[1]).collect();
    times.iter().map(|time| starts.partition_point(|start| *start <= floor(*time))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn times_that_do_not_differ_decide_nothing() {
        let noon = 100 * DAY + 12 * HOUR;
        let check = |times: &[Option<i64>], first: &[bool], expect: &[usize]| {
            assert_eq!(may_be_first(times), first, "{times:?}");
            assert_eq!(ranks(times), expect, "{times:?}");
        };
        check(&[], &[], &[]);
        check(&[None, None], &[true, true], &[0, 0]);
        check(&[Some(noon), Some(noon + MINUTE)], &[true, false], &[0, 1]);
        check(&[Some(noon + HOUR), Some(noon)], &[false, true], &[1, 0]);
        // Less than a minute.
        check(&[Some(noon), Some(noon + MINUTE - 1)], &[true, true], &[0, 0]);
        // No hour: the same day, the next day, the day before.
        check(&[Some(100 * DAY), Some(noon)], &[true, true], &[0, 0]);
        check(&[Some(101 * DAY), Some(noon)], &[false, true], &[1, 0]);
        check(&[Some(99 * DAY), Some(noon)], &[true, false], &[0, 1]);
        check(&[Some(100 * DAY), Some(101 * DAY)], &[true, false], &[0, 1]);
        // No time at all.
        check(&[None, Some(noon), Some(noon + HOUR)], &[true, true, false], &[0, 0, 0]);
        // Before 1970, and at the ends of time.
        check(&[Some(-DAY), Some(-HOUR)], &[true, true], &[0, 0]);
        check(&[Some(i64::MIN), Some(i64::MAX)], &[true, false], &[0, 1]);
    }
}
