use super::*;
use crate::trust::policy::{LegacySigning, Property};

const KINDS: [&str; 4] = ["devportal:offline", "mirror:full", "mirror:thin", "plain"];
const ED25519: &[u8] = include_bytes!("../../../keys-example/ed25519.pub.pem");
const SECOND: &[u8] = include_bytes!("../../../keys-example/ed25519-second.pub.pem");
const P256: &[u8] = include_bytes!("../../../keys-example/ecdsa-p256.pub.pem");
const JWKS: &[u8] = include_bytes!("../../../keys-example/trusted.jwks.json");
const SECRET: &[u8] = include_bytes!("../../../keys-example/hmac.key");

fn key_file(name: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let bytes = match name {
        "ed25519.pem" => ED25519,
        "second.pem" => SECOND,
        "p256.pem" => P256,
        "set.jwks" => JWKS,
        "hmac.key" => SECRET,
        // The point of the Ed25519 key, which is the end of its SubjectPublicKeyInfo.
        "point.key" => return Ok(Zeroizing::new(ed25519().spki_der()[12..].to_vec())),
        _ => return Err("no such file".into()),
    };
    Ok(Zeroizing::new(bytes.to_vec()))
}

fn ed25519() -> PublicKey {
    crate::trust::key::parse(ED25519).unwrap().remove(0)
}

fn read(text: &str) -> Result<TrustFile, PolicyFileError> {
    load(text.as_bytes(), b"trust.toml", &KINDS, &mut |name, _| key_file(name))
}

/// A policy with one key, whose table goes on with `more`, and whatever `rest` says.
fn with(more: &str, rest: &str) -> String {
    format!("version = 1\n[[key]]\nname = \"acme\"\nfile = \"ed25519.pem\"\n{more}\n{rest}\n")
}

/// Line and field of the refusal, and its words.
fn refused(text: &str) -> (usize, String, String) {
    let error = read(text).map(|_| ()).expect_err(text);
    (error.line, error.field, error.message)
}

fn assert_refused(text: &str, line: usize, field: &str, words: &str) {
    let found = refused(text);
    assert_eq!((found.0, found.1.as_str()), (line, field), "{text}: {}", found.2);
    assert!(found.2.contains(words), "{text}: {}", found.2);
}

#[test]
fn a_policy_is_read_in_full() {
    let text = with(
        "kinds = [\"mirror:*\"]\ndocuments = [\"*.json\"]\nschemes = [\"ed25519\"]\n\
         valid_from = 2026-01-01T00:00:00Z\nvalid_until = \"2026-12-31T23:59:59Z\"",
        "[[key]]\nname = \"old\"\nfile = \"second.pem\"\nrevoked = true\nreason = \"lost\"\n\
         [[secret]]\nname = \"portal\"\nfile = \"hmac.key\"\nkinds = [\"devportal:offline\"]\n\
         [threshold]\ndefault = 1\n\"devportal:*\" = 1\n[require]\ndefault = [\"public-key\"]\n\"mirror:*\" = [\"fresh\"]\n\
         [max_age]\n\"mirror:*\" = \"7d\"\n\
         [[waiver]]\nallow_extra = \"notes/*\"\nreason = \"agreed\"\n\
         [[waiver]]\nlegacy_signing = \"raw-payload\"\nkinds = [\"devportal:*\"]\nreason = \"old exporter\"\n",
    );
    let file = read(&text).unwrap();
    let names: Vec<&str> = file.all_terms().map(|(terms, ..)| terms.name.as_str()).collect();
    assert_eq!(names, ["acme", "old", "portal"]);
    assert_eq!(file.keys[0].fingerprint, ed25519().fingerprint());
    assert!(file.keys[0].terms.valid_from < file.keys[0].terms.valid_until);
    assert_eq!(file.keys[1].terms.revoked.as_deref(), Some("lost"));
    assert_eq!(file.rules.require("mirror:full"), [Property::PublicKey, Property::Fresh]);
    assert_eq!(file.rules.max_age("mirror:thin"), Some(7 * 86400));
    assert_eq!(file.rules.file.sha256, sha256(text.as_bytes()));
    let legacy = |kind| file.rules.waivers(kind).any(|w| w.what == Waived::Legacy(LegacySigning::RawPayload));
    assert!(legacy("devportal:offline") && !legacy("mirror:full"));
}

#[test]
fn a_fingerprint_chooses_one_of_several_keys_and_must_agree() {
    let chosen = format!(
        "version = 1\n[[key]]\nname = \"a\"\nfile = \"set.jwks\"\nfingerprint = \"{}\"\n",
        ed25519().fingerprint()
    );
    assert_eq!(read(&chosen).unwrap().keys[0].material, Some(ed25519()));
    assert_refused(
        "version = 1\n[[key]]\nname = \"a\"\nfile = \"set.jwks\"\n",
        4,
        "key.file",
        "expected one key, found",
    );
    let other = chosen.replace("set.jwks", "p256.pem");
    assert_refused(&other, 5, "key.fingerprint", "expected it to be of the key in the file");
    let alone = chosen.replace("file = \"set.jwks\"\n", "");
    assert_eq!(read(&alone).unwrap().keys[0].material, None);
}

