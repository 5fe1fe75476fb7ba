//! Tests of strict JSON: texts that two readers would read differently, in pairs with their harmless neighbours.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn refusal(text: &str) -> String {
    check(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn accepts_plain_texts() {
    for text in [
        "null",
        " [] \r\n",
        "\"\\ud83d\\ude00\"",
        r#"{"a":{"a":1},"b":[{"a":2},{"a":3}]}"#,
        r#"{"":1,"key":"k","straße":2}"#,
        "[9007199254740993, 18446744073709551615, -9223372036854775808, -0]",
        "[1971316174388549.2, 1971316174388549.3, 0.10000000000000001, 4.9e-324]",
        "[0.1, 1.0, 9.80, -2.5e-3, 1E+2, 0.30000000000000004, 5e-324, 0e99999999999999999999, 0.30000000000000000, 1.7976931348623157e308]",
        "\"18446744073709551616 \\\" 1e-400 \\\\\"",
    ] {
        assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
    }
}

#[test]
fn refuses_duplicate_keys_at_every_depth_and_in_every_spelling() {
    assert_eq!(
        refusal("{\"path\":\"a\",\n \"sha256\":1,\n \"sha256\":2}"),
        "duplicate key \"sha256\" at line 3 column 9"
    );
    for text in
        [r#"{"run":1,"ru\u006E":2}"#, r#"[[{"x":{"a":1,"b":2,"a":3}}]]"#, r#"{"a":{"b":1},"a":2}"#, r#"{"":1,"":2}"#]
    {
        assert!(refusal(text).starts_with("duplicate key"), "{text}");
    }
}

#[test]
fn refuses_keys_that_differ_only_by_case() {
    assert_eq!(
        refusal(r#"{"sha256":1,"Sha256":2}"#),
        "key \"Sha256\" differs from \"sha256\" only by case at line 1 column 20"
    );
    for text in [r#"{"\u017Fha256":1,"sha256":2}"#, "{\"key\":1,\"\u{212A}EY\":2}"] {
        assert!(refusal(text).contains("only by case"), "{text}");
    }
    assert_eq!(check("{\"é\":1,\"É\":2}".as_bytes()), Ok(()), "only what folds into ASCII counts");
}

#[test]
fn wide_objects_are_checked_like_narrow_ones() {
    for size in [15, 16, 17, 18, 200] {
        let mut text = String::from("{\"outer\":{");
        for key in 0..size {
            write!(text, "\"Key{key}\":{{\"Key0\":0}},").unwrap();
        }
        assert_eq!(check(format!("{text}\"last\":1}}}}").as_bytes()), Ok(()), "{size}");
        assert!(refusal(&format!("{text}\"Key0\":1}}}}")).starts_with("duplicate key \"Key0\""));
        assert!(refusal(&format!("{text}\"kEY0\":1}}}}")).contains("differs from \"Key0\""));
        assert!(refusal(&format!("{text}\"last\":1}},\"OUTER\":1}}")).contains("differs from \"outer\""));
    }
}

#[test]
fn refuses_deep_nesting_without_using_the_stack() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check(nested(MAX_DEPTH).as_bytes()), Ok(()));
    assert!(refusal(&nested(MAX_DEPTH + 1)).starts_with("nested deeper than 64 at line 1"));
    assert!(refusal(&"[".repeat(1_000_000)).starts_with("nested deeper than 64"));
    assert!(refusal(&"{\"a\":".repeat(1_000_000)).starts_with("nested deeper than 64"));
}

#[test]
fn refuses_numbers_that_lose_something() {
    for number in [
        "18446744073709551616",
        "-9223372036854775809",
        "100000000000000000000",
        "0.1000000000000000055",
        "9007199254740993.0",
        "1e-400",
        "2e-324",
        "3e-324",
        "1971316174388549.4",
        "1e99999999999999999999",
    ] {
        assert!(check(format!("[1,\n{number}]").as_bytes()).is_err(), "{number}");
    }
    let error = refusal("{\"a\":\"-1.5\\\\\",\n\"b\": 18446744073709551616}");
    assert!(error.contains("number 18446744073709551616"), "{error}");
    assert!(error.ends_with("at line 2 column 6"), "{error}");
    assert!(refusal("1e400").contains("out of range"));
}

#[test]
fn refuses_what_is_not_json() {
    for text in [
        "",
        " ",
        "NaN",
        "-Infinity",
        "01",
        "1.",
        ".5",
        "+1",
        "'a'",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "// x\n1",
        "1 2",
        "{}{}",
        "\"\\ud800\"",
        "{\"\\udc00\":1}",
        "\"\\ud800\\u0041\"",
        "\"\\x41\"",
        "\"a\nb\"",
        "[1",
        "\"a",
        "nul",
        "\u{a0}1",
        "\0",
    ] {
        assert!(matches!(check(text.as_bytes()).unwrap_err().problem, Problem::Syntax(_)), "{text:?}");
    }
    for bytes in [&b"\xEF\xBB\xBF{}"[..], b"\xFF\xFE{\0}\0"] {
        assert_eq!(check(bytes).unwrap_err().to_string(), "byte order mark at line 1 column 1");
    }
    assert_eq!(check(b"{\"a\":\n \"\xC0\xAF\"}").unwrap_err().to_string(), "not UTF-8 at line 2 column 3");
}

#[test]
fn parse_names_what_does_not_fit() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Entry<'a> {
        path: &'a str,
    }
    assert_eq!(parse(br#"{"path":"a"}"#), Ok(Entry { path: "a" }));
    let error = parse::<Entry>(b"{\"path\":1}").unwrap_err();
    assert!(matches!(error.problem, Problem::Shape(_)), "{error:?}");
    let error = parse::<u8>(format!("{:?}", "x".repeat(100_000)).as_bytes()).unwrap_err();
    assert!(error.to_string().len() < 200, "untrusted text is shortened");
}

#[test]
fn compares_values_and_not_spellings() {
    let same = |a: &str, b: &str| same_value(a.as_bytes(), b.as_bytes());
    assert_eq!(same(r#"{"a":1,"b":"\u0041"}"#, "{ \"b\":\"A\",\n\"a\":1 }"), Ok(true));
    assert_eq!(same("[1,2]", "[2,1]"), Ok(false));
    assert_eq!(same("[-0.0,-1]", "[0.0, -1]"), Ok(true));
    for (a, b) in [
        ("[[1],2]", "[[1,2]]"),
        (r#"{"a":{"b":1}}"#, r#"{"a":1,"b":1}"#),
        (r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#),
        ("\"1\"", "1"),
        ("[]", "{}"),
        ("null", "false"),
        ("null", "\"\""),
        ("[true]", "[false]"),
    ] {
        assert_eq!(same(a, b), Ok(false), "{a} {b}");
    }
    assert_eq!(same("1", "1.0"), Ok(false));
    assert_eq!(same("9007199254740993", "9007199254740992"), Ok(false));
    assert!(same(r#"{"a":1,"a":1}"#, r#"{"a":1,"a":1}"#).is_err(), "equal bytes are checked too");
    assert!(same("{}", r#"{"a":1,"a":1}"#).is_err());
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 24, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..24).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"\\\\\n\u{e9}]{0,4}", inner, 0..24)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn objects_with_too_many_keys_are_refused() {
    let object = |count: usize| {
        let members: Vec<String> = (0..count).map(|n| format!("\"{n}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    assert_eq!(check(object(MAX_KEYS).as_bytes()), Ok(()));
    assert_eq!(check(object(MAX_KEYS + 1).as_bytes()).unwrap_err().problem, Problem::TooWide);
}

#[test]
fn texts_with_too_many_values_are_refused() {
    let list = |count: usize| format!("[{}]", vec!["0"; count - 1].join(","));
    assert_eq!(check(list(MAX_NODES).as_bytes()), Ok(()));
    assert_eq!(check(list(MAX_NODES + 1).as_bytes()).unwrap_err().problem, Problem::TooMany(MAX_NODES));
    let size = Size { bytes: 20, nodes: 5 };
    for (text, problem) in [
        ("[0,0,0,0]", None),
        ("[0,0,0,0,0]", Some(Problem::TooMany(5))),
        ("[{},[],[]]", None),
        (r#"{"a":{"b":[[]]}}"#, None),
        (r#"[{"a":[[]]},0]"#, None),
        (r#"[{"a":[[]]},0,0]"#, Some(Problem::TooMany(5))),
        ("\"aaaaaaaaaaaaaaaaaa\"", None),
        ("\"aaaaaaaaaaaaaaaaaaa\"", Some(Problem::TooLong { limit: 20, found: 21 })),
    ] {
        assert_eq!(check_within(text.as_bytes(), size).err().map(|error| error.problem), problem, "{text}");
    }
}

#[test]
fn keys_of_all_open_objects_are_counted_together() {
    let half: Vec<String> = (0..MAX_KEYS / 2).map(|n| format!("\"{n}\":0")).collect();
    let half = half.join(",");
    let beside = format!("[{{{half}}},{{{half}}},{{{half}}}]");
    assert_eq!(check(beside.as_bytes()), Ok(()), "closed objects do not count");
    let inside = format!("{{{half},\"inner\":{{{half}}}}}");
    assert_eq!(check(inside.as_bytes()).unwrap_err().problem, Problem::TooWide);
}

#[test]
fn a_million_entries_of_eight_values_are_read() {
    let entry = r#"{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0}"#;
    assert_eq!(check(format!("[{}]", vec![entry; 1_000_000].join(",")).as_bytes()), Ok(()));
}

proptest! {
    #[test]
    fn accepts_what_is_written_from_a_value(value in value()) {
        let (tight, wide) = (value.to_string(), serde_json::to_string_pretty(&value).unwrap());
        prop_assert_eq!(check(tight.as_bytes()), Ok(()));
        prop_assert_eq!(same_value(tight.as_bytes(), wide.as_bytes()), Ok(true));
    }

    #[test]
    fn compares_as_the_trees_of_values_do(a in value(), b in value()) {
        prop_assert_eq!(same_value(a.to_string().as_bytes(), b.to_string().as_bytes()), Ok(a == b));
    }

    #[test]
    fn refuses_any_object_that_repeats_a_key(value in value(), key in "[a-zA-Z]{1,8}") {
        let upper = key.to_ascii_uppercase();
        let text = format!("{{\"{key}\":{value},\"other key\":0,\"{upper}\":{value}}}");
        prop_assert!(check(text.as_bytes()).is_err());
    }

    #[test]
    fn accepts_nothing_that_the_plain_reader_refuses(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        "[\\[\\]{}:,\"\\\\ untrfalse0-9.eE+-]{0,40}".prop_map(String::into_bytes),
    ]) {
        if check(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
        }
    }

    #[test]
    fn doubles_are_lossless_in_up_to_17_digits(double in any::<f64>().prop_filter("finite", |d| d.is_finite())) {
        let seventeen = format!("{double:.16e}");
        for text in [format!("{double:e}"), format!("{double:?}"), seventeen, json!(double).to_string()] {
            prop_assert!(is_lossless(&text), "{}", text);
        }
        let longer = format!("{double:.25e}");
        prop_assert_eq!(is_lossless(&longer), significant(&longer).is_some());
    }
}

#[test]
fn exact_keys_may_differ_by_case_and_never_repeat() {
    assert_eq!(check_exact(br#"{"README":1,"readme":2}"#), Ok(()));
    assert!(check_exact(br#"{"a":1,"a":2}"#).is_err());
    let wide = |last: &str| {
        let keys: Vec<String> = (0..40).map(|n| format!("\"k{n}\":1")).collect();
        format!("{{{},\"{last}\":2}}", keys.join(","))
    };
    assert_eq!(check_exact(wide("K7").as_bytes()), Ok(()));
    assert!(check_exact(wide("k7").as_bytes()).is_err());
    assert!(check_exact(wide("k\\u0037").as_bytes()).is_err());
}
