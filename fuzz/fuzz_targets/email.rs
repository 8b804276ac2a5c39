//! Messages of electronic mail.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::EMAIL);
