//! Documents in Rich Text Format.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::RTF);
