//! Stand-in for the search on candle tensors in builds without candle.

use super::pairs::RowPair;
use crate::{Result, progress::Progress, story::RowId, vector::Matrix};

/// The search on a candle device: it has no value in this build.
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

pub(super) fn search_on_gpu<T>(
    _: Option<&TensorSearch>,
    _: &dyn Progress,
    _: impl Fn(&TensorSearch) -> Result<T>,
) -> Result<Option<(T, String)>> {
    Ok(None)
}
