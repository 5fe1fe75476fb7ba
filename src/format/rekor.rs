//! Receipts of a transparency log (Rekor): what such a file says of an entry and of its place in the log. Nothing here is
//! verified; `trust::rekor` does that.
//!
//! Documents give one form and speak of others without describing them, so three are read, told apart by their members and
//! named in reports: the receipt of the Offline Kit (formats.md 1.3), the answer of Rekor's own interface (version 1), and the
//! entry of Sigstore bundles (`TransparencyLogEntry`).

mod body;
mod pack;
mod receipt;

pub use body::{Body, Hashed, Pair, parse as parse_body};
pub use pack::{Found, MAX_LINES, MAX_PACK, PackEntry, Wanted, find as find_in_pack, find_all as find_all_in_pack};
pub use receipt::{CheckpointPlace, Form, MAX_RECEIPT, Receipt, is_receipt_name, parse as parse_receipt, place};

use super::digest::{Sha256Bytes, unhex};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The leaf hash that a UUID of Rekor ends with: 64 hex digits, alone or after the 16 of a tree id. `None` for other ids.
pub fn leaf_of_uuid(untrusted: &str) -> Option<Sha256Bytes> {
    let digits = match untrusted.len() {
        64 => untrusted,
        80 if untrusted.bytes().all(|c| c.is_ascii_hexdigit()) => untrusted.get(16..)?,
        _ => return None,
    };
    hex32(digits)
}

/// 32 bytes in lower-case hex.
fn hex32(text: &str) -> Option<Sha256Bytes> {
    if text.bytes().any(|c| c.is_ascii_uppercase()) {
        return None;
    }
    unhex(text)?.try_into().ok()
}

/// Padded standard base64, the one encoding of its bytes.
fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
