//! What is told on standard error.

/// As `eprintln!`, but where nobody can hear it, on a closed pipe or a full disk, the run goes on.
macro_rules! say {
    ($($told:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($told)*);
    }};
}
