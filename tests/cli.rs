//! The command line as its users meet it: what is printed where, and with which exit code.
//!
//! Snapshots lie in `tests/cli/`, one a behaviour. `PORTCULLIS_BLESS=1 cargo test --test cli` writes them anew; read the
//! difference before you commit it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use support::{assert_none, hostile, json, program, root, run, run_with_input};

const AT: &str = "2026-11-20T00:00:00Z";

// ---- snapshots -----------------------------------------------------------------------------------------------------

/// Name of the snapshot and the command line. `{dp}` and so on are folders of fixtures, `{keys}` is keys-example/.
const SNAPSHOTS: &[(&str, &str)] = &[
    ("help", "--help"),
    ("help-short", "-h"),
    ("help-inspect", "inspect --help"),
    ("help-verify", "verify --help"),
    ("help-diff", "diff --help"),
    ("help-dsse", "dsse --help"),
    ("help-dsse-verify", "dsse verify --help"),
    ("help-sigstore", "sigstore --help"),
    ("help-sigstore-verify", "sigstore verify --help"),
    ("help-tuf", "tuf --help"),
    ("help-tuf-verify", "tuf verify --help"),
    ("help-revocation", "revocation --help"),
    ("help-revocation-verify", "revocation verify --help"),
    ("help-key", "key --help"),
    ("help-key-show", "key show --help"),
    ("help-trust", "trust --help"),
    ("help-trust-show", "trust show --help"),
    ("help-selftest", "selftest --help"),
    ("help-completions", "completions --help"),
    ("help-man", "man --help"),
    ("version", "--version"),
    ("no-arguments", ""),
    ("unknown-verb", "unlock"),
    ("inspect", "inspect {dp}/good-envelope-beside/devportal-offline-bundle.tgz --at {at}"),
    ("inspect-json", "inspect {dp}/good-envelope-beside/devportal-offline-bundle.tgz --at {at} --json"),
    ("inspect-entries", "inspect {plain}/intact-long-name-pax-path/release.tar.gz --entries"),
    ("inspect-evidence", "inspect {ev}/good-schema-a/bundle.tgz"),
    ("inspect-images", "inspect {oci}/unproven-foreign-layer/images.tar.gz"),
    ("inspect-trivy", "inspect {tdb}/good-ed25519/db.bundle --at {at}"),
    ("inspect-trivy-json", "inspect {tdb}/good-database-alone/trivy.db --at {at} --json --advisory CVE-2026-10001"),
    ("inspect-trivy-java", "inspect {tjava}/good/java-db.bundle --at {at}"),
    ("inspect-trivy-delta", "inspect {toci}/good-delta/trivy-delta.oci.tar --at {at}"),
    ("inspect-trivy-other", "inspect {tdb}/other-use/db.bundle --at {at} --advisory CVE-2026-10001"),
    ("inspect-advisory", "inspect {toci}/good-own/trivy-db.oci.tar --at {at} --advisory CVE-2026-10002"),
    ("inspect-advisory-absent", "inspect {toci}/good-own/trivy-db.oci.tar --at {at} --advisory CVE-2026-1"),
    ("inspect-advisory-nowhere", "inspect {plain}/intact-bsd/release.tar.gz --at {at} --advisory CVE-2026-10001"),
    ("inspect-malformed", "inspect {dp}/end-halved/devportal-offline-bundle.tar"),
    ("verify", "verify {dp}/good-envelope-beside/devportal-offline-bundle.tgz {trust} --at {at}"),
    ("verify-json", "verify {dp}/good-envelope-beside/devportal-offline-bundle.tgz {trust} --at {at} --json"),
    ("verify-entries", "verify {dp}/good-envelope-inside/devportal-offline-bundle.tgz {trust} --at {at} --entries"),
    ("verify-shared-secret", "verify {dp}/good-hmac-document/devportal-offline-bundle.tgz {secret} --at {at}"),
    ("verify-evidence", "verify {ev}/good-schema-a/bundle.tgz {trust} --at {at}"),
    ("verify-directory", "verify {dp}/good-directory/tree {trust} --at {at}"),
    (
        "diff",
        "diff {dp}/good-two-of-two/devportal-offline-bundle.tgz {dp}/entry-altered/devportal-offline-bundle.tgz --at {at}",
    ),
    (
        "diff-json",
        "diff {dp}/good-two-of-two/devportal-offline-bundle.tgz {dp}/entry-altered/devportal-offline-bundle.tgz --at {at} --json",
    ),
    (
        "diff-verified",
        "diff {dp}/good-envelope-beside/devportal-offline-bundle.tgz {dp}/good-directory/tree {trust} --at {at}",
    ),
    (
        "diff-failed",
        "diff {dp}/good-envelope-beside/devportal-offline-bundle.tgz {dp}/entry-altered/devportal-offline-bundle.tgz {trust} --at {at}",
    ),
    ("diff-images", "diff {oci}/good/images.tar.gz {oci}/unproven-foreign-layer/images.tar.gz --at {at}"),
    (
        "diff-malformed",
        "diff {dp}/good-envelope-beside/devportal-offline-bundle.tgz {dp}/end-halved/devportal-offline-bundle.tar --at {at}",
    ),
    ("diff-missing", "diff {dp}/no-such-file {dp}/good-tar/devportal-offline-bundle.tar --at {at} --json"),
    (
        "diff-stat",
        "diff {tdb}/good-ed25519/db.bundle {toci}/good-own/trivy-db.oci.tar --at {at} --stat --fail-on critical-removed",
    ),
    (
        "verify-waivers",
        "verify {dp}/good-extra-allowed/devportal-offline-bundle.tgz {trust} --at {at} --allow-extra notes/*",
    ),
    (
        "verify-legacy-signing",
        "verify {dp}/good-raw-payload-waived/devportal-offline-bundle.tgz {trust} --at {at} --legacy-signing raw-payload",
    ),
    ("verify-intact", "verify {plain}/intact-sha256sums/release.tar.gz --require integrity,complete"),
    ("verify-quiet", "verify {dp}/entry-altered/devportal-offline-bundle.tgz {trust} --at {at} -q"),
    ("exit-0", "verify {plain}/intact-bsd/release.tar.gz --require integrity,complete -q"),
    ("exit-2", "verify {dp}/good-tar/devportal-offline-bundle.tar --key {keys}/ed25519.pub.pem"),
    ("exit-2-json", "verify {dp}/good-tar/devportal-offline-bundle.tar --key {keys}/no-such-key --at {at} --json"),
    ("exit-2-option", "verify {dp}/good-tar/devportal-offline-bundle.tar --threshold 0"),
    ("exit-2-option-json", "verify {dp}/good-tar/devportal-offline-bundle.tar --threshold 0 --at {at} --json"),
    ("exit-3", "verify {dp}/good-tar/devportal-offline-bundle.tar --at {at}"),
    ("exit-4", "verify {dp}/no-such-file"),
    ("exit-4-json", "verify {dp}/no-such-file --at {at} --json"),
    ("exit-20", "verify {dp}/entry-altered/devportal-offline-bundle.tgz {trust} --at {at}"),
    ("exit-20-json", "verify {dp}/entry-missing/devportal-offline-bundle.tgz {trust} --at {at} --json"),
    (
        "exit-21",
        "verify {dp}/wrong-key-given/devportal-offline-bundle.tgz --key {keys}/stranger.pub.pem --allow-example-keys --at {at}",
    ),
    ("exit-24", "verify {dp}/trailing-second-tar/devportal-offline-bundle.tar {trust} --at {at}"),
    ("exit-24-truncated", "verify {dp}/truncated-in-data/devportal-offline-bundle.tar {trust} --at {at}"),
    ("exit-24-empty", "verify {dp}/empty-file/devportal-offline-bundle.tgz {trust} --at {at}"),
    ("exit-25", "verify {dp}/stale/devportal-offline-bundle.tgz {trust} --at {at} --max-age 7d"),
    (
        "codes-stella-export",
        "verify {dp}/wrong-key-given/devportal-offline-bundle.tgz --key {keys}/stranger.pub.pem --allow-example-keys --at {at} --exit-codes stella-export -q",
    ),
    (
        "codes-stella-devportal",
        "verify {dp}/wrong-key-given/devportal-offline-bundle.tgz --key {keys}/stranger.pub.pem --allow-example-keys --at {at} --exit-codes stella-devportal -q",
    ),
    (
        "codes-stella-offline",
        "verify {dp}/wrong-key-given/devportal-offline-bundle.tgz --key {keys}/stranger.pub.pem --allow-example-keys --at {at} --exit-codes stella-offline -q",
    ),
    ("codes-of-a-bad-option", "verify x --exit-codes=stella-devportal --jobs none"),
    (
        "hostile-escape-sequence",
        "verify {dp}/unlisted-name-escape-sequence/devportal-offline-bundle.tgz {trust} --at {at}",
    ),
    ("hostile-bidi", "verify {dp}/unlisted-name-bidi/devportal-offline-bundle.tgz {trust} --at {at}"),
    ("hostile-newline", "verify {dp}/unlisted-name-newline/devportal-offline-bundle.tgz {trust} --at {at}"),
    ("hostile-not-utf8", "verify {dp}/unlisted-name-not-utf8/devportal-offline-bundle.tgz {trust} --at {at}"),
    ("hostile-hyperlink", "verify {dp}/unlisted-name-hyperlink/devportal-offline-bundle.tgz {trust} --at {at}"),
    ("colour", "verify {plain}/entry-altered/release.tar.gz --require integrity,complete --color always"),
    (
        "dsse-verify",
        "dsse verify {dsse}/good-two-of-two/envelope.dsse.json {trust} --key {keys}/ed25519-second.pub.pem --threshold 2 --at {at}",
    ),
    (
        "sigstore-verify",
        "sigstore verify {sigstore}/good-statement-sha256/artifact.bin --bundle {sigstore}/good-statement-sha256/artifact.bin.sigstore.json --trusted-root {sigstore}/good-statement-sha256/trusted_root.json --key {keys}/ecdsa-p256.pub.pem --allow-example-keys --at {at}",
    ),
    (
        "sigstore-verify-json",
        "sigstore verify {sigstore}/moved/artifact.bin --bundle {sigstore}/moved/artifact.bin.sigstore.json --trusted-root {sigstore}/moved/trusted_root.json --key {keys}/ecdsa-p256.pub.pem --allow-example-keys --at {at} --json",
    ),
    ("sigstore-verify-bad-digest", "sigstore verify sha256:00 --bundle {keys}/README.md"),
    ("dsse-verify-json", "dsse verify {dsse}/good-ed25519/envelope.dsse.json {trust} --at {at} --json"),
    ("dsse-verify-failed", "dsse verify {dsse}/payload-altered/envelope.dsse.json {trust} --at {at}"),
    ("dsse-verify-unproven", "dsse verify {dsse}/good-ed25519/envelope.dsse.json --at {at}"),
    ("dsse-verify-missing", "dsse verify {dsse}/no-such-file --at {at} --json"),
    ("tuf-verify-untrusted", "tuf verify --metadata-dir {keys} --at {at} --json"),
    ("tuf-verify-no-root", "tuf verify --metadata-dir {keys} --datastore {keys} --at {at}"),
    ("tuf-verify-bad-root", "tuf verify --metadata-dir {keys} --tuf-root {keys}/trusted.jwks.json --at {at}"),
    ("revocation-verify", "revocation verify {rev}/good/revocation-bundle.json {jws} --at {at}"),
    ("revocation-verify-json", "revocation verify {rev}/good/revocation-bundle.json {jws} --at {at} --json"),
    (
        "revocation-verify-own-key",
        "revocation verify {rev}/good-own-key-revoked/revocation-bundle.json {jws} --at {at}",
    ),
    (
        "revocation-verify-failed",
        "revocation verify {rev}/altered/revocation-bundle.json {jws} --at {at} --last-sequence 8",
    ),
    ("revocation-verify-unproven", "revocation verify {rev}/good/revocation-bundle.json --at {at}"),
    ("revocation-verify-hostile", "revocation verify {rev}/good-hostile-names/revocation-bundle.json {jws} --at {at}"),
    ("revocation-verify-missing", "revocation verify {rev}/no-such-file --at {at} --json"),
    ("revocation-verify-two-records", "revocation verify x --state y --last-sequence 1 --at {at} --json"),
    (
        "sigstore-verify-no-root",
        "sigstore verify {keys}/README.md --bundle {keys}/README.md --key {keys}/ecdsa-p384.pub.pem --allow-example-keys",
    ),
    (
        "sigstore-verify-two-ways",
        "sigstore verify {keys}/README.md --bundle {keys}/README.md --trusted-root {keys}/README.md --key {keys}/README.md \
         --certificate-identity a --certificate-oidc-issuer b",
    ),
    (
        "sigstore-verify-bad-root",
        "sigstore verify {keys}/README.md --bundle {keys}/README.md --trusted-root {keys}/trusted.jwks.json \
         --certificate-identity a --certificate-oidc-issuer b",
    ),
    ("key-show", "key show {keys}/ecdsa-p256.pub.pem"),
    ("key-show-jwks", "key show {keys}/trusted.jwks.json"),
    ("key-show-json", "key show {keys}/rsa-3072.pub.pem --json"),
    ("key-show-weak", "key show {keys}/rsa-1024.pub.pem"),
    ("key-show-garbage", "key show {keys}/README.md"),
    ("key-show-private", "key show {keys}/ed25519.key.pem"),
    ("key-show-directory", "key show {keys}"),
    ("key-show-missing", "key show {keys}/no-such-key"),
    ("key-directory", "verify {dp}/good-tar/devportal-offline-bundle.tar --key {keys}"),
    ("key-garbage", "verify {dp}/good-tar/devportal-offline-bundle.tar --key {keys}/README.md"),
    ("trust-show", "trust show {dp}/good-trust-all-terms/trust.toml"),
    ("trust-show-json", "trust show {dp}/good-trust-extra-waived/trust.toml --json"),
    ("trust-show-rules", "trust show {dp}/good-trust-overridden/trust.toml"),
    ("trust-show-bad", "trust show {dp}/usage-trust-unknown-kind/trust.toml"),
    ("trust-show-missing", "trust show {dp}/no-such-file"),
    (
        "trust-verify",
        "verify {dp}/good-trust-all-terms/devportal-offline-bundle.tgz --trust {dp}/good-trust-all-terms/trust.toml --allow-example-keys --at {at}",
    ),
    (
        "trust-verify-json",
        "verify {dp}/good-trust-overridden/devportal-offline-bundle.tgz --trust {dp}/good-trust-overridden/trust.toml --allow-example-keys --at {at} --threshold 1 --max-age 30d --json",
    ),
    (
        "trust-verify-refused",
        "verify {dp}/trust-revoked/devportal-offline-bundle.tgz --trust {dp}/trust-revoked/trust.toml --allow-example-keys --at {at}",
    ),
    (
        "trust-verify-bad",
        "verify {dp}/usage-trust-version/devportal-offline-bundle.tgz --trust {dp}/usage-trust-version/trust.toml --at {at} --json",
    ),
    ("jobs-zero", "verify {dp}/good-tar/devportal-offline-bundle.tar --jobs 0"),
    ("advisory-no-id", "inspect {tdb}/good-ed25519/db.bundle --advisory openssl/1.1"),
    ("scanner-unknown", "verify {tdb}/good-ed25519/db.bundle --scanner grype@0.80"),
    ("at-no-time", "inspect {dp}/good-tar/devportal-offline-bundle.tar --at yesterday"),
    ("kind-unknown", "inspect {dp}/good-tar/devportal-offline-bundle.tar --kind tarball"),
    ("json-and-format", "inspect {dp}/good-tar/devportal-offline-bundle.tar --json --format text --at {at}"),
];

