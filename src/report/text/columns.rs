//! Lines of at most 100 columns.

use std::io::{self, Write};
use unicode_width::UnicodeWidthChar as _;

/// Columns of a line.
pub(super) const WIDTH: usize = 100;

/// Writes `text` in lines of 100 columns; following lines are indented further; only words that are longer than a
/// line are broken. Walks over the text once: values can be megabytes long.
pub fn wrap(out: &mut (impl Write + ?Sized), indent: &str, text: &str) -> io::Result<()> {
    let (mut line, mut used) = (indent.to_string(), indent.len());
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && used + 1 + columns_up_to(word, WIDTH) > WIDTH {
            writeln!(out, "{}", line.trim_end())?;
            (line, used, empty) = (format!("{indent}  "), indent.len() + 2, true);
        }
        if !empty {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let columns = columns_of(c);
            if used + columns > WIDTH {
                writeln!(out, "{line}")?;
                (line, used) = (format!("{indent}  "), indent.len() + 2);
            }
            line.push(c);
            used += columns;
        }
        empty = false;
    }
    writeln!(out, "{}", line.trim_end())
}

/// Columns of one character on a terminal, counted for itself: terminals that join characters need fewer, never more.
fn columns_of(c: char) -> usize {
    c.width().unwrap_or(0).max(1)
}

/// Columns of `text`, counted no further than just beyond `limit`.
fn columns_up_to(text: &str, limit: usize) -> usize {
    let mut columns = 0;
    for c in text.chars() {
        columns += columns_of(c);
        if columns > limit {
            break;
        }
    }
    columns
}

/// `text`, or as much of it as `columns` hold with an ellipsis.
pub(super) fn fit(text: &str, columns: usize) -> String {
    if columns_up_to(text, columns) <= columns {
        return text.to_string();
    }
    let mut used = 1;
    let fitting = text.chars().take_while(|c| {
        used += columns_of(*c);
        used <= columns
    });
    format!("{}…", fitting.collect::<String>())
}
