//! The crate `sigstore-verify`, and the only place that names it: one run of it under one demand, and its answer in our words.
//!
//! Facts about version 0.15.1 that the rest of this module answers (each has a test): it tells the first error only; it says
//! that the log was checked also where an entry has no inclusion proof; it takes the first of two equal keys of its JSON; it
//! reads the clock of the machine, to refuse times that lie in its future and keys that are not yet valid, and takes no other.

use super::{Artifact, Content};
use crate::format::digest::{Digest, Hasher, hex, sha256};
use crate::format::sigstore::Shape;
use crate::format::time::Time;
use sigstore_verify as engine;
use sigstore_verify::bundle::Error as Structure;
use sigstore_verify::types::bundle::VerificationMaterialContent;
use std::io::Read;

/// What the operator trusts: certificate authorities, logs and timestamp authorities.
pub struct Root(engine::Verifier);

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Root")
    }
}

impl Root {
    /// Reads a `trusted_root.json` of the operator; its bytes are treated as hostile all the same.
    ///
    /// # Errors
    /// A sentence, for what is no strict JSON or no trusted root, or has keys, certificates or terms that cannot be used.
    pub fn parse(untrusted: &[u8]) -> Result<Root, String> {
        crate::format::json::check(untrusted).map_err(|error| error.to_string())?;
        let text = std::str::from_utf8(untrusted).map_err(|error| error.to_string())?;
        let root = engine::trust_root::TrustedRoot::from_json(text).map_err(|error| chained(&error))?;
        engine::Verifier::new(&root).map(Root).map_err(|error| chained(&error))
    }
}

/// A bundle as the engine reads it.
pub(super) struct Parsed(engine::types::Bundle);

impl Parsed {
    pub(super) fn parse(untrusted: &[u8]) -> Result<Parsed, String> {
        let text = std::str::from_utf8(untrusted).map_err(|error| error.to_string())?;
        engine::types::Bundle::from_json(text).map(Parsed).map_err(|error| chained(&error))
    }

    pub(super) fn shape(&self) -> Shape {
        let material = &self.0.verification_material;
        Shape {
            entries: material.tlog_entries.len(),
            proofs: material.tlog_entries.iter().filter(|entry| entry.inclusion_proof.is_some()).count(),
            promises: material.tlog_entries.iter().filter(|entry| entry.inclusion_promise.is_some()).count(),
            timestamps: material.timestamp_verification_data.rfc3161_timestamps.len(),
            certificates: match &material.content {
                VerificationMaterialContent::Certificate(_) => 1,
                VerificationMaterialContent::X509CertificateChain { certificates } => certificates.len(),
                _ => 0,
            },
        }
    }
}

/// What the certificate says, verified by nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) identity: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) not_before: Time,
    pub(super) not_after: Time,
    /// The SubjectPublicKeyInfo.
    pub(super) spki: Vec<u8>,
    /// `sha256:` and hex, over the SubjectPublicKeyInfo.
    pub(super) fingerprint: String,
    pub(super) scheme: &'static str,
}

/// Reads an untrusted leaf certificate (DER).
pub(super) fn claims(untrusted: &[u8]) -> Result<Claims, String> {
    let der = engine::types::DerCertificate::new(untrusted.to_vec());
    let info = engine::crypto::parse_certificate_info(&der).map_err(|error| chained(&error))?;
    Ok(Claims {
        identity: info.identity.map(|name| name.as_str().to_string()),
        issuer: info.issuer,
        not_before: info.not_before,
        not_after: info.not_after,
        fingerprint: format!("sha256:{}", hex(&sha256(info.public_key.as_bytes()))),
        spki: info.public_key.as_bytes().to_vec(),
        scheme: scheme(info.key_algorithm),
    })
}