/// The words of a command line, with paths from the root of the project, where tests run: text is wrapped to a width, so
/// that a path that depends on the place of the clone would move the line breaks of a snapshot.
fn arguments(line: &str) -> Vec<String> {
    let fixtures = Path::new("fixtures");
    let line = line
        .replace("{trust}", "--key {keys}/ed25519.pub.pem --allow-example-keys")
        .replace("{jws}", "--key {keys}/ecdsa-p256.pub.pem --allow-example-keys")
        .replace("{secret}", "--hmac-key {keys}/hmac.key --allow-example-keys")
        .replace("{at}", AT);
    let fill = |word: &str| {
        let mut word = word.replace("{keys}", "keys-example");
        for (short, folder) in [
            ("{dp}", "devportal"),
            ("{plain}", "plain"),
            ("{ev}", "evidence"),
            ("{oci}", "oci-layout"),
            ("{toci}", "trivy-oci"),
            ("{tdb}", "trivy-db"),
            ("{tjava}", "trivy-java-db"),
            ("{dsse}", "dsse"),
            ("{rev}", "revocation"),
            ("{sigstore}", "sigstore"),
        ] {
            word = word.replace(short, &fixtures.join(folder).to_string_lossy());
        }
        word
    };
    line.split_whitespace().map(fill).collect()
}

