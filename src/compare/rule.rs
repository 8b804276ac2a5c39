//! The rules of the rule table, each with its name, its relation and its message.

use serde::{Deserialize, Serialize};

use super::Relation;

/// The rule that gave a verdict. Reports, pairs files and stores have its [name](Rule::name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// Both have the same passages in the same order.
    IdenticalText,
    /// Most of both texts is shared.
    MostTextShared,
    /// The same text under the same title, filed again within hours.
    Refiled,
    /// A later version by the same publisher.
    LaterVersion,
    /// Most of the shorter text is in the longer one.
    ContainedText,
    /// A long passage is shared.
    LongSharedPassage,
    /// The same account in other words.
    RewordedText,
    /// The same account in other words and fewer.
    CondensedText,
    /// Shared wording with other numbers.
    OtherNumbers,
    /// Shared wording with other names.
    OtherNames,
    /// A shared passage with other numbers.
    PassageOtherNumbers,
    /// Brief texts of the same wording with other numbers.
    BriefOtherNumbers,
    /// Brief texts of the same wording whose titles each have a name of their own.
    BriefDistinctTitleNames,
    /// Brief texts of the same wording with other titles and facts.
    BriefDistinctTitlesAndFacts,
    /// Brief texts of the same wording; the title of each has a word of its text that the other story lacks.
    BriefDistinctSubjects,
    /// Nearly the same brief text with another number and another name.
    BriefOtherFacts,
    /// The same wording says the opposite.
    OppositeStatement,
    /// The same text days later with another number.
    RecurringNumber,
    /// The same brief text days later.
    RecurringBrief,
    /// Short texts of the same wording with other numbers.
    ShortOtherNumbers,
    /// Short texts of the same wording with other names.
    ShortOtherNames,
    /// Short texts of the same wording under other titles.
    ShortDistinctTitles,
    /// What is shared is quoted in one of them, and little else is.
    SharedStatement,
    /// Template wording in a passage that is a small part of both.
    PassageOfBoth,
    /// A brief text days later, largely reworded.
    RewordedBrief,
    /// Most words are shared, but no passage.
    SharedWords,
    /// A passage of background in reports of different days.
    BackgroundPassage,
    /// A passage of background in two reports of one day.
    SameDayPassage,
    /// Similar in meaning, with rare names or terms in common.
    SimilarMeaning,
    /// Too little is shared.
    TooLittleShared,
    /// The two were not compared.
    NotCompared,
}

impl Rule {
    /// Every rule, by relation, the closest first.
    pub const ALL: [Rule; 31] = [
        Rule::IdenticalText,
        Rule::MostTextShared,
        Rule::Refiled,
        Rule::ContainedText,
        Rule::LongSharedPassage,
        Rule::LaterVersion,
        Rule::RewordedText,
        Rule::CondensedText,
        Rule::OtherNumbers,
        Rule::OtherNames,
        Rule::PassageOtherNumbers,
        Rule::BriefOtherNumbers,
        Rule::BriefDistinctTitleNames,
        Rule::BriefDistinctTitlesAndFacts,
        Rule::BriefDistinctSubjects,
        Rule::BriefOtherFacts,
        Rule::OppositeStatement,
        Rule::RecurringNumber,
        Rule::RecurringBrief,
        Rule::ShortOtherNumbers,
        Rule::ShortOtherNames,
        Rule::ShortDistinctTitles,
        Rule::SharedStatement,
        Rule::PassageOfBoth,
        Rule::RewordedBrief,
        Rule::SharedWords,
        Rule::BackgroundPassage,
        Rule::SameDayPassage,
        Rule::SimilarMeaning,
        Rule::TooLittleShared,
        Rule::NotCompared,
    ];

