//! Sigstore bundles: a signature over an artifact, with the certificate and the log entries that say by whom and when.
//!
//! Bytes in, checks out. Two readers look at a bundle: our own strict one (`format::sigstore`), whose facts a report shows,
//! and the engine (`sigstore-verify`, behind `engine`), which decides. The engine stops at the first error; where there is
//! one, it is run again with parts of the demand left out, so that every part is told for itself and nothing counts as
//! established that a run did not establish.
//!
//! | attack | answer |
//! | --- | --- |
//! | parts of two bundles put together (CVE-2022-36056, CVE-2026-22703) | the log entry has to be about this signature, key and artifact |
//! | a signed statement about another artifact (CVE-2026-39395) | one of its subjects has to have the artifact's digest |
//! | an envelope of another payload type | refused: it names no artifact |
//! | a time that nobody authenticated | only signed entry timestamps and RFC 3161 tokens count as times |
//! | trust brought along by the bundle | the trusted root, and keys, come from the operator only |
//! | endless lists (CVE-2024-45395) | bounded before anything is verified |

pub mod companion;
mod cosign;
mod diagnosis;
mod engine;
mod keys;
mod rows;

pub use engine::Root;

use super::check::Check;
use super::envelope::{Authentication, CertificateName, Signer};
use super::key::{KeyKind, PublicKey};
use super::policy::Policy;
use super::scheme::Scheme;
use super::statement;
use super::tally::{Found, Place, Tally};
use super::verified::Verified;
use crate::format::cosign::MEDIA_TYPE as OLDER_MEDIA_TYPE;
use crate::format::digest::Digest;
use crate::format::sigstore::{self as format, Content as Signed, Material, SigstoreBundle};
use cosign::Older;
use engine::{Demand, Established, Parsed, Part, Reason};
use rows::Rows;
use std::io::Read;

/// Largest `trusted_root.json`, in bytes: that of the public instance has 7 KiB.
pub const MAX_TRUSTED_ROOT: u64 = 4 << 20;

/// Largest artifact that is held in memory for schemes that sign all of its bytes (Ed25519), in bytes.
pub const MAX_HELD: u64 = 64 << 20;

/// Who has to have signed, as a certificate says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Subject alternative name, compared as a whole.
    pub identity: String,
    /// Issuer of the identity (OIDC), compared as a whole.
    pub issuer: String,
}

/// What the operator trusts in Sigstore bundles, besides keys.
#[derive(Debug)]
pub struct Trust {
    /// Authorities and logs.
    pub root: Root,
    /// Whose certificate is accepted; `None`: only keys.
    pub name: Option<Name>,
}

/// Whose signature is accepted.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// By certificate.
    pub name: Option<&'a Name>,
    /// By one of its keys, where that one counts; its clock: no proven time may lie after it.
    pub policy: &'a Policy,
    /// Whether a bundle signed in the other way is a bad one, or is left alone.
    pub exclusive: bool,
}

/// The artifact: a digest, and what else of it is at hand.
pub struct Artifact<'a> {
    /// Digest of all its bytes. SHA-512 serves only for statements that name it.
    pub digest: Digest,
    /// More of it, for schemes and statements that need more. Has to have that digest.
    pub content: Content<'a>,
}

/// What is at hand of an artifact besides its digest.
pub enum Content<'a> {
    /// Nothing.
    Digest,
    /// All bytes.
    Bytes(&'a [u8]),
    /// All bytes, read as they pass by, once for each run of the engine.
    Stream(&'a dyn Fn() -> Box<dyn Read + 'a>),
}

/// What came out for one bundle.
#[derive(Debug)]
pub struct Outcome {
    /// One row a part.
    pub checks: Vec<Check>,
    /// Who signed, where everything holds.
    pub signer: Option<Signer>,
    /// Proof that everything holds, for the artifact with this digest.
    pub proof: Option<Verified<Digest>>,
    /// Whether an inclusion proof for it was verified; only with a proof.
    pub included: bool,
    /// Whether more of the artifact than was at hand could change the answer.
    pub lacking: bool,
}