/// What differs from machine to machine and from release to release.
fn redacted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    // What of the cage holds is up to the kernel; tests/cage.rs looks at it.
    let text = replaced(&text, "\"cage\": {\n", "\n  }", "\"cage\": {as the kernel has it}");
    let text = replaced(&text, "\nCage: ", "\n", "\nCage: {as the kernel has it}\n");
    text.replace(&format!("portcullis {}", env!("CARGO_PKG_VERSION")), "portcullis {version}")
        .replace(&format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"version\": \"{version}\"")
}

/// `text` with what lies from `from` to the next `to` replaced by `by`, where there is such a thing.
fn replaced(text: &str, from: &str, to: &str, by: &str) -> String {
    let found = text.split_once(from).and_then(|(before, rest)| Some((before, rest.split_once(to)?.1)));
    found.map_or(text.to_string(), |(before, after)| format!("{before}{by}{after}"))
}

fn snapshot(args: &[String], output: &Output) -> String {
    let code = output.status.code().map_or("a signal".to_string(), |code| code.to_string());
    let (stdout, stderr) = (redacted(&output.stdout), redacted(&output.stderr));
    let words = redacted(args.join(" ").as_bytes());
    format!("$ portcullis {words}\nexit {code}\n---- stdout\n{stdout}---- stderr\n{stderr}")
}