#[test]
fn what_is_not_understood_is_refused() {
    assert_refused("version = 2\nnew = 1\n", 1, "version", "expected 1, found 2");
    assert_refused("[[key]]\nname = \"a\"\n", 1, "version", "missing field");
    assert_refused("version = 1\n[[revoked]]\nfile = \"x\"\n", 2, "revoked", "unknown field");
    assert_refused(&with("may_sign = []", ""), 5, "may_sign", "unknown field");
    assert_refused(&with("", "[policy]"), 6, "policy", "unknown field");
    assert_refused("version = 1\nexample_keys = true\n", 2, "example_keys", "[[waiver]]");
    assert_refused(&with("name = \"b\"", ""), 5, "name", "duplicate key");
    assert_refused(&with("kinds = \"mirror:*\"", ""), 5, "kinds", "expected a sequence");
    assert_refused("version = 1\nkey\n", 2, "key", "expected `=`");
    assert_refused(&with("schemes = [\"rsa\"]", ""), 5, "key.schemes", "expected one of ed25519, ");
    assert_refused(&with("schemes = [\"hmac-sha256\"]", ""), 5, "key.schemes", "expected one of ed25519, ");
    assert_refused(&with("", "[require]\n\"mirror:*\" = [\"signed\"]"), 7, "require", "expected one of integrity, ");
    assert_refused(&with("", "[max_age]\ndefault = \"a week\""), 7, "max_age", "expected");
    assert_refused(&with("", "[threshold]\n\"mirr:*\" = 1"), 7, "threshold", "expected a glob that fits a kind");
    assert_refused(&with("kinds = [\n\"mirror:*\",\n\"!plain\"]", ""), 7, "key.kinds", "negated");
    assert_refused(&with("valid_from = 2026-01-01", ""), 5, "key.valid_from", "RFC 3339");
    assert_refused(
        &with("", "[[waiver]]\nlegacy_signing = \"any\"\nreason = \"x\""),
        7,
        "waiver.legacy_signing",
        "raw-payload",
    );
}

#[test]
fn the_file_has_a_size_and_is_text() {
    let long = with("", &"#".repeat(MAX_POLICY_BYTES));
    assert_refused(&long, 1, "the file", "expected at most 262144 bytes");
    let error = load(b"version = 1\n# \xff", b"t", &KINDS, &mut |name, _| key_file(name)).unwrap_err();
    assert_eq!((error.line, error.message.as_str()), (2, "expected UTF-8, found other bytes"));
    let key = |n| format!("[[key]]\nname = \"k{n}\"\nfingerprint = \"sha256:{n:064x}\"\n");
    let many: String = (0..=MAX_POLICY_KEYS).map(key).collect();
    assert_refused(&format!("version = 1\n{many}"), 2 + 3 * MAX_POLICY_KEYS + 1, "key", "expected at most 256 keys");
}

#[test]
fn empty_lists_are_no_way_to_say_all_or_none() {
    assert_refused("version = 1\nkey = []\n", 2, "key", "an empty one");
    for field in ["kinds", "documents", "schemes"] {
        assert_refused(&with(&format!("{field} = []"), ""), 5, &format!("key.{field}"), "an empty one");
    }
    assert_refused(&with("", "[threshold]"), 6, "threshold", "an empty table");
    assert_refused(&with("", "[require]\ndefault = []"), 7, "require", "an empty one");
}

#[test]
fn one_name_is_one_key() {
    let second = |name: &str, file: &str| with("", &format!("[[key]]\nname = \"{name}\"\nfile = \"{file}\""));
    assert!(read(&second("other", "p256.pem")).is_ok());
    assert_refused(&second("acme", "p256.pem"), 7, "name", "expected each name once, found acme on line 3 too");
    assert_refused(&second("other", "ed25519.pem"), 7, "file", "found the key of acme as other too");
    let secret = with("", "[[secret]]\nname = \"s\"\nfile = \"point.key\"");
    assert_refused(&secret, 7, "secret.file", "everybody knows it");
    for name in ["", " a", "a\\u202eb", "a\\nb"] {
        assert_refused(&with("", "").replace("acme", name), 3, "key.name", "expected 1 to 64 letters");
    }
}

