//! Neighbouring sequences of like length as one block, for attention and pooling.
//!
//! Where lengths are equal the block is a view of the packed tokens. Where they differ it is gathered to the length of
//! its first sequence: a short one repeats its last token, a mask keeps attention off the repeats, and weights of zero
//! keep them out of the mean. On a GPU a few padded tokens are cheaper than many small launches; on the CPU, nothing
//! is padded.
//!
//! ```text
//! packed   a a a a | b b b | c c c c        lengths 4 3 4
//! block    a a a a   b b b b   c c c c      the second last `b` is masked
//! ```

use candle_core::{DType, Device, Result, Tensor};

use super::PackedBatch;
use crate::model::Pooling;

/// Sequences `count × length`, standing at `start` of the packed tokens.
pub(super) struct Bucket {
    pub(super) count: usize,
    /// Of the longest sequence, which is the first.
    pub(super) length: usize,
    start: usize,
    tokens: usize,
    padded: Option<Padded>,
}

struct Padded {
    /// For each place of the block the token that stands there.
    from: Tensor,
    /// For each token its place in the block.
    keep: Tensor,
    /// `count × 1 × 1 × length`: 0 for tokens, [`MASKED`] for repeats.
    mask: Tensor,
    /// `count × length × 1`, f32: a token's share of its sequence's mean, 0 for repeats.
    shares: Tensor,
}

/// Added to the scores of repeats: their softmax is 0, and the sum stays finite in f16 (down to −65504).
const MASKED: f32 = -30_000.0;

impl Bucket {
    /// The buckets of `batch`, in order. A sequence joins the one before if at most one in `padding` of the places of
    /// its row would be repeats; 0 joins equal lengths only.
    pub(super) fn of(
        batch: &PackedBatch,
        padding: usize,
        device: &Device,
        dtype: DType,
    ) -> Result<Vec<Bucket>> {
        let length = |i: usize| batch.sequence(i).len();
        let mut buckets = Vec::new();
        let mut first = 0;
        while first < batch.len() {
            let longest = length(first);
            let slack = longest.checked_div(padding).unwrap_or(0);
            let fits = |i: &usize| length(*i) <= longest && longest - length(*i) <= slack;
            let end = first + (first..batch.len()).take_while(fits).count();
            let lengths: Vec<usize> = (first..end).map(length).collect();
            let start = batch.offsets()[first] as usize;
            let tokens = lengths.iter().sum();
            let even = lengths.iter().all(|&l| l == longest);
            let padded = if even { None } else { Some(Padded::new(&lengths, longest, device, dtype)?) };
            buckets.push(Bucket { count: lengths.len(), length: longest, start, tokens, padded });
            first = end;
        }
        Ok(buckets)
    }

    /// The block of `x`, which is `tokens × width`: `count·length × width`.
    pub(super) fn gather(&self, x: &Tensor) -> Result<Tensor> {
        let part = x.narrow(0, self.start, self.tokens)?;
        match &self.padded {
            None => Ok(part),
            Some(padded) => part.index_select(&padded.from, 0),
        }
    }

    /// The tokens of a block, without the repeats.
    pub(super) fn scatter(&self, block: Tensor) -> Result<Tensor> {
        match &self.padded {
            None => Ok(block),
            Some(padded) => block.index_select(&padded.keep, 0),
        }
    }

    /// Keeps attention off the repeats; `scores` is `count × heads × length × length`.
    pub(super) fn mask(&self, scores: Tensor) -> Result<Tensor> {
        match &self.padded {
            None => Ok(scores),
            Some(padded) => scores.broadcast_add(&padded.mask),
        }
    }

    /// One f32 vector a sequence of `x`, which is `tokens × width`.
    pub(super) fn pool(&self, x: &Tensor, pooling: Pooling) -> Result<Tensor> {
        let width = x.dim(1)?;
        let block = self.gather(x)?.reshape((self.count, self.length, width))?;
        match (pooling, &self.padded) {
            (Pooling::Cls, _) => block.narrow(1, 0, 1)?.squeeze(1)?.to_dtype(DType::F32),
            (Pooling::Mean, None) => block.to_dtype(DType::F32)?.mean(1),
            (Pooling::Mean, Some(padded)) => {
                block.to_dtype(DType::F32)?.broadcast_mul(&padded.shares)?.sum(1)
            }
        }
    }
}

impl Padded {
    fn new(lengths: &[usize], longest: usize, device: &Device, dtype: DType) -> Result<Self> {
        let (mut from, mut keep, mut mask, mut shares) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut start = 0;
        for &length in lengths {
            for place in 0..longest {
                let real = place < length;
                if real {
                    keep.push(from.len() as u32);
                }
                from.push((start + place.min(length - 1)) as u32);
                mask.push(if real { 0.0 } else { MASKED });
                shares.push(if real { 1.0 / length as f32 } else { 0.0 });
            }
            start += length;
        }
        let n = lengths.len();
        Ok(Padded {
            from: Tensor::new(from, device)?,
            keep: Tensor::new(keep, device)?,
            mask: Tensor::from_vec(mask, (n, 1, 1, longest), device)?.to_dtype(dtype)?,
            shares: Tensor::from_vec(shares, (n, longest, 1), device)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_lengths_stand_together() {
        let check = |lengths: &[usize], padding, expect: &[(usize, usize)]| {
            let buckets =
                Bucket::of(&PackedBatch::of_lengths(lengths), padding, &Device::Cpu, DType::F32).unwrap();
            let found: Vec<_> = buckets.iter().map(|b| (b.count, b.length)).collect();
            assert_eq!(found, expect, "{lengths:?} by {padding}");
        };
        check(&[], 8, &[]);
        check(&[4, 4, 3], 0, &[(2, 4), (1, 3)]);
        check(&[16, 15, 14, 13], 8, &[(3, 16), (1, 13)]);
        check(&[7, 8, 7], 8, &[(1, 7), (2, 8)]);
        check(&[3, 2, 1], 1, &[(3, 3)]);
    }

    #[test]
    fn what_is_gathered_is_scattered_back_and_pooled_without_repeats() {
        let lengths = [4, 3, 4, 2];
        let tokens: usize = lengths.iter().sum();
        let values: Vec<f32> = (0..2 * tokens).map(|i| (i as f32 * 0.7).sin()).collect();
        let x = Tensor::from_vec(values.clone(), (tokens, 2), &Device::Cpu).unwrap();
        let buckets = Bucket::of(&PackedBatch::of_lengths(&lengths), 2, &Device::Cpu, DType::F32).unwrap();
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
