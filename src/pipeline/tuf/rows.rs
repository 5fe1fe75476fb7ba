//! Steps as rows of the report.

use crate::format::time::format_rfc3339;
use crate::trust::check::{self, Check, CheckKind};
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
pub(super) fn absent(kind: CheckKind, path: &str, in_bundle: bool) -> Check {
    let where_to = match in_bundle {
        true => "the bundle does not carry it; without it nothing that its TUF metadata says can be believed",
        false => "a file of this name belongs into --metadata-dir",
    };
    Check::fail(kind, path, format!("expected this file, found none; {where_to}"))
}

/// The second judge trusts the same metadata.
pub(super) fn agreed(subject: &str, roots: (u64, u64), documents: usize) -> Check {
    let (first, last) = roots;
    let chain = if first == last { format!("root version {last}") } else { format!("root versions {first} to {last}") };
    let detail = format!("tough accepts the same metadata: {chain} and {documents} documents of other roles");
    Check::pass(check::TUF_SECOND_OPINION, place(subject), detail)
}

/// The second judge finds the same target.
pub(super) fn agreed_on_target(name: &str) -> Check {
    let detail = "tough finds the same length and SHA-256 for it";
    Check::pass(check::TUF_SECOND_OPINION, name, detail)
}

/// The second judge says something else.
pub(super) fn disagreed(subject: &str, why: &str) -> Check {
    let detail = format!(
        "two implementations disagree: our own rules and sigstore-tuf accept it, tough does not: {why}; use neither answer and tell the publisher"
    );
    Check::fail(check::TUF_SECOND_OPINION, place(subject), detail)
}

/// The second judge says nothing.
pub(super) fn no_opinion(subject: &str, why: &str) -> Check {
    let detail = format!("no second opinion, and the first stands; tough does not judge this: {why}");
    Check::skip(check::TUF_SECOND_OPINION, place(subject), detail)
}

/// The folder of metadata, or the name of a target.
fn place(subject: &str) -> &str {
    if subject.is_empty() { "metadata" } else { subject.strip_suffix('/').unwrap_or(subject) }
}
