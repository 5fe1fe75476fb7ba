//! Small databases with everything that the schema has, and with what it has not.

use super::*;
use crate::format::bbolt::Database;
use crate::format::bbolt::build::{self, Node, Tree};
use crate::format::time::parse_rfc3339;

fn value(text: &str) -> Node {
    Node::Value(text.as_bytes().to_vec())
}

fn bucket<const N: usize>(nodes: [(&str, Node); N]) -> Node {
    Node::Bucket(tree(nodes))
}

fn tree<const N: usize>(nodes: [(&str, Node); N]) -> Tree {
    nodes.into_iter().map(|(key, node)| (key.as_bytes().to_vec(), node)).collect()
}

fn sample() -> Tree {
    let red_hat = r#"{"Entries":[{"Affected":[1],"Cves":[{"ID":"CVE-1-1","Severity":1.0}],"FixedVersion":"1-el7"},
        {"Cves":[{"ID":"CVE-1-2"}],"FixedVersion":"2-el7"},{"Cves":[{"ID":"CVE-1-1"}],"FixedVersion":"1-el8"}]}"#;
    tree([
        ("Red Hat", bucket([("openssl", bucket([("RHSA-1", value(red_hat))]))])),
        (
            "Red Hat CPE",
            bucket([("cpe", bucket([("0", value("cpe:/o"))])), ("repository", bucket([("r", value("[0]"))]))]),
        ),
        (
            "alpine 3.9",
            bucket([(
                "openssl",
                bucket([("CVE-1-1", value(r#"{"FixedVersion":"1.1-r0"}"#)), ("CVE-1-2", value("{}"))]),
            )]),
        ),
        ("data-source", bucket([("alpine 3.9", value(r#"{"ID":"alpine","Name":"Alpine Secdb","URL":"https://x/"}"#))])),
        (
            "npm::X",
            bucket([
                (
                    "a",
                    bucket([("CVE-1-1", value(r#"{"PatchedVersions":["2","2","3"],"VulnerableVersions":["< 2"]}"#))]),
                ),
                ("b", bucket([("GHSA-1", value(r#"{"VendorIDs":["CVE-1-1"],"FixedVersion":"9"}"#))])),
                ("c", bucket([("GHSA-2", value(r#"{"Note":"not CVE-1-1 at all"}"#))])),
            ]),
        ),
        (
            "vulnerability",
            bucket([
                (
                    "CVE-1-1",
                    value(
                        r#"{"Title":"T","Description":"D","Severity":"HIGH","CweIDs":["CWE-1"],"PublishedDate":"p","LastModifiedDate":"m"}"#,
                    ),
                ),
                ("CVE-1-2", value(r#"{"Severity":"LOW"}"#)),
                ("CVE-1-3", value(r#"{"Severity":"ODD"}"#)),
                ("CVE-1-4", value("{}")),
            ]),
        ),
    ])
}

fn summary(tree: &Tree) -> Summary {
    let bytes = build::database(tree, 512);
    Summary::of(&Database::open(&bytes[..]).unwrap()).unwrap()
}

fn find(tree: &Tree, id: &str) -> Finding {
    let bytes = build::database(tree, 512);
    advisory(&Database::open(&bytes[..]).unwrap(), id).unwrap()
}

#[test]
fn counts_are_by_severity_and_by_platform() {
    let found = summary(&sample());
    assert_eq!(found.vulnerabilities, [(Severity::High, 1), (Severity::Low, 1), (Severity::Unknown, 2)].into());
    let platforms: Vec<_> = found.platforms.iter().map(|(name, p)| (name.as_str(), p.packages, p.advisories)).collect();
    assert_eq!(platforms, [("Red Hat", 1, 1), ("alpine 3.9", 1, 2), ("npm::X", 3, 3)]);
    assert_eq!((found.vulnerability_count(), found.advisory_count(), found.table_entries), (4, 6, 2));
    let source = DataSource { id: "alpine".into(), name: "Alpine Secdb".into(), url: "https://x/".into() };
    assert_eq!(found.data_sources, [("alpine 3.9".to_string(), source)].into());
    assert_eq!((found.misplaced, found.malformed, found.faults.len()), (0, 0, 0));
    assert_eq!(found.walked.values, 4 + 6 + 2 + 1);
}

#[test]
fn a_record_that_is_malformed_is_counted_and_told() {
    let mut spoilt = sample();
    for (place, key, text) in [
        ("vulnerability", "CVE-0", "oops"),
        ("vulnerability", "CVE-00", r#"{"Severity":"LOW","Severity":"HIGH"}"#),
        ("vulnerability", "CVE-01", r#"{"Severity":3}"#),
        ("data-source", "x", "[]"),
        ("alpine 3.9", "stray", "{}"),
    ] {
        let Some(Node::Bucket(bucket)) = spoilt.get_mut(place.as_bytes()) else { panic!("{place}") };
        bucket.insert(key.as_bytes().to_vec(), value(text));
    }
    spoilt.insert(b"bad".to_vec(), bucket([("p", bucket([("CVE-1-1", value("7"))]))]));
    let found = summary(&spoilt);
    assert_eq!((found.malformed, found.misplaced), (5, 1));
    assert_eq!(found.vulnerabilities[&Severity::Unknown], 5);
    let faults: Vec<_> = found.faults.iter().map(|fault| (fault.buckets.join("/"), fault.key.as_str())).collect();
    let expected = [
        ("alpine 3.9", "stray"),
        ("bad/p", "CVE-1-1"),
        ("data-source", "x"),
        ("vulnerability", "CVE-0"),
        ("vulnerability", "CVE-00"),
        ("vulnerability", "CVE-01"),
    ];
    assert_eq!(faults, expected.map(|(place, key)| (place.to_string(), key)));
    assert!(found.faults[4].detail.contains("duplicate key"), "{}", found.faults[4].detail);
    let finding = find(&spoilt, "CVE-1-1");
    assert_eq!((finding.malformed, finding.affected.len()), (1, 4));
}

#[test]
fn names_are_limited_and_the_rest_is_added_up() {
    let mut many = Tree::new();
    for number in 0..MAX_PLATFORMS + 3 {
        let name = format!("p {number:05}").into_bytes();
        many.insert(name, bucket([("x", bucket([("CVE-1", value("{}"))]))]));
    }
    many.insert(vec![b'a'; MAX_TEXT + 1], bucket([("x", bucket([("CVE-1", value("{}")), ("CVE-2", value("{"))]))]));
    many.insert(vec![b'b', 0xFF], bucket([("x", bucket([("CVE-1", value("{}"))]))]));
    let found = summary(&many);
    assert_eq!((found.platforms.len(), found.more_platforms), (MAX_PLATFORMS, 5));
    assert_eq!(found.others, Platform { packages: 5, advisories: 6 });
    assert_eq!(found.advisory_count(), MAX_PLATFORMS as u64 + 6);
    assert_eq!((found.malformed, found.faults[0].buckets[0].len()), (1, MAX_TEXT));
}

#[test]
fn a_vulnerability_is_found_with_every_package_that_has_it() {
    let finding = find(&sample(), "CVE-1-1");
    let record = finding.vulnerability.unwrap();
    assert_eq!((record.title.as_str(), record.description.as_str()), ("T", "D"));
    assert_eq!((record.severity, record.weaknesses), (Some(Severity::High), vec!["CWE-1".to_string()]));
    assert_eq!((record.published.as_str(), record.modified.as_str(), record.malformed), ("p", "m", None));
    let affected: Vec<_> = finding
        .affected
        .iter()
        .map(|a| {
            (a.platform.as_str(), a.package.as_str(), a.advisory.as_str(), a.fixed.join(","), a.vulnerable.join(","))
        })
        .collect();
    let expected = [
        ("Red Hat", "openssl", "RHSA-1", "1-el7,1-el8", ""),
        ("alpine 3.9", "openssl", "CVE-1-1", "1.1-r0", ""),
        ("npm::X", "a", "CVE-1-1", "2,3", "< 2"),
        ("npm::X", "b", "GHSA-1", "9", ""),
    ];
    assert_eq!(affected, expected.map(|(a, b, c, d, e)| (a, b, c, d.to_string(), e.to_string())));
    let none = find(&sample(), "CVE-1");
    assert_eq!(none, Finding::default());
    assert_eq!(find(&sample(), "CVE-1-2").affected.len(), 2);
}

#[test]
fn lists_are_limited() {
    let versions: Vec<String> = (0..MAX_VERSIONS + 1).map(|n| format!("\"{n}\"")).collect();
    let text = format!(r#"{{"PatchedVersions":[{}]}}"#, versions.join(","));
    let packages: Tree = (0..MAX_AFFECTED + 2)
        .map(|n| (format!("{n:06}").into_bytes(), bucket([("CVE-1", value(if n == 0 { &text } else { "{}" }))])))
        .collect();
    let mut tree = Tree::new();
    tree.insert(b"p".to_vec(), Node::Bucket(packages));
    let finding = find(&tree, "CVE-1");
    assert_eq!((finding.affected.len(), finding.more), (MAX_AFFECTED, 2));
    assert_eq!((finding.affected[0].fixed.len(), finding.affected[0].cut), (MAX_VERSIONS, true));
    assert!(!finding.affected[1].cut);
}

// ---- metadata ------------------------------------------------------------------------------------------------------

fn metadata(version: u64, updated: &str, next: &str, downloaded: &str) -> Metadata {
    let text = format!(
        r#"{{"Version":{version},"NextUpdate":"{next}","UpdatedAt":"{updated}","DownloadedAt":"{downloaded}"}}"#
    );
    Metadata::parse(text.as_bytes()).unwrap()
}

const NEVER: &str = "0001-01-01T00:00:00Z";

#[test]
fn metadata_are_read_strictly() {
    let read = metadata(2, "2025-01-01T00:00:00Z", "2025-01-02T00:00:00.5+01:00", NEVER);
    assert_eq!(read.updated_at, Some(parse_rfc3339("2025-01-01T00:00:00Z").unwrap()));
    assert_eq!(read.next_update, Some(parse_rfc3339("2025-01-01T23:00:00.5Z").unwrap()));
    assert_eq!((read.version, read.downloaded_at, read.unknown.len()), (2, None, 0));
    for (text, expected) in [
        ("", "not as expected"),
        ("[]", "not as expected"),
        (r#"{"Version":2,"NextUpdate":"2025-01-02T00:00:00Z"}"#, "UpdatedAt"),
        (r#"{"Version":-2,"NextUpdate":"2025-01-02T00:00:00Z","UpdatedAt":"2025-01-01T00:00:00Z"}"#, "-2"),
        (r#"{"Version":"2","NextUpdate":"2025-01-02T00:00:00Z","UpdatedAt":"2025-01-01T00:00:00Z"}"#, "string"),
        (
            r#"{"Version":2,"Version":1,"NextUpdate":"2025-01-02T00:00:00Z","UpdatedAt":"2025-01-01T00:00:00Z"}"#,
            "duplicate",
        ),
        (r#"{"Version":2,"version":1,"NextUpdate":"2025-01-02T00:00:00Z","UpdatedAt":"2025-01-01T00:00:00Z"}"#, "case"),
        (r#"{"Version":2,"NextUpdate":"tomorrow","UpdatedAt":"2025-01-01T00:00:00Z"}"#, "NextUpdate: expected a date"),
    ] {
        let why = Metadata::parse(text.as_bytes()).unwrap_err();
        assert!(why.contains(expected), "{text}: {why}");
    }
    let more = br#"{"Version":2,"NextUpdate":"2025-01-02T00:00:00Z","UpdatedAt":"2025-01-01T00:00:00Z","Type":[1]}"#;
    assert_eq!(Metadata::parse(more).unwrap().unknown, ["Type"]);
}

#[test]
fn metadata_that_cannot_be_true_are_told() {
    let at = parse_rfc3339("2025-06-01T00:00:00Z").unwrap();
    let told = |metadata: Metadata, expected: u64| -> Vec<String> {
        metadata.implausible(expected, at).iter().map(ToString::to_string).collect()
    };
    let (day, next) = ("2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z");
    assert_eq!(told(metadata(2, day, next, next), SCHEMA), [""; 0]);
    assert_eq!(told(metadata(2, "2025-06-01T00:00:00Z", "2025-06-02T00:00:00Z", NEVER), SCHEMA), [""; 0]);
    assert_eq!(told(metadata(1, NEVER, NEVER, NEVER), JAVA_SCHEMA), [""; 0]);
    for (metadata, expected) in [
        (metadata(3, day, next, NEVER), "Version is 3, expected 2 for this database"),
        (
            metadata(2, "2025-06-01T00:00:01Z", "2026-01-01T00:00:00Z", NEVER),
            "UpdatedAt 2025-06-01T00:00:01Z lies in the future",
        ),
        (metadata(2, day, next, "2026-01-01T00:00:00Z"), "DownloadedAt 2026-01-01T00:00:00Z lies in the future"),
        (
            metadata(2, day, day, NEVER),
            "NextUpdate 2025-01-01T00:00:00Z does not come after UpdatedAt 2025-01-01T00:00:00Z",
        ),
        (
            metadata(2, next, "2025-02-01T00:00:00Z", day),
            "DownloadedAt 2025-01-01T00:00:00Z comes before UpdatedAt 2025-01-02T00:00:00Z",
        ),
        (metadata(2, NEVER, next, NEVER), "UpdatedAt is not set; expected a date"),
        (metadata(2, day, NEVER, NEVER), "NextUpdate is not set; expected a date"),
    ] {
        assert_eq!(told(metadata, SCHEMA), [expected]);
    }
    assert_eq!(metadata(2, day, "2025-05-31T00:00:00Z", NEVER).overdue_seconds(at), Some(86_400));
    assert_eq!(metadata(2, day, NEVER, NEVER).overdue_seconds(at), None);
}
