//! `diff`: what changes if one bundle replaces another. Each side is read as `inspect` reads it, or verified where the
//! operator says whom to trust; the comparison itself is in `bundle::changes` and works on values.

mod databases;
mod documents;
mod manifests;
mod revocations;
pub(super) mod step;

pub use step::Proof;

use super::error::EnvironmentError;
use super::inspect::{self, Reading, Request};
use super::progress::Progress;
use super::tuf::TufError;
use super::verify::{self, Verification};
use crate::bundle::Kind as _;
use crate::bundle::changes::databases::DatabaseChange;
use crate::bundle::changes::entries::Entries;
use crate::bundle::changes::identity::{Identity, Party, SignedBy};
use crate::bundle::changes::images::Images;
use crate::bundle::changes::unified::MAX_UNIFIED;
use crate::bundle::changes::{Changes, Meaning, Signers};
use crate::bundle::model::{DetachedForm, Oci, TrivyDatabase};
use crate::bundle::revocation::RevocationBundle;
use crate::format::anomaly::Defect;
use crate::format::path::lossless;
use crate::format::sigstore;
use crate::trust::check::{self, Check, Class};
use crate::trust::policy::Policy;
use crate::trust::verdict::Verdict;

pub use manifests::silent;
pub use revocations::{ListsError, are_lists, diff_lists};

/// One of the two inputs.
pub enum Side {
    /// It was read, and nothing was verified.
    Read(Box<Reading>),
    /// It was verified.
    Verified(Box<Verification>),
}

impl Side {
    /// What was read.
    pub fn reading(&self) -> &Reading {
        match self {
            Side::Read(reading) => reading,
            Side::Verified(verification) => &verification.reading,
        }
    }

    /// Whether it is a revocation list, which is no bundle.
    pub fn is_list(&self) -> bool {
        self.reading().recognition.kind.id() == RevocationBundle.id()
    }

    /// Its verdict; of what was not verified, only that its container is bad can be said, or that a list is none.
    pub fn verdict(&self) -> Verdict {
        match self {
            Side::Verified(verification) => verification.verdict,
            Side::Read(reading) => {
                let judged = |check: &&Check| check.kind.class == Class::Container || self.is_list();
                let failed = reading.checks.iter().filter(|check| check.failed()).filter(judged);
                failed.map(|check| check.kind.class).min().map_or(Verdict::NotVerified, Verdict::Failed)
            }
        }
    }

    /// Whether it was read to its end and holds entries, so that it can be compared.
    fn comparable(&self) -> bool {
        let inventory = &self.reading().inventory;
        !inventory.incomplete && inventory.container.last() != Some(&"file")
    }
}

/// Both inputs, and what is different.
pub struct Comparison {
    /// The bundle that is there.
    pub old: Side,
    /// The bundle that is to replace it.
    pub new: Side,
    /// What is different; `None` where one of them could not be read to its end, so that nothing can be said of it.
    pub changes: Option<Changes>,
    /// What came of the delta that is said to lead from one to the other, where one was given.
    pub proof: Option<Proof>,
}

impl Comparison {
    /// One verdict for all: the first failing class in stage order, else the weakest word.
    pub fn verdict(&self) -> Verdict {
        let proof = self.proof.as_ref().map(Proof::verdict);
        Verdict::weakest([self.old.verdict(), self.new.verdict()].into_iter().chain(proof))
    }

    /// Whether the two are the same in all that was compared.
    pub fn is_identical(&self) -> bool {
        self.changes.as_ref().is_some_and(Changes::is_empty)
    }
}

/// Reads both inputs, and compares them. With policies, one for each side, both are verified; where requests ask for
/// documents alone, what these state is compared, and policies have nothing to judge. A `delta` is verified by its policy,
/// whether anybody is trusted or not, and compared with the step that it is said to be.
///
/// # Errors
/// One of them could not be read. What is wrong with a bundle is part of the answer.
pub fn diff(
    old_request: &Request,
    new_request: &Request,
    policies: Option<(&Policy, &Policy)>,
    delta: Option<(&Request, &Policy)>,
    progress: &Progress,
) -> Result<Comparison, TufError> {
    let side = |request: &Request, policy: Option<&Policy>| match policy {
        None => {
            inspect::read(request, progress).map(|reading| Side::Read(Box::new(held(reading)))).map_err(TufError::from)
        }
        Some(policy) => verify::verify(request, policy, progress).map(|found| Side::Verified(Box::new(found))),
    };
    let [old_policy, new_policy] = [policies.map(|(policy, _)| policy), policies.map(|(_, policy)| policy)];
    // Hashing takes all threads, one side after the other; listing takes one.
    let (old, new) = if old_request.documents_only && old_request.scan.jobs > 1 {
        let (old, new) = rayon::join(|| side(old_request, old_policy), || side(new_request, new_policy));
        (old?, new?)
    } else {
        (side(old_request, old_policy)?, side(new_request, new_policy)?)
    };
    let changes = if old.comparable() && new.comparable() {
        Some(compare((&old, old_request), (&new, new_request))?)
    } else {
        None
    };
    let prove = |(request, policy)| step::prove((&old, &new), request, (policy, policies.is_some()), progress);
    let proof = delta.map(prove).transpose()?;
    Ok(Comparison { old, new, changes, proof })
}

/// A side that holds no archive at all is no bundle, and there is nothing to compare. `verify` says so too.
fn held(mut reading: Reading) -> Reading {
    if reading.inventory.container.last() == Some(&"file") {
        let detail = "the compressed stream holds no archive; a bundle is a directory or a tar";
        reading.checks.insert(0, Check::fail(check::of_defect(Defect::ContainerFormat), "", detail));
    }
    reading
}

