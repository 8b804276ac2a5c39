//! What the linear layers of an encoder compute in.

use std::{fmt, str::FromStr};

use crate::NameError;

/// The numbers that linear layers multiply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// The fastest of those whose vectors agree with f32 to four digits: bf16 where the processor multiplies it, f16 on
    /// GPUs, else f32.
    #[default]
    Native,
    /// Bytes, on CPUs: faster where the processor has dot products of bytes and no matrix units, and less exact.
    Int8,
}

impl Precision {
    /// As options name it.
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

    fn from_str(name: &str) -> Result<Self, NameError> {
        let found = [Precision::Native, Precision::Int8].into_iter().find(|p| p.name() == name);
        found.ok_or_else(|| NameError::UnknownPrecision(name.into()))
    }
}
