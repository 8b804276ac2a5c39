//! The weights of a model.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::files::WEIGHTS);