fn scheme(algorithm: engine::crypto::KeyAlgorithm) -> &'static str {
    use engine::crypto::KeyAlgorithm as Algorithm;
    match algorithm {
        Algorithm::EcdsaP256 => "ecdsa-p256",
        Algorithm::EcdsaP384 => "ecdsa-p384",
        Algorithm::Ed25519 => "ed25519",
        Algorithm::Rsa => "rsa",
        _ => "other",
    }
}

/// What one run has to establish. What is left out is not looked at, and not established.
#[derive(Debug, Clone, Copy)]
pub(super) enum Demand<'a> {
    /// Signed by a certificate.
    Certificate {
        /// Identity and issuer that the certificate has to state.
        name: Option<(&'a str, &'a str)>,
        /// That it chains to the trusted root.
        chain: bool,
        /// That it was logged; only together with the chain.
        sct: bool,
        /// That the log has the entry.
        log: bool,
    },
    /// Signed by a key: its SubjectPublicKeyInfo.
    Key { spki: &'a [u8], log: bool },
}

/// What a run established: never more than was demanded.
#[derive(Debug, Clone, Default)]
pub(super) struct Established {
    pub(super) chain: bool,
    pub(super) sct: bool,
    pub(super) name: bool,
    pub(super) log: bool,
    /// Authenticated times of signing.
    pub(super) times: Vec<Time>,
}

/// The parts of a bundle that are judged one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Bundle,
    Certificate,
    Identity,
    Signature,
    Sct,
    Inclusion,
    Promise,
    Timestamp,
}

/// Why a part does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// It was proven wrong.
    Wrong,
    /// It is absent, or of a form that cannot be checked: nothing is proven, nothing is wrong.
    Open,
    /// The artifact is needed in another form: all its bytes, or another digest.
    Artifact,
}

/// The first thing that a run stumbled over.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) part: Part,
    pub(super) reason: Reason,
    pub(super) why: String,
    /// Reading the artifact failed: no answer can be formed.
    pub(super) read: Option<std::io::Error>,
}

/// Runs the engine once over an untrusted bundle and the artifact.
pub(super) fn run(
    root: &Root,
    bundle: &Parsed,
    artifact: &Artifact<'_>,
    demand: &Demand<'_>,
) -> Result<Established, Refusal> {
    let policy: Box<dyn engine::Policy> = match *demand {
        Demand::Certificate { name, chain, sct, log } => {
            let mut policy = match name {
                Some((identity, issuer)) => engine::VerificationPolicy::new(identity, issuer),
                None => engine::VerificationPolicy::any_identity(),
            };
            policy = if chain { policy } else { policy.skip_certificate_chain() };
            policy = if sct { policy } else { policy.skip_sct() };
            Box::new(if log { policy } else { policy.skip_tlog_unsafe() })
        }
        Demand::Key { spki, log } => {
            let policy = engine::PublicKeyVerificationPolicy::new(engine::types::DerPublicKey::new(spki.to_vec()));
            Box::new(if log { policy } else { policy.skip_tlog_unsafe() })
        }
    };
    let Root(verifier) = root;
    let policy = policy.as_ref();
    let result = match (&artifact.content, artifact.digest) {
        (Content::Digest, Digest::Sha256(digest)) => {
            verifier.verify(engine::types::Sha256Hash::new(digest), &bundle.0, policy)
        }
        (Content::Digest, Digest::Sha512(digest)) => {
            use engine::types::{ArtifactDigest, DigestBytes, HashAlgorithm};
            ArtifactDigest::new(HashAlgorithm::Sha2512, DigestBytes::new(digest.to_vec()))
                .map_err(engine::Error::from)
                .and_then(|digest| verifier.verify(digest, &bundle.0, policy))
        }
        (Content::Bytes(bytes), _) => verifier.verify(*bytes, &bundle.0, policy),
        (Content::Stream(open), digest) => verifier.verify_reader(Checked::new(open(), digest), &bundle.0, policy),
    };
    let result = result.map_err(refusal)?;
    Ok(Established {
        chain: result.certificate_verified(),
        sct: result.sct_verified(),
        name: result.identity_policy_checked(),
        log: result.tlog_verified(),
        times: result.verified_timestamps().to_vec(),
    })
}

