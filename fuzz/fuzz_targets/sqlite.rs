//! Rows of SQLite databases.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::SQLITE);
