//! Rows of Arrow streams and files.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::ARROW);
