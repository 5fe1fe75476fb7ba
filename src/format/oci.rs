//! Documents of the OCI image specification 1.1: descriptors, image indexes, image manifests, and the schema 2 documents of
//! Docker that have their shape.
//!
//! A digest is a value here, never a path: the name of a blob is made anew from the bytes that were parsed. Members that the
//! specification does not name are passed over; one that differs from a known member only by case is refused, because
//! readers that ignore case would see another document.

use super::digest::{Digest, sha256, sha512, unhex};
use super::json;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Largest index or manifest, in bytes: 4 MiB is what registries have to accept at least (distribution specification 1.1),
/// and what most of them accept at most.
pub const MAX_JSON: u64 = 4 << 20;
/// Most documents one below the other, index.json being the first: images need two, attestations of an image of several
/// platforms four.
pub const MAX_NESTING: usize = 8;
/// Most descriptors of one layout: a thousand images of a hundred layers, and some room.
pub const MAX_DESCRIPTORS: usize = 1 << 17;
/// Longest media type in characters: a type and a subtype of 127 each (RFC 6838 section 4.2).
pub const MAX_MEDIA_TYPE: usize = 255;
/// The one version of the layout.
pub const LAYOUT_VERSION: &str = "1.0.0";

const INDEX_TYPES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
const MANIFEST_TYPES: [&str; 3] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    ARTIFACT_TYPE,
];
/// Of release candidates of version 1.1: `blobs` in place of `config` and `layers`, no `schemaVersion`.
const ARTIFACT_TYPE: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// Members with a meaning; `fsLayers` is the mark of Docker's schema 1, which is not read.
const MEMBERS: [&str; 10] = [
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "blobs",
    "manifests",
    "subject",
    "annotations",
    "fsLayers",
];

/// What a document is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A list of manifests.
    Index,
    /// A configuration and layers.
    Manifest,
}

impl Shape {
    /// The shape that documents of this media type have; `None` for content that is not looked into.
    pub fn of(media_type: &str) -> Option<Shape> {
        match media_type {
            t if INDEX_TYPES.contains(&t) => Some(Shape::Index),
            t if MANIFEST_TYPES.contains(&t) => Some(Shape::Manifest),
            _ => None,
        }
    }

    /// The word in messages.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Index => "index",
            Shape::Manifest => "manifest",
        }
    }
}

/// A descriptor as a document states it; all of it is untrusted.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type of the content.
    pub media_type: String,
    /// The digest as text; see [`Descriptor::digest`].
    pub digest: String,
    /// Size of the content in bytes.
    pub size: u64,
    /// Places from which the content could be fetched. They are never asked.
    pub urls: Option<Vec<String>>,
    /// The content itself in base64.
    pub data: Option<String>,
    /// Names and notes.
    pub annotations: Option<BTreeMap<String, String>>,
    /// What an image runs on.
    pub platform: Option<Platform>,
    /// The type of an artifact.
    pub artifact_type: Option<String>,
}

/// What an image runs on, as an index states it.
#[derive(Debug, Clone, Deserialize)]
pub struct Platform {
    /// As Go's GOARCH.
    pub architecture: Option<String>,
    /// As Go's GOOS.
    pub os: Option<String>,
    /// Variant of the architecture.
    pub variant: Option<String>,
}

impl Platform {
    /// `os/architecture` and the variant, where there is one; `unknown` for what is not stated.
    pub fn text(&self) -> String {
        let variant = self.variant.as_ref().map_or(String::new(), |variant| format!("/{variant}"));
        let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "unknown".into());
        format!("{}/{}{variant}", word(&self.os), word(&self.architecture))
    }
}

impl Descriptor {
    /// The digest as a value.
    ///
    /// # Errors
    /// A sentence: another algorithm than SHA-256 and SHA-512, a wrong length, anything but lower-case hex.
    pub fn digest(&self) -> Result<Digest, String> {
        parse_digest(&self.digest)
    }

