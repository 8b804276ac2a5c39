//! The likely origin of a group: the story that the others were most likely made from.
//!
//! It is found by the evidence that the stories bear. Nothing is embedded or compared for it.

use std::{cell::OnceCell, cmp::Reverse, collections::BTreeMap};

use super::{
    credit::{AgencyCredit, is_agency},
    publishers::words,
    publishing_time::{may_be_first, ranks},
    texts::Texts,
};
use crate::story::{Corpus, Story, StoryId};

/// The share of an earlier version that a later one holds at least: what goes into a news agency's next version is
/// rewritten in part.
const VERSION_COVERAGE: f64 = 0.6;

/// What a story says of its origin, the strongest evidence first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OriginEvidence {
    /// It is by the agency that stories of the group credit.
    Agency,
    /// It credits an agency and has a dateline.
    CreditAndDateline,
    /// It credits an agency, and is not by another publisher.
    Credit,
    /// It has a dateline.
    Dateline,
    /// None of these.
    None,
}

/// What decided between stories of equal evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TieBreak {
    /// There was no other.
    Unneeded,
    /// It is the latest version of a publisher's story.
    Version,
    /// It was published first.
    Time,
    /// It has the cleanest and fullest text.
    Text,
    /// It was read first.
    Order,
}

/// The likely origin of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LikelyOrigin {
    pub story: StoryId,
    pub evidence: OriginEvidence,
    pub tie_break: TieBreak,
}

/// The likely origin among `members`, of which there is one, in the order of the input.
///
/// Of the versions of one publisher's story only the latest counts. The strongest evidence goes first, then the time of
/// publication where it differs, then the text.
pub(super) fn likely_origin(corpus: &Corpus, members: &[StoryId]) -> LikelyOrigin {
    let stories: Vec<&Story> = members.iter().map(|id| &corpus.stories[id.index()]).collect();
    let cell = OnceCell::new();
    let texts = || cell.get_or_init(|| Texts::new(stories.iter().copied()));
    let found = |version: &Version, evidence, tie_break| LikelyOrigin {
        story: members[version.at],
        evidence,
        tie_break,
    };

    let mut left = latest_versions(&stories, &texts);
    let credit = AgencyCredit::new(stories.iter().copied());
    let evidence_of = |version: &Version| evidence(stories[version.at], credit.by_other_publishers());
    if let [single] = &left[..] {
        let tie_break = if stories.len() > 1 { TieBreak::Version } else { TieBreak::Unneeded };
        return found(single, evidence_of(single), tie_break);
    }
    let strongest = left.iter().map(evidence_of).min().unwrap_or(OriginEvidence::None);
    left.retain(|version| evidence_of(version) == strongest);
    if let [single] = &left[..] {
        return found(single, strongest, TieBreak::Unneeded);
    }
    let times: Vec<Option<i64>> = left.iter().map(|version| version.first).collect();
    let mut is_first = may_be_first(&times).into_iter();
    left.retain(|_| is_first.next().unwrap_or(true));
    if let [single] = &left[..] {
        return found(single, strongest, TieBreak::Time);
    }
    // The least page chrome comes last: the texts are the same without it.
    let score = |version: &Version| (texts().score(version.at), Reverse(stories[version.at].text.len()));
    let scores: Vec<_> = left.iter().map(score).collect();
    let mut best = 0;
    for i in 1..scores.len() {
        if scores[i] > scores[best] {
            best = i;
        }
    }
    let is_single = scores.iter().filter(|score| **score == scores[best]).count() == 1;
    found(&left[best], strongest, if is_single { TieBreak::Text } else { TieBreak::Order })
}

/// What `story` says of its origin in a group whose other publishers credit `agency`.
fn evidence(story: &Story, agency: Option<&str>) -> OriginEvidence {
    let (source, credit) = (story.source.as_deref(), story.credit.as_deref());
    match (credit, &story.dateline) {
        _ if is_agency(source, agency) => OriginEvidence::Agency,
        (Some(_), Some(_)) => OriginEvidence::CreditAndDateline,
        // A publisher that credits another with its story says that this is not the origin.
        (Some(_), None) if source.is_none() || is_agency(source, credit) => OriginEvidence::Credit,
        (None, Some(_)) => OriginEvidence::Dateline,
        _ => OriginEvidence::None,
    }
}

