//! PDF files.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::PDF);
