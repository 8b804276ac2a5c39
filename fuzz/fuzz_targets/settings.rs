//! The files that people write.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::files::SETTINGS);
