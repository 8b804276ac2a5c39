//! The time from nothing to a first vector: this program, started anew.

use std::{
    env,
    process::{Command, Stdio},
    time::Instant,
};

use samestory::{Error, bench::Summary};

use super::BenchArgs;
use crate::error::{CliError, Result};

const STARTS: usize = 5;

/// Milliseconds from the start of a process to its end, one text having been embedded.
pub fn start(args: &BenchArgs, device: &str, threads: usize) -> Result<Summary> {
    let program = env::current_exe().map_err(CliError::io("find", "this program"))?;
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let mut command = Command::new(&program);
        command.args(["bench", "--first", "--devices", device, "--threads", &threads.to_string()]);
        if let Some(model) = &args.model {
            command.args(["--model", model]);
        }
        let started = Instant::now();
        let status = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .env("RAYON_NUM_THREADS", threads.to_string())
            .status()
            .map_err(CliError::io("start", &program))?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
        if !status.success() {
            return Err(Error::Io {
                action: "measure a cold start of",
                path: program,
                source: std::io::Error::other(format!("it ended with {status}")),
            }
            .into());
        }
    }
    Ok(Summary::of(&times))
}