#[test]
fn snapshots() {
    let folder = root().join("tests/cli");
    let bless = std::env::var_os("PORTCULLIS_BLESS").is_some();
    let wrong = support::all(SNAPSHOTS, |(name, line)| {
        let args = arguments(line);
        let found = snapshot(&args, &run(&args));
        let file = folder.join(format!("{name}.txt"));
        if bless {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &found).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if expected == found {
            return Vec::new();
        }
        let at = expected
            .lines()
            .zip(found.lines())
            .position(|(a, b)| a != b)
            .unwrap_or(expected.lines().count().min(found.lines().count()));
        let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_string();
        vec![format!(
            "tests/cli/{name}.txt, line {}:\n  expected {}\n  found    {}",
            at + 1,
            line(&expected),
            line(&found)
        )]
    });
    assert_none(&wrong);
    let named: BTreeSet<String> = SNAPSHOTS.iter().map(|(name, _)| format!("{name}.txt")).collect();
    assert_eq!(named.len(), SNAPSHOTS.len(), "two snapshots of one name");
    let there = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    assert_eq!(there.collect::<BTreeSet<_>>(), named, "files in tests/cli/ and snapshots differ");
}

#[test]
fn every_page_of_help_fits_the_screen_and_says_where_the_codes_are() {
    for (name, line) in SNAPSHOTS.iter().filter(|(name, _)| name.starts_with("help")) {
        let output = run(&arguments(line));
        let text = String::from_utf8(output.stdout).unwrap();
        let wide = text.lines().find(|line| line.chars().count() > 100);
        assert_eq!((output.status.code(), wide), (Some(0), None), "{name}");
    }
}

#[test]
fn completions_and_manual() {
    let first = |args: &[&str]| {
        let output = run(args);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let bash = first(&["completions", "bash"]);
    assert_eq!(bash.lines().next(), Some("_portcullis() {"));
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(first(&["completions", shell]).contains("portcullis"), "{shell}");
    }
    let manual = first(&["man"]);
    let heads: Vec<&str> = manual.lines().filter(|line| line.starts_with(".TH ")).collect();
    assert!(heads[0].starts_with(".TH portcullis 1"), "{heads:?}");
    for verb in ["inspect", "verify", "dsse", "key"] {
        assert!(
            heads.iter().any(|head| head.contains(&format!("portcullis-{verb} "))),
            "no page for {verb}: {heads:?}"
        );
    }
}

// ---- where output goes ---------------------------------------------------------------------------------------------

fn bundle(case: &str) -> PathBuf {
    let folder = root().join("fixtures").join(case);
    let is_bundle = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("devportal-offline") || name.starts_with("release.") || name.starts_with("envelope.")
    };
    let mut found = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(is_bundle);
    found.next().unwrap_or_else(|| panic!("{case} holds no bundle"))
}

