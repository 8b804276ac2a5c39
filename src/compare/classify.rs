//! Classifies a pair by its features: the rule table.

use super::{
    PairFeatures, Relation, Rule, Thresholds, rewrite,
    templates::{
        Shared, classify_other_facts, classify_series, classify_short, classify_template, is_another_subject,
        is_repeated_brief,
    },
};

/// The rule that applies to a pair; its relation is [`Rule::relation`].
pub(super) fn classify(f: &PairFeatures, t: &Thresholds) -> Rule {
    let rule = classify_wording(f, t);
    let shares_statement = is_statement(f, t, rule);
    let is_undecided = shares_statement || matches!(rule.relation(), Relation::Related | Relation::None);
    if is_undecided && is_rewrite(f, t) {
        return if f.length_ratio < t.condensed { Rule::CondensedText } else { Rule::RewordedText };
    }
    if shares_statement {
        return Rule::SharedStatement;
    }
    if rule.relation() == Relation::Twin {
        // Two stories with the same text may be on two subjects: a template so short that only the titles differ.
        return if f.higher_coverage() < t.twin_coverage { Rule::PassageOfBoth } else { rule };
    }
    if !f.same_text {
        return rule;
    }
    // A page that shows nothing but a note, such as how to read on, has no text of its own.
    let is_note = f.matched < t.short && f.titles_overlap_less(t.distinct_title) && is_another_subject(f, t);
    if is_note { Rule::ShortDistinctTitles } else { Rule::IdenticalText }
}

/// The rule that applies by wording and facts; whether the texts are the same is not looked at.
fn classify_wording(f: &PairFeatures, t: &Thresholds) -> Rule {
    let shared = Shared::new(f, t);
    let (high, low) = (f.higher_coverage(), f.lower_coverage());
    if shared.wording && is_growing(f, t) {
        return Rule::LaterVersion;
    }
    if shared.origin
        && let Some(rule) = classify_template(f, t)
    {
        return rule;
    }
    if shared.origin
        && let Some(rule) = classify_other_facts(f, t)
    {
        return rule;
    }
    if shared.wording && is_refiled(f, t) && low >= t.refiled_coverage {
        return republication(f, Rule::Refiled);
    }
    if shared.origin
        && f.matched < t.brief.max(t.recurring_matched)
        && let Some(rule) = classify_series(f, t, &shared)
    {
        return rule;
    }
    if shared.origin && is_repeated_brief(f, t) && high < t.short_excerpt {
        return Rule::RewordedBrief;
    }
    if shared.origin
        && f.matched < t.short
        && let Some(rule) = classify_short(f, t)
    {
        return rule;
    }
    let whole = shared.enough && high >= t.copy_coverage && low >= t.copy_other;
    if shared.wording && whole {
        return republication(f, Rule::MostTextShared);
    }
    if shared.origin && shared.few_numbers {
        return Rule::PassageOtherNumbers;
    }
    let has_own_wording = f.matched >= t.short
        || high >= t.short_excerpt
        || f.longest_run >= t.short_run
        || f.title_overlap.is_some_and(|overlap| overlap >= t.short_title);
    let part = shared.enough && high >= t.excerpt_coverage && has_own_wording;
    if shared.wording && part {
        // A growing story: the later version has all that the earlier one says.
        let is_version = f.same_source_later && high >= t.version_coverage;
        return if is_version { Rule::LaterVersion } else { Rule::ContainedText };
    }
    if whole || part {
        return Rule::SharedWords;
    }
    classify_rest(f, t, &shared)
}

/// A long passage, background, similar meaning, or nothing.
fn classify_rest(f: &PairFeatures, t: &Thresholds, shared: &Shared) -> Rule {
    let fresh = if f.different_sources { t.background_days_others } else { t.background_days };
    if shared.long_passage {
        let is_background =
            f.higher_coverage() < t.background_coverage && f.days_apart.is_some_and(|days| days >= fresh);
        let is_later = f.days_apart.is_some_and(|days| days >= 1.0);
        return match (is_background, is_later) {
            (true, true) => Rule::BackgroundPassage,
            (true, false) => Rule::SameDayPassage,
            (false, _) => Rule::LongSharedPassage,
        };
    }
    if t.related.iter().any(|&(cosine, terms)| f.cosine >= cosine && f.shared_rare_terms >= terms) {
        return Rule::SimilarMeaning;
    }
    Rule::TooLittleShared
}

