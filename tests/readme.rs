//! README.md is run: every command in it exits as it says and prints what it shows, none goes on after a bad bundle, every
//! number, option and link in it is real. The cases that the threat model names are there too.
//!
//! In blocks marked `sh` and `console` a command ends with `# exit N` where its exit code is not 0. In `console` blocks
//! commands begin with `$ `, the output follows, and a line `...` stands for any lines.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use portcullis::bundle::{KINDS, encryption};
use portcullis::format::{blob_signature, checksums, dsse, json, limits::Limits, oci, path, yaml};
use portcullis::trust::check::Class;
use portcullis::trust::{identity, key, sealed, signature};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::RwLock;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_portcullis");

/// Held while a program is started, and by itself while one is written: a process that is just being made by another test still
/// has the file open for writing, and the kernel then refuses to run it ("text file busy").
static STARTING: RwLock<()> = RwLock::new(());

/// Runs a program to its end.
fn output_of(command: &mut Command) -> Output {
    let started = {
        let _held = STARTING.read().expect("no other test panics here");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    };
    started.and_then(Child::wait_with_output).expect("the program runs")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

// ---- the blocks of the page ----------------------------------------------------------------------------------------

/// One command of the page, its lines joined by line feeds.
struct Recipe {
    line: usize,
    script: String,
    exit: i32,
    /// What a `console` block shows below it.
    output: Option<Vec<String>>,
}

impl Recipe {
    fn new(line: usize, script: &str, output: Option<Vec<String>>) -> Recipe {
        let exit = script.rsplit_once("# exit ").map_or(0, |(_, code)| {
            code.trim().parse().unwrap_or_else(|error| panic!("README.md:{line}: exit {code:?}: {error}"))
        });
        Recipe { line, script: script.to_owned(), exit, output }
    }

    /// Whether it gives a verdict about an input: everything but `key show` and `cargo test`.
    fn judges(&self) -> bool {
        ["verify ", "inspect "].iter().any(|verb| self.script.contains(verb))
    }

    /// The folders of test cases that it reads from.
    fn cases(&self) -> BTreeSet<PathBuf> {
        let named = self.script.split_whitespace().filter(|word| word.starts_with("fixtures/"));
        named.map(|word| Path::new(word).components().take(3).collect()).collect()
    }

    /// The inputs that it names, as paths from the root of the project.
    fn inputs(&self) -> BTreeSet<&str> {
        let lone_envelope = self.script.contains("dsse verify");
        let words = self.script.split_whitespace();
        words.filter(|word| word.starts_with("fixtures/") && word.ends_with(".dsse.json") == lone_envelope).collect()
    }
}

/// Whether the shell waits for more after this line.
fn goes_on(line: &str) -> bool {
    ["\\", "&&", "||", "|"].iter().any(|end| line.ends_with(end))
}

/// All `sh` and `console` blocks, as the commands in them.
fn blocks() -> Vec<Vec<Recipe>> {
    let page = read("README.md");
    let mut lines = page.lines().enumerate().map(|(index, line)| (index + 1, line));
    let mut blocks = Vec::new();
    while let Some((_, fence)) = lines.next() {
        let Some(kind @ ("sh" | "console" | "text")) = fence.strip_prefix("```") else {
            assert!(!fence.starts_with("```"), "a block is marked {fence:?}; use sh, console or text");
            continue;
        };
        let block: Vec<(usize, &str)> = lines.by_ref().take_while(|(_, line)| *line != "```").collect();
        match kind {
            "sh" => blocks.push(shell_block(&block)),
            "console" => blocks.push(console_block(&block)),
            _ => {}
        }
    }
    blocks
}

/// The first command of `block`, over as many lines as it has, and how many those are.
fn first_command(block: &[(usize, &str)]) -> (String, usize) {
    let count = block.iter().position(|(_, line)| !goes_on(line)).map_or(block.len(), |last| last + 1);
    (block[..count].iter().map(|(_, line)| *line).collect::<Vec<_>>().join("\n"), count)
}

fn shell_block(mut block: &[(usize, &str)]) -> Vec<Recipe> {
    let mut recipes = Vec::new();
    while let Some((line, _)) = block.first() {
        let (script, count) = first_command(block);
        recipes.push(Recipe::new(*line, &script, None));
        block = &block[count..];
    }
    recipes
}

fn console_block(mut block: &[(usize, &str)]) -> Vec<Recipe> {
    let mut recipes = Vec::new();
    while let Some((line, text)) = block.first() {
        assert!(text.starts_with("$ "), "README.md:{line}: a transcript begins with a command");
        let (script, count) = first_command(block);
        block = &block[count..];
        let length = block.iter().position(|(_, line)| line.starts_with("$ ")).unwrap_or(block.len());
        let output = block[..length].iter().map(|(_, line)| (*line).to_owned()).collect();
        recipes.push(Recipe::new(*line, &script[2..], Some(output)));
        block = &block[length..];
    }
    recipes
}

// ---- where they run ------------------------------------------------------------------------------------------------

/// A copy of what the commands read, so that nothing is written into the project.
struct Workplace {
    folder: TempDir,
    tools: TempDir,
}

impl Workplace {
    fn new(block: &[Recipe]) -> Workplace {
        let place = Workplace {
            folder: tempfile::tempdir().expect("a temporary folder"),
            tools: tempfile::tempdir().expect("a temporary folder"),
        };
        let cases: BTreeSet<PathBuf> = block.iter().flat_map(Recipe::cases).collect();
        for name in cases.into_iter().chain(["keys-example".into()]) {
            copy(&root().join(&name), &place.folder.path().join(&name));
        }
        // The program under test takes the place of what the commands would build.
        place.tool("portcullis", &format!("exec '{BINARY}' \"$@\""));
        place.tool(
            "cargo",
            &format!("if [ \"$1 $2 $3\" = 'run --release --' ]; then shift 3; exec '{BINARY}' \"$@\"; fi"),
        );
        place
    }

    fn tool(&self, name: &str, script: &str) {
        let path = self.tools.path().join(name);
        let _held = STARTING.write().expect("no other test panics here");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a script that runs");
    }

    /// Changes one byte of every input that the commands of `block` name.
    fn spoil(&self, block: &[Recipe]) {
        for input in block.iter().flat_map(Recipe::inputs).collect::<BTreeSet<_>>() {
            let path = first_file(self.folder.path().join(input));
            let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let spoilt = spoilt(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            std::fs::write(&path, spoilt).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    /// Exit code, and standard output followed by standard error.
    fn run(&self, script: &str) -> (Option<i32>, String) {
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let tools = std::iter::once(self.tools.path().to_path_buf()).chain(std::env::split_paths(&inherited));
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(self.folder.path());
        let output = output_of(command.env("PATH", std::env::join_paths(tools).expect("a search path")));
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).expect("the program writes UTF-8"))
    }

    /// Files that were not there at the beginning.
    fn new_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in walkdir::WalkDir::new(self.folder.path()) {
            let entry = entry.expect("the temporary folder can be read");
            let name = entry.path().strip_prefix(self.folder.path()).unwrap_or(entry.path());
            if entry.file_type().is_file() && !name.starts_with("fixtures") && !name.starts_with("keys-example") {
                found.push(name.to_path_buf());
            }
        }
        found
    }
}

/// The same with one byte changed: in the content of the first file of an archive, which other tools then unpack without
/// complaint; in the payload of an envelope; in the middle of everything else.
fn spoilt(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let change = |bytes: &mut [u8], at: usize| bytes[at] = if bytes[at] == b'A' { b'B' } else { bytes[at] ^ 1 };
    if bytes.starts_with(b"\x1f\x8b") {
        let mut archive = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut archive)?;
        change(&mut archive, 512);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&archive)?;
        return packed.finish();
    }
    let payload = bytes.windows(11).position(|part| part == b"\"payload\": ").map(|at| at + 20);
    let mut bytes = bytes.to_vec();
    let at = payload.unwrap_or(bytes.len() / 2);
    change(&mut bytes, at);
    Ok(bytes)
}

