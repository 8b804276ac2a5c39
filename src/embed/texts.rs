//! Embeds texts: tokenizes them, sorts by length, packs batches, encodes, and restores the order.

use rayon::prelude::*;
use serde::Serialize;

use super::{Encoder, PackedBatch};
use crate::{
    Error, Result,
    model::Model,
    progress::{Progress, Stage},
    vector::{Matrix, normalize},
};

/// Statistics of an embedding run. Nothing is truncated silently.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct EmbedStats {
    /// Texts embedded.
    pub texts: u64,
    /// Texts whose vectors came from a store.
    pub cached_texts: u64,
    /// Tokens encoded, with `[CLS]` and `[SEP]` of each window.
    pub tokens: u64,
    /// Texts longer than the model's window, which were embedded as several windows.
    pub windowed_texts: u64,
    /// The windows of those texts.
    pub windows: u64,
    /// Unknown tokens (`[UNK]`): they stand for text that the model's vocabulary cannot represent.
    pub unknown_tokens: u64,
    /// Texts of which more than half of the tokens are unknown: their vectors are nearly meaningless.
    pub mostly_unknown_texts: u64,
    /// Tokens that were dropped. Always 0; reported as evidence.
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

/// The vectors of texts, in their order, and statistics.
#[derive(Debug, Clone, Default)]
pub struct Embeddings {
    /// One unit vector per text.
    pub vectors: Matrix,
    /// Statistics of the run.
    pub stats: EmbedStats,
}

/// One sequence for the encoder: a text, or one window of a long one.
struct Window {
    text: u32,
    ids: Vec<u32>,
}

/// Embeds `texts` with the tokenizer of `model` and `encoder`. A text longer than the model's window is split into several
/// windows, whose vectors are averaged, weighted by their token counts. An empty text has the vector of `[CLS] [SEP]`.
///
/// # Errors
///
/// [`Error::Interrupted`] if `progress` is cancelled; [`Error::Tokenizer`]; [`Error::Model`] if a vector is not finite; what
/// [`Encoder::encode`] returns, except that a batch that exceeds the device's memory is retried in smaller parts.
pub fn embed_texts<T: AsRef<str> + Sync>(
    model: &Model,
    encoder: &dyn Encoder,
    texts: &[T],
    progress: &dyn Progress,
) -> Result<Embeddings> {
    let (mut windows, mut stats) = tokenize(model, texts, progress)?;
    // Longest first, so that the last batches are small and threads finish together.
    windows.sort_by(|a, b| b.ids.len().cmp(&a.ids.len()).then(a.text.cmp(&b.text)));

    let dim = encoder.dim();
    let mut sums = Matrix::zeros(texts.len(), dim);
    progress.begin(Stage::Embed, Some(stats.tokens));
    let on_tokens = |tokens: usize| {
        progress.advance(Stage::Embed, tokens as u64);
        if progress.cancelled() { Err(Error::Interrupted) } else { Ok(()) }
    };
    // Lowered when the device runs out of memory.
    let mut max_batch_tokens = usize::MAX;
    let mut rest = &windows[..];
    while !rest.is_empty() {
        let budget = encoder.token_budget().max(model.max_tokens).min(max_batch_tokens);
        let mut batch = PackedBatch::default();
        let mut taken = 0;
        while taken < rest.len() && (taken == 0 || batch.tokens() + rest[taken].ids.len() <= budget) {
            batch.push(&rest[taken].ids);
            taken += 1;
        }
        let vectors = match encoder.encode(&batch, &on_tokens) {
            // A single sequence cannot be split further.
            Err(error @ Error::OutOfMemory { .. }) if batch.len() > 1 => {
                max_batch_tokens = batch.tokens() / 2;
                progress
                    .warn(&format!("{error}; continuing with batches of at most {max_batch_tokens} tokens"));
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
            found: format!("infinity or NaN for the text {:?}", head(texts[i].as_ref())),
        });
    }
    progress.end(Stage::Embed);
    stats.texts = texts.len() as u64;
    Ok(Embeddings { vectors: sums, stats })
}

/// The windows of all texts, in order, and the token statistics.
fn tokenize<T: AsRef<str> + Sync>(
    model: &Model,
    texts: &[T],
    progress: &dyn Progress,
) -> Result<(Vec<Window>, EmbedStats)> {
    progress.begin(Stage::Tokenize, Some(texts.len() as u64));
    let mut windows = Vec::with_capacity(texts.len());
    let mut stats = EmbedStats::default();
    // In blocks, to report progress and check for cancellation.
    for (block, chunk) in texts.chunks(BLOCK).enumerate() {
        if progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let ids: Vec<Vec<Vec<u32>>> =
            chunk.par_iter().map(|t| model.tokenizer.windows(t.as_ref())).collect::<Result<_>>()?;
        for (i, text_windows) in ids.into_iter().enumerate() {
            if text_windows.len() > 1 {
                stats.windowed_texts += 1;
                stats.windows += text_windows.len() as u64;
            }
            let is_unknown = |id: &&u32| model.tokenizer.unknown() == Some(**id);
            let unknown = text_windows.iter().flatten().filter(is_unknown).count();
            let words: usize = text_windows.iter().map(|ids| ids.len().saturating_sub(2)).sum();
            stats.unknown_tokens += unknown as u64;
            stats.mostly_unknown_texts += u64::from(unknown * 2 > words);
            for ids in text_windows {
                stats.tokens += ids.len() as u64;
                windows.push(Window { text: (block * BLOCK + i) as u32, ids });
            }
        }
        progress.advance(Stage::Tokenize, chunk.len() as u64);
    }
    progress.end(Stage::Tokenize);
    if stats.mostly_unknown_texts > 0 {
        progress.warn(&format!(
            "{} of {} texts consist mostly of tokens unknown to {}: their vectors are nearly meaningless",
            stats.mostly_unknown_texts,
            texts.len(),
            model.name
        ));
    }
    Ok((windows, stats))
}

