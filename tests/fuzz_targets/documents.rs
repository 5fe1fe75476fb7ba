//! Targets for documents that came later: OCI, trust policies, wrapped and sealed files, signature files, Java indexes.

use portcullis::format::oci::{self, Document, Shape};
use portcullis::format::trivy_java::Header;
use portcullis::format::{blob_signature, json};
use portcullis::pipeline::trust_file;
use portcullis::trust::identity::Identities;
use portcullis::trust::policy::Policy;
use portcullis::trust::policy_file::{self, MAX_POLICY_KEYS, PolicyFileError, TrustFile};
use portcullis::trust::sealed::{self, SealedFile};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use zeroize::Zeroizing;

const OCI_TYPES: [&str; 5] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.artifact.manifest.v1+json",
];

/// No document is read as an index and as a manifest; what is read is what any reader of JSON finds; a digest that is taken
/// names one blob.
pub(crate) fn oci(data: &[u8]) {
    let mut shapes = BTreeSet::new();
    let named = OCI_TYPES.into_iter().map(|name| (Shape::of(name).expect("a type with a shape"), Some(name)));
    for (shape, media_type) in [(Shape::Index, None), (Shape::Manifest, None)].into_iter().chain(named) {
        let Ok(document) = Document::read(data, shape, media_type) else { continue };
        assert_eq!(document.shape, shape);
        shapes.insert(shape.name());
        let value: serde_json::Value = serde_json::from_slice(data).expect("strict JSON is JSON");
        let count = |name: &str| value.get(name).and_then(serde_json::Value::as_array).map_or(0, Vec::len);
        assert_eq!(document.items.len(), ["manifests", "layers", "blobs"].map(count).iter().sum::<usize>());
        for descriptor in document.items.iter().chain(&document.config).chain(&document.subject) {
            let Ok(digest) = descriptor.check() else { continue };
            assert_eq!((digest.prefixed(), descriptor.digest()), (descriptor.digest.clone(), Ok(digest)));
            assert!(oci::is_blob_path(oci::blob_path(&digest).as_bytes()));
        }
    }
    assert!(shapes.len() < 2, "read as an index and as a manifest");
    assert!(shapes.is_empty() || json::check(data).is_ok());
}

/// A policy that is taken is taken the same again, whatever follows in comments; a refusal names a line that is there.
pub(crate) fn policy(data: &[u8]) {
    const KEY: &[u8] = include_bytes!("../../keys-example/ed25519.pub.pem");
    const SET: &[u8] = include_bytes!("../../keys-example/trusted.jwks.json");
    const SECRET: &[u8] = include_bytes!("../../keys-example/hmac.key");
    static KINDS: LazyLock<Vec<&str>> = LazyLock::new(trust_file::kinds);
    let load = |text: &[u8]| -> Result<TrustFile, PolicyFileError> {
        // Which of the files a name gets does not matter, as long as each can be named.
        let mut read_key = |name: &str, _: usize| match name.len() % 4 {
            0 => Ok(Zeroizing::new(SET.to_vec())),
            1 => Ok(Zeroizing::new(SECRET.to_vec())),
            2 => Ok(Zeroizing::new(KEY.to_vec())),
            _ => Err("it is not there".to_owned()),
        };
        policy_file::load(text, b"trust.toml", &KINDS, &mut read_key)
    };
    let rules = |file: &TrustFile| {
        let rules = &file.rules;
        format!("{:?}", (&file.keys, &file.secrets, &rules.threshold, &rules.require, &rules.max_age, &rules.waivers))
    };
    match load(data) {
        Err(error) => {
            let lines = data.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&error.line), "line {} of {lines}: {error}", error.line);
        }
        Ok(file) => {
            assert!(file.all_terms().count() <= 2 * MAX_POLICY_KEYS);
            let told = rules(&file);
            let longer = load(&[data, b"\n# and no more\n"].concat());
            assert!(longer.is_ok_and(|again| rules(&again) == told) || data.len() + 20 > policy_file::MAX_POLICY_BYTES);
            let at = portcullis::format::time::parse_rfc3339("2026-11-20T00:00:00Z").expect("a date");
            let mut policy = Policy::new(at);
            // The keys are published examples: without a waiver in the file they are refused.
            let waived = told.contains("ExampleKeys");
            let all_revoked = file.all_terms().all(|(terms, ..)| terms.revoked.is_some());
            let material = file.keys.iter().any(|key| key.material.is_some() && key.terms.revoked.is_none());
            if file.apply(&mut policy, false).is_ok() {
                assert!(waived || all_revoked || !material, "a published key is trusted without a waiver");
            }
        }
    }
}

/// Nobody without the key makes a file that opens: what is not one of the seeds is refused, and a nonce has one reading.
pub(crate) fn sealed(data: &[u8]) {
    static OWN: LazyLock<Identities> = LazyLock::new(|| {
        Identities::parse(include_bytes!("../../keys-example/age.identity.txt")).expect("the example identity")
    });
    if let Ok(set) = Identities::parse(data) {
        // The public halves are no identities: a file of them is refused.
        let recipients = set.recipients();
        assert!(!recipients.is_empty() && Identities::parse(recipients.join("\n").as_bytes()).is_err());
        let _ = set.unwrap_key(include_bytes!("../../fuzz/corpus/sealed/wrapped-for-example"));
    }
    if let Ok(key) = OWN.unwrap_key(data) {
        // What was put on top of the armor is not part of it.
        assert!(OWN.unwrap_key(&[b"\n", data].concat()).is_ok() || !data.trim_ascii_start().starts_with(b"-----"));
        let mut nothing = [0; 16];
        assert!(key.open([0; 12], b"", &mut nothing).is_err(), "zeros are no tag");
    }
    if let Ok(nonce) = sealed::nonce_of_document(data) {
        let hex = portcullis::format::digest::hex(&nonce);
        assert_eq!(sealed::nonce_of_document(hex.as_bytes()), Ok(nonce));
    }
    if let Ok(file) = SealedFile::with_prefix(data.to_vec()) {
        assert_eq!(Some(&file.nonce()), data.first_chunk());
    }
}

/// A signature file that is read holds the signature in base64 or as it is, and nothing else.
pub(crate) fn signature(data: &[u8]) {
    use base64::Engine as _;
    let Ok(bytes) = blob_signature::parse(data) else { return };
    let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
    assert!(data == bytes || data.trim_ascii() == text.as_bytes());
}

/// A whole run on a database of Java archives, with a header whose sums of pages agree with the length of the file.
pub(crate) fn java(data: &[u8]) {
    super::judge(data);
    let mut mended = data.to_vec();
    if let Ok(header) = Header::parse(data, data.len() as u64) {
        assert_eq!(header.bytes(), data.len() as u64);
    } else if let Some(start) = mended.first_chunk_mut::<100>() {
        let size = u32::from(u16::from_be_bytes([start[16], start[17]]));
        let size = if size.is_power_of_two() && size >= 512 { size } else { 512 };
        let pages = u32::try_from(data.len()).unwrap_or(0) / size;
        start[..16].copy_from_slice(b"SQLite format 3\0");
        start[16..18].copy_from_slice(&u16::try_from(size).unwrap_or(512).to_be_bytes());
        start[28..32].copy_from_slice(&pages.to_be_bytes());
        start.copy_within(24..28, 92);
        mended.truncate((pages * size) as usize);
        super::judge(&mended);
    }
}
