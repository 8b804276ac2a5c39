//! Stories as JSON lines.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::JSON_LINES);
