//! The counting rule: when a passage that several stories have is boilerplate.

/// Passages of fewer stories may be those of copies of one story.
pub const MIN_BOILERPLATE_STORIES: u64 = 4;

/// Whether a passage of `stories` stories is boilerplate.
///
/// `unrelated_neighbours` counts the pairs of stories, next to each other in the order of the stories that have the
/// passage, that [share only boilerplate](super::shares_only_boilerplate). The passage is boilerplate if at least
/// [`MIN_BOILERPLATE_STORIES`] stories have it and more than half of those pairs are unrelated.
pub fn is_boilerplate(stories: u64, unrelated_neighbours: u64) -> bool {
    stories >= MIN_BOILERPLATE_STORIES && unrelated_neighbours * 2 > stories - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_neighbours_must_be_unrelated() {
        let check = |stories, unrelated, expect: bool| {
            assert_eq!(is_boilerplate(stories, unrelated), expect, "{unrelated} of {stories}");
        };
        check(3, 2, false);
        check(4, 1, false);
        check(4, 2, true);
        check(5, 2, false);
        check(5, 3, true);
    }
}
