//! The rule table as a file: thresholds under the fingerprint of the model that they were measured with.
//!
//! Cosines mean different things to different models, so they are kept as quantiles too: the share of pairs of
//! unrelated stories that lie below. Under another model the cosine at the same quantile takes their place.

use serde::{Deserialize, Serialize};

use super::Thresholds;
use crate::{
    Error, Result,
    vector::{Matrix, dot},
};

/// `samestory.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleTable {
    /// The fingerprint of the model whose cosines stand in it.
    #[serde(default)]
    pub fingerprint: String,
    /// For each cosine of `thresholds.related`, the share of background pairs below it, in [0, 1].
    #[serde(default)]
    pub related_quantiles: Vec<f64>,
    /// The thresholds.
    pub thresholds: Thresholds,
}

/// Pairs of the background sample.
const SAMPLE: usize = 20_000;

/// Cosines of pairs of stories far apart in the input, ascending: hardly any of them are related.
pub struct Background(Vec<f32>);

impl Background {
    /// Of one vector a story.
    pub fn measure(stories: &Matrix) -> Self {
        let n = stories.rows();
        let mut cosines = Vec::new();
        // Strides that are no multiple of one another, so that pairs are spread over all distances.
        for k in 0..SAMPLE.min(n * n.saturating_sub(1) / 2) {
            let (i, j) = (k.wrapping_mul(7919) % n, (k.wrapping_mul(104_729) + n / 2 + k / n) % n);
            if i != j {
                cosines.push(dot(stories.row(i), stories.row(j)));
            }
        }
        cosines.sort_by(f32::total_cmp);
        Background(cosines)
    }

    /// The share of pairs below `cosine`.
    pub fn quantile(&self, cosine: f32) -> f64 {
        match self.0.len() {
            0 => 1.0,
            n => self.0.partition_point(|c| *c < cosine) as f64 / n as f64,
        }
    }

    /// The cosine that a share of `quantile` of the pairs lie below; `None` for an empty sample.
    pub fn cosine(&self, quantile: f64) -> Option<f32> {
        let at = (quantile.clamp(0.0, 1.0) * self.0.len() as f64) as usize;
        self.0.get(at.min(self.0.len().saturating_sub(1))).copied()
    }
}

impl RuleTable {
    /// `thresholds`, measured with the model of `fingerprint` on stories with that background.
    pub fn new(thresholds: Thresholds, fingerprint: &str, background: &Background) -> Self {
        let related_quantiles = thresholds.related.iter().map(|(c, _)| background.quantile(*c)).collect();
        RuleTable { fingerprint: fingerprint.into(), related_quantiles, thresholds }
    }

    /// The thresholds for the model of `fingerprint`: the same, or with cosines at the same quantiles of its own
    /// background.
    pub fn for_model(&self, fingerprint: &str, background: impl FnOnce() -> Background) -> Thresholds {
        let mut thresholds = self.thresholds.clone();
        let known = self.related_quantiles.len() == thresholds.related.len();
        if fingerprint != self.fingerprint && known && !self.fingerprint.is_empty() {
            let background = background();
            for ((cosine, _), quantile) in thresholds.related.iter_mut().zip(&self.related_quantiles) {
                *cosine = background.cosine(*quantile).unwrap_or(*cosine);
            }
        }
        thresholds
    }

    /// Reads a table; `file` is named in errors.
    pub fn from_toml(file: &str, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|e| Error::Option {
            option: file.into(),
            message: format!("this is no rule table: {}", e.message()),
            hint: "give a file that samestory calibrate wrote".into(),
        })
    }

    /// As [`RuleTable::from_toml`] reads it.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).map_err(|e| Error::Option {
            option: "rule table".into(),
            message: e.to_string(),
            hint: "this is a fault of samestory: please report it".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_model_gets_the_cosines_at_the_same_quantiles() {
        let own = Background((0..100).map(|i| i as f32 / 100.0).collect());
        let table = RuleTable::new(Thresholds::default(), "one", &own);
        let again = RuleTable::from_toml("t", &table.to_toml().unwrap()).unwrap();
        assert_eq!(again, table);
        assert_eq!(table.for_model("one", || own), Thresholds::default());
        // Under the other model everything lies twice as high from zero.
        let other = Background((0..100).map(|i| 0.5 + i as f32 / 200.0).collect());
        let related: Vec<f32> = table.for_model("two", || other).related.iter().map(|r| r.0).collect();
        for (found, expect) in related.iter().zip([0.89, 0.775, 0.70]) {
            assert!((found - expect).abs() < 0.011, "{related:?}");
        }
    }
}
