//! Streams of any format, packed or not.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::PACKED);