#[test]
fn a_key_needs_a_file_or_a_fingerprint_that_can_be_one() {
    assert_refused("version = 1\n[[key]]\nname = \"a\"\n", 2, "key.file", "found neither");
    assert_refused(&with("", "").replace("ed25519.pem", "none"), 4, "key.file", "no such file");
    assert_refused(&with("", "").replace("ed25519.pem", "hmac.key"), 4, "key.file", "expected");
    assert_refused(&with("fingerprint = \"SHA256:00\"", ""), 5, "key.fingerprint", "64 lower-case hex digits");
    assert_refused(
        &with("schemes = [\"rsa-pss-sha256\"]", ""),
        5,
        "key.schemes",
        "of a key of type Ed25519, found rsa-pss-sha256",
    );
    assert_refused(&with("", "[[secret]]\nname = \"s\"\nfile = \"p256.pem\""), 8, "secret.file", "a PEM block");
}

#[test]
fn reasons_are_mandatory_where_trust_is_taken_or_given_away() {
    assert_refused(&with("revoked = true", ""), 5, "key.reason", "expected a reason");
    assert_refused(&with("reason = \"x\"", ""), 5, "key.reason", "beside revoked = true only");
    assert_refused(&with("revoked = false\nreason = \"x\"", ""), 6, "key.reason", "beside revoked = true only");
    assert_refused(&with("revoked = true\nreason = \" \"", ""), 6, "key.reason", "expected one line");
    assert_refused(&with("", "[[waiver]]\nallow_extra = \"*\""), 6, "reason", "missing field");
    assert_refused(
        &with("", "[[waiver]]\nexample_keys = true\nreason = \"\""),
        8,
        "waiver.reason",
        "expected one line",
    );
    assert_refused(
        &with("", "[[waiver]]\nexample_keys = false\nreason = \"x\""),
        7,
        "waiver.example_keys",
        "expected true",
    );
    assert_refused(&with("", "[[waiver]]\nreason = \"x\""), 6, "waiver", "expected one of");
    let two = "[[waiver]]\nallow_extra = \"a\"\nexample_keys = true\nreason = \"x\"";
    assert_refused(&with("", two), 6, "waiver", "expected one of");
}

#[test]
fn a_policy_that_trusts_nobody_is_none() {
    assert_refused("version = 1\n", 1, "key", "trusts nobody");
    assert_refused(&with("revoked = true\nreason = \"lost\"", ""), 1, "key", "trusts nobody");
    let never = "valid_from = 2027-01-01T00:00:00Z\nvalid_until = 2026-01-01T00:00:00Z";
    assert_refused(&with(never, ""), 6, "key.valid_until", "never count");
}

#[test]
fn a_threshold_can_be_reached() {
    let second = "[[key]]\nname = \"b\"\nfile = \"p256.pem\"\nkinds = [\"mirror:*\"]\n";
    let policy = |threshold: &str| with("", &format!("{second}[threshold]\n{threshold}"));
    assert!(read(&policy("\"mirror:*\" = 2")).is_ok());
    assert_refused(
        &policy("default = 2"),
        11,
        "threshold",
        "at most the 1 keys that may sign devportal:offline, found 2",
    );
    assert_refused(
        &policy("\"mirror:*\" = 3"),
        11,
        "threshold",
        "at most the 2 keys that may sign mirror:full, found 3",
    );
    assert_refused(&policy("default = 0"), 11, "threshold", "from 1 on, found 0");
    let only = with("kinds = [\"plain\"]", "[threshold]\n\"mirror:*\" = 1");
    assert_refused(&only, 7, "threshold", "expected keys that may sign mirror:*, found none");
    let revoked = policy("\"mirror:*\" = 2").replace("kinds = [\"mirror:*\"]", "revoked = true\nreason = \"lost\"");
    assert_refused(&revoked, 12, "threshold", "at most the 1 keys");
}

#[test]
fn one_legacy_input_a_kind() {
    let waiver =
        |mode: &str, kinds: &str| format!("[[waiver]]\nlegacy_signing = \"{mode}\"\n{kinds}\nreason = \"x\"\n");
    let two = |kinds: &str| {
        with("", &(waiver("raw-payload", "kinds = [\"mirror:*\"]") + &waiver("base64url-payload", kinds)))
    };
    assert!(read(&two("kinds = [\"plain\"]")).is_ok());
    assert_refused(&two(""), 13, "waiver.legacy_signing", "found two for mirror:full");
}

#[test]
fn example_keys_need_a_waiver_of_the_file_or_of_the_operator() {
    let at = crate::format::time::parse_rfc3339("2026-11-20T00:00:00Z").unwrap();
    let apply = |rest: &str, allow: bool| {
        let mut policy = Policy::new(at);
        read(&with("", rest)).unwrap().apply(&mut policy, allow).map(|()| policy)
    };
    let error = apply("", false).map(|_| ()).unwrap_err();
    assert_eq!(error.line, 3);
    assert!(error.message.contains("key acme is the example key ed25519.pub.pem"), "{}", error.message);
    let waived = apply("[[waiver]]\nexample_keys = true\nreason = \"a trial\"", false).unwrap();
    assert!(waived.waivers[0].ends_with("prove nothing: a trial"), "{:?}", waived.waivers);
    assert!(apply("", true).unwrap().waivers[0].starts_with("--allow-example-keys: "));
}