/// The text of one document on both sides, for a comparison of its lines; `None` for a side that has no such file, or one
/// that is larger than [`MAX_UNIFIED`].
///
/// # Errors
/// One of the inputs cannot be read a second time, as a pipe, or is no longer what it was.
pub fn texts(
    comparison: &Comparison,
    requests: [&Request; 2],
    path: &[u8],
) -> Result<[Option<Vec<u8>>; 2], EnvironmentError> {
    let [old, new] = requests;
    let text = |side: &Side, request| documents::whole((side.reading(), request), path, MAX_UNIFIED);
    Ok([text(&comparison.old, old)?, text(&comparison.new, new)?])
}

fn compare(
    (old, old_request): (&Side, &Request),
    (new, new_request): (&Side, &Request),
) -> Result<Changes, EnvironmentError> {
    let (before, after) = (old.reading(), new.reading());
    let signers = (signers(old), signers(new));
    let identity = Identity::compare(&party(old, &signers.0), &party(new, &signers.1));
    let signers = Signers::compare(&signers.0, &signers.1);
    if before.inventory.unread || after.inventory.unread {
        let stated = Some(manifests::compare(before, after));
        return Ok(Changes { stated, identity, signers, ..Changes::default() });
    }
    let (a, b) = (&before.bundle, &after.bundle);
    let nothing = Oci::default();
    let images = (a.oci.is_some() || b.oci.is_some()).then(|| {
        let (old, new) = (a.oci.as_ref().unwrap_or(&nothing), b.oci.as_ref().unwrap_or(&nothing));
        Images::compare((old, &before.inventory), (new, &after.inventory))
    });
    let pairs = DatabaseChange::pairs(a.trivy.as_ref(), b.trivy.as_ref());
    let records = |old: &TrivyDatabase, new: &TrivyDatabase| databases::compare(before, &old.path, after, &new.path);
    let databases = pairs.into_iter().map(|pair| DatabaseChange::of(pair, records)).collect::<Result<_, _>>()?;
    let entries = Entries::compare(&before.inventory, &after.inventory);
    let documents = documents::compare((before, old_request), (after, new_request), &entries)?;
    Ok(Changes { meaning: Meaning { images, databases, documents }, entries, stated: None, identity, signers })
}

fn party<'a>(side: &'a Side, signers: &'a [SignedBy]) -> Party<'a> {
    let reading = side.reading();
    let shapes = reading.whole.bundles.iter().filter_map(|bundle| sigstore::read(&bundle.bytes).ok());
    Party {
        kind: reading.recognition.kind.id(),
        version: reading.recognition.version.as_deref(),
        inventory: &reading.inventory,
        bundle: &reading.bundle,
        signers,
        log_entries: shapes.map(|bundle| bundle.shape().entries).sum(),
        strength: match side {
            Side::Read(_) => None,
            Side::Verified(found) => Some((found.authenticated_by as u8, found.authenticated_by.name())),
        },
    }
}

/// Who signed. Where nothing was verified: who claims to have.
fn signers(side: &Side) -> Vec<SignedBy> {
    let mut signers = match side {
        Side::Verified(found) => proven(found),
        Side::Read(reading) => claimed(reading),
    };
    signers.sort();
    signers
}

fn proven(found: &Verification) -> Vec<SignedBy> {
    let signed = &found.reading.bundle.signed;
    let by = |signer: &crate::trust::envelope::Signer| SignedBy {
        name: match &signer.certificate {
            Some(name) => format!("{} (as {} says)", name.identity, name.issuer),
            None => signer.fingerprint.clone(),
        },
        scheme: signer.scheme.to_string(),
        document: signer.document.clone(),
        payload_type: signed
            .iter()
            .find(|document| document.name == signer.document)
            .map_or(String::new(), |document| document.parsed.envelope.payload_type().to_string()),
    };
    found.signers.iter().map(by).collect()
}

fn claimed(reading: &Reading) -> Vec<SignedBy> {
    let text = |hint: Option<&str>| hint.unwrap_or_default().to_string();
    let bundle = &reading.bundle;
    let enveloped = bundle.signed.iter().flat_map(|document| {
        let envelope = &document.parsed.envelope;
        envelope.signatures().iter().map(|signature| SignedBy {
            name: text(signature.keyid.as_deref()),
            scheme: text(signature.algorithm_hint.as_deref().or(document.parsed.algorithm_hint.as_deref())),
            document: document.name.clone(),
            payload_type: envelope.payload_type().to_string(),
        })
    });
    let bare = |name: &[u8], keyid: Option<&str>, scheme: Option<&str>| SignedBy {
        name: text(keyid),
        scheme: text(scheme),
        document: name.to_vec(),
        payload_type: String::new(),
    };
    let detached = bundle.detached.iter().map(|document| match &document.form {
        DetachedForm::Blob(_) => bare(&document.name, None, None),
        DetachedForm::Jws(jws) => bare(&document.name, jws.kid(), Some(jws.alg())),
    });
    let whole = reading.whole.signatures.iter().map(|signature| bare(&signature.name, None, None));
    let bundles = reading.whole.bundles.iter().map(|bundle| bare(&bundle.name, None, None));
    enveloped.chain(detached).chain(whole).chain(bundles).collect()
}

/// The name of a signer for people, where it has none that of the document.
pub fn signer_name(signer: &SignedBy) -> String {
    if signer.name.is_empty() { lossless(&signer.document) } else { signer.name.clone() }
}
