//! The most memory that this process has held.

use std::fs;

/// In bytes, since the process began or since a round of a bench did; `None` where the system does not tell.
pub fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Lets the peak start again from what is held now. Where the system cannot, the peak stays that of the process.
pub(super) fn reset_peak() {
    // Linux: "5" resets the high-water mark (proc_pid_clear_refs(5)).
    let _ = fs::write("/proc/self/clear_refs", "5");
}
