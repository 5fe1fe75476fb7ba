//! Verifying the signature documents of a bundle: which of them prove what they say, and by whose key.

use super::inspect::Reading;
use super::sigstore::Beside;
use super::statements::{SignedStatement, subject_row};
use crate::bundle::model::{Binding, DetachedForm, DetachedSignature, SignedDocument};
use crate::format::digest::{Digest, sha256};
use crate::format::intoto;
use crate::format::inventory::{EntryIndex, EntryKind, Inventory, Location};
use crate::trust::check::{self, Check};
use crate::trust::claims::{DocumentIndex, Role};
use crate::trust::envelope::{self, Authentication, EnvelopeOutcome, Signer};
use crate::trust::policy::Policy;
use crate::trust::rekor::{self, Signed};
use crate::trust::statement::{self, About};
use crate::trust::whole::Message;
use crate::trust::{blob, jws, threshold, whole};
use std::collections::{BTreeMap, BTreeSet};

/// What the signatures of a bundle establish.
#[derive(Debug)]
pub(super) struct Proven {
    /// Documents whose own signature verified over what they stand for.
    pub(super) documents: Vec<DocumentIndex>,
    /// Keys of the operator that signed.
    pub(super) signers: Vec<Signer>,
    /// The kind of authentication.
    pub(super) by: Authentication,
    /// Whether the bytes of the input as a whole are signed.
    pub(super) whole: bool,
    /// Whether a transparency log has a signature over them.
    pub(super) logged: bool,
}

/// Collects what document after document proves.
struct Collected<'a> {
    policy: &'a Policy,
    proven: Vec<DocumentIndex>,
    signers: Vec<Signer>,
    /// Several signatures of one document: the best of them counts.
    by_target: BTreeMap<TargetOf, Authentication>,
    /// What receipts can be about.
    seen: Vec<Seen>,
    /// Whether a good statement, as it is demanded, is about what is demanded.
    demand_met: bool,
}

/// A signature document that was verified, or not.
#[derive(Debug)]
struct Seen {
    which: Which,
    target: Option<TargetOf>,
    /// Keys that signed and count.
    signers: Vec<Signer>,
}

/// The place of a signature document in its list.
#[derive(Debug, Clone, Copy)]
enum Which {
    Enveloped(usize),
    Detached(usize),
    Whole(usize),
    /// A statement, of which receipts say nothing.
    Statement,
}

/// What a signature is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TargetOf {
    Entry(EntryIndex),
    Beside(DocumentIndex),
    Whole,
}

/// Verifies every signature document. A document whose payload is its file, and whose signatures verify, is proven.
///
/// `message`: what signatures over the input as a whole are over, where there are some. `bundles`: what came out for the
/// Sigstore bundles over it.
pub(super) fn check(
    reading: &mut Reading,
    message: Option<Result<Message, &'static str>>,
    bundles: Vec<Beside>,
    policy: &Policy,
    checks: &mut Vec<Check>,
) -> Proven {
    let mut found = Collected {
        policy,
        proven: Vec::new(),
        signers: Vec::new(),
        by_target: BTreeMap::new(),
        seen: Vec::new(),
        demand_met: false,
    };
    let (signed, detached) = (std::mem::take(&mut reading.bundle.signed), std::mem::take(&mut reading.bundle.detached));
    for (at, document) in signed.iter().enumerate() {
        found.enveloped(reading, document, Which::Enveloped(at), checks);
    }
    for (at, document) in detached.iter().enumerate() {
        found.detached(reading, document, Which::Detached(at), checks);
    }
    if let Some(message) = &message {
        found.whole(reading, message.as_ref().map_err(|why| *why), checks);
    }
    let enveloped = !reading.whole.bundles.is_empty() || !reading.statements.is_empty();
    found.statements(reading, checks);
    let mut logged = found.bundles(reading, bundles, checks);
    logged |= found.receipts(reading, &signed, &detached, message.as_ref().and_then(|m| m.as_ref().ok()), checks);
    demanded(policy, found.demand_met, checks);
    let unreadable =
        |c: &Check| c.failed() && [check::DSSE_ENVELOPE, check::BLOB_SIGNATURE, check::JWS_SIGNATURE].contains(&c.kind);
    if signed.is_empty() && detached.is_empty() && message.is_none() && !enveloped && !checks.iter().any(unreadable) {
        let detail = "no signature document was found inside or beside the input";
        checks.push(Check::skip(check::DSSE_SIGNATURE, "", detail));
    }
    (reading.bundle.signed, reading.bundle.detached) = (signed, detached);
    reading.bundle.claims.sort();
    // Several signed documents: the weakest of them counts, since each vouches for entries that the others may not name.
    let whole = found.by_target.contains_key(&TargetOf::Whole);
    let by = found.by_target.into_values().min().unwrap_or(Authentication::None);
    Proven { documents: found.proven, signers: found.signers, by, whole, logged }
}

