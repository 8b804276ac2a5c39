//! Stories as TSV.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::TSV);