/// A story that no later version replaces.
struct Version {
    /// Its place.
    at: usize,
    /// When it or an earlier version was first published.
    first: Option<i64>,
}

/// The stories of which the same publisher has no later version: another text, published later, that holds most of it.
/// Where times are missing or do not differ, the longer one is later.
fn latest_versions<'a>(stories: &[&Story], texts: &impl Fn() -> &'a Texts) -> Vec<Version> {
    let mut by_publisher: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    for (at, story) in stories.iter().enumerate() {
        if let Some(source) = &story.source {
            by_publisher.entry(words(source)).or_default().push(at);
        }
    }
    let mut replaced = vec![false; stories.len()];
    let mut first: Vec<Option<i64>> = stories.iter().map(|story| story.published).collect();
    for mut versions in by_publisher.into_values().filter(|of| of.len() > 1) {
        let times: Vec<Option<i64>> = versions.iter().map(|at| stories[*at].published).collect();
        let ranks: BTreeMap<usize, usize> = versions.iter().copied().zip(ranks(&times)).collect();
        let key = |at: usize| (ranks[&at], texts().word_count(at));
        let is_later = |later: usize, earlier: usize| {
            key(later) > key(earlier)
                && !texts().are_same(earlier, later)
                && texts().coverage(earlier, later) >= VERSION_COVERAGE
        };
        // The earliest first, so that what it hands on goes on to the latest.
        versions.sort_by_key(|at| key(*at));
        for (i, &earlier) in versions.iter().enumerate() {
            if let Some(&later) = versions[i..].iter().rev().find(|later| is_later(**later, earlier)) {
                replaced[earlier] = true;
                first[later] = first[earlier].into_iter().chain(first[later]).min();
            }
        }
    }
    let latest = (0..stories.len()).filter(|at| !replaced[*at]);
    latest.map(|at| Version { at, first: first[at] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    /// A story as "publisher | hour | text"; the text with its dateline and credit.
    fn story(line: &str) -> Story {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [source, hour, text] = parts[..] else { panic!("{line}") };
        let attribution = crate::corpus::dateline::find_attribution(text);
        Story {
            source: Some(source.to_string()).filter(|s| !s.is_empty()),
            // Days from 100 on: "7" is seven o'clock, "d1" the day after without an hour.
            published: match hour.strip_prefix('d') {
                Some(day) => Some((100 + day.parse::<i64>().unwrap()) * 24 * HOUR),
                None => hour.parse::<f64>().ok().map(|hour| 100 * 24 * HOUR + (hour * HOUR as f64) as i64),
            },
            text: text.replace(" / ", "\n\n"),
            dateline: attribution.dateline,
            credit: attribution.credit,
            ..Story::default()
        }
    }

    fn check(lines: &[&str], expect: usize, evidence: OriginEvidence, tie_break: TieBreak) {
        let corpus = Corpus { stories: lines.iter().map(|line| story(line)).collect(), ..Corpus::default() };
        let members: Vec<StoryId> = (0..lines.len() as u32).map(StoryId).collect();
        let found = likely_origin(&corpus, &members);
        assert_eq!(
            (found.story.index(), found.evidence, found.tie_break),
            (expect, evidence, tie_break),
            "{lines:#?}"
        );
    }

    #[test]
    fn a_credited_agency_goes_first_then_credit_and_dateline() {
        use OriginEvidence::{Agency, Credit, CreditAndDateline, Dateline, None};
        use TieBreak::{Time, Unneeded};
        check(&["Post | 7 | OSLO (AP) - Rain fell.", "ap | 9 | Rain fell."], 1, Agency, Unneeded);
        check(&["Post | 7 | Rain.\nReuters", "Reuters India | 9 | Rain."], 1, Agency, Unneeded);
        check(&["Post | 7 | OSLO (AP) - Rain.", "Apple Daily | 6 | Rain."], 0, CreditAndDateline, Unneeded);
        check(
            &["Daily | 7 | Rain fell.", "Post | 8 | OSLO, May 2 (AP) - Rain fell."],
            1,
            CreditAndDateline,
            Unneeded,
        );
        check(&["Daily | 8 | OSLO (AP) - Rain.", "Post | 7 | OSLO (AP) - Rain."], 1, CreditAndDateline, Time);
        check(&["Daily | 7 | Rain fell.", "Post | 8 | OSLO, May 2 - Rain fell."], 1, Dateline, Unneeded);
        check(&["| 8 | OSLO, May 2 - Rain fell.", "| 9 | Rain fell.\nAFP"], 1, Credit, Unneeded);
        // A credit alone says that the text is another's; an agency that credits itself is not credited by others.
        check(&["Daily | 7 | Rain fell.", "Post | 8 | Rain fell.\nReuters"], 0, None, Time);
        check(&["Post | 8 | OSLO, May 2 - Rain.", "Reuters | 9 | Rain.\nReuters"], 1, Credit, Unneeded);
        // Without credits, the name of a source is no evidence.
        check(&["Daily | 7 | Rain fell.", "AP | 8 | Rain fell."], 0, None, Time);
    }

    #[test]
    fn of_equal_evidence_the_first_goes_first_and_then_the_text() {
        use OriginEvidence::None;
        use TieBreak::{Order, Text, Time};
        check(&["Post | 9 | Rain fell.", "Daily | 8 | Rain fell."], 1, None, Time);
        // Seconds, a date without an hour and a missing time are no difference.
        check(&["Post | 9 | Rain fell.", "Daily | 8.99 | Rain fell."], 0, None, Order);
        check(&["Post | 9 | Rain fell on Skell.", "Daily | d0 | Rain fell."], 0, None, Text);
        check(&["Post | 9 | Rain fell.", "Daily | | Rain fell on Skell."], 1, None, Text);
        check(&["Post | d1 | Rain fell on Skell.", "Daily | 9 | Rain fell."], 1, None, Time);
        // The same text: with less page chrome, then read first.
        check(&["Post | 9 | Rain fell. / Share this article", "Daily | 9 | Rain fell."], 1, None, Text);
        check(&["Post | 9 | Rain fell.", "Daily | 9 | Rain fell."], 0, None, Order);
    }

    #[test]
    fn the_latest_version_stands_for_a_growing_story() {
        use OriginEvidence::{Agency, None};
        use TieBreak::{Time, Unneeded, Version};
        let snap = "Wire | 8 | Norrin raises its key rate to four percent.";
        let update = "wire | 8.5 | Norrin raises its key rate to four percent, the first rise in two years.";
        let last = "Wire | 9 | Norrin raises its key rate to four percent, the first rise in two years. / Banks followed.";
        check(&[snap, update, last], 2, None, Version);
        check(&[last, update, snap], 0, None, Version);
        // Without times, or with one time, the longer one.
        let untimed = |line: &str| line.replace(" 8 ", " ").replace(" 8.5 ", " ").replace(" 9 ", " ");
        check(&[&untimed(snap), &untimed(last), &untimed(update)], 1, None, Version);
        check(&[&snap.replace("| 8 |", "| 9 |"), last], 1, None, Version);
        // Its publisher was first, though another one copied the snap before the last version.
        check(&["Post | 8.2 | Norrin raises its key rate to four percent.", snap, last], 2, None, Time);
        check(
            &[
                "Post | 8.2 | Norrin raises its key rate.\nAP",
                "AP | 8 | Norrin raises its key rate.",
                "AP | 9 | Norrin raises its key rate to four percent.",
            ],
            2,
            Agency,
            Unneeded,
        );
        // Others' versions, another text of the publisher, and a text that was published again are no later versions.
        check(&[snap, &last.replace("Wire", "Post")], 0, None, Time);
        check(
            &[snap, "Wire | 9 | Banks in Norrin followed with higher rates on loans and on savings."],
            0,
            None,
            Time,
        );
        check(&[snap, &snap.replace("| 8 |", "| 10 |")], 0, None, Time);
    }
}
