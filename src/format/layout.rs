//! How a JSON text is laid out: white space is no part of a value, but some producers promise it.

/// Whether the strict JSON in `text` (untrusted) has the usual layout with two spaces for each level: members and items on
/// lines of their own, one space after a colon, `{}` and `[]` closed at once, and nothing behind the last bracket but at
/// most one line feed. The answer for a text that is not JSON means nothing.
#[must_use]
pub fn is_indented(text: &str) -> bool {
    let text = text.strip_suffix('\n').unwrap_or(text).as_bytes();
    let mut at = 0;
    let mut depth = 0usize;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => at = string_end(text, at),
            b'{' | b'[' => {
                if matches!(text.get(at), Some(b'}' | b']')) {
                    at += 1;
                } else {
                    depth += 1;
                    let Some(next) = line_start(text, at, depth) else { return false };
                    at = next;
                }
            }
            b',' => {
                let Some(next) = line_start(text, at, depth) else { return false };
                at = next;
            }
            b':' => {
                if text.get(at) != Some(&b' ') {
                    return false;
                }
                at += 1;
            }
            b'\n' => {
                depth = depth.saturating_sub(1);
                let Some(next) = line_start(text, at - 1, depth) else { return false };
                if !matches!(text.get(next), Some(b'}' | b']')) {
                    return false;
                }
                at = next + 1;
            }
            // A bracket that closes stands on a line of its own, which the arm before has consumed.
            b' ' | b'\t' | b'\r' | b'}' | b']' => return false,
            _ => {}
        }
    }
    true
}

/// Behind the string whose opening quote ends at `at`.
fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// Behind a line feed and the spaces of `depth`, which must be followed by something else than white space.
fn line_start(text: &[u8], at: usize, depth: usize) -> Option<usize> {
    let rest = text.get(at..)?.strip_prefix(b"\n")?;
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let is_right = spaces == depth * 2 && !matches!(rest.get(spaces), None | Some(b'\n' | b'\r' | b'\t'));
    is_right.then_some(at + 1 + spaces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pretty(value: &Value) -> String {
        serde_json::to_string_pretty(value).unwrap()
    }

    #[test]
    fn what_a_writer_lays_out_is_laid_out() {
        for value in
            [json!({}), json!([]), json!(1), json!({"a": {"b": [1, "x, {y}: \"z\""], "c": {}, "d": []}, "e": 1})]
        {
            assert!(is_indented(&pretty(&value)), "{value}");
            assert!(is_indented(&format!("{}\n", pretty(&value))), "{value}");
            assert!(!is_indented(&format!("{}\n\n", pretty(&value))), "{value}");
        }
    }

    #[test]
    fn every_other_space_is_noticed() {
        let text = pretty(&json!({"a": {"b": [1, 2]}, "c": []}));
        assert!(!is_indented(r#"{"a":1}"#));
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let quotes = text[..at].matches('"').count();
            for space in [" ", "\t", "\r"] {
                let changed = format!("{}{space}{}", &text[..at], &text[at..]);
                assert!(!quotes.is_multiple_of(2) || !is_indented(&changed), "{changed:?}");
            }
            let is_layout = matches!(text.as_bytes().get(at), Some(b' ' | b'\n')) && quotes.is_multiple_of(2);
            if is_layout {
                let changed = format!("{}{}", &text[..at], &text[at + 1..]);
                assert!(!is_indented(&changed), "{changed:?}");
            }
        }
    }
}
