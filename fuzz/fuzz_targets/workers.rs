//! Arrow IPC streams of workers.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::streams::WORKERS);