fn trust() -> Vec<String> {
    arguments("{trust} --at {at}")
}

/// `verb input`, with the trusted key and the clock of the fixtures.
fn trusted(verb: &[&str], input: &Path, more: &[&str]) -> Vec<String> {
    let mut args: Vec<String> = verb.iter().map(|word| word.to_string()).collect();
    args.push(input.to_string_lossy().into_owned());
    args.extend(trust());
    args.extend(more.iter().map(|word| word.to_string()));
    args
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}"))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_report_in_a_file_is_there_whole_or_not_at_all() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("report.json");
    let target = file.to_str().unwrap();
    let input = bundle("devportal/good-envelope-beside");
    let to_stdout = run(&trusted(&["verify"], &input, &["--json"]));

    let output = run(&trusted(&["verify"], &input, &["--json", "--output", target]));
    assert_eq!((code(&output), output.stdout.len(), output.stderr.len()), (0, 0, 0));
    assert_eq!(fs::read(&file).unwrap(), to_stdout.stdout);
    assert_eq!(names(temp.path()), ["report.json"]);

    fs::write(&file, "mine").unwrap();
    let output = run(&trusted(&["verify"], &input, &["--output", target]));
    assert_eq!(code(&output), 4);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--force"), "{output:?}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    let output = run(&trusted(&["verify"], &input, &["--json", "--output", target]));
    assert_eq!(json(&output).unwrap()["verdict"], "error");

    let output = run(&trusted(&["verify"], &input, &["--json", "--output", target, "--force"]));
    assert_eq!((code(&output), fs::read(&file).unwrap()), (0, to_stdout.stdout));
    assert_eq!(names(temp.path()), ["report.json"]);
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_the_output_is_not_written_through() {
    let temp = tempfile::tempdir().unwrap();
    let (target, link) = (temp.path().join("target"), temp.path().join("link"));
    fs::write(&target, "mine").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let input = bundle("devportal/good-envelope-beside");
    assert_eq!(code(&run(&trusted(&["verify"], &input, &["--output", link.to_str().unwrap()]))), 4);
    assert_eq!(code(&run(&trusted(&["verify"], &input, &["--force", "--output", link.to_str().unwrap()]))), 0);
    assert_eq!(fs::read(&target).unwrap(), b"mine");
    // A link that leads nowhere exists all the same.
    let nowhere = temp.path().join("nowhere");
    std::os::unix::fs::symlink(temp.path().join("absent"), &nowhere).unwrap();
    assert_eq!(code(&run(&trusted(&["verify"], &input, &["--output", nowhere.to_str().unwrap()]))), 4);
    assert!(!temp.path().join("absent").exists());
}

/// Everything below a folder, with its content.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(|entry| entry.unwrap().into_path());
    files.map(|path| (path.clone(), fs::read(&path).unwrap_or_default())).collect()
}

/// What is read is not written over or added to, whether it was named, found beside an input, or lies in a folder.
#[test]
fn outputs_keep_away_from_what_is_read() {
    let temp = tempfile::tempdir().unwrap();
    let at = |name: &str| temp.path().join(name).to_str().unwrap().to_string();
    fs::copy(bundle("devportal/good-envelope-beside"), at("in.tgz")).unwrap();
    let beside = root().join("fixtures/devportal/good-envelope-beside/manifest.dsse.json");
    fs::copy(&beside, at("manifest.dsse.json")).unwrap();
    fs::create_dir_all(at("tree/folder")).unwrap();
    fs::write(at("tree/SHA256SUMS"), "").unwrap();
    std::os::unix::fs::symlink("folder", at("tree/link")).unwrap();
    std::os::unix::fs::symlink(at("tree/folder"), at("way-in")).unwrap();
    fs::copy(root().join("fixtures/dsse/good-ed25519/envelope.dsse.json"), at("envelope")).unwrap();
    fs::copy(root().join("keys-example/ed25519.pub.pem"), at("key.pem")).unwrap();
    fs::create_dir(at("metadata")).unwrap();
    fs::create_dir(at("out")).unwrap();
    let before = content(temp.path());
    let refused = |line: &[&str]| {
        let output = run(&[line, &["--force"]].concat());
        let message = String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(code(&output), 2, "{line:?}: {output:?}");
        assert!(message.contains("give another name"), "{line:?}: {message}");
        assert!(content(temp.path()) == before, "{line:?} changed something");
    };
    let (input, tree) = (at("in.tgz"), at("tree"));
    let verbs: [&[&str]; 4] =
        [&["inspect", &input], &["verify", &input], &["diff", &tree, &input], &["unpack", &input, "--to", &at("new")]];
    for verb in verbs {
        for name in ["manifest.dsse.json", "in.tgz.sha256", "in.manifest.json", "signatures/trivy-db.sig", "cosign.pub"]
        {
            refused(&[verb, &["--output", &at(name)]].concat());
        }
    }
    for verb in [&["inspect", &tree][..], &["verify", &tree], &["diff", &tree, &input], &["diff", &input, &tree]] {
        for name in ["tree", "tree/report.txt", "tree/folder/report.txt", "tree/link", "way-in/report.txt"] {
            refused(&[verb, &["--output", &at(name)]].concat());
        }
    }
    refused(&["verify", &input, "--base", &tree, "--output", &at("tree/report.txt")]);
    for name in ["envelope", "key.pem"] {
        refused(&["dsse", "verify", &at("envelope"), "--key", &at("key.pem"), "--payload-out", &at(name)]);
    }
    let tuf = ["tuf", "verify", "--metadata-dir", &at("metadata"), "--tuf-root", &at("key.pem")];
    for option in ["--output", "--probe-log", "--out"] {
        refused(&[&tuf[..], &[option, &at("metadata/new")]].concat());
    }
    refused(&[&tuf[..], &["--output", &at("key.pem")]].concat());
    // Where nothing is looked for, a name is a name like any other; beside a folder is not in it.
    let done = run(&["inspect", &input, "--no-sidecars", "--output", &at("in.tgz.sha256")]);
    assert_eq!(code(&done), 0, "{done:?}");
    assert_eq!(code(&run(&["inspect", &tree, "--output", &at("tree-report.txt")])), 0);
}

