//! Embeds texts: tokenize, sort by length, pack, encode, and put the vectors back in order.

use rayon::prelude::*;
use serde::Serialize;

use super::{Encoder, PackedBatch};
use crate::{
    Error, Result,
    model::Model,
    progress::{Progress, Stage},
    vector::{Matrix, normalize},
};

/// What the encoder saw: nothing is cut silently.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct EmbedStats {
    /// Texts that were embedded.
    pub texts: u64,
    /// Texts whose vectors were known, from a store.
    pub cached_texts: u64,
    /// Tokens that the encoder saw, `[CLS]` and `[SEP]` of each window included.
    pub tokens: u64,
    /// Texts longer than the model's window, embedded as several windows.
    pub windowed_texts: u64,
    /// The windows of those texts.
    pub windows: u64,
    /// Tokens that stand for what the model has no word for: of it the vectors know nothing.
    pub unknown_tokens: u64,
    /// Texts that are mostly made of such tokens: their vectors say next to nothing.
    pub mostly_unknown_texts: u64,
    /// Tokens of the input that no window held. Always 0: kept so that a reader need not take it on trust.
    pub truncated_tokens: u64,
}

impl EmbedStats {
    /// The sums of two calls' counts.
    pub fn merge(self, other: EmbedStats) -> EmbedStats {
        EmbedStats {
            texts: self.texts + other.texts,
            cached_texts: self.cached_texts + other.cached_texts,
            tokens: self.tokens + other.tokens,
            windowed_texts: self.windowed_texts + other.windowed_texts,
            windows: self.windows + other.windows,
            unknown_tokens: self.unknown_tokens + other.unknown_tokens,
            mostly_unknown_texts: self.mostly_unknown_texts + other.mostly_unknown_texts,
            truncated_tokens: self.truncated_tokens + other.truncated_tokens,
        }
    }
}

/// Vectors of texts, in their order, and the stats.
#[derive(Debug, Clone, Default)]
pub struct Embeddings {
    /// One unit vector a text.
    pub vectors: Matrix,
    /// What was seen.
    pub stats: EmbedStats,
}

/// One sequence for the encoder: a text, or one window of a long one.
struct Window {
    text: u32,
    ids: Vec<u32>,
}

/// Embeds `texts` with `model`'s tokenizer and `encoder`. A text longer than the window becomes several
/// windows, whose vectors are averaged by their token counts; an empty text has the vector of no words.
pub fn embed_texts<T: AsRef<str> + Sync>(
    model: &Model,
    encoder: &dyn Encoder,
    texts: &[T],
    progress: &dyn Progress,
) -> Result<Embeddings> {
    let (mut windows, mut stats) = tokenize(model, texts, progress)?;
    // Longest first: the last batches are small, so that no thread is left alone with a large one.
    windows.sort_by(|a, b| b.ids.len().cmp(&a.ids.len()).then(a.text.cmp(&b.text)));

    let dim = encoder.dim();
    let mut sums = Matrix::zeros(texts.len(), dim);
    progress.begin(Stage::Embed, Some(stats.tokens));
    let done = |tokens: usize| {
        progress.advance(Stage::Embed, tokens as u64);
        if progress.cancelled() { Err(Error::Interrupted) } else { Ok(()) }
    };
    let mut room = usize::MAX;
    let mut rest = &windows[..];
    while !rest.is_empty() {
        let budget = encoder.token_budget().max(model.max_tokens).min(room);
        let mut batch = PackedBatch::default();
        let mut taken = 0;
        while taken < rest.len() && (taken == 0 || batch.tokens() + rest[taken].ids.len() <= budget) {
            batch.push(&rest[taken].ids);
            taken += 1;
        }
        let vectors = match encoder.encode(&batch, &done) {
            // A sequence alone is the least that can be asked of a device.
            Err(error @ Error::OutOfMemory { .. }) if batch.len() > 1 => {
                room = batch.tokens() / 2;
                progress.warn(&format!("{error}; going on with batches of at most {room} tokens"));
                continue;
            }
            result => result?,
        };
        for (i, window) in rest[..taken].iter().enumerate() {
            let weight = window.ids.len() as f32;
            let sum = sums.row_mut(window.text as usize);
            sum.iter_mut().zip(vectors.row(i)).for_each(|(s, v)| *s += v * weight);
        }
        rest = &rest[taken..];
    }
    sums.as_mut_slice().par_chunks_exact_mut(dim.max(1)).for_each(normalize);
    if let Some(i) = (0..sums.rows()).find(|&i| sums.row(i).iter().any(|x| !x.is_finite())) {
        return Err(Error::Model {
            file: model.name.clone(),
            expected: "finite vectors".into(),
            found: format!("a vector that is not, for the text {:?}", head(texts[i].as_ref())),
        });
    }
    progress.end(Stage::Embed);
    stats.texts = texts.len() as u64;
    Ok(Embeddings { vectors: sums, stats })
}

