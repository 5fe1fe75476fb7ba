//! What an entry of a log is about: one of the signatures of the bundle, and the key that made it, or something else.

use crate::format::digest::{Sha256Bytes, hex};
use crate::format::dsse::Envelope;
use crate::format::merkle::leaf_hash;
use crate::format::rekor::{Body, Hashed, Pair};
use crate::trust::envelope::{Signer, keys_behind, signing_inputs};
use crate::trust::key::{self, PublicKey};
use crate::trust::pem;
use crate::trust::policy::Policy;

/// A signature of the bundle that a receipt may be about.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The document that carries it.
    pub name: &'a [u8],
    /// What it is.
    pub signed: Signed<'a>,
    /// Keys of the operator that signed, and count.
    pub signers: &'a [Signer],
    /// Fingerprints of those keys by the signature that each made. Found once: an envelope may be large, and receipts many.
    made: Vec<(&'a [u8], Vec<String>)>,
}

/// The forms of signatures.
#[derive(Debug, Clone, Copy)]
pub enum Signed<'a> {
    /// A DSSE envelope, and the digest of its text as it lies there.
    Envelope {
        /// The envelope.
        envelope: &'a Envelope,
        /// SHA-256 of the document.
        text: Sha256Bytes,
        /// SHA-256 of the payload.
        payload: Sha256Bytes,
    },
    /// One detached signature over a file.
    File {
        /// SHA-256 of the file.
        sha256: Sha256Bytes,
        /// The bytes of the signature.
        signature: &'a [u8],
    },
}

impl<'a> Subject<'a> {
    /// A signature document with the keys that were found to have signed it.
    pub fn new(name: &'a [u8], signed: Signed<'a>, signers: &'a [Signer], policy: &Policy) -> Self {
        let counts = |fingerprint: &str| signers.iter().any(|signer| signer.fingerprint == fingerprint);
        let made = match signed {
            Signed::Envelope { envelope, .. } if !signers.is_empty() => {
                let inputs = signing_inputs(envelope, policy);
                let makers = |signature: &'a [u8]| {
                    let found = inputs.iter().flat_map(|(_, message)| keys_behind(message, signature, policy));
                    let found = found.map(|found| found.fingerprint).filter(|fingerprint| counts(fingerprint));
                    (signature, found.map(str::to_string).collect())
                };
                envelope.signatures().iter().filter_map(|known| known.bytes.as_deref().ok()).map(makers).collect()
            }
            Signed::Envelope { .. } => Vec::new(),
            // One document, one signature: whoever signed it made this one.
            Signed::File { signature, .. } => {
                vec![(signature, signers.iter().map(|signer| signer.fingerprint.clone()).collect())]
            }
        };
        Subject { name, signed, signers, made }
    }

    /// What an entry has to have hashed.
    fn digest(&self) -> (Hashed, Sha256Bytes) {
        match self.signed {
            Signed::Envelope { payload, .. } => (Hashed::Payload, payload),
            Signed::File { sha256, .. } => (Hashed::File, sha256),
        }
    }

    /// Fingerprints of the keys that made any signature of the document, and that count.
    pub(super) fn all_makers(&self) -> Vec<String> {
        self.made.iter().flat_map(|(_, makers)| makers).cloned().collect()
    }

    /// Fingerprints of the keys that made this untrusted signature, which has to be one of the document, and that count.
    fn makers(&self, untrusted: &[u8]) -> &[String] {
        let known = self.made.iter().find(|(signature, _)| *signature == untrusted);
        known.map_or(&[], |(_, makers)| makers)
    }
}

/// How an entry compares with the subjects.
pub(super) enum Bound {
    /// It is about the subject at this position, signed by these keys, which count.
    To(usize, Vec<String>, String),
    /// It is about something else.
    Broken(String),
    /// It cannot be said.
    Open(String),
}

