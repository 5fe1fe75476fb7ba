//! Each OCI artefact of a mirror travels with an SBOM. Which SBOM belongs to which artefact is not documented: an SBOM names
//! an artefact by its digest or by its name, in its own path.

use super::listing::Listed;
use crate::format::digest::hex;
use crate::trust::check::{self, Check};
use std::collections::HashSet;

/// Media types of SBOMs, without parameters.
const MEDIA_TYPES: [&str; 6] = [
    "application/vnd.cyclonedx+json",
    "application/vnd.cyclonedx+xml",
    "application/spdx+json",
    "text/spdx",
    "text/spdx+json",
    "application/vnd.syft+json",
];
/// Ends of SBOM file names, longest first.
const SUFFIXES: [&str; 10] = [
    ".cyclonedx.json",
    ".cyclonedx.xml",
    ".sbom.json",
    ".spdx.json",
    ".syft.json",
    ".cdx.json",
    ".cdx.xml",
    ".json",
    ".spdx",
    ".xml",
];

/// Adds the check `artifact-sbom`: one row an artefact without an SBOM, or one that says that there is none.
pub(super) fn judge(document: &[u8], files: &[Listed], checks: &mut Vec<Check>) {
    let artefacts: Vec<&Listed> = files.iter().filter(|file| is_artefact(file)).collect();
    if artefacts.is_empty() {
        let detail = "no file has the media type of an OCI manifest, so no SBOM is called for";
        checks.push(Check::skip(check::ARTIFACT_SBOM, document, detail));
        return;
    }
    let named: HashSet<&str> =
        files.iter().filter(|file| is_sbom(file)).flat_map(|file| names_in(&file.path)).collect();
    let lacking = artefacts.iter().filter(|file| {
        let by_digest = named.contains(hex(&file.sha256).as_str());
        !by_digest && !name_of(&file.path).is_some_and(|name| named.contains(name))
    });
    let rows = lacking.map(|file| {
        let detail = "an OCI artefact without an SBOM: expected a file with the media type of an SBOM or under sboms/ that bears \
                      its digest or its name";
        Check::fail(check::ARTIFACT_SBOM, &file.path, detail)
    });
    let pass = format!("each of {} OCI artefacts has an SBOM that bears its digest or its name", artefacts.len());
    check::push_failures(checks, rows.collect(), Some(Check::pass(check::ARTIFACT_SBOM, document, pass)));
}

fn essence(file: &Listed) -> &str {
    file.media_type.as_deref().unwrap_or("").split(';').next().unwrap_or("").trim()
}

fn is_artefact(file: &Listed) -> bool {
    essence(file)
        .strip_prefix("application/vnd.oci.")
        .is_some_and(|rest| rest.split('.').any(|part| part == "manifest"))
}

fn is_sbom(file: &Listed) -> bool {
    !is_artefact(file)
        && (MEDIA_TYPES.contains(&essence(file)) || file.path.split('/').rev().skip(1).any(|part| part == "sboms"))
}

/// What the path of an SBOM can name: its directories, its own name without suffix, and every SHA-256 in it.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    let (directories, base) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = SUFFIXES.iter().find_map(|suffix| base.strip_suffix(suffix)).unwrap_or(base);
    let digests = path.split(|c: char| !c.is_ascii_hexdigit()).filter(|part| part.len() == 64);
    let names = directories.split('/').chain([stem]).chain(digests);
    names.filter(|name| !["", "sboms"].contains(name))
}

/// The name of an artefact: that of its file, or of its directory where the file is only called `manifest` or `index`.
fn name_of(path: &str) -> Option<&str> {
    let (directories, base) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = base.strip_suffix(".json").unwrap_or(base);
    let own = if ["manifest", "index"].contains(&stem) { directories.rsplit('/').next() } else { Some(stem) };
    own.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, media_type: &str) -> Listed {
        Listed { path: path.into(), sha256: [0xab; 32], size: None, media_type: Some(media_type.into()) }
    }

    fn lacking(sbom: &str, media_type: &str) -> bool {
        let artefact = file("images/gateway/manifest.json", "application/vnd.oci.image.manifest.v1+json");
        let mut checks = Vec::new();
        judge(b"manifest.json", &[artefact, file(sbom, media_type)], &mut checks);
        checks.iter().any(Check::failed)
    }

    #[test]
    fn an_sbom_names_its_artefact_by_name_or_digest() {
        let hex = "ab".repeat(32);
        for path in
            ["sboms/gateway.cdx.json".to_string(), "sboms/gateway/bom.xml".into(), format!("sboms/sha256-{hex}.json")]
        {
            assert!(!lacking(&path, "application/json"), "{path}");
        }
        assert!(!lacking("bills/gateway.spdx.json", "application/spdx+json; version=3"));
    }

    #[test]
    fn other_files_are_no_sbom_of_it() {
        for path in ["sboms/gateway-admin.cdx.json", "sboms/manifest.json", "docs/gateway.json", "sboms"] {
            assert!(lacking(path, "application/json"), "{path}");
        }
        assert!(lacking("sboms/gateway", "application/vnd.oci.image.manifest.v1+json"));
    }
}
