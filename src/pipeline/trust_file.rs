//! A trust policy from disk, with the key files that it names.

use super::source::read_small;
use crate::bundle::{
    KINDS, Kind, dsse_envelope::DsseEnvelope, revocation::RevocationBundle, sigstore_artifact::SigstoreArtifact,
};
use crate::trust::policy_file::{self, MAX_POLICY_BYTES, TrustFile};
use std::path::Path;
use zeroize::Zeroizing;

/// Kinds of single documents, which verbs of their own take.
const SINGLE: [&dyn Kind; 3] = [&DsseEnvelope, &SigstoreArtifact, &RevocationBundle];

/// Ids of all kinds that a policy can speak of, in byte order.
pub fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<&str> = KINDS.iter().map(|kind| kind.id()).chain(SINGLE.iter().map(|kind| kind.id())).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Reads the policy in the file `path`. Key files are looked for from the folder of that file.
///
/// # Errors
/// A sentence that names the file, the line and the field.
pub fn load(path: &Path) -> Result<TrustFile, String> {
    let fail = |why: String| format!("cannot use the trust policy {}: {why}", path.display());
    let bytes = read_small(path, MAX_POLICY_BYTES as u64).map_err(|error| fail(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().unwrap_or(path.as_os_str()).as_encoded_bytes();
    let mut read_key = |file: &str, limit: usize| {
        let bytes = read_small(&folder.join(file), limit as u64).map_err(|error| error.to_string())?;
        Ok(Zeroizing::new(bytes))
    };
    policy_file::load(&bytes, name, &kinds(), &mut read_key).map_err(|error| fail(error.to_string()))
}
