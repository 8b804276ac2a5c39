//! Signals: the first one ends a run, at its next safe point where it has such, else at once.
//!
//! Files that are not whole yet are removed either way: see [`output`].

use std::{
    io::{self, Read, Write},
    process::exit,
    sync::atomic::{AtomicBool, AtomicI32, Ordering},
};

use crate::output;

/// The signal that came first; 0 before that.
static SIGNAL: AtomicI32 = AtomicI32::new(0);
/// Whether the run looks at [`stopped`] now and then.
static SAFE_POINTS: AtomicBool = AtomicBool::new(false);
/// Whether the run waits for another process, with nothing to be done that a signal could cut short.
static WAITING: AtomicBool = AtomicBool::new(false);

/// What a process that Ctrl-C ends exits with: 128 and the number of the signal, as shells have it.
const INTERRUPTED: i32 = 2;

/// Listens for the signals that end a run. To be called before other threads are started.
#[cfg(unix)]
pub fn listen() {
    use nix::sys::signal::{SigSet, Signal};

    report_bus_errors();
    // A file beyond the limit of its size is an error of the write then, which is reported.
    let mut limit = SigSet::empty();
    limit.add(Signal::SIGXFSZ);
    let _ = limit.thread_block();

    let ending = ending();
    if ending.thread_block().is_err() {
        return;
    }
    let wait = move || {
        loop {
            match ending.wait() {
                Ok(signal) => receive(signal as i32),
                Err(_) => exit(128 + INTERRUPTED),
            }
        }
    };
    let started = std::thread::Builder::new().name("signals".into()).spawn(wait);
    if started.is_err() {
        // Without the thread they end the process as they do by default.
        let _ = ending.thread_unblock();
    }
}

/// The signals that end a run.
#[cfg(unix)]
fn ending() -> nix::sys::signal::SigSet {
    use nix::sys::signal::{SigSet, Signal};
    let mut ending = SigSet::empty();
    ending.add(Signal::SIGINT);
    ending.add(Signal::SIGTERM);
    // A run that was started not to mind a lost terminal (`nohup`) goes on without one.
    if !std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status)) {
        ending.add(Signal::SIGHUP);
    }
    ending
}

#[cfg(not(unix))]
pub fn listen() {
    // Failing means that a handler is set already: then that one is in force.
    let _ = ctrlc::set_handler(|| receive(INTERRUPTED));
}

/// Ends the process with a message when a file that it has mapped into memory cannot be read any more.
#[cfg(unix)]
fn report_bus_errors() {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    let action = SigAction::new(SigHandler::Handler(end_by_bus_error), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does only what a signal handler may do: see there.
    let _ = unsafe { sigaction(Signal::SIGBUS, &action) };
}

#[cfg(unix)]
extern "C" fn end_by_bus_error(_: nix::libc::c_int) {
    use nix::libc::{_exit, STDERR_FILENO, write};
    const MESSAGE: &[u8] = b"samestory: a file that is mapped into memory was cut short, or cannot be read any more\n  \
        hint: restore the files of the model if it is one of them; an index file of a store is made again by the next run\n";
    // SAFETY: `write` and `_exit` may be called in signal handlers (POSIX, "Signal Actions"), and the
    // message is a constant.
    unsafe {
        write(STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len());
        _exit(2)
    }
}

/// Runs `start`, which starts another program, with the signals as they were when this one was started.
#[cfg(unix)]
pub fn with_defaults<T>(start: impl FnOnce() -> T) -> T {
    let mut all = ending();
    all.add(nix::sys::signal::Signal::SIGXFSZ);
    let _ = all.thread_unblock();
    let started = start();
    let _ = all.thread_block();
    started
}

#[cfg(not(unix))]
pub fn with_defaults<T>(start: impl FnOnce() -> T) -> T {
    start()
}

/// Lets the first signal end the run at its next safe point; a second one ends it at once, and so does the first while
/// the run waits for its input or for whoever reads its output.
pub fn stop_at_safe_points() {
    SAFE_POINTS.store(true, Ordering::SeqCst);
}

/// Whether a signal came: a safe point returns then.
pub fn stopped() -> bool {
    SIGNAL.load(Ordering::Relaxed) != 0
}

/// What a run exits with that a signal ended.
pub fn exit_code() -> u8 {
    let signal = match SIGNAL.load(Ordering::SeqCst) {
        0 => INTERRUPTED,
        signal => signal,
    };
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

fn receive(signal: i32) {
    let first = SIGNAL.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    if !first || !SAFE_POINTS.load(Ordering::SeqCst) {
        end();
    }
    if WAITING.load(Ordering::SeqCst) {
        status!("samestory: stopped while it waited for its input or for the reader of its output");
        end();
    }
    status!("samestory: stopping; press Ctrl-C again to end at once");
}

fn end() -> ! {
    output::remove_unfinished();
    exit(exit_code().into());
}

/// Waits for what another process gives.
pub fn waiting<T>(wait: impl FnOnce() -> T) -> T {
    WAITING.store(true, Ordering::SeqCst);
    // The signal may have come just before.
    if stopped() {
        end();
    }
    let done = wait();
    WAITING.store(false, Ordering::SeqCst);
    done
}

/// Waits for another process to take what was done, which is given even after a signal.
fn giving<T>(give: impl FnOnce() -> T) -> T {
    WAITING.store(true, Ordering::SeqCst);
    let done = give();
    WAITING.store(false, Ordering::SeqCst);
    done
}

/// A stream that may keep a run waiting: standard input or output, or a pipe.
pub struct Waiting<S>(pub S);

impl<S: Read> Read for Waiting<S> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        waiting(|| self.0.read(to))
    }
}

impl<S: Write> Write for Waiting<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        giving(|| self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        giving(|| self.0.flush())
    }
}

/// Standard input.
pub type Stdin = Waiting<io::Stdin>;

/// See [`Stdin`].
pub fn stdin() -> Stdin {
    Waiting(io::stdin())
}

/// An output that is being written: a signal ends that.
pub struct Stoppable<W>(pub W);

impl<W: Write> Write for Stoppable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if stopped() {
            return Err(io::Error::other("a signal came"));
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Whether a process ignores SIGHUP, by its `status` in Linux: bit 0 of the mask is signal 1.
#[cfg(unix)]
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn whether_a_hangup_is_ignored_is_read_from_the_mask() {
        let check = |mask: &str, expect: bool| {
            let status = format!("Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t0\n");
            assert_eq!(ignores_hangup(&status), expect, "{mask}");
        };
        check("0000000000001001", true);
        check("0000000000001000", false);
        check("", false);
    }
}
