//! The Arrow IPC streams of the stages.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::streams::STAGES);
