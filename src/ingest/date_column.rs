//! The order of day and month in the dates of one input, decided by all of its dates.
//!
//! "05/06/2031" is the fifth of June or the sixth of May. Where another date of the same input can be read in one way only,
//! as "13/05/2031", all are read in that order; without one, the date is ignored with a notice.

use super::NoticeKind;
use crate::corpus::DateOrder;

/// The longest part of a date that a notice shows, in characters.
const MAX_SHOWN: usize = 40;

/// A date of numbers that depends on the order of day and month.
#[derive(Debug)]
pub(super) struct AmbiguousDate {
    /// The number of its story.
    pub story: usize,
    pub line: u64,
    pub text: String,
    /// Milliseconds since 1970 UTC if the day comes first.
    pub day_first: i64,
    /// Milliseconds since 1970 UTC if the month comes first.
    pub month_first: i64,
}

/// What the dates of an input show of their order so far.
#[derive(Debug, Default)]
pub(super) struct DateColumn {
    pub ambiguous: Vec<AmbiguousDate>,
    day_first: Option<(u64, String)>,
    month_first: Option<(u64, String)>,
}

/// The number of a story, and its date in milliseconds since 1970.
pub(super) type DatedStory = (usize, i64);

impl DateColumn {
    /// Remembers the first date that shows an order.
    pub(super) fn note_order(&mut self, line: u64, text: &str, shows: Option<DateOrder>) {
        let first = match shows {
            Some(DateOrder::DayFirst) => &mut self.day_first,
            Some(DateOrder::MonthFirst) => &mut self.month_first,
            None => return,
        };
        first.get_or_insert_with(|| (line, shorten(text)));
    }

    /// Decides the ambiguous dates: the number and the date of each story, and notices with their lines. `given` is the
    /// order that the user states.
    pub(super) fn decide(self, given: Option<DateOrder>) -> (Vec<DatedStory>, Vec<(u64, NoticeKind)>) {
        let order = given.or(match (&self.day_first, &self.month_first) {
            (Some(_), None) => Some(DateOrder::DayFirst),
            (None, Some(_)) => Some(DateOrder::MonthFirst),
            _ => None,
        });
        if self.ambiguous.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let Some(order) = order else {
            let notices =
                self.ambiguous.into_iter().map(|date| (date.line, NoticeKind::AmbiguousDate(date.text)));
            return (Vec::new(), notices.collect());
        };
        let at = |date: &AmbiguousDate| match order {
            DateOrder::DayFirst => date.day_first,
            DateOrder::MonthFirst => date.month_first,
        };
        let decided = self.ambiguous.iter().map(|date| (date.story, at(date))).collect();
        let evidence = match order {
            DateOrder::DayFirst => self.day_first,
            DateOrder::MonthFirst => self.month_first,
        };
        // What the user states needs no notice.
        let evidence = evidence.filter(|_| given.is_none());
        let notice = evidence.map(|(line, text)| (line, NoticeKind::DateOrder(order, text)));
        (decided, notice.into_iter().collect())
    }
}

/// The beginning of `text`, for a notice.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        corpus::{DateOrder, parse_date},
        ingest::{IngestOptions, tests::read_file},
    };

    #[test]
    fn the_dates_of_an_input_decide_the_order_of_day_and_month() {
        let check = |dates: &[&str], order: Option<DateOrder>, expect: &[Option<&str>], notices: usize| {
            let rows: String = dates.iter().map(|date| format!("Rain,It rained.,{date}\n")).collect();
            let options = IngestOptions { date_order: order, ..IngestOptions::default() };
            let read = read_file("a.csv", format!("title,text,date\n{rows}"), &options);
            let found: Vec<_> = read.stories.iter().map(|story| story.published).collect();
            let expect: Vec<_> = expect.iter().map(|date| date.and_then(|d| parse_date(d, false))).collect();
            assert_eq!((found, read.notices.len()), (expect, notices), "{dates:?}: {:?}", read.notices);
            let explained = read.information.iter().any(|n| n.kind.to_string().contains("first"));
            assert_eq!(explained, order.is_none() && notices == 0 && dates.len() > 1, "{dates:?}");
        };
        check(&["05/06/2031", "13/05/2031"], None, &[Some("2031-06-05"), Some("2031-05-13")], 0);
        check(&["05/13/2031", "05/06/2031"], None, &[Some("2031-05-13"), Some("2031-05-06")], 0);
        // No date shows the order, or two contradict each other.
        check(&["05/06/2031"], None, &[None], 1);
        check(
            &["05/06/2031", "13/05/2031", "05/13/2031"],
            None,
            &[None, Some("2031-05-13"), Some("2031-05-13")],
            1,
        );
        check(&["05/06/2031"], Some(DateOrder::DayFirst), &[Some("2031-06-05")], 0);
        check(&["05/06/2031"], Some(DateOrder::MonthFirst), &[Some("2031-05-06")], 0);
        check(&["2613-08-13", "soon"], Some(DateOrder::DayFirst), &[None, None], 2);
    }
}
