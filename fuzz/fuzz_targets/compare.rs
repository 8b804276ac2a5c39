//! Texts to verdicts, groups and reports.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::text::COMPARE);