#[test]
fn options_take_the_place_of_the_file_and_are_shown() {
    let at = crate::format::time::parse_rfc3339("2026-11-20T00:00:00Z").unwrap();
    let rest = "[threshold]\ndefault = 1\n[require]\ndefault = [\"tuf\"]\n[max_age]\ndefault = \"7d\"\n\
                [[waiver]]\nlegacy_signing = \"raw-payload\"\nreason = \"old exporter\"\n";
    let policy = |change: &dyn Fn(&mut Policy)| {
        let mut policy = Policy::new(at);
        change(&mut policy);
        read(&with("", rest)).unwrap().apply(&mut policy, true).unwrap();
        policy.for_kind("plain")
    };
    let plain = policy(&|_| {});
    assert_eq!(plain.max_age, Some(7 * 86400));
    assert_eq!(plain.legacy_signing, Some(LegacySigning::RawPayload));
    assert!(plain.waivers.contains(&"legacy_signing raw-payload: old exporter".into()));
    assert!(plain.required(&[]).contains(&Property::Tuf) && plain.required(&[]).contains(&Property::Fresh));
    assert_eq!(plain.record().unwrap().overridden, Vec::<String>::new());
    let changed = policy(&|policy| {
        policy.threshold_given = true;
        policy.threshold = std::num::NonZeroUsize::new(2).unwrap();
        policy.require = Some(vec![Property::Signature]);
        policy.max_age = Some(86400);
        policy.legacy_signing = Some(LegacySigning::Base64urlPayload);
    });
    assert_eq!(changed.threshold.get(), 2);
    assert!(!changed.required(&[]).contains(&Property::Tuf));
    assert_eq!(
        changed.record().unwrap().overridden,
        [
            "--threshold 2 in place of 1",
            "--max-age 1 d 0 h in place of 7 d 0 h",
            "--require signature in place of tuf",
            "--legacy-signing in place of raw-payload",
        ]
    );
}

#[test]
fn a_key_of_the_file_keeps_its_terms_whoever_gives_it() {
    let at = crate::format::time::parse_rfc3339("2026-11-20T00:00:00Z").unwrap();
    let revoked = format!(
        "version = 1\n[[key]]\nname = \"b\"\nfile = \"p256.pem\"\n[[key]]\nname = \"old\"\nfingerprint = \"{}\"\n\
         revoked = true\nreason = \"lost\"\n",
        ed25519().fingerprint()
    );
    let mut policy = Policy::new(at);
    read(&revoked).unwrap().apply(&mut policy, true).unwrap();
    policy.keys.trust_public(ed25519());
    assert_eq!(policy.keys.public().len(), 2);
    let terms = policy.keys.terms(ed25519().fingerprint()).unwrap();
    assert_eq!(terms.revoked.as_deref(), Some("lost"));
}

#[test]
fn no_text_makes_it_panic_or_overflow() {
    let text = with(
        "kinds = [\"mirror:*\"]\nvalid_until = 2026-12-31T23:59:59Z",
        "[threshold]\n\"mirror:*\" = 1\n[[waiver]]\nallow_extra = \"n/*\"\nreason = \"x\"\n",
    );
    for at in 0..text.len() {
        for byte in *b"\"]=\n0\xff" {
            let mut changed = text.clone().into_bytes();
            changed[at] = byte;
            let _ = load(&changed, b"t", &KINDS, &mut |name, _| key_file(name));
        }
        let _ = read(&text[..at]);
    }
    for deep in ["[", "{a=", "a.", "[[key]]\n", "key=[{"] {
        assert!(read(&deep.repeat(MAX_POLICY_BYTES / deep.len())).is_err(), "{deep}");
    }
}

#[test]
fn a_kind_that_is_not_known_gives_no_key_of_one_kind_its_word() {
    let at = crate::format::time::parse_rfc3339("2026-11-20T00:00:00Z").unwrap();
    let mut policy = Policy::new(at);
    let second = "[[key]]\nname = \"b\"\nfile = \"p256.pem\"\n[threshold]\n\"mirror:*\" = 2";
    read(&with("kinds = [\"mirror:*\"]", second)).unwrap().apply(&mut policy, true).unwrap();
    assert_eq!(policy.threshold.get(), 2, "before the kind is known, the highest holds");
    assert_eq!(policy.for_kind("plain").threshold.get(), 1);
    assert_eq!(policy.for_kind("mirror:thin").threshold.get(), 2);
}