/// Verifies the `untrusted` bundle called `name` over `artifact`.
///
/// # Errors
/// Only where reading [`Content::Stream`] failed: then nothing is known.
pub fn verify(
    untrusted: &[u8],
    name: &[u8],
    artifact: &Artifact<'_>,
    expected: &Expected<'_>,
    root: &Root,
) -> std::io::Result<Outcome> {
    let older = match Older::read(untrusted).transpose() {
        Ok(older) => older,
        Err(why) => {
            let why = format!("expected a file of the older cosign format, found: {why}");
            return Ok(Rows::new(name).unreadable(&why));
        }
    };
    let Some(older) = older else { return judge(untrusted, None, name, artifact, expected, root) };
    if let Some(why) = older.unread_entry() {
        let mut rows = Rows::new(name);
        older.bind(artifact.digest, &mut rows);
        return Ok(rows.unread(why));
    }
    // The format does not say which hash was signed: that of the key, or SHA-256 whatever the key, as cosign long did.
    let outcome = judge(&older.as_bundle(None), Some(&older), name, artifact, expected, root)?;
    let Some(digest) = older.stated(artifact.digest).filter(|_| outcome.proof.is_none()) else { return Ok(outcome) };
    let other = judge(&older.as_bundle(Some(digest)), Some(&older), name, artifact, expected, root)?;
    Ok(if other.proof.is_some() { other } else { outcome })
}

/// Judges a Sigstore bundle; `older`: the file that it was made of.
fn judge(
    untrusted: &[u8],
    older: Option<&Older>,
    name: &[u8],
    artifact: &Artifact<'_>,
    expected: &Expected<'_>,
    root: &Root,
) -> std::io::Result<Outcome> {
    let mut rows = Rows::new(name);
    if let Some(older) = older {
        older.bind(artifact.digest, &mut rows);
    }
    let mut facts = match format::read(untrusted) {
        Ok(facts) => facts,
        Err(why) => return Ok(rows.unreadable(&format!("expected a Sigstore bundle, found: {why}"))),
    };
    let parsed = match Parsed::parse(untrusted) {
        Ok(parsed) => parsed,
        Err(why) => return Ok(rows.unreadable(&format!("expected a Sigstore bundle, found: {why}"))),
    };
    if parsed.shape() != facts.shape() {
        let (ours, theirs) = (facts.shape(), parsed.shape());
        return Ok(rows.unreadable(&format!("two readers see different things in it: {ours:?}, {theirs:?}")));
    }
    if older.is_some() {
        facts.media_type = OLDER_MEDIA_TYPE.into();
    }
    rows.bundle(&facts);
    let job = Job { root, facts: &facts, older, parsed: &parsed, artifact, expected };
    if let Signed::Envelope(statement) = &facts.content
        && statement.payload_type != format::IN_TOTO
    {
        let detail = format!(
            "expected an envelope of the payload type {}, which names artifacts; found {}: the signature is not about the \
             artifact",
            format::IN_TOTO,
            statement.payload_type
        );
        rows.set(Part::Signature, Reason::Wrong, detail);
        return Ok(rows.finish(&facts));
    }
    let outcome = match &facts.material {
        Material::Certificate { leaf, .. } => job.by_certificate(leaf, rows),
        Material::PublicKey { hint } => job.by_key(hint, rows),
    }?;
    Ok(outcome.held_to(statement_rows(&facts, name, artifact.digest, &expected.policy.statement)))
}

/// Rows about the statement that is signed, and about what is demanded of one.
fn statement_rows(facts: &SigstoreBundle, name: &[u8], artifact: Digest, demand: &statement::Demand) -> Vec<Check> {
    match &facts.content {
        Signed::Message => demand.no_statement(name, "a signature over the artifact itself").into_iter().collect(),
        Signed::Envelope(found) => match &found.strict {
            Some(read) => statement::bound(read.as_ref().map_err(String::as_str), name, artifact, demand),
            None => Vec::new(),
        },
    }
}

impl Outcome {
    /// Adds rows, of which none may fail.
    fn held_to(mut self, rows: Vec<Check>) -> Outcome {
        if rows.iter().any(Check::failed) {
            (self.proof, self.signer, self.included) = (None, None, false);
        }
        self.checks.extend(rows);
        self
    }
}

