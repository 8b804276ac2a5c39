//! The file of pairs.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::files::PAIRS);
