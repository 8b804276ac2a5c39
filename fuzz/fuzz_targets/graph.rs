//! The frozen graph.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::derived::GRAPH);
