//! Text to passages.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::text::PASSAGES);
