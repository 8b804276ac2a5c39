//! Archives, compressed or not, and the files in them.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::ARCHIVES);
