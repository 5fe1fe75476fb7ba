//! The floors of the house: a floor uses those below it, never one above; the lower three touch nothing but values; only the
//! command line reads the clock. Read from the source text, comments and string literals aside.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

/// From the bottom.
const FLOORS: [&str; 6] = ["format", "trust", "bundle", "pipeline", "report", "cli"];
/// Floors that are values in, values out.
const PURE: [&str; 3] = ["format", "trust", "bundle"];
/// What those floors do without.
const IMPURE: [&str; 18] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::os",
    "std::thread",
    "SystemTime",
    "Instant",
    "stdin(",
    "stdout(",
    "stderr(",
    "println!",
    "print!",
    "eprintln!",
    "eprint!",
    "dbg!",
    "rustix::",
    "walkdir::",
];
/// What reads a clock.
const CLOCKS: [&str; 5] = ["SystemTime", "Instant", "Timestamp::now", "Zoned::now", "UNIX_EPOCH)"];
const MAX_LINES: usize = 600;

struct Source {
    name: String,
    floor: Option<usize>,
    text: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let sources: Vec<Source> = files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            let top = name.split(['/', '.']).next().unwrap();
            let floor = FLOORS.iter().position(|floor| *floor == top);
            assert!(floor.is_some() || ["lib", "main"].contains(&top), "{name} stands on no floor");
            let text = std::fs::read_to_string(&path).unwrap();
            Source { code: code_of(&text), name, floor, text }
        })
        .collect();
    for (floor, name) in FLOORS.iter().enumerate() {
        assert!(sources.iter().any(|source| source.floor == Some(floor)), "there is no floor {name}");
    }
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    for path in found {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The text with comments, string literals and character literals blanked; line ends stay.
fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match (chars[at], chars.get(at + 1)) {
            ('/', Some('/')) => line_end(&chars, at),
            ('/', Some('*')) => comment_end(&chars, at),
            ('"', _) => string_end(&chars, at),
            ('r', Some('"' | '#')) if !code.ends_with(|c: char| c.is_alphanumeric() || c == '_') => raw_end(&chars, at),
            ('\'', _) => character_end(&chars, at),
            _ => at,
        };
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.push(' ');
            code.extend(chars[at..end].iter().filter(|c| **c == '\n'));
            at = end;
        }
    }
    code
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length)
}