    /// Judges what the descriptor shows by itself: digest, media types, and that `data` is the content that it describes.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<Digest, String> {
        let digest = self.digest()?;
        check_media_type("mediaType", &self.media_type)?;
        if let Some(artifact_type) = self.artifact_type.as_deref().filter(|text| !text.is_empty()) {
            check_media_type("artifactType", artifact_type)?;
        }
        if let Some(data) = &self.data {
            let bytes = BASE64_STANDARD.decode(data).map_err(|error| format!("data is no base64: {error}"))?;
            if bytes.len() as u64 != self.size {
                return Err(format!("data has {} bytes, size says {}", bytes.len(), self.size));
            }
            if !has_digest(&bytes, &digest) {
                return Err(format!("data is not the content with the digest {}", digest.prefixed()));
            }
        }
        Ok(digest)
    }

    /// The name of an image among its annotations, where it has one (untrusted).
    pub fn name(&self) -> Option<&str> {
        let annotations = self.annotations.as_ref()?;
        let names = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
        names.iter().find_map(|name| annotations.get(*name)).map(String::as_str)
    }
}

/// Whether `bytes` have this digest.
pub fn has_digest(bytes: &[u8], digest: &Digest) -> bool {
    match digest {
        Digest::Sha256(stated) => *stated == sha256(bytes),
        Digest::Sha512(stated) => *stated == sha512(bytes),
    }
}

/// Reads a digest: `sha256:` and 64, or `sha512:` and 128 lower-case hex digits.
///
/// # Errors
/// A sentence that says what was found. Other algorithms are refused too, since nothing could be compared.
pub fn parse_digest(untrusted: &str) -> Result<Digest, String> {
    let shown = || untrusted.chars().take(80).collect::<String>();
    let Some((algorithm, digits)) = untrusted.split_once(':') else {
        return Err(format!("a digest is ALGORITHM:HEX, found {:?}", shown()));
    };
    let length = match algorithm {
        "sha256" => 64,
        "sha512" => 128,
        _ => return Err(format!("expected a digest by sha256 or sha512, found {:?}", shown())),
    };
    let lower_hex = digits.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    if digits.len() != length || !lower_hex {
        return Err(format!("a digest by {algorithm} has {length} lower-case hex digits, found {:?}", shown()));
    }
    let bytes = unhex(digits).unwrap_or_default();
    match (<[u8; 32]>::try_from(bytes.as_slice()), <[u8; 64]>::try_from(bytes.as_slice())) {
        (Ok(bytes), _) => Ok(Digest::Sha256(bytes)),
        (_, Ok(bytes)) => Ok(Digest::Sha512(bytes)),
        _ => Err(format!("not hex: {:?}", shown())),
    }
}

/// The path of a blob below the root of a layout.
pub fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}", digest.prefixed().replacen(':', "/", 1))
}

/// Whether `path` below the root of a layout can be that of a blob: `blobs/`, a known algorithm, its number of hex digits.
pub fn is_blob_path(path: &[u8]) -> bool {
    let hex = |digits: &[u8], length| digits.len() == length && digits.iter().all(u8::is_ascii_hexdigit);
    let named = |folder: &[u8], length| path.strip_prefix(folder).is_some_and(|digits| hex(digits, length));
    named(b"blobs/sha256/", 64) || named(b"blobs/sha512/", 128)
}

/// `type/subtype` of RFC 6838 section 4.2, with parameters or without.
fn check_media_type(member: &str, untrusted: &str) -> Result<(), String> {
    let restricted = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&c))
    };
    let bare = untrusted.split(';').next().unwrap_or_default().trim_end();
    let fits = bare.split_once('/').is_some_and(|(kind, subtype)| restricted(kind) && restricted(subtype));
    if fits && untrusted.len() <= MAX_MEDIA_TYPE && !untrusted.contains(char::is_control) {
        return Ok(());
    }
    let shown: String = untrusted.chars().take(80).collect();
    Err(format!("{member} is no media type of at most {MAX_MEDIA_TYPE} characters: {shown:?}"))
}

/// An index or a manifest.
#[derive(Debug)]
pub struct Document {
    /// What it was read as.
    pub shape: Shape,
    /// The type that it states of itself.
    pub media_type: Option<String>,
    /// The type of artifact.
    pub artifact_type: Option<String>,
    /// The manifest that it is about.
    pub subject: Option<Descriptor>,
    /// The configuration of a manifest.
    pub config: Option<Descriptor>,
    /// Manifests of an index; layers of a manifest.
    pub items: Vec<Descriptor>,
}