/// Where statements are demanded and none was good and about what is here, nothing is known of what is demanded: a row that
/// keeps the run from ending well.
fn demanded(policy: &Policy, met: bool, checks: &mut Vec<Check>) {
    let demand = &policy.statement;
    let kinds =
        [(demand.predicate_type.is_some(), check::INTOTO_PREDICATE), (demand.subject.is_some(), check::INTOTO_SUBJECT)];
    if met {
        return;
    }
    let failed = |kind| checks.iter().any(|c: &Check| c.kind == kind && c.failed());
    let lacking: Vec<_> = kinds.into_iter().filter(|(wanted, kind)| *wanted && !failed(*kind)).collect();
    for (_, kind) in lacking {
        let about = if demand.subject.is_some() { "" } else { " about the input file or every file in it" };
        let detail = format!("no statement{about} signed by a trusted key was found, which {} demands", demand.words());
        checks.push(Check::skip(kind, "", detail).with("named", "true"));
    }
}

impl Collected<'_> {
    /// All statements. A file among the entries is evidence only where it consists of good statements: in one that holds
    /// anything else, what they state counts, and the file is content like any other.
    fn statements(&mut self, reading: &mut Reading, checks: &mut Vec<Check>) {
        let mut files: BTreeMap<EntryIndex, (bool, Vec<DocumentIndex>)> = BTreeMap::new();
        for statement in std::mem::take(&mut reading.statements) {
            let document = self.statement(reading, &statement, checks);
            let Location::Entry(entry) = statement.location else { continue };
            let (pure, documents) = files.entry(entry).or_insert((true, Vec::new()));
            *pure &= document.is_some() && statement.pure && self.only_good_signatures(&statement);
            documents.extend(document);
        }
        let loose = files.into_values().filter(|(pure, _)| !pure).flat_map(|(_, documents)| documents);
        loose.for_each(|document| reading.bundle.claims.loosen(document));
    }

    fn only_good_signatures(&self, found: &SignedStatement) -> bool {
        let good = |envelope| envelope::every_signature_counts(envelope, &found.name, self.policy);
        found.envelope.as_ref().is_ok_and(good)
    }

    /// A statement that a trusted key signed vouches for the input, or for the entries that its subjects name by digest.
    /// Returns the document that does.
    ///
    /// Beside the input it has to be about it. Among the entries, one that nobody trusted signed is content like any other.
    fn statement(
        &mut self,
        reading: &mut Reading,
        found: &SignedStatement,
        checks: &mut Vec<Check>,
    ) -> Option<DocumentIndex> {
        let beside = found.location == Location::Sidecar;
        let policy = Policy { payload_type: None, ..self.policy.clone() };
        let outcome = match &found.envelope {
            Ok(envelope) => Some(envelope::verify(envelope, &found.name, &[intoto::PAYLOAD_TYPE], &policy)),
            Err(_) => None,
        };
        let proven = outcome.as_ref().is_some_and(|outcome| outcome.proof.is_some());
        let content = |why: &str| {
            let detail = format!("{why}: it is content like any other");
            Check::skip(check::INTOTO_STATEMENT, &found.name, detail)
        };
        if !beside && !proven {
            checks.push(content("it is no statement that a trusted key signed"));
            return None;
        }
        let mut rows = vec![found.row.clone()];
        let mut outcome = outcome.unwrap_or(EnvelopeOutcome { checks: Vec::new(), signers: Vec::new(), proof: None });
        rows.append(&mut outcome.checks);
        let Some(statement) = &found.statement else {
            checks.extend(rows.into_iter().map(|row| found.place(row, proven)));
            return None;
        };
        let mut wanted = policy.statement.rows(&found.name, statement);
        wanted.extend(statement::against(statement, &found.name));
        let fits = !wanted.iter().any(Check::failed);
        if !beside && !fits {
            checks.push(content("it is not the statement that is demanded, or says that its subject did not pass"));
            return None;
        }
        rows.append(&mut wanted);
        let about = statement::about(statement, &reading.inventory, &policy.statement);
        let subject = subject_row(found, statement, &about, &reading.inventory);
        let bound = fits && subject.as_ref().is_some_and(|row| row.status == check::Status::Pass);
        rows.extend(subject);
        checks.extend(rows.into_iter().map(|row| found.place(row, proven)));
        if !(bound && proven) {
            return None;
        }
        self.demand_met |= match &about {
            About::Input(_) => true,
            About::Entries(pairs) => policy.statement.subject.is_some() || names_all(pairs, found, &reading.inventory),
            About::Nothing | About::Contradiction(_) => false,
        };
        let document = reading.bundle.claims.document(&found.name, found.location, Role::Envelope);
        match about {
            About::Input(_) => {
                reading.bundle.claims.cover(&reading.inventory, document);
                self.collect(document, TargetOf::Whole, Which::Statement, outcome);
            }
            About::Entries(pairs) => {
                for (index, entry) in pairs {
                    let name = reading.inventory.entry(entry).normal_path().to_vec();
                    let digest = statement.subjects.get(index).and_then(|subject| subject.digests().next());
                    reading.bundle.claims.state(&reading.inventory, document, &name, digest, None);
                }
                self.collect(document, TargetOf::Beside(document), Which::Statement, outcome);
            }
            About::Nothing | About::Contradiction(_) => {}
        }
        Some(document)
    }

    fn enveloped(&mut self, reading: &mut Reading, document: &SignedDocument, which: Which, checks: &mut Vec<Check>) {
        let envelope = &document.parsed.envelope;
        let mut outcome = envelope::verify(envelope, &document.name, document.payload_types, self.policy);
        checks.append(&mut outcome.checks);
        let bound = document.binding != Binding::Broken;
        let Some(entry) = document.stands_for else {
            // What the payload is lies beside the input: it is proven itself, since no entry stands for it.
            if let Some(beside) = document.beside.as_ref().filter(|_| bound) {
                self.collect(beside.document, TargetOf::Beside(beside.document), which, outcome);
            }
            return;
        };
        let file = reading.inventory.entry(entry);
        let stated = if bound { file.sha256 } else { sha256(envelope.payload()) };
        let name = file.normal_path().to_vec();
        reading.bundle.claims.state(&reading.inventory, document.document, &name, Some(Digest::Sha256(stated)), None);
        if bound {
            self.collect(document.document, TargetOf::Entry(entry), which, outcome);
        }
    }

    /// A detached signature is about the bytes that were read.
    fn detached(&mut self, reading: &mut Reading, document: &DetachedSignature, which: Which, checks: &mut Vec<Check>) {
        let Some(message) = kept(&reading.inventory, document.signs) else { return };
        let mut outcome = match &document.form {
            DetachedForm::Blob(signature) => blob::verify(signature, &document.name, message, self.policy),
            DetachedForm::Jws(jws) => jws::verify(jws, &document.name, message, self.policy),
        };
        checks.append(&mut outcome.checks);
        // Without a good signature it states nothing: the digest would be that of whatever lies here.
        let digest = outcome.proof.is_some().then(|| Digest::Sha256(sha256(message)));
        let name = reading.inventory.entry(document.signs).normal_path().to_vec();
        reading.bundle.claims.state(&reading.inventory, document.document, &name, digest, None);
        self.collect(document.document, TargetOf::Entry(document.signs), which, outcome);
    }

    /// Signatures over the input as a whole: where they are good, each of them vouches for all entries.
    fn whole(&mut self, reading: &mut Reading, message: Result<&Message, &str>, checks: &mut Vec<Check>) {
        let mut outcome = whole::verify(&reading.whole.signatures, message, self.policy);
        checks.append(&mut outcome.checks);
        for (at, signature) in reading.whole.signatures.iter().enumerate() {
            let signers = outcome.signers.iter().filter(|signer| signer.document == signature.name).cloned().collect();
            let target = outcome.proof.as_ref().map(|_| TargetOf::Whole);
            self.seen.push(Seen { which: Which::Whole(at), target, signers });
        }
        let Some(proof) = outcome.proof else { return };
        for signature in &reading.whole.signatures {
            let document = reading.bundle.claims.document(&signature.name, Location::Sidecar, Role::Envelope);
            reading.bundle.claims.cover(&reading.inventory, document);
            self.proven.push(document);
        }
        self.by_target.insert(TargetOf::Whole, proof.get().by);
        self.signers.extend(outcome.signers);
    }

    /// Sigstore bundles over the input as a whole: where enough of them are good, each vouches for all entries. Returns
    /// whether a log has one of them.
    fn bundles(&mut self, reading: &mut Reading, bundles: Vec<Beside>, checks: &mut Vec<Check>) -> bool {
        let mut good = Vec::new();
        for Beside { name, checks: rows, outcome } in bundles {
            checks.extend(rows);
            if let Some((signer, logged)) = outcome {
                good.push((name, signer, logged));
            }
        }
        // A certificate is made for one signature, so its name counts; and so does its key, which may be given by itself.
        let distinct = |signers: &[&(Vec<u8>, Signer, bool)]| {
            threshold::distinct_by_any(signers.iter().map(|(_, signer, _)| {
                let identity = signer.certificate.iter().map(|certificate| certificate.identity.as_str());
                identity.chain([signer.fingerprint.as_str()]).collect()
            }))
        };
        let count = distinct(&good.iter().collect::<Vec<_>>());
        let wanted = self.policy.threshold.get();
        if good.is_empty() || count < wanted {
            let few = |name: &[u8]| {
                let detail = format!(
                    "expected {wanted} distinct trusted signers, found {count} with all Sigstore bundles of the input; \
                     --sidecar names further ones"
                );
                Check::fail(check::SIGSTORE_IDENTITY, name, detail)
            };
            checks.extend(good.iter().map(|(name, ..)| few(name)));
            return false;
        }
        self.demand_met = true;
        let by = good.iter().map(|(_, signer, _)| signer.by).min().unwrap_or(Authentication::None);
        let logged = distinct(&good.iter().filter(|(.., logged)| *logged).collect::<Vec<_>>()) >= wanted;
        for (name, signer, _) in good {
            let document = reading.bundle.claims.document(&name, Location::Sidecar, Role::Envelope);
            reading.bundle.claims.cover(&reading.inventory, document);
            self.proven.push(document);
            self.signers.push(signer);
        }
        let known = self.by_target.entry(TargetOf::Whole).or_insert(Authentication::None);
        *known = by.max(*known);
        logged
    }

    /// Receipts: whether everything that is signed here is in a log, by the word of a trusted one.
    fn receipts(
        &mut self,
        reading: &mut Reading,
        signed: &[SignedDocument],
        detached: &[DetachedSignature],
        message: Option<&Message>,
        checks: &mut Vec<Check>,
    ) -> bool {
        if reading.receipts.is_empty() {
            return false;
        }
        let (mut subjects, mut targets) = (Vec::new(), Vec::new());
        for seen in &self.seen {
            let subject = match seen.which {
                Which::Enveloped(at) => signed.get(at).and_then(envelope_of),
                Which::Statement => None,
                Which::Detached(at) => detached.get(at).and_then(|document| blob_of(reading, document)),
                Which::Whole(at) => reading.whole.signatures.get(at).zip(message).map(|(signature, message)| {
                    (&signature.name[..], Signed::File { sha256: message.sha256(), signature: &signature.bytes })
                }),
            };
            let Some((name, signed)) = subject else { continue };
            subjects.push(rekor::Subject::new(name, signed, &seen.signers, self.policy));
            targets.push(seen.target);
        }
        let (mut logged, mut good) = (BTreeMap::<TargetOf, BTreeSet<String>>::new(), Vec::new());
        for receipt in &reading.receipts {
            let outcome = rekor::verify(receipt, &subjects, self.policy);
            checks.extend(outcome.checks);
            let Some(proof) = outcome.proof else { continue };
            let found = proof.get();
            let Some(target) = targets.get(found.subject).copied().flatten() else { continue };
            // Of the bundle's own files only those that hold nothing besides what is proven are evidence.
            let files = found.files.iter().filter_map(|name| reading.inventory.document(name));
            good.extend(files.map(|document| (document.name.clone(), document.location)));
            logged.entry(target).or_default().extend(found.keys.iter().cloned());
        }
        let claims = &mut reading.bundle.claims;
        for (name, location) in good {
            if !claims.documents().iter().any(|known| known.location == location) {
                claims.document(&name, location, Role::Envelope);
            }
        }
        // A signature over the whole input vouches for everything in it; else all that vouches has to be logged.
        let enough = |target: &TargetOf| {
            logged
                .get(target)
                .is_some_and(|keys| self.policy.threshold.get() == 1 || keys.len() >= self.policy.threshold.get())
        };
        let all = !logged.is_empty() && self.by_target.keys().all(enough);
        if !logged.is_empty() && !logged.keys().any(enough) {
            let most = logged.values().map(BTreeSet::len).max().unwrap_or_default();
            let detail = format!(
                "expected signatures by {} distinct trusted keys in the log, found {most}: the log does not have all that \
                 --threshold demands",
                self.policy.threshold
            );
            checks.push(Check::skip(check::REKOR_ENTRY, "", detail));
        }
        all || enough(&TargetOf::Whole)
    }

    fn collect(&mut self, document: DocumentIndex, target: TargetOf, which: Which, outcome: EnvelopeOutcome) {
        let proven = outcome.proof.is_some().then_some(target);
        self.seen.push(Seen { which, target: proven, signers: outcome.signers.clone() });
        let Some(proof) = outcome.proof else { return };
        let known = self.by_target.entry(target).or_insert(Authentication::None);
        *known = proof.get().by.max(*known);
        self.proven.push(document);
        self.signers.extend(outcome.signers);
    }
}