/// Everything that one verification is about.
struct Job<'a, 'b> {
    root: &'a Root,
    facts: &'a SigstoreBundle,
    /// Where the file was of cosign's older format.
    older: Option<&'a Older>,
    parsed: &'a Parsed,
    artifact: &'a Artifact<'b>,
    expected: &'a Expected<'a>,
}

impl Job<'_, '_> {
    fn by_certificate(&self, leaf: &[u8], mut rows: Rows) -> std::io::Result<Outcome> {
        let claims = match engine::claims(leaf) {
            Ok(claims) => claims,
            Err(why) => {
                rows.set(Part::Certificate, Reason::Wrong, format!("the certificate cannot be read: {why}"));
                return Ok(rows.finish(self.facts));
            }
        };
        let Some(name) = self.expected.name else {
            let detail = "it is signed with a certificate; --certificate-identity and --certificate-oidc-issuer say whose \
                          certificate is accepted";
            rows.set(Part::Identity, self.other_way(), detail.into());
            rows.claimed(&claims);
            return Ok(rows.finish(self.facts));
        };
        let name = (name.identity.as_str(), name.issuer.as_str());
        let all = Demand::Certificate { name: Some(name), chain: true, sct: true, log: true };
        match self.run(&all)? {
            // Fail closed: a success that leaves a part out is none.
            Ok(found) if found.chain && found.sct && found.name && found.log => {
                let revocations = self.expected.policy.keys.revocations();
                if let Some(why) = revocations.into_iter().find_map(|list| list.identity(name.0)) {
                    rows.set(Part::Identity, Reason::Wrong, format!("{}: {why}", name.0));
                    rows.claimed(&claims);
                    return Ok(rows.finish(self.facts));
                }
                // An operator may know the key of a certificate: then it counts by the same terms.
                let (by, scheme) = (Authentication::Certificate, scheme_named(claims.scheme));
                let Some(signer) = self.counted(&claims.fingerprint, scheme, by, "", &mut rows) else {
                    return Ok(rows.finish(self.facts));
                };
                rows.holds(&found, self);
                rows.named(&claims, name);
                let certificate = Some(CertificateName { identity: name.0.into(), issuer: name.1.into() });
                return Ok(self.conclude(rows, Signer { scheme: claims.scheme, certificate, ..signer }));
            }
            Ok(_) => {
                let detail = "the engine did not say that it checked everything".into();
                rows.set(Part::Certificate, Reason::Open, detail);
            }
            Err(first) => diagnosis::certificate(self, first, name, &claims, &mut rows)?,
        }
        Ok(rows.finish(self.facts))
    }

    fn by_key(&self, hint: &str, mut rows: Rows) -> std::io::Result<Outcome> {
        rows.without_certificate();
        if self.expected.policy.keys.public().is_empty() {
            let detail = "it is signed with a key that is not in the bundle; --key names the key that is accepted";
            rows.set(Part::Signature, self.other_way(), detail.into());
            return Ok(rows.finish(self.facts));
        }
        let mut refused: Option<(engine::Refusal, &PublicKey)> = None;
        for key in self.candidates()? {
            match self.run(&Demand::Key { spki: key.spki_der(), log: true })? {
                Ok(found) => {
                    let (by, scheme) = (Authentication::PublicKey, scheme_named(key_scheme(key)));
                    let Some(signer) = self.counted(key.fingerprint(), scheme, by, hint, &mut rows) else {
                        return Ok(rows.finish(self.facts));
                    };
                    let signer = Signer { scheme: key_scheme(key), ..signer };
                    if self.older.is_some_and(|older| older.contradicts(key.spki_der())) {
                        let detail = "the file names another key than the trusted one that made its signature";
                        rows.set(Part::Signature, Reason::Wrong, detail.into());
                    }
                    rows.holds(&found, self);
                    return Ok(self.conclude(rows, signer));
                }
                Err(refusal) => {
                    // One that more of the artifact could turn says more than one that is wrong in any case.
                    let rank =
                        |reason| [Reason::Wrong, Reason::Open, Reason::Artifact].iter().position(|r| *r == reason);
                    if refused.as_ref().is_none_or(|(known, _)| rank(refusal.reason) > rank(known.reason)) {
                        refused = Some((refusal, key));
                    }
                }
            }
        }
        if let Some((refusal, key)) = refused {
            diagnosis::key(self, refusal, key, &mut rows)?;
        }
        Ok(rows.finish(self.facts))
    }

