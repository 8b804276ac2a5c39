//! The tokens of a row, and which of them are quoted.

use super::{
    quotation::quotations,
    tokens::{Token, tokens_with_source},
};

/// The tokens of a row.
#[derive(Debug)]
pub(super) struct RowTokens {
    /// In the order of the text.
    pub tokens: Vec<Token>,
    /// For each token, whether it is quoted.
    pub quoted: Vec<bool>,
}

impl RowTokens {
    /// Those of normalized `text`.
    pub fn new(text: &str) -> Self {
        let ranges = quotations(text);
        let mut rest = ranges.iter().peekable();
        let (mut tokens, mut quoted) = (Vec::new(), Vec::new());
        for (token, source) in tokens_with_source(text) {
            // Each is a part of the text.
            let place = source.as_ptr() as usize - text.as_ptr() as usize;
            while rest.next_if(|range| range.end <= place).is_some() {}
            tokens.push(token);
            quoted.push(rest.peek().is_some_and(|range| range.contains(&place)));
        }
        RowTokens { tokens, quoted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_tokens_are_marked() {
        // A mark a token: `q` quoted, `.` not.
        let check = |text: &str, expect: &str| {
            let RowTokens { tokens, quoted } = RowTokens::new(text);
            assert_eq!(tokens.len(), quoted.len());
            let marks: String = quoted.iter().map(|q| if *q { 'q' } else { '.' }).collect();
            assert_eq!(marks, expect, "{text}");
        };
        check("", "");
        check("The pier stays", "...");
        check("\"The pier stays,\" Ostrel said, \"until May 4\".", "qqq..qqq");
        check("We think our pier stays", "qqqqq");
        check("市長は「港は残る」と", "..qqq.");
    }
}
