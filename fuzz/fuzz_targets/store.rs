//! The database of a store.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::store::STORE);