    /// The signer, where the key that made the signature counts for this document.
    fn counted(
        &self,
        fingerprint: &str,
        scheme: Scheme,
        by: Authentication,
        hint: &str,
        rows: &mut Rows,
    ) -> Option<Signer> {
        let (mut tally, document) = (Tally::default(), rows.name().to_vec());
        let keyid = Some(hint).filter(|hint| !hint.is_empty());
        let place = Place { document: &document, keyid, input: self.input() };
        tally.note(&Found { fingerprint, scheme, alias: None, by }, &place, self.expected.policy);
        if tally.only_refused() {
            let detail = format!("no key that counts signed it{}", tally.only_by());
            rows.set(Part::Signature, Reason::Wrong, detail);
        }
        tally.signers.pop()
    }

    /// One run of the engine. The outer error: the artifact could not be read.
    fn run(&self, demand: &Demand<'_>) -> std::io::Result<Result<Established, engine::Refusal>> {
        let run = engine::run(self.root, self.parsed, self.artifact, demand);
        let Err(mut refusal) = run else { return Ok(run) };
        if let Some(error) = refusal.read.take() {
            return Err(error);
        }
        // What is not there is not wrong: without a log entry nothing is proven by a log.
        if self.facts.entries.is_empty() && matches!(refusal.part, engine::Part::Inclusion | engine::Part::Promise) {
            refusal.reason = Reason::Open;
        }
        if (refusal.part, refusal.reason) == (Part::Signature, Reason::Wrong) && self.is_pss(demand) {
            refusal.reason = Reason::Open;
            refusal.why =
                "it is a signature in RSA-PSS, which is not read in Sigstore bundles: nothing is proven by it".into();
        }
        // A subject may be named by a digest that is not at hand.
        let partly = match (&self.facts.content, self.artifact.digest) {
            (Signed::Message, _) => false,
            (Signed::Envelope(statement), Digest::Sha256(_)) => statement.without_sha256 > 0,
            (Signed::Envelope(statement), Digest::Sha512(_)) => statement.without_sha512 > 0,
        };
        let digest_only = matches!(self.artifact.content, Content::Digest);
        if digest_only && partly && (refusal.part, refusal.reason) == (Part::Signature, Reason::Wrong) {
            refusal.reason = Reason::Artifact;
        }
        Ok(Err(refusal))
    }

    /// A bundle signed in the way that the operator did not name.
    fn other_way(&self) -> Reason {
        if self.expected.exclusive { Reason::Wrong } else { Reason::Open }
    }

    fn input(&self) -> &'static str {
        match self.facts.content {
            Signed::Message => "raw-bytes",
            Signed::Envelope(_) => "pae",
        }
    }

    /// The door: every row passed or has nothing to be about.
    fn conclude(&self, rows: Rows, signer: Signer) -> Outcome {
        let (held, included) = (rows.all_held(), rows.included());
        let mut outcome = rows.finish(self.facts);
        if held {
            outcome.proof = Some(Verified::established(self.artifact.digest));
            outcome.signer = Some(signer);
            outcome.included = included;
        }
        outcome
    }
}

/// The scheme of a type of key: the engine takes one for each, P-384 with SHA-384 and RSA with PKCS#1 v1.5.
fn scheme_named(of_key: &str) -> Scheme {
    match of_key {
        "ed25519" => Scheme::Ed25519,
        "ecdsa-p384" => Scheme::EcdsaP384Sha384,
        "rsa" | "rsa-pkcs1v15" => Scheme::RsaPkcs1v15Sha256,
        // Of other types no operator can have a key, so no terms exist that could depend on it.
        _ => Scheme::EcdsaP256Sha256,
    }
}

/// The scheme by which the engine takes keys of this type, as far as the key alone says it.
fn key_scheme(key: &PublicKey) -> &'static str {
    match key.kind() {
        KeyKind::Ed25519 => "ed25519",
        KeyKind::EcdsaP256 => "ecdsa-p256",
        KeyKind::EcdsaP384 => "ecdsa-p384",
        KeyKind::Rsa { .. } => "rsa-pkcs1v15",
    }
}
