//! Peak memory of this process.

use std::fs;

/// Peak memory in bytes, since the process or the last round of a benchmark began; `None` if the system does not report it.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Resets the peak to the present usage. Where the system cannot, the peak remains that of the whole process.
pub(super) fn reset_peak() {
    // Linux: "5" resets the high-water mark (see proc_pid_clear_refs(5)).
    let _ = fs::write("/proc/self/clear_refs", "5");
}