/// Why a document is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No strict JSON.
    Json(String),
    /// It lacks members, or they have other types.
    Schema(String),
    /// It could be read as something else than it is named as.
    Ambiguous(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    subject: Option<Descriptor>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    blobs: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

impl Document {
    /// Reads `untrusted` as `shape`. `media_type` is what the descriptor says that led here; without one (index.json) the
    /// document may state any type of that shape, or none.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn read(untrusted: &[u8], shape: Shape, media_type: Option<&str>) -> Result<Document, Fault> {
        json::check(untrusted).map_err(|error| {
            Fault::Json(format!("expected strict JSON (RFC 8259, no duplicate keys), found: {error}"))
        })?;
        let schema =
            |error| Fault::Schema(format!("it does not have the fields of an {}: {error}", shape_words(shape)));
        let members: BTreeMap<String, IgnoredAny> = serde_json::from_slice(untrusted).map_err(schema)?;
        let other_case = |name: &&String| MEMBERS.iter().any(|known| known.eq_ignore_ascii_case(name) && known != name);
        if let Some(name) = members.keys().find(other_case) {
            return Err(Fault::Ambiguous(format!("readers that ignore case take its member {name:?} for another")));
        }
        let has = |name: &str| members.contains_key(name);
        let of_manifest = ["config", "layers", "blobs", "fsLayers"].into_iter().find(|name| has(name));
        if let Some(other) = of_manifest.filter(|_| has("manifests")) {
            return Err(Fault::Ambiguous(format!("it has manifests and {other}: readers see an index or a manifest")));
        }
        let raw: Raw = serde_json::from_slice(untrusted).map_err(schema)?;
        raw.check_type(shape, media_type)?;
        raw.check_members(shape, media_type, &has)?;
        let Raw { media_type, artifact_type, subject, config, layers, blobs, manifests, .. } = raw;
        let items = [manifests, layers, blobs].into_iter().flatten().flatten().collect();
        Ok(Document { shape, media_type, artifact_type, subject, config, items })
    }
}

fn shape_words(shape: Shape) -> &'static str {
    match shape {
        Shape::Index => "OCI image index",
        Shape::Manifest => "OCI image manifest",
    }
}

impl Raw {
    /// The type that a document states of itself may be another one of the same members (OCI for Docker): such documents
    /// are common, and read alike under either type.
    fn check_type(&self, shape: Shape, expected: Option<&str>) -> Result<(), Fault> {
        let Some(own) = self.media_type.as_deref() else { return Ok(()) };
        let is_artifact = |media_type: &str| media_type == ARTIFACT_TYPE;
        let alike = expected.is_none_or(|expected| is_artifact(expected) == is_artifact(own));
        if Shape::of(own) == Some(shape) && alike {
            return Ok(());
        }
        let expected = expected.map_or(format!("the type of an {}", shape.name()), str::to_string);
        Err(Fault::Ambiguous(format!("its mediaType is {own:?}, and it is named as {expected}")))
    }

    fn check_members(&self, shape: Shape, media_type: Option<&str>, has: &impl Fn(&str) -> bool) -> Result<(), Fault> {
        if has("fsLayers") {
            return Err(Fault::Ambiguous(
                "it has fsLayers, the mark of Docker's schema 1, besides other members".into(),
            ));
        }
        let lacking =
            |name: &str| Err(Fault::Schema(format!("it has no {name}, which an {} needs", shape_words(shape))));
        if media_type == Some(ARTIFACT_TYPE) {
            let other = ["manifests", "config", "layers"].into_iter().find(|name| has(name));
            return other.map_or(Ok(()), |name| {
                Err(Fault::Ambiguous(format!("it is named as an artifact manifest and has {name}")))
            });
        }
        if self.schema_version != Some(2) {
            let found = self.schema_version.map_or("none".into(), |version| version.to_string());
            return Err(Fault::Schema(format!("expected schemaVersion 2, found {found}")));
        }
        match shape {
            Shape::Index if !has("manifests") && (has("config") || has("layers")) => {
                Err(Fault::Ambiguous("it is named as an index and has the members of a manifest".into()))
            }
            Shape::Manifest if has("manifests") => {
                Err(Fault::Ambiguous("it is named as a manifest and has the members of an index".into()))
            }
            Shape::Index if !has("manifests") => lacking("manifests"),
            Shape::Manifest if self.config.is_none() => lacking("config"),
            Shape::Manifest if !has("layers") => lacking("layers"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "oci_tests.rs"]
mod tests;
