//! Files of cosign's older format: bound together by comparisons of our own, then put into the form of a Sigstore bundle and
//! judged by the same engine, so that nothing about keys, certificates, logs and times is decided twice.
//!
//! The entry has to record this artifact, this signature and this key or certificate: the log signed the entry, and not what
//! lies beside it in the file (CVE-2022-36056, CVE-2026-22703).

use super::engine::{Part, Reason};
use super::rows::Rows;
use crate::format::cosign::{self as format, Content, CosignFile, Entry, Record};
use crate::format::digest::{Digest, hex};
use crate::trust::pem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A file of the older format.
pub(super) struct Older {
    file: CosignFile,
    /// What `cert` names.
    named: Option<Verifier>,
}

/// Certificate or key, in DER.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verifier {
    Certificate(Vec<u8>),
    Key(Vec<u8>),
}

impl Older {
    /// Reads an untrusted file; `None` for a file of another format.
    pub(super) fn read(untrusted: &[u8]) -> Option<Result<Older, String>> {
        format::is_older(untrusted).then(|| {
            let file = format::read(untrusted)?;
            let named = file.verifier.as_deref().map(|text| verifier("cert", text)).transpose()?;
            Ok(Older { file, named })
        })
    }

    /// Why the engine cannot take the log entry; `None` where it can.
    pub(super) fn unread_entry(&self) -> Option<String> {
        let Entry { kind, version, .. } = self.file.entry.as_ref()?;
        let read = match self.file.content {
            Content::Signature(_) => kind == "hashedrekord" && version == "0.0.1",
            Content::Envelope(_) => ["dsse/0.0.1", "intoto/0.0.2"].contains(&format!("{kind}/{version}").as_str()),
        };
        (!read).then(|| {
            format!("its log entry is of the type {kind}/{version}, which is not read: nothing is proven by it")
        })
    }

    /// The digest of the artifact as a Sigstore bundle states it, where the log entry records the same: it says which hash was
    /// signed. What an entry records of another artifact is compared elsewhere.
    pub(super) fn stated(&self, artifact: Digest) -> Option<Value> {
        let record = self.file.entry.as_ref()?.record.as_ref()?;
        let (algorithm, name, digest) = match &artifact {
            Digest::Sha256(digest) => ("sha256", "SHA2_256", &digest[..]),
            Digest::Sha512(digest) => ("sha512", "SHA2_512", &digest[..]),
        };
        let same = record.algorithm == algorithm && record.digest == hex(digest);
        same.then(|| json!({"algorithm": name, "digest": STANDARD.encode(digest)}))
    }

    /// The same as a Sigstore bundle, with `digest` as what is signed.
    pub(super) fn as_bundle(&self, digest: Option<Value>) -> Vec<u8> {
        let entries: Vec<Value> = self.file.entry.iter().map(entry).collect();
        // Version 0.1 is the one that takes the promise of a log without an inclusion proof.
        let version = if entries.is_empty() { ".v0.3+json" } else { "+json;version=0.1" };
        let mut material = json!({"tlogEntries": entries});
        match &self.named {
            Some(Verifier::Certificate(der)) if self.file.entry.is_none() => {
                material["certificate"] = json!({"rawBytes": STANDARD.encode(der)})
            }
            Some(Verifier::Certificate(der)) => {
                material["x509CertificateChain"] = json!({"certificates": [{"rawBytes": STANDARD.encode(der)}]});
            }
            Some(Verifier::Key(_)) | None => material["publicKey"] = json!({"hint": ""}),
        }
        let mut bundle = json!({
            "mediaType": format!("application/vnd.dev.sigstore.bundle{version}"),
            "verificationMaterial": material,
        });
        match &self.file.content {
            Content::Signature(bytes) => {
                bundle["messageSignature"] = json!({"signature": STANDARD.encode(bytes)});
                if let Some(digest) = digest {
                    bundle["messageSignature"]["messageDigest"] = digest;
                }
            }
            Content::Envelope(envelope) => bundle["dsseEnvelope"] = envelope.clone(),
        }
        bundle.to_string().into_bytes()
    }

    /// Compares what the log entry records with the file and the artifact; a contradiction becomes a row.
    pub(super) fn bind(&self, artifact: Digest, rows: &mut Rows) {
        let Some(record) = self.file.entry.as_ref().and_then(|entry| entry.record.as_ref()) else { return };
        if let Err(why) = self.compare(record, artifact) {
            rows.set(Part::Inclusion, Reason::Wrong, why);
        }
    }

    fn compare(&self, record: &Record, artifact: Digest) -> Result<(), String> {
        if let Content::Signature(signature) = &self.file.content
            && record.signature != *signature
        {
            return Err("the log entry is about another signature than the one in the file".into());
        }
        let recorded = recorded(&record.verifier)?;
        match (&self.named, &recorded) {
            (None, Verifier::Key(_)) => {}
            (None, Verifier::Certificate(_)) => {
                return Err("the log entry is about a signature by a certificate, and the file has none".into());
            }
            (Some(named), recorded) if named == recorded => {}
            (Some(_), _) => {
                return Err("the log entry is about another key or certificate than the one in the file".into());
            }
        }
        if let Digest::Sha256(sha256) = artifact
            && (record.algorithm.as_str(), record.digest.as_str()) != ("sha256", hex(&sha256).as_str())
        {
            let Record { algorithm, digest, .. } = record;
            return Err(format!(
                "the log entry is about an artifact with the digest {algorithm}:{digest}, found {}",
                artifact.prefixed()
            ));
        }
        Ok(())
    }

    /// A key that the file brings along is never trusted; it must not contradict the trusted one that signed, either.
    pub(super) fn contradicts(&self, spki: &[u8]) -> bool {
        matches!(&self.named, Some(Verifier::Key(named)) if named.as_slice() != spki)
    }
}

/// What a log recorded: some record the chain after the certificate, which is what counts.
fn recorded(untrusted: &[u8]) -> Result<Verifier, String> {
    let what = "the key of the log entry";
    let blocks = pem::blocks(untrusted).map_err(|error| format!("{what}: {error}"))?;
    if blocks.len() > 1 && blocks.iter().all(|block| block.label == "CERTIFICATE") {
        return Ok(Verifier::Certificate(blocks.into_iter().next().map(|block| block.der).unwrap_or_default()));
    }
    verifier(what, untrusted)
}

/// One certificate or one public key in PEM.
fn verifier(what: &str, untrusted: &[u8]) -> Result<Verifier, String> {
    let blocks = pem::blocks(untrusted).map_err(|error| format!("{what}: {error}"))?;
    match <[pem::Block; 1]>::try_from(blocks) {
        Ok([block]) if block.label == "CERTIFICATE" => Ok(Verifier::Certificate(block.der)),
        Ok([block]) if block.label == "PUBLIC KEY" => Ok(Verifier::Key(block.der)),
        _ => Err(format!("{what}: expected one certificate or one public key in PEM")),
    }
}

fn entry(entry: &Entry) -> Value {
    json!({
        "logIndex": entry.log_index.to_string(),
        "logId": {"keyId": STANDARD.encode(&entry.log_id)},
        "kindVersion": {"kind": entry.kind, "version": entry.version},
        "integratedTime": entry.integrated_time.to_string(),
        "inclusionPromise": {"signedEntryTimestamp": STANDARD.encode(&entry.promise)},
        "canonicalizedBody": STANDARD.encode(&entry.body),
    })
}
