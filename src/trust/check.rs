//! Checks: what was tested, how it came out, and which class of exit code a failure has.

use crate::format::anomaly::Defect;
use std::collections::BTreeMap;

/// Class of a check; the order is the stage order that decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Malformed, ambiguous or unsafe archive, or a limit reached.
    Container,
    /// Bad, untrusted, below threshold, or not binding what it should.
    Signature,
    /// TUF metadata.
    Tuf,
    /// Log proof, checkpoint, timestamp.
    Transparency,
    /// Digest, size, missing, unlisted, duplicate, contradiction.
    Integrity,
    /// Expired or too old.
    Freshness,
    /// Rollback, wrong base, out of order.
    Sequence,
}

impl Class {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Class::Container => "container",
            Class::Signature => "signature",
            Class::Tuf => "tuf",
            Class::Transparency => "transparency",
            Class::Integrity => "integrity",
            Class::Freshness => "freshness",
            Class::Sequence => "sequence",
        }
    }

    /// The exit code of a failure of this class.
    pub fn exit_code(self) -> u8 {
        match self {
            Class::Container => 24,
            Class::Signature => 21,
            Class::Tuf => 22,
            Class::Transparency => 23,
            Class::Integrity => 20,
            Class::Freshness => 25,
            Class::Sequence => 26,
        }
    }
}

/// What a check is: a stable id with a heading in `docs/checks.md`, and its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckKind {
    /// Stable kebab-case id.
    pub id: &'static str,
    /// Class.
    pub class: Class,
}

