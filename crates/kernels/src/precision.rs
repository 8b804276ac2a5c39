//! The numeric precision of an encoder's linear layers.

use std::{fmt, str::FromStr};

use crate::NameError;

/// The number format in which linear layers multiply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// The fastest floating-point format of the device: bf16 on processors that multiply it, f16 on GPUs, otherwise f32.
    /// Its vectors have a cosine of at least 0.9995 with those of f32.
    #[default]
    Native,
    /// 8-bit integers, on CPUs only: faster on processors with int8 dot products and no matrix units, and less accurate
    /// (cosine of at least 0.99 with f32).
    Int8,
}

impl Precision {
    /// Its name in options: `native`, `int8`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Precision::Native => "native",
            Precision::Int8 => "int8",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = NameError;

    /// The precision of that name.
    ///
    /// # Errors
    ///
    /// [`NameError::UnknownPrecision`] if there is none.
    fn from_str(name: &str) -> Result<Self, NameError> {
        let found = [Precision::Native, Precision::Int8].into_iter().find(|p| p.name() == name);
        found.ok_or_else(|| NameError::UnknownPrecision(name.into()))
    }
}
