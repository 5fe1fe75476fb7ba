//! Hostile text made fit for a terminal: what could move the cursor, hide, reorder or imitate is written as an escape.

use crate::format::path::is_invisible;
use std::fmt::Write as _;

/// Text for a person: control characters, bidirectional and invisible characters, lone bytes and backslashes become
/// escapes (`\x1b`, `\u{202e}`, `\\`), so that no two inputs look the same and nothing draws on the terminal.
pub fn clean(untrusted: &[u8]) -> String {
    let mut out = String::with_capacity(untrusted.len());
    for chunk in untrusted.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push(&mut out, c));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// As [`clean`], for text that is UTF-8 already and part of a sentence: backslashes stay.
pub fn clean_text(untrusted: &str) -> String {
    let mut out = String::with_capacity(untrusted.len());
    for c in untrusted.chars() {
        if c == '\\' { out.push(c) } else { push(&mut out, c) }
    }
    out
}

fn push(out: &mut String, c: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_hostile(c) => {
            let code = u32::from(c);
            let _ = if code < 0x100 { write!(out, "\\x{code:02x}") } else { write!(out, "\\u{{{code:x}}}") };
        }
        c => out.push(c),
    }
}

/// Characters that no renderer passes on raw: C0, DEL, C1, line and paragraph separators, invisible and bidirectional
/// ones, private use, and spaces that are not the space.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || is_invisible(c)
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{a0}' | '\u{1680}' | '\u{2000}'
                ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
        )
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
        || is_format(c)
}

/// Format characters (general category Cf) that are not among the invisible ones.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{fff9}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_draws() {
        assert_eq!(clean(b"ok\x1b[2K\r\xe2\x9c\x94 VERIFIED"), "ok\\x1b[2K\\r\u{2714} VERIFIED");
        assert_eq!(clean("a\u{202e}b\u{9b}".as_bytes()), "a\\u{202e}b\\x9b");
        assert_eq!(clean(b"a\xff\\"), "a\\xff\\\\");
        assert_eq!(clean_text("a\\b\nc"), "a\\b\\nc");
    }

    proptest! {
        #[test]
        fn clean_text_is_clean(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(!clean(&bytes).chars().any(is_hostile));
        }

        #[test]
        fn different_names_stay_different(a in proptest::collection::vec(any::<u8>(), 0..8), b in proptest::collection::vec(any::<u8>(), 0..8)) {
            prop_assert_eq!(a == b, clean(&a) == clean(&b));
        }
    }
}