/// An update where one publisher published both at different times; else a copy, by `rule`.
fn republication(f: &PairFeatures, rule: Rule) -> Rule {
    if f.same_source_later { Rule::LaterVersion } else { rule }
}

/// Whether one of two stories is a publisher's report as it grows: within a day it published a longer one that has most of the
/// shorter. Numbers change then, and titles; a notice of the same template would be of the same length.
fn is_growing(f: &PairFeatures, t: &Thresholds) -> bool {
    let same_names = f.names == 0 || f.names_shared >= t.short_names;
    f.same_source_later
        && f.days_apart.is_some_and(|days| days <= t.growing_days)
        && f.length_ratio < t.growing_length
        && f.higher_coverage() >= t.excerpt_coverage
        && same_names
        && !f.distinct_title_names
}

/// Whether one of two stories tells the account of the other. A few sentences on one event have the same few facts, however
/// they were written; and facts in common without a passage that says the same are no account.
fn is_rewrite(f: &PairFeatures, t: &Thresholds) -> bool {
    f.shorter_words >= t.rewrite_words
        && f.meaning_ab.min(f.meaning_ba) >= t.rewrite_meaning
        && rewrite::MODEL.probability(f) >= t.rewrite
}

/// Whether two stories that `rule` relates by their wording share a statement of a third instead: most of what they share is
/// quoted in one of them, and little of the prose around it is shared.
fn is_statement(f: &PairFeatures, t: &Thresholds, rule: Rule) -> bool {
    let by_wording = rule.relation().is_origin()
        || f.longest_passage >= t.quote_matched
            && f.longest_run >= t.passage_run
            && rule.relation() != Relation::Twin;
    let is_own_prose = f.prose_coverage.is_some_and(|coverage| coverage < t.quote_prose);
    by_wording && !f.same_text && f.quoted >= t.quote_share && is_own_prose
}