/// An envelope as what a receipt may be about.
fn envelope_of(document: &SignedDocument) -> Option<(&[u8], Signed<'_>)> {
    let envelope = &document.parsed.envelope;
    let signed = Signed::Envelope { envelope, text: document.text?, payload: sha256(envelope.payload()) };
    Some((&document.name, signed))
}

/// The same for a detached signature over an entry.
fn blob_of<'a>(reading: &Reading, document: &'a DetachedSignature) -> Option<(&'a [u8], Signed<'a>)> {
    let DetachedForm::Blob(signature) = &document.form else { return None };
    let sha256 = *reading.inventory.entry(document.signs).digest()?;
    Some((&document.name, Signed::File { sha256, signature }))
}

/// Whether a statement is about every regular file but the one that it lies in itself.
fn names_all(pairs: &[(usize, EntryIndex)], found: &SignedStatement, inventory: &Inventory) -> bool {
    let named: BTreeSet<EntryIndex> = pairs.iter().map(|(_, entry)| *entry).collect();
    let files = (0..).zip(&inventory.entries).filter(|(_, entry)| entry.kind == EntryKind::File);
    files.into_iter().all(|(index, _)| named.contains(&index) || found.location == Location::Entry(index))
}

/// The text of an entry that was kept in full.
fn kept(inventory: &Inventory, entry: EntryIndex) -> Option<&[u8]> {
    let document = inventory.documents.iter().find(|document| document.location == Location::Entry(entry));
    document.map(|document| document.bytes.as_slice())
}
