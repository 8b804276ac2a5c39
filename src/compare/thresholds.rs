//! The thresholds of the rule table.

use serde::{Deserialize, Serialize};

/// The thresholds of the rules. "Informative tokens" are counted in tokens of average weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Coverage of the better covered story from which a pair is a copy.
    pub copy_coverage: f32,
    /// Coverage of the other story that a copy needs too; below it, the pair is an excerpt.
    pub copy_other: f32,
    /// Coverage of the contained story from which it is an excerpt.
    pub excerpt_coverage: f32,
    /// Matched informative tokens of one shared passage from which it makes an excerpt, whatever is around it …
    pub passage_matched: f32,
    /// … if its longest common run has so many words …
    pub passage_run: usize,
    /// … and it is at least this share of one story.
    pub passage_coverage: f32,
    /// Share of the numbers that an excerpt takes over; below it the wording is a template's. It is higher than for
    /// copies: a desk brings the numbers of a story up to date, but a quoted passage keeps its numbers.
    pub excerpt_numbers: f32,
    /// Numbers and names that differ, for each matched informative token, from which `excerpt_numbers` applies.
    pub excerpt_density: f32,
    /// Days between two stories of one publisher, or of unknown ones, from which a passage that both have, each with much
    /// else around it, is repeated background and no excerpt. Of 35 pairs of agency stories that shared nothing but a
    /// passage, read one by one, 25 were two reports with one recap, 4 a digest and its story.
    pub background_days: f32,
    /// The same for stories of two publishers: one that quotes another may take longer.
    pub background_days_others: f32,
    /// From this coverage on, a passage is no mere background.
    pub background_coverage: f32,
    /// Matched informative tokens that any relation of origin needs.
    pub min_matched: f32,
    /// The longest common run that any relation of origin needs, in words; a shorter one is a phrase.
    pub min_run: usize,
    /// Matched informative tokens of one shared passage that copies and excerpts need: names and offices here and there
    /// are no shared wording.
    pub min_passage: f32,
    /// Coverage of the better covered story that twins need: below it, a passage is shared, and no template. Of 12 pairs
    /// of agency stories that the rules for short texts took for twins by a passage, read one by one, none was.
    pub twin_coverage: f32,
    /// Numbers and names that differ, for each matched informative token, from which a text is a template.
    pub twin_density: f32,
    /// Share of the numbers that copies have in common; below it they are twins.
    pub twin_numbers: f32,
    /// Numbers that both stories need before that share counts.
    pub twin_min_numbers: u32,
    /// Share of the names that copies have in common; below it they are twins.
    pub twin_names: f32,
    /// Names that both stories need before that share counts.
    pub twin_min_names: u32,
    /// Texts with fewer matched informative tokens are brief: reports of a series (markets, tenders, bond issues) mostly
    /// are. For them `excerpt_numbers` applies to copies too.
    pub brief: f32,
    /// Days from which a text with another number is the next of its series, not another version …
    pub recurring_days: f32,
    /// … if so many numbers and names differ for each matched informative token, so that it is no slip …
    pub recurring_density: f32,
    /// … and fewer informative tokens than this are matched. Of 11 copies of agency stories that this took beyond
    /// `brief`, read one by one, all were reports of another week or month.
    pub recurring_matched: f32,
    /// With fewer than this no number need differ; of 26 copies that this took, 22 were of another week or firm.
    pub recurring_brief: f32,
    /// Brief texts with fewer matched informative tokens than this, titles that overlap less than `short_title`, and other
    /// facts are on two subjects …
    pub distinct_matched: f32,
    /// … the share of the names, beside two numbers and three names, below which facts differ …
    pub distinct_names: f32,
    /// … and the numbers and names that differ for each matched informative token.
    pub distinct_density: f32,
    /// Short texts whose titles overlap less are on two subjects, whatever the texts say.
    pub distinct_title: f32,
    /// Share of the informative words of a title in its text, from which the text is what the title announces. Two stories
    /// with all facts in common are then one story under two headlines; of 14 pairs of agency stories, read one by one, 8
    /// were.
    pub min_title_coverage: f32,
    /// Hours within which a publisher's text, under the same title, is filed again with corrections …
    pub refiled_hours: f32,
    /// … with this coverage of both texts, half of the numbers and most names in common. Of 28 pairs of agency stories on
    /// one company within 12 hours, read one by one, 26 were one report, filed again.
    pub refiled_coverage: f32,
    /// Texts with fewer matched informative tokens are short: one number that differs makes them twins …
    pub short: f32,
    /// … so does a lower share of the names in common …
    pub short_names: f32,
    /// … and, where the text has numbers, titles that overlap less.
    pub short_title: f32,
    /// A short text is an excerpt if this share of it is in the longer one, or if the titles overlap by `short_title` …
    pub short_excerpt: f32,
    /// … or if the longest common run has so many words.
    pub short_run: usize,
    /// Coverage of a publisher's earlier story from which its later one is a version of it, however much was added.
    pub version_coverage: f32,
    /// Days within which a publisher's longer story that has most of its earlier one is a version of it, whatever numbers
    /// and titles changed …
    pub growing_days: f32,
    /// … if the shorter one has less than this share of the longer one's length.
    pub growing_length: f32,
    /// Coverage of both of two brief texts from which an opposite, another subject, or another number and name make them
    /// twins.
    pub close_wording: f32,
    /// The probability from which two stories whose wording does not decide are one account in other
    /// words, in [0, 1] …
    pub rewrite: f32,
    /// … if both have so many words …
    pub rewrite_words: u32,
    /// … and each has this share of its passages in the other by meaning …
    pub rewrite_meaning: f32,
    /// … condensed, if the shorter one has less than this share of the longer one's length.
    pub condensed: f32,
    /// Share of the matched words that is quoted, from which a pair shares a statement of a third …
    pub quote_share: f32,
    /// … if less of the prose around it is shared …
    pub quote_prose: f32,
    /// … and a passage of so many matched words.
    pub quote_matched: f32,
    /// Related pairs: the cosine of two stories, and the rare names and terms in common that it needs. The lower the
    /// cosine, the more terms. One word in common is never enough: of 11 pairs of agency stories that shared one, 6 were
    /// earnings of two firms.
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
            distinct_matched: 65.0,
            distinct_names: 0.75,
            distinct_density: 0.03,
            distinct_title: 0.25,
            min_title_coverage: 0.50,
            refiled_hours: 6.0,
            refiled_coverage: 0.80,
            short: 40.0,
            short_names: 0.75,
            short_title: 0.50,
            short_excerpt: 0.80,
            short_run: 12,
            version_coverage: 0.90,
            growing_days: 1.0,
            growing_length: 0.75,
            close_wording: 0.80,
            rewrite: 0.5,
            rewrite_words: 65,
            rewrite_meaning: 0.2,
            condensed: 0.6,
            quote_share: 0.5,
            quote_prose: 0.35,
            quote_matched: 15.0,
            related: vec![(0.78, 2), (0.55, 3), (0.40, 6)],
        }
    }
}
