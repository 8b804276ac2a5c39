//! A fast path for WordPiece: the ids of ASCII words exactly as the tokenizer gives them, without its offsets.
//!
//! The normalization and splitting of a BERT tokenizer never reach across whitespace, so a text can be tokenized word by
//! word. Words of ASCII letters, digits and punctuation (nearly all of a news text) are tokenized here, the others by the
//! tokenizer. Matching is greedy, longest piece first (Wu et al., "Google's neural machine translation system", 2016).

use tokenizers::{
    Model, ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, Tokenizer, models::wordpiece::WordPiece,
};

/// The properties of a tokenizer that the fast path needs.
pub(super) struct AsciiWordPiece {
    lowercase: bool,
    unknown: u32,
    /// `[CLS]` and `[SEP]`.
    special: [u32; 2],
    /// The first bytes of special tokens that are recognized in the text itself, such as `[MASK]`.
    reserved: [bool; 256],
}

impl AsciiWordPiece {
    /// `None` if the tokenizer is not a BERT tokenizer with WordPiece.
    pub(super) fn new(inner: &Tokenizer) -> Option<Self> {
        let Some(NormalizerWrapper::BertNormalizer(normalizer)) = inner.get_normalizer() else { return None };
        let Some(PreTokenizerWrapper::BertPreTokenizer(_)) = inner.get_pre_tokenizer() else { return None };
        let unknown = model(inner)?.token_to_id(&model(inner)?.unk_token)?;
        let special = inner.encode_fast("", true).ok()?.get_ids().try_into().ok()?;
        let mut reserved = [false; 256];
        #[expect(clippy::iter_over_hash_type, reason = "the order of setting flags does not matter")]
        for token in inner.get_added_tokens_decoder().values() {
            if token.normalized {
                return None;
            }
            reserved[usize::from(*token.content.as_bytes().first()?)] = true;
        }
        Some(AsciiWordPiece { lowercase: normalizer.lowercase, unknown, special, reserved })
    }

    /// The ids of `text`, as `inner` gives them; `None` if `inner` must see the whole text.
    pub(super) fn encode(&self, inner: &Tokenizer, text: &str) -> tokenizers::Result<Option<Vec<u32>>> {
        let Some(model) = model(inner) else { return Ok(None) };
        if text.bytes().any(|b| self.reserved[usize::from(b)]) {
            return Ok(None);
        }
        let mut ids = Vec::with_capacity(text.len() / 4 + 2);
        ids.push(self.special[0]);
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
        ids.push(self.special[1]);
        Ok(Some(ids))
    }

    /// Appends the ids of one word.
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

    fn tokenizer() -> &'static (Tokenizer, AsciiWordPiece) {
        static TOKENIZER: std::sync::OnceLock<(Tokenizer, AsciiWordPiece)> = std::sync::OnceLock::new();
        TOKENIZER.get_or_init(|| {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/all-MiniLM-L6-v2/tokenizer.json");
            let mut inner = Tokenizer::from_file(path).unwrap();
            inner.with_padding(None);
            inner.with_truncation(None).unwrap();
            let fast_path = AsciiWordPiece::new(&inner).expect("a BERT tokenizer");
            (inner, fast_path)
        })
    }

    fn check(text: &str) {
        let (inner, fast_path) = tokenizer();
        let expect = inner.encode_fast(text, true).unwrap();
        if let Some(ids) = fast_path.encode(inner, text).unwrap() {
            assert_eq!(ids, expect.get_ids(), "{text:?}");
        }
    }

    #[test]
    fn gives_the_ids_of_the_tokenizer() {
        let (inner, fast_path) = tokenizer();
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
            assert!(fast_path.encode(inner, text).unwrap().is_some(), "{text:?}");
            check(text);
        }
        assert_eq!(fast_path.encode(inner, "a [MASK] in the text").unwrap(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn gives_the_ids_of_the_tokenizer_for_any_text(text in "\\PC{0,60}") {
            check(&text);
        }

        #[test]
        fn gives_the_ids_of_the_tokenizer_for_words(
            text in "([A-Za-z]{1,12}|[0-9]{1,5}|[ -~]|[àéñß]|\\s|\u{301}|\u{4e2d}){0,40}",
        ) {
            check(&text);
        }
    }
}