    /// Its name in reports, pairs files and stores.
    pub fn name(self) -> &'static str {
        match self {
            Rule::IdenticalText => "identical-text",
            Rule::MostTextShared => "most-text-shared",
            Rule::Refiled => "refiled",
            Rule::LaterVersion => "later-version",
            Rule::ContainedText => "contained-text",
            Rule::LongSharedPassage => "long-shared-passage",
            Rule::RewordedText => "reworded-text",
            Rule::CondensedText => "condensed-text",
            Rule::OtherNumbers => "other-numbers",
            Rule::OtherNames => "other-names",
            Rule::PassageOtherNumbers => "passage-other-numbers",
            Rule::BriefOtherNumbers => "brief-other-numbers",
            Rule::BriefDistinctTitleNames => "brief-distinct-title-names",
            Rule::BriefDistinctTitlesAndFacts => "brief-distinct-titles-and-facts",
            Rule::BriefDistinctSubjects => "brief-distinct-subjects",
            Rule::BriefOtherFacts => "brief-other-facts",
            Rule::OppositeStatement => "opposite-statement",
            Rule::RecurringNumber => "recurring-number",
            Rule::RecurringBrief => "recurring-brief",
            Rule::ShortOtherNumbers => "short-other-numbers",
            Rule::ShortOtherNames => "short-other-names",
            Rule::ShortDistinctTitles => "short-distinct-titles",
            Rule::SharedStatement => "shared-statement",
            Rule::PassageOfBoth => "passage-of-both",
            Rule::RewordedBrief => "reworded-brief",
            Rule::SharedWords => "shared-words",
            Rule::BackgroundPassage => "background-passage",
            Rule::SameDayPassage => "same-day-passage",
            Rule::SimilarMeaning => "similar-meaning",
            Rule::TooLittleShared => "too-little-shared",
            Rule::NotCompared => "not-compared",
        }
    }

    /// The rule of this name.
    pub fn from_name(name: &str) -> Option<Rule> {
        Rule::ALL.into_iter().find(|rule| rule.name() == name)
    }

    #[cfg(any(test, feature = "store"))]
    /// The rule that a store of an earlier version kept as this sentence.
    pub(crate) fn from_sentence(sentence: &str) -> Option<Rule> {
        SENTENCES.iter().find(|(_, old)| *old == sentence).map(|(rule, _)| *rule)
    }

    /// The relation that it gives.
    pub fn relation(self) -> Relation {
        match self {
            Rule::IdenticalText => Relation::Identical,
            Rule::MostTextShared | Rule::Refiled => Relation::Copy,
            Rule::LaterVersion => Relation::Update,
            Rule::ContainedText | Rule::LongSharedPassage => Relation::Excerpt,
            Rule::RewordedText | Rule::CondensedText => Relation::Rewrite,
            Rule::SharedStatement => Relation::Quote,
            Rule::OtherNumbers
            | Rule::OtherNames
            | Rule::PassageOtherNumbers
            | Rule::BriefOtherNumbers
            | Rule::BriefDistinctTitleNames
            | Rule::BriefDistinctTitlesAndFacts
            | Rule::BriefDistinctSubjects
            | Rule::BriefOtherFacts
            | Rule::OppositeStatement
            | Rule::RecurringNumber
            | Rule::RecurringBrief
            | Rule::ShortOtherNumbers
            | Rule::ShortOtherNames
            | Rule::ShortDistinctTitles => Relation::Twin,
            Rule::PassageOfBoth
            | Rule::RewordedBrief
            | Rule::SharedWords
            | Rule::BackgroundPassage
            | Rule::SameDayPassage
            | Rule::SimilarMeaning => Relation::Related,
            Rule::TooLittleShared | Rule::NotCompared => Relation::None,
        }
    }

    /// What it says of the two stories, as part of a sentence.
    pub fn message(self) -> &'static str {
        match self {
            Rule::IdenticalText => "the same passages in the same order",
            Rule::MostTextShared => "most of both texts is shared",
            Rule::Refiled => "the same text under the same title, filed again within hours",
            Rule::LaterVersion => "a later version by the same publisher",
            Rule::ContainedText => "most of the shorter text is in the longer one",
            Rule::LongSharedPassage => "a long passage is shared",
            Rule::RewordedText => "the same account in other words",
            Rule::CondensedText => "the same account in other words, condensed",
            Rule::OtherNumbers => "the wording is shared, the numbers differ",
            Rule::OtherNames => "the wording is shared, the names differ",
            Rule::PassageOtherNumbers => "a passage has the same wording with other numbers",
            Rule::BriefOtherNumbers => "brief texts of the same wording with other numbers",
            Rule::BriefDistinctTitleNames => {
                "brief texts of the same wording; each title has a name that the other story lacks"
            }
            Rule::BriefDistinctTitlesAndFacts => {
                "brief texts of the same wording with different titles and facts"
            }
            Rule::BriefDistinctSubjects => {
                "brief texts of the same wording; each title has a word of its text that the other story lacks"
            }
            Rule::BriefOtherFacts => "nearly the same brief text with another number and another name",
            Rule::OppositeStatement => "the wording is shared, one says the opposite of the other",
            Rule::RecurringNumber => "the same text days later with another number",
            Rule::RecurringBrief => "the same brief text days later",
            Rule::ShortOtherNumbers => "short texts of the same wording with other numbers",
            Rule::ShortOtherNames => "short texts of the same wording with other names",
            Rule::ShortDistinctTitles => "short texts of the same wording with different titles",
            Rule::SharedStatement => "a statement that one of them quotes is shared, and little else is",
            Rule::PassageOfBoth => "a passage is shared; most of both texts is not",
            Rule::RewordedBrief => "a brief text days later, largely reworded",
            Rule::SharedWords => "most words of one are in the other, but no passage is shared",
            Rule::BackgroundPassage => "a passage of background is repeated days later",
            Rule::SameDayPassage => "two reports of the same day share a passage",
            Rule::SimilarMeaning => "similar in meaning, with rare names or terms in common",
            Rule::TooLittleShared => "too little is shared",
            Rule::NotCompared => "not compared",
        }
    }
}

