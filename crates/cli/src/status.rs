//! Messages on standard error.

/// As `eprintln!`, but the run goes on where the message cannot be written, as on a closed pipe or a full disk.
macro_rules! status {
    ($($message:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($message)*);
    }};
}
