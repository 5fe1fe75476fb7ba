use super::*;
use crate::format::digest::hex;

const INDEX: &str = INDEX_TYPES[0];
const MANIFEST: &str = MANIFEST_TYPES[0];

fn descriptor(media_type: &str, content: &[u8]) -> String {
    let digest = hex(&sha256(content));
    format!(r#"{{"mediaType":"{media_type}","digest":"sha256:{digest}","size":{}}}"#, content.len())
}

fn manifest() -> String {
    let config = descriptor("application/vnd.oci.empty.v1+json", b"{}");
    let layer = descriptor("application/vnd.oci.image.layer.v1.tar", b"layer");
    format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[{layer}]}}"#)
}

#[test]
fn digests_are_values_of_two_lengths() {
    let (short, long) = (hex(&[0xab; 32]), hex(&[0xab; 64]));
    assert_eq!(parse_digest(&format!("sha256:{short}")), Ok(Digest::Sha256([0xab; 32])));
    assert_eq!(parse_digest(&format!("sha512:{long}")), Ok(Digest::Sha512([0xab; 64])));
    for bad in [
        "sha256:../../etc/passwd".to_string(),
        "sha256:".into(),
        short.clone(),
        format!("sha256:{}", short.to_uppercase()),
        format!("sha256:{}", &short[1..]),
        format!("sha256:{short}0"),
        format!("sha256:{long}"),
        format!("sha512:{short}"),
        format!("SHA256:{short}"),
        format!("md5:{}", &short[..32]),
        format!("sha256+b64u:{short}"),
        format!("sha256:sha256:{short}"),
        format!("sha256: {}", &short[1..]),
        format!("sha256:{}é", &short[2..]),
    ] {
        assert!(parse_digest(&bad).is_err(), "{bad}");
    }
}

#[test]
fn paths_of_blobs_are_made_of_digests() {
    let digest = Digest::Sha512([1; 64]);
    assert_eq!(blob_path(&digest), format!("blobs/sha512/{}", hex(&[1; 64])));
    assert!(is_blob_path(blob_path(&digest).as_bytes()));
    assert!(is_blob_path(blob_path(&Digest::Sha256([1; 32])).as_bytes()));
    for other in ["blobs/sha256/x", "blobs/sha256/", "blobs/sha1/00", "x/blobs/sha256/00"] {
        assert!(!is_blob_path(other.as_bytes()), "{other}");
    }
}

#[test]
fn media_types_have_two_parts() {
    for good in [MANIFEST, "application/json; charset=utf-8", "text/plain"] {
        assert_eq!(check_media_type("mediaType", good), Ok(()), "{good}");
    }
    let long = format!("a/{}", "b".repeat(254));
    for bad in ["", "application", "/json", "application/", "a b/c", "a/b/c", "a/b\n", "../x", long.as_str()] {
        assert!(check_media_type("mediaType", bad).is_err(), "{bad:?}");
    }
}

#[test]
fn data_is_the_content_that_is_described() {
    let read = |data: &str, size: u64| {
        let digest = hex(&sha256(b"{}"));
        let text = format!(r#"{{"mediaType":"a/b","digest":"sha256:{digest}","size":{size},"data":"{data}"}}"#);
        serde_json::from_str::<Descriptor>(&text).unwrap().check()
    };
    assert_eq!(read("e30=", 2), Ok(Digest::Sha256(sha256(b"{}"))));
    assert!(read("e30=", 3).unwrap_err().contains("size says 3"));
    assert!(read("W10=", 2).unwrap_err().contains("not the content"));
    assert!(read("e30", 2).unwrap_err().contains("base64"));
}

#[test]
fn documents_are_one_thing_only() {
    let read = |text: &str, shape, media_type| Document::read(text.as_bytes(), shape, media_type);
    let good = read(&manifest(), Shape::Manifest, Some(MANIFEST)).unwrap();
    assert_eq!((good.items.len(), good.config.is_some()), (1, true));
    assert!(read(&manifest(), Shape::Manifest, Some(MANIFEST_TYPES[1])).is_ok(), "Docker's type has the same members");
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, descriptor(MANIFEST, b"x"));
    assert_eq!(read(&index, Shape::Index, Some(INDEX)).unwrap().items.len(), 1);
    assert_eq!(read(&index, Shape::Index, None).unwrap().items.len(), 1);
    let null = r#"{"schemaVersion":2,"manifests":null}"#;
    assert_eq!(read(null, Shape::Index, None).unwrap().items.len(), 0);
    let ambiguous = [
        (manifest().replace(r#""layers""#, r#""manifests":[],"layers""#), Shape::Manifest, MANIFEST),
        (manifest().replace(r#""layers""#, r#""manifests":[],"layers""#), Shape::Index, INDEX),
        (manifest(), Shape::Index, INDEX),
        (manifest().replace(r#""layers""#, r#""fsLayers":[],"layers""#), Shape::Manifest, MANIFEST),
        (manifest().replace(MANIFEST, INDEX), Shape::Manifest, MANIFEST),
        (manifest().replace(MANIFEST, "application/json"), Shape::Manifest, MANIFEST),
        (manifest().replace(MANIFEST, ARTIFACT_TYPE), Shape::Manifest, MANIFEST),
        (index.clone(), Shape::Manifest, MANIFEST),
        (manifest().replace(r#""layers""#, r#""Manifests":[],"layers""#), Shape::Manifest, MANIFEST),
        (manifest().replace("layers", "blobs"), Shape::Manifest, ARTIFACT_TYPE),
    ];
    for (text, shape, media_type) in ambiguous {
        let found = read(&text, shape, Some(media_type)).unwrap_err();
        assert!(matches!(found, Fault::Ambiguous(_)), "{text}: {found:?}");
    }
    let lacking = [
        manifest().replace(r#""schemaVersion":2"#, r#""schemaVersion":1"#),
        manifest().replace("layers", "levels"),
        manifest().replace("config", "settings"),
        manifest().replace(r#""size":2"#, r#""size":-2"#),
        manifest().replace("digest", "sum"),
        "[]".into(),
    ];
    for text in lacking {
        let found = read(&text, Shape::Manifest, Some(MANIFEST)).unwrap_err();
        assert!(matches!(found, Fault::Schema(_)), "{text}: {found:?}");
    }
    assert!(matches!(read("foobar", Shape::Index, None), Err(Fault::Json(_))));
    assert!(matches!(read(r#"{"a":1,"a":2}"#, Shape::Index, None), Err(Fault::Json(_))));
}

#[test]
fn artifact_manifests_have_blobs() {
    let text = format!(r#"{{"mediaType":"{ARTIFACT_TYPE}","blobs":[{}]}}"#, descriptor("a/b", b"x"));
    let read = Document::read(text.as_bytes(), Shape::Manifest, Some(ARTIFACT_TYPE)).unwrap();
    assert_eq!((read.items.len(), read.config.is_none()), (1, true));
}