/// Declares the constants and the table of all checks in one place.
macro_rules! checks {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $class:ident;)*) => {
        $($(#[$doc])* pub const $name: CheckKind = CheckKind { id: $id, class: Class::$class };)*
        /// Every check that a report can contain, besides those of [`Defect`].
        pub const CHECKS: &[CheckKind] = &[$($name),*];
    };
}

checks! {
    /// The container was read to its last byte without a defect.
    CONTAINER = "container", Container;
    /// No two names collide elsewhere, none is reserved.
    PORTABLE_NAMES = "portable-names", Container;
    /// The signature document is a DSSE envelope, or a known dialect of one.
    DSSE_ENVELOPE = "dsse-envelope", Signature;
    /// `payloadType` is the one of this kind.
    DSSE_PAYLOAD_TYPE = "dsse-payload-type", Signature;
    /// Enough distinct trusted keys signed.
    DSSE_SIGNATURE = "dsse-signature", Signature;
    /// The signed payload is the file that it stands for.
    DSSE_PAYLOAD = "dsse-payload", Signature;
    /// What is signed as an in-toto statement is one.
    INTOTO_STATEMENT = "intoto-statement", Signature;
    /// A signed statement is of the predicate type that the operator demands.
    INTOTO_PREDICATE = "intoto-predicate", Signature;
    /// The subjects of a signed statement are the input, its entries, or the artifact that the operator demands.
    INTOTO_SUBJECT = "intoto-subject", Signature;
    /// A trusted key signed the file in a JWS, with the algorithm that its header names.
    JWS_SIGNATURE = "jws-signature", Signature;
    /// The members around an envelope agree with what is signed.
    SIGNATURE_DOCUMENT = "signature-document", Signature;
    /// A signature file that this version does not read.
    SIGNATURE_UNREAD = "signature-unread", Signature;
    /// A detached signature over the raw bytes of a file is one by enough trusted keys.
    BLOB_SIGNATURE = "blob-signature", Signature;
    /// What another implementation says of a detached signature that was found good.
    BLOB_SECOND_OPINION = "blob-second-opinion", Signature;
    /// The input, an entry or a payload is none that a revocation list names.
    CONTENT_REVOKED = "content-revoked", Signature;
    /// What was signed says that it was signed as what it is used for.
    SIGNATURE_PURPOSE = "signature-purpose", Signature;
    /// A revocation list has the fields of its schema, and no others.
    REVOCATION_SCHEMA = "revocation-schema", Integrity;
    /// A revocation list is in canonical order, and names nothing twice.
    REVOCATION_ORDER = "revocation-order", Integrity;
    /// A revocation list is in force.
    REVOCATION_WINDOW = "revocation-window", Freshness;
    /// A revocation list is not older than one that was accepted before.
    REVOCATION_SEQUENCE = "revocation-sequence", Sequence;
    /// A Sigstore bundle can be read, by two readers in the same way, and is of a known version.
    SIGSTORE_BUNDLE = "sigstore-bundle", Signature;
    /// The certificate of a Sigstore bundle chains to the trusted root at every proven time of signing.
    SIGSTORE_CERTIFICATE = "sigstore-certificate", Signature;
    /// The signer of a Sigstore bundle is the one that the operator named.
    SIGSTORE_IDENTITY = "sigstore-identity", Signature;
    /// The signature of a Sigstore bundle is over the artifact, or over a statement that names it.
    SIGSTORE_SIGNATURE = "sigstore-signature", Signature;
    /// A document is strict JSON.
    DOCUMENT_JSON = "document-json", Integrity;
    /// A document is YAML of the plain subset.
    DOCUMENT_YAML = "document-yaml", Integrity;
    /// A document has the fields of its kind.
    DOCUMENT_SCHEMA = "document-schema", Integrity;
    /// A document that the kind requires is there.
    DOCUMENT_PRESENT = "document-present", Integrity;
    /// A checksum list can be read line by line.
    CHECKSUM_LIST = "checksum-list", Integrity;
    /// A database of Trivy is sound from its first page to its last, and is one of Trivy.
    TRIVY_DATABASE = "trivy-database", Integrity;
    /// The metadata of a database can be true, and fit it.
    TRIVY_METADATA = "trivy-metadata", Integrity;
    /// The scanner that the operator names reads databases of this schema.
    TRIVY_SCHEMA = "trivy-schema", Integrity;
    /// What StellaOps says of an export agrees with itself and with the database.
    TRIVY_EXPORT = "trivy-export", Integrity;
    /// Content has the digest that documents state.
    ENTRY_DIGEST = "entry-digest", Integrity;
    /// Content has the size that documents state.
    ENTRY_SIZE = "entry-size", Integrity;
    /// Nothing that documents name is absent.
    ENTRY_MISSING = "entry-missing", Integrity;
    /// Nothing is there that no document vouches for.
    ENTRY_UNLISTED = "entry-unlisted", Integrity;
    /// Files of the documented layout that nothing signed can vouch for.
    SET_ASIDE = "set-aside", Integrity;
    /// Documents do not contradict one another.
    DOCUMENTS_AGREE = "documents-agree", Integrity;
    /// The `root` line is the SHA-256 of manifest.json.
    MANIFEST_ROOT = "manifest-root", Integrity;
    /// Totals equal counts and sums.
    MANIFEST_TOTALS = "manifest-totals", Integrity;
    /// Paths of the manifest are safe, unique and where their category belongs.
    MANIFEST_PATHS = "manifest-paths", Integrity;
    /// `sources` says what the entries show.
    MANIFEST_SOURCES = "manifest-sources", Integrity;
    /// Content types fit the file names.
    MANIFEST_CONTENT_TYPES = "manifest-content-types", Integrity;
    /// The input file has the digest that a list beside it states.
    SIDECAR_DIGEST = "sidecar-digest", Integrity;
    /// The roots of an Evidence Locker bundle agree and can be computed.
    EVIDENCE_ROOT = "evidence-root", Integrity;
    /// The documents of an Evidence Locker bundle speak of one bundle.
    EVIDENCE_IDENTITY = "evidence-identity", Integrity;
    /// Artefacts that a sealed bundle names but does not carry.
    EVIDENCE_EXTERNAL = "evidence-external", Integrity;
    /// The `site` folder of the devportal draft.
    SITE_DIGEST = "site-digest", Integrity;
    /// The draft's policy `no-external-assets`.
    SITE_POLICY = "site-policy", Integrity;
    /// A file of records holds as many as documents state.
    RECORD_COUNT = "record-count", Integrity;
    /// The digest over all contents of an export.
    RERUN_HASH = "rerun-hash", Integrity;
    /// The selectors of an export name its tenant.
    SELECTORS_TENANT = "selectors-tenant", Integrity;
    /// The provenance has the manifest as a subject.
    PROVENANCE_SUBJECT = "provenance-subject", Integrity;
    /// The counts of an index are those of the data.
    INDEX_COUNTS = "index-counts", Integrity;
    /// Digests inside a manifest of files that lie around it.
    MANIFEST_HASHES = "manifest-hashes", Integrity;
    /// A data key could be unwrapped by an identity of the operator.
    ENCRYPTION_KEY = "encryption-key", Integrity;
    /// An encrypted entry opens at its place.
    ENCRYPTION_OPEN = "encryption-open", Integrity;
    /// A delta says of each change what the files show.
    DELTA_CHANGES = "delta-changes", Integrity;
    /// A delta is exactly the step from one bundle to another.
    DELTA_STEP = "delta-step", Integrity;
    /// Each OCI artefact has an SBOM.
    ARTIFACT_SBOM = "artifact-sbom", Integrity;
    /// A descriptor has a digest that can be compared, and its `data` is its content.
    OCI_DESCRIPTOR = "oci-descriptor", Integrity;
    /// Indexes and manifests of an OCI layout are what they are named as, within limits.
    OCI_GRAPH = "oci-graph", Integrity;
    /// Content that an OCI layout names and does not carry.
    OCI_ABSENT = "oci-absent", Integrity;
    /// Times, modes and owners are those of the documented recipe (a hint).
    DETERMINISM = "determinism", Integrity;
    /// Age against `--max-age`.
    AGE = "age", Freshness;
    /// TUF metadata.
    TUF = "tuf", Tuf;
    /// TUF: the chain of root versions from the trusted one, and its expiry.
    TUF_ROOT = "tuf-root", Tuf;
    /// TUF: timestamp metadata.
    TUF_TIMESTAMP = "tuf-timestamp", Tuf;
    /// TUF: snapshot metadata.
    TUF_SNAPSHOT = "tuf-snapshot", Tuf;
    /// TUF: top-level targets metadata.
    TUF_TARGETS = "tuf-targets", Tuf;
    /// TUF: delegated targets metadata and the search through them.
    TUF_DELEGATION = "tuf-delegation", Tuf;
    /// TUF: length and hashes of a target file.
    TUF_TARGET = "tuf-target", Tuf;
    /// TUF: what another implementation says of metadata and targets that were accepted.
    TUF_SECOND_OPINION = "tuf-second-opinion", Tuf;
    /// RFC 3161 timestamp tokens.
    TIMESTAMP = "timestamp", Transparency;
    /// Transparency log proofs.
    TRANSPARENCY = "transparency", Transparency;
    /// A receipt of a transparency log can be read.
    REKOR_RECEIPT = "rekor-receipt", Transparency;
    /// The checkpoint of a receipt is there and can be read.
    REKOR_CHECKPOINT = "rekor-checkpoint", Transparency;
    /// A trusted log signed the checkpoint.
    REKOR_SIGNATURE = "rekor-signature", Transparency;
    /// The checkpoint is of the log whose key signed it.
    REKOR_ORIGIN = "rekor-origin", Transparency;
    /// The checkpoint is the one that the operator pinned.
    REKOR_PINNED = "rekor-pinned", Transparency;
    /// The entry lies in the tree of the checkpoint, which has the size that the receipt states.
    REKOR_TREE_SIZE = "rekor-tree-size", Transparency;
    /// The root of the receipt is that of the checkpoint.
    REKOR_ROOT = "rekor-root", Transparency;
    /// The leaf is the hash of an entry that is known.
    REKOR_LEAF = "rekor-leaf", Transparency;
    /// The proof leads from the leaf to the root of the checkpoint.
    REKOR_INCLUSION = "rekor-inclusion", Transparency;
    /// The entry is about a signature of the bundle, and about the key that made it.
    REKOR_ENTRY = "rekor-entry", Transparency;
    /// The certificate of a Sigstore bundle was logged before it was issued.
    SIGSTORE_SCT = "sigstore-sct", Transparency;
    /// The log entry of a Sigstore bundle is about its signature, and is in a tree that a trusted log signed.
    SIGSTORE_INCLUSION = "sigstore-inclusion", Transparency;
    /// A trusted log promised the entry of a Sigstore bundle, with its time.
    SIGSTORE_SET = "sigstore-set", Transparency;
    /// The timestamps of a Sigstore bundle are those of a trusted authority, over its signature.
    SIGSTORE_TIMESTAMP = "sigstore-timestamp", Transparency;
    /// A delta builds on the base that was given.
    DELTA_BASE = "delta-base", Sequence;
    /// A delta follows what was applied before.
    DELTA_ORDER = "delta-order", Sequence;
    /// Order against what was accepted before.
    SEQUENCE = "sequence", Sequence;
}

/// The check that stands for a container defect.
pub fn of_defect(defect: Defect) -> CheckKind {
    CheckKind { id: defect.id(), class: Class::Container }
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It holds.
    Pass,
    /// It was proven wrong.
    Fail,
    /// It was not made; the detail says why.
    Skip,
}

impl Status {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Fail => "fail",
            Status::Skip => "skip",
        }
    }
}

