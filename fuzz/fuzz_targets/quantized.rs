//! The file of quantized rows.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::derived::QUANTIZED);
