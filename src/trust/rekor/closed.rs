//! Which files of a proven receipt hold nothing besides what is proven: only those may lie in a bundle that lists them nowhere.
//!
//! A file that could carry anything else, however little, is a file like any other: a script can look like a checkpoint.

use super::logs::{same_state, vouched};
use super::{PackFile, ReceiptFile};
use crate::format::note::{Checkpoint, Note};
use crate::format::rekor::{CheckpointPlace, Receipt};
use crate::trust::policy::Policy;

/// Names of those files. Everything else about the receipt has to have been found to hold before.
pub(super) fn files(
    file: &ReceiptFile,
    receipt: &Receipt,
    note: &Note,
    checkpoint: &Checkpoint,
    policy: &Policy,
) -> Vec<Vec<u8>> {
    if !file.inside {
        return Vec::new();
    }
    let stated = is_stated(note, checkpoint, policy);
    let inline = matches!(receipt.checkpoint, CheckpointPlace::Inline(_));
    let own = (receipt.closed && (stated || !inline)).then_some(&file.name);
    let beside = file.checkpoint.iter().filter(|_| stated && !inline).map(|(name, _)| name);
    let alone = |pack: &&PackFile| pack.entry.as_ref().is_ok_and(|entry| entry.alone);
    let packs = file.packs.iter().filter(alone).map(|pack| &pack.name);
    own.into_iter().chain(beside).chain(packs).cloned().collect()
}

/// Whether every line is the word of a trusted log: each signature by one of its keys; or none, and the three lines of the
/// pinned state, which it signed.
fn is_stated(note: &Note, checkpoint: &Checkpoint, policy: &Policy) -> bool {
    if note.signatures.is_empty() {
        let pinned = policy.logs.pinned.as_deref();
        return checkpoint.extensions.is_empty()
            && pinned.is_some_and(|pinned| same_state(&pinned.checkpoint, checkpoint));
    }
    note.signatures.iter().all(|line| vouched(note, line, checkpoint, policy))
}
