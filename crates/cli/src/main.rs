//! The `samestory` command.

fn main() -> std::process::ExitCode {
    samestory_cli::main()
}
