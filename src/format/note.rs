//! Signed notes and the checkpoints of transparency logs in them (C2SP `signed-note` and `tlog-checkpoint`).
//!
//! A note is text, an empty line, and one line for each signature: an em dash, the name of a key, and in base64 four bytes of
//! the key's hash and the signature. A checkpoint is a note whose text says which log (origin), how many leaves, and which
//! root. A checkpoint may also come without signatures; whether one counts is decided in `trust::rekor`.
//!
//! Refused, since two readers could take it differently: control characters and bytes that are no UTF-8, a carriage return, an
//! end without newline, numbers with leading zeros, base64 with other padding, one key with two signatures.

use super::digest::Sha256Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Largest note, in bytes: a checkpoint with a hundred signatures has about 20 KB.
pub const MAX_NOTE: usize = 64 << 10;

/// Most signatures of one note: the limit of the note reader of Go's module database.
pub const MAX_SIGNATURES: usize = 100;

/// What stands in front of each signature.
const MARK: &str = "\u{2014} ";

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// The name of the key: authenticated by nobody but the signature itself.
    pub name: String,
    /// The first four bytes of the key's hash.
    pub key_hash: [u8; 4],
    /// The bytes after them.
    pub bytes: Vec<u8>,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed, with its last newline.
    pub text: String,
    /// The signatures; none where the note is not signed.
    pub signatures: Vec<NoteSignature>,
}

/// What a log says of its own state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Sha256Bytes,
    /// Further lines, such as a time. Untrusted where the note is not signed.
    pub extensions: Vec<String>,
}

/// Reads an untrusted checkpoint, signed or not.
///
/// # Errors
/// What was expected and what was found.
pub fn parse(untrusted: &[u8]) -> Result<(Note, Checkpoint), String> {
    let note = parse_note(untrusted)?;
    let checkpoint = parse_checkpoint(&note.text)?;
    Ok((note, checkpoint))
}

/// Reads an untrusted note. One that has no empty line is text without signatures.
///
/// # Errors
/// What was expected and what was found.
pub fn parse_note(untrusted: &[u8]) -> Result<Note, String> {
    if untrusted.len() > MAX_NOTE {
        return Err(format!("a note has at most {MAX_NOTE} bytes, found {}", untrusted.len()));
    }
    let all = std::str::from_utf8(untrusted).map_err(|_| "a note is UTF-8, found other bytes".to_string())?;
    if all.bytes().any(|c| c != b'\n' && c.is_ascii_control()) {
        return Err("a note has no control characters besides newlines; lines that end in CR LF were changed".into());
    }
    if !all.ends_with('\n') {
        return Err("a note ends in a newline; it was cut".into());
    }
    let Some(at) = all.rfind("\n\n") else {
        return Ok(Note { text: all.to_string(), signatures: Vec::new() });
    };
    let (text, block) = (&all[..=at], &all[at + 2..]);
    if block.is_empty() {
        return Err("expected signatures after the empty line, found none".into());
    }
    let mut signatures: Vec<NoteSignature> = Vec::new();
    for line in block.lines() {
        if signatures.len() >= MAX_SIGNATURES {
            return Err(format!("a note has at most {MAX_SIGNATURES} signatures"));
        }
        let read = parse_signature(line)?;
        if signatures.iter().any(|known| known.name == read.name && known.key_hash == read.key_hash) {
            return Err("two signatures of one key: readers disagree about which of them counts".into());
        }
        signatures.push(read);
    }
    Ok(Note { text: text.to_string(), signatures })
}

fn parse_signature(line: &str) -> Result<NoteSignature, String> {
    let fail = || "expected a line of an em dash, a name and base64 for each signature, found another".to_string();
    let (name, encoded) = line.strip_prefix(MARK).and_then(|rest| rest.split_once(' ')).ok_or_else(fail)?;
    if !is_key_name(name) {
        return Err("the name of a key is not empty and has no spaces or plus signs".into());
    }
    let bytes = STANDARD.decode(encoded).map_err(|_| "a signature is in padded standard base64".to_string())?;
    let Some((key_hash, bytes)) = bytes.split_first_chunk::<4>().filter(|(_, bytes)| !bytes.is_empty()) else {
        return Err("a signature has four bytes of the key's hash, and more after them".into());
    };
    Ok(NoteSignature { name: name.into(), key_hash: *key_hash, bytes: bytes.to_vec() })
}

