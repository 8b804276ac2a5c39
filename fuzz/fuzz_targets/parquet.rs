//! Stories as a Parquet file.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::PARQUET);