/// Texts per block.
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

    /// An encoder on a device whose memory holds `capacity` tokens.
    struct SmallDevice {
        encoder: Box<dyn Encoder>,
        capacity: usize,
    }

    impl Encoder for SmallDevice {
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
            let tokens = batch.tokens();
            if tokens > self.capacity {
                return Err(Error::OutOfMemory { device: self.describe(), what: format!("{tokens} tokens") });
            }
            self.encoder.encode(batch, on_tokens)
        }
    }

    /// Records warnings and the number of tokens, and cancels at a number of tokens.
    struct Recorder {
        record: Mutex<(Vec<String>, u64)>,
        cancel_at: u64,
    }

    impl Recorder {
        fn new(cancel_at: u64) -> Self {
            Recorder { record: Mutex::default(), cancel_at }
        }
    }

    impl Progress for Recorder {
        fn begin(&self, _: Stage, _: Option<u64>) {}
        fn advance(&self, stage: Stage, n: u64) {
            if stage == Stage::Embed {
                self.record.lock().unwrap().1 += n;
            }
        }
        fn end(&self, _: Stage) {}
        fn warn(&self, message: &str) {
            self.record.lock().unwrap().0.push(message.into());
        }
        fn cancelled(&self) -> bool {
            self.record.lock().unwrap().1 >= self.cancel_at
        }
    }

    #[test]
    fn out_of_memory_halves_batches_and_keeps_vectors() {
        let model = Model::from_static(&samestory_minilm::files()).unwrap();
        let encoder = || cpu_encoder(&model, Isa::detect()).unwrap();
        let texts: Vec<String> = (1..60).map(|n| "rates rose ".repeat(n)).collect();
        let expect = embed_texts(&model, &*encoder(), &texts, &crate::progress::NoProgress).unwrap();
        let longest = expect.stats.tokens as usize;
        for capacity in [longest, 1000, 260] {
            let recorder = Recorder::new(u64::MAX);
            let device = SmallDevice { encoder: encoder(), capacity };
            let found = embed_texts(&model, &device, &texts, &recorder).unwrap();
            assert_eq!(found.vectors, expect.vectors, "{capacity}");
            assert_eq!(found.stats, expect.stats);
            let (warnings, tokens) = recorder.record.into_inner().unwrap();
            assert_eq!(tokens, expect.stats.tokens, "each token is counted once");
            assert_eq!(warnings.is_empty(), capacity >= longest, "{warnings:?}");
            if let Some(warning) = warnings.first() {
                assert!(warning.contains("a small device does not hold"), "{warning}");
            }
        }
    }

    #[test]
    fn unknown_tokens_are_counted_and_reported() {
        let model = Model::from_static(&samestory_minilm::files()).unwrap();
        let encoder = cpu_encoder(&model, Isa::detect()).unwrap();
        let check = |text: &str, unknown: u64, mostly_unknown: u64| {
            let recorder = Recorder::new(u64::MAX);
            let stats = embed_texts(&model, &*encoder, &[text], &recorder).unwrap().stats;
            assert_eq!(
                (stats.unknown_tokens, stats.mostly_unknown_texts),
                (unknown, mostly_unknown),
                "{text:?}"
            );
            assert_eq!(recorder.record.into_inner().unwrap().0.len() as u64, mostly_unknown);
        };
        check("rates rose again", 0, 0);
        check("rates rose again 🛶", 1, 0);
        check("ผู้ว่าราชการกล่าวว่าน้ำท่วม", 1, 1);
        check("", 0, 0);
    }

    #[test]
    fn cancellation_stops_within_a_batch() {
        let model = Model::from_static(&samestory_minilm::files()).unwrap();
        let encoder = cpu_encoder(&model, Isa::detect()).unwrap();
        let texts = vec!["rates rose again, and so did prices"; 600];
        let run = |cancel_at| {
            let recorder = Recorder::new(cancel_at);
            let found = embed_texts(&model, &*encoder, &texts, &recorder).map(|found| found.stats.tokens);
            (found, recorder.record.into_inner().unwrap().1)
        };
        let (all, encoded) = run(u64::MAX);
        let all = all.unwrap();
        assert_eq!(encoded, all);
        assert!(all < encoder.token_budget() as u64, "one batch");
        let (stopped, encoded) = run(600);
        assert!(matches!(stopped, Err(Error::Interrupted)));
        // The chunks of all kernels are at most this long.
        let in_flight = 512 * rayon::current_num_threads() as u64;
        assert!((600..=1200 + in_flight).contains(&encoded), "{encoded} of {all} tokens");
    }

    #[test]
    fn a_text_larger_than_the_device_is_an_error() {
        let model = Model::from_static(&samestory_minilm::files()).unwrap();
        let device = SmallDevice { encoder: cpu_encoder(&model, Isa::detect()).unwrap(), capacity: 3 };
        let error = embed_texts(
            &model,
            &device,
            &["a text of more than three tokens", "b"],
            &Recorder::new(u64::MAX),
        );
        assert!(matches!(error.unwrap_err(), Error::OutOfMemory { .. }));
    }
}
