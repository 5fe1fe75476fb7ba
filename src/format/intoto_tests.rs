use super::*;
use serde_json::{Value, json};

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn good() -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a.tgz", "digest": {"sha256": HEX, "sha1": "0".repeat(40), "gitTree": "any"}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {"buildType": "t", "resolvedDependencies": [
                {"uri": "git+https://a.example/b", "digest": {"gitCommit": "c"}}, {"digest": {"sha256": "d"}}, 7]},
            "runDetails": {"builder": {"id": "https://ci.example"}, "metadata": {"startedOn": "2026-11-01T00:00:00Z"}},
        },
    })
}

fn read(value: &Value) -> Result<Statement, String> {
    parse(value.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn refused(change: impl FnOnce(&mut Value), words: &str) {
    let mut value = good();
    change(&mut value);
    let why = read(&value).unwrap_err();
    assert!(why.contains(words), "{why}");
}

#[test]
fn members_are_read_as_they_stand() {
    let statement = read(&good()).unwrap();
    assert_eq!((statement.version, statement.single), (Version::V1, false));
    let subject = &statement.subjects[0];
    assert_eq!((subject.name.as_str(), subject.sha256.is_some(), subject.sha512.is_none()), ("a.tgz", true, true));
    assert_eq!(subject.others, ["gitTree", "sha1"]);
    let claims = |name: &str| {
        statement.claims.iter().filter(|(n, _)| *n == name).map(|(_, v)| v.as_str()).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(claims("builder"), "https://ci.example");
    assert_eq!(claims("material"), "git+https://a.example/b (gitCommit:c); sha256:d");
    assert_eq!(claims("started"), "2026-11-01T00:00:00Z");
}

#[test]
fn version_0_1_demands_names_and_version_1_does_not() {
    let mut value = good();
    value["_type"] = json!("https://in-toto.io/Statement/v0.1");
    assert_eq!(read(&value).unwrap().version, Version::V0_1);
    value["subject"][0].as_object_mut().unwrap().remove("name");
    assert!(read(&value).unwrap_err().contains("subject 0 has no name"));
    value["_type"] = json!("https://in-toto.io/Statement/v1");
    assert_eq!(read(&value).unwrap().subjects[0].name, "");
    value["subject"] = value["subject"][0].clone();
    assert!(read(&value).unwrap().single);
}

#[test]
fn what_is_no_statement_is_refused_and_says_why() {
    refused(|v| v["_type"] = json!("https://in-toto.io/Statement/v0.2"), "_type: expected https://in-toto.io");
    refused(|v| v["_type"] = json!(1), "expected a text");
    refused(|v| v["subject"] = json!([]), "about nothing");
    refused(|v| v["subject"] = json!("x"), "expected a list of objects");
    refused(|v| v["subject"][0]["digest"] = json!({}), "expected 1 to 16 members");
    refused(|v| v["subject"][0]["digest"]["sha256"] = json!(HEX.to_uppercase()), "64 lower-case hex digits");
    refused(|v| v["subject"][0]["digest"]["sha256"] = json!(&HEX[1..]), "64 lower-case hex digits");
    refused(|v| v["subject"][0]["digest"]["md5"] = json!("0"), "32 lower-case hex digits");
    refused(|v| v["subject"][0]["digest"]["SHA256"] = json!(HEX), "some readers take for it");
    refused(|v| v["Subject"] = json!([]), "some readers take for it");
    refused(|v| v["predicateType"] = json!(""), "predicateType: expected 1 to");
    refused(|v| v["predicate"] = json!([]), "predicate: expected an object");
    refused(|v| v["subject"] = vec![v["subject"][0].clone(); MAX_SUBJECTS + 1].into(), "found 65537");
    for text in ["", "not json", "[]", "{}", r#"{"_type":"a","_type":"b"}"#] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn older_metadata_is_told_from_statements() {
    assert_eq!(older_metadata(br#"{"_type": "link", "name": "package"}"#), Some("link"));
    assert_eq!(older_metadata(br#"{"_type": "layout"}"#), Some("layout"));
    assert_eq!(older_metadata(br#"{"_type": "link", "_type": "https://in-toto.io/Statement/v1"}"#), None);
    assert_eq!(older_metadata(good().to_string().as_bytes()), None);
}

#[test]
fn as_many_subjects_as_are_allowed_are_read() {
    let mut value = good();
    value["subject"] = vec![value["subject"][0].clone(); MAX_SUBJECTS].into();
    assert_eq!(read(&value).unwrap().subjects.len(), MAX_SUBJECTS);
}

#[test]
fn types_are_known_by_name_with_their_versions_and_not_by_prefix() {
    assert_eq!(predicate_name("https://cyclonedx.org/bom/v1.6"), Some("CycloneDX BOM"));
    assert_eq!(predicate_name("https://slsa.dev/provenance/v1"), Some("SLSA provenance v1"));
    assert_eq!(predicate_name("https://slsa.dev/provenance/v12"), None);
    assert_eq!(predicate_name("StellaOps.ScanResults@1"), Some("StellaOps scan results"));
    assert_eq!(predicate_name("https://example.org/x"), None);
}

#[test]
fn lists_are_shown_in_part_and_counted() {
    let mut value = good();
    value["predicate"]["buildDefinition"]["resolvedDependencies"] = vec![json!({"uri": "u"}); 11].into();
    let claims = read(&value).unwrap().claims;
    let shown: Vec<&str> = claims.iter().filter(|(n, _)| *n == "material").map(|(_, v)| v.as_str()).collect();
    assert_eq!((shown.len(), shown[8]), (9, "and 3 more"));
}