/// One check that ran, or did not and says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub kind: CheckKind,
    /// How it came out.
    pub status: Status,
    /// The entry, document or input that it concerns (untrusted bytes).
    pub subject: Vec<u8>,
    /// One sentence: expected, found, what to do. May contain untrusted text; renderers clean it.
    pub detail: String,
    /// Facts for machines: digests, sizes, names.
    pub evidence: BTreeMap<&'static str, String>,
}

impl Check {
    fn new(kind: CheckKind, status: Status, subject: impl AsRef<[u8]>, detail: impl Into<String>) -> Self {
        Check { kind, status, subject: subject.as_ref().to_vec(), detail: detail.into(), evidence: BTreeMap::new() }
    }

    /// A check that holds.
    pub fn pass(kind: CheckKind, subject: impl AsRef<[u8]>, detail: impl Into<String>) -> Self {
        Self::new(kind, Status::Pass, subject, detail)
    }

    /// A check that was proven wrong.
    pub fn fail(kind: CheckKind, subject: impl AsRef<[u8]>, detail: impl Into<String>) -> Self {
        Self::new(kind, Status::Fail, subject, detail)
    }

    /// A check that was not made.
    pub fn skip(kind: CheckKind, subject: impl AsRef<[u8]>, detail: impl Into<String>) -> Self {
        Self::new(kind, Status::Skip, subject, detail)
    }