/// A second reading of the artifact, whose digest has to be that of the first.
struct Checked<'a> {
    inner: Box<dyn Read + 'a>,
    hasher: Option<Hasher>,
    expected: Digest,
}

impl<'a> Checked<'a> {
    fn new(inner: Box<dyn Read + 'a>, expected: Digest) -> Self {
        let also_sha512 = matches!(expected, Digest::Sha512(_));
        Checked { inner, hasher: Some(Hasher::new(also_sha512)), expected }
    }

    /// Whether everything that passed by has the digest; asked once, at the end.
    fn is_the_same(&mut self) -> bool {
        let Some(found) = self.hasher.take().map(Hasher::finish) else { return true };
        match self.expected {
            Digest::Sha256(expected) => found.sha256 == expected,
            Digest::Sha512(expected) => found.sha512.is_some_and(|found| *found == expected),
        }
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        if count == 0 && !buffer.is_empty() && !self.is_the_same() {
            return Err(std::io::Error::other("it changed while it was read; nothing can be said about it"));
        }
        Ok(count)
    }
}

/// Which part an error of the engine is about. Whatever this version does not name counts as a bundle that is wrong.
fn refusal(error: engine::Error) -> Refusal {
    use engine::Error as E;
    use engine::{CertificateError, TimestampError, TransparencyLogError as Log};
    let why = chained(&error);
    let (part, reason) = match &error {
        E::IdentityMismatch { .. } | E::IssuerMismatch { .. } => (Part::Identity, Reason::Wrong),
        // The engine has one error for an artifact that is not the signed one and for a log entry of another artifact.
        E::ArtifactMismatch(detail) if detail.contains("hashedrekord entry") => (Part::Inclusion, Reason::Wrong),
        E::SignatureInvalid(_) | E::ArtifactMismatch(_) => (Part::Signature, Reason::Wrong),
        E::UnsupportedArtifact(_) | E::ArtifactRead(_) => (Part::Signature, Reason::Artifact),
        E::Certificate(CertificateError::Sct(_)) | E::InvalidTrustRoot(_) => (Part::Sct, Reason::Wrong),
        E::Certificate(_) => (Part::Certificate, Reason::Wrong),
        E::TransparencyLog(Log::InclusionPromise(_) | Log::IntegratedTime(_) | Log::UnknownLog { .. }) => {
            (Part::Promise, Reason::Wrong)
        }
        E::TransparencyLog(_) => (Part::Inclusion, Reason::Wrong),
        E::Timestamp(TimestampError::NoVerifiedTimestamp(_)) => (Part::Timestamp, Reason::Open),
        E::Timestamp(_) => (Part::Timestamp, Reason::Wrong),
        E::Bundle(Structure::MissingInclusionPromise(_)) => (Part::Promise, Reason::Wrong),
        E::Bundle(Structure::MissingSigningTimeEvidence | Structure::MissingTimestamp) => {
            (Part::Timestamp, Reason::Open)
        }
        E::Bundle(
            Structure::MissingInclusionProof(_)
            | Structure::MissingCheckpoint
            | Structure::LogIndexOutOfRange { .. }
            | Structure::CheckpointRootMismatch,
        ) => (Part::Inclusion, Reason::Wrong),
        E::UnsupportedBundle(_) => (Part::Bundle, Reason::Open),
        E::Crypto(engine::crypto::Error::UnsupportedAlgorithm(_)) => (Part::Signature, Reason::Open),
        E::Crypto(_) => (Part::Signature, Reason::Wrong),
        _ => (Part::Bundle, Reason::Wrong),
    };
    let read = match error {
        E::ArtifactRead(error) => Some(error),
        _ => None,
    };
    Refusal { part, reason, why, read }
}

/// An error with its causes, in one line.
fn chained(error: &dyn std::error::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text.push_str(&format!(": {next_text}"));
        }
        cause = next.source();
    }
    text
}