/// What is open already is written to, whatever it is, and its name stays what it was.
#[cfg(target_os = "linux")]
#[test]
fn open_files_are_written_to_and_never_replaced() {
    use std::io::Write as _;
    let temp = tempfile::tempdir().unwrap();
    let (file, link) = (temp.path().join("file"), temp.path().join("link"));
    std::os::unix::fs::symlink("/proc/self/fd/1", &link).unwrap();
    let input = bundle("devportal/good-envelope-beside");
    let report = run(&trusted(&["verify"], &input, &["--json"])).stdout;
    for target in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", link.to_str().unwrap()] {
        for force in [&[][..], &["--force"]] {
            let mut out = fs::File::create(&file).unwrap();
            out.write_all(b"before\n").unwrap();
            let args = trusted(&["verify"], &input, &[&["--json", "--output", target][..], force].concat());
            let ended = program().args(&args).stdout(out.try_clone().unwrap()).output().unwrap();
            out.write_all(b"after\n").unwrap();
            assert_eq!((code(&ended), ended.stderr.len()), (0, 0), "{target}: {ended:?}");
            assert_eq!(fs::read(&file).unwrap(), [b"before\n", &report[..], b"after\n"].concat(), "{target} {force:?}");
        }
        assert_eq!(names(temp.path()), ["file", "link"], "{target}");
    }
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("/proc/self/fd/1"));
    let ended = program()
        .args(trusted(&["verify"], &input, &["--json", "--output", "/dev/stderr"]))
        .stderr(fs::File::create(&file).unwrap())
        .output()
        .unwrap();
    assert_eq!((code(&ended), fs::read(&file).unwrap()), (0, report));
    // Nothing is made among devices, whoever asks for it.
    for target in ["/dev/portcullis-report", "/proc/self/comm"] {
        let ended = run(&trusted(&["verify"], &input, &["--force", "--output", target]));
        assert_eq!(code(&ended), 4, "{target}: {ended:?}");
        assert!(String::from_utf8_lossy(&ended.stderr).contains("below /dev and /proc"), "{ended:?}");
    }
    assert!(!Path::new("/dev/portcullis-report").exists());
}

#[test]
fn outputs_that_cannot_be_written_are_errors_of_the_environment() {
    let temp = tempfile::tempdir().unwrap();
    let input = bundle("devportal/good-envelope-beside");
    let missing = temp.path().join("missing/report.json");
    for target in [missing.as_path(), temp.path(), Path::new("/"), Path::new("")] {
        let output = run(&trusted(&["verify"], &input, &["--output", target.to_str().unwrap()]));
        assert!([4, 2].contains(&code(&output)) && !output.stderr.is_empty(), "{target:?}: {output:?}");
    }
    assert!(names(temp.path()).is_empty());
    if let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") {
        for (args, expected) in [
            (trusted(&["verify"], &input, &[]), 4),
            (trusted(&["verify"], &input, &["--json"]), 4),
            (arguments("inspect {dp}/good-tar/devportal-offline-bundle.tar --json"), 4),
            (arguments("key show {keys}/ed25519.pub.pem"), 4),
            (arguments("completions bash"), 4),
            (arguments("man"), 4),
        ] {
            let output = program().args(&args).stdout(full.try_clone().unwrap()).output().unwrap();
            assert_eq!(code(&output), expected, "{args:?}: {output:?}");
            assert!(!output.stderr.is_empty(), "{args:?}");
        }
        // What cannot even be complained about.
        let output = program().args(["verify", "/no/such/file"]).stderr(full).output().unwrap();
        assert_eq!(code(&output), 4);
    }
}

#[test]
fn a_closed_standard_output_is_no_failure() {
    let lines = [
        ("verify {dp}/entry-altered/devportal-offline-bundle.tgz {trust} --at {at} --entries", 20),
        ("verify {dp}/good-tar/devportal-offline-bundle.tar {trust} --at {at} --json", 0),
        ("verify {dp}/no-such-file --json", 4),
        ("inspect {dp}/good-tar/devportal-offline-bundle.tar", 0),
        ("dsse verify {dsse}/good-ed25519/envelope.dsse.json {trust}", 0),
        ("key show {keys}/trusted.jwks.json", 0),
        ("completions zsh", 0),
        ("man", 0),
        ("--help", 0),
        ("--version", 0),
    ];
    for (line, expected) in lines {
        // The reading end is closed before the program starts to write.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = program().args(arguments(line)).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), expected, "{line}: {output:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{line}: {output:?}");
    }
}

