//! The documents say what the program does: every check, kind, limit and exit code is described, and nothing else is.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use portcullis::bundle::{self, KINDS, changes, encryption, receipts, trivy, trivy_oci, wants_document};
use portcullis::format::anomaly::Defect;
use portcullis::format::limits::Limits;
use portcullis::format::trivy_db::compare;
use portcullis::format::{
    bbolt, blob_signature, checksums, dsse, intoto, inventory, json, jws, merkle, note, oci, path, rekor, revocation,
    sigstore as sigstore_bundle, trivy_db, trivy_java, yaml,
};
use portcullis::pipeline::{sidecar, spool, statements, unpack};
use portcullis::trust::check::{self, CHECKS, CheckKind};
use portcullis::trust::{identity, key, policy_file, rekor as logs, sealed, second_opinion, sigstore};
use std::collections::{BTreeMap, BTreeSet};
use support::{Case, all, assert_none, cases, root};

/// Kinds with their page under docs/bundles/ and their folder under fixtures/. The last is that of a verb of its own. Kinds of
/// one layout share a page.
const PAGES: [(&str, &str, &str); 20] = [
    ("devportal:offline", "devportal-offline.md", "devportal"),
    ("devportal:draft", "devportal-draft.md", "devportal-draft"),
    ("evidence:sealed", "evidence-sealed.md", "evidence"),
    ("evidence:portable", "evidence-portable.md", "evidence-portable"),
    ("mirror:full", "mirror-full.md", "mirror-full"),
    ("mirror:delta", "mirror-delta.md", "mirror-delta"),
    ("mirror:thin", "mirror-thin.md", "mirror-thin"),
    ("mirror:airgap", "mirror-airgap.md", "mirror-airgap"),
    ("mirror:contract", "mirror-contract.md", "mirror-contract"),
    ("mirror:dsse-1501", "mirror-dsse-1501.md", "mirror-dsse-1501"),
    ("mirror:policy", "mirror-policy.md", "mirror-policy"),
    ("mirror:concelier", "mirror-concelier.md", "mirror-concelier"),
    ("json:raw", "run-export.md", "json-raw"),
    ("json:policy", "run-export.md", "json-policy"),
    ("oci:layout", "oci.md", "oci-layout"),
    ("trivy:oci", "trivy.md", "trivy-oci"),
    ("trivy:db", "trivy.md", "trivy-db"),
    ("trivy:java-db", "trivy.md", "trivy-java-db"),
    ("plain", "plain.md", "plain"),
    ("dsse:envelope", "dsse-envelope.md", "dsse"),
];

/// What every page about a kind explains, in this order.
const CHAPTERS: [&str; 8] = [
    "## Layout",
    "## Markers",
    "## Who claims what",
    "## Signature",
    "## Variants",
    "## Set aside",
    "## What a verdict means",
    "## Open questions",
];

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Rows of the tables of a text, each as its trimmed cells; heads and rules left out.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |at: usize| lines.get(at).is_some_and(|line| line.starts_with("|--"));
    let places = (0..lines.len()).filter(|at| lines[*at].starts_with('|') && !is_rule(*at) && !is_rule(at + 1));
    places.map(|at| cells(lines[at])).collect()
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()
}

fn classes() -> BTreeMap<&'static str, CheckKind> {
    let defects = Defect::ALL.iter().map(|defect| check::of_defect(*defect));
    CHECKS.iter().copied().chain(defects).map(|kind| (kind.id, kind)).collect()
}

#[test]
fn every_check_has_its_heading() {
    let text = read("docs/checks.md");
    let mut described = BTreeSet::new();
    for section in text.split("\n## ").skip(1) {
        let id = section.strip_prefix('`').and_then(|rest| rest.split_once("`\n")).map(|(id, _)| id);
        let id = id.unwrap_or_else(|| panic!("a heading that is no check: {:?}", section.lines().next()));
        assert!(described.insert(id), "two headings for {id}");
        let kind = classes().get(id).copied().unwrap_or_else(|| panic!("a heading for {id}, which is no check"));
        let class = format!("Class `{}`", kind.class.name());
        assert!(section.contains(&class), "{id}: expected {class}");
        let exit = format!("exit {}", kind.class.exit_code());
        assert!(section.contains(&exit) || section.contains("never fails"), "{id}: expected {exit}");
        assert!(section.contains("*What to do:*"), "{id}: nothing says what to do");
    }
    let known: BTreeSet<&str> = classes().into_keys().collect();
    let lacking: Vec<_> = known.difference(&described).collect();
    assert!(lacking.is_empty(), "docs/checks.md has no heading for {lacking:?}");
}

