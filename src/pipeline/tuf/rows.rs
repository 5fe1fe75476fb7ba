//! Steps as rows of the report.

use crate::format::time::format_rfc3339;
use crate::trust::check::{Check, CheckKind};
use crate::trust::tuf::Accepted;

/// The row of a document that was accepted; `words` say where it came from.
pub(super) fn accepted(kind: CheckKind, file: &str, accepted: &Accepted, words: &str) -> Check {
    let signers: Vec<&str> = accepted.signers.iter().map(|signer| signer.fingerprint.as_str()).collect();
    let detail = format!(
        "{} version {}{words}, signed by {} of {} required keys, expires {}",
        accepted.role,
        accepted.version,
        signers.len(),
        accepted.threshold,
        format_rfc3339(accepted.expires)
    );
    Check::pass(kind, file, detail)
        .with("role", &accepted.role)
        .with("version", accepted.version.to_string())
        .with("expires", format_rfc3339(accepted.expires))
        .with("threshold", accepted.threshold.to_string())
        .with("signers", signers.join(" "))
}

/// The row of a metadata file that is needed and not there.
pub(super) fn absent(kind: CheckKind, path: &str) -> Check {
    Check::fail(kind, path, "expected this file, found none; a file of this name belongs into --metadata-dir")
}
