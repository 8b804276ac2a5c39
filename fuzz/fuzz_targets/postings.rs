//! The file of postings.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::derived::POSTINGS);
