//! The rule table as a file: thresholds, with the fingerprint of the model that they were measured with.
//!
//! Cosines mean different things to different models, so they are kept as quantiles too: the share of pairs of unrelated
//! stories that lie below. Another model uses its own cosine at the same quantile.

use serde::{Deserialize, Serialize};

use super::Thresholds;
use crate::{
    Error, Result,
    error::FileKind,
    vector::{Matrix, dot},
};

/// The version of the file; it grows when a threshold is renamed or changes its meaning.
pub const RULES_SCHEMA: u32 = 2;

/// `samestory.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleTable {
    /// [`RULES_SCHEMA`].
    pub schema: u32,
    /// The fingerprint of the model that the cosines were measured with; empty if they are to be used as they are.
    #[serde(default)]
    pub fingerprint: String,
    /// For each cosine of `thresholds.related`, the share of unrelated pairs below it, in [0, 1].
    #[serde(default)]
    pub related_quantiles: Vec<f64>,
    /// The thresholds.
    pub thresholds: Thresholds,
}

/// Pairs of the sample of unrelated stories.
const SAMPLE: usize = 20_000;

/// Cosines of pairs of stories far apart in the input, ascending: hardly any of them are related.
pub struct CosineBaseline(Vec<f32>);

impl CosineBaseline {
    /// Measures the baseline of `stories`, one unit vector a story.
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
        Self::of_cosines(cosines)
    }

    /// The baseline of `cosines` of unrelated pairs.
    pub(super) fn of_cosines(mut cosines: Vec<f32>) -> Self {
        cosines.sort_by(f32::total_cmp);
        CosineBaseline(cosines)
    }

    /// The share of pairs below `cosine`, in [0, 1]; 1 for an empty sample.
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
    /// A table of `thresholds` that were measured with the model of `fingerprint` on stories with that baseline.
    pub fn new(thresholds: Thresholds, fingerprint: &str, baseline: &CosineBaseline) -> Self {
        let related_quantiles = thresholds.related.iter().map(|(c, _)| baseline.quantile(*c)).collect();
        RuleTable { schema: RULES_SCHEMA, fingerprint: fingerprint.into(), related_quantiles, thresholds }
    }

    /// The thresholds for the model of `fingerprint`: the same, or with cosines at the same quantiles of its own baseline.
    pub fn for_model(&self, fingerprint: &str, baseline: impl FnOnce() -> CosineBaseline) -> Thresholds {
        let mut thresholds = self.thresholds.clone();
        let has_quantiles = self.related_quantiles.len() == thresholds.related.len();
        if fingerprint != self.fingerprint && has_quantiles && !self.fingerprint.is_empty() {
            let baseline = baseline();
            for ((cosine, _), quantile) in thresholds.related.iter_mut().zip(&self.related_quantiles) {
                *cosine = baseline.cosine(*quantile).unwrap_or(*cosine);
            }
        }
        thresholds
    }

    /// Parses a table.
    ///
    /// # Errors
    /// [`Error::File`], which names `file`, if `text` is not such a table or one of another schema.
    pub fn from_toml(file: &str, text: &str) -> Result<Self> {
        let refuse = |message: String| Error::File { path: file.into(), kind: FileKind::RuleTable, message };
        let table: toml::Table = toml::from_str(text).map_err(|e| refuse(e.message().into()))?;
        match table.get("schema") {
            Some(toml::Value::Integer(schema)) if *schema == i64::from(RULES_SCHEMA) => {}
            Some(schema) => {
                let message = format!("it has schema {schema}; this version reads schema {RULES_SCHEMA}");
                return Err(refuse(message));
            }
            None => {
                let message =
                    format!("it has no `schema`, as schema 1 had; this version reads schema {RULES_SCHEMA}");
                return Err(refuse(message));
            }
        }
        toml::from_str(text).map_err(|e| refuse(e.message().into()))
    }

    /// The table as TOML, for [`RuleTable::from_toml`].
    ///
    /// # Errors
    /// [`Error::Serialize`] if it cannot be written as TOML, which would be a bug.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self)
            .map_err(|e| Error::Serialize { kind: FileKind::RuleTable, message: e.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_model_gets_the_cosines_at_the_same_quantiles() {
        let own = CosineBaseline((0..100).map(|i| i as f32 / 100.0).collect());
        let table = RuleTable::new(Thresholds::default(), "one", &own);
        let again = RuleTable::from_toml("t", &table.to_toml().unwrap()).unwrap();
        assert_eq!(again, table);
        assert_eq!(table.for_model("one", || own), Thresholds::default());
        // Under the other model everything lies twice as high from zero.
        let other = CosineBaseline((0..100).map(|i| 0.5 + i as f32 / 200.0).collect());
        let related: Vec<f32> = table.for_model("two", || other).related.iter().map(|r| r.0).collect();
        for (found, expect) in related.iter().zip([0.89, 0.775, 0.70]) {
            assert!((found - expect).abs() < 0.011, "{related:?}");
        }
    }

    #[test]
    fn tables_of_other_schemas_are_rejected() {
        let check = |text: &str, expect: &str| {
            let error = RuleTable::from_toml("rules.toml", text).unwrap_err();
            assert!(error.to_string().contains(expect), "{error}");
        };
        check("[thresholds]\n", "rules.toml: not a rule table: it has no `schema`");
        check("schema = 1\n[thresholds]\n", "it has schema 1;");
        check("schema = \"2\"\n[thresholds]\n", "it has schema \"2\"");
        check("schema = 2\n", "missing field `thresholds`");
        check("schema = 2\n[thresholds]\nown_told = 0.5\n", "unknown field `own_told`");
        check("schema", "not a rule table");
    }
}
