//! `sigstore verify`: one artifact with its Sigstore bundle; and Sigstore bundles beside the input of `verify`.

use super::error::EnvironmentError;
use super::inspect::Reading;
use super::source::{MediumReader, OpenFile, Source};
use super::verify::Verification;
use super::whole::BundleFile;
use crate::bundle::model::Bundle;
use crate::bundle::sigstore_artifact::SigstoreArtifact;
use crate::format::digest::{Digest, Digests, Hasher, sha256};
use crate::format::inventory::{EntryKind, Inventory, Location, Observed};
use crate::format::sigstore::MAX_BUNDLE;
use crate::trust::authority::{Authority, Standing};
use crate::trust::check::{self, Check};
use crate::trust::claims::Role;
use crate::trust::envelope::{Authentication, Signer};
use crate::trust::policy::{Policy, Property};
use crate::trust::sigstore::{self, Artifact, Content, Expected, MAX_HELD, Outcome, Root};
use crate::trust::verdict::judge as verdict;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What `sigstore verify` is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file, or `-`.
    File(PathBuf),
    /// An artifact that is known by its digest only.
    Digest(Digest),
}

/// An artifact as it was read.
struct Known {
    name: Vec<u8>,
    digest: Digest,
    /// Size in bytes, unless only the digest is known.
    size: Option<u64>,
    /// The file, where it can be read again.
    file: Option<OpenFile>,
}

/// Verifies `target` with the bundle in the file `bundle`, by the trust and the keys of `policy`.
///
/// Where the policy has a certificate's name, a bundle by a key is a bad one, and the other way round.
pub fn verify(target: &Target, bundle: &Path, root: &Root, policy: &Policy) -> Result<Verification, EnvironmentError> {
    let untrusted = read_bundle(bundle)?;
    let name = bundle.file_name().map_or(b"bundle".to_vec(), |name| name.as_encoded_bytes().to_vec());
    let known = read(target)?;
    let expected = Expected { exclusive: true, ..expected(policy) };
    let outcome = judge(&untrusted, &name, known.digest, known.file.as_ref(), &expected, root)?;
    if let Some(file) = &known.file {
        file.check_unchanged()?;
    }
    Ok(verification(known, &name, outcome, policy))
}

fn expected(policy: &Policy) -> Expected<'_> {
    let name = policy.sigstore.as_ref().and_then(|trust| trust.name.as_ref());
    Expected { name, policy, exclusive: false }
}

/// Reads a bundle as far as it may be one: what is longer is told as a bad bundle.
fn read_bundle(path: &Path) -> Result<Vec<u8>, EnvironmentError> {
    let fail = |error| EnvironmentError::read(path, error);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(fail)?;
    file.take(MAX_BUNDLE as u64 + 1).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// Hashes the target in one reading, in constant memory.
fn read(target: &Target) -> Result<Known, EnvironmentError> {
    let path = match target {
        Target::Digest(digest) => return Ok(Known { name: Vec::new(), digest: *digest, size: None, file: None }),
        Target::File(path) => path,
    };
    let name = path.file_name().unwrap_or(path.as_os_str()).as_encoded_bytes().to_vec();
    let fail = |error| EnvironmentError::read(path, error);
    match Source::open(path)? {
        Source::Directory { .. } => Err(fail(std::io::Error::from(std::io::ErrorKind::IsADirectory))),
        Source::File(file) => {
            let (digest, size) = hash(&mut file.reader()).map_err(fail)?;
            Ok(Known { name, digest, size: Some(size), file: Some(file) })
        }
        Source::Stream { reader, .. } => {
            let mut reader = reader.ok_or_else(|| fail(std::io::Error::from(std::io::ErrorKind::NotFound)))?;
            let (digest, size) = hash(&mut MediumReader(&mut reader)).map_err(fail)?;
            Ok(Known { name, digest, size: Some(size), file: None })
        }
    }
}

fn hash(reader: &mut dyn Read) -> std::io::Result<(Digest, u64)> {
    let (mut hasher, mut buffer, mut size) = (Hasher::new(false), vec![0; 256 << 10], 0);
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok((Digest::Sha256(hasher.finish().sha256), size)),
            count => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
        }
    }
}

/// Verifies one bundle over an artifact whose digest is known. The file is read again only where that digest cannot decide.
fn judge(
    untrusted: &[u8],
    name: &[u8],
    digest: Digest,
    file: Option<&OpenFile>,
    expected: &Expected<'_>,
    root: &Root,
) -> Result<Outcome, EnvironmentError> {
    let with = |content: Content<'_>, path: &Path| {
        let outcome = sigstore::verify(untrusted, name, &Artifact { digest, content }, expected, root);
        outcome.map_err(|error| EnvironmentError::read(path, error))
    };
    let outcome = with(Content::Digest, Path::new("-"))?;
    let Some(file) = file.filter(|_| outcome.lacking) else { return Ok(outcome) };
    if file.size() > MAX_HELD {
        return with(Content::Stream(&|| Box::new(file.reader())), file.path());
    }
    let bytes = held(file, digest)?;
    with(Content::Bytes(&bytes), file.path())
}