fn first_file(path: PathBuf) -> PathBuf {
    let files = walkdir::WalkDir::new(&path).sort_by_file_name().into_iter().flatten();
    files.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).next().unwrap_or(path)
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("the project can be read");
        let target = to.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        let outcome = if entry.file_type().is_dir() {
            std::fs::create_dir_all(&target)
        } else {
            std::fs::copy(entry.path(), &target).map(|_| ())
        };
        outcome.unwrap_or_else(|error| panic!("{}: {error}", target.display()));
    }
}

/// Whether `found` is what `shown` says, where a line `...` stands for any lines.
fn fits(shown: &[String], found: &[&str]) -> bool {
    match shown.split_first() {
        None => found.is_empty(),
        Some((dots, rest)) if dots == "..." => (0..=found.len()).any(|skip| fits(rest, &found[skip..])),
        Some((line, rest)) => found.split_first().is_some_and(|(first, found)| line == first && fits(rest, found)),
    }
}

// ---- commands ------------------------------------------------------------------------------------------------------

#[test]
fn commands_exit_and_print_as_written() {
    let blocks = blocks();
    let failures = blocks.iter().flatten().filter(|recipe| recipe.output.is_some() && recipe.exit != 0).count();
    assert!(failures > 0, "no transcript of a failure");
    for block in &blocks {
        let place = Workplace::new(block);
        for Recipe { line, script, exit, output } in block {
            let (code, text) = place.run(script);
            assert_eq!(code, Some(*exit), "README.md:{line}: {script}\n{text}");
            if let Some(shown) = output {
                let found: Vec<&str> = text.lines().collect();
                assert!(fits(shown, &found), "README.md:{line}: shown is\n{}\n\nfound is\n{text}", shown.join("\n"));
            }
        }
    }
}

