//! Files of messages.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::MBOX);
