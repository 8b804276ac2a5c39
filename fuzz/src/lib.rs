//! What all targets share: the readers of `tests/readers`, how they begin, and how a finding ends them.

use std::{
    backtrace::Backtrace,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Mutex,
};

pub use libfuzzer_sys;

#[path = "../../tests/readers/mod.rs"]
pub mod readers;

use readers::Reader;

/// A target for one reader.
#[macro_export]
macro_rules! target {
    ($reader:expr) => {
        $crate::libfuzzer_sys::fuzz_target!(
            init: $crate::begin(&$reader),
            |bytes: &[u8]| $crate::read(&$reader, bytes)
        );
    };
}

/// The message and place of the last panic.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Readies a target. With `SAMESTORY_SEEDS=FOLDER` it writes its seeds there instead, and the process ends.
pub fn begin(reader: &Reader) {
    // In the place of libFuzzer's hook, which aborts at once: panics of the crates that read Parquet and Arrow are
    // caught and told as errors, and are no findings.
    std::panic::set_hook(Box::new(|panic| {
        let trace = Backtrace::capture();
        if let Ok(mut last_panic) = LAST_PANIC.lock() {
            *last_panic = format!("{panic}\n{trace}");
        }
    }));
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
    alone.expect("nothing has used threads before");
    let Some(folder) = std::env::var_os("SAMESTORY_SEEDS") else { return };
    let folder = Path::new(&folder);
    let put = |(i, bytes): (usize, Vec<u8>)| std::fs::write(folder.join(format!("seed-{i}")), bytes);
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| (reader.seeds)().into_iter().enumerate().try_for_each(put));
    match written {
        Ok(()) => std::process::exit(0),
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            std::process::exit(2);
        }
    }
}

/// Reads; a panic that nobody caught ends the process, as libFuzzer expects of a finding.
pub fn read(reader: &Reader, bytes: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (reader.read)(bytes))).is_err() {
        eprintln!("{} panicked: {}", reader.name, LAST_PANIC.lock().map(|s| s.clone()).unwrap_or_default());
        std::process::abort();
    }
}
