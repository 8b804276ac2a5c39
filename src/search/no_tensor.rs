//! The search on candle tensors in a build without candle: there is none to be had.

use crate::{Result, progress::Progress, story::RowId, vector::Matrix};

use super::RowPair;

/// The search on a candle device, which this build cannot open.
#[derive(Debug, Clone)]
pub enum TensorSearch {}

impl TensorSearch {
    pub(super) fn self_join(&self, _: &Matrix, _: f32, _: &dyn Progress) -> Result<Vec<RowPair>> {
        match *self {}
    }

    pub(super) fn top_k(
        &self,
        _: &Matrix,
        _: &Matrix,
        _: usize,
        _: f32,
        _: &dyn Progress,
    ) -> Result<Vec<Vec<(RowId, f32)>>> {
        match *self {}
    }
}

pub(super) fn or_cpu<T>(
    _: Option<&TensorSearch>,
    _: &dyn Progress,
    _: impl Fn(&TensorSearch) -> Result<T>,
) -> Result<Option<(T, String)>> {
    Ok(None)
}
