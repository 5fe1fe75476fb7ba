//! The subset that is read, each thing that is refused, and JSON as a reference: every JSON text of it is YAML too.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn read(text: &str) -> Value {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn refusal(text: &str) -> String {
    parse(text.as_bytes()).expect_err(text).to_string()
}

#[test]
fn reads_a_manifest() {
    let text = "\
# written by hand
---
profile:
  kind: mirror
  variant: full
  revision: 1
tenant: 'tenant-a'
generatedAt: \"2025-10-29T12:00:00Z\"
selectors: {tenants: [tenant-a, \"b\"]}
counts: {advisories: 3, vex: 0}
empty: {}
files:
- path: export.json   # pinned
  digest: sha256:00ff
  bytes: 18446744073709551615
-
  path: provenance.json
  digest: 'sha256:11'
  bytes: -1
...
";
    let expected = json!({
        "profile": {"kind": "mirror", "variant": "full", "revision": 1},
        "tenant": "tenant-a",
        "generatedAt": "2025-10-29T12:00:00Z",
        "selectors": {"tenants": ["tenant-a", "b"]},
        "counts": {"advisories": 3, "vex": 0},
        "empty": {},
        "files": [
            {"path": "export.json", "digest": "sha256:00ff", "bytes": u64::MAX},
            {"path": "provenance.json", "digest": "sha256:11", "bytes": -1},
        ],
    });
    assert_eq!(read(text), expected);
    assert_eq!(read(&text.replace('\n', "\r\n")), expected, "with the line ends of Windows");
}

#[test]
fn plain_scalars_that_are_no_strings() {
    for (text, value) in [
        ("", Value::Null),
        ("~", Value::Null),
        ("null", Value::Null),
        ("NULL", Value::Null),
        ("true", json!(true)),
        ("False", json!(false)),
        ("0", json!(0)),
        ("17", json!(17)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("18446744073709551615", json!(u64::MAX)),
    ] {
        assert_eq!(read(&format!("k: {text}\n")), json!({ "k": value }), "{text}");
    }
}

#[test]
fn plain_scalars_that_are_strings_as_written() {
    for text in [
        "sha256:0123",
        "2025-10-29",
        "2025-10-29T12:00:00Z",
        "12:30:45",
        "yes",
        "no",
        "On",
        "tRue",
        "nULL",
        "1.0",
        "1e3",
        ".inf",
        "0777",
        "0o17",
        "0x1f",
        "+5",
        "-0",
        "-",
        "1_000",
        "18446744073709551616",
        "-9223372036854775809",
        "0000000000000000000000000000000000000000000000000000000000000001",
        "1111111111111111111111111111111111111111111111111111111111111111",
        "a b",
        "v1.2#3",
        "=",
    ] {
        if text != "-" {
            assert_eq!(read(&format!("k: {text}\n")), json!({ "k": text }), "{text}");
        }
        assert_eq!(read(&format!("k: '{text}'\n")), json!({ "k": text }), "{text} in quotes");
    }
    for text in ["null", "true", "17", "", "~"] {
        assert_eq!(read(&format!("[\"{text}\", '{text}']\n")), json!([text, text]));
    }
}

#[test]
fn text_of_several_lines() {
    let text = "a: |\n  one\n  two\nb: >-\n  one\n  two\nc: one\n  two\nd: \"one\n  two\"\n";
    assert_eq!(read(text), json!({"a": "one\ntwo\n", "b": "one two", "c": "one two", "d": "one two"}));
}

#[test]
fn refusals_name_their_place() {
    for (text, sentence) in [
        ("", "no YAML document at line 1 column 1"),
        ("# only\n", "no YAML document at line 1 column 1"),
        ("a: 1\nb: 2\na: 3\n", "duplicate key \"a\" at line 3 column 1"),
        ("a: 1\n\"\\x61\": 3\n", "duplicate key \"a\" at line 2 column 1"),
        ("x: {a: 1, 'a': 2}\n", "duplicate key \"a\" at line 1 column 11"),
        ("a: 1\n---\nb: 2\n", "a second YAML document; expected one at line 2 column 1"),
        ("a: 1\n...\nb: 2\n", "a second YAML document; expected one at line 3 column 1"),
        ("---\n---\n", "a second YAML document; expected one at line 2 column 1"),
        ("%YAML 1.1\n---\na: 1\n", "a directive (% at the start of a line), which is not read here at line 1 column 1"),
        (
            "...\n%TAG ! x\n---\na: 1\n",
            "a directive (% at the start of a line), which is not read here at line 2 column 1",
        ),
        ("a: !x 1\n", "a tag (!), which is not read here at line 1 column"),
        ("a: ! 1\n", "a tag (!), which is not read here at line 1 column"),
        ("!!map {a: 1}\n", "a tag (!), which is not read here at line 1 column"),
        ("a: !!binary aGk=\n", "a tag (!), which is not read here at line 1 column"),
        ("- !!set {a}\n", "a tag (!), which is not read here at line 1 column"),
        ("a: &x 1\n", "an anchor or alias (& or *), which is not read here; write the value out at line 1 column"),
        ("a: &x [1]\n", "an anchor or alias (& or *), which is not read here; write the value out at line 1 column"),
        ("&x a: 1\n", "an anchor or alias (& or *), which is not read here; write the value out at line 1 column"),
        ("a:\n  <<: {b: 1}\n", "the merge key <<, which is not read here; write the members out at line 2 column 3"),
        ("1: a\n", "a key that is no string; write it in quotes at line 1 column 1"),
        ("true: a\n", "a key that is no string; write it in quotes at line 1 column 1"),
        (": a\n", "a key that is no string; write it in quotes at line 1 column"),
        ("[a]: b\n", "a key that is no string; write it in quotes at line 1 column"),
        ("? {a: b}\n: c\n", "a key that is no string; write it in quotes at line 1 column 3"),
        ("a: [1\n", "not YAML: "),
        ("a: *x\n", "not YAML: "),
        ("a: b: c\n", "not YAML: "),
        ("a:\n\t- b\n", "not YAML: "),
        ("\"a\n", "not YAML: "),
        ("a: \"\\q\"\n", "not YAML: "),
    ] {
        let found = refusal(text);
        assert!(found.starts_with(sentence), "{text:?}: {found}");
        assert!(found.contains(" at line "), "{found}");
    }
}

#[test]
fn an_alias_that_has_its_anchor_is_refused_at_the_anchor() {
    let found = refusal("a: &x [lol]\nb: [*x, *x]\n");
    assert!(found.starts_with("an anchor or alias") && found.contains(" at line 1 column "), "{found}");
}

#[test]
fn columns_count_bytes() {
    assert!(refusal("{'\u{e4}': 1, '\u{e4}': 2}\n").ends_with("at line 1 column 11"));
}

#[test]
fn characters_that_readers_treat_differently() {
    for (text, code) in [
        ("a: b\0c: d\n", "U+0000"),
        ("a: b\rc: d\n", "U+000D"),
        ("a: b\u{85}c: d\n", "U+0085"),
        ("a: b\u{2028}c: d\n", "U+2028"),
        ("\u{feff}a: b\n", "U+FEFF"),
        ("a: \u{1b}[0m\n", "U+001B"),
        ("a: \u{7f}\n", "U+007F"),
    ] {
        assert!(refusal(text).starts_with(&format!("character {code}")), "{text:?}: {}", refusal(text));
    }
    assert_eq!(read("\"\\0\\u2028\\e\"\n"), json!("\0\u{2028}\u{1b}"), "escaped they are what they are");
    assert_eq!(parse(b"a: \xff").unwrap_err().to_string(), "not UTF-8 at line 1 column 4");
}

#[test]
fn depth_is_limited_and_the_limit_is_reached() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(refusal(&nested(MAX_DEPTH + 1)), "nested deeper than 64 at line 1 column 65");
    for bomb in ["[", "{", "{a: ", "- ", "? ", "[\n", ": ", "a: ["] {
        assert!(parse(bomb.repeat(100_000).as_bytes()).is_err(), "{bomb:?}");
    }
    let steps: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_eq!(refusal(&steps), "nested deeper than 64 at line 65 column 65");
}

#[test]
fn size_and_number_of_values_are_limited() {
    let list = |values: usize| format!("[{}]", "a,".repeat(values));
    assert_eq!(read(&list(MAX_NODES - 1)).as_array().map(Vec::len), Some(MAX_NODES - 1));
    assert!(refusal(&list(MAX_NODES)).starts_with("more than 2097152 values at line 1 column "));
    let long = vec![b' '; MAX_BYTES + 1];
    let error = parse(&long).unwrap_err();
    assert_eq!(error.problem, Problem::TooLong(MAX_BYTES + 1));
}

/// Strings whose characters may stand in YAML as they are.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        "[a-z]{1,4}: [#&*!|>%@`-]{1,3}",
        Just("- a\n  b\n\nc".to_owned()),
        "\\PC{0,6}".prop_filter("printable to YAML", |text| text.chars().all(is_plain_text)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(text().prop_filter("merge key", |key| key != "<<"), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The value in block style, strings in quotes as JSON writes them.
fn block(value: &Value, indent: usize, out: &mut String) {
    let start = format!("\n{}", " ".repeat(indent));
    match value {
        Value::Array(list) if !list.is_empty() => {
            for value in list {
                out.push_str(&start);
                out.push('-');
                block(value, indent + 2, out);
            }
        }
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                out.push_str(&format!("{start}{}:", Value::from(key.as_str())));
                block(value, indent + 2, out);
            }
        }
        scalar => out.push_str(&format!(" {scalar}")),
    }
}

proptest! {
    #[test]
    fn json_reads_as_the_value_it_is(value in value()) {
        prop_assert_eq!(parse(value.to_string().as_bytes()), Ok(value.clone()));
        prop_assert_eq!(parse(serde_json::to_string_pretty(&value).unwrap().as_bytes()), Ok(value));
    }

    #[test]
    fn block_style_reads_as_the_value_it_is(value in value()) {
        let mut text = String::from("---");
        block(&value, 0, &mut text);
        prop_assert_eq!(parse(text.as_bytes()), Ok(value), "{}", text);
    }

    #[test]
    fn a_plain_scalar_is_itself_or_the_number_it_spells(text in "[a-z0-9.:/+_-]{0,10}[a-z0-9]") {
        let Ok(Value::Object(map)) = parse(format!("k: {text}\n").as_bytes()) else { return Ok(()) };
        match &map["k"] {
            Value::String(read) => prop_assert_eq!(read, &text),
            Value::Number(number) => prop_assert_eq!(number.to_string(), text),
            Value::Null => prop_assert_eq!("null", text),
            Value::Bool(read) => prop_assert_eq!(read.to_string(), text),
            other => prop_assert!(false, "{}: {}", text, other),
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&data);
    }

    #[test]
    fn arbitrary_structure_never_panics(pieces in proptest::collection::vec(
        prop::sample::select(vec!["a", "b: ", "- ", "? ", ": ", "[", "]", "{", "}", ",", "\n", "\n ", "\n  ", "\"", "'",
            "|\n", ">-\n", "#", "---", "...", "&a ", "*a ", "!t ", "\t", " ", "\\", "0", "<<: "]), 0..60)) {
        if let Err(error) = parse(pieces.concat().as_bytes()) {
            prop_assert!(error.at.line >= 1 && error.at.column >= 1);
        }
    }
}
