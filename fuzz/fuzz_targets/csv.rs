//! Stories as CSV.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::CSV);
