//! Pages of web archives.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::WARC);