/// Whether a text is published again within hours under its title, by the same publisher or by unknown ones.
fn is_refiled(f: &PairFeatures, t: &Thresholds) -> bool {
    // Of stories with equal times only the day may be known.
    let soon = f.days_apart.is_some_and(|days| days > 0.0 && days * 24.0 <= t.refiled_hours);
    let same_title = f.title_overlap.is_some_and(|overlap| overlap >= 0.999);
    let same = |all: u32, shared: f32, least: f32| all == 0 || shared >= least;
    soon && same_title
        && !f.different_sources
        && same(f.numbers, f.numbers_shared, t.twin_numbers)
        && same(f.names, f.names_shared, t.short_names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two long stories that share nearly everything.
    const COPY: PairFeatures = PairFeatures {
        coverage_ab: 0.9,
        coverage_ba: 0.9,
        matched: 120.0,
        longest_passage: 110.0,
        longest_run: 60,
        quoted: 0.1,
        prose_coverage: Some(0.9),
        numbers: 6,
        numbers_shared: 1.0,
        names: 8,
        names_shared: 1.0,
        cosine: 0.95,
        shared_rare_terms: 10,
        title_overlap: Some(1.0),
        distinct_title_names: false,
        distinct_subjects: false,
        contradictions: 0,
        opposite_titles: false,
        title_coverage: None,
        days_apart: Some(0.5),
        different_sources: false,
        same_source_later: false,
        same_text: false,
        meaning_ab: 0.9,
        meaning_ba: 0.9,
        same_order: 0.9,
        rare_facts_lower: 0.2,
        rare_facts_higher: 0.2,
        numbers_lower: 0.2,
        numbers_higher: 0.2,
        length_ratio: 1.0,
        shorter_words: 250,
    };

    fn check(features: PairFeatures, expect: Relation) {
        let rule = classify(&features, &Thresholds::default());
        assert_eq!(rule.relation(), expect, "{rule}: {features:?}");
    }

    #[test]
    fn long_texts() {
        check(COPY, Relation::Copy);
        check(PairFeatures { same_source_later: true, ..COPY }, Relation::Update);
        let held = PairFeatures { coverage_ab: 0.2, coverage_ba: 0.95, ..COPY };
        check(held, Relation::Excerpt);
        check(PairFeatures { same_source_later: true, ..held }, Relation::Update);
        check(PairFeatures { same_source_later: true, coverage_ba: 0.85, ..held }, Relation::Excerpt);
        let quoted = PairFeatures { coverage_ab: 0.2, coverage_ba: 0.3, different_sources: true, ..COPY };
        check(quoted, Relation::Excerpt);
        check(
            PairFeatures { coverage_ab: 0.2, coverage_ba: 0.3, longest_passage: 20.0, ..COPY },
            Relation::Related,
        );
        check(PairFeatures { days_apart: Some(30.0), ..quoted }, Relation::Related);
        check(
            PairFeatures { coverage_ab: 0.2, coverage_ba: 0.3, days_apart: None, ..COPY },
            Relation::Excerpt,
        );
        check(
            PairFeatures { coverage_ab: 0.2, coverage_ba: 0.9, days_apart: Some(30.0), ..COPY },
            Relation::Excerpt,
        );
        check(PairFeatures { coverage_ab: 0.2, coverage_ba: 0.3, longest_run: 5, ..COPY }, Relation::Related);
        check(
            PairFeatures { coverage_ab: 0.05, coverage_ba: 0.05, shared_rare_terms: 0, ..COPY },
            Relation::None,
        );
    }

    #[test]
    fn a_growing_report_is_an_update_whatever_number_it_corrects() {
        let snap = PairFeatures {
            coverage_ab: 0.9,
            coverage_ba: 0.3,
            matched: 25.0,
            longest_passage: 20.0,
            numbers: 1,
            numbers_shared: 0.0,
            names: 3,
            title_overlap: Some(0.2),
            days_apart: Some(0.04),
            same_source_later: true,
            length_ratio: 0.3,
            ..COPY
        };
        check(snap, Relation::Update);
        // Notices of one template, another firm, the report of the next week, another publisher.
        check(PairFeatures { length_ratio: 0.95, ..snap }, Relation::Twin);
        check(PairFeatures { distinct_title_names: true, ..snap }, Relation::Twin);
        check(PairFeatures { names_shared: 0.3, ..snap }, Relation::Twin);
        check(PairFeatures { days_apart: Some(7.0), ..snap }, Relation::Twin);
        check(PairFeatures { same_source_later: false, different_sources: true, ..snap }, Relation::Twin);
    }

    #[test]
    fn a_statement_in_common_is_a_quote() {
        let part = PairFeatures { coverage_ab: 0.3, coverage_ba: 0.3, different_sources: true, ..COPY };
        let statement = PairFeatures { quoted: 0.9, prose_coverage: Some(0.1), ..part };
        check(part, Relation::Excerpt);
        check(statement, Relation::Quote);
        check(PairFeatures { coverage_ab: 0.9, coverage_ba: 0.9, ..statement }, Relation::Quote);
        check(PairFeatures { prose_coverage: Some(0.5), ..statement }, Relation::Excerpt);
        check(PairFeatures { quoted: 0.4, ..statement }, Relation::Excerpt);
        // Both are nothing but the statement.
        check(PairFeatures { prose_coverage: None, ..statement }, Relation::Excerpt);
        check(
            PairFeatures { coverage_ab: 0.9, coverage_ba: 0.9, prose_coverage: None, ..statement },
            Relation::Copy,
        );
        // A sentence is enough, a few words are not.
        let sentence = PairFeatures { coverage_ab: 0.05, coverage_ba: 0.05, longest_run: 9, ..statement };
        check(PairFeatures { longest_passage: 16.0, ..sentence }, Relation::Quote);
        check(PairFeatures { longest_passage: 10.0, ..sentence }, Relation::Related);
    }

    #[test]
    fn the_same_account_in_other_words_is_a_rewrite() {
        let reworded = PairFeatures {
            coverage_ab: 0.1,
            coverage_ba: 0.1,
            longest_passage: 5.0,
            longest_run: 4,
            rare_facts_lower: 0.7,
            rare_facts_higher: 0.8,
            numbers_lower: 0.8,
            ..COPY
        };
        check(reworded, Relation::Rewrite);
        let condensed = PairFeatures { length_ratio: 0.3, ..reworded };
        assert_eq!(classify(&condensed, &Thresholds::default()), Rule::CondensedText);
        // Statements that it took over do not make it a quote.
        check(
            PairFeatures {
                longest_passage: 30.0,
                longest_run: 20,
                quoted: 1.0,
                prose_coverage: Some(0.1),
                ..reworded
            },
            Relation::Rewrite,
        );
        // Two reports of one event: other details, another order, other numbers.
        check(PairFeatures { rare_facts_lower: 0.3, rare_facts_higher: 0.4, ..reworded }, Relation::Related);
        check(PairFeatures { same_order: 0.1, numbers_lower: 0.2, ..reworded }, Relation::Related);
        // Too short, or no passage that says the same.
        check(PairFeatures { shorter_words: 60, ..reworded }, Relation::Related);
        check(PairFeatures { meaning_ab: 0.1, ..reworded }, Relation::Related);
        // The next report on it, days later.
        let less = PairFeatures { rare_facts_lower: 0.55, ..reworded };
        check(less, Relation::Rewrite);
        check(PairFeatures { days_apart: Some(9.0), ..less }, Relation::Related);
        let no_passage = PairFeatures { meaning_ab: 0.0, meaning_ba: 0.0, same_order: 0.0, ..reworded };
        check(PairFeatures { numbers_lower: 0.0, ..no_passage }, Relation::Related);
    }

    #[test]
    fn brief_texts_of_close_wording_with_another_content_are_twins() {
        let brief = PairFeatures { matched: 50.0, longest_passage: 45.0, ..COPY };
        check(brief, Relation::Copy);
        check(PairFeatures { contradictions: 1, ..brief }, Relation::Twin);
        check(
            PairFeatures { contradictions: 1, opposite_titles: true, matched: 120.0, ..brief },
            Relation::Twin,
        );
        check(PairFeatures { distinct_subjects: true, ..brief }, Relation::Twin);
        check(PairFeatures { numbers_shared: 0.9, names_shared: 0.9, ..brief }, Relation::Twin);
        for other in [
            PairFeatures { numbers_shared: 0.9, ..brief },
            PairFeatures { names_shared: 0.9, ..brief },
            PairFeatures { contradictions: 1, matched: 120.0, ..brief },
            PairFeatures { opposite_titles: true, ..brief },
            PairFeatures { distinct_subjects: true, coverage_ba: 0.7, ..brief },
        ] {
            check(other, Relation::Copy);
        }
    }

    #[test]
    fn templates() {
        let table = PairFeatures { numbers: 20, numbers_shared: 0.1, ..COPY };
        check(table, Relation::Twin);
        check(PairFeatures { names: 20, names_shared: 0.2, ..COPY }, Relation::Twin);
        // PairFeatures brought up to date: a copy, but no excerpt.
        let dated = PairFeatures { numbers: 18, numbers_shared: 0.6, ..COPY };
        check(dated, Relation::Copy);
        check(PairFeatures { coverage_ab: 0.3, coverage_ba: 0.8, ..dated }, Relation::Twin);
        check(PairFeatures { coverage_ab: 0.3, coverage_ba: 0.5, ..dated }, Relation::Twin);
        // A passage of two long stories is no wording of the whole.
        check(PairFeatures { coverage_ab: 0.3, coverage_ba: 0.3, ..dated }, Relation::Related);
        // Few numbers among many words changed: a later version.
        check(PairFeatures { numbers: 6, numbers_shared: 0.3, ..COPY }, Relation::Copy);
    }

    #[test]
    fn reports_of_a_series_are_twins() {
        let brief = PairFeatures { matched: 50.0, longest_passage: 45.0, numbers: 7, names: 7, ..COPY };
        check(brief, Relation::Copy);
        // Balances at the central bank, day by day.
        check(PairFeatures { numbers_shared: 0.43, ..brief }, Relation::Twin);
        check(PairFeatures { numbers_shared: 0.43, matched: 150.0, ..brief }, Relation::Copy);
        // The crop as it was estimated a month ago: one number is another.
        check(PairFeatures { numbers_shared: 0.83, days_apart: Some(31.0), ..brief }, Relation::Twin);
        check(PairFeatures { numbers_shared: 0.83, days_apart: Some(0.1), ..brief }, Relation::Copy);
        check(PairFeatures { numbers_shared: 0.83, days_apart: None, ..brief }, Relation::Copy);
        check(
            PairFeatures { numbers_shared: 0.5, matched: 140.0, days_apart: Some(7.0), ..brief },
            Relation::Twin,
        );
        check(
            PairFeatures { numbers_shared: 0.5, matched: 160.0, days_apart: Some(7.0), ..brief },
            Relation::Copy,
        );
        check(PairFeatures { numbers_shared: 0.5, matched: 140.0, ..brief }, Relation::Copy);
        check(PairFeatures { days_apart: Some(31.0), ..brief }, Relation::Twin);
        check(PairFeatures { days_apart: Some(31.0), different_sources: true, ..brief }, Relation::Copy);
        check(PairFeatures { days_apart: Some(1.5), ..brief }, Relation::Copy);
        check(PairFeatures { days_apart: Some(1.5), names_shared: 0.85, ..brief }, Relation::Twin);
        check(
            PairFeatures { days_apart: Some(1.5), coverage_ab: 0.7, coverage_ba: 0.5, ..brief },
            Relation::Related,
        );
        check(PairFeatures { days_apart: Some(31.0), matched: 70.0, ..brief }, Relation::Copy);
        // Two firms issue bonds on one day.
        check(PairFeatures { numbers_shared: 0.72, title_overlap: Some(0.27), ..brief }, Relation::Twin);
        check(PairFeatures { names_shared: 0.7, title_overlap: Some(0.27), ..brief }, Relation::Twin);
        check(
            PairFeatures { names_shared: 0.7, title_overlap: Some(0.27), numbers: 0, ..brief },
            Relation::Copy,
        );
        check(PairFeatures { title_overlap: Some(0.27), ..brief }, Relation::Copy);
        // A tender for the same tonnage, seven weeks on.
        let short = PairFeatures { matched: 18.0, longest_passage: 17.0, numbers: 1, names: 1, ..COPY };
        check(short, Relation::Copy);
        check(PairFeatures { days_apart: Some(49.0), ..short }, Relation::Twin);
        check(PairFeatures { days_apart: Some(49.0), same_text: true, ..short }, Relation::Identical);
        // Two firms file for offerings.
        check(PairFeatures { title_overlap: Some(0.19), numbers: 0, ..short }, Relation::Twin);
        check(PairFeatures { title_overlap: Some(0.3), numbers: 0, ..short }, Relation::Copy);
    }

    #[test]
    fn repeated_background_is_related() {
        let passage = PairFeatures { coverage_ab: 0.2, coverage_ba: 0.3, ..COPY };
        check(PairFeatures { days_apart: Some(1.2), ..passage }, Relation::Related);
        check(PairFeatures { days_apart: Some(0.1), ..passage }, Relation::Related);
        check(PairFeatures { days_apart: None, ..passage }, Relation::Excerpt);
        check(PairFeatures { days_apart: Some(1.2), different_sources: true, ..passage }, Relation::Excerpt);
        check(PairFeatures { days_apart: Some(8.0), different_sources: true, ..passage }, Relation::Related);
        check(PairFeatures { days_apart: Some(4.8), coverage_ba: 0.63, ..passage }, Relation::Excerpt);
    }

    #[test]
    fn brief_texts_of_two_subjects_are_twins() {
        let payout = PairFeatures {
            matched: 20.0,
            longest_passage: 20.0,
            longest_run: 16,
            distinct_title_names: true,
            ..COPY
        };
        check(payout, Relation::Twin);
        check(PairFeatures { distinct_title_names: false, ..payout }, Relation::Copy);
        check(PairFeatures { matched: 110.0, ..payout }, Relation::Copy);
        check(PairFeatures { same_text: true, ..payout }, Relation::Twin);
        check(PairFeatures { same_text: true, matched: 60.0, ..payout }, Relation::Identical);
        check(PairFeatures { coverage_ab: 0.3, ..payout }, Relation::Excerpt);
    }

    #[test]
    fn a_brief_under_another_headline_is_one_story() {
        let brief = PairFeatures {
            matched: 20.0,
            longest_passage: 20.0,
            longest_run: 18,
            title_overlap: Some(0.1),
            title_coverage: Some(0.75),
            different_sources: true,
            ..COPY
        };
        check(brief, Relation::Copy);
        check(PairFeatures { same_text: true, ..brief }, Relation::Identical);
        check(PairFeatures { coverage_ba: 0.05, ..brief }, Relation::Excerpt);
        // The text tells of neither title, or facts differ.
        check(PairFeatures { title_coverage: Some(0.2), ..brief }, Relation::Twin);
        check(PairFeatures { title_coverage: None, ..brief }, Relation::Twin);
        check(PairFeatures { same_text: true, title_coverage: Some(0.0), ..brief }, Relation::Twin);
        check(PairFeatures { distinct_title_names: true, ..brief }, Relation::Twin);
        check(PairFeatures { numbers_shared: 0.8, ..brief }, Relation::Twin);
    }

    #[test]
    fn a_report_that_is_filed_again_is_one_story() {
        let filed = PairFeatures {
            matched: 30.0,
            longest_passage: 30.0,
            numbers: 12,
            numbers_shared: 0.83,
            days_apart: Some(0.1),
            ..COPY
        };
        check(filed, Relation::Copy);
        check(PairFeatures { same_source_later: true, ..filed }, Relation::Update);
        check(PairFeatures { days_apart: Some(0.4), ..filed }, Relation::Twin);
        check(PairFeatures { days_apart: None, ..filed }, Relation::Twin);
        check(PairFeatures { days_apart: Some(0.0), ..filed }, Relation::Twin);
        check(PairFeatures { title_overlap: Some(0.9), ..filed }, Relation::Twin);
        check(PairFeatures { numbers_shared: 0.4, ..filed }, Relation::Twin);
        check(PairFeatures { names_shared: 0.6, ..filed }, Relation::Twin);
        check(PairFeatures { different_sources: true, ..filed }, Relation::Twin);
        check(PairFeatures { coverage_ba: 0.7, ..filed }, Relation::Twin);
    }

    #[test]
    fn shared_names_are_no_shared_wording() {
        let scattered = PairFeatures {
            matched: 15.0,
            longest_passage: 1.0,
            longest_run: 5,
            shared_rare_terms: 0,
            ..COPY
        };
        check(scattered, Relation::Related);
        check(PairFeatures { longest_passage: 12.0, ..scattered }, Relation::Copy);
        check(PairFeatures { coverage_ba: 0.1, ..scattered }, Relation::Related);
        check(PairFeatures { coverage_ab: 0.5, coverage_ba: 0.1, ..scattered }, Relation::None);
    }

    #[test]
    fn short_texts_need_more_evidence() {
        let short = PairFeatures { matched: 20.0, longest_passage: 20.0, longest_run: 12, ..COPY };
        check(short, Relation::Copy);
        check(PairFeatures { numbers_shared: 0.8, ..short }, Relation::Twin);
        check(PairFeatures { names_shared: 0.7, ..short }, Relation::Twin);
        check(PairFeatures { title_overlap: Some(0.2), ..short }, Relation::Twin);
        check(PairFeatures { title_overlap: None, ..short }, Relation::Copy);
        let part = PairFeatures {
            coverage_ab: 0.7,
            coverage_ba: 0.2,
            longest_run: 8,
            longest_passage: 10.0,
            ..short
        };
        check(part, Relation::Excerpt);
        check(PairFeatures { title_overlap: None, ..part }, Relation::Related);
        check(PairFeatures { title_overlap: None, coverage_ab: 0.9, ..part }, Relation::Excerpt);
        check(PairFeatures { title_overlap: None, longest_run: 14, ..part }, Relation::Excerpt);
        check(
            PairFeatures { matched: 5.0, longest_passage: 5.0, shared_rare_terms: 0, ..short },
            Relation::None,
        );
        check(
            PairFeatures { same_text: true, matched: 5.0, longest_passage: 5.0, ..short },
            Relation::Identical,
        );
        check(
            PairFeatures {
                same_text: true,
                matched: 5.0,
                longest_passage: 5.0,
                title_overlap: Some(0.1),
                ..short
            },
            Relation::Twin,
        );
        check(PairFeatures { same_text: true, title_overlap: Some(0.2), ..short }, Relation::Twin);
    }

    proptest::proptest! {
        #[test]
        fn the_relation_does_not_depend_on_which_story_comes_first(
            ab in 0f32..1.0, ba in 0f32..1.0, matched in 0f32..200.0, longest_passage in 0f32..200.0, longest_run in 0usize..100,
            numbers in 0u32..20, numbers_shared in 0f32..1.0, names in 0u32..20, names_shared in 0f32..1.0,
            cosine in 0f32..1.0, shared_rare_terms in 0u32..20, days in 0f32..9.0, different_sources: bool,
        ) {
            let one = PairFeatures {
                coverage_ab: ab, coverage_ba: ba, matched, longest_passage, longest_run, numbers, numbers_shared, names,
                names_shared, cosine, shared_rare_terms, days_apart: Some(days), different_sources, ..COPY
            };
            let other = PairFeatures { coverage_ab: ba, coverage_ba: ab, ..one };
            let t = Thresholds::default();
            proptest::prop_assert_eq!(classify(&one, &t), classify(&other, &t));
        }
    }
}