#[test]
fn a_payload_is_written_only_when_it_is_authenticated() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("payload");
    let out = ["--payload-out", file.to_str().unwrap()];
    let good = bundle("dsse/good-ed25519");
    for (case, expected) in [("dsse/payload-altered", 21), ("dsse/signed-by-stranger", 21), ("dsse/not-json", 21)] {
        assert_eq!(code(&run(&trusted(&["dsse", "verify"], &bundle(case), &out))), expected, "{case}");
    }
    let unproven = ["dsse", "verify", good.to_str().unwrap(), out[0], out[1]];
    assert_eq!(code(&run(&unproven)), 3);
    let other = [out[0], out[1], "--payload-type", "application/other"];
    assert_eq!(code(&run(&trusted(&["dsse", "verify"], &good, &other))), 21);
    assert!(names(temp.path()).is_empty(), "something was written");
    assert_eq!(code(&run(&trusted(&["dsse", "verify"], &good, &out))), 0);
    assert_eq!(fs::read(&file).unwrap(), br#"{"statement": "example"}"#);
    assert_eq!(code(&run(&trusted(&["dsse", "verify"], &good, &out))), 4, "an existing file");
    assert_eq!(names(temp.path()), ["payload"]);
}

// ---- what comes in -------------------------------------------------------------------------------------------------

#[test]
fn standard_input_is_an_input_like_any_other() {
    for case in ["good-envelope-inside", "good-tar", "good-zstd-frames", "good-gzip-members"] {
        let file = bundle(&format!("devportal/{case}"));
        let bytes = fs::read(&file).unwrap();
        let sidecar = file.with_file_name("manifest.dsse.json");
        let mut args = trusted(&["verify"], Path::new("-"), &["--json"]);
        if sidecar.exists() {
            args.extend(["--sidecar".into(), sidecar.to_string_lossy().into_owned()]);
        }
        let output = run_with_input(&args, &bytes);
        let report = json(&output).unwrap();
        assert_eq!((code(&output), &report["verdict"]), (0, &"verified".into()), "{case}");
        let from_file = json(&run(&trusted(&["verify"], &file, &["--json"]))).unwrap();
        for same in ["content_digest", "summary", "entries", "authentication"] {
            assert_eq!(report[same], from_file[same], "{case}: {same}");
        }
        let half = run_with_input(&args, &bytes[..bytes.len() / 2]);
        assert_eq!(code(&half), 24, "{case}, cut short");
    }
    let envelope = fs::read(bundle("dsse/good-ed25519")).unwrap();
    assert_eq!(code(&run_with_input(&trusted(&["dsse", "verify"], Path::new("-"), &[]), &envelope)), 0);
    assert_eq!(code(&run_with_input(&trusted(&["dsse", "verify"], Path::new("-"), &[]), b"")), 21);
    assert_eq!(code(&run_with_input(&trusted(&["verify"], Path::new("-"), &[]), b"")), 24);
}

#[cfg(unix)]
#[test]
fn inputs_that_cannot_be_read_are_errors_of_the_environment() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("bundle.tgz");
    fs::copy(bundle("devportal/good-envelope-inside"), &file).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&file).is_err() {
        // Whoever may read everything cannot be shown this.
        assert_eq!(code(&run(&trusted(&["verify"], &file, &[]))), 4);
        assert_eq!(code(&run(&["inspect".as_ref(), file.as_os_str()])), 4);
    }
    assert_eq!(code(&run(&["dsse".as_ref(), "verify".as_ref(), temp.path().as_os_str()])), 4);
    let sidecar = temp.path().join("no-such-sidecar").to_string_lossy().into_owned();
    let good = bundle("devportal/good-envelope-inside");
    assert_eq!(code(&run(&trusted(&["verify"], &good, &["--sidecar", &sidecar]))), 4);
    let socket = temp.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert_eq!(code(&run(&trusted(&["verify"], &socket, &[]))), 4);
}

