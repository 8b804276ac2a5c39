//! Text to token ids, without truncation: a long text becomes several windows.

use std::borrow::Cow;

use super::wordpiece::AsciiWordPiece;
use crate::{Error, Result};

/// The tokenizer of a `tokenizer.json`, with its padding and truncation disabled.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    fast_path: Option<AsciiWordPiece>,
    unknown: Option<u32>,
    max_tokens: usize,
    prefix: String,
}

impl Tokenizer {
    /// Parses `tokenizer.json`; errors name `file`. Windows have `max_tokens`, including `[CLS]` and `[SEP]`; every text is
    /// preceded by `prefix`.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] if it is not a tokenizer, or the window is shorter than three tokens.
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
        Ok(Tokenizer {
            fast_path: AsciiWordPiece::new(&inner),
            unknown,
            inner,
            max_tokens,
            prefix: prefix.into(),
        })
    }

    /// The id of the unknown token, if the tokenizer has one.
    #[must_use]
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// All token ids of `text`, with special tokens; not truncated.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] if the tokenizer fails.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let fail = |e: tokenizers::Error| Error::Tokenizer { message: e.to_string() };
        let text = if self.prefix.is_empty() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(format!("{}{text}", self.prefix))
        };
        if let Some(fast_path) = &self.fast_path
            && let Some(ids) = fast_path.encode(&self.inner, &text).map_err(fail)?
        {
            return Ok(ids);
        }
        Ok(self.inner.encode_fast(&*text, true).map_err(fail)?.get_ids().to_vec())
    }

    /// The ids of `text` in windows of at most `max_tokens`, each between the first and the last special token of the text.
    /// A text that fits is one window; otherwise the windows are of nearly equal length, and do not overlap.
    ///
    /// # Errors
    ///
    /// As [`Tokenizer::encode`].
    pub fn windows(&self, text: &str) -> Result<Vec<Vec<u32>>> {
        let ids = self.encode(text)?;
        let (Some(&first), Some(&last)) = (ids.first(), ids.last()) else { return Ok(vec![ids]) };
        if ids.len() <= self.max_tokens {
            return Ok(vec![ids]);
        }
        let inside = &ids[1..ids.len() - 1];
        // Equal windows: a last window of three words would have a poor vector.
        let count = inside.len().div_ceil(self.max_tokens - 2);
        let size = inside.len().div_ceil(count);
        let window = |part: &[u32]| [&[first], part, &[last]].concat();
        Ok(inside.chunks(size).map(window).collect())
    }
}