/// Whether a key may bear this name (C2SP `signed-note`).
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('+') && !name.chars().any(char::is_whitespace)
}

fn parse_checkpoint(text: &str) -> Result<Checkpoint, String> {
    let mut lines = text.lines();
    let mut next = |what: &str| {
        lines
            .next()
            .filter(|line| !line.is_empty())
            .ok_or_else(|| format!("expected the {what} of a log, found no such line"))
    };
    let (origin, size, root) = (next("origin")?, next("tree size")?, next("root hash")?);
    let plain = size == "0" || size.bytes().all(|c| c.is_ascii_digit()) && !size.starts_with('0');
    let size = size.parse::<u64>().ok().filter(|size| plain && i64::try_from(*size).is_ok());
    let size = size.ok_or("the tree size is a decimal number below 2^63 without leading zeros")?;
    let root = STANDARD.decode(root).ok().and_then(|root| Sha256Bytes::try_from(root).ok());
    let root = root.ok_or("the root hash is 32 bytes in padded standard base64")?;
    let extensions: Vec<String> = lines.map(str::to_string).collect();
    if extensions.iter().any(String::is_empty) {
        return Err("expected no empty line within the text of a checkpoint".into());
    }
    Ok(Checkpoint { origin: origin.into(), size, root, extensions })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=";
    const LINE: &str = "\u{2014} log.example AAAAAAE=\n";

    fn why(text: &str) -> String {
        parse(text.as_bytes()).expect_err(text)
    }

    #[test]
    fn a_checkpoint_says_log_size_and_root() {
        let text = format!("log.example\n17\n{ROOT}\nTimestamp: 3\n\n{LINE}\u{2014} other.example AAAAAQI=\n");
        let (note, checkpoint) = parse(text.as_bytes()).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("log.example", 17));
        assert_eq!(checkpoint.extensions, ["Timestamp: 3"]);
        assert_eq!(note.text, text[..text.find("\n\n").unwrap() + 1]);
        assert_eq!(note.signatures.len(), 2);
        assert_eq!((note.signatures[1].key_hash, note.signatures[1].bytes.as_slice()), ([0, 0, 0, 1], &[2][..]));
    }

    #[test]
    fn one_without_signatures_is_read_as_such() {
        let (note, _) = parse(format!("log.example\n17\n{ROOT}\n").as_bytes()).unwrap();
        assert!(note.signatures.is_empty());
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        let with = |body: &str, rest: &str| why(&format!("{body}{rest}"));
        let body = format!("log.example\n17\n{ROOT}\n");
        assert!(with(&body, &format!("\n{LINE}{LINE}")).contains("two signatures"));
        assert!(with(&body, "\n").contains("found none"));
        assert!(with(&body, "\nlog.example AAAAAAE=\n").contains("em dash"));
        assert!(with(&body, "\n\u{2014} a b AAAAAAE=\n").contains("base64"));
        assert!(with(&body, "\n\u{2014} a+b AAAAAAE=\n").contains("plus"));
        assert!(with(&body, "\n\u{2014} a AAAAAAE\n").contains("base64"));
        assert!(with(&body, "\n\u{2014} a AAAAAA==\n").contains("four bytes"));
        assert!(with(&body, &format!("\n{}", LINE.trim_end())).contains("newline"));
        assert!(why(&format!("log.example\r\n17\r\n{ROOT}\r\n")).contains("control"));
        assert!(why(&format!("log.example\n017\n{ROOT}\n")).contains("leading zeros"));
        assert!(why(&format!("log.example\n+17\n{ROOT}\n")).contains("leading zeros"));
        assert!(why(&format!("log.example\n9223372036854775808\n{ROOT}\n")).contains("2^63"));
        assert!(why(&format!("\n17\n{ROOT}\n")).contains("origin"));
        assert!(why("log.example\n17\nAAAA\n").contains("32 bytes"));
        assert!(why(&format!("log.example\n17\n{ROOT}\na\n\nb\n\n{LINE}")).contains("empty line"));
        assert!(why("log.example\n17\n").contains("root hash"));
        assert!(parse(&[0xff, b'\n']).is_err());
        let many: String = (0..=MAX_SIGNATURES).map(|n| format!("\u{2014} k{n} AAAAAAE=\n")).collect();
        assert!(with(&body, &format!("\n{many}")).contains("at most"));
    }
}