/// All bytes of a small file, which have to be those that were hashed.
fn held(file: &OpenFile, expected: Digest) -> Result<Vec<u8>, EnvironmentError> {
    let mut bytes = Vec::new();
    file.reader()
        .take(MAX_HELD + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| EnvironmentError::read(file.path(), error))?;
    if Digest::Sha256(sha256(&bytes)) != expected {
        return Err(EnvironmentError::Changed { path: file.path().into() });
    }
    Ok(bytes)
}

/// The answer in the shape that reports are made from.
fn verification(known: Known, name: &[u8], outcome: Outcome, policy: &Policy) -> Verification {
    let Known { name: artifact, digest, size, .. } = known;
    let outer = match digest {
        Digest::Sha256(sha256) => Some(Digests { sha256, sha512: None }),
        Digest::Sha512(_) => None,
    };
    let mut inventory = Inventory {
        name: artifact.clone(),
        outer_size: size,
        outer: outer.clone(),
        container: size.map(|_| "file").into_iter().collect(),
        ..Inventory::default()
    };
    inventory.entries.extend(size.zip(outer).map(|(size, Digests { sha256, .. })| Observed {
        path: artifact.into(),
        size,
        mtime: 0,
        sha256,
        mode: 0o644,
        kind: EntryKind::File,
        hashed: true,
        owned: false,
    }));
    let mut bundle = Bundle { has_lists: true, ..Bundle::default() };
    let document = bundle.claims.document(name, Location::Sidecar, Role::Envelope);
    let proven = outcome.proof.is_some();
    let mut established = BTreeSet::new();
    if proven {
        bundle.claims.cover(&inventory, document);
        // The digest is what was signed, and an artifact has no other parts.
        let held = [Property::Integrity, Property::Complete, Property::Signature, Property::PublicKey];
        established.extend(held);
        established.extend(outcome.included.then_some(Property::Transparency));
    }
    bundle.claims.sort();
    let mut required = policy.require.clone().unwrap_or_default();
    required.extend([Property::Integrity, Property::Complete, Property::Signature]);
    required.sort();
    required.dedup();
    let standing = if proven { Standing::Pinned } else { Standing::Unlisted };
    let authority =
        Authority { standings: vec![standing; inventory.entries.len()], trusted: vec![proven], pinned_by: vec![None] };
    let reading = Reading::of_document(
        &SigstoreArtifact,
        None,
        "the verb takes one artifact with its Sigstore bundle",
        inventory,
        bundle,
    );
    Verification {
        reading,
        authority,
        verdict: verdict(&required, &established, &outcome.checks),
        authenticated_by: outcome.signer.as_ref().map_or(Authentication::None, |signer| signer.by),
        signers: outcome.signer.into_iter().collect(),
        checks: outcome.checks,
        required,
        established,
        policy: None,
        waivers: policy.waivers.clone(),
    }
}

/// What came out for one bundle beside the input of `verify`.
#[derive(Debug)]
pub(super) struct Beside {
    /// The file.
    pub(super) name: Vec<u8>,
    /// Its rows.
    pub(super) checks: Vec<Check>,
    /// Who signed, and whether a log has the entry; only where everything holds.
    pub(super) outcome: Option<(Signer, bool)>,
}

/// Verifies the Sigstore bundles beside the input, over the input as a whole.
pub(super) fn beside(reading: &Reading, policy: &Policy) -> Result<Vec<Beside>, EnvironmentError> {
    reading.whole.bundles.iter().map(|bundle| one_beside(reading, bundle, policy)).collect()
}

fn one_beside(reading: &Reading, bundle: &BundleFile, policy: &Policy) -> Result<Beside, EnvironmentError> {
    let BundleFile { name, named, bytes } = bundle;
    let skipped = |why: &str| {
        let row = Check::skip(check::SIGSTORE_BUNDLE, name, why).with("named", named.to_string());
        Ok(Beside { name: name.clone(), checks: vec![row], outcome: None })
    };
    let Some(trust) = &policy.sigstore else {
        return skipped("it was not checked: --trusted-root says which authorities and logs you trust");
    };
    let file = match &reading.whole.source {
        Some(Source::Directory { .. }) => {
            return skipped(
                "it was not checked: the input is a directory, which has no bytes that could be signed as a whole; give \
                 the archive that was signed",
            );
        }
        Some(Source::File(file)) => Some(file),
        Some(Source::Stream { .. }) | None => None,
    };
    let Some(outer) = reading.inventory.outer.as_ref().filter(|_| !reading.inventory.incomplete) else {
        return skipped("it was not checked: the input was not read to its end");
    };
    let outcome = judge(bytes, name, Digest::Sha256(outer.sha256), file, &expected(policy), &trust.root)?;
    let mut checks = outcome.checks;
    if outcome.proof.is_none() {
        // A file that the operator named has to be of use.
        for row in checks.iter_mut().filter(|row| row.status == check::Status::Skip) {
            row.evidence.insert("named", named.to_string());
        }
    }
    let signer = outcome.signer.filter(|_| outcome.proof.is_some());
    Ok(Beside { name: name.clone(), checks, outcome: signer.map(|signer| (signer, outcome.included)) })
}