fn comment_end(chars: &[char], at: usize) -> usize {
    (at + 2..chars.len()).find(|end| chars[end - 1] == '*' && chars[*end] == '/').map_or(chars.len(), |end| end + 1)
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut end = at + 1;
    while end < chars.len() && chars[end] != '"' {
        end += if chars[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(chars.len())
}

/// `r"…"` or `r#"…"#`; `r#name` is no string.
fn raw_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    let closes =
        |end: usize| chars[end] == '"' && chars[end + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    (at + 2 + hashes..chars.len()).find(|end| closes(*end)).map_or(chars.len(), |end| end + 1 + hashes)
}

/// A character literal; a lifetime is none.
fn character_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => (at + 3..chars.len()).find(|end| chars[*end] == '\'').map_or(chars.len(), |end| end + 1),
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// Every floor that `code` names by a path from the root of the crate, with the line.
fn named_floors(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for start in ["crate::", "portcullis::"] {
        for (at, _) in code.match_indices(start) {
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let line = code[..at].matches('\n').count() + 1;
            let rest = &code[at + start.len()..];
            found.extend(
                heads(rest)
                    .into_iter()
                    .filter_map(|head| Some((FLOORS.iter().position(|floor| *floor == head)?, line))),
            );
        }
    }
    found
}

/// The first names of a path, or of each branch of `{a::b, c}`.
fn heads(rest: &str) -> Vec<&str> {
    let name = |text: &str| text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let Some(group) = rest.strip_prefix('{') else { return vec![&rest[..name(rest)]] };
    let (mut depth, mut heads, mut start) = (0, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                heads.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    heads.into_iter().map(str::trim).map(|branch| &branch[..name(branch)]).collect()
}

/// `word` in `code`, where it is not a part of a longer name.
fn uses(code: &str, word: &str) -> Option<usize> {
    let found = code.match_indices(word).find(|(at, _)| {
        let open = word.ends_with(|c: char| c.is_alphanumeric());
        let after = code[at + word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let before = code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        !(before || open && after)
    });
    found.map(|(at, _)| code[..at].matches('\n').count() + 1)
}

/// `std::{fs, env}` says the same as `std::fs` and `std::env`.
fn grouped(code: &str, word: &str) -> Option<usize> {
    let (start, last) = word.rsplit_once("::")?;
    code.match_indices(&format!("{start}::{{")).find_map(|(at, found)| {
        let rest = &code[at + found.len() - 1..];
        heads(rest).contains(&last).then(|| code[..at].matches('\n').count() + 1)
    })
}

#[test]
fn no_floor_uses_one_above_it() {
    for source in sources() {
        for (floor, line) in named_floors(&source.code) {
            let own = source.floor.unwrap_or(FLOORS.len());
            assert!(floor <= own, "src/{}:{line} uses {}, which lies above it", source.name, FLOORS[floor]);
        }
        assert!(!source.code.contains("crate::*"), "src/{} imports everything", source.name);
    }
}

#[test]
fn the_lower_floors_touch_nothing_but_values() {
    for source in sources().iter().filter(|source| source.floor.is_some_and(|floor| PURE.contains(&FLOORS[floor]))) {
        if source.name.ends_with("tests.rs") {
            continue;
        }
        let code = source.code.split("#[cfg(test)]\nmod ").next().unwrap();
        for word in IMPURE {
            if let Some(line) = uses(code, word).or(grouped(code, word)) {
                panic!("src/{}:{line} uses {word}", source.name);
            }
        }
    }
}

#[test]
fn only_the_command_line_reads_the_clock() {
    for source in sources().iter().filter(|source| source.floor.is_some_and(|floor| FLOORS[floor] != "cli")) {
        for word in CLOCKS {
            assert_eq!(uses(&source.code, word), None, "src/{} uses {word}", source.name);
        }
    }
}

#[test]
fn only_the_command_line_and_the_pipeline_use_the_environment() {
    for source in sources().iter().filter(|source| source.floor.is_some_and(|floor| FLOORS[floor] == "report")) {
        for word in ["std::fs", "std::env", "std::process", "stdout(", "stderr(", "println!", "eprintln!"] {
            assert_eq!(uses(&source.code, word), None, "src/{} uses {word}", source.name);
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= MAX_LINES, "src/{} has {lines} lines; {MAX_LINES} are enough", source.name);
    }
}

#[test]
fn the_reader_of_sources_sees_what_it_should() {
    let code =
        code_of("a(\"crate::cli\"); // crate::cli\n/* crate::cli */ 'x' b'\\'' r#\"crate::cli\"# &'a str r#type");
    assert!(
        !code.contains("cli") && code.contains("&'a str") && code.contains("r#type") && code.contains('\n'),
        "{code}"
    );
    let floors = |code: &str| named_floors(code).into_iter().map(|(floor, _)| FLOORS[floor]).collect::<Vec<_>>();
    assert_eq!(
        floors("use crate::{bundle::{links, portable}, cli::run};\nuse crate::format;"),
        ["bundle", "cli", "format"]
    );
    assert_eq!(floors("crate::report::text::write(x); super::crate_cli::y(); crate::formatting::z()"), ["report"]);
    assert_eq!(uses("let a = env!(\"X\"); my_println!()", "println!"), None);
    assert_eq!(uses("\nlet t = std::time::Instant::now();", "Instant"), Some(2));
    assert_eq!(grouped("use std::{io, fs::File};", "std::fs"), Some(1));
    assert_eq!(grouped("use std::{io, fmt};", "std::fs"), None);
}
