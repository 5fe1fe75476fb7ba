//! What `unpack` wrote.

use crate::format::path::lossless;
use crate::pipeline::unpack::Unpacked;
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt as _;

/// The members of `unpacked`, in their order.
pub(super) fn members(unpacked: &Unpacked) -> Vec<(&'static str, Value)> {
    let skipped = unpacked.skipped;
    let mut rows = vec![
        ("to", json!(lossless(unpacked.to.as_os_str().as_bytes()))),
        ("artifact", json!(unpacked.artifact.as_ref().map(|at| lossless(at.as_os_str().as_bytes())))),
        ("dry_run", json!(unpacked.dry_run)),
        ("files", json!(unpacked.files)),
        ("directories", json!(unpacked.directories)),
        ("links", json!(unpacked.links)),
        ("decrypted", json!(unpacked.decrypted)),
        ("bytes", json!(unpacked.bytes)),
        ("needed", json!(unpacked.needed)),
    ];
    rows.extend(unpacked.free.map(|free| ("free", json!(free))));
    rows.push((
        "skipped",
        json!({
            "not_selected": skipped.not_selected,
            "set_aside": skipped.set_aside,
            "stripped": skipped.stripped,
            "unlisted": skipped.unlisted,
        }),
    ));
    rows
}
