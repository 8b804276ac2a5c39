//! Length buckets: neighbouring sequences of similar length as one dense block, for attention and pooling.
//!
//! With equal lengths the block is a view of the packed tokens. Otherwise the sequences are padded to the length of the
//! first by repeating their last token; a mask excludes the padding from attention, and weights of zero exclude it from
//! the mean. On some GPUs a little padding is cheaper than many small kernel launches; on the CPU nothing is padded.
//!
//! ```text
//! packed   a a a a | b b b | c c c c        lengths 4 3 4
//! block    a a a a   b b b b   c c c c      the last `b` is padding and masked
//! ```

use candle_core::{DType, Device, Result, Tensor};

use super::PackedBatch;
use crate::model::Pooling;

/// `count` sequences padded to `length`, from `start` of the packed tokens on.
pub(super) struct LengthBucket {
    pub(super) count: usize,
    /// Tokens of the longest sequence, which is the first.
    pub(super) length: usize,
    start: usize,
    tokens: usize,
    padding: Option<Padding>,
}

struct Padding {
    /// For each position of the block, the index of its token.
    gather: Tensor,
    /// For each token, its position in the block.
    scatter: Tensor,
    /// `count × 1 × 1 × length`: 0 for tokens, [`MASKED`] for padding.
    mask: Tensor,
    /// `count × length × 1`, f32: the weight of a token in its sequence's mean, 0 for padding.
    mean_weights: Tensor,
}

/// Added to the scores of padding: its softmax is 0, and the sum stays finite in f16 (down to −65504).
const MASKED: f32 = -30_000.0;

impl LengthBucket {
    /// Splits `batch` into buckets, in order. A sequence joins the bucket before it if padding would fill at most one in
    /// `max_padding` of the positions of its row; with 0, only equal lengths share a bucket.
    pub(super) fn split(
        batch: &PackedBatch,
        max_padding: usize,
        device: &Device,
        dtype: DType,
    ) -> Result<Vec<LengthBucket>> {
        let length = |i: usize| batch.sequence(i).len();
        let mut buckets = Vec::new();
        let mut first = 0;
        while first < batch.len() {
            let longest = length(first);
            let slack = longest.checked_div(max_padding).unwrap_or(0);
            let fits = |i: &usize| length(*i) <= longest && longest - length(*i) <= slack;
            let end = first + (first..batch.len()).take_while(fits).count();
            let lengths: Vec<usize> = (first..end).map(length).collect();
            let start = batch.offsets()[first] as usize;
            let tokens = lengths.iter().sum();
            let equal_lengths = lengths.iter().all(|&l| l == longest);
            let padding =
                if equal_lengths { None } else { Some(Padding::new(&lengths, longest, device, dtype)?) };
            buckets.push(LengthBucket { count: lengths.len(), length: longest, start, tokens, padding });
            first = end;
        }
        Ok(buckets)
    }

    /// The block of `x`, which is `tokens × width`: `count·length × width`.
    pub(super) fn gather(&self, x: &Tensor) -> Result<Tensor> {
        let part = x.narrow(0, self.start, self.tokens)?;
        match &self.padding {
            None => Ok(part),
            Some(padding) => part.index_select(&padding.gather, 0),
        }
    }

    /// The tokens of a block, without padding.
    pub(super) fn scatter(&self, block: Tensor) -> Result<Tensor> {
        match &self.padding {
            None => Ok(block),
            Some(padding) => block.index_select(&padding.scatter, 0),
        }
    }

    /// Masks padding in attention; `scores` is `count × heads × length × length`.
    pub(super) fn mask(&self, scores: Tensor) -> Result<Tensor> {
        match &self.padding {
            None => Ok(scores),
            Some(padding) => scores.broadcast_add(&padding.mask),
        }
    }

    /// One f32 vector per sequence of `x`, which is `tokens × width`.
    pub(super) fn pool(&self, x: &Tensor, pooling: Pooling) -> Result<Tensor> {
        let width = x.dim(1)?;
        let block = self.gather(x)?.reshape((self.count, self.length, width))?;
        match (pooling, &self.padding) {
            (Pooling::Cls, _) => block.narrow(1, 0, 1)?.squeeze(1)?.to_dtype(DType::F32),
            (Pooling::Mean, None) => block.to_dtype(DType::F32)?.mean(1),
            (Pooling::Mean, Some(padding)) => {
                block.to_dtype(DType::F32)?.broadcast_mul(&padding.mean_weights)?.sum(1)
            }
        }
    }
}

impl Padding {
    fn new(lengths: &[usize], longest: usize, device: &Device, dtype: DType) -> Result<Self> {
        let (mut gather, mut scatter, mut mask, mut mean_weights) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut start = 0;
        for &length in lengths {
            for position in 0..longest {
                let is_token = position < length;
                if is_token {
                    scatter.push(gather.len() as u32);
                }
                gather.push((start + position.min(length - 1)) as u32);
                mask.push(if is_token { 0.0 } else { MASKED });
                mean_weights.push(if is_token { 1.0 / length as f32 } else { 0.0 });
            }
            start += length;
        }
        let n = lengths.len();
        Ok(Padding {
            gather: Tensor::new(gather, device)?,
            scatter: Tensor::new(scatter, device)?,
            mask: Tensor::from_vec(mask, (n, 1, 1, longest), device)?.to_dtype(dtype)?,
            mean_weights: Tensor::from_vec(mean_weights, (n, longest, 1), device)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_similar_lengths() {
        let check = |lengths: &[usize], max_padding, expect: &[(usize, usize)]| {
            let buckets = LengthBucket::split(
                &PackedBatch::with_lengths(lengths),
                max_padding,
                &Device::Cpu,
                DType::F32,
            )
            .unwrap();
            let found: Vec<_> = buckets.iter().map(|b| (b.count, b.length)).collect();
            assert_eq!(found, expect, "{lengths:?} by {max_padding}");
        };
        check(&[], 8, &[]);
        check(&[4, 4, 3], 0, &[(2, 4), (1, 3)]);
        check(&[16, 15, 14, 13], 8, &[(3, 16), (1, 13)]);
        check(&[7, 8, 7], 8, &[(1, 7), (2, 8)]);
        check(&[3, 2, 1], 1, &[(3, 3)]);
    }

    #[test]
    fn scatter_inverts_gather_and_pooling_ignores_padding() {
        let lengths = [4, 3, 4, 2];
        let tokens: usize = lengths.iter().sum();
        let values: Vec<f32> = (0..2 * tokens).map(|i| (i as f32 * 0.7).sin()).collect();
        let x = Tensor::from_vec(values.clone(), (tokens, 2), &Device::Cpu).unwrap();
        let buckets =
            LengthBucket::split(&PackedBatch::with_lengths(&lengths), 2, &Device::Cpu, DType::F32).unwrap();
        let [bucket] = &buckets[..] else { panic!("{} buckets", buckets.len()) };
        let block = bucket.gather(&x).unwrap();
        assert_eq!(block.dims(), [16, 2]);
        let back = bucket.scatter(block).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(back, values);
        let means = bucket.pool(&x, Pooling::Mean).unwrap().to_vec2::<f32>().unwrap();
        let mut at = 0;
        for (mean, length) in means.iter().zip(lengths) {
            for (d, found) in mean.iter().enumerate() {
                let expect = (at..at + length).map(|t| values[2 * t + d]).sum::<f32>() / length as f32;
                assert!((found - expect).abs() < 1e-6, "{found} for {expect}");
            }
            at += length;
        }
    }
}
