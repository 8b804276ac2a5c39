//! Word documents.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::DOCX);
