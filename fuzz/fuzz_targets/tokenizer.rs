//! Text to tokens.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::text::TOKENIZER);
