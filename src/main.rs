//! The `samestory` command: everything that prints, exits or reads the environment.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
