//! Pages of plain text.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::TEXT);