#[cfg(any(test, feature = "store"))]
/// The sentences that stores kept in the place of names up to version 0.1.
const SENTENCES: [(Rule, &str); 25] = [
    (Rule::IdenticalText, "the same passages in the same order"),
    (Rule::MostTextShared, "most of both texts is shared"),
    (Rule::Refiled, "the same text, filed again within hours"),
    (Rule::LaterVersion, "one publisher's later version of the same text"),
    (Rule::ContainedText, "most of the shorter text is in the longer one"),
    (Rule::LongSharedPassage, "a long passage of one is in the other"),
    (Rule::OtherNumbers, "the wording is shared, the numbers are not"),
    (Rule::OtherNames, "the wording is shared, the names are not"),
    (Rule::PassageOtherNumbers, "a passage has the same wording with other numbers"),
    (Rule::BriefOtherNumbers, "brief texts of one wording with other numbers"),
    (Rule::BriefDistinctTitleNames, "brief texts of one wording, each with a name of its own in the title"),
    (Rule::BriefDistinctTitlesAndFacts, "brief texts of one wording with titles and facts of their own"),
    (Rule::RecurringNumber, "it comes again days later with another number"),
    (Rule::RecurringBrief, "a brief text comes again days later"),
    (Rule::ShortOtherNumbers, "short texts of one wording with other numbers"),
    (Rule::ShortOtherNames, "short texts of one wording with other names"),
    (Rule::ShortDistinctTitles, "short texts of one wording under titles of their own"),
    (Rule::PassageOfBoth, "a passage is shared, and most of both is their own"),
    (Rule::RewordedBrief, "a brief text is told again days later, much of it in other words"),
    (Rule::SharedWords, "most words of one are in the other, and no passage is"),
    (Rule::BackgroundPassage, "a passage of background is told again days apart"),
    (Rule::SameDayPassage, "a passage is shared by two reports of one day"),
    (Rule::SimilarMeaning, "close in meaning, and they share rare names or terms"),
    (Rule::TooLittleShared, "too little is shared"),
    (Rule::NotCompared, "not compared"),
];

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_json_are_the_displayed_names() {
        for rule in Rule::ALL {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.name());
            assert_eq!(Rule::from_name(&rule.to_string()), Some(rule));
        }
        assert_eq!(Rule::from_name("no-such-rule"), None);
    }

    #[test]
    fn sentences_of_earlier_stores_are_rules() {
        // The others are newer than these stores.
        for (rule, sentence) in SENTENCES {
            assert_eq!(Rule::from_sentence(sentence), Some(rule));
        }
    }
}