#[test]
fn every_kind_has_its_page_and_its_cases() {
    let kinds: BTreeSet<&str> = KINDS.iter().map(|kind| kind.id()).chain(["dsse:envelope"]).collect();
    let named: BTreeSet<&str> = PAGES.iter().map(|(id, _, _)| *id).collect();
    assert_eq!(kinds, named);
    let pages: BTreeSet<String> = PAGES.iter().map(|(_, page, _)| page.to_string()).collect();
    let there = |folder: &str| -> BTreeSet<String> {
        let list = std::fs::read_dir(root().join(folder)).unwrap();
        list.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(there("docs/bundles"), pages);
    let mut folders: BTreeSet<String> = PAGES.iter().map(|(_, _, folder)| folder.to_string()).collect();
    // Repositories, artifacts and revocation lists are no bundles: docs/tuf.md, docs/sigstore.md, docs/revocation.md.
    // Receipts come with several kinds: docs/transparency.md.
    folders.extend(["tuf".into(), "sigstore".into(), "revocation".into(), "rekor".into()]);
    // Statements are about bundles of any kind: docs/trust.md. Pairs of bundles: docs/diff.md.
    folders.extend(["intoto".into(), "diff".into()]);
    let found = support::folders(&root().join("fixtures")).into_iter();
    assert_eq!(
        found.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect::<BTreeSet<_>>(),
        folders
    );
    for (id, page, _) in PAGES {
        let text = read(&format!("docs/bundles/{page}"));
        let head = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
        let of_page: Vec<&str> = PAGES.iter().filter(|(_, other, _)| *other == page).map(|(id, ..)| *id).collect();
        assert_eq!(head, of_page.join(", "), "{page} should begin with its ids, {id} among them");
        let chapters: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(chapters, CHAPTERS, "{page}");
    }
}

/// The size up to which a file of this name is kept as a document.
fn largest_document(name: &[u8]) -> u64 {
    assert!(wants_document(name, 1), "no document at all");
    (0..40)
        .rev()
        .map(|bit| 1 << bit)
        .fold(0, |size, bit| if wants_document(name, size | bit) { size | bit } else { size })
}

#[test]
fn every_limit_is_the_one_in_the_code() {
    let code: BTreeMap<&str, u64> = [
        ("MAX_BYTES", Limits::MAX_BYTES),
        ("MAX_ENTRIES", Limits::MAX_ENTRIES),
        ("MAX_RATIO", Limits::MAX_RATIO),
        ("RATIO_GRACE", Limits::RATIO_GRACE),
        ("MAX_DEPTH", u64::from(Limits::MAX_DEPTH)),
        ("MAX_WINDOW", Limits::MAX_WINDOW),
        ("MAX_DOCUMENT", Limits::MAX_DOCUMENT),
        ("MAX_DOCUMENTS", Limits::MAX_DOCUMENTS),
        ("MAX_NAMES", Limits::MAX_NAMES),
        ("NAME_BYTES", Limits::NAME_BYTES),
        ("MAX_EXTENSION", Limits::MAX_EXTENSION),
        ("format::path::MAX_PATH", path::MAX_PATH as u64),
        ("format::path::MAX_COMPONENT", path::MAX_COMPONENT as u64),
        ("format::checksums::MAX_LINE", checksums::MAX_LINE as u64),
        ("format::json::MAX_DEPTH", json::MAX_DEPTH as u64),
        ("format::dsse::MAX_SIGNATURES", dsse::MAX_SIGNATURES as u64),
        ("format::dsse::MAX_PAYLOAD_TYPE", dsse::MAX_PAYLOAD_TYPE as u64),
        ("format::json::MAX_KEYS", json::MAX_KEYS as u64),
        ("format::json::MAX_NODES", json::MAX_NODES as u64),
        ("format::json::SMALL.bytes", json::SMALL.bytes as u64),
        ("format::json::SMALL.nodes", json::SMALL.nodes as u64),
        ("format::json::ROWS.bytes", json::ROWS.bytes as u64),
        ("format::json::ROWS.nodes", json::ROWS.nodes as u64),
        ("format::revocation::MAX_REVOCATIONS", revocation::MAX_REVOCATIONS as u64),
        ("format::revocation::MAX_TEXT", revocation::MAX_TEXT as u64),
        ("format::revocation::MAX_LIST", revocation::MAX_LIST as u64),
        ("format::revocation::MAX_FAULTS", revocation::MAX_FAULTS as u64),
        ("bundle::revocation::MAX_TOLD", bundle::revocation::MAX_TOLD as u64),
        ("bundle::MAX_SELECTORS", bundle::MAX_SELECTORS as u64),
        ("bundle::MAX_CHANGES", bundle::MAX_CHANGES as u64),
        ("bundle::MAX_DOMAINS", bundle::MAX_DOMAINS as u64),
        ("pipeline::sidecar::MAX_TUF_FILE", sidecar::MAX_TUF_FILE),
        ("format::yaml::MAX_DEPTH", yaml::MAX_DEPTH as u64),
        ("format::yaml::MAX_BYTES", yaml::MAX_BYTES as u64),
        ("format::yaml::MAX_NODES", yaml::MAX_NODES as u64),
        ("format::jws::MAX_HEADER", jws::MAX_HEADER as u64),
        ("format::jws::MAX_SIGNATURE", jws::MAX_SIGNATURE as u64),
        ("format::jws::MAX_ALG", jws::MAX_ALG as u64),
        ("format::jws::MAX_KID", jws::MAX_KID as u64),
        ("format::dsse::MAX_KEYID", dsse::MAX_KEYID as u64),
        ("format::inventory::MAX_ANOMALIES", inventory::MAX_ANOMALIES as u64),
        ("format::sigstore::MAX_BUNDLE", sigstore_bundle::MAX_BUNDLE as u64),
        ("format::sigstore::MAX_ITEMS", sigstore_bundle::MAX_ITEMS as u64),
        ("format::sigstore::MAX_SUBJECTS", sigstore_bundle::MAX_SUBJECTS as u64),
        ("format::rekor::MAX_RECEIPT", rekor::MAX_RECEIPT as u64),
        ("format::rekor::MAX_PACK", rekor::MAX_PACK),
        ("format::rekor::MAX_LINES", rekor::MAX_LINES as u64),
        ("format::merkle::MAX_HASHES", merkle::MAX_HASHES as u64),
        ("format::note::MAX_NOTE", note::MAX_NOTE as u64),
        ("format::note::MAX_SIGNATURES", note::MAX_SIGNATURES as u64),
        ("bundle::receipts::MAX_RECEIPTS", receipts::MAX_RECEIPTS as u64),
        ("bundle::receipts::MAX_PACKS", receipts::MAX_PACKS as u64),
        ("bundle::receipts::MAX_PACK_BYTES", receipts::MAX_PACK_BYTES),
        ("trust::rekor::MAX_LOG_KEYS", logs::MAX_LOG_KEYS as u64),
        ("format::intoto::MAX_SUBJECTS", intoto::MAX_SUBJECTS as u64),
        ("format::intoto::MAX_TEXT", intoto::MAX_TEXT as u64),
        ("format::intoto::MAX_DIGESTS", intoto::MAX_DIGESTS as u64),
        ("pipeline::statements::MAX_STATEMENTS", statements::MAX_STATEMENTS as u64),
        ("pipeline::statements::MAX_STRAY_LINES", statements::MAX_STRAY_LINES as u64),
        ("trust::policy_file::MAX_LISTS", policy_file::MAX_LISTS as u64),
        ("trust::sigstore::MAX_TRUSTED_ROOT", sigstore::MAX_TRUSTED_ROOT),
        ("trust::sigstore::MAX_HELD", sigstore::MAX_HELD),
        ("trust::sigstore::companion::MAX_COMPANION", sigstore::companion::MAX_COMPANION as u64),
        ("trust::second_opinion::MAX_MESSAGE", second_opinion::MAX_MESSAGE),
        ("trust::key::MAX_FILE_BYTES", key::MAX_FILE_BYTES as u64),
        ("trust::key::MAX_KEYS", key::MAX_KEYS as u64),
        ("trust::policy_file::MAX_POLICY_BYTES", policy_file::MAX_POLICY_BYTES as u64),
        ("trust::policy_file::MAX_POLICY_KEYS", policy_file::MAX_POLICY_KEYS as u64),
        ("trust::key::MAX_RSA_BITS", u64::from(key::MAX_RSA_BITS)),
        ("trust::check::MAX_LISTED", check::MAX_LISTED as u64),
        ("format::yaml::MAX_BYTES", yaml::MAX_BYTES as u64),
        ("format::yaml::MAX_NODES", yaml::MAX_NODES as u64),
        ("format::yaml::MAX_DEPTH", yaml::MAX_DEPTH as u64),
        ("format::blob_signature::MAX_BYTES", blob_signature::MAX_BYTES as u64),
        ("format::oci::MAX_JSON", oci::MAX_JSON),
        ("format::oci::MAX_NESTING", oci::MAX_NESTING as u64),
        ("format::oci::MAX_DESCRIPTORS", oci::MAX_DESCRIPTORS as u64),
        ("format::oci::MAX_MEDIA_TYPE", oci::MAX_MEDIA_TYPE as u64),
        ("format::bbolt::MAX_PAGES", bbolt::MAX_PAGES),
        ("format::bbolt::MAX_RUN", bbolt::MAX_RUN),
        ("format::bbolt::MAX_HELD", bbolt::MAX_HELD),
        ("format::bbolt::MAX_BUCKET_DEPTH", bbolt::MAX_BUCKET_DEPTH as u64),
        ("format::bbolt::MAX_TREE_DEPTH", bbolt::MAX_TREE_DEPTH as u64),
        ("format::bbolt::MAX_KEY", bbolt::MAX_KEY as u64),
        ("format::trivy_db::MAX_PLATFORMS", trivy_db::MAX_PLATFORMS as u64),
        ("format::trivy_db::MAX_TEXT", trivy_db::MAX_TEXT as u64),
        ("format::trivy_db::MAX_AFFECTED", trivy_db::MAX_AFFECTED as u64),
        ("format::trivy_db::MAX_FINDING", trivy_db::MAX_FINDING as u64),
        ("format::trivy_db::MAX_VERSIONS", trivy_db::MAX_VERSIONS as u64),
        ("format::trivy_db::MAX_FAULTS", trivy_db::MAX_FAULTS as u64),
        ("format::trivy_db::compare::MAX_LISTED", compare::MAX_LISTED as u64),
        ("format::trivy_db::compare::MAX_LISTED_TEXT", compare::MAX_LISTED_TEXT as u64),
        ("format::trivy_db::compare::MAX_REMEMBERED", compare::MAX_REMEMBERED as u64),
        ("format::trivy_db::compare::MAX_LOOKED_UP", u64::from(compare::MAX_LOOKED_UP)),
        ("format::trivy_db::compare::MAX_NAMED", compare::MAX_NAMED as u64),
        ("bundle::changes::identity::MAX_FIELDS", changes::identity::MAX_FIELDS as u64),
        ("bundle::changes::images::MAX_IMAGES", changes::images::MAX_IMAGES as u64),
        ("bundle::changes::stated::MAX_NAMED", changes::stated::MAX_NAMED as u64),
        ("bundle::changes::documents::MAX_LINES", changes::documents::MAX_LINES),
        ("bundle::changes::documents::MAX_VALUE", changes::documents::MAX_VALUE),
        ("bundle::changes::documents::MAX_ROWS", changes::documents::MAX_ROWS as u64),
        ("bundle::changes::documents::MAX_DOCUMENTS", changes::documents::MAX_DOCUMENTS as u64),
        ("bundle::changes::documents::MAX_LISTED", changes::documents::MAX_LISTED as u64),
        ("bundle::changes::documents::MAX_TEXT", changes::documents::MAX_TEXT as u64),
        ("bundle::changes::documents::MAX_STEPS", changes::documents::MAX_STEPS as u64),
        ("bundle::changes::unified::MAX_UNIFIED", changes::unified::MAX_UNIFIED),
        ("bundle::changes::unified::MAX_STEPS", changes::unified::MAX_STEPS as u64),
        ("format::trivy_java::MAX_PAGES", trivy_java::MAX_PAGES),
        ("format::trivy_java::MAX_OBJECTS", trivy_java::MAX_OBJECTS),
        ("format::trivy_java::MAX_ROW", trivy_java::MAX_ROW),
        ("format::trivy_java::CACHE", trivy_java::CACHE),
        ("format::trivy_java::MAX_HEAP", trivy_java::MAX_HEAP),
        ("format::trivy_java::STEPS_PER_BYTE", trivy_java::STEPS_PER_BYTE),
        ("format::trivy_java::FREE_STEPS", trivy_java::FREE_STEPS),
        ("format::trivy_java::MAX_ARCHIVE_TYPES", trivy_java::MAX_ARCHIVE_TYPES as u64),
        ("format::trivy_java::MAX_ARCHIVE_TYPE", trivy_java::MAX_ARCHIVE_TYPE as u64),
        ("bundle::trivy::MAX_METADATA", trivy::MAX_METADATA as u64),
        ("bundle::trivy_oci::MAX_DATABASES", trivy_oci::MAX_DATABASES as u64),
        ("pipeline::spool::MAX_SPOOL", spool::MAX_SPOOL),
        ("pipeline::spool::MAX_SPOOLS", spool::MAX_SPOOLS as u64),
        ("pipeline::spool::MAX_LAYER_ENTRIES", spool::MAX_LAYER_ENTRIES),
        ("pipeline::spool::MAX_LAYER_DOCUMENTS", spool::MAX_LAYER_DOCUMENTS),
        ("pipeline::unpack::DEFAULT_SPOOL", unpack::DEFAULT_SPOOL),
        ("trust::identity::MAX_IDENTITY_FILE", identity::MAX_IDENTITY_FILE as u64),
        ("trust::identity::MAX_IDENTITIES", identity::MAX_IDENTITIES as u64),
        ("trust::identity::MAX_WRAPPED", identity::MAX_WRAPPED as u64),
        ("trust::identity::MAX_STANZAS", identity::MAX_STANZAS as u64),
        ("bundle::encryption::MAX_RECIPIENTS", encryption::MAX_RECIPIENTS as u64),
        ("trust::sealed::MAX_SEALED", sealed::MAX_SEALED as u64),
        ("trust::sealed::MAX_DIAGNOSED", sealed::MAX_DIAGNOSED as u64),
        ("trust::sealed::MAX_TRIES", sealed::MAX_TRIES as u64),
        ("NAME.sig", largest_document(b"NAME.sig")),
        ("NAME.jws", largest_document(b"NAME.jws")),
        ("NAME.intoto.jsonl", largest_document(b"NAME.intoto.jsonl")),
        ("NAME.nonce", largest_document(b"NAME.nonce")),
        ("indexes/NAME.index.json", largest_document(b"indexes/NAME.index.json")),
    ]
    .into();
    let text = read("docs/limits.md");
    let stated: BTreeMap<&str, u64> = rows(&text).into_iter().map(|row| (row[0], row[1].parse().unwrap())).collect();
    for name in stated.keys().chain(code.keys()) {
        assert_eq!(stated.get(name), code.get(name), "docs/limits.md on {name}");
    }
    let source = read("src/format/limits.rs");
    for line in source.lines().filter_map(|line| line.trim().strip_prefix("pub const ")) {
        let name = line.split(':').next().unwrap();
        assert!(code.contains_key(name), "docs/limits.md does not state {name}");
        assert!(text.contains(&format!("\n## `{name}`\n")), "docs/limits.md does not explain {name}");
    }
    for (name, option, _) in rows(&text).into_iter().filter(|row| row.len() == 4).map(|row| (row[0], row[3], row[2])) {
        if option.starts_with("--") {
            let help = String::from_utf8(support::run(&["verify", "--help"]).stdout).unwrap();
            let line = help.split(option).nth(1).unwrap_or_else(|| panic!("{option} is no option"));
            let line: String = line.split("--").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(line.contains(&format!("[default: {}", code[name])), "the help for {option} says {line}");
        }
    }
}

/// Verdict and class of a row of docs/exit-codes.md, and what it promises.
type Codes = BTreeMap<(String, String), i32>;

fn tables() -> BTreeMap<String, Codes> {
    let text = read("docs/exit-codes.md");
    let section = |head: &str| {
        let start = text.find(head).unwrap_or_else(|| panic!("docs/exit-codes.md has no {head}"));
        let rest = &text[start + head.len()..];
        rest[..rest.find("\n#").unwrap_or(rest.len())].to_string()
    };
    let heads = [
        ("portcullis", "## Our own table"),
        ("stella-export", "### `stella-export`"),
        ("stella-devportal", "### `stella-devportal`"),
        ("stella-offline", "### `stella-offline`"),
    ];
    let table = |head: &str| {
        let rows = section(head);
        let codes = self::rows(&rows).into_iter().map(|row| ((row[0].into(), row[1].into()), row[2].parse().unwrap()));
        codes.collect::<Codes>()
    };
    heads.into_iter().map(|(name, head)| (name.to_string(), table(head))).collect()
}

#[test]
fn every_exit_code_is_the_one_that_the_program_gives() {
    let tables = tables();
    let help = String::from_utf8(support::run(&["verify", "--help"]).stdout).unwrap();
    let mut rows: BTreeMap<(String, String), Vec<Case>> = BTreeMap::new();
    for case in cases().into_iter().filter(|case| case.args[0] == "verify") {
        let class = match (case.verdict.as_str(), case.exit) {
            ("error", 2) => "usage".to_string(),
            ("error", _) => "environment".to_string(),
            ("failed", _) => {
                case.failing.iter().map(|id| classes()[id.as_str()].class).min().unwrap().name().to_string()
            }
            _ => String::new(),
        };
        rows.entry((case.verdict.clone(), class)).or_default().push(case);
    }
    for (table, codes) in &tables {
        assert!(help.contains(&format!("- {table}:")), "--exit-codes does not know {table}");
        assert_eq!(codes.keys().collect::<Vec<_>>(), tables["portcullis"].keys().collect::<Vec<_>>(), "{table}");
        for row in rows.keys() {
            assert!(codes.contains_key(row), "{table} has no row for {row:?}");
        }
        // Every usage error, since those that the parser finds take another way; three cases of everything else.
        let chosen: Vec<(&Case, i32)> = rows
            .iter()
            .flat_map(|(row, cases)| {
                let many = if row.1 == "usage" { cases.len() } else { 3 };
                cases.iter().take(many).map(|case| (case, codes[row]))
            })
            .collect();
        assert_none(&all(&chosen, |(case, expected)| {
            let output = case.run(&["--json", "--exit-codes", table]);
            let stated = support::json(&output).map(|report| report["exit_code"].to_string());
            let found = output.status.code();
            let right = found == Some(*expected) && stated.as_deref() == Ok(&expected.to_string());
            (!right)
                .then(|| format!("{table}, {}: expected {expected}, found {found:?}, {stated:?}", case.name()))
                .into_iter()
                .collect()
        }));
    }
    // What no kind of this version can show, the code still maps: its own unit test covers the classes.
    let shown: BTreeSet<&str> = rows.keys().map(|(_, class)| class.as_str()).collect();
    for class in ["container", "signature", "integrity", "freshness", "sequence", "usage", "environment"] {
        assert!(shown.contains(class), "no case ends with {class}");
    }
}

#[test]
fn documents_name_no_check_kind_or_option_that_does_not_exist() {
    let help: String = [
        &["verify", "--help"][..],
        &["unpack", "--help"],
        &["inspect", "--help"],
        &["diff", "--help"],
        &["dsse", "verify", "--help"],
        &["tuf", "verify", "--help"],
        &["revocation", "verify", "--help"],
        &["key", "show", "--help"],
    ]
    .iter()
    .map(|args| String::from_utf8(support::run(args).stdout).unwrap())
    .collect();
    let mut pages = vec![
        "docs/diff.md".to_string(),
        "docs/tuf.md".into(),
        "docs/revocation.md".into(),
        "docs/trust.md".into(),
        "docs/trust-policy.md".into(),
        "docs/checks.md".into(),
        "docs/limits.md".into(),
        "docs/exit-codes.md".into(),
        "docs/unpack.md".into(),
    ];
    pages.extend(PAGES.iter().map(|(_, page, _)| format!("docs/bundles/{page}")));
    for page in pages {
        let text = read(&page);
        for quoted in text.split('`').skip(1).step_by(2).filter(|quoted| quoted.starts_with("--")) {
            let option = quoted.split([' ', '=']).next().unwrap();
            // Options of other programs are spoken of where limits are explained.
            assert!(help.contains(option) || ["--long", "--ultra"].contains(&option), "{page}: {option}");
        }
        for line in text.lines() {
            assert!(line.chars().count() <= 130 || line.starts_with('|'), "{page}: a long line: {line}");
        }
    }
}
