//! Stories of RSS and Atom feeds.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::FEED);
