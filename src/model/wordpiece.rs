//! WordPiece of plain ASCII words: the ids that the tokenizer itself gives, without its records of offsets.
//!
//! A BERT tokenizer normalizes and splits text in ways that never reach across white space, so a text may be taken a
//! chunk at a time. Chunks of ASCII letters, digits and punctuation, nearly all of a news text, are done here; the
//! tokenizer does the others. The match is greedy, longest piece first (Wu et al., 2016).

use tokenizers::{
    Model, ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, Tokenizer, models::wordpiece::WordPiece,
};

/// What the fast path needs to know of a tokenizer.
pub(super) struct Words {
    lowercase: bool,
    unknown: u32,
    /// `[CLS]` and `[SEP]`.
    around: [u32; 2],
    /// The first bytes of tokens that are found in the text itself, such as `[MASK]`.
    reserved: [bool; 256],
}

impl Words {
    /// `None` for a tokenizer of another kind: it has to do all of its work itself.
    pub(super) fn of(inner: &Tokenizer) -> Option<Self> {
        let Some(NormalizerWrapper::BertNormalizer(normalizer)) = inner.get_normalizer() else { return None };
        let Some(PreTokenizerWrapper::BertPreTokenizer(_)) = inner.get_pre_tokenizer() else { return None };
        let unknown = model(inner)?.token_to_id(&model(inner)?.unk_token)?;
        let around = inner.encode_fast("", true).ok()?.get_ids().try_into().ok()?;
        let mut reserved = [false; 256];
        #[expect(clippy::iter_over_hash_type, reason = "flags are set, in whatever order")]
        for token in inner.get_added_tokens_decoder().values() {
            if token.normalized {
                return None;
            }
            reserved[usize::from(*token.content.as_bytes().first()?)] = true;
        }
        Some(Words { lowercase: normalizer.lowercase, unknown, around, reserved })
    }

    /// The ids of `text` as `inner` gives them; `None` if `inner` has to look at the whole text.
    pub(super) fn encode(&self, inner: &Tokenizer, text: &str) -> tokenizers::Result<Option<Vec<u32>>> {
        let Some(model) = model(inner) else { return Ok(None) };
        if text.bytes().any(|b| self.reserved[usize::from(b)]) {
            return Ok(None);
        }
        let mut ids = Vec::with_capacity(text.len() / 4 + 2);
        ids.push(self.around[0]);
        let mut word = String::new();
        for chunk in text.split([' ', '\t', '\n', '\r']).filter(|chunk| !chunk.is_empty()) {
            if !chunk.bytes().all(|b| b.is_ascii_graphic()) {
                ids.extend_from_slice(inner.encode_fast(chunk, false)?.get_ids());
                continue;
            }
            let mut rest = chunk;
            while !rest.is_empty() {
                let end = rest.find(|c: char| c.is_ascii_punctuation()).unwrap_or(rest.len()).max(1);
                word.clear();
                word.push_str(&rest[..end]);
                if self.lowercase {
                    word.make_ascii_lowercase();
                }
                self.pieces(model, &word, &mut ids);
                rest = &rest[end..];
            }
        }
        ids.push(self.around[1]);
        Ok(Some(ids))
    }

    /// Adds the ids of one word.
    fn pieces(&self, model: &WordPiece, word: &str, ids: &mut Vec<u32>) {
        let before = ids.len();
        let mut from = 0;
        if word.len() > model.max_input_chars_per_word {
            from = word.len();
            ids.push(self.unknown);
        }
        let mut inside = String::new();
        while from < word.len() {
            let found = (from + 1..=word.len()).rev().find_map(|to| {
                let piece = &word[from..to];
                if from == 0 {
                    return model.token_to_id(piece).map(|id| (to, id));
                }
                inside.clear();
                inside.push_str(&model.continuing_subword_prefix);
                inside.push_str(piece);
                model.token_to_id(&inside).map(|id| (to, id))
            });
            let Some((to, id)) = found else {
                ids.truncate(before);
                ids.push(self.unknown);
                return;
            };
            ids.push(id);
            from = to;
        }
    }
}

fn model(inner: &Tokenizer) -> Option<&WordPiece> {
    match inner.get_model() {
        ModelWrapper::WordPiece(model) => Some(model),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokenizer() -> &'static (Tokenizer, Words) {
        static TOKENIZER: std::sync::OnceLock<(Tokenizer, Words)> = std::sync::OnceLock::new();
        TOKENIZER.get_or_init(|| {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/all-MiniLM-L6-v2/tokenizer.json");
            let mut inner = Tokenizer::from_file(path).unwrap();
            inner.with_padding(None);
            inner.with_truncation(None).unwrap();
            let words = Words::of(&inner).expect("a BERT tokenizer");
            (inner, words)
        })
    }

    fn check(text: &str) {
        let (inner, words) = tokenizer();
        let expect = inner.encode_fast(text, true).unwrap();
        if let Some(ids) = words.encode(inner, text).unwrap() {
            assert_eq!(ids, expect.get_ids(), "{text:?}");
        }
    }

    #[test]
    fn ids_are_those_of_the_tokenizer() {
        let (inner, words) = tokenizer();
        let long = "a".repeat(101);
        for text in [
            "",
            " ",
            "The council's vote: 7-5 (one abstained).\n\nIt  met\tat 10:30 p.m.",
            "Zürich café naïve — “quoted” text… 10 €",
            "unaffable pneumonoultramicroscopicsilicovolcanoconiosis qqqqqqqq",
            "日本 and\u{a0}a\u{b}b\u{0}c \u{301}x d\u{ad}e",
            &long,
            "...!!! $5.00 <OXY> a_b #1 @you 50% ~x^y` {z} | \\",
        ] {
            assert!(words.encode(inner, text).unwrap().is_some(), "{text:?}");
            check(text);
        }
        assert_eq!(words.encode(inner, "a [MASK] in the text").unwrap(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn ids_of_any_text_are_those_of_the_tokenizer(text in "\\PC{0,60}") {
            check(&text);
        }

        #[test]
        fn ids_of_words_are_those_of_the_tokenizer(
            text in "([A-Za-z]{1,12}|[0-9]{1,5}|[ -~]|[àéñß]|\\s|\u{301}|\u{4e2d}){0,40}",
        ) {
            check(&text);
        }
    }
}
