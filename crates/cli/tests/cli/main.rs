//! The program as its users run it.

#![allow(clippy::unwrap_used, reason = "a test that cannot run the program fails")]

mod bad_input;
#[cfg(unix)]
mod check;
#[cfg(unix)]
mod controls;
#[cfg(unix)]
mod crash;
mod html;
mod keep;
mod notices;
#[cfg(unix)]
mod outputs;
mod reach;
mod related;
mod reuse_pairs;
#[cfg(unix)]
mod running;
mod samples;
mod sources;
#[cfg(unix)]
mod store;
mod support;
mod wire;
mod workers;
