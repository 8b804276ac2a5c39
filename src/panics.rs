//! Containment of panics in parsers of other crates: damaged input makes some of them panic, which is an error of the input.

use std::{
    cell::Cell,
    io::{self, ErrorKind},
    panic::{AssertUnwindSafe, catch_unwind},
};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread runs code whose panics are contained: the panic hook of a program need not report them.
#[must_use]
pub fn is_contained() -> bool {
    DEPTH.get() > 0
}

/// Runs `read`; `None` if it panics.
pub fn catch<T>(read: impl FnOnce() -> T) -> Option<T> {
    DEPTH.set(DEPTH.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(read));
    DEPTH.set(DEPTH.get() - 1);
    outcome.ok()
}

/// Runs `read`; its panic is an error.
///
/// # Errors
/// That of `read`, or [`ErrorKind::InvalidData`] if it panics.
pub fn contain<T>(read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch(read).unwrap_or_else(|| Err(io::Error::new(ErrorKind::InvalidData, "the data is corrupt")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        assert_eq!(contain(|| Ok(7)).unwrap(), 7);
        let caught = contain(|| if is_contained() { panic!("inside") } else { Ok(()) });
        assert_eq!(caught.unwrap_err().kind(), ErrorKind::InvalidData);
        assert!(!is_contained());
    }
}
