//! The report as JSON lines: one [`Item`] a line.

use std::io::{self, Write};

use super::Item;

pub(super) fn write(items: &[Item], out: &mut dyn Write) -> io::Result<()> {
    for item in items {
        serde_json::to_writer(&mut *out, item)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