    /// `Ok` becomes a pass, `Err` a fail with its sentence.
    pub fn of(kind: CheckKind, subject: impl AsRef<[u8]>, outcome: Result<String, String>) -> Self {
        match outcome {
            Ok(detail) => Self::pass(kind, subject, detail),
            Err(detail) => Self::fail(kind, subject, detail),
        }
    }

    /// Adds a fact.
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.evidence.insert(key, value.into());
        self
    }

    /// Whether it failed.
    pub fn failed(&self) -> bool {
        self.status == Status::Fail
    }
}

/// Most failures of one check that are listed one by one; the rest is counted. Entries keep their standing all the same.
pub const MAX_LISTED: usize = 1000;

/// Adds `failures` to `checks`, or `otherwise` where there are none; beyond [`MAX_LISTED`] a last row counts the rest.
pub fn push_failures(checks: &mut Vec<Check>, mut failures: Vec<Check>, otherwise: Option<Check>) {
    let total = failures.len();
    if total > MAX_LISTED {
        failures.truncate(MAX_LISTED);
        if let Some(kind) = failures.first().map(|check| check.kind) {
            failures.push(Check::fail(kind, "", format!("and {} more; the entries show each", total - MAX_LISTED)));
        }
    }
    if failures.is_empty() {
        checks.extend(otherwise);
    }
    checks.extend(failures);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_exit_codes_follow_the_contract() {
        let ids: BTreeSet<_> = CHECKS.iter().map(|c| c.id).chain(Defect::ALL.iter().map(|d| d.id())).collect();
        assert_eq!(ids.len(), CHECKS.len() + Defect::ALL.len());
        let codes: Vec<u8> = [
            Class::Container,
            Class::Signature,
            Class::Tuf,
            Class::Transparency,
            Class::Integrity,
            Class::Freshness,
            Class::Sequence,
        ]
        .map(Class::exit_code)
        .to_vec();
        assert_eq!(codes, [24, 21, 22, 23, 20, 25, 26]);
    }

    #[test]
    fn long_lists_end_with_a_count() {
        let mut checks = Vec::new();
        push_failures(&mut checks, vec![Check::fail(ENTRY_DIGEST, "a", "x"); MAX_LISTED + 5], None);
        assert_eq!(checks.len(), MAX_LISTED + 1);
        assert!(checks.last().unwrap().detail.contains("5 more"));
    }
}
