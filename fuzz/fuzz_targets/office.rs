//! The parts of office documents.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::OFFICE);
