//! The thresholds of the rule table, as data.

use serde::{Deserialize, Serialize};

/// The thresholds, as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thresholds {
    /// Coverage of the better covered story from which a pair is a copy.
    pub copy_coverage: f32,
    /// Coverage that a copy needs on the other side too; below it, it is an excerpt.
    pub copy_other: f32,
    /// Coverage of the contained story from which it is an excerpt.
    pub excerpt_coverage: f32,
    /// Matched informative tokens of one aligned stretch from which it makes an excerpt, whatever stands around it …
    pub passage_matched: f32,
    /// … if its longest common run has so many words …
    pub passage_run: usize,
    /// … and it is this share of the story that it is more of.
    pub passage_coverage: f32,
    /// Share of the numbers that an excerpt takes over; below it the wording is a template's. It is more than for
    /// copies: a desk brings the figures of a story up to date, but who quotes a passage quotes its figures.
    pub excerpt_numbers: f32,
    /// Numbers and names that differ, for each matched informative token, from which that is said of an excerpt.
    pub excerpt_density: f32,
    /// Days between two stories of one publisher, or of unknown ones, from which a passage that both have, each with
    /// much else around it, is background that is told again, not an excerpt. Of 35 pairs of agency stories where a
    /// passage was all that they shared, read one by one, 25 were two reports with one recap, 4 a digest and its story.
    pub background_days: f32,
    /// The same for stories of two publishers: one that quotes another may take longer.
    pub background_days_others: f32,
    /// What is more of a story than this is no mere background.
    pub background_coverage: f32,
    /// Matched informative tokens that any relation of origin needs.
    pub min_matched: f32,
    /// A shorter common run than this, in words, is a phrase, not a common origin.
    pub min_run: usize,
    /// Matched informative tokens of one aligned stretch that copies and excerpts need: names and offices, each here and
    /// there, are no wording.
    pub min_passage: f32,
    /// What is less of both stories is a passage that they share, and no wording of the whole: no template makes twins of
    /// them. Of 12 pairs of agency stories that short-text rules took for twins by a passage, read one by one, none was.
    pub twin_coverage: f32,
    /// Numbers and names that differ, for each matched informative token: in a template they stand close together.
    pub twin_density: f32,
    /// Share of the numbers that copies have in common; below it they are twins.
    pub twin_numbers: f32,
    /// Numbers that both sides need before the share says anything.
    pub twin_min_numbers: u32,
    /// Share of the names that copies have in common; below it they are twins.
    pub twin_names: f32,
    /// Names that both sides need before the share says anything.
    pub twin_min_names: u32,
    /// Texts with fewer matched informative tokens are brief: what is published again and again with new facts is
    /// (market reports, tenders, bond issues). For them `excerpt_numbers` holds for copies too.
    pub brief: f32,
    /// Days from which a text with another number is the next of its kind, not another version …
    pub recurring_days: f32,
    /// … if numbers and names so many for each matched informative token differ, so that it is no slip …
    pub recurring_density: f32,
    /// … and fewer informative tokens than this are matched. Of 11 copies of agency stories that this took beyond
    /// `brief`, read one by one, all were reports of another week or month.
    pub recurring_matched: f32,
    /// With fewer than this it needs no other number; of 26 copies that this took 22 were of another week or firm.
    pub recurring_brief: f32,
    /// Brief texts with fewer matched informative tokens than this, titles that share less than `short_title`, and facts
    /// that differ are of two subjects …
    pub own_titled: f32,
    /// … the share of the names, beside two numbers and three names, below which facts differ …
    pub own_names: f32,
    /// … and numbers and names that differ for each matched informative token.
    pub own_density: f32,
    /// Titles of short texts that share less are of two subjects whatever the texts say.
    pub own_title: f32,
    /// Share of the telling words of a title that the text says, from which it is the story that the title announces. What
    /// has all facts in common is then one story under two headlines; of 14 pairs of agency stories, read one by one, 8 were.
    pub own_told: f32,
    /// Hours within which one publisher's text, under the same title, comes again corrected …
    pub refiled_hours: f32,
    /// … with this share of both texts, and half of the numbers and most names in common. Of 28 pairs of agency stories on
    /// one company within 12 hours, read one by one, 26 were one report, filed again.
    pub refiled_coverage: f32,
    /// Texts with fewer matched informative tokens are short: for them, one number that differs makes a twin …
    pub short: f32,
    /// … so does a lesser share of the names in common …
    pub short_names: f32,
    /// … and, where the text has numbers, titles that share less.
    pub short_title: f32,
    /// A short text is an excerpt if this share of it is in the longer one, or if the titles share as much as that …
    pub short_excerpt: f32,
    /// … or if the longest common run has so many words.
    pub short_run: usize,
    /// Related pairs: a cosine of two stories, and the rare names and terms that it needs beside it. The less
    /// alike two stories sound, the more they must share. One word in common is not enough for any: of 11 pairs of
    /// agency stories that shared one, 6 were earnings of two firms.
    pub related: Vec<(f32, u32)>,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            copy_coverage: 0.60,
            copy_other: 0.40,
            excerpt_coverage: 0.65,
            passage_matched: 25.0,
            passage_run: 8,
            passage_coverage: 0.10,
            excerpt_numbers: 0.70,
            excerpt_density: 0.05,
            background_days: 0.0,
            background_days_others: 7.0,
            background_coverage: 0.60,
            min_matched: 10.0,
            min_run: 5,
            min_passage: 5.0,
            twin_coverage: 0.35,
            twin_density: 0.10,
            twin_numbers: 0.50,
            twin_min_numbers: 3,
            twin_names: 0.40,
            twin_min_names: 3,
            brief: 100.0,
            recurring_days: 1.0,
            recurring_density: 0.015,
            recurring_matched: 150.0,
            recurring_brief: 65.0,
            own_titled: 65.0,
            own_names: 0.75,
            own_density: 0.03,
            own_title: 0.25,
            own_told: 0.50,
            refiled_hours: 6.0,
            refiled_coverage: 0.80,
            short: 40.0,
            short_names: 0.75,
            short_title: 0.50,
            short_excerpt: 0.80,
            short_run: 12,
            related: vec![(0.78, 2), (0.55, 3), (0.40, 6)],
        }
    }
}
