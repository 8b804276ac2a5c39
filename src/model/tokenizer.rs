//! Text to token ids, never truncated: a long text becomes several windows.

use std::borrow::Cow;

use super::wordpiece::Words;
use crate::{Error, Result};

/// A `tokenizer.json` without the padding and truncation that it may ship with.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    words: Option<Words>,
    unknown: Option<u32>,
    max_tokens: usize,
    prefix: String,
}

impl Tokenizer {
    /// Reads `tokenizer.json`; `file` is named in errors. `max_tokens` counts `[CLS]` and `[SEP]`.
    pub fn from_json(file: &str, bytes: &[u8], max_tokens: usize, prefix: &str) -> Result<Self> {
        let bad =
            |found: String| Error::Model { file: file.into(), expected: "a tokenizer.json".into(), found };
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(|e| bad(e.to_string()))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| bad(e.to_string()))?;
        if max_tokens < 3 {
            return Err(bad(format!("a window of {max_tokens} tokens")));
        }
        let unknown = ["[UNK]", "<unk>"].into_iter().find_map(|token| inner.token_to_id(token));
        Ok(Tokenizer { words: Words::of(&inner), unknown, inner, max_tokens, prefix: prefix.into() })
    }

    /// The id that stands for what the model has no word for, if it has one.
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// All token ids of `text`, special tokens included, however many there are.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let fail = |e: tokenizers::Error| Error::Tokenizer { message: e.to_string() };
        let text = match self.prefix.is_empty() {
            true => Cow::Borrowed(text),
            false => Cow::Owned(format!("{}{text}", self.prefix)),
        };
        if let Some(words) = &self.words
            && let Some(ids) = words.encode(&self.inner, &text).map_err(fail)?
        {
            return Ok(ids);
        }
        Ok(self.inner.encode_fast(&*text, true).map_err(fail)?.get_ids().to_vec())
    }

    /// The ids of `text` as windows of at most the model's length, each between the text's own first and last
    /// special token. One window for a text that fits; consecutive windows share no token and lose none.
    pub fn windows(&self, text: &str) -> Result<Vec<Vec<u32>>> {
        let ids = self.encode(text)?;
        let (Some(&first), Some(&last)) = (ids.first(), ids.last()) else { return Ok(vec![ids]) };
        if ids.len() <= self.max_tokens {
            return Ok(vec![ids]);
        }
        let inside = &ids[1..ids.len() - 1];
        // Even windows: a last one of three words would be a poor vector.
        let count = inside.len().div_ceil(self.max_tokens - 2);
        let size = inside.len().div_ceil(count);
        let window = |part: &[u32]| [&[first], part, &[last]].concat();
        Ok(inside.chunks(size).map(window).collect())
    }
}