/// Compares an untrusted entry with the signatures of the bundle.
pub(super) fn bind(body: &Body, subjects: &[Subject<'_>]) -> Bound {
    if subjects.is_empty() {
        return Bound::Open("the bundle has no signature that the entry could be about".into());
    }
    let mut about = subjects.iter().enumerate().filter(|(_, subject)| subject.digest() == (body.hashed, body.sha256));
    let Some((first, subject)) = about.next() else {
        let signed: Vec<String> = subjects.iter().take(4).map(|s| format!("sha256:{}", hex(&s.digest().1))).collect();
        return Bound::Broken(format!(
            "the entry is about sha256:{}, and what is signed here is {}: the receipt belongs to another bundle",
            hex(&body.sha256),
            signed.join(", ")
        ));
    };
    let mut broken = None;
    for (position, subject) in std::iter::once((first, subject)).chain(about) {
        match bind_keys(body, subject) {
            Ok((keys, detail)) => return Bound::To(position, keys, detail),
            Err(Bound::Broken(why)) => broken = broken.or(Some(Bound::Broken(why))),
            Err(other) => return other,
        }
    }
    broken.unwrap_or_else(|| Bound::Open("nothing could be compared".into()))
}

fn bind_keys(body: &Body, subject: &Subject<'_>) -> Result<(Vec<String>, String), Bound> {
    if subject.signers.is_empty() {
        let name = String::from_utf8_lossy(subject.name);
        let why = format!("the entry is about what {name} signs; by whom that is signed was not established");
        return Err(Bound::Open(why));
    }
    let (mut certificates, mut other_key, mut keys) = (0, false, Vec::new());
    for Pair { signature, verifier } in &body.pairs {
        let makers = subject.makers(signature);
        if makers.is_empty() {
            continue;
        }
        match key::parse(verifier).ok().as_deref() {
            Some([key]) if makers.iter().any(|maker| maker == key.fingerprint()) => {
                keys.push(key.fingerprint().to_string());
            }
            Some(_) => other_key = true,
            None if pem::labels(verifier).any(|label| label == "CERTIFICATE") => certificates += 1,
            None => other_key = true,
        }
    }
    if !keys.is_empty() {
        keys.sort();
        keys.dedup();
        let again = matches!(subject.signed, Signed::Envelope { text, .. } if body.envelope.is_some_and(|e| e != text));
        let note = if again { "; the envelope was written anew after it was logged" } else { "" };
        let (name, key) = (String::from_utf8_lossy(subject.name), keys.join(", "));
        let detail = format!("an entry {} about {name}, its signature, and the key {key}{note}", body.kind);
        return Ok((keys, detail));
    }
    if certificates > 0 {
        let why = "the entry names a certificate; receipts are compared with keys only, certificates are read in Sigstore \
                   bundles";
        return Err(Bound::Open(why.into()));
    }
    Err(Bound::Broken(if other_key {
        "the entry has the signature of the bundle under another key than the one that made it".into()
    } else {
        "the entry is about the same content, and its signature is none that a trusted key made here: it was logged by \
         somebody else, or for another signature"
            .into()
    }))
}

/// A way to make a leaf from a signature of the bundle.
pub(super) struct Recipe {
    /// The subject.
    pub(super) subject: usize,
    /// What the leaf is, in words.
    pub(super) words: &'static str,
    /// Whether it binds the signature and the key, or only the content.
    pub(super) signature: bool,
    /// The leaf.
    pub(super) leaf: Sha256Bytes,
}

/// The recipes that are tried, in words.
pub(super) const TRIED: &str = "the canonical Rekor entry (dsse 0.0.1, hashedrekord 0.0.1) for each signature, and the SHA-256 of \
                                what is signed, as bytes, in hex, and with sha256: in front";

/// Every leaf that the signatures of the bundle could have in a log (formats.md, receipts: no document states the recipe).
pub(super) fn recipes(subjects: &[Subject<'_>], policy: &Policy) -> Vec<Recipe> {
    let mut all = Vec::new();
    for (position, subject) in subjects.iter().enumerate() {
        let (hashed, digest) = subject.digest();
        let mut add = |words, signature, entry: &[u8]| {
            all.push(Recipe { subject: position, words, signature, leaf: leaf_hash(entry) });
        };
        if let Some(entry) = canonical(subject, hashed, &digest, policy) {
            add("the canonical Rekor entry of the signature", true, &entry);
        }
        let text = hex(&digest);
        add("the SHA-256 of what is signed", false, &digest);
        add("the SHA-256 of what is signed, in hex", false, text.as_bytes());
        add("the SHA-256 of what is signed, in hex with its algorithm", false, format!("sha256:{text}").as_bytes());
    }
    all
}

/// The entry as Rekor would have made it, where every signature is by a key of the operator.
fn canonical(subject: &Subject<'_>, hashed: Hashed, digest: &Sha256Bytes, policy: &Policy) -> Option<Vec<u8>> {
    let verifier = |signature: &[u8]| {
        let makers = subject.makers(signature);
        let key = policy.keys.public().iter().find(|key| makers.iter().any(|maker| maker == key.fingerprint()))?;
        Some(Pair { signature: signature.to_vec(), verifier: pem_of(key) })
    };
    match subject.signed {
        Signed::Envelope { envelope, text, .. } => {
            let signatures = envelope.signatures().iter().map(|s| s.bytes.as_deref().ok().and_then(verifier));
            let pairs: Vec<Pair> = signatures.collect::<Option<_>>()?;
            Body::canonical(hashed, digest, &text, &pairs)
        }
        Signed::File { signature, .. } => Body::canonical(hashed, digest, digest, &[verifier(signature)?]),
    }
}

/// A public key in PEM, in lines of 64 characters.
fn pem_of(key: &PublicKey) -> Vec<u8> {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(key.spki_der());
    let lines: Vec<&[u8]> = encoded.as_bytes().chunks(64).collect();
    [b"-----BEGIN PUBLIC KEY-----\n", lines.join(&b'\n').as_slice(), b"\n-----END PUBLIC KEY-----\n"].concat()
}
