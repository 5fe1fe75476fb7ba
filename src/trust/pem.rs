//! PEM blocks of a key file (RFC 7468, the strict grammar of section 3 with any line width).
//!
//! Between blocks only blank lines and comments (`#`) may stand. Other text is refused instead of skipped: a
//! mistyped boundary would otherwise make a key disappear without a word. Lines inside a block hold base64
//! and nothing else, and the base64 must be the canonical one (padded, no stray bits).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key_error::{KeyError, quote};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// One block: its label and the decoded bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) der: Vec<u8>,
}

/// Whether untrusted bytes hold the beginning of a PEM block anywhere.
pub(crate) fn is_pem(untrusted: &[u8]) -> bool {
    untrusted.windows(BEGIN.len()).any(|window| window == BEGIN)
}

/// The labels of all lines that open a block, well-formed or not, in order.
///
/// Looked at before anything is decoded, so that a private key is called one even where its block is of a
/// form that [`blocks`] refuses (headers of RFC 1421, for instance).
pub(crate) fn labels(untrusted: &[u8]) -> impl Iterator<Item = String> {
    untrusted.split(|byte| *byte == b'\n').filter_map(|line| boundary(line.trim_ascii(), BEGIN))
}

/// All blocks of an untrusted file, in order.
///
/// # Errors
/// [`KeyError::Pem`] names the line that breaks the grammar.
pub(crate) fn blocks(untrusted: &[u8]) -> Result<Vec<Block>, KeyError> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, Vec<u8>)> = None;
    let mut last = 0;
    for (index, raw) in untrusted.split(|byte| *byte == b'\n').enumerate() {
        last = index + 1;
        let line = raw.trim_ascii_end();
        open = match open {
            None => outside(line, last)?.map(|label| (label, Vec::new())),
            Some((label, mut base64)) => match boundary(line, END) {
                Some(end) if end == label => {
                    blocks.push(Block { label, der: decode(&base64, last)? });
                    None
                }
                Some(end) => {
                    return Err(refused(last, "the END line of the open block", format!("label {}", quote(&end))));
                }
                None => {
                    base64.extend_from_slice(inside(line, last)?);
                    Some((label, base64))
                }
            },
        };
    }
    match open {
        None => Ok(blocks),
        Some((label, _)) => {
            Err(refused(last, "an END line", format!("the end of the file in block {}", quote(&label))))
        }
    }
}

/// The label that a line outside of blocks opens, `None` for comments and blank lines.
fn outside(line: &[u8], number: usize) -> Result<Option<String>, KeyError> {
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    match boundary(line, BEGIN) {
        Some(label) => Ok(Some(label)),
        None => Err(refused(number, "a BEGIN line, a comment (#) or a blank line", "other text".into())),
    }
}

/// The base64 of a line inside a block.
fn inside(line: &[u8], number: usize) -> Result<&[u8], KeyError> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    if line.is_empty() {
        return Err(refused(number, "base64", "a blank line inside a block".into()));
    }
    match line.iter().find(|byte| !is_base64(byte)) {
        None => Ok(line),
        Some(other) => Err(refused(number, "base64", format!("byte 0x{other:02x}"))),
    }
}

/// The label between a boundary's dashes: printable ASCII, as RFC 7468 wants it.
fn boundary(line: &[u8], prefix: &[u8]) -> Option<String> {
    let label = line.strip_prefix(prefix)?.strip_suffix(DASHES)?;
    let printable = !label.is_empty() && label.iter().all(|byte| (b' '..=b'~').contains(byte));
    printable.then(|| String::from_utf8_lossy(label).into_owned())
}

fn decode(base64: &[u8], line: usize) -> Result<Vec<u8>, KeyError> {
    if base64.is_empty() {
        return Err(refused(line, "base64 in the block", "an empty block".into()));
    }
    STANDARD.decode(base64).map_err(|error| refused(line, "canonical base64 in the block", error.to_string()))
}

fn refused(line: usize, expected: &'static str, found: String) -> KeyError {
    KeyError::Pem { line, expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(text: &str) -> usize {
        match blocks(text.as_bytes()) {
            Err(KeyError::Pem { line, .. }) => line,
            other => panic!("{text:?} gave {other:?}"),
        }
    }

    #[test]
    fn blocks_comments_and_line_ends() {
        let text = concat!(
            "# two\r\n\r\n-----BEGIN A B-----\r\nAQ\r\nI=  \r\n-----END A B-----\r\n",
            "\n-----BEGIN C-----\nAw==\n-----END C-----"
        );
        let found = blocks(text.as_bytes()).unwrap();
        assert_eq!(found[0], Block { label: "A B".into(), der: vec![1, 2] });
        assert_eq!(found[1], Block { label: "C".into(), der: vec![3] });
        assert_eq!(labels(text.as_bytes()).collect::<Vec<_>>(), ["A B", "C"]);
        assert!(is_pem(text.as_bytes()) && !is_pem(b"-----BEGINA"));
    }

    #[test]
    fn departures_are_refused_by_line() {
        assert_eq!(line_of("text\n-----BEGIN A-----\nAQI=\n-----END A-----"), 1);
        assert_eq!(line_of("-----BEGIN A-----\nAQI=\n-----END A-----\ntext"), 4);
        assert_eq!(line_of("-----BEGIN A-----\nAQI=\n-----END B-----"), 3);
        assert_eq!(line_of("-----BEGIN A-----\nAQI=\n-----END A----"), 3);
        assert_eq!(line_of("-----BEGIN A-----\nAQI="), 2);
        assert_eq!(line_of("-----BEGIN A-----\n\nAQI=\n-----END A-----"), 2);
        assert_eq!(line_of("-----BEGIN A-----\nAQ-I\n-----END A-----"), 2);
        assert_eq!(line_of("-----BEGIN A-----\n-----END A-----"), 2);
        assert_eq!(line_of("-----BEGIN A-----\nAQI\n-----END A-----"), 3);
        assert_eq!(line_of("-----BEGIN A-----\nAQJ=\n-----END A-----"), 3);
        assert_eq!(line_of(" -----BEGIN A-----\nAQI=\n-----END A-----"), 1);
        assert_eq!(line_of("-----BEGIN A-----\n-----BEGIN A-----\nAQI=\n-----END A-----"), 2);
    }
}