#[test]
fn no_command_accepts_a_bad_bundle() {
    for recipe in blocks().iter().flatten().filter(|recipe| recipe.judges()) {
        let Recipe { line, script, .. } = recipe;
        assert!(!recipe.inputs().is_empty(), "README.md:{line}: {script}: no input below fixtures/");
        let place = Workplace::new(std::slice::from_ref(recipe));
        place.spoil(std::slice::from_ref(recipe));
        let (code, text) = place.run(script);
        let shows_only = script.contains("inspect ");
        assert!(shows_only || code.is_some_and(|code| code != 0), "README.md:{line}: {script}\n{text}");
    }
}

/// A whole block is given to a shell that goes on after failures: what it leaves must not come from the bad bundle.
#[test]
fn no_block_goes_on_after_a_bad_bundle() {
    for block in blocks().iter().filter(|block| block.iter().any(Recipe::judges)) {
        let place = Workplace::new(block);
        place.spoil(block);
        let script: Vec<&str> = block.iter().map(|recipe| recipe.script.as_str()).collect();
        place.run(&script.join("\n"));
        let inputs = block.iter().flat_map(Recipe::inputs).filter_map(|input| Path::new(input).file_name());
        let copies: Vec<_> = inputs.chain(["manifest.dsse.json".as_ref()]).collect();
        for file in place.new_files() {
            let copied = file.file_name().is_some_and(|name| copies.contains(&name));
            let record = std::fs::read_to_string(place.folder.path().join(&file)).unwrap_or_default();
            let report = record.contains("\"verdict\": \"failed\"");
            let line = block[0].line;
            assert!(copied || report, "README.md:{line}: {} comes from a bad bundle", file.display());
        }
    }
}

#[test]
fn the_two_commands_to_begin_with_come_first() {
    let blocks = blocks();
    let first: Vec<&str> = blocks.iter().flatten().take(2).map(|recipe| recipe.script.as_str()).collect();
    assert!(first[0].starts_with("cargo run --release -- verify "), "{}", first[0]);
    assert_eq!(first[1], "cargo test");
}

// ---- what the page says --------------------------------------------------------------------------------------------

/// The cells of all table rows of the page.
fn rows(page: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    page.lines().filter(|line| line.starts_with("| ")).map(cells).collect()
}

#[test]
fn limits_are_those_of_the_program() {
    let page = read("README.md");
    let written: BTreeMap<String, (String, String)> = rows(&page)
        .into_iter()
        .filter(|row| row.len() == 4)
        .map(|row| (row[0].clone(), (row[1].clone(), row[2].clone())))
        .collect();
    let expected: [(&str, u64, &str); 23] = [
        ("decoded bytes in all", Limits::MAX_BYTES, "--max-bytes"),
        ("entries in all", Limits::MAX_ENTRIES, "--max-entries"),
        ("decoded bytes for each compressed one", Limits::MAX_RATIO, "--max-ratio"),
        ("decoded bytes before the ratio counts", Limits::RATIO_GRACE, "--max-ratio"),
        ("containers inside one another", u64::from(Limits::MAX_DEPTH), "--max-depth"),
        ("zstd window, bytes", Limits::MAX_WINDOW, "--max-window"),
        ("one document (manifest, list, envelope), bytes", Limits::MAX_DOCUMENT, "fixed"),
        ("all documents together, bytes", Limits::MAX_DOCUMENTS, "fixed"),
        ("one PAX or GNU extension header, bytes", Limits::MAX_EXTENSION, "fixed"),
        ("name of an entry, bytes", path::MAX_PATH as u64, "fixed"),
        ("nesting of JSON", json::MAX_DEPTH as u64, "fixed"),
        ("line of a checksum list, bytes", checksums::MAX_LINE as u64, "fixed"),
        ("signatures in one envelope", dsse::MAX_SIGNATURES as u64, "fixed"),
        ("one OCI index or manifest, bytes", oci::MAX_JSON, "fixed"),
        ("key file, bytes", key::MAX_FILE_BYTES as u64, "fixed"),
        ("keys in one file", key::MAX_KEYS as u64, "fixed"),
        ("encrypted file, bytes", sealed::MAX_SEALED as u64, "fixed"),
        ("recipients of an encrypted bundle", encryption::MAX_RECIPIENTS as u64, "fixed"),
        ("identity file, bytes", identity::MAX_IDENTITY_FILE as u64, "fixed"),
        ("identities in one file", identity::MAX_IDENTITIES as u64, "fixed"),
        ("manifest.yaml, bytes", yaml::MAX_BYTES as u64, "fixed"),
        ("detached signature, bytes", blob_signature::MAX_BYTES as u64, "fixed"),
        ("shared secret, least bytes", signature::MIN_SECRET_BYTES as u64, "fixed"),
    ];
    for (name, value, option) in expected {
        let Some((number, how)) = written.get(name) else { panic!("README.md has no limit {name:?}") };
        let (plain, rounded) = number.split_once(" (").map_or((number.as_str(), None), |(a, b)| (a, Some(b)));
        assert_eq!(plain.replace(',', ""), value.to_string(), "{name}");
        if let Some(rounded) = rounded {
            let unit = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)]
                .iter()
                .find_map(|(unit, shift)| rounded.contains(unit).then_some(*shift))
                .unwrap_or(0);
            assert_eq!(rounded.split(' ').next(), Some((value >> unit).to_string().as_str()), "{name}");
        }
        assert!(how.contains(option), "{name}: {how}");
    }
    let prose = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(prose.contains(&format!("RSA from {} bits", key::MIN_RSA_BITS)));
}

