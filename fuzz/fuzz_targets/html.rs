//! A story as a web page.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::HTML);