#[test]
fn keys_that_are_none_are_usage() {
    let temp = tempfile::tempdir().unwrap();
    let input = bundle("devportal/good-envelope-inside");
    let private = root().join("keys-example/ed25519.key.pem");
    let contents: [&[u8]; 5] =
        [b"", b"\0\0\0\0", b"-----BEGIN PUBLIC KEY-----\n", b"{\"keys\": []}", &fs::read(private).unwrap()];
    for (number, content) in contents.iter().enumerate() {
        let file = temp.path().join(format!("key-{number}"));
        fs::write(&file, content).unwrap();
        let output = run(&["verify", input.to_str().unwrap(), "--key", file.to_str().unwrap()]);
        assert_eq!(code(&output), 2, "{number}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    let empty = temp.path().join("key-0");
    assert_eq!(code(&run(&["verify", input.to_str().unwrap(), "--hmac-key", empty.to_str().unwrap()])), 2);
    assert_eq!(code(&run(&["verify", input.to_str().unwrap(), "--key", temp.path().to_str().unwrap()])), 2);
}

// ---- manners -------------------------------------------------------------------------------------------------------

#[test]
fn progress_events_are_one_object_a_line() {
    let input = bundle("devportal/good-envelope-beside");
    let events = |output: &Output| -> Vec<serde_json::Value> {
        let text = String::from_utf8(output.stderr.clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
    };
    let output = run(&trusted(&["verify"], &input, &["--progress", "json", "--json"]));
    let found = events(&output);
    let words: Vec<&str> =
        found.iter().filter_map(|event| event["event"].as_str()).filter(|word| *word != "progress").collect();
    assert_eq!((code(&output), words), (0, vec!["started", "artifact_ready", "completed"]));
    assert_eq!(found.last().unwrap()["verdict"], "verified");
    let last = found.iter().find(|event| event["event"] == "artifact_ready").unwrap();
    assert_eq!(last["bytes"], last["bytes_total"], "{last}");
    assert_eq!((&last["percent"], &last["entries"]), (&100.0.into(), &11.into()), "{last}");
    assert_eq!(json(&output).unwrap()["verdict"], "verified");

    let altered = bundle("devportal/entry-altered");
    let found = events(&run(&trusted(&["verify"], &altered, &["--progress", "json", "--json"])));
    let last = found.last().unwrap();
    assert_eq!((&last["event"], &last["verdict"]), (&"failed".into(), &"failed".into()), "{last}");

    let output = run(&["inspect", "/no/such/\u{202e}file", "--progress", "json"]);
    assert_eq!((code(&output), hostile(&output.stderr)), (4, None));
    let lines = String::from_utf8(output.stderr).unwrap();
    let words: Vec<String> = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|event| event["event"].as_str().map(str::to_string))
        .collect();
    assert_eq!(words, ["started", "failed"]);

    for quiet in ["never", "auto"] {
        assert!(run(&trusted(&["verify"], &input, &["--progress", quiet])).stderr.is_empty(), "--progress {quiet}");
    }
    assert_eq!(code(&run(&trusted(&["verify"], &input, &["--progress", "always"]))), 0);
}

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for() {
    let input = bundle("devportal/good-envelope-beside");
    let coloured = |options: &[&str], no_color: Option<&str>| {
        let mut command = program();
        command.args(trusted(&["verify"], &input, options));
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        command.output().unwrap().stdout.contains(&0x1b)
    };
    assert!(!coloured(&[], None), "a pipe is no terminal");
    assert!(!coloured(&["--color", "never"], None));
    assert!(coloured(&["--color", "always"], None));
    assert!(coloured(&["--color", "always"], Some("1")), "what is typed goes before what is set");
    assert!(!coloured(&["--color", "auto"], Some("1")));
    assert!(!coloured(&["--color", "always", "--json"], None), "JSON has no colour");
}

#[cfg(unix)]
#[test]
fn hostile_file_names_on_the_command_line_do_not_reach_the_terminal() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let temp = tempfile::tempdir().unwrap();
    let hostile_names: [&[u8]; 4] =
        [b"a\x1b[2K\rVERIFIED", b"b\nVERIFIED  bundle.tgz", "c\u{202e}zgt".as_bytes(), b"d\xff\x9b31m"];
    for name in hostile_names {
        let path = temp.path().join(OsStr::from_bytes(name));
        let there = |path: &Path| -> Vec<Vec<std::ffi::OsString>> {
            let word = |text: &str| OsStr::new(text).to_os_string();
            let path = path.as_os_str().to_os_string();
            let good = bundle("devportal/good-envelope-inside").into_os_string();
            vec![
                vec![word("verify"), path.clone()],
                vec![word("verify"), path.clone(), word("--json")],
                vec![word("verify"), path.clone(), word("--progress"), word("json")],
                vec![word("inspect"), path.clone()],
                vec![word("inspect"), path.clone(), word("--json")],
                vec![word("dsse"), word("verify"), path.clone()],
                vec![word("key"), word("show"), path.clone()],
                vec![word("verify"), good.clone(), word("--key"), path.clone()],
                vec![word("verify"), good.clone(), word("--sidecar"), path.clone()],
                // Refused by the parser, which repeats what it was given.
                vec![word("verify"), good.clone(), path.clone()],
                vec![word("verify"), good.clone(), path.clone(), word("--json")],
                vec![word("verify"), good.clone(), word("--max-age"), path.clone()],
                vec![word("verify"), good, word("--kind"), path.clone()],
                vec![path],
            ]
        };
        for exists in [false, true] {
            if exists {
                fs::copy(bundle("devportal/wrong-key-given"), &path).unwrap();
            }
            for args in there(&path) {
                let output = run(&args);
                let shown =
                    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
                assert_eq!((hostile(&output.stdout), hostile(&output.stderr)), (None, None), "{args:?}:\n{shown}");
                assert!(!shown.lines().any(|line| line.starts_with("VERIFIED")), "{args:?}:\n{shown}");
            }
        }
    }
}

#[test]
fn no_line_of_text_is_wider_than_the_page() {
    let temp = tempfile::tempdir().unwrap();
    let name = "wide-\u{6f22}\u{5b57}-".repeat(16);
    let file = temp.path().join(&name);
    for case in [
        "devportal/unlisted-name-bidi",
        "devportal/path-too-long",
        "devportal/good-extra-allowed",
        "plain/intact-long-name-pax-path",
    ] {
        fs::copy(bundle(case), &file).unwrap();
        for verb in ["inspect", "verify"] {
            let output = run(&[verb.as_ref(), file.as_os_str(), "--entries".as_ref()]);
            let text = String::from_utf8(output.stdout).unwrap();
            let wide = text.lines().find(|line| unicode_width::UnicodeWidthStr::width(*line) > 100);
            assert_eq!(wide, None, "{verb} {case}");
        }
    }
}