/// The windows of all texts, in their order, and the stats's token counts.
fn tokenize<T: AsRef<str> + Sync>(
    model: &Model,
    texts: &[T],
    progress: &dyn Progress,
) -> Result<(Vec<Window>, EmbedStats)> {
    progress.begin(Stage::Tokenize, Some(texts.len() as u64));
    let mut windows = Vec::with_capacity(texts.len());
    let mut stats = EmbedStats::default();
    // In blocks, so that progress moves and Ctrl-C is heard.
    for (block, chunk) in texts.chunks(BLOCK).enumerate() {
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let ids: Vec<Vec<Vec<u32>>> =
            chunk.par_iter().map(|t| model.tokenizer.windows(t.as_ref())).collect::<Result<_>>()?;
        for (i, of_text) in ids.into_iter().enumerate() {
            if of_text.len() > 1 {
                stats.windowed_texts += 1;
                stats.windows += of_text.len() as u64;
            }
            let is_unknown = |id: &&u32| model.tokenizer.unknown() == Some(**id);
            let unknown = of_text.iter().flatten().filter(is_unknown).count();
            let words: usize = of_text.iter().map(|ids| ids.len().saturating_sub(2)).sum();
            stats.unknown_tokens += unknown as u64;
            stats.mostly_unknown_texts += u64::from(unknown * 2 > words);
            for ids in of_text {
                stats.tokens += ids.len() as u64;
                windows.push(Window { text: (block * BLOCK + i) as u32, ids });
            }
        }
        progress.advance(Stage::Tokenize, chunk.len() as u64);
    }
    progress.end(Stage::Tokenize);
    if stats.mostly_unknown_texts > 0 {
        progress.warn(&format!(
            "{} of {} texts are mostly made of what {} has no words for: their vectors say next to nothing",
            stats.mostly_unknown_texts,
            texts.len(),
            model.name
        ));
    }
    Ok((windows, stats))
}

const BLOCK: usize = 4096;