#[test]
fn exit_codes_are_those_of_the_program() {
    let page = read("README.md");
    let written: BTreeMap<String, String> =
        rows(&page).into_iter().filter(|row| row.len() == 3).map(|row| (row[0].clone(), row[1].clone())).collect();
    let mut classes = [
        Class::Container,
        Class::Signature,
        Class::Tuf,
        Class::Transparency,
        Class::Integrity,
        Class::Freshness,
        Class::Sequence,
    ];
    classes.sort_unstable();
    for class in classes {
        let name = written.get(&class.exit_code().to_string());
        assert_eq!(name, Some(&format!("`{}`", class.name())), "{}", class.exit_code());
    }
    let order: Vec<String> = classes.iter().map(|class| class.exit_code().to_string()).collect();
    assert!(page.contains(&format!("| {} |", order.join(", "))), "the order of the classes is {order:?}");
}

#[test]
fn kinds_verbs_and_options_are_those_of_the_program() {
    let page = read("README.md");
    for kind in KINDS {
        assert!(page.contains(&format!("| `{}` |", kind.id())), "README.md has no kind {}", kind.id());
    }
    let help = |verb: &[&str]| {
        let output = output_of(Command::new(BINARY).args(verb).arg("--help"));
        assert!(output.status.success(), "{verb:?}");
        String::from_utf8(output.stdout).expect("the program writes UTF-8")
    };
    let verbs: [&[&str]; 11] = [
        &["inspect"],
        &["verify"],
        &["unpack"],
        &["diff"],
        &["dsse", "verify"],
        &["revocation", "verify"],
        &["key", "show"],
        &["trust", "show"],
        &["selftest"],
        &["completions"],
        &["man"],
    ];
    for verb in verbs {
        assert!(page.contains(&format!("| `portcullis {}", verb.join(" "))), "README.md has no verb {verb:?}");
    }
    let known: String = verbs.iter().map(|verb| help(verb)).collect();
    let foreign = ["--release", "--test", "--exclude"];
    for word in page.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        let option = word.len() > 2 && word.starts_with("--") && !word.starts_with("---");
        if option && !foreign.contains(&word) {
            assert!(known.contains(&format!("{word} ")) || known.contains(&format!("{word}\n")), "no option {word}");
        }
    }
}

#[test]
fn links_lead_somewhere() {
    for page in ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/design.md", "docs/threat-model.md"] {
        let folder = Path::new(page).parent().unwrap_or(Path::new(""));
        for link in read(page).split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !link.is_empty() && !link.contains(':') {
                let target = root().join(folder).join(link);
                let empty = target.read_dir().is_ok_and(|mut folder| folder.next().is_none());
                assert!(target.exists() && !empty, "{page}: {link} leads to nothing");
            }
        }
    }
}

#[test]
fn named_cases_and_tests_exist() {
    let folders: Vec<String> = std::fs::read_dir(root().join("fixtures"))
        .expect("fixtures/ is there")
        .flatten()
        .map(|entry| format!("{}/", entry.file_name().to_string_lossy()))
        .collect();
    let mut count = 0;
    for page in ["README.md", "CONTRIBUTING.md", "docs/design.md", "docs/threat-model.md"] {
        for word in read(page).split('`').skip(1).step_by(2) {
            let case = folders.iter().any(|folder| word.starts_with(folder.as_str()));
            let source = word.starts_with("tests/") || word.starts_with("src/") || word.starts_with("scripts/");
            let folder = if case { "fixtures" } else { "" };
            count += usize::from(case);
            if (case || source) && !word.contains(['*', '<', ' ']) {
                assert!(root().join(folder).join(word).exists(), "{page}: {word} is not there");
            }
        }
    }
    assert!(count > 100, "the threat model names its cases; found {count}");
}
