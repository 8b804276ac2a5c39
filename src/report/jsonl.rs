//! The report as JSON lines: one [`Item`] a line.

use std::io::{self, Write};

use super::{Item, json_line};

pub(super) fn write(items: &[Item], out: &mut dyn Write) -> io::Result<()> {
    items.iter().try_for_each(|item| json_line(item, out))
}