fn head(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{
        device::Isa,
        embed::{TokenCallback, cpu_encoder},
    };

    /// An encoder on a device that holds so many tokens at once.
    struct Tight {
        encoder: Box<dyn Encoder>,
        holds: usize,
    }

    impl Encoder for Tight {
        fn dim(&self) -> usize {
            self.encoder.dim()
        }

        fn describe(&self) -> String {
            "a small device".into()
        }

        fn token_budget(&self) -> usize {
            4096
        }

        fn encode(&self, batch: &PackedBatch, on_tokens: TokenCallback) -> Result<Matrix> {
            match batch.tokens() {
                tokens if tokens > self.holds => {
                    Err(Error::OutOfMemory { device: self.describe(), what: format!("{tokens} tokens") })
                }
                _ => self.encoder.encode(batch, on_tokens),
            }
        }
    }

    /// Keeps warnings and the count of tokens, and asks to stop once there are as many as it is to hear.
    struct Heard {
        told: Mutex<(Vec<String>, u64)>,
        up_to: u64,
    }

    impl Heard {
        fn up_to(up_to: u64) -> Self {
            Heard { told: Mutex::default(), up_to }
        }
    }

    impl Progress for Heard {
        fn begin(&self, _: Stage, _: Option<u64>) {}
        fn advance(&self, stage: Stage, n: u64) {
            if stage == Stage::Embed {
                self.told.lock().unwrap().1 += n;
            }
        }
        fn end(&self, _: Stage) {}
        fn warn(&self, message: &str) {
            self.told.lock().unwrap().0.push(message.into());
        }
        fn cancelled(&self) -> bool {
            self.told.lock().unwrap().1 >= self.up_to
        }
    }

    #[test]
    fn a_device_that_runs_out_of_memory_gets_smaller_batches_and_gives_the_same_vectors() {
        let model = Model::from_static(&samestory_minilm::files()).unwrap();
        let encoder = || cpu_encoder(&model, Isa::detect()).unwrap();
        let texts: Vec<String> = (1..60).map(|n| "rates rose ".repeat(n)).collect();
        let expect = embed_texts(&model, &*encoder(), &texts, &crate::progress::NoProgress).unwrap();
        let longest = expect.stats.tokens as usize;
        for holds in [longest, 1000, 260] {
            let heard = Heard::up_to(u64::MAX);
            let tight = Tight { encoder: encoder(), holds };
            let found = embed_texts(&model, &tight, &texts, &heard).unwrap();
            assert_eq!(found.vectors, expect.vectors, "{holds}");
            assert_eq!(found.stats, expect.stats);
            let (warnings, tokens) = heard.told.into_inner().unwrap();
            assert_eq!(tokens, expect.stats.tokens, "each token is counted once");
            assert_eq!(warnings.is_empty(), holds >= longest, "{warnings:?}");
            if let Some(warning) = warnings.first() {
                assert!(warning.contains("a small device does not hold"), "{warning}");
            }
        }
    }

    #[test]
    fn what_the_model_has_no_words_for_is_counted_and_told() {
        let model = Model::from_static(&samestory_minilm::files()).unwrap();
        let encoder = cpu_encoder(&model, Isa::detect()).unwrap();
        let check = |text: &str, unknown: u64, unread: u64| {
            let heard = Heard::up_to(u64::MAX);
            let stats = embed_texts(&model, &*encoder, &[text], &heard).unwrap().stats;
            assert_eq!((stats.unknown_tokens, stats.mostly_unknown_texts), (unknown, unread), "{text:?}");
            assert_eq!(heard.told.into_inner().unwrap().0.len() as u64, unread);
        };
        check("rates rose again", 0, 0);
        check("rates rose again 🛶", 1, 0);
        check("ผู้ว่าราชการกล่าวว่าน้ำท่วม", 1, 1);
        check("", 0, 0);
    }

    #[test]
    fn a_batch_stops_where_it_is_asked_to() {
        let model = Model::from_static(&samestory_minilm::files()).unwrap();
        let encoder = cpu_encoder(&model, Isa::detect()).unwrap();
        let texts = vec!["rates rose again, and so did prices"; 600];
        let stop = |after| {
            let heard = Heard::up_to(after);
            let found = embed_texts(&model, &*encoder, &texts, &heard).map(|found| found.stats.tokens);
            (found, heard.told.into_inner().unwrap().1)
        };
        let (all, heard) = stop(u64::MAX);
        let all = all.unwrap();
        assert_eq!(heard, all);
        assert!(all < encoder.token_budget() as u64, "one batch");
        let (stopped, heard) = stop(600);
        assert!(matches!(stopped, Err(Error::Interrupted)));
        // No kernels take longer chunks.
        let at_work = 512 * rayon::current_num_threads() as u64;
        assert!((600..=1200 + at_work).contains(&heard), "{heard} of {all} tokens");
    }

    #[test]
    fn a_device_that_does_not_hold_one_text_is_an_error() {
        let model = Model::from_static(&samestory_minilm::files()).unwrap();
        let tight = Tight { encoder: cpu_encoder(&model, Isa::detect()).unwrap(), holds: 3 };
        let error =
            embed_texts(&model, &tight, &["a text of more than three tokens", "b"], &Heard::up_to(u64::MAX));
        assert!(matches!(error.unwrap_err(), Error::OutOfMemory { .. }));
    }
}
