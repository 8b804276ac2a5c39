//! Stories as one JSON document.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::JSON);
